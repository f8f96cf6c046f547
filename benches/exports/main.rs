//! How fast open items leave as a file, beside PostgreSQL's own COPY of the same statement; and the memory that takes.
//!
//! `cargo bench --bench exports -- --items 1000000`. Items are put in by SQL, as a company of years would have them. Both
//! read the same statement on one snapshot: COPY throws the rows away, the export takes them apart, guards, sums, hashes
//! and writes them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, reason = "a benchmark")]

use clap::Parser;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use duebook::app::{Database, Service};
use duebook::config::{Cli, Command};
use duebook::ledger::balances::At;
use duebook::platform::ids::CompanyId;
use duebook::platform::unit_of_work::{run_system, run_system_read};
use duebook::reporting::exports::service::OPEN_RECEIVABLES;
use duebook::reporting::exports::sheet::Scope;
use duebook::reporting::exports::types::ExportFormat;
use duebook::reporting::exports::writer::Files;
use duebook::setup::company::found;
use std::time::Instant;

fn argument(name: &str, otherwise: u64) -> u64 {
    let arguments: Vec<String> = std::env::args().collect();
    arguments.iter().position(|a| a == name).and_then(|at| arguments.get(at + 1)).map_or(otherwise, |n| n.parse().expect("a number"))
}

/// Memory of this process in MiB: now (`VmRSS`) or at most (`VmHWM`).
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}

/// A thousand customers and `items` open invoices, a third of them partly paid by an allocation.
fn fill(owner: &str, company: CompanyId, items: u64) {
    let mut connection = PgConnection::establish(owner).expect("the owner may");
    let text = format!(
        "BEGIN; SET LOCAL session_replication_role = replica; SELECT set_config('app.company_id', '{company}', true);
         INSERT INTO customer (company_id, id, code, legal_name, kind, currency, created_by)
            SELECT '{company}', md5('customer' || n)::uuid, 'C' || lpad(n::text, 6, '0'), 'Customer ' || n || ' Pvt Ltd', 'b2b', 'INR', 'system' FROM generate_series(1, 1000) AS n;
         INSERT INTO open_item (company_id, id, customer_id, entry_id, document_kind, document_id, document_number, side, currency, amount, base_amount, document_date, posting_date, due_date, original_due_date)
            SELECT '{company}', md5('item' || n)::uuid, md5('customer' || (1 + n % 1000))::uuid, md5('entry' || n)::uuid, 'invoice', md5('document' || n)::uuid, 'MH/25-26/' || lpad(n::text, 7, '0'), 'debit', 'INR',
                   1000 + n % 90000 + 0.25, 1000 + n % 90000 + 0.25, d, d, d + 30, d + 30
            FROM (SELECT n, date '2025-01-01' + (n % 360)::int AS d FROM generate_series(1, {items}) AS n) AS numbered;
         INSERT INTO allocation (company_id, id, customer_id, credit_item_id, debit_item_id, kind, amount, credit_base, debit_base, effective_on, rule, actor)
            SELECT '{company}', md5('allocation' || n)::uuid, md5('customer' || (1 + n % 1000))::uuid, md5('receipt' || n)::uuid, md5('item' || n)::uuid, 'cash', 500, 500, 500, date '2026-01-15', 'request', 'system'
            FROM generate_series(1, {items}, 3) AS n;
         COMMIT; ANALYZE open_item; ANALYZE allocation; ANALYZE customer"
    );
    connection.batch_execute(&text).expect("filled");
}

fn main() {
    let items = argument("--items", 100_000);
    let directory = std::env::temp_dir().join(format!("duebook-bench-exports-{}", std::process::id()));
    let cli = Cli::parse_from(["duebook", "serve", "--data-dir", directory.to_str().unwrap()]);
    let Command::Serve(settings) = cli.command else { unreachable!() };
    let database = Database::open(&settings).expect("a database");
    let service = Service::new(&database, &settings).expect("a service");
    let company = CompanyId::new();
    run_system(&service.doors, Some(company), "bench", |tx| found(tx, "Bench Traders Pvt Ltd", "27AAACD1234E1Z9").map(drop)).expect("a company");
    let start = Instant::now();
    fill(&database.owner_url, company, items);
    println!("{items} open items in {:.1?}", start.elapsed());

    let rounds = argument("--rounds", 3);
    let mut best = [f64::MAX; 4];
    let before = memory("VmRSS");
    for round in 1..=rounds {
        run_system_read(&service.doors, Some(company), "bench", |rx| {
            rx.take_time()?;
            let at = At::read(rx, Some("2026-03-31"), None)?;
            let day = |text: &str| text.parse().expect("a date");
            let scope = Scope { as_of: at.as_of, known_at: at.horizon(), from: day("1900-01-01"), to: at.as_of, gstins: Vec::new() };
            let (mut rows, mut bytes, start) = (0_u64, 0_usize, Instant::now());
            let values = scope.values(rx);
            rx.copy(&OPEN_RECEIVABLES.statement(), &values, |row| {
                rows += 1;
                bytes += row.len();
                Ok(())
            })?;
            best[0] = best[0].min(start.elapsed().as_secs_f64());
            println!("round {round}: COPY {rows} rows, {} MiB, {:.2?}", bytes >> 20, start.elapsed());
            for (at, format) in [ExportFormat::Csv, ExportFormat::Jsonl, ExportFormat::Xlsx].into_iter().enumerate() {
                let out = directory.join(format!("out-{format}"));
                std::fs::create_dir_all(&out).expect("a directory");
                let (currency, start) = (rx.cx().currency(), Instant::now());
                let mut files = Files::new(&out, format, true, currency, &|_| Ok(()));
                let sums = files.sheet(rx, OPEN_RECEIVABLES, &scope)?;
                best[at + 1] = best[at + 1].min(start.elapsed().as_secs_f64());
                assert_eq!(files.rows, rows);
                let size: u64 = files.done.iter().map(|file| file.bytes).sum();
                println!("round {round}: {format} {} files, {} MiB, balance {}, {:.2?}", files.done.len(), size >> 20, sums.of("balance"), start.elapsed());
            }
            Ok(())
        })
        .expect("exported");
    }
    let rate = |seconds: f64| f64::from(u32::try_from(items).unwrap()) / seconds;
    println!("COPY {:.0} rows/s", rate(best[0]));
    for (name, seconds) in ["csv", "jsonl", "xlsx"].iter().zip(&best[1..]) {
        println!("{name} {:.0} rows/s, {:.2} of COPY's rate", rate(*seconds), best[0] / seconds);
    }
    println!("memory: {before} MiB before, {} MiB at most", memory("VmHWM"));
    drop(service);
    database.close().expect("closed");
    let _ = std::fs::remove_dir_all(&directory);
}
