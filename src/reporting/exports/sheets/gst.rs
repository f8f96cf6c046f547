//! `gst_audit`: returns month by month, registers, and what the books say beside them.

use crate::filing::gst_returns::{reconciliation, service as returns, tables};
use crate::filing::period::ReturnPeriod;
use crate::platform::http::Problem;
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::Rx;
use crate::reporting::exports::sheet::Kind::{Code, Count, Date, Decimal, Flag, Instant, Money, Text};
use crate::reporting::exports::sheet::{Column, Scope, Sheet, col};
use crate::reporting::exports::types::ExportFormat;
use crate::reporting::exports::writer::Files;
use crate::row;
use crate::tax::gst::limits::credit_note_last_day;
use chrono::NaiveDate;
use serde_json::Value;

/// Table 13 of GSTR-1 by series: how many numbers were taken, cancelled, and skipped (none).
pub static DOCUMENTS_ISSUED: Sheet = Sheet {
    name: "documents_issued",
    with: "",
    columns: &[
        col("gstin", Code, "g.gstin"),
        col("document_kind", Code, "s.document_kind"),
        col("fiscal_year", Count, "s.fiscal_year"),
        col("prefix", Text, "s.prefix"),
        col("first_number", Text, "u.first"),
        col("last_number", Text, "u.last"),
        col("numbers_taken", Count, "s.next_number - 1"),
        col("documents", Count, "u.used"),
        col("cancelled", Count, "u.cancelled"),
        col("missing", Count, "s.next_number - 1 - u.used"),
    ],
    from: "FROM number_series s JOIN gst_registration g ON g.company_id = s.company_id AND g.id = s.registration_id
        CROSS JOIN LATERAL (SELECT count(*) AS used, count(*) FILTER (WHERE i.status = 'cancelled') AS cancelled, min(i.number) AS first, max(i.number) AS last FROM invoice i
            WHERE i.company_id = $1 AND i.registration_id = s.registration_id AND i.fiscal_year = s.fiscal_year AND i.kind = s.document_kind AND starts_with(i.number, s.prefix) AND substr(i.number, length(s.prefix) + 1) ~ '^[0-9]+$') AS u
        WHERE s.company_id = $1 AND s.document_kind IN ('invoice', 'credit_note', 'debit_note') AND s.next_number > 1 AND ($6 IS NULL OR g.gstin = ANY($6)) ORDER BY g.gstin, s.document_kind, s.fiscal_year, s.prefix",
    totals: &[],
};

/// Outward supplies by HSN as the documents have them: credit notes taken off, table 12 by month.
pub static HSN_SUMMARY: Sheet = Sheet {
    name: "hsn_summary",
    with: "WITH line AS (
            SELECT i.seller_gstin, to_char(i.invoice_date, 'YYYY-MM') AS period, (i.buyer_gstin IS NOT NULL) AS registered, l.hsn_code, l.unit, l.is_service, l.tax_rate, CASE i.kind WHEN 'credit_note' THEN -1 ELSE 1 END AS s, i.exchange_rate AS x, l.quantity, l.taxable_value, l.cgst, l.sgst, l.igst, l.cess
            FROM invoice i JOIN invoice_line l ON l.company_id = i.company_id AND l.invoice_id = i.id
            WHERE i.company_id = $1 AND i.status = 'issued' AND i.tax_effect = 'gst' AND i.invoice_date BETWEEN $4 AND $5 AND ($6 IS NULL OR i.seller_gstin = ANY($6)))",
    columns: &[
        col("gstin", Code, "seller_gstin"),
        col("period", Code, "period"),
        col("recipient", Code, "CASE WHEN registered THEN 'B2B' ELSE 'B2C' END"),
        col("hsn_code", Code, "hsn_code"),
        col("unit", Code, "CASE WHEN is_service THEN 'NA' ELSE unit END"),
        col("tax_rate", Decimal, "tax_rate"),
        col("quantity", Decimal, "sum(CASE WHEN is_service THEN 0 ELSE s * quantity END)"),
        col("taxable_value", Money, "round(sum(s * x * taxable_value), 4)"),
        col("cgst", Money, "round(sum(s * x * cgst), 4)"),
        col("sgst", Money, "round(sum(s * x * sgst), 4)"),
        col("igst", Money, "round(sum(s * x * igst), 4)"),
        col("cess", Money, "round(sum(s * x * cess), 4)"),
    ],
    from: "FROM line GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6",
    totals: &["taxable_value", "cgst", "sgst", "igst", "cess"],
};

pub static EINVOICE_REGISTER: Sheet = Sheet {
    name: "einvoice_register",
    with: "",
    columns: &[
        col("gstin", Code, "i.seller_gstin"),
        col("document_kind", Code, "i.kind"),
        col("document_id", Code, "i.id"),
        col("document_number", Text, "i.number"),
        col("document_date", Date, "i.invoice_date"),
        col("document_status", Code, "i.status"),
        col("buyer_gstin", Code, "i.buyer_gstin"),
        col("supply_type", Code, "i.supply_type"),
        col("einvoice_status", Code, "n.status"),
        col("irn", Code, "n.irn"),
        col("ack_no", Code, "n.ack_no"),
        col("ack_at", Instant, "n.ack_at"),
        col("eway_bill_no", Code, "n.eway_bill_no"),
        col("cancelled_at", Instant, "n.cancelled_at"),
        col("cancel_code", Count, "n.cancel_code"),
        col("error_code", Code, "n.error_code"),
        col("recorded_by", Code, "n.created_by"),
    ],
    from: "FROM invoice i LEFT JOIN einvoice n ON n.company_id = i.company_id AND n.document_id = i.id
        WHERE i.company_id = $1 AND i.number IS NOT NULL AND (n.document_id IS NOT NULL OR i.buyer_gstin IS NOT NULL) AND i.invoice_date BETWEEN $4 AND $5 AND ($6 IS NULL OR i.seller_gstin = ANY($6)) ORDER BY i.invoice_date, i.id",
    totals: &[],
};

/// What amended filed returns, by the return that holds the amendment.
pub static AMENDMENTS: Sheet = Sheet {
    name: "amendments",
    with: "",
    columns: &[
        col("gstin", Code, "r.gstin"),
        col("period", Code, "to_char(r.period, 'YYYY-MM')"),
        col("arn", Code, "r.arn"),
        col("filed_on", Date, "r.filed_on"),
        col("section", Code, "d.section"),
        col("document_id", Code, "d.document_id"),
        col("document_number", Text, "i.number"),
        col("document_date", Date, "i.invoice_date"),
        col("taxable_value", Money, "d.txval"),
        col("igst", Money, "d.iamt"),
        col("cgst", Money, "d.camt"),
        col("sgst", Money, "d.samt"),
        col("cess", Money, "d.csamt"),
    ],
    from: "FROM gst_return r JOIN gst_return_document d ON d.company_id = r.company_id AND d.return_id = r.id LEFT JOIN invoice i ON i.company_id = d.company_id AND i.id = d.document_id
        WHERE r.company_id = $1 AND d.amends AND r.period BETWEEN date_trunc('month', $4)::date AND $5 AND ($6 IS NULL OR r.gstin = ANY($6)) ORDER BY r.period, r.gstin, d.section, d.document_id",
    totals: &[],
};

static CREDIT_NOTES: &[Column] = &[
    col("gstin", Code, ""),
    col("note_id", Code, ""),
    col("note_number", Text, ""),
    col("note_date", Date, ""),
    col("original_invoice_id", Code, ""),
    col("original_number", Text, ""),
    col("original_date", Date, ""),
    // Section 34(2): after this day a credit note no longer reduces the tax.
    col("last_day_for_tax", Date, ""),
    col("within_window", Flag, ""),
    col("tax_effect", Code, ""),
    col("status", Code, ""),
    col("currency", Code, ""),
    col("taxable_value", Decimal, ""),
    col("tax", Decimal, ""),
];

static RECONCILIATION: &[Column] = &[
    col("gstin", Code, ""),
    col("period", Code, ""),
    col("state", Code, ""),
    col("document_type", Code, ""),
    col("document_id", Code, ""),
    col("document_number", Text, ""),
    col("code", Code, ""),
    col("igst_of_return", Decimal, ""),
    col("igst_of_books", Decimal, ""),
    col("igst_difference", Decimal, ""),
    col("cgst_difference", Decimal, ""),
    col("sgst_difference", Decimal, ""),
    col("cess_difference", Decimal, ""),
    col("detail", Text, ""),
];

row! { struct MonthRow { gstin: String, month: NaiveDate } }
row! {
    struct NoteRow {
        gstin: String, id: uuid::Uuid, number: String, note_date: NaiveDate, original_id: Option<uuid::Uuid>, original_number: Option<String>, original_date: Option<NaiveDate>,
        tax_effect: String, status: String, currency: String, taxable_value: rust_decimal::Decimal, tax: rust_decimal::Decimal,
    }
}

/// Months in which a registration has documents, advances or a filed return.
fn months(rx: &mut Rx<'_>, scope: &Scope) -> Result<Vec<(String, ReturnPeriod)>, Problem> {
    let company = rx.company();
    let rows: Vec<MonthRow> = rx.load(
        Sql::new(
            "SELECT DISTINCT g.gstin, m.month FROM (
                SELECT registration_id, date_trunc('month', invoice_date)::date AS month FROM invoice WHERE company_id = $1 AND number IS NOT NULL AND invoice_date BETWEEN $2 AND $3
                UNION SELECT registration_id, date_trunc('month', moved_on)::date FROM gst_advance WHERE company_id = $1 AND moved_on BETWEEN $2 AND $3
                UNION SELECT registration_id, period FROM gst_return WHERE company_id = $1 AND period BETWEEN date_trunc('month', $2)::date AND $3
             ) AS m JOIN gst_registration g ON g.company_id = $1 AND g.id = m.registration_id WHERE cardinality($4) = 0 OR g.gstin = ANY($4) ORDER BY 1, 2",
        )
        .bind(company)
        .bind(scope.from)
        .bind(scope.to)
        .bind(Many(scope.gstins.clone())),
    )?;
    Ok(rows.into_iter().map(|row| (row.gstin, ReturnPeriod::of(row.month))).collect())
}

/// Writes all files of the type. Gives how many documents of returns and books differ.
pub fn write(rx: &mut Rx<'_>, files: &mut Files<'_>, scope: &Scope, format: ExportFormat) -> Result<usize, Problem> {
    for sheet in [&DOCUMENTS_ISSUED, &HSN_SUMMARY, &EINVOICE_REGISTER, &AMENDMENTS] {
        files.sheet(rx, sheet, scope)?;
    }
    credit_notes(rx, files, scope)?;
    let (mut differences, mut reconciled) = (0, Vec::new());
    for (gstin, period) in months(rx, scope)? {
        let kept = returns::content(rx, &gstin, period)?;
        let name = |form: &str| format!("{form}_{gstin}_{}", period.fp());
        files.bytes(&format!("{}.json", name("gstr1")), kept.gstr1.as_bytes(), 0)?;
        files.bytes(&format!("{}.json", name("gstr3b")), kept.gstr3b.as_bytes(), 0)?;
        match format {
            ExportFormat::Csv => files.bytes(&format!("{}.csv", name("gstr1")), &tables::csv(&kept.gstr1, None)?, 0)?,
            ExportFormat::Xlsx => files.bytes(&format!("{}.xlsx", name("gstr1")), &tables::xlsx(&kept.gstr1)?, 0)?,
            ExportFormat::Jsonl => {}
        }
        let found = reconciliation::reconcile(rx, &gstin, period)?;
        differences += found.difference_count;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let found = serde_json::to_value(&found).map_err(|error| Problem::internal(&error))?;
        let mut line = |row: &Value, tax: &Value| {
            reconciled.push(vec![
                Some(gstin.clone()),
                Some(period.label()),
                text(&found["state"]),
                text(&row["document_type"]),
                text(&row["document_id"]),
                text(&row["document_number"]),
                Some(text(&row["code"]).unwrap_or_else(|| "total".into())),
                if row.is_null() { text(&found["return"]["igst"]) } else { None },
                if row.is_null() { text(&found["books"]["igst"]) } else { None },
                text(&tax["igst"]),
                text(&tax["cgst"]),
                text(&tax["sgst"]),
                text(&tax["cess"]),
                text(&row["detail"]),
            ]);
        };
        line(&Value::Null, &found["difference"]);
        for row in found["differences"].as_array().into_iter().flatten() {
            line(row, &row["difference"]);
        }
    }
    files.computed("returns_reconciliation", RECONCILIATION, reconciled)?;
    Ok(differences)
}

fn credit_notes(rx: &mut Rx<'_>, files: &mut Files<'_>, scope: &Scope) -> Result<(), Problem> {
    let company = rx.company();
    let notes: Vec<NoteRow> = rx.load(
        Sql::new(
            "SELECT n.seller_gstin AS gstin, n.id, n.number, n.invoice_date AS note_date, n.original_invoice_id AS original_id, i.number AS original_number, i.invoice_date AS original_date, n.tax_effect, n.status, n.currency,
                    n.taxable_value::numeric AS taxable_value, (n.cgst + n.sgst + n.igst + n.cess)::numeric AS tax
             FROM invoice n LEFT JOIN invoice i ON i.company_id = n.company_id AND i.id = n.original_invoice_id
             WHERE n.company_id = $1 AND n.kind = 'credit_note' AND n.number IS NOT NULL AND n.invoice_date BETWEEN $2 AND $3 AND (cardinality($4) = 0 OR n.seller_gstin = ANY($4)) ORDER BY n.invoice_date, n.id",
        )
        .bind(company)
        .bind(scope.from)
        .bind(scope.to)
        .bind(Many(scope.gstins.clone())),
    )?;
    let line = |row: NoteRow| {
        let last_day = row.original_date.map(credit_note_last_day);
        vec![
            Some(row.gstin),
            Some(row.id.to_string()),
            Some(row.number),
            Some(row.note_date.to_string()),
            row.original_id.map(|id| id.to_string()),
            row.original_number,
            row.original_date.map(|date| date.to_string()),
            last_day.map(|day| day.to_string()),
            last_day.map(|day| (row.note_date <= day).to_string()),
            Some(row.tax_effect),
            Some(row.status),
            Some(row.currency),
            Some(row.taxable_value.to_string()),
            Some(row.tax.to_string()),
        ]
    };
    files.computed("credit_notes", CREDIT_NOTES, notes.into_iter().map(line))
}
