use super::{Allocation, AllocationKind, NewAllocation, OpenItem, SettlementTerms, Side};
use crate::ledger::advances::store::{HELD, Held, HeldRow};
use crate::ledger::journal::DocumentKind;
use crate::master_data::customers;
use crate::master_data::customers::reference::{NamesCustomer, Reference};
use crate::platform::http::Problem;
use crate::platform::ids::{AllocationId, CustomerId, EntryId, OpenItemId};
use crate::platform::money::Currency;
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

row! {
    struct ItemRow {
        id: OpenItemId, entry_id: EntryId, customer_id: CustomerId, document_kind: String, document_id: Uuid, document_number: String, side: Side, currency: String, amount: Decimal, open: Decimal,
        base: Decimal, open_base: Decimal, settles_from: NaiveDate, due_date: NaiveDate, discount: Decimal, discount_until: Option<NaiveDate>, grace_until: Option<NaiveDate>, tolerance: Decimal, granted: Decimal,
    }
}
impl TryFrom<ItemRow> for OpenItem {
    type Error = Problem;
    fn try_from(row: ItemRow) -> Result<Self, Problem> {
        Ok(Self {
            id: row.id,
            entry: row.entry_id,
            customer: row.customer_id,
            document_kind: row.document_kind,
            document_id: row.document_id,
            document_number: row.document_number,
            side: row.side,
            currency: Currency::parse(&row.currency).ok_or_else(|| Problem::internal(&"an item without currency"))?,
            amount: row.amount,
            open: row.open,
            base: row.base,
            open_base: row.open_base,
            settles_from: row.settles_from,
            due_date: row.due_date,
            terms: SettlementTerms { discount: row.discount, discount_until: row.discount_until, grace_until: row.grace_until, tolerance: row.tolerance },
            granted: row.granted,
        })
    }
}
// "+ 0" keeps the planner from walking all days of the company for a maximum.
const SELECT: &str = "SELECT i.id, i.entry_id, i.customer_id, i.document_kind, i.document_id, i.document_number, i.side, i.currency, i.amount::numeric AS amount, b.open_amount::numeric AS open, i.due_date,
    i.base_amount::numeric AS base, b.open_base::numeric AS open_base, i.discount::numeric AS discount, CASE WHEN i.discount > 0 THEN coalesce((SELECT sum(g.amount) FROM allocation g WHERE g.company_id = i.company_id AND g.debit_item_id = i.id AND g.kind = 'discount'), 0) ELSE 0 END::numeric AS granted, i.discount_until, i.grace_until, i.tolerance::numeric AS tolerance,
    greatest(i.posting_date, (SELECT max(r.effective_on + 0) FROM allocation r WHERE r.company_id = i.company_id AND r.amount < 0 AND r.debit_item_id = i.id),
        (SELECT max(r.effective_on + 0) FROM allocation r WHERE r.company_id = i.company_id AND r.amount < 0 AND r.credit_item_id = i.id)) AS settles_from
    FROM open_item i JOIN open_item_balance b ON b.company_id = i.company_id AND b.item_id = i.id WHERE i.company_id = $1";

/// Locks the balances of customers, which every posting for them takes first, in id order.
pub fn lock_customers(tx: &mut Tx<'_>, customers: Vec<CustomerId>) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("SELECT 1 FROM customer_balance WHERE company_id = $1 AND customer_id = ANY($2) ORDER BY customer_id FOR NO KEY UPDATE")
            .bind(company)
            .bind(Many(customers)),
    )?;
    Ok(())
}

/// Locks the customers of a bulk request before its first row, so that rows may come in any order.
pub fn lock_named<I: NamesCustomer>(tx: &mut Tx<'_>, rows: &[&I]) -> Result<(), Problem> {
    let customers = named(tx, rows)?;
    lock_customers(tx, customers)
}

/// The customers rows name, before anything is locked.
pub fn named<I: NamesCustomer>(rx: &mut Rx<'_>, rows: &[&I]) -> Result<Vec<CustomerId>, Problem> {
    let named: Vec<Reference<'_>> = rows.iter().map(|row| row.customer()).collect();
    let texts = |pick: fn(&Reference<'_>) -> Option<String>| named.iter().filter_map(pick).collect();
    customers::store::ids(rx, named.iter().filter_map(|r| r.id).collect(), texts(|r| r.external_id.map(str::to_owned)), texts(|r| r.code.map(str::to_owned)))
}

/// The items of documents, locked in id order, given back oldest due first.
pub fn lock_items_of(tx: &mut Tx<'_>, documents: Vec<Uuid>) -> Result<Vec<OpenItem>, Problem> {
    let company = tx.company();
    let rows: Vec<ItemRow> =
        tx.load(Sql::new(format!("{SELECT} AND i.document_id = ANY($2) ORDER BY i.id FOR NO KEY UPDATE OF b")).bind(company).bind(Many(documents)))?;
    oldest_first(rows)
}

/// Every open debit of a customer, locked in id order, given back oldest due first.
pub fn lock_open_debits(tx: &mut Tx<'_>, customer: CustomerId) -> Result<Vec<OpenItem>, Problem> {
    let company = tx.company();
    let rows: Vec<ItemRow> = tx.load(
        Sql::new(format!("{SELECT} AND b.customer_id = $2 AND b.open_amount > 0 AND b.side = 'debit' ORDER BY i.id FOR NO KEY UPDATE OF b"))
            .bind(company)
            .bind(customer),
    )?;
    oldest_first(rows)
}

fn oldest_first(rows: Vec<ItemRow>) -> Result<Vec<OpenItem>, Problem> {
    let mut items = rows.into_iter().map(OpenItem::try_from).collect::<Result<Vec<_>, _>>()?;
    items.sort_by(|a, b| (a.due_date, &a.document_number, a.id).cmp(&(b.due_date, &b.document_number, b.id)));
    Ok(items)
}

/// Writes allocations; tells which of their credits are advances, and what was open of those before.
pub fn insert(tx: &mut Tx<'_>, new: &[NewAllocation], entries: &[Option<EntryId>]) -> Result<Vec<Held>, Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    let held: Vec<HeldRow> = tx.load(
        Sql::new(format!(
            "WITH placed AS (INSERT INTO allocation (company_id, id, customer_id, credit_item_id, debit_item_id, kind, amount, credit_base, debit_base, effective_on, rule, evidence, reverses_id, reason, entry_id, because_of, actor)
             SELECT $1, id, customer_id, credit_item_id, debit_item_id, kind, amount, credit_base, debit_base, effective_on, rule, evidence, reverses_id, reason, entry_id, because_of, $2
             FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::numeric[], $9::date[], $10::text[], $11::jsonb[], $12::uuid[], $13::text[], $14::numeric[], $15::numeric[], $16::uuid[], $17::uuid[])
                  AS a(id, customer_id, credit_item_id, debit_item_id, kind, amount, effective_on, rule, evidence, reverses_id, reason, credit_base, debit_base, entry_id, because_of))
             {HELD}"
        ))
        .bind(company).bind(actor)
        .bind(new.iter().map(|a| a.id).collect::<Many<_>>())
        .bind(new.iter().map(|a| a.customer).collect::<Many<_>>())
        .bind(new.iter().map(|a| a.credit_item).collect::<Many<_>>())
        .bind(new.iter().map(|a| a.debit_item).collect::<Many<_>>())
        .bind(new.iter().map(|a| a.kind).collect::<Many<_>>())
        .bind(new.iter().map(|a| a.amount).collect::<Many<_>>())
        .bind(new.iter().map(|a| a.effective_on).collect::<Many<_>>())
        .bind(new.iter().map(|a| a.rule).collect::<Many<_>>())
        .bind(new.iter().map(|a| a.evidence.clone()).collect::<Many<_>>())
        .bind(new.iter().map(|a| a.reverses).collect::<Many<_>>())
        .bind(new.iter().map(|a| a.reason.clone()).collect::<Many<_>>())
        .bind(new.iter().map(|a| a.credit_base).collect::<Many<_>>())
        .bind(new.iter().map(|a| a.debit_base).collect::<Many<_>>())
        .bind(Many(entries.to_vec()))
        .bind(new.iter().map(|a| a.because_of).collect::<Many<_>>()),
    )?;
    Ok(held.into_iter().map(Held::from).collect())
}

row! {
    struct AllocationRow {
        id: AllocationId, customer_id: CustomerId, payer_id: CustomerId, credit_item_id: OpenItemId, debit_item_id: OpenItemId, source_id: Uuid, source_number: String, source_kind: DocumentKind, target_id: Uuid, target_kind: DocumentKind,
        kind: AllocationKind, amount: Decimal, credit_base: Decimal, debit_base: Decimal, effective_on: NaiveDate, reverses_id: Option<AllocationId>, reversed_by: Option<AllocationId>,
    }
}
impl From<AllocationRow> for Allocation {
    fn from(row: AllocationRow) -> Self {
        Self {
            id: row.id,
            customer: row.customer_id,
            payer: row.payer_id,
            credit_item: row.credit_item_id,
            debit_item: row.debit_item_id,
            source: (row.source_id, row.source_number),
            source_kind: row.source_kind,
            target: row.target_id,
            target_kind: row.target_kind,
            kind: row.kind,
            amount: row.amount,
            credit_base: row.credit_base,
            debit_base: row.debit_base,
            effective_on: row.effective_on,
            reverses: row.reverses_id,
            reversed_by: row.reversed_by,
        }
    }
}
const ALLOCATIONS: &str = "SELECT a.id, a.customer_id, c.customer_id AS payer_id, a.credit_item_id, a.debit_item_id, c.document_id AS source_id, c.document_number AS source_number, c.document_kind AS source_kind, d.document_id AS target_id, d.document_kind AS target_kind,
        a.kind, a.amount::numeric AS amount, a.credit_base::numeric AS credit_base, a.debit_base::numeric AS debit_base, a.effective_on, a.reverses_id, r.id AS reversed_by
    FROM allocation a
    JOIN open_item c ON c.company_id = a.company_id AND c.id = a.credit_item_id
    JOIN open_item d ON d.company_id = a.company_id AND d.id = a.debit_item_id
    LEFT JOIN allocation r ON r.company_id = a.company_id AND r.reverses_id = a.id WHERE a.company_id = $1";

/// An allocation and whether it was reversed.
pub fn allocation(rx: &mut Rx<'_>, id: AllocationId) -> Result<Option<Allocation>, Problem> {
    let company = rx.company();
    Ok(rx.optional::<AllocationRow>(Sql::new(format!("{ALLOCATIONS} AND a.id = $2")).bind(company).bind(id))?.map(Allocation::from))
}

/// The allocations in force on items, oldest first; without those that take a document back.
pub fn in_force_on(rx: &mut Rx<'_>, items: &[OpenItemId]) -> Result<Vec<Allocation>, Problem> {
    let company = rx.company();
    let sql = format!(
        "{ALLOCATIONS} AND (a.credit_item_id = ANY($2) OR a.debit_item_id = ANY($2)) AND a.amount > 0 AND a.kind <> 'reversal' AND r.id IS NULL ORDER BY a.recorded_at, a.id"
    );
    Ok(rx.load::<AllocationRow>(Sql::new(sql).bind(company).bind(Many(items.to_vec())))?.into_iter().map(Allocation::from).collect())
}

/// The documents granted for the sake of allocations (discounts, tolerances) that still stand: of each
/// dependent settlement the side its cause has not.
pub fn granted_for(rx: &mut Rx<'_>, causes: Vec<AllocationId>) -> Result<Vec<Uuid>, Problem> {
    let company = rx.company();
    rx.scalars(
        Sql::new(
            "SELECT DISTINCT i.document_id FROM allocation a
             JOIN allocation cause ON cause.company_id = a.company_id AND cause.id = a.because_of
             -- A payment of money and deductions is several rows of one request; what it earned goes with any of them.
             JOIN allocation part ON part.company_id = cause.company_id AND part.credit_item_id = cause.credit_item_id AND part.debit_item_id = cause.debit_item_id
                AND part.recorded_at = cause.recorded_at AND part.because_of IS NULL
             JOIN open_item i ON i.company_id = a.company_id AND i.id = CASE WHEN a.credit_item_id = cause.credit_item_id THEN a.debit_item_id ELSE a.credit_item_id END
             WHERE a.company_id = $1 AND part.id = ANY($2)
               AND NOT EXISTS (SELECT FROM journal_entry r WHERE r.company_id = i.company_id AND r.reverses_id = i.entry_id)
             ORDER BY 1",
        )
        .bind(company).bind(Many(causes)),
    )
}

/// The documents and entries made together with allocations to settle them against an account, that still
/// stand. Such an allocation is called like the document.
pub fn countered_by(rx: &mut Rx<'_>, allocations: Vec<AllocationId>) -> Result<Vec<(Uuid, EntryId)>, Problem> {
    row! { struct Counter { document_id: Uuid, entry_id: EntryId } }
    let company = rx.company();
    let found: Vec<Counter> = rx.load(
        Sql::new(
            "SELECT DISTINCT i.document_id, i.entry_id FROM allocation a
             JOIN open_item i ON i.company_id = a.company_id AND i.id IN (a.credit_item_id, a.debit_item_id) AND i.document_kind = a.kind AND i.recorded_at = a.recorded_at
             WHERE a.company_id = $1 AND a.id = ANY($2) AND a.kind IN ('write_off', 'adjustment', 'recovery')
               AND NOT EXISTS (SELECT FROM journal_entry r WHERE r.company_id = i.company_id AND r.reverses_id = i.entry_id)
             ORDER BY 1, 2",
        )
        .bind(company).bind(Many(allocations)),
    )?;
    Ok(found.into_iter().map(|counter| (counter.document_id, counter.entry_id)).collect())
}

/// The customers a document's items belong to, and those of the items they are settled with.
pub fn parties(rx: &mut Rx<'_>, document: Uuid) -> Result<Vec<CustomerId>, Problem> {
    let company = rx.company();
    rx.scalars(
        Sql::new(
            "WITH own AS (SELECT id, customer_id FROM open_item WHERE company_id = $1 AND document_id = $2)
             SELECT customer_id FROM own
             UNION SELECT c.customer_id FROM own JOIN allocation a ON a.company_id = $1 AND a.debit_item_id = own.id JOIN open_item c ON c.company_id = $1 AND c.id = a.credit_item_id
             UNION SELECT d.customer_id FROM own JOIN allocation a ON a.company_id = $1 AND a.credit_item_id = own.id JOIN open_item d ON d.company_id = $1 AND d.id = a.debit_item_id
             ORDER BY 1",
        )
        .bind(company).bind(document),
    )
}
