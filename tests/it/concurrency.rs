//! Races: what two or two hundred callers do at once comes out as if they had queued.

use crate::rig::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Connections at a time; the jobs queue behind them.
const CONNECTIONS: usize = 32;

/// Asks again while the answer is "another request is at it; try again".
fn patiently(mut ask: impl FnMut() -> Reply) -> Reply {
    until("the other request to finish", std::time::Duration::from_secs(60), || {
        let reply = ask();
        assert!(reply.status < 500 && reply.status != 429, "{} {}", reply.status, reply.text());
        (!(reply.status == 409 && reply.json()["retryable"] == true)).then_some(reply)
    })
}

#[test]
fn of_200_parallel_allocations_of_100_to_an_invoice_of_1000_exactly_10_succeed() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    let receipt = company.receipt(&customer, "2025-01-15", "20000.00", Value::Null);
    let executive = company.executive();
    let body = json!({"source_type": "receipt", "source_id": receipt["id"], "allocated_on": "2025-01-20", "targets": [to_invoice(&invoice, "100.00")]});
    let replies = in_parallel(CONNECTIONS, 200, |_| {
        let key = fresh();
        patiently(|| executive.post_keyed("/v1/allocations", &key, &body))
    });
    let (done, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 201);
    assert_eq!(done.len(), 10);
    for reply in refused {
        let problem = reply.refusal();
        assert!(matches!(problem["status"].as_u64(), Some(409 | 422)), "{problem}");
        assert!(matches!(problem["code"].as_str(), Some("over_allocation" | "already_allocated" | "invalid_state")), "{problem}");
        assert!(problem.to_string().contains("0.00"), "names the open amount: {problem}");
    }
    assert_eq!(company.get(&format!("/v1/invoices/{}", id_of(&invoice)))["amounts"]["balance_due"], "0.00");
    assert_eq!(company.get(&format!("/v1/receipts/{}", id_of(&receipt)))["totals"]["unapplied"], "19000.00");
    company.assert_laws();
}

#[test]
fn fifty_parallel_posts_with_one_key_make_one_receipt() {
    let company = Company::new();
    let customer = company.customer();
    let executive = company.executive();
    let (key, body) = (fresh(), receipt_body(&customer, "2025-01-15", "500.00"));
    let replies = in_parallel(CONNECTIONS, 50, |_| patiently(|| executive.post_keyed("/v1/receipts", &key, &body)));
    assert!(replies.iter().all(|reply| reply.status == 201), "{:?}", replies.iter().map(|r| r.status).collect::<Vec<_>>());
    assert_eq!(replies.iter().map(|reply| &reply.bytes).collect::<BTreeSet<_>>().len(), 1, "identical replies");
    assert_eq!(replies.iter().filter(|reply| reply.header("idempotent-replayed").is_none()).count(), 1);
    assert_eq!(company.sql("SELECT id FROM receipt WHERE company_id = {c}").len(), 1);
    let other = with(body, json!({"amount_received": "501.00"}));
    executive.post_keyed("/v1/receipts", &key, &other).refused(422, "idempotency_key_reused");
    company.assert_laws();
}

#[test]
fn of_two_twins_with_one_key_one_works_and_both_hear_the_same() {
    let company = Company::new();
    let customer = company.customer();
    let executive = company.executive();
    for round in 1..=50 {
        let (key, body) = (fresh(), receipt_body(&customer, "2025-01-15", &format!("{round}.00")));
        let replies = in_parallel(2, 2, |_| patiently(|| executive.post_keyed("/v1/receipts", &key, &body)));
        assert!(replies.iter().all(|reply| reply.status == 201), "{}", replies[0].text());
        assert_eq!(replies[0].bytes, replies[1].bytes);
    }
    assert_eq!(company.sql("SELECT id FROM receipt WHERE company_id = {c}").len(), 50);
    company.assert_laws();
}

#[test]
fn five_hundred_parallel_issues_take_consecutive_numbers_and_failures_burn_none() {
    let company = Company::new();
    let customer = company.customer();
    let executive = company.executive();
    let drafts: Vec<Value> = (0..500).map(|_| with(invoice_body(&customer, "2025-05-10", "10.00"), json!({"issue": false}))).collect();
    let made = executive.post("/v1/invoices/bulk", &json!({"mode": "per_item", "items": drafts})).expect(207);
    assert_eq!(made["summary"]["succeeded"], 500, "{}", made["items"][0]);
    let paths: Vec<String> = made["items"].as_array().unwrap().iter().map(|row| format!("/v1/invoices/{}/issue", id_of(row))).collect();
    let too_early = invoice_body(&customer, "2009-12-31", "10.00");
    let mut numbers: Vec<String> = in_parallel(CONNECTIONS, 500, |at| {
        if at % 10 == 0 {
            executive.post("/v1/invoices", &too_early).refused(409, "period_closed");
        }
        let issued = patiently(|| executive.change("POST", &paths[at], "\"v1\"", &json!({}))).expect(200);
        issued["number"].as_str().expect("a number").to_owned()
    });
    numbers.sort_by_key(|number| (number.len(), number.clone()));
    let counter = |number: &String| number.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap().parse::<u32>().unwrap();
    assert_eq!(numbers.iter().map(counter).collect::<Vec<_>>(), (1..=500).collect::<Vec<_>>());
    company.assert_laws();
}

#[test]
fn of_twenty_parallel_reversals_of_one_allocation_one_succeeds() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    let receipt = company.receipt(&customer, "2025-01-15", "1000.00", json!([to_invoice(&invoice, "1000.00")]));
    let path = format!("/v1/allocations/{}/reverse", id_of(&receipt["allocations"][0]));
    let controller = company.controller();
    let body = json!({"reversed_on": "2025-01-20", "reason": "Wrong invoice"});
    let replies = in_parallel(20, 20, |_| {
        let key = fresh();
        patiently(|| controller.post_keyed(&path, &key, &body))
    });
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert!(replies.iter().all(|reply| matches!(reply.status, 201 | 409 | 422)));
    company.assert_laws();
}

#[test]
fn many_writers_on_two_customers_neither_deadlock_nor_break_a_law() {
    let company = Company::new();
    let customers = [company.customer(), company.customer()];
    let (executive, controller) = (company.executive(), company.controller());
    in_parallel(16, 120, |at| {
        let customer = &customers[at % 2];
        let date = format!("2025-0{}-1{}", at % 6 + 1, at % 10);
        match at % 3 {
            0 => drop(patiently(|| executive.post("/v1/invoices", &invoice_body(customer, &date, "300.00"))).expect(201)),
            1 => {
                let body = with(receipt_body(customer, &date, &format!("{}.00", 100 + at)), json!({"auto_apply": "oldest_first"}));
                let receipt = patiently(|| executive.post("/v1/receipts", &body)).expect(201);
                if let Some(allocation) = receipt["allocations"].as_array().and_then(|all| all.first()) {
                    let body = json!({"reversed_on": "2025-08-01", "reason": "Wrong invoice"});
                    patiently(|| controller.post(&format!("/v1/allocations/{}/reverse", id_of(allocation)), &body)).expect(201);
                }
            }
            _ => {
                let both: Vec<Value> = [0, 1]
                    .iter()
                    .map(|other| with(receipt_body(&customers[(at + other) % 2], &date, &format!("{at}.50")), json!({"auto_apply": "oldest_first"})))
                    .collect();
                let reply = patiently(|| executive.post("/v1/receipts/bulk", &json!({"mode": "atomic", "items": both}))).expect(207);
                assert_eq!(reply["summary"]["succeeded"], 2, "{reply}");
            }
        }
    });
    company.assert_laws();
}
