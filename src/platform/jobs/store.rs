use super::types::{JobFilter, JobStatus, Progress, Task};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{CompanyId, JobId};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

row! {
    struct TaskRow {
        id: JobId, kind: String, status: JobStatus, done: i64, total: Option<i64>, result: Option<Value>, problem: Option<Value>, cancel_requested: bool, version: i64,
        created_by: String, created_at: DateTime<Utc>, started_at: Option<DateTime<Utc>>, finished_at: Option<DateTime<Utc>>,
    }
}
impl From<TaskRow> for Task {
    fn from(row: TaskRow) -> Self {
        let open = row.finished_at.is_none();
        Self {
            id: row.id,
            object: "job",
            kind: row.kind,
            status: row.status,
            progress: Progress { done: row.done, total: row.total },
            result: row.result,
            problem: row.problem,
            retry_after_s: open.then_some(1),
            cancel_requested: row.cancel_requested,
            allowed_actions: if open && !row.cancel_requested { vec!["cancel"] } else { Vec::new() },
            version: row.version,
            created_by: row.created_by,
            created_at: Instant(row.created_at),
            started_at: row.started_at.map(Instant),
            finished_at: row.finished_at.map(Instant),
        }
    }
}

const SELECT: &str = "SELECT j.id, j.kind, j.status, j.done, j.total, j.result, j.problem, j.cancel_requested, j.version, j.created_by, j.created_at, j.started_at, j.finished_at
    FROM job j WHERE j.company_id = $1 AND j.created_by = $2";
static TASKS: List =
    List { select: SELECT, id: "j.id", sorts: &[SortKey { name: "created_at", expression: "j.created_at", kind: "timestamptz" }], default_sort: "-created_at" };

/// The caller's own.
pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &JobFilter) -> Result<Page<Task>, Problem> {
    let me = rx.cx().actor.to_string();
    let page = TASKS
        .of(rx)
        .with(me)
        .created("j.created_at", paging)
        .any_of("j.status", filter.status.as_deref())
        .when("j.kind = {}", filter.kind.clone())
        .page::<TaskRow>(rx, paging)?;
    Ok(page.map(Task::from))
}

/// One of the caller's own.
pub fn get(rx: &mut Rx<'_>, id: JobId) -> Result<Task, Problem> {
    let (company, me) = (rx.company(), rx.cx().actor.to_string());
    let row: Option<TaskRow> = rx.optional(Sql::new(format!("{SELECT} AND j.id = $3")).bind(company).bind(me).bind(id))?;
    row.map(Task::from).ok_or_else(|| Problem::not_found("job"))
}

/// Where the work of this id stands, whoever asked for it.
pub fn status(rx: &mut Rx<'_>, id: JobId) -> Result<Option<JobStatus>, Problem> {
    let company = rx.company();
    Ok(rx.scalars(Sql::new("SELECT status FROM job WHERE company_id = $1 AND id = $2").bind(company).bind(id))?.pop())
}

pub fn insert(tx: &mut Tx<'_>, id: JobId, kind: &str, input: &Value, behalf: &Value) -> Result<(), Problem> {
    let (company, me) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new("INSERT INTO job (company_id, id, kind, input, behalf, created_by) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(company)
            .bind(id)
            .bind(kind)
            .bind(input)
            .bind(behalf)
            .bind(me),
    )
    .map(drop)
}

/// Ends what waits, asks what runs to stop; false where it is finished.
pub fn ask_to_stop(tx: &mut Tx<'_>, id: JobId) -> Result<bool, Problem> {
    let (company, me) = (tx.company(), tx.cx().actor.to_string());
    let changed = tx.execute(
        Sql::new(
            "UPDATE job SET cancel_requested = true, version = version + 1,
                    status = CASE status WHEN 'queued' THEN 'cancelled' ELSE status END, finished_at = CASE status WHEN 'queued' THEN now() END
             WHERE company_id = $1 AND created_by = $2 AND id = $3 AND status IN ('queued', 'running')",
        )
        .bind(company)
        .bind(me)
        .bind(id),
    )?;
    Ok(changed > 0)
}

row! {
    /// Work taken by a worker.
    pub struct Taken { pub company_id: CompanyId, pub id: JobId, pub kind: String, pub input: Value, pub behalf: Value, pub attempts: i32, pub cancel_requested: bool }
}

/// Takes the work that waits longest, of the company with the least at work. Called with the identity tables open.
pub fn take(tx: &mut Tx<'_>, lease: Uuid, seconds: i32) -> Result<Option<Taken>, Problem> {
    tx.optional(
        Sql::new(
            "UPDATE job j SET status = 'running', lease = $1, leased_until = now() + make_interval(secs => $2), attempts = attempts + 1, started_at = coalesce(started_at, now()), version = version + 1
             FROM (SELECT w.company_id, w.id FROM job w WHERE w.status IN ('queued', 'running') AND (w.leased_until IS NULL OR w.leased_until < now())
                   ORDER BY (SELECT count(*) FROM job r WHERE r.status = 'running' AND r.company_id = w.company_id AND r.leased_until >= now()), w.created_at, w.id
                   LIMIT 1 FOR UPDATE OF w SKIP LOCKED) AS next
             WHERE j.company_id = next.company_id AND j.id = next.id
             RETURNING j.company_id, j.id, j.kind, j.input, j.behalf, j.attempts, j.cancel_requested",
        )
        .bind(lease)
        .bind(seconds),
    )
}

/// Renews a lease and shows how far the work is; gives whether it is to stop, `None` where the lease is lost.
pub fn renew(tx: &mut Tx<'_>, id: JobId, lease: Uuid, seconds: i32, done: i64, total: Option<i64>) -> Result<Option<bool>, Problem> {
    let company = tx.company();
    let text = "UPDATE job SET leased_until = now() + make_interval(secs => $4), version = version + CASE WHEN (done, total) IS DISTINCT FROM ($5, $6) THEN 1 ELSE 0 END, done = $5, total = $6
                WHERE company_id = $1 AND id = $2 AND lease = $3 AND status = 'running' RETURNING cancel_requested";
    Ok(tx.scalars(Sql::new(text).bind(company).bind(id).bind(lease).bind(seconds).bind(done).bind(total))?.pop())
}

/// Holds the lease until the transaction ends, so that nobody takes the work over meanwhile; false where it is lost.
pub fn hold(tx: &mut Tx<'_>, id: JobId, lease: Uuid) -> Result<bool, Problem> {
    let company = tx.company();
    let text = "SELECT 1 FROM job WHERE company_id = $1 AND id = $2 AND lease = $3 AND status = 'running' FOR UPDATE";
    Ok(tx.execute(Sql::new(text).bind(company).bind(id).bind(lease))? > 0)
}

/// How a worker leaves its work.
pub enum Outcome {
    Succeeded(Value),
    Failed(Value),
    Cancelled,
    /// To be tried again, this many seconds later; at once where the service ends, which is no failed try.
    Again(i32),
}

/// Ends a worker's hold on its work.
pub fn leave(tx: &mut Tx<'_>, id: JobId, lease: Uuid, outcome: &Outcome, done: i64, total: Option<i64>) -> Result<(), Problem> {
    let company = tx.company();
    let (status, result, problem, pause) = match outcome {
        Outcome::Succeeded(result) => (JobStatus::Succeeded, Some(result), None, None),
        Outcome::Failed(problem) => (JobStatus::Failed, None, Some(problem), None),
        Outcome::Cancelled => (JobStatus::Cancelled, None, None, None),
        Outcome::Again(seconds) => (JobStatus::Queued, None, None, Some(*seconds)),
    };
    tx.execute(
        Sql::new(
            "UPDATE job SET status = $4, result = $5, problem = $6, lease = NULL, leased_until = now() + make_interval(secs => $7), done = $8, total = $9, version = version + 1,
                    attempts = attempts - CASE WHEN $7 = 0 THEN 1 ELSE 0 END, finished_at = CASE WHEN $7 IS NULL THEN now() END
             WHERE company_id = $1 AND id = $2 AND lease = $3 AND status = 'running'",
        )
        .bind(company)
        .bind(id)
        .bind(lease)
        .bind(status)
        .bind(result)
        .bind(problem)
        .bind(pause)
        .bind(done)
        .bind(total),
    )
    .map(drop)
}

/// Drops what ended more than 30 days ago. Called with the identity tables open.
pub fn purge(tx: &mut Tx<'_>) -> Result<(), Problem> {
    tx.execute(Sql::new("DELETE FROM job WHERE finished_at < now() - interval '30 days'")).map(drop)
}
