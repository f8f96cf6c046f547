//! The verbs of the company.

use super::store;
use super::types::{Company, CompanyPatch};
use crate::platform::http::Problem;
use crate::platform::http::reply::require_version;
use crate::platform::unit_of_work::{Audited, Change, Tx};

pub fn update(tx: &mut Tx<'_>, version: Option<i64>, patch: &CompanyPatch) -> Result<Audited<Company>, Problem> {
    let before = store::get(tx, true)?;
    require_version(version, before.version)?;
    let mut wanted = before.clone();
    if let Some(name) = &patch.legal_name {
        wanted.legal_name.clone_from(name);
    }
    if let Some(round) = patch.settings.as_ref().and_then(|s| s.round_to_unit) {
        wanted.settings.round_to_unit = round;
    }
    store::update(tx, &wanted)?;
    let after = store::get(tx, false)?;
    Ok(tx.record(Change::new("company.updated", after.id.uuid()).version(after.version).before(&before).after(&after), after))
}
