//! Revaluations.

use super::types::{NewRevaluation, Revaluation, RevaluationFilter};
use super::{service, store};
use crate::platform::http::{Body, Created, Fetched, Path, Query, Reply};
use crate::platform::ids::RevaluationId;
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{GlRead, GlWrite};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_revaluations).service(create_revaluation).service(get_revaluation);
}

/// List revaluations.
///
/// Every run, the newest day first.
#[utoipa::path(tag = "General ledger", params(Paging, RevaluationFilter), responses((status = 200, body = Page<Revaluation>, description = "One page.")), extensions(("x-permission" = json!("gl:read"))))]
#[get("/v1/revaluations")]
pub async fn list_revaluations(caller: Caller<GlRead>, paging: Query<Paging>, filter: Query<RevaluationFilter>) -> Reply<Fetched<Page<Revaluation>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Revalue open items in other currencies.
///
/// At the rates of the day; the unrealised difference is posted and taken back the next day. Running it
/// again posts only what changed since: as a rule nothing.
#[utoipa::path(tag = "General ledger", request_body = NewRevaluation, responses((status = 201, body = Revaluation, description = "Posted, or nothing to post.")), extensions(("x-permission" = json!("gl:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/revaluations")]
pub async fn create_revaluation(caller: Caller<GlWrite>, body: Body<NewRevaluation>) -> Reply<Created<Revaluation>> {
    caller.create(move |tx| service::create(tx, &body)).await
}

/// Get a revaluation.
///
/// With its figures by currency.
#[utoipa::path(tag = "General ledger", params(("id" = RevaluationId, Path, description = "The run.")), responses((status = 200, body = Revaluation, description = "The run.")), extensions(("x-permission" = json!("gl:read"))))]
#[get("/v1/revaluations/{id}")]
pub async fn get_revaluation(caller: Caller<GlRead>, id: Path<RevaluationId>) -> Reply<Fetched<Revaluation>> {
    caller.fetch(move |rx| store::get(rx, id.0)).await
}
