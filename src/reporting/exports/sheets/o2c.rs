//! `audit_o2c`: order to cash. Flat files in the shape of the AICPA Audit Data Standard: ids repeated, nothing nested.

use super::{approved, open_at};
use crate::reporting::exports::sheet::Kind::{Code, Count, Date, Decimal, Flag, Instant, Money, MoneyIn, Text};
use crate::reporting::exports::sheet::{Sheet, col};

pub static CUSTOMER_MASTER: Sheet = Sheet {
    name: "customer_master",
    with: "",
    columns: &[
        col("customer_id", Code, "c.id"),
        col("customer_code", Text, "c.code"),
        col("external_id", Text, "c.external_id"),
        col("legal_name", Text, "c.legal_name"),
        col("kind", Code, "c.kind"),
        col("pan", Code, "c.pan"),
        col("gstin", Code, "c.gstin"),
        col("bill_line1", Text, "b.line1"),
        col("bill_line2", Text, "b.line2"),
        col("bill_city", Text, "b.city"),
        col("bill_state_code", Code, "b.state_code"),
        col("bill_postal_code", Text, "b.postal_code"),
        col("bill_country", Code, "b.country"),
        col("ship_line1", Text, "s.line1"),
        col("ship_line2", Text, "s.line2"),
        col("ship_city", Text, "s.city"),
        col("ship_state_code", Code, "s.state_code"),
        col("ship_postal_code", Text, "s.postal_code"),
        col("ship_country", Code, "s.country"),
        col("currency", Code, "c.currency"),
        col("terms_code", Text, "t.code"),
        col("terms_days", Count, "c.payment_terms_days"),
        col("salesperson_id", Code, "c.salesperson_id"),
        col("collector_id", Code, "c.collector_id"),
        col("status", Code, "CASE WHEN c.active THEN 'active' ELSE 'inactive' END"),
        col("created_by", Code, "c.created_by"),
        col("created_at", Instant, "c.created_at"),
        col("updated_at", Instant, "c.updated_at"),
    ],
    from: "FROM customer c LEFT JOIN payment_terms t ON t.company_id = c.company_id AND t.id = c.payment_terms_id
        LEFT JOIN (SELECT DISTINCT ON (customer_id) * FROM customer_address WHERE company_id = $1 AND kind = 'billing' ORDER BY customer_id, is_default DESC, created_at, id) AS b ON b.customer_id = c.id
        LEFT JOIN (SELECT DISTINCT ON (customer_id) * FROM customer_address WHERE company_id = $1 AND kind = 'shipping' ORDER BY customer_id, is_default DESC, created_at, id) AS s ON s.customer_id = c.id
        WHERE c.company_id = $1 ORDER BY c.code, c.id",
    totals: &[],
};

/// What bills: invoices and debit notes. Credit notes are among the adjustments.
pub static INVOICES: Sheet = Sheet {
    name: "invoices_generated",
    with: concat!("WITH ", approved!()),
    columns: &[
        col("invoice_id", Code, "i.id"),
        col("invoice_number", Text, "i.number"),
        col("document_kind", Code, "i.kind"),
        col("external_id", Text, "i.external_id"),
        col("invoice_date", Date, "i.invoice_date"),
        col("invoice_due_date", Date, "i.due_date"),
        col("posting_date", Date, "e.posting_date"),
        col("fiscal_year", Count, "i.fiscal_year"),
        col("period", Code, "to_char(e.posting_date, 'YYYY-MM')"),
        col("status", Code, "i.status"),
        col("customer_id", Code, "i.customer_id"),
        col("customer_code", Text, "c.code"),
        col("customer_name", Text, "i.customer_name"),
        col("seller_gstin", Code, "i.seller_gstin"),
        col("buyer_gstin", Code, "i.buyer_gstin"),
        col("place_of_supply", Code, "i.place_of_supply"),
        col("supply_type", Code, "i.supply_type"),
        col("reverse_charge", Flag, "i.reverse_charge"),
        col("terms_code", Text, "t.code"),
        col("po_reference", Text, "i.po_reference"),
        col("original_invoice_id", Code, "i.original_invoice_id"),
        col("currency", Code, "i.currency"),
        col("exchange_rate", Decimal, "i.exchange_rate"),
        col("taxable_value", MoneyIn, "i.taxable_value"),
        col("cgst", MoneyIn, "i.cgst"),
        col("sgst", MoneyIn, "i.sgst"),
        col("igst", MoneyIn, "i.igst"),
        col("cess", MoneyIn, "i.cess"),
        col("round_off", MoneyIn, "i.round_off"),
        col("grand_total", MoneyIn, "i.grand_total"),
        col("grand_total_base", Money, "o.base"),
        col("irn", Code, "n.irn"),
        col("einvoice_status", Code, "n.status"),
        col("cancelled_on", Date, "i.cancelled_on"),
        col("cancel_reason", Text, "i.cancel_reason"),
        col("journal_id", Code, "i.entry_id"),
        col("created_by", Code, "i.created_by"),
        col("approved_by", Code, "a.approved_by"),
        col("source_system", Code, "CASE WHEN starts_with(i.created_by, 'client:') THEN i.created_by ELSE 'ui' END"),
        col("created_at", Instant, "i.created_at"),
        col("updated_at", Instant, "i.updated_at"),
    ],
    from: "FROM invoice i JOIN journal_entry e ON e.company_id = i.company_id AND e.id = i.entry_id JOIN customer c ON c.company_id = i.company_id AND c.id = i.customer_id
        LEFT JOIN (SELECT entry_id, sum(base_amount) AS base FROM open_item WHERE company_id = $1 GROUP BY entry_id) AS o ON o.entry_id = i.entry_id
        LEFT JOIN payment_terms t ON t.company_id = i.company_id AND t.id = i.payment_terms_id LEFT JOIN einvoice n ON n.company_id = i.company_id AND n.document_id = i.id LEFT JOIN approved a ON a.subject_id = i.id
        WHERE i.company_id = $1 AND i.kind IN ('invoice', 'debit_note') AND i.number IS NOT NULL AND i.invoice_date BETWEEN $4 AND $5 AND ($6 IS NULL OR i.seller_gstin = ANY($6))
        ORDER BY i.invoice_date, i.id",
    totals: &["taxable_value", "grand_total", "grand_total_base"],
};

pub static INVOICE_LINES: Sheet = Sheet {
    name: "invoice_lines",
    with: "",
    columns: &[
        col("invoice_id", Code, "i.id"),
        col("invoice_number", Text, "i.number"),
        col("document_kind", Code, "i.kind"),
        col("invoice_date", Date, "i.invoice_date"),
        col("line_no", Count, "l.line_no"),
        col("item_id", Code, "l.item_id"),
        col("description", Text, "l.description"),
        col("hsn_code", Code, "l.hsn_code"),
        col("is_service", Flag, "l.is_service"),
        col("quantity", Decimal, "l.quantity"),
        col("unit", Code, "l.unit"),
        col("unit_price", Decimal, "l.unit_price"),
        col("currency", Code, "i.currency"),
        col("discount", MoneyIn, "l.discount"),
        col("treatment", Code, "l.treatment"),
        col("tax_rate", Decimal, "l.tax_rate"),
        col("cess_rate", Decimal, "l.cess_rate"),
        col("taxable_value", MoneyIn, "l.taxable_value"),
        col("cgst", MoneyIn, "l.cgst"),
        col("sgst", MoneyIn, "l.sgst"),
        col("igst", MoneyIn, "l.igst"),
        col("cess", MoneyIn, "l.cess"),
        col("line_total", MoneyIn, "l.line_total"),
    ],
    from: "FROM invoice i JOIN invoice_line l ON l.company_id = i.company_id AND l.invoice_id = i.id
        WHERE i.company_id = $1 AND i.number IS NOT NULL AND i.kind IN ('invoice', 'debit_note') AND i.invoice_date BETWEEN $4 AND $5 AND ($6 IS NULL OR i.seller_gstin = ANY($6))
        ORDER BY i.invoice_date, i.id, l.line_no",
    totals: &["taxable_value"],
};

/// Balances are in base currency, debits positive and credits negative, so that their sum is the receivable.
pub static OPEN_RECEIVABLES: Sheet = Sheet {
    name: "open_accounts_receivable",
    with: open_at!(),
    columns: &[
        col("open_item_id", Code, "o.id"),
        col("customer_id", Code, "o.customer_id"),
        col("customer_code", Text, "c.code"),
        col("customer_name", Text, "c.legal_name"),
        col("transaction_id", Code, "o.document_id"),
        col("transaction_type", Code, "o.document_kind"),
        col("transaction_number", Text, "o.document_number"),
        col("instalment_no", Count, "o.instalment_no"),
        col("transaction_date", Date, "o.document_date"),
        col("posting_date", Date, "o.posting_date"),
        col("transaction_due_date", Date, "o.due_date"),
        col("days_overdue", Count, "greatest($2 - o.due_date, 0)"),
        col("amount_credit_debit_indicator", Code, "CASE o.side WHEN 'debit' THEN 'D' ELSE 'C' END"),
        col("currency", Code, "o.currency"),
        col("original_balance_in_currency", MoneyIn, "CASE o.side WHEN 'debit' THEN o.own_amount ELSE -o.own_amount END"),
        col("balance_in_currency", MoneyIn, "CASE o.side WHEN 'debit' THEN o.own_open ELSE -o.own_open END"),
        col("original_balance", Money, "CASE o.side WHEN 'debit' THEN o.amount ELSE -o.amount END"),
        col("balance", Money, "CASE o.side WHEN 'debit' THEN o.open ELSE -o.open END"),
    ],
    from: "FROM open_at o JOIN customer c ON c.company_id = $1 AND c.id = o.customer_id WHERE o.open <> 0 ORDER BY o.id",
    totals: &["original_balance", "balance"],
};

pub static CASH_RECEIVED: Sheet = Sheet {
    name: "cash_received",
    with: concat!("WITH ", approved!()),
    columns: &[
        col("transaction_id", Code, "r.id"),
        col("transaction_number", Text, "r.number"),
        col("external_id", Text, "r.external_id"),
        col("transaction_date", Date, "r.receipt_date"),
        col("value_date", Date, "r.value_date"),
        col("posting_date", Date, "r.posting_date"),
        col("fiscal_year", Count, "r.fiscal_year"),
        col("state", Code, "r.state"),
        col("customer_id", Code, "r.customer_id"),
        col("customer_code", Text, "c.code"),
        col("customer_name", Text, "c.legal_name"),
        col("payer_name", Text, "r.payer_name"),
        col("method", Code, "r.method"),
        col("reference_number", Text, "r.utr"),
        col("cheque_number", Text, "r.cheque_number"),
        col("cheque_date", Date, "r.cheque_date"),
        col("clearing", Code, "r.clearing"),
        col("bank_account_id", Code, "r.bank_account_id"),
        col("bank_account_name", Text, "b.name"),
        col("currency", Code, "r.currency"),
        col("exchange_rate", Decimal, "r.exchange_rate"),
        col("amount_received", MoneyIn, "r.amount_received"),
        col("settlement_currency", Code, "r.settlement_currency"),
        col("gross_settled", Decimal, "r.gross_settled"),
        col("tds_deducted", Decimal, "d.tds"),
        col("other_deductions", Decimal, "d.others"),
        col("amount_received_base", Money, "round(r.amount_received * r.exchange_rate, 4)"),
        col("ended_on", Date, "r.ended_on"),
        col("end_reason", Text, "r.end_reason"),
        col("duplicate_allowed", Flag, "r.duplicate_allowed"),
        col("journal_id", Code, "r.entry_id"),
        col("entered_by", Code, "r.created_by"),
        col("approved_by", Code, "a.approved_by"),
        col("source_system", Code, "CASE WHEN starts_with(r.created_by, 'client:') THEN r.created_by ELSE 'ui' END"),
        col("created_at", Instant, "r.created_at"),
    ],
    from: "FROM receipt r LEFT JOIN customer c ON c.company_id = r.company_id AND c.id = r.customer_id LEFT JOIN bank_account b ON b.company_id = r.company_id AND b.id = r.bank_account_id
        LEFT JOIN (SELECT receipt_id, sum(amount) FILTER (WHERE kind = 'tds') AS tds, sum(amount) FILTER (WHERE kind <> 'tds') AS others FROM receipt_deduction WHERE company_id = $1 GROUP BY receipt_id) AS d ON d.receipt_id = r.id
        LEFT JOIN gst_registration g ON g.company_id = r.company_id AND g.id = r.registration_id LEFT JOIN approved a ON a.subject_id = r.id
        WHERE r.company_id = $1 AND r.receipt_date BETWEEN $4 AND $5 AND ($6 IS NULL OR g.gstin = ANY($6)) ORDER BY r.receipt_date, r.id",
    totals: &["amount_received", "amount_received_base"],
};

pub static CASH_APPLICATION: Sheet = Sheet {
    name: "cash_application",
    with: concat!("WITH ", approved!()),
    columns: &[
        col("allocation_id", Code, "s.id"),
        col("applied_on", Date, "s.effective_on"),
        col("kind", Code, "s.kind"),
        col("customer_id", Code, "s.customer_id"),
        col("customer_code", Text, "c.code"),
        col("source_type", Code, "x.document_kind"),
        col("source_id", Code, "x.document_id"),
        col("source_number", Text, "x.document_number"),
        col("target_type", Code, "y.document_kind"),
        col("target_id", Code, "y.document_id"),
        col("target_number", Text, "y.document_number"),
        col("currency", Code, "x.currency"),
        col("amount", MoneyIn, "s.amount"),
        col("source_base", Money, "s.credit_base"),
        col("target_base", Money, "s.debit_base"),
        col("rule", Code, "s.rule"),
        col("reason", Text, "s.reason"),
        col("reverses_id", Code, "s.reverses_id"),
        col("journal_id", Code, "s.entry_id"),
        col("requested_by", Code, "coalesce(a.requested_by, s.actor)"),
        col("approved_by", Code, "a.approved_by"),
        col("entered_by", Code, "s.actor"),
        col("recorded_at", Instant, "s.recorded_at"),
    ],
    from: "FROM allocation s JOIN open_item x ON x.company_id = s.company_id AND x.id = s.credit_item_id JOIN open_item y ON y.company_id = s.company_id AND y.id = s.debit_item_id
        JOIN customer c ON c.company_id = s.company_id AND c.id = s.customer_id LEFT JOIN approved a ON a.subject_id = coalesce(s.reverses_id, x.document_id)
        WHERE s.company_id = $1 AND s.effective_on BETWEEN $4 AND $5 ORDER BY s.effective_on, s.id",
    totals: &["target_base"],
};

/// What changes a receivable beside invoices and money: credit notes, write-offs, recoveries, adjustments, refunds and
/// opening items. Amounts carry the sign of what they do to the receivable.
pub static ADJUSTMENTS: Sheet = Sheet {
    name: "ar_adjustments",
    with: concat!(
        "WITH ",
        approved!(),
        ", adjusted AS (
            SELECT n.id, 'credit_note' AS type, n.number, n.invoice_date AS day, n.customer_id, n.currency, -n.grand_total AS amount, n.status, n.reason_code, i.cancel_reason AS reason, 'invoice' AS source_type, n.original_invoice_id AS source_id, i.number AS source_number, n.created_by, n.created_at
            FROM invoice n LEFT JOIN invoice i ON i.company_id = n.company_id AND i.id = n.original_invoice_id WHERE n.company_id = $1 AND n.kind = 'credit_note' AND n.number IS NOT NULL AND ($6 IS NULL OR n.seller_gstin = ANY($6))
            UNION ALL SELECT w.id, 'write_off', w.number, w.written_off_on, w.customer_id, w.currency, -l.amount, w.status, w.reason_code, w.reason, l.target_kind, l.target_id, l.target_number, w.created_by, w.created_at
            FROM write_off w JOIN write_off_line l ON l.company_id = w.company_id AND l.write_off_id = w.id WHERE w.company_id = $1
            UNION ALL SELECT v.id, 'recovery', r.number, v.recovered_on, v.customer_id, w.currency, v.amount, 'posted', NULL, w.reason, 'write_off', v.write_off_id, w.number, v.created_by, v.recorded_at
            FROM recovery v JOIN write_off w ON w.company_id = v.company_id AND w.id = v.write_off_id JOIN receipt r ON r.company_id = v.company_id AND r.id = v.receipt_id WHERE v.company_id = $1
            UNION ALL SELECT d.id, d.cause, d.number, d.adjusted_on, d.customer_id, d.currency, l.amount, d.status, d.reason_code, d.reason, o.document_kind, o.document_id, o.document_number, d.created_by, d.created_at
            FROM adjustment d JOIN adjustment_line l ON l.company_id = d.company_id AND l.adjustment_id = d.id JOIN open_item o ON o.company_id = l.company_id AND o.id = l.item_id WHERE d.company_id = $1
            UNION ALL SELECT f.id, 'refund', f.number, coalesce(f.paid_on, f.ended_on, (f.created_at AT TIME ZONE (SELECT time_zone FROM company WHERE id = $1))::date), f.customer_id, f.currency, f.amount, f.status, NULL, f.reason, f.source_kind, f.source_id, f.source_number, f.created_by, f.created_at
            FROM refund f WHERE f.company_id = $1
            UNION ALL SELECT p.id, 'opening_' || p.document_type, p.number, p.posting_date, p.customer_id, p.currency, CASE p.document_type WHEN 'invoice' THEN p.amount ELSE -p.amount END, p.status, NULL, NULL, NULL, NULL, NULL, p.created_by, p.recorded_at
            FROM opening_item p WHERE p.company_id = $1)"
    ),
    columns: &[
        col("adjustment_id", Code, "x.id"),
        col("adjustment_type", Code, "x.type"),
        col("adjustment_number", Text, "x.number"),
        col("adjustment_date", Date, "x.day"),
        col("status", Code, "x.status"),
        col("customer_id", Code, "x.customer_id"),
        col("customer_code", Text, "c.code"),
        col("currency", Code, "x.currency"),
        col("amount", MoneyIn, "x.amount"),
        col("reason_code", Code, "x.reason_code"),
        col("reason", Text, "coalesce(x.reason, a.reason)"),
        col("source_type", Code, "x.source_type"),
        col("source_id", Code, "x.source_id"),
        col("source_number", Text, "x.source_number"),
        col("requested_by", Code, "coalesce(a.requested_by, x.created_by)"),
        col("approved_by", Code, "a.approved_by"),
        col("entered_by", Code, "x.created_by"),
        col("created_at", Instant, "x.created_at"),
    ],
    from: "FROM adjusted x JOIN customer c ON c.company_id = $1 AND c.id = x.customer_id LEFT JOIN approved a ON a.subject_id = x.id
        WHERE x.day BETWEEN $4 AND $5 ORDER BY x.day, x.type, x.id, x.source_id, x.amount",
    totals: &["amount"],
};

pub static GL_DETAIL: Sheet = Sheet {
    name: "gl_detail",
    with: concat!("WITH ", approved!()),
    columns: &[
        col("journal_id", Code, "e.id"),
        col("line_no", Count, "l.line_no"),
        col("effective_date", Date, "e.posting_date"),
        col("period", Code, "to_char(e.posting_date, 'YYYY-MM')"),
        col("document_date", Date, "e.document_date"),
        col("source_type", Code, "e.document_kind"),
        col("source_id", Code, "e.document_id"),
        col("source_number", Text, "e.document_number"),
        col("account_code", Text, "g.code"),
        col("account_name", Text, "g.name"),
        col("customer_id", Code, "l.customer_id"),
        col("currency", Code, "e.currency"),
        col("exchange_rate", Decimal, "e.exchange_rate"),
        col("debit_in_currency", MoneyIn, "l.debit"),
        col("credit_in_currency", MoneyIn, "l.credit"),
        col("debit", Money, "l.base_debit"),
        col("credit", Money, "l.base_credit"),
        col("amount_credit_debit_indicator", Code, "CASE WHEN l.base_debit > 0 OR l.debit > 0 THEN 'D' ELSE 'C' END"),
        col("narration", Text, "e.narration"),
        col("reversal_indicator", Flag, "e.reverses_id IS NOT NULL"),
        col("reversal_journal_id", Code, "e.reverses_id"),
        col("entered_by", Code, "e.actor"),
        col("entered_at", Instant, "e.recorded_at"),
        col("approved_by", Code, "a.approved_by"),
    ],
    from: "FROM journal_entry e JOIN journal_line l ON l.company_id = e.company_id AND l.entry_id = e.id JOIN gl_account g ON g.company_id = l.company_id AND g.id = l.account_id LEFT JOIN approved a ON a.subject_id = e.document_id
        WHERE e.company_id = $1 AND e.posting_date BETWEEN $4 AND $5 ORDER BY e.posting_date, e.id, l.line_no",
    totals: &["debit", "credit"],
};

pub static TRIAL_BALANCE: Sheet = Sheet {
    name: "trial_balance",
    with: "WITH balance AS (SELECT account_id, sum(base_debit - base_credit) AS amount FROM journal_line WHERE company_id = $1 AND posting_date <= $2 GROUP BY account_id)",
    columns: &[
        col("account_code", Text, "g.code"),
        col("account_name", Text, "g.name"),
        col("class", Code, "g.class"),
        col("debit", Money, "greatest(b.amount, 0)"),
        col("credit", Money, "greatest(-b.amount, 0)"),
    ],
    from: "FROM balance b JOIN gl_account g ON g.company_id = $1 AND g.id = b.account_id ORDER BY g.code, g.id",
    totals: &["debit", "credit"],
};

pub static ACCOUNTS: Sheet = Sheet {
    name: "chart_of_accounts",
    with: "",
    columns: &[
        col("account_id", Code, "g.id"),
        col("account_code", Text, "g.code"),
        col("account_name", Text, "g.name"),
        col("class", Code, "g.class"),
        col("role", Code, "g.role"),
        col("is_control", Flag, "g.is_control"),
        col("active", Flag, "g.active"),
        col("created_at", Instant, "g.created_at"),
    ],
    from: "FROM gl_account g WHERE g.company_id = $1 ORDER BY g.code, g.id",
    totals: &[],
};

/// People and machines.
pub static USERS: Sheet = Sheet {
    name: "users",
    with: "",
    columns: &[
        col("user_id", Code, "u.id"),
        col("kind", Code, "u.kind"),
        col("email", Text, "u.email"),
        col("name", Text, "u.name"),
        col("roles", Code, "array_to_string(u.roles, ' ')"),
        col("active", Flag, "u.active"),
        col("valid_from", Date, "u.valid_from"),
        col("valid_to", Date, "u.valid_to"),
        col("last_used_at", Instant, "u.last_used_at"),
        col("created_at", Instant, "u.created_at"),
    ],
    from: "FROM (
            SELECT m.user_id AS id, 'user' AS kind, p.email, p.name, m.roles, m.active, m.valid_from, m.valid_to, m.last_login_at AS last_used_at, m.created_at FROM membership m JOIN app_user p ON p.id = m.user_id WHERE m.company_id = $1
            UNION ALL SELECT c.id, 'client', NULL, c.name, c.scopes, c.active, NULL, NULL, c.last_used_at, c.created_at FROM api_client c WHERE c.company_id = $1
        ) AS u ORDER BY u.kind DESC, u.email, u.name, u.id",
    totals: &[],
};
