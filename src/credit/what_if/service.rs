//! Trying a policy on the past.

use super::replay::{Group, Lent, Member, Trial, replay};
use super::store::{self, Held};
use super::told::Told;
use super::types::{Judged, WhatIf, WhatIfRequest};
use crate::credit::limits::service::rate_of;
use crate::credit::limits::types::{Cover, Scope};
use crate::credit::policy::rules::faults;
use crate::credit::policy::types::{Content, LimitFact};
use crate::credit::policy::{at_version, in_force};
use crate::ledger::balances::At;
use crate::platform::http::problem::{FieldError, Problem};
use crate::platform::ids::{CreditLimitId, CustomerId};
use crate::platform::money::{Amount, Currency, round};
use crate::platform::unit_of_work::Rx;
use chrono::{Duration, NaiveDate};
use rust_decimal::Decimal;
use std::collections::{HashMap, HashSet};

/// Customers read at a time.
const BATCH: usize = 200;

const ASSUMPTIONS: &[&str] = &[
    "Every invoice that was not cancelled is an order of its date, in the order they were recorded.",
    "Exposure, limits, overdue items and class are those of the end of the day before, with the customer's earlier invoices of the same day.",
    "What would have been held was sold in fact and stays in the exposure of later days.",
    "Reservations, undelivered orders, uncleared cheques, blocks and review days of the past are not replayed; groups and payment terms are those of today.",
    "What is in another currency counts at the rate it was booked at.",
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
    let now = in_force(rx, At::recorded(today))?.content;
    let Some(new) = &wanted.policy else { return Ok(now) };
    let content = new.over(now);
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
    // Within the caller's portfolio; what is judged of a group is judged of all of it.
    let seen: HashSet<CustomerId> = store::members(rx, wanted.customer_ids.as_deref())?.into_iter().map(|(_, member)| member.id).collect();
    if let Some(at) = wanted.customer_ids.iter().flatten().position(|id| !seen.contains(id)) {
        return Err(Problem::reference("customer", format!("/customer_ids/{at}")));
    }
    let whose = wanted.customer_ids.clone().map_or(seen, |ids| ids.into_iter().collect());
    rx.sees_groups()?;
    let mut everybody = store::members(rx, wanted.customer_ids.as_deref())?;
    let mut told = Told::new(usize::try_from(wanted.list.unwrap_or(50)).unwrap_or(50));
    while !everybody.is_empty() {
        // Groups stay together.
        let mut end = everybody.len().min(BATCH);
        while end < everybody.len() && everybody[end].0 == everybody[end - 1].0 {
            end += 1;
        }
        let batch: Vec<(CustomerId, Member)> = everybody.drain(..end).collect();
        batch_of(rx, &trial, batch, wanted.assumed_limit, &mut |order| {
            if whose.contains(&order.order.customer_id) {
                told.add(order);
            }
        })?;
    }
    Ok(told.answer(&trial, ASSUMPTIONS))
}

/// Some groups, with all that happened.
fn batch_of(
    rx: &mut Rx<'_>,
    trial: &Trial<'_>,
    members: Vec<(CustomerId, Member)>,
    assumed: Option<Amount>,
    told: &mut dyn FnMut(Judged),
) -> Result<(), Problem> {
    let ids: Vec<CustomerId> = members.iter().map(|(_, member)| member.id).collect();
    let mut classes = store::classes(rx, &ids)?;
    let (items, settled) = (store::items(rx, &ids, trial.as_of)?, store::settled(rx, &ids, trial.as_of)?);
    let mut limits: HashMap<(CustomerId, Scope), Vec<Held>> = HashMap::new();
    for limit in store::limits(rx, &ids)? {
        limits.entry((limit.customer_id, limit.scope)).or_default().push(limit);
    }
    let head_of: HashMap<CustomerId, CustomerId> = members.iter().map(|(head, member)| (member.id, *head)).collect();
    let owner: HashMap<uuid::Uuid, CustomerId> = items.iter().filter_map(|item| Some((item.id, *head_of.get(&item.customer)?))).collect();
    let mut groups: Vec<Group> = Vec::new();
    for (head, mut member) in members {
        member.classes = classes.remove(&member.id).unwrap_or_default();
        match groups.last_mut().filter(|group| group.head == head) {
            Some(group) => group.members.push(member),
            None => groups.push(Group { head, members: vec![member], items: Vec::new(), settled: Vec::new() }),
        }
    }
    let place: HashMap<CustomerId, usize> = groups.iter().enumerate().map(|(at, group)| (group.head, at)).collect();
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
    let mut lending = Lending { limits, assumed, rates: HashMap::new() };
    for group in &groups {
        replay(trial, group, &mut |customer, shared, on| lending.lent(rx, customer, shared, on), told)?;
    }
    Ok(())
}

/// What was lent on a day, as `limits` finds what is in force.
struct Lending {
    /// Of each customer and scope in the order in which they prevail.
    limits: HashMap<(CustomerId, Scope), Vec<Held>>,
    assumed: Option<Amount>,
    rates: HashMap<(String, NaiveDate), Decimal>,
}

impl Lending {
    fn in_base(&mut self, rx: &mut Rx<'_>, currency: &str, amount: Decimal, on: NaiveDate) -> Result<Decimal, Problem> {
        let (base, key) = (rx.cx().currency(), (currency.to_owned(), on));
        let rate = if let Some(rate) = self.rates.get(&key) {
            *rate
        } else {
            let rate = rate_of(rx, currency, At::recorded(on))?;
            self.rates.insert(key, rate);
            rate
        };
        Ok(round(amount * rate, base.exponent()))
    }

    fn lent(&mut self, rx: &mut Rx<'_>, customer: CustomerId, shared: bool, on: NaiveDate) -> Result<Lent, Problem> {
        let base: Currency = rx.cx().currency();
        let of = self.limits.get(&(customer, if shared { Scope::Group } else { Scope::Own })).map_or(&[][..], Vec::as_slice);
        let holds = of.iter().find(|limit| limit.valid_from <= on && (!limit.temporary || limit.valid_to.is_some_and(|to| to >= on))).cloned();
        let Some(holds) = holds else {
            let limit = self.assumed.filter(|_| !shared).map(|amount| LimitFact {
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
        let cover: Vec<Cover> = serde_json::from_value(holds.cover).unwrap_or_default();
        let cover: Decimal = cover.iter().filter(|cover| cover.valid_to.is_none_or(|to| to >= on)).map(|cover| cover.amount.0).sum();
        let cover = if cover.is_zero() { cover } else { self.in_base(rx, &holds.currency, cover, on)? };
        let worth = holds.amount.map(|amount| self.in_base(rx, &holds.currency, amount, on)).transpose()?;
        let limit = LimitFact {
            id: holds.id,
            amount: holds.amount.map(Amount),
            currency: holds.currency,
            base_amount: worth.map(|worth| base.amount(worth)),
            temporary: holds.temporary,
            valid_from: holds.valid_from,
            valid_to: holds.valid_to,
            expired: holds.valid_to.is_some_and(|to| to < on),
        };
        Ok(Lent { limit: Some(limit), cover })
    }
}
