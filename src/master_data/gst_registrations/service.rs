//! The verbs of GST registrations.

use super::store;
use super::types::{GstRegistration, GstRegistrationPatch, NewGstRegistration, RegistrationType};
use crate::master_data::companies;
use crate::platform::http::reply::require_version;
use crate::platform::http::{FieldError, Problem};
use crate::platform::ids::RegistrationId;
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
    let id = store::insert(
        tx,
        gstin.as_str(),
        gstin.state_code(),
        new.r#type.unwrap_or(RegistrationType::Regular),
        new.legal_name.as_deref().unwrap_or(&company.legal_name),
        new.registered_on,
    )?;
    let made = store::find(tx, Some(id))?.ok_or_else(|| Problem::internal(&"registration vanished"))?;
    Ok(tx.record(Change::new("gst_registration.created", id.uuid()).after(&made), made))
}

/// Changes what documents show of a registration; the GSTIN itself never changes.
pub fn update(tx: &mut Tx<'_>, id: RegistrationId, version: Option<i64>, patch: &GstRegistrationPatch) -> Result<Audited<GstRegistration>, Problem> {
    let before = store::lock(tx, id)?;
    require_version(version, before.version)?;
    let mut wanted = before.clone();
    wanted.r#type = patch.r#type.unwrap_or(wanted.r#type);
    if wanted.r#type != before.r#type && [wanted.r#type, before.r#type].contains(&RegistrationType::Sez) {
        let detail = "A registration of an SEZ is one of its own, which no other becomes (CGST Act s.25(1)); enter another GSTIN.";
        return Err(Problem::invalid(vec![FieldError::at("/type", "registration_type_fixed", detail).expected(before.r#type).received(wanted.r#type)]));
    }
    if let Some(name) = &patch.legal_name {
        wanted.legal_name.clone_from(name);
    }
    for (member, value) in
        [(&mut wanted.trade_name, &patch.trade_name), (&mut wanted.phone, &patch.phone), (&mut wanted.email, &patch.email), (&mut wanted.vpa, &patch.vpa)]
    {
        if let Some(value) = value {
            member.clone_from(value);
        }
    }
    if let Some(address) = &patch.address {
        wanted.address.clone_from(address);
    }
    wanted.cancelled_on = patch.cancelled_on.unwrap_or(wanted.cancelled_on);
    if let (Some(from), Some(to)) = (wanted.registered_on, wanted.cancelled_on.filter(|_| patch.cancelled_on.is_some()))
        && to < from
    {
        let detail = "A registration does not end before it began.";
        return Err(Problem::invalid(vec![FieldError::at("/cancelled_on", "before_registration", detail).expected(format!("at least {from}")).received(to)]));
    }
    store::update(tx, &wanted)?;
    let after = store::lock(tx, id)?;
    Ok(tx.record(Change::new("gst_registration.updated", id.uuid()).version(after.version).before(&before).after(&after), after))
}
