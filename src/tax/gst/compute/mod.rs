//! The arithmetic of a GST document, and the only place where its tax is rounded.
//!
//! 1. A line's net is quantity x price - discount, rounded half-up once. That figure is what is
//!    printed, reported and taxed: tax on an unprinted fraction could not be recomputed by anyone
//!    holding the document (CGST Act s.15 taxes the value of the supply as invoiced). A discount on the
//!    document is spread over the nets in proportion (s.15(3)(a)); a charge before tax is a line of its own,
//!    at its own rate or shared out over the rates of the lines (s.15(2)(c)); one after tax is only added.
//! 2. Lines are grouped by rate, cess rule, treatment and whether the price includes tax; every
//!    component is rounded half-up **once per group**, on the sum of the group's line nets.
//! 3. The group's amounts are spread over its lines by largest remainder. Two lines of 7.60 at
//!    12% bear 0.912 of CGST: 0.91, as 0.46 and 0.45 (rounding each line would give 0.92).
//!
//! Cess is computed on the taxable value; GST is never computed on cess. The rupee rounding of
//! s.170 belongs to the return; `round_to_unit` is the commercial rounding of the payable.

mod exact;
mod nets;
#[cfg(test)]
#[rustfmt::skip] // tables of cases are read by the row
mod tests;
mod types;

pub use types::{
    ChargeAmounts, ChargeInput, ChargeTax, ComputeFault, Computed, Discount, DocumentInput, LineInput, LineTax, MAX_AMOUNT, MAX_EXPONENT, RateTax,
    TaxCollected, Treatment,
};

use super::supply::Split;
use exact::{HUNDRED, add, distribute, div, floor, mul, reduced, round, sub};
use nets::{Net, Rule, net_of, nets_of_charge, take_off};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use types::untaxed;

/// Computes the taxes of a document. Pure; a document without lines is all zero.
///
/// # Errors
/// The first [`ComputeFault`] found, lines in order, then the document's own, then charges.
pub fn compute(document: &DocumentInput) -> Result<Computed, ComputeFault> {
    let exponent = document.exponent;
    if exponent > MAX_EXPONENT {
        return Err(ComputeFault::Exponent);
    }
    if document.differential <= Decimal::ZERO || document.differential > HUNDRED {
        return Err(ComputeFault::Differential);
    }
    let mut nets = document.lines.iter().enumerate().map(|(i, line)| net_of(i, line, document)).collect::<Result<Vec<_>, _>>()?;
    let discount_shares = take_off(document.discount, &mut nets, exponent)?;
    for (line, net) in nets.iter().enumerate() {
        if net.base()? < Decimal::ZERO {
            return Err(ComputeFault::PriceBelowCess { line });
        }
    }
    // Which charge each net behind those of the lines belongs to.
    let mut owners = Vec::new();
    let of_lines = nets.len();
    for (charge, input) in document.charges.iter().enumerate() {
        let own = nets_of_charge(charge, input, &nets[..of_lines], exponent)?;
        owners.extend(own.iter().map(|_| charge));
        nets.extend(own);
    }
    let amounts = tax(document, &nets)?;
    sum_up(document, &nets, amounts, &owners, discount_shares)
}

/// Taxes nets, each rule rounded once.
fn tax(document: &DocumentInput, nets: &[Net]) -> Result<Vec<LineTax>, ComputeFault> {
    let zero = Decimal::new(0, document.exponent);
    let mut lines: Vec<LineTax> = nets.iter().map(|net| untaxed(net.amount, zero)).collect();
    if !document.tax_collected.is_shown() {
        return Ok(lines);
    }
    let mut groups: BTreeMap<Rule, Vec<usize>> = BTreeMap::new();
    for (i, net) in nets.iter().enumerate() {
        groups.entry(net.rule).or_default().push(i);
    }
    for (rule, members) in &groups {
        let of_group: Vec<&Net> = members.iter().map(|i| &nets[*i]).collect();
        let levied = levy(rule, &of_group, document)?;
        for ((i, main), cess) in members.iter().zip(levied.main).zip(levied.cess) {
            let line = &mut lines[*i];
            match document.split {
                Split::Intra { .. } => (line.cgst, line.sgst) = (main, main),
                Split::Inter => line.igst = main,
            }
            line.cess = cess;
            let tax = add(add(line.cgst, line.sgst)?, add(line.igst, line.cess)?)?;
            // The customer's gross is fixed: what tax takes, the taxable value gives.
            if rule.inclusive {
                line.taxable = sub(line.taxable, tax)?;
            }
            line.total = if document.tax_collected == TaxCollected::Collected { add(line.taxable, tax)? } else { line.taxable };
        }
    }
    Ok(lines)
}

/// Amounts per line of a group: the main tax (one half of it within a State) and cess.
struct Levied {
    main: Vec<Decimal>,
    cess: Vec<Decimal>,
}

fn levy(rule: &Rule, nets: &[&Net], document: &DocumentInput) -> Result<Levied, ComputeFault> {
    let exponent = document.exponent;
    let (rate, cess_rate) = (reduced(rule.rate, document.differential)?, reduced(rule.cess_rate, document.differential)?);
    // Both halves are one figure used twice, so they cannot differ.
    let (percent, halves) = match document.split {
        Split::Intra { .. } => (div(rate, Decimal::TWO)?, Decimal::TWO),
        Split::Inter => (rate, Decimal::ONE),
    };
    let divisor = if rule.inclusive { add(add(HUNDRED, rate)?, cess_rate)? } else { HUNDRED };
    let main_of = |base| div(mul(base, percent)?, divisor);
    let cess_of = |base, fixed| add(div(mul(base, cess_rate)?, divisor)?, fixed);

    let (mut base, mut fixed) = (Decimal::ZERO, Decimal::ZERO);
    let (mut main, mut cess, mut room) = (Vec::new(), Vec::new(), Vec::new());
    for net in nets {
        let own = net.base()?;
        base = add(base, own)?;
        fixed = add(fixed, net.fixed_cess)?;
        let (m, c) = (main_of(own)?, cess_of(own, net.fixed_cess)?);
        // Within a gross price more tax means less taxable value, which should not fall below
        // zero on a line of a paisa or two.
        room.push(if rule.inclusive { sub(sub(net.amount, mul(floor(m, exponent), halves)?)?, floor(c, exponent))? } else { Decimal::MAX });
        main.push(m);
        cess.push(c);
    }
    let main_total = round(main_of(base)?, exponent);
    let cess_total = round(cess_of(base, fixed)?, exponent);
    Ok(Levied { main: distribute(main_total, &main, &mut room, halves, exponent)?, cess: distribute(cess_total, &cess, &mut room, Decimal::ONE, exponent)? })
}

fn sum_up(document: &DocumentInput, nets: &[Net], mut lines: Vec<LineTax>, owners: &[usize], discount_shares: Vec<Decimal>) -> Result<Computed, ComputeFault> {
    let zero = Decimal::new(0, document.exponent);
    let mut all = untaxed(zero, zero);
    let mut rates: BTreeMap<(Treatment, Decimal), LineTax> = BTreeMap::new();
    for (net, line) in nets.iter().zip(&lines) {
        rates.entry((net.rule.treatment, net.rule.rate)).or_insert_with(|| untaxed(zero, zero)).add(line)?;
        all.add(line)?;
    }
    let mut charges: Vec<ChargeAmounts> = document.charges.iter().map(|_| ChargeAmounts { sum: untaxed(zero, zero), parts: Vec::new() }).collect();
    let of_lines = document.lines.len();
    for ((owner, net), part) in owners.iter().zip(&nets[of_lines..]).zip(lines.split_off(of_lines)) {
        charges[*owner].sum.add(&part)?;
        charges[*owner].parts.push(part.at(net.rule.treatment, net.rule.rate));
    }
    let mut other_charges = zero;
    for (amounts, charge) in charges.iter_mut().zip(&document.charges).filter(|(_, charge)| charge.tax == ChargeTax::Free) {
        amounts.sum.total = round(charge.amount, document.exponent);
        other_charges = add(other_charges, amounts.sum.total)?;
    }
    let total = add(all.total, other_charges)?;
    let mut payable = if document.round_to_unit { round(total, 0) } else { total };
    payable.rescale(document.exponent);
    let mut discount = zero;
    for share in &discount_shares {
        discount = add(discount, *share)?;
    }
    Ok(Computed {
        lines,
        charges,
        by_rate: rates.into_iter().map(|((treatment, rate), sum)| sum.at(treatment, rate)).collect(),
        discount,
        discount_shares,
        taxable: all.taxable,
        cgst: all.cgst,
        sgst: all.sgst,
        igst: all.igst,
        cess: all.cess,
        other_charges,
        total,
        round_off: sub(payable, total)?,
        payable,
    })
}
