//! What must be known to price a document, and what comes of it.

use super::super::order::TaxEffect;
use super::super::store::Stored;
use super::super::types::{EcommerceOperator, ShippingBill, SupplyKind, TaxTreatment};
use crate::ledger::SettlementTerms;
use crate::master_data::customers::types::CustomerKind;
use crate::master_data::items::types::Item;
use crate::master_data::payment_terms::rules::Instalment;
use crate::master_data::payment_terms::types::TermsInstalment;
use crate::platform::ids::{CustomerId, ItemId, RegistrationId, TermsId};
use crate::platform::money::Currency;
use crate::platform::unit_of_work::SettlementPolicy;
use crate::tax::gst::compute::{Computed, LineTax, RateTax};
use crate::tax::gst::supply::{PlaceOfSupply, Seat};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// What must be known before a document can be priced.
#[derive(Debug, Clone)]
pub struct Ground {
    pub customer: CustomerId,
    pub customer_name: String,
    pub kind: CustomerKind,
    pub buyer_gstin: Option<String>,
    pub billing_state: Option<String>,
    /// Where goods go, when that is another address than the bill's.
    pub shipping_state: Option<String>,
    pub registration: RegistrationId,
    pub seller_gstin: String,
    pub seller_state: String,
    /// Whether the registration is one of a composition dealer.
    pub composition: bool,
    /// Whether it is one of an SEZ.
    pub sez: bool,
    /// The last day of the registration.
    pub registered_until: Option<NaiveDate>,
    pub terms: Option<Terms>,
    pub terms_days: Option<i32>,
    pub items: Vec<Item>,
    /// The invoice a note corrects.
    pub original: Option<Original>,
}

impl Ground {
    /// Where it is supplied from.
    #[must_use]
    pub fn seat(&self) -> Seat<'_> {
        Seat { state: &self.seller_state, sez: self.sez }
    }
}

/// Payment terms as far as pricing needs them.
#[derive(Debug, Clone)]
pub struct Terms {
    pub id: TermsId,
    pub instalments: Vec<TermsInstalment>,
    /// For paying early, in per cent; 0 is none.
    pub discount_percent: Decimal,
    pub discount_days: u32,
}

/// The invoice a note corrects, and what was credited of it before.
#[derive(Debug, Clone)]
pub struct Original {
    pub invoice: Box<Stored>,
    pub credited: Decimal,
    /// By the notes that change the tax, each treatment and rate.
    pub taken_back: Vec<RateTax>,
}

/// Today, what the company decided, and the money of the document.
#[derive(Debug, Clone, Copy)]
pub struct House {
    /// The document's currency.
    pub currency: Currency,
    /// Base units for one unit of it.
    pub rate: Decimal,
    pub today: NaiveDate,
    pub round_to_unit: bool,
    pub settlement: SettlementPolicy,
    /// Aggregate turnover of the fiscal year before the document's, in rupees; `None` where nobody said.
    pub turnover: Option<Decimal>,
}

/// A line with everything decided.
#[derive(Debug, Clone)]
pub struct PricedLine {
    pub item_id: Option<ItemId>,
    pub description: String,
    pub hsn_code: String,
    pub is_service: bool,
    pub quantity: Decimal,
    pub unit: String,
    pub unit_price: Decimal,
    pub discount: Decimal,
    pub tax_inclusive: bool,
    pub treatment: TaxTreatment,
    pub tax_rate: Decimal,
    pub cess_rate: Decimal,
    pub tax: LineTax,
}

/// What a price is made of beside the lines; nothing of it in a plain document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pricing {
    /// Off all lines together, and what of it each bears.
    pub discount: Decimal,
    pub discount_shares: Vec<Decimal>,
    /// How many of the lines, the last ones, are charges before tax.
    pub charge_lines: usize,
    /// Charges after tax: each, and together.
    pub after_tax: Vec<(String, Decimal)>,
    pub other_charges: Decimal,
    /// Compensation cess for each unit, line by line.
    pub cess_per_unit: Vec<Decimal>,
    /// Per cent of the normal tax that is levied.
    pub differential: Decimal,
    pub supply_date: Option<NaiveDate>,
    pub payment_date: Option<NaiveDate>,
}

impl Default for Pricing {
    fn default() -> Self {
        Self {
            discount: Decimal::ZERO,
            discount_shares: Vec::new(),
            charge_lines: 0,
            after_tax: Vec::new(),
            other_charges: Decimal::ZERO,
            cess_per_unit: Vec::new(),
            differential: Decimal::ONE_HUNDRED,
            supply_date: None,
            payment_date: None,
        }
    }
}

impl Pricing {
    /// What a line bears of the discount, and its cess for each unit.
    #[must_use]
    pub fn of_line(&self, at: usize) -> (Decimal, Decimal) {
        let of = |values: &[Decimal]| values.get(at).copied().unwrap_or_default();
        (of(&self.discount_shares), of(&self.cess_per_unit))
    }

    /// Whether a line, of so many, is a charge.
    #[must_use]
    pub const fn is_charge(&self, at: usize, lines: usize) -> bool {
        at + self.charge_lines >= lines
    }
}

/// A document with everything decided but its number.
#[derive(Debug, Clone)]
pub struct Priced {
    pub place: PlaceOfSupply,
    pub supply: SupplyKind,
    /// As the document names it.
    pub buyer_gstin: Option<String>,
    pub buyer_composition: bool,
    pub seller_composition: bool,
    pub reverse_charge: bool,
    pub operator: Option<EcommerceOperator>,
    pub shipping: Option<ShippingBill>,
    pub tax_effect: TaxEffect,
    pub currency: Currency,
    pub rate: Decimal,
    /// Charges before tax last.
    pub lines: Vec<PricedLine>,
    pub pricing: Pricing,
    pub tax: Computed,
    /// What falls due when, each with what is agreed about settling it.
    pub instalments: Vec<(Instalment, SettlementTerms)>,
    pub terms: Option<TermsId>,
}
