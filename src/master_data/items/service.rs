//! The verbs of items.

use super::store;
use super::types::{Item, ItemPatch, NewItem};
use crate::platform::http::reply::require_version;
use crate::platform::http::{FieldError, Problem};
use crate::platform::ids::ItemId;
use crate::platform::money::Rate;
use crate::platform::unit_of_work::{Audited, Change, Tx};
use crate::tax::gst::units;
use crate::tax::tools::rules;

pub fn create(tx: &mut Tx<'_>, new: &NewItem) -> Result<Audited<Item>, Problem> {
    let unit = new.unit.as_deref().unwrap_or(if new.is_service { units::OTHER } else { "NOS" });
    let mut errors = rate_fault(tx, new.tax_rate);
    if !units::is_unit(unit) {
        errors.push(FieldError::at("/unit", "unit_unknown", "This is not a unit quantity code of the GST portal.").received(unit));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let id = store::insert(tx, new, unit)?;
    let made = store::get(tx, id, false)?;
    Ok(tx.record(Change::new("item.created", id.uuid()).after(&made), made))
}

pub fn update(tx: &mut Tx<'_>, id: ItemId, version: Option<i64>, patch: &ItemPatch) -> Result<Audited<Item>, Problem> {
    let before = store::get(tx, id, true)?;
    require_version(version, before.version)?;
    let errors = patch.tax_rate.map(|rate| rate_fault(tx, rate)).unwrap_or_default();
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let mut wanted = before.clone();
    if let Some(name) = &patch.name {
        wanted.name.clone_from(name);
    }
    wanted.unit_price = patch.unit_price.unwrap_or(wanted.unit_price);
    wanted.tax_rate = patch.tax_rate.unwrap_or(wanted.tax_rate);
    wanted.active = patch.active.unwrap_or(wanted.active);
    store::update(tx, &wanted)?;
    let after = store::get(tx, id, false)?;
    Ok(tx.record(Change::new("item.updated", id.uuid()).version(after.version).before(&before).after(&after), after))
}

fn rate_fault(tx: &Tx<'_>, rate: Rate) -> Vec<FieldError> {
    rules::rate_fault("/tax_rate", rate.0, tx.cx().today, None).into_iter().collect()
}
