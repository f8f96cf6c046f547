//! What leaves the house: documents people can send, events for other programs.

pub mod documents; // PDFs of invoices, notes, vouchers and statements; templates, logo, settings
pub mod events; // the feed
pub mod evidence; // all there is about one document
pub mod layout; // from template and values to pages; knows no business
pub mod statements; // statements of account
pub mod webhooks; // events brought to other programs
