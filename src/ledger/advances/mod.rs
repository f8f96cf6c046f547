//! The register of advances: the tax in money on account, as the money comes, is applied, paid back and taken back.
//!
//! Decides nothing about the law, which [`crate::tax::gst::advances`] knows. [`receive`] opens an advance. From then on
//! [`follow`], called where allocations are written and nowhere else, keeps register and books with the money: a
//! movement for each allocation of it, an entry for each day, a refund voucher for what is paid back.
//!
//! Owns `gst_advance`.

pub mod http;
pub mod store;
pub mod types;

use super::accounts::AccountRole;
use super::accounts::store::open_missing;
use super::journal::{DocumentKind, Line, Posting, post_all};
use super::numbering::{self, NumberedKind};
use super::open_items::{AllocationKind, NewAllocation};
use crate::platform::http::Problem;
use crate::platform::ids::{AdvanceId, AllocationId, CustomerId, EntryId, OpenItemId, ReceiptId, RegistrationId};
use crate::platform::unit_of_work::Tx;
use crate::tax::gst::advances::{Inclusive, MovementKind, Terms};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use store::Held;

pub use store::{between, of_receipt};

/// Money on account on which tax fell due.
#[derive(Debug, Clone)]
pub struct Advance {
    pub registration: RegistrationId,
    pub customer: CustomerId,
    pub receipt: ReceiptId,
    pub receipt_number: String,
    /// The credit the money is.
    pub item: OpenItemId,
    pub place_of_supply: String,
    pub inter: bool,
    pub rate: Decimal,
    pub cess_rate: Decimal,
}

/// A row to be written.
struct Movement<'a> {
    id: AdvanceId,
    advance: &'a Advance,
    on: NaiveDate,
    kind: MovementKind,
    because: Option<AllocationId>,
    reverses: Option<AdvanceId>,
    amounts: Inclusive,
    number: Option<String>,
    entry: Option<EntryId>,
}

/// What leaves the register is positive.
fn leaving(movement: &Movement<'_>) -> Inclusive {
    if movement.kind == MovementKind::Received { -movement.amounts } else { movement.amounts }
}

/// Opens the advance: so much money, in base currency, is on account from this day. Posts its tax and takes the number
/// of its receipt voucher (CGST rule 50), unless all of it was placed at once; it can come back on account later.
/// The item of the money is posted already.
pub fn receive(tx: &mut Tx<'_>, advance: &Advance, left: Decimal, on: NaiveDate) -> Result<(), Problem> {
    open_missing(tx, AccountRole::GstOnAdvances)?;
    let amounts = terms(tx, advance).within(left).map_err(|fault| Problem::internal(&fault))?;
    let number = voucher(tx, advance, MovementKind::Received, left, on)?;
    let received = Movement { id: AdvanceId::new(), advance, on, kind: MovementKind::Received, because: None, reverses: None, amounts, number, entry: None };
    write(tx, vec![received])
}

/// Keeps the register with allocations just written, of which `held` says which are of advances and what was open of
/// them before.
pub(super) fn follow(tx: &mut Tx<'_>, allocations: &[NewAllocation], held: &[Held]) -> Result<(), Problem> {
    if held.is_empty() {
        return Ok(());
    }
    let moved_by = store::moved_by(tx, allocations.iter().filter_map(|allocation| allocation.reverses).collect())?;
    let mut movements = Vec::new();
    for Held { advance, first, open } in held {
        let terms = terms(tx, advance);
        let mut left = *open;
        for allocation in allocations.iter().filter(|allocation| allocation.credit_item == advance.item) {
            let kind = kind(allocation.kind);
            let moved = terms.moved(left, left - allocation.credit_base).map_err(|fault| Problem::internal(&fault))?;
            left -= allocation.credit_base;
            let amounts = if kind == MovementKind::Received { -moved } else { moved };
            let reverses = match kind {
                MovementKind::Received => Some(*first),
                _ => allocation.reverses.and_then(|original| moved_by.get(&original).copied()),
            };
            let number = voucher(tx, advance, kind, amounts.gross, allocation.effective_on)?;
            let on = allocation.effective_on;
            movements.push(Movement { id: AdvanceId::new(), advance, on, kind, because: Some(allocation.id), reverses, amounts, number, entry: None });
        }
    }
    write(tx, movements)
}

/// What an allocation does to an advance. Money that is taken back was not received; what an adjustment or the
/// tolerance settles has neither invoice nor refund.
fn kind(allocation: AllocationKind) -> MovementKind {
    match allocation {
        AllocationKind::Reversal => MovementKind::Received,
        AllocationKind::Refund => MovementKind::Refunded,
        AllocationKind::Adjustment | AllocationKind::RoundOff | AllocationKind::WriteOff => MovementKind::Kept,
        _ => MovementKind::Adjusted,
    }
}

fn terms(tx: &Tx<'_>, advance: &Advance) -> Terms {
    Terms { inter: advance.inter, rate: advance.rate, cess_rate: advance.cess_rate, exponent: tx.cx().currency().exponent() }
}

/// The number of the voucher a movement needs.
fn voucher(tx: &mut Tx<'_>, advance: &Advance, kind: MovementKind, gross: Decimal, on: NaiveDate) -> Result<Option<String>, Problem> {
    let series = match kind {
        MovementKind::Received => NumberedKind::ReceiptVoucher,
        MovementKind::Refunded => NumberedKind::RefundVoucher,
        MovementKind::Adjusted | MovementKind::Kept => return Ok(None),
    };
    if gross <= Decimal::ZERO {
        return Ok(None);
    }
    let year = tx.cx().fiscal_year(on);
    numbering::take(tx, advance.registration, series, year).map(Some)
}

/// Posts what movements change in the books, an entry for each advance and day, and writes them.
fn write(tx: &mut Tx<'_>, mut movements: Vec<Movement<'_>>) -> Result<(), Problem> {
    let key = |movement: &Movement<'_>| (movement.advance.item, movement.on, movement.kind == MovementKind::Kept);
    let mut sums: BTreeMap<(OpenItemId, NaiveDate, bool), (&Advance, Inclusive)> = BTreeMap::new();
    for movement in &movements {
        sums.entry(key(movement)).or_insert((movement.advance, Inclusive::default())).1 += leaving(movement);
    }
    sums.retain(|_, (_, sum)| !sum.tax().is_zero());
    let currency = tx.cx().currency();
    let postings: Vec<Posting> = sums
        .iter()
        .map(|((_, on, kept), (advance, sum))| Posting {
            document_kind: DocumentKind::GstAdvance,
            document_id: advance.receipt.uuid(),
            document_number: advance.receipt_number.clone(),
            document_date: *on,
            posting_date: *on,
            currency,
            rate: Decimal::ONE,
            narration: String::new(),
            lines: lines(sum, *kept),
            items: Vec::new(),
            reverses: None,
        })
        .collect();
    let posted = post_all(tx, &postings)?;
    let entries: BTreeMap<_, EntryId> = sums.into_keys().zip(posted).collect();
    for movement in &mut movements {
        movement.entry = entries.get(&key(movement)).copied();
    }
    store::insert(tx, &movements)
}

/// The tax that leaves the register is owed no more; of what is kept it stays owed and is our cost.
fn lines(sum: &Inclusive, kept: bool) -> Vec<Line> {
    let mut lines = vec![Line::signed(AccountRole::GstOnAdvances, -sum.tax())];
    if kept {
        lines.push(Line::signed(AccountRole::Adjustments, sum.tax()));
    } else {
        lines.extend(
            [
                (AccountRole::OutputCgst, sum.cgst),
                (AccountRole::OutputSgst, sum.sgst),
                (AccountRole::OutputIgst, sum.igst),
                (AccountRole::OutputCess, sum.cess),
            ]
            .map(|(role, tax)| Line::signed(role, tax)),
        );
    }
    lines
}
