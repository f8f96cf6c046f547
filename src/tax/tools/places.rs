//! Where a supply takes place (IGST Act s.10 to s.13), for documents and tools alike. Pure.

use super::rules::read_place;
use super::types::{PlaceCase, SupplyPlace};
use crate::platform::http::FieldError;
use crate::tax::gst::supply::{
    GoodsCase, GoodsFacts, PlaceFault, PlaceOfSupply, ServiceCase, ServiceFacts, place_of_supply_of_goods, place_of_supply_of_services,
};
use chrono::NaiveDate;

/// What is known of the parties. Places are State codes, or 96.
#[derive(Debug, Clone, Copy)]
pub struct Parties<'a> {
    pub supplier: &'a str,
    pub registered: bool,
    /// State of the recipient's registration.
    pub registration: Option<&'a str>,
    /// Of the recipient's address on record.
    pub billing: Option<&'a str>,
    /// Of another address to which goods are delivered.
    pub delivery: Option<&'a str>,
    /// Whether only services are supplied.
    pub services: bool,
    pub date: NaiveDate,
}

/// The place as it follows from the parties, or from what is said about the supply beside them.
///
/// # Errors
/// What is missing or wrong in `supply_place`, or a party without a place.
pub fn place_of(parties: &Parties<'_>, said: Option<&SupplyPlace>) -> Result<PlaceOfSupply, Vec<FieldError>> {
    let at = read_all(said)?;
    let case = said.map_or(if parties.services { PlaceCase::General } else { PlaceCase::Movement }, |said| said.case);
    if said.is_some() && case.of_services().is_some_and(|of_services| of_services != parties.services) {
        let detail =
            if parties.services { "This is a case of goods, and only services are supplied." } else { "This is a case of services, and goods are supplied." };
        return Err(vec![FieldError::at("/supply_place/case", "supply_place_mismatch", detail).received(case)]);
    }
    let first = at.first().copied();
    let needed =
        || first.ok_or_else(|| vec![FieldError::at("/supply_place/at", "required", "Say where: for this case the place decides (IGST Act s.10 to s.13).")]);
    let destination =
        said.and_then(|said| said.destination.as_deref()).map(|code| read_place("/supply_place/destination", code)).transpose().map_err(|e| vec![e])?;
    let decided = if parties.services {
        let case = match case {
            PlaceCase::ImmovableProperty => ServiceCase::ImmovableProperty { locations: &at },
            PlaceCase::PersonalService => ServiceCase::Personal { performed_at: needed()? },
            PlaceCase::Training => ServiceCase::Training { performed_at: needed()? },
            PlaceCase::Admission => ServiceCase::Admission { venue: needed()? },
            PlaceCase::Organising => ServiceCase::Organising { venue: needed()? },
            PlaceCase::GoodsTransport | PlaceCase::Courier => {
                ServiceCase::GoodsTransport { handed_over_at: first.unwrap_or(parties.supplier), destination, courier: case == PlaceCase::Courier }
            }
            PlaceCase::Passenger => ServiceCase::Passenger { starts_at: first },
            PlaceCase::OnBoard => ServiceCase::OnBoard { first_departure: needed()? },
            PlaceCase::Telecom => ServiceCase::Telecom { installed_or_sold_at: first },
            PlaceCase::Banking => ServiceCase::Banking,
            PlaceCase::Insurance => ServiceCase::Insurance,
            PlaceCase::Intermediary => ServiceCase::Intermediary,
            PlaceCase::VehicleHire => ServiceCase::VehicleHire,
            PlaceCase::GovernmentAdvertisement => ServiceCase::GovernmentAdvertisement { states: &at },
            _ => ServiceCase::General,
        };
        let recipient_state = if parties.registered { parties.registration.or(parties.billing) } else { parties.billing };
        place_of_supply_of_services(&ServiceFacts {
            supplier_state: parties.supplier,
            recipient_registered: parties.registered,
            recipient_state,
            date: parties.date,
            case,
        })
    } else {
        let address = parties.delivery.or(parties.billing);
        let case = match case {
            PlaceCase::BillToShipTo => GoodsCase::BillToShipTo { bill_to: parties.registration.or(parties.billing).or(first).unwrap_or(parties.supplier) },
            PlaceCase::NoMovement => GoodsCase::NoMovement { located_at: first.unwrap_or(parties.supplier) },
            PlaceCase::Installed => GoodsCase::Installed { site: needed()? },
            PlaceCase::OnBoard => GoodsCase::OnBoard { taken_on_board_at: needed()? },
            _ => GoodsCase::Movement { ends_at: first.or(address).or(parties.registration).unwrap_or(parties.supplier) },
        };
        place_of_supply_of_goods(&GoodsFacts {
            supplier_state: parties.supplier,
            recipient_registered: parties.registered,
            address_on_invoice: address,
            date: parties.date,
            case,
        })
    };
    decided.map_err(|fault| vec![fault_at(&fault, said.is_some())])
}

fn read_all(said: Option<&SupplyPlace>) -> Result<Vec<&'static str>, Vec<FieldError>> {
    let (mut places, mut errors) = (Vec::new(), Vec::new());
    for (n, code) in said.iter().flat_map(|said| &said.at).enumerate() {
        match read_place(&format!("/supply_place/at/{n}"), code) {
            Ok(code) => places.push(code),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(places) } else { Err(errors) }
}

fn fault_at(fault: &PlaceFault, said: bool) -> FieldError {
    match fault {
        PlaceFault::LocationMissing | PlaceFault::SeveralStates if said => FieldError::at("/supply_place/at", fault.reason(), fault.to_string()),
        _ => FieldError::at("/place_of_supply", fault.reason(), fault.to_string()),
    }
}

/// A place that is stated although it follows from what is said of the supply: both agree, or one of them is wrong.
#[must_use]
pub fn contradiction(stated: &str, decided: &PlaceOfSupply) -> Option<FieldError> {
    (stated != decided.code).then(|| {
        let detail = format!("By {} the place of supply is {}.", decided.basis, decided.code);
        FieldError::at("/place_of_supply", "place_of_supply_mismatch", detail).expected(&decided.code).received(stated)
    })
}

impl PlaceCase {
    /// Whether it is one of services; `None` where it can be either.
    const fn of_services(self) -> Option<bool> {
        match self {
            Self::Movement | Self::BillToShipTo | Self::NoMovement | Self::Installed => Some(false),
            Self::OnBoard => None,
            _ => Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parties(services: bool) -> Parties<'static> {
        let date = "2025-11-15".parse().expect("a date");
        Parties { supplier: "27", registered: true, registration: Some("29"), billing: Some("29"), delivery: Some("33"), services, date }
    }

    fn said(case: PlaceCase, at: &[&str]) -> SupplyPlace {
        SupplyPlace { case, at: at.iter().map(|code| (*code).to_owned()).collect(), destination: None }
    }

    fn codes(parties: &Parties<'_>, said: Option<&SupplyPlace>) -> Result<(String, &'static str), Vec<&'static str>> {
        place_of(parties, said).map(|place| (place.code, place.basis)).map_err(|errors| errors.iter().map(|_| "refused").collect())
    }

    #[test]
    fn without_more_goods_go_where_they_are_delivered_and_services_where_the_recipient_is() {
        assert_eq!(codes(&parties(false), None), Ok(("33".into(), "IGST s.10(1)(a)")));
        assert_eq!(codes(&parties(true), None), Ok(("29".into(), "IGST s.12(2)")));
    }

    #[test]
    fn what_is_said_of_the_supply_moves_it() {
        for (services, case, at, code, basis) in [
            (false, PlaceCase::BillToShipTo, &[][..], "29", "IGST s.10(1)(b)"),
            (false, PlaceCase::NoMovement, &["06"], "06", "IGST s.10(1)(c)"),
            (false, PlaceCase::Installed, &["08"], "08", "IGST s.10(1)(d)"),
            (false, PlaceCase::OnBoard, &["30"], "30", "IGST s.10(1)(e)"),
            (true, PlaceCase::OnBoard, &["30"], "30", "IGST s.12(10)"),
            (true, PlaceCase::ImmovableProperty, &["30"], "30", "IGST s.12(3)"),
            (true, PlaceCase::Training, &["30"], "29", "IGST s.12(5)"),
            (true, PlaceCase::PersonalService, &["30"], "30", "IGST s.12(4)"),
            (true, PlaceCase::GoodsTransport, &[], "29", "IGST s.12(8)"),
        ] {
            assert_eq!(codes(&parties(services), Some(&said(case, at))), Ok((code.to_owned(), basis)), "{case}");
        }
        let stranger = Parties { registered: false, registration: None, billing: Some("33"), ..parties(true) };
        assert_eq!(codes(&stranger, Some(&said(PlaceCase::GoodsTransport, &["27"]))), Ok(("27".into(), "IGST s.12(8)")));
        assert_eq!(codes(&stranger, Some(&said(PlaceCase::Passenger, &["07"]))), Ok(("07".into(), "IGST s.12(9)")));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (services, case, at) in [
            (true, PlaceCase::Installed, &["08"][..]),
            (false, PlaceCase::Training, &["08"]),
            (true, PlaceCase::Training, &[]),
            (true, PlaceCase::ImmovableProperty, &["29", "33"]),
            (true, PlaceCase::ImmovableProperty, &[]),
            (true, PlaceCase::Admission, &["99"]),
        ] {
            assert_eq!(codes(&parties(services), Some(&said(case, at))), Err(vec!["refused"]), "{case} {at:?}");
        }
    }
}
