//! Invoices.

use super::service;
use super::types::{CancelInvoice, DocumentQuery, Invoice, InvoiceFilter, InvoiceSummary, IssueInvoice, NewInvoice, ShippingBill};
use crate::platform::http::{Body, Created, Done, Fetched, MultiStatus, Path, Query, Reply};
use crate::platform::ids::InvoiceId;
use crate::platform::page::{Changed, Kept, Made, Page, Paging, Words};
use crate::platform::unit_of_work::permissions::{InvoicesCancel, InvoicesIssue, InvoicesRead, InvoicesWrite};
use crate::platform::unit_of_work::{Bulk, BulkReply, Caller};
use actix_web::{delete, get, patch, post};
use serde_json::{Map, Value};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_invoices)
        .service(create_invoice)
        .service(preview_invoice)
        .service(create_invoices_in_bulk)
        .service(get_invoice)
        .service(update_invoice)
        .service(delete_invoice)
        .service(issue_invoice)
        .service(cancel_invoice)
        .service(record_shipping_bill);
}

/// List invoices.
///
/// Newest first. Balances and overdue days are those of today in the company's zone.
#[utoipa::path(tag = "Invoices", params(Paging, Made, Changed, Words, Kept, InvoiceFilter), responses((status = 200, body = Page<InvoiceSummary>, description = "One page.")), extensions(("x-permission" = json!("invoices:read"))))]
#[get("/v1/invoices")]
pub async fn list_invoices(caller: Caller<InvoicesRead>, paging: Query<Paging>, filter: Query<InvoiceFilter>) -> Reply<Fetched<Page<InvoiceSummary>>> {
    caller.fetch(move |rx| service::list(rx, &paging, &filter)).await
}

/// Create an invoice.
///
/// A draft, or with `issue: true` numbered and posted at once (which needs invoices:issue too). Tax
/// is computed by place of supply (IGST Act s.7, s.8, s.10, s.12), rounded half-up once per
/// document, rate and component, and spread to the lines.
#[utoipa::path(tag = "Invoices", request_body = NewInvoice, responses((status = 201, body = Invoice, description = "Created.")), extensions(("x-permission" = json!("invoices:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/invoices")]
pub async fn create_invoice(caller: Caller<InvoicesWrite>, body: Body<NewInvoice>) -> Reply<Created<Invoice>> {
    caller.create_among(body, service::create_all::<NewInvoice>).await
}

/// Preview an invoice.
///
/// Totals, tax split, place of supply and instalments as they would be; nothing is stored.
#[utoipa::path(tag = "Invoices", request_body = NewInvoice, responses((status = 200, body = Invoice, description = "As it would be.")), extensions(("x-permission" = json!("invoices:read"))))]
#[post("/v1/invoices/preview")]
pub async fn preview_invoice(caller: Caller<InvoicesRead>, body: Body<NewInvoice>) -> Reply<Done<Invoice>> {
    caller.rehearse(move |tx| service::preview(tx, &body)).await
}

/// Create up to 1,000 invoices.
///
/// `per_item`: good rows are kept and bad ones answered each with its problem; `atomic`: all or none.
#[utoipa::path(tag = "Invoices", request_body = Bulk<NewInvoice>, responses((status = 207, body = BulkReply, description = "One result a row.")), extensions(("x-permission" = json!("invoices:write")), ("x-idempotency" = json!("required")), ("x-bulk" = json!(true))))]
#[post("/v1/invoices/bulk")]
pub async fn create_invoices_in_bulk(caller: Caller<InvoicesWrite>, body: Body<Bulk<NewInvoice>>) -> Reply<MultiStatus<BulkReply>> {
    caller.bulk(body, service::lock_rows, 1_000, service::create_all).await
}

/// Get an invoice.
///
/// With lines, tax and how far it is settled now; why it bears that tax with `expand=explanation`.
#[utoipa::path(tag = "Invoices", params(("id" = InvoiceId, Path, description = "The invoice.")), responses((status = 200, body = Invoice, description = "The invoice.")), extensions(("x-expand" = json!(["explanation"])), ("x-permission" = json!("invoices:read"))))]
#[get("/v1/invoices/{id}")]
pub async fn get_invoice(caller: Caller<InvoicesRead>, id: Path<InvoiceId>, query: Query<DocumentQuery>) -> Reply<Fetched<Invoice>> {
    caller.fetch(move |rx| service::get::<NewInvoice>(rx, id.0, &query)).await
}

/// Change a draft.
///
/// Merge patch: members given replace those of the draft, null clears, lists are replaced whole;
/// the draft is priced again. An issued invoice answers 409.
#[utoipa::path(tag = "Invoices", params(("id" = InvoiceId, Path, description = "The invoice.")), request_body = super::types::InvoicePatch, responses((status = 200, body = Invoice, description = "Changed.")), extensions(("x-permission" = json!("invoices:write")), ("x-if-match" = json!(true)), ("x-draft" = json!(true))))]
#[patch("/v1/invoices/{id}")]
pub async fn update_invoice(caller: Caller<InvoicesWrite>, id: Path<InvoiceId>, body: Body<Map<String, Value>>) -> Reply<Done<Invoice>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::update::<NewInvoice>(tx, id.0, version, &body)).await
}

/// Delete a draft.
///
/// The audit log keeps it. An issued invoice answers 409.
#[utoipa::path(tag = "Invoices", params(("id" = InvoiceId, Path, description = "The invoice.")), responses((status = 200, body = Invoice, description = "As it was.")), extensions(("x-permission" = json!("invoices:write")), ("x-if-match" = json!(true))))]
#[delete("/v1/invoices/{id}")]
pub async fn delete_invoice(caller: Caller<InvoicesWrite>, id: Path<InvoiceId>) -> Reply<Done<Invoice>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::delete::<NewInvoice>(tx, id.0, version)).await
}

/// Issue a draft.
///
/// Priced once more, numbered without a gap (CGST rule 46(b)) and posted. The date must lie in an
/// open period.
#[utoipa::path(tag = "Invoices", request_body = IssueInvoice, params(("id" = InvoiceId, Path, description = "The invoice.")), responses((status = 200, body = Invoice, description = "Issued.")), extensions(("x-permission" = json!("invoices:issue")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/invoices/{id}/issue")]
pub async fn issue_invoice(caller: Caller<InvoicesIssue>, id: Path<InvoiceId>, body: Body<IssueInvoice>) -> Reply<Done<Invoice>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::issue::<NewInvoice>(tx, id.0, version, &body)).await
}

/// Cancel an invoice.
///
/// Only while nothing of it is settled and no note against it is issued or waits for approval. A mirror
/// entry of the given date takes it out of the books; its number stays used.
#[utoipa::path(tag = "Invoices", request_body = CancelInvoice, params(("id" = InvoiceId, Path, description = "The invoice.")), responses((status = 200, body = Invoice, description = "Cancelled."), (status = 202, body = Invoice, description = "The invoice; its cancellation waits for approval_id.")), extensions(("x-permission" = json!("invoices:cancel")), ("x-approval" = json!(true)), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/invoices/{id}/cancel")]
pub async fn cancel_invoice(caller: Caller<InvoicesCancel>, id: Path<InvoiceId>, body: Body<CancelInvoice>) -> Reply<Done<Invoice>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::cancel::<NewInvoice>(tx, id.0, version, &body)).await
}

/// Record the shipping bill of an export.
///
/// Number, date and port that customs gave when the goods left, for GSTR-1 table 6A; recorded again, the new one takes the
/// old one's place. Only of an issued invoice of type EXPWP or EXPWOP; dated neither before the invoice nor in the future.
/// Nothing else of the invoice changes.
#[utoipa::path(tag = "Invoices", request_body = ShippingBill, params(("id" = InvoiceId, Path, description = "The invoice.")), responses((status = 200, body = Invoice, description = "Recorded.")), extensions(("x-permission" = json!("invoices:write")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/invoices/{id}/shipping-bill")]
pub async fn record_shipping_bill(caller: Caller<InvoicesWrite>, id: Path<InvoiceId>, body: Body<ShippingBill>) -> Reply<Done<Invoice>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::record_shipping_bill(tx, id.0, version, &body)).await
}
