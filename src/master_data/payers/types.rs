//! Payers as they travel.

use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{CustomerId, PayerLinkId};
use crate::resource;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Payer {
    pub id: PayerLinkId,
    #[schema(example = "payer")]
    pub object: &'static str,
    /// Whose documents are paid.
    pub customer_id: CustomerId,
    /// Whose receipts pay.
    pub payer_id: CustomerId,
    #[schema(max_length = 200, example = "Acme Group Holding Ltd")]
    pub payer_name: String,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
}
resource!(Payer);

#[derive(Debug, Serialize, ToSchema)]
pub struct Payers {
    #[schema(max_items = 1000)]
    pub data: Vec<Payer>,
}
impl Resource for Payers {}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"payer_id": "0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42", "valid_from": "2025-04-01"}))]
pub struct NewPayer {
    pub payer_id: CustomerId,
    /// First day on which its money may be placed.
    #[schema(example = "2025-04-01")]
    pub valid_from: NaiveDate,
    /// Last day; open-ended when left out.
    #[schema(example = "2026-03-31")]
    pub valid_to: Option<NaiveDate>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndPayer {
    /// Last day it holds.
    #[schema(example = "2026-03-31")]
    pub ends_on: NaiveDate,
}
