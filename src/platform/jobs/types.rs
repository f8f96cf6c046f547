//! Long work as it travels.

use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::JobId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

crate::words! {
    /// Where long work stands.
    pub enum JobStatus {
        Queued = "queued", Running = "running", Succeeded = "succeeded", Failed = "failed", Cancelled = "cancelled",
    }
}

/// Long work that was asked for. It is kept 30 days after its end.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub struct Task {
    pub id: JobId,
    #[schema(example = "job")]
    pub object: &'static str,
    #[schema(max_length = 60, example = "export")]
    pub kind: String,
    pub status: JobStatus,
    pub progress: Progress,
    /// What came of it, when it succeeded; its members depend on the kind.
    #[schema(value_type = Option<Object>, example = json!({"export_id": "0196fa10-2b3c-7d4e-8f50-61728394a5b6"}))]
    pub result: Option<Value>,
    /// Why it failed.
    #[schema(value_type = Option<crate::platform::http::problem::ProblemDocument>)]
    pub problem: Option<Value>,
    /// Seconds after which it is worth asking again; null when it is finished.
    #[schema(minimum = 0, maximum = 60, example = 1)]
    pub retry_after_s: Option<i64>,
    /// Whether somebody asked for it to stop; it does so at its next step.
    pub cancel_requested: bool,
    /// What the caller may do to it now.
    #[schema(max_items = 1, example = json!(["cancel"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
    pub started_at: Option<Instant>,
    pub finished_at: Option<Instant>,
}
impl Resource for Task {
    fn id(&self) -> Option<String> {
        Some(self.id.to_string())
    }
    fn version(&self) -> Option<i64> {
        Some(self.version)
    }
}

/// How far it is, in steps of its own (rows, files).
#[derive(Debug, Serialize, ToSchema)]
pub struct Progress {
    #[schema(minimum = 0, example = 12000)]
    pub done: i64,
    /// Null while it is not known.
    #[schema(minimum = 0, example = 200_000)]
    pub total: Option<i64>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobFilter {
    /// Comma-separated.
    #[param(
        max_length = 100,
        pattern = "^(queued|running|succeeded|failed|cancelled)(,(queued|running|succeeded|failed|cancelled)){0,4}$",
        example = "queued,running"
    )]
    pub status: Option<String>,
    /// What it does.
    #[param(max_length = 60, pattern = "^[a-z_]+$", example = "export")]
    pub kind: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wait {
    /// Seconds to wait for the end before answering; 0 answers at once.
    #[serde(default)]
    #[param(minimum = 0, maximum = 30, default = 0, example = 10)]
    pub wait_s: u64,
}
