//! GST registrations as they travel.

use crate::platform::dates::Instant;
use crate::platform::http::body::present;
use crate::platform::ids::RegistrationId;
use crate::{resource, words};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    /// `composition`: of a dealer who pays by turnover (CGST Act s.10), issues bills of supply and shows no tax. `sez`: of a unit or
    /// the developer of a special economic zone, whose supplies are all inter-State (IGST Act s.7(5)(b)).
    pub enum RegistrationType { Regular = "regular", Composition = "composition", Sez = "sez" }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct GstRegistration {
    pub id: RegistrationId,
    #[schema(example = "gst_registration")]
    pub object: &'static str,
    #[schema(max_length = 15, example = "27AAACD1234E1Z9")]
    pub gstin: String,
    #[schema(max_length = 2, example = "27")]
    pub state_code: String,
    pub r#type: RegistrationType,
    #[schema(max_length = 200, example = "Demo Traders Pvt Ltd")]
    pub legal_name: String,
    #[schema(max_length = 200, example = "Demo Traders")]
    pub trade_name: Option<String>,
    /// The principal place of business, as documents and e-invoices show it.
    pub address: Option<RegisteredAddress>,
    #[schema(max_length = 12, example = "2240000000")]
    pub phone: Option<String>,
    #[schema(max_length = 100, example = "billing@example.com")]
    pub email: Option<String>,
    /// Where consumers pay by UPI.
    #[schema(max_length = 100, example = "demotraders@okbank")]
    pub vpa: Option<String>,
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
    /// Regular when left out.
    pub r#type: Option<RegistrationType>,
    /// Defaults to the company's name.
    #[schema(min_length = 1, max_length = 200, example = "Demo Traders Pvt Ltd")]
    pub legal_name: Option<String>,
    #[schema(example = "2017-07-01")]
    pub registered_on: Option<NaiveDate>,
}

/// An address in the State of the registration, within the limits of the e-invoice schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisteredAddress {
    #[schema(min_length = 1, max_length = 100, pattern = r#"^[^\\"]+$"#, example = "1 Marine Drive")]
    pub line1: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 3, max_length = 100, pattern = r#"^[^\\"]+$"#, example = "Fort")]
    pub line2: Option<String>,
    #[schema(min_length = 3, max_length = 50, pattern = r#"^[^\\"]+$"#, example = "Mumbai")]
    pub city: String,
    #[schema(pattern = "^[1-9][0-9]{5}$", max_length = 6, example = "400002")]
    pub postal_code: String,
}

/// Merge patch (RFC 7396): absent stays, null clears.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(clippy::option_option, reason = "absent, null and a value are three things in a merge patch")]
pub struct GstRegistrationPatch {
    #[schema(min_length = 3, max_length = 100, pattern = r#"^[^\\"]+$"#, example = "Demo Traders Private Limited")]
    pub legal_name: Option<String>,
    /// Documents made before stay what they are; notes follow their invoice. That of an SEZ was one from the beginning, and stays one.
    pub r#type: Option<RegistrationType>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 3, max_length = 100, pattern = r#"^[^\\"]+$"#, example = "Demo Traders")]
    pub trade_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<RegisteredAddress>)]
    pub address: Option<Option<RegisteredAddress>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^[0-9]{6,12}$", max_length = 12, example = "2240000000")]
    pub phone: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = "email", min_length = 6, max_length = 100, example = "billing@example.com")]
    pub email: Option<Option<String>>,
    /// A name, `@` and a handle.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9.\\-_]{2,64}@[A-Za-z][A-Za-z0-9]{1,30}$", max_length = 100, example = "demotraders@okbank")]
    pub vpa: Option<Option<String>>,
    /// The last day of the registration.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<NaiveDate>, example = "2026-03-31")]
    pub cancelled_on: Option<Option<NaiveDate>>,
}
