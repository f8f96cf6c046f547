//! The audit log: sealed into one Merkle tree a company, verifiable inside and outside.
//!
//! Events are written by the unit of work in the transaction of their change, each with digests of the rows
//! the change wrote (migration 11). A sealer appends what the service wrote to the tree afterwards and signs
//! its head; the newest head is also kept outside the database. Changes made behind the service's back show as
//! events that no longer match their leaves, rows that no longer match their events, or a history that no
//! longer extends a head. Owns `audit_leaf` and `audit_checkpoint`.

pub mod check;
pub mod export;
pub mod http;
pub mod kept;
pub mod merkle;
pub mod note;
pub mod service;
pub mod store;
pub mod types;
