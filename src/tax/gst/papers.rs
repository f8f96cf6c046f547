//! Which paper a supply needs: tax invoice, bill of supply, or both in one.

use super::compute::Treatment;

/// The documents of r.46, 46A and 49.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paper {
    TaxInvoice,
    BillOfSupply,
    InvoiceCumBillOfSupply,
}

impl Paper {
    /// Stable code for answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TaxInvoice => "tax_invoice",
            Self::BillOfSupply => "bill_of_supply",
            Self::InvoiceCumBillOfSupply => "invoice_cum_bill_of_supply",
        }
    }

    /// Where its contents are written.
    #[must_use]
    pub fn section(self) -> &'static str {
        match self {
            Self::TaxInvoice => "CGST Act s.31, CGST Rules r.46",
            Self::BillOfSupply => "CGST Act s.31(3)(c), CGST Rules r.49",
            Self::InvoiceCumBillOfSupply => "CGST Rules r.46A",
        }
    }
}

/// The paper for these lines. A composition dealer, and who supplies only what bears no tax, issues a bill of supply;
/// taxed and exempt together for an unregistered recipient may share one paper.
#[must_use]
pub fn paper(composition_dealer: bool, recipient_registered: bool, treatments: impl IntoIterator<Item = Treatment>) -> Paper {
    let (mut taxed, mut untaxed) = (false, false);
    for treatment in treatments {
        if treatment == Treatment::Taxable { taxed = true } else { untaxed = true }
    }
    if composition_dealer || (untaxed && !taxed) {
        Paper::BillOfSupply
    } else if untaxed && !recipient_registered {
        Paper::InvoiceCumBillOfSupply
    } else {
        Paper::TaxInvoice
    }
}

/// What a composition dealer writes on top of the bill (r.5(1)(f)).
pub const COMPOSITION_SENTENCE: &str = "composition taxable person, not eligible to collect tax on supplies";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_follows_from_what_is_supplied_and_to_whom() {
        use Treatment::{Exempt, Nil, NonGst, Taxable};
        assert_eq!(paper(false, true, [Taxable, Exempt]), Paper::TaxInvoice);
        assert_eq!(paper(false, false, [Taxable, Exempt]), Paper::InvoiceCumBillOfSupply);
        assert_eq!(paper(false, false, [Taxable]), Paper::TaxInvoice);
        assert_eq!(paper(false, true, [Exempt, Nil, NonGst]), Paper::BillOfSupply);
        assert_eq!(paper(true, true, [Taxable]), Paper::BillOfSupply);
    }
}
