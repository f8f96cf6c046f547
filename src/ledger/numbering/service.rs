//! The verbs of number series.

use super::types::{NewNumberSeries, NumberSeries};
use super::{NumberedKind, YEARS, store};
use crate::master_data::gst_registrations;
use crate::platform::dates::FiscalYear;
use crate::platform::http::{FieldError, Problem};
use crate::platform::unit_of_work::{Audited, Change, Tx};
use crate::tax::gst::numbers::{LONGEST, NumberFault};

pub fn create(tx: &mut Tx<'_>, new: &NewNumberSeries) -> Result<Audited<NumberSeries>, Problem> {
    let mut errors = Vec::new();
    let year = store::year_of(&new.fiscal_year).filter(|year| YEARS.contains(year));
    if year.is_none() {
        errors.push(FieldError::at("/fiscal_year", "invalid_fiscal_year", "A fiscal year is written like 2025-26.").received(&new.fiscal_year));
    }
    if new.prefix.len() + usize::try_from(new.width).unwrap_or(0) > LONGEST {
        errors.push(
            FieldError::at("/width", NumberFault::Length.code(), NumberFault::Length.message())
                .expected(LONGEST.saturating_sub(new.prefix.len()))
                .received(new.width),
        );
    }
    let Some(year) = year.filter(|_| errors.is_empty()) else { return Err(Problem::invalid(errors)) };
    let registration =
        gst_registrations::store::find(tx, Some(new.gst_registration_id))?.ok_or_else(|| Problem::reference("gst_registration", "/gst_registration_id"))?;
    if NumberedKind::ALL.iter().any(|kind| store::default_prefix(&registration.state_code, *kind, FiscalYear(year)).0 == new.prefix) {
        return Err(Problem::invalid(vec![
            FieldError::at("/prefix", "prefix_reserved", "The default series of this registration and year has this prefix.").received(&new.prefix),
        ]));
    }
    let made = store::insert(tx, new, year)?;
    Ok(tx.record(Change::new("number_series.created", made.id.uuid()).after(&made), made))
}
