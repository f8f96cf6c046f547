//! Trying a policy on the past.

use super::replay::{Group, Lent, Member, Trial, replay, sum};
use super::store::{self, Held};
use super::types::{Fate, Judged, RuleTally, Saved, Tally, WhatIf, WhatIfRequest};
use crate::credit::limits::service::in_base;
use crate::credit::limits::types::{Cover, Scope};
use crate::credit::policy::rules::faults;
use crate::credit::policy::types::{Content, LimitFact, Outcome, RuleKind};
use crate::credit::policy::{at_version, in_force};
use crate::platform::http::problem::{FieldError, Problem};
use crate::platform::ids::{CreditLimitId, CustomerId};
use crate::platform::money::{Amount, Currency};
use crate::platform::unit_of_work::Rx;
use chrono::{Duration, NaiveDate};
use rust_decimal::Decimal;

/// Customers read at a time.
const BATCH: usize = 200;

const ASSUMPTIONS: &[&str] = &[
    "Every invoice that was not cancelled is an order of its date, in the order they were recorded.",
    "Exposure, limits, overdue items and class are those of the end of the day before, with the customer's earlier invoices of the same day.",
    "What would have been held was sold in fact and stays in the exposure of later days.",
    "Reservations, undelivered orders, uncleared cheques, blocks and review days of the past are not replayed; payment terms are those of today.",
    "Orders are judged as they are known now, documents recorded late included.",
];

/// The policy that is tried.
fn policy(rx: &mut Rx<'_>, wanted: &WhatIfRequest) -> Result<Content, Problem> {
    let today = rx.cx().today;
    if let Some(version) = wanted.version {
        if wanted.policy.is_some() {
            return Err(Problem::invalid(vec![FieldError::at("/version", "ambiguous_reference", "Try a policy or a version of yours, not both.")]));
        }
        return Ok(at_version(rx, version)?.content);
    }
    let now = in_force(rx, today)?.content;
    let Some(new) = wanted.policy.clone() else { return Ok(now) };
    let content = Content {
        exposure: new.exposure.unwrap_or(now.exposure),
        rules: new.rules.unwrap_or(now.rules),
        expired_limit: new.expired_limit.unwrap_or(now.expired_limit),
        watch_percent: new.watch_percent.unwrap_or(now.watch_percent),
        reservation_hours: new.reservation_hours.unwrap_or(now.reservation_hours),
        growth_tolerance_percent: new.growth_tolerance_percent.unwrap_or(now.growth_tolerance_percent),
        release_days: new.release_days.unwrap_or(now.release_days),
        release_limits: new.release_limits.unwrap_or(now.release_limits),
        check_invoices: new.check_invoices.unwrap_or(now.check_invoices),
    };
    let mut errors = faults(&content);
    for error in &mut errors {
        error.pointer = error.pointer.take().map(|pointer| pointer.replacen("#/", "#/policy/", 1));
    }
    if errors.is_empty() { Ok(content) } else { Err(Problem::invalid(errors)) }
}

fn span(rx: &Rx<'_>, wanted: &WhatIfRequest) -> Result<(NaiveDate, NaiveDate), Problem> {
    let today = rx.cx().today;
    let to = wanted.to.unwrap_or(today);
    let from = wanted.from.unwrap_or(to - Duration::days(364));
    let mut errors = Vec::new();
    if to > today {
        errors.push(FieldError::at("/to", "date_in_future", "What is not sold yet cannot be tried.").expected(format!("at most {today}")).received(to));
    }
    if from > to {
        errors.push(FieldError::at("/from", "ends_before_start", "The first day is not after the last.").expected(format!("at most {to}")).received(from));
    } else if (to - from).num_days() > 1_100 {
        errors.push(FieldError::at("/from", "too_long", "Three years at most.").received(from));
    }
    if let Some(limit) = wanted.assumed_limit.filter(|limit| limit.0 < Decimal::ZERO) {
        errors.push(FieldError::at("/assumed_limit", "too_small", "A limit is not negative.").received(limit.0));
    }
    if errors.is_empty() { Ok((from, to)) } else { Err(Problem::invalid(errors)) }
}

pub fn what_if(rx: &mut Rx<'_>, wanted: &WhatIfRequest) -> Result<WhatIf, Problem> {
    let (from, to) = span(rx, wanted)?;
    let policy = policy(rx, wanted)?;
    let (base, as_of) = (rx.cx().currency(), rx.cx().today);
    let trial = Trial { policy: &policy, from, to, as_of, late_after: wanted.late_after_days.unwrap_or(0), base };
    let mut everybody = store::members(rx, wanted.customer_ids.as_deref())?;
    if let Some(ids) = &wanted.customer_ids
        && let Some(at) = ids.iter().position(|id| everybody.iter().all(|(_, member)| member.id != *id))
    {
        return Err(Problem::reference("customer", format!("/customer_ids/{at}")));
    }
    let wants = |order: &Judged| wanted.customer_ids.as_ref().is_none_or(|ids| ids.contains(&order.order.customer_id));
    let mut judged = Vec::new();
    while !everybody.is_empty() {
        // Groups stay together.
        let mut end = everybody.len().min(BATCH);
        while end < everybody.len() && everybody[end].0 == everybody[end - 1].0 {
            end += 1;
        }
        let batch: Vec<(CustomerId, Member)> = everybody.drain(..end).collect();
        for order in batch_of(rx, &trial, batch, wanted.assumed_limit)? {
            if wants(&order) {
                judged.push(order);
            }
        }
    }
    Ok(told(&trial, judged, usize::try_from(wanted.list.unwrap_or(50)).unwrap_or(50)))
}

/// Some groups, with all that happened.
fn batch_of(rx: &mut Rx<'_>, trial: &Trial<'_>, members: Vec<(CustomerId, Member)>, assumed: Option<Amount>) -> Result<Vec<Judged>, Problem> {
    let ids: Vec<CustomerId> = members.iter().map(|(_, member)| member.id).collect();
    let mut classes = store::classes(rx, &ids)?;
    let (items, settled) = (store::items(rx, &ids, trial.as_of)?, store::settled(rx, &ids, trial.as_of)?);
    let limits = store::limits(rx, &ids)?;
    let head_of: std::collections::HashMap<CustomerId, CustomerId> = members.iter().map(|(head, member)| (member.id, *head)).collect();
    let owner: std::collections::HashMap<uuid::Uuid, CustomerId> = items.iter().filter_map(|item| Some((item.id, *head_of.get(&item.customer)?))).collect();
    let mut groups: Vec<Group> = Vec::new();
    for (head, mut member) in members {
        member.classes = classes.remove(&member.id).unwrap_or_default();
        match groups.last_mut().filter(|group| group.head == head) {
            Some(group) => group.members.push(member),
            None => groups.push(Group { head, members: vec![member], items: Vec::new(), settled: Vec::new() }),
        }
    }
    let place: std::collections::HashMap<CustomerId, usize> = groups.iter().enumerate().map(|(at, group)| (group.head, at)).collect();
    for item in items {
        if let Some(at) = head_of.get(&item.customer).and_then(|head| place.get(head)) {
            groups[*at].items.push(item);
        }
    }
    for settlement in settled {
        if let Some(at) = owner.get(&settlement.debit).or_else(|| owner.get(&settlement.credit)).and_then(|head| place.get(head)) {
            groups[*at].settled.push(settlement);
        }
    }
    let mut judged = Vec::new();
    for group in &groups {
        judged.extend(replay(trial, group, &mut |customer, shared, on| lent(rx, &limits, customer, shared, on, assumed))?);
    }
    Ok(judged)
}

/// What was lent on a day, as `limits` finds what is in force.
fn lent(rx: &mut Rx<'_>, limits: &[Held], customer: CustomerId, shared: bool, on: NaiveDate, assumed: Option<Amount>) -> Result<Lent, Problem> {
    let scope = if shared { Scope::Group } else { Scope::Own };
    let holds = limits.iter().find(|limit| {
        limit.customer_id == customer && limit.scope == scope && limit.valid_from <= on && (!limit.temporary || limit.valid_to.is_some_and(|to| to >= on))
    });
    let base: Currency = rx.cx().currency();
    let Some(holds) = holds else {
        let limit = assumed.filter(|_| !shared).map(|amount| LimitFact {
            id: CreditLimitId::of(uuid::Uuid::nil()),
            amount: Some(amount),
            currency: base.code().to_owned(),
            base_amount: Some(base.amount(amount.0)),
            temporary: false,
            valid_from: on,
            valid_to: None,
            expired: false,
        });
        return Ok(Lent { limit, cover: Decimal::ZERO });
    };
    let cover: Vec<Cover> = serde_json::from_value(holds.cover.clone()).unwrap_or_default();
    let cover: Decimal = cover.iter().filter(|cover| cover.valid_to.is_none_or(|to| to >= on)).map(|cover| cover.amount.0).sum();
    let cover = if cover.is_zero() { cover } else { in_base(rx, &holds.currency, Amount(cover), on)? };
    let worth = holds.amount.map(|amount| in_base(rx, &holds.currency, Amount(amount), on)).transpose()?;
    let limit = LimitFact {
        id: holds.id,
        amount: holds.amount.map(Amount),
        currency: holds.currency.clone(),
        base_amount: worth.map(|worth| base.amount(worth)),
        temporary: holds.temporary,
        valid_from: holds.valid_from,
        valid_to: holds.valid_to,
        expired: holds.valid_to.is_some_and(|to| to < on),
    };
    Ok(Lent { limit: Some(limit), cover })
}

fn told(trial: &Trial<'_>, mut judged: Vec<Judged>, list: usize) -> WhatIf {
    let base = trial.base;
    let tally = |wanted: &dyn Fn(&Judged) -> bool| {
        let (orders, amount) = sum(judged.iter().filter(|order| wanted(order)), base);
        Tally { orders, amount }
    };
    let held = |order: &Judged| order.outcome == Outcome::Hold;
    let fate = |wanted: Fate| move |order: &Judged| order.outcome == Outcome::Hold && order.order.fate == wanted;
    let given_up: Decimal = judged.iter().filter(|order| held(order)).map(|order| order.order.written_off.0).sum();
    let fired = |order: &Judged, rule: RuleKind| held(order) && order.order.rules.iter().any(|result| result.rule == rule && result.outcome == Outcome::Hold);
    let by_rule = RuleKind::ALL
        .iter()
        .map(|rule| RuleTally {
            rule: *rule,
            held: tally(&|order| fired(order, *rule)),
            bad: tally(&|order| fired(order, *rule) && order.order.fate.is_bad()),
            in_time: tally(&|order| fired(order, *rule) && order.order.fate == Fate::PaidInTime),
        })
        .filter(|row| row.held.orders > 0)
        .collect();
    let mut told = WhatIf {
        object: "credit_what_if",
        from: trial.from,
        to: trial.to,
        as_of: trial.as_of,
        currency: base.code().to_owned(),
        policy: trial.policy.clone(),
        orders: tally(&|_| true),
        passed: tally(&|order| order.outcome == Outcome::Pass),
        warned: tally(&|order| order.outcome == Outcome::Warn),
        held: tally(&held),
        saved: Saved {
            total: tally(&|order| held(order) && order.order.fate.is_bad()),
            paid_late: tally(&fate(Fate::PaidLate)),
            overdue: tally(&fate(Fate::Overdue)),
            written_off: tally(&fate(Fate::WrittenOff)),
            written_off_amount: base.amount(given_up),
        },
        cost: tally(&fate(Fate::PaidInTime)),
        undecided: tally(&fate(Fate::Open)),
        missed: tally(&|order| !held(order) && order.order.fate.is_bad()),
        by_rule,
        held_orders: Vec::new(),
        assumptions: ASSUMPTIONS.to_vec(),
    };
    judged.retain(held);
    judged.sort_by(|a, b| b.order.amount.cmp(&a.order.amount).then(a.order.date.cmp(&b.order.date)).then(a.order.number.cmp(&b.order.number)));
    told.held_orders = judged.into_iter().take(list).map(|judged| judged.order).collect();
    told
}
