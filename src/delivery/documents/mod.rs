//! Documents people can send, as PDFs.
//!
//! Decides: what a tax invoice, bill of supply, note, voucher or statement must show (CGST rules 46, 46A, 48 to 51, 53)
//! and which template, logo and particulars it is made with. Owns `document_template`, `document_logo`,
//! `document_settings` and `document_print`.
//!
//! The first time the PDF of an issued document is asked for, `document_print` keeps what may change later: names,
//! addresses, settings, and which template and logo were used. Amounts and lines are those of the document, which
//! never change. So the PDF is the same bytes each time; it changes only when the document itself does: when it
//! is cancelled, or gets its Invoice Reference Number.
//!
//! Templates of the company are versions that are only added; the ones that come with the service are files with a
//! number, and a new one is a new file.

pub mod countries;
pub mod facts;
pub mod http;
pub mod problems;
pub mod rules;
pub mod samples;
pub mod service;
pub mod store;
pub mod templates;
pub mod types;
pub mod view;
pub mod voucher;
