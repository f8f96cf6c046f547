use super::types::EinvoiceStatus;
use crate::billing::invoices::store::Stored;
use crate::platform::http::Problem;
use crate::platform::ids::InvoiceId;
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Context, Rx, Tx};
use crate::row;
use crate::tax::gst::irp;
use chrono::{DateTime, NaiveDate, Utc};

/// What has to be registered from one day ($2) to another ($3), of the invoices `i`, as `irns::decision` says it of one.
#[macro_export]
macro_rules! has_to_be_registered {
    ($since:literal, $until:literal) => {
        concat!(
            "i.status = 'issued' AND i.invoice_date >= ",
            $since,
            " AND i.invoice_date < ",
            $until,
            " AND i.supply_type <> 'B2C' AND i.tax_effect = 'gst' AND i.buyer_gstin IS DISTINCT FROM i.seller_gstin
            AND i.seller_composition IS NOT TRUE AND i.ecommerce_section IS DISTINCT FROM '9_5'
            AND EXISTS (SELECT FROM invoice_line l WHERE l.company_id = i.company_id AND l.invoice_id = i.id AND l.treatment = 'taxable')"
        )
    };
}

/// From which day to which the company has documents registered; neither is reached where it never has.
#[must_use]
pub fn duty(cx: &Context) -> (NaiveDate, NaiveDate) {
    let policy = &cx.facts.einvoicing;
    let since = irp::obliged_since(&policy.turnover).unwrap_or(NaiveDate::MAX);
    let excluded = policy.excluded_as.as_deref().and_then(|seller| irp::exemptions().iter().find(|e| e.seller == seller));
    (far(since), far(excluded.map_or(NaiveDate::MAX, |excluded| excluded.from)))
}

/// A date the database can hold.
#[must_use]
pub fn far(date: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(9999, 12, 31).map_or(date, |last| date.min(last))
}

/// Which of the documents `i`, with what the portal answered as `e`, stand with it in one of these ways (comma-separated), as
/// `irns::view` says it of one. What the portal answered is found by its index.
#[must_use]
pub fn standing(words: &str, cx: &Context) -> String {
    let (since, until) = duty(cx);
    // Both are dates of ours, so they may stand in the text.
    let due = has_to_be_registered!("DATE '{since}'", "DATE '{until}'").replace("{since}", &since.to_string()).replace("{until}", &until.to_string());
    let answered = |status: EinvoiceStatus| format!("e.status = '{status}'");
    let ways = words.split(',').filter_map(EinvoiceStatus::parse).map(|status| match status {
        EinvoiceStatus::NotRequired => format!("e.document_id IS NULL AND i.status IN ('issued', 'cancelled') AND NOT ({due})"),
        EinvoiceStatus::Pending => format!("e.document_id IS NULL AND {due}"),
        EinvoiceStatus::Registered | EinvoiceStatus::Failed | EinvoiceStatus::Cancelled => answered(status),
    });
    let ways: Vec<String> = ways.map(|way| format!("({way})")).collect();
    if ways.is_empty() { "false".to_owned() } else { format!("({})", ways.join(" OR ")) }
}

/// A registration as the portal confirmed it.
#[derive(Debug, Clone)]
pub struct Registration {
    pub irn: String,
    pub ack_no: String,
    pub ack_at: DateTime<Utc>,
    pub signed_invoice: Option<String>,
    pub signed_qr: String,
    pub eway_bill_no: Option<String>,
}

/// What kept a document from being registered. The portal may name the IRN it has for it already.
#[derive(Debug, Clone)]
pub struct Failure {
    pub code: String,
    pub detail: String,
    pub known: Option<(String, String, DateTime<Utc>)>,
}

/// How the portal cancelled one.
#[derive(Debug, Clone)]
pub struct Cancellation {
    pub at: DateTime<Utc>,
    pub code: i32,
    pub remarks: String,
}

pub fn register(tx: &mut Tx<'_>, document: &Stored, new: &Registration) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new(
            "INSERT INTO einvoice AS e (company_id, document_id, customer_id, status, irn, ack_no, ack_at, signed_invoice, signed_qr, eway_bill_no, created_by)
             VALUES ($1, $2, $3, 'registered', $4, $5, $6, $7, $8, $9, $10)
             ON CONFLICT (company_id, document_id) DO UPDATE SET status = 'registered', irn = $4, ack_no = $5, ack_at = $6, signed_invoice = $7, signed_qr = $8, eway_bill_no = $9,
                error_code = NULL, error_detail = NULL, version = e.version + 1, updated_at = now()",
        )
        .bind(company)
        .bind(document.id)
        .bind(document.customer)
        .bind(new.irn.as_str())
        .bind(new.ack_no.as_str())
        .bind(new.ack_at)
        .bind(new.signed_invoice.as_deref())
        .bind(new.signed_qr.as_str())
        .bind(new.eway_bill_no.as_deref())
        .bind(actor),
    )?;
    Ok(())
}

pub fn fail(tx: &mut Tx<'_>, document: &Stored, failure: &Failure) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    let known = failure.known.as_ref();
    tx.execute(
        Sql::new(
            "INSERT INTO einvoice AS e (company_id, document_id, customer_id, status, error_code, error_detail, irn, ack_no, ack_at, created_by)
             VALUES ($1, $2, $3, 'failed', $4, $5, $6, $7, $8, $9)
             ON CONFLICT (company_id, document_id) DO UPDATE SET error_code = $4, error_detail = $5, irn = coalesce(e.irn, $6), ack_no = coalesce(e.ack_no, $7),
                ack_at = coalesce(e.ack_at, $8), version = e.version + 1, updated_at = now()",
        )
        .bind(company)
        .bind(document.id)
        .bind(document.customer)
        .bind(failure.code.as_str())
        .bind(failure.detail.as_str())
        .bind(known.map(|(irn, ..)| irn.as_str()))
        .bind(known.map(|(_, ack_no, _)| ack_no.as_str()))
        .bind(known.map(|(.., ack_at)| *ack_at))
        .bind(actor),
    )?;
    Ok(())
}

pub fn cancel(tx: &mut Tx<'_>, document: InvoiceId, cancellation: &Cancellation) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "UPDATE einvoice SET status = 'cancelled', cancelled_at = $3, cancel_code = $4, cancel_remarks = $5, version = version + 1, updated_at = now()
             WHERE company_id = $1 AND document_id = $2",
        )
        .bind(company)
        .bind(document)
        .bind(cancellation.at)
        .bind(cancellation.code)
        .bind(cancellation.remarks.as_str()),
    )?;
    Ok(())
}

row! {
    /// Everything the portal answered to a document.
    pub struct Answered {
        pub status: EinvoiceStatus, pub irn: Option<String>, pub ack_no: Option<String>, pub ack_at: Option<DateTime<Utc>>, pub signed_invoice: Option<String>, pub signed_qr: Option<String>,
        pub eway_bill_no: Option<String>, pub error_code: Option<String>, pub error_detail: Option<String>, pub cancelled_at: Option<DateTime<Utc>>, pub cancel_code: Option<i32>,
        pub cancel_remarks: Option<String>, pub version: i64,
    }
}

pub fn answered(rx: &mut Rx<'_>, document: InvoiceId) -> Result<Option<Answered>, Problem> {
    let company = rx.company();
    rx.optional(
        Sql::new(
            "SELECT status, irn, ack_no, ack_at, signed_invoice, signed_qr, eway_bill_no, error_code, error_detail, cancelled_at, cancel_code, cancel_remarks, version
             FROM einvoice WHERE company_id = $1 AND document_id = $2",
        )
        .bind(company)
        .bind(document),
    )
}
