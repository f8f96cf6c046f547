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
    /// Before, after, reason, version and the address it came from (`ip`), exactly as sealed.
    #[schema(value_type = Object, example = json!({"ip": "10.1.2.3", "before": null, "after": {"status": "applied"}, "reason": null}))]
    pub detail: serde_json::Value,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// Who, as `user:…` or `client:…`.
    #[param(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub actor: Option<String>,
    /// Kind of actor: `user`, `client` or `system`.
    #[param(max_length = 6, pattern = "^(user|client|system)$", example = "user")]
    pub actor_type: Option<String>,
    /// The id of the person or client.
    pub actor_id: Option<Uuid>,
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
    /// Recorded at or after.
    pub at_gte: Option<Instant>,
    /// Recorded at or before.
    pub at_lte: Option<Instant>,
    /// Place in the sealed log, from.
    #[param(minimum = 1, example = 1)]
    pub seq_gte: Option<i64>,
    /// Place in the sealed log, to.
    #[param(minimum = 1, example = 1904)]
    pub seq_lte: Option<i64>,
}

/// One sealed event with the proof that the tree of `tree_size` entries holds it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SealedEntry {
    #[serde(flatten)]
    pub entry: AuditEntry,
    /// What was hashed: the body, a line break, the digests of the rows the change wrote. `leaf_hash` is
    /// SHA-256 of a zero byte and this text.
    #[schema(max_length = 16_777_216)]
    pub sealed_text: String,
    /// Hexadecimal.
    #[schema(max_length = 64, example = "9414886b1ebf025db067a4cbd13a0903fbd9733a5372bba1b58bd72c1699b798")]
    pub leaf_hash: String,
    #[schema(minimum = 1, example = 1904)]
    pub tree_size: i64,
    /// Hashes of the audit path, lowest first (RFC 6962 section 2.1.1), hexadecimal.
    #[schema(max_items = 64)]
    pub inclusion_proof: Vec<String>,
}
impl Resource for SealedEntry {}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InclusionQuery {
    /// Size of the tree to prove against; the newest checkpoint's when left out.
    #[param(minimum = 1, example = 1904)]
    pub size: Option<i64>,
}

/// A signed head of the log, to be kept elsewhere.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checkpoint {
    #[schema(minimum = 1, example = 1904)]
    pub size: i64,
    /// Root of the tree, hexadecimal.
    #[schema(max_length = 64, example = "9414886b1ebf025db067a4cbd13a0903fbd9733a5372bba1b58bd72c1699b798")]
    pub root: String,
    pub sealed_at: Instant,
    #[schema(max_length = 40)]
    pub key_id: String,
    /// The head as a C2SP tlog-checkpoint in a signed note.
    #[schema(max_length = 1000)]
    pub note: String,
    /// The public key as tools for signed notes take it.
    #[schema(max_length = 300)]
    pub verifier_key: String,
    /// With `from`: hashes proving that the tree of that size is the beginning of this one (RFC 6962 section 2.1.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 128)]
    pub consistency_proof: Option<Vec<String>>,
}
impl Resource for Checkpoint {}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConsistencyQuery {
    /// Size of an older checkpoint.
    #[param(minimum = 1, example = 1200)]
    pub from: Option<i64>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// The first entry to look at; 1 when left out.
    #[serde(default)]
    #[schema(minimum = 1, example = 1)]
    pub from_seq: Option<i64>,
    /// The last one; the newest when left out.
    #[serde(default)]
    #[schema(minimum = 1, example = 1904)]
    pub to_seq: Option<i64>,
    /// A checkpoint kept elsewhere, as its note was given: the log must still begin with it.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub checkpoint: Option<String>,
}

/// What is damaged.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Finding {
    /// The entry that is damaged, or the last one that speaks of the record.
    #[schema(minimum = 1)]
    pub seq: Option<i64>,
    /// The table, or `law` where a law of the books is broken.
    #[schema(max_length = 60, example = "journal_entry")]
    pub record: String,
    #[schema(max_length = 100)]
    pub id: Option<String>,
    #[schema(max_length = 300, example = "The record differs from what was recorded of it.")]
    pub finding: String,
}

/// The result of recomputing the log and the books against it.
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
    /// The first entry that is damaged or whose record is; where no entry knows of the record, the newest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub first_bad_seq: Option<i64>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 300, example = "The event differs from what was sealed.")]
    pub finding: Option<String>,
    /// Everything found, in the order of the log; the first hundred.
    #[schema(max_items = 100)]
    pub findings: Vec<Finding>,
}
impl Resource for Verified {}
