//! The audit log as it travels.

use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// One event. `seq` is its place in the sealed log, absent for the second or so before sealing.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    pub id: Uuid,
    #[schema(example = "audit_entry")]
    pub object: &'static str,
    #[schema(minimum = 1)]
    pub seq: Option<i64>,
    pub recorded_at: Instant,
    #[schema(max_length = 100, example = "receipt.recorded")]
    pub action: String,
    #[schema(max_length = 100, example = "receipt")]
    pub resource_type: String,
    pub resource_id: Uuid,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub actor: String,
    #[schema(max_length = 64, example = "req_0196f2c41b7e7c0aa1d5")]
    pub request_id: String,
    /// Before, after, reason and version, exactly as sealed.
    #[schema(value_type = Object, example = json!({"before": null, "after": {"status": "applied"}, "reason": null}))]
    pub detail: serde_json::Value,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// Who, as `user:…` or `client:…`.
    #[param(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub actor: Option<String>,
    /// What was done.
    #[param(max_length = 100, example = "receipt.recorded")]
    pub action: Option<String>,
    /// Kind of thing.
    #[param(max_length = 100, example = "receipt")]
    pub resource_type: Option<String>,
    /// Which thing.
    pub resource_id: Option<Uuid>,
    /// Request.
    #[param(max_length = 64, example = "req_0196f2c41b7e7c0aa1d5")]
    pub request_id: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {}

/// The result of recomputing the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct Verified {
    pub verified: bool,
    #[schema(minimum = 0, example = 1)]
    pub from_seq: i64,
    #[schema(minimum = 0, example = 1904)]
    pub to_seq: i64,
    /// Root of the tree, hexadecimal.
    #[schema(max_length = 64, example = "9414886b1ebf025db067a4cbd13a0903fbd9733a5372bba1b58bd72c1699b798")]
    pub head: String,
    /// The first damaged or missing entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub first_bad_seq: Option<i64>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 300, example = "The event differs from what was sealed.")]
    pub finding: Option<String>,
}
impl Resource for Verified {}
