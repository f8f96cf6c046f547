//! What kind of supply it is, where it takes place, and so which taxes it bears.

mod place;
#[cfg(test)]
#[rustfmt::skip] // tables of cases are read by the row
mod tests;

pub use place::{GoodsCase, GoodsFacts, PlaceFault, PlaceOfSupply, ServiceCase, ServiceFacts, basis, place_of_supply_of_goods, place_of_supply_of_services};

use super::compute::TaxCollected;
use super::states::{self, StateTax};
use serde::{Deserialize, Serialize};

/// Place of supply code of everything outside India.
pub const OTHER_COUNTRIES: &str = "96";

/// The supply types of the e-invoice schema (`SupTyp`), with B2C for documents it does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SupplyType {
    #[serde(rename = "B2B")]
    B2b,
    #[serde(rename = "B2C")]
    B2c,
    #[serde(rename = "SEZWP")]
    SezWithPayment,
    #[serde(rename = "SEZWOP")]
    SezWithoutPayment,
    #[serde(rename = "EXPWP")]
    ExportWithPayment,
    #[serde(rename = "EXPWOP")]
    ExportWithoutPayment,
    #[serde(rename = "DEXP")]
    DeemedExport,
}

impl SupplyType {
    pub const ALL: [Self; 7] =
        [Self::B2b, Self::B2c, Self::SezWithPayment, Self::SezWithoutPayment, Self::ExportWithPayment, Self::ExportWithoutPayment, Self::DeemedExport];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::B2b => "B2B",
            Self::B2c => "B2C",
            Self::SezWithPayment => "SEZWP",
            Self::SezWithoutPayment => "SEZWOP",
            Self::ExportWithPayment => "EXPWP",
            Self::ExportWithoutPayment => "EXPWOP",
            Self::DeemedExport => "DEXP",
        }
    }

    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == code)
    }

    #[must_use]
    pub fn is_export(self) -> bool {
        matches!(self, Self::ExportWithPayment | Self::ExportWithoutPayment)
    }

    #[must_use]
    pub fn is_sez(self) -> bool {
        matches!(self, Self::SezWithPayment | Self::SezWithoutPayment)
    }

    /// Under bond or letter of undertaking (CGST r.96A): no tax at all.
    #[must_use]
    pub fn is_without_payment(self) -> bool {
        matches!(self, Self::SezWithoutPayment | Self::ExportWithoutPayment)
    }

    /// How the tax of such a supply meets the receivable, where neither supplier nor operator changes that.
    #[must_use]
    pub fn tax_collected(self, reverse_charge: bool) -> TaxCollected {
        if self.is_without_payment() {
            TaxCollected::WithoutPayment
        } else if reverse_charge {
            TaxCollected::ReverseCharge
        } else {
            TaxCollected::Collected
        }
    }

    /// Whether type and place agree: an export has its place outside India (96), an SEZ unit and
    /// a deemed export have theirs in India. B2B and B2C may be at 96 without being exports, e.g.
    /// a service not paid in permitted money (IGST s.2(6)).
    #[must_use]
    pub fn fits_place(self, place_of_supply: &str) -> bool {
        let outside = place_of_supply == OTHER_COUNTRIES;
        states::is_place_of_supply(place_of_supply)
            && match self {
                Self::B2b | Self::B2c => true,
                Self::SezWithPayment | Self::SezWithoutPayment | Self::DeemedExport => !outside,
                Self::ExportWithPayment | Self::ExportWithoutPayment => outside,
            }
    }
}

/// What an e-commerce operator does about the tax of a supply made through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorDuty {
    /// Collects a part of the value at source from the supplier, who pays the tax (CGST Act s.52).
    Collects,
    /// Pays the tax as if it were the supplier (CGST Act s.9(5)): services by notification.
    Pays,
}

/// Who pays the tax of a supply: of a composition dealer nobody the customer would see, of the services of s.9(5) the operator,
/// else as [`SupplyType::tax_collected`] has it.
#[must_use]
pub fn tax_collected(supply: SupplyType, composition: bool, operator: Option<OperatorDuty>, reverse_charge: bool) -> TaxCollected {
    match operator {
        _ if composition => TaxCollected::Composition,
        Some(OperatorDuty::Pays) if !supply.is_without_payment() => TaxCollected::Operator,
        _ => supply.tax_collected(reverse_charge),
    }
}

/// Which taxes a supply bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Half CGST, half SGST, or UTGST where the flag is set.
    Intra { utgst: bool },
    /// IGST in full.
    Inter,
}

/// Where something is supplied from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat<'a> {
    /// State code of the registration.
    pub state: &'a str,
    /// Whether it is that of a unit in a special economic zone, or of the zone's developer.
    pub sez: bool,
}

impl<'a> From<&'a str> for Seat<'a> {
    fn from(state: &'a str) -> Self {
        Self { state, sez: false }
    }
}

/// Intra- or inter-State (IGST Act s.7, s.8): exports and supplies to or by an SEZ are always inter-State
/// (s.7(5)), also within the State; otherwise the State of the supplying location decides.
#[must_use]
pub fn split<'a>(from: impl Into<Seat<'a>>, place_of_supply: &str, supply: SupplyType) -> Split {
    let (from, place) = (from.into(), states::current_code(place_of_supply));
    if from.sez || supply.is_export() || supply.is_sez() || states::current_code(from.state) != place {
        return Split::Inter;
    }
    Split::Intra { utgst: states::find(place).is_some_and(|s| s.tax_component == StateTax::Utgst) }
}

/// The e-invoice flag `IgstOnIntra`: IGST although supplier and place are in one State.
#[must_use]
pub fn igst_on_intra<'a>(from: impl Into<Seat<'a>>, place_of_supply: &str, supply: SupplyType) -> bool {
    let from = from.into();
    split(from, place_of_supply, supply) == Split::Inter && states::current_code(from.state) == states::current_code(place_of_supply)
}

/// Whether goods or services count as exported for the returns: an overseas party **and** a
/// place outside India. An overseas customer with an Indian delivery address is a domestic sale.
#[must_use]
pub fn is_export(recipient_overseas: bool, place_of_supply: &str) -> bool {
    recipient_overseas && place_of_supply == OTHER_COUNTRIES
}

/// The condition of IGST Act s.2(6) a service from India fails to be an export; `None` when it
/// meets all of them. `permitted_money`: convertible currency, or INR where the RBI allows.
#[must_use]
pub fn refusal_of_service_export(
    place_of_supply: &str,
    recipient_overseas: bool,
    permitted_money: bool,
    establishments_of_one_person: bool,
) -> Option<&'static str> {
    if !recipient_overseas {
        Some("The recipient is located in India (IGST s.2(6)(ii)).")
    } else if place_of_supply != OTHER_COUNTRIES {
        Some("The place of supply is in India (IGST s.2(6)(iii)).")
    } else if !permitted_money {
        Some("Payment is not in convertible currency or permitted rupees (IGST s.2(6)(iv)).")
    } else if establishments_of_one_person {
        Some("Supplier and recipient are establishments of one person (IGST s.2(6)(v)).")
    } else {
        None
    }
}
