//! Taxes: pure rules over facts, and the same rules over HTTP.

pub mod gst;
pub mod tds;
pub mod tools;
