//! Imports as they travel.

use crate::platform::dates::Instant;
use crate::platform::ids::{ImportId, JobId};
use crate::platform::money::Amount;
use crate::{resource, words};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    /// What the rows of a file are.
    pub enum ImportType { Customers = "customers", Items = "items", OpeningBalances = "opening_balances", Invoices = "invoices", Receipts = "receipts", Form26as = "form_26as" }
}
words! {
    /// `failed`: the file cannot be read. `cancelled`: its validation was stopped. `partially_committed`: some rows were
    /// refused when they were taken in, or the commit was stopped; then it may go on.
    pub enum ImportStatus {
        Validating = "validating", Validated = "validated", Failed = "failed", Cancelled = "cancelled", Committing = "committing", Committed = "committed",
        PartiallyCommitted = "partially_committed",
    }
}
words! {
    pub enum FileFormat { Csv = "csv", Jsonl = "jsonl", Xlsx = "xlsx" }
}
words! {
    /// How days are written in text cells: year first, day first or month first.
    pub enum DateOrder { Iso = "iso", Dmy = "dmy", Mdy = "mdy" }
}
words! {
    pub enum RowStatus { Valid = "valid", Invalid = "invalid", Committed = "committed", Failed = "failed" }
}
words! {
    /// `all`: only if every row is valid; `valid_only`: the others stay out.
    pub enum CommitMode { All = "all", ValidOnly = "valid_only" }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Import {
    pub id: ImportId,
    #[schema(example = "import")]
    pub object: &'static str,
    #[serde(rename = "type")]
    pub kind: ImportType,
    pub status: ImportStatus,
    pub file: ImportFile,
    /// As the first row names them.
    #[schema(max_items = 200, example = json!(["external_id", "legal_name", "kind"]))]
    pub columns: Vec<String>,
    pub rows: RowCounts,
    /// Sums of the valid rows: what documents come to, what was received, what is taken over.
    #[schema(max_items = 200)]
    pub control_totals: Vec<ControlTotal>,
    /// Why the file cannot be read.
    #[schema(value_type = Option<crate::platform::http::problem::ProblemDocument>)]
    pub problem: Option<Value>,
    /// The job at work on it, or the last one that was.
    pub job_id: JobId,
    #[schema(max_items = 1, example = json!(["commit"]))]
    pub allowed_actions: Vec<&'static str>,
    #[schema(minimum = 1)]
    pub version: i64,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-00000000000a")]
    pub created_by: String,
    pub created_at: Instant,
    pub updated_at: Instant,
}
resource!(Import: version => moves);

#[derive(Debug, Serialize, ToSchema)]
pub struct ImportFile {
    #[schema(max_length = 200, example = "customers.csv")]
    pub name: Option<String>,
    pub format: FileFormat,
    #[schema(minimum = 0, example = 482_113)]
    pub bytes: i64,
    #[schema(max_length = 64, example = "158ed0b2d53c93aae94fc7c8e97f76b6863d339d7963424c390acc1ea91cc9ad")]
    pub sha256: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RowCounts {
    /// Null until the file was looked through.
    #[schema(minimum = 0, maximum = 200_000, example = 200_000)]
    pub total: Option<i64>,
    /// Valid and not committed.
    #[schema(minimum = 0, maximum = 200_000, example = 0)]
    pub valid: i64,
    #[schema(minimum = 0, maximum = 200_000, example = 12)]
    pub invalid: i64,
    #[schema(minimum = 0, maximum = 200_000, example = 199_988)]
    pub committed: i64,
    /// Valid once, and refused when they were taken in.
    #[schema(minimum = 0, maximum = 200_000, example = 0)]
    pub failed: i64,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ControlTotal {
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub amount: Amount,
}

/// A row, or several that make one document.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportRow {
    /// Row of the file it begins in; the names of the columns are row 1.
    #[schema(minimum = 1, maximum = 2_000_000, example = 17)]
    pub row: i32,
    pub status: RowStatus,
    #[schema(max_length = 100, example = "CUST-0042")]
    pub external_id: Option<String>,
    /// The body it stands for.
    #[schema(value_type = Object, example = json!({"external_id": "CUST-0042", "legal_name": "Acme Retail Pvt Ltd", "kind": "b2b"}))]
    pub input: Value,
    #[schema(value_type = Option<crate::platform::http::problem::ProblemDocument>)]
    pub problem: Option<Value>,
    /// What came of it.
    pub object_id: Option<Uuid>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// What the rows are.
    #[serde(rename = "type")]
    #[param(inline, example = "customers")]
    pub kind: ImportType,
    /// What the file is called.
    #[param(min_length = 1, max_length = 200, example = "customers.csv")]
    pub name: Option<String>,
    /// How days are written in text cells.
    #[param(inline, example = "iso")]
    pub dates: Option<DateOrder>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ImportFilter {
    /// What the rows are, comma-separated.
    #[serde(rename = "type")]
    #[param(max_length = 100, pattern = "^[a-z_]+(,[a-z_]+)*$", example = "customers,items")]
    pub kind: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RowFilter {
    /// Comma-separated.
    #[param(max_length = 100, pattern = "^(valid|invalid|committed|failed)(,(valid|invalid|committed|failed)){0,3}$", example = "invalid,failed")]
    pub status: Option<String>,
    /// The client's own id.
    #[param(max_length = 100, example = "CUST-0042")]
    pub external_id: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"mode": "valid_only"}))]
pub struct CommitImport {
    pub mode: CommitMode,
}
