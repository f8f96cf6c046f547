//! Everything an outsider needs to verify a company's books: written in one snapshot, with constant memory.
//!
//! | file | a line |
//! |---|---|
//! | `export.json` | company, size and root of the log, when |
//! | `events.jsonl` | `{"id", "body", "states"}`; the n-th line is leaf n |
//! | `checkpoints.jsonl` | `{"size", "note"}`, smallest first |
//! | `unsealed.jsonl` | ids of events that have no leaf; empty in a sound export |
//! | `state/<table>.jsonl` | `{"id", "state"}`: the text the digest of each record is made of |
//! | `balances.jsonl` | `{"item_id", "open_amount", "open_base"}`: what is left of each open item |

use super::service::{Sealer, shown};
use super::store::{self, Waiting};
use crate::platform::http::Problem;
use crate::platform::ids::CompanyId;
use crate::platform::text::hex;
use crate::platform::unit_of_work::{Doors, Rx, run_system_read};
use serde::Serialize;
use serde_json::{Value, json};
use std::fs::{File, create_dir_all};
use std::io::{BufWriter, Write};
use std::path::Path;
use uuid::Uuid;

const BATCH: i64 = 1_000;

/// What was written.
pub struct Exported {
    pub size: i64,
    pub root: String,
    pub unsealed: usize,
}

struct Lines(BufWriter<File>);
impl Lines {
    fn create(directory: &Path, name: &str) -> Result<Self, Problem> {
        File::create(directory.join(name)).map(|file| Self(BufWriter::new(file))).map_err(|error| Problem::internal(&format!("{name}: {error}")))
    }
    fn line(&mut self, value: &impl Serialize) -> Result<(), Problem> {
        serde_json::to_writer(&mut self.0, value).map_err(|error| Problem::internal(&error))?;
        self.0.write_all(b"\n").map_err(|error| Problem::internal(&error))
    }
    fn finish(mut self) -> Result<(), Problem> {
        self.0.flush().map_err(|error| Problem::internal(&error))
    }
}

/// Writes a company's export into a directory.
pub fn export(doors: &Doors, sealer: &Sealer, company: CompanyId, directory: &Path) -> Result<Exported, Problem> {
    create_dir_all(directory.join("state")).map_err(|error| Problem::internal(&error))?;
    run_system_read(doors, Some(company), "exportAudit", |rx| written(rx, sealer, directory))
}

/// Gives every signed head to `each`, smallest first, as `{"size", "note"}`. Gives the newest.
pub fn each_checkpoint(rx: &mut Rx<'_>, sealer: &Sealer, mut each: impl FnMut(&Value) -> Result<(), Problem>) -> Result<Option<(i64, Vec<u8>)>, Problem> {
    let company = rx.company();
    let mut newest: Option<(i64, Vec<u8>)> = None;
    loop {
        let heads = store::heads_after(rx, newest.as_ref().map_or(0, |(size, _)| *size), BATCH)?;
        let Some(last) = heads.last() else { return Ok(newest) };
        newest = Some((last.size, last.root.clone()));
        for head in &heads {
            each(&json!({"size": head.size, "note": shown(sealer, company, head).note}))?;
        }
    }
}

fn written(rx: &mut Rx<'_>, sealer: &Sealer, directory: &Path) -> Result<Exported, Problem> {
    rx.take_time()?;
    let company = rx.company();
    let mut events = Lines::create(directory, "events.jsonl")?;
    let mut size = 0;
    loop {
        let rows = store::leaves(rx, size, BATCH)?;
        let Some(last) = rows.last() else { break };
        size = last.seq;
        for row in &rows {
            // A leaf whose event is gone, or that is gone itself, is a line that hashes to something else.
            events.line(&json!({"id": row.id, "body": row.body, "states": row.states}))?;
        }
    }
    events.finish()?;
    let mut checkpoints = Lines::create(directory, "checkpoints.jsonl")?;
    let newest = each_checkpoint(rx, sealer, |checkpoint| checkpoints.line(checkpoint))?;
    checkpoints.finish()?;
    let mut waiting = Lines::create(directory, "unsealed.jsonl")?;
    let (mut after, mut unsealed) = ((-1, Uuid::nil()), 0);
    loop {
        let rows = store::unsealed(rx, after, Waiting::Any, BATCH)?;
        let Some(last) = rows.last() else { break };
        after = (last.position, last.id);
        unsealed += rows.len();
        for row in &rows {
            waiting.line(&json!({"id": row.id}))?;
        }
    }
    waiting.finish()?;
    for table in store::governed(rx)? {
        let mut lines = Lines::create(&directory.join("state"), &format!("{table}.jsonl"))?;
        let mut after = Uuid::nil();
        loop {
            let rows = store::states(rx, &table, after, BATCH)?;
            let Some((last, _)) = rows.last() else { break };
            after = *last;
            for (id, state) in &rows {
                lines.line(&json!({"id": id, "state": state}))?;
            }
        }
        lines.finish()?;
    }
    let mut balances = Lines::create(directory, "balances.jsonl")?;
    let mut after = Uuid::nil();
    loop {
        let rows = store::balances(rx, after, BATCH)?;
        let Some(last) = rows.last() else { break };
        after = last.item_id;
        for row in &rows {
            balances.line(row)?;
        }
    }
    balances.finish()?;
    let (size, root) = newest.map_or((0, String::new()), |(size, root)| (size, hex(&root)));
    let mut about = Lines::create(directory, "export.json")?;
    about.line(
        &json!({"format": 1, "company_id": company, "size": size, "root": root, "exported_at": crate::platform::dates::Instant(crate::platform::clock::now())}),
    )?;
    about.finish()?;
    Ok(Exported { size, root, unsealed })
}
