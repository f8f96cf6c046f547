//! Debit notes.

use super::service as notes;
use super::types::{DebitNote, DebitNotePatch, NewDebitNote, NoteSummary};
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
        .service(list_debit_notes)
        .service(create_debit_note)
        .service(get_debit_note)
        .service(update_debit_note)
        .service(delete_debit_note)
        .service(issue_debit_note)
        .service(cancel_debit_note);
}

/// List debit notes.
///
/// Newest first. What is open of them is that of now.
#[utoipa::path(tag = "Notes", params(Paging, Made, Changed, Words, Kept, NoteFilter), responses((status = 200, body = Page<NoteSummary>, description = "One page.")), extensions(("x-permission" = json!("notes:read"))))]
#[get("/v1/debit-notes")]
pub async fn list_debit_notes(caller: Caller<NotesRead>, paging: Query<Paging>, filter: Query<NoteFilter>) -> Reply<Fetched<Page<NoteSummary>>> {
    caller.fetch(move |rx| notes::list(rx, Kind::DebitNote, &paging, &filter)).await
}

/// Create a debit note.
///
/// Adds to an invoice, at its rates and place of supply (CGST Act s.34(3)), or free. A draft, or with
/// `issue: true` numbered and posted at once. It falls due by itself, or with the invoice.
#[utoipa::path(tag = "Notes", request_body = NewDebitNote, responses((status = 201, body = DebitNote, description = "Created.")), extensions(("x-permission" = json!("notes:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/debit-notes")]
pub async fn create_debit_note(caller: Caller<NotesWrite>, body: Body<NewDebitNote>) -> Reply<Created<DebitNote>> {
    caller.create(move |tx| service::create(tx, &*body)).await
}

/// Get a debit note.
///
/// With lines, tax and how far it is used now; why it bears that tax with `expand=explanation`.
#[utoipa::path(tag = "Notes", params(("id" = InvoiceId, Path, description = "The debit note.")), responses((status = 200, body = DebitNote, description = "The debit note.")), extensions(("x-expand" = json!(["explanation"])), ("x-permission" = json!("notes:read"))))]
#[get("/v1/debit-notes/{id}")]
pub async fn get_debit_note(caller: Caller<NotesRead>, id: Path<InvoiceId>, query: Query<DocumentQuery>) -> Reply<Fetched<DebitNote>> {
    caller.fetch(move |rx| service::get::<NewDebitNote>(rx, id.0, &query)).await
}

/// Change a draft of a debit note.
///
/// Merge patch: members given replace those of the draft, null clears, lists are replaced whole; the
/// draft is priced again. An issued debit note answers 409.
#[utoipa::path(tag = "Notes", params(("id" = InvoiceId, Path, description = "The debit note.")), request_body = DebitNotePatch, responses((status = 200, body = DebitNote, description = "Changed.")), extensions(("x-permission" = json!("notes:write")), ("x-if-match" = json!(true)), ("x-draft" = json!(true))))]
#[patch("/v1/debit-notes/{id}")]
pub async fn update_debit_note(caller: Caller<NotesWrite>, id: Path<InvoiceId>, body: Body<Map<String, Value>>) -> Reply<Done<DebitNote>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::update::<NewDebitNote>(tx, id.0, version, &body)).await
}

/// Delete a draft of a debit note.
///
/// The audit log keeps it. An issued debit note answers 409.
#[utoipa::path(tag = "Notes", params(("id" = InvoiceId, Path, description = "The debit note.")), responses((status = 200, body = DebitNote, description = "As it was.")), extensions(("x-permission" = json!("notes:write")), ("x-if-match" = json!(true))))]
#[delete("/v1/debit-notes/{id}")]
pub async fn delete_debit_note(caller: Caller<NotesWrite>, id: Path<InvoiceId>) -> Reply<Done<DebitNote>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::delete::<NewDebitNote>(tx, id.0, version)).await
}

/// Issue a debit note.
///
/// Priced once more, numbered without a gap and posted. Above the band, or for those who may only ask, it
/// waits for another person's approval.
#[utoipa::path(tag = "Notes", request_body = IssueInvoice, params(("id" = InvoiceId, Path, description = "The debit note.")), responses((status = 200, body = DebitNote, description = "Issued.")), extensions(("x-permission" = json!("notes:issue")), ("x-approval" = json!(true)), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/debit-notes/{id}/issue")]
pub async fn issue_debit_note(caller: Caller<NotesIssue>, id: Path<InvoiceId>, body: Body<IssueInvoice>) -> Reply<Done<DebitNote>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::issue::<NewDebitNote>(tx, id.0, version, &body)).await
}

/// Cancel a debit note.
///
/// Only while nothing of it is settled. A mirror entry of the given date takes it out of the books.
#[utoipa::path(tag = "Notes", request_body = CancelInvoice, params(("id" = InvoiceId, Path, description = "The debit note.")), responses((status = 200, body = DebitNote, description = "Cancelled."), (status = 202, body = DebitNote, description = "The note; its cancellation waits for approval_id.")), extensions(("x-permission" = json!("notes:issue")), ("x-approval" = json!(true)), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/debit-notes/{id}/cancel")]
pub async fn cancel_debit_note(caller: Caller<NotesIssue>, id: Path<InvoiceId>, body: Body<CancelInvoice>) -> Reply<Done<DebitNote>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::cancel::<NewDebitNote>(tx, id.0, version, &body)).await
}
