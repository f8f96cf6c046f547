//! Number series.

use super::types::{NewNumberSeries, NumberSeries, SeriesFilter};
use super::{service, store};
use crate::platform::http::{Body, Created, Fetched, Query, Reply};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{CompanyManage, CompanyRead};
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
    caller.create(move |tx| service::create(tx, &body)).await
}
