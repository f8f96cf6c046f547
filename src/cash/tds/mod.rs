//! Tax deducted by customers: from the claim on a receipt to the tax office's own record.
//!
//! Decides: which deductions a certificate (Form 16A; from 1-Apr-2026 Form 131) is about, and what of them
//! stays deducted once the certificate and the line of Form 26AS (Form 168) are seen. What is not certified
//! or not shown is owed again by a new entry; the settlement of the receipt stays as it was. Owns
//! `tds_certificate`, `tds_certificate_line`, `tds_sighting`, `tds_shortfall`.

pub mod http;
pub mod problems;
pub mod service;
pub mod store;
pub mod types;
