//! Receipt → balanced entry and open item. Pure.

use super::types::{DeductionKind, NewReceipt};
use crate::ledger::{AccountRole, DocumentKind, Line, NewOpenItem, OpenItem, Posting, SettlementTerms, Side};
use crate::platform::ids::AccountId;
use crate::platform::money::Currency;
use rust_decimal::Decimal;

/// Debit bank with what arrived and each deduction's account; credit receivable with the gross.
/// `credit` is the item the receipt opens.
#[must_use]
pub fn posting(credit: &OpenItem, number: &str, currency: Currency, new: &NewReceipt, bank: Option<AccountId>) -> Posting {
    let bank_line = Line::debit(AccountRole::Bank, new.amount_received.0);
    let mut lines = vec![match bank {
        Some(account) => bank_line.to(account),
        None => bank_line,
    }];
    lines.extend(new.deductions.iter().map(|deduction| {
        let role = match deduction.kind {
            DeductionKind::Tds => AccountRole::TdsReceivable,
            DeductionKind::Charges => AccountRole::BankCharges,
            DeductionKind::Discount => AccountRole::DiscountAllowed,
            DeductionKind::Retention => AccountRole::RetentionReceivable,
        };
        Line::debit(role, deduction.amount.0)
    }));
    lines.push(Line::credit(AccountRole::Receivable, credit.amount).of(credit.customer));
    Posting {
        document_kind: DocumentKind::Receipt,
        document_id: credit.document_id,
        document_number: number.to_owned(),
        document_date: new.receipt_date,
        posting_date: new.receipt_date,
        currency,
        rate: Decimal::ONE,
        narration: new.utr.clone().unwrap_or_default(),
        lines,
        items: vec![NewOpenItem {
            id: credit.id,
            customer: credit.customer,
            instalment_no: 1,
            side: Side::Credit,
            amount: credit.amount,
            base: None,
            due_date: new.receipt_date,
            terms: SettlementTerms::default(),
        }],
        reverses: None,
    }
}
