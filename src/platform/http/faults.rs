//! Faults every domain names in the same words.

use super::problem::FieldError;
use crate::platform::dates::plus_days;
use crate::platform::money::Currency;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// A date more than a day ahead is a typing error.
#[must_use]
pub fn in_future(pointer: &str, date: NaiveDate, today: NaiveDate) -> Option<FieldError> {
    let latest = plus_days(today, 1);
    (date > latest).then(|| FieldError::at(pointer, "date_in_future", "The date lies in the future.").expected(format!("at most {latest}")).received(date))
}

/// More decimals than the currency has.
#[must_use]
pub fn precision(pointer: &str, amount: Decimal, currency: Currency) -> FieldError {
    let detail = format!("An amount in {} has at most {} decimals.", currency.code(), currency.exponent());
    FieldError::at(pointer, "amount_precision", detail).received(amount)
}
