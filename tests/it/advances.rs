//! Tax on money received before the invoice (CGST Act s.13, rules 50 and 51): the register of advances over HTTP.

use crate::refunds::{act, approved, payment};
use crate::rig::*;
use duebook::tax::gst::advances::{AdvanceRow, Inclusive, Movement, MovementKind, tables};
use rust_decimal::{Decimal, RoundingStrategy, dec as d};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ASSET: &str = "GST on advances";

fn services() -> Value {
    json!({"supply": "services", "tax_rate": "18", "place_of_supply": "27", "hsn_code": "998313"})
}

fn body(customer: &str, date: &str, amount: &str, extra: Value) -> Value {
    with(with(receipt_body(customer, date, amount), json!({"gst_advance": services()})), extra)
}

/// Money on account for services, within the State at 18 per cent.
fn advance(company: &Company, customer: &str, date: &str, amount: &str) -> Value {
    company.executive().post("/v1/receipts", &body(customer, date, amount, json!({}))).expect(201)
}

fn again(company: &Company, receipt: &Value) -> Value {
    company.get(&format!("/v1/receipts/{}", id_of(receipt)))
}

fn apply(company: &Company, receipt: &Value, on: &str, targets: Value) -> Value {
    let body = json!({"source_type": "receipt", "source_id": receipt["id"], "allocated_on": on, "targets": targets});
    company.executive().post("/v1/allocations", &body).expect(201)["data"].clone()
}

fn unapply(company: &Company, allocation: &Value, on: &str) -> Value {
    let path = format!("/v1/allocations/{}/reverse", id_of(allocation));
    company.controller().post(&path, &json!({"reversed_on": on, "reason": "Applied to the wrong invoice"})).expect(201)
}

fn sums(gross: &str, taxable: &str, half: &str, igst: &str) -> Value {
    json!({"gross": gross, "taxable": taxable, "cgst": half, "sgst": half, "igst": igst, "cess": "0.00"})
}

fn register(company: &Company, query: &str) -> Vec<Value> {
    company.get(&format!("/v1/gst-advances?limit=200&sort=moved_on&{query}"))["data"].as_array().unwrap().clone()
}

/// Balance of the asset and of the three liabilities.
fn accounts(company: &Company) -> [Decimal; 4] {
    [ASSET, "Output CGST", "Output SGST/UTGST", "Output IGST"].map(|name| company.account(name))
}

#[test]
fn money_for_services_is_taxed_on_receipt_and_freed_as_it_is_applied() {
    let company = Company::new();
    let customer = company.customer();
    let receipt = advance(&company, &customer, "2025-04-10", "590.00");
    let shown = &receipt["gst_advance"];
    assert_includes(
        shown,
        &json!({"supply": "services", "taxed": true, "tax_rate": "18.00", "cess_rate": "0.00", "place_of_supply": "27", "inter_state": false, "hsn_code": "998313",
            "voucher_number": "RV/25-26/00001", "voucher_date": "2025-04-10", "received": sums("590.00", "500.00", "45.00", "0.00"), "remaining": sums("590.00", "500.00", "45.00", "0.00")}),
    );
    let section = |decision: &str| shown["explanation"].as_array().unwrap().iter().find(|e| e["decision"] == decision).unwrap().clone();
    assert_includes(&section("taxed"), &json!({"section": "CGST Act 2017 s.13(2)", "effective_date": "2025-04-10"}));
    assert_eq!(again(&company, &receipt)["gst_advance"], *shown);
    assert_eq!(accounts(&company), [d!(90), d!(-45), d!(-45), d!(0)]);
    assert_eq!(["Bank", "Accounts receivable"].map(|name| company.account(name)), [d!(590), d!(-590)]);
    // In proportion: 118 of 590 bears 9 + 9, 50 bears 3.81 + 3.81.
    let (first, second) = (company.invoice(&customer, "2025-04-20", "2025-05-20", "118.00"), company.invoice(&customer, "2025-04-20", "2025-05-20", "50.00"));
    let made = apply(&company, &receipt, "2025-04-20", json!([to_invoice(&first, "118.00")]));
    assert_eq!(again(&company, &receipt)["gst_advance"]["remaining"], sums("472.00", "400.00", "36.00", "0.00"));
    apply(&company, &receipt, "2025-04-21", json!([to_invoice(&second, "50.00")]));
    assert_eq!(again(&company, &receipt)["gst_advance"]["remaining"], sums("422.00", "357.62", "32.19", "0.00"));
    assert_eq!(accounts(&company), [d!(64.38), d!(-32.19), d!(-32.19), d!(0)]);
    let rows = register(&company, "");
    let of = |row: &Value| {
        (row["kind"].clone(), row["moved_on"].clone(), row["gross"].clone(), row["taxable"].clone(), row["cgst"].clone(), row["voucher_number"].clone())
    };
    assert_eq!(
        rows.iter().map(of).collect::<Vec<_>>(),
        [
            (json!("received"), json!("2025-04-10"), json!("590.00"), json!("500.00"), json!("45.00"), json!("RV/25-26/00001")),
            (json!("adjusted"), json!("2025-04-20"), json!("118.00"), json!("100.00"), json!("9.00"), json!(null)),
            (json!("adjusted"), json!("2025-04-21"), json!("50.00"), json!("42.38"), json!("3.81"), json!(null)),
        ]
    );
    assert_includes(
        &rows[1],
        &json!({"object": "gst_advance", "gstin": company.gstin, "receipt_number": receipt["number"], "document_type": "invoice", "document_id": first["id"], "document_number": first["number"],
            "allocation_id": made[0]["id"], "reverses_id": null, "customer_id": customer, "tax_rate": "18.00"}),
    );
    // Un-applied: the register holds the money again.
    unapply(&company, &made[0], "2025-06-01");
    assert_eq!(again(&company, &receipt)["gst_advance"]["remaining"], sums("540.00", "457.62", "41.19", "0.00"));
    let back = register(&company, "period=2025-06");
    assert_eq!(back.len(), 1);
    assert_includes(&back[0], &json!({"kind": "adjusted", "moved_on": "2025-06-01", "gross": "-118.00", "cgst": "-9.00", "reverses_id": rows[1]["id"]}));
    assert_eq!(accounts(&company), [d!(82.38), d!(-41.19), d!(-41.19), d!(0)]);
    company.assert_laws();
}

#[test]
fn what_is_not_known_yet_is_eighteen_per_cent_and_inter_state() {
    let company = Company::new();
    let executive = company.executive();
    // Nothing says where the customer is (rule 50, provisos).
    let nowhere = with(customer_body(), json!({"kind": "b2c", "billing_address": null}));
    let nowhere = id_of(&executive.post("/v1/customers", &nowhere).expect(201));
    let asked = json!({"gst_advance": {"supply": "services"}});
    let receipt = executive.post("/v1/receipts", &with(receipt_body(&nowhere, "2025-04-10", "1180.00"), asked.clone())).expect(201);
    assert_includes(
        &receipt["gst_advance"],
        &json!({"tax_rate": "18.00", "place_of_supply": "97", "inter_state": true, "received": sums("1180.00", "1000.00", "0.00", "180.00")}),
    );
    // Where the customer is known to be in Karnataka, or in Maharashtra: domain.md 3.21, case 30.
    let elsewhere = with(customer_body(), json!({"gstin": gstin("29"), "billing_address": null}));
    let elsewhere = id_of(&executive.post("/v1/customers", &elsewhere).expect(201));
    let receipt = executive.post("/v1/receipts", &with(receipt_body(&elsewhere, "2025-04-10", "118.00"), asked.clone())).expect(201);
    assert_includes(&receipt["gst_advance"], &json!({"place_of_supply": "29", "inter_state": true, "received": sums("118.00", "100.00", "0.00", "18.00")}));
    let receipt = executive.post("/v1/receipts", &with(receipt_body(&company.customer(), "2025-04-10", "10000.00"), asked)).expect(201);
    assert_includes(
        &receipt["gst_advance"],
        &json!({"place_of_supply": "27", "inter_state": false, "received": sums("10000.00", "8474.58", "762.71", "0.00"), "voucher_number": "RV/25-26/00003"}),
    );
    assert_eq!(accounts(&company), [d!(1723.42), d!(-762.71), d!(-762.71), d!(-198)]);
    company.assert_laws();
}

#[test]
fn vouchers_are_numbered_where_another_series_has_the_prefix() {
    let company = Company::new();
    let customer = company.customer();
    // From before there were vouchers; today the prefix is reserved for them.
    let series = "INSERT INTO number_series (company_id, id, registration_id, document_kind, fiscal_year, prefix, width)
        SELECT company_id, gen_random_uuid(), id, 'invoice', 2025, 'RV/25-26/', 5 FROM gst_registration";
    Db::owner().run(&format!("{series} WHERE company_id = '{}'", company.id)).unwrap();
    let first = advance(&company, &customer, "2025-04-10", "118.00");
    let second = advance(&company, &customer, "2026-03-31", "118.00");
    let next = advance(&company, &customer, "2026-04-01", "118.00");
    let numbers = [first, second, next].map(|receipt| receipt["gst_advance"]["voucher_number"].clone());
    assert_eq!(numbers, ["ARV/25-26/00001", "ARV/25-26/00002", "RV/26-27/00001"]);
    Db::owner().run(&format!("DELETE FROM number_series WHERE company_id = '{}' AND prefix = 'RV/25-26/'", company.id)).unwrap();
    company.assert_laws();
}

#[test]
fn an_advance_for_goods_is_not_taxed_when_it_is_received() {
    let company = Company::new();
    let customer = company.customer();
    let goods = json!({"gst_advance": {"supply": "goods", "tax_rate": "18", "hsn_code": "8471"}});
    let receipt = company.executive().post("/v1/receipts", &with(receipt_body(&customer, "2025-04-10", "590.00"), goods.clone())).expect(201);
    assert_includes(&receipt["gst_advance"], &json!({"supply": "goods", "taxed": false, "voucher_number": null, "received": null, "remaining": null}));
    assert!(receipt["gst_advance"]["explanation"].to_string().contains("66/2017"));
    // Until 14 November 2017 it was.
    let old = company.executive().post("/v1/receipts", &with(receipt_body(&customer, "2017-11-14", "590.00"), goods)).expect(201);
    assert_includes(&old["gst_advance"], &json!({"taxed": true, "voucher_number": "RV/17-18/00001"}));
    assert_eq!((company.account(ASSET), register(&company, "").len()), (d!(90), 1));
    let plain = company.receipt(&customer, "2025-04-10", "10.00", Value::Null);
    assert_eq!(plain["gst_advance"], Value::Null);
    company.assert_laws();
}

#[test]
fn only_what_is_left_on_account_is_an_advance() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-04-01", "2025-05-01", "410.00");
    let placed = json!({"allocations": [to_invoice(&invoice, "410.00")]});
    let receipt = company.executive().post("/v1/receipts", &body(&customer, "2025-04-10", "1000.00", placed)).expect(201);
    assert_eq!(receipt["gst_advance"]["received"], sums("590.00", "500.00", "45.00", "0.00"));
    // The money of the invoice comes back on account, later all of it is applied.
    unapply(&company, &receipt["allocations"][0], "2025-05-02");
    assert_eq!(again(&company, &receipt)["gst_advance"]["remaining"], sums("1000.00", "847.46", "76.27", "0.00"));
    let big = company.invoice(&customer, "2025-05-03", "2025-06-03", "5000.00");
    apply(&company, &receipt, "2025-05-03", json!([to_invoice(&big, "1000.00")]));
    assert_eq!(again(&company, &receipt)["gst_advance"]["remaining"], sums("0.00", "0.00", "0.00", "0.00"));
    assert_eq!(accounts(&company), [d!(0); 4]);
    // Nothing left at once: no voucher; but what comes back is taxed.
    let auto = company.executive().post("/v1/receipts", &body(&customer, "2025-05-10", "118.00", json!({"auto_apply": "oldest_first"}))).expect(201);
    assert_includes(&auto["gst_advance"], &json!({"voucher_number": null, "received": sums("0.00", "0.00", "0.00", "0.00")}));
    unapply(&company, &auto["allocations"][0], "2025-05-11");
    assert_eq!(again(&company, &auto)["gst_advance"]["remaining"], sums("118.00", "100.00", "9.00", "0.00"));
    assert_eq!(company.account(ASSET), d!(18));
    // The next voucher is the next number.
    assert_eq!(advance(&company, &customer, "2025-05-12", "59.00")["gst_advance"]["voucher_number"], "RV/25-26/00002");
    company.assert_laws();
}

#[test]
fn deductions_are_part_of_the_advance() {
    let company = Company::new();
    let customer = company.customer();
    let tds = json!({"deductions": [{"kind": "tds", "section": "194J", "amount": "50.00"}]});
    let receipt = company.executive().post("/v1/receipts", &body(&customer, "2025-04-10", "540.00", tds)).expect(201);
    assert_eq!(receipt["gst_advance"]["received"], sums("590.00", "500.00", "45.00", "0.00"));
    let invoice = company.invoice(&customer, "2025-04-11", "2025-05-11", "590.00");
    apply(&company, &receipt, "2025-04-11", json!([to_invoice(&invoice, "590.00")]));
    assert_eq!(accounts(&company), [d!(0); 4]);
    company.assert_laws();
}

#[test]
fn a_reversed_or_bounced_receipt_takes_its_tax_back_and_keeps_its_number() {
    let company = Company::new();
    let (customer, controller) = (company.customer(), company.controller());
    let invoice = company.invoice(&customer, "2025-04-01", "2025-05-01", "1000.00");
    let reversed = advance(&company, &customer, "2025-04-10", "590.00");
    apply(&company, &reversed, "2025-04-12", json!([to_invoice(&invoice, "118.00")]));
    controller.post(&format!("/v1/receipts/{}/reverse", id_of(&reversed)), &json!({"reversed_on": "2025-05-05", "reason": "Wrong customer"})).expect(200);
    assert_includes(
        &again(&company, &reversed)["gst_advance"],
        &json!({"voucher_number": "RV/25-26/00001", "remaining": sums("0.00", "0.00", "0.00", "0.00")}),
    );
    let rows = register(&company, "period=2025-05");
    let found: Vec<_> = rows.iter().map(|row| (row["kind"].as_str().unwrap(), row["gross"].as_str().unwrap(), row["cgst"].as_str().unwrap())).collect();
    assert_eq!(found, [("adjusted", "-118.00", "-9.00"), ("received", "-590.00", "-45.00")]);
    assert_eq!(rows[1]["reverses_id"], register(&company, "kind=received&period=2025-04")[0]["id"]);
    let cheque = json!({"method": "cheque", "cheque_number": "000123", "utr": null});
    let bounced = company.executive().post("/v1/receipts", &body(&customer, "2025-06-10", "236.00", cheque)).expect(201);
    apply(&company, &bounced, "2025-06-11", json!([to_invoice(&invoice, "236.00")]));
    let bounce = json!({"bounced_on": "2025-06-15", "reason": "Funds insufficient", "fee": "500.00"});
    company.executive().post(&format!("/v1/receipts/{}/bounce", id_of(&bounced)), &bounce).expect(200);
    assert_eq!(accounts(&company), [d!(0); 4]);
    // A document that is taken back gives the advance back.
    let third = advance(&company, &customer, "2025-07-01", "118.00");
    assert_eq!(third["gst_advance"]["voucher_number"], "RV/25-26/00003");
    let more = json!({"target_type": "invoice", "target_id": invoice["id"], "amount": "118.00", "adjusted_on": "2025-07-02", "reason": "Agreed with the customer", "reason_code": "other"});
    let more = controller.post("/v1/adjustments", &more).expect(201);
    apply(&company, &third, "2025-07-03", json!([{"target_type": "adjustment", "target_id": more["id"], "amount": "118.00", "kind": "cash"}]));
    assert_eq!(company.account(ASSET), d!(0));
    let back = json!({"reversed_on": "2025-08-01", "reason": "Agreed otherwise"});
    controller.change("POST", &format!("/v1/adjustments/{}/reverse", id_of(&more)), "*", &back).expect(200);
    assert_eq!(again(&company, &third)["gst_advance"]["remaining"], sums("118.00", "100.00", "9.00", "0.00"));
    company.assert_laws();
}

#[test]
fn a_refund_has_its_voucher_and_a_failed_one_restores() {
    let company = Company::new();
    let customer = company.customer();
    let receipt = advance(&company, &customer, "2025-04-10", "590.00");
    let payer = company.another("controller");
    let refund = approved(&company, &receipt, "118.00");
    assert_eq!(refund["refund_voucher"], Value::Null);
    let paid = act(&payer, &refund, "mark-paid", &payment("2025-05-10")).expect(200);
    assert_eq!(
        paid["refund_voucher"],
        json!({"number": "RFV/25-26/00001", "date": "2025-05-10", "receipt_voucher_number": "RV/25-26/00001", "receipt_voucher_date": "2025-04-10", "place_of_supply": "27", "tax_rate": "18.00",
            "amounts": sums("118.00", "100.00", "9.00", "0.00")})
    );
    assert_eq!(accounts(&company), [d!(72), d!(-36), d!(-36), d!(0)]);
    assert_includes(
        &register(&company, "kind=refunded")[0],
        &json!({"voucher_number": "RFV/25-26/00001", "document_type": "refund", "document_number": paid["number"], "cgst": "9.00"}),
    );
    let failed = act(&payer, &refund, "fail", &json!({"failed_on": "2025-06-02", "reason": "Account closed"})).expect(200);
    assert_eq!(failed["refund_voucher"], paid["refund_voucher"], "what was issued stays issued");
    assert_eq!(again(&company, &receipt)["gst_advance"]["remaining"], sums("590.00", "500.00", "45.00", "0.00"));
    let rows = register(&company, "kind=refunded");
    assert_includes(&rows[1], &json!({"gross": "-118.00", "voucher_number": null, "moved_on": "2025-06-02", "reverses_id": rows[0]["id"]}));
    // All of it.
    let refund = approved(&company, &receipt, "590.00");
    let paid = act(&payer, &refund, "mark-paid", &payment("2025-06-10")).expect(200);
    assert_includes(&paid["refund_voucher"], &json!({"number": "RFV/25-26/00002", "amounts": sums("590.00", "500.00", "45.00", "0.00")}));
    assert_eq!(accounts(&company), [d!(0); 4]);
    // Of money that was no advance there is none.
    let plain = company.receipt(&customer, "2025-06-11", "10.00", Value::Null);
    let refund = approved(&company, &plain, "10.00");
    assert_eq!(act(&payer, &refund, "mark-paid", &payment("2025-06-12")).expect(200)["refund_voucher"], Value::Null);
    company.assert_laws();
}

#[test]
fn every_way_money_comes_in_can_be_an_advance() {
    let company = Company::new();
    let (customer, executive) = (company.customer(), company.executive());
    // Unidentified, then identified.
    let nobody = json!({"customer_id": null, "unidentified": true, "gst_advance": null});
    let receipt = executive.post("/v1/receipts", &body(&customer, "2025-04-10", "590.00", nobody)).expect(201);
    let identify = json!({"customer_id": customer, "identified_on": "2025-04-12", "gst_advance": services()});
    let receipt = executive.post(&format!("/v1/receipts/{}/identify", id_of(&receipt)), &identify).expect(200);
    assert_includes(
        &receipt["gst_advance"],
        &json!({"voucher_number": "RV/25-26/00001", "voucher_date": "2025-04-12", "received": sums("590.00", "500.00", "45.00", "0.00")}),
    );
    // A cheque of a later date: from its deposit.
    let held = json!({"method": "cheque", "cheque_number": "000124", "cheque_date": "2025-05-01", "utr": null});
    let receipt = executive.post("/v1/receipts", &body(&customer, "2025-04-10", "118.00", held)).expect(201);
    assert_eq!((&receipt["status"], &receipt["gst_advance"]), (&json!("held"), &Value::Null));
    let receipt = executive.post(&format!("/v1/receipts/{}/deposit", id_of(&receipt)), &json!({"deposited_on": "2025-05-02"})).expect(200);
    assert_includes(&receipt["gst_advance"], &json!({"voucher_number": "RV/25-26/00002", "voucher_date": "2025-05-02"}));
    // In bulk.
    let rows: Vec<Value> = (1..=3).map(|_| body(&customer, "2025-05-03", "118.00", json!({}))).collect();
    let reply = executive.post("/v1/receipts/bulk", &json!({"mode": "atomic", "items": rows})).expect(207);
    assert_eq!(reply["summary"]["succeeded"], 3);
    // For another member of the family.
    let child = company.customer();
    executive.post(&format!("/v1/customers/{child}/payers"), &json!({"payer_id": customer, "valid_from": "2025-01-01"})).expect(201);
    let invoice = company.invoice(&child, "2025-05-04", "2025-06-04", "59.00");
    apply(&company, &receipt, "2025-05-05", json!([to_invoice(&invoice, "59.00")]));
    assert_eq!(again(&company, &receipt)["gst_advance"]["remaining"], sums("59.00", "50.00", "4.50", "0.00"));
    assert_eq!(register(&company, &format!("customer_id={customer}")).len(), 6);
    assert_eq!(register(&company, &format!("receipt_id={}", id_of(&receipt))).len(), 2);
    assert_eq!(register(&company, &format!("gstin={}&period=2025-05", company.gstin)).len(), 5);
    assert_eq!(register(&company, "gstin=27AAACD1234E1Z9").len(), 0);
    let vouchers: Vec<Value> = register(&company, "kind=received").iter().map(|row| row["voucher_number"].clone()).collect();
    assert_eq!(vouchers, (1..=5).map(|n| json!(format!("RV/25-26/0000{n}"))).collect::<Vec<_>>());
    company.assert_laws();
}

#[test]
fn an_advance_in_dollars_is_taxed_in_rupees() {
    let company = Company::new();
    let (customer, controller) = (company.customer(), company.controller());
    for (date, rate) in [("2025-04-09", "83.00"), ("2025-05-01", "85.00")] {
        controller.post("/v1/exchange-rates", &json!({"currency": "USD", "rate_date": date, "rate": rate, "source": "RBI"})).expect(201);
    }
    let receipt = company.executive().post("/v1/receipts", &body(&customer, "2025-04-10", "118.00", json!({"currency": "USD"}))).expect(201);
    assert_eq!(receipt["gst_advance"]["received"], sums("9794.00", "8300.00", "747.00", "0.00"));
    let lines = json!([line("59.00", "0")]);
    let invoice = with(invoice_body(&customer, "2025-05-02", "59.00"), json!({"currency": "USD", "lines": lines}));
    let invoice = company.executive().post("/v1/invoices", &invoice).expect(201);
    let made = apply(&company, &receipt, "2025-05-03", json!([to_invoice(&invoice, "59.00")]));
    // At the rate of the money, not of the invoice.
    assert_eq!(again(&company, &receipt)["gst_advance"]["remaining"], sums("4897.00", "4150.00", "373.50", "0.00"));
    unapply(&company, &made[0], "2025-05-04");
    assert_eq!(accounts(&company), [d!(1494), d!(-747), d!(-747), d!(0)]);
    company.assert_laws();
}

#[test]
fn tax_on_money_that_is_kept_stays_due() {
    let company = Company::new();
    let customer = company.customer();
    let receipt = advance(&company, &customer, "2025-04-10", "118.00");
    let kept = json!({"target_type": "receipt", "target_id": receipt["id"], "amount": "118.00", "adjusted_on": "2025-05-01", "reason": "Forfeited by contract", "reason_code": "other"});
    let made = company.controller().post("/v1/adjustments", &kept).expect(201);
    assert_eq!(accounts(&company), [d!(0), d!(-9), d!(-9), d!(0)]);
    assert_eq!(company.account("Receivable adjustments"), d!(-100));
    assert_includes(&register(&company, "kind=kept")[0], &json!({"gross": "118.00", "cgst": "9.00"}));
    assert_eq!(declared(&company, "2025-05"), (vec![], vec![]));
    let back = json!({"reversed_on": "2025-05-02", "reason": "Agreed otherwise"});
    company.controller().change("POST", &format!("/v1/adjustments/{}/reverse", id_of(&made)), "*", &back).expect(200);
    assert_eq!(again(&company, &receipt)["gst_advance"]["remaining"], sums("118.00", "100.00", "9.00", "0.00"));
    assert_eq!((accounts(&company), company.account("Receivable adjustments")), ([d!(18), d!(-9), d!(-9), d!(0)], d!(0)));
    company.assert_laws();
}

#[test]
fn bad_advances_are_refused_and_leave_nothing() {
    let company = Company::new();
    let customer = company.customer();
    let before = company.fingerprint();
    let executive = company.executive();
    let refused = |extra: Value, pointer: &str, code: &str| {
        let sent = with(receipt_body(&customer, "2025-10-10", "590.00"), json!({"gst_advance": with(services(), extra)}));
        let problem = executive.post("/v1/receipts", &sent).refusal();
        assert!(blames(&problem, pointer, code), "{pointer} {code}: {problem}");
    };
    refused(json!({"tax_rate": "17"}), "#/gst_advance/tax_rate", "tax_rate_unknown");
    // Twelve ended on 21 September 2025.
    refused(json!({"tax_rate": "12"}), "#/gst_advance/tax_rate", "tax_rate_unknown");
    refused(json!({"tax_rate": 18}), "#/gst_advance/tax_rate", "");
    refused(json!({"tax_rate": "-18"}), "#/gst_advance/tax_rate", "");
    refused(json!({"cess_rate": "99999"}), "#/gst_advance/cess_rate", "");
    refused(json!({"place_of_supply": "99"}), "#/gst_advance/place_of_supply", "place_of_supply_invalid");
    refused(json!({"place_of_supply": "MH"}), "#/gst_advance/place_of_supply", "");
    refused(json!({"hsn_code": "8471"}), "#/gst_advance/hsn_code", "hsn_invalid");
    refused(json!({"hsn_code": "99"}), "#/gst_advance/hsn_code", "");
    refused(json!({"supply": "rent"}), "#/gst_advance/supply", "");
    refused(json!({"supply": null}), "#/gst_advance/supply", "");
    refused(json!({"unknown": 1}), "#/gst_advance/unknown", "");
    let elsewhere = json!({"gst_advance": with(services(), json!({"gst_registration_id": "0196f2a0-9999-7000-8000-000000000001"}))});
    executive.post("/v1/receipts", &with(receipt_body(&customer, "2025-10-10", "590.00"), elsewhere)).refused(404, "not_found");
    let nobody = json!({"customer_id": null, "unidentified": true});
    let problem = executive.post("/v1/receipts", &body(&customer, "2025-10-10", "590.00", nobody)).refused(422, "validation_failed");
    assert!(blames(&problem, "#/gst_advance", "payer_unknown"), "{problem}");
    let held =
        json!({"method": "cheque", "cheque_number": "1", "cheque_date": "2025-12-01", "utr": null, "gst_advance": {"supply": "services", "tax_rate": "17"}});
    executive.post("/v1/receipts", &body(&customer, "2025-10-10", "590.00", held)).refused(422, "validation_failed");
    assert_eq!(company.fingerprint(), before);
    // The largest and the smallest sums there are.
    for amount in ["9999999999999.00", "0.01"] {
        let receipt = advance(&company, &customer, "2025-10-10", amount);
        assert_eq!(receipt["gst_advance"]["received"]["gross"], amount);
    }
    for role in ["collector", "sales", "integration"] {
        company.as_role(role).get("/v1/gst-advances").refused(403, "permission_denied");
    }
    company.executive().get("/v1/gst-advances?period=2025-13").refused(400, "invalid_parameter");
    company.executive().get("/v1/gst-advances?month=2025-12").refused(400, "unknown_parameter");
    company.assert_laws();
}

#[test]
fn the_database_refuses_what_the_register_never_does() {
    let company = Company::new();
    let customer = company.customer();
    let receipt = advance(&company, &customer, "2025-04-10", "590.00");
    let id = id_of(&receipt);
    let mut db = Db::app();
    for forged in [
        format!("UPDATE gst_advance SET cgst = 0 WHERE receipt_id = '{id}'"),
        format!("DELETE FROM gst_advance WHERE receipt_id = '{id}'"),
        format!("UPDATE receipt SET advance = NULL, version = version + 1 WHERE id = '{id}'"),
    ] {
        assert!(db.commit_in(&company.id, &forged).is_err(), "{forged}");
    }
    // Another movement, without money: judged when it commits.
    let copy = |columns: &str| {
        format!(
            "INSERT INTO gst_advance (company_id, id, registration_id, customer_id, receipt_id, item_id, moved_on, kind, because, place_of_supply, inter, rate, cess_rate, gross, taxable, cgst, sgst, igst, cess, fiscal_year, number)
             SELECT company_id, gen_random_uuid(), registration_id, customer_id, receipt_id, item_id, moved_on, {columns} FROM gst_advance WHERE receipt_id = '{id}'"
        )
    };
    let invoice = company.invoice(&customer, "2025-04-11", "2025-05-11", "118.00");
    let paid = company.receipt(&customer, "2025-04-12", "118.00", json!([to_invoice(&invoice, "118.00")]));
    let because = paid["allocations"][0]["id"].as_str().unwrap();
    for columns in [
        "'received', NULL, place_of_supply, inter, rate, cess_rate, 0, 0, 0, 0, 0, 0, fiscal_year, NULL".to_owned(),
        format!("'adjusted', '{because}', place_of_supply, inter, rate, cess_rate, 118, 100, 9, 9, 0, 0, fiscal_year, NULL"),
        format!("'adjusted', '{because}', place_of_supply, inter, rate, cess_rate, 118, 100, 10, 8, 0, 0, fiscal_year, NULL"),
        format!("'refunded', '{because}', place_of_supply, inter, rate, cess_rate, 118, 100, 9, 9, 0, 0, fiscal_year, NULL"),
    ] {
        assert!(db.commit_in(&company.id, &copy(&columns)).is_err(), "{columns}");
    }
    company.assert_laws();
}

/// Tables 11A and 11B of a month, from the register as the service lists it.
fn declared(company: &Company, month: &str) -> (Vec<AdvanceRow>, Vec<AdvanceRow>) {
    let movement = |row: &Value| Movement {
        advance: row["receipt_id"].as_str().unwrap().parse().unwrap(),
        kind: MovementKind::parse(row["kind"].as_str().unwrap()).unwrap(),
        place_of_supply: row["place_of_supply"].as_str().unwrap().to_owned(),
        inter: row["inter_state"] == true,
        rate: dec(&row["tax_rate"]),
        amounts: Inclusive {
            gross: dec(&row["gross"]),
            taxable: dec(&row["taxable"]),
            cgst: dec(&row["cgst"]),
            sgst: dec(&row["sgst"]),
            igst: dec(&row["igst"]),
            cess: dec(&row["cess"]),
        },
    };
    let tables = tables(&register(company, &format!("period={month}")).iter().map(movement).collect::<Vec<_>>());
    (tables.received, tables.adjusted)
}

#[test]
fn the_tables_of_a_month_show_what_it_changed() {
    let company = Company::new();
    let customer = company.customer();
    let intra =
        |taxable, half| AdvanceRow { place_of_supply: "27".into(), inter: false, rate: d!(18), taxable, igst: d!(0), cgst: half, sgst: half, cess: d!(0) };
    let first = advance(&company, &customer, "2025-04-10", "590.00");
    let within = advance(&company, &customer, "2025-04-11", "236.00");
    let other = json!({"gst_advance": with(services(), json!({"place_of_supply": "29", "tax_rate": "5"}))});
    company.executive().post("/v1/receipts", &body(&customer, "2025-04-12", "105.00", other)).expect(201);
    let invoice = company.invoice(&customer, "2025-04-15", "2025-05-15", "10000.00");
    // Invoiced in the month it came: in no table.
    apply(&company, &within, "2025-04-15", json!([to_invoice(&invoice, "236.00")]));
    let some = apply(&company, &first, "2025-04-16", json!([to_invoice(&invoice, "118.00")]));
    let inter = AdvanceRow { place_of_supply: "29".into(), inter: true, rate: d!(5), taxable: d!(100), igst: d!(5), cgst: d!(0), sgst: d!(0), cess: d!(0) };
    assert_eq!(declared(&company, "2025-04"), (vec![intra(d!(400), d!(36)), inter], vec![]));
    // In May more of it is adjusted; in June what April adjusted comes back on account.
    apply(&company, &first, "2025-05-02", json!([to_invoice(&invoice, "236.00")]));
    assert_eq!(declared(&company, "2025-05"), (vec![], vec![intra(d!(200), d!(18))]));
    unapply(&company, &some[0], "2025-06-02");
    assert_eq!(declared(&company, "2025-06"), (vec![intra(d!(100), d!(9))], vec![]));
    // The months together are what the books hold.
    assert_eq!(accounts(&company), [d!(59), d!(-27), d!(-27), d!(-5)]);
    company.assert_laws();
}

/// A sequence of numbers that looks random and is the same each time.
struct Dice(u64);
impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

#[test]
fn in_whatever_order_the_register_holds_the_tax_in_the_money_left() {
    let company = Company::new();
    let (customer, payer) = (company.customer(), company.another("controller"));
    let invoice = company.invoice(&customer, "2025-04-01", "2025-05-01", "100000.00");
    let mut dice = Dice(42);
    // Of each receipt the money left, and what can be taken back: allocations, and refunds.
    let mut receipts: Vec<(Value, Decimal, Vec<(Value, Decimal)>, Vec<(Value, Decimal)>)> = Vec::new();
    for _ in 0..3 {
        let amount = Decimal::new(i64::try_from(10_000 + dice.below(400_000)).unwrap(), 2);
        receipts.push((advance(&company, &customer, "2025-04-02", &amount.to_string()), amount, Vec::new(), Vec::new()));
    }
    let half = |gross: Decimal| (gross * d!(9) / d!(118)).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    for step in 0..40 {
        let on = format!("2025-{:02}-{:02}", 5 + step / 20, 1 + step % 20);
        let at = usize::try_from(dice.below(3)).unwrap();
        let (receipt, left, placed, paid) = &mut receipts[at];
        let part = Decimal::new(i64::try_from(1 + dice.below(20_000)).unwrap(), 2).min(*left);
        match dice.below(8) {
            0..=3 if part > Decimal::ZERO => {
                let made = apply(&company, receipt, &on, json!([to_invoice(&invoice, &part.to_string())]));
                placed.push((made[0].clone(), part));
                *left -= part;
            }
            4 | 5 if !placed.is_empty() => {
                let (allocation, part) = placed.swap_remove(usize::try_from(dice.below(placed.len() as u64)).unwrap());
                unapply(&company, &allocation, &on);
                *left += part;
            }
            6 if part > Decimal::ZERO => {
                let refund = approved(&company, receipt, &part.to_string());
                act(&payer, &refund, "mark-paid", &payment(&on)).expect(200);
                paid.push((refund, part));
                *left -= part;
            }
            7 if !paid.is_empty() => {
                let (refund, part) = paid.pop().unwrap();
                act(&payer, &refund, "fail", &json!({"failed_on": on, "reason": "Account closed"})).expect(200);
                *left += part;
            }
            _ => continue,
        }
        let tax = half(*left);
        let expected = json!({"gross": format!("{left:.2}"), "taxable": format!("{:.2}", *left - tax - tax), "cgst": format!("{tax:.2}"), "sgst": format!("{tax:.2}"), "igst": "0.00", "cess": "0.00"});
        assert_eq!(again(&company, receipt)["gst_advance"]["remaining"], expected, "step {step}");
    }
    let tax: Decimal = receipts.iter().map(|(_, left, ..)| half(*left)).sum();
    assert_eq!(accounts(&company), [tax + tax, -tax, -tax, d!(0)]);
    let mut by_kind: BTreeMap<String, usize> = BTreeMap::new();
    for row in register(&company, "") {
        *by_kind.entry(row["kind"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert!(by_kind["adjusted"] > 10 && by_kind["refunded"] > 2, "{by_kind:?}");
    // The rest is applied: nothing is left, in money or in tax.
    for (receipt, left, ..) in receipts.iter().filter(|(_, left, ..)| *left > Decimal::ZERO) {
        apply(&company, receipt, "2025-07-01", json!([to_invoice(&invoice, &left.to_string())]));
    }
    assert_eq!(accounts(&company), [d!(0); 4]);
    company.assert_laws();
}
