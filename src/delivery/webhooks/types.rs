//! Webhook endpoints and deliveries as they travel.

use crate::platform::dates::Instant;
use crate::platform::http::body::present;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{DeliveryId, EndpointId};
use crate::{resource, words};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    /// `v1`: HMAC-SHA256 with a secret of both sides. `v1a`: Ed25519, checked with a public key.
    pub enum Signature { V1 = "v1", V1a = "v1a" }
}
words! {
    /// `failing`: the newest attempt failed. `disabled`: nothing is sent.
    pub enum EndpointStatus { Active = "active", Failing = "failing", Disabled = "disabled" }
}
words! {
    /// `parked`: given up, or the endpoint was disabled; send it again or read the feed.
    pub enum DeliveryStatus { Pending = "pending", Delivered = "delivered", Parked = "parked" }
}

/// Where events are sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebhookEndpoint {
    pub id: EndpointId,
    #[schema(example = "webhook_endpoint")]
    pub object: &'static str,
    #[schema(format = "uri", max_length = 2000, example = "https://hooks.example.com/duebook")]
    pub url: String,
    #[schema(max_length = 200, example = "Order system")]
    pub description: Option<String>,
    #[schema(max_items = 200, example = json!(["receipt.*", "invoice.paid"]))]
    pub event_types: Vec<String>,
    /// Whether the next event of a thing waits until the one before it was delivered or parked.
    pub ordered: bool,
    pub signature: Signature,
    /// What checks `v1a` signatures; null for `v1`.
    #[schema(max_length = 80, example = "whpk_XGFpvLIn04I4muz/C74EH38ux5RvtxNSfh8aqN1/hbs=")]
    pub public_key: Option<String>,
    pub status: EndpointStatus,
    pub active: bool,
    #[schema(max_length = 300, example = "The receiver answered 410 Gone.")]
    pub disabled_reason: Option<String>,
    pub health: EndpointHealth,
    /// Until then deliveries are signed with the secret before, too.
    pub previous_secret_expires_at: Option<Instant>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
    pub updated_at: Instant,
    /// Shown once: when the endpoint is made and when the secret is rotated. Not for `v1a`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 80, example = "whsec_ZHVlYm9vay1kb2NzLXRlc3QtdmVjdG9yLXNlY3JldCE=")]
    pub secret: Option<String>,
}
resource!(WebhookEndpoint: version => moves);

/// How an endpoint does.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EndpointHealth {
    /// Since when no attempt succeeded; after five days the endpoint is disabled.
    pub failing_since: Option<Instant>,
    /// Failed attempts since the last success.
    #[schema(minimum = 0, example = 0)]
    pub failures: i32,
    pub last_attempt_at: Option<Instant>,
    pub last_success_at: Option<Instant>,
    /// The newest answer; null where there was none.
    #[schema(minimum = 100, maximum = 999, example = 200)]
    pub last_status_code: Option<i32>,
    /// Deliveries that wait.
    #[schema(minimum = 0, example = 0)]
    pub pending: i64,
}

fn all() -> Vec<String> {
    vec!["*".into()]
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"url": "https://hooks.example.com/duebook", "description": "Order system", "event_types": ["receipt.*", "invoice.paid"], "ordered": true}))]
pub struct NewWebhookEndpoint {
    /// HTTPS on port 443 or 8443, on the public Internet.
    #[schema(format = "uri", min_length = 1, max_length = 2000, example = "https://hooks.example.com/duebook")]
    pub url: String,
    #[schema(max_length = 200, example = "Order system")]
    pub description: Option<String>,
    /// Types of events; `receipt.*` is all of receipts, `*` (when left out) everything.
    #[serde(default = "all")]
    #[schema(min_items = 1, max_items = 200, example = json!(["receipt.*", "invoice.paid"]))]
    pub event_types: Vec<String>,
    /// Send the next event of a thing only after the one before it was delivered or parked.
    #[serde(default)]
    #[schema(example = true)]
    pub ordered: bool,
    /// `v1` when left out.
    pub signature: Option<Signature>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"event_types": ["receipt.*"], "active": true}))]
pub struct WebhookEndpointPatch {
    #[schema(format = "uri", min_length = 1, max_length = 2000, example = "https://hooks.example.com/duebook")]
    pub url: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 200, example = "Order system")]
    pub description: Option<Option<String>>,
    #[schema(min_items = 1, max_items = 200, example = json!(["receipt.*", "invoice.paid"]))]
    pub event_types: Option<Vec<String>>,
    pub ordered: Option<bool>,
    /// False stops deliveries: what waits is parked. True begins anew with what happens from then on.
    pub active: Option<bool>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateWebhookSecret {
    /// How long deliveries are signed with both secrets; 24 when left out, 0 ends the old one at once.
    #[schema(minimum = 0, maximum = 72, example = 24)]
    pub overlap_hours: Option<i64>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"from_sequence": 480_100, "to_sequence": 480_112}))]
pub struct ReplayEvents {
    /// The first event to send again.
    #[schema(minimum = 1, example = 480_100)]
    pub from_sequence: i64,
    /// The last one, at most 9,999 later.
    #[schema(minimum = 1, example = 480_112)]
    pub to_sequence: i64,
}

/// What a replay queued.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookReplay {
    #[schema(example = "webhook_replay")]
    pub object: &'static str,
    pub endpoint_id: EndpointId,
    #[schema(minimum = 1, example = 480_100)]
    pub from_sequence: i64,
    #[schema(minimum = 1, example = 480_112)]
    pub to_sequence: i64,
    /// Deliveries queued: events of the range that the endpoint takes.
    #[schema(minimum = 0, maximum = 10_000, example = 9)]
    pub queued: usize,
}
impl Resource for WebhookReplay {
    fn awaits(&self) -> bool {
        true
    }
}

/// One event for one endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookDelivery {
    pub id: DeliveryId,
    #[schema(example = "webhook_delivery")]
    pub object: &'static str,
    pub endpoint_id: EndpointId,
    #[schema(max_length = 40, example = "evt_0196f9d4-0d10-7f00-8000-000000000731")]
    pub event_id: String,
    /// What receivers tell deliveries of one event by; the same on every attempt and replay.
    #[schema(max_length = 40, example = "msg_0196f9d40d107f008000000000000731")]
    pub webhook_id: String,
    #[schema(max_length = 60, example = "receipt.allocated")]
    pub event_type: String,
    /// Null for a ping.
    #[schema(minimum = 1, example = 480_112)]
    pub sequence: Option<i64>,
    pub object_id: Uuid,
    pub status: DeliveryStatus,
    #[schema(minimum = 0, example = 1)]
    pub attempt_count: i32,
    /// Null when nothing more is tried.
    pub next_attempt_at: Option<Instant>,
    /// The newest attempts, oldest first.
    #[schema(max_items = 20)]
    pub attempts: Vec<WebhookAttempt>,
    pub created_at: Instant,
    /// When it was delivered or given up.
    pub ended_at: Option<Instant>,
}
resource!(WebhookDelivery);

/// One attempt.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct WebhookAttempt {
    #[schema(minimum = 1, example = 1)]
    pub number: i32,
    pub attempted_at: Instant,
    /// Null where nothing was answered.
    #[schema(minimum = 100, maximum = 999, example = 200)]
    pub status_code: Option<i32>,
    #[schema(minimum = 0, example = 84)]
    pub latency_ms: i32,
    /// Why nothing was answered.
    #[schema(max_length = 300, example = "timeout: global")]
    pub error: Option<String>,
    /// The first kilobyte of the answer.
    #[schema(max_length = 1024, example = "ok")]
    pub response_body: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeliveryFilter {
    /// The endpoint.
    pub endpoint_id: Option<EndpointId>,
    /// `pending`, `delivered` or `parked`, comma-separated.
    #[param(max_length = 40, pattern = "^(pending|delivered|parked)(,(pending|delivered|parked)){0,2}$", example = "pending,parked")]
    pub status: Option<String>,
    /// The event, with or without `evt_`.
    #[param(max_length = 40, pattern = "^(evt_)?[0-9a-f-]{36}$", example = "evt_0196f9d4-0d10-7f00-8000-000000000731")]
    pub event_id: Option<String>,
    /// An attempt at or after.
    pub attempted_at_gte: Option<Instant>,
    /// An attempt before.
    pub attempted_at_lt: Option<Instant>,
}
