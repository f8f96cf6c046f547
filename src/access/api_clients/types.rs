//! API clients as they travel.

use crate::platform::dates::Instant;
use crate::platform::ids::ClientId;
use crate::resource;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct ApiClient {
    /// The `client_id` to authenticate with.
    pub id: ClientId,
    #[schema(example = "api_client")]
    pub object: &'static str,
    #[schema(max_length = 100, example = "Bank connector")]
    pub name: String,
    #[schema(max_items = 100, example = json!(["receipts:write"]))]
    pub scopes: Vec<String>,
    pub active: bool,
    pub last_used_at: Option<Instant>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
    /// Shown once, on creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 128, example = "dbk_live_x1y2z3")]
    pub client_secret: Option<String>,
}
resource!(ApiClient: version);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiClient {
    #[schema(min_length = 1, max_length = 100, example = "Bank connector")]
    pub name: String,
    /// Permissions of the integration role.
    #[schema(min_items = 1, max_items = 100, example = json!(["receipts:write", "customers:read"]))]
    pub scopes: Vec<String>,
}
