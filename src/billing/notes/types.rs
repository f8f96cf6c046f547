//! Notes as they travel.

use crate::billing::invoices::approval;
use crate::billing::invoices::order::{Form, Kind, NoteOrder, Order, ReasonCode, TaxEffect};
use crate::billing::invoices::store::Stored;
use crate::billing::invoices::types::{Document, InvoiceStatus, NewInvoice, NewInvoiceLine, Payable, SupplyKind};
use crate::billing::invoices::view;
use crate::control::approvals::Action;
use crate::ledger::AllocationKind;
use crate::master_data::customers::types::Metadata;
use crate::platform::http::reply::Resource;
use crate::platform::ids::{AllocationId, CustomerId, InvoiceId, RegistrationId, SeriesId, TermsId};
use crate::platform::money::{Amount, ExchangeRate};
use crate::platform::unit_of_work::Context;
use crate::words;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

words! {
    /// How far a note is used: a credit note for other documents or refunds, a debit note by payments.
    pub enum ApplicationStatus { Unapplied = "unapplied", PartiallyApplied = "partially_applied", Applied = "applied" }
}

impl ApplicationStatus {
    /// Only what is issued can be applied.
    #[must_use]
    pub fn of(status: InvoiceStatus, total: Decimal, open: Decimal) -> Self {
        match status {
            InvoiceStatus::Issued if open.is_zero() => Self::Applied,
            InvoiceStatus::Issued if open < total => Self::PartiallyApplied,
            _ => Self::Unapplied,
        }
    }
}

/// What notes say beyond an invoice.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoteFacts {
    pub note_date: NaiveDate,
    /// The invoice it corrects; null on a free note.
    pub original_invoice_id: Option<InvoiceId>,
    #[schema(max_length = 16, example = "MH/25-26/000123")]
    pub original_invoice_number: Option<String>,
    pub original_invoice_date: Option<NaiveDate>,
    pub reason_code: ReasonCode,
    /// `financial`: no tax is changed, because that was asked for or the last day for it has passed (CGST Act s.34(2)).
    pub tax_effect: TaxEffect,
}

impl NoteFacts {
    fn of(stored: &Stored) -> Self {
        let note = stored.note.as_ref();
        let original = note.and_then(|note| note.original.as_ref());
        Self {
            note_date: stored.date,
            original_invoice_id: original.map(|original| original.id),
            original_invoice_number: original.and_then(|original| original.number.clone()),
            original_invoice_date: original.map(|original| original.date),
            reason_code: note.map_or(ReasonCode::Other, |note| note.reason_code),
            tax_effect: note.map_or(TaxEffect::Gst, |note| note.tax_effect),
        }
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreditNote {
    #[serde(flatten)]
    pub document: Document,
    #[serde(flatten)]
    pub facts: NoteFacts,
    pub application_status: ApplicationStatus,
    pub amounts: CreditNoteAmounts,
    /// What it settles now.
    #[schema(max_items = 5000)]
    pub allocations: Vec<NoteAllocation>,
}
impl Resource for CreditNote {
    fn id(&self) -> Option<String> {
        self.document.id()
    }
    fn version(&self) -> Option<i64> {
        self.document.version()
    }
    fn awaits(&self) -> bool {
        self.document.awaits()
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CreditNoteAmounts {
    /// Of other documents settled.
    pub applied: Amount,
    pub refunded: Amount,
    /// The customer's to use.
    pub left_open: Amount,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NoteAllocation {
    pub id: AllocationId,
    #[schema(max_length = 20, example = "invoice")]
    pub target_type: String,
    pub target_id: Uuid,
    #[schema(max_length = 16, example = "MH/25-26/000123")]
    pub target_number: String,
    pub kind: AllocationKind,
    pub amount: Amount,
    pub allocated_on: NaiveDate,
    #[schema(max_length = 40, example = "original")]
    pub rule: String,
}

impl CreditNote {
    fn of(stored: &Stored, cx: &Context) -> Self {
        let (currency, settled) = (stored.currency, &stored.settled);
        let open = if stored.status == InvoiceStatus::Issued { settled.open } else { Decimal::ZERO };
        let used = if stored.status == InvoiceStatus::Issued { stored.total - open - settled.refunded } else { Decimal::ZERO };
        let allocation = |row: &crate::billing::invoices::store::Application| NoteAllocation {
            id: row.id,
            target_type: row.target_type.clone(),
            target_id: row.target_id,
            target_number: row.target_number.clone(),
            kind: row.kind,
            amount: currency.amount(row.amount),
            allocated_on: row.allocated_on,
            rule: row.rule.clone(),
        };
        Self {
            document: view::document(stored, cx),
            facts: NoteFacts::of(stored),
            application_status: ApplicationStatus::of(stored.status, stored.total, settled.open),
            amounts: CreditNoteAmounts { applied: currency.amount(used), refunded: currency.amount(settled.refunded), left_open: currency.amount(open) },
            allocations: stored.applications.iter().map(allocation).collect(),
        }
    }
}

#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DebitNote {
    #[serde(flatten)]
    pub document: Document,
    #[serde(flatten)]
    pub facts: NoteFacts,
    #[serde(flatten)]
    pub payable: Payable,
}
impl Resource for DebitNote {
    fn id(&self) -> Option<String> {
        self.document.id()
    }
    fn version(&self) -> Option<i64> {
        self.document.version()
    }
    fn awaits(&self) -> bool {
        self.document.awaits()
    }
}

/// A note in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoteSummary {
    pub id: InvoiceId,
    #[schema(pattern = "^(credit_note|debit_note)$", max_length = 20, example = "credit_note")]
    pub object: &'static str,
    #[schema(max_length = 16, example = "CN/25-26/00012")]
    pub number: Option<String>,
    #[schema(max_length = 100, example = "cn-1042")]
    pub external_id: Option<String>,
    pub status: InvoiceStatus,
    pub application_status: ApplicationStatus,
    pub customer_id: CustomerId,
    #[schema(max_length = 200, example = "Acme Retail Pvt Ltd")]
    pub customer_name: String,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    pub note_date: NaiveDate,
    pub due_date: NaiveDate,
    pub original_invoice_id: Option<InvoiceId>,
    pub reason_code: Option<ReasonCode>,
    pub grand_total: Amount,
    pub left_open: Amount,
    #[schema(minimum = 1)]
    pub version: i64,
}

/// Declares what callers send for a kind of note: the whole, and the patch of a draft, in which every
/// member may be left out.
macro_rules! note_form {
    ($new:ident, $patch:ident, ($($example:tt)*), { $($(#[$own_meta:meta])* $own:ident : $own_type:ty),* $(,)? }) => {
        #[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        #[schema(example = $($example)*)]
        pub struct $new {
            #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/-]+$", example = "note-1042")]
            pub external_id: Option<String>,
            /// May be left out where an invoice is named.
            pub customer_id: Option<CustomerId>,
            #[schema(min_length = 1, max_length = 100, example = "CUST-0042")]
            pub customer_external_id: Option<String>,
            #[schema(min_length = 1, max_length = 30, example = "ACME")]
            pub customer_code: Option<String>,
            /// The invoice it corrects.
            pub original_invoice_id: Option<InvoiceId>,
            #[schema(min_length = 1, max_length = 100, example = "so-88121")]
            pub original_invoice_external_id: Option<String>,
            /// That it corrects no invoice of ours is meant.
            #[serde(default)]
            #[schema(example = false)]
            pub free: bool,
            pub reason_code: ReasonCode,
            /// Decided by the date when left out: `gst` while the tax can still be changed.
            pub tax_effect: Option<TaxEffect>,
            /// The registration of the invoice, or the default one.
            pub gst_registration_id: Option<RegistrationId>,
            /// A series of one's own; the default one when left out.
            pub number_series_id: Option<SeriesId>,
            #[schema(example = "2025-10-15")]
            pub note_date: NaiveDate,
            /// Of the invoice; GST State code, 96 for outside India.
            #[schema(pattern = "^[0-9]{2}$", max_length = 2, example = "27")]
            pub place_of_supply: Option<String>,
            /// Of the invoice, or from the customer.
            pub supply_type: Option<SupplyKind>,
            /// Of the invoice where one is named.
            #[serde(default)]
            #[schema(example = false)]
            pub reverse_charge: bool,
            /// Of the invoice, or the base currency.
            #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "INR")]
            pub currency: Option<String>,
            /// Of the invoice, or the newest known rate of the note date. Only a financial note may be at another rate
            /// than its invoice.
            #[schema(example = "1")]
            pub exchange_rate: Option<ExchangeRate>,
            /// Post on the first open day where the note date lies in a closed period; the date stays as it is.
            #[serde(default)]
            #[schema(example = false)]
            pub post_late: bool,
            #[schema(max_length = 100, example = "PO-7781")]
            pub po_reference: Option<String>,
            /// Issue at once instead of keeping a draft.
            #[serde(default)]
            #[schema(example = true)]
            pub issue: bool,
            /// Refuse if the grand total comes out differently.
            pub expected_total: Option<Amount>,
            /// Whatever a line leaves out comes from the line of the invoice it can mean: of its item, else of its
            /// HSN, else the only one. A rate the invoice does not have is refused.
            #[schema(min_items = 1, max_items = 1000)]
            pub lines: Vec<NewInvoiceLine>,
            #[serde(default)]
            #[schema(example = json!({"sales_owner": "west-2"}))]
            pub metadata: Metadata,
            $($(#[$own_meta])* pub $own: $own_type,)*
        }

        /// What may be changed of a draft; as in creating one, every member optional.
        #[derive(Debug, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        #[allow(dead_code, reason = "describes the patch; it is merged as JSON")]
        pub struct $patch {
            #[schema(min_length = 1, max_length = 100, pattern = "^[A-Za-z0-9._:/-]+$", example = "note-1042")]
            external_id: Option<String>,
            customer_id: Option<CustomerId>,
            original_invoice_id: Option<InvoiceId>,
            #[schema(min_length = 1, max_length = 100, example = "so-88121")]
            original_invoice_external_id: Option<String>,
            #[schema(example = false)]
            free: Option<bool>,
            reason_code: Option<ReasonCode>,
            tax_effect: Option<TaxEffect>,
            gst_registration_id: Option<RegistrationId>,
            number_series_id: Option<SeriesId>,
            #[schema(example = "2025-10-15")]
            note_date: Option<NaiveDate>,
            #[schema(pattern = "^[0-9]{2}$", max_length = 2, example = "27")]
            place_of_supply: Option<String>,
            supply_type: Option<SupplyKind>,
            #[schema(example = false)]
            reverse_charge: Option<bool>,
            #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "INR")]
            currency: Option<String>,
            #[schema(example = "1")]
            exchange_rate: Option<ExchangeRate>,
            #[schema(example = false)]
            post_late: Option<bool>,
            #[schema(max_length = 100, example = "PO-7781")]
            po_reference: Option<String>,
            expected_total: Option<Amount>,
            #[schema(min_items = 1, max_items = 1000)]
            lines: Option<Vec<NewInvoiceLine>>,
            #[schema(example = json!({"sales_owner": "west-2"}))]
            metadata: Option<Metadata>,
            $($(#[$own_meta])* $own: $own_type,)*
        }

        impl $new {
            /// What it says alike with an invoice, without a due date.
            fn content(&self) -> NewInvoice {
                NewInvoice {
                    external_id: self.external_id.clone(),
                    customer_id: self.customer_id,
                    customer_external_id: self.customer_external_id.clone(),
                    customer_code: self.customer_code.clone(),
                    gst_registration_id: self.gst_registration_id,
                    number_series_id: self.number_series_id,
                    invoice_date: self.note_date,
                    due_date: None,
                    payment_terms_id: None,
                    place_of_supply: self.place_of_supply.clone(),
                    // Where, through whom and with which papers it was supplied, the invoice says.
                    supply_place: None,
                    operator: None,
                    shipping_bill: None,
                    supply_type: self.supply_type,
                    reverse_charge: self.reverse_charge,
                    currency: self.currency.clone(),
                    exchange_rate: self.exchange_rate,
                    post_late: self.post_late,
                    po_reference: self.po_reference.clone(),
                    order_id: None,
                    issue: self.issue,
                    expected_total: self.expected_total,
                    lines: self.lines.clone(),
                    // A note says all it says in its lines; what part of the tax is levied is the invoice's.
                    document_discount: None,
                    document_discount_percent: None,
                    charges: Vec::new(),
                    differential_percent: None,
                    supply_date: None,
                    payment_date: None,
                    metadata: self.metadata.clone(),
                }
            }
            fn note(&self, apply_to_original: bool) -> NoteOrder {
                NoteOrder {
                    original_id: self.original_invoice_id,
                    original_external_id: self.original_invoice_external_id.clone(),
                    reason_code: self.reason_code,
                    tax_effect: self.tax_effect,
                    apply_to_original,
                    free: self.free,
                }
            }
        }
    };
}

note_form! {
    NewCreditNote, CreditNotePatch, (json!({"external_id": "cn-1042", "original_invoice_id": "0196f2b1-7c44-7d02-8a11-0c9f3b1e2a77", "note_date": "2025-10-15", "reason_code": "sales_return", "issue": true, "apply_to_original": true,
        "lines": [{"description": "Annual support plan, returned", "hsn_code": "998313", "is_service": true, "quantity": "1", "unit": "NOS", "unit_price": "50000.00", "tax_rate": "18"}]})), {
        /// Whether what is open of the invoice is settled at once, oldest instalment first; true when left out.
        /// The rest stays open credit.
        #[schema(example = true)]
        apply_to_original: Option<bool>,
    }
}
note_form! {
    NewDebitNote, DebitNotePatch, (json!({"external_id": "dn-1042", "original_invoice_id": "0196f2b1-7c44-7d02-8a11-0c9f3b1e2a77", "note_date": "2025-10-15", "reason_code": "correction_in_invoice", "issue": true,
        "lines": [{"description": "Annual support plan, price difference", "hsn_code": "998313", "is_service": true, "quantity": "1", "unit": "NOS", "unit_price": "500.00", "tax_rate": "18"}]})), {
        /// With the invoice it adds to when left out, or on the note date if that has passed.
        #[schema(example = "2025-11-14")]
        due_date: Option<NaiveDate>,
        /// Other terms than those of the invoice or customer.
        payment_terms_id: Option<TermsId>,
    }
}

impl Form for NewCreditNote {
    const KIND: Kind = Kind::CreditNote;
    const ISSUE: Option<&'static Action> = Some(&approval::ISSUE_CREDIT_NOTE);
    const CANCEL: &'static Action = &approval::CANCEL_CREDIT_NOTE;
    type Answer = CreditNote;
    fn order(&self) -> Order {
        Order { kind: Kind::CreditNote, content: self.content(), note: Some(self.note(self.apply_to_original.unwrap_or(true))), by_right: false }
    }
    fn answer(stored: &Stored, cx: &Context) -> CreditNote {
        CreditNote::of(stored, cx)
    }
    fn document(answer: &mut CreditNote) -> &mut Document {
        &mut answer.document
    }
}
impl Form for NewDebitNote {
    const KIND: Kind = Kind::DebitNote;
    const ISSUE: Option<&'static Action> = Some(&approval::ISSUE_DEBIT_NOTE);
    const CANCEL: &'static Action = &approval::CANCEL_DEBIT_NOTE;
    type Answer = DebitNote;
    fn order(&self) -> Order {
        let content = NewInvoice { due_date: self.due_date, payment_terms_id: self.payment_terms_id, ..self.content() };
        Order { kind: Kind::DebitNote, content, note: Some(self.note(false)), by_right: false }
    }
    fn answer(stored: &Stored, cx: &Context) -> DebitNote {
        DebitNote { document: view::document(stored, cx), facts: NoteFacts::of(stored), payable: view::payable(stored, cx) }
    }
    fn document(answer: &mut DebitNote) -> &mut Document {
        &mut answer.document
    }
}
