//! Trial balance: the balance of every account; debits equal credits.

use super::At;
use crate::ledger::balances::FORMER;
use crate::ledger::periods::Month;
use crate::platform::dates::{month_end, month_label};
use crate::platform::http::problem::{self, FieldError};
use crate::platform::http::reply::Resource;
use crate::platform::http::{Fetched, Problem, Query, Reply};
use crate::platform::money::Amount;
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::permissions::GlRead;
use crate::platform::unit_of_work::{Caller, Rx};
use crate::row;
use actix_web::get;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TrialParams {
    /// Accounting day (its end) or instant; today when left out.
    #[param(max_length = 40, example = "2025-11-18")]
    pub as_of: Option<String>,
    /// As of the last day of this month, instead of `as_of`.
    #[param(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])$", max_length = 7, example = "2025-10")]
    pub period: Option<String>,
    /// As it was known at this instant; now when left out.
    #[param(max_length = 40, example = "2025-11-18T06:31:09.412Z")]
    pub known_at: Option<String>,
}

impl TrialParams {
    fn at(&self, rx: &mut Rx<'_>) -> Result<At, Problem> {
        let month = self.period.as_deref().and_then(Month::parse);
        if let (Some(month), Some(_)) = (month, &self.as_of) {
            return Err(Problem::new(problem::INVALID_PARAMETER, "Give as_of or period, not both.")
                .errors(vec![FieldError::parameter("period", "invalid_value", "Give as_of or period, not both.").received(month_label(month.0))]));
        }
        let end = month.map(|month| month_end(month.0).to_string());
        At::read(rx, end.as_deref().or(self.as_of.as_deref()), self.known_at.as_deref())
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TrialBalance {
    pub as_of: NaiveDate,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    #[schema(max_items = 5000)]
    pub data: Vec<AccountBalance>,
    pub totals: TrialTotals,
}
impl Resource for TrialBalance {}

#[derive(Debug, Serialize, ToSchema)]
pub struct AccountBalance {
    #[schema(max_length = 20, example = "1100")]
    pub account_code: String,
    #[schema(max_length = 200, example = "Accounts receivable")]
    pub account_name: String,
    /// The balance, when it is a debit.
    pub debit: Amount,
    /// The balance, when it is a credit.
    pub credit: Amount,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct TrialTotals {
    pub debit: Amount,
    pub credit: Amount,
}

/// Get the trial balance.
///
/// The balance of every account that was posted to, in base currency, as of a day or the end of a month
/// and as known at an instant. The totals are equal, or the books are broken.
#[utoipa::path(tag = "General ledger", params(TrialParams), responses((status = 200, body = TrialBalance, description = "The trial balance.")), extensions(("x-permission" = json!("gl:read"))))]
#[get("/v1/trial-balance")]
pub async fn get_trial_balance(caller: Caller<GlRead>, params: Query<TrialParams>) -> Reply<Fetched<TrialBalance>> {
    caller.fetch(move |rx| trial_balance(rx, &params)).await
}

row! { struct BalanceRow { code: String, name: String, balance: Decimal } }

fn trial_balance(rx: &mut Rx<'_>, params: &TrialParams) -> Result<TrialBalance, Problem> {
    let at = params.at(rx)?;
    let company = rx.company();
    let rows: Vec<BalanceRow> = rx.load(
        Sql::new(format!(
            "WITH {FORMER}, balances AS (
                SELECT l.account_id, sum(l.base_debit - l.base_credit)::numeric AS balance FROM journal_line l
                WHERE l.company_id = $1 AND l.posting_date <= $2 AND l.recorded_at <= $3 GROUP BY l.account_id)
             SELECT coalesce(f.code, a.code) AS code, coalesce(f.name, a.name) AS name, b.balance
             FROM balances b JOIN gl_account a ON a.company_id = $1 AND a.id = b.account_id LEFT JOIN former f ON f.object_id = a.id ORDER BY 1, a.id"
        ))
        .bind(company)
        .bind(at.as_of)
        .bind(at.horizon()),
    )?;
    let currency = rx.cx().currency();
    let debit = |balance: Decimal| balance.max(Decimal::ZERO);
    let total = |side: &dyn Fn(&BalanceRow) -> Decimal| currency.amount(rows.iter().map(side).sum());
    let totals = TrialTotals { debit: total(&|row| debit(row.balance)), credit: total(&|row| debit(-row.balance)) };
    let data = rows.iter().map(|row| AccountBalance {
        account_code: row.code.clone(),
        account_name: row.name.clone(),
        debit: currency.amount(debit(row.balance)),
        credit: currency.amount(debit(-row.balance)),
    });
    Ok(TrialBalance { as_of: at.as_of, currency: currency.code().to_owned(), data: data.collect(), totals })
}
