//! The model-based test: random commands through HTTP beside a naive model of the books.
//!
//! `commands` says what can be done and rolls the dice, `books` is the model, `driver` does each command to
//! a company and to the model and compares, `shrink` makes a failing list of commands small.

pub mod books;
pub mod commands;
pub mod driver;
pub mod shrink;

/// The number of a command in its list, which names whatever it makes for all that come after it. The
/// customers 0 to 2 stand from the start, so commands count from [`FIRST`].
pub type Label = usize;

pub const FIRST: Label = 3;
