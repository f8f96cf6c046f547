//! Machines: clients with scopes, addresses they call from, and a secret shown once.
//!
//! Owns `api_client`. A client's rights are its scopes, never more than the integration role may be granted (SOD-12), and
//! those of a token end with what the client is allowed now (`standing`). While a secret is rotated two are taken.

pub mod http;
pub mod problems;
pub mod service;
pub mod standing;
pub mod store;
pub mod types;
