//! Exchange rates as they travel.

use crate::platform::dates::Instant;
use crate::platform::ids::ExchangeRateId;
use crate::platform::money::ExchangeRate;
use crate::resource;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rate of a date.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DatedRate {
    pub id: ExchangeRateId,
    #[schema(example = "exchange_rate")]
    pub object: &'static str,
    #[schema(max_length = 3, example = "USD")]
    pub currency: String,
    pub rate_date: NaiveDate,
    /// Units of the base currency for one unit.
    pub rate: ExchangeRate,
    #[schema(max_length = 100, example = "RBI reference rate")]
    pub source: String,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
}
resource!(DatedRate);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRate {
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "USD")]
    pub currency: String,
    #[schema(example = "2025-10-01")]
    pub rate_date: NaiveDate,
    /// Units of the base currency for one unit, more than 0.
    pub rate: ExchangeRate,
    /// Where it comes from; `manual` when left out.
    #[schema(min_length = 1, max_length = 100, example = "RBI reference rate")]
    pub source: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RateFilter {
    /// Currencies, comma-separated.
    #[param(max_length = 100, example = "USD")]
    pub currency: Option<String>,
    /// First date.
    #[param(example = "2025-10-01")]
    pub rate_date_gte: Option<NaiveDate>,
    /// Last date.
    #[param(example = "2025-10-31")]
    pub rate_date_lte: Option<NaiveDate>,
}
