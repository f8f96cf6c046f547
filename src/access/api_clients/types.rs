//! API clients as they travel.

use crate::platform::dates::Instant;
use crate::platform::http::body::present;
use crate::platform::http::reply::Resource;
use crate::platform::ids::ClientId;
use crate::resource;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiClient {
    /// The `client_id` to authenticate with.
    pub id: ClientId,
    #[schema(example = "api_client")]
    pub object: &'static str,
    #[schema(max_length = 100, example = "Bank connector")]
    pub name: String,
    #[schema(max_items = 100, example = json!(["receipts:write"]))]
    pub scopes: Vec<String>,
    /// Addresses and networks it may call from; empty: any.
    #[schema(max_items = 100, example = json!(["203.0.113.0/24"]))]
    pub allowed_ips: Vec<String>,
    /// Its own limit; null: the limit of the installation.
    #[schema(minimum = 1, maximum = 1_000_000, example = 600)]
    pub requests_per_minute: Option<i32>,
    pub active: bool,
    /// Of its last request or token, a few seconds late at most.
    pub last_used_at: Option<Instant>,
    #[schema(max_length = 45, example = "203.0.113.7")]
    pub last_used_ip: Option<String>,
    /// Until when the secret before this one is taken as well.
    pub previous_secret_expires_at: Option<Instant>,
    /// Since when it is over for good.
    pub revoked_at: Option<Instant>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
    pub updated_at: Instant,
    /// Shown once: on creation and on rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128, example = "dbk_live_x1y2z3")]
    pub client_secret: Option<String>,
}
resource!(ApiClient: version => moves);

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Bank connector", "scopes": ["receipts:write", "receipts:read", "customers:read"], "allowed_ips": ["203.0.113.0/24"]}))]
pub struct NewApiClient {
    #[schema(min_length = 1, max_length = 100, example = "Bank connector")]
    pub name: String,
    /// Permissions of the integration role.
    #[schema(min_items = 1, max_items = 100, example = json!(["receipts:write", "customers:read"]))]
    pub scopes: Vec<String>,
    /// Addresses (`203.0.113.7`, `2001:db8::7`) and networks (`203.0.113.0/24`) it may call from; any when left out.
    #[serde(default)]
    #[schema(max_items = 100, example = json!(["203.0.113.0/24"]))]
    pub allowed_ips: Vec<String>,
    /// Its own limit; that of the installation when left out.
    #[schema(minimum = 1, maximum = 1_000_000, example = 600)]
    pub requests_per_minute: Option<i32>,
}

/// Merge patch (RFC 7396): absent stays, null clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(clippy::option_option, reason = "absent, null and a value are three things in a merge patch")]
pub struct ApiClientPatch {
    #[schema(min_length = 1, max_length = 100, example = "Bank connector, Pune")]
    pub name: Option<String>,
    /// What is taken away ends within seconds; what is added comes with the next token.
    #[schema(min_items = 1, max_items = 100, example = json!(["receipts:write"]))]
    pub scopes: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<String>>, max_items = 100, example = json!(["203.0.113.0/24", "198.51.100.7"]))]
    pub allowed_ips: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i32>, minimum = 1, maximum = 1_000_000, example = 1200)]
    pub requests_per_minute: Option<Option<i32>>,
    /// `false` ends its tokens within seconds; `true` lets it get new ones.
    #[schema(example = false)]
    pub active: Option<bool>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSecret {
    /// Hours for which the present secret is still taken.
    #[serde(default = "a_day")]
    #[schema(minimum = 0, maximum = 72, default = 24, example = 24)]
    pub overlap_hours: i32,
}
fn a_day() -> i32 {
    24
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentials {
    #[schema(max_length = 40, example = "client_credentials")]
    pub grant_type: String,
    /// Fewer scopes than granted, space-separated.
    #[schema(max_length = 4000, example = "receipts:write")]
    pub scope: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "dbr_kqZ0R6m1nJ8c", "token_type_hint": "refresh_token"}))]
pub struct TokenToRevoke {
    #[schema(min_length = 1, max_length = 8000, example = "dbr_kqZ0R6m1nJ8c")]
    pub token: String,
    /// `access_token` or `refresh_token`; we find out without it.
    #[schema(max_length = 40, example = "refresh_token")]
    pub token_type_hint: Option<String>,
    /// What clients without a secret send (RFC 6749 section 3.2.1); we do without it.
    #[schema(max_length = 100, example = "duebook")]
    pub client_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ClientToken {
    #[schema(max_length = 4000, example = "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSJ9.e30.c2ln")]
    pub access_token: String,
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds.
    #[schema(minimum = 1, maximum = 3600, example = 1800)]
    pub expires_in: i64,
    /// Granted scopes, space-separated.
    #[schema(max_length = 4000, example = "receipts:write customers:read")]
    pub scope: String,
}
impl Resource for ClientToken {}
