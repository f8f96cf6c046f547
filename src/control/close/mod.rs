//! Closing months: the checklist, the two levels of closing, and reopening by a second person.
//!
//! Decides: whether a month may be closed for good. The states and snapshots are the ledger's; what
//! other areas want looked at before a close they register as a [`Check`].

pub mod http;
pub mod problems;
pub mod service;
pub mod store;
pub mod types;

use crate::ledger::periods::Period;
use crate::platform::http::Problem;
use crate::platform::unit_of_work::Rx;
use std::sync::OnceLock;

/// One point of the checklist of a month.
pub struct Check {
    pub task: &'static str,
    /// Whether a hard close waits for it; otherwise what it finds is only listed.
    pub blocking: bool,
    /// What is right when it finds nothing.
    pub about: &'static str,
    /// What stands in the way.
    pub find: fn(&mut Rx<'_>, &Period) -> Result<Vec<Finding>, Problem>,
}

/// One thing a check found.
#[derive(Debug, Clone, serde::Serialize, utoipa::ToSchema)]
#[schema(as = CloseFinding)]
pub struct Finding {
    #[schema(max_length = 30, example = "invoice")]
    pub r#type: &'static str,
    /// Its id, or what it is known by.
    #[schema(max_length = 50, example = "0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42")]
    pub id: String,
    #[schema(max_length = 300, example = "Draft of 2025-10-30")]
    pub label: String,
}

static REGISTERED: OnceLock<&'static [Check]> = OnceLock::new();

/// Adds the checks of areas that know more than the ledger.
pub fn install(checks: &'static [Check]) {
    let _ = REGISTERED.set(checks);
}

/// Every check, in the order of the checklist.
fn checks() -> impl Iterator<Item = &'static Check> {
    store::CHECKS.iter().chain(REGISTERED.get().copied().unwrap_or_default())
}
