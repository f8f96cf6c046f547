//! What a big company costs: a million open items are stored, then the same things are measured as with ten thousand.

use crate::client::{Client, new_key};
use crate::script::{self, Statement};
use crate::service::Service;
use crate::{Books, CUSTOMERS, Failure, Kind, Post, client};
use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const SMALL: usize = 10_000;
const TARGETS: usize = 200;
const ROUNDS: usize = 5;

/// Fills the company to `documents` and reports.
pub fn run(service: &mut Service, books: &Books, documents: usize, seconds: Duration) -> Result<(), Failure> {
    let token = service.token("ar_executive")?;
    let mut client = service.client(&token)?;
    let template = client.created("/v1/invoices", &serde_json::from_str(&books.invoice(0, None, &new_key()))?)?;
    println!("# Load benchmark: a company of {documents} open items\n\n{}\n", books.today);
    let mut posting = Vec::new();
    let mut stored = 1;
    for wanted in [SMALL, documents] {
        let started = Instant::now();
        fill(service, &template, stored, wanted)?;
        stored = wanted;
        let token = service.token("ar_executive")?;
        eprintln!("{wanted} documents stored after {:.0} s", started.elapsed().as_secs_f64());
        // Half of the work warms caches up and is thrown away.
        alone(service, books, &token, seconds)?;
        posting.push(alone(service, books, &token, seconds)?);
    }
    println!("| measured | figure | beside | ratio |\n|---|---|---|---|");
    let [small, large] = &posting[..] else { return Err("two sizes".into()) };
    println!("| posting an invoice, p50 ms, {documents} stored beside {SMALL} | {:.2} | {:.2} | {:.2} |", large.0, small.0, large.0 / small.0);
    println!("| processor ms of service and PostgreSQL an invoice, the same | {:.2} | {:.2} | {:.2} |", large.1, small.1, large.1 / small.1);
    // The filling took longer than a connection is kept open for nothing, and than a token may last.
    let mut client = service.client(&service.token("ar_executive")?)?;
    aging(service, &mut client)?;
    wide_receipt(service, books, &mut client)?;
    checks(service, books, &mut client)?;
    println!("\n- Peak memory of the service: {}", service.peak_memory()?);
    println!("- Database: {}", service.query("SELECT pg_size_pretty(pg_database_size(current_database()))")?);
    Ok(())
}

/// Copies the rows of an invoice that was posted, for customers in turn, until there are so many: as they would stand
/// there had each been posted, with balances, audit events and keys.
fn fill(service: &mut Service, template: &str, from: usize, to: usize) -> Result<(), Failure> {
    let columns = |service: &mut Service, table: &str, own: &[(&str, &str)]| -> Result<(String, String), Failure> {
        let all = service.query(&format!(
            "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
        ))?;
        let value = |name: &str| own.iter().find(|(own, _)| *own == name).map_or_else(|| format!("t.{name}"), |(_, value)| (*value).to_owned());
        Ok((all.clone(), all.split(',').map(value).collect::<Vec<_>>().join(",")))
    };
    // A version 7 id by kind and number, in order of time as the service's own are.
    let id = |kind: &str| {
        format!("('01900000-' || lpad(to_hex(n >> 16), 4, '0') || '-7' || lpad(to_hex(n & 4095), 3, '0') || '-8{kind}-' || lpad(to_hex(n), 12, '0'))::uuid")
    };
    let (invoice, entry, item, event, key) = (id("001"), id("002"), id("003"), id("004"), id("005"));
    let line = "('01900001-' || lpad(to_hex(n >> 16), 4, '0') || '-7' || lpad(to_hex(n & 4095), 3, '0') || '-8006-' || lpad(to_hex(n * 8 + t.line_no), 12, '0'))::uuid";
    let customer = format!("(SELECT ids[n % {CUSTOMERS} + 1] FROM customers)");
    let line_customer = format!("CASE WHEN t.customer_id IS NOT NULL THEN {customer} END");
    let number = "'FILL/' || lpad(n::text, 8, '0')";
    let due = "t.due_date - (n % 200)::int";
    let of = format!("WHERE t.company_id = i.company_id AND i.id = '{template}'");
    let tables = [
        ("journal_entry", format!("{of} AND t.id = i.entry_id"), vec![("id", entry.as_str()), ("document_id", invoice.as_str()), ("document_number", number)]),
        ("journal_line", format!("{of} AND t.entry_id = i.entry_id"), vec![("entry_id", entry.as_str()), ("customer_id", line_customer.as_str())]),
        (
            "open_item",
            format!("{of} AND t.entry_id = i.entry_id"),
            vec![
                ("id", item.as_str()),
                ("entry_id", entry.as_str()),
                ("document_id", invoice.as_str()),
                ("customer_id", customer.as_str()),
                ("document_number", number),
                ("due_date", due),
            ],
        ),
        (
            "open_item_balance",
            format!("{of} AND t.item_id = (SELECT x.id FROM open_item x WHERE x.entry_id = i.entry_id)"),
            vec![("item_id", item.as_str()), ("customer_id", customer.as_str()), ("due_date", due)],
        ),
        (
            "invoice",
            format!("{of} AND t.id = i.id"),
            vec![
                ("id", invoice.as_str()),
                ("entry_id", entry.as_str()),
                ("customer_id", customer.as_str()),
                ("number", number),
                ("external_id", number),
                ("due_date", due),
            ],
        ),
        ("invoice_line", format!("{of} AND t.invoice_id = i.id"), vec![("id", line), ("invoice_id", invoice.as_str())]),
        ("audit_event", format!("{of} AND t.object_id = i.id"), vec![("id", event.as_str()), ("object_id", invoice.as_str()), ("xid", "1")]),
        ("idempotency_key", format!("{of} AND t.reply LIKE '%{template}%' AND t.key NOT LIKE 'FILL/%'"), vec![("id", key.as_str()), ("key", number)]),
    ];
    let mut statements = Vec::new();
    for (table, of, own) in tables {
        let (names, values) = columns(service, table, &own)?;
        statements.push(format!(
            "WITH customers AS (SELECT array_agg(id ORDER BY id) AS ids FROM customer WHERE external_id LIKE 'bench-customer-%')
             INSERT INTO {table} ({names}) SELECT {values} FROM invoice i, {table} t, generate_series({from}, {to} - 1) AS n {of}",
        ));
    }
    // In two sessions, for two processors.
    std::thread::scope(|scope| {
        let copy = |first: usize| -> Result<(), Failure> {
            let mut session = PgConnection::establish(&service.owner_url)?;
            session.batch_execute("SET session_replication_role = replica; SET work_mem = '256MB'; SET synchronous_commit = off")?;
            statements.iter().skip(first).step_by(2).try_for_each(|statement| Ok(session.batch_execute(statement)?))
        };
        let other = scope.spawn(move || copy(1));
        copy(0).and(other.join().map_err(|_| Failure::from("a session of the filling ended"))?)
    })?;
    service.owner.batch_execute(
        "SET session_replication_role = replica; UPDATE customer_balance b SET receivable = s.open FROM (SELECT company_id, customer_id, sum(open_base) AS open FROM open_item_balance WHERE side = 'debit' GROUP BY 1, 2) AS s
         WHERE s.company_id = b.company_id AND s.customer_id = b.customer_id; SET session_replication_role = origin",
    )?;
    service.owner.batch_execute("VACUUM ANALYZE")?;
    Ok(())
}

/// One client posting invoices: the median in milliseconds, and the processor time each took.
fn alone(service: &Service, books: &Books, token: &str, seconds: Duration) -> Result<(f64, f64), Failure> {
    let mut posts = Post::all(1, &[]);
    let before = service.cpu()?;
    let load = client::load(vec![service.client(token)?], "/v1/invoices", &mut posts, seconds, |post, key| books.next(Kind::Invoice, post, key), |_, _| ())?;
    let used = service.cpu()?.since(before);
    match load.errors.first() {
        Some(error) => Err(error.clone().into()),
        None => Ok((load.percentile(50), (used.service + used.postgres) / (load.rate() * load.seconds))),
    }
}

/// The aging report of today over HTTP, beside the one statement that gives its figures.
fn aging(service: &mut Service, client: &mut Client) -> Result<(), Failure> {
    let best = "SELECT customer_id, CASE WHEN side = 'credit' THEN -1 ELSE width_bucket(current_date - due_date, ARRAY[1, 31, 61, 91, 121]) END AS bucket, sum(open_base) AS open
                FROM open_item_balance WHERE open_amount > 0 GROUP BY 1, 2";
    let ledger = "SELECT sum(l.base_debit - l.base_credit) FROM journal_line l JOIN gl_account a ON a.company_id = l.company_id AND a.id = l.account_id WHERE a.is_control";
    let documents = "SELECT sum(CASE WHEN side = 'debit' THEN base_amount ELSE -base_amount END) FROM open_item";
    let fastest = |what: &mut dyn FnMut() -> Result<(), Failure>| -> Result<f64, Failure> {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let started = Instant::now();
            what()?;
            times.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        Ok(times[ROUNDS / 2])
    };
    let reply: Value = serde_json::from_slice(client.get("/v1/reports/aging?limit=1")?)?;
    if reply["check"]["difference"] != "0.00" {
        return Err(format!("the filled books do not agree: {}", reply["check"]).into());
    }
    let over_http = fastest(&mut || client.get("/v1/reports/aging?limit=1").map(drop))?;
    let aging = fastest(&mut || Ok(service.owner.batch_execute(best)?))?;
    let checked = fastest(&mut || Ok(service.owner.batch_execute(&format!("{best}; {ledger}; {documents}"))?))?;
    println!("| aging over HTTP with its check, ms, beside SQL of the same figures | {over_http:.0} | {checked:.0} | {:.2} |", over_http / checked);
    println!("| the same beside the SQL of the buckets alone | {over_http:.0} | {aging:.0} | {:.2} |", over_http / aging);
    Ok(())
}

/// Orders asked of credit one after the other, of customers in turn that have a limit each. Some owe nothing that is
/// overdue and pass, which reads what they owe from kept balances and holds the amount free; the others are stopped, which
/// also keeps how they paid for a year.
fn checks(service: &mut Service, books: &Books, client: &mut Client) -> Result<(), Failure> {
    const CHECKS: usize = 4_000;
    service.owner.batch_execute(
        "SET session_replication_role = replica;
         INSERT INTO credit_limit (company_id, id, customer_id, scope, status, currency, amount, valid_from, reason, created_by, decided_at)
         SELECT company_id, gen_random_uuid(), id, 'own', 'active', 'INR', 900000000000, current_date, 'Bench', 'bench', now() FROM customer WHERE external_id LIKE 'bench-customer-%';
         SET session_replication_role = origin; ANALYZE",
    )?;
    let (mut passed, mut held) = (Vec::new(), Vec::new());
    for n in 0..CHECKS {
        let body = json!({"customer_id": books.customers[n % CUSTOMERS], "order_id": new_key(), "amount": "100.00"}).to_string();
        let started = Instant::now();
        let check = client.answer("/v1/credit-checks", &new_key(), &body)?;
        let took = started.elapsed().as_secs_f64() * 1000.0;
        // The first of each customer warm caches up.
        if n >= CUSTOMERS {
            if check["result"] == "hold" { held.push(took) } else { passed.push(took) }
        }
    }
    for (name, times) in [("passes", passed), ("is stopped", held)].into_iter().filter(|(_, times)| !times.is_empty()) {
        row(&format!("a credit check that {name} ({} of them)", times.len()), times);
    }
    row("one row inserted and committed, nothing else", bare(service)?);
    Ok(())
}

fn row(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let [p50, p99] = [50, 99].map(|percent| times.get(times.len() * percent / 100).copied().unwrap_or_default());
    println!("| {what}, ms, p99 beside p50 | {p99:.2} | {p50:.2} | {:.2} |", p99 / p50);
}

/// What the machine itself asks for whatever is kept: a row inserted and committed in the same database, one after the other.
fn bare(service: &mut Service) -> Result<Vec<f64>, Failure> {
    service.owner.batch_execute("CREATE TABLE bench_bare (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), kept text NOT NULL)")?;
    (0..2_000)
        .map(|_| {
            let started = Instant::now();
            service.owner.batch_execute("INSERT INTO bench_bare (kept) VALUES ('One row')")?;
            Ok(started.elapsed().as_secs_f64() * 1000.0)
        })
        .collect()
}

/// A receipt over 200 invoices, beside its own statements replayed in SQL.
fn wide_receipt(service: &mut Service, books: &Books, client: &mut Client) -> Result<(), Failure> {
    let (mut over_http, mut bare) = (Vec::new(), Vec::new());
    // The first allocations of the company: the server's own analysis follows within seconds, here at once.
    let body = receipt(books, &issued(books, client)?);
    client.created("/v1/receipts", &body)?;
    service.owner.batch_execute("ANALYZE")?;
    for _ in 0..ROUNDS {
        let body = receipt(books, &issued(books, client)?);
        let started = Instant::now();
        client.created("/v1/receipts", &body)?;
        over_http.push(started.elapsed().as_secs_f64() * 1000.0);
        // What another such receipt says to the database is taken down from a dry run and said again.
        let body = receipt(books, &issued(books, client)?);
        script::log_statements(service, true)?;
        let key = body["external_id"].as_str().unwrap_or_default().to_owned();
        client.answer("/v1/receipts?validate_only=true", &new_key(), &body.to_string())?;
        let log = std::fs::read_to_string(service.log())?;
        script::log_statements(service, false)?;
        bare.push(replay(&service.app_url, &script::transaction_of(&log, &key)?)?);
    }
    over_http.sort_by(f64::total_cmp);
    bare.sort_by(f64::total_cmp);
    let (over_http, bare) = (over_http[ROUNDS / 2], bare[ROUNDS / 2]);
    println!("| a receipt over {TARGETS} invoices, ms, beside its statements in SQL | {over_http:.1} | {bare:.1} | {:.2} |", over_http / bare);
    Ok(())
}

fn issued(books: &Books, client: &mut Client) -> Result<Vec<String>, Failure> {
    let items: Vec<Value> = (0..TARGETS).map(|_| serde_json::from_str(&books.invoice(0, None, &new_key()))).collect::<Result<_, _>>()?;
    let made = client.answer("/v1/invoices/bulk", &new_key(), &json!({"mode": "atomic", "items": items}).to_string())?;
    made["items"].as_array().into_iter().flatten().map(|row| row["id"].as_str().map(str::to_owned).ok_or_else(|| format!("not issued: {row}").into())).collect()
}

fn receipt(books: &Books, invoices: &[String]) -> Value {
    let amount = 100 * invoices.len();
    let targets: Vec<Value> = invoices.iter().map(|id| json!({"target_type": "invoice", "target_id": id, "amount": "100.00", "kind": "cash"})).collect();
    json!({"external_id": new_key(), "customer_id": books.customers[0], "receipt_date": books.today, "method": "neft", "currency": "INR",
        "bank_account_id": books.bank_account, "utr": new_key().to_ascii_uppercase(), "amount_received": format!("{amount}.00"), "allocations": targets})
}

/// Milliseconds from BEGIN to COMMIT of the statements, prepared before.
fn replay(url: &str, statements: &[Statement]) -> Result<f64, Failure> {
    let mut session = PgConnection::establish(url)?;
    session.batch_execute("SET ROLE duebook_app; SET timezone = 'UTC'")?;
    let own: Vec<&Statement> = statements.iter().filter(|statement| !statement.text.starts_with("BEGIN") && !statement.text.starts_with("ROLLBACK")).collect();
    for (n, statement) in own.iter().enumerate() {
        session.batch_execute(&format!("PREPARE s{n} AS {}", statement.text))?;
    }
    let begin = &statements.first().ok_or("no statement")?.text;
    let quoted = |value: &Option<String>| value.as_ref().map_or_else(|| "NULL".to_owned(), |value| format!("'{}'", value.replace('\'', "''")));
    let calls: Vec<String> = own
        .iter()
        .enumerate()
        .map(|(n, statement)| match statement.parameters.len() {
            0 => format!("EXECUTE s{n}"),
            _ => format!("EXECUTE s{n}({})", statement.parameters.iter().map(quoted).collect::<Vec<_>>().join(", ")),
        })
        .collect();
    let started = Instant::now();
    session.batch_execute(begin)?;
    for call in &calls {
        session.batch_execute(call)?;
    }
    session.batch_execute("COMMIT")?;
    Ok(started.elapsed().as_secs_f64() * 1000.0)
}
