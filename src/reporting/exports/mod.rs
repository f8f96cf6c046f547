//! Exports: everything an auditor or another system takes away, of one snapshot, in files with digests and a signed
//! manifest whose controls say that they are whole and agree with the ledger.
//!
//! `sheet` is what a file is: one statement with named columns; `sheets` are those of each type; `writer` makes files of
//! them (CSV, JSON lines, XLSX) in constant memory; `manifest` signs. The files lie in the data directory for 30 days,
//! the manifest stays. Owns `export`.

pub mod http;
pub mod manifest;
pub mod problems;
pub mod service;
pub mod sheet;
mod sheets;
pub mod shelf;
pub mod store;
pub mod types;
pub mod writer;
