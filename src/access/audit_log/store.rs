use super::types::{AuditEntry, AuditFilter};
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

static ENTRIES: List = List {
    select: "SELECT e.id, l.seq, e.recorded_at, e.action, e.object AS resource_type, e.object_id AS resource_id, e.actor, e.request_id, e.body
        FROM audit_event e LEFT JOIN audit_leaf l ON l.company_id = e.company_id AND l.event_id = e.id WHERE e.company_id = $1",
    id: "e.id",
    sorts: &[SortKey { name: "seq", expression: "coalesce(l.seq, 9223372036854775807)", kind: "bigint" }],
    default_sort: "seq",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &AuditFilter) -> Result<Page<AuditEntry>, Problem> {
    let page = ENTRIES
        .of(rx)
        .when("e.actor = {}", filter.actor.clone())
        .when("e.action = {}", filter.action.clone())
        .when("e.object = {}", filter.resource_type.clone())
        .when("e.object_id = {}", filter.resource_id)
        .when("e.request_id = {}", filter.request_id.clone())
        .page::<EntryRow>(rx, paging)?;
    Ok(page.map(|row| AuditEntry {
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
    }))
}

row! { pub struct Checkpoint { pub size: i64, pub root: Vec<u8>, pub edge: Vec<u8>, pub key_id: String, pub signature: Vec<u8> } }

/// The newest head. The lock keeps two sealers apart.
pub fn lock_head(tx: &mut Tx<'_>) -> Result<Option<Checkpoint>, Problem> {
    let company = tx.company();
    tx.execute(Sql::new("SELECT pg_advisory_xact_lock(hashtextextended('seal ' || $1::text, 0))").bind(company))?;
    head(tx)
}

pub fn head(rx: &mut Rx<'_>) -> Result<Option<Checkpoint>, Problem> {
    let company = rx.company();
    rx.optional(Sql::new("SELECT size, root, edge, key_id, signature FROM audit_checkpoint WHERE company_id = $1 ORDER BY size DESC LIMIT 1").bind(company))
}

row! { pub struct Unsealed { pub id: Uuid, pub body: String, pub xid: i64 } }

/// Events not yet in the tree, in the order of their transactions. Only transactions older than every
/// running one are read, so that a late committer is never skipped.
pub fn unsealed(tx: &mut Tx<'_>, most: i64) -> Result<Vec<Unsealed>, Problem> {
    let company = tx.company();
    tx.load(
        Sql::new(
            "SELECT e.id, e.body, e.xid FROM audit_event e
             WHERE e.company_id = $1 AND e.xid >= coalesce((SELECT c.last_xid FROM audit_checkpoint c WHERE c.company_id = $1 ORDER BY c.size DESC LIMIT 1), 0)
               AND e.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
               AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.company_id = $1 AND l.event_id = e.id)
             ORDER BY e.xid, e.id LIMIT $2",
        )
        .bind(company)
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
}

pub fn append(tx: &mut Tx<'_>, sealed: Sealed<'_>) -> Result<(), Problem> {
    let company = tx.company();
    let last = sealed.events.last().map_or(0, |e| e.xid);
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

row! { pub struct LeafRow { pub seq: i64, pub leaf_hash: Vec<u8>, pub body: Option<String>, pub columns_agree: bool } }

/// Leaves after `seq` with the events they were made of, and whether the searchable columns still say what the body says.
pub fn leaves(rx: &mut Rx<'_>, after: i64, most: i64) -> Result<Vec<LeafRow>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "SELECT l.seq, l.leaf_hash, e.body,
                    coalesce((e.body::jsonb ->> 'action') = e.action AND (e.body::jsonb ->> 'object_id')::uuid = e.object_id AND (e.body::jsonb ->> 'id')::uuid = e.id
                        AND (e.body::jsonb ->> 'request_id') = e.request_id, false) AS columns_agree
             FROM audit_leaf l LEFT JOIN audit_event e ON e.company_id = l.company_id AND e.id = l.event_id
             WHERE l.company_id = $1 AND l.seq > $2 ORDER BY l.seq LIMIT $3",
        )
        .bind(company).bind(after).bind(most),
    )
}

/// Every company. Called with the identity tables open.
pub fn companies(rx: &mut Rx<'_>) -> Result<Vec<CompanyId>, Problem> {
    rx.scalars(Sql::new("SELECT id FROM company ORDER BY id"))
}
