//! The verbs of exchange rates.

use super::types::{DatedRate, NewRate};
use super::{problems, store};
use crate::platform::http::{FieldError, Problem, faults};
use crate::platform::money::Currency;
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::{Decimal, dec};
use serde_json::json;

pub fn create(tx: &mut Tx<'_>, new: &NewRate) -> Result<Audited<DatedRate>, Problem> {
    let mut errors: Vec<_> = faults::in_future("/rate_date", new.rate_date, tx.cx().today).into_iter().collect();
    match Currency::parse(&new.currency) {
        None => errors.push(FieldError::at("/currency", "currency_unknown", "This is not a currency of ISO 4217.").received(&new.currency)),
        Some(currency) if currency == tx.cx().currency() => {
            errors.push(FieldError::at("/currency", "currency_is_base", "The base currency has no rate.").received(&new.currency));
        }
        Some(_) => {}
    }
    errors.extend(fault("/rate", new.rate.0));
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let made = store::insert(tx, new, new.source.as_deref().unwrap_or("manual"))?;
    Ok(tx.record(Change::new("exchange_rate.created", made.id.uuid()).after(&made), made))
}

/// What the books can hold.
const HIGHEST: Decimal = dec!(99_999_999);

/// A rate is more than 0 and at most 99,999,999.
#[must_use]
pub fn fault(pointer: &str, rate: Decimal) -> Option<FieldError> {
    if rate.is_zero() {
        Some(FieldError::at(pointer, "too_small", "An exchange rate is more than 0.").received(rate))
    } else {
        (rate > HIGHEST).then(|| FieldError::at(pointer, "amount_too_large", "An exchange rate is at most 99,999,999.").received(rate))
    }
}

/// How far a rate somebody states may lie from the one recorded for the days before.
const DRIFT: Decimal = dec!(0.2);

/// Refuses a stated rate that lies far from one recorded for the month before it: money must not leave the books as
/// an exchange difference that nobody approved.
pub fn plausible(rx: &mut Rx<'_>, pointer: &str, currency: Currency, rate: Decimal, on: NaiveDate) -> Result<(), Problem> {
    let known = store::latest(rx, currency.code(), on)?.filter(|latest| latest.rate_date >= on - chrono::Duration::days(31));
    known.map_or(Ok(()), |known| within(pointer, rate, known.rate, DRIFT))
}

/// Refuses a rate that differs from another by more than a share of it.
pub fn within(pointer: &str, rate: Decimal, known: Decimal, share: Decimal) -> Result<(), Problem> {
    let (least, most) = (known * (Decimal::ONE - share), known * (Decimal::ONE + share));
    if (least..=most).contains(&rate) {
        return Ok(());
    }
    let detail = format!("The rate {} lies far from {}, which is known.", rate.normalize(), known.normalize());
    let error = FieldError::at(pointer, "exchange_rate_implausible", detail.clone()).expected(format!("{} to {}", least.normalize(), most.normalize()));
    Err(Problem::new(problems::EXCHANGE_RATE_IMPLAUSIBLE, detail).errors(vec![error.received(rate.normalize())]))
}

/// The rate of a currency on a day: 1 for the base currency, the one given, or the newest known that is
/// not older than the company allows.
pub fn rate_on(rx: &mut Rx<'_>, currency: Currency, given: Option<Decimal>, on: NaiveDate) -> Result<Decimal, Problem> {
    let base = rx.cx().currency();
    if currency == base {
        return match given.filter(|rate| *rate != Decimal::ONE) {
            Some(rate) => {
                Err(Problem::invalid(vec![FieldError::at("/exchange_rate", "currency_is_base", "The base currency's rate is 1.").expected("1").received(rate)]))
            }
            None => Ok(Decimal::ONE),
        };
    }
    if let Some(rate) = given {
        return fault("/exchange_rate", rate).map_or(Ok(rate), |fault| Err(Problem::invalid(vec![fault])));
    }
    let oldest = on - chrono::Duration::days(i64::from(rx.cx().facts.exchange_rate_max_age_days));
    let known = store::latest(rx, currency.code(), on)?;
    if let Some(latest) = known.as_ref().filter(|latest| latest.rate_date >= oldest) {
        return Ok(latest.rate);
    }
    let said = known.as_ref().map_or_else(
        || format!("No rate of {} on or before {on} is known.", currency.code()),
        |latest| format!("The newest rate of {} on or before {on} is of {}, which is too old.", currency.code(), latest.rate_date),
    );
    let detail = format!("{said} Send exchange_rate, or record a rate of {oldest} or later.");
    Err(Problem::new(problems::EXCHANGE_RATE_MISSING, detail.clone()).errors(vec![FieldError::at("/exchange_rate", "exchange_rate_missing", detail)]).member(
        "known",
        known
            .map(|latest| json!({"currency": currency.code(), "rate_date": latest.rate_date, "rate": latest.rate.normalize().to_string()}))
            .unwrap_or_default(),
    ))
}

/// What a currency is worth on a day, by what was recorded by an instant: the newest rate known, however old. For what
/// is looked at and not posted.
pub fn spot(rx: &mut Rx<'_>, currency: &str, on: NaiveDate, by: DateTime<Utc>) -> Result<Option<Decimal>, Problem> {
    if currency == rx.cx().currency().code() {
        return Ok(Some(Decimal::ONE));
    }
    Ok(store::latest_by(rx, currency, on, by)?.map(|latest| latest.rate))
}

/// The newest rate known on a day, however old, else the newest of all.
pub fn known_rate(rx: &mut Rx<'_>, currency: Currency, on: NaiveDate) -> Result<Option<Decimal>, Problem> {
    let known = match store::latest(rx, currency.code(), on)? {
        None => {
            let today = rx.cx().today;
            store::latest(rx, currency.code(), today)?
        }
        known => known,
    };
    Ok(known.map(|latest| latest.rate))
}
