//! Receipts: money in, with what was deducted from it.
//!
//! Decides: what a receipt is worth and what it settles on entry. Owns `receipt` and
//! `receipt_deduction`. A receipt is posted when it is recorded and never changes; what it settles
//! are allocations.

pub mod http;
pub mod posting;
pub mod problems;
pub mod rules;
pub mod service;
pub mod store;
pub mod types;
