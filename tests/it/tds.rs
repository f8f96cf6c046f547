//! Tax deducted by customers over HTTP: domain.md 3.3 and case 8 of 3.21, gst.md 6.

use crate::rig::*;
use rust_decimal::dec as d;
use serde_json::{Value, json};

/// An invoice of 118,000 paid with 116,000 and 2,000 deducted under 194C.
fn deducted(company: &Company, customer: &str, on: &str) -> (Value, Value) {
    let sale = with(invoice_body(customer, "2025-10-05", "100000.00"), json!({"lines": [line("100000.00", "18")]}));
    let invoice = company.executive().post("/v1/invoices", &sale).expect(201);
    let paid = with(
        receipt_body(customer, on, "116000.00"),
        json!({"deductions": [{"kind": "tds", "section": "194C", "rate": "2", "amount": "2000.00"}], "allocations": [to_invoice(&invoice, "118000.00")]}),
    );
    let receipt = company.executive().post("/v1/receipts", &paid).expect(201);
    (invoice, receipt)
}

fn certificate(customer: &str, amount: &str, extra: Value) -> Value {
    let body = json!({"customer_id": customer, "certificate_number": fresh()[..10], "certificate_date": "2026-01-20", "section": "194C", "fiscal_year": "2025-26", "quarter": 3, "amount": amount});
    with(body, extra)
}

fn record(company: &Company, body: &Value) -> Value {
    company.executive().post("/v1/tds-certificates", body).expect(201)
}

fn see(company: &Company, certificate: &Value, on: &str, amount: &str) -> Value {
    company.executive().post(&format!("/v1/tds-certificates/{}/26as", id_of(certificate)), &json!({"seen_on": on, "amount": amount})).expect(200)
}

fn states(company: &Company, query: &str) -> Vec<String> {
    let rows = company.get(&format!("/v1/tds-deductions?sort=deducted_on{query}"));
    rows["data"].as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_certificate_of_less_opens_the_difference_on_its_date() {
    // Case 8: 2,000 deducted, 1,800 certified.
    let company = Company::new();
    let customer = company.customer();
    let (invoice, receipt) = deducted(&company, &customer, "2025-11-18");
    let row = company.get("/v1/tds-deductions")["data"][0].clone();
    assert_includes(
        &row,
        &json!({"status": "claimed", "amount": "2000.00", "section": "194C", "rate": "2.00", "fiscal_year": "2025-26", "quarter": 3, "deducted_on": "2025-11-18", "receipt_id": receipt["id"],
                "line_no": 1, "customer_id": customer, "certificate_id": null}),
    );
    let allocations = company.get(&format!("/v1/allocations?target_id={}", id_of(&invoice)));
    let known = company.known_now();
    let days = ["2025-11-30", "2026-01-19", "2026-01-20", "2026-02-28"];
    let seen = company.past(&customer, &days, &known);
    let short = record(&company, &certificate(&customer, "1800.00", json!({})));
    assert_includes(&short, &json!({"status": "short", "amount": "1800.00", "deducted": "2000.00", "difference": "-200.00", "shortfall": "200.00"}));
    assert_eq!(short["deductions"], json!([{"receipt_id": receipt["id"], "receipt_number": receipt["number"], "line_no": 1, "amount": "2000.00"}]));
    // The old allocation is untouched; the difference is a new item due on the certificate's date.
    assert_eq!(company.get(&format!("/v1/allocations?target_id={}", id_of(&invoice))), allocations);
    assert_eq!(company.get(&format!("/v1/invoices/{}", id_of(&invoice)))["payment_status"], "paid");
    assert_eq!(["TDS receivable", "Accounts receivable"].map(|name| company.account(name)), [d!(1800), d!(200)]);
    let open = |day: &str| company.get(&format!("/v1/customers/{customer}/open-items?as_of={day}"));
    assert_eq!(open("2026-01-19")["totals"]["debit"], "0.00");
    let item = open("2026-01-20")["data"][0].clone();
    assert_includes(&item, &json!({"document_type": "tds_shortfall", "document_number": short["certificate_number"], "due_date": "2026-01-20"}));
    assert_eq!(states(&company, ""), ["short"]);
    assert_eq!(company.past(&customer, &days, &known), seen);
    // It is paid like anything owed.
    let paid = with(receipt_body(&customer, "2026-02-05", "200.00"), json!({"auto_apply": "oldest_first"}));
    assert_eq!(company.executive().post("/v1/receipts", &paid).expect(201)["status"], "applied");
    assert_eq!(company.account("Accounts receivable"), d!(0));
    company.assert_laws();
}

#[test]
fn a_deduction_goes_from_claim_to_the_tax_offices_record() {
    let company = Company::new();
    let customer = company.customer();
    for on in ["2025-10-18", "2025-11-18", "2025-12-18"] {
        deducted(&company, &customer, on);
    }
    deducted(&company, &customer, "2026-01-02");
    // The oldest two of the quarter make up 4,000.
    let good = record(&company, &certificate(&customer, "4000.00", json!({})));
    assert_includes(&good, &json!({"status": "certificate_received", "deducted": "4000.00", "shortfall": "0.00", "version": 3}));
    assert_eq!(states(&company, ""), ["certificate_received", "certificate_received", "claimed", "claimed"]);
    assert_eq!(states(&company, "&quarter=4"), ["claimed"]);
    assert_eq!(states(&company, "&fiscal_year=2025-26&section=194C&status=claimed").len(), 2);
    assert_eq!(states(&company, "&fiscal_year=2024-25").len(), 0);
    // The tax office shows less, then all of it.
    assert_includes(
        &see(&company, &good, "2026-02-10", "3500.00"),
        &json!({"status": "short", "shortfall": "500.00", "seen_on": "2026-02-10", "seen_amount": "3500.00"}),
    );
    assert_eq!(["TDS receivable", "Accounts receivable"].map(|name| company.account(name)), [d!(7500), d!(500)]);
    assert_includes(&see(&company, &good, "2026-02-12", "3600.00"), &json!({"status": "short", "shortfall": "400.00"}));
    assert_includes(&see(&company, &good, "2026-02-20", "4000.00"), &json!({"status": "accepted", "shortfall": "0.00"}));
    assert_eq!(["TDS receivable", "Accounts receivable"].map(|name| company.account(name)), [d!(8000), d!(0)]);
    assert_eq!(states(&company, "&status=accepted").len(), 2);
    let owed = |day: &str| company.get(&format!("/v1/customers/{customer}/open-items?as_of={day}"))["totals"]["debit"].clone();
    assert_eq!(["2026-02-09", "2026-02-10", "2026-02-12", "2026-02-20"].map(owed), ["0.00", "500.00", "400.00", "0.00"].map(|amount| json!(amount)));
    company.assert_laws();
}

#[test]
fn deductions_are_matched_by_hand_and_only_once() {
    let company = Company::new();
    let (customer, other) = (company.customer(), company.customer());
    let (_, first) = deducted(&company, &customer, "2025-11-18");
    let (_, second) = deducted(&company, &customer, "2025-12-18");
    let (_, foreign) = deducted(&company, &other, "2025-11-18");
    let of = |receipt: &Value| json!([{"receipt_id": receipt["id"], "line_no": 1}]);
    // Of another quarter: nothing fits by itself.
    let kept = record(&company, &certificate(&customer, "4000.00", json!({"quarter": 2, "deductions": []})));
    assert_includes(&kept, &json!({"status": "unmatched", "deducted": "0.00", "shortfall": "0.00", "version": 1}));
    let executive = company.executive();
    let path = format!("/v1/tds-certificates/{}/match", id_of(&kept));
    executive.post(&path, &json!({"deductions": of(&first)})).refused(428, "if_match_required");
    let add = |deductions: Value| executive.change("POST", &path, "*", &json!({"deductions": deductions}));
    assert_includes(
        &add(of(&first)).expect(200),
        &json!({"status": "certificate_received", "deducted": "2000.00", "difference": "2000.00", "shortfall": "0.00"}),
    );
    add(of(&first)).refused(409, "already_certified");
    assert!(blames(&add(of(&foreign)).refused(404, "not_found"), "#/deductions/0/receipt_id", "not_found"));
    add(json!([{"receipt_id": second["id"], "line_no": 2}])).refused(404, "not_found");
    assert_includes(&add(of(&second)).expect(200), &json!({"deducted": "4000.00", "difference": "0.00"}));
    let before = company.fingerprint();
    let post = |extra: Value| executive.post("/v1/tds-certificates", &certificate(&other, "2000.00", extra));
    post(json!({"certificate_number": "X", "customer_id": customer, "deductions": of(&first)})).refused(409, "already_certified");
    assert!(blames(&post(json!({"section": "194J", "deductions": of(&foreign)})).refusal(), "#/deductions/0/receipt_id", "section_mismatch"));
    assert!(blames(&post(json!({"fiscal_year": "2025-27"})).refusal(), "#/fiscal_year", "invalid_fiscal_year"));
    post(json!({"amount": "0.00"})).refusal();
    post(json!({"quarter": 5})).refusal();
    post(json!({"certificate_date": "2099-01-01"})).refused(422, "date_in_future");
    post(json!({"customer_id": customer, "certificate_number": kept["certificate_number"]})).refused(409, "duplicate_certificate");
    company.as_role("collector").post("/v1/tds-certificates", &certificate(&other, "2000.00", json!({}))).refused(403, "permission_denied");
    assert_eq!(company.fingerprint(), before);
    // Twenty certificates about one deduction: one has it.
    let replies = in_parallel(20, 20, |_| post(json!({"certificate_number": fresh()[..10], "deductions": of(&foreign)})));
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert!(replies.iter().all(|reply| matches!(reply.status, 201 | 409)), "{:?}", replies.iter().map(|r| r.status).collect::<Vec<_>>());
    company.assert_laws();
}

#[test]
fn a_rate_no_dated_row_has_is_refused_where_the_section_is_known() {
    let company = Company::new();
    let customer = company.customer();
    let pay = |on: &str, section: &str, rate: &str| {
        let deduction = json!([{"kind": "tds", "section": section, "rate": rate, "amount": "10.00"}]);
        company.executive().post("/v1/receipts", &with(receipt_body(&customer, on, "490.00"), json!({"deductions": deduction})))
    };
    let problem = pay("2025-11-18", "194C", "3").refused(422, "tds_rate_mismatch");
    assert!(blames(&problem, "#/deductions/0/rate", "tds_rate_mismatch"), "{problem}");
    pay("2024-09-30", "194H", "2").refused(422, "tds_rate_mismatch");
    for (on, section, rate) in
        [("2025-11-18", "194C", "1.00"), ("2024-10-01", "194H", "2"), ("2025-11-18", "92X", "7"), ("2026-04-02", "194C", "3"), ("2026-04-02", "1027", "10")]
    {
        pay(on, section, rate).expect(201);
    }
    let rates = company.get("/v1/tax-rates?kind=tds&on=2025-11-18&section=194J");
    let known: Vec<_> = rates["data"].as_array().unwrap().iter().map(|row| row["rate"].as_str().unwrap()).collect();
    assert_eq!(known, ["10.00", "2.00", "20.00"]);
    let gst = company.get("/v1/tax-rates?kind=gst&on=2025-11-18");
    assert!(gst["data"].as_array().unwrap().iter().any(|row| row["rate"] == "40.00" && row["source"].as_str().is_some_and(|s| s.contains("9/2025"))));
    company.assert_laws();
}

#[test]
fn what_was_short_goes_with_the_receipt_it_was_deducted_from() {
    let company = Company::new();
    let customer = company.customer();
    let (invoice, receipt) = deducted(&company, &customer, "2025-11-18");
    let short = record(&company, &certificate(&customer, "1800.00", json!({})));
    let path = format!("/v1/receipts/{}/reverse", id_of(&receipt));
    let done = company.controller().change("POST", &path, "*", &json!({"reversed_on": "2026-02-01", "reason": "Payment of another company"})).expect(200);
    assert_eq!(done["status"], "reversed", "{done}");
    // The invoice is owed as a whole again, and nothing beside it.
    assert_eq!(company.get(&format!("/v1/invoices/{}", id_of(&invoice)))["amounts"]["balance_due"], "118000.00");
    assert_eq!(["TDS receivable", "Accounts receivable", "Bank"].map(|name| company.account(name)), [d!(0), d!(118000), d!(0)]);
    assert_eq!(states(&company, ""), ["reversed"]);
    assert_includes(&company.get(&format!("/v1/tds-certificates/{}", id_of(&short))), &json!({"status": "unmatched", "deducted": "0.00", "shortfall": "0.00"}));
    company.assert_laws();
}

#[test]
fn claims_and_certificates_are_found_by_year_and_by_what_differs() {
    let company = Company::new();
    let (one, other) = (company.customer(), company.customer());
    let (_, certified) = deducted(&company, &one, "2025-11-18");
    let (_, claimed) = deducted(&company, &other, "2026-05-02");
    let short = record(&company, &certificate(&one, "1800.00", json!({})));
    let claims = |query: &str| -> Vec<Value> {
        let rows = company.get(&format!("/v1/tds-deductions?{query}"));
        rows["data"].as_array().unwrap().iter().map(|row| row["receipt_id"].clone()).collect()
    };
    assert_eq!((claims("fy=2025-26"), claims("fy=2026-27")), (vec![certified["id"].clone()], vec![claimed["id"].clone()]));
    assert_eq!((claims("certified=true"), claims("certified=false")), (vec![certified["id"].clone()], vec![claimed["id"].clone()]));
    let found = |query: &str| company.get(&format!("/v1/tds-certificates?{query}"))["data"].as_array().unwrap().iter().map(id_of).collect::<Vec<_>>();
    // 2,000 deducted, 1,800 certified: 200 apart, and no more than that.
    assert_eq!((found("difference_gt=199.99"), found("difference_gt=200.00")), (vec![id_of(&short)], vec![]));
    assert_eq!((found("fy=2025-26"), found("fy=2024-25")), (vec![id_of(&short)], vec![]));
    company.assert_laws();
}
