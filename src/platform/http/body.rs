//! `Body<T>`: a JSON body that already agrees with the contract.
//!
//! The contract's own schema judges the body, so what is published and what is enforced cannot
//! differ, and every fault is named in one reply. Duplicate members, NUL characters and nesting
//! beyond 16 levels are refused while reading.

use super::contract::{Contract, Fault, Operation, holds_null};
use super::problem::{self, FieldError, Problem};
use crate::platform::unit_of_work::key_fault;
use actix_web::http::header;
use actix_web::web::{BytesMut, Payload};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev};
use serde::de::{self, DeserializeOwned, DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::time::Duration;

const DEEPEST: usize = 16;
const LARGEST: usize = 1024 * 1024;
const LARGEST_BULK: usize = 5 * 1024 * 1024;
const SLOWEST: Duration = Duration::from_secs(10);

/// A request body of type `T`.
pub struct Body<T>(pub T);

impl<T> Deref for Body<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// SHA-256 of the canonical body, left for the idempotency check.
#[derive(Clone, Copy)]
pub struct BodyHash(pub [u8; 32]);

/// Rows of a bulk request that disagree with the contract: they fail alone.
#[derive(Default)]
pub struct RowFaults(pub HashMap<usize, Problem>);

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        let payload = Payload::from_request(&request, payload);
        Box::pin(async move {
            json_content_type(&request)?;
            let payload = payload.await.map_err(|error| Problem::internal(&error))?;
            let operation = Contract::operation(&request)?;
            let bytes = collect(&request, payload, if operation.large { LARGEST_BULK } else { LARGEST }).await?;
            // A large body is judged off the event loop, where it holds nobody up.
            let read = if bytes.len() > 64 * 1024 {
                actix_web::web::block(move || judge(&bytes, operation)).await.map_err(|error| Problem::internal(&error))??
            } else {
                judge(&bytes, operation)?
            };
            let Judged { mut value, hash, faults, rows } = read;
            request.extensions_mut().insert(BodyHash(hash));
            if let Some(rows) = rows {
                for row in rows.keys() {
                    value["items"][*row] = Value::Null;
                }
                request.extensions_mut().insert(RowFaults(rows));
            }
            if !faults.is_empty() {
                return Err(Fault::problem(faults).also(key_fault(&request, operation.keyed)));
            }
            let value = if holds_null(&value) { without_nulls(value, request.method() == actix_web::http::Method::PATCH) } else { value };
            serde_json::from_value(value).map(Body).map_err(|error| Problem::invalid(vec![FieldError::at("", "invalid", error.to_string())]))
        })
    }
}

/// A body with everything that is wrong with it.
struct Judged {
    value: Value,
    hash: [u8; 32],
    faults: Vec<Fault>,
    rows: Option<HashMap<usize, Problem>>,
}

fn judge(bytes: &[u8], operation: &Operation) -> Result<Judged, Problem> {
    let value = parse(bytes)?;
    Ok(Judged { hash: canonical_hash(&value), faults: operation.body_faults(&value), rows: operation.row_faults(&value), value })
}

/// In a create `null` equals absent; in PATCH it clears, so it stays.
fn without_nulls(value: Value, patch: bool) -> Value {
    match value {
        Value::Object(members) if !patch => {
            Value::Object(members.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v, false))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(|item| without_nulls(item, patch)).collect()),
        other => other,
    }
}

/// Tells a member that is null from one that is absent: for members of a merge patch.
#[allow(clippy::option_option, reason = "absent, null and a value are three things in a merge patch")]
pub fn present<'de, T: serde::Deserialize<'de>, D: de::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    serde::Deserialize::deserialize(deserializer).map(Some)
}

fn json_content_type(request: &HttpRequest) -> Result<(), Problem> {
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::new(problem::UNSUPPORTED_MEDIA_TYPE, "Request bodies must not be compressed."));
    }
    let merge_patch = request.method() == actix_web::http::Method::PATCH && request.content_type() == "application/merge-patch+json";
    if request.content_type() == "application/json" || merge_patch {
        return Ok(());
    }
    Err(Problem::new(problem::UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json."))
}

/// Reads the body within the limits of size and time, before any database connection is asked for.
async fn collect(request: &HttpRequest, mut payload: Payload, largest: usize) -> Result<BytesMut, Problem> {
    let too_large = || Problem::new(problem::PAYLOAD_TOO_LARGE, format!("The body may have at most {largest} bytes.")).member("limit", largest);
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
    if declared.is_some_and(|length| length > largest) {
        return Err(too_large());
    }
    let mut bytes = BytesMut::new();
    let read = async {
        loop {
            let chunk = std::future::poll_fn(|cx| {
                let stream: Pin<&mut Payload> = Pin::new(&mut payload);
                futures_core::Stream::poll_next(stream, cx)
            })
            .await;
            let Some(chunk) = chunk else { return Ok(bytes) };
            let chunk = chunk.map_err(|_| Problem::new(problem::MALFORMED_JSON, "The body ended early."))?;
            if bytes.len() + chunk.len() > largest {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
    };
    tokio::time::timeout(SLOWEST, read).await.map_err(|_| Problem::new(problem::REQUEST_TIMEOUT, "The body did not arrive within 10 seconds."))?
}

/// Parses strictly: no duplicate members, no deep nesting, no NUL.
pub fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    let malformed = |error: serde_json::Error| Problem::new(problem::MALFORMED_JSON, format!("The body is not valid JSON: {error}."));
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0 }.deserialize(&mut reader).map_err(malformed)?;
    reader.end().map_err(malformed)?;
    Ok(value)
}

/// SHA-256 of the value with members sorted: equal for bodies that mean the same.
pub fn canonical_hash(value: &Value) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let mut names: Vec<_> = members.keys().collect();
                names.sort_unstable();
                Value::Object(names.into_iter().map(|name| (name.clone(), sorted(&members[name]))).collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    Sha256::digest(sorted(value).to_string().as_bytes()).into()
}

struct Strict {
    depth: usize,
}
impl Strict {
    fn deeper<E: de::Error>(&self) -> Result<Self, E> {
        if self.depth >= DEEPEST { Err(E::custom("nested more than 16 levels")) } else { Ok(Self { depth: self.depth + 1 }) }
    }
}
fn text<E: de::Error>(text: &str) -> Result<String, E> {
    if text.contains('\0') { Err(E::custom("text holds a NUL character")) } else { Ok(text.to_owned()) }
}
impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}
impl<'de> Visitor<'de> for Strict {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(v.into())
    }
    fn visit_str<E: de::Error>(self, v: &str) -> Result<Value, E> {
        text(v).map(Value::String)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.deeper()?)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let name = text(&name)?;
            if members.contains_key(&name) {
                return Err(de::Error::custom(format!("member \"{name}\" stands twice")));
            }
            let value = map.next_value_seed(self.deeper()?)?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_members_are_malformed() {
        assert!(parse(br#"{"a": 1, "a": 2}"#).is_err());
        assert!(parse(br#"{"a": {"b": 1}, "b": {"b": 2}}"#).is_ok());
    }

    #[test]
    fn deep_nesting_nul_and_trailing_text_are_malformed() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(16).as_bytes()).is_ok());
        assert!(parse(nested(18).as_bytes()).is_err());
        assert!(parse(nested(100_000).as_bytes()).is_err());
        assert!(parse(br#"{"a": "x\u0000y"}"#).is_err());
        assert!(parse(b"{} {}").is_err());
        assert!(parse(b"").is_err());
    }

    #[test]
    fn bodies_that_mean_the_same_hash_alike() {
        let hash = |text: &str| parse(text.as_bytes()).map(|v| canonical_hash(&v)).expect("valid");
        assert_eq!(hash(r#"{"a":1,"b":{"d":2,"c":3}}"#), hash("{ \"b\": {\"c\":3, \"d\":2}, \"a\":1 }"));
        assert_ne!(hash(r#"{"a":1}"#), hash(r#"{"a":"1"}"#));
    }
}
