//! Control: what needs a second person.

pub mod approvals;
