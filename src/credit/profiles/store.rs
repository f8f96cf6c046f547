use crate::credit::risk::types::RiskClass;
use crate::platform::http::Problem;
use crate::platform::ids::CustomerId;
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::NaiveDate;
use std::collections::HashMap;

row! {
    /// What is set; a customer of whom nothing is has version 0.
    #[derive(PartialEq, Eq)]
    pub struct Set { pub hold_all: bool, pub hold_reason: Option<String>, pub watch: bool, pub risk_class: Option<RiskClass>, pub risk_score: Option<i32>, pub review_on: Option<NaiveDate>, pub version: i64 }
}

row! { struct FlagsRow { customer_id: CustomerId, watch: bool, hold_all: bool, risk_class: Option<RiskClass>, review_on: Option<NaiveDate> } }
/// What reports want of it.
pub struct Flags {
    pub watch: bool,
    pub hold_all: bool,
    pub risk_class: Option<RiskClass>,
    pub review_on: Option<NaiveDate>,
}

/// What is set of every customer of whom something is.
pub fn flags(rx: &mut Rx<'_>) -> Result<HashMap<CustomerId, Flags>, Problem> {
    let company = rx.company();
    let rows: Vec<FlagsRow> =
        rx.load(Sql::new("SELECT customer_id, watch, hold_all, risk_class, review_on FROM credit_profile WHERE company_id = $1").bind(company))?;
    Ok(rows
        .into_iter()
        .map(|row| (row.customer_id, Flags { watch: row.watch, hold_all: row.hold_all, risk_class: row.risk_class, review_on: row.review_on }))
        .collect())
}

/// What is set of a customer the caller may see.
pub fn get(rx: &mut Rx<'_>, customer: CustomerId) -> Result<Set, Problem> {
    let company = rx.company();
    rx.optional(
        Sql::new(
            "SELECT coalesce(p.hold_all, false) AS hold_all, p.hold_reason, coalesce(p.watch, false) AS watch, p.risk_class, p.risk_score, p.review_on, coalesce(p.version, 0) AS version
             FROM customer c LEFT JOIN credit_profile p ON p.company_id = c.company_id AND p.customer_id = c.id WHERE c.company_id = $1 AND c.id = $2",
        )
        .bind(company)
        .bind(customer),
    )?
    .ok_or_else(|| Problem::not_found("customer"))
}

pub fn put(tx: &mut Tx<'_>, customer: CustomerId, set: &Set) -> Result<(), Problem> {
    let (company, actor, now) = (tx.company(), tx.cx().actor.to_string(), tx.cx().now);
    tx.execute(
        Sql::new(
            "INSERT INTO credit_profile (company_id, customer_id, hold_all, hold_reason, watch, risk_class, risk_score, review_on, updated_by, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (company_id, customer_id) DO UPDATE SET hold_all = $3, hold_reason = $4, watch = $5, risk_class = $6, risk_score = $7, review_on = $8, updated_by = $9, updated_at = $10,
                 version = credit_profile.version + 1",
        )
        .bind(company).bind(customer).bind(set.hold_all).bind(set.hold_reason.as_deref()).bind(set.watch).bind(set.risk_class).bind(set.risk_score).bind(set.review_on).bind(actor).bind(now),
    )?;
    Ok(())
}

/// What scores made of customers: class and whole points.
pub fn put_scores(tx: &mut Tx<'_>, scored: &[(CustomerId, Option<RiskClass>, Option<i32>)]) -> Result<(), Problem> {
    let (company, actor, now) = (tx.company(), tx.cx().actor.to_string(), tx.cx().now);
    tx.execute(
        Sql::new(
            "INSERT INTO credit_profile (company_id, customer_id, risk_class, risk_score, updated_by, updated_at)
             SELECT $1, s.customer_id, nullif(s.class, ''), nullif(s.score, -1), $5, $6 FROM unnest($2::uuid[], $3::text[], $4::int[]) AS s(customer_id, class, score) ORDER BY s.customer_id
             ON CONFLICT (company_id, customer_id) DO UPDATE SET risk_class = excluded.risk_class, risk_score = excluded.risk_score, updated_by = $5, updated_at = $6, version = credit_profile.version + 1
             WHERE (credit_profile.risk_class, credit_profile.risk_score) IS DISTINCT FROM (excluded.risk_class, excluded.risk_score)",
        )
        .bind(company)
        .bind(scored.iter().map(|(customer, ..)| *customer).collect::<Many<_>>())
        .bind(scored.iter().map(|(_, class, _)| class.map(RiskClass::as_str).unwrap_or_default()).collect::<Many<_>>())
        .bind(scored.iter().map(|(.., score)| score.unwrap_or(-1)).collect::<Many<_>>())
        .bind(actor)
        .bind(now),
    )?;
    Ok(())
}
