//! Periods as they travel.

use super::Finding;
use crate::ledger::periods::PeriodState;
use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::ApprovalId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

crate::words! {
    /// Soft: only the roles the company names still post. Hard: nobody does, and a snapshot is kept.
    pub enum CloseLevel { Soft = "soft", Hard = "hard" }
}

/// A month in the list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PeriodSummary {
    pub id: Uuid,
    #[schema(example = "period")]
    pub object: &'static str,
    #[schema(max_length = 7, example = "2025-10")]
    pub period: String,
    pub starts_on: chrono::NaiveDate,
    pub ends_on: chrono::NaiveDate,
    pub state: PeriodState,
    /// When it was closed, softly or hard; null while open.
    pub closed_at: Option<Instant>,
    #[schema(max_length = 50, example = "user:0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42")]
    pub closed_by: Option<String>,
    #[schema(minimum = 1)]
    pub version: i64,
}

/// A month with what is to be done before it can be closed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Period {
    #[serde(flatten)]
    pub period: PeriodSummary,
    /// Empty once the month is closed.
    #[schema(max_items = 50)]
    pub checklist: Vec<ChecklistItem>,
    /// Whether a hard close would be accepted as the books stand.
    pub ready: bool,
    /// The pending request to reopen it.
    pub approval_id: Option<ApprovalId>,
    #[schema(max_items = 5, example = json!(["close"]))]
    pub allowed_actions: Vec<&'static str>,
}
impl Resource for Period {
    fn version(&self) -> Option<i64> {
        Some(self.period.version)
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChecklistItem {
    #[schema(max_length = 50, example = "drafts_of_the_month")]
    pub task: &'static str,
    #[schema(max_length = 200, example = "No draft is dated in the month.")]
    pub about: &'static str,
    /// Whether a hard close waits for it.
    pub blocking: bool,
    pub passed: bool,
    /// How many things are in the way.
    #[schema(minimum = 0)]
    pub count: usize,
    /// The first of them.
    #[schema(max_items = 50)]
    pub items: Vec<Finding>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClosePeriod {
    pub level: CloseLevel,
    #[schema(min_length = 1, max_length = 500, example = "October is done")]
    pub reason: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReopenPeriod {
    #[schema(min_length = 1, max_length = 500, example = "An invoice of October was missed")]
    pub reason: String,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PeriodFilter {
    /// States, comma-separated.
    #[param(max_length = 60, example = "open,soft_closed")]
    pub state: Option<String>,
    /// From this month on.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", max_length = 7, example = "2025-04")]
    pub period_gte: Option<String>,
    /// Up to this month.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", max_length = 7, example = "2026-03")]
    pub period_lte: Option<String>,
}
