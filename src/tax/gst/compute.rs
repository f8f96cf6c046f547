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
    /// The e-commerce operator (s.9(5)): shown, no part of the total, as under reverse charge.
    Operator,
    /// Nobody: export or SEZ supply under bond or letter of undertaking (r.96A). All tax is zero.
    WithoutPayment,
    /// The supplier, out of their own pocket: a composition dealer (s.10) shows and collects none.
    Composition,
}

impl TaxCollected {
    /// Whether the document shows any tax.
    #[must_use]
    pub fn is_shown(self) -> bool {
        matches!(self, Self::Collected | Self::ReverseCharge | Self::Operator)
    }
}

/// Money off: a percentage of the value, and then an amount; on the same basis (with or without tax) as the price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Discount {
    pub percent: Decimal,
    pub amount: Decimal,
}

impl Discount {
    pub const NONE: Self = Self { percent: Decimal::ZERO, amount: Decimal::ZERO };

    #[must_use]
    pub const fn of(amount: Decimal) -> Self {
        Self { percent: Decimal::ZERO, amount }
    }

    fn on(self, value: Decimal) -> Exact {
        add(div(mul(value, self.percent)?, HUNDRED)?, self.amount)
    }
}

/// One line; amounts in the document's currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineInput {
    pub quantity: Decimal,
    pub unit_price: Decimal,
    /// Off the whole line.
    pub discount: Discount,
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

/// What is charged beside the goods or services: freight, packing, insurance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeInput {
    /// Never includes tax.
    pub amount: Decimal,
    pub tax: ChargeTax,
}

/// How a charge meets the tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeTax {
    /// A taxable value of its own, at this rate.
    AtRate(Decimal),
    /// Part of the value of the lines (s.15(2)(c)): shared out over their rates in proportion to their nets.
    AsLines,
    /// Added after tax, no part of the taxable value.
    Free,
}

/// A whole document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentInput {
    pub split: Split,
    pub lines: Vec<LineInput>,
    pub charges: Vec<ChargeInput>,
    /// Off all lines together, charges left out; spread over them in proportion to their nets.
    pub discount: Discount,
    /// Per cent of the normal tax: 100, or 65 for leased motor vehicles (notification 37/2017-CT(Rate)).
    pub differential: Decimal,
    /// Decimals of the currency, 2 for INR; at most [`MAX_EXPONENT`].
    pub exponent: u32,
    /// Round the payable to the whole unit (rupee), half-up.
    pub round_to_unit: bool,
    pub tax_collected: TaxCollected,
}

impl DocumentInput {
    /// A document of lines alone, in rupees.
    #[must_use]
    pub fn of_lines(split: Split, lines: Vec<LineInput>) -> Self {
        Self {
            split,
            lines,
            charges: Vec::new(),
            discount: Discount::NONE,
            differential: HUNDRED,
            exponent: 2,
            round_to_unit: false,
            tax_collected: TaxCollected::Collected,
        }
    }
}

/// Amounts of one line, each with `exponent` decimals; `sgst` is SGST or UTGST.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineTax {
    pub taxable: Decimal,
    pub cgst: Decimal,
    pub sgst: Decimal,
    pub igst: Decimal,
    pub cess: Decimal,
    /// What the customer owes for the line: without tax that the recipient or an operator pays.
    pub total: Decimal,
}

/// Amounts of one charge. Its parts are what it counts for each rate, one only unless it was shared out, none
/// where it bears no tax.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChargeAmounts {
    pub sum: LineTax,
    pub parts: Vec<RateTax>,
}

/// Sums of all lines and charges of one rate and treatment.
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
    /// In the order given.
    pub charges: Vec<ChargeAmounts>,
    pub by_rate: Vec<RateTax>,
    /// What the document discount comes to, and what of it each line bears.
    pub discount: Decimal,
    pub discount_shares: Vec<Decimal>,
    /// Value of all lines and charges before tax, untaxed treatments included, charges after tax not.
    pub taxable: Decimal,
    pub cgst: Decimal,
    pub sgst: Decimal,
    pub igst: Decimal,
    pub cess: Decimal,
    /// Charges after tax.
    pub other_charges: Decimal,
    /// Sum of the totals of lines and charges.
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
    /// A charge below zero, or at a rate below zero or above 100.
    Charge { charge: usize },
    /// A charge that is to be shared out, with no value to share it over.
    ChargeWithoutLines { charge: usize },
    /// A differential percentage not above 0 or above 100.
    Differential,
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
            Self::Charge { .. } => "charge_invalid",
            Self::ChargeWithoutLines { .. } => "charge_without_lines",
            Self::Differential => "differential_invalid",
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
            _ => None,
        }
    }

    /// The charge at fault, from 0.
    #[must_use]
    pub fn charge(self) -> Option<usize> {
        match self {
            Self::Charge { charge } | Self::ChargeWithoutLines { charge } => Some(charge),
            _ => None,
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
            Self::Charge { .. } => f.write_str("A charge and its rate are not below zero, and a rate is at most 100."),
            Self::ChargeWithoutLines { .. } => f.write_str("There is no value of lines to share the charge out over; give it a rate."),
            Self::Differential => f.write_str("The differential percentage is above 0 and at most 100."),
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
}

impl Net {
    /// The part of the amount that percentages apply to.
    fn base(&self) -> Exact {
        if self.rule.inclusive { sub(self.amount, self.fixed_cess) } else { Ok(self.amount) }
    }
}

fn net_of(line: usize, input: &LineInput, document: &DocumentInput) -> Result<Net, ComputeFault> {
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

/// A tax, or a rate of it, where only a part of it is levied.
fn reduced(tax: Decimal, differential: Decimal) -> Exact {
    if differential == HUNDRED { Ok(tax) } else { div(mul(tax, differential)?, HUNDRED) }
}

/// The lines a charge stands for.
fn nets_of_charge(charge: usize, input: &ChargeInput, lines: &[Net], exponent: u32) -> Result<Vec<Net>, ComputeFault> {
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

/// Spreads an amount in proportion; `None` where there is nothing to spread it over.
fn apportion(total: Decimal, weights: &[Decimal], exponent: u32) -> Result<Option<Vec<Decimal>>, ComputeFault> {
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

/// Spreads a document discount over nets in proportion. The amount is rounded half-up first; the shares add up to
/// it, and none exceeds its net.
fn spread_discount(discount: Decimal, nets: &[Decimal], exponent: u32) -> Result<Vec<Decimal>, ComputeFault> {
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

/// Takes the document discount off the nets; what each gives.
fn take_off(discount: Discount, nets: &mut [Net], exponent: u32) -> Result<Vec<Decimal>, ComputeFault> {
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

fn untaxed(taxable: Decimal, zero: Decimal) -> LineTax {
    LineTax { taxable, cgst: zero, sgst: zero, igst: zero, cess: zero, total: taxable }
}

impl LineTax {
    fn add(&mut self, other: &Self) -> Result<(), ComputeFault> {
        self.taxable = add(self.taxable, other.taxable)?;
        self.cgst = add(self.cgst, other.cgst)?;
        self.sgst = add(self.sgst, other.sgst)?;
        self.igst = add(self.igst, other.igst)?;
        self.cess = add(self.cess, other.cess)?;
        self.total = add(self.total, other.total)?;
        Ok(())
    }

    fn at(&self, treatment: Treatment, rate: Decimal) -> RateTax {
        RateTax { rate, treatment, taxable: self.taxable, cgst: self.cgst, sgst: self.sgst, igst: self.igst, cess: self.cess }
    }
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
            discount: Discount::NONE,
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
        DocumentInput::of_lines(split, lines)
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
    fn discount_and_freight_before_tax_make_968_60() {
        // 1000 less 10 % at 5 %, freight 20 at 18 %.
        let mut goods = line(dec!(1), dec!(1000), dec!(5));
        goods.discount.percent = dec!(10);
        let mut input = document(INTRA, vec![goods]);
        input.charges = vec![ChargeInput { amount: dec!(20), tax: ChargeTax::AtRate(dec!(18)) }];
        let c = compute(&input).unwrap();
        assert_eq!((c.lines[0].taxable, c.lines[0].cgst, c.charges[0].sum.cgst), (dec!(900), dec!(22.50), dec!(1.80)));
        assert_eq!((c.taxable, c.cgst, c.sgst, c.total), (dec!(920), dec!(24.30), dec!(24.30), dec!(968.60)));
        // After tax it is only added.
        input.charges[0].tax = ChargeTax::Free;
        let c = compute(&input).unwrap();
        assert_eq!((c.taxable, c.cgst, c.other_charges, c.total), (dec!(900), dec!(22.50), dec!(20), dec!(965)));
    }

    #[test]
    fn freight_without_a_rate_is_shared_out_over_the_rates_of_the_lines() {
        let mut input = document(Split::Inter, vec![line(dec!(1), dec!(300), dec!(5)), line(dec!(1), dec!(100), dec!(18))]);
        input.charges = vec![ChargeInput { amount: dec!(40), tax: ChargeTax::AsLines }];
        let c = compute(&input).unwrap();
        assert_eq!((c.charges[0].sum.taxable, c.charges[0].sum.igst), (dec!(40), dec!(3.30)));
        assert_eq!(c.charges[0].parts.iter().map(|p| (p.rate, p.taxable)).collect::<Vec<_>>(), [(dec!(5), dec!(30)), (dec!(18), dec!(10))]);
        assert_eq!((c.by_rate[0].taxable, c.by_rate[1].taxable, c.igst), (dec!(330), dec!(110), dec!(36.30)));
        input.lines.clear();
        assert_eq!(compute(&input), Err(ComputeFault::ChargeWithoutLines { charge: 0 }));
        input.charges[0].amount = dec!(-1);
        assert_eq!(compute(&input).map_err(ComputeFault::charge), Err(Some(0)));
    }

    #[test]
    fn document_discount_lowers_the_value_of_every_rate() {
        // 10 % off the whole: 270 at 5 and 90 at 18.
        let mut input = document(INTRA, vec![line(dec!(1), dec!(300), dec!(5)), line(dec!(1), dec!(100), dec!(18))]);
        input.discount = Discount { percent: dec!(10), amount: dec!(0) };
        let c = compute(&input).unwrap();
        assert_eq!((c.discount, c.discount_shares.clone()), (dec!(40), vec![dec!(30), dec!(10)]));
        assert_eq!((c.taxable, c.cgst, c.total), (dec!(360), dec!(14.85), dec!(389.70)));
        input.discount = Discount::of(dec!(400.01));
        assert_eq!(compute(&input), Err(ComputeFault::DocumentDiscount));
        input.discount = Discount { percent: dec!(100), amount: dec!(0) };
        assert_eq!(compute(&input).unwrap().total, dec!(0));
    }

    #[test]
    fn a_leased_car_bears_65_per_cent_of_the_tax() {
        let mut input = document(INTRA, vec![line(dec!(1), dec!(10000), dec!(28))]);
        (input.lines[0].cess_rate, input.differential) = (dec!(15), dec!(65));
        let c = compute(&input).unwrap();
        assert_eq!((c.cgst, c.cess, c.total), (dec!(910), dec!(975), dec!(12795)));
        assert_eq!(c.by_rate[0].rate, dec!(28));
        (input.lines[0].unit_price, input.lines[0].tax_inclusive) = (dec!(12795), true);
        assert_eq!(compute(&input).unwrap().taxable, dec!(10000));
        for differential in [dec!(0), dec!(-65), dec!(100.01)] {
            input.differential = differential;
            assert_eq!(compute(&input), Err(ComputeFault::Differential));
        }
    }

    #[test]
    fn a_composition_dealer_shows_no_tax() {
        let mut input = document(INTRA, vec![gross(dec!(999), dec!(5))]);
        input.tax_collected = TaxCollected::Composition;
        let c = compute(&input).unwrap();
        assert_eq!((c.taxable, c.cgst, c.total), (dec!(999), dec!(0), dec!(999)));
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
            (with(|l| l.discount.amount = dec!(-1)), "negative"),
            (with(|l| l.discount.percent = dec!(-1)), "negative"),
            (with(|l| l.discount.percent = dec!(100.5)), "discount_above_line"),
            (with(|l| l.rate = dec!(-18)), "negative"),
            (with(|l| l.discount.amount = dec!(100.01)), "discount_above_line"),
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
                if off % 2 == 0 {
                    l.discount.amount = (quantity * unit_price * Decimal::new(off, 2)).round_dp(2);
                } else {
                    l.discount.percent = Decimal::from(off);
                }
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
        let percent = prop::sample::select(vec![dec!(0), dec!(0), dec!(10), dec!(33.333)]);
        let charge = (0i64..=99_999, prop::sample::select(vec![ChargeTax::AtRate(dec!(5)), ChargeTax::AtRate(dec!(18)), ChargeTax::AsLines, ChargeTax::Free]))
            .prop_map(|(amount, tax)| ChargeInput { amount: Decimal::new(amount, 2), tax });
        let terms = (percent, prop::sample::select(vec![dec!(100), dec!(100), dec!(65)]), prop::collection::vec(charge, 0..3));
        (split, prop::collection::vec(any_line(), 0..12), any::<bool>(), collected, terms).prop_map(
            |(split, lines, round_to_unit, tax_collected, (percent, differential, mut charges))| {
                if lines.iter().all(|line| line.discount.percent == dec!(100)) {
                    charges.retain(|charge| charge.tax != ChargeTax::AsLines);
                }
                let discount = Discount { percent, amount: dec!(0) };
                DocumentInput { charges, discount, differential, round_to_unit, tax_collected, ..DocumentInput::of_lines(split, lines) }
            },
        )
    }

    /// The value of a line before the document's discount.
    fn net_by_hand(given: &LineInput) -> Decimal {
        let gross = given.quantity * given.unit_price;
        gross - gross * given.discount.percent / dec!(100) - given.discount.amount
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
            for charge in &c.charges {
                let sum = &charge.sum;
                for (of_lines, part) in of_lines.iter_mut().zip([sum.taxable, sum.cgst, sum.sgst, sum.igst, sum.cess]) {
                    *of_lines += part;
                }
                total += sum.total;
            }
            let free: Decimal = input.charges.iter().filter(|charge| charge.tax == ChargeTax::Free).map(|charge| charge.amount).sum();
            prop_assert_eq!(c.other_charges, free);
            prop_assert_eq!(c.discount_shares.iter().sum::<Decimal>(), c.discount);
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
            for ((given, l), share) in input.lines.iter().zip(&c.lines).zip(&c.discount_shares).filter(|((g, _), _)| g.tax_inclusive) {
                prop_assert_eq!(l.total, round(net_by_hand(given), 2) - share);
            }
        }

        #[test]
        fn order_of_lines_does_not_matter_for_totals(input in any_document(), turn in 0usize..12) {
            let mut other = input.clone();
            other.lines.reverse();
            let middle = turn.min(other.lines.len());
            other.lines.rotate_left(middle);
            let (mut a, mut b) = (compute(&input).unwrap(), compute(&other).unwrap());
            for computed in [&mut a, &mut b] {
                computed.lines.clear();
                computed.discount_shares.clear();
            }
            // Inclusive and exclusive groups meet only in sums, so the whole rest is equal.
            prop_assert_eq!(a, b);
        }

        #[test]
        fn tax_agrees_with_a_naive_recomputation(mut input in any_document()) {
            input.tax_collected = TaxCollected::Collected;
            input.charges.retain(|charge| charge.tax != ChargeTax::AsLines);
            let c = compute(&input).unwrap();
            let part = input.differential / dec!(100);
            let (mut gst, mut cess) = (Decimal::ZERO, Decimal::ZERO);
            for ((given, l), share) in input.lines.iter().zip(&c.lines).zip(&c.discount_shares) {
                let by_quantity = given.quantity * given.cess_per_unit * part;
                let mut exact = l.taxable;
                if given.tax_inclusive {
                    let gross = round(net_by_hand(given), 2) - share;
                    exact = (gross - by_quantity) * dec!(100) / (dec!(100) + (given.rate + given.cess_rate) * part);
                    prop_assert!((exact - l.taxable).abs() < dec!(0.04));
                }
                let line_gst = exact * given.rate * part / dec!(100);
                prop_assert!((line_gst - l.cgst - l.sgst - l.igst).abs() < dec!(0.02));
                gst += line_gst;
                cess += exact * given.cess_rate * part / dec!(100) + by_quantity;
            }
            for charge in &input.charges {
                if let ChargeTax::AtRate(rate) = charge.tax {
                    gst += charge.amount * rate * part / dec!(100);
                }
            }
            // Half a paisa per group and component, two of them for GST within a State; the rest is for
            // the naive side, which divides before it multiplies.
            let groups = Decimal::from(input.lines.len() + input.charges.len());
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
            let l = LineInput { quantity: d[0].abs(), unit_price: d[1], discount: Discount { percent: d[4].abs() % dec!(101), amount: d[2] }, rate: d[3], cess_rate: d[4], cess_per_unit: d[5], tax_inclusive: inclusive, treatment: Treatment::Taxable };
            let mut small = l.clone();
            (small.unit_price, small.discount) = (d[1].abs() / dec!(1_000_000_000_000_000), Discount::NONE);
            (small.rate, small.cess_rate) = (d[3].abs() % dec!(100), d[4].abs() % dec!(1000));
            small.cess_per_unit = small.unit_price / dec!(7);
            let mut input = document(INTRA, vec![l]);
            input.exponent = exponent;
            let _ = compute(&input);
            input.lines = vec![small; 3];
            let _ = compute(&input);
            let sizes: Vec<Decimal> = d.iter().map(Decimal::abs).collect();
            let _ = spread_discount(sizes[0], &sizes, exponent.min(MAX_EXPONENT));
        }
    }
}
