//! What a request needs to get in: kept once per process.

use super::audit::EventKey;
use super::facts::Facts;
use super::group::Groups;
use super::{Gate, Principal};
use crate::platform::http::limits::Limits;
use crate::platform::http::problem::Problem;
use crate::platform::ids::CompanyId;
use crate::platform::postgres::Pool;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Tells who a token speaks for that came from an address; given by the composition, as tokens are another area's business.
pub type Authenticate = Box<dyn Fn(&str, IpAddr) -> Result<Principal, Problem> + Send + Sync>;

/// What a request needs to get in: kept once per process.
pub struct Doors {
    pub pool: Pool,
    pub gate: Gate,
    pub authenticate: Authenticate,
    pub event_key: EventKey,
    /// Wakes those who wait for something that came to pass in the background.
    pub news: News,
    pub(super) limits: Limits,
    pub(super) groups: Groups,
    written: Mutex<Written>,
    pub(super) facts: Facts,
}

impl Doors {
    pub fn new(pool: Pool, gate: Gate, authenticate: Authenticate, event_key: EventKey) -> Self {
        Self {
            pool,
            gate,
            authenticate,
            event_key,
            news: News::default(),
            limits: Limits::default(),
            groups: Groups::default(),
            written: Mutex::default(),
            facts: Facts::default(),
        }
    }
    /// Counts what each caller asks for.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }
    /// Notes that a company has audit events that wait to be sealed.
    pub fn wrote(&self, company: CompanyId) {
        if let Ok(mut written) = self.written.lock() {
            written.companies.insert(company);
        }
    }
    /// The companies noted since the last time; now and then all of them, as other processes write too.
    pub fn written(&self, all: impl FnOnce() -> Result<Vec<CompanyId>, Problem>) -> Result<Vec<CompanyId>, Problem> {
        const SWEEP: Duration = Duration::from_secs(60);
        let Ok(mut written) = self.written.lock() else { return all() };
        let noted = std::mem::take(&mut written.companies);
        if written.swept.is_none_or(|at| at.elapsed() >= SWEEP) {
            written.swept = Some(Instant::now());
            drop(written);
            return all();
        }
        Ok(noted.into_iter().collect())
    }
    /// Forgets cached facts after a change of the company.
    pub fn forget(&self, company: CompanyId) {
        self.facts.forget(company);
    }
}

/// What came to pass in the background of a company, for those who wait for it.
#[derive(Default)]
pub struct News {
    wake: Notify,
    brought: Mutex<HashMap<CompanyId, u64>>,
}

impl News {
    pub fn bring(&self, company: CompanyId) {
        if let Ok(mut brought) = self.brought.lock() {
            *brought.entry(company).or_default() += 1;
        }
        self.wake.notify_waiters();
    }
    pub(super) fn of(&self, company: CompanyId) -> u64 {
        self.brought.lock().map_or(0, |brought| brought.get(&company).copied().unwrap_or(0))
    }
    /// Returns when there was more than `known`.
    pub(super) async fn after(&self, company: CompanyId, known: u64) {
        loop {
            // Asked for before it is looked, so that nothing falls between the two.
            let mut woken = pin!(self.wake.notified());
            woken.as_mut().enable();
            if self.of(company) != known {
                return;
            }
            woken.await;
        }
    }
}

/// Companies with events to seal, and when all were looked at.
#[derive(Default)]
struct Written {
    companies: HashSet<CompanyId>,
    swept: Option<Instant>,
}
