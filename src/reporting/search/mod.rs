//! One question across customers, items and documents: who or what is this number, name or reference. Each kind is
//! looked through only for those who may list it, within their portfolio; what was written a moment ago is found.

pub mod http;
mod store;
mod types;
