//! The verbs of receipts.

mod cheques;
mod identifying;
mod placing;
mod recording;
mod reversal;

pub use cheques::{bounce, clear, deposit};
pub use identifying::identify;
pub use recording::{CONCEDE, lock_concerned, record};
pub use reversal::{REVERSE, reverse};

use super::store::{Head, Step};
use super::types::{Receipt, ReceiptPatch, State};
use super::{rules, store};
use crate::control::approvals;
use crate::ledger::open_items::store::lock_customers;
use crate::master_data::customers;
use crate::platform::http::problem::{self, FieldError};
use crate::platform::http::reply::require_version;
use crate::platform::http::{Problem, faults};
use crate::platform::ids::{CustomerId, ReceiptId};
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};
use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

/// Why a receipt has nothing to allocate: it is not in the books as money of somebody.
pub fn not_allocatable(rx: &mut Rx<'_>, id: Uuid) -> Result<Option<Problem>, Problem> {
    match store::head(rx, ReceiptId::of(id), false) {
        Ok(head) => Ok(Some(invalid_state(&head, "Only money of a known payer can be allocated."))),
        Err(problem) if problem.is(problem::NOT_FOUND) => Ok(None),
        Err(problem) => Err(problem),
    }
}

fn invalid_state(head: &Head, detail: &str) -> Problem {
    let status = rules::status(head.state, head.gross_settled, head.open, head.on_account);
    let allowed: Vec<_> = rules::actions(head.state, head.clearing, head.method, head.open).into_iter().map(|(action, _)| action).collect();
    Problem::new(problem::INVALID_STATE, format!("The receipt is {}. {detail}", status.as_str().replace('_', " ")))
        .member("current", json!({"status": status, "clearing": head.clearing}))
        .member("allowed_actions", allowed)
}

/// A receipt for a step, locked after every customer it concerns and those named besides.
fn lock(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, also: Vec<CustomerId>) -> Result<(Head, Receipt), Problem> {
    let owner = store::head(tx, id, false)?.customer_id;
    if also.is_empty() {
        if let Some(owner) = owner {
            lock_customers(tx, vec![owner])?;
        }
    } else {
        lock_customers(tx, also.into_iter().chain(owner).collect())?;
    }
    lock_row(tx, id, version)
}

fn lock_row(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>) -> Result<(Head, Receipt), Problem> {
    let head = store::head(tx, id, true)?;
    require_version(version, head.version + head.moves)?;
    let before = store::get(tx, id)?;
    Ok((head, before))
}

fn changed(tx: &mut Tx<'_>, id: ReceiptId, before: &Receipt, event: &'static str, reason: Option<&str>) -> Result<Audited<Receipt>, Problem> {
    approvals::subject_changed(tx, id.uuid())?;
    let after = store::get(tx, id)?;
    let mut change = Change::new(event, id.uuid()).version(after.version).before(before).after(&after);
    if let Some(reason) = reason {
        change = change.reason(reason);
    }
    Ok(tx.record(change, after))
}

/// The day of a step of a receipt.
fn step_day(wanted: Option<NaiveDate>, pointer: &str, since: NaiveDate, today: NaiveDate) -> Result<NaiveDate, Vec<FieldError>> {
    faults::step_day(pointer, wanted, since, today, ("before_document", "This is not dated before what it is about."))
}

/// Nothing that moves money changes.
pub fn update(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, patch: &ReceiptPatch) -> Result<Audited<Receipt>, Problem> {
    if let Some(metadata) = &patch.metadata {
        let errors = customers::rules::metadata_faults(metadata);
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
    }
    let (head, before) = lock(tx, id, version, Vec::new())?;
    if matches!(head.state, State::Reversed | State::Bounced) {
        return Err(invalid_state(&head, "It is taken back and stays as it is."));
    }
    let metadata = patch.metadata.as_ref().map(serde_json::to_value).transpose().map_err(|e| Problem::internal(&e))?;
    store::advance(tx, id, &Step { on_account: patch.on_account, payer_name: patch.payer_name.clone(), metadata, ..Step::default() })?;
    changed(tx, id, &before, "receipt.updated", None)
}
