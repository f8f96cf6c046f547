//! GST registrations as they travel.

use crate::platform::dates::Instant;
use crate::platform::ids::RegistrationId;
use crate::resource;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GstRegistration {
    pub id: RegistrationId,
    #[schema(example = "gst_registration")]
    pub object: &'static str,
    #[schema(max_length = 15, example = "27AAACD1234E1Z9")]
    pub gstin: String,
    #[schema(max_length = 2, example = "27")]
    pub state_code: String,
    #[schema(max_length = 200, example = "Demo Traders Pvt Ltd")]
    pub legal_name: String,
    /// Used when a document names none.
    pub is_default: bool,
    pub registered_on: Option<NaiveDate>,
    pub cancelled_on: Option<NaiveDate>,
    #[schema(minimum = 1)]
    pub version: i64,
    pub created_at: Instant,
}
resource!(GstRegistration: version);

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGstRegistration {
    /// Checked for form, State and check digit (gst.md 1.1); its PAN must be the company's.
    #[schema(max_length = 20, example = "29AAACD1234E1Z5")]
    pub gstin: String,
    /// Defaults to the company's name.
    #[schema(min_length = 1, max_length = 200, example = "Demo Traders Pvt Ltd")]
    pub legal_name: Option<String>,
    #[schema(example = "2017-07-01")]
    pub registered_on: Option<NaiveDate>,
}
