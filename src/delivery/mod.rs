//! What leaves the house: documents people can send.

pub mod documents;
pub mod evidence; // PDFs of invoices, notes, vouchers and statements; templates, logo, settings
pub mod layout; // from template and values to pages; knows no business
pub mod statements; // statements of account
