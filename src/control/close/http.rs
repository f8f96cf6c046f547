//! Periods.

use super::types::{ClosePeriod, Period, PeriodFilter, PeriodSummary, ReopenPeriod};
use super::{service, store};
use crate::ledger::periods::Month;
use crate::ledger::periods::snapshots::{self, Snapshot};
use crate::platform::http::{Body, Done, Fetched, Path, Query, Reply};
use crate::platform::page::{Page, Paging, ReportPaging, slice};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{PeriodsClose, PeriodsRead, PeriodsReopen};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_periods).service(list_period_snapshots).service(get_period_snapshot).service(close_period).service(reopen_period).service(get_period);
}

/// List periods.
///
/// The months of the books, newest first, with their states: open, soft closed (only the roles the
/// company names still post), closed.
#[utoipa::path(tag = "Periods", params(Paging, PeriodFilter), responses((status = 200, body = Page<PeriodSummary>, description = "One page.")), extensions(("x-permission" = json!("periods:read"))))]
#[get("/v1/periods")]
pub async fn list_periods(caller: Caller<PeriodsRead>, paging: Query<Paging>, filter: Query<PeriodFilter>) -> Reply<Fetched<Page<PeriodSummary>>> {
    caller.fetch(move |rx| Ok(store::list(rx, &paging, &filter)?.map(|period| service::summary(&period)))).await
}

/// Get a period.
///
/// With its checklist: what blocks a hard close, and what is only listed.
#[utoipa::path(tag = "Periods", params(("period" = String, Path, description = "The month.", example = "2025-10")), responses((status = 200, body = Period, description = "The period.")), extensions(("x-permission" = json!("periods:read"))))]
#[get("/v1/periods/{period}")]
pub async fn get_period(caller: Caller<PeriodsRead>, period: Path<Month>) -> Reply<Fetched<Period>> {
    caller.fetch(move |rx| service::get(rx, period.0)).await
}

/// Close a period.
///
/// Soft: only the roles the company names (`soft_close_roles`) still post. Hard: nobody does; every
/// blocking point of the checklist must be settled, and a snapshot of all balances is kept that can be
/// computed again for ever. It waits for postings in flight; none slips in.
#[utoipa::path(tag = "Periods", params(("period" = String, Path, description = "The month.", example = "2025-10")), request_body = ClosePeriod, responses((status = 200, body = Period, description = "Closed.")), extensions(("x-permission" = json!("periods:close")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/periods/{period}/close")]
pub async fn close_period(caller: Caller<PeriodsClose>, period: Path<Month>, body: Body<ClosePeriod>) -> Reply<Done<Period>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::close(tx, period.0, version, &body)).await
}

/// Reopen a period.
///
/// Asks for it with a reason; it is open when another controller, who did not close it, agrees
/// (`approval_id`). Its snapshots stay; closing it again makes another one.
#[utoipa::path(tag = "Periods", params(("period" = String, Path, description = "The month.", example = "2025-10")), request_body = ReopenPeriod, responses((status = 200, body = Period, description = "The period; reopening waits for approval.")), extensions(("x-permission" = json!("periods:reopen")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true)), ("x-approval" = json!(true))))]
#[post("/v1/periods/{period}/reopen")]
pub async fn reopen_period(caller: Caller<PeriodsReopen>, period: Path<Month>, body: Body<ReopenPeriod>) -> Reply<Done<Period>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::reopen(tx, period.0, version, &body)).await
}

/// List the snapshots of a period.
///
/// One for each hard close, newest first. `recomputes` tells that the figures were computed again just
/// now, as of the end of the month and as known when it was closed, with the same bytes.
#[utoipa::path(tag = "Periods", params(("period" = String, Path, description = "The month.", example = "2025-10"), ReportPaging), responses((status = 200, body = Page<Snapshot>, description = "One page.")), extensions(("x-permission" = json!("periods:read"))))]
#[get("/v1/periods/{period}/snapshots")]
pub async fn list_period_snapshots(caller: Caller<PeriodsRead>, period: Path<Month>, paging: Query<ReportPaging>) -> Reply<Fetched<Page<Snapshot>>> {
    caller
        .fetch(move |rx| {
            let (data, page) = slice(snapshots::of_month(rx, period.0)?, &paging, "snapshots", |snapshot| snapshot.version.to_string())?;
            Ok(Page { data, page })
        })
        .await
}

/// Get a snapshot of a period.
///
/// With its content: every account (opening, debit, credit, closing), every customer by age, totals.
/// `sha256` is of the content as stored, members in this order.
#[utoipa::path(tag = "Periods", params(("period" = String, Path, description = "The month.", example = "2025-10"), ("version" = i32, Path, description = "Which close of the month.", example = 1)), responses((status = 200, body = Snapshot, description = "The snapshot.")), extensions(("x-permission" = json!("periods:read"))))]
#[get("/v1/periods/{period}/snapshots/{version}")]
pub async fn get_period_snapshot(caller: Caller<PeriodsRead>, path: Path<(Month, i32)>) -> Reply<Fetched<Snapshot>> {
    caller.fetch(move |rx| snapshots::version(rx, path.0.0, path.0.1)).await
}
