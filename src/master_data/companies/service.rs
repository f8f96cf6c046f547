//! The verbs of the company.

use super::store;
use super::types::{Company, CompanyPatch, SettingsPatch, YearlyTurnover};
use crate::platform::dates::FiscalYear;
use crate::platform::http::reply::require_version;
use crate::platform::http::{FieldError, Problem, faults};
use crate::platform::money::{Currency, LARGEST};
use crate::platform::unit_of_work::{Audited, Change, Tx};
use rust_decimal::Decimal;

pub fn update(tx: &mut Tx<'_>, version: Option<i64>, patch: &CompanyPatch) -> Result<Audited<Company>, Problem> {
    let before = store::get(tx, true)?;
    require_version(version, before.version)?;
    let mut wanted = before.clone();
    if let Some(name) = &patch.legal_name {
        wanted.legal_name.clone_from(name);
    }
    if let Some(patch) = &patch.settings {
        let faults = faults(patch, tx.cx().currency());
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        let is = &mut wanted.settings;
        is.round_to_unit = patch.round_to_unit.unwrap_or(is.round_to_unit);
        is.payment_tolerance_percent = patch.payment_tolerance_percent.unwrap_or(is.payment_tolerance_percent);
        is.payment_tolerance_amount = patch.payment_tolerance_amount.unwrap_or(is.payment_tolerance_amount);
        is.discount_grace_days = patch.discount_grace_days.unwrap_or(is.discount_grace_days);
        is.late_discount = patch.late_discount.unwrap_or(is.late_discount);
        is.partial_discount = patch.partial_discount.unwrap_or(is.partial_discount);
        is.exchange_rate_max_age_days = patch.exchange_rate_max_age_days.unwrap_or(is.exchange_rate_max_age_days);
    }
    if let Some(roles) = patch.settings.as_ref().and_then(|s| s.soft_close_roles.as_ref()) {
        wanted.settings.soft_close_roles = roles.iter().map(|role| role.as_str().to_owned()).collect();
    }
    if let Some(turnover) = &patch.turnover {
        let faults = turnover_faults(turnover);
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
        wanted.turnover.clone_from(turnover);
    }
    wanted.einvoice_excluded_as = patch.einvoice_excluded_as.unwrap_or(wanted.einvoice_excluded_as);
    store::update(tx, &wanted)?;
    let after = store::get(tx, false)?;
    Ok(tx.record(Change::new("company.updated", after.id.uuid()).version(after.version).before(&before).after(&after), after))
}

fn turnover_faults(turnover: &[YearlyTurnover]) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (at, row) in turnover.iter().enumerate() {
        let pointer = format!("/turnover/{at}/fiscal_year");
        if FiscalYear::parse(&row.fiscal_year).is_none() {
            errors.push(FieldError::at(&pointer, "invalid_fiscal_year", "A fiscal year is written like 2024-25.").received(&row.fiscal_year));
        }
        if turnover[..at].iter().any(|other| other.fiscal_year == row.fiscal_year) {
            errors.push(FieldError::at(&pointer, "duplicate", "A year has one turnover.").received(&row.fiscal_year));
        }
        if row.amount.0 < Decimal::ZERO || row.amount.0 > LARGEST {
            errors.push(
                FieldError::at(format!("/turnover/{at}/amount"), "out_of_range", "A turnover lies between 0 and 9,999,999,999,999.").received(row.amount.0),
            );
        }
    }
    errors
}

fn faults(patch: &SettingsPatch, currency: Currency) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(percent) = patch.payment_tolerance_percent.filter(|percent| percent.0 > Decimal::ONE_HUNDRED) {
        errors.push(FieldError::at("/settings/payment_tolerance_percent", "too_large", "A tolerance is at most 100 per cent.").received(percent.0));
    }
    let pointer = "/settings/payment_tolerance_amount";
    if let Some(amount) = patch.payment_tolerance_amount {
        if amount.0 < Decimal::ZERO || amount.0 > LARGEST {
            errors.push(FieldError::at(pointer, "out_of_range", "A tolerance lies between 0 and 9,999,999,999,999.").received(amount.0));
        }
        if !currency.holds(amount.0) {
            errors.push(faults::precision(pointer, amount.0, currency));
        }
    }
    errors
}
