//! What happens to orders by time and by payment: amounts held free come free, releases end, and held orders go once
//! the rules no longer hold them.

use super::types::{CheckStatus, HoldStatus, Stage};
use super::{holds, store};
use crate::credit::limits::store::companies;
use crate::credit::policy;
use crate::ledger::open_items::store::lock_customers;
use crate::platform::http::Problem;
use crate::platform::ids::{CompanyId, OrderHoldId};
use crate::platform::unit_of_work::{Change, Doors, Tx, run_system, run_system_read};
use rust_decimal::Decimal;
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Companies where something may wait, and when all were looked at.
struct Noted {
    companies: HashSet<CompanyId>,
    swept: Option<Instant>,
}
static NOTED: Mutex<Option<Noted>> = Mutex::new(None);

/// What was seen of the customers of waiting orders when they were last looked at, by company.
type Seen = HashMap<CompanyId, HashMap<OrderHoldId, String>>;

/// Notes that orders of a company wait for something.
pub fn note(company: CompanyId) {
    if let Ok(mut noted) = NOTED.lock() {
        noted.get_or_insert_with(|| Noted { companies: HashSet::new(), swept: None }).companies.insert(company);
    }
}

/// The companies noted; now and then all of them, as other processes take orders too.
fn due(doors: &Doors) -> Result<HashSet<CompanyId>, Problem> {
    const SWEEP: Duration = Duration::from_secs(300);
    let (mut found, all) = match NOTED.lock() {
        Ok(mut noted) => {
            let noted = noted.get_or_insert_with(|| Noted { companies: HashSet::new(), swept: None });
            let all = noted.swept.is_none_or(|at| at.elapsed() >= SWEEP);
            if all {
                noted.swept = Some(Instant::now());
            }
            (std::mem::take(&mut noted.companies), all)
        }
        Err(_) => (HashSet::new(), true),
    };
    if all {
        found.extend(run_system_read(doors, None, "listCompanies", companies)?);
    }
    Ok(found)
}

/// The background step.
pub fn step() -> impl Fn(&Doors) -> Result<(), Problem> + Send {
    let seen = Mutex::new(Seen::new());
    move |doors| match seen.lock() {
        Ok(mut seen) => run(doors, &mut seen),
        Err(_) => Ok(()),
    }
}

/// One round over the companies where something may wait.
fn run(doors: &Doors, seen: &mut Seen) -> Result<(), Problem> {
    for company in due(doors)? {
        let waits = match look(doors, company, seen.entry(company).or_default()) {
            Ok(waits) => waits,
            Err(problem) => {
                tracing::warn!(%company, %problem, "orders of a company could not be looked at; they will be again");
                true
            }
        };
        if waits {
            note(company);
        } else {
            seen.remove(&company);
        }
    }
    Ok(())
}

fn look(doors: &Doors, company: CompanyId, seen: &mut HashMap<OrderHoldId, String>) -> Result<bool, Problem> {
    while run_system(doors, Some(company), "expireCreditChecks", expire)? {}
    let waiting = run_system_read(doors, Some(company), "lookAtOrderHolds", store::waiting)?;
    for (hold, now) in &waiting {
        if seen.get(hold) == Some(now) {
            continue;
        }
        run_system(doors, Some(company), "lookAtOrderHold", |tx| holds::look_again(tx, *hold))?;
        seen.insert(*hold, now.clone());
    }
    seen.retain(|hold, _| waiting.iter().any(|(waits, _)| waits == hold));
    run_system_read(doors, Some(company), "waitingOrders", store::waits)
}

/// Frees what was held free for too long. Whether more may be left.
fn expire(tx: &mut Tx<'_>) -> Result<bool, Problem> {
    let lapsed = store::lapsed(tx)?;
    lock_customers(tx, lapsed.iter().map(|(_, customer)| *customer).collect())?;
    let (now, today) = (tx.cx().now, tx.cx().today);
    for (id, _) in &lapsed {
        let before = store::check(tx, *id)?;
        if !before.lapsed(now) {
            continue;
        }
        let policy = policy::at_version(tx, before.policy_version)?;
        let shown = before.answer(&policy.content, tx.cx())?;
        let stands = !(before.ordered + before.delivered).is_zero();
        let status = if stands { before.status } else { CheckStatus::Expired };
        let after = store::Check { status, reserved: Decimal::ZERO, freed: before.freed + before.reserved, ..before.clone() };
        store::moved(tx, &after, &[(Stage::Reserved, -before.reserved)], None)?;
        let answer = store::check(tx, *id)?.answer(&policy.content, tx.cx())?;
        let _ = tx.record(Change::new("credit_check.expired", id.uuid()).version(answer.version).before(&shown).after(&answer), ());
        if !stands {
            for hold in store::holds_of(tx, &before.order_id, today - chrono::Duration::days(400))?
                .iter()
                .filter(|hold| hold.check_id == *id && hold.status == HoldStatus::Released)
            {
                holds::close(tx, hold, HoldStatus::Expired, None)?;
            }
        }
    }
    Ok(lapsed.len() == 200)
}
