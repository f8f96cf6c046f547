//! `ar_confirmation`: what each customer is asked to confirm (SA 505), and what it is made of.

use super::open_at;
use crate::reporting::exports::sheet::Kind::{Code, Count, Date, Instant, Money, Text};
use crate::reporting::exports::sheet::{Sheet, col};

pub static BALANCES: Sheet = Sheet {
    name: "confirmation_balances",
    with: open_at!(),
    columns: &[
        col("customer_id", Code, "c.id"),
        col("customer_code", Text, "c.code"),
        col("customer_name", Text, "c.legal_name"),
        col("gstin", Code, "c.gstin"),
        col("pan", Code, "c.pan"),
        col("email", Text, "k.email"),
        col("open_items", Count, "b.items"),
        col("debit", Money, "b.debit"),
        col("credit", Money, "b.credit"),
        col("balance", Money, "b.debit - b.credit"),
        col("overdue", Money, "b.overdue"),
        col("oldest_due_date", Date, "b.oldest"),
    ],
    from: "FROM (SELECT customer_id, count(*) AS items, coalesce(sum(open) FILTER (WHERE side = 'debit'), 0) AS debit, coalesce(sum(open) FILTER (WHERE side = 'credit'), 0) AS credit,
                coalesce(sum(open) FILTER (WHERE side = 'debit' AND due_date < $2), 0) AS overdue, min(due_date) FILTER (WHERE side = 'debit') AS oldest FROM open_at WHERE open <> 0 GROUP BY customer_id) AS b
        JOIN customer c ON c.company_id = $1 AND c.id = b.customer_id
        LEFT JOIN (SELECT DISTINCT ON (customer_id) customer_id, email FROM customer_contact WHERE company_id = $1 AND email IS NOT NULL ORDER BY customer_id, created_at, id) AS k ON k.customer_id = c.id
        ORDER BY c.code, c.id",
    totals: &["debit", "credit", "balance"],
};

/// Statements that were made of these customers, with the balance each of them shows.
pub static STATEMENTS: Sheet = Sheet {
    name: "statements",
    with: "",
    columns: &[
        col("statement_id", Code, "s.id"),
        col("customer_id", Code, "s.customer_id"),
        col("customer_code", Text, "c.code"),
        col("from", Date, "s.from_date"),
        col("to", Date, "s.to_date"),
        col("opening_balance", Money, "s.opening_balance"),
        col("closing_balance", Money, "s.closing_balance"),
        col("overdue", Money, "s.overdue"),
        col("known_at", Instant, "s.known_at"),
        col("created_by", Code, "s.created_by"),
        col("created_at", Instant, "s.recorded_at"),
    ],
    from: "FROM statement s JOIN customer c ON c.company_id = s.company_id AND c.id = s.customer_id WHERE s.company_id = $1 AND s.to_date BETWEEN $4 AND $5 ORDER BY s.to_date, s.id",
    totals: &[],
};

/// What customers answered to them (SA 505).
pub static REPLIES: Sheet = Sheet {
    name: "confirmation_replies",
    with: "",
    columns: &[
        col("confirmation_id", Code, "a.id"),
        col("statement_id", Code, "a.statement_id"),
        col("customer_id", Code, "a.customer_id"),
        col("customer_code", Text, "c.code"),
        col("statement_to", Date, "s.to_date"),
        col("result", Code, "a.result"),
        col("our_balance", Money, "s.closing_balance"),
        col("stated_balance", Money, "a.stated_balance"),
        col("difference", Money, "a.stated_balance - s.closing_balance"),
        col("confirmed_on", Date, "a.confirmed_on"),
        col("contact", Text, "a.contact"),
        col("evidence", Text, "a.evidence"),
        col("evidence_sha256", Code, "a.evidence_sha256"),
        col("note", Text, "a.note"),
        col("recorded_by", Code, "a.created_by"),
        col("recorded_at", Instant, "a.recorded_at"),
    ],
    from: "FROM statement_confirmation a JOIN statement s ON s.company_id = a.company_id AND s.id = a.statement_id JOIN customer c ON c.company_id = a.company_id AND c.id = a.customer_id
        WHERE a.company_id = $1 AND s.to_date BETWEEN $4 AND $5 ORDER BY s.to_date, a.recorded_at, a.id",
    totals: &[],
};
