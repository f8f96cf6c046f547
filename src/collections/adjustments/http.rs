//! Adjustments.

use super::types::{Adjustment, AdjustmentFilter, ClearSmallBalances, NewAdjustment, ReverseAdjustment, SmallBalanceRun};
use super::{service, store};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::AdjustmentId;
use crate::platform::page::{Made, Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{AdjustmentsRead, AdjustmentsWrite};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_adjustments).service(create_adjustment).service(clear_small_balances).service(get_adjustment).service(reverse_adjustment);
}

/// List adjustments.
///
/// Newest first, by hand and of runs over small balances.
#[utoipa::path(tag = "Collections", params(Paging, Made, AdjustmentFilter), responses((status = 200, body = Page<Adjustment>, description = "One page.")), extensions(("x-permission" = json!("adjustments:read"))))]
#[get("/v1/adjustments")]
pub async fn list_adjustments(caller: Caller<AdjustmentsRead>, paging: Query<Paging>, filter: Query<AdjustmentFilter>) -> Reply<Fetched<Page<Adjustment>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Adjust an item.
///
/// By a signed amount: a negative one makes the customer owe less. Above the band it waits for a second person.
#[utoipa::path(tag = "Collections", request_body = NewAdjustment, responses((status = 201, body = Adjustment, description = "Adjusted, or asked for.")), extensions(("x-permission" = json!("adjustments:write")), ("x-idempotency" = json!("required")), ("x-approval" = json!(true))))]
#[post("/v1/adjustments")]
pub async fn create_adjustment(caller: Caller<AdjustmentsWrite>, body: Body<NewAdjustment>) -> Reply<Created<Adjustment>> {
    caller.create(move |tx| service::create(tx, &body)).await
}

/// Clear small balances.
///
/// Every open item up to `max_amount`, within `max_total`: all or none. With `validate_only=true` it shows what
/// would be cleared and keeps nothing. The band is taken of the total.
#[utoipa::path(tag = "Collections", request_body = ClearSmallBalances, responses((status = 201, body = SmallBalanceRun, description = "Cleared, or asked for.")), extensions(("x-permission" = json!("adjustments:write")), ("x-idempotency" = json!("required")), ("x-approval" = json!(true))))]
#[post("/v1/adjustments/clear-small-balances")]
pub async fn clear_small_balances(caller: Caller<AdjustmentsWrite>, body: Body<ClearSmallBalances>) -> Reply<Created<SmallBalanceRun>> {
    caller.create(move |tx| service::clear(tx, &body)).await
}

/// Get an adjustment.
///
/// With the items it is about and the request it waits for.
#[utoipa::path(tag = "Collections", params(("id" = AdjustmentId, Path, description = "The adjustment.")), responses((status = 200, body = Adjustment, description = "The adjustment.")), extensions(("x-permission" = json!("adjustments:read"))))]
#[get("/v1/adjustments/{id}")]
pub async fn get_adjustment(caller: Caller<AdjustmentsRead>, id: Path<AdjustmentId>) -> Reply<Fetched<Adjustment>> {
    caller.fetch(move |rx| store::get(rx, id.0)).await
}

/// Reverse an adjustment.
///
/// By a mirror entry of the given date; the items are as they were. Above the band it waits for a second person.
#[utoipa::path(tag = "Collections", request_body = ReverseAdjustment, params(("id" = AdjustmentId, Path, description = "The adjustment.")), responses((status = 200, body = Adjustment, description = "Reversed."), (status = 202, body = Adjustment, description = "The adjustment; its reversal waits for approval_id.")), extensions(("x-permission" = json!("adjustments:write")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true)), ("x-approval" = json!(true))))]
#[post("/v1/adjustments/{id}/reverse")]
pub async fn reverse_adjustment(caller: Caller<AdjustmentsWrite>, id: Path<AdjustmentId>, body: Body<ReverseAdjustment>) -> Reply<Done<Adjustment>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::reverse(tx, id.0, version, &body)).await
}
