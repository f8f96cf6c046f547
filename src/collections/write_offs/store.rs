use super::types::{Recovery, WriteOff, WriteOffFilter, WriteOffItem, WriteOffStatus};
use crate::collections::targets::Wanted;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{ApprovalId, CustomerId, ReceiptId, RegistrationId, WriteOffId};
use crate::platform::money::{Currency, Rate, pad, round};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

row! {
    /// A write-off as stored, with what stands of it in the books.
    pub struct Head {
        pub id: WriteOffId, pub number: Option<String>, pub external_id: Option<String>, pub status: WriteOffStatus, pub customer_id: CustomerId, pub currency: String, pub written_off_on: NaiveDate,
        pub reason_code: Option<String>, pub reason: String, pub amount: Decimal, pub base_amount: Decimal, pub standing: Decimal, pub standing_base: Decimal, pub recovered: Decimal,
        pub approval_id: Option<ApprovalId>, pub stored_version: i64, pub moves: i64, pub asked: i64, pub created_by: String, pub created_at: DateTime<Utc>,
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
    pub fn remaining(&self) -> Decimal {
        (self.standing - self.recovered).max(Decimal::ZERO)
    }
}

// Nothing of it stands in the books any more.
const STATUS: &str = "CASE WHEN w.status = 'posted' AND s.amount IS NULL THEN 'reversed' ELSE w.status END";
const SELECT: &str = "SELECT w.id, w.number, w.external_id, w.customer_id, w.currency, w.written_off_on, w.reason_code, w.reason, w.amount::numeric AS amount, w.base_amount::numeric AS base_amount,
        CASE WHEN w.status = 'posted' AND s.amount IS NULL THEN 'reversed' ELSE w.status END AS status, coalesce(s.amount, 0)::numeric AS standing, coalesce(s.base, 0)::numeric AS standing_base,
        (SELECT coalesce(sum(r.amount), 0) FROM recovery r WHERE r.company_id = w.company_id AND r.write_off_id = w.id
            AND NOT EXISTS (SELECT FROM journal_entry m WHERE m.company_id = r.company_id AND m.document_id = r.id AND m.reverses_id IS NOT NULL))::numeric AS recovered,
        (SELECT p.id FROM approval p WHERE p.company_id = w.company_id AND p.subject_id = w.id AND p.state = 'pending' ORDER BY p.id DESC LIMIT 1) AS approval_id,
        w.version AS stored_version,
        (SELECT count(*) FROM journal_entry m WHERE m.company_id = w.company_id AND m.document_id = w.id AND m.reverses_id IS NOT NULL)
        + (SELECT count(*) FROM recovery r JOIN journal_entry m ON m.company_id = r.company_id AND m.document_id = r.id WHERE r.company_id = w.company_id AND r.write_off_id = w.id) AS moves,
        (SELECT coalesce(sum(p.version), 0)::bigint FROM approval p WHERE p.company_id = w.company_id AND p.subject_id = w.id AND p.action = 'write_off.reverse' AND p.steps > 0) AS asked,
        w.created_by, w.created_at
    FROM write_off w
    LEFT JOIN LATERAL (SELECT sum(i.amount) AS amount, sum(i.base_amount) AS base FROM open_item i WHERE i.company_id = w.company_id AND i.document_id = w.id AND i.document_kind = 'write_off'
        AND NOT EXISTS (SELECT FROM journal_entry m WHERE m.company_id = i.company_id AND m.reverses_id = i.entry_id)) AS s ON true
    WHERE w.company_id = $1";
static WRITE_OFFS: List = List {
    select: SELECT,
    id: "w.id",
    sorts: &[
        SortKey { name: "written_off_on", expression: "w.written_off_on", kind: "date" },
        SortKey { name: "amount", expression: "w.amount::numeric", kind: "numeric" },
        SortKey { name: "created_at", expression: "w.created_at", kind: "timestamptz" },
    ],
    default_sort: "-written_off_on",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &WriteOffFilter) -> Result<Page<WriteOff>, Problem> {
    let page = WRITE_OFFS
        .of(rx)
        .created("w.created_at", paging)
        .any_of(STATUS, filter.status.as_deref())
        .when("w.customer_id = {}", filter.customer_id)
        .when("w.external_id = {}", filter.external_id.clone())
        .when("w.written_off_on >= {}", filter.written_off_on_gte)
        .when("w.written_off_on <= {}", filter.written_off_on_lte)
        .page::<Head>(rx, paging)?;
    let answers = answers(rx, page.data)?;
    Ok(Page { data: answers, page: page.page })
}

pub fn head(rx: &mut Rx<'_>, id: WriteOffId) -> Result<Head, Problem> {
    let company = rx.company();
    rx.optional(Sql::new(format!("{SELECT} AND w.id = $2")).bind(company).bind(id))?.ok_or_else(|| Problem::not_found("write_off"))
}

/// What has the client's own id already.
pub fn known(rx: &mut Rx<'_>, external_id: Option<&str>) -> Result<Option<WriteOffId>, Problem> {
    let Some(external_id) = external_id else { return Ok(None) };
    let company = rx.company();
    Ok(rx.scalars(Sql::new("SELECT id FROM write_off WHERE company_id = $1 AND external_id = $2").bind(company).bind(external_id))?.pop())
}

pub fn get(rx: &mut Rx<'_>, id: WriteOffId) -> Result<WriteOff, Problem> {
    let head = head(rx, id)?;
    answers(rx, vec![head])?.pop().ok_or_else(|| Problem::not_found("write_off"))
}

row! { struct LineRow { write_off_id: WriteOffId, target_kind: String, target_id: Uuid, target_number: String, amount: Decimal } }
row! { struct RecoveryRow { id: Uuid, write_off_id: WriteOffId, receipt_id: ReceiptId, amount: Decimal, recovered_on: NaiveDate, reversed: bool } }

fn lines(rx: &mut Rx<'_>, ids: Vec<WriteOffId>) -> Result<Vec<LineRow>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "SELECT write_off_id, target_kind, target_id, target_number, amount::numeric AS amount FROM write_off_line WHERE company_id = $1 AND write_off_id = ANY($2) ORDER BY write_off_id, line_no",
        )
        .bind(company)
        .bind(Many(ids)),
    )
}

fn recoveries(rx: &mut Rx<'_>, ids: Vec<WriteOffId>) -> Result<Vec<RecoveryRow>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "SELECT r.id, r.write_off_id, r.receipt_id, r.amount::numeric AS amount, r.recovered_on,
                    EXISTS (SELECT FROM journal_entry m WHERE m.company_id = r.company_id AND m.document_id = r.id AND m.reverses_id IS NOT NULL) AS reversed
             FROM recovery r WHERE r.company_id = $1 AND r.write_off_id = ANY($2) ORDER BY r.id",
        )
        .bind(company)
        .bind(Many(ids)),
    )
}

fn answers(rx: &mut Rx<'_>, heads: Vec<Head>) -> Result<Vec<WriteOff>, Problem> {
    let ids: Vec<WriteOffId> = heads.iter().map(|head| head.id).collect();
    let (lines, recoveries) = (lines(rx, ids.clone())?, recoveries(rx, ids)?);
    let cx = rx.cx();
    let base = cx.currency();
    Ok(heads
        .into_iter()
        .map(|head| {
            let currency = Currency::parse(&head.currency).unwrap_or(base);
            let mut allowed = Vec::new();
            if head.status == WriteOffStatus::Posted {
                if head.remaining() > Decimal::ZERO && cx.may("allocations:write") {
                    allowed.push("recover");
                }
                if head.approval_id.is_none() && cx.may_ask("write_offs:write") {
                    allowed.push("reverse");
                }
            }
            let percent = if head.standing.is_zero() { Decimal::ZERO } else { round(head.recovered * Decimal::ONE_HUNDRED / head.standing, 2) };
            let (version, remaining) = (head.version(), head.remaining());
            WriteOff {
                id: head.id,
                object: "write_off",
                number: head.number,
                external_id: head.external_id,
                status: head.status,
                customer_id: head.customer_id,
                currency: head.currency,
                written_off_on: head.written_off_on,
                reason_code: head.reason_code,
                reason: head.reason,
                amount: currency.amount(head.amount),
                base_amount: base.amount(head.base_amount),
                items: lines
                    .iter()
                    .filter(|line| line.write_off_id == head.id)
                    .map(|line| WriteOffItem {
                        target_type: line.target_kind.clone(),
                        target_id: line.target_id,
                        target_number: line.target_number.clone(),
                        amount: currency.amount(line.amount),
                    })
                    .collect(),
                reversed_amount: currency.amount(if matches!(head.status, WriteOffStatus::Posted | WriteOffStatus::Reversed) {
                    head.amount - head.standing
                } else {
                    Decimal::ZERO
                }),
                recovered: currency.amount(head.recovered),
                remaining: currency.amount(remaining),
                recovery_percent: Rate(pad(percent, 2)),
                recoveries: recoveries
                    .iter()
                    .filter(|r| r.write_off_id == head.id)
                    .map(|r| Recovery {
                        id: r.id,
                        receipt_id: r.receipt_id,
                        amount: currency.amount(r.amount),
                        recovered_on: r.recovered_on,
                        reversed: r.reversed,
                    })
                    .collect(),
                approval_id: head.approval_id,
                allowed_actions: allowed,
                version,
                created_by: head.created_by,
                created_at: Instant(head.created_at),
            }
        })
        .collect())
}

/// The documents of a write-off with their amounts.
pub fn wanted(rx: &mut Rx<'_>, id: WriteOffId) -> Result<Vec<Wanted>, Problem> {
    Ok(lines(rx, vec![id])?.into_iter().map(|line| Wanted { kind: line.target_kind, document: line.target_id, amount: Some(line.amount) }).collect())
}

/// Recoveries that stand.
pub fn standing_recoveries(rx: &mut Rx<'_>, id: WriteOffId) -> Result<Vec<Uuid>, Problem> {
    Ok(recoveries(rx, vec![id])?.into_iter().filter(|r| !r.reversed).map(|r| r.id).collect())
}

/// A write-off as it is asked for.
pub struct Asked<'a> {
    pub id: WriteOffId,
    pub external_id: Option<&'a str>,
    pub customer: CustomerId,
    pub currency: Currency,
    pub on: NaiveDate,
    pub reason_code: Option<&'a str>,
    pub reason: &'a str,
    pub amount: Decimal,
    pub base: Decimal,
    /// Kind, document, number, amount.
    pub lines: Vec<(String, Uuid, String, Decimal)>,
}

pub fn insert(tx: &mut Tx<'_>, asked: &Asked<'_>) -> Result<(), Problem> {
    let (company, actor, now) = (tx.company(), tx.cx().actor.to_string(), tx.cx().now);
    tx.execute(
        Sql::new(
            "WITH header AS (
                INSERT INTO write_off (company_id, id, customer_id, currency, written_off_on, reason_code, reason, amount, base_amount, status, created_by, created_at, external_id)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending_approval', $10, $11, $16)
             )
             INSERT INTO write_off_line (company_id, write_off_id, line_no, target_kind, target_id, target_number, amount)
             SELECT $1, $2, n, kind, id, number, amount FROM unnest($12::text[], $13::uuid[], $14::text[], $15::numeric[]) WITH ORDINALITY AS l(kind, id, number, amount, n)",
        )
        .bind(company).bind(asked.id).bind(asked.customer).bind(asked.currency.code()).bind(asked.on).bind(asked.reason_code).bind(asked.reason).bind(asked.amount).bind(asked.base)
        .bind(actor).bind(now)
        .bind(asked.lines.iter().map(|l| l.0.clone()).collect::<Many<_>>())
        .bind(asked.lines.iter().map(|l| l.1).collect::<Many<_>>())
        .bind(asked.lines.iter().map(|l| l.2.clone()).collect::<Many<_>>())
        .bind(asked.lines.iter().map(|l| l.3).collect::<Many<_>>())
        .bind(asked.external_id),
    )?;
    Ok(())
}

pub fn posted(tx: &mut Tx<'_>, id: WriteOffId, registration: RegistrationId, year: i32, number: &str, base: Decimal) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE write_off SET status = 'posted', registration_id = $3, fiscal_year = $4, number = $5, base_amount = $6, version = version + 1 WHERE company_id = $1 AND id = $2")
            .bind(company)
            .bind(id)
            .bind(registration)
            .bind(year)
            .bind(number)
            .bind(base),
    )?;
    Ok(())
}

pub fn rejected(tx: &mut Tx<'_>, id: WriteOffId) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("UPDATE write_off SET status = 'rejected', version = version + 1 WHERE company_id = $1 AND id = $2").bind(company).bind(id))?;
    Ok(())
}

pub fn insert_recovery(tx: &mut Tx<'_>, id: Uuid, write_off: &Head, receipt: ReceiptId, amount: Decimal, on: NaiveDate) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new("INSERT INTO recovery (company_id, id, write_off_id, receipt_id, customer_id, amount, recovered_on, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
            .bind(company)
            .bind(id)
            .bind(write_off.id)
            .bind(receipt)
            .bind(write_off.customer_id)
            .bind(amount)
            .bind(on)
            .bind(actor),
    )?;
    Ok(())
}
