//! Integration tests: the real binary over HTTP on a real PostgreSQL of its own.
//!
//! One server serves the whole run; every test works in a fresh company and ends by asserting the
//! accounting laws. Expected figures come from the design, from published data, or from a naive
//! recomputation here, never from the code under test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::doc_markdown, clippy::needless_pass_by_value, clippy::type_complexity, reason = "tests are read as prose, and json!() makes values")]

mod laws;
mod matrix;
mod migrations;
mod model;
mod rig;

mod access;
mod adjustments;
mod advances;
mod any_order;
mod approvals;
mod auditors;
mod bad_input;
mod cash;
mod cli;
mod concurrency;
mod conformance;
mod contract;
mod credit;
mod credit_hostile;
mod credit_time;
mod credit_year;
mod judgement;
mod currencies;
mod database;
mod documents;
mod edge_cases;
mod einvoices;
mod events;
mod evidence;
mod exports;
mod families;
mod histories;
mod grouped;
mod gst_returns;
mod gst_operators;
mod gst_documents;
mod gst_model;
mod gst_supplies;
mod gst_tools;
mod hostile;
mod hot;
mod idempotency;
mod imports;
mod isolation;
mod jobs;
mod journals;
mod journeys;
mod lists;
mod notes;
mod partners;
mod periods;
mod plans;
mod opening_items;
mod orders;
mod refunds;
mod refusals;
mod reports;
mod revaluations;
mod samples;
mod schema;
mod time_axes;
mod tamper;
mod tds;
mod walk;
mod webhooks;
mod write_offs;
