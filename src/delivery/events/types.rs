//! Events as they travel: from the feed and to webhooks, the same text.

use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::CompanyId;
use crate::platform::page::PageInfo;
use crate::words;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    /// Of which form an event is.
    pub enum ApiVersion { V1 = "v1" }
}
words! {
    /// Whether it is about real business.
    pub enum Mode { Live = "live" }
}

/// Who did it; `system` has no id.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct EventActor {
    #[schema(max_length = 10, example = "client")]
    pub r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
}

/// What an event is about.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventData {
    /// The thing after the change: its plain members, with `object`, `id` and `version` first. Of a document that is
    /// owed also `customer_id`, `side`, `currency` and `open_amount`, what is left of it.
    #[schema(value_type = Object, example = json!({"object": "receipt", "id": "0196f9d4-0a51-7c3e-b1b2-7a0f6d5e4c3b", "version": 3, "status": "partially_applied", "number": "RCT/25-26/00731",
        "customer_id": "0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42", "side": "credit", "currency": "INR", "amount_received": "115640.00", "gross_settled": "115640.00", "unapplied": "2000.00", "open_amount": "2000.00"}))]
    pub object: Value,
    /// Members that changed, as they were before; null where there was nothing.
    #[schema(value_type = Object, example = json!({"status": "unapplied", "unapplied": "115640.00", "open_amount": "115640.00"}))]
    pub previous: Value,
    /// Other documents whose balance moved with it, each as it is after.
    #[schema(max_items = 100, value_type = Vec<Object>, example = json!([{"object": "invoice", "id": "0196f2b1-7c44-7d02-8a11-0c9f3b1e2a77", "version": 5, "status": "issued", "payment_status": "partially_paid",
        "side": "debit", "currency": "INR", "grand_total": "169640.00", "balance_due": "56000.00", "open_amount": "56000.00"}]))]
    pub related: Vec<Value>,
}

/// One event, as it is sent and shown for ever.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventDocument {
    /// The same in the feed, in every delivery and after every replay.
    #[schema(max_length = 40, pattern = "^evt_[0-9a-f-]{36}$", example = "evt_0196f9d4-0d10-7f00-8000-000000000731")]
    pub id: String,
    /// `object.action`; types are added without notice.
    #[schema(max_length = 60, example = "receipt.allocated")]
    pub r#type: String,
    /// When it happened.
    pub timestamp: Instant,
    pub api_version: ApiVersion,
    pub company_id: CompanyId,
    pub mode: Mode,
    /// Its number in the company's feed, without a gap from 1.
    #[schema(minimum = 1, example = 480_112)]
    pub sequence: i64,
    /// Its number among the events of this object, without a gap from 1.
    #[schema(minimum = 1, example = 3)]
    pub object_sequence: i64,
    pub data: EventData,
    pub actor: EventActor,
    #[schema(max_length = 64, example = "req_0196f2c41b7e7c0aa1d5")]
    pub request_id: String,
    /// The entry of the audit log it tells of.
    #[schema(minimum = 1, example = 1_904_417)]
    pub audit_seq: i64,
}

/// An event as it was kept.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Event(pub Value);

impl utoipa::PartialSchema for Event {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <EventDocument as utoipa::PartialSchema>::schema()
    }
}
impl ToSchema for Event {
    fn name() -> std::borrow::Cow<'static, str> {
        "Event".into()
    }
    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        EventDocument::schemas(schemas);
    }
}
impl Resource for Event {}

/// A page of the feed.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventPage {
    #[schema(max_items = 200)]
    pub data: Vec<Event>,
    pub page: PageInfo,
    /// The newest event of the company when this was read. With `page.has_more` false, everything up to here was told:
    /// ask next for what comes after it.
    #[schema(minimum = 0, example = 480_112)]
    pub last_sequence: i64,
}
impl Resource for EventPage {
    fn cursors(&self) -> [(&'static str, Option<&str>); 2] {
        [("next", self.page.next_cursor.as_deref()), ("prev", self.page.prev_cursor.as_deref())]
    }
}

/// `evt_…`, or the UUID alone.
#[derive(Debug, Clone, Copy)]
pub struct EventId(pub Uuid);

impl EventId {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix("evt_").unwrap_or(text).parse().ok().map(Self)
    }
}
impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "evt_{}", self.0)
    }
}
impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("not the id of an event"))
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EventFilter {
    /// Only events after this number.
    #[param(minimum = 0, example = 480_111)]
    pub after_sequence: Option<i64>,
    /// The same as `after_sequence`.
    #[param(minimum = 0, example = 480_111)]
    pub after: Option<i64>,
    /// Types, comma-separated; `receipt.*` stands for all of receipts.
    #[param(max_length = 2000, pattern = "^[a-z_.*]+(,[a-z_.*]+){0,49}$", example = "receipt.*,invoice.paid")]
    pub r#type: Option<String>,
    /// Only events of this thing.
    pub object_id: Option<Uuid>,
    /// Seconds to wait for an event when there is none yet.
    #[serde(default)]
    #[param(minimum = 0, maximum = 30, example = 0)]
    pub wait_s: i64,
}
