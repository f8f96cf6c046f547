//! The verbs of allocations.

use super::rules::target_faults;
use super::settlement::{Plan, Resolved, Terms, place, resolve, unpostable};
use super::types::{Allocation, AllocationFilter, AllocationList, NewAllocations, ReverseAllocation, SourceType};
use super::{problems, store};
use crate::cash::receipts;
use crate::control::approvals::rules::Band;
use crate::control::approvals::{self, Action, Approved, Gate, Request};
use crate::ledger::open_items::rules::{Placer, Purse};
use crate::ledger::open_items::store::{allocation, lock_customers, lock_items_of};
use crate::ledger::{self, AllocationKind, DocumentKind, Side, Unwind, lock_reversible};
use crate::platform::http::{Problem, faults};
use crate::platform::ids::AllocationId;
use crate::platform::page::Paging;
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};
use serde_json::{Value, json};
use uuid::Uuid;

/// The newest 200 allocations of each document, whichever side it is on.
pub fn of_documents(rx: &mut Rx<'_>, ids: &[Uuid]) -> Result<Vec<(Uuid, Value)>, Problem> {
    let mut of = |id: Uuid| {
        let mut rows = store::list(rx, &Paging::default(), &AllocationFilter { target_id: Some(id), ..AllocationFilter::default() })?.data;
        rows.extend(store::list(rx, &Paging::default(), &AllocationFilter { source_id: Some(id), ..AllocationFilter::default() })?.data);
        rows.truncate(200);
        Ok((id, json!(rows)))
    };
    ids.iter().map(|id| of(*id)).collect()
}

/// Allocates money or another credit that waits.
pub fn create(tx: &mut Tx<'_>, new: &NewAllocations) -> Result<Audited<AllocationList>, Problem> {
    let base = tx.cx().currency();
    let on = new.allocated_on.unwrap_or(tx.cx().today);
    let early: Vec<_> = faults::in_future("/allocated_on", on, tx.cx().today).into_iter().collect();
    let kind = new.source_type.as_str();
    let unknown = || Problem::reference(kind, "/source_id");
    let owner = match store::owner_of(tx, new.source_id, kind)? {
        Some(owner) => owner,
        None if new.source_type == SourceType::Receipt => return Err(receipts::service::not_allocatable(tx, new.source_id)?.unwrap_or_else(unknown)),
        None => return Err(unpostable(tx, new.source_id, kind, "/source_id")?),
    };
    let mut customers = store::customers_of(tx, &new.targets)?;
    customers.push(owner);
    lock_customers(tx, customers)?;
    let credit = lock_items_of(tx, vec![new.source_id])?.into_iter().find(|item| item.side == Side::Credit && item.document_kind == kind);
    let credit = credit.ok_or_else(unknown)?;
    let mut errors = target_faults("/targets", &new.targets, credit.currency);
    errors.extend(early);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let Resolved { documents, items: debits } = resolve(tx, "/targets", &new.targets, owner, credit.currency, on)?;
    let (purses, terms) = if new.source_type == SourceType::Receipt {
        receipts::store::purses(tx, new.source_id, credit.id)?
    } else {
        (vec![Purse { kind: AllocationKind::Credit, left: credit.open }], Terms { value_date: on, apply: false })
    };
    let mut placer = Placer::new(&credit, base, on, purses, &debits);
    let granted = place(tx, &mut placer, "/targets", &new.targets, &documents, terms)?;
    let plan = Plan::of(placer, granted, &credit.document_number);
    plan.write(tx)?;
    let data = store::by_ids(tx, plan.allocations.iter().map(|a| a.id).collect())?;
    let event = if new.source_type == SourceType::Receipt { "receipt.allocated" } else { "credit.allocated" };
    Ok(tx.record(Change::new(event, new.source_id).after(&data), AllocationList { data }))
}

/// Reversing an allocation, for those who may only ask.
pub static REVERSE: Action = Action {
    name: "allocation.reverse",
    kind: "receipts",
    permission: "receipts:approve",
    direct: "allocations:reverse",
    bars_cash_handlers: false,
    bars_salesperson: false,
    bands: &[Band::above(0)],
    parties: |rx, asked| Ok(allocation(rx, AllocationId::of(asked.subject))?.into_iter().flat_map(|a| [a.customer, a.payer]).collect()),
    // An allocation never changes; that it stands is checked when it is taken back.
    version: |_, _| Ok(1),
    execute: |tx, asked| reverse_now(tx, AllocationId::of(asked.subject), &read(&asked.payload)?).map(|_| ()),
    reject: |_: &mut Tx<'_>, _: &Approved| Ok(()),
};

fn read(payload: &Value) -> Result<ReverseAllocation, Problem> {
    serde_json::from_value(payload.clone()).map_err(|e| Problem::internal(&e))
}

/// Takes one allocation back by a new dated row; both sides open again, and what was granted with it goes.
pub fn reverse(tx: &mut Tx<'_>, id: AllocationId, wanted: &ReverseAllocation) -> Result<Audited<Allocation>, Problem> {
    let original = lock_reversible(tx, id)?;
    let before = store::by_ids(tx, vec![id])?.pop().ok_or_else(|| Problem::not_found("allocation"))?;
    let request = Request {
        action: &REVERSE,
        subject: id.uuid(),
        version: 1,
        customer: Some(original.customer),
        amount: original.debit_base,
        makers: vec![before.created_by.clone()],
        reason: Some(&wanted.reason),
        before: serde_json::to_value(&before).unwrap_or_default(),
        after: Value::Null,
        payload: serde_json::to_value(wanted).map_err(|e| Problem::internal(&e))?,
    };
    if let Gate::Pending(approval) = approvals::gate_unless_direct(tx, &request)? {
        let asked = Allocation { approval_id: Some(approval), ..before };
        return Ok(tx.record(Change::new("allocation.reversal_requested", id.uuid()).after(&asked).reason(&wanted.reason), asked));
    }
    reverse_now(tx, id, wanted)
}

fn reverse_now(tx: &mut Tx<'_>, id: AllocationId, wanted: &ReverseAllocation) -> Result<Audited<Allocation>, Problem> {
    let original = lock_reversible(tx, id)?;
    approvals::subject_changed(tx, id.uuid())?;
    let early = ("before_allocation", "A reversal is not dated before what it takes back.");
    let on = faults::step_day("/reversed_on", wanted.reversed_on, original.effective_on, tx.cx().today, early).map_err(Problem::invalid)?;
    // What exists only for the sake of its settlement goes whole.
    let grants = [DocumentKind::Discount, DocumentKind::Tolerance, DocumentKind::Recovery];
    let made = if grants.contains(&original.source_kind) || grants.contains(&original.target_kind) {
        let document = if grants.contains(&original.source_kind) { original.source.0 } else { original.target };
        ledger::unwind(tx, &Unwind { document, kind: DocumentKind::Reversal, on, reason: &wanted.reason })?;
        allocation(tx, id)?.and_then(|a| a.reversed_by).into_iter().collect()
    } else if original.kind == AllocationKind::Refund {
        let detail = "The money was paid back; record that the payment failed at /v1/refunds/{id}/fail.";
        return Err(Problem::new(problems::PART_OF_A_DOCUMENT, detail));
    } else {
        ledger::reverse_allocations(tx, &[original], on, &wanted.reason)?
    };
    let answer = store::by_ids(tx, made)?.pop().ok_or_else(|| Problem::internal(&"a reversal vanished"))?;
    Ok(tx.record(Change::new("allocation.reversed", id.uuid()).after(&answer).reason(&wanted.reason), answer))
}
