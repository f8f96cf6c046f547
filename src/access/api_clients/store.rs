use super::types::ApiClient;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::ClientId;
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, Utc};

row! {
    struct ClientRow {
        id: ClientId, name: String, scopes: Many<String>, active: bool, last_used_at: Option<DateTime<Utc>>,
        version: i64, created_by: String, created_at: DateTime<Utc>,
    }
}
impl From<ClientRow> for ApiClient {
    fn from(row: ClientRow) -> Self {
        Self {
            id: row.id,
            object: "api_client",
            name: row.name,
            scopes: row.scopes.0,
            active: row.active,
            last_used_at: row.last_used_at.map(Instant),
            version: row.version,
            created_by: row.created_by,
            created_at: Instant(row.created_at),
            client_secret: None,
        }
    }
}

const SELECT: &str = "SELECT c.id, c.name, c.scopes, c.active, c.last_used_at, c.version, c.created_by, c.created_at FROM api_client c WHERE c.company_id = $1";
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
    let company = rx.company();
    let row = rx.optional::<ClientRow>(Sql::new(format!("{SELECT} AND c.id = $2")).bind(company).bind(id))?;
    row.map(ApiClient::from).ok_or_else(|| Problem::not_found("api_client"))
}

pub fn insert(tx: &mut Tx<'_>, name: &str, scopes: &[String], secret_hash: &[u8]) -> Result<ClientId, Problem> {
    let id = ClientId::new();
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new("INSERT INTO api_client (company_id, id, name, scopes, secret_hash, created_by) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(company)
            .bind(id)
            .bind(name)
            .bind(Many(scopes.to_vec()))
            .bind(secret_hash)
            .bind(actor),
    )?;
    Ok(id)
}

pub fn deactivate(tx: &mut Tx<'_>, id: ClientId) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE api_client SET active = false, version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2").bind(company).bind(id),
    )?;
    Ok(())
}
