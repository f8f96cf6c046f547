//! The verbs of receipts.

use super::posting::posting;
use super::types::{AutoApply, NewReceipt, Receipt};
use super::{problems, rules, store};
use crate::cash::allocations::service::{place, resolve};
use crate::ledger::numbering::{self, NumberedKind};
use crate::ledger::open_items::rules::Placer;
use crate::ledger::open_items::store::{lock_customers, lock_items_of, lock_open_debits};
use crate::ledger::{self, AllocationKind, OpenItem, Side};
use crate::master_data::customers::problems::CUSTOMER_INACTIVE;
use crate::platform::http::problem::{self, FieldError};
use crate::platform::http::Problem;
use crate::platform::ids::{OpenItemId, ReceiptId};
use crate::platform::unit_of_work::{Audited, Change, Tx};
use rust_decimal::Decimal;
use serde_json::json;

/// Records money in: posts it, and settles what it was sent for.
pub fn record(tx: &mut Tx<'_>, new: &NewReceipt) -> Result<Audited<Receipt>, Problem> {
    let (currency, today) = (tx.cx().currency(), tx.cx().today);
    let named = usize::from(new.customer_id.is_some()) + usize::from(new.customer_external_id.is_some()) + usize::from(new.customer_code.is_some());
    let mut errors = rules::faults(new, currency, today);
    if named == 0 {
        errors.push(FieldError::at("/customer_id", "required", "Name the customer by customer_id, customer_external_id or customer_code."));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    if named > 1 {
        return Err(Problem::new(problem::AMBIGUOUS_REFERENCE, "Name the customer in one way only.").errors(vec![FieldError::at("/customer_id", "ambiguous_reference", "Name the customer in one way only.")]));
    }
    let ground = store::lock_ground(tx, new)?.ok_or_else(|| Problem::reference("customer", if new.customer_id.is_some() { "/customer_id" } else if new.customer_code.is_some() { "/customer_code" } else { "/customer_external_id" }))?;
    if new.bank_account_id.is_some() && ground.bank.is_none() {
        return Err(Problem::reference("bank_account", "/bank_account_id"));
    }
    if let Some(id) = ground.duplicate_of {
        return Err(Problem::new(problems::DUPLICATE_RECEIPT_EXTERNAL_ID, "Another receipt has this external_id.").member("current", json!({"id": id})));
    }
    if let Some(id) = ground.same_utr.filter(|_| !new.allow_duplicate) {
        return Err(Problem::new(problems::DUPLICATE_RECEIPT, "This bank reference is recorded already; send allow_duplicate with a reason if it is another payment.").member("current", json!({"id": id})));
    }
    if !ground.active {
        return Err(Problem::new(CUSTOMER_INACTIVE, "The customer is not active.").errors(vec![FieldError::at("/customer_id", "customer_inactive", "The customer is not active.")]));
    }
    let registration = ground.registration.ok_or_else(|| Problem::internal(&"a company without registration"))?;
    let gross: Decimal = new.amount_received.0 + new.deductions.iter().map(|d| d.amount.0).sum::<Decimal>();
    let (id, item) = (ReceiptId::new(), OpenItemId::new());
    let credit = OpenItem {
        id: item, customer: ground.customer, document_kind: "receipt".into(), document_id: id.uuid(), document_number: String::new(), side: Side::Credit, amount: gross, open: gross,
        posting_date: new.receipt_date, due_date: new.receipt_date,
    };
    let documents = if new.allocations.is_empty() { Vec::new() } else { resolve(tx, "/allocations", &new.allocations, ground.customer)? };
    let debits: Vec<OpenItem> = match new.auto_apply {
        Some(AutoApply::OldestFirst) => lock_open_debits(tx, ground.customer)?,
        None if documents.is_empty() => Vec::new(),
        None => lock_items_of(tx, documents.clone())?.into_iter().filter(|item| item.side == Side::Debit).collect(),
    };
    let mut placer = Placer::new(&credit, new.receipt_date, rules::purses(new), &debits);
    place(&mut placer, "/allocations", &new.allocations, &documents, currency)?;
    follow_the_money(&mut placer, &documents);
    if new.auto_apply.is_some() {
        let left = placer.left(None);
        let evidence = json!({"open_items": debits.len(), "left": left.to_string()});
        placer.place(left, AllocationKind::Cash, "oldest_first", &evidence, |_| true);
    }
    let placed = placer.placed();
    let year = tx.cx().fiscal_year(new.receipt_date);
    let number = numbering::take(tx, registration, NumberedKind::Receipt, year, None)?;
    let entry = ledger::post(tx, &posting(id, item, ground.customer, &number, currency.code(), new, ground.bank, gross))?;
    ledger::settle(tx, &placed)?;
    store::insert(tx, &store::NewRow { id, number: &number, registration, fiscal_year: year.0, customer: ground.customer, currency: currency.code(), gross, item, entry }, new)?;
    let receipt = store::get(tx, id)?;
    let mut change = Change::new("receipt.recorded", id.uuid()).version(receipt.version).after(&receipt);
    if let Some(reason) = &new.reason {
        change = change.reason(reason);
    }
    Ok(tx.record(change, receipt))
}

/// When all the money is placed by instruction, what was deducted settles the same documents.
fn follow_the_money(placer: &mut Placer<'_>, documents: &[uuid::Uuid]) {
    if documents.is_empty() || !placer.left(Some(AllocationKind::Cash)).is_zero() {
        return;
    }
    for document in documents {
        let left = placer.left(None);
        placer.place(left, AllocationKind::Cash, "follows_cash", &json!({}), |item| item.document_id == *document);
    }
}

/// Locks the customers of a bulk request before its first row, in id order.
pub fn lock_for(tx: &mut Tx<'_>, rows: &[&NewReceipt]) -> Result<(), Problem> {
    let customers = rows.iter().filter_map(|row| row.customer_id).collect();
    let externals = rows.iter().filter_map(|row| row.customer_external_id.clone()).collect();
    let codes = rows.iter().filter_map(|row| row.customer_code.clone()).collect();
    let customers = crate::master_data::customers::store::ids(tx, customers, externals, codes)?;
    lock_customers(tx, customers)
}
