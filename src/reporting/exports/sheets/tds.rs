//! `tds_26as`: tax customers deducted, beside their certificates and what Form 26AS shows.

use crate::reporting::exports::sheet::Kind::{Code, Count, Date, Decimal, Flag, Instant, Money, Text};
use crate::reporting::exports::sheet::{Sheet, col};

// Fiscal years and quarters of income tax begin in April, whatever year the company keeps.
pub static DEDUCTIONS: Sheet = Sheet {
    name: "tds_deductions",
    with: "",
    columns: &[
        col("receipt_id", Code, "d.receipt_id"),
        col("receipt_number", Text, "r.number"),
        col("line_no", Count, "d.line_no"),
        col("customer_id", Code, "r.customer_id"),
        col("customer_name", Text, "c.legal_name"),
        col("customer_pan", Code, "c.pan"),
        col("deducted_on", Date, "r.receipt_date"),
        col("fiscal_year", Count, "extract(year FROM r.receipt_date - interval '3 months')::int"),
        col("quarter", Count, "extract(quarter FROM r.receipt_date - interval '3 months')::int"),
        col("section", Code, "d.section"),
        col("rate", Decimal, "d.rate"),
        col("amount", Money, "d.amount"),
        col("reversed", Flag, "EXISTS (SELECT FROM journal_entry m WHERE m.company_id = r.company_id AND m.reverses_id = r.entry_id)"),
        col("certificate_id", Code, "t.id"),
        col("certificate_number", Text, "t.certificate_number"),
    ],
    from: "FROM receipt_deduction d JOIN receipt r ON r.company_id = d.company_id AND r.id = d.receipt_id LEFT JOIN customer c ON c.company_id = r.company_id AND c.id = r.customer_id
        LEFT JOIN tds_certificate_line l ON l.company_id = d.company_id AND l.receipt_id = d.receipt_id AND l.line_no = d.line_no LEFT JOIN tds_certificate t ON t.company_id = l.company_id AND t.id = l.certificate_id
        WHERE d.company_id = $1 AND d.kind = 'tds' AND r.state NOT IN ('held', 'unidentified') AND r.receipt_date BETWEEN $4 AND $5 ORDER BY r.receipt_date, d.receipt_id, d.line_no",
    totals: &["amount"],
};

pub static CERTIFICATES: Sheet = Sheet {
    name: "tds_certificates",
    with: "",
    columns: &[
        col("certificate_id", Code, "t.id"),
        col("certificate_number", Text, "t.certificate_number"),
        col("certificate_date", Date, "t.certificate_date"),
        col("customer_id", Code, "t.customer_id"),
        col("customer_name", Text, "c.legal_name"),
        col("section", Code, "t.section"),
        col("fiscal_year", Count, "t.fiscal_year"),
        col("quarter", Count, "t.quarter"),
        col("amount", Money, "t.amount"),
        col("deducted", Money, "coalesce(d.amount, 0)"),
        col("in_26as", Money, "s.amount"),
        col("seen_on", Date, "s.seen_on"),
        col("shortfall_posted", Money, "coalesce(f.amount, 0)"),
        col("created_by", Code, "t.created_by"),
        col("created_at", Instant, "t.recorded_at"),
    ],
    from: "FROM tds_certificate t JOIN customer c ON c.company_id = t.company_id AND c.id = t.customer_id
        LEFT JOIN (SELECT x.certificate_id, sum(y.amount) AS amount FROM tds_certificate_line x JOIN receipt_deduction y ON y.company_id = x.company_id AND y.receipt_id = x.receipt_id AND y.line_no = x.line_no WHERE x.company_id = $1 GROUP BY 1) AS d ON d.certificate_id = t.id
        LEFT JOIN (SELECT DISTINCT ON (certificate_id) certificate_id, seen_on, amount FROM tds_sighting WHERE company_id = $1 ORDER BY certificate_id, id DESC) AS s ON s.certificate_id = t.id
        LEFT JOIN (SELECT x.certificate_id, sum(x.amount) AS amount FROM tds_shortfall x WHERE x.company_id = $1
            AND NOT EXISTS (SELECT FROM journal_entry m WHERE m.company_id = x.company_id AND m.document_id = x.id AND m.reverses_id IS NOT NULL) GROUP BY 1) AS f ON f.certificate_id = t.id
        WHERE t.company_id = $1 AND t.certificate_date BETWEEN $4 AND $5 ORDER BY t.certificate_date, t.id",
    totals: &["amount", "deducted", "shortfall_posted"],
};

/// Year, quarter, customer and section, side by side.
pub static RECONCILIATION: Sheet = Sheet {
    name: "tds_reconciliation",
    with: "WITH deducted AS (
            SELECT r.customer_id, d.section, extract(year FROM r.receipt_date - interval '3 months')::int AS fiscal_year, extract(quarter FROM r.receipt_date - interval '3 months')::int AS quarter, sum(d.amount) AS amount
            FROM receipt_deduction d JOIN receipt r ON r.company_id = d.company_id AND r.id = d.receipt_id
            WHERE d.company_id = $1 AND d.kind = 'tds' AND r.state = 'recorded' AND r.receipt_date BETWEEN $4 AND $5 GROUP BY 1, 2, 3, 4),
        certified AS (
            SELECT t.customer_id, t.section, t.fiscal_year, t.quarter, sum(t.amount) AS amount, sum(s.amount) AS seen FROM tds_certificate t
            LEFT JOIN (SELECT DISTINCT ON (certificate_id) certificate_id, amount FROM tds_sighting WHERE company_id = $1 ORDER BY certificate_id, id DESC) AS s ON s.certificate_id = t.id
            WHERE t.company_id = $1 AND t.certificate_date BETWEEN $4 AND $5 GROUP BY 1, 2, 3, 4)",
    columns: &[
        col("fiscal_year", Count, "fiscal_year"),
        col("quarter", Count, "quarter"),
        col("customer_id", Code, "customer_id"),
        col("customer_name", Text, "c.legal_name"),
        col("section", Code, "section"),
        col("deducted", Money, "coalesce(d.amount, 0)"),
        col("certified", Money, "coalesce(t.amount, 0)"),
        col("in_26as", Money, "coalesce(t.seen, 0)"),
        col("not_certified", Money, "coalesce(d.amount, 0) - coalesce(t.amount, 0)"),
        col("not_in_26as", Money, "coalesce(t.amount, 0) - coalesce(t.seen, 0)"),
    ],
    from: "FROM deducted d FULL JOIN certified t USING (fiscal_year, quarter, customer_id, section) LEFT JOIN customer c ON c.company_id = $1 AND c.id = customer_id ORDER BY 1, 2, 4, 3, 5",
    totals: &["deducted", "certified", "in_26as", "not_certified", "not_in_26as"],
};
