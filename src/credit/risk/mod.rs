//! Risk: a score and a class for each customer.
//!
//! Decides: what is known of a customer at the end of a day is weighed by the scorecard (versioned data) into 0 to 100
//! points with an explanation; points make a class; a class gets worse at once and better only after several cycles.
//! What has no data is told as such and its weight spread. Owns `credit_scorecard`, `credit_score_run`, `credit_score`.

pub mod http;
pub mod scorecard;
pub mod service;
pub mod store;
pub mod types;
