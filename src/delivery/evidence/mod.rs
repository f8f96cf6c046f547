//! Everything there is about one document, to take away: the record as it stands, its entries and settlements, what was
//! approved, every event of the audit log about it with its proof, the paper, and a signed list of it all.

pub mod http;
mod service;
mod store;
