//! Adjustments as they travel.

use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{AdjustmentId, ApprovalId, CustomerId};
use crate::platform::money::Amount;
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    pub enum AdjustmentStatus { PendingApproval = "pending_approval", Posted = "posted", Reversed = "reversed", Rejected = "rejected" }
}
words! {
    /// One item by hand, or a run over small balances.
    pub enum AdjustmentCause { Adjustment = "adjustment", SmallBalance = "small_balance" }
}
words! {
    /// What holds the item.
    pub enum AdjustmentTarget {
        Invoice = "invoice", DebitNote = "debit_note", CreditNote = "credit_note", Receipt = "receipt", Opening = "opening", Adjustment = "adjustment", TdsShortfall = "tds_shortfall", Journal = "journal",
    }
}
words! {
    /// What customers owe, what is owed to them, or both.
    pub enum ClearSide { Debit = "debit", Credit = "credit", Both = "both" }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Adjustment {
    pub id: AdjustmentId,
    #[schema(example = "adjustment")]
    pub object: &'static str,
    /// Null until posted.
    #[schema(max_length = 16, example = "ADJ/25-26/00001")]
    pub number: Option<String>,
    #[schema(max_length = 100, example = "adj-4711")]
    pub external_id: Option<String>,
    pub status: AdjustmentStatus,
    pub cause: AdjustmentCause,
    /// The run it is part of, or itself: what is approved together.
    pub batch_id: Uuid,
    pub customer_id: CustomerId,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub adjusted_on: NaiveDate,
    #[schema(max_length = 40, example = "rounding")]
    pub reason_code: Option<String>,
    #[schema(max_length = 500, example = "Rounding agreed with the customer")]
    pub reason: String,
    /// What the customer owes more; less when negative.
    pub amount: Amount,
    /// In base currency.
    pub base_amount: Amount,
    #[schema(max_items = 1000)]
    pub items: Vec<AdjustedItem>,
    pub approval_id: Option<ApprovalId>,
    #[schema(max_items = 10, example = json!(["reverse"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
}
impl Resource for Adjustment {
    fn id(&self) -> Option<String> {
        Some(self.id.to_string())
    }
    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
    /// Its reversal does.
    fn awaits(&self) -> bool {
        self.approval_id.is_some() && self.status == AdjustmentStatus::Posted
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AdjustedItem {
    #[schema(max_length = 20, example = "invoice")]
    pub target_type: String,
    pub target_id: Uuid,
    #[schema(max_length = 50, example = "MH/25-26/000123")]
    pub target_number: String,
    #[schema(minimum = 1, example = 1)]
    pub instalment_no: i32,
    pub amount: Amount,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"target_type": "invoice", "target_id": "0196f2b1-7c44-7d02-8a11-0c9f3b1e2a77", "amount": "-12.50", "reason": "Rounding agreed with the customer"}))]
pub struct NewAdjustment {
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/-]+$", example = "adj-4711")]
    pub external_id: Option<String>,
    pub target_type: AdjustmentTarget,
    pub target_id: Uuid,
    /// Which instalment; the oldest open one when left out.
    #[schema(minimum = 1, maximum = 1000, example = 1)]
    pub instalment_no: Option<i32>,
    /// What the customer owes more; negative: less.
    pub amount: Amount,
    /// Accounting date; today when left out.
    #[schema(example = "2025-11-20")]
    pub adjusted_on: Option<NaiveDate>,
    #[schema(pattern = "^[a-z0-9_]{1,40}$", max_length = 40, example = "rounding")]
    pub reason_code: Option<String>,
    #[schema(min_length = 3, max_length = 500, example = "Rounding agreed with the customer")]
    pub reason: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReverseAdjustment {
    /// Accounting date; today when left out.
    #[schema(example = "2025-12-01")]
    pub reversed_on: Option<NaiveDate>,
    #[schema(min_length = 3, max_length = 500, example = "Wrong invoice")]
    pub reason: String,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"as_of": "2025-11-30", "max_amount": "10.00", "max_total": "500.00", "side": "both", "reason": "Monthly clearing of small balances"}))]
pub struct ClearSmallBalances {
    /// Items posted up to this day, which is the accounting date.
    #[schema(example = "2025-11-30")]
    pub as_of: NaiveDate,
    /// Largest open amount of an item, in base currency.
    pub max_amount: Amount,
    /// Most the run may clear, in base currency, debits and credits added up.
    pub max_total: Amount,
    /// One customer only.
    pub customer_id: Option<CustomerId>,
    pub side: ClearSide,
    #[schema(min_length = 3, max_length = 500, example = "Monthly clearing of small balances")]
    pub reason: String,
}

/// A run over small balances.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SmallBalanceRun {
    /// The run, for `batch_id`.
    pub id: Uuid,
    #[schema(example = "small_balance_run")]
    pub object: &'static str,
    pub as_of: NaiveDate,
    /// `pending_approval` where a second person must agree.
    pub status: AdjustmentStatus,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    #[schema(minimum = 0, example = 3)]
    pub count: i64,
    /// Debits cleared, in base currency.
    pub debit: Amount,
    /// Credits cleared, in base currency.
    pub credit: Amount,
    /// Both together.
    pub total: Amount,
    pub approval_id: Option<ApprovalId>,
    #[schema(max_items = 1000)]
    pub adjustments: Vec<Adjustment>,
}
impl Resource for SmallBalanceRun {}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AdjustmentFilter {
    /// The client's own id.
    #[param(max_length = 100, example = "adj-4711")]
    pub external_id: Option<String>,
    /// States, comma-separated.
    #[param(max_length = 100, example = "posted")]
    pub status: Option<String>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// The run.
    pub batch_id: Option<Uuid>,
    /// By hand, or of a run.
    #[param(inline)]
    pub cause: Option<AdjustmentCause>,
    /// First day.
    #[param(example = "2025-11-01")]
    pub adjusted_on_gte: Option<NaiveDate>,
    /// Last day.
    #[param(example = "2025-11-30")]
    pub adjusted_on_lte: Option<NaiveDate>,
}
