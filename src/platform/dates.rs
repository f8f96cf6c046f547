//! Calendar dates in the company's zone, fiscal years, and instants as the wire shows them.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The calendar date of an instant in a zone: the business date.
#[must_use]
pub fn business_date(at: DateTime<Utc>, zone: Tz) -> NaiveDate {
    at.with_timezone(&zone).date_naive()
}

/// The first instant after a day in a zone.
#[must_use]
pub fn end_of(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let next = day.succ_opt().unwrap_or(day).and_time(NaiveTime::MIN);
    zone.from_local_datetime(&next).earliest().map_or_else(|| next.and_utc(), |local| local.with_timezone(&Utc))
}

/// A fiscal year, named by the calendar year it starts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FiscalYear(pub i32);

impl FiscalYear {
    /// The year that holds `date` when years start on the first of `start_month` (India: April).
    #[must_use]
    pub fn of(date: NaiveDate, start_month: u32) -> Self {
        Self(if date.month() >= start_month { date.year() } else { date.year() - 1 })
    }
    /// `2025-26`.
    #[must_use]
    pub fn label(self) -> String {
        format!("{}-{:02}", self.0, (self.0 + 1).rem_euclid(100))
    }
    /// The year a label like `2025-26` names.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        let year = Self(label.get(..4)?.parse().ok()?);
        (year.label() == label).then_some(year)
    }
    /// `25-26`, as it stands in document numbers.
    #[must_use]
    pub fn short(self) -> String {
        format!("{:02}-{:02}", self.0.rem_euclid(100), (self.0 + 1).rem_euclid(100))
    }
}

/// `2025-10`.
#[must_use]
pub fn month_label(date: NaiveDate) -> String {
    date.format("%Y-%m").to_string()
}

/// `date` plus days, staying inside the calendar.
#[must_use]
pub fn plus_days(date: NaiveDate, days: u32) -> NaiveDate {
    date.checked_add_days(Days::new(u64::from(days))).unwrap_or(NaiveDate::MAX)
}

/// `date` plus months, clamped to the end of a shorter month (31 January + 1 month = 28 or 29 February).
#[must_use]
pub fn plus_months(date: NaiveDate, months: u32) -> NaiveDate {
    date.checked_add_months(Months::new(months)).unwrap_or(NaiveDate::MAX)
}

/// The last day of the month of `date`.
#[must_use]
pub fn month_end(date: NaiveDate) -> NaiveDate {
    date.with_day(1).and_then(|first| first.checked_add_months(Months::new(1))).and_then(|next| next.pred_opt()).unwrap_or(date)
}

/// An instant: RFC 3339, UTC, milliseconds, `Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub DateTime<Utc>);

impl Instant {
    /// The first whole millisecond at or after `at`, so that what was recorded by `at` is known at it.
    #[must_use]
    pub fn ceil(at: DateTime<Utc>) -> Self {
        let rest = at.timestamp_subsec_nanos() % 1_000_000;
        Self(if rest == 0 { at } else { at + chrono::Duration::nanoseconds(i64::from(1_000_000 - rest)) })
    }
}
impl std::fmt::Display for Instant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.format("%Y-%m-%dT%H:%M:%S%.3fZ").fmt(f)
    }
}
impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DateTime::<Utc>::deserialize(deserializer).map(Self)
    }
}
impl utoipa::PartialSchema for Instant {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .format(Some(utoipa::openapi::schema::SchemaFormat::KnownFormat(utoipa::openapi::schema::KnownFormat::DateTime)))
            .examples([serde_json::json!("2025-11-18T06:31:09.412Z")])
            .into()
    }
}
impl utoipa::ToSchema for Instant {
    fn name() -> std::borrow::Cow<'static, str> {
        "Instant".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn the_indian_fiscal_year_turns_on_the_first_of_april() {
        assert_eq!(FiscalYear::of(day("2026-03-31"), 4).label(), "2025-26");
        assert_eq!(FiscalYear::of(day("2026-04-01"), 4).short(), "26-27");
        assert_eq!(FiscalYear::of(day("1999-06-01"), 4).label(), "1999-00");
        assert_eq!(FiscalYear::of(day("2026-01-01"), 1).label(), "2026-27");
    }

    #[test]
    fn a_month_added_to_the_end_of_january_clamps_to_february() {
        assert_eq!(plus_months(day("2024-01-31"), 1), day("2024-02-29"));
        assert_eq!(plus_months(day("2025-01-31"), 1), day("2025-02-28"));
        assert_eq!(month_end(day("2025-02-28")), day("2025-02-28"));
        assert_eq!(month_end(day("2025-12-02")), day("2025-12-31"));
    }

    #[test]
    fn what_was_recorded_within_a_millisecond_is_known_at_its_ceiling() {
        let at: DateTime<Utc> = "2026-01-01T00:00:00.123456Z".parse().expect("an instant");
        assert_eq!(Instant::ceil(at).to_string(), "2026-01-01T00:00:00.124Z");
        assert!(Instant::ceil(at).0 >= at);
    }
}
