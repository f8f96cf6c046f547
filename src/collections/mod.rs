//! Collections: what is not collected after all, and what was open before the books began.

pub mod adjustments;
pub mod opening_items;
pub mod targets;
pub mod write_offs;
