//! Companies as they travel.

use crate::platform::dates::Instant;
use crate::platform::ids::CompanyId;
use crate::resource;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Company {
    pub id: CompanyId,
    #[schema(example = "company")]
    pub object: &'static str,
    #[schema(max_length = 200, example = "Demo Traders Pvt Ltd")]
    pub legal_name: String,
    #[schema(max_length = 10, example = "AAACD1234E")]
    pub pan: Option<String>,
    /// ISO 4217.
    #[schema(max_length = 3, example = "INR")]
    pub base_currency: String,
    /// IANA zone in which document dates are calendar dates.
    #[schema(max_length = 50, example = "Asia/Kolkata")]
    pub time_zone: String,
    /// Month the fiscal year starts in.
    #[schema(minimum = 1, maximum = 12, example = 4)]
    pub fiscal_year_start: i32,
    pub settings: Settings,
    #[schema(minimum = 1)]
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}
resource!(Company: version);

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Settings {
    /// Round invoice totals to the currency's whole unit, as a figure of its own (never part of the taxable value).
    pub round_to_unit: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CompanyPatch {
    #[schema(min_length = 1, max_length = 200, example = "Demo Traders Private Limited")]
    pub legal_name: Option<String>,
    pub settings: Option<SettingsPatch>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsPatch {
    #[schema(example = false)]
    pub round_to_unit: Option<bool>,
}
