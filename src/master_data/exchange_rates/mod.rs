//! Exchange rates by date: base units for one unit of another currency. Owns `exchange_rate`, which is
//! append-only: of several rates of one date the newest recorded holds.

pub mod http;
pub mod problems;
pub mod service;
pub mod store;
pub mod types;
