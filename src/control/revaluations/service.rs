//! The verbs of revaluation.

use super::posting::{mirror, posting};
use super::store::{self, Open, Worth};
use super::types::{NewRevaluation, Revaluation};
use crate::control::close::{Check, Finding};
use crate::ledger;
use crate::master_data::exchange_rates::problems::EXCHANGE_RATE_MISSING;
use crate::master_data::exchange_rates::service::rate_on;
use crate::platform::dates::plus_days;
use crate::platform::http::faults;
use crate::platform::http::problem::{FieldError, Problem};
use crate::platform::ids::RevaluationId;
use crate::platform::money::{Currency, round};
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Of a month to be closed: what is open in other currencies is valued at its last day.
pub const REVALUED: Check = Check {
    task: "foreign_items_revalued",
    blocking: true,
    about: "Open items in other currencies are revalued at the end of the month.",
    find: |rx, period| not_revalued(rx, period.ends_on),
};

fn not_revalued(rx: &mut Rx<'_>, as_of: NaiveDate) -> Result<Vec<Finding>, Problem> {
    let mut findings = Vec::new();
    for open in store::open(rx, as_of)? {
        let label = match worth(rx, &open, as_of) {
            Ok(worth) if worth.to_post().is_zero() => continue,
            Ok(worth) => format!("{} of {} is not posted", rx.cx().currency().amount(worth.to_post()).0, open.currency),
            Err(problem) if problem.is(EXCHANGE_RATE_MISSING) => format!("No rate of {} for {as_of}", open.currency),
            Err(problem) => return Err(problem),
        };
        findings.push(Finding { r#type: "currency", id: open.currency, label });
    }
    Ok(findings)
}

/// What is open in a currency at the rate of the day; what is not open any more needs none.
fn worth(rx: &mut Rx<'_>, open: &Open, as_of: NaiveDate) -> Result<Worth, Problem> {
    let currency = Currency::parse(&open.currency).ok_or_else(|| Problem::internal(&"an item without currency"))?;
    let rate = if open.amount.is_zero() { Decimal::ONE } else { rate_on(rx, currency, None, as_of)? };
    let value = round(open.amount * rate, rx.cx().currency().exponent());
    Ok(Worth { currency, rate, open_amount: open.amount, open_base: open.base, value, posted_before: open.posted })
}

/// Values what is open on a day; posts what is not posted yet, and takes it back the next day.
pub fn create(tx: &mut Tx<'_>, new: &NewRevaluation) -> Result<Audited<Revaluation>, Problem> {
    tx.reads_widely()?;
    if let Some(fault) = faults::in_future("/as_of", new.as_of, tx.cx().today) {
        return Err(Problem::invalid(vec![fault]));
    }
    store::lock(tx)?;
    let mut worths = Vec::new();
    let mut missing = Vec::new();
    for open in store::open(tx, new.as_of)? {
        match worth(tx, &open, new.as_of) {
            Ok(worth) => worths.push(worth),
            Err(problem) if problem.is(EXCHANGE_RATE_MISSING) => missing.push(open.currency),
            Err(problem) => return Err(problem),
        }
    }
    if !missing.is_empty() {
        let detail = format!("Record a rate for {} of: {}.", new.as_of, missing.join(", "));
        return Err(Problem::new(EXCHANGE_RATE_MISSING, detail.clone())
            .errors(vec![FieldError::at("/as_of", "exchange_rate_missing", detail).received(new.as_of)])
            .member("currencies", missing));
    }
    let id = RevaluationId::new();
    let entries = if worths.iter().all(|worth| worth.to_post().is_zero()) {
        None
    } else {
        let gain = posting(id, new.as_of, tx.cx().currency(), &worths);
        let entry = ledger::post(tx, &gain)?;
        Some((entry, ledger::post(tx, &mirror(&gain, entry, plus_days(new.as_of, 1)))?))
    };
    store::insert(tx, id, new.as_of, entries, &worths)?;
    let made = store::get(tx, id)?;
    Ok(tx.record(Change::new("revaluation.posted", id.uuid()).after(&made), made))
}
