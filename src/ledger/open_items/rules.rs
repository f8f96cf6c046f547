//! Placing money on open items. Pure.

use super::{NewAllocation, OpenItem};
use crate::ledger::AllocationKind;
use crate::platform::ids::{AllocationId, OpenItemId};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;

/// Money of one kind that waits to be placed: cash first, then what was deducted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purse {
    pub kind: AllocationKind,
    pub left: Decimal,
}

/// Places money of a credit item on debit items, keeping track of what is left on both sides.
pub struct Placer<'a> {
    credit: &'a OpenItem,
    effective_on: NaiveDate,
    purses: Vec<Purse>,
    open: Vec<(&'a OpenItem, Decimal)>,
    placed: Vec<NewAllocation>,
}

impl<'a> Placer<'a> {
    /// `items` in the order they shall be settled, oldest due first.
    #[must_use]
    pub fn new(credit: &'a OpenItem, effective_on: NaiveDate, purses: Vec<Purse>, items: &'a [OpenItem]) -> Self {
        Self { credit, effective_on, purses, open: items.iter().map(|item| (item, item.open)).collect(), placed: Vec::new() }
    }
    /// What is left to place, of one kind or of all.
    #[must_use]
    pub fn left(&self, kind: Option<AllocationKind>) -> Decimal {
        self.purses.iter().filter(|purse| kind.is_none_or(|kind| kind == purse.kind)).map(|purse| purse.left).sum()
    }
    /// What is still open of a document.
    #[must_use]
    pub fn open_of(&self, belongs: impl Fn(&OpenItem) -> bool) -> Decimal {
        self.open.iter().filter(|(item, _)| belongs(item)).map(|(_, open)| *open).sum()
    }
    /// Places up to `amount` on the items that belong; gives what found no place. Cash is asked for
    /// first and what was deducted makes up the rest; another kind is taken alone.
    pub fn place(&mut self, amount: Decimal, kind: AllocationKind, rule: &'static str, evidence: &Value, belongs: impl Fn(&OpenItem) -> bool) -> Decimal {
        let mut rest = amount;
        for (item, open) in self.open.iter_mut().filter(|(item, _)| belongs(item)) {
            for purse in self.purses.iter_mut().filter(|purse| kind == AllocationKind::Cash || purse.kind == kind) {
                let part = rest.min(purse.left).min(*open);
                if part <= Decimal::ZERO {
                    continue;
                }
                rest -= part;
                purse.left -= part;
                *open -= part;
                // Neither side may be settled before it exists, or before what was taken back from it.
                let effective_on = self.effective_on.max(item.settles_from).max(self.credit.settles_from);
                self.placed.push(NewAllocation {
                    id: AllocationId::new(),
                    customer: item.customer,
                    credit_item: self.credit.id,
                    debit_item: item.id,
                    kind: purse.kind,
                    amount: part,
                    effective_on,
                    rule,
                    evidence: evidence.clone(),
                    reverses: None,
                    reason: None,
                });
            }
        }
        rest
    }
    #[must_use]
    pub fn placed(self) -> Vec<NewAllocation> {
        self.placed
    }
    /// The items money was placed on.
    #[must_use]
    pub fn touched(&self) -> Vec<OpenItemId> {
        self.placed.iter().map(|allocation| allocation.debit_item).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Side;
    use crate::platform::ids::CustomerId;
    use proptest::prelude::*;
    use rust_decimal::dec;
    use uuid::Uuid;

    fn item(side: Side, open: Decimal, document: Uuid) -> OpenItem {
        let day = "2025-01-01".parse().expect("a date");
        OpenItem {
            id: OpenItemId::new(),
            customer: CustomerId::new(),
            document_kind: "invoice".into(),
            document_id: document,
            document_number: "1".into(),
            side,
            amount: open,
            open,
            settles_from: day,
            due_date: day,
        }
    }

    #[test]
    fn cash_runs_into_the_deduction_when_an_invoice_is_paid_in_full() {
        let (invoice, credit) = (Uuid::now_v7(), item(Side::Credit, dec!(118000), Uuid::now_v7()));
        let items = [item(Side::Debit, dec!(118000), invoice)];
        let purses = vec![Purse { kind: AllocationKind::Cash, left: dec!(116000) }, Purse { kind: AllocationKind::Tds, left: dec!(2000) }];
        let mut placer = Placer::new(&credit, items[0].settles_from, purses, &items);
        assert_eq!(placer.place(dec!(118000), AllocationKind::Cash, "instructed", &Value::Null, |i| i.document_id == invoice), dec!(0));
        let placed: Vec<_> = placer.placed().into_iter().map(|a| (a.kind, a.amount)).collect();
        assert_eq!(placed, [(AllocationKind::Cash, dec!(116000)), (AllocationKind::Tds, dec!(2000))]);
    }

    proptest! {
        #[test]
        fn nothing_is_overdrawn_and_nothing_is_lost(cash in 0i64..100_000, tds in 0i64..10_000, opens in proptest::collection::vec(1i64..50_000, 1..8), asked in 1i64..200_000) {
            let credit = item(Side::Credit, Decimal::new(cash + tds, 2), Uuid::now_v7());
            let items: Vec<_> = opens.iter().map(|open| item(Side::Debit, Decimal::new(*open, 2), Uuid::now_v7())).collect();
            let purses = vec![Purse { kind: AllocationKind::Cash, left: Decimal::new(cash, 2) }, Purse { kind: AllocationKind::Tds, left: Decimal::new(tds, 2) }];
            let mut placer = Placer::new(&credit, credit.settles_from, purses, &items);
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
