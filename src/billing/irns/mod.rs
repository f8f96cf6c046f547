//! What the Invoice Registration Portal knows of documents: the one record both billing and filing go by.
//!
//! Decides: whether a document has to be registered, and how its registration stands. Owns `einvoice`. A
//! document whose IRN stands is not cancelled before the portal cancelled it.

pub mod store;
pub mod types;

use crate::billing::invoices::order::TaxEffect;
use crate::billing::invoices::store::Stored;
use crate::billing::invoices::types::{InvoiceStatus, TaxTreatment};
use crate::platform::dates::Instant;
use crate::platform::unit_of_work::Context;
use crate::tax::gst::irp::{self, Decision};
use crate::tax::gst::limits;
use crate::tax::gst::supply::OperatorDuty;
use chrono::{DateTime, Duration, Utc};
use types::{Einvoice, EinvoiceStatus, Record};

/// Whether a document has to be registered, and why. Where no turnover is known, none is above the limit.
#[must_use]
pub fn decision(stored: &Stored, cx: &Context) -> Decision {
    if let Some(decision) = not_ours(stored) {
        return decision;
    }
    let policy = &cx.facts.einvoicing;
    irp::decide(&irp::Facts {
        date: stored.date,
        supply: stored.supply.of_law(),
        seller_gstin: &stored.seller_gstin,
        buyer_gstin: stored.buyer_gstin.as_deref(),
        taxable: stored.lines.iter().any(|(_, line)| line.treatment == TaxTreatment::Taxable),
        financial: stored.note.as_ref().is_some_and(|note| note.tax_effect == TaxEffect::Financial),
        seller_is: policy.excluded_as.as_deref(),
        turnover: Some(irp::deciding_turnover(&policy.turnover, stored.date).unwrap_or_default()),
    })
}

/// Whether a tax invoice has to say why it is not registered (CGST Rules r.46(s)): its seller has the turnover of those who
/// register theirs, but need not have this one registered.
#[must_use]
pub fn declares_exemption(stored: &Stored, cx: &Context) -> bool {
    let turnover = irp::deciding_turnover(&cx.facts.einvoicing.turnover, stored.date);
    let above = turnover.zip(limits::einvoice_turnover(stored.date)).is_some_and(|(turnover, limit)| turnover > limit);
    above && limits::all().einvoice_declaration.on(stored.date).is_some_and(|rule| rule.value) && !decision(stored, cx).applicable
}

/// What is no invoice of a supplier who has to register it.
fn not_ours(stored: &Stored) -> Option<Decision> {
    let no = |code, reason: &str, source| Some(Decision { applicable: false, code, reason: reason.to_owned(), source, effective_from: None });
    if stored.seller_composition {
        return no("composition", "A composition dealer issues bills of supply, which are not registered.", "CGST Act s.31(3)(c), CGST Rules r.48(4)");
    }
    if stored.operator_duty() == Some(OperatorDuty::Pays) {
        return no("operator_pays", "The operator, who pays the tax, makes the invoice.", "CGST Act s.9(5), Circular 167/23/2021-GST");
    }
    None
}

/// How the registration of a document stands; nothing for what is not issued yet.
#[must_use]
pub fn view(stored: &Stored, cx: &Context) -> Option<Einvoice> {
    if matches!(stored.status, InvoiceStatus::Draft | InvoiceStatus::PendingApproval) {
        return None;
    }
    let record = stored.einvoice.as_ref();
    let status = record.map_or_else(
        || if stored.status == InvoiceStatus::Issued && decision(stored, cx).applicable { EinvoiceStatus::Pending } else { EinvoiceStatus::NotRequired },
        |record| record.status,
    );
    Some(Einvoice {
        status,
        irn: record.and_then(|record| record.irn.clone()),
        ack_no: record.and_then(|record| record.ack_no.clone()),
        ack_at: record.and_then(|record| record.ack_at).map(Instant),
    })
}

impl Record {
    /// Whether the portal holds the document: it has an IRN that was not cancelled.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.irn.is_some() && self.status != EinvoiceStatus::Cancelled
    }
    /// Until when the portal cancels it.
    #[must_use]
    pub fn cancellable_until(&self) -> Option<DateTime<Utc>> {
        let at = self.ack_at?;
        Some(at + Duration::hours(i64::from(limits::irn_cancel_hours(at.date_naive()))))
    }
}
