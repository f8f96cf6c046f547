//! Sixty-four callers at the same few rows, every request sent twice: exact counts, no deadlock, no lost paisa.
//! Each scene can be played many times larger in one company, with counts as exact.

use crate::rig::*;
use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const CALLERS: usize = 64;

/// One request, sent twice with one key.
struct Act {
    name: &'static str,
    client: Client,
    path: String,
    key: String,
    body: Value,
}

struct Outcome {
    name: &'static str,
    path: String,
    /// The answer of the one that worked.
    made: Option<Value>,
    /// Codes of refusals.
    codes: Vec<String>,
}

fn act(name: &'static str, client: &Client, path: impl Into<String>, body: Value) -> Act {
    Act { name, client: client.clone(), path: path.into(), key: fresh(), body }
}

/// How long every answer took, and how often a twin was told that the other is at it.
static TOOK: Mutex<Vec<Duration>> = Mutex::new(Vec::new());
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// Sends until the answer is more than "another request is at it; try again".
fn answer(act: &Act) -> Reply {
    until("an answer", Duration::from_secs(90), || {
        let headers = [("content-type", "application/json"), ("idempotency-key", act.key.as_str()), ("if-match", "*")];
        let start = Instant::now();
        let reply = act.client.send("POST", &act.path, &headers, Some(act.body.to_string().as_bytes()));
        TOOK.lock().unwrap().push(start.elapsed());
        assert!(reply.status < 500 && reply.status != 429, "{} {}: {} {}", act.name, act.path, reply.status, reply.text());
        let busy = reply.status == 409 && reply.json()["retryable"] == true;
        if busy {
            BUSY.fetch_add(1, Ordering::Relaxed);
        }
        (!busy).then_some(reply)
    })
}

/// Everything at once, the twins side by side.
fn run(acts: Vec<Act>) -> Vec<Outcome> {
    // A fixed shuffle: 7,919 is prime, so every act comes once where their number is no multiple of it.
    assert_ne!(acts.len() % 7919, 0);
    let order: Vec<usize> = (0..acts.len()).map(|at| at * 7919 % acts.len()).collect();
    let replies = in_parallel(CALLERS, acts.len() * 2, |at| answer(&acts[order[at / 2]]));
    let mut outcomes = Vec::new();
    let mut replies = replies.into_iter();
    for at in order {
        let twins = [replies.next().unwrap(), replies.next().unwrap()];
        let worked: Vec<&Reply> = twins.iter().filter(|reply| reply.status < 300).collect();
        if worked.len() == 2 {
            assert_eq!(worked[0].bytes, worked[1].bytes, "{} answers its twins alike", acts[at].name);
            assert_eq!(worked.iter().filter(|reply| reply.header("idempotent-replayed").is_none()).count(), 1, "{} works once", acts[at].name);
        }
        let made = worked.first().map(|reply| reply.json());
        let codes = twins.into_iter().filter(|reply| reply.status >= 300).map(|reply| reply.refusal()["code"].as_str().unwrap().to_owned()).collect();
        outcomes.push(Outcome { name: acts[at].name, path: acts[at].path.clone(), made, codes });
    }
    outcomes
}

fn count(outcomes: &[Outcome], name: &str) -> (usize, usize) {
    let of: Vec<_> = outcomes.iter().filter(|o| o.name == name).collect();
    (of.iter().filter(|o| o.made.is_some()).count(), of.iter().filter(|o| o.made.is_none()).count())
}

fn codes(outcomes: &[Outcome], name: &str) -> BTreeSet<String> {
    outcomes.iter().filter(|o| o.name == name).flat_map(|o| o.codes.clone()).collect()
}

fn set(codes: &[&str]) -> BTreeSet<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

fn assert_no_deadlock() {
    let admin = Client::bearer(
        log_in(&demo_user("admin").0, &demo_user("admin").1, SERVER.demo["company_id"].as_str().unwrap())["access_token"].as_str().unwrap().to_owned(),
    );
    let metrics = admin.get("/metrics");
    assert_eq!(metrics.status, 200, "{}", metrics.text());
    let text = metrics.text();
    let deadlocks: Vec<&str> = text.lines().filter(|line| line.starts_with("duebook_deadlocks_total")).collect();
    assert_eq!(deadlocks, ["duebook_deadlocks_total 0"]);
}

fn issued(company: &Company, customer: &str, count: usize, amount: &str, due: &str) -> Vec<Value> {
    let items: Vec<Value> = (0..count).map(|_| with(invoice_body(customer, "2025-01-01", amount), json!({"due_date": due}))).collect();
    let made = items.chunks(500).map(|items| company.executive().post("/v1/invoices/bulk", &json!({"mode": "atomic", "items": items})).expect(207));
    let rows: Vec<Value> = made.flat_map(|made| made["items"].as_array().unwrap().clone()).collect();
    assert!(rows.iter().all(|row| row["status"] == 201), "{}", rows[0]);
    rows.iter().map(|row| company.get(&format!("/v1/invoices/{}", id_of(row)))).collect()
}

/// So many times an amount.
fn times(amount: u32, scale: usize) -> String {
    format!("{}.00", amount as usize * scale)
}

fn from(receipt: &Value, targets: Value) -> Value {
    json!({"source_type": "receipt", "source_id": receipt["id"], "allocated_on": "2025-02-01", "targets": targets})
}

fn total(company: &Company, customer: &str) -> Decimal {
    dec(&company.get(&format!("/v1/customers/{customer}/open-items?as_of={}&limit=1000", today()))["totals"]["balance"])
}

#[test]
fn one_invoice_one_customer_one_series_and_twenty_hot_items_give_exact_counts() {
    settling(1);
}

fn settling(scale: usize) {
    let company = Company::new();
    let (customer, executive, controller) = (company.customer(), company.executive(), company.controller());
    let hot = issued(&company, &customer, 20, &times(1000, scale), "2025-01-31");
    let [one, noted] = [3200, 1000].map(|amount| issued(&company, &customer, 1, &times(amount, scale), "2025-01-31").remove(0));
    let money = company.receipt(&customer, "2025-01-15", &times(100_000, scale), Value::Null);
    let mut acts = Vec::new();
    for n in 0..100 * scale {
        acts.push(act("one", &executive, "/v1/allocations", from(&money, json!([to_invoice(&one, "100.00")]))));
        if n < 60 * scale {
            // Three hot items in an order of their own: 9 times 50 for each item.
            let targets: Value = [n, n + 13, n + 7].iter().map(|at| to_invoice(&hot[at % 20], "50.00")).collect();
            acts.push(act("hot", &executive, "/v1/allocations", from(&money, targets)));
            acts.push(act("series", &executive, "/v1/invoices", invoice_body(&customer, "2025-01-20", "10.00")));
        }
        if n < 40 * scale {
            acts.push(act("note", &controller, "/v1/credit-notes", with(note_body(&noted, "2025-01-20", "100.00"), json!({"apply_to_original": n % 2 == 0}))));
        }
    }
    acts.push(act("receipt", &executive, "/v1/receipts", receipt_body(&customer, "2025-01-20", "1.00")));
    let outcomes = run(acts);
    assert_eq!(count(&outcomes, "one"), (32 * scale, 68 * scale));
    assert_eq!(count(&outcomes, "hot"), (60 * scale, 0));
    assert_eq!(count(&outcomes, "series"), (60 * scale, 0));
    assert_eq!(count(&outcomes, "note"), (10 * scale, 30 * scale));
    assert_eq!(count(&outcomes, "receipt"), (1, 0));
    assert_eq!((codes(&outcomes, "one"), codes(&outcomes, "note")), (set(&["over_allocation"]), set(&["credit_exceeds_original"])));
    let due = |invoice: &Value| company.get(&format!("/v1/invoices/{}", id_of(invoice)))["amounts"]["balance_due"].as_str().unwrap().to_owned();
    assert_eq!(due(&one), "0.00");
    assert!(hot.iter().all(|invoice| due(invoice) == times(550, scale)));
    assert_eq!(company.get(&format!("/v1/receipts/{}", id_of(&money)))["totals"]["unapplied"], times(87_800, scale));
    let numbers: BTreeSet<String> =
        outcomes.iter().filter(|o| o.name == "series").map(|o| o.made.as_ref().unwrap()["number"].as_str().unwrap().to_owned()).collect();
    assert_eq!(numbers.len(), 60 * scale);
    // 20 × 1,000 + 3,200 + 1,000 + 60 × 10 billed; 100,000 + 1 received; 10 × 100 credited.
    assert_eq!(total(&company, &customer), (dec!(24800) - dec!(100000) - dec!(1000)) * Decimal::from(scale) - Decimal::ONE);
    assert_no_deadlock();
    company.assert_laws();
}

#[test]
fn taking_back_while_others_settle_the_same_items_loses_nothing() {
    taking_back(1);
}

fn taking_back(scale: usize) {
    let company = Company::new();
    let (customer, executive, controller) = (company.customer(), company.executive(), company.controller());
    // The first four fall due first, so money by age goes there.
    let whole = times(2000, scale);
    let hot: Vec<Value> = [issued(&company, &customer, 4, &whole, "2025-01-10"), issued(&company, &customer, 16, &whole, "2025-02-10")].concat();
    let contested = issued(&company, &customer, 10 * scale, "100.00", "2025-03-31");
    let money = company.receipt(&customer, "2025-01-15", &times(30_000, scale), Value::Null);
    let cheques: Vec<Value> = in_parallel(4, 20 * scale, |n| {
        let targets = json!([to_invoice(&hot[n % 20], "200.00"), to_invoice(&hot[(n + 1) % 20], "200.00")]);
        let body = with(receipt_body(&customer, "2025-01-10", "400.00"), json!({"method": "cheque", "allocations": targets}));
        executive.post("/v1/receipts", &body).expect(201)
    });
    let mut acts = Vec::new();
    for (n, cheque) in cheques.iter().enumerate() {
        // Two keys each: one works, the other hears that it is done.
        for _ in 0..2 {
            let path = format!("/v1/receipts/{}", id_of(cheque));
            match n % 20 {
                0..10 => acts.push(act(
                    "bounce",
                    &executive,
                    format!("{path}/bounce"),
                    json!({"bounced_on": "2025-01-20", "reason": "Funds insufficient", "fee": "25.00"}),
                )),
                10..15 => {
                    for allocation in cheque["allocations"].as_array().unwrap() {
                        let path = format!("/v1/allocations/{}/reverse", id_of(allocation));
                        acts.push(act("unapply", &controller, path, json!({"reversed_on": "2025-01-20", "reason": "Wrong invoice"})));
                    }
                }
                _ => acts.push(act("reverse", &controller, format!("{path}/reverse"), json!({"reversed_on": "2025-01-20", "reason": "Recorded twice"}))),
            }
        }
        acts.push(act("by_age", &executive, "/v1/receipts", with(receipt_body(&customer, "2025-01-12", "30.00"), json!({"auto_apply": "oldest_first"}))));
    }
    for n in 0..60 * scale {
        let targets: Value = [n + 11, n, n + 5].iter().map(|at| to_invoice(&hot[4 + at % 16], "50.00")).collect();
        acts.push(act("hot", &executive, "/v1/allocations", from(&money, targets)));
    }
    for original in &hot[..2] {
        for n in 0..25 * scale {
            let body = with(note_body(original, "2025-01-20", "100.00"), json!({"apply_to_original": n % 2 == 0}));
            acts.push(act("note", &controller, "/v1/credit-notes", body));
        }
    }
    // Of cancelling an invoice and crediting it, one happens.
    for invoice in &contested {
        acts.push(act(
            "cancel",
            &controller,
            format!("/v1/invoices/{}/cancel", id_of(invoice)),
            json!({"reason": "Ordered twice", "cancelled_on": "2025-01-25"}),
        ));
        acts.push(act("credit", &controller, "/v1/credit-notes", note_body(invoice, "2025-01-25", "100.00")));
    }
    let outcomes = run(acts);
    assert_eq!(count(&outcomes, "bounce"), (10 * scale, 10 * scale));
    assert_eq!(count(&outcomes, "unapply"), (10 * scale, 10 * scale));
    assert_eq!(count(&outcomes, "reverse"), (5 * scale, 5 * scale));
    assert_eq!(count(&outcomes, "by_age"), (20 * scale, 0));
    assert_eq!(count(&outcomes, "hot"), (60 * scale, 0), "{:?}", codes(&outcomes, "hot"));
    assert_eq!(count(&outcomes, "note"), (40 * scale, 10 * scale));
    let (cancelled, credited) = (count(&outcomes, "cancel").0, count(&outcomes, "credit").0);
    assert_eq!(cancelled + credited, 10 * scale, "{:?} {:?}", codes(&outcomes, "cancel"), codes(&outcomes, "credit"));
    assert_eq!((codes(&outcomes, "unapply"), codes(&outcomes, "note")), (set(&["already_reversed"]), set(&["credit_exceeds_original"])));
    assert_eq!(codes(&outcomes, "bounce").union(&codes(&outcomes, "reverse")).cloned().collect::<BTreeSet<_>>(), set(&["invalid_state"]));
    // Billed 20 × 2,000, the contested ones are gone either way, and ten fees; received 30,000, 5 cheques and 20 × 30; credited 40 × 100.
    let owed = dec!(40000) + dec!(250) - dec!(30000) - dec!(5) * dec!(400) - dec!(600) - dec!(4000);
    assert_eq!(total(&company, &customer), owed * Decimal::from(scale));
    // What one pays the others: on the day between, as if nothing had been taken back yet.
    let before = company.get(&format!("/v1/customers/{customer}/open-items?as_of=2025-01-11&limit=1000"));
    assert_eq!(before["totals"]["balance"], times(33_000, scale), "20 × 2,000 and 10 × 100, less 20 cheques");
    let bounced: Vec<_> = outcomes.iter().filter(|o| o.name == "bounce").filter_map(|o| o.made.as_ref()).collect();
    assert_eq!(bounced.iter().map(|receipt| receipt["fee_note_id"].as_str().unwrap()).collect::<BTreeSet<_>>().len(), 10 * scale);
    assert_no_deadlock();
    company.assert_laws();
}

#[test]
fn families_that_pay_across_and_take_back_at_once_neither_wait_in_a_circle_nor_lose_money() {
    families(1);
}

fn families(scale: usize) {
    let company = Company::new();
    let (executive, controller) = (company.executive(), company.controller());
    let family: Vec<String> = (0..4).map(|_| company.customer()).collect();
    // Everybody may pay for everybody: locks are taken from both ends.
    for (payer, other) in (0..4).flat_map(|a| (0..4).map(move |b| (a, b))).filter(|(a, b)| a != b) {
        let link = json!({"payer_id": family[payer], "valid_from": "2025-01-01"});
        executive.post(&format!("/v1/customers/{}/payers", family[other]), &link).expect(201);
    }
    let invoices: Vec<Value> = family.iter().flat_map(|customer| issued(&company, customer, 5, &times(1000, scale), "2025-01-31")).collect();
    let cross = |payer: usize, n: usize| -> Value { [n, n + 6, n + 13].iter().map(|at| to_invoice(&invoices[(at + payer) % 20], "20.00")).collect() };
    let earlier: Vec<Value> = in_parallel(4, 20 * scale, |n| {
        let body = with(receipt_body(&family[n % 4], "2025-01-10", "60.00"), json!({"method": "nach", "allocations": cross(n % 4, n)}));
        executive.post("/v1/receipts", &body).expect(201)
    });
    let mut acts = Vec::new();
    for (n, receipt) in earlier.iter().enumerate() {
        if n % 2 == 0 {
            acts.push(act(
                "bounce",
                &executive,
                format!("/v1/receipts/{}/bounce", id_of(receipt)),
                json!({"bounced_on": "2025-01-15", "reason": "Mandate refused"}),
            ));
        } else {
            for allocation in receipt["allocations"].as_array().unwrap() {
                acts.push(act(
                    "unapply",
                    &controller,
                    format!("/v1/allocations/{}/reverse", id_of(allocation)),
                    json!({"reversed_on": "2025-01-15", "reason": "Wrong child"}),
                ));
            }
        }
    }
    for n in 0..80 * scale {
        acts.push(act("pay", &executive, "/v1/receipts", with(receipt_body(&family[n % 4], "2025-01-12", "60.00"), json!({"allocations": cross(n % 4, n)}))));
    }
    acts.push(act("own", &executive, "/v1/receipts", with(receipt_body(&family[0], "2025-01-12", "60.00"), json!({"auto_apply": "oldest_first"}))));
    let outcomes = run(acts);
    let counted: BTreeMap<&str, (usize, usize)> = ["bounce", "unapply", "pay", "own"].into_iter().map(|name| (name, count(&outcomes, name))).collect();
    let refused: Vec<_> = outcomes.iter().filter(|o| o.made.is_none()).map(|o| (&o.path, &o.codes)).collect();
    assert_eq!(counted, BTreeMap::from([("bounce", (10 * scale, 0)), ("unapply", (30 * scale, 0)), ("pay", (80 * scale, 0)), ("own", (1, 0))]), "{refused:?}");
    let owed: Decimal = family.iter().map(|customer| total(&company, customer)).sum();
    assert_eq!(owed, (dec!(20000) - dec!(10) * dec!(60) - dec!(80) * dec!(60)) * Decimal::from(scale) - dec!(60));
    assert_no_deadlock();
    company.assert_laws();
}

#[test]
fn reports_of_a_pair_asked_while_others_post_are_the_same_for_ever() {
    let company = Company::new();
    let (executive, controller) = (company.executive(), company.controller());
    // Customers of their own, so that postings are under way side by side.
    let customers: Vec<String> = (0..8).map(|_| company.customer()).collect();
    let invoices: Vec<Value> = customers.iter().map(|customer| company.invoice(customer, "2025-01-01", "2025-01-31", "1000.00")).collect();
    let asked = in_parallel(16, 400, |n| {
        if n % 4 != 0 {
            let body = with(receipt_body(&customers[n % 8], "2025-01-12", "5.00"), json!({"allocations": [to_invoice(&invoices[n % 8], "1.00")]}));
            executive.post("/v1/receipts", &body).expect(201);
            return None;
        }
        let known_at = controller.get("/v1/reports/aging?as_of=2025-03-31").expect(200)["known_at"].as_str().unwrap().to_owned();
        let path = format!("/v1/reports/aging?as_of=2025-03-31&known_at={}", encoded(&known_at));
        let answer = controller.get(&path).text();
        Some((path, answer))
    });
    let changed: Vec<_> = asked.into_iter().flatten().filter(|(path, answer)| controller.get(path).text() != *answer).map(|(path, _)| path).collect();
    assert!(changed.is_empty(), "{} pairs changed: {changed:?}", changed.len());
    company.assert_laws();
}

/// The three scenes at a larger scale, again and again: `REQUESTS=100000 SCALE=20 cargo test --release --test it
/// hot_at_scale -- --nocapture`.
#[test]
fn hot_at_scale() {
    let Some(wanted) = std::env::var("REQUESTS").ok().map(|text| text.parse::<usize>().expect("a number")) else { return };
    let scale = std::env::var("SCALE").map_or(20, |text| text.parse().expect("a number"));
    let (start, before) = (Instant::now(), REQUESTS.load(Ordering::Relaxed));
    let sent = || REQUESTS.load(Ordering::Relaxed) - before;
    let scenes: [(&str, fn(usize)); 3] = [("settling", settling), ("taking back", taking_back), ("families", families)];
    for (name, scene) in scenes.into_iter().cycle().take_while(|_| sent() < wanted) {
        scene(scale);
        println!("{name}: {} requests, {} s", sent(), start.elapsed().as_secs());
    }
    let mut took = std::mem::take(&mut *TOOK.lock().unwrap());
    took.sort();
    let of = |share: usize| took[(took.len() - 1) * share / 1000].as_millis();
    println!("{} requests in {} s, {CALLERS} callers, scale {scale}", sent(), start.elapsed().as_secs());
    let (shed, busy) = (SHED.load(Ordering::Relaxed), BUSY.load(Ordering::Relaxed));
    println!("{} of them with their twins; {shed} were told to come back (503), {busy} that the twin is at it (409)", took.len());
    println!("milliseconds: half within {}, 99 % within {}, all within {}", of(500), of(990), of(1000));
}
