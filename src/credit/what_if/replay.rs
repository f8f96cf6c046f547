//! The past, day by day. Pure: it is given what was posted and settled when, and tells what a policy would have said.

use super::types::{Fate, HeldOrder, Judged};
use crate::credit::policy::rules::judge;
use crate::credit::policy::types::{Content, Facts, GroupStanding, LimitFact, Outcome, Parts, Standing};
use crate::platform::ids::CustomerId;
use crate::platform::money::Currency;
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet, HashMap};
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

/// What is open of a customer, with sums that are kept as it changes.
#[derive(Default)]
struct State {
    open: HashMap<usize, Decimal>,
    debits: Decimal,
    notes: Decimal,
    cash: Decimal,
    /// Open debits by their due date, and those whose due date has passed, by it and their own.
    due: BTreeSet<(NaiveDate, usize)>,
    late: BTreeSet<(NaiveDate, NaiveDate, usize)>,
    overdue: Decimal,
    /// Today's orders so far.
    today: Decimal,
}

impl State {
    fn change(&mut self, at: usize, item: &Item, by: Decimal) {
        let before = self.open.remove(&at).unwrap_or_default();
        let after = before + by;
        if !after.is_zero() {
            self.open.insert(at, after);
        }
        *match (item.is_debit, item.kind.as_str()) {
            (true, _) => &mut self.debits,
            (false, "receipt") => &mut self.cash,
            (false, _) => &mut self.notes,
        } += by;
        if !item.is_debit {
            return;
        }
        let late = (item.due_on, item.dated, at);
        if self.late.contains(&late) {
            self.overdue += after.max(Decimal::ZERO) - before.max(Decimal::ZERO);
            if after <= Decimal::ZERO {
                self.late.remove(&late);
            }
        } else if after > Decimal::ZERO {
            self.due.insert((item.due_on, at));
        } else {
            self.due.remove(&(item.due_on, at));
        }
    }
    /// What fell due before a day is late on it.
    fn falls_due(&mut self, day: NaiveDate, items: &[Item]) {
        while let Some((due, at)) = self.due.first().copied().filter(|(due, _)| *due < day) {
            self.due.remove(&(due, at));
            self.late.insert((due, items[at].dated, at));
            self.overdue += self.open.get(&at).copied().unwrap_or_default();
        }
    }
    fn parts(&self, cover: Decimal, base: Currency) -> Parts {
        Parts {
            open_items: base.amount(self.debits),
            credit_notes: base.amount(self.notes),
            unapplied_cash: base.amount(self.cash),
            cover: base.amount(cover),
            ..Parts::default()
        }
    }
}

/// Settlement kinds that are no payment.
pub const NO_PAYMENT: [&str; 6] = ["reversal", "write_off", "credit", "adjustment", "refund", "recovery"];

/// Judges every order of a group within the span, in order, and hands each to `told`.
pub fn replay<E>(trial: &Trial<'_>, group: &Group, lend: &mut Lender<'_, E>, told: &mut dyn FnMut(Judged)) -> Result<(), E> {
    let place: HashMap<Uuid, usize> = group.items.iter().enumerate().map(|(at, item)| (item.id, at)).collect();
    let mut posted: BTreeMap<NaiveDate, Vec<usize>> = BTreeMap::new();
    group.items.iter().enumerate().for_each(|(at, item)| posted.entry(item.posted_on).or_default().push(at));
    let mut settled: BTreeMap<NaiveDate, Vec<&Settled>> = BTreeMap::new();
    group.settled.iter().for_each(|settlement| settled.entry(settlement.on).or_default().push(settlement));
    let days: BTreeSet<NaiveDate> = posted.keys().chain(settled.keys()).copied().filter(|day| *day <= trial.to).collect();
    let fates = fates(trial, group, &place);
    let mut past = Past { trial, group, states: group.members.iter().map(|member| (member.id, State::default())).collect(), cover: None };
    for day in days {
        past.states.values_mut().for_each(|state| state.today = Decimal::ZERO);
        let of_day = posted.get(&day).map_or(&[][..], Vec::as_slice);
        let (orders, others): (Vec<usize>, Vec<usize>) = of_day.iter().copied().partition(|at| group.items[*at].is_order && group.items[*at].is_debit);
        for instalments in documents(group, &orders) {
            let amount: Decimal = instalments.iter().map(|at| group.items[*at].base).sum();
            let Some(first) = instalments.first().map(|at| &group.items[*at]) else { continue };
            if day >= trial.from {
                told(past.order(first, &instalments, amount, &fates, lend)?);
            }
            for at in &instalments {
                past.change(*at, group.items[*at].base);
            }
            if let Some(state) = past.states.get_mut(&first.customer) {
                state.today += amount;
            }
        }
        for at in others {
            past.change(at, group.items[at].base);
        }
        for settlement in settled.get(&day).into_iter().flatten() {
            for (item, base) in [(settlement.debit, settlement.debit_base), (settlement.credit, settlement.credit_base)] {
                if let Some(at) = place.get(&item) {
                    past.change(*at, -base);
                }
            }
        }
    }
    Ok(())
}

/// The items of each document, in order: an order of several instalments is one order.
fn documents(group: &Group, orders: &[usize]) -> Vec<Vec<usize>> {
    let mut places: HashMap<Uuid, usize> = HashMap::new();
    let mut found: Vec<Vec<usize>> = Vec::new();
    for at in orders {
        let place = *places.entry(group.items[*at].document).or_insert(found.len());
        match found.get_mut(place) {
            Some(parts) => parts.push(*at),
            None => found.push(vec![*at]),
        }
    }
    found
}

/// A group on the day that is looked at.
struct Past<'p> {
    trial: &'p Trial<'p>,
    group: &'p Group,
    states: HashMap<CustomerId, State>,
    /// What is covered of everybody together, on a day.
    cover: Option<(NaiveDate, Decimal)>,
}

impl Past<'_> {
    fn change(&mut self, at: usize, by: Decimal) {
        let item = &self.group.items[at];
        if let Some(state) = self.states.get_mut(&item.customer) {
            state.change(at, item, by);
        }
    }

    /// How the group stands, where there is one.
    fn shared<E>(&mut self, day: NaiveDate, lend: &mut Lender<'_, E>) -> Result<Option<GroupStanding>, E> {
        let lent = lend(self.group.head, true, day)?;
        if self.group.members.len() == 1 && lent.limit.is_none() {
            return Ok(None);
        }
        let cover = if let Some((_, cover)) = self.cover.filter(|(known, _)| *known == day) {
            cover
        } else {
            let mut cover = lent.cover;
            for member in &self.group.members {
                cover += lend(member.id, false, day)?.cover;
            }
            self.cover = Some((day, cover));
            cover
        };
        let mut all = State::default();
        for state in self.states.values() {
            all.debits += state.debits;
            all.notes += state.notes;
            all.cash += state.cash;
        }
        let members = i64::try_from(self.group.members.len()).unwrap_or(i64::MAX);
        Ok(Some(GroupStanding { parent_id: self.group.head, members, limit: lent.limit, parts: all.parts(cover, self.trial.base) }))
    }

    fn order<E>(&mut self, first: &Item, instalments: &[usize], amount: Decimal, fates: &HashMap<Uuid, Ended>, lend: &mut Lender<'_, E>) -> Result<Judged, E> {
        let (trial, group, base, day) = (self.trial, self.group, self.trial.base, first.posted_on);
        let lent = lend(first.customer, false, day)?;
        let shared = self.shared(day, lend)?;
        let mine = self.states.entry(first.customer).or_default();
        mine.falls_due(day, &group.items);
        let oldest = mine.late.first().map(|(due, dated, _)| (*due, *dated));
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
            own: Standing { limit: lent.limit, parts: mine.parts(lent.cover, base) },
            group: shared,
            overdue: base.amount(mine.overdue),
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
