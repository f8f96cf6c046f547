use super::types::{Deduction, DeductionKind, Method, NewReceipt, Receipt, ReceiptAllocation, ReceiptFilter, ReceiptStatus, ReceiptSummary, ReceiptTotals};
use crate::ledger::AllocationKind;
use crate::ledger::open_items::rules::Purse;
use crate::platform::dates::{Instant, month_label};
use crate::platform::http::Problem;
use crate::platform::ids::{AccountId, AllocationId, BankAccountId, CustomerId, EntryId, OpenItemId, ReceiptId, RegistrationId};
use crate::platform::money::{Currency, Rate, pad};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Context, Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

row! {
    pub struct Ground {
        pub customer: CustomerId, pub registration: Option<RegistrationId>, pub bank: Option<AccountId>, pub duplicate_of: Option<ReceiptId>, pub same_utr: Option<ReceiptId>,
    }
}

/// Locks the customer's balance and reads what recording needs, in one statement. `None`: no such customer.
pub fn lock_ground(tx: &mut Tx<'_>, new: &NewReceipt) -> Result<Option<Ground>, Problem> {
    let company = tx.company();
    tx.optional(
        Sql::new(
            "SELECT c.id AS customer, r.id AS registration, k.account_id AS bank,
                    (SELECT x.id FROM receipt x WHERE x.company_id = $1 AND x.external_id = $5) AS duplicate_of,
                    (SELECT x.id FROM receipt x WHERE x.company_id = $1 AND x.utr_key = upper($6) AND x.bank_key = coalesce($7, '00000000-0000-0000-0000-000000000000') AND NOT x.duplicate_allowed) AS same_utr
             FROM customer c
             JOIN customer_balance b ON b.company_id = c.company_id AND b.customer_id = c.id
             LEFT JOIN gst_registration r ON r.company_id = c.company_id AND r.is_default
             LEFT JOIN bank_account k ON k.company_id = c.company_id AND k.id = $7 AND k.active
             WHERE c.company_id = $1
               AND c.id = coalesce($2::uuid, (SELECT x.id FROM customer x WHERE x.company_id = $1 AND x.external_id = $3), (SELECT x.id FROM customer x WHERE x.company_id = $1 AND x.code = $4))
             FOR NO KEY UPDATE OF b",
        )
        .bind(company).bind(new.customer_id).bind(new.customer_external_id.as_deref()).bind(new.customer_code.as_deref()).bind(new.external_id.as_deref())
        .bind(new.utr.as_deref()).bind(new.bank_account_id),
    )
}

/// Inserts a receipt with its deductions: one statement.
pub fn insert(
    tx: &mut Tx<'_>,
    head: &Head,
    registration: RegistrationId,
    fiscal_year: i32,
    deductions: &[DeductionRow],
    duplicate_allowed: bool,
) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "WITH header AS (
                INSERT INTO receipt (company_id, id, external_id, number, registration_id, fiscal_year, customer_id, currency, receipt_date, value_date, method, bank_account_id, utr, payer_name,
                    amount_received, gross_settled, item_id, entry_id, duplicate_allowed, metadata, created_by, created_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
            )
            INSERT INTO receipt_deduction (company_id, receipt_id, line_no, kind, section, rate, amount)
            SELECT $1, $2, n, kind, section, rate, amount FROM unnest($23::text[], $24::text[], $25::numeric[], $26::numeric[]) WITH ORDINALITY AS d(kind, section, rate, amount, n)",
        )
        .bind(company)
        .bind(head.id)
        .bind(head.external_id.as_deref())
        .bind(head.number.as_str())
        .bind(registration)
        .bind(fiscal_year)
        .bind(head.customer_id)
        .bind(head.currency.as_str())
        .bind(head.receipt_date)
        .bind(head.value_date)
        .bind(head.method)
        .bind(head.bank_account_id)
        .bind(head.utr.as_deref())
        .bind(head.payer_name.as_deref())
        .bind(head.amount_received)
        .bind(head.gross_settled)
        .bind(head.item_id)
        .bind(head.entry_id)
        .bind(duplicate_allowed)
        .bind(head.metadata.clone())
        .bind(head.created_by.as_str())
        .bind(head.created_at)
        .bind(deductions.iter().map(|d| d.kind).collect::<Many<_>>())
        .bind(deductions.iter().map(|d| d.section.clone()).collect::<Many<_>>())
        .bind(deductions.iter().map(|d| d.rate).collect::<Many<_>>())
        .bind(deductions.iter().map(|d| d.amount).collect::<Many<_>>()),
    )?;
    Ok(())
}

row! { pub struct Source { pub customer: CustomerId, pub item: OpenItemId } }

/// Whose money a receipt is and which item holds it.
pub fn source(rx: &mut Rx<'_>, id: ReceiptId) -> Result<Option<Source>, Problem> {
    let company = rx.company();
    rx.optional(Sql::new("SELECT customer_id AS customer, item_id AS item FROM receipt WHERE company_id = $1 AND id = $2").bind(company).bind(id))
}

row! { struct PurseRow { kind: AllocationKind, left: Decimal } }

/// What of a receipt is not placed yet, by kind, cash first.
pub fn purses(rx: &mut Rx<'_>, id: ReceiptId, item: OpenItemId) -> Result<Vec<Purse>, Problem> {
    let company = rx.company();
    let rows: Vec<PurseRow> = rx.load(
        Sql::new(
            "SELECT kind, sum(amount)::numeric AS left FROM (
                SELECT 'cash' AS kind, amount_received AS amount FROM receipt WHERE company_id = $1 AND id = $2
                UNION ALL SELECT CASE kind WHEN 'charges' THEN 'charge' ELSE kind END, amount FROM receipt_deduction WHERE company_id = $1 AND receipt_id = $2
                UNION ALL SELECT kind, -amount FROM allocation WHERE company_id = $1 AND credit_item_id = $3
             ) AS parts GROUP BY kind ORDER BY kind <> 'cash', kind",
        )
        .bind(company)
        .bind(id)
        .bind(item),
    )?;
    Ok(rows.into_iter().map(|row| Purse { kind: row.kind, left: row.left }).collect())
}

row! {
    /// A receipt as stored.
    pub struct Head {
        pub id: ReceiptId, pub number: String, pub external_id: Option<String>, pub customer_id: CustomerId, pub currency: String, pub receipt_date: NaiveDate, pub value_date: NaiveDate, pub method: Method,
        pub bank_account_id: Option<BankAccountId>, pub utr: Option<String>, pub payer_name: Option<String>, pub amount_received: Decimal, pub gross_settled: Decimal, pub item_id: OpenItemId, pub entry_id: EntryId,
        pub metadata: Value, pub created_by: String, pub created_at: DateTime<Utc>, pub open: Decimal, pub moves: i64,
    }
}
row! { pub struct DeductionRow {  pub kind: DeductionKind, pub section: Option<String>, pub rate: Option<Decimal>, pub amount: Decimal } }
row! {
    pub struct PlacedRow {  pub id: AllocationId, pub target_type: String, pub target_id: Uuid, pub target_number: String, pub kind: AllocationKind, pub amount: Decimal, pub allocated_on: NaiveDate, pub rule: String }
}

/// A receipt with its deductions and the allocations in force.
pub fn get(rx: &mut Rx<'_>, id: ReceiptId) -> Result<Receipt, Problem> {
    let company = rx.company();
    let row: Option<Head> = rx.optional(
        Sql::new(
            "SELECT r.id, r.number, r.external_id, r.customer_id, r.currency, r.receipt_date, r.value_date, r.method, r.bank_account_id, r.utr, r.payer_name, r.amount_received::numeric AS amount_received,
                    r.gross_settled::numeric AS gross_settled, r.item_id, r.entry_id, r.metadata, r.created_by, r.created_at, b.open_amount::numeric AS open,
                    (SELECT count(*) FROM allocation a WHERE a.company_id = r.company_id AND a.credit_item_id = r.item_id) AS moves
             FROM receipt r JOIN open_item_balance b ON b.company_id = r.company_id AND b.item_id = r.item_id WHERE r.company_id = $1 AND r.id = $2",
        )
        .bind(company).bind(id),
    )?;
    let row = row.ok_or_else(|| Problem::not_found("receipt"))?;
    let deductions: Vec<DeductionRow> = rx.load(
        Sql::new("SELECT kind, section, rate, amount::numeric AS amount FROM receipt_deduction WHERE company_id = $1 AND receipt_id = $2 ORDER BY line_no")
            .bind(company)
            .bind(id),
    )?;
    let placed: Vec<PlacedRow> = rx.load(
        Sql::new(
            "SELECT a.id, d.document_kind AS target_type, d.document_id AS target_id, d.document_number AS target_number, a.kind, a.amount::numeric AS amount, a.effective_on AS allocated_on, a.rule
             FROM allocation a JOIN open_item d ON d.company_id = a.company_id AND d.id = a.debit_item_id
             WHERE a.company_id = $1 AND a.credit_item_id = $2 AND a.reverses_id IS NULL AND NOT EXISTS (SELECT FROM allocation r WHERE r.company_id = a.company_id AND r.reverses_id = a.id)
             ORDER BY a.id",
        )
        .bind(company).bind(row.item_id),
    )?;
    Ok(answer(row, deductions, &placed, rx.cx()))
}

/// A receipt as the wire shows it.
#[must_use]
pub fn answer(row: Head, deductions: Vec<DeductionRow>, placed: &[PlacedRow], cx: &Context) -> Receipt {
    let currency = Currency::parse(&row.currency).unwrap_or(cx.currency());
    let may_allocate = cx.principal.as_ref().is_none_or(|principal| principal.may("allocations:write"));
    let sum = |belongs: &dyn Fn(AllocationKind) -> bool| currency.amount(placed.iter().filter(|p| belongs(p.kind)).map(|p| p.amount).sum());
    let deduction =
        |d: DeductionRow| Deduction { kind: d.kind, section: d.section, rate: d.rate.map(|rate| Rate(pad(rate, 2))), amount: currency.amount(d.amount) };
    Receipt {
        id: row.id,
        object: "receipt",
        number: row.number,
        external_id: row.external_id,
        status: status(row.gross_settled, row.open),
        customer_id: row.customer_id,
        currency: row.currency,
        receipt_date: row.receipt_date,
        value_date: row.value_date,
        method: row.method,
        bank_account_id: row.bank_account_id,
        utr: row.utr,
        payer_name: row.payer_name,
        amount_received: currency.amount(row.amount_received),
        deductions: deductions.into_iter().map(deduction).collect(),
        totals: ReceiptTotals {
            gross_settled: currency.amount(row.gross_settled),
            allocated_cash: sum(&|kind| kind == AllocationKind::Cash),
            allocated_tds: sum(&|kind| kind == AllocationKind::Tds),
            allocated_other: sum(&|kind| !matches!(kind, AllocationKind::Cash | AllocationKind::Tds)),
            unapplied: currency.amount(row.open),
        },
        allocations: placed
            .iter()
            .map(|p| ReceiptAllocation {
                id: p.id,
                target_type: p.target_type.clone(),
                target_id: p.target_id,
                target_number: p.target_number.clone(),
                kind: p.kind,
                amount: currency.amount(p.amount),
                allocated_on: p.allocated_on,
                rule: p.rule.clone(),
            })
            .collect(),
        gl_journal_id: row.entry_id,
        period: month_label(row.receipt_date),
        allowed_actions: if row.open.is_zero() || !may_allocate { vec![] } else { vec!["allocate"] },
        metadata: serde_json::from_value(row.metadata).unwrap_or_default(),
        version: 1 + row.moves,
        created_by: row.created_by,
        created_at: Instant(row.created_at),
    }
}

fn status(gross: Decimal, open: Decimal) -> ReceiptStatus {
    if open.is_zero() {
        ReceiptStatus::Applied
    } else if open == gross {
        ReceiptStatus::Unapplied
    } else {
        ReceiptStatus::PartiallyApplied
    }
}

row! {
    struct SummaryRow {
        id: ReceiptId, number: String, external_id: Option<String>, customer_id: CustomerId, currency: String, receipt_date: NaiveDate, method: Method, utr: Option<String>,
        amount_received: Decimal, gross_settled: Decimal, open: Decimal, moves: i64,
    }
}
static RECEIPTS: List = List {
    select: "SELECT r.id, r.number, r.external_id, r.customer_id, r.currency, r.receipt_date, r.method, r.utr, r.amount_received::numeric AS amount_received, r.gross_settled::numeric AS gross_settled,
        b.open_amount::numeric AS open, (SELECT count(*) FROM allocation a WHERE a.company_id = r.company_id AND a.credit_item_id = r.item_id) AS moves
        FROM receipt r JOIN open_item_balance b ON b.company_id = r.company_id AND b.item_id = r.item_id WHERE r.company_id = $1",
    id: "r.id",
    sorts: &[SortKey { name: "receipt_date", expression: "r.receipt_date", kind: "date" }, SortKey { name: "amount_received", expression: "r.amount_received::numeric", kind: "numeric" }],
    default_sort: "-receipt_date",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &ReceiptFilter) -> Result<Page<ReceiptSummary>, Problem> {
    let base = rx.cx().currency();
    let page = RECEIPTS
        .of(rx)
        .any_of(
            "CASE WHEN b.open_amount = 0 THEN 'applied' WHEN b.open_amount = b.amount THEN 'unapplied' ELSE 'partially_applied' END",
            filter.status.as_deref(),
        )
        .when("r.customer_id = {}", filter.customer_id)
        .when("r.external_id = {}", filter.external_id.clone())
        .when("r.utr = {}", filter.utr.clone())
        .any_of("r.method", filter.method.as_deref())
        .when("r.amount_received >= {}", filter.amount_gte.map(|a| a.0))
        .when("r.amount_received <= {}", filter.amount_lte.map(|a| a.0))
        .when("b.open_amount > {}", filter.unapplied_gt.map(|a| a.0))
        .when("r.receipt_date >= {}", filter.receipt_date_gte)
        .when("r.receipt_date <= {}", filter.receipt_date_lte)
        .page::<SummaryRow>(rx, paging)?;
    Ok(page.map(|row| {
        let currency = Currency::parse(&row.currency).unwrap_or(base);
        ReceiptSummary {
            id: row.id,
            object: "receipt",
            number: row.number,
            external_id: row.external_id,
            status: status(row.gross_settled, row.open),
            customer_id: row.customer_id,
            currency: row.currency,
            receipt_date: row.receipt_date,
            method: row.method,
            utr: row.utr,
            amount_received: currency.amount(row.amount_received),
            gross_settled: currency.amount(row.gross_settled),
            unapplied: currency.amount(row.open),
            version: 1 + row.moves,
        }
    }))
}
