//! What the law wants on a document; pure.

use super::types::{Copies, Copy, TemplateKind};
use crate::billing::invoices::order::{Kind, TaxEffect};
use crate::billing::invoices::store::Stored;
use crate::billing::invoices::types::{InvoiceStatus, SupplyKind};
use crate::platform::http::{FieldError, Problem, problem};
use crate::tax::gst::papers::Paper;

/// What kind of document a stored one is printed as, and its title.
#[must_use]
pub fn form(stored: &Stored) -> (TemplateKind, &'static str) {
    match (stored.kind, stored.paper()) {
        (Kind::CreditNote, _) => (TemplateKind::CreditNote, "Credit Note"),
        (Kind::DebitNote, _) => (TemplateKind::DebitNote, "Debit Note"),
        (Kind::Invoice, Paper::BillOfSupply) => (TemplateKind::BillOfSupply, "Bill of Supply"),
        (Kind::Invoice, Paper::InvoiceCumBillOfSupply) => (TemplateKind::TaxInvoice, "Invoice-cum-Bill of Supply"),
        (Kind::Invoice, Paper::TaxInvoice) => (TemplateKind::TaxInvoice, "Tax Invoice"),
    }
}

/// Whether tax stands on it: neither of a composition dealer, nor where a note changes no tax, nor of supplies that bear none.
#[must_use]
pub fn is_taxed(stored: &Stored) -> bool {
    !is_financial(stored) && stored.paper() != Paper::BillOfSupply
}

/// What a composition dealer says at the top of a bill of supply (CGST rule 5(1)(f)).
pub const COMPOSITION: &str = "COMPOSITION TAXABLE PERSON, NOT ELIGIBLE TO COLLECT TAX ON SUPPLIES";

/// What an export or a supply to a special economic zone must carry (r.46, third proviso).
#[must_use]
pub fn endorsement(supply: SupplyKind) -> Option<&'static str> {
    match supply {
        SupplyKind::Expwp | SupplyKind::Sezwp => {
            Some("SUPPLY MEANT FOR EXPORT/SUPPLY TO SEZ UNIT OR SEZ DEVELOPER FOR AUTHORISED OPERATIONS ON PAYMENT OF INTEGRATED TAX")
        }
        SupplyKind::Expwop | SupplyKind::Sezwop => Some(
            "SUPPLY MEANT FOR EXPORT/SUPPLY TO SEZ UNIT OR SEZ DEVELOPER FOR AUTHORISED OPERATIONS UNDER BOND OR LETTER OF UNDERTAKING WITHOUT PAYMENT OF INTEGRATED TAX",
        ),
        SupplyKind::Dexp => Some("DEEMED EXPORT"),
        SupplyKind::B2b | SupplyKind::B2c => None,
    }
}

/// What a tax invoice says that is none of those which its seller has to have registered (r.46(s)).
pub const EXEMPTION: &str = "I/We hereby declare that though our aggregate turnover in any preceding financial year from 2017-18 onwards is more than the aggregate \
    turnover notified under sub-rule (4) of rule 48, we are not required to prepare an invoice in terms of the provisions of the said sub-rule.";

/// What lies across a document that does not count, or not any more.
#[must_use]
pub fn watermark(status: InvoiceStatus) -> &'static str {
    match status {
        InvoiceStatus::Draft | InvoiceStatus::PendingApproval => "DRAFT",
        InvoiceStatus::Cancelled => "CANCELLED",
        InvoiceStatus::Issued => "",
    }
}

/// Whether anything on it is goods.
#[must_use]
pub fn has_goods(stored: &Stored) -> bool {
    stored.lines.iter().any(|(_, line)| !line.is_service)
}

/// What is supplied, and what its codes are called.
#[must_use]
pub fn supplies(stored: &Stored) -> (&'static str, &'static str) {
    match (has_goods(stored), stored.lines.iter().any(|(_, line)| line.is_service)) {
        (true, true) => ("goods and services", "HSN/SAC"),
        (true, false) => ("goods", "HSN"),
        (false, _) => ("services", "SAC"),
    }
}

/// Whether the note changes no tax.
#[must_use]
pub fn is_financial(stored: &Stored) -> bool {
    stored.note.as_ref().is_some_and(|note| note.tax_effect == TaxEffect::Financial)
}

/// The copies asked for, each with its mark (r.48(1), (2)).
pub fn copies(wanted: &Copies, goods: bool) -> Result<Vec<(Copy, &'static str)>, Problem> {
    let mark = |copy: Copy| match (copy, goods) {
        (Copy::Original, _) => Some("ORIGINAL FOR RECIPIENT"),
        (Copy::Duplicate, true) => Some("DUPLICATE FOR TRANSPORTER"),
        (Copy::Triplicate, true) | (Copy::Duplicate, false) => Some(if goods { "TRIPLICATE FOR SUPPLIER" } else { "DUPLICATE FOR SUPPLIER" }),
        (Copy::Triplicate, false) => None,
    };
    let every = || Copy::ALL.iter().filter_map(|copy| mark(*copy).map(|words| (*copy, words))).collect();
    let (name, given) = match (wanted.copies.as_deref(), wanted.copy.as_deref()) {
        (Some(copies), _) => ("copies", copies),
        (None, Some(copies)) => ("copy", copies),
        (None, None) => ("copies", "original"),
    };
    if given == "all" {
        return Ok(every());
    }
    let mut asked: Vec<Copy> = given.split(',').filter_map(Copy::parse).collect();
    asked.sort_unstable();
    asked.dedup();
    let marked: Option<Vec<_>> = asked.into_iter().map(|copy| mark(copy).map(|words| (copy, words))).collect();
    marked.ok_or_else(|| {
        let detail = "A document of services has two copies: original and duplicate (CGST rule 48(2)).";
        Problem::new(problem::INVALID_PARAMETER, detail).errors(vec![FieldError::parameter(name, "invalid_value", detail).received(given)])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(text: &str, goods: bool) -> Option<Vec<&'static str>> {
        let wanted = Copies { copies: Some(text.into()), copy: None };
        copies(&wanted, goods).ok().map(|copies| copies.into_iter().map(|(_, mark)| mark).collect())
    }

    #[test]
    fn goods_have_three_copies_and_services_two() {
        assert_eq!(marks("all", true).unwrap(), ["ORIGINAL FOR RECIPIENT", "DUPLICATE FOR TRANSPORTER", "TRIPLICATE FOR SUPPLIER"]);
        assert_eq!(marks("all", false).unwrap(), ["ORIGINAL FOR RECIPIENT", "DUPLICATE FOR SUPPLIER"]);
        assert_eq!(marks("duplicate,original", true).unwrap(), ["ORIGINAL FOR RECIPIENT", "DUPLICATE FOR TRANSPORTER"]);
        assert_eq!(marks("triplicate", false), None);
    }
}
