use crate::platform::http::Problem;
use crate::platform::ids::{CompanyId, UserId};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

row! { pub struct RevocationRow { pub company_id: Uuid, pub subject: Uuid, pub revoked_at: DateTime<Utc> } }
row! { pub struct PersonRow { pub id: UserId, pub password_hash: String } }
row! {
    pub struct MembershipRow {
        pub company_id: CompanyId, pub roles: Many<String>, pub valid_from: Option<NaiveDate>, pub valid_to: Option<NaiveDate>,
        /// Whether today, in the company's zone, lies between the two.
        pub current: bool,
        /// Seconds until the end of the last day.
        pub seconds_left: Option<i64>,
    }
}
row! {
    pub struct RefreshRow {
        pub company_id: CompanyId, pub id: Uuid, pub user_id: UserId, pub family_id: Uuid,
        pub created_at: DateTime<Utc>, pub family_started_at: DateTime<Utc>, pub used_at: Option<DateTime<Utc>>,
    }
}

pub fn recent_revocations(rx: &mut Rx<'_>) -> Result<Vec<RevocationRow>, Problem> {
    rx.load(Sql::new(
        "SELECT company_id, subject, max(revoked_at) AS revoked_at FROM revocation WHERE revoked_at > now() - interval '1 hour' GROUP BY company_id, subject",
    ))
}

pub fn person_by_email(rx: &mut Rx<'_>, email: &str) -> Result<Option<PersonRow>, Problem> {
    rx.optional(Sql::new("SELECT id, password_hash FROM app_user WHERE email = $1").bind(email))
}

pub fn person_by_id(rx: &mut Rx<'_>, user: UserId) -> Result<Option<PersonRow>, Problem> {
    rx.optional(Sql::new("SELECT id, password_hash FROM app_user WHERE id = $1").bind(user))
}

/// Companies the person works in, the first joined first. Locked, so that a change of roles or a
/// deactivation at the same moment is either seen here or revokes what is made here.
pub fn memberships(rx: &mut Rx<'_>, user: UserId) -> Result<Vec<MembershipRow>, Problem> {
    rx.load(
        Sql::new(
            "SELECT m.company_id, m.roles, m.valid_from, m.valid_to, (now() AT TIME ZONE c.time_zone)::date BETWEEN coalesce(m.valid_from, '-infinity') AND coalesce(m.valid_to, 'infinity') AS current,
                    extract(epoch FROM (m.valid_to + 1)::timestamp AT TIME ZONE c.time_zone - now())::bigint AS seconds_left
             FROM membership m JOIN company c ON c.id = m.company_id WHERE m.user_id = $1 AND m.active ORDER BY m.created_at, m.company_id FOR NO KEY UPDATE OF m",
        )
        .bind(user),
    )
}

pub fn lock_refresh(tx: &mut Tx<'_>, hash: &[u8]) -> Result<Option<RefreshRow>, Problem> {
    tx.optional(
        Sql::new("SELECT company_id, id, user_id, family_id, created_at, family_started_at, used_at FROM refresh_token WHERE token_hash = $1 FOR UPDATE")
            .bind(hash),
    )
}

pub fn use_refresh(tx: &mut Tx<'_>, company: CompanyId, id: Uuid) -> Result<(), Problem> {
    tx.execute(Sql::new("UPDATE refresh_token SET used_at = clock_timestamp() WHERE company_id = $1 AND id = $2").bind(company).bind(id))?;
    Ok(())
}

pub fn insert_refresh(tx: &mut Tx<'_>, company: CompanyId, user: UserId, family: Uuid, started: DateTime<Utc>, hash: &[u8]) -> Result<(), Problem> {
    tx.execute(
        Sql::new("INSERT INTO refresh_token (company_id, id, user_id, family_id, token_hash, family_started_at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(company)
            .bind(Uuid::now_v7())
            .bind(user)
            .bind(family)
            .bind(hash)
            .bind(started),
    )?;
    tx.execute(Sql::new("UPDATE membership SET last_login_at = now() WHERE company_id = $1 AND user_id = $2").bind(company).bind(user))?;
    Ok(())
}

/// Voids every access token of a subject or session from now on.
pub fn revoke(tx: &mut Tx<'_>, company: CompanyId, subject: Uuid) -> Result<(), Problem> {
    tx.execute(Sql::new("INSERT INTO revocation (company_id, id, subject) VALUES ($1, $2, $3)").bind(company).bind(Uuid::now_v7()).bind(subject))?;
    Ok(())
}

/// Ends log-ins: all of a person's, or one family.
pub fn end_families(tx: &mut Tx<'_>, user: UserId, only: Option<Uuid>, but: Option<Uuid>) -> Result<(), Problem> {
    tx.execute(
        Sql::new(
            "WITH ended AS (
                DELETE FROM refresh_token WHERE user_id = $1 AND ($2::uuid IS NULL OR family_id = $2) AND ($3::uuid IS NULL OR family_id <> $3)
                RETURNING company_id, family_id)
             INSERT INTO revocation (company_id, id, subject) SELECT DISTINCT company_id, gen_random_uuid(), family_id FROM (SELECT DISTINCT company_id, family_id FROM ended) AS e",
        )
        .bind(user).bind(only).bind(but),
    )?;
    Ok(())
}

pub fn set_password(tx: &mut Tx<'_>, user: UserId, hash: &str) -> Result<(), Problem> {
    tx.execute(Sql::new("UPDATE app_user SET password_hash = $2 WHERE id = $1").bind(user).bind(hash))?;
    Ok(())
}

pub fn end_in_company(tx: &mut Tx<'_>, user: UserId) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("DELETE FROM refresh_token WHERE company_id = $1 AND user_id = $2").bind(company).bind(user))?;
    Ok(())
}

pub fn purge(tx: &mut Tx<'_>) -> Result<(), Problem> {
    tx.execute(Sql::new("DELETE FROM refresh_token WHERE created_at < now() - interval '31 days'"))?;
    tx.execute(Sql::new("DELETE FROM revocation WHERE revoked_at < now() - interval '1 day'"))?;
    Ok(())
}
