//! The verbs of imports.

use super::types::{CommitImport, CommitMode, DateOrder, FileFormat, Import, ImportFilter, ImportQuery, ImportStatus};
use super::{kinds, problems, store, work};
use crate::platform::http::problem::{self, Problem};
use crate::platform::http::reply::require_version;
use crate::platform::http::upload::Upload;
use crate::platform::ids::{ImportId, JobId};
use crate::platform::jobs::types::Task;
use crate::platform::jobs::work::enqueue;
use crate::platform::page::{Page, Paging};
use crate::platform::text::hex;
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};
use serde_json::json;

/// Media types and what they are.
const FORMATS: [(&str, FileFormat); 5] = [
    ("text/csv", FileFormat::Csv),
    ("application/csv", FileFormat::Csv),
    ("application/jsonl", FileFormat::Jsonl),
    ("application/x-ndjson", FileFormat::Jsonl),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", FileFormat::Xlsx),
];

/// Takes a file in and begins to validate it. The job has the id of the import.
pub fn create(tx: &mut Tx<'_>, upload: &Upload, query: &ImportQuery) -> Result<Audited<Task>, Problem> {
    let kind = kinds::of(query.kind);
    kind.permit(tx)?;
    let format = FORMATS.iter().find(|(media, _)| *media == upload.media_type).map(|(_, format)| *format).ok_or_else(|| {
        let known: Vec<&str> = FORMATS.iter().map(|(media, _)| *media).collect();
        Problem::new(problem::UNSUPPORTED_MEDIA_TYPE, format!("Send the file as one of {}.", known.join(", ")))
    })?;
    let id = ImportId::new();
    let job = JobId::of(id.uuid());
    let arrived = store::Arrived {
        id,
        kind: query.kind,
        format,
        dates: query.dates.unwrap_or(DateOrder::Iso),
        name: query.name.as_deref(),
        bytes: i64::try_from(upload.bytes).unwrap_or(i64::MAX),
        sha256: hex(&upload.sha256),
        job,
    };
    store::insert(tx, &arrived)?;
    for n in 0_u32.. {
        let piece = upload.part(u64::from(n) * store::PIECE as u64, store::PIECE)?;
        if piece.is_empty() {
            break;
        }
        store::insert_piece(tx, id, i32::try_from(n).unwrap_or(i32::MAX), piece)?;
    }
    let task = enqueue(tx, job, work::VALIDATION, &json!({"import_id": id}))?;
    let file = json!({"type": query.kind, "format": format, "name": query.name, "bytes": upload.bytes, "sha256": arrived.sha256});
    Ok(tx.record(Change::new("import.created", id.uuid()).after(&file), task))
}

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &ImportFilter) -> Result<Page<Import>, Problem> {
    let open = kinds::open_to(rx)?;
    store::list(rx, paging, filter, open)
}

/// An import, for whoever may take in such rows.
pub fn get(rx: &mut Rx<'_>, id: ImportId) -> Result<Import, Problem> {
    let import = store::get(rx, id)?;
    kinds::of(import.kind).permit(rx)?;
    Ok(import)
}

/// Begins to take in the valid rows.
pub fn commit(tx: &mut Tx<'_>, id: ImportId, version: Option<i64>, wanted: &CommitImport) -> Result<Audited<Task>, Problem> {
    store::lock(tx, id)?;
    let import = get(tx, id)?;
    require_version(version, import.version)?;
    if import.allowed_actions.is_empty() {
        return Err(Problem::new(
            problem::INVALID_STATE,
            format!("The import is {} and has {} rows to take in.", import.status.as_str().replace('_', " "), import.rows.valid),
        )
        .member("current", json!({"status": import.status}))
        .member("allowed_actions", json!([])));
    }
    if wanted.mode == CommitMode::All && import.rows.invalid + import.rows.failed > 0 {
        return Err(Problem::new(problems::INVALID_ROWS, "Correct the file, or commit with mode valid_only.")
            .member("current", json!({"status": import.status, "rows": import.rows})));
    }
    let job = JobId::new();
    let task = enqueue(tx, job, work::COMMIT, &json!({"import_id": id}))?;
    store::commit_by(tx, id, job)?;
    let after = json!({"type": import.kind, "status": ImportStatus::Committing, "mode": wanted.mode, "sha256": import.file.sha256});
    Ok(tx.record(Change::new("import.committing", id.uuid()).version(import.version + 1).after(&after), task))
}
