//! Receipts: money in, with what was deducted from it.
//!
//! Decides: what a receipt is worth and what it settles on entry, and what becomes of a cheque. Owns `receipt` and
//! `receipt_deduction`. What a receipt says never changes; its state goes forward only, and what it settles
//! are allocations.

pub mod advance;
pub mod http;
pub mod posting;
pub mod problems;
pub mod rules;
pub mod service;
pub mod store;
pub mod types;
