//! The audit event: written in the transaction of the change, demanded by the type.
//!
//! `body` is the truth that is hashed and sealed later; the columns beside it are for finding.

use super::transaction::{Context, Tx};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::postgres::sql::{Many, Sql};
use serde_json::{Value, json};
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
            "id": id, "company_id": cx.company, "at": Instant(cx.now), "actor": cx.actor, "request_id": cx.request_id,
            "operation": cx.operation, "action": change.action, "object": change.object, "object_id": change.object_id,
            "version": change.version, "reason": change.reason, "before": change.before, "after": change.after,
        });
        Self { id, action: change.action, object: change.object, object_id: change.object_id, request_id: cx.request_id.clone(), body }
    }
    /// Names the request it was done for, where a transaction serves several.
    pub fn done_for(&mut self, request_id: &str) {
        request_id.clone_into(&mut self.request_id);
        self.body["request_id"] = request_id.into();
    }
}

/// Writes the events of a transaction and the stored replies of the keys it answers, in one statement.
pub(super) fn flush(tx: &mut Tx<'_>, replies: &[(Uuid, String)]) -> Result<(), Problem> {
    let events = std::mem::take(&mut tx.pending);
    let company = tx.company();
    let actor = tx.cx().actor.to_string();
    let mut sql = Sql::new(
        "WITH recorded AS (
            INSERT INTO audit_event (company_id, id, action, object, object_id, actor, request_id, body)
            SELECT $1, e.id, e.action, e.object, e.object_id, $2, e.request_id, e.body
            FROM unnest($3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[]) AS e(id, action, object, object_id, request_id, body)
        )",
    )
    .bind(company)
    .bind(actor)
    .bind(events.iter().map(|e| e.id).collect::<Many<_>>())
    .bind(events.iter().map(|e| e.action).collect::<Many<_>>())
    .bind(events.iter().map(|e| e.object).collect::<Many<_>>())
    .bind(events.iter().map(|e| e.object_id).collect::<Many<_>>())
    .bind(events.iter().map(|e| e.request_id.as_str()).collect::<Many<_>>())
    .bind(events.iter().map(|e| e.body.to_string()).collect::<Many<_>>());
    if replies.is_empty() {
        sql.push(" SELECT 1");
    } else {
        sql = sql.bind(replies.iter().map(|(key, _)| *key).collect::<Many<_>>()).bind(replies.iter().map(|(_, reply)| reply.as_str()).collect::<Many<_>>());
        sql.push(" UPDATE idempotency_key k SET reply = r.reply FROM unnest($9::uuid[], $10::text[]) AS r(id, reply) WHERE k.company_id = $1 AND k.id = r.id");
    }
    tx.execute(sql)?;
    Ok(())
}
