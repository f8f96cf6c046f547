//! Refunds as they travel.

use crate::ledger::advances::types::AdvanceAmounts;
use crate::platform::dates::Instant;
use crate::platform::ids::{ApprovalId, BankAccountId, CustomerId, RefundId, UserId};
use crate::platform::money::{Amount, Rate};
use crate::{resource, words};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    pub enum RefundStatus { PendingApproval = "pending_approval", Approved = "approved", Paid = "paid", Failed = "failed", Cancelled = "cancelled" }
}
words! {
    /// Whose open credit is paid back.
    pub enum RefundSource { Receipt = "receipt", CreditNote = "credit_note", Opening = "opening" }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Refund {
    pub id: RefundId,
    #[schema(example = "refund")]
    pub object: &'static str,
    /// Null until paid.
    #[schema(max_length = 16, example = "RF/25-26/00001")]
    pub number: Option<String>,
    #[schema(max_length = 100, example = "rf-4711")]
    pub external_id: Option<String>,
    pub status: RefundStatus,
    pub customer_id: CustomerId,
    pub source_type: RefundSource,
    pub source_id: Uuid,
    #[schema(max_length = 50, example = "RCT/25-26/00731")]
    pub source_number: String,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub amount: Amount,
    #[schema(max_length = 500, example = "Paid twice")]
    pub reason: String,
    pub beneficiary: Beneficiary,
    #[schema(max_length = 50, example = "HDFCN52025112000000042")]
    pub utr: Option<String>,
    pub paid_on: Option<NaiveDate>,
    pub bank_account_id: Option<BankAccountId>,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000c")]
    pub paid_by: Option<String>,
    /// Where an advance was paid back: the refund voucher (CGST rule 51).
    pub refund_voucher: Option<RefundVoucher>,
    /// When the payment failed, and why it failed or was cancelled.
    pub ended_on: Option<NaiveDate>,
    #[schema(max_length = 500, example = "Account closed")]
    pub end_reason: Option<String>,
    /// The request for it.
    pub approval_id: Option<ApprovalId>,
    /// Days since it was asked for, while it is not paid.
    #[schema(minimum = 0, example = 2)]
    pub days_waiting: Option<i64>,
    #[schema(max_items = 10, example = json!(["mark-paid", "cancel"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
}
resource!(Refund: version);

/// The tax that is no longer due on an advance paid back.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RefundVoucher {
    #[schema(max_length = 16, example = "RFV/25-26/00001")]
    pub number: String,
    pub date: NaiveDate,
    /// The voucher of the receipt; null where the money was on account again only later.
    #[schema(max_length = 16, example = "RV/25-26/00001")]
    pub receipt_voucher_number: Option<String>,
    pub receipt_voucher_date: NaiveDate,
    #[schema(max_length = 2, example = "27")]
    pub place_of_supply: String,
    pub tax_rate: Rate,
    /// In base currency.
    pub amounts: AdvanceAmounts,
}

/// Where the money goes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Acme Retail Pvt Ltd", "account_number": "50200012345678", "ifsc": "HDFC0000123"}))]
pub struct Beneficiary {
    #[schema(min_length = 1, max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub name: String,
    /// In lists only the last four characters.
    #[schema(min_length = 4, max_length = 34, pattern = "^[A-Za-z0-9]{4,34}$", example = "50200012345678")]
    pub account_number: String,
    #[schema(pattern = "^[A-Z]{4}0[A-Z0-9]{6}$", max_length = 11, example = "HDFC0000123")]
    pub ifsc: Option<String>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRefund {
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/-]+$", example = "rf-4711")]
    pub external_id: Option<String>,
    pub source_type: RefundSource,
    pub source_id: Uuid,
    /// In the source's currency.
    pub amount: Amount,
    #[schema(min_length = 3, max_length = 500, example = "Paid twice")]
    pub reason: String,
    pub beneficiary: Beneficiary,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MarkPaid {
    #[schema(min_length = 1, max_length = 50, example = "HDFCN52025112000000042")]
    pub utr: String,
    /// Accounting date; today when left out.
    #[schema(example = "2025-11-20")]
    pub paid_on: Option<NaiveDate>,
    /// The default bank account when left out.
    pub bank_account_id: Option<BankAccountId>,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FailRefund {
    /// Accounting date; today when left out.
    #[schema(example = "2025-11-22")]
    pub failed_on: Option<NaiveDate>,
    #[schema(min_length = 3, max_length = 500, example = "Account closed")]
    pub reason: String,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelRefund {
    #[schema(min_length = 3, max_length = 500, example = "The customer will use the credit")]
    pub reason: String,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RefundFilter {
    /// The client's own id.
    #[param(max_length = 100, example = "rf-4711")]
    pub external_id: Option<String>,
    /// States, comma-separated.
    #[param(max_length = 100, example = "pending_approval,approved")]
    pub status: Option<String>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// The receipt or credit note.
    pub source_id: Option<Uuid>,
    /// Of customers assigned to this salesperson.
    pub salesperson_id: Option<UserId>,
    /// Days since it was asked for at least.
    #[param(minimum = 0, maximum = 10_000, example = 7)]
    pub age_days_gte: Option<i64>,
}
