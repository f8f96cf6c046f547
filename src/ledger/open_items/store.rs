use super::{Allocation, AllocationKind, NewAllocation, OpenItem, Side};
use crate::master_data::customers;
use crate::master_data::customers::reference::{NamesCustomer, Reference};
use crate::platform::http::Problem;
use crate::platform::ids::{AllocationId, CustomerId, OpenItemId};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

row! {
    struct ItemRow {
        id: OpenItemId, customer_id: CustomerId, document_kind: String, document_id: Uuid, document_number: String, side: Side, amount: Decimal, open: Decimal,
        settles_from: NaiveDate, due_date: NaiveDate,
    }
}
impl From<ItemRow> for OpenItem {
    fn from(row: ItemRow) -> Self {
        Self {
            id: row.id,
            customer: row.customer_id,
            document_kind: row.document_kind,
            document_id: row.document_id,
            document_number: row.document_number,
            side: row.side,
            amount: row.amount,
            open: row.open,
            settles_from: row.settles_from,
            due_date: row.due_date,
        }
    }
}
// "+ 0" keeps the planner from walking all days of the company for a maximum.
const SELECT: &str = "SELECT i.id, i.customer_id, i.document_kind, i.document_id, i.document_number, i.side, i.amount::numeric AS amount, b.open_amount::numeric AS open, i.due_date,
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
    let named: Vec<Reference<'_>> = rows.iter().map(|row| row.customer()).collect();
    let texts = |pick: fn(&Reference<'_>) -> Option<String>| named.iter().filter_map(pick).collect();
    let ids = customers::store::ids(
        tx,
        named.iter().filter_map(|r| r.id).collect(),
        texts(|r| r.external_id.map(str::to_owned)),
        texts(|r| r.code.map(str::to_owned)),
    )?;
    lock_customers(tx, ids)
}

/// The items of documents, locked in id order, given back oldest due first.
pub fn lock_items_of(tx: &mut Tx<'_>, documents: Vec<Uuid>) -> Result<Vec<OpenItem>, Problem> {
    let company = tx.company();
    let rows: Vec<ItemRow> =
        tx.load(Sql::new(format!("{SELECT} AND i.document_id = ANY($2) ORDER BY i.id FOR NO KEY UPDATE OF b")).bind(company).bind(Many(documents)))?;
    Ok(oldest_first(rows))
}

/// Every open debit of a customer, locked in id order, given back oldest due first.
pub fn lock_open_debits(tx: &mut Tx<'_>, customer: CustomerId) -> Result<Vec<OpenItem>, Problem> {
    let company = tx.company();
    let rows: Vec<ItemRow> = tx.load(
        Sql::new(format!("{SELECT} AND b.customer_id = $2 AND b.open_amount > 0 AND b.side = 'debit' ORDER BY i.id FOR NO KEY UPDATE OF b"))
            .bind(company)
            .bind(customer),
    )?;
    Ok(oldest_first(rows))
}

fn oldest_first(rows: Vec<ItemRow>) -> Vec<OpenItem> {
    let mut items: Vec<OpenItem> = rows.into_iter().map(OpenItem::from).collect();
    items.sort_by(|a, b| (a.due_date, &a.document_number, a.id).cmp(&(b.due_date, &b.document_number, b.id)));
    items
}

pub fn insert(tx: &mut Tx<'_>, new: &[NewAllocation]) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new(
            "INSERT INTO allocation (company_id, id, customer_id, credit_item_id, debit_item_id, kind, amount, credit_base, debit_base, effective_on, rule, evidence, reverses_id, reason, actor)
             SELECT $1, id, customer_id, credit_item_id, debit_item_id, kind, amount, amount, amount, effective_on, rule, evidence, reverses_id, reason, $2
             FROM unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::numeric[], $9::date[], $10::text[], $11::jsonb[], $12::uuid[], $13::text[])
                  AS a(id, customer_id, credit_item_id, debit_item_id, kind, amount, effective_on, rule, evidence, reverses_id, reason)",
        )
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
        .bind(new.iter().map(|a| a.reason.clone()).collect::<Many<_>>()),
    )?;
    Ok(())
}

row! {
    struct AllocationRow {
        id: AllocationId, customer_id: CustomerId, credit_item_id: OpenItemId, debit_item_id: OpenItemId, kind: AllocationKind, amount: Decimal,
        effective_on: NaiveDate, reverses_id: Option<AllocationId>, reversed_by: Option<AllocationId>,
    }
}

/// An allocation and whether it was reversed.
pub fn allocation(rx: &mut Rx<'_>, id: AllocationId) -> Result<Option<Allocation>, Problem> {
    let company = rx.company();
    let row: Option<AllocationRow> = rx.optional(
        Sql::new(
            "SELECT a.id, a.customer_id, a.credit_item_id, a.debit_item_id, a.kind, a.amount::numeric AS amount, a.effective_on, a.reverses_id, r.id AS reversed_by
             FROM allocation a LEFT JOIN allocation r ON r.company_id = a.company_id AND r.reverses_id = a.id WHERE a.company_id = $1 AND a.id = $2",
        )
        .bind(company).bind(id),
    )?;
    Ok(row.map(|row| Allocation {
        id: row.id,
        customer: row.customer_id,
        credit_item: row.credit_item_id,
        debit_item: row.debit_item_id,
        kind: row.kind,
        amount: row.amount,
        effective_on: row.effective_on,
        reverses: row.reverses_id,
        reversed_by: row.reversed_by,
    }))
}
