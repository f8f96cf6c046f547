//! The edge: request ids, security headers, one log line and one metric a request, and every
//! refusal as a problem document, also those actix itself makes.

use super::connection::Connection;
use super::contract::{Contract, OperationName};
use super::limits::Told;
use super::problem::{self, Problem};
use crate::platform::unit_of_work::Principal;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse};
use std::time::Instant;
use uuid::Uuid;

/// Our id of the request; the client's own is kept beside it in the log.
pub struct RequestId(pub String);

const LONGEST_URI: usize = 8 * 1024;

/// The outermost layer.
pub async fn edge(mut request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let id = format!("req_{}", Uuid::now_v7().simple());
    request.extensions_mut().insert(RequestId(id.clone()));
    let _turn = Connection::our_turn(&request);
    // No clone of the request may live while it is routed; its path is all that is needed after.
    let path = request.path().to_owned();
    // What is asked for by GET may be asked for by HEAD (RFC 9110 section 9.3.2); the server itself leaves the body out.
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let client_request_id = printable(request.headers().get("request-id"));
    if request.uri().to_string().len() > LONGEST_URI {
        let refusal = Problem::new(problem::URI_TOO_LONG, "The address may have at most 8192 bytes.").response(&path, &id);
        return Ok(finished(request.into_response(refusal), &id, client_request_id, started));
    }
    let response = match next.call(request).await {
        Ok(response) => {
            let refused = response.response().error().and_then(|error| error.as_error::<Problem>()).map(|problem| problem.response(&path, &id));
            let (head, response) = response.into_parts();
            match refused {
                Some(refusal) => ServiceResponse::new(head, carry(refusal, response.headers())),
                None => as_problem(head, response.map_into_boxed_body(), &id),
            }
        }
        Err(error) => {
            let refusal = error
                .as_error::<Problem>()
                .map_or_else(|| by_status(error.as_response_error().status_code(), &path, &id), |problem| problem.response(&path, &id));
            return Err(actix_web::error::InternalError::from_response(error, refusal).into());
        }
    };
    Ok(finished(response, &id, client_request_id, started))
}

/// Headers the inner layers set (CORS) survive the rewriting of a refusal.
fn carry(mut to: HttpResponse, from: &HeaderMap) -> HttpResponse {
    for (name, value) in from.iter().filter(|(name, _)| name.as_str().starts_with("access-control-") || *name == header::VARY) {
        to.headers_mut().append(name.clone(), value.clone());
    }
    to
}

/// What actix or a library refused by itself gets the common form too.
fn as_problem(head: HttpRequest, response: HttpResponse, id: &str) -> ServiceResponse<BoxBody> {
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|v| v == "application/problem+json");
    if response.status().as_u16() < 400 || is_problem {
        return ServiceResponse::new(head, response);
    }
    // Only what shares answers with other origins refuses to be asked for them.
    let refusal = if head.method() == Method::OPTIONS && response.status() == StatusCode::BAD_REQUEST {
        Problem::new(problem::PERMISSION_DENIED, "Pages of this origin may not send this method or these headers.")
            .header("vary", "Origin")
            .response(head.path(), id)
    } else {
        by_status(response.status(), head.path(), id)
    };
    let refusal = carry(refusal, response.headers());
    ServiceResponse::new(head, refusal)
}

fn by_status(status: StatusCode, path: &str, id: &str) -> HttpResponse {
    let problem = match status.as_u16() {
        404 => Problem::not_found("path"),
        405 => Problem::new(problem::METHOD_NOT_ALLOWED, "This path does not take this method."),
        406 => Problem::new(problem::NOT_ACCEPTABLE, "This operation answers application/json."),
        408 => Problem::new(problem::REQUEST_TIMEOUT, "The request took too long to arrive."),
        413 => Problem::new(problem::PAYLOAD_TOO_LARGE, "The body is too large."),
        415 => Problem::new(problem::UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json."),
        400..500 => Problem::new(problem::MALFORMED_JSON, "The request cannot be read."),
        _ => Problem::new(problem::INTERNAL_ERROR, "The service failed to answer; nothing was changed."),
    };
    problem.response(path, id)
}

/// Requests no route took.
pub async fn unrouted(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(Contract::get().map_or_else(|| Problem::not_found("path"), |contract| contract.unrouted(request.method(), request.path())))
}

fn finished(mut response: ServiceResponse<BoxBody>, id: &str, client_request_id: Option<String>, started: Instant) -> ServiceResponse<BoxBody> {
    let request = response.request().clone();
    let status = response.status();
    if status == StatusCode::UNAUTHORIZED && !response.headers().contains_key(header::WWW_AUTHENTICATE) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_token\""));
    }
    let headers = response.headers_mut();
    // How files tell the compressor to leave them alone; nobody else needs it (RFC 9110 section 8.4.1).
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding == "identity") {
        headers.remove(header::CONTENT_ENCODING);
    }
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("request-id", id);
    set("x-content-type-options", "nosniff");
    set("referrer-policy", "no-referrer");
    set("cross-origin-resource-policy", "same-origin");
    set("x-frame-options", "DENY");
    if request.path().starts_with("/docs") {
        set("content-security-policy", "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'");
    } else {
        set("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
        set("cache-control", "no-store");
    }
    let extensions = request.extensions();
    if let Some(told) = extensions.get::<Told>() {
        set("ratelimit-policy", &told.policies);
        set("ratelimit", &told.left);
    }
    let operation = extensions.get::<OperationName>().map_or("none", |name| name.0);
    let actor = extensions.get::<Principal>().map(|principal| principal.actor.to_string());
    let elapsed = started.elapsed();
    metrics::histogram!("duebook_request_seconds", "operation" => operation, "status" => status.as_str().to_owned()).record(elapsed);
    tracing::info!(
        request_id = id, client_request_id, operation, method = %request.method(), path = request.path(), status = status.as_u16(),
        actor, micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX), "request"
    );
    drop(extensions);
    response
}

/// At most 40 printable characters, so that a client's id cannot forge a log line.
fn printable(value: Option<&HeaderValue>) -> Option<String> {
    let text = value?.to_str().ok()?;
    (text.len() <= 40 && text.bytes().all(|b| (0x21..=0x7e).contains(&b))).then(|| text.to_owned())
}
