//! When what falls due.

use super::types::TermsInstalment;
use crate::platform::dates::{month_end, plus_days, plus_months};
use crate::platform::http::FieldError;
use crate::platform::money::{Currency, Rate, round};
use chrono::NaiveDate;
use rust_decimal::{Decimal, dec};

/// An amount and its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instalment {
    pub due_date: NaiveDate,
    pub amount: Decimal,
}

/// What is wrong with new terms.
#[must_use]
pub fn faults(instalments: &[TermsInstalment]) -> Vec<FieldError> {
    let total: Decimal = instalments.iter().map(|i| i.share.0).sum();
    let mut errors: Vec<_> = instalments
        .iter()
        .enumerate()
        .filter(|(_, i)| i.share.0.is_zero())
        .map(|(at, _)| FieldError::at(format!("/instalments/{at}/share"), "too_small", "A share is more than 0."))
        .collect();
    if total != dec!(100) {
        errors.push(FieldError::at("/instalments", "shares_not_100", "The shares must add up to 100.").expected("100").received(total));
    }
    errors
}

/// The discount for paying early: per cent and days, both or none.
pub fn discount(percent: Option<Rate>, days: Option<i32>) -> Result<Option<(Rate, i32)>, FieldError> {
    match (percent.filter(|percent| !percent.0.is_zero()), days) {
        (Some(percent), _) if percent.0 >= dec!(100) => {
            Err(FieldError::at("/discount_percent", "too_large", "A discount is less than 100 per cent.").received(percent.0))
        }
        (Some(percent), Some(days)) => Ok(Some((percent, days))),
        (Some(_), None) => Err(FieldError::at("/discount_days", "required", "A discount needs the days in which it is earned.")),
        (None, Some(days)) if days > 0 => Err(FieldError::at("/discount_percent", "required", "Days of a discount need its per cent.")),
        (None, _) => Ok(None),
    }
}

/// Splits a total by terms. Amounts are fixed here; what rounding leaves goes to the last instalment.
/// Shares too small for the currency's smallest unit join the next.
#[must_use]
pub fn split(total: Decimal, currency: Currency, date: NaiveDate, terms: &[TermsInstalment]) -> Vec<Instalment> {
    let mut left = total;
    let mut parts = Vec::with_capacity(terms.len());
    for (at, term) in terms.iter().enumerate() {
        let last = at + 1 == terms.len();
        let amount = if last { left } else { round(total * term.share.0 / dec!(100), currency.exponent()).min(left) };
        left -= amount;
        if !amount.is_zero() {
            parts.push(Instalment { due_date: due_date(date, term), amount });
        }
    }
    parts
}

/// The day an instalment falls due.
#[must_use]
pub fn due_date(date: NaiveDate, term: &TermsInstalment) -> NaiveDate {
    let day = plus_days(plus_months(date, term.months), term.days);
    if term.end_of_month { month_end(day) } else { day }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::money::Share;
    use proptest::prelude::*;

    fn term(share: Decimal, days: u32) -> TermsInstalment {
        TermsInstalment { share: Share(share), days, months: 0, end_of_month: false }
    }
    fn rupee() -> Currency {
        Currency::parse("INR").expect("INR")
    }
    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn the_remainder_of_three_thirds_goes_to_the_last() {
        let terms = [term(dec!(33.333), 30), term(dec!(33.333), 60), term(dec!(33.334), 90)];
        let amounts: Vec<_> = split(dec!(100000), rupee(), day("2025-01-01"), &terms).into_iter().map(|i| i.amount).collect();
        assert_eq!(amounts, [dec!(33333.00), dec!(33333.00), dec!(33334.00)]);
    }

    #[test]
    fn months_clamp_and_end_of_month_stays_in_its_month() {
        let term = |months, days, end_of_month| TermsInstalment { share: Share(dec!(100)), days, months, end_of_month };
        assert_eq!(due_date(day("2025-01-31"), &term(1, 0, false)), day("2025-02-28"));
        assert_eq!(due_date(day("2024-01-31"), &term(1, 0, false)), day("2024-02-29"));
        assert_eq!(due_date(day("2025-04-30"), &term(0, 0, true)), day("2025-04-30"));
        assert_eq!(due_date(day("2025-04-10"), &term(1, 5, true)), day("2025-05-31"));
    }

    proptest! {
        #[test]
        fn instalments_add_up_to_the_total(paise in 1i64..10_000_000_000, shares in proptest::collection::vec(1u32..100, 1..12)) {
            let whole: u32 = shares.iter().sum();
            let terms: Vec<_> = shares.iter().map(|s| term(round(Decimal::from(*s) * dec!(100) / Decimal::from(whole), 3), *s)).collect();
            let total = Decimal::new(paise, 2);
            let parts = split(total, rupee(), day("2025-01-01"), &terms);
            prop_assert_eq!(parts.iter().map(|p| p.amount).sum::<Decimal>(), total);
            prop_assert!(parts.iter().all(|p| p.amount > Decimal::ZERO));
        }
    }
}
