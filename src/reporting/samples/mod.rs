//! Samples for test checks: which documents an auditor looks at, drawn by a seed, so that anybody can draw them again.
//!
//! Nothing is stored: the same wish, as known at the same instant, gives the same sample for ever.

pub mod http;
mod rules;
mod store;
pub mod types;
