//! Exports: asked for, looked at, taken away.

use super::service;
use super::shelf::Shelf;
use super::types::{Export, ExportFilter, ExportFormat, Manifest, NewExport};
use crate::platform::http::download::Download;
use crate::platform::http::reply::Rendered;
use crate::platform::http::{Accepted, Body, Fetched, Path, Problem, Query, Reply};
use crate::platform::ids::ExportId;
use crate::platform::jobs::types::Task;
use crate::platform::page::{Made, Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{ExportsCreate, ExportsRead};
use actix_web::web::Data;
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_exports).service(create_export).service(get_export_manifest).service(get_export_file);
}

/// List exports.
///
/// Those that are done and that the caller's role might ask for, newest first; what is being written is under `/v1/jobs`.
#[utoipa::path(tag = "Exports", params(Paging, Made, ExportFilter), responses((status = 200, body = Page<Export>, description = "One page.")), extensions(("x-permission" = json!("exports:read"))))]
#[get("/v1/exports")]
pub async fn list_exports(caller: Caller<ExportsRead>, paging: Query<Paging>, filter: Query<ExportFilter>) -> Reply<Fetched<Page<Export>>> {
    caller.fetch(move |rx| service::list(rx, &paging, &filter)).await
}

/// Ask for an export.
///
/// Everything of one type in files with digests, read from one snapshot of the books, with a signed manifest whose
/// controls show that the files are whole and agree with the ledger. The job has the id the export will have. `edit_log`,
/// `sod_report` and `full` need `audit:read` besides, the others `invoices:read`, in the caller's role. Where open items
/// and the control account differ the job fails (`ar_gl_unreconciled`) unless `allow_difference` is true.
#[utoipa::path(tag = "Exports", request_body = NewExport, responses((status = 202, body = Task, description = "The job that writes it.")),
    extensions(("x-permission" = json!("exports:create")), ("x-idempotency" = json!("required")), ("x-job" = json!(true))))]
#[post("/v1/exports")]
pub async fn create_export(caller: Caller<ExportsCreate>, body: Body<NewExport>) -> Reply<Accepted<Task>> {
    caller.begin(move |tx| service::create(tx, &body)).await
}

/// Get the manifest of an export.
///
/// What is in it, with the SHA-256 of every file, sums, controls and the head of the audit log, signed with the key of
/// `/.well-known/jwks.json`. It is kept when the files are gone.
#[utoipa::path(tag = "Exports", params(("id" = ExportId, Path, description = "The export.")), responses((status = 200, body = Manifest, description = "The manifest.")), extensions(("x-permission" = json!("exports:read")), ("x-conflicts" = json!(true))))]
#[get("/v1/exports/{id}/manifest")]
pub async fn get_export_manifest(caller: Caller<ExportsRead>, id: Path<ExportId>) -> Reply<Fetched<Manifest>> {
    let manifest = caller.read(move |rx| service::manifest(rx, id.0)).await?;
    Ok(Fetched::of(Rendered::of_json(manifest)))
}

/// Download a file of an export.
///
/// With `Range` a part of it (206), so that a download that broke off goes on where it stopped; `If-Range` with the
/// `ETag` makes sure that it is the same file. `Repr-Digest` is the SHA-256 of the whole file, as in the manifest. Files
/// are kept 30 days (then 410 `gone`).
#[utoipa::path(tag = "Exports", params(("id" = ExportId, Path, description = "The export."), ("name" = String, Path, description = "A name of the manifest.", max_length = 120, example = "open_accounts_receivable.csv")),
    responses((status = 200, description = "The file.", content((String = "text/csv"), (String = "application/x-ndjson"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"), (Vec<u8> = "application/octet-stream")))),
    extensions(("x-permission" = json!("exports:read")), ("x-conflicts" = json!(true)), ("x-download" = json!(true))))]
#[get("/v1/exports/{id}/files/{name}")]
pub async fn get_export_file(caller: Caller<ExportsRead>, shelf: Data<Shelf>, path: Path<(ExportId, String)>) -> Reply<Download> {
    let (id, name) = path.0;
    let directory = shelf.place(caller.principal()?.company, id);
    let wanted = name.clone();
    let file = caller.read(move |rx| service::file(rx, id, &wanted)).await?;
    let media_type = match name.rsplit('.').next().and_then(ExportFormat::parse) {
        Some(format) => format.media_type(),
        None => "application/octet-stream",
    };
    let sha256 = crate::access::audit_log::kept::unhex(&file.sha256).ok_or_else(|| Problem::internal(&"a digest of a manifest cannot be read"))?;
    let gone = "Files of an export are kept 30 days; ask for it anew.";
    Ok(Download { path: directory.join(&file.name), media_type, name: file.name, length: file.bytes, sha256, gone })
}
