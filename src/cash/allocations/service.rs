//! The verbs of allocations.

use super::rules::target_faults;
use super::types::{Allocation, AllocationList, NewAllocations, ReverseAllocation, Target};
use super::{problems, store};
use crate::cash::receipts;
use crate::ledger::open_items::rules::Placer;
use crate::ledger::open_items::store::{lock_customers, lock_items_of};
use crate::ledger::problems::OVER_ALLOCATION;
use crate::ledger::{self, OpenItem, Side, lock_reversible};
use crate::platform::http::problem::{self, FieldError};
use crate::platform::http::{Problem, faults};
use crate::platform::ids::{AllocationId, CustomerId};
use crate::platform::money::Currency;
use crate::platform::unit_of_work::{Audited, Change, Tx};
use serde_json::json;
use uuid::Uuid;

/// The documents targets name, in their order, and the locked items that can be settled.
#[derive(Default)]
pub struct Resolved {
    pub documents: Vec<Uuid>,
    pub items: Vec<OpenItem>,
}

/// Finds and locks what targets name; each must be an issued invoice of the customer. One statement
/// where targets go by id, one more where they go by external id.
pub fn resolve(tx: &mut Tx<'_>, prefix: &str, targets: &[Target], customer: CustomerId) -> Result<Resolved, Problem> {
    if targets.is_empty() {
        return Ok(Resolved::default());
    }
    let named = if targets.iter().any(|t| t.target_external_id.is_some()) { store::by_external_id(tx, targets)? } else { Vec::new() };
    let pointer = |at: usize| format!("{prefix}/{at}/{}", if targets[at].target_id.is_some() { "target_id" } else { "target_external_id" });
    let mut documents = Vec::with_capacity(targets.len());
    for (at, target) in targets.iter().enumerate() {
        let by_name = || named.iter().find(|n| n.external_id == target.target_external_id).map(|n| n.id);
        let id = target.target_id.or_else(by_name).ok_or_else(|| Problem::reference("invoice", pointer(at)))?;
        documents.push(id.uuid());
    }
    let items: Vec<_> = lock_items_of(tx, documents.clone())?.into_iter().filter(|item| item.side == Side::Debit).collect();
    for (at, document) in documents.iter().enumerate() {
        match items.iter().find(|item| item.document_id == *document) {
            None => return Err(unpostable(tx, *document, &pointer(at))?),
            Some(item) if item.customer != customer => {
                let detail = "The invoice belongs to another customer.";
                return Err(Problem::new(problems::CUSTOMER_MISMATCH, detail).errors(vec![FieldError::at(pointer(at), "customer_mismatch", detail)]));
            }
            Some(_) => {}
        }
    }
    Ok(Resolved { documents, items })
}

/// Why a document has no items: it is a draft, or there is none.
fn unpostable(tx: &mut Tx<'_>, document: Uuid, pointer: &str) -> Result<Problem, Problem> {
    Ok(match store::status(tx, document)? {
        None => Problem::reference("invoice", pointer),
        Some(status) => Problem::new(problem::INVALID_STATE, format!("The invoice is {status}; only an issued one can be settled."))
            .errors(vec![FieldError::at(pointer, "invalid_state", "Only an issued invoice can be settled.")])
            .member("current", json!({"status": status})),
    })
}

/// Places instructed targets; refuses the first that does not fit, naming what is open.
pub fn place(placer: &mut Placer<'_>, prefix: &str, targets: &[Target], documents: &[Uuid], currency: Currency) -> Result<(), Problem> {
    for (at, (target, document)) in targets.iter().zip(documents).enumerate() {
        let kind = target.kind.map_or(ledger::AllocationKind::Cash, super::types::TargetKind::ledger);
        let belongs = |item: &OpenItem| item.document_id == *document && item.side == Side::Debit;
        let (open, left) = (placer.open_of(belongs), if kind == ledger::AllocationKind::Cash { placer.left(None) } else { placer.left(Some(kind)) });
        let rest = placer.place(target.amount.0, kind, "instructed", &json!({"asked": target.amount}), belongs);
        if !rest.is_zero() {
            let detail = format!(
                "Of the invoice {} is open, of the money {} is left; {} was asked for.",
                currency.amount(open).0,
                currency.amount(left).0,
                target.amount.0
            );
            return Err(Problem::new(OVER_ALLOCATION, detail.clone())
                .errors(vec![
                    FieldError::at(format!("{prefix}/{at}/amount"), "over_allocation", detail)
                        .expected(format!("at most {}", currency.amount(open.min(left)).0))
                        .received(target.amount.0),
                ])
                .member("open_amount", currency.amount(open).0.to_string())
                .member("unapplied", currency.amount(left).0.to_string()));
        }
    }
    Ok(())
}

/// Allocates money that waits on a receipt.
pub fn create(tx: &mut Tx<'_>, new: &NewAllocations) -> Result<Audited<AllocationList>, Problem> {
    let currency = tx.cx().currency();
    let on = new.allocated_on.unwrap_or(tx.cx().today);
    let mut errors = target_faults("/targets", &new.targets, currency);
    errors.extend(faults::in_future("/allocated_on", on, tx.cx().today));
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let source = receipts::store::source(tx, new.source_id)?.ok_or_else(|| Problem::reference("receipt", "/source_id"))?;
    lock_customers(tx, vec![source.customer])?;
    let Resolved { documents, items: debits } = resolve(tx, "/targets", &new.targets, source.customer)?;
    let credit = lock_items_of(tx, vec![new.source_id.uuid()])?.into_iter().find(|item| item.id == source.item);
    let credit = credit.ok_or_else(|| Problem::internal(&"a receipt without its item"))?;
    let purses = receipts::store::purses(tx, new.source_id, source.item)?;
    let mut placer = Placer::new(&credit, currency, on, purses, &debits);
    place(&mut placer, "/targets", &new.targets, &documents, currency)?;
    let placed = placer.placed();
    ledger::settle(tx, &placed)?;
    let data = store::by_ids(tx, placed.iter().map(|a| a.id).collect())?;
    Ok(tx.record(Change::new("receipt.allocated", new.source_id.uuid()).after(&data), AllocationList { data }))
}

/// Takes one allocation back by a new dated row; both sides open again.
pub fn reverse(tx: &mut Tx<'_>, id: AllocationId, wanted: &ReverseAllocation) -> Result<Audited<Allocation>, Problem> {
    let original = lock_reversible(tx, id)?;
    let on = wanted.reversed_on.unwrap_or(tx.cx().today.max(original.effective_on));
    let mut errors: Vec<_> = faults::in_future("/reversed_on", on, tx.cx().today.max(original.effective_on)).into_iter().collect();
    if on < original.effective_on {
        errors.push(
            FieldError::at("/reversed_on", "before_allocation", "A reversal is not dated before what it takes back.")
                .expected(format!("at least {}", original.effective_on))
                .received(on),
        );
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let made = ledger::reverse_allocations(tx, &[original], on, &wanted.reason)?;
    let answer = store::by_ids(tx, made)?.pop().ok_or_else(|| Problem::internal(&"a reversal vanished"))?;
    Ok(tx.record(Change::new("allocation.reversed", id.uuid()).after(&answer).reason(&wanted.reason), answer))
}
