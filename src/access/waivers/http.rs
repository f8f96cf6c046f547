//! Waivers of segregation rules.

use super::types::{NewWaiver, Waiver};
use super::{service, store};
use crate::platform::http::{Body, Created, Fetched, Query, Reply};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{UsersManage, UsersRead};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_waivers).service(create_waiver);
}

/// List waivers.
///
/// Every waiver there ever was, with whether it holds today. Listed in every audit pack.
#[utoipa::path(tag = "Users", params(Paging), responses((status = 200, body = Page<Waiver>, description = "One page.")), extensions(("x-permission" = json!("users:read"))))]
#[get("/v1/sod-waivers")]
pub async fn list_waivers(caller: Caller<UsersRead>, paging: Query<Paging>) -> Reply<Fetched<Page<Waiver>>> {
    caller.fetch(move |rx| store::list(rx, &paging)).await
}

/// Waive a rule.
///
/// Sets SOD-02 or SOD-16 aside for one person until a day within a year, for a reason. Nobody waives
/// for themselves, and maker ≠ checker (SOD-01) is never waived.
#[utoipa::path(tag = "Users", request_body = NewWaiver, responses((status = 201, body = Waiver, description = "Waived.")), extensions(("x-permission" = json!("users:manage")), ("x-idempotency" = json!("required"))))]
#[post("/v1/sod-waivers")]
pub async fn create_waiver(caller: Caller<UsersManage>, body: Body<NewWaiver>) -> Reply<Created<Waiver>> {
    caller.create(move |tx| service::create(tx, &body)).await
}
