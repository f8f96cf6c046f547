//! Lists of documents, with what is open of each.

use super::super::order::{Kind, ReasonCode};
use super::super::types::{InvoiceFilter, InvoiceStatus, NoteFilter};
use crate::billing::irns;
use crate::ledger::periods::Month;
use crate::platform::dates::month_end;
use crate::platform::http::Problem;
use crate::platform::ids::{CustomerId, InvoiceId};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::unit_of_work::Rx;
use crate::row;
use chrono::NaiveDate;
use rust_decimal::Decimal;

row! {
    pub struct SummaryRow {
        pub id: InvoiceId, pub number: Option<String>, pub external_id: Option<String>, pub status: InvoiceStatus, pub customer_id: CustomerId, pub customer_name: String, pub currency: String,
        pub invoice_date: NaiveDate, pub due_date: NaiveDate, pub grand_total: Decimal, pub open: Decimal, pub oldest_due: Option<NaiveDate>, pub version: i64, pub moves: i64, pub written_off: bool,
        pub original_invoice_id: Option<InvoiceId>, pub reason_code: Option<ReasonCode>,
    }
}
macro_rules! summaries {
    ($kind:literal, $side:literal) => {
        concat!(
            "SELECT i.id, i.number, i.external_id, i.status, i.customer_id, i.customer_name, i.currency, i.invoice_date, i.due_date, i.grand_total::numeric AS grand_total, i.version,
        i.original_invoice_id, i.reason_code, coalesce(o.open, i.grand_total)::numeric AS open, o.oldest_due, coalesce(a.moves, 0) + coalesce(e.version, 0) AS moves, coalesce(a.written_off, false) AS written_off
        FROM invoice i
        LEFT JOIN einvoice e ON e.company_id = i.company_id AND e.document_id = i.id
        LEFT JOIN LATERAL (SELECT sum(b.open_amount)::numeric AS open, min(t.due_date) FILTER (WHERE b.open_amount > 0) AS oldest_due
            FROM open_item t JOIN open_item_balance b ON b.company_id = t.company_id AND b.item_id = t.id
            WHERE t.company_id = i.company_id AND t.document_id = i.id AND t.side = '", $side, "') AS o ON true
        LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE x.kind <> 'reversal') AS moves, coalesce(sum(x.amount) FILTER (WHERE x.kind = 'write_off'), 0) > 0 AS written_off
            FROM open_item t JOIN allocation x ON x.company_id = t.company_id AND x.", $side, "_item_id = t.id WHERE t.company_id = i.company_id AND t.document_id = i.id) AS a ON true
        WHERE i.company_id = $1 AND i.kind = '", $kind, "'"
        )
    };
}
static INVOICES: List = List {
    select: summaries!("invoice", "debit"),
    id: "i.id",
    sorts: &[
        SortKey { name: "invoice_date", expression: "i.invoice_date", kind: "date" },
        SortKey { name: "due_date", expression: "i.due_date", kind: "date" },
        SortKey { name: "days_overdue", expression: "(DATE '9999-12-31' - coalesce(o.oldest_due, DATE '9999-12-31'))", kind: "int" },
        SortKey { name: "number", expression: "coalesce(i.number, '')", kind: "text" },
        SortKey { name: "grand_total", expression: "i.grand_total::numeric", kind: "numeric" },
        SortKey { name: "balance_due", expression: "coalesce(o.open, i.grand_total)::numeric", kind: "numeric" },
    ],
    default_sort: "-invoice_date",
};
const NOTE_SORTS: &[SortKey] = &[
    SortKey { name: "note_date", expression: "i.invoice_date", kind: "date" },
    SortKey { name: "number", expression: "coalesce(i.number, '')", kind: "text" },
    SortKey { name: "grand_total", expression: "i.grand_total::numeric", kind: "numeric" },
];
static CREDIT_NOTES: List = List { select: summaries!("credit_note", "credit"), id: "i.id", sorts: NOTE_SORTS, default_sort: "-note_date" };
static DEBIT_NOTES: List = List { select: summaries!("debit_note", "debit"), id: "i.id", sorts: NOTE_SORTS, default_sort: "-note_date" };

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &InvoiceFilter) -> Result<Page<SummaryRow>, Problem> {
    let today = rx.cx().today;
    let overdue = filter.overdue.map(|_| today);
    let month = filter.period.as_deref().and_then(Month::parse);
    let einvoice = filter.einvoice_status.as_deref().map(|words| irns::store::standing(words, rx.cx()));
    let condition = if filter.overdue == Some(false) { "coalesce(o.oldest_due >= {}, true)" } else { "i.status = 'issued' AND o.oldest_due < {}" };
    INVOICES
        .of(rx)
        .created("i.created_at", paging)
        .updated("i.updated_at", paging)
        .holding(&["i.number", "i.external_id", "i.po_reference", "i.customer_name"], paging)
        .keeping(paging)
        .any_of("i.status", filter.status.as_deref())
        .when("i.customer_id = {}", filter.customer_id)
        .when("i.customer_id = (SELECT c.id FROM customer c WHERE c.company_id = $1 AND c.external_id = {})", filter.customer_external_id.clone())
        .when("i.customer_id IN (SELECT c.id FROM customer c WHERE c.company_id = $1 AND c.salesperson_id = {})", filter.salesperson_id)
        .when("i.seller_gstin = {}", filter.gstin.clone())
        .when("i.buyer_gstin = {}", filter.buyer_gstin.clone())
        .any_of("i.supply_type", filter.supply_type.as_deref())
        .when("coalesce(i.posting_date, i.invoice_date) >= {}", month.map(|month| month.0))
        .when("coalesce(i.posting_date, i.invoice_date) <= {}", month.map(|month| month_end(month.0)))
        .when("i.external_id = {}", filter.external_id.clone())
        .when("i.number = {}", filter.number.clone())
        .when("starts_with(i.number, {})", filter.number_prefix.clone())
        .when("i.po_reference = {}", filter.po_reference.clone())
        .when("i.currency = {}", filter.currency.clone())
        .when("i.grand_total >= {}", filter.grand_total_gte.map(|a| a.0))
        .when("i.grand_total <= {}", filter.grand_total_lte.map(|a| a.0))
        .when("coalesce(o.open, i.grand_total) >= {}", filter.balance_due_gte.map(|a| a.0))
        .when("coalesce(o.open, i.grand_total) <= {}", filter.balance_due_lte.map(|a| a.0))
        .when("i.status = 'issued' AND o.oldest_due <= {}", filter.days_overdue_gte.and_then(|days| today.checked_sub_signed(chrono::Duration::days(days))))
        .when("i.invoice_date >= {}", filter.invoice_date_gte)
        .when("i.invoice_date <= {}", filter.invoice_date_lte)
        .when("i.due_date >= {}", filter.due_date_gte)
        .when("i.due_date <= {}", filter.due_date_lte)
        .when("i.place_of_supply = {}", filter.place_of_supply.clone())
        .when(condition, overdue)
        .filter_if(einvoice.as_deref())
        .page(rx, paging)
}

/// Notes of a kind.
pub fn list_notes(rx: &mut Rx<'_>, kind: Kind, paging: &Paging, filter: &NoteFilter) -> Result<Page<SummaryRow>, Problem> {
    let month = filter.period.as_deref().and_then(Month::parse);
    let list = if kind == Kind::CreditNote { &CREDIT_NOTES } else { &DEBIT_NOTES };
    let einvoice = filter.einvoice_status.as_deref().map(|words| irns::store::standing(words, rx.cx()));
    list.of(rx)
        .created("i.created_at", paging)
        .updated("i.updated_at", paging)
        .holding(&["i.number", "i.external_id", "i.po_reference", "i.customer_name"], paging)
        .keeping(paging)
        .any_of("i.status", filter.status.as_deref())
        .any_of("i.reason_code", filter.reason_code.as_deref())
        .when("i.customer_id = {}", filter.customer_id)
        .when("i.original_invoice_id = {}", filter.original_invoice_id)
        .when("i.original_invoice_id = {}", filter.invoice_id)
        .when("i.seller_gstin = {}", filter.gstin.clone())
        .when("coalesce(i.posting_date, i.invoice_date) >= {}", month.map(|month| month.0))
        .when("coalesce(i.posting_date, i.invoice_date) <= {}", month.map(|month| month_end(month.0)))
        .when("i.external_id = {}", filter.external_id.clone())
        .when("i.number = {}", filter.number.clone())
        .when("i.invoice_date >= {}", filter.note_date_gte)
        .when("i.invoice_date <= {}", filter.note_date_lte)
        .when("i.status = 'issued' AND o.open > {}", filter.unapplied_gt.map(|a| a.0))
        .filter_if(einvoice.as_deref())
        .page(rx, paging)
}
