//! The company: profile and settings. Owns `company`. Base currency, zone and fiscal year never change once set.

pub mod http;
pub mod service;
pub mod store;
pub mod types;
