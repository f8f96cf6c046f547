//! Receipts.

use super::types::{NewReceipt, Receipt, ReceiptFilter, ReceiptSummary};
use super::{service, store};
use crate::ledger::open_items::store::lock_named;
use crate::platform::http::{Body, Created, Fetched, MultiStatus, Path, Query, Reply};
use crate::platform::ids::ReceiptId;
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::permissions::{ReceiptsRead, ReceiptsWrite};
use crate::platform::unit_of_work::{Bulk, BulkReply, Caller};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_receipts).service(record_receipt).service(record_receipts_in_bulk).service(get_receipt);
}

/// List receipts.
///
/// Newest first, with what is not applied yet.
#[utoipa::path(tag = "Receipts", params(Paging, ReceiptFilter), responses((status = 200, body = Page<ReceiptSummary>, description = "One page.")), extensions(("x-permission" = json!("receipts:read"))))]
#[get("/v1/receipts")]
pub async fn list_receipts(caller: Caller<ReceiptsRead>, paging: Query<Paging>, filter: Query<ReceiptFilter>) -> Reply<Fetched<Page<ReceiptSummary>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Record a receipt.
///
/// Money in with what was deducted (TDS, bank charges, discount, retention); money and deductions
/// together settle what `allocations` name, the rest is placed by `auto_apply` or waits. Use the
/// bank's reference as Idempotency-Key and as `utr`: it is recorded once, for ever.
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
    caller.bulk(body, lock_named, service::record).await
}

/// Get a receipt.
///
/// With deductions and the allocations in force.
#[utoipa::path(tag = "Receipts", params(("id" = ReceiptId, Path, description = "The receipt.")), responses((status = 200, body = Receipt, description = "The receipt.")), extensions(("x-permission" = json!("receipts:read"))))]
#[get("/v1/receipts/{id}")]
pub async fn get_receipt(caller: Caller<ReceiptsRead>, id: Path<ReceiptId>) -> Reply<Fetched<Receipt>> {
    caller.fetch(move |rx| store::get(rx, id.0)).await
}
