use super::types::{
    CertificateFilter, CertificateStatus, CertifiedDeduction, DeductionFilter, DeductionRef, DeductionStatus, NewCertificate, TdsCertificate, TdsDeduction,
};
use crate::platform::dates::{FiscalYear, Instant};
use crate::platform::http::Problem;
use crate::platform::ids::{CertificateId, CustomerId, ReceiptId};
use crate::platform::money::{Rate, pad};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

// Fiscal years and quarters of income tax begin in April, whatever year the company keeps.
// What is known of each certificate: what it is about and stands, what the tax office shows, what is owed again.
macro_rules! facts {
    () => {
        "LEFT JOIN LATERAL (SELECT coalesce(sum(y.amount), 0) AS deducted, count(*) AS matched FROM tds_certificate_line x
            JOIN receipt_deduction y ON y.company_id = x.company_id AND y.receipt_id = x.receipt_id AND y.line_no = x.line_no JOIN receipt z ON z.company_id = x.company_id AND z.id = x.receipt_id
            WHERE x.company_id = c.company_id AND x.certificate_id = c.id AND NOT EXISTS (SELECT FROM journal_entry m WHERE m.company_id = z.company_id AND m.reverses_id = z.entry_id)) AS t ON true
         LEFT JOIN LATERAL (SELECT x.seen_on, x.amount FROM tds_sighting x WHERE x.company_id = c.company_id AND x.certificate_id = c.id ORDER BY x.id DESC LIMIT 1) AS s ON true
         LEFT JOIN LATERAL (SELECT coalesce(sum(x.amount), 0) AS amount FROM tds_shortfall x WHERE x.company_id = c.company_id AND x.certificate_id = c.id
            AND NOT EXISTS (SELECT FROM journal_entry m WHERE m.company_id = x.company_id AND m.document_id = x.id AND m.reverses_id IS NOT NULL)) AS f ON true"
    };
}
macro_rules! standing {
    () => {
        "WHEN f.amount > 0 THEN 'short' WHEN s.amount IS NULL THEN 'certificate_received' WHEN s.amount = c.amount AND t.deducted = c.amount THEN 'accepted' ELSE 'matched' END"
    };
}

row! {
    struct DeductionRow {
        receipt_id: ReceiptId, receipt_number: String, line_no: i32, customer_id: Option<CustomerId>, deducted_on: NaiveDate, section: Option<String>, rate: Option<Decimal>, fiscal_year: i32,
        quarter: i32, amount: Decimal, status: DeductionStatus, certificate_id: Option<CertificateId>, certificate_number: Option<String>,
    }
}
const DEDUCTION_STATUS: &str = concat!(
    "CASE WHEN EXISTS (SELECT FROM journal_entry m WHERE m.company_id = r.company_id AND m.reverses_id = r.entry_id) THEN 'reversed' WHEN c.id IS NULL THEN 'claimed' ",
    standing!()
);
static DEDUCTIONS: List = List {
    select: concat!(
        "SELECT d.receipt_id, r.number AS receipt_number, d.line_no, r.customer_id, r.receipt_date AS deducted_on, d.section, d.rate, extract(year FROM r.receipt_date - interval '3 months')::int AS fiscal_year,
            extract(quarter FROM r.receipt_date - interval '3 months')::int AS quarter, d.amount::numeric AS amount, c.id AS certificate_id, c.certificate_number,
            CASE WHEN EXISTS (SELECT FROM journal_entry m WHERE m.company_id = r.company_id AND m.reverses_id = r.entry_id) THEN 'reversed' WHEN c.id IS NULL THEN 'claimed' ",
        standing!(),
        " AS status
         FROM receipt_deduction d JOIN receipt r ON r.company_id = d.company_id AND r.id = d.receipt_id
         LEFT JOIN tds_certificate_line l ON l.company_id = d.company_id AND l.receipt_id = d.receipt_id AND l.line_no = d.line_no
         LEFT JOIN tds_certificate c ON c.company_id = l.company_id AND c.id = l.certificate_id ",
        facts!(),
        " WHERE d.company_id = $1 AND d.kind = 'tds' AND r.state NOT IN ('held', 'unidentified')"
    ),
    // A line of a receipt has no id; receipt and line together are as good as one.
    id: "md5(d.receipt_id::text || d.line_no)::uuid",
    sorts: &[SortKey { name: "deducted_on", expression: "r.receipt_date", kind: "date" }, SortKey { name: "amount", expression: "d.amount::numeric", kind: "numeric" }],
    default_sort: "-deducted_on",
};

/// The year a label means; what means none is no year of anything.
fn year(label: &str) -> i32 {
    FiscalYear::parse(label).map_or(0, |year| year.0)
}

pub fn deductions(rx: &mut Rx<'_>, paging: &Paging, filter: &DeductionFilter) -> Result<Page<TdsDeduction>, Problem> {
    let page = DEDUCTIONS
        .of(rx)
        .any_of(DEDUCTION_STATUS, filter.status.as_deref())
        .when("r.customer_id = {}", filter.customer_id)
        .when("d.section = {}", filter.section.clone())
        .when("extract(year FROM r.receipt_date - interval '3 months')::int = {}", filter.fiscal_year.as_deref().map(year))
        .when("extract(year FROM r.receipt_date - interval '3 months')::int = {}", filter.fy.as_deref().map(year))
        .when("(c.id IS NOT NULL) = {}", filter.certified)
        .when("extract(quarter FROM r.receipt_date - interval '3 months')::int = {}", filter.quarter)
        .page::<DeductionRow>(rx, paging)?;
    let currency = rx.cx().currency();
    Ok(page.map(|row| TdsDeduction {
        object: "tds_deduction",
        receipt_id: row.receipt_id,
        receipt_number: row.receipt_number,
        line_no: row.line_no,
        customer_id: row.customer_id,
        deducted_on: row.deducted_on,
        section: row.section,
        rate: row.rate.map(|rate| Rate(pad(rate, 2))),
        fiscal_year: FiscalYear(row.fiscal_year).label(),
        quarter: row.quarter,
        amount: currency.amount(row.amount),
        status: row.status,
        certificate_id: row.certificate_id,
        certificate_number: row.certificate_number,
    }))
}

row! {
    /// A certificate with what is known of it.
    pub struct Head {
        pub id: CertificateId, pub status: CertificateStatus, pub customer_id: CustomerId, pub certificate_number: String, pub certificate_date: NaiveDate, pub section: String, pub fiscal_year: i32,
        pub quarter: i32, pub amount: Decimal, pub deducted: Decimal, pub matched: i64, pub shortfall: Decimal, pub seen_on: Option<NaiveDate>, pub seen_amount: Option<Decimal>, pub version: i64,
        pub created_by: String, pub recorded_at: DateTime<Utc>,
    }
}
const CERTIFICATE_STATUS: &str = concat!("CASE WHEN t.matched = 0 THEN 'unmatched' ", standing!());
const CERTIFICATE: &str = concat!(
    "SELECT c.id, c.customer_id, c.certificate_number, c.certificate_date, c.section, c.fiscal_year, c.quarter, c.amount::numeric AS amount, t.deducted::numeric AS deducted, t.matched,
        f.amount::numeric AS shortfall, s.seen_on, s.amount::numeric AS seen_amount, c.created_by, c.recorded_at, CASE WHEN t.matched = 0 THEN 'unmatched' ",
    standing!(),
    " AS status,
        1 + (SELECT count(*) FROM tds_certificate_line x WHERE x.company_id = c.company_id AND x.certificate_id = c.id)
          + (SELECT count(*) FROM tds_sighting x WHERE x.company_id = c.company_id AND x.certificate_id = c.id)
          + (SELECT count(*) FROM tds_shortfall x JOIN journal_entry m ON m.company_id = x.company_id AND m.document_id = x.id WHERE x.company_id = c.company_id AND x.certificate_id = c.id) AS version
     FROM tds_certificate c ",
    facts!(),
    " WHERE c.company_id = $1"
);
static CERTIFICATES: List = List {
    select: CERTIFICATE,
    id: "c.id",
    sorts: &[
        SortKey { name: "certificate_date", expression: "c.certificate_date", kind: "date" },
        SortKey { name: "amount", expression: "c.amount::numeric", kind: "numeric" },
    ],
    default_sort: "-certificate_date",
};

pub fn certificates(rx: &mut Rx<'_>, paging: &Paging, filter: &CertificateFilter) -> Result<Page<TdsCertificate>, Problem> {
    let page = CERTIFICATES
        .of(rx)
        .created("c.recorded_at", paging)
        .any_of(CERTIFICATE_STATUS, filter.status.as_deref())
        .when("c.customer_id = {}", filter.customer_id)
        .when("c.section = {}", filter.section.clone())
        .when("c.fiscal_year = {}", filter.fiscal_year.as_deref().map(year))
        .when("c.fiscal_year = {}", filter.fy.as_deref().map(year))
        .when("greatest(abs(t.deducted - c.amount), abs(t.deducted - s.amount)) > {}", filter.difference_gt.map(|a| a.0))
        .when("c.quarter = {}", filter.quarter)
        .page::<Head>(rx, paging)?;
    Ok(Page { data: answers(rx, page.data)?, page: page.page })
}

pub fn head(rx: &mut Rx<'_>, id: CertificateId) -> Result<Head, Problem> {
    let company = rx.company();
    rx.optional(Sql::new(format!("{CERTIFICATE} AND c.id = $2")).bind(company).bind(id))?.ok_or_else(|| Problem::not_found("tds_certificate"))
}

pub fn get(rx: &mut Rx<'_>, id: CertificateId) -> Result<TdsCertificate, Problem> {
    let head = head(rx, id)?;
    answers(rx, vec![head])?.pop().ok_or_else(|| Problem::not_found("tds_certificate"))
}

/// Certificates of a customer for a section and quarter; of one number, where it is given.
pub fn of_quarter(rx: &mut Rx<'_>, customer: CustomerId, section: &str, year: i32, quarter: i32, number: Option<&str>) -> Result<Vec<CertificateId>, Problem> {
    let company = rx.company();
    let text = "SELECT id FROM tds_certificate WHERE company_id = $1 AND customer_id = $2 AND fiscal_year = $4 AND quarter = $5 AND lower(section) = lower($3)
        AND ($6::text IS NULL OR certificate_number = $6) ORDER BY id";
    rx.scalars(Sql::new(text).bind(company).bind(customer).bind(section).bind(year).bind(quarter).bind(number))
}

row! { struct LineRow { certificate_id: CertificateId, receipt_id: ReceiptId, receipt_number: String, line_no: i32, amount: Decimal } }

fn answers(rx: &mut Rx<'_>, heads: Vec<Head>) -> Result<Vec<TdsCertificate>, Problem> {
    let company = rx.company();
    let lines: Vec<LineRow> = rx.load(
        Sql::new(
            "SELECT l.certificate_id, l.receipt_id, r.number AS receipt_number, l.line_no, d.amount::numeric AS amount FROM tds_certificate_line l
             JOIN receipt_deduction d ON d.company_id = l.company_id AND d.receipt_id = l.receipt_id AND d.line_no = l.line_no JOIN receipt r ON r.company_id = l.company_id AND r.id = l.receipt_id
             WHERE l.company_id = $1 AND l.certificate_id = ANY($2) ORDER BY r.receipt_date, r.id, l.line_no",
        )
        .bind(company)
        .bind(heads.iter().map(|head| head.id).collect::<Many<_>>()),
    )?;
    let currency = rx.cx().currency();
    let writes = rx.cx().may("tds:write");
    Ok(heads
        .into_iter()
        .map(|head| TdsCertificate {
            allowed_actions: if writes { vec!["match", "26as"] } else { Vec::new() },
            id: head.id,
            object: "tds_certificate",
            status: head.status,
            customer_id: head.customer_id,
            certificate_number: head.certificate_number,
            certificate_date: head.certificate_date,
            section: head.section,
            fiscal_year: FiscalYear(head.fiscal_year).label(),
            quarter: head.quarter,
            amount: currency.amount(head.amount),
            deducted: currency.amount(head.deducted),
            difference: currency.amount(head.amount - head.deducted),
            shortfall: currency.amount(head.shortfall),
            seen_on: head.seen_on,
            seen_amount: head.seen_amount.map(|amount| currency.amount(amount)),
            deductions: lines
                .iter()
                .filter(|line| line.certificate_id == head.id)
                .map(|line| CertifiedDeduction {
                    receipt_id: line.receipt_id,
                    receipt_number: line.receipt_number.clone(),
                    line_no: line.line_no,
                    amount: currency.amount(line.amount),
                })
                .collect(),
            version: head.version,
            created_by: head.created_by,
            created_at: Instant(head.recorded_at),
        })
        .collect())
}

row! {
    /// A deduction that may be certified.
    pub struct Candidate { pub receipt_id: ReceiptId, pub line_no: i32, pub section: Option<String>, pub amount: Decimal, pub certificate_id: Option<CertificateId> }
}
const CANDIDATES: &str = "SELECT d.receipt_id, d.line_no, d.section, d.amount::numeric AS amount, l.certificate_id FROM receipt_deduction d
    JOIN receipt r ON r.company_id = d.company_id AND r.id = d.receipt_id
    LEFT JOIN tds_certificate_line l ON l.company_id = d.company_id AND l.receipt_id = d.receipt_id AND l.line_no = d.line_no
    WHERE d.company_id = $1 AND d.kind = 'tds' AND r.state NOT IN ('held', 'unidentified') AND r.customer_id = $2 AND r.currency = (SELECT c.base_currency FROM company c WHERE c.id = $1)
      AND NOT EXISTS (SELECT FROM journal_entry m WHERE m.company_id = r.company_id AND m.reverses_id = r.entry_id)";

/// The customer's deductions of a section and quarter that no certificate is about, oldest first.
pub fn uncertified(rx: &mut Rx<'_>, customer: CustomerId, section: &str, year: i32, quarter: i32) -> Result<Vec<Candidate>, Problem> {
    let company = rx.company();
    let sql = format!(
        "{CANDIDATES} AND l.certificate_id IS NULL AND upper(d.section) = upper($3) AND extract(year FROM r.receipt_date - interval '3 months')::int = $4
           AND extract(quarter FROM r.receipt_date - interval '3 months')::int = $5 ORDER BY r.receipt_date, r.id, d.line_no LIMIT 1000"
    );
    rx.load(Sql::new(sql).bind(company).bind(customer).bind(section).bind(year).bind(quarter))
}

/// Deductions of the customer by receipt and line.
pub fn named(rx: &mut Rx<'_>, customer: CustomerId, refs: &[DeductionRef]) -> Result<Vec<Candidate>, Problem> {
    let company = rx.company();
    let sql = format!("{CANDIDATES} AND (d.receipt_id, d.line_no) IN (SELECT * FROM unnest($3::uuid[], $4::int[]))");
    rx.load(
        Sql::new(sql)
            .bind(company)
            .bind(customer)
            .bind(refs.iter().map(|r| r.receipt_id).collect::<Many<_>>())
            .bind(refs.iter().map(|r| r.line_no).collect::<Many<_>>()),
    )
}

pub fn insert(tx: &mut Tx<'_>, id: CertificateId, customer: CustomerId, new: &NewCertificate, year: i32) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new(
            "INSERT INTO tds_certificate (company_id, id, customer_id, certificate_number, certificate_date, section, fiscal_year, quarter, amount, created_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(company)
        .bind(id)
        .bind(customer)
        .bind(new.certificate_number.as_str())
        .bind(new.certificate_date)
        .bind(new.section.as_str())
        .bind(year)
        .bind(new.quarter)
        .bind(new.amount.0)
        .bind(actor),
    )?;
    Ok(())
}

pub fn insert_lines(tx: &mut Tx<'_>, id: CertificateId, lines: &[Candidate]) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("INSERT INTO tds_certificate_line (company_id, certificate_id, receipt_id, line_no) SELECT $1, $2, r, n FROM unnest($3::uuid[], $4::int[]) AS x(r, n)")
            .bind(company)
            .bind(id)
            .bind(lines.iter().map(|l| l.receipt_id).collect::<Many<_>>())
            .bind(lines.iter().map(|l| l.line_no).collect::<Many<_>>()),
    )?;
    Ok(())
}

pub fn insert_sighting(tx: &mut Tx<'_>, id: CertificateId, on: NaiveDate, amount: Decimal) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new("INSERT INTO tds_sighting (company_id, id, certificate_id, seen_on, amount, created_by) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(company)
            .bind(Uuid::now_v7())
            .bind(id)
            .bind(on)
            .bind(amount)
            .bind(actor),
    )?;
    Ok(())
}

pub fn insert_shortfall(tx: &mut Tx<'_>, id: Uuid, certificate: &Head, amount: Decimal, on: NaiveDate) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new("INSERT INTO tds_shortfall (company_id, id, certificate_id, customer_id, amount, posted_on, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(company)
            .bind(id)
            .bind(certificate.id)
            .bind(certificate.customer_id)
            .bind(amount)
            .bind(on)
            .bind(actor),
    )?;
    Ok(())
}

/// Shortfalls of a certificate that stand.
pub fn standing_shortfalls(rx: &mut Rx<'_>, id: CertificateId) -> Result<Vec<Uuid>, Problem> {
    let company = rx.company();
    rx.scalars(
        Sql::new(
            "SELECT x.id FROM tds_shortfall x WHERE x.company_id = $1 AND x.certificate_id = $2
               AND NOT EXISTS (SELECT FROM journal_entry m WHERE m.company_id = x.company_id AND m.document_id = x.id AND m.reverses_id IS NOT NULL) ORDER BY x.id",
        )
        .bind(company)
        .bind(id),
    )
}

/// The certificates that are about deductions of a receipt.
pub fn about(rx: &mut Rx<'_>, receipt: ReceiptId) -> Result<Vec<CertificateId>, Problem> {
    let company = rx.company();
    rx.scalars(
        Sql::new("SELECT DISTINCT certificate_id FROM tds_certificate_line WHERE company_id = $1 AND receipt_id = $2 ORDER BY 1").bind(company).bind(receipt),
    )
}
