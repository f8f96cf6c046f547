//! The Invoice Registration Portal (IRP): which documents it must see, until when, and the number it gives them.
//!
//! CGST Rules r.48(4): a supplier above a turnover prepares invoices, credit and debit notes to businesses by having them
//! registered; r.48(5): without that they are none.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::supply::SupplyType;
use super::{limits, numbers};
use crate::platform::dates::FiscalYear;

/// Aggregate turnover on the PAN (s.2(6)) in rupees, by the calendar year its fiscal year starts in.
pub type Turnover = BTreeMap<i32, Decimal>;

/// The first fiscal year whose turnover counts (notification 13/2020-CT).
const FIRST_YEAR: i32 = 2017;

/// The documents the portal knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentType {
    Invoice,
    CreditNote,
    DebitNote,
}

impl DocumentType {
    /// As the portal writes it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Invoice => "INV",
            Self::CreditNote => "CRN",
            Self::DebitNote => "DBN",
        }
    }
}

/// The Invoice Reference Number: SHA-256, in lower-case hexadecimal, of the seller's GSTIN, the fiscal year of the date
/// (`2025-26`), the type and the number, nothing between. The number counts as typed in documents before
/// 1-Jun-2025 and in capitals since.
#[must_use]
pub fn irn(seller_gstin: &str, date: NaiveDate, kind: DocumentType, number: &str) -> String {
    let year = FiscalYear::of(date, 4).label();
    let text = format!("{seller_gstin}{year}{}{}", kind.code(), number_sent(number, date));
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut out, byte| {
        use std::fmt::Write as _;
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The number as it goes to the portal and into the IRN.
#[must_use]
pub fn number_sent(number: &str, date: NaiveDate) -> String {
    if limits::irn_is_upper_cased(date) { number.to_ascii_uppercase() } else { number.to_owned() }
}

/// What is wrong with a document number (r.46(b); the portal's schema besides bars `0`, `/` and `-` at its start):
/// a code and a sentence.
#[must_use]
pub fn number_fault(number: &str) -> Option<(&'static str, &'static str)> {
    if let Err(fault) = numbers::read(number) {
        return Some((fault.code(), fault.message()));
    }
    let barred = number.starts_with(['0', '/', '-']);
    barred.then_some(("number_start", "The number of an e-invoice does not begin with \"0\", \"/\" or \"-\"."))
}

/// The highest turnover of the years from 2017-18 to the one before the date's; `None` where none is known.
#[must_use]
pub fn deciding_turnover(turnover: &Turnover, date: NaiveDate) -> Option<Decimal> {
    let FiscalYear(year) = FiscalYear::of(date, 4);
    turnover.range(FIRST_YEAR..year.max(FIRST_YEAR)).map(|(_, amount)| *amount).max()
}

/// From which day on a supplier of these turnovers has its documents registered; `None`: not at all. Once it has to it
/// always has: the limit only ever went down, and any year since 2017-18 decides.
#[must_use]
pub fn obliged_since(turnover: &Turnover) -> Option<NaiveDate> {
    let steps = limits::all().einvoice_turnover.rows().iter().map(|row| row.from);
    let years = turnover.keys().filter_map(|year| NaiveDate::from_ymd_opt(year.checked_add(1)?, 4, 1));
    let mut days: Vec<NaiveDate> = steps.chain(years).collect();
    days.sort_unstable();
    days.into_iter().find(|day| deciding_turnover(turnover, *day).zip(limits::einvoice_turnover(*day)).is_some_and(|(amount, limit)| amount > limit))
}

/// A kind of seller that registers nothing.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Exemption {
    pub seller: &'static str,
    pub from: NaiveDate,
    pub about: &'static str,
    pub source: &'static str,
}

#[allow(clippy::expect_used, reason = "embedded data, parsed by a test of this module")]
static EXEMPTIONS: LazyLock<Vec<Exemption>> =
    LazyLock::new(|| serde_json::from_str(include_str!("data/einvoice_exemptions.json")).expect("embedded einvoice_exemptions.json"));

/// Every kind of seller that is excluded.
#[must_use]
pub fn exemptions() -> &'static [Exemption] {
    &EXEMPTIONS
}

/// What decides whether a document is registered.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    pub date: NaiveDate,
    pub supply: SupplyType,
    pub seller_gstin: &'a str,
    pub buyer_gstin: Option<&'a str>,
    /// Whether any line is neither nil-rated, exempt nor outside GST.
    pub taxable: bool,
    /// A note that moves money only and changes no tax.
    pub financial: bool,
    /// One of [`exemptions`].
    pub seller_is: Option<&'a str>,
    /// [`deciding_turnover`]; `None` where it is not known.
    pub turnover: Option<Decimal>,
}

/// Why a document is registered, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub applicable: bool,
    /// Stable.
    pub code: &'static str,
    /// A sentence.
    pub reason: String,
    /// Rule or notification.
    pub source: &'static str,
    /// Since when that holds.
    pub effective_from: Option<NaiveDate>,
}

impl Decision {
    fn no(code: &'static str, reason: impl Into<String>, source: &'static str) -> Self {
        Self { applicable: false, code, reason: reason.into(), source, effective_from: None }
    }
    fn from(self, day: NaiveDate) -> Self {
        Self { effective_from: Some(day), ..self }
    }
    /// Whether the portal would take the document, whatever the seller has to do.
    #[must_use]
    pub fn registrable(&self) -> bool {
        self.applicable || matches!(self.code, "before_e_invoicing" | "turnover" | "exempt_seller")
    }
}

/// Decides: first by what the document is, then by who the seller is.
#[must_use]
pub fn decide(facts: &Facts<'_>) -> Decision {
    const RULE: &str = "CGST Rules r.48(4)";
    if facts.supply == SupplyType::B2c {
        return Decision::no("b2c", "B2C: supplies to unregistered persons are not registered.", "CGST Rules r.48(4), notification 13/2020-CT");
    }
    if facts.buyer_gstin.is_some_and(|gstin| gstin.eq_ignore_ascii_case(facts.seller_gstin)) {
        return Decision::no("same_gstin", "Seller and buyer have the same GSTIN; that is no supply to another person.", RULE);
    }
    if !facts.taxable {
        return Decision::no(
            "nothing_taxable",
            "All lines are nil-rated, exempt or outside GST: a bill of supply, which is not registered.",
            "CGST Rules r.48(4), r.49",
        );
    }
    if facts.financial {
        return Decision::no("financial_note", "A note that changes no tax is no note under s.34.", "CGST Act s.34");
    }
    if let Some(exempt) = facts.seller_is.and_then(|seller| exemptions().iter().find(|e| e.seller == seller)).filter(|e| e.from <= facts.date) {
        let reason = format!("The seller is excluded: {}.", exempt.about);
        return Decision::no("exempt_seller", reason, exempt.source).from(exempt.from);
    }
    let Some(limit) = limits::all().einvoice_turnover.on(facts.date) else {
        return Decision::no("before_e_invoicing", "On the date of the document e-invoicing had not begun.", "Notification 13/2020-CT");
    };
    match facts.turnover {
        Some(turnover) if turnover <= limit.value => Decision::no(
            "turnover",
            format!("In no year from 2017-18 to the one before was the turnover above {} rupees.", limit.value.normalize()),
            limit.source,
        )
        .from(limit.from),
        known => {
            let seller = if known.is_some() { "is" } else { "is taken to be" };
            let reason =
                format!("A {} document of a seller whose turnover {seller} above {} rupees is registered.", facts.supply.as_str(), limit.value.normalize());
            Decision { applicable: true, code: "required", reason, source: limit.source, effective_from: Some(limit.from) }
        }
    }
}

#[cfg(test)]
#[rustfmt::skip] // tables of cases are read by the row
mod tests {
    use super::*;
    use rust_decimal::dec;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// IRNs signed by NIC, in public test data of resilient-tech/india-compliance.
    #[test]
    fn irns_are_those_the_portal_signed() {
        for (gstin, date, kind, number, signed) in [
            ("01AMBPG7773M002", "2022-09-16", DocumentType::Invoice, "SINV-CFY-00067", "706daeccda0ef6f818da78f3a2a05a1288731057373002289b46c3229289a2e7"),
            ("01AMBPG7773M002", "2022-09-17", DocumentType::Invoice, "g2qxhY", "68fb4fab44aee99fb23292478c4bd838e664837c9f1b04e3d9134ffed0b40b60"),
            ("01AMBPG7773M002", "2022-09-17", DocumentType::CreditNote, "g2qxhY", "1c96258af085e45da556494ea5e5a7b401a598ab80af4136309c2dac7b54d795"),
            ("01AMBPG7773M002", "2022-09-17", DocumentType::DebitNote, "g2qxhY", "24f37c80532583c6894d8153e2b12494daa80ddbb197f0fc2c1bac07db67f933"),
            ("02AMBPG7773M002", "2023-10-02", DocumentType::Invoice, "9sQ5E2", "2ecc42a8e81dcbbb56923e4bd046c861ce7374060bd31875ce35447e922c9399"),
        ] {
            assert_eq!(irn(gstin, day(date), kind, number), signed, "{number}");
        }
    }

    #[test]
    fn the_case_of_the_number_counts_until_may_2025() {
        let of = |date: &str, number: &str| irn("27AAACD1234E1Z9", day(date), DocumentType::Invoice, number);
        assert_ne!(of("2025-05-31", "ab/1"), of("2025-05-31", "AB/1"));
        assert_eq!(of("2025-06-01", "ab/1"), of("2025-06-01", "AB/1"));
        // The same year and capitals: the switch alone makes no other number.
        assert_eq!(of("2025-05-31", "AB/1"), of("2025-06-01", "AB/1"));
        assert_ne!(of("2025-03-31", "AB/1"), of("2025-04-01", "AB/1"));
    }

    #[test]
    fn numbers_have_sixteen_characters_of_four_kinds_at_most() {
        for good in ["1", "SINV-21-B2B-0021", "A/0", "a-1/"] {
            assert_eq!(number_fault(good), None, "{good}");
        }
        for (bad, code) in [
            ("", "required"), ("SINV-21-B2B-00211", "number_too_long"), ("A_1", "number_invalid"), ("A 1", "number_invalid"), ("Ä1", "number_invalid"),
            ("01", "number_start"), ("/1", "number_start"), ("-1", "number_start"),
        ] {
            assert_eq!(number_fault(bad).map(|(code, _)| code), Some(code), "{bad}");
        }
    }

    fn turnover(years: &[(i32, i64)]) -> Turnover {
        years.iter().map(|(year, crores)| (*year, Decimal::from(crores * 10_000_000))).collect()
    }

    #[test]
    fn any_year_since_2017_18_decides_and_its_own_year_does_not() {
        for (years, since) in [
            (&[(2019, 501)][..], Some("2020-10-01")),
            (&[(2019, 500)], Some("2021-01-01")),
            (&[(2017, 6)], Some("2023-08-01")),
            (&[(2016, 900)], None),
            (&[(2022, 5)], None),
            (&[(2022, 5), (2024, 6)], Some("2025-04-01")),
            (&[(2019, 60), (2020, 1)], Some("2021-04-01")),
            (&[(2021, 15)], Some("2022-10-01")),
            (&[], None),
        ] {
            assert_eq!(obliged_since(&turnover(years)), since.map(day), "{years:?}");
        }
        assert_eq!(deciding_turnover(&turnover(&[(2024, 6)]), day("2025-03-31")), None);
        assert_eq!(deciding_turnover(&turnover(&[(2024, 6), (2020, 9)]), day("2025-04-01")), Some(dec!(90000000)));
    }

    fn sale() -> Facts<'static> {
        Facts {
            date: day("2025-11-15"), supply: SupplyType::B2b, seller_gstin: "27AAACD1234E1Z9", buyer_gstin: Some("27AABCA9876F1ZD"), taxable: true,
            financial: false, seller_is: None, turnover: Some(dec!(50000000.01)),
        }
    }

    #[test]
    fn each_ground_for_and_against_has_its_code() {
        let exempt = |seller, date: &str| Facts { seller_is: Some(seller), date: day(date), turnover: Some(dec!(9999999999)), ..sale() };
        for (facts, applicable, code) in [
            (sale(), true, "required"),
            (Facts { turnover: None, ..sale() }, true, "required"),
            (Facts { turnover: Some(dec!(50000000)), ..sale() }, false, "turnover"),
            (Facts { supply: SupplyType::B2c, buyer_gstin: None, ..sale() }, false, "b2c"),
            (Facts { taxable: false, ..sale() }, false, "nothing_taxable"),
            (Facts { financial: true, ..sale() }, false, "financial_note"),
            (Facts { buyer_gstin: Some("27AAACD1234E1Z9"), ..sale() }, false, "same_gstin"),
            (Facts { date: day("2020-09-30"), ..sale() }, false, "before_e_invoicing"),
            (exempt("bank", "2025-11-15"), false, "exempt_seller"),
            (exempt("government", "2021-06-01"), false, "exempt_seller"),
            (exempt("government", "2021-05-31"), true, "required"),
            (Facts { supply: SupplyType::ExportWithoutPayment, buyer_gstin: None, ..sale() }, true, "required"),
            (Facts { supply: SupplyType::SezWithPayment, ..sale() }, true, "required"),
            (Facts { supply: SupplyType::DeemedExport, ..sale() }, true, "required"),
        ] {
            let decision = decide(&facts);
            assert_eq!((decision.applicable, decision.code), (applicable, code), "{facts:?}");
            assert!(!decision.reason.is_empty() && !decision.source.is_empty());
        }
    }
}
