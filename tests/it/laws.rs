//! The accounting laws: what must hold in every company at any time, asked over HTTP and in SQL.

use crate::rig::{Company, Db, dec, receipt_body, to_invoice, today, with};
use rust_decimal::Decimal;
use serde_json::json;

/// Each query finds what breaks a law. The caches are compared with the facts they are made of.
const LAWS: &[(&str, &str)] = &[
    ("every journal entry balances, in its currency and in base currency",
     "SELECT entry_id FROM journal_line WHERE company_id = {c} GROUP BY entry_id HAVING sum(debit) <> sum(credit) OR sum(base_debit) <> sum(base_credit)"),
    ("every entry has the lines it says",
     "SELECT id FROM journal_entry e WHERE company_id = {c} AND line_count <> (SELECT count(*) FROM journal_line l WHERE l.company_id = e.company_id AND l.entry_id = e.id)"),
    ("an open amount is the amount less all allocations, between nothing and all",
     "SELECT i.id, i.amount, b.open_amount, a.moved FROM open_item i LEFT JOIN open_item_balance b ON b.company_id = i.company_id AND b.item_id = i.id
      CROSS JOIN LATERAL (SELECT coalesce(sum(x.amount), 0) AS moved FROM allocation x WHERE x.company_id = i.company_id AND i.id = CASE i.side WHEN 'debit' THEN x.debit_item_id ELSE x.credit_item_id END) AS a
      WHERE i.company_id = {c} AND (b.open_amount IS NULL OR b.open_amount <> i.amount - a.moved OR b.open_amount < 0 OR b.open_amount > i.amount OR b.side <> i.side OR b.customer_id <> i.customer_id)"),
    ("a customer's balance is the sum of its open items",
     "SELECT c.customer_id FROM customer_balance c LEFT JOIN open_item_balance b ON b.company_id = c.company_id AND b.customer_id = c.customer_id
      WHERE c.company_id = {c} GROUP BY c.customer_id, c.receivable, c.unapplied
      HAVING c.receivable <> coalesce(sum(b.open_base) FILTER (WHERE b.side = 'debit'), 0) OR c.unapplied <> coalesce(sum(b.open_base) FILTER (WHERE b.side = 'credit'), 0)"),
    ("every customer has a balance", "SELECT id FROM customer c WHERE company_id = {c} AND NOT EXISTS (SELECT FROM customer_balance b WHERE b.company_id = c.company_id AND b.customer_id = c.id)"),
    ("an allocation joins a credit and a debit of one customer, or of a family and then with an entry; a reversal mirrors what it reverses",
     "SELECT a.id FROM allocation a JOIN open_item c ON c.company_id = a.company_id AND c.id = a.credit_item_id JOIN open_item d ON d.company_id = a.company_id AND d.id = a.debit_item_id
      LEFT JOIN allocation o ON o.company_id = a.company_id AND o.id = a.reverses_id
      WHERE a.company_id = {c} AND (c.side <> 'credit' OR d.side <> 'debit' OR (c.customer_id <> d.customer_id AND a.entry_id IS NULL) OR (a.reverses_id IS NOT NULL AND o.amount IS DISTINCT FROM -a.amount))"),
    ("numbers of a series are 1 to n, each once, and the counter is next",
     "WITH taken AS (
          SELECT kind, registration_id, fiscal_year, number FROM invoice WHERE company_id = {c} AND number IS NOT NULL
          UNION ALL SELECT 'receipt', registration_id, fiscal_year, number FROM receipt WHERE company_id = {c}
          UNION ALL SELECT 'write_off', registration_id, fiscal_year, number FROM write_off WHERE company_id = {c} AND number IS NOT NULL
          UNION ALL SELECT 'adjustment', registration_id, fiscal_year, number FROM adjustment WHERE company_id = {c} AND number IS NOT NULL
          UNION ALL SELECT 'refund', registration_id, fiscal_year, number FROM refund WHERE company_id = {c} AND number IS NOT NULL
          UNION ALL SELECT CASE kind WHEN 'received' THEN 'receipt_voucher' ELSE 'refund_voucher' END, registration_id, fiscal_year, number FROM gst_advance WHERE company_id = {c} AND number IS NOT NULL),
      placed AS (
          SELECT s.id, s.next_number, s.prefix, s.width, t.number, row_number() OVER (PARTITION BY s.id ORDER BY length(t.number), t.number) AS place, count(t.number) OVER (PARTITION BY s.id) AS n
          FROM number_series s LEFT JOIN taken t ON t.kind = s.document_kind AND t.registration_id = s.registration_id AND t.fiscal_year = s.fiscal_year AND starts_with(t.number, s.prefix)
          WHERE s.company_id = {c} AND s.document_kind IN ('invoice', 'credit_note', 'debit_note', 'receipt', 'write_off', 'adjustment', 'refund', 'receipt_voucher', 'refund_voucher'))
      SELECT id, number, place, next_number FROM placed
      WHERE next_number <> n + 1 OR (number IS NOT NULL AND number <> prefix || lpad(place::text, greatest(width, length(place::text)), '0'))"),
    ("every number belongs to a series",
     "SELECT number FROM (SELECT registration_id, fiscal_year, number FROM invoice WHERE company_id = {c} AND number IS NOT NULL UNION ALL SELECT registration_id, fiscal_year, number FROM receipt WHERE company_id = {c}) AS t
      WHERE NOT EXISTS (SELECT FROM number_series s WHERE s.company_id = {c} AND s.registration_id = t.registration_id AND s.fiscal_year = t.fiscal_year AND starts_with(t.number, s.prefix))"),
    ("every document was audited",
     "SELECT id FROM (SELECT id FROM invoice WHERE company_id = {c} UNION ALL SELECT id FROM receipt WHERE company_id = {c} UNION ALL SELECT id FROM customer WHERE company_id = {c} UNION ALL SELECT id FROM write_off WHERE company_id = {c} UNION ALL SELECT id FROM adjustment WHERE company_id = {c}
            UNION ALL SELECT id FROM refund WHERE company_id = {c} UNION ALL SELECT id FROM opening_item WHERE company_id = {c} UNION ALL SELECT id FROM tds_certificate WHERE company_id = {c}) AS d
      WHERE NOT EXISTS (SELECT FROM audit_event e WHERE e.company_id = {c} AND e.object_id = d.id)"),
    ("an issued document is what its lines, its instalments and its open items add up to",
     "SELECT i.id FROM invoice i WHERE i.company_id = {c} AND i.status IN ('issued', 'cancelled') AND (
          i.taxable_value IS DISTINCT FROM (SELECT sum(l.taxable_value) FROM invoice_line l WHERE l.company_id = i.company_id AND l.invoice_id = i.id)
          OR i.grand_total IS DISTINCT FROM (SELECT sum((x ->> 'amount')::numeric) FROM jsonb_array_elements(i.instalments) AS x)
          OR (i.grand_total > 0 AND i.grand_total IS DISTINCT FROM (SELECT sum(o.amount) FROM open_item o WHERE o.company_id = i.company_id AND o.document_id = i.id AND o.side = CASE i.kind WHEN 'credit_note' THEN 'credit' ELSE 'debit' END)))"),
    ("the account of GST on advances holds the tax in the register, and the register the money on account",
     "WITH moved AS (SELECT item_id, CASE kind WHEN 'received' THEN gross ELSE -gross END AS gross, CASE kind WHEN 'received' THEN 1 ELSE -1 END * (cgst + sgst + igst + cess) AS tax FROM gst_advance WHERE company_id = {c})
      SELECT 'books' AS what, NULL::uuid AS id, sum(tax) AS tax FROM (SELECT tax FROM moved UNION ALL SELECT l.base_credit - l.base_debit FROM journal_line l JOIN gl_account a ON a.company_id = l.company_id AND a.id = l.account_id
          WHERE l.company_id = {c} AND a.role = 'gst_on_advances') AS both_sides HAVING sum(tax) <> 0
      UNION ALL SELECT 'register', m.item_id, NULL FROM moved m JOIN open_item_balance b ON b.company_id = {c} AND b.item_id = m.item_id GROUP BY m.item_id, b.open_base HAVING sum(m.gross) <> b.open_base"),
    ("nothing is posted outside an open period",
     "SELECT e.id FROM journal_entry e LEFT JOIN period p ON p.company_id = e.company_id AND e.posting_date BETWEEN p.starts_on AND p.ends_on WHERE e.company_id = {c} AND p.state IS NULL"),
    ("records are found by what is kept beside them, and by nothing else",
     "WITH kept AS (SELECT id, metadata FROM customer WHERE company_id = {c} UNION ALL SELECT id, metadata FROM invoice WHERE company_id = {c} UNION ALL SELECT id, metadata FROM receipt WHERE company_id = {c}),
          said AS (SELECT id, key || '=' || value FROM kept, jsonb_each_text(metadata)), found AS (SELECT object_id, entry FROM metadata_entry WHERE company_id = {c})
      (TABLE said EXCEPT TABLE found) UNION ALL (TABLE found EXCEPT TABLE said)"),
];

impl Company {
    /// Asserts every law. Each test ends with it.
    #[track_caller]
    pub fn assert_laws(&self) {
        for (law, query) in LAWS {
            let broken = self.sql(query);
            assert!(broken.is_empty(), "{law}: {broken:?}");
        }
        let (controller, as_of) = (self.controller(), today());
        let trial = controller.get(&format!("/v1/trial-balance?as_of={as_of}")).expect(200);
        assert_eq!(trial["totals"]["debit"], trial["totals"]["credit"], "the trial balance: {trial}");
        let net: Decimal = trial["data"].as_array().unwrap().iter().map(|row| dec(&row["debit"]) - dec(&row["credit"])).sum();
        assert_eq!(net, Decimal::ZERO, "the trial balance's rows: {trial}");
        let agreed = controller.get(&format!("/v1/reconciliations/ar-gl?as_of={as_of}")).expect(200);
        assert_eq!((&agreed["difference"], &agreed["differences"]), (&json!("0.00"), &json!([])), "sub-ledger and control account: {agreed}");
        let aging = controller.get(&format!("/v1/reports/aging?as_of={as_of}&limit=200")).expect(200);
        let check = &aging["check"];
        assert_eq!(check["difference"], "0.00", "the aging's check: {check}");
        for figure in ["subledger", "gl", "buckets"] {
            assert_eq!(check[figure], check["documents"], "the aging's check: {check}");
        }
        let verified = controller.post("/v1/audit/verify", &json!({})).expect(200);
        assert_eq!(verified["verified"], true, "the audit log: {verified}");
    }
}

/// One damage for each law, in its order, that no trigger hinders.
const DAMAGES: &[&str] = &[
    "UPDATE journal_line SET debit = debit + 1 WHERE debit > 0",
    "UPDATE journal_entry SET line_count = line_count + 1 WHERE true",
    "UPDATE open_item_balance SET open_amount = open_amount - 1 WHERE open_amount > 1",
    "UPDATE customer_balance SET receivable = receivable + 1 WHERE true",
    "DELETE FROM customer_balance WHERE true",
    "UPDATE open_item SET side = 'credit' WHERE side = 'debit'",
    "UPDATE number_series SET next_number = next_number + 1 WHERE next_number > 1",
    "UPDATE invoice SET number = 'ZZ' || number WHERE true",
    "DELETE FROM audit_event WHERE true",
    "DELETE FROM invoice_line WHERE true",
    "UPDATE gst_advance SET cgst = cgst + 1, sgst = sgst + 1, taxable = taxable - 2 WHERE true",
    "UPDATE journal_entry SET posting_date = '2009-12-31' WHERE true",
    "UPDATE invoice SET metadata = '{\"kept\": \"here\"}' WHERE true",
];

#[test]
fn the_laws_notice_damage() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    company.receipt(&customer, "2025-01-15", "400.00", json!([to_invoice(&invoice, "400.00")]));
    let advance = json!({"gst_advance": {"supply": "services"}});
    company.executive().post("/v1/receipts", &with(receipt_body(&customer, "2025-01-16", "118.00"), advance)).expect(201);
    assert_eq!(LAWS.len(), DAMAGES.len());
    let (mut owner, id) = (Db::owner(), format!("'{}'", company.id));
    for ((law, query), damage) in LAWS.iter().zip(DAMAGES) {
        owner.run(&format!("BEGIN; SET LOCAL session_replication_role = replica; {damage} AND company_id = {id}")).expect(damage);
        assert!(!owner.rows(&query.replace("{c}", &id)).is_empty(), "{law} is not broken by {damage}");
        owner.run("ROLLBACK").expect("nothing of it stays");
    }
    company.assert_laws();
}
