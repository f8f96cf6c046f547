//! Allocations: which money settles which document, and taking that back.
//!
//! Decides: how much of a receipt or other credit goes to which document, and what discount or tolerance that
//! earns. Writes through `ledger::settle` only. Any single allocation can be reversed, in any order, by a new
//! dated row; what was granted for its sake goes with it.

pub mod http;
pub mod problems;
pub mod rules;
pub mod service;
pub mod settlement;
pub mod store;
pub mod types;
