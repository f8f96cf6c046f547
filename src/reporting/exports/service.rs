//! The verbs of exports.

use super::manifest::{equal, signed};
use super::problems;
use super::sheet::{Scope, Sheet};
use super::sheets::{confirmation, edit_log, full, gst, o2c, sod, tds};
use super::shelf::Shelf;
use super::store::{self, KEPT_DAYS};
use super::types::{Export, ExportFilter, ExportFormat, ExportType, ManifestFile, NewExport};
use super::writer::Files;
use crate::access::audit_log::export::each_checkpoint;
use crate::access::audit_log::merkle::Hash;
use crate::access::audit_log::service::{Sealer, chain, seal_company, verify};
use crate::access::audit_log::types::Verify;
use crate::ledger::balances::{At, totals};
use crate::platform::dates::Instant;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::ids::{ExportId, JobId};
use crate::platform::jobs::store as jobs;
use crate::platform::jobs::types::{JobStatus, Task};
use crate::platform::jobs::work::{Finish, Running, enqueue};
use crate::platform::page::{Page, Paging};
use crate::platform::text::hex;
use crate::platform::unit_of_work::{Actor, Audited, Change, Rx, Tx, permissions};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::Duration;

pub const KIND: &str = "export";
/// The file whose rate is measured beside COPY.
pub static OPEN_RECEIVABLES: &Sheet = &o2c::OPEN_RECEIVABLES;

/// Takes an export on: the job has the id the export will have.
pub fn create(tx: &mut Tx<'_>, new: &NewExport) -> Result<Audited<Task>, Problem> {
    let principal = tx.cx().principal.clone().ok_or_else(|| Problem::internal(&"no principal"))?;
    permit(tx, new.r#type)?;
    let mut wanted = new.clone();
    let as_of = new.as_of.unwrap_or(tx.cx().today);
    let (from, to) = (new.filters.from, new.filters.to.unwrap_or(as_of));
    let mut errors = Vec::new();
    if as_of > tx.cx().today {
        errors
            .push(FieldError::at("/as_of", "date_in_future", "Balances are known up to today.").expected(format!("at most {}", tx.cx().today)).received(as_of));
    }
    if let Some(from) = from.filter(|from| *from > to) {
        errors.push(FieldError::at("/filters/from", "invalid_value", "from must not lie after to.").expected(format!("at most {to}")).received(from));
    }
    let unknown = store::unknown_registrations(tx, &new.filters.gstin)?;
    for (at, gstin) in new.filters.gstin.iter().enumerate().filter(|(_, gstin)| unknown.contains(gstin)) {
        errors.push(FieldError::at(format!("/filters/gstin/{at}"), "not_found", "The company has no such registration.").received(gstin));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    // What is left out is settled now, not when the work begins.
    wanted.as_of = Some(as_of);
    wanted.format = Some(new.format.unwrap_or(ExportFormat::Csv));
    wanted.filters.to = Some(to);
    wanted.csv_safe = Some(new.csv_safe.unwrap_or(matches!(principal.actor, Actor::User(_))));
    let id = JobId::new();
    let input = serde_json::to_value(&wanted).map_err(|error| Problem::internal(&error))?;
    let task = enqueue(tx, id, KIND, &input)?;
    Ok(tx.record(Change::new("export.requested", id.uuid()).after(&input), task))
}

/// Whether the caller's role may have what an export of this type holds: whoever may not ask for it may not take it away either.
fn admits(rx: &Rx<'_>, kind: ExportType) -> bool {
    let roles = rx.cx().principal.as_ref().map(|principal| principal.roles.as_slice()).unwrap_or_default();
    permissions::grant(kind.needs()).is_some_and(|grant| roles.iter().any(|role| grant.held_by(role)))
}

fn permit(rx: &Rx<'_>, kind: ExportType) -> Result<(), Problem> {
    if admits(rx, kind) {
        return Ok(());
    }
    let needed = kind.needs();
    Err(Problem::new(problem::PERMISSION_DENIED, format!("An export of {kind} needs the permission {needed}.")).member("required_permission", needed))
}

/// Those the caller's role may have.
pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &ExportFilter) -> Result<Page<Export>, Problem> {
    let open: Vec<String> = ExportType::ALL.iter().filter(|kind| admits(rx, **kind)).map(ToString::to_string).collect();
    store::list(rx, paging, filter, open)
}

/// What was written of an export.
struct Built {
    manifest: String,
    files: Vec<ManifestFile>,
    rows: u64,
}

/// Does the work of an export: files first, then, at once, its record and the end of the job.
pub fn run(running: &Running<'_>, shelf: &Shelf, sealer: &Sealer) -> Result<Finish, Problem> {
    let wanted: NewExport = running.input()?;
    let (company, id) = (running.behalf.company(), ExportId::of(running.id.uuid()));
    let failed = |error: std::io::Error| Problem::internal(&format!("exports cannot be kept: {error}"));
    // So that the proof covers what was done up to now.
    if let Err(problem) = seal_company(running.doors, sealer, company) {
        tracing::error!(%company, %problem, "the audit log cannot be sealed");
    }
    let kept = sealer.kept.of(company);
    let draft = shelf.begin(company, id).map_err(failed)?;
    let built = running.read(|rx| build(rx, running, (id, &wanted), draft.directory(), sealer, kept))?;
    running.progress(built.rows, Some(built.rows))?;
    Ok(Box::new(move |tx| {
        // The lease is held until this transaction ends: nobody else puts other files there.
        draft.keep().map_err(failed)?;
        let (as_of, format) = (wanted.as_of.unwrap_or(tx.cx().today), wanted.format.unwrap_or(ExportFormat::Csv));
        store::insert(tx, &store::Kept { id, wanted: &wanted, as_of, format, manifest: &built.manifest, files: &built.files })?;
        let names: Vec<&str> = built.files.iter().map(|file| file.name.as_str()).collect();
        let result = json!({"export_id": id, "type": wanted.r#type, "rows": built.rows, "manifest": format!("/v1/exports/{id}/manifest"), "files": names});
        let told = json!({"type": wanted.r#type, "as_of": as_of, "format": format, "filters": wanted.filters, "rows": built.rows, "files": names});
        let _ = tx.record(Change::new("export.ready", id.uuid()).after(&told), ());
        Ok(result)
    }))
}

fn build(
    rx: &mut Rx<'_>,
    running: &Running<'_>,
    (id, wanted): (ExportId, &NewExport),
    draft: &Path,
    sealer: &Sealer,
    kept: Option<(u64, Hash)>,
) -> Result<Built, Problem> {
    rx.take_time()?;
    let as_of = wanted.as_of.unwrap_or(rx.cx().today);
    let format = wanted.format.unwrap_or(ExportFormat::Csv);
    let csv_safe = wanted.csv_safe.unwrap_or(true);
    let currency = rx.cx().currency();
    let at = At::of(rx, Some(as_of), None)?;
    let scope = Scope {
        as_of,
        known_at: at.horizon(),
        from: wanted.filters.from.unwrap_or(NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default()),
        to: wanted.filters.to.unwrap_or(as_of),
        gstins: wanted.filters.gstin.clone(),
    };
    let tick = |rows: u64| running.progress(rows, None);
    let mut files = Files::new(draft, format, csv_safe, currency, &tick);
    let mut controls = Vec::new();
    let all = |rx: &mut Rx<'_>, files: &mut Files<'_>, sheets: &[&Sheet]| sheets.iter().try_for_each(|sheet| files.sheet(rx, sheet, &scope).map(drop));
    match wanted.r#type {
        ExportType::AuditO2c => {
            all(rx, &mut files, &[&o2c::CUSTOMER_MASTER])?;
            let invoices = files.sheet(rx, &o2c::INVOICES, &scope)?;
            let lines = files.sheet(rx, &o2c::INVOICE_LINES, &scope)?;
            let open = files.sheet(rx, &o2c::OPEN_RECEIVABLES, &scope)?;
            all(rx, &mut files, &[&o2c::CASH_RECEIVED, &o2c::CASH_APPLICATION, &o2c::ADJUSTMENTS])?;
            let ledger = files.sheet(rx, &o2c::GL_DETAIL, &scope)?;
            let trial = files.sheet(rx, &o2c::TRIAL_BALANCE, &scope)?;
            all(rx, &mut files, &[&o2c::ACCOUNTS, &o2c::USERS])?;
            controls.push(receivable(rx, at, open.of("balance"), wanted)?);
            controls.push(equal("debits_equal_credits", ledger.of("debit"), ledger.of("credit"), currency.exponent()));
            controls.push(equal("trial_balance_is_level", trial.of("debit"), trial.of("credit"), currency.exponent()));
            controls.push(equal("invoices_are_their_lines", invoices.of("taxable_value"), lines.of("taxable_value"), currency.exponent()));
        }
        ExportType::EditLog => {
            files.sheet_as(rx, &edit_log::LOG, &scope, ExportFormat::Jsonl)?;
            files.array("checkpoints.json", |push| each_checkpoint_into(rx, sealer, push))?;
            files.sheet(rx, &edit_log::CONTROL_REPORT, &scope)?;
            let verified = verify(rx, sealer, &Verify::default(), kept)?;
            controls.push(json!({"name": "log_and_records_agree", "from_seq": verified.from_seq, "to_seq": verified.to_seq, "findings": verified.findings.len(), "passed": verified.verified}));
        }
        ExportType::GstAudit => {
            let differences = gst::write(rx, &mut files, &scope, format)?;
            controls.push(json!({"name": "returns_equal_books", "differences": differences, "passed": differences == 0}));
        }
        ExportType::ArConfirmation => {
            let balances = files.sheet(rx, &confirmation::BALANCES, &scope)?;
            let open = files.sheet(rx, &o2c::OPEN_RECEIVABLES, &scope)?;
            all(rx, &mut files, &[&confirmation::STATEMENTS, &confirmation::REPLIES])?;
            controls.push(receivable(rx, at, open.of("balance"), wanted)?);
            controls.push(equal("balances_are_their_items", balances.of("balance"), open.of("balance"), currency.exponent()));
        }
        ExportType::SodReport => {
            all(rx, &mut files, &[&o2c::USERS, &sod::ASSIGNMENTS, &sod::WAIVERS, &sod::BLOCKED, &sod::DECISIONS, &sod::POLICIES])?;
            sod::conflicts(rx, &mut files)?;
        }
        ExportType::Tds26as => all(rx, &mut files, &[&tds::DEDUCTIONS, &tds::CERTIFICATES, &tds::RECONCILIATION])?,
        ExportType::Full => {
            full::write(rx, &mut files)?;
            let (subledger, gl) = (crate::ledger::balances::subledger(rx, at)?, totals(rx, at)?.gl);
            controls.push(agreed(subledger, gl, wanted, currency.exponent())?);
        }
    }
    let counts = store::counts(rx, as_of)?;
    if matches!(wanted.r#type, ExportType::AuditO2c | ExportType::GstAudit | ExportType::Full) {
        controls.push(json!({"name": "invoice_number_gaps", "gaps": counts.number_gaps, "passed": counts.number_gaps == 0}));
    }
    if matches!(wanted.r#type, ExportType::Full) {
        controls.push(equal("debits_equal_credits", counts.ledger_debits, counts.ledger_credits, currency.exponent()));
    }
    if matches!(wanted.r#type, ExportType::SodReport | ExportType::AuditO2c) {
        controls.push(json!({"name": "decided_by_requester", "count": counts.self_approved, "passed": counts.self_approved == 0}));
    }
    // A waiver is no fault, but every audit pack names it.
    controls.push(json!({"name": "sod_waivers_active", "count": counts.waivers, "passed": true}));
    if files.cut > 0 {
        controls.push(json!({"name": "cells_cut_to_fit", "count": files.cut, "passed": false}));
    }
    let chain = chain(rx, sealer, kept)?;
    let (about, told) = (store::about(rx)?, store::last_event(rx)?);
    let members = json!({
        "object": "export_manifest",
        "manifest_version": 1,
        "export_id": id,
        "type": wanted.r#type,
        "type_version": wanted.r#type.version(),
        "company": {"id": rx.company(), "legal_name": about.legal_name, "pan": about.pan},
        "requested_by": rx.cx().actor.to_string(),
        "requested_role": running.behalf.roles().first().map_or("integration", String::as_str),
        "filters": wanted.filters,
        "as_of": as_of,
        "snapshot": {"taken_at": Instant(rx.cx().now), "audit_seq": chain.size, "event_sequence": told},
        "format": written_as(format, csv_safe),
        "files": files.done,
        "controls": controls,
        "audit_chain": {"from_seq": chain.size.min(1), "to_seq": chain.size, "head": hex(&chain.root), "verified": chain.sound},
    });
    let Value::Object(members) = members else { return Err(Problem::internal(&"a manifest is an object")) };
    let manifest = signed(members, &sealer.keys).to_string();
    let rows = files.rows;
    Ok(Built { manifest, files: files.done, rows })
}

fn each_checkpoint_into(rx: &mut Rx<'_>, sealer: &Sealer, push: &mut dyn FnMut(&Value) -> Result<(), Problem>) -> Result<(), Problem> {
    each_checkpoint(rx, sealer, push).map(drop)
}

/// The open items as written against the control account.
fn receivable(rx: &mut Rx<'_>, at: At, open: Decimal, wanted: &NewExport) -> Result<Value, Problem> {
    let gl = totals(rx, at)?.gl;
    agreed(open, gl, wanted, rx.cx().currency().exponent())
}

fn agreed(open: Decimal, gl: Decimal, wanted: &NewExport, exponent: u32) -> Result<Value, Problem> {
    let control = equal("ar_subledger_equals_gl", open, gl, exponent);
    if open != gl && !wanted.allow_difference {
        let detail = "Open items and the control account differ; see GET /v1/reconciliations/ar-gl, or export with allow_difference.";
        return Err(Problem::new(problems::AR_GL_UNRECONCILED, detail).member("control", control));
    }
    Ok(control)
}

fn written_as(format: ExportFormat, csv_safe: bool) -> Value {
    let mut members = Map::from_iter([("kind".to_owned(), json!(format)), ("encoding".to_owned(), json!("utf-8"))]);
    match format {
        ExportFormat::Csv => {
            members.extend([("delimiter".to_owned(), json!(",")), ("newline".to_owned(), json!("\n")), ("csv_safe".to_owned(), json!(csv_safe))]);
        }
        ExportFormat::Jsonl => members.extend([("newline".to_owned(), json!("\n"))]),
        ExportFormat::Xlsx => members.extend([("csv_safe".to_owned(), json!(csv_safe))]),
    }
    Value::Object(members)
}

/// The manifest of an export that is done, word for word.
///
/// # Errors
/// `export_not_ready` while it is worked on, `not_found` where there is none, `permission_denied` where the caller's role may not
/// have what is in it.
pub fn manifest(rx: &mut Rx<'_>, id: ExportId) -> Result<String, Problem> {
    if let Some(kept) = store::manifest(rx, id)? {
        permit(rx, kept.kind)?;
        return Ok(kept.manifest);
    }
    match jobs::status(rx, JobId::of(id.uuid()))? {
        Some(JobStatus::Queued | JobStatus::Running) => {
            Err(Problem::new(problems::EXPORT_NOT_READY, "The export is being written; ask its job when it is done.").retry_after(1))
        }
        _ => Err(Problem::not_found("export")),
    }
}

/// A file of an export as its manifest lists it.
pub fn file(rx: &mut Rx<'_>, id: ExportId, name: &str) -> Result<ManifestFile, Problem> {
    let manifest: Value = serde_json::from_str(&manifest(rx, id)?).map_err(|error| Problem::internal(&error))?;
    let found = manifest["files"].as_array().into_iter().flatten().find(|file| file["name"] == name);
    let found = found.ok_or_else(|| Problem::not_found("file"))?;
    serde_json::from_value(found.clone()).map_err(|error| Problem::internal(&error))
}

/// Removes files that were kept long enough.
pub fn sweep(shelf: &Shelf) -> Result<(), Problem> {
    shelf.sweep(Duration::from_secs(KEPT_DAYS.unsigned_abs() * 24 * 3600)).map_err(|error| Problem::internal(&error))
}
