//! What kind of supply a document is about, where it is supplied, and through whom.

use super::super::types::{EcommerceOperator, NewInvoice, OperatorSection, ShippingBill, SupplyKind};
use super::ground::Ground;
use super::lines::CompleteLine;
use crate::master_data::customers::types::CustomerKind;
use crate::platform::http::{FieldError, faults};
use crate::tax::gst::states;
use crate::tax::gst::supply::{self, OTHER_COUNTRIES, PlaceOfSupply, Split, SupplyType};
use crate::tax::tools::places::{Parties, contradiction, place_of};
use crate::tax::tools::rules::{composition_inter_state, read_operator, read_place};
use chrono::NaiveDate;
use rust_decimal::Decimal;

impl SupplyKind {
    #[must_use]
    pub fn of_law(self) -> SupplyType {
        SupplyType::from_code(self.as_str()).unwrap_or(SupplyType::B2c)
    }
}

/// The operator named, with its number as it is written; judged by who the parties are and what is supplied.
pub(super) fn operator(new: &NewInvoice, ground: &Ground, supply: SupplyKind) -> Result<Option<EcommerceOperator>, FieldError> {
    let Some(operator) = &new.operator else { return Ok(None) };
    let parties: Vec<&str> = [Some(ground.seller_gstin.as_str()), ground.buyer_gstin.as_deref()].into_iter().flatten().collect();
    let gstin = read_operator(operator, &parties)?;
    if operator.section == OperatorSection::S9 && (new.reverse_charge || !matches!(supply, SupplyKind::B2b | SupplyKind::B2c)) {
        let detail = "Where the operator pays the tax, neither the recipient does nor is the supply zero-rated (CGST Act s.9(5)).";
        return Err(FieldError::at("/operator/section", "operator_invalid", detail).received(operator.section));
    }
    Ok(Some(EcommerceOperator { gstin, section: operator.section }))
}

/// What is wrong with a shipping bill of a document of this type and date.
#[must_use]
pub fn shipping_fault(bill: Option<&ShippingBill>, supply: SupplyKind, dated: NaiveDate, today: NaiveDate, pointer: &str) -> Option<FieldError> {
    let bill = bill?;
    if !supply.of_law().is_export() {
        let detail = "Only an export has a shipping bill (GSTR-1 table 6A).";
        return Some(FieldError::at(if pointer.is_empty() { "/number" } else { pointer }, "not_an_export", detail).received(supply));
    }
    let pointer = format!("{pointer}/date");
    if bill.date < dated {
        let detail = "A shipping bill is not dated before its invoice.";
        return Some(FieldError::at(pointer, "before_document", detail).expected(format!("at least {dated}")).received(bill.date));
    }
    faults::in_future(&pointer, bill.date, today)
}

/// As it is kept.
#[must_use]
pub fn in_capitals(bill: &ShippingBill) -> ShippingBill {
    ShippingBill { port_code: bill.port_code.as_deref().map(str::to_ascii_uppercase), ..bill.clone() }
}

/// What a composition dealer may not do: supply outside the State (CGST Act s.10(2)(c)), and collect tax (s.10(4)).
pub(super) fn composition_faults(new: &NewInvoice, ground: &Ground, supply: SupplyKind, place: &PlaceOfSupply) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !matches!(supply, SupplyKind::B2b | SupplyKind::B2c) || supply::split(ground.seat(), &place.code, supply.of_law()) == Split::Inter {
        errors.push(composition_inter_state(&ground.seller_state, &place.code));
    }
    let stated = |rate: Option<Decimal>| rate.is_some_and(|rate| !rate.is_zero());
    let lines = new.lines.iter().enumerate().flat_map(|(at, line)| {
        let given = [
            ("tax_rate", line.tax_rate.map(|rate| rate.0)),
            ("cess_rate", line.cess_rate.map(|rate| rate.0)),
            ("cess_per_unit", line.cess_per_unit.map(|cess| cess.0)),
        ];
        given.into_iter().filter(|(_, rate)| stated(*rate)).map(move |(name, _)| format!("/lines/{at}/{name}")).collect::<Vec<_>>()
    });
    let charges =
        new.charges.iter().enumerate().filter(|(_, charge)| stated(charge.tax_rate.map(|rate| rate.0))).map(|(at, _)| format!("/charges/{at}/tax_rate"));
    let detail = "A composition dealer collects no tax (CGST Act s.10(4)); leave it out.";
    errors.extend(lines.chain(charges).map(|pointer| FieldError::at(pointer, "composition_no_tax", detail)));
    errors
}

pub(super) fn supply_of(ground: &Ground, place: &str) -> SupplyKind {
    match (ground.kind, &ground.buyer_gstin) {
        (CustomerKind::Sez, _) => SupplyKind::Sezwp,
        (CustomerKind::Export, _) if place == OTHER_COUNTRIES => SupplyKind::Expwp,
        (_, Some(_)) => SupplyKind::B2b,
        (_, None) => SupplyKind::B2c,
    }
}

/// As stated, or by IGST Act s.10 to s.13 from the addresses and what is said of the supply.
pub(super) fn place_of_supply(new: &NewInvoice, ground: &Ground, lines: &[CompleteLine]) -> Result<PlaceOfSupply, Vec<FieldError>> {
    if let Some(original) = &ground.original {
        return Ok(PlaceOfSupply { code: original.invoice.place.clone(), basis: "original", explanation: "Of the invoice the note corrects".into() });
    }
    let stated = new.place_of_supply.as_deref().map(|code| read_place("/place_of_supply", code)).transpose().map_err(|error| vec![error])?;
    if let Some(code) = stated.filter(|_| new.supply_place.is_none()) {
        return Ok(PlaceOfSupply { code: code.to_owned(), basis: "stated", explanation: "Stated by the caller".into() });
    }
    let of_gstin = ground.buyer_gstin.as_deref().and_then(|gstin| gstin.get(..2)).map(states::current_code);
    let parties = Parties {
        supplier: &ground.seller_state,
        registered: ground.buyer_gstin.is_some(),
        registration: of_gstin.filter(|code| states::is_place_of_supply(code)),
        billing: ground.billing_state.as_deref(),
        delivery: ground.shipping_state.as_deref(),
        services: lines.iter().all(|line| line.priced.is_service),
        date: new.invoice_date,
    };
    let decided = place_of(&parties, new.supply_place.as_ref())?;
    match stated.and_then(|code| contradiction(code, &decided)) {
        Some(error) => Err(vec![error]),
        None => Ok(decided),
    }
}
