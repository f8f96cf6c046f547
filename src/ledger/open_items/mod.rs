//! Open items and their settlement.

pub mod contra;
pub mod rules;
pub mod store;
mod unwinding;

pub use unwinding::{Unwind, lock_parties, lock_reversible, reverse_allocations, unwind};

use super::accounts::AccountRole;
use super::advances;
use super::journal::{DocumentKind, Line, Posting, post};
use crate::platform::http::Problem;
use crate::platform::ids::{AllocationId, CustomerId, EntryId, OpenItemId};
use crate::platform::money::Currency;
use crate::platform::unit_of_work::Tx;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;
use uuid::Uuid;

crate::words! {
    /// Owed to us (debit) or by us (credit).
    pub enum Side { Debit = "debit", Credit = "credit" }
}
crate::words! {
    /// What an allocation moves.
    pub enum AllocationKind { Cash = "cash", Tds = "tds", Discount = "discount", Charge = "charge", Retention = "retention", Credit = "credit", RoundOff = "round_off", WriteOff = "write_off", Adjustment = "adjustment", Refund = "refund", Recovery = "recovery", Reversal = "reversal" }
}

impl AllocationKind {
    /// Whether it was made with an entry against an account, which is nothing without it. A refund is:
    /// the money has left the bank.
    #[must_use]
    pub fn counters(self) -> bool {
        matches!(self, Self::WriteOff | Self::Adjustment | Self::Recovery)
    }
}

/// What was agreed about settling an item, fixed when it is opened, in its currency. A later change of
/// the policy prices nothing anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SettlementTerms {
    /// Off for payment in full by `discount_until` (or `grace_until` where late discounts are accepted).
    pub discount: Decimal,
    pub discount_until: Option<NaiveDate>,
    pub grace_until: Option<NaiveDate>,
    /// What may be missing or too much for the item to count as paid.
    pub tolerance: Decimal,
}

/// An item a posting opens.
#[derive(Debug, Clone)]
pub struct NewOpenItem {
    pub id: OpenItemId,
    pub customer: CustomerId,
    pub instalment_no: i32,
    pub side: Side,
    /// In the currency of its document.
    pub amount: Decimal,
    /// In base currency where it is known; otherwise its share of the control account's line.
    pub base: Option<Decimal>,
    pub due_date: NaiveDate,
    pub terms: SettlementTerms,
}

impl NewOpenItem {
    /// The only item of a document: a credit, or a debit due on a day.
    #[must_use]
    pub fn single(customer: CustomerId, side: Side, amount: Decimal, due_date: NaiveDate) -> Self {
        Self { id: OpenItemId::new(), customer, instalment_no: 1, side, amount, base: None, due_date, terms: SettlementTerms::default() }
    }
}

/// An item with what is left of it.
#[derive(Debug, Clone)]
pub struct OpenItem {
    pub id: OpenItemId,
    pub entry: EntryId,
    pub customer: CustomerId,
    pub document_kind: String,
    pub document_id: Uuid,
    pub document_number: String,
    pub side: Side,
    pub currency: Currency,
    pub amount: Decimal,
    pub open: Decimal,
    pub base: Decimal,
    pub open_base: Decimal,
    /// The first day an allocation may count on: the posting date, or the last reversal on the item if
    /// that is later (before it the same money could be settled twice over).
    pub settles_from: NaiveDate,
    pub due_date: NaiveDate,
    pub terms: SettlementTerms,
    /// Of the discount, what was granted already.
    pub granted: Decimal,
}

/// So much of a credit item against so much of a debit item of the same currency.
#[derive(Debug, Clone)]
pub struct NewAllocation {
    pub id: AllocationId,
    /// Whose debit is settled.
    pub customer: CustomerId,
    /// Whose money settles it: another one where a family member pays.
    pub payer: CustomerId,
    pub credit_item: OpenItemId,
    pub debit_item: OpenItemId,
    /// Document and number of the credit, under which a difference is posted.
    pub source: (Uuid, String),
    pub kind: AllocationKind,
    /// Positive; a reversal is negative and names what it reverses.
    pub amount: Decimal,
    /// What the amount is worth on either side; the difference is an exchange gain or loss.
    pub credit_base: Decimal,
    pub debit_base: Decimal,
    pub effective_on: NaiveDate,
    /// Which rule placed it: `instructed`, `follows_cash`, `oldest_first`, …
    pub rule: &'static str,
    pub evidence: Value,
    pub reverses: Option<AllocationId>,
    /// The allocation for whose sake it was made; taken back with it.
    pub because_of: Option<AllocationId>,
    pub reason: Option<String>,
}

impl NewAllocation {
    /// All that is open of a credit against all of a debit, which is the same amount: a document and what takes it back.
    #[must_use]
    pub fn whole(credit: &OpenItem, debit: &OpenItem, kind: AllocationKind, effective_on: NaiveDate, rule: &'static str) -> Self {
        Self {
            id: AllocationId::new(),
            customer: debit.customer,
            payer: credit.customer,
            credit_item: credit.id,
            debit_item: debit.id,
            source: (credit.document_id, credit.document_number.clone()),
            kind,
            amount: credit.open,
            credit_base: credit.open_base,
            debit_base: debit.open_base,
            effective_on,
            rule,
            evidence: Value::Object(serde_json::Map::new()),
            reverses: None,
            because_of: None,
            reason: None,
        }
    }
    /// Whether it changes what a customer owes in the books.
    fn moves_the_books(&self) -> bool {
        self.credit_base != self.debit_base || self.customer != self.payer
    }
}

/// A stored allocation.
#[derive(Debug, Clone)]
pub struct Allocation {
    pub id: AllocationId,
    pub customer: CustomerId,
    pub payer: CustomerId,
    pub credit_item: OpenItemId,
    pub debit_item: OpenItemId,
    pub source: (Uuid, String),
    pub source_kind: DocumentKind,
    /// The document whose debit it settles.
    pub target: Uuid,
    pub target_kind: DocumentKind,
    pub kind: AllocationKind,
    pub amount: Decimal,
    pub credit_base: Decimal,
    pub debit_base: Decimal,
    pub effective_on: NaiveDate,
    pub reverses: Option<AllocationId>,
    pub reversed_by: Option<AllocationId>,
}

/// Writes allocations: one statement, and an entry more for each day on which they change what
/// customers owe (exchange differences, money of one customer for another's item). The database moves the
/// balances and refuses any overdraw. Where the money is an advance that bears tax, the register follows.
pub fn settle(tx: &mut Tx<'_>, allocations: &[NewAllocation]) -> Result<(), Problem> {
    if allocations.is_empty() {
        return Ok(());
    }
    let mut entries: Vec<Option<EntryId>> = vec![None; allocations.len()];
    let mut groups: Vec<(NaiveDate, bool)> = allocations.iter().filter(|a| a.moves_the_books()).map(|a| (a.effective_on, a.reverses.is_some())).collect();
    groups.sort_unstable();
    groups.dedup();
    for (day, reversal) in groups {
        let belongs = |a: &NewAllocation| a.moves_the_books() && a.effective_on == day && a.reverses.is_some() == reversal;
        let moving: Vec<&NewAllocation> = allocations.iter().filter(|a| belongs(a)).collect();
        let entry = post(tx, &difference(&moving, day, tx.cx().currency()))?;
        for (at, _) in allocations.iter().enumerate().filter(|(_, a)| belongs(a)) {
            entries[at] = Some(entry);
        }
    }
    let held = store::insert(tx, allocations, &entries)?;
    advances::follow(tx, allocations, &held)
}

/// What settlements of one day move: the payer's credit is used up, the other's debit is gone, and what
/// they are worth less or more is an exchange loss or gain. In base currency.
fn difference(moving: &[&NewAllocation], day: NaiveDate, base: Currency) -> Posting {
    let mut customers: Vec<CustomerId> = moving.iter().flat_map(|a| [a.customer, a.payer]).collect();
    customers.sort_unstable();
    customers.dedup();
    let net = |customer: CustomerId| -> Decimal {
        let credit: Decimal = moving.iter().filter(|a| a.payer == customer).map(|a| a.credit_base).sum();
        let debit: Decimal = moving.iter().filter(|a| a.customer == customer).map(|a| a.debit_base).sum();
        credit - debit
    };
    let mut lines: Vec<Line> = customers.into_iter().map(|customer| Line::signed(AccountRole::Receivable, net(customer)).of(customer)).collect();
    // A reversal takes a gain back from where it was booked.
    let gained = |a: &&&NewAllocation| (a.credit_base > a.debit_base) == (a.amount > Decimal::ZERO);
    let sum = |gain: bool| -> Decimal { moving.iter().filter(|a| gained(a) == gain).map(|a| a.credit_base - a.debit_base).sum() };
    lines.push(Line::signed(AccountRole::FxGain, -sum(true)));
    lines.push(Line::signed(AccountRole::FxLoss, -sum(false)));
    let (document_id, document_number) = moving.first().map(|a| a.source.clone()).unwrap_or_default();
    Posting {
        document_kind: DocumentKind::Settlement,
        document_id,
        document_number,
        document_date: day,
        posting_date: day,
        currency: base,
        rate: Decimal::ONE,
        narration: String::new(),
        lines,
        items: Vec::new(),
        reverses: None,
    }
}
