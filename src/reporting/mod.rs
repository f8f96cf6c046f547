//! What the books say. Reports read open items and journal lines, never document kinds; each runs on
//! one snapshot and, where it shows a balance, proves it in its own reply.

pub mod exports;
pub mod reports;
pub mod samples;
pub mod search;
