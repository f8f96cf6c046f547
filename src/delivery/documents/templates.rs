//! The templates that come with the service. A file here never changes, as documents made with it must come out the same:
//! a better one is a new file with the next number.

use super::types::TemplateKind;

/// A template that comes with the service.
#[derive(Debug, PartialEq, Eq)]
pub struct BuiltIn {
    pub name: &'static str,
    pub source: &'static str,
}

const ALL: &[BuiltIn] = &[
    BuiltIn { name: "supply.1", source: include_str!("templates/supply.1.xml") },
    BuiltIn { name: "voucher.1", source: include_str!("templates/voucher.1.xml") },
    BuiltIn { name: "statement.1", source: include_str!("templates/statement.1.xml") },
];

/// By its name, as an older document remembers it.
#[must_use]
pub fn named(name: &str) -> Option<&'static BuiltIn> {
    ALL.iter().find(|template| template.name == name)
}

/// The one for new documents of a kind.
#[must_use]
pub fn newest(kind: TemplateKind) -> &'static BuiltIn {
    match kind {
        TemplateKind::TaxInvoice | TemplateKind::BillOfSupply | TemplateKind::CreditNote | TemplateKind::DebitNote => &ALL[0],
        TemplateKind::ReceiptVoucher | TemplateKind::RefundVoucher => &ALL[1],
        TemplateKind::Statement => &ALL[2],
    }
}
