//! Money coming in and what it settles.

pub mod allocations;
pub mod receipts;
pub mod refunds;
pub mod tds;
