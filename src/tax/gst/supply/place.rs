//! The place of supply of goods and services (IGST Act s.10 to s.13).

use super::super::limits;
use super::super::states::{self};
use super::OTHER_COUNTRIES;
use chrono::NaiveDate;
use serde::Serialize;
use std::fmt;

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
