//! From an order to a document that can be stored: names found, customers locked, credit asked, prices and tax computed.

use super::super::order::{Kind, NoteOrder, Order, Verb};
use super::super::problems;
use super::super::rules::{self, Ground, House, Priced};
use super::super::store::{self, Found, Stored};
use super::super::types::{InvoiceStatus, NewInvoice};
use crate::credit::orders::billing as credit;
use crate::ledger::numbering;
use crate::ledger::open_items::store::{lock_customers, named};
use crate::master_data::customers::problems::CUSTOMER_INACTIVE;
use crate::master_data::customers::reference::NamesCustomer;
use crate::master_data::exchange_rates::service::rate_on;
use crate::platform::dates::FiscalYear;
use crate::platform::http::Problem;
use crate::platform::http::problem::{self, FieldError};
use crate::platform::ids::{CustomerId, InvoiceId};
use crate::platform::money::{Amount, Currency};
use crate::platform::unit_of_work::Tx;
use serde_json::json;

/// A document on its way, and which event that will be.
pub(super) struct Making {
    pub(super) stored: Stored,
    pub(super) ready: Ready,
    pub(super) verb: Verb,
}

/// A document that can be stored: what was found for it, and what it comes to.
pub(super) struct Ready {
    pub(super) order: Order,
    pub(super) ground: Ground,
    pub(super) priced: Priced,
}

pub(super) fn alone<T>(mut of_one: Vec<Result<T, Problem>>) -> Result<T, Problem> {
    of_one.pop().unwrap_or_else(|| Err(Problem::internal(&"an order without an answer")))
}

/// Locks customers; where invoices are held against credit, with everybody they share a limit with.
pub(super) fn lock_concerned(tx: &mut Tx<'_>, customers: Vec<CustomerId>) -> Result<(), Problem> {
    if tx.cx().facts.check_invoices { credit::lock_groups(tx, &customers) } else { lock_customers(tx, customers) }
}

/// Locks the customers of a bulk request before its first row, so that rows may come in any order.
pub fn lock_rows<I: NamesCustomer>(tx: &mut Tx<'_>, rows: &[&I]) -> Result<(), Problem> {
    let customers = named(tx, rows)?;
    lock_concerned(tx, customers)
}

/// Refuses an invoice that credit does not allow, where the policy looks at invoices.
pub(super) fn within_credit(tx: &mut Tx<'_>, stored: &Stored, order: &Order, added: &mut credit::Added) -> Result<(), Problem> {
    if stored.kind != Kind::Invoice || order.by_right || !tx.cx().facts.check_invoices {
        return Ok(());
    }
    let total = stored.base_total(tx.cx().currency());
    credit::allows(tx, &credit::Billed { customer: stored.customer, total, order: order.content.order_id.as_deref() }, added)
}

/// Finds what orders name, locks their customers, and prices them.
pub(super) fn ready_all(tx: &mut Tx<'_>, orders: Vec<Order>, own: Option<InvoiceId>) -> Result<Vec<Result<Ready, Problem>>, Problem> {
    let named: Vec<Result<Order, Problem>> = orders.into_iter().map(|order| named_well(&order).map(|()| order)).collect();
    if tx.cx().facts.check_invoices {
        let contents: Vec<&NewInvoice> = named.iter().flatten().map(|order| &order.content).collect();
        lock_rows(tx, &contents)?;
    }
    let found = store::grounds(tx, &named.iter().flatten().collect::<Vec<_>>())?;
    let mut found = found.into_iter();
    Ok(named
        .into_iter()
        .map(|order| {
            let order = order?;
            let found = found.next().ok_or_else(|| Problem::internal(&"an order without ground"))??;
            ready(tx, order, found, own)
        })
        .collect())
}

/// Whether an order names its customer and its original, each in one way.
fn named_well(order: &Order) -> Result<(), Problem> {
    let customer = order.content.customer();
    let original_says = order.note.as_ref().is_some_and(NoteOrder::names_original);
    if let Some(missing) = customer.missing().filter(|_| !original_says) {
        return Err(Problem::invalid(vec![missing]));
    }
    customer.unambiguous()?;
    if let Some(note) = order.note.as_ref().filter(|note| note.original_id.is_some() && note.original_external_id.is_some()) {
        let detail = "Name the invoice in one way only.";
        return Err(Problem::new(problem::AMBIGUOUS_REFERENCE, detail).errors(vec![FieldError::at(note.original_pointer(), "ambiguous_reference", detail)]));
    }
    Ok(())
}

fn ready(tx: &mut Tx<'_>, order: Order, found: Option<Found>, own: Option<InvoiceId>) -> Result<Ready, Problem> {
    let new = &order.content;
    let customer = new.customer();
    let found = found.ok_or_else(|| match &order.note {
        Some(note) if customer.missing().is_some() => Problem::reference("invoice", note.original_pointer()),
        _ => customer.unknown(),
    })?;
    if !found.terms_known {
        return Err(Problem::reference("payment_terms", "/payment_terms_id"));
    }
    if let Some(series) = new.number_series_id {
        let year = tx.cx().fiscal_year(new.invoice_date);
        if !numbering::fits(tx, series, found.ground.registration, order.kind.numbered(), year)? {
            return Err(Problem::reference("number_series", "/number_series_id"));
        }
    }
    for (at, line) in new.lines.iter().enumerate() {
        if line.item_id.is_some_and(|id| found.ground.items.iter().all(|item| item.id != id)) {
            return Err(Problem::reference("item", format!("/lines/{at}/item_id")));
        }
    }
    if let Some(other) = found.duplicate_of.filter(|other| Some(*other) != own) {
        return Err(duplicate(order.kind, other));
    }
    // What an inactive customer was billed too much is credited all the same.
    if !found.active && order.kind != Kind::CreditNote && !order.by_right {
        return Err(Problem::new(CUSTOMER_INACTIVE, "The customer is not active.").errors(vec![FieldError::at(
            "/customer_id",
            "customer_inactive",
            "The customer is not active.",
        )]));
    }
    if let Some(original) = &found.ground.original {
        require_issued(&original.invoice, &order)?;
    }
    let house = house(tx, &order, &found.ground)?;
    let priced = rules::price(&order, &found.ground, house).map_err(Problem::invalid)?;
    check_total(new.expected_total, &priced)?;
    Ok(Ready { order, ground: found.ground, priced })
}

/// The refusal of a name that another document has.
pub(super) fn duplicate(kind: Kind, other: InvoiceId) -> Problem {
    let detail = format!("Another {} has this external_id.", kind.name());
    Problem::new(problems::DUPLICATE_INVOICE_EXTERNAL_ID, detail).member("current", json!({"id": other}))
}

/// A note corrects what was issued and still stands.
fn require_issued(original: &Stored, order: &Order) -> Result<(), Problem> {
    if original.status == InvoiceStatus::Issued {
        return Ok(());
    }
    let pointer = order.note.as_ref().map_or("/original_invoice_id", NoteOrder::original_pointer);
    let detail = format!("The invoice is {}; a note corrects an issued one.", original.status);
    Err(Problem::new(problem::INVALID_STATE, detail.clone())
        .errors(vec![FieldError::at(pointer, "invalid_state", detail)])
        .member("current", json!({"status": original.status}))
        .member("allowed_actions", json!([])))
}

/// The money of the document: a note is in the currency of its invoice, at its rate unless another is given.
fn house(tx: &mut Tx<'_>, order: &Order, ground: &Ground) -> Result<House, Problem> {
    let (new, original) = (&order.content, ground.original.as_ref().map(|original| &*original.invoice));
    let base = tx.cx().currency();
    let currency = match (original, new.currency.as_deref()) {
        (Some(original), _) => original.currency,
        (None, None) => base,
        (None, Some(code)) => Currency::parse(code)
            .ok_or_else(|| Problem::invalid(vec![FieldError::at("/currency", "currency_unknown", "This is not a currency of ISO 4217.").received(code)]))?,
    };
    let given = new.exchange_rate.map(|rate| rate.0).or(original.map(|original| original.rate));
    let rate = rate_on(tx, currency, given, new.invoice_date)?;
    let cx = tx.cx();
    Ok(House {
        currency,
        rate,
        today: cx.today,
        round_to_unit: cx.facts.round_to_unit && currency == base && !order.by_right,
        settlement: cx.facts.settlement,
        turnover: cx.facts.einvoicing.turnover.get(&(FiscalYear::of(new.invoice_date, 4).0 - 1)).copied(),
    })
}

fn check_total(expected: Option<Amount>, priced: &Priced) -> Result<(), Problem> {
    let currency = priced.currency;
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
