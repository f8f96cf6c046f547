//! Time of supply (CGST Act s.12 to s.14): when tax falls due, and which of two rates a supply bears.

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::limits;

/// The days a supply is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days3 {
    pub invoice: NaiveDate,
    /// When the goods or services were supplied.
    pub supply: NaiveDate,
    /// When it was paid; `None` while it is not, which counts as later than anything.
    pub payment: Option<NaiveDate>,
}

impl Days3 {
    /// Of a document of which only some days are known: what is not said happened with the invoice.
    #[must_use]
    pub fn of(invoice: NaiveDate, supply: Option<NaiveDate>, payment: Option<NaiveDate>) -> Self {
        Self { invoice, supply: supply.unwrap_or(invoice), payment }
    }

    /// The day whose rate the supply bears. Of supply, invoice and payment two decide (s.14): if two lie before a change
    /// the old rate holds, if two lie after it the new one. That is the rate of the middle one of the three days.
    #[must_use]
    pub fn rate_day(self) -> NaiveDate {
        let mut days = [self.invoice, self.supply, self.payment.unwrap_or(NaiveDate::MAX)];
        days.sort_unstable();
        days[1]
    }

    /// Time of supply where the rate changed on `change`, by the clause of s.14 that the days fall under; `None` where all
    /// lie on one side of it.
    #[must_use]
    pub fn at_change(self, change: NaiveDate) -> Option<AtChange> {
        let before = |day: NaiveDate| day < change;
        let paid = self.payment.unwrap_or(NaiveDate::MAX);
        let earlier = self.invoice.min(paid);
        let (clause, time) = match (before(self.supply), before(self.invoice), before(paid)) {
            (true, true, true) | (false, false, false) => return None,
            (true, false, false) => ("(a)(i)", earlier),
            (true, true, false) => ("(a)(ii)", self.invoice),
            (true, false, true) => ("(a)(iii)", paid),
            (false, true, false) => ("(b)(i)", paid),
            (false, true, true) => ("(b)(ii)", earlier),
            (false, false, true) => ("(b)(iii)", self.invoice),
        };
        Some(AtChange { clause, time, old_rate: before(self.rate_day()) })
    }
}

/// What s.14 says of a supply around a change of rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AtChange {
    /// Of s.14, e.g. `(a)(ii)`.
    pub clause: &'static str,
    /// Time of supply. [`NaiveDate::MAX`] where that is a payment still to come.
    pub time: NaiveDate,
    pub old_rate: bool,
}

/// When something was paid (explanation to s.14): entered in the books or credited in the bank, whichever is earlier;
/// but the credit, where that came more than four working days after a change of rate.
#[must_use]
pub fn payment_day(entered: NaiveDate, credited: NaiveDate, change: NaiveDate) -> NaiveDate {
    if credited > working_days_after(change, 4) { credited } else { entered.min(credited) }
}

/// Working days of banks: not Sundays, nor the second and fourth Saturday of a month. Holidays of a place are not known here.
fn working_days_after(day: NaiveDate, count: u32) -> NaiveDate {
    let mut left = count;
    day.iter_days()
        .skip(1)
        .find(|day| {
            let closed = match day.weekday() {
                Weekday::Sun => true,
                Weekday::Sat => matches!((day.day() - 1) / 7, 1 | 3),
                _ => false,
            };
            left -= u32::from(!closed);
            left == 0
        })
        .unwrap_or(day)
}

/// Time of supply of goods (s.12(2)): the earlier of the invoice and the last day it should have been issued. Until
/// 14-Nov-2017 a payment before them counted too.
#[must_use]
pub fn of_goods(invoice: NaiveDate, due_by: NaiveDate, payment: Option<NaiveDate>) -> NaiveDate {
    let first = invoice.min(due_by);
    payment.filter(|paid| limits::advance_for_goods_is_taxed(*paid)).map_or(first, |paid| paid.min(first))
}

/// Time of supply of services (s.13(2)): the earlier of payment and invoice, or of payment and the supply itself where
/// the invoice came later than r.47 allows.
#[must_use]
pub fn of_services(days: Days3, bank_or_insurer: bool) -> NaiveDate {
    let allowed = limits::services_invoice_days(days.supply, bank_or_insurer);
    let in_time = days.supply.checked_add_days(Days::new(u64::from(allowed))).is_none_or(|last| days.invoice <= last);
    let first = if in_time { days.invoice } else { days.supply };
    days.payment.map_or(first, |paid| paid.min(first))
}

#[cfg(test)]
#[rustfmt::skip] // tables of cases are read by the row
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn two_of_three_days_decide_the_rate() {
        let (change, before, after) = (day("2025-09-22"), day("2025-09-10"), day("2025-10-05"));
        for (supply, invoice, payment, clause, time, old) in [
            (before, after, Some(after), "(a)(i)", after, false),
            (before, before, Some(after), "(a)(ii)", before, true),
            (before, before, None, "(a)(ii)", before, true),
            (before, after, Some(before), "(a)(iii)", before, true),
            (after, before, Some(after), "(b)(i)", after, false),
            (after, before, Some(before), "(b)(ii)", before, true),
            (after, after, Some(before), "(b)(iii)", after, false),
        ] {
            let days = Days3 { invoice, supply, payment };
            assert_eq!(days.at_change(change), Some(AtChange { clause, time, old_rate: old }), "{days:?}");
            assert_eq!(days.rate_day() < change, old, "{days:?}");
        }
        assert_eq!(Days3::of(after, None, None).at_change(change), None);
        assert_eq!(Days3::of(before, None, Some(before)).at_change(change), None);
    }

    #[test]
    fn a_document_alone_is_judged_by_its_own_date() {
        let invoice = day("2025-11-15");
        assert_eq!(Days3::of(invoice, None, None).rate_day(), invoice);
        assert_eq!(Days3::of(invoice, None, Some(day("2025-09-01"))).rate_day(), invoice);
        assert_eq!(Days3::of(invoice, Some(day("2025-09-01")), None).rate_day(), invoice);
        assert_eq!(Days3::of(invoice, Some(day("2025-09-01")), Some(day("2025-09-02"))).rate_day(), day("2025-09-02"));
    }

    #[test]
    fn a_late_credit_in_the_bank_is_the_payment() {
        let change = day("2025-09-22");
        // Monday; four working days on is Friday the 26th.
        assert_eq!(payment_day(day("2025-09-20"), day("2025-09-26"), change), day("2025-09-20"));
        assert_eq!(payment_day(day("2025-09-20"), day("2025-09-27"), change), day("2025-09-27"));
        // Across the second Saturday of October and its Sunday.
        assert_eq!(working_days_after(day("2025-10-08"), 4), day("2025-10-14"));
    }

    #[test]
    fn goods_are_supplied_when_the_invoice_was_due() {
        let (invoice, due) = (day("2025-05-10"), day("2025-05-08"));
        assert_eq!(of_goods(invoice, due, Some(day("2025-04-01"))), due);
        assert_eq!(of_goods(day("2017-11-20"), day("2017-11-20"), Some(day("2017-11-14"))), day("2017-11-14"));
        assert_eq!(of_goods(day("2017-11-20"), day("2017-11-20"), Some(day("2017-11-15"))), day("2017-11-20"));
    }

    #[test]
    fn services_are_supplied_with_an_invoice_in_time_or_else_when_they_were_done() {
        let of = |supply, invoice, payment: Option<&str>, bank| of_services(Days3 { supply: day(supply), invoice: day(invoice), payment: payment.map(day) }, bank);
        assert_eq!(of("2025-05-01", "2025-05-31", None, false), day("2025-05-31"));
        assert_eq!(of("2025-05-01", "2025-06-01", None, false), day("2025-05-01"));
        assert_eq!(of("2025-05-01", "2025-06-01", None, true), day("2025-06-01"));
        assert_eq!(of("2025-05-01", "2025-05-31", Some("2025-05-20"), false), day("2025-05-20"));
    }

    proptest! {
        #[test]
        fn the_middle_day_agrees_with_the_clauses(days in prop::array::uniform3(0u64..60), change in 0u64..60) {
            let at = |offset| day("2025-09-01") + Days::new(offset);
            let facts = Days3 { invoice: at(days[0]), supply: at(days[1]), payment: Some(at(days[2])) };
            let after = days.iter().filter(|d| **d >= change).count();
            prop_assert_eq!(facts.rate_day() >= at(change), after >= 2);
            prop_assert_eq!(facts.at_change(at(change)).is_none(), after == 0 || after == 3);
        }
    }
}
