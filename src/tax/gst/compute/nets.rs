//! From what was asked for to what is taxed: lines and charges as rounded nets, each under the rule it is taxed by.

use super::exact::{Exact, HUNDRED, add, apportion, mul, reduced, round, spread_discount, sub};
use super::types::{ChargeInput, ChargeTax, ComputeFault, Discount, DocumentInput, LineInput, MAX_AMOUNT, Treatment};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Lines that are rounded together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rule {
    pub(super) treatment: Treatment,
    pub(super) rate: Decimal,
    pub(super) cess_rate: Decimal,
    pub(super) cess_per_unit: Decimal,
    pub(super) inclusive: bool,
}

/// A line on its way: `amount` is its rounded net, with tax if its rule is inclusive.
pub(super) struct Net {
    pub(super) rule: Rule,
    pub(super) amount: Decimal,
    /// Cess by quantity, exact.
    pub(super) fixed_cess: Decimal,
}

impl Net {
    /// The part of the amount that percentages apply to.
    pub(super) fn base(&self) -> Exact {
        if self.rule.inclusive { sub(self.amount, self.fixed_cess) } else { Ok(self.amount) }
    }
}

pub(super) fn net_of(line: usize, input: &LineInput, document: &DocumentInput) -> Result<Net, ComputeFault> {
    let exponent = document.exponent;
    for (field, value) in [
        ("quantity", input.quantity),
        ("unit price", input.unit_price),
        ("discount", input.discount.amount),
        ("discount percentage", input.discount.percent),
        ("rate", input.rate),
        ("cess rate", input.cess_rate),
        ("cess per unit", input.cess_per_unit),
    ] {
        if value < Decimal::ZERO {
            return Err(ComputeFault::Negative { line, field });
        }
    }
    if input.rate > HUNDRED || input.cess_rate > Decimal::ONE_THOUSAND {
        return Err(ComputeFault::RateTooHigh { line });
    }
    let bears_tax = !(input.rate.is_zero() && input.cess_rate.is_zero() && input.cess_per_unit.is_zero());
    if input.treatment != Treatment::Taxable && bears_tax {
        return Err(ComputeFault::RateWithoutTax { line });
    }
    let gross = mul(input.quantity, input.unit_price)?;
    let exact = sub(gross, input.discount.on(gross)?)?;
    // A discount in whole paise may exceed a value with more decimals by a fraction of a paisa; that is a
    // line of zero, not a fault.
    if exact <= -Decimal::new(1, exponent) || input.discount.percent > HUNDRED {
        return Err(ComputeFault::DiscountAboveLine { line });
    }
    let exact = exact.max(Decimal::ZERO);
    let free = !document.tax_collected.is_shown();
    let fixed_cess = if free { Decimal::ZERO } else { reduced(mul(input.quantity, input.cess_per_unit)?, document.differential)? };
    if exact > MAX_AMOUNT || fixed_cess > MAX_AMOUNT {
        return Err(ComputeFault::TooLarge);
    }
    let amount = round(exact, exponent);
    // A price without any tax in it is the same price either way.
    let inclusive = input.tax_inclusive && bears_tax && !free;
    let rule = Rule {
        treatment: input.treatment,
        // Normalised, so that 18 and 18.00 are one row whichever line comes first.
        rate: input.rate.normalize(),
        cess_rate: input.cess_rate,
        cess_per_unit: input.cess_per_unit,
        inclusive,
    };
    Ok(Net { rule, amount, fixed_cess })
}

/// The lines a charge stands for.
pub(super) fn nets_of_charge(charge: usize, input: &ChargeInput, lines: &[Net], exponent: u32) -> Result<Vec<Net>, ComputeFault> {
    if input.amount < Decimal::ZERO || input.amount > MAX_AMOUNT {
        return Err(ComputeFault::Charge { charge });
    }
    let amount = round(input.amount, exponent);
    let (treatment, zero) = (Treatment::Taxable, Decimal::ZERO);
    let net = |rule, amount| Net { rule, amount, fixed_cess: zero };
    match input.tax {
        ChargeTax::Free => Ok(Vec::new()),
        ChargeTax::AtRate(rate) if rate < zero || rate > HUNDRED => Err(ComputeFault::Charge { charge }),
        ChargeTax::AtRate(rate) => Ok(vec![net(Rule { treatment, rate: rate.normalize(), cess_rate: zero, cess_per_unit: zero, inclusive: false }, amount)]),
        ChargeTax::AsLines => {
            let mut weights: BTreeMap<Rule, Decimal> = BTreeMap::new();
            for line in lines {
                let weight = weights.entry(Rule { cess_per_unit: zero, inclusive: false, ..line.rule }).or_default();
                *weight = add(*weight, line.amount)?;
            }
            let shares = apportion(amount, &weights.values().copied().collect::<Vec<_>>(), exponent)?.ok_or(ComputeFault::ChargeWithoutLines { charge })?;
            Ok(weights.into_keys().zip(shares).filter(|(_, share)| !share.is_zero()).map(|(rule, share)| net(rule, share)).collect())
        }
    }
}

/// Takes the document discount off the nets; what each gives.
pub(super) fn take_off(discount: Discount, nets: &mut [Net], exponent: u32) -> Result<Vec<Decimal>, ComputeFault> {
    if discount.percent < Decimal::ZERO || discount.percent > HUNDRED || discount.amount < Decimal::ZERO {
        return Err(ComputeFault::DocumentDiscount);
    }
    let mut sum = Decimal::ZERO;
    for net in nets.iter() {
        sum = add(sum, net.amount)?;
    }
    // Equal remainders go by what the lines are, not by where they stand: a paisa that moved to a line of another
    // rate would change the tax.
    let mut order: Vec<usize> = (0..nets.len()).collect();
    order.sort_by_key(|line| nets[*line].rule);
    let amounts: Vec<Decimal> = order.iter().map(|line| nets[*line].amount).collect();
    let mut shares = vec![Decimal::ZERO; nets.len()];
    for (line, share) in order.into_iter().zip(spread_discount(discount.on(sum)?, &amounts, exponent)?) {
        nets[line].amount = sub(nets[line].amount, share)?;
        shares[line] = share;
    }
    Ok(shares)
}
