//! Periods: calendar months of the books. Only open ones take postings (guarded in the database).

pub mod store;

use super::problems::PERIOD_CLOSED;
use crate::platform::http::Problem;
use crate::platform::unit_of_work::Tx;
use chrono::NaiveDate;

/// The day a document dated `date` is posted on: that day, or where its month takes no postings and
/// `late` asks for it, the first day after it that does; the document keeps its own date. Without
/// `late` the guard refuses the posting itself.
pub fn posting_date(tx: &mut Tx<'_>, date: NaiveDate, late: bool) -> Result<NaiveDate, Problem> {
    if !late {
        return Ok(date);
    }
    store::first_day_from(tx, date)?.ok_or_else(|| Problem::new(PERIOD_CLOSED, "No month from this date on takes postings."))
}
