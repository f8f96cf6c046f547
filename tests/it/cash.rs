//! Receipts from the first sight of the money to its last.

use crate::rig::*;
use serde_json::{Value, json};

fn settings(company: &Company, settings: Value) {
    company.controller().change("PATCH", "/v1/company", "*", &json!({"settings": settings})).expect(200);
}

/// Invoice of 1,000 on 1 January with 2 % until the 15th, grace until the 20th, tolerance 5.
fn discounted(company: &Company, customer: &str) -> Value {
    let terms =
        json!({"code": &fresh()[..12], "name": "2/14 net 30", "instalments": [{"share": "100", "days": 30}], "discount_percent": "2", "discount_days": 14});
    let terms = company.controller().post("/v1/payment-terms", &terms).expect(201);
    let body = with(invoice_body(customer, "2025-01-01", "1000.00"), json!({"payment_terms_id": terms["id"]}));
    company.executive().post("/v1/invoices", &body).expect(201)
}

fn balance_due(company: &Company, invoice: &Value) -> String {
    company.get(&format!("/v1/invoices/{}", id_of(invoice)))["amounts"]["balance_due"].as_str().unwrap().to_owned()
}

fn pay(company: &Company, customer: &str, date: &str, amount: &str, target: Value) -> Value {
    company.executive().post("/v1/receipts", &with(receipt_body(customer, date, amount), json!({"allocations": [target]}))).expect(201)
}

#[test]
fn the_table_of_tolerance_and_discount_holds_to_the_paisa() {
    // Paid; then what stays on the payment, what stays open and the gain, in time or accepted late, and without the discount.
    let table: [(&str, [&str; 3], [&str; 3]); 6] = [
        ("1005.00", ["25.00", "0.00", "0.00"], ["0.00", "0.00", "5.00"]),
        ("1000.00", ["20.00", "0.00", "0.00"], ["0.00", "0.00", "0.00"]),
        ("995.00", ["15.00", "0.00", "0.00"], ["0.00", "0.00", "-5.00"]),
        ("985.00", ["0.00", "0.00", "5.00"], ["0.00", "15.00", "0.00"]),
        ("980.00", ["0.00", "0.00", "0.00"], ["0.00", "20.00", "0.00"]),
        ("975.00", ["0.00", "0.00", "-5.00"], ["0.00", "25.00", "0.00"]),
    ];
    let company = Company::new();
    settings(&company, json!({"payment_tolerance_percent": "0.5", "payment_tolerance_amount": "5.00", "discount_grace_days": 5}));
    for (paid, early, late) in table {
        for (date, accept, expected) in [("2025-01-15", false, early), ("2025-01-18", true, early), ("2025-01-18", false, late), ("2025-01-21", true, late)] {
            let customer = company.customer();
            let invoice = discounted(&company, &customer);
            let before = trial(&company, "5210");
            let receipt = pay(&company, &customer, date, paid, with(to_invoice(&invoice, paid), json!({"late_discount": accept})));
            let gained = before - trial(&company, "5210");
            let shown = [receipt["totals"]["unapplied"].as_str().unwrap().to_owned(), balance_due(&company, &invoice), format!("{gained:.2}")];
            assert_eq!(shown, expected, "{paid} on {date}, late discount accepted: {accept}");
            let disallowed = receipt["allocations"][0]["flags"] == json!(["discount_disallowed"]);
            assert_eq!(disallowed, shown[1] != "0.00", "{receipt}");
        }
    }
    company.assert_laws();
}

/// Debit balance of an account.
fn trial(company: &Company, code: &str) -> rust_decimal::Decimal {
    let trial = company.get("/v1/trial-balance");
    let row = trial["data"].as_array().unwrap().iter().find(|row| row["account_code"] == code).cloned();
    row.map(|row| (dec(&row["debit"]) - dec(&row["credit"])).normalize()).unwrap_or_default()
}

#[test]
fn an_overpayment_beyond_the_tolerance_waits_and_is_never_more_than_the_invoice() {
    let company = Company::new();
    settings(&company, json!({"payment_tolerance_percent": "0.5", "payment_tolerance_amount": "5.00"}));
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-01", "2025-01-31", "1000.00");
    let receipt = pay(&company, &customer, "2025-01-10", "1050.00", to_invoice(&invoice, "1000.00"));
    assert_eq!((&receipt["totals"]["unapplied"], &receipt["status"]), (&json!("50.00"), &json!("partially_applied")));
    assert_eq!(balance_due(&company, &invoice), "0.00");
    let other = company.invoice(&customer, "2025-01-01", "2025-01-31", "1000.00");
    // Paid short for a reason: what is missing stays open, with the reason beside it.
    let short = pay(&company, &customer, "2025-01-10", "700.00", with(to_invoice(&other, "700.00"), json!({"difference_reason": "dispute"})));
    assert_eq!((&short["allocations"][0]["difference_reason"], balance_due(&company, &other).as_str()), (&json!("dispute"), "300.00"));
    let listed = company.get(&format!("/v1/allocations?source_id={}", id_of(&short)));
    assert_eq!(listed["data"][0]["difference_reason"], "dispute");
    let body = with(receipt_body(&customer, "2025-01-10", "1050.00"), json!({"allocations": [to_invoice(&other, "1050.00")]}));
    company.executive().post("/v1/receipts", &body).refused(422, "over_allocation");
    company.assert_laws();
}

#[test]
fn part_of_the_money_earns_part_of_the_discount_and_a_late_one_is_flagged() {
    let company = Company::new();
    settings(&company, json!({"partial_discount": true}));
    let customer = company.customer();
    let invoice = discounted(&company, &customer);
    let receipt = pay(&company, &customer, "2025-01-10", "490.00", to_invoice(&invoice, "490.00"));
    assert_eq!(balance_due(&company, &invoice), "500.00");
    // Taken back, the discount goes with it, in the past as it was.
    let before = company.get(&format!("/v1/customers/{customer}/ledger?to=2025-01-11"));
    let allocation = id_of(&receipt["allocations"][0]);
    company.controller().post(&format!("/v1/allocations/{allocation}/reverse"), &json!({"reversed_on": "2025-01-12", "reason": "Wrong invoice"})).expect(201);
    assert_eq!(balance_due(&company, &invoice), "1000.00");
    let after = company.get(&format!("/v1/customers/{customer}/ledger?to=2025-01-11"));
    assert_eq!((&before["data"], &before["closing_balance"]), (&after["data"], &after["closing_balance"]));
    // Another in time settles all of it; on the day after it is too late.
    let on_time = discounted(&company, &customer);
    pay(&company, &customer, "2025-01-15", "980.00", to_invoice(&on_time, "980.00"));
    assert_eq!(balance_due(&company, &on_time), "0.00");
    let late = discounted(&company, &customer);
    let receipt = pay(&company, &customer, "2025-01-16", "980.00", to_invoice(&late, "980.00"));
    assert_eq!((balance_due(&company, &late).as_str(), &receipt["allocations"][0]["flags"]), ("20.00", &json!(["discount_disallowed"])));
    company.assert_laws();
}

#[test]
fn a_granted_discount_alone_can_be_taken_back() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = discounted(&company, &customer);
    pay(&company, &customer, "2025-01-10", "980.00", to_invoice(&invoice, "980.00"));
    let listed = company.get(&format!("/v1/allocations?target_id={}&status=active", id_of(&invoice)));
    let granted = listed["data"].as_array().unwrap().iter().find(|a| a["kind"] == "discount").unwrap().clone();
    assert!(granted["because_of"].is_string(), "{granted}");
    let reversed = company
        .controller()
        .post(&format!("/v1/allocations/{}/reverse", id_of(&granted)), &json!({"reversed_on": "2025-01-11", "reason": "Not due"}))
        .expect(201);
    assert_eq!((&reversed["amount"], balance_due(&company, &invoice).as_str()), (&json!("-20.00"), "20.00"));
    company.assert_laws();
}

#[test]
fn unidentified_money_waits_outside_every_account_until_somebody_knows_whose_it_is() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let invoice = company.invoice(&customer, "2025-01-01", "2025-01-31", "1000.00");
    let body = with(receipt_body(&customer, "2025-01-10", "1000.00"), json!({"customer_id": null}));
    assert!(blames(&executive.post("/v1/receipts", &body).refused(422, "validation_failed"), "#/customer_id", "required"));
    let body = with(body, json!({"unidentified": true, "payer_name": "A C ME"}));
    let receipt = executive.post("/v1/receipts", &body).expect(201);
    assert_includes(&receipt, &json!({"status": "unidentified", "customer_id": null, "allowed_actions": ["identify", "reverse", "update"]}));
    assert_eq!((trial(&company, "2200").to_string(), trial(&company, "1100").to_string()), ("-1000".into(), "1000".into()));
    let source = json!({"source_type": "receipt", "source_id": receipt["id"], "targets": [to_invoice(&invoice, "1.00")]});
    executive.post("/v1/allocations", &source).refused(409, "invalid_state");
    assert_eq!(company.get("/v1/receipts?status=unidentified")["data"].as_array().unwrap().len(), 1);
    let path = format!("/v1/receipts/{}/identify", id_of(&receipt));
    let wanted = json!({"customer_id": customer, "identified_on": "2025-01-12", "allocations": [to_invoice(&invoice, "1000.00")]});
    executive.post(&path, &with(wanted.clone(), json!({"identified_on": "2025-01-09"}))).refused(422, "validation_failed");
    let known = executive.post(&path, &wanted).expect(200);
    assert_includes(&known, &json!({"status": "applied", "customer_id": customer, "identified_on": "2025-01-12", "posting_date": "2025-01-10"}));
    executive.post(&path, &wanted).refused(409, "invalid_state");
    assert_eq!(trial(&company, "2200").to_string(), "0");
    // As of the day between, nobody's.
    assert_eq!(company.get(&format!("/v1/customers/{customer}/open-items?as_of=2025-01-11"))["totals"]["balance"], "1000.00");
    // Taken back whole: both steps are mirrored.
    let reversed = company
        .controller()
        .post(&format!("/v1/receipts/{}/reverse", id_of(&receipt)), &json!({"reversed_on": "2025-01-20", "reason": "Sent back"}))
        .expect(200);
    assert_eq!((&reversed["status"], balance_due(&company, &invoice).as_str()), (&json!("reversed"), "1000.00"));
    assert_eq!((trial(&company, "1000").to_string(), trial(&company, "2200").to_string()), ("0".into(), "0".into()));
    company.assert_laws();
}

#[test]
fn a_post_dated_cheque_is_held_outside_the_books_until_its_day() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let invoice = company.invoice(&customer, "2025-01-01", "2025-01-31", "1000.00");
    let body = with(
        receipt_body(&customer, "2025-01-10", "1000.00"),
        json!({"method": "cheque", "cheque_number": "000123", "cheque_date": "2025-02-01", "allocations": [to_invoice(&invoice, "1000.00")]}),
    );
    executive.post("/v1/receipts", &with(body.clone(), json!({"method": "neft"}))).refused(422, "validation_failed");
    let held = executive.post("/v1/receipts", &body).expect(201);
    assert_includes(&held, &json!({"status": "held", "clearing": "received", "posting_date": null, "gl_journal_id": null}));
    assert_eq!(balance_due(&company, &invoice), "1000.00");
    let path = |step: &str| format!("/v1/receipts/{}/{step}", id_of(&held));
    executive.post(&path("deposit"), &json!({"deposited_on": "2025-01-31"})).refused(422, "validation_failed");
    executive.post(&path("clear"), &json!({})).refused(409, "invalid_state");
    let deposited = executive.post(&path("deposit"), &json!({"deposited_on": "2025-02-03"})).expect(200);
    assert_includes(&deposited, &json!({"status": "applied", "clearing": "deposited", "posting_date": "2025-02-03", "number": held["number"], "stale": true}));
    assert_eq!(balance_due(&company, &invoice), "0.00");
    assert_eq!(company.get(&format!("/v1/customers/{customer}/open-items?as_of=2025-02-02"))["totals"]["debit"], "1000.00");
    let cleared = executive.post(&path("clear"), &json!({"cleared_on": "2025-02-05"})).expect(200);
    assert_includes(&cleared, &json!({"clearing": "cleared", "stale": false}));
    executive.post(&path("deposit"), &json!({})).refused(409, "invalid_state");
    // A held cheque that is given back was never in the books.
    let other = executive.post("/v1/receipts", &with(body, json!({"external_id": fresh(), "utr": fresh(), "allocations": []}))).expect(201);
    let back = company.controller().post(&format!("/v1/receipts/{}/reverse", id_of(&other)), &json!({"reason": "Cheque returned to the customer"})).expect(200);
    assert_eq!((&back["status"], &back["gl_journal_id"]), (&json!("reversed"), &json!(null)));
    company.assert_laws();
}

#[test]
fn a_bounced_cheque_opens_everything_again_at_its_own_due_dates_and_charges_the_fee() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let first = company.invoice(&customer, "2025-01-01", "2025-01-11", "300.00");
    let second = company.invoice(&customer, "2025-01-02", "2025-02-01", "700.00");
    let third = discounted(&company, &customer);
    let targets = json!([to_invoice(&first, "300.00"), to_invoice(&second, "500.00"), to_invoice(&third, "980.00")]);
    let body = with(receipt_body(&customer, "2025-01-10", "1780.00"), json!({"method": "cheque", "allocations": targets}));
    let receipt = executive.post("/v1/receipts", &body).expect(201);
    assert_eq!([&first, &second, &third].map(|i| balance_due(&company, i)), ["0.00", "200.00", "0.00"].map(String::from));
    let past = company.get("/v1/reports/aging?as_of=2025-01-14");
    let path = format!("/v1/receipts/{}/bounce", id_of(&receipt));
    executive.post(&path, &json!({"bounced_on": "2025-01-09", "reason": "Funds insufficient"})).refused(422, "validation_failed");
    let bounced = executive.post(&path, &json!({"bounced_on": "2025-01-15", "reason": "Funds insufficient", "fee": "500.00"})).expect(200);
    assert_includes(&bounced, &json!({"status": "bounced", "clearing": "bounced", "ended_on": "2025-01-15", "allocations": [], "allowed_actions": []}));
    executive.post(&path, &json!({"reason": "Funds insufficient"})).refused(409, "invalid_state");
    assert_eq!([&first, &second, &third].map(|i| balance_due(&company, i)), ["300.00", "700.00", "1000.00"].map(String::from));
    // Aged by the original due dates; the fee is due at once.
    let aged = company.get("/v1/reports/aging?as_of=2025-02-10");
    let row = aged["data"].as_array().unwrap().iter().find(|row| row["customer_id"] == customer.as_str()).unwrap().clone();
    assert_eq!((&row["buckets"]["1-30"], &row["total"]), (&json!("2500.00"), &json!("2500.00")), "{row}");
    let fee = company.get(&format!("/v1/debit-notes/{}", bounced["fee_note_id"].as_str().unwrap()));
    assert_eq!((&fee["totals"]["grand_total"], &fee["totals"]["taxable_value"], &fee["due_date"]), (&json!("500.00"), &json!("500.00"), &json!("2025-01-15")));
    let again = company.get("/v1/reports/aging?as_of=2025-01-14");
    assert_eq!((&past["data"], &past["totals"]), (&again["data"], &again["totals"]));
    // Its reference may be presented again.
    executive.post("/v1/receipts", &with(body, json!({"external_id": fresh(), "receipt_date": "2025-01-20", "allocations": []}))).expect(201);
    let neft = company.receipt(&customer, "2025-01-10", "10.00", json!([]));
    executive.post(&format!("/v1/receipts/{}/bounce", id_of(&neft)), &json!({"reason": "Funds insufficient"})).refused(409, "invalid_state");
    company.assert_laws();
}

#[test]
fn a_parent_pays_for_its_children_and_for_nobody_else() {
    let company = Company::new();
    let (executive, parent) = (company.executive(), company.customer());
    let (one, two, stranger) = (company.customer(), company.customer(), company.customer());
    for child in [&one, &two] {
        let link = json!({"payer_id": parent, "valid_from": "2025-01-01", "valid_to": "2025-06-30"});
        executive.post(&format!("/v1/customers/{child}/payers"), &link).expect(201);
    }
    let invoices = [&one, &two, &stranger].map(|customer| company.invoice(customer, "2025-01-01", "2025-01-31", "400.00"));
    let both = json!([to_invoice(&invoices[0], "400.00"), to_invoice(&invoices[1], "300.00")]);
    let receipt = executive.post("/v1/receipts", &with(receipt_body(&parent, "2025-01-10", "1000.00"), json!({"allocations": both}))).expect(201);
    assert_eq!((&receipt["totals"]["unapplied"], receipt["allocations"].as_array().unwrap().len()), (&json!("300.00"), 2));
    let foreign = json!({"source_type": "receipt", "source_id": receipt["id"], "allocated_on": "2025-01-10", "targets": [to_invoice(&invoices[2], "1.00")]});
    executive.post("/v1/allocations", &foreign).refused(422, "customer_mismatch");
    let late = json!({"source_type": "receipt", "source_id": receipt["id"], "allocated_on": "2025-07-01", "targets": [to_invoice(&invoices[1], "100.00")]});
    executive.post("/v1/allocations", &late).refused(422, "customer_mismatch");
    let closing = |customer: &str| company.get(&format!("/v1/customers/{customer}/ledger"))["closing_balance"].as_str().unwrap().to_owned();
    assert_eq!([&parent, &one, &two].map(|c| closing(c)), ["-300.00", "0.00", "100.00"].map(String::from));
    let allocation = id_of(&receipt["allocations"][0]);
    company.controller().post(&format!("/v1/allocations/{allocation}/reverse"), &json!({"reversed_on": "2025-01-20", "reason": "Other child"})).expect(201);
    assert_eq!([&parent, &one, &two].map(|c| closing(c)), ["-700.00", "400.00", "100.00"].map(String::from));
    company.assert_laws();
}

#[test]
fn dollars_settle_at_their_own_rates_and_leave_no_rupee_open() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let body = with(invoice_body(&customer, "2025-01-01", "1000.00"), json!({"currency": "USD", "exchange_rate": "83.00", "due_date": "2025-01-31"}));
    let invoice = executive.post("/v1/invoices", &body).expect(201);
    let open = &company.get(&format!("/v1/customers/{customer}/open-items?as_of=2025-01-05"))["data"][0];
    assert_includes(open, &json!({"open_amount": "83000.00", "document_currency": "USD", "document_open_amount": "1000.00"}));
    let dollars = |date: &str, amount: &str, rate: &str| {
        let money = json!({"currency": "USD", "exchange_rate": rate, "allocations": [to_invoice(&invoice, amount)]});
        executive.post("/v1/receipts", &with(receipt_body(&customer, date, amount), money)).expect(201)
    };
    let first = dollars("2025-01-10", "600.00", "84.00");
    assert_eq!((trial(&company, "4800").to_string(), trial(&company, "5400").to_string()), ("-600".into(), "0".into()));
    dollars("2025-01-20", "400.00", "82.50");
    assert_eq!((trial(&company, "4800").to_string(), trial(&company, "5400").to_string()), ("-600".into(), "200".into()));
    assert_eq!((balance_due(&company, &invoice).as_str(), trial(&company, "1100").to_string().as_str()), ("0.00", "0"));
    let rows = company.sql("SELECT open_amount::text AS open, open_base::text AS base FROM open_item_balance WHERE company_id = {c}");
    assert!(rows.iter().all(|row| dec(&row["open"]).is_zero() && dec(&row["base"]).is_zero()), "{rows:?}");
    // Taken back in the other order, gain and loss go too.
    let allocation = id_of(&first["allocations"][0]);
    company.controller().post(&format!("/v1/allocations/{allocation}/reverse"), &json!({"reversed_on": "2025-01-25", "reason": "Other invoice"})).expect(201);
    assert_eq!(
        (trial(&company, "4800").to_string(), trial(&company, "5400").to_string(), trial(&company, "1100").to_string()),
        ("0".into(), "200".into(), "-600".into())
    );
    // Rupees for what is owed in dollars: both legs are kept.
    let rupees = json!({"settlement_currency": "USD", "settlement_amount": "600.00", "allocations": [to_invoice(&invoice, "600.00")]});
    let receipt = executive.post("/v1/receipts", &with(receipt_body(&customer, "2025-01-26", "50700.00"), rupees)).expect(201);
    assert_includes(&receipt, &json!({"currency": "INR", "amount_received": "50700.00", "settlement_amount": "600.00", "status": "applied"}));
    assert_eq!(dec(&receipt["exchange_rate"]), "84.5".parse().unwrap());
    assert_eq!(trial(&company, "4800").to_string(), "-900");
    company.assert_laws();
}

#[test]
fn money_in_another_currency_does_not_settle_and_needs_a_rate() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let invoice = company.invoice(&customer, "2025-01-01", "2025-01-31", "1000.00");
    let dollars = with(receipt_body(&customer, "2025-01-10", "10.00"), json!({"currency": "USD"}));
    executive.post("/v1/receipts", &dollars).refused(422, "exchange_rate_missing");
    let priced = with(dollars, json!({"exchange_rate": "83", "allocations": [to_invoice(&invoice, "10.00")]}));
    executive.post("/v1/receipts", &priced).refused(422, "currency_mismatch");
    let yen = with(receipt_body(&customer, "2025-01-10", "10.50"), json!({"currency": "JPY", "exchange_rate": "0.55"}));
    executive.post("/v1/receipts", &yen).refused(422, "amount_precision");
    let dinar = with(receipt_body(&customer, "2025-01-10", "10.125"), json!({"currency": "KWD", "exchange_rate": "271.125"}));
    let dinar = executive.post("/v1/receipts", &dinar).expect(201);
    assert_eq!((&dinar["amount_received"], trial(&company, "1000").to_string().as_str()), (&json!("10.125"), "2745.14"));
    let tiny = with(receipt_body(&customer, "2025-01-10", "0.01"), json!({"currency": "IDR", "exchange_rate": "0.005"}));
    executive.post("/v1/receipts", &tiny).refused(422, "amount_too_small");
    company.assert_laws();
}

#[test]
fn a_reversal_by_one_who_may_only_ask_waits_for_a_controller() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let receipt = company.receipt(&customer, "2025-01-10", "100.00", json!([]));
    let path = format!("/v1/receipts/{}", id_of(&receipt));
    let wanted = json!({"reversed_on": "2025-01-12", "reason": "Posted twice"});
    let asked = executive.post(&format!("{path}/reverse"), &wanted).expect(202);
    assert_eq!(company.get(&path)["status"], "unapplied");
    let approve = |approval: &Value| {
        let path = format!("/v1/approvals/{}/approve", approval["approval_id"].as_str().unwrap());
        company.controller().change("POST", &path, "\"v1\"", &json!({}))
    };
    executive.post(&format!("{path}/reverse"), &wanted).refused(409, "approval_pending");
    company.as_role("collector").post(&format!("{path}/reverse"), &wanted).refused(403, "permission_denied");
    assert_eq!(approve(&asked).expect(200)["status"], "approved");
    assert_eq!(company.get(&path)["status"], "reversed");
    // What changed after it was asked for is not approved.
    let other = company.receipt(&customer, "2025-01-10", "100.00", json!([]));
    let path = format!("/v1/receipts/{}", id_of(&other));
    let asked = executive.post(&format!("{path}/reverse"), &wanted).expect(202);
    let invoice = company.invoice(&customer, "2025-01-01", "2025-01-31", "40.00");
    let placed = json!({"source_type": "receipt", "source_id": other["id"], "allocated_on": "2025-01-11", "targets": [to_invoice(&invoice, "40.00")]});
    executive.post("/v1/allocations", &placed).expect(201);
    approve(&asked).refused(409, "approval_stale");
    assert_eq!(company.get(&path)["status"], "partially_applied");
    company.assert_laws();
}

#[test]
fn the_middle_one_of_three_allocations_is_taken_back_alone() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-01", "2025-01-31", "600.00");
    let receipts = ["100.00", "200.00", "300.00"].map(|amount| company.receipt(&customer, "2025-01-10", amount, json!([to_invoice(&invoice, amount)])));
    let middle = id_of(&receipts[1]["allocations"][0]);
    company.controller().post(&format!("/v1/allocations/{middle}/reverse"), &json!({"reversed_on": "2025-01-15", "reason": "Not this one"})).expect(201);
    assert_eq!(balance_due(&company, &invoice), "200.00");
    for (receipt, unapplied) in receipts.iter().zip(["0.00", "200.00", "0.00"]) {
        assert_eq!(company.get(&format!("/v1/receipts/{}", id_of(receipt)))["totals"]["unapplied"], unapplied);
    }
    company.assert_laws();
}

#[test]
fn a_late_receipt_is_posted_on_the_first_open_day_and_keeps_its_own_date() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let invoice = company.invoice(&customer, "2025-01-02", "2025-01-31", "100.00");
    company.controller().change("POST", "/v1/periods/2025-01/close", "*", &json!({"level": "soft"})).expect(200);
    let body = with(receipt_body(&customer, "2025-01-30", "100.00"), json!({"allocations": [to_invoice(&invoice, "100.00")]}));
    executive.post("/v1/receipts", &body).refused(409, "period_closed");
    let late = executive.post("/v1/receipts", &with(body, json!({"post_late": true}))).expect(201);
    assert_includes(&late, &json!({"receipt_date": "2025-01-30", "value_date": "2025-01-30", "posting_date": "2025-02-01", "period": "2025-02"}));
    assert_eq!(company.get(&format!("/v1/customers/{customer}/open-items?as_of=2025-01-31"))["totals"]["debit"], "100.00");
    assert_eq!(balance_due(&company, &invoice), "0.00");
    company.assert_laws();
}

#[test]
fn what_a_payment_of_money_and_tax_earned_goes_with_either_of_them() {
    for part in ["cash", "tds"] {
        let company = Company::new();
        let customer = company.customer();
        let invoice = discounted(&company, &customer);
        let body = with(
            receipt_body(&customer, "2025-01-10", "900.00"),
            json!({"deductions": [{"kind": "tds", "amount": "80.00"}], "allocations": [to_invoice(&invoice, "980.00")]}),
        );
        let receipt = company.executive().post("/v1/receipts", &body).expect(201);
        assert_eq!(balance_due(&company, &invoice), "0.00");
        let row = receipt["allocations"].as_array().unwrap().iter().find(|a| a["kind"] == part).unwrap().clone();
        company
            .controller()
            .post(&format!("/v1/allocations/{}/reverse", id_of(&row)), &json!({"reversed_on": "2025-01-11", "reason": "Not this one"}))
            .expect(201);
        let open = dec(&row["amount"]) + dec(&json!("20.00"));
        assert_eq!(dec(&json!(balance_due(&company, &invoice))), open, "the discount goes with the {part}");
        company.assert_laws();
    }
}

#[test]
fn a_payer_keeps_so_much_as_discount_and_no_more_without_a_second_person() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let machine = company.as_machine(&["receipts:write"]);
    let invoice = company.invoice(&customer, "2025-01-01", "2025-01-31", "900000.00");
    let keeps = |amount: &str, kind: &str| {
        let deductions = json!({"deductions": [{"kind": kind, "amount": amount}], "allocations": [to_invoice(&invoice, amount)]});
        with(receipt_body(&customer, "2025-01-10", "0"), deductions)
    };
    executive.post("/v1/receipts", &keeps("500000.01", "discount")).refused(403, "approval_limit_exceeded");
    executive.post("/v1/receipts", &keeps("300000.00", "discount")).expect(201);
    // Splitting does not help, nor another name for it.
    executive.post("/v1/receipts", &keeps("200000.01", "charges")).refused(403, "approval_limit_exceeded");
    machine.post("/v1/receipts", &keeps("500000.01", "discount")).refused(403, "approval_limit_exceeded");
    assert_eq!(balance_due(&company, &invoice), "600000.00");
    company.assert_laws();
}

#[test]
fn a_stated_rate_lies_near_a_known_one() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    company.controller().post("/v1/exchange-rates", &json!({"currency": "USD", "rate_date": "2025-01-09", "rate": "83.00"})).expect(201);
    let dollars = |rate: &str| with(receipt_body(&customer, "2025-01-10", "10.00"), json!({"currency": "USD", "exchange_rate": rate}));
    executive.post("/v1/receipts", &dollars("0.01")).refused(422, "exchange_rate_implausible");
    executive.post("/v1/receipts", &dollars("99999999.5")).refused(422, "validation_failed");
    executive.post("/v1/receipts", &dollars("84.00")).expect(201);
    let rupees = |amount: &str| with(receipt_body(&customer, "2025-01-10", amount), json!({"settlement_currency": "USD", "settlement_amount": "1000.00"}));
    executive.post("/v1/receipts", &rupees("1.00")).refused(422, "exchange_rate_implausible");
    executive.post("/v1/receipts", &rupees("83500.00")).expect(201);
    let home = with(dollars("83.00"), json!({"settlement_currency": "INR", "settlement_amount": "1.00"}));
    assert!(blames(&executive.post("/v1/receipts", &home).refused(422, "validation_failed"), "#/settlement_amount", "settlement_mismatch"));
    executive.post("/v1/receipts", &with(home, json!({"settlement_amount": "830.00"}))).expect(201);
    company.assert_laws();
}

#[test]
fn a_cheque_goes_forward_only_and_no_bank_pays_a_stale_one() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let cheque = |date: &str| with(receipt_body(&customer, "2025-01-10", "100.00"), json!({"method": "cheque", "cheque_date": date}));
    let step = |receipt: &Value, step: &str, body: Value| executive.post(&format!("/v1/receipts/{}/{step}", id_of(receipt)), &body);
    let cleared = executive.post("/v1/receipts", &cheque("2025-01-10")).expect(201);
    step(&cleared, "deposit", json!({"deposited_on": "2025-01-12"})).expect(200);
    step(&cleared, "bounce", json!({"bounced_on": "2025-01-11", "reason": "Funds insufficient"})).refused(422, "validation_failed");
    step(&cleared, "clear", json!({"cleared_on": "2025-01-13"})).expect(200);
    step(&cleared, "bounce", json!({"bounced_on": "2025-01-14", "reason": "Funds insufficient"})).refused(409, "invalid_state");
    let back = format!("UPDATE receipt SET clearing = 'deposited', version = version + 1 WHERE id = '{}'", id_of(&cleared));
    assert!(Db::app().commit_in(&company.id, &back).unwrap_err().contains("never changes"));
    let stale = executive.post("/v1/receipts", &cheque("2025-02-01")).expect(201);
    let problem = step(&stale, "deposit", json!({"deposited_on": "2025-05-02"})).refused(422, "validation_failed");
    assert!(blames(&problem, "#/deposited_on", "cheque_stale"), "{problem}");
    step(&stale, "deposit", json!({"deposited_on": "2025-05-01"})).expect(200);
    let nowhere = with(cheque("2025-02-01"), json!({"allocations": [{"target_type": "invoice", "target_id": uuid::Uuid::now_v7(), "amount": "1.00"}]}));
    executive.post("/v1/receipts", &nowhere).refused(404, "not_found");
    company.assert_laws();
}

#[test]
fn a_held_foreign_cheque_is_worth_what_its_currency_is_on_the_day_of_its_deposit() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    for (day, rate) in [("2025-01-10", "90.00"), ("2025-01-20", "100.00")] {
        company.controller().post("/v1/exchange-rates", &json!({"currency": "EUR", "rate_date": day, "rate": rate})).expect(201);
    }
    let body = with(receipt_body(&customer, "2025-01-10", "10.00"), json!({"currency": "EUR", "method": "cheque", "cheque_date": "2025-01-20"}));
    let held = executive.post("/v1/receipts", &body).expect(201);
    let deposited = executive.post(&format!("/v1/receipts/{}/deposit", id_of(&held)), &json!({"deposited_on": "2025-01-20"})).expect(200);
    assert_eq!((&deposited["exchange_rate"], trial(&company, "1000").to_string().as_str()), (&json!("100.00"), "1000"));
    company.assert_laws();
}

#[test]
fn a_bank_reference_is_one_whether_the_account_is_named_or_not() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let account = company.get("/v1/bank-accounts")["data"][0]["id"].clone();
    let body = receipt_body(&customer, "2025-01-10", "100.00");
    let first = executive.post("/v1/receipts", &body).expect(201);
    assert_eq!(first["bank_account_id"], account);
    let again = with(body, json!({"external_id": fresh(), "bank_account_id": account}));
    executive.post("/v1/receipts", &again).refused(409, "duplicate_receipt");
    company.assert_laws();
}
