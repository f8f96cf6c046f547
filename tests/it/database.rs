//! What PostgreSQL itself refuses under the application's role: the last line behind the service.

use crate::rig::*;
use serde_json::{Value, json};

/// Tables whose rows are posted: facts, or caches that only triggers move.
const POSTED: [&str; 10] = [
    "journal_entry",
    "journal_line",
    "open_item",
    "open_item_balance",
    "customer_balance",
    "allocation",
    "receipt",
    "receipt_deduction",
    "audit_event",
    "audit_leaf",
];

/// A company with an invoice (1,000, of which 400 paid), a receipt with TDS (500, of which 400 placed) and a sealed audit log.
fn posted() -> (Company, Value, Value) {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    let deductions = json!([{"kind": "tds", "section": "194J", "amount": "10.00"}]);
    let body = with(receipt_body(&customer, "2025-01-15", "490.00"), json!({"deductions": deductions, "allocations": [to_invoice(&invoice, "400.00")]}));
    let receipt = company.executive().post("/v1/receipts", &body).expect(201);
    company.assert_laws();
    (company, invoice, receipt)
}

fn columns(table: &str) -> Vec<String> {
    let query = format!(
        "SELECT attname::text AS name FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
    );
    Db::owner().rows(&query).iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn nothing_posted_can_be_changed_or_deleted_under_the_applications_role() {
    let (company, ..) = posted();
    let mut app = Db::app();
    let posted = POSTED.iter().map(|table| (*table, "true")).chain([("audit_checkpoint", "true"), ("invoice", "status = 'issued'"), ("invoice_line", "true")]);
    for (table, which) in posted {
        assert!(!company.sql(&format!("SELECT 1 FROM {table} WHERE company_id = {{c}} AND {which}")).is_empty(), "{table} has rows to protect");
        let before = company.fingerprint();
        for column in columns(table) {
            let lock_only = matches!((table, column.as_str()), ("open_item_balance", "item_id") | ("customer_balance", "customer_id"));
            let value = if lock_only { "gen_random_uuid()" } else { &column };
            let change = format!("UPDATE {table} SET {column} = {value} WHERE {which}");
            assert!(app.commit_in(&company.id, &change).is_err(), "{change}");
        }
        for statement in [format!("DELETE FROM {table} WHERE {which}"), format!("TRUNCATE {table} CASCADE")] {
            assert!(app.commit_in(&company.id, &statement).is_err(), "{statement}");
        }
        assert_eq!(company.fingerprint(), before);
    }
    company.assert_laws();
}

#[test]
fn the_guards_hold_for_the_owner_too() {
    let (company, ..) = posted();
    for table in ["journal_entry", "journal_line", "open_item", "allocation", "receipt", "receipt_deduction", "audit_event", "invoice"] {
        for change in [format!("UPDATE {table} SET company_id = company_id"), format!("DELETE FROM {table}")] {
            let change = format!("{change} WHERE company_id = '{}'", company.id);
            assert!(Db::owner().commit_in(&company.id, &change).is_err(), "{change}");
        }
    }
    company.assert_laws();
}

/// Statements for a copy of the invoice's entry with two lines of the given debit and credit.
fn entry(company: &Company, date: &str, debit: &str, credit: &str) -> String {
    let id = uuid::Uuid::new_v4();
    format!(
        "INSERT INTO journal_entry (company_id, id, document_kind, document_id, document_number, document_date, posting_date, currency, exchange_rate, line_count, actor)
         VALUES ('{c}', '{id}', 'invoice', '{id}', 'X', '{date}', '{date}', 'INR', 1, 2, 'system');
         {}",
        lines(company, &format!("'{id}'"), date, 1, debit, credit),
        c = company.id,
    )
}

fn lines(company: &Company, entry: &str, date: &str, first: u32, debit: &str, credit: &str) -> String {
    let account = |name: &str| format!("(SELECT id FROM gl_account WHERE company_id = '{}' ORDER BY code {name} LIMIT 1)", company.id);
    format!(
        "INSERT INTO journal_line (company_id, entry_id, line_no, account_id, posting_date, debit, credit, base_debit, base_credit)
         VALUES ('{c}', {entry}, {first}, {a}, '{date}', {debit}, 0, {debit}, 0), ('{c}', {entry}, {second}, {b}, '{date}', 0, {credit}, 0, {credit})",
        c = company.id,
        a = account("ASC"),
        b = account("DESC"),
        second = first + 1,
    )
}

#[test]
fn an_unbalanced_or_late_or_untimely_entry_cannot_commit() {
    let (company, invoice, _) = posted();
    let mut app = Db::app();
    let before = company.fingerprint();
    let refused = app.commit_in(&company.id, &entry(&company, "2025-01-31", "100", "99")).expect_err("unbalanced");
    assert!(refused.contains("balance"), "{refused}");
    let refused = app.commit_in(&company.id, &entry(&company, "2009-12-31", "100", "100")).expect_err("before the books");
    assert!(refused.contains("period"), "{refused}");
    let old = format!("'{}'", invoice["gl_journal_id"].as_str().expect("the entry's id"));
    let refused = app.commit_in(&company.id, &lines(&company, &old, "2025-01-10", 90, "100", "100")).expect_err("late lines");
    assert!(refused.contains("posted"), "{refused}");
    let lonely = entry(&company, "2025-01-31", "100", "100");
    let (lonely, _) = lonely.split_once(';').unwrap();
    app.commit_in(&company.id, lonely).expect_err("an entry without lines");
    for amount in ["'NaN'", "'Infinity'", "1e15"] {
        app.commit_in(&company.id, &entry(&company, "2025-01-31", amount, amount)).expect_err(amount);
    }
    assert_eq!(company.fingerprint(), before);
    app.run("BEGIN").unwrap();
    app.run(&format!("SELECT set_config('app.company_id', '{}', true)", company.id)).unwrap();
    app.run(&entry(&company, "2025-01-31", "100", "100")).expect("the same entry in balance is accepted, so the refusals were for their reasons");
    app.run("SET CONSTRAINTS ALL IMMEDIATE").expect("it balances");
    app.run("ROLLBACK").unwrap();
    company.assert_laws();
}

#[test]
fn an_allocation_beyond_what_is_open_is_refused() {
    let (company, invoice, receipt) = posted();
    let mut app = Db::app();
    let allocate = |amount: &str, date: &str| {
        format!(
            "INSERT INTO allocation (company_id, id, customer_id, credit_item_id, debit_item_id, kind, amount, credit_base, debit_base, effective_on, rule, actor)
             SELECT c.company_id, gen_random_uuid(), c.customer_id, c.id, d.id, 'cash', {amount}, {amount}, {amount}, '{date}', 'manual', 'system'
             FROM open_item c JOIN open_item d ON d.company_id = c.company_id AND d.document_id = '{}' AND d.side = 'debit' WHERE c.document_id = '{}' AND c.side = 'credit'",
            id_of(&invoice), id_of(&receipt)
        )
    };
    let before = company.fingerprint();
    // 100 are unapplied, 600 are due; nothing may come before the receipt.
    for (amount, date) in [("100.01", "2025-01-20"), ("600.01", "2025-01-20"), ("'NaN'", "2025-01-20"), ("50", "2025-01-14"), ("-50", "2025-01-20")] {
        assert!(app.commit_in(&company.id, &allocate(amount, date)).is_err(), "{amount} on {date}");
    }
    assert_eq!(company.fingerprint(), before);
    // Not kept: no event would know of it.
    app.run(&format!(
        "BEGIN; SELECT set_config('app.company_id', '{}', true); {}; SET CONSTRAINTS ALL IMMEDIATE",
        company.id,
        allocate("100.00", "2025-01-20")
    ))
    .expect("what is open may be placed");
    app.run("ROLLBACK").unwrap();
    company.assert_laws();
}

#[test]
fn rows_of_another_company_are_invisible_and_cannot_be_made() {
    let ((ours, ..), (theirs, ..)) = (posted(), posted());
    let mut app = Db::app();
    let before = theirs.fingerprint();
    for table in tables_with("company_id") {
        app.run("BEGIN").unwrap();
        app.run(&format!("SELECT set_config('app.company_id', '{}', true)", ours.id)).unwrap();
        if let Ok(rows) = app.try_rows(&format!("SELECT count(*) AS n FROM {table} WHERE company_id <> '{}'", ours.id)) {
            assert_eq!(rows, [json!({"n": 0})], "{table} shows rows of another company");
        }
        app.run("ROLLBACK").unwrap();
        let copy = format!("INSERT INTO {table} SELECT (jsonb_populate_record(x, jsonb_build_object('company_id', '{}'))).* FROM {table} x", theirs.id);
        let has_rows = !ours.sql(&format!("SELECT 1 FROM {table} WHERE company_id = {{c}}")).is_empty();
        assert!(!has_rows || app.commit_in(&ours.id, &copy).is_err(), "{copy}");
    }
    let customer = format!(
        "INSERT INTO customer (company_id, id, code, legal_name, kind, currency, created_by) VALUES ('{}', gen_random_uuid(), 'X', 'X', 'b2b', 'INR', 'system')",
        theirs.id
    );
    let refused = app.commit_in(&ours.id, &customer).expect_err("a customer of another company");
    assert!(refused.contains("row-level security"), "{refused}");
    app.commit_in(&theirs.id, &customer.replace("INSERT", "EXPLAIN INSERT")).expect("the statement itself is sound");
    assert_eq!(theirs.fingerprint(), before);
    ours.assert_laws();
}

#[test]
fn without_a_company_there_are_no_rows() {
    let (company, ..) = posted();
    let mut app = Db::app();
    for table in tables_with("company_id") {
        if let Ok(rows) = app.try_rows(&format!("SELECT count(*) AS n FROM {table}")) {
            assert_eq!(rows, [json!({"n": 0})], "{table}");
        }
    }
    company.assert_laws();
}

#[test]
fn every_table_of_a_company_is_isolated_and_the_application_owns_nothing() {
    let open = Db::owner().rows(
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id' AND NOT a.attisdropped
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
           AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive))",
    );
    assert!(open.is_empty(), "row-level security is missing or not forced: {open:?}");
    let strange = Db::owner().rows(
        "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
         WHERE i.indisprimary AND c.relnamespace = 'public'::regnamespace AND a.attname <> 'company_id'
           AND EXISTS (SELECT FROM pg_attribute k WHERE k.attrelid = c.oid AND k.attname = 'company_id') AND c.relname <> 'company'",
    );
    assert!(strange.is_empty(), "company_id comes first in the primary key: {strange:?}");
    let powers = Db::owner().rows("SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'duebook_app'");
    assert_eq!(powers, [json!({"rolsuper": false, "rolbypassrls": false, "rolcreaterole": false, "rolcreatedb": false})]);
    let owned = Db::owner().rows("SELECT relname FROM pg_class WHERE relowner = 'duebook_app'::regrole");
    assert!(owned.is_empty(), "{owned:?}");
    assert!(Db::app().run("CREATE TABLE mine (id integer)").is_err());
    Company::new().assert_laws();
}
