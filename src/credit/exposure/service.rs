//! Where customers and groups stand.

use super::store::{self, Position, Profile};
use super::types::{Component, CreditQuery, CustomerCredit, Exposure, ExposurePart, GroupCredit};
use crate::credit::limits::service::in_base;
use crate::credit::limits::store::{holders, in_force};
use crate::credit::limits::types::{CreditLimit, Scope};
use crate::credit::policy;
use crate::credit::policy::rules::watched;
use crate::credit::policy::types::{Content, Counted, ExpiredLimit, GroupStanding, LimitFact, Parts, Standing};
use crate::ledger::balances::At;
use crate::platform::http::Problem;
use crate::platform::ids::CustomerId;
use crate::platform::money::{Amount, Currency, Figure, pad, round};
use crate::platform::unit_of_work::Rx;
use rust_decimal::{Decimal, dec};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A customer with everybody it shares a limit with.
#[derive(Debug, Clone)]
pub struct Party {
    pub profile: Profile,
    pub head: CustomerId,
    /// Everybody, in id order; the customer alone where there is no group.
    pub members: Vec<CustomerId>,
}

/// Finds a customer within the caller's portfolio, and its group whoever asks: that of now, or of a past day.
pub fn party(rx: &mut Rx<'_>, customer: CustomerId, at: Option<At>) -> Result<Option<Party>, Problem> {
    let Some(mut profile) = store::profile(rx, customer)? else { return Ok(None) };
    if rx.sees_groups()? && at.is_none() {
        // Read so far was its group as far as the portfolio reaches.
        let Some(whole) = store::profile(rx, customer)? else { return Ok(None) };
        profile = whole;
    }
    let (head, members) = match at {
        None => (profile.parent_id.unwrap_or(customer), std::mem::take(&mut profile.members.0)),
        Some(at) => {
            let head = store::parent(rx, customer, at)?.unwrap_or(customer);
            (head, store::members_at(rx, head, at)?)
        }
    };
    Ok(Some(Party { profile, head, members }))
}

/// How a customer stands, alone and in its group.
#[derive(Debug, Clone)]
pub struct Stand {
    pub own: Standing,
    pub group: Option<GroupStanding>,
    pub overdue: Decimal,
    pub days_overdue: i64,
    pub oldest_item_days: i64,
}

impl Stand {
    /// What is left of the customer's limit and of its group's, whichever is less; nothing without any.
    #[must_use]
    pub fn left(&self, policy: &Content) -> Option<Decimal> {
        let own = available(self.own.limit.as_ref(), &self.own.parts, policy);
        let shared = self.group.as_ref().and_then(|group| available(group.limit.as_ref(), &group.parts, policy));
        [own, shared].into_iter().flatten().min()
    }
    #[must_use]
    pub fn over(&self, policy: &Content) -> bool {
        self.left(policy).is_some_and(|left| left < Decimal::ZERO)
    }
}

/// Puts together what is open, what limits there are and what is covered, as of a day. Of an order that is judged
/// anew what stands already is left out.
pub fn stand(rx: &mut Rx<'_>, party: &Party, at: Option<At>, without: Option<&str>) -> Result<Stand, Problem> {
    let positions = match at {
        None => store::now(rx, &party.members, without)?,
        Some(at) => store::at(rx, &party.members, at)?,
    };
    let at = at.unwrap_or(At::recorded(rx.cx().today));
    let limits = in_force(rx, &party.members, at)?;
    together(rx, (party.profile.id, party.head), &positions, &limits, at)
}

/// How a customer of a group stands, given what is open of everybody in it and what limits they have.
fn together(rx: &mut Rx<'_>, (customer, head): (CustomerId, CustomerId), positions: &[Position], limits: &[CreditLimit], at: At) -> Result<Stand, Problem> {
    let members = positions.len();
    let (mut own, mut all) = (Parts::default(), Parts::default());
    let mut mine: Option<&Position> = None;
    for position in positions {
        let mut parts = position.parts;
        if let Some(limit) = limit_of(limits, position.customer, Scope::Own) {
            parts.cover = cover(rx, limit, at)?;
        }
        all = all.plus(&parts);
        if position.customer == customer {
            own = parts;
            mine = Some(position);
        }
    }
    let own_limit = limit_of(limits, customer, Scope::Own).map(|limit| fact(rx, limit, at)).transpose()?;
    let shared = limit_of(limits, head, Scope::Group);
    // What a parent shares caps it also while it has no child.
    let group = if members > 1 || shared.is_some() {
        if let Some(limit) = shared {
            all.cover = Amount(all.cover.0 + cover(rx, limit, at)?.0);
        }
        let limit = shared.map(|limit| fact(rx, limit, at)).transpose()?;
        Some(GroupStanding { parent_id: head, members: i64::try_from(members).unwrap_or(i64::MAX), limit, parts: all })
    } else {
        None
    };
    let (day, oldest) = (at.as_of, mine.and_then(|mine| mine.oldest));
    Ok(Stand {
        own: Standing { limit: own_limit, parts: own },
        group,
        overdue: mine.map_or(Decimal::ZERO, |mine| mine.overdue),
        days_overdue: oldest.map_or(0, |(due, _)| (day - due).num_days()),
        oldest_item_days: oldest.map_or(0, |(_, date)| (day - date).num_days()),
    })
}

/// How everybody stands of whom a limit holds, their own or their group's; now, or of a past day. Those the caller may see.
pub fn standings(rx: &mut Rx<'_>, past: Option<At>) -> Result<Vec<(CustomerId, Stand)>, Problem> {
    let seen: HashSet<CustomerId> = store::heads(rx, past)?.into_iter().map(|(customer, _)| customer).collect();
    rx.beyond_portfolio(|rx| {
        let at = past.unwrap_or(At::recorded(rx.cx().today));
        let mut groups: BTreeMap<CustomerId, Vec<CustomerId>> = BTreeMap::new();
        for (customer, head) in store::heads(rx, past)? {
            groups.entry(head).or_default().push(customer);
        }
        let limited: HashSet<CustomerId> = holders(rx, at)?.into_iter().collect();
        groups.retain(|_, members| members.iter().any(|member| limited.contains(member)));
        let everybody: Vec<CustomerId> = groups.values().flatten().copied().collect();
        let positions = match past {
            None => store::now(rx, &everybody, None)?,
            Some(at) => store::at(rx, &everybody, at)?,
        };
        let mut positions: HashMap<CustomerId, Position> = positions.into_iter().map(|position| (position.customer, position)).collect();
        let mut limits: HashMap<CustomerId, Vec<CreditLimit>> = HashMap::new();
        for limit in in_force(rx, &everybody, at)? {
            limits.entry(limit.customer_id).or_default().push(limit);
        }
        let mut found = Vec::new();
        for (head, members) in groups {
            let positions: Vec<Position> = members.iter().filter_map(|member| positions.remove(member)).collect();
            let limits: Vec<CreditLimit> = members.iter().filter_map(|member| limits.remove(member)).flatten().collect();
            let shared = limits.iter().any(|limit| limit.scope == Scope::Group && limit.customer_id == head);
            for member in members.into_iter().filter(|member| seen.contains(member) && (shared || limited.contains(member))) {
                found.push((member, together(rx, (member, head), &positions, &limits, at)?));
            }
        }
        Ok(found)
    })
}

/// Whose exposure is more than their own limit, or their group's more than the group's, now.
pub fn over_limit(rx: &mut Rx<'_>) -> Result<Vec<CustomerId>, Problem> {
    let at = At::recorded(rx.cx().today);
    let content = policy::in_force(rx, at)?.content;
    Ok(standings(rx, None)?.into_iter().filter(|(_, stand)| stand.over(&content)).map(|(customer, _)| customer).collect())
}

fn limit_of(limits: &[CreditLimit], customer: CustomerId, scope: Scope) -> Option<&CreditLimit> {
    limits.iter().find(|limit| limit.customer_id == customer && limit.scope == scope)
}

/// What is covered on a day, in base currency.
fn cover(rx: &mut Rx<'_>, limit: &CreditLimit, at: At) -> Result<Amount, Problem> {
    let total: Decimal = limit.cover.iter().filter(|cover| cover.valid_to.is_none_or(|to| to >= at.as_of)).map(|cover| cover.amount.0).sum();
    if total.is_zero() { Ok(rx.cx().currency().amount(total)) } else { in_base(rx, &limit.currency, Amount(total), at).map(Amount) }
}

fn fact(rx: &mut Rx<'_>, limit: &CreditLimit, at: At) -> Result<LimitFact, Problem> {
    let base = rx.cx().currency();
    let worth = limit.amount.map(|amount| in_base(rx, &limit.currency, amount, at)).transpose()?;
    Ok(LimitFact {
        id: limit.id,
        amount: limit.amount,
        currency: limit.currency.clone(),
        base_amount: worth.map(|worth| base.amount(worth)),
        temporary: limit.temporary,
        valid_from: limit.valid_from,
        valid_to: limit.valid_to,
        expired: limit.valid_to.is_some_and(|to| to < at.as_of),
    })
}

/// The components under a policy, each told and explained.
#[must_use]
pub fn explained(parts: &Parts, counted: &Counted, base: Currency) -> Exposure {
    let part = |component, amount: Decimal, included, explanation| ExposurePart { component, amount: base.amount(amount), included, explanation };
    let components = vec![
        part(Component::OpenItems, parts.open_items.0, true, "Invoices, debit notes and what else is owed, less what settled it."),
        part(Component::CreditNotes, -parts.credit_notes.0, counted.credit_notes, "Open credit notes and other credits; they count from their issue."),
        part(Component::UnappliedCash, -parts.unapplied_cash.0, counted.unapplied_cash, "Receipts, or parts of them, that settle nothing yet."),
        part(
            Component::UnclearedCash,
            parts.uncleared_cash.0,
            counted.uncleared_cash,
            "Cheques in the books that no bank has paid: they count as if they had not come.",
        ),
        part(Component::Orders, parts.orders.0, counted.orders, "Orders that stand and are not delivered."),
        part(Component::Deliveries, parts.deliveries.0, counted.deliveries, "Delivered and not billed."),
        part(Component::Reservations, parts.reservations.0, counted.reservations, "Held free by passed checks until they are confirmed, released or expire."),
        part(Component::Cover, -parts.cover.0, counted.cover, "Insured, guaranteed, deposited or secured."),
    ];
    Exposure { total: base.amount(parts.total(counted)), components }
}

fn available(limit: Option<&LimitFact>, parts: &Parts, policy: &Content) -> Option<Decimal> {
    limit.and_then(|limit| limit.allows(policy.expired_limit)).map(|allowed| allowed - parts.total(&policy.exposure))
}

/// What a limit allows, for those who compare.
#[must_use]
pub fn allowed(limit: Option<&LimitFact>, expired: ExpiredLimit) -> Option<Decimal> {
    limit.and_then(|limit| limit.allows(expired))
}

pub fn get(rx: &mut Rx<'_>, customer: CustomerId, query: &CreditQuery) -> Result<CustomerCredit, Problem> {
    let past = query.as_of.is_some() || query.known_at.is_some();
    let at = At::read(rx, query.as_of.as_deref(), query.known_at.as_deref())?;
    of(rx, customer, at, past)
}

/// Everything credit knows of a customer, now or of a past day.
pub fn of(rx: &mut Rx<'_>, customer: CustomerId, at: At, past: bool) -> Result<CustomerCredit, Problem> {
    let party = party(rx, customer, past.then_some(at))?.ok_or_else(|| Problem::not_found("customer"))?;
    let stand = stand(rx, &party, past.then_some(at), None)?;
    let in_force = policy::in_force(rx, at)?;
    let (base, content) = (rx.cx().currency(), &in_force.content);
    let exposure = explained(&stand.own.parts, &content.exposure, base);
    let group = stand.group.as_ref().map(|group| {
        let left = available(group.limit.as_ref(), &group.parts, content);
        GroupCredit {
            parent_id: group.parent_id,
            members: group.members,
            limit: group.limit.clone(),
            exposure: explained(&group.parts, &content.exposure, base),
            available: left.map(|left| base.amount(left)),
            over_limit: left.is_some_and(|left| left < Decimal::ZERO),
        }
    });
    let left = stand.left(content);
    let limit = allowed(stand.own.limit.as_ref(), content.expired_limit);
    let used = limit.filter(|limit| !limit.is_zero()).map(|limit| round(exposure.total.0 * dec!(100) / limit, 2));
    let profile = party.profile;
    Ok(CustomerCredit {
        customer_id: customer,
        object: "customer_credit",
        as_of: at.as_of,
        known_at: at.known(),
        currency: base.code().to_owned(),
        policy_version: in_force.version,
        available: left.map(|left| base.amount(left)),
        used_percent: used.map(|used| Figure(pad(used, 2))),
        watch: profile.watch || watched(content, stand.own.limit.as_ref(), exposure.total.0),
        over_limit: left.is_some_and(|left| left < Decimal::ZERO),
        limit: stand.own.limit,
        exposure,
        group,
        overdue: base.amount(stand.overdue),
        days_overdue: stand.days_overdue,
        risk_score: profile.risk_score,
        risk_class: profile.risk_class,
        hold_all: profile.hold_all,
        hold_reason: profile.hold_reason,
        open_holds: profile.open_holds,
        review_on: profile.review_on,
        version: profile.version,
    })
}
