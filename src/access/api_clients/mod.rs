//! Machines: clients with scopes and a secret shown once.
//!
//! Owns `api_client`. A client's rights are its scopes, never more than the integration role may
//! be granted (SOD-12).

pub mod http;
pub mod problems;
pub mod service;
mod store;
pub mod types;
