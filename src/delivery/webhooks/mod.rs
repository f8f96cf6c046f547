//! Webhooks: events brought to other programs (Standard Webhooks 1.0). The feed stays the truth; who missed something
//! reads it there or has it sent again.
//!
//! A delivery is queued in the transaction that tells its event, and tried until it is answered with 2xx or given up
//! (`rules::plan`). A crash at any point sends twice rather than never: the `webhook-id` is the event's for ever. No
//! delivery is sent inside a transaction or on a request's thread. Every attempt resolves the address anew and connects
//! to nothing but what was looked at (`guard`).
//!
//! Owns `webhook_endpoint`, `webhook_delivery` and `webhook_attempt`.

pub mod courier;
pub mod guard;
pub mod http;
pub mod problems;
pub mod rules;
pub mod service;
pub mod sign;
pub mod store;
pub mod types;
