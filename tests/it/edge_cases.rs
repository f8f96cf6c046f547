//! Cases of domain.md 3.21 with exactly their figures, as far as no other module has them.
//!
//! 1–4 `concurrency`; 5 `periods`; 6, 12, 13, 18, 23 `cash`; 7 `walk`; 14 `notes`; 16 `time_axes`; 19 `revaluations`.

use crate::rig::*;
use serde_json::{Value, json};

/// 1,000 on 1 January at 2/10 net 30.
fn two_ten_net_thirty(company: &Company, customer: &str, amount: &str) -> Value {
    let terms =
        json!({"code": &fresh()[..12], "name": "2/10 net 30", "instalments": [{"share": "100", "days": 30}], "discount_percent": "2", "discount_days": 10});
    let terms = company.controller().post("/v1/payment-terms", &terms).expect(201);
    company.executive().post("/v1/invoices", &with(invoice_body(customer, "2025-01-01", amount), json!({"payment_terms_id": terms["id"]}))).expect(201)
}

fn partial(company: &Company) {
    company.controller().change("PATCH", "/v1/company", "*", &json!({"settings": {"partial_discount": true}})).expect(200);
}

fn again(company: &Company, invoice: &Value) -> Value {
    company.get(&format!("/v1/invoices/{}", id_of(invoice)))
}

fn due(company: &Company, invoice: &Value) -> String {
    again(company, invoice)["amounts"]["balance_due"].as_str().unwrap().to_owned()
}

/// What was granted on an invoice, oldest first.
fn discounts(company: &Company, invoice: &Value) -> Vec<String> {
    let listed = company.get(&format!("/v1/allocations?target_id={}&status=active&sort=allocated_on", id_of(invoice)));
    let granted = listed["data"].as_array().unwrap().iter().filter(|row| row["kind"] == "discount");
    granted.map(|row| row["amount"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn case_9_the_discount_is_earned_on_the_tenth_day() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = two_ten_net_thirty(&company, &customer, "1000.00");
    let receipt = company.receipt(&customer, "2025-01-11", "980.00", json!([to_invoice(&invoice, "980.00")]));
    assert_eq!((&receipt["status"], &receipt["allocations"][0]["flags"]), (&json!("applied"), &json!([])));
    assert_eq!((&again(&company, &invoice)["payment_status"], discounts(&company, &invoice)), (&json!("paid"), vec!["20.00".to_owned()]));
    company.assert_laws();
}

#[test]
fn case_10_on_the_eleventh_day_twenty_stay_open_and_the_payment_is_flagged() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = two_ten_net_thirty(&company, &customer, "1000.00");
    let receipt = company.receipt(&customer, "2025-01-12", "980.00", json!([to_invoice(&invoice, "980.00")]));
    assert_eq!(receipt["allocations"][0]["flags"], json!(["discount_disallowed"]));
    assert_eq!((due(&company, &invoice).as_str(), discounts(&company, &invoice)), ("20.00", vec![]));
    assert_eq!(again(&company, &invoice)["payment_status"], "partially_paid");
    company.assert_laws();
}

#[test]
fn case_11_part_of_the_money_earns_part_of_the_discount() {
    let company = Company::new();
    partial(&company);
    let customer = company.customer();
    let invoice = two_ten_net_thirty(&company, &customer, "1000.00");
    company.receipt(&customer, "2025-01-10", "490.00", json!([to_invoice(&invoice, "490.00")]));
    assert_eq!((due(&company, &invoice).as_str(), discounts(&company, &invoice)), ("500.00", vec!["10.00".to_owned()]));
    company.assert_laws();
}

#[test]
fn every_part_earns_its_share_of_the_discount_and_not_of_what_is_left_of_it() {
    // paid × p ÷ (1 − p): 2 % of every part, whichever comes first.
    let company = Company::new();
    partial(&company);
    let customer = company.customer();
    let invoice = two_ten_net_thirty(&company, &customer, "1000.00");
    for (date, paid, open) in
        [("2025-01-03", "490.00", "500.00"), ("2025-01-04", "245.00", "250.00"), ("2025-01-05", "49.00", "200.00"), ("2025-01-06", "196.00", "0.00")]
    {
        company.receipt(&customer, date, paid, json!([to_invoice(&invoice, paid)]));
        assert_eq!(due(&company, &invoice), open, "after {paid}");
    }
    assert_eq!(discounts(&company, &invoice), ["10.00", "5.00", "1.00", "4.00"]);
    company.assert_laws();
}

#[test]
fn a_document_named_twice_in_one_payment_earns_its_discount_once() {
    let company = Company::new();
    partial(&company);
    let customer = company.customer();
    let invoice = two_ten_net_thirty(&company, &customer, "1000.00");
    let receipt = company.receipt(&customer, "2025-01-10", "980.00", json!([to_invoice(&invoice, "490.00"), to_invoice(&invoice, "490.00")]));
    assert_eq!(
        (&receipt["status"], due(&company, &invoice).as_str(), discounts(&company, &invoice)),
        (&json!("applied"), "0.00", vec!["10.00".to_owned(), "10.00".to_owned()])
    );
    company.assert_laws();
}

#[test]
fn money_for_what_a_credit_note_left_open_is_not_given_away_as_discount() {
    // 980 of 1,000 are credited; the 20 that stay are the amount of the discount, and are paid.
    let company = Company::new();
    let customer = company.customer();
    let (other, invoice) = (company.invoice(&customer, "2025-01-01", "2025-01-31", "50.00"), two_ten_net_thirty(&company, &customer, "1000.00"));
    company.controller().post("/v1/credit-notes", &note_body(&invoice, "2025-01-02", "980.00")).expect(201);
    let receipt = company.receipt(&customer, "2025-01-05", "70.00", json!([to_invoice(&other, "50.00"), to_invoice(&invoice, "20.00")]));
    assert_eq!((&receipt["status"], receipt["allocations"].as_array().unwrap().len()), (&json!("applied"), 2), "{receipt}");
    assert_eq!((due(&company, &other).as_str(), due(&company, &invoice).as_str(), discounts(&company, &invoice)), ("0.00", "0.00", vec![]));
    company.assert_laws();
}

#[test]
fn case_17_instalments_age_by_their_own_due_dates_and_come_to_the_invoice() {
    let company = Company::new();
    let customer = company.customer();
    let shares = json!([{"share": "33.33333", "days": 30}, {"share": "33.33333", "days": 60}, {"share": "33.33334", "days": 90}]);
    let terms = company.controller().post("/v1/payment-terms", &json!({"code": "THIRDS", "name": "Thirds", "instalments": shares})).expect(201);
    let invoice = company
        .executive()
        .post("/v1/invoices", &with(invoice_body(&customer, "2025-01-01", "100000.00"), json!({"payment_terms_id": terms["id"]})))
        .expect(201);
    let parts: Vec<_> =
        invoice["instalments"].as_array().unwrap().iter().map(|part| (part["due_date"].as_str().unwrap(), part["amount"].as_str().unwrap())).collect();
    assert_eq!(parts, [("2025-01-31", "33333.33"), ("2025-03-02", "33333.33"), ("2025-04-01", "33333.34")]);
    // The first is paid, and 10,000 of the second.
    company.receipt(&customer, "2025-01-20", "43333.33", json!([to_invoice(&invoice, "43333.33")]));
    let aged = company.get("/v1/reports/aging?as_of=2025-04-15");
    assert_includes(&aged["totals"]["buckets"], &json!({"not_due": "0.00", "1-30": "33333.34", "31-60": "23333.33", "61-90": "0.00"}));
    assert_eq!((&aged["totals"]["total"], due(&company, &invoice).as_str()), (&json!("56666.67"), "56666.67"));
    let before = company.get("/v1/reports/aging?as_of=2025-01-19");
    assert_eq!(before["totals"]["buckets"]["not_due"], "100000.00");
    company.assert_laws();
}

#[test]
fn a_cheque_of_a_later_date_earns_a_discount_by_the_day_it_goes_to_the_bank() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let invoice = two_ten_net_thirty(&company, &customer, "1000.00");
    let cheque = with(receipt_body(&customer, "2025-01-05", "980.00"), json!({"method": "cheque", "cheque_number": "000123", "cheque_date": "2025-01-20"}));
    let held = executive.post("/v1/receipts", &cheque).expect(201);
    executive.post(&format!("/v1/receipts/{}/deposit", id_of(&held)), &json!({"deposited_on": "2025-01-20"})).expect(200);
    // Placed only later: the money was there on the twentieth, not when the cheque came in.
    let later = json!({"source_type": "receipt", "source_id": held["id"], "allocated_on": "2025-01-21", "targets": [to_invoice(&invoice, "980.00")]});
    let placed = executive.post("/v1/allocations", &later).expect(201);
    assert_eq!((due(&company, &invoice).as_str(), &placed["data"][0]["flags"]), ("20.00", &json!(["discount_disallowed"])));
    company.assert_laws();
}

#[test]
fn an_invoice_that_notes_correct_is_not_cancelled_under_them() {
    // Otherwise the credit of an invoice that never was would stay.
    let company = Company::new();
    let (customer, controller) = (company.customer(), company.controller());
    let invoice = company.invoice(&customer, "2025-01-01", "2025-01-31", "1000.00");
    let note = controller.post("/v1/credit-notes", &with(note_body(&invoice, "2025-01-02", "400.00"), json!({"apply_to_original": false}))).expect(201);
    let cancel = |kind: &str, document: &Value| {
        controller.change("POST", &format!("/v1/{kind}/{}/cancel", id_of(document)), "*", &json!({"reason": "Ordered twice", "cancelled_on": "2025-01-03"}))
    };
    cancel("invoices", &invoice).refused(409, "invalid_state");
    cancel("credit-notes", &note).expect(200);
    cancel("invoices", &invoice).expect(200);
    assert_eq!(company.get(&format!("/v1/customers/{customer}/open-items?as_of=2025-01-03"))["totals"]["balance"], "0.00");
    company.assert_laws();
}
