//! Faults every domain names in the same words.

use super::problem::FieldError;
use crate::platform::dates::plus_days;
use crate::platform::money::{Currency, LARGEST};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// A date more than a day ahead is a typing error.
#[must_use]
pub fn in_future(pointer: &str, date: NaiveDate, today: NaiveDate) -> Option<FieldError> {
    let latest = plus_days(today, 1);
    (date > latest).then(|| FieldError::at(pointer, "date_in_future", "The date lies in the future.").expected(format!("at most {latest}")).received(date))
}

/// The day of a step on what stands since a day: the one asked for, else today. It is neither before that day, which is
/// refused by the code and sentence given, nor in the future.
pub fn step_day(
    pointer: &str,
    wanted: Option<NaiveDate>,
    since: NaiveDate,
    today: NaiveDate,
    early: (&'static str, &str),
) -> Result<NaiveDate, Vec<FieldError>> {
    let latest = today.max(since);
    let day = wanted.unwrap_or(latest);
    let mut errors: Vec<_> = in_future(pointer, day, latest).into_iter().collect();
    if day < since {
        errors.push(FieldError::at(pointer, early.0, early.1).expected(format!("at least {since}")).received(day));
    }
    if errors.is_empty() { Ok(day) } else { Err(errors) }
}

/// More decimals than the currency has.
#[must_use]
pub fn precision(pointer: &str, amount: Decimal, currency: Currency) -> FieldError {
    let detail = format!("An amount in {} has at most {} decimals.", currency.code(), currency.exponent());
    FieldError::at(pointer, "amount_precision", detail).received(amount)
}

/// What is wrong with an amount of another currency: that it is too much in base currency.
#[must_use]
pub fn too_large(pointer: &str, in_base: Decimal, base: Currency) -> Option<FieldError> {
    (in_base.abs() > LARGEST)
        .then(|| FieldError::at(pointer, "amount_too_large", format!("In {} an amount is at most 9,999,999,999,999.", base.code())).received(in_base))
}

/// What is wrong with an amount that is more than nothing.
#[must_use]
pub fn amount(pointer: &str, amount: Decimal, currency: Currency) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if amount <= Decimal::ZERO {
        errors.push(FieldError::at(pointer, "too_small", "An amount is more than 0.").received(amount));
    } else if amount > LARGEST {
        errors.push(FieldError::at(pointer, "amount_too_large", "An amount is at most 9,999,999,999,999.").received(amount));
    }
    if !currency.holds(amount) {
        errors.push(precision(pointer, amount, currency));
    }
    errors
}
