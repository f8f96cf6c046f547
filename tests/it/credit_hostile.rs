//! Credit under those who hurry, those who overdo it and those who try to get around it.

use crate::credit::{credit, set_limit};
use crate::orders::{act, confirm, hold, order};
use crate::rig::{Client, Company, assert_includes, customer_body, dec, decide, fresh, id_of, in_parallel, invoice_body, line, today, until, with};
use chrono::Days;
use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

fn kid(company: &Company, parent: &str) -> String {
    id_of(&company.executive().post("/v1/customers", &with(customer_body(), json!({"parent_id": parent}))).expect(201))
}

#[test]
fn while_a_child_changes_its_group_no_check_goes_past_a_cap() {
    let company = Company::new();
    let heads: Vec<String> = (0..2).map(|_| company.customer()).collect();
    let child = kid(&company, &heads[0]);
    for head in &heads {
        set_limit(&company, head, json!({"scope": "group", "amount": "5000.00"}));
    }
    let (client, executive) = (company.as_role("integration"), company.executive());
    let replies = in_parallel(16, 120, |n| {
        if n % 6 == 5 {
            let parent = [Some(&heads[0]), Some(&heads[1]), None][(n / 6) % 3];
            return executive.change("PATCH", &format!("/v1/customers/{child}"), "*", &json!({"parent_id": parent}));
        }
        let customer = [&heads[0], &heads[1], &child][n % 3];
        client.post("/v1/credit-checks", &json!({"customer_id": customer, "order_id": fresh(), "amount": "400.00"}))
    });
    let (mut passed, mut moved) = (Vec::new(), 0);
    for reply in replies {
        match reply.status {
            201 => passed.extend(Some(reply.json()).filter(|check| check["result"] != "hold")),
            200 => moved += 1,
            // Who lost three races in a row is told to come again.
            _ => {
                reply.refused(409, "busy");
            }
        }
    }
    assert_eq!(moved, 20);
    assert!(!passed.is_empty());
    let spent = |customer: &str| Decimal::from(passed.iter().filter(|check| check["customer_id"] == customer).count()) * dec!(400);
    for head in &heads {
        assert!(spent(head) <= dec!(5000), "{head}: {}", spent(head));
    }
    // Each was judged by a group as it stood, and within its cap.
    for check in &passed {
        let group = &check["facts"]["group"];
        if !group.is_null() {
            let parts = &group["parts"];
            let stood: Decimal = ["open_items", "reservations", "orders", "deliveries"].iter().map(|part| dec(&parts[*part])).sum();
            assert!(stood + dec!(400) <= dec!(5000), "{check}");
        }
    }
    // Nothing is lost: what stands is what is held free, also of orders that went by themselves when a child left.
    until("exposure to be what is held free", Duration::from_secs(30), || {
        let held: Decimal = company.get("/v1/credit-checks?limit=200")["data"].as_array().unwrap().iter().map(|check| dec(&check["reserved"])).sum();
        let stands: Decimal = heads.iter().chain([&child]).map(|customer| dec(&credit(&company, customer)["exposure"]["total"])).sum();
        (held == stands && stands >= Decimal::from(passed.len()) * dec!(400)).then_some(())
    });
    company.assert_laws();
}

#[test]
fn a_release_does_not_stand_when_the_rest_of_the_group_orders_more() {
    let company = Company::new();
    let parent = company.customer();
    let child = kid(&company, &parent);
    set_limit(&company, &parent, json!({"scope": "group", "amount": "5000.00"}));
    set_limit(&company, &child, json!({"amount": "100.00"}));
    let client = company.as_role("integration");
    // Held by the child's own limit alone, and released.
    let check = order(&client, &child, "1000.00");
    act(&company.controller(), &hold(&company, &check), "release", json!({})).expect(200);
    let again = || client.post("/v1/credit-checks", &json!({"customer_id": child, "order_id": check["order_id"], "amount": "1000.00"})).expect(201);
    assert_eq!(again()["result"], "pass");
    // Then the parent takes all the group has: asked again, the order fits no longer.
    assert_eq!(order(&client, &parent, "4000.00")["result"], "pass");
    company.invoice(&parent, &today().to_string(), &today().to_string(), "500.00");
    let held = again();
    assert_includes(&held, &json!({"result": "hold", "reserved": "0.00"}));
    assert!(held["facts"]["granted"]["group_parts"].is_object(), "{held}");
    company.assert_laws();
}

#[test]
fn a_hold_may_be_escalated_as_often_as_it_comes_back() {
    let company = Company::new();
    let customer = company.customer();
    set_limit(&company, &customer, json!({"amount": "1.00"}));
    let check = order(&company.as_role("integration"), &customer, "5.00");
    for times in 1..=10 {
        let asked = act(&company.executive(), &hold(&company, &check), "escalate", json!({})).expect(200);
        assert_includes(&asked, &json!({"status": "escalated", "level": (1 + times).min(9)}));
        decide(&company.controller(), &asked, "reject").expect(200);
    }
    // A release ends within a year.
    let late = (today() + Days::new(366)).to_string();
    let problem = act(&company.controller(), &hold(&company, &check), "release", json!({"valid_until": late})).refused(422, "validation_failed");
    assert!(crate::rig::blames(&problem, "#/valid_until", "too_long"), "{problem}");
    let released = act(&company.controller(), &hold(&company, &check), "release", json!({"valid_until": (today() + Days::new(365)).to_string()})).expect(200);
    let before = |day: chrono::NaiveDate| company.get(&format!("/v1/order-holds?due_before={day}"))["data"].as_array().unwrap().len();
    assert_eq!((before(today() + Days::new(365)), before(today() + Days::new(366))), (0, 1));
    assert_eq!(released["status"], "released");
    company.assert_laws();
}

#[test]
fn who_sells_to_a_customer_neither_lets_all_its_orders_go_nor_judges_it() {
    let company = Company::new();
    let customer = company.customer();
    let path = format!("/v1/customers/{customer}/credit");
    let seller = json!({"salesperson_id": company.user_id("ar_executive")});
    company.controller().change("PATCH", &format!("/v1/customers/{customer}"), "*", &seller).expect(200);
    let patch = |client: &Client, body: Value| client.change("PATCH", &path, "*", &body);
    // They may stop the orders; to let them go takes another.
    patch(&company.executive(), json!({"hold_all": true, "reason": "Cheque returned"})).expect(200);
    assert_eq!(order(&company.as_role("integration"), &customer, "1.00")["result"], "hold");
    for body in [json!({"hold_all": false}), json!({"risk_class": "A", "reason": "Good friends"}), json!({"risk_class": null})] {
        assert_eq!(patch(&company.executive(), body).refused(403, "sod_conflict")["rule"], "SOD-04");
    }
    assert_eq!(patch(&company.controller(), json!({"hold_all": false})).expect(200)["hold_all"], false);
    // Limits and appraisals of their customers are found by whose they are.
    set_limit(&company, &customer, json!({"amount": "5.00"}));
    let body = json!({"customer_id": customer, "kind": "review"});
    company.controller().post("/v1/credit-appraisals", &body).expect(201);
    for list in ["credit-limits", "credit-appraisals"] {
        let count = |user: &str| company.get(&format!("/v1/{list}?owner_id={user}"))["data"].as_array().unwrap().len();
        assert_eq!((count(&company.user_id("ar_executive")), count(&company.user_id("collector"))), (1, 0), "{list}");
    }
    company.assert_laws();
}

#[test]
fn scorecards_and_policies_set_at_once_are_versions_one_after_the_other() {
    let company = Company::new();
    let controller = company.controller();
    let mut card = company.get("/v1/credit-scorecard");
    for name in ["object", "version", "created_by", "created_at"] {
        card.as_object_mut().unwrap().remove(name);
    }
    for (path, body) in [("/v1/credit-scorecard", &card), ("/v1/credit-policy", &json!({}))] {
        let versions = in_parallel(8, 16, |_| controller.change("PUT", path, "*", body).expect(200)["version"].as_i64().unwrap());
        assert_eq!(versions.into_iter().collect::<BTreeSet<_>>(), (1..=16).collect(), "{path}");
    }
    // As many rules as there may be, on a customer and its group: every result is told.
    let rules: Vec<Value> = (0..50).map(|_| json!({"rule": "limit", "outcome": "hold"})).collect();
    controller.change("PUT", "/v1/credit-policy", "*", &json!({"rules": rules})).expect(200);
    let parent = company.customer();
    let child = kid(&company, &parent);
    set_limit(&company, &parent, json!({"scope": "group", "amount": "10.00"}));
    let client = company.as_role("integration");
    let check = order(&client, &child, "11.00");
    assert_eq!((check["rules"].as_array().unwrap().len(), &check["result"]), (100, &json!("hold")));
    confirm(&client, &check, json!({"outcome": "cancelled"})).expect(200);
    // One more, or thousands of anything, are refused.
    let before = company.fingerprint();
    for count in [51, 5000] {
        let rules: Vec<Value> = (0..count).map(|_| json!({"rule": "limit", "outcome": "hold"})).collect();
        let problem = controller.change("PUT", "/v1/credit-policy", "*", &json!({"rules": rules})).refused(422, "validation_failed");
        assert!(crate::rig::blames(&problem, "#/rules", "too_many"), "{problem}");
        let bands: Vec<Value> = (0..count).map(|at| json!({"up_to": at.to_string(), "points": "1"})).collect();
        let mut wide = card.clone();
        wide["inputs"][0]["bands"] = json!(bands);
        let problem = controller.change("PUT", "/v1/credit-scorecard", "*", &wide).refused(422, "validation_failed");
        assert!(crate::rig::blames(&problem, "#/inputs/0/bands", "too_many"), "{problem}");
    }
    let nines = "9".repeat(30);
    let huge = json!({"rules": [{"rule": "order_size", "outcome": "hold", "over": nines}], "watch_percent": nines, "growth_tolerance_percent": nines});
    let problem = controller.change("PUT", "/v1/credit-policy", "*", &huge).refused(400, "invalid_decimal");
    for pointer in ["#/rules/0/over", "#/watch_percent", "#/growth_tolerance_percent"] {
        assert!(crate::rig::blames(&problem, pointer, "invalid_decimal"), "{pointer} in {problem}");
    }
    let mut deep = json!("x");
    for _ in 0..20 {
        deep = json!({"rules": deep});
    }
    controller.change("PUT", "/v1/credit-policy", "*", &deep).refused(400, "malformed_json");
    assert_eq!(before, company.fingerprint());
    company.assert_laws();
}

#[test]
fn a_policy_is_tried_on_thousands_of_invoices_of_one_customer() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    // `INVOICES` of them for the full size; spread over the year, none ever paid.
    let wanted: u64 = std::env::var("INVOICES").ok().and_then(|text| text.parse().ok()).unwrap_or(2000);
    let day = |n: u64| (today() - Days::new(364 - n * 364 / wanted)).to_string();
    let bill = |n: u64| {
        let body = with(invoice_body(&customer, &day(n), "100.00"), json!({"due_date": day(n)}));
        with(body, json!({"lines": [line("100.00", "0")]}))
    };
    for first in (0..wanted).step_by(500) {
        let items: Vec<Value> = (first..wanted.min(first + 500)).map(bill).collect();
        let reply = executive.post("/v1/invoices/bulk", &json!({"mode": "per_item", "items": items})).expect(207);
        assert_eq!(reply["summary"]["failed"], 0, "{}", reply["summary"]);
    }
    let policy = json!({"rules": [{"rule": "limit", "outcome": "hold"}, {"rule": "overdue_amount", "outcome": "hold", "over": "5000"}]});
    let told = company.controller().post("/v1/credit-policy/what-if", &json!({"policy": policy, "assumed_limit": "10000.00", "list": 3})).expect(200);
    // A hundred invoices fit the limit. Of the days before one, more than 5,000 is overdue once 51 are.
    let mut held = [0; 3];
    for n in 0..wanted {
        let late = (0..n).filter(|earlier| day(*earlier) < day(n)).count();
        let (limit, overdue) = (n >= 100, late > 50);
        held = [held[0] + i64::from(limit || overdue), held[1] + i64::from(limit), held[2] + i64::from(overdue)];
    }
    let counts = ["orders", "held", "undecided"].map(|name| told[name]["orders"].as_i64().unwrap());
    // Everything fell due on its day, before today.
    assert_eq!((counts, &told["saved"]["overdue"]["orders"]), ([i64::try_from(wanted).unwrap(), held[0], 0], &json!(held[0])));
    let of_rule = |name: &str| told["by_rule"].as_array().unwrap().iter().find(|rule| rule["rule"] == name).expect(name)["held"]["orders"].clone();
    assert_eq!([of_rule("limit"), of_rule("overdue_amount")], [json!(held[1]), json!(held[2])]);
    assert_eq!(told["held_orders"].as_array().unwrap().len(), 3);
    assert_eq!(told["held_orders"][0]["date"], (0..wanted).map(day).nth(usize::try_from(wanted - u64::try_from(held[0]).unwrap()).unwrap()).unwrap());
    company.assert_laws();
}
