//! What is told to the tax office: documents one by one, and returns.

pub mod einvoice; // e-invoices: what the portal gets, what it answered
pub mod gst_returns;
pub mod gstr1;
pub mod gstr3b;
pub mod json;
pub mod period;
