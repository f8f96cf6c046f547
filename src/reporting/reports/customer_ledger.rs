//! A customer's account: every movement of the control account with a running balance.

use super::At;
use super::open_items::require_customer;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::Resource;
use crate::platform::http::{Fetched, Path, Query, Reply};
use crate::platform::ids::CustomerId;
use crate::platform::money::Amount;
use crate::platform::page::{PageInfo, ReportPaging, slice};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::permissions::CustomersRead;
use crate::platform::unit_of_work::{Caller, Rx};
use crate::row;
use actix_web::get;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Span {
    /// First day; from the beginning when left out.
    #[param(example = "2025-04-01")]
    pub from: Option<NaiveDate>,
    /// Last day; to the end when left out.
    #[param(example = "2026-03-31")]
    pub to: Option<NaiveDate>,
    /// As it was known at this instant; now when left out.
    #[param(max_length = 40, example = "2025-11-18T06:31:09.412Z")]
    pub known_at: Option<String>,
}

impl Span {
    /// Refuses days in the wrong order.
    pub fn check(&self) -> Result<(), Problem> {
        match (self.from, self.to) {
            (Some(from), Some(to)) if from > to => Err(Problem::new(problem::INVALID_PARAMETER, "from lies after to.")
                .errors(vec![FieldError::parameter("from", "invalid_value", "from must not lie after to.").received(from)])),
            _ => Ok(()),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CustomerLedger {
    pub customer_id: CustomerId,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    /// Balance before the first day; positive is owed to us.
    pub opening_balance: Amount,
    #[schema(max_items = 1000)]
    pub data: Vec<LedgerRow>,
    pub closing_balance: Amount,
    pub page: PageInfo,
}
impl Resource for CustomerLedger {}

#[derive(Debug, Serialize, ToSchema)]
pub struct LedgerRow {
    pub date: NaiveDate,
    #[schema(max_length = 20, example = "invoice")]
    pub document_type: String,
    pub document_id: Uuid,
    #[schema(max_length = 16, example = "MH/25-26/000123")]
    pub document_number: String,
    pub debit: Amount,
    pub credit: Amount,
    /// Balance after this row.
    pub balance: Amount,
    pub gl_journal_id: Uuid,
}

/// Get a customer's ledger.
///
/// Debits, credits and running balance between two days, in base currency, as known at an instant. Opening and closing are
/// those of the whole span, also when the rows come in pages.
#[utoipa::path(tag = "Customers", params(("id" = CustomerId, Path, description = "The customer."), Span, ReportPaging), responses((status = 200, body = CustomerLedger, description = "The ledger.")), extensions(("x-permission" = json!("customers:read"))))]
#[get("/v1/customers/{id}/ledger")]
pub async fn get_customer_ledger(
    caller: Caller<CustomersRead>,
    id: Path<CustomerId>,
    span: Query<Span>,
    paging: Query<ReportPaging>,
) -> Reply<Fetched<CustomerLedger>> {
    caller.fetch(move |rx| ledger(rx, id.0, &span, &paging)).await
}

row! {
    /// A movement of a customer's account, in base currency.
    pub struct MoveRow { pub date: NaiveDate, pub document_kind: String, pub document_id: Uuid, pub document_number: String, pub entry_id: Uuid, pub debit: Decimal, pub credit: Decimal }
}

/// The balance before the first day, and every movement between two days in order, as known at an instant.
pub fn movements(
    rx: &mut Rx<'_>,
    customer: CustomerId,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    known: DateTime<Utc>,
) -> Result<(Decimal, Vec<MoveRow>), Problem> {
    let company = rx.company();
    let opening: Decimal = rx.scalar(
        Sql::new(
            "SELECT coalesce(sum(l.base_debit - l.base_credit), 0)::numeric FROM journal_line l JOIN gl_account a ON a.company_id = l.company_id AND a.id = l.account_id
             WHERE l.company_id = $1 AND l.customer_id = $2 AND a.is_control AND l.posting_date < coalesce($3::date, '-infinity'::date) AND l.recorded_at <= $4",
        )
        .bind(company).bind(customer).bind(from).bind(known),
    )?;
    let rows: Vec<MoveRow> = rx.load(
        Sql::new(
            "SELECT e.posting_date AS date, e.document_kind, e.document_id, e.document_number, e.id AS entry_id, sum(l.base_debit)::numeric AS debit, sum(l.base_credit)::numeric AS credit
             FROM journal_line l
             JOIN gl_account a ON a.company_id = l.company_id AND a.id = l.account_id
             JOIN journal_entry e ON e.company_id = l.company_id AND e.id = l.entry_id
             WHERE l.company_id = $1 AND l.customer_id = $2 AND a.is_control AND l.posting_date BETWEEN coalesce($3::date, '-infinity'::date) AND coalesce($4::date, 'infinity'::date) AND l.recorded_at <= $5
             GROUP BY e.company_id, e.id ORDER BY e.posting_date, e.recorded_at, e.id",
        )
        .bind(company).bind(customer).bind(from).bind(to).bind(known),
    )?;
    Ok((opening, rows))
}

fn ledger(rx: &mut Rx<'_>, customer: CustomerId, span: &Span, paging: &ReportPaging) -> Result<CustomerLedger, Problem> {
    require_customer(rx, customer)?;
    span.check()?;
    let known = At::read(rx, None, span.known_at.as_deref())?.horizon();
    let (opening, rows) = movements(rx, customer, span.from, span.to, known)?;
    let currency = rx.cx().currency();
    let mut balance = opening;
    let rows: Vec<LedgerRow> = rows
        .into_iter()
        .map(|row| {
            balance += row.debit - row.credit;
            LedgerRow {
                date: row.date,
                document_type: row.document_kind,
                document_id: row.document_id,
                document_number: row.document_number,
                debit: currency.amount(row.debit),
                credit: currency.amount(row.credit),
                balance: currency.amount(balance),
                gl_journal_id: row.entry_id,
            }
        })
        .collect();
    let (data, page) = slice(rows, paging, &format!("ledger {customer} {span:?}"), |row| row.gl_journal_id.to_string())?;
    Ok(CustomerLedger {
        customer_id: customer,
        currency: currency.code().to_owned(),
        from: span.from,
        to: span.to,
        opening_balance: currency.amount(opening),
        data,
        closing_balance: currency.amount(balance),
        page,
    })
}
