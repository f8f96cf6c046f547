use super::advance::Decided;
use super::rules;
use super::types::{
    Clearing, Deduction, DeductionKind, Method, NewReceipt, Receipt, ReceiptAdvance, ReceiptAllocation, ReceiptFilter, ReceiptSummary, ReceiptTotals, State,
};
use crate::cash::allocations::settlement::{Terms, difference_reason, flags};
use crate::ledger::AllocationKind;
use crate::ledger::advances;
use crate::ledger::advances::store::Standing;
use crate::ledger::advances::types::AdvanceAmounts;
use crate::ledger::balances::At;
use crate::ledger::open_items::rules::Purse;
use crate::ledger::periods::Month;
use crate::platform::dates::{Instant, month_end, month_label};
use crate::platform::http::Problem;
use crate::platform::ids::{AccountId, AllocationId, BankAccountId, CustomerId, EntryId, InvoiceId, OpenItemId, ReceiptId, RegistrationId};
use crate::platform::money::{Currency, ExchangeRate, Rate, pad};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Scalar, Sql};
use crate::platform::unit_of_work::{Actor, Context, Rx, Tx};
use crate::row;
use chrono::{DateTime, Days, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

row! {
    pub struct Ground {
        pub customer: CustomerId, pub registration: Option<RegistrationId>, pub bank: Option<AccountId>, pub bank_account: Option<BankAccountId>, pub duplicate_of: Option<ReceiptId>, pub same_utr: Option<ReceiptId>,
        pub twin: Option<ReceiptId>,
    }
}

/// What recording needs to know beside the customer; `$1` company, `$5` external id, `$6` UTR, `$7` bank account.
const AROUND: &str = "r.id AS registration, k.account_id AS bank, k.id AS bank_account,
                    (SELECT x.id FROM receipt x WHERE x.company_id = $1 AND x.external_id = $5) AS duplicate_of,
                    (SELECT found.id FROM (SELECT upper($6) AS utr, coalesce($7, k.id) AS bank OFFSET 0) AS asked
                     CROSS JOIN LATERAL (SELECT x.id FROM receipt x WHERE x.company_id = $1 AND x.utr_key = asked.utr AND x.bank_key IN (asked.bank, '00000000-0000-0000-0000-000000000000')
                        AND NOT x.duplicate_allowed AND x.state NOT IN ('reversed', 'bounced') LIMIT 1) AS found) AS same_utr";

/// How many days two records of one payment may lie apart.
const TWINS_WITHIN: Days = Days::new(3);

/// Another receipt of the same customer, amount and method within three days that nothing tells apart from this one: two that
/// each carry a reference of their own are two payments. `$10` and `$11` the days, `$12` amount, `$13` currency, `$14` method.
fn twin(new: &NewReceipt) -> String {
    let referenced = new.utr.is_some() || new.external_id.is_some() || new.cheque_number.is_some();
    let among = if referenced { "AND t.utr IS NULL AND t.external_id IS NULL AND t.cheque_number IS NULL" } else { "" };
    format!(
        "(SELECT t.id FROM receipt t WHERE t.company_id = $1 AND t.customer_id = who.id AND t.receipt_date BETWEEN $10 AND $11 {among} AND NOT t.duplicate_allowed
            AND t.state NOT IN ('reversed', 'bounced') AND t.amount_received = $12 AND t.currency = $13 AND t.method = $14 LIMIT 1) AS twin"
    )
}

/// The bank account named, or the default one: the first that posts to the account with the role of the bank.
const BANK: &str = "bank_account k ON k.company_id = $1 AND k.active AND k.id = coalesce($7, (SELECT d.id FROM bank_account d JOIN gl_account g ON g.company_id = d.company_id AND g.id = d.account_id
                        WHERE d.company_id = $1 AND d.active AND g.role = 'bank' ORDER BY d.created_at, d.id LIMIT 1))";

/// Locks the customer's balance, and those of the customers whose documents are named, and reads what
/// recording needs, in one statement. `None`: no such customer.
pub fn lock_ground(tx: &mut Tx<'_>, new: &NewReceipt) -> Result<Option<Ground>, Problem> {
    let (company, base) = (tx.company(), tx.cx().currency().code().to_owned());
    // A search nobody needs costs more than another plan.
    let named = if new.allocations.iter().any(|t| t.target_external_id.is_some()) {
        "UNION SELECT i.customer_id FROM invoice i WHERE i.company_id = $1 AND i.kind IN ('invoice', 'debit_note') AND i.external_id = ANY($9)"
    } else {
        ""
    };
    let found: Vec<Ground> = tx.load(
        Sql::new(format!(
            "WITH who AS (
                SELECT id FROM customer WHERE company_id = $1 AND id = $2 UNION ALL SELECT id FROM customer WHERE company_id = $1 AND external_id = $3
                UNION ALL SELECT id FROM customer WHERE company_id = $1 AND code = $4
             ), concerned AS (
                SELECT id FROM who
                UNION SELECT o.customer_id FROM open_item o WHERE o.company_id = $1 AND o.document_id = ANY($8)
                {named}
             )
             SELECT who.id AS customer, {AROUND}, {}
             FROM who
             CROSS JOIN concerned
             JOIN customer_balance b ON b.company_id = $1 AND b.customer_id = concerned.id
             LEFT JOIN gst_registration r ON r.company_id = $1 AND r.is_default
             LEFT JOIN {BANK}
             ORDER BY b.customer_id
             FOR NO KEY UPDATE OF b",
            twin(new)
        ))
        .bind(company)
        .bind(new.customer_id)
        .bind(new.customer_external_id.as_deref())
        .bind(new.customer_code.as_deref())
        .bind(new.external_id.as_deref())
        .bind(new.utr.as_deref())
        .bind(new.bank_account_id)
        .bind(new.allocations.iter().filter_map(|t| t.target_id).collect::<Many<_>>())
        .bind(new.allocations.iter().filter_map(|t| t.target_external_id.clone()).collect::<Many<_>>())
        .bind(new.receipt_date.checked_sub_days(TWINS_WITHIN).unwrap_or(new.receipt_date))
        .bind(new.receipt_date.checked_add_days(TWINS_WITHIN).unwrap_or(new.receipt_date))
        .bind(new.amount_received.0)
        .bind(new.currency.clone().unwrap_or(base))
        .bind(new.method.unwrap_or(Method::Other)),
    )?;
    Ok(found.into_iter().next())
}

/// What recording money of nobody needs; the customer is meaningless.
pub fn ground_of_nobody(tx: &mut Tx<'_>, new: &NewReceipt) -> Result<Ground, Problem> {
    let company = tx.company();
    tx.one(
        Sql::new(format!(
            "SELECT $1 AS customer, {AROUND}, NULL::uuid AS twin FROM (SELECT $2::uuid, $3::text, $4::text) AS nobody
             LEFT JOIN gst_registration r ON r.company_id = $1 AND r.is_default LEFT JOIN {BANK}"
        ))
        .bind(company)
        .bind(new.customer_id)
        .bind(new.customer_external_id.as_deref())
        .bind(new.customer_code.as_deref())
        .bind(new.external_id.as_deref())
        .bind(new.utr.as_deref())
        .bind(new.bank_account_id),
    )
}

/// The ledger account of an active bank account.
pub fn bank(rx: &mut Rx<'_>, id: BankAccountId) -> Result<Option<AccountId>, Problem> {
    let company = rx.company();
    rx.optional::<Scalar<AccountId>>(Sql::new("SELECT account_id FROM bank_account WHERE company_id = $1 AND id = $2 AND active").bind(company).bind(id))
        .map(|found| found.map(|found| found.0))
}

/// What is recorded beside a receipt's head.
pub struct Origin {
    pub registration: RegistrationId,
    pub fiscal_year: i32,
    pub duplicate_allowed: bool,
    /// Of a held cheque: what it shall settle.
    pub input: Option<Value>,
}

/// Inserts a receipt with its deductions: one statement.
pub fn insert(tx: &mut Tx<'_>, head: &Head, origin: &Origin, deductions: &[DeductionRow]) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "WITH header AS (
                INSERT INTO receipt (company_id, id, external_id, number, registration_id, fiscal_year, customer_id, currency, receipt_date, value_date, method, bank_account_id, utr, payer_name,
                    amount_received, gross_settled, item_id, entry_id, duplicate_allowed, metadata, created_by, created_at, state, clearing, cheque_number, cheque_date, deposited_on, posting_date,
                    settlement_currency, settlement_amount, exchange_rate, input, on_account, advance)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38)
            )
            INSERT INTO receipt_deduction (company_id, receipt_id, line_no, kind, section, rate, amount)
            SELECT $1, $2, n, kind, section, rate, amount FROM unnest($23::text[], $24::text[], $25::numeric[], $26::numeric[]) WITH ORDINALITY AS d(kind, section, rate, amount, n)",
        )
        .bind(company).bind(head.id).bind(head.external_id.as_deref()).bind(head.number.as_str()).bind(origin.registration).bind(origin.fiscal_year).bind(head.customer_id)
        .bind(head.currency.as_str()).bind(head.receipt_date).bind(head.value_date).bind(head.method).bind(head.bank_account_id).bind(head.utr.as_deref()).bind(head.payer_name.as_deref())
        .bind(head.amount_received).bind(head.gross_settled).bind(head.item_id).bind(head.entry_id).bind(origin.duplicate_allowed).bind(head.metadata.clone())
        .bind(head.created_by.as_str()).bind(head.created_at)
        .bind(deductions.iter().map(|d| d.kind).collect::<Many<_>>())
        .bind(deductions.iter().map(|d| d.section.clone()).collect::<Many<_>>())
        .bind(deductions.iter().map(|d| d.rate).collect::<Many<_>>())
        .bind(deductions.iter().map(|d| d.amount).collect::<Many<_>>())
        .bind(head.state).bind(head.clearing).bind(head.cheque_number.as_deref()).bind(head.cheque_date).bind(head.deposited_on).bind(head.posting_date)
        .bind(head.settlement_currency.as_deref()).bind(head.settlement_amount).bind(head.exchange_rate).bind(origin.input.clone()).bind(head.on_account).bind(head.advance.clone()),
    )?;
    Ok(())
}

/// What a step changes of a receipt; the rest stays.
#[derive(Default)]
pub struct Step {
    pub state: Option<State>,
    pub clearing: Option<Clearing>,
    pub customer: Option<CustomerId>,
    pub item: Option<OpenItemId>,
    pub entry: Option<EntryId>,
    pub bank_account: Option<BankAccountId>,
    pub posting_date: Option<NaiveDate>,
    pub deposited_on: Option<NaiveDate>,
    pub cleared_on: Option<NaiveDate>,
    pub identified_on: Option<NaiveDate>,
    pub ended_on: Option<NaiveDate>,
    pub end_reason: Option<String>,
    pub fee_note: Option<InvoiceId>,
    pub on_account: Option<bool>,
    pub payer_name: Option<String>,
    pub metadata: Option<Value>,
    pub exchange_rate: Option<Decimal>,
    pub advance: Option<Value>,
}

/// Takes a receipt one step on.
pub fn advance(tx: &mut Tx<'_>, id: ReceiptId, step: &Step) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "UPDATE receipt SET state = coalesce($3, state), clearing = coalesce($4, clearing), customer_id = coalesce($5, customer_id), item_id = coalesce($6, item_id), entry_id = coalesce($7, entry_id),
                bank_account_id = coalesce($8, bank_account_id), posting_date = coalesce($9, posting_date), deposited_on = coalesce($10, deposited_on), cleared_on = coalesce($11, cleared_on),
                identified_on = coalesce($12, identified_on), ended_on = coalesce($13, ended_on), end_reason = coalesce($14, end_reason), fee_note_id = coalesce($15, fee_note_id),
                on_account = coalesce($16, on_account), payer_name = coalesce($17, payer_name), metadata = coalesce($18, metadata), exchange_rate = coalesce($19, exchange_rate), advance = coalesce($20, advance), version = version + 1, updated_at = now()
             WHERE company_id = $1 AND id = $2",
        )
        .bind(company).bind(id).bind(step.state).bind(step.clearing).bind(step.customer).bind(step.item).bind(step.entry).bind(step.bank_account).bind(step.posting_date)
        .bind(step.deposited_on).bind(step.cleared_on).bind(step.identified_on).bind(step.ended_on).bind(step.end_reason.as_deref()).bind(step.fee_note).bind(step.on_account)
        .bind(step.payer_name.as_deref()).bind(step.metadata.clone()).bind(step.exchange_rate).bind(step.advance.clone()),
    )?;
    Ok(())
}

/// What a held cheque shall settle, as it was sent.
pub fn input(rx: &mut Rx<'_>, id: ReceiptId) -> Result<NewReceipt, Problem> {
    let company = rx.company();
    let value: Value = rx.scalar(Sql::new("SELECT input FROM receipt WHERE company_id = $1 AND id = $2").bind(company).bind(id))?;
    serde_json::from_value(value).map_err(|e| Problem::internal(&e))
}

row! { struct PurseRow { kind: AllocationKind, left: Decimal, value_date: NaiveDate } }

/// What of a receipt is not placed yet, by kind, cash first; and what decides about discounts: the value of a
/// cheque of a later date counts from its deposit.
pub fn purses(rx: &mut Rx<'_>, id: Uuid, item: OpenItemId) -> Result<(Vec<Purse>, Terms), Problem> {
    let company = rx.company();
    let rows: Vec<PurseRow> = rx.load(
        Sql::new(
            "SELECT kind, sum(amount)::numeric AS left, (SELECT CASE WHEN cheque_date > receipt_date THEN deposited_on ELSE value_date END FROM receipt WHERE company_id = $1 AND id = $2) AS value_date FROM (
                SELECT 'cash' AS kind, coalesce(settlement_amount, amount_received) AS amount FROM receipt WHERE company_id = $1 AND id = $2
                UNION ALL SELECT CASE kind WHEN 'charges' THEN 'charge' ELSE kind END, amount FROM receipt_deduction WHERE company_id = $1 AND receipt_id = $2
                UNION ALL SELECT CASE WHEN kind IN ('tds', 'discount', 'charge', 'retention') THEN kind ELSE 'cash' END, -amount FROM allocation WHERE company_id = $1 AND credit_item_id = $3
             ) AS parts GROUP BY kind ORDER BY kind <> 'cash', kind",
        )
        .bind(company).bind(id).bind(item),
    )?;
    let terms =
        Terms { value_date: rows.first().map_or(rx.cx().today, |row| row.value_date), apply: rows.iter().all(|row| row.kind != AllocationKind::Discount) };
    Ok((rows.into_iter().map(|row| Purse { kind: row.kind, left: row.left }).collect(), terms))
}

row! {
    /// A receipt as stored.
    pub struct Head {
        pub id: ReceiptId, pub number: String, pub external_id: Option<String>, pub state: State, pub customer_id: Option<CustomerId>, pub currency: String, pub receipt_date: NaiveDate, pub posting_date: Option<NaiveDate>,
        pub value_date: NaiveDate, pub method: Method, pub settlement_currency: Option<String>, pub settlement_amount: Option<Decimal>, pub exchange_rate: Decimal, pub clearing: Option<Clearing>,
        pub cheque_number: Option<String>, pub cheque_date: Option<NaiveDate>, pub deposited_on: Option<NaiveDate>, pub cleared_on: Option<NaiveDate>, pub identified_on: Option<NaiveDate>,
        pub ended_on: Option<NaiveDate>, pub end_reason: Option<String>, pub fee_note_id: Option<InvoiceId>, pub on_account: bool, pub version: i64,
        pub bank_account_id: Option<BankAccountId>, pub utr: Option<String>, pub payer_name: Option<String>, pub amount_received: Decimal, pub gross_settled: Decimal, pub item_id: Option<OpenItemId>, pub entry_id: Option<EntryId>,
        pub metadata: Value, pub advance: Option<Value>, pub created_by: String, pub created_at: DateTime<Utc>, pub open: Decimal, pub moves: i64,
    }
}
row! { pub struct DeductionRow {  pub kind: DeductionKind, pub section: Option<String>, pub rate: Option<Decimal>, pub amount: Decimal } }
row! {
    pub struct PlacedRow {  pub id: AllocationId, pub target_type: String, pub target_id: Uuid, pub target_number: String, pub kind: AllocationKind, pub amount: Decimal, pub allocated_on: NaiveDate, pub rule: String, pub evidence: Value }
}

const SELECT: &str = "SELECT r.id, r.number, r.external_id, r.state, r.customer_id, r.currency, r.receipt_date, CASE WHEN r.state <> 'held' THEN coalesce(r.posting_date, r.receipt_date) END AS posting_date, r.value_date,
    r.method, r.settlement_currency, r.settlement_amount::numeric AS settlement_amount, r.exchange_rate, r.clearing, r.cheque_number, r.cheque_date, r.deposited_on, r.cleared_on, r.identified_on,
    r.ended_on, r.end_reason, r.fee_note_id, r.on_account, r.version, r.bank_account_id, r.utr, r.payer_name, r.amount_received::numeric AS amount_received, r.gross_settled::numeric AS gross_settled,
    r.item_id, r.entry_id, r.metadata, r.advance, r.created_by, r.created_at, coalesce(b.open_amount, CASE WHEN r.state IN ('held', 'unidentified') THEN r.gross_settled ELSE 0 END)::numeric AS open,
    (SELECT count(*) FROM allocation a WHERE a.company_id = r.company_id AND a.credit_item_id = r.item_id AND a.kind <> 'reversal') AS moves
    FROM receipt r LEFT JOIN open_item_balance b ON b.company_id = r.company_id AND b.item_id = r.item_id WHERE r.company_id = $1";

/// The head of a receipt; with `lock` its row is locked.
pub fn head(rx: &mut Rx<'_>, id: ReceiptId, lock: bool) -> Result<Head, Problem> {
    let company = rx.company();
    let sql = format!("{SELECT} AND r.id = $2{}", if lock { " FOR NO KEY UPDATE OF r" } else { "" });
    rx.optional(Sql::new(sql).bind(company).bind(id))?.ok_or_else(|| Problem::not_found("receipt"))
}

pub fn deductions(rx: &mut Rx<'_>, id: ReceiptId) -> Result<Vec<DeductionRow>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new("SELECT kind, section, rate, amount::numeric AS amount FROM receipt_deduction WHERE company_id = $1 AND receipt_id = $2 ORDER BY line_no")
            .bind(company)
            .bind(id),
    )
}

/// A receipt with its deductions and the allocations in force.
pub fn get(rx: &mut Rx<'_>, id: ReceiptId) -> Result<Receipt, Problem> {
    let company = rx.company();
    let row = head(rx, id, false)?;
    let deductions = deductions(rx, id)?;
    let placed: Vec<PlacedRow> = rx.load(
        Sql::new(
            "SELECT a.id, d.document_kind AS target_type, d.document_id AS target_id, d.document_number AS target_number, a.kind, a.amount::numeric AS amount, a.effective_on AS allocated_on, a.rule, a.evidence
             FROM allocation a JOIN open_item d ON d.company_id = a.company_id AND d.id = a.debit_item_id
             WHERE a.company_id = $1 AND a.credit_item_id = $2 AND a.amount > 0 AND a.kind <> 'reversal'
               AND NOT EXISTS (SELECT FROM allocation r WHERE r.company_id = a.company_id AND r.reverses_id = a.id)
             ORDER BY a.recorded_at, a.id",
        )
        .bind(company).bind(row.item_id),
    )?;
    let standing = if row.advance.is_some() { advances::of_receipt(rx, id)? } else { None };
    Ok(answer(row, deductions, &placed, standing.as_ref(), rx.cx()))
}

/// An advance as the wire shows it, with what the register holds of it where it is taxed.
fn advance_of(terms: Decided, standing: Option<&Standing>, base: Currency) -> ReceiptAdvance {
    let voucher = standing.and_then(|standing| standing.voucher.clone());
    ReceiptAdvance {
        supply: terms.supply,
        taxed: terms.taxed,
        tax_rate: Rate(pad(terms.rate.0, 2)),
        cess_rate: Rate(pad(terms.cess_rate.0, 2)),
        place_of_supply: terms.place_of_supply,
        inter_state: terms.inter,
        hsn_code: terms.hsn_code,
        gst_registration_id: terms.registration,
        voucher_date: voucher.as_ref().map(|(_, on)| *on),
        voucher_number: voucher.map(|(number, _)| number),
        received: standing.map(|standing| AdvanceAmounts::of(&standing.received, base)),
        remaining: standing.map(|standing| AdvanceAmounts::of(&standing.held, base)),
        explanation: terms.explanation,
    }
}

/// A receipt as the wire shows it.
#[must_use]
pub fn answer(row: Head, deductions: Vec<DeductionRow>, placed: &[PlacedRow], advance: Option<&Standing>, cx: &Context) -> Receipt {
    let money = Currency::parse(&row.currency).unwrap_or(cx.currency());
    let currency = row.settlement_currency.as_deref().and_then(Currency::parse).unwrap_or(money);
    let sum = |belongs: &dyn Fn(AllocationKind) -> bool| currency.amount(placed.iter().filter(|p| belongs(p.kind)).map(|p| p.amount).sum());
    let deduction =
        |d: DeductionRow| Deduction { kind: d.kind, section: d.section, rate: d.rate.map(|rate| Rate(pad(rate, 2))), amount: currency.amount(d.amount) };
    Receipt {
        id: row.id,
        object: "receipt",
        number: row.number,
        external_id: row.external_id,
        status: rules::status(row.state, row.gross_settled, row.open, row.on_account),
        customer_id: row.customer_id,
        currency: row.currency,
        receipt_date: row.receipt_date,
        posting_date: row.posting_date,
        value_date: row.value_date,
        settlement_currency: row.settlement_currency,
        settlement_amount: row.settlement_amount.map(|amount| currency.amount(amount)),
        exchange_rate: ExchangeRate(pad(row.exchange_rate, 2)),
        clearing: row.clearing,
        cheque_number: row.cheque_number,
        cheque_date: row.cheque_date,
        stale: rules::stale(row.clearing, row.cheque_date, cx.today),
        deposited_on: row.deposited_on,
        cleared_on: row.cleared_on,
        identified_on: row.identified_on,
        ended_on: row.ended_on,
        end_reason: row.end_reason,
        fee_note_id: row.fee_note_id,
        method: row.method,
        bank_account_id: row.bank_account_id,
        utr: row.utr,
        payer_name: row.payer_name,
        amount_received: money.amount(row.amount_received),
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
                flags: flags(&p.evidence),
                difference_reason: difference_reason(&p.evidence),
            })
            .collect(),
        gst_advance: row.advance.and_then(|terms| serde_json::from_value(terms).ok()).map(|terms| advance_of(terms, advance, cx.currency())),
        gl_journal_id: row.entry_id,
        period: month_label(row.posting_date.unwrap_or(row.receipt_date)),
        approval_id: None,
        allowed_actions: rules::actions(row.state, row.clearing, row.method, row.open)
            .into_iter()
            .filter(|(_, right)| cx.may_ask(right))
            .map(|(action, _)| action)
            .collect(),
        metadata: serde_json::from_value(row.metadata).unwrap_or_default(),
        version: row.version + row.moves,
        created_by: row.created_by,
        created_at: Instant(row.created_at),
    }
}

static RECEIPTS: List = List {
    select: SELECT,
    id: "r.id",
    sorts: &[
        SortKey { name: "receipt_date", expression: "r.receipt_date", kind: "date" },
        SortKey { name: "amount_received", expression: "r.amount_received::numeric", kind: "numeric" },
    ],
    default_sort: "-receipt_date",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &ReceiptFilter) -> Result<Page<ReceiptSummary>, Problem> {
    let base = rx.cx().currency();
    let today = rx.cx().today;
    let month = filter.period.as_deref().and_then(Month::parse);
    let page = RECEIPTS
        .of(rx).created("r.created_at", paging).holding(&["r.number", "r.external_id", "r.utr", "r.cheque_number", "r.payer_name"], paging)
        .keeping(paging)
        .any_of(
            "CASE WHEN r.state <> 'recorded' THEN r.state WHEN b.open_amount = 0 THEN 'applied' WHEN b.open_amount < b.amount THEN 'partially_applied' WHEN r.on_account THEN 'on_account' ELSE 'unapplied' END",
            filter.status.as_deref(),
        )
        .when("r.customer_id = {}", filter.customer_id)
        .when("r.external_id = {}", filter.external_id.clone())
        .when("r.utr = {}", filter.utr.clone())
        .any_of("r.method", filter.method.as_deref())
        .when("r.amount_received >= {}", filter.amount_gte.map(|a| a.0))
        .when("r.amount_received <= {}", filter.amount_lte.map(|a| a.0))
        .when("coalesce(b.open_amount, r.gross_settled) > {}", filter.unapplied_gt.map(|a| a.0))
        .when(
            "coalesce(b.open_amount, r.gross_settled) > 0 AND r.state <> 'reversed' AND r.state <> 'bounced' AND r.receipt_date <= {}",
            filter.unapplied_days_gte.and_then(|days| today.checked_sub_signed(chrono::Duration::days(days))),
        )
        .when("r.bank_account_id = {}", filter.bank_account_id)
        .when("r.created_by = {}", filter.client_id.map(|client| Actor::Client(client).to_string()))
        .when("coalesce(r.posting_date, r.receipt_date) >= {}", month.map(|month| month.0))
        .when("coalesce(r.posting_date, r.receipt_date) <= {}", month.map(|month| month_end(month.0)))
        .when("(r.state = 'bounced') = {}", filter.bounced)
        .when("r.value_date >= {}", filter.value_date_gte)
        .when("r.value_date <= {}", filter.value_date_lte)
        .when("r.receipt_date >= {}", filter.receipt_date_gte)
        .when("r.receipt_date <= {}", filter.receipt_date_lte)
        .page::<Head>(rx, paging)?;
    Ok(page.map(|row| {
        let money = Currency::parse(&row.currency).unwrap_or(base);
        let currency = row.settlement_currency.as_deref().and_then(Currency::parse).unwrap_or(money);
        ReceiptSummary {
            id: row.id,
            object: "receipt",
            number: row.number,
            external_id: row.external_id,
            status: rules::status(row.state, row.gross_settled, row.open, row.on_account),
            customer_id: row.customer_id,
            currency: row.currency,
            receipt_date: row.receipt_date,
            method: row.method,
            utr: row.utr,
            amount_received: money.amount(row.amount_received),
            gross_settled: currency.amount(row.gross_settled),
            unapplied: currency.amount(row.open),
            version: row.version + row.moves,
        }
    }))
}

/// Cheques in the books that no bank has paid, by customer, in base currency as they were booked; as of a day, or now.
pub fn uncleared(rx: &mut Rx<'_>, customers: &[CustomerId], at: Option<At>) -> Result<Vec<(CustomerId, Decimal)>, Problem> {
    row! { struct Waiting { customer_id: CustomerId, amount: Decimal } }
    let company = rx.company();
    let sql = match at {
        None => Sql::new(
            "SELECT r.customer_id, sum(i.base_amount)::numeric AS amount FROM receipt r JOIN open_item i ON i.company_id = r.company_id AND i.id = r.item_id
             WHERE r.company_id = $1 AND r.customer_id = ANY($2) AND r.clearing IN ('received', 'deposited') AND r.state NOT IN ('held', 'reversed', 'bounced') GROUP BY r.customer_id",
        ),
        Some(at) => Sql::new(
            "SELECT r.customer_id, sum(i.base_amount)::numeric AS amount FROM receipt r JOIN open_item i ON i.company_id = r.company_id AND i.id = r.item_id
             WHERE r.company_id = $1 AND r.customer_id = ANY($2) AND r.clearing IS NOT NULL AND i.posting_date <= $3 AND i.recorded_at <= $4
               AND (r.cleared_on IS NULL OR r.cleared_on > $3) AND (r.ended_on IS NULL OR r.ended_on > $3) GROUP BY r.customer_id",
        )
        .bind(company)
        .bind(Many(customers.to_vec()))
        .bind(at.as_of)
        .bind(at.horizon()),
    };
    let sql = if at.is_none() { sql.bind(company).bind(Many(customers.to_vec())) } else { sql };
    Ok(rx.load::<Waiting>(sql)?.into_iter().map(|row| (row.customer_id, row.amount)).collect())
}

/// Payments of a customer that came back unpaid on these days.
pub fn bounced(rx: &mut Rx<'_>, customer: CustomerId, from: NaiveDate, to: NaiveDate) -> Result<i64, Problem> {
    let company = rx.company();
    let sql = "SELECT count(*) FROM receipt WHERE company_id = $1 AND customer_id = $2 AND state = 'bounced' AND ended_on BETWEEN $3 AND $4";
    rx.scalar(Sql::new(sql).bind(company).bind(customer).bind(from).bind(to))
}

/// Whether a person recorded money of a customer since an instant.
pub fn recorded_by(rx: &mut Rx<'_>, customer: CustomerId, actor: &str, since: DateTime<Utc>) -> Result<bool, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new("SELECT EXISTS (SELECT FROM receipt WHERE company_id = $1 AND customer_id = $2 AND created_by = $3 AND created_at > $4)")
            .bind(company)
            .bind(customer)
            .bind(actor)
            .bind(since),
    )
}
