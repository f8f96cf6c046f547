//! Generated from the contract: who may call what, and that another company's things do not exist.

use crate::matrix::{Operation, ROLES, asks_for, holds, operations};
use crate::rig::*;
use serde_json::{Value, json};
use std::collections::HashMap;

const NOBODY: &str = "0196f2b1-7c44-7d02-8a11-0c9f3b1e2a77";

#[test]
fn every_operation_is_refused_to_a_role_exactly_when_its_permission_is_not_held() {
    let company = Company::new();
    let mut operations: Vec<Operation> = operations().into_iter().filter(|op| op.permission != "public").collect();
    assert!(operations.len() > 40, "the contract has {} operations", operations.len());
    // Signing out comes last, and from a session of its own.
    operations.sort_by_key(|op| op.path.ends_with("/logout"));
    let mut faults = Vec::new();
    for role in ROLES {
        let client = if role == "integration" { company.as_role(role) } else { company.in_own_session(role) };
        for op in &operations {
            let path = op.path.split('/').map(|part| if part.starts_with('{') { NOBODY } else { part }).collect::<Vec<_>>().join("/");
            let reply = if op.method == "GET" { client.get(&path) } else { client.change(&op.method, &path, "*", &json!({})) };
            let what = format!("{role} {} {} ({}): {} {}", op.method, op.path, op.permission, reply.status, reply.text());
            let held = op.permission == "any" || holds(role, &op.permission) || op.spec["x-approval"] == true && asks_for(role, &op.permission);
            // Auditors confirm balances and make no statements.
            let held = held && (role != "auditor" || op.permission != "statements:run" || op.path.ends_with("/confirm"));
            if reply.status >= 500 || reply.status == 401 || held == (reply.status == 403) {
                faults.push(what);
            } else if !held {
                let read_only = role == "auditor" && op.method != "GET";
                let problem = reply.refused(403, if read_only { "role_read_only" } else { "permission_denied" });
                assert_eq!(problem["required_permission"], op.permission.as_str(), "{what}");
            }
        }
    }
    for op in &operations {
        let path = op.path.replace('{', "x").replace('}', "");
        assert_eq!(Client::anonymous().send(&op.method, &path, &[], None).refusal()["status"], 401, "{} {}", op.method, op.path);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    company.assert_laws();
}

fn write_off_of(customer: &str, document: &Value, amount: &str) -> Value {
    let items = json!([{"target_type": document["object"], "target_id": document["id"], "amount": amount}]);
    json!({"customer_id": customer, "written_off_on": "2025-01-20", "reason": "Customer is insolvent", "items": items})
}

fn adjustment_of(document: &Value) -> Value {
    json!({"target_type": document["object"], "target_id": document["id"], "amount": "-1.00", "adjusted_on": "2025-01-20", "reason": "Rounding agreed"})
}

fn refund_of(source: &Value) -> Value {
    let beneficiary = json!({"name": "Acme Retail Pvt Ltd", "account_number": "50200012345678"});
    json!({"source_type": source["object"], "source_id": source["id"], "amount": "10.00", "reason": "Paid twice", "beneficiary": beneficiary})
}

fn opening_of(customer: &str) -> Value {
    json!({"external_id": fresh(), "customer_id": customer, "number": &fresh()[..12], "document_type": "invoice", "document_date": "2024-02-10", "original_amount": "10.00", "posting_date": "2024-04-01"})
}

fn certificate_of(customer: &str) -> Value {
    json!({"customer_id": customer, "certificate_number": &fresh()[..10], "certificate_date": "2025-01-20", "section": "194C", "fiscal_year": "2024-25", "quarter": 4, "amount": "10.00"})
}

/// A company with one of everything, by the names the contract uses for references to it.
struct Stocked {
    company: Company,
    things: HashMap<&'static str, Value>,
}

impl Stocked {
    fn new() -> Self {
        let company = Company::new();
        let (admin, controller, executive) = (company.as_role("admin"), company.controller(), company.executive());
        let made = |client: &Client, path: &str, body: Value| client.post(path, &body).expect(201);
        let first = |path: &str| controller.get(path).expect(200)["data"][0].clone();
        let customer = made(&executive, "/v1/customers", customer_body());
        let id = id_of(&customer);
        let unidentified = with(receipt_body(&id, "2025-01-15", "50.00"), json!({"customer_id": null, "unidentified": true}));
        let cheque = with(receipt_body(&id, "2025-01-15", "50.00"), json!({"method": "cheque", "cheque_date": "2025-01-18"}));
        let parent = company.customer();
        let invoice = company.invoice(&id, "2025-01-10", "2025-02-09", "1000.00");
        let draft = made(&executive, "/v1/invoices", with(invoice_body(&id, "2025-01-10", "50.00"), json!({"issue": false})));
        let note = |extra: Value| with(note_body(&invoice, "2025-01-12", "1.00"), extra);
        let credit_note = made(&controller, "/v1/credit-notes", note(json!({"apply_to_original": false})));
        let debit_note = made(&controller, "/v1/debit-notes", note(json!({})));
        let credit_draft = made(&executive, "/v1/credit-notes", note(json!({"issue": false})));
        let debit_draft = made(&executive, "/v1/debit-notes", note(json!({"issue": false})));
        let deduction = json!([{"kind": "tds", "section": "194C", "rate": "2", "amount": "10.00"}]);
        let paid = with(receipt_body(&id, "2025-01-15", "500.00"), json!({"allocations": [to_invoice(&invoice, "100.00")], "deductions": deduction}));
        let receipt = made(&executive, "/v1/receipts", paid);
        let old = company.invoice(&id, "2025-01-10", "2025-02-09", "90.00");
        let (write_off, refund) = (write_off_of(&id, &old, "80.00"), refund_of(&receipt));
        let write_off = made(&executive, "/v1/write-offs", write_off);
        decide(&controller, &write_off, "approve").expect(200);
        let adjustment = made(&controller, "/v1/adjustments", adjustment_of(&old));
        let refund = made(&executive, "/v1/refunds", refund);
        decide(&company.another("controller"), &refund, "approve").expect(200);
        let opening = made(&controller, "/v1/opening-items", opening_of(&id));
        let certificate = made(&executive, "/v1/tds-certificates", with(certificate_of(&id), json!({"fiscal_year": "2023-24"})));
        let email = format!("{}@example.test", fresh());
        let user = made(&admin, "/v1/users", json!({"email": email, "name": "Only Here", "roles": ["sales"], "password": "correct horse battery staple 9"}));
        let address = json!({"kind": "shipping", "line1": "7 Brigade Road", "city": "Bengaluru", "state_code": "29", "postal_code": "560001", "country": "IN"});
        let item = json!({"code": fresh(), "name": "Support", "is_service": true, "hsn_code": "998313", "unit_price": "10.00", "tax_rate": "18"});
        let terms = json!({"code": &fresh()[..12], "name": "Ten days", "instalments": [{"share": "100", "days": 10}]});
        let id_in = |value: Value| value["id"].clone();
        let bands = json!({"bands": [{"steps": 2}], "reason": "Board resolution"});
        let approval = controller.change("PUT", "/v1/approval-policies/policies", "*", &bands).expect(200);
        let endpoint = made(&admin, "/v1/webhook-endpoints", json!({"url": "http://127.0.0.1:9/", "event_types": ["period.closed"]}));
        let ping = admin.post(&format!("/v1/webhook-endpoints/{}/test", id_of(&endpoint)), &json!({})).expect(200);
        let event = until("the first event", std::time::Duration::from_secs(60), || {
            controller.get("/v1/events?limit=1").expect(200)["data"].as_array().unwrap().first().cloned()
        });
        let export = controller.post("/v1/exports", &json!({"type": "tds_26as"})).expect(202);
        crate::exports::finished(&controller, &export);
        crate::credit::set_limit(&company, &parent, json!({"amount": "0.00"}));
        let order = |customer: &str| json!({"customer_id": customer, "order_id": fresh(), "amount": "5.00"});
        let check = made(&executive, "/v1/credit-checks", order(&id));
        let held = made(&executive, "/v1/credit-checks", order(&parent));
        let things = [
            ("gstin", json!(company.gstin)),
            ("endpoint_id", id_in(endpoint)),
            ("delivery_id", id_in(ping)),
            ("event_id", id_in(event)),
            ("customer_id", id_in(customer.clone())),
            ("parent_id", json!(parent)),
            ("check_id", id_in(check)),
            ("hold_id", held["hold_id"].clone()),
            ("customer_external_id", customer["external_id"].clone()),
            ("contact_id", id_in(made(&executive, &format!("/v1/customers/{id}/contacts"), json!({"name": "Ravi Iyer"})))),
            ("address_id", id_in(made(&executive, &format!("/v1/customers/{id}/addresses"), address))),
            ("item_id", id_in(made(&executive, "/v1/items", item))),
            ("payment_terms_id", id_in(made(&controller, "/v1/payment-terms", terms))),
            ("gst_registration_id", id_in(first("/v1/gst-registrations"))),
            ("number_series_id", id_in(first("/v1/number-series?document_kind=invoice&fiscal_year=2024-25"))),
            ("credit_note_series_id", id_in(first("/v1/number-series?document_kind=credit_note&fiscal_year=2024-25"))),
            ("debit_note_series_id", id_in(first("/v1/number-series?document_kind=debit_note&fiscal_year=2024-25"))),
            ("credit_note_id", id_in(credit_note)),
            ("debit_note_id", id_in(debit_note)),
            ("credit_note_draft_id", id_in(credit_draft)),
            ("debit_note_draft_id", id_in(debit_draft)),
            ("original_invoice_id", id_in(invoice.clone())),
            ("original_invoice_external_id", invoice["external_id"].clone()),
            ("write_off_id", id_in(write_off)),
            ("adjustment_id", id_in(adjustment)),
            ("refund_id", id_in(refund)),
            ("opening_item_id", id_in(opening)),
            ("certificate_id", id_in(certificate)),
            ("bank_account_id", id_in(first("/v1/bank-accounts"))),
            ("api_client_id", id_in(company.api_client(&["customers:read"]))),
            ("journal_id", invoice["gl_journal_id"].clone()),
            ("account_id", id_in(first("/v1/gl-accounts"))),
            ("revaluation_id", id_in(made(&controller, "/v1/revaluations", json!({"as_of": "2025-01-31"})))),
            ("statement_id", id_in(made(&executive, "/v1/statements", json!({"customer_id": id, "to": "2025-01-31"})))),
            ("credit_appraisal_id", id_in(made(&executive, "/v1/credit-appraisals", json!({"customer_id": parent, "kind": "new"})))),
            ("export_id", export["id"].clone()),
            ("job_id", export["id"].clone()),
            ("allocation_id", id_in(receipt["allocations"][0].clone())),
            ("approval_id", id_in(approval)),
            ("unidentified_id", id_in(made(&executive, "/v1/receipts", unidentified))),
            ("held_id", id_in(made(&executive, "/v1/receipts", cheque))),
            ("payer_id", json!(parent)),
            ("payer_link_id", id_in(made(&executive, &format!("/v1/customers/{id}/payers"), json!({"payer_id": parent, "valid_from": "2025-01-01"})))),
            ("draft_id", id_in(draft)),
            ("receipt_id", id_in(receipt.clone())),
            ("source_id", id_in(receipt.clone())),
            ("source_external_id", receipt["external_id"].clone()),
            ("invoice_id", id_in(invoice.clone())),
            ("target_id", id_in(invoice.clone())),
            ("target_external_id", invoice["external_id"].clone()),
            ("import_id", crate::imports::stocked(&executive)),
            ("user_id", id_in(user.clone())),
            ("salesperson_id", id_in(user.clone())),
            ("collector_id", id_in(user)),
        ];
        Self { things: things.into_iter().collect(), company }
    }

    fn thing(&self, name: &str) -> Value {
        self.things.get(name).cloned().unwrap_or_else(|| panic!("the contract has references called {name}: stock one in this test"))
    }

    /// What fills the parameter after `collection` in a path.
    fn in_collection(&self, collection: &str) -> String {
        let name = match collection {
            "customers" => "customer_id",
            "contacts" => "contact_id",
            "addresses" => "address_id",
            "items" => "item_id",
            "payment-terms" => "payment_terms_id",
            "invoices" | "einvoices" | "evidence" => "invoice_id",
            "credit-notes" => "credit_note_id",
            "debit-notes" => "debit_note_id",
            "receipts" => "receipt_id",
            "write-offs" => "write_off_id",
            "adjustments" => "adjustment_id",
            "refunds" => "refund_id",
            "opening-items" => "opening_item_id",
            "tds-certificates" => "certificate_id",
            "allocations" => "allocation_id",
            "users" => "user_id",
            "api-clients" => "api_client_id",
            "gst-registrations" => "gst_registration_id",
            "number-series" => "number_series_id",
            "bank-accounts" => "bank_account_id",
            "journals" => "journal_id",
            "gl-accounts" => "account_id",
            "revaluations" => "revaluation_id",
            "approvals" => "approval_id",
            "payers" => "payer_link_id",
            "credit-checks" => "check_id",
            "order-holds" => "hold_id",
            "statements" => "statement_id",
            "credit-appraisals" => "credit_appraisal_id",
            "webhook-endpoints" => "endpoint_id",
            "webhook-deliveries" => "delivery_id",
            "events" => "event_id",
            "exports" => "export_id",
            "jobs" => "job_id",
            "imports" => "import_id",
            "gst-returns" => "gstin",
            other => panic!("the contract has ids under /{other}/: stock one in this test"),
        };
        self.thing(name).as_str().unwrap_or_else(|| panic!("{name} is not stocked")).to_owned()
    }

    /// A caller who may do it, so that a 404 is about the thing.
    fn caller(&self, op: &Operation) -> Client {
        let role = ROLES.iter().find(|role| **role != "integration" && (op.permission == "any" || holds(role, &op.permission)));
        role.map_or_else(|| panic!("nobody holds {}", op.permission), |role| self.company.as_role(role))
    }
}

fn body_schema(op: &Operation) -> Option<&'static Value> {
    op.spec.pointer("/requestBody/content/application~1json/schema")
}

/// Where a path names a thing of one company, by an id or a registration. Everything else it names is a word, or a number in the
/// company's own sequence, which another's cannot be.
fn named(op: &Operation, parts: &[&str]) -> Vec<usize> {
    const OWN: [&str; 6] = ["{kind}", "{name}", "{period}", "{seq}", "{size}", "{version}"];
    let names = |at: &usize| {
        let part = parts[*at];
        let foreign = part.ends_with("id}") || part == "{gstin}" && parts[at - 1] == "gst-returns";
        let known = !part.starts_with('{') || OWN.contains(&part) || foreign || op.path.starts_with("/v1/gst/");
        assert!(known, "{} names {part}: say in this test what it is", op.path);
        foreign
    };
    (0..parts.len()).filter(names).collect()
}

/// A path with these things in it.
fn filled(op: &Operation, thing: impl Fn(usize, &str) -> String) -> String {
    let parts: Vec<&str> = op.path.split('/').collect();
    let named = named(op, &parts);
    let fill = |at: usize| {
        if named.contains(&at) {
            thing(at, parts[at - 1])
        } else if parts[at] == "{period}" {
            "2025-01".to_owned()
        } else {
            parts[at].replace(['{', '}'], "")
        }
    };
    let path = (0..parts.len()).map(fill).collect::<Vec<_>>().join("/");
    if path.ends_with("/ledger") { path + "?from=2025-01-01&to=2025-12-31" } else { path }
}

#[test]
fn every_role_meets_every_operation_with_its_own_anothers_and_a_random_id() {
    let (theirs, ours) = (Stocked::new(), Stocked::new());
    let before = theirs.company.fingerprint();
    let operations = operations();
    let concerned = operations.iter().filter(|op| op.permission != "public" && !named(op, &op.path.split('/').collect::<Vec<_>>()).is_empty());
    let concerned: Vec<&Operation> = concerned.collect();
    let (mut seen, mut faults) = (0, Vec::new());
    for role in ROLES {
        let client = ours.company.as_role(role);
        for op in &concerned {
            let body = op.spec.pointer("/requestBody/content/application~1json/example").cloned().unwrap_or_else(|| json!({}));
            let call = |path: &str| if op.method == "GET" { client.get(path) } else { client.change(&op.method, path, "*", &body) };
            let mine = |_: usize, collection: &str| ours.in_collection(collection);
            let own = filled(op, mine);
            let foreign = filled(op, |_, collection| theirs.in_collection(collection));
            let random = filled(op, |_, collection| if collection == "gst-returns" { gstin("29") } else { uuid::Uuid::now_v7().to_string() });
            let held = op.permission == "any" || holds(role, &op.permission) || op.spec["x-approval"] == true && asks_for(role, &op.permission);
            let held = held && (role != "auditor" || op.permission != "statements:run" || op.path.ends_with("/confirm"));
            let mut fault =
                |whose: &str, reply: &Reply| faults.push(format!("{role} {} {} with {whose}: {} {:.200}", op.method, op.path, reply.status, reply.text()));
            if held {
                // Whoever may, learns of others' things what it learns of those that are not.
                for (whose, path) in [("theirs", &foreign), ("a random id", &random)] {
                    let reply = call(path);
                    if reply.status != 404 {
                        fault(whose, &reply);
                    }
                    seen += 1;
                }
                // What is of one's own part of the company only is looked at elsewhere.
                let hidden = crate::matrix::portfolio_only(role, &op.permission)
                    || op.path.contains("{name}")
                    || op.path.starts_with("/v1/jobs") && role != "controller"
                    || op.path.starts_with("/v1/webhook") && role == "integration"
                    || op.path.starts_with("/v1/exports") && role == "admin";
                if op.method == "GET" && !hidden {
                    let reply = call(&own);
                    if reply.status >= 500 || matches!(reply.status, 401 | 403 | 404) {
                        fault("its own", &reply);
                    }
                    seen += 1;
                }
            } else {
                for (whose, path) in [("its own", &own), ("theirs", &foreign), ("a random id", &random)] {
                    let reply = call(path);
                    if reply.status != 403 || reply.json()["required_permission"] != op.permission.as_str() {
                        fault(whose, &reply);
                    }
                    seen += 1;
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 1_500, "only {seen} calls");
    assert_eq!(theirs.company.fingerprint(), before);
    theirs.company.assert_laws();
    ours.company.assert_laws();
}

#[test]
fn another_companys_id_in_a_path_is_not_found_in_every_operation() {
    let (theirs, ours) = (Stocked::new(), Stocked::new());
    let before = theirs.company.fingerprint();
    let (mut seen, mut faults) = (0, Vec::new());
    for op in operations().iter().filter(|op| op.permission != "public") {
        let ids = named(op, &op.path.split('/').collect::<Vec<_>>());
        // Each id in turn is theirs, the others ours.
        for foreign in &ids {
            let path = filled(op, |at, collection| if at == *foreign { &theirs } else { &ours }.in_collection(collection));
            let body = op.spec.pointer("/requestBody/content/application~1json/example").cloned().unwrap_or_else(|| json!({}));
            let client = ours.caller(op);
            let reply = if op.method == "GET" { client.get(&path) } else { client.change(&op.method, &path, "*", &body) };
            if reply.status == 404 {
                reply.refused(404, "not_found");
            } else {
                faults.push(format!("{} {} with {body}: {} {}", op.method, op.path, reply.status, reply.text()));
            }
            seen += 1;
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 15, "only {seen} ids in paths");
    assert_eq!(theirs.company.fingerprint(), before);
    theirs.company.assert_laws();
    ours.company.assert_laws();
}

/// Pointers to every member of a body that refers to something: `…_id`, but not the record's own `external_id`, nor the order
/// of another system.
fn references(schema: &'static Value, at: &str, found: &mut Vec<String>) {
    let mut schema = schema;
    while let Some(target) = schema["$ref"].as_str() {
        schema = CONTRACT.pointer(&target[1..]).expect("a reference within the contract");
    }
    for part in ["oneOf", "anyOf", "allOf"].iter().flat_map(|kind| schema[*kind].as_array().into_iter().flatten()) {
        references(part, at, found);
    }
    if schema.get("items").is_some() {
        references(&schema["items"], &format!("{at}/0"), found);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        if name.ends_with("_id") && name != "external_id" && name != "order_id" {
            found.push(format!("{at}/{name}"));
        }
        references(member, &format!("{at}/{name}"), found);
    }
}

/// Bodies that the operation would accept in this company.
fn valid_bodies(op: &Operation, ours: &Stocked) -> Vec<Value> {
    let customer = ours.thing("customer_id");
    let customer = customer.as_str().unwrap();
    let placed = |amount: &str| json!([{"target_type": "invoice", "target_id": ours.thing("invoice_id"), "amount": amount, "kind": "cash"}]);
    let receipt = with(receipt_body(customer, "2025-01-20", "77.00"), json!({"allocations": placed("10.00"), "gst_advance": {"supply": "services"}}));
    let invoice = invoice_body(customer, "2025-01-20", "10.00");
    let series =
        json!({"gst_registration_id": ours.thing("gst_registration_id"), "document_kind": "invoice", "fiscal_year": "2025-26", "prefix": "EXTRA/", "width": 5});
    match (op.method.as_str(), op.path.as_str()) {
        ("POST", "/v1/customers") => vec![customer_body()],
        ("POST", "/v1/invoices") => vec![invoice.clone(), with(invoice, json!({"issue": false}))],
        ("POST", "/v1/invoices/preview") => vec![invoice],
        ("POST", "/v1/invoices/bulk") => vec![json!({"mode": "per_item", "items": [invoice]})],
        ("POST", "/v1/credit-notes" | "/v1/debit-notes") => {
            let note = note_body(&json!({"id": ours.thing("invoice_id")}), "2025-01-20", "5.00");
            vec![note.clone(), with(note, json!({"issue": false}))]
        }
        ("PATCH", "/v1/invoices/{id}" | "/v1/credit-notes/{id}" | "/v1/debit-notes/{id}") => vec![json!({"lines": [line("10.00", "0")]})],
        ("PATCH", _) => vec![json!({})],
        ("POST", "/v1/write-offs") => vec![write_off_of(customer, &json!({"object": "invoice", "id": ours.thing("invoice_id")}), "10.00")],
        ("POST", "/v1/write-offs/{id}/recover") => vec![json!({"receipt_id": ours.thing("receipt_id"), "amount": "5.00"})],
        ("POST", "/v1/adjustments") => vec![adjustment_of(&json!({"object": "invoice", "id": ours.thing("invoice_id")}))],
        ("POST", "/v1/adjustments/clear-small-balances") => {
            vec![
                json!({"as_of": "2025-02-01", "max_amount": "1.00", "max_total": "5.00", "side": "both", "reason": "Monthly clearing", "customer_id": customer}),
            ]
        }
        ("POST", "/v1/refunds") => vec![refund_of(&json!({"object": "receipt", "id": ours.thing("receipt_id")}))],
        ("POST", "/v1/refunds/{id}/mark-paid") => vec![json!({"utr": fresh(), "paid_on": "2025-01-20", "bank_account_id": ours.thing("bank_account_id")})],
        ("POST", "/v1/opening-items") => vec![opening_of(customer)],
        ("POST", "/v1/opening-items/bulk") => vec![json!({"mode": "per_item", "items": [opening_of(customer)]})],
        ("POST", "/v1/tds-certificates") => {
            vec![with(certificate_of(customer), json!({"deductions": [{"receipt_id": ours.thing("receipt_id"), "line_no": 1}]}))]
        }
        ("POST", "/v1/tds-certificates/26as") => {
            vec![json!({"customer_id": customer, "section": "194C", "fiscal_year": "2023-24", "quarter": 4, "amount": "10.00"})]
        }
        ("POST", "/v1/tds-certificates/{id}/match") => vec![json!({"deductions": [{"receipt_id": ours.thing("receipt_id"), "line_no": 1}]})],
        ("POST", "/v1/receipts") => vec![receipt],
        ("POST", "/v1/receipts/bulk") => vec![json!({"mode": "per_item", "items": [receipt]})],
        ("POST", "/v1/allocations") => {
            vec![json!({"source_type": "receipt", "source_id": ours.thing("receipt_id"), "allocated_on": "2025-01-20", "targets": placed("10.00")})]
        }
        ("POST", "/v1/credit-checks") => vec![json!({"customer_id": customer, "order_id": fresh(), "amount": "5.00"})],
        ("POST", "/v1/credit-checks/{id}/confirm") => vec![json!({"outcome": "billed"})],
        ("POST", "/v1/number-series") => vec![series],
        ("POST", "/v1/credit-appraisals") => vec![json!({"customer_id": customer, "kind": "new", "requested_limit": "10.00"})],
        ("POST", "/v1/statements") => vec![json!({"customer_id": customer, "to": "2025-01-31"})],
        ("POST", "/v1/statements/{id}/confirm") => vec![json!({"result": "agreed", "contact": "R. Iyer"})],
        ("POST", "/v1/statements/bulk") => vec![json!({"mode": "per_item", "items": [{"customer_id": customer, "to": "2025-01-31"}]})],
        ("POST", "/v1/customers/{id}/payers") => vec![json!({"payer_id": ours.thing("payer_id"), "valid_from": "2024-01-01", "valid_to": "2024-12-31"})],
        ("POST", "/v1/receipts/{id}/identify") => {
            vec![json!({"customer_id": customer, "identified_on": "2025-01-20", "allocations": placed("10.00"), "gst_advance": {"supply": "services"}})]
        }
        ("POST", "/v1/receipts/{id}/deposit") => {
            vec![json!({"deposited_on": "2025-01-20", "bank_account_id": ours.thing("bank_account_id"), "allocations": placed("10.00")})]
        }
        ("POST", "/v1/journals") => {
            let lines = json!([{"account_code": "5100", "debit": "10.00"}, {"account_code": "1000", "credit": "10.00"}]);
            vec![json!({"journal_date": "2025-01-20", "narration": "Charges", "lines": lines})]
        }
        ("POST", "/v1/sod-waivers") => {
            vec![json!({"rule": "SOD-02", "user_id": ours.thing("user_id"), "reason": "Two people run the office", "expires_on": today()})]
        }
        (method, path) => panic!("{method} {path} takes references: write a valid body for it in this test"),
    }
}

/// Puts `value` at `pointer` and takes the other way of naming the same thing out.
fn refer(body: &Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    let mut body = body.clone();
    let members = body.pointer_mut(parent).and_then(Value::as_object_mut).unwrap_or_else(|| panic!("the valid body has no {parent}"));
    let stem = name.trim_end_matches("_external_id").trim_end_matches("_id");
    for other in ["_id", "_external_id", "_code"] {
        members.remove(&format!("{stem}{other}"));
    }
    members.insert(name.to_owned(), value);
    body
}

#[test]
fn a_body_that_names_another_companys_thing_is_not_found_in_every_operation() {
    let (theirs, ours) = (Stocked::new(), Stocked::new());
    let (before, mut seen, mut faults) = (theirs.company.fingerprint(), 0, Vec::new());
    for op in operations().iter().filter(|op| op.permission != "public") {
        let mut pointers = Vec::new();
        if let Some(schema) = body_schema(op) {
            references(schema, "", &mut pointers);
        }
        if pointers.is_empty() {
            continue;
        }
        let parts: Vec<&str> = op.path.split('/').collect();
        let draft = match op.path.as_str() {
            "/v1/invoices/{id}" => Some("draft_id"),
            "/v1/receipts/{id}/identify" => Some("unidentified_id"),
            "/v1/receipts/{id}/deposit" => Some("held_id"),
            "/v1/credit-notes/{id}" => Some("credit_note_draft_id"),
            "/v1/debit-notes/{id}" => Some("debit_note_draft_id"),
            _ => None,
        };
        let own = |at: usize| draft.map_or_else(|| ours.in_collection(parts[at - 1]), |name| ours.thing(name).as_str().unwrap().to_owned());
        let path = (0..parts.len()).map(|at| if parts[at].starts_with('{') { own(at) } else { parts[at].to_owned() }).collect::<Vec<_>>().join("/");
        let client = ours.caller(op);
        let call = |body: &Value| match (op.method.as_str(), op.path.ends_with("/preview")) {
            ("POST", false) => client.change("POST", &format!("{path}?validate_only=true"), "*", body),
            ("POST", true) => client.post(&path, body),
            _ => client.change(&op.method, &path, "*", body),
        };
        let status = |reply: &Reply| if reply.status == 207 { reply.json()["items"][0]["status"].as_u64().unwrap() } else { u64::from(reply.status) };
        for valid in valid_bodies(op, &ours) {
            let accepted = call(&valid);
            assert!(matches!(status(&accepted), 200 | 201), "the body to start from is not valid: {} {}: {}", op.method, op.path, accepted.text());
            for pointer in &pointers {
                // A series is one of its kind.
                let name = match (op.path.split('/').nth(2), pointer.rsplit('/').next().unwrap()) {
                    (Some("credit-notes"), "number_series_id") => "credit_note_series_id",
                    (Some("debit-notes"), "number_series_id") => "debit_note_series_id",
                    (_, name) => name,
                };
                // The same reference with our own thing is fine; with theirs there is no such thing.
                for (owner, whose) in [(&ours, "ours"), (&theirs, "theirs")] {
                    let reply = call(&refer(&valid, pointer, owner.thing(name)));
                    if (status(&reply) == 404) != (whose == "theirs") {
                        faults.push(format!(
                            "{} {} (issue: {}) with {whose} at {pointer}: {} {:.300}",
                            op.method,
                            op.path,
                            valid["issue"],
                            reply.status,
                            reply.text()
                        ));
                    }
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 15, "only {seen} references in bodies");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(theirs.company.fingerprint(), before);
    theirs.company.assert_laws();
    ours.company.assert_laws();
}

#[test]
fn lists_reports_and_searches_show_nothing_of_another_company() {
    let (theirs, ours) = (Stocked::new(), Company::new());
    let controller = ours.controller();
    for list in [
        "customers",
        "invoices",
        "credit-notes",
        "debit-notes",
        "receipts",
        "allocations",
        "items",
        "write-offs",
        "adjustments",
        "refunds",
        "opening-items",
        "tds-deductions",
        "tds-certificates",
        "credit-limits",
        "credit-checks",
        "order-holds",
    ] {
        assert_eq!(controller.get(&format!("/v1/{list}?include_total=true")).expect(200)["page"]["total"], 0, "{list}");
    }
    let customer = theirs.thing("customer_id");
    assert_eq!(controller.get(&format!("/v1/invoices?customer_id={}", customer.as_str().unwrap())).expect(200)["data"], json!([]));
    let aging = controller.get("/v1/reports/aging?as_of=2025-03-31").expect(200);
    assert_eq!((&aging["data"], &aging["totals"]["total"]), (&json!([]), &json!("0.00")));
    // A machine's token is bound to its company as well.
    let machine = ours.as_machine(&["invoices:read", "receipts:write"]);
    machine.get(&format!("/v1/invoices/{}", theirs.thing("invoice_id").as_str().unwrap())).refused(404, "not_found");
    let body = receipt_body(customer.as_str().unwrap(), "2025-01-15", "10.00");
    machine.post("/v1/receipts", &body).refused(404, "not_found");
    ours.assert_laws();
}
