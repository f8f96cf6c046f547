//! Approvals: one inbox for every act that needs a second person.
//!
//! A domain declares its acts as [`Action`]s and asks [`gate`] before it does one. Within the zero band, for
//! callers who may act directly, the gate is open; otherwise the subject waits and [`service::approve`]
//! runs the act in the transaction of the last decision. Maker is never checker (SOD-01), bands count the
//! rolling 30 days of a requester and customer (SOD-17), and who approves approves exactly the version
//! they saw. Owns `approval`, `approval_decision`, `approval_policy`.

pub mod http;
pub mod problems;
pub mod rules;
pub mod service;
pub mod store;
pub mod types;

pub use service::{Gate, Request, concede, gate, gate_unless_direct, pending, refuse_salesperson, subject_changed};

use crate::ledger::open_items::store::parties;
use crate::platform::http::Problem;
use crate::platform::ids::{ApprovalId, CustomerId};
use crate::platform::unit_of_work::{Rx, Tx};
use chrono::{DateTime, Utc};
use rules::Band;
use rust_decimal::Decimal;
use serde_json::Value;
use std::sync::OnceLock;
use uuid::Uuid;

/// In place of a permission: held by no one.
pub const NOBODY: &str = "nobody";

/// An act under approval.
pub struct Action {
    /// `credit_note.issue`: the word before the dot is the type of the subject.
    pub name: &'static str,
    /// What policies and the inbox call it: `notes`.
    pub kind: &'static str,
    /// What deciding it needs.
    pub permission: &'static str,
    /// Who holds this acts alone within the zero band; everybody else only asks. [`NOBODY`]: it always takes
    /// another person, and no band can say otherwise.
    pub direct: &'static str,
    /// Who handled the customer's cash in the last 90 days may not decide it (SOD-02).
    pub bars_cash_handlers: bool,
    /// The customer's salesperson may not decide it (SOD-04).
    pub bars_salesperson: bool,
    /// Bands until the company sets others.
    pub bands: &'static [Band],
    /// Whose balances the act touches: they are locked before the request, in one order, so that nothing
    /// the act locks later can wait in a circle.
    pub parties: fn(&mut Rx<'_>, &Approved) -> Result<Vec<CustomerId>, Problem>,
    /// The subject's version now; the act is stale when it differs from the one decided on.
    pub version: fn(&mut Rx<'_>, &Approved) -> Result<i64, Problem>,
    pub execute: fn(&mut Tx<'_>, &Approved) -> Result<(), Problem>,
    /// Takes the subject back to where it was; for rejected and withdrawn requests.
    pub reject: fn(&mut Tx<'_>, &Approved) -> Result<(), Problem>,
}

/// [`Action::parties`] of an act on one customer alone: whom the request names.
pub fn of_request(_: &mut Rx<'_>, asked: &Approved) -> Result<Vec<CustomerId>, Problem> {
    Ok(asked.customer.into_iter().collect())
}

/// [`Action::parties`] of an act on a document that settled others: whom it concerns.
pub fn of_document(rx: &mut Rx<'_>, asked: &Approved) -> Result<Vec<CustomerId>, Problem> {
    let mut concerned = parties(rx, asked.subject)?;
    concerned.extend(asked.customer);
    Ok(concerned)
}

/// What an act is told of its approval.
#[derive(Debug, Clone)]
pub struct Approved {
    pub id: ApprovalId,
    pub subject: Uuid,
    pub subject_version: i64,
    pub customer: Option<CustomerId>,
    /// In base currency.
    pub amount: Decimal,
    /// Who asked, as `created_by` shows it.
    pub requested_by: String,
    pub reason: Option<String>,
    /// What the domain wanted to keep of the request.
    pub payload: Value,
}

/// Whether a person recorded money of a customer since an instant, whoever identified it or took it to the bank
/// afterwards: what only the area of receipts knows.
pub type RecordedCash = fn(&mut Rx<'_>, CustomerId, &str, DateTime<Utc>) -> Result<bool, Problem>;

static ACTIONS: OnceLock<&'static [&'static Action]> = OnceLock::new();
static RECORDED_CASH: OnceLock<RecordedCash> = OnceLock::new();

/// Makes the acts of all domains known, and who knows of cash; done once by the composition.
pub fn install(actions: &'static [&'static Action], recorded_cash: RecordedCash) {
    let _ = ACTIONS.set(actions);
    let _ = RECORDED_CASH.set(recorded_cash);
}

/// Whether a person handled money of a customer since an instant (SOD-02).
fn handled_cash(rx: &mut Rx<'_>, customer: CustomerId, actor: &str, since: DateTime<Utc>) -> Result<bool, Problem> {
    let recorded = RECORDED_CASH.get().ok_or_else(|| Problem::internal(&"nobody knows of cash"))?;
    Ok(store::handled_cash(rx, customer, actor, since)? || recorded(rx, customer, actor, since)?)
}

fn action(name: &str) -> Result<&'static Action, Problem> {
    let found = ACTIONS.get().and_then(|actions| actions.iter().find(|action| action.name == name));
    found.copied().ok_or_else(|| Problem::internal(&format!("no act is called {name}")))
}

fn actions() -> &'static [&'static Action] {
    ACTIONS.get().copied().unwrap_or_default()
}
