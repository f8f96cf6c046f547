//! The verbs of receipts.

use super::posting::posting;
use super::store::{DeductionRow, Head, PlacedRow};
use super::types::{AutoApply, Method, NewReceipt, Receipt};
use super::{problems, rules, store};
use crate::cash::allocations::service::{Resolved, place, resolve};
use crate::ledger::numbering::{self, NumberedKind};
use crate::ledger::open_items::rules::Placer;
use crate::ledger::open_items::store::lock_open_debits;
use crate::ledger::{self, AllocationKind, NewAllocation, OpenItem, SettlementTerms, Side};
use crate::master_data::customers::reference::NamesCustomer;
use crate::platform::http::Problem;
use crate::platform::ids::{EntryId, OpenItemId, ReceiptId};
use crate::platform::unit_of_work::{Audited, Change, Context, Tx};
use rust_decimal::Decimal;
use serde_json::json;

/// Records money in: posts it, and settles what it was sent for.
pub fn record(tx: &mut Tx<'_>, new: &NewReceipt) -> Result<Audited<Receipt>, Problem> {
    let (currency, today) = (tx.cx().currency(), tx.cx().today);
    let customer = new.customer();
    let mut errors = rules::faults(new, currency, today);
    errors.extend(customer.missing());
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    customer.unambiguous()?;
    let ground = store::lock_ground(tx, new)?.ok_or_else(|| customer.unknown())?;
    if new.bank_account_id.is_some() && ground.bank.is_none() {
        return Err(Problem::reference("bank_account", "/bank_account_id"));
    }
    if let Some(id) = ground.duplicate_of {
        return Err(Problem::new(problems::DUPLICATE_RECEIPT_EXTERNAL_ID, "Another receipt has this external_id.").member("current", json!({"id": id})));
    }
    if let Some(id) = ground.same_utr.filter(|_| !new.allow_duplicate) {
        return Err(Problem::new(
            problems::DUPLICATE_RECEIPT,
            "This bank reference is recorded already; send allow_duplicate with a reason if it is another payment.",
        )
        .member("current", json!({"id": id})));
    }
    let registration = ground.registration.ok_or_else(|| Problem::internal(&"a company without registration"))?;
    let gross: Decimal = new.amount_received.0 + new.deductions.iter().map(|d| d.amount.0).sum::<Decimal>();
    let (id, item) = (ReceiptId::new(), OpenItemId::new());
    let credit = OpenItem {
        id: item,
        entry: EntryId::new(),
        customer: ground.customer,
        document_kind: "receipt".into(),
        document_id: id.uuid(),
        document_number: String::new(),
        side: Side::Credit,
        currency,
        amount: gross,
        open: gross,
        base: gross,
        open_base: gross,
        settles_from: new.receipt_date,
        due_date: new.receipt_date,
        terms: SettlementTerms::default(),
    };
    let Resolved { documents, items } = resolve(tx, "/allocations", &new.allocations, ground.customer)?;
    let debits = match new.auto_apply {
        Some(AutoApply::OldestFirst) => lock_open_debits(tx, ground.customer)?,
        None => items,
    };
    let mut placer = Placer::new(&credit, currency, new.receipt_date, rules::purses(new), &debits);
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
    let entry = ledger::post(tx, &posting(&credit, &number, currency, new, ground.bank))?;
    ledger::settle(tx, &placed)?;
    let head = head(new, &credit, number, entry, &placed, tx.cx())?;
    let deductions: Vec<_> =
        new.deductions.iter().map(|d| DeductionRow { kind: d.kind, section: d.section.clone(), rate: d.rate.map(|rate| rate.0), amount: d.amount.0 }).collect();
    store::insert(tx, &head, registration, year.0, &deductions, new.allow_duplicate)?;
    let receipt = store::answer(head, deductions, &placed_rows(&placed, &debits), tx.cx());
    let mut change = Change::new("receipt.recorded", id.uuid()).version(receipt.version).after(&receipt);
    if let Some(reason) = &new.reason {
        change = change.reason(reason);
    }
    Ok(tx.record(change, receipt))
}

fn head(new: &NewReceipt, credit: &OpenItem, number: String, entry: EntryId, placed: &[NewAllocation], cx: &Context) -> Result<Head, Problem> {
    Ok(Head {
        id: ReceiptId::of(credit.document_id),
        number,
        external_id: new.external_id.clone(),
        customer_id: credit.customer,
        currency: cx.currency().code().to_owned(),
        receipt_date: new.receipt_date,
        value_date: new.value_date.unwrap_or(new.receipt_date),
        method: new.method.unwrap_or(Method::Other),
        bank_account_id: new.bank_account_id,
        utr: new.utr.clone(),
        payer_name: new.payer_name.clone(),
        amount_received: new.amount_received.0,
        gross_settled: credit.amount,
        item_id: credit.id,
        entry_id: entry,
        metadata: serde_json::to_value(&new.metadata).map_err(|e| Problem::internal(&e))?,
        created_by: cx.actor.to_string(),
        created_at: cx.now,
        open: credit.amount - placed.iter().map(|a| a.amount).sum::<Decimal>(),
        moves: i64::try_from(placed.len()).unwrap_or(i64::MAX),
    })
}

fn placed_rows(placed: &[NewAllocation], debits: &[OpenItem]) -> Vec<PlacedRow> {
    let row = |allocation: &NewAllocation| {
        debits.iter().find(|item| item.id == allocation.debit_item).map(|item| PlacedRow {
            id: allocation.id,
            target_type: item.document_kind.clone(),
            target_id: item.document_id,
            target_number: item.document_number.clone(),
            kind: allocation.kind,
            amount: allocation.amount,
            allocated_on: allocation.effective_on,
            rule: allocation.rule.to_owned(),
        })
    };
    placed.iter().filter_map(row).collect()
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
