use super::types::{Content, CreditPolicy};
use crate::ledger::balances::At;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::CreditPolicyId;
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

row! { struct PolicyRow { id: CreditPolicyId, version: i64, effective_from: NaiveDate, content: Value, reason: String, created_by: String, recorded_at: DateTime<Utc> } }
impl TryFrom<PolicyRow> for CreditPolicy {
    type Error = Problem;
    fn try_from(row: PolicyRow) -> Result<Self, Problem> {
        Ok(Self {
            id: Some(row.id),
            object: "credit_policy",
            version: row.version,
            effective_from: Some(row.effective_from),
            content: serde_json::from_value(row.content).map_err(|e| Problem::internal(&e))?,
            reason: Some(row.reason).filter(|reason| !reason.is_empty()),
            created_by: Some(row.created_by),
            created_at: Some(Instant(row.recorded_at)),
        })
    }
}
const SELECT: &str = "SELECT id, version, effective_from, content, reason, created_by, recorded_at FROM credit_policy WHERE company_id = $1";

/// The house's own, which holds where a company set none.
pub fn house() -> Result<CreditPolicy, Problem> {
    let content: Content = serde_json::from_str(include_str!("default.json")).map_err(|e| Problem::internal(&e))?;
    Ok(CreditPolicy { id: None, object: "credit_policy", version: 0, effective_from: None, content, reason: None, created_by: None, created_at: None })
}

/// The policy in force on a day: of those that hold from it or before the latest, as far as recorded.
pub fn in_force(rx: &mut Rx<'_>, at: At) -> Result<CreditPolicy, Problem> {
    let company = rx.company();
    let row: Option<PolicyRow> = rx.optional(
        Sql::new(format!("{SELECT} AND effective_from <= $2 AND recorded_at <= $3 ORDER BY effective_from DESC, version DESC LIMIT 1"))
            .bind(company)
            .bind(at.as_of)
            .bind(at.horizon()),
    )?;
    row.map_or_else(house, CreditPolicy::try_from)
}

pub fn at_version(rx: &mut Rx<'_>, version: i64) -> Result<CreditPolicy, Problem> {
    if version == 0 {
        return house();
    }
    let company = rx.company();
    let row: Option<PolicyRow> = rx.optional(Sql::new(format!("{SELECT} AND version = $2")).bind(company).bind(version))?;
    row.ok_or_else(|| Problem::not_found("credit_policy"))?.try_into()
}

/// The newest version, in force or not; one that sets another waits for who does so now.
pub fn newest(tx: &mut Tx<'_>) -> Result<i64, Problem> {
    let company = tx.company();
    tx.execute(Sql::new("SELECT pg_advisory_xact_lock(hashtextextended('credit policy ' || $1, 0))").bind(company.to_string()))?;
    tx.scalar(Sql::new("SELECT coalesce(max(version), 0) FROM credit_policy WHERE company_id = $1").bind(company))
}

pub fn insert(tx: &mut Tx<'_>, version: i64, effective_from: NaiveDate, content: &Content, reason: &str) -> Result<CreditPolicyId, Problem> {
    let (company, actor, id) = (tx.company(), tx.cx().actor.to_string(), CreditPolicyId::new());
    let content = serde_json::to_value(content).map_err(|e| Problem::internal(&e))?;
    tx.execute(
        Sql::new("INSERT INTO credit_policy (company_id, id, version, effective_from, content, reason, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(company)
            .bind(id)
            .bind(version)
            .bind(effective_from)
            .bind(content)
            .bind(reason)
            .bind(actor),
    )?;
    Ok(id)
}
