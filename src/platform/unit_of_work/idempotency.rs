//! Idempotent replay (api.md 4.8): the key's row is written first and in the transaction of the
//! work, so that a twin waits for it, a crash leaves nothing, and only committed replies are kept.

use super::transaction::Tx;
use crate::platform::http::body::BodyHash;
use crate::platform::http::contract::Keyed;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::Rendered;
use crate::platform::postgres::sql::{Many, Sql};
use crate::row;
use actix_web::{HttpMessage, HttpRequest};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use uuid::Uuid;

/// A key as one request uses it.
#[derive(Debug, Clone)]
pub struct Key {
    pub key: String,
    /// Company, principal, operation and path are the key's scope.
    pub scope: String,
    pub request_hash: Vec<u8>,
    pub request_id: String,
}

/// The header: a bare token or the draft's quoted string.
fn given(request: &HttpRequest) -> Result<Option<&str>, FieldError> {
    let Some(value) = request.headers().get("idempotency-key") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let key = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    if key.is_empty() || key.len() > 255 || !key.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
        return Err(FieldError::header("Idempotency-Key", "header_invalid", "1 to 255 visible ASCII characters."));
    }
    Ok(Some(key))
}

fn absent() -> FieldError {
    FieldError::header("Idempotency-Key", "header_missing", "This operation needs an Idempotency-Key header.")
}

/// What is wrong with the header, to be told beside what is wrong with the body.
pub fn key_fault(request: &HttpRequest, keyed: Keyed) -> Option<FieldError> {
    match given(request) {
        Ok(None) => (keyed == Keyed::Required).then(absent),
        read => read.err().filter(|_| keyed != Keyed::Ignored),
    }
}

/// The key of a request, where it has one.
pub fn key_of(request: &HttpRequest, principal: &str, operation: &str) -> Result<Option<Key>, Problem> {
    let invalid = |fault| Problem::new(problem::IDEMPOTENCY_KEY_INVALID, "Send 1 to 255 visible ASCII characters as Idempotency-Key.").errors(vec![fault]);
    let Some(key) = given(request).map_err(invalid)? else { return Ok(None) };
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
    Ok(Some(Key {
        key: key.to_owned(),
        scope: format!("{principal} {operation} {}", request.path()),
        request_hash: hash.finalize().to_vec(),
        request_id: super::request_id(request),
    }))
}

/// The refusal when an operation that needs a key got none.
pub fn missing() -> Problem {
    Problem::new(problem::IDEMPOTENCY_KEY_MISSING, "Send an Idempotency-Key header: one key for each business intent, the same on every retry.")
        .errors(vec![absent()])
}

/// Whether the request is new or was answered before.
pub enum Claim {
    Fresh(Uuid),
    Replay(Rendered),
}

row! { struct Claimed { scope: String, key: String, request_hash: Vec<u8>, request_id: String, reply: Option<String> } }

/// Claims a key.
pub fn claim(tx: &mut Tx<'_>, key: &Key) -> Result<Claim, Problem> {
    claim_all(tx, &[key])?.pop().unwrap_or_else(|| Err(Problem::internal(&"a key without an answer")))
}

/// Claims keys, no two of them alike. The unique insert waits for a twin that is still at work; after the lock
/// timeout the caller hears that it is in progress.
pub fn claim_all(tx: &mut Tx<'_>, keys: &[&Key]) -> Result<Vec<Result<Claim, Problem>>, Problem> {
    let ids: Vec<Uuid> = keys.iter().map(|_| Uuid::now_v7()).collect();
    let insert = Sql::new(
        "INSERT INTO idempotency_key (company_id, id, scope, key, request_hash, request_id)
         SELECT $1, k.* FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::text[]) AS k
         ON CONFLICT (company_id, scope, key) DO NOTHING RETURNING id",
    )
    .bind(tx.company())
    .bind(Many(ids.clone()))
    .bind(keys.iter().map(|key| key.scope.as_str()).collect::<Many<_>>())
    .bind(keys.iter().map(|key| key.key.as_str()).collect::<Many<_>>())
    .bind(keys.iter().map(|key| key.request_hash.as_slice()).collect::<Many<_>>())
    .bind(keys.iter().map(|key| key.request_id.as_str()).collect::<Many<_>>());
    let fresh: HashSet<Uuid> = tx
        .scalars(insert)
        .map_err(|problem| {
            if problem.is(problem::BUSY) {
                Problem::new(problem::IDEMPOTENCY_IN_PROGRESS, "A request with this key is still running; ask again for its answer.").retry_after(1)
            } else {
                problem
            }
        })?
        .into_iter()
        .collect();
    let known: Vec<Claimed> = if fresh.len() == keys.len() {
        Vec::new()
    } else {
        let company = tx.company();
        tx.load(
            Sql::new(
                "SELECT k.scope, k.key, k.request_hash, k.request_id, k.reply FROM unnest($2::text[], $3::text[]) AS w(scope, key)
                 JOIN idempotency_key k ON k.company_id = $1 AND k.scope = w.scope AND k.key = w.key",
            )
            .bind(company)
            .bind(keys.iter().map(|key| key.scope.as_str()).collect::<Many<_>>())
            .bind(keys.iter().map(|key| key.key.as_str()).collect::<Many<_>>()),
        )?
    };
    let claimed = |(id, key): (&Uuid, &&Key)| {
        if fresh.contains(id) {
            return Ok(Claim::Fresh(*id));
        }
        let known = known.iter().find(|known| known.scope == key.scope && known.key == key.key);
        replay(key, known.ok_or_else(|| Problem::internal(&"a key that is taken and is not there"))?)
    };
    Ok(ids.iter().zip(keys).map(claimed).collect())
}

fn replay(key: &Key, known: &Claimed) -> Result<Claim, Problem> {
    if known.request_hash != key.request_hash {
        return Err(Problem::new(problem::IDEMPOTENCY_KEY_REUSED, "This Idempotency-Key was used with another request; use a new key for a new intent.")
            .errors(vec![FieldError::header("Idempotency-Key", "idempotency_key_reused", "Used before with another request.")])
            .member("original_request_id", known.request_id.as_str()));
    }
    let reply = known.reply.as_ref().ok_or_else(|| Problem::internal(&format!("key {} has no reply", key.key)))?;
    let mut reply: Rendered = serde_json::from_str(reply).map_err(|error| Problem::internal(&error))?;
    reply.replay_of = Some(known.request_id.clone());
    Ok(Claim::Replay(reply))
}

/// Gives claimed keys back: what is refused is not kept, so that it can be tried again.
pub fn release(tx: &mut Tx<'_>, claims: Vec<Uuid>) -> Result<(), Problem> {
    if claims.is_empty() {
        return Ok(());
    }
    let company = tx.company();
    tx.execute(Sql::new("DELETE FROM idempotency_key WHERE company_id = $1 AND id = ANY($2)").bind(company).bind(Many(claims)))?;
    Ok(())
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
