//! The verbs of GST registrations.

use super::store;
use super::types::{GstRegistration, NewGstRegistration};
use crate::master_data::companies;
use crate::platform::http::{FieldError, Problem};
use crate::platform::unit_of_work::{Audited, Change, Tx};
use crate::tax::gst::gstin::{Gstin, Mode};

/// Reads a GSTIN or says why it is none.
pub fn read_gstin(pointer: &str, text: &str) -> Result<Gstin, FieldError> {
    Gstin::parse(text, Mode::Strict)
        .map_err(|fault| FieldError::at(pointer, "gstin_invalid", format!("{} ({})", fault.message(), fault.reason())).received(text))
}

pub fn register(tx: &mut Tx<'_>, new: &NewGstRegistration) -> Result<Audited<GstRegistration>, Problem> {
    let company = companies::store::get(tx, false)?;
    let gstin = read_gstin("/gstin", &new.gstin).map_err(|error| Problem::invalid(vec![error]))?;
    if company.pan.is_some() && gstin.pan() != company.pan.as_deref() {
        return Err(Problem::invalid(vec![
            FieldError::at("/gstin", "pan_mismatch", "The GSTIN holds another PAN than the company's.")
                .expected(company.pan.unwrap_or_default())
                .received(gstin.pan().unwrap_or_default()),
        ]));
    }
    let id = store::insert(tx, gstin.as_str(), gstin.state_code(), new.legal_name.as_deref().unwrap_or(&company.legal_name), new.registered_on)?;
    let made = store::find(tx, Some(id))?.ok_or_else(|| Problem::internal(&"registration vanished"))?;
    Ok(tx.record(Change::new("gst_registration.created", id.uuid()).after(&made), made))
}
