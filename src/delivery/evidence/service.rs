//! Gathering and packing.

use super::store::{self, Found, State};
use crate::access::audit_log::service::{Sealer, checkpoint, sealed_entry};
use crate::billing::invoices::order::Kind;
use crate::delivery::documents::service::{self as documents, Sheet, Subject};
use crate::delivery::documents::types::Copies;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::http::reply::File;
use crate::platform::ids::{InvoiceId, ReceiptId, RefundId};
use crate::platform::text::hex;
use crate::platform::unit_of_work::Rx;
use crate::reporting::exports::manifest::signed;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::io::{Cursor, Write};
use uuid::Uuid;
use zip::write::SimpleFileOptions;

/// Events whose place in the log is proved in the bundle itself; of others `/v1/audit/entries/{seq}` gives the proof.
const PROVED: usize = 20;

/// What was found of a document.
pub struct Gathered {
    found: Found,
    id: Uuid,
    files: Vec<(&'static str, Vec<u8>)>,
    paper: Option<Sheet>,
    about: Map<String, Value>,
}

/// What can be printed of it.
pub fn subject(found: &Found, id: Uuid) -> Option<Subject> {
    match found.kind.as_str() {
        "receipt" => Some(Subject::Receipt(ReceiptId::of(id))),
        "refund" => Some(Subject::Refund(RefundId::of(id))),
        kind => Kind::parse(kind).map(|kind| Subject::Billed(kind, InvoiceId::of(id))),
    }
}

fn pretty(value: &impl serde::Serialize) -> Result<Vec<u8>, Problem> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| Problem::internal(&error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn shown(tab: &str, states: &[State]) -> Value {
    states.iter().map(|one| json!({"record": tab, "id": one.id, "sha256": one.sha256, "state": one.state})).collect()
}

/// Gathers what there is; `None` while the paper of the document is not kept yet.
pub fn gather(rx: &mut Rx<'_>, sealer: &Sealer, id: Uuid) -> Result<Option<Gathered>, Problem> {
    let found = store::find(rx, id)?.ok_or_else(|| Problem::not_found("document"))?;
    // As it is given to the recipient.
    let original = Copies { copies: None, copy: None };
    let copies = (found.tab == "invoice").then_some(&original);
    let paper = match subject(&found, id).map(|subject| documents::sheet(rx, subject, copies)) {
        Some(Ok(None)) => return Ok(None),
        Some(Ok(sheet)) => sheet,
        // Not everything that could be printed is: money that is no advance has no voucher.
        Some(Err(problem)) if problem.refusal().status < 500 => None,
        Some(Err(problem)) => return Err(problem),
        None => None,
    };
    let record = store::record(rx, &found.tab, id)?;
    let entries = store::entries(rx, id)?;
    let settlements = store::settlements(rx, id)?;
    let approvals = store::approvals(rx, id)?;
    let mut about: Vec<Uuid> = vec![id];
    about.extend(settlements.iter().flat_map(|one| [one.source_id, one.target_id]));
    about.extend(approvals.iter().map(|one| one.id));
    about.sort_unstable();
    about.dedup();
    let events = store::events(rx, about)?;
    let mut lines = Vec::new();
    let mut proved = 0;
    for event in &events {
        let mut line = serde_json::to_value(event).map_err(|error| Problem::internal(&error))?;
        if let Some(seq) = event.seq.filter(|_| event.resource_id == id && proved < PROVED) {
            let entry = sealed_entry(rx, seq, None)?;
            line["tree_size"] = json!(entry.tree_size);
            line["inclusion_proof"] = json!(entry.inclusion_proof);
            proved += 1;
        }
        serde_json::to_writer(&mut lines, &line).map_err(|error| Problem::internal(&error))?;
        lines.push(b'\n');
    }
    let head = crate::access::audit_log::service::newest(rx)?;
    let mut files = vec![
        ("record.json", pretty(&shown(&found.tab, &record))?),
        ("entries.json", pretty(&shown("journal_entry", &entries))?),
        ("settlements.json", pretty(&settlements)?),
        ("approvals.json", pretty(&shown("approval", &approvals))?),
        ("audit_entries.jsonl", lines),
    ];
    if let Some(size) = head {
        files.push(("checkpoint.txt", checkpoint(rx, sealer, size, None)?.note.into_bytes()));
    }
    let about = json!({
        "object": "evidence_manifest", "manifest_version": 1, "company_id": rx.company(),
        "document": {"type": found.kind, "id": id, "number": found.number}, "requested_by": rx.cx().actor.to_string(),
        "snapshot": {"taken_at": Instant(rx.cx().now), "audit_seq": head.unwrap_or(0)},
    });
    let Value::Object(about) = about else { return Err(Problem::internal(&"a manifest is an object")) };
    Ok(Some(Gathered { found, id, files, paper, about }))
}

/// One file of all, with the signed list of what is in it.
pub fn pack(gathered: Gathered, sealer: &Sealer) -> Result<File, Problem> {
    let Gathered { found, id, mut files, paper, mut about } = gathered;
    if let Some(paper) = paper {
        files.push(("document.pdf", documents::render(paper)?.content));
    }
    let listed = files.iter().map(|(name, content)| json!({"name": name, "bytes": content.len(), "sha256": hex(&Sha256::digest(content))}));
    about.insert("files".into(), listed.collect());
    files.push(("manifest.json", pretty(&signed(about, &sealer.keys))?));
    let failed = |error: &dyn std::fmt::Display| Problem::internal(error);
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    // The same time in all of them: what is the same packs the same.
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated).last_modified_time(zip::DateTime::default());
    for (name, content) in &files {
        archive.start_file(*name, options).map_err(|error| failed(&error))?;
        archive.write_all(content).map_err(|error| failed(&error))?;
    }
    let content = archive.finish().map_err(|error| failed(&error))?.into_inner();
    let number: String = found.number.unwrap_or_else(|| id.to_string()).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Ok(File { media_type: "application/zip", name: format!("evidence-{}-{number}.zip", found.kind), content })
}
