//! The long part of imports: looking through a file, and taking its rows in.

use super::columns::{Assembler, Header, Known, Record};
use super::file::{self, Item, unreadable};
use super::kinds::{self, Kind, Outcome};
use super::problems;
use super::store::{self, Facts, Judged};
use super::types::ImportStatus;
use crate::platform::http::contract::Fault;
use crate::platform::http::problem::{FieldError, Problem};
use crate::platform::ids::ImportId;
use crate::platform::jobs::work::{Finish, Running, Work};
use crate::platform::unit_of_work::Change;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};
use std::io::{self, Read, Seek, SeekFrom};

pub const VALIDATION: &str = "import_validation";
pub const COMMIT: &str = "import_commit";

/// What the workers need to know.
pub fn kinds() -> [Work; 2] {
    [Work { kind: VALIDATION, run: Box::new(validate) }, Work { kind: COMMIT, run: Box::new(commit) }]
}

#[derive(Deserialize)]
struct Input {
    import_id: ImportId,
}

/// A file in the database, read piece by piece.
struct Stored<'r, 'd> {
    running: &'r Running<'d>,
    id: ImportId,
    size: u64,
    at: u64,
    piece: Option<(u64, Vec<u8>)>,
}

impl<'r, 'd> Stored<'r, 'd> {
    fn new(running: &'r Running<'d>, id: ImportId, facts: &Facts) -> Self {
        Self { running, id, size: u64::try_from(facts.bytes).unwrap_or(0), at: 0, piece: None }
    }
}

impl Read for Stored<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.size {
            return Ok(0);
        }
        let (n, inside) = (self.at / store::PIECE as u64, usize::try_from(self.at % store::PIECE as u64).unwrap_or(0));
        if self.piece.as_ref().is_none_or(|(held, _)| *held != n) {
            let found = self.running.read(|rx| store::piece(rx, self.id, i32::try_from(n).unwrap_or(i32::MAX))).map_err(io::Error::other)?;
            self.piece = Some((n, found.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?));
        }
        let held = self.piece.as_ref().and_then(|(_, piece)| piece.get(inside..)).unwrap_or_default();
        let read = held.len().min(buffer.len());
        buffer[..read].copy_from_slice(&held[..read]);
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Stored<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.at)
    }
}

/// Looks through the file, then does and takes back row after row.
fn validate(running: &Running<'_>) -> Result<Finish, Problem> {
    let id = running.input::<Input>()?.import_id;
    let facts = running.read(|rx| store::facts(rx, id))?;
    let kind = kinds::of(facts.kind);
    match look_through(running, id, &facts, kind) {
        Ok(totals) => Ok(Box::new(move |tx| {
            store::turn(tx, id, ImportStatus::Validated, Some(&totals), None)?;
            Ok(json!({"import_id": id}))
        })),
        Err(problem) if problem.is(problems::FILE_INVALID) => {
            let told =
                serde_json::to_value(problem.document(&format!("/v1/imports/{id}"), running.behalf.request_id())).map_err(|error| Problem::internal(&error))?;
            running.write(|tx| store::turn(tx, id, ImportStatus::Failed, None, Some(&told)))?;
            Err(problem)
        }
        Err(problem) => Err(problem),
    }
}

/// A problem as it is kept with its row.
fn document(problem: &Problem, path: &str) -> String {
    serde_json::to_string(&problem.document(path, "")).unwrap_or_default()
}

fn look_through(running: &Running<'_>, id: ImportId, facts: &Facts, kind: &'static Kind) -> Result<Value, Problem> {
    let known = kind.columns()?;
    let (mut columns, mut rows) = (Vec::new(), 0_u64);
    let mut first = true;
    file::read(facts.format, Stored::new(running, id, facts), &mut |_, item| {
        if let (true, Item::Cells(cells)) = (std::mem::take(&mut first), &item) {
            columns = Header::read(cells, &known)?.names;
        } else {
            rows += 1;
        }
        running.progress(0, None)
    })?;
    if rows == 0 {
        return Err(unreadable("The file has no rows.").errors(vec![FieldError::parameter("file", "empty", "The file has no rows.")]));
    }
    running.write(|tx| store::begin(tx, id, &columns, i64::try_from(rows).unwrap_or(i64::MAX)))?;
    let mut batch = Batch { running, id, kind, rows: Vec::new(), totals: BTreeMap::new(), seen: HashSet::new() };
    let mut done = 0;
    records(running, id, facts, &known, &mut |record| {
        done = u64::from(record.n).min(rows);
        batch.take(record)?;
        running.progress(done, Some(rows))
    })?;
    batch.flush()?;
    running.progress(rows, Some(rows))?;
    let totals = batch.totals.into_iter().map(|(currency, amount)| json!({"currency": currency, "amount": amount.to_string()}));
    Ok(totals.collect())
}

/// The bodies of a file.
fn records(running: &Running<'_>, id: ImportId, facts: &Facts, known: &Known, each: &mut dyn FnMut(Record) -> Result<(), Problem>) -> Result<(), Problem> {
    let mut assembler: Option<Assembler> = None;
    file::read(facts.format, Stored::new(running, id, facts), &mut |n, item| match (item, &mut assembler) {
        (Item::Cells(cells), None) => {
            assembler = Some(Assembler::new(Header::read(&cells, known)?, facts.dates));
            Ok(())
        }
        (Item::Cells(cells), Some(assembler)) => assembler.take(n, &cells).map_or(Ok(()), &mut *each),
        (Item::Body(Value::Object(body)), _) => each(Record::of(n, body)),
        (Item::Body(_), _) => Ok(()),
    })?;
    assembler.as_mut().and_then(Assembler::finish).map_or(Ok(()), each)
}

/// Rows that are judged together.
struct Batch<'r, 'd> {
    running: &'r Running<'d>,
    id: ImportId,
    kind: &'static Kind,
    rows: Vec<(Judged, Option<Value>)>,
    totals: BTreeMap<String, Decimal>,
    /// What identifies the rows so far.
    seen: HashSet<String>,
}

impl Batch<'_, '_> {
    fn take(&mut self, record: Record) -> Result<(), Problem> {
        let text = |name: &str| record.body.get(name).and_then(Value::as_str).map(str::to_owned);
        let external_id = text("external_id");
        let keys: Vec<String> = self.kind.unique.iter().filter_map(|names| key(names, &record.body)).collect();
        let body = Value::Object(record.body);
        let mut fault = if record.faults.is_empty() { None } else { Some(Problem::invalid(record.faults)) };
        if fault.is_none() {
            let faults = self.kind.operation()?.body_faults(&body);
            fault = (!faults.is_empty()).then(|| Fault::problem(faults));
        }
        if fault.is_none() && keys.into_iter().map(|key| self.seen.insert(key)).filter(|new| !new).count() > 0 {
            fault = Some(Problem::new(problems::DUPLICATE_IN_FILE, format!("An earlier row of this file has the same {}.", self.kind.same())));
        }
        let judged = Judged {
            n: i32::try_from(record.n).unwrap_or(i32::MAX),
            external_id,
            input: body.to_string(),
            problem: fault.map(|problem| document(&problem, self.kind.path)),
        };
        let body = judged.problem.is_none().then_some(body);
        self.rows.push((judged, body));
        if self.rows.len() >= self.kind.batch { self.flush() } else { Ok(()) }
    }

    /// Does what the rows ask for, takes it back, and notes what would have come of it.
    fn flush(&mut self) -> Result<(), Problem> {
        let bodies: Vec<Value> = self.rows.iter().filter_map(|(_, body)| body.clone()).collect();
        let (kind, id, rows) = (self.kind, self.id, &self.rows);
        let outcomes = self.running.write(|tx| {
            let outcomes = if bodies.is_empty() { Vec::new() } else { tx.rehearsed(|tx| kind.run(tx, &bodies))? };
            let mut of_valid = outcomes.iter();
            let judged: Vec<Judged> = rows.iter().map(|(judged, body)| told(judged, body.as_ref().and_then(|_| of_valid.next()), kind)).collect();
            store::insert_rows(tx, id, &judged)?;
            Ok(outcomes)
        })?;
        for (currency, amount) in outcomes.into_iter().flatten().filter_map(|made| made.amount) {
            *self.totals.entry(currency).or_default() += amount;
        }
        self.rows.clear();
        Ok(())
    }
}

/// What tells a row from others by these members; `None` where it has none of them.
fn key(names: &[&str], body: &Map<String, Value>) -> Option<String> {
    let given: Vec<String> = names.iter().filter_map(|name| Some(format!("{name}={}", body.get(*name)?))).collect();
    (!given.is_empty()).then(|| given.join("\u{1f}"))
}

fn told(judged: &Judged, outcome: Option<&Outcome>, kind: &Kind) -> Judged {
    let refused = outcome.and_then(|outcome| outcome.as_ref().err()).map(|problem| document(problem, kind.path));
    Judged { n: judged.n, external_id: judged.external_id.clone(), input: judged.input.clone(), problem: judged.problem.clone().or(refused) }
}

/// Takes the valid rows in, each once: what becomes of a row is noted in the transaction that does it.
fn commit(running: &Running<'_>) -> Result<Finish, Problem> {
    let id = running.input::<Input>()?.import_id;
    let import = running.read(|rx| store::get(rx, id))?;
    let kind = kinds::of(import.kind);
    let total = u64::try_from(import.rows.valid + import.rows.committed + import.rows.failed).unwrap_or(0);
    let mut done = total - u64::try_from(import.rows.valid).unwrap_or(0).min(total);
    running.progress(done, Some(total))?;
    loop {
        let taken = running.write(|tx| {
            let waiting = store::next(tx, id, i64::try_from(kind.batch).unwrap_or(50))?;
            let bodies =
                waiting.iter().map(|row| serde_json::from_str(&row.input)).collect::<Result<Vec<Value>, _>>().map_err(|error| Problem::internal(&error))?;
            if bodies.is_empty() {
                return Ok(0);
            }
            let outcomes = kind.run(tx, &bodies)?;
            let settled = |(row, outcome): (&store::Waiting, Outcome)| (row.n, outcome.map(|made| made.id).map_err(|problem| document(&problem, kind.path)));
            store::settle(tx, id, &waiting.iter().zip(outcomes).map(settled).collect::<Vec<_>>())?;
            Ok(waiting.len())
        })?;
        if taken == 0 {
            break;
        }
        done += taken as u64;
        running.progress(done, Some(total))?;
    }
    Ok(Box::new(move |tx| {
        let import = store::get(tx, id)?;
        let status = if import.rows.failed == 0 { ImportStatus::Committed } else { ImportStatus::PartiallyCommitted };
        store::turn(tx, id, status, None, None)?;
        let counts = &import.rows;
        let after = json!({"type": import.kind, "status": status, "rows": counts});
        let _ = tx.record(Change::new("import.committed", id.uuid()).version(import.version + 1).after(&after), ());
        Ok(json!({"import_id": id, "committed": counts.committed, "failed": counts.failed, "invalid": counts.invalid}))
    }))
}
