//! People and what they may do in a company.
//!
//! Owns `app_user` and `membership`. A person exists once and has roles in each company. Role sets
//! that conflict (SOD-16) are refused; nobody grants a role to themselves (SOD-10).

pub mod http;
pub mod problems;
pub mod service;
pub mod store;
pub mod types;
