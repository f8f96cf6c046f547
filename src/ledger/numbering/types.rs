//! Number series as they travel.

use super::NumberedKind;
use crate::platform::ids::{RegistrationId, SeriesId};
use crate::resource;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Serialize, ToSchema)]
pub struct NumberSeries {
    pub id: SeriesId,
    #[schema(example = "number_series")]
    pub object: &'static str,
    pub gst_registration_id: RegistrationId,
    pub document_kind: NumberedKind,
    #[schema(max_length = 7, example = "2025-26")]
    pub fiscal_year: String,
    #[schema(max_length = 12, example = "MH/25-26/")]
    pub prefix: String,
    /// Digits the number is padded to.
    #[schema(minimum = 1, maximum = 8, example = 6)]
    pub width: i32,
    /// The next number that will be taken.
    #[schema(minimum = 1, example = 124)]
    pub next_number: i64,
    /// The last number taken, as printed; null before the first.
    #[schema(max_length = 16, example = "MH/25-26/000123")]
    pub last_number: Option<String>,
    /// Numbers that were skipped: always none.
    #[schema(max_items = 0, example = json!([]))]
    pub gaps: Vec<String>,
    /// Used when a document names no series.
    pub is_default: bool,
    /// Whether no document may be dated before the one with the number before it.
    pub dates_ascend: bool,
    #[schema(minimum = 1)]
    pub version: i64,
}
resource!(NumberSeries: version);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNumberSeries {
    pub gst_registration_id: RegistrationId,
    pub document_kind: NumberedKind,
    #[schema(pattern = "^[0-9]{4}-[0-9]{2}$", max_length = 7, example = "2025-26")]
    pub fiscal_year: String,
    /// A-Z, 0-9, / and -, not beginning with 0, / or -, not ending in a digit; with the digits at most 16 characters.
    #[schema(pattern = "^([A-Z]|[A-Z1-9][A-Z0-9/-]{0,10}[A-Z/-])$", max_length = 12, example = "MUM/25-26/")]
    pub prefix: String,
    #[schema(minimum = 1, maximum = 8, example = 5)]
    pub width: i32,
    /// Refuse a document that is dated before the one with the number before it.
    #[serde(default)]
    #[schema(example = false)]
    pub dates_ascend: bool,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SeriesFilter {
    /// Fiscal year.
    #[param(pattern = "^[0-9]{4}-[0-9]{2}$", max_length = 7, example = "2025-26")]
    pub fiscal_year: Option<String>,
    /// Kinds, comma-separated.
    #[param(max_length = 100, example = "invoice")]
    pub document_kind: Option<String>,
}
