//! Supplies through e-commerce operators, and shipping bills, in the company's own returns: as they were told, and as
//! they are amended when the books change after filing.

use crate::gst_returns::{customer, goods, gstr1, ledger, list, locked};
use crate::rig::*;
use serde_json::{Value, json};

const OPERATOR: &str = "29AABCF8078M1C8";

fn reconciled(company: &Company, month: &str) {
    let found = company.get(&format!("/v1/gst-returns/{}/{month}/reconciliation", company.gstin));
    assert_eq!(found["difference_count"], 0, "{month}: {found}");
}

#[test]
fn what_goes_through_an_operator_is_told_by_operator_and_amended_by_its_new_total() {
    let company = Company::new();
    let consumer = customer(&company, "b2c", "27", false);
    let issue = |net: &str, rate: &str, section: Option<&str>| {
        let operator = section.map(|section| json!({"gstin": OPERATOR, "section": section}));
        let body = with(invoice_body(&consumer, "2025-10-03", net), json!({"place_of_supply": "27", "operator": operator, "lines": [goods(net, rate)]}));
        company.executive().post("/v1/invoices", &body).expect(201)
    };
    // Two pieces each: 1,000, 400, 200 and 60.
    issue("500.00", "18", Some("52"));
    let collected = issue("200.00", "18", Some("52"));
    let paid = issue("100.00", "5", Some("9(5)"));
    issue("30.00", "18", None);
    assert_eq!(paid["totals"]["grand_total"], "200.00", "the operator pays the tax: {paid}");

    let october = gstr1(&company, "2025-10");
    let row = |suppval: u32, half: u32| json!({"etin": OPERATOR, "suppval": suppval, "igst": 0, "cgst": half, "sgst": half, "cess": 0, "flag": "N"});
    assert_eq!(october["gstr1"]["supeco"], json!({"clttx": [row(1400, 126)], "paytx": [row(200, 5)]}), "{october}");
    let b2cs = |txval: Value, half: Value, operator: bool| {
        let row = json!({"sply_ty": "INTRA", "pos": "27", "typ": if operator { "E" } else { "OE" }, "rt": 18, "txval": txval, "camt": half, "samt": half, "csamt": 0});
        if operator { with(row, json!({"etin": OPERATOR})) } else { row }
    };
    assert_eq!(october["gstr1"]["b2cs"], json!([b2cs(json!(60), json!(5.4), false), b2cs(json!(1400), json!(126), true)]));
    assert_eq!(october["totals"]["hsn"]["txval"], 1460, "what the operator pays for is in table 14 alone");
    assert_eq!(october["gstr3b"]["eco_dtls"]["eco_reg_sup"]["txval"], 200);
    assert_eq!(ledger(&company, "2025-10").0[2].to_string(), "131.4", "CGST of the books");
    reconciled(&company, "2025-10");
    locked(&company, "2025-10");

    for invoice in [&collected, &paid] {
        let cancel = json!({"reason": "Ordered twice", "cancelled_on": "2025-11-02"});
        company.controller().change("POST", &format!("/v1/invoices/{}/cancel", id_of(invoice)), "*", &cancel).expect(200);
    }
    let november = gstr1(&company, "2025-11");
    let amended = |suppval: u32, half: u32| with(row(suppval, half), json!({"omon": "102025", "oetin": OPERATOR}));
    assert_eq!(november["gstr1"]["supecoa"], json!({"clttxa": [amended(1000, 90)], "paytxa": [amended(0, 0)]}), "{november}");
    let item = json!({"rt": 18, "txval": 1000, "camt": 90, "samt": 90, "csamt": 0});
    assert_eq!(november["gstr1"]["b2csa"], json!([{"omon": "102025", "sply_ty": "INTRA", "pos": "27", "typ": "E", "etin": OPERATOR, "itms": [item]}]));
    assert!(november["gstr1"].get("supeco").is_none() && november["gstr1"].get("b2cs").is_none(), "{november}");
    assert_eq!(november["totals"]["supecoa"], json!({"txval": -600, "iamt": 0, "camt": -41, "samt": -41, "csamt": 0}));
    assert_eq!(november["totals"]["hsn"]["txval"], -400);
    reconciled(&company, "2025-11");
    locked(&company, "2025-11");
    let december = gstr1(&company, "2025-12");
    assert!(december["gstr1"].get("supecoa").is_none() && december["gstr1"].get("b2csa").is_none(), "told once: {december}");
    company.assert_laws();
}

#[test]
fn a_shipping_bill_that_comes_after_filing_amends_its_export_and_nothing_else() {
    let company = Company::new();
    let buyer = customer(&company, "export", "96", false);
    let export = |extra: Value| {
        let body =
            with(invoice_body(&buyer, "2025-10-03", "100.00"), json!({"place_of_supply": "96", "supply_type": "EXPWOP", "lines": [goods("100.00", "18")]}));
        company.executive().post("/v1/invoices", &with(body, extra)).expect(201)
    };
    let bill = |number: &str, date: &str| json!({"number": number, "date": date, "port_code": "inmaa1"});
    let (told, late) = (export(json!({"shipping_bill": bill("7896541", "2025-10-05")})), export(json!({})));
    let record = |invoice: &Value, bill: Value| {
        company.executive().change("POST", &format!("/v1/invoices/{}/shipping-bill", id_of(invoice)), "*", &bill).expect(200);
    };
    let october = gstr1(&company, "2025-10");
    let rows = list(&october["gstr1"]["exp"][0]["inv"]);
    let of = |rows: &[Value], invoice: &Value| rows.iter().find(|row| row["inum"] == invoice["number"]).cloned().unwrap_or_default();
    assert_eq!(of(rows, &told)["sbnum"], "7896541", "{october}");
    assert_eq!((of(rows, &late).get("sbnum"), of(rows, &late).get("sbpcode")), (None, None));
    locked(&company, "2025-10");
    assert!(gstr1(&company, "2025-11")["gstr1"].get("expa").is_none(), "nothing came since");

    record(&late, bill("7896542", "2025-10-30"));
    let november = gstr1(&company, "2025-11");
    let item = json!({"txval": 200, "rt": 18, "iamt": 0, "csamt": 0});
    let row = json!({"oinum": late["number"], "oidt": "03-10-2025", "inum": late["number"], "idt": "03-10-2025", "val": 200, "sbpcode": "INMAA1", "sbnum": "7896542", "sbdt": "30-10-2025", "itms": [item]});
    assert_eq!(november["gstr1"]["expa"], json!([{"exp_typ": "WOPAY", "inv": [row]}]), "{november}");
    assert_eq!(november["totals"]["expa"], json!({"txval": 0, "iamt": 0, "camt": 0, "samt": 0, "csamt": 0}));
    assert!(november["gstr1"].get("hsn").is_none() && november["warnings"] == json!([]), "{november}");
    reconciled(&company, "2025-11");
    locked(&company, "2025-11");
    assert!(gstr1(&company, "2025-12")["gstr1"].get("expa").is_none(), "told once");

    // Cancelled after both: it takes its own place with nothing, once.
    let cancel = json!({"reason": "Never left", "cancelled_on": "2025-12-02"});
    company.controller().change("POST", &format!("/v1/invoices/{}/cancel", id_of(&late)), "*", &cancel).expect(200);
    let december = gstr1(&company, "2025-12");
    let inv = list(&december["gstr1"]["expa"][0]["inv"]).to_vec();
    assert_eq!((inv.len(), &inv[0]["val"], &december["totals"]["expa"]["txval"]), (1, &json!(0), &json!(-200)), "{december}");
    locked(&company, "2025-12");
    assert!(gstr1(&company, "2026-01")["gstr1"].get("expa").is_none(), "told once");
    company.assert_laws();
}
