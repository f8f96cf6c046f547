//! Issued → cancelled.

use super::super::order::{Form, Kind, Verb};
use super::super::problems;
use super::super::store::{self, Stored};
use super::super::types::{CancelInvoice, InvoiceStatus};
use super::issuing::ask;
use super::{invalid_state, load, record};
use crate::billing::irns::{self, types::Record};
use crate::control::approvals::{Approved, Gate};
use crate::ledger::{self, DocumentKind, Unwind};
use crate::platform::dates::Instant;
use crate::platform::http::reply::require_version;
use crate::platform::http::{Problem, faults};
use crate::platform::ids::InvoiceId;
use crate::platform::unit_of_work::{Audited, Context, Tx};
use chrono::NaiveDate;
use serde_json::json;

/// Issued → cancelled: a dated mirror entry that settles the document. The number stays used. What a credit
/// note settles opens again. Above the band, or for those who may only ask, another person approves it.
pub fn cancel<F: Form>(tx: &mut Tx<'_>, id: InvoiceId, version: Option<i64>, wanted: &CancelInvoice) -> Result<Audited<F::Answer>, Problem> {
    let before = cancellable::<F>(tx, id)?;
    require_version(version, before.version + before.settled.moves)?;
    let early = ("before_document", "A document is not cancelled before it is posted.");
    let on = faults::step_day("/cancelled_on", wanted.cancelled_on, before.posting_date, tx.cx().today, early).map_err(Problem::invalid)?;
    let payload = json!({"cancelled_on": on, "reason": wanted.reason});
    match ask(tx, F::CANCEL, &before, Some(&wanted.reason), payload, F::answer)? {
        Gate::Open => cancel_now::<F>(tx, &before, on, &wanted.reason),
        Gate::Pending(approval) => {
            let after = Stored { approval: Some(approval), ..before.clone() };
            Ok(record::<F>(tx, Verb::CancelRequested, &before, &after, Some(&wanted.reason)))
        }
    }
}

pub fn cancel_approved<F: Form>(tx: &mut Tx<'_>, asked: &Approved) -> Result<(), Problem> {
    let before = cancellable::<F>(tx, InvoiceId::of(asked.subject))?;
    let on = serde_json::from_value(asked.payload["cancelled_on"].clone()).map_err(|e| Problem::internal(&e))?;
    let _ = cancel_now::<F>(tx, &before, on, asked.payload["reason"].as_str().unwrap_or_default())?;
    Ok(())
}

/// A document that can be cancelled, with everybody it concerns locked.
fn cancellable<F: Form>(tx: &mut Tx<'_>, id: InvoiceId) -> Result<Stored, Problem> {
    let kind = F::KIND;
    load(tx, kind, id, false)?;
    ledger::lock_parties(tx, id.uuid())?;
    let stored = load(tx, kind, id, true)?;
    if let Some(record) = stored.einvoice.as_ref().filter(|record| record.stands()) {
        return Err(registered(&stored, record, tx.cx()));
    }
    let detail = match kind {
        _ if stored.status != InvoiceStatus::Issued => format!("Only an issued {} can be cancelled.", kind.name()),
        Kind::CreditNote if !stored.settled.refunded.is_zero() => "Of the credit note something was paid out; reverse the refund first.".to_owned(),
        Kind::Invoice | Kind::DebitNote if stored.settled.open != stored.total => {
            format!("The {} is settled in part or whole; reverse its allocations, or credit it by a note.", kind.name())
        }
        // What a note took back of it would be taken back twice.
        _ if !stored.notes.is_empty() => "Notes against the invoice are issued or wait for approval; cancel or withdraw them first.".to_owned(),
        _ => return Ok(stored),
    };
    let problem = invalid_state(&stored, tx.cx(), detail);
    Err(if stored.notes.is_empty() { problem } else { problem.member("notes", json!(stored.notes)) })
}

/// A document the portal holds is cancelled there first, and only for some hours (CGST Rules r.48(4)).
fn registered(stored: &Stored, record: &Record, cx: &Context) -> Problem {
    let until = record.cancellable_until().filter(|until| *until >= cx.now);
    let detail = match (until, stored.kind) {
        (Some(until), _) => {
            format!("Cancel it at the portal, which it does until {}, and record that: POST /v1/einvoices/{}/cancellation.", Instant(until), stored.id)
        }
        (None, Kind::Invoice) => "The portal no longer cancels it; correct it by a credit note.".to_owned(),
        (None, _) => "The portal no longer cancels it; correct it by another note.".to_owned(),
    };
    Problem::new(problems::EINVOICE_REGISTERED, detail).member("current", json!({"einvoice": irns::view(stored, cx)}))
}

fn cancel_now<F: Form>(tx: &mut Tx<'_>, before: &Stored, on: NaiveDate, reason: &str) -> Result<Audited<F::Answer>, Problem> {
    ledger::unwind(tx, &Unwind { document: before.id.uuid(), kind: DocumentKind::Cancellation, on, reason })?;
    store::mark_cancelled(tx, before.id, on, reason)?;
    let after = load(tx, F::KIND, before.id, false)?;
    Ok(record::<F>(tx, Verb::Cancelled, before, &after, Some(reason)))
}
