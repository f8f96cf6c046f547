//! API clients and their tokens.

use super::types::{ApiClient, ApiClientPatch, ClientCredentials, ClientToken, NewApiClient, RotateSecret};
use super::{problems, service, store};
use crate::access::tokens::keys::Keys;
use crate::platform::http::address;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::ClientId;
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::permissions::ClientsManage;
use crate::platform::unit_of_work::{Caller, Public};
use actix_web::web::Data;
use actix_web::{HttpRequest, delete, get, patch, post, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_api_clients)
        .service(create_api_client)
        .service(get_api_client)
        .service(update_api_client)
        .service(rotate_api_client_secret)
        .service(revoke_api_client)
        .service(client_token);
}

/// List API clients.
///
/// With scopes, addresses and last use; never with secrets.
#[utoipa::path(tag = "Users", params(Paging), responses((status = 200, body = Page<ApiClient>, description = "One page.")), extensions(("x-permission" = json!("clients:manage"))))]
#[get("/v1/api-clients")]
pub async fn list_api_clients(caller: Caller<ClientsManage>, paging: Query<Paging>) -> Reply<Fetched<Page<ApiClient>>> {
    caller.fetch(move |rx| store::list(rx, &paging)).await
}

/// Create an API client.
///
/// The secret is shown once; a replay of the answer comes without it, and `rotate-secret` gives another. Scopes that
/// approve, reverse, refund or manage users are refused (SOD-12).
#[utoipa::path(tag = "Users", request_body = NewApiClient, responses((status = 201, body = ApiClient, description = "Created.")), extensions(("x-permission" = json!("clients:manage")), ("x-idempotency" = json!("required"))))]
#[post("/v1/api-clients")]
pub async fn create_api_client(caller: Caller<ClientsManage>, body: Body<NewApiClient>) -> Reply<Created<ApiClient>> {
    caller.create(move |tx| service::create(tx, &body)).await
}

/// Get an API client.
///
/// Never with its secret.
#[utoipa::path(tag = "Users", params(("id" = ClientId, Path, description = "The client.")), responses((status = 200, body = ApiClient, description = "The client.")), extensions(("x-permission" = json!("clients:manage"))))]
#[get("/v1/api-clients/{id}")]
pub async fn get_api_client(caller: Caller<ClientsManage>, id: Path<ClientId>) -> Reply<Fetched<ApiClient>> {
    caller.fetch(move |rx| store::get(rx, id.0)).await
}

/// Change an API client.
///
/// Merge patch: absent stays, null clears. What is taken away (scopes, addresses, requests a minute, `active`) is gone within
/// two seconds, also for tokens that are out. One that is revoked stays so (409).
#[utoipa::path(tag = "Users", request_body = ApiClientPatch, params(("id" = ClientId, Path, description = "The client.")), responses((status = 200, body = ApiClient, description = "Changed.")), extensions(("x-permission" = json!("clients:manage")), ("x-if-match" = json!(true))))]
#[patch("/v1/api-clients/{id}")]
pub async fn update_api_client(caller: Caller<ClientsManage>, id: Path<ClientId>, body: Body<ApiClientPatch>) -> Reply<Done<ApiClient>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::update(tx, id.0, version, &body)).await
}

/// Rotate the secret.
///
/// Gives a second secret, shown once; the present one is taken for `overlap_hours` more (0 to 72). Rotated again before
/// anybody used the new one, the one in use stays and the lost one ends. Tokens that are out stay valid for their 30 minutes.
#[utoipa::path(tag = "Users", request_body = RotateSecret, params(("id" = ClientId, Path, description = "The client.")), responses((status = 200, body = ApiClient, description = "With the new secret.")), extensions(("x-permission" = json!("clients:manage")), ("x-idempotency" = json!("required"))))]
#[post("/v1/api-clients/{id}/rotate-secret")]
pub async fn rotate_api_client_secret(caller: Caller<ClientsManage>, id: Path<ClientId>, body: Body<RotateSecret>) -> Reply<Done<ApiClient>> {
    caller.change(move |tx| service::rotate(tx, id.0, &body)).await
}

/// Revoke an API client.
///
/// For good: its tokens and secrets stop working within two seconds; what it did stays on record.
#[utoipa::path(tag = "Users", params(("id" = ClientId, Path, description = "The client.")), responses((status = 200, body = ApiClient, description = "Revoked.")), extensions(("x-permission" = json!("clients:manage")), ("x-if-match" = json!(true))))]
#[delete("/v1/api-clients/{id}")]
pub async fn revoke_api_client(caller: Caller<ClientsManage>, id: Path<ClientId>) -> Reply<Done<ApiClient>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::revoke(tx, id.0, version)).await
}

/// Get a token for a machine.
///
/// OAuth 2 client credentials (RFC 6749 section 4.4): form-encoded, id and secret by HTTP Basic.
/// The token lives 30 minutes; there is no refresh token. Only from an address the client may call from.
#[utoipa::path(tag = "Auth", request_body(content = ClientCredentials, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = ClientToken, description = "A token.")),
    extensions(("x-refuses" = json!([403])), ("x-permission" = json!("public"))))]
#[post("/v1/oauth/token")]
pub async fn client_token(public: Public, keys: Data<Keys>, form: Result<web::Form<ClientCredentials>, actix_web::Error>) -> Reply<Fetched<ClientToken>> {
    let form = form.map_err(|error| match error.as_response_error().status_code().as_u16() {
        413 => Problem::new(problem::PAYLOAD_TOO_LARGE, "The body is too large."),
        415 => Problem::new(problem::UNSUPPORTED_MEDIA_TYPE, "Send the body as application/x-www-form-urlencoded."),
        _ => Problem::new(problem::VALIDATION_FAILED, "Send grant_type=client_credentials, form-encoded.").errors(vec![FieldError::at(
            "/grant_type",
            "required",
            "Send grant_type=client_credentials.",
        )]),
    })?;
    if form.grant_type != "client_credentials" {
        return Err(Problem::new(problems::UNSUPPORTED_GRANT, "Only client_credentials is supported.").member("error", "unsupported_grant_type"));
    }
    let (id, secret) = basic(public.request()).ok_or_else(|| service::invalid("Send client id and secret by HTTP Basic."))?;
    let (scope, from) = (form.into_inner().scope, address::of(public.request()));
    Fetched::ok(&public.write(move |tx| service::token(tx, &keys, &id, &secret, scope.as_deref(), from)).await?)
}

fn basic(request: &HttpRequest) -> Option<(String, String)> {
    let header = request.headers().get("authorization")?.to_str().ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| (id.to_owned(), secret.to_owned()))
}
