//! Open items and their settlement.

pub mod rules;
pub mod store;

use crate::platform::http::Problem;
use crate::platform::ids::{AllocationId, CustomerId, OpenItemId};
use crate::platform::unit_of_work::Tx;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

crate::words! {
    /// Owed to us (debit) or by us (credit).
    pub enum Side { Debit = "debit", Credit = "credit" }
}
crate::words! {
    /// What an allocation moves.
    pub enum AllocationKind { Cash = "cash", Tds = "tds", Discount = "discount", Charge = "charge", Retention = "retention", Credit = "credit", RoundOff = "round_off", WriteOff = "write_off", Adjustment = "adjustment", Refund = "refund", Recovery = "recovery", Reversal = "reversal" }
}

/// An item a posting opens.
#[derive(Debug, Clone)]
pub struct NewOpenItem {
    pub id: OpenItemId,
    pub customer: CustomerId,
    pub instalment_no: i32,
    pub side: Side,
    pub amount: Decimal,
    pub due_date: NaiveDate,
}

/// An item with what is left of it.
#[derive(Debug, Clone)]
pub struct OpenItem {
    pub id: OpenItemId,
    pub customer: CustomerId,
    pub document_kind: String,
    pub document_id: Uuid,
    pub document_number: String,
    pub side: Side,
    pub amount: Decimal,
    pub open: Decimal,
    /// The first day an allocation may count on: the posting date, or the last reversal on the item if
    /// that is later (before it the same money could be settled twice over).
    pub settles_from: NaiveDate,
    pub due_date: NaiveDate,
}

/// So much of a credit item against so much of a debit item.
#[derive(Debug, Clone)]
pub struct NewAllocation {
    pub id: AllocationId,
    pub customer: CustomerId,
    pub credit_item: OpenItemId,
    pub debit_item: OpenItemId,
    pub kind: AllocationKind,
    /// Positive; a reversal is negative and names what it reverses.
    pub amount: Decimal,
    pub effective_on: NaiveDate,
    /// Which rule placed it: `instructed`, `follows_cash`, `oldest_first`, …
    pub rule: &'static str,
    pub evidence: Value,
    pub reverses: Option<AllocationId>,
    pub reason: Option<String>,
}

/// A stored allocation.
#[derive(Debug, Clone)]
pub struct Allocation {
    pub id: AllocationId,
    pub customer: CustomerId,
    pub credit_item: OpenItemId,
    pub debit_item: OpenItemId,
    pub kind: AllocationKind,
    pub amount: Decimal,
    pub effective_on: NaiveDate,
    pub reverses: Option<AllocationId>,
    pub reversed_by: Option<AllocationId>,
}

/// Writes allocations: one statement. The database moves the balances and refuses any overdraw.
pub fn settle(tx: &mut Tx<'_>, allocations: &[NewAllocation]) -> Result<(), Problem> {
    if allocations.is_empty() { Ok(()) } else { store::insert(tx, allocations) }
}
