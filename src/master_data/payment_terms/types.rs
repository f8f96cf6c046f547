//! Payment terms as they travel.

use crate::platform::http::reply::Resource;
use crate::platform::ids::TermsId;
use crate::platform::money::{Rate, Share};
use crate::resource;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PaymentTerms {
    pub id: TermsId,
    #[schema(example = "payment_terms")]
    pub object: &'static str,
    #[schema(max_length = 30, example = "NET30")]
    pub code: String,
    #[schema(max_length = 100, example = "30 days net")]
    pub name: String,
    #[schema(max_items = 36)]
    pub instalments: Vec<TermsInstalment>,
    /// Off for paying early, in per cent of the total; 0 is none.
    pub discount_percent: Rate,
    /// Days from the document's date in which the discount is earned; the last day counts.
    #[schema(minimum = 0, maximum = 3650, example = 10)]
    pub discount_days: i32,
    pub active: bool,
    #[schema(minimum = 1)]
    pub version: i64,
}
resource!(PaymentTerms: version);

/// A share of the total and when it falls due: document date + months (clamped to the month's end)
/// + days, then moved to the end of that month if asked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TermsInstalment {
    /// Per cent of the grand total; all shares add up to 100. The remainder of rounding goes to the last.
    #[schema(example = "100")]
    pub share: Share,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 3650, example = 30)]
    pub days: u32,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 120, example = 0)]
    pub months: u32,
    #[serde(default)]
    #[schema(example = false)]
    pub end_of_month: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPaymentTerms {
    #[schema(min_length = 1, max_length = 30, pattern = "^[A-Za-z0-9._-]+$", example = "HALF-HALF")]
    pub code: String,
    #[schema(min_length = 1, max_length = 100, example = "Half in 30 days, half in 60")]
    pub name: String,
    #[schema(min_items = 1, max_items = 36, example = json!([{"share": "50", "days": 30}, {"share": "50", "days": 60}]))]
    pub instalments: Vec<TermsInstalment>,
    /// Off for paying early, in per cent of the total; none when left out.
    #[schema(example = "2")]
    pub discount_percent: Option<Rate>,
    /// Days from the document's date in which the discount is earned; needed with a discount.
    #[schema(minimum = 0, maximum = 3650, example = 10)]
    pub discount_days: Option<i32>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AllPaymentTerms {
    #[schema(max_items = 1000)]
    pub data: Vec<PaymentTerms>,
}
impl Resource for AllPaymentTerms {}
