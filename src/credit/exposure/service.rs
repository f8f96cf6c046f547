//! Where customers and groups stand.

use super::store::{self, Position, Profile};
use super::types::{Component, CreditQuery, CustomerCredit, Exposure, ExposurePart, GroupCredit};
use crate::credit::limits::service::in_base;
use crate::credit::limits::store::in_force;
use crate::credit::limits::types::{CreditLimit, Scope};
use crate::credit::policy;
use crate::credit::policy::rules::watched;
use crate::credit::policy::types::{Content, Counted, ExpiredLimit, GroupStanding, LimitFact, Parts, Standing};
use crate::ledger::balances::At;
use crate::platform::http::Problem;
use crate::platform::ids::CustomerId;
use crate::platform::money::{Amount, Currency, Figure, pad, round};
use crate::platform::unit_of_work::Rx;
use chrono::NaiveDate;
use rust_decimal::{Decimal, dec};

/// A customer with everybody it shares a limit with.
#[derive(Debug, Clone)]
pub struct Party {
    pub profile: Profile,
    pub head: CustomerId,
    /// Everybody, in id order; the customer alone where there is no group.
    pub members: Vec<CustomerId>,
}

/// Finds a customer within the caller's portfolio, and its group whoever asks.
pub fn party(rx: &mut Rx<'_>, customer: CustomerId) -> Result<Option<Party>, Problem> {
    let Some(profile) = store::profile(rx, customer)? else { return Ok(None) };
    rx.sees_groups()?;
    let head = profile.parent_id.unwrap_or(customer);
    let members = store::members(rx, head)?;
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

/// Puts together what is open, what limits there are and what is covered, as of a day. Of an order that is judged
/// anew what stands already is left out.
pub fn stand(rx: &mut Rx<'_>, party: &Party, at: Option<At>, without: Option<&str>) -> Result<Stand, Problem> {
    let positions = match at {
        None => store::now(rx, &party.members, without)?,
        Some(at) => store::at(rx, &party.members, at)?,
    };
    let day = at.map_or(rx.cx().today, |at| at.as_of);
    let limits = in_force(rx, &party.members, day)?;
    let (mut own, mut all) = (Parts::default(), Parts::default());
    let mut mine: Option<Position> = None;
    for position in positions {
        let mut parts = position.parts;
        if let Some(limit) = limit_of(&limits, position.customer, Scope::Own) {
            parts.cover = cover(rx, limit, day)?;
        }
        all = all.plus(&parts);
        if position.customer == party.profile.id {
            own = parts;
            mine = Some(position);
        }
    }
    let own_limit = limit_of(&limits, party.profile.id, Scope::Own).map(|limit| fact(rx, limit, day)).transpose()?;
    let shared = limit_of(&limits, party.head, Scope::Group);
    let group = if party.members.len() > 1 {
        if let Some(limit) = shared {
            all.cover = Amount(all.cover.0 + cover(rx, limit, day)?.0);
        }
        let limit = shared.map(|limit| fact(rx, limit, day)).transpose()?;
        Some(GroupStanding { parent_id: party.head, members: i64::try_from(party.members.len()).unwrap_or(i64::MAX), limit, parts: all })
    } else {
        None
    };
    let oldest = mine.as_ref().and_then(|mine| mine.oldest);
    Ok(Stand {
        own: Standing { limit: own_limit, parts: own },
        group,
        overdue: mine.as_ref().map_or(Decimal::ZERO, |mine| mine.overdue),
        days_overdue: oldest.map_or(0, |(due, _)| (day - due).num_days()),
        oldest_item_days: oldest.map_or(0, |(_, date)| (day - date).num_days()),
    })
}

fn limit_of(limits: &[CreditLimit], customer: CustomerId, scope: Scope) -> Option<&CreditLimit> {
    limits.iter().find(|limit| limit.customer_id == customer && limit.scope == scope)
}

/// What is covered on a day, in base currency.
fn cover(rx: &mut Rx<'_>, limit: &CreditLimit, day: NaiveDate) -> Result<Amount, Problem> {
    let total: Decimal = limit.cover.iter().filter(|cover| cover.valid_to.is_none_or(|to| to >= day)).map(|cover| cover.amount.0).sum();
    if total.is_zero() { Ok(rx.cx().currency().amount(total)) } else { in_base(rx, &limit.currency, Amount(total), day).map(Amount) }
}

fn fact(rx: &mut Rx<'_>, limit: &CreditLimit, day: NaiveDate) -> Result<LimitFact, Problem> {
    let base = rx.cx().currency();
    let worth = limit.amount.map(|amount| in_base(rx, &limit.currency, amount, day)).transpose()?;
    Ok(LimitFact {
        id: limit.id,
        amount: limit.amount,
        currency: limit.currency.clone(),
        base_amount: worth.map(|worth| base.amount(worth)),
        temporary: limit.temporary,
        valid_from: limit.valid_from,
        valid_to: limit.valid_to,
        expired: limit.valid_to.is_some_and(|to| to < day),
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
    let party = party(rx, customer)?.ok_or_else(|| Problem::not_found("customer"))?;
    let stand = stand(rx, &party, past.then_some(at), None)?;
    let in_force = policy::in_force(rx, at.as_of)?;
    let (base, content) = (rx.cx().currency(), &in_force.content);
    let exposure = explained(&stand.own.parts, &content.exposure, base);
    let own_left = available(stand.own.limit.as_ref(), &stand.own.parts, content);
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
    let left = [own_left, group.as_ref().and_then(|group| group.available).map(|left| left.0)].into_iter().flatten().min();
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
