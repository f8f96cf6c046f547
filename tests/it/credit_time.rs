//! Credit on the two axes of time, and in other currencies.

use crate::credit::{credit, part, set_limit};
use crate::orders::{order, until_expiries_are_noted};
use crate::rig::{Company, Db, assert_includes, dec, encoded, id_of, invoice_body, receipt_body, to_invoice, today, with};
use chrono::Days;
use rust_decimal::dec;
use serde_json::{Value, json};

fn days_ago(days: u64) -> String {
    (today() - Days::new(days)).to_string()
}

fn set_parent(company: &Company, customer: &str, parent: Option<&str>) {
    company.executive().change("PATCH", &format!("/v1/customers/{customer}"), "*", &json!({"parent_id": parent})).expect(200);
}

fn found(company: &Company, query: &str) -> Vec<String> {
    company.get(&format!("/v1/customers?{query}"))["data"].as_array().unwrap().iter().map(id_of).collect()
}

#[test]
fn a_group_of_a_past_day_is_that_of_the_day_and_of_what_was_known() {
    let company = Company::new();
    let (parent, child) = (company.customer(), company.customer());
    set_limit(&company, &parent, json!({"scope": "group", "amount": "1000.00"}));
    company.invoice(&parent, &days_ago(10), &days_ago(1), "300.00");
    company.invoice(&child, &days_ago(10), &days_ago(1), "800.00");
    let at = |customer: &str, query: &str| company.get(&format!("/v1/customers/{customer}/credit?{query}"));
    // A parent without children is capped all the same.
    let alone = credit(&company, &parent);
    assert_includes(&alone["group"], &json!({"members": 1, "available": "700.00", "over_limit": false}));
    let before = format!("known_at={}", encoded(alone["known_at"].as_str().unwrap()));
    set_parent(&company, &child, Some(&parent));
    let (now, yesterday) = (format!("as_of={}", today()), format!("as_of={}", days_ago(1)));
    for customer in [&parent, &child] {
        for seen in [credit(&company, customer), at(customer, &now)] {
            assert_includes(&seen, &json!({"over_limit": true, "available": "-100.00"}));
            assert_includes(&seen["group"], &json!({"parent_id": parent, "members": 2}));
            assert_eq!(seen["group"]["exposure"]["total"], "1100.00");
        }
        // Yesterday they were strangers, and so they were as far as was known before.
        assert_eq!(at(customer, &yesterday)["over_limit"], false);
        assert_eq!(at(customer, &before)["over_limit"], false);
    }
    assert_eq!(at(&child, &yesterday)["group"], Value::Null);
    assert_eq!(at(&child, &before)["group"], Value::Null);
    assert_eq!(at(&parent, &before), alone);
    let together = at(&child, &now);
    // Who is in a group that is over its limit is found, and named by the report; until they part.
    let mut over = found(&company, "over_limit=true");
    over.sort();
    let mut both = vec![parent.clone(), child.clone()];
    both.sort();
    assert_eq!(over, both);
    assert!(found(&company, "over_limit=false").is_empty());
    let reported = company.get("/v1/reports/credit-risk?reason=over_limit");
    assert_eq!((reported["data"].as_array().unwrap().len(), &reported["totals"]["over_limit"]), (2, &json!(2)), "{reported}");
    assert!(company.get(&format!("/v1/reports/credit-risk?reason=over_limit&{yesterday}"))["data"].as_array().unwrap().is_empty());
    set_parent(&company, &child, None);
    assert!(found(&company, "over_limit=true").is_empty());
    let known = format!("{now}&known_at={}", encoded(together["known_at"].as_str().unwrap()));
    assert_eq!(at(&child, &known), together, "what was known stays");
    company.assert_laws();
}

#[test]
fn what_was_known_of_a_customers_credit_is_the_same_for_ever() {
    let company = Company::new();
    let (customer, controller) = (company.customer(), company.controller());
    controller.post("/v1/exchange-rates", &json!({"currency": "USD", "rate_date": today(), "rate": "80", "source": "bank"})).expect(201);
    set_limit(&company, &customer, json!({"amount": "100.00", "currency": "USD"}));
    company.invoice(&customer, &days_ago(10), &days_ago(1), "300.00");
    let client = company.as_role("integration");
    order(&client, &customer, "500.00");
    let path = format!("/v1/customers/{customer}/credit");
    let then = company.get(&format!("{path}?as_of={}", today()));
    assert_includes(&then, &json!({"available": "7200.00", "policy_version": 0}));
    assert_eq!(then["exposure"]["total"], "800.00");
    let again = format!("{path}?as_of={}&known_at={}", today(), encoded(then["known_at"].as_str().unwrap()));
    // Everything it rests on changes: limit, rate, policy, the reservation runs out, more is sold.
    controller.post("/v1/exchange-rates", &json!({"currency": "USD", "rate_date": today(), "rate": "85", "source": "bank"})).expect(201);
    set_limit(&company, &customer, json!({"amount": "9000.00"}));
    controller.change("PUT", "/v1/credit-policy", "*", &json!({"exposure": {"reservations": false}})).expect(200);
    company.invoice(&customer, &days_ago(5), &days_ago(1), "100.00");
    assert_eq!(company.get(&again), then);
    Db::app().commit_in(&company.id, "UPDATE credit_check SET expires_at = now() + interval '1 second' WHERE reserved > 0").expect("done");
    until_expiries_are_noted(&company);
    assert_eq!(company.get(&again), then, "it stood then");
    assert_eq!(part(&credit(&company, &customer), "reservations"), dec!(0));
    company.assert_laws();
}

#[test]
fn what_is_in_another_currency_counts_at_the_rate_of_the_day() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    for (days, rate) in [(20, "80"), (5, "85"), (0, "90")] {
        company.controller().post("/v1/exchange-rates", &json!({"currency": "USD", "rate_date": days_ago(days), "rate": rate, "source": "bank"})).expect(201);
    }
    set_limit(&company, &customer, json!({"amount": "10000.00"}));
    let sale = with(invoice_body(&customer, &days_ago(20), "100.00"), json!({"currency": "USD", "due_date": days_ago(10)}));
    let invoice = executive.post("/v1/invoices", &sale).expect(201);
    assert_eq!(invoice["base_total"], "8000.00");
    let at = |query: &str| company.get(&format!("/v1/customers/{customer}/credit{query}"));
    for (query, worth) in [
        (String::new(), "9000.00"),
        (format!("?as_of={}", today()), "9000.00"),
        (format!("?as_of={}", days_ago(1)), "8500.00"),
        (format!("?as_of={}", days_ago(6)), "8000.00"),
    ] {
        let seen = at(&query);
        assert_eq!((&seen["exposure"]["total"], &seen["overdue"]), (&json!(worth), &json!(worth)), "{query}");
    }
    // 40 dollars came, of which 30 are placed: 70 are owed, 10 stand to the customer's credit. An order of 40 more.
    let money =
        with(receipt_body(&customer, &days_ago(3), "40.00"), json!({"currency": "USD", "exchange_rate": "86", "allocations": [to_invoice(&invoice, "30.00")]}));
    executive.post("/v1/receipts", &money).expect(201);
    let body = json!({"customer_id": customer, "order_id": "SO-USD", "amount": "50.00", "currency": "USD"});
    let client = company.as_role("integration");
    let check = client.post("/v1/credit-checks", &body).expect(201);
    assert_includes(&check, &json!({"base_amount": "4500.00", "exposure": "9900.00", "available": "100.00", "reserved": "50.00"}));
    // The dollar rises: what is reserved is worth more, too.
    company.controller().post("/v1/exchange-rates", &json!({"currency": "USD", "rate_date": today(), "rate": "92", "source": "bank"})).expect(201);
    for query in [String::new(), format!("?as_of={}", today())] {
        let seen = at(&query);
        let parts = ["open_items", "unapplied_cash", "reservations"].map(|name| part(&seen, name));
        assert_eq!(parts, [dec!(6440), dec!(-920), dec!(4600)], "{query}");
        assert_includes(&seen, &json!({"over_limit": true, "available": "-120.00"}));
    }
    assert_eq!(found(&company, "over_limit=true"), std::slice::from_ref(&customer));
    // The day before: 70 at 85 less 10 at 85; orders are of today.
    assert_eq!(dec(&at(&format!("?as_of={}", days_ago(1)))["exposure"]["total"]), dec!(5100));
    // More in base currency than an amount can be is refused where it is asked.
    let huge = client.post("/v1/credit-checks", &with(body, json!({"order_id": "SO-HUGE", "amount": "9000000000000.00"}))).refusal();
    assert!(crate::rig::blames(&huge, "#/amount", "amount_too_large"), "{huge}");
    company.assert_laws();
}
