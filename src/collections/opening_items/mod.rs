//! Opening items: what was open in another system at the cut-over.
//!
//! Decides: what of an old document is taken over: its amount less what was paid before, under the old
//! number and with its own dates, posted on the day of the cut-over against opening balances. A certificate
//! counts what was taken over and compares it with the total the other system gave; it is kept for ever.
//! Owns `opening_item`, `opening_certificate`.

pub mod http;
pub mod problems;
pub mod service;
pub mod store;
pub mod types;
