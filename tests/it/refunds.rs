//! Refunds over HTTP: case 15 of domain.md 3.21, SOD-02 and SOD-03.

use crate::rig::*;
use rust_decimal::dec as d;
use serde_json::{Value, json};

fn body(source: &Value, amount: &str) -> Value {
    json!({"source_type": source["object"], "source_id": source["id"], "amount": amount, "reason": "Paid twice",
           "beneficiary": {"name": "Acme Retail Pvt Ltd", "account_number": "50200012345678", "ifsc": "HDFC0000123"}})
}

fn again(company: &Company, refund: &Value) -> Value {
    company.get(&format!("/v1/refunds/{}", id_of(refund)))
}

pub fn act(client: &Client, refund: &Value, verb: &str, body: &Value) -> Reply {
    client.change("POST", &format!("/v1/refunds/{}/{verb}", id_of(refund)), "*", body)
}

pub fn payment(on: &str) -> Value {
    json!({"utr": fresh(), "paid_on": on})
}

/// Asked for by the executive and approved by the controller.
pub fn approved(company: &Company, source: &Value, amount: &str) -> Value {
    let asked = company.executive().post("/v1/refunds", &body(source, amount)).expect(201);
    decide(&company.controller(), &asked, "approve").expect(200);
    again(company, &asked)
}

#[test]
fn a_credit_note_on_a_paid_invoice_is_paid_back_by_a_third_person() {
    // Case 15: the invoice stays settled; the refund is at most the credit.
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-04-10", "2025-05-10", "1000.00");
    company.receipt(&customer, "2025-04-20", "1000.00", json!([to_invoice(&invoice, "1000.00")]));
    let note = company.controller().post("/v1/credit-notes", &note_body(&invoice, "2025-05-01", "400.00")).expect(201);
    assert_eq!(note["amounts"], json!({"applied": "0.00", "refunded": "0.00", "left_open": "400.00"}), "{note}");
    let executive = company.executive();
    let problem = executive.post("/v1/refunds", &body(&note, "400.01")).refused(422, "refund_exceeds_credit");
    assert_eq!((&problem["open_amount"], &problem["promised"]), (&json!("400.00"), &json!("0.00")));
    let asked = executive.post("/v1/refunds", &body(&note, "400.00")).expect(201);
    assert_includes(
        &asked,
        &json!({"status": "pending_approval", "number": null, "source_type": "credit_note", "customer_id": customer, "days_waiting": 0, "allowed_actions": ["cancel"]}),
    );
    // Not before it is approved; not by who approved; not by who asked.
    let (approver, payer) = (company.another("controller"), company.another("controller"));
    act(&payer, &asked, "mark-paid", &payment("2025-05-10")).refused(409, "invalid_state");
    decide(&approver, &asked, "approve").expect(200);
    assert_eq!(again(&company, &asked)["status"], "approved");
    assert_eq!(company.account("Bank"), d!(1000));
    let problem = act(&approver, &asked, "mark-paid", &payment("2025-05-10")).refused(403, "sod_conflict");
    assert_eq!(problem["rule"], "SOD-03");
    act(&executive, &asked, "mark-paid", &payment("2025-05-10")).refused(403, "permission_denied");
    let path = format!("/v1/refunds/{}/mark-paid", id_of(&asked));
    payer.post(&path, &payment("2025-05-10")).refused(428, "if_match_required");
    payer.change("POST", &path, "\"v1\"", &payment("2025-05-10")).refused(412, "version_mismatch");
    let paid = payer.change("POST", &path, "\"v2\"", &payment("2025-05-10")).expect(200);
    assert_includes(&paid, &json!({"status": "paid", "number": "RF/25-26/00001", "paid_on": "2025-05-10", "days_waiting": null, "amount": "400.00"}));
    assert_eq!(paid["beneficiary"]["account_number"], "50200012345678");
    assert_eq!(["Bank", "Accounts receivable"].map(|name| company.account(name)), [d!(600), d!(0)]);
    assert_eq!(company.get(&format!("/v1/invoices/{}", id_of(&invoice)))["payment_status"], "paid");
    let note = company.get(&format!("/v1/credit-notes/{}", id_of(&note)));
    assert_eq!(note["amounts"], json!({"applied": "0.00", "refunded": "400.00", "left_open": "0.00"}), "{note}");
    let list = company.get("/v1/refunds?status=paid");
    assert_eq!(list["data"][0]["beneficiary"]["account_number"], "XXXX5678");
    let blocked = company.sql("SELECT body FROM audit_event WHERE company_id = {c} AND action = 'control.violation_blocked'");
    assert_eq!(blocked.len(), 1);
    company.assert_laws();
}

#[test]
fn who_asked_neither_approves_nor_pays() {
    let company = Company::new();
    let customer = company.customer();
    let receipt = company.receipt(&customer, "2025-05-01", "1000.00", Value::Null);
    let (controller, second, third) = (company.controller(), company.another("controller"), company.another("controller"));
    let asked = controller.post("/v1/refunds", &body(&receipt, "300.00")).expect(201);
    decide(&controller, &asked, "approve").refused(403, "sod_self_approval");
    decide(&second, &asked, "approve").expect(200);
    act(&controller, &asked, "mark-paid", &payment("2025-05-10")).refused(403, "sod_conflict");
    act(&third, &asked, "mark-paid", &payment("2025-04-30")).refused(422, "validation_failed");
    act(&third, &asked, "mark-paid", &payment("2025-05-10")).expect(200);
    assert_eq!(company.get(&format!("/v1/receipts/{}", id_of(&receipt)))["totals"]["unapplied"], "700.00");
    company.executive().post("/v1/refunds?validate_only=true", &body(&receipt, "700.00")).expect(200);
    let forged = format!("UPDATE refund SET paid_by = created_by, version = version + 1 WHERE id = '{}'", id_of(&asked));
    assert!(Db::app().commit_in(&company.id, &forged).is_err());
    company.assert_laws();
}

#[test]
fn refunds_that_wait_keep_their_credit_free_of_each_other() {
    let company = Company::new();
    let customer = company.customer();
    let receipt = company.receipt(&customer, "2025-05-01", "1000.00", Value::Null);
    let executive = company.executive();
    let first = executive.post("/v1/refunds", &body(&receipt, "600.00")).expect(201);
    let problem = executive.post("/v1/refunds", &body(&receipt, "400.01")).refused(422, "refund_exceeds_credit");
    assert_eq!((&problem["open_amount"], &problem["promised"]), (&json!("1000.00"), &json!("600.00")));
    let second = executive.post("/v1/refunds", &body(&receipt, "400.00")).expect(201);
    // Cancelled or rejected ones free it.
    assert_includes(
        &act(&executive, &first, "cancel", &json!({"reason": "The customer buys again"})).expect(200),
        &json!({"status": "cancelled", "end_reason": "The customer buys again"}),
    );
    decide(&company.controller(), &first, "approve").refused(409, "approval_stale");
    decide(&company.controller(), &second, "reject").expect(200);
    assert_eq!(again(&company, &second)["status"], "cancelled");
    executive.post("/v1/refunds", &body(&receipt, "1000.00")).expect(201);
    act(&executive, &first, "cancel", &json!({"reason": "Once more"})).refused(409, "invalid_state");
    company.assert_laws();
}

#[test]
fn a_credit_used_otherwise_is_not_paid_and_the_open_amount_is_named() {
    let company = Company::new();
    let customer = company.customer();
    let receipt = company.receipt(&customer, "2025-05-01", "1000.00", Value::Null);
    let refund = approved(&company, &receipt, "600.00");
    let invoice = company.invoice(&customer, "2025-05-05", "2025-06-05", "900.00");
    let targets = json!({"source_type": "receipt", "source_id": receipt["id"], "allocated_on": "2025-05-06", "targets": [to_invoice(&invoice, "900.00")]});
    company.executive().post("/v1/allocations", &targets).expect(201);
    let payer = company.another("controller");
    let before = company.fingerprint();
    assert_eq!(act(&payer, &refund, "mark-paid", &payment("2025-05-10")).refused(422, "over_allocation")["open_amount"], "100.00");
    assert_eq!(company.fingerprint(), before);
    company.assert_laws();
}

#[test]
fn a_payment_the_bank_sent_back_opens_the_credit_again_and_the_past_stays() {
    let company = Company::new();
    let customer = company.customer();
    let receipt = company.receipt(&customer, "2025-05-01", "1000.00", Value::Null);
    let refund = approved(&company, &receipt, "600.00");
    let payer = company.another("controller");
    let paid = payment("2025-05-10");
    act(&payer, &refund, "mark-paid", &paid).expect(200);
    let days = ["2025-05-05", "2025-05-10", "2025-05-31"];
    let known = company.known_now();
    let seen = company.past(&customer, &days, &known);
    assert!(
        act(&payer, &refund, "fail", &json!({"failed_on": "2025-05-09", "reason": "Account closed"}))
            .refused(422, "validation_failed")
            .to_string()
            .contains("before_payment")
    );
    assert_includes(
        &act(&payer, &refund, "fail", &json!({"failed_on": "2025-05-12", "reason": "Account closed"})).expect(200),
        &json!({"status": "failed", "ended_on": "2025-05-12"}),
    );
    assert_eq!(["Bank", "Accounts receivable"].map(|name| company.account(name)), [d!(1000), d!(-1000)]);
    assert_eq!(company.past(&customer, &days, &known), seen);
    let open = |day: &str| company.get(&format!("/v1/customers/{customer}/open-items?as_of={day}"))["totals"]["credit"].clone();
    assert_eq!(["2025-05-09", "2025-05-10", "2025-05-12"].map(open), [json!("1000.00"), json!("400.00"), json!("1000.00")]);
    // Once more, with the same bank reference, which stands for nothing now.
    let again = approved(&company, &receipt, "600.00");
    act(&payer, &again, "mark-paid", &with(paid.clone(), json!({"paid_on": "2025-05-15"}))).expect(200);
    let third = approved(&company, &receipt, "100.00");
    act(&payer, &third, "mark-paid", &with(paid, json!({"paid_on": "2025-05-15"}))).refused(409, "duplicate_payment");
    assert_eq!(company.account("Bank"), d!(400));
    company.assert_laws();
}

#[test]
fn who_handled_the_customers_cash_does_not_approve() {
    let company = Company::new();
    let customer = company.customer();
    let receipt = company.receipt(&customer, "2025-05-01", "1000.00", Value::Null);
    let invoice = company.invoice(&customer, "2025-05-05", "2025-06-05", "100.00");
    // Someone who placed the customer's money as an executive and became a controller.
    let admin = company.as_role("admin");
    let email = format!("{}@example.test", fresh());
    let password = "correct horse battery staple 9";
    let user = admin.post("/v1/users", &json!({"email": email, "name": "Both", "roles": ["ar_executive"], "password": password})).expect(201);
    let was = Client::bearer(log_in(&email, password, &company.id)["access_token"].as_str().unwrap().to_owned());
    let targets = json!({"source_type": "receipt", "source_id": receipt["id"], "allocated_on": "2025-05-06", "targets": [to_invoice(&invoice, "100.00")]});
    was.post("/v1/allocations", &targets).expect(201);
    admin.change("PUT", &format!("/v1/users/{}/roles", id_of(&user)), "*", &json!({"roles": ["controller"]})).expect(200);
    let now = Client::bearer(log_in(&email, password, &company.id)["access_token"].as_str().unwrap().to_owned());
    let asked = company.executive().post("/v1/refunds", &body(&receipt, "50.00")).expect(201);
    assert_eq!(decide(&now, &asked, "approve").refused(403, "sod_conflict")["rule"], "SOD-02");
    company.assert_laws();
}

#[test]
fn refusals_name_the_field_and_leave_nothing_behind() {
    let company = Company::new();
    let customer = company.customer();
    let receipt = company.receipt(&customer, "2025-05-01", "1000.00", Value::Null);
    let (executive, before) = (company.executive(), company.fingerprint());
    let post = |extra: Value| executive.post("/v1/refunds", &with(body(&receipt, "10.00"), extra));
    assert!(blames(&post(json!({"source_id": customer})).refused(404, "not_found"), "#/source_id", "not_found"));
    post(json!({"source_type": "credit_note"})).refused(404, "not_found");
    assert!(blames(&post(json!({"amount": "0.00"})).refusal(), "#/amount", "too_small"));
    post(json!({"amount": "1.001"})).refused(422, "amount_precision");
    post(json!({"beneficiary": {"name": "X", "account_number": "12 34"}})).refusal();
    post(json!({"beneficiary": {"name": "X", "account_number": "12345", "ifsc": "hdfc1"}})).refusal();
    post(json!({"reason": null})).refusal();
    assert_eq!(company.fingerprint(), before);
    company.assert_laws();
}

#[test]
fn twenty_requests_at_once_promise_no_more_than_there_is_and_a_payment_is_one() {
    let company = Company::new();
    let customer = company.customer();
    let receipt = company.receipt(&customer, "2025-05-01", "500.00", Value::Null);
    let executive = company.executive();
    let replies = in_parallel(20, 20, |_| executive.post("/v1/refunds", &body(&receipt, "100.00")));
    let (done, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 201);
    assert_eq!(done.len(), 5);
    assert!(refused.iter().all(|reply| reply.status == 422 && reply.json()["code"] == "refund_exceeds_credit"));
    let one = done[0].json();
    decide(&company.controller(), &one, "approve").expect(200);
    let payer = company.another("controller");
    let replies = in_parallel(20, 20, |_| act(&payer, &one, "mark-paid", &payment("2025-05-10")));
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    assert!(replies.iter().all(|reply| matches!(reply.status, 200 | 409)), "{:?}", replies.iter().map(|r| r.status).collect::<Vec<_>>());
    assert_eq!(company.account("Bank"), d!(400));
    company.assert_laws();
}

#[test]
fn refunds_are_found_by_the_salesperson_of_their_customer() {
    let company = Company::new();
    let (mine, other) = (company.customer(), company.customer());
    let sales = company.user_id("sales");
    company.executive().change("PATCH", &format!("/v1/customers/{mine}"), "*", &json!({"salesperson_id": sales})).expect(200);
    let asked: Vec<String> = [&mine, &other]
        .iter()
        .map(|customer| {
            let receipt = company.receipt(customer, "2025-04-20", "50.00", json!([]));
            id_of(&company.executive().post("/v1/refunds", &body(&receipt, "50.00")).expect(201))
        })
        .collect();
    let found = |query: &str| company.get(&format!("/v1/refunds?{query}"))["data"].as_array().unwrap().iter().map(id_of).collect::<Vec<_>>();
    assert_eq!(found(&format!("salesperson_id={sales}")), asked[..1]);
    assert_eq!(found(&format!("salesperson_id={}", company.user_id("controller"))), Vec::<String>::new());
    assert_eq!(found("sort=created_at"), asked);
    company.assert_laws();
}
