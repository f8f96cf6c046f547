//! The verbs of API clients.

use super::types::{ApiClient, ApiClientPatch, ClientToken, NewApiClient, RotateSecret};
use super::{problems, standing, store};
use crate::access::tokens::keys::{Keys, MACHINE_SECONDS};
use crate::access::tokens::service as tokens;
use crate::platform::dates::Instant;
use crate::platform::http::address::Network;
use crate::platform::http::problem;
use crate::platform::http::reply::require_version;
use crate::platform::http::{FieldError, Problem};
use crate::platform::ids::ClientId;
use crate::platform::unit_of_work::permissions::client_scopes;
use crate::platform::unit_of_work::{Actor, Audited, Change, Principal, Tx};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use chrono::Duration;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use uuid::Uuid;

pub fn create(tx: &mut Tx<'_>, new: &NewApiClient) -> Result<Audited<ApiClient>, Problem> {
    let (scopes, allowed_ips) = (grantable(&new.scopes)?, networks(&new.allowed_ips)?);
    let (id, secret) = (ClientId::new(), tokens::secret("dbk_live_"));
    store::insert(tx, id, &store::Values { name: &new.name, scopes, allowed_ips, requests_per_minute: new.requests_per_minute }, &hash(&secret))?;
    let client = store::get(tx, id)?;
    let audited = tx.record(Change::new("api_client.created", id.uuid()).after(&client), ());
    Ok(audited.map(|()| ApiClient { client_secret: Some(secret), ..client }))
}

pub fn update(tx: &mut Tx<'_>, id: ClientId, version: Option<i64>, patch: &ApiClientPatch) -> Result<Audited<ApiClient>, Problem> {
    let before = living(tx, id, version)?;
    let mut wanted = before.clone();
    if let Some(name) = &patch.name {
        wanted.name.clone_from(name);
    }
    if let Some(scopes) = &patch.scopes {
        wanted.scopes = grantable(scopes)?;
    }
    if let Some(allowed) = &patch.allowed_ips {
        wanted.allowed_ips = networks(allowed.as_deref().unwrap_or_default())?;
    }
    wanted.requests_per_minute = patch.requests_per_minute.unwrap_or(wanted.requests_per_minute);
    wanted.active = patch.active.unwrap_or(wanted.active);
    store::update(tx, &wanted)?;
    if before.active && !wanted.active {
        tokens::revoke_subject(tx, id.uuid())?;
    }
    let after = store::get(tx, id)?;
    Ok(tx.record(Change::new("api_client.updated", id.uuid()).version(after.version).before(&before).after(&after), after))
}

/// Puts a new secret beside the one in use.
pub fn rotate(tx: &mut Tx<'_>, id: ClientId, wanted: &RotateSecret) -> Result<Audited<ApiClient>, Problem> {
    let before = living(tx, id, None)?;
    let secret = tokens::secret("dbk_live_");
    let until = tx.cx().now + Duration::hours(wanted.overlap_hours.into());
    store::rotate(tx, id, &hash(&secret), until)?;
    let after = store::get(tx, id)?;
    let audited = tx.record(Change::new("api_client.secret_rotated", id.uuid()).version(after.version).before(&before).after(&after), ());
    Ok(audited.map(|()| ApiClient { client_secret: Some(secret), ..after }))
}

/// Ends a client: its tokens stop working within seconds, its history stays.
pub fn revoke(tx: &mut Tx<'_>, id: ClientId, version: Option<i64>) -> Result<Audited<ApiClient>, Problem> {
    let before = living(tx, id, version)?;
    store::revoke(tx, id)?;
    tokens::revoke_subject(tx, id.uuid())?;
    let after = store::get(tx, id)?;
    Ok(tx.record(Change::new("api_client.revoked", id.uuid()).version(after.version).before(&before).after(&after), after))
}

/// A client that may still change, locked.
fn living(tx: &mut Tx<'_>, id: ClientId, version: Option<i64>) -> Result<ApiClient, Problem> {
    let client = store::lock(tx, id)?;
    require_version(version, client.version)?;
    match client.revoked_at {
        None => Ok(client),
        Some(Instant(_)) => Err(Problem::new(problem::INVALID_STATE, "The client is revoked; create another.")
            .member("current", json!({"status": "revoked"}))
            .member("allowed_actions", json!([]))),
    }
}

/// Scopes as they are kept, or which of them no machine may hold.
fn grantable(scopes: &[String]) -> Result<Vec<String>, Problem> {
    let grantable = client_scopes();
    let refused = |(at, scope): (usize, &String)| {
        (!grantable.contains(&scope.as_str())).then(|| {
            FieldError::at(format!("/scopes/{at}"), "scope_not_grantable", "A client may never hold this scope (SOD-12).")
                .received(scope)
                .expected(grantable.join(", "))
        })
    };
    let errors: Vec<FieldError> = scopes.iter().enumerate().filter_map(refused).collect();
    if !errors.is_empty() {
        return Err(Problem::new(problems::SCOPE_NOT_GRANTABLE, "A client may hold only scopes of the integration role.").errors(errors));
    }
    let mut kept: Vec<String> = scopes.to_vec();
    kept.sort();
    kept.dedup();
    Ok(kept)
}

/// Networks as they are kept.
fn networks(texts: &[String]) -> Result<Vec<String>, Problem> {
    let (mut kept, mut errors) = (Vec::new(), Vec::new());
    for (at, text) in texts.iter().enumerate() {
        match text.trim().parse::<Network>() {
            Ok(network) => kept.push(network.to_string()),
            Err(_) => errors.push(
                FieldError::at(format!("/allowed_ips/{at}"), "network_invalid", "This is neither an address nor a network.")
                    .expected("an address like 203.0.113.7 or a network like 203.0.113.0/24")
                    .received(text),
            ),
        }
    }
    kept.dedup();
    if errors.is_empty() { Ok(kept) } else { Err(Problem::invalid(errors)) }
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// The one answer to who cannot prove to be a client.
pub fn invalid(detail: &str) -> Problem {
    Problem::new(problems::INVALID_CLIENT, detail).member("error", "invalid_client").header("www-authenticate", "Basic realm=\"duebook\"")
}

/// The client these are the credentials of, where it may call from there; and whether the secret is its newest.
fn proved(tx: &mut Tx<'_>, (id, secret): (&str, &str), from: IpAddr) -> Result<(store::StandingRow, bool), Problem> {
    let wrong = || invalid("Client id or secret is wrong.");
    let id: Uuid = id.parse().map_err(|_| wrong())?;
    let client = store::credentials(tx, id)?.ok_or_else(wrong)?;
    let hash = hash(secret);
    let is = |kept: &[u8]| verify_slices_are_equal(kept, &hash).is_ok();
    let present = is(&client.secret_hash);
    if !present && !client.previous_secret_hash.is_some_and(|kept| is(&kept)) {
        return Err(wrong());
    }
    standing::learn(&client.standing);
    if !standing::Known::from(&client.standing).allows(from) {
        return Err(ip_not_allowed(from));
    }
    Ok((client.standing, present))
}

/// Ends a token (RFC 7009). A client ends its own; what people hold needs no client, as whoever has it may use it. A token that is
/// none, or none any more, is ended already.
pub fn revoke_token(tx: &mut Tx<'_>, keys: &Keys, credentials: Option<(&str, &str)>, token: &str, from: IpAddr) -> Result<(), Problem> {
    let client = credentials.map(|credentials| proved(tx, credentials, from)).transpose()?.map(|(standing, _)| standing.id);
    let Ok((principal, id)) = keys.read(token) else {
        return if client.is_none() { tokens::revoke_refresh(tx, token) } else { Ok(()) };
    };
    match (principal.actor, client) {
        (Actor::Client(_), None) => Err(invalid("Send client id and secret by HTTP Basic.")),
        (Actor::Client(of), Some(client)) if of == client => tokens::revoke_token(tx, principal.company, id),
        (Actor::User(_), None) => tokens::revoke_token(tx, principal.company, id),
        _ => Err(Problem::new(problems::INVALID_GRANT, "The token was issued to somebody else.").member("error", "invalid_grant")),
    }
}

/// OAuth 2 client credentials (RFC 6749 section 4.4).
pub fn token(tx: &mut Tx<'_>, keys: &Keys, credentials: (&str, &str), scope: Option<&str>, from: IpAddr) -> Result<ClientToken, Problem> {
    let (client, present) = proved(tx, credentials, from)?;
    let (id, granted) = (client.id, client.scopes.0);
    let scopes: Vec<String> = scope.map_or_else(|| granted.clone(), |asked| asked.split_whitespace().map(str::to_owned).collect());
    if let Some(unknown) = scopes.iter().find(|scope| !granted.contains(scope)) {
        return Err(Problem::new(problems::INVALID_SCOPE, format!("The scope {unknown} was not granted to this client.")).member("error", "invalid_scope"));
    }
    store::used(tx, id, from, present)?;
    let scope = scopes.join(" ");
    let (actor, company) = (Actor::Client(id), client.company_id);
    let principal = Principal { actor, company, roles: vec!["integration".into()], scopes: Some(scopes), session: id, requests_per_minute: None };
    Ok(ClientToken { access_token: keys.mint(&principal, MACHINE_SECONDS)?, token_type: "Bearer", expires_in: MACHINE_SECONDS, scope })
}

pub fn ip_not_allowed(from: IpAddr) -> Problem {
    Problem::new(problems::IP_NOT_ALLOWED, format!("This client may not call from {from}."))
}
