//! GSTR-1 and GSTR-3B of the company's own documents, a registration and month at a time.
//!
//! Decides: which return a document is reported in, and what later changes of it become. Until a return is filed it
//! is built anew each time from the documents as they stand, by the same builder as the tool. Locking it keeps
//! the exact JSON and what it holds; from then on a document of the month that was cancelled is amended, and one
//! that came late is reported, in the first open return after it. Owns `gst_return`,
//! `gst_return_document` and `gst_return_shipping`.

pub mod http;
pub mod problems;
pub mod reconciliation;
pub mod service;
mod sheets;
pub mod store;
pub mod tables;
pub mod types;
