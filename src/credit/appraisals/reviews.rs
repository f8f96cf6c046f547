//! What opens a review by itself: the calendar, an item long overdue, a returned payment, a limit used up.

use super::service::{Opened, model, open};
use super::store;
use super::types::{AppraisalKind, Content, Trigger};
use crate::credit::risk::scorecard::Values;
use crate::credit::risk::store::known;
use crate::credit::risk::types::{AppraisalModel, RiskInput};
use crate::ledger::open_items::store::lock_customers;
use crate::platform::dates::plus_days;
use crate::platform::http::Problem;
use crate::platform::ids::CustomerId;
use crate::platform::money::round;
use crate::platform::unit_of_work::Tx;
use chrono::{Duration, NaiveDate};
use rust_decimal::Decimal;

/// Why a review is due, if it is. What is due by the calendar is due on its day; what was found, within the days of the model.
fn due(model: &AppraisalModel, candidate: &store::Candidate, values: Option<&Values>, today: NaiveDate) -> Option<(Trigger, String, NaiveDate)> {
    if let Some(on) = candidate.review_on.filter(|on| *on <= plus_days(today, model.review_lead_days)) {
        return Some((Trigger::Calendar, format!("The review is due on {on}."), on));
    }
    if candidate.quiet || !candidate.limited {
        return None;
    }
    let by = plus_days(today, model.review_within_days);
    let value = |input| values.and_then(|values| values.get(&input)).copied();
    if candidate.bounced {
        return Some((Trigger::Bounce, "The bank returned a payment.".into(), by));
    }
    if let Some(days) = value(RiskInput::OldestOverdueDays).filter(|days| *days > Decimal::from(model.overdue_days_above)) {
        return Some((Trigger::Overdue, format!("An item is overdue for {} days.", days.normalize()), by));
    }
    if let Some(broken) = value(RiskInput::BrokenPromises12m).filter(|broken| *broken > Decimal::ZERO) {
        return Some((Trigger::BrokenPromise, format!("{} promises to pay were broken.", broken.normalize()), by));
    }
    let used = value(RiskInput::LimitUse).filter(|used| *used > model.limit_use_above.0)?;
    Some((Trigger::LimitUse, format!("{} per cent of the limit is used.", round(used, 2).normalize()), by))
}

/// Opens the reviews of today; how many.
pub fn open_due(tx: &mut Tx<'_>) -> Result<usize, Problem> {
    let today = tx.cx().today;
    let (_, model) = model(tx)?;
    let quiet_since = today - Duration::days(i64::from(model.quiet_days));
    let candidates = store::candidates(tx, today, plus_days(today, model.review_lead_days), quiet_since)?;
    let watched: Vec<CustomerId> = candidates.iter().filter(|candidate| candidate.limited && !candidate.quiet).map(|candidate| candidate.customer_id).collect();
    let found = if watched.is_empty() { Vec::new() } else { known(tx, today, Some(&watched))? };
    let mut reviews: Vec<(CustomerId, Opened)> = candidates
        .iter()
        .filter_map(|candidate| {
            let values = found.iter().find(|row| row.customer_id == candidate.customer_id).map(crate::credit::risk::store::Known::values);
            let (trigger, detail, due_on) = due(&model, candidate, values.as_ref(), today)?;
            Some((candidate.customer_id, Opened { kind: AppraisalKind::Review, trigger, detail: Some(detail), due_on: Some(due_on) }))
        })
        .collect();
    reviews.sort_by_key(|(customer, _)| *customer);
    lock_customers(tx, reviews.iter().map(|(customer, _)| *customer).collect())?;
    let mut opened = 0;
    for (customer, review) in &reviews {
        // Somebody may have opened one while we waited for the lock.
        if store::open_of(tx, *customer)?.is_none() {
            let _ = open(tx, *customer, None, review, &Content::default())?;
            opened += 1;
        }
    }
    Ok(opened)
}
