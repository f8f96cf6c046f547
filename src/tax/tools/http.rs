//! GST tools.

use super::rules;
use super::types::{AmountInWords, AmountWords, Calculated, Calculation, GstinAnswer, GstinMode, GstinQuery};
use crate::platform::clock;
use crate::platform::dates::business_date;
use crate::platform::http::{Body, Done, Fetched, Path, Query, Reply};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::ItemsRead;
use crate::tax::gst::gstin::Mode;
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(check_gstin).service(calculate_gst).service(put_amount_in_words);
}

/// Check a GSTIN.
///
/// Form, State and check digit of a GSTIN or UIN (CGST Rules r.10), with its category, PAN and State. An invalid
/// number is an answer with the first failing check as its reason, in the order length, charset, structure, state,
/// checksum. Whether the registration exists or is active only the portal knows.
#[utoipa::path(tag = "GST", params(("gstin" = String, Path, description = "The number as written; spaces, hyphens and small letters do not matter.", example = "27AAPFU0939F1ZV"), GstinQuery), responses((status = 200, body = GstinAnswer, description = "What the number is.")), extensions(("x-permission" = json!("items:read"))))]
#[get("/v1/gst/gstins/{gstin}")]
pub async fn check_gstin(_caller: Caller<ItemsRead>, gstin: Path<String>, query: Query<GstinQuery>) -> Reply<Fetched<GstinAnswer>> {
    let mode = if query.mode == Some(GstinMode::Sandbox) { Mode::Sandbox } else { Mode::Strict };
    Fetched::ok(&rules::gstin(&gstin.0, mode))
}

/// Calculate GST.
///
/// Taxes a document as invoices are taxed: place of supply, intra- or inter-State, each tax rounded half-up once for a
/// rate and spread to the lines, discounts, charges, cess, reverse charge, rounding to the rupee. Amounts are in
/// major units of the currency. Every decision is explained with its section and effective date. Nothing is stored.
#[utoipa::path(tag = "GST", request_body = Calculation, responses((status = 200, body = Calculated, description = "What it comes to.")), extensions(("x-permission" = json!("items:read"))))]
#[post("/v1/gst/calculate")]
pub async fn calculate_gst(_caller: Caller<ItemsRead>, body: Body<Calculation>) -> Reply<Done<Calculated>> {
    let today = business_date(clock::now(), chrono_tz::Asia::Kolkata);
    Done::ok(&rules::calculate(&body, today)?)
}

/// Put an amount in words.
///
/// Rupees in lakh and crore with their paise, other currencies in thousands and millions with their own minor unit; and
/// the digits grouped as the country writes them.
#[utoipa::path(tag = "GST", request_body = AmountInWords, responses((status = 200, body = AmountWords, description = "The amount in words.")), extensions(("x-permission" = json!("items:read"))))]
#[post("/v1/gst/amount-in-words")]
pub async fn put_amount_in_words(_caller: Caller<ItemsRead>, body: Body<AmountInWords>) -> Reply<Done<AmountWords>> {
    Done::ok(&rules::in_words(&body)?)
}
