//! The verbs of credit policies.

use super::rules::faults;
use super::store;
use super::types::{CreditPolicy, NewCreditPolicy, PolicyQuery};
use crate::ledger::balances::At;
use crate::platform::http::reply::require_version;
use crate::platform::http::{FieldError, Problem};
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};

pub fn get(rx: &mut Rx<'_>, query: &PolicyQuery) -> Result<CreditPolicy, Problem> {
    let today = rx.cx().today;
    match query.version {
        Some(version) => store::at_version(rx, version),
        None => store::in_force(rx, At::recorded(query.as_of.unwrap_or(today))),
    }
}

/// Adds a version. Orders judged before keep the one they were judged by.
pub fn replace(tx: &mut Tx<'_>, version: Option<i64>, new: &NewCreditPolicy) -> Result<Audited<CreditPolicy>, Problem> {
    let newest = store::newest(tx)?;
    require_version(version, newest)?;
    let before = store::at_version(tx, newest)?;
    let content = new.over(store::house()?.content);
    let today = tx.cx().today;
    let from = new.effective_from.unwrap_or(today);
    let mut errors = faults(&content);
    if from < today {
        let detail = "What was decided before is not judged by another policy.";
        errors.push(FieldError::at("/effective_from", "before_today", detail).expected(format!("at least {today}")).received(from));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let id = store::insert(tx, newest + 1, from, &content, new.reason.as_deref().unwrap_or_default())?;
    let after = store::at_version(tx, newest + 1)?;
    Ok(tx.record(Change::new("credit_policy.changed", id.uuid()).version(after.version).before(&before).after(&after), after))
}
