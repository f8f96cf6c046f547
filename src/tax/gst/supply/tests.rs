//! Cases of the law, row by row.

use super::*;
use chrono::NaiveDate;

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
