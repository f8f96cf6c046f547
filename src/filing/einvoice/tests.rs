//! The tool against published figures, the field table, and sums made here by themselves.

use super::table;
use super::tool::answer;
use super::tool::types::{EinvoiceAnswer, EinvoiceRequest};
use crate::platform::http::Problem;
use proptest::prelude::*;
use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};

const SELLER: &str = "27AAACD1234E1Z9";
const BUYER: &str = "27AABCA9876F1ZD";
/// Of Karnataka.
const FAR: &str = "29AAGCB7383J1Z4";

fn address(pin: &str) -> Value {
    json!({"line1": "12 MG Road", "line2": "Fort", "city": "Mumbai", "postal_code": pin})
}

/// A complete request; `document` and `buyer` are merged into it.
fn request(document: Value, buyer: Value, lines: Value) -> Value {
    let merged = |mut base: Value, over: Value| {
        for (name, value) in over.as_object().unwrap() {
            base[name] = value.clone();
        }
        base
    };
    json!({
        "document": merged(json!({"type": "invoice", "number": "MH/25-26/1", "date": "2025-11-15"}), document),
        "supplier": {"gstin": SELLER, "legal_name": "Demo Traders Pvt Ltd", "address": address("400002")},
        "buyer": merged(json!({"gstin": BUYER, "legal_name": "Acme Retail Pvt Ltd", "address": address("400001")}), buyer),
        "lines": lines,
    })
}

fn ask(body: Value) -> Result<EinvoiceAnswer, Problem> {
    let request: EinvoiceRequest = serde_json::from_value(body).expect("a request");
    answer(&request, false)
}

fn made(body: Value) -> Value {
    let answer = ask(body).expect("an answer");
    assert!(answer.missing.is_empty(), "{:?}", answer.missing);
    answer.payload.expect("a payload")
}

/// Pointers and codes of what is wrong.
fn wrong(body: Value) -> Vec<(String, String)> {
    let problem = ask(body).expect_err("a refusal").document("", "");
    problem.errors.into_iter().map(|error| (error.pointer.unwrap_or_default(), error.code)).collect()
}

#[track_caller]
fn blames(body: Value, pointer: &str, code: &str) {
    let found = wrong(body);
    assert!(found.iter().any(|(p, c)| p == pointer && c == code), "{found:?}");
}

fn goods(rate: &str) -> Value {
    json!({"description": "Rice", "hsn": "100630", "qty": "2", "uqc": "KGS", "unit_price": "50", "gst_rate": rate})
}

fn decimal(value: &Value) -> Decimal {
    value.as_number().map_or_else(|| "0".into(), ToString::to_string).parse().expect("a decimal")
}

#[test]
fn two_lines_of_7_60_at_12_bear_91_paise_of_each_half() {
    // The payload of india-compliance's credit note, which NIC registered.
    let line = json!({"description": "Test Trading Goods 1", "hsn": "61149090", "qty": "1", "uqc": "NOS", "unit_price": "7.6", "gst_rate": "12"});
    let document = json!({"type": "credit_note", "number": "CN-1", "date": "2022-09-17", "original": {"number": "SINV-CFY-00092", "date": "2022-09-17"}, "round_to_rupee": true});
    let payload = made(request(document, json!({}), json!([line, line])));
    assert_eq!(payload["DocDtls"], json!({"Typ": "CRN", "No": "CN-1", "Dt": "17/09/2022"}));
    assert_eq!(payload["RefDtls"], json!({"PrecDocDtls": [{"InvNo": "SINV-CFY-00092", "InvDt": "17/09/2022"}]}));
    let items = payload["ItemList"].as_array().unwrap();
    let of = |at: usize, name: &str| items[at][name].clone();
    assert_eq!([of(0, "CgstAmt"), of(1, "CgstAmt"), of(0, "TotItemVal"), of(1, "TotItemVal")], [json!(0.46), json!(0.45), json!(8.52), json!(8.5)]);
    let values = &payload["ValDtls"];
    for (name, value) in [("AssVal", 15.2), ("CgstVal", 0.91), ("SgstVal", 0.91), ("RndOffAmt", -0.02)] {
        assert_eq!(values[name], json!(value), "{name}");
    }
    assert_eq!((decimal(&values["TotInvVal"]), decimal(&values["OthChrg"])), (dec!(17), dec!(0)));
}

#[test]
fn the_total_is_items_less_discount_plus_charges_and_rounding() {
    // NIC's sample: 12,897.70 − 10 + 20 + 0.30 = 12,908.00; its item has cesses by value and by quantity, a State's cess and charges.
    let line = json!({
        "description": "Rice", "hsn": "100630", "qty": "100.345", "uqc": "BAG", "taxable": "9978.84", "gst_rate": "12", "igst": "1197.46", "cess": "508.94", "cess_percent": "5",
        "cess_per_unit": "0.0996562", "state_cess_percent": "12", "state_cess": "1202.46", "other_charges": "10",
    });
    let document = json!({"date": "2022-08-18", "place_of_supply": "29", "discount_after_tax": "10", "charges": [{"amount": "20", "when": "after_tax"}], "rounding": "0.30"});
    let payload = made(request(document, json!({"gstin": FAR}), json!([line])));
    let (item, values) = (&payload["ItemList"][0], &payload["ValDtls"]);
    assert_eq!((decimal(&item["TotItemVal"]), decimal(&item["CesAmt"]), decimal(&item["CesNonAdvlAmt"])), (dec!(12897.70), dec!(498.94), dec!(10)));
    for (name, value) in [
        ("AssVal", dec!(9978.84)),
        ("IgstVal", dec!(1197.46)),
        ("CesVal", dec!(508.94)),
        ("StCesVal", dec!(1202.46)),
        ("Discount", dec!(10)),
        ("OthChrg", dec!(20)),
    ] {
        assert_eq!(decimal(&values[name]), value, "{name}");
    }
    assert_eq!((decimal(&values["RndOffAmt"]), decimal(&values["TotInvVal"])), (dec!(0.3), dec!(12908)));
}

#[test]
fn nil_and_exempt_lines_leave_the_items_for_the_other_charges() {
    // The payload of india-compliance's nil-rated case: 100 nil, 10 at 12, rounded to 111.
    let nil = json!({"description": "Milk", "hsn": "040110", "qty": "1", "unit_price": "100", "treatment": "nil"});
    let taxed = json!({"description": "Test Trading Goods 1", "hsn": "61149090", "qty": "1", "uqc": "NOS", "unit_price": "10", "gst_rate": "12"});
    let payload = made(request(json!({"date": "2023-12-18", "round_to_rupee": true}), json!({}), json!([nil, taxed])));
    let (items, values) = (payload["ItemList"].as_array().unwrap(), &payload["ValDtls"]);
    assert_eq!((items.len(), items[0]["SlNo"].as_str()), (1, Some("2")));
    assert_eq!((decimal(&values["OthChrg"]), decimal(&values["RndOffAmt"]), decimal(&values["TotInvVal"])), (dec!(100), dec!(-0.2), dec!(111)));
    let only = ask(request(json!({}), json!({}), json!([nil]))).unwrap();
    assert_eq!((only.applicable, only.reason_code, only.payload, only.irn), (false, "nothing_taxable", None, None));
}

#[test]
fn under_reverse_charge_no_total_has_the_taxes() {
    let payload = made(request(json!({"reverse_charge": true}), json!({}), json!([goods("5")])));
    assert_eq!(payload["TranDtls"]["RegRev"], "Y");
    assert_eq!((decimal(&payload["ItemList"][0]["CgstAmt"]), decimal(&payload["ItemList"][0]["TotItemVal"])), (dec!(2.5), dec!(100)));
    assert_eq!((decimal(&payload["ValDtls"]["CgstVal"]), decimal(&payload["ValDtls"]["TotInvVal"])), (dec!(2.5), dec!(100)));
}

#[test]
fn every_supply_type_has_a_payload_the_portal_takes() {
    let abroad = json!({"gstin": null, "kind": "overseas", "address": {"line1": "1 Main St", "city": "Boston", "country": "US"}});
    for (document, buyer, code, igst, cgst) in [
        (json!({}), json!({}), "B2B", dec!(0), dec!(2.5)),
        (json!({}), json!({"gstin": FAR}), "B2B", dec!(5), dec!(0)),
        (json!({}), json!({"kind": "sez"}), "SEZWP", dec!(5), dec!(0)),
        (json!({"supply_type": "sez_without_payment"}), json!({"kind": "sez"}), "SEZWOP", dec!(0), dec!(0)),
        (json!({}), abroad.clone(), "EXPWP", dec!(5), dec!(0)),
        (json!({"supply_type": "export_without_payment"}), abroad.clone(), "EXPWOP", dec!(0), dec!(0)),
        (json!({"supply_type": "deemed_export"}), json!({}), "DEXP", dec!(0), dec!(2.5)),
        (json!({"supply_type": "EXPWP"}), abroad, "EXPWP", dec!(5), dec!(0)),
    ] {
        let payload = made(request(document, buyer, json!([goods("5")])));
        assert_eq!(table::faults(&payload), [], "{code}");
        assert_eq!(payload["TranDtls"]["SupTyp"], code);
        assert_eq!((decimal(&payload["ValDtls"]["IgstVal"]), decimal(&payload["ValDtls"]["CgstVal"])), (igst, cgst), "{code}");
        let sez = code.starts_with("SEZ");
        assert_eq!(payload["TranDtls"]["IgstOnIntra"], if sez { "Y" } else { "N" }, "{code}");
        if code.starts_with("EXP") {
            let buyer = &payload["BuyerDtls"];
            assert_eq!([&buyer["Gstin"], &buyer["Pin"], &buyer["Pos"], &buyer["Stcd"]], [&json!("URP"), &json!(999_999), &json!("96"), &json!("96")]);
            assert_eq!(payload["ExpDtls"]["CntCode"], "US");
        }
    }
}

#[test]
fn what_is_no_e_invoice_says_why() {
    for (document, supplier, buyer, code, registrable) in [
        (json!({}), json!({}), json!({"gstin": null}), "b2c", false),
        (json!({}), json!({}), json!({"gstin": null, "kind": "unregistered"}), "b2c", false),
        // An overseas customer with delivery in India.
        (json!({"place_of_supply": "27"}), json!({}), json!({"gstin": null, "kind": "overseas"}), "b2c", false),
        (json!({}), json!({}), json!({"gstin": SELLER}), "same_gstin", false),
        (json!({}), json!({"turnover": "50000000.00"}), json!({}), "turnover", true),
        (json!({}), json!({"excluded_as": "bank"}), json!({}), "exempt_seller", true),
        (json!({"date": "2020-09-30"}), json!({}), json!({}), "before_e_invoicing", true),
    ] {
        let mut body = request(document, buyer, json!([goods("5")]));
        for (name, value) in supplier.as_object().unwrap() {
            body["supplier"][name] = value.clone();
        }
        body["buyer"].as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let answer = ask(body).unwrap();
        assert_eq!((answer.applicable, answer.reason_code, answer.payload.is_some(), answer.irn.is_some()), (false, code, registrable, registrable));
        assert!(!answer.reason.is_empty() && !answer.explanation.is_empty());
    }
    let mut body = request(json!({}), json!({}), json!([goods("5")]));
    body["supplier"]["turnover"] = json!("100000000.00");
    let answer = ask(body).unwrap();
    assert_eq!((answer.applicable, answer.report_by), (true, "2025-12-14".parse().ok()));
    // sha256sum of 27AAACD1234E1Z92025-26INVMH/25-26/1.
    assert_eq!(answer.irn.as_deref(), Some("63a7709eec7a007d62b32e4bd45d3918dacd273c67df97dcbba861d68c0f0420"));
}

#[test]
fn faults_are_named_where_they_lie_in_the_request() {
    let plain = || request(json!({}), json!({}), json!([goods("5")]));
    let with = |pointer: &str, value: Value| {
        let mut body = plain();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        body
    };
    for (pointer, value, blamed, code) in [
        ("/document/number", json!("MH/25-26/00000001"), "#/document/number", "number_too_long"),
        ("/document/number", json!("MH 1"), "#/document/number", "number_invalid"),
        ("/document/number", json!("0123"), "#/document/number", "number_start"),
        ("/supplier/gstin", json!("27AAACD1234E1Z8"), "#/supplier/gstin", "gstin_invalid"),
        ("/buyer/gstin", json!("27AABCA9876F1ZE"), "#/buyer/gstin", "gstin_invalid"),
        ("/buyer/state", json!("29"), "#/buyer/state", "state_mismatch"),
        ("/supplier/state", json!("29"), "#/supplier/state", "state_mismatch"),
        ("/document/place_of_supply", json!("99"), "#/document/place_of_supply", "place_of_supply_invalid"),
        ("/document/place_of_supply", json!("45"), "#/document/place_of_supply", "state_unknown"),
        ("/document/supply_type", json!("export_with_payment"), "#/buyer/gstin", "buyer_abroad"),
        ("/lines/0/gst_rate", json!("12"), "#/lines/0/gst_rate", "rate_not_in_force"),
        ("/lines/0/hsn", json!("1006"), "#/lines/0/hsn", "hsn_too_short"),
        ("/lines/0/hsn", json!("10063"), "#/lines/0/hsn", "pattern_mismatch"),
        ("/lines/0/hsn", json!("998313"), "#/lines/0/hsn", "hsn_invalid"),
        ("/lines/0/uqc", json!("KILOS"), "#/lines/0/uqc", "unit_unknown"),
        ("/lines/0/description", json!("ab"), "#/lines/0/description", "too_short"),
        ("/lines/0/description", json!("a \"b\""), "#/lines/0/description", "pattern_mismatch"),
        ("/supplier/legal_name", json!("x".repeat(101)), "#/supplier/legal_name", "too_long"),
        ("/supplier/address/postal_code", json!("099999"), "#/supplier/address/postal_code", "out_of_range"),
        ("/supplier/address/postal_code", json!("40000X"), "#/supplier/address/postal_code", "invalid_type"),
        ("/document/value", json!("106.00"), "#/document/value", "total_mismatch"),
        ("/supplier/excluded_as", json!("baker"), "#/supplier/excluded_as", "invalid_value"),
        ("/document/rounding", json!("100.00"), "#/document/rounding", "out_of_range"),
        ("/document/original", json!({"number": "A_1", "date": "2025-10-01"}), "#/document/original/number", "pattern_mismatch"),
        ("/document/discount_after_tax", json!("-1.00"), "#/document/discount_after_tax", "too_small"),
    ] {
        let mut body = with(pointer, value.clone());
        if pointer.ends_with("hsn") && value == "998313" {
            body["lines"][0]["service"] = json!(false);
        }
        blames(body, blamed, code);
    }
    // Final amounts that do not fit.
    for (line, name, code) in [
        (json!({"taxable": "100", "gst_rate": "18", "igst": "18"}), "igst", "igst_within_state"),
        (json!({"taxable": "100", "gst_rate": "18", "cgst": "9", "sgst": "8"}), "sgst", "halves_differ"),
        (json!({"taxable": "100", "gst_rate": "18", "cgst": "3", "sgst": "3"}), "cgst", "tax_mismatch"),
    ] {
        let mut full = goods("18");
        full.as_object_mut().unwrap().remove("unit_price");
        for (name, value) in line.as_object().unwrap() {
            full[name] = value.clone();
        }
        blames(request(json!({}), json!({}), json!([full])), &format!("#/lines/0/{name}"), code);
    }
    blames(request(json!({}), json!({}), Value::Array(vec![goods("5"); 1001])), "#/lines", "too_many_items");
    assert!(ask(request(json!({}), json!({}), Value::Array(vec![goods("5"); 1000]))).is_ok());
}

#[test]
fn what_is_left_out_is_asked_for_and_nothing_is_invented() {
    let body = json!({
        "document": {"number": "A1", "date": "2025-11-15"}, "supplier": {"gstin": SELLER}, "buyer": {"gstin": BUYER},
        "lines": [{"taxable": "100.00", "gst_rate": "18"}],
    });
    let answer = ask(body).unwrap();
    assert!(answer.applicable && answer.irn.is_some());
    let missing: Vec<&str> = answer.missing.iter().map(|missing| missing.pointer.as_str()).collect();
    for pointer in [
        "#/supplier/legal_name",
        "#/supplier/address/line1",
        "#/supplier/address/city",
        "#/supplier/address/postal_code",
        "#/buyer/legal_name",
        "#/lines/0/hsn",
    ] {
        assert!(missing.contains(&pointer), "{pointer} of {missing:?}");
    }
    let payload = answer.payload.unwrap();
    assert!(!payload.to_string().contains("null") && !payload.to_string().contains("\"\""), "{payload}");
    assert_eq!(decimal(&payload["ValDtls"]["TotInvVal"]), dec!(118));
}

#[test]
fn sandbox_numbers_are_known_by_their_form() {
    let mut body = request(json!({"number": "SINV-CFY-00067", "date": "2022-09-16"}), json!({"gstin": "36AMBPG7773M002"}), json!([goods("5")]));
    body["supplier"]["gstin"] = json!("01AMBPG7773M002");
    let answer = ask(body).unwrap();
    assert_eq!(answer.irn.as_deref(), Some("706daeccda0ef6f818da78f3a2a05a1288731057373002289b46c3229289a2e7"));
    assert_eq!(answer.warnings.len(), 2);
}

/// Lines of all treatments, with and without discounts, cess and final amounts.
fn any_line() -> impl Strategy<Value = Value> {
    let rates = prop::sample::select(vec!["0", "0.25", "3", "5", "18", "40"]);
    let treatments = prop::sample::select(vec!["taxable", "taxable", "taxable", "nil", "exempt", "non_gst"]);
    (1_u64..100_000, 0_u64..10_000_000, rates, treatments, 0_u64..100, any::<bool>()).prop_map(|(qty, price, rate, treatment, percent, service)| {
        let taxable = treatment == "taxable";
        json!({
            "description": "Thing", "hsn": if service { "998313" } else { "100630" }, "qty": Decimal::new(i64::try_from(qty).unwrap(), 3).to_string(), "uqc": "NOS",
            "unit_price": Decimal::new(i64::try_from(price).unwrap(), 2).to_string(), "gst_rate": if taxable { rate } else { "0" }, "treatment": treatment,
            "discount_percent": percent.to_string(),
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
    #[test]
    fn the_sums_always_tie(
        lines in prop::collection::vec(any_line(), 1..12), far in any::<bool>(), reverse in any::<bool>(), inclusive in any::<bool>(), rupee in any::<bool>(),
        discount in 0_i64..1000, after in 0_i64..1000, supply in prop::sample::select(vec!["regular", "sez_with_payment", "sez_without_payment", "deemed_export"]),
    ) {
        let document = json!({
            "reverse_charge": reverse, "prices_include_tax": inclusive, "round_to_rupee": rupee, "supply_type": supply,
            "discount_after_tax": Decimal::new(discount, 2).to_string(), "charges": [{"amount": Decimal::new(after, 2).to_string(), "when": "after_tax"}],
        });
        let answer = ask(request(document, json!({"gstin": if far { FAR } else { BUYER }}), Value::Array(lines.clone())));
        let answer = match answer {
            Ok(answer) => answer,
            // A discount after tax may exceed a document of almost nothing.
            Err(problem) => {
                let faults = problem.document("", "").errors;
                prop_assert!(faults.iter().all(|fault| fault.code == "out_of_range"), "{faults:?}");
                return Ok(());
            }
        };
        let Some(payload) = answer.payload else { return Ok(()) };
        prop_assert_eq!(table::faults(&payload), vec![]);
        let items = payload["ItemList"].as_array().unwrap();
        let sum = |name: &str| items.iter().map(|item| decimal(&item[name])).sum::<Decimal>();
        let value = |name: &str| decimal(&payload["ValDtls"][name]);
        prop_assert_eq!(value("TotInvVal"), sum("TotItemVal") - value("Discount") + value("OthChrg") + value("RndOffAmt"));
        prop_assert_eq!([value("AssVal"), value("CgstVal"), value("SgstVal"), value("IgstVal")], [sum("AssAmt"), sum("CgstAmt"), sum("SgstAmt"), sum("IgstAmt")]);
        prop_assert_eq!(value("CgstVal"), value("SgstVal"));
        prop_assert!(value("RndOffAmt").abs() <= dec!(0.5));
        for item in items {
            let of = |name: &str| decimal(&item[name]);
            let taxes = of("IgstAmt") + of("CgstAmt") + of("SgstAmt") + of("CesAmt") + of("CesNonAdvlAmt");
            prop_assert_eq!(of("TotItemVal"), of("AssAmt") + if reverse { Decimal::ZERO } else { taxes });
            prop_assert_eq!(of("TotAmt") - of("Discount"), of("AssAmt"));
        }
        if rupee {
            prop_assert_eq!(value("TotInvVal").fract(), Decimal::ZERO);
        }
    }
}
