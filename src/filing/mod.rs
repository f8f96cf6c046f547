//! What is told to the tax office: e-invoices and the returns of outward supplies.

pub mod einvoice; // what the portal gets, what it answered
pub mod gst_returns;
pub mod gstr1;
pub mod gstr3b;
pub mod json;
pub mod period;
