//! Invoices, and the engine of everything billed: draft → (pending approval →) issued → cancelled.
//!
//! Decides: what a document costs, taxes and falls due, and when it may change. Owns `invoice` and
//! `invoice_line`, which also hold credit and debit notes. A draft has no number and may change; issuing
//! prices it again, takes the number and posts; what is issued never changes, it is cancelled by a dated
//! mirror entry or corrected by a note.

pub mod approval;
pub mod explanation;
pub mod http;
pub mod order;
pub mod posting;
pub mod problems;
pub mod rules;
pub mod service;
pub mod store;
pub mod types;
pub mod view;
