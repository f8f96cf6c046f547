//! Periods: calendar months of the books. Only open ones take postings (guarded in the database).

pub mod store;
