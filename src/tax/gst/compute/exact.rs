//! Exact arithmetic that refuses instead of overflowing, and the two ways a figure is made whole: rounding once, and
//! spreading what was rounded.

use super::types::{ComputeFault, MAX_AMOUNT};
use rust_decimal::prelude::*;

pub(super) const HUNDRED: Decimal = Decimal::ONE_HUNDRED;

pub(super) type Exact = Result<Decimal, ComputeFault>;

pub(super) fn add(a: Decimal, b: Decimal) -> Exact {
    a.checked_add(b).ok_or(ComputeFault::TooLarge)
}

pub(super) fn sub(a: Decimal, b: Decimal) -> Exact {
    a.checked_sub(b).ok_or(ComputeFault::TooLarge)
}

pub(super) fn mul(a: Decimal, b: Decimal) -> Exact {
    a.checked_mul(b).ok_or(ComputeFault::TooLarge)
}

pub(super) fn div(a: Decimal, b: Decimal) -> Exact {
    a.checked_div(b).ok_or(ComputeFault::TooLarge)
}

/// Half-up (no amount here is negative), shown with all decimals of the currency.
pub(super) fn round(value: Decimal, exponent: u32) -> Decimal {
    let mut rounded = value.round_dp_with_strategy(exponent, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(exponent);
    rounded
}

pub(super) fn floor(value: Decimal, exponent: u32) -> Decimal {
    let mut floored = value.round_dp_with_strategy(exponent, RoundingStrategy::ToZero);
    floored.rescale(exponent);
    floored
}

/// A tax, or a rate of it, where only a part of it is levied.
pub(super) fn reduced(tax: Decimal, differential: Decimal) -> Exact {
    if differential == HUNDRED { Ok(tax) } else { div(mul(tax, differential)?, HUNDRED) }
}

/// Spreads an amount in proportion; `None` where there is nothing to spread it over.
pub(super) fn apportion(total: Decimal, weights: &[Decimal], exponent: u32) -> Result<Option<Vec<Decimal>>, ComputeFault> {
    let mut sum = Decimal::ZERO;
    for weight in weights {
        sum = add(sum, *weight)?;
    }
    if sum.is_zero() {
        return Ok(None);
    }
    let exact = weights.iter().map(|weight| div(mul(total, *weight)?, sum)).collect::<Result<Vec<_>, _>>()?;
    distribute(total, &exact, &mut vec![Decimal::MAX; weights.len()], Decimal::ONE, exponent).map(Some)
}

/// Spreads `total` (with `exponent` decimals) over exact shares by largest remainder; on a tie the
/// earlier share comes first. `room` is what each share can still grow by, `weight` how much of it
/// one smallest unit takes; shares without room are served last.
pub(super) fn distribute(total: Decimal, exact: &[Decimal], room: &mut [Decimal], weight: Decimal, exponent: u32) -> Result<Vec<Decimal>, ComputeFault> {
    let unit = Decimal::new(1, exponent);
    let need = mul(unit, weight)?;
    let mut shares: Vec<Decimal> = exact.iter().map(|e| floor(*e, exponent)).collect();
    let mut left = total;
    for share in &shares {
        left = sub(left, *share)?;
    }
    let mut order: Vec<usize> = (0..exact.len()).collect();
    // The sort is stable: equal remainders keep the order of the lines.
    order.sort_by_key(|i| (room[*i] < need, std::cmp::Reverse(exact[*i] - shares[*i])));
    for i in order {
        if left < unit {
            break;
        }
        shares[i] = add(shares[i], unit)?;
        room[i] = sub(room[i], need)?;
        left = sub(left, unit)?;
    }
    if left.is_zero() { Ok(shares) } else { Err(ComputeFault::TooLarge) }
}

/// Spreads a document discount over nets in proportion. The amount is rounded half-up first; the shares add up to
/// it, and none exceeds its net.
pub(super) fn spread_discount(discount: Decimal, nets: &[Decimal], exponent: u32) -> Result<Vec<Decimal>, ComputeFault> {
    let mut sum = Decimal::ZERO;
    for net in nets {
        sum = add(sum, *net)?;
    }
    if sum > MAX_AMOUNT {
        return Err(ComputeFault::TooLarge);
    }
    if discount < Decimal::ZERO || discount > sum {
        return Err(ComputeFault::DocumentDiscount);
    }
    let discount = round(discount, exponent);
    if discount.is_zero() {
        return Ok(vec![discount; nets.len()]);
    }
    let mut exact = Vec::with_capacity(nets.len());
    let mut room = Vec::with_capacity(nets.len());
    for net in nets {
        let share = div(mul(discount, *net)?, sum)?;
        room.push(sub(*net, floor(share, exponent))?);
        exact.push(share);
    }
    distribute(discount, &exact, &mut room, Decimal::ONE, exponent)
}
