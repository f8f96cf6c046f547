//! Exports as they travel.

use crate::platform::dates::Instant;
use crate::platform::http::reply::Resource;
use crate::platform::ids::ExportId;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

crate::words! {
    /// What an export holds. `audit_o2c`: order to cash, in the shape auditors know (AICPA). `edit_log`: the audit log with
    /// its proof and the report of its working (Companies (Accounts) Rules r.3(1), Audit and Auditors Rules r.11(g)).
    /// `gst_audit`: returns, registers and reconciliations of GST. `ar_confirmation`: balances to confirm (SA 505).
    /// `sod_report`: who may do what, conflicts, waivers, blocked attempts. `tds_26as`: tax deducted beside certificates
    /// and Form 26AS. `full`: every table.
    pub enum ExportType {
        AuditO2c = "audit_o2c", EditLog = "edit_log", GstAudit = "gst_audit", ArConfirmation = "ar_confirmation",
        SodReport = "sod_report", Tds26as = "tds_26as", Full = "full",
    }
}
impl ExportType {
    /// Which version of its files and columns it has.
    #[must_use]
    pub fn version(self) -> i32 {
        1
    }
    /// What the caller's roles must be allowed to read besides, all of it.
    #[must_use]
    pub fn needs(self) -> &'static [&'static str] {
        match self {
            Self::EditLog | Self::SodReport => &["audit:read"],
            Self::AuditO2c | Self::GstAudit | Self::ArConfirmation | Self::Tds26as => &["invoices:read"],
            Self::Full => &["audit:read", "invoices:read"],
        }
    }
}

crate::words! {
    /// How files are written: RFC 4180 with `\n`; one JSON object a line; a spreadsheet.
    pub enum ExportFormat { Csv = "csv", Jsonl = "jsonl", Xlsx = "xlsx" }
}
impl ExportFormat {
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Jsonl => "application/x-ndjson",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// What to export.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"type": "audit_o2c", "as_of": "2026-03-31", "format": "csv", "filters": {"from": "2025-04-01"}}))]
pub struct NewExport {
    pub r#type: ExportType,
    /// Balances are those at the end of this day; today when left out.
    #[schema(example = "2026-03-31")]
    pub as_of: Option<NaiveDate>,
    /// `csv` when left out.
    pub format: Option<ExportFormat>,
    #[serde(default)]
    pub filters: ExportFilters,
    /// Text that a spreadsheet would take for a formula (it begins with = + - @, a tab or a carriage return) gets a quote
    /// before it. True for people and false for machines when left out; JSON lines are never changed.
    pub csv_safe: Option<bool>,
    /// Export although open items and the control account differ; the manifest then shows the difference.
    #[serde(default)]
    #[schema(example = false)]
    pub allow_difference: bool,
}

/// Which part of it; everything when left out.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportFilters {
    /// Documents and postings from this day on. Open items and master data are whole in any case.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2025-04-01")]
    pub from: Option<NaiveDate>,
    /// Up to this day; `as_of` when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-03-31")]
    pub to: Option<NaiveDate>,
    /// Documents of these registrations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<String>>, max_items = 50, example = json!(["27AAACD1234E1Z9"]))]
    pub gstin: Vec<String>,
}

/// An export that is done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Export {
    pub id: ExportId,
    #[schema(example = "export")]
    pub object: &'static str,
    pub r#type: ExportType,
    #[schema(minimum = 1, example = 1)]
    pub type_version: i32,
    pub as_of: NaiveDate,
    pub format: ExportFormat,
    pub filters: ExportFilters,
    /// Rows of all files.
    #[schema(minimum = 0, example = 108_952)]
    pub rows: i64,
    /// Bytes of all files.
    #[schema(minimum = 0, example = 24_567_890)]
    pub bytes: i64,
    /// Names to ask for under `/v1/exports/{id}/files/`.
    #[schema(max_items = 10000, example = json!(["customer_master.csv"]))]
    pub files: Vec<String>,
    /// SHA-256 of the manifest as it is given, hexadecimal.
    #[schema(max_length = 64, example = "158ed0b2d53c93aae94fc7c8e97f76b6863d339d7963424c390acc1ea91cc9ad")]
    pub manifest_sha256: String,
    /// Until when the files are kept.
    pub files_kept_until: Instant,
    #[schema(max_length = 60, example = "user:0196f2a0-9999-7000-8000-0000000000a9")]
    pub requested_by: String,
    pub created_at: Instant,
}
impl Resource for Export {}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportFilter {
    /// Types, comma-separated.
    #[param(max_length = 100, pattern = "^[a-z0-9_]+(,[a-z0-9_]+)*$", example = "audit_o2c")]
    pub r#type: Option<String>,
}

/// A file as the manifest lists it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ManifestFile {
    #[schema(max_length = 120, example = "open_accounts_receivable.csv")]
    pub name: String,
    #[schema(minimum = 0, example = 2310)]
    pub rows: u64,
    #[schema(minimum = 0, example = 602_113)]
    pub bytes: u64,
    #[schema(max_length = 64, example = "cc40ba04640375e0f3cf9273f18c5159a98455f0aeb627bffc88b33c26437fc9")]
    pub sha256: String,
    /// Sums of columns, in base currency unless the column says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"balance": "38120450.00"}))]
    pub totals: Option<Value>,
    /// Names and kinds of its columns, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 200)]
    pub columns: Vec<ManifestColumn>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ManifestColumn {
    #[schema(max_length = 60, example = "balance")]
    pub name: String,
    #[schema(max_length = 20, example = "money")]
    pub kind: String,
}

/// What is in an export, how it was taken and that it agrees; signed. Extra members depend on the type.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "object": "export_manifest", "manifest_version": 1, "export_id": "0196fa10-2b3c-7d4e-8f50-61728394a5b6", "type": "audit_o2c", "type_version": 1,
    "company": {"id": "0196f2a0-0000-7000-8000-000000000001", "legal_name": "Demo Traders Pvt Ltd", "pan": "AAACD1234E"},
    "requested_by": "user:0196f2a0-9999-7000-8000-0000000000a9", "requested_role": "auditor", "filters": {"from": "2025-04-01", "to": "2026-03-31"}, "as_of": "2026-03-31",
    "snapshot": {"taken_at": "2026-04-05T04:30:00.000Z", "audit_seq": 1_904_417, "event_sequence": 1_904_417},
    "format": {"kind": "csv", "encoding": "utf-8", "delimiter": ",", "newline": "\n", "csv_safe": true},
    "files": [{"name": "open_accounts_receivable.csv", "rows": 2310, "bytes": 602_113, "sha256": "cc40ba04640375e0f3cf9273f18c5159a98455f0aeb627bffc88b33c26437fc9", "totals": {"balance": "38120450.00"}}],
    "controls": [{"name": "ar_subledger_equals_gl", "left": "38120450.00", "right": "38120450.00", "difference": "0.00", "passed": true}],
    "audit_chain": {"from_seq": 1, "to_seq": 1_904_417, "head": "9414886b1ebf025db067a4cbd13a0903fbd9733a5372bba1b58bd72c1699b798", "verified": true},
    "signature": {"alg": "EdDSA", "kid": "2026-01", "covers": "all members except signature, canonical JSON", "value": "c2lnbmF0dXJl"}
}))]
pub struct Manifest {
    #[schema(example = "export_manifest")]
    pub object: String,
    pub manifest_version: i32,
    pub export_id: ExportId,
    pub r#type: ExportType,
    pub type_version: i32,
    #[schema(value_type = Object)]
    pub company: Value,
    pub requested_by: String,
    pub requested_role: String,
    #[schema(value_type = Object)]
    pub filters: Value,
    pub as_of: NaiveDate,
    #[schema(value_type = Object)]
    pub snapshot: Value,
    #[schema(value_type = Object)]
    pub format: Value,
    #[schema(max_items = 10000)]
    pub files: Vec<ManifestFile>,
    #[schema(value_type = Vec<Object>, max_items = 100)]
    pub controls: Vec<Value>,
    #[schema(value_type = Object)]
    pub audit_chain: Value,
    /// Ed25519 over the canonical JSON (RFC 8785) of all other members; the key is in `/.well-known/jwks.json`.
    #[schema(value_type = Object)]
    pub signature: Value,
}
impl Resource for Manifest {}
