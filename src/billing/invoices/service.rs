//! The verbs of invoices.

use super::posting::posting;
use super::problems;
use super::rules::{self, House};
use super::store::{self, Stored, payment_status};
use super::types::{
    CancelInvoice, Invoice, InvoiceAmounts, InvoiceFilter, InvoiceInstalment, InvoiceLine, InvoiceStatus, InvoiceSummary, InvoiceTotals, IssueInvoice,
    NewInvoice,
};
use crate::ledger::numbering::{self, NumberedKind};
use crate::ledger::open_items::store::lock_customers;
use crate::ledger::{self, DocumentKind, Unwind};
use crate::master_data::customers::problems::CUSTOMER_INACTIVE;
use crate::master_data::customers::reference::NamesCustomer;
use crate::platform::dates::{Instant, month_label};
use crate::platform::http::problem::{self, FieldError};
use crate::platform::http::reply::require_version;
use crate::platform::http::{Problem, faults};
use crate::platform::ids::{CustomerId, InvoiceId};
use crate::platform::money::{Amount, Currency, Quantity, Rate, UnitPrice, pad};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::{Audited, Change, Context, Rx, Tx};
use rust_decimal::Decimal;
use serde_json::json;

/// Creates a draft, or issues at once.
pub fn create(tx: &mut Tx<'_>, new: &NewInvoice) -> Result<Audited<Invoice>, Problem> {
    let (ground, priced) = priced(tx, new, None)?;
    let mut stored = Stored::of(InvoiceId::new(), new, &ground, &priced, tx.cx().currency().code(), tx.cx().actor.to_string(), tx.cx().now);
    if new.issue {
        may_issue(tx)?;
        issue_now(tx, &mut stored, new, &priced)?;
    } else {
        let year = tx.cx().fiscal_year(stored.invoice_date).0;
        store::insert(tx, &stored, year, new)?;
    }
    let action = if new.issue { "invoice.issued" } else { "invoice.created" };
    let invoice = answer(&stored, tx.cx());
    Ok(tx.record(Change::new(action, stored.id.uuid()).after(&invoice), invoice))
}

/// Prices without keeping anything: no id, no number.
pub fn preview(tx: &mut Tx<'_>, new: &NewInvoice) -> Result<Invoice, Problem> {
    let (ground, priced) = priced(tx, new, None)?;
    let stored = Stored::of(InvoiceId::new(), new, &ground, &priced, tx.cx().currency().code(), tx.cx().actor.to_string(), tx.cx().now);
    Ok(Invoice { id: None, allowed_actions: Vec::new(), ..answer(&stored, tx.cx()) })
}

/// Issuing is a right of its own.
fn may_issue(tx: &Tx<'_>) -> Result<(), Problem> {
    if tx.cx().principal.as_ref().is_some_and(|principal| !principal.may("invoices:issue")) {
        return Err(Problem::new(problem::PERMISSION_DENIED, "Issuing needs the permission invoices:issue.").member("required_permission", "invoices:issue"));
    }
    Ok(())
}

fn priced(tx: &mut Tx<'_>, new: &NewInvoice, own: Option<InvoiceId>) -> Result<(rules::Ground, rules::Priced), Problem> {
    let customer = new.customer();
    if let Some(missing) = customer.missing() {
        return Err(Problem::invalid(vec![missing]));
    }
    customer.unambiguous()?;
    let found = store::ground(tx, new)?.ok_or_else(|| customer.unknown())?;
    if !found.terms_known {
        return Err(Problem::reference("payment_terms", "/payment_terms_id"));
    }
    if let Some(series) = new.number_series_id {
        let year = tx.cx().fiscal_year(new.invoice_date);
        if !numbering::fits(tx, series, found.ground.registration, NumberedKind::Invoice, year)? {
            return Err(Problem::reference("number_series", "/number_series_id"));
        }
    }
    for (at, line) in new.lines.iter().enumerate() {
        if line.item_id.is_some_and(|id| found.ground.items.iter().all(|item| item.id != id)) {
            return Err(Problem::reference("item", format!("/lines/{at}/item_id")));
        }
    }
    if let Some(other) = found.duplicate_of.filter(|other| Some(*other) != own) {
        return Err(Problem::new(problems::DUPLICATE_INVOICE_EXTERNAL_ID, "Another invoice has this external_id.").member("current", json!({"id": other})));
    }
    if !found.active {
        return Err(Problem::new(CUSTOMER_INACTIVE, "The customer is not active.").errors(vec![FieldError::at(
            "/customer_id",
            "customer_inactive",
            "The customer is not active.",
        )]));
    }
    let cx = tx.cx();
    let house = House { currency: cx.currency(), today: cx.today, round_to_unit: cx.facts.round_to_unit };
    let priced = rules::price(new, &found.ground, house).map_err(Problem::invalid)?;
    check_total(new.expected_total, &priced, cx.currency())?;
    Ok((found.ground, priced))
}

fn check_total(expected: Option<Amount>, priced: &rules::Priced, currency: Currency) -> Result<(), Problem> {
    match expected {
        Some(expected) if expected.0 != priced.tax.payable => {
            let lines: Vec<_> = priced
                .lines
                .iter()
                .map(|line| json!({"taxable_value": currency.amount(line.tax.taxable), "line_total": currency.amount(line.tax.total)}))
                .collect();
            Err(Problem::new(problems::TOTAL_MISMATCH, "The grand total comes out differently; nothing was saved.")
                .errors(vec![
                    FieldError::at("/expected_total", "total_mismatch", "The grand total comes out differently.")
                        .expected(currency.amount(priced.tax.payable).0)
                        .received(expected.0),
                ])
                .member("lines", lines))
        }
        _ => Ok(()),
    }
}

/// Takes the number, posts, stores: in this order, so that the number is held as shortly as can be.
fn issue_now(tx: &mut Tx<'_>, stored: &mut Stored, new: &NewInvoice, priced: &rules::Priced) -> Result<(), Problem> {
    let year = tx.cx().fiscal_year(stored.invoice_date);
    let number = numbering::take(tx, stored.registration, NumberedKind::Invoice, year, new.number_series_id)?;
    let posting = posting(stored.id, stored.customer, &number, stored.invoice_date, tx.cx().currency(), priced, new.reverse_charge);
    stored.entry = Some(ledger::post(tx, &posting)?);
    stored.number = Some(number);
    stored.status = InvoiceStatus::Issued;
    store::insert(tx, stored, year.0, new)
}

fn load(rx: &mut Rx<'_>, id: InvoiceId, lock: bool) -> Result<Stored, Problem> {
    store::get(rx, id, lock)?.ok_or_else(|| Problem::not_found("invoice"))
}

pub fn get(rx: &mut Rx<'_>, id: InvoiceId) -> Result<Invoice, Problem> {
    let stored = load(rx, id, false)?;
    Ok(answer(&stored, rx.cx()))
}

/// Only drafts change; what is issued is corrected by notes.
fn require_draft(stored: &Stored, cx: &Context) -> Result<(), Problem> {
    if stored.status == InvoiceStatus::Draft {
        return Ok(());
    }
    Err(invalid_state(stored, cx, "Only a draft can do this; correct an issued invoice by a note."))
}

fn invalid_state(stored: &Stored, cx: &Context, detail: &str) -> Problem {
    let invoice = answer(stored, cx);
    Problem::new(problem::INVALID_STATE, detail)
        .member("current", json!({"status": invoice.status, "payment_status": invoice.payment_status}))
        .member("allowed_actions", invoice.allowed_actions)
}

/// A draft that can be worked on, with the customer (and the one it moves to) locked before the invoice.
fn open_draft(tx: &mut Tx<'_>, id: InvoiceId, version: Option<i64>, also: Option<CustomerId>) -> Result<Stored, Problem> {
    let customer = load(tx, id, false)?.customer;
    lock_customers(tx, [customer].into_iter().chain(also).collect())?;
    let stored = load(tx, id, true)?;
    require_draft(&stored, tx.cx())?;
    require_version(version, stored.version + stored.settled.moves)?;
    Ok(stored)
}

/// Prices a draft again from new content, keeping its id and origin.
fn replace(tx: &mut Tx<'_>, before: &Stored, new: &NewInvoice, issue: bool) -> Result<Stored, Problem> {
    let (ground, priced) = priced(tx, new, Some(before.id))?;
    let mut stored = Stored::of(before.id, new, &ground, &priced, tx.cx().currency().code(), before.created_by.clone(), tx.cx().now);
    stored.created_at = before.created_at;
    stored.version = before.version + 1;
    store::delete_draft(tx, before.id)?;
    if issue {
        issue_now(tx, &mut stored, new, &priced)?;
    } else {
        let year = tx.cx().fiscal_year(stored.invoice_date).0;
        store::insert(tx, &stored, year, new)?;
    }
    Ok(stored)
}

/// Merge patch of a draft's content (RFC 7396): members given replace those of the draft, null clears.
pub fn update(tx: &mut Tx<'_>, id: InvoiceId, version: Option<i64>, patch: &serde_json::Map<String, serde_json::Value>) -> Result<Audited<Invoice>, Problem> {
    let moves_to = patch.get("customer_id").and_then(|value| serde_json::from_value(value.clone()).ok());
    let before = open_draft(tx, id, version, moves_to)?;
    let mut content = serde_json::to_value(store::draft_input(tx, id)?).map_err(|e| Problem::internal(&e))?;
    let references = ["customer_id", "customer_external_id", "customer_code"];
    if references.iter().any(|name| patch.get(*name).is_some_and(|value| !value.is_null())) {
        for name in references {
            content[name] = serde_json::Value::Null;
        }
    }
    for (name, value) in patch {
        content[name] = value.clone();
    }
    let new: NewInvoice =
        serde_json::from_value(drop_nulls(content)).map_err(|error| Problem::invalid(vec![FieldError::at("", "invalid", error.to_string())]))?;
    let after = replace(tx, &before, &NewInvoice { issue: false, ..new }, false)?;
    let (was, is) = (answer(&before, tx.cx()), answer(&after, tx.cx()));
    Ok(tx.record(Change::new("invoice.updated", id.uuid()).version(is.version).before(&was).after(&is), is))
}

fn drop_nulls(value: serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Object(members) => serde_json::Value::Object(members.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    }
}

pub fn delete(tx: &mut Tx<'_>, id: InvoiceId, version: Option<i64>) -> Result<Audited<Invoice>, Problem> {
    let stored = open_draft(tx, id, version, None)?;
    store::delete_draft(tx, id)?;
    let was = answer(&stored, tx.cx());
    Ok(tx.record(Change::new("invoice.deleted", id.uuid()).version(was.version).before(&was), was))
}

/// Draft → issued: priced once more, numbered, posted.
pub fn issue(tx: &mut Tx<'_>, id: InvoiceId, version: Option<i64>, wanted: &IssueInvoice) -> Result<Audited<Invoice>, Problem> {
    let before = open_draft(tx, id, version, None)?;
    let mut input = store::draft_input(tx, id)?;
    input.expected_total = wanted.expected_total.or(input.expected_total);
    let after = replace(tx, &before, &input, true)?;
    let (was, is) = (answer(&before, tx.cx()), answer(&after, tx.cx()));
    Ok(tx.record(Change::new("invoice.issued", id.uuid()).version(is.version).before(&was).after(&is), is))
}

/// Issued and untouched → cancelled: a dated mirror entry that settles the invoice. The number stays used.
pub fn cancel(tx: &mut Tx<'_>, id: InvoiceId, version: Option<i64>, wanted: &CancelInvoice) -> Result<Audited<Invoice>, Problem> {
    let customer = load(tx, id, false)?.customer;
    lock_customers(tx, vec![customer])?;
    let before = load(tx, id, true)?;
    if before.status != InvoiceStatus::Issued {
        return Err(invalid_state(&before, tx.cx(), "Only an issued invoice can be cancelled."));
    }
    if before.settled.open != before.total {
        return Err(invalid_state(&before, tx.cx(), "The invoice is settled in part or whole; reverse its allocations, or credit it by a note."));
    }
    require_version(version, before.version + before.settled.moves)?;
    let on = wanted.cancelled_on.unwrap_or(tx.cx().today.max(before.invoice_date));
    let mut errors: Vec<_> = faults::in_future("/cancelled_on", on, tx.cx().today.max(before.invoice_date)).into_iter().collect();
    if on < before.invoice_date {
        errors.push(
            FieldError::at("/cancelled_on", "before_document", "An invoice is not cancelled before its date.")
                .expected(format!("at least {}", before.invoice_date))
                .received(on),
        );
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    ledger::unwind(tx, &Unwind { document: id.uuid(), kind: DocumentKind::Cancellation, on, reason: &wanted.reason })?;
    store::mark_cancelled(tx, id, on, &wanted.reason)?;
    let after = load(tx, id, false)?;
    let (was, is) = (answer(&before, tx.cx()), answer(&after, tx.cx()));
    Ok(tx.record(Change::new("invoice.cancelled", id.uuid()).version(is.version).before(&was).after(&is).reason(&wanted.reason), is))
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

fn days_overdue(status: InvoiceStatus, oldest_due: Option<chrono::NaiveDate>, today: chrono::NaiveDate) -> i64 {
    match (status, oldest_due) {
        (InvoiceStatus::Issued, Some(due)) => (today - due).num_days().max(0),
        _ => 0,
    }
}

/// A cancelled invoice was never paid, though nothing of it is open.
fn status_of(status: InvoiceStatus, total: Decimal, open: Decimal, written_off: bool) -> super::types::PaymentStatus {
    if status == InvoiceStatus::Cancelled { super::types::PaymentStatus::Unpaid } else { payment_status(total, open, written_off) }
}

/// An invoice as the wire shows it.
fn answer(stored: &Stored, cx: &Context) -> Invoice {
    let currency = Currency::parse(&stored.currency).unwrap_or(cx.currency());
    let money = |value| currency.amount(value);
    let days = days_overdue(stored.status, stored.settled.oldest_due, cx.today);
    let settled = &stored.settled;
    Invoice {
        id: Some(stored.id),
        object: "invoice",
        number: stored.number.clone(),
        external_id: stored.external_id.clone(),
        status: stored.status,
        payment_status: status_of(stored.status, stored.total, settled.open, !settled.written_off.is_zero()),
        is_overdue: days > 0,
        days_overdue: days,
        customer_id: stored.customer,
        customer_name: stored.customer_name.clone(),
        currency: stored.currency.clone(),
        invoice_date: stored.invoice_date,
        due_date: stored.due_date,
        payment_terms_id: stored.terms,
        instalments: stored.instalments.iter().map(|i| InvoiceInstalment { amount: money(i.amount.0), ..i.clone() }).collect(),
        place_of_supply: stored.place.clone(),
        place_of_supply_basis: stored.place_basis.clone(),
        supply_type: stored.supply,
        reverse_charge: stored.reverse_charge,
        gst_registration_id: stored.registration,
        seller_gstin: stored.seller_gstin.clone(),
        buyer_gstin: stored.buyer_gstin.clone(),
        po_reference: stored.po_reference.clone(),
        rounding: "document_rate_half_up",
        totals: InvoiceTotals {
            taxable_value: money(stored.taxable),
            cgst: money(stored.cgst),
            sgst: money(stored.sgst),
            igst: money(stored.igst),
            cess: money(stored.cess),
            round_off: money(stored.round_off),
            grand_total: money(stored.total),
        },
        amounts: InvoiceAmounts {
            allocated_cash: money(settled.cash),
            allocated_tds: money(settled.tds),
            allocated_credit: money(settled.credit),
            allocated_other: money(settled.other),
            written_off: money(settled.written_off),
            balance_due: money(settled.open),
        },
        gl_journal_id: stored.entry,
        period: month_label(stored.invoice_date),
        lines: (1..)
            .zip(&stored.lines)
            .map(|(line_no, (id, line))| InvoiceLine {
                id: *id,
                line_no,
                item_id: line.item_id,
                description: line.description.clone(),
                hsn_code: line.hsn_code.clone(),
                is_service: line.is_service,
                quantity: Quantity(pad(line.quantity, 6)),
                unit: line.unit.clone(),
                unit_price: UnitPrice(pad(line.unit_price, currency.exponent())),
                discount: money(line.discount),
                tax_inclusive: line.tax_inclusive,
                treatment: line.treatment,
                taxable_value: money(line.tax.taxable),
                tax_rate: Rate(pad(line.tax_rate, 2)),
                cess_rate: Rate(pad(line.cess_rate, 2)),
                cgst: money(line.tax.cgst),
                sgst: money(line.tax.sgst),
                igst: money(line.tax.igst),
                cess: money(line.tax.cess),
                line_total: money(line.tax.total),
            })
            .collect(),
        cancelled_on: stored.cancelled_on,
        cancel_reason: stored.cancel_reason.clone(),
        allowed_actions: rules::allowed_actions(stored.status, settled.open == stored.total, |permission| {
            cx.principal.as_ref().is_none_or(|principal| principal.may(permission))
        }),
        metadata: stored.metadata.clone(),
        version: stored.version + settled.moves,
        created_by: stored.created_by.clone(),
        created_at: Instant(stored.created_at),
        updated_at: Instant(stored.updated_at),
    }
}
