//! The clients' own log, and its comparison with what the database holds.

use crate::Findings;
use crate::service::Service;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One command from its first try to its outcome. Times are microseconds of the machine's clock.
pub struct Entry {
    pub key: String,
    pub role: &'static str,
    pub path: String,
    pub if_match: Option<String>,
    pub body: String,
    pub began: i64,
    pub ended: i64,
    /// Tries of which nobody knows what became of them.
    pub lost: usize,
    pub outcome: Outcome,
    pub effects: Vec<Effect>,
}

pub enum Outcome {
    /// Status and body of the answer.
    Done(u16, Vec<u8>),
    Refused(String),
    Unresolved,
}

/// What an acknowledged command says it did.
pub enum Effect {
    /// A document by its external id: table, number (none for a draft), amount.
    Made {
        table: &'static str,
        external_id: String,
        number: Option<String>,
        amount: String,
    },
    /// A draft got its number.
    Issued {
        external_id: String,
        number: String,
    },
    Allocated {
        id: String,
    },
}

/// Whether the database must hold what a command did.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Must,
    May,
    MustNot,
}

impl Entry {
    fn fate(&self, cut: Option<i64>) -> Fate {
        match (&self.outcome, cut) {
            (Outcome::Done(..), None) => Fate::Must,
            (Outcome::Done(..), Some(cut)) if self.ended < cut => Fate::Must,
            (Outcome::Done(..) | Outcome::Unresolved, Some(cut)) if self.began < cut => Fate::May,
            (Outcome::Unresolved, None) => Fate::May,
            _ => Fate::MustNot,
        }
    }
}

/// Number and amount of a document.
type Found = (Option<String>, String);

/// Compares the log with the database: with all of it, or with what it was at an instant.
pub fn compare(service: &Service, company: &str, log: &[Entry], cut: Option<i64>, findings: &mut Findings) {
    let rows = |query: &str| service.rows(&query.replace("{c}", &format!("'{company}'"))).expect("the database answers");
    let text = |row: &Value, name: &str| row[name].as_str().map(str::to_owned);
    // What is there: table and external id to numbers and amounts.
    let mut there: BTreeMap<(&str, String), Vec<Found>> = BTreeMap::new();
    for (table, query) in [
        ("invoice", "SELECT external_id, number, grand_total::numeric(20,2)::text AS amount FROM invoice WHERE company_id = {c}"),
        ("receipt", "SELECT external_id, number, amount_received::numeric(20,2)::text AS amount FROM receipt WHERE company_id = {c}"),
    ] {
        for row in rows(query) {
            there
                .entry((table, text(&row, "external_id").unwrap_or_default()))
                .or_default()
                .push((text(&row, "number"), text(&row, "amount").unwrap_or_default()));
        }
    }
    let mut allocations: BTreeSet<String> = rows("SELECT id FROM allocation WHERE company_id = {c}").iter().filter_map(|row| text(row, "id")).collect();
    let mut keys: BTreeSet<String> = rows("SELECT key FROM idempotency_key WHERE company_id = {c}").iter().filter_map(|row| text(row, "key")).collect();

    let mut issued: HashMap<&str, (&str, Fate)> = HashMap::new();
    for entry in log {
        for effect in &entry.effects {
            if let Effect::Issued { external_id, number } = effect {
                issued.insert(external_id, (number, entry.fate(cut)));
            }
        }
    }
    let (mut lost, mut doubled, mut differing, mut unasked) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut documents = 0;
    for entry in log {
        let fate = entry.fate(cut);
        let had_key = keys.remove(&entry.key);
        let complaint = |what: &str| format!("{what} {} {}", entry.path, entry.key);
        match fate {
            Fate::Must if !had_key => lost.push(complaint("key of")),
            Fate::MustNot if had_key => unasked.push(complaint("key of")),
            _ => {}
        }
        for effect in &entry.effects {
            let present = match effect {
                Effect::Allocated { id } => allocations.remove(id),
                Effect::Issued { .. } => continue,
                Effect::Made { table, external_id, number, amount } => {
                    let found = there.remove(&(*table, external_id.clone())).unwrap_or_default();
                    documents += found.len();
                    if found.len() > 1 {
                        doubled.push(complaint("document of"));
                    }
                    let numbered = |seen: &Option<String>| match (number, issued.get(external_id.as_str())) {
                        (Some(number), _) => seen.as_ref() == Some(number),
                        (None, Some((number, Fate::Must))) => seen.as_deref() == Some(*number),
                        (None, Some((number, Fate::May))) => seen.as_deref().is_none_or(|seen| seen == *number),
                        (None, Some((_, Fate::MustNot)) | None) => seen.is_none(),
                    };
                    if found.iter().any(|(seen, worth)| !numbered(seen) || worth != amount) {
                        differing.push(format!("{} {found:?} was answered as {number:?} {amount}", complaint("document of")));
                    }
                    !found.is_empty()
                }
            };
            match fate {
                Fate::Must if !present => lost.push(complaint("effect of")),
                Fate::MustNot if present => unasked.push(complaint("effect of")),
                // All of a command or nothing of it.
                Fate::May if present != had_key => unasked.push(complaint("half of")),
                _ => {}
            }
        }
    }
    // What nobody was told of: outcomes nobody knows of are allowed that.
    let unknown = log.iter().any(|entry| matches!(entry.outcome, Outcome::Unresolved));
    if !unknown {
        unasked.extend(there.into_keys().map(|(table, id)| format!("{table} {id}")));
        unasked.extend(allocations.into_iter().map(|id| format!("allocation {id}")));
        unasked.extend(keys.into_iter().filter(|key| !key.starts_with("setup-")).map(|key| format!("key {key}")));
    }
    let count = |fate| log.iter().filter(|entry| entry.fate(cut) == fate).count();
    println!(
        "       the log against the database: {} commands must be there, {} may, {} must not; {documents} documents found",
        count(Fate::Must),
        count(Fate::May),
        count(Fate::MustNot)
    );
    let brief = |list: &[String]| format!("{}{}", list.len(), list.iter().take(3).map(|item| format!("; {item}")).collect::<Vec<_>>().concat());
    findings.bar("acknowledged and lost", lost.is_empty(), brief(&lost));
    findings.bar("doubled", doubled.is_empty(), brief(&doubled));
    findings.bar("other number or amount than answered", differing.is_empty(), brief(&differing));
    findings.bar("there but refused, never asked for, or half", unasked.is_empty(), brief(&unasked));
}
