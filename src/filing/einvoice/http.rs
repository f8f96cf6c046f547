//! E-invoices.

use super::qr::{PNG, SVG};
use super::types::{EinvoiceEntry, EinvoiceFilter, EinvoicePayload, NewCancellation, NewRegistration, QrFormat, QrQuery};
use super::{service, store, tool};
use crate::platform::http::reply::{File, Png};
use crate::platform::http::{Body, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::InvoiceId;
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{EinvoicesRead, EinvoicesWrite, InvoicesRead};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(tool::make_einvoice)
        .service(list_einvoices)
        .service(get_einvoice_payload)
        .service(register_einvoice)
        .service(cancel_einvoice)
        .service(get_invoice_qr);
}

/// List e-invoices.
///
/// Documents that have to be registered with the Invoice Registration Portal (CGST Rules r.48(4)) and what it answered.
/// `report_by_lte` finds what is near the last day, or past it, and not registered.
#[utoipa::path(tag = "E-invoices", params(Paging, EinvoiceFilter), responses((status = 200, body = Page<EinvoiceEntry>, description = "One page.")), extensions(("x-permission" = json!("einvoices:read"))))]
#[get("/v1/einvoices")]
pub async fn list_einvoices(caller: Caller<EinvoicesRead>, paging: Query<Paging>, filter: Query<EinvoiceFilter>) -> Reply<Fetched<Page<EinvoiceEntry>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Get the payload of an e-invoice.
///
/// INV-01 1.1 of an issued invoice, credit or debit note, ready for the portal or a service provider. What the portal would
/// refuse is named with its place in the payload.
#[utoipa::path(tag = "E-invoices", params(("document_id" = InvoiceId, Path, description = "The invoice or note.")), responses((status = 200, body = EinvoicePayload, description = "The payload.")), extensions(("x-permission" = json!("einvoices:read")), ("x-conflicts" = json!(true))))]
#[get("/v1/einvoices/{document_id}/payload")]
pub async fn get_einvoice_payload(caller: Caller<EinvoicesRead>, id: Path<InvoiceId>) -> Reply<Fetched<EinvoicePayload>> {
    caller.fetch(move |rx| service::payload(rx, id.0)).await
}

/// Record what the portal answered.
///
/// A registration: the signature of the QR code (and of the invoice, if sent) is checked with the portal's public keys, the IRN
/// is computed anew, and what is signed must be the document. Or, in `response`, a refusal; error 2150 keeps the IRN
/// the portal has, so that its e-invoice can be fetched and recorded.
#[utoipa::path(tag = "E-invoices", request_body = NewRegistration, params(("document_id" = InvoiceId, Path, description = "The invoice or note.")), responses((status = 200, body = EinvoiceEntry, description = "Recorded.")), extensions(("x-permission" = json!("einvoices:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/einvoices/{document_id}/registration")]
pub async fn register_einvoice(caller: Caller<EinvoicesWrite>, id: Path<InvoiceId>, body: Body<NewRegistration>) -> Reply<Done<EinvoiceEntry>> {
    caller.change(move |tx| service::register(tx, id.0, &body)).await
}

/// Record that the portal cancelled an e-invoice.
///
/// Within 24 hours of the IRN. The document is cancelled with it, by the caller's own right or after another person's approval;
/// its number stays used. Later a note corrects it.
#[utoipa::path(tag = "E-invoices", request_body = NewCancellation, params(("document_id" = InvoiceId, Path, description = "The invoice or note.")), responses((status = 200, body = EinvoiceEntry, description = "Cancelled."), (status = 202, body = EinvoiceEntry, description = "The e-invoice is cancelled; the document waits for approval_id.")), extensions(("x-permission" = json!("einvoices:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/einvoices/{document_id}/cancellation")]
pub async fn cancel_einvoice(caller: Caller<EinvoicesWrite>, id: Path<InvoiceId>, body: Body<NewCancellation>) -> Reply<Done<EinvoiceEntry>> {
    caller.change(move |tx| service::cancel(tx, id.0, &body)).await
}

/// Get the QR code of an invoice.
///
/// The signed one of a registered e-invoice; of an issued invoice to a consumer, where the GST registration has a UPI id, one to
/// pay it by (notification 14/2020-CT). An SVG drawing or a PNG of eight pixels a module, as `format` or else `Accept` says.
#[utoipa::path(tag = "Invoices", params(("id" = InvoiceId, Path, description = "The invoice."), QrQuery), responses((status = 200, description = "The picture.", content((String = "image/svg+xml", example = json!("<svg xmlns=\"http://www.w3.org/2000/svg\"/>")), (Png = "image/png")))), extensions(("x-permission" = json!("invoices:read")), ("x-conflicts" = json!(true))))]
#[get("/v1/invoices/{id}/qr")]
pub async fn get_invoice_qr(caller: Caller<InvoicesRead>, id: Path<InvoiceId>, query: Query<QrQuery>) -> Reply<File> {
    let liked = || if caller.prefers(&[SVG, PNG]) == Some(PNG) { QrFormat::Png } else { QrFormat::Svg };
    let format = query.format.unwrap_or_else(liked);
    caller.read(move |rx| service::code(rx, id.0, format)).await
}
