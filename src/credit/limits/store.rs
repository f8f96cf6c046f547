use super::types::{Cover, CreditLimit, LimitFilter, LimitStatus, Scope};
use crate::ledger::balances::At;
use crate::master_data::customers::store::owned;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{ApprovalId, CompanyId, CreditLimitId, CustomerId};
use crate::platform::money::{Amount, Currency};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Context, Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

row! {
    struct LimitRow {
        id: CreditLimitId, customer_id: CustomerId, scope: Scope, status: LimitStatus, currency: String, amount: Option<Decimal>, temporary: bool, valid_from: NaiveDate, valid_to: Option<NaiveDate>,
        cover: Value, reason: String, approval_id: Option<ApprovalId>, version: i64, created_by: String, created_at: DateTime<Utc>, decided_at: Option<DateTime<Utc>>,
    }
}
impl LimitRow {
    fn answer(self, cx: &Context) -> CreditLimit {
        let currency = Currency::parse(&self.currency).unwrap_or(cx.currency());
        let mut cover: Vec<Cover> = serde_json::from_value(self.cover).unwrap_or_default();
        for part in &mut cover {
            part.amount = currency.amount(part.amount.0);
        }
        CreditLimit {
            id: self.id,
            object: "credit_limit",
            customer_id: self.customer_id,
            scope: self.scope,
            status: self.status,
            currency: self.currency,
            amount: self.amount.map(|amount| currency.amount(amount)),
            temporary: self.temporary,
            valid_from: self.valid_from,
            valid_to: self.valid_to,
            cover,
            reason: self.reason,
            approval_id: self.approval_id,
            version: self.version,
            created_by: self.created_by,
            created_at: Instant(self.created_at),
            decided_at: self.decided_at.map(Instant),
        }
    }
}
const COLUMNS: &str = "l.id, l.customer_id, l.scope, l.status, l.currency, l.amount::numeric AS amount, l.temporary, l.valid_from, l.valid_to, l.cover, l.reason, l.version, l.created_by, l.created_at, l.decided_at";
const SELECT: &str = "SELECT l.id, l.customer_id, l.scope, l.status, l.currency, l.amount::numeric AS amount, l.temporary, l.valid_from, l.valid_to, l.cover, l.reason, l.version, l.created_by, l.created_at,
        l.decided_at, (SELECT p.id FROM approval p WHERE p.company_id = l.company_id AND p.subject_id = l.id ORDER BY p.id DESC LIMIT 1) AS approval_id
    FROM credit_limit l WHERE l.company_id = $1";
static LIMITS: List = List {
    select: SELECT,
    id: "l.id",
    sorts: &[
        SortKey { name: "created_at", expression: "l.created_at", kind: "timestamptz" },
        SortKey { name: "amount", expression: "coalesce(l.amount::numeric, 'infinity')", kind: "numeric" },
    ],
    default_sort: "-created_at",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &LimitFilter) -> Result<Page<CreditLimit>, Problem> {
    let page = LIMITS
        .of(rx)
        .any_of("l.status", filter.status.as_deref())
        .when("l.customer_id = {}", filter.customer_id)
        .when("l.scope = {}", filter.scope)
        .when("l.amount >= {}", filter.amount_gte.map(|amount| amount.0))
        .when("l.valid_to < {}", filter.due_before)
        .when(&owned("l"), filter.owner_id)
        .when("l.created_at >= {}", filter.created_at_gte.map(|at| at.0))
        .when("l.created_at < {}", filter.created_at_lt.map(|at| at.0))
        .page::<LimitRow>(rx, paging)?;
    let cx = rx.cx();
    Ok(page.map(|row| row.answer(cx)))
}

pub fn get(rx: &mut Rx<'_>, id: CreditLimitId) -> Result<CreditLimit, Problem> {
    let company = rx.company();
    let row: Option<LimitRow> = rx.optional(Sql::new(format!("{SELECT} AND l.id = $2")).bind(company).bind(id))?;
    row.map(|row| row.answer(rx.cx())).ok_or_else(|| Problem::not_found("credit_limit"))
}

/// The limits that hold on a day, at most one of each scope a customer: a temporary one on its days, else the lasting
/// one that began last, be it past its end. Of what was decided by an instant.
pub fn in_force(rx: &mut Rx<'_>, customers: &[CustomerId], at: At) -> Result<Vec<CreditLimit>, Problem> {
    let company = rx.company();
    let sql = format!(
        "SELECT DISTINCT ON (l.customer_id, l.scope) {COLUMNS}, NULL::uuid AS approval_id FROM credit_limit l
         WHERE l.company_id = $1 AND l.customer_id = ANY($2) AND l.valid_from <= $3 AND l.status IN ('active', 'superseded', 'expired') AND (NOT l.temporary OR l.valid_to >= $3) AND l.decided_at <= $4
         ORDER BY l.customer_id, l.scope, l.temporary DESC, l.valid_from DESC, l.decided_at DESC, l.id DESC"
    );
    let rows: Vec<LimitRow> = rx.load(Sql::new(sql).bind(company).bind(Many(customers.to_vec())).bind(at.as_of).bind(at.horizon()))?;
    let cx = rx.cx();
    Ok(rows.into_iter().map(|row| row.answer(cx)).collect())
}

/// A limit as it was proposed.
pub struct Proposal<'p> {
    pub customer: CustomerId,
    pub scope: Scope,
    pub currency: Currency,
    pub amount: Option<Amount>,
    pub temporary: bool,
    pub valid_from: NaiveDate,
    pub valid_to: Option<NaiveDate>,
    pub cover: &'p [Cover],
    pub reason: &'p str,
}

pub fn insert(tx: &mut Tx<'_>, proposal: &Proposal<'_>) -> Result<CreditLimitId, Problem> {
    let (company, actor, now, id) = (tx.company(), tx.cx().actor.to_string(), tx.cx().now, CreditLimitId::new());
    let cover = serde_json::to_value(proposal.cover).map_err(|e| Problem::internal(&e))?;
    tx.execute(
        Sql::new(
            "INSERT INTO credit_limit (company_id, id, customer_id, scope, status, currency, amount, temporary, valid_from, valid_to, cover, reason, created_by, created_at)
             VALUES ($1, $2, $3, $4, 'pending_approval', $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(company).bind(id).bind(proposal.customer).bind(proposal.scope).bind(proposal.currency.code()).bind(proposal.amount.map(|amount| amount.0)).bind(proposal.temporary)
        .bind(proposal.valid_from).bind(proposal.valid_to).bind(cover).bind(proposal.reason).bind(actor).bind(now),
    )?;
    Ok(id)
}

pub fn set_status(tx: &mut Tx<'_>, id: CreditLimitId, status: LimitStatus, valid_from: NaiveDate) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE credit_limit SET status = $3, valid_from = $4, decided_at = coalesce(decided_at, recorded_now()), version = version + 1 WHERE company_id = $1 AND id = $2")
            .bind(company)
            .bind(id)
            .bind(status)
            .bind(valid_from),
    )?;
    Ok(())
}

/// Everybody of whom a limit holds on a day, their own or that of their group.
pub fn holders(rx: &mut Rx<'_>, at: At) -> Result<Vec<CustomerId>, Problem> {
    let company = rx.company();
    rx.scalars(
        Sql::new(
            "SELECT DISTINCT l.customer_id FROM credit_limit l WHERE l.company_id = $1 AND l.valid_from <= $2 AND l.status IN ('active', 'superseded', 'expired')
             AND (NOT l.temporary OR l.valid_to >= $2) AND l.decided_at <= $3",
        )
        .bind(company)
        .bind(at.as_of)
        .bind(at.horizon()),
    )
}

/// Active limits whose time is over: past their last day, or with a later lasting one in force.
pub fn outlived(rx: &mut Rx<'_>, on: NaiveDate) -> Result<Vec<(CreditLimitId, bool)>, Problem> {
    row! { struct Outlived { id: CreditLimitId, ended: bool } }
    let company = rx.company();
    let rows: Vec<Outlived> = rx.load(
        Sql::new(
            "SELECT l.id, coalesce(l.valid_to < $2, false) AS ended FROM credit_limit l WHERE l.company_id = $1 AND l.status = 'active'
             AND (l.valid_to < $2 OR NOT l.temporary AND EXISTS (SELECT FROM credit_limit n WHERE n.company_id = l.company_id AND n.customer_id = l.customer_id AND n.scope = l.scope AND n.status = 'active'
                  AND NOT n.temporary AND n.valid_from <= $2 AND (n.valid_from, n.decided_at, n.id) > (l.valid_from, l.decided_at, l.id)))
             ORDER BY l.id LIMIT 500",
        )
        .bind(company)
        .bind(on),
    )?;
    Ok(rows.into_iter().map(|row| (row.id, row.ended)).collect())
}

pub fn companies(rx: &mut Rx<'_>) -> Result<Vec<CompanyId>, Problem> {
    rx.scalars(Sql::new("SELECT id FROM company ORDER BY id"))
}
