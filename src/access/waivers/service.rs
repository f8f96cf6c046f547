//! The verbs of waivers.

use super::store;
use super::types::{NewWaiver, Waiver};
use crate::platform::dates::plus_months;
use crate::platform::http::{FieldError, Problem};
use crate::platform::unit_of_work::{Actor, Audited, Change, Tx};

/// Records a waiver for somebody else, for a year at most.
pub fn create(tx: &mut Tx<'_>, new: &NewWaiver) -> Result<Audited<Waiver>, Problem> {
    let today = tx.cx().today;
    let latest = plus_months(today, 12);
    let mut errors = Vec::new();
    if !(today..=latest).contains(&new.expires_on) {
        let error = FieldError::at("/expires_on", "expiry_out_of_range", "A waiver ends within a year.");
        errors.push(error.expected(format!("{today} to {latest}")).received(new.expires_on));
    }
    if tx.cx().actor == Actor::User(new.user_id.uuid()) {
        errors.push(FieldError::at("/user_id", "self_waiver", "Nobody waives a rule for themselves."));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    if !store::is_member(tx, new.user_id)? {
        return Err(Problem::reference("user", "/user_id"));
    }
    let waiver = store::insert(tx, new)?;
    Ok(tx.record(Change::new("sod_waiver.created", waiver.id.uuid()).after(&waiver).reason(&new.reason), waiver))
}
