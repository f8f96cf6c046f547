//! What each client is allowed now, read from the database every second into memory: no request pays for the check, and what
//! is taken away ends for tokens that are out. In return it is noted who called, and written down together.

use super::service::ip_not_allowed;
use super::store::{self, StandingRow};
use crate::platform::clock;
use crate::platform::http::address::Network;
use crate::platform::http::problem::{self, Problem};
use crate::platform::jobs::Job;
use crate::platform::unit_of_work::{Actor, Doors, Principal, run_system, run_system_read};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{LazyLock, Mutex, PoisonError, RwLock};
use std::time::Duration;
use uuid::Uuid;

/// A client as it stands.
#[derive(Debug, Clone)]
pub struct Known {
    active: bool,
    scopes: Vec<String>,
    networks: Vec<Network>,
    requests_per_minute: Option<u32>,
}

impl From<&StandingRow> for Known {
    fn from(row: &StandingRow) -> Self {
        Self {
            active: row.active,
            scopes: row.scopes.0.clone(),
            networks: row.allowed_ips.iter().flat_map(|allowed| &allowed.0).filter_map(|text| text.parse().ok()).collect(),
            requests_per_minute: row.requests_per_minute.and_then(|n| u32::try_from(n).ok()),
        }
    }
}

impl Known {
    #[must_use]
    pub fn allows(&self, from: IpAddr) -> bool {
        self.networks.is_empty() || self.networks.iter().any(|network| network.holds(from))
    }
}

static KNOWN: LazyLock<RwLock<HashMap<Uuid, Known>>> = LazyLock::new(RwLock::default);
/// The newest change taken in.
static NEWEST: Mutex<DateTime<Utc>> = Mutex::new(DateTime::UNIX_EPOCH);
/// When a client called last, and from where.
type Calls = HashMap<Uuid, (DateTime<Utc>, IpAddr)>;
static CALLED: LazyLock<Mutex<Calls>> = LazyLock::new(Mutex::default);

#[must_use]
pub fn jobs() -> [Job; 2] {
    [
        Job { name: "API clients", every: Duration::from_secs(1), run: Box::new(refresh) },
        Job { name: "uses of API clients", every: Duration::from_secs(5), run: Box::new(write_down) },
    ]
}

/// A change is seen when it commits, which may be a statement timeout after its time.
const OVERLAP: TimeDelta = TimeDelta::minutes(1);

/// Takes in what was changed lately; at first, everything, which is done before the first request.
pub fn refresh(doors: &Doors) -> Result<(), Problem> {
    let mut newest = NEWEST.lock().unwrap_or_else(PoisonError::into_inner);
    for row in run_system_read(doors, None, "readApiClients", |rx| store::standings(rx, *newest - OVERLAP))? {
        *newest = row.updated_at.max(*newest);
        learn(&row);
    }
    Ok(())
}

/// Takes in one client.
pub fn learn(row: &StandingRow) {
    if let Ok(mut known) = KNOWN.write() {
        known.insert(row.id, row.into());
    }
}

/// Of who a token speaks for, what is allowed now, from where the request comes. One that is not known yet was made less than a
/// second ago, elsewhere, from an address that was checked there: its token counts.
pub fn admitted(mut principal: Principal, from: IpAddr) -> Result<Principal, Problem> {
    let Actor::Client(id) = principal.actor else { return Ok(principal) };
    let known = KNOWN.read().ok().and_then(|known| known.get(&id).cloned());
    if let Some(known) = known {
        if !known.active {
            return Err(Problem::new(problem::TOKEN_INVALID, "The access token is not valid.").header("www-authenticate", "Bearer error=\"invalid_token\""));
        }
        if !known.allows(from) {
            return Err(ip_not_allowed(from));
        }
        if let Some(scopes) = &mut principal.scopes {
            scopes.retain(|scope| known.scopes.contains(scope));
        }
        principal.requests_per_minute = known.requests_per_minute;
    }
    if let Ok(mut called) = CALLED.lock() {
        called.insert(id, (clock::now(), from));
    }
    Ok(principal)
}

/// Writes down who called since the last time.
fn write_down(doors: &Doors) -> Result<(), Problem> {
    let called = CALLED.lock().map(|mut called| std::mem::take(&mut *called)).unwrap_or_default();
    if called.is_empty() {
        return Ok(());
    }
    run_system(doors, None, "noteUses", |tx| store::called(tx, &called))
}
