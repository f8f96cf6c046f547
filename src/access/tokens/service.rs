//! The verbs of signing in.

use super::keys::{Keys, LEEWAY_SECONDS, PERSON_SECONDS};
use super::types::{Acknowledged, Login, Logout, NewPassword, Refresh, TokenPair};
use super::{passwords, problems, store, throttle};
use crate::platform::clock;
use crate::platform::http::problem::{self, Problem};
use crate::platform::ids::{CompanyId, UserId};
use crate::platform::unit_of_work::{Actor, Audited, Change, Doors, Principal, Public, Tx, run_system};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// A log-in lives this long whatever is done, and half as long as a week unused.
const FAMILY_DAYS: i64 = 30;
const IDLE_DAYS: i64 = 7;
/// A client whose answer was lost may ask again this soon without being taken for a thief.
const GRACE_SECONDS: i64 = 10;

pub async fn login(public: Public, keys: Arc<Keys>, login: Login, address: String) -> Result<TokenPair, Problem> {
    let email = login.email.trim().to_lowercase();
    let attempt = throttle::attempt(&email, &address)?;
    let asked = email.clone();
    let person = public.write(move |tx| store::person_by_email(tx, &asked)).await?;
    let (user, hash) = person.map(|p| (p.id, p.password_hash)).unzip();
    let good = passwords::verify(login.password, hash).await?;
    let refused = || Problem::new(problems::BAD_CREDENTIALS, "E-mail address or password is wrong.");
    let Some(user) = user.filter(|_| good) else {
        return Err(refused());
    };
    attempt.succeeded();
    let company = login.company_id;
    public.write(move |tx| start_session(tx, &keys, user, company, Uuid::now_v7(), clock::now(), "session.started")?.ok_or_else(refused)).await
}

/// A token pair for a person in a company they work in; `None` where they do not.
fn start_session(
    tx: &mut Tx<'_>,
    keys: &Keys,
    user: UserId,
    company: Option<CompanyId>,
    family: Uuid,
    started: DateTime<Utc>,
    action: &'static str,
) -> Result<Option<TokenPair>, Problem> {
    let memberships = store::memberships(tx, user)?;
    // Of several companies, one that is open now.
    let mut open_to: Vec<_> = memberships.into_iter().filter(|m| company.is_none_or(|company| company == m.company_id)).collect();
    open_to.sort_by_key(|m| !m.current);
    let Some(membership) = open_to.into_iter().next() else { return Ok(None) };
    if !membership.current {
        let day = |day: Option<chrono::NaiveDate>| day.map_or("any day".to_owned(), |day| day.to_string());
        let detail = format!("Access to this company is from {} to {}.", day(membership.valid_from), day(membership.valid_to));
        return Err(Problem::new(problems::ACCESS_NOT_CURRENT, detail));
    }
    // A token never outlives the access, whatever the leeway.
    let seconds = membership.seconds_left.map_or(PERSON_SECONDS, |left| PERSON_SECONDS.min(left - LEEWAY_SECONDS).max(1));
    let token = secret("dbr_");
    store::insert_refresh(tx, membership.company_id, user, family, started, &Sha256::digest(token.as_bytes()))?;
    let (actor, company) = (Actor::User(user.uuid()), membership.company_id);
    let principal = Principal { actor, company, roles: membership.roles.0, scopes: None, session: family, requests_per_minute: None };
    tx.note_in(membership.company_id, Change::new(action, family).after(&serde_json::json!({"user_id": user})))?;
    Ok(Some(TokenPair { access_token: keys.mint(&principal, seconds)?, token_type: "Bearer", expires_in: seconds, refresh_token: token }))
}

pub async fn refresh(public: Public, keys: Arc<Keys>, refresh: Refresh) -> Result<TokenPair, Problem> {
    let invalid = || Problem::new(problems::REFRESH_INVALID, "The refresh token is not valid; log in again.");
    let outcome = public.write(move |tx| {
        let Some(found) = store::lock_refresh(tx, &Sha256::digest(refresh.refresh_token.as_bytes()))? else { return Ok(Err(invalid())) };
        let now = clock::now();
        if let Some(used) = found.used_at {
            if now - used < Duration::seconds(GRACE_SECONDS) {
                return Ok(Err(Problem::new(problems::REFRESH_RACED, "This token was used a moment ago; use the answer of that request.").retry_after(1)));
            }
            store::end_families(tx, found.user_id, Some(found.family_id), None)?;
            tx.note_in(found.company_id, Change::new("session.reuse_detected", found.family_id))?;
            return Ok(Err(invalid()));
        }
        if now - found.family_started_at > Duration::days(FAMILY_DAYS) || now - found.created_at > Duration::days(IDLE_DAYS) {
            return Ok(Err(invalid()));
        }
        store::use_refresh(tx, found.company_id, found.id)?;
        let company = refresh.company_id.unwrap_or(found.company_id);
        // A company the person does not work in uses nothing up: this rolls back.
        start_session(tx, &keys, found.user_id, Some(company), found.family_id, found.family_started_at, "session.refreshed")?.ok_or_else(invalid).map(Ok)
    });
    outcome.await?
}

/// Ends a person's session, or all of them; for a machine, every token it has.
pub fn logout(tx: &mut Tx<'_>, logout: &Logout) -> Result<Audited<Acknowledged>, Problem> {
    let principal = person(tx)?;
    tx.as_identity(|tx| match principal.actor {
        Actor::User(user) => {
            let only = (!logout.all_sessions).then_some(principal.session);
            store::end_families(tx, UserId::of(user), only, None)?;
            store::revoke(tx, principal.company, if logout.all_sessions { user } else { principal.session })
        }
        _ => store::revoke(tx, principal.company, principal.session),
    })?;
    Ok(tx.record(Change::new("session.ended", principal.session), Acknowledged { done: true }))
}

/// The stored hash to check the current password against.
pub fn own_hash(tx: &mut Tx<'_>) -> Result<String, Problem> {
    let Actor::User(user) = person(tx)?.actor else { return Err(not_a_person()) };
    store::person_by_id(tx, UserId::of(user))?.map(|p| p.password_hash).ok_or_else(not_a_person)
}

pub fn change_password(tx: &mut Tx<'_>, hash: &str) -> Result<Audited<Acknowledged>, Problem> {
    let principal = person(tx)?;
    let Actor::User(user) = principal.actor else { return Err(not_a_person()) };
    tx.as_identity(|tx| {
        store::set_password(tx, UserId::of(user), hash)?;
        store::end_families(tx, UserId::of(user), None, Some(principal.session))
    })?;
    Ok(tx.record(Change::new("user.password_changed", user), Acknowledged { done: true }))
}

/// Checks a password change outside any transaction: hashing takes its time.
pub async fn new_hash(current: String, new: NewPassword) -> Result<String, Problem> {
    passwords::check_strength("/new_password", &new.new_password, "")?;
    if !passwords::verify(new.current_password, Some(current)).await? {
        return Err(Problem::invalid(vec![crate::platform::http::FieldError::at("/current_password", "wrong_password", "This is not the current password.")]));
    }
    passwords::hash(new.new_password).await
}

fn person(tx: &Tx<'_>) -> Result<Principal, Problem> {
    tx.cx().principal.clone().ok_or_else(|| Problem::internal(&"no principal"))
}
fn not_a_person() -> Problem {
    Problem::new(problem::INVALID_STATE, "Only people have passwords; an API client gets another secret.")
}

/// 256 random bits behind a prefix that secret scanners know.
#[must_use]
pub fn secret(prefix: &str) -> String {
    let random: [u8; 32] = rand::random();
    let body = URL_SAFE_NO_PAD.encode(random);
    let check = URL_SAFE_NO_PAD.encode(&Sha256::digest(format!("{prefix}{body}").as_bytes())[..3]);
    format!("{prefix}{body}{check}")
}

/// Ends every session of a person in this company.
pub fn revoke(tx: &mut Tx<'_>, user: UserId) -> Result<(), Problem> {
    let company = tx.company();
    store::end_in_company(tx, user)?;
    store::revoke(tx, company, user.uuid())
}

/// Voids every access token of a subject in this company.
pub fn revoke_subject(tx: &mut Tx<'_>, subject: Uuid) -> Result<(), Problem> {
    let company = tx.company();
    store::revoke(tx, company, subject)
}

/// Ends one access token, within seconds.
pub fn revoke_token(tx: &mut Tx<'_>, company: CompanyId, token: Uuid) -> Result<(), Problem> {
    store::revoke(tx, company, token)?;
    tx.note_in(company, Change::new("session.token_revoked", token))
}

/// Ends the log-in a refresh token belongs to, with its access tokens; what is no refresh token of ours is none.
pub fn revoke_refresh(tx: &mut Tx<'_>, token: &str) -> Result<(), Problem> {
    let Some(found) = store::lock_refresh(tx, &Sha256::digest(token.as_bytes()))? else { return Ok(()) };
    store::end_families(tx, found.user_id, Some(found.family_id), None)?;
    tx.note_in(found.company_id, Change::new("session.ended", found.family_id).after(&serde_json::json!({"user_id": found.user_id})))
}

/// Drops refresh tokens and revocations nothing can depend on any more.
pub fn purge(doors: &Doors) -> Result<(), Problem> {
    run_system(doors, None, "purgeSessions", store::purge)
}
