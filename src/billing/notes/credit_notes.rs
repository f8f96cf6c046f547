//! Credit notes.

use super::service as notes;
use super::types::{CreditNote, CreditNotePatch, NewCreditNote, NoteSummary};
use crate::billing::invoices::order::Kind;
use crate::billing::invoices::service;
use crate::billing::invoices::types::{CancelInvoice, DocumentQuery, IssueInvoice, NoteFilter};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::InvoiceId;
use crate::platform::page::{Changed, Kept, Made, Page, Paging, Words};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{NotesIssue, NotesRead, NotesWrite};
use actix_web::{delete, get, patch, post};
use serde_json::{Map, Value};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_credit_notes)
        .service(create_credit_note)
        .service(get_credit_note)
        .service(update_credit_note)
        .service(delete_credit_note)
        .service(issue_credit_note)
        .service(cancel_credit_note);
}

/// List credit notes.
///
/// Newest first. What is open of them is that of now.
#[utoipa::path(tag = "Notes", params(Paging, Made, Changed, Words, Kept, NoteFilter), responses((status = 200, body = Page<NoteSummary>, description = "One page.")), extensions(("x-permission" = json!("notes:read"))))]
#[get("/v1/credit-notes")]
pub async fn list_credit_notes(caller: Caller<NotesRead>, paging: Query<Paging>, filter: Query<NoteFilter>) -> Reply<Fetched<Page<NoteSummary>>> {
    caller.fetch(move |rx| notes::list(rx, Kind::CreditNote, &paging, &filter)).await
}

/// Create a credit note.
///
/// Against an invoice, at its rates and place of supply, or free. A draft, or with `issue: true` numbered
/// and posted at once. What is open of the invoice is settled at once unless `apply_to_original` is
/// false; the rest stays open credit. Dated after the 30 November that follows the year of the
/// invoice it changes no tax (CGST Act s.34(2)).
#[utoipa::path(tag = "Notes", request_body = NewCreditNote, responses((status = 201, body = CreditNote, description = "Created.")), extensions(("x-permission" = json!("notes:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/credit-notes")]
pub async fn create_credit_note(caller: Caller<NotesWrite>, body: Body<NewCreditNote>) -> Reply<Created<CreditNote>> {
    caller.create(move |tx| service::create(tx, &*body)).await
}

/// Get a credit note.
///
/// With lines, tax and how far it is used now; why it bears that tax with `expand=explanation`.
#[utoipa::path(tag = "Notes", params(("id" = InvoiceId, Path, description = "The credit note.")), responses((status = 200, body = CreditNote, description = "The credit note.")), extensions(("x-expand" = json!(["explanation"])), ("x-permission" = json!("notes:read"))))]
#[get("/v1/credit-notes/{id}")]
pub async fn get_credit_note(caller: Caller<NotesRead>, id: Path<InvoiceId>, query: Query<DocumentQuery>) -> Reply<Fetched<CreditNote>> {
    caller.fetch(move |rx| service::get::<NewCreditNote>(rx, id.0, &query)).await
}

/// Change a draft of a credit note.
///
/// Merge patch: members given replace those of the draft, null clears, lists are replaced whole; the
/// draft is priced again. An issued credit note answers 409.
#[utoipa::path(tag = "Notes", params(("id" = InvoiceId, Path, description = "The credit note.")), request_body = CreditNotePatch, responses((status = 200, body = CreditNote, description = "Changed.")), extensions(("x-permission" = json!("notes:write")), ("x-if-match" = json!(true)), ("x-draft" = json!(true))))]
#[patch("/v1/credit-notes/{id}")]
pub async fn update_credit_note(caller: Caller<NotesWrite>, id: Path<InvoiceId>, body: Body<Map<String, Value>>) -> Reply<Done<CreditNote>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::update::<NewCreditNote>(tx, id.0, version, &body)).await
}

/// Delete a draft of a credit note.
///
/// The audit log keeps it. An issued credit note answers 409.
#[utoipa::path(tag = "Notes", params(("id" = InvoiceId, Path, description = "The credit note.")), responses((status = 200, body = CreditNote, description = "As it was.")), extensions(("x-permission" = json!("notes:write")), ("x-if-match" = json!(true))))]
#[delete("/v1/credit-notes/{id}")]
pub async fn delete_credit_note(caller: Caller<NotesWrite>, id: Path<InvoiceId>) -> Reply<Done<CreditNote>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::delete::<NewCreditNote>(tx, id.0, version)).await
}

/// Issue a credit note.
///
/// Priced once more, numbered without a gap and posted. Above the band, or for those who may only ask, it
/// waits for another person's approval.
#[utoipa::path(tag = "Notes", request_body = IssueInvoice, params(("id" = InvoiceId, Path, description = "The credit note.")), responses((status = 200, body = CreditNote, description = "Issued.")), extensions(("x-permission" = json!("notes:issue")), ("x-approval" = json!(true)), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/credit-notes/{id}/issue")]
pub async fn issue_credit_note(caller: Caller<NotesIssue>, id: Path<InvoiceId>, body: Body<IssueInvoice>) -> Reply<Done<CreditNote>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::issue::<NewCreditNote>(tx, id.0, version, &body)).await
}

/// Cancel a credit note.
///
/// A mirror entry of the given date takes it out of the books, and what it settled opens again. Not while
/// something of it is refunded.
#[utoipa::path(tag = "Notes", request_body = CancelInvoice, params(("id" = InvoiceId, Path, description = "The credit note.")), responses((status = 200, body = CreditNote, description = "Cancelled."), (status = 202, body = CreditNote, description = "The note; its cancellation waits for approval_id.")), extensions(("x-permission" = json!("notes:issue")), ("x-approval" = json!(true)), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/credit-notes/{id}/cancel")]
pub async fn cancel_credit_note(caller: Caller<NotesIssue>, id: Path<InvoiceId>, body: Body<CancelInvoice>) -> Reply<Done<CreditNote>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::cancel::<NewCreditNote>(tx, id.0, version, &body)).await
}
