//! Balances on two time axes: as of an accounting day, as known at an instant. The only place that
//! says what was open when; reports and snapshots read it from here.

use crate::platform::clock;
use crate::platform::dates::{Instant, business_date};
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::ids::AccountId;
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::Rx;
use crate::row;
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_decimal::Decimal;

/// Open amounts of all items as of a day (`$2`) as known at an instant (`$3`), as a CTE `open_at`:
/// amount − Σ allocations that count by then and were recorded by then.
pub const OPEN_AT: &str = include_str!("open_at.sql");

/// Customers and accounts that have another name now than was known at an instant (`$3`), as a CTE `former`.
pub const FORMER: &str =
    "former AS (SELECT DISTINCT ON (object_id) object_id, code, name FROM former_name WHERE company_id = $1 AND until > $3 ORDER BY object_id, until)";

/// The two axes of every balance: the accounting day and the moment of knowledge.
#[derive(Debug, Clone, Copy)]
pub struct At {
    pub as_of: NaiveDate,
    pub known_at: DateTime<Utc>,
    /// Whether `known_at` was left out: what is known now.
    pub now: bool,
}

impl At {
    /// Reads the parameters; `as_of` is a date (its end) or an instant (its date in the company's zone).
    pub fn read(rx: &mut Rx<'_>, as_of: Option<&str>, known_at: Option<&str>) -> Result<Self, Problem> {
        let invalid = |name: &str, text: &str| {
            Problem::new(problem::INVALID_DATE, format!("{name} is not a date or instant of the years 1900 to 9999.")).errors(vec![
                FieldError::parameter(name, "invalid_date", "Send a date like 2025-11-18 or an instant like 2025-11-18T06:31:09.412Z.").received(text),
            ])
        };
        let years = 1900..=9999;
        let instant = |text: &str| text.parse::<DateTime<Utc>>().ok().filter(|at| years.contains(&at.year()));
        let date = |text: &str| text.parse::<NaiveDate>().ok().filter(|date| years.contains(&date.year()));
        let zone = rx.cx().facts.zone;
        let day = |text: &str| date(text).or_else(|| instant(text).map(|at| business_date(at, zone))).ok_or_else(|| invalid("as_of", text));
        let as_of = as_of.map(day).transpose()?;
        let asked = known_at.map(|text| instant(text).ok_or_else(|| invalid("known_at", text))).transpose()?;
        Self::of(rx, as_of, asked)
    }
    /// The end of a day (today, if none), as known at an instant (now, if none).
    pub fn of(rx: &mut Rx<'_>, as_of: Option<NaiveDate>, asked: Option<DateTime<Utc>>) -> Result<Self, Problem> {
        let as_of = as_of.unwrap_or(rx.cx().today);
        // Found when the snapshot was taken: rows carry an instant of their transaction, so nothing at or after the
        // start of a writer of this company still running counts.
        let settled = rx.scalar(Sql::new("SELECT current_setting('app.settled')::timestamptz"))?;
        Ok(Self { as_of, known_at: asked.map_or(settled, |asked| asked.min(settled)), now: asked.is_none() })
    }
    /// Everything recorded, at the end of a day. For those who write.
    #[must_use]
    pub fn recorded(as_of: NaiveDate) -> Self {
        Self { as_of, known_at: clock::now(), now: true }
    }
    /// The instant as the reply shows it: asking for it again gives the same, for ever.
    #[must_use]
    pub fn known(&self) -> Instant {
        Instant(self.known_at)
    }
    /// What the queries compare with: for "now" everything the snapshot holds.
    #[must_use]
    pub fn horizon(&self) -> DateTime<Utc> {
        if self.now { self.known_at + chrono::Duration::days(36_500) } else { self.known_at }
    }
}

row! {
    /// Two figures that must be one.
    pub struct Totals { pub documents: Decimal, pub gl: Decimal }
}

/// Σ documents and the control account, each from its own rows.
pub fn totals(rx: &mut Rx<'_>, at: At) -> Result<Totals, Problem> {
    let company = rx.company();
    // Millions of rows: what is known now asks nothing about when they were recorded, and the accounts are looked up
    // before, so that every processor takes its part of the lines.
    let known = |rows: &str| if at.now { String::new() } else { format!(" AND {rows}.recorded_at <= $3") };
    let control: Vec<AccountId> = rx.scalars(Sql::new("SELECT id FROM gl_account WHERE company_id = $1 AND is_control").bind(company))?;
    rx.one(
        Sql::new(format!(
            "SELECT coalesce((SELECT sum(CASE WHEN i.side = 'debit' THEN i.base_amount ELSE -i.base_amount END) FROM open_item i
                              WHERE i.company_id = $1 AND i.posting_date <= $2{}), 0)::numeric
                  - coalesce((SELECT sum(s.debit_base - s.credit_base) FROM allocation s
                              WHERE s.company_id = $1 AND s.entry_id IS NOT NULL AND s.effective_on <= $2{}), 0)::numeric AS documents,
                    coalesce((SELECT sum(l.base_debit) - sum(l.base_credit) FROM journal_line l
                              WHERE l.company_id = $1 AND l.account_id = ANY($4) AND l.posting_date <= $2{}), 0)::numeric AS gl",
            known("i"),
            known("s"),
            known("l"),
        ))
        .bind(company)
        .bind(at.as_of)
        .bind(at.known_at)
        .bind(Many(control)),
    )
}

/// Σ open items from the rows: debits less credits.
pub fn subledger(rx: &mut Rx<'_>, at: At) -> Result<Decimal, Problem> {
    let company = rx.company();
    let text = format!("{OPEN_AT} SELECT coalesce(sum(CASE WHEN side = 'debit' THEN open ELSE -open END), 0)::numeric AS subledger FROM open_at");
    rx.scalar(Sql::new(text).bind(company).bind(at.as_of).bind(at.horizon()))
}

/// The usual upper ends of the steps of age, in days.
pub const STEPS: [i32; 4] = [30, 60, 90, 120];

/// The names of steps of age by their upper ends: `not_due`, `1-30`, …, `over_120`.
#[must_use]
pub fn bucket_names(ends: &[i32]) -> Vec<String> {
    let mut names = vec!["not_due".to_owned()];
    let mut start = 1;
    for end in ends {
        names.push(format!("{start}-{end}"));
        start = end + 1;
    }
    names.push(format!("over_{}", start - 1));
    names
}

/// Where the steps begin, for `width_bucket`.
#[must_use]
pub fn bucket_starts(ends: &[i32]) -> Vec<i32> {
    std::iter::once(1).chain(ends.iter().map(|end| end + 1)).collect()
}
