//! The GST tools over HTTP: api.md 13.8; figures of gst.md, of published invoices, and by hand.

use crate::rig::*;
use rust_decimal::{Decimal, dec as d};
use serde_json::{Value, json};

fn ask() -> Client {
    let company = Company::new();
    company.as_role("auditor")
}

fn calculate(client: &Client, extra: Value) -> Value {
    client.post("/v1/gst/calculate", &sale(extra)).expect(200)
}

/// One line of 1,000 at 18 % within Gujarat, on 15 November 2025.
fn sale(extra: Value) -> Value {
    let base = json!({"date": "2025-11-15", "supplier_state": "24", "place_of_supply": "24", "recipient": {"kind": "registered", "state": "24"}, "supply_type": "regular",
                      "lines": [{"qty": "1", "unit_price": "1000", "gst_rate": "18"}]});
    with(base, extra)
}

fn figures(answer: &Value) -> [Decimal; 6] {
    ["taxable", "cgst", "sgst", "igst", "cess", "total"].map(|name| dec(&answer[name]))
}

fn explains(answer: &Value, decision: &str, section: &str) -> bool {
    answer["explanation"].as_array().unwrap().iter().any(|e| {
        assert!(["rule", "section", "effective_date"].iter().all(|member| e[member].as_str().is_some_and(|text| !text.is_empty())), "{e}");
        e["decision"] == decision && e["section"].as_str().unwrap().contains(section)
    })
}

#[test]
fn the_example_of_the_design_comes_to_968_60() {
    let client = ask();
    let body = json!({"date": "2025-11-15", "supplier_state": "24", "place_of_supply": "24", "recipient": {"kind": "registered", "state": "24"},
        "supply_type": "regular", "reverse_charge": false, "prices_include_tax": false, "round_to_rupee": true,
        "lines": [{"qty": "1", "unit_price": "1000", "gst_rate": "5", "discount_percent": "10", "discount_amount": null, "cess_percent": null, "cess_per_unit": null, "treatment": "taxable"}],
        "document_discount": null, "charges": [{"label": "freight", "amount": "20", "when": "before_tax", "gst_rate": "18"}]});
    let answer = client.post("/v1/gst/calculate", &body).expect(200);
    assert_includes(&answer["lines"][0], &json!({"taxable": "900.00", "cgst": "22.50", "sgst": "22.50", "igst": "0.00", "cess": "0.00"}));
    assert_includes(&answer["by_rate"][0], &json!({"rate": "5.00", "taxable": "900.00", "cgst": "22.50", "sgst": "22.50", "igst": "0.00"}));
    assert_includes(&answer["by_rate"][1], &json!({"rate": "18.00", "taxable": "20.00", "cgst": "1.80", "sgst": "1.80", "igst": "0.00"}));
    let totals = json!({"taxable": "920.00", "cgst": "24.30", "sgst": "24.30", "igst": "0.00", "cess": "0.00", "total": "968.60", "rounding": "0.40", "payable": "969.00"});
    assert_includes(&answer, &totals);
    for (decision, section) in [
        ("place_of_supply", "IGST Act s.10"),
        ("nature_of_supply", "IGST Act s.8"),
        ("tax", "CGST Act s.9"),
        ("rate", "9/2025-CT(Rate)"),
        ("line_discount", "CGST Act s.15(3)"),
        ("charge", "CGST Act s.15(2)"),
        ("round_off", "CGST Act s.170"),
    ] {
        assert!(explains(&answer, decision, section), "{decision}: {}", answer["explanation"]);
    }
    // Every role may ask.
    let company = Company::new();
    for role in ["admin", "controller", "ar_executive", "collector", "sales", "auditor", "integration"] {
        assert_eq!(company.as_role(role).post("/v1/gst/calculate", &body).expect(200), answer, "{role}");
    }
    company.assert_laws();
}

#[test]
fn the_least_a_caller_may_send_is_enough() {
    let client = ask();
    let least = json!({"supplier_state": "27", "lines": [{"unit_price": "100", "gst_rate": "18"}]});
    let answer = client.post("/v1/gst/calculate", &least).expect(200);
    assert_eq!(figures(&answer), [d!(100), d!(9), d!(9), d!(0), d!(0), d!(118)]);
    assert_includes(&answer, &json!({"place_of_supply": "27", "nature": "intra_state", "supply_type": "B2C", "rounding": "0.00", "payable": "118.00"}));
}

#[test]
fn recipients_and_supply_types_decide_which_taxes_there_are() {
    let client = ask();
    let cases = [
        // Who, their State, place, class → CGST = SGST, IGST, total, type on the e-invoice.
        ("registered", "24", Some("24"), Some("regular"), d!(90), d!(0), d!(1180), "B2B"),
        ("registered", "27", Some("27"), Some("regular"), d!(0), d!(180), d!(1180), "B2B"),
        ("registered", "27", None, None, d!(0), d!(180), d!(1180), "B2B"),
        ("composition", "24", Some("24"), Some("regular"), d!(90), d!(0), d!(1180), "B2B"),
        ("unregistered", "24", None, None, d!(90), d!(0), d!(1180), "B2C"),
        ("unregistered", "29", None, None, d!(0), d!(180), d!(1180), "B2C"),
        // An SEZ in the supplier's own State is inter-State all the same, even where nobody said so.
        ("sez", "24", Some("24"), Some("sez_with_payment"), d!(0), d!(180), d!(1180), "SEZWP"),
        ("sez", "24", Some("24"), Some("regular"), d!(0), d!(180), d!(1180), "SEZWP"),
        ("sez", "24", Some("24"), Some("sez_without_payment"), d!(0), d!(0), d!(1000), "SEZWOP"),
        ("overseas", "96", Some("96"), Some("export_with_payment"), d!(0), d!(180), d!(1180), "EXPWP"),
        ("overseas", "96", None, Some("export_without_payment"), d!(0), d!(0), d!(1000), "EXPWOP"),
        ("overseas", "96", None, None, d!(0), d!(180), d!(1180), "EXPWP"),
        // An overseas customer with delivery in India is taxed like anybody there.
        ("overseas", "96", Some("24"), Some("regular"), d!(90), d!(0), d!(1180), "B2C"),
        ("deemed_export", "24", Some("24"), Some("deemed_export"), d!(90), d!(0), d!(1180), "DEXP"),
        ("deemed_export", "27", Some("27"), None, d!(0), d!(180), d!(1180), "DEXP"),
    ];
    for (kind, state, place, class, half, igst, total, supply) in cases {
        let answer = calculate(&client, json!({"recipient": {"kind": kind, "state": state}, "place_of_supply": place, "supply_type": class}));
        assert_eq!(figures(&answer), [d!(1000), half, half, igst, d!(0), total], "{kind} {state} {place:?} {class:?}");
        assert_eq!(answer["supply_type"], supply, "{kind} {state} {place:?} {class:?}");
    }
    // Territories without a legislature: UTGST stands in the place of SGST, and the explanation says so.
    let answer = calculate(&client, json!({"supplier_state": "35", "place_of_supply": "35"}));
    assert!(explains(&answer, "tax", "UTGST Act"), "{answer}");
    assert_eq!(dec(&answer["sgst"]), d!(90));
    // Obsolete codes mean the States that took them over.
    let answer = calculate(&client, json!({"supplier_state": "28", "place_of_supply": "37"}));
    assert_eq!(answer["nature"], "intra_state");
}

#[test]
fn what_an_sez_supplies_is_inter_state_and_a_composition_dealer_stays_at_home() {
    let client = ask();
    for recipient in ["registered", "unregistered", "composition"] {
        let answer = calculate(&client, json!({"supplier_sez": true, "recipient": {"kind": recipient, "state": "24"}}));
        assert_eq!((figures(&answer), &answer["nature"]), ([d!(1000), d!(0), d!(0), d!(180), d!(0), d!(1180)], &json!("inter_state")), "{recipient}");
        assert!(explains(&answer, "nature_of_supply", "IGST Act s.7(5)(b)"), "{answer}");
    }
    let export = json!({"supplier_sez": true, "recipient": {"kind": "overseas"}, "place_of_supply": "96", "supply_type": "export_without_payment"});
    assert!(explains(&calculate(&client, export), "nature_of_supply", "IGST Act s.7(5)(a)"));
    // CGST Act s.10(2)(c): not even to an SEZ next door, or abroad.
    for (extra, place) in [
        (json!({"place_of_supply": "27", "recipient": null}), "27"),
        (json!({"recipient": {"kind": "sez", "state": "24"}}), "24"),
        (json!({"recipient": {"kind": "overseas"}, "place_of_supply": "96", "supply_type": null}), "96"),
    ] {
        let problem = client.post("/v1/gst/calculate", &sale(with(extra, json!({"supplier_composition": true})))).refusal();
        assert!(problem["status"] == 422 && blames(&problem, "#/place_of_supply", "composition_inter_state"), "{problem}");
        assert_eq!((&problem["errors"][0]["expected"], &problem["errors"][0]["received"]), (&json!("24"), &json!(place)));
    }
    let home = calculate(&client, json!({"supplier_composition": true, "lines": [{"unit_price": "1000"}]}));
    assert_includes(&home, &json!({"document": "bill_of_supply", "total": "1000.00", "nature": "intra_state"}));
}

#[test]
fn cess_that_is_left_is_on_tobacco_and_not_on_services() {
    let client = ask();
    let cess = |date: &str, hsn: &str| {
        client.post("/v1/gst/calculate", &sale(json!({"date": date, "lines": [{"unit_price": "100", "gst_rate": "18", "cess_percent": "5", "hsn": hsn}]})))
    };
    cess("2025-09-21", "997311").expect(200);
    cess("2025-09-22", "24031110").expect(200);
    for (date, hsn) in [("2025-09-22", "997311"), ("2025-09-22", "870322"), ("2026-02-01", "24031110")] {
        assert!(blames(&cess(date, hsn).refused(422, "cess_not_in_force"), "#/lines/0/cess_percent", "cess_not_in_force"), "{date} {hsn}");
    }
}

#[test]
fn figures_of_the_design_come_out() {
    let client = ask();
    // Two lines of 7.60 at 12 % bear 0.91 of CGST, spread as 0.46 and 0.45.
    let old = json!({"date": "2025-08-01", "lines": [{"unit_price": "7.60", "gst_rate": "12"}, {"unit_price": "7.60", "gst_rate": "12"}]});
    let answer = calculate(&client, old);
    assert_eq!((&answer["cgst"], &answer["lines"][0]["cgst"], &answer["lines"][1]["cgst"]), (&json!("0.91"), &json!("0.46"), &json!("0.45")));
    // 99.99 inclusive of 5 stays 99.99.
    let answer = calculate(&client, json!({"prices_include_tax": true, "lines": [{"unit_price": "99.99", "gst_rate": "5"}]}));
    assert_eq!((dec(&answer["total"]), dec(&answer["taxable"]), dec(&answer["cgst"]), dec(&answer["sgst"])), (d!(99.99), d!(95.23), d!(2.38), d!(2.38)));
    // An advance of 590 at 18 %.
    let answer = calculate(&client, json!({"prices_include_tax": true, "lines": [{"unit_price": "590", "gst_rate": "18"}]}));
    assert_eq!(figures(&answer), [d!(500), d!(45), d!(45), d!(0), d!(0), d!(590)]);
    // 47,584 at 18 %: 4,282.56 each, 56,149 rounded.
    let answer = calculate(&client, json!({"round_to_rupee": true, "lines": [{"unit_price": "47584", "gst_rate": "18"}]}));
    assert_includes(&answer, &json!({"cgst": "4282.56", "sgst": "4282.56", "total": "56149.12", "rounding": "-0.12", "payable": "56149.00"}));
    // NIC's sample of the e-invoice schema: 100 at 99.545 less 10, 12 % IGST, cess 5 %.
    let sample = json!({"date": "2021-04-01", "supplier_state": "29", "place_of_supply": "96", "recipient": {"kind": "overseas"}, "supply_type": "export_with_payment",
        "lines": [{"qty": "100", "unit_price": "99.545", "discount_amount": "10", "gst_rate": "12", "cess_percent": "5"}]});
    let answer = calculate(&client, sample);
    assert_eq!(figures(&answer), [d!(9944.50), d!(0), d!(0), d!(1193.34), d!(497.23), d!(11635.07)]);
}

#[test]
fn cess_reverse_charge_and_untaxed_lines_are_kept_apart() {
    let client = ask();
    // 2 x 100 at 28 %, cess 12 % and 1.25 a piece; GST is not on cess.
    let car = json!({"date": "2025-08-01", "lines": [{"qty": "2", "unit_price": "100", "gst_rate": "28", "cess_percent": "12", "cess_per_unit": "1.25"}]});
    let answer = calculate(&client, car);
    assert_eq!(figures(&answer), [d!(200), d!(28), d!(28), d!(0), d!(26.50), d!(282.50)]);
    assert!(explains(&answer, "cess", "Compensation to States"), "{answer}");
    // Shown, not collected.
    let answer = calculate(&client, json!({"reverse_charge": true}));
    assert_eq!(figures(&answer), [d!(1000), d!(90), d!(90), d!(0), d!(0), d!(1000)]);
    assert!(explains(&answer, "reverse_charge", "CGST Act s.9(3)"), "{answer}");
    // A mixed document: only one line bears tax, all count.
    let line = |treatment: &str| json!({"unit_price": "100", "treatment": treatment});
    let mixed = json!({"lines": [{"unit_price": "100", "gst_rate": "18"}, line("nil"), line("exempt"), line("non_gst")]});
    let answer = calculate(&client, mixed.clone());
    assert_eq!(figures(&answer), [d!(400), d!(9), d!(9), d!(0), d!(0), d!(418)]);
    assert_eq!((answer["by_rate"].as_array().unwrap().len(), &answer["document"]), (4, &json!("tax_invoice")));
    let answer = calculate(&client, with(mixed, json!({"recipient": {"kind": "unregistered", "state": "24"}})));
    assert_eq!(answer["document"], "invoice_cum_bill_of_supply");
    let answer = calculate(&client, json!({"lines": [line("exempt")]}));
    assert_eq!((&answer["document"], dec(&answer["total"])), (&json!("bill_of_supply"), d!(100)));
    let answer = calculate(&client, json!({"supplier_composition": true}));
    assert_eq!((&answer["document"], dec(&answer["total"])), (&json!("bill_of_supply"), d!(1000)));
    // 65 % of the tax on a leased car.
    let answer = calculate(&client, json!({"date": "2020-06-30", "differential_percent": "65", "lines": [{"unit_price": "10000", "gst_rate": "28"}]}));
    assert_eq!(figures(&answer), [d!(10000), d!(910), d!(910), d!(0), d!(0), d!(11820)]);
}

#[test]
fn discounts_and_charges_enter_the_value_or_stay_outside() {
    let client = ask();
    let two = json!([{"unit_price": "300", "gst_rate": "5"}, {"unit_price": "100", "gst_rate": "18"}]);
    // 40 off 400: 270 at 5, 90 at 18.
    let answer = calculate(&client, json!({"lines": two, "document_discount": "40"}));
    assert_eq!(figures(&answer), [d!(360), d!(14.85), d!(14.85), d!(0), d!(0), d!(389.70)]);
    assert_eq!((&answer["lines"][0]["taxable"], &answer["lines"][1]["taxable"], &answer["discount"]), (&json!("270.00"), &json!("90.00"), &json!("40.00")));
    assert_eq!(calculate(&client, json!({"lines": two, "document_discount_percent": "10"}))["total"], "389.70");
    // Per cent and amount on one line.
    let answer = calculate(&client, json!({"lines": [{"unit_price": "1000", "gst_rate": "18", "discount_percent": "10", "discount_amount": "100"}]}));
    assert_eq!(dec(&answer["taxable"]), d!(800));
    // After tax: added, not taxed.
    let answer = calculate(&client, json!({"charges": [{"label": "packing", "amount": "20", "when": "after_tax"}]}));
    assert_eq!(figures(&answer), [d!(1000), d!(90), d!(90), d!(0), d!(0), d!(1200)]);
    assert_eq!((&answer["other_charges"], &answer["charges"][0]["total"]), (&json!("20.00"), &json!("20.00")));
    // Before tax without a rate of its own: shared out, 30 at 5 and 10 at 18.
    let answer = calculate(&client, json!({"lines": two, "charges": [{"label": "freight", "amount": "40"}]}));
    assert_eq!(figures(&answer), [d!(440), d!(18.15), d!(18.15), d!(0), d!(0), d!(476.30)]);
    assert_includes(&answer["charges"][0], &json!({"label": "freight", "taxable": "40.00", "cgst": "1.65"}));
}

#[test]
fn rates_are_those_in_force_at_the_time_of_supply() {
    let client = ask();
    let at = |rate: &str, extra: Value| client.post("/v1/gst/calculate", &sale(with(json!({"lines": [{"unit_price": "100", "gst_rate": rate}]}), extra)));
    for (rate, date, good) in [
        ("12", "2025-09-21", true),
        ("12", "2025-09-22", false),
        ("28", "2025-09-21", true),
        ("28", "2026-02-01", false),
        ("40", "2025-09-21", false),
        ("40", "2025-09-22", true),
        ("5", "2026-11-01", true),
        ("17", "2025-11-15", false),
        ("0.25", "2025-11-15", true),
    ] {
        let reply = at(rate, json!({"date": date}));
        if good {
            reply.expect(200);
        } else {
            let problem = reply.refused(422, "rate_not_in_force");
            assert!(blames(&problem, "#/lines/0/gst_rate", "rate_not_in_force"), "{problem}");
            assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("s.14"), "{problem}");
        }
    }
    // Supplied and paid before the change, invoiced after: the old rate, and only that.
    let straddling = json!({"date": "2025-10-05", "supply_date": "2025-09-10", "payment_date": "2025-09-15"});
    let answer = at("12", straddling.clone()).expect(200);
    assert!(explains(&answer, "time_of_supply", "CGST Act s.14(a)(iii)"), "{answer}");
    at("40", straddling).refused(422, "rate_not_in_force");
    // Supplied before, invoiced and paid after: the new one.
    at("12", json!({"date": "2025-10-05", "supply_date": "2025-09-10"})).refused(422, "rate_not_in_force");
    // Rates of some goods only.
    let goods = |rate: &str, hsn: &str, date: &str| {
        client.post("/v1/gst/calculate", &sale(json!({"date": date, "lines": [{"unit_price": "100", "gst_rate": rate, "hsn": hsn}]})))
    };
    goods("12", "69041000", "2025-11-15").expect(200);
    goods("12", "847130", "2025-11-15").refused(422, "rate_not_in_force");
    goods("28", "24022090", "2026-01-31").expect(200);
    goods("28", "870321", "2026-01-31").refused(422, "rate_not_in_force");
    // Cess ended for everything on 1 February 2026.
    let cess =
        |date: &str| client.post("/v1/gst/calculate", &sale(json!({"date": date, "lines": [{"unit_price": "100", "gst_rate": "18", "cess_percent": "5"}]})));
    cess("2026-01-31").expect(200);
    let problem = cess("2026-02-01").refused(422, "cess_not_in_force");
    assert!(blames(&problem, "#/lines/0/cess_percent", "cess_not_in_force"), "{problem}");
}

#[test]
fn what_is_wrong_with_a_calculation_is_named_where_it_stands() {
    let client = ask();
    let line = |extra: Value| json!({"lines": [with(json!({"unit_price": "100", "gst_rate": "18"}), extra)]});
    for (body, pointer, code) in [
        (json!({"supplier_state": "39"}), "#/supplier_state", "state_unknown"),
        (json!({"supplier_state": "Gujarat"}), "#/supplier_state", "state_unknown"),
        (json!({"supplier_state": "96"}), "#/supplier_state", "state_unknown"),
        (json!({"place_of_supply": "00"}), "#/place_of_supply", "state_unknown"),
        (json!({"place_of_supply": "99"}), "#/place_of_supply", "place_of_supply_invalid"),
        (json!({"place_of_supply": "25"}), "#/place_of_supply", "place_of_supply_invalid"),
        (json!({"recipient": {"kind": "registered", "state": "40"}}), "#/recipient/state", "state_unknown"),
        (json!({"recipient": {"gstin": "27AAPFU0939F1ZW"}}), "#/recipient/gstin", "gstin_invalid"),
        (json!({"supply_type": "export_with_payment"}), "#/place_of_supply", "place_of_supply_mismatch"),
        (json!({"supply_type": "sez_with_payment", "place_of_supply": "96"}), "#/place_of_supply", "place_of_supply_mismatch"),
        (json!({"supply_type": "export"}), "#/supply_type", "invalid_value"),
        (json!({"recipient": {"kind": "foreign"}}), "#/recipient/kind", "invalid_value"),
        (json!({"currency": "XXX"}), "#/currency", "currency_unknown"),
        (json!({"differential_percent": "70"}), "#/differential_percent", "differential_invalid"),
        (json!({"differential_percent": "65"}), "#/differential_percent", "differential_invalid"),
        (json!({"date": "2020-07-01", "differential_percent": "65"}), "#/differential_percent", "differential_invalid"),
        (json!({"date": "2017-10-12", "differential_percent": "65"}), "#/differential_percent", "differential_invalid"),
        (json!({"supplier_composition": true, "place_of_supply": "27", "recipient": null}), "#/place_of_supply", "composition_inter_state"),
        (json!({"supplier_composition": true, "recipient": {"kind": "sez", "state": "24"}}), "#/place_of_supply", "composition_inter_state"),
        (json!({"lines": []}), "#/lines", "required"),
        (line(json!({"hsn": "84"})), "#/lines/0/hsn", "hsn_too_short"),
        (line(json!({"hsn": "84713"})), "#/lines/0/hsn", "hsn_invalid"),
        (with(line(json!({"hsn": "8471"})), json!({"annual_turnover": "50000000.01"})), "#/lines/0/hsn", "hsn_too_short"),
        (json!({"lines": null}), "#/lines", "required"),
        (json!({"lines": [{"gst_rate": "18"}]}), "#/lines/0/unit_price", "required"),
        (json!({"lines": [{"unit_price": "100"}]}), "#/lines/0/gst_rate", "required"),
        (line(json!({"treatment": "exempt"})), "#/lines/0", "rate_without_tax"),
        (line(json!({"treatment": "free"})), "#/lines/0/treatment", "invalid_value"),
        (line(json!({"discount_percent": "101"})), "#/lines/0", "discount_above_line"),
        (line(json!({"discount_amount": "100.01"})), "#/lines/0", "discount_above_line"),
        (line(json!({"discount_amount": "-1.00"})), "#/lines/0/discount_amount", "too_small"),
        (line(json!({"discount_amount": "1.001"})), "#/lines/0/discount_amount", "amount_precision"),
        (line(json!({"qty": "9999999999999", "unit_price": "9999999999999"})), "#/lines", "too_large"),
        (line(json!({"qty": "2", "unit_price": "9999999999999"})), "#/lines", "amount_too_large"),
        (json!({"document_discount": "1000.01"}), "#/document_discount", "document_discount"),
        (json!({"document_discount": "-1"}), "#/document_discount", "too_small"),
        (json!({"charges": [{"amount": "-5"}]}), "#/charges/0/amount", "too_small"),
        (json!({"charges": [{"amount": "5", "gst_rate": "17"}]}), "#/charges/0/gst_rate", "rate_not_in_force"),
        (json!({"charges": [{"amount": "5", "when": "later"}]}), "#/charges/0/when", "invalid_value"),
        (json!({"lines": null, "charges": [{"amount": "5"}]}), "#/charges/0", "charge_without_lines"),
        (
            json!({"prices_include_tax": true, "date": "2025-08-01", "lines": [{"unit_price": "1", "gst_rate": "18", "cess_per_unit": "2"}]}),
            "#/lines/0",
            "price_below_cess",
        ),
    ] {
        let problem = client.post("/v1/gst/calculate", &sale(body.clone())).refusal();
        assert_eq!(problem["status"], 422, "{body}: {problem}");
        assert!(blames(&problem, pointer, code), "{body}: {problem}");
    }
    for (body, pointer, code) in [
        (line(json!({"unit_price": 100})), "#/lines/0/unit_price", "invalid_decimal"),
        (line(json!({"unit_price": "-100"})), "#/lines/0/unit_price", "invalid_decimal"),
        (line(json!({"unit_price": "1e3"})), "#/lines/0/unit_price", "invalid_decimal"),
        (line(json!({"qty": "NaN"})), "#/lines/0/qty", "invalid_decimal"),
        (line(json!({"gst_rate": "9999"})), "#/lines/0/gst_rate", "invalid_decimal"),
        (line(json!({"rate": "18"})), "#/lines/0/rate", "unknown_field"),
        (json!({"date": "2025-02-30"}), "#/date", "invalid_date"),
        (json!({"state": "24"}), "#/state", "unknown_field"),
    ] {
        let problem = client.post("/v1/gst/calculate", &sale(body.clone())).refusal();
        assert_eq!(problem["status"], 400, "{body}: {problem}");
        assert!(blames(&problem, pointer, code), "{body}: {problem}");
    }
    // All faults at once.
    let many = json!({"supplier_state": "39", "place_of_supply": "00", "lines": [{"unit_price": "1"}, {"unit_price": "1", "gst_rate": "17"}]});
    let problem = client.post("/v1/gst/calculate", &sale(many)).refused(422, "validation_failed");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 4, "{problem}");
    Client::anonymous().post("/v1/gst/calculate", &sale(json!({}))).refused(401, "token_missing");
}

#[test]
fn ten_thousand_lines_add_up_and_one_more_is_refused() {
    let client = ask();
    let lines =
        |count: usize| json!({"lines": (0..count).map(|n| json!({"unit_price": format!("{}.{:02}", n % 97, n % 100), "gst_rate": "18"})).collect::<Vec<_>>()});
    let answer = calculate(&client, lines(10_000));
    let rows = answer["lines"].as_array().unwrap();
    for name in ["taxable", "cgst", "sgst"] {
        assert_eq!(rows.iter().map(|row| dec(&row[name])).sum::<Decimal>(), dec(&answer[name]), "{name}");
    }
    let problem = client.post("/v1/gst/calculate", &sale(lines(10_001))).refused(422, "validation_failed");
    assert!(blames(&problem, "#/lines", "too_many"), "{problem}");
}

#[test]
fn registration_numbers_are_told_by_kind_and_refused_with_a_reason() {
    let client = ask();
    let of = |number: &str, mode: &str| client.get(&format!("/v1/gst/gstins/{}{mode}", encoded(number))).expect(200);
    for (number, category, pan, state) in [
        ("27AAPFU0939F1ZV", "regular", json!("AAPFU0939F"), "27"),
        ("38AAACC1206D1ZD", "regular", json!("AAACC1206D"), "38"),
        ("07DELA12345B1Z5", "government", json!(null), "07"),
        ("06DELI09652G1DA", "tds_deductor", json!(null), "06"),
        ("29AABCF8078M1C8", "tcs_operator", json!("AABCF8078M"), "29"),
        ("0717UNO00157UNO", "uin", json!(null), "07"),
        ("9917SGP29001OST", "oidar", json!(null), "99"),
    ] {
        let expected = json!({"gstin": number, "valid": true, "category": category, "pan": pan, "state": state, "reason": null});
        assert_includes(&of(number, ""), &expected);
        assert_includes(&of(number, "?mode=strict"), &expected);
        assert_includes(&of(number, "?mode=sandbox"), &expected);
    }
    assert_eq!(of(" 27-aapfu 0939f-1zv", "")["gstin"], "27AAPFU0939F1ZV");
    for (number, reason) in [
        ("27AAPFU0939F1Z", "length"),
        ("27AAPFU0939F1Z*", "charset"),
        ("27AAPFU09390AZV", "structure"),
        ("39AAPFU0939F1ZV", "state"),
        ("27AAPFU0939F1ZW", "checksum"),
        // Faults of several kinds: the first counts.
        ("39*", "length"),
        ("39AAPFU0939F1Z*", "charset"),
        ("39AAPFU0939F1ZW", "state"),
    ] {
        let answer = of(number, "");
        assert_includes(&answer, &json!({"valid": false, "reason": reason, "category": null, "pan": null, "state": null}));
        assert!(!answer["explanation"].as_array().unwrap().is_empty());
        assert_eq!(of(number, "?mode=sandbox")["valid"] == true, reason == "checksum", "{number}");
    }
    // What NIC's sandbox gives out.
    for number in ["01AMBPG7773M002", "09AAAPG7885R002", "29AFQPB8708K000", "29AWGPV7107B1Z1"] {
        assert_eq!((of(number, "")["valid"] == true, of(number, "?mode=sandbox")["valid"] == true), (false, true), "{number}");
    }
    let old = of("28AAACC1206D1ZE", "");
    assert_eq!((&old["valid"], old["warnings"].as_array().unwrap().len()), (&json!(true), 1), "{old}");
    client.get("/v1/gst/gstins/27AAPFU0939F1ZV?mode=lax").refused(400, "invalid_parameter");
    assert_eq!(of(&"9".repeat(1500), "")["reason"], "length");
    assert_eq!(of("२७", "")["reason"], "length");
}

#[test]
fn amounts_are_put_in_words_and_grouped() {
    let client = ask();
    let words =
        |amount: &str, currency: Value| client.post("/v1/gst/amount-in-words", &with(json!({"amount": amount}), json!({"currency": currency}))).expect(200);
    for (amount, text, grouped) in [
        ("118000.00", "Rupees One Lakh Eighteen Thousand Only", "1,18,000.00"),
        ("0", "Rupees Zero Only", "0.00"),
        ("123456789.50", "Rupees Twelve Crore Thirty Four Lakh Fifty Six Thousand Seven Hundred Eighty Nine and Fifty Paise Only", "12,34,56,789.50"),
        ("1000000000", "Rupees One Hundred Crore Only", "1,00,00,00,000.00"),
        ("1000000000000", "Rupees One Lakh Crore Only", "10,00,00,00,00,000.00"),
    ] {
        assert_includes(&words(amount, json!("INR")), &json!({"words": text, "grouped": grouped}));
        assert_includes(&words(amount, Value::Null), &json!({"words": text}));
    }
    assert_includes(&words("1234567.89", json!("USD")), &json!({"grouped": "1,234,567.89"}));
    for (body, status, pointer) in [
        (json!({"amount": "1.005"}), 422, "#/amount"),
        (json!({"amount": "1", "currency": "ZZZ"}), 422, "#/currency"),
        (json!({"amount": 1}), 400, "#/amount"),
        (json!({"amount": "99999999999999999999"}), 400, "#/amount"),
        (json!({}), 422, "#/amount"),
    ] {
        let problem = client.post("/v1/gst/amount-in-words", &body).refusal();
        assert!(problem["status"] == status && blames(&problem, pointer, ""), "{body}: {problem}");
    }
    words("9999999999999999", json!("INR"));
}
