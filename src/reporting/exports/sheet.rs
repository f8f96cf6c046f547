//! What a file is: the rows of one statement, with named columns.

use crate::platform::postgres::copy::Literal;
use crate::platform::unit_of_work::Rx;
use chrono::{DateTime, NaiveDate, Utc};

/// What a column holds, which decides how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words somebody may have written: guarded against formulas.
    Text,
    /// Codes, ids and words of ours.
    Code,
    Date,
    /// RFC 3339, UTC, milliseconds.
    Instant,
    /// A whole number.
    Count,
    /// true or false.
    Flag,
    /// A decimal that is no money: quantities, rates.
    Decimal,
    /// Money in base currency.
    Money,
    /// Money in the currency of the row, which its column `currency` names.
    MoneyIn,
    /// JSON.
    Json,
}

impl Kind {
    /// As the manifest calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Code => "code",
            Self::Date => "date",
            Self::Instant => "instant",
            Self::Count => "count",
            Self::Flag => "flag",
            Self::Decimal => "decimal",
            Self::Money => "money",
            Self::MoneyIn => "money_in_currency",
            Self::Json => "json",
        }
    }
}

/// A column: its name, what it holds, and the expression it is read by.
#[derive(Debug)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    pub expression: &'static str,
}

/// A short way to write a column.
pub const fn col(name: &'static str, kind: Kind, expression: &'static str) -> Column {
    Column { name, kind, expression }
}

/// A file. Its statement may use `$1` company, `$2` as of, `$3` known at, `$4` from, `$5` to, `$6` registrations (null: all).
pub struct Sheet {
    pub name: &'static str,
    /// Common table expressions, with their WITH.
    pub with: &'static str,
    pub columns: &'static [Column],
    /// FROM and what follows; ends in an order, so that the same books give the same bytes.
    pub from: &'static str,
    /// Columns whose sums the manifest shows.
    pub totals: &'static [&'static str],
}

impl Sheet {
    /// The whole statement.
    #[must_use]
    pub fn statement(&self) -> String {
        let expressions: Vec<&str> = self.columns.iter().map(|column| column.expression).collect();
        format!("{} SELECT {} {}", self.with, expressions.join(", "), self.from)
    }
}

/// What all files of an export are read by.
#[derive(Debug, Clone)]
pub struct Scope {
    pub as_of: NaiveDate,
    /// Everything recorded before it is there; later than any row of the snapshot.
    pub known_at: DateTime<Utc>,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub gstins: Vec<String>,
}

impl Scope {
    #[must_use]
    pub fn values(&self, rx: &Rx<'_>) -> [Literal; 6] {
        [
            Literal::Uuid(rx.company().uuid()),
            Literal::Date(self.as_of),
            Literal::Instant(self.known_at),
            Literal::Date(self.from),
            Literal::Date(self.to),
            Literal::Words(self.gstins.clone()),
        ]
    }
}
