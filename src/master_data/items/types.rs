//! Items as they travel.

use crate::platform::dates::Instant;
use crate::platform::ids::ItemId;
use crate::platform::money::{Rate, UnitPrice};
use crate::resource;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Item {
    pub id: ItemId,
    #[schema(example = "item")]
    pub object: &'static str,
    #[schema(max_length = 50, example = "SUPPORT-Y")]
    pub code: String,
    #[schema(max_length = 100, example = "erp-4711")]
    pub external_id: Option<String>,
    #[schema(max_length = 200, example = "Annual support plan")]
    pub name: String,
    pub is_service: bool,
    #[schema(max_length = 8, example = "998313")]
    pub hsn_code: String,
    #[schema(max_length = 8, example = "NOS")]
    pub unit: String,
    pub unit_price: UnitPrice,
    pub tax_rate: Rate,
    pub active: bool,
    #[schema(minimum = 1)]
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}
resource!(Item: version);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewItem {
    #[schema(min_length = 1, max_length = 50, pattern = "^[A-Za-z0-9._/-]+$", example = "SUPPORT-Y")]
    pub code: String,
    #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/-]+$", example = "erp-4711")]
    pub external_id: Option<String>,
    #[schema(min_length = 1, max_length = 200, example = "Annual support plan")]
    pub name: String,
    #[serde(default)]
    #[schema(example = true)]
    pub is_service: bool,
    /// HSN (goods) or SAC (services): 4, 6 or 8 digits.
    #[schema(pattern = "^[0-9]{4}([0-9]{2}){0,2}$", max_length = 8, example = "998313")]
    pub hsn_code: String,
    /// Unit quantity code; defaults to NOS for goods, OTH for services.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "NOS")]
    pub unit: Option<String>,
    pub unit_price: UnitPrice,
    /// GST rate in per cent, both halves together.
    pub tax_rate: Rate,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemPatch {
    #[schema(min_length = 1, max_length = 200, example = "Annual support plan, gold")]
    pub name: Option<String>,
    pub unit_price: Option<UnitPrice>,
    pub tax_rate: Option<Rate>,
    #[schema(example = true)]
    pub active: Option<bool>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ItemFilter {
    /// The client's own id.
    #[param(max_length = 100, example = "erp-4711")]
    pub external_id: Option<String>,
    /// The item's code.
    #[param(max_length = 50, example = "SUPPORT-Y")]
    pub code: Option<String>,
    /// Only items that are in use, or only those that are not.
    #[param(example = true)]
    pub active: Option<bool>,
}
