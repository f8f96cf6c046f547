//! What is billed: invoices, credit notes and debit notes.

pub mod invoices;
pub mod irns;
pub mod notes;
