//! A receipt is taken back: as a posting error, or by the bank.

use super::super::store;
use super::super::store::{Head, Step};
use super::super::types::{Receipt, ReverseReceipt, State};
use super::{changed, invalid_state, lock, step_day};
use crate::cash::tds;
use crate::control::approvals::rules::Band;
use crate::control::approvals::{self, Action, Approved, Gate, Request};
use crate::ledger::open_items::store::lock_items_of;
use crate::ledger::{self, DocumentKind, Unwind, lock_parties};
use crate::platform::http::Problem;
use crate::platform::ids::{OpenItemId, ReceiptId};
use crate::platform::unit_of_work::{Audited, Change, Tx};
use chrono::NaiveDate;
use serde_json::Value;

/// Reversing a receipt, for those who may only ask.
pub static REVERSE: Action = Action {
    name: "receipt.reverse",
    kind: "receipts",
    permission: "receipts:approve",
    direct: "receipts:reverse",
    bars_cash_handlers: false,
    bars_salesperson: false,
    bands: &[Band::above(0)],
    parties: approvals::of_document,
    version: |rx, asked| {
        let head = store::head(rx, ReceiptId::of(asked.subject), false)?;
        Ok(head.version + head.moves)
    },
    execute: |tx, asked| {
        let wanted: ReverseReceipt = serde_json::from_value(asked.payload.clone()).map_err(|e| Problem::internal(&e))?;
        reverse_now(tx, ReceiptId::of(asked.subject), None, &wanted).map(|_| ())
    },
    reject: |_: &mut Tx<'_>, _: &Approved| Ok(()),
};

/// A posting error: mirror entries of the given date, every allocation taken back with what it earned.
pub fn reverse(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, wanted: &ReverseReceipt) -> Result<Audited<Receipt>, Problem> {
    lock_parties(tx, id.uuid())?;
    let (head, before) = lock(tx, id, version, Vec::new())?;
    require_standing(&head)?;
    let in_base =
        ledger::journal::standing(tx, id.uuid())?.iter().flat_map(|e| &e.lines).filter_map(|line| line.base.filter(|_| line.customer.is_some())).sum();
    let request = Request {
        action: &REVERSE,
        subject: id.uuid(),
        version: before.version,
        customer: head.customer_id,
        amount: in_base,
        makers: vec![head.created_by.clone()],
        reason: Some(&wanted.reason),
        before: serde_json::to_value(&before).unwrap_or_default(),
        after: Value::Null,
        payload: serde_json::to_value(wanted).map_err(|e| Problem::internal(&e))?,
    };
    if let Gate::Pending(approval) = approvals::gate_unless_direct(tx, &request)? {
        let asked = Receipt { approval_id: Some(approval), ..before };
        return Ok(tx.record(Change::new("receipt.reversal_requested", id.uuid()).version(asked.version).after(&asked).reason(&wanted.reason), asked));
    }
    reverse_now(tx, id, version, wanted)
}

fn reverse_now(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, wanted: &ReverseReceipt) -> Result<Audited<Receipt>, Problem> {
    lock_parties(tx, id.uuid())?;
    let (head, before) = lock(tx, id, version, Vec::new())?;
    require_standing(&head)?;
    let on = step_day(wanted.reversed_on, "/reversed_on", head.posting_date.unwrap_or(head.receipt_date), tx.cx().today).map_err(Problem::invalid)?;
    take_back(tx, &head, on, &wanted.reason)?;
    let step = Step { state: Some(State::Reversed), ended_on: Some(on), end_reason: Some(wanted.reason.clone()), ..Step::default() };
    store::advance(tx, id, &step)?;
    changed(tx, id, &before, "receipt.reversed", Some(&wanted.reason))
}

fn require_standing(head: &Head) -> Result<(), Problem> {
    match head.state {
        State::Reversed | State::Bounced => Err(invalid_state(head, "It is taken back already.")),
        State::Held | State::Unidentified | State::Recorded => Ok(()),
    }
}

/// Out of the books, if it is in them.
pub(super) fn take_back(tx: &mut Tx<'_>, head: &Head, on: NaiveDate, reason: &str) -> Result<(), Problem> {
    if head.state == State::Held {
        return Ok(());
    }
    refuse_refunded(tx, head)?;
    ledger::unwind(tx, &Unwind { document: head.id.uuid(), kind: DocumentKind::Reversal, on, reason })?;
    tds::service::receipt_taken_back(tx, head.id, on)
}

/// Money that was paid back or booked as recovered is not taken back under its feet.
fn refuse_refunded(tx: &mut Tx<'_>, head: &Head) -> Result<(), Problem> {
    let items: Vec<OpenItemId> = lock_items_of(tx, vec![head.id.uuid()])?.into_iter().map(|item| item.id).collect();
    let paid_back = ledger::open_items::store::in_force_on(tx, &items)?.into_iter().any(|a| a.target_kind == DocumentKind::Refund);
    if paid_back { Err(invalid_state(head, "Part of it was refunded; fail the refund first.")) } else { Ok(()) }
}
