//! What is computed from and what comes out.

use super::exact::{Exact, HUNDRED, add, div, mul};
use crate::tax::gst::supply::Split;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;

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

    pub(super) fn on(self, value: Decimal) -> Exact {
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

pub(super) fn untaxed(taxable: Decimal, zero: Decimal) -> LineTax {
    LineTax { taxable, cgst: zero, sgst: zero, igst: zero, cess: zero, total: taxable }
}

impl LineTax {
    pub(super) fn add(&mut self, other: &Self) -> Result<(), ComputeFault> {
        self.taxable = add(self.taxable, other.taxable)?;
        self.cgst = add(self.cgst, other.cgst)?;
        self.sgst = add(self.sgst, other.sgst)?;
        self.igst = add(self.igst, other.igst)?;
        self.cess = add(self.cess, other.cess)?;
        self.total = add(self.total, other.total)?;
        Ok(())
    }

    pub(super) fn at(&self, treatment: Treatment, rate: Decimal) -> RateTax {
        RateTax { rate, treatment, taxable: self.taxable, cgst: self.cgst, sgst: self.sgst, igst: self.igst, cess: self.cess }
    }
}
