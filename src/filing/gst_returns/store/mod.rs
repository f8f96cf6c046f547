mod documents;

pub use documents::{Own, Scope, each, shipping_told};

use super::types::{ReturnFilter, ReturnState};
use crate::filing::gstr1::Tax;
use crate::filing::period::ReturnPeriod;
use crate::platform::http::Problem;
use crate::platform::ids::{InvoiceId, RegistrationId, ReturnId};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use crate::tax::gst::advances::{Inclusive, Movement, MovementKind};
use crate::tax::gst::supply::Seat;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

row! { pub struct Registration { pub id: RegistrationId, pub gstin: String, pub sez: bool } }
impl Registration {
    #[must_use]
    pub fn seat(&self) -> Seat<'_> {
        Seat { state: self.gstin.get(..2).unwrap_or_default(), sez: self.sez }
    }
}

pub fn registration(rx: &mut Rx<'_>, gstin: &str) -> Result<Registration, Problem> {
    let company = rx.company();
    let found = rx.optional(
        Sql::new("SELECT id, gstin, coalesce(type = 'sez', false) AS sez FROM gst_registration WHERE company_id = $1 AND gstin = $2").bind(company).bind(gstin),
    )?;
    found.ok_or_else(|| Problem::not_found("gst_registration"))
}

row! {
    /// A return that was filed, without its text.
    pub struct Locked { pub id: ReturnId, pub period: NaiveDate, pub arn: String, pub filed_on: NaiveDate, pub sha256: String }
}

/// The filed returns of a registration, oldest first.
pub fn locked(rx: &mut Rx<'_>, registration: RegistrationId) -> Result<Vec<Locked>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new("SELECT id, period, arn, filed_on, sha256 FROM gst_return WHERE company_id = $1 AND registration_id = $2 ORDER BY period")
            .bind(company)
            .bind(registration),
    )
}

row! { pub struct Kept { pub gstr1: String, pub totals: String, pub gstr3b: String, pub warnings: String } }

/// What was filed, word for word.
pub fn kept(rx: &mut Rx<'_>, id: ReturnId) -> Result<Kept, Problem> {
    let company = rx.company();
    rx.one(Sql::new("SELECT gstr1, totals, gstr3b, warnings FROM gst_return WHERE company_id = $1 AND id = $2").bind(company).bind(id))
}

/// What a return is known by while there is no row of it: made of its registration and month.
pub const SUBJECT: &str = "md5(concat('gst_return/', registration_id, '/', period))::uuid";

pub fn subject(rx: &mut Rx<'_>, registration: RegistrationId, period: ReturnPeriod) -> Result<Uuid, Problem> {
    rx.scalar(Sql::new(format!("SELECT {SUBJECT} FROM (SELECT $1::uuid AS registration_id, $2::date AS period) AS r")).bind(registration).bind(period.first))
}

/// The filed returns documents were reported in.
pub fn returns_of(rx: &mut Rx<'_>, documents: Vec<InvoiceId>) -> Result<Vec<ReturnId>, Problem> {
    let company = rx.company();
    rx.scalars(
        Sql::new("SELECT DISTINCT return_id FROM gst_return_document WHERE company_id = $1 AND document_id = ANY ($2) AND NOT amends")
            .bind(company)
            .bind(Many(documents)),
    )
}

/// The months of a span with movements that no filed return has.
pub fn months_moved_since(rx: &mut Rx<'_>, registration: RegistrationId, from: NaiveDate, to: NaiveDate) -> Result<Vec<NaiveDate>, Problem> {
    let company = rx.company();
    rx.scalars(
        Sql::new(
            "SELECT DISTINCT date_trunc('month', m.moved_on)::date FROM gst_advance m WHERE m.company_id = $1 AND m.registration_id = $2 AND m.moved_on BETWEEN $3 AND $4
             AND NOT EXISTS (SELECT FROM gst_return_document d WHERE d.company_id = m.company_id AND d.document_id = m.id)",
        )
        .bind(company)
        .bind(registration)
        .bind(from)
        .bind(to),
    )
}

row! {
    struct MovementRow {
        id: Uuid, receipt_id: Uuid, kind: MovementKind, number: Option<String>, place_of_supply: String, inter: bool, rate: Decimal, gross: Decimal,
        taxable: Decimal, cgst: Decimal, sgst: Decimal, igst: Decimal, cess: Decimal, reported: bool,
    }
}

/// A movement of tax on an advance.
pub struct Moved {
    pub id: Uuid,
    pub receipt: Uuid,
    /// Of its voucher.
    pub number: Option<String>,
    pub movement: Movement,
    /// Whether a filed return has it.
    pub reported: bool,
}

impl Moved {
    /// What it adds to the return.
    #[must_use]
    pub fn tax(&self) -> Tax {
        let moved = &self.movement.amounts;
        let tax = Tax { txval: moved.taxable, iamt: moved.igst, camt: moved.cgst, samt: moved.sgst, csamt: moved.cess };
        match self.movement.kind {
            _ if self.movement.rate.is_zero() => Tax::default(),
            MovementKind::Received => tax,
            MovementKind::Adjusted | MovementKind::Refunded => -tax,
            MovementKind::Kept => Tax::default(),
        }
    }
}

/// The movements of a registration in a span, by day.
pub fn movements(rx: &mut Rx<'_>, registration: RegistrationId, from: NaiveDate, to: NaiveDate) -> Result<Vec<Moved>, Problem> {
    let company = rx.company();
    let rows: Vec<MovementRow> = rx.load(
        Sql::new(
            "SELECT m.id, m.receipt_id, m.kind, m.number, m.place_of_supply, m.inter, m.rate, m.gross::numeric AS gross, m.taxable::numeric AS taxable, m.cgst::numeric AS cgst,
                    m.sgst::numeric AS sgst, m.igst::numeric AS igst, m.cess::numeric AS cess,
                    EXISTS (SELECT FROM gst_return_document d WHERE d.company_id = m.company_id AND d.document_id = m.id) AS reported
             FROM gst_advance m WHERE m.company_id = $1 AND m.registration_id = $2 AND m.moved_on BETWEEN $3 AND $4 ORDER BY m.moved_on, m.id",
        )
        .bind(company)
        .bind(registration)
        .bind(from)
        .bind(to),
    )?;
    let moved = |row: MovementRow| Moved {
        id: row.id,
        receipt: row.receipt_id,
        number: row.number,
        movement: Movement {
            advance: row.receipt_id,
            kind: row.kind,
            place_of_supply: row.place_of_supply,
            inter: row.inter,
            rate: row.rate,
            amounts: Inclusive { gross: row.gross, taxable: row.taxable, cgst: row.cgst, sgst: row.sgst, igst: row.igst, cess: row.cess },
        },
        reported: row.reported,
    };
    Ok(rows.into_iter().map(moved).collect())
}

/// One thing a return holds.
#[derive(Debug, Clone)]
pub struct Reported {
    pub id: Uuid,
    pub posted_under: Uuid,
    pub section: &'static str,
    pub amends: bool,
    /// What it adds to value and taxes the supplier pays.
    pub tax: Tax,
    /// The shipping bill it tells.
    pub shipping: Option<String>,
}

/// A return as it is filed.
pub struct Filing<'f> {
    pub id: ReturnId,
    pub registration: &'f Registration,
    pub period: ReturnPeriod,
    pub arn: &'f str,
    pub filed_on: NaiveDate,
    pub text: &'f Kept,
    pub sha256: &'f str,
    pub locked_by: &'f str,
}

pub fn insert(tx: &mut Tx<'_>, filing: &Filing<'_>, reported: &[Reported]) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "INSERT INTO gst_return (company_id, id, registration_id, gstin, period, arn, filed_on, gstr1, sha256, totals, gstr3b, warnings, locked_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(company)
        .bind(filing.id)
        .bind(filing.registration.id)
        .bind(filing.registration.gstin.as_str())
        .bind(filing.period.first)
        .bind(filing.arn)
        .bind(filing.filed_on)
        .bind(filing.text.gstr1.as_str())
        .bind(filing.sha256)
        .bind(filing.text.totals.as_str())
        .bind(filing.text.gstr3b.as_str())
        .bind(filing.text.warnings.as_str())
        .bind(filing.locked_by),
    )?;
    for part in reported.chunks(5_000) {
        macro_rules! each {
            ($one:ident => $value:expr) => {
                part.iter().map(|$one| $value).collect::<Many<_>>()
            };
        }
        tx.execute(
            Sql::new(
                "INSERT INTO gst_return_document (company_id, return_id, document_id, posted_under, section, amends, txval, iamt, camt, samt, csamt)
                 SELECT $1, $2, d.* FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::bool[], $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[]) AS d",
            )
            .bind(company)
            .bind(filing.id)
            .bind(each!(one => one.id))
            .bind(each!(one => one.posted_under))
            .bind(each!(one => one.section))
            .bind(each!(one => one.amends))
            .bind(each!(one => one.tax.txval))
            .bind(each!(one => one.tax.iamt))
            .bind(each!(one => one.tax.camt))
            .bind(each!(one => one.tax.samt))
            .bind(each!(one => one.tax.csamt)),
        )?;
    }
    insert_shipping(tx, filing, reported)
}

fn insert_shipping(tx: &mut Tx<'_>, filing: &Filing<'_>, reported: &[Reported]) -> Result<(), Problem> {
    let told: Vec<(Uuid, &str)> = reported.iter().filter_map(|one| Some((one.id, one.shipping.as_deref()?))).collect();
    if told.is_empty() {
        return Ok(());
    }
    let company = tx.company();
    tx.execute(
        Sql::new("INSERT INTO gst_return_shipping (company_id, id, return_id, document_id, told) SELECT $1, gen_random_uuid(), $2, s.* FROM unnest($3::uuid[], $4::text[]) AS s")
            .bind(company)
            .bind(filing.id)
            .bind(told.iter().map(|(id, _)| *id).collect::<Many<_>>())
            .bind(told.iter().map(|(_, told)| *told).collect::<Many<_>>()),
    )?;
    Ok(())
}

row! {
    pub struct TaxRow { pub document_id: Uuid, pub document_type: String, pub document_number: String, pub txval: Decimal, pub iamt: Decimal, pub camt: Decimal, pub samt: Decimal, pub csamt: Decimal }
}
impl TaxRow {
    #[must_use]
    pub fn tax(&self) -> Tax {
        Tax { txval: self.txval, iamt: self.iamt, camt: self.camt, samt: self.samt, csamt: self.csamt }
    }
}

/// What a filed return holds, by what the ledger posts it under.
pub fn reported(rx: &mut Rx<'_>, id: ReturnId) -> Result<Vec<TaxRow>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "SELECT d.posted_under AS document_id, coalesce(min(i.kind), 'receipt') AS document_type, coalesce(min(i.number), min(r.number), '') AS document_number, sum(d.txval)::numeric AS txval,
                    sum(d.iamt)::numeric AS iamt, sum(d.camt)::numeric AS camt, sum(d.samt)::numeric AS samt, sum(d.csamt)::numeric AS csamt
             FROM gst_return_document d LEFT JOIN invoice i ON i.company_id = d.company_id AND i.id = d.posted_under LEFT JOIN receipt r ON r.company_id = d.company_id AND r.id = d.posted_under
             WHERE d.company_id = $1 AND d.return_id = $2 GROUP BY d.posted_under",
        )
        .bind(company)
        .bind(id),
    )
}

/// What was posted to the output tax accounts in a month, document by document. What is of no registration, as an
/// entry by hand, counts for the default one.
pub fn posted(rx: &mut Rx<'_>, registration: RegistrationId, period: ReturnPeriod) -> Result<Vec<TaxRow>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "WITH lines AS (
                SELECT e.document_id, e.document_kind, e.document_number, a.role, l.base_credit - l.base_debit AS amount
                FROM gl_account a JOIN journal_line l ON l.company_id = a.company_id AND l.account_id = a.id JOIN journal_entry e ON e.company_id = l.company_id AND e.id = l.entry_id
                WHERE a.company_id = $1 AND a.role IN ('output_igst', 'output_cgst', 'output_sgst', 'output_cess') AND l.posting_date BETWEEN $3 AND $4)
             SELECT s.document_id, coalesce(i.kind, s.document_type) AS document_type, coalesce(i.number, s.document_number) AS document_number, 0::numeric AS txval, s.iamt, s.camt, s.samt, s.csamt
             FROM (SELECT document_id, min(document_kind) AS document_type, min(document_number) AS document_number,
                    coalesce(sum(amount) FILTER (WHERE role = 'output_igst'), 0)::numeric AS iamt, coalesce(sum(amount) FILTER (WHERE role = 'output_cgst'), 0)::numeric AS camt,
                    coalesce(sum(amount) FILTER (WHERE role = 'output_sgst'), 0)::numeric AS samt, coalesce(sum(amount) FILTER (WHERE role = 'output_cess'), 0)::numeric AS csamt
                   FROM lines GROUP BY document_id) AS s
             LEFT JOIN invoice i ON i.company_id = $1 AND i.id = s.document_id
             LEFT JOIN receipt r ON r.company_id = $1 AND r.id = s.document_id
             LEFT JOIN gst_registration home ON home.company_id = $1 AND home.is_default
             WHERE coalesce(i.registration_id, r.registration_id, home.id) = $2",
        )
        .bind(company)
        .bind(registration)
        .bind(period.first)
        .bind(period.last),
    )
}

row! { pub struct Known { pub id: Uuid, pub kind: String, pub number: String, pub invoice_date: NaiveDate, pub posting_date: NaiveDate, pub cancelled_on: Option<NaiveDate> } }

/// What is known of documents that differ.
pub fn known(rx: &mut Rx<'_>, ids: Vec<Uuid>) -> Result<Vec<Known>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "SELECT id, kind, number, invoice_date, coalesce(posting_date, invoice_date) AS posting_date, cancelled_on FROM invoice WHERE company_id = $1 AND id = ANY ($2) AND number IS NOT NULL",
        )
        .bind(company)
        .bind(Many(ids)),
    )
}

row! { pub struct Einvoiced { pub document_id: Uuid, pub document_type: String, pub document_number: String, pub einvoice: Option<String>, pub cancelled_on: Option<NaiveDate> } }

/// The documents of a month of which the portal knows something else than the books: not registered although the
/// company has its documents registered on that day (r.48(4)), or cancelled on one side alone.
pub fn einvoices(rx: &mut Rx<'_>, registration: RegistrationId, period: ReturnPeriod) -> Result<Vec<Einvoiced>, Problem> {
    let (company, (since, until)) = (rx.company(), crate::billing::irns::store::duty(rx.cx()));
    rx.load(
        Sql::new(
            "SELECT i.id AS document_id, i.kind AS document_type, i.number AS document_number, e.status AS einvoice, i.cancelled_on
             FROM invoice i LEFT JOIN einvoice e ON e.company_id = i.company_id AND e.document_id = i.id
             WHERE i.company_id = $1 AND i.registration_id = $2 AND i.invoice_date BETWEEN $3 AND $4 AND i.status IN ('issued', 'cancelled') AND CASE
                WHEN e.status IN ('registered', 'cancelled') THEN (e.status = 'cancelled') <> (i.status = 'cancelled')
                ELSE i.status = 'issued' AND i.invoice_date >= $5 AND i.invoice_date < $6 AND i.supply_type <> 'B2C' AND i.tax_effect = 'gst' AND i.buyer_gstin IS DISTINCT FROM i.seller_gstin
                    AND EXISTS (SELECT FROM invoice_line l WHERE l.company_id = i.company_id AND l.invoice_id = i.id AND l.treatment = 'taxable') END
             ORDER BY i.invoice_date, i.id LIMIT 500",
        )
        .bind(company)
        .bind(registration)
        .bind(period.first)
        .bind(period.last)
        .bind(since)
        .bind(until),
    )
}

row! {
    pub struct ListRow {
        pub id: Uuid, pub registration_id: RegistrationId, pub gstin: String, pub period: NaiveDate, pub documents: i64, pub txval: Decimal, pub iamt: Decimal, pub camt: Decimal, pub samt: Decimal,
        pub csamt: Decimal, pub arn: Option<String>, pub filed_on: Option<NaiveDate>, pub sha256: Option<String>, pub locked_by: Option<String>, pub recorded_at: Option<DateTime<Utc>>,
        pub approval_id: Option<crate::platform::ids::ApprovalId>,
    }
}
impl ListRow {
    #[must_use]
    pub fn state(&self) -> ReturnState {
        if self.arn.is_some() { ReturnState::Filed } else { ReturnState::Open }
    }
}

/// A month a registration has documents in, or a filed return of.
const RETURNS: &str = "SELECT x.id, x.registration_id, x.gstin, x.period, x.documents, x.txval, x.iamt, x.camt, x.samt, x.csamt, x.arn, x.filed_on, x.sha256, x.locked_by, x.recorded_at, x.approval_id FROM (
    SELECT s.*, r.gstin, f.arn, f.filed_on, f.sha256, f.locked_by, f.recorded_at,
        (SELECT p.id FROM approval p WHERE p.company_id = s.company_id AND p.subject_id = s.id AND p.state = 'pending' LIMIT 1) AS approval_id
    FROM (SELECT m.company_id, m.registration_id, m.period, md5(concat('gst_return/', m.registration_id, '/', m.period))::uuid AS id, sum(m.documents)::bigint AS documents, sum(m.txval)::numeric AS txval,
            sum(m.iamt)::numeric AS iamt, sum(m.camt)::numeric AS camt, sum(m.samt)::numeric AS samt, sum(m.csamt)::numeric AS csamt
        FROM (SELECT d.company_id, d.registration_id, date_trunc('month', d.invoice_date)::date AS period, 1 AS documents, k.s * round(d.taxable_value * d.exchange_rate, 2) AS txval,
                k.s * k.pays * round(d.igst * d.exchange_rate, 2) AS iamt, k.s * k.pays * round(d.cgst * d.exchange_rate, 2) AS camt,
                k.s * k.pays * round(d.sgst * d.exchange_rate, 2) AS samt, k.s * k.pays * round(d.cess * d.exchange_rate, 2) AS csamt
              FROM invoice d CROSS JOIN LATERAL (SELECT CASE WHEN d.status = 'cancelled' THEN 0 WHEN d.kind = 'credit_note' THEN -1 ELSE 1 END AS s, CASE WHEN d.reverse_charge OR d.ecommerce_section = '9_5' THEN 0 ELSE 1 END AS pays) AS k
              WHERE d.company_id = $1 AND d.status IN ('issued', 'cancelled') AND d.tax_effect = 'gst' AND d.seller_composition IS NOT TRUE
              UNION ALL SELECT g.company_id, g.registration_id, g.period, 0, 0, 0, 0, 0, 0 FROM gst_return g WHERE g.company_id = $1) AS m
        GROUP BY m.company_id, m.registration_id, m.period) AS s
    JOIN gst_registration r ON r.company_id = s.company_id AND r.id = s.registration_id
    LEFT JOIN gst_return f ON f.company_id = s.company_id AND f.registration_id = s.registration_id AND f.period = s.period) AS x WHERE x.id IS NOT NULL";

static LIST: List = List {
    select: RETURNS,
    id: "x.id",
    sorts: &[SortKey { name: "period", expression: "x.period", kind: "date" }, SortKey { name: "gstin", expression: "x.gstin", kind: "text" }],
    default_sort: "-period,gstin",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &ReturnFilter) -> Result<Page<ListRow>, Problem> {
    let month = |text: &Option<String>| text.as_deref().and_then(ReturnPeriod::parse).map(|period| period.first);
    let listing = LIST
        .of(rx)
        .when("x.gstin = {}", filter.gstin.as_deref().map(str::to_ascii_uppercase))
        .when("(x.arn IS NOT NULL) = {}", filter.state.map(|state| state == ReturnState::Filed))
        .when("x.period >= {}", month(&filter.period_gte))
        .when("x.period <= {}", month(&filter.period_lte));
    listing.page(rx, paging)
}

/// One return as the list shows it; without documents where it has none.
pub fn summary(rx: &mut Rx<'_>, registration: &Registration, period: ReturnPeriod) -> Result<Option<ListRow>, Problem> {
    let company = rx.company();
    rx.optional(Sql::new(format!("{RETURNS} AND x.registration_id = $2 AND x.period = $3")).bind(company).bind(registration.id).bind(period.first))
}
