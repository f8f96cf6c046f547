//! Sealing and verifying.

use super::kept::Kept;
use super::merkle::{Edge, Hash, consistency, inclusion, leaf};
use super::note::{Note, PublicKey, origin, text};
use super::store::{self, Frontier, Head, LeafRow, Waiting};
use super::types::{AuditEntry, Checkpoint, Finding, SealedEntry, Verified, Verify};
use crate::access::tokens::keys::Keys;
use crate::platform::dates::Instant;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::ids::CompanyId;
use crate::platform::text::hex;
use crate::platform::unit_of_work::{ADOPTED, Change, Doors, EventKey, Rx, Tx, run_system, run_system_read};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use uuid::Uuid;

const BATCH: i64 = 1_000;
/// Sealed in one transaction: few, as requests wait for the processor meanwhile.
const SEALED: i64 = 250;
const HASHES: i64 = 10_000;
/// Findings shown of one verification.
const SHOWN: usize = 100;

/// What seals and verifies: the signing key, the key of events, the heads kept outside the database.
pub struct Sealer {
    pub keys: Arc<Keys>,
    pub kept: Kept,
    event_key: EventKey,
    /// How far the order of events was drawn when it was last looked at, until that is settled.
    frontier: Mutex<Option<Frontier>>,
}

impl Sealer {
    pub fn open(keys: Arc<Keys>, directory: &Path) -> std::io::Result<Self> {
        Ok(Self { kept: Kept::open(directory)?, event_key: keys.event_key(), frontier: Mutex::default(), keys })
    }
    /// A head's signature in the form of its note, where it bears ours. The first heads were signed with their
    /// root in hexadecimal; they are signed anew, which changes nothing they say.
    fn signature(&self, company: CompanyId, head: &Head) -> Option<Vec<u8>> {
        let (public, name) = (self.keys.public(), origin(company.uuid()));
        let (size, root) = head.of_tree().filter(|_| head.key_id == self.keys.id)?;
        if public.signed(&name, size, &root, &head.signature) {
            return Some(head.signature.clone());
        }
        let first = format!("{name}\n{size}\n{}\n", hex(&root));
        public.signed_text(&first, &head.signature).then(|| self.keys.sign(text(&name, size, &root).as_bytes()))
    }
    fn signed(&self, company: CompanyId, head: &Head) -> bool {
        self.signature(company, head).is_some()
    }
}

/// What is hashed of an event. Events of before states were kept have a body only.
fn leaf_of(body: &str, states: Option<&str>) -> Hash {
    states.map_or_else(|| leaf(body.as_bytes()), |states| leaf(format!("{body}\n{states}").as_bytes()))
}

/// How often it is looked whether an order is settled, which takes as long as the longest of the transactions that ran.
const LOOKS: u32 = 50;
const LOOK: Duration = Duration::from_millis(10);

/// How far events can be sealed; none while a transaction runs that was there when that was first asked.
fn settled(doors: &Doors, sealer: &Sealer) -> Result<Option<Frontier>, Problem> {
    let mut asked = sealer.frontier.lock().unwrap_or_else(PoisonError::into_inner);
    let frontier = match *asked {
        Some(frontier) => frontier,
        None => *asked.insert(run_system(doors, None, "orderEvents", store::frontier)?),
    };
    let over = until_settled(doors, frontier)?;
    if over {
        *asked = None;
    }
    Ok(over.then_some(frontier))
}

fn until_settled(doors: &Doors, frontier: Frontier) -> Result<bool, Problem> {
    for _ in 0..LOOKS {
        if run_system(doors, None, "orderEvents", |tx| store::is_settled(tx, frontier))? {
            return Ok(true);
        }
        std::thread::sleep(LOOK);
    }
    Ok(false)
}

/// Seals what is waiting in every company; run every second. What is wrong with one holds up no other. `then` is told
/// of each company whose log may have grown.
pub fn seal_all(doors: &Doors, sealer: &Sealer, then: impl Fn(CompanyId) -> Result<(), Problem>) -> Result<(), Problem> {
    let Some(frontier) = settled(doors, sealer)? else { return Ok(()) };
    for company in doors.written(|| run_system_read(doors, None, "listCompanies", store::companies))? {
        match seal(doors, sealer, company, frontier) {
            Ok(true) => doors.wrote(company),
            Ok(false) => {}
            Err(problem) => tracing::error!(%company, %problem, "the audit log cannot be sealed"),
        }
        if let Err(problem) = then(company) {
            tracing::warn!(%company, %problem, "what was sealed is not told yet");
            doors.wrote(company);
        }
    }
    sealer.kept.save().map_err(|error| Problem::internal(&error))
}

/// Seals what is waiting in a company.
pub fn seal_company(doors: &Doors, sealer: &Sealer, company: CompanyId) -> Result<(), Problem> {
    let frontier = run_system(doors, None, "orderEvents", store::frontier)?;
    if until_settled(doors, frontier)? {
        seal(doors, sealer, company, frontier)?;
    }
    sealer.kept.save().map_err(|error| Problem::internal(&error))
}

/// Seals what can be; true when something is left that came later.
fn seal(doors: &Doors, sealer: &Sealer, company: CompanyId, frontier: Frontier) -> Result<bool, Problem> {
    let mut after = (-1, Uuid::nil());
    loop {
        let began = std::time::Instant::now();
        let (next, left, head) = run_system(doors, Some(company), "sealAudit", |tx| seal_batch(tx, sealer, after, frontier))?;
        // Only what is committed is kept.
        if let Some(head) = head {
            sealer.kept.note(company, head);
        }
        match next {
            Some(next) => after = next,
            None => return Ok(left),
        }
        doors.gate.give_way(began);
    }
}

type Batch = (Option<(i64, Uuid)>, bool, Option<(u64, Hash)>);

/// Seals one batch. Gives where the next begins, whether anything is left, and the head.
fn seal_batch(tx: &mut Tx<'_>, sealer: &Sealer, after: (i64, Uuid), frontier: Frontier) -> Result<Batch, Problem> {
    let company = tx.company();
    let head = store::lock_head(tx)?;
    let mut edge = match &head {
        None => Edge::default(),
        Some(head) => {
            // Nothing is built on a head that is not ours.
            let restored = head.of_tree().and_then(|(size, root)| Edge::restore(size, &head.edge).filter(|edge| edge.root() == root));
            match restored.filter(|_| sealer.signed(company, head)) {
                Some(edge) => edge,
                None => return Err(Problem::internal(&"the newest head of the audit tree is damaged")),
            }
        }
    };
    if let Some((size, root)) = sealer.kept.of(company)
        && (edge.size() < size || edge.size() == size && edge.root() != root)
    {
        return Err(Problem::internal(&format!("the history is shorter than checkpoint {size}; see `duebook audit accept-restore`")));
    }
    let events = store::unsealed(tx, after, Waiting::Settled(frontier), SEALED)?;
    let next = (events.len() == usize::try_from(SEALED).unwrap_or_default()).then(|| events.last().map(|e| (e.position, e.id))).flatten();
    let ours: Vec<_> = events.into_iter().filter(|e| ours(sealer, e)).collect();
    if ours.is_empty() {
        let left = next.is_none() && !store::unsealed(tx, (-1, Uuid::nil()), Waiting::Recent, 1)?.is_empty();
        return Ok((next, left, Some((edge.size(), edge.root())).filter(|(size, _)| *size > 0)));
    }
    let first_seq = i64::try_from(edge.size()).map_err(|e| Problem::internal(&e))? + 1;
    let leaves: Vec<_> = ours.iter().map(|event| leaf_of(&event.body, event.states.as_deref())).collect();
    for hash in &leaves {
        edge.push(*hash);
    }
    let (size, root) = (edge.size(), edge.root());
    let signature = sealer.keys.sign(text(&origin(company.uuid()), size, &root).as_bytes());
    store::append(
        tx,
        store::Sealed {
            first_seq,
            events: &ours,
            leaves: leaves.iter().map(|hash| hash.to_vec()).collect(),
            size: i64::try_from(size).map_err(|e| Problem::internal(&e))?,
            root: &root,
            edge: edge.bytes(),
            key_id: &sealer.keys.id,
            signature,
            frontier: next.is_none().then_some(frontier),
        },
    )?;
    Ok((next, true, Some((size, root))))
}

/// Whether the service wrote an event that waits.
fn ours(sealer: &Sealer, event: &store::Unsealed) -> bool {
    match (&event.states, &event.mac) {
        (Some(states), Some(mac)) => sealer.event_key.wrote(event.id, &event.body, states, mac),
        (None, None) => event.first,
        _ => false,
    }
}

/// What was in the books before events were bound to rows is bound once, as it stands. Run at the start, before
/// anything is served.
pub fn adopt(doors: &Doors) -> Result<(), Problem> {
    for company in run_system_read(doors, None, "listCompanies", store::unbound_companies)? {
        run_system(doors, Some(company), "adoptBooks", |tx| {
            tx.take_time()?;
            if !store::bind_books(tx)? {
                tracing::error!(%company, "books that are bound are marked as if they were not");
                return Ok(());
            }
            let mut rows = 0;
            for table in store::governed(tx)? {
                let mut after = Uuid::nil();
                loop {
                    let ids: Vec<Uuid> = store::states(tx, &table, after, BATCH)?.into_iter().map(|(id, _)| id).collect();
                    let Some(last) = ids.last() else { break };
                    after = *last;
                    rows += ids.len();
                    store::touch(tx, &table, &ids)?;
                }
            }
            let _ = tx.record(Change::new(ADOPTED, company.uuid()).after(&json!({"rows": rows})), ());
            Ok(())
        })?;
    }
    Ok(())
}

/// The part of an event's body that its columns repeat.
#[derive(Deserialize)]
struct Body<'b> {
    id: Uuid,
    action: &'b str,
    object: &'b str,
    object_id: Uuid,
    request_id: &'b str,
    actor: Actor,
}
#[derive(Deserialize)]
struct Actor {
    #[serde(rename = "type")]
    kind: String,
    id: Option<Uuid>,
}

/// What is wrong with a sealed event.
fn fault(sealer: &Sealer, row: &LeafRow, stated: &mut bool) -> Option<&'static str> {
    let (Some(id), Some(body)) = (row.id, &row.body) else { return Some("The event is missing.") };
    let written = match (&row.states, &row.mac) {
        (Some(states), Some(mac)) => sealer.event_key.wrote(id, body, states, mac),
        (None, None) => !*stated,
        _ => false,
    };
    *stated |= row.states.is_some();
    if !written {
        return Some("The event is not as the service wrote it.");
    }
    if leaf_of(body, row.states.as_deref()).as_slice() != row.leaf_hash {
        return Some("The event differs from what was sealed.");
    }
    let agrees = serde_json::from_str::<Body<'_>>(body).is_ok_and(|said| {
        let actor = said.actor.id.map_or(said.actor.kind.clone(), |id| format!("{}:{id}", said.actor.kind));
        said.id == id
            && row.action.as_deref() == Some(said.action)
            && row.object.as_deref() == Some(said.object)
            && row.object_id == Some(said.object_id)
            && row.request_id.as_deref() == Some(said.request_id)
            && row.actor.as_deref() == Some(&actor)
    });
    let dated = row.states.as_deref().is_none_or(|states| {
        let mut words = states.lines().next().unwrap_or_default().split(' ').skip(1).map(|word| word.parse().ok());
        words.next() == Some(row.xid) && words.next() == Some(row.micros)
    });
    (!agrees || !dated).then_some("The event's columns differ from its sealed body.")
}

#[derive(Default)]
struct Findings(Vec<Finding>);
impl Findings {
    fn add(&mut self, seq: Option<i64>, record: &str, id: Option<String>, finding: impl Into<String>) {
        if self.0.len() < SHOWN {
            self.0.push(Finding { seq, record: record.into(), id, finding: finding.into() });
        }
    }
}

fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// Recomputes the tree of a company (L1): events, leaves, every head, and the checkpoints the tree must contain.
/// Gives its root and size.
fn verify_tree(rx: &mut Rx<'_>, sealer: &Sealer, span: (i64, i64), must_hold: &BTreeMap<u64, Hash>, found: &mut Findings) -> Result<(Hash, u64), Problem> {
    let company = rx.company();
    let mut edge = Edge::default();
    let mut heads: Vec<Head> = Vec::new();
    let (mut sound, mut trusted, mut stated, mut newest) = (true, 0, false, 0);
    'reading: loop {
        let next = signed(edge.size()) + 1;
        let rows: Vec<LeafRow> = if (span.0..=span.1).contains(&next) {
            store::leaves(rx, next - 1, BATCH.min(span.1 - next + 1))?
        } else {
            let most = if next < span.0 { HASHES.min(span.0 - next) } else { HASHES };
            store::hashes(rx, next - 1, most)?.into_iter().map(LeafRow::from).collect()
        };
        if rows.is_empty() {
            break;
        }
        for row in rows {
            let next = signed(edge.size()) + 1;
            if row.seq != next {
                found.add(Some(next), "audit_leaf", None, "A sealed entry is missing.");
                sound = false;
                break 'reading;
            }
            if (span.0..=span.1).contains(&next)
                && let Some(fault) = fault(sealer, &row, &mut stated)
            {
                found.add(Some(next), "audit_event", row.id.map(|id| id.to_string()), fault);
            }
            edge.push(row.leaf_hash.as_slice().try_into().unwrap_or_default());
            if heads.last().is_none_or(|head| head.size < next) {
                heads = store::heads_after(rx, next - 1, BATCH)?;
                heads.reverse();
            }
            while heads.last().is_some_and(|head| head.size == next) {
                let Some(head) = heads.pop() else { break };
                newest = next;
                if sound && head.of_tree() != Some((edge.size(), edge.root())) {
                    sound = false;
                    found.add(Some(trusted + 1), "audit_leaf", None, format!("The entries from here on are not those that were sealed by checkpoint {next}."));
                } else if !sealer.signed(company, &head) {
                    found.add(Some(trusted + 1), "audit_checkpoint", Some(next.to_string()), format!("The signature of checkpoint {next} is not valid."));
                } else if sound {
                    trusted = next;
                }
            }
            if must_hold.get(&edge.size()).is_some_and(|root| *root != edge.root()) {
                found.add(
                    Some(trusted.min(next - 1) + 1),
                    "audit_checkpoint",
                    None,
                    format!("The history is another one than that of checkpoint {next} that is kept outside the database."),
                );
            }
        }
    }
    let size = signed(edge.size());
    if let Some(head) = store::head(rx, None)?.filter(|head| head.size > size && sound) {
        found.add(Some(size + 1), "audit_leaf", None, format!("Entries up to checkpoint {} are missing.", head.size));
    } else if size > newest && sound {
        found.add(Some(newest + 1), "audit_checkpoint", None, "No signed head covers the entries from here on.");
    }
    if let Some((kept, _)) = must_hold.last_key_value().filter(|(kept, _)| **kept > edge.size()) {
        found.add(Some(size + 1), "audit_leaf", None, format!("The history is shorter than checkpoint {kept}, which is kept outside the database."));
    }
    Ok((edge.root(), edge.size()))
}

/// What the log of a snapshot comes to.
pub struct Chain {
    /// Entries it has.
    pub size: u64,
    pub root: Hash,
    /// Whether the tree is that of its signed heads and of the one kept outside the database.
    pub sound: bool,
}

/// Recomputes the tree from its leaves and checks every signed head. `kept` is the head kept outside the database, read
/// before the snapshot was taken: later ones it need not have.
pub fn chain(rx: &mut Rx<'_>, sealer: &Sealer, kept: Option<(u64, Hash)>) -> Result<Chain, Problem> {
    let mut found = Findings::default();
    let (root, size) = verify_tree(rx, sealer, (i64::MAX, i64::MAX), &kept.into_iter().collect(), &mut found)?;
    Ok(Chain { size, root, sound: found.0.is_empty() })
}

/// Recomputes the log (L1) and compares the rows of the books, documents and master data with what it says of
/// them (L2). `kept` as for [`chain`].
pub fn verify(rx: &mut Rx<'_>, sealer: &Sealer, wanted: &Verify, kept: Option<(u64, Hash)>) -> Result<Verified, Problem> {
    rx.take_time()?;
    let company = rx.company();
    let mut must_hold = BTreeMap::new();
    if let Some(text) = &wanted.checkpoint {
        let note = Note::read(text, &sealer.keys.public()).filter(|note| note.origin == origin(company.uuid())).ok_or_else(|| {
            let detail = "This is not a checkpoint of this company's log that bears our signature.";
            Problem::invalid(vec![FieldError::at("/checkpoint", "checkpoint_invalid", detail)])
        })?;
        must_hold.insert(note.size, note.root);
    }
    if let Some((size, root)) = kept {
        must_hold.entry(size).or_insert(root);
    }
    let whole = wanted.from_seq.is_none() && wanted.to_seq.is_none();
    let span = (wanted.from_seq.unwrap_or(1), wanted.to_seq.unwrap_or(i64::MAX));
    if span.0 > span.1 {
        return Err(Problem::invalid(vec![FieldError::at("/to_seq", "before_from", "to_seq comes before from_seq.").received(span.1)]));
    }
    let mut found = Findings::default();
    let (root, size) = verify_tree(rx, sealer, span, &must_hold, &mut found)?;
    if whole {
        let mut after = (0, Uuid::nil());
        loop {
            let waiting = store::unsealed(rx, after, Waiting::Any, BATCH)?;
            let Some(last) = waiting.last() else { break };
            after = (last.position, last.id);
            for event in waiting.iter().filter(|event| !ours(sealer, event)) {
                found.add(None, "audit_event", Some(event.id.to_string()), "The service did not write this event.");
            }
        }
    }
    for odd in store::unbound(rx, span.0, span.1, i64::try_from(SHOWN).unwrap_or(100))? {
        if whole || odd.seq.is_some() {
            found.add(odd.seq, &odd.record, odd.id, odd.finding);
        }
    }
    answer(rx, found, (span.0.min(signed(size)), span.1.min(signed(size))), &root)
}

fn answer(rx: &mut Rx<'_>, mut found: Findings, span: (i64, i64), root: &Hash) -> Result<Verified, Problem> {
    found.0.sort_by_key(|finding| finding.seq.unwrap_or(i64::MAX));
    let first_bad_seq = match found.0.first() {
        None => None,
        Some(first) if first.seq.is_some() => first.seq,
        // Of what no entry is damaged, the first that speaks of it.
        Some(first) => first.id.as_deref().map(|id| store::first_of(rx, id)).transpose()?.flatten().or(Some(span.1.max(1))),
    };
    Ok(Verified {
        verified: found.0.is_empty(),
        from_seq: span.0,
        to_seq: span.1,
        head: hex(root),
        first_bad_seq,
        finding: found.0.first().map(|first| first.finding.clone()),
        findings: found.0,
    })
}

/// What breaks each law of the books; given by the composition, as they are another area's business.
pub type Laws = fn(&mut Rx<'_>) -> Result<Vec<(&'static str, Vec<String>)>, Problem>;
static LAWS: OnceLock<Laws> = OnceLock::new();

pub fn install(laws: Laws) {
    let _ = LAWS.set(laws);
}

/// As [`verify`], with the laws of the books (L3, L4).
pub fn verify_all(rx: &mut Rx<'_>, sealer: &Sealer, wanted: &Verify, kept: Option<(u64, Hash)>) -> Result<Verified, Problem> {
    let verified = verify(rx, sealer, wanted, kept)?;
    let Some(laws) = LAWS.get().filter(|_| wanted.from_seq.is_none() && wanted.to_seq.is_none()) else { return Ok(verified) };
    let mut found = Findings(verified.findings);
    for (law, ids) in laws(rx)? {
        for id in ids {
            found.add(None, "law", Some(id), format!("Broken: {law}."));
        }
    }
    let root = super::kept::unhex(&verified.head).unwrap_or_default();
    answer(rx, found, (verified.from_seq, verified.to_seq), &root)
}

/// A head as it is shown.
pub fn shown(sealer: &Sealer, company: CompanyId, head: &Head) -> Checkpoint {
    let key: PublicKey = sealer.keys.public();
    let (size, root) = head.of_tree().unwrap_or_default();
    let note = Note { origin: origin(company.uuid()), size, root, signature: sealer.signature(company, head).unwrap_or_else(|| head.signature.clone()) };
    Checkpoint {
        size: head.size,
        root: hex(&head.root),
        sealed_at: Instant(head.sealed_at),
        key_id: head.key_id.clone(),
        verifier_key: key.vkey(&note.origin),
        note: note.write(&key),
        consistency_proof: None,
    }
}

/// Entries the newest head covers; `None` before the first.
pub fn newest(rx: &mut Rx<'_>) -> Result<Option<i64>, Problem> {
    Ok(store::head(rx, None)?.map(|head| head.size))
}

/// A head with the proof that it continues an older one.
pub fn checkpoint(rx: &mut Rx<'_>, sealer: &Sealer, size: i64, from: Option<i64>) -> Result<Checkpoint, Problem> {
    let head = store::head(rx, Some(size))?.ok_or_else(|| Problem::not_found("checkpoint"))?;
    let mut shown = shown(sealer, rx.company(), &head);
    if let Some(from) = from {
        if from > size {
            let error =
                FieldError::parameter("from", "invalid_value", "The older tree is not larger than this one.").expected(format!("1 to {size}")).received(from);
            return Err(Problem::new(problem::INVALID_PARAMETER, "The older tree is not larger than this one.").errors(vec![error]));
        }
        let spans = consistency(from.unsigned_abs(), size.unsigned_abs());
        shown.consistency_proof = Some(spans.iter().map(|span| store::subtree(rx, span).map(|hash| hex(&hash))).collect::<Result<_, _>>()?);
    }
    Ok(shown)
}

/// A sealed entry with its inclusion proof.
pub fn sealed_entry(rx: &mut Rx<'_>, seq: i64, size: Option<i64>) -> Result<SealedEntry, Problem> {
    let missing = || Problem::not_found("audit entry");
    let (entry, sealed_text, leaf_hash): (AuditEntry, String, Vec<u8>) = store::entry(rx, seq)?.ok_or_else(missing)?;
    let newest = store::head(rx, None)?.map_or(0, |head| head.size);
    let tree_size = size.unwrap_or(newest);
    if tree_size < seq || tree_size > newest {
        let error = FieldError::parameter("size", "invalid_value", "No sealed tree of this size holds the entry.").expected(format!("{seq} to {newest}"));
        return Err(Problem::new(problem::INVALID_PARAMETER, "No sealed tree of this size holds the entry.").errors(vec![error.received(tree_size)]));
    }
    let spans = inclusion(seq.unsigned_abs() - 1, tree_size.unsigned_abs());
    let inclusion_proof = spans.iter().map(|span| store::subtree(rx, span).map(|hash| hex(&hash))).collect::<Result<_, _>>()?;
    Ok(SealedEntry { entry, sealed_text, leaf_hash: hex(&leaf_hash), tree_size, inclusion_proof })
}

/// Takes a shorter history for the true one, after a restore to an older time: kept heads begin with it anew.
/// What was lost stays on record: the event names the head that was kept.
pub fn accept_restore(doors: &Doors, sealer: &Sealer, company: CompanyId) -> Result<Option<(u64, u64)>, Problem> {
    let head = run_system_read(doors, Some(company), "acceptRestore", |rx| store::head(rx, None))?;
    let Some((kept, root)) = sealer.kept.of(company) else { return Ok(None) };
    let stands = head.as_ref().and_then(Head::of_tree).unwrap_or_default();
    if stands == (kept, root) || stands.0 > kept {
        return Ok(None);
    }
    run_system(doors, Some(company), "acceptRestore", |tx| {
        let lost = json!({"kept_size": kept, "kept_root": hex(&root), "size": stands.0, "root": hex(&stands.1)});
        let _ = tx.record(Change::new("audit.restore_accepted", company.uuid()).after(&lost), ());
        Ok(())
    })?;
    sealer.kept.forget(company, stands).map_err(|error| Problem::internal(&error))?;
    seal_company(doors, sealer, company)?;
    Ok(Some((kept, stands.0)))
}
