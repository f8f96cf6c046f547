//! The audit log: sealed into one Merkle tree a company, verifiable.
//!
//! Events are written by the unit of work in the transaction of their change. A sealer appends them
//! to the tree afterwards and signs its head. Owns `audit_leaf` and `audit_checkpoint`. Changes made
//! behind the service's back show as leaves that no longer match.

pub mod http;
pub mod merkle;
pub mod service;
mod store;
pub mod types;
