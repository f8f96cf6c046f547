//! Allocations as they travel.

use crate::ledger::AllocationKind;
use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{AllocationId, ApprovalId, CustomerId};
use crate::platform::money::Amount;
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    /// What gives the money.
    pub enum SourceType { Receipt = "receipt", CreditNote = "credit_note", Opening = "opening", Adjustment = "adjustment", Journal = "journal" }
}
words! {
    /// What is settled.
    pub enum TargetType { Invoice = "invoice", DebitNote = "debit_note", Opening = "opening", TdsShortfall = "tds_shortfall", Adjustment = "adjustment", Journal = "journal" }
}
words! {
    /// Which part of a receipt: the money itself or what was deducted.
    pub enum TargetKind { Cash = "cash", Tds = "tds", Discount = "discount", Charge = "charge", Retention = "retention" }
}
words! {
    /// Why the payer pays less or more than is open. What is missing stays open; nothing is conceded by saying so.
    pub enum DifferenceReason {
        Dispute = "dispute", TaxDeducted = "tax_deducted", DiscountTaken = "discount_taken", BankCharges = "bank_charges", Retention = "retention",
        PriceDifference = "price_difference", Instalment = "instalment", Advance = "advance", PaidTwice = "paid_twice", Other = "other",
    }
}
words! {
    pub enum AllocationStatus { Active = "active", Reversed = "reversed" }
}

impl TargetKind {
    #[must_use]
    pub fn ledger(self) -> AllocationKind {
        match self {
            Self::Cash => AllocationKind::Cash,
            Self::Tds => AllocationKind::Tds,
            Self::Discount => AllocationKind::Discount,
            Self::Charge => AllocationKind::Charge,
            Self::Retention => AllocationKind::Retention,
        }
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Allocation {
    pub id: AllocationId,
    #[schema(example = "allocation")]
    pub object: &'static str,
    pub status: AllocationStatus,
    pub customer_id: CustomerId,
    #[schema(max_length = 20, example = "receipt")]
    pub source_type: String,
    pub source_id: Uuid,
    #[schema(max_length = 16, example = "RCT/25-26/00731")]
    pub source_number: String,
    #[schema(max_length = 20, example = "invoice")]
    pub target_type: String,
    pub target_id: Uuid,
    #[schema(max_length = 16, example = "MH/25-26/000123")]
    pub target_number: String,
    pub kind: AllocationKind,
    /// Negative for a reversal.
    pub amount: Amount,
    /// From which day it counts.
    pub allocated_on: NaiveDate,
    /// Which rule placed it.
    #[schema(max_length = 40, example = "instructed")]
    pub rule: String,
    /// `discount_disallowed`: the payer took a discount that was no longer due.
    #[schema(max_items = 5, example = json!(["discount_disallowed"]))]
    pub flags: Vec<String>,
    /// Why the payer paid less or more than was open.
    pub difference_reason: Option<DifferenceReason>,
    /// Set on what was granted for the sake of another allocation, and goes with it.
    pub because_of: Option<AllocationId>,
    /// What the exchange rates of both documents differ by, in base currency: a gain is positive.
    pub exchange_difference: Amount,
    /// Set on a reversal: what it takes back.
    pub reverses_id: Option<AllocationId>,
    #[schema(max_length = 500, example = "Wrong invoice")]
    pub reason: Option<String>,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
    /// The reversal that was asked for and waits for a second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_id: Option<ApprovalId>,
}
impl Resource for Allocation {
    fn id(&self) -> Option<String> {
        Some(self.id.to_string())
    }
    fn awaits(&self) -> bool {
        self.approval_id.is_some()
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AllocationList {
    #[schema(max_items = 5000)]
    pub data: Vec<Allocation>,
}
impl Resource for AllocationList {}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAllocations {
    pub source_type: SourceType,
    pub source_id: Uuid,
    /// Counts from this day, or from the later document's date if that is later; today when left out.
    #[schema(example = "2025-11-18")]
    pub allocated_on: Option<NaiveDate>,
    #[schema(min_items = 1, max_items = 1000)]
    pub targets: Vec<Target>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"target_type": "invoice", "target_id": "0196f2b1-7c44-7d02-8a11-0c9f3b1e2a77", "amount": "60000.00", "kind": "cash"}))]
pub struct Target {
    pub target_type: TargetType,
    pub target_id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 100, example = "so-88121")]
    pub target_external_id: Option<String>,
    /// More than nothing, in the document's currency.
    pub amount: Amount,
    /// `cash` when left out; where the cash does not suffice, what was deducted makes up the rest.
    pub kind: Option<TargetKind>,
    /// Grant the early-payment discount also within the grace days, or not; as the company decided when left out.
    #[schema(example = true)]
    pub late_discount: Option<bool>,
    pub difference_reason: Option<DifferenceReason>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReverseAllocation {
    /// Accounting date of the reversal; today when left out.
    #[schema(example = "2025-11-20")]
    pub reversed_on: Option<NaiveDate>,
    #[schema(min_length = 3, max_length = 500, example = "Wrong invoice")]
    pub reason: String,
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AllocationFilter {
    /// Kinds of the credit, comma-separated.
    #[param(max_length = 200, example = "receipt,credit_note")]
    pub source_type: Option<String>,
    /// The receipt or other credit.
    pub source_id: Option<Uuid>,
    /// Kinds of the debit, comma-separated.
    #[param(max_length = 200, example = "invoice,debit_note")]
    pub target_type: Option<String>,
    /// The invoice or other debit.
    pub target_id: Option<Uuid>,
    /// Kinds, comma-separated.
    #[param(max_length = 200, example = "cash,tds")]
    pub kind: Option<String>,
    /// What chose the target, comma-separated.
    #[param(max_length = 200, example = "oldest_first")]
    pub rule: Option<String>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// Only active, or only reversed ones (with their reversals).
    #[param(inline)]
    pub status: Option<AllocationStatus>,
    /// First day.
    #[param(example = "2025-11-01")]
    pub allocated_on_gte: Option<NaiveDate>,
    /// Last day.
    #[param(example = "2025-11-30")]
    pub allocated_on_lte: Option<NaiveDate>,
}
