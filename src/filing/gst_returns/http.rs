//! Returns.

use super::types::{GstReturn, Gstr3bAnswer, LockReturn, ReturnFilter, ReturnFormat, ReturnReconciliation, ReturnView};
use super::{reconciliation, service, tables};
use crate::filing::gstr1::types::{Gstr1Answer, explanation};
use crate::filing::json::Json;
use crate::filing::period::ReturnPeriod;
use crate::platform::http::reply::{File, Rendered};
use crate::platform::http::{Body, Done, Fetched, Path, Problem, Query, Reply};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{GstLock, GstRead};
use actix_web::{Either, get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_gst_returns).service(get_gstr1).service(get_gstr3b).service(lock_gst_return).service(get_return_reconciliation);
}

/// List returns.
///
/// A registration and month each that has documents or was filed, newest first. Totals are those of the documents
/// dated in the month; advances are in the return alone.
#[utoipa::path(tag = "GST returns", params(Paging, ReturnFilter), responses((status = 200, body = Page<GstReturn>, description = "One page.")), extensions(("x-permission" = json!("gst:read"))))]
#[get("/v1/gst-returns")]
pub async fn list_gst_returns(caller: Caller<GstRead>, paging: Query<Paging>, filter: Query<ReturnFilter>) -> Reply<Fetched<Page<GstReturn>>> {
    caller.fetch(move |rx| service::list(rx, &paging, &filter)).await
}

/// Get GSTR-1.
///
/// Of a filed period what was filed, word for word; else built from the documents as they stand, by the builder of
/// `POST /v1/gst/gstr1`: documents dated in the month (the same documents give the same bytes), amendments of filed
/// months before it, and what came late for them. `format=portal` is the file to upload, `csv` and `xlsx` are its
/// tables. Figures are JSON numbers in base currency. The period is `2025-10` or `102025`.
#[utoipa::path(tag = "GST returns", params(("gstin" = String, Path, description = "The registration.", example = "27AAACD1234E1Z9"), ("period" = String, Path, description = "The month.", example = "2025-10"), ReturnView),
    responses((status = 200, description = "The return.", content((Gstr1Answer = "application/json"), (String = "text/csv"), (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")))),
    extensions(("x-permission" = json!("gst:read"))))]
#[get("/v1/gst-returns/{gstin}/{period}/gstr1")]
pub async fn get_gstr1(caller: Caller<GstRead>, path: Path<(String, ReturnPeriod)>, view: Query<ReturnView>) -> Reply<Either<Fetched<Gstr1Answer>, File>> {
    let (gstin, period) = path.0;
    let name = format!("GSTR1_{}_{}", gstin.trim().to_ascii_uppercase(), period.fp());
    let kept = caller.read(move |rx| service::content(rx, &gstin, period)).await?;
    let download = |extension, media_type, content| Ok(Either::Right(File { media_type, name: format!("{name}.{extension}"), content }));
    match view.format.unwrap_or(ReturnFormat::Json) {
        ReturnFormat::Json => {
            let explanation = serde_json::to_string(&explanation(period)).map_err(|error| Problem::internal(&error))?;
            let mut json = Json::default();
            json.object(|json| {
                let parts =
                    [("gstr1", &kept.gstr1), ("totals", &kept.totals), ("gstr3b", &kept.gstr3b), ("warnings", &kept.warnings), ("explanation", &explanation)];
                for (name, part) in parts {
                    json.name(name).raw(part);
                }
            });
            Ok(Either::Left(Fetched::of(Rendered::of_json(json.into_text()))))
        }
        ReturnFormat::Portal => download("json", "application/json", kept.gstr1.into_bytes()),
        ReturnFormat::Csv => download("csv", "text/csv; charset=utf-8", tables::csv(&kept.gstr1, view.table.as_deref())?),
        ReturnFormat::Xlsx => download("xlsx", tables::XLSX, tables::xlsx(&kept.gstr1)?),
    }
}

/// Get GSTR-3B.
///
/// What sales fill of it: 3.1 (a), (b), (c), (e), 3.1.1 and 3.2, from the same documents as GSTR-1.
#[utoipa::path(tag = "GST returns", params(("gstin" = String, Path, description = "The registration.", example = "27AAACD1234E1Z9"), ("period" = String, Path, description = "The month.", example = "2025-10")), responses((status = 200, body = Gstr3bAnswer, description = "The figures.")), extensions(("x-permission" = json!("gst:read"))))]
#[get("/v1/gst-returns/{gstin}/{period}/gstr3b")]
pub async fn get_gstr3b(caller: Caller<GstRead>, path: Path<(String, ReturnPeriod)>) -> Reply<Fetched<Gstr3bAnswer>> {
    let (gstin, period) = path.0;
    let kept = caller.read(move |rx| service::content(rx, &gstin, period)).await?;
    Ok(Fetched::of(Rendered::of_json(kept.gstr3b)))
}

/// Lock a return.
///
/// Marks GSTR-1 as filed under its ARN: the exact JSON, its SHA-256 and what it holds are kept. It waits for
/// another person (`approval_id`) unless the company's policy lets one do it. From then on documents of the period that
/// are cancelled become amendments, and those that come late are reported, in the first open return after it.
#[utoipa::path(tag = "GST returns", params(("gstin" = String, Path, description = "The registration.", example = "27AAACD1234E1Z9"), ("period" = String, Path, description = "The month.", example = "2025-10")), request_body = LockReturn,
    responses((status = 200, body = GstReturn, description = "Locked."), (status = 202, body = GstReturn, description = "The return; locking waits for approval_id.")),
    extensions(("x-permission" = json!("gst:lock")), ("x-approval" = json!(true)), ("x-idempotency" = json!("required"))))]
#[post("/v1/gst-returns/{gstin}/{period}/lock")]
pub async fn lock_gst_return(caller: Caller<GstLock>, path: Path<(String, ReturnPeriod)>, body: Body<LockReturn>) -> Reply<Done<GstReturn>> {
    let (gstin, period) = path.0;
    caller.change(move |tx| service::lock(tx, &gstin, period, &body)).await
}

/// Reconcile a return.
///
/// What the return says is owed on outward supplies beside what was posted to the output tax accounts in the month, and
/// every document in which the two part, with the reason where it is known: posted late, cancelled in another month.
#[utoipa::path(tag = "GST returns", params(("gstin" = String, Path, description = "The registration.", example = "27AAACD1234E1Z9"), ("period" = String, Path, description = "The month.", example = "2025-10")), responses((status = 200, body = ReturnReconciliation, description = "Side by side.")), extensions(("x-permission" = json!("gst:read"))))]
#[get("/v1/gst-returns/{gstin}/{period}/reconciliation")]
pub async fn get_return_reconciliation(caller: Caller<GstRead>, path: Path<(String, ReturnPeriod)>) -> Reply<Fetched<ReturnReconciliation>> {
    let (gstin, period) = path.0;
    caller.fetch(move |rx| reconciliation::reconcile(rx, &gstin, period)).await
}
