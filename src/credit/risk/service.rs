//! The verbs of scores.

use super::scorecard::{self, Scored, step};
use super::store::{self, Known, Last, NewScore};
use super::types::{ByClass, ClassSource, CreditScore, CreditScoreRun, CreditScorecard, Holding, RiskClass, RunScores, Scorecard};
use crate::credit::profiles::store::put_scores;
use crate::platform::dates::{Instant, plus_days};
use crate::platform::http::faults;
use crate::platform::http::problem::Problem;
use crate::platform::http::reply::require_version;
use crate::platform::ids::{CreditScoreId, CreditScoreRunId, CustomerId};
use crate::platform::money::{Currency, Figure, Rate, pad, round};
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::json;

/// The scorecard that holds: the company's, or the one that comes with the service.
pub fn scorecard(rx: &mut Rx<'_>) -> Result<Holding, Problem> {
    let own = store::scorecard(rx)?;
    Ok(own.unwrap_or_else(|| Holding { card: scorecard::ours().clone(), version: 0, created_by: None, created_at: None }))
}

/// Another version of the scorecard, for what is scored from now on.
pub fn change_scorecard(tx: &mut Tx<'_>, version: Option<i64>, card: &Scorecard) -> Result<Audited<CreditScorecard>, Problem> {
    store::lock_scorecard(tx)?;
    let before = scorecard(tx)?;
    require_version(version, before.version)?;
    let errors = scorecard::faults(card);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let card = Scorecard { appraisal: card.appraisal.clone().or_else(|| before.card.appraisal.clone()), ..card.clone() };
    store::insert_scorecard(tx, before.version + 1, &card)?;
    let (before, after) = (CreditScorecard::from(before), CreditScorecard::from(scorecard(tx)?));
    let company = tx.company().uuid();
    Ok(tx.record(Change::new("credit_scorecard.changed", company).version(after.version).before(&before).after(&after), after))
}

/// What a day's scoring makes of a customer.
fn judged(known: &Known, last: Option<&Last>, scored: &Scored, as_of: NaiveDate, card: &Scorecard) -> NewScore {
    // Another run of the same cycle scores anew, but is no further cycle.
    let counts = last.is_none_or(|last| plus_days(last.as_of, u32::try_from(card.cycle_days).unwrap_or(1)) <= as_of);
    let before = last.and_then(Last::standing);
    // What a person set stays until a person takes it back.
    let pinned = last.is_some_and(|last| last.source == Some(ClassSource::Manual));
    let (class, source, streak, towards) = match (before, scored.class) {
        (Some(before), _) if pinned => (Some(before.class), Some(ClassSource::Manual), 0, None),
        (before, None) => (before.map(|b| b.class), last.and_then(|last| last.source), before.map_or(0, |b| b.streak), before.and_then(|b| b.towards)),
        (Some(before), Some(class)) if class < before.class && !counts => {
            (Some(before.class), last.and_then(|last| last.source), before.streak, before.towards)
        }
        (before, Some(class)) => {
            let after = step(before, class, card.upgrade_cycles);
            let stays = before.is_some_and(|before| before.class == after.class);
            let source = if stays { last.and_then(|last| last.source) } else { Some(ClassSource::Score) };
            (Some(after.class), source, after.streak, after.towards)
        }
    };
    NewScore {
        id: CreditScoreId::new(),
        customer: known.customer_id,
        score: scored.score,
        scored_class: scored.class,
        class,
        source,
        streak,
        towards,
        known: scored.known,
        receivable: known.receivable,
        overdue: known.overdue,
        explanation: scored.explanation.clone(),
    }
}

/// A score need not be kept again while nothing of it changes.
fn same(last: &Last, new: &NewScore) -> bool {
    (last.score, last.scored_class, last.class, last.streak, last.towards) == (new.score, new.scored_class, new.class, new.streak, new.towards)
}

/// Scores customers at the end of a day and keeps what changed. Classes that changed are told, unless a later day was scored already.
pub fn run(tx: &mut Tx<'_>, wanted: &RunScores) -> Result<Audited<CreditScoreRun>, Problem> {
    let today = tx.cx().today;
    let as_of = wanted.as_of.unwrap_or(today);
    let errors: Vec<_> = faults::in_future("/as_of", as_of, today).into_iter().collect();
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let holds = scorecard(tx)?;
    tx.reads_widely()?;
    let customers = wanted.customer_ids.as_deref();
    let known = store::known(tx, as_of, customers)?;
    if let Some(customers) = customers
        && let Some(at) = customers.iter().position(|id| known.iter().all(|row| row.customer_id != *id))
    {
        return Err(Problem::reference("customer", format!("/customer_ids/{at}")));
    }
    let before = store::last(tx, as_of, customers)?;
    let mut run = CreditScoreRun {
        id: CreditScoreRunId::new(),
        object: "credit_score_run",
        as_of,
        scorecard_version: holds.version,
        scored: 0,
        unscored: 0,
        changed: 0,
        classes: ByClass::default(),
        created_by: tx.cx().actor.to_string(),
        created_at: Instant(tx.cx().now),
    };
    let (mut kept, mut changed, mut profiles) = (Vec::new(), Vec::new(), Vec::new());
    for row in &known {
        let last = before.get(&row.customer_id);
        let scored = holds.card.judge(&row.values());
        let new = judged(row, last, &scored, as_of, &holds.card);
        *(if new.score.is_some() { &mut run.scored } else { &mut run.unscored }) += 1;
        new.class.into_iter().for_each(|class| run.classes.count(class));
        let had = last.and_then(|last| last.class);
        if had.is_some() && had != new.class {
            run.changed += 1;
            if last.is_some_and(|last| last.newest) {
                changed.push((row, had, new.class, new.score));
            }
        }
        // Nothing is kept of whom nothing was ever known.
        if last.map_or(new.score.is_some(), |last| !same(last, &new)) {
            if last.is_none_or(|last| last.newest) {
                profiles.push((new.customer, new.class, new.score));
            }
            kept.push(new);
        }
    }
    store::insert_run(tx, &run)?;
    store::insert_scores(tx, Some(run.id), as_of, holds.version, &kept)?;
    let whole = |score: Option<Decimal>| score.and_then(|score| round(score, 0).trunc().to_i32());
    if !profiles.is_empty() {
        let profiles: Vec<_> = profiles.into_iter().map(|(customer, class, score)| (customer, class, whole(score))).collect();
        put_scores(tx, &profiles)?;
    }
    for (row, had, class, score) in changed {
        tell(tx, row, had, class, score, as_of);
    }
    Ok(tx.record(Change::new("credit_score_run.completed", run.id.uuid()).after(&run), run))
}

/// The score of one customer at the end of a day, computed now, with the class that held then.
pub fn of_customer(rx: &mut Rx<'_>, customer: CustomerId, as_of: Option<NaiveDate>) -> Result<CreditScore, Problem> {
    let as_of = as_of.unwrap_or(rx.cx().today);
    let holds = scorecard(rx)?;
    let known = store::known(rx, as_of, Some(&[customer]))?.pop().ok_or_else(|| Problem::not_found("customer"))?;
    let last = store::last(rx, as_of, Some(&[customer]))?.remove(&customer);
    let scored = holds.card.judge(&known.values());
    Ok(shown(&known, last.as_ref(), scored, as_of, holds.version, rx.cx().currency()))
}

fn shown(known: &Known, last: Option<&Last>, scored: Scored, as_of: NaiveDate, version: i64, base: Currency) -> CreditScore {
    CreditScore {
        id: None,
        object: "credit_score",
        customer_id: known.customer_id,
        customer_name: known.customer_name.clone(),
        as_of,
        score: scored.score.map(|score| Figure(pad(score, 2))),
        scored_class: scored.class,
        risk_class: last.map_or(scored.class, |last| last.class.or(scored.class)),
        class_source: last.and_then(|last| last.source).or(scored.class.map(|_| ClassSource::Score)),
        better_cycles: last.map_or(0, |last| last.streak),
        known_weight: Rate(pad(scored.known, 0)),
        scorecard_version: version,
        receivable: base.amount(known.receivable),
        overdue: base.amount(known.overdue),
        explanation: scored.explanation,
        created_at: None,
    }
}

/// Keeps a class that a person decided on, or gives a manual one up (`None`); gives the class that holds. What was scored
/// of the customer stays beside it.
pub fn decided(tx: &mut Tx<'_>, customer: CustomerId, decision: Option<(RiskClass, ClassSource)>) -> Result<Option<RiskClass>, Problem> {
    let today = tx.cx().today;
    let holds = scorecard(tx)?;
    let known = store::known(tx, today, Some(&[customer]))?.pop().ok_or_else(|| Problem::not_found("customer"))?;
    let last = store::last(tx, today, Some(&[customer]))?.remove(&customer);
    let scored = holds.card.judge(&known.values());
    let mut kept = judged(&known, last.as_ref(), &scored, today, &holds.card);
    let had = last.and_then(|last| last.class);
    (kept.class, kept.source) = match decision {
        Some((class, source)) => (Some(class), Some(source)),
        None => (scored.class, scored.class.map(|_| ClassSource::Score)),
    };
    (kept.streak, kept.towards) = (0, None);
    let (class, score) = (kept.class, kept.score);
    store::insert_scores(tx, None, today, holds.version, &[kept])?;
    if had != class && had.is_some() {
        tell(tx, &known, had, class, score, today);
    }
    Ok(class)
}

/// Tells that a class changed.
fn tell(tx: &mut Tx<'_>, known: &Known, had: Option<RiskClass>, class: Option<RiskClass>, score: Option<Decimal>, as_of: NaiveDate) {
    let told = |class, score| json!({"object": "risk_class", "customer_id": known.customer_id, "customer_name": known.customer_name, "risk_class": class, "score": score, "as_of": as_of});
    let change = Change::new("risk_class.changed", known.customer_id.uuid()).before(&told(had, None)).after(&told(class, score.map(|s| s.to_string())));
    let _ = tx.record(change, ());
}
