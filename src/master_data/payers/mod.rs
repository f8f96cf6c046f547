//! Who pays for whom: a parent's receipt may settle documents of its children, on the days the relation
//! holds. Owns `customer_payer`.

pub mod http;
mod store;
pub mod types;

pub use store::pays_for;
