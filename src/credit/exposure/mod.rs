//! How much of a customer, or of a group, is at risk: what is open, what is ordered, delivered and reserved, less
//! credit notes, cleared money on account and cover. Every component is told, counted or not.
//!
//! Now is read from kept balances, whatever number of items there is; a past day from the rows. Receivables count at
//! the rate they stand in the books at, orders at that of their day. Money that banks have not paid yet is known to a
//! later area, which the composition names ([`install`]). Owns nothing.

pub mod http;
pub mod service;
pub mod store;
pub mod types;

use crate::ledger::balances::At;
use crate::platform::http::Problem;
use crate::platform::ids::CustomerId;
use crate::platform::unit_of_work::Rx;
use rust_decimal::Decimal;
use std::sync::OnceLock;

/// Money of customers that is in the books and that no bank has paid yet, in base currency; of a day, or now.
pub type Uncleared = fn(&mut Rx<'_>, &[CustomerId], Option<At>) -> Result<Vec<(CustomerId, Decimal)>, Problem>;

static UNCLEARED: OnceLock<Uncleared> = OnceLock::new();

/// Says who knows what is uncleared; done once by the composition.
pub fn install(uncleared: Uncleared) {
    let _ = UNCLEARED.set(uncleared);
}

fn uncleared(rx: &mut Rx<'_>, customers: &[CustomerId], at: Option<At>) -> Result<Vec<(CustomerId, Decimal)>, Problem> {
    UNCLEARED.get().map_or_else(|| Ok(Vec::new()), |find| find(rx, customers, at))
}
