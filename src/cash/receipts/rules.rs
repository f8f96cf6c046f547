//! What makes a receipt sound. Pure.

use super::types::NewReceipt;
use crate::cash::allocations::rules::target_faults;
use crate::ledger::AllocationKind;
use crate::ledger::open_items::rules::Purse;
use crate::master_data::customers::rules::metadata_faults;
use crate::platform::http::{FieldError, faults};
use crate::platform::money::{Currency, LARGEST};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Everything wrong with a receipt that can be said without looking anything up.
#[must_use]
pub fn faults(new: &NewReceipt, currency: Currency, today: NaiveDate) -> Vec<FieldError> {
    let mut errors = metadata_faults(&new.metadata);
    if let Some(code) = new.currency.as_deref().filter(|code| *code != currency.code()) {
        errors.push(
            FieldError::at("/currency", "currency_mismatch", "Receipts are kept in the company's base currency.").expected(currency.code()).received(code),
        );
    }
    errors.extend(faults::in_future("/receipt_date", new.receipt_date, today));
    errors.extend(new.value_date.and_then(|date| faults::in_future("/value_date", date, today)));
    let amounts = new.deductions.iter().enumerate().map(|(at, d)| (format!("/deductions/{at}/amount"), d.amount.0, false));
    for (pointer, amount, may_be_zero) in [("/amount_received".to_owned(), new.amount_received.0, !new.deductions.is_empty())].into_iter().chain(amounts) {
        if amount < Decimal::ZERO || amount.is_zero() && !may_be_zero {
            errors.push(FieldError::at(&pointer, "too_small", "An amount is more than 0.").received(amount));
        } else if amount > LARGEST {
            errors.push(FieldError::at(&pointer, "amount_too_large", "An amount is at most 9,999,999,999,999.").received(amount));
        }
        if !currency.holds(amount) {
            errors.push(faults::precision(&pointer, amount, currency));
        }
    }
    let gross: Decimal = new.amount_received.0 + new.deductions.iter().map(|d| d.amount.0).sum::<Decimal>();
    if gross > LARGEST && errors.is_empty() {
        errors.push(FieldError::at("/deductions", "amount_too_large", "Money and deductions together are at most 9,999,999,999,999.").received(gross));
    }
    if new.allow_duplicate && new.reason.is_none() {
        errors.push(FieldError::at("/reason", "required", "Recording a known bank reference again needs a reason."));
    }
    errors.extend(target_faults("/allocations", &new.allocations, currency));
    errors
}

/// The money and what was deducted, by kind, cash first.
#[must_use]
pub fn purses(new: &NewReceipt) -> Vec<Purse> {
    let mut purses = vec![Purse { kind: AllocationKind::Cash, left: new.amount_received.0 }];
    for deduction in &new.deductions {
        let kind = deduction.kind.ledger();
        match purses.iter_mut().find(|purse| purse.kind == kind) {
            Some(purse) => purse.left += deduction.amount.0,
            None => purses.push(Purse { kind, left: deduction.amount.0 }),
        }
    }
    purses
}
