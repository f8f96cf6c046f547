//! The acts on billing documents that are under approval: credit always, and taking back what was billed.

use super::order::Form;
use super::service::{cancel_approved, issue_approved, returned, version};
use super::types::NewInvoice;
use crate::billing::notes::types::{NewCreditNote, NewDebitNote};
use crate::control::approvals::rules::Band;
use crate::control::approvals::{Action, of_document};

/// What a controller does alone, and what needs one or two other persons (SOD-06).
const BANDS: &[Band] = &[Band::to(500_000, 0), Band::to(1_000_000, 1), Band::above(2)];

const fn notes<F: Form>(name: &'static str) -> Action {
    Action {
        name,
        kind: "notes",
        permission: "notes:approve",
        direct: "notes:issue",
        bars_cash_handlers: true,
        bars_salesperson: false,
        bands: BANDS,
        parties: of_document,
        version: version::<F>,
        execute: issue_approved::<F>,
        reject: returned::<F>,
    }
}
const fn cancels<F: Form>(action: Action) -> Action {
    Action { execute: cancel_approved::<F>, reject: |_, _| Ok(()), ..action }
}

pub static ISSUE_CREDIT_NOTE: Action = notes::<NewCreditNote>("credit_note.issue");
/// A debit note asks for money rather than gives it up: who handles cash may decide it.
pub static ISSUE_DEBIT_NOTE: Action = Action { bars_cash_handlers: false, ..notes::<NewDebitNote>("debit_note.issue") };
pub static CANCEL_CREDIT_NOTE: Action = Action { bars_cash_handlers: false, ..cancels::<NewCreditNote>(notes::<NewCreditNote>("credit_note.cancel")) };
pub static CANCEL_DEBIT_NOTE: Action = cancels::<NewDebitNote>(notes::<NewDebitNote>("debit_note.cancel"));
pub static CANCEL_INVOICE: Action = Action {
    name: "invoice.cancel",
    kind: "invoices",
    permission: "invoices:approve",
    direct: "invoices:cancel",
    bars_cash_handlers: false,
    bars_salesperson: false,
    bands: BANDS,
    parties: of_document,
    version: version::<NewInvoice>,
    execute: cancel_approved::<NewInvoice>,
    reject: |_, _| Ok(()),
};
