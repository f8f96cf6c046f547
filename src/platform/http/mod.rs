//! HTTP: problems, the contract and its enforcement on every request, replies, the server's edge.

pub mod accept;
pub mod address;
pub mod body;
pub mod connection;
pub mod contract;
pub mod download;
pub mod edge;
pub mod faults;
pub mod limits;
pub mod problem;
pub mod query;
pub mod ranges;
pub mod reply;
pub mod upload;

pub use body::Body;
pub use problem::{FieldError, Problem};
pub use query::{Path, Query};
pub use reply::{Accepted, Created, Done, Fetched, MultiStatus, Reply};
