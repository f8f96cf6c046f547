//! Revaluation → balanced entry and its mirror of the next day. Pure.

use super::store::Worth;
use crate::ledger::{AccountRole, DocumentKind, Line, Posting};
use crate::platform::ids::{EntryId, RevaluationId};
use crate::platform::money::Currency;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Debit revaluation and credit the unrealised difference with a gain, by currency; the other way with a loss.
#[must_use]
pub fn posting(id: RevaluationId, on: NaiveDate, base: Currency, worths: &[Worth]) -> Posting {
    let lines = worths
        .iter()
        .flat_map(|worth| [Line::signed(AccountRole::ReceivableRevaluation, worth.to_post()), Line::signed(AccountRole::UnrealisedFx, -worth.to_post())])
        .collect();
    Posting {
        document_kind: DocumentKind::Revaluation,
        document_id: id.uuid(),
        document_number: format!("REV/{on}"),
        document_date: on,
        posting_date: on,
        currency: base,
        rate: Decimal::ONE,
        narration: worths.iter().map(|worth| format!("{} at {}", worth.currency.code(), worth.rate.normalize())).collect::<Vec<_>>().join(", "),
        lines,
        items: Vec::new(),
        reverses: None,
    }
}

/// The same taken back the next day.
#[must_use]
pub fn mirror(posted: &Posting, entry: EntryId, on: NaiveDate) -> Posting {
    Posting {
        document_date: on,
        posting_date: on,
        lines: posted.lines.iter().map(|line| Line { debit: line.credit, credit: line.debit, ..line.clone() }).collect(),
        reverses: Some(entry),
        ..posted.clone()
    }
}
