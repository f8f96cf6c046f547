//! Customers with contacts, addresses and several GSTINs. Owns `customer`, `customer_contact`, `customer_address`, `customer_gstin`, `customer_regrouping`.

pub mod http;
pub mod problems;
pub mod reference;
pub mod rules;
pub mod service;
pub mod store;
pub mod types;
