//! Receipt → balanced entry and open item. Pure.

use super::types::{DeductionKind, NewReceipt};
use crate::ledger::{AccountRole, DocumentKind, Line, NewOpenItem, OpenItem, Posting, SettlementTerms, Side};
use crate::platform::ids::AccountId;
use crate::platform::money::Currency;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

/// What the money is worth: how much of which currency it settles in, at which rate.
#[derive(Debug, Clone, Copy)]
pub struct Worth {
    pub currency: Currency,
    /// Without deductions.
    pub amount: Decimal,
    pub rate: Decimal,
    /// The money in base currency, where it came in another currency than it settles in.
    pub base: Option<Decimal>,
}

fn bank_line(worth: &Worth, bank: Option<AccountId>) -> Line {
    let line = Line { base: worth.base, ..Line::debit(AccountRole::Bank, worth.amount) };
    match bank {
        Some(account) => line.to(account),
        None => line,
    }
}

/// Debit bank with what arrived and each deduction's account; credit receivable with the gross.
/// `credit` is the item the receipt opens.
#[must_use]
pub fn posting(credit: &OpenItem, number: &str, new: &NewReceipt, worth: &Worth, bank: Option<AccountId>, on: NaiveDate) -> Posting {
    let mut lines = vec![bank_line(worth, bank)];
    lines.extend(new.deductions.iter().map(|deduction| {
        let role = match deduction.kind {
            DeductionKind::Tds => AccountRole::TdsReceivable,
            DeductionKind::Charges => AccountRole::BankCharges,
            DeductionKind::Discount => AccountRole::DiscountAllowed,
            DeductionKind::Retention => AccountRole::RetentionReceivable,
        };
        Line::debit(role, deduction.amount.0)
    }));
    lines.push(Line { base: Some(credit.base), ..Line::credit(AccountRole::Receivable, credit.amount).of(credit.customer) });
    entry(credit.document_id, number, new, worth, on, lines, vec![item(credit, on)])
}

/// Debit bank; credit the receipts nobody has claimed.
#[must_use]
pub fn unidentified(id: Uuid, number: &str, new: &NewReceipt, worth: &Worth, bank: Option<AccountId>, on: NaiveDate) -> Posting {
    let lines = vec![bank_line(worth, bank), Line { base: worth.base, ..Line::credit(AccountRole::UnidentifiedReceipts, worth.amount) }];
    entry(id, number, new, worth, on, lines, Vec::new())
}

/// The payer is known: from the unidentified receipts to the customer's account, at the same rate.
#[must_use]
pub fn identification(credit: &OpenItem, number: &str, rate: Decimal, receipt_date: NaiveDate, on: NaiveDate) -> Posting {
    Posting {
        document_kind: DocumentKind::Receipt,
        document_id: credit.document_id,
        document_number: number.to_owned(),
        document_date: receipt_date,
        posting_date: on,
        currency: credit.currency,
        rate,
        narration: String::new(),
        lines: vec![
            Line { base: Some(credit.base), ..Line::debit(AccountRole::UnidentifiedReceipts, credit.amount) },
            Line { base: Some(credit.base), ..Line::credit(AccountRole::Receivable, credit.amount).of(credit.customer) },
        ],
        items: vec![item(credit, on)],
        reverses: None,
    }
}

fn item(credit: &OpenItem, on: NaiveDate) -> NewOpenItem {
    NewOpenItem {
        id: credit.id,
        customer: credit.customer,
        instalment_no: 1,
        side: Side::Credit,
        amount: credit.amount,
        base: Some(credit.base),
        due_date: on,
        terms: SettlementTerms::default(),
    }
}

fn entry(id: Uuid, number: &str, new: &NewReceipt, worth: &Worth, on: NaiveDate, lines: Vec<Line>, items: Vec<NewOpenItem>) -> Posting {
    Posting {
        document_kind: DocumentKind::Receipt,
        document_id: id,
        document_number: number.to_owned(),
        document_date: new.receipt_date,
        posting_date: on,
        currency: worth.currency,
        rate: worth.rate,
        narration: new.utr.clone().unwrap_or_default(),
        lines,
        items,
        reverses: None,
    }
}
