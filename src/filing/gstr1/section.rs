//! In which table of GSTR-1 a document is reported. Pure.

use super::facts::{Document, OperatorSection};
use crate::tax::gst::limits;
use crate::tax::gst::supply::{OTHER_COUNTRIES, Seat, Split, SupplyType, split};
use rust_decimal::Decimal;

/// The table of a document's taxable part, with the type the portal wants said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Tables 4A, 4B, 6B, 6C: to holders of a GSTIN or UIN.
    B2b { inv_typ: &'static str },
    /// Table 5: inter-State to unregistered recipients, above the limit.
    B2cl,
    /// Table 7: all others to unregistered recipients, added up.
    B2cs,
    /// Table 6A.
    Exp { exp_typ: &'static str },
    /// Table 9B: notes to holders of a GSTIN or UIN.
    Cdnr { inv_typ: &'static str },
    /// Table 9B: notes on exports and on B2CL.
    Cdnur { typ: &'static str },
    /// Table 14(b): the operator pays the tax (s.9(5)); nowhere else.
    Operator,
    /// Table 15: through the own platform, the tax its own to pay (s.9(5)).
    Platform(Parties),
}

/// The part of table 15: whether supplier and recipient are registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parties {
    B2b { inv_typ: &'static str },
    Urp2b { inv_typ: &'static str },
    B2c,
    Urp2c,
}

impl Section {
    /// As the JSON calls the table.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::B2b { .. } => "b2b",
            Self::B2cl => "b2cl",
            Self::B2cs => "b2cs",
            Self::Exp { .. } => "exp",
            Self::Cdnr { .. } => "cdnr",
            Self::Cdnur { .. } => "cdnur",
            Self::Operator => "supeco",
            Self::Platform(_) => "ecom",
        }
    }
    /// The table of amendments of this one.
    #[must_use]
    pub const fn amended_key(self) -> &'static str {
        match self {
            Self::B2b { .. } => "b2ba",
            Self::B2cl => "b2cla",
            Self::B2cs => "b2csa",
            Self::Exp { .. } => "expa",
            Self::Cdnr { .. } => "cdnra",
            Self::Cdnur { .. } => "cdnura",
            Self::Operator => "supecoa",
            Self::Platform(_) => "ecoma",
        }
    }
    /// The list a document of its own row stands in; `None` where it is part of a total.
    #[must_use]
    pub const fn list(self, amended: bool) -> Option<&'static str> {
        match (self, amended) {
            (Self::Operator | Self::B2cs | Self::Platform(Parties::B2c | Parties::Urp2c), _) => None,
            (Self::Platform(Parties::B2b { .. }), false) => Some("ecom.b2b"),
            (Self::Platform(Parties::B2b { .. }), true) => Some("ecoma.b2ba"),
            (Self::Platform(Parties::Urp2b { .. }), false) => Some("ecom.urp2b"),
            (Self::Platform(Parties::Urp2b { .. }), true) => Some("ecoma.urp2ba"),
            (_, false) => Some(self.key()),
            (_, true) => Some(self.amended_key()),
        }
    }
    /// Whether it is reported to a holder of a GSTIN or UIN.
    #[must_use]
    pub const fn is_to_business(self) -> bool {
        matches!(self, Self::B2b { .. } | Self::Cdnr { .. } | Self::Platform(Parties::B2b { .. } | Parties::Urp2b { .. }))
    }
}

/// Whether the supply is inter-State (IGST Act s.7): also within the State to or by an SEZ, and as an export.
#[must_use]
pub fn is_inter(document: &Document, supplier: Seat<'_>) -> bool {
    split(supplier, &document.place, document.supply) == Split::Inter
}

/// An export in the sense of table 6A: said to be one, with the place of supply outside India.
#[must_use]
pub fn is_export(document: &Document) -> bool {
    document.supply.is_export() && document.place == OTHER_COUNTRIES
}

/// Zero-rated (IGST Act s.16): export, or supply to SEZ.
#[must_use]
pub fn is_zero_rated(document: &Document) -> bool {
    is_export(document) || document.supply.is_sez()
}

/// The table of a document (r.59(4), instructions to form GSTR-1).
///
/// A consumer's inter-State invoice is B2CL when its **value**, tax included, is above the limit of its date. A note
/// is reported by itself when what it corrects was: the larger of both values counts, by the limit of the
/// original's date.
#[must_use]
pub fn section(document: &Document, supplier: Seat<'_>) -> Section {
    let note = document.kind.is_note();
    if document.operator.as_ref().is_some_and(|operator| operator.section == OperatorSection::S9) {
        return Section::Operator;
    }
    let inv_typ = match document.supply {
        SupplyType::SezWithPayment => "SEWP",
        SupplyType::SezWithoutPayment => "SEWOP",
        SupplyType::DeemedExport => "DE",
        _ => "R",
    };
    if let Some(supplier) = &document.supplied_by {
        return Section::Platform(match (supplier.gstin.is_some(), document.recipient.gstin.is_some()) {
            (true, true) => Parties::B2b { inv_typ },
            (false, true) => Parties::Urp2b { inv_typ },
            (true, false) => Parties::B2c,
            (false, false) => Parties::Urp2c,
        });
    }
    let paid = !document.supply.is_without_payment();
    if is_export(document) {
        return if note {
            Section::Cdnur { typ: if paid { "EXPWP" } else { "EXPWOP" } }
        } else {
            Section::Exp { exp_typ: if paid { "WPAY" } else { "WOPAY" } }
        };
    }
    if document.recipient.gstin.is_some() {
        return if note { Section::Cdnr { inv_typ } } else { Section::B2b { inv_typ } };
    }
    let original = document.original.as_ref().filter(|_| note);
    let former = document.former.as_ref().filter(|_| !note);
    let dated = original.and_then(|original| original.date).or(former.map(|former| former.date)).unwrap_or(document.date);
    // A document taken back to nothing stays in the table it was in.
    let was = former.map_or(Decimal::ZERO, |former| former.value);
    let value = document.value.max(original.and_then(|original| original.value).unwrap_or_default()).max(was);
    match (is_inter(document, supplier) && value > limits::b2cl_limit(dated), note) {
        (true, false) => Section::B2cl,
        (true, true) => Section::Cdnur { typ: "B2CL" },
        (false, _) => Section::B2cs,
    }
}
