use super::types::{
    ControlTotal, DateOrder, FileFormat, Import, ImportFile, ImportFilter, ImportRow, ImportStatus, ImportType, RowCounts, RowFilter, RowStatus,
};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{ImportId, JobId};
use crate::platform::jobs::types::JobStatus;
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Doors, Rx, Tx, run_system, run_system_read};
use crate::row;
use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

row! {
    struct Row {
        id: ImportId, kind: ImportType, status: String, format: FileFormat, name: Option<String>, bytes: i64, sha256: String, columns: Option<Many<String>>, rows_total: Option<i64>,
        valid: i64, invalid: i64, committed: i64, failed: i64, totals: Value, problem: Option<Value>, job_id: JobId, job_status: Option<JobStatus>, version: i64, created_by: String,
        created_at: DateTime<Utc>, updated_at: DateTime<Utc>,
    }
}
impl From<Row> for Import {
    fn from(row: Row) -> Self {
        // A job that was stopped or given up says nothing to what it worked on.
        let ended = matches!(row.job_status, Some(JobStatus::Cancelled | JobStatus::Failed) | None);
        let status = match row.status.as_str() {
            "validating" if ended => ImportStatus::Cancelled,
            "committing" if ended => ImportStatus::PartiallyCommitted,
            word => ImportStatus::parse(word).unwrap_or(ImportStatus::Failed),
        };
        let goes_on = matches!(status, ImportStatus::Validated | ImportStatus::PartiallyCommitted) && row.valid > 0;
        Self {
            id: row.id,
            object: "import",
            kind: row.kind,
            status,
            file: ImportFile { name: row.name, format: row.format, bytes: row.bytes, sha256: row.sha256 },
            columns: row.columns.map(|columns| columns.0).unwrap_or_default(),
            rows: RowCounts { total: row.rows_total, valid: row.valid, invalid: row.invalid, committed: row.committed, failed: row.failed },
            control_totals: serde_json::from_value::<Vec<ControlTotal>>(row.totals).unwrap_or_default(),
            problem: row.problem,
            job_id: row.job_id,
            allowed_actions: if goes_on { vec!["commit"] } else { Vec::new() },
            version: row.version,
            created_by: row.created_by,
            created_at: Instant(row.created_at),
            updated_at: Instant(row.updated_at),
        }
    }
}

const SELECT: &str = "SELECT i.id, i.type AS kind, i.status, i.format, i.name, i.bytes, i.sha256, i.columns, i.rows_total, c.valid, c.invalid, c.committed, c.failed, i.totals, i.problem, i.job_id,
        j.status AS job_status, i.version, i.created_by, i.created_at, i.updated_at
    FROM import i LEFT JOIN job j ON j.company_id = i.company_id AND j.id = i.job_id
    CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE r.status = 'valid') AS valid, count(*) FILTER (WHERE r.status = 'invalid') AS invalid, count(*) FILTER (WHERE r.status = 'committed') AS committed,
                               count(*) FILTER (WHERE r.status = 'failed') AS failed FROM import_row r WHERE r.company_id = i.company_id AND r.import_id = i.id) AS c
    WHERE i.company_id = $1";
static IMPORTS: List =
    List { select: SELECT, id: "i.id", sorts: &[SortKey { name: "created_at", expression: "i.created_at", kind: "timestamptz" }], default_sort: "-created_at" };

/// Those of the kinds that are open to the caller.
pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &ImportFilter, open: Vec<String>) -> Result<Page<Import>, Problem> {
    let imports = IMPORTS.of(rx).created("i.created_at", paging).any_of("i.type", filter.kind.as_deref()).when("i.type = ANY({})", Some(Many(open)));
    Ok(imports.page::<Row>(rx, paging)?.map(Import::from))
}

pub fn get(rx: &mut Rx<'_>, id: ImportId) -> Result<Import, Problem> {
    let company = rx.company();
    let row: Option<Row> = rx.optional(Sql::new(format!("{SELECT} AND i.id = $2")).bind(company).bind(id))?;
    row.map(Import::from).ok_or_else(|| Problem::not_found("import"))
}

/// Nobody else may begin anything with it until this transaction ends.
pub fn lock(tx: &mut Tx<'_>, id: ImportId) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("SELECT 1 FROM import WHERE company_id = $1 AND id = $2 FOR NO KEY UPDATE").bind(company).bind(id)).map(drop)
}

row! { struct RowRow { n: i32, status: RowStatus, external_id: Option<String>, input: String, problem: Option<String>, object_id: Option<Uuid> } }
static ROWS: List = List {
    select: "SELECT r.n, r.status, r.external_id, r.input, r.problem, r.object_id FROM import_row r WHERE r.company_id = $1 AND r.import_id = $2",
    id: "r.import_id",
    sorts: &[SortKey { name: "row", expression: "r.n", kind: "integer" }],
    default_sort: "row",
};

pub fn rows(rx: &mut Rx<'_>, id: ImportId, paging: &Paging, filter: &RowFilter) -> Result<Page<ImportRow>, Problem> {
    let listing = ROWS.of(rx).with(id).any_of("r.status", filter.status.as_deref()).when("r.external_id = {}", filter.external_id.clone());
    let read = |text: String| serde_json::from_str(&text).unwrap_or_default();
    Ok(listing.page::<RowRow>(rx, paging)?.map(|row| ImportRow {
        row: row.n,
        status: row.status,
        external_id: row.external_id,
        input: read(row.input),
        problem: row.problem.map(read),
        object_id: row.object_id,
    }))
}

/// A file as it arrived.
pub struct Arrived<'a> {
    pub id: ImportId,
    pub kind: ImportType,
    pub format: FileFormat,
    pub dates: DateOrder,
    pub name: Option<&'a str>,
    pub bytes: i64,
    pub sha256: String,
    pub job: JobId,
}

pub fn insert(tx: &mut Tx<'_>, new: &Arrived<'_>) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new("INSERT INTO import (company_id, id, type, format, dates, name, bytes, sha256, job_id, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
            .bind(company)
            .bind(new.id)
            .bind(new.kind)
            .bind(new.format)
            .bind(new.dates)
            .bind(new.name)
            .bind(new.bytes)
            .bind(new.sha256.as_str())
            .bind(new.job)
            .bind(actor),
    )
    .map(drop)
}

/// Bytes of a piece of a file.
pub const PIECE: usize = 1024 * 1024;

pub fn insert_piece(tx: &mut Tx<'_>, id: ImportId, n: i32, content: Vec<u8>) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("INSERT INTO import_piece (company_id, import_id, n, content) VALUES ($1, $2, $3, $4)").bind(company).bind(id).bind(n).bind(content))
        .map(drop)
}

pub fn piece(rx: &mut Rx<'_>, id: ImportId, n: i32) -> Result<Option<Vec<u8>>, Problem> {
    let company = rx.company();
    Ok(rx.scalars(Sql::new("SELECT content FROM import_piece WHERE company_id = $1 AND import_id = $2 AND n = $3").bind(company).bind(id).bind(n))?.pop())
}

row! { pub struct Facts { pub kind: ImportType, pub format: FileFormat, pub dates: DateOrder, pub bytes: i64 } }

pub fn facts(rx: &mut Rx<'_>, id: ImportId) -> Result<Facts, Problem> {
    let company = rx.company();
    rx.one(Sql::new("SELECT type AS kind, format, dates, bytes FROM import WHERE company_id = $1 AND id = $2").bind(company).bind(id))
}

/// Begins anew: what an attempt that broke off left is dropped.
pub fn begin(tx: &mut Tx<'_>, id: ImportId, columns: &[String], total: i64) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("DELETE FROM import_row WHERE company_id = $1 AND import_id = $2").bind(company).bind(id))?;
    tx.execute(
        Sql::new("UPDATE import SET columns = $3, rows_total = $4, version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2")
            .bind(company)
            .bind(id)
            .bind(Many(columns.to_vec()))
            .bind(total),
    )
    .map(drop)
}

/// A row that was judged.
pub struct Judged {
    pub n: i32,
    pub external_id: Option<String>,
    pub input: String,
    pub problem: Option<String>,
}

pub fn insert_rows(tx: &mut Tx<'_>, id: ImportId, rows: &[Judged]) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "INSERT INTO import_row (company_id, import_id, n, status, external_id, input, problem)
             SELECT $1, $2, r.n, CASE WHEN r.problem IS NULL THEN 'valid' ELSE 'invalid' END, r.external_id, r.input, r.problem
             FROM unnest($3::integer[], $4::text[], $5::text[], $6::text[]) AS r(n, external_id, input, problem)",
        )
        .bind(company)
        .bind(id)
        .bind(rows.iter().map(|row| row.n).collect::<Many<_>>())
        .bind(rows.iter().map(|row| row.external_id.clone()).collect::<Many<_>>())
        .bind(rows.iter().map(|row| row.input.clone()).collect::<Many<_>>())
        .bind(rows.iter().map(|row| row.problem.clone()).collect::<Many<_>>()),
    )
    .map(drop)
}

/// Moves an import on.
pub fn turn(tx: &mut Tx<'_>, id: ImportId, status: ImportStatus, totals: Option<&Value>, problem: Option<&Value>) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE import SET status = $3, totals = coalesce($4, totals), problem = $5, version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2")
            .bind(company)
            .bind(id)
            .bind(status)
            .bind(totals.cloned())
            .bind(problem.cloned()),
    )
    .map(drop)
}

pub fn commit_by(tx: &mut Tx<'_>, id: ImportId, job: JobId) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE import SET status = 'committing', job_id = $3, version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2")
            .bind(company)
            .bind(id)
            .bind(job),
    )
    .map(drop)
}

row! { pub struct Waiting { pub n: i32, pub input: String } }

/// The next rows to take in, locked.
pub fn next(tx: &mut Tx<'_>, id: ImportId, most: i64) -> Result<Vec<Waiting>, Problem> {
    let company = tx.company();
    tx.load(
        Sql::new("SELECT n, input FROM import_row WHERE company_id = $1 AND import_id = $2 AND status = 'valid' ORDER BY n LIMIT $3 FOR UPDATE")
            .bind(company)
            .bind(id)
            .bind(most),
    )
}

/// What came of rows: an id or a problem each.
pub fn settle(tx: &mut Tx<'_>, id: ImportId, rows: &[(i32, Result<Uuid, String>)]) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "UPDATE import_row r SET status = CASE WHEN d.object_id IS NULL THEN 'failed' ELSE 'committed' END, object_id = d.object_id, problem = d.problem
             FROM unnest($3::integer[], $4::uuid[], $5::text[]) AS d(n, object_id, problem) WHERE r.company_id = $1 AND r.import_id = $2 AND r.n = d.n",
        )
        .bind(company)
        .bind(id)
        .bind(rows.iter().map(|(n, _)| *n).collect::<Many<_>>())
        .bind(rows.iter().map(|(_, done)| done.as_ref().ok().copied()).collect::<Many<_>>())
        .bind(rows.iter().map(|(_, done)| done.as_ref().err().cloned()).collect::<Many<_>>()),
    )
    .map(drop)
}

/// Drops the files and rows of imports nothing happened to for 30 days; what they were stays known.
pub fn purge(doors: &Doors) -> Result<(), Problem> {
    let companies: Vec<crate::platform::ids::CompanyId> = run_system_read(doors, None, "purgeImports", |rx| rx.scalars(Sql::new("SELECT id FROM company")))?;
    for company in companies {
        run_system(doors, Some(company), "purgeImports", |tx| {
            for table in ["import_piece", "import_row"] {
                let old = "SELECT id FROM import WHERE company_id = $1 AND updated_at < now() - interval '30 days'";
                tx.execute(Sql::new(format!("DELETE FROM {table} WHERE company_id = $1 AND import_id IN ({old})")).bind(company))?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
