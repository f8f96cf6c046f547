//! The main job from a customer to an aging report, with the figures of the acceptance walk, and the cash cases of domain.md 3.21.

use crate::rig::*;
use serde_json::{Value, json};

/// The customer's row of an aging report.
fn aging_row(company: &Company, as_of: &str, customer: &str) -> Value {
    let aging = company.get(&format!("/v1/reports/aging?as_of={as_of}&basis=due_date&group_by=customer"));
    assert_eq!(aging["check"]["difference"], "0.00", "{aging}");
    let rows = aging["data"].as_array().unwrap();
    rows.iter().find(|row| row["customer_id"] == customer).cloned().unwrap_or_else(|| json!({"buckets": {}, "unapplied": "0.00", "total": "0.00"}))
}

/// Asserts the buckets named; the others are empty.
#[track_caller]
fn assert_aged(row: &Value, buckets: &[(&str, &str)], unapplied: &str, total: &str) {
    for bucket in ["not_due", "1-30", "31-60", "61-90", "91-120", "over_120"] {
        let expected = buckets.iter().find(|(name, _)| *name == bucket).map_or("0.00", |(_, amount)| amount);
        assert_eq!(row["buckets"][bucket].as_str().unwrap_or("0.00"), expected, "bucket {bucket} of {row}");
    }
    assert_eq!((row["unapplied"].as_str(), row["total"].as_str()), (Some(unapplied), Some(total)), "{row}");
}

fn goods(amount: &str) -> Value {
    json!([{"description": "Laptops", "hsn_code": "84713010", "is_service": false, "quantity": "2", "unit": "NOS", "unit_price": amount, "discount": "0.00",
            "tax_rate": "18", "cess_rate": "0", "tax_inclusive": false}])
}

/// `settling` writes the allocation of the receipt that comes with TDS, given the invoice's id.
fn walk(settling: &[(&str, &str)]) {
    let company = Company::new();
    let (executive, controller) = (company.executive(), company.controller());
    let customer =
        executive.post("/v1/customers", &with(customer_body(), json!({"external_id": "CUST-0042", "legal_name": "Acme Retail Pvt Ltd"}))).expect(201);
    assert_eq!(customer["version"], 1);
    assert!(customer["code"].as_str().is_some_and(|code| !code.is_empty()), "{customer}");
    let id = id_of(&customer);

    // Two invoices: within the State, and to another one.
    let first = json!({"external_id": "SO-1", "customer_id": id, "invoice_date": "2025-04-10", "place_of_supply": "27", "currency": "INR", "issue": true, "lines": goods("50000.00")});
    let preview = executive.post("/v1/invoices/preview", &first).expect(200);
    let reply = executive.post("/v1/invoices", &first);
    assert_eq!(reply.header("etag"), Some("\"v1\""));
    let location = reply.header("location").expect("a location").to_owned();
    let first = reply.expect(201);
    assert_eq!(location, format!("/v1/invoices/{}", id_of(&first)));
    let totals = json!({"taxable_value": "100000.00", "cgst": "9000.00", "sgst": "9000.00", "igst": "0.00", "cess": "0.00", "round_off": "0.00", "grand_total": "118000.00"});
    assert_includes(&first["totals"], &totals);
    assert_eq!(preview["totals"], first["totals"]);
    assert!(preview["number"].is_null() && preview["id"].is_null(), "{preview}");
    assert_eq!((&first["status"], &first["payment_status"], &first["due_date"]), (&json!("issued"), &json!("unpaid"), &json!("2025-05-10")));
    assert_eq!(first["amounts"]["balance_due"], "118000.00");
    assert_eq!(first["seller_gstin"], company.gstin.as_str());
    let line = &first["lines"][0];
    assert_eq!(
        (&line["taxable_value"], &line["cgst"], &line["sgst"], &line["igst"], &line["line_total"]),
        (&json!("100000.00"), &json!("9000.00"), &json!("9000.00"), &json!("0.00"), &json!("118000.00"))
    );

    let second = json!({"external_id": "SO-2", "customer_id": id, "invoice_date": "2025-04-15", "due_date": "2025-05-15", "place_of_supply": "29", "currency": "INR", "issue": true, "lines": goods("22500.00")});
    let second = executive.post("/v1/invoices", &second).expect(201);
    assert_eq!(
        second["totals"],
        json!({"taxable_value": "45000.00", "cgst": "0.00", "sgst": "0.00", "igst": "8100.00", "cess": "0.00", "round_off": "0.00", "grand_total": "53100.00"})
    );
    assert_ne!(first["number"], second["number"]);

    // 116,000 and TDS 2,000 settle the first, however it is written.
    let lines = |amounts: &[(&str, &str)]| {
        amounts.iter().map(|(kind, amount)| json!({"target_type": "invoice", "target_id": first["id"], "amount": amount, "kind": kind})).collect::<Vec<_>>()
    };
    let paid = with(
        receipt_body(&id, "2025-05-05", "116000.00"),
        json!({"external_id": "BANK-1", "deductions": [{"kind": "tds", "section": "194J", "amount": "2000.00"}], "allocations": lines(settling)}),
    );
    for role in ["sales", "collector", "auditor", "controller", "admin"] {
        let refused = company.as_role(role).post("/v1/receipts", &paid).refusal();
        assert_eq!(refused["status"], 403, "{role}: {refused}");
    }
    let receipt = executive.post("/v1/receipts", &paid).expect(201);
    assert_includes(&receipt["totals"], &json!({"gross_settled": "118000.00", "allocated_cash": "116000.00", "allocated_tds": "2000.00", "unapplied": "0.00"}));
    assert_eq!(receipt["status"], "applied");
    let settled = company.get(&format!("/v1/invoices/{}", id_of(&first)));
    assert_eq!(settled["payment_status"], "paid");
    let amounts = &settled["amounts"];
    assert_eq!(
        (&amounts["allocated_cash"], &amounts["allocated_tds"], &amounts["balance_due"]),
        (&json!("116000.00"), &json!("2000.00"), &json!("0.00")),
        "{amounts}"
    );

    // 60,000 received now, 53,100 of it allocated nine days later.
    let advance = company.receipt(&id, "2025-06-01", "60000.00", Value::Null);
    assert_eq!((&advance["status"], &advance["totals"]["unapplied"]), (&json!("unapplied"), &json!("60000.00")));
    let later = json!({"source_type": "receipt", "source_id": advance["id"], "allocated_on": "2025-06-10", "targets": [to_invoice(&second, "53100.00")]});
    let allocated = executive.post("/v1/allocations", &later).expect(201);
    assert_eq!(allocated["data"].as_array().map(Vec::len), Some(1), "{allocated}");

    assert_aged(&aging_row(&company, "2025-05-04", &id), &[("not_due", "171100.00")], "0.00", "171100.00");
    assert_aged(&aging_row(&company, "2025-06-09", &id), &[("1-30", "53100.00")], "60000.00", "-6900.00");
    assert_aged(&aging_row(&company, "2025-06-10", &id), &[], "6900.00", "-6900.00");

    // Taken back on the 20th: the past stays as it was.
    let reversal = format!("/v1/allocations/{}/reverse", id_of(&allocated["data"][0]));
    let back = json!({"reversed_on": "2025-06-20", "reason": "Placed on the wrong invoice"});
    // Who may only ask gets a request; a controller acts, and the request is stale.
    let asked = executive.post(&reversal, &back).expect(202);
    let reversed = controller.post(&reversal, &back).expect(201);
    assert_eq!(dec(&reversed["amount"]), dec(&json!("-53100.00")), "{reversed}");
    controller.post(&reversal, &back).refusal();
    let approval = format!("/v1/approvals/{}", asked["approval_id"].as_str().unwrap());
    assert_eq!(controller.get(&approval).expect(200)["status"], "stale");
    assert_aged(&aging_row(&company, "2025-06-19", &id), &[], "6900.00", "-6900.00");
    assert_aged(&aging_row(&company, "2025-06-20", &id), &[("31-60", "53100.00")], "60000.00", "-6900.00");

    let ledger = company.get(&format!("/v1/customers/{id}/ledger?from=2025-04-01&to=2025-06-30"));
    assert_eq!((&ledger["opening_balance"], &ledger["closing_balance"]), (&json!("0.00"), &json!("-6900.00")), "{ledger}");
    let balances: Vec<_> = ledger["data"].as_array().unwrap().iter().map(|row| row["balance"].as_str().unwrap()).collect();
    assert_eq!(balances, ["118000.00", "171100.00", "53100.00", "-6900.00"], "{ledger}");
    let open = company.get(&format!("/v1/customers/{id}/open-items?as_of=2025-06-30"));
    assert_eq!(open["totals"], json!({"debit": "53100.00", "credit": "60000.00", "balance": "-6900.00"}), "{open}");

    let trial = company.get("/v1/trial-balance?as_of=2025-06-30");
    let mut nets: Vec<_> = trial["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| dec(&row["debit"]) - dec(&row["credit"]))
        .filter(|net| !net.is_zero())
        .map(|net| net.normalize().to_string())
        .collect();
    nets.sort();
    let mut expected = ["176000", "2000", "-6900", "-145000", "-9000", "-9000", "-8100"];
    expected.sort_unstable();
    assert_eq!(nets, expected, "bank, TDS, receivables, sales, CGST, SGST, IGST: {trial}");
    company.assert_laws();
}

#[test]
fn the_walk_settles_with_one_gross_allocation() {
    walk(&[("cash", "118000.00")]);
}

#[test]
fn the_walk_settles_with_cash_and_tds_named() {
    walk(&[("cash", "116000.00"), ("tds", "2000.00")]);
}

#[test]
fn the_walk_settles_with_the_tds_left_to_the_service() {
    walk(&[("cash", "116000.00")]);
}

#[test]
fn overpayment_stays_unapplied() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    let receipt = company.receipt(&customer, "2025-01-20", "1050.00", json!([to_invoice(&invoice, "1000.00")]));
    assert_eq!((&receipt["status"], &receipt["totals"]["unapplied"]), (&json!("partially_applied"), &json!("50.00")));
    assert_eq!(company.get(&format!("/v1/invoices/{}", id_of(&invoice)))["payment_status"], "paid");
    company.assert_laws();
}

#[test]
fn oldest_first_pays_in_the_order_of_due_dates() {
    let company = Company::new();
    let customer = company.customer();
    let due = |due: &str, amount: &str| company.invoice(&customer, "2025-01-01", due, amount);
    let (late, early, middle) = (due("2025-03-31", "300.00"), due("2025-01-31", "100.00"), due("2025-02-28", "200.00"));
    let body = with(receipt_body(&customer, "2025-03-01", "250.00"), json!({"auto_apply": "oldest_first"}));
    let receipt = company.executive().post("/v1/receipts", &body).expect(201);
    assert_eq!(receipt["totals"]["unapplied"], "0.00");
    let balance = |invoice: &Value| company.get(&format!("/v1/invoices/{}", id_of(invoice)))["amounts"]["balance_due"].clone();
    assert_eq!([balance(&early), balance(&middle), balance(&late)], ["0.00", "50.00", "300.00"]);
    company.assert_laws();
}

#[test]
fn reversing_the_middle_of_three_allocations_leaves_the_others() {
    let company = Company::new();
    let customer = company.customer();
    let invoices: Vec<Value> = ["100.00", "200.00", "400.00"].iter().map(|amount| company.invoice(&customer, "2025-01-10", "2025-02-09", amount)).collect();
    let targets: Vec<Value> = invoices.iter().map(|i| to_invoice(i, i["totals"]["grand_total"].as_str().unwrap())).collect();
    let receipt = company.receipt(&customer, "2025-01-20", "700.00", json!(targets));
    let middle = receipt["allocations"].as_array().unwrap().iter().find(|a| a["target_id"] == invoices[1]["id"]).expect("an allocation to the middle one");
    let body = json!({"reversed_on": "2025-01-25", "reason": "Wrong invoice"});
    company.controller().post(&format!("/v1/allocations/{}/reverse", id_of(middle)), &body).expect(201);
    let balances: Vec<_> = invoices.iter().map(|i| company.get(&format!("/v1/invoices/{}", id_of(i)))["amounts"]["balance_due"].clone()).collect();
    assert_eq!(balances, ["0.00", "200.00", "0.00"]);
    assert_eq!(company.get(&format!("/v1/receipts/{}", id_of(&receipt)))["totals"]["unapplied"], "200.00");
    // What was freed can be placed again.
    let again = json!({"source_type": "receipt", "source_id": receipt["id"], "allocated_on": "2025-01-26", "targets": [to_invoice(&invoices[1], "200.00")]});
    company.executive().post("/v1/allocations", &again).expect(201);
    company.assert_laws();
}

#[test]
fn a_draft_is_changed_and_issued_and_an_unpaid_invoice_cancelled() {
    let company = Company::new();
    let (executive, controller) = (company.executive(), company.controller());
    let customer = company.customer();
    let draft = executive.post("/v1/invoices", &with(invoice_body(&customer, "2025-01-10", "100.00"), json!({"issue": false}))).expect(201);
    assert_eq!((&draft["status"], &draft["number"]), (&json!("draft"), &Value::Null));
    let path = format!("/v1/invoices/{}", id_of(&draft));
    let changed = executive.change("PATCH", &path, "\"v1\"", &json!({"lines": [line("150.00", "18")]})).expect(200);
    assert_eq!((&changed["totals"]["grand_total"], &changed["version"]), (&json!("177.00"), &json!(2)));
    let issued = executive.change("POST", &format!("{path}/issue"), "\"v2\"", &json!({})).expect(200);
    assert_eq!((&issued["status"], &issued["amounts"]["balance_due"]), (&json!("issued"), &json!("177.00")));
    let cancelled = controller.change("POST", &format!("{path}/cancel"), "*", &json!({"reason": "Ordered by mistake"})).expect(200);
    assert_eq!((&cancelled["status"], &cancelled["number"]), (&json!("cancelled"), &issued["number"]));
    assert_eq!(company.get(&format!("/v1/customers/{customer}/open-items?as_of={}", today()))["totals"]["balance"], "0.00");
    let other = executive.post("/v1/invoices", &with(invoice_body(&customer, "2025-01-10", "100.00"), json!({"issue": false}))).expect(201);
    executive.change("DELETE", &format!("/v1/invoices/{}", id_of(&other)), "\"v1\"", &Value::Null);
    executive.get(&format!("/v1/invoices/{}", id_of(&other))).refused(404, "not_found");
    company.assert_laws();
}
