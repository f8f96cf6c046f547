//! A billed document → balanced entry and open items. Pure.

use super::order::Kind;
use super::rules::Priced;
use super::store::Stored;
use crate::ledger::{AccountRole, Line, NewOpenItem, OpenItem, Posting, SettlementTerms};
use crate::platform::ids::{EntryId, OpenItemId};
use crate::platform::money::Currency;
use rust_decimal::Decimal;

/// Debit receivable with what the customer owes; credit sales, what was charged after tax, each tax that is collected, rounding. A
/// credit note is the other way round, from sales returns.
#[must_use]
pub fn posting(stored: &Stored, number: &str, priced: &Priced) -> Posting {
    let (tax, customer, credits) = (&priced.tax, stored.customer, stored.kind == Kind::CreditNote);
    let income = if credits { AccountRole::SalesReturns } else { AccountRole::Revenue };
    let mut lines = vec![
        Line::debit(AccountRole::Receivable, tax.payable).of(customer),
        Line::credit(income, tax.taxable),
        Line::credit(income, tax.other_charges),
        Line::signed(AccountRole::Rounding, -tax.round_off),
    ];
    if stored.collects_tax() {
        lines.extend([
            Line::credit(AccountRole::OutputCgst, tax.cgst),
            Line::credit(AccountRole::OutputSgst, tax.sgst),
            Line::credit(AccountRole::OutputIgst, tax.igst),
            Line::credit(AccountRole::OutputCess, tax.cess),
        ]);
    }
    if credits {
        lines = lines.into_iter().map(|line| Line { debit: line.credit, credit: line.debit, ..line }).collect();
    }
    let items = (1..).zip(&priced.instalments).map(|(instalment_no, (instalment, terms))| NewOpenItem {
        id: OpenItemId::new(),
        customer,
        instalment_no,
        side: stored.kind.side(),
        amount: instalment.amount,
        base: None,
        due_date: instalment.due_date,
        terms: *terms,
    });
    Posting {
        document_kind: stored.kind.ledger(),
        document_id: stored.id.uuid(),
        document_number: number.to_owned(),
        document_date: stored.date,
        posting_date: stored.posting_date,
        currency: stored.currency,
        rate: stored.rate,
        narration: String::new(),
        lines,
        items: items.collect(),
        reverses: None,
    }
}

/// The credit a posting opens, whole, as settling sees it.
#[must_use]
pub fn credit_of(posting: &Posting, stored: &Stored, base: Currency) -> Option<OpenItem> {
    let item = posting.items.first()?;
    let in_base = stored.base_total(base);
    Some(OpenItem {
        id: item.id,
        // Not posted yet; settling does not ask for it.
        entry: EntryId::new(),
        customer: stored.customer,
        document_kind: stored.kind.as_str().to_owned(),
        document_id: stored.id.uuid(),
        document_number: posting.document_number.clone(),
        side: item.side,
        currency: stored.currency,
        amount: item.amount,
        open: item.amount,
        base: in_base,
        open_base: in_base,
        settles_from: posting.posting_date,
        due_date: item.due_date,
        terms: SettlementTerms::default(),
        granted: Decimal::ZERO,
    })
}
