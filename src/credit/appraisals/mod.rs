//! Appraisals: whether a customer gets credit, how much, on which terms, and when that is looked at again.
//!
//! Decides: the score of an appraisal (purely, by the model in the scorecard), the caps of a limit and the least of them,
//! and what opens a review: the calendar, an old overdue item, a bounced payment, a limit used up. Nothing is
//! set before another person approves it, who is not the customer's salesperson (SOD-04); the approval sets limit, class,
//! terms and the day of the next review. Owns `credit_appraisal`.

pub mod assess;
pub mod http;
pub mod problems;
pub mod reviews;
pub mod service;
pub mod store;
pub mod types;
