//! Tax deducted at source by customers: sections, payment codes and rates by date.
//!
//! Codes are text with a span of time: the Income-tax Act 2025 names them anew from 1-Apr-2026, and both
//! names stand on documents. Nobody is refused a section that is not listed here.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use std::sync::LazyLock;

/// One rate of a section with the span in which the law knows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SectionRate {
    /// Section, or payment code from 1-Apr-2026.
    pub section: &'static str,
    pub about: &'static str,
    /// Whom or what the rate is for.
    pub applies_to: &'static str,
    /// Per cent of the value without GST (CBDT circular 23/2017).
    pub rate: Decimal,
    pub valid_from: NaiveDate,
    /// Inclusive; `None` while in force.
    pub valid_to: Option<NaiveDate>,
    pub source: &'static str,
}

#[allow(clippy::expect_used, reason = "embedded data, parsed by a test of this module")]
static DATA: LazyLock<Vec<SectionRate>> = LazyLock::new(|| serde_json::from_str(include_str!("data/sections.json")).expect("embedded sections.json"));

/// Every row.
#[must_use]
pub fn all() -> &'static [SectionRate] {
    &DATA
}

/// The rates of a section on a date; `None` where the section is not known then.
#[must_use]
pub fn rates(section: &str, on: NaiveDate) -> Option<Vec<Decimal>> {
    let plain = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    let wanted = plain(section);
    let found: Vec<Decimal> =
        DATA.iter().filter(|row| plain(row.section) == wanted && row.valid_from <= on && row.valid_to.is_none_or(|to| on <= to)).map(|row| row.rate).collect();
    (!found.is_empty()).then_some(found)
}

/// The rates there are instead, where a stated rate is none of a known section.
#[must_use]
pub fn mismatch(section: &str, rate: Decimal, on: NaiveDate) -> Option<Vec<Decimal>> {
    rates(section, on).filter(|known| !known.contains(&rate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn rates_are_those_of_the_day() {
        let has = |section: &str, rate, on: &str| mismatch(section, rate, day(on)).is_none();
        assert!(has("194C", dec!(1), "2025-11-18") && has("194c", dec!(2.00), "2025-11-18") && !has("194C", dec!(10), "2025-11-18"));
        assert!(has("194J", dec!(10), "2025-11-18") && has("194J", dec!(2), "2025-11-18"));
        assert!(has("194H", dec!(5), "2024-09-30") && !has("194H", dec!(2), "2024-09-30"));
        assert!(has("194H", dec!(2), "2024-10-01") && !has("194H", dec!(5), "2024-10-01"));
        assert!(has("194-O", dec!(0.1), "2025-01-01") && has("194O", dec!(0.1), "2025-01-01"));
    }

    #[test]
    fn the_act_of_2025_brings_payment_codes_and_no_section_is_refused() {
        assert!(rates("194C", day("2026-04-01")).is_none());
        assert_eq!(rates("1027", day("2026-04-01")), Some(vec![dec!(10), dec!(20)]));
        assert!(rates("1027", day("2026-03-31")).is_none());
        assert!(mismatch("92X", dec!(33), day("2025-11-18")).is_none());
    }

    #[test]
    fn every_row_has_a_span_and_a_source() {
        for row in all() {
            assert!(row.valid_to.is_none_or(|to| to >= row.valid_from), "{row:?}");
            assert!(!row.source.is_empty() && !row.about.is_empty() && row.rate > Decimal::ZERO, "{row:?}");
        }
    }
}
