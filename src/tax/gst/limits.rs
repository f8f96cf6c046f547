//! Thresholds and windows of GST by date: every figure the law has changed, or may change.
//!
//! A figure holds from its date until the next of its kind; before the first there is none. The date asked with is
//! the one the rule speaks of: the date of the document for what a document must be, the first day of the return
//! period for what a return must be. Turnover is the aggregate turnover of a year on the PAN (s.2(6)), in rupees.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::platform::dates::FiscalYear;

/// A figure with the day it counts from and where it is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'static>"))]
pub struct Dated<T> {
    pub from: NaiveDate,
    pub value: T,
    /// Notification, section, rule or advisory.
    pub source: &'static str,
}

/// One figure through time, ascending.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent, bound(deserialize = "T: Deserialize<'static>, 'de: 'static"))]
pub struct Timeline<T>(Vec<Dated<T>>);

impl<T> Timeline<T> {
    /// What holds on a day; `None` before the rule began.
    #[must_use]
    pub fn on(&self, day: NaiveDate) -> Option<&Dated<T>> {
        self.0.iter().rev().find(|row| row.from <= day)
    }

    /// As [`Timeline::on`], with the first figure also for days before it: a rule that came with GST itself.
    fn since_ever(&self, day: NaiveDate) -> &Dated<T> {
        self.on(day).unwrap_or(&self.0[0])
    }

    /// Every figure, oldest first.
    #[must_use]
    pub fn rows(&self) -> &[Dated<T>] {
        &self.0
    }
}

/// Digits of HSN or SAC that documents need above a turnover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct HsnDigits {
    pub turnover_above: Decimal,
    /// To registered recipients.
    pub registered: usize,
    /// To all others.
    pub unregistered: usize,
}

/// From which turnover a document must reach the IRP within how many days, its own counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct ReportingWindow {
    pub turnover_from: Decimal,
    pub days: u32,
}

/// A day of the year after the fiscal year of a supply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct DayOfYear {
    pub month: u32,
    pub day: u32,
}

/// Values of a consignment above which goods need an e-way bill.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct EwayBill {
    pub consignment_above: Decimal,
    /// For movement within a State that has a limit of its own, by its code.
    pub within_state_above: BTreeMap<&'static str, Decimal>,
}

/// Days from the supply of a service to its invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct InvoiceDays {
    pub general: u32,
    pub banks_and_insurers: u32,
}

/// Tax that government deducts from what it pays (s.51).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Deduction {
    /// Per cent of the value without tax: all as IGST, or half CGST and half SGST.
    pub rate: Decimal,
    /// On contracts of more than this, without tax.
    pub contract_above: Decimal,
}

/// Every dated figure.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "'de: 'static"))]
pub struct Limits {
    /// Invoice value, tax included, above which an inter-State B2C invoice is reported by itself (GSTR-1 table 5).
    pub b2cl_invoice_value: Timeline<Decimal>,
    pub hsn_digits: Timeline<Vec<HsnDigits>>,
    /// Whether table 12 is split into B2B and B2C; by the first day of the return period.
    pub hsn_summary_split: Timeline<bool>,
    /// Turnover of any year since 2017-18 above which documents to businesses need an IRN (r.48(4)).
    pub einvoice_turnover: Timeline<Decimal>,
    pub einvoice_reporting: Timeline<ReportingWindow>,
    /// Whether a tax invoice of who has to register such, but not this one, says so (r.46(s)).
    pub einvoice_declaration: Timeline<bool>,
    pub irn_cancel_hours: Timeline<u32>,
    /// Whether the number goes into the IRN in capitals.
    pub irn_upper_case: Timeline<bool>,
    /// Turnover above which invoices to consumers carry a QR code for paying.
    pub b2c_qr_turnover: Timeline<Decimal>,
    /// By the date of the invoice that is credited.
    pub credit_note_last_day: Timeline<DayOfYear>,
    /// Whether table 3.2 of GSTR-3B is what GSTR-1 makes it; by the first day of the return period.
    pub gstr3b_unregistered_locked: Timeline<bool>,
    pub return_bar_years: Timeline<u32>,
    /// Value from which an invoice names an unregistered recipient and the place of delivery.
    pub recipient_details_value: Timeline<Decimal>,
    /// Value below which supplies of a day to unregistered recipients may share an invoice.
    pub consolidated_invoice_value: Timeline<Decimal>,
    pub eway_bill: Timeline<EwayBill>,
    pub tax_on_advance_for_goods: Timeline<bool>,
    pub services_invoice_days: Timeline<InvoiceDays>,
    pub tds_s51: Timeline<Deduction>,
    /// Per cent of the net taxable value that an operator collects (s.52).
    pub tcs_s52: Timeline<Decimal>,
    /// Per cent of the normal tax on leased motor vehicles bought before GST; none before, in full afterwards.
    pub differential_percent: Timeline<Decimal>,
    /// Most value a quarterly filer may report in a month.
    pub iff_limit: Timeline<Decimal>,
    /// Whether goods to unregistered recipients are placed by the address on the invoice, and transport of goods for a
    /// recipient abroad is not placed by its destination.
    pub place_amended_2023: Timeline<bool>,
    /// Whether transport of goods to a place abroad is supplied there.
    pub transport_abroad_at_destination: Timeline<bool>,
    /// Whether services of an intermediary for a recipient abroad are supplied where the intermediary is.
    pub intermediary_at_supplier: Timeline<bool>,
}

#[allow(clippy::expect_used, reason = "embedded data, parsed by a test of this module")]
static LIMITS: LazyLock<Limits> = LazyLock::new(|| serde_json::from_str(include_str!("data/limits.json")).expect("embedded limits.json"));

/// Every dated figure, each with its source.
#[must_use]
pub fn all() -> &'static Limits {
    &LIMITS
}

/// An inter-State invoice to an unregistered recipient is B2CL when its value, tax included, is **above** this
/// (r.59(4)).
#[must_use]
pub fn b2cl_limit(invoice_date: NaiveDate) -> Decimal {
    LIMITS.b2cl_invoice_value.since_ever(invoice_date).value
}

/// Digits of HSN a document needs at least, by the turnover of the year before.
#[must_use]
pub fn hsn_digits(date: NaiveDate, turnover: Decimal, registered_recipient: bool) -> usize {
    let steps = &LIMITS.hsn_digits.since_ever(date).value;
    let step = steps.iter().rev().find(|step| turnover > step.turnover_above).or(steps.first());
    step.map_or(0, |step| if registered_recipient { step.registered } else { step.unregistered })
}

/// Fewest digits an HSN had in any document or return of the day.
#[must_use]
pub fn hsn_fewest(date: NaiveDate) -> usize {
    let steps = &LIMITS.hsn_digits.since_ever(date).value;
    steps.iter().flat_map(|step| [step.registered, step.unregistered]).filter(|digits| *digits > 0).min().unwrap_or(2)
}

/// Where the digits of a date are written.
#[must_use]
pub fn hsn_source(date: NaiveDate) -> &'static str {
    LIMITS.hsn_digits.since_ever(date).source
}

/// Whether table 12 of the period beginning on this day has a part for B2B and one for B2C.
#[must_use]
pub fn hsn_summary_is_split(period_start: NaiveDate) -> bool {
    LIMITS.hsn_summary_split.since_ever(period_start).value
}

/// E-invoicing concerns a supplier whose turnover in any year since 2017-18 was **above** this; `None` before it
/// began.
#[must_use]
pub fn einvoice_turnover(date: NaiveDate) -> Option<Decimal> {
    LIMITS.einvoice_turnover.on(date).map(|row| row.value)
}

/// The last day a document of this date can be reported to the IRP; `None` where there is none. A document of
/// 1-Apr-2025 is reported by 30-Apr-2025.
#[must_use]
pub fn einvoice_last_day(date: NaiveDate, turnover: Decimal) -> Option<NaiveDate> {
    let window = LIMITS.einvoice_reporting.on(date)?.value;
    if turnover < window.turnover_from {
        return None;
    }
    date.checked_add_days(Days::new(u64::from(window.days.saturating_sub(1))))
}

/// Hours after its registration within which an e-invoice can be cancelled at the IRP.
#[must_use]
pub fn irn_cancel_hours(date: NaiveDate) -> u32 {
    LIMITS.irn_cancel_hours.since_ever(date).value
}

/// Whether the IRN of a document of this date is of its number in capitals.
#[must_use]
pub fn irn_is_upper_cased(date: NaiveDate) -> bool {
    LIMITS.irn_upper_case.since_ever(date).value
}

/// Whether an invoice to a consumer carries a QR code for paying, by the highest turnover of a year since 2017-18.
#[must_use]
pub fn b2c_qr_needed(date: NaiveDate, turnover: Decimal) -> bool {
    LIMITS.b2c_qr_turnover.on(date).is_some_and(|row| turnover > row.value)
}

/// The last day a credit note can reduce the tax of an invoice: 30 November after its fiscal year (s.34(2)), for
/// invoices before April 2021 30 September. The annual return, if filed before, ends it earlier.
#[must_use]
pub fn credit_note_last_day(invoice_date: NaiveDate) -> NaiveDate {
    let day = LIMITS.credit_note_last_day.since_ever(invoice_date).value;
    let FiscalYear(year) = FiscalYear::of(invoice_date, 4);
    NaiveDate::from_ymd_opt(year + 1, day.month, day.day).unwrap_or(NaiveDate::MAX)
}

/// Whether table 3.2 of GSTR-3B of the period beginning on this day can only be changed through GSTR-1A.
#[must_use]
pub fn gstr3b_unregistered_is_locked(period_start: NaiveDate) -> bool {
    LIMITS.gstr3b_unregistered_locked.since_ever(period_start).value
}

/// Years after its due date from which a return can no longer be filed; `None` while there was no such bar.
#[must_use]
pub fn return_bar_years(today: NaiveDate) -> Option<u32> {
    LIMITS.return_bar_years.on(today).map(|row| row.value)
}

/// An invoice of this value or more names its unregistered recipient, address and State (r.46(e)).
#[must_use]
pub fn recipient_details_value(date: NaiveDate) -> Decimal {
    LIMITS.recipient_details_value.since_ever(date).value
}

/// Supplies **below** this to unregistered recipients who want no invoice may share one a day (s.31(3)(b)).
#[must_use]
pub fn consolidated_invoice_value(date: NaiveDate) -> Decimal {
    LIMITS.consolidated_invoice_value.since_ever(date).value
}

/// Goods of a consignment **above** this value, tax included, need an e-way bill; `None` before there were any.
/// `within` is the State of a movement that stays in it.
#[must_use]
pub fn eway_bill_value(date: NaiveDate, within: Option<&str>) -> Option<Decimal> {
    let row = &LIMITS.eway_bill.on(date)?.value;
    Some(within.and_then(|state| row.within_state_above.get(state)).copied().unwrap_or(row.consignment_above))
}

/// Whether money received before goods are supplied is taxed when received; for services it always is.
#[must_use]
pub fn advance_for_goods_is_taxed(received_on: NaiveDate) -> bool {
    LIMITS.tax_on_advance_for_goods.since_ever(received_on).value
}

/// Days from the supply of a service to its invoice (r.47).
#[must_use]
pub fn services_invoice_days(date: NaiveDate, bank_or_insurer: bool) -> u32 {
    let days = LIMITS.services_invoice_days.since_ever(date).value;
    if bank_or_insurer { days.banks_and_insurers } else { days.general }
}

/// What government deducts from a payment of this day (s.51); `None` before it did.
#[must_use]
pub fn tds_s51(paid_on: NaiveDate) -> Option<Deduction> {
    LIMITS.tds_s51.on(paid_on).map(|row| row.value)
}

/// Per cent of the net taxable value an operator collects (s.52); `None` before it did.
#[must_use]
pub fn tcs_s52(date: NaiveDate) -> Option<Decimal> {
    LIMITS.tcs_s52.on(date).map(|row| row.value)
}

/// Per cent of the normal tax where the differential percentage applies (leased motor vehicles); 100 while it applies
/// to nothing.
#[must_use]
pub fn differential_percent(date: NaiveDate) -> Decimal {
    LIMITS.differential_percent.on(date).map_or(Decimal::ONE_HUNDRED, |row| row.value)
}

/// Most value that a quarterly filer reports for one month (r.59(2)); `None` before there was the facility.
#[must_use]
pub fn iff_limit(period_start: NaiveDate) -> Option<Decimal> {
    LIMITS.iff_limit.on(period_start).map(|row| row.value)
}

/// Whether the IGST (Amendment) of 2023 is in force: s.10(1)(ca) inserted, s.13(9) omitted.
#[must_use]
pub fn place_amended_2023(date: NaiveDate) -> bool {
    LIMITS.place_amended_2023.since_ever(date).value
}

/// Whether the proviso to s.12(8) of the IGST Act is in force: transport of goods to a place abroad is supplied there.
#[must_use]
pub fn transport_abroad_at_destination(date: NaiveDate) -> bool {
    LIMITS.transport_abroad_at_destination.since_ever(date).value
}

/// Whether s.13(8)(b) of the IGST Act is in force: an intermediary's services are supplied where it is.
#[must_use]
pub fn intermediary_at_supplier(date: NaiveDate) -> bool {
    LIMITS.intermediary_at_supplier.since_ever(date).value
}

#[cfg(test)]
#[rustfmt::skip] // tables of cases are read by the row
mod tests {
    use super::*;
    use rust_decimal::dec;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn ascends<T>(line: &Timeline<T>) {
        assert!(!line.rows().is_empty() && line.rows().windows(2).all(|w| w[0].from < w[1].from));
        assert!(line.rows().iter().all(|row| !row.source.is_empty()));
    }

    #[test]
    fn every_figure_has_a_date_and_a_source_and_ascends() {
        let l = all();
        for line in [&l.b2cl_invoice_value, &l.einvoice_turnover, &l.b2c_qr_turnover, &l.recipient_details_value, &l.consolidated_invoice_value, &l.tcs_s52, &l.differential_percent, &l.iff_limit] {
            ascends(line);
        }
        for line in [&l.hsn_summary_split, &l.irn_upper_case, &l.gstr3b_unregistered_locked, &l.tax_on_advance_for_goods, &l.place_amended_2023, &l.transport_abroad_at_destination, &l.intermediary_at_supplier] {
            ascends(line);
        }
        ascends(&l.irn_cancel_hours);
        ascends(&l.return_bar_years);
        ascends(&l.hsn_digits);
        ascends(&l.einvoice_reporting);
        ascends(&l.credit_note_last_day);
        ascends(&l.eway_bill);
        ascends(&l.services_invoice_days);
        ascends(&l.tds_s51);
        for steps in l.hsn_digits.rows() {
            assert!(steps.value.windows(2).all(|w| w[0].turnover_above < w[1].turnover_above));
        }
    }

    #[test]
    fn b2cl_begins_above_a_lakh_from_august_2024() {
        assert_eq!(b2cl_limit(day("2024-07-31")), dec!(250000));
        assert_eq!(b2cl_limit(day("2024-08-01")), dec!(100000));
        assert_eq!(b2cl_limit(day("2016-01-01")), dec!(250000));
    }

    #[test]
    fn hsn_has_six_digits_above_five_crore_from_april_2021() {
        let (before, from) = (day("2021-03-31"), day("2021-04-01"));
        for (date, turnover, registered, digits) in [
            (before, dec!(15000000), true, 0), (before, dec!(15000000.01), true, 2), (before, dec!(50000000), true, 2), (before, dec!(50000000.01), false, 4),
            (from, dec!(50000000), true, 4), (from, dec!(50000000), false, 0), (from, dec!(50000000.01), true, 6), (from, dec!(50000000.01), false, 6),
            (from, dec!(0), true, 4),
        ] {
            assert_eq!(hsn_digits(date, turnover, registered), digits, "{date} {turnover} {registered}");
        }
    }

    #[test]
    fn switches_turn_on_their_day() {
        type Switch = fn(NaiveDate) -> bool;
        let switches: [(Switch, &str); 5] = [
            (hsn_summary_is_split, "2025-05-01"),
            (irn_is_upper_cased, "2025-06-01"),
            (gstr3b_unregistered_is_locked, "2025-11-01"),
            (|date| !advance_for_goods_is_taxed(date), "2017-11-15"),
            (place_amended_2023, "2023-10-01"),
        ];
        for (switch, on) in switches {
            let first = day(on);
            assert!(switch(first) && !switch(first.pred_opt().unwrap()) && !switch(day("2017-07-01")), "{on}");
        }
        assert_eq!((return_bar_years(day("2025-06-30")), return_bar_years(day("2025-07-01"))), (None, Some(3)));
    }

    #[test]
    fn e_invoicing_reaches_down_in_six_steps() {
        for (date, crores) in [
            ("2020-09-30", None), ("2020-10-01", Some(500)), ("2020-12-31", Some(500)), ("2021-01-01", Some(100)), ("2021-03-31", Some(100)), ("2021-04-01", Some(50)),
            ("2022-03-31", Some(50)), ("2022-04-01", Some(20)), ("2022-09-30", Some(20)), ("2022-10-01", Some(10)), ("2023-07-31", Some(10)), ("2023-08-01", Some(5)),
        ] {
            assert_eq!(einvoice_turnover(day(date)), crores.map(|c: i64| Decimal::from(c * 10_000_000)), "{date}");
        }
        assert!(!b2c_qr_needed(day("2020-11-30"), dec!(5000000001)) && b2c_qr_needed(day("2020-12-01"), dec!(5000000001)));
        assert!(!b2c_qr_needed(day("2020-12-01"), dec!(5000000000)));
    }

    #[test]
    fn a_document_of_the_first_of_april_2025_is_reported_in_april() {
        let by = |date: &str, turnover| einvoice_last_day(day(date), turnover);
        assert_eq!(by("2025-04-01", dec!(100000000)), Some(day("2025-04-30")));
        assert_eq!(by("2025-04-01", dec!(99999999.99)), None);
        assert_eq!(by("2025-03-31", dec!(100000000)), None);
        assert_eq!(by("2025-03-31", dec!(1000000000)), Some(day("2025-04-29")));
        assert_eq!(by("2023-11-01", dec!(1000000000)), Some(day("2023-11-30")));
        assert_eq!(by("2023-10-31", dec!(1000000000)), None);
        assert_eq!(irn_cancel_hours(day("2025-11-15")), 24);
    }

    #[test]
    fn credit_ends_on_the_30_november_after_the_year() {
        assert_eq!(credit_note_last_day(day("2025-03-31")), day("2025-11-30"));
        assert_eq!(credit_note_last_day(day("2025-04-01")), day("2026-11-30"));
        // The Finance Act 2022 came before the September of 2021-22's invoices had ended.
        assert_eq!(credit_note_last_day(day("2021-04-01")), day("2022-11-30"));
        assert_eq!(credit_note_last_day(day("2021-03-31")), day("2021-09-30"));
    }

    #[test]
    fn operators_collect_half_a_per_cent_from_july_2024() {
        assert_eq!(tcs_s52(day("2018-09-30")), None);
        assert_eq!(tcs_s52(day("2024-07-09")), Some(dec!(1)));
        assert_eq!(tcs_s52(day("2024-07-10")), Some(dec!(0.5)));
        assert_eq!(tds_s51(day("2018-09-30")), None);
        assert_eq!(tds_s51(day("2018-10-01")), Some(Deduction { rate: dec!(2), contract_above: dec!(250000) }));
    }

    #[test]
    fn values_of_documents_are_as_the_rules_say() {
        let date = day("2025-11-15");
        assert_eq!((recipient_details_value(date), consolidated_invoice_value(date), differential_percent(date)), (dec!(50000), dec!(200), dec!(100)));
        let leased = |text| differential_percent(day(text));
        assert_eq!([leased("2017-10-12"), leased("2017-10-13"), leased("2020-06-30"), leased("2020-07-01")], [dec!(100), dec!(65), dec!(65), dec!(100)]);
        assert_eq!((services_invoice_days(date, false), services_invoice_days(date, true)), (30, 45));
        assert_eq!((iff_limit(day("2020-12-01")), iff_limit(day("2021-01-01"))), (None, Some(dec!(5000000))));
        assert_eq!((eway_bill_value(day("2018-03-31"), None), eway_bill_value(date, None)), (None, Some(dec!(50000))));
        assert_eq!((eway_bill_value(date, Some("27")), eway_bill_value(date, Some("29"))), (Some(dec!(100000)), Some(dec!(50000))));
    }
}
