//! Statements of account.
//!
//! Decides: what a customer owed at the end of a day, and how it came to that; what the customer answered to it. Owns
//! `statement` and `statement_confirmation`. A statement says what was known at an instant, so it is the same for ever: its
//! rows are read anew from the books each time. Answers are only added; the newest counts.

pub mod http;
pub mod service;
pub mod store;
pub mod types;
pub mod view;

pub use service::Account;
