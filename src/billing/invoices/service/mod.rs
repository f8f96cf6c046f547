//! The verbs of billing documents, the same for every kind: a kind differs by its [`Form`] and its [`Kind`].

mod cancelling;
mod drafts;
mod issuing;
mod readying;

pub use cancelling::{cancel, cancel_approved};
pub use drafts::{create, create_all, create_by_right, delete, preview, update};
pub use issuing::{issue, issue_approved, returned, version};
pub use readying::lock_rows;

use super::explanation;
use super::order::{Form, Kind, Verb};
use super::rules;
use super::store::{self, Stored};
use super::types::{DocumentQuery, InvoiceFilter, InvoiceStatus, InvoiceSummary, NewInvoice, ShippingBill};
use super::view::{self, days_overdue, status_of};
use crate::control::close::Check;
use crate::platform::http::Problem;
use crate::platform::http::problem;
use crate::platform::http::reply::require_version;
use crate::platform::ids::InvoiceId;
use crate::platform::money::Currency;
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::{Audited, Change, Context, Rx, Tx};
use serde_json::json;

/// Of a month to be closed: drafts of it will not be issued with their date.
pub const NO_DRAFTS: Check = Check {
    task: "drafts_of_the_month",
    blocking: false,
    about: "No draft is dated in the month or before.",
    find: |rx, period| store::drafts_until(rx, period.ends_on),
};

fn load(rx: &mut Rx<'_>, kind: Kind, id: InvoiceId, lock: bool) -> Result<Stored, Problem> {
    store::get(rx, kind, id, lock)?.ok_or_else(|| Problem::not_found(kind.as_str()))
}

pub fn get<F: Form>(rx: &mut Rx<'_>, id: InvoiceId, query: &DocumentQuery) -> Result<F::Answer, Problem> {
    let stored = load(rx, F::KIND, id, false)?;
    let mut answer = F::answer(&stored, rx.cx());
    F::document(&mut answer).explanation = query.explains().then(|| explanation::of(&stored));
    Ok(answer)
}

fn invalid_state(stored: &Stored, cx: &Context, detail: impl Into<String>) -> Problem {
    let document = view::document(stored, cx);
    let payment_status = status_of(stored.status, stored.total, stored.settled.open, !stored.settled.written_off.is_zero());
    Problem::new(problem::INVALID_STATE, detail)
        .member("current", json!({"status": document.status, "payment_status": payment_status}))
        .member("allowed_actions", document.allowed_actions)
}

fn record<F: Form>(tx: &mut Tx<'_>, verb: Verb, before: &Stored, after: &Stored, reason: Option<&str>) -> Audited<F::Answer> {
    let (was, is) = (F::answer(before, tx.cx()), F::answer(after, tx.cx()));
    let mut change = Change::new(F::KIND.event(verb), after.id.uuid()).version(after.version + after.settled.moves).before(&was).after(&is);
    if let Some(reason) = reason {
        change = change.reason(reason);
    }
    tx.record(change, is)
}

/// Records the shipping bill of an issued export, or another in its place: customs gives it when the goods leave.
pub fn record_shipping_bill(
    tx: &mut Tx<'_>,
    id: InvoiceId,
    version: Option<i64>,
    bill: &ShippingBill,
) -> Result<Audited<<NewInvoice as Form>::Answer>, Problem> {
    let before = load(tx, Kind::Invoice, id, true)?;
    if before.status != InvoiceStatus::Issued {
        let detail = format!("The invoice is {}; of a draft the shipping bill is part of its content.", before.status);
        return Err(invalid_state(&before, tx.cx(), detail));
    }
    require_version(version, before.version + before.settled.moves)?;
    if let Some(fault) = rules::shipping_fault(Some(bill), before.supply, before.date, tx.cx().today, "") {
        return Err(Problem::invalid(vec![fault]));
    }
    store::record_shipping(tx, id, &rules::in_capitals(bill))?;
    let after = load(tx, Kind::Invoice, id, false)?;
    Ok(record::<NewInvoice>(tx, Verb::Shipped, &before, &after, None))
}

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &InvoiceFilter) -> Result<Page<InvoiceSummary>, Problem> {
    let (today, base) = (rx.cx().today, rx.cx().currency());
    Ok(store::list(rx, paging, filter)?.map(|row| {
        let currency = Currency::parse(&row.currency).unwrap_or(base);
        let days = days_overdue(row.status, row.oldest_due, today);
        InvoiceSummary {
            id: row.id,
            object: "invoice",
            number: row.number,
            external_id: row.external_id,
            status: row.status,
            payment_status: status_of(row.status, row.grand_total, row.open, row.written_off),
            customer_id: row.customer_id,
            customer_name: row.customer_name,
            currency: row.currency,
            invoice_date: row.invoice_date,
            due_date: row.due_date,
            grand_total: currency.amount(row.grand_total),
            balance_due: currency.amount(row.open),
            is_overdue: days > 0,
            days_overdue: days,
            version: row.version + row.moves,
        }
    }))
}
