//! A request → the document it describes.

use super::super::payload::{self, Document, Export, Party, Payment, Transport, UNREGISTERED};
use super::types::{EinvoiceParty, EinvoicePayment, EinvoiceRequest, EinvoiceSupply, EinvoiceTransport, EinvoiceType};
use crate::platform::http::FieldError;
use crate::platform::money::{Amount, round};
use crate::tax::gst::gstin::{Gstin, GstinFault, Mode, normalise};
use crate::tax::gst::irp::{self, DocumentType};
use crate::tax::gst::states;
use crate::tax::gst::supply::{OTHER_COUNTRIES, Seat, SupplyType};
use crate::tax::tools::rules::read_place;
use crate::tax::tools::types::RecipientKind;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// A request on its way to a document, with what is wrong in it.
pub struct Reading<'r> {
    pub(super) request: &'r EinvoiceRequest,
    sandbox: bool,
    pub errors: Vec<FieldError>,
    pub warnings: Vec<String>,
}

impl<'r> Reading<'r> {
    pub fn of(request: &'r EinvoiceRequest, sandbox: bool) -> Self {
        Self { request, sandbox, errors: Vec::new(), warnings: Vec::new() }
    }

    pub(super) fn fault(&mut self, pointer: &str, code: &str, detail: impl Into<String>, received: impl std::fmt::Display) {
        self.errors.push(FieldError::at(pointer, code, detail).received(received.to_string().chars().take(80).collect::<String>()));
    }

    /// A GSTIN as it counts. Numbers of NIC's sandbox are told by their form, which no registration has.
    fn gstin(&mut self, pointer: &str, text: &str) -> Option<String> {
        let mode = if self.sandbox { Mode::Sandbox } else { Mode::Strict };
        match Gstin::parse(text, mode) {
            Ok(gstin) => Some(gstin.as_str().to_owned()),
            Err(fault) => {
                let number = normalise(text);
                let sandbox = Gstin::parse(text, Mode::Sandbox).is_ok() && fault == GstinFault::Structure;
                // NIC's own samples follow no form of registration; a sandbox takes them.
                let sample = self.sandbox && number.len() == 15 && number.bytes().all(|c| c.is_ascii_alphanumeric()) && states::find(&number[..2]).is_some();
                if sandbox || sample {
                    self.warnings.push(format!("{number} is a number of the portal's sandbox, not of a registration."));
                    return Some(number);
                }
                self.fault(pointer, "gstin_invalid", format!("{} ({})", fault.message(), fault.reason()), text);
                None
            }
        }
    }

    /// The document, unless something in it cannot be read at all.
    pub fn document(&mut self) -> Option<Document> {
        let request = self.request;
        let (given, supplier, buyer) = (&request.document, &request.supplier, &request.buyer);
        if request.lines().0.is_empty() {
            self.errors.push(FieldError::at("/lines", "required", "A document has lines."));
        } else if !request.lines.is_empty() && !given.lines.is_empty() {
            self.errors.push(FieldError::at("/document/lines", "ambiguous_reference", "Lines stand in the document or beside it, not in both."));
        }
        let kind = match given.r#type {
            None | Some(EinvoiceType::Invoice | EinvoiceType::Inv) => DocumentType::Invoice,
            Some(EinvoiceType::CreditNote | EinvoiceType::Crn) => DocumentType::CreditNote,
            Some(EinvoiceType::DebitNote | EinvoiceType::Dbn) => DocumentType::DebitNote,
        };
        if let Some((code, detail)) = irp::number_fault(&given.number) {
            self.fault("/document/number", code, detail, &given.number);
        }
        let seller_gstin = if let Some(text) = &supplier.gstin {
            self.gstin("/supplier/gstin", text)
        } else {
            self.errors.push(FieldError::at("/supplier/gstin", "required", "An e-invoice is of a registered supplier."));
            None
        };
        let recipient = given.recipient.as_ref();
        let named = buyer.gstin.as_deref().or(recipient.and_then(|recipient| recipient.gstin.as_deref()));
        let named = named.filter(|text| !text.trim().is_empty() && !text.trim().eq_ignore_ascii_case(UNREGISTERED));
        let buyer_gstin = named.and_then(|text| self.gstin("/buyer/gstin", text));
        let operator_gstin = given.operator_gstin.as_deref().and_then(|text| self.gstin("/document/operator_gstin", text));
        let kind_of_buyer = buyer.kind.or(recipient.and_then(|recipient| recipient.kind));
        let seller = party(supplier, seller_gstin);
        let mut buyer_party = party(buyer, buyer_gstin);
        buyer_party.state = buyer_party.state.or_else(|| recipient.and_then(|recipient| recipient.state.clone()));
        let exports = matches!(
            given.supply_type,
            Some(EinvoiceSupply::ExportWithPayment | EinvoiceSupply::ExportWithoutPayment | EinvoiceSupply::Expwp | EinvoiceSupply::Expwop)
        );
        if (exports || kind_of_buyer == Some(RecipientKind::Overseas)) && buyer_party.gstin.is_none() {
            buyer_party.state = Some(OTHER_COUNTRIES.to_owned());
        }
        let place = given.place_of_supply.clone().or_else(|| if exports { Some(OTHER_COUNTRIES.to_owned()) } else { buyer_party.state.clone() });
        let place = place.or_else(|| seller.state.clone()).unwrap_or_default();
        let place = match read_place("/document/place_of_supply", &place) {
            Ok(code) => code.to_owned(),
            Err(error) => {
                self.errors.push(error);
                return None;
            }
        };
        let supply = self.supply(kind_of_buyer, buyer_party.gstin.is_some(), &place);
        if !supply.fits_place(&place) {
            self.fault(
                "/document/place_of_supply",
                "place_of_supply_mismatch",
                format!("A supply of type {} cannot have this place.", supply.as_str()),
                &place,
            );
        }
        if let Some(excluded) = supplier.excluded_as.as_deref().filter(|excluded| irp::exemptions().iter().all(|known| known.seller != *excluded)) {
            let known: Vec<_> = irp::exemptions().iter().map(|known| known.seller).collect();
            self.fault("/supplier/excluded_as", "invalid_value", format!("One of {}.", known.join(", ")), excluded);
        }
        let seller_sez = supplier.kind == Some(RecipientKind::Sez);
        let seller_state = seller.state.clone()?;
        let seat = Seat { state: &seller_state, sez: seller_sez };
        let reverse_charge = given.reverse_charge.unwrap_or(false);
        let (lines, after_tax) = self.lines(supply, seat, &place, reverse_charge)?;
        let discount = self.not_negative("/document/discount_after_tax", given.discount_after_tax);
        let originals: Vec<(String, NaiveDate)> =
            given.original.iter().chain(&given.originals).map(|original| (original.number.clone(), original.date)).collect();
        let country = buyer.address.as_ref().or(buyer.billing_address.as_ref()).and_then(|address| address.country.clone());
        let mut document = Document {
            kind,
            number: given.number.clone(),
            date: given.date,
            supply,
            reverse_charge,
            operator_gstin,
            seller,
            seller_sez,
            buyer: buyer_party,
            place,
            dispatch: request.dispatch_from.as_ref().map(|from| party(from, from.gstin.clone())),
            ship_to: request.ship_to.as_ref().map(|to| party(to, to.gstin.clone())),
            lines,
            discount,
            other_charges: after_tax,
            round_off: Decimal::ZERO,
            total_in_currency: given.currency.clone().zip(given.total_in_currency.map(|total| total.0)),
            originals,
            payment: request.payment.as_ref().map(payment).unwrap_or_default(),
            export: export(request, supply, country),
            transport: request.transport.as_ref().map(transport),
        };
        document.round_off = self.rounding(&document);
        Some(document)
    }

    fn supply(&self, kind: Option<RecipientKind>, registered: bool, place: &str) -> SupplyType {
        let request = self.request;
        let zero = |amount: Option<Amount>| amount.is_none_or(|amount| amount.0.is_zero());
        // Final amounts of tax that are all zero say that none is paid.
        let unpaid = request.lines().0.iter().all(|line| line.taxable.is_some() && line.igst.is_some() && zero(line.igst));
        match request.document.supply_type.unwrap_or(EinvoiceSupply::Regular) {
            EinvoiceSupply::SezWithPayment | EinvoiceSupply::Sezwp => SupplyType::SezWithPayment,
            EinvoiceSupply::SezWithoutPayment | EinvoiceSupply::Sezwop => SupplyType::SezWithoutPayment,
            EinvoiceSupply::ExportWithPayment | EinvoiceSupply::Expwp => SupplyType::ExportWithPayment,
            EinvoiceSupply::ExportWithoutPayment | EinvoiceSupply::Expwop => SupplyType::ExportWithoutPayment,
            EinvoiceSupply::DeemedExport | EinvoiceSupply::Dexp => SupplyType::DeemedExport,
            EinvoiceSupply::B2b => SupplyType::B2b,
            EinvoiceSupply::B2c => SupplyType::B2c,
            EinvoiceSupply::Regular => match kind {
                Some(RecipientKind::Sez) if unpaid => SupplyType::SezWithoutPayment,
                Some(RecipientKind::Sez) => SupplyType::SezWithPayment,
                // With its place in India it is a supply to an unregistered person (gst.md 2.1).
                Some(RecipientKind::Overseas) if place != OTHER_COUNTRIES => SupplyType::B2c,
                Some(RecipientKind::Overseas) if unpaid => SupplyType::ExportWithoutPayment,
                Some(RecipientKind::Overseas) => SupplyType::ExportWithPayment,
                Some(RecipientKind::DeemedExport) => SupplyType::DeemedExport,
                Some(RecipientKind::Registered | RecipientKind::Composition) => SupplyType::B2b,
                None if registered => SupplyType::B2b,
                Some(RecipientKind::Unregistered) | None => SupplyType::B2c,
            },
        }
    }

    pub(super) fn not_negative(&mut self, pointer: &str, amount: Option<Amount>) -> Decimal {
        let amount = amount.map_or(Decimal::ZERO, |amount| amount.0);
        if amount.is_sign_negative() && !amount.is_zero() {
            self.fault(pointer, "too_small", "An amount is not negative; a credit note says so by its type.", amount);
        }
        if amount.normalize().scale() > 2 {
            self.fault(pointer, "amount_precision", "An amount in INR has at most 2 decimals.", amount);
        }
        amount
    }

    /// What lies between the sum of the parts and the invoice value.
    fn rounding(&mut self, document: &Document) -> Decimal {
        let given = &self.request.document;
        if let Some(rounding) = given.rounding {
            return rounding.0;
        }
        let total = payload::total(document);
        if let Some(value) = given.value {
            let difference = value.0 - total;
            if difference.abs() > Decimal::new(5, 1) {
                self.errors.push(
                    FieldError::at(
                        "/document/value",
                        "total_mismatch",
                        "The lines and charges come to another value; taxes under reverse charge are no part of it.",
                    )
                    .expected(total)
                    .received(value.0),
                );
            }
            return difference;
        }
        if given.round_to_rupee.unwrap_or(false) { round(total, 0) - total } else { Decimal::ZERO }
    }
}

fn party(given: &EinvoiceParty, gstin: Option<String>) -> Party {
    let address = given.address.clone().or_else(|| given.billing_address.clone()).unwrap_or_default();
    let abroad = address.country.as_deref().is_some_and(|country| country != "IN");
    let of_gstin = gstin.as_deref().and_then(|gstin| gstin.get(..2)).filter(|code| states::find(code).is_some_and(|state| state.domestic));
    let state = given.state.clone().or_else(|| given.state_code.clone()).or(if abroad { Some(OTHER_COUNTRIES.to_owned()) } else { address.state_code });
    Party {
        state: state.or_else(|| of_gstin.map(str::to_owned)),
        gstin,
        legal_name: given.legal_name.clone().or_else(|| given.name.clone()),
        trade_name: given.trade_name.clone(),
        line1: address.line1,
        line2: address.line2,
        city: address.city,
        pin: address.postal_code,
        phone: given.phone.clone(),
        email: given.email.clone(),
    }
}

fn payment(given: &EinvoicePayment) -> Payment {
    Payment {
        payee: given.payee.clone(),
        account: given.account.clone(),
        mode: given.mode.clone(),
        ifsc: given.ifsc.clone(),
        terms: given.terms.clone(),
        credit_days: given.credit_days,
        paid: given.paid.map(|amount| amount.0),
        due: given.due.map(|amount| amount.0),
    }
}

fn export(request: &EinvoiceRequest, supply: SupplyType, country: Option<String>) -> Option<Export> {
    let given = request.export.as_ref();
    if given.is_none() && !supply.is_export() {
        return None;
    }
    let currency = request.document.currency.clone().filter(|currency| currency != "INR");
    Some(Export {
        shipping_bill: given.and_then(|given| given.shipping_bill.clone()),
        shipping_bill_date: given.and_then(|given| given.shipping_bill_date),
        port: given.and_then(|given| given.port.clone()),
        refund_claimed: given.and_then(|given| given.refund_claimed),
        currency: given.and_then(|given| given.currency.clone()).or(currency),
        country: given.and_then(|given| given.country.clone()).or(country),
        duty: given.and_then(|given| given.duty).map(|duty| duty.0),
    })
}

fn transport(given: &EinvoiceTransport) -> Transport {
    Transport {
        transporter: given.transporter.clone(),
        transporter_name: given.transporter_name.clone(),
        mode: given.mode.clone(),
        distance: given.distance,
        document: given.document.clone(),
        document_date: given.document_date,
        vehicle: given.vehicle.clone(),
        vehicle_type: given.vehicle_type.clone(),
    }
}
