//! Bank accounts money arrives in. Owns `bank_account`.

pub mod http;
pub mod store;
pub mod types;
