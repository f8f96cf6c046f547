use super::types::{AppraisalDecision, AppraisalFilter, AppraisalKind, AppraisalStatus, Assessment, Content, CreditAppraisal, Trigger};
use crate::master_data::customers::store::owned;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{ApprovalId, CreditAppraisalId, CreditLimitId, CustomerId};
use crate::platform::money::{Amount, Currency};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Context, Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;

row! {
    struct AppraisalRow {
        id: CreditAppraisalId, external_id: Option<String>, customer_id: CustomerId, customer_name: String, kind: AppraisalKind, status: AppraisalStatus, trigger: Trigger, trigger_detail: Option<String>,
        due_on: Option<NaiveDate>, content: Value, assessment: Value, decision: Option<Value>, credit_limit_id: Option<CreditLimitId>, approval_id: Option<ApprovalId>, version: i64,
        created_by: String, created_at: DateTime<Utc>, updated_at: DateTime<Utc>, decided_at: Option<DateTime<Utc>>,
    }
}

/// An appraisal, and what only the service needs of it.
impl AppraisalRow {
    fn answer(self, cx: &Context) -> Result<CreditAppraisal, Problem> {
        let base = cx.currency();
        let mut content: Content = serde_json::from_value(self.content).map_err(|e| Problem::internal(&e))?;
        let assessment: Assessment = serde_json::from_value(self.assessment).map_err(|e| Problem::internal(&e))?;
        let decision: Option<AppraisalDecision> = self.decision.map(serde_json::from_value).transpose().map_err(|e| Problem::internal(&e))?;
        content.padded(base);
        let may = cx.principal.as_ref().is_none_or(|p| p.may("credit:propose"));
        let draft = self.status == AppraisalStatus::Draft;
        Ok(CreditAppraisal {
            id: self.id,
            object: "credit_appraisal",
            external_id: self.external_id,
            customer_id: self.customer_id,
            customer_name: self.customer_name,
            kind: self.kind,
            status: self.status,
            trigger: self.trigger,
            trigger_detail: self.trigger_detail,
            due_on: self.due_on,
            overdue: self.status != AppraisalStatus::Approved && self.due_on.is_some_and(|due| due < cx.today),
            currency: base.code().to_owned(),
            requested_limit: content.requested_limit,
            requested_terms_days: content.requested_terms_days,
            tolerated_delay_days: content.tolerated_delay_days,
            monthly_sales: content.monthly_sales,
            business_since: content.business_since,
            financials: content.financials,
            bureau: content.bureau,
            references: content.references,
            security: content.security,
            documents: content.documents,
            note: content.note,
            assessment,
            decision,
            credit_limit_id: self.credit_limit_id,
            approval_id: self.approval_id,
            allowed_actions: if draft && may { vec!["update", "submit"] } else { Vec::new() },
            version: self.version,
            created_by: self.created_by,
            created_at: Instant(self.created_at),
            updated_at: Instant(self.updated_at),
            decided_at: self.decided_at.map(Instant),
        })
    }
}
impl Content {
    /// Amounts as replies show them.
    fn padded(&mut self, base: Currency) {
        let pad = |amount: &mut Option<Amount>| *amount = amount.map(|a| base.amount(a.0));
        pad(&mut self.requested_limit);
        pad(&mut self.monthly_sales);
        for year in &mut self.financials {
            for amount in
                [&mut year.revenue, &mut year.net_profit, &mut year.current_assets, &mut year.current_liabilities, &mut year.total_debt, &mut year.net_worth]
            {
                pad(amount);
            }
        }
        self.references.iter_mut().for_each(|reference| pad(&mut reference.credit_limit));
        self.security.iter_mut().for_each(|cover| cover.amount = base.amount(cover.amount.0));
    }
}

const SELECT: &str = "SELECT a.id, a.external_id, a.customer_id, c.legal_name AS customer_name, a.kind, a.status, a.trigger, a.trigger_detail, a.due_on, a.content, a.assessment, a.decision, a.credit_limit_id,
        a.version, a.created_by, a.created_at, a.updated_at, a.decided_at,
        (SELECT p.id FROM approval p WHERE p.company_id = a.company_id AND p.subject_id = a.id ORDER BY p.id DESC LIMIT 1) AS approval_id
    FROM credit_appraisal a JOIN customer c ON c.company_id = a.company_id AND c.id = a.customer_id WHERE a.company_id = $1";
static APPRAISALS: List = List {
    select: SELECT,
    id: "a.id",
    sorts: &[
        SortKey { name: "created_at", expression: "a.created_at", kind: "timestamptz" },
        SortKey { name: "due_on", expression: "coalesce(a.due_on, 'infinity')", kind: "date" },
    ],
    default_sort: "-created_at",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &AppraisalFilter) -> Result<Page<CreditAppraisal>, Problem> {
    let page = APPRAISALS
        .of(rx)
        .when("a.external_id = {}", filter.external_id.clone())
        .any_of("a.status", filter.status.as_deref())
        .when("a.kind = {}", filter.kind)
        .any_of("a.trigger", filter.trigger.as_deref())
        .when("a.customer_id = {}", filter.customer_id)
        .when("a.status <> 'approved' AND a.due_on < {}", filter.due_before)
        .when(&owned("a"), filter.owner_id)
        .when("a.requested_limit >= {}", filter.amount_gte.map(|amount| amount.0))
        .when("a.created_at >= {}", filter.created_at_gte.map(|at| at.0))
        .when("a.created_at < {}", filter.created_at_lt.map(|at| at.0))
        .page::<AppraisalRow>(rx, paging)?;
    let cx = rx.cx();
    let Page { data, page } = page;
    Ok(Page { data: data.into_iter().map(|row| row.answer(cx)).collect::<Result<_, _>>()?, page })
}

pub fn get(rx: &mut Rx<'_>, id: CreditAppraisalId) -> Result<CreditAppraisal, Problem> {
    let company = rx.company();
    let row: Option<AppraisalRow> = rx.optional(Sql::new(format!("{SELECT} AND a.id = $2")).bind(company).bind(id))?;
    row.ok_or_else(|| Problem::not_found("credit_appraisal"))?.answer(rx.cx())
}

/// What has the client's own id already.
pub fn known(rx: &mut Rx<'_>, external_id: Option<&str>) -> Result<Option<CreditAppraisalId>, Problem> {
    let Some(external_id) = external_id else { return Ok(None) };
    let company = rx.company();
    Ok(rx.scalars(Sql::new("SELECT id FROM credit_appraisal WHERE company_id = $1 AND external_id = $2").bind(company).bind(external_id))?.pop())
}

/// The undecided appraisal of a customer.
pub fn open_of(rx: &mut Rx<'_>, customer: CustomerId) -> Result<Option<CreditAppraisalId>, Problem> {
    let company = rx.company();
    Ok(rx
        .scalars(Sql::new("SELECT id FROM credit_appraisal WHERE company_id = $1 AND customer_id = $2 AND status <> 'approved'").bind(company).bind(customer))?
        .pop())
}

/// Net sales a month, the mean of the last 12, in base currency; nothing where nothing was sold.
pub fn monthly_sales(rx: &mut Rx<'_>, customer: CustomerId, today: NaiveDate) -> Result<Option<Decimal>, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new(
            "SELECT (sum(CASE WHEN side = 'debit' THEN base_amount ELSE -base_amount END) / 12)::numeric FROM open_item
             WHERE company_id = $1 AND customer_id = $2 AND posting_date > ($3::date - interval '12 months') AND posting_date <= $3 AND document_kind IN ('invoice', 'debit_note', 'credit_note', 'cancellation')",
        )
        .bind(company)
        .bind(customer)
        .bind(today),
    )
}

/// Days of a customer's terms.
pub fn terms_days(rx: &mut Rx<'_>, customer: CustomerId) -> Result<Option<i32>, Problem> {
    let company = rx.company();
    let sql = "SELECT CASE WHEN payment_terms_id IS NULL THEN payment_terms_days END FROM customer WHERE company_id = $1 AND id = $2";
    rx.scalar(Sql::new(sql).bind(company).bind(customer))
}

/// An appraisal to keep.
pub struct NewRow<'r> {
    pub id: CreditAppraisalId,
    pub external_id: Option<&'r str>,
    pub customer: CustomerId,
    pub kind: AppraisalKind,
    pub trigger: Trigger,
    pub trigger_detail: Option<&'r str>,
    pub due_on: Option<NaiveDate>,
    pub content: &'r Content,
    pub assessment: &'r Assessment,
    pub grade: Option<Decimal>,
}

fn json(value: &impl serde::Serialize) -> Result<Value, Problem> {
    serde_json::to_value(value).map_err(|e| Problem::internal(&e))
}

pub fn insert(tx: &mut Tx<'_>, new: &NewRow<'_>) -> Result<(), Problem> {
    let (company, actor, now) = (tx.company(), tx.cx().actor.to_string(), tx.cx().now);
    tx.execute(
        Sql::new(
            "INSERT INTO credit_appraisal (company_id, id, external_id, customer_id, kind, status, trigger, trigger_detail, due_on, content, assessment, requested_limit, external_grade, created_by, updated_by, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, 'draft', $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $14)",
        )
        .bind(company).bind(new.id).bind(new.external_id).bind(new.customer).bind(new.kind).bind(new.trigger).bind(new.trigger_detail).bind(new.due_on).bind(json(new.content)?)
        .bind(json(new.assessment)?).bind(new.content.requested_limit.map(|a| a.0)).bind(new.grade).bind(actor).bind(now),
    )?;
    Ok(())
}

pub fn update(
    tx: &mut Tx<'_>,
    id: CreditAppraisalId,
    due_on: Option<NaiveDate>,
    content: &Content,
    assessment: &Assessment,
    grade: Option<Decimal>,
) -> Result<(), Problem> {
    let (company, actor, now) = (tx.company(), tx.cx().actor.to_string(), tx.cx().now);
    tx.execute(
        Sql::new(
            "UPDATE credit_appraisal SET due_on = $3, content = $4, assessment = $5, requested_limit = $6, external_grade = $7, updated_by = $8, updated_at = $9, version = version + 1
             WHERE company_id = $1 AND id = $2",
        )
        .bind(company).bind(id).bind(due_on).bind(json(content)?).bind(json(assessment)?).bind(content.requested_limit.map(|a| a.0)).bind(grade).bind(actor).bind(now),
    )?;
    Ok(())
}

pub fn set_status(
    tx: &mut Tx<'_>,
    id: CreditAppraisalId,
    status: AppraisalStatus,
    decision: Option<&AppraisalDecision>,
    limit: Option<CreditLimitId>,
) -> Result<(), Problem> {
    let (company, now) = (tx.company(), tx.cx().now);
    let decided = (status == AppraisalStatus::Approved).then_some(now);
    tx.execute(
        Sql::new("UPDATE credit_appraisal SET status = $3, decision = $4, credit_limit_id = $5, decided_at = $6, updated_at = $7, version = version + 1 WHERE company_id = $1 AND id = $2")
            .bind(company).bind(id).bind(status).bind(decision.map(json).transpose()?).bind(limit).bind(decided).bind(now),
    )?;
    Ok(())
}

/// Who made an appraisal or changed it last.
pub fn makers(rx: &mut Rx<'_>, id: CreditAppraisalId) -> Result<Vec<String>, Problem> {
    let company = rx.company();
    rx.scalars(Sql::new("SELECT unnest(ARRAY[created_by, updated_by]) FROM credit_appraisal WHERE company_id = $1 AND id = $2").bind(company).bind(id))
}

row! {
    /// A customer whose credit may have to be looked at again.
    pub struct Candidate { pub customer_id: CustomerId, pub review_on: Option<NaiveDate>, pub quiet: bool, pub bounced: bool, pub limited: bool }
}

/// Customers without an undecided appraisal whose review is due soon, or who have a limit in force. `quiet`: decided on lately.
pub fn candidates(rx: &mut Rx<'_>, today: NaiveDate, due_by: NaiveDate, quiet_since: NaiveDate) -> Result<Vec<Candidate>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "SELECT c.id AS customer_id, p.review_on, coalesce(d.decided_on >= $4, false) AS quiet,
                    EXISTS (SELECT FROM receipt r WHERE r.company_id = c.company_id AND r.customer_id = c.id AND r.state = 'bounced' AND r.ended_on >= $4 AND r.ended_on <= $2) AS bounced,
                    EXISTS (SELECT FROM credit_limit l WHERE l.company_id = c.company_id AND l.customer_id = c.id AND l.status = 'active' AND l.amount > 0) AS limited
             FROM customer c LEFT JOIN credit_profile p ON p.company_id = c.company_id AND p.customer_id = c.id
             LEFT JOIN LATERAL (SELECT max(a.decided_at)::date AS decided_on FROM credit_appraisal a WHERE a.company_id = c.company_id AND a.customer_id = c.id) AS d ON true
             WHERE c.company_id = $1 AND c.active AND (p.review_on <= $3 OR EXISTS (SELECT FROM credit_limit l WHERE l.company_id = c.company_id AND l.customer_id = c.id AND l.status = 'active' AND l.amount > 0))
               AND NOT EXISTS (SELECT FROM credit_appraisal a WHERE a.company_id = c.company_id AND a.customer_id = c.id AND a.status <> 'approved')",
        )
        .bind(company)
        .bind(today)
        .bind(due_by)
        .bind(quiet_since),
    )
}
