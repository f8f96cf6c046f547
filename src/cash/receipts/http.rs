//! Receipts.

use super::types::{Bounce, Clear, Deposit, Identify, NewReceipt, Receipt, ReceiptFilter, ReceiptPatch, ReceiptSummary, ReverseReceipt};
use super::{service, store};
use crate::platform::http::{Body, Created, Done, Fetched, MultiStatus, Path, Query, Reply};
use crate::platform::ids::ReceiptId;
use crate::platform::page::{Kept, Made, Page, Paging, Words};
use crate::platform::unit_of_work::permissions::{ReceiptsRead, ReceiptsReverse, ReceiptsWrite};
use crate::platform::unit_of_work::{Bulk, BulkReply, Caller};
use actix_web::{get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_receipts)
        .service(record_receipt)
        .service(record_receipts_in_bulk)
        .service(get_receipt)
        .service(update_receipt)
        .service(identify_receipt)
        .service(deposit_receipt)
        .service(clear_receipt)
        .service(reverse_receipt)
        .service(bounce_receipt);
}

/// List receipts.
///
/// Newest first, with what is not applied yet. `status=held` is the register of post-dated cheques,
/// `status=unidentified` the money nobody has claimed.
#[utoipa::path(tag = "Receipts", params(Paging, Made, Words, Kept, ReceiptFilter), responses((status = 200, body = Page<ReceiptSummary>, description = "One page.")), extensions(("x-permission" = json!("receipts:read"))))]
#[get("/v1/receipts")]
pub async fn list_receipts(caller: Caller<ReceiptsRead>, paging: Query<Paging>, filter: Query<ReceiptFilter>) -> Reply<Fetched<Page<ReceiptSummary>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Record a receipt.
///
/// Money in with what was deducted (TDS, bank charges, discount, retention); money and deductions
/// together settle what `allocations` name, the rest is placed by `auto_apply` or waits. An early-payment
/// discount the money earns and the tolerance of an item are granted with the allocation. Money in another
/// currency than the invoices names `settlement_currency` and `settlement_amount`. `gst_advance` marks what stays on
/// account as money received before the invoice: of services its tax falls due now, and the receipt voucher (CGST rule
/// 50) gets its number. Use the bank's reference as Idempotency-Key and as `utr`: it is recorded once, until it is reversed.
/// Of one customer, amount and method within three days, a second one is taken for the same payment where one of the two carries
/// no reference at all (`utr`, `external_id`, cheque number): `duplicate_receipt`, unless `allow_duplicate` says why.
#[utoipa::path(tag = "Receipts", request_body = NewReceipt, responses((status = 201, body = Receipt, description = "Recorded.")), extensions(("x-permission" = json!("receipts:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/receipts")]
pub async fn record_receipt(caller: Caller<ReceiptsWrite>, body: Body<NewReceipt>) -> Reply<Created<Receipt>> {
    caller.create(move |tx| service::record(tx, &body)).await
}

/// Record up to 1,000 receipts.
///
/// `per_item`: good rows are kept and bad ones answered each with its problem; `atomic`: all or none.
#[utoipa::path(tag = "Receipts", request_body = Bulk<NewReceipt>, responses((status = 207, body = BulkReply, description = "One result a row.")), extensions(("x-permission" = json!("receipts:write")), ("x-idempotency" = json!("required")), ("x-bulk" = json!(true))))]
#[post("/v1/receipts/bulk")]
pub async fn record_receipts_in_bulk(caller: Caller<ReceiptsWrite>, body: Body<Bulk<NewReceipt>>) -> Reply<MultiStatus<BulkReply>> {
    caller.bulk(body, service::lock_concerned, 1, |tx, rows| rows.iter().map(|row| service::record(tx, row).map(Ok)).collect()).await
}

/// Get a receipt.
///
/// With deductions and the allocations in force.
#[utoipa::path(tag = "Receipts", params(("id" = ReceiptId, Path, description = "The receipt.")), responses((status = 200, body = Receipt, description = "The receipt.")), extensions(("x-permission" = json!("receipts:read"))))]
#[get("/v1/receipts/{id}")]
pub async fn get_receipt(caller: Caller<ReceiptsRead>, id: Path<ReceiptId>) -> Reply<Fetched<Receipt>> {
    caller.fetch(move |rx| store::get(rx, id.0)).await
}

/// Change what moves no money.
///
/// The payer's name, metadata, and whether the money waits on account on purpose.
#[utoipa::path(tag = "Receipts", request_body = ReceiptPatch, params(("id" = ReceiptId, Path, description = "The receipt.")), responses((status = 200, body = Receipt, description = "Changed.")), extensions(("x-permission" = json!("receipts:write")), ("x-if-match" = json!(true))))]
#[patch("/v1/receipts/{id}")]
pub async fn update_receipt(caller: Caller<ReceiptsWrite>, id: Path<ReceiptId>, body: Body<ReceiptPatch>) -> Reply<Done<Receipt>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::update(tx, id.0, version, &body)).await
}

/// Identify the payer.
///
/// Moves unidentified money to a customer's account on the given day, and places it as asked.
#[utoipa::path(tag = "Receipts", request_body = Identify, params(("id" = ReceiptId, Path, description = "The receipt.")), responses((status = 200, body = Receipt, description = "Identified.")), extensions(("x-permission" = json!("receipts:write")), ("x-idempotency" = json!("required")), ("x-if-match" = json!("accepted"))))]
#[post("/v1/receipts/{id}/identify")]
pub async fn identify_receipt(caller: Caller<ReceiptsWrite>, id: Path<ReceiptId>, body: Body<Identify>) -> Reply<Done<Receipt>> {
    let version = caller.if_match_sent()?;
    caller.change(move |tx| service::identify(tx, id.0, version, &body)).await
}

/// Deposit a cheque.
///
/// A held cheque enters the books on that day, at its date or later, and settles what it was sent for, or
/// what `allocations` say now. A cheque that is in the books already only goes to the bank.
#[utoipa::path(tag = "Receipts", request_body = Deposit, params(("id" = ReceiptId, Path, description = "The receipt.")), responses((status = 200, body = Receipt, description = "Deposited.")), extensions(("x-permission" = json!("receipts:write")), ("x-idempotency" = json!("required")), ("x-if-match" = json!("accepted"))))]
#[post("/v1/receipts/{id}/deposit")]
pub async fn deposit_receipt(caller: Caller<ReceiptsWrite>, id: Path<ReceiptId>, body: Body<Deposit>) -> Reply<Done<Receipt>> {
    let version = caller.if_match_sent()?;
    caller.change(move |tx| service::deposit(tx, id.0, version, &body)).await
}

/// Clear a cheque.
///
/// The bank credited it for good.
#[utoipa::path(tag = "Receipts", request_body = Clear, params(("id" = ReceiptId, Path, description = "The receipt.")), responses((status = 200, body = Receipt, description = "Cleared.")), extensions(("x-permission" = json!("receipts:write")), ("x-idempotency" = json!("required")), ("x-if-match" = json!("accepted"))))]
#[post("/v1/receipts/{id}/clear")]
pub async fn clear_receipt(caller: Caller<ReceiptsWrite>, id: Path<ReceiptId>, body: Body<Clear>) -> Reply<Done<Receipt>> {
    let version = caller.if_match_sent()?;
    caller.change(move |tx| service::clear(tx, id.0, version, &body)).await
}

/// Reverse a receipt.
///
/// For a posting error: mirror entries of the given date take it out of the books, its allocations and
/// what they earned first; the past stays as it was. Who may only ask gets `approval_id` in the answer.
#[utoipa::path(tag = "Receipts", request_body = ReverseReceipt, params(("id" = ReceiptId, Path, description = "The receipt.")), responses((status = 200, body = Receipt, description = "Reversed."), (status = 202, body = Receipt, description = "The receipt; its reversal waits for approval_id.")), extensions(("x-permission" = json!("receipts:reverse")), ("x-idempotency" = json!("required")), ("x-if-match" = json!("accepted")), ("x-approval" = json!(true))))]
#[post("/v1/receipts/{id}/reverse")]
pub async fn reverse_receipt(caller: Caller<ReceiptsReverse>, id: Path<ReceiptId>, body: Body<ReverseReceipt>) -> Reply<Done<Receipt>> {
    let version = caller.if_match_sent()?;
    caller.change(move |tx| service::reverse(tx, id.0, version, &body)).await
}

/// Bounce a cheque or mandate.
///
/// Takes the receipt back at the bank's date: what it settled opens again at its original due dates,
/// discounts with it, and a fee is charged by a debit note without tax. Negotiable Instruments Act s.138 gives
/// 30 days from the return memo for the notice.
#[utoipa::path(tag = "Receipts", request_body = Bounce, params(("id" = ReceiptId, Path, description = "The receipt.")), responses((status = 200, body = Receipt, description = "Bounced.")), extensions(("x-permission" = json!("receipts:write")), ("x-idempotency" = json!("required")), ("x-if-match" = json!("accepted"))))]
#[post("/v1/receipts/{id}/bounce")]
pub async fn bounce_receipt(caller: Caller<ReceiptsWrite>, id: Path<ReceiptId>, body: Body<Bounce>) -> Reply<Done<Receipt>> {
    let version = caller.if_match_sent()?;
    caller.change(move |tx| service::bounce(tx, id.0, version, &body)).await
}
