//! GSTR-1: from documents to the statement of outward supplies (CGST Act s.37, r.59) in the portal's own JSON.
//!
//! Pure: documents in, return out, in whatever order they come. [`Builder::push`] decides the table of one
//! document and keeps the rows it makes of it, written already; [`Builder::finish`] sorts them. A document is
//! gone after its push, so a month of 100,000 costs little more than the text of its return.
//! The same builder serves the tool, which is told the documents, and the returns of the company's own.

pub mod builder;
pub mod facts;
pub mod http;
pub mod issued;
pub mod section;
pub mod types;
pub mod written;
mod read;
#[cfg(test)]
mod tests;

pub use builder::{Builder, Warning};
pub use facts::{
    Advance, AdvanceKind, Document, DocumentKind, Former, Line, Operator, OperatorSection, Original, Recipient, RecipientKind, ShippingBill, Supplier, Tax,
};
pub use section::{Section, section};
pub use written::Built;
