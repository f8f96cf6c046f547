//! What one caller sends at once shares a transaction, and nobody can tell but by the clock.

use crate::rig::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const CALLERS: usize = 40;

fn entries_and_transactions(company: &Company) -> (i64, i64) {
    let counts = company.sql("SELECT count(*) AS entries, count(DISTINCT xid) AS transactions FROM journal_entry WHERE company_id = {c}");
    (counts[0]["entries"].as_i64().unwrap(), counts[0]["transactions"].as_i64().unwrap())
}

fn numbers(invoices: &[Value]) -> BTreeSet<String> {
    invoices.iter().map(|invoice| invoice["number"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn invoices_sent_at_once_share_transactions_and_each_has_its_own_number_event_and_replay() {
    let company = Company::new();
    let (customers, executive) = ((0..5).map(|_| company.customer()).collect::<Vec<_>>(), company.executive());
    let requests: Vec<(String, Value)> = (0..200).map(|n| (fresh(), invoice_body(&customers[n % 5], "2025-01-10", &format!("{}.00", n + 1)))).collect();
    let send = |(key, body): &(String, Value)| executive.post_keyed("/v1/invoices", key, body);
    let replies = in_parallel(CALLERS, requests.len(), |at| send(&requests[at]));
    let made: Vec<Value> = replies.iter().map(Reply::json).collect();
    for (reply, (_, body)) in replies.iter().zip(&requests) {
        assert_eq!(reply.status, 201, "{}", reply.text());
        let invoice = reply.json();
        assert_eq!(invoice["external_id"], body["external_id"]);
        assert_eq!(invoice["totals"]["grand_total"], body["lines"][0]["unit_price"], "each gets its own");
        assert!(reply.header("location").unwrap().ends_with(invoice["id"].as_str().unwrap()));
    }
    let expected: BTreeSet<String> = (1..=200).map(|n| format!("MH/24-25/{n:06}")).collect();
    assert_eq!(numbers(&made), expected, "one number each and none left out");
    let (entries, transactions) = entries_and_transactions(&company);
    assert_eq!(entries, 200);
    assert!(transactions < 150, "{transactions} transactions for {entries} invoices: nothing was grouped");
    // The event of each names the request that was its own.
    let controller = company.controller();
    for (reply, invoice) in replies.iter().zip(&made).step_by(17) {
        let events = controller.get(&format!("/v1/audit/entries?resource_id={}", invoice["id"].as_str().unwrap())).json();
        let ids: Vec<&Value> = events["data"].as_array().unwrap().iter().map(|event| &event["request_id"]).collect();
        assert_eq!(ids, [reply.header("request-id").unwrap()]);
        assert_eq!(events["data"][0]["detail"]["request_id"], *ids[0]);
    }
    // Asked again at once, each key gives the bytes it gave.
    let again = in_parallel(CALLERS, requests.len(), |at| send(&requests[at]));
    for (first, second) in replies.iter().zip(&again) {
        assert_eq!((second.status, &second.bytes), (201, &first.bytes));
        assert_eq!(second.header("idempotent-replayed"), Some("true"));
        assert_eq!(second.header("idempotency-original-request-id"), first.header("request-id"));
    }
    assert_eq!(entries_and_transactions(&company).0, 200);
    company.assert_laws();
}

#[test]
fn one_that_is_refused_costs_the_others_of_its_group_nothing() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    company.controller().change("POST", "/v1/periods/2024-04/close", "*", &json!({"level": "soft"})).expect(200);
    let good = |n: usize| invoice_body(&customer, "2025-01-10", &format!("{}.00", n + 1));
    // Every seventh is refused while it is decided, every eleventh by the database, which undoes what shares its transaction.
    let body = |n: usize| match n {
        _ if n.is_multiple_of(11) => with(good(n), json!({"invoice_date": "2024-04-10"})),
        _ if n.is_multiple_of(7) => with(good(n), json!({"customer_id": "0196f2a0-9999-7000-8000-00000000000a"})),
        _ => good(n),
    };
    let requests: Vec<(String, Value)> = (0..154).map(|n| (fresh(), body(n))).collect();
    let replies = in_parallel(CALLERS, requests.len(), |at| executive.post_keyed("/v1/invoices", &requests[at].0, &requests[at].1));
    let mut made = Vec::new();
    for (n, reply) in replies.into_iter().enumerate() {
        match n {
            _ if n.is_multiple_of(11) => assert!(!reply.refused(409, "period_closed")["open_periods"].as_array().unwrap().contains(&json!("2024-04"))),
            _ if n.is_multiple_of(7) => drop(reply.refused(404, "not_found")),
            _ => made.push(reply.expect(201)),
        }
    }
    assert_eq!(made.len(), 120);
    assert_eq!(numbers(&made), (1..=120).map(|n| format!("MH/24-25/{n:06}")).collect(), "a refused one takes no number");
    // What was refused kept no key: the same key serves the mended request.
    let mended = in_parallel(8, 14, |at| executive.post_keyed("/v1/invoices", &requests[at * 11].0, &good(at)));
    for reply in mended {
        reply.expect(201);
    }
    company.assert_laws();
}

#[test]
fn twins_and_namesakes_sent_at_once_give_one_invoice() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let body = invoice_body(&customer, "2025-01-10", "100.00");
    let key = fresh();
    let twins = in_parallel(CALLERS, CALLERS, |_| {
        until("an answer", std::time::Duration::from_secs(60), || {
            let reply = executive.post_keyed("/v1/invoices", &key, &body);
            (!(reply.status == 409 && reply.json()["retryable"] == true)).then_some(reply)
        })
    });
    let bytes: BTreeSet<Vec<u8>> = twins.iter().map(|reply| reply.bytes.clone()).collect();
    assert_eq!(bytes.len(), 1, "one answer for one key");
    assert_eq!(twins.iter().filter(|reply| reply.header("idempotent-replayed").is_none()).count(), 1);
    let first = twins[0].json();
    // Another key with the same name is another request for the same thing.
    let namesakes = in_parallel(CALLERS, CALLERS, |_| executive.post("/v1/invoices", &body));
    for reply in namesakes {
        assert_eq!(reply.refused(409, "duplicate_external_id")["current"]["id"], first["id"]);
    }
    let fresh_name = invoice_body(&customer, "2025-01-10", "200.00");
    let rivals = in_parallel(CALLERS, CALLERS, |_| executive.post("/v1/invoices", &fresh_name));
    let (won, lost): (Vec<_>, Vec<_>) = rivals.into_iter().partition(|reply| reply.status == 201);
    assert_eq!((won.len(), lost.len()), (1, CALLERS - 1));
    for reply in lost {
        assert_eq!(reply.refused(409, "duplicate_external_id")["current"]["id"], won[0].json()["id"]);
    }
    // In one bulk request too, the first of a name wins, and a refused one leaves the name to the next.
    let named = with(invoice_body(&customer, "2025-01-10", "300.00"), json!({"external_id": "bulk-twin"}));
    let refused = with(named.clone(), json!({"customer_id": "0196f2a0-9999-7000-8000-00000000000a"}));
    let bulk = executive.post("/v1/invoices/bulk", &json!({"mode": "per_item", "items": [refused, named, named]})).expect(207);
    let statuses: Vec<&Value> = bulk["items"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, [404, 201, 409]);
    assert_eq!(bulk["items"][2]["problem"]["current"]["id"], bulk["items"][1]["id"]);
    company.assert_laws();
}

#[test]
fn a_bulk_request_with_a_row_the_database_refuses_keeps_the_good_ones() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    company.controller().change("POST", "/v1/periods/2024-04/close", "*", &json!({"level": "soft"})).expect(200);
    let rows: Vec<Value> = (0..30).map(|n| invoice_body(&customer, if n == 13 { "2024-04-10" } else { "2025-01-10" }, "10.00")).collect();
    let bulk = executive.post("/v1/invoices/bulk", &json!({"mode": "per_item", "items": rows})).expect(207);
    assert_eq!(bulk["summary"], json!({"total": 30, "succeeded": 29, "failed": 1}));
    assert_eq!(bulk["items"][13]["problem"]["code"], "period_closed");
    let rows: Vec<Value> = (0..30).map(|n| invoice_body(&customer, if n == 13 { "2024-04-10" } else { "2025-01-10" }, "10.00")).collect();
    let bulk = executive.post("/v1/invoices/bulk", &json!({"mode": "atomic", "items": rows})).expect(207);
    assert_eq!(bulk["summary"], json!({"total": 30, "succeeded": 0, "failed": 30}));
    assert_eq!(bulk["items"][0]["status"], 424);
    company.assert_laws();
}
