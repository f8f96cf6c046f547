//! The offline verifier: an export, a public key and optionally an old checkpoint, nothing else. No database,
//! no network.
//!
//! Recomputes the tree and compares it with every signed head; compares the digest of every record with the last
//! event on it; adds up entries, open amounts and numbers. Memory: a digest for each record.

use super::merkle::{Edge, Hash, leaf};
use super::note::{Note, PublicKey, origin};
use crate::platform::text::hex;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use uuid::Uuid;

/// What was found.
pub struct Report {
    pub size: u64,
    pub root: String,
    pub records: usize,
    /// What is damaged, the first in the log first.
    pub damage: Vec<Damage>,
}

/// One damage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// Its leaf; beyond all others where no leaf is concerned.
    pub seq: u64,
    pub record: String,
    pub what: String,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.seq == NOWHERE { write!(f, "{}: {}", self.record, self.what) } else { write!(f, "entry {}, {}: {}", self.seq, self.record, self.what) }
    }
}

const NOWHERE: u64 = u64::MAX;
/// More is not listed.
const MOST: usize = 1_000;

/// Why an export cannot even be read.
pub type Unreadable = String;

#[derive(Deserialize)]
struct About {
    company_id: Uuid,
}
#[derive(Deserialize)]
struct EventLine {
    id: Option<Uuid>,
    body: Option<String>,
    states: Option<String>,
}
#[derive(Deserialize)]
struct HeadLine {
    size: u64,
    note: String,
}
#[derive(Deserialize)]
struct StateLine {
    id: Uuid,
    state: String,
}
#[derive(Deserialize)]
struct BalanceLine {
    item_id: Uuid,
    open_amount: Decimal,
    open_base: Decimal,
}

/// The last thing said of a record.
struct Said {
    position: u64,
    seq: u64,
    /// None where it was deleted.
    digest: Option<Hash>,
}

/// Checks an export.
pub fn check(export: &Path, key: &PublicKey, old: Option<&str>) -> Result<Report, Unreadable> {
    let about: About = {
        let text = std::fs::read_to_string(export.join("export.json")).map_err(|error| format!("export.json: {error}"))?;
        serde_json::from_str(&text).map_err(|error| format!("export.json: {error}"))?
    };
    let name = origin(about.company_id);
    let mut must_hold = BTreeMap::new();
    if let Some(text) = old {
        let note = Note::read(text, key).filter(|note| note.origin == name);
        let note = note.ok_or("the old checkpoint is not one of this company's log signed by this key")?;
        must_hold.insert(note.size, note.root);
    }
    let mut check = Check { damage: Vec::new(), said: HashMap::new() };
    let (size, root) = check.tree(export, key, &name, &must_hold)?;
    let mut books = Books::default();
    let records = check.records(export, &mut books)?;
    books.balances(export)?;
    for (seq, record, what) in books.judged(&check) {
        check.add(seq, record, what);
    }
    let mut damage = check.damage;
    damage.sort();
    Ok(Report { size, root: hex(&root), records, damage })
}

fn lines<T: DeserializeOwned>(directory: &Path, name: &str, mut each: impl FnMut(T)) -> Result<(), Unreadable> {
    let file = File::open(directory.join(name)).map_err(|error| format!("{name}: {error}"))?;
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let (mut line, mut number) = (String::new(), 0);
    loop {
        line.clear();
        number += 1;
        if reader.read_line(&mut line).map_err(|error| format!("{name}: {error}"))? == 0 {
            return Ok(());
        }
        each(serde_json::from_str(&line).map_err(|error| format!("{name} line {number}: {error}"))?);
    }
}

struct Check {
    damage: Vec<Damage>,
    said: HashMap<(String, Uuid), Said>,
}

impl Check {
    fn add(&mut self, seq: u64, record: impl Into<String>, what: impl Into<String>) {
        if self.damage.len() < MOST {
            self.damage.push(Damage { seq, record: record.into(), what: what.into() });
        }
    }

    /// Leaves, heads and what must be the beginning. Collects what events say of records.
    fn tree(&mut self, export: &Path, key: &PublicKey, name: &str, must_hold: &BTreeMap<u64, Hash>) -> Result<(u64, Hash), Unreadable> {
        let mut heads: Vec<(u64, Option<Note>)> = Vec::new();
        lines(export, "checkpoints.jsonl", |head: HeadLine| {
            let note = Note::read(&head.note, key).filter(|note| note.origin == name && note.size == head.size);
            heads.push((head.size, note));
        })?;
        let mut edge = Edge::default();
        let (mut next, mut trusted, mut sound) = (heads.iter().peekable(), 0, true);
        lines(export, "events.jsonl", |event: EventLine| {
            let seq = edge.size() + 1;
            let body = event.body.unwrap_or_default();
            if event.id.is_none() {
                self.add(seq, "audit_event", "The event is missing.");
            }
            edge.push(match &event.states {
                Some(states) => leaf(format!("{body}\n{states}").as_bytes()),
                None => leaf(body.as_bytes()),
            });
            self.heard(seq, event.states.as_deref().unwrap_or_default());
            while let Some((size, note)) = next.next_if(|(size, _)| *size <= seq) {
                match note {
                    None => self.add(trusted + 1, format!("checkpoint {size}"), "The signature is not valid."),
                    Some(note) if sound && note.root != edge.root() => {
                        sound = false;
                        self.add(trusted + 1, "audit_event", format!("The events from here on are not those that checkpoint {size} sealed."));
                    }
                    Some(_) if sound => trusted = *size,
                    Some(_) => {}
                }
            }
            if must_hold.get(&seq).is_some_and(|root| *root != edge.root()) {
                self.add(trusted.min(seq - 1) + 1, "audit_event", format!("The history is another one than that of the old checkpoint {seq}."));
            }
        })?;
        let size = edge.size();
        if let Some((last, _)) = heads.last().filter(|(last, _)| *last > size) {
            self.add(size + 1, "audit_event", format!("Entries up to checkpoint {last} are missing."));
        } else if trusted < size && sound {
            self.add(trusted + 1, "audit_event", "No signed checkpoint covers the entries from here on.");
        }
        if let Some((old, _)) = must_hold.last_key_value().filter(|(old, _)| **old > size) {
            self.add(size + 1, "audit_event", format!("The history is shorter than the old checkpoint {old}."));
        }
        lines(export, "unsealed.jsonl", |event: EventLine| {
            self.add(NOWHERE, format!("audit_event {}", event.id.unwrap_or_default()), "The event was never sealed.");
        })?;
        Ok((size, edge.root()))
    }

    /// Notes what an event says: its place in the order of writing, then a digest a line.
    fn heard(&mut self, seq: u64, states: &str) {
        let mut lines = states.lines();
        let position = lines.next().and_then(|line| line.split(' ').next()?.parse().ok()).unwrap_or(0);
        for line in lines {
            let mut words = line.split(' ');
            let (Some(table), Some(Ok(id)), Some(digest)) = (words.next(), words.next().map(str::parse), words.next()) else { continue };
            let digest = super::kept::unhex(digest);
            let said = self.said.entry((table.to_owned(), id)).or_insert(Said { position: 0, seq, digest: None });
            if position >= said.position {
                *said = Said { position, seq, digest };
            }
        }
    }

    /// Compares every record with what was said of it; gives how many there are.
    fn records(&mut self, export: &Path, books: &mut Books) -> Result<usize, Unreadable> {
        let mut tables: Vec<String> = Vec::new();
        for file in std::fs::read_dir(export.join("state")).map_err(|error| format!("state: {error}"))? {
            let name = file.map_err(|error| error.to_string())?.file_name().to_string_lossy().into_owned();
            tables.extend(name.strip_suffix(".jsonl").map(str::to_owned));
        }
        tables.sort();
        let mut count = 0;
        // What is not visited in the end is missing.
        let mut seen: std::collections::HashSet<(String, Uuid)> = std::collections::HashSet::new();
        for table in tables {
            let mut unreadable = None;
            lines(&export.join("state"), &format!("{table}.jsonl"), |row: StateLine| {
                count += 1;
                let digest: Hash = Sha256::digest(row.state.as_bytes()).into();
                let record = (table.clone(), row.id);
                let found = self.said.get(&record).map(|said| (said.seq, said.digest));
                let name = format!("{table} {}", row.id);
                match found {
                    None => self.add(NOWHERE, name, "No event knows of the record."),
                    Some((seq, None)) => self.add(seq, name, "The record was deleted and is there again."),
                    Some((seq, Some(said))) if said != digest => self.add(seq, name, "The record differs from what was recorded of it."),
                    Some(_) => {}
                }
                seen.insert(record);
                match serde_json::from_str(&row.state) {
                    Ok(state) => books.take(&table, row.id, &state),
                    Err(error) => unreadable = Some(format!("{table} {}: {error}", row.id)),
                }
            })?;
            if let Some(error) = unreadable {
                return Err(error);
            }
        }
        let gone: Vec<(u64, String)> = self
            .said
            .iter()
            .filter(|(record, said)| said.digest.is_some() && !seen.contains(*record))
            .map(|(record, said)| (said.seq, format!("{} {}", record.0, record.1)))
            .collect();
        for (seq, record) in gone {
            self.add(seq, record, "The record is gone.");
        }
        Ok(count)
    }
}

#[derive(Default)]
struct Item {
    amount: Decimal,
    base: Decimal,
    open: Option<(Decimal, Decimal)>,
}

/// The figures of the books, as they are met.
#[derive(Default)]
struct Books {
    items: HashMap<Uuid, Item>,
    moved: HashMap<Uuid, (Decimal, Decimal)>,
    /// Entries that do not balance or are not whole.
    odd: Vec<(Uuid, &'static str)>,
    /// Registration, kind and prefix, with the numbers taken: how many, the largest.
    numbers: BTreeMap<(String, String, String), (u64, u64)>,
    strays: Vec<Uuid>,
}

fn decimal(value: &Value) -> Decimal {
    // Numbers stand in the text as they are stored, with four places.
    value.as_str().map_or_else(|| value.to_string().parse(), str::parse).unwrap_or_default()
}

fn id(value: &Value) -> Option<Uuid> {
    value.as_str()?.parse().ok()
}

impl Books {
    fn take(&mut self, table: &str, record: Uuid, state: &Value) {
        let row = &state["row"];
        match table {
            "journal_entry" => self.entry(record, state),
            "allocation" => {
                let amount = decimal(&row["amount"]);
                for (item, base) in [("debit_item_id", "debit_base"), ("credit_item_id", "credit_base")] {
                    let moved = self.moved.entry(id(&row[item]).unwrap_or_default()).or_default();
                    *moved = (moved.0 + amount, moved.1 + decimal(&row[base]));
                }
            }
            "invoice" | "receipt" | "write_off" | "adjustment" | "refund" | "manual_journal" => {
                let Some(number) = row["number"].as_str() else { return };
                let prefix = number.trim_end_matches(|c: char| c.is_ascii_digit());
                let Ok(place) = number[prefix.len()..].parse::<u64>() else { return };
                let kind = if table == "invoice" { row["kind"].as_str().unwrap_or(table) } else { table };
                let series = (row["registration_id"].as_str().unwrap_or_default().to_owned(), kind.to_owned(), format!("{prefix} {}", row["fiscal_year"]));
                let taken = self.numbers.entry(series).or_default();
                *taken = (taken.0 + 1, taken.1.max(place));
            }
            _ => {}
        }
    }

    fn entry(&mut self, record: Uuid, state: &Value) {
        let none = Vec::new();
        let rows = |name: &str| state[name].as_array().unwrap_or(&none).iter();
        let (mut difference, mut base, mut count) = (Decimal::ZERO, Decimal::ZERO, 0);
        for line in rows("journal_line") {
            difference += decimal(&line["debit"]) - decimal(&line["credit"]);
            base += decimal(&line["base_debit"]) - decimal(&line["base_credit"]);
            count += 1;
            if line["posting_date"] != state["row"]["posting_date"] {
                self.odd.push((record, "A line has another date than its entry."));
            }
        }
        if !difference.is_zero() || !base.is_zero() {
            self.odd.push((record, "The entry does not balance."));
        }
        if state["row"]["line_count"] != count {
            self.odd.push((record, "The entry has not the lines it says."));
        }
        for item in rows("open_item") {
            let Some(id) = id(&item["id"]) else { continue };
            self.items.insert(id, Item { amount: decimal(&item["amount"]), base: decimal(&item["base_amount"]), open: None });
        }
    }

    fn balances(&mut self, export: &Path) -> Result<(), Unreadable> {
        lines(export, "balances.jsonl", |row: BalanceLine| match self.items.get_mut(&row.item_id) {
            Some(item) => item.open = Some((row.open_amount, row.open_base)),
            None => self.strays.push(row.item_id),
        })
    }

    /// What does not add up.
    fn judged(&self, check: &Check) -> Vec<(u64, String, String)> {
        let mut found = Vec::new();
        for (entry, what) in &self.odd {
            let seq = check.said.get(&("journal_entry".to_owned(), *entry)).map_or(NOWHERE, |said| said.seq);
            found.push((seq, format!("journal_entry {entry}"), (*what).to_owned()));
        }
        for (id, item) in &self.items {
            let moved = self.moved.get(id).copied().unwrap_or_default();
            let left = (item.amount - moved.0, item.base - moved.1);
            if item.open != Some(left) || left.0 < Decimal::ZERO {
                let says = item.open.map_or("nothing".to_owned(), |open| open.0.to_string());
                found.push((NOWHERE, format!("open_item_balance {id}"), format!("The balance says {says}; amount less allocations is {}.", left.0)));
            }
        }
        for item in self.moved.keys().filter(|item| !self.items.contains_key(*item)) {
            found.push((NOWHERE, format!("open_item {item}"), "An allocation is of an item that is not there.".to_owned()));
        }
        for item in &self.strays {
            found.push((NOWHERE, format!("open_item_balance {item}"), "The balance is of an item that is not there.".to_owned()));
        }
        for ((_, kind, prefix), (count, largest)) in &self.numbers {
            if count != largest {
                found.push((NOWHERE, format!("numbers of {kind} {prefix}"), format!("{count} numbers are taken and the largest is {largest}.")));
            }
        }
        found
    }
}
