//! What-if: a credit policy over what was sold in the past.
//!
//! Decides: every invoice of a span of days is taken for an order of its date and judged by the policy, with exposure, limits,
//! overdue items and class as they stood at the end of the day before and the customer's earlier invoices of the same day. Then
//! it is told what became of what would have been held: paid late, overdue or written off (saved), or paid in time (cost). What
//! was sold in fact stays in the exposure of later days, also where it would have been held. Like a report it reads tables of
//! every area, and owns none.

pub mod http;
pub mod replay;
pub mod service;
pub mod store;
mod told;
pub mod types;
