//! Write-offs.

use super::types::{NewRecovery, NewWriteOff, ReverseWriteOff, WriteOff, WriteOffFilter};
use super::{service, store};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::WriteOffId;
use crate::platform::page::{Made, Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{AllocationsWrite, WriteOffsRead, WriteOffsWrite};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_write_offs).service(request_write_off).service(get_write_off).service(reverse_write_off).service(recover_write_off);
}

/// List write-offs.
///
/// The register, newest first: what was given up, what came in after all, what remains.
#[utoipa::path(tag = "Collections", params(Paging, Made, WriteOffFilter), responses((status = 200, body = Page<WriteOff>, description = "One page.")), extensions(("x-permission" = json!("write_offs:read"))))]
#[get("/v1/write-offs")]
pub async fn list_write_offs(caller: Caller<WriteOffsRead>, paging: Query<Paging>, filter: Query<WriteOffFilter>) -> Reply<Fetched<Page<WriteOff>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Ask for a write-off.
///
/// Documents of one customer, in full or in part. Waits for a second person (two above the band) and is
/// posted when approved: bad debts against receivable, tax included. Nothing is reserved meanwhile.
#[utoipa::path(tag = "Collections", request_body = NewWriteOff, responses((status = 201, body = WriteOff, description = "Asked for.")), extensions(("x-permission" = json!("write_offs:write")), ("x-idempotency" = json!("required")), ("x-approval" = json!(true))))]
#[post("/v1/write-offs")]
pub async fn request_write_off(caller: Caller<WriteOffsWrite>, body: Body<NewWriteOff>) -> Reply<Created<WriteOff>> {
    caller.create(move |tx| service::request(tx, &body)).await
}

/// Get a write-off.
///
/// With its documents and what was recovered.
#[utoipa::path(tag = "Collections", params(("id" = WriteOffId, Path, description = "The write-off.")), responses((status = 200, body = WriteOff, description = "The write-off.")), extensions(("x-permission" = json!("write_offs:read"))))]
#[get("/v1/write-offs/{id}")]
pub async fn get_write_off(caller: Caller<WriteOffsRead>, id: Path<WriteOffId>) -> Reply<Fetched<WriteOff>> {
    caller.fetch(move |rx| store::get(rx, id.0)).await
}

/// Reverse a write-off.
///
/// The documents open again at their own due dates, by a mirror entry of the given date; what was recovered
/// goes back to its receipts. Above the band it waits for a second person.
#[utoipa::path(tag = "Collections", request_body = ReverseWriteOff, params(("id" = WriteOffId, Path, description = "The write-off.")), responses((status = 200, body = WriteOff, description = "Reversed."), (status = 202, body = WriteOff, description = "The write-off; its reversal waits for approval_id.")), extensions(("x-permission" = json!("write_offs:write")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true)), ("x-approval" = json!(true))))]
#[post("/v1/write-offs/{id}/reverse")]
pub async fn reverse_write_off(caller: Caller<WriteOffsWrite>, id: Path<WriteOffId>, body: Body<ReverseWriteOff>) -> Reply<Done<WriteOff>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::reverse(tx, id.0, version, &body)).await
}

/// Record money recovered.
///
/// Unapplied money of a receipt becomes income from bad debts, at most as much as is still written off.
/// Taken back by reversing its allocation.
#[utoipa::path(tag = "Collections", request_body = NewRecovery, params(("id" = WriteOffId, Path, description = "The write-off.")), responses((status = 200, body = WriteOff, description = "The write-off with the recovery.")), extensions(("x-permission" = json!("allocations:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/write-offs/{id}/recover")]
pub async fn recover_write_off(caller: Caller<AllocationsWrite>, id: Path<WriteOffId>, body: Body<NewRecovery>) -> Reply<Done<WriteOff>> {
    caller.change(move |tx| service::recover(tx, id.0, &body)).await
}
