//! `duebook verify`: rebuilds every balance of a company from entries and allocations and compares.

use super::periods::snapshots;
use crate::platform::http::Problem;
use crate::platform::ids::CompanyId;
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::Rx;

/// A law of the books with the statement that lists what breaks it.
pub struct Law {
    pub name: &'static str,
    sql: &'static str,
}

/// Each statement gives the offending ids as text; none is the law kept.
pub const LAWS: &[Law] = &[
    Law {
        name: "every entry balances and is complete",
        sql: "SELECT e.id::text FROM journal_entry e LEFT JOIN journal_line l ON l.company_id = e.company_id AND l.entry_id = e.id WHERE e.company_id = $1
              GROUP BY e.company_id, e.id HAVING count(l.line_no) <> e.line_count OR sum(l.debit - l.credit) <> 0 OR sum(l.base_debit - l.base_credit) <> 0 OR bool_or(l.posting_date <> e.posting_date)",
    },
    Law {
        name: "open amounts are the amount less its allocations",
        sql: "SELECT i.id::text FROM open_item i LEFT JOIN open_item_balance b ON b.company_id = i.company_id AND b.item_id = i.id
              LEFT JOIN (SELECT item_id, sum(amount) AS amount, sum(base) AS base FROM (
                    SELECT debit_item_id AS item_id, amount, debit_base AS base FROM allocation WHERE company_id = $1
                    UNION ALL SELECT credit_item_id, amount, credit_base FROM allocation WHERE company_id = $1) AS sides GROUP BY item_id) AS s ON s.item_id = i.id
              WHERE i.company_id = $1 AND (b.item_id IS NULL OR b.amount <> i.amount OR b.side <> i.side OR b.customer_id <> i.customer_id OR (b.due_date, b.document_date, b.original_due_date) <> (i.due_date, i.document_date, i.original_due_date)
                    OR b.open_amount <> i.amount - coalesce(s.amount, 0) OR b.open_base <> i.base_amount - coalesce(s.base, 0) OR b.open_amount NOT BETWEEN 0 AND i.amount)",
    },
    Law {
        name: "customer balances are the sums of their open items",
        sql: "SELECT c.id::text FROM customer c LEFT JOIN customer_balance b ON b.company_id = c.company_id AND b.customer_id = c.id
              LEFT JOIN (SELECT customer_id, sum(open_base) FILTER (WHERE side = 'debit') AS debit, sum(open_base) FILTER (WHERE side = 'credit') AS credit
                         FROM open_item_balance WHERE company_id = $1 GROUP BY customer_id) AS s ON s.customer_id = c.id
              WHERE c.company_id = $1 AND (b.customer_id IS NULL OR b.receivable <> coalesce(s.debit, 0) OR b.unapplied <> coalesce(s.credit, 0))",
    },
    Law {
        name: "the control account equals the open items and settlements of each entry, customer by customer",
        sql: "SELECT entry_id::text FROM (
                SELECT l.entry_id, l.customer_id, l.base_debit - l.base_credit AS moved FROM journal_line l JOIN gl_account a ON a.company_id = l.company_id AND a.id = l.account_id WHERE l.company_id = $1 AND a.is_control
                UNION ALL SELECT entry_id, customer_id, CASE WHEN side = 'debit' THEN -base_amount ELSE base_amount END FROM open_item WHERE company_id = $1
                UNION ALL SELECT s.entry_id, s.customer_id, s.debit_base FROM allocation s WHERE s.company_id = $1 AND s.entry_id IS NOT NULL
                UNION ALL SELECT s.entry_id, c.customer_id, -s.credit_base FROM allocation s JOIN open_item c ON c.company_id = s.company_id AND c.id = s.credit_item_id WHERE s.company_id = $1 AND s.entry_id IS NOT NULL
              ) AS moves GROUP BY entry_id, customer_id HAVING sum(moved) <> 0",
    },
    Law {
        name: "allocations join what belongs together, from the day both exist, and post what they change",
        sql: "SELECT a.id::text FROM allocation a JOIN open_item c ON c.company_id = a.company_id AND c.id = a.credit_item_id JOIN open_item d ON d.company_id = a.company_id AND d.id = a.debit_item_id
              LEFT JOIN journal_entry e ON e.company_id = a.company_id AND e.id = a.entry_id
              WHERE a.company_id = $1 AND (c.side <> 'credit' OR d.side <> 'debit' OR d.customer_id <> a.customer_id OR c.currency <> d.currency OR a.effective_on < greatest(c.posting_date, d.posting_date)
                    OR (c.customer_id <> d.customer_id OR a.credit_base <> a.debit_base) <> (a.entry_id IS NOT NULL) OR e.posting_date <> a.effective_on)",
    },
    Law {
        name: "numbers of billed documents have no gap and no double",
        sql: "SELECT s.prefix FROM number_series s LEFT JOIN invoice i ON i.company_id = s.company_id AND i.registration_id = s.registration_id AND i.fiscal_year = s.fiscal_year AND i.kind = s.document_kind
                    AND i.number LIKE replace(s.prefix, '_', '\\_') || '%' AND length(i.number) = length(s.prefix) + greatest(s.width, length(substr(i.number, length(s.prefix) + 1)))
                    AND substr(i.number, length(s.prefix) + 1) ~ '^[0-9]+$'
              WHERE s.company_id = $1 AND s.document_kind IN ('invoice', 'credit_note', 'debit_note') GROUP BY s.company_id, s.id
              HAVING count(i.id) <> s.next_number - 1 OR coalesce(max(substr(i.number, length(s.prefix) + 1)::bigint), 0) <> s.next_number - 1",
    },
    Law {
        name: "journal numbers have no gap and no double",
        sql: "SELECT s.prefix FROM number_series s LEFT JOIN manual_journal j ON j.company_id = s.company_id AND j.registration_id = s.registration_id AND starts_with(j.number, s.prefix)
              WHERE s.company_id = $1 AND s.document_kind = 'journal' GROUP BY s.company_id, s.id
              HAVING count(j.id) <> s.next_number - 1 OR coalesce(max(substr(j.number, length(s.prefix) + 1)::bigint), 0) <> s.next_number - 1",
    },
    Law {
        name: "every posted journal by hand is posted for its total",
        sql: "SELECT j.id::text FROM manual_journal j LEFT JOIN journal_line l ON l.company_id = j.company_id AND l.entry_id = j.entry_id WHERE j.company_id = $1 AND j.status = 'posted'
              GROUP BY j.company_id, j.id HAVING sum(l.base_debit) IS DISTINCT FROM j.total",
    },
    Law {
        name: "receipt numbers have no gap and no double",
        sql: "SELECT s.prefix FROM number_series s LEFT JOIN receipt i ON i.company_id = s.company_id AND i.registration_id = s.registration_id AND i.fiscal_year = s.fiscal_year
                    AND i.number LIKE replace(s.prefix, '_', '\\_') || '%' AND substr(i.number, length(s.prefix) + 1) ~ '^[0-9]+$'
              WHERE s.company_id = $1 AND s.document_kind = 'receipt' GROUP BY s.company_id, s.id
              HAVING count(i.id) <> s.next_number - 1 OR coalesce(max(substr(i.number, length(s.prefix) + 1)::bigint), 0) <> s.next_number - 1",
    },
    Law {
        name: "numbers of corrections have no gap and no double",
        sql: "SELECT s.prefix FROM number_series s
              LEFT JOIN (SELECT 'write_off' AS kind, registration_id, fiscal_year, number FROM write_off WHERE company_id = $1 UNION ALL SELECT 'adjustment', registration_id, fiscal_year, number FROM adjustment WHERE company_id = $1
                         UNION ALL SELECT 'refund', registration_id, fiscal_year, number FROM refund WHERE company_id = $1) AS i ON i.kind = s.document_kind AND i.registration_id = s.registration_id
                    AND i.fiscal_year = s.fiscal_year AND i.number LIKE replace(s.prefix, '_', '\\_') || '%' AND substr(i.number, length(s.prefix) + 1) ~ '^[0-9]+$'
              WHERE s.company_id = $1 AND s.document_kind IN ('write_off', 'adjustment', 'refund') GROUP BY s.company_id, s.id
              HAVING count(i.number) <> s.next_number - 1 OR coalesce(max(substr(i.number, length(s.prefix) + 1)::bigint), 0) <> s.next_number - 1",
    },
    Law {
        name: "every issued document is posted for its total",
        sql: "SELECT i.id::text FROM invoice i LEFT JOIN open_item o ON o.company_id = i.company_id AND o.document_id = i.id AND o.side = CASE i.kind WHEN 'credit_note' THEN 'credit' ELSE 'debit' END
              WHERE i.company_id = $1 AND i.status IN ('issued', 'cancelled') GROUP BY i.company_id, i.id HAVING coalesce(sum(o.amount), 0) <> i.grand_total",
    },
    Law {
        name: "credit notes never exceed the invoice they correct",
        sql: "SELECT i.id::text FROM invoice i JOIN invoice n ON n.company_id = i.company_id AND n.original_invoice_id = i.id AND n.kind = 'credit_note' AND n.status = 'issued'
              WHERE i.company_id = $1 GROUP BY i.company_id, i.id HAVING sum(n.grand_total) > i.grand_total",
    },
    Law {
        name: "every invoice is the sum of its lines",
        sql: "SELECT i.id::text FROM invoice i LEFT JOIN invoice_line l ON l.company_id = i.company_id AND l.invoice_id = i.id WHERE i.company_id = $1
              GROUP BY i.company_id, i.id HAVING count(l.id) = 0 OR sum(l.taxable_value) <> i.taxable_value OR sum(l.cgst) <> i.cgst OR sum(l.sgst) <> i.sgst OR sum(l.igst) <> i.igst OR sum(l.cess) <> i.cess",
    },
    Law {
        name: "every receipt stands in the books as it says",
        sql: "SELECT r.id::text FROM receipt r LEFT JOIN open_item o ON o.company_id = r.company_id AND o.id = r.item_id
              LEFT JOIN (SELECT receipt_id, sum(amount) AS amount FROM receipt_deduction WHERE company_id = $1 GROUP BY receipt_id) AS d ON d.receipt_id = r.id
              WHERE r.company_id = $1 AND (r.state = 'recorded' AND o.amount IS DISTINCT FROM r.gross_settled OR r.gross_settled <> coalesce(r.settlement_amount, r.amount_received) + coalesce(d.amount, 0)
                    OR r.state IN ('held', 'unidentified') AND r.item_id IS NOT NULL
                    OR r.state IN ('reversed', 'bounced') AND EXISTS (SELECT FROM journal_entry e WHERE e.company_id = $1 AND e.document_id = r.id AND e.document_kind = 'receipt'
                        AND NOT EXISTS (SELECT FROM journal_entry m WHERE m.company_id = $1 AND m.reverses_id = e.id)))",
    },
    Law {
        name: "the register of advances holds the money left of each and the tax in it",
        sql: "SELECT g.receipt_id::text FROM (
                SELECT item_id, min(receipt_id::text)::uuid AS receipt_id, bool_or(inter) AS inter, min(rate) AS rate, min(cess_rate) AS cess_rate, count(*) FILTER (WHERE because IS NULL) AS firsts,
                    count(DISTINCT (registration_id, customer_id, receipt_id, place_of_supply, inter, rate, cess_rate)) AS kinds,
                    sum(s * gross) AS gross, sum(s * cgst) AS cgst, sum(s * igst) AS igst, sum(s * cess) AS cess, bool_and(gross = taxable + cgst + sgst + igst + cess AND cgst = sgst) AS adds_up
                FROM (SELECT *, CASE kind WHEN 'received' THEN 1 ELSE -1 END AS s FROM gst_advance WHERE company_id = $1) AS m GROUP BY item_id) AS g
              JOIN company c ON c.id = $1 LEFT JOIN open_item_balance b ON b.company_id = $1 AND b.item_id = g.item_id
              WHERE g.gross IS DISTINCT FROM b.open_base OR NOT g.adds_up OR g.kinds <> 1 OR g.firsts <> 1 OR g.cgst < 0 OR g.igst < 0 OR g.cess < 0
                 OR c.base_currency = 'INR' AND (g.cgst, g.igst, g.cess) <> (CASE WHEN g.inter THEN 0 ELSE round(b.open_base * g.rate / 2 / (100 + g.rate + g.cess_rate), 2) END,
                        CASE WHEN g.inter THEN round(b.open_base * g.rate / (100 + g.rate + g.cess_rate), 2) ELSE 0 END, round(b.open_base * g.cess_rate / (100 + g.rate + g.cess_rate), 2))",
    },
    Law {
        name: "every settlement of an advance moved the register once",
        sql: "SELECT a.id::text FROM allocation a JOIN gst_advance f ON f.company_id = a.company_id AND f.item_id = a.credit_item_id AND f.because IS NULL
              LEFT JOIN gst_advance g ON g.company_id = a.company_id AND g.because = a.id
              WHERE a.company_id = $1 AND (g.id IS NULL AND a.recorded_at <> f.recorded_at OR g.moved_on <> a.effective_on OR CASE g.kind WHEN 'received' THEN -g.gross ELSE g.gross END <> a.credit_base OR g.item_id <> a.credit_item_id)",
    },
    Law {
        name: "the books hold the tax the register of advances moves, entry by entry",
        sql: "SELECT id::text FROM (
                SELECT coalesce(entry_id, item_id) AS id, moved_on AS day, sum(CASE kind WHEN 'received' THEN 1 ELSE -1 END * (cgst + sgst + igst + cess)) AS tax FROM gst_advance WHERE company_id = $1 GROUP BY 1, 2
                UNION ALL SELECT e.id, e.posting_date, -sum(l.base_debit - l.base_credit) FILTER (WHERE a.class = 'asset') FROM journal_entry e
                JOIN journal_line l ON l.company_id = e.company_id AND l.entry_id = e.id JOIN gl_account a ON a.company_id = l.company_id AND a.id = l.account_id
                WHERE e.company_id = $1 AND e.document_kind = 'gst_advance' GROUP BY e.id, e.posting_date) AS moves GROUP BY id, day HAVING sum(tax) <> 0",
    },
    Law {
        name: "nothing but the register of advances posts to its account",
        sql: "SELECT DISTINCT e.id::text FROM gl_account a JOIN journal_line l ON l.company_id = a.company_id AND l.account_id = a.id JOIN journal_entry e ON e.company_id = l.company_id AND e.id = l.entry_id
              WHERE a.company_id = $1 AND a.role = 'gst_on_advances' AND e.document_kind <> 'gst_advance'",
    },
    Law {
        name: "voucher numbers have no gap and no double",
        sql: "SELECT s.prefix FROM number_series s LEFT JOIN gst_advance g ON g.company_id = s.company_id AND g.registration_id = s.registration_id AND g.fiscal_year = s.fiscal_year
                    AND g.kind = CASE s.document_kind WHEN 'receipt_voucher' THEN 'received' ELSE 'refunded' END AND starts_with(g.number, s.prefix) AND substr(g.number, length(s.prefix) + 1) ~ '^[0-9]+$'
              WHERE s.company_id = $1 AND s.document_kind IN ('receipt_voucher', 'refund_voucher') GROUP BY s.company_id, s.id
              HAVING count(g.id) <> s.next_number - 1 OR coalesce(max(substr(g.number, length(s.prefix) + 1)::bigint), 0) <> s.next_number - 1",
    },
    Law {
        name: "everything posted has its audit event",
        sql: "SELECT e.document_id::text FROM journal_entry e WHERE e.company_id = $1 AND NOT EXISTS (SELECT FROM audit_event a WHERE a.company_id = $1 AND a.object_id = e.document_id)",
    },
];

/// What breaks the laws whose name holds `word`.
pub fn broken_of(rx: &mut Rx<'_>, word: &str) -> Result<Vec<String>, Problem> {
    let company = rx.company();
    let mut found = Vec::new();
    for law in LAWS.iter().filter(|law| law.name.contains(word)) {
        found.extend(rx.scalars::<String>(Sql::new(law.sql).bind(company))?);
    }
    Ok(found)
}

/// What breaks each law; empty where all are kept.
pub fn broken(rx: &mut Rx<'_>) -> Result<Vec<(&'static str, Vec<String>)>, Problem> {
    let company = rx.company();
    let mut found = Vec::new();
    for law in LAWS {
        found.push((law.name, rx.scalars(Sql::new(law.sql).bind(company))?));
    }
    found.push(("every closed month is computed again as it was", snapshots::broken(rx)?));
    Ok(found.into_iter().filter(|(_, ids)| !ids.is_empty()).collect())
}

/// Every company with its name. Called with the identity tables open.
pub fn companies(rx: &mut Rx<'_>) -> Result<Vec<(CompanyId, String)>, Problem> {
    crate::row! { struct Row { id: CompanyId, legal_name: String } }
    Ok(rx.load::<Row>(Sql::new("SELECT id, legal_name FROM company ORDER BY created_at, id"))?.into_iter().map(|row| (row.id, row.legal_name)).collect())
}
