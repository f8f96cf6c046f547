//! Access tokens (RFC 9068, checked as RFC 8725 demands), refresh rotation, throttling, revocation.
//!
//! Decides: who a token speaks for and until when. Owns `refresh_token` and `revocation`.
//! A refresh token that comes back a second time revokes its whole family (RFC 9700).

pub mod http;
pub mod keys;
pub mod passwords;
pub mod problems;
pub mod revocations;
pub mod service;
mod store;
pub mod throttle;
pub mod types;
