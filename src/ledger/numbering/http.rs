//! Number series.

use super::store;
use super::types::{NewNumberSeries, NumberSeries, SeriesFilter};
use crate::master_data::gst_registrations;
use crate::platform::http::{Body, Created, Fetched, FieldError, Problem, Query, Reply};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::permissions::{CompanyManage, CompanyRead};
use crate::platform::unit_of_work::{Audited, Caller, Change, Tx};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_number_series).service(create_number_series);
}

/// List number series.
///
/// Next and last number of each; gaps cannot occur, as a number is taken in the transaction of its document.
#[utoipa::path(tag = "Company", params(Paging, SeriesFilter), responses((status = 200, body = Page<NumberSeries>, description = "One page.")), extensions(("x-permission" = json!("company:read"))))]
#[get("/v1/number-series")]
pub async fn list_number_series(caller: Caller<CompanyRead>, paging: Query<Paging>, filter: Query<SeriesFilter>) -> Reply<Fetched<Page<NumberSeries>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Create a number series.
///
/// For one registration, kind and fiscal year (CGST rule 46(b): at most 16 characters). Documents
/// name it by `number_series_id`; without one they use the default series, which always exists.
#[utoipa::path(tag = "Company", request_body = NewNumberSeries, responses((status = 201, body = NumberSeries, description = "Created.")), extensions(("x-permission" = json!("company:manage")), ("x-idempotency" = json!("accepted"))))]
#[post("/v1/number-series")]
pub async fn create_number_series(caller: Caller<CompanyManage>, body: Body<NewNumberSeries>) -> Reply<Created<NumberSeries>> {
    caller.create(move |tx| create(tx, &body)).await
}

fn create(tx: &mut Tx<'_>, new: &NewNumberSeries) -> Result<Audited<NumberSeries>, Problem> {
    let mut errors = Vec::new();
    let year = store::year_of(&new.fiscal_year).filter(|year| (1900..3000).contains(year));
    if year.is_none() {
        errors.push(FieldError::at("/fiscal_year", "invalid_fiscal_year", "A fiscal year is written like 2025-26.").received(&new.fiscal_year));
    }
    if new.prefix.len() + usize::try_from(new.width).unwrap_or(0) > 16 {
        errors.push(
            FieldError::at("/width", "too_long", "Prefix and digits together have at most 16 characters (CGST rule 46(b)).")
                .expected(16 - new.prefix.len())
                .received(new.width),
        );
    }
    let Some(year) = year.filter(|_| errors.is_empty()) else { return Err(Problem::invalid(errors)) };
    if gst_registrations::store::find(tx, Some(new.gst_registration_id))?.is_none() {
        return Err(Problem::reference("gst_registration", "/gst_registration_id"));
    }
    let made = store::insert(tx, new, year)?;
    Ok(tx.record(Change::new("number_series.created", made.id.uuid()).after(&made), made))
}
