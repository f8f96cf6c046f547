use super::types::{Company, ExcludedSeller, LateDiscount, Settings, YearlyTurnover};
use crate::platform::dates::{FiscalYear, Instant};
use crate::platform::http::Problem;
use crate::platform::ids::CompanyId;
use crate::platform::money::{Currency, Rate, pad};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

row! {
    struct CompanyRow {
        id: CompanyId, legal_name: String, pan: Option<String>, base_currency: String, time_zone: String, fiscal_year_start: i32,
        round_to_unit: bool, payment_tolerance_percent: Decimal, payment_tolerance_amount: Decimal, discount_grace_days: i32, late_discount: LateDiscount, partial_discount: bool,
        exchange_rate_max_age_days: i32, soft_close_roles: Many<String>, turnover: Option<Value>, einvoice_excluded_as: Option<ExcludedSeller>, version: i64, created_at: DateTime<Utc>, updated_at: DateTime<Utc>,
    }
}

/// The company of the transaction.
pub fn get(rx: &mut Rx<'_>, lock: bool) -> Result<Company, Problem> {
    let company = rx.company();
    let sql = format!(
        "SELECT id, legal_name, pan, base_currency, time_zone, fiscal_year_start, round_to_unit, payment_tolerance_percent, payment_tolerance_amount::numeric AS payment_tolerance_amount,
                discount_grace_days, late_discount, partial_discount, exchange_rate_max_age_days, soft_close_roles, turnover, einvoice_excluded_as, version, created_at, updated_at FROM company WHERE id = $1{}",
        if lock { " FOR UPDATE" } else { "" }
    );
    let row: CompanyRow = rx.optional(Sql::new(sql).bind(company))?.ok_or_else(|| Problem::not_found("company"))?;
    let currency = Currency::parse(&row.base_currency).unwrap_or(rx.cx().currency());
    Ok(Company {
        id: row.id,
        object: "company",
        legal_name: row.legal_name,
        pan: row.pan,
        base_currency: row.base_currency,
        time_zone: row.time_zone,
        fiscal_year_start: row.fiscal_year_start,
        settings: Settings {
            round_to_unit: row.round_to_unit,
            payment_tolerance_percent: Rate(pad(row.payment_tolerance_percent, 2)),
            payment_tolerance_amount: currency.amount(row.payment_tolerance_amount),
            discount_grace_days: row.discount_grace_days,
            late_discount: row.late_discount,
            partial_discount: row.partial_discount,
            exchange_rate_max_age_days: row.exchange_rate_max_age_days,
            soft_close_roles: row.soft_close_roles.0,
        },
        turnover: turnover_of(row.turnover),
        einvoice_excluded_as: row.einvoice_excluded_as,
        version: row.version,
        created_at: Instant(row.created_at),
        updated_at: Instant(row.updated_at),
    })
}

/// Needs the company of the transaction to be `id` already.
pub fn insert(tx: &mut Tx<'_>, id: CompanyId, legal_name: &str, pan: Option<&str>) -> Result<(), Problem> {
    tx.execute(Sql::new("INSERT INTO company (id, legal_name, pan) VALUES ($1, $2, $3)").bind(id).bind(legal_name).bind(pan))?;
    Ok(())
}

pub fn update(tx: &mut Tx<'_>, company: &Company) -> Result<(), Problem> {
    let settings = &company.settings;
    tx.execute(
        Sql::new(
            "UPDATE company SET legal_name = $2, round_to_unit = $3, payment_tolerance_percent = $4, payment_tolerance_amount = $5, discount_grace_days = $6, late_discount = $7,
                partial_discount = $8, exchange_rate_max_age_days = $9, soft_close_roles = $10, turnover = $11, einvoice_excluded_as = $12, version = version + 1, updated_at = now() WHERE id = $1",
        )
        .bind(company.id)
        .bind(company.legal_name.as_str())
        .bind(settings.round_to_unit)
        .bind(settings.payment_tolerance_percent.0)
        .bind(settings.payment_tolerance_amount.0)
        .bind(settings.discount_grace_days)
        .bind(settings.late_discount)
        .bind(settings.partial_discount)
        .bind(settings.exchange_rate_max_age_days)
        .bind(Many(settings.soft_close_roles.clone()))
        .bind(kept(&company.turnover))
        .bind(company.einvoice_excluded_as),
    )?;
    Ok(())
}

/// Turnovers as they are kept, by the calendar year the fiscal year starts in; null when none is known.
fn kept(turnover: &[YearlyTurnover]) -> Option<Value> {
    let years: Map<String, Value> =
        turnover.iter().filter_map(|row| Some((FiscalYear::parse(&row.fiscal_year)?.0.to_string(), row.amount.0.to_string().into()))).collect();
    (!years.is_empty()).then_some(Value::Object(years))
}

fn turnover_of(kept: Option<Value>) -> Vec<YearlyTurnover> {
    let years: BTreeMap<i32, Decimal> = kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default();
    let rupees = Currency::parse("INR");
    years
        .into_iter()
        .rev()
        .map(|(year, amount)| YearlyTurnover {
            fiscal_year: FiscalYear(year).label(),
            amount: rupees.map_or(crate::platform::money::Amount(amount), |rupees| rupees.amount(amount)),
        })
        .collect()
}
