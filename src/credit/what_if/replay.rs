//! The past, day by day. Pure: it is given what was posted and settled when, and tells what a policy would have said.

use super::types::{Fate, HeldOrder, Judged};
use crate::credit::policy::rules::judge;
use crate::credit::policy::types::{Content, Facts, GroupStanding, LimitFact, Outcome, Parts, Standing};
use crate::platform::ids::CustomerId;
use crate::platform::money::{Amount, Currency};
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// Something owed by or to a customer.
#[derive(Debug, Clone)]
pub struct Item {
    pub id: Uuid,
    pub customer: CustomerId,
    pub is_debit: bool,
    pub kind: String,
    pub document: Uuid,
    pub number: String,
    pub posted_on: NaiveDate,
    pub dated: NaiveDate,
    pub due_on: NaiveDate,
    pub base: Decimal,
    /// It is an invoice that was not cancelled.
    pub is_order: bool,
}

/// A settlement, or one taken back.
#[derive(Debug, Clone)]
pub struct Settled {
    pub id: Uuid,
    pub debit: Uuid,
    pub credit: Uuid,
    pub on: NaiveDate,
    pub debit_base: Decimal,
    pub credit_base: Decimal,
    pub kind: String,
    pub reverses: Option<Uuid>,
}

/// A customer of a group.
#[derive(Debug, Clone)]
pub struct Member {
    pub id: CustomerId,
    pub name: String,
    pub terms_days: Option<i32>,
    /// The class that held from the end of a day on, ascending.
    pub classes: Vec<(NaiveDate, String)>,
}

/// What was lent on a day: of the customer, or of the group.
pub struct Lent {
    pub limit: Option<LimitFact>,
    /// In base currency.
    pub cover: Decimal,
}

/// One group, or a customer without one, with everything that happened; items and settlements in the order they were recorded.
pub struct Group {
    pub head: CustomerId,
    pub members: Vec<Member>,
    pub items: Vec<Item>,
    pub settled: Vec<Settled>,
}

/// Which days are judged by what.
pub struct Trial<'t> {
    pub policy: &'t Content,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub as_of: NaiveDate,
    pub late_after: i64,
    pub base: Currency,
}

/// What was lent to a customer on a day: `true` asks for what its group shares.
pub type Lender<'l, E> = dyn FnMut(CustomerId, bool, NaiveDate) -> Result<Lent, E> + 'l;

#[derive(Default)]
struct State {
    open: BTreeMap<usize, Decimal>,
    /// Today's orders so far.
    today: Decimal,
}

/// Settlement kinds that are no payment.
pub const NO_PAYMENT: [&str; 6] = ["reversal", "write_off", "credit", "adjustment", "refund", "recovery"];

/// Judges every order of a group within the span, in order.
pub fn replay<E>(trial: &Trial<'_>, group: &Group, lend: &mut Lender<'_, E>) -> Result<Vec<Judged>, E> {
    let place: HashMap<Uuid, usize> = group.items.iter().enumerate().map(|(at, item)| (item.id, at)).collect();
    let mut posted: BTreeMap<NaiveDate, Vec<usize>> = BTreeMap::new();
    group.items.iter().enumerate().for_each(|(at, item)| posted.entry(item.posted_on).or_default().push(at));
    let mut settled: BTreeMap<NaiveDate, Vec<&Settled>> = BTreeMap::new();
    group.settled.iter().for_each(|settlement| settled.entry(settlement.on).or_default().push(settlement));
    let mut days: Vec<NaiveDate> = posted.keys().chain(settled.keys()).copied().filter(|day| *day <= trial.to).collect();
    days.sort_unstable();
    days.dedup();
    let mut states: HashMap<CustomerId, State> = group.members.iter().map(|member| (member.id, State::default())).collect();
    let fates = fates(trial, group, &place);
    let mut judged = Vec::new();
    for day in days {
        for state in states.values_mut() {
            state.today = Decimal::ZERO;
        }
        let of_day = posted.get(&day).map_or(&[][..], Vec::as_slice);
        let (orders, others): (Vec<usize>, Vec<usize>) = of_day.iter().copied().partition(|at| group.items[*at].is_order && group.items[*at].is_debit);
        let mut seen = HashSet::new();
        for first in orders.iter().map(|at| &group.items[*at]) {
            if !seen.insert(first.document) {
                continue;
            }
            // An order of several instalments is one order.
            let parts: Vec<usize> = orders.iter().copied().filter(|at| group.items[*at].document == first.document).collect();
            let amount: Decimal = parts.iter().map(|at| group.items[*at].base).sum();
            if day >= trial.from {
                judged.push(order(trial, group, &states, first, &parts, amount, &fates, lend)?);
            }
            if let Some(state) = states.get_mut(&first.customer) {
                state.open.extend(parts.iter().map(|at| (*at, group.items[*at].base)));
                state.today += amount;
            }
        }
        for at in others {
            if let Some(state) = states.get_mut(&group.items[at].customer) {
                state.open.insert(at, group.items[at].base);
            }
        }
        for settlement in settled.get(&day).into_iter().flatten() {
            for (item, base) in [(settlement.debit, settlement.debit_base), (settlement.credit, settlement.credit_base)] {
                let Some(at) = place.get(&item) else { continue };
                let Some(state) = states.get_mut(&group.items[*at].customer) else { continue };
                let left = state.open.remove(at).unwrap_or_default() - base;
                if !left.is_zero() {
                    state.open.insert(*at, left);
                }
            }
        }
    }
    Ok(judged)
}

fn parts(group: &Group, state: &State, cover: Decimal, base: Currency) -> Parts {
    let sum = |wanted: fn(&Item) -> bool| base.amount(state.open.iter().filter(|(at, _)| wanted(&group.items[**at])).map(|(_, open)| *open).sum());
    Parts {
        open_items: sum(|item| item.is_debit),
        credit_notes: sum(|item| !item.is_debit && item.kind != "receipt"),
        unapplied_cash: sum(|item| !item.is_debit && item.kind == "receipt"),
        cover: base.amount(cover),
        ..Parts::default()
    }
}

#[allow(clippy::too_many_arguments, reason = "the day as it stands")]
fn order<E>(
    trial: &Trial<'_>,
    group: &Group,
    states: &HashMap<CustomerId, State>,
    first: &Item,
    instalments: &[usize],
    amount: Decimal,
    fates: &HashMap<Uuid, Ended>,
    lend: &mut Lender<'_, E>,
) -> Result<Judged, E> {
    let (base, day) = (trial.base, first.posted_on);
    let nobody = State::default();
    let state = |of: CustomerId| states.get(&of).unwrap_or(&nobody);
    let mine = state(first.customer);
    let lent = lend(first.customer, false, day)?;
    let own = Standing { limit: lent.limit, parts: parts(group, mine, lent.cover, base) };
    let shared = if group.members.len() > 1 {
        let lent = lend(group.head, true, day)?;
        let mut all = Parts { cover: base.amount(lent.cover), ..Parts::default() };
        for member in &group.members {
            let cover = lend(member.id, false, day)?.cover;
            all = all.plus(&parts(group, state(member.id), cover, base));
        }
        Some(GroupStanding { parent_id: group.head, members: i64::try_from(group.members.len()).unwrap_or(i64::MAX), limit: lent.limit, parts: all })
    } else {
        None
    };
    let late: Vec<(&Item, Decimal)> = mine
        .open
        .iter()
        .map(|(at, open)| (&group.items[*at], *open))
        .filter(|(item, open)| item.is_debit && item.due_on < day && *open > Decimal::ZERO)
        .collect();
    let oldest = late.iter().map(|(item, _)| (item.due_on, item.dated)).min();
    let member = group.members.iter().find(|member| member.id == first.customer);
    let before = day.checked_sub_days(Days::new(1)).unwrap_or(day);
    let class = member.and_then(|member| member.classes.iter().rev().find(|(from, _)| *from <= before)).map(|(_, class)| class.clone());
    let last_due = instalments.iter().map(|at| group.items[*at].due_on).max().unwrap_or(first.due_on);
    let facts = Facts {
        today: day,
        order_amount: base.amount(amount),
        order_terms_days: i32::try_from((last_due - first.dated).num_days()).ok(),
        orders_within_a_day: base.amount(mine.today),
        granted: None,
        own,
        group: shared,
        overdue: base.amount(late.iter().map(|(_, open)| *open).sum()),
        days_overdue: oldest.map_or(0, |(due, _)| (day - due).num_days()),
        oldest_item_days: oldest.map_or(0, |(_, dated)| (day - dated).num_days()),
        customer_terms_days: member.and_then(|member| member.terms_days),
        blocked: false,
        risk_class: class,
        review_on: None,
    };
    let (outcome, results) = judge(trial.policy, &facts, base);
    let exposure = facts.own.parts.total(&trial.policy.exposure);
    let ended = fates.get(&first.document).cloned().unwrap_or_default();
    Ok(Judged {
        outcome,
        order: HeldOrder {
            invoice_id: first.document,
            number: first.number.clone(),
            customer_id: first.customer,
            customer_name: member.map(|member| member.name.clone()).unwrap_or_default(),
            date: day,
            amount: base.amount(amount),
            exposure_before: base.amount(exposure),
            rules: results.into_iter().filter(|result| result.outcome != Outcome::Pass).collect(),
            fate: ended.fate(trial.late_after),
            days_late: ended.days_late,
            written_off: base.amount(ended.written_off),
        },
    })
}

/// What is known of an order in the end.
#[derive(Debug, Clone, Default)]
struct Ended {
    /// Of what was paid or is open past its due date, the latest.
    days_late: Option<i64>,
    open: Decimal,
    open_late: Option<i64>,
    written_off: Decimal,
}
impl Ended {
    fn fate(&self, late_after: i64) -> Fate {
        if self.written_off > Decimal::ZERO {
            Fate::WrittenOff
        } else if self.open > Decimal::ZERO && self.open_late.is_some_and(|late| late > late_after) {
            Fate::Overdue
        } else if self.days_late.is_some_and(|late| late > late_after) {
            Fate::PaidLate
        } else if self.open > Decimal::ZERO {
            Fate::Open
        } else {
            Fate::PaidInTime
        }
    }
}

/// What became of every order by the end of the day of the reply.
fn fates(trial: &Trial<'_>, group: &Group, place: &HashMap<Uuid, usize>) -> HashMap<Uuid, Ended> {
    let known = || group.settled.iter().filter(|settlement| settlement.on <= trial.as_of);
    let reversed: HashMap<Uuid, &Settled> = known().filter_map(|settlement| settlement.reverses.map(|of| (of, settlement))).collect();
    let mut ended: HashMap<Uuid, Ended> = HashMap::new();
    let mut open: HashMap<usize, Decimal> =
        group.items.iter().enumerate().filter(|(_, item)| item.is_order && item.is_debit).map(|(at, item)| (at, item.base)).collect();
    for settlement in known() {
        let Some(left) = place.get(&settlement.debit).and_then(|at| open.get_mut(at)) else { continue };
        *left -= settlement.debit_base;
    }
    for settlement in known().filter(|settlement| settlement.reverses.is_none() && !reversed.contains_key(&settlement.id)) {
        let Some(item) = place.get(&settlement.debit).map(|at| &group.items[*at]).filter(|item| item.is_order) else { continue };
        let end = ended.entry(item.document).or_default();
        if settlement.kind == "write_off" {
            end.written_off += settlement.debit_base;
        } else if !NO_PAYMENT.contains(&settlement.kind.as_str())
            && let Some(paid) = place.get(&settlement.credit).map(|at| &group.items[*at])
        {
            end.days_late = end.days_late.max(Some((paid.dated - item.due_on).num_days()));
        }
    }
    for (at, left) in open {
        let item = &group.items[at];
        let end = ended.entry(item.document).or_default();
        if left > Decimal::ZERO {
            end.open += left;
            let late = (trial.as_of - item.due_on).num_days();
            end.open_late = end.open_late.max(Some(late));
            if late > 0 {
                end.days_late = end.days_late.max(Some(late));
            }
        }
    }
    ended
}

/// Amounts of a kind, added up.
#[must_use]
pub fn sum<'j>(orders: impl Iterator<Item = &'j Judged>, base: Currency) -> (i64, Amount) {
    let (mut count, mut total) = (0, Decimal::ZERO);
    for judged in orders {
        count += 1;
        total += judged.order.amount.0;
    }
    (count, base.amount(total))
}
