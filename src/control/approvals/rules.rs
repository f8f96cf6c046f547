//! How many decisions an act needs. Pure.

use crate::platform::http::FieldError;
use crate::platform::money::Amount;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Up to an amount, so many decisions by other persons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// Largest rolling sum of the band in base currency; without limit when left out.
    pub up_to: Option<Amount>,
    /// Persons who must approve, beside the requester.
    #[schema(minimum = 0, maximum = 5, example = 1)]
    pub steps: i32,
}

impl Band {
    #[must_use]
    pub const fn to(amount: u32, steps: i32) -> Self {
        Self { up_to: Some(Amount(Decimal::from_parts(amount, 0, 0, false, 0))), steps }
    }
    #[must_use]
    pub const fn above(steps: i32) -> Self {
        Self { up_to: None, steps }
    }
}

/// Decisions needed for a rolling sum. A caller who may only request always needs one.
#[must_use]
pub fn steps(bands: &[Band], rolling: Decimal, direct: bool) -> i32 {
    let band = bands.iter().find(|band| band.up_to.is_none_or(|most| rolling <= most.0));
    let steps = band.or(bands.last()).map_or(1, |band| band.steps);
    if direct { steps } else { steps.max(1) }
}

/// What is wrong with bands: they ascend, the last has no limit, more money never needs fewer persons, and where
/// nobody acts alone each needs one at least.
#[must_use]
pub fn faults(bands: &[Band], alone: bool) -> Vec<FieldError> {
    let mut errors = Vec::new();
    for (at, band) in bands.iter().enumerate() {
        let last = at + 1 == bands.len();
        if band.up_to.is_none() != last {
            errors.push(FieldError::at(format!("/bands/{at}/up_to"), "band_limit", "The last band, and only it, has no limit."));
        }
        if let Some(most) = band.up_to.filter(|most| most.0 < Decimal::ZERO) {
            errors.push(FieldError::at(format!("/bands/{at}/up_to"), "too_small", "A limit is not negative.").received(most.0));
        }
        if band.steps < 1 && !alone {
            errors.push(
                FieldError::at(format!("/bands/{at}/steps"), "too_small", "This always takes another person.").expected("at least 1").received(band.steps),
            );
        }
        let Some(before) = at.checked_sub(1).and_then(|before| bands.get(before)) else { continue };
        if let (Some(less), Some(more)) = (before.up_to, band.up_to)
            && more.0 <= less.0
        {
            errors.push(FieldError::at(format!("/bands/{at}/up_to"), "band_order", "Bands ascend.").expected(format!("more than {}", less.0)).received(more.0));
        }
        if band.steps < before.steps {
            errors.push(FieldError::at(format!("/bands/{at}/steps"), "band_order", "More money never needs fewer persons.").received(band.steps));
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    const BANDS: [Band; 3] = [Band::to(500_000, 0), Band::to(1_000_000, 1), Band::above(2)];

    #[test]
    fn the_band_of_the_rolling_sum_decides() {
        for (sum, needed) in [(dec!(0), 0), (dec!(500000), 0), (dec!(500000.01), 1), (dec!(1000000), 1), (dec!(1000000.01), 2), (dec!(9999999999999), 2)] {
            assert_eq!(steps(&BANDS, sum, true), needed, "{sum}");
        }
        assert_eq!(steps(&BANDS, dec!(1), false), 1);
    }

    #[test]
    fn bands_that_do_not_ascend_are_named() {
        assert!(faults(&BANDS, true).is_empty());
        assert_eq!(faults(&[Band::to(5, 0)], true).len(), 1);
        assert_eq!(faults(&[Band::to(5, 1), Band::to(5, 0), Band::above(0)], true).len(), 2);
        assert_eq!(faults(&BANDS, false).len(), 1);
    }
}
