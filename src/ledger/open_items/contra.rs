//! Settling an item against an account: write-offs, adjustments, refunds, recoveries.

use super::rules::share;
use super::{AllocationKind, NewAllocation, NewOpenItem, OpenItem, Side, settle};
use crate::ledger::accounts::AccountRole;
use crate::ledger::journal::{DocumentKind, Line, Posting, post, post_all};
use crate::ledger::problems::AMOUNT_TOO_SMALL;
use crate::platform::http::Problem;
use crate::platform::ids::{AccountId, EntryId};
use crate::platform::money::{Currency, round};
use crate::platform::unit_of_work::Tx;
use chrono::NaiveDate;
use rust_decimal::{Decimal, dec};
use serde_json::json;
use uuid::Uuid;

/// A document that settles items by an entry against an account.
pub struct Contra<'a> {
    pub document_kind: DocumentKind,
    pub document: Uuid,
    pub number: &'a str,
    /// The accounting date.
    pub on: NaiveDate,
    pub role: AccountRole,
    /// The account itself where it is not the one of the role.
    pub account: Option<AccountId>,
    pub kind: AllocationKind,
    pub rule: &'static str,
    pub reason: &'a str,
}

/// Posts, for every item, an entry over the part of it that goes to the account, with an opposite item that
/// settles it at once at the item's own base amounts, so that no exchange difference arises. Each part has
/// an entry of its own, all of them in two statements: what is done to one item can be taken back alone. Gives the base amounts.
/// Items of debits and credits may be mixed. The caller has locked them and knows the parts are open.
pub fn settle_against(tx: &mut Tx<'_>, contra: &Contra<'_>, parts: &[(OpenItem, Decimal)]) -> Result<Vec<Decimal>, Problem> {
    let base_currency = tx.cx().currency();
    let mut bases = Vec::with_capacity(parts.len());
    let mut postings = Vec::with_capacity(parts.len());
    let mut allocations = Vec::with_capacity(parts.len());
    for (item, part) in parts {
        let base = worth(item, *part, base_currency)?;
        let opposite = if item.side == Side::Debit { Side::Credit } else { Side::Debit };
        let own = NewOpenItem { base: Some(base), ..NewOpenItem::single(item.customer, opposite, *part, contra.on) };
        postings.push(posting(contra, item.currency, base_currency, own.clone()));
        let whole = OpenItem { open: *part, open_base: base, ..item.clone() };
        let against = OpenItem { id: own.id, side: opposite, document_id: contra.document, document_number: contra.number.to_owned(), ..whole.clone() };
        let (credit, debit) = if item.side == Side::Debit { (&against, &whole) } else { (&whole, &against) };
        allocations.push(NewAllocation {
            evidence: json!({"open": item.open.to_string()}),
            reason: Some(contra.reason.to_owned()),
            ..NewAllocation::whole(credit, debit, contra.kind, contra.on.max(item.settles_from), contra.rule)
        });
        bases.push(base);
    }
    post_all(tx, &postings)?;
    settle(tx, &allocations)?;
    Ok(bases)
}

/// What a part of an item is worth in base currency.
pub fn worth(item: &OpenItem, part: Decimal, base: Currency) -> Result<Decimal, Problem> {
    let too_small =
        || Problem::new(AMOUNT_TOO_SMALL, format!("{part} {} of {} is worth nothing in {}.", item.currency.code(), item.document_number, base.code()));
    share(item.open, item.open_base, part, base).ok_or_else(too_small)
}

/// Posts an item against the account alone: what a document adds to a customer's balance or takes from it.
pub fn open(tx: &mut Tx<'_>, contra: &Contra<'_>, currency: Currency, item: NewOpenItem) -> Result<EntryId, Problem> {
    let base = tx.cx().currency();
    post(tx, &posting(contra, currency, base, item))
}

fn posting(contra: &Contra<'_>, currency: Currency, base_currency: Currency, item: NewOpenItem) -> Posting {
    let (debit, credit) = if item.side == Side::Debit { (item.amount, Decimal::ZERO) } else { (Decimal::ZERO, item.amount) };
    let control = Line { debit, credit, base: item.base, ..Line::debit(AccountRole::Receivable, Decimal::ZERO).of(item.customer) };
    let other = Line { debit: credit, credit: debit, base: item.base, ..Line::debit(contra.role, Decimal::ZERO) };
    let rate = match item.base {
        Some(base) if currency != base_currency => round(base / item.amount, 8).clamp(dec!(0.00000001), dec!(99999999)),
        _ => Decimal::ONE,
    };
    Posting {
        document_kind: contra.document_kind,
        document_id: contra.document,
        document_number: contra.number.to_owned(),
        document_date: contra.on,
        posting_date: contra.on,
        currency,
        rate,
        narration: contra.reason.to_owned(),
        lines: vec![control, contra.account.map_or(other.clone(), |account| other.to(account))],
        items: vec![item],
        reverses: None,
    }
}
