//! Signing in and out.

use super::keys::Keys;
use super::service;
use super::throttle;
use super::types::{Acknowledged, Login, Logout, NewPassword, Refresh, TokenPair};
use crate::platform::http::address;
use crate::platform::http::{Body, Done, Fetched, Reply};
use crate::platform::unit_of_work::permissions::Anyone;
use crate::platform::unit_of_work::{Caller, Public};
use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(login).service(refresh).service(logout).service(change_password).service(jwks);
}

/// Log in.
///
/// Answers a pair of tokens for one company. An unknown address and a wrong password get the same
/// answer in the same time; five failures within 15 minutes close the account for that long (429).
#[utoipa::path(tag = "Auth", request_body = Login, responses((status = 200, body = TokenPair, description = "Signed in.")), extensions(("x-permission" = json!("public"))))]
#[post("/v1/auth/login")]
pub async fn login(public: Public, keys: Data<Keys>, body: Body<Login>) -> Reply<Fetched<TokenPair>> {
    let address = address::of(public.request()).to_string();
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

/// Keys to check our tokens with.
///
/// A JSON Web Key Set (RFC 7517) with the public Ed25519 keys (RFC 8037).
#[utoipa::path(tag = "Auth", responses((status = 200, body = serde_json::Value, description = "The key set.", example = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "2026-01", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}))), extensions(("x-permission" = json!("public"))))]
#[get("/.well-known/jwks.json")]
pub async fn jwks(_public: Public, keys: Data<Keys>) -> HttpResponse {
    HttpResponse::Ok().json(keys.jwks())
}
