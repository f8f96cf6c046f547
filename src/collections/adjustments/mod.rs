//! Adjustments: a customer's item made smaller or larger against an account, and small balances cleared.
//!
//! Decides: which item, by how much, and whether a second person must agree. An adjustment of the opposite sign
//! settles its item; one of the same sign opens an item of its own with the same due date. Small balances
//! are cleared in a run within caps: all or none, one adjustment a customer and currency, one approval for the
//! total. A run is approved exactly as it was shown. Owns `adjustment`, `adjustment_line`.

pub mod http;
pub mod problems;
pub mod service;
pub mod store;
pub mod types;
