//! Revaluation: what open items in other currencies are worth on the last day of a month.
//!
//! Decides: per currency, open amount × rate of the day less what the books hold of it. The difference is
//! posted beside the control account and taken back the next day, so items keep their own rates and a
//! settlement's gain is never counted twice. A second run of a day posts only what differs by then:
//! nothing, if nothing changed. Owns `revaluation` and `revaluation_line`.

pub mod http;
pub mod posting;
pub mod service;
pub mod store;
pub mod types;
