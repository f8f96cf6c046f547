//! Exchange rates.

use super::types::{DatedRate, NewRate, RateFilter};
use super::{service, store};
use crate::platform::http::{Body, Created, Fetched, Query, Reply};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{CompanyRead, GlManage};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_exchange_rates).service(create_exchange_rate);
}

/// List exchange rates.
///
/// Newest date first. Of several rates of one date the newest recorded holds.
#[utoipa::path(tag = "Company", params(Paging, RateFilter), responses((status = 200, body = Page<DatedRate>, description = "One page.")), extensions(("x-permission" = json!("company:read"))))]
#[get("/v1/exchange-rates")]
pub async fn list_exchange_rates(caller: Caller<CompanyRead>, paging: Query<Paging>, filter: Query<RateFilter>) -> Reply<Fetched<Page<DatedRate>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Record an exchange rate.
///
/// Base units for one unit of the currency on a date. Nothing is overwritten: a correction is a newer
/// rate of the same date, and documents issued before keep theirs.
#[utoipa::path(tag = "Company", request_body = NewRate, responses((status = 201, body = DatedRate, description = "Recorded.")), extensions(("x-permission" = json!("gl:manage")), ("x-idempotency" = json!("accepted"))))]
#[post("/v1/exchange-rates")]
pub async fn create_exchange_rate(caller: Caller<GlManage>, body: Body<NewRate>) -> Reply<Created<DatedRate>> {
    caller.create(move |tx| service::create(tx, &body)).await
}
