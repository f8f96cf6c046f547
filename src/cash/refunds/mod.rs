//! Refunds: open credit of a customer paid back.
//!
//! Decides: how much of a receipt or credit note may go back, and who does what: who asks, who approves and
//! who pays are three persons (SOD-03). Asking and approving move nothing; paying posts the money and
//! uses the credit up. A payment the bank could not make is taken back and the credit is open again. Owns
//! `refund`.

pub mod http;
pub mod problems;
pub mod service;
pub mod store;
pub mod types;
