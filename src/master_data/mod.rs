//! What the books are about: companies, customers, items, terms.

pub mod bank_accounts;
pub mod companies;
pub mod customers;
pub mod exchange_rates;
pub mod gst_registrations;
pub mod items;
pub mod payers;
pub mod payment_terms;
