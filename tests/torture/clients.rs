//! Clients that send mixed commands and, told nothing or to come back, send the same again until they know.

use crate::Random;
use crate::http::{Answer, Http};
use crate::journal::{Effect, Entry, Outcome};
use crate::service::Service;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What clients and supervisor share.
pub struct Load<'a> {
    pub service: &'a Service,
    pub seed: u64,
    /// No new commands; those begun go on to their outcome.
    pub stop: AtomicBool,
    /// Nobody waits for outcomes any more.
    pub give_up: AtomicBool,
    /// The first answer of success to something sent after an instant.
    pub watch: Mutex<(Instant, Option<Instant>)>,
    pub acknowledged: AtomicUsize,
    /// Answers that told to come back, or failures, by status and code.
    pub setbacks: Mutex<BTreeMap<String, usize>>,
}

impl<'a> Load<'a> {
    pub fn new(service: &'a Service, seed: u64) -> Self {
        Self {
            service,
            seed,
            stop: AtomicBool::new(false),
            give_up: AtomicBool::new(false),
            watch: Mutex::new((Instant::now(), None)),
            acknowledged: AtomicUsize::new(0),
            setbacks: Mutex::default(),
        }
    }

    /// Runs `clients` clients while `supervise` runs; gives their logs together.
    pub fn run(&self, clients: usize, supervise: impl FnOnce()) -> Vec<Entry> {
        let hot = self.service.customer("hot");
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..clients).map(|n| (n, self.service.customer(&format!("c{n}")), hot.clone())).collect();
            let threads: Vec<_> = threads.into_iter().map(|(n, own, hot)| scope.spawn(move || Client::new(self, n, own, hot).work())).collect();
            // Also when the supervisor gives up: nobody must wait for clients that go on for ever.
            let stop = Stop(&self.stop);
            supervise();
            drop(stop);
            let patience = Instant::now();
            while threads.iter().any(|thread| !thread.is_finished()) {
                if patience.elapsed() > Duration::from_secs(90) {
                    self.give_up.store(true, Ordering::Relaxed);
                }
                sleep(Duration::from_millis(20));
            }
            threads.into_iter().flat_map(|thread| thread.join().expect("a client ends")).collect()
        })
    }

    /// Waits for the first success of something sent after `since`.
    pub fn next_success(&self, since: Instant, limit: Duration) -> Option<Duration> {
        *self.watch.lock().unwrap() = (since, None);
        while since.elapsed() < limit {
            if let (_, Some(at)) = *self.watch.lock().unwrap() {
                return Some(at - since);
            }
            sleep(Duration::from_millis(1));
        }
        None
    }
}

struct Stop<'a>(&'a AtomicBool);
impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// An invoice on its way: 40 % are paid with 30 % more that stay on the receipt, those are placed, 10 % credited.
struct Invoice {
    id: String,
    customer: String,
    tenths: u64,
    receipt: Option<String>,
    stage: u8,
}

struct Client<'a> {
    load: &'a Load<'a>,
    number: usize,
    http: Http,
    random: Random,
    customers: [String; 2],
    invoices: Vec<Invoice>,
    sent: usize,
    log: Vec<Entry>,
    journal: File,
}

/// A command before it is sent.
struct Command {
    role: &'static str,
    path: String,
    if_match: Option<String>,
    body: Value,
}

fn post(path: &str, body: Value) -> Command {
    Command { role: "ar_executive", path: path.to_owned(), if_match: None, body }
}

pub fn line(amount: u64) -> Value {
    json!({"description": "Work", "hsn_code": "998313", "is_service": true, "quantity": "1", "unit": "NOS", "unit_price": format!("{amount}.00"), "tax_rate": "18"})
}

/// An invoice of `amount` and 18 per cent of it.
pub fn invoice_body(external_id: &str, customer: &str, amount: u64, issue: bool) -> Value {
    json!({"external_id": external_id, "customer_id": customer, "invoice_date": "2025-01-10", "place_of_supply": "27", "currency": "INR", "issue": issue, "lines": [line(amount)]})
}

impl<'a> Client<'a> {
    fn new(load: &'a Load<'a>, number: usize, own: String, hot: String) -> Self {
        let journal = File::create(load.service.dir.join(format!("client-{number}.journal"))).expect("a journal");
        let random = Random(load.seed.wrapping_mul(1_000).wrapping_add(number as u64));
        let http = Http::new(&load.service.address);
        Self { load, number, http, random, customers: [own, hot], invoices: Vec::new(), sent: 0, log: Vec::new(), journal }
    }

    fn work(mut self) -> Vec<Entry> {
        while !self.load.stop.load(Ordering::Relaxed) {
            match self.random.below(100) {
                0..30 => self.invoice(),
                30..40 => self.draft(),
                40..46 => self.bulk(),
                46..52 => self.refused(),
                _ => self.advance(),
            }
        }
        self.log
    }

    fn external_id(&self) -> String {
        format!("x{}-{}", self.number, self.sent)
    }

    /// An amount of whole hundreds, so that tax and tenths of the total are whole rupees too: its tenths with tax.
    fn amount(&mut self) -> (u64, u64) {
        let hundreds = 10 * (1 + self.random.below(9));
        (hundreds * 100, hundreds * 100 * 118 / 1000)
    }

    fn customer(&mut self) -> String {
        let hot = self.random.below(5) == 0;
        self.customers[usize::from(hot)].clone()
    }

    fn invoice(&mut self) {
        let ((amount, tenths), customer, external_id) = (self.amount(), self.customer(), self.external_id());
        let made = self.settle(post("/v1/invoices", invoice_body(&external_id, &customer, amount, true)), |answer| {
            vec![made("invoice", answer, &answer["totals"]["grand_total"])]
        });
        if let Some(answer) = made {
            self.expect(&answer["totals"]["grand_total"], tenths * 10);
            self.keep(&answer, customer, tenths);
        }
    }

    fn keep(&mut self, answer: &Value, customer: String, tenths: u64) {
        self.invoices.push(Invoice { id: id(answer), customer, tenths, receipt: None, stage: 0 });
    }

    fn expect(&self, seen: &Value, rupees: u64) {
        assert_eq!(seen, &json!(format!("{rupees}.00")), "client {} was answered another amount", self.number);
    }

    fn draft(&mut self) {
        let ((amount, tenths), customer, external_id) = (self.amount(), self.customer(), self.external_id());
        let draft = post("/v1/invoices", invoice_body(&external_id, &customer, amount, false));
        let Some(draft) = self.settle(draft, |answer| vec![made("invoice", answer, &answer["totals"]["grand_total"])]) else { return };
        let issue = Command { if_match: Some(format!("\"v{}\"", draft["version"])), ..post(&format!("/v1/invoices/{}/issue", id(&draft)), json!({})) };
        let issued = self.settle(issue, |answer| vec![Effect::Issued { external_id: external_id.clone(), number: string(&answer["number"]) }]);
        if let Some(answer) = issued {
            self.keep(&answer, customer, tenths);
        }
    }

    fn bulk(&mut self) {
        let (customer, external_id) = (self.customer(), self.external_id());
        let rows: Vec<(u64, u64)> = (0..2 + self.random.below(4)).map(|_| self.amount()).collect();
        let items: Vec<Value> = rows.iter().enumerate().map(|(n, (amount, _))| invoice_body(&format!("{external_id}-{n}"), &customer, *amount, true)).collect();
        let answer = self.settle(post("/v1/invoices/bulk", json!({"mode": "atomic", "items": items})), |_| Vec::new());
        // The numbers are not in the answer: they are read, and belong to the same command.
        if let Some(answer) = answer {
            assert_eq!(answer["summary"]["succeeded"], rows.len(), "{answer}");
            for (row, (_, tenths)) in answer["items"].as_array().unwrap().iter().zip(rows) {
                let effect = Effect::Made { table: "invoice", external_id: string(&row["external_id"]), number: None, amount: format!("{}.00", tenths * 10) };
                let path = format!("/v1/invoices/{}", id(row));
                let Some(read) = self.read(&path) else { return };
                let issued = Effect::Issued { external_id: string(&row["external_id"]), number: string(&read["number"]) };
                self.log.last_mut().expect("logged").effects.extend([effect, issued]);
                self.keep(row, customer.clone(), tenths);
            }
        }
    }

    /// What must be refused, and leave nothing.
    fn refused(&mut self) {
        let external_id = self.external_id();
        let customer = self.customers[0].clone();
        let command = match (self.random.below(3), self.invoices.last()) {
            (0, _) => post("/v1/invoices", invoice_body(&external_id, &uuid::Uuid::new_v4().to_string(), 100, true)),
            (1, Some(invoice)) => {
                let more = format!("{}.00", invoice.tenths * 11);
                post("/v1/receipts", receipt_body(&external_id, invoice, &more, &more))
            }
            (2, Some(_)) => {
                // A second invoice under the external id of another command.
                let invoices = self.log.iter().rev().filter(|entry| entry.path == "/v1/invoices");
                let used = invoices.flat_map(|entry| &entry.effects).find_map(|effect| match effect {
                    Effect::Made { external_id, .. } => Some(external_id.clone()),
                    _ => None,
                });
                let Some(used) = used else { return };
                post("/v1/invoices", invoice_body(&used, &customer, 100, true))
            }
            _ => return,
        };
        let done = self.settle(command, |_| Vec::new());
        assert!(done.is_none(), "this had to be refused: {done:?}");
    }

    /// The next step of some invoice.
    fn advance(&mut self) {
        if self.invoices.is_empty() {
            return self.invoice();
        }
        let at = self.random.below(self.invoices.len() as u64) as usize;
        let (external_id, invoice) = (self.external_id(), &self.invoices[at]);
        let tenths = invoice.tenths;
        let share = |n: u64| format!("{}.00", tenths * n);
        match invoice.stage {
            0 => {
                let command = post("/v1/receipts", receipt_body(&external_id, invoice, &share(7), &share(4)));
                let done = self.settle(command, |answer| {
                    let allocations = answer["allocations"].as_array().into_iter().flatten().map(|row| Effect::Allocated { id: id(row) });
                    [made("receipt", answer, &answer["amount_received"])].into_iter().chain(allocations).collect()
                });
                if let Some(answer) = done {
                    self.expect(&answer["totals"]["unapplied"], tenths * 3);
                    self.invoices[at].receipt = Some(id(&answer));
                }
            }
            1 => {
                let targets = json!([{"target_type": "invoice", "target_id": invoice.id, "amount": share(3), "kind": "cash"}]);
                let body = json!({"source_type": "receipt", "source_id": invoice.receipt, "allocated_on": "2025-02-01", "targets": targets});
                self.settle(post("/v1/allocations", body), |answer| {
                    answer["data"].as_array().into_iter().flatten().map(|row| Effect::Allocated { id: id(row) }).collect()
                });
            }
            _ => {
                // A tenth with tax is a tenth of the lines: 118 of every 1,180.
                let body = json!({
                    "external_id": external_id, "original_invoice_id": invoice.id, "note_date": "2025-01-20", "reason_code": "sales_return", "issue": true,
                    "lines": [line(tenths * 100 / 118)]
                });
                let command = Command { role: "controller", ..post("/v1/credit-notes", body) };
                let done = self.settle(command, |answer| {
                    let allocations = answer["allocations"].as_array().into_iter().flatten().map(|row| Effect::Allocated { id: id(row) });
                    [made("invoice", answer, &answer["totals"]["grand_total"])].into_iter().chain(allocations).collect()
                });
                if let Some(answer) = done {
                    self.expect(&answer["totals"]["grand_total"], tenths);
                }
                self.invoices.swap_remove(at);
                return;
            }
        }
        self.invoices[at].stage += 1;
    }

    /// Sends a command until its outcome is known, with the same key and the same body. Gives what was answered to
    /// a success.
    fn settle(&mut self, command: Command, effects: impl FnOnce(&Value) -> Vec<Effect>) -> Option<Value> {
        self.sent += 1;
        let key = format!("k{}-{}", self.number, self.sent);
        let mut entry = Entry {
            key,
            role: command.role,
            path: command.path,
            if_match: command.if_match,
            body: command.body.to_string(),
            began: now(),
            ended: 0,
            lost: 0,
            outcome: Outcome::Unresolved,
            effects: Vec::new(),
        };
        let _ = writeln!(self.journal, "invoke {} {} {}", entry.key, entry.path, entry.body);
        let done = loop {
            if self.load.give_up.load(Ordering::Relaxed) {
                let _ = writeln!(self.journal, "unknown {}", entry.key);
                break None;
            }
            let sent = Instant::now();
            match send(&mut self.http, self.load.service, &entry) {
                Ok(answer) if (200..300).contains(&answer.status) => {
                    self.succeeded(sent);
                    let value = answer.json();
                    entry.effects = effects(&value);
                    entry.outcome = Outcome::Done(answer.status, answer.body);
                    break Some(value);
                }
                Ok(answer) => {
                    let problem = answer.json();
                    let again = problem["retryable"] == true || matches!(answer.status, 401 | 500..);
                    if !again {
                        entry.outcome = Outcome::Refused(format!("{} {}", answer.status, string(&problem["code"])));
                        break None;
                    }
                    self.set_back(format!("{} {}", answer.status, string(&problem["code"])));
                    // As told, though hastier than a polite client.
                    let told = answer.header("retry-after").and_then(|seconds| seconds.parse().ok()).unwrap_or(1_u64);
                    sleep(Duration::from_millis(told.min(5) * 20 + self.random.below(50)));
                }
                Err(_) => {
                    entry.lost += 1;
                    self.set_back("no answer".to_owned());
                    sleep(Duration::from_millis(20 + self.random.below(50)));
                }
            }
        };
        entry.ended = now();
        match &entry.outcome {
            Outcome::Done(status, _) => {
                let _ = writeln!(self.journal, "ok {} {status} after {} lost", entry.key, entry.lost);
            }
            Outcome::Refused(code) => {
                let _ = writeln!(self.journal, "fail {} {code}", entry.key);
            }
            Outcome::Unresolved => {}
        }
        self.log.push(entry);
        done
    }

    fn read(&mut self, path: &str) -> Option<Value> {
        let service = self.load.service;
        while !self.load.give_up.load(Ordering::Relaxed) {
            let (sent, token) = (Instant::now(), format!("Bearer {}", service.token("ar_executive")));
            match self.http.send("GET", path, &[("authorization", &token)], "") {
                Ok(answer) if answer.status == 200 => {
                    self.succeeded(sent);
                    return Some(answer.json());
                }
                Ok(answer) => {
                    assert!(answer.status >= 500 || answer.status == 401, "GET {path}: {}", String::from_utf8_lossy(&answer.body));
                    self.set_back(format!("{} {}", answer.status, string(&answer.json()["code"])));
                }
                Err(_) => self.set_back("no answer".to_owned()),
            }
            sleep(Duration::from_millis(50));
        }
        None
    }

    fn succeeded(&self, sent: Instant) {
        self.load.acknowledged.fetch_add(1, Ordering::Relaxed);
        let mut watch = self.load.watch.lock().unwrap();
        if watch.1.is_none() && sent >= watch.0 {
            watch.1 = Some(Instant::now());
        }
    }

    fn set_back(&self, what: String) {
        *self.load.setbacks.lock().unwrap().entry(what).or_default() += 1;
    }
}

/// Sends a logged command as it was.
pub fn send(http: &mut Http, service: &Service, entry: &Entry) -> std::io::Result<Answer> {
    let token = format!("Bearer {}", service.token(entry.role));
    let mut headers = vec![("authorization", token.as_str()), ("idempotency-key", entry.key.as_str())];
    headers.extend(entry.if_match.as_deref().map(|version| ("if-match", version)));
    http.send("POST", &entry.path, &headers, &entry.body)
}

fn receipt_body(external_id: &str, invoice: &Invoice, amount: &str, placed: &str) -> Value {
    json!({
        "external_id": external_id, "customer_id": invoice.customer, "receipt_date": "2025-01-15", "method": "neft", "currency": "INR", "utr": format!("U{external_id}"),
        "amount_received": amount, "allocations": [{"target_type": "invoice", "target_id": invoice.id, "amount": placed, "kind": "cash"}]
    })
}

fn made(table: &'static str, answer: &Value, amount: &Value) -> Effect {
    Effect::Made { table, external_id: string(&answer["external_id"]), number: answer["number"].as_str().map(str::to_owned), amount: string(amount) }
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id in {value}")).to_owned()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Microseconds of the machine's clock, which is the database's too.
#[allow(clippy::disallowed_methods, reason = "the wall clock, to compare with the database's")]
pub fn now() -> i64 {
    chrono::Utc::now().timestamp_micros()
}
