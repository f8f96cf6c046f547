//! The verbs of payers.

use super::problems::PAYER_OVERLAPS;
use super::store;
use super::types::{EndPayer, NewPayer, Payer, Payers};
use crate::platform::http::{FieldError, Problem};
use crate::platform::ids::{CustomerId, PayerLinkId};
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};
use serde_json::json;

pub fn list(rx: &mut Rx<'_>, customer: CustomerId) -> Result<Payers, Problem> {
    if !store::is_customer(rx, customer)? {
        return Err(Problem::not_found("customer"));
    }
    Ok(Payers { data: store::list(rx, customer)? })
}

/// From its first day on the payer's money may settle what the customer owes.
pub fn add(tx: &mut Tx<'_>, customer: CustomerId, new: &NewPayer) -> Result<Audited<Payer>, Problem> {
    store::lock(tx, customer)?;
    if !store::is_customer(tx, new.payer_id)? {
        return Err(Problem::reference("customer", "/payer_id"));
    }
    let mut errors = Vec::new();
    if new.payer_id == customer {
        errors.push(FieldError::at("/payer_id", "pays_for_itself", "A customer pays for itself anyway."));
    }
    if new.valid_to.is_some_and(|to| to < new.valid_from) {
        errors.push(FieldError::at("/valid_to", "ends_before_start", "The last day is not before the first."));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    if let Some(other) = store::overlapping(tx, customer, new)? {
        let until = other.valid_to.map_or_else(String::new, |to| format!(" until {to}"));
        let detail = format!("It pays from {}{until} already; end that first or begin after it.", other.valid_from);
        return Err(Problem::new(PAYER_OVERLAPS, detail.clone())
            .errors(vec![FieldError::at("/valid_from", "payer_overlaps", detail).received(new.valid_from)])
            .member("current", json!({"id": other.id, "valid_from": other.valid_from, "valid_to": other.valid_to})));
    }
    let id = PayerLinkId::new();
    store::insert(tx, customer, id, new)?;
    let made = store::get(tx, customer, id)?;
    Ok(tx.record(Change::new("payer.added", id.uuid()).after(&made), made))
}

/// Ends a relation, or ends it earlier.
pub fn end(tx: &mut Tx<'_>, customer: CustomerId, id: PayerLinkId, wanted: &EndPayer) -> Result<Audited<Payer>, Problem> {
    store::lock(tx, customer)?;
    let before = store::get(tx, customer, id)?;
    if let Some(ended) = before.valid_to.filter(|ended| wanted.ends_on > *ended) {
        let error = FieldError::at("/ends_on", "ends_later", "It ends earlier already; add the payer again for days after that.");
        return Err(Problem::invalid(vec![error.expected(format!("at most {ended}")).received(wanted.ends_on)]));
    }
    if wanted.ends_on < before.valid_from {
        return Err(Problem::invalid(vec![FieldError::at("/ends_on", "ends_before_start", "The last day is not before the first.").received(wanted.ends_on)]));
    }
    store::set_end(tx, id, wanted.ends_on)?;
    let after = store::get(tx, customer, id)?;
    Ok(tx.record(Change::new("payer.ended", id.uuid()).before(&before).after(&after), after))
}
