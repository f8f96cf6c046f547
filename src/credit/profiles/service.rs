//! The verbs of what is set by hand.

use super::store::{self, Set};
use super::types::CreditPatch;
use crate::control::approvals::refuse_salesperson;
use crate::credit::exposure;
use crate::credit::exposure::types::CustomerCredit;
use crate::credit::risk;
use crate::credit::risk::types::{ClassSource, RiskClass};
use crate::ledger::balances::At;
use crate::ledger::open_items::store::lock_customers;
use crate::platform::dates::plus_months;
use crate::platform::http::problem::{FieldError, Problem};
use crate::platform::http::reply::require_version;
use crate::platform::ids::CustomerId;
use crate::platform::unit_of_work::{Audited, Change, Tx};
use chrono::NaiveDate;
use serde_json::{Value, json};

fn shown(customer: CustomerId, set: &Set) -> Value {
    json!({"object": "customer_credit", "customer_id": customer, "risk_class": set.risk_class, "risk_score": set.risk_score, "watch": set.watch, "hold_all": set.hold_all, "hold_reason": set.hold_reason,
        "review_on": set.review_on, "version": set.version})
}

/// Sets class, flags and review.
pub fn change(tx: &mut Tx<'_>, customer: CustomerId, version: Option<i64>, patch: &CreditPatch) -> Result<Audited<CustomerCredit>, Problem> {
    store::get(tx, customer)?;
    lock_customers(tx, vec![customer])?;
    let before = store::get(tx, customer)?;
    require_version(version, before.version)?;
    // Who sells to a customer neither lets its orders go nor judges it (SOD-04).
    if before.hold_all && patch.hold_all == Some(false) || patch.risk_class.is_some() {
        refuse_salesperson(tx, customer)?;
    }
    let today = tx.cx().today;
    let latest = plus_months(today, 12);
    let mut errors = Vec::new();
    if let Some(on) = patch.review_on.flatten().filter(|on| *on > latest) {
        errors.push(
            FieldError::at("/review_on", "review_within_a_year", "Credit is looked at again within 12 months.")
                .expected(format!("at most {latest}"))
                .received(on),
        );
    }
    let weighty = patch.hold_all == Some(true) && !before.hold_all || patch.risk_class.flatten().is_some();
    if weighty && patch.reason.is_none() {
        errors.push(FieldError::at("/reason", "required", "Say why all orders wait, or why the class is set."));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let hold_all = patch.hold_all.unwrap_or(before.hold_all);
    let hold_reason = match (hold_all, patch.hold_all) {
        (false, _) => None,
        (true, Some(true)) => patch.reason.clone().or_else(|| before.hold_reason.clone()),
        (true, _) => before.hold_reason.clone(),
    };
    let mut set = Set {
        hold_all,
        hold_reason,
        watch: patch.watch.unwrap_or(before.watch),
        review_on: patch.review_on.unwrap_or(before.review_on),
        risk_class: before.risk_class,
        risk_score: before.risk_score,
        version: before.version,
    };
    if let Some(class) = patch.risk_class {
        let kept = risk::service::decided(tx, customer, class.map(|class| (class, ClassSource::Manual)))?;
        set.risk_class = kept;
    }
    store::put(tx, customer, &set)?;
    let after = store::get(tx, customer)?;
    let mut change =
        Change::new("customer_credit.changed", customer.uuid()).version(after.version).before(&shown(customer, &before)).after(&shown(customer, &after));
    if let Some(reason) = &patch.reason {
        change = change.reason(reason);
    }
    let answer = exposure::service::of(tx, customer, At::recorded(today), false)?;
    Ok(tx.record(change, answer))
}

/// Sets what an approved appraisal says.
pub fn appraised(tx: &mut Tx<'_>, customer: CustomerId, class: Option<RiskClass>, review_on: NaiveDate) -> Result<(), Problem> {
    let before = store::get(tx, customer)?;
    let risk_class = match class {
        Some(class) => risk::service::decided(tx, customer, Some((class, ClassSource::Appraisal)))?,
        None => before.risk_class,
    };
    store::put(tx, customer, &Set { risk_class, review_on: Some(review_on), ..before.clone() })?;
    let after = store::get(tx, customer)?;
    let _ = tx.record(
        Change::new("customer_credit.changed", customer.uuid()).version(after.version).before(&shown(customer, &before)).after(&shown(customer, &after)),
        (),
    );
    Ok(())
}
