//! India's goods and services tax as a pure island: values in, values out.
//!
//! Promises this module keeps:
//! - no I/O, no clock, no floats; the same input gives the same output for ever;
//! - what changes with time (rates, cess) is dated data in `data/*.json`, looked up by the date
//!   the caller passes, which must be the **time of supply** (CGST Act s.12-14), or for a credit
//!   or debit note the date of the document it corrects;
//! - CGST equals SGST/UTGST on every line, every rate group and every document;
//! - line amounts add up to the group, groups add up to the document, to the last paisa;
//! - a tax-inclusive price is returned to the customer unchanged.
//!
//! `sgst` always stands for SGST or UTGST: the portal uses one key (`samt`) for both.

pub mod advances;
pub mod compute;
pub mod gstin;
pub mod irp;
pub mod limits;
pub mod explain;
pub mod numbers;
pub mod papers;
pub mod rates;
pub mod states;
pub mod supply;
pub mod time;
pub mod units;
pub mod withheld;
