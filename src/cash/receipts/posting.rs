//! Receipt → balanced entry and open item. Pure.

use super::types::{DeductionKind, NewReceipt};
use crate::ledger::{AccountRole, DocumentKind, Line, NewOpenItem, Posting, Side};
use crate::platform::ids::{AccountId, CustomerId, OpenItemId, ReceiptId};
use rust_decimal::Decimal;

/// Debit bank with what arrived and each deduction's account; credit receivable with the gross.
#[must_use]
pub fn posting(id: ReceiptId, item: OpenItemId, customer: CustomerId, number: &str, currency: &'static str, new: &NewReceipt, bank: Option<AccountId>, gross: Decimal) -> Posting {
    let bank_line = Line::debit(AccountRole::Bank, new.amount_received.0);
    let mut lines = vec![bank.map_or_else(|| bank_line.clone(), |account| bank_line.clone().to(account))];
    lines.extend(new.deductions.iter().map(|deduction| {
        let role = match deduction.kind {
            DeductionKind::Tds => AccountRole::TdsReceivable,
            DeductionKind::Charges => AccountRole::BankCharges,
            DeductionKind::Discount => AccountRole::DiscountAllowed,
            DeductionKind::Retention => AccountRole::RetentionReceivable,
        };
        Line::debit(role, deduction.amount.0)
    }));
    lines.push(Line::credit(AccountRole::Receivable, gross).of(customer));
    Posting {
        document_kind: DocumentKind::Receipt,
        document_id: id.uuid(),
        document_number: number.to_owned(),
        document_date: new.receipt_date,
        posting_date: new.receipt_date,
        currency,
        narration: new.utr.clone().unwrap_or_default(),
        lines,
        items: vec![NewOpenItem { id: item, customer, instalment_no: 1, side: Side::Credit, amount: gross, due_date: new.receipt_date }],
        reverses: None,
    }
}
