//! What kind of supply it is, where it takes place, and so which taxes it bears.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::compute::TaxCollected;
use super::limits;
use super::states::{self, StateTax};

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

/// Where a supply takes place and why, kept on the document for the auditor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlaceOfSupply {
    /// State code, or 96 outside India.
    pub code: String,
    /// The provision, e.g. `IGST s.10(1)(a)`.
    pub basis: &'static str,
    pub explanation: String,
}

/// Every basis a place of supply can have: a provision, `stated` by the caller, or that of the `original` of a note.
const BASES: &[&str] = &[
    "stated",
    "original",
    "IGST s.10(1)(a)",
    "IGST s.10(1)(b)",
    "IGST s.10(1)(c)",
    "IGST s.10(1)(ca)",
    "IGST s.10(1)(d)",
    "IGST s.10(1)(e)",
    "IGST s.11(a)",
    "IGST s.11(b)",
    "IGST s.12(2)",
    "IGST s.12(3)",
    "IGST s.12(3) proviso",
    "IGST s.12(4)",
    "IGST s.12(5)",
    "IGST s.12(6)",
    "IGST s.12(7)",
    "IGST s.12(7) proviso",
    "IGST s.12(8)",
    "IGST s.12(8) proviso",
    "IGST s.12(9)",
    "IGST s.12(9) proviso",
    "IGST s.12(10)",
    "IGST s.12(11)",
    "IGST s.12(12)",
    "IGST s.12(13)",
    "IGST s.12(14)",
    "IGST s.13(2)",
    "IGST s.13(3)",
    "IGST s.13(4)",
    "IGST s.13(5)",
    "IGST s.13(6)",
    "IGST s.13(8)(a)",
    "IGST s.13(8)(b)",
    "IGST s.13(8)(c)",
    "IGST s.13(9)",
    "IGST s.13(10)",
    "IGST s.13(11)",
];

/// A basis as it was kept.
#[must_use]
pub fn basis(kept: &str) -> &'static str {
    BASES.iter().copied().find(|known| *known == kept).unwrap_or("IGST s.10 to s.13")
}

/// Why no place of supply can be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlaceFault {
    /// The fact holds a code that is no place of supply (unknown, or 99).
    NotAPlace(String),
    /// A registered recipient whose State is not given.
    RecipientStateMissing,
    /// No location was given for the supply.
    LocationMissing,
    /// The law sees one supply per State, in proportion: the document needs one line for each.
    SeveralStates,
}

impl PlaceFault {
    /// Stable code for answers.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotAPlace(_) => "not_a_place",
            Self::RecipientStateMissing => "recipient_state_missing",
            Self::LocationMissing => "location_missing",
            Self::SeveralStates => "several_states",
        }
    }
}

impl fmt::Display for PlaceFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAPlace(code) => write!(f, "{code:?} is not a place of supply."),
            Self::RecipientStateMissing => f.write_str("The State of the registered recipient is not known."),
            Self::LocationMissing => f.write_str("The place the supply relates to is not known."),
            Self::SeveralStates => f.write_str("The supply lies in several States; each takes its proportion as a supply of its own."),
        }
    }
}

impl std::error::Error for PlaceFault {}

fn place(code: &str, basis: &'static str, why: &str) -> Result<PlaceOfSupply, PlaceFault> {
    // Obsolete 25 and 28 still stand in old GSTINs and addresses, but never in a return.
    match states::find(states::current_code(code)).filter(|s| s.usable_as_place_of_supply) {
        Some(state) => Ok(PlaceOfSupply { code: state.code.to_owned(), basis, explanation: format!("{why}: {} ({}).", state.name, state.code) }),
        None => Err(PlaceFault::NotAPlace(code.to_owned())),
    }
}

/// How goods reach the recipient. Every place is a State code, or 96.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoodsCase<'a> {
    /// s.10(1)(a).
    Movement { ends_at: &'a str },
    /// s.10(1)(b): delivered to one on the direction of another, who is billed.
    BillToShipTo { bill_to: &'a str },
    /// s.10(1)(c).
    NoMovement { located_at: &'a str },
    /// s.10(1)(d).
    Installed { site: &'a str },
    /// s.10(1)(e).
    OnBoard { taken_on_board_at: &'a str },
    /// s.11(b).
    Export,
    /// s.11(a).
    Import { importer: &'a str },
}

/// The facts that decide where goods are supplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoodsFacts<'a> {
    pub supplier_state: &'a str,
    pub recipient_registered: bool,
    /// State of the recipient's address on the invoice; where a delivery address differs from the
    /// billing address, the delivery address (circular 209/3/2024).
    pub address_on_invoice: Option<&'a str>,
    /// Date of the supply: s.10(1)(ca) counts from 1-Oct-2023.
    pub date: NaiveDate,
    pub case: GoodsCase<'a>,
}

/// Place of supply of goods (IGST Act s.10 and s.11).
///
/// # Errors
/// A code among the facts that is no place of supply.
pub fn place_of_supply_of_goods(facts: &GoodsFacts<'_>) -> Result<PlaceOfSupply, PlaceFault> {
    use GoodsCase as Case;
    if let Case::Movement { ends_at: OTHER_COUNTRIES } = facts.case {
        return place(OTHER_COUNTRIES, "IGST s.11(b)", "Goods exported from India");
    }
    // It stands against (a) and (c) alone: what is delivered on another's direction stays with that one.
    let by_movement = matches!(facts.case, Case::Movement { .. } | Case::NoMovement { .. });
    let ca_in_force = since_amendment_of_2023(facts.date);
    // A foreign address does not take goods abroad that stay in India: then (a) to (c) decide.
    let foreign = facts.address_on_invoice == Some(OTHER_COUNTRIES);
    if by_movement && !facts.recipient_registered && ca_in_force && !foreign {
        let (code, why) = match facts.address_on_invoice {
            Some(address) => (address, "Unregistered recipient, address on the invoice"),
            None => (facts.supplier_state, "Unregistered without address, supplier's location"),
        };
        return place(code, "IGST s.10(1)(ca)", why);
    }
    let (code, basis, why) = match facts.case {
        Case::Movement { ends_at } => (ends_at, "IGST s.10(1)(a)", "Movement for delivery ends"),
        // Deemed received by the one who gave the direction, at the principal place of business.
        Case::BillToShipTo { bill_to } => (bill_to, "IGST s.10(1)(b)", "Bill-to party"),
        Case::NoMovement { located_at } => (located_at, "IGST s.10(1)(c)", "Goods at delivery"),
        Case::Installed { site } => (site, "IGST s.10(1)(d)", "Site of installation or assembly"),
        Case::OnBoard { taken_on_board_at: at } => (at, "IGST s.10(1)(e)", "Taken on board"),
        Case::Import { importer } => (importer, "IGST s.11(a)", "Location of the importer"),
        Case::Export => (OTHER_COUNTRIES, "IGST s.11(b)", "Goods exported from India"),
    };
    place(code, basis, why)
}

/// Both amendments of the IGST Act of 2023 (s.10(1)(ca) for goods; transport of goods abroad) count from 1-Oct-2023.
fn since_amendment_of_2023(date: NaiveDate) -> bool {
    limits::place_amended_2023(date)
}

/// What a service is about, as far as its place depends on it. Every place is a State code or 96.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceCase<'a> {
    /// s.12(2), s.13(2).
    General,
    /// s.12(3): property, hotels, works on land; every State the property lies in.
    ImmovableProperty { locations: &'a [&'a str] },
    /// s.12(4): restaurant, grooming, fitness, health.
    Personal { performed_at: &'a str },
    /// s.12(5).
    Training { performed_at: &'a str },
    /// s.12(6).
    Admission { venue: &'a str },
    /// s.12(7).
    Organising { venue: &'a str },
    /// s.12(8), s.13(9): goods transport; mail and courier apart. The destination counts only where it is abroad, and
    /// only until 30-Sep-2023.
    GoodsTransport { handed_over_at: &'a str, destination: Option<&'a str>, courier: bool },
    /// s.12(9); no start for a right of passage with unknown journey.
    Passenger { starts_at: Option<&'a str> },
    /// s.12(10).
    OnBoard { first_departure: &'a str },
    /// s.12(11): fixed installation or place of prepaid sale, else the billing address on record.
    Telecom { installed_or_sold_at: Option<&'a str> },
    /// s.12(12), s.13(8)(a).
    Banking,
    /// s.12(2), s.13(8)(b) as long as it stands: brings two others together.
    Intermediary,
    /// s.12(2), s.13(8)(c): hire of a means of transport, no ship or aircraft, for up to a month.
    VehicleHire,
    /// s.12(13).
    Insurance,
    /// s.12(14): every State the advertisement is disseminated in.
    GovernmentAdvertisement { states: &'a [&'a str] },
}

/// The facts that decide where a service is supplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceFacts<'a> {
    pub supplier_state: &'a str,
    pub recipient_registered: bool,
    /// State of the recipient's registration, or of the address on record; 96 for a recipient
    /// outside India, which moves the question from s.12 to s.13.
    pub recipient_state: Option<&'a str>,
    /// Date of the supply.
    pub date: NaiveDate,
    pub case: ServiceCase<'a>,
}

/// Place of supply of services supplied from India (IGST Act s.12, s.13 for a recipient abroad).
///
/// # Errors
/// A code that is no place of supply, a missing location, or a supply in several States.
pub fn place_of_supply_of_services(facts: &ServiceFacts<'_>) -> Result<PlaceOfSupply, PlaceFault> {
    use ServiceCase as Case;
    let abroad = facts.recipient_state == Some(OTHER_COUNTRIES);
    let basis = |inside: &'static str, outside: &'static str| if abroad { outside } else { inside };
    let recipient = |inside| location_of_recipient(facts, basis(inside, "IGST s.13(2)"));
    // Several provisions: a registered recipient's State, otherwise a place of fact.
    let recipient_or = |inside, at: &str, why| {
        if facts.recipient_registered || abroad { recipient(inside) } else { place(at, inside, why) }
    };
    match facts.case {
        Case::Intermediary if abroad && limits::intermediary_at_supplier(facts.date) => {
            place(facts.supplier_state, "IGST s.13(8)(b)", "Location of the supplier")
        }
        Case::VehicleHire if abroad => place(facts.supplier_state, "IGST s.13(8)(c)", "Location of the supplier"),
        Case::General | Case::Intermediary | Case::VehicleHire => recipient("IGST s.12(2)"),
        Case::ImmovableProperty { locations } if abroad && partly_here(locations) => {
            place(only(&here(locations))?, "IGST s.13(6)", "Location in India of a service also performed abroad")
        }
        Case::ImmovableProperty { locations } => match only(locations)? {
            OTHER_COUNTRIES if !abroad => location_of_recipient(facts, "IGST s.12(3) proviso"),
            at => place(at, basis("IGST s.12(3)", "IGST s.13(4)"), "Location of the immovable property"),
        },
        Case::Personal { performed_at } => place(performed_at, basis("IGST s.12(4)", "IGST s.13(3)"), "Service performed"),
        Case::Training { performed_at } => recipient_or("IGST s.12(5)", performed_at, "Training performed"),
        Case::Admission { venue } => place(venue, basis("IGST s.12(6)", "IGST s.13(5)"), "Event held"),
        Case::Organising { venue } if abroad => place(venue, "IGST s.13(5)", "Event held"),
        Case::Organising { venue: OTHER_COUNTRIES } if !facts.recipient_registered => location_of_recipient(facts, "IGST s.12(7) proviso"),
        Case::Organising { venue } => recipient_or("IGST s.12(7)", venue, "Event held"),
        Case::GoodsTransport { destination: Some(OTHER_COUNTRIES), .. } if !abroad && to_destination(facts.date) => {
            place(OTHER_COUNTRIES, "IGST s.12(8) proviso", "Destination of the goods")
        }
        Case::GoodsTransport { destination: Some(at), courier: false, .. } if abroad && !since_amendment_of_2023(facts.date) => {
            place(at, "IGST s.13(9)", "Destination of the goods")
        }
        Case::GoodsTransport { handed_over_at, .. } => recipient_or("IGST s.12(8)", handed_over_at, "Goods handed over for transport"),
        Case::Passenger { starts_at: Some(at) } if abroad => place(at, "IGST s.13(10)", "Passenger embarks"),
        Case::Passenger { starts_at: Some(at) } => recipient_or("IGST s.12(9)", at, "Passenger embarks"),
        Case::Passenger { starts_at: None } => recipient("IGST s.12(9) proviso"),
        Case::OnBoard { first_departure } => place(first_departure, basis("IGST s.12(10)", "IGST s.13(11)"), "First scheduled point of departure"),
        Case::Telecom { installed_or_sold_at: Some(at) } if !abroad => place(at, "IGST s.12(11)", "Installation, or sale of the prepaid service"),
        // Here the address on record counts for registered and unregistered recipients alike.
        Case::Telecom { .. } => recipient("IGST s.12(11)"),
        Case::Banking if abroad => place(facts.supplier_state, "IGST s.13(8)(a)", "Location of the supplier"),
        Case::Banking => recipient("IGST s.12(12)"),
        Case::Insurance => recipient("IGST s.12(13)"),
        Case::GovernmentAdvertisement { states } => place(only(states)?, "IGST s.12(14)", "State of dissemination of the advertisement"),
    }
}

/// The proviso to s.12(8): from 1-Feb-2019 until 30-Sep-2023 transport to a place abroad was supplied there.
fn to_destination(date: NaiveDate) -> bool {
    limits::transport_abroad_at_destination(date)
}

/// The States among several places, where there are some and not all are.
fn here<'a>(locations: &[&'a str]) -> Vec<&'a str> {
    locations.iter().copied().filter(|at| *at != OTHER_COUNTRIES).collect()
}

fn partly_here(locations: &[&str]) -> bool {
    let here = here(locations).len();
    here > 0 && here < locations.len()
}

fn only<'a>(locations: &[&'a str]) -> Result<&'a str, PlaceFault> {
    let first = locations.first().ok_or(PlaceFault::LocationMissing)?;
    if locations.iter().all(|l| l == first) { Ok(first) } else { Err(PlaceFault::SeveralStates) }
}

/// The rule of s.12(2), which most of the others fall back on.
fn location_of_recipient(facts: &ServiceFacts<'_>, basis: &'static str) -> Result<PlaceOfSupply, PlaceFault> {
    match (facts.recipient_state, facts.recipient_registered) {
        (Some(OTHER_COUNTRIES), _) => place(OTHER_COUNTRIES, basis, "Recipient located outside India"),
        (Some(state), true) => place(state, basis, "Location of the registered recipient"),
        (Some(state), false) => place(state, basis, "Address of the recipient on record"),
        (None, true) => Err(PlaceFault::RecipientStateMissing),
        (None, false) => place(facts.supplier_state, basis, "No address of the recipient on record, location of the supplier"),
    }
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

#[cfg(test)]
#[rustfmt::skip] // tables of cases are read by the row
mod tests {
    use super::*;

    const OLD: (i32, u32, u32) = (2023, 9, 30);
    const NEW: (i32, u32, u32) = (2023, 10, 1);

    fn goods(
        case: GoodsCase<'_>,
        registered: bool,
        address: Option<&str>,
        day: (i32, u32, u32),
    ) -> (String, &'static str) {
        let date = NaiveDate::from_ymd_opt(day.0, day.1, day.2).unwrap();
        let found = place_of_supply_of_goods(&GoodsFacts {
            supplier_state: "27",
            recipient_registered: registered,
            address_on_invoice: address,
            date,
            case,
        })
        .unwrap();
        assert!(found.explanation.contains(&found.code));
        (found.code, found.basis)
    }

    fn service_on(
        case: ServiceCase<'_>,
        registered: bool,
        recipient_state: Option<&str>,
        day: (i32, u32, u32),
    ) -> Result<(String, &'static str), PlaceFault> {
        place_of_supply_of_services(&ServiceFacts {
            supplier_state: "27",
            recipient_registered: registered,
            recipient_state,
            date: NaiveDate::from_ymd_opt(day.0, day.1, day.2).unwrap(),
            case,
        })
        .map(|p| (p.code, p.basis))
    }

    fn service(case: ServiceCase<'_>, registered: bool, recipient_state: Option<&str>) -> Result<(String, &'static str), PlaceFault> {
        service_on(case, registered, recipient_state, NEW)
    }

    fn at(code: &str, basis: &'static str) -> (String, &'static str) {
        (code.to_owned(), basis)
    }

    #[test]
    fn supplies_in_one_state_are_split_and_others_bear_igst() {
        use SupplyType::{B2b, B2c, DeemedExport, ExportWithPayment, SezWithoutPayment};
        assert_eq!(split("27", "27", B2b), Split::Intra { utgst: false });
        assert_eq!(split("27", "29", B2c), Split::Inter);
        assert_eq!(split("04", "04", B2b), Split::Intra { utgst: true });
        assert_eq!(split("07", "07", B2b), Split::Intra { utgst: false });
        assert_eq!(split("27", "27", DeemedExport), Split::Intra { utgst: false });
        assert_eq!(split("27", "27", SezWithoutPayment), Split::Inter);
        assert_eq!(split("27", "96", ExportWithPayment), Split::Inter);
        assert_eq!(split("25", "26", B2b), Split::Intra { utgst: true });
        let unit = Seat { state: "27", sez: true };
        assert_eq!([B2b, B2c, DeemedExport].map(|supply| split(unit, "27", supply)), [Split::Inter; 3]);
        assert!(igst_on_intra(unit, "27", B2b) && !igst_on_intra(unit, "29", B2b));
        assert!(igst_on_intra("27", "27", SezWithoutPayment));
        assert!(!igst_on_intra("27", "29", SezWithoutPayment) && !igst_on_intra("27", "27", B2b));
    }

    #[test]
    fn supply_type_codes_read_back() {
        for supply in SupplyType::ALL {
            assert_eq!(SupplyType::from_code(supply.as_str()), Some(supply));
            assert_eq!(serde_json::to_value(supply).unwrap(), supply.as_str());
        }
        assert_eq!(SupplyType::from_code("b2b"), None);
    }

    #[test]
    fn without_payment_wins_over_reverse_charge() {
        assert_eq!(SupplyType::ExportWithoutPayment.tax_collected(true), TaxCollected::WithoutPayment);
        assert_eq!(SupplyType::B2b.tax_collected(true), TaxCollected::ReverseCharge);
        assert_eq!(SupplyType::SezWithPayment.tax_collected(false), TaxCollected::Collected);
    }

    #[test]
    fn exports_need_a_place_abroad_and_sez_a_place_in_india() {
        assert!(SupplyType::ExportWithPayment.fits_place("96") && !SupplyType::ExportWithPayment.fits_place("27"));
        assert!(SupplyType::SezWithPayment.fits_place("27") && !SupplyType::SezWithPayment.fits_place("96"));
        assert!(!SupplyType::B2b.fits_place("99") && !SupplyType::B2b.fits_place("28"));
        assert!(is_export(true, "96") && !is_export(true, "29") && !is_export(false, "96"));
    }

    #[test]
    fn goods_follow_the_table_of_section_10_and_11() {
        use GoodsCase::{BillToShipTo, Export, Import, Installed, Movement, NoMovement, OnBoard};
        for (case, code, basis) in [
            (Movement { ends_at: "29" }, "29", "IGST s.10(1)(a)"),
            (BillToShipTo { bill_to: "24" }, "24", "IGST s.10(1)(b)"),
            (NoMovement { located_at: "33" }, "33", "IGST s.10(1)(c)"),
            (Installed { site: "06" }, "06", "IGST s.10(1)(d)"),
            (OnBoard { taken_on_board_at: "30" }, "30", "IGST s.10(1)(e)"),
            (Export, "96", "IGST s.11(b)"),
            (Movement { ends_at: "96" }, "96", "IGST s.11(b)"),
            (Import { importer: "27" }, "27", "IGST s.11(a)"),
        ] {
            assert_eq!(goods(case, true, Some("07"), NEW), at(code, basis));
        }
    }

    #[test]
    fn unregistered_buyer_of_goods_is_placed_by_the_invoice_since_october_2023() {
        let case = GoodsCase::Movement { ends_at: "29" };
        assert_eq!(goods(case, false, Some("07"), OLD), at("29", "IGST s.10(1)(a)"));
        assert_eq!(goods(case, false, Some("07"), NEW), at("07", "IGST s.10(1)(ca)"));
        assert_eq!(goods(case, false, None, NEW), at("27", "IGST s.10(1)(ca)"));
        // Goods that stay in India are not exported by a foreign address.
        assert_eq!(goods(case, false, Some("96"), NEW), at("29", "IGST s.10(1)(a)"));
        // The clause stands against (a) and (c), not against a direction to deliver to another.
        let directed = GoodsCase::BillToShipTo { bill_to: "24" };
        assert_eq!(goods(directed, false, Some("07"), NEW), at("24", "IGST s.10(1)(b)"));
        assert_eq!(goods(GoodsCase::NoMovement { located_at: "33" }, false, Some("07"), NEW), at("07", "IGST s.10(1)(ca)"));
        let site = GoodsCase::Installed { site: "06" };
        assert_eq!(goods(site, false, Some("07"), NEW), at("06", "IGST s.10(1)(d)"));
    }

    #[test]
    fn services_follow_the_table_of_section_12() {
        use ServiceCase as Case;
        // case, place for a registered recipient of 29, place for an unregistered one with address in 33
        for (case, registered, unregistered, basis) in [
            (Case::General, "29", "33", "IGST s.12(2)"),
            (Case::ImmovableProperty { locations: &["30"] }, "30", "30", "IGST s.12(3)"),
            (Case::Personal { performed_at: "30" }, "30", "30", "IGST s.12(4)"),
            (Case::Training { performed_at: "30" }, "29", "30", "IGST s.12(5)"),
            (Case::Admission { venue: "30" }, "30", "30", "IGST s.12(6)"),
            (Case::Organising { venue: "30" }, "29", "30", "IGST s.12(7)"),
            (Case::GoodsTransport { handed_over_at: "30", destination: None, courier: false }, "29", "30", "IGST s.12(8)"),
            (Case::Passenger { starts_at: Some("30") }, "29", "30", "IGST s.12(9)"),
            (Case::OnBoard { first_departure: "30" }, "30", "30", "IGST s.12(10)"),
            (Case::Telecom { installed_or_sold_at: Some("30") }, "30", "30", "IGST s.12(11)"),
            (Case::Telecom { installed_or_sold_at: None }, "29", "33", "IGST s.12(11)"),
            (Case::Banking, "29", "33", "IGST s.12(12)"),
            (Case::Insurance, "29", "33", "IGST s.12(13)"),
            (Case::GovernmentAdvertisement { states: &["30", "30"] }, "30", "30", "IGST s.12(14)"),
        ] {
            assert_eq!(service(case, true, Some("29")), Ok(at(registered, basis)));
            assert_eq!(service(case, false, Some("33")), Ok(at(unregistered, basis)));
        }
        assert_eq!(service(Case::General, false, None), Ok(at("27", "IGST s.12(2)")));
    }

    #[test]
    fn recipient_abroad_moves_a_service_to_section_13() {
        use ServiceCase as Case;
        for (case, code, basis) in [
            (Case::General, "96", "IGST s.13(2)"),
            (Case::GoodsTransport { handed_over_at: "30", destination: None, courier: false }, "96", "IGST s.13(2)"),
            (Case::ImmovableProperty { locations: &["30"] }, "30", "IGST s.13(4)"),
            (Case::Personal { performed_at: "30" }, "30", "IGST s.13(3)"),
            (Case::Organising { venue: "30" }, "30", "IGST s.13(5)"),
            (Case::ImmovableProperty { locations: &["96", "30"] }, "30", "IGST s.13(6)"),
            (Case::Banking, "27", "IGST s.13(8)(a)"),
            (Case::Intermediary, "27", "IGST s.13(8)(b)"),
            (Case::VehicleHire, "27", "IGST s.13(8)(c)"),
        ] {
            assert_eq!(service(case, false, Some("96")), Ok(at(code, basis)));
        }
    }

    #[test]
    fn transport_of_goods_abroad_was_supplied_at_its_destination_for_some_years() {
        let to = |destination, courier| ServiceCase::GoodsTransport { handed_over_at: "30", destination: Some(destination), courier };
        for (day, registered, basis) in [
            ((2019, 1, 31), "29", "IGST s.12(8)"),
            ((2019, 2, 1), "96", "IGST s.12(8) proviso"),
            (OLD, "96", "IGST s.12(8) proviso"),
            (NEW, "29", "IGST s.12(8)"),
        ] {
            assert_eq!(service_on(to("96", true), true, Some("29"), day), Ok(at(registered, basis)));
            assert_eq!(service_on(to("33", false), true, Some("29"), day), Ok(at("29", "IGST s.12(8)")));
        }
        // For a recipient abroad, mail and courier never were.
        assert_eq!(service_on(to("33", false), false, Some("96"), OLD), Ok(at("33", "IGST s.13(9)")));
        assert_eq!(service_on(to("33", true), false, Some("96"), OLD), Ok(at("96", "IGST s.13(2)")));
        assert_eq!(service_on(to("33", false), false, Some("96"), NEW), Ok(at("96", "IGST s.13(2)")));
    }

    #[test]
    fn composition_dealers_show_no_tax_and_operators_pay_that_of_section_9_5() {
        use OperatorDuty::{Collects, Pays};
        let of = |composition, operator, reverse| tax_collected(SupplyType::B2c, composition, operator, reverse);
        assert_eq!(of(true, Some(Collects), false), TaxCollected::Composition);
        assert_eq!(of(false, Some(Pays), false), TaxCollected::Operator);
        assert_eq!(of(false, Some(Collects), false), TaxCollected::Collected);
        assert_eq!(of(false, None, true), TaxCollected::ReverseCharge);
    }

    #[test]
    fn property_and_events_abroad_fall_back_on_the_recipient() {
        let property = ServiceCase::ImmovableProperty { locations: &["96"] };
        assert_eq!(service(property, true, Some("29")), Ok(at("29", "IGST s.12(3) proviso")));
        let event = ServiceCase::Organising { venue: "96" };
        assert_eq!(service(event, false, Some("33")), Ok(at("33", "IGST s.12(7) proviso")));
    }

    #[test]
    fn facts_that_name_no_single_place_are_refused() {
        let several = ServiceCase::ImmovableProperty { locations: &["29", "33"] };
        assert_eq!(service(several, true, Some("29")), Err(PlaceFault::SeveralStates));
        let none = ServiceCase::GovernmentAdvertisement { states: &[] };
        assert_eq!(service(none, true, Some("29")), Err(PlaceFault::LocationMissing));
        assert_eq!(service(ServiceCase::General, true, None), Err(PlaceFault::RecipientStateMissing));
        for code in ["99", "39", "Goa", ""] {
            assert_eq!(service(ServiceCase::General, true, Some(code)), Err(PlaceFault::NotAPlace(code.to_owned())));
        }
        assert_eq!(service(ServiceCase::General, true, Some("28")), Ok(at("37", "IGST s.12(2)")));
    }

    #[test]
    fn service_export_names_the_first_condition_it_fails() {
        assert_eq!(refusal_of_service_export("96", true, true, false), None);
        for (refusal, clause) in [
            (refusal_of_service_export("96", false, true, false), "(ii)"),
            (refusal_of_service_export("27", true, true, false), "(iii)"),
            (refusal_of_service_export("96", true, false, false), "(iv)"),
            (refusal_of_service_export("96", true, true, true), "(v)"),
        ] {
            assert!(refusal.is_some_and(|r| r.contains(clause)));
        }
    }
}
