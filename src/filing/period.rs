//! The span of time a return is for.

use crate::platform::dates::{month_end, month_label, plus_months};
use chrono::{Datelike, Months, NaiveDate};
use serde::Deserialize;

/// A month, or the quarter that ends with it. Written `102024` as the portal does, or `2024-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReturnPeriod {
    pub first: NaiveDate,
    pub last: NaiveDate,
}

impl ReturnPeriod {
    /// The month a date lies in.
    #[must_use]
    pub fn of(date: NaiveDate) -> Self {
        Self { first: date.with_day(1).unwrap_or(date), last: month_end(date) }
    }
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = match text.split_once('-') {
            Some((year, month)) => (year, month),
            None => (text.get(2..)?, text.get(..2)?),
        };
        let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        (digits(year, 4) && digits(month, 2)).then(|| NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)).flatten().map(Self::of)
    }
    /// The quarter whose last month this is (return of a quarterly filer).
    #[must_use]
    pub fn quarter(self) -> Self {
        Self { first: self.first.checked_sub_months(Months::new(2)).unwrap_or(self.first), last: self.last }
    }
    #[must_use]
    pub fn next(self) -> Self {
        Self::of(plus_months(self.first, 1))
    }
    #[must_use]
    pub fn before(self) -> Self {
        Self::of(self.first.pred_opt().unwrap_or(self.first))
    }
    #[must_use]
    pub fn holds(self, date: NaiveDate) -> bool {
        self.first <= date && date <= self.last
    }
    /// `102024`: of a quarter its last month.
    #[must_use]
    pub fn fp(self) -> String {
        self.last.format("%m%Y").to_string()
    }
    /// `2024-10`.
    #[must_use]
    pub fn label(self) -> String {
        month_label(self.last)
    }
}
impl<'de> Deserialize<'de> for ReturnPeriod {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a period is written like 102024 or 2024-10"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_written_as_the_portal_does_or_as_the_rest_of_the_api() {
        let october = ReturnPeriod::parse("102024").expect("a period");
        assert_eq!(Some(october), ReturnPeriod::parse("2024-10"));
        assert_eq!((october.fp(), october.label(), october.last.to_string()), ("102024".into(), "2024-10".into(), "2024-10-31".into()));
        assert_eq!(october.next().fp(), "112024");
        assert_eq!(ReturnPeriod::parse("012025").map(|january| january.before().fp()), Some("122024".into()));
        for wrong in ["132024", "002024", "10-2024", "2024-1", "1o2024", "10202", "", "२०२४१०", "+12024"] {
            assert_eq!(ReturnPeriod::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_quarter_ends_with_its_month() {
        let quarter = ReturnPeriod::parse("062024").expect("a period").quarter();
        assert_eq!((quarter.first.to_string(), quarter.last.to_string(), quarter.fp()), ("2024-04-01".into(), "2024-06-30".into(), "062024".into()));
    }
}
