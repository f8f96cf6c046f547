//! The only way to the database: who, in which company, in which transaction, at what time.
//!
//! A handler asks for `Caller<P>`; the permission `P` was checked when it gets one. `write` runs a
//! closure in one transaction and demands an audit event from it; `read` runs READ ONLY on one
//! snapshot. The closure is not async, so nothing can wait for a network inside a transaction.

mod audit;
mod bulk;
mod caller;
mod doors;
mod entry;
pub mod expansion;
mod facts;
mod gate;
mod group;
mod idempotency;
pub mod permissions;
mod run;
mod start;
mod transaction;

pub use audit::{ADOPTED, Audited, Change, EventKey, Outcomes};
pub use bulk::{Bulk, BulkMode, BulkReply, BulkRow, BulkSummary, ExternalId, each_row};
pub use caller::{Caller, Public};
pub use doors::Doors;
pub use entry::request_id;
pub use facts::{CompanyFacts, Einvoicing, SettlementPolicy};
pub use gate::{Class, Gate};
pub use idempotency::{key_fault, purge_idempotency_keys};
pub use permissions::Permission;
pub use run::{run_for, run_system, run_system_read, snapshot_for};
pub use start::Behalf;
pub use transaction::{Context, Rx, Tx};

use crate::platform::ids::CompanyId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
pub enum Actor {
    User(Uuid),
    Client(Uuid),
    /// The service itself: set-up, jobs, the command line.
    System,
}

impl Actor {
    /// A machine, as `created_by` shows it.
    #[must_use]
    pub fn machine(self) -> Option<String> {
        matches!(self, Self::Client(_)).then(|| self.to_string())
    }
}

impl std::fmt::Display for Actor {
    /// `user:0196…`, as `created_by` shows it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Client(id) => write!(f, "client:{id}"),
            Self::System => f.write_str("system"),
        }
    }
}

/// What a valid access token says.
#[derive(Debug, Clone)]
pub struct Principal {
    pub actor: Actor,
    pub company: CompanyId,
    pub roles: Vec<String>,
    /// `None` for people: their rights are those of their roles.
    pub scopes: Option<Vec<String>>,
    pub session: Uuid,
    /// What it may ask for, where that is not what the installation grants everybody.
    pub requests_per_minute: Option<u32>,
}

impl Principal {
    /// Role permissions ∩ token scope (∩ client grant, which the scope already is).
    #[must_use]
    pub fn may(&self, permission: &str) -> bool {
        if permission == "any" {
            return true;
        }
        permissions::grant(permission).is_some_and(|grant| self.roles.iter().any(|role| grant.held_by(role)))
            && self.scopes.as_ref().is_none_or(|scopes| scopes.iter().any(|scope| scope == permission))
    }
    /// Whether this is somebody who looks at everything and changes nothing (SOD-11).
    #[must_use]
    pub fn only_reads(&self) -> bool {
        self.roles.iter().any(|role| role == "auditor")
    }
    /// Whether the person may ask for what the permission grants, which then needs an approval.
    #[must_use]
    pub fn may_request(&self, permission: &str) -> bool {
        self.scopes.is_none() && permissions::grant(permission).is_some_and(|grant| self.roles.iter().any(|role| grant.requested_by(role)))
    }
    /// Whether the right is limited to the customers assigned to this person. What everybody may do shows of customers
    /// what the right to read them does.
    #[must_use]
    pub fn portfolio_only(&self, permission: &str) -> bool {
        let permission = if permission == "any" { "customers:read" } else { permission };
        permissions::grant(permission).is_some_and(|grant| {
            let mut held = self.roles.iter().filter(|role| grant.held_by(role)).peekable();
            held.peek().is_some() && held.all(|role| grant.portfolio_only(role))
        })
    }
}
