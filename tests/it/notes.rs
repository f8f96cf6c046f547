//! Credit and debit notes over HTTP: domain.md 3.2, the cases 14 and 15 of 3.21, CGST Act s.34.

use crate::rig::*;
use serde_json::{Value, json};

/// An issued invoice of one line at 18 %, and what it is due for.
fn taxed(company: &Company, customer: &str, date: &str, net: &str) -> Value {
    let body = with(invoice_body(customer, date, net), json!({"lines": [line(net, "18")]}));
    company.executive().post("/v1/invoices", &body).expect(201)
}

fn credit(company: &Company, invoice: &Value, date: &str, net: &str, extra: Value) -> Reply {
    company.controller().post("/v1/credit-notes", &with(with(note_body(invoice, date, net), json!({"lines": [line(net, "18")]})), extra))
}

fn again(company: &Company, kind: &str, document: &Value) -> Value {
    company.get(&format!("/v1/{kind}/{}", id_of(document)))
}

/// Debit less credit of an account.
fn balance(company: &Company, name: &str) -> String {
    let trial = company.get(&format!("/v1/trial-balance?as_of={}", today()));
    let row = trial["data"].as_array().unwrap().iter().find(|row| row["account_name"] == name).cloned();
    row.map_or("0".to_owned(), |row| (dec(&row["debit"]) - dec(&row["credit"])).normalize().to_string())
}

#[test]
fn a_credit_note_above_what_is_open_settles_that_and_stays_open_with_the_rest() {
    // Case 14: 118,000 with 60,000 paid, a note of 70,800.
    let company = Company::new();
    let customer = company.customer();
    let invoice = taxed(&company, &customer, "2025-04-10", "100000.00");
    company.receipt(&customer, "2025-04-20", "60000.00", json!([to_invoice(&invoice, "60000.00")]));
    let reply = credit(&company, &invoice, "2025-05-01", "60000.00", json!({"customer_id": customer}));
    assert_eq!(reply.header("etag"), Some("\"v2\""));
    let note = reply.expect(201);
    assert_includes(&note["totals"], &json!({"taxable_value": "60000.00", "cgst": "5400.00", "sgst": "5400.00", "igst": "0.00", "grand_total": "70800.00"}));
    assert_eq!(note["amounts"], json!({"applied": "58000.00", "refunded": "0.00", "left_open": "12800.00"}), "{note}");
    assert_includes(
        &note,
        &json!({"object": "credit_note", "status": "issued", "application_status": "partially_applied", "tax_effect": "gst", "note_date": "2025-05-01",
                "original_invoice_id": invoice["id"], "original_invoice_number": invoice["number"], "original_invoice_date": "2025-04-10", "place_of_supply_basis": "original"}),
    );
    let allocation = &note["allocations"][0];
    assert_eq!((&allocation["rule"], &allocation["kind"], &allocation["amount"]), (&json!("original"), &json!("credit"), &json!("58000.00")), "{note}");
    assert!(note["number"].as_str().unwrap().starts_with("CN/25-26/"), "{note}");
    assert_eq!(again(&company, "credit-notes", &note), note);
    let settled = again(&company, "invoices", &invoice);
    assert_eq!(
        (&settled["payment_status"], &settled["amounts"]["allocated_credit"], &settled["amounts"]["balance_due"]),
        (&json!("paid"), &json!("58000.00"), &json!("0.00"))
    );
    let open = company.get(&format!("/v1/customers/{customer}/open-items?as_of=2025-05-01"));
    assert_eq!(open["totals"], json!({"debit": "0.00", "credit": "12800.00", "balance": "-12800.00"}), "{open}");
    let before = company.get(&format!("/v1/customers/{customer}/open-items?as_of=2025-04-30"));
    assert_eq!(before["totals"]["debit"], "58000.00", "{before}");
    assert_eq!(
        ["Sales", "Sales returns", "Output CGST", "Output SGST/UTGST", "Accounts receivable"].map(|name| balance(&company, name)),
        ["-100000", "60000", "-3600", "-3600", "-12800"]
    );
    company.assert_laws();
}

#[test]
fn a_credit_note_against_a_paid_invoice_leaves_it_settled() {
    // Case 15, as far as the note goes.
    let company = Company::new();
    let customer = company.customer();
    let invoice = taxed(&company, &customer, "2025-04-10", "1000.00");
    company.receipt(&customer, "2025-04-20", "1180.00", json!([to_invoice(&invoice, "1180.00")]));
    let paid = again(&company, "invoices", &invoice);
    let note = credit(&company, &invoice, "2025-05-01", "500.00", json!({})).expect(201);
    assert_eq!(
        (&note["amounts"]["applied"], &note["amounts"]["left_open"], &note["application_status"]),
        (&json!("0.00"), &json!("590.00"), &json!("unapplied"))
    );
    assert_eq!(again(&company, "invoices", &invoice), paid);
    company.assert_laws();
}

#[test]
fn a_credit_note_settles_the_oldest_instalment_first_or_nothing_when_asked() {
    let company = Company::new();
    let customer = company.customer();
    let terms = json!({"code": "HALVES", "name": "Two halves", "instalments": [{"share": "50", "days": 30}, {"share": "50", "days": 60}]});
    let terms = company.controller().post("/v1/payment-terms", &terms).expect(201);
    let body = with(invoice_body(&customer, "2025-01-01", "1000.00"), json!({"payment_terms_id": terms["id"]}));
    let invoice = company.executive().post("/v1/invoices", &body).expect(201);
    let held =
        company.controller().post("/v1/credit-notes", &with(note_body(&invoice, "2025-01-05", "100.00"), json!({"apply_to_original": false}))).expect(201);
    assert_eq!((&held["amounts"]["left_open"], &held["allocations"]), (&json!("100.00"), &json!([])));
    let note = company.controller().post("/v1/credit-notes", &note_body(&invoice, "2025-01-05", "600.00")).expect(201);
    assert_eq!((&note["amounts"]["applied"], &note["application_status"]), (&json!("600.00"), &json!("applied")));
    let amounts: Vec<_> = note["allocations"].as_array().unwrap().iter().map(|a| a["amount"].as_str().unwrap()).collect();
    assert_eq!(amounts, ["500.00", "100.00"]);
    assert_eq!(again(&company, "invoices", &invoice)["amounts"]["balance_due"], "400.00");
    company.assert_laws();
}

#[test]
fn credit_notes_never_exceed_their_invoice_however_many_come_at_once() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-04-10", "2025-05-10", "1000.00");
    let controller = company.controller();
    controller.post("/v1/credit-notes", &note_body(&invoice, "2025-04-11", "1000.01")).refused(422, "credit_exceeds_original");
    let draft = controller.post("/v1/credit-notes", &with(note_body(&invoice, "2025-04-11", "400.00"), json!({"issue": false}))).expect(201);
    let made = in_parallel(8, 8, |_| controller.post("/v1/credit-notes", &note_body(&invoice, "2025-04-11", "300.00")));
    assert_eq!(made.iter().filter(|reply| reply.status == 201).count(), 3);
    for reply in made.into_iter().filter(|reply| reply.status != 201) {
        let problem = reply.refused(422, "credit_exceeds_original");
        assert!(blames(&problem, "#/lines", "credit_exceeds_original"), "{problem}");
    }
    // A draft made before is held against what is left when it is issued.
    let path = format!("/v1/credit-notes/{}/issue", id_of(&draft));
    controller.change("POST", &path, "\"v1\"", &json!({})).refused(422, "credit_exceeds_original");
    assert_eq!(again(&company, "invoices", &invoice)["amounts"]["balance_due"], "100.00");
    company.assert_laws();
}

#[test]
fn tax_on_a_note_is_that_of_the_invoice_and_not_of_its_own_day() {
    // The rate of 12 went on 22 September 2025; the invoice of August keeps it, and so does its note.
    let company = Company::new();
    let customer = company.customer();
    let goods = json!({"description": "Printers", "hsn_code": "84433210", "quantity": "10", "unit": "NOS", "unit_price": "100.00", "tax_rate": "12"});
    let body = with(invoice_body(&customer, "2025-08-20", "1.00"), json!({"place_of_supply": "29", "lines": [goods]}));
    let invoice = company.executive().post("/v1/invoices", &body).expect(201);
    assert_eq!(invoice["totals"]["igst"], "120.00");
    // Everything but quantity and price is the invoice's.
    let returned = json!({"lines": [{"quantity": "2", "unit_price": "100.00"}]});
    let note = company.controller().post("/v1/credit-notes", &with(note_body(&invoice, "2025-11-05", "1.00"), returned)).expect(201);
    assert_includes(&note["totals"], &json!({"taxable_value": "200.00", "igst": "24.00", "cgst": "0.00", "grand_total": "224.00"}));
    assert_includes(&note["lines"][0], &json!({"description": "Printers", "hsn_code": "84433210", "tax_rate": "12.00", "is_service": false, "unit": "NOS"}));
    assert_eq!((&note["place_of_supply"], &note["supply_type"], &note["seller_gstin"]), (&json!("29"), &invoice["supply_type"], &invoice["seller_gstin"]));
    // Today's rate is not the invoice's.
    let today_rate = json!({"lines": [line("100.00", "18")]});
    let problem =
        company.controller().post("/v1/credit-notes", &with(note_body(&invoice, "2025-11-05", "1.00"), today_rate)).refused(422, "note_rate_mismatch");
    assert!(blames(&problem, "#/lines/0/tax_rate", "note_rate_mismatch"), "{problem}");
    // A free note has rates of its own day.
    let free = with(
        invoice_body(&customer, "2025-11-05", "1.00"),
        json!({"invoice_date": null, "note_date": "2026-03-05", "reason_code": "other", "free": true, "lines": [line("100.00", "12")]}),
    );
    let _ = company.controller().post("/v1/credit-notes", &free).expect(201);
    company.assert_laws();
}

#[test]
fn a_line_that_could_mean_several_rates_must_say_which() {
    let company = Company::new();
    let customer = company.customer();
    let two = json!({"lines": [line("100.00", "5"), line("100.00", "18"), {"description": "Rent", "hsn_code": "997212", "quantity": "1", "unit_price": "50.00", "tax_rate": "18"}]});
    let invoice = company.executive().post("/v1/invoices", &with(invoice_body(&customer, "2025-04-10", "1.00"), two)).expect(201);
    let note = |lines: Value| company.controller().post("/v1/credit-notes", &with(note_body(&invoice, "2025-04-11", "1.00"), json!({"lines": lines})));
    let problem = note(json!([{"quantity": "1", "unit_price": "10.00", "hsn_code": "998313"}])).refused(422, "validation_failed");
    assert!(blames(&problem, "#/lines/0/tax_rate", "required"), "{problem}");
    // The HSN decides, or the rate.
    let by_hsn = note(json!([{"quantity": "1", "unit_price": "10.00", "hsn_code": "997212"}])).expect(201);
    assert_eq!((&by_hsn["lines"][0]["description"], &by_hsn["totals"]["grand_total"]), (&json!("Rent"), &json!("11.80")));
    let by_rate = note(json!([{"quantity": "1", "unit_price": "10.00", "tax_rate": "5"}])).expect(201);
    assert_eq!((&by_rate["lines"][0]["hsn_code"], &by_rate["totals"]["grand_total"]), (&json!("998313"), &json!("10.50")));
    company.assert_laws();
}

#[test]
fn after_the_30_november_a_credit_note_moves_money_only() {
    // CGST Act s.34(2): an invoice of March 2024 belongs to 2023-24, whose last day is 30 November 2024.
    let company = Company::new();
    let customer = company.customer();
    let invoice = taxed(&company, &customer, "2024-03-20", "1000.00");
    let late = |date: &str, extra: Value| credit(&company, &invoice, date, "100.00", extra);
    let in_time = late("2024-11-30", json!({})).expect(201);
    assert_eq!((&in_time["tax_effect"], &in_time["totals"]["grand_total"]), (&json!("gst"), &json!("118.00")));
    let financial = late("2024-12-01", json!({})).expect(201);
    assert_includes(&financial, &json!({"tax_effect": "financial", "status": "issued"}));
    assert_includes(&financial["totals"], &json!({"taxable_value": "100.00", "cgst": "0.00", "sgst": "0.00", "grand_total": "100.00"}));
    let problem = late("2024-12-01", json!({"tax_effect": "gst"})).refused(422, "credit_note_window_passed");
    assert!(blames(&problem, "#/tax_effect", "credit_note_window_passed"), "{problem}");
    // Asked for at any time; prices that include tax are credited whole.
    let inclusive = with(line("118.00", "18"), json!({"tax_inclusive": true}));
    let asked = late("2024-04-01", json!({"tax_effect": "financial", "lines": [inclusive]})).expect(201);
    assert_includes(&asked["totals"], &json!({"taxable_value": "118.00", "cgst": "0.00", "grand_total": "118.00"}));
    assert_eq!(["Sales returns", "Output CGST"].map(|name| balance(&company, name)), ["318", "-81"]);
    // A debit note has no last day (s.34(3)).
    let more = with(note_body(&invoice, "2025-06-01", "1.00"), json!({"lines": [line("50.00", "18")]}));
    let more = company.controller().post("/v1/debit-notes", &more).expect(201);
    assert_eq!((&more["tax_effect"], &more["totals"]["grand_total"]), (&json!("gst"), &json!("59.00")));
    company.assert_laws();
}

#[test]
fn a_debit_note_falls_due_by_itself_or_with_its_invoice() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-04-10", "2025-06-10", "1000.00");
    let debit = |extra: Value| company.controller().post("/v1/debit-notes", &with(note_body(&invoice, "2025-04-20", "50.00"), extra)).expect(201);
    let inherits = debit(json!({}));
    assert_includes(
        &inherits,
        &json!({"object": "debit_note", "status": "issued", "due_date": "2025-06-10", "payment_status": "unpaid", "original_invoice_id": invoice["id"]}),
    );
    assert!(inherits["number"].as_str().unwrap().starts_with("DN/25-26/"), "{inherits}");
    assert_eq!(debit(json!({"due_date": "2025-05-20"}))["due_date"], "2025-05-20");
    let past = company.controller().post("/v1/debit-notes", &note_body(&invoice, "2025-07-01", "50.00")).expect(201);
    assert_eq!(past["due_date"], "2025-07-01");
    assert_eq!(balance(&company, "Accounts receivable"), "1150");
    let found = company.get(&format!("/v1/debit-notes?original_invoice_id={}&sort=note_date&include_total=true", id_of(&invoice)));
    assert_eq!((&found["page"]["total"], &found["data"][2]["left_open"]), (&json!(3), &json!("50.00")), "{found}");
    assert_eq!(company.get("/v1/invoices?include_total=true")["page"]["total"], 1);
    company.assert_laws();
}

#[test]
fn a_draft_note_is_changed_issued_and_deleted_and_stands_nowhere_before() {
    let company = Company::new();
    let (customer, controller) = (company.customer(), company.controller());
    let invoice = taxed(&company, &customer, "2025-04-10", "1000.00");
    let executive = company.executive();
    let body = with(note_body(&invoice, "2025-04-12", "1.00"), json!({"issue": false, "lines": [line("100.00", "18")]}));
    let draft = executive.post("/v1/credit-notes", &body).expect(201);
    assert_includes(&draft, &json!({"status": "draft", "number": null, "application_status": "unapplied", "customer_id": customer, "gl_journal_id": null}));
    assert_eq!(draft["amounts"], json!({"applied": "0.00", "refunded": "0.00", "left_open": "0.00"}));
    let path = format!("/v1/credit-notes/{}", id_of(&draft));
    let changed = executive.change("PATCH", &path, "\"v1\"", &json!({"lines": [line("200.00", "18")], "reason_code": "post_sale_discount"})).expect(200);
    assert_eq!((&changed["totals"]["grand_total"], &changed["reason_code"], &changed["version"]), (&json!("236.00"), &json!("post_sale_discount"), &json!(2)));
    executive.change("PATCH", &path, "\"v1\"", &json!({})).refused(412, "version_mismatch");
    controller.change("POST", &format!("{path}/issue"), "\"v2\"", &json!({"expected_total": "236.01"})).refused(422, "total_mismatch");
    let issued = controller.change("POST", &format!("{path}/issue"), "\"v2\"", &json!({"expected_total": "236.00"})).expect(200);
    assert_eq!((&issued["status"], &issued["amounts"]["applied"]), (&json!("issued"), &json!("236.00")));
    executive.change("PATCH", &path, "*", &json!({})).refused(409, "invalid_state");
    executive.change("DELETE", &path, "*", &Value::Null).refused(409, "invalid_state");
    let other = executive.post("/v1/debit-notes", &with(body, json!({"external_id": fresh()}))).expect(201);
    let path = format!("/v1/debit-notes/{}", id_of(&other));
    executive.change("DELETE", &path, "\"v1\"", &Value::Null).expect(200);
    executive.get(&path).refused(404, "not_found");
    company.assert_laws();
}

#[test]
fn a_cancelled_credit_note_opens_what_it_settled_and_frees_its_credit() {
    let company = Company::new();
    let (customer, controller) = (company.customer(), company.controller());
    let invoice = taxed(&company, &customer, "2025-04-10", "1000.00");
    let note = credit(&company, &invoice, "2025-04-20", "1000.00", json!({})).expect(201);
    assert_eq!(again(&company, "invoices", &invoice)["payment_status"], "paid");
    let path = format!("/v1/credit-notes/{}", id_of(&note));
    controller
        .change("POST", &format!("{path}/cancel"), "\"v2\"", &json!({"reason": "Goods came back sound", "cancelled_on": "2025-04-19"}))
        .refused(422, "validation_failed");
    let cancelled =
        controller.change("POST", &format!("{path}/cancel"), "\"v2\"", &json!({"reason": "Goods came back sound", "cancelled_on": "2025-05-02"})).expect(200);
    assert_includes(
        &cancelled,
        &json!({"status": "cancelled", "number": note["number"], "application_status": "unapplied", "cancelled_on": "2025-05-02", "allocations": []}),
    );
    assert_eq!(cancelled["amounts"], json!({"applied": "0.00", "refunded": "0.00", "left_open": "0.00"}));
    let reopened = again(&company, "invoices", &invoice);
    assert_eq!(
        (&reopened["payment_status"], &reopened["amounts"]["balance_due"], &reopened["due_date"]),
        (&json!("unpaid"), &json!("1180.00"), &invoice["due_date"])
    );
    for (day, debit) in [("2025-04-19", "1180.00"), ("2025-04-20", "0.00"), ("2025-05-01", "0.00"), ("2025-05-02", "1180.00")] {
        let open = company.get(&format!("/v1/customers/{customer}/open-items?as_of={day}"));
        assert_eq!((&open["totals"]["debit"], &open["totals"]["credit"]), (&json!(debit), &json!("0.00")), "{day}");
    }
    controller.change("POST", &format!("{path}/cancel"), "*", &json!({"reason": "Once more"})).refused(409, "invalid_state");
    // The invoice can be credited in full again, and a debit note is cancelled like an invoice.
    credit(&company, &invoice, "2025-05-03", "1000.00", json!({})).expect(201);
    let debit = controller.post("/v1/debit-notes", &with(note_body(&invoice, "2025-05-03", "1.00"), json!({"lines": [line("10.00", "18")]}))).expect(201);
    let done = controller.change("POST", &format!("/v1/debit-notes/{}/cancel", id_of(&debit)), "*", &json!({"reason": "Not agreed"})).expect(200);
    assert_eq!((&done["status"], &done["amounts"]["balance_due"]), (&json!("cancelled"), &json!("0.00")));
    assert_eq!(balance(&company, "Accounts receivable"), "0");
    company.assert_laws();
}

#[test]
fn notes_that_do_not_fit_their_invoice_are_refused_with_every_fault() {
    let company = Company::new();
    let (customer, stranger, controller) = (company.customer(), company.customer(), company.controller());
    let invoice = taxed(&company, &customer, "2025-04-10", "1000.00");
    let draft = company.executive().post("/v1/invoices", &with(invoice_body(&customer, "2025-04-10", "10.00"), json!({"issue": false}))).expect(201);
    let before = company.fingerprint();
    let refused = |extra: Value| {
        controller.post("/v1/credit-notes", &with(with(note_body(&invoice, "2025-04-12", "1.00"), json!({"lines": [line("1.00", "18")]})), extra))
    };
    let several =
        json!({"customer_id": stranger, "note_date": "2025-04-09", "place_of_supply": "29", "supply_type": "EXPWP", "reverse_charge": true, "free": true});
    let problem = refused(several).refused(422, "validation_failed");
    for (pointer, code) in [
        ("#/customer_id", "customer_mismatch"),
        ("#/note_date", "before_original"),
        ("#/place_of_supply", "place_of_supply_mismatch"),
        ("#/supply_type", "supply_type_mismatch"),
        ("#/reverse_charge", "reverse_charge_mismatch"),
        ("#/free", "note_not_free"),
    ] {
        assert!(blames(&problem, pointer, code), "{pointer} {code}: {problem}");
    }
    refused(json!({"customer_id": stranger})).refused(422, "customer_mismatch");
    refused(json!({"currency": "USD"})).refused(422, "currency_mismatch");
    refused(json!({"original_invoice_id": draft["id"]})).refused(409, "invalid_state");
    refused(json!({"original_invoice_external_id": invoice["external_id"]})).refused(400, "ambiguous_reference");
    refused(json!({"original_invoice_id": null, "original_invoice_external_id": "nothing-of-ours"})).refused(404, "not_found");
    let problem = refused(json!({"original_invoice_id": null, "customer_id": customer})).refused(422, "validation_failed");
    assert!(blames(&problem, "#/original_invoice_id", "required"), "{problem}");
    refused(json!({"original_invoice_id": null, "free": true})).refused(422, "validation_failed");
    refused(json!({"reason_code": "because"})).refusal();
    refused(json!({"due_date": "2025-05-01"})).refused(400, "unknown_field");
    assert_eq!(company.fingerprint(), before);
    // An external id is one of its kind.
    let named = refused(json!({"original_invoice_id": null, "original_invoice_external_id": invoice["external_id"], "external_id": invoice["external_id"]}))
        .expect(201);
    let twin = refused(json!({"external_id": named["external_id"]})).refused(409, "duplicate_external_id");
    assert_eq!(twin["current"]["id"], named["id"]);
    // A cancelled invoice is not corrected any more.
    let gone = company.invoice(&customer, "2025-04-10", "2025-05-10", "5.00");
    controller.change("POST", &format!("/v1/invoices/{}/cancel", id_of(&gone)), "*", &json!({"reason": "Ordered twice"})).expect(200);
    controller.post("/v1/credit-notes", &note_body(&gone, "2025-04-12", "5.00")).refused(409, "invalid_state");
    company.assert_laws();
}

#[test]
fn who_may_only_ask_leaves_a_note_pending_and_another_person_decides() {
    let company = Company::new();
    let (customer, executive, controller) = (company.customer(), company.executive(), company.controller());
    let invoice = taxed(&company, &customer, "2025-04-10", "1000.00");
    let body = |net: &str| with(note_body(&invoice, "2025-04-12", "1.00"), json!({"lines": [line(net, "18")]}));
    let machine = company.as_machine(&["notes:write", "notes:read"]);
    machine.post("/v1/credit-notes", &body("10.00")).refused(403, "permission_denied");
    let pending = executive.post("/v1/credit-notes", &body("100.00")).expect(201);
    assert_includes(&pending, &json!({"status": "pending_approval", "number": null, "gl_journal_id": null}));
    let approval = pending["approval_id"].as_str().expect("a request").to_owned();
    assert_eq!(again(&company, "invoices", &invoice)["amounts"]["balance_due"], "1180.00");
    let path = format!("/v1/credit-notes/{}", id_of(&pending));
    executive.change("PATCH", &path, "*", &json!({"reason_code": "other"})).refused(409, "invalid_state");
    let decide = |client: &Client, id: &str, verb: &str| client.change("POST", &format!("/v1/approvals/{id}/{verb}"), "*", &json!({"reason": "Looked at it"}));
    let asked = company.get(&format!("/v1/approvals/{approval}"));
    assert_includes(&asked, &json!({"kind": "notes", "action": "credit_note.issue", "amount": "118.00", "steps_required": 1, "customer_id": customer}));
    decide(&executive, &approval, "approve").refused(403, "permission_denied");
    decide(&controller, &approval, "reject").expect(200);
    let returned = again(&company, "credit-notes", &pending);
    assert_eq!((&returned["status"], &returned["approval_id"]), (&json!("draft"), &Value::Null));
    // Asked for again and approved: issued in the same breath.
    let asked = executive.change("POST", &format!("{path}/issue"), "*", &json!({})).expect(200);
    assert_eq!(asked["status"], "pending_approval");
    // The controller sent it back, which made nothing of it: she may decide again. Who drew it up may not.
    let second = company.another("controller");
    decide(&controller, asked["approval_id"].as_str().unwrap(), "approve").expect(200);
    let issued = again(&company, "credit-notes", &pending);
    assert_includes(&issued, &json!({"status": "issued", "approval_id": null, "created_by": pending["created_by"], "application_status": "applied"}));
    assert_eq!(again(&company, "invoices", &invoice)["amounts"]["balance_due"], "1062.00");
    let draft = executive.post("/v1/credit-notes", &with(body("50.00"), json!({"issue": false}))).expect(201);
    let path = format!("/v1/credit-notes/{}", id_of(&draft));
    second.change("PATCH", &path, "*", &json!({"reason_code": "other"})).expect(200);
    let asked = executive.change("POST", &format!("{path}/issue"), "*", &json!({})).expect(200);
    decide(&second, asked["approval_id"].as_str().unwrap(), "approve").refused(403, "sod_self_approval");
    decide(&controller, asked["approval_id"].as_str().unwrap(), "approve").expect(200);
    company.assert_laws();
}

#[test]
fn above_the_band_a_controller_needs_another_one_however_it_is_split() {
    let company = Company::new();
    let (customer, controller, second) = (company.customer(), company.controller(), company.another("controller"));
    let invoice = company.invoice(&customer, "2025-04-10", "2025-05-10", "2000000.00");
    let note = |amount: &str| controller.post("/v1/credit-notes", &note_body(&invoice, "2025-04-12", amount)).expect(201);
    assert_eq!(note("400000.00")["status"], "issued");
    let split = note("400000.00");
    assert_eq!(split["status"], "pending_approval");
    let approve = |client: &Client| client.change("POST", &format!("/v1/approvals/{}/approve", split["approval_id"].as_str().unwrap()), "*", &json!({}));
    approve(&controller).refused(403, "sod_self_approval");
    // What has been credited meanwhile counts when it is approved.
    approve(&second).expect(200);
    assert_eq!(again(&company, "credit-notes", &split)["amounts"]["applied"], "400000.00");
    // Cancelling a large invoice is under approval too, and goes stale when money comes in.
    let large = company.invoice(&customer, "2025-04-10", "2025-05-10", "600000.00");
    let cancel = |extra: &str| controller.change("POST", &format!("/v1/invoices/{}/cancel", id_of(&large)), "*", &json!({"reason": extra}));
    let asked = cancel("Ordered twice").expect(202);
    assert_eq!((&asked["status"], asked["approval_id"].is_string()), (&json!("issued"), true));
    cancel("Ordered twice").refused(409, "approval_pending");
    company.receipt(&customer, "2025-04-20", "1.00", json!([to_invoice(&large, "1.00")]));
    let path = format!("/v1/approvals/{}/approve", asked["approval_id"].as_str().unwrap());
    second.change("POST", &path, "*", &json!({})).refused(409, "approval_stale");
    let other = company.invoice(&customer, "2025-04-10", "2025-05-10", "700000.00");
    let path = format!("/v1/invoices/{}", id_of(&other));
    let asked =
        company.executive().change("POST", &format!("{path}/cancel"), "*", &json!({"reason": "Ordered twice", "cancelled_on": "2025-04-15"})).expect(202);
    second.change("POST", &format!("/v1/approvals/{}/approve", asked["approval_id"].as_str().unwrap()), "*", &json!({})).expect(200);
    assert_includes(&company.get(&path), &json!({"status": "cancelled", "cancelled_on": "2025-04-15", "approval_id": null}));
    company.assert_laws();
}

#[test]
fn a_late_document_keeps_its_date_and_is_posted_on_the_first_open_day() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-03-20", "2025-04-20", "1000.00");
    for month in ["2025-03-01", "2025-04-01"] {
        let close =
            format!("SET session_replication_role = replica; UPDATE period SET state = 'closed' WHERE company_id = '{}' AND starts_on = '{month}'", company.id);
        Db::owner().run(&close).expect("closed");
    }
    let executive = company.executive();
    let body = |extra: Value| with(with(invoice_body(&customer, "2025-03-25", "500.00"), json!({"due_date": "2025-04-24"})), extra);
    executive.post("/v1/invoices", &body(json!({}))).refused(409, "period_closed");
    let late = executive.post("/v1/invoices", &body(json!({"post_late": true}))).expect(201);
    assert_includes(&late, &json!({"invoice_date": "2025-03-25", "posting_date": "2025-05-01", "period": "2025-05", "due_date": "2025-04-24"}));
    assert!(late["number"].as_str().unwrap().contains("/24-25/"), "the number is of the year of its date: {late}");
    let note = company.controller().post("/v1/credit-notes", &with(note_body(&invoice, "2025-04-02", "100.00"), json!({"post_late": true}))).expect(201);
    assert_eq!((&note["posting_date"], &note["allocations"][0]["allocated_on"]), (&json!("2025-05-01"), &json!("2025-05-01")));
    for (day, owed) in [("2025-04-30", "1000.00"), ("2025-05-01", "1400.00")] {
        assert_eq!(company.get(&format!("/v1/customers/{customer}/open-items?as_of={day}"))["totals"]["debit"], owed, "{day}");
    }
    // In an open month nothing is moved.
    assert_eq!(
        executive
            .post("/v1/invoices", &with(body(json!({"post_late": true})), json!({"external_id": fresh(), "invoice_date": "2025-06-03", "due_date": null})))
            .expect(201)["posting_date"],
        "2025-06-03"
    );
}

#[test]
fn an_invoice_is_not_cancelled_while_notes_against_it_stand() {
    let company = Company::new();
    let (customer, executive, controller) = (company.customer(), company.executive(), company.controller());
    let invoice = taxed(&company, &customer, "2025-04-10", "1000.00");
    let note = credit(&company, &invoice, "2025-04-11", "1000.00", json!({"apply_to_original": false})).expect(201);
    let path = format!("/v1/invoices/{}", id_of(&invoice));
    let cancel = |path: &str| controller.change("POST", &format!("{path}/cancel"), "*", &json!({"reason": "Ordered twice"}));
    let before = company.fingerprint();
    let problem = cancel(&path).refused(409, "invalid_state");
    assert_eq!(problem["notes"], json!([{"object": "credit_note", "id": note["id"], "number": note["number"], "status": "issued"}]), "{problem}");
    assert_eq!((&problem["allowed_actions"], &company.get(&path)["allowed_actions"]), (&json!([]), &json!([])));
    assert_eq!(company.fingerprint(), before);
    // Nor does the database take it, whatever the service says.
    let change = format!("UPDATE invoice SET status = 'cancelled', version = version + 1 WHERE id = '{}'", id_of(&invoice));
    assert!(Db::app().commit_in(&company.id, &change).unwrap_err().contains("notes against"));
    // An allocation taken back leaves the note standing.
    let done = cancel(&format!("/v1/credit-notes/{}", id_of(&note))).expect(200);
    assert_eq!(done["status"], "cancelled");
    let applied = credit(&company, &invoice, "2025-04-11", "1000.00", json!({})).expect(201);
    let reverse = format!("/v1/allocations/{}/reverse", applied["allocations"][0]["id"].as_str().unwrap());
    controller.post(&reverse, &json!({"reason": "Not this one"})).expect(201);
    assert_eq!(again(&company, "invoices", &invoice)["amounts"]["balance_due"], "1180.00");
    assert_eq!(cancel(&path).refused(409, "invalid_state")["notes"][0]["id"], applied["id"]);
    cancel(&format!("/v1/credit-notes/{}", id_of(&applied))).expect(200);
    // What waits for approval counts as well, a draft does not.
    let body = with(note_body(&invoice, "2025-04-12", "1.00"), json!({"lines": [line("10.00", "18")]}));
    let asked = executive.post("/v1/debit-notes", &body).expect(201);
    let problem = cancel(&path).refused(409, "invalid_state");
    assert_eq!(problem["notes"], json!([{"object": "debit_note", "id": asked["id"], "number": null, "status": "pending_approval"}]), "{problem}");
    crate::rig::decide(&executive, &asked, "withdraw").expect(200);
    assert_eq!(cancel(&path).expect(200)["status"], "cancelled");
    controller.change("POST", &format!("/v1/debit-notes/{}/issue", id_of(&asked)), "*", &json!({})).refused(409, "invalid_state");
    assert_eq!(["Accounts receivable", "Output CGST", "Output SGST/UTGST"].map(|name| balance(&company, name)), ["0", "0", "0"]);
    company.assert_laws();
}

#[test]
fn a_request_is_stale_when_the_note_would_be_posted_otherwise_than_it_was_seen() {
    let company = Company::new();
    let (executive, controller) = (company.executive(), company.controller());
    let customer = id_of(&executive.post("/v1/customers", &with(customer_body(), json!({"gstin": "27AAPFU0939F1ZV"}))).expect(201));
    let item = json!({"code": fresh(), "name": "Toner", "is_service": true, "hsn_code": "998313", "unit": "NOS", "unit_price": "100.00", "tax_rate": "18"});
    let item = executive.post("/v1/items", &item).expect(201);
    let free = |lines: Value| json!({"external_id": fresh(), "customer_id": customer, "free": true, "reason_code": "other", "note_date": "2025-04-12", "place_of_supply": "27", "issue": true, "lines": lines});
    let ask = |lines: Value| executive.post("/v1/credit-notes", &free(lines)).expect(201);
    // The price of an item.
    let priced = ask(json!([{"item_id": item["id"], "quantity": "2"}]));
    assert_eq!((&priced["status"], &priced["totals"]["grand_total"]), (&json!("pending_approval"), &json!("236.00")));
    executive.change("PATCH", &format!("/v1/items/{}", id_of(&item)), "*", &json!({"unit_price": "90.00"})).expect(200);
    let before = company.fingerprint();
    decide(&controller, &priced, "approve").refused(409, "approval_stale");
    assert_eq!(company.fingerprint(), before);
    // What the customer is, with the same total.
    let taxed = ask(json!([line("100.00", "18")]));
    assert_includes(&taxed["totals"], &json!({"cgst": "9.00", "igst": "0.00", "grand_total": "118.00"}));
    let path = format!("/v1/customers/{customer}");
    executive.change("PATCH", &path, "*", &json!({"kind": "sez"})).expect(200);
    decide(&controller, &taxed, "approve").refused(409, "approval_stale");
    // Sent back and asked for again, it is decided on as it is now.
    for (asked, total) in [(&priced, "212.40"), (&taxed, "118.00")] {
        decide(&controller, asked, "reject").expect(200);
        let path = format!("/v1/credit-notes/{}", id_of(asked));
        let asked = executive.change("POST", &format!("{path}/issue"), "*", &json!({})).expect(200);
        decide(&controller, &asked, "approve").expect(200);
        assert_includes(&company.get(&path), &json!({"status": "issued", "supply_type": "SEZWP"}));
        assert_eq!(company.get(&path)["totals"]["grand_total"], total);
    }
    // 18 % of 180 and of 100: 32.40 and 18 of IGST.
    assert_eq!(["Sales returns", "Output IGST", "Output CGST"].map(|name| balance(&company, name)), ["280", "50.4", "0"]);
    company.assert_laws();
}

#[test]
fn a_credit_note_never_takes_back_more_of_a_rate_than_the_invoice_bears() {
    let company = Company::new();
    let (customer, controller) = (company.customer(), company.controller());
    let two = json!({"lines": [line("100.00", "18"), line("1000.00", "5")]});
    let invoice = company.executive().post("/v1/invoices", &with(invoice_body(&customer, "2025-04-10", "1.00"), two)).expect(201);
    // 18 of 100 and 50 of 1,000: 1,168 in all.
    assert_eq!((&invoice["totals"]["cgst"], &invoice["totals"]["grand_total"]), (&json!("34.00"), &json!("1168.00")));
    let note = |line: Value| controller.post("/v1/credit-notes", &with(note_body(&invoice, "2025-04-11", "1.00"), json!({"lines": [line]})));
    let before = company.fingerprint();
    // 989.83 and 178.16 of tax are within the total, but not within what bears 18.
    let problem = note(line("989.83", "18")).refused(422, "credit_exceeds_original");
    assert!(blames(&problem, "#/lines", "credit_exceeds_original"), "{problem}");
    let exempt = with(line("50.00", "0"), json!({"treatment": "exempt", "tax_rate": null}));
    note(exempt).refused(422, "credit_exceeds_original");
    assert_eq!(company.fingerprint(), before);
    assert_eq!(note(line("60.00", "18")).expect(201)["totals"]["cgst"], "5.40");
    note(line("40.01", "18")).refused(422, "credit_exceeds_original");
    // What a cancelled note took back can be credited again; a financial one takes back no tax.
    let rest = note(line("40.00", "18")).expect(201);
    assert_eq!((&rest["totals"]["cgst"], &rest["totals"]["grand_total"]), (&json!("3.60"), &json!("47.20")));
    note(line("0.01", "18")).refused(422, "credit_exceeds_original");
    controller.change("POST", &format!("/v1/credit-notes/{}/cancel", id_of(&rest)), "*", &json!({"reason": "Not agreed"})).expect(200);
    let financial = with(note_body(&invoice, "2025-04-11", "1.00"), json!({"tax_effect": "financial", "lines": [line("500.00", "0")]}));
    controller.post("/v1/credit-notes", &financial).expect(201);
    note(line("40.00", "18")).expect(201);
    // 1,168 less 70.80, 500 and 47.20 leave 550: 523.80 with 26.20 of tax.
    note(line("523.82", "5")).refused(422, "credit_exceeds_original");
    assert_eq!(note(line("523.80", "5")).expect(201)["totals"]["grand_total"], "550.00");
    assert_eq!(["Output CGST", "Output SGST/UTGST"].map(|name| balance(&company, name)), ["-11.9", "-11.9"]);
    company.assert_laws();
}

#[test]
fn tax_of_a_rate_is_never_taken_back_twice_by_rounding() {
    let company = Company::new();
    let (customer, controller) = (company.customer(), company.controller());
    // CGST of 100.40 at 5 is 2.51; that of 50.20 is 1.255, so 1.26, and twice that 2.52.
    let two = json!({"lines": [line("100.40", "5"), line("100.00", "18")]});
    let invoice = company.executive().post("/v1/invoices", &with(invoice_body(&customer, "2025-04-10", "1.00"), two)).expect(201);
    let note = |net: &str| controller.post("/v1/credit-notes", &with(note_body(&invoice, "2025-04-11", "1.00"), json!({"lines": [line(net, "5")]})));
    assert_eq!(note("50.20").expect(201)["totals"]["cgst"], "1.26");
    note("50.20").refused(422, "credit_exceeds_original");
    assert_eq!(note("50.19").expect(201)["totals"]["cgst"], "1.25");
    assert_eq!(balance(&company, "Output CGST"), "-9");
    company.assert_laws();
}

#[test]
fn the_fee_of_a_bounced_cheque_is_charged_as_it_is_whatever_else_the_company_decided() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    let cheque = with(receipt_body(&customer, "2025-01-10", "100.00"), json!({"method": "cheque"}));
    let receipt = executive.post("/v1/receipts", &cheque).expect(201);
    executive.change("PATCH", &format!("/v1/customers/{customer}"), "*", &json!({"active": false})).expect(200);
    company.controller().change("PATCH", "/v1/company", "*", &json!({"settings": {"round_to_unit": true}})).expect(200);
    let bounce = json!({"bounced_on": "2025-01-15", "reason": "Funds insufficient", "fee": "118.40"});
    let bounced = executive.post(&format!("/v1/receipts/{}/bounce", id_of(&receipt)), &bounce).expect(200);
    let fee = company.get(&format!("/v1/debit-notes/{}", bounced["fee_note_id"].as_str().unwrap()));
    assert_includes(&fee["totals"], &json!({"taxable_value": "118.40", "round_off": "0.00", "grand_total": "118.40"}));
    assert_eq!(balance(&company, "Accounts receivable"), "118.4");
    // By anybody's own wish such a customer is not billed, and what is billed is rounded.
    let free = json!({"customer_id": customer, "free": true, "reason_code": "other", "note_date": "2025-01-15", "issue": true, "lines": [line("118.40", "0")]});
    company.controller().post("/v1/debit-notes", &free).refused(422, "customer_inactive");
    executive.change("PATCH", &format!("/v1/customers/{customer}"), "*", &json!({"active": true})).expect(200);
    assert_eq!(company.controller().post("/v1/debit-notes", &free).expect(201)["totals"]["round_off"], "-0.40");
    company.assert_laws();
}

#[test]
fn what_a_draft_was_expected_to_come_to_does_not_bind_its_changes() {
    let company = Company::new();
    let (customer, executive, controller) = (company.customer(), company.executive(), company.controller());
    let invoice = taxed(&company, &customer, "2025-04-10", "1000.00");
    for (kind, body) in [
        ("credit-notes", with(note_body(&invoice, "2025-04-12", "1.00"), json!({"lines": [line("100.00", "18")]}))),
        ("invoices", with(invoice_body(&customer, "2025-04-12", "1.00"), json!({"lines": [line("100.00", "18")]}))),
    ] {
        let body = with(body, json!({"issue": false, "expected_total": "118.00"}));
        executive.post(&format!("/v1/{kind}"), &with(body.clone(), json!({"expected_total": "118.01"}))).refused(422, "total_mismatch");
        let draft = executive.post(&format!("/v1/{kind}"), &body).expect(201);
        let path = format!("/v1/{kind}/{}", id_of(&draft));
        let patch = |extra: Value| executive.change("PATCH", &path, "*", &with(json!({"lines": [line("200.00", "18")]}), extra));
        assert_eq!(patch(json!({})).expect(200)["totals"]["grand_total"], "236.00");
        patch(json!({"expected_total": "235.99"})).refused(422, "total_mismatch");
        patch(json!({"expected_total": "236.00"})).expect(200);
        assert_eq!(executive.change("PATCH", &path, "*", &json!({"lines": [line("50.00", "18")]})).expect(200)["totals"]["grand_total"], "59.00");
        let issue = |expected: Value| controller.change("POST", &format!("{path}/issue"), "*", &expected);
        issue(json!({"expected_total": "236.00"})).refused(422, "total_mismatch");
        assert_eq!(issue(json!({})).expect(200)["status"], "issued");
    }
    company.assert_laws();
}

#[test]
fn a_draft_is_found_everywhere_and_is_in_no_state_to_be_settled() {
    let company = Company::new();
    let customer = company.customer();
    let (executive, controller) = (company.executive(), company.controller());
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    let receipt = company.receipt(&customer, "2025-01-15", "100.00", Value::Null);
    let draft = executive.post("/v1/invoices", &with(invoice_body(&customer, "2025-01-10", "100.00"), json!({"issue": false}))).expect(201);
    let credit = controller.post("/v1/credit-notes", &with(note_body(&invoice, "2025-01-20", "100.00"), json!({"issue": false}))).expect(201);
    let before = company.fingerprint();
    let beneficiary = json!({"name": "Acme Retail Pvt Ltd", "account_number": "50200012345678", "ifsc": "HDFC0000123"});
    let from = |kind: &str, source: &Value, target: &Value| json!({"source_type": kind, "source_id": source["id"], "targets": [to_invoice(target, "10.00")]});
    for (path, body, pointer) in [
        ("/v1/allocations", from("credit_note", &credit, &invoice), "#/source_id"),
        ("/v1/allocations", from("receipt", &receipt, &draft), "#/targets/0/target_id"),
        (
            "/v1/refunds",
            json!({"source_type": "credit_note", "source_id": credit["id"], "amount": "10.00", "reason": "Paid twice", "beneficiary": beneficiary}),
            "#/source_id",
        ),
        (
            "/v1/adjustments",
            json!({"target_type": "invoice", "target_id": draft["id"], "amount": "-1.00", "adjusted_on": "2025-02-01", "reason": "Rounding", "reason_code": "rounding"}),
            "#/target_id",
        ),
        (
            "/v1/write-offs",
            json!({"customer_id": customer, "written_off_on": "2025-02-01", "reason": "Insolvent", "items": [{"target_type": "invoice", "target_id": draft["id"]}]}),
            "#/items/0/target_id",
        ),
    ] {
        let problem = executive.post(path, &body).refused(409, "invalid_state");
        assert!(blames(&problem, pointer, "invalid_state"), "{path}: {problem}");
        assert_eq!(problem["current"]["status"], "draft", "{path}");
    }
    assert_eq!(company.fingerprint(), before);
    company.assert_laws();
}
