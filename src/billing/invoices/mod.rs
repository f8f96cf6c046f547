//! Invoices: draft → issued → cancelled.
//!
//! Decides: what an invoice costs, taxes and falls due, and when it may change. Owns `invoice` and
//! `invoice_line`. A draft has no number and may change; issuing prices it again, takes the number
//! and posts; an issued invoice never changes, it is cancelled by a dated mirror entry.

pub mod http;
pub mod posting;
pub mod problems;
pub mod rules;
pub mod service;
mod store;
pub mod types;
