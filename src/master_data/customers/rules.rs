//! What makes a customer's data sound. Pure.

use super::types::{Metadata, NewAddressPart, NewCustomer};
use crate::platform::http::FieldError;
use crate::platform::money::Currency;
use crate::tax::gst::gstin::{Gstin, Mode, Pan};
use crate::tax::gst::states;

/// A customer's tax identity after normalisation.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub pan: Option<String>,
    pub gstin: Option<String>,
    /// All registrations with their States.
    pub gstins: Vec<(String, String)>,
}

/// Reads PAN, GSTINs, currency, addresses; names every fault.
pub fn identity(new: &NewCustomer, own_gstins: &[String], base: Currency) -> Result<Identity, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut identity = Identity::default();
    let given = new.gstin.iter().map(|text| ("/gstin".to_owned(), text)).chain(new.gstins.iter().enumerate().map(|(at, text)| (format!("/gstins/{at}"), text)));
    for (pointer, text) in given {
        match registration(&pointer, text, own_gstins) {
            Ok(gstin) => {
                if pointer == "/gstin" {
                    identity.gstin = Some(gstin.as_str().to_owned());
                    identity.pan = gstin.pan().map(str::to_owned);
                    let billing = new.billing_address.as_ref().and_then(|a| a.state_code.as_deref());
                    if let Some(state) = billing.filter(|state| !gstin.is_of_state(state)) {
                        errors.push(
                            FieldError::at("/billing_address/state_code", "state_mismatch", "The address lies in another State than the GSTIN.")
                                .expected(gstin.state_code())
                                .received(state),
                        );
                    }
                }
                let entry = (gstin.as_str().to_owned(), gstin.state_code().to_owned());
                if !identity.gstins.contains(&entry) {
                    identity.gstins.push(entry);
                }
            }
            Err(error) => errors.push(error),
        }
    }
    if let Some(text) = &new.pan {
        match Pan::parse(text) {
            Ok(pan) if identity.pan.as_deref().is_some_and(|of_gstin| of_gstin != pan.as_str()) => {
                errors.push(
                    FieldError::at("/pan", "pan_mismatch", "The GSTIN holds another PAN.").expected(identity.pan.clone().unwrap_or_default()).received(text),
                );
            }
            Ok(pan) => identity.pan = Some(pan.as_str().to_owned()),
            Err(fault) => errors.push(FieldError::at("/pan", "pan_invalid", fault.message()).received(text)),
        }
    }
    if let Some(code) = new.currency.as_deref() {
        match Currency::parse(code) {
            Some(currency) if currency == base => {}
            Some(_) => errors.push(
                FieldError::at("/currency", "currency_not_supported", "Documents are kept in the company's base currency.")
                    .expected(base.code())
                    .received(code),
            ),
            None => errors.push(FieldError::at("/currency", "currency_unknown", "This is not an ISO 4217 currency.").received(code)),
        }
    }
    for (name, address) in [("billing_address", &new.billing_address), ("shipping_address", &new.shipping_address)] {
        if let Some(address) = address {
            errors.extend(address_faults(&format!("/{name}"), address));
        }
    }
    if new.legal_name.trim().is_empty() {
        errors.push(FieldError::at("/legal_name", "required", "A customer has a name."));
    }
    errors.extend(tags(&new.tags).err().into_iter().flatten());
    errors.extend(metadata_faults(&new.metadata));
    if errors.is_empty() { Ok(identity) } else { Err(errors) }
}

fn registration(pointer: &str, text: &str, own: &[String]) -> Result<Gstin, FieldError> {
    let gstin = Gstin::parse(text, Mode::Strict)
        .map_err(|fault| FieldError::at(pointer, "gstin_invalid", format!("{} ({})", fault.message(), fault.reason())).received(text))?;
    if !gstin.category().can_be_recipient() {
        return Err(FieldError::at(pointer, "gstin_invalid", "This kind of registration cannot receive a tax invoice.").received(text));
    }
    if own.iter().any(|own| own == gstin.as_str()) {
        return Err(FieldError::at(pointer, "gstin_own", "This is the company's own GSTIN.").received(text));
    }
    Ok(gstin)
}

/// What is wrong with an address.
#[must_use]
pub fn address_faults(pointer: &str, address: &NewAddressPart) -> Vec<FieldError> {
    let mut errors = Vec::new();
    match address.state_code.as_deref() {
        None if address.country == "IN" => {
            errors.push(FieldError::at(format!("{pointer}/state_code"), "required", "An address in India has a GST State code."));
        }
        Some(code) if states::find(code).is_none_or(|state| !state.usable_as_place_of_supply) => {
            errors.push(FieldError::at(format!("{pointer}/state_code"), "state_unknown", "This is not a GST State code.").received(code));
        }
        _ => {}
    }
    if let Some(text) = &address.gstin
        && let Err(error) = registration(&format!("{pointer}/gstin"), text, &[])
    {
        errors.push(error);
    }
    errors
}

/// Tags in order, each once.
pub fn tags(given: &[String]) -> Result<Vec<String>, Vec<FieldError>> {
    let sound = |tag: &str| (1..=40).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
    let faults: Vec<_> = (0_usize..)
        .zip(given)
        .filter(|(_, tag)| !sound(tag))
        .map(|(at, tag)| FieldError::at(format!("/tags/{at}"), "tag_invalid", "A tag is 1 to 40 of a-z, 0-9, _ and -.").received(tag))
        .collect();
    let tags: std::collections::BTreeSet<&String> = given.iter().collect();
    if faults.is_empty() { Ok(tags.into_iter().cloned().collect()) } else { Err(faults) }
}

/// At most 20 keys of `[a-z0-9_]{1,40}` with values up to 500 characters.
#[must_use]
pub fn metadata_faults(metadata: &Metadata) -> Vec<FieldError> {
    let mut errors: Vec<_> = metadata
        .iter()
        .filter(|(key, value)| {
            key.is_empty() || key.len() > 40 || !key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') || value.chars().count() > 500
        })
        .map(|(key, _)| {
            FieldError::at(
                format!("/metadata/{}", key.replace('~', "~0").replace('/', "~1")),
                "metadata_invalid",
                "Keys are 1 to 40 of a-z, 0-9 and _; values up to 500 characters.",
            )
        })
        .collect();
    if metadata.len() > 20 {
        errors.push(FieldError::at("/metadata", "too_many", "At most 20 keys."));
    }
    errors
}
