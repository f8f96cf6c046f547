//! Placing money on open items. Pure.

use super::{NewAllocation, OpenItem};
use crate::ledger::AllocationKind;
use crate::platform::ids::{AllocationId, OpenItemId};
use crate::platform::money::{Currency, round};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;

/// Money of one kind that waits to be placed: cash first, then what was deducted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purse {
    pub kind: AllocationKind,
    pub left: Decimal,
}

/// What `part` of an open amount is worth in base currency: pro rata, rounded half-up to the exponent; the
/// whole takes all that is left, so that nothing is open in base when nothing is open (and never before).
/// `None`: it is worth too little to be parted.
#[must_use]
pub fn share(open: Decimal, open_base: Decimal, part: Decimal, base: Currency) -> Option<Decimal> {
    if part == open {
        return Some(open_base);
    }
    let unit = Decimal::new(1, base.exponent());
    let most = open_base - unit;
    if most < unit || part > open {
        return None;
    }
    // Multiplied first: a rate cut off after 28 digits would turn an exact half into less. Amounts are below 10^13.
    Some(round(open_base * part / open, base.exponent()).clamp(unit, most))
}

/// What is left of an item, in its currency and in base currency.
#[derive(Debug, Clone, Copy)]
struct Left {
    amount: Decimal,
    base: Decimal,
}

/// Places money of a credit item on debit items of its currency, keeping track of what is left on both sides.
pub struct Placer<'a> {
    credit: &'a OpenItem,
    base: Currency,
    effective_on: NaiveDate,
    purses: Vec<Purse>,
    left: Left,
    open: Vec<(&'a OpenItem, Left)>,
    placed: Vec<NewAllocation>,
}

impl<'a> Placer<'a> {
    /// `items` in the order they shall be settled, oldest due first.
    #[must_use]
    pub fn new(credit: &'a OpenItem, base: Currency, effective_on: NaiveDate, purses: Vec<Purse>, items: &'a [OpenItem]) -> Self {
        let left = |item: &OpenItem| Left { amount: item.open, base: item.open_base };
        let open = items.iter().filter(|item| item.currency == credit.currency).map(|item| (item, left(item))).collect();
        Self { credit, base, effective_on, purses, left: left(credit), open, placed: Vec::new() }
    }
    /// What is left to place, of one kind or of all.
    #[must_use]
    pub fn left(&self, kind: Option<AllocationKind>) -> Decimal {
        self.purses.iter().filter(|purse| kind.is_none_or(|kind| kind == purse.kind)).map(|purse| purse.left).sum()
    }
    /// What is still open of a document.
    #[must_use]
    pub fn open_of(&self, belongs: impl Fn(&OpenItem) -> bool) -> Decimal {
        self.open.iter().filter(|(item, _)| belongs(item)).map(|(_, open)| open.amount).sum()
    }
    /// Places up to `amount` on the items that belong; gives what found no place. Cash is asked for
    /// first and what was deducted makes up the rest; another kind is taken alone.
    pub fn place(&mut self, amount: Decimal, kind: AllocationKind, rule: &'static str, evidence: &Value, belongs: impl Fn(&OpenItem) -> bool) -> Decimal {
        let mut rest = amount;
        for (item, open) in self.open.iter_mut().filter(|(item, _)| belongs(item)) {
            for purse in self.purses.iter_mut().filter(|purse| kind == AllocationKind::Cash || purse.kind == kind) {
                let part = rest.min(purse.left).min(open.amount);
                if part <= Decimal::ZERO {
                    continue;
                }
                let Some((credit_base, debit_base)) =
                    share(self.left.amount, self.left.base, part, self.base).zip(share(open.amount, open.base, part, self.base))
                else {
                    continue;
                };
                rest -= part;
                purse.left -= part;
                self.left = Left { amount: self.left.amount - part, base: self.left.base - credit_base };
                *open = Left { amount: open.amount - part, base: open.base - debit_base };
                // Neither side may be settled before it exists, or before what was taken back from it.
                let effective_on = self.effective_on.max(item.settles_from).max(self.credit.settles_from);
                self.placed.push(NewAllocation {
                    id: AllocationId::new(),
                    customer: item.customer,
                    payer: self.credit.customer,
                    credit_item: self.credit.id,
                    debit_item: item.id,
                    source: (self.credit.document_id, self.credit.document_number.clone()),
                    kind: purse.kind,
                    amount: part,
                    credit_base,
                    debit_base,
                    effective_on,
                    rule,
                    evidence: evidence.clone(),
                    reverses: None,
                    because_of: None,
                    reason: None,
                });
            }
        }
        rest
    }
    /// Takes so much of an item off without money: gives what that is worth in base currency.
    pub fn forgive(&mut self, item: OpenItemId, amount: Decimal) -> Option<Decimal> {
        let base = self.base;
        let (_, open) = self.open.iter_mut().find(|(other, _)| other.id == item)?;
        let worth = share(open.amount, open.base, amount, base)?;
        *open = Left { amount: open.amount - amount, base: open.base - worth };
        Some(worth)
    }
    /// Keeps so much of the money back: gives what that is worth in base currency.
    pub fn keep(&mut self, amount: Decimal) -> Option<Decimal> {
        let purse = self.purses.iter_mut().find(|purse| purse.left >= amount)?;
        let worth = share(self.left.amount, self.left.base, amount, self.base)?;
        purse.left -= amount;
        self.left = Left { amount: self.left.amount - amount, base: self.left.base - worth };
        Some(worth)
    }
    /// The credit whose money is placed.
    #[must_use]
    pub fn credit(&self) -> &'a OpenItem {
        self.credit
    }
    /// The first day on which the money can settle an item.
    #[must_use]
    pub fn counts_from(&self, item: &OpenItem) -> NaiveDate {
        self.effective_on.max(item.settles_from).max(self.credit.settles_from)
    }
    /// Items that belong and are still open, in order, with what is open of each.
    #[must_use]
    pub fn open_items(&self, belongs: impl Fn(&OpenItem) -> bool) -> Vec<(&'a OpenItem, Decimal)> {
        self.open.iter().filter(|(item, open)| belongs(item) && open.amount > Decimal::ZERO).map(|(item, open)| (*item, open.amount)).collect()
    }
    /// The allocation placed last.
    #[must_use]
    pub fn last(&self) -> Option<&NewAllocation> {
        self.placed.last()
    }
    #[must_use]
    pub fn placed(self) -> Vec<NewAllocation> {
        self.placed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{SettlementTerms, Side};
    use crate::platform::ids::{CustomerId, EntryId};
    use proptest::prelude::*;
    use rust_decimal::dec;
    use uuid::Uuid;

    fn inr() -> Currency {
        Currency::parse("INR").expect("a currency")
    }

    fn item(side: Side, open: Decimal, document: Uuid) -> OpenItem {
        let day = "2025-01-01".parse().expect("a date");
        OpenItem {
            id: OpenItemId::new(),
            entry: EntryId::new(),
            customer: CustomerId::new(),
            document_kind: "invoice".into(),
            document_id: document,
            document_number: "1".into(),
            side,
            currency: inr(),
            amount: open,
            open,
            base: open,
            open_base: open,
            settles_from: day,
            due_date: day,
            terms: SettlementTerms::default(),
            granted: Decimal::ZERO,
        }
    }

    #[test]
    fn cash_runs_into_the_deduction_when_an_invoice_is_paid_in_full() {
        let (invoice, credit) = (Uuid::now_v7(), item(Side::Credit, dec!(118000), Uuid::now_v7()));
        let items = [item(Side::Debit, dec!(118000), invoice)];
        let purses = vec![Purse { kind: AllocationKind::Cash, left: dec!(116000) }, Purse { kind: AllocationKind::Tds, left: dec!(2000) }];
        let mut placer = Placer::new(&credit, inr(), items[0].settles_from, purses, &items);
        assert_eq!(placer.place(dec!(118000), AllocationKind::Cash, "instructed", &Value::Null, |i| i.document_id == invoice), dec!(0));
        let placed: Vec<_> = placer.placed().into_iter().map(|a| (a.kind, a.amount)).collect();
        assert_eq!(placed, [(AllocationKind::Cash, dec!(116000)), (AllocationKind::Tds, dec!(2000))]);
    }

    #[test]
    fn a_dollar_invoice_paid_at_other_rates_leaves_nothing_open_in_rupees() {
        // 1,000 USD at 83.00; 600 at 84.00 and 400 at 82.50: gain 600, loss 200.
        let (open, base) = (dec!(1000), dec!(83000));
        let first = share(open, base, dec!(600), inr()).expect("a share");
        assert_eq!(dec!(50400) - first, dec!(600));
        let rest = share(dec!(400), base - first, dec!(400), inr()).expect("a share");
        assert_eq!(dec!(33000) - rest, dec!(-200));
        assert_eq!(first + rest, base);
    }

    #[test]
    fn an_exact_half_of_a_paisa_is_rounded_up() {
        // Half of 16.32 USD that are worth 1,341.69 is 670.845.
        assert_eq!(share(dec!(16.32), dec!(1341.69), dec!(8.16), inr()), Some(dec!(670.85)));
        let most = crate::platform::money::LARGEST;
        assert_eq!(share(most, most, most - dec!(1), inr()), Some(most - dec!(1)));
    }

    proptest! {
        #[test]
        fn a_part_never_takes_all_of_the_base_and_the_whole_always_does(open in 2i64..1_000_000, base in 2i64..1_000_000, parts in proptest::collection::vec(1i64..1_000_000, 1..10)) {
            let (mut open, mut base) = (Decimal::new(open, 2), Decimal::new(base, 2));
            for part in parts {
                let part = Decimal::new(part, 2).min(open);
                let Some(share) = share(open, base, part, inr()) else { continue };
                open -= part;
                base -= share;
                prop_assert!(share > Decimal::ZERO && base >= Decimal::ZERO);
                prop_assert_eq!(open.is_zero(), base.is_zero());
                if open.is_zero() { break; }
            }
        }
        #[test]
        fn nothing_is_overdrawn_and_nothing_is_lost(cash in 0i64..100_000, tds in 0i64..10_000, opens in proptest::collection::vec(1i64..50_000, 1..8), asked in 1i64..200_000) {
            let credit = item(Side::Credit, Decimal::new(cash + tds, 2), Uuid::now_v7());
            let items: Vec<_> = opens.iter().map(|open| item(Side::Debit, Decimal::new(*open, 2), Uuid::now_v7())).collect();
            let purses = vec![Purse { kind: AllocationKind::Cash, left: Decimal::new(cash, 2) }, Purse { kind: AllocationKind::Tds, left: Decimal::new(tds, 2) }];
            let mut placer = Placer::new(&credit, inr(), credit.settles_from, purses, &items);
            let asked = Decimal::new(asked, 2);
            let rest = placer.place(asked, AllocationKind::Cash, "oldest_first", &Value::Null, |_| true);
            let left = placer.left(None);
            let placed = placer.placed();
            let total: Decimal = placed.iter().map(|a| a.amount).sum();
            prop_assert_eq!(total + rest, asked);
            prop_assert_eq!(total + left, credit.open);
            for item in &items {
                let on_it: Decimal = placed.iter().filter(|a| a.debit_item == item.id).map(|a| a.amount).sum();
                prop_assert!(on_it <= item.open);
            }
            prop_assert!(placed.iter().all(|a| a.amount > Decimal::ZERO));
            // What is left over means one side ran dry.
            let open: Decimal = items.iter().map(|i| i.open).sum();
            prop_assert_eq!(total, asked.min(credit.open).min(open));
        }
    }
}
