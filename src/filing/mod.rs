//! What is told to the tax office: the returns of outward supplies.

pub mod gst_returns;
pub mod gstr1;
pub mod gstr3b;
pub mod json;
pub mod period;
