//! The load benchmark: invoices and receipts over HTTP, beside pgbench doing the same statements.
//!
//! ```text
//! cargo bench --bench posting                                  # 5 s a run at 1, 8 and 16 clients
//! cargo bench --bench posting -- --seconds 20 --clients 1,8    # stdout is Markdown: > benches/RESULTS.md
//! cargo bench --bench posting -- --documents 1000000           # a big company: > benches/SCALE.md
//! ```
//!
//! It starts the release binary with a fresh demo company and its own `PostgreSQL`, and needs `pgbench`
//! beside that server's programs or on PATH (without it the pgbench columns stay empty). Client, service
//! and database share the machine, so the client is a bare socket and formats text.
//!
//! For each number of clients, each a thread with one keep-alive connection, for `--seconds` each:
//! - **invoice**: `POST /v1/invoices` of 3 lines with `issue: true`, customers in turn, every client
//!   numbering from the company's one default series;
//! - **receipt**: `POST /v1/receipts` with a bank reference and 1 allocation, half of an invoice posted
//!   just before (so each can be paid twice, the second time in full);
//! - **invoice, own series**: as invoice, each client with a number series of its own: what sharing costs.
//!
//! At the end one client posts **bulk** calls of 500 invoices; tps then counts invoices.
//!
//! **pgbench** runs in the same database, under the same role, with `-M prepared`, the same number of
//! clients and the same seconds. Its scripts are not written by hand: the bench sends a request of each
//! kind while the server logs statements and turns the log into a script (`script.rs`), so they are the
//! service's own statements with parameters of real size, whatever becomes of the SQL in `src/`. Triggers
//! and constraints hold for what it inserts. The service's background jobs run all the time.
//!
//! **Ratio** = service tps / pgbench tps: what HTTP, JSON, the contract, tax and hashing cost beside the
//! database. The CPU columns say who used it, in milliseconds a request; 2 cores give 2000 a second. Peak
//! memory is that of the service process (`VmHWM`), without `PostgreSQL`. Where other processes took more than
//! a few percent of the processor, read ratios, not absolutes. A table or
//! index of which a scan reads many rows names a statement that gets slower as the books grow.

mod client;
mod pgbench;
mod scale;
mod script;
mod service;

use client::{Client, Load};
use diesel::connection::SimpleConnection;
use pgbench::Run;
use script::Script;
use serde_json::{Value, json};
use service::Service;
use std::path::PathBuf;
use std::time::Duration;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const CUSTOMERS: usize = 200;
const BULK: usize = 500;
/// Half of what `Books::invoice` comes to.
const HALF: &str = "32724.30";

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let option = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    if !arguments.iter().any(|argument| argument == "--bench") {
        // `cargo test --all-targets` comes here.
        eprintln!("run it with `cargo bench --bench posting`");
        return Ok(());
    }
    let seconds = option("--seconds").map_or(Ok(5), |text| text.parse())?;
    let clients: Vec<usize> = option("--clients").map_or("1,8,16", String::as_str).split(',').map(str::parse).collect::<Result<_, _>>()?;
    if clients.iter().any(|clients| !(1..=50).contains(clients)) {
        return Err("from 1 to 50 clients: the database allows 60 connections".into());
    }
    let mut bench = Bench::start(Duration::from_secs(seconds))?;
    match option("--documents") {
        Some(documents) => scale::run(&mut bench.service, &bench.books, documents.parse()?, bench.seconds),
        None => bench.run(&clients),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Invoice,
    Receipt,
    Bulk,
}

/// What one client thread knows: who it is, what it posted, and how often it went through that.
struct Post {
    number: usize,
    of: usize,
    sent: usize,
    series: Option<String>,
    invoices: Vec<(usize, String)>,
}

/// What the requests speak of.
struct Books {
    customers: Vec<String>,
    today: String,
    bank_account: String,
}

impl Books {
    fn invoice(&self, customer: usize, series: Option<&str>, key: &str) -> String {
        let (customer, today) = (&self.customers[customer], &self.today);
        let series = series.map(|id| format!(r#""number_series_id":"{id}","#)).unwrap_or_default();
        format!(
            r#"{{"external_id":"i-{key}","customer_id":"{customer}","invoice_date":"{today}","currency":"INR","issue":true,{series}"lines":[
            {{"description":"Annual support plan","hsn_code":"998313","is_service":true,"quantity":"1","unit":"OTH","unit_price":"50000.00","tax_rate":"18"}},
            {{"description":"Printed manual","hsn_code":"490110","is_service":false,"quantity":"2","unit":"NOS","unit_price":"250.00","tax_rate":"5"}},
            {{"description":"Steel bracket, galvanised","hsn_code":"730890","is_service":false,"quantity":"40","unit":"NOS","unit_price":"125.50","tax_rate":"18"}}]}}"#
        )
    }

    fn receipt(&self, customer: usize, invoice: &str, key: &str) -> String {
        let (customer, today, bank, utr) = (&self.customers[customer], &self.today, &self.bank_account, key.to_ascii_uppercase());
        format!(
            r#"{{"external_id":"r-{key}","customer_id":"{customer}","receipt_date":"{today}","method":"neft","currency":"INR","bank_account_id":"{bank}","utr":"{utr}",
            "amount_received":"{HALF}","allocations":[{{"target_type":"invoice","target_id":"{invoice}","amount":"{HALF}","kind":"cash"}}]}}"#
        )
    }

    /// The next request of a client; none when all it invoiced is paid.
    fn next(&self, kind: Kind, post: &mut Post, key: &str) -> Option<String> {
        let sent = post.sent;
        post.sent += 1;
        match kind {
            Kind::Invoice => Some(self.invoice(post.customer(sent), post.series.as_deref(), key)),
            Kind::Receipt if sent < post.invoices.len() * 2 => {
                let (customer, invoice) = &post.invoices[sent % post.invoices.len()];
                Some(self.receipt(*customer, invoice, key))
            }
            Kind::Receipt => None,
            Kind::Bulk => {
                let items: Vec<String> = (0..BULK).map(|n| self.invoice(n % CUSTOMERS, None, &format!("{key}-{n}"))).collect();
                Some(format!(r#"{{"mode":"per_item","items":[{}]}}"#, items.join(",")))
            }
        }
    }
}

impl Post {
    fn all(of: usize, series: &[String]) -> Vec<Self> {
        (0..of).map(|number| Self { number, of, sent: 0, series: series.get(number).cloned(), invoices: Vec::new() }).collect()
    }
    fn customer(&self, sent: usize) -> usize {
        (sent * self.of + self.number) % CUSTOMERS
    }
    fn took(&mut self, kind: Kind, reply: &[u8]) {
        if let (Kind::Invoice, Some(id)) = (kind, client::first_id(reply)) {
            self.invoices.push((self.customer(self.sent - 1), id));
        }
    }
}

struct Bench {
    service: Service,
    pgbench: Option<PathBuf>,
    books: Books,
    seconds: Duration,
    rows: Vec<String>,
    waits: Vec<String>,
}

impl Bench {
    fn start(seconds: Duration) -> Result<Self, Failure> {
        let mut service = Service::start()?;
        let pgbench = pgbench::find(service.programs());
        if pgbench.is_none() {
            eprintln!("no pgbench beside the server's programs or on PATH: measuring the service alone");
        }
        let mut client = service.client(&service.token("ar_executive")?)?;
        let customers = (0..CUSTOMERS).map(|n| {
            let body = json!({
                "external_id": format!("bench-customer-{n}"), "legal_name": format!("Bench Customer {n:03} Pvt Ltd"), "kind": "b2c", "currency": "INR", "payment_terms_days": 30,
                "billing_address": {"line1": "1 Market Road", "city": "Mumbai", "state_code": "27", "postal_code": "400001", "country": "IN"}
            });
            client.created("/v1/customers", &body)
        });
        let customers = customers.collect::<Result<_, _>>()?;
        let books = Books { customers, today: service.query("SELECT current_date::text")?, bank_account: service.bank_account.clone() };
        Ok(Self { service, pgbench, books, seconds, rows: Vec::new(), waits: Vec::new() })
    }

    fn run(mut self, numbers: &[usize]) -> Result<(), Failure> {
        let idle = self.service.peak_memory()?;
        let most = numbers.iter().copied().max().unwrap_or(1);
        let series = self.make_series(most)?;
        let mut client = self.service.client(&self.service.token("ar_executive")?)?;
        script::log_statements(&mut self.service, true)?;
        let (invoice, id) = script::record(&mut client, &self.service, "/v1/invoices", |key| self.books.invoice(0, None, key))?;
        let (own_series, _) = script::record(&mut client, &self.service, "/v1/invoices", |key| self.books.invoice(0, Some(&series[0]), key))?;
        let (receipt, _) = script::record(&mut client, &self.service, "/v1/receipts", |key| self.books.receipt(0, &id, key))?;
        script::log_statements(&mut self.service, false)?;
        let round_trips = format!("{} an invoice, {} a receipt", invoice.statements.len(), receipt.statements.len());
        let customers = &self.books.customers;
        let (receipt, own_series) = (receipt.script(customers, &series, Some(&invoice))?, own_series.script(customers, &series, None)?);
        let invoice = invoice.script(customers, &series, None)?;

        eprintln!("warming up");
        let (mut posts, seconds) = (Post::all(most, &[]), std::mem::replace(&mut self.seconds, Duration::from_secs(2)));
        self.load(Kind::Invoice, &mut posts, &self.service.token("ar_executive")?)?;
        self.load(Kind::Receipt, &mut posts, &self.service.token("ar_executive")?)?;
        self.seconds = seconds;
        // Plans made while the tables were empty are not what a living installation runs with.
        self.service.owner.batch_execute("ANALYZE")?;

        let before = self.service.cpu()?;
        for clients in numbers {
            let mut posts = Post::all(*clients, &[]);
            let made = self.measure("invoice", Kind::Invoice, &mut posts, Some(&invoice), None)?;
            self.measure("receipt", Kind::Receipt, &mut posts, Some(&receipt), made.as_ref())?;
        }
        for clients in numbers.iter().filter(|clients| **clients > 1) {
            self.measure("invoice, own series", Kind::Invoice, &mut Post::all(*clients, &series), Some(&own_series), None)?;
        }
        self.measure("bulk", Kind::Bulk, &mut Post::all(1, &[]), None, None)?;
        let used = self.service.cpu()?.since(before);
        let others = (100.0 - (used.service + used.postgres + used.client) * 100.0 / used.busy).max(0.0);
        self.report(&round_trips, &idle, others)
    }

    /// One invoice series for each client, as a controller would make them.
    fn make_series(&mut self, count: usize) -> Result<Vec<String>, Failure> {
        let year = self.service.query("SELECT to_char(current_date - interval '3 months', 'YYYY-') || to_char(current_date + interval '9 months', 'YY')")?;
        let mut client = self.service.client(&self.service.token("controller")?)?;
        let listed: Value = serde_json::from_slice(client.get(&format!("/v1/number-series?document_kind=invoice&fiscal_year={year}"))?)?;
        let registration = &listed["data"][0]["gst_registration_id"];
        let body = |n| json!({"gst_registration_id": registration, "fiscal_year": year, "document_kind": "invoice", "prefix": format!("B{n:02}/"), "width": 7});
        (0..count).map(|n| client.created("/v1/number-series", &body(n))).collect()
    }

    fn load(&self, kind: Kind, posts: &mut [Post], token: &str) -> Result<Load, Failure> {
        for post in &mut *posts {
            post.sent = 0;
        }
        let clients = posts.iter().map(|_| self.service.client(token)).collect::<Result<Vec<Client>, _>>()?;
        let books = &self.books;
        let (path, worth) = match kind {
            Kind::Invoice => ("/v1/invoices", 1),
            Kind::Receipt => ("/v1/receipts", 1),
            Kind::Bulk => ("/v1/invoices/bulk", BULK),
        };
        let mut load = client::load(clients, path, posts, self.seconds, |post, key| books.next(kind, post, key), |post, reply| post.took(kind, reply))?;
        load.worth = worth;
        Ok(load)
    }

    /// The service, then pgbench, then a row of the table. `paying` is the pgbench run whose invoices are paid.
    fn measure(&mut self, what: &str, kind: Kind, posts: &mut [Post], script: Option<&Script>, paying: Option<&Run>) -> Result<Option<Run>, Failure> {
        let (clients, token) = (posts.len(), self.service.token("ar_executive")?);
        let before = self.service.cpu()?;
        let load = self.load(kind, posts, &token)?;
        let between = self.service.cpu()?;
        let run = match (&self.pgbench, script) {
            (Some(program), Some(script)) => Some(pgbench::run(program, &mut self.service, script, clients, self.seconds, paying)?),
            _ => None,
        };
        let (used, beside) = (between.since(before), self.service.cpu()?.since(between));

        let (tps, done) = (load.rate(), load.rate() * load.seconds);
        let theirs = run.as_ref().map_or_else(
            || ["–"; 4].map(str::to_owned),
            |run| {
                [
                    format!("{:.0}", run.tps),
                    format!("{:.2}", tps / run.tps),
                    format!("{:.2}", beside.postgres / run.transactions),
                    format!("{:.2}", beside.client / run.transactions),
                ]
            },
        );
        let [their_tps, ratio, their_postgres, their_client] = &theirs;
        self.rows.push(format!(
            "| {what} | {clients} | {tps:.0} | {their_tps} | {ratio} | {:.1} | {:.1} | {} | {:.2} | {:.2} | {:.2} | {their_postgres} | {their_client} |",
            load.percentile(50),
            load.percentile(99),
            load.errors.len(),
            used.service / done,
            used.postgres / done,
            used.client / done
        ));
        eprintln!("{}{}", self.rows.last().map_or("", String::as_str), load.errors.first().map(|error| format!("\nfirst error: {error}")).unwrap_or_default());
        if let (1, Some(run)) = (clients, &run) {
            self.waits.extend(run.waits.iter().map(|(milliseconds, statement)| format!("| {what} | {milliseconds} | `{statement}` |")));
        }
        Ok(run)
    }

    fn report(mut self, round_trips: &str, idle: &str, others: f64) -> Result<(), Failure> {
        let version = self.service.query("SELECT current_setting('server_version')")?;
        let scanned = self.service.query(
            "SELECT coalesce(string_agg(format('%s %s', name, rows / scans), ', ' ORDER BY rows DESC), 'none') FROM (
                SELECT relname AS name, seq_scan AS scans, seq_tup_read AS rows FROM pg_stat_user_tables
                UNION ALL SELECT indexrelname, idx_scan, idx_tup_read FROM pg_stat_user_indexes) AS read
             WHERE scans > 100 AND rows / scans > 100",
        )?;
        let made = self.service.query(
            "SELECT format('%s invoices, %s receipts, database %s', (SELECT count(*) FROM invoice), (SELECT count(*) FROM receipt), pg_size_pretty(pg_database_size(current_database())))",
        )?;
        let options: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
        println!("# Load benchmark: posting\n\n{}, `cargo bench --bench posting -- {}`\n", self.books.today, options.join(" "));
        println!(
            "- Machine: {} cores ({}), shared by client, service and PostgreSQL {version} with its default settings here, fsync on",
            std::thread::available_parallelism()?,
            service::processor()
        );
        println!("- Other processes took {others:.0} % of the processor time that was used");
        println!("- Peak memory of the service: {}, before the load {idle}", self.service.peak_memory()?);
        println!("- Round trips of the service to the database: {round_trips}");
        println!("- Tables and indexes of which a scan reads more than 100 rows, with how many: {scanned}; in the end there were {made}\n");
        println!(
            "| load | clients | service tps | pgbench tps | ratio | p50 ms | p99 ms | errors | CPU ms: service | PostgreSQL | client | beside pgbench: PostgreSQL | pgbench |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|\n{}", self.rows.join("\n"));
        if !self.waits.is_empty() {
            println!("\n## What one client of pgbench waits for\n\n| load | ms | statement |\n|---|---|---|\n{}", self.waits.join("\n"));
        }
        Ok(())
    }
}
