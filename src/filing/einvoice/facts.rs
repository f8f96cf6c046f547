//! A document of the company → the document the portal sees. Pure.
//!
//! Amounts of a document in another currency are converted line by line at its rate; what the sum then lacks of the
//! total in rupees is its rounding, as the ledger's entry has it.

use super::payload::{Document, Export, Line, Party, Payment, total};
use crate::billing::invoices::order::Kind;
use crate::billing::invoices::rules::PricedLine;
use crate::billing::invoices::store::Stored;
use crate::master_data::customers::types::{Address, AddressKind, Customer};
use crate::master_data::gst_registrations::types::GstRegistration;
use crate::platform::money::{Currency, round};
use crate::tax::gst::irp::DocumentType;
use crate::tax::gst::supply::OTHER_COUNTRIES;
use rust_decimal::Decimal;

impl Kind {
    /// As the portal knows it.
    #[must_use]
    pub const fn of_portal(self) -> DocumentType {
        match self {
            Self::Invoice => DocumentType::Invoice,
            Self::CreditNote => DocumentType::CreditNote,
            Self::DebitNote => DocumentType::DebitNote,
        }
    }
}

/// An issued document as the portal sees it.
#[must_use]
pub fn document(stored: &Stored, number: &str, registration: &GstRegistration, customer: &Customer, base: Currency) -> Document {
    let supply = stored.supply.of_law();
    let abroad = supply.is_export();
    let gstin = stored.buyer_gstin.as_deref().filter(|_| !abroad);
    let billing = address(customer, AddressKind::Billing, gstin);
    let name = short(Some(&stored.customer_name), 100);
    let own_state = |gstin: Option<&str>| gstin.and_then(|gstin| gstin.get(..2)).map(str::to_owned);
    let buyer = Party {
        gstin: gstin.map(str::to_owned),
        legal_name: name.clone(),
        state: if abroad { Some(OTHER_COUNTRIES.to_owned()) } else { own_state(gstin) },
        ..at(billing)
    };
    let elsewhere = address(customer, AddressKind::Shipping, gstin).filter(|to| !abroad && to.postal_code.is_some() && to.country == "IN");
    let ship_to = elsewhere.filter(|_| billing.is_some()).map(|to| Party {
        gstin: to.gstin.clone(),
        legal_name: name,
        state: own_state(to.gstin.as_deref()).or_else(|| to.state_code.clone()),
        ..at(Some(to))
    });
    let place_of_business = registration.address.as_ref();
    let seller = Party {
        gstin: Some(stored.seller_gstin.clone()),
        legal_name: short(Some(&registration.legal_name), 100),
        trade_name: short(registration.trade_name.as_ref(), 100),
        line1: place_of_business.map(|address| address.line1.clone()),
        line2: place_of_business.and_then(|address| address.line2.clone()),
        city: place_of_business.map(|address| address.city.clone()),
        pin: place_of_business.map(|address| address.postal_code.clone()),
        state: Some(registration.state_code.clone()),
        phone: registration.phone.clone(),
        email: registration.email.clone(),
    };
    let rate = stored.rate;
    let foreign = stored.currency.code() != "INR";
    let lines = (1..).zip(&stored.lines).map(|(number, (_, line))| line_of(number, line, stored.pricing.of_line(number - 1).1, rate)).collect();
    let open = round(stored.settled.open * rate, 2);
    let mut document = Document {
        kind: stored.kind.of_portal(),
        number: number.to_owned(),
        date: stored.date,
        supply,
        reverse_charge: stored.reverse_charge,
        operator_gstin: stored.operator.as_ref().map(|operator| operator.gstin.clone()),
        seller,
        seller_sez: stored.seller_sez,
        buyer,
        place: stored.place.clone(),
        dispatch: None,
        ship_to,
        lines,
        discount: Decimal::ZERO,
        other_charges: round(stored.pricing.other_charges * rate, 2),
        round_off: Decimal::ZERO,
        total_in_currency: foreign.then(|| (stored.currency.code().to_owned(), stored.total)),
        originals: stored.note.as_ref().and_then(|note| note.original.as_ref()).and_then(|o| Some((o.number.clone()?, o.date))).into_iter().collect(),
        payment: Payment {
            credit_days: (stored.kind != Kind::CreditNote).then(|| (stored.due_date - stored.date).num_days().clamp(0, 9999)),
            due: (stored.kind != Kind::CreditNote).then_some(open),
            ..Payment::default()
        },
        export: abroad.then(|| Export {
            shipping_bill: stored.shipping.as_ref().map(|bill| bill.number.clone()),
            shipping_bill_date: stored.shipping.as_ref().map(|bill| bill.date),
            port: stored.shipping.as_ref().and_then(|bill| bill.port_code.clone()),
            currency: foreign.then(|| stored.currency.code().to_owned()),
            country: billing.map(|address| address.country.clone()).filter(|country| country != "IN"),
            ..Export::default()
        }),
        transport: None,
    };
    document.round_off = stored.base_total(base) - total(&document);
    document
}

fn line_of(number: usize, line: &PricedLine, cess_per_unit: Decimal, rate: Decimal) -> Line {
    let rupees = |value: Decimal| round(value * rate, 2);
    let taxable = rupees(line.tax.taxable);
    let each = line.tax.taxable.checked_div(line.quantity).unwrap_or(line.tax.taxable) * rate;
    // A price that includes the tax says nothing of what is off without it.
    let gross = (!line.tax_inclusive).then(|| rupees(line.quantity * line.unit_price)).filter(|gross| *gross >= taxable);
    let cess = rupees(line.tax.cess);
    let fixed_cess = rupees(line.quantity * cess_per_unit).min(cess);
    Line {
        number,
        description: short(Some(&line.description), 300).filter(|text| text.chars().count() >= 3),
        is_service: line.is_service,
        hsn: Some(line.hsn_code.clone()),
        quantity: Some(line.quantity),
        free_quantity: None,
        // `NA` is what returns say of services.
        unit: Some(line.unit.clone()).filter(|unit| unit != "NA"),
        unit_price: gross.map_or(each, |_| line.unit_price * rate),
        gross: gross.unwrap_or(taxable),
        taxable,
        treatment: line.treatment.of_law(),
        rate: line.tax_rate,
        igst: rupees(line.tax.igst),
        cgst: rupees(line.tax.cgst),
        sgst: rupees(line.tax.sgst),
        cess_rate: line.cess_rate,
        cess: cess - fixed_cess,
        fixed_cess,
        state_cess_rate: Decimal::ZERO,
        state_cess: Decimal::ZERO,
        other_charges: Decimal::ZERO,
    }
}

/// The customer's address of a kind that fits a registration best: the one of that GSTIN, the default, any.
fn address<'c>(customer: &'c Customer, kind: AddressKind, gstin: Option<&str>) -> Option<&'c Address> {
    let own = customer.addresses.iter().filter(|address| address.kind == kind);
    own.min_by_key(|address| (gstin.is_none() || address.gstin.as_deref() != gstin, !address.is_default, address.id))
}

fn at(address: Option<&Address>) -> Party {
    Party {
        line1: address.and_then(|address| short(Some(&address.line1), 100)),
        line2: address.and_then(|address| short(address.line2.as_ref(), 100)),
        city: address.and_then(|address| short(Some(&address.city), 50)),
        pin: address.and_then(|address| address.postal_code.clone()),
        ..Party::default()
    }
}

/// Text as the portal takes it: no longer, without quotation marks and backslashes.
fn short(text: Option<&String>, most: usize) -> Option<String> {
    let plain: String = text?.trim().chars().map(|c| if c == '"' { '\'' } else { c }).map(|c| if c == '\\' { '/' } else { c }).take(most).collect();
    Some(plain.trim_end().to_owned()).filter(|plain| !plain.is_empty())
}
