//! Waivers: a rule of segregation set aside for one person, for a while, for a reason. Small firms cannot
//! keep them all; a waiver is never of maker ≠ checker. Owns `sod_waiver`, which is append-only.

pub mod http;
mod service;
pub mod store;
pub mod types;

pub use store::stands;
