//! What makes instructions sound, and what a payment earns. Pure.

use super::types::Target;
use crate::ledger::SettlementTerms;
use crate::platform::http::{FieldError, faults};
use crate::platform::money::{Currency, round};
use chrono::NaiveDate;
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

/// The discount an item still earns, of what is `left` of it, when money of a value date pays what is open. It
/// comes with a payment: what is no more than the discount (a credit note took the rest) is paid whole.
#[must_use]
pub fn discount_due(terms: &SettlementTerms, left: Decimal, open: Decimal, value_date: NaiveDate, accept_late: bool) -> Decimal {
    let until = if accept_late { terms.grace_until.or(terms.discount_until) } else { terms.discount_until };
    if until.is_some_and(|until| value_date <= until) && left < open { left } else { Decimal::ZERO }
}

/// What a payment does to an item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Money placed on the item.
    pub pay: Decimal,
    /// Early-payment discount granted.
    pub discount: Decimal,
    /// Missing within tolerance, forgiven.
    pub loss: Decimal,
    /// Too much within tolerance, kept.
    pub gain: Decimal,
}

/// An item as a payment meets it; amounts in its currency.
#[derive(Debug, Clone, Copy)]
pub struct Facing {
    pub open: Decimal,
    /// The discount earned by paying what is open.
    pub discount: Decimal,
    pub tolerance: Decimal,
    /// Discount and amount of the whole item, where part of the money earns part of the discount.
    pub partial: Option<(Decimal, Decimal)>,
    pub exponent: u32,
}

/// Closes the item when the money, with the discount earned, comes to what is open within tolerance. Less money
/// pays what it pays; a discount on part of it is `paid × p ÷ (1 − p)`, rounded half-up. What is too much beyond the
/// tolerance stays with the payment.
#[must_use]
pub fn outcome(paid: Decimal, item: Facing) -> Outcome {
    let due = item.open - item.discount;
    let over = paid - due;
    if over >= Decimal::ZERO {
        let gain = if over <= item.tolerance { over } else { Decimal::ZERO };
        return Outcome { pay: due, discount: item.discount, gain, loss: Decimal::ZERO };
    }
    if -over <= item.tolerance {
        return Outcome { pay: paid, discount: item.discount, loss: -over, gain: Decimal::ZERO };
    }
    let part = match item.partial {
        Some((discount, amount)) if item.discount > Decimal::ZERO && amount > discount => {
            round(paid * discount / (amount - discount), item.exponent).min(item.discount)
        }
        _ => Decimal::ZERO,
    };
    Outcome { pay: paid, discount: part, loss: Decimal::ZERO, gain: Decimal::ZERO }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    fn facing(discount: Decimal) -> Facing {
        Facing { open: dec!(1000), discount, tolerance: dec!(5), partial: None, exponent: 2 }
    }

    /// Invoice 1,000, discount 20, tolerance 5: (paid, with the discount, without it), each as what stays on the
    /// payment, what stays open, and the tolerance gained.
    #[test]
    fn the_table_of_tolerance_and_discount() {
        type Cell = (Decimal, Decimal, Decimal);
        let table: [(Decimal, Cell, Cell); 6] = [
            (dec!(1005), (dec!(25), dec!(0), dec!(0)), (dec!(0), dec!(0), dec!(5))),
            (dec!(1000), (dec!(20), dec!(0), dec!(0)), (dec!(0), dec!(0), dec!(0))),
            (dec!(995), (dec!(15), dec!(0), dec!(0)), (dec!(0), dec!(0), dec!(-5))),
            (dec!(985), (dec!(0), dec!(0), dec!(5)), (dec!(0), dec!(15), dec!(0))),
            (dec!(980), (dec!(0), dec!(0), dec!(0)), (dec!(0), dec!(20), dec!(0))),
            (dec!(975), (dec!(0), dec!(0), dec!(-5)), (dec!(0), dec!(25), dec!(0))),
        ];
        for (paid, early, late) in table {
            for (discount, expected) in [(dec!(20), early), (dec!(0), late)] {
                let done = outcome(paid, facing(discount));
                let (stays, open) = (paid - done.pay - done.gain, dec!(1000) - done.pay - done.discount - done.loss);
                assert_eq!((stays, open, done.gain - done.loss), expected, "{paid} with discount {discount}");
            }
        }
    }

    #[test]
    fn part_of_the_money_earns_part_of_the_discount_where_the_company_allows_it() {
        let item = Facing { partial: Some((dec!(20), dec!(1000))), tolerance: dec!(0), ..facing(dec!(20)) };
        assert_eq!(outcome(dec!(490), item), Outcome { pay: dec!(490), discount: dec!(10), ..Outcome::default() });
        assert_eq!(outcome(dec!(490), Facing { partial: None, ..item }), Outcome { pay: dec!(490), ..Outcome::default() });
    }

    proptest! {
        #[test]
        fn nothing_is_overpaid_nor_lost(paid in 1i64..300_000, open in 1i64..200_000, discount in 0i64..10_000, tolerance in 0i64..1_000, partial: bool) {
            let money = |minor: i64| Decimal::new(minor, 2);
            let (paid, open) = (money(paid), money(open));
            let discount = money(discount).min(open);
            let item = Facing { open, discount, tolerance: money(tolerance), partial: partial.then_some((discount, open)), exponent: 2 };
            let done = outcome(paid, item);
            prop_assert!(done.pay >= Decimal::ZERO && done.discount >= Decimal::ZERO && done.loss >= Decimal::ZERO && done.gain >= Decimal::ZERO);
            prop_assert!(done.pay + done.discount + done.loss <= open);
            prop_assert!(done.pay + done.gain <= paid);
            prop_assert!(done.gain <= item.tolerance && done.loss <= item.tolerance && done.discount <= discount);
            prop_assert!(done.gain.is_zero() || done.loss.is_zero());
        }
    }
}
