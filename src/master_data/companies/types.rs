//! Companies as they travel.

use crate::access::users::types::Role;
use crate::platform::dates::Instant;
use crate::platform::http::body::present;
use crate::platform::ids::CompanyId;
use crate::platform::money::{Amount, Rate};
use crate::{resource, words};
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
    /// Aggregate turnover on the PAN (CGST Act s.2(6)), newest year first; decides about e-invoicing and HSN digits.
    #[schema(max_items = 100)]
    pub turnover: Vec<YearlyTurnover>,
    /// The kind of seller that registers no e-invoices; null where it does.
    pub einvoice_excluded_as: Option<ExcludedSeller>,
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
    /// Largest difference, in per cent of an item, that still closes it; 0 is off. Stamped on items when they are issued.
    pub payment_tolerance_percent: Rate,
    /// Largest difference in the item's currency; the lesser of both holds, 0 is off.
    pub payment_tolerance_amount: Amount,
    /// Days after the last day of an early-payment discount in which it may still be granted.
    #[schema(minimum = 0, maximum = 365, example = 5)]
    pub discount_grace_days: i32,
    /// Whether a discount taken within the days of grace is granted or stays open.
    pub late_discount: LateDiscount,
    /// Whether part of the money earns part of the discount: paid × p / (1 − p).
    pub partial_discount: bool,
    /// How old, in days, the newest exchange rate may be on the date of a document.
    #[schema(minimum = 0, maximum = 3650, example = 1)]
    pub exchange_rate_max_age_days: i32,
    /// Roles that may still post into a soft-closed month.
    #[schema(max_items = 7, example = json!(["controller"]))]
    pub soft_close_roles: Vec<String>,
}

/// Aggregate turnover of a fiscal year from April, in rupees.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct YearlyTurnover {
    #[schema(min_length = 7, max_length = 7, pattern = "^[0-9]{4}-[0-9]{2}$", example = "2024-25")]
    pub fiscal_year: String,
    #[schema(example = "62500000.00")]
    pub amount: Amount,
}

words! {
    /// Sellers that are excluded from e-invoicing (notification 13/2020-CT).
    pub enum ExcludedSeller {
        SezUnit = "sez_unit", Insurer = "insurer", Bank = "bank", Nbfc = "nbfc", GoodsTransportAgency = "goods_transport_agency",
        PassengerTransport = "passenger_transport", Multiplex = "multiplex", Government = "government",
    }
}
words! {
    pub enum LateDiscount { Accept = "accept", Decline = "decline" }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(clippy::option_option, reason = "absent, null and a value are three things in a merge patch")]
pub struct CompanyPatch {
    #[schema(min_length = 1, max_length = 200, example = "Demo Traders Private Limited")]
    pub legal_name: Option<String>,
    pub settings: Option<SettingsPatch>,
    /// Replaces the turnovers known.
    #[schema(max_items = 100)]
    pub turnover: Option<Vec<YearlyTurnover>>,
    /// Null where the company has its documents registered like anybody.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<ExcludedSeller>)]
    pub einvoice_excluded_as: Option<Option<ExcludedSeller>>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsPatch {
    #[schema(example = false)]
    pub round_to_unit: Option<bool>,
    #[schema(example = "0.5")]
    pub payment_tolerance_percent: Option<Rate>,
    #[schema(example = "5.00")]
    pub payment_tolerance_amount: Option<Amount>,
    #[schema(minimum = 0, maximum = 365, example = 5)]
    pub discount_grace_days: Option<i32>,
    pub late_discount: Option<LateDiscount>,
    #[schema(example = false)]
    pub partial_discount: Option<bool>,
    #[schema(minimum = 0, maximum = 3650, example = 1)]
    pub exchange_rate_max_age_days: Option<i32>,
    /// Roles that may still post into a soft-closed month; none when empty.
    #[schema(max_items = 7, value_type = Option<Vec<Role>>, example = json!(["controller"]))]
    pub soft_close_roles: Option<Vec<Role>>,
}
