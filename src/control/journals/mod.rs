//! Journals: every entry of the books to read, and entries by hand under approval.
//!
//! Decides: what a manual journal may post to and who must agree. The preparer never approves
//! (SOD-07); a control account takes lines only when asked for, with a customer whose item they open.
//! Owns `manual_journal`.

pub mod http;
pub mod problems;
pub mod rules;
pub mod service;
pub mod store;
pub mod types;
