//! Long work one asked for.

use super::store;
use super::types::{JobFilter, Task, Wait};
use super::work::{self, CHANGED};
use crate::platform::http::{Done, Fetched, Path, Query, Reply};
use crate::platform::ids::JobId;
use crate::platform::page::{Made, Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::Anyone;
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_jobs).service(get_job).service(cancel_job);
}

/// List own jobs.
///
/// What the caller asked for and what became of it, newest first; kept 30 days after its end.
#[utoipa::path(tag = "Jobs", params(Paging, Made, JobFilter), responses((status = 200, body = Page<Task>, description = "One page.")), extensions(("x-permission" = json!("any"))))]
#[get("/v1/jobs")]
pub async fn list_jobs(caller: Caller<Anyone>, paging: Query<Paging>, filter: Query<JobFilter>) -> Reply<Fetched<Page<Task>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Get a job.
///
/// State, progress, and in the end the result or the problem. With `wait_s` the answer comes when the job is finished or
/// the time is up, whichever is first. Of jobs of other people there is none.
#[utoipa::path(tag = "Jobs", params(("id" = JobId, Path, description = "The job."), Wait), responses((status = 200, body = Task, description = "The job.")), extensions(("x-permission" = json!("any"))))]
#[get("/v1/jobs/{id}")]
pub async fn get_job(caller: Caller<Anyone>, id: Path<JobId>, wait: Query<Wait>) -> Reply<Fetched<Task>> {
    let look = move |rx: &mut crate::platform::unit_of_work::Rx<'_>| store::get(rx, id.0).map(|task| (task.finished_at.is_some(), task));
    caller.watch(wait.wait_s, &CHANGED, look).await
}

/// Cancel a job.
///
/// What waits ends at once; what runs stops at its next step and undoes what it began (`cancel_requested` until then). A
/// job that is finished stays as it is (409 `invalid_state`).
#[utoipa::path(tag = "Jobs", params(("id" = JobId, Path, description = "The job.")), responses((status = 200, body = Task, description = "Cancelled, or asked to stop.")),
    extensions(("x-permission" = json!("any")), ("x-idempotency" = json!("required"))))]
#[post("/v1/jobs/{id}/cancel")]
pub async fn cancel_job(caller: Caller<Anyone>, id: Path<JobId>) -> Reply<Done<Task>> {
    let done = caller.change(move |tx| work::cancel(tx, id.0)).await;
    CHANGED.notify_waiters();
    done
}
