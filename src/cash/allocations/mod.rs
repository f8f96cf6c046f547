//! Allocations: which money settles which invoice, and taking that back.
//!
//! Decides: how much of a receipt goes to which document. Writes through `ledger::settle` only. Any
//! single allocation can be reversed, in any order, by a new dated row; nothing depends on another.

pub mod http;
pub mod problems;
pub mod rules;
pub mod service;
pub mod store;
pub mod types;
