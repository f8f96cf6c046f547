//! The rules of GST over HTTP: registration numbers, the tax of a document, amounts in words. Nothing is stored and
//! nothing is read of a company; it is the very engine that documents are made with.

pub mod http;
pub mod places;
pub mod problems;
pub mod rules;
pub mod types;
