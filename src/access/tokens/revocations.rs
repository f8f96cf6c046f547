//! Revoked subjects and sessions, read from the database every second into memory, so that no
//! request pays for the check and every replica hears of it.

use super::store;
use crate::platform::http::Problem;
use crate::platform::ids::CompanyId;
use crate::platform::jobs::Job;
use crate::platform::unit_of_work::{Doors, run_system_read};
use std::collections::HashMap;
use std::sync::{LazyLock, RwLock};
use std::time::Duration;
use uuid::Uuid;

static REVOKED: LazyLock<RwLock<HashMap<(Uuid, Uuid), i64>>> = LazyLock::new(RwLock::default);

#[must_use]
pub fn job() -> Job {
    Job { name: "revocations", every: Duration::from_secs(1), run: Box::new(refresh) }
}

/// Reads what was revoked lately; before the first request, too.
pub fn refresh(doors: &Doors) -> Result<(), Problem> {
    let rows = run_system_read(doors, None, "readRevocations", store::recent_revocations)?;
    if let Ok(mut map) = REVOKED.write() {
        *map = rows.into_iter().map(|row| ((row.company_id, row.subject), row.revoked_at.timestamp_millis())).collect();
    }
    Ok(())
}

/// Whether a token was revoked, or issued before its subject or session was. The token id is a `UUIDv7`,
/// whose first 48 bits are its milliseconds.
#[must_use]
pub fn revoked(company: CompanyId, subject: Uuid, session: Uuid, token: Uuid) -> bool {
    let issued = i64::try_from(token.as_u128() >> 80).unwrap_or(0);
    REVOKED.read().is_ok_and(|map| [subject, session, token].iter().any(|id| map.get(&(company.uuid(), *id)).is_some_and(|at| issued <= *at)))
}
