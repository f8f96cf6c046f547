//! A customer's open items as of a day.

use super::{At, OPEN_AT};
use crate::ledger::Side;
use crate::platform::http::reply::Resource;
use crate::platform::http::{Fetched, Path, Problem, Query, Reply};
use crate::platform::ids::CustomerId;
use crate::platform::money::{Amount, Currency};
use crate::platform::page::{PageInfo, ReportPaging, slice};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::permissions::CustomersRead;
use crate::platform::unit_of_work::{Caller, Rx};
use crate::row;
use actix_web::get;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AsOf {
    /// Accounting day (its end) or instant; today when left out.
    #[param(max_length = 40, example = "2025-11-18")]
    pub as_of: Option<String>,
    /// As it was known at this instant; now when left out.
    #[param(max_length = 40, example = "2025-11-18T06:31:09.412Z")]
    pub known_at: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct OpenItems {
    pub as_of: NaiveDate,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    #[schema(max_items = 1000)]
    pub data: Vec<OpenItemRow>,
    pub totals: OpenItemTotals,
    pub page: PageInfo,
}
impl Resource for OpenItems {}

#[derive(Debug, Serialize, ToSchema)]
pub struct OpenItemRow {
    pub id: Uuid,
    #[schema(max_length = 20, example = "invoice")]
    pub document_type: String,
    pub document_id: Uuid,
    #[schema(max_length = 16, example = "MH/25-26/000123")]
    pub document_number: String,
    #[schema(minimum = 1, maximum = 36, example = 1)]
    pub instalment_no: i32,
    pub side: Side,
    pub document_date: NaiveDate,
    pub due_date: NaiveDate,
    pub amount: Amount,
    pub open_amount: Amount,
    /// The same in the document's own currency.
    #[schema(max_length = 3, example = "USD")]
    pub document_currency: String,
    pub document_amount: Amount,
    pub document_open_amount: Amount,
    /// Days past due on the day asked for; 0 when not due, and for credits.
    #[schema(minimum = 0, example = 18)]
    pub days_overdue: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct OpenItemTotals {
    pub debit: Amount,
    pub credit: Amount,
    /// Debit − credit: the customer's balance.
    pub balance: Amount,
}

/// List a customer's open items.
///
/// Invoices by instalment and money that is not applied, oldest due first, as of a day and as known
/// at an instant. Σ equals the customer's balance in the books.
#[utoipa::path(tag = "Customers", params(("id" = CustomerId, Path, description = "The customer."), AsOf, ReportPaging), responses((status = 200, body = OpenItems, description = "Open items.")), extensions(("x-permission" = json!("customers:read"))))]
#[get("/v1/customers/{id}/open-items")]
pub async fn list_customer_open_items(
    caller: Caller<CustomersRead>,
    id: Path<CustomerId>,
    params: Query<AsOf>,
    paging: Query<ReportPaging>,
) -> Reply<Fetched<OpenItems>> {
    caller.fetch(move |rx| open_items(rx, id.0, &params, &paging)).await
}

row! {
    /// What was open of a document: in base currency, and in its own.
    pub struct ItemRow {
        pub id: Uuid, pub document_kind: String, pub document_id: Uuid, pub document_number: String, pub instalment_no: i32, pub side: Side, pub document_date: NaiveDate, pub due_date: NaiveDate,
        pub amount: Decimal, pub open: Decimal, pub currency: String, pub own_amount: Decimal, pub own_open: Decimal,
    }
}

/// A customer's open items, oldest due first, as of a day and as known at an instant.
pub fn open_at(rx: &mut Rx<'_>, customer: CustomerId, at: At) -> Result<Vec<ItemRow>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(of_customer(&format!(
            "{OPEN_AT} SELECT id, document_kind, document_id, document_number, instalment_no, side, document_date, due_date, amount::numeric AS amount, open::numeric AS open, currency, own_amount::numeric AS own_amount, own_open::numeric AS own_open
             FROM open_at WHERE open <> 0 ORDER BY due_date, document_number, instalment_no, id"
        )))
        .bind(company).bind(at.as_of).bind(at.horizon()).bind(customer),
    )
}

fn open_items(rx: &mut Rx<'_>, customer: CustomerId, params: &AsOf, paging: &ReportPaging) -> Result<OpenItems, Problem> {
    require_customer(rx, customer)?;
    let at = At::read(rx, params.as_of.as_deref(), params.known_at.as_deref())?;
    let rows = open_at(rx, customer, at)?;
    let currency = rx.cx().currency();
    let sum = |side: Side| rows.iter().filter(|row| row.side == side).map(|row| row.open).sum::<Decimal>();
    let (debit, credit) = (sum(Side::Debit), sum(Side::Credit));
    let rows: Vec<OpenItemRow> = rows
        .into_iter()
        .map(|row| (Currency::parse(&row.currency).unwrap_or(currency), row))
        .map(|(own, row)| OpenItemRow {
            document_amount: own.amount(row.own_amount),
            document_open_amount: own.amount(row.own_open),
            document_currency: row.currency,
            id: row.id,
            document_type: row.document_kind,
            document_id: row.document_id,
            document_number: row.document_number,
            instalment_no: row.instalment_no,
            side: row.side,
            document_date: row.document_date,
            due_date: row.due_date,
            amount: currency.amount(row.amount),
            open_amount: currency.amount(row.open),
            days_overdue: if row.side == Side::Debit { (at.as_of - row.due_date).num_days().max(0) } else { 0 },
        })
        .collect();
    let (data, page) =
        slice(rows, paging, &format!("open-items {customer} {} {}", at.as_of, params.known_at.as_deref().unwrap_or("now")), |row| row.id.to_string())?;
    Ok(OpenItems {
        as_of: at.as_of,
        currency: currency.code().to_owned(),
        data,
        page,
        totals: OpenItemTotals { debit: currency.amount(debit), credit: currency.amount(credit), balance: currency.amount(debit - credit) },
    })
}

/// The same query for one customer: from the customer's items to their settlements, which may be
/// those of another customer's debit.
fn of_customer(text: &str) -> String {
    let own = |side: &str| format!("{side} IN (SELECT x.id FROM open_item x WHERE x.company_id = $1 AND x.customer_id = $4)");
    let settled = |side: &str| format!("SELECT {side}_item_id AS item_id, {side}_base AS amount, amount AS own FROM allocation WHERE company_id = $1 AND");
    let credit = "SELECT credit_item_id, credit_base, amount FROM allocation WHERE company_id = $1 AND";
    text.replace(&settled("debit"), &format!("{} {} AND", settled("debit"), own("debit_item_id")))
        .replace(credit, &format!("{credit} {} AND", own("credit_item_id")))
        .replace("WHERE i.company_id = $1 AND", "WHERE i.company_id = $1 AND i.customer_id = $4 AND")
}

/// 404 for a customer that is not ours, before anything is reported of it.
pub fn require_customer(rx: &mut Rx<'_>, customer: CustomerId) -> Result<(), Problem> {
    crate::master_data::customers::store::get(rx, customer, false).map(|_| ())
}
