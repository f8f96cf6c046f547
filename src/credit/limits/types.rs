//! Credit limits as they travel.

use crate::platform::dates::Instant;
use crate::platform::ids::{ApprovalId, CreditLimitId, CustomerId};
use crate::platform::money::Amount;
use crate::{resource, words};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    pub enum LimitStatus { PendingApproval = "pending_approval", Active = "active", Superseded = "superseded", Rejected = "rejected", Expired = "expired" }
}
words! {
    /// Whose exposure it caps: the customer's own, or that of a parent and its children together.
    pub enum Scope { Own = "own", Group = "group" }
}
words! {
    /// Why part of what is owed is not at risk.
    pub enum CoverKind { Insurance = "insurance", Guarantee = "guarantee", Deposit = "deposit", Security = "security" }
}

/// Part of what is owed that another pays, or that is secured.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Cover {
    pub kind: CoverKind,
    /// In the limit's currency.
    pub amount: Amount,
    /// The last day it counts.
    #[schema(example = "2026-12-31")]
    pub valid_to: Option<NaiveDate>,
    #[schema(min_length = 1, max_length = 100, example = "POL-88121")]
    pub reference: Option<String>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreditLimit {
    pub id: CreditLimitId,
    #[schema(example = "credit_limit")]
    pub object: &'static str,
    pub customer_id: CustomerId,
    pub scope: Scope,
    pub status: LimitStatus,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// Null: no check; 0: cash only.
    pub amount: Option<Amount>,
    /// While it holds, the lasting limit rests.
    #[schema(example = false)]
    pub temporary: bool,
    pub valid_from: NaiveDate,
    /// The last day it holds.
    pub valid_to: Option<NaiveDate>,
    /// What is insured, guaranteed, deposited or secured: it reduces exposure.
    #[schema(max_items = 20)]
    pub cover: Vec<Cover>,
    #[schema(max_length = 500, example = "Good payer, orders doubled")]
    pub reason: String,
    /// The request for it.
    pub approval_id: Option<ApprovalId>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
    pub decided_at: Option<Instant>,
}
resource!(CreditLimit: version);

#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount": "500000.00", "valid_from": "2025-12-01", "reason": "Good payer, orders doubled"}))]
pub struct NewCreditLimit {
    /// Left out: no check. 0: cash only.
    pub amount: Option<Amount>,
    /// The company's base currency when left out.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "INR")]
    pub currency: Option<String>,
    /// `own` when left out; `group` for a parent and its children together.
    pub scope: Option<Scope>,
    /// Today when left out; never before.
    #[schema(example = "2025-12-01")]
    pub valid_from: Option<NaiveDate>,
    /// The last day it holds; without end when left out. A temporary limit has one.
    #[schema(example = "2026-03-31")]
    pub valid_to: Option<NaiveDate>,
    #[serde(default)]
    #[schema(example = false)]
    pub temporary: bool,
    #[serde(default)]
    #[schema(max_items = 20, example = json!([{"kind": "insurance", "amount": "200000.00", "valid_to": "2026-12-31", "reference": "POL-88121"}]))]
    pub cover: Vec<Cover>,
    #[schema(min_length = 3, max_length = 500, example = "Good payer, orders doubled")]
    pub reason: String,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LimitFilter {
    /// States, comma-separated.
    #[param(max_length = 100, example = "active,pending_approval")]
    pub status: Option<String>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// Own limits or those of groups.
    #[param(inline)]
    pub scope: Option<Scope>,
    /// Smallest amount, in the limit's currency.
    pub amount_gte: Option<Amount>,
    /// Ends before this day.
    #[param(example = "2026-04-01")]
    pub due_before: Option<NaiveDate>,
    /// The customer's collector or salesperson.
    pub owner_id: Option<crate::platform::ids::UserId>,
    /// Proposed at this instant or later.
    pub created_at_gte: Option<Instant>,
    /// Proposed before this instant.
    pub created_at_lt: Option<Instant>,
}
