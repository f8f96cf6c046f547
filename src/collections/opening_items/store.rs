use super::types::{NewOpeningItem, OpeningCertificate, OpeningFilter, OpeningItem, OpeningStatus, OpeningType};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{ApprovalId, CustomerId, EntryId, OpeningItemId};
use crate::platform::money::{Currency, ExchangeRate, pad};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Context, Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

row! {
    struct OpeningRow {
        id: OpeningItemId, external_id: Option<String>, status: OpeningStatus, customer_id: CustomerId, document_type: OpeningType, number: String, document_date: NaiveDate, due_date: NaiveDate,
        posting_date: NaiveDate, currency: String, exchange_rate: Decimal, original_amount: Decimal, paid_before: Decimal, amount: Decimal, open_amount: Decimal, entry_id: Option<EntryId>, approval_id: Option<ApprovalId>, version: i64,
        created_by: String, recorded_at: DateTime<Utc>,
    }
}
impl OpeningRow {
    fn answer(self, cx: &Context) -> OpeningItem {
        let currency = Currency::parse(&self.currency).unwrap_or(cx.currency());
        let may = cx.may("adjustments:write");
        OpeningItem {
            id: self.id,
            object: "opening_item",
            external_id: self.external_id,
            status: self.status,
            customer_id: self.customer_id,
            document_type: self.document_type,
            number: self.number,
            document_date: self.document_date,
            due_date: self.due_date,
            posting_date: self.posting_date,
            currency: self.currency,
            exchange_rate: ExchangeRate(pad(self.exchange_rate, 2)),
            original_amount: currency.amount(self.original_amount),
            paid_before: currency.amount(self.paid_before),
            amount: currency.amount(self.amount),
            open_amount: currency.amount(self.open_amount),
            gl_journal_id: self.entry_id,
            approval_id: self.approval_id,
            allowed_actions: if may && matches!(self.status, OpeningStatus::Open | OpeningStatus::PartSettled | OpeningStatus::Settled) {
                vec!["reverse"]
            } else {
                vec![]
            },
            version: self.version,
            created_by: self.created_by,
            created_at: Instant(self.recorded_at),
        }
    }
}
const SELECT: &str = "SELECT o.id, o.external_id, o.customer_id, o.document_type, o.number, o.document_date, o.due_date, o.posting_date, o.currency, o.exchange_rate, o.original_amount::numeric AS original_amount,
        o.paid_before::numeric AS paid_before, o.amount::numeric AS amount, coalesce(b.open_amount, 0)::numeric AS open_amount, i.entry_id, o.created_by, o.recorded_at,
        CASE WHEN o.status <> 'posted' THEN o.status WHEN EXISTS (SELECT FROM journal_entry m WHERE m.company_id = i.company_id AND m.reverses_id = i.entry_id) THEN 'reversed' WHEN b.open_amount = 0 THEN 'settled'
             WHEN b.open_amount < o.amount THEN 'part_settled' ELSE 'open' END AS status,
        (SELECT p.id FROM approval p WHERE p.company_id = o.company_id AND p.subject_id = o.id AND p.state = 'pending' LIMIT 1) AS approval_id,
        o.version + (SELECT count(*) FROM allocation a WHERE a.company_id = i.company_id AND a.debit_item_id = i.id) + (SELECT count(*) FROM allocation a WHERE a.company_id = i.company_id AND a.credit_item_id = i.id) AS version
    FROM opening_item o LEFT JOIN open_item i ON i.company_id = o.company_id AND i.document_id = o.id AND i.document_kind = 'opening'
    LEFT JOIN open_item_balance b ON b.company_id = i.company_id AND b.item_id = i.id WHERE o.company_id = $1";
static OPENING_ITEMS: List = List {
    select: SELECT,
    id: "o.id",
    sorts: &[
        SortKey { name: "posting_date", expression: "o.posting_date", kind: "date" },
        SortKey { name: "due_date", expression: "o.due_date", kind: "date" },
        SortKey { name: "number", expression: "o.number", kind: "text" },
        SortKey { name: "amount", expression: "o.amount::numeric", kind: "numeric" },
    ],
    default_sort: "-posting_date,number",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &OpeningFilter) -> Result<Page<OpeningItem>, Problem> {
    let page = OPENING_ITEMS
        .of(rx)
        .created("o.recorded_at", paging)
        .holding(&["o.number", "o.external_id"], paging)
        .when("o.customer_id = {}", filter.customer_id)
        .when("o.number = {}", filter.number.clone())
        .when("o.external_id = {}", filter.external_id.clone())
        .when("o.document_type = {}", filter.document_type)
        .when("o.posting_date >= {}", filter.posting_date_gte)
        .when("o.posting_date <= {}", filter.posting_date_lte)
        .page::<OpeningRow>(rx, paging)?;
    let cx = rx.cx();
    Ok(page.map(|row| row.answer(cx)))
}

pub fn get(rx: &mut Rx<'_>, id: OpeningItemId) -> Result<OpeningItem, Problem> {
    let company = rx.company();
    let row: Option<OpeningRow> = rx.optional(Sql::new(format!("{SELECT} AND o.id = $2")).bind(company).bind(id))?;
    row.map(|row| row.answer(rx.cx())).ok_or_else(|| Problem::not_found("opening_item"))
}

row! { pub struct Twin { pub id: OpeningItemId, pub same_number: bool } }

/// An opening item of the same external id or number.
pub fn twin(rx: &mut Rx<'_>, new: &NewOpeningItem) -> Result<Option<Twin>, Problem> {
    let company = rx.company();
    rx.optional(
        Sql::new("SELECT id, number = $3 AS same_number FROM opening_item WHERE company_id = $1 AND status <> 'rejected' AND (external_id = $2 OR number = $3) ORDER BY external_id = $2 DESC NULLS LAST LIMIT 1")
            .bind(company)
            .bind(new.external_id.as_deref())
            .bind(new.number.as_str()),
    )
}

/// What is stored beside what the caller sent.
pub struct Values {
    pub id: OpeningItemId,
    pub customer: CustomerId,
    pub currency: Currency,
    pub rate: Decimal,
    pub due_date: NaiveDate,
    pub paid_before: Decimal,
    pub amount: Decimal,
}

pub fn insert(tx: &mut Tx<'_>, new: &NewOpeningItem, values: &Values) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new(
            "INSERT INTO opening_item (company_id, id, external_id, customer_id, document_type, number, document_date, due_date, posting_date, currency, exchange_rate, original_amount, paid_before, amount, status, created_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'pending_approval', $15)",
        )
        .bind(company).bind(values.id).bind(new.external_id.as_deref()).bind(values.customer).bind(new.document_type).bind(new.number.as_str()).bind(new.document_date).bind(values.due_date)
        .bind(new.posting_date).bind(values.currency.code()).bind(values.rate).bind(new.original_amount.0).bind(values.paid_before).bind(values.amount).bind(actor),
    )?;
    Ok(())
}

/// `posted` or `rejected`, as stored.
pub fn set_status(tx: &mut Tx<'_>, id: OpeningItemId, status: &str) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("UPDATE opening_item SET status = $3, version = version + 1 WHERE company_id = $1 AND id = $2").bind(company).bind(id).bind(status))?;
    Ok(())
}

row! { pub struct CustomerTotal { pub customer_id: CustomerId, pub count: i64, pub debit: Decimal, pub credit: Decimal } }

/// What stands of what was taken over up to a day, customer by customer, in base currency.
pub fn totals(rx: &mut Rx<'_>, cut_over: NaiveDate) -> Result<Vec<CustomerTotal>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "SELECT i.customer_id, count(*) AS count, coalesce(sum(i.base_amount) FILTER (WHERE i.side = 'debit'), 0)::numeric AS debit, coalesce(sum(i.base_amount) FILTER (WHERE i.side = 'credit'), 0)::numeric AS credit
             FROM opening_item o JOIN open_item i ON i.company_id = o.company_id AND i.document_id = o.id AND i.document_kind = 'opening'
             WHERE o.company_id = $1 AND o.posting_date <= $2 AND NOT EXISTS (SELECT FROM journal_entry m WHERE m.company_id = i.company_id AND m.reverses_id = i.entry_id)
             GROUP BY i.customer_id ORDER BY i.customer_id",
        )
        .bind(company)
        .bind(cut_over),
    )
}

pub fn insert_certificate(tx: &mut Tx<'_>, certificate: &OpeningCertificate, content: &str) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("INSERT INTO opening_certificate (company_id, id, cut_over_on, content, sha256, created_by) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(company)
            .bind(certificate.id)
            .bind(certificate.cut_over_on)
            .bind(content)
            .bind(certificate.sha256.as_str())
            .bind(certificate.created_by.as_str()),
    )?;
    Ok(())
}

row! { struct Kept { id: Uuid, content: String, sha256: String } }

/// The newest certificate, of a day or of any.
pub fn certificate(rx: &mut Rx<'_>, cut_over: Option<NaiveDate>) -> Result<OpeningCertificate, Problem> {
    let company = rx.company();
    let kept: Option<Kept> = rx.optional(
        Sql::new(
            "SELECT id, content, sha256 FROM opening_certificate WHERE company_id = $1 AND ($2::date IS NULL OR cut_over_on = $2) ORDER BY id DESC LIMIT 1",
        )
        .bind(company)
        .bind(cut_over),
    )?;
    let kept = kept.ok_or_else(|| Problem::not_found("opening_certificate"))?;
    let certificate: OpeningCertificate = serde_json::from_str(&kept.content).map_err(|e| Problem::internal(&e))?;
    Ok(OpeningCertificate { id: kept.id, sha256: kept.sha256, ..certificate })
}
