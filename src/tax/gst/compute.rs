//! The arithmetic of a GST document, and the only place where its tax is rounded.
//!
//! 1. A line's net is quantity x price - discount, rounded half-up once. That figure is what is
//!    printed, reported and taxed: tax on an unprinted fraction could not be recomputed by anyone
//!    holding the document (CGST Act s.15 taxes the value of the supply as invoiced).
//! 2. Lines are grouped by rate, cess rule, treatment and whether the price includes tax; every
//!    component is rounded half-up **once per group**, on the sum of the group's line nets.
//! 3. The group's amounts are spread over its lines by largest remainder. Two lines of 7.60 at
//!    12% bear 0.912 of CGST: 0.91, as 0.46 and 0.45 (rounding each line would give 0.92).
//!
//! Cess is computed on the taxable value; GST is never computed on cess. The rupee rounding of
//! s.170 belongs to the return; `round_to_unit` is the commercial rounding of the payable.

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::prelude::*;
use serde::{Deserialize, Serialize};

use super::supply::Split;

/// What the law says about a line. Nil-rated, exempt and non-GST are reported apart (GSTR-1
/// table 8), so they are never the same thing as a rate of 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    Taxable,
    Nil,
    Exempt,
    NonGst,
}

/// Who pays the tax of the document to the government.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxCollected {
    /// The supplier, who collects it from the customer.
    Collected,
    /// The recipient: shown on the document, no part of the total. A tax-inclusive price then is
    /// the customer's whole outlay, of which only the taxable value is owed to the supplier.
    ReverseCharge,
    /// Nobody: export or SEZ supply under bond or letter of undertaking (r.96A). All tax is zero.
    WithoutPayment,
}

/// One line; amounts in the document's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineInput {
    pub quantity: Decimal,
    pub unit_price: Decimal,
    /// Amount off the whole line, on the same basis (with or without tax) as the price.
    pub discount: Decimal,
    /// Percent: IGST, or CGST and SGST together. Must be 0 unless the treatment is taxable.
    pub rate: Decimal,
    /// Percent of the taxable value.
    pub cess_rate: Decimal,
    /// Amount per unit of quantity.
    pub cess_per_unit: Decimal,
    /// Whether price and discount include GST and cess.
    pub tax_inclusive: bool,
    pub treatment: Treatment,
}

/// A whole document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentInput {
    pub split: Split,
    pub lines: Vec<LineInput>,
    /// Decimals of the currency, 2 for INR; at most [`MAX_EXPONENT`].
    pub exponent: u32,
    /// Round the payable to the whole unit (rupee), half-up.
    pub round_to_unit: bool,
    pub tax_collected: TaxCollected,
}

/// Amounts of one line, each with `exponent` decimals; `sgst` is SGST or UTGST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineTax {
    pub taxable: Decimal,
    pub cgst: Decimal,
    pub sgst: Decimal,
    pub igst: Decimal,
    pub cess: Decimal,
    /// What the customer owes for the line: without tax under reverse charge.
    pub total: Decimal,
}

/// Sums of all lines of one rate and treatment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RateTax {
    pub rate: Decimal,
    pub treatment: Treatment,
    pub taxable: Decimal,
    pub cgst: Decimal,
    pub sgst: Decimal,
    pub igst: Decimal,
    pub cess: Decimal,
}

/// The computed document. Lines are in the order given, rates ascending within treatment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Computed {
    pub lines: Vec<LineTax>,
    pub by_rate: Vec<RateTax>,
    /// Value of all lines before tax, untaxed treatments included.
    pub taxable: Decimal,
    pub cgst: Decimal,
    pub sgst: Decimal,
    pub igst: Decimal,
    pub cess: Decimal,
    /// Sum of the line totals.
    pub total: Decimal,
    /// `payable - total`, from -0.50 to +0.50; no part of the taxable value.
    pub round_off: Decimal,
    pub payable: Decimal,
}

/// Why a document cannot be computed. Lines count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComputeFault {
    /// A quantity, price, discount, rate or cess below zero.
    Negative { line: usize, field: &'static str },
    /// The discount is larger than quantity x price.
    DiscountAboveLine { line: usize },
    /// A rate above 100, or a cess rate above 1000 percent.
    RateTooHigh { line: usize },
    /// Nil, exempt and non-GST lines bear neither GST nor cess.
    RateWithoutTax { line: usize },
    /// A tax-inclusive price that does not even cover its cess per unit.
    PriceBelowCess { line: usize },
    /// A document discount below zero or above the sum of the lines.
    DocumentDiscount,
    /// More decimals than [`MAX_EXPONENT`].
    Exponent,
    /// An amount above [`MAX_AMOUNT`] or beyond exact arithmetic.
    TooLarge,
}

impl ComputeFault {
    /// Stable code for answers.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Negative { .. } => "negative",
            Self::DiscountAboveLine { .. } => "discount_above_line",
            Self::RateTooHigh { .. } => "rate_too_high",
            Self::RateWithoutTax { .. } => "rate_without_tax",
            Self::PriceBelowCess { .. } => "price_below_cess",
            Self::DocumentDiscount => "document_discount",
            Self::Exponent => "exponent",
            Self::TooLarge => "too_large",
        }
    }

    /// The line at fault, from 0.
    #[must_use]
    pub fn line(self) -> Option<usize> {
        match self {
            Self::Negative { line, .. }
            | Self::DiscountAboveLine { line }
            | Self::RateTooHigh { line }
            | Self::RateWithoutTax { line }
            | Self::PriceBelowCess { line } => Some(line),
            Self::DocumentDiscount | Self::Exponent | Self::TooLarge => None,
        }
    }
}

impl fmt::Display for ComputeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Negative { field, .. } => write!(f, "The {field} of the line is below zero."),
            Self::DiscountAboveLine { .. } => f.write_str("The discount is larger than the line."),
            Self::RateTooHigh { .. } => f.write_str("The rate of GST or cess is impossibly high."),
            Self::RateWithoutTax { .. } => f.write_str("A nil-rated, exempt or non-GST line bears no GST and no cess."),
            Self::PriceBelowCess { .. } => f.write_str("The tax-inclusive price is smaller than the cess it includes."),
            Self::DocumentDiscount => f.write_str("The document discount is below zero or larger than the lines."),
            Self::Exponent => f.write_str("The currency has too many decimals."),
            Self::TooLarge => f.write_str("The amount is too large to compute exactly."),
        }
    }
}

impl std::error::Error for ComputeFault {}

/// Most decimals a currency may have here.
pub const MAX_EXPONENT: u32 = 6;
/// Largest line value: far above any invoice, and small enough that products stay exact.
pub const MAX_AMOUNT: Decimal = rust_decimal::dec!(1_000_000_000_000_000);

const HUNDRED: Decimal = Decimal::ONE_HUNDRED;

type Exact = Result<Decimal, ComputeFault>;

fn add(a: Decimal, b: Decimal) -> Exact {
    a.checked_add(b).ok_or(ComputeFault::TooLarge)
}

fn sub(a: Decimal, b: Decimal) -> Exact {
    a.checked_sub(b).ok_or(ComputeFault::TooLarge)
}

fn mul(a: Decimal, b: Decimal) -> Exact {
    a.checked_mul(b).ok_or(ComputeFault::TooLarge)
}

fn div(a: Decimal, b: Decimal) -> Exact {
    a.checked_div(b).ok_or(ComputeFault::TooLarge)
}

/// Half-up (no amount here is negative), shown with all decimals of the currency.
fn round(value: Decimal, exponent: u32) -> Decimal {
    let mut rounded = value.round_dp_with_strategy(exponent, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(exponent);
    rounded
}

fn floor(value: Decimal, exponent: u32) -> Decimal {
    let mut floored = value.round_dp_with_strategy(exponent, RoundingStrategy::ToZero);
    floored.rescale(exponent);
    floored
}

/// Lines that are rounded together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    treatment: Treatment,
    rate: Decimal,
    cess_rate: Decimal,
    cess_per_unit: Decimal,
    inclusive: bool,
}

/// A line on its way: `amount` is its rounded net, with tax if its rule is inclusive.
struct Net {
    rule: Rule,
    amount: Decimal,
    /// Cess by quantity, exact.
    fixed_cess: Decimal,
    /// The part of `amount` that percentages apply to.
    base: Decimal,
}

fn net_of(line: usize, input: &LineInput, collected: TaxCollected, exponent: u32) -> Result<Net, ComputeFault> {
    for (field, value) in [
        ("quantity", input.quantity),
        ("unit price", input.unit_price),
        ("discount", input.discount),
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
    let exact = sub(mul(input.quantity, input.unit_price)?, input.discount)?;
    // A share of a document discount may exceed a net with more decimals than the currency by a
    // fraction of the smallest unit; that is a line of zero, not a fault.
    if exact <= -Decimal::new(1, exponent) {
        return Err(ComputeFault::DiscountAboveLine { line });
    }
    let exact = exact.max(Decimal::ZERO);
    let free = collected == TaxCollected::WithoutPayment;
    let fixed_cess = if free { Decimal::ZERO } else { mul(input.quantity, input.cess_per_unit)? };
    if exact > MAX_AMOUNT || fixed_cess > MAX_AMOUNT {
        return Err(ComputeFault::TooLarge);
    }
    let amount = round(exact, exponent);
    // A price without any tax in it is the same price either way.
    let inclusive = input.tax_inclusive && bears_tax && !free;
    let base = if inclusive { sub(amount, fixed_cess)? } else { amount };
    if base < Decimal::ZERO {
        return Err(ComputeFault::PriceBelowCess { line });
    }
    let rule = Rule {
        treatment: input.treatment,
        // Normalised, so that 18 and 18.00 are one row whichever line comes first.
        rate: input.rate.normalize(),
        cess_rate: input.cess_rate,
        cess_per_unit: input.cess_per_unit,
        inclusive,
    };
    Ok(Net { rule, amount, fixed_cess, base })
}

/// Spreads `total` (with `exponent` decimals) over exact shares by largest remainder; on a tie the
/// earlier share comes first. `room` is what each share can still grow by, `weight` how much of it
/// one smallest unit takes; shares without room are served last.
fn distribute(total: Decimal, exact: &[Decimal], room: &mut [Decimal], weight: Decimal, exponent: u32) -> Result<Vec<Decimal>, ComputeFault> {
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

/// Spreads a document discount over lines in proportion to their nets, to be added to
/// [`LineInput::discount`]. The amount is rounded half-up first; the shares add up to it.
///
/// # Errors
/// `DocumentDiscount` below zero or above the sum of the nets, `Negative` for a net below zero.
pub fn spread_discount(discount: Decimal, nets: &[Decimal], exponent: u32) -> Result<Vec<Decimal>, ComputeFault> {
    if exponent > MAX_EXPONENT {
        return Err(ComputeFault::Exponent);
    }
    let mut sum = Decimal::ZERO;
    for (line, net) in nets.iter().enumerate() {
        if *net < Decimal::ZERO {
            return Err(ComputeFault::Negative { line, field: "net" });
        }
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

/// Amounts per line of a group: the main tax (one half of it within a State) and cess.
struct Levied {
    main: Vec<Decimal>,
    cess: Vec<Decimal>,
}

fn levy(rule: &Rule, nets: &[&Net], split: Split, exponent: u32) -> Result<Levied, ComputeFault> {
    // Both halves are one figure used twice, so they cannot differ.
    let (percent, halves) = match split {
        Split::Intra { .. } => (div(rule.rate, Decimal::TWO)?, Decimal::TWO),
        Split::Inter => (rule.rate, Decimal::ONE),
    };
    let divisor = if rule.inclusive { add(add(HUNDRED, rule.rate)?, rule.cess_rate)? } else { HUNDRED };
    let main_of = |base| div(mul(base, percent)?, divisor);
    let cess_of = |base, fixed| add(div(mul(base, rule.cess_rate)?, divisor)?, fixed);

    let (mut base, mut fixed) = (Decimal::ZERO, Decimal::ZERO);
    let (mut main, mut cess, mut room) = (Vec::new(), Vec::new(), Vec::new());
    for net in nets {
        base = add(base, net.base)?;
        fixed = add(fixed, net.fixed_cess)?;
        let (m, c) = (main_of(net.base)?, cess_of(net.base, net.fixed_cess)?);
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

/// Computes the taxes of a document. Pure; a document without lines is all zero.
///
/// # Errors
/// The first [`ComputeFault`] found, lines in order.
pub fn compute(document: &DocumentInput) -> Result<Computed, ComputeFault> {
    let exponent = document.exponent;
    if exponent > MAX_EXPONENT {
        return Err(ComputeFault::Exponent);
    }
    let nets = document.lines.iter().enumerate().map(|(i, line)| net_of(i, line, document.tax_collected, exponent)).collect::<Result<Vec<_>, _>>()?;
    let mut groups: BTreeMap<Rule, Vec<usize>> = BTreeMap::new();
    for (i, net) in nets.iter().enumerate() {
        groups.entry(net.rule).or_default().push(i);
    }

    let zero = Decimal::new(0, exponent);
    let mut lines: Vec<LineTax> = nets.iter().map(|net| untaxed(net.amount, zero)).collect();
    for (rule, members) in &groups {
        if document.tax_collected == TaxCollected::WithoutPayment {
            break;
        }
        let of_group: Vec<&Net> = members.iter().map(|i| &nets[*i]).collect();
        let levied = levy(rule, &of_group, document.split, exponent)?;
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
            line.total = match document.tax_collected {
                TaxCollected::Collected => add(line.taxable, tax)?,
                TaxCollected::ReverseCharge | TaxCollected::WithoutPayment => line.taxable,
            };
        }
    }
    sum_up(document, &nets, lines)
}

fn untaxed(taxable: Decimal, zero: Decimal) -> LineTax {
    LineTax { taxable, cgst: zero, sgst: zero, igst: zero, cess: zero, total: taxable }
}

fn sum_up(document: &DocumentInput, nets: &[Net], lines: Vec<LineTax>) -> Result<Computed, ComputeFault> {
    let zero = Decimal::new(0, document.exponent);
    let mut all = untaxed(zero, zero);
    let mut rates: BTreeMap<(Treatment, Decimal), LineTax> = BTreeMap::new();
    for (net, line) in nets.iter().zip(&lines) {
        let rate = rates.entry((net.rule.treatment, net.rule.rate)).or_insert_with(|| untaxed(zero, zero));
        for sum in [rate, &mut all] {
            sum.taxable = add(sum.taxable, line.taxable)?;
            sum.cgst = add(sum.cgst, line.cgst)?;
            sum.sgst = add(sum.sgst, line.sgst)?;
            sum.igst = add(sum.igst, line.igst)?;
            sum.cess = add(sum.cess, line.cess)?;
            sum.total = add(sum.total, line.total)?;
        }
    }
    let by_rate = rates
        .into_iter()
        .map(|((treatment, rate), sum)| RateTax { rate, treatment, taxable: sum.taxable, cgst: sum.cgst, sgst: sum.sgst, igst: sum.igst, cess: sum.cess })
        .collect();
    let mut payable = if document.round_to_unit { round(all.total, 0) } else { all.total };
    payable.rescale(document.exponent);
    Ok(Computed {
        lines,
        by_rate,
        taxable: all.taxable,
        cgst: all.cgst,
        sgst: all.sgst,
        igst: all.igst,
        cess: all.cess,
        total: all.total,
        round_off: sub(payable, all.total)?,
        payable,
    })
}

#[cfg(test)]
#[rustfmt::skip] // tables of cases are read by the row
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::dec;

    const INTRA: Split = Split::Intra { utgst: false };

    fn line(quantity: Decimal, unit_price: Decimal, rate: Decimal) -> LineInput {
        LineInput {
            quantity,
            unit_price,
            discount: Decimal::ZERO,
            rate,
            cess_rate: Decimal::ZERO,
            cess_per_unit: Decimal::ZERO,
            tax_inclusive: false,
            treatment: Treatment::Taxable,
        }
    }

    fn gross(amount: Decimal, rate: Decimal) -> LineInput {
        LineInput { tax_inclusive: true, ..line(dec!(1), amount, rate) }
    }

    fn document(split: Split, lines: Vec<LineInput>) -> DocumentInput {
        DocumentInput { split, lines, exponent: 2, round_to_unit: false, tax_collected: TaxCollected::Collected }
    }

    fn computed(split: Split, lines: Vec<LineInput>) -> Computed {
        compute(&document(split, lines)).unwrap()
    }

    #[test]
    fn two_lines_of_7_60_at_12_share_one_rounding() {
        let c = computed(INTRA, vec![line(dec!(1), dec!(7.60), dec!(12)); 2]);
        assert_eq!((c.taxable, c.cgst, c.sgst, c.total), (dec!(15.20), dec!(0.91), dec!(0.91), dec!(17.02)));
        assert_eq!((c.lines[0].cgst, c.lines[1].cgst), (dec!(0.46), dec!(0.45)));
        assert_eq!(c.lines[0].total.to_string(), "8.52");
    }

    #[test]
    fn gross_of_99_99_inclusive_of_5_comes_back_unchanged() {
        for split in [INTRA, Split::Inter] {
            let c = computed(split, vec![gross(dec!(99.99), dec!(5))]);
            assert_eq!((c.taxable, c.cgst + c.sgst + c.igst, c.total), (dec!(95.23), dec!(4.76), dec!(99.99)));
            assert_eq!(c.cgst, c.sgst);
        }
    }

    #[test]
    fn tds_example_of_the_design_is_rounded_to_the_rupee() {
        let mut input = document(INTRA, vec![line(dec!(1), dec!(47584), dec!(18))]);
        input.round_to_unit = true;
        let c = compute(&input).unwrap();
        assert_eq!((c.cgst, c.sgst, c.total), (dec!(4282.56), dec!(4282.56), dec!(56149.12)));
        assert_eq!((c.payable, c.round_off), (dec!(56149), dec!(-0.12)));
        assert_eq!(c.payable.to_string(), "56149.00");
        // Half a rupee goes up.
        input.lines = vec![line(dec!(1), dec!(10.50), dec!(0))];
        assert_eq!(compute(&input).unwrap().round_off, dec!(0.50));
    }

    #[test]
    fn cess_is_on_the_taxable_value_and_gst_is_not_on_cess() {
        let mut car = line(dec!(2), dec!(100), dec!(28));
        (car.cess_rate, car.cess_per_unit) = (dec!(12), dec!(1.25));
        let c = computed(Split::Inter, vec![car.clone()]);
        assert_eq!((c.taxable, c.igst, c.cess, c.total), (dec!(200), dec!(56), dec!(26.50), dec!(282.50)));
        // The same price read the other way round.
        (car.unit_price, car.tax_inclusive) = (dec!(141.25), true);
        assert_eq!(computed(Split::Inter, vec![car]), c);
    }

    #[test]
    fn reverse_charge_shows_tax_that_is_not_owed_to_the_supplier() {
        let mut input = document(INTRA, vec![line(dec!(1), dec!(1000), dec!(5))]);
        input.tax_collected = TaxCollected::ReverseCharge;
        let c = compute(&input).unwrap();
        assert_eq!((c.cgst, c.sgst, c.total, c.payable), (dec!(25), dec!(25), dec!(1000), dec!(1000)));
        assert_eq!(c.lines[0].total, dec!(1000));
    }

    #[test]
    fn supply_without_payment_bears_no_tax_and_keeps_its_rate() {
        let mut sale = gross(dec!(999), dec!(18));
        sale.cess_rate = dec!(1);
        let mut input = document(Split::Inter, vec![sale]);
        input.tax_collected = TaxCollected::WithoutPayment;
        let c = compute(&input).unwrap();
        assert_eq!((c.taxable, c.igst, c.cess, c.total), (dec!(999), dec!(0), dec!(0), dec!(999)));
        assert_eq!(c.by_rate[0].rate, dec!(18));
    }

    #[test]
    fn treatments_are_kept_apart_from_each_other_and_from_rate_zero() {
        let mut lines = vec![line(dec!(1), dec!(10), dec!(0)); 4];
        lines[1].treatment = Treatment::NonGst;
        lines[2].treatment = Treatment::Exempt;
        lines[3].treatment = Treatment::Nil;
        lines.push(line(dec!(1), dec!(10), dec!(18.00)));
        let c = computed(INTRA, lines);
        let rows: Vec<_> = c.by_rate.iter().map(|r| (r.treatment, r.rate.to_string())).collect();
        let zero = || "0".to_owned();
        assert_eq!(
            rows,
            [
                (Treatment::Taxable, zero()),
                (Treatment::Taxable, "18".to_owned()),
                (Treatment::Nil, zero()),
                (Treatment::Exempt, zero()),
                (Treatment::NonGst, zero()),
            ]
        );
        assert_eq!((c.taxable, c.total), (dec!(50), dec!(51.80)));
    }

    #[test]
    fn line_values_are_rounded_before_they_are_added_and_taxed() {
        let c = computed(INTRA, vec![line(dec!(3), dec!(3.335), dec!(18)); 2]);
        assert_eq!((c.lines[0].taxable, c.taxable, c.cgst), (dec!(10.01), dec!(20.02), dec!(1.80)));
        // A currency without decimals, and one with three.
        let mut input = document(Split::Inter, vec![line(dec!(1), dec!(1234.5), dec!(18))]);
        input.exponent = 0;
        assert_eq!(compute(&input).unwrap().total.to_string(), "1457");
        input.exponent = 3;
        assert_eq!(compute(&input).unwrap().igst.to_string(), "222.210");
    }

    #[test]
    fn lines_of_a_paisa_pass_their_tax_to_lines_that_can_hold_it() {
        let mut lines = vec![gross(dec!(0.01), dec!(40)); 10];
        lines.push(gross(dec!(0.03), dec!(40)));
        let c = computed(INTRA, lines);
        assert_eq!((c.cgst, c.total), (dec!(0.02), dec!(0.13)));
        assert_eq!((c.lines[10].cgst, c.lines[10].taxable), (dec!(0.01), dec!(0.01)));
    }

    #[test]
    fn document_discount_is_spread_in_proportion() {
        let nets = [dec!(100), dec!(200), dec!(33.33), dec!(0)];
        assert_eq!(spread_discount(dec!(10), &nets, 2).unwrap(), [dec!(3.00), dec!(6.00), dec!(1.00), dec!(0)]);
        assert_eq!(spread_discount(dec!(0.01), &[dec!(1); 3], 2).unwrap(), [dec!(0.01), dec!(0), dec!(0)]);
        assert_eq!(spread_discount(dec!(0), &[], 2), Ok(vec![]));
        assert_eq!(spread_discount(dec!(333.34), &nets, 2), Err(ComputeFault::DocumentDiscount));
        assert_eq!(spread_discount(dec!(-1), &nets, 2), Err(ComputeFault::DocumentDiscount));
    }

    #[test]
    fn a_document_without_lines_is_zero() {
        let c = computed(INTRA, vec![]);
        assert_eq!((c.payable.to_string(), c.by_rate.len()), ("0.00".to_owned(), 0));
    }

    #[test]
    fn impossible_lines_are_refused_with_their_number() {
        let good = || line(dec!(1), dec!(100), dec!(18));
        let with = |change: fn(&mut LineInput)| {
            let mut bad = good();
            change(&mut bad);
            compute(&document(INTRA, vec![good(), bad])).unwrap_err()
        };
        for (fault, reason) in [
            (with(|l| l.quantity = dec!(-1)), "negative"),
            (with(|l| l.unit_price = dec!(-0.01)), "negative"),
            (with(|l| l.discount = dec!(-1)), "negative"),
            (with(|l| l.rate = dec!(-18)), "negative"),
            (with(|l| l.discount = dec!(100.01)), "discount_above_line"),
            (with(|l| l.rate = dec!(100.1)), "rate_too_high"),
            (with(|l| l.treatment = Treatment::Exempt), "rate_without_tax"),
            (with(|l| (l.tax_inclusive, l.cess_per_unit) = (true, dec!(101))), "price_below_cess"),
        ] {
            assert_eq!((fault.reason(), fault.line()), (reason, Some(1)), "{fault}");
        }
        assert_eq!(with(|l| l.unit_price = Decimal::MAX), ComputeFault::TooLarge);
        assert_eq!(with(|l| (l.unit_price, l.quantity) = (Decimal::MAX, dec!(2))), ComputeFault::TooLarge);
        let mut input = document(INTRA, vec![]);
        input.exponent = 7;
        assert_eq!(compute(&input), Err(ComputeFault::Exponent));
    }

    fn any_line() -> impl Strategy<Value = LineInput> {
        let rates = prop::sample::select(vec![
            dec!(0),
            dec!(0.1),
            dec!(0.25),
            dec!(5),
            dec!(7.5),
            dec!(12),
            dec!(18),
            dec!(28),
            dec!(40),
        ]);
        let cess = prop::sample::select(vec![dec!(0), dec!(0), dec!(12), dec!(204)]);
        let unit_cess = prop::sample::select(vec![dec!(0), dec!(0), dec!(0.333)]);
        // At least one rupee a piece, so that the cess per unit always fits into the price.
        let amounts = (1i64..=5_000, 1_000i64..=9_999_999, 0i64..=30);
        (amounts, rates, cess, unit_cess, any::<bool>(), 0u8..8).prop_map(
            |((quantity, price, off), rate, cess_rate, cess_per_unit, tax_inclusive, kind)| {
                let (quantity, unit_price) = (Decimal::new(quantity, 1), Decimal::new(price, 3));
                let mut l = line(quantity, unit_price, rate);
                l.discount = (quantity * unit_price * Decimal::new(off, 2)).round_dp(2);
                l.tax_inclusive = tax_inclusive;
                match kind {
                    0 => (l.rate, l.treatment) = (dec!(0), Treatment::Exempt),
                    1 => (l.rate, l.treatment) = (dec!(0), Treatment::NonGst),
                    _ => (l.cess_rate, l.cess_per_unit) = (cess_rate, cess_per_unit),
                }
                l
            },
        )
    }

    fn any_document() -> impl Strategy<Value = DocumentInput> {
        let split = prop::sample::select(vec![INTRA, Split::Inter]);
        let collected = prop::sample::select(vec![
            TaxCollected::Collected,
            TaxCollected::Collected,
            TaxCollected::ReverseCharge,
            TaxCollected::WithoutPayment,
        ]);
        (split, prop::collection::vec(any_line(), 0..12), any::<bool>(), collected).prop_map(
            |(split, lines, round_to_unit, tax_collected)| DocumentInput {
                split,
                lines,
                exponent: 2,
                round_to_unit,
                tax_collected,
            },
        )
    }

    proptest! {
        #[test]
        fn components_add_up_from_lines_to_rates_to_document(input in any_document()) {
            let c = compute(&input).unwrap();
            let of_document = [c.taxable, c.cgst, c.sgst, c.igst, c.cess];
            let mut of_lines = [Decimal::ZERO; 5];
            let mut total = Decimal::ZERO;
            for l in &c.lines {
                for (sum, part) in of_lines.iter_mut().zip([l.taxable, l.cgst, l.sgst, l.igst, l.cess]) {
                    prop_assert!(part >= Decimal::ZERO && part.scale() == 2);
                    *sum += part;
                }
                prop_assert_eq!(l.cgst, l.sgst);
                let tax = l.cgst + l.sgst + l.igst + l.cess;
                let owed = if input.tax_collected == TaxCollected::Collected { tax } else { Decimal::ZERO };
                prop_assert_eq!(l.total, l.taxable + owed);
                total += l.total;
            }
            let mut of_rates = [Decimal::ZERO; 5];
            for r in &c.by_rate {
                prop_assert_eq!(r.cgst, r.sgst);
                for (sum, part) in of_rates.iter_mut().zip([r.taxable, r.cgst, r.sgst, r.igst, r.cess]) {
                    *sum += part;
                }
            }
            prop_assert_eq!(of_lines, of_document);
            prop_assert_eq!(of_rates, of_document);
            prop_assert_eq!((total, c.total + c.round_off), (c.total, c.payable));
            prop_assert!(c.round_off.abs() <= dec!(0.50));
            prop_assert!(input.round_to_unit || c.round_off.is_zero());
        }

        #[test]
        fn inclusive_gross_never_changes(mut input in any_document()) {
            input.tax_collected = TaxCollected::Collected;
            let c = compute(&input).unwrap();
            for (given, l) in input.lines.iter().zip(&c.lines).filter(|(g, _)| g.tax_inclusive) {
                prop_assert_eq!(l.total, round(given.quantity * given.unit_price - given.discount, 2));
            }
        }

        #[test]
        fn order_of_lines_does_not_matter_for_totals(input in any_document(), turn in 0usize..12) {
            let mut other = input.clone();
            other.lines.reverse();
            let middle = turn.min(other.lines.len());
            other.lines.rotate_left(middle);
            let (mut a, mut b) = (compute(&input).unwrap(), compute(&other).unwrap());
            a.lines.clear();
            b.lines.clear();
            // Inclusive and exclusive groups meet only in sums, so the whole rest is equal.
            prop_assert_eq!(a, b);
        }

        #[test]
        fn tax_agrees_with_a_naive_recomputation(mut input in any_document()) {
            input.tax_collected = TaxCollected::Collected;
            let c = compute(&input).unwrap();
            let (mut gst, mut cess) = (Decimal::ZERO, Decimal::ZERO);
            for (given, l) in input.lines.iter().zip(&c.lines) {
                let by_quantity = given.quantity * given.cess_per_unit;
                let mut exact = l.taxable;
                if given.tax_inclusive {
                    let gross = round(given.quantity * given.unit_price - given.discount, 2);
                    exact = (gross - by_quantity) * dec!(100) / (dec!(100) + given.rate + given.cess_rate);
                    prop_assert!((exact - l.taxable).abs() < dec!(0.04));
                }
                let line_gst = exact * given.rate / dec!(100);
                prop_assert!((line_gst - l.cgst - l.sgst - l.igst).abs() < dec!(0.02));
                gst += line_gst;
                cess += exact * given.cess_rate / dec!(100) + by_quantity;
            }
            // Half a paisa per group and component, two of them for GST within a State; the rest is for
            // the naive side, which divides before it multiplies.
            let groups = Decimal::from(input.lines.len());
            prop_assert!((gst - c.cgst - c.sgst - c.igst).abs() <= dec!(0.01) * groups + dec!(0.0000001));
            prop_assert!((cess - c.cess).abs() <= dec!(0.005) * groups + dec!(0.0000001));
        }

        #[test]
        fn hundredfold_price_leaves_nothing_to_round(price in 1i64..10_000_000, half in 0i64..=20) {
            let l = line(dec!(100), Decimal::new(price, 2), Decimal::new(half * 2, 0));
            let c = computed(INTRA, vec![l.clone()]);
            prop_assert_eq!(c.cgst, l.unit_price * l.rate / dec!(2));
        }

        #[test]
        fn spread_discount_sums_to_the_discount(nets in prop::collection::vec(0i64..1_000_000, 1..12), part in 0i64..=100) {
            let nets: Vec<Decimal> = nets.into_iter().map(|n| Decimal::new(n, 2)).collect();
            let sum: Decimal = nets.iter().sum();
            let discount = round(sum * Decimal::new(part, 2), 2);
            let shares = spread_discount(discount, &nets, 2).unwrap();
            prop_assert_eq!(shares.iter().sum::<Decimal>(), discount);
            prop_assert!(shares.iter().zip(&nets).all(|(s, n)| *s >= Decimal::ZERO && s <= n));
        }

        #[test]
        fn any_numbers_are_answered_without_a_panic(
            parts in prop::collection::vec((any::<u32>(), any::<u32>(), any::<u32>(), any::<bool>(), 0u32..=28), 6),
            exponent in 0u32..=8,
            inclusive in any::<bool>(),
        ) {
            let d: Vec<Decimal> = parts.iter().map(|(a, b, c, n, s)| Decimal::from_parts(*a, *b, *c, *n, *s)).collect();
            let l = LineInput { quantity: d[0].abs(), unit_price: d[1], discount: d[2], rate: d[3], cess_rate: d[4], cess_per_unit: d[5], tax_inclusive: inclusive, treatment: Treatment::Taxable };
            let mut small = l.clone();
            (small.unit_price, small.discount) = (d[1].abs() / dec!(1_000_000_000_000_000), dec!(0));
            (small.rate, small.cess_rate) = (d[3].abs() % dec!(100), d[4].abs() % dec!(1000));
            small.cess_per_unit = small.unit_price / dec!(7);
            let mut input = document(INTRA, vec![l]);
            input.exponent = exponent;
            let _ = compute(&input);
            input.lines = vec![small; 3];
            let _ = compute(&input);
            let _ = spread_discount(d[0], &d, exponent);
        }
    }
}
