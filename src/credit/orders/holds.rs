//! The verbs of order holds.

use super::checks::{Question, end, grant, judge_order, lock_party};
use super::store::{self, Check, Decision};
use super::sweep;
use super::types::{CheckStatus, Evidence, HoldReason, HoldStatus, OrderHold, ReleaseHold};
use crate::control::approvals::problems::{APPROVAL_LIMIT_EXCEEDED, SOD_SELF_APPROVAL};
use crate::control::approvals::rules::Band;
use crate::control::approvals::{Action, Approved, Gate, NOBODY, Request, gate, of_request, refuse_salesperson, subject_changed};
use crate::credit::exposure::bounced;
use crate::credit::policy;
use crate::credit::policy::types::{Content, Facts, Outcome};
use crate::ledger::balances::At;
use crate::master_data::exchange_rates::service::spot;
use crate::platform::dates::plus_days;
use crate::platform::http::faults;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::require_version;
use crate::platform::ids::{CustomerId, OrderHoldId};
use crate::platform::money::Currency;
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};
use chrono::Duration;
use rust_decimal::Decimal;
use serde_json::{Value, json};

pub static RELEASE: Action = Action {
    name: "order_hold.release",
    kind: "order_holds",
    permission: "order_holds:approve",
    direct: NOBODY,
    bars_cash_handlers: false,
    bars_salesperson: true,
    bands: &[Band::to(10_000_000, 1), Band::above(2)],
    parties: concerned,
    version: |rx, asked| Ok(store::hold(rx, OrderHoldId::of(asked.subject))?.version),
    execute: |tx, asked| {
        let hold = store::hold(tx, OrderHoldId::of(asked.subject))?;
        let today = tx.cx().today;
        let policy = policy::in_force(tx, At::recorded(today))?;
        let until = plus_days(today, policy.content.release_days.unsigned_abs());
        let reason = asked.reason.clone().unwrap_or_else(|| "Approved".to_owned());
        let_go(tx, &hold, hold.amount.0, until, &reason, CheckStatus::Pass).map(drop)
    },
    reject: |tx, asked| {
        let before = store::hold(tx, OrderHoldId::of(asked.subject))?;
        store::decide(tx, before.id, HoldStatus::Open, &Decision::default())?;
        record(tx, &before, "order_hold.returned", None).map(drop)
    },
};

/// Everybody whose balance the release of an order looks at.
fn concerned(rx: &mut Rx<'_>, asked: &Approved) -> Result<Vec<CustomerId>, Problem> {
    of_request(rx, asked)
}

/// Stops an order, with what is known of its customer.
pub fn open(tx: &mut Tx<'_>, check: &Check, facts: &Facts) -> Result<OrderHoldId, Problem> {
    let (customer, today) = (check.customer_id, tx.cx().today);
    let evidence = Evidence {
        aging: store::aging(tx, customer)?,
        history: store::history(tx, customer)?,
        bounces: bounced(tx, customer, today - Duration::days(365), today)?,
        other_holds: crate::credit::exposure::store::profile(tx, customer)?.map_or(0, |profile| profile.open_holds),
        not_recorded: ["promises", "disputes"].map(str::to_owned).to_vec(),
    };
    let evidence = serde_json::to_value(&evidence).map_err(|e| Problem::internal(&e))?;
    let base_amount = (check.amount * check.exchange_rate).max(facts.order_amount.0);
    let id = store::open_hold(tx, check, tx.cx().currency().amount(base_amount).0, &evidence)?;
    let opened = store::hold(tx, id)?;
    let _ = tx.record(Change::new("order_hold.opened", id.uuid()).after(&opened), ());
    Ok(id)
}

fn record(tx: &mut Tx<'_>, before: &OrderHold, event: &'static str, reason: Option<&str>) -> Result<OrderHold, Problem> {
    let after = store::hold(tx, before.id)?;
    let mut change = Change::new(event, before.id.uuid()).version(after.version).before(before).after(&after);
    if let Some(reason) = reason {
        change = change.reason(reason);
    }
    let _ = tx.record(change, ());
    Ok(after)
}

/// Ends a hold without letting its order go.
pub fn close(tx: &mut Tx<'_>, before: &OrderHold, status: HoldStatus, reason: Option<&str>) -> Result<OrderHold, Problem> {
    subject_changed(tx, before.id.uuid())?;
    store::decide(tx, before.id, status, &Decision { reason, ..Decision::default() })?;
    record(tx, before, if status == HoldStatus::Rejected { "order_hold.rejected" } else { "order_hold.expired" }, reason)
}

/// Lets a held order go up to an amount until the end of a day.
fn let_go(
    tx: &mut Tx<'_>,
    before: &OrderHold,
    amount: Decimal,
    until: chrono::NaiveDate,
    reason: &str,
    status: CheckStatus,
) -> Result<Audited<OrderHold>, Problem> {
    subject_changed(tx, before.id.uuid())?;
    grant(tx, before.check_id, amount, until, status)?;
    store::decide(tx, before.id, HoldStatus::Released, &Decision { released: Some((amount, until)), reason: Some(reason), ..Decision::default() })?;
    let after = store::hold(tx, before.id)?;
    Ok(tx.record(Change::new("order_hold.released", before.id.uuid()).version(after.version).before(before).after(&after).reason(reason), after))
}

/// A hold to act on, with its customer locked, in the version seen and still waiting.
fn lock(tx: &mut Tx<'_>, id: OrderHoldId, version: Option<i64>, states: &[HoldStatus]) -> Result<OrderHold, Problem> {
    let customer = store::hold(tx, id)?.customer_id;
    lock_party(tx, customer)?;
    let hold = store::hold(tx, id)?;
    require_version(version, hold.version)?;
    if states.contains(&hold.status) {
        return Ok(hold);
    }
    Err(Problem::new(problem::INVALID_STATE, format!("The hold is {}.", hold.status))
        .member("current", json!({"status": hold.status}))
        .member("allowed_actions", json!(hold.allowed_actions)))
}

const WAITING: &[HoldStatus] = &[HoldStatus::Open, HoldStatus::Escalated];

/// Who asked whether the order may go does not answer it (maker is not checker), nor does who sells to the customer.
fn may_decide(tx: &mut Tx<'_>, hold: &OrderHold) -> Result<(), Problem> {
    if hold.created_by == tx.cx().actor.to_string() {
        return Err(Problem::new(SOD_SELF_APPROVAL, "You brought the order; another person lets it go (SOD-01).").member("rule", "SOD-01"));
    }
    refuse_salesperson(tx, hold.customer_id)
}

/// What the caller may release alone: the most of their roles.
fn band(tx: &Tx<'_>, policy: &Content) -> Decimal {
    let roles = tx.cx().principal.as_ref().map(|principal| principal.roles.clone()).unwrap_or_default();
    policy.release_limits.iter().filter(|limit| roles.contains(&limit.role)).map(|limit| limit.up_to.0).max().unwrap_or_default()
}

/// Releases a held order within the caller's band, which counts what anybody released for the customer in 24 hours and
/// the caller in 30 days.
pub fn release(tx: &mut Tx<'_>, id: OrderHoldId, version: Option<i64>, said: &ReleaseHold) -> Result<Audited<OrderHold>, Problem> {
    let hold = lock(tx, id, version, WAITING)?;
    may_decide(tx, &hold)?;
    let (today, base) = (tx.cx().today, tx.cx().currency());
    let policy = policy::in_force(tx, At::recorded(today))?.content;
    let amount = said.amount.unwrap_or(hold.amount);
    let until = said.valid_until.unwrap_or_else(|| plus_days(today, policy.release_days.unsigned_abs()));
    let mut errors = Vec::new();
    if said.amount.is_some() {
        let currency = Currency::parse(&hold.currency).unwrap_or(base);
        errors.extend(faults::amount("/amount", amount.0, currency));
        if amount.0 > hold.amount.0 {
            errors.push(
                FieldError::at("/amount", "too_large", "No more than the order is released.").expected(format!("at most {}", hold.amount.0)).received(amount.0),
            );
        }
    }
    let latest = plus_days(today, 365);
    if until < today {
        errors.push(
            FieldError::at("/valid_until", "before_today", "A release does not end before it begins.").expected(format!("at least {today}")).received(until),
        );
    } else if until > latest {
        errors.push(FieldError::at("/valid_until", "too_long", "A release lasts a year at most.").expected(format!("at most {latest}")).received(until));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let weight = hold.base_amount.0 * amount.0 / hold.amount.0;
    let (most, let_out) = (band(tx, &policy), store::released(tx, hold.customer_id)?);
    for (sum, rule) in [(weight + let_out.within_a_day, "SOD-05"), (weight + let_out.by_me, "SOD-17")] {
        if sum > most {
            let shown = |amount: Decimal| base.amount(amount).0.to_string();
            let detail = format!("With what was released for the customer before it is {}; you release up to {}. Escalate it.", shown(sum), shown(most));
            return Err(Problem::new(APPROVAL_LIMIT_EXCEEDED, detail).member("rule", rule).member("limit", shown(most)).member("amount", shown(sum)));
        }
    }
    let_go(tx, &hold, amount.0, until, &said.reason, CheckStatus::Pass)
}

/// Hands a held order to those who may release more: a request in the inbox.
pub fn escalate(tx: &mut Tx<'_>, id: OrderHoldId, version: Option<i64>, said: &HoldReason) -> Result<Audited<OrderHold>, Problem> {
    let hold = lock(tx, id, version, &[HoldStatus::Open])?;
    store::decide(tx, id, HoldStatus::Escalated, &Decision { level: 1, ..Decision::default() })?;
    let asked = store::hold(tx, id)?;
    let value = |hold: &OrderHold| serde_json::to_value(hold).map_err(|e| Problem::internal(&e));
    let request = Request {
        action: &RELEASE,
        subject: id.uuid(),
        version: asked.version,
        customer: Some(hold.customer_id),
        amount: hold.base_amount.0,
        makers: vec![hold.created_by.clone()],
        reason: Some(&said.reason),
        before: value(&hold)?,
        after: value(&asked)?,
        payload: Value::Null,
    };
    let Gate::Pending(_) = gate(tx, &request)? else { return Err(Problem::internal(&"an order was released by one person")) };
    let answer = store::hold(tx, id)?;
    Ok(tx.record(Change::new("order_hold.escalated", id.uuid()).version(answer.version).before(&hold).after(&answer).reason(&said.reason), answer))
}

/// Refuses the order.
pub fn reject(tx: &mut Tx<'_>, id: OrderHoldId, version: Option<i64>, said: &HoldReason) -> Result<Audited<OrderHold>, Problem> {
    let hold = lock(tx, id, version, WAITING)?;
    may_decide(tx, &hold)?;
    let check = store::check(tx, hold.check_id)?;
    end(tx, &check, CheckStatus::Cancelled)?;
    subject_changed(tx, id.uuid())?;
    store::decide(tx, id, HoldStatus::Rejected, &Decision { reason: Some(&said.reason), ..Decision::default() })?;
    let answer = store::hold(tx, id)?;
    Ok(tx.record(Change::new("order_hold.rejected", id.uuid()).version(answer.version).before(&hold).after(&answer).reason(&said.reason), answer))
}

/// Looks again whether a held order may go: lets it when the rules no longer hold it. Whether it did.
pub fn look_again(tx: &mut Tx<'_>, id: OrderHoldId) -> Result<bool, Problem> {
    let Some(hold) = Some(store::hold(tx, id)?).filter(|hold| WAITING.contains(&hold.status)) else { return Ok(false) };
    let party = lock_party(tx, hold.customer_id)?;
    let hold = store::hold(tx, id)?;
    if !WAITING.contains(&hold.status) {
        return Ok(false);
    }
    let check = store::check(tx, hold.check_id)?;
    let (base, at) = (tx.cx().currency(), At::recorded(tx.cx().today));
    let rate = spot(tx, &check.currency, at.as_of, at.horizon())?.unwrap_or(check.exchange_rate);
    let amount = base.amount((check.amount - check.billed) * rate).0;
    let judged = judge_order(tx, &party, Question { order_id: &hold.order_id, amount, terms_days: check.terms_days, granted: None })?;
    if judged.outcome == Outcome::Hold {
        return Ok(false);
    }
    let until = plus_days(tx.cx().today, judged.policy.content.release_days.unsigned_abs());
    let _ = let_go(tx, &hold, hold.amount.0, until, "The rules no longer hold it", judged.outcome.into())?;
    sweep::note(tx.company());
    Ok(true)
}
