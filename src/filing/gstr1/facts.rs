//! What a return needs to know of a document. Amounts are final, in rupees, positive also on a credit note.

use crate::tax::gst::compute::Treatment;
use crate::tax::gst::supply::SupplyType;
use crate::words;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

words! {
    /// Kinds of documents a supplier issues.
    pub enum DocumentKind {
        Invoice = "invoice", CreditNote = "credit_note", DebitNote = "debit_note", ReceiptVoucher = "receipt_voucher", RefundVoucher = "refund_voucher",
    }
}
impl DocumentKind {
    /// Nature of the document in table 13, where it is counted.
    #[must_use]
    pub const fn nature(self) -> usize {
        match self {
            Self::Invoice => 1,
            Self::DebitNote => 4,
            Self::CreditNote => 5,
            Self::ReceiptVoucher => 6,
            Self::RefundVoucher => 8,
        }
    }
    #[must_use]
    pub const fn is_note(self) -> bool {
        matches!(self, Self::CreditNote | Self::DebitNote)
    }
    /// Vouchers are counted and nothing else: their amounts are those of the advances.
    #[must_use]
    pub const fn is_voucher(self) -> bool {
        matches!(self, Self::ReceiptVoucher | Self::RefundVoucher)
    }
}

pub use crate::tax::tools::types::RecipientKind;

pub use crate::tax::tools::types::OperatorSection;

/// Taxable value and taxes, named as the portal names them; `samt` is SGST or UTGST.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tax {
    pub txval: Decimal,
    pub iamt: Decimal,
    pub camt: Decimal,
    pub samt: Decimal,
    pub csamt: Decimal,
}
impl Tax {
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.txval.is_zero() && self.taxes().is_zero() && self.iamt.is_zero() && self.camt.is_zero() && self.samt.is_zero()
    }
    /// The taxes together.
    #[must_use]
    pub fn taxes(&self) -> Decimal {
        self.iamt + self.camt + self.samt + self.csamt
    }
    /// The value alone.
    #[must_use]
    pub fn value_only(self) -> Self {
        Self { txval: self.txval, ..Self::default() }
    }
    fn each(self, other: Self, with: impl Fn(Decimal, Decimal) -> Decimal) -> Self {
        Self {
            txval: with(self.txval, other.txval),
            iamt: with(self.iamt, other.iamt),
            camt: with(self.camt, other.camt),
            samt: with(self.samt, other.samt),
            csamt: with(self.csamt, other.csamt),
        }
    }
}
impl Add for Tax {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.each(other, |a, b| a + b)
    }
}
impl Sub for Tax {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.each(other, |a, b| a - b)
    }
}
impl Neg for Tax {
    type Output = Self;
    fn neg(self) -> Self {
        Self::default() - self
    }
}
impl AddAssign for Tax {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}
impl SubAssign for Tax {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

#[derive(Debug, Clone)]
pub struct Recipient {
    pub kind: RecipientKind,
    /// GSTIN or UIN, capitals.
    pub gstin: Option<String>,
    /// Whether that is a UIN of an embassy or UN body.
    pub uin: bool,
}

#[derive(Debug, Clone)]
pub struct Operator {
    pub gstin: String,
    pub section: OperatorSection,
}

/// Who supplies what goes through the own platform and whose tax the platform pays (s.9(5)).
#[derive(Debug, Clone)]
pub struct Supplier {
    /// None where it is not registered.
    pub gstin: Option<String>,
}

/// The document a note corrects.
#[derive(Debug, Clone)]
pub struct Original {
    pub number: String,
    pub date: Option<NaiveDate>,
    /// Its value, tax included, where it is known.
    pub value: Option<Decimal>,
}

#[derive(Debug, Clone, Default)]
pub struct ShippingBill {
    pub number: Option<String>,
    pub date: Option<NaiveDate>,
    pub port: Option<String>,
}

/// What an earlier return said of the document this one amends (tables 9A, 9C, 10).
#[derive(Debug, Clone)]
pub struct Former {
    pub number: String,
    pub date: NaiveDate,
    pub value: Decimal,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone)]
pub struct Line {
    /// Rate in per cent, CGST and SGST together.
    pub rate: Decimal,
    pub tax: Tax,
    pub treatment: Treatment,
    pub hsn: Option<String>,
    pub service: bool,
    /// Unit quantity code; goods without one are `OTH`.
    pub uqc: Option<String>,
    pub quantity: Decimal,
}

#[derive(Debug, Clone)]
pub struct Document {
    pub kind: DocumentKind,
    /// In capitals: GSTR-1 does not tell capitals from small letters.
    pub number: String,
    pub date: NaiveDate,
    /// Documents of different series are never one range of table 13.
    pub series: Option<String>,
    pub cancelled: bool,
    pub recipient: Recipient,
    /// State code; 96 outside India.
    pub place: String,
    pub supply: SupplyType,
    pub reverse_charge: bool,
    /// What is payable: taxes included but for those under reverse charge, nil and exempt parts too.
    pub value: Decimal,
    pub original: Option<Original>,
    /// The operator it goes through.
    pub operator: Option<Operator>,
    /// The supplier, where this is the operator that pays the tax (table 15).
    pub supplied_by: Option<Supplier>,
    pub shipping: ShippingBill,
    /// Tax at 65 % of the rate (leased motor vehicles, notification 37/2017-CT(R)).
    pub differential: bool,
    pub former: Option<Former>,
    pub lines: Vec<Line>,
}

words! {
    /// What happens to an advance: received (table 11A), set against an invoice or given back (11B).
    pub enum AdvanceKind { Received = "received", Adjusted = "adjusted", Refunded = "refunded" }
}

/// A movement of tax on advances (s.13(2), r.50, r.51); negative where it was taken back.
#[derive(Debug, Clone)]
pub struct Advance {
    pub kind: AdvanceKind,
    /// The month it was received in; another than the return's for what is set off later.
    pub received_in_period: bool,
    pub place: String,
    pub inter: bool,
    /// Tax at 65 % of the rate.
    pub differential: bool,
    pub rate: Decimal,
    /// The advance without the tax in it, and the taxes.
    pub tax: Tax,
    /// `MMYYYY` of the return whose row this is the new amount of (tables 11A and 11B, amended).
    pub amends: Option<String>,
    /// What that return said.
    pub former: Tax,
}
