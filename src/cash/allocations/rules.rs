//! What makes instructions sound. Pure.

use super::types::Target;
use crate::platform::http::{FieldError, faults};
use crate::platform::money::Currency;
use rust_decimal::Decimal;

/// What is wrong with targets before anything is looked up.
#[must_use]
pub fn target_faults(prefix: &str, targets: &[Target], currency: Currency) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (at, target) in targets.iter().enumerate() {
        if target.amount.0 <= Decimal::ZERO {
            errors.push(FieldError::at(format!("{prefix}/{at}/amount"), "too_small", "An allocation is more than 0.").received(target.amount.0));
        }
        if !currency.holds(target.amount.0) {
            errors.push(faults::precision(&format!("{prefix}/{at}/amount"), target.amount.0, currency));
        }
        match (target.target_id.is_some(), target.target_external_id.is_some()) {
            (false, false) => {
                errors.push(FieldError::at(format!("{prefix}/{at}/target_id"), "required", "Name the invoice by target_id or target_external_id."));
            }
            (true, true) => errors.push(FieldError::at(format!("{prefix}/{at}/target_id"), "ambiguous_reference", "Name the invoice in one way only.")),
            _ => {}
        }
    }
    errors
}
