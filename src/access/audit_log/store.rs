use super::merkle::{Edge, Hash, Span};
use super::types::{AuditEntry, AuditFilter, Finding};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::CompanyId;
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, Utc};
use uuid::Uuid;

row! {
    struct EntryRow {
        id: Uuid, seq: Option<i64>, recorded_at: DateTime<Utc>, action: String, resource_type: String, resource_id: Uuid,
        actor: String, request_id: String, body: String,
    }
}

// What is sealed by its place, then the few that wait for one (since `$2`, see `sealed_until`): each part in its own order, so
// that a page reads no more of a long log than it shows.
static ENTRIES: List = List {
    select: "SELECT e.id, nullif(l.seq, 9223372036854775807) AS seq, e.recorded_at, e.action, e.object AS resource_type, e.object_id AS resource_id, e.actor, e.request_id, e.body
        FROM (SELECT a.company_id, a.seq, a.event_id FROM audit_leaf a
              UNION ALL
              SELECT u.company_id, 9223372036854775807, u.id FROM audit_event u
              WHERE u.company_id = $1 AND u.xid >= $2 AND NOT EXISTS (SELECT FROM audit_leaf s WHERE s.company_id = u.company_id AND s.event_id = u.id)) AS l
        JOIN audit_event e ON e.company_id = l.company_id AND e.id = l.event_id WHERE e.company_id = $1 AND l.company_id = $1",
    id: "e.id",
    sorts: &[SortKey { name: "seq", expression: "l.seq", kind: "bigint" }],
    default_sort: "seq",
};

impl From<EntryRow> for AuditEntry {
    fn from(row: EntryRow) -> Self {
        Self {
            id: row.id,
            object: "audit_entry",
            seq: row.seq,
            recorded_at: Instant(row.recorded_at),
            action: row.action,
            resource_type: row.resource_type,
            resource_id: row.resource_id,
            actor: row.actor,
            request_id: row.request_id,
            detail: serde_json::from_str(&row.body).unwrap_or_default(),
        }
    }
}

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &AuditFilter) -> Result<Page<AuditEntry>, Problem> {
    let since = sealed_until(rx)?;
    let page = ENTRIES
        .of(rx)
        .with(since)
        .when("e.actor = {}", filter.actor.clone())
        .when("split_part(e.actor, ':', 1) = {}", filter.actor_type.clone())
        .when("e.actor = ANY({})", filter.actor_id.map(|id| Many(vec![format!("user:{id}"), format!("client:{id}")])))
        .when("e.action = {}", filter.action.clone())
        .when("e.object = {}", filter.resource_type.clone())
        .when("e.object_id = {}", filter.resource_id)
        .when("e.request_id = {}", filter.request_id.clone())
        .when("e.ip = {}", filter.ip.map(|ip| ip.to_canonical().to_string()))
        .when("e.recorded_at >= {}", filter.at_gte.map(|at| at.0))
        .when("e.recorded_at <= {}", filter.at_lte.map(|at| at.0))
        .when("l.seq < 9223372036854775807 AND l.seq >= {}", filter.seq_gte)
        .when("l.seq <= {}", filter.seq_lte)
        .page::<EntryRow>(rx, paging)?;
    Ok(page.map(AuditEntry::from))
}

/// A sealed event and the digests bound to it.
pub fn entry(rx: &mut Rx<'_>, seq: i64) -> Result<Option<(AuditEntry, String, Vec<u8>)>, Problem> {
    row! { struct Sealed { body: String, states: Option<String>, leaf_hash: Vec<u8> } }
    let company = rx.company();
    let row: Option<EntryRow> = rx.optional(Sql::new(format!("{} AND l.seq = $3", ENTRIES.select)).bind(company).bind(i64::MAX).bind(seq))?;
    let Some(row) = row else { return Ok(None) };
    let text = "SELECT e.body, e.states, l.leaf_hash FROM audit_event e JOIN audit_leaf l ON l.company_id = e.company_id AND l.event_id = e.id WHERE e.company_id = $1 AND l.seq = $2";
    let sealed: Sealed = rx.one(Sql::new(text).bind(company).bind(seq))?;
    Ok(Some((row.into(), sealed.states.map_or(sealed.body.clone(), |states| format!("{}\n{states}", sealed.body)), sealed.leaf_hash)))
}

row! { pub struct Head { pub size: i64, pub root: Vec<u8>, pub edge: Vec<u8>, pub key_id: String, pub signature: Vec<u8>, pub sealed_at: DateTime<Utc> } }

impl Head {
    /// Size and root as the tree counts them; `None` where the row is nonsense.
    pub fn of_tree(&self) -> Option<(u64, Hash)> {
        Some((u64::try_from(self.size).ok()?, self.root.as_slice().try_into().ok()?))
    }
}

static HEADS: List = List {
    select: "SELECT c.size, c.root, c.edge, c.key_id, c.signature, c.sealed_at FROM audit_checkpoint c WHERE c.company_id = $1",
    id: "encode(substr(c.root, 1, 16), 'hex')::uuid",
    sorts: &[SortKey { name: "size", expression: "c.size", kind: "bigint" }],
    default_sort: "-size",
};

pub fn heads(rx: &mut Rx<'_>, paging: &Paging) -> Result<Page<Head>, Problem> {
    HEADS.of(rx).page(rx, paging)
}

/// Heads after a size, smallest first.
pub fn heads_after(rx: &mut Rx<'_>, size: i64, most: i64) -> Result<Vec<Head>, Problem> {
    let company = rx.company();
    rx.load(Sql::new(format!("{} AND c.size > $2 ORDER BY c.size LIMIT $3", HEADS.select)).bind(company).bind(size).bind(most))
}

/// The head of this size, or the newest.
pub fn head(rx: &mut Rx<'_>, size: Option<i64>) -> Result<Option<Head>, Problem> {
    let company = rx.company();
    rx.optional(Sql::new(format!("{} AND ($2::bigint IS NULL OR c.size = $2) ORDER BY c.size DESC LIMIT 1", HEADS.select)).bind(company).bind(size))
}

/// The newest head. The lock keeps two sealers apart.
pub fn lock_head(tx: &mut Tx<'_>) -> Result<Option<Head>, Problem> {
    let company = tx.company();
    tx.execute(Sql::new("SELECT pg_advisory_xact_lock(hashtextextended('seal ' || $1::text, 0))").bind(company))?;
    head(tx, None)
}

row! { pub struct Unsealed { pub id: Uuid, pub body: String, pub states: Option<String>, pub mac: Option<Vec<u8>>, pub position: i64, pub first: bool } }

/// How far the order of events is settled. An event gets its place while its transaction holds the rows it wrote, so
/// whoever saw those rows has a later one. Once every transaction is over that was there when `position` was the
/// newest place, no earlier place can turn up any more.
#[derive(Debug, Clone, Copy)]
pub struct Frontier {
    pub position: i64,
    /// The next transaction's id at that time.
    pub horizon: i64,
    /// The oldest transaction that ran at that time: what has a later place has no older transaction.
    pub oldest: i64,
}

/// The newest place, then who may still take an earlier one: in this order, or one who took it between the two would be
/// missed.
pub fn frontier(tx: &mut Tx<'_>) -> Result<Frontier, Problem> {
    row! { struct Running { horizon: i64, oldest: i64 } }
    let position = tx.scalar(Sql::new("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM audit_order"))?;
    let running: Running =
        tx.one(Sql::new("SELECT pg_snapshot_xmax(s)::text::bigint AS horizon, pg_snapshot_xmin(s)::text::bigint AS oldest FROM pg_current_snapshot() AS s"))?;
    Ok(Frontier { position, horizon: running.horizon, oldest: running.oldest })
}

/// Whether every transaction is over that was there when the frontier was taken.
pub fn is_settled(tx: &mut Tx<'_>, frontier: Frontier) -> Result<bool, Problem> {
    tx.scalar(Sql::new("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint >= $1").bind(frontier.horizon))
}

/// Which events that have no place in the tree yet.
#[derive(Debug, Clone, Copy)]
pub enum Waiting {
    /// As far as their order is settled, so that none is told after one that it came before.
    Settled(Frontier),
    /// Since the last sealed one.
    Recent,
    Any,
}

/// The transaction from which on events may not be sealed yet.
fn sealed_until(rx: &mut Rx<'_>) -> Result<i64, Problem> {
    let company = rx.company();
    let newest = Sql::new("SELECT last_xid FROM audit_checkpoint WHERE company_id = $1 ORDER BY size DESC LIMIT 1").bind(company);
    Ok(rx.scalars(newest)?.pop().unwrap_or(0))
}

/// Events that have no place in the tree yet, in their order, after `(position, id)`. `first`: no event with states came
/// before (as those of before they were kept).
pub fn unsealed(rx: &mut Rx<'_>, after: (i64, Uuid), which: Waiting, most: i64) -> Result<Vec<Unsealed>, Problem> {
    let company = rx.company();
    // A parameter, so that the search may use the index.
    let since = if matches!(which, Waiting::Any) { 0 } else { sealed_until(rx)? };
    let until = if let Waiting::Settled(frontier) = which { frontier.position } else { i64::MAX };
    rx.load(
        Sql::new(
            "SELECT e.id, e.body, e.states, e.mac, p.position,
                    e.states IS NULL AND NOT EXISTS (SELECT FROM audit_event b WHERE b.company_id = $1 AND b.states IS NOT NULL AND (b.xid, b.id) < (e.xid, e.id)) AS first
             FROM audit_event e CROSS JOIN LATERAL (SELECT CASE WHEN e.states ~ '^[0-9]{1,18} ' THEN split_part(e.states, ' ', 1)::bigint ELSE 0 END AS position) AS p
             WHERE e.company_id = $1 AND e.xid >= $2 AND (p.position, e.id) > ($3, $4) AND p.position <= $5
               AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.company_id = $1 AND l.event_id = e.id)
             ORDER BY p.position, e.id LIMIT $6",
        )
        .bind(company)
        .bind(since)
        .bind(after.0)
        .bind(after.1)
        .bind(until)
        .bind(most),
    )
}

pub struct Sealed<'s> {
    pub first_seq: i64,
    pub events: &'s [Unsealed],
    pub leaves: Vec<Vec<u8>>,
    pub size: i64,
    pub root: &'s [u8],
    pub edge: Vec<u8>,
    pub key_id: &'s str,
    pub signature: Vec<u8>,
    /// Given with the last of what is sealed at once: all there was so far.
    pub frontier: Option<Frontier>,
}

pub fn append(tx: &mut Tx<'_>, sealed: Sealed<'_>) -> Result<(), Problem> {
    let company = tx.company();
    let until = sealed_until(tx)?;
    let last = sealed.frontier.map_or(until, |frontier| frontier.oldest.max(until));
    tx.execute(
        Sql::new(
            "WITH leaves AS (INSERT INTO audit_leaf (company_id, seq, event_id, leaf_hash)
                SELECT $1, $2 + n - 1, id, hash FROM unnest($3::uuid[], $4::bytea[]) WITH ORDINALITY AS l(id, hash, n))
             INSERT INTO audit_checkpoint (company_id, size, root, edge, key_id, signature, last_xid) VALUES ($1, $5, $6, $7, $8, $9, $10)",
        )
        .bind(company)
        .bind(sealed.first_seq)
        .bind(Many(sealed.events.iter().map(|e| e.id).collect()))
        .bind(Many(sealed.leaves))
        .bind(sealed.size)
        .bind(sealed.root)
        .bind(sealed.edge)
        .bind(sealed.key_id)
        .bind(sealed.signature)
        .bind(last),
    )?;
    Ok(())
}

row! {
    pub struct LeafRow {
        pub seq: i64, pub leaf_hash: Vec<u8>, pub id: Option<Uuid>, pub body: Option<String>, pub states: Option<String>, pub mac: Option<Vec<u8>>, pub action: Option<String>, pub object: Option<String>,
        pub object_id: Option<Uuid>, pub actor: Option<String>, pub request_id: Option<String>, pub xid: Option<i64>, pub micros: Option<i64>,
    }
}

/// Leaves after `seq` with the events they were made of.
pub fn leaves(rx: &mut Rx<'_>, after: i64, most: i64) -> Result<Vec<LeafRow>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "SELECT l.seq, l.leaf_hash, e.id, e.body, e.states, e.mac, e.action, e.object, e.object_id, e.actor, e.request_id, e.xid, (extract(epoch FROM e.recorded_at) * 1000000)::bigint AS micros
             FROM (SELECT seq, leaf_hash, event_id FROM audit_leaf WHERE company_id = $1 AND seq > $2 ORDER BY seq LIMIT $3) AS l LEFT JOIN audit_event e ON e.company_id = $1 AND e.id = l.event_id ORDER BY l.seq",
        )
        .bind(company).bind(after).bind(most),
    )
}

impl From<HashRow> for LeafRow {
    fn from(row: HashRow) -> Self {
        let HashRow { seq, leaf_hash } = row;
        Self {
            seq,
            leaf_hash,
            id: None,
            body: None,
            states: None,
            mac: None,
            action: None,
            object: None,
            object_id: None,
            actor: None,
            request_id: None,
            xid: None,
            micros: None,
        }
    }
}
row! { pub struct HashRow { pub seq: i64, pub leaf_hash: Vec<u8> } }

/// Hashes of the leaves after `seq`.
pub fn hashes(rx: &mut Rx<'_>, after: i64, most: i64) -> Result<Vec<HashRow>, Problem> {
    let company = rx.company();
    rx.load(Sql::new("SELECT seq, leaf_hash FROM audit_leaf WHERE company_id = $1 AND seq > $2 ORDER BY seq LIMIT $3").bind(company).bind(after).bind(most))
}

/// The root of a part of the tree. Parts of proofs are trees themselves.
pub fn subtree(rx: &mut Rx<'_>, span: &Span) -> Result<Hash, Problem> {
    const BATCH: u64 = 10_000;
    let mut edge = Edge::default();
    let damaged = || Problem::internal(&"the audit tree has a gap");
    while span.start + edge.size() < span.end {
        let from = span.start + edge.size();
        let most = BATCH.min(span.end - from);
        let rows = hashes(rx, i64::try_from(from).unwrap_or(i64::MAX), i64::try_from(most).unwrap_or(1))?;
        if rows.is_empty() {
            return Err(damaged());
        }
        for row in rows {
            edge.push(row.leaf_hash.as_slice().try_into().map_err(|_| damaged())?);
        }
    }
    Ok(edge.root())
}

/// The tables whose rows events are bound to: each has a view of its state (migration 11).
pub fn governed(rx: &mut Rx<'_>) -> Result<Vec<String>, Problem> {
    rx.scalars(Sql::new(
        "SELECT substr(relname, 7)::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v' AND relname LIKE 'state\\_%' ORDER BY 1",
    ))
}

/// The text a digest is made of, of every row of a table after an id.
pub fn states(rx: &mut Rx<'_>, table: &str, after: Uuid, most: i64) -> Result<Vec<(Uuid, String)>, Problem> {
    row! { struct State { id: Uuid, state: String } }
    let company = rx.company();
    let text = format!("SELECT id, state FROM state_{table} WHERE company_id = $1 AND id > $2 ORDER BY id LIMIT $3");
    let rows: Vec<State> = rx.load(Sql::new(text).bind(company).bind(after).bind(most))?;
    Ok(rows.into_iter().map(|row| (row.id, row.state)).collect())
}

/// Rows that differ from what the last event on them says, that no event says anything of, and that are gone
/// although an event says they are there; in the order of the log.
pub fn unbound(rx: &mut Rx<'_>, from: i64, to: i64, most: i64) -> Result<Vec<Finding>, Problem> {
    row! { struct Odd { seq: Option<i64>, tab: String, id: String, what: String } }
    let company = rx.company();
    let standing: Vec<String> = governed(rx)?
        .iter()
        .map(|table| {
            format!(
                "SELECT '{table}' AS tab, id::text AS id, encode(sha256(convert_to(state, 'UTF8')), 'hex') AS digest FROM state_{table} WHERE company_id = $1"
            )
        })
        .collect();
    let text = format!(
        "WITH bound AS MATERIALIZED (
            SELECT DISTINCT ON (tab, id) tab, id, digest, seq FROM (
                SELECT split_part(s.line, ' ', 1) AS tab, split_part(s.line, ' ', 2) AS id, split_part(s.line, ' ', 3) AS digest, split_part(e.states, ' ', 1)::bigint AS position, l.seq
                FROM audit_event e LEFT JOIN audit_leaf l ON l.company_id = e.company_id AND l.event_id = e.id
                CROSS JOIN LATERAL string_to_table(substr(e.states, strpos(e.states, E'\n') + 1), E'\n') AS s(line)
                WHERE e.company_id = $1 AND strpos(e.states, E'\n') > 0 AND e.states ~ '^[0-9]{{1,18}} '
            ) AS said ORDER BY tab, id, position DESC
        ), standing AS ({})
        SELECT b.seq, coalesce(b.tab, s.tab) AS tab, coalesce(b.id, s.id) AS id,
               CASE WHEN b.id IS NULL THEN 'No event knows of the record: it was put in behind the service''s back.'
                    WHEN s.id IS NULL THEN 'The record is gone.'
                    WHEN b.digest = '-' THEN 'The record was deleted and is there again.'
                    ELSE 'The record differs from what was recorded of it.' END AS what
        FROM bound b FULL JOIN standing s ON s.tab = b.tab AND s.id = b.id
        WHERE s.digest IS DISTINCT FROM nullif(b.digest, '-') AND coalesce(b.seq, $2) BETWEEN $2 AND $3 ORDER BY b.seq NULLS LAST, 2, 3 LIMIT $4",
        standing.join(" UNION ALL ")
    );
    let odd: Vec<Odd> = rx.load(Sql::new(text).bind(company).bind(from).bind(to).bind(most))?;
    Ok(odd.into_iter().map(|odd| Finding { seq: odd.seq, record: odd.tab, id: Some(odd.id), finding: odd.what }).collect())
}

/// The first sealed event that binds or is about something.
pub fn first_of(rx: &mut Rx<'_>, id: &str) -> Result<Option<i64>, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new(
            "SELECT min(l.seq) FROM audit_event e JOIN audit_leaf l ON l.company_id = e.company_id AND l.event_id = e.id
             WHERE e.company_id = $1 AND (e.object_id::text = $2 OR strpos(e.states, $2) > 0 OR strpos(e.body, $2) > 0)",
        )
        .bind(company)
        .bind(id),
    )
}

/// Companies whose books were kept before events were bound to rows. Called with the identity tables open.
pub fn unbound_companies(rx: &mut Rx<'_>) -> Result<Vec<CompanyId>, Problem> {
    rx.scalars(Sql::new("SELECT id FROM company WHERE NOT books_bound ORDER BY id"))
}

/// Marks the company's books as bound; false where an event is bound already, so that nothing is to be adopted.
pub fn bind_books(tx: &mut Tx<'_>) -> Result<bool, Problem> {
    let company = tx.company();
    let text = "UPDATE company SET books_bound = true WHERE id = $1 AND NOT EXISTS (SELECT FROM audit_event WHERE company_id = $1 AND states IS NOT NULL)";
    Ok(tx.execute(Sql::new(text).bind(company))? > 0)
}

/// Has the transaction's event bind rows it did not write.
pub fn touch(tx: &mut Tx<'_>, table: &str, ids: &[Uuid]) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("SELECT touch_note((SELECT string_agg(concat(' ', $1::text, '/', $2::text, '/', id, '/', id), '') FROM unnest($3::uuid[]) AS id))")
            .bind(company)
            .bind(table)
            .bind(Many(ids.to_vec())),
    )
    .map(drop)
}

/// What is left of every open item.
pub fn balances(rx: &mut Rx<'_>, after: Uuid, most: i64) -> Result<Vec<Balance>, Problem> {
    let company = rx.company();
    let text = "SELECT item_id, open_amount::numeric AS open_amount, open_base::numeric AS open_base FROM open_item_balance WHERE company_id = $1 AND item_id > $2 ORDER BY item_id LIMIT $3";
    rx.load(Sql::new(text).bind(company).bind(after).bind(most))
}
row! { #[derive(serde::Serialize)] pub struct Balance { pub item_id: Uuid, pub open_amount: rust_decimal::Decimal, pub open_base: rust_decimal::Decimal } }

/// Every company. Called with the identity tables open.
pub fn companies(rx: &mut Rx<'_>) -> Result<Vec<CompanyId>, Problem> {
    rx.scalars(Sql::new("SELECT id FROM company ORDER BY id"))
}
