//! Who pays for whom: a parent's receipt may settle documents of its children, on the days the relation
//! holds. The same one pays once at a time, and what ended is added again. Owns `customer_payer`.

pub mod http;
pub mod problems;
mod service;
mod store;
pub mod types;

pub use store::pays_for;
