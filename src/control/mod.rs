//! Control over the books: what needs a second person, and when a month is done.

pub mod approvals;
pub mod close;
pub mod journals;
pub mod revaluations;
