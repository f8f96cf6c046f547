use super::types::{Export, ExportFilter, ExportFilters, ExportFormat, ExportType, ManifestFile, NewExport};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::ExportId;
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

/// Days the files are kept.
pub const KEPT_DAYS: i64 = 30;

row! {
    struct ExportRow {
        id: ExportId, kind: ExportType, type_version: i32, format: ExportFormat, as_of: NaiveDate, filters: Value, files: Many<String>, rows: i64, bytes: i64, manifest_sha256: String,
        requested_by: String, recorded_at: DateTime<Utc>,
    }
}
impl From<ExportRow> for Export {
    fn from(row: ExportRow) -> Self {
        Self {
            id: row.id,
            object: "export",
            r#type: row.kind,
            type_version: row.type_version,
            as_of: row.as_of,
            format: row.format,
            filters: serde_json::from_value::<ExportFilters>(row.filters).unwrap_or_default(),
            rows: row.rows,
            bytes: row.bytes,
            files: row.files.0,
            manifest_sha256: row.manifest_sha256,
            files_kept_until: Instant(row.recorded_at + Duration::days(KEPT_DAYS)),
            requested_by: row.requested_by,
            created_at: Instant(row.recorded_at),
        }
    }
}

static EXPORTS: List = List {
    select: "SELECT x.id, x.kind, x.type_version, x.format, x.as_of, x.filters, x.files, x.rows, x.bytes, encode(sha256(convert_to(x.manifest, 'UTF8')), 'hex') AS manifest_sha256, x.requested_by, x.recorded_at
        FROM export x WHERE x.company_id = $1",
    id: "x.id",
    sorts: &[SortKey { name: "created_at", expression: "x.recorded_at", kind: "timestamptz" }],
    default_sort: "-created_at",
};

/// Those of the kinds that are open to the caller.
pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &ExportFilter, open: Vec<String>) -> Result<Page<Export>, Problem> {
    let exports = EXPORTS.of(rx).created("x.recorded_at", paging).any_of("x.kind", filter.r#type.as_deref()).when("x.kind = ANY({})", Some(Many(open)));
    Ok(exports.page::<ExportRow>(rx, paging)?.map(Export::from))
}

row! { pub struct ManifestRow { pub kind: ExportType, pub manifest: String } }

/// The manifest, word for word; `None` where no export of this id is done.
pub fn manifest(rx: &mut Rx<'_>, id: ExportId) -> Result<Option<ManifestRow>, Problem> {
    let company = rx.company();
    rx.optional(Sql::new("SELECT kind, manifest FROM export WHERE company_id = $1 AND id = $2").bind(company).bind(id))
}

/// The number of the newest event of the feed that the snapshot holds; 0 before the first.
pub fn last_event(rx: &mut Rx<'_>) -> Result<i64, Problem> {
    let company = rx.company();
    rx.scalar(Sql::new("SELECT coalesce(max(sequence), 0) FROM event WHERE company_id = $1").bind(company))
}

/// An export as it is kept.
pub struct Kept<'k> {
    pub id: ExportId,
    pub wanted: &'k NewExport,
    pub as_of: NaiveDate,
    pub format: ExportFormat,
    pub manifest: &'k str,
    pub files: &'k [ManifestFile],
}

pub fn insert(tx: &mut Tx<'_>, kept: &Kept<'_>) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    let (rows, bytes): (u64, u64) = kept.files.iter().fold((0, 0), |(rows, bytes), file| (rows + file.rows, bytes + file.bytes));
    let filters = serde_json::to_value(&kept.wanted.filters).map_err(|error| Problem::internal(&error))?;
    tx.execute(
        Sql::new(
            "INSERT INTO export (company_id, id, kind, type_version, format, as_of, filters, manifest, files, rows, bytes, requested_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(company)
        .bind(kept.id)
        .bind(kept.wanted.r#type)
        .bind(kept.wanted.r#type.version())
        .bind(kept.format)
        .bind(kept.as_of)
        .bind(filters)
        .bind(kept.manifest)
        .bind(Many(kept.files.iter().map(|file| file.name.clone()).collect()))
        .bind(i64::try_from(rows).unwrap_or(i64::MAX))
        .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
        .bind(actor),
    )
    .map(drop)
}

row! { pub struct About { pub legal_name: String, pub pan: Option<String> } }

pub fn about(rx: &mut Rx<'_>) -> Result<About, Problem> {
    let company = rx.company();
    rx.one(Sql::new("SELECT legal_name, pan FROM company WHERE id = $1").bind(company))
}

/// The registrations of these that the company does not have.
pub fn unknown_registrations(rx: &mut Rx<'_>, gstins: &[String]) -> Result<Vec<String>, Problem> {
    let company = rx.company();
    rx.scalars(
        Sql::new("SELECT w FROM unnest($2::text[]) AS w WHERE NOT EXISTS (SELECT FROM gst_registration g WHERE g.company_id = $1 AND g.gstin = w)")
            .bind(company)
            .bind(Many(gstins.to_vec())),
    )
}

row! {
    /// Figures of controls that are not sums of a file.
    pub struct Counts { pub number_gaps: i64, pub waivers: i64, pub self_approved: i64, pub ledger_debits: Decimal, pub ledger_credits: Decimal }
}

pub fn counts(rx: &mut Rx<'_>, as_of: NaiveDate) -> Result<Counts, Problem> {
    let company = rx.company();
    rx.one(
        Sql::new(
            "SELECT coalesce((SELECT sum(s.next_number - 1 - (SELECT count(*) FROM invoice i WHERE i.company_id = $1 AND i.registration_id = s.registration_id AND i.fiscal_year = s.fiscal_year AND i.kind = s.document_kind
                        AND starts_with(i.number, s.prefix) AND substr(i.number, length(s.prefix) + 1) ~ '^[0-9]+$'))
                     FROM number_series s WHERE s.company_id = $1 AND s.document_kind IN ('invoice', 'credit_note', 'debit_note') AND s.next_number > 1), 0)::bigint AS number_gaps,
                    (SELECT count(*) FROM sod_waiver w WHERE w.company_id = $1 AND w.expires_on >= $2) AS waivers,
                    (SELECT count(*) FROM approval a JOIN approval_decision d ON d.company_id = a.company_id AND d.approval_id = a.id WHERE a.company_id = $1 AND d.decision = 'approve' AND d.actor = a.requested_by) AS self_approved,
                    coalesce(sum(l.base_debit), 0)::numeric AS ledger_debits, coalesce(sum(l.base_credit), 0)::numeric AS ledger_credits
             FROM journal_line l WHERE l.company_id = $1 AND l.posting_date <= $2",
        )
        .bind(company)
        .bind(as_of),
    )
}
