//! The credit policy: which components count as exposure, which rules an order is held against and whether each warns
//! or holds, and who may release how much.
//!
//! Decides, purely: what becomes of an order under a policy given the facts ([`rules::judge`]). A policy is data in
//! versions that are only added, each in force from a day on; until a company sets its own, the house's
//! (`default.json`) holds as version 0. Owns `credit_policy`.

pub mod http;
pub mod rules;
pub mod service;
mod store;
pub mod types;

pub use store::{at_version, in_force};
