//! The verbs of refunds.

use super::problems::{DUPLICATE_REFUND_EXTERNAL_ID, REFUND_EXCEEDS_CREDIT};
use super::store::{self, Payment};
use super::types::{CancelRefund, FailRefund, MarkPaid, NewRefund, Refund, RefundSource, RefundStatus};
use crate::cash::allocations::settlement::unpostable;
use crate::control::approvals::problems::SOD_CONFLICT;
use crate::control::approvals::rules::Band;
use crate::control::approvals::{Action, Gate, Request, gate, of_request, subject_changed};
use crate::ledger::numbering::{self, NumberedKind};
use crate::ledger::open_items::contra::{Contra, settle_against, worth};
use crate::ledger::open_items::store::{lock_customers, lock_items_of};
use crate::ledger::problems::OVER_ALLOCATION;
use crate::ledger::{AccountRole, AllocationKind, DocumentKind, OpenItem, Side, Unwind, lock_parties, unwind};
use crate::master_data::bank_accounts;
use crate::platform::http::faults;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::require_version;
use crate::platform::ids::RefundId;
use crate::platform::unit_of_work::{Audited, Change, Tx};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

pub static APPROVE: Action = Action {
    name: "refund.approve",
    kind: "refunds",
    permission: "refunds:approve",
    direct: "refunds:request",
    bars_cash_handlers: true,
    bars_salesperson: false,
    bands: &[Band::to(1_000_000, 1), Band::above(2)],
    parties: of_request,
    version: |rx, asked| Ok(store::get(rx, RefundId::of(asked.subject))?.version),
    execute: |tx, asked| {
        move_to(tx, RefundId::of(asked.subject), RefundStatus::Approved, None, "refund.approved")?;
        Ok(())
    },
    reject: |tx, asked| {
        move_to(tx, RefundId::of(asked.subject), RefundStatus::Cancelled, Some("The request was rejected or withdrawn"), "refund.cancelled")?;
        Ok(())
    },
};

fn move_to(tx: &mut Tx<'_>, id: RefundId, status: RefundStatus, reason: Option<&str>, event: &'static str) -> Result<Refund, Problem> {
    let before = store::get(tx, id)?;
    let ended_on = reason.map(|_| tx.cx().today);
    store::set_status(tx, id, status, ended_on, reason)?;
    let after = store::get(tx, id)?;
    let _ = tx.record(Change::new(event, id.uuid()).version(after.version).before(&before).after(&after), ());
    Ok(after)
}

/// The open credit of a document, locked.
fn lock_credit(tx: &mut Tx<'_>, source: RefundSource, document: Uuid) -> Result<OpenItem, Problem> {
    let items = lock_items_of(tx, vec![document])?;
    items
        .into_iter()
        .find(|item| item.side == Side::Credit && item.document_kind == source.as_str())
        .ok_or_else(|| Problem::reference(source.as_str(), "/source_id"))
}

/// Asks for a refund. Nothing moves; the amount is kept free of other refunds.
pub fn request(tx: &mut Tx<'_>, new: &NewRefund) -> Result<Audited<Refund>, Problem> {
    let Some(customer) = store::owner(tx, new.source_type, new.source_id)? else {
        return Err(unpostable(tx, new.source_id, new.source_type.as_str(), "/source_id")?);
    };
    lock_customers(tx, vec![customer])?;
    if let Some(id) = store::known(tx, new.external_id.as_deref())? {
        return Err(Problem::new(DUPLICATE_REFUND_EXTERNAL_ID, DUPLICATE_REFUND_EXTERNAL_ID.title).member("current", json!({"id": id})));
    }
    let credit = lock_credit(tx, new.source_type, new.source_id)?;
    let errors = faults::amount("/amount", new.amount.0, credit.currency);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let promised = store::promised(tx, new.source_id)?;
    let left = credit.currency.amount((credit.open - promised).max(Decimal::ZERO)).0;
    if new.amount.0 > left {
        let detail = format!("Of {} {left} can be refunded; {} was asked for.", credit.document_number, new.amount.0);
        return Err(Problem::new(REFUND_EXCEEDS_CREDIT, detail.clone())
            .errors(vec![FieldError::at("/amount", "refund_exceeds_credit", detail).expected(format!("at most {left}")).received(new.amount.0)])
            .member("open_amount", credit.currency.amount(credit.open).0.to_string())
            .member("promised", credit.currency.amount(promised).0.to_string()));
    }
    let base = worth(&credit, new.amount.0, tx.cx().currency())?;
    let id = RefundId::new();
    store::insert(tx, id, new, customer, &credit.document_number, credit.currency)?;
    let asked = store::get(tx, id)?;
    let request = Request {
        action: &APPROVE,
        subject: id.uuid(),
        version: asked.version,
        customer: Some(customer),
        amount: base,
        makers: Vec::new(),
        reason: Some(&new.reason),
        before: Value::Null,
        after: serde_json::to_value(&asked).map_err(|e| Problem::internal(&e))?,
        payload: Value::Null,
    };
    if let Gate::Open = gate(tx, &request)? {
        move_to(tx, id, RefundStatus::Approved, None, "refund.approved")?;
    }
    let answer = store::get(tx, id)?;
    Ok(tx.record(Change::new("refund.requested", id.uuid()).version(answer.version).after(&answer).reason(&new.reason), answer))
}

/// A refund to act on, with its customer locked and in the version and state expected.
fn lock(tx: &mut Tx<'_>, id: RefundId, version: Option<i64>, states: &[RefundStatus]) -> Result<Refund, Problem> {
    let customer = store::get(tx, id)?.customer_id;
    lock_customers(tx, vec![customer])?;
    let refund = store::get(tx, id)?;
    require_version(version, refund.version)?;
    if states.contains(&refund.status) {
        return Ok(refund);
    }
    Err(Problem::new(problem::INVALID_STATE, format!("The refund is {}.", refund.status.as_str().replace('_', " ")))
        .member("current", json!({"status": refund.status}))
        .member("allowed_actions", json!(refund.allowed_actions)))
}

/// Posts the payment: the customer's credit against bank, by a third person.
pub fn mark_paid(tx: &mut Tx<'_>, id: RefundId, version: Option<i64>, paid: &MarkPaid) -> Result<Audited<Refund>, Problem> {
    let refund = lock(tx, id, version, &[RefundStatus::Approved])?;
    let me = tx.cx().actor.to_string();
    if refund.created_by == me || store::approvers(tx, id)?.contains(&me) {
        return Err(Problem::new(SOD_CONFLICT, "Who asked for a refund or approved it does not pay it (SOD-03).").member("rule", "SOD-03"));
    }
    let today = tx.cx().today;
    let on = paid.paid_on.unwrap_or(today);
    let errors: Vec<FieldError> = faults::in_future("/paid_on", on, today).into_iter().collect();
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let account = match paid.bank_account_id {
        Some(bank) => Some(bank_accounts::store::ledger_account(tx, bank)?.ok_or_else(|| Problem::reference("bank_account", "/bank_account_id"))?),
        None => None,
    };
    let credit = lock_credit(tx, refund.source_type, refund.source_id)?;
    if refund.amount.0 > credit.open {
        let open = credit.currency.amount(credit.open).0;
        let detail = format!("The credit of {} was used otherwise; {open} is open.", credit.document_number);
        return Err(Problem::new(OVER_ALLOCATION, detail).member("open_amount", open.to_string()));
    }
    if on < credit.settles_from {
        let detail = "Money is not paid back before it came.";
        return Err(Problem::invalid(vec![
            FieldError::at("/paid_on", "before_source", detail).expected(format!("at least {}", credit.settles_from)).received(on),
        ]));
    }
    let (registration, year, number) = numbering::take_default(tx, NumberedKind::Refund, on)?;
    let contra = Contra {
        document_kind: DocumentKind::Refund,
        document: id.uuid(),
        number: &number,
        on,
        role: AccountRole::Bank,
        account,
        kind: AllocationKind::Refund,
        rule: "refund",
        reason: &refund.reason,
    };
    settle_against(tx, &contra, &[(credit, refund.amount.0)])?;
    store::paid(tx, id, &Payment { registration, year: year.0, number: &number, utr: &paid.utr, on, bank: paid.bank_account_id })?;
    let answer = store::get(tx, id)?;
    Ok(tx.record(Change::new("refund.paid", id.uuid()).version(answer.version).before(&refund).after(&answer), answer))
}

/// Takes a payment back that the bank could not make.
pub fn fail(tx: &mut Tx<'_>, id: RefundId, version: Option<i64>, failed: &FailRefund) -> Result<Audited<Refund>, Problem> {
    store::get(tx, id)?;
    lock_parties(tx, id.uuid())?;
    let refund = lock(tx, id, version, &[RefundStatus::Paid])?;
    let today = tx.cx().today;
    let early = ("before_payment", "A payment does not fail before it was made.");
    let on = faults::step_day("/failed_on", failed.failed_on, refund.paid_on.unwrap_or(today), today, early).map_err(Problem::invalid)?;
    unwind(tx, &Unwind { document: id.uuid(), kind: DocumentKind::Reversal, on, reason: &failed.reason })?;
    store::set_status(tx, id, RefundStatus::Failed, Some(on), Some(&failed.reason))?;
    let answer = store::get(tx, id)?;
    Ok(tx.record(Change::new("refund.failed", id.uuid()).version(answer.version).before(&refund).after(&answer).reason(&failed.reason), answer))
}

/// Gives a refund up before it is paid.
pub fn cancel(tx: &mut Tx<'_>, id: RefundId, version: Option<i64>, cancelled: &CancelRefund) -> Result<Audited<Refund>, Problem> {
    let refund = lock(tx, id, version, &[RefundStatus::PendingApproval, RefundStatus::Approved])?;
    subject_changed(tx, id.uuid())?;
    let today = tx.cx().today;
    store::set_status(tx, id, RefundStatus::Cancelled, Some(today), Some(&cancelled.reason))?;
    let answer = store::get(tx, id)?;
    Ok(tx.record(Change::new("refund.cancelled", id.uuid()).version(answer.version).before(&refund).after(&answer).reason(&cancelled.reason), answer))
}
