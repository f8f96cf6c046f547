//! Taxes: pure rules over facts.

pub mod gst;
pub mod tds;
