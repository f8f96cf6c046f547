use super::types::ApiClient;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{ClientId, CompanyId};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::net::IpAddr;
use uuid::Uuid;

row! {
    struct ClientRow {
        id: ClientId, name: String, scopes: Many<String>, allowed_ips: Option<Many<String>>, requests_per_minute: Option<i32>, active: bool, last_used_at: Option<DateTime<Utc>>,
        last_used_ip: Option<String>, previous_secret_until: Option<DateTime<Utc>>, revoked_at: Option<DateTime<Utc>>, version: i64, created_by: String,
        created_at: DateTime<Utc>, updated_at: DateTime<Utc>,
    }
}
impl From<ClientRow> for ApiClient {
    fn from(row: ClientRow) -> Self {
        Self {
            id: row.id,
            object: "api_client",
            name: row.name,
            scopes: row.scopes.0,
            allowed_ips: row.allowed_ips.map(|allowed| allowed.0).unwrap_or_default(),
            requests_per_minute: row.requests_per_minute,
            active: row.active,
            last_used_at: row.last_used_at.map(Instant),
            last_used_ip: row.last_used_ip,
            previous_secret_expires_at: row.previous_secret_until.map(Instant),
            revoked_at: row.revoked_at.map(Instant),
            version: row.version,
            created_by: row.created_by,
            created_at: Instant(row.created_at),
            updated_at: Instant(row.updated_at),
            client_secret: None,
        }
    }
}

const SELECT: &str = "SELECT c.id, c.name, c.scopes, c.allowed_ips, c.requests_per_minute, c.active, c.last_used_at, c.last_used_ip, c.previous_secret_until, c.revoked_at, c.version, c.created_by,
    c.created_at, c.updated_at FROM api_client c WHERE c.company_id = $1";
static CLIENTS: List = List {
    select: SELECT,
    id: "c.id",
    sorts: &[SortKey { name: "created_at", expression: "c.created_at", kind: "timestamptz" }, SortKey { name: "name", expression: "c.name", kind: "text" }],
    default_sort: "-created_at",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging) -> Result<Page<ApiClient>, Problem> {
    Ok(CLIENTS.of(rx).page::<ClientRow>(rx, paging)?.map(ApiClient::from))
}

pub fn get(rx: &mut Rx<'_>, id: ClientId) -> Result<ApiClient, Problem> {
    read(rx, id, "")
}

pub fn lock(tx: &mut Tx<'_>, id: ClientId) -> Result<ApiClient, Problem> {
    read(tx, id, " FOR NO KEY UPDATE")
}

fn read(rx: &mut Rx<'_>, id: ClientId, lock: &str) -> Result<ApiClient, Problem> {
    let company = rx.company();
    let row = rx.optional::<ClientRow>(Sql::new(format!("{SELECT} AND c.id = $2{lock}")).bind(company).bind(id))?;
    row.map(ApiClient::from).ok_or_else(|| Problem::not_found("api_client"))
}

/// What is decided of a client.
pub struct Values<'a> {
    pub name: &'a str,
    pub scopes: Vec<String>,
    pub allowed_ips: Vec<String>,
    pub requests_per_minute: Option<i32>,
}

pub fn insert(tx: &mut Tx<'_>, id: ClientId, values: &Values<'_>, secret_hash: &[u8]) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new(
            "INSERT INTO api_client (company_id, id, name, scopes, allowed_ips, requests_per_minute, secret_hash, created_by)
             VALUES ($1, $2, $3, $4, nullif($5::text[], '{}'), $6, $7, $8)",
        )
        .bind(company)
        .bind(id)
        .bind(values.name)
        .bind(Many(values.scopes.clone()))
        .bind(Many(values.allowed_ips.clone()))
        .bind(values.requests_per_minute)
        .bind(secret_hash)
        .bind(actor),
    )?;
    Ok(())
}

pub fn update(tx: &mut Tx<'_>, client: &ApiClient) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "UPDATE api_client SET name = $3, scopes = $4, allowed_ips = nullif($5::text[], '{}'), requests_per_minute = $6, active = $7, version = version + 1, updated_at = clock_timestamp()
             WHERE company_id = $1 AND id = $2",
        )
        .bind(company)
        .bind(client.id)
        .bind(client.name.as_str())
        .bind(Many(client.scopes.clone()))
        .bind(Many(client.allowed_ips.clone()))
        .bind(client.requests_per_minute)
        .bind(client.active),
    )?;
    Ok(())
}

/// The secret in use stays beside the new one: the present one, or the one before it while nobody has used the present one.
pub fn rotate(tx: &mut Tx<'_>, id: ClientId, secret_hash: &[u8], until: DateTime<Utc>) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "UPDATE api_client SET secret_hash = $3, secret_used_at = NULL, version = version + 1, updated_at = clock_timestamp(),
                previous_secret_hash = CASE WHEN secret_used_at IS NULL AND previous_secret_until > now() THEN previous_secret_hash ELSE secret_hash END,
                previous_secret_until = $4
             WHERE company_id = $1 AND id = $2",
        )
        .bind(company)
        .bind(id)
        .bind(secret_hash)
        .bind(until),
    )?;
    Ok(())
}

pub fn revoke(tx: &mut Tx<'_>, id: ClientId) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "UPDATE api_client SET active = false, revoked_at = clock_timestamp(), previous_secret_hash = NULL, previous_secret_until = NULL, version = version + 1, updated_at = clock_timestamp()
             WHERE company_id = $1 AND id = $2",
        )
        .bind(company)
        .bind(id),
    )?;
    Ok(())
}

row! {
    pub struct StandingRow {
        pub company_id: CompanyId, pub id: Uuid, pub active: bool, pub scopes: Many<String>, pub allowed_ips: Option<Many<String>>, pub requests_per_minute: Option<i32>,
        pub updated_at: DateTime<Utc>,
    }
}
const STANDING: &str = "SELECT company_id, id, active, scopes, allowed_ips, requests_per_minute, updated_at FROM api_client";

/// What clients of every company are allowed that were changed since.
pub fn standings(rx: &mut Rx<'_>, since: DateTime<Utc>) -> Result<Vec<StandingRow>, Problem> {
    rx.load(Sql::new(format!("{STANDING} WHERE updated_at > $1")).bind(since))
}

/// What a client proves itself with.
pub struct Credentials {
    pub standing: StandingRow,
    pub secret_hash: Vec<u8>,
    /// While it is still taken.
    pub previous_secret_hash: Option<Vec<u8>>,
}
row! { struct SecretsRow { secret_hash: Vec<u8>, previous_secret_hash: Option<Vec<u8>> } }

pub fn credentials(rx: &mut Rx<'_>, id: Uuid) -> Result<Option<Credentials>, Problem> {
    let standing: Option<StandingRow> = rx.optional(Sql::new(format!("{STANDING} WHERE id = $1 AND active")).bind(id))?;
    let Some(standing) = standing else { return Ok(None) };
    let secrets: SecretsRow = rx.one(
        Sql::new("SELECT secret_hash, CASE WHEN previous_secret_until > clock_timestamp() THEN previous_secret_hash END AS previous_secret_hash FROM api_client WHERE id = $1").bind(id),
    )?;
    Ok(Some(Credentials { standing, secret_hash: secrets.secret_hash, previous_secret_hash: secrets.previous_secret_hash }))
}

/// Notes a token, and that somebody has the present secret.
pub fn used(tx: &mut Tx<'_>, id: Uuid, from: IpAddr, present: bool) -> Result<(), Problem> {
    tx.execute(
        Sql::new(
            "UPDATE api_client SET last_used_at = now(), last_used_ip = $2, secret_used_at = CASE WHEN $3 THEN coalesce(secret_used_at, now()) ELSE secret_used_at END WHERE id = $1",
        )
        .bind(id)
        .bind(from.to_string())
        .bind(present),
    )?;
    Ok(())
}

/// Notes when and from where clients called; the later of what several processes know stays.
pub(super) fn called(tx: &mut Tx<'_>, called: &HashMap<Uuid, (DateTime<Utc>, IpAddr)>) -> Result<(), Problem> {
    tx.execute(
        Sql::new(
            "UPDATE api_client c SET last_used_at = u.at, last_used_ip = u.ip FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS u(id, at, ip)
             WHERE c.id = u.id AND (c.last_used_at IS NULL OR c.last_used_at < u.at)",
        )
        .bind(called.keys().copied().collect::<Many<_>>())
        .bind(called.values().map(|(at, _)| *at).collect::<Many<_>>())
        .bind(called.values().map(|(_, from)| from.to_string()).collect::<Many<_>>()),
    )?;
    Ok(())
}
