//! What is set by hand, as it travels.

use crate::credit::risk::types::RiskClass;
use crate::platform::http::body::present;
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;

/// Merge patch (RFC 7396): absent stays, null clears.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(clippy::option_option, reason = "absent, null and a value are three things in a merge patch")]
#[schema(example = json!({"watch": true, "review_on": "2026-02-28", "reason": "Two cheques returned"}))]
pub struct CreditPatch {
    /// Stays until it is cleared, whatever the score says; null: the class of the score again.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<RiskClass>)]
    pub risk_class: Option<Option<RiskClass>>,
    #[schema(example = true)]
    pub watch: Option<bool>,
    /// The next review is due on this day, at most 12 months from today.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<NaiveDate>)]
    pub review_on: Option<Option<NaiveDate>>,
    /// Every order waits, whatever the limit says.
    #[schema(example = false)]
    pub hold_all: Option<bool>,
    /// Needed to hold all orders and to set a class.
    #[schema(min_length = 3, max_length = 500, example = "Two cheques returned")]
    pub reason: Option<String>,
}
