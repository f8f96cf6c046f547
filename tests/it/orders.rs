//! Orders held against credit: reservations that cannot overshoot, holds, releases and what cannot get around them.

use crate::credit::{credit, part, set_limit};
use crate::rig::{Client, Company, assert_includes, dec, decide, fresh, id_of, in_parallel, invoice_body, today, until, with};
use chrono::Days;
use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};
use std::time::Duration;

pub fn order(client: &Client, customer: &str, amount: &str) -> Value {
    client.post("/v1/credit-checks", &json!({"customer_id": customer, "order_id": fresh(), "amount": amount})).expect(201)
}

/// The hold of a held check.
pub fn hold(company: &Company, check: &Value) -> Value {
    company.get(&format!("/v1/order-holds/{}", check["hold_id"].as_str().unwrap_or_else(|| panic!("not held: {check}"))))
}

pub fn act(client: &Client, hold: &Value, verb: &str, body: Value) -> crate::rig::Reply {
    let path = format!("/v1/order-holds/{}/{verb}", hold["id"].as_str().unwrap());
    client.change("POST", &path, &format!("\"v{}\"", hold["version"]), &with(json!({"reason": "Looked at it"}), body))
}

fn rule<'r>(check: &'r Value, name: &str) -> &'r Value {
    check["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == name).unwrap_or_else(|| panic!("no {name} in {check}"))
}

/// Waits until the service has noted what has expired or is about to.
pub fn until_expiries_are_noted(company: &Company) {
    until("the expiries to be noted", Duration::from_secs(60), || {
        let left = "SELECT 1 AS one FROM credit_check WHERE company_id = {c} AND reserved > 0 AND expires_at < now() + interval '10 seconds'";
        company.sql(left).is_empty().then_some(())
    });
}

pub fn confirm(client: &Client, check: &Value, body: Value) -> crate::rig::Reply {
    client.post(&format!("/v1/credit-checks/{}/confirm", check["id"].as_str().unwrap()), &body)
}

#[test]
fn of_two_parallel_orders_that_fit_only_alone_one_passes() {
    // domain.md 3.21 row 22: limit 100,000; exposure 95,000; 5,000 and 5,000 at once.
    let company = Company::new();
    let customer = company.customer();
    set_limit(&company, &customer, json!({"amount": "100000.00"}));
    company.invoice(&customer, &today().to_string(), &(today() + Days::new(30)).to_string(), "95000.00");
    let client = company.as_role("integration");
    let checks = in_parallel(2, 2, |_| order(&client, &customer, "5000.00"));
    let results: Vec<&str> = checks.iter().map(|check| check["result"].as_str().unwrap()).collect();
    assert!(results.contains(&"pass") && results.contains(&"hold"), "{results:?}");
    let (passed, held) = if results[0] == "pass" { (&checks[0], &checks[1]) } else { (&checks[1], &checks[0]) };
    assert_includes(passed, &json!({"exposure": "100000.00", "available": "0.00", "reserved": "5000.00", "hold_id": null, "status": "pass"}));
    assert_includes(rule(passed, "limit"), &json!({"outcome": "pass", "value": "100000.00", "threshold": "100000.00"}));
    assert_includes(held, &json!({"exposure": "105000.00", "available": "-5000.00", "reserved": "0.00", "status": "hold"}));
    assert_includes(rule(held, "limit"), &json!({"outcome": "hold", "value": "105000.00"}));
    assert_includes(&hold(&company, held), &json!({"status": "open", "amount": "5000.00", "level": 1}));
    company.assert_laws();
}

#[test]
fn a_hundred_parallel_checks_never_exceed_the_limit_together_whoever_of_a_group_they_are_for() {
    let company = Company::new();
    let parent = company.customer();
    let child = id_of(&company.executive().post("/v1/customers", &with(crate::rig::customer_body(), json!({"parent_id": parent}))).expect(201));
    set_limit(&company, &parent, json!({"scope": "group", "amount": "70000.00"}));
    set_limit(&company, &child, json!({"amount": "30000.00"}));
    let client = company.as_role("integration");
    let checks = in_parallel(20, 100, |n| order(&client, if n % 2 == 0 { &parent } else { &child }, "1000.00"));
    let passed = |customer: &str| checks.iter().filter(|check| check["customer_id"] == customer && check["result"] == "pass").count();
    // 50 ask for each: the child's own limit lets at most 30 of its pass, the group's 70 in all.
    assert_eq!(passed(&parent) + passed(&child), 70, "{} and {}", passed(&parent), passed(&child));
    assert!(passed(&child) <= 30);
    let seen = credit(&company, &parent);
    assert_includes(&seen["group"], &json!({"available": "0.00", "over_limit": false}));
    assert_eq!(dec(&seen["group"]["exposure"]["total"]), dec!(70000));
    let waiting = company.get("/v1/order-holds?status=open&limit=200");
    assert_eq!(waiting["data"].as_array().unwrap().len(), 30);
    company.assert_laws();
}

#[test]
fn what_is_reserved_goes_through_its_stages_and_never_counts_twice() {
    let company = Company::new();
    let customer = company.customer();
    set_limit(&company, &customer, json!({"amount": "10000.00"}));
    let client = company.as_role("integration");
    let check = order(&client, &customer, "1000.00");
    let stands = || {
        let now = credit(&company, &customer);
        ["reservations", "orders", "deliveries", "open_items"].map(|name| part(&now, name))
    };
    assert_eq!(stands(), [dec!(1000), dec!(0), dec!(0), dec!(0)]);
    assert_includes(&confirm(&client, &check, json!({"outcome": "ordered"})).expect(200), &json!({"status": "pass", "ordered": "1000.00", "expires_at": null}));
    assert_eq!(stands(), [dec!(0), dec!(1000), dec!(0), dec!(0)]);
    confirm(&client, &check, json!({"outcome": "delivered", "amount": "600.00"})).expect(200);
    assert_eq!(stands(), [dec!(0), dec!(400), dec!(600), dec!(0)]);
    // Too much, and an invoice that is not theirs, are refused; nothing moves.
    let problem = confirm(&client, &check, json!({"outcome": "billed", "amount": "1000.01"})).refused(422, "validation_failed");
    assert!(crate::rig::blames(&problem, "#/amount", "too_large"), "{problem}");
    confirm(&client, &check, json!({"outcome": "billed", "invoice_id": uuid::Uuid::now_v7()})).refusal();
    // An invoice that names the order bills of it by itself.
    let day = today().to_string();
    let invoice = company.executive().post("/v1/invoices", &with(invoice_body(&customer, &day, "600.00"), json!({"order_id": check["order_id"]}))).expect(201);
    assert_eq!(stands(), [dec!(0), dec!(400), dec!(0), dec!(600)]);
    assert_eq!(invoice["status"], "issued");
    let left = confirm(&client, &check, json!({"outcome": "cancelled"})).expect(200);
    assert_includes(&left, &json!({"status": "consumed", "billed": "600.00", "freed": "400.00", "allowed_actions": []}));
    assert_eq!(stands(), [dec!(0), dec!(0), dec!(0), dec!(600)]);
    confirm(&client, &check, json!({"outcome": "delivered"})).refused(409, "invalid_state");
    assert_eq!(company.get(&format!("/v1/customers/{customer}/credit?as_of={day}"))["exposure"], credit(&company, &customer)["exposure"]);
    company.assert_laws();
}

#[test]
fn a_reservation_that_nobody_confirms_comes_free() {
    let company = Company::new();
    let customer = company.customer();
    set_limit(&company, &customer, json!({"amount": "1000.00"}));
    let client = company.as_role("integration");
    let check = order(&client, &customer, "1000.00");
    assert_eq!(order(&client, &customer, "1.00")["result"], "hold");
    // Its time is over, as far as the database knows: it no longer counts, before anything looked at it.
    let past = "UPDATE credit_check SET expires_at = now() - interval '1 second' WHERE reserved > 0";
    crate::rig::Db::app().commit_in(&company.id, past).expect("done");
    assert_eq!(credit(&company, &customer)["available"], "1000.00");
    let path = format!("/v1/credit-checks/{}", check["id"].as_str().unwrap());
    assert_includes(&company.get(&path), &json!({"status": "expired", "reserved": "0.00", "freed": "1000.00", "result": "pass"}));
    confirm(&client, &check, json!({"outcome": "delivered"})).refused(409, "invalid_state");
    assert_eq!(order(&client, &customer, "1000.00")["result"], "pass");
    // In the background it is noted for good.
    until_expiries_are_noted(&company);
    let noted = company.sql("SELECT 1 AS one FROM credit_check WHERE company_id = {c} AND status = 'expired' AND reserved = 0");
    assert_eq!(noted.len(), 1);
    company.assert_laws();
}

#[test]
fn a_held_order_is_released_within_the_band_and_escalated_above_it() {
    let company = Company::new();
    let customer = company.customer();
    set_limit(&company, &customer, json!({"amount": "0.00"}));
    let client = company.as_role("integration");
    let (executive, controller) = (company.executive(), company.controller());
    // The house's bands: an executive releases 100,000, a controller 1,000,000.
    let first = hold(&company, &order(&client, &customer, "60000.00"));
    let second = hold(&company, &order(&client, &customer, "60000.00"));
    let third = hold(&company, &order(&client, &customer, "900000.00"));
    act(&company.as_role("collector"), &first, "release", json!({})).refused(403, "permission_denied");
    let released = act(&executive, &first, "release", json!({})).expect(200);
    assert_includes(&released, &json!({"status": "released", "released_amount": "60000.00", "decision_reason": "Looked at it", "allowed_actions": []}));
    let check = company.get(&format!("/v1/credit-checks/{}", released["check_id"].as_str().unwrap()));
    assert_includes(&check, &json!({"status": "pass", "result": "hold", "reserved": "60000.00"}));
    // SOD-05: split inside 24 hours, the two are one of 120,000.
    let problem = act(&executive, &second, "release", json!({})).refused(403, "approval_limit_exceeded");
    assert_includes(&problem, &json!({"rule": "SOD-05", "limit": "100000.00", "amount": "120000.00"}));
    // A part of it, for a day, is within the band.
    let part_of = act(&executive, &second, "release", json!({"amount": "40000.00", "valid_until": today()})).expect(200);
    assert_includes(&part_of, &json!({"released_amount": "40000.00", "released_until": today().to_string()}));
    // 100,000 and 900,000 are the controller's band to the rupee; the next order is not.
    act(&controller, &third, "release", json!({})).expect(200);
    let fourth = hold(&company, &order(&client, &customer, "1.00"));
    act(&controller, &fourth, "release", json!({})).refused(403, "approval_limit_exceeded");
    act(&executive, &fourth, "release", json!({})).refused(403, "approval_limit_exceeded");
    let escalated = act(&executive, &fourth, "escalate", json!({})).expect(200);
    assert_includes(&escalated, &json!({"status": "escalated", "level": 2}));
    decide(&executive, &escalated, "approve").refused(403, "permission_denied");
    decide(&controller, &escalated, "approve").expect(200);
    assert_includes(&company.get(&format!("/v1/order-holds/{}", fourth["id"].as_str().unwrap())), &json!({"status": "released", "released_amount": "1.00"}));
    company.assert_laws();
}

#[test]
fn who_brought_an_order_or_sells_to_the_customer_does_not_let_it_go() {
    let company = Company::new();
    let customer = company.customer();
    set_limit(&company, &customer, json!({"amount": "0.00"}));
    let mine = hold(&company, &order(&company.executive(), &customer, "10.00"));
    let problem = act(&company.executive(), &mine, "release", json!({})).refused(403, "sod_self_approval");
    assert_eq!(problem["rule"], "SOD-01");
    let version = company.get(&format!("/v1/customers/{customer}"))["version"].clone();
    let seller = json!({"salesperson_id": company.user_id("controller")});
    company.executive().change("PATCH", &format!("/v1/customers/{customer}"), &format!("\"v{version}\""), &seller).expect(200);
    for verb in ["release", "reject"] {
        let problem = act(&company.controller(), &mine, verb, json!({})).refused(403, "sod_conflict");
        assert_eq!(problem["rule"], "SOD-04");
    }
    // Nor through an approval.
    let escalated = act(&company.executive(), &mine, "escalate", json!({})).expect(200);
    decide(&company.controller(), &escalated, "approve").refused(403, "sod_conflict");
    decide(&company.another("controller"), &escalated, "reject").expect(200);
    let back = company.get(&format!("/v1/order-holds/{}", mine["id"].as_str().unwrap()));
    assert_includes(&back, &json!({"status": "open", "level": 2}));
    let refused = act(&company.another("ar_executive"), &back, "reject", json!({})).expect(200);
    assert_eq!(refused["status"], "rejected");
    assert_eq!(company.get(&format!("/v1/credit-checks/{}", mine["check_id"].as_str().unwrap()))["status"], "cancelled");
    // Every refusal of these rules is told.
    until("the violations to be told", Duration::from_secs(30), || {
        let told = company.get("/v1/events?type=control.violation_blocked&limit=200");
        (told["data"].as_array().unwrap().len() == 4).then_some(())
    });
    company.assert_laws();
}

#[test]
fn an_order_cannot_get_around_its_check_by_growing_or_by_closing_and_opening() {
    let company = Company::new();
    let customer = company.customer();
    set_limit(&company, &customer, json!({"amount": "0.00"}));
    let client = company.as_role("integration");
    let id = fresh();
    let ask = |amount: &str| client.post("/v1/credit-checks", &json!({"customer_id": customer, "order_id": id, "amount": amount})).expect(201);
    let first = ask("1000.00");
    act(&company.controller(), &hold(&company, &first), "release", json!({})).expect(200);
    // Ten per cent more is what the policy tolerates; a rupee more is judged anew.
    let grown = ask("1100.00");
    assert_includes(&grown, &json!({"result": "pass", "reserved": "1100.00", "replaces_id": first["id"]}));
    assert!(rule(&grown, "limit")["detail"].as_str().unwrap().contains("Released up to 1000.00"));
    assert_eq!(company.get(&format!("/v1/credit-checks/{}", first["id"].as_str().unwrap()))["status"], "replaced");
    assert_eq!(dec(&credit(&company, &customer)["exposure"]["total"]), dec!(1100));
    let more = ask("1100.01");
    assert_includes(&more, &json!({"result": "hold", "reserved": "0.00"}));
    assert_eq!(dec(&credit(&company, &customer)["exposure"]["total"]), dec!(0));
    // Released again, closed and opened again: it is held like any other.
    act(&company.controller(), &hold(&company, &more), "release", json!({})).expect(200);
    confirm(&client, &more, json!({"outcome": "cancelled"})).expect(200);
    assert_eq!(hold(&company, &more)["status"], "expired");
    let again = ask("1000.00");
    assert_eq!(again["result"], "hold");
    // Closed while it waits, it waits no longer; and it stays this customer's order while it stands.
    confirm(&client, &again, json!({"outcome": "cancelled"})).expect(200);
    assert_eq!(hold(&company, &again)["status"], "expired");
    ask("5.00");
    let other = company.customer();
    client.post("/v1/credit-checks", &json!({"customer_id": other, "order_id": id, "amount": "5.00"})).refused(409, "order_of_another_customer");
    company.assert_laws();
}

#[test]
fn a_release_does_not_outlive_facts_that_get_worse() {
    let company = Company::new();
    let customer = company.customer();
    set_limit(&company, &customer, json!({"amount": "0.00"}));
    let client = company.as_role("integration");
    let id = fresh();
    let ask = || client.post("/v1/credit-checks", &json!({"customer_id": customer, "order_id": id, "amount": "1000.00"})).expect(201);
    let first = ask();
    act(&company.controller(), &hold(&company, &first), "release", json!({})).expect(200);
    assert_eq!(ask()["result"], "pass");
    let (day, due) = ((today() - Days::new(9)).to_string(), (today() - Days::new(1)).to_string());
    company.invoice(&customer, &day, &due, "50.00");
    assert_eq!(ask()["result"], "hold", "something is overdue that was not");
    company.assert_laws();
}

#[test]
fn a_held_order_goes_by_itself_once_the_customer_paid() {
    let company = Company::new();
    let customer = company.customer();
    set_limit(&company, &customer, json!({"amount": "1000.00"}));
    let day = today().to_string();
    let invoice = company.invoice(&customer, &day, &day, "800.00");
    let client = company.as_role("integration");
    let held = order(&client, &customer, "500.00");
    let waiting = hold(&company, &held);
    act(&company.executive(), &waiting, "escalate", json!({})).expect(200);
    company.receipt(&customer, &day, "300.00", json!([crate::rig::to_invoice(&invoice, "300.00")]));
    let released = until("the order to go", Duration::from_secs(60), || {
        let now = hold(&company, &held);
        (now["status"] == "released").then_some(now)
    });
    assert_includes(&released, &json!({"decided_by": "system", "released_amount": "500.00"}));
    let request = company.get(&format!("/v1/approvals/{}", released["approval_id"].as_str().unwrap()));
    assert_eq!(request["status"], "stale");
    assert_includes(&credit(&company, &customer), &json!({"available": "0.00", "open_holds": 0}));
    company.assert_laws();
}

#[test]
fn a_decision_keeps_what_was_known_and_gives_the_same_answer_again() {
    let company = Company::new();
    let customer = company.customer();
    let (day, due) = ((today() - Days::new(70)).to_string(), (today() - Days::new(40)).to_string());
    let invoice = company.invoice(&customer, &day, &due, "1000.00");
    company.invoice(&customer, &day, &(today() + Days::new(5)).to_string(), "3000.00");
    let paid_on = (today() - Days::new(30)).to_string();
    let settled = company.invoice(&customer, &day, &due, "700.00");
    company.receipt(&customer, &paid_on, "700.00", json!([crate::rig::to_invoice(&settled, "700.00")]));
    let bounced = with(crate::rig::receipt_body(&customer, &paid_on, "10.00"), json!({"method": "cheque", "cheque_number": "000777", "cheque_date": paid_on}));
    let cheque = company.executive().post("/v1/receipts", &bounced).expect(201);
    company
        .executive()
        .post(&format!("/v1/receipts/{}/bounce", cheque["id"].as_str().unwrap()), &json!({"bounced_on": today(), "reason": "Funds"}))
        .expect(200);
    set_limit(&company, &customer, json!({"amount": "4500.00"}));
    let client = company.as_role("integration");
    let body = json!({"customer_id": customer, "order_id": fresh(), "amount": "600.00", "payment_terms_days": 45});
    let check = client.post("/v1/credit-checks", &body).expect(201);
    assert_eq!(check["result"], "hold");
    for (name, outcome, value) in [
        ("limit", "hold", "4600.00"),
        ("blocked", "pass", ""),
        ("days_overdue", "warn", "40"),
        ("oldest_item", "pass", "70"),
        ("overdue_share", "pass", "25.00"),
        ("terms", "warn", "45"),
        ("review_overdue", "pass", ""),
        ("risk_class", "pass", ""),
    ] {
        let found = rule(&check, name);
        assert_eq!((found["outcome"].as_str(), found["value"].as_str().unwrap_or("")), (Some(outcome), value), "{found}");
    }
    let kept = hold(&company, &check);
    assert_includes(&kept["evidence"]["history"], &json!({"paid": 1, "paid_late": 1, "average_days_late": "10.0", "worst_days_late": 10}));
    assert_includes(&kept["evidence"], &json!({"bounces": 1, "other_holds": 0, "not_recorded": ["promises", "disputes"]}));
    let aged: Vec<(String, Decimal)> =
        kept["evidence"]["aging"].as_array().unwrap().iter().map(|b| (b["bucket"].as_str().unwrap().to_owned(), dec(&b["amount"]))).collect();
    assert_eq!(
        aged.iter().map(|(name, amount)| (name.as_str(), *amount)).collect::<Vec<_>>(),
        [("not_due", dec!(3000)), ("1-30", dec!(0)), ("31-60", dec!(1000)), ("61-90", dec!(0)), ("91-120", dec!(0)), ("over_120", dec!(0))]
    );
    // The world and the policy change; the decision does not.
    company.receipt(&customer, &today().to_string(), "1000.00", json!([crate::rig::to_invoice(&invoice, "1000.00")]));
    set_limit(&company, &customer, json!({"amount": "9000.00"}));
    let strict = json!({"rules": [{"rule": "limit", "outcome": "hold"}, {"rule": "days_overdue", "outcome": "hold", "over": "39"}, {"rule": "order_size", "outcome": "hold", "over": "600"}]});
    company.controller().change("PUT", "/v1/credit-policy", "*", &strict).expect(200);
    let replay = |query: &str| company.get(&format!("/v1/credit-checks/{}/replay{query}", check["id"].as_str().unwrap()));
    let same = replay("");
    assert_includes(&same, &json!({"same": true, "result": "hold", "policy_version": 0, "rules": check["rules"]}));
    let other = replay("?policy_version=1");
    assert_includes(&other, &json!({"same": false, "result": "hold", "policy_version": 1}));
    assert_includes(rule(&other, "days_overdue"), &json!({"outcome": "hold", "value": "40"}));
    assert_eq!(rule(&other, "order_size")["outcome"], "pass", "equal passes");
    assert_eq!(hold(&company, &check)["evidence"], kept["evidence"]);
    company.assert_laws();
}

#[test]
fn orders_split_inside_a_day_are_one_for_the_rule_about_their_size() {
    let company = Company::new();
    let customer = company.customer();
    let policy = json!({"rules": [{"rule": "order_size", "outcome": "hold", "over": "1000"}]});
    company.controller().change("PUT", "/v1/credit-policy", "*", &policy).expect(200);
    let client = company.as_role("integration");
    assert_eq!(order(&client, &customer, "600.00")["result"], "pass");
    assert_eq!(order(&client, &customer, "400.00")["result"], "pass");
    let held = order(&client, &customer, "0.01");
    assert_includes(rule(&held, "order_size"), &json!({"outcome": "hold", "value": "1000.01", "threshold": "1000.00"}));
    company.assert_laws();
}

#[test]
fn an_invoice_is_held_against_the_limit_where_the_policy_says_so() {
    let company = Company::new();
    let customer = company.customer();
    set_limit(&company, &customer, json!({"amount": "1000.00"}));
    let day = today().to_string();
    let issue = |body: Value| company.executive().post("/v1/invoices", &body);
    issue(invoice_body(&customer, &day, "900.00")).expect(201);
    company.controller().change("PUT", "/v1/credit-policy", "*", &json!({"check_invoices": true})).expect(200);
    let before = company.fingerprint();
    let problem = issue(invoice_body(&customer, &day, "100.01")).refused(422, "credit_limit_exceeded");
    assert_includes(&problem, &json!({"exposure": "1000.01", "limit": "1000.00"}));
    assert_eq!(before, company.fingerprint());
    // A draft is not held; issuing it is.
    let draft = issue(with(invoice_body(&customer, &day, "100.01"), json!({"issue": false}))).expect(201);
    company.executive().change("POST", &format!("/v1/invoices/{}/issue", draft["id"].as_str().unwrap()), "*", &json!({})).refused(422, "credit_limit_exceeded");
    // Rows of one request add up: the first fits, the second no longer.
    let rows = json!({"mode": "per_item", "items": [invoice_body(&customer, &day, "60.00"), invoice_body(&customer, &day, "60.00")]});
    let reply = company.executive().post("/v1/invoices/bulk", &rows).expect(207);
    assert_eq!([&reply["items"][0]["status"], &reply["items"][1]["status"]], [&json!(201), &json!(422)]);
    // What an order holds free is not counted twice by the invoice that bills it.
    let check = order(&company.as_role("integration"), &customer, "40.00");
    assert_eq!(check["result"], "pass");
    issue(invoice_body(&customer, &day, "40.00")).refused(422, "credit_limit_exceeded");
    issue(with(invoice_body(&customer, &day, "40.00"), json!({"order_id": check["order_id"]}))).expect(201);
    assert_eq!(credit(&company, &customer)["available"], "0.00");
    company.assert_laws();
}

#[test]
fn customers_on_hold_and_over_their_limit_are_found() {
    let company = Company::new();
    let (fine, over, held) = (company.customer(), company.customer(), company.customer());
    for customer in [&fine, &over, &held] {
        set_limit(&company, customer, json!({"amount": "1000.00"}));
    }
    let day = today().to_string();
    company.invoice(&fine, &day, &day, "1000.00");
    company.invoice(&over, &day, &day, "1000.01");
    order(&company.as_role("integration"), &held, "1000.01");
    let found = |query: &str| -> Vec<String> {
        let mut ids: Vec<String> = company.get(&format!("/v1/customers?{query}"))["data"].as_array().unwrap().iter().map(id_of).collect();
        ids.sort();
        ids
    };
    assert_eq!(found("over_limit=true"), std::slice::from_ref(&over));
    assert_eq!(found("on_hold=true"), std::slice::from_ref(&held));
    let mut others = vec![fine.clone(), held.clone()];
    others.sort();
    assert_eq!(found("over_limit=false"), others);
    assert_eq!(found("on_hold=false&over_limit=false"), [fine]);
    // Every limit is in the list of limits, and the events tell what came to pass.
    assert_eq!(company.get("/v1/credit-limits?status=active&include_total=true")["page"]["total"], 3);
    until("the events", Duration::from_secs(30), || {
        let told = company.get("/v1/events?type=credit_limit.approved,credit_check.held,order_hold.opened&limit=200");
        (told["data"].as_array().unwrap().len() == 5).then_some(())
    });
    company.assert_laws();
}
