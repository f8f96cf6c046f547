//! Which open items a correction is about.

use crate::cash::allocations::settlement::unpostable;
use crate::ledger::OpenItem;
use crate::ledger::Side;
use crate::ledger::open_items::store::lock_items_of;
use crate::ledger::problems::OVER_ALLOCATION;
use crate::platform::http::{FieldError, Problem};
use crate::platform::ids::CustomerId;
use crate::platform::unit_of_work::Tx;
use crate::refusals;
use rust_decimal::Decimal;
use uuid::Uuid;

refusals! {
    ITEM_CUSTOMER_MISMATCH = "customer_mismatch" 422 "The document belongs to another customer";
    ITEM_CURRENCY_MISMATCH = "currency_mismatch" 422 "The currencies differ";
}

/// A document and how much of it; all that is open when left out.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub kind: String,
    pub document: Uuid,
    pub amount: Option<Decimal>,
}

/// A document found, with the parts of its items oldest due first.
#[derive(Debug, Clone)]
pub struct Found {
    pub number: String,
    pub amount: Decimal,
    pub parts: Vec<(OpenItem, Decimal)>,
}

/// Finds and locks the debits of documents; each is one of the customer, all of one currency, and has as
/// much open as is asked for. The customer's balance is locked by the caller.
pub fn lock_debits(tx: &mut Tx<'_>, prefix: &str, wanted: &[Wanted], customer: CustomerId) -> Result<Vec<Found>, Problem> {
    let items = lock_items_of(tx, wanted.iter().map(|w| w.document).collect())?;
    let mut found: Vec<Found> = Vec::with_capacity(wanted.len());
    for (at, want) in wanted.iter().enumerate() {
        let mut own: Vec<&OpenItem> =
            items.iter().filter(|i| i.document_id == want.document && i.document_kind == want.kind && i.side == Side::Debit).collect();
        own.sort_by_key(|item| (item.due_date, item.id));
        let pointer = |member: &str| format!("{prefix}/{at}/{member}");
        let Some(first) = own.first().copied() else {
            return Err(unpostable(tx, want.document, &want.kind, &pointer("target_id"))?);
        };
        if first.customer != customer {
            let detail = "The document belongs to another customer.";
            return Err(Problem::new(ITEM_CUSTOMER_MISMATCH, detail).errors(vec![FieldError::at(pointer("target_id"), "customer_mismatch", detail)]));
        }
        let currency = first.currency;
        if let Some(other) = found.first().and_then(|f| f.parts.first()).filter(|(item, _)| item.currency != currency) {
            let detail = "The documents of one correction are in one currency.";
            return Err(Problem::new(ITEM_CURRENCY_MISMATCH, detail)
                .errors(vec![FieldError::at(pointer("target_id"), "currency_mismatch", detail).expected(other.0.currency.code()).received(currency.code())]));
        }
        let open: Decimal = own.iter().map(|item| item.open).sum();
        let amount = want.amount.unwrap_or(open);
        if !currency.holds(amount) {
            return Err(Problem::invalid(vec![crate::platform::http::faults::precision(&pointer("amount"), amount, currency)]));
        }
        if amount > open || amount <= Decimal::ZERO {
            return Err(over_open(&pointer("amount"), &first.document_number, currency.amount(open).0, amount));
        }
        let mut rest = amount;
        let mut parts = Vec::new();
        for item in own {
            let part = rest.min(item.open);
            if part > Decimal::ZERO {
                rest -= part;
                parts.push((item.clone(), part));
            }
        }
        found.push(Found { number: first.document_number.clone(), amount, parts });
    }
    Ok(found)
}

/// The refusal of more than is open, naming what is.
#[must_use]
pub fn over_open(pointer: &str, number: &str, open: Decimal, asked: Decimal) -> Problem {
    let detail = format!("Of {number} {open} is open; {asked} was asked for.");
    Problem::new(OVER_ALLOCATION, detail.clone())
        .errors(vec![FieldError::at(pointer, "over_allocation", detail).expected(format!("at most {open}")).received(asked)])
        .member("open_amount", open.to_string())
}
