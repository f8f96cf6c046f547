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
pub struct Audited<T>(T);

impl<T> Audited<T> {
    pub(super) fn new(value: T) -> Self {
        Self(value)
    }
    pub(super) fn into_inner(self) -> T {
        self.0
    }
    /// The value, to read.
    pub fn get(&self) -> &T {
        &self.0
    }
    /// Another view of the same change.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Audited<U> {
        Audited(f(self.0))
    }
}

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
    body: String,
}

impl Pending {
    pub fn new(change: Change, cx: &Context) -> Self {
        let id = Uuid::now_v7();
        let body = json!({
            "id": id, "company_id": cx.company, "at": Instant(cx.now), "actor": cx.actor, "request_id": cx.request_id,
            "operation": cx.operation, "action": change.action, "object": change.object, "object_id": change.object_id,
            "version": change.version, "reason": change.reason, "before": change.before, "after": change.after,
        })
        .to_string();
        Self { id, action: change.action, object: change.object, object_id: change.object_id, body }
    }
}

/// Writes the events of a transaction and, where there is a key, the stored reply, in one statement.
pub(super) fn flush(tx: &mut Tx<'_>, reply: Option<(&Uuid, &str)>) -> Result<(), Problem> {
    let events = std::mem::take(&mut tx.pending);
    let company = tx.company();
    let (actor, request_id) = (tx.cx().actor.to_string(), tx.cx().request_id.clone());
    let mut sql = Sql::new(
        "WITH recorded AS (
            INSERT INTO audit_event (company_id, id, action, object, object_id, actor, request_id, body)
            SELECT $1, e.id, e.action, e.object, e.object_id, $2, $3, e.body
            FROM unnest($4::uuid[], $5::text[], $6::text[], $7::uuid[], $8::text[]) AS e(id, action, object, object_id, body)
        )",
    )
    .bind(company)
    .bind(actor)
    .bind(request_id)
    .bind(Many(events.iter().map(|e| e.id).collect()))
    .bind(Many(events.iter().map(|e| e.action).collect()))
    .bind(Many(events.iter().map(|e| e.object).collect()))
    .bind(Many(events.iter().map(|e| e.object_id).collect()))
    .bind(Many(events.iter().map(|e| e.body.as_str()).collect()));
    if let Some((key, reply)) = reply {
        sql = sql.bind(*key).bind(reply);
        sql.push(" UPDATE idempotency_key SET reply = $10 WHERE company_id = $1 AND id = $9");
    } else {
        sql.push(" SELECT 1");
    }
    tx.execute(sql)?;
    Ok(())
}
