//! From a template and what a document says to a PDF. Knows no business.
//!
//! `markup` reads the template's tree, `template` fills it with values and gives blocks, `flow` places blocks on
//! pages, `pdf` writes pages. Lengths are whole thousandths of a point, so that the same input is the same bytes
//! on every machine. Nothing is read from disk or network; work is bounded by counting it, not by a clock.

mod face;
mod flow;
pub mod markup;
mod pdf;
pub mod picture;
mod shapes;
pub mod template;

pub use flow::paginate;
pub use pdf::{About, write};
pub use picture::Picture;
pub use template::{Template, Values};

/// A thousandth of a point (1/72 inch).
pub type Length = i64;

/// One point.
pub const POINT: Length = 1_000;

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub detail: String,
}

impl Fault {
    pub fn new(line: usize, detail: impl Into<String>) -> Self {
        Self { line, detail: detail.into() }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.detail)
    }
}
