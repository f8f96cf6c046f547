//! How much of a customer, or of a group, is at risk: what is open, what is ordered, delivered and reserved, less
//! credit notes, cleared money on account and cover. Every component is told, counted or not.
//!
//! Now is read from kept balances, whatever number of items there is; a past day from the rows, with the groups of that
//! day. What is in another currency counts at the newest rate known on the day, or as it was booked where none is. Money that banks have not paid yet is known to a
//! later area, which the composition names ([`install`]). Owns nothing.

pub mod http;
pub mod service;
pub mod store;
pub mod types;

use crate::ledger::balances::At;
use crate::platform::http::Problem;
use crate::platform::ids::CustomerId;
use crate::platform::unit_of_work::Rx;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::sync::OnceLock;

/// Finds money of customers that no bank has paid yet, in base currency; of a day, or now.
pub type Uncleared = fn(&mut Rx<'_>, &[CustomerId], Option<At>) -> Result<Vec<(CustomerId, Decimal)>, Problem>;

/// What only the area of receipts knows.
pub struct Cash {
    pub uncleared: Uncleared,
    /// How many payments of a customer came back unpaid on these days.
    pub bounced: fn(&mut Rx<'_>, CustomerId, NaiveDate, NaiveDate) -> Result<i64, Problem>,
}

static CASH: OnceLock<&'static Cash> = OnceLock::new();

/// Says who knows of cash; done once by the composition.
pub fn install(cash: &'static Cash) {
    let _ = CASH.set(cash);
}

fn uncleared(rx: &mut Rx<'_>, customers: &[CustomerId], at: Option<At>) -> Result<Vec<(CustomerId, Decimal)>, Problem> {
    CASH.get().map_or_else(|| Ok(Vec::new()), |cash| (cash.uncleared)(rx, customers, at))
}

/// How many payments of a customer came back unpaid from one day to another.
pub fn bounced(rx: &mut Rx<'_>, customer: CustomerId, from: NaiveDate, to: NaiveDate) -> Result<i64, Problem> {
    CASH.get().map_or(Ok(0), |cash| (cash.bounced)(rx, customer, from, to))
}
