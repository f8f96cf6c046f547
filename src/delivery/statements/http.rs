//! Statements of account.

use super::types::{NewConfirmation, NewStatement, Statement, StatementFilter};
use super::{service, store};
use crate::delivery::documents::http::pdf;
use crate::delivery::documents::service::Subject;
use crate::platform::http::reply::{File, Pdf};
use crate::platform::http::{Body, Created, Done, Fetched, MultiStatus, Path, Query, Reply};
use crate::platform::ids::StatementId;
use crate::platform::page::{Made, Page, Paging};
use crate::platform::unit_of_work::permissions::{StatementsRead, StatementsRun};
use crate::platform::unit_of_work::{Bulk, BulkReply, Caller};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_statements)
        .service(create_statement)
        .service(create_statements_in_bulk)
        .service(get_statement)
        .service(get_statement_pdf)
        .service(confirm_statement);
}

/// List statements.
///
/// Newest first, with the balances each of them shows.
#[utoipa::path(tag = "Statements", params(Paging, Made, StatementFilter), responses((status = 200, body = Page<Statement>, description = "One page.")), extensions(("x-permission" = json!("statements:read"))))]
#[get("/v1/statements")]
pub async fn list_statements(caller: Caller<StatementsRead>, paging: Query<Paging>, filter: Query<StatementFilter>) -> Reply<Fetched<Page<Statement>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Make a statement.
///
/// Of one customer between two days, in base currency, as known now: it stays as it is whatever is recorded later.
/// `running` shows every movement with the balance after it, `open_item` what is open at the end of the last day; both
/// show the age of what is open.
#[utoipa::path(tag = "Statements", request_body = NewStatement, responses((status = 201, body = Statement, description = "Made.")), extensions(("x-permission" = json!("statements:run")), ("x-idempotency" = json!("required"))))]
#[post("/v1/statements")]
pub async fn create_statement(caller: Caller<StatementsRun>, body: Body<NewStatement>) -> Reply<Created<Statement>> {
    caller.create(move |tx| service::create(tx, &body)).await
}

/// Make up to 1,000 statements.
///
/// The monthly run: `per_item` keeps good rows and answers bad ones each with its problem; `atomic`: all or none.
#[utoipa::path(tag = "Statements", request_body = Bulk<NewStatement>, responses((status = 207, body = BulkReply, description = "One result a row.")), extensions(("x-permission" = json!("statements:run")), ("x-idempotency" = json!("required")), ("x-bulk" = json!(true))))]
#[post("/v1/statements/bulk")]
pub async fn create_statements_in_bulk(caller: Caller<StatementsRun>, body: Body<Bulk<NewStatement>>) -> Reply<MultiStatus<BulkReply>> {
    caller.bulk(body, |_, _| Ok(()), 1_000, service::create_all).await
}

/// Get a statement.
///
/// Its head; the rows are in the PDF and in the customer's ledger and open items as known at `known_at`.
#[utoipa::path(tag = "Statements", params(("id" = StatementId, Path, description = "The statement.")), responses((status = 200, body = Statement, description = "The statement.")), extensions(("x-permission" = json!("statements:read"))))]
#[get("/v1/statements/{id}")]
pub async fn get_statement(caller: Caller<StatementsRead>, id: Path<StatementId>) -> Reply<Fetched<Statement>> {
    caller.fetch(move |rx| store::get(rx, id.0)).await
}

/// Get the PDF of a statement.
///
/// The same bytes each time.
#[utoipa::path(tag = "Statements", params(("id" = StatementId, Path, description = "The statement.")), responses((status = 200, body = Pdf, content_type = "application/pdf", description = "The statement, A4.")), extensions(("x-permission" = json!("statements:read"))))]
#[get("/v1/statements/{id}/pdf")]
pub async fn get_statement_pdf(caller: Caller<StatementsRead>, id: Path<StatementId>) -> Reply<File> {
    pdf(caller, Subject::Statement(id.0), None).await
}

/// Record what the customer answered to a statement.
///
/// A confirmation of balances: the customer's books agree, or what they say instead. Answers are only added; the newest is
/// the statement's `confirmation`, the others stand in the audit log. Auditors may record them, too: answers go to them (SA 505).
#[utoipa::path(tag = "Statements", request_body = NewConfirmation, params(("id" = StatementId, Path, description = "The statement.")), responses((status = 200, body = Statement, description = "Recorded.")), extensions(("x-permission" = json!("statements:run")), ("x-open-to-readers" = json!(true)), ("x-idempotency" = json!("required"))))]
#[post("/v1/statements/{id}/confirm")]
pub async fn confirm_statement(caller: Caller<StatementsRun>, id: Path<StatementId>, body: Body<NewConfirmation>) -> Reply<Done<Statement>> {
    caller.change(move |tx| service::confirm(tx, id.0, &body)).await
}
