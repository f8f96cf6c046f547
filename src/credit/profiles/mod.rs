//! What is set of a customer's credit by hand: class, watch, the next review, whether every order waits.
//!
//! Decides: what a person sets stays until a person takes it back; the class of an appraisal until the scores of the next
//! cycles say otherwise. Owns `credit_profile`; which class held when is kept with the scores (`risk`).

pub mod http;
pub mod service;
pub mod store;
pub mod types;
