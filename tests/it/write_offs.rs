//! Write-offs over HTTP: domain.md 3.14 and case 28 of 3.21, gst.md (no relief for bad debts).

use crate::rig::*;
use rust_decimal::dec as d;
use serde_json::{Value, json};

fn body(customer: &str, on: &str, items: &[(&Value, Option<&str>)]) -> Value {
    let item = |(document, amount): &(&Value, Option<&str>)| {
        let target = json!({"target_type": document["object"], "target_id": document["id"]});
        amount.map_or(target.clone(), |amount| with(target, json!({"amount": amount})))
    };
    json!({"customer_id": customer, "written_off_on": on, "reason": "Customer is insolvent", "reason_code": "insolvency", "items": items.iter().map(item).collect::<Vec<_>>()})
}

/// Asked for by the executive, approved by the controller.
fn posted(company: &Company, body: &Value) -> Value {
    let asked = company.executive().post("/v1/write-offs", body).expect(201);
    decide(&company.controller(), &asked, "approve").expect(200);
    again(company, &asked)
}

fn again(company: &Company, write_off: &Value) -> Value {
    company.get(&format!("/v1/write-offs/{}", id_of(write_off)))
}

fn invoice_again(company: &Company, invoice: &Value) -> Value {
    company.get(&format!("/v1/invoices/{}", id_of(invoice)))
}

#[test]
fn a_debt_is_given_up_with_its_tax_when_another_person_approves() {
    let company = Company::new();
    let customer = company.customer();
    let sale = with(invoice_body(&customer, "2025-04-10", "100000.00"), json!({"lines": [line("100000.00", "18")]}));
    let invoice = company.executive().post("/v1/invoices", &sale).expect(201);
    let asked = company.executive().post("/v1/write-offs", &body(&customer, "2025-06-30", &[(&invoice, None)])).expect(201);
    assert_includes(
        &asked,
        &json!({"object": "write_off", "status": "pending_approval", "number": null, "amount": "118000.00", "base_amount": "118000.00", "recovered": "0.00", "version": 1, "reason_code": "insolvency"}),
    );
    // Nothing moves before.
    assert_eq!(company.account("Bad debts"), d!(0));
    assert_eq!(invoice_again(&company, &invoice)["amounts"]["balance_due"], "118000.00");
    decide(&company.controller(), &asked, "approve").expect(200);
    let done = again(&company, &asked);
    assert_includes(
        &done,
        &json!({"status": "posted", "number": "WO/25-26/00001", "remaining": "118000.00", "recovery_percent": "0.00", "approval_id": null, "version": 2}),
    );
    assert_eq!(done["items"], json!([{"target_type": "invoice", "target_id": invoice["id"], "target_number": invoice["number"], "amount": "118000.00"}]));
    // The tax stays owed to the State.
    let accounts = ["Bad debts", "Accounts receivable", "Output CGST", "Output SGST/UTGST", "Sales"].map(|name| company.account(name));
    assert_eq!(accounts, [d!(118000), d!(0), d!(-9000), d!(-9000), d!(-100000)]);
    let settled = invoice_again(&company, &invoice);
    assert_eq!(
        (&settled["payment_status"], &settled["amounts"]["written_off"], &settled["amounts"]["balance_due"]),
        (&json!("written_off"), &json!("118000.00"), &json!("0.00"))
    );
    let row = &company.get(&format!("/v1/allocations?target_id={}", id_of(&invoice)))["data"][0];
    assert_includes(row, &json!({"kind": "write_off", "rule": "write_off", "source_type": "write_off", "amount": "118000.00", "allocated_on": "2025-06-30"}));
    let open = |day: &str| company.get(&format!("/v1/customers/{customer}/open-items?as_of={day}"))["totals"]["debit"].clone();
    assert_eq!((open("2025-06-29"), open("2025-06-30")), (json!("118000.00"), json!("0.00")));
    company.assert_laws();
}

#[test]
fn money_after_a_write_off_is_income_and_goes_back_with_its_allocation() {
    // Case 28: a write-off with approval, then a receipt.
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-04-10", "2025-05-10", "1000.00");
    let done = posted(&company, &body(&customer, "2025-06-30", &[(&invoice, Some("600.00"))]));
    assert_eq!(invoice_again(&company, &invoice)["payment_status"], "partially_paid");
    let receipt = company.receipt(&customer, "2025-08-01", "250.00", Value::Null);
    let executive = company.executive();
    let path = format!("/v1/write-offs/{}/recover", id_of(&done));
    let recover = |amount: &str, on: &str| executive.post(&path, &json!({"receipt_id": receipt["id"], "amount": amount, "recovered_on": on}));
    assert_eq!(recover("600.01", "2025-08-02").refused(422, "over_recovery")["remaining"], "600.00");
    assert_eq!(recover("250.01", "2025-08-02").refused(422, "over_allocation")["open_amount"], "250.00");
    assert!(blames(&recover("10.00", "2025-06-29").refused(422, "validation_failed"), "#/recovered_on", "before_write_off"));
    company.controller().post(&path, &json!({"receipt_id": receipt["id"], "amount": "1.00"})).refused(403, "permission_denied");
    let recovered = recover("250.00", "2025-08-02").expect(200);
    assert_includes(&recovered, &json!({"recovered": "250.00", "remaining": "350.00", "recovery_percent": "41.67", "status": "posted"}));
    assert_ne!(recovered["version"], done["version"]);
    assert_eq!(["Bad debts", "Bad debts recovered", "Accounts receivable", "Bank"].map(|name| company.account(name)), [d!(600), d!(-250), d!(400), d!(250)]);
    // The invoice is not settled a second time.
    assert_eq!(invoice_again(&company, &invoice)["amounts"]["balance_due"], "400.00");
    assert_eq!(company.get(&format!("/v1/receipts/{}", id_of(&receipt)))["totals"]["unapplied"], "0.00");
    // The recovery goes with its allocation.
    let allocation = company.get(&format!("/v1/allocations?source_id={}", id_of(&receipt)))["data"][0].clone();
    assert_eq!((&allocation["kind"], &allocation["target_type"]), (&json!("recovery"), &json!("recovery")));
    company
        .controller()
        .post(&format!("/v1/allocations/{}/reverse", id_of(&allocation)), &json!({"reversed_on": "2025-08-10", "reason": "Was for another invoice"}))
        .expect(201);
    assert_includes(&again(&company, &done), &json!({"recovered": "0.00", "remaining": "600.00", "recovery_percent": "0.00"}));
    assert_eq!(["Bad debts recovered", "Accounts receivable"].map(|name| company.account(name)), [d!(0), d!(150)]);
    assert_eq!(company.get(&format!("/v1/receipts/{}", id_of(&receipt)))["totals"]["unapplied"], "250.00");
    // The money pays the rest of the invoice instead.
    let targets = json!({"source_type": "receipt", "source_id": receipt["id"], "targets": [to_invoice(&invoice, "250.00")]});
    executive.post("/v1/allocations", &targets).expect(201);
    assert_eq!(invoice_again(&company, &invoice)["amounts"]["balance_due"], "150.00");
    company.assert_laws();
}

#[test]
fn write_offs_are_taken_back_item_by_item_or_whole_and_the_past_stays() {
    let company = Company::new();
    let customer = company.customer();
    let invoices: Vec<Value> = ["300.00", "500.00", "700.00"].iter().map(|amount| company.invoice(&customer, "2025-04-10", "2025-05-10", amount)).collect();
    let items: Vec<(&Value, Option<&str>)> = invoices.iter().map(|invoice| (invoice, None)).collect();
    let done = posted(&company, &body(&customer, "2025-06-30", &items));
    assert_eq!(done["amount"], "1500.00");
    let receipt = company.receipt(&customer, "2025-07-05", "200.00", Value::Null);
    company
        .executive()
        .post(&format!("/v1/write-offs/{}/recover", id_of(&done)), &json!({"receipt_id": receipt["id"], "amount": "200.00", "recovered_on": "2025-07-05"}))
        .expect(200);
    let days = ["2025-05-31", "2025-06-30", "2025-07-31", "2025-09-30"];
    let mut known = vec![company.known_now()];
    let mut seen = vec![company.past(&customer, &days, &known[0])];
    // The one in the middle, by its allocation.
    let middle = company.get(&format!("/v1/allocations?target_id={}", id_of(&invoices[1])))["data"][0].clone();
    company
        .controller()
        .post(&format!("/v1/allocations/{}/reverse", id_of(&middle)), &json!({"reversed_on": "2025-07-20", "reason": "Is being paid"}))
        .expect(201);
    let part = again(&company, &done);
    assert_includes(
        &part,
        &json!({"status": "posted", "reversed_amount": "500.00", "recovered": "200.00", "remaining": "800.00", "recovery_percent": "20.00"}),
    );
    assert_eq!(
        invoices.iter().map(|i| invoice_again(&company, i)["amounts"]["balance_due"].clone()).collect::<Vec<_>>(),
        [json!("0.00"), json!("500.00"), json!("0.00")]
    );
    assert_eq!(["Bad debts", "Bad debts recovered", "Accounts receivable"].map(|name| company.account(name)), [d!(1000), d!(-200), d!(500)]);
    known.push(company.known_now());
    seen.push(company.past(&customer, &days, &known[1]));
    // Then the rest, with what was recovered.
    let path = format!("/v1/write-offs/{}/reverse", id_of(&done));
    let back = json!({"reversed_on": "2025-08-01", "reason": "The administrator acknowledged the debt"});
    let controller = company.controller();
    controller.post(&path, &back).refused(428, "if_match_required");
    controller.change("POST", &path, "\"v1\"", &back).refused(412, "version_mismatch");
    let early = with(back.clone(), json!({"reversed_on": "2025-06-29"}));
    assert!(blames(&controller.change("POST", &path, "*", &early).refused(422, "validation_failed"), "#/reversed_on", "before_write_off"));
    let version = format!("\"v{}\"", part["version"]);
    assert_includes(
        &controller.change("POST", &path, &version, &back).expect(200),
        &json!({"status": "reversed", "reversed_amount": "1500.00", "recovered": "0.00", "remaining": "0.00"}),
    );
    controller.change("POST", &path, "*", &back).refused(409, "invalid_state");
    assert_eq!(["Bad debts", "Bad debts recovered", "Accounts receivable"].map(|name| company.account(name)), [d!(0), d!(0), d!(1300)]);
    assert_eq!(company.get(&format!("/v1/receipts/{}", id_of(&receipt)))["totals"]["unapplied"], "200.00");
    // Overdue since their own due date.
    let aging = company.get("/v1/reports/aging?as_of=2025-08-01");
    assert_eq!((&aging["data"][0]["buckets"]["61-90"], &aging["data"][0]["unapplied"]), (&json!("1500.00"), &json!("200.00")), "{aging}");
    for (known, seen) in known.iter().zip(&seen) {
        assert_eq!(&company.past(&customer, &days, known), seen, "known at {known}");
    }
    // And again, as if nothing had been.
    assert_eq!(posted(&company, &body(&customer, "2025-09-01", &[(&invoices[0], None)]))["number"], "WO/25-26/00002");
    company.assert_laws();
}

#[test]
fn nothing_is_reserved_and_what_is_open_is_judged_when_it_is_approved() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-04-10", "2025-05-10", "1000.00");
    let asked = company.executive().post("/v1/write-offs", &body(&customer, "2025-06-30", &[(&invoice, None)])).expect(201);
    company.receipt(&customer, "2025-06-20", "700.00", json!([to_invoice(&invoice, "700.00")]));
    assert_eq!(decide(&company.controller(), &asked, "approve").refused(422, "over_allocation")["open_amount"], "300.00");
    assert_eq!(again(&company, &asked)["status"], "pending_approval");
    assert_eq!(decide(&company.controller(), &asked, "reject").expect(200)["status"], "rejected");
    assert_includes(&again(&company, &asked), &json!({"status": "rejected", "number": null, "allowed_actions": [], "reversed_amount": "0.00"}));
    let path = format!("/v1/write-offs/{}/reverse", id_of(&asked));
    company.controller().change("POST", &path, "*", &json!({"reason": "None"})).refused(409, "invalid_state");
    // A new one of what is left passes.
    assert_eq!(posted(&company, &body(&customer, "2025-06-30", &[(&invoice, None)]))["amount"], "300.00");
    company.assert_laws();
}

#[test]
fn nobody_approves_their_own_and_parts_add_up_to_the_band_of_the_whole() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-04-10", "2025-05-10", "1500000.00");
    let (controller, second, third) = (company.controller(), company.another("controller"), company.another("controller"));
    let ask = |amount: &str| controller.post("/v1/write-offs", &body(&customer, "2025-06-30", &[(&invoice, Some(amount))])).expect(201);
    let (first, rest) = (ask("600000.00"), ask("600000.00"));
    let steps = |document: &Value| company.get(&format!("/v1/approvals/{}", document["approval_id"].as_str().unwrap()));
    assert_includes(&steps(&first), &json!({"kind": "write_offs", "action": "write_off.post", "steps_required": 1, "rolling_amount": "600000.00"}));
    assert_includes(&steps(&rest), &json!({"steps_required": 2, "rolling_amount": "1200000.00"}));
    decide(&controller, &first, "approve").refused(403, "sod_self_approval");
    decide(&company.executive(), &first, "approve").refused(403, "permission_denied");
    decide(&second, &first, "approve").expect(200);
    assert_eq!(decide(&second, &rest, "approve").expect(200)["status"], "pending");
    decide(&second, &rest, "approve").refused(403, "sod_self_approval");
    assert_eq!(again(&company, &rest)["status"], "pending_approval");
    decide(&third, &rest, "approve").expect(200);
    assert_eq!(again(&company, &rest)["status"], "posted");
    assert_eq!(company.account("Bad debts"), d!(1200000));
    // Above 500,000 taking back needs another person too.
    let path = format!("/v1/write-offs/{}/reverse", id_of(&rest));
    let waiting = controller.change("POST", &path, "*", &json!({"reversed_on": "2025-07-01", "reason": "Paid after all"})).expect(202);
    assert_eq!(waiting["status"], "posted");
    decide(&controller, &waiting, "approve").refused(403, "sod_self_approval");
    decide(&second, &waiting, "approve").expect(200);
    assert_eq!(again(&company, &rest)["status"], "reversed");
    assert_eq!(company.account("Bad debts"), d!(600000));
    // Each person sees the register by role.
    assert_eq!(company.as_role("auditor").get("/v1/write-offs?status=reversed").expect(200)["data"][0]["id"], rest["id"]);
    assert_eq!(company.as_role("collector").get("/v1/write-offs?status=posted").expect(200)["data"].as_array().unwrap().len(), 1);
    company.as_role("sales").get("/v1/write-offs").refused(403, "permission_denied");
    company.assert_laws();
}

#[test]
fn a_reversal_is_not_approved_when_the_write_off_changed_meanwhile() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-04-10", "2025-05-10", "900.00");
    let done = posted(&company, &body(&customer, "2025-06-30", &[(&invoice, None)]));
    // The executive may only ask.
    let path = format!("/v1/write-offs/{}/reverse", id_of(&done));
    let waiting = company.executive().change("POST", &path, "*", &json!({"reversed_on": "2025-07-01", "reason": "Paid after all"})).expect(202);
    assert_eq!((&waiting["status"], waiting["approval_id"].is_string()), (&json!("posted"), true));
    let receipt = company.receipt(&customer, "2025-07-01", "100.00", Value::Null);
    company
        .executive()
        .post(&format!("/v1/write-offs/{}/recover", id_of(&done)), &json!({"receipt_id": receipt["id"], "amount": "100.00", "recovered_on": "2025-07-01"}))
        .expect(200);
    decide(&company.controller(), &waiting, "approve").refused(409, "approval_stale");
    assert_eq!(company.account("Bad debts"), d!(900));
    company.assert_laws();
}

#[test]
fn what_cannot_be_written_off_is_named_and_leaves_nothing_behind() {
    let company = Company::new();
    let (customer, other) = (company.customer(), company.customer());
    let invoice = company.invoice(&customer, "2025-04-10", "2025-05-10", "1000.00");
    let paid = company.invoice(&customer, "2025-04-10", "2025-05-10", "10.00");
    company.receipt(&customer, "2025-04-20", "10.00", json!([to_invoice(&paid, "10.00")]));
    let (executive, before) = (company.executive(), company.fingerprint());
    let post = |body: &Value| executive.post("/v1/write-offs", body);
    let good = body(&customer, "2025-06-30", &[(&invoice, Some("5.00"))]);
    let problem = post(&body(&customer, "2025-06-30", &[(&invoice, Some("5.00")), (&invoice, Some("5.00"))])).refused(422, "duplicate_target");
    assert!(blames(&problem, "#/items/1/target_id", "duplicate_target"));
    let problem = post(&body(&customer, "2025-06-30", &[(&invoice, Some("1000.01"))])).refused(422, "over_allocation");
    assert_eq!((&problem["open_amount"], blames(&problem, "#/items/0/amount", "over_allocation")), (&json!("1000.00"), true));
    assert_eq!(post(&body(&customer, "2025-06-30", &[(&invoice, None), (&paid, None)])).refused(422, "over_allocation")["open_amount"], "0.00");
    post(&body(&other, "2025-06-30", &[(&invoice, None)])).refused(422, "customer_mismatch");
    post(&with(good.clone(), json!({"items": [{"target_type": "debit_note", "target_id": invoice["id"]}]}))).refused(404, "not_found");
    post(&with(good.clone(), json!({"customer_id": null}))).refused(422, "validation_failed");
    post(&with(good.clone(), json!({"customer_code": "X"}))).refused(400, "ambiguous_reference");
    post(&with(good.clone(), json!({"written_off_on": "2099-01-01"}))).refused(422, "date_in_future");
    assert!(blames(
        &post(&with(good.clone(), json!({"items": [{"target_type": "invoice", "target_id": invoice["id"], "amount": "-5.00"}]}))).refusal(),
        "#/items/0/amount",
        "too_small"
    ));
    post(&with(good.clone(), json!({"items": [{"target_type": "invoice", "target_id": invoice["id"], "amount": "5.001"}]}))).refused(422, "amount_precision");
    post(&with(good.clone(), json!({"items": []}))).refusal();
    post(&with(good.clone(), json!({"reason": null}))).refusal();
    assert_eq!(executive.post("/v1/write-offs?validate_only=true", &good).expect(200)["status"], "pending_approval");
    assert_eq!(company.fingerprint(), before);
    // The database keeps what is asked for as it was, whatever the service says.
    let asked = post(&good).expect(201);
    let forged = format!("UPDATE write_off SET status = 'posted', number = 'X', version = 2 WHERE id = '{}'", id_of(&asked));
    assert!(Db::app().commit_in(&company.id, &forged).unwrap_err().contains("does not stand in the books"));
    let raised = format!("UPDATE write_off SET amount = 9 WHERE id = '{}'", id_of(&asked));
    assert!(Db::app().commit_in(&company.id, &raised).is_err());
    company.assert_laws();
}

#[test]
fn twenty_at_once_neither_post_twice_nor_recover_too_much() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-04-10", "2025-05-10", "500.00");
    let asked = company.executive().post("/v1/write-offs", &body(&customer, "2025-06-30", &[(&invoice, None)])).expect(201);
    let deciders = [company.controller(), company.another("controller")];
    let replies = in_parallel(20, 20, |n| decide(&deciders[n % 2], &asked, "approve"));
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1, "{:?}", replies.iter().map(|r| r.status).collect::<Vec<_>>());
    assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 409)));
    assert_eq!(company.account("Bad debts"), d!(500));
    let receipt = company.receipt(&customer, "2025-07-01", "5000.00", Value::Null);
    let (executive, path) = (company.executive(), format!("/v1/write-offs/{}/recover", id_of(&asked)));
    let one = json!({"receipt_id": receipt["id"], "amount": "100.00", "recovered_on": "2025-07-02"});
    let replies = in_parallel(20, 20, |_| executive.post(&path, &one));
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 5);
    assert!(replies.iter().all(|reply| reply.status == 200 || reply.status == 422 && reply.json()["code"] == "over_recovery"));
    assert_eq!(company.account("Bad debts recovered"), d!(-500));
    company.assert_laws();
}

#[test]
fn an_invoice_written_off_is_cancelled_once_its_item_is_taken_back() {
    let company = Company::new();
    let customer = company.customer();
    let invoices = ["300.00", "500.00"].map(|amount| company.invoice(&customer, "2025-04-10", "2025-05-10", amount));
    let done = posted(&company, &body(&customer, "2025-06-30", &[(&invoices[0], None), (&invoices[1], None)]));
    let path = format!("/v1/invoices/{}/cancel", id_of(&invoices[0]));
    let cancel = || company.controller().change("POST", &path, "*", &json!({"cancelled_on": "2025-07-10", "reason": "Never delivered"}));
    cancel().refused(409, "invalid_state");
    let allocation = company.get(&format!("/v1/allocations?target_id={}", id_of(&invoices[0])))["data"][0].clone();
    company
        .controller()
        .post(&format!("/v1/allocations/{}/reverse", id_of(&allocation)), &json!({"reversed_on": "2025-07-09", "reason": "Never delivered"}))
        .expect(201);
    cancel().expect(200);
    assert_includes(&again(&company, &done), &json!({"status": "posted", "reversed_amount": "300.00", "remaining": "500.00"}));
    assert_eq!(["Bad debts", "Accounts receivable", "Sales"].map(|name| company.account(name)), [d!(500), d!(0), d!(-500)]);
    assert_eq!(invoice_again(&company, &invoices[1])["payment_status"], "written_off");
    company.assert_laws();
}

#[test]
fn a_debt_in_dollars_is_given_up_at_its_own_rate() {
    let company = Company::new();
    let customer = company.customer();
    let sale = with(invoice_body(&customer, "2025-04-10", "1000.00"), json!({"currency": "USD", "exchange_rate": "83.00"}));
    let invoice = company.executive().post("/v1/invoices", &sale).expect(201);
    let done = posted(&company, &body(&customer, "2025-06-30", &[(&invoice, Some("333.33"))]));
    // 333.33 at 83.00 is 27,666.39 rupees.
    assert_includes(&done, &json!({"currency": "USD", "amount": "333.33", "base_amount": "27666.39"}));
    assert_eq!(
        ["Bad debts", "Accounts receivable", "Exchange gain", "Exchange loss"].map(|name| company.account(name)),
        [d!(27666.39), d!(55333.61), d!(0), d!(0)]
    );
    let rest = posted(&company, &body(&customer, "2025-07-01", &[(&invoice, None)]));
    assert_includes(&rest, &json!({"amount": "666.67", "base_amount": "55333.61"}));
    assert_eq!(company.account("Accounts receivable"), d!(0));
    company.assert_laws();
}
