//! Idempotent replay (api.md 4.8): the key's row is written first and in the transaction of the
//! work, so that a twin waits for it, a crash leaves nothing, and only committed replies are kept.

use super::transaction::Tx;
use crate::platform::http::body::BodyHash;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::Rendered;
use crate::platform::postgres::sql::Sql;
use crate::row;
use actix_web::{HttpMessage, HttpRequest};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A key as one request uses it.
#[derive(Debug, Clone)]
pub struct Key {
    pub key: String,
    /// Company, principal, operation and path are the key's scope.
    pub scope: String,
    pub request_hash: Vec<u8>,
}

/// Reads the header: a bare token or the draft's quoted string.
pub fn key_of(request: &HttpRequest, principal: &str, operation: &str) -> Result<Option<Key>, Problem> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let invalid = || {
        Problem::new(problem::IDEMPOTENCY_KEY_INVALID, "Send 1 to 255 visible ASCII characters as Idempotency-Key.").errors(vec![FieldError::header(
            "Idempotency-Key",
            "header_invalid",
            "1 to 255 visible ASCII characters.",
        )])
    };
    let text = value.to_str().map_err(|_| invalid())?.trim();
    let key = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    if key.is_empty() || key.len() > 255 || !key.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
        return Err(invalid());
    }
    let mut hash = Sha256::new();
    hash.update(request.method().as_str());
    hash.update([0]);
    hash.update(request.path());
    hash.update([0]);
    hash.update(request.query_string());
    hash.update([0]);
    if let Some(BodyHash(body)) = request.extensions().get::<BodyHash>() {
        hash.update(body);
    }
    Ok(Some(Key { key: key.to_owned(), scope: format!("{principal} {operation} {}", request.path()), request_hash: hash.finalize().to_vec() }))
}

/// The refusal when an operation that needs a key got none.
pub fn missing() -> Problem {
    Problem::new(problem::IDEMPOTENCY_KEY_MISSING, "Send an Idempotency-Key header: one key for each business intent, the same on every retry.")
        .errors(vec![FieldError::header("Idempotency-Key", "header_missing", "This operation needs an Idempotency-Key header.")])
}

/// Whether the request is new or was answered before.
pub enum Claim {
    Fresh(Uuid),
    Replay(Rendered),
}

row! {
    struct Claimed {
        id: Uuid,
        request_hash: Vec<u8>,
        request_id: String,
        reply: Option<String>,
    }
}

/// Claims the key. The unique insert waits for a twin that is still at work; after the lock
/// timeout the caller hears that it is in progress.
pub fn claim(tx: &mut Tx<'_>, key: &Key) -> Result<Claim, Problem> {
    let id = Uuid::now_v7();
    let insert = Sql::new(
        "INSERT INTO idempotency_key (company_id, id, scope, key, request_hash, request_id)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (company_id, scope, key) DO NOTHING",
    )
    .bind(tx.company())
    .bind(id)
    .bind(key.scope.as_str())
    .bind(key.key.as_str())
    .bind(key.request_hash.as_slice())
    .bind(tx.cx().request_id.clone());
    let inserted = tx.execute(insert).map_err(|problem| {
        if problem.is(problem::BUSY) {
            Problem::new(problem::IDEMPOTENCY_IN_PROGRESS, "A request with this key is still running; ask again for its answer.").retry_after(1)
        } else {
            problem
        }
    })?;
    if inserted == 1 {
        return Ok(Claim::Fresh(id));
    }
    let company = tx.company();
    let found: Claimed = tx.one(
        Sql::new("SELECT id, request_hash, request_id, reply FROM idempotency_key WHERE company_id = $1 AND scope = $2 AND key = $3")
            .bind(company)
            .bind(key.scope.as_str())
            .bind(key.key.as_str()),
    )?;
    if found.request_hash != key.request_hash {
        return Err(Problem::new(problem::IDEMPOTENCY_KEY_REUSED, "This Idempotency-Key was used with another request; use a new key for a new intent.")
            .errors(vec![FieldError::header("Idempotency-Key", "idempotency_key_reused", "Used before with another request.")])
            .member("original_request_id", found.request_id));
    }
    let reply = found.reply.ok_or_else(|| Problem::internal(&format!("key {} has no reply", found.id)))?;
    let mut reply: Rendered = serde_json::from_str(&reply).map_err(|error| Problem::internal(&error))?;
    reply.replay_of = Some(found.request_id);
    Ok(Claim::Replay(reply))
}

/// Drops keys older than 30 days, company by company, in batches no statement timeout can stop for ever.
pub fn purge_idempotency_keys(doors: &super::Doors) -> Result<(), Problem> {
    const BATCH: usize = 5_000;
    let companies: Vec<crate::platform::ids::CompanyId> =
        super::run_system_read(doors, None, "purgeKeys", |rx| rx.scalars(Sql::new("SELECT id FROM company")))?;
    for company in companies {
        let purge = |tx: &mut Tx<'_>| {
            tx.execute(
                Sql::new(
                    "DELETE FROM idempotency_key WHERE company_id = $1 AND id IN (
                        SELECT id FROM idempotency_key WHERE company_id = $1 AND created_at < now() - interval '30 days' ORDER BY created_at LIMIT 5000)",
                )
                .bind(company),
            )
        };
        while super::run_system(doors, Some(company), "purgeKeys", purge)? == BATCH {}
    }
    Ok(())
}
