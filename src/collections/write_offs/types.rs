//! Write-offs as they travel.

use crate::master_data::customers::reference::{NamesCustomer, Reference};
use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{ApprovalId, CustomerId, ReceiptId, WriteOffId};
use crate::platform::money::{Amount, Rate};
use crate::words;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    pub enum WriteOffStatus { PendingApproval = "pending_approval", Posted = "posted", Reversed = "reversed", Rejected = "rejected" }
}
words! {
    /// What is written off.
    pub enum WriteOffTarget { Invoice = "invoice", DebitNote = "debit_note", Opening = "opening", TdsShortfall = "tds_shortfall", Adjustment = "adjustment", Journal = "journal" }
}

/// A write-off with what was recovered of it: a row of the register.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WriteOff {
    pub id: WriteOffId,
    #[schema(example = "write_off")]
    pub object: &'static str,
    /// Null until posted.
    #[schema(max_length = 16, example = "WO/25-26/00001")]
    pub number: Option<String>,
    #[schema(max_length = 100, example = "wo-4711")]
    pub external_id: Option<String>,
    pub status: WriteOffStatus,
    pub customer_id: CustomerId,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub written_off_on: NaiveDate,
    #[schema(max_length = 40, example = "insolvency")]
    pub reason_code: Option<String>,
    #[schema(max_length = 500, example = "Customer is insolvent")]
    pub reason: String,
    pub amount: Amount,
    /// What it is worth in base currency.
    pub base_amount: Amount,
    #[schema(max_items = 200)]
    pub items: Vec<WriteOffItem>,
    /// What was taken back of it.
    pub reversed_amount: Amount,
    pub recovered: Amount,
    /// What is written off and not recovered.
    pub remaining: Amount,
    /// Per cent of what stays written off.
    pub recovery_percent: Rate,
    #[schema(max_items = 1000)]
    pub recoveries: Vec<Recovery>,
    /// The request that waits for a second person.
    pub approval_id: Option<ApprovalId>,
    #[schema(max_items = 10, example = json!(["recover", "reverse"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
}
impl Resource for WriteOff {
    fn id(&self) -> Option<String> {
        Some(self.id.to_string())
    }
    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
    /// Its reversal does.
    fn awaits(&self) -> bool {
        self.approval_id.is_some() && self.status == WriteOffStatus::Posted
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WriteOffItem {
    #[schema(max_length = 20, example = "invoice")]
    pub target_type: String,
    pub target_id: Uuid,
    #[schema(max_length = 50, example = "MH/25-26/000123")]
    pub target_number: String,
    pub amount: Amount,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Recovery {
    pub id: Uuid,
    pub receipt_id: ReceiptId,
    pub amount: Amount,
    pub recovered_on: NaiveDate,
    /// Taken back since.
    pub reversed: bool,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"customer_external_id": "CUST-0042", "written_off_on": "2025-11-20", "reason": "Customer is insolvent", "reason_code": "insolvency",
    "items": [{"target_type": "invoice", "target_id": "0196f2b1-7c44-7d02-8a11-0c9f3b1e2a77", "amount": "40000.00"}]}))]
pub struct NewWriteOff {
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/-]+$", example = "wo-4711")]
    pub external_id: Option<String>,
    pub customer_id: Option<CustomerId>,
    #[schema(min_length = 1, max_length = 100, example = "CUST-0042")]
    pub customer_external_id: Option<String>,
    #[schema(min_length = 1, max_length = 30, example = "ACME")]
    pub customer_code: Option<String>,
    /// Accounting date; today when left out.
    #[schema(example = "2025-11-20")]
    pub written_off_on: Option<NaiveDate>,
    #[schema(min_length = 3, max_length = 500, example = "Customer is insolvent")]
    pub reason: String,
    #[schema(pattern = "^[a-z0-9_]{1,40}$", max_length = 40, example = "insolvency")]
    pub reason_code: Option<String>,
    #[schema(min_items = 1, max_items = 200)]
    pub items: Vec<NewWriteOffItem>,
}
impl NamesCustomer for NewWriteOff {
    fn customer(&self) -> Reference<'_> {
        Reference { id: self.customer_id, external_id: self.customer_external_id.as_deref(), code: self.customer_code.as_deref() }
    }
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"target_type": "invoice", "target_id": "0196f2b1-7c44-7d02-8a11-0c9f3b1e2a77", "amount": "40000.00"}))]
pub struct NewWriteOffItem {
    pub target_type: WriteOffTarget,
    pub target_id: Uuid,
    /// In the document's currency; all that is open when left out.
    pub amount: Option<Amount>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReverseWriteOff {
    /// Accounting date; today when left out.
    #[schema(example = "2025-12-01")]
    pub reversed_on: Option<NaiveDate>,
    #[schema(min_length = 3, max_length = 500, example = "The customer's administrator acknowledged the debt")]
    pub reason: String,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecovery {
    pub receipt_id: ReceiptId,
    /// At most what is still written off and what is unapplied of the receipt.
    pub amount: Amount,
    /// Accounting date; today when left out.
    #[schema(example = "2025-12-10")]
    pub recovered_on: Option<NaiveDate>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WriteOffFilter {
    /// The client's own id.
    #[param(max_length = 100, example = "wo-4711")]
    pub external_id: Option<String>,
    /// States, comma-separated.
    #[param(max_length = 100, example = "posted")]
    pub status: Option<String>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// First day.
    #[param(example = "2025-11-01")]
    pub written_off_on_gte: Option<NaiveDate>,
    /// Last day.
    #[param(example = "2025-11-30")]
    pub written_off_on_lte: Option<NaiveDate>,
}
