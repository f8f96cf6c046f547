//! Opening items.

use super::types::{CertificateQuery, NewOpeningCertificate, NewOpeningItem, OpeningCertificate, OpeningFilter, OpeningItem, ReverseOpeningItem};
use super::{service, store};
use crate::ledger::open_items::store::lock_named;
use crate::platform::http::{Body, Created, Done, Fetched, MultiStatus, Path, Query, Reply};
use crate::platform::ids::OpeningItemId;
use crate::platform::page::{Made, Page, Paging, Words};
use crate::platform::unit_of_work::permissions::{AdjustmentsRead, AdjustmentsWrite};
use crate::platform::unit_of_work::{Bulk, BulkReply, Caller};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_opening_items)
        .service(create_opening_item)
        .service(create_opening_items_in_bulk)
        .service(certify_opening_items)
        .service(get_opening_certificate)
        .service(get_opening_item)
        .service(reverse_opening_item);
}

/// List opening items.
///
/// What was taken over from another system, with what is open of it.
#[utoipa::path(tag = "Opening items", params(Paging, Made, Words, OpeningFilter), responses((status = 200, body = Page<OpeningItem>, description = "One page.")), extensions(("x-permission" = json!("adjustments:read"))))]
#[get("/v1/opening-items")]
pub async fn list_opening_items(caller: Caller<AdjustmentsRead>, paging: Query<Paging>, filter: Query<OpeningFilter>) -> Reply<Fetched<Page<OpeningItem>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Take an item over.
///
/// What is left of an old document, with its own number and dates: ages from its own due date, and is posted on
/// the day of the cut-over against opening balances.
#[utoipa::path(tag = "Opening items", request_body = NewOpeningItem, responses((status = 201, body = OpeningItem, description = "Taken over, or asked for.")), extensions(("x-permission" = json!("adjustments:write")), ("x-idempotency" = json!("required")), ("x-approval" = json!(true))))]
#[post("/v1/opening-items")]
pub async fn create_opening_item(caller: Caller<AdjustmentsWrite>, body: Body<NewOpeningItem>) -> Reply<Created<OpeningItem>> {
    caller.create(move |tx| service::create(tx, &body)).await
}

/// Take up to 1,000 items over.
///
/// `per_item`: good rows are kept and bad ones answered each with its problem; `atomic`: all or none.
#[utoipa::path(tag = "Opening items", request_body = Bulk<NewOpeningItem>, responses((status = 207, body = BulkReply, description = "One result a row.")), extensions(("x-permission" = json!("adjustments:write")), ("x-idempotency" = json!("required")), ("x-bulk" = json!(true)), ("x-approval" = json!(true))))]
#[post("/v1/opening-items/bulk")]
pub async fn create_opening_items_in_bulk(caller: Caller<AdjustmentsWrite>, body: Body<Bulk<NewOpeningItem>>) -> Reply<MultiStatus<BulkReply>> {
    caller.bulk(body, lock_named, 1, |tx, rows| rows.iter().map(|row| service::create(tx, row).map(Ok)).collect()).await
}

/// Certify what was taken over.
///
/// Counts the items up to the cut-over, customer by customer, and compares their total with the other system's. It
/// is kept whether it agrees or not.
#[utoipa::path(tag = "Opening items", request_body = NewOpeningCertificate, responses((status = 201, body = OpeningCertificate, description = "The certificate.")), extensions(("x-permission" = json!("adjustments:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/opening-items/certificate")]
pub async fn certify_opening_items(caller: Caller<AdjustmentsWrite>, body: Body<NewOpeningCertificate>) -> Reply<Created<OpeningCertificate>> {
    caller.create(move |tx| service::certify(tx, &body)).await
}

/// Get the certificate.
///
/// The newest one, as it was given.
#[utoipa::path(tag = "Opening items", params(CertificateQuery), responses((status = 200, body = OpeningCertificate, description = "The certificate.")), extensions(("x-refuses" = json!([404])), ("x-permission" = json!("adjustments:read"))))]
#[get("/v1/opening-items/certificate")]
pub async fn get_opening_certificate(caller: Caller<AdjustmentsRead>, query: Query<CertificateQuery>) -> Reply<Fetched<OpeningCertificate>> {
    caller.fetch(move |rx| store::certificate(rx, query.cut_over_on)).await
}

/// Get an opening item.
///
/// With what is open of it.
#[utoipa::path(tag = "Opening items", params(("id" = OpeningItemId, Path, description = "The opening item.")), responses((status = 200, body = OpeningItem, description = "The opening item.")), extensions(("x-permission" = json!("adjustments:read"))))]
#[get("/v1/opening-items/{id}")]
pub async fn get_opening_item(caller: Caller<AdjustmentsRead>, id: Path<OpeningItemId>) -> Reply<Fetched<OpeningItem>> {
    caller.fetch(move |rx| store::get(rx, id.0)).await
}

/// Reverse an opening item.
///
/// It was taken over by mistake: a mirror entry takes it back, and what settled it is open again.
#[utoipa::path(tag = "Opening items", request_body = ReverseOpeningItem, params(("id" = OpeningItemId, Path, description = "The opening item.")), responses((status = 200, body = OpeningItem, description = "Reversed.")), extensions(("x-permission" = json!("adjustments:write")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/opening-items/{id}/reverse")]
pub async fn reverse_opening_item(caller: Caller<AdjustmentsWrite>, id: Path<OpeningItemId>, body: Body<ReverseOpeningItem>) -> Reply<Done<OpeningItem>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::reverse(tx, id.0, version, &body)).await
}
