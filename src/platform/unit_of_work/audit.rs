//! The audit event: written in the transaction of the change, demanded by the type.
//!
//! `body` is the truth that is hashed and sealed later; the columns beside it are for finding. `states` binds
//! the event to the rows its transaction wrote: a digest of each governed row as it stands at the end, which
//! the database collects by itself (migration 11). The body also says what became of every document that the
//! transaction opened or settled (`moved`, migration 24), so that whoever reads the events knows every balance. `mac` shows that the service wrote the event: its key is
//! derived from a secret outside the database, for this event alone, so whoever holds the database cannot make one.

use super::transaction::{Context, Tx};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::postgres::sql::{Many, Sql};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::IpAddr;
use uuid::Uuid;

/// A value whose change was recorded. Only [`Tx::record`] makes one.
#[must_use = "return it from the write closure"]
pub struct Audited<T> {
    value: T,
    /// Which event of its transaction tells of it.
    event: usize,
}

impl<T> Audited<T> {
    pub(super) fn new(value: T, event: usize) -> Self {
        Self { value, event }
    }
    pub(super) fn into_inner(self) -> T {
        self.value
    }
    pub(super) fn event(&self) -> usize {
        self.event
    }
    /// The value, to read.
    pub fn get(&self) -> &T {
        &self.value
    }
    /// Another view of the same change.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Audited<U> {
        Audited { value: f(self.value), event: self.event }
    }
}

/// What became of each of several things done together; an error when nothing can be said of any.
pub type Outcomes<T> = Result<Vec<Result<Audited<T>, Problem>>, Problem>;

/// What was done to what.
pub struct Change {
    action: &'static str,
    object: &'static str,
    object_id: Uuid,
    version: i64,
    before: Value,
    after: Value,
    reason: Option<String>,
}

impl Change {
    /// `action` is the event type (`receipt.recorded`); the object type is the word before the dot.
    pub fn new(action: &'static str, object_id: Uuid) -> Self {
        let object = action.split('.').next().unwrap_or(action);
        Self { action, object, object_id, version: 1, before: Value::Null, after: Value::Null, reason: None }
    }
    #[must_use]
    pub fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }
    #[must_use]
    pub fn before(mut self, before: &impl serde::Serialize) -> Self {
        self.before = serde_json::to_value(before).unwrap_or_default();
        self
    }
    #[must_use]
    pub fn after(mut self, after: &impl serde::Serialize) -> Self {
        self.after = serde_json::to_value(after).unwrap_or_default();
        self
    }
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

/// The event that binds books kept before events were bound to rows.
pub const ADOPTED: &str = "audit.adopted";

/// An event waiting for the end of its transaction.
pub(super) struct Pending {
    id: Uuid,
    action: &'static str,
    object: &'static str,
    object_id: Uuid,
    request_id: String,
    body: Value,
}

impl Pending {
    pub fn new(change: Change, cx: &Context) -> Self {
        let id = Uuid::now_v7();
        let body = json!({
            "id": id, "company_id": cx.company, "at": Instant(cx.now), "actor": cx.actor, "ip": cx.address, "request_id": cx.request_id,
            "operation": cx.operation, "action": change.action, "object": change.object, "object_id": change.object_id,
            "version": change.version, "reason": change.reason, "before": change.before, "after": change.after,
        });
        Self { id, action: change.action, object: change.object, object_id: change.object_id, request_id: cx.request_id.clone(), body }
    }
    /// Names the request it was done for and where that came from, where a transaction serves several.
    pub fn done_for(&mut self, request_id: &str, address: Option<IpAddr>) {
        self.body["ip"] = serde_json::json!(address);
        request_id.clone_into(&mut self.request_id);
        self.body["request_id"] = request_id.into();
    }
}

/// What makes the service's events its own. A different one for each installation.
#[derive(Clone, Copy)]
pub struct EventKey([u8; 32]);

impl std::fmt::Debug for EventKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventKey")
    }
}

impl EventKey {
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }
    /// The key of one event.
    fn once(&self, event: Uuid) -> Vec<u8> {
        Hmac::<Sha256>::new_from_slice(&self.0).map(|mac| mac.chain_update(event.as_bytes()).finalize().into_bytes().to_vec()).unwrap_or_default()
    }
    /// Whether the service wrote this event. The same formula stands in [`flush`]; the message between the
    /// keys is of fixed length, so nothing can be appended to it.
    #[must_use]
    pub fn wrote(&self, event: Uuid, body: &str, states: &str, mac: &[u8]) -> bool {
        let key = self.once(event);
        let message = Sha256::new_with_prefix(body).chain_update("\n").chain_update(states).finalize();
        !key.is_empty() && Sha256::new_with_prefix(&key).chain_update(message).chain_update(&key).finalize().as_slice() == mac
    }
}

/// Writes the events of a transaction and the stored replies of the keys it answers, in one statement. What the
/// transaction wrote goes to the event of its document, or to the last one. What moved is asked only where something was
/// posted: to be told that nothing did costs as much as the rest.
pub(super) fn flush(tx: &mut Tx<'_>, replies: &[(Uuid, String)]) -> Result<(), Problem> {
    let events = std::mem::take(&mut tx.pending);
    let company = tx.company();
    let (actor, event_key) = (tx.cx().actor.to_string(), tx.cx().event_key);
    // What was written of an object is bound to its last event; what belongs to none, to the last of all.
    let last: BTreeMap<Uuid, i64> = events.iter().map(|event| event.object_id).zip(1..).collect();
    // What binds books kept before tells nothing new of them.
    let tells = events.iter().any(|event| event.action != ADOPTED);
    let mut sql = Sql::new(
        "WITH event AS MATERIALIZED (
            SELECT e.*, nextval('audit_order') AS position
            FROM unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::bytea[]) WITH ORDINALITY AS e(id, action, object, object_id, request_id, body, key, n)
        ), touched AS (
            SELECT DISTINCT ON (p[2], p[3]) p[2] AS tab, p[3]::uuid AS id, p[4]::uuid AS owner
            FROM string_to_table(touch_noted(), ' ') AS t, string_to_array(t, '/') AS p WHERE p[1] = $1::text ORDER BY p[2], p[3]
        ), bound AS (
            SELECT jsonb_object_agg(n, rows) AS rows FROM (
                SELECT coalesce(($10::bigint[])[array_position($11::uuid[], t.owner)], cardinality($3::uuid[])) AS n,
                       string_agg(concat_ws(' ', t.tab, t.id, coalesce(encode(sha256(convert_to(state_of($1, t.tab, t.id), 'UTF8')), 'hex'), '-')), E'\n' ORDER BY t.tab, t.id) AS rows
                FROM touched t GROUP BY 1) AS of_event
        ), moved AS (
            SELECT jsonb_object_agg(n, documents) AS documents FROM (
                SELECT n, string_agg(state, ',') AS documents FROM (
                    SELECT coalesce(($10::bigint[])[array_position($11::uuid[], m.document)], (SELECT max(($10::bigint[])[array_position($11::uuid[], o.id)]) FROM unnest(m.others) AS o(id)), cardinality($3::uuid[])) AS n, m.state
                    FROM (SELECT array_agg(t.id) FILTER (WHERE t.tab = 'journal_entry') AS entries, array_agg(t.id) FILTER (WHERE t.tab = 'allocation') AS made FROM touched t
                          WHERE t.tab IN ('journal_entry', 'allocation') AND $12 HAVING count(*) > 0) AS posted
                    CROSS JOIN LATERAL moved_documents($1, posted.entries, posted.made) AS m) AS of_document
                GROUP BY n) AS of_event
        ), recorded AS (
            INSERT INTO audit_event (company_id, id, action, object, object_id, actor, request_id, body, states, mac)
            SELECT $1, e.id, e.action, e.object, e.object_id, $2, e.request_id, s.body, s.states, sha256(e.key || sha256(convert_to(s.body || E'\n' || s.states, 'UTF8')) || e.key)
            FROM event e CROSS JOIN bound b CROSS JOIN moved m
            CROSS JOIN LATERAL (SELECT concat_ws(E'\n', concat_ws(' ', e.position, pg_current_xact_id(), (extract(epoch FROM now()) * 1000000)::bigint), b.rows ->> e.n::text) AS states,
                                       left(e.body, -1) || coalesce(',\"moved\":[' || (m.documents ->> e.n::text) || ']', '') || '}' AS body) AS s
        )",
    )
    .bind(company)
    .bind(actor)
    .bind(events.iter().map(|e| e.id).collect::<Many<_>>())
    .bind(events.iter().map(|e| e.action).collect::<Many<_>>())
    .bind(events.iter().map(|e| e.object).collect::<Many<_>>())
    .bind(events.iter().map(|e| e.object_id).collect::<Many<_>>())
    .bind(events.iter().map(|e| e.request_id.as_str()).collect::<Many<_>>())
    .bind(events.iter().map(|e| e.body.to_string()).collect::<Many<_>>())
    .bind(events.iter().map(|e| event_key.once(e.id)).collect::<Many<_>>())
    .bind(last.values().copied().collect::<Many<i64>>())
    .bind(last.keys().copied().collect::<Many<_>>())
    .bind(tells);
    if replies.is_empty() {
        sql.push(" SELECT 1");
    } else {
        sql = sql.bind(replies.iter().map(|(key, _)| *key).collect::<Many<_>>()).bind(replies.iter().map(|(_, reply)| reply.as_str()).collect::<Many<_>>());
        sql.push(" UPDATE idempotency_key k SET reply = r.reply FROM unnest($13::uuid[], $14::text[]) AS r(id, reply) WHERE k.company_id = $1 AND k.id = r.id");
    }
    tx.execute(sql)?;
    tx.flushed.push(company);
    Ok(())
}
