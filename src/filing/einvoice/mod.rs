//! E-invoices (CGST Rules r.48(4)): the document as the Invoice Registration Portal wants it, and what it answered.
//!
//! Decides: what the payload INV-01 1.1 of a document is, what the portal would refuse of it, and whether an answer is
//! the portal's and about this document. The record of the answers is `billing::irns`'s, as cancelling a document depends
//! on it. The portal is reached by files: nothing here calls it.

pub mod facts;
pub mod http;
pub mod payload;
pub mod portal;
pub mod problems;
pub mod qr;
pub mod service;
pub mod store;
pub mod table;
#[cfg(test)]
mod tests;
pub mod tool;
pub mod types;
