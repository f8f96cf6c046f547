//! Goods and services that are sold. Owns `item`.

pub mod http;
pub mod problems;
pub mod service;
pub mod store;
pub mod types;
