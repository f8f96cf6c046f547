//! Files of many rows: what is validated, what is refused and why, what a commit leaves (api.md 4.10, 5).

use crate::rig::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

const CSV: &str = "text/csv";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

fn upload(client: &Client, query: &str, media: &str, key: &str, file: &[u8]) -> Reply {
    client.send("POST", &format!("/v1/imports?{query}"), &[("content-type", media), ("idempotency-key", key)], Some(file))
}

/// A job when it is over.
fn finished(client: &Client, job: &Value) -> Value {
    let path = format!("/v1/jobs/{}?wait_s=20", id_of(job));
    until("the job to end", Duration::from_secs(600), || {
        let job = client.get(&path).expect(200);
        job["finished_at"].is_string().then_some(job)
    })
}

/// Uploads a file and gives its import when it is validated.
fn validated(client: &Client, query: &str, media: &str, file: &[u8]) -> Value {
    let begun = upload(client, query, media, &fresh(), file);
    assert_eq!(begun.header("location"), Some(format!("/v1/jobs/{}", id_of(&begun.json())).as_str()), "{}", begun.text());
    let job = finished(client, &begun.expect(202));
    assert_eq!(job["status"], "succeeded", "{job}");
    client.get(&format!("/v1/imports/{}", job["result"]["import_id"].as_str().expect("an import"))).expect(200)
}

fn commit(client: &Client, import: &Value, mode: &str) -> Value {
    let path = format!("/v1/imports/{}", id_of(import));
    let begun = client.change("POST", &format!("{path}/commit"), &format!("\"v{}\"", import["version"]), &json!({"mode": mode})).expect(202);
    let job = finished(client, &begun);
    assert_eq!(job["status"], "succeeded", "{job}");
    client.get(&path).expect(200)
}

fn rows(client: &Client, import: &Value, status: &str) -> Vec<Value> {
    client.get(&format!("/v1/imports/{}/rows?status={status}&limit=200", id_of(import))).expect(200)["data"].as_array().unwrap().clone()
}

/// A validated import of one row, for tests about every kind of thing.
pub fn stocked(executive: &Client) -> Value {
    let file = format!("code,name,is_service,hsn_code,unit_price,tax_rate\n{},Support,true,998313,10.00,18\n", fresh());
    validated(executive, "type=items", CSV, file.as_bytes())["id"].clone()
}

#[test]
fn customers_come_in_from_csv_and_what_is_wrong_is_named() {
    let company = Company::new();
    let executive = company.executive();
    let tag = &fresh()[..8];
    let taken = executive.post("/v1/customers", &with(customer_body(), json!({"external_id": format!("{tag}-taken")}))).expect(201);
    let gstin = gstin("29");
    let file = format!(
        "External ID,legal_name,kind,gstin,payment_terms_days,billing_address.line1,billing_address.city,billing_address.state_code,billing_address.country,contacts.name,contacts.email,metadata.segment\n\
         {tag}-1,\"Acme, Retail\",b2b,{gstin},30,1 MG Road,Bengaluru,29,IN,Ravi Iyer,ravi@example.com,south\n\
         {tag}-1,,,,,,,,,Meera Nair,meera@example.com,\n\
         {tag}-2,Bela,b2x,,x,,,,,,,\n\
         {tag}-3,Chand,b2c,29ABCDE1234F1Z5,,,,,,,,\n\
         {tag}-4,=1+1,b2c,,,,,,,,,\n\
         \n\
         {tag}-5,Devi,b2c,,,,,,,,,\n\
         {tag}-5,Devi,b2c,,,,,,,,,north\n\
         {tag}-taken,Esha,b2c,,,,,,,,,\n\
         ,Farid,b2c,,,,,,,,,\n"
    );
    let import = validated(&executive, "type=customers&name=customers.csv", CSV, file.as_bytes());
    assert_includes(
        &import,
        &json!({"object": "import", "type": "customers", "status": "validated", "control_totals": [], "problem": null, "allowed_actions": ["commit"]}),
    );
    assert_includes(&import["file"], &json!({"name": "customers.csv", "format": "csv", "bytes": file.len()}));
    assert_includes(&import["rows"], &json!({"valid": 3, "invalid": 5, "committed": 0, "failed": 0}));
    assert_eq!((import["columns"][0].clone(), import["columns"].as_array().unwrap().len()), (json!("external_id"), 12));
    let invalid = rows(&executive, &import, "invalid");
    let found: Vec<(i64, &str)> = invalid.iter().map(|row| (row["row"].as_i64().unwrap(), row["problem"]["code"].as_str().unwrap())).collect();
    let expected = [(4, "validation_failed"), (5, "validation_failed"), (6, "validation_failed"), (9, "duplicate_in_file"), (10, "duplicate_external_id")];
    assert_eq!(found, expected);
    assert!(blames(&invalid[0]["problem"], "#/kind", "") && blames(&invalid[0]["problem"], "#/payment_terms_days", ""), "{}", invalid[0]);
    assert!(blames(&invalid[1]["problem"], "#/gstin", "gstin_invalid"), "{}", invalid[1]);
    assert!(blames(&invalid[2]["problem"], "#/legal_name", "formula_cell"), "{}", invalid[2]);
    assert_eq!(invalid[4]["problem"]["current"]["id"], taken["id"]);
    // Nothing of it is there yet.
    let count = || company.sql("SELECT 1 FROM customer WHERE company_id = {c}").len();
    assert_eq!(count(), 1);
    let path = format!("/v1/imports/{}/commit", id_of(&import));
    executive.change("POST", &path, "*", &json!({"mode": "all"})).refused(409, "import_has_invalid_rows");
    executive.post(&path, &json!({"mode": "valid_only"})).refused(428, "if_match_required");
    let done = commit(&executive, &import, "valid_only");
    assert_includes(&done, &json!({"status": "committed", "allowed_actions": []}));
    assert_includes(&done["rows"], &json!({"valid": 0, "invalid": 5, "committed": 3, "failed": 0}));
    assert_eq!(count(), 4);
    let first = rows(&executive, &import, "committed").remove(0);
    assert_includes(&first, &json!({"row": 2, "external_id": format!("{tag}-1"), "problem": null}));
    let acme = executive.get(&format!("/v1/customers/{}", first["object_id"].as_str().unwrap())).expect(200);
    assert_includes(&acme, &json!({"legal_name": "Acme, Retail", "gstin": gstin, "payment_terms_days": 30, "metadata": {"segment": "south"}}));
    assert_eq!(
        (&acme["addresses"][0]["city"], acme["contacts"].as_array().unwrap().len(), &acme["contacts"][1]["name"]),
        (&json!("Bengaluru"), 2, &json!("Meera Nair"))
    );
    assert!(acme["created_by"].as_str().unwrap().starts_with("user:"));
    executive.change("POST", &path, "*", &json!({"mode": "valid_only"})).refused(409, "invalid_state");
    company.assert_laws();
}

#[test]
fn items_come_in_from_a_workbook() {
    let company = Company::new();
    let executive = company.executive();
    let tag = &fresh()[..8];
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (at, name) in ["Code", "Name", "Is Service", "HSN Code", "Unit Price", "Tax Rate"].into_iter().enumerate() {
        sheet.write(0, u16::try_from(at).unwrap(), name).unwrap();
    }
    let mut line = |row: u32, code: &str, hsn: f64, price: f64| {
        sheet.write(row, 0, format!("{tag}-{code}")).unwrap();
        sheet.write(row, 1, "Support plan").unwrap();
        sheet.write(row, 2, true).unwrap();
        sheet.write(row, 3, hsn).unwrap();
        sheet.write(row, 4, price).unwrap();
        sheet.write(row, 5, 18).unwrap();
    };
    line(1, "A", 998_313.0, 1180.3);
    line(2, "B", 998_313.0, 0.1 + 0.2);
    line(4, "C", 998.0, 10.0);
    sheet.write(5, 0, format!("{tag}-D")).unwrap();
    sheet.write(5, 4, Formula::new("=E2*2").set_result("2360.6")).unwrap();
    let import = validated(&executive, "type=items", XLSX, &book.save_to_buffer().unwrap());
    assert_includes(&import["rows"], &json!({"valid": 2, "invalid": 2}));
    let invalid = rows(&executive, &import, "invalid");
    assert!(invalid[0]["row"] == 5 && blames(&invalid[0]["problem"], "#/hsn_code", ""), "{}", invalid[0]);
    assert!(invalid[1]["row"] == 6 && blames(&invalid[1]["problem"], "#/unit_price", "formula_cell"), "{}", invalid[1]);
    commit(&executive, &import, "valid_only");
    let price = |code: &str| executive.get(&format!("/v1/items?code={tag}-{code}")).expect(200)["data"][0]["unit_price"].clone();
    assert_eq!((price("A"), price("B")), (json!("1180.30"), json!("0.30")));
    company.assert_laws();
}

#[test]
fn invoices_receipts_and_opening_items_come_in_with_control_totals() {
    let company = Company::new();
    let (executive, controller) = (company.executive(), company.controller());
    let customer = executive.post("/v1/customers", &customer_body()).expect(201);
    let whose = customer["external_id"].as_str().unwrap();
    let tag = &fresh()[..8];
    // 1,00,000 at 18 and 1,000 at 5 of the same State, then 200 without tax: 118,000 + 1,050 + 200.
    let head = "external_id,customer_external_id,invoice_date,place_of_supply,issue,lines.description,lines.hsn_code,lines.is_service,lines.quantity,lines.unit,lines.unit_price,lines.tax_rate";
    let bills = format!(
        "{head}\n{tag}-1,{whose},10-01-2025,27,yes,Support,998313,true,1,OTH,\"1,00,000.00\",18\n{tag}-1,,,,,Manual,4901,false,2,NOS,500.00,5\n\
         {tag}-2,{whose},11-01-2025,27,yes,Work,998313,true,1,OTH,200.00,0\n{tag}-3,nobody,11-01-2025,27,yes,Work,998313,true,1,OTH,7.00,0\n"
    );
    let import = validated(&executive, "type=invoices&dates=dmy", CSV, bills.as_bytes());
    assert_eq!((&import["control_totals"], &import["rows"]["invalid"]), (&json!([{"currency": "INR", "amount": "119250.00"}]), &json!(1)));
    assert_eq!(rows(&executive, &import, "invalid")[0]["problem"]["code"], "not_found");
    commit(&executive, &import, "valid_only");
    let bill = executive.get(&format!("/v1/invoices?external_id={tag}-1")).expect(200)["data"][0].clone();
    assert_includes(&bill, &json!({"status": "issued", "invoice_date": "2025-01-10", "grand_total": "119050.00"}));
    // Lines of JSON are bodies as they are.
    let paid = with(
        receipt_body("", "2025-01-20", "119050.00"),
        json!({"customer_id": null, "customer_external_id": whose, "allocations": [{"target_type": "invoice", "target_external_id": format!("{tag}-1"), "amount": "119050.00", "kind": "cash"}]}),
    );
    let import = validated(&executive, "type=receipts", "application/jsonl", format!("{paid}\n\n").as_bytes());
    assert_eq!(
        (&import["control_totals"], &import["rows"]["valid"]),
        (&json!([{"currency": "INR", "amount": "119050.00"}]), &json!(1)),
        "{:?}",
        rows(&executive, &import, "invalid")
    );
    commit(&executive, &import, "all");
    assert_eq!(executive.get(&format!("/v1/invoices/{}", id_of(&bill))).expect(200)["payment_status"], "paid");
    let day = Format::new().set_num_format("dd/mm/yyyy");
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (at, name) in
        ["customer_external_id", "number", "document_type", "document_date", "original_amount", "paid_before", "posting_date"].into_iter().enumerate()
    {
        sheet.write(0, u16::try_from(at).unwrap(), name).unwrap();
    }
    for (row, number, kind, amount, before) in [(1, "OLD/1", "invoice", 1000.5, 0.5), (2, "OLD/2", "credit", 100.0, 0.0)] {
        let on = |month: u8, day: u8| ExcelDateTime::from_ymd(2024, month, day).unwrap();
        sheet.write(row, 0, whose).unwrap().write(row, 1, format!("{tag}/{number}")).unwrap().write(row, 2, kind).unwrap();
        sheet.write_with_format(row, 3, on(2, 10), &day).unwrap().write(row, 4, amount).unwrap().write(row, 5, before).unwrap();
        sheet.write_with_format(row, 6, on(4, 1), &day).unwrap();
    }
    let import = validated(&controller, "type=opening_balances", XLSX, &book.save_to_buffer().unwrap());
    let invalid = rows(&controller, &import, "invalid");
    assert_eq!((&import["rows"]["valid"], &import["control_totals"]), (&json!(2), &json!([{"currency": "INR", "amount": "1100.00"}])), "{invalid:?}");
    commit(&controller, &import, "all");
    let open = company.get(&format!("/v1/customers/{}/open-items?as_of=2025-02-28", id_of(&customer)));
    // 200 is open of what was billed, 1,000 and -100 of what was taken over.
    assert_eq!(open["totals"]["balance"], "1100.00", "{open}");
    company.assert_laws();
}

#[test]
fn what_was_taken_meanwhile_fails_alone_and_the_rest_stays() {
    let company = Company::new();
    let executive = company.executive();
    let tag = &fresh()[..8];
    let file = format!("external_id,legal_name,kind\n{tag}-1,One,b2c\n{tag}-2,Two,b2c\n{tag}-3,Three,b2c\n");
    let import = validated(&executive, "type=customers", CSV, file.as_bytes());
    executive.post("/v1/customers", &with(customer_body(), json!({"external_id": format!("{tag}-2")}))).expect(201);
    let done = commit(&executive, &import, "all");
    assert_includes(&done, &json!({"status": "partially_committed", "allowed_actions": []}));
    assert_includes(&done["rows"], &json!({"committed": 2, "failed": 1, "valid": 0}));
    let failed = rows(&executive, &import, "failed");
    assert_eq!((&failed[0]["row"], &failed[0]["problem"]["code"]), (&json!(3), &json!("duplicate_external_id")));
    company.assert_laws();
}

#[test]
fn hostile_files_get_a_clear_error_and_leave_nothing() {
    let company = Company::new();
    let executive = company.executive();
    let wide = vec!["c"; 10_000].join(",").into_bytes();
    let latin = b"external_id,legal_name,kind\nA,Caf\xe9,b2c\n".to_vec();
    let nul = b"external_id,legal_name,kind\nA,x\0y,b2c\n".to_vec();
    let cases: [(&str, Vec<u8>, &str); 11] = [
        (CSV, latin, "not_utf8"),
        (CSV, b"external_id,legal_name,kind\nA,\"Acme,b2c\nB,Bharat,b2c\n".to_vec(), "quote_not_closed"),
        (CSV, b"external_id;kind;legal_name\nA;b2c;\"Say \"\"hi\"\"\nB;b2c;Bharat\n".to_vec(), "quote_not_closed"),
        (CSV, nul, "nul_character"),
        (CSV, wide, "too_many_columns"),
        (CSV, b"legal_nam,kind\nAcme,b2c\n".to_vec(), "unknown_column"),
        (CSV, b"external_id,legal_name,kind\n".to_vec(), "empty"),
        (CSV, Vec::new(), "empty"),
        (CSV, b"PK\x03\x04".to_vec(), "not_text"),
        (XLSX, b"external_id,legal_name,kind\nA,Acme,b2c\n".to_vec(), "not_a_workbook"),
        ("application/jsonl", b"{\"legal_name\":\n".to_vec(), "malformed_json"),
    ];
    for (media, file, code) in cases {
        let begun = upload(&executive, "type=customers", media, &fresh(), &file).expect(202);
        let job = finished(&executive, &begun);
        assert_eq!(
            (&job["status"], &job["problem"]["code"], &job["problem"]["errors"][0]["code"]),
            (&json!("failed"), &json!("import_file_invalid"), &json!(code)),
            "{job}"
        );
        let import = executive.get(&format!("/v1/imports/{}", id_of(&job))).expect(200);
        assert_includes(&import, &json!({"status": "failed", "allowed_actions": []}));
        assert_eq!(import["problem"]["errors"][0]["code"], code);
        executive.change("POST", &format!("/v1/imports/{}/commit", id_of(&job)), "*", &json!({"mode": "valid_only"})).refused(409, "invalid_state");
    }
    upload(&executive, "type=customers", "application/pdf", &fresh(), b"x").refused(415, "unsupported_media_type");
    upload(&executive, "type=cars", CSV, &fresh(), b"x").refused(400, "invalid_parameter");
    upload(&executive, "kind=customers", CSV, &fresh(), b"x").refused(400, "unknown_parameter");
    executive.send("POST", "/v1/imports?type=customers", &[("content-type", CSV)], Some(b"x")).refused(400, "idempotency_key_missing");
    assert!(company.sql("SELECT 1 FROM customer WHERE company_id = {c}").is_empty());
    company.assert_laws();
}

#[test]
fn rows_need_the_right_to_take_one_in() {
    let company = Company::new();
    let file = b"external_id,legal_name,kind\nA,Acme,b2c\n";
    let send = |role: &str, kind: &str| upload(&company.as_role(role), &format!("type={kind}"), CSV, &fresh(), file);
    for (role, kind, permission) in
        [("admin", "customers", "customers:write"), ("controller", "receipts", "receipts:write"), ("admin", "invoices", "invoices:write")]
    {
        assert_eq!(send(role, kind).refused(403, "permission_denied")["required_permission"], permission);
    }
    for role in ["collector", "sales", "auditor"] {
        assert_eq!(send(role, "customers").refusal()["required_permission"], "imports:write");
    }
    let machine = company.as_machine(&["imports:write", "items:write"]);
    upload(&machine, "type=customers", CSV, &fresh(), file).refused(403, "permission_denied");
    // Nor does anybody look at rows others took in without it.
    let theirs = validated(&company.executive(), "type=customers", CSV, file);
    let items = json!(stocked(&company.executive()));
    for client in [&machine, &company.as_role("admin")] {
        for path in [format!("/v1/imports/{}", id_of(&theirs)), format!("/v1/imports/{}/rows", id_of(&theirs))] {
            assert_eq!(client.get(&path).refused(403, "permission_denied")["required_permission"], "customers:write");
        }
        let listed = client.get("/v1/imports").expect(200);
        assert_eq!(listed["data"].as_array().unwrap().iter().map(|import| &import["id"]).collect::<Vec<_>>(), [&items]);
    }
    // Who may only ask for an opening item asks for each row.
    let customer = company.executive().post("/v1/customers", &customer_body()).expect(201);
    let old = format!(
        "customer_external_id,number,document_type,document_date,original_amount,posting_date\n{},{},invoice,2024-02-10,10.00,2024-04-01\n",
        customer["external_id"].as_str().unwrap(),
        &fresh()[..12]
    );
    let executive = company.executive();
    let import = validated(&executive, "type=opening_balances", CSV, old.as_bytes());
    commit(&executive, &import, "all");
    let row = rows(&executive, &import, "committed").remove(0);
    assert_eq!(executive.get(&format!("/v1/opening-items/{}", row["object_id"].as_str().unwrap())).expect(200)["status"], "pending_approval");
    company.assert_laws();
}

#[test]
fn the_tax_offices_record_comes_in_line_by_line() {
    let company = Company::new();
    let (executive, customer) = (company.executive(), company.executive().post("/v1/customers", &customer_body()).expect(201));
    let whose = customer["external_id"].as_str().unwrap();
    let certificate = |section: &str, quarter: i32, amount: &str| {
        let body = json!({"customer_id": customer["id"], "certificate_number": fresh()[..10], "certificate_date": "2025-02-20", "section": section, "fiscal_year": "2024-25", "quarter": quarter, "amount": amount});
        executive.post("/v1/tds-certificates", &body).expect(201)
    };
    // 20 deducted and certified; 30 in two certificates of one quarter.
    let sale = company.invoice(customer["id"].as_str().unwrap(), "2025-01-10", "2025-02-09", "1000.00");
    let deduction = json!([{"kind": "tds", "section": "194C", "rate": "2", "amount": "20.00"}]);
    let paid = with(receipt_body(&id_of(&customer), "2025-01-15", "980.00"), json!({"allocations": [to_invoice(&sale, "1000.00")], "deductions": deduction}));
    executive.post("/v1/receipts", &paid).expect(201);
    let first = certificate("194C", 4, "20.00");
    let (one, two) = (certificate("194J", 3, "10.00"), certificate("194J", 3, "20.00"));
    assert_eq!(first["status"], "certificate_received");
    let file = format!(
        "Customer External ID,Section,Fiscal Year,Quarter,Certificate Number,Amount,Seen On\n{whose},194c,2024-25,4,,18.00,2025-03-01\n{whose},194J,2024-25,3,,30.00,\n\
         {whose},194J,2024-25,3,{},10.00,\n{whose},194J,2024-25,3,{},20.00,\n{whose},194J,2024-25,3,{},25.00,\n{whose},194H,2024-25,1,,5.00,\n{whose},194C,24-25,4,,5.00,\n",
        one["certificate_number"].as_str().unwrap(),
        two["certificate_number"].as_str().unwrap(),
        two["certificate_number"].as_str().unwrap(),
    );
    let import = validated(&executive, "type=form_26as", CSV, file.as_bytes());
    let invalid = rows(&executive, &import, "invalid");
    let found: Vec<(i64, &str)> = invalid.iter().map(|row| (row["row"].as_i64().unwrap(), row["problem"]["code"].as_str().unwrap())).collect();
    assert_eq!(found, [(3, "validation_failed"), (6, "duplicate_in_file"), (7, "not_found"), (8, "validation_failed")]);
    assert!(blames(&invalid[0]["problem"], "#/certificate_number", "required"), "{}", invalid[0]);
    let read = |certificate: &Value| executive.get(&format!("/v1/tds-certificates/{}", id_of(certificate))).expect(200);
    assert_eq!(read(&first)["seen_amount"], Value::Null, "nothing of it is there yet");
    commit(&executive, &import, "valid_only");
    // 2 of the 20 are not shown, so they are owed again.
    assert_includes(&read(&first), &json!({"status": "short", "seen_amount": "18.00", "seen_on": "2025-03-01", "shortfall": "2.00"}));
    assert_eq!((read(&one)["seen_amount"].clone(), read(&two)["seen_amount"].clone()), (json!("10.00"), json!("20.00")));
    // One line by itself; the newest counts.
    let line = json!({"customer_code": customer["code"], "customer_external_id": whose, "section": "194C", "fiscal_year": "2024-25", "quarter": 4, "amount": "20.00", "seen_on": "2025-03-15"});
    executive.post("/v1/tds-certificates/26as", &with(line.clone(), json!({"customer_id": customer["id"]}))).refused(400, "ambiguous_reference");
    let seen = executive.post("/v1/tds-certificates/26as", &with(line, json!({"customer_code": null}))).expect(200);
    assert_includes(&seen, &json!({"id": first["id"], "status": "accepted", "shortfall": "0.00"}));
    upload(&company.controller(), "type=form_26as", CSV, &fresh(), file.as_bytes()).refused(403, "permission_denied");
    company.assert_laws();
}

#[test]
fn the_same_file_under_the_same_key_is_one_import() {
    let company = Company::new();
    let executive = company.executive();
    let (key, file) = (fresh(), b"external_id,legal_name,kind\nA,Acme,b2c\n");
    let first = upload(&executive, "type=customers", CSV, &key, file).expect(202);
    let again = upload(&executive, "type=customers", CSV, &key, file);
    assert_eq!((again.header("idempotent-replayed"), &again.json()["id"]), (Some("true"), &first["id"]));
    upload(&executive, "type=customers", CSV, &key, b"external_id,legal_name,kind\nB,Acme,b2c\n").refused(422, "idempotency_key_reused");
    finished(&executive, &first);
    assert_eq!(executive.get("/v1/imports?include_total=true").expect(200)["page"]["total"], 1);
    // An import that is stopped is cancelled, or was faster.
    let begun = upload(&executive, "type=customers", CSV, &fresh(), file).expect(202);
    let stopped = executive.post(&format!("/v1/jobs/{}/cancel", id_of(&begun)), &json!({})).status;
    let job = finished(&executive, &begun);
    let status = executive.get(&format!("/v1/imports/{}", id_of(&job))).expect(200)["status"].clone();
    assert!(
        matches!((stopped, job["status"].as_str().unwrap(), status.as_str().unwrap()), (200, "cancelled", "cancelled") | (200 | 409, "succeeded", "validated")),
        "{job} {status}"
    );
    company.assert_laws();
}

#[test]
fn many_rows_come_in_with_progress() {
    let many: usize = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(1_000);
    let company = Company::new();
    let executive = company.executive();
    let mut file = "external_id,legal_name,kind,payment_terms_days\n".to_owned();
    for n in 0..many {
        // Every hundredth is wrong.
        writeln!(file, "C-{n},Customer {n},{},30", if n % 100 == 99 { "b2x" } else { "b2c" }).unwrap();
    }
    let began = std::time::Instant::now();
    let import = validated(&executive, "type=customers", CSV, file.as_bytes());
    let took = began.elapsed();
    assert_includes(&import["rows"], &json!({"total": many, "valid": many - many / 100, "invalid": many / 100}));
    let begun = executive.change("POST", &format!("/v1/imports/{}/commit", id_of(&import)), "*", &json!({"mode": "valid_only"})).expect(202);
    let mut seen = 0;
    let job = until("the job to end", Duration::from_secs(7200), || {
        let job = executive.get(&format!("/v1/jobs/{}?wait_s=1", id_of(&begun))).expect(200);
        let done = job["progress"]["done"].as_u64().unwrap();
        assert!(done >= seen, "progress goes on: {seen} {job}");
        seen = done;
        job["finished_at"].is_string().then_some(job)
    });
    assert_eq!((&job["status"], &job["progress"]), (&json!("succeeded"), &json!({"done": many - many / 100, "total": many - many / 100})));
    println!("{many} rows validated in {took:?}, committed in {:?}", began.elapsed().saturating_sub(took));
    assert_eq!(company.sql("SELECT count(*) AS n FROM customer WHERE company_id = {c}")[0]["n"], json!(many - many / 100));
    company.assert_laws();
}
