//! Journals.

use super::types::{Journal, JournalFilter, JournalSummary, NewJournal, ReverseJournal};
use super::{service, store};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::JournalId;
use crate::platform::page::{Made, Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{GlRead, GlWrite};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_journals).service(create_journal).service(get_journal).service(reverse_journal);
}

/// List journals.
///
/// Every entry of the books, newest first, and journals by hand that wait for their approval.
#[utoipa::path(tag = "General ledger", params(Paging, Made, JournalFilter), responses((status = 200, body = Page<JournalSummary>, description = "One page.")), extensions(("x-permission" = json!("gl:read"))))]
#[get("/v1/journals")]
pub async fn list_journals(caller: Caller<GlRead>, paging: Query<Paging>, filter: Query<JournalFilter>) -> Reply<Fetched<Page<JournalSummary>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Get a journal.
///
/// With its lines, the document it comes from and what took it back.
#[utoipa::path(tag = "General ledger", params(("id" = JournalId, Path, description = "The journal: `gl_journal_id` of a document, or a manual journal.")), responses((status = 200, body = Journal, description = "The journal.")), extensions(("x-permission" = json!("gl:read"))))]
#[get("/v1/journals/{id}")]
pub async fn get_journal(caller: Caller<GlRead>, id: Path<JournalId>) -> Reply<Fetched<Journal>> {
    caller.fetch(move |rx| service::get(rx, id.0.uuid())).await
}

/// Write a journal.
///
/// Balanced, in base currency. It waits for another person's approval (`approval_id`) and is posted and
/// numbered when it has it. Control accounts take lines only with `control_account`, each with a customer
/// whose item it opens; then two controllers must agree. GST on advances takes none: the register posts it.
#[utoipa::path(tag = "General ledger", request_body = NewJournal, responses((status = 201, body = Journal, description = "Waiting for approval.")), extensions(("x-permission" = json!("gl:write")), ("x-idempotency" = json!("required")), ("x-approval" = json!(true))))]
#[post("/v1/journals")]
pub async fn create_journal(caller: Caller<GlWrite>, body: Body<NewJournal>) -> Reply<Created<Journal>> {
    caller.create(move |tx| service::create(tx, &body)).await
}

/// Reverse a journal.
///
/// Asks for a dated mirror of a manual journal, which another person approves. What a document posted is
/// taken back through the document.
#[utoipa::path(tag = "General ledger", params(("id" = JournalId, Path, description = "The manual journal.")), request_body = ReverseJournal, responses((status = 200, body = Journal, description = "The journal; its reversal waits for approval.")), extensions(("x-permission" = json!("gl:write")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true)), ("x-approval" = json!(true))))]
#[post("/v1/journals/{id}/reverse")]
pub async fn reverse_journal(caller: Caller<GlWrite>, id: Path<JournalId>, body: Body<ReverseJournal>) -> Reply<Done<Journal>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::reverse(tx, id.0.uuid(), version, &body)).await
}
