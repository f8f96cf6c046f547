//! Credit checks and order holds as they travel.

use crate::credit::policy::types::{Facts, Outcome, RuleResult};
use crate::master_data::customers::reference::{NamesCustomer, Reference};
use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{ApprovalId, CreditCheckId, CustomerId, InvoiceId, OrderHoldId};
use crate::platform::money::{Amount, Figure};
use crate::{resource, words};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// `pass`, `warn`, `hold`: as judged, and standing. `consumed`: billed. `expired`: not confirmed in time. `cancelled`: the
    /// order was closed or refused. `replaced`: the order was checked again.
    pub enum CheckStatus { Pass = "pass", Warn = "warn", Hold = "hold", Consumed = "consumed", Expired = "expired", Cancelled = "cancelled", Replaced = "replaced" }
}
words! {
    pub enum HoldStatus { Open = "open", Escalated = "escalated", Released = "released", Rejected = "rejected", Expired = "expired" }
}
words! {
    /// Where the amount of an order stands.
    pub enum Stage { Reserved = "reserved", Ordered = "ordered", Delivered = "delivered" }
}
words! {
    /// What became of an order. `ordered`: it stands, and no longer expires. `delivered`: it is delivered and not billed.
    /// `billed` (or `converted`): it is an invoice now, which counts itself. `cancelled` (or `released`): it is closed, and
    /// its amount is free.
    pub enum ConfirmOutcome { Ordered = "ordered", Delivered = "delivered", Billed = "billed", Converted = "converted", Cancelled = "cancelled", Released = "released" }
}

impl From<Outcome> for CheckStatus {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Pass,
            Outcome::Warn => Self::Warn,
            Outcome::Hold => Self::Hold,
        }
    }
}

/// One decision, with all that was known.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreditCheck {
    pub id: CreditCheckId,
    #[schema(example = "credit_check")]
    pub object: &'static str,
    pub customer_id: CustomerId,
    #[schema(max_length = 100, example = "SO-2025-1187")]
    pub order_id: String,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub amount: Amount,
    /// In base currency at the day's rate.
    pub base_amount: Amount,
    /// As judged then; never changes.
    pub result: Outcome,
    pub status: CheckStatus,
    /// Every rule's result.
    #[schema(max_items = 100)]
    pub rules: Vec<RuleResult>,
    /// Exposure with the order as the policy counted it, in base currency.
    pub exposure: Amount,
    /// What was left of the limit with the order; negative where it is exceeded, null without any limit.
    pub available: Option<Amount>,
    /// The hold the order waits in, or waited in.
    pub hold_id: Option<OrderHoldId>,
    /// Held free until `expires_at`. This and the next four are parts of `amount`.
    pub reserved: Amount,
    /// Confirmed and not delivered.
    pub ordered: Amount,
    /// Delivered and not billed.
    pub delivered: Amount,
    pub billed: Amount,
    /// Given up.
    pub freed: Amount,
    pub expires_at: Option<Instant>,
    #[schema(minimum = 0)]
    pub policy_version: i64,
    pub facts: Facts,
    /// The check of the same order before this one.
    pub replaces_id: Option<CreditCheckId>,
    #[schema(max_items = 3, example = json!(["confirm"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "client:0196f2a0-9999-7000-8000-00000000000c")]
    pub created_by: String,
    pub created_at: Instant,
}
resource!(CreditCheck: version);

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"customer_id": "0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42", "order_id": "SO-2025-1187", "amount": "5000.00"}))]
pub struct NewCreditCheck {
    pub customer_id: Option<CustomerId>,
    #[schema(min_length = 1, max_length = 100, example = "CUST-0042")]
    pub customer_external_id: Option<String>,
    #[schema(min_length = 1, max_length = 30, example = "ACME")]
    pub customer_code: Option<String>,
    /// The order as the order system knows it. Asking for the same order again judges it anew.
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/#-]+$", example = "SO-2025-1187")]
    pub order_id: String,
    /// Of the whole order, with tax.
    pub amount: Amount,
    /// The company's base currency when left out.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "INR")]
    pub currency: Option<String>,
    /// Days the order asks to pay in.
    #[schema(minimum = 0, maximum = 365, example = 45)]
    pub payment_terms_days: Option<i32>,
    /// Hours its amount is held free; the policy's when left out.
    #[schema(minimum = 1, maximum = 8760, example = 24)]
    pub reserve_hours: Option<i32>,
}
impl NamesCustomer for NewCreditCheck {
    fn customer(&self) -> Reference<'_> {
        Reference { id: self.customer_id, external_id: self.customer_external_id.as_deref(), code: self.customer_code.as_deref() }
    }
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"outcome": "delivered"}))]
pub struct ConfirmCheck {
    pub outcome: ConfirmOutcome,
    /// A part, in the order's currency; all that is left when left out.
    pub amount: Option<Amount>,
    /// The invoice that bills it.
    pub invoice_id: Option<InvoiceId>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CheckFilter {
    /// States, comma-separated.
    #[param(max_length = 100, example = "pass,warn")]
    pub status: Option<String>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// The order.
    #[param(max_length = 100, example = "SO-2025-1187")]
    pub order_id: Option<String>,
    /// Smallest amount, in the order's currency.
    pub amount_gte: Option<Amount>,
    /// Made at this instant or later.
    pub created_at_gte: Option<Instant>,
    /// Made before this instant.
    pub created_at_lt: Option<Instant>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReplayQuery {
    /// Judge the kept facts by this version instead of the one they were judged by; 0 is the house's own.
    #[param(minimum = 0, example = 2)]
    pub policy_version: Option<i64>,
}

/// A kept decision judged again.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Replay {
    pub check_id: CreditCheckId,
    #[schema(minimum = 0)]
    pub policy_version: i64,
    pub result: Outcome,
    #[schema(max_items = 100)]
    pub rules: Vec<RuleResult>,
    /// Whether it is what was decided then, rule by rule.
    #[schema(example = true)]
    pub same: bool,
}
impl Resource for Replay {}

/// What was known of a customer when an order was stopped.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Evidence {
    /// Open debits by days since their due date, in base currency.
    #[schema(max_items = 6)]
    pub aging: Vec<AgingBucket>,
    pub history: PaymentHistory,
    /// Cheques of the customer returned unpaid in the 12 months before.
    #[schema(minimum = 0, example = 1)]
    pub bounces: i64,
    /// Other orders of the customer that wait.
    #[schema(minimum = 0, example = 0)]
    pub other_holds: i64,
    /// What would belong here and is not recorded by this service.
    #[schema(max_items = 5, example = json!(["promises", "disputes"]))]
    pub not_recorded: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AgingBucket {
    #[schema(max_length = 20, example = "1-30")]
    pub bucket: String,
    pub amount: Amount,
}

/// Invoices and debit notes paid in full in the 12 months before.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaymentHistory {
    #[schema(minimum = 0, example = 24)]
    pub paid: i64,
    #[schema(minimum = 0, example = 5)]
    pub paid_late: i64,
    /// Days from due date to payment, weighted by amount, early ones negative; null when none was paid.
    pub average_days_late: Option<Figure>,
    #[schema(example = 31)]
    pub worst_days_late: Option<i64>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrderHold {
    pub id: OrderHoldId,
    #[schema(example = "order_hold")]
    pub object: &'static str,
    pub status: HoldStatus,
    pub check_id: CreditCheckId,
    pub customer_id: CustomerId,
    #[schema(max_length = 100, example = "SO-2025-1187")]
    pub order_id: String,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub amount: Amount,
    /// In base currency at the rate of its day.
    pub base_amount: Amount,
    /// The rules that hold it, as they were.
    #[schema(max_items = 100)]
    pub reasons: Vec<RuleResult>,
    pub facts: Facts,
    pub evidence: Evidence,
    /// Up by one with every escalation.
    #[schema(minimum = 1, maximum = 9, example = 1)]
    pub level: i32,
    /// Released up to this amount, in the order's currency.
    pub released_amount: Option<Amount>,
    /// The last day of the release.
    pub released_until: Option<NaiveDate>,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000b")]
    pub decided_by: Option<String>,
    pub decided_at: Option<Instant>,
    #[schema(max_length = 500, example = "Payment promised by Friday")]
    pub decision_reason: Option<String>,
    /// The newest request about it.
    pub approval_id: Option<ApprovalId>,
    #[schema(max_items = 3, example = json!(["release", "escalate", "reject"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "client:0196f2a0-9999-7000-8000-00000000000c")]
    pub created_by: String,
    pub created_at: Instant,
}
resource!(OrderHold: version);

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Payment promised by Friday"}))]
pub struct ReleaseHold {
    /// Up to this amount, in the order's currency; the whole order when left out.
    pub amount: Option<Amount>,
    /// The last day, within a year; the policy's days from today when left out.
    #[schema(example = "2025-11-25")]
    pub valid_until: Option<NaiveDate>,
    #[schema(min_length = 3, max_length = 500, example = "Payment promised by Friday")]
    pub reason: String,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "More than I may release"}))]
pub struct HoldReason {
    #[schema(min_length = 3, max_length = 500, example = "More than I may release")]
    pub reason: String,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HoldFilter {
    /// States, comma-separated.
    #[param(max_length = 100, example = "open,escalated")]
    pub status: Option<String>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// The order.
    #[param(max_length = 100, example = "SO-2025-1187")]
    pub order_id: Option<String>,
    /// How often it was escalated, and one.
    #[param(minimum = 1, maximum = 9, example = 2)]
    pub level: Option<i32>,
    /// Smallest amount, in base currency.
    pub amount_gte: Option<Amount>,
    /// The customer's collector or salesperson.
    pub owner_id: Option<crate::platform::ids::UserId>,
    /// The release ends before this day.
    #[param(example = "2026-04-01")]
    pub due_before: Option<NaiveDate>,
    /// Stopped at this instant or later.
    pub created_at_gte: Option<Instant>,
    /// Stopped before this instant.
    pub created_at_lt: Option<Instant>,
}
