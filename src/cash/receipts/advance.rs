//! What money on account is an advance for, and how it is taxed. Pure.

use super::types::{AdvanceReason, NewAdvance};
use crate::master_data::customers::types::CustomerKind;
use crate::platform::http::FieldError;
use crate::platform::ids::RegistrationId;
use crate::platform::money::Rate;
use crate::tax::gst::advances::{AdvanceFor, taxed_on_receipt, unknown_place, unknown_rate, unknown_source};
use crate::tax::gst::supply::{self, OTHER_COUNTRIES, Seat, ServiceCase, ServiceFacts, Split, SupplyType};
use crate::tax::gst::{rates, states};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Who supplies whom.
#[derive(Debug, Clone)]
pub struct Ground {
    pub registration: RegistrationId,
    pub seller_state: String,
    /// Whether the registration is one of an SEZ.
    pub sez: bool,
    /// Whether the seller is a composition dealer.
    pub composition: bool,
    pub kind: CustomerKind,
    pub gstin: Option<String>,
    /// Of the billing address; 96 outside India.
    pub billing_state: Option<String>,
}

/// The terms of an advance, as they are kept with its receipt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Decided {
    pub supply: AdvanceFor,
    /// Whether tax falls due on the receipt of the money.
    pub taxed: bool,
    pub rate: Rate,
    pub cess_rate: Rate,
    pub place_of_supply: String,
    pub inter: bool,
    pub hsn_code: Option<String>,
    pub registration: RegistrationId,
    pub explanation: Vec<AdvanceReason>,
}

/// Decides the terms by the law of the day the money came, which is the time of supply (CGST Act s.13(2)(b)), or names
/// everything that is wrong.
pub fn decide(new: &NewAdvance, ground: &Ground, date: NaiveDate) -> Result<Decided, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut explanation = Vec::new();
    let mut explain = |decision: &str, rule: String, section: &str| {
        explanation.push(AdvanceReason { decision: decision.into(), rule, section: section.into(), effective_date: date });
    };
    let (taxed, section) = if ground.composition { (false, "CGST Act s.10(4)") } else { taxed_on_receipt(new.supply, date) };
    let rule = format!("An advance for {} is {} when it is received.", new.supply, if taxed { "taxed" } else { "not taxed" });
    explain("taxed", rule, section);
    let rate = new.tax_rate.unwrap_or(Rate(unknown_rate()));
    match new.tax_rate {
        None => explain("tax_rate", "The rate is not known yet.".into(), unknown_source()),
        Some(Rate(rate)) => explain("tax_rate", "Stated by the caller.".into(), rates::source(rate, date).unwrap_or_default()),
    }
    let known = new.hsn_code.as_deref().map_or_else(|| rates::is_gst_rate(rate.0, date), |hsn| rates::is_gst_rate_for(rate.0, date, hsn));
    if !known {
        let detail = "This is not a GST rate in force on the day the money came.";
        errors.push(FieldError::at("/gst_advance/tax_rate", "tax_rate_unknown", detail).received(rate.0));
    }
    // Codes of services (SAC) begin with 99.
    if let Some(code) = new.hsn_code.as_deref().filter(|code| code.starts_with("99") != (new.supply == AdvanceFor::Services)) {
        let detail = "Codes of services begin with 99, those of goods do not.";
        errors.push(FieldError::at("/gst_advance/hsn_code", "hsn_invalid", detail).received(code));
    }
    let place = place_of_supply(new, ground, date, &mut explain).unwrap_or_else(|error| {
        errors.push(error);
        String::new()
    });
    if !errors.is_empty() {
        return Err(errors);
    }
    let split = supply::split(Seat { state: &ground.seller_state, sez: ground.sez }, &place, supply_type(ground, &place));
    let inter = split == Split::Inter;
    let rule = format!("From State {} to place of supply {place}: {}-State.", ground.seller_state, if inter { "inter" } else { "intra" });
    explain("inter_state", rule, if inter { "IGST Act 2017 s.7" } else { "IGST Act 2017 s.8" });
    Ok(Decided {
        supply: new.supply,
        taxed,
        rate,
        cess_rate: new.cess_rate.unwrap_or_default(),
        place_of_supply: place,
        inter,
        hsn_code: new.hsn_code.clone(),
        registration: ground.registration,
        explanation,
    })
}

/// As stated; else where the recipient is by registration or address (IGST Act s.12(2)); else not known, and then the
/// supply counts as inter-State.
fn place_of_supply(new: &NewAdvance, ground: &Ground, date: NaiveDate, explain: &mut impl FnMut(&str, String, &str)) -> Result<String, FieldError> {
    if let Some(code) = &new.place_of_supply {
        if !states::is_place_of_supply(code) {
            let detail = "This is not a State code that can be a place of supply.";
            return Err(FieldError::at("/gst_advance/place_of_supply", "place_of_supply_invalid", detail).received(code));
        }
        explain("place_of_supply", "Stated by the caller.".into(), "");
        return Ok(code.clone());
    }
    let of_gstin = ground.gstin.as_deref().and_then(|gstin| gstin.get(..2)).filter(|code| states::is_place_of_supply(states::current_code(code)));
    let Some(recipient) = of_gstin.or(ground.billing_state.as_deref()) else {
        explain("place_of_supply", "Where the recipient is, is not known yet: inter-State.".into(), unknown_source());
        return Ok(unknown_place().to_owned());
    };
    let facts = ServiceFacts {
        supplier_state: &ground.seller_state,
        recipient_registered: ground.gstin.is_some(),
        recipient_state: Some(recipient),
        date,
        case: ServiceCase::General,
    };
    let decided =
        supply::place_of_supply_of_services(&facts).map_err(|fault| FieldError::at("/gst_advance/place_of_supply", fault.reason(), fault.to_string()))?;
    explain("place_of_supply", decided.explanation, decided.basis);
    Ok(decided.code)
}

fn supply_type(ground: &Ground, place: &str) -> SupplyType {
    match ground.kind {
        CustomerKind::Sez => SupplyType::SezWithPayment,
        CustomerKind::Export if place == OTHER_COUNTRIES => SupplyType::ExportWithPayment,
        _ => SupplyType::B2c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    fn ground(gstin: Option<&str>, billing: Option<&str>) -> Ground {
        Ground {
            registration: RegistrationId::new(),
            seller_state: "27".into(),
            composition: false,
            sez: false,
            kind: CustomerKind::B2b,
            gstin: gstin.map(str::to_owned),
            billing_state: billing.map(str::to_owned),
        }
    }
    fn services() -> NewAdvance {
        NewAdvance { supply: AdvanceFor::Services, tax_rate: None, cess_rate: None, place_of_supply: None, hsn_code: None, gst_registration_id: None }
    }
    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_not_known_is_eighteen_per_cent_and_inter_state() {
        let decided = decide(&services(), &ground(None, None), day("2025-04-01")).unwrap();
        assert_eq!((decided.taxed, decided.rate.0, decided.inter, decided.place_of_supply.as_str()), (true, dec!(18), true, "97"));
        assert_eq!(decided.explanation.iter().filter(|e| e.section.contains("r.50")).count(), 2);
    }

    #[test]
    fn the_place_is_the_recipients() {
        for (gstin, billing, place, inter) in [
            (Some("27AAPFU0939F1ZV"), Some("29"), "27", false),
            (Some("29AAPFU0939F1ZR"), None, "29", true),
            (None, Some("27"), "27", false),
            (None, Some("96"), "96", true),
            // Obsolete codes lead to those of today.
            (Some("28AAPFU0939F1ZT"), None, "37", true),
        ] {
            let decided = decide(&services(), &ground(gstin, billing), day("2025-04-01")).unwrap();
            assert_eq!((decided.place_of_supply.as_str(), decided.inter), (place, inter), "{gstin:?} {billing:?}");
        }
        let sez = Ground { kind: CustomerKind::Sez, ..ground(Some("27AAPFU0939F1ZV"), None) };
        assert!(decide(&services(), &sez, day("2025-04-01")).unwrap().inter, "IGST s.7(5)");
        let stated = NewAdvance { place_of_supply: Some("07".into()), ..services() };
        assert!(decide(&stated, &ground(None, Some("27")), day("2025-04-01")).unwrap().inter);
    }

    #[test]
    fn everything_wrong_is_named() {
        let wrong = NewAdvance { tax_rate: Some(Rate(dec!(12))), place_of_supply: Some("99".into()), hsn_code: Some("8471".into()), ..services() };
        let pointers: Vec<_> = decide(&wrong, &ground(None, None), day("2025-10-01")).unwrap_err().into_iter().map(|e| format!("{e:?}")).collect();
        assert_eq!(pointers.len(), 3, "{pointers:?}");
        // 12 per cent was a rate until 21 September 2025.
        let twelve = NewAdvance { tax_rate: Some(Rate(dec!(12))), ..services() };
        assert!(decide(&twelve, &ground(None, None), day("2025-09-21")).is_ok());
    }

    #[test]
    fn goods_are_taxed_when_they_are_invoiced() {
        let goods = NewAdvance { supply: AdvanceFor::Goods, hsn_code: Some("8471".into()), ..services() };
        assert!(!decide(&goods, &ground(None, None), day("2025-04-01")).unwrap().taxed);
        assert!(decide(&goods, &ground(None, None), day("2017-10-01")).unwrap().taxed);
        let composition = Ground { composition: true, ..ground(None, None) };
        assert!(!decide(&services(), &composition, day("2025-04-01")).unwrap().taxed);
    }
}
