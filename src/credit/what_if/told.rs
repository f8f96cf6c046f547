//! What a replay comes to, added up as it goes: whatever was sold, only what is listed is kept.

use super::replay::Trial;
use super::types::{Fate, HeldOrder, Judged, RuleTally, Saved, Tally, WhatIf};
use crate::credit::policy::types::{Outcome, RuleKind};
use crate::platform::money::Currency;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// So many orders of so much.
#[derive(Debug, Clone, Copy, Default)]
struct Sum(i64, Decimal);

impl Sum {
    fn add(&mut self, amount: Decimal) {
        self.0 += 1;
        self.1 += amount;
    }
    fn plus(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1)
    }
    fn tally(self, base: Currency) -> Tally {
        Tally { orders: self.0, amount: base.amount(self.1) }
    }
}

/// What one rule held.
#[derive(Debug, Clone, Copy, Default)]
struct OfRule {
    held: Sum,
    bad: Sum,
    in_time: Sum,
}

/// Everything told so far.
pub struct Told {
    list: usize,
    sums: BTreeMap<(Outcome, Fate), Sum>,
    rules: BTreeMap<RuleKind, OfRule>,
    given_up: Decimal,
    /// The largest of those held; more than are listed, until they are sorted.
    largest: Vec<HeldOrder>,
}

impl Told {
    #[must_use]
    pub fn new(list: usize) -> Self {
        Self { list, sums: BTreeMap::new(), rules: BTreeMap::new(), given_up: Decimal::ZERO, largest: Vec::new() }
    }

    pub fn add(&mut self, judged: Judged) {
        let Judged { outcome, order } = judged;
        let amount = order.amount.0;
        self.sums.entry((outcome, order.fate)).or_default().add(amount);
        if outcome != Outcome::Hold {
            return;
        }
        self.given_up += order.written_off.0;
        for rule in RuleKind::ALL {
            if order.rules.iter().any(|result| result.rule == *rule && result.outcome == Outcome::Hold) {
                let of_rule = self.rules.entry(*rule).or_default();
                of_rule.held.add(amount);
                if order.fate.is_bad() {
                    of_rule.bad.add(amount);
                }
                if order.fate == Fate::PaidInTime {
                    of_rule.in_time.add(amount);
                }
            }
        }
        self.largest.push(order);
        if self.largest.len() > 2 * self.list + 1000 {
            self.keep_largest();
        }
    }

    fn keep_largest(&mut self) {
        self.largest.sort_by(|a, b| b.amount.cmp(&a.amount).then(a.date.cmp(&b.date)).then(a.number.cmp(&b.number)));
        self.largest.truncate(self.list);
    }

    fn sum(&self, wanted: impl Fn(Outcome, Fate) -> bool) -> Sum {
        self.sums.iter().filter(|((outcome, fate), _)| wanted(*outcome, *fate)).fold(Sum::default(), |all, (_, sum)| all.plus(*sum))
    }

    #[must_use]
    pub fn answer(mut self, trial: &Trial<'_>, assumptions: &[&'static str]) -> WhatIf {
        self.keep_largest();
        let base = trial.base;
        let tally = |wanted: &dyn Fn(Outcome, Fate) -> bool| self.sum(wanted).tally(base);
        let judged = |wanted: Outcome| tally(&move |outcome, _| outcome == wanted);
        let held = |wanted: Fate| tally(&move |outcome, fate| outcome == Outcome::Hold && fate == wanted);
        let rule =
            |(rule, of): (&RuleKind, &OfRule)| RuleTally { rule: *rule, held: of.held.tally(base), bad: of.bad.tally(base), in_time: of.in_time.tally(base) };
        WhatIf {
            object: "credit_what_if",
            from: trial.from,
            to: trial.to,
            as_of: trial.as_of,
            currency: base.code().to_owned(),
            policy: trial.policy.clone(),
            orders: tally(&|_, _| true),
            passed: judged(Outcome::Pass),
            warned: judged(Outcome::Warn),
            held: judged(Outcome::Hold),
            saved: Saved {
                total: tally(&|outcome, fate| outcome == Outcome::Hold && fate.is_bad()),
                paid_late: held(Fate::PaidLate),
                overdue: held(Fate::Overdue),
                written_off: held(Fate::WrittenOff),
                written_off_amount: base.amount(self.given_up),
            },
            cost: held(Fate::PaidInTime),
            undecided: held(Fate::Open),
            missed: tally(&|outcome, fate| outcome != Outcome::Hold && fate.is_bad()),
            by_rule: self.rules.iter().map(rule).collect(),
            held_orders: self.largest.clone(),
            assumptions: assumptions.to_vec(),
        }
    }
}
