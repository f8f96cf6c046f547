use super::replay::{Item, Member, Settled};
use crate::credit::limits::types::Scope;
use crate::platform::http::Problem;
use crate::platform::ids::{CreditLimitId, CustomerId};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::Rx;
use crate::row;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::HashMap;
use uuid::Uuid;

row! { struct MemberRow { id: CustomerId, head: CustomerId, name: String, terms_days: Option<i32> } }
row! { struct ClassRow { customer_id: CustomerId, as_of: NaiveDate, class: String } }

/// Everybody who shares a limit with those named (or everybody), by the head of the group.
pub fn members(rx: &mut Rx<'_>, customers: Option<&[CustomerId]>) -> Result<Vec<(CustomerId, Member)>, Problem> {
    let company = rx.company();
    let of = if customers.is_some() {
        " AND coalesce(c.parent_id, c.id) IN (SELECT coalesce(x.parent_id, x.id) FROM customer x WHERE x.company_id = $1 AND x.id = ANY($2))"
    } else {
        ""
    };
    let text = format!(
        "SELECT c.id, coalesce(c.parent_id, c.id) AS head, c.legal_name AS name, CASE WHEN c.payment_terms_id IS NULL THEN c.payment_terms_days END AS terms_days
         FROM customer c WHERE c.company_id = $1{of} ORDER BY head, c.id"
    );
    let sql = Sql::new(text).bind(company);
    let rows: Vec<MemberRow> = rx.load(match customers {
        Some(customers) => sql.bind(Many(customers.to_vec())),
        None => sql,
    })?;
    Ok(rows.into_iter().map(|row| (row.head, Member { id: row.id, name: row.name, terms_days: row.terms_days, classes: Vec::new() })).collect())
}

/// The classes that held of customers, by day; of one day the last.
pub fn classes(rx: &mut Rx<'_>, customers: &[CustomerId]) -> Result<HashMap<CustomerId, Vec<(NaiveDate, String)>>, Problem> {
    let company = rx.company();
    let sql = "SELECT customer_id, as_of, class FROM credit_score WHERE company_id = $1 AND customer_id = ANY($2) AND class IS NOT NULL ORDER BY as_of, id";
    let rows: Vec<ClassRow> = rx.load(Sql::new(sql).bind(company).bind(Many(customers.to_vec())))?;
    let mut found: HashMap<CustomerId, Vec<(NaiveDate, String)>> = HashMap::new();
    for row in rows {
        found.entry(row.customer_id).or_default().push((row.as_of, row.class));
    }
    Ok(found)
}

row! {
    struct ItemRow {
        id: Uuid, customer_id: CustomerId, side: String, document_kind: String, document_id: Uuid, document_number: String, posting_date: NaiveDate, document_date: NaiveDate, due_date: NaiveDate, base: Decimal,
        is_order: bool,
    }
}

/// What was posted of customers by the end of a day, in the order it was recorded.
pub fn items(rx: &mut Rx<'_>, customers: &[CustomerId], until: NaiveDate) -> Result<Vec<Item>, Problem> {
    let company = rx.company();
    let rows: Vec<ItemRow> = rx.load(
        Sql::new(
            "SELECT i.id, i.customer_id, i.side, i.document_kind, i.document_id, i.document_number, i.posting_date, i.document_date, i.due_date, i.base_amount::numeric AS base,
                    coalesce(v.status = 'issued', false) AS is_order
             FROM open_item i LEFT JOIN invoice v ON v.company_id = i.company_id AND v.id = i.document_id AND i.document_kind = 'invoice' AND i.side = 'debit'
             WHERE i.company_id = $1 AND i.customer_id = ANY($2) AND i.posting_date <= $3 ORDER BY i.posting_date, i.recorded_at, i.id",
        )
        .bind(company)
        .bind(Many(customers.to_vec()))
        .bind(until),
    )?;
    let item = |row: ItemRow| Item {
        id: row.id,
        customer: row.customer_id,
        is_debit: row.side == "debit",
        kind: row.document_kind,
        document: row.document_id,
        number: row.document_number,
        posted_on: row.posting_date,
        dated: row.document_date,
        due_on: row.due_date,
        base: row.base,
        is_order: row.is_order,
    };
    Ok(rows.into_iter().map(item).collect())
}

row! { struct SettledRow { id: Uuid, debit_item_id: Uuid, credit_item_id: Uuid, effective_on: NaiveDate, debit_base: Decimal, credit_base: Decimal, kind: String, reverses_id: Option<Uuid> } }

/// What was settled of customers by the end of a day, in the order it was recorded.
pub fn settled(rx: &mut Rx<'_>, customers: &[CustomerId], until: NaiveDate) -> Result<Vec<Settled>, Problem> {
    let company = rx.company();
    let rows: Vec<SettledRow> = rx.load(
        Sql::new(
            "SELECT id, debit_item_id, credit_item_id, effective_on, debit_base::numeric AS debit_base, credit_base::numeric AS credit_base, kind, reverses_id FROM allocation
             WHERE company_id = $1 AND customer_id = ANY($2) AND effective_on <= $3 ORDER BY effective_on, recorded_at, id",
        )
        .bind(company)
        .bind(Many(customers.to_vec()))
        .bind(until),
    )?;
    let settled = |row: SettledRow| Settled {
        id: row.id,
        debit: row.debit_item_id,
        credit: row.credit_item_id,
        on: row.effective_on,
        debit_base: row.debit_base,
        credit_base: row.credit_base,
        kind: row.kind,
        reverses: row.reverses_id,
    };
    Ok(rows.into_iter().map(settled).collect())
}

row! {
    /// A limit that held or holds.
    pub struct Held { pub id: CreditLimitId, pub customer_id: CustomerId, pub scope: Scope, pub currency: String, pub amount: Option<Decimal>, pub temporary: bool, pub valid_from: NaiveDate, pub valid_to: Option<NaiveDate>, pub cover: Value }
}

/// Every limit of customers that was ever in force, in the order in which they prevail over each other.
pub fn limits(rx: &mut Rx<'_>, customers: &[CustomerId]) -> Result<Vec<Held>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "SELECT id, customer_id, scope, currency, amount::numeric AS amount, temporary, valid_from, valid_to, cover FROM credit_limit
             WHERE company_id = $1 AND customer_id = ANY($2) AND status IN ('active', 'superseded', 'expired') ORDER BY temporary DESC, valid_from DESC, decided_at DESC, id DESC",
        )
        .bind(company)
        .bind(Many(customers.to_vec())),
    )
}
