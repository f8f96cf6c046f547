use super::types::{AdjustedItem, Adjustment, AdjustmentCause, AdjustmentFilter, AdjustmentStatus, ClearSide};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{AdjustmentId, ApprovalId, CustomerId, OpenItemId, RegistrationId};
use crate::platform::money::Currency;
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

row! {
    /// An adjustment as stored.
    pub struct Head {
        pub id: AdjustmentId, pub batch_id: Uuid, pub cause: AdjustmentCause, pub number: Option<String>, pub external_id: Option<String>, pub status: AdjustmentStatus, pub customer_id: CustomerId, pub currency: String,
        pub adjusted_on: NaiveDate, pub reason_code: Option<String>, pub reason: String, pub amount: Decimal, pub base_amount: Decimal, pub approval_id: Option<ApprovalId>, pub stored_version: i64,
        pub moves: i64, pub asked: i64, pub created_by: String, pub created_at: DateTime<Utc>,
    }
}
impl Head {
    /// What an approval of its reversal is about.
    pub fn book_version(&self) -> i64 {
        self.stored_version + self.moves
    }
    pub fn version(&self) -> i64 {
        self.book_version() + self.asked
    }
}
macro_rules! status {
    () => {
        "CASE WHEN w.status = 'posted' AND NOT EXISTS (SELECT FROM journal_entry e WHERE e.company_id = w.company_id AND e.document_id = w.id AND e.reverses_id IS NULL AND e.document_kind = 'adjustment'
            AND NOT EXISTS (SELECT FROM journal_entry m WHERE m.company_id = e.company_id AND m.reverses_id = e.id)) THEN 'reversed' ELSE w.status END"
    };
}
const SELECT: &str = concat!(
    "SELECT w.id, w.batch_id, w.cause, w.number, w.external_id, w.customer_id, w.currency, w.adjusted_on, w.reason_code, w.reason, w.amount::numeric AS amount, w.base_amount::numeric AS base_amount, ",
    status!(),
    " AS status, (SELECT p.id FROM approval p WHERE p.company_id = w.company_id AND p.subject_id IN (w.id, w.batch_id) AND p.state = 'pending' ORDER BY p.id DESC LIMIT 1) AS approval_id,
        w.version AS stored_version,
        (SELECT count(*) FROM journal_entry m WHERE m.company_id = w.company_id AND m.document_id = w.id AND m.reverses_id IS NOT NULL) AS moves,
        (SELECT coalesce(sum(p.version), 0)::bigint FROM approval p WHERE p.company_id = w.company_id AND p.subject_id = w.id AND p.action = 'adjustment.reverse' AND p.steps > 0) AS asked,
        w.created_by, w.created_at
     FROM adjustment w WHERE w.company_id = $1"
);
static ADJUSTMENTS: List = List {
    select: SELECT,
    id: "w.id",
    sorts: &[
        SortKey { name: "adjusted_on", expression: "w.adjusted_on", kind: "date" },
        SortKey { name: "amount", expression: "w.amount::numeric", kind: "numeric" },
        SortKey { name: "created_at", expression: "w.created_at", kind: "timestamptz" },
    ],
    default_sort: "-adjusted_on",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &AdjustmentFilter) -> Result<Page<Adjustment>, Problem> {
    let page = ADJUSTMENTS
        .of(rx)
        .created("w.created_at", paging)
        .any_of(status!(), filter.status.as_deref())
        .when("w.customer_id = {}", filter.customer_id)
        .when("w.external_id = {}", filter.external_id.clone())
        .when("w.batch_id = {}", filter.batch_id)
        .when("w.cause = {}", filter.cause)
        .when("w.adjusted_on >= {}", filter.adjusted_on_gte)
        .when("w.adjusted_on <= {}", filter.adjusted_on_lte)
        .page::<Head>(rx, paging)?;
    Ok(Page { data: answers(rx, page.data)?, page: page.page })
}

pub fn head(rx: &mut Rx<'_>, id: AdjustmentId) -> Result<Head, Problem> {
    let company = rx.company();
    rx.optional(Sql::new(format!("{SELECT} AND w.id = $2")).bind(company).bind(id))?.ok_or_else(|| Problem::not_found("adjustment"))
}

/// What has the client's own id already.
pub fn known(rx: &mut Rx<'_>, external_id: Option<&str>) -> Result<Option<AdjustmentId>, Problem> {
    let Some(external_id) = external_id else { return Ok(None) };
    let company = rx.company();
    Ok(rx.scalars(Sql::new("SELECT id FROM adjustment WHERE company_id = $1 AND external_id = $2").bind(company).bind(external_id))?.pop())
}

pub fn get(rx: &mut Rx<'_>, id: AdjustmentId) -> Result<Adjustment, Problem> {
    let head = head(rx, id)?;
    answers(rx, vec![head])?.pop().ok_or_else(|| Problem::not_found("adjustment"))
}

/// What is approved together, by id.
pub fn batch(rx: &mut Rx<'_>, batch: Uuid) -> Result<Vec<Head>, Problem> {
    let company = rx.company();
    rx.load(Sql::new(format!("{SELECT} AND w.batch_id = $2 ORDER BY w.id")).bind(company).bind(batch))
}

row! {
    struct LineRow { adjustment_id: AdjustmentId, document_kind: String, document_id: Uuid, document_number: String, instalment_no: i32, amount: Decimal }
}

pub fn answers(rx: &mut Rx<'_>, heads: Vec<Head>) -> Result<Vec<Adjustment>, Problem> {
    let company = rx.company();
    let lines: Vec<LineRow> = rx.load(
        Sql::new(
            "SELECT l.adjustment_id, i.document_kind, i.document_id, i.document_number, i.instalment_no, l.amount::numeric AS amount FROM adjustment_line l
             JOIN open_item i ON i.company_id = l.company_id AND i.id = l.item_id WHERE l.company_id = $1 AND l.adjustment_id = ANY($2) ORDER BY l.adjustment_id, l.line_no",
        )
        .bind(company)
        .bind(heads.iter().map(|head| head.id).collect::<Many<_>>()),
    )?;
    let cx = rx.cx();
    let base = cx.currency();
    let may_ask = cx.may_ask("adjustments:write");
    Ok(heads
        .into_iter()
        .map(|head| {
            let currency = Currency::parse(&head.currency).unwrap_or(base);
            let version = head.version();
            Adjustment {
                id: head.id,
                object: "adjustment",
                number: head.number,
                external_id: head.external_id,
                status: head.status,
                cause: head.cause,
                batch_id: head.batch_id,
                customer_id: head.customer_id,
                currency: head.currency,
                adjusted_on: head.adjusted_on,
                reason_code: head.reason_code,
                reason: head.reason,
                amount: currency.amount(head.amount),
                base_amount: base.amount(head.base_amount),
                items: lines
                    .iter()
                    .filter(|line| line.adjustment_id == head.id)
                    .map(|line| AdjustedItem {
                        target_type: line.document_kind.clone(),
                        target_id: line.document_id,
                        target_number: line.document_number.clone(),
                        instalment_no: line.instalment_no,
                        amount: currency.amount(line.amount),
                    })
                    .collect(),
                allowed_actions: if head.status == AdjustmentStatus::Posted && head.approval_id.is_none() && may_ask { vec!["reverse"] } else { vec![] },
                approval_id: head.approval_id,
                version,
                created_by: head.created_by,
                created_at: Instant(head.created_at),
            }
        })
        .collect())
}

row! { pub struct Line { pub adjustment_id: AdjustmentId, pub item_id: OpenItemId, pub document_id: Uuid, pub amount: Decimal, pub open_amount: Decimal, pub open_now: Decimal } }

/// The lines of what is approved together, with what is open now.
pub fn lines(rx: &mut Rx<'_>, batch: Uuid) -> Result<Vec<Line>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "SELECT l.adjustment_id, l.item_id, i.document_id, l.amount::numeric AS amount, l.open_amount::numeric AS open_amount, b.open_amount::numeric AS open_now FROM adjustment w
             JOIN adjustment_line l ON l.company_id = w.company_id AND l.adjustment_id = w.id JOIN open_item i ON i.company_id = l.company_id AND i.id = l.item_id
             JOIN open_item_balance b ON b.company_id = l.company_id AND b.item_id = l.item_id
             WHERE w.company_id = $1 AND w.batch_id = $2 ORDER BY l.adjustment_id, l.line_no",
        )
        .bind(company)
        .bind(batch),
    )
}

/// Whose item of a document it is about.
pub fn owner(rx: &mut Rx<'_>, kind: &str, document: Uuid) -> Result<Option<CustomerId>, Problem> {
    let company = rx.company();
    let sql = "SELECT customer_id FROM open_item WHERE company_id = $1 AND document_id = $2 AND document_kind = $3 LIMIT 1";
    Ok(rx.scalars(Sql::new(sql).bind(company).bind(document).bind(kind))?.into_iter().next())
}

row! { pub struct Small { pub customer_id: CustomerId, pub document_id: Uuid, pub id: OpenItemId } }

/// Open items up to an amount in base currency, posted up to a day; one more than may be cleared at once.
pub fn small(rx: &mut Rx<'_>, as_of: NaiveDate, most: Decimal, customer: Option<CustomerId>, side: ClearSide, limit: i64) -> Result<Vec<Small>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "SELECT b.customer_id, i.document_id, i.id FROM open_item_balance b JOIN open_item i ON i.company_id = b.company_id AND i.id = b.item_id
             WHERE b.company_id = $1 AND b.open_amount > 0 AND b.open_base <= $2 AND i.posting_date <= $3 AND ($4::uuid IS NULL OR b.customer_id = $4) AND ($5 = 'both' OR b.side = $5)
             ORDER BY b.customer_id, i.id LIMIT $6",
        )
        .bind(company).bind(most).bind(as_of).bind(customer).bind(side.as_str()).bind(limit),
    )
}

/// An adjustment as it is asked for.
pub struct Asked<'a> {
    pub id: AdjustmentId,
    pub external_id: Option<&'a str>,
    pub batch: Uuid,
    pub cause: AdjustmentCause,
    pub customer: CustomerId,
    pub currency: Currency,
    pub on: NaiveDate,
    pub reason_code: Option<&'a str>,
    pub reason: &'a str,
    /// Item, signed amount, signed base amount, what is open.
    pub lines: Vec<(OpenItemId, Decimal, Decimal, Decimal)>,
}

pub fn insert(tx: &mut Tx<'_>, asked: &Asked<'_>) -> Result<(), Problem> {
    let (company, actor, now) = (tx.company(), tx.cx().actor.to_string(), tx.cx().now);
    let (amount, base): (Decimal, Decimal) = (asked.lines.iter().map(|l| l.1).sum(), asked.lines.iter().map(|l| l.2).sum());
    tx.execute(
        Sql::new(
            "WITH header AS (
                INSERT INTO adjustment (company_id, id, batch_id, cause, customer_id, currency, adjusted_on, reason_code, reason, amount, base_amount, status, created_by, created_at, external_id)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'pending_approval', $12, $13, $18)
             )
             INSERT INTO adjustment_line (company_id, adjustment_id, line_no, item_id, amount, base_amount, open_amount)
             SELECT $1, $2, n, item, amount, base, open FROM unnest($14::uuid[], $15::numeric[], $16::numeric[], $17::numeric[]) WITH ORDINALITY AS l(item, amount, base, open, n)",
        )
        .bind(company).bind(asked.id).bind(asked.batch).bind(asked.cause).bind(asked.customer).bind(asked.currency.code()).bind(asked.on).bind(asked.reason_code).bind(asked.reason)
        .bind(amount).bind(base).bind(actor).bind(now)
        .bind(asked.lines.iter().map(|l| l.0).collect::<Many<_>>())
        .bind(asked.lines.iter().map(|l| l.1).collect::<Many<_>>())
        .bind(asked.lines.iter().map(|l| l.2).collect::<Many<_>>())
        .bind(asked.lines.iter().map(|l| l.3).collect::<Many<_>>())
        .bind(asked.external_id),
    )?;
    Ok(())
}

pub fn posted(tx: &mut Tx<'_>, id: AdjustmentId, registration: RegistrationId, year: i32, number: &str, base: Decimal) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE adjustment SET status = 'posted', registration_id = $3, fiscal_year = $4, number = $5, base_amount = $6, version = version + 1 WHERE company_id = $1 AND id = $2")
            .bind(company)
            .bind(id)
            .bind(registration)
            .bind(year)
            .bind(number)
            .bind(base),
    )?;
    Ok(())
}

pub fn rejected(tx: &mut Tx<'_>, batch: Uuid) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("UPDATE adjustment SET status = 'rejected', version = version + 1 WHERE company_id = $1 AND batch_id = $2").bind(company).bind(batch))?;
    Ok(())
}
