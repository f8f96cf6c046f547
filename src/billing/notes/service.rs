//! Lists of notes; every other verb is that of billing documents.

use super::types::{ApplicationStatus, NoteSummary};
use crate::billing::invoices::order::Kind;
use crate::billing::invoices::store;
use crate::billing::invoices::types::{InvoiceStatus, NoteFilter};
use crate::platform::http::Problem;
use crate::platform::money::Currency;
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Rx;

pub fn list(rx: &mut Rx<'_>, kind: Kind, paging: &Paging, filter: &NoteFilter) -> Result<Page<NoteSummary>, Problem> {
    let base = rx.cx().currency();
    Ok(store::list_notes(rx, kind, paging, filter)?.map(|row| {
        let currency = Currency::parse(&row.currency).unwrap_or(base);
        let open = if row.status == InvoiceStatus::Issued { row.open } else { rust_decimal::Decimal::ZERO };
        NoteSummary {
            id: row.id,
            object: kind.as_str(),
            number: row.number,
            external_id: row.external_id,
            status: row.status,
            application_status: ApplicationStatus::of(row.status, row.grand_total, row.open),
            customer_id: row.customer_id,
            customer_name: row.customer_name,
            currency: row.currency,
            note_date: row.invoice_date,
            due_date: row.due_date,
            original_invoice_id: row.original_invoice_id,
            reason_code: row.reason_code,
            grand_total: currency.amount(row.grand_total),
            left_open: currency.amount(open),
            version: row.version + row.moves,
        }
    }))
}
