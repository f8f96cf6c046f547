//! Adjustments and small balances over HTTP: domain.md 3.2 and 3.5.

use crate::rig::*;
use rust_decimal::dec as d;
use serde_json::{Value, json};

fn body(target: &Value, amount: &str, on: &str) -> Value {
    json!({"target_type": target["object"], "target_id": target["id"], "amount": amount, "adjusted_on": on, "reason": "Rounding agreed with the customer", "reason_code": "rounding"})
}

fn run(as_of: &str, max_amount: &str, max_total: &str, side: &str) -> Value {
    json!({"as_of": as_of, "max_amount": max_amount, "max_total": max_total, "side": side, "reason": "Monthly clearing of small balances"})
}

fn owed(company: &Company, invoice: &Value) -> Value {
    company.get(&format!("/v1/invoices/{}", id_of(invoice)))["amounts"]["balance_due"].clone()
}

#[test]
fn a_small_adjustment_is_made_at_once_and_taken_back() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-04-10", "2025-05-10", "1000.00");
    let controller = company.controller();
    let less = controller.post("/v1/adjustments", &body(&invoice, "-12.50", "2025-05-01")).expect(201);
    assert_includes(
        &less,
        &json!({"status": "posted", "number": "ADJ/25-26/00001", "amount": "-12.50", "cause": "adjustment", "allowed_actions": ["reverse"]}),
    );
    assert_eq!((owed(&company, &invoice), company.account("Receivable adjustments")), (json!("987.50"), d!(12.50)));
    // A positive one stands beside it, due on the same day.
    let more = controller.post("/v1/adjustments", &body(&invoice, "7.25", "2025-05-02")).expect(201);
    assert_eq!((owed(&company, &invoice), company.account("Receivable adjustments")), (json!("987.50"), d!(5.25)));
    let open = company.get(&format!("/v1/customers/{customer}/open-items?as_of=2025-05-31"));
    assert_eq!(open["totals"]["debit"], "994.75", "{open}");
    let aging = company.get("/v1/reports/aging?as_of=2025-05-11");
    assert_eq!(aging["data"][0]["buckets"]["1-30"], "994.75", "{aging}");
    // It is paid by name.
    let paid = json!([{"target_type": "adjustment", "target_id": more["id"], "amount": "7.25", "kind": "cash"}]);
    let receipt = company.receipt(&customer, "2025-05-20", "7.25", paid);
    let allocation = receipt["allocations"][0]["id"].as_str().unwrap().to_owned();
    controller.post(&format!("/v1/allocations/{allocation}/reverse"), &json!({"reversed_on": "2025-05-21", "reason": "Was for another one"})).expect(201);
    company
        .controller()
        .change("POST", &format!("/v1/receipts/{}/reverse", id_of(&receipt)), "*", &json!({"reversed_on": "2025-05-21", "reason": "Was for another one"}))
        .expect(200);
    // On money of the customer: less of it.
    let receipt = company.receipt(&customer, "2025-05-05", "100.00", Value::Null);
    controller.post("/v1/adjustments", &body(&receipt, "40.00", "2025-05-06")).expect(201);
    assert_eq!(company.get(&format!("/v1/receipts/{}", id_of(&receipt)))["totals"]["unapplied"], "60.00");
    let targets = json!({"source_type": "receipt", "source_id": receipt["id"], "targets": [to_invoice(&invoice, "60.00")]});
    company.executive().post("/v1/allocations", &targets).expect(201);
    let (known, days) = (company.known_now(), ["2025-05-01", "2025-05-06", "2025-06-30"]);
    let seen = company.past(&customer, &days, &known);
    // Back in another order than they came.
    for adjustment in [&less, &more] {
        let path = format!("/v1/adjustments/{}/reverse", id_of(adjustment));
        controller.post(&path, &json!({"reason": "Wrong invoice"})).refused(428, "if_match_required");
        let back = controller.change("POST", &path, "\"v2\"", &json!({"reversed_on": "2025-06-01", "reason": "Wrong invoice"})).expect(200);
        assert_eq!(back["status"], "reversed");
        controller.change("POST", &path, "*", &json!({"reason": "Wrong invoice"})).refused(409, "invalid_state");
    }
    assert_eq!((owed(&company, &invoice), company.account("Receivable adjustments")), (json!("940.00"), d!(-40)));
    assert_eq!(company.past(&customer, &days, &known), seen);
    company.assert_laws();
}

#[test]
fn above_the_band_another_person_agrees_and_parts_add_up() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-04-10", "2025-05-10", "10000.00");
    let (controller, second) = (company.controller(), company.another("controller"));
    let first = controller.post("/v1/adjustments", &body(&invoice, "-600.00", "2025-05-01")).expect(201);
    assert_eq!(first["status"], "posted");
    // The second half of a split does not slip through.
    let rest = controller.post("/v1/adjustments", &body(&invoice, "-600.00", "2025-05-01")).expect(201);
    assert_includes(&rest, &json!({"status": "pending_approval", "number": null}));
    assert_eq!(owed(&company, &invoice), "9400.00");
    decide(&controller, &rest, "approve").refused(403, "sod_self_approval");
    decide(&second, &rest, "approve").expect(200);
    assert_eq!(owed(&company, &invoice), "8800.00");
    // An executive only asks, whatever the amount.
    let asked = company.executive().post("/v1/adjustments", &body(&invoice, "-1.00", "2025-05-01")).expect(201);
    assert_eq!(asked["status"], "pending_approval");
    decide(&company.executive(), &asked, "withdraw").expect(200);
    assert_eq!(company.get(&format!("/v1/adjustments/{}", id_of(&asked)))["status"], "rejected");
    // What is settled meanwhile is not settled twice.
    let asked = company.executive().post("/v1/adjustments", &body(&invoice, "-8800.00", "2025-05-01")).expect(201);
    company.receipt(&customer, "2025-05-02", "800.00", json!([to_invoice(&invoice, "800.00")]));
    assert_eq!(decide(&second, &asked, "approve").refused(422, "over_allocation")["open_amount"], "8000.00");
    assert_eq!(company.get("/v1/adjustments?status=posted&include_total=true")["page"]["total"], 2);
    company.assert_laws();
}

#[test]
fn refusals_name_the_field_and_leave_nothing_behind() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-04-10", "2025-05-10", "100.00");
    let (controller, before) = (company.controller(), company.fingerprint());
    let post = |extra: Value| controller.post("/v1/adjustments", &with(body(&invoice, "-5.00", "2025-05-01"), extra));
    assert_eq!(post(json!({"amount": "-100.01"})).refused(422, "over_allocation")["open_amount"], "100.00");
    assert!(blames(&post(json!({"amount": "0.00"})).refusal(), "#/amount", "out_of_range"));
    post(json!({"amount": "-0.001"})).refused(422, "amount_precision");
    post(json!({"target_type": "receipt"})).refused(404, "not_found");
    post(json!({"instalment_no": 2})).refused(404, "not_found");
    post(json!({"adjusted_on": "2099-01-01"})).refused(422, "date_in_future");
    post(json!({"reason": "x"})).refusal();
    let clear = |extra: Value| controller.post("/v1/adjustments/clear-small-balances", &with(run("2025-05-31", "100.00", "500.00", "both"), extra));
    assert!(blames(&clear(json!({"max_total": "99.99"})).refused(422, "cap_exceeded"), "#/max_total", "cap_exceeded"));
    clear(json!({"max_amount": "0.00"})).refusal();
    clear(json!({"customer_id": id_of(&invoice)})).refused(404, "not_found");
    clear(json!({"side": "up"})).refusal();
    assert_eq!(company.fingerprint(), before);
    company.assert_laws();
}

#[test]
fn small_balances_are_shown_first_and_cleared_within_caps_all_or_none() {
    let company = Company::new();
    let (one, two) = (company.customer(), company.customer());
    let small = company.invoice(&one, "2025-04-10", "2025-05-10", "3.40");
    let rest = company.invoice(&one, "2025-04-12", "2025-05-12", "100.00");
    company.receipt(&one, "2025-04-20", "99.10", json!([to_invoice(&rest, "99.10")]));
    company.receipt(&two, "2025-04-21", "2.00", Value::Null);
    let large = company.invoice(&two, "2025-04-10", "2025-05-10", "10.01");
    let late = company.invoice(&two, "2025-06-01", "2025-07-01", "1.00");
    let controller = company.controller();
    let path = "/v1/adjustments/clear-small-balances";
    let before = company.fingerprint();
    // 3.40 and 0.90 owed, 2.00 owed to: 6.30 together.
    let shown = controller.post(&format!("{path}?validate_only=true"), &run("2025-05-31", "10.00", "6.30", "both")).expect(200);
    assert_includes(&shown, &json!({"count": 3, "debit": "4.30", "credit": "2.00", "total": "6.30", "status": "posted"}));
    assert_eq!(company.fingerprint(), before);
    let problem = controller.post(path, &run("2025-05-31", "10.00", "6.29", "both")).refused(422, "cap_exceeded");
    assert_eq!((&problem["total"], &problem["count"]), (&json!("6.30"), &json!(3)));
    assert_eq!(company.fingerprint(), before);
    let done = controller.post(path, &run("2025-05-31", "10.00", "6.30", "both")).expect(201);
    assert_includes(&done, &json!({"count": 3, "total": "6.30", "status": "posted"}));
    let adjustments = done["adjustments"].as_array().unwrap();
    assert_eq!(adjustments.len(), 2, "one a customer: {done}");
    let amounts: Vec<_> = adjustments.iter().map(|a| (a["customer_id"].clone(), a["amount"].clone(), a["status"].clone())).collect();
    assert!(amounts.contains(&(json!(one), json!("-4.30"), json!("posted"))) && amounts.contains(&(json!(two), json!("2.00"), json!("posted"))), "{amounts:?}");
    assert_eq!([&small, &rest, &large, &late].map(|invoice| owed(&company, invoice)), ["0.00", "0.00", "10.01", "1.00"].map(|amount| json!(amount)));
    assert_eq!(company.account("Receivable adjustments"), d!(2.30));
    let listed = company.get(&format!("/v1/adjustments?batch_id={}", done["id"].as_str().unwrap()));
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    // Nothing is left to clear.
    assert_includes(&controller.post(path, &run("2025-05-31", "10.00", "6.30", "both")).expect(201), &json!({"count": 0, "total": "0.00", "adjustments": []}));
    // An item of a run is taken back alone by its allocation.
    let allocation = company.get(&format!("/v1/allocations?target_id={}", id_of(&small)))["data"][0].clone();
    controller.post(&format!("/v1/allocations/{}/reverse", id_of(&allocation)), &json!({"reversed_on": "2025-06-02", "reason": "Is being paid"})).expect(201);
    assert_eq!([&small, &rest].map(|invoice| owed(&company, invoice)), ["3.40", "0.00"].map(|amount| json!(amount)));
    assert_eq!(company.account("Receivable adjustments"), d!(-1.10));
    company.assert_laws();
}

#[test]
fn a_run_is_approved_exactly_as_it_was_shown() {
    let company = Company::new();
    let customer = company.customer();
    let invoices = ["3.00", "4.00"].map(|amount| company.invoice(&customer, "2025-04-10", "2025-05-10", amount));
    let (executive, controller) = (company.executive(), company.controller());
    let path = "/v1/adjustments/clear-small-balances";
    let asked = executive.post(path, &with(run("2025-05-31", "5.00", "10.00", "debit"), json!({"customer_id": customer}))).expect(201);
    assert_includes(&asked, &json!({"status": "pending_approval", "total": "7.00", "count": 2}));
    company.receipt(&customer, "2025-05-02", "1.00", json!([to_invoice(&invoices[0], "1.00")]));
    decide(&controller, &asked, "approve").refused(409, "approval_stale");
    decide(&executive, &asked, "withdraw").expect(200);
    let asked = executive.post(path, &run("2025-05-31", "5.00", "10.00", "debit")).expect(201);
    assert_includes(&asked, &json!({"status": "pending_approval", "total": "6.00"}));
    decide(&executive, &asked, "approve").refused(403, "permission_denied");
    decide(&controller, &asked, "approve").expect(200);
    assert_eq!(invoices.each_ref().map(|invoice| owed(&company, invoice)), [json!("0.00"), json!("0.00")]);
    company.assert_laws();
}

#[test]
fn twenty_runs_at_once_clear_each_item_once() {
    let company = Company::new();
    let customers = [company.customer(), company.customer(), company.customer()];
    for customer in &customers {
        for amount in ["1.00", "2.00", "3.00"] {
            company.invoice(customer, "2025-04-10", "2025-05-10", amount);
        }
    }
    let (controller, body) = (company.controller(), run("2025-05-31", "5.00", "100.00", "both"));
    let path = "/v1/adjustments/clear-small-balances";
    let replies = in_parallel(20, 20, |_| controller.post(path, &body));
    assert!(replies.iter().all(|reply| reply.status == 201), "{:?}", replies.iter().map(|r| (r.status, r.text())).collect::<Vec<_>>());
    let cleared: i64 = replies.iter().map(|reply| reply.json()["count"].as_i64().unwrap()).sum();
    assert_eq!((cleared, company.account("Receivable adjustments"), company.account("Accounts receivable")), (9, d!(18), d!(0)));
    company.assert_laws();
}
