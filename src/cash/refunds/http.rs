//! Refunds.

use super::types::{CancelRefund, FailRefund, MarkPaid, NewRefund, Refund, RefundFilter};
use super::{service, store};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::RefundId;
use crate::platform::page::{Made, Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{RefundsPay, RefundsRead, RefundsRequest};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_refunds).service(request_refund).service(get_refund).service(mark_refund_paid).service(fail_refund).service(cancel_refund);
}

/// List refunds.
///
/// Newest first; `days_waiting` is the age of what is not paid.
#[utoipa::path(tag = "Refunds", params(Paging, Made, RefundFilter), responses((status = 200, body = Page<Refund>, description = "One page.")), extensions(("x-permission" = json!("refunds:read"))))]
#[get("/v1/refunds")]
pub async fn list_refunds(caller: Caller<RefundsRead>, paging: Query<Paging>, filter: Query<RefundFilter>) -> Reply<Fetched<Page<Refund>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Ask for a refund.
///
/// From the open credit of a receipt or credit note, less what other refunds of it wait for. Always
/// waits for a second person; a third one pays.
#[utoipa::path(tag = "Refunds", request_body = NewRefund, responses((status = 201, body = Refund, description = "Asked for.")), extensions(("x-permission" = json!("refunds:request")), ("x-idempotency" = json!("required"))))]
#[post("/v1/refunds")]
pub async fn request_refund(caller: Caller<RefundsRequest>, body: Body<NewRefund>) -> Reply<Created<Refund>> {
    caller.create(move |tx| service::request(tx, &body)).await
}

/// Get a refund.
///
/// With the account the money goes to in full.
#[utoipa::path(tag = "Refunds", params(("id" = RefundId, Path, description = "The refund.")), responses((status = 200, body = Refund, description = "The refund.")), extensions(("x-permission" = json!("refunds:read"))))]
#[get("/v1/refunds/{id}")]
pub async fn get_refund(caller: Caller<RefundsRead>, id: Path<RefundId>) -> Reply<Fetched<Refund>> {
    caller.fetch(move |rx| store::get(rx, id.0)).await
}

/// Record the payment of a refund.
///
/// Posts receivable against bank and uses the credit up. Who asked and who approved do not pay (SOD-03).
/// When the credit was used otherwise meanwhile, 422 names what is open. Of an advance that was taxed the refund
/// voucher (CGST rule 51) gets its number, and its tax is due no more.
#[utoipa::path(tag = "Refunds", request_body = MarkPaid, params(("id" = RefundId, Path, description = "The refund.")), responses((status = 200, body = Refund, description = "Paid.")), extensions(("x-permission" = json!("refunds:pay")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/refunds/{id}/mark-paid")]
pub async fn mark_refund_paid(caller: Caller<RefundsPay>, id: Path<RefundId>, body: Body<MarkPaid>) -> Reply<Done<Refund>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::mark_paid(tx, id.0, version, &body)).await
}

/// Record that a payment failed.
///
/// The bank sent the money back: the payment is taken back by a dated entry and the credit is open again.
#[utoipa::path(tag = "Refunds", request_body = FailRefund, params(("id" = RefundId, Path, description = "The refund.")), responses((status = 200, body = Refund, description = "Failed.")), extensions(("x-permission" = json!("refunds:pay")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/refunds/{id}/fail")]
pub async fn fail_refund(caller: Caller<RefundsPay>, id: Path<RefundId>, body: Body<FailRefund>) -> Reply<Done<Refund>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::fail(tx, id.0, version, &body)).await
}

/// Cancel a refund.
///
/// Before it is paid; a request that waits is void with it.
#[utoipa::path(tag = "Refunds", request_body = CancelRefund, params(("id" = RefundId, Path, description = "The refund.")), responses((status = 200, body = Refund, description = "Cancelled.")), extensions(("x-permission" = json!("refunds:request")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/refunds/{id}/cancel")]
pub async fn cancel_refund(caller: Caller<RefundsRequest>, id: Path<RefundId>, body: Body<CancelRefund>) -> Reply<Done<Refund>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::cancel(tx, id.0, version, &body)).await
}
