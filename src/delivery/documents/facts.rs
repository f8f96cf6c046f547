//! What a document says of people and places, kept the first time it is made.

use super::types::SettingsContent;
use crate::master_data::companies::types::Company;
use crate::master_data::customers::types::{Address, AddressKind, Customer};
use crate::master_data::gst_registrations::types::GstRegistration;
use crate::tax::gst::states;
use serde::{Deserialize, Serialize};

/// One side of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    pub name: String,
    /// The seller's beside its legal name.
    pub trade_name: Option<String>,
    /// GST State code.
    pub state: Option<String>,
    pub gstin: Option<String>,
    pub pan: Option<String>,
    /// Lines as they are printed.
    pub address: Vec<String>,
    /// ISO 3166-1.
    pub country: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    /// Where consumers pay the seller.
    pub vpa: Option<String>,
    /// The customer's code.
    pub code: Option<String>,
}

/// Everything that may change after a document was issued.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub seller: Party,
    pub buyer: Party,
    /// Where goods go, if elsewhere.
    pub ship_to: Option<Party>,
    pub settings: SettingsContent,
    /// Whether it says why it is no e-invoice (r.46(s)).
    #[serde(default)]
    pub declares_exemption: bool,
}

fn lines(line1: &str, line2: Option<&str>, city: &str, postal_code: Option<&str>) -> Vec<String> {
    let town = match postal_code.filter(|code| !code.is_empty()) {
        Some(code) => format!("{city} {code}"),
        None => city.to_owned(),
    };
    [Some(line1), line2, Some(&town)].into_iter().flatten().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
}

/// The company under one of its registrations (r.46(a)).
#[must_use]
pub fn seller(company: &Company, registration: &GstRegistration) -> Party {
    Party {
        name: registration.legal_name.clone(),
        trade_name: registration.trade_name.clone(),
        state: Some(registration.state_code.clone()),
        gstin: Some(registration.gstin.clone()),
        pan: company.pan.clone(),
        address: registration.address.as_ref().map_or_else(Vec::new, |a| lines(&a.line1, a.line2.as_deref(), &a.city, Some(&a.postal_code))),
        country: Some("IN".into()),
        phone: registration.phone.clone(),
        email: registration.email.clone(),
        vpa: registration.vpa.clone(),
        code: None,
    }
}

/// A customer at one of its addresses. Name and GSTIN are those the document was issued with, where it has them.
fn customer_at(customer: &Customer, address: Option<&Address>, name: &str, gstin: Option<&str>) -> Party {
    let state = gstin.and_then(|gstin| gstin.get(..2)).or(address.and_then(|address| address.state_code.as_deref()));
    Party {
        name: name.to_owned(),
        state: state.map(|code| states::current_code(code).to_owned()),
        gstin: gstin.map(str::to_owned),
        pan: customer.pan.clone(),
        address: address.map_or_else(Vec::new, |a| lines(&a.line1, a.line2.as_deref(), &a.city, a.postal_code.as_deref())),
        country: address.map(|address| address.country.clone()),
        code: Some(customer.code.clone()),
        ..Party::default()
    }
}

/// The customer's address of a kind that fits a registration best: the one of that GSTIN, the default, any.
fn address<'c>(customer: &'c Customer, kind: AddressKind, gstin: Option<&str>) -> Option<&'c Address> {
    let mut own: Vec<&Address> = customer.addresses.iter().filter(|address| address.kind == kind).collect();
    own.sort_by_key(|address| (gstin.is_none() || address.gstin.as_deref() != gstin, !address.is_default, address.id));
    own.first().copied()
}

/// The two of a document's recipient: billed to, and shipped to where that is elsewhere.
#[must_use]
pub fn buyer(customer: &Customer, name: &str, gstin: Option<&str>) -> (Party, Option<Party>) {
    let billing = address(customer, AddressKind::Billing, gstin);
    let shipping = address(customer, AddressKind::Shipping, gstin);
    let party = customer_at(customer, billing.or(shipping), name, gstin);
    let ship_to = shipping
        .filter(|_| billing.is_some())
        .map(|address| Party { state: address.state_code.clone(), gstin: address.gstin.clone(), ..customer_at(customer, Some(address), name, None) })
        .filter(|ship| ship.address != party.address);
    (party, ship_to)
}
