//! Approvals as they travel.

use super::rules::Band;
use crate::platform::dates::Instant;
use crate::platform::ids::{ApprovalId, CustomerId};
use crate::platform::money::Amount;
use crate::{resource, words};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    /// Where a request stands. `stale`: the subject changed and must be asked for again.
    pub enum ApprovalStatus { Pending = "pending", Approved = "approved", Rejected = "rejected", Withdrawn = "withdrawn", Stale = "stale" }
}
words! {
    pub enum DecisionKind { Approve = "approve", Reject = "reject", Withdraw = "withdraw" }
}
words! {
    /// Whose requests.
    pub enum Mine { ToDecide = "to_decide", Requested = "requested" }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Approval {
    pub id: ApprovalId,
    #[schema(example = "approval")]
    pub object: &'static str,
    #[schema(max_length = 40, example = "write_offs")]
    pub kind: String,
    /// What will be done: `write_off.post`.
    #[schema(max_length = 60, example = "write_off.post")]
    pub action: String,
    pub status: ApprovalStatus,
    #[schema(max_length = 40, example = "write_off")]
    pub subject_type: String,
    pub subject_id: Uuid,
    /// The version that is decided on; 0 where there is none yet.
    #[schema(minimum = 0)]
    pub subject_version: i64,
    pub customer_id: Option<CustomerId>,
    /// In base currency.
    pub amount: Amount,
    /// With what the requester asked for the customer in 30 days: this chose the band (SOD-17).
    pub rolling_amount: Amount,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// Persons who must approve; 0 was within the zero band.
    #[schema(minimum = 0, maximum = 5, example = 1)]
    pub steps_required: i32,
    #[schema(minimum = 0, maximum = 5, example = 0)]
    pub steps_done: i32,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub requested_by: String,
    #[schema(max_length = 500, example = "Customer is insolvent")]
    pub reason: Option<String>,
    /// The subject as it was.
    pub before: Value,
    /// As it would be.
    pub after: Value,
    #[schema(max_items = 10)]
    pub decisions: Vec<Decision>,
    #[schema(max_items = 3, example = json!(["approve", "reject"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    pub version: i64,
    pub created_at: Instant,
    pub decided_at: Option<Instant>,
}
resource!(Approval: version);

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Decision {
    #[schema(minimum = 1, maximum = 10, example = 1)]
    pub step: i32,
    pub decision: DecisionKind,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000b")]
    pub actor: String,
    #[schema(max_length = 500, example = "Checked with the court order")]
    pub reason: Option<String>,
    pub decided_at: Instant,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Approve {
    #[schema(min_length = 3, max_length = 500, example = "Checked with the court order")]
    pub reason: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    #[schema(min_length = 3, max_length = 500, example = "Try the guarantor first")]
    pub reason: String,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ApprovalFilter {
    /// Kinds, comma-separated.
    #[param(max_length = 200, example = "write_offs,refunds")]
    pub kind: Option<String>,
    /// States, comma-separated.
    #[param(max_length = 100, example = "pending")]
    pub status: Option<String>,
    /// What the caller may decide, or what the caller asked for.
    #[param(inline)]
    pub mine: Option<Mine>,
    /// The subject.
    pub subject_id: Option<Uuid>,
    /// The customer.
    pub customer_id: Option<CustomerId>,
    /// Who asked.
    #[param(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub requested_by: Option<String>,
    /// Smallest amount.
    pub amount_gte: Option<Amount>,
    /// Hours since the request at least.
    #[param(minimum = 1, maximum = 100_000, example = 24)]
    pub age_hours_gte: Option<i64>,
}

/// Who decides from which amount on, for a kind of act.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApprovalPolicy {
    #[schema(max_length = 40, example = "write_offs")]
    pub kind: String,
    #[schema(max_length = 60, example = "write_offs:approve")]
    pub permission: String,
    #[schema(max_items = 10)]
    pub bands: Vec<Band>,
    /// The acts it is about.
    #[schema(max_items = 20, example = json!(["write_off.post"]))]
    pub actions: Vec<&'static str>,
    /// 0 until the company sets bands of its own.
    #[schema(minimum = 0)]
    pub version: i64,
}
impl crate::platform::http::reply::Resource for ApprovalPolicy {
    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ApprovalPolicies {
    #[schema(max_items = 50)]
    pub data: Vec<ApprovalPolicy>,
}
impl crate::platform::http::reply::Resource for ApprovalPolicies {}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBands {
    #[schema(min_items = 1, max_items = 10, example = json!([{"up_to": "100000.00", "steps": 1}, {"steps": 2}]))]
    pub bands: Vec<Band>,
    #[schema(min_length = 3, max_length = 500, example = "Board resolution of June")]
    pub reason: String,
}
