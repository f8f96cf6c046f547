use super::types::{NewPayer, Payer};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{CustomerId, PayerLinkId};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};

row! {
    struct PayerRow { id: PayerLinkId, customer_id: CustomerId, payer_id: CustomerId, payer_name: String, valid_from: NaiveDate, valid_to: Option<NaiveDate>, created_by: String, recorded_at: DateTime<Utc> }
}
impl From<PayerRow> for Payer {
    fn from(row: PayerRow) -> Self {
        Self {
            id: row.id,
            object: "payer",
            customer_id: row.customer_id,
            payer_id: row.payer_id,
            payer_name: row.payer_name,
            valid_from: row.valid_from,
            valid_to: row.valid_to,
            created_by: row.created_by,
            created_at: Instant(row.recorded_at),
        }
    }
}
const SELECT: &str = "SELECT p.id, p.customer_id, p.payer_id, c.legal_name AS payer_name, p.valid_from, p.valid_to, p.created_by, p.recorded_at
    FROM customer_payer p JOIN customer c ON c.company_id = p.company_id AND c.id = p.payer_id WHERE p.company_id = $1 AND p.customer_id = $2";

pub fn is_customer(rx: &mut Rx<'_>, customer: CustomerId) -> Result<bool, Problem> {
    let company = rx.company();
    rx.scalar(Sql::new("SELECT EXISTS (SELECT FROM customer WHERE company_id = $1 AND id = $2)").bind(company).bind(customer))
}

pub fn list(rx: &mut Rx<'_>, customer: CustomerId) -> Result<Vec<Payer>, Problem> {
    let company = rx.company();
    let rows: Vec<PayerRow> = rx.load(Sql::new(format!("{SELECT} ORDER BY p.valid_from, p.id")).bind(company).bind(customer))?;
    Ok(rows.into_iter().map(Payer::from).collect())
}

pub fn insert(tx: &mut Tx<'_>, customer: CustomerId, id: PayerLinkId, new: &NewPayer) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new("INSERT INTO customer_payer (company_id, id, customer_id, payer_id, valid_from, valid_to, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(company)
            .bind(id)
            .bind(customer)
            .bind(new.payer_id)
            .bind(new.valid_from)
            .bind(new.valid_to)
            .bind(actor),
    )?;
    Ok(())
}

pub fn set_end(tx: &mut Tx<'_>, id: PayerLinkId, ends_on: NaiveDate) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("UPDATE customer_payer SET valid_to = $3 WHERE company_id = $1 AND id = $2").bind(company).bind(id).bind(ends_on))?;
    Ok(())
}

/// A customer whose payers change; one change at a time.
pub fn lock(tx: &mut Tx<'_>, customer: CustomerId) -> Result<(), Problem> {
    let company = tx.company();
    let found: Vec<CustomerId> =
        tx.scalars(Sql::new("SELECT id FROM customer WHERE company_id = $1 AND id = $2 FOR NO KEY UPDATE").bind(company).bind(customer))?;
    if found.is_empty() { Err(Problem::not_found("customer")) } else { Ok(()) }
}

/// A relation of the same two on some of the days asked for.
pub fn overlapping(rx: &mut Rx<'_>, customer: CustomerId, new: &NewPayer) -> Result<Option<Payer>, Problem> {
    let company = rx.company();
    let sql = format!(
        "{SELECT} AND p.payer_id = $3 AND p.valid_from <= coalesce($5, 'infinity'::date) AND coalesce(p.valid_to, 'infinity'::date) >= $4 ORDER BY p.valid_from LIMIT 1"
    );
    let row: Option<PayerRow> = rx.optional(Sql::new(sql).bind(company).bind(customer).bind(new.payer_id).bind(new.valid_from).bind(new.valid_to))?;
    Ok(row.map(Payer::from))
}

pub fn get(rx: &mut Rx<'_>, customer: CustomerId, id: PayerLinkId) -> Result<Payer, Problem> {
    let company = rx.company();
    let row: Option<PayerRow> = rx.optional(Sql::new(format!("{SELECT} AND p.id = $3")).bind(company).bind(customer).bind(id))?;
    row.map(Payer::from).ok_or_else(|| Problem::not_found("payer"))
}

/// Whether one customer's money may settle another's documents on a day.
pub fn pays_for(rx: &mut Rx<'_>, payer: CustomerId, customer: CustomerId, on: NaiveDate) -> Result<bool, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new(
            "SELECT EXISTS (SELECT FROM customer_payer WHERE company_id = $1 AND customer_id = $2 AND payer_id = $3 AND valid_from <= $4 AND coalesce(valid_to, 'infinity'::date) >= $4)",
        )
        .bind(company).bind(customer).bind(payer).bind(on),
    )
}
