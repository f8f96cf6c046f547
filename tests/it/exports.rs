//! Exports: whole, signed, of one snapshot, in agreement with the ledger; resumed, guarded, refused.

use crate::rig::*;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

/// The end of a job.
#[track_caller]
pub fn finished(client: &Client, job: &Value) -> Value {
    until("a job to be finished", std::time::Duration::from_secs(120), || {
        let now = client.get(&format!("/v1/jobs/{}?wait_s=20", id_of(job))).expect(200);
        (!now["finished_at"].is_null()).then_some(now)
    })
}

/// An export that succeeds: its manifest.
#[track_caller]
pub fn exported(client: &Client, wanted: &Value) -> Value {
    let begun = client.post("/v1/exports", wanted);
    let location = begun.header("location").expect("the address of its job").to_owned();
    let begun = begun.expect(202);
    assert_eq!(location, format!("/v1/jobs/{}", id_of(&begun)));
    let job = finished(client, &begun);
    assert_eq!(job["status"], "succeeded", "{job}");
    assert_eq!(job["result"]["export_id"], begun["id"]);
    client.get(&format!("/v1/exports/{}/manifest", id_of(&begun))).expect(200)
}

fn file(client: &Client, manifest: &Value, name: &str) -> Reply {
    let reply = client.get(&format!("/v1/exports/{}/files/{name}", manifest["export_id"].as_str().unwrap()));
    assert_eq!(reply.status, 200, "{name}: {}", reply.text());
    reply
}

pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Rows of a CSV file by their column names.
fn rows(content: &[u8]) -> Vec<HashMap<String, String>> {
    let mut reader = csv::Reader::from_reader(content);
    let names = reader.headers().expect("a header").clone();
    reader.records().map(|row| names.iter().map(str::to_owned).zip(row.expect("a row").iter().map(str::to_owned)).collect()).collect()
}

fn sum(rows: &[HashMap<String, String>], column: &str) -> Decimal {
    rows.iter().map(|row| if row[column].is_empty() { Decimal::ZERO } else { row[column].parse::<Decimal>().expect("a decimal") }).sum()
}

/// Canonical JSON, written here by itself.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            format!("{{{}}}", sorted.iter().map(|(name, value)| format!("{}:{}", json!(name), canonical(value))).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// Whether a manifest bears the signature of the published key.
pub fn signed(manifest: &Value) -> bool {
    let keys = Client::anonymous().get("/.well-known/jwks.json").expect(200);
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == manifest["signature"]["kid"]).expect("its key is published");
    let public = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(manifest["signature"]["value"].as_str().unwrap()).unwrap();
    let mut covered = manifest.clone();
    covered.as_object_mut().unwrap().remove("signature");
    aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, public).verify(canonical(&covered).as_bytes(), &signature).is_ok()
}

fn control<'m>(manifest: &'m Value, name: &str) -> &'m Value {
    manifest["controls"].as_array().unwrap().iter().find(|control| control["name"] == name).unwrap_or_else(|| panic!("no control {name} in {manifest}"))
}

/// Downloads every file and holds it against the manifest; gives them by name.
fn checked(client: &Client, manifest: &Value) -> BTreeMap<String, Vec<u8>> {
    assert!(signed(manifest), "{manifest}");
    let mut files = BTreeMap::new();
    for listed in manifest["files"].as_array().unwrap() {
        let name = listed["name"].as_str().unwrap();
        let reply = file(client, manifest, name);
        assert_eq!(listed["bytes"], reply.bytes.len(), "{name}");
        let digest = Sha256::digest(&reply.bytes);
        assert_eq!(listed["sha256"], hexadecimal(&digest), "{name}");
        assert_eq!(reply.header("repr-digest"), Some(format!("sha-256=:{}:", STANDARD.encode(digest)).as_str()), "{name}");
        if name.rsplit('.').next() == Some("csv") && listed.get("columns").is_some() {
            let found = rows(&reply.bytes);
            assert_eq!(listed["rows"], found.len(), "{name}");
            for (column, total) in listed["totals"].as_object().into_iter().flatten() {
                assert_eq!(dec(total), sum(&found, column), "{name} {column}");
            }
        }
        files.insert(name.to_owned(), reply.bytes);
    }
    files
}

/// A company with a little of everything; its customer's name looks like a formula.
fn busy() -> (Company, String, Value) {
    let company = Company::new();
    let (executive, controller) = (company.executive(), company.controller());
    let named = with(customer_body(), json!({"legal_name": "=HYPERLINK(\"http://x.test\",\"Acme, \"\"Ltd\"\"\")"}));
    let customer = id_of(&executive.post("/v1/customers", &named).expect(201));
    let taxed =
        with(invoice_body(&customer, "2025-01-10", "1000.00"), json!({"lines": [line("1000.00", "18"), line("250.50", "5")], "due_date": "2025-02-09"}));
    let invoice = executive.post("/v1/invoices", &taxed).expect(201);
    let other = company.invoice(&customer, "2025-02-10", "2025-03-12", "500.00");
    let deduction = json!([{"kind": "tds", "section": "194C", "rate": "2", "amount": "20.00"}]);
    let paid = with(receipt_body(&customer, "2025-02-01", "700.00"), json!({"allocations": [to_invoice(&invoice, "600.00")], "deductions": deduction}));
    executive.post("/v1/receipts", &paid).expect(201);
    controller.post("/v1/credit-notes", &note_body(&other, "2025-02-15", "40.00")).expect(201);
    controller.post("/v1/debit-notes", &note_body(&other, "2025-02-16", "15.00")).expect(201);
    let small = json!({"target_type": "invoice", "target_id": other["id"], "amount": "-1.25", "adjusted_on": "2025-02-20", "reason": "+agreed by phone"});
    controller.post("/v1/adjustments", &small).expect(201);
    // What is not issued (yet) has no number and is in no register.
    executive.post("/v1/invoices", &with(invoice_body(&customer, "2025-02-21", "77.00"), json!({"issue": false}))).expect(201);
    for kind in ["credit-notes", "debit-notes"] {
        let asked = executive.post(&format!("/v1/{kind}"), &note_body(&other, "2025-02-21", "7.00")).expect(201);
        assert_eq!(asked["status"], "pending_approval");
        controller.post(&format!("/v1/{kind}"), &with(note_body(&other, "2025-02-22", "7.00"), json!({"issue": false}))).expect(201);
    }
    (company, customer, invoice)
}

#[test]
fn order_to_cash_is_whole_signed_and_agrees_with_the_ledger() {
    let (company, ..) = busy();
    let auditor = company.as_role("auditor");
    crate::events::feed(&company);
    let manifest = exported(&auditor, &json!({"type": "audit_o2c", "as_of": "2025-03-31", "format": "csv"}));
    assert_includes(
        &manifest,
        &json!({"object": "export_manifest", "manifest_version": 1, "type": "audit_o2c", "as_of": "2025-03-31", "requested_role": "auditor"}),
    );
    assert_eq!(manifest["company"]["id"], company.id.as_str());
    assert_eq!(manifest["format"], json!({"kind": "csv", "encoding": "utf-8", "delimiter": ",", "newline": "\n", "csv_safe": true}));
    let names = [
        "customer_master.csv",
        "invoices_generated.csv",
        "invoice_lines.csv",
        "open_accounts_receivable.csv",
        "cash_received.csv",
        "cash_application.csv",
        "ar_adjustments.csv",
        "gl_detail.csv",
        "trial_balance.csv",
        "chart_of_accounts.csv",
        "users.csv",
    ];
    let listed: Vec<&str> = manifest["files"].as_array().unwrap().iter().map(|file| file["name"].as_str().unwrap()).collect();
    assert_eq!(listed, names);
    let files = checked(&auditor, &manifest);
    let of = |name: &str| rows(&files[&format!("{name}.csv")]);

    // By hand: 1000 + 18 % + 250.50 + 5 % = 1180.00 + 263.03 (12.525 rounds to 12.53); 500; a debit note of 15.
    let invoices = of("invoices_generated");
    assert_eq!(invoices.len(), 3);
    let total = |kind: &str| -> Vec<String> { invoices.iter().filter(|row| row["document_kind"] == kind).map(|row| row["grand_total"].clone()).collect() };
    assert_eq!((total("invoice"), total("debit_note")), (vec!["1443.02".to_owned(), "500.00".to_owned()], vec!["15.00".to_owned()]));
    assert_eq!(sum(&of("invoice_lines"), "taxable_value"), "1765.50".parse().unwrap());
    assert_eq!(of("cash_received")[0]["amount_received"], "700.00");
    assert_eq!(sum(&of("cash_application"), "amount"), sum(&of("cash_application"), "target_base"));
    let adjustments = of("ar_adjustments");
    assert_eq!(adjustments.iter().map(|row| row["amount"].as_str()).collect::<Vec<_>>(), ["-40.00", "-1.25"]);

    // The open items, the control account, and what the service says of them elsewhere are one figure.
    let open = sum(&of("open_accounts_receivable"), "balance");
    let elsewhere = company.get("/v1/reconciliations/ar-gl?as_of=2025-03-31");
    assert_eq!((open, open), (dec(&elsewhere["subledger"]), dec(&elsewhere["gl"])));
    assert_eq!(open, "1196.77".parse().unwrap(), "1443.02 + 500 + 15 - 720 (money and tax deducted) - 40 - 1.25");
    let receivable = control(&manifest, "ar_subledger_equals_gl");
    assert_includes(receivable, &json!({"left": "1196.77", "right": "1196.77", "difference": "0.00", "passed": true}));
    for passed in manifest["controls"].as_array().unwrap() {
        assert_eq!(passed["passed"], true, "{passed}");
    }
    let ledger = of("gl_detail");
    assert_eq!(sum(&ledger, "debit"), sum(&ledger, "credit"));
    let trial = company.get("/v1/trial-balance?as_of=2025-03-31");
    let accounts: Vec<_> = of("trial_balance").iter().map(|row| (row["account_code"].clone(), row["debit"].clone(), row["credit"].clone())).collect();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let expected: Vec<_> =
        trial["data"].as_array().unwrap().iter().map(|row| (text(&row["account_code"]), text(&row["debit"]), text(&row["credit"]))).collect();
    assert_eq!(accounts, expected);
    for (code, debit, credit) in &accounts {
        let moved: Decimal = ledger
            .iter()
            .filter(|row| row["account_code"] == *code)
            .map(|row| row["debit"].parse::<Decimal>().unwrap() - row["credit"].parse::<Decimal>().unwrap())
            .sum();
        assert_eq!(moved, debit.parse::<Decimal>().unwrap() - credit.parse::<Decimal>().unwrap(), "{code}");
    }

    // The feed goes on where the snapshot ends: what was told by then is in it.
    let (snapshot, newest) = (manifest["snapshot"]["event_sequence"].as_i64().unwrap(), company.get("/v1/events?limit=1")["last_sequence"].as_i64().unwrap());
    assert!((1..=newest).contains(&snapshot), "{snapshot} {newest}");
    let told = company.sql(&format!("SELECT recorded_at <= '{}' AS before FROM audit_event WHERE company_id = {{c}} AND id IN (SELECT l.event_id FROM audit_leaf l JOIN event v ON v.company_id = l.company_id AND (v.body::json ->> 'audit_seq')::bigint = l.seq WHERE v.company_id = {{c}} AND v.sequence <= {snapshot})", manifest["snapshot"]["taken_at"].as_str().unwrap()));
    assert!(!told.is_empty() && told.iter().all(|row| row["before"] == true), "{told:?}");

    // What a spreadsheet would run is text.
    let name = "'=HYPERLINK(\"http://x.test\",\"Acme, \"\"Ltd\"\"\")";
    assert_eq!(of("customer_master")[0]["legal_name"], name);
    assert_eq!(adjustments[1]["reason"], "'+agreed by phone");
    company.assert_laws();
}

#[test]
fn a_part_of_the_year_holds_that_part_and_the_balance_stays_whole() {
    let (company, ..) = busy();
    let controller = company.controller();
    let wanted =
        json!({"type": "audit_o2c", "as_of": "2025-02-10", "filters": {"from": "2025-02-01", "to": "2025-02-10", "gstin": [company.gstin]}, "csv_safe": false});
    let manifest = exported(&controller, &wanted);
    let files = checked(&controller, &manifest);
    assert_eq!(manifest["filters"], wanted["filters"]);
    let of = |name: &str| rows(&files[&format!("{name}.csv")]);
    assert_eq!(of("invoices_generated").iter().map(|row| row["grand_total"].as_str()).collect::<Vec<_>>(), ["500.00"]);
    assert!(of("gl_detail").iter().all(|row| row["effective_date"].as_str() >= "2025-02-01" && row["effective_date"].as_str() <= "2025-02-10"));
    // 1443.02 of January is still in it: 1443.02 + 500 - 720.
    assert_eq!(sum(&of("open_accounts_receivable"), "balance"), "1223.02".parse().unwrap());
    assert!(of("customer_master")[0]["legal_name"].starts_with("=HYPERLINK"));
    let other = exported(&controller, &json!({"type": "audit_o2c", "as_of": "2025-03-31", "filters": {"from": "2025-03-01"}}));
    assert_eq!(rows(&checked(&controller, &other)["invoices_generated.csv"]).len(), 0);
    company.assert_laws();
}

#[test]
fn the_three_formats_say_the_same() {
    let (company, ..) = busy();
    let controller = company.controller();
    let wanted = |format: &str| json!({"type": "ar_confirmation", "as_of": "2025-03-31", "format": format, "csv_safe": false});
    let (csv, lines, book) = (exported(&controller, &wanted("csv")), exported(&controller, &wanted("jsonl")), exported(&controller, &wanted("xlsx")));
    let (csv, lines) = (checked(&controller, &csv), checked(&controller, &lines));
    let mut compared = 0;
    for (name, content) in &csv {
        let other = &lines[&name.replace(".csv", ".jsonl")];
        let objects: Vec<Value> = String::from_utf8(other.clone()).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of_csv = rows(content);
        assert_eq!(objects.len(), of_csv.len(), "{name}");
        for (object, row) in objects.iter().zip(&of_csv) {
            for (column, cell) in row {
                let value = match &object[column] {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                assert_eq!(value, *cell, "{name} {column}");
                compared += 1;
            }
        }
    }
    assert!(compared > 50, "only {compared} cells");
    for (name, content) in checked(&controller, &book) {
        assert!(name.rsplit('.').next() == Some("xlsx") && content.starts_with(b"PK"), "{name}");
    }
    assert_eq!(book["files"][0]["totals"], json!({"debit": "1316.77", "credit": "120.00", "balance": "1196.77"}));
    company.assert_laws();
}

#[test]
fn a_download_that_broke_off_goes_on_where_it_stopped() {
    let (company, ..) = busy();
    let auditor = company.as_role("auditor");
    let manifest = exported(&auditor, &json!({"type": "audit_o2c"}));
    let whole = file(&auditor, &manifest, "gl_detail.csv");
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    let etag = whole.header("etag").expect("an ETag").to_owned();
    let path = format!("/v1/exports/{}/files/gl_detail.csv", manifest["export_id"].as_str().unwrap());
    let (mut content, length) = (Vec::new(), whole.bytes.len());
    while content.len() < length {
        let range = format!("bytes={}-{}", content.len(), content.len() + 999);
        // Whoever could take it packed gets it as it is: bytes of the file are counted.
        let headers = [("range", range.as_str()), ("if-range", etag.as_str()), ("accept-encoding", "gzip")];
        let part = auditor.send("GET", &path, &headers, None);
        assert_eq!(part.status, 206, "{}", part.text());
        let end = length.min(content.len() + 1000);
        assert_eq!(part.header("content-range"), Some(format!("bytes {}-{}/{length}", content.len(), end - 1).as_str()));
        assert_eq!(part.header("repr-digest"), whole.header("repr-digest"));
        content.extend(part.bytes);
    }
    assert_eq!(content, whole.bytes);
    let asked = |headers: &[(&str, &str)]| auditor.send("GET", &path, headers, None);
    assert_eq!(asked(&[("range", "bytes=5-"), ("if-range", "\"another\"")]).status, 200);
    assert_eq!(asked(&[("if-none-match", &etag)]).status, 304);
    let beyond = asked(&[("range", &format!("bytes={length}-"))]);
    assert_eq!(beyond.header("content-range"), Some(format!("bytes */{length}").as_str()));
    beyond.refused(416, "range_not_satisfiable");
    for name in ["nothing.csv", "..%2Fmanifest.json", "%2e%2e%2f%2e%2e%2fsigning.key"] {
        auditor.get(&format!("/v1/exports/{}/files/{name}", manifest["export_id"].as_str().unwrap())).refused(404, "not_found");
    }
    // When the files are gone the manifest still is there.
    let shelf = SERVER.dir.join("exports").join(&company.id).join(manifest["export_id"].as_str().unwrap());
    std::fs::remove_dir_all(shelf).expect("the files of this export");
    auditor.get(&path).refused(410, "gone");
    auditor.get(&format!("/v1/exports/{}/manifest", manifest["export_id"].as_str().unwrap())).expect(200);
    company.assert_laws();
}

/// The root of a tree of leaves (RFC 6962 section 2.1).
fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    if let [one] = leaves {
        return *one;
    }
    let half = leaves.len().next_power_of_two() / 2;
    Sha256::digest([&[1][..], &root(&leaves[..half]), &root(&leaves[half..])].concat()).into()
}

#[test]
fn the_edit_log_can_be_recomputed_and_reports_every_day() {
    let (company, ..) = busy();
    let auditor = company.as_role("auditor");
    let manifest = exported(&auditor, &json!({"type": "edit_log"}));
    let files = checked(&auditor, &manifest);
    assert_eq!(files.keys().map(String::as_str).collect::<Vec<_>>(), ["audit_log.jsonl", "checkpoints.json", "log_control_report.csv"]);
    assert_eq!(manifest["audit_chain"]["verified"], true);
    assert_eq!(control(&manifest, "log_and_records_agree")["passed"], true);
    let entries: Vec<Value> = String::from_utf8(files["audit_log.jsonl"].clone()).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // RFC 6962: a leaf is the hash of a zero byte and the text; a node that of a one and its halves.
    let (mut leaves, mut expected) = (Vec::new(), 1);
    for entry in entries.iter().filter(|entry| !entry["seq"].is_null()) {
        assert_eq!(entry["seq"], expected, "no number is missing");
        expected += 1;
        let (body, states) = (entry["body"].as_str().unwrap(), entry["states"].as_str().unwrap());
        let leaf: [u8; 32] = Sha256::digest([b"\0", format!("{body}\n{states}").as_bytes()].concat()).into();
        assert_eq!(entry["leaf_hash"], hexadecimal(&leaf));
        leaves.push(leaf);
    }
    assert_eq!(manifest["audit_chain"]["head"], hexadecimal(&root(&leaves)));
    assert_eq!(manifest["audit_chain"]["to_seq"], leaves.len());
    let heads: Vec<Value> = serde_json::from_slice(&files["checkpoints.json"]).unwrap();
    assert_eq!(heads.last().unwrap()["size"], leaves.len());
    let report = rows(&files["log_control_report.csv"]);
    let events: usize = report.iter().map(|row| row["events"].parse::<usize>().unwrap()).sum();
    assert_eq!(events, entries.len());
    assert!(report.iter().all(|row| row["log_enabled"] == "true" && row["missing_numbers"] == "0"));
    // The export itself is in the log it holds.
    assert!(entries.iter().any(|entry| entry["action"] == "export.requested" && entry["resource_id"] == manifest["export_id"]));
    company.assert_laws();
}

#[test]
fn every_type_is_written_and_holds_what_it_is_for() {
    let (company, customer, _) = busy();
    let controller = company.controller();
    let taken = |wanted: Value| {
        let manifest = exported(&controller, &wanted);
        let files = checked(&controller, &manifest);
        (manifest, files)
    };
    let (manifest, files) = taken(json!({"type": "gst_audit", "as_of": "2025-03-31"}));
    for part in ["documents_issued", "hsn_summary", "einvoice_register", "amendments", "credit_notes", "returns_reconciliation"] {
        assert!(files.contains_key(&format!("{part}.csv")), "{part}");
    }
    let gstr1: Value = serde_json::from_slice(&files[&format!("gstr1_{}_012025.json", company.gstin)]).unwrap();
    assert_eq!(gstr1, company.get(&format!("/v1/gst-returns/{}/2025-01/gstr1", company.gstin))["gstr1"]);
    let note = &rows(&files["credit_notes.csv"])[0];
    assert_eq!(
        (note["last_day_for_tax"].as_str(), note["within_window"].as_str()),
        ("2025-11-30", "true"),
        "an invoice of February 2025: 30 November after March"
    );
    assert!(rows(&files["documents_issued.csv"]).iter().all(|row| row["missing"] == "0"));
    assert_eq!(control(&manifest, "returns_equal_books")["passed"], true);
    // 1000.00 + 250.50 + 500 + 15 - 40
    assert_eq!(sum(&rows(&files["hsn_summary.csv"]), "taxable_value"), "1725.50".parse().unwrap());

    let (_, files) = taken(json!({"type": "tds_26as", "as_of": "2025-03-31"}));
    let deducted = &rows(&files["tds_deductions.csv"])[0];
    assert_eq!(
        (deducted["section"].as_str(), deducted["amount"].as_str(), deducted["fiscal_year"].as_str(), deducted["quarter"].as_str()),
        ("194C", "20.00", "2024", "4")
    );
    assert_eq!(rows(&files["tds_reconciliation.csv"])[0]["not_certified"], "20.00");

    let waiver = json!({"rule": "SOD-02", "user_id": company.user_id("controller"), "reason": "Two people run the office", "expires_on": today()});
    company.as_role("admin").post("/v1/sod-waivers", &waiver).expect(201);
    let (manifest, files) = taken(json!({"type": "sod_report"}));
    assert_eq!(control(&manifest, "sod_waivers_active")["count"], 1);
    assert_eq!(rows(&files["waivers.csv"])[0]["reason"], "Two people run the office");
    assert!(rows(&files["users.csv"]).iter().any(|row| row["email"] == demo_user("controller").0 && row["roles"] == "controller"));
    assert!(rows(&files["approvals.csv"]).iter().all(|row| row["decided_by_requester"] == "false"));
    assert_eq!(rows(&files["conflicts.csv"]).len(), 0);

    let (_, files) = taken(json!({"type": "ar_confirmation", "as_of": "2025-03-31"}));
    let balance = &rows(&files["confirmation_balances.csv"])[0];
    assert_eq!((balance["customer_id"].as_str(), balance["balance"].as_str()), (customer.as_str(), "1196.77"));

    company.api_client(&["customers:read"]);
    let (_, files) = taken(json!({"type": "full", "format": "csv"}));
    for table in ["invoice", "invoice_line", "journal_line", "open_item", "allocation", "customer", "audit_event", "api_client", "export"] {
        let rows = String::from_utf8(files[&format!("{table}.jsonl")].clone())
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .collect::<Vec<_>>();
        // The export itself is recorded when it is done, and so is the end of its job.
        if !matches!(table, "audit_event" | "export") {
            assert_eq!(json!(rows.len()), company.sql(&format!("SELECT count(*) AS n FROM {table} WHERE company_id = {{c}}"))[0]["n"], "{table}");
        }
        assert!(rows.iter().all(|row| row["company_id"] == company.id.as_str()), "{table}");
    }
    for (name, content) in &files {
        let text = String::from_utf8_lossy(content);
        for secret in ["secret_hash", "password_hash", "token_hash"] {
            assert!(!text.contains(&format!("\"{secret}\":")), "{name} holds {secret}");
        }
    }
    company.assert_laws();
}

#[test]
fn who_may_not_read_it_may_not_take_it_away() {
    let company = Company::new();
    let refused = |client: &Client, kind: &str| client.post("/v1/exports", &json!({"type": kind})).refused(403, "permission_denied");
    for role in ["collector", "sales"] {
        assert_eq!(refused(&company.as_role(role), "audit_o2c")["required_permission"], "exports:create");
    }
    for kind in ["edit_log", "sod_report", "full"] {
        assert_eq!(refused(&company.executive(), kind)["required_permission"], "audit:read");
        refused(&company.as_role("integration"), kind);
    }
    assert_eq!(refused(&company.as_role("admin"), "audit_o2c")["required_permission"], "invoices:read");
    exported(&company.as_role("admin"), &json!({"type": "sod_report"}));
    let machine = company.as_machine(&["exports:create", "exports:read"]);
    let manifest = exported(&machine, &json!({"type": "tds_26as"}));
    assert_eq!(manifest["format"]["csv_safe"], false, "machines get text as it is");
    // Of others it is listed, but their job is their own.
    let listed = company.controller().get("/v1/exports?type=tds_26as").expect(200);
    assert_eq!(listed["data"][0]["id"], manifest["export_id"]);
    company.controller().get(&format!("/v1/jobs/{}", manifest["export_id"].as_str().unwrap())).refused(404, "not_found");
    // Nor what others took: neither the list nor the manifest nor the files show it.
    let controller = company.controller();
    let log = exported(&controller, &json!({"type": "edit_log"}));
    let path = format!("/v1/exports/{}", log["export_id"].as_str().unwrap());
    for role in ["ar_executive", "integration"] {
        let client = company.as_role(role);
        for what in ["manifest", "files/audit_log.jsonl"] {
            assert_eq!(client.get(&format!("{path}/{what}")).refused(403, "permission_denied")["required_permission"], "audit:read");
        }
        let listed = client.get("/v1/exports?include_total=true").expect(200);
        assert!(listed["data"].as_array().unwrap().iter().all(|export| export["type"] != "edit_log"), "{listed}");
    }
    assert!(controller.get("/v1/exports?type=edit_log").expect(200)["data"][0]["id"] == log["export_id"]);
    let sales = exported(&controller, &json!({"type": "audit_o2c"}));
    let path = format!("/v1/exports/{}/manifest", sales["export_id"].as_str().unwrap());
    assert_eq!(company.as_role("admin").get(&path).refused(403, "permission_denied")["required_permission"], "invoices:read");
    company.as_role("auditor").get(&path).expect(200);
    company.assert_laws();
}

#[test]
fn what_cannot_be_exported_is_refused_by_name() {
    let company = Company::new();
    let controller = company.controller();
    let tomorrow = today().succ_opt().unwrap();
    let before = company.fingerprint();
    let wrong =
        json!({"type": "audit_o2c", "as_of": tomorrow, "filters": {"from": "2030-01-01", "to": "2029-01-01", "gstin": [company.gstin, "27AAPFU0939F1ZV"]}});
    let problem = controller.post("/v1/exports", &wrong).refused(422, "validation_failed");
    assert!(
        blames(&problem, "#/as_of", "date_in_future")
            && blames(&problem, "#/filters/from", "invalid_value")
            && blames(&problem, "#/filters/gstin/1", "not_found"),
        "{problem}"
    );
    assert!(!blames(&problem, "#/filters/gstin/0", ""), "{problem}");
    controller.post("/v1/exports", &json!({"type": "saft"})).refused(422, "validation_failed");
    controller.post("/v1/exports", &json!({"format": "csv"})).refused(422, "validation_failed");
    controller.post("/v1/exports", &json!({"type": "full", "fields": []})).refused(400, "unknown_field");
    controller.get(&format!("/v1/exports/{}/manifest", uuid::Uuid::now_v7())).refused(404, "not_found");
    let rehearsed = controller.post("/v1/exports?validate_only=true", &json!({"type": "full"})).expect(200);
    controller.get(&format!("/v1/jobs/{}", id_of(&rehearsed))).refused(404, "not_found");
    assert_eq!(company.fingerprint(), before);
    company.assert_laws();
}

#[test]
fn books_that_do_not_agree_are_exported_only_when_asked_for() {
    let (company, ..) = busy();
    let controller = company.controller();
    // Behind the service's back, and back again.
    let item = company.sql("SELECT id FROM open_item WHERE company_id = {c} AND side = 'debit' ORDER BY id LIMIT 1")[0]["id"].clone();
    let shift = |by: &str| {
        let text = format!(
            "BEGIN; SET LOCAL session_replication_role = replica; UPDATE open_item SET base_amount = base_amount {by} WHERE company_id = '{}' AND id = '{}'; COMMIT",
            company.id,
            item.as_str().unwrap()
        );
        Db::owner().run(&text).expect("a superuser may");
    };
    shift("+ 3");
    let begun = controller.post("/v1/exports", &json!({"type": "audit_o2c"})).expect(202);
    let job = finished(&controller, &begun);
    assert_eq!(
        (job["status"].as_str(), job["problem"]["code"].as_str(), job["problem"]["status"].as_u64()),
        (Some("failed"), Some("ar_gl_unreconciled"), Some(409)),
        "{job}"
    );
    assert_eq!(job["problem"]["control"]["difference"], "3.00");
    controller.get(&format!("/v1/exports/{}/manifest", id_of(&begun))).refused(404, "not_found");
    let manifest = exported(&controller, &json!({"type": "audit_o2c", "allow_difference": true}));
    assert_includes(control(&manifest, "ar_subledger_equals_gl"), &json!({"difference": "3.00", "passed": false}));
    shift("- 3");
    company.assert_laws();
}

#[test]
fn the_same_request_twice_is_one_export() {
    let company = Company::new();
    let (controller, key, wanted) = (company.controller(), fresh(), json!({"type": "tds_26as"}));
    let first = controller.post_keyed("/v1/exports", &key, &wanted).expect(202);
    let again = controller.post_keyed("/v1/exports", &key, &wanted);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("location"), Some(format!("/v1/jobs/{}", id_of(&first)).as_str()));
    assert_eq!(again.expect(202)["id"], first["id"]);
    finished(&controller, &first);
    assert_eq!(controller.get("/v1/exports").expect(200)["data"].as_array().unwrap().len(), 1);
    let events = company
        .sql("SELECT action FROM audit_event WHERE company_id = {c} AND object_id = (SELECT id FROM export WHERE company_id = {c}) ORDER BY recorded_at, id");
    let actions: Vec<&str> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["export.requested", "export.ready", "job.succeeded"]);
    company.assert_laws();
}
