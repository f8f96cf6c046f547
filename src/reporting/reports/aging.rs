//! Aging: what is open by how long it is due. `age = as_of − base date`; not due is age ≤ 0, then
//! half-open steps of days: day 30 is in 1–30, day 31 in 31–60.

use super::{At, Check, OPEN_AT, spread, totals};
use crate::ledger::balances::{FORMER, STEPS, bucket_names, bucket_starts, subledger};
use crate::platform::dates::Instant;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::Resource;
use crate::platform::http::{Fetched, Query, Reply};
use crate::platform::ids::CustomerId;
use crate::platform::money::{Amount, Currency};
use crate::platform::page::{PageInfo, ReportPaging, slice};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::permissions::ReportsRead;
use crate::platform::unit_of_work::{Caller, Rx};
use crate::{row, words};
use actix_web::get;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

words! {
    /// Which date an item ages from.
    pub enum Basis { DueDate = "due_date", DocumentDate = "document_date", OriginalDueDate = "original_due_date" }
}
words! {
    pub enum GroupBy { Customer = "customer" }
}

#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AgingParams {
    /// Accounting day (its end) or instant; today when left out.
    #[param(max_length = 40, example = "2025-11-18")]
    pub as_of: Option<String>,
    /// As it was known at this instant; now when left out.
    #[param(max_length = 40, example = "2025-11-18T06:31:09.412Z")]
    pub known_at: Option<String>,
    /// Which date an item ages from.
    #[param(inline)]
    pub basis: Option<Basis>,
    /// One row for each of these.
    #[param(inline)]
    pub group_by: Option<GroupBy>,
    /// Upper ends of the steps in days, ascending.
    #[param(pattern = "^[0-9]{1,4}(,[0-9]{1,4}){0,11}$", max_length = 60, example = "30,60,90,120")]
    pub bucket_days: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Aging {
    pub as_of: NaiveDate,
    pub known_at: Instant,
    pub basis: Basis,
    /// Base currency of the company.
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    #[schema(max_items = 1000)]
    pub data: Vec<AgingRow>,
    pub totals: AgingTotals,
    pub check: Check,
    pub page: PageInfo,
}
impl Resource for Aging {}

/// Buckets in the order of age.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(value_type = Object, example = json!({"not_due": "56000.00", "1-30": "0.00", "31-60": "0.00", "61-90": "0.00", "91-120": "0.00", "over_120": "0.00"}))]
pub struct Buckets(serde_json::Map<String, serde_json::Value>);

#[derive(Debug, Serialize, ToSchema)]
pub struct AgingRow {
    pub customer_id: CustomerId,
    #[schema(max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub customer_name: String,
    pub buckets: Buckets,
    /// Open credits of the customer.
    pub unapplied: Amount,
    /// Σ buckets − unapplied.
    pub total: Amount,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AgingTotals {
    pub buckets: Buckets,
    pub unapplied: Amount,
    pub total: Amount,
}

/// Report aging.
///
/// Open debits by age and open credits as `unapplied`, in base currency, as of a day and as known at
/// an instant: a past pair gives the same figures for ever. `check` compares Σ documents, Σ open
/// items, the control account and Σ buckets of the whole report.
#[utoipa::path(tag = "Reports", params(AgingParams, ReportPaging), responses((status = 200, body = Aging, description = "The aging.")), extensions(("x-permission" = json!("reports:read"))))]
#[get("/v1/reports/aging")]
pub async fn get_aging(caller: Caller<ReportsRead>, params: Query<AgingParams>, paging: Query<ReportPaging>) -> Reply<Fetched<Aging>> {
    caller.fetch(move |rx| aging(rx, &params, &paging)).await
}

row! { struct Cell { customer_id: CustomerId, customer_name: String, bucket: i32, open: Decimal } }

/// The bucket of open credits.
const UNAPPLIED: i32 = -1;

fn aging(rx: &mut Rx<'_>, params: &AgingParams, paging: &ReportPaging) -> Result<Aging, Problem> {
    let at = At::read(rx, params.as_of.as_deref(), params.known_at.as_deref())?;
    let basis = params.basis.unwrap_or(Basis::DueDate);
    let ends = bucket_ends(params.bucket_days.as_deref())?;
    let names = bucket_names(&ends);
    let starts = bucket_starts(&ends);
    let current = current(rx, at)?;
    let cells = cells(rx, at, current, basis, &starts)?;
    let currency = rx.cx().currency();
    let mut customers: BTreeMap<(String, CustomerId), Vec<Decimal>> = BTreeMap::new();
    for cell in cells {
        let amounts = customers.entry((cell.customer_name, cell.customer_id)).or_insert_with(|| vec![Decimal::ZERO; names.len() + 1]);
        let place = if cell.bucket == UNAPPLIED { names.len() } else { usize::try_from(cell.bucket).unwrap_or(0) };
        amounts[place] += cell.open;
    }
    let mut sums = vec![Decimal::ZERO; names.len() + 1];
    for amounts in customers.values() {
        sums.iter_mut().zip(amounts).for_each(|(sum, amount)| *sum += amount);
    }
    let rows: Vec<AgingRow> = customers
        .into_iter()
        .map(|((customer_name, customer_id), amounts)| {
            let (buckets, unapplied, total) = figures(currency, &names, &amounts);
            AgingRow { customer_id, customer_name, buckets, unapplied, total }
        })
        .collect();
    let (buckets, unapplied, total) = figures(currency, &names, &sums);
    let (data, page) = slice(rows, paging, &format!("aging {} {} {basis} {ends:?}", at.as_of, params.known_at.as_deref().unwrap_or("now")), |row| {
        row.customer_id.to_string()
    })?;
    let control = totals(rx, at)?;
    let subledger = if current { customer_balances(rx)? } else { subledger(rx, at)? };
    let money = |value| currency.amount(value);
    Ok(Aging {
        as_of: at.as_of,
        known_at: at.known(),
        basis,
        currency: currency.code().to_owned(),
        data,
        page,
        check: Check {
            documents: money(control.documents),
            subledger: money(subledger),
            gl: money(control.gl),
            buckets: total,
            difference: money(spread(&[control.documents, subledger, control.gl, total.0])),
        },
        totals: AgingTotals { buckets, unapplied, total },
    })
}

fn figures(currency: Currency, names: &[String], amounts: &[Decimal]) -> (Buckets, Amount, Amount) {
    let value = |amount: &Decimal| serde_json::Value::from(currency.amount(*amount).0.to_string());
    let buckets = names.iter().zip(amounts).map(|(name, amount)| (name.clone(), value(amount))).collect();
    let open: Decimal = amounts[..names.len()].iter().sum();
    let unapplied = amounts[names.len()];
    (Buckets(buckets), currency.amount(unapplied), currency.amount(open - unapplied))
}

fn bucket_ends(text: Option<&str>) -> Result<Vec<i32>, Problem> {
    let ends: Vec<i32> = text.map_or_else(|| STEPS.to_vec(), |text| text.split(',').filter_map(|word| word.parse().ok()).collect());
    if ends.first().is_none_or(|first| *first < 1) || ends.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(Problem::new(problem::INVALID_PARAMETER, "bucket_days must ascend from at least 1.").errors(vec![
            FieldError::parameter("bucket_days", "invalid_value", "Upper ends in days, ascending from at least 1.").received(text.unwrap_or_default()),
        ]));
    }
    Ok(ends)
}

/// Open amounts by customer and bucket. What is known now and lies before `as_of` is read from the
/// cached balances; any other pair of axes from the rows. Both give the same (tested).
fn cells(rx: &mut Rx<'_>, at: At, current: bool, basis: Basis, starts: &[i32]) -> Result<Vec<Cell>, Problem> {
    let company = rx.company();
    let date = match basis {
        Basis::DueDate => "due_date",
        Basis::DocumentDate => "document_date",
        Basis::OriginalDueDate => "original_due_date",
    };
    let source = if current {
        "WITH open_at AS (
            SELECT customer_id, side, due_date, document_date, original_due_date, open_base AS open FROM open_item_balance
            WHERE company_id = $1 AND open_amount > 0)"
    } else {
        OPEN_AT
    };
    // Balances that are open are none of 0; to compare once more would only mislead the planner.
    let open = if current { "true" } else { "open <> 0" };
    let text = format!(
        "{source}, cells AS (
            SELECT customer_id, CASE WHEN side = 'credit' THEN {UNAPPLIED} ELSE width_bucket($2::date - {date}, $4::int[]) END AS bucket, sum(open) AS open
            FROM open_at WHERE {open} GROUP BY 1, 2), {FORMER}
         SELECT cells.customer_id, coalesce(f.name, c.legal_name) AS customer_name, cells.bucket, cells.open::numeric AS open
         FROM cells JOIN customer c ON c.company_id = $1 AND c.id = cells.customer_id LEFT JOIN former f ON f.object_id = c.id"
    );
    rx.load(Sql::new(text).bind(company).bind(at.as_of).bind(at.horizon()).bind(Many(starts.to_vec())))
}

/// What customers owe and are owed by the balances kept of each: beside the items' own, one more figure to agree.
fn customer_balances(rx: &mut Rx<'_>) -> Result<Decimal, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new("SELECT coalesce(sum(b.receivable - b.unapplied), 0)::numeric FROM customer_balance b JOIN customer c ON c.company_id = b.company_id AND c.id = b.customer_id WHERE b.company_id = $1")
            .bind(company),
    )
}

/// Whether the cached balances are those of the day asked for: nothing is dated after it.
fn current(rx: &mut Rx<'_>, at: At) -> Result<bool, Problem> {
    if !at.now {
        return Ok(false);
    }
    let company = rx.company();
    // The newest of each is the end of an index; to look for a newer one might read them all.
    rx.scalar(
        Sql::new("SELECT greatest((SELECT max(effective_on) FROM allocation WHERE company_id = $1), (SELECT max(posting_date) FROM open_item WHERE company_id = $1), $2) <= $2")
            .bind(company).bind(at.as_of),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_named_by_their_ends() {
        let ends = bucket_ends(None).expect("the default");
        assert_eq!(bucket_names(&ends), ["not_due", "1-30", "31-60", "61-90", "91-120", "over_120"]);
        assert_eq!(bucket_names(&bucket_ends(Some("7,14")).expect("valid")), ["not_due", "1-7", "8-14", "over_14"]);
        for wrong in ["0,30", "30,30", "60,30"] {
            assert!(bucket_ends(Some(wrong)).is_err(), "{wrong}");
        }
    }
}
