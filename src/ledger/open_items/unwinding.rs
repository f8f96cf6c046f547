//! Taking back what is posted: allocations, and whole documents with what they settled.

use super::store::{allocation, countered_by, granted_for, in_force_on, lock_customers, lock_items_of, parties};
use super::{Allocation, AllocationKind, NewAllocation, NewOpenItem, OpenItem, Side, settle};
use crate::ledger::journal::{DocumentKind, Entry, Posting, post_all, standing};
use crate::ledger::problems::ALREADY_REVERSED;
use crate::platform::http::problem::{self, Problem};
use crate::platform::ids::{AllocationId, EntryId, OpenItemId};
use crate::platform::unit_of_work::Tx;
use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

/// Which document to take back, and how.
pub struct Unwind<'a> {
    pub document: Uuid,
    /// What the mirror is called: a cancellation or a reversal.
    pub kind: DocumentKind,
    /// The accounting date; what is dated later is taken back on its own day.
    pub on: NaiveDate,
    pub reason: &'a str,
}

/// Locks every customer a document concerns: its own and those of the items it is settled with.
pub fn lock_parties(tx: &mut Tx<'_>, document: Uuid) -> Result<(), Problem> {
    let found = parties(tx, document)?;
    lock_customers(tx, found.clone())?;
    if parties(tx, document)?.iter().all(|party| found.contains(party)) {
        Ok(())
    } else {
        // Another customer came in while we waited; taking the lock now could wait in a circle.
        Err(Problem::new(problem::BUSY, "The document was settled otherwise meanwhile; try again."))
    }
}

/// Takes allocations back by new rows dated `on`, or on their own day if that is later, with what was
/// made for their sake (a discount granted for a payment) or is nothing without them (the entry of a
/// write-off, adjustment or recovery). Gives the reversing row of each one asked for.
pub fn reverse_allocations(tx: &mut Tx<'_>, originals: &[Allocation], on: NaiveDate, reason: &str) -> Result<Vec<AllocationId>, Problem> {
    take_back(tx, originals, on, reason, None)
}

/// `unwinding`: the document that is being taken back itself.
fn take_back(tx: &mut Tx<'_>, originals: &[Allocation], on: NaiveDate, reason: &str, unwinding: Option<Uuid>) -> Result<Vec<AllocationId>, Problem> {
    let mirrored = |original: &Allocation| NewAllocation {
        id: AllocationId::new(),
        customer: original.customer,
        payer: original.payer,
        credit_item: original.credit_item,
        debit_item: original.debit_item,
        source: original.source.clone(),
        kind: original.kind,
        amount: -original.amount,
        credit_base: -original.credit_base,
        debit_base: -original.debit_base,
        effective_on: on.max(original.effective_on),
        rule: "reversal",
        evidence: json!({}),
        reverses: Some(original.id),
        because_of: None,
        reason: Some(reason.to_owned()),
    };
    let ids: Vec<AllocationId> = originals.iter().map(|original| original.id).collect();
    let granted = granted_for(tx, ids.clone())?;
    let countered = if originals.iter().any(|original| original.kind.counters()) { countered_by(tx, ids)? } else { Vec::new() };
    let reversals: Vec<NewAllocation> = originals.iter().map(mirrored).collect();
    settle(tx, &reversals)?;
    for document in granted {
        unwind(tx, &Unwind { document, kind: DocumentKind::Reversal, on, reason })?;
    }
    for (document, entry) in countered.into_iter().filter(|(document, _)| unwinding != Some(*document)) {
        unwind_entries(tx, &Unwind { document, kind: DocumentKind::Reversal, on, reason }, Some(entry))?;
    }
    Ok(reversals.iter().map(|reversal| reversal.id).collect())
}

/// Takes a posted document back: the allocations in force on its items first, then a mirror of each of
/// its entries with opposite items at the same base amounts, and the items against each other.
/// The caller has locked the parties. Gives the mirrors.
pub fn unwind(tx: &mut Tx<'_>, wanted: &Unwind<'_>) -> Result<Vec<EntryId>, Problem> {
    unwind_entries(tx, wanted, None)
}

/// As [`unwind`], of one entry of the document alone.
fn unwind_entries(tx: &mut Tx<'_>, wanted: &Unwind<'_>, only: Option<EntryId>) -> Result<Vec<EntryId>, Problem> {
    let mut entries = standing(tx, wanted.document)?;
    entries.retain(|entry| only.is_none_or(|only| only == entry.id));
    if entries.is_empty() {
        return Err(Problem::new(ALREADY_REVERSED, "The document is taken back already."));
    }
    let mut items = lock_items_of(tx, vec![wanted.document])?;
    items.retain(|item| entries.iter().any(|entry| entry.id == item.entry));
    let ids: Vec<OpenItemId> = items.iter().map(|item| item.id).collect();
    let in_force = in_force_on(tx, &ids)?;
    take_back(tx, &in_force, wanted.on, wanted.reason, Some(wanted.document))?;
    // Neither the mirror nor what it settles comes before what was taken back.
    let settled_on = in_force.iter().map(|a| a.effective_on).chain(items.iter().map(|i| i.settles_from)).fold(wanted.on, NaiveDate::max);
    let mut mirrors = Vec::with_capacity(entries.len());
    let mut settlements = Vec::new();
    for entry in &entries {
        let own: Vec<&OpenItem> = items.iter().filter(|item| item.entry == entry.id).collect();
        let opposite: Vec<NewOpenItem> = own.iter().map(|item| mirror(item, wanted.on.max(entry.posting_date))).collect();
        mirrors.push(posting(wanted, entry, opposite.clone()));
        for (item, opposite) in own.iter().zip(&opposite) {
            let whole = OpenItem { open: item.amount, open_base: item.base, ..(*item).clone() };
            let against = OpenItem { id: opposite.id, side: opposite.side, ..whole.clone() };
            let (credit, debit) = if item.side == Side::Credit { (&whole, &against) } else { (&against, &whole) };
            let reason = Some(wanted.reason.to_owned());
            settlements.push(NewAllocation { reason, ..NewAllocation::whole(credit, debit, AllocationKind::Reversal, settled_on, wanted.kind.as_str()) });
        }
    }
    let mirrors = post_all(tx, &mirrors)?;
    settle(tx, &settlements)?;
    Ok(mirrors)
}

fn mirror(item: &OpenItem, on: NaiveDate) -> NewOpenItem {
    let side = if item.side == Side::Credit { Side::Debit } else { Side::Credit };
    NewOpenItem { base: Some(item.base), ..NewOpenItem::single(item.customer, side, item.amount, on) }
}

fn posting(wanted: &Unwind<'_>, entry: &Entry, items: Vec<NewOpenItem>) -> Posting {
    let on = wanted.on.max(entry.posting_date);
    Posting {
        document_kind: wanted.kind,
        document_id: wanted.document,
        document_number: entry.number.clone(),
        document_date: on,
        posting_date: on,
        currency: entry.currency,
        rate: entry.rate,
        narration: wanted.reason.to_owned(),
        lines: entry.mirrored(),
        items,
        reverses: Some(entry.id),
    }
}

/// An allocation that can still be taken back, with everything it concerns locked.
pub fn lock_reversible(tx: &mut Tx<'_>, id: AllocationId) -> Result<Allocation, Problem> {
    let missing = || Problem::not_found("allocation");
    let found = allocation(tx, id)?.ok_or_else(missing)?;
    lock_customers(tx, vec![found.customer, found.payer])?;
    let original = allocation(tx, id)?.ok_or_else(missing)?;
    if original.reverses.is_some() || original.kind == AllocationKind::Reversal {
        return Err(Problem::new(problem::INVALID_STATE, "This row itself takes something back; it cannot be reversed.").member("allowed_actions", json!([])));
    }
    if let Some(by) = original.reversed_by {
        return Err(Problem::new(ALREADY_REVERSED, "This allocation is reversed already.").member("current", json!({"status": "reversed", "reversed_by": by})));
    }
    Ok(original)
}
