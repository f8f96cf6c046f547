use super::types::{MyCompany, Role, User};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{CompanyId, UserId};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};

row! {
    pub struct UserRow {
        id: UserId, email: String, name: String, roles: Many<Role>, active: bool, valid_from: Option<NaiveDate>, valid_to: Option<NaiveDate>,
        last_login_at: Option<DateTime<Utc>>, version: i64, created_at: DateTime<Utc>,
    }
}
impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id,
            object: "user",
            email: row.email,
            name: row.name,
            roles: row.roles.0,
            active: row.active,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            last_login_at: row.last_login_at.map(Instant),
            version: row.version,
            created_at: Instant(row.created_at),
            initial_password: None,
        }
    }
}

const SELECT: &str = "SELECT u.id, u.email, u.name, m.roles, m.active, m.valid_from, m.valid_to, m.last_login_at, m.version, m.created_at
    FROM membership m JOIN app_user u ON u.id = m.user_id WHERE m.company_id = $1";

static USERS: List = List {
    select: SELECT,
    id: "u.id",
    sorts: &[SortKey { name: "email", expression: "u.email", kind: "text" }, SortKey { name: "created_at", expression: "m.created_at", kind: "timestamptz" }],
    default_sort: "email",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging) -> Result<Page<User>, Problem> {
    Ok(USERS.of(rx).page::<UserRow>(rx, paging)?.map(User::from))
}

pub fn get(rx: &mut Rx<'_>, id: UserId, lock: bool) -> Result<User, Problem> {
    let sql = format!("{SELECT} AND u.id = $2{}", if lock { " FOR UPDATE OF m" } else { "" });
    let company = rx.company();
    rx.optional::<UserRow>(Sql::new(sql).bind(company).bind(id))?.map(User::from).ok_or_else(|| Problem::not_found("user"))
}

pub fn id_by_email(rx: &mut Rx<'_>, email: &str) -> Result<Option<UserId>, Problem> {
    Ok(rx.scalars(Sql::new("SELECT id FROM app_user WHERE email = $1").bind(email))?.into_iter().next())
}

pub fn insert_person(tx: &mut Tx<'_>, email: &str, name: &str, password_hash: &str) -> Result<UserId, Problem> {
    let id = UserId::new();
    tx.execute(Sql::new("INSERT INTO app_user (id, email, name, password_hash) VALUES ($1, $2, $3, $4)").bind(id).bind(email).bind(name).bind(password_hash))?;
    Ok(id)
}

/// The days between which somebody may work in a company.
pub type Span = (Option<NaiveDate>, Option<NaiveDate>);

pub fn insert_membership(tx: &mut Tx<'_>, user: UserId, roles: &[Role], span: Span) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("INSERT INTO membership (company_id, user_id, roles, valid_from, valid_to) VALUES ($1, $2, $3, $4, $5)")
            .bind(company)
            .bind(user)
            .bind(Many(roles.to_vec()))
            .bind(span.0)
            .bind(span.1),
    )?;
    Ok(())
}

pub fn set_span(tx: &mut Tx<'_>, user: UserId, span: Span) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE membership SET valid_from = $3, valid_to = $4 WHERE company_id = $1 AND user_id = $2")
            .bind(company)
            .bind(user)
            .bind(span.0)
            .bind(span.1),
    )?;
    Ok(())
}

pub fn update(tx: &mut Tx<'_>, id: UserId, name: Option<&str>, active: Option<bool>, roles: Option<&[Role]>) -> Result<(), Problem> {
    let company = tx.company();
    if let Some(name) = name {
        tx.execute(Sql::new("UPDATE app_user SET name = $2 WHERE id = $1").bind(id).bind(name))?;
    }
    tx.execute(
        Sql::new("UPDATE membership SET active = coalesce($3, active), roles = coalesce($4, roles), version = version + 1, updated_at = now() WHERE company_id = $1 AND user_id = $2")
            .bind(company).bind(id).bind(active).bind(roles.map(|roles| Many(roles.to_vec()))),
    )?;
    Ok(())
}

row! { pub struct PersonRow { pub email: String, pub name: String } }
pub fn person(rx: &mut Rx<'_>, id: UserId) -> Result<Option<PersonRow>, Problem> {
    rx.optional(Sql::new("SELECT email, name FROM app_user WHERE id = $1").bind(id))
}

row! { struct CompanyRow { company_id: CompanyId, legal_name: String, roles: Many<String> } }
/// Companies a person works in. Called with the identity tables open.
pub fn companies(rx: &mut Rx<'_>, user: UserId) -> Result<Vec<MyCompany>, Problem> {
    let rows: Vec<CompanyRow> = rx.load(
        Sql::new("SELECT m.company_id, c.legal_name, m.roles FROM membership m JOIN company c ON c.id = m.company_id WHERE m.user_id = $1 AND m.active ORDER BY c.legal_name").bind(user),
    )?;
    Ok(rows.into_iter().map(|row| MyCompany { company_id: row.company_id, legal_name: row.legal_name, roles: row.roles.0 }).collect())
}
