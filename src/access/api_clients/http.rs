//! API clients.

use super::types::{ApiClient, NewApiClient};
use super::{service, store};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::ClientId;
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::ClientsManage;
use actix_web::{delete, get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_api_clients).service(create_api_client).service(revoke_api_client);
}

/// List API clients.
///
/// With scopes and last use; never with secrets.
#[utoipa::path(tag = "Users", params(Paging), responses((status = 200, body = Page<ApiClient>, description = "One page.")), extensions(("x-permission" = json!("clients:manage"))))]
#[get("/v1/api-clients")]
pub async fn list_api_clients(caller: Caller<ClientsManage>, paging: Query<Paging>) -> Reply<Fetched<Page<ApiClient>>> {
    caller.fetch(move |rx| store::list(rx, &paging)).await
}

/// Create an API client.
///
/// The secret is shown once. Scopes that approve, reverse, refund or manage users are refused (SOD-12).
#[utoipa::path(tag = "Users", request_body = NewApiClient, responses((status = 201, body = ApiClient, description = "Created.")), extensions(("x-permission" = json!("clients:manage")), ("x-idempotency" = json!("required"))))]
#[post("/v1/api-clients")]
pub async fn create_api_client(caller: Caller<ClientsManage>, body: Body<NewApiClient>) -> Reply<Created<ApiClient>> {
    caller.create(move |tx| service::create(tx, &body)).await
}

/// Revoke an API client.
///
/// Its tokens stop working within two seconds; what it did stays on record.
#[utoipa::path(tag = "Users", params(("id" = ClientId, Path, description = "The client.")), responses((status = 200, body = ApiClient, description = "Revoked.")), extensions(("x-permission" = json!("clients:manage")), ("x-if-match" = json!(true))))]
#[delete("/v1/api-clients/{id}")]
pub async fn revoke_api_client(caller: Caller<ClientsManage>, id: Path<ClientId>) -> Reply<Done<ApiClient>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::revoke(tx, id.0, version)).await
}
