use super::rules::Band;
use super::types::{ApprovalFilter, ApprovalStatus, Decision, DecisionKind, Mine};
use super::{Action, Approved, Request, actions};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{ApprovalId, CustomerId, UserId};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, Duration, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

row! {
    pub struct Row {
        pub id: ApprovalId, pub kind: String, pub action: String, pub subject_id: Uuid, pub subject_version: i64, pub customer_id: Option<CustomerId>, pub amount: Decimal,
        pub rolling_amount: Decimal, pub steps: i32, pub state: ApprovalStatus, pub requested_by: String, pub barred: Many<String>, pub reason: Option<String>, pub before: Value,
        pub after: Value, pub payload: Value, pub version: i64, pub created_at: DateTime<Utc>, pub decided_at: Option<DateTime<Utc>>,
    }
}
impl Row {
    pub fn approved(&self) -> Approved {
        Approved {
            id: self.id,
            subject: self.subject_id,
            subject_version: self.subject_version,
            customer: self.customer_id,
            amount: self.amount,
            requested_by: self.requested_by.clone(),
            reason: self.reason.clone(),
            payload: self.payload.clone(),
        }
    }
}

const SELECT: &str = "SELECT p.id, p.kind, p.action, p.subject_id, p.subject_version, p.customer_id, p.amount::numeric AS amount, p.rolling_amount::numeric AS rolling_amount, p.steps, p.state,
    p.requested_by, p.barred, p.reason, p.before, p.after, p.payload, p.version, p.created_at, p.decided_at FROM approval p WHERE p.company_id = $1";
static APPROVALS: List = List {
    select: SELECT,
    id: "p.id",
    sorts: &[
        SortKey { name: "created_at", expression: "p.created_at", kind: "timestamptz" },
        SortKey { name: "amount", expression: "p.amount::numeric", kind: "numeric" },
    ],
    default_sort: "-created_at",
};

pub fn get(rx: &mut Rx<'_>, id: ApprovalId, lock: bool) -> Result<Row, Problem> {
    let company = rx.company();
    let sql = format!("{SELECT} AND p.id = $2{}", if lock { " FOR UPDATE" } else { "" });
    rx.optional(Sql::new(sql).bind(company).bind(id))?.ok_or_else(|| Problem::not_found("approval"))
}

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &ApprovalFilter) -> Result<Page<Row>, Problem> {
    let me = rx.cx().actor.to_string();
    let since = filter.age_hours_gte.map(|hours| rx.cx().now - Duration::hours(hours));
    let decidable = rx.cx().principal.as_ref().map(|principal| {
        let may: Vec<String> = actions().iter().filter(|action| principal.may(action.permission)).map(|action| action.name.to_owned()).collect();
        Many(may)
    });
    let to_decide = filter.mine == Some(Mine::ToDecide);
    APPROVALS
        .of(rx)
        .created("p.created_at", paging)
        .any_of("p.kind", filter.kind.as_deref())
        .any_of("p.state", filter.status.as_deref())
        .when("p.subject_id = {}", filter.subject_id)
        .when("p.customer_id = {}", filter.customer_id)
        .when("p.requested_by = {}", filter.requested_by.clone())
        .when("p.amount >= {}", filter.amount_gte.map(|amount| amount.0))
        .when("p.created_at <= {}", since)
        .when("p.requested_by = {}", (filter.mine == Some(Mine::Requested)).then(|| me.clone()))
        .when("p.state = 'pending' AND NOT {} = ANY (p.barred)", to_decide.then(|| me.clone()))
        .when(
            "NOT EXISTS (SELECT FROM approval_decision d WHERE d.company_id = p.company_id AND d.approval_id = p.id AND d.actor = {})",
            to_decide.then_some(me),
        )
        .when("p.action = ANY ({})", decidable.filter(|_| to_decide))
        .page(rx, paging)
}

/// What the requester asked of this kind for this customer within 30 days, without what came to nothing.
pub fn rolling(tx: &mut Tx<'_>, kind: &str, customer: Option<CustomerId>) -> Result<Decimal, Problem> {
    let (company, actor, since) = (tx.company(), tx.cx().actor.to_string(), tx.cx().now - Duration::days(30));
    if customer.is_none() {
        // Where no customer's balance is locked, two requests of one person wait for each other here.
        tx.execute(Sql::new("SELECT pg_advisory_xact_lock(hashtextextended($1 || $2 || $3, 0))").bind(company.to_string()).bind(kind).bind(actor.as_str()))?;
    }
    tx.scalar(
        Sql::new(
            "SELECT coalesce(sum(amount), 0)::numeric FROM approval
             WHERE company_id = $1 AND requested_by = $2 AND kind = $3 AND created_at > $4 AND customer_id IS NOT DISTINCT FROM $5 AND state IN ('pending', 'approved')",
        )
        .bind(company).bind(actor).bind(kind).bind(since).bind(customer),
    )
}

pub fn sells_to(rx: &mut Rx<'_>, user: UserId, customer: CustomerId) -> Result<bool, Problem> {
    let company = rx.company();
    let sql = "SELECT EXISTS (SELECT FROM customer WHERE company_id = $1 AND id = $2 AND salesperson_id = $3)";
    rx.scalar(Sql::new(sql).bind(company).bind(customer).bind(user))
}

pub fn bands(rx: &mut Rx<'_>, kind: &str) -> Result<Option<(Vec<Band>, i64)>, Problem> {
    row! { struct Bands { bands: Value, version: i64 } }
    let company = rx.company();
    let found: Option<Bands> =
        rx.optional(Sql::new("SELECT bands, version FROM approval_policy WHERE company_id = $1 AND kind = $2").bind(company).bind(kind))?;
    found.map(|found| Ok((serde_json::from_value(found.bands).map_err(|e| Problem::internal(&e))?, found.version))).transpose()
}

pub fn set_bands(tx: &mut Tx<'_>, kind: &str, bands: &[Band]) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new(
            "INSERT INTO approval_policy (company_id, kind, bands, updated_by) VALUES ($1, $2, $3, $4)
             ON CONFLICT (company_id, kind) DO UPDATE SET bands = excluded.bands, version = approval_policy.version + 1, updated_by = excluded.updated_by, updated_at = now()",
        )
        .bind(company).bind(kind).bind(serde_json::to_value(bands).map_err(|e| Problem::internal(&e))?).bind(actor),
    )?;
    Ok(())
}

/// Enters a request. What is pending about another version of its subject can never be approved and makes way.
pub fn insert(tx: &mut Tx<'_>, id: ApprovalId, action: &Action, request: &Request<'_>, rolling: Decimal, steps: i32) -> Result<(), Problem> {
    let (company, actor, now) = (tx.company(), tx.cx().actor.to_string(), tx.cx().now);
    let mut makers = request.makers.clone();
    makers.push(actor.clone());
    tx.execute(
        Sql::new(
            // Behind a machine stands who made it (SOD-01).
            "WITH outdated AS (
                UPDATE approval SET state = 'stale', version = version + 1, decided_at = $17
                WHERE company_id = $1 AND subject_id = $5 AND action = $4 AND subject_version <> $6 AND state = 'pending' RETURNING 1
             )
             INSERT INTO approval (company_id, id, kind, action, subject_id, subject_version, customer_id, amount, rolling_amount, steps, state, requested_by, barred, reason, before, after, payload, created_at, decided_at)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, CASE WHEN $10 = 0 THEN 'approved' ELSE 'pending' END, $11,
                    ARRAY(SELECT DISTINCT m FROM unnest($12::text[] || ARRAY(SELECT c.created_by FROM api_client c WHERE c.company_id = $1 AND 'client:' || c.id = ANY ($12))) AS m),
                    $13, $14, $15, $16, $17, CASE WHEN $10 = 0 THEN $17 END
             FROM (SELECT count(*) FROM outdated) AS cleared",
        )
        .bind(company).bind(id).bind(action.kind).bind(action.name).bind(request.subject).bind(request.version).bind(request.customer).bind(request.amount).bind(rolling).bind(steps)
        .bind(actor).bind(Many(makers)).bind(request.reason).bind(request.before.clone()).bind(request.after.clone()).bind(request.payload.clone()).bind(now),
    )?;
    Ok(())
}

row! { struct DecisionRow { approval_id: ApprovalId, step: i32, decision: DecisionKind, actor: String, reason: Option<String>, recorded_at: DateTime<Utc> } }

/// The decisions on requests, in order.
pub fn decisions(rx: &mut Rx<'_>, ids: Vec<ApprovalId>) -> Result<Vec<(ApprovalId, Decision)>, Problem> {
    let company = rx.company();
    let rows: Vec<DecisionRow> = rx.load(
        Sql::new("SELECT approval_id, step, decision, actor, reason, recorded_at FROM approval_decision WHERE company_id = $1 AND approval_id = ANY($2) ORDER BY approval_id, step")
            .bind(company)
            .bind(Many(ids)),
    )?;
    let decision =
        |row: DecisionRow| Decision { step: row.step, decision: row.decision, actor: row.actor, reason: row.reason, decided_at: Instant(row.recorded_at) };
    Ok(rows.into_iter().map(|row| (row.approval_id, decision(row))).collect())
}

pub fn decide(tx: &mut Tx<'_>, id: ApprovalId, step: i32, decision: DecisionKind, reason: Option<&str>) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new("INSERT INTO approval_decision (company_id, approval_id, step, decision, actor, reason) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(company)
            .bind(id)
            .bind(step)
            .bind(decision)
            .bind(actor)
            .bind(reason),
    )?;
    Ok(())
}

pub fn set_state(tx: &mut Tx<'_>, id: ApprovalId, state: ApprovalStatus) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "UPDATE approval SET state = $3, version = version + 1, decided_at = CASE WHEN $3 <> 'pending' THEN now() END WHERE company_id = $1 AND id = $2",
        )
        .bind(company)
        .bind(id)
        .bind(state),
    )?;
    Ok(())
}

/// Pending requests about a subject that changed are void.
pub fn make_stale(tx: &mut Tx<'_>, subject: Uuid) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "UPDATE approval SET state = 'stale', version = version + 1, decided_at = now() WHERE company_id = $1 AND subject_id = $2 AND state = 'pending'",
        )
        .bind(company)
        .bind(subject),
    )?;
    Ok(())
}

/// Whether a person posted or placed money of a customer since an instant (SOD-02).
pub fn handled_cash(rx: &mut Rx<'_>, customer: CustomerId, actor: &str, since: DateTime<Utc>) -> Result<bool, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new(
            "SELECT EXISTS (SELECT FROM allocation a WHERE a.company_id = $1 AND a.customer_id = $2 AND a.actor = $3 AND a.recorded_at > $4 AND a.amount > 0
                            AND a.kind IN ('cash', 'tds', 'charge', 'discount', 'retention'))
                 OR EXISTS (SELECT FROM journal_line l JOIN journal_entry e ON e.company_id = l.company_id AND e.id = l.entry_id
                            WHERE l.company_id = $1 AND l.customer_id = $2 AND e.document_kind = 'receipt' AND e.actor = $3 AND e.recorded_at > $4)",
        )
        .bind(company)
        .bind(customer)
        .bind(actor)
        .bind(since),
    )
}

/// The newest pending request about a subject.
pub fn pending(rx: &mut Rx<'_>, subject: Uuid) -> Result<Option<ApprovalId>, Problem> {
    let company = rx.company();
    let sql = Sql::new("SELECT id FROM approval WHERE company_id = $1 AND subject_id = $2 AND state = 'pending' ORDER BY id DESC LIMIT 1");
    Ok(rx.scalars(sql.bind(company).bind(subject))?.into_iter().next())
}
