//! What is billed, whatever its kind: invoices, credit notes and debit notes are one engine.

use super::store::Stored;
use super::types::{Document, NewInvoice};
use crate::control::approvals::Action;
use crate::ledger::numbering::NumberedKind;
use crate::ledger::{DocumentKind, Side};
use crate::platform::http::reply::Resource;
use crate::platform::ids::InvoiceId;
use crate::platform::unit_of_work::Context;
use crate::words;
use serde::Serialize;
use serde::de::DeserializeOwned;

words! {
    pub enum Kind { Invoice = "invoice", CreditNote = "credit_note", DebitNote = "debit_note" }
}
words! {
    /// Why a note is issued, in the words of GSTR-1.
    pub enum ReasonCode {
        SalesReturn = "sales_return", PostSaleDiscount = "post_sale_discount", DeficiencyInServices = "deficiency_in_services",
        CorrectionInInvoice = "correction_in_invoice", ChangeInPos = "change_in_pos", FinalizationOfProvisional = "finalization_of_provisional", Other = "other",
    }
}
words! {
    /// `gst`: the note changes the tax; `financial`: it moves money only, without tax.
    pub enum TaxEffect { Gst = "gst", Financial = "financial" }
}

/// What happens to a document, as audit events name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Created,
    Updated,
    Deleted,
    /// Issuing waits for an approval.
    Requested,
    /// An approval was refused or withdrawn; it is a draft again.
    Returned,
    Issued,
    CancelRequested,
    Cancelled,
    /// The shipping bill of an export was recorded.
    Shipped,
}

impl Kind {
    #[must_use]
    pub const fn ledger(self) -> DocumentKind {
        match self {
            Self::Invoice => DocumentKind::Invoice,
            Self::CreditNote => DocumentKind::CreditNote,
            Self::DebitNote => DocumentKind::DebitNote,
        }
    }
    #[must_use]
    pub const fn numbered(self) -> NumberedKind {
        match self {
            Self::Invoice => NumberedKind::Invoice,
            Self::CreditNote => NumberedKind::CreditNote,
            Self::DebitNote => NumberedKind::DebitNote,
        }
    }
    /// Which side of the customer's account its items open on.
    #[must_use]
    pub const fn side(self) -> Side {
        match self {
            Self::CreditNote => Side::Credit,
            Self::Invoice | Self::DebitNote => Side::Debit,
        }
    }
    /// As sentences call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditNote => "credit note",
            Self::DebitNote => "debit note",
        }
    }
    /// Pointer of the document's date in the body.
    #[must_use]
    pub const fn date_pointer(self) -> &'static str {
        match self {
            Self::Invoice => "/invoice_date",
            Self::CreditNote | Self::DebitNote => "/note_date",
        }
    }
    #[must_use]
    pub const fn write_permission(self) -> &'static str {
        match self {
            Self::Invoice => "invoices:write",
            Self::CreditNote | Self::DebitNote => "notes:write",
        }
    }
    #[must_use]
    pub const fn issue_permission(self) -> &'static str {
        match self {
            Self::Invoice => "invoices:issue",
            Self::CreditNote | Self::DebitNote => "notes:issue",
        }
    }
    #[must_use]
    pub const fn cancel_permission(self) -> &'static str {
        match self {
            Self::Invoice => "invoices:cancel",
            Self::CreditNote | Self::DebitNote => "notes:issue",
        }
    }
    #[must_use]
    pub const fn event(self, verb: Verb) -> &'static str {
        match (self, verb) {
            (Self::Invoice, Verb::Created) => "invoice.created",
            (Self::Invoice, Verb::Updated) => "invoice.updated",
            (Self::Invoice, Verb::Deleted) => "invoice.deleted",
            (Self::Invoice, Verb::Requested) => "invoice.requested",
            (Self::Invoice, Verb::Returned) => "invoice.returned",
            (Self::Invoice, Verb::CancelRequested) => "invoice.cancel_requested",
            (Self::Invoice, Verb::Issued) => "invoice.issued",
            (Self::Invoice, Verb::Cancelled) => "invoice.cancelled",
            (Self::Invoice, Verb::Shipped) => "invoice.shipping_bill_recorded",
            (Self::CreditNote, Verb::Created) => "credit_note.created",
            (Self::CreditNote, Verb::Updated) => "credit_note.updated",
            (Self::CreditNote, Verb::Deleted) => "credit_note.deleted",
            (Self::CreditNote, Verb::Requested) => "credit_note.requested",
            (Self::CreditNote, Verb::Returned) => "credit_note.returned",
            (Self::CreditNote, Verb::CancelRequested) => "credit_note.cancel_requested",
            (Self::CreditNote, Verb::Issued) => "credit_note.issued",
            (Self::CreditNote, Verb::Cancelled) => "credit_note.cancelled",
            (Self::CreditNote, Verb::Shipped) => "credit_note.shipping_bill_recorded",
            (Self::DebitNote, Verb::Created) => "debit_note.created",
            (Self::DebitNote, Verb::Updated) => "debit_note.updated",
            (Self::DebitNote, Verb::Deleted) => "debit_note.deleted",
            (Self::DebitNote, Verb::Requested) => "debit_note.requested",
            (Self::DebitNote, Verb::Returned) => "debit_note.returned",
            (Self::DebitNote, Verb::CancelRequested) => "debit_note.cancel_requested",
            (Self::DebitNote, Verb::Issued) => "debit_note.issued",
            (Self::DebitNote, Verb::Cancelled) => "debit_note.cancelled",
            (Self::DebitNote, Verb::Shipped) => "debit_note.shipping_bill_recorded",
        }
    }
}

/// What a caller wants billed.
#[derive(Debug, Clone)]
pub struct Order {
    pub kind: Kind,
    /// The content every kind has; a note's date stands in `invoice_date`.
    pub content: NewInvoice,
    /// Set for notes.
    pub note: Option<NoteOrder>,
    /// It follows from another act: what holds for new business does not concern it.
    pub by_right: bool,
}

/// What a note says beyond an invoice.
#[derive(Debug, Clone)]
pub struct NoteOrder {
    pub original_id: Option<InvoiceId>,
    pub original_external_id: Option<String>,
    pub reason_code: ReasonCode,
    /// Decided by the date when left out.
    pub tax_effect: Option<TaxEffect>,
    /// Whether a credit note settles what is open of its original.
    pub apply_to_original: bool,
    /// That it corrects no invoice of ours is meant.
    pub free: bool,
}

impl NoteOrder {
    #[must_use]
    pub const fn names_original(&self) -> bool {
        self.original_id.is_some() || self.original_external_id.is_some()
    }
    /// Where the body names the original.
    #[must_use]
    pub const fn original_pointer(&self) -> &'static str {
        if self.original_id.is_none() && self.original_external_id.is_some() { "/original_invoice_external_id" } else { "/original_invoice_id" }
    }
}

/// The form of a kind of document on the wire: what callers send, and what they get back.
pub trait Form: Serialize + DeserializeOwned {
    const KIND: Kind;
    /// Issuing, where it is under approval.
    const ISSUE: Option<&'static Action>;
    const CANCEL: &'static Action;
    type Answer: Resource;
    fn order(&self) -> Order;
    fn answer(stored: &Stored, cx: &Context) -> Self::Answer;
    fn document(answer: &mut Self::Answer) -> &mut Document;
}
