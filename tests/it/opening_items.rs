//! Opening items over HTTP: original dates, part-payments, the certificate.

use crate::rig::*;
use rust_decimal::dec as d;
use serde_json::{Value, json};

fn row(customer: &str, number: &str, original: &str, extra: Value) -> Value {
    let row = json!({"external_id": fresh(), "customer_id": customer, "number": number, "document_type": "invoice", "document_date": "2024-02-10", "due_date": "2024-03-11",
        "original_amount": original, "posting_date": "2024-04-01"});
    with(row, extra)
}

fn take(company: &Company, row: &Value) -> Reply {
    company.controller().post("/v1/opening-items", row)
}

#[test]
fn what_is_left_of_an_old_invoice_keeps_its_number_and_its_age() {
    let company = Company::new();
    let customer = company.customer();
    let item = take(&company, &row(&customer, "INV/23-24/4711", "118000.00", json!({"paid_before": "18000.00"}))).expect(201);
    assert_includes(
        &item,
        &json!({"number": "INV/23-24/4711", "original_amount": "118000.00", "paid_before": "18000.00", "amount": "100000.00", "open_amount": "100000.00", "status": "open",
                "document_date": "2024-02-10", "due_date": "2024-03-11", "posting_date": "2024-04-01", "currency": "INR", "version": 2}),
    );
    take(&company, &row(&customer, "CN-7", "2500.00", json!({"document_type": "credit"}))).expect(201);
    assert_eq!(["Accounts receivable", "Opening balances"].map(|name| company.account(name)), [d!(97500), d!(-97500)]);
    // In the books from the cut-over; aged from its own due date: 11 March to 15 April are 35 days.
    assert_eq!(company.get("/v1/reports/aging?as_of=2024-03-31")["totals"]["total"], "0.00");
    let aging = company.get("/v1/reports/aging?as_of=2024-04-15");
    assert_eq!((&aging["data"][0]["buckets"]["31-60"], &aging["data"][0]["unapplied"]), (&json!("100000.00"), &json!("2500.00")), "{aging}");
    let ledger = company.get(&format!("/v1/customers/{customer}/ledger?from=2024-04-01&to=2024-04-30"));
    assert_eq!((&ledger["opening_balance"], &ledger["closing_balance"]), (&json!("0.00"), &json!("97500.00")));
    // Money settles it like any other, oldest first.
    let paid = with(receipt_body(&customer, "2024-05-02", "40000.00"), json!({"auto_apply": "oldest_first"}));
    let receipt = company.executive().post("/v1/receipts", &paid).expect(201);
    assert_eq!(receipt["allocations"][0]["target_number"], "INV/23-24/4711");
    assert_includes(&company.get(&format!("/v1/opening-items/{}", id_of(&item))), &json!({"open_amount": "60000.00", "status": "part_settled", "version": 3}));
    // And what is never paid is written off.
    let target = json!([{"target_type": "opening", "target_id": item["id"]}]);
    let asked = company
        .executive()
        .post("/v1/write-offs", &json!({"customer_id": customer, "written_off_on": "2024-06-01", "reason": "Insolvent", "items": target}))
        .expect(201);
    decide(&company.controller(), &asked, "approve").expect(200);
    assert_eq!((company.account("Bad debts"), company.account("Accounts receivable")), (d!(60000), d!(-2500)));
    company.assert_laws();
}

#[test]
fn rows_in_bulk_are_kept_each_for_itself_or_all_or_none() {
    let company = Company::new();
    let customer = company.customer();
    let controller = company.controller();
    let mut rows: Vec<Value> = (0..300).map(|n| row(&customer, &format!("OLD-{n}"), "10.00", json!({}))).collect();
    rows[7] = row(&customer, "OLD-1", "10.00", json!({}));
    rows[8] = row(&customer, "BAD", "10.00", json!({"paid_before": "10.00"}));
    rows[9] = with(row(&customer, "BAD-2", "10.00", json!({})), json!({"colour": "red"}));
    let before = company.fingerprint();
    let reply = controller.post("/v1/opening-items/bulk", &json!({"mode": "atomic", "items": rows})).expect(207);
    assert_eq!(reply["summary"], json!({"total": 300, "succeeded": 0, "failed": 300}));
    assert_eq!(company.fingerprint().get("open_item"), before.get("open_item"));
    let reply = controller.post("/v1/opening-items/bulk", &json!({"mode": "per_item", "items": rows})).expect(207);
    assert_eq!(reply["summary"], json!({"total": 300, "succeeded": 297, "failed": 3}), "{}", reply["items"][0]);
    let codes = [7, 8, 9].map(|at: usize| (reply["items"][at]["status"].clone(), reply["items"][at]["problem"]["code"].clone()));
    assert_eq!(codes, [(json!(409), json!("duplicate_number")), (json!(422), json!("validation_failed")), (json!(400), json!("unknown_field"))]);
    assert_eq!(company.account("Opening balances"), d!(-2970));
    company.as_role("collector").post("/v1/opening-items/bulk", &json!({"mode": "atomic", "items": []})).refused(403, "permission_denied");
    company.assert_laws();
}

#[test]
fn the_certificate_says_whether_the_totals_agree_and_is_kept() {
    let company = Company::new();
    let (one, two) = (company.customer(), company.customer());
    take(&company, &row(&one, "A-1", "1000.00", json!({"paid_before": "250.50"}))).expect(201);
    take(&company, &row(&one, "A-2", "100.00", json!({}))).expect(201);
    take(&company, &row(&two, "B-1", "40.00", json!({"document_type": "credit"}))).expect(201);
    let later = take(&company, &row(&two, "B-2", "9.00", json!({"posting_date": "2024-04-02"}))).expect(201);
    let certify =
        |total: &str| company.controller().post("/v1/opening-items/certificate", &json!({"cut_over_on": "2024-04-01", "control_total": total})).expect(201);
    // 749.50 + 100.00 - 40.00
    let short = certify("809.49");
    assert_includes(
        &short,
        &json!({"count": 3, "debit": "849.50", "credit": "40.00", "total": "809.50", "control_total": "809.49", "difference": "0.01", "agrees": false}),
    );
    let good = certify("809.50");
    assert_includes(&good, &json!({"difference": "0.00", "agrees": true}));
    let of = |customer: &str| good["customers"].as_array().unwrap().iter().find(|c| c["customer_id"] == customer).unwrap().clone();
    assert_includes(&of(&one), &json!({"count": 2, "debit": "849.50", "credit": "0.00", "total": "849.50"}));
    assert_includes(&of(&two), &json!({"count": 1, "total": "-40.00"}));
    assert_eq!(good["sha256"].as_str().map(str::len), Some(64));
    assert_ne!(good["sha256"], short["sha256"]);
    // Kept as it was, whatever comes after.
    take(&company, &row(&one, "A-3", "5.00", json!({}))).expect(201);
    assert_eq!(company.get("/v1/opening-items/certificate?cut_over_on=2024-04-01"), good);
    company.controller().get("/v1/opening-items/certificate?cut_over_on=2024-03-31").refused(404, "not_found");
    let change = format!("UPDATE opening_certificate SET content = '' WHERE id = '{}'", id_of(&good));
    assert!(Db::app().commit_in(&company.id, &change).is_err());
    // What was taken over by mistake is taken back, and counted no more.
    let path = format!("/v1/opening-items/{}/reverse", id_of(&later));
    let back = json!({"reversed_on": "2024-04-05", "reason": "Was paid in the old system"});
    company.controller().post(&path, &back).refused(428, "if_match_required");
    let reversed = company.controller().change("POST", &path, "*", &back).expect(200);
    assert_eq!((&reversed["status"], &reversed["open_amount"]), (&json!("reversed"), &json!("0.00")));
    company.controller().change("POST", &path, "*", &back).refused(409, "already_reversed");
    assert_eq!(company.account("Opening balances"), d!(-814.50));
    company.assert_laws();
}

#[test]
fn an_item_in_dollars_comes_at_the_rate_of_the_old_books() {
    let company = Company::new();
    let customer = company.customer();
    let usd = row(&customer, "US-1", "1000.00", json!({"currency": "USD"}));
    assert!(blames(&take(&company, &usd).refused(422, "exchange_rate_missing"), "#/exchange_rate", "exchange_rate_missing"));
    let item = take(&company, &with(usd, json!({"exchange_rate": "83.00", "paid_before": "400.00"}))).expect(201);
    assert_includes(&item, &json!({"currency": "USD", "exchange_rate": "83.00", "amount": "600.00"}));
    assert_eq!(company.account("Accounts receivable"), d!(49800));
    let yen = take(&company, &row(&customer, "JP-1", "1000.50", json!({"currency": "JPY", "exchange_rate": "0.55"})));
    yen.refused(422, "amount_precision");
    company.assert_laws();
}

#[test]
fn refusals_name_the_field_and_leave_nothing_behind() {
    let company = Company::new();
    let customer = company.customer();
    let first = take(&company, &row(&customer, "A-1", "10.00", json!({"external_id": "one"}))).expect(201);
    let before = company.fingerprint();
    let bad = |extra: Value| take(&company, &row(&customer, "A-2", "10.00", extra));
    assert_eq!(bad(json!({"number": "A-1"})).refused(409, "duplicate_number")["current"]["id"], first["id"]);
    bad(json!({"external_id": "one"})).refused(409, "duplicate_external_id");
    assert!(blames(&bad(json!({"paid_before": "10.00"})).refusal(), "#/paid_before", "nothing_open"));
    assert!(blames(&bad(json!({"paid_before": "-1.00"})).refusal(), "#/paid_before", "nothing_open"));
    assert!(blames(&bad(json!({"document_date": "2024-04-02"})).refusal(), "#/document_date", "after_cut_over"));
    assert!(blames(&bad(json!({"due_date": "2024-02-09"})).refusal(), "#/due_date", "before_document_date"));
    bad(json!({"posting_date": "2099-01-01"})).refusal();
    bad(json!({"customer_id": id_of(&first)})).refused(404, "not_found");
    bad(json!({"currency": "XXX"})).refusal();
    bad(json!({"exchange_rate": "2.00"})).refusal();
    bad(json!({"original_amount": "0.00"})).refusal();
    assert_eq!(company.fingerprint(), before);
    // The same number at once from twenty sides is one item.
    let replies = in_parallel(20, 20, |_| take(&company, &row(&customer, "HOT", "10.00", json!({}))));
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert!(replies.iter().all(|reply| matches!(reply.status, 201 | 409)));
    company.assert_laws();
}

#[test]
fn who_may_only_ask_has_items_taken_over_by_another_person() {
    let company = Company::new();
    let customer = company.customer();
    let (executive, controller) = (company.executive(), company.controller());
    let asked = executive.post("/v1/opening-items", &row(&customer, "A-1", "10.00", json!({}))).expect(201);
    assert_includes(&asked, &json!({"status": "pending_approval", "open_amount": "0.00", "gl_journal_id": null, "version": 1}));
    assert_eq!(company.account("Opening balances"), d!(0));
    take(&company, &row(&customer, "A-1", "10.00", json!({}))).refused(409, "duplicate_number");
    controller.change("POST", &format!("/v1/opening-items/{}/reverse", id_of(&asked)), "*", &json!({"reason": "None"})).refused(409, "invalid_state");
    decide(&executive, &asked, "approve").refused(403, "permission_denied");
    decide(&controller, &asked, "approve").expect(200);
    assert_includes(&company.get(&format!("/v1/opening-items/{}", id_of(&asked))), &json!({"status": "open", "open_amount": "10.00", "approval_id": null}));
    let rows = json!({"mode": "per_item", "items": [row(&customer, "A-2", "1.00", json!({})), row(&customer, "A-3", "2.00", json!({}))]});
    let reply = executive.post("/v1/opening-items/bulk", &rows).expect(207);
    assert_eq!(reply["summary"]["succeeded"], 2);
    let second = company.get("/v1/opening-items?number=A-2")["data"][0].clone();
    decide(&controller, &second, "reject").expect(200);
    // What was rejected leaves its number free.
    assert_eq!(take(&company, &row(&customer, "A-2", "1.50", json!({}))).expect(201)["status"], "open");
    assert_eq!(company.account("Opening balances"), d!(-11.50));
    company.assert_laws();
}
