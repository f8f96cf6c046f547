use super::types::{CancelCode, EinvoiceEntry, EinvoiceError, EinvoiceFilter};
use crate::billing::invoices::order::Kind;
use crate::billing::invoices::types::InvoiceStatus;
use crate::billing::irns::store::{duty, far};
use crate::billing::irns::types::EinvoiceStatus;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{ApprovalId, CustomerId, InvoiceId};
use crate::platform::money::Currency;
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Context, Rx};
use crate::tax::gst::irp::{self, irn};
use crate::tax::gst::limits;
use crate::{has_to_be_registered, row};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_decimal::Decimal;

row! {
    struct EntryRow {
        document_id: InvoiceId, kind: Kind, number: String, document_date: NaiveDate, document_status: InvoiceStatus, customer_id: CustomerId, customer_name: String, currency: String,
        grand_total: Decimal, status: EinvoiceStatus, irn: Option<String>, ack_no: Option<String>, ack_at: Option<DateTime<Utc>>, eway_bill_no: Option<String>, report_by: Option<NaiveDate>,
        error_code: Option<String>, error_detail: Option<String>, cancelled_at: Option<DateTime<Utc>>, cancel_code: Option<i32>, cancel_remarks: Option<String>, approval_id: Option<ApprovalId>,
    }
}
// What has to be registered ($2: since when, $3: until when) and what the portal answered something to. $4 to $6: in which
// spans of dates how many days there are to report.
macro_rules! due {
    () => {
        has_to_be_registered!("$2", "$3")
    };
}
macro_rules! entries {
    () => {
        concat!("SELECT i.id AS document_id, i.kind, i.number, i.invoice_date AS document_date, i.status AS document_status, i.customer_id, i.customer_name, i.currency, i.grand_total::numeric AS grand_total,
            coalesce(e.status, CASE WHEN ", due!(), " THEN 'pending' ELSE 'not_required' END) AS status, e.irn, e.ack_no, e.ack_at, e.eway_bill_no,
            w.report_by, e.error_code, e.error_detail, e.cancelled_at, e.cancel_code, e.cancel_remarks,
            (SELECT p.id FROM approval p WHERE p.company_id = i.company_id AND p.subject_id = i.id AND p.state = 'pending' LIMIT 1) AS approval_id
         FROM invoice i
         LEFT JOIN einvoice e ON e.company_id = i.company_id AND e.document_id = i.id
         LEFT JOIN LATERAL (SELECT i.invoice_date + (s.days - 1) AS report_by FROM unnest($4::date[], $5::date[], $6::int[]) AS s(since, until, days)
                            WHERE i.invoice_date >= s.since AND i.invoice_date < s.until) AS w ON true
         WHERE i.company_id = $1 AND i.number IS NOT NULL")
    };
}
const CONCERNED: &str = concat!("(e.document_id IS NOT NULL OR ", due!(), ")");
const SORTS: &[SortKey] = &[
    SortKey { name: "document_date", expression: "i.invoice_date", kind: "date" },
    SortKey { name: "report_by", expression: "coalesce(w.report_by, DATE '9999-12-31')", kind: "date" },
    SortKey { name: "number", expression: "i.number", kind: "text" },
];
static ENTRIES: List = List { select: entries!(), id: "i.id", sorts: SORTS, default_sort: "-document_date" };

/// Spans of dates with the days there are to report a document of them: they turn with the law and, as the turnover of
/// another year counts, with the fiscal year.
fn windows(cx: &Context) -> (Many<NaiveDate>, Many<NaiveDate>, Many<i32>) {
    let policy = &cx.facts.einvoicing;
    let law = limits::all().einvoice_reporting.rows().iter().map(|row| row.from);
    let years = (2018..=cx.today.year() + 2).filter_map(|year| NaiveDate::from_ymd_opt(year, 4, 1));
    let mut days: Vec<NaiveDate> = law.chain(years).collect();
    days.sort_unstable();
    days.dedup();
    let ends = days.iter().skip(1).copied().chain([far(NaiveDate::MAX)]);
    let mut spans = (Vec::new(), Vec::new(), Vec::new());
    for (from, to) in days.iter().copied().zip(ends) {
        let turnover = irp::deciding_turnover(&policy.turnover, from).unwrap_or_default();
        if let Some(last) = limits::einvoice_last_day(from, turnover) {
            spans.0.push(from);
            spans.1.push(to);
            spans.2.push(i32::try_from((last - from).num_days() + 1).unwrap_or(i32::MAX));
        }
    }
    (Many(spans.0), Many(spans.1), Many(spans.2))
}

fn entry(row: EntryRow, cx: &Context) -> EinvoiceEntry {
    let currency = Currency::parse(&row.currency).unwrap_or(cx.currency());
    let hours = |at: DateTime<Utc>| at + chrono::Duration::hours(i64::from(limits::irn_cancel_hours(at.date_naive())));
    EinvoiceEntry {
        object: "einvoice",
        document_id: row.document_id,
        document_type: row.kind,
        number: row.number,
        document_date: row.document_date,
        document_status: row.document_status,
        customer_id: row.customer_id,
        customer_name: row.customer_name,
        currency: row.currency,
        grand_total: currency.amount(row.grand_total),
        status: row.status,
        irn: row.irn,
        ack_no: row.ack_no,
        ack_at: row.ack_at.map(Instant),
        eway_bill_no: row.eway_bill_no,
        report_by: row.report_by,
        cancellable_until: row.ack_at.filter(|_| row.status != EinvoiceStatus::Cancelled).map(|at| Instant(hours(at))),
        error: row.error_code.zip(row.error_detail).map(|(code, detail)| EinvoiceError { code, detail }),
        cancelled_at: row.cancelled_at.map(Instant),
        cancel_code: row.cancel_code.and_then(|code| CancelCode::parse(&code.to_string())),
        cancel_remarks: row.cancel_remarks,
        approval_id: row.approval_id,
    }
}

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &EinvoiceFilter) -> Result<Page<EinvoiceEntry>, Problem> {
    let ((since, until), (from, to, days)) = (duty(rx.cx()), windows(rx.cx()));
    let page = ENTRIES
        .of(rx)
        .with(since)
        .with(until)
        .with(from)
        .with(to)
        .with(days)
        .filter(CONCERNED)
        .any_of("coalesce(e.status, 'pending')", filter.status.as_deref())
        .any_of("i.kind", filter.document_type.as_deref())
        .when("i.customer_id = {}", filter.customer_id)
        .when("i.number = {}", filter.number.clone())
        .when("e.irn = {}", filter.irn.clone())
        .when("i.invoice_date >= {}", filter.document_date_gte)
        .when("i.invoice_date <= {}", filter.document_date_lte)
        .when("coalesce(e.status, 'pending') IN ('pending', 'failed') AND w.report_by <= {}", filter.report_by_lte)
        .page::<EntryRow>(rx, paging)?;
    Ok(page.map(|row| entry(row, rx.cx())))
}

/// Documents the portal does not have yet and takes until one of these days, of which nobody was told so.
pub fn near_deadline(rx: &mut Rx<'_>, from: NaiveDate, to: NaiveDate, most: i64) -> Result<Vec<EinvoiceEntry>, Problem> {
    let company = rx.company();
    let ((since, until), (starts, ends, days)) = (duty(rx.cx()), windows(rx.cx()));
    if days.0.is_empty() {
        return Ok(Vec::new());
    }
    let text = concat!(
        entries!(),
        " AND ",
        due!(),
        " AND coalesce(e.status, 'pending') IN ('pending', 'failed') AND w.report_by BETWEEN $7 AND $8
          AND NOT EXISTS (SELECT FROM audit_event a WHERE a.company_id = $1 AND a.object_id = i.id AND a.action = 'einvoice.deadline_near') ORDER BY i.id LIMIT $9"
    );
    let sql = Sql::new(text).bind(company).bind(since).bind(until).bind(starts).bind(ends).bind(days).bind(from).bind(to).bind(most);
    let rows: Vec<EntryRow> = rx.load(sql)?;
    Ok(rows.into_iter().map(|row| entry(row, rx.cx())).collect())
}

/// How an issued document stands with the portal, whether it has to be registered or not.
pub fn of_document(rx: &mut Rx<'_>, id: InvoiceId) -> Result<EinvoiceEntry, Problem> {
    let company = rx.company();
    let ((since, until), (from, to, days)) = (duty(rx.cx()), windows(rx.cx()));
    let row: EntryRow = rx
        .optional(Sql::new(concat!(entries!(), " AND i.id = $7")).bind(company).bind(since).bind(until).bind(from).bind(to).bind(days).bind(id))?
        .ok_or_else(|| Problem::not_found("einvoice"))?;
    Ok(entry(row, rx.cx()))
}

/// What kind of document this is.
pub fn kind_of(rx: &mut Rx<'_>, id: InvoiceId) -> Result<Kind, Problem> {
    let company = rx.company();
    let kinds = rx.scalars::<Kind>(Sql::new("SELECT kind FROM invoice WHERE company_id = $1 AND id = $2").bind(company).bind(id))?;
    kinds.into_iter().next().ok_or_else(|| Problem::not_found("einvoice"))
}

row! { struct NumberedRow { id: InvoiceId, kind: Kind, seller_gstin: String, invoice_date: NaiveDate, number: String } }

/// The document an IRN is of.
pub fn document_of(rx: &mut Rx<'_>, wanted: &str) -> Result<Option<InvoiceId>, Problem> {
    let company = rx.company();
    let known = rx.scalars(Sql::new("SELECT document_id FROM einvoice WHERE company_id = $1 AND irn = $2").bind(company).bind(wanted))?;
    if let Some(id) = known.into_iter().next() {
        return Ok(Some(id));
    }
    // An IRN is a hash: what has none yet is hashed and compared.
    let open: Vec<NumberedRow> = rx.load(
        Sql::new(
            "SELECT i.id, i.kind, i.seller_gstin, i.invoice_date, i.number FROM invoice i
             WHERE i.company_id = $1 AND i.status = 'issued' AND i.supply_type <> 'B2C' AND NOT EXISTS (SELECT FROM einvoice e WHERE e.company_id = i.company_id AND e.document_id = i.id AND e.irn IS NOT NULL)",
        )
        .bind(company),
    )?;
    let of = |row: &NumberedRow| irn(&row.seller_gstin, row.invoice_date, row.kind.of_portal(), &row.number);
    Ok(open.iter().find(|row| of(row) == wanted).map(|row| row.id))
}
