//! PDFs of documents, and what they are made with.

use super::service::{self, Subject};
use super::types::{
    Copies, DocumentLogo, DocumentSettings, DocumentTemplate, DocumentTemplates, NewDocumentLogo, NewDocumentTemplate, OfRegistration, SettingsContent,
    TemplateKind,
};
use crate::billing::invoices::order::Kind;
use crate::platform::http::reply::{File, Pdf};
use crate::platform::http::{Body, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::{InvoiceId, ReceiptId, RefundId};
use crate::platform::unit_of_work::permissions::{CompanyManage, CompanyRead, InvoicesRead, NotesRead, ReceiptsRead, RefundsRead};
use crate::platform::unit_of_work::{Caller, Permission};
use actix_web::{get, put};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(get_invoice_pdf)
        .service(get_credit_note_pdf)
        .service(get_debit_note_pdf)
        .service(get_receipt_voucher)
        .service(get_refund_voucher)
        .service(list_document_templates)
        .service(get_document_template)
        .service(change_document_template)
        .service(get_document_logo)
        .service(change_document_logo)
        .service(get_document_settings)
        .service(change_document_settings);
}

/// The PDF of a subject. What an issued document is made with is kept the first time, so that it is the same later.
pub async fn pdf<P: Permission>(caller: Caller<P>, subject: Subject, copies: Option<Copies>) -> Reply<File> {
    caller.file(move |rx| service::sheet(rx, subject, copies.as_ref()), move |tx| service::fix(tx, subject), service::render).await
}

/// Get the PDF of an invoice.
///
/// Tax invoice, bill of supply or both in one, with what CGST rules 46, 46A, 48 and 49 want. Of an issued invoice it is the
/// same bytes each time, whatever becomes of names, addresses, logo and template; it changes when the invoice is
/// cancelled or registered with the portal. A draft is marked as one.
#[utoipa::path(tag = "Invoices", params(("id" = InvoiceId, Path, description = "The invoice."), Copies), responses((status = 200, body = Pdf, content_type = "application/pdf", description = "The document, A4.")), extensions(("x-permission" = json!("invoices:read"))))]
#[get("/v1/invoices/{id}/pdf")]
pub async fn get_invoice_pdf(caller: Caller<InvoicesRead>, id: Path<InvoiceId>, copies: Query<Copies>) -> Reply<File> {
    pdf(caller, Subject::Billed(Kind::Invoice, id.0), Some(copies.0)).await
}

/// Get the PDF of a credit note.
///
/// With what CGST rule 53(1A) wants; the same bytes each time once it is issued.
#[utoipa::path(tag = "Notes", params(("id" = InvoiceId, Path, description = "The credit note."), Copies), responses((status = 200, body = Pdf, content_type = "application/pdf", description = "The document, A4.")), extensions(("x-permission" = json!("notes:read"))))]
#[get("/v1/credit-notes/{id}/pdf")]
pub async fn get_credit_note_pdf(caller: Caller<NotesRead>, id: Path<InvoiceId>, copies: Query<Copies>) -> Reply<File> {
    pdf(caller, Subject::Billed(Kind::CreditNote, id.0), Some(copies.0)).await
}

/// Get the PDF of a debit note.
///
/// With what CGST rule 53(1A) wants; the same bytes each time once it is issued.
#[utoipa::path(tag = "Notes", params(("id" = InvoiceId, Path, description = "The debit note."), Copies), responses((status = 200, body = Pdf, content_type = "application/pdf", description = "The document, A4.")), extensions(("x-permission" = json!("notes:read"))))]
#[get("/v1/debit-notes/{id}/pdf")]
pub async fn get_debit_note_pdf(caller: Caller<NotesRead>, id: Path<InvoiceId>, copies: Query<Copies>) -> Reply<File> {
    pdf(caller, Subject::Billed(Kind::DebitNote, id.0), Some(copies.0)).await
}

/// Get the voucher of a receipt.
///
/// What was received, how, and what the payer deducted; of an advance the receipt voucher of CGST rule 50.
#[utoipa::path(tag = "Receipts", params(("id" = ReceiptId, Path, description = "The receipt.")), responses((status = 200, body = Pdf, content_type = "application/pdf", description = "The voucher, A4.")), extensions(("x-permission" = json!("receipts:read"))))]
#[get("/v1/receipts/{id}/voucher")]
pub async fn get_receipt_voucher(caller: Caller<ReceiptsRead>, id: Path<ReceiptId>) -> Reply<File> {
    pdf(caller, Subject::Receipt(id.0), None).await
}

/// Get the voucher of a refund.
///
/// Once it is paid; of an advance the refund voucher of CGST rule 51. Before that 409 `not_printable`.
#[utoipa::path(tag = "Refunds", params(("id" = RefundId, Path, description = "The refund.")), responses((status = 200, body = Pdf, content_type = "application/pdf", description = "The voucher, A4.")), extensions(("x-permission" = json!("refunds:read")), ("x-conflicts" = json!(true))))]
#[get("/v1/refunds/{id}/voucher")]
pub async fn get_refund_voucher(caller: Caller<RefundsRead>, id: Path<RefundId>) -> Reply<File> {
    pdf(caller, Subject::Refund(id.0), None).await
}

/// List templates of documents.
///
/// Of each kind the one new documents are made with.
#[utoipa::path(tag = "Documents", responses((status = 200, body = DocumentTemplates, description = "The templates.")), extensions(("x-permission" = json!("company:read"))))]
#[get("/v1/document-templates")]
pub async fn list_document_templates(caller: Caller<CompanyRead>) -> Reply<Fetched<DocumentTemplates>> {
    caller.fetch(service::template_list).await
}

/// Get a template.
///
/// The company's own, or the one that comes with the service.
#[utoipa::path(tag = "Documents", params(("kind" = TemplateKind, Path, description = "What it is for.")), responses((status = 200, body = DocumentTemplate, description = "The template.")), extensions(("x-permission" = json!("company:read"))))]
#[get("/v1/document-templates/{kind}")]
pub async fn get_document_template(caller: Caller<CompanyRead>, kind: Path<TemplateKind>) -> Reply<Fetched<DocumentTemplate>> {
    caller.fetch(move |rx| service::template(rx, kind.0)).await
}

/// Change a template.
///
/// Adds a version for documents made from now on; those that were made stay as they are. It is tried with a short and a
/// long document first: what cannot be laid out is refused with its line.
#[utoipa::path(tag = "Documents", params(("kind" = TemplateKind, Path, description = "What it is for.")), request_body = NewDocumentTemplate, responses((status = 200, body = DocumentTemplate, description = "Changed.")), extensions(("x-permission" = json!("company:manage")), ("x-if-match" = json!("accepted"))))]
#[put("/v1/document-templates/{kind}")]
pub async fn change_document_template(
    caller: Caller<CompanyManage>,
    kind: Path<TemplateKind>,
    body: Body<NewDocumentTemplate>,
) -> Reply<Done<DocumentTemplate>> {
    let (version, kind, source) = (caller.if_match_sent()?, kind.0, body.source.clone());
    // Laying out takes its time and needs no transaction.
    caller.behind_the_scenes(move |_| source.as_deref().map_or(Ok(()), |source| service::try_template(kind, source))).await?;
    caller.change(move |tx| service::change_template(tx, kind, version, &body)).await
}

/// Get the logo on documents.
///
/// With its image in base64.
#[utoipa::path(tag = "Documents", responses((status = 200, body = DocumentLogo, description = "The logo.")), extensions(("x-permission" = json!("company:read"))))]
#[get("/v1/document-logo")]
pub async fn get_document_logo(caller: Caller<CompanyRead>) -> Reply<Fetched<DocumentLogo>> {
    caller.fetch(service::logo).await
}

/// Change the logo on documents.
///
/// For documents made from now on. A PNG or JPEG of at most 256 KiB and 2,000 pixels in each direction.
#[utoipa::path(tag = "Documents", request_body = NewDocumentLogo, responses((status = 200, body = DocumentLogo, description = "Changed.")), extensions(("x-permission" = json!("company:manage")), ("x-if-match" = json!("accepted"))))]
#[put("/v1/document-logo")]
pub async fn change_document_logo(caller: Caller<CompanyManage>, body: Body<NewDocumentLogo>) -> Reply<Done<DocumentLogo>> {
    let version = caller.if_match_sent()?;
    caller.change(move |tx| service::change_logo(tx, version, &body)).await
}

/// Get what documents say of the company.
///
/// Bank, terms, signatory and the like, beside what the registration itself says.
#[utoipa::path(tag = "Documents", params(OfRegistration), responses((status = 200, body = DocumentSettings, description = "The settings.")), extensions(("x-permission" = json!("company:read"))))]
#[get("/v1/document-settings")]
pub async fn get_document_settings(caller: Caller<CompanyRead>, of: Query<OfRegistration>) -> Reply<Fetched<DocumentSettings>> {
    caller.fetch(move |rx| service::settings(rx, of.gst_registration_id)).await
}

/// Change what documents say of the company.
///
/// All of it together, for documents made from now on.
#[utoipa::path(tag = "Documents", params(OfRegistration), request_body = SettingsContent, responses((status = 200, body = DocumentSettings, description = "Changed.")), extensions(("x-permission" = json!("company:manage")), ("x-if-match" = json!("accepted"))))]
#[put("/v1/document-settings")]
pub async fn change_document_settings(caller: Caller<CompanyManage>, of: Query<OfRegistration>, body: Body<SettingsContent>) -> Reply<Done<DocumentSettings>> {
    let version = caller.if_match_sent()?;
    caller.change(move |tx| service::change_settings(tx, of.gst_registration_id, version, &body)).await
}
