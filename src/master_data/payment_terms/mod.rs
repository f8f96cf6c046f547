//! When invoices fall due: instalments by share, days, months, end of month, and the
//! discount for paying early. Owns `payment_terms`.

pub mod http;
pub mod problems;
pub mod rules;
pub mod service;
pub mod store;
pub mod types;
