//! Invoice → balanced entry and open items. Pure.

use super::rules::Priced;
use crate::ledger::{AccountRole, DocumentKind, Line, NewOpenItem, Posting, SettlementTerms, Side};
use crate::platform::ids::{CustomerId, InvoiceId, OpenItemId};
use crate::platform::money::Currency;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Debit receivable with what the customer owes; credit sales, each tax that is collected, rounding.
#[must_use]
pub fn posting(id: InvoiceId, customer: CustomerId, number: &str, date: NaiveDate, currency: Currency, priced: &Priced, reverse_charge: bool) -> Posting {
    let tax = &priced.tax;
    let mut lines = vec![
        Line::debit(AccountRole::Receivable, tax.payable).of(customer),
        Line::credit(AccountRole::Revenue, tax.taxable),
        Line::signed(AccountRole::Rounding, -tax.round_off),
    ];
    if !reverse_charge {
        lines.extend([
            Line::credit(AccountRole::OutputCgst, tax.cgst),
            Line::credit(AccountRole::OutputSgst, tax.sgst),
            Line::credit(AccountRole::OutputIgst, tax.igst),
            Line::credit(AccountRole::OutputCess, tax.cess),
        ]);
    }
    let items = (1..).zip(&priced.instalments).map(|(instalment_no, instalment)| NewOpenItem {
        id: OpenItemId::new(),
        customer,
        instalment_no,
        side: Side::Debit,
        amount: instalment.amount,
        base: None,
        due_date: instalment.due_date,
        terms: SettlementTerms::default(),
    });
    Posting {
        document_kind: DocumentKind::Invoice,
        document_id: id.uuid(),
        document_number: number.to_owned(),
        document_date: date,
        posting_date: date,
        currency,
        rate: Decimal::ONE,
        narration: String::new(),
        lines,
        items: items.collect(),
        reverses: None,
    }
}
