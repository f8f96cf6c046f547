//! Items.

use super::types::{Item, ItemFilter, ItemPatch, NewItem};
use super::{service, store};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::ItemId;
use crate::platform::page::{Changed, Made, Page, Paging, Words};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{ItemsRead, ItemsWrite};
use actix_web::{get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_items).service(create_item).service(get_item).service(update_item);
}

/// List items.
///
/// Goods and services with their price and GST rate.
#[utoipa::path(tag = "Items", params(Paging, Made, Changed, Words, ItemFilter), responses((status = 200, body = Page<Item>, description = "One page.")), extensions(("x-permission" = json!("items:read"))))]
#[get("/v1/items")]
pub async fn list_items(caller: Caller<ItemsRead>, paging: Query<Paging>, filter: Query<ItemFilter>) -> Reply<Fetched<Page<Item>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Create an item.
///
/// The rate must be a GST rate in force today, the unit a unit quantity code of the portal.
#[utoipa::path(tag = "Items", request_body = NewItem, responses((status = 201, body = Item, description = "Created.")), extensions(("x-permission" = json!("items:write")), ("x-idempotency" = json!("accepted"))))]
#[post("/v1/items")]
pub async fn create_item(caller: Caller<ItemsWrite>, body: Body<NewItem>) -> Reply<Created<Item>> {
    caller.create(move |tx| service::create(tx, &body)).await
}

/// Get an item.
///
/// With its version as `ETag`.
#[utoipa::path(tag = "Items", params(("id" = ItemId, Path, description = "The item.")), responses((status = 200, body = Item, description = "The item.")), extensions(("x-permission" = json!("items:read"))))]
#[get("/v1/items/{id}")]
pub async fn get_item(caller: Caller<ItemsRead>, id: Path<ItemId>) -> Reply<Fetched<Item>> {
    caller.fetch(move |rx| store::get(rx, id.0, false)).await
}

/// Change an item.
///
/// Prices and rates of documents that exist stay as they are.
#[utoipa::path(tag = "Items", request_body = ItemPatch, params(("id" = ItemId, Path, description = "The item.")), responses((status = 200, body = Item, description = "Changed.")), extensions(("x-permission" = json!("items:write")), ("x-if-match" = json!(true))))]
#[patch("/v1/items/{id}")]
pub async fn update_item(caller: Caller<ItemsWrite>, id: Path<ItemId>, body: Body<ItemPatch>) -> Reply<Done<Item>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::update(tx, id.0, version, &body)).await
}
