//! The feed: what happened in a company, numbered without a gap, for other programs.
//!
//! The audit event is the outbox row: what a change writes anyway is all the feed is made of. When entries of the log
//! are sealed, which settles their order for ever, each is told as one event or several (`rules`), numbered and kept as
//! the text that is sent. Nothing is ever told behind what was told already, an event comes after everything its
//! transaction had seen, and a feed read twice is the same to the byte.
//!
//! Owns `event` and `event_feed`. Events are kept as long as the log.

pub mod catalogue;
pub mod http;
pub mod rules;
pub mod service;
pub mod store;
pub mod types;
