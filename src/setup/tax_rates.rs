//! Tax rates by date, with the law they come from.

use crate::platform::http::reply::Resource;
use crate::platform::http::{Fetched, Query, Reply};
use crate::platform::money::{Rate, pad};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::ItemsRead;
use crate::tax::{gst, tds};
use crate::words;
use actix_web::get;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

words! {
    pub enum TaxKind { Gst = "gst", Tds = "tds" }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TaxRates {
    #[schema(max_items = 500)]
    pub data: Vec<TaxRate>,
}
impl Resource for TaxRates {}

#[derive(Debug, Serialize, ToSchema)]
pub struct TaxRate {
    pub kind: TaxKind,
    /// Section or payment code of tax deducted at source.
    #[schema(max_length = 20, example = "194C")]
    pub section: Option<&'static str>,
    #[schema(max_length = 200, example = "contractors")]
    pub about: &'static str,
    #[schema(max_length = 200, example = "individual or Hindu undivided family")]
    pub applies_to: Option<String>,
    pub rate: Rate,
    pub valid_from: NaiveDate,
    /// Last day; null while in force.
    pub valid_to: Option<NaiveDate>,
    /// The act or notification.
    #[schema(max_length = 200, example = "Income-tax Act 1961 s.194C")]
    pub source: &'static str,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TaxRateFilter {
    /// GST, or tax deducted at source by customers.
    #[param(inline)]
    pub kind: Option<TaxKind>,
    /// Rates in force on this day only.
    #[param(example = "2025-11-18")]
    pub on: Option<NaiveDate>,
    /// The section or payment code.
    #[param(max_length = 20, example = "194C")]
    pub section: Option<String>,
}

/// List tax rates.
///
/// GST rates, and the sections and payment codes of tax deducted at source, each with the span of time in
/// which it holds and its source.
#[utoipa::path(tag = "Items", params(TaxRateFilter), responses((status = 200, body = TaxRates, description = "The rates.")), extensions(("x-permission" = json!("items:read"))))]
#[get("/v1/tax-rates")]
pub async fn list_tax_rates(_caller: Caller<ItemsRead>, filter: Query<TaxRateFilter>) -> Reply<Fetched<TaxRates>> {
    let gst = gst::rates::all().iter().map(|row| TaxRate {
        kind: TaxKind::Gst,
        section: None,
        about: row.note,
        applies_to: (!row.hsn.is_empty()).then(|| format!("HSN {}", row.hsn.join(", "))),
        rate: Rate(pad(row.rate, 2)),
        valid_from: row.effective_from,
        valid_to: row.effective_to,
        source: row.source,
    });
    let tds = tds::all().iter().map(|row| TaxRate {
        kind: TaxKind::Tds,
        section: Some(row.section),
        about: row.about,
        applies_to: Some(row.applies_to.to_owned()),
        rate: Rate(pad(row.rate, 2)),
        valid_from: row.valid_from,
        valid_to: row.valid_to,
        source: row.source,
    });
    let wanted = |row: &TaxRate| {
        filter.kind.is_none_or(|kind| kind == row.kind)
            && filter.on.is_none_or(|on| row.valid_from <= on && row.valid_to.is_none_or(|to| on <= to))
            && filter.section.as_deref().is_none_or(|section| row.section.is_some_and(|own| own.eq_ignore_ascii_case(section)))
    };
    Fetched::ok(&TaxRates { data: gst.chain(tds).filter(wanted).collect() })
}
