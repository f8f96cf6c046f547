//! What a supply is beside its price: where it takes place, through whom it goes, with which papers it leaves, and who of the
//! parties is a composition dealer. IGST Act s.10 to s.13; CGST Act s.9(5), s.10, s.52; GSTR-1 tables 6A, 14.

use crate::rig::*;
use rust_decimal::dec as d;
use serde_json::{Value, json};

/// A customer of a State; with a GSTIN of it where one is wanted.
fn buyer(company: &Company, state: &str, number: Option<&str>, extra: Value) -> String {
    let address = json!({"line1": "1 MG Road", "city": "Town", "state_code": state, "postal_code": "411001", "country": "IN"});
    let own = json!({"billing_address": address, "gstin": number.map(gstin)});
    id_of(&company.executive().post("/v1/customers", &with(with(customer_body(), own), extra)).expect(201))
}

fn abroad(company: &Company) -> String {
    let address = json!({"line1": "1 Main St", "city": "Austin", "postal_code": "73301", "country": "US"});
    id_of(&company.executive().post("/v1/customers", &with(customer_body(), json!({"kind": "export", "billing_address": address}))).expect(201))
}

/// 1,000 at 18 %, its place not stated.
fn sale(customer: &str, extra: Value) -> Value {
    with(with(invoice_body(customer, "2025-11-15", "1.00"), json!({"place_of_supply": null, "lines": [line("1000.00", "18")]})), extra)
}

fn goods(rate: &str) -> Value {
    with(line("1000.00", rate), json!({"hsn_code": "8471", "is_service": false}))
}

fn registration(company: &Company) -> Value {
    company.get("/v1/gst-registrations")["data"][0].clone()
}

fn change_registration(company: &Company, patch: &Value) -> Value {
    let now = registration(company);
    let path = format!("/v1/gst-registrations/{}", id_of(&now));
    company.as_role("admin").change("PATCH", &path, &format!("\"v{}\"", now["version"]), patch).expect(200)
}

#[test]
fn the_place_follows_from_what_is_said_of_the_supply() {
    let company = Company::new();
    let executive = company.executive();
    let registered = buyer(&company, "29", Some("29"), json!({}));
    let consumer = buyer(&company, "33", None, json!({}));
    let at = |case: &str, place: &str| json!({"supply_place": {"case": case, "at": [place]}});
    for (customer, extra, place, basis) in [
        (&registered, json!({}), "29", "IGST s.12(2)"),
        (&registered, json!({"lines": [goods("18")]}), "29", "IGST s.10(1)(a)"),
        (&registered, at("immovable_property", "30"), "30", "IGST s.12(3)"),
        (&registered, at("personal_service", "27"), "27", "IGST s.12(4)"),
        (&registered, at("training", "30"), "29", "IGST s.12(5)"),
        (&consumer, at("training", "30"), "30", "IGST s.12(5)"),
        (&consumer, at("goods_transport", "27"), "27", "IGST s.12(8)"),
        (&consumer, at("passenger", "07"), "07", "IGST s.12(9)"),
        (&consumer, json!({"supply_place": {"case": "banking"}}), "33", "IGST s.12(12)"),
        (&consumer, json!({"lines": [goods("18")]}), "33", "IGST s.10(1)(ca)"),
        (&registered, with(at("installed", "08"), json!({"lines": [goods("18")]})), "08", "IGST s.10(1)(d)"),
        (&registered, with(at("on_board", "30"), json!({"lines": [goods("18")]})), "30", "IGST s.10(1)(e)"),
        (&registered, with(at("immovable_property", "30"), json!({"place_of_supply": "30"})), "30", "IGST s.12(3)"),
    ] {
        let made = executive.post("/v1/invoices", &sale(customer, extra.clone())).expect(201);
        assert_eq!((&made["place_of_supply"], &made["place_of_supply_basis"]), (&json!(place), &json!(basis)), "{extra}");
        let (half, whole) = if place == "27" { ("90.00", "0.00") } else { ("0.00", "180.00") };
        assert_includes(&made["totals"], &json!({"cgst": half, "sgst": half, "igst": whole}));
        let read = company.get(&format!("/v1/invoices/{}?expand=explanation", id_of(&made)));
        let why = read["explanation"].as_array().unwrap().iter().find(|e| e["decision"] == "place_of_supply").unwrap().clone();
        assert_eq!(why["section"], basis.replace("IGST s.", "IGST Act s."));
    }
    for (extra, pointer, code) in [
        (with(at("immovable_property", "30"), json!({"place_of_supply": "29"})), "#/place_of_supply", "place_of_supply_mismatch"),
        (at("immovable_property", "99"), "#/supply_place/at/0", "place_of_supply_invalid"),
        (at("immovable_property", "40"), "#/supply_place/at/0", "state_unknown"),
        (at("installed", "30"), "#/supply_place/case", "supply_place_mismatch"),
        (json!({"supply_place": {"case": "admission"}}), "#/supply_place/at", "required"),
        (json!({"supply_place": {"case": "immovable_property", "at": ["29", "30"]}}), "#/supply_place/at", "several_states"),
        (at("elsewhere", "30"), "#/supply_place/case", "invalid_value"),
    ] {
        let problem = executive.post("/v1/invoices", &sale(&registered, extra.clone())).refusal();
        assert!(problem["status"] == 422 && blames(&problem, pointer, code), "{extra}: {problem}");
    }
    // A draft keeps it.
    let draft = executive.post("/v1/invoices", &sale(&registered, with(at("immovable_property", "30"), json!({"issue": false})))).expect(201);
    let patched = executive.change("PATCH", &format!("/v1/invoices/{}", id_of(&draft)), "\"v1\"", &json!({"po_reference": "PO-1"})).expect(200);
    assert_eq!(patched["place_of_supply"], "30");
    company.assert_laws();
}

#[test]
fn obsolete_prefixes_of_registrations_lead_to_the_states_of_today() {
    let company = Company::new();
    let customer = buyer(&company, "37", Some("28"), json!({}));
    let made = company.executive().post("/v1/invoices", &sale(&customer, json!({}))).expect(201);
    assert_includes(&made, &json!({"place_of_supply": "37", "supply_type": "B2B", "place_of_supply_basis": "IGST s.12(2)"}));
    company.assert_laws();
}

#[test]
fn an_operator_collects_at_source_and_the_supplier_pays_the_tax() {
    let company = Company::new();
    let customer = buyer(&company, "27", None, json!({}));
    let operator = json!({"gstin": "29 AABCF8078M1C8"});
    let made = company.executive().post("/v1/invoices", &sale(&customer, json!({"operator": operator}))).expect(201);
    assert_includes(&made, &json!({"operator": {"gstin": "29AABCF8078M1C8", "section": "52"}, "supply_type": "B2C"}));
    assert_includes(&made["totals"], &json!({"cgst": "90.00", "sgst": "90.00", "grand_total": "1180.00"}));
    let read = company.get(&format!("/v1/invoices/{}?expand=explanation", id_of(&made)));
    let why = read["explanation"].as_array().unwrap().iter().find(|e| e["decision"] == "operator").unwrap().clone();
    // Half a per cent since 10 July 2024.
    assert!(why["section"] == "Notification 15/2024-CT" && why["effective_date"] == "2024-07-10" && why["rule"].as_str().unwrap().contains("0.5 %"), "{why}");
    let stored = company.sql("SELECT ecommerce_operator_gstin AS gstin, ecommerce_section AS section FROM invoice WHERE company_id = {c}");
    assert_eq!(stored, [json!({"gstin": "29AABCF8078M1C8", "section": "52"})]);
    for (operator, code) in [
        (json!({"gstin": "29AABCF8078M1C9"}), "gstin_invalid"),
        // A regular registration collects nothing; a deductor's neither.
        (json!({"gstin": "27AAPFU0939F1ZV"}), "operator_invalid"),
        (json!({"gstin": "06DELI09652G1DA", "section": "9(5)"}), "operator_invalid"),
        (json!({"gstin": company.gstin, "section": "9(5)"}), "operator_invalid"),
    ] {
        let problem = company.executive().post("/v1/invoices", &sale(&customer, json!({"operator": operator}))).refusal();
        assert!(blames(&problem, "#/operator/gstin", code), "{operator}: {problem}");
    }
    company.assert_laws();
}

#[test]
fn by_section_9_5_the_operator_pays_the_tax() {
    let company = Company::new();
    let customer = buyer(&company, "27", None, json!({}));
    let meal = with(line("1000.00", "5"), json!({"hsn_code": "996331"}));
    let body = sale(&customer, json!({"operator": {"gstin": "29AABCF8078M1C8", "section": "9(5)"}, "lines": [meal]}));
    let made = company.executive().post("/v1/invoices", &body).expect(201);
    // Shown, not owed.
    assert_includes(&made["totals"], &json!({"taxable_value": "1000.00", "cgst": "25.00", "sgst": "25.00", "grand_total": "1000.00"}));
    assert_eq!(made["base_totals"], made["totals"]);
    assert_eq!([company.account("Accounts receivable"), company.account("Sales"), company.account("Output CGST")], [d!(1000), d!(-1000), d!(0)]);
    assert_eq!(company.sql("SELECT ecommerce_section AS section FROM invoice WHERE company_id = {c}"), [json!({"section": "9_5"})]);
    // A note goes where its invoice went.
    let part = json!({"lines": [{"quantity": "1", "unit_price": "400.00"}]});
    let note = company.controller().post("/v1/credit-notes", &with(note_body(&made, "2025-11-20", "1.00"), part)).expect(201);
    assert_includes(&note["totals"], &json!({"taxable_value": "400.00", "cgst": "10.00", "grand_total": "400.00"}));
    assert_eq!(note["operator"], made["operator"]);
    assert_eq!([company.account("Accounts receivable"), company.account("Output CGST")], [d!(600), d!(0)]);
    // Nobody else pays it too.
    let both = with(body, json!({"external_id": fresh(), "reverse_charge": true}));
    let problem = company.executive().post("/v1/invoices", &both).refusal();
    assert!(blames(&problem, "#/operator/section", "operator_invalid"), "{problem}");
    company.assert_laws();
}

#[test]
fn an_export_gets_its_shipping_bill_when_customs_gives_it() {
    let company = Company::new();
    let executive = company.executive();
    let customer = abroad(&company);
    let export = sale(&customer, json!({"supply_type": "EXPWOP", "lines": [goods("18")], "invoice_date": "2025-10-01"}));
    let made = executive.post("/v1/invoices", &export).expect(201);
    assert_includes(&made, &json!({"supply_type": "EXPWOP", "place_of_supply": "96", "shipping_bill": null, "paper": "tax_invoice"}));
    assert!(made["allowed_actions"].as_array().unwrap().contains(&json!("record_shipping_bill")), "{made}");
    let path = format!("/v1/invoices/{}/shipping-bill", id_of(&made));
    let bill = json!({"number": "7896542", "date": "2025-10-07", "port_code": "innsa1"});
    let shipped = executive.change("POST", &path, "\"v1\"", &bill).expect(200);
    assert_eq!(shipped["shipping_bill"], json!({"number": "7896542", "date": "2025-10-07", "port_code": "INNSA1"}));
    assert_eq!((&shipped["version"], &shipped["totals"], &shipped["number"]), (&json!(2), &made["totals"], &made["number"]));
    // Mended, and never behind anybody's back.
    executive.change("POST", &path, "\"v1\"", &bill).refused(412, "version_mismatch");
    let mended = executive.change("POST", &path, "\"v2\"", &json!({"number": "7896543", "date": "2025-10-08"})).expect(200);
    assert_eq!(mended["shipping_bill"], json!({"number": "7896543", "date": "2025-10-08", "port_code": null}));
    let events = company.sql("SELECT count(*) AS n FROM audit_event WHERE company_id = {c} AND action = 'invoice.shipping_bill_recorded'");
    assert_eq!(events, [json!({"n": 2})]);
    for (bill, pointer, code) in [
        (json!({"number": "7896542", "date": "2025-09-30"}), "#/date", "before_document"),
        (json!({"number": "7896542", "date": "2126-10-07"}), "#/date", "date_in_future"),
        (json!({"number": "78", "date": "2025-10-07"}), "#/number", "invalid_format"),
        (json!({"number": "7896542", "date": "2025-10-07", "port_code": "INN-A1"}), "#/port_code", "invalid_format"),
        (json!({"date": "2025-10-07"}), "#/number", "required"),
    ] {
        let problem = executive.change("POST", &path, "\"v3\"", &bill).refusal();
        assert!(blames(&problem, pointer, code), "{bill}: {problem}");
    }
    // With the invoice where it is known at once; nowhere else than on exports.
    let at_once = with(export.clone(), json!({"external_id": fresh(), "shipping_bill": bill}));
    assert_eq!(executive.post("/v1/invoices", &at_once).expect(201)["shipping_bill"]["port_code"], "INNSA1");
    let home = buyer(&company, "27", None, json!({}));
    let problem = executive.post("/v1/invoices", &sale(&home, json!({"shipping_bill": bill}))).refusal();
    assert!(blames(&problem, "#/shipping_bill", "not_an_export"), "{problem}");
    let sold = executive.post("/v1/invoices", &sale(&home, json!({}))).expect(201);
    let problem = executive.change("POST", &format!("/v1/invoices/{}/shipping-bill", id_of(&sold)), "\"v1\"", &bill).refusal();
    assert!(blames(&problem, "#/number", "not_an_export"), "{problem}");
    let draft = executive.post("/v1/invoices", &with(export, json!({"external_id": fresh(), "issue": false}))).expect(201);
    executive.change("POST", &format!("/v1/invoices/{}/shipping-bill", id_of(&draft)), "\"v1\"", &bill).refused(409, "invalid_state");
    company.as_role("auditor").change("POST", &path, "\"v3\"", &bill).refused(403, "role_read_only");
    company.assert_laws();
}

#[test]
fn a_composition_dealer_issues_bills_of_supply_within_the_state() {
    let company = Company::new();
    let executive = company.executive();
    assert_eq!(registration(&company)["type"], "regular");
    assert_eq!(change_registration(&company, &json!({"type": "composition"}))["type"], "composition");
    let near = buyer(&company, "27", None, json!({}));
    let far = buyer(&company, "29", None, json!({}));
    let untaxed = with(line("1000.00", "0"), json!({"tax_rate": null}));
    let made = executive.post("/v1/invoices", &sale(&near, json!({"lines": [untaxed], "charges": [{"label": "Freight", "amount": "50.00"}]}))).expect(201);
    assert_includes(&made, &json!({"paper": "bill_of_supply", "seller_composition": true}));
    assert_eq!(made["einvoice"]["status"], "not_required");
    assert_includes(&made["totals"], &json!({"taxable_value": "1050.00", "cgst": "0.00", "grand_total": "1050.00"}));
    let read = company.get(&format!("/v1/invoices/{}?expand=explanation", id_of(&made)));
    assert!(read["explanation"].as_array().unwrap().iter().any(|e| e["decision"] == "composition" && e["section"].as_str().unwrap().contains("s.10(4)")));
    // An item's rate is of no account.
    let item = json!({"code": fresh()[..8], "name": "Rice", "is_service": false, "hsn_code": "1006", "unit": "KGS", "unit_price": "60.00", "tax_rate": "5"});
    let item = executive.post("/v1/items", &item).expect(201);
    let of_item = executive.post("/v1/invoices", &sale(&near, json!({"lines": [{"item_id": item["id"], "quantity": "10"}]}))).expect(201);
    assert_includes(&of_item["totals"], &json!({"taxable_value": "600.00", "cgst": "0.00", "grand_total": "600.00"}));
    let untaxed = json!([{"description": "Work", "hsn_code": "998313", "quantity": "1", "unit_price": "100.00"}]);
    for (customer, extra, pointer, code) in [
        (&near, json!({}), "#/lines/0/tax_rate", "composition_no_tax"),
        (
            &near,
            json!({"lines": untaxed, "charges": [{"label": "Freight", "amount": "50.00", "tax_rate": "18"}]}),
            "#/charges/0/tax_rate",
            "composition_no_tax",
        ),
        (&far, json!({"lines": untaxed}), "#/place_of_supply", "composition_inter_state"),
    ] {
        let problem = executive.post("/v1/invoices", &sale(customer, extra.clone())).refusal();
        assert!(blames(&problem, pointer, code), "{extra}: {problem}");
    }
    // Regular again: what was billed without tax is credited without.
    change_registration(&company, &json!({"type": "regular"}));
    let part = json!({"lines": [{"description": "Returned", "quantity": "1", "unit_price": "100.00"}]});
    let note = company.controller().post("/v1/credit-notes", &with(note_body(&made, "2025-11-20", "1.00"), part)).expect(201);
    assert_eq!(note["seller_composition"], true);
    assert_includes(&note["totals"], &json!({"taxable_value": "100.00", "cgst": "0.00", "grand_total": "100.00"}));
    let taxed = executive.post("/v1/invoices", &sale(&near, json!({}))).expect(201);
    assert_includes(&taxed, &json!({"paper": "tax_invoice", "seller_composition": false}));
    assert_includes(&taxed["totals"], &json!({"cgst": "90.00", "grand_total": "1180.00"}));
    company.assert_laws();
}

#[test]
fn who_buys_decides_about_the_type_and_the_paper() {
    let company = Company::new();
    let executive = company.executive();
    let dealer = buyer(&company, "29", Some("29"), json!({"kind": "composition"}));
    let made = executive.post("/v1/invoices", &sale(&dealer, json!({}))).expect(201);
    assert_eq!((&made["supply_type"], &made["totals"]["igst"]), (&json!("B2B"), &json!("180.00")));
    assert_eq!(company.sql("SELECT buyer_composition AS yes FROM invoice WHERE company_id = {c}"), [json!({"yes": true})]);
    // As a consumer, who does not name the number.
    let bought = executive
        .post(
            "/v1/invoices",
            &sale(&dealer, json!({"supply_type": "B2C", "lines": [line("100.00", "18"), with(line("50.00", "0"), json!({"treatment": "exempt"}))]})),
        )
        .expect(201);
    assert_includes(&bought, &json!({"supply_type": "B2C", "buyer_gstin": null, "paper": "invoice_cum_bill_of_supply"}));
    // A zone is registered, or it is none.
    let zone = buyer(&company, "27", None, json!({"kind": "sez"}));
    let problem = executive.post("/v1/invoices", &sale(&zone, json!({}))).refusal();
    assert!(blames(&problem, "#/supply_type", "gstin_missing"), "{problem}");
    company.assert_laws();
}

#[test]
fn nothing_is_sold_under_a_registration_that_has_ended() {
    let company = Company::new();
    let customer = buyer(&company, "27", None, json!({}));
    change_registration(&company, &json!({"cancelled_on": "2025-11-14"}));
    let problem = company.executive().post("/v1/invoices", &sale(&customer, json!({}))).refusal();
    assert!(blames(&problem, "#/invoice_date", "registration_ended"), "{problem}");
    company.executive().post("/v1/invoices", &sale(&customer, json!({"invoice_date": "2025-11-14"}))).expect(201);
    company.assert_laws();
}

#[test]
fn cess_is_left_on_tobacco_only_until_january_2026() {
    let company = Company::new();
    let customer = buyer(&company, "27", None, json!({}));
    let executive = company.executive();
    let of = |hsn: &str, rate: &str, date: &str| {
        let line = with(goods(rate), json!({"hsn_code": hsn, "cess_rate": "5"}));
        executive.post("/v1/invoices", &sale(&customer, json!({"invoice_date": date, "lines": [line]})))
    };
    of("870322", "28", "2025-09-21").expect(201);
    let problem = of("870322", "40", "2025-09-22").refused(422, "cess_not_in_force");
    assert!(blames(&problem, "#/lines/0/cess_rate", "cess_not_in_force"), "{problem}");
    of("24022090", "28", "2026-01-31").expect(201);
    company.assert_laws();
}

#[test]
fn the_tools_take_the_same_facts() {
    let company = Company::new();
    let client = company.as_role("auditor");
    let ask = |extra: Value| {
        let base = json!({"date": "2025-11-15", "supplier_state": "27", "recipient": {"kind": "registered", "state": "29"}, "lines": [{"unit_price": "1000", "gst_rate": "18", "is_service": true}]});
        client.post("/v1/gst/calculate", &with(base, extra))
    };
    let at = |case: &str, place: &str| json!({"supply_place": {"case": case, "at": [place]}});
    let consumer = json!({"recipient": {"kind": "unregistered", "state": "33"}});
    for (extra, place, nature) in [
        (json!({}), "29", "inter_state"),
        (at("immovable_property", "27"), "27", "intra_state"),
        (at("training", "27"), "29", "inter_state"),
        (with(at("training", "27"), consumer.clone()), "27", "intra_state"),
        (with(at("goods_transport", "27"), consumer), "27", "intra_state"),
        (with(at("intermediary", "27"), json!({"recipient": {"kind": "overseas"}})), "27", "intra_state"),
        // Until September 2023 transport of goods to a place abroad was supplied there.
        (json!({"date": "2023-09-30", "supply_place": {"case": "goods_transport", "destination": "96"}}), "96", "inter_state"),
        (json!({"date": "2023-10-01", "supply_place": {"case": "goods_transport", "destination": "96"}}), "29", "inter_state"),
    ] {
        let answer = ask(extra.clone()).expect(200);
        assert_eq!((&answer["place_of_supply"], &answer["nature"]), (&json!(place), &json!(nature)), "{extra}: {answer}");
    }
    let by_operator = |section: &str| ask(json!({"operator": {"gstin": "29AABCF8078M1C8", "section": section}})).expect(200);
    assert_eq!(
        (&by_operator("52")["total"], &by_operator("9(5)")["total"], &by_operator("9(5)")["igst"]),
        (&json!("1180.00"), &json!("1000.00"), &json!("180.00"))
    );
    // `regular` leaves an overseas recipient what it is.
    assert_eq!(ask(json!({"recipient": {"kind": "overseas"}, "supply_type": "regular"})).expect(200)["supply_type"], "EXPWP");
    // Digits of an HSN are asked of who has a GSTIN, and two were enough before April 2021.
    let hsn = |hsn: &str, extra: Value| {
        ask(with(json!({"recipient": {"gstin": "27AAPFU0939F1ZV"}, "lines": [{"unit_price": "1", "gst_rate": "18", "hsn": hsn}]}), extra))
    };
    hsn("84", json!({})).refused(422, "hsn_too_short");
    hsn("8471", json!({"annual_turnover": "50000001"})).refused(422, "hsn_too_short");
    hsn("84", json!({"date": "2021-03-31", "annual_turnover": "20000000"})).expect(200);
    for (extra, pointer, code) in [
        (json!({"recipient": {"gstin": "27AAPFU0939F1ZV", "state": "29"}}), "#/recipient/state", "state_mismatch"),
        (json!({"recipient": {"gstin": "9917SGP29001OST"}}), "#/recipient/gstin", "gstin_invalid"),
        (json!({"operator": {"gstin": "27AAPFU0939F1ZV"}}), "#/operator/gstin", "operator_invalid"),
        (json!({"operator": {"gstin": "29AABCF8078M1C8", "section": "9(5)"}, "reverse_charge": true}), "#/operator/section", "operator_invalid"),
        (with(at("immovable_property", "27"), json!({"place_of_supply": "29"})), "#/place_of_supply", "place_of_supply_mismatch"),
        (at("installed", "27"), "#/supply_place/case", "supply_place_mismatch"),
        (json!({"lines": [{"unit_price": "1", "gst_rate": "40", "hsn": "870322", "cess_percent": "1"}]}), "#/lines/0/cess_percent", "cess_not_in_force"),
    ] {
        let problem = ask(extra.clone()).refusal();
        assert!(problem["status"] == 422 && blames(&problem, pointer, code), "{extra}: {problem}");
    }
    company.assert_laws();
}

#[test]
fn whatever_a_unit_in_an_sez_supplies_is_inter_state() {
    // IGST Act s.7(5)(b): supplies to or by it; s.16(1)(b) zero-rates only those to it.
    let company = Company::new();
    let executive = company.executive();
    let own = registration(&company);
    let unit = json!({"gstin": of_same_pan(&company, "27"), "type": "sez", "legal_name": "Demo Traders SEZ Unit"});
    let unit = company.as_role("admin").post("/v1/gst-registrations", &unit).expect(201);
    assert_eq!((&unit["type"], &unit["state_code"]), (&json!("sez"), &own["state_code"]));
    let near = buyer(&company, "27", Some("27"), json!({}));
    let consumer = buyer(&company, "27", None, json!({}));
    let by_unit = |customer: &str, extra: Value| {
        let body = with(sale(customer, json!({"gst_registration_id": unit["id"]})), extra);
        executive.post("/v1/invoices", &body).expect(201)
    };
    let made = by_unit(&near, json!({}));
    assert_includes(&made, &json!({"supply_type": "B2B", "place_of_supply": "27"}));
    assert_includes(&made["totals"], &json!({"cgst": "0.00", "sgst": "0.00", "igst": "180.00", "grand_total": "1180.00"}));
    let read = company.get(&format!("/v1/invoices/{}?expand=explanation", id_of(&made)));
    assert!(read["explanation"].as_array().unwrap().iter().any(|e| e["decision"] == "nature_of_supply" && e["section"] == "IGST Act s.7(5)(b)"), "{read}");
    by_unit(&consumer, json!({}));
    let note = company
        .controller()
        .post("/v1/credit-notes", &with(note_body(&made, "2025-11-20", "1.00"), json!({"lines": [{"quantity": "1", "unit_price": "100.00"}]})));
    assert_includes(&note.expect(201)["totals"], &json!({"cgst": "0.00", "igst": "18.00"}));
    // The registration beside it is what it was.
    let plain = executive.post("/v1/invoices", &sale(&near, json!({}))).expect(201);
    assert_includes(&plain["totals"], &json!({"cgst": "90.00", "igst": "0.00"}));
    let advance =
        json!({"gst_advance": {"supply": "services", "tax_rate": "18", "place_of_supply": "27", "hsn_code": "998313", "gst_registration_id": unit["id"]}});
    let money = executive.post("/v1/receipts", &with(receipt_body(&near, "2025-11-16", "118.00"), advance)).expect(201);
    assert_eq!(money["gst_advance"]["inter_state"], true);
    let reply = company.get(&format!("/v1/gst-returns/{}/2025-11/gstr1", unit["gstin"].as_str().unwrap()));
    let rows = &reply["gstr1"];
    assert_eq!(rows["b2b"][0]["inv"][0]["itms"][0]["itm_det"], json!({"txval": 1000, "rt": 18, "iamt": 180, "csamt": 0}));
    assert_eq!(rows["b2cs"], json!([{"sply_ty": "INTER", "pos": "27", "typ": "OE", "rt": 18, "txval": 1000, "iamt": 180, "csamt": 0}]));
    assert_includes(&rows["at"][0], &json!({"pos": "27", "sply_ty": "INTER"}));
    assert_eq!(reply["warnings"], json!([]), "{reply}");
    // One is not turned into the other.
    for (registration, to) in [(&own, "sez"), (&unit, "regular")] {
        let path = format!("/v1/gst-registrations/{}", id_of(registration));
        let problem = company.as_role("admin").change("PATCH", &path, "*", &json!({"type": to})).refused(422, "validation_failed");
        assert!(blames(&problem, "#/type", "registration_type_fixed"), "{problem}");
    }
    company.assert_laws();
}

/// Another registration of the company's PAN in a State.
fn of_same_pan(company: &Company, state: &str) -> String {
    let body = format!("{state}{}2Z", &company.gstin[2..12]);
    format!("{body}{}", duebook::tax::gst::gstin::check_character(&body).unwrap())
}
