//! Allocations.

use super::types::{Allocation, AllocationFilter, AllocationList, NewAllocations, ReverseAllocation};
use super::{service, store};
use crate::platform::http::{Body, Created, Fetched, Path, Query, Reply};
use crate::platform::ids::AllocationId;
use crate::platform::page::{Made, Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{AllocationsRead, AllocationsReverse, AllocationsWrite};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_allocations).service(create_allocations).service(reverse_allocation);
}

/// List allocations.
///
/// Reversals are rows of their own with negative amounts.
#[utoipa::path(tag = "Receipts", params(Paging, Made, AllocationFilter), responses((status = 200, body = Page<Allocation>, description = "One page.")), extensions(("x-permission" = json!("allocations:read"))))]
#[get("/v1/allocations")]
pub async fn list_allocations(caller: Caller<AllocationsRead>, paging: Query<Paging>, filter: Query<AllocationFilter>) -> Reply<Fetched<Page<Allocation>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Allocate money.
///
/// All targets or none. Instalments of an invoice are settled oldest due first. Neither side can be
/// overdrawn, whatever runs at the same time (422 names what is open).
#[utoipa::path(tag = "Receipts", request_body = NewAllocations, responses((status = 201, body = AllocationList, description = "Allocated.")), extensions(("x-permission" = json!("allocations:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/allocations")]
pub async fn create_allocations(caller: Caller<AllocationsWrite>, body: Body<NewAllocations>) -> Reply<Created<AllocationList>> {
    caller.create(move |tx| service::create(tx, &body)).await
}

/// Reverse an allocation.
///
/// A new row of the given date takes it back; the original stays, so past reports do not change.
/// Any allocation can be reversed in any order, once, and what was granted for its sake goes with it. Who may
/// only ask gets `approval_id` in the answer.
#[utoipa::path(tag = "Receipts", request_body = ReverseAllocation, params(("id" = AllocationId, Path, description = "The allocation.")), responses((status = 201, body = Allocation, description = "The reversing allocation."), (status = 202, body = Allocation, description = "The allocation; its reversal waits for approval_id.")), extensions(("x-permission" = json!("allocations:reverse")), ("x-idempotency" = json!("required")), ("x-approval" = json!(true))))]
#[post("/v1/allocations/{id}/reverse")]
pub async fn reverse_allocation(caller: Caller<AllocationsReverse>, id: Path<AllocationId>, body: Body<ReverseAllocation>) -> Reply<Created<Allocation>> {
    caller.create(move |tx| service::reverse(tx, id.0, &body)).await
}
