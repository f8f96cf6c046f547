//! Imports.

use super::types::{CommitImport, Import, ImportFilter, ImportQuery, ImportRow, RowFilter};
use super::{service, store};
use crate::platform::http::upload::{LARGEST_FILE, Upload};
use crate::platform::http::{Accepted, Body, Fetched, Path, Query, Reply};
use crate::platform::ids::ImportId;
use crate::platform::jobs::types::Task;
use crate::platform::page::{Made, Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::ImportsWrite;
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_imports).service(create_import).service(get_import).service(list_import_rows).service(commit_import);
}

/// A file of rows, as the contract describes it.
pub struct Table;
impl utoipa::PartialSchema for Table {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::schema::SchemaFormat::Custom("binary".into())))
            .max_length(usize::try_from(LARGEST_FILE).ok())
            .examples([serde_json::json!("external_id,legal_name,kind\nCUST-0042,Acme Retail Pvt Ltd,b2b\n")])
            .into()
    }
}
impl utoipa::ToSchema for Table {
    fn name() -> std::borrow::Cow<'static, str> {
        "Table".into()
    }
}

/// List imports.
///
/// Those of kinds the caller may take in, newest first, with counts of rows.
#[utoipa::path(tag = "Imports", params(Paging, Made, ImportFilter), responses((status = 200, body = Page<Import>, description = "One page.")), extensions(("x-permission" = json!("imports:write"))))]
#[get("/v1/imports")]
pub async fn list_imports(caller: Caller<ImportsWrite>, paging: Query<Paging>, filter: Query<ImportFilter>) -> Reply<Fetched<Page<Import>>> {
    caller.fetch(move |rx| service::list(rx, &paging, &filter)).await
}

/// Import a file.
///
/// CSV (UTF-8; comma, semicolon or tab), a workbook of Excel (first sheet) or lines of JSON: up to 200,000 rows, 200 columns and
/// 64 MiB. The first row names the columns: members of the body of the operation that takes in one such row (`POST
/// /v1/customers`, `/v1/items`, `/v1/opening-items`, `/v1/invoices`, `/v1/receipts`, `/v1/tds-certificates/26as`), inner ones with a dot
/// (`billing_address.city`), several texts in a cell with `;`. Rows that follow each other with the same `external_id` are lines
/// of one document (`lines.description`). Cells with formulas are refused. The job validates: it does everything and keeps
/// nothing. Its id is that of the import. Needs the permission of that operation too.
#[utoipa::path(tag = "Imports", params(ImportQuery),
    request_body(content((Table = "text/csv"), (Table = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (Table = "application/jsonl")), description = "The file."),
    responses((status = 202, body = Task, description = "The job that validates it.")), extensions(("x-permission" = json!("imports:write")), ("x-idempotency" = json!("required")), ("x-job" = json!(true))))]
#[post("/v1/imports")]
pub async fn create_import(caller: Caller<ImportsWrite>, query: Query<ImportQuery>, upload: Upload) -> Reply<Accepted<Task>> {
    caller.begin(move |tx| service::create(tx, &upload, &query)).await
}

/// Get an import.
///
/// Its state, counts of rows and control totals.
#[utoipa::path(tag = "Imports", params(("id" = ImportId, Path, description = "The import.")), responses((status = 200, body = Import, description = "The import.")), extensions(("x-permission" = json!("imports:write"))))]
#[get("/v1/imports/{id}")]
pub async fn get_import(caller: Caller<ImportsWrite>, id: Path<ImportId>) -> Reply<Fetched<Import>> {
    caller.fetch(move |rx| service::get(rx, id.0)).await
}

/// List the rows of an import.
///
/// In the order of the file: the body each stands for, what is wrong with it, and what came of it. `status=invalid,failed` lists
/// what is to be corrected. Rows are kept 30 days.
#[utoipa::path(tag = "Imports", params(("id" = ImportId, Path, description = "The import."), Paging, RowFilter), responses((status = 200, body = Page<ImportRow>, description = "One page.")), extensions(("x-permission" = json!("imports:write"))))]
#[get("/v1/imports/{id}/rows")]
pub async fn list_import_rows(
    caller: Caller<ImportsWrite>,
    id: Path<ImportId>,
    paging: Query<Paging>,
    filter: Query<RowFilter>,
) -> Reply<Fetched<Page<ImportRow>>> {
    caller
        .fetch(move |rx| {
            service::get(rx, id.0)?;
            store::rows(rx, id.0, &paging, &filter)
        })
        .await
}

/// Commit an import.
///
/// Takes the valid rows in, each once and as if sent alone by who commits; `all` only if there are no others. What another took
/// in meanwhile may make a row fail: the others stay, the import is `partially_committed`. A commit that was cancelled goes on
/// with another.
#[utoipa::path(tag = "Imports", request_body = CommitImport, params(("id" = ImportId, Path, description = "The import.")), responses((status = 202, body = Task, description = "The job that takes the rows in.")),
    extensions(("x-permission" = json!("imports:write")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true)), ("x-job" = json!(true))))]
#[post("/v1/imports/{id}/commit")]
pub async fn commit_import(caller: Caller<ImportsWrite>, id: Path<ImportId>, body: Body<CommitImport>) -> Reply<Accepted<Task>> {
    let version = caller.if_match()?;
    caller.begin(move |tx| service::commit(tx, id.0, version, &body)).await
}
