//! Webhook endpoints and their deliveries.

use super::service::{self, Post};
use super::types::{
    DeliveryFilter, NewWebhookEndpoint, ReplayEvents, RotateWebhookSecret, WebhookDelivery, WebhookEndpoint, WebhookEndpointPatch, WebhookReplay,
};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::{DeliveryId, EndpointId};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::WebhooksManage;
use actix_web::web::Data;
use actix_web::{delete, get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_webhook_endpoints).service(create_webhook_endpoint).service(get_webhook_endpoint).service(update_webhook_endpoint);
    config.service(delete_webhook_endpoint).service(rotate_webhook_secret).service(test_webhook_endpoint).service(replay_events);
    config.service(list_webhook_deliveries).service(get_webhook_delivery).service(retry_webhook_delivery);
}

/// List webhook endpoints.
///
/// With how they do. A machine sees those it made itself.
#[utoipa::path(tag = "Events", params(Paging), responses((status = 200, body = Page<WebhookEndpoint>, description = "One page.")), extensions(("x-permission" = json!("webhooks:manage"))))]
#[get("/v1/webhook-endpoints")]
pub async fn list_webhook_endpoints(caller: Caller<WebhooksManage>, post: Data<Post>, paging: Query<Paging>) -> Reply<Fetched<Page<WebhookEndpoint>>> {
    caller.fetch(move |rx| service::list(rx, &post, &paging)).await
}

/// Create a webhook endpoint.
///
/// Events from now on are sent there by Standard Webhooks 1.0, each until it is answered with 2xx within 15 seconds: ten
/// attempts over about 75 hours, then it is parked; after five days of failure the endpoint is disabled. Redirects are
/// not followed, 410 disables. The `secret` is shown once. A machine's endpoint gets events of what the machine may read.
#[utoipa::path(tag = "Events", request_body = NewWebhookEndpoint, responses((status = 201, body = WebhookEndpoint, description = "Created.")), extensions(("x-permission" = json!("webhooks:manage")), ("x-idempotency" = json!("required"))))]
#[post("/v1/webhook-endpoints")]
pub async fn create_webhook_endpoint(caller: Caller<WebhooksManage>, post: Data<Post>, body: Body<NewWebhookEndpoint>) -> Reply<Created<WebhookEndpoint>> {
    caller.create(move |tx| service::create(tx, &post, &body)).await
}

/// Get a webhook endpoint.
///
/// With how it does; never with its secret.
#[utoipa::path(tag = "Events", params(("id" = EndpointId, Path, description = "The endpoint.")), responses((status = 200, body = WebhookEndpoint, description = "The endpoint.")), extensions(("x-permission" = json!("webhooks:manage"))))]
#[get("/v1/webhook-endpoints/{id}")]
pub async fn get_webhook_endpoint(caller: Caller<WebhooksManage>, post: Data<Post>, id: Path<EndpointId>) -> Reply<Fetched<WebhookEndpoint>> {
    caller.fetch(move |rx| service::get(rx, &post, id.0)).await
}

/// Change a webhook endpoint.
///
/// Its address, types and order; `active` switches it off and on.
#[utoipa::path(tag = "Events", params(("id" = EndpointId, Path, description = "The endpoint.")), request_body = WebhookEndpointPatch, responses((status = 200, body = WebhookEndpoint, description = "Changed.")), extensions(("x-permission" = json!("webhooks:manage")), ("x-if-match" = json!(true))))]
#[patch("/v1/webhook-endpoints/{id}")]
pub async fn update_webhook_endpoint(
    caller: Caller<WebhooksManage>,
    post: Data<Post>,
    id: Path<EndpointId>,
    body: Body<WebhookEndpointPatch>,
) -> Reply<Done<WebhookEndpoint>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::update(tx, &post, id.0, version, &body)).await
}

/// Remove a webhook endpoint.
///
/// Nothing more is sent; what was sent stays on record.
#[utoipa::path(tag = "Events", params(("id" = EndpointId, Path, description = "The endpoint.")), responses((status = 200, body = WebhookEndpoint, description = "Removed; as it was last.")), extensions(("x-permission" = json!("webhooks:manage")), ("x-if-match" = json!(true))))]
#[delete("/v1/webhook-endpoints/{id}")]
pub async fn delete_webhook_endpoint(caller: Caller<WebhooksManage>, post: Data<Post>, id: Path<EndpointId>) -> Reply<Done<WebhookEndpoint>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::delete(tx, &post, id.0, version)).await
}

/// Rotate a webhook secret.
///
/// The new one is shown once. During the overlap deliveries carry a signature by each, so that receivers can change over
/// in between.
#[utoipa::path(tag = "Events", params(("id" = EndpointId, Path, description = "The endpoint.")), request_body = RotateWebhookSecret, responses((status = 200, body = WebhookEndpoint, description = "Rotated.")), extensions(("x-permission" = json!("webhooks:manage")), ("x-idempotency" = json!("required"))))]
#[post("/v1/webhook-endpoints/{id}/rotate-secret")]
pub async fn rotate_webhook_secret(
    caller: Caller<WebhooksManage>,
    post: Data<Post>,
    id: Path<EndpointId>,
    body: Body<RotateWebhookSecret>,
) -> Reply<Done<WebhookEndpoint>> {
    caller.change(move |tx| service::rotate(tx, &post, id.0, &body)).await
}

/// Test a webhook endpoint.
///
/// Sends a `ping`, signed and tried again like any event; ask for the delivery to see what came of it.
#[utoipa::path(tag = "Events", params(("id" = EndpointId, Path, description = "The endpoint.")), responses((status = 200, body = WebhookDelivery, description = "Queued.")), extensions(("x-permission" = json!("webhooks:manage")), ("x-idempotency" = json!("accepted"))))]
#[post("/v1/webhook-endpoints/{id}/test")]
pub async fn test_webhook_endpoint(caller: Caller<WebhooksManage>, id: Path<EndpointId>) -> Reply<Done<WebhookDelivery>> {
    caller.change(move |tx| service::test(tx, id.0)).await
}

/// Send events again.
///
/// Those between two numbers of the feed that the endpoint takes, in their order, each with the `webhook-id` it had.
#[utoipa::path(tag = "Events", params(("id" = EndpointId, Path, description = "The endpoint.")), request_body = ReplayEvents, responses((status = 202, body = WebhookReplay, description = "Queued.")), extensions(("x-permission" = json!("webhooks:manage")), ("x-idempotency" = json!("required"))))]
#[post("/v1/webhook-endpoints/{id}/replay")]
pub async fn replay_events(caller: Caller<WebhooksManage>, id: Path<EndpointId>, body: Body<ReplayEvents>) -> Reply<Done<WebhookReplay>> {
    caller.change(move |tx| service::replay(tx, id.0, &body)).await
}

/// List webhook deliveries.
///
/// What was sent where, how often, how long it took and what was answered; kept for 90 days after they ended.
#[utoipa::path(tag = "Events", params(Paging, DeliveryFilter), responses((status = 200, body = Page<WebhookDelivery>, description = "One page.")), extensions(("x-permission" = json!("webhooks:manage"))))]
#[get("/v1/webhook-deliveries")]
pub async fn list_webhook_deliveries(
    caller: Caller<WebhooksManage>,
    paging: Query<Paging>,
    filter: Query<DeliveryFilter>,
) -> Reply<Fetched<Page<WebhookDelivery>>> {
    caller.fetch(move |rx| service::deliveries(rx, &paging, &filter)).await
}

/// Get a webhook delivery.
///
/// With its newest attempts.
#[utoipa::path(tag = "Events", params(("id" = DeliveryId, Path, description = "The delivery.")), responses((status = 200, body = WebhookDelivery, description = "The delivery.")), extensions(("x-permission" = json!("webhooks:manage"))))]
#[get("/v1/webhook-deliveries/{id}")]
pub async fn get_webhook_delivery(caller: Caller<WebhooksManage>, id: Path<DeliveryId>) -> Reply<Fetched<WebhookDelivery>> {
    caller.fetch(move |rx| service::delivery(rx, id.0)).await
}

/// Retry a webhook delivery.
///
/// Now, whatever became of it; the plan of retries begins anew. Not what the client the endpoint belongs to may no longer read
/// (403).
#[utoipa::path(tag = "Events", params(("id" = DeliveryId, Path, description = "The delivery.")), responses((status = 200, body = WebhookDelivery, description = "Queued.")), extensions(("x-permission" = json!("webhooks:manage")), ("x-idempotency" = json!("accepted"))))]
#[post("/v1/webhook-deliveries/{id}/retry")]
pub async fn retry_webhook_delivery(caller: Caller<WebhooksManage>, id: Path<DeliveryId>) -> Reply<Done<WebhookDelivery>> {
    caller.change(move |tx| service::retry(tx, id.0)).await
}
