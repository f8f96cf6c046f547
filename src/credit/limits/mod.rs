//! Credit limits of customers and of groups.
//!
//! Decides: which limit holds on a day. A lasting one holds from its day on, a temporary one between two days and then
//! the lasting one again; planned and past ones stay. Who proposes never approves, nor does the customer's
//! salesperson (SOD-04), and more credit needs more persons (bands of `credit_limits`). Owns `credit_limit`.

pub mod http;
pub mod service;
pub mod store;
pub mod types;
