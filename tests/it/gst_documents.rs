//! Discounts, charges, differential percentages, rates and numbers on documents: gst.md 3 and 4, the same figures as the
//! tools give.

use crate::rig::*;
use rust_decimal::{Decimal, dec as d};
use serde_json::{Value, json};

/// 300 at 5 % and 100 at 18 %, a tenth off, freight 20 at 18 %, packing 7.50 after tax.
fn laden(customer: &str, extra: Value) -> Value {
    let body = json!({"lines": [line("300.00", "5"), line("100.00", "18")], "document_discount_percent": "10",
        "charges": [{"label": "Freight", "amount": "20.00", "tax_rate": "18", "hsn_code": "996511"}, {"label": "Packing", "amount": "7.50", "when": "after_tax"}]});
    with(with(invoice_body(customer, "2025-11-15", "1.00"), body), extra)
}

fn explains(answer: &Value, decision: &str, section: &str) -> bool {
    answer["explanation"].as_array().expect("an explanation").iter().any(|e| e["decision"] == decision && e["section"].as_str().unwrap().contains(section))
}

#[test]
fn an_invoice_bears_a_discount_on_the_whole_and_charges() {
    let company = Company::new();
    let customer = company.customer();
    let executive = company.executive();
    let seen = executive.post("/v1/invoices/preview", &laden(&customer, json!({}))).expect(200);
    let made = executive.post("/v1/invoices", &laden(&customer, json!({}))).expect(201);
    // 270 at 5, 90 and 20 at 18: 13.50 + 19.80 of tax; 380 + 33.30 + 7.50.
    let totals = json!({"taxable_value": "380.00", "cgst": "16.65", "sgst": "16.65", "igst": "0.00", "other_charges": "7.50", "grand_total": "420.80"});
    for answer in [&seen, &made] {
        assert_includes(&answer["totals"], &totals);
        assert_includes(answer, &json!({"document_discount": "40.00", "differential_percent": "100.00"}));
        let lines: Vec<_> = answer["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|l| [&l["taxable_value"], &l["cgst"], &l["document_discount"], &l["is_charge"], &l["hsn_code"]].map(Clone::clone))
            .collect();
        assert_eq!(
            json!(lines),
            json!([["270.00", "6.75", "30.00", false, "998313"], ["90.00", "8.10", "10.00", false, "998313"], ["20.00", "1.80", "0.00", true, "996511"]])
        );
        let charges = json!([{"label": "Freight", "when": "before_tax", "amount": "20.00", "line_no": 3}, {"label": "Packing", "when": "after_tax", "amount": "7.50", "line_no": null}]);
        assert_eq!(answer["charges"], charges);
    }
    let read = company.get(&format!("/v1/invoices/{}?expand=explanation", id_of(&made)));
    assert_eq!(read["explanation"], seen["explanation"]);
    for (decision, section) in [
        ("place_of_supply", "IGST Act s.10"),
        ("nature_of_supply", "IGST Act s.8"),
        ("document_discount", "CGST Act s.15(3)"),
        ("charge", "CGST Act s.15(2)(c)"),
        ("charge", "CGST Act s.15(1)"),
        ("rate", "9/2025-CT(Rate)"),
    ] {
        assert!(explains(&read, decision, section), "{decision}: {}", read["explanation"]);
    }
    // Income is the value and what was charged after tax.
    assert_eq!(company.account("Accounts receivable"), d!(420.80));
    assert_eq!(company.account("Sales"), d!(-387.50));
    // The tool says the same.
    let asked = json!({"date": "2025-11-15", "supplier_state": "27", "place_of_supply": "27", "lines": [{"unit_price": "300", "gst_rate": "5"}, {"unit_price": "100", "gst_rate": "18"}],
        "document_discount_percent": "10", "charges": [{"amount": "20", "gst_rate": "18"}, {"amount": "7.50", "when": "after_tax"}]});
    let told = executive.post("/v1/gst/calculate", &asked).expect(200);
    assert_eq!((&told["total"], &told["taxable"], &told["cgst"]), (&json!("420.80"), &json!("380.00"), &json!("16.65")));
    company.assert_laws();
}

#[test]
fn a_draft_keeps_its_discount_and_charges_until_they_are_changed() {
    let company = Company::new();
    let customer = company.customer();
    let executive = company.executive();
    let draft = executive.post("/v1/invoices", &laden(&customer, json!({"issue": false}))).expect(201);
    let path = format!("/v1/invoices/{}", id_of(&draft));
    let changed = executive
        .change("PATCH", &path, "\"v1\"", &json!({"charges": [{"label": "Freight", "amount": "30.00", "tax_rate": "18"}], "document_discount_percent": null}))
        .expect(200);
    // 300 at 5, 100 and 30 at 18.
    assert_includes(&changed["totals"], &json!({"taxable_value": "430.00", "cgst": "19.20", "other_charges": null, "grand_total": "468.40"}));
    assert_eq!(changed["lines"][2]["hsn_code"], "998313");
    let issued = executive.change("POST", &format!("{path}/issue"), "\"v2\"", &json!({"expected_total": "468.40"})).expect(200);
    assert_eq!((&issued["status"], &issued["totals"]), (&json!("issued"), &changed["totals"]));
    company.assert_laws();
}

#[test]
fn a_charge_without_a_rate_is_taxed_as_the_lines_are() {
    let company = Company::new();
    let customer = company.customer();
    let executive = company.executive();
    let charge = json!([{"label": "Freight", "amount": "50.00"}]);
    let one = executive
        .post("/v1/invoices", &laden(&customer, json!({"lines": [line("1000.00", "18")], "document_discount_percent": null, "charges": charge})))
        .expect(201);
    assert_includes(&one["totals"], &json!({"taxable_value": "1050.00", "cgst": "94.50", "grand_total": "1239.00"}));
    let problem = executive.post("/v1/invoices", &laden(&customer, json!({"charges": charge}))).refused(422, "validation_failed");
    assert!(blames(&problem, "#/charges/0/tax_rate", "required"), "{problem}");
    company.assert_laws();
}

#[test]
fn a_note_levies_the_part_of_the_tax_its_invoice_did() {
    let company = Company::new();
    let customer = company.customer();
    let car = json!({"lines": [with(line("10000.00", "28"), json!({"hsn_code": "87032291", "cess_rate": "15", "cess_per_unit": "10"}))], "differential_percent": "65", "charges": null, "document_discount_percent": null});
    let sale = with(laden(&customer, car), json!({"invoice_date": "2020-05-10"}));
    let invoice = company.executive().post("/v1/invoices", &sale).expect(201);
    // 28 % x 0.65 = 18.2 %; cess 15 % x 0.65 = 9.75 % and 6.50.
    assert_includes(&invoice["totals"], &json!({"taxable_value": "10000.00", "cgst": "910.00", "sgst": "910.00", "cess": "981.50", "grand_total": "12801.50"}));
    assert!(explains(&company.get(&format!("/v1/invoices/{}?expand=explanation", id_of(&invoice))), "differential_percent", "37/2017"));
    let half = json!({"lines": [{"quantity": "1", "unit_price": "5000.00"}]});
    let note = company.controller().post("/v1/credit-notes", &with(note_body(&invoice, "2020-09-01", "1.00"), half)).expect(201);
    assert_includes(&note["totals"], &json!({"taxable_value": "5000.00", "cgst": "455.00", "cess": "487.50"}));
    assert_eq!(note["differential_percent"], "65.00");
    assert!(explains(&company.get(&format!("/v1/credit-notes/{}?expand=explanation", id_of(&note))), "place_of_supply", "CGST Act s.34"));
    company.controller().get(&format!("/v1/credit-notes/{}?expand=lines", id_of(&note))).refused(400, "invalid_parameter");
    company.assert_laws();
}

#[test]
fn a_note_over_every_line_takes_back_what_the_invoice_brought() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.executive().post("/v1/invoices", &laden(&customer, json!({}))).expect(201);
    let lines: Vec<Value> = invoice["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| with(line(l["taxable_value"].as_str().unwrap(), l["tax_rate"].as_str().unwrap()), json!({"hsn_code": l["hsn_code"]})))
        .collect();
    let note = company.controller().post("/v1/credit-notes", &with(note_body(&invoice, "2025-11-20", "1.00"), json!({"lines": lines}))).expect(201);
    for name in ["taxable_value", "cgst", "sgst", "igst", "cess"] {
        assert_eq!(note["totals"][name], invoice["totals"][name], "{name}");
    }
    assert_eq!(["Output CGST", "Output SGST/UTGST"].map(|name| company.account(name)), [d!(0), d!(0)]);
    company.assert_laws();
}

#[test]
fn reverse_charge_leaves_the_tax_out_and_charges_in() {
    let company = Company::new();
    let customer = company.customer();
    let made = company.executive().post("/v1/invoices", &laden(&customer, json!({"reverse_charge": true}))).expect(201);
    assert_includes(&made["totals"], &json!({"taxable_value": "380.00", "cgst": "16.65", "other_charges": "7.50", "grand_total": "387.50"}));
    company.assert_laws();
}

#[test]
fn documents_and_the_tool_agree_whatever_is_sold() {
    let company = Company::new();
    let customer = company.customer();
    let executive = company.executive();
    // A walk through combinations, the same every time.
    let mut state = 20_250_922_u64;
    let mut next = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for round in 0..25 {
        let inclusive = next(3) == 0;
        let (mut lines, mut asked) = (Vec::new(), Vec::new());
        for _ in 0..=next(5) {
            let (rate, quantity, price) =
                (["0", "5", "18", "40"][usize::try_from(next(4)).unwrap()], next(9) + 1, Decimal::new(i64::try_from(next(999_999) + 100).unwrap(), 2));
            lines.push(with(line(&price.to_string(), rate), json!({"quantity": quantity.to_string(), "tax_inclusive": inclusive})));
            asked.push(json!({"qty": quantity.to_string(), "unit_price": price.to_string(), "gst_rate": rate}));
        }
        let (discount, freight, packing) = (["0", "2.5", "10"][usize::try_from(next(3)).unwrap()], format!("{}.00", next(90) + 10), format!("{}.25", next(9)));
        let place = ["27", "29"][usize::try_from(next(2)).unwrap()];
        let body = json!({"lines": lines, "place_of_supply": place, "document_discount_percent": discount,
            "charges": [{"label": "Freight", "amount": freight, "tax_rate": "18"}, {"label": "Packing", "amount": packing, "when": "after_tax"}]});
        let invoice = executive.post("/v1/invoices", &laden(&customer, body)).expect(201);
        let question = json!({"date": "2025-11-15", "supplier_state": "27", "place_of_supply": place, "prices_include_tax": inclusive, "lines": asked, "document_discount_percent": discount,
            "charges": [{"amount": freight, "gst_rate": "18"}, {"amount": packing, "when": "after_tax"}]});
        let told = executive.post("/v1/gst/calculate", &question).expect(200);
        for (ours, theirs) in
            [("taxable_value", "taxable"), ("cgst", "cgst"), ("sgst", "sgst"), ("igst", "igst"), ("other_charges", "other_charges"), ("grand_total", "total")]
        {
            assert_eq!(invoice["totals"][ours], told[theirs], "{round} {ours}: {question}");
        }
        let gross: Decimal = invoice["lines"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|l| l["is_charge"] == false)
            .map(|l| dec(&l["quantity"]) * dec(&l["unit_price"]) - dec(&l["document_discount"]))
            .sum();
        let owed: Decimal = invoice["lines"].as_array().unwrap().iter().filter(|l| l["is_charge"] == false).map(|l| dec(&l["line_total"])).sum();
        assert!(!inclusive || gross == owed, "{round}: what was asked stays what is owed: {gross} {owed}");
    }
    company.assert_laws();
}

#[test]
fn rates_and_cess_are_those_of_the_time_of_supply() {
    let company = Company::new();
    let customer = company.customer();
    let executive = company.executive();
    let sale = |rate: &str, extra: Value| with(invoice_body(&customer, "2025-11-15", "1.00"), with(json!({"lines": [line("100.00", rate)]}), extra));
    for (rate, date, good) in [
        ("12", "2025-09-21", true),
        ("12", "2025-09-22", false),
        ("28", "2025-09-22", false),
        ("40", "2025-09-21", false),
        ("40", "2025-09-22", true),
        ("17", "2025-11-15", false),
    ] {
        let reply = executive.post("/v1/invoices", &sale(rate, json!({"invoice_date": date})));
        if good {
            reply.expect(201);
        } else {
            let problem = reply.refused(422, "rate_not_in_force");
            assert!(blames(&problem, "#/lines/0/tax_rate", "rate_not_in_force"), "{problem}");
        }
    }
    let late = executive.post("/v1/invoices", &sale("12", json!({"supply_date": "2025-09-10", "payment_date": "2025-09-15"}))).expect(201);
    assert_includes(&late, &json!({"supply_date": "2025-09-10", "payment_date": "2025-09-15"}));
    assert!(explains(&company.get(&format!("/v1/invoices/{}?expand=explanation", id_of(&late))), "time_of_supply", "s.14(a)(iii)"));
    executive.post("/v1/invoices", &sale("12", json!({"supply_date": "2025-09-10"}))).refused(422, "rate_not_in_force");
    // Bricks keep 12, by their code.
    let bricks = json!({"lines": [with(line("100.00", "12"), json!({"hsn_code": "69041000", "is_service": false}))]});
    executive.post("/v1/invoices", &sale("12", bricks)).expect(201);
    let cess = |date: &str| {
        let tobacco = with(line("100.00", "18"), json!({"hsn_code": "24031110", "is_service": false, "cess_rate": "5"}));
        executive.post("/v1/invoices", &sale("18", json!({"invoice_date": date, "lines": [tobacco]})))
    };
    let service = json!({"invoice_date": "2025-09-22", "lines": [with(line("100.00", "18"), json!({"cess_rate": "5"}))]});
    executive.post("/v1/invoices", &sale("18", service)).refused(422, "cess_not_in_force");
    cess("2026-01-31").expect(201);
    let problem = cess("2026-02-01").refused(422, "cess_not_in_force");
    assert!(blames(&problem, "#/lines/0/cess_rate", "cess_not_in_force"), "{problem}");
    for (code, fault) in [("84", "hsn_too_short"), ("847", "hsn_too_short"), ("84713", "hsn_invalid")] {
        let problem =
            executive.post("/v1/invoices", &sale("18", json!({"lines": [with(line("100.00", "18"), json!({"hsn_code": code}))]}))).refused(422, fault);
        assert!(blames(&problem, "#/lines/0/hsn_code", fault), "{problem}");
    }
    // Above five crore in the year before, six digits (notification 78/2020-CT).
    let four = json!({"lines": [with(line("100.00", "18"), json!({"hsn_code": "9983"}))]});
    executive.post("/v1/invoices", &sale("18", four.clone())).expect(201);
    let turnover = |amount: &str| {
        company.controller().change("PATCH", "/v1/company", "*", &json!({"turnover": [{"fiscal_year": "2024-25", "amount": amount}]})).expect(200)
    };
    turnover("50000000.00");
    executive.post("/v1/invoices", &sale("18", four.clone())).expect(201);
    turnover("50000000.01");
    let problem = executive.post("/v1/invoices", &sale("18", four.clone())).refused(422, "hsn_too_short");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("78/2020-CT"), "{problem}");
    executive.post("/v1/invoices", &sale("18", with(four, json!({"invoice_date": "2025-03-31"})))).expect(201);
    let unknown = executive.post("/v1/invoices", &sale("18", json!({"place_of_supply": "39"}))).refused(422, "validation_failed");
    assert!(blames(&unknown, "#/place_of_supply", "state_unknown"), "{unknown}");
    company.assert_laws();
}

#[test]
fn numbers_have_sixteen_characters_and_their_dates_may_go_with_them() {
    let company = Company::new();
    let customer = company.customer();
    let admin = company.as_role("admin");
    let registration = company.get("/v1/gst-registrations")["data"][0]["id"].clone();
    let series = |extra: Value| {
        admin.post(
            "/v1/number-series",
            &with(
                json!({"gst_registration_id": registration, "document_kind": "invoice", "fiscal_year": "2025-26", "prefix": "MUM/25-26/", "width": 5}),
                extra,
            ),
        )
    };
    let problem = series(json!({"width": 7})).refused(422, "number_too_long");
    assert!(blames(&problem, "#/width", "number_too_long"), "{problem}");
    let made = series(json!({"dates_ascend": true})).expect(201);
    assert_eq!(made["dates_ascend"], true);
    let invoice = |date: &str, series: &Value| {
        company.executive().post("/v1/invoices", &with(invoice_body(&customer, date, "100.00"), json!({"number_series_id": series})))
    };
    assert_eq!(invoice("2025-06-10", &made["id"]).expect(201)["number"], "MUM/25-26/00001");
    let problem = invoice("2025-06-09", &made["id"]).refused(422, "date_before_previous_number");
    assert!(blames(&problem, "#/invoice_date", "date_before_previous_number"), "{problem}");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("MUM/25-26/00001 is of 2025-06-10"), "{problem}");
    assert_eq!(invoice("2025-06-10", &made["id"]).expect(201)["number"], "MUM/25-26/00002");
    // In one call as well, where the row that is too early fails alone.
    let rows: Vec<Value> = ["2025-06-12", "2025-06-11", "2025-06-12"]
        .iter()
        .map(|date| with(invoice_body(&customer, date, "1.00"), json!({"number_series_id": made["id"]})))
        .collect();
    let bulk = company.executive().post("/v1/invoices/bulk", &json!({"mode": "per_item", "items": rows})).expect(207);
    let statuses: Vec<_> = bulk["items"].as_array().unwrap().iter().map(|row| row["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 422, 201], "{bulk}");
    // The default series takes documents of any day of its year.
    invoice("2025-06-20", &Value::Null).expect(201);
    invoice("2025-05-01", &Value::Null).expect(201);
    company.assert_laws();
}

#[test]
fn what_is_wrong_with_discounts_and_charges_is_named() {
    let company = Company::new();
    let customer = company.customer();
    let executive = company.executive();
    let before = company.fingerprint();
    for (extra, status, pointer, code) in [
        (json!({"document_discount": "400.01", "document_discount_percent": null}), 422, "#/document_discount", "document_discount"),
        (json!({"document_discount": "-1.00"}), 422, "#/document_discount", "document_discount"),
        (json!({"document_discount": "1.001"}), 422, "#/document_discount", "amount_precision"),
        (json!({"document_discount_percent": "100.5"}), 422, "#/document_discount", "document_discount"),
        (json!({"document_discount": 5}), 400, "#/document_discount", "invalid_decimal"),
        (json!({"charges": [{"label": "x", "amount": "0.00"}]}), 422, "#/charges/0/amount", "too_small"),
        (json!({"charges": [{"label": "x", "amount": "-5.00", "when": "after_tax"}]}), 422, "#/charges/0/amount", "too_small"),
        (json!({"charges": [{"label": "x", "amount": "5.00", "tax_rate": "17"}]}), 422, "#/charges/0/tax_rate", "rate_not_in_force"),
        (json!({"charges": [{"label": "", "amount": "5.00"}]}), 422, "#/charges/0/label", "too_short"),
        (json!({"charges": [{"amount": "5.00"}]}), 422, "#/charges/0/label", "required"),
        (json!({"charges": [{"label": "x", "amount": "5.00", "when": "now"}]}), 422, "#/charges/0/when", "invalid_value"),
        (json!({"charges": [{"label": "x", "amount": "5.00", "rate": "5"}]}), 400, "#/charges/0/rate", "unknown_field"),
        (json!({"charges": vec![json!({"label": "x", "amount": "5.00", "tax_rate": "5"}); 21]}), 422, "#/charges", "too_many"),
        (json!({"charges": [{"label": "x", "amount": "9999999999999.00", "when": "after_tax"}]}), 422, "#/lines", "amount_too_large"),
        (json!({"differential_percent": "64"}), 422, "#/differential_percent", "differential_invalid"),
        (json!({"differential_percent": "0"}), 422, "#/differential_percent", "differential_invalid"),
    ] {
        let problem = executive.post("/v1/invoices", &laden(&customer, extra.clone())).refusal();
        assert!(problem["status"] == status && blames(&problem, pointer, code), "{extra}: {problem}");
    }
    assert_eq!(company.fingerprint(), before);
    company.assert_laws();
}
