//! What is billed: invoices.

pub mod invoices;
