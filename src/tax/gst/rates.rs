//! GST rates by date. Every rate is the total percentage: IGST in full, or CGST and SGST/UTGST
//! half each.

use std::sync::LazyLock;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// One rate with the span of time in which the law knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Percent, CGST and SGST/UTGST together.
    pub rate: Decimal,
    /// `slab`, `schedule`, `special`, `tobacco_group`, `bricks`, ...
    pub kind: &'static str,
    pub effective_from: NaiveDate,
    /// Inclusive; `None` while in force.
    pub effective_to: Option<NaiveDate>,
    /// HSN prefixes the rate is limited to; empty means not limited.
    pub hsn: Vec<&'static str>,
    /// True where the rate would look like a withdrawn slab without its HSN (bricks at 12).
    pub only_with_hsn: bool,
    pub note: &'static str,
    /// The notification.
    pub source: &'static str,
}

impl Rate {
    fn in_force(&self, on: NaiveDate) -> bool {
        self.effective_from <= on && self.effective_to.is_none_or(|to| on <= to)
    }
}

/// How far compensation cess still reaches on a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CessScope {
    AllCessGoods,
    TobaccoOnly,
    Ended,
}

#[derive(Deserialize)]
struct PortalList {
    effective_to: NaiveDate,
    rates: Vec<Decimal>,
    source: &'static str,
}

#[derive(Deserialize)]
struct CessSpan {
    effective_to: NaiveDate,
    scope: CessScope,
    /// Prefixes of the goods it still is on; empty means not limited.
    hsn: Vec<&'static str>,
    source: &'static str,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
struct Data {
    portal_list: PortalList,
    rates: Vec<Rate>,
    cess: Vec<CessSpan>,
}

#[allow(clippy::expect_used, reason = "embedded data, parsed by a test of this module")]
static DATA: LazyLock<Data> = LazyLock::new(|| serde_json::from_str(include_str!("data/rates.json")).expect("embedded rates.json"));

/// Every rate row with dates and source.
#[must_use]
pub fn all() -> &'static [Rate] {
    &DATA.rates
}

/// The rates a supply may carry on a date, ascending, without those granted to named HSN only.
///
/// Until 21-Sep-2025 this is the portal's list as a whole (also before 1-Jul-2017, so that
/// old demonstration documents work), because the start dates of its special rates are not
/// certain enough to refuse a document. From 22-Sep-2025 the dated rows decide.
#[must_use]
pub fn on(date: NaiveDate) -> Vec<Decimal> {
    if date <= DATA.portal_list.effective_to {
        return DATA.portal_list.rates.clone();
    }
    let mut rates: Vec<Decimal> = DATA.rates.iter().filter(|r| r.in_force(date) && !r.only_with_hsn).map(|r| r.rate).collect();
    rates.sort_unstable();
    rates.dedup();
    rates
}

/// Whether the percentage is a GST rate at that time of supply, for some goods or services.
///
/// A credit or debit note asks with the date of the document it corrects: a note of Nov-2025
/// against an invoice of Aug-2025 still carries 12.
#[must_use]
pub fn is_gst_rate(rate: Decimal, on: NaiveDate) -> bool {
    self::on(on).contains(&rate)
}

/// As [`is_gst_rate`], for goods or services whose HSN/SAC is known: a rate limited to some HSN
/// (28 for tobacco until 31-Jan-2026, 12 for bricks) is refused to all others. A code of fewer digits than the
/// limit may mean it.
#[must_use]
pub fn is_gst_rate_for(rate: Decimal, on: NaiveDate, hsn: &str) -> bool {
    if on <= DATA.portal_list.effective_to {
        return is_gst_rate(rate, on);
    }
    DATA.rates.iter().any(|r| r.rate == rate && r.in_force(on) && covers(&r.hsn, hsn))
}

/// Whether a code falls under one of the prefixes, of which there may be none. One of fewer digits may mean it.
fn covers(prefixes: &[&str], hsn: &str) -> bool {
    prefixes.is_empty() || prefixes.iter().any(|prefix| hsn.starts_with(prefix) || prefix.starts_with(hsn))
}

/// The notification behind a rate at that time of supply; `None` where it is no GST rate.
#[must_use]
pub fn source(rate: Decimal, on: NaiveDate) -> Option<&'static str> {
    DATA.rates.iter().find(|r| r.rate == rate && r.in_force(on)).map(|r| r.source).or_else(|| is_gst_rate(rate, on).then_some(DATA.portal_list.source))
}

/// Whether the percentage is a GST rate on the day, or was one before it.
#[must_use]
pub fn was_gst_rate(rate: Decimal, on: NaiveDate) -> bool {
    is_gst_rate(rate, on) || (on > DATA.portal_list.effective_to && DATA.portal_list.rates.contains(&rate))
}

/// The law behind a rate at that time of supply, and the day it counts from; `None` where it is no GST rate.
#[must_use]
pub fn basis(rate: Decimal, on: NaiveDate) -> Option<(&'static str, NaiveDate)> {
    let row = DATA.rates.iter().find(|r| r.rate == rate && r.in_force(on)).map(|row| (row.source, row.effective_from));
    let start = DATA.rates.iter().map(|row| row.effective_from).min()?;
    row.or_else(|| is_gst_rate(rate, on).then_some((DATA.portal_list.source, start)))
}

/// The days between two on which the list of rates changed, the later one included.
#[must_use]
pub fn changes_between(first: NaiveDate, last: NaiveDate) -> Vec<NaiveDate> {
    let mut days: Vec<NaiveDate> =
        DATA.rates.iter().map(|row| row.effective_from).filter(|day| *day > DATA.portal_list.effective_to && first < *day && *day <= last).collect();
    days.sort_unstable();
    days.dedup();
    days
}

/// The law that ends, or keeps, compensation cess on a day, and the day it counts from.
#[must_use]
pub fn cess_basis(on: NaiveDate) -> (&'static str, NaiveDate) {
    let ended = DATA.cess.iter().rev().find(|span| span.effective_to < on);
    let levied = ("GST (Compensation to States) Act s.8", NaiveDate::from_ymd_opt(2017, 7, 1).unwrap_or_default());
    ended.map_or(levied, |span| (span.source, span.effective_to.succ_opt().unwrap_or(span.effective_to)))
}

/// Whether there can be compensation cess at that time of supply: on the goods of an HSN, or without one on any.
#[must_use]
pub fn cess_is_levied(on: NaiveDate, hsn: Option<&str>) -> bool {
    DATA.cess.iter().find(|span| on <= span.effective_to).is_some_and(|span| hsn.is_none_or(|hsn| covers(&span.hsn, hsn)))
}

/// The reach of compensation cess: all cess goods until 21-Sep-2025, tobacco until 31-Jan-2026.
#[must_use]
pub fn cess_scope(on: NaiveDate) -> CessScope {
    DATA.cess.iter().find(|span| on <= span.effective_to).map_or(CessScope::Ended, |span| span.scope)
}

#[cfg(test)]
#[rustfmt::skip] // tables of cases are read by the row
mod tests {
    use super::*;
    use rust_decimal::dec;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn twelve_ends_and_forty_begins_on_22_september_2025() {
        let (last, first) = (day("2025-09-21"), day("2025-09-22"));
        assert!(is_gst_rate(dec!(12), last) && !is_gst_rate(dec!(12), first));
        assert!(!is_gst_rate(dec!(40), last) && is_gst_rate(dec!(40), first));
        assert!(is_gst_rate(dec!(18.00), first) && is_gst_rate(dec!(0.25), first));
        assert!(!is_gst_rate(dec!(17), last) && !is_gst_rate(dec!(-5), first));
    }

    #[test]
    fn twenty_eight_survives_for_tobacco_until_january_2026() {
        let (inside, after) = (day("2026-01-31"), day("2026-02-01"));
        assert!(is_gst_rate(dec!(28), inside) && !is_gst_rate(dec!(28), after));
        assert!(is_gst_rate_for(dec!(28), inside, "24022090"));
        assert!(!is_gst_rate_for(dec!(28), inside, "8703"));
        assert!(!is_gst_rate_for(dec!(28), after, "24022090"));
    }

    #[test]
    fn bricks_keep_twelve_after_the_slab_is_gone() {
        let on = day("2025-10-01");
        assert!(is_gst_rate_for(dec!(12), on, "69041000"));
        assert!(!is_gst_rate_for(dec!(12), on, "8471"));
        assert!(is_gst_rate_for(dec!(18), on, "8471"));
        assert!(is_gst_rate_for(dec!(12), day("2025-09-21"), "8471"));
    }

    #[test]
    fn dates_before_gst_accept_the_first_list() {
        assert_eq!(on(day("2015-01-01")).len(), 12);
        assert!(is_gst_rate(dec!(7.5), day("2015-01-01")));
    }

    #[test]
    fn list_from_february_2026_has_no_12_and_28() {
        let rates: Vec<String> = on(day("2026-02-01")).iter().map(|r| r.normalize().to_string()).collect();
        assert_eq!(rates, ["0", "0.1", "0.25", "1", "1.5", "3", "5", "6", "7.5", "18", "40"]);
    }

    #[test]
    fn every_rate_names_its_source_on_every_date() {
        for date in ["2016-01-01", "2018-01-01", "2025-09-21", "2025-09-22", "2026-02-01"].map(day) {
            for rate in on(date) {
                assert!(source(rate, date).is_some_and(|s| !s.is_empty()), "{rate} {date}");
            }
        }
        assert_eq!(source(dec!(17), day("2025-10-01")), None);
    }

    #[test]
    fn the_list_of_rates_changed_twice() {
        let between = |a: &str, b: &str| changes_between(day(a), day(b));
        assert_eq!(between("2025-09-21", "2026-02-01"), [day("2025-09-22"), day("2026-02-01")]);
        assert_eq!(between("2025-09-22", "2026-01-31"), []);
        assert_eq!(between("2017-07-01", "2025-09-21"), []);
    }

    #[test]
    fn a_rate_is_told_with_its_notification_and_first_day() {
        assert_eq!(basis(dec!(40), day("2025-11-15")).map(|(_, from)| from), Some(day("2025-09-22")));
        assert_eq!(basis(dec!(18.00), day("2025-11-15")).map(|(_, from)| from), Some(day("2017-07-01")));
        assert_eq!(basis(dec!(12), day("2025-11-15")).map(|(source, _)| source), Some("Notification 14/2025-CT(Rate), 17-Sep-2025"));
        assert_eq!(basis(dec!(28), day("2026-02-01")), None);
        assert_eq!(cess_basis(day("2025-09-21")).1, day("2017-07-01"));
        assert_eq!(cess_basis(day("2025-09-22")).1, day("2025-09-22"));
        assert_eq!(cess_basis(day("2026-02-01")).1, day("2026-02-01"));
    }

    #[test]
    fn compensation_cess_ends_in_two_steps() {
        assert_eq!(cess_scope(day("2025-09-21")), CessScope::AllCessGoods);
        assert_eq!(cess_scope(day("2026-01-31")), CessScope::TobaccoOnly);
        assert_eq!(cess_scope(day("2026-02-01")), CessScope::Ended);
        for (date, hsn, levied) in [
            ("2025-09-21", Some("870322"), true), ("2025-09-22", Some("870322"), false), ("2025-09-22", Some("24022090"), true), ("2025-09-22", Some("21069020"), true),
            ("2025-09-22", Some("2106"), true), ("2025-09-22", None, true), ("2026-01-31", Some("2403"), true), ("2026-02-01", Some("2403"), false), ("2026-02-01", None, false),
        ] {
            assert_eq!(cess_is_levied(day(date), hsn), levied, "{date} {hsn:?}");
        }
    }
}
