//! Documents in foreign currency, their rates, and what is agreed about settling them.

use crate::rig::*;
use serde_json::{Value, json};

fn rate(company: &Company, currency: &str, date: &str, rate: &str) -> Value {
    company.controller().post("/v1/exchange-rates", &json!({"currency": currency, "rate_date": date, "rate": rate, "source": "RBI"})).expect(201)
}

fn foreign(customer: &str, date: &str, currency: &str, amount: &str, tax_rate: &str) -> Value {
    with(invoice_body(customer, date, amount), json!({"currency": currency, "lines": [line(amount, tax_rate)]}))
}

#[test]
fn a_dollar_invoice_stands_in_dollars_and_is_posted_in_rupees() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    rate(&company, "USD", "2025-01-10", "83.10");
    let newer = rate(&company, "USD", "2025-01-10", "83.00");
    assert_includes(&newer, &json!({"object": "exchange_rate", "currency": "USD", "rate_date": "2025-01-10", "rate": "83.00", "source": "RBI"}));
    let invoice = executive.post("/v1/invoices", &foreign(&customer, "2025-01-11", "USD", "1000.00", "18")).expect(201);
    assert_includes(&invoice, &json!({"currency": "USD", "exchange_rate": "83.00", "base_total": "97940.00", "posting_date": "2025-01-11"}));
    assert_includes(&invoice["totals"], &json!({"taxable_value": "1000.00", "cgst": "90.00", "sgst": "90.00", "grand_total": "1180.00"}));
    assert_includes(&invoice["base_totals"], &json!({"taxable_value": "83000.00", "cgst": "7470.00", "sgst": "7470.00", "grand_total": "97940.00"}));
    let trial = company.get("/v1/trial-balance?as_of=2025-01-31");
    let row = |name: &str| trial["data"].as_array().unwrap().iter().find(|row| row["account_name"] == name).cloned().unwrap();
    assert_eq!(
        (&row("Accounts receivable")["debit"], &row("Sales")["credit"], &row("Output CGST")["credit"]),
        (&json!("97940.00"), &json!("83000.00"), &json!("7470.00"))
    );
    // A rate recorded later changes nothing that is issued.
    rate(&company, "USD", "2025-01-11", "90.00");
    assert_eq!(company.get(&format!("/v1/invoices/{}", id_of(&invoice))), invoice);
    // A note is at the rate of its invoice, so that nothing remains in rupees when nothing remains in dollars.
    let note = with(note_body(&invoice, "2025-01-12", "1.00"), json!({"lines": [line("1000.00", "18")]}));
    let note = company.controller().post("/v1/credit-notes", &note).expect(201);
    assert_includes(&note, &json!({"currency": "USD", "exchange_rate": "83.00", "base_total": "97940.00", "application_status": "applied"}));
    let open = company.get(&format!("/v1/customers/{customer}/open-items?as_of=2025-01-12"));
    assert_eq!(open["totals"]["balance"], "0.00", "{open}");
    company.assert_laws();
}

#[test]
fn a_note_at_another_rate_leaves_an_exchange_difference() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let body = with(foreign(&customer, "2025-01-11", "USD", "1000.00", "0"), json!({"exchange_rate": "83"}));
    let invoice = executive.post("/v1/invoices", &body).expect(201);
    let note = with(note_body(&invoice, "2025-01-12", "400.00"), json!({"exchange_rate": "84.5", "tax_effect": "financial"}));
    let note = company.controller().post("/v1/credit-notes", &note).expect(201);
    assert_eq!((&note["base_total"], &note["amounts"]["applied"]), (&json!("33800.00"), &json!("400.00")));
    let trial = company.get("/v1/trial-balance?as_of=2025-01-31");
    let row = |name: &str| trial["data"].as_array().unwrap().iter().find(|row| row["account_name"] == name).cloned().unwrap();
    // 400 were worth 33,200 when billed and 33,800 when credited.
    assert_eq!((&row("Accounts receivable")["debit"], &row("Exchange gain")["credit"]), (&json!("49800.00"), &json!("600.00")), "{trial}");
    let cancelled =
        company.controller().change("POST", &format!("/v1/credit-notes/{}/cancel", id_of(&note)), "*", &json!({"reason": "Not agreed"})).expect(200);
    assert_eq!(cancelled["status"], "cancelled");
    let open = company.get(&format!("/v1/customers/{customer}/open-items?as_of={}", today()));
    assert_eq!(open["totals"]["balance"], "83000.00", "{open}");
    company.assert_laws();
}

#[test]
fn without_a_rate_of_the_day_a_document_is_refused_and_says_what_is_known() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let post = |date: &str, extra: Value| executive.post("/v1/invoices", &with(foreign(&customer, date, "USD", "10.00", "0"), extra));
    let problem = post("2025-01-11", json!({})).refused(422, "exchange_rate_missing");
    assert!(blames(&problem, "#/exchange_rate", "exchange_rate_missing") && problem["known"].is_null(), "{problem}");
    rate(&company, "USD", "2025-01-10", "83");
    post("2025-01-11", json!({})).expect(201);
    let problem = post("2025-01-12", json!({})).refused(422, "exchange_rate_missing");
    assert_eq!(problem["known"], json!({"currency": "USD", "rate_date": "2025-01-10", "rate": "83"}));
    post("2025-01-09", json!({})).refused(422, "exchange_rate_missing");
    let given = post("2025-01-12", json!({"exchange_rate": "82.12345678"})).expect(201);
    assert_eq!((&given["exchange_rate"], &given["base_total"]), (&json!("82.12345678"), &json!("821.23")));
    let settings = json!({"settings": {"exchange_rate_max_age_days": 30}});
    company.controller().change("PATCH", "/v1/company", "*", &settings).expect(200);
    post("2025-02-09", json!({})).expect(201);
    post("2025-02-10", json!({})).refused(422, "exchange_rate_missing");
    for (extra, code) in [
        (json!({"exchange_rate": "0"}), "too_small"),
        (json!({"currency": "INR", "exchange_rate": "2"}), "currency_is_base"),
        (json!({"currency": "XYZ"}), "currency_unknown"),
    ] {
        let problem = post("2025-01-11", extra).refused(422, "validation_failed");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
    }
    let rates = |body: Value| company.controller().post("/v1/exchange-rates", &body);
    for body in [
        json!({"currency": "INR", "rate_date": "2025-01-01", "rate": "1"}),
        json!({"currency": "QQQ", "rate_date": "2025-01-01", "rate": "1"}),
        json!({"currency": "USD", "rate_date": "2025-01-01", "rate": "0"}),
    ] {
        rates(body).refused(422, "validation_failed");
    }
    executive.post("/v1/exchange-rates", &json!({"currency": "USD", "rate_date": "2025-01-01", "rate": "1"})).refused(403, "permission_denied");
    assert_eq!(company.get("/v1/exchange-rates?currency=USD&include_total=true")["page"]["total"], 1);
    company.assert_laws();
}

#[test]
fn yen_have_no_decimals_and_dinars_three() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let post = |currency: &str, amount: &str, rate: &str, tax: &str| {
        executive.post("/v1/invoices", &with(foreign(&customer, "2025-01-11", currency, amount, tax), json!({"exchange_rate": rate})))
    };
    let yen = post("JPY", "10001", "0.55", "18").expect(201);
    // 900.09 of CGST is 900 yen; 11,801 yen are 6,490.55 rupees.
    assert_includes(&yen["totals"], &json!({"taxable_value": "10001", "cgst": "900", "sgst": "900", "grand_total": "11801"}));
    assert_includes(&yen, &json!({"base_total": "6490.55"}));
    let dinar = post("KWD", "10.125", "270.5", "5").expect(201);
    // 0.253125 of CGST is 0.253; 10.631 dinars are 2,875.69 rupees.
    assert_includes(&dinar["totals"], &json!({"taxable_value": "10.125", "cgst": "0.253", "sgst": "0.253", "grand_total": "10.631"}));
    assert_eq!(dinar["base_total"], "2875.69");
    let precise = with(foreign(&customer, "2025-01-11", "JPY", "100", "0"), json!({"exchange_rate": "0.55", "expected_total": "100.5"}));
    executive.post("/v1/invoices", &precise).refused(422, "amount_precision");
    company.assert_laws();
}

#[test]
fn the_terms_of_settlement_are_stamped_when_a_document_is_issued() {
    let company = Company::new();
    let (customer, executive, controller) = (company.customer(), company.executive(), company.controller());
    let settings = |value: Value| controller.change("PATCH", "/v1/company", "*", &json!({"settings": value}));
    let changed = settings(json!({"payment_tolerance_percent": "0.5", "payment_tolerance_amount": "5.00", "discount_grace_days": 5, "late_discount": "accept", "partial_discount": true})).expect(200);
    assert_includes(
        &changed["settings"],
        &json!({"payment_tolerance_percent": "0.50", "payment_tolerance_amount": "5.00", "discount_grace_days": 5, "late_discount": "accept", "partial_discount": true}),
    );
    let terms =
        json!({"code": "2-10-NET30", "name": "2/10 net 30", "instalments": [{"share": "100", "days": 30}], "discount_percent": "2", "discount_days": 10});
    let terms = controller.post("/v1/payment-terms", &terms).expect(201);
    assert_includes(&terms, &json!({"discount_percent": "2.00", "discount_days": 10}));
    let invoice = |amount: &str, extra: Value| {
        executive.post("/v1/invoices", &with(with(invoice_body(&customer, "2025-01-05", amount), json!({"payment_terms_id": terms["id"]})), extra)).expect(201)
    };
    let first = invoice("1000.00", json!({}));
    assert_eq!(first["settlement_terms"], json!({"discount": "20.00", "discount_until": "2025-01-15", "grace_until": "2025-01-20", "tolerance": "5.00"}));
    // The lesser of per cent and amount; without terms there is no discount.
    assert_eq!(invoice("100.00", json!({}))["settlement_terms"]["tolerance"], "0.50");
    let plain = invoice("1000.00", json!({"payment_terms_id": null}));
    assert_eq!(plain["settlement_terms"], json!({"discount": "0.00", "discount_until": null, "grace_until": null, "tolerance": "5.00"}));
    // What is issued keeps its terms whatever is set later.
    settings(json!({"payment_tolerance_percent": "0", "discount_grace_days": 0})).expect(200);
    assert_eq!(company.get(&format!("/v1/invoices/{}", id_of(&first)))["settlement_terms"], first["settlement_terms"]);
    let later = invoice("1000.00", json!({}));
    assert_eq!(later["settlement_terms"], json!({"discount": "20.00", "discount_until": "2025-01-15", "grace_until": "2025-01-15", "tolerance": "0.00"}));
    let items = company
        .sql(&format!("SELECT discount, discount_until, grace_until, tolerance FROM open_item WHERE company_id = {{c}} AND document_id = '{}'", id_of(&first)));
    assert_eq!(items, [json!({"discount": 20.0000, "discount_until": "2025-01-15", "grace_until": "2025-01-20", "tolerance": 5.0000})]);
    for (body, pointer) in [
        (json!({"settings": {"payment_tolerance_percent": "101"}}), "#/settings/payment_tolerance_percent"),
        (json!({"settings": {"payment_tolerance_amount": "-1"}}), "#/settings/payment_tolerance_amount"),
    ] {
        let problem = controller.change("PATCH", "/v1/company", "*", &body).refused(422, "validation_failed");
        assert!(blames(&problem, pointer, ""), "{problem}");
    }
    let half = json!({"code": "HALF", "name": "Half", "instalments": [{"share": "100", "days": 30}], "discount_percent": "2"});
    let problem = controller.post("/v1/payment-terms", &half).refused(422, "validation_failed");
    assert!(blames(&problem, "#/discount_days", "required"), "{problem}");
    company.assert_laws();
}

#[test]
fn a_rate_of_ones_choice_does_not_make_a_note_small() {
    let company = Company::new();
    let (customer, executive, controller) = (company.customer(), company.executive(), company.controller());
    let body = with(foreign(&customer, "2025-01-11", "USD", "1000000.00", "0"), json!({"exchange_rate": "83"}));
    let invoice = executive.post("/v1/invoices", &body).expect(201);
    let note = |extra: Value| controller.post("/v1/credit-notes", &with(note_body(&invoice, "2025-01-12", "1000000.00"), extra));
    let before = company.fingerprint();
    // What changes the tax does so at the rate it was charged at.
    let problem = note(json!({"exchange_rate": "0.01"})).refused(422, "exchange_rate_mismatch");
    assert!(blames(&problem, "#/exchange_rate", "exchange_rate_mismatch"), "{problem}");
    let debit = with(note_body(&invoice, "2025-01-12", "1.00"), json!({"exchange_rate": "84"}));
    controller.post("/v1/debit-notes", &debit).refused(422, "exchange_rate_mismatch");
    assert_eq!(company.fingerprint(), before);
    // What moves money only is judged by the larger of the two: 83,000,000, not 10,000.
    let decided_on = |document: &Value| {
        assert_eq!(document["status"], "pending_approval", "{document}");
        let asked = company.get(&format!("/v1/approvals/{}", document["approval_id"].as_str().expect("a request")));
        (asked["amount"].as_str().unwrap().to_owned(), asked["steps_required"].as_i64().unwrap())
    };
    let low = note(json!({"exchange_rate": "0.01", "tax_effect": "financial"})).expect(201);
    assert_eq!((low["base_total"].as_str(), decided_on(&low)), (Some("10000.00"), ("83000000.00".to_owned(), 2)));
    decide(&controller, &low, "withdraw").expect(200);
    let high = note(json!({"exchange_rate": "90", "tax_effect": "financial"})).expect(201);
    assert_eq!(decided_on(&high), ("90000000.00".to_owned(), 2));
    // A note of no invoice by the rate of the day, as far as one is known.
    rate(&company, "USD", "2025-01-10", "80");
    let other = company.customer();
    let free = |currency: &str, date: &str, extra: Value| {
        let body = json!({"external_id": fresh(), "customer_id": other, "free": true, "reason_code": "other", "note_date": date, "currency": currency, "issue": true, "exchange_rate": "0.01",
            "lines": [line("10000.00", "0")]});
        controller.post("/v1/credit-notes", &with(body, extra)).expect(201)
    };
    assert_eq!(free("EUR", "2025-01-12", json!({}))["status"], "issued");
    assert_eq!(decided_on(&free("USD", "2025-01-12", json!({}))).0, "800000.00");
    assert_eq!(decided_on(&free("USD", "2025-01-01", json!({}))).0, "800000.00", "before the first rate");
    assert_eq!(decided_on(&free("USD", "2025-01-12", json!({"exchange_rate": "85"}))).0, "850000.00");
    company.assert_laws();
}

#[test]
fn a_newer_rate_makes_a_request_stale() {
    let company = Company::new();
    let (customer, executive, controller) = (company.customer(), company.executive(), company.controller());
    rate(&company, "USD", "2025-01-11", "83");
    let body = json!({"external_id": fresh(), "customer_id": customer, "free": true, "reason_code": "other", "note_date": "2025-01-11", "currency": "USD", "place_of_supply": "27", "issue": true,
        "lines": [line("1000.00", "0")]});
    let asked = executive.post("/v1/credit-notes", &body).expect(201);
    assert_includes(&asked, &json!({"status": "pending_approval", "base_total": "83000.00"}));
    rate(&company, "USD", "2025-01-11", "11200");
    let before = company.fingerprint();
    decide(&controller, &asked, "approve").refused(409, "approval_stale");
    assert_eq!(company.fingerprint(), before);
    // The same figure recorded once more changes nothing.
    rate(&company, "USD", "2025-01-11", "83.00");
    decide(&controller, &asked, "approve").expect(200);
    assert_includes(&company.get(&format!("/v1/credit-notes/{}", id_of(&asked))), &json!({"status": "issued", "base_total": "83000.00"}));
    company.assert_laws();
}
