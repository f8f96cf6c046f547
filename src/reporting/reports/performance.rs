//! Performance figures, each with its definition beside it. All amounts gross of GST, in base currency.

use super::{At, OPEN_AT};
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::Resource;
use crate::platform::http::{Fetched, Query, Reply};
use crate::platform::money::{Amount, Figure, pad, round};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::permissions::ReportsRead;
use crate::platform::unit_of_work::{Caller, Rx};
use crate::row;
use actix_web::get;
use chrono::{Datelike, NaiveDate};
use rust_decimal::{Decimal, dec};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Period {
    /// First day.
    #[param(example = "2025-07-01")]
    pub from: NaiveDate,
    /// Last day.
    #[param(example = "2025-09-30")]
    pub to: NaiveDate,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Performance {
    pub from: NaiveDate,
    pub to: NaiveDate,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub opening_receivable: Amount,
    pub closing_receivable: Amount,
    pub closing_not_due: Amount,
    pub credit_sales: Amount,
    pub dso: Option<Figure>,
    pub best_possible_dso: Option<Figure>,
    pub count_back_dso: Option<Figure>,
    pub average_days_delinquent: Option<Figure>,
    pub cei: Option<Figure>,
    pub turnover: Option<Figure>,
    pub average_days_to_pay: Option<Figure>,
    pub average_days_late: Option<Figure>,
    /// Early payments count as 0.
    pub average_days_late_floored: Option<Figure>,
    #[schema(value_type = Object, example = json!({"dso": "closing receivable / credit sales × days"}))]
    pub definitions: serde_json::Value,
}
impl Resource for Performance {}

/// Report performance.
///
/// DSO, best possible and count-back DSO, average days delinquent, collection effectiveness,
/// turnover, days to pay and days late over a period. Figures are decimal strings; null where a
/// denominator is zero. Each definition is in the reply.
#[utoipa::path(tag = "Reports", params(Period), responses((status = 200, body = Performance, description = "The figures.")), extensions(("x-permission" = json!("reports:read"))))]
#[get("/v1/reports/performance")]
pub async fn get_performance(caller: Caller<ReportsRead>, period: Query<Period>) -> Reply<Fetched<Performance>> {
    caller.fetch(move |rx| performance(rx, &period)).await
}

/// What the figures are made of.
#[derive(Debug, Clone, Default)]
struct Base {
    opening: Decimal,
    closing: Decimal,
    not_due: Decimal,
    sales: Decimal,
    days: Decimal,
}

row! { struct Balance { open: Decimal, not_due: Decimal } }
row! { struct MonthSales { month: NaiveDate, sales: Decimal } }
row! { struct Paid { amount: Decimal, to_pay: Decimal, late: Decimal, late_floored: Decimal } }

fn performance(rx: &mut Rx<'_>, period: &Period) -> Result<Performance, Problem> {
    if period.from > period.to {
        return Err(Problem::new(problem::INVALID_PARAMETER, "from lies after to.")
            .errors(vec![FieldError::parameter("from", "invalid_value", "from must not lie after to.").received(period.from)]));
    }
    let at = At::read(rx, None, None)?;
    let before = period.from.pred_opt().unwrap_or(period.from);
    let opening = balance(rx, At { as_of: before, ..at })?;
    let closing = balance(rx, At { as_of: period.to, ..at })?;
    let months = sales_by_month(rx, period.to)?;
    let sales = sales_between(rx, period)?;
    let paid = paid(rx, period)?;
    let base =
        Base { opening: opening.open, closing: closing.open, not_due: closing.not_due, sales, days: Decimal::from((period.to - period.from).num_days() + 1) };
    let months: Vec<(Decimal, Decimal)> = months.iter().map(|m| (m.sales, days_of(m.month, period.to))).collect();
    let currency = rx.cx().currency();
    Ok(Performance {
        from: period.from,
        to: period.to,
        currency: currency.code().to_owned(),
        opening_receivable: currency.amount(base.opening),
        closing_receivable: currency.amount(base.closing),
        closing_not_due: currency.amount(base.not_due),
        credit_sales: currency.amount(base.sales),
        dso: figure(dso(&base)),
        best_possible_dso: figure(best_possible(&base)),
        count_back_dso: figure(count_back(base.closing, &months)),
        average_days_delinquent: figure(dso(&base).zip(best_possible(&base)).map(|(dso, best)| dso - best)),
        cei: figure(cei(&base)),
        turnover: figure(divide(base.sales, (base.opening + base.closing) / dec!(2))),
        average_days_to_pay: figure(divide(paid.to_pay, paid.amount)),
        average_days_late: figure(divide(paid.late, paid.amount)),
        average_days_late_floored: figure(divide(paid.late_floored, paid.amount)),
        definitions: serde_json::json!({
            "basis": "all amounts gross of GST, in base currency; days includes both ends; receivable is open debits less open credits",
            "credit_sales": "invoices and debit notes less credit notes and cancellations posted in the period",
            "dso": "closing receivable / credit sales × days",
            "best_possible_dso": "open debits not yet due on the last day / credit sales × days",
            "count_back_dso": "closing receivable less each month's credit sales from the last month back; whole months count their days, the last one pro rata",
            "average_days_delinquent": "dso − best_possible_dso",
            "cei": "(opening + credit sales − closing) / (opening + credit sales − not yet due) × 100",
            "turnover": "credit sales / average of opening and closing receivable",
            "average_days_to_pay": "Σ amount × (date of the money − invoice date) / Σ amount, over allocations that count in the period",
            "average_days_late": "as average_days_to_pay, from the due date; early payments are negative",
            "average_days_late_floored": "as average_days_late, early payments as 0",
        }),
    })
}

fn figure(value: Option<Decimal>) -> Option<Figure> {
    value.map(|value| Figure(pad(round(value, 4), 1)))
}
fn divide(top: Decimal, bottom: Decimal) -> Option<Decimal> {
    top.checked_div(bottom)
}
fn dso(base: &Base) -> Option<Decimal> {
    divide(base.closing * base.days, base.sales)
}
fn best_possible(base: &Base) -> Option<Decimal> {
    divide(base.not_due * base.days, base.sales)
}
fn cei(base: &Base) -> Option<Decimal> {
    divide((base.opening + base.sales - base.closing) * dec!(100), base.opening + base.sales - base.not_due)
}

/// Days it took to sell what is still open: months from the last one back, each (sales, days).
fn count_back(closing: Decimal, months: &[(Decimal, Decimal)]) -> Option<Decimal> {
    let mut left = closing;
    let mut days = Decimal::ZERO;
    if left <= Decimal::ZERO {
        return months.iter().any(|(sales, _)| !sales.is_zero()).then_some(Decimal::ZERO);
    }
    for (sales, length) in months {
        if *sales >= left {
            return divide(left * length, *sales).map(|part| days + part);
        }
        left -= sales;
        days += length;
    }
    None
}

/// Days of a month up to the last day of the period.
fn days_of(month: NaiveDate, to: NaiveDate) -> Decimal {
    let end = crate::platform::dates::month_end(month).min(to);
    Decimal::from(end.day())
}

fn balance(rx: &mut Rx<'_>, at: At) -> Result<Balance, Problem> {
    let company = rx.company();
    rx.one(
        Sql::new(format!(
            "{OPEN_AT} SELECT coalesce(sum(CASE WHEN side = 'debit' THEN open ELSE -open END), 0)::numeric AS open,
                    coalesce(sum(open) FILTER (WHERE side = 'debit' AND due_date >= $2), 0)::numeric AS not_due FROM open_at"
        ))
        .bind(company)
        .bind(at.as_of)
        .bind(at.horizon()),
    )
}

const SALES: &str = "open_item WHERE company_id = $1 AND document_kind IN ('invoice', 'debit_note', 'credit_note', 'cancellation')";
const SIGNED: &str = "sum(CASE WHEN side = 'debit' THEN base_amount ELSE -base_amount END)";

fn sales_between(rx: &mut Rx<'_>, period: &Period) -> Result<Decimal, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new(format!("SELECT coalesce({SIGNED}, 0)::numeric FROM {SALES} AND posting_date BETWEEN $2 AND $3"))
            .bind(company)
            .bind(period.from)
            .bind(period.to),
    )
}

/// Credit sales a month, the last month first, without a gap.
fn sales_by_month(rx: &mut Rx<'_>, to: NaiveDate) -> Result<Vec<MonthSales>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(format!(
            "WITH sold AS (SELECT date_trunc('month', posting_date)::date AS month, {SIGNED} AS sales FROM {SALES} AND posting_date <= $2 GROUP BY 1)
             SELECT m::date AS month, coalesce(sold.sales, 0)::numeric AS sales
             FROM generate_series(date_trunc('month', $2::date), (SELECT min(month) FROM sold), interval '-1 month') AS m LEFT JOIN sold ON sold.month = m::date ORDER BY m DESC"
        ))
        .bind(company).bind(to),
    )
}

fn paid(rx: &mut Rx<'_>, period: &Period) -> Result<Paid, Problem> {
    let company = rx.company();
    rx.one(
        Sql::new(
            "SELECT coalesce(sum(a.debit_base), 0)::numeric AS amount, coalesce(sum(a.debit_base * (c.document_date - d.document_date)), 0)::numeric AS to_pay,
                    coalesce(sum(a.debit_base * (c.document_date - d.due_date)), 0)::numeric AS late, coalesce(sum(a.debit_base * greatest(c.document_date - d.due_date, 0)), 0)::numeric AS late_floored
             FROM allocation a JOIN open_item c ON c.company_id = a.company_id AND c.id = a.credit_item_id JOIN open_item d ON d.company_id = a.company_id AND d.id = a.debit_item_id
             WHERE a.company_id = $1 AND a.effective_on BETWEEN $2 AND $3 AND a.kind NOT IN ('reversal', 'write_off', 'credit', 'adjustment', 'refund', 'recovery')",
        )
        .bind(company).bind(period.from).bind(period.to),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked figures of the field's literature, as domain.md gives them.
    #[test]
    fn the_worked_figures_come_out() {
        let base = Base { opening: dec!(6200), closing: dec!(6340), not_due: dec!(3590), sales: dec!(10890), days: dec!(90) };
        assert_eq!(cei(&base).map(|v| round(v, 1)), Some(dec!(79.6)));
        let base = Base { closing: dec!(212000), not_due: dec!(150000), sales: dec!(250000), days: dec!(90), ..Base::default() };
        assert_eq!(dso(&base).map(|v| round(v, 1)), Some(dec!(76.3)));
        assert_eq!(best_possible(&base), Some(dec!(54)));
        let months = [(dec!(100), dec!(30)), (dec!(80), dec!(30)), (dec!(70), dec!(30))];
        assert_eq!(count_back(dec!(212), &months).map(|v| round(v, 1)), Some(dec!(73.7)));
    }

    #[test]
    fn without_sales_there_is_no_figure_rather_than_a_zero() {
        let base = Base { closing: dec!(100), days: dec!(30), ..Base::default() };
        assert_eq!(dso(&base), None);
        assert_eq!(count_back(dec!(100), &[]), None);
        assert_eq!(divide(dec!(1), Decimal::ZERO), None);
    }
}
