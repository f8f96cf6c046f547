//! Bulk requests: many rows of one kind, a result a row.

use super::audit::{Audited, Outcomes};
use super::caller::Caller;
use super::transaction::Tx;
use super::{Permission, request_id};
use crate::platform::http::Body;
use crate::platform::http::body::RowFaults;
use crate::platform::http::problem::{self, Problem};
use crate::platform::http::reply::{MultiStatus, Rendered, Reply, Resource};
use crate::words;
use actix_web::HttpMessage;
use serde::{Deserialize, Serialize};

words! {
    /// Whether rows stand alone or fall together.
    pub enum BulkMode { PerItem = "per_item", Atomic = "atomic" }
}

/// Up to 1,000 rows of one kind.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bulk<T> {
    /// `per_item`: good rows are kept; `atomic`: all or none.
    pub mode: BulkMode,
    /// The rows; one that is not valid is `None` here and answered by its faults.
    #[schema(value_type = Vec<T>, min_items = 1, max_items = 1000)]
    pub items: Vec<Option<T>>,
}

/// Inputs that carry the client's own id.
pub trait ExternalId {
    fn external_id(&self) -> Option<&str>;
}

/// One result a row, in the order sent.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BulkReply {
    pub summary: BulkSummary,
    #[schema(max_items = 1000)]
    pub items: Vec<BulkRow>,
}
impl Resource for BulkReply {}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BulkSummary {
    #[schema(minimum = 1, maximum = 1000)]
    pub total: usize,
    #[schema(minimum = 0, maximum = 1000)]
    pub succeeded: usize,
    #[schema(minimum = 0, maximum = 1000)]
    pub failed: usize,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct BulkRow {
    #[schema(minimum = 0, maximum = 999)]
    pub index: usize,
    pub external_id: Option<String>,
    /// The status this row would have had alone.
    #[schema(minimum = 200, maximum = 599)]
    pub status: u16,
    pub id: Option<String>,
    pub version: Option<i64>,
    #[schema(value_type = Option<crate::platform::http::problem::ProblemDocument>)]
    pub problem: Option<serde_json::Value>,
}

impl<P: Permission> Caller<P> {
    /// Runs the rows of a bulk request in one transaction: 207 with a result a row. `prepare` locks what the
    /// rows will touch, in the global order, so that rows may come in any order. `all` works on `at_once` rows
    /// together; where it fails as a whole, each of them is tried alone.
    pub async fn bulk<I, T>(
        self,
        body: Body<Bulk<I>>,
        prepare: impl Fn(&mut Tx<'_>, &[&I]) -> Result<(), Problem> + Send + 'static,
        at_once: usize,
        all: impl Fn(&mut Tx<'_>, &[&I]) -> Outcomes<T> + Send + 'static,
    ) -> Reply<MultiStatus<BulkReply>>
    where
        I: ExternalId + Send + 'static,
        T: Resource,
    {
        let request_id = request_id(&self.entry.request);
        let path = self.entry.request.path().to_owned();
        let faults = self.entry.request.extensions_mut().remove::<RowFaults>().unwrap_or_default();
        let rendered = self.entry.transact(move |tx| {
            let readable: Vec<&I> = body.items.iter().flatten().collect();
            prepare(tx, &readable)?;
            let mut outcomes = Vec::with_capacity(readable.len());
            for chunk in readable.chunks(at_once) {
                outcomes.extend(each_row(tx, chunk, &all, |made| (made.id(), made.version()))?);
            }
            let mut outcomes = outcomes.into_iter();
            let mut rows = Vec::with_capacity(body.items.len());
            for (index, item) in body.items.iter().enumerate() {
                let outcome = if item.is_some() { outcomes.next() } else { faults.0.get(&index).cloned().map(Err) };
                let outcome = outcome.unwrap_or_else(|| Err(Problem::invalid(vec![])));
                let external_id = item.as_ref().and_then(ExternalId::external_id).map(str::to_owned);
                rows.push(match outcome {
                    Ok((id, version)) => BulkRow { index, external_id, status: 201, id, version, problem: None },
                    Err(problem) => BulkRow::refused(index, external_id, problem.refusal().status, &problem, &path, &request_id),
                });
            }
            let failed = rows.iter().filter(|row| row.problem.is_some()).count();
            let keep = body.mode == BulkMode::PerItem || failed == 0;
            if !keep {
                let rolled_back = Problem::new(problem::BULK_ROLLED_BACK, "Another row failed and the mode is atomic; nothing was kept.");
                for row in rows.iter_mut().filter(|row| row.problem.is_none()) {
                    *row = BulkRow::refused(row.index, row.external_id.take(), 424, &rolled_back, &path, &request_id);
                }
            }
            let total = rows.len();
            let succeeded = if keep { total - failed } else { 0 };
            let reply = BulkReply { summary: BulkSummary { total, succeeded, failed: total - succeeded }, items: rows };
            Ok((Rendered::new(207, &reply)?, keep))
        });
        rendered.await.map(MultiStatus::of)
    }
}

/// Rows together if that works, else each alone. Only what is ours to answer for, or to try again, is an error of
/// the whole request; it is never one row's fault.
pub fn each_row<I, T, O>(
    tx: &mut Tx<'_>,
    rows: &[&I],
    all: &impl Fn(&mut Tx<'_>, &[&I]) -> Outcomes<T>,
    told: impl Fn(&T) -> O,
) -> Result<Vec<Result<O, Problem>>, Problem> {
    let ours = |problem: &Problem| problem.refusal().status >= 500 || problem.refusal().retryable;
    let outcome = |done: Result<Audited<T>, Problem>| done.map(|done| told(done.get()));
    let together = if rows.len() > 1 { tx.row(|tx| all(tx, rows)) } else { Ok(Vec::new()) };
    let outcomes: Vec<Result<O, Problem>> = match together {
        Ok(done) if done.len() == rows.len() => done.into_iter().map(outcome).collect(),
        Err(problem) if ours(&problem) => return Err(problem),
        _ => {
            rows.iter().map(|row| outcome(tx.row(|tx| all(tx, &[row])?.pop().unwrap_or_else(|| Err(Problem::internal(&"a row without an answer")))))).collect()
        }
    };
    match outcomes.iter().find_map(|outcome| outcome.as_ref().err().filter(|problem| ours(problem))) {
        Some(problem) => Err(problem.clone()),
        None => Ok(outcomes),
    }
}

impl BulkRow {
    fn refused(index: usize, external_id: Option<String>, status: u16, problem: &Problem, path: &str, request_id: &str) -> Self {
        Self { index, external_id, status, id: None, version: None, problem: serde_json::to_value(problem.document(path, request_id)).ok() }
    }
}
