//! Credit checks and order holds.

use super::types::{CheckFilter, ConfirmCheck, CreditCheck, HoldFilter, HoldReason, NewCreditCheck, OrderHold, ReleaseHold, Replay, ReplayQuery};
use super::{checks, holds, store};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::{CreditCheckId, OrderHoldId};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{CreditChecksRun, CreditPropose, CreditRead, OrderHoldsRelease};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_credit_checks)
        .service(run_credit_check)
        .service(get_credit_check)
        .service(replay_credit_check)
        .service(confirm_credit_check)
        .service(list_order_holds)
        .service(get_order_hold)
        .service(release_order_hold)
        .service(escalate_order_hold)
        .service(reject_order_hold);
}

/// List credit checks.
///
/// Every decision with its facts, newest first.
#[utoipa::path(tag = "Credit", params(Paging, CheckFilter), responses((status = 200, body = Page<CreditCheck>, description = "One page.")), extensions(("x-permission" = json!("credit:read"))))]
#[get("/v1/credit-checks")]
pub async fn list_credit_checks(caller: Caller<CreditRead>, paging: Query<Paging>, filter: Query<CheckFilter>) -> Reply<Fetched<Page<CreditCheck>>> {
    caller.fetch(move |rx| checks::list(rx, &paging, &filter)).await
}

/// Check the credit of an order.
///
/// `pass`, `warn` or `hold`, with the result of every rule of the policy in force. An order that is not held has its
/// amount held free until it is confirmed, released or expires, so that no number of checks at once exceeds a limit
/// together; equal to the limit passes. A held one waits in the queue of order holds. Asking again for the same order
/// judges it anew: what was released stands only while the order grows no more than the policy tolerates and the facts
/// get no worse.
#[utoipa::path(tag = "Credit", request_body = NewCreditCheck, responses((status = 201, body = CreditCheck, description = "Judged.")), extensions(("x-permission" = json!("credit_checks:run")), ("x-idempotency" = json!("required"))))]
#[post("/v1/credit-checks")]
pub async fn run_credit_check(caller: Caller<CreditChecksRun>, body: Body<NewCreditCheck>) -> Reply<Created<CreditCheck>> {
    caller.create(move |tx| checks::check(tx, &body)).await
}

/// Get a credit check.
///
/// The decision record: what was known, which rules fired, and where the amount of the order stands now.
#[utoipa::path(tag = "Credit", params(("id" = CreditCheckId, Path, description = "The check.")), responses((status = 200, body = CreditCheck, description = "The check.")), extensions(("x-permission" = json!("credit:read"))))]
#[get("/v1/credit-checks/{id}")]
pub async fn get_credit_check(caller: Caller<CreditRead>, id: Path<CreditCheckId>) -> Reply<Fetched<CreditCheck>> {
    caller.fetch(move |rx| checks::get(rx, id.0)).await
}

/// Judge a kept decision again.
///
/// By the facts of then: with the policy of then the answer is the same, for ever; with another version it tells what that
/// would have said.
#[utoipa::path(tag = "Credit", params(("id" = CreditCheckId, Path, description = "The check."), ReplayQuery), responses((status = 200, body = Replay, description = "Judged again.")), extensions(("x-permission" = json!("credit:read"))))]
#[get("/v1/credit-checks/{id}/replay")]
pub async fn replay_credit_check(caller: Caller<CreditRead>, id: Path<CreditCheckId>, query: Query<ReplayQuery>) -> Reply<Fetched<Replay>> {
    caller.fetch(move |rx| checks::replay(rx, id.0, query.policy_version)).await
}

/// Confirm a credit check.
///
/// Says what became of the order, in whole or in part: it stands (`ordered`), is `delivered`, `billed`, or closed
/// (`cancelled`). What is billed counts as the invoice does; what is closed is free. 409 where nothing is left, also
/// because the time was over.
#[utoipa::path(tag = "Credit", request_body = ConfirmCheck, params(("id" = CreditCheckId, Path, description = "The check.")), responses((status = 200, body = CreditCheck, description = "Noted.")), extensions(("x-permission" = json!("credit_checks:run")), ("x-idempotency" = json!("required"))))]
#[post("/v1/credit-checks/{id}/confirm")]
pub async fn confirm_credit_check(caller: Caller<CreditChecksRun>, id: Path<CreditCheckId>, body: Body<ConfirmCheck>) -> Reply<Done<CreditCheck>> {
    caller.change(move |tx| checks::confirm(tx, id.0, &body)).await
}

/// List order holds.
///
/// The queue: held orders with the rules that hold them and what was known then, newest first.
#[utoipa::path(tag = "Credit", params(Paging, HoldFilter), responses((status = 200, body = Page<OrderHold>, description = "One page.")), extensions(("x-permission" = json!("credit:read"))))]
#[get("/v1/order-holds")]
pub async fn list_order_holds(caller: Caller<CreditRead>, paging: Query<Paging>, filter: Query<HoldFilter>) -> Reply<Fetched<Page<OrderHold>>> {
    caller.fetch(move |rx| store::holds(rx, &paging, &filter)).await
}

/// Get an order hold.
///
/// Limit, exposure, aging, 12 months of payments and bounces as they were when the order was stopped.
#[utoipa::path(tag = "Credit", params(("id" = OrderHoldId, Path, description = "The hold.")), responses((status = 200, body = OrderHold, description = "The hold.")), extensions(("x-permission" = json!("credit:read"))))]
#[get("/v1/order-holds/{id}")]
pub async fn get_order_hold(caller: Caller<CreditRead>, id: Path<OrderHoldId>) -> Reply<Fetched<OrderHold>> {
    caller.fetch(move |rx| store::hold(rx, id.0)).await
}

/// Release a held order.
///
/// Up to an amount and a day, within the caller's band: with what anybody released for the customer in 24 hours (SOD-05)
/// and the caller in 30 days (SOD-17) it must not be more, else 403 `approval_limit_exceeded`; escalate then. Never by who
/// brought the order, nor by the customer's salesperson (SOD-04).
#[utoipa::path(tag = "Credit", request_body = ReleaseHold, params(("id" = OrderHoldId, Path, description = "The hold.")), responses((status = 200, body = OrderHold, description = "Released.")), extensions(("x-permission" = json!("order_holds:release")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/order-holds/{id}/release")]
pub async fn release_order_hold(caller: Caller<OrderHoldsRelease>, id: Path<OrderHoldId>, body: Body<ReleaseHold>) -> Reply<Done<OrderHold>> {
    let version = caller.if_match()?;
    caller.change(move |tx| holds::release(tx, id.0, version, &body)).await
}

/// Escalate a held order.
///
/// Asks those who may release more: a request in the inbox of approvals, whose last decision releases the order.
#[utoipa::path(tag = "Credit", request_body = HoldReason, params(("id" = OrderHoldId, Path, description = "The hold.")), responses((status = 200, body = OrderHold, description = "Escalated; approval_id is the request.")), extensions(("x-permission" = json!("credit:propose")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true)), ("x-approval" = json!(true))))]
#[post("/v1/order-holds/{id}/escalate")]
pub async fn escalate_order_hold(caller: Caller<CreditPropose>, id: Path<OrderHoldId>, body: Body<HoldReason>) -> Reply<Done<OrderHold>> {
    let version = caller.if_match()?;
    caller.change(move |tx| holds::escalate(tx, id.0, version, &body)).await
}

/// Reject a held order.
///
/// The order is refused; its check is cancelled.
#[utoipa::path(tag = "Credit", request_body = HoldReason, params(("id" = OrderHoldId, Path, description = "The hold.")), responses((status = 200, body = OrderHold, description = "Rejected.")), extensions(("x-permission" = json!("order_holds:release")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/order-holds/{id}/reject")]
pub async fn reject_order_hold(caller: Caller<OrderHoldsRelease>, id: Path<OrderHoldId>, body: Body<HoldReason>) -> Reply<Done<OrderHold>> {
    let version = caller.if_match()?;
    caller.change(move |tx| holds::reject(tx, id.0, version, &body)).await
}
