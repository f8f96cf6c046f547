//! Credit and debit notes: corrections of what was billed, each a document of its own.
//!
//! Decides: what a note says beyond an invoice, and how it shows. Pricing, storing, posting and
//! cancelling are those of [`crate::billing::invoices`].

pub mod credit_notes;
pub mod debit_notes;
pub mod service;
pub mod types;
