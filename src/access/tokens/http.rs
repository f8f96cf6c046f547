//! Signing in and out.

use super::keys::Keys;
use super::problems;
use super::service;
use super::throttle;
use super::types::{Acknowledged, ClientToken, Login, Logout, NewPassword, Refresh, TokenPair};
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::{Body, Done, Fetched, Reply};
use crate::platform::unit_of_work::permissions::Anyone;
use crate::platform::unit_of_work::{Caller, Public};
use actix_web::web::Data;
use actix_web::{HttpResponse, get, post, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(login).service(refresh).service(logout).service(change_password).service(client_token).service(jwks);
}

/// Log in.
///
/// Answers a pair of tokens for one company. An unknown address and a wrong password get the same
/// answer in the same time; five failures within 15 minutes close the account for that long (429).
#[utoipa::path(tag = "Auth", request_body = Login, responses((status = 200, body = TokenPair, description = "Signed in.")), extensions(("x-permission" = json!("public"))))]
#[post("/v1/auth/login")]
pub async fn login(public: Public, keys: Data<Keys>, body: Body<Login>) -> Reply<Fetched<TokenPair>> {
    let address = public.request().peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default();
    Fetched::ok(&service::login(public, keys.into_inner(), body.0, address).await?)
}

/// Rotate a refresh token.
///
/// The old token is used up. With `company_id` the person goes on in another of their companies.
/// A token that comes back a second time ends the whole log-in (RFC 9700).
#[utoipa::path(tag = "Auth", request_body = Refresh, responses((status = 200, body = TokenPair, description = "A new pair.")), extensions(("x-permission" = json!("public")), ("x-conflicts" = json!(true))))]
#[post("/v1/auth/refresh")]
pub async fn refresh(public: Public, keys: Data<Keys>, body: Body<Refresh>) -> Reply<Fetched<TokenPair>> {
    Fetched::ok(&service::refresh(public, keys.into_inner(), body.0).await?)
}

/// Log out.
///
/// Ends this session, or all sessions of the person. Access tokens stop working within two seconds.
#[utoipa::path(tag = "Auth", request_body = Logout, responses((status = 200, body = Acknowledged, description = "Signed out.")), extensions(("x-permission" = json!("any"))))]
#[post("/v1/auth/logout")]
pub async fn logout(caller: Caller<Anyone>, body: Body<Logout>) -> Reply<Done<Acknowledged>> {
    caller.change(move |tx| service::logout(tx, &body)).await
}

/// Change one's own password.
///
/// The current password is asked for again; all other sessions of the person end.
#[utoipa::path(tag = "Auth", request_body = NewPassword, responses((status = 200, body = Acknowledged, description = "Changed.")), extensions(("x-permission" = json!("any")), ("x-conflicts" = json!(true))))]
#[post("/v1/auth/password")]
pub async fn change_password(caller: Caller<Anyone>, body: Body<NewPassword>) -> Reply<Done<Acknowledged>> {
    let person = caller.principal()?.actor.to_string();
    let current = caller.peek(service::own_hash).await?;
    let attempt = throttle::attempt(&person, &person)?;
    let hash = service::new_hash(current, body.0).await?;
    attempt.succeeded();
    caller.change(move |tx| service::change_password(tx, &hash)).await
}

#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentials {
    #[schema(max_length = 40, example = "client_credentials")]
    grant_type: String,
    /// Fewer scopes than granted, space-separated.
    #[schema(max_length = 4000, example = "receipts:write")]
    scope: Option<String>,
}

/// Get a token for a machine.
///
/// OAuth 2 client credentials (RFC 6749 section 4.4): form-encoded, id and secret by HTTP Basic.
/// The token lives 30 minutes; there is no refresh token.
#[utoipa::path(tag = "Auth", request_body(content = ClientCredentials, content_type = "application/x-www-form-urlencoded"), responses((status = 200, body = ClientToken, description = "A token.")), extensions(("x-permission" = json!("public"))))]
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
    let (id, secret) = basic(public.request()).ok_or_else(|| {
        Problem::new(problems::INVALID_CLIENT, "Send client id and secret by HTTP Basic.")
            .member("error", "invalid_client")
            .header("www-authenticate", "Basic realm=\"duebook\"")
    })?;
    let scope = form.into_inner().scope;
    let token = public.write(move |tx| service::client_token(tx, &keys, &id, &secret, scope.as_deref()));
    Fetched::ok(&token.await?)
}

fn basic(request: &actix_web::HttpRequest) -> Option<(String, String)> {
    let header = request.headers().get("authorization")?.to_str().ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    scheme.eq_ignore_ascii_case("basic").then(|| (id.to_owned(), secret.to_owned()))
}

/// Keys to check our tokens with.
///
/// A JSON Web Key Set (RFC 7517) with the public Ed25519 keys (RFC 8037).
#[utoipa::path(tag = "Auth", responses((status = 200, body = serde_json::Value, description = "The key set.", example = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "2026-01", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}))), extensions(("x-permission" = json!("public"))))]
#[get("/.well-known/jwks.json")]
pub async fn jwks(_public: Public, keys: Data<Keys>) -> HttpResponse {
    HttpResponse::Ok().json(keys.jwks())
}
