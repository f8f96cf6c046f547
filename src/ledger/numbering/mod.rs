//! Gapless document numbers (CGST rule 46(b)): one counter a registration, kind and fiscal year.
//!
//! A number is taken just before its document is inserted, in the same transaction, so a failed
//! request burns none and a draft has none. A series may ask that no document is dated before the one with the number
//! before it; documents entered late then need a series of their own.

pub mod http;
pub mod service;
pub mod store;
pub mod types;

use crate::ledger::periods;
use crate::platform::dates::FiscalYear;
use crate::platform::http::Problem;
use crate::platform::ids::{RegistrationId, SeriesId};
use crate::platform::unit_of_work::{Rx, Tx};
use chrono::NaiveDate;

crate::words! {
    /// Kinds of documents with numbers of their own.
    pub enum NumberedKind { Invoice = "invoice", CreditNote = "credit_note", DebitNote = "debit_note", Receipt = "receipt", Refund = "refund", WriteOff = "write_off", Adjustment = "adjustment", Journal = "journal", ReceiptVoucher = "receipt_voucher", RefundVoucher = "refund_voucher" }
}

/// Fiscal years a series can be for.
pub const YEARS: std::ops::Range<i32> = 1900..3000;

/// Where a number comes from: the series named, or the default one of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    pub registration: RegistrationId,
    pub kind: NumberedKind,
    pub year: FiscalYear,
    pub series: Option<SeriesId>,
    /// Of the document, for series whose dates go with their numbers.
    pub date: NaiveDate,
}

impl Wanted {
    const fn counter(&self) -> (RegistrationId, NumberedKind, FiscalYear, Option<SeriesId>) {
        (self.registration, self.kind, self.year, self.series)
    }
}

/// Takes the next number of each series wanted, in the order asked. Counters are locked in an order of their
/// own and held to the end of the transaction.
pub fn take_all(tx: &mut Tx<'_>, wanted: &[Wanted]) -> Result<Vec<String>, Problem> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|at| (wanted[*at].counter(), *at));
    let mut numbers = vec![String::new(); wanted.len()];
    for same in order.chunk_by(|a, b| wanted[*a].counter() == wanted[*b].counter()) {
        let dates: Vec<NaiveDate> = same.iter().map(|at| wanted[*at].date).collect();
        for (at, number) in same.iter().zip(take_of(tx, wanted[same[0]], &dates)?) {
            numbers[*at] = number;
        }
    }
    Ok(numbers)
}

/// Takes the next number of a default series, for a document of a kind whose dates nobody compares.
pub fn take(tx: &mut Tx<'_>, registration: RegistrationId, kind: NumberedKind, year: FiscalYear) -> Result<String, Problem> {
    let date = tx.cx().today;
    take_of(tx, Wanted { registration, kind, year, series: None, date }, &[date])?.pop().ok_or_else(|| Problem::internal(&"no number"))
}

/// As many numbers of one series as there are dates.
fn take_of(tx: &mut Tx<'_>, wanted: Wanted, dates: &[NaiveDate]) -> Result<Vec<String>, Problem> {
    let Wanted { registration, kind, year, series, .. } = wanted;
    if let Some(numbers) = store::take(tx, &wanted, dates)? {
        return Ok(numbers);
    }
    if series.is_some() {
        return Err(Problem::reference("number_series", "/number_series_id"));
    }
    if !YEARS.contains(&year.0) {
        return Err(periods::refusal(tx, NaiveDate::from_ymd_opt(year.0, 12, 31).unwrap_or(tx.cx().today))?);
    }
    store::ensure_default(tx, registration, kind, year)?;
    store::take(tx, &wanted, dates)?.ok_or_else(|| Problem::internal(&format!("no series for {kind} {}", year.label())))
}

/// The next number of a kind that is not of a registration's own: in the default registration's series of
/// the year of `date`. Gives the registration and the year with it.
pub fn take_default(tx: &mut Tx<'_>, kind: NumberedKind, date: NaiveDate) -> Result<(RegistrationId, FiscalYear, String), Problem> {
    let registration = store::default_registration(tx)?.ok_or_else(|| Problem::internal(&"a company without registration"))?;
    let year = tx.cx().fiscal_year(date);
    Ok((registration, year, take(tx, registration, kind, year)?))
}

/// Whether a series named by a document is one of its registration, kind and year.
pub fn fits(rx: &mut Rx<'_>, series: SeriesId, registration: RegistrationId, kind: NumberedKind, year: FiscalYear) -> Result<bool, Problem> {
    store::fits(rx, series, registration, kind, year)
}

/// Kinds whose series exist from the founding of a company; those of the others are made on first use.
const FREQUENT: [NumberedKind; 4] = [NumberedKind::Invoice, NumberedKind::CreditNote, NumberedKind::DebitNote, NumberedKind::Receipt];

/// Makes the default series of the frequent kinds for a span of years.
pub fn open_series(tx: &mut Tx<'_>, registration: RegistrationId, years: impl Iterator<Item = FiscalYear>) -> Result<(), Problem> {
    for year in years {
        for kind in FREQUENT {
            store::ensure_default(tx, registration, kind, year)?;
        }
    }
    Ok(())
}
