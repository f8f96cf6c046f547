//! Periods: calendar months of the books. One guard in the database (`require_open_period`) decides for
//! every posting whether its day takes it: open months do, soft-closed ones for the roles the company
//! names, closed ones for nobody. A closed month has a snapshot that can be computed again for ever.
//!
//! Owns `period` and `period_snapshot`.

pub mod snapshots;
pub mod store;

use super::problems::PERIOD_CLOSED;
use super::verify;
use crate::platform::dates::plus_months;
use crate::platform::http::Problem;
use crate::platform::unit_of_work::{Change, Doors, Tx, run_system, run_system_read};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::Deserialize;
use uuid::Uuid;

crate::words! {
    /// Whether a month takes postings: from everybody, from the roles the company names, from nobody.
    pub enum PeriodState { Open = "open", SoftClosed = "soft_closed", Closed = "closed" }
}

/// A calendar month, written `2025-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(pub NaiveDate);

impl Month {
    #[must_use]
    pub fn of(date: NaiveDate) -> Self {
        Self(date.with_day(1).unwrap_or(date))
    }
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let month = text.len() == 7 && text.bytes().enumerate().all(|(at, byte)| if at == 4 { byte == b'-' } else { byte.is_ascii_digit() });
        month.then(|| format!("{text}-01").parse().ok().map(Self)).flatten()
    }
}
impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("a month is written like 2025-10"))
    }
}

/// A month of the books as it stands.
#[derive(Debug, Clone)]
pub struct Period {
    pub id: Uuid,
    pub starts_on: NaiveDate,
    pub ends_on: NaiveDate,
    pub state: PeriodState,
    pub version: i64,
    pub closed_at: Option<DateTime<Utc>>,
    pub closed_by: Option<String>,
}

/// The day a document dated `date` is posted on: that day, or where its month takes no postings and
/// `late` asks for it, the first day after it that does; the document keeps its own date. Without
/// `late` the guard refuses the posting itself.
pub fn posting_date(tx: &mut Tx<'_>, date: NaiveDate, late: bool) -> Result<NaiveDate, Problem> {
    if !late {
        return Ok(date);
    }
    match store::first_day_from(tx, date)? {
        Some(day) => Ok(day),
        None => Err(refusal(tx, date)?),
    }
}

/// The refusal of a posting on a day that takes none, naming the months that do.
pub fn refusal(tx: &mut Tx<'_>, date: NaiveDate) -> Result<Problem, Problem> {
    store::require_open(tx, date)?;
    Ok(Problem::new(PERIOD_CLOSED, "No month from this date on takes postings."))
}

/// How far ahead the months of the books exist.
const MONTHS_AHEAD: u32 = 24;

/// Opens the months to come in every company.
pub fn open_months_ahead(doors: &Doors) -> Result<(), Problem> {
    let companies = run_system_read(doors, None, "openMonths", verify::companies)?;
    for (company, _) in companies {
        run_system(doors, Some(company), "openMonths", |tx| {
            let today = tx.cx().today;
            let last = plus_months(today, MONTHS_AHEAD);
            if store::open_months(tx, today, last)? > 0 {
                let _ = tx.record(Change::new("company.months_opened", company.uuid()).after(&serde_json::json!({"until": last})), ());
            }
            Ok(())
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_four_digits_a_dash_and_two() {
        let first: NaiveDate = "2025-10-01".parse().expect("a date");
        assert_eq!(Month::parse("2025-10"), Some(Month(first)));
        assert_eq!(Month::of("2025-10-31".parse().expect("a date")), Month(first));
        for wrong in ["2025-13", "2025-1", "202510", "2025-10-01", "x", "", "20é5-10", "+025-10"] {
            assert_eq!(Month::parse(wrong), None, "{wrong}");
        }
    }
}
