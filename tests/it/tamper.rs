//! Changes made behind the service's back, as the database's superuser: each is found by the service and,
//! where an export shows it, by the offline verifier; with the damaged record named. Clean books raise no alarm.

use crate::rig::*;
use duebook::access::audit_log::check::check;
use duebook::access::audit_log::export::export;
use duebook::access::audit_log::merkle::{Edge, leaf, root_of_inclusion, roots_of_consistency};
use duebook::access::audit_log::note::{Note, PublicKey};
use duebook::access::audit_log::service::Sealer;
use duebook::access::tokens::keys::Keys;
use duebook::platform::http::Problem;
use duebook::platform::ids::CompanyId;
use duebook::platform::postgres::Pool;
use duebook::platform::text::hex;
use duebook::platform::unit_of_work::{Doors, Gate};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// A company with a little of everything, and what is needed to damage it and put it back.
struct Books {
    company: Company,
    customer: String,
    other: String,
    invoice: Value,
    receipt: Value,
    /// A checkpoint kept elsewhere.
    note: String,
}

fn uuid_of(company: &Company) -> CompanyId {
    CompanyId::of(company.id.parse().expect("a uuid"))
}

fn books() -> Books {
    let company = Company::new();
    let controller = company.controller();
    let (customer, other) = (company.customer(), company.customer());
    company.executive().post("/v1/exchange-rates", &json!({"currency": "USD", "rate_date": "2025-01-10", "rate": "85.5", "source": "bank"}));
    let lines = json!([line("1000.00", "18"), line("500.00", "5")]);
    let invoice = company.executive().post("/v1/invoices", &with(invoice_body(&customer, "2025-01-10", "1.00"), json!({"lines": lines}))).expect(201);
    let second = company.invoice(&customer, "2025-01-12", "2025-02-12", "300.00");
    company.invoice(&other, "2025-01-13", "2025-02-13", "700.00");
    let deductions = json!([{"kind": "tds", "section": "194J", "amount": "10.00"}]);
    let placed = json!([to_invoice(&invoice, "400.00"), to_invoice(&second, "100.00")]);
    let receipt = with(receipt_body(&customer, "2025-01-20", "590.00"), json!({"deductions": deductions, "allocations": placed}));
    let receipt = company.executive().post("/v1/receipts", &receipt).expect(201);
    let mut books = Books { company, customer, other, invoice, receipt, note: String::new() };
    // A checkpoint within the history.
    books.settle();
    books.company.executive().post("/v1/credit-notes", &note_body(&second, "2025-01-22", "50.00")).expect(201);
    controller.change("POST", "/v1/periods/2024-12/close", "*", &json!({"level": "soft"}));
    books.company.invoice(&books.customer, "2025-02-10", "2025-03-10", "900.00");
    books.company.receipt(&books.other, "2025-02-11", "250.00", Value::Null);
    books.company.assert_laws();
    books.settle();
    books.note = books.newest_note();
    books
}

const TABLES: &str = "SELECT c.relname AS name, (SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '') AS columns
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'company_id' AND NOT a.attisdropped WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1";

/// A copy of all rows of a company.
struct Copy(String);

impl Books {
    fn tables() -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Db::owner().rows(TABLES).iter().map(|row| (text(&row["name"]), text(&row["columns"]))).collect()
    }
    fn damage(&self, statements: &str) {
        let text = format!("BEGIN; SET LOCAL session_replication_role = replica; {}; COMMIT", statements.replace("{c}", &format!("'{}'", self.company.id)));
        Db::owner().run(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    }
    /// Waits until every event has its leaf and is told: one waits for every transaction that runs, also of other companies.
    fn settle(&self) {
        let waiting = "SELECT 1 FROM audit_event e WHERE company_id = {c} AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.company_id = e.company_id AND l.event_id = e.id)
            UNION ALL SELECT 1 FROM event_feed f WHERE company_id = {c} AND audit_seq < (SELECT max(seq) FROM audit_leaf l WHERE l.company_id = f.company_id)";
        until("every event to be sealed", std::time::Duration::from_secs(60), || {
            assert_eq!(self.verify()["verified"], true);
            self.company.sql(waiting).is_empty().then_some(())
        });
    }
    fn copy(&self) -> Copy {
        let schema = format!("copy_{}", fresh().replace('-', ""));
        let tables: Vec<String> =
            Self::tables().iter().map(|(table, _)| format!("CREATE TABLE {schema}.{table} AS SELECT * FROM {table} WHERE company_id = {{c}}")).collect();
        self.damage(&format!("CREATE SCHEMA {schema}; {}", tables.join("; ")));
        Copy(schema)
    }
    /// Puts the rows of a copy where the present ones are.
    fn restore(&self, copy: &Copy) {
        let one = |(table, columns): &(String, String)| {
            format!("DELETE FROM {table} WHERE company_id = {{c}}; INSERT INTO {table} ({columns}) SELECT {columns} FROM {}.{table}", copy.0)
        };
        self.damage(&Self::tables().iter().map(one).collect::<Vec<_>>().join("; "));
    }
    fn drop_copy(copy: &Copy) {
        Db::owner().run(&format!("DROP SCHEMA {} CASCADE", copy.0)).expect("dropped");
    }
    fn newest_note(&self) -> String {
        self.company.controller().get("/v1/audit/checkpoints").expect(200)["data"][0]["note"].as_str().expect("a note").to_owned()
    }
    fn id(&self, query: &str) -> String {
        let rows = self.company.sql(query);
        rows.first().unwrap_or_else(|| panic!("nothing: {query}"))["id"].as_str().expect("an id").to_owned()
    }
    fn verify(&self) -> Value {
        self.company.controller().post("/v1/audit/verify", &json!({})).expect(200)
    }
    /// What the offline verifier finds, from an export of this moment and the checkpoint kept elsewhere.
    fn offline(&self) -> Vec<String> {
        let refuse = |_: &str, _| Err(Problem::not_found("principal"));
        let doors = Doors::new(Pool::new(&database_url("app_url"), 1).expect("a pool"), Gate::new(1, 1), Box::new(refuse), event_key());
        let directory = Directory::new();
        let keys = Arc::new(Keys::open(&SERVER.dir).expect("the key"));
        let public = keys.public();
        // Heads kept by the server do not matter to an export.
        let sealer = Sealer::open(keys, &directory.0).expect("a sealer");
        export(&doors, &sealer, uuid_of(&self.company), &directory.0.join("export")).expect("exported");
        match check(&directory.0.join("export"), &public, Some(&self.note)) {
            Ok(report) => report.damage.iter().map(ToString::to_string).collect(),
            Err(unreadable) => vec![unreadable],
        }
    }
}

struct Directory(PathBuf);
impl Directory {
    fn new() -> Self {
        let directory = std::env::temp_dir().join(format!("duebook-tamper-{}", fresh()));
        std::fs::create_dir(&directory).expect("a directory");
        Self(directory)
    }
}
impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A kind of damage: what is done, which record must be named, whether an export shows it.
struct Kind {
    name: &'static str,
    damage: String,
    record: &'static str,
    /// Empty where no single record is concerned.
    id: String,
    offline: bool,
}

fn kinds(b: &Books) -> Vec<Kind> {
    let kind = |name, record, id: &str, damage: String| Kind { name, damage, record, id: id.to_owned(), offline: true };
    let hidden = |name, record, id: &str, damage: String| Kind { offline: false, ..kind(name, record, id, damage) };
    let (invoice, receipt, customer, other) = (id_of(&b.invoice), id_of(&b.receipt), b.customer.clone(), b.other.clone());
    let entry = b.id(&format!("SELECT entry_id AS id FROM invoice WHERE company_id = {{c}} AND id = '{invoice}'"));
    let item = b.id(&format!("SELECT id FROM open_item WHERE company_id = {{c}} AND document_id = '{invoice}'"));
    let allocation = b.id(&format!("SELECT id FROM allocation WHERE company_id = {{c}} AND debit_item_id = '{item}' ORDER BY amount DESC LIMIT 1"));
    let of = |table: &str, id: &str| format!("WHERE company_id = {{c}} AND {table} = '{id}'");
    let event = b.id(&format!("SELECT id FROM audit_event WHERE company_id = {{c}} AND action = 'invoice.issued' AND object_id = '{invoice}'"));
    let event_seq = b.company.sql(&format!("SELECT seq FROM audit_leaf WHERE company_id = {{c}} AND event_id = '{event}'"))[0]["seq"].as_i64().unwrap();
    let account = |role: &str| b.id(&format!("SELECT id FROM gl_account WHERE company_id = {{c}} AND role = '{role}'"));
    let (bank, revenue, receivable) = (account("bank"), account("revenue"), account("receivable"));
    let user = b.id("SELECT user_id AS id FROM membership WHERE company_id = {c} AND roles = '{sales}'");
    let bank_account = b.id("SELECT id FROM bank_account WHERE company_id = {c} LIMIT 1");
    let series = b.id("SELECT id FROM number_series WHERE company_id = {c} AND document_kind = 'invoice' AND next_number > 1 LIMIT 1");
    let (forged, put_in) = (uuid::Uuid::new_v4().to_string(), uuid::Uuid::new_v4().to_string());
    let columns = "document_kind, document_number, document_date, posting_date, currency, exchange_rate, narration, line_count, actor";
    let whole = format!(
        "INSERT INTO journal_entry (company_id, id, document_id, {columns}) SELECT company_id, '{put_in}', '{put_in}', {columns} FROM journal_entry {entry_is};
         INSERT INTO journal_line (company_id, entry_id, line_no, account_id, customer_id, posting_date, debit, credit, base_debit, base_credit)
         SELECT company_id, '{put_in}', line_no, account_id, customer_id, posting_date, debit, credit, base_debit, base_credit FROM journal_line {lines_of};
         INSERT INTO open_item (company_id, id, customer_id, entry_id, document_kind, document_id, document_number, side, currency, amount, base_amount, document_date, posting_date, due_date, original_due_date)
         SELECT company_id, '{forged}', customer_id, '{put_in}', document_kind, '{put_in}', document_number, side, currency, amount, base_amount, document_date, posting_date, due_date, original_due_date FROM open_item {item_is};
         INSERT INTO open_item_balance (company_id, item_id, customer_id, side, amount, open_amount, open_base, due_date, document_date, original_due_date) SELECT company_id, '{forged}', customer_id, side, amount, amount, base_amount, due_date, document_date, original_due_date FROM open_item {item_is};
         UPDATE customer_balance SET receivable = receivable + (SELECT base_amount FROM open_item {item_is}) {balance_of}",
        entry_is = of("id", &entry), lines_of = of("entry_id", &entry), item_is = of("id", &item), balance_of = of("customer_id", &customer),
    );
    let pair = |no: u32, account: &str, debit: &str, credit: &str| {
        format!(
            "INSERT INTO journal_line (company_id, entry_id, line_no, account_id, posting_date, debit, credit, base_debit, base_credit) SELECT company_id, id, {no}, '{account}', posting_date, {debit}, {credit}, {debit}, {credit} FROM journal_entry {}",
            of("id", &entry)
        )
    };
    let event_copy = "INSERT INTO audit_event (company_id, id, xid, recorded_at, action, object, object_id, actor, request_id, body, states, mac)";
    let forge = format!(
        "{event_copy} SELECT company_id, '{forged}', xid, recorded_at, action, object, object_id, actor, request_id, replace(body, id::text, '{forged}'), states, mac FROM audit_event {}",
        of("id", &event)
    );
    // The sealed text changed, with leaf hashes and every root as they ought to be then.
    let rows = b.company.sql("SELECT l.seq, e.body, e.states, e.id FROM audit_leaf l JOIN audit_event e ON e.company_id = l.company_id AND e.id = l.event_id WHERE l.company_id = {c} ORDER BY l.seq");
    let heads: Vec<i64> =
        b.company.sql("SELECT size FROM audit_checkpoint WHERE company_id = {c} ORDER BY size").iter().map(|row| row["size"].as_i64().unwrap()).collect();
    let mut edge = Edge::default();
    let mut recomputed = format!("UPDATE audit_event SET body = replace(body, '1000.00', '9000.00') {}", of("id", &event));
    for row in &rows {
        let (seq, body) = (row["seq"].as_i64().unwrap(), row["body"].as_str().unwrap());
        let body = if row["id"] == event.as_str() { body.replace("1000.00", "9000.00") } else { body.to_owned() };
        let hash = leaf(format!("{body}\n{}", row["states"].as_str().unwrap()).as_bytes());
        edge.push(hash);
        write!(recomputed, "; UPDATE audit_leaf SET leaf_hash = '\\x{}' WHERE company_id = {{c}} AND seq = {seq}", hex(&hash)).unwrap();
        if heads.contains(&seq) {
            write!(
                recomputed,
                "; UPDATE audit_checkpoint SET root = '\\x{}', edge = '\\x{}' WHERE company_id = {{c}} AND size = {seq}",
                hex(&edge.root()),
                hex(&edge.bytes())
            )
            .unwrap();
        }
    }
    let swap = |a: i64, b: i64| {
        format!(
            "CREATE TEMP TABLE pair ON COMMIT DROP AS SELECT * FROM audit_leaf WHERE company_id = {{c}} AND seq IN ({a}, {b}); DELETE FROM audit_leaf WHERE company_id = {{c}} AND seq IN ({a}, {b});
             INSERT INTO audit_leaf (company_id, seq, event_id, leaf_hash) SELECT company_id, {a} + {b} - seq, event_id, leaf_hash FROM pair"
        )
    };
    vec![
        kind("edit amounts of an entry, in balance", "journal_entry", &entry, format!("UPDATE journal_line SET debit = debit + CASE WHEN debit > 0 THEN 1 ELSE 0 END, base_debit = base_debit + CASE WHEN debit > 0 THEN 1 ELSE 0 END,
            credit = credit + CASE WHEN line_no = 2 THEN 1 ELSE 0 END, base_credit = base_credit + CASE WHEN line_no = 2 THEN 1 ELSE 0 END {}", of("entry_id", &entry))),
        kind("edit the date of an entry", "journal_entry", &entry, format!("UPDATE journal_entry SET posting_date = posting_date + 1 {}; UPDATE journal_line SET posting_date = posting_date + 1 {}; UPDATE open_item SET posting_date = posting_date + 1 {}", of("id", &entry), of("entry_id", &entry), of("entry_id", &entry))),
        kind("edit when an entry was recorded", "journal_entry", &entry, format!("UPDATE journal_entry SET recorded_at = recorded_at - interval '1 day' {}", of("id", &entry))),
        kind("edit the account of a line", "journal_entry", &entry, format!("UPDATE journal_line SET account_id = '{bank}' {} AND account_id = '{revenue}'", of("entry_id", &entry))),
        kind("edit a due date", "journal_entry", &entry, format!("UPDATE open_item SET due_date = due_date + 30 {}", of("id", &item))),
        kind("edit the total of an invoice", "invoice", &invoice, format!("UPDATE invoice SET grand_total = grand_total + 1, round_off = round_off + 1 {}", of("id", &invoice))),
        kind("edit the date of an invoice", "invoice", &invoice, format!("UPDATE invoice SET invoice_date = invoice_date - 1 {}", of("id", &invoice))),
        kind("edit the buyer's GSTIN", "invoice", &invoice, format!("UPDATE invoice SET buyer_gstin = '27AAPFU0939F1ZV' {}", of("id", &invoice))),
        kind("edit the description of a line", "invoice", &invoice, format!("UPDATE invoice_line SET description = 'Other work' {} AND line_no = 1", of("invoice_id", &invoice))),
        kind("edit the bank reference of a receipt", "receipt", &receipt, format!("UPDATE receipt SET utr = 'OTHER1' {}", of("id", &receipt))),
        kind("delete a deduction", "receipt", &receipt, format!("DELETE FROM receipt_deduction {}", of("receipt_id", &receipt))),
        kind("delete an entry with all of it", "journal_entry", &entry, format!("DELETE FROM allocation WHERE company_id = {{c}} AND debit_item_id = '{item}'; DELETE FROM open_item_balance {}; DELETE FROM open_item {}; DELETE FROM journal_line {}; DELETE FROM journal_entry {}; DELETE FROM invoice_line {}; DELETE FROM invoice {}",
            of("item_id", &item), of("id", &item), of("entry_id", &entry), of("id", &entry), of("invoice_id", &invoice), of("id", &invoice))),
        kind("cut the end: newest events, leaves, heads and entries", "audit_leaf", "", {
            let keep = heads[0];
            let since = format!("(SELECT recorded_at FROM audit_event WHERE company_id = {{c}} AND id = (SELECT event_id FROM audit_leaf WHERE company_id = {{c}} AND seq = {keep}))");
            let newer = |table: &str| format!("DELETE FROM {table} WHERE company_id = {{c}} AND recorded_at > {since}");
            format!("{}; {}; {}; {}; DELETE FROM open_item_balance b WHERE company_id = {{c}} AND NOT EXISTS (SELECT FROM open_item i WHERE i.company_id = b.company_id AND i.id = b.item_id);
                     DELETE FROM audit_event WHERE company_id = {{c}} AND id IN (SELECT event_id FROM audit_leaf WHERE company_id = {{c}} AND seq > {keep});
                     DELETE FROM audit_leaf WHERE company_id = {{c}} AND seq > {keep}; DELETE FROM audit_checkpoint WHERE company_id = {{c}} AND size > {keep}",
                newer("journal_line"), newer("journal_entry"), newer("open_item"), newer("allocation"))
        }),
        kind("delete an event", "audit_event", "", format!("DELETE FROM audit_event {}", of("id", &event))),
        kind("delete an event with its leaf", "audit_leaf", "", format!("DELETE FROM audit_event {}; DELETE FROM audit_leaf {}", of("id", &event), of("event_id", &event))),
        kind("put a balanced pair into an entry", "journal_entry", &entry, format!("{}; {}; UPDATE journal_entry SET line_count = line_count + 2 {}", pair(90, &bank, "5", "0"), pair(91, &revenue, "0", "5"), of("id", &entry))),
        kind("put a whole balanced entry in", "journal_entry", &put_in, whole),
        kind("forge an event", "audit_event", &forged, forge.clone()),
        kind("forge an event with its leaf", "audit_event", &forged, format!("{forge}; INSERT INTO audit_leaf (company_id, seq, event_id, leaf_hash) SELECT {{c}}, max(seq) + 1, '{forged}', sha256('x') FROM audit_leaf WHERE company_id = {{c}}")),
        kind("swap the customer of an item", "journal_entry", &entry, format!("UPDATE open_item SET customer_id = '{other}' {}; UPDATE open_item_balance SET customer_id = '{other}' {}; UPDATE journal_line SET customer_id = '{other}' {} AND account_id = '{receivable}'", of("id", &item), of("item_id", &item), of("entry_id", &entry))),
        kind("swap the customer of an invoice", "invoice", &invoice, format!("UPDATE invoice SET customer_id = '{other}' {}", of("id", &invoice))),
        kind("change what is left of an item", "law", &item, format!("UPDATE open_item_balance SET open_amount = open_amount - 1, open_base = open_base - 1 {}", of("item_id", &item))),
        hidden("change a customer's balance", "law", &customer, format!("UPDATE customer_balance SET receivable = receivable + 1 {}", of("customer_id", &customer))),
        kind("change the amount of an allocation, balances with it", "allocation", &allocation, format!("UPDATE allocation SET amount = amount - 1, credit_base = credit_base - 1, debit_base = debit_base - 1 {a};
            UPDATE open_item_balance SET open_amount = open_amount + 1, open_base = open_base + 1, closed_on = NULL WHERE company_id = {{c}} AND item_id IN (SELECT unnest(ARRAY[debit_item_id, credit_item_id]) FROM allocation {a});
            UPDATE customer_balance SET receivable = receivable + 1, unapplied = unapplied + 1 {}", of("customer_id", &customer), a = of("id", &allocation))),
        kind("change the date of an allocation", "allocation", &allocation, format!("UPDATE allocation SET effective_on = effective_on + 1 {}", of("id", &allocation))),
        kind("delete an allocation, balances with it", "allocation", &allocation, format!("UPDATE open_item_balance b SET open_amount = b.open_amount + x.amount, open_base = b.open_base + x.debit_base, closed_on = NULL FROM allocation x WHERE b.company_id = {{c}} AND x.company_id = {{c}} AND x.id = '{allocation}' AND b.item_id IN (x.debit_item_id, x.credit_item_id);
            UPDATE customer_balance SET receivable = receivable + (SELECT debit_base FROM allocation {a}), unapplied = unapplied + (SELECT credit_base FROM allocation {a}) {}; DELETE FROM allocation {a}", of("customer_id", &customer), a = of("id", &allocation))),
        kind("edit the body of an event", "audit_event", &event, format!("UPDATE audit_event SET body = replace(body, 'issued', 'issueD') {}", of("id", &event))),
        hidden("edit the actor beside an event", "audit_event", &event, format!("UPDATE audit_event SET actor = 'system' {}", of("id", &event))),
        hidden("edit when an event was recorded", "audit_event", &event, format!("UPDATE audit_event SET recorded_at = recorded_at - interval '1 hour' {}", of("id", &event))),
        kind("edit what an event says of a record, and the record", "audit_event", &event, format!("UPDATE invoice SET po_reference = 'PO-1' {i}; UPDATE audit_event SET states = regexp_replace(states, 'invoice {invoice} [0-9a-f]*', 'invoice {invoice} ' || (SELECT encode(sha256(convert_to(state, 'UTF8')), 'hex') FROM state_invoice {i})) {}", of("id", &event), i = of("id", &invoice))),
        kind("exchange two leaves", "audit_leaf", "", swap(event_seq, event_seq + 1)),
        kind("edit an event and compute all hashes anew", "audit_event", &event, recomputed),
        kind("edit the snapshot of a month", "period_snapshot", "", "UPDATE period_snapshot SET content = content || ' ', sha256 = sha256(convert_to(content || ' ', 'UTF8')) WHERE company_id = {c}".to_owned()),
        kind("reopen a month", "period", "", "UPDATE period SET state = CASE state WHEN 'open' THEN 'closed' ELSE 'open' END WHERE company_id = {c} AND starts_on = '2024-12-01'".to_owned()),
        kind("change a customer's GSTIN", "customer", &customer, format!("UPDATE customer SET gstin = '27AAPFU0939F1ZV' {}", of("id", &customer))),
        kind("change a customer's terms", "customer", &customer, format!("UPDATE customer SET payment_terms_days = 365 {}", of("id", &customer))),
        kind("add an address to a customer", "customer", &customer, format!("INSERT INTO customer_address (company_id, id, customer_id, kind, line1, city, country) VALUES ({{c}}, gen_random_uuid(), '{customer}', 'billing', '1', 'X', 'IN')")),
        kind("change our bank account", "bank_account", &bank_account, format!("UPDATE bank_account SET account_number = '999' {}", of("id", &bank_account))),
        kind("change the roles of a user", "membership", &user, format!("UPDATE membership SET roles = '{{controller}}' {}", of("user_id", &user))),
        kind("rename an account", "gl_account", &bank, format!("UPDATE gl_account SET name = 'Cash' {}", of("id", &bank))),
        hidden("move the counter of a number series", "law", "", format!("UPDATE number_series SET next_number = next_number + 1 {}", of("id", &series))),
    ]
}

#[test]
fn every_change_behind_the_services_back_is_found_and_named() {
    let b = books();
    let controller = b.company.controller();
    controller.change("POST", "/v1/periods/2024-12/close", "*", &json!({"level": "hard"}));
    b.settle();
    let sound = b.copy();
    let (mut table, mut cleans) = (Vec::new(), 0);
    let kinds = kinds(&b);
    assert!(kinds.len() >= 16);
    for (at, kind) in kinds.iter().enumerate() {
        b.damage(&kind.damage);
        let found = b.verify();
        let named = found["findings"].as_array().unwrap().iter().any(|f| f["record"] == kind.record && (kind.id.is_empty() || f["id"] == kind.id.as_str()));
        assert!(found["verified"] == false && named && found["first_bad_seq"].as_i64() >= Some(1), "{}: {found}", kind.name);
        let offline = b.offline();
        if kind.offline {
            assert!(!offline.is_empty(), "offline: {}", kind.name);
            assert!(
                kind.record == "audit_event" || kind.record == "audit_leaf" || offline.iter().any(|text| text.contains(&kind.id)),
                "offline: {}: {offline:?}",
                kind.name
            );
        }
        table.push(format!(
            "| {} | {} | {} | {} |",
            kind.name,
            found["first_bad_seq"],
            found["finding"].as_str().unwrap(),
            offline.first().map_or("(not shown)", String::as_str)
        ));
        b.restore(&sound);
        if at % 4 == 0 {
            let clean = b.verify();
            assert_eq!((&clean["verified"], &clean["findings"]), (&json!(true), &json!([])), "after {}: {clean}", kind.name);
            assert_eq!(b.offline(), Vec::<String>::new(), "after {}", kind.name);
            cleans += 1;
        }
    }
    println!(
        "{} kinds, {cleans} clean verifications between\n| what was done | first entry | the service says | the offline verifier says |\n|---|---|---|---|\n{}",
        table.len(),
        table.join("\n")
    );
    Books::drop_copy(&sound);
    b.company.assert_laws();
}

#[test]
fn an_older_copy_of_the_database_is_found_and_can_be_accepted_only_on_record() {
    let b = books();
    let old = b.copy();
    b.company.invoice(&b.customer, "2025-02-15", "2025-03-15", "10.00");
    b.settle();
    let newest = b.newest_note();
    b.restore(&old);
    let found = b.verify();
    assert!(found["verified"] == false && found["finding"].as_str().unwrap().contains("shorter"), "{found}");
    assert_eq!(found["first_bad_seq"].as_i64(), found["to_seq"].as_i64().map(|seq| seq + 1), "{found}");
    // The books go on, but nothing is sealed over the gap.
    b.company.invoice(&b.other, "2025-02-16", "2025-03-16", "10.00");
    assert_eq!(b.verify()["verified"], false);
    let later = Books { note: newest, ..b };
    assert!(later.offline().iter().any(|text| text.contains("shorter")), "{:?}", later.offline());
    Books::drop_copy(&old);
}

#[test]
fn proofs_of_entries_and_checkpoints_can_be_recomputed_outside() {
    let b = books();
    let auditor = b.company.as_role("auditor");
    let checkpoints = auditor.get("/v1/audit/checkpoints?limit=200&sort=size").expect(200)["data"].as_array().unwrap().clone();
    let key = PublicKey::read(&Client::anonymous().get("/.well-known/jwks.json").text()).expect("the published key");
    let read = |checkpoint: &Value| Note::read(checkpoint["note"].as_str().unwrap(), &key).expect("signed by the published key");
    let newest = read(checkpoints.last().unwrap());
    assert_eq!(PublicKey::read(checkpoints[0]["verifier_key"].as_str().unwrap()), Some(key));
    let hashes = |value: &Value| -> Vec<[u8; 32]> {
        let unhex = |text: &str| -> Vec<u8> { (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect() };
        value.as_array().unwrap().iter().map(|hash| unhex(hash.as_str().unwrap()).try_into().unwrap()).collect()
    };
    for checkpoint in &checkpoints {
        let old = read(checkpoint);
        let proven = auditor.get(&format!("/v1/audit/checkpoints/{}?from={}", newest.size, old.size)).expect(200);
        let roots = roots_of_consistency(old.size, newest.size, old.root, &hashes(&proven["consistency_proof"]));
        assert_eq!(roots, Some((old.root, newest.root)), "{proven}");
    }
    for seq in 1..=newest.size {
        let entry = auditor.get(&format!("/v1/audit/entries/{seq}?size={}", newest.size)).expect(200);
        let leaf = leaf(entry["sealed_text"].as_str().unwrap().as_bytes());
        assert_eq!(entry["leaf_hash"], hex(&leaf));
        assert_eq!(root_of_inclusion(seq - 1, newest.size, leaf, &hashes(&entry["inclusion_proof"])), Some(newest.root), "{entry}");
    }
    auditor.get(&format!("/v1/audit/entries/{}", newest.size + 1000)).refused(404, "not_found");
    auditor.get("/v1/audit/entries/1?size=9999999").refused(400, "invalid_parameter");
    auditor.get("/v1/audit/checkpoints/999999").refused(404, "not_found");
    auditor.get(&format!("/v1/audit/checkpoints/{}?from=999999", newest.size)).refused(400, "invalid_parameter");
    // Parts of the log, and a checkpoint it must continue.
    let part = auditor.post("/v1/audit/verify", &json!({"from_seq": 2, "to_seq": 3, "checkpoint": checkpoints[0]["note"]})).expect(200);
    assert_eq!((&part["verified"], &part["from_seq"], &part["to_seq"]), (&json!(true), &json!(2), &json!(3)), "{part}");
    auditor.post("/v1/audit/verify", &json!({"from_seq": 3, "to_seq": 2})).refused(422, "validation_failed");
    let altered = checkpoints[0]["note"].as_str().unwrap().replacen("duebook/", "duebook/x", 1);
    let refused = auditor.post("/v1/audit/verify", &json!({"checkpoint": altered})).refused(422, "validation_failed");
    assert!(blames(&refused, "#/checkpoint", "checkpoint_invalid"), "{refused}");
    // Filters of the list.
    let page = auditor.get("/v1/audit/entries?seq_gte=2&seq_lte=3&limit=10").expect(200);
    assert_eq!(page["data"].as_array().unwrap().iter().map(|entry| entry["seq"].as_i64().unwrap()).collect::<Vec<_>>(), [2, 3]);
    let by = b.company.user_id("ar_executive");
    let page =
        auditor.get(&format!("/v1/audit/entries?actor_type=user&actor_id={by}&at_gte=2020-01-01T00:00:00Z&at_lte=2099-01-01T00:00:00Z&limit=200")).expect(200);
    assert!(
        !page["data"].as_array().unwrap().is_empty() && page["data"].as_array().unwrap().iter().all(|entry| entry["actor"] == format!("user:{by}")),
        "{page}"
    );
    b.company.assert_laws();
}

#[test]
fn an_auditor_is_answered_who_when_what_and_that_nothing_was_changed_otherwise() {
    let b = books();
    let (executive, auditor) = (b.company.executive(), b.company.as_role("auditor"));
    let of = |resource: &str, action: &str| {
        let page = auditor.get(&format!("/v1/audit/entries?resource_id={resource}&action={action}")).expect(200);
        page["data"].as_array().unwrap().last().unwrap_or_else(|| panic!("no {action} of {resource}: {page}")).clone()
    };
    // Made, changed (old and new), taken back (with the reason); each by whom and when.
    let by = format!("user:{}", b.company.user_id("ar_executive"));
    let made = of(&b.customer, "customer.created");
    assert_eq!((&made["actor"], &made["detail"]["before"]), (&json!(by), &Value::Null), "{made}");
    executive.change("PATCH", &format!("/v1/customers/{}", b.customer), "*", &json!({"legal_name": "Renamed Pvt Ltd"})).expect(200);
    let changed = of(&b.customer, "customer.updated");
    assert_eq!(changed["detail"]["after"]["legal_name"], "Renamed Pvt Ltd", "{changed}");
    assert!(changed["detail"]["before"]["legal_name"].as_str().unwrap().starts_with("Customer"), "{changed}");
    assert!(changed["recorded_at"].as_str().unwrap() > made["recorded_at"].as_str().unwrap());
    // It cannot be switched off or rewritten under the service's role.
    for statement in [
        "UPDATE audit_event SET actor = 'x'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event CASCADE",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "DROP TRIGGER touched_added ON invoice",
        "SET session_replication_role = replica",
    ] {
        assert!(Db::app().commit_in(&b.company.id, statement).is_err(), "{statement}");
    }
    // A change in the database itself is flagged with the record.
    b.damage(&format!("UPDATE customer SET legal_name = 'Somebody Else' WHERE company_id = {{c}} AND id = '{}'", b.customer));
    let found = auditor.post("/v1/audit/verify", &json!({})).expect(200);
    assert_eq!((&found["findings"][0]["record"], &found["findings"][0]["id"]), (&json!("customer"), &json!(b.customer)), "{found}");
    b.damage(&format!("UPDATE customer SET legal_name = 'Renamed Pvt Ltd' WHERE company_id = {{c}} AND id = '{}'", b.customer));
    b.company.assert_laws();
}

/// Tables that no event is bound to, and why.
const ASIDE: &[(&str, &str)] = &[
    ("app_user", "of no company: a person works in several"),
    ("refresh_token", "sessions come and go"),
    ("revocation", "sessions come and go"),
    ("idempotency_key", "kept for 30 days"),
    ("job", "long work comes and goes; what it did for good has events of its own"),
    ("import", "files on their way; what came of their rows has events of its own"),
    ("import_piece", "files on their way"),
    ("import_row", "files on their way; what came of a row has events of its own"),
    ("former_name", "what reports call people and accounts of old; events hold before and after"),
    ("portfolio_customer", "made from customers by a trigger"),
    ("metadata_entry", "made from documents and customers by a trigger"),
    ("open_item_balance", "a cache, proved by the laws"),
    ("customer_balance", "a cache, proved by the laws"),
    ("credit_score", "computed from the books by a scorecard that is bound, and can be computed again; what persons set of it has events"),
    ("audit_event", "the log itself"),
    ("audit_leaf", "the log itself"),
    ("audit_checkpoint", "the log itself"),
    ("event", "made from the sealed log, which says what it tells"),
    ("event_feed", "how far the log was told"),
    ("webhook_delivery", "traffic, kept for 90 days"),
    ("webhook_attempt", "traffic, kept for 90 days"),
    ("__diesel_schema_migrations", "which steps of the schema were run"),
];

/// Columns that no digest covers, and why.
const COLUMNS_ASIDE: &[(&str, &str, &str)] = &[
    ("number_series", "next_number", "proved by the numbers taken"),
    ("number_series", "version", "moves with next_number"),
    ("number_series", "last_date", "moves with next_number"),
    ("membership", "last_login_at", "a trace of reading"),
    ("api_client", "last_used_at", "a trace of reading"),
    ("webhook_endpoint", "failing_since", "how it does, as last seen"),
    ("webhook_endpoint", "failures", "how it does, as last seen"),
    ("webhook_endpoint", "last_attempt_at", "how it does, as last seen"),
    ("webhook_endpoint", "last_success_at", "how it does, as last seen"),
    ("webhook_endpoint", "last_status", "how it does, as last seen"),
    ("webhook_endpoint", "paused_until", "how it does, as last seen"),
    ("api_client", "last_used_ip", "a trace of reading"),
    ("api_client", "secret_used_at", "a trace of reading"),
];

#[test]
fn every_table_and_column_is_bound_to_events_or_says_why_not() {
    let mut db = Db::owner();
    let names = |rows: Vec<Value>| -> Vec<String> { rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect() };
    let tables = names(db.rows("SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"));
    for table in &tables {
        // What the views read of a table.
        let read = names(db.rows(&format!(
            "SELECT DISTINCT a.attname AS name FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class AND v.relname LIKE 'state\\_%'
             JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE d.refobjid = '{table}'::regclass"
        )));
        if ASIDE.iter().any(|(aside, _)| aside == table) {
            assert!(read.is_empty(), "{table} is bound and listed as not");
            continue;
        }
        assert!(!read.is_empty(), "{table} is not bound to events: govern it in a migration, or say here why not");
        let columns = names(db.rows(&format!(
            "SELECT attname AS name FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
        )));
        for column in columns {
            let aside = COLUMNS_ASIDE.iter().any(|(t, c, _)| t == table && *c == column);
            assert_ne!(read.contains(&column), aside, "{table}.{column} is bound to events, or said here not to be");
        }
    }
    let bare = names(db.rows(
        "SELECT substr(relname, 7) AS name FROM pg_class v WHERE relkind = 'v' AND relname LIKE 'state\\_%'
         AND (SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = substr(v.relname, 7)::regclass AND t.tgname IN ('touched', 'touched_added') AND t.tgenabled = 'O') <> 2",
    ));
    assert!(bare.is_empty(), "without triggers that note what is written: {bare:?}");
}
