//! The chart, journals to read and by hand, and the ledger of an account.

use crate::rig::*;
use duebook::ledger::verify;
use duebook::platform::http::Problem;
use duebook::platform::ids::CompanyId;
use duebook::platform::postgres::Pool;
use duebook::platform::unit_of_work::{Doors, Gate, run_system_read};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// What `duebook verify` finds broken in a company.
pub fn broken(company: &Company) -> Vec<&'static str> {
    let doors = Doors::new(
        Pool::new(&database_url("app_url"), 1).expect("a pool"),
        Gate::new(1, 1),
        Box::new(|_, _| Err(Problem::not_found("principal"))),
        event_key(),
    );
    let id = CompanyId::of(company.id.parse().expect("a uuid"));
    let found = run_system_read(&doors, Some(id), "verify", verify::broken).expect("verified");
    found.into_iter().map(|(law, _)| law).collect()
}

fn account(company: &Company, code: &str) -> Value {
    let found = company.get(&format!("/v1/gl-accounts?code={code}"));
    found["data"][0].clone()
}

fn charges(amount: &str) -> Value {
    let lines = json!([{"account_code": "5100", "debit": amount}, {"account_code": "1000", "credit": amount}]);
    json!({"journal_date": "2025-03-10", "narration": "Charges of the quarter", "lines": lines})
}

fn decide(client: &Client, approval: &Value, verb: &str) -> Reply {
    client.change("POST", &format!("/v1/approvals/{}/{verb}", approval.as_str().expect("a request")), "*", &json!({"reason": "Looked at it"}))
}

/// What a trial balance shows of an account: debits less credits.
fn balance(company: &Company, code: &str, query: &str) -> Decimal {
    let trial = company.get(&format!("/v1/trial-balance?{query}"));
    assert_eq!(trial["totals"]["debit"], trial["totals"]["credit"]);
    let row = trial["data"].as_array().unwrap().iter().find(|row| row["account_code"] == code).cloned();
    row.map_or(Decimal::ZERO, |row| dec(&row["debit"]) - dec(&row["credit"]))
}

#[test]
fn a_journal_by_hand_is_posted_when_another_person_agrees_and_taken_back_by_a_mirror() {
    let company = Company::new();
    let (executive, controller) = (company.executive(), company.controller());
    let second = company.another("controller");
    let asked = executive.post("/v1/journals", &charges("120.50")).expect(201);
    assert_includes(
        &asked,
        &json!({"status": "pending_approval", "number": null, "manual": true, "source_type": "journal", "base_total": "120.50", "version": 1, "allowed_actions": []}),
    );
    assert_eq!((asked["lines"][0]["account_code"].as_str(), asked["lines"][0]["debit"].as_str()), (Some("5100"), Some("120.50")));
    assert_eq!(balance(&company, "5100", "as_of=2025-03-31"), Decimal::ZERO);
    decide(&executive, &asked["approval_id"], "approve").refused(403, "permission_denied");

    decide(&controller, &asked["approval_id"], "approve").expect(200);
    let path = format!("/v1/journals/{}", id_of(&asked));
    let posted = company.get(&path);
    assert_includes(
        &posted,
        &json!({"id": asked["id"], "status": "posted", "number": "JV/24-25/00001", "posted_on": "2025-03-10", "period": "2025-03", "version": 2, "approval_id": null, "allowed_actions": ["reverse"]}),
    );
    assert_eq!(balance(&company, "5100", "period=2025-03"), dec(&json!("120.50")));
    assert_eq!(balance(&company, "1000", "as_of=2025-03-09"), Decimal::ZERO);

    // Its own preparer does not approve it (SOD-07); the reversal waits as well.
    let reversal = json!({"reversed_on": "2025-04-01", "reason": "Posted twice"});
    controller.change("POST", &format!("{path}/reverse"), "\"v1\"", &reversal).refused(412, "version_mismatch");
    let early = controller.change("POST", &format!("{path}/reverse"), "\"v2\"", &with(reversal.clone(), json!({"reversed_on": "2025-03-09"}))).refusal();
    assert!(blames(&early, "#/reversed_on", "before_journal"), "{early}");
    let pending = controller.change("POST", &format!("{path}/reverse"), "\"v2\"", &reversal).expect(200);
    assert_includes(&pending, &json!({"status": "posted", "reversed_by_id": null, "allowed_actions": []}));
    decide(&controller, &pending["approval_id"], "approve").refused(403, "sod_self_approval");
    decide(&second, &pending["approval_id"], "approve").expect(200);
    let reversed = company.get(&path);
    assert_includes(&reversed, &json!({"status": "posted", "version": 3, "allowed_actions": []}));
    let mirror = company.get(&format!("/v1/journals/{}", reversed["reversed_by_id"].as_str().expect("its mirror")));
    assert_includes(
        &mirror,
        &json!({"source_type": "reversal", "source_id": asked["id"], "posted_on": "2025-04-01", "narration": "Posted twice", "base_total": "120.50"}),
    );
    assert_eq!((mirror["lines"][0]["account_code"].as_str(), mirror["lines"][0]["credit"].as_str()), (Some("5100"), Some("120.50")));
    assert_eq!((balance(&company, "5100", "as_of=2025-03-31"), balance(&company, "5100", "as_of=2025-04-01")), (dec(&json!("120.50")), Decimal::ZERO));
    controller.change("POST", &format!("{path}/reverse"), "*", &reversal).refused(409, "already_reversed");

    // A rejected one leaves nothing behind but itself, and takes no number.
    let refused = executive.post("/v1/journals", &charges("9.00")).expect(201);
    decide(&controller, &refused["approval_id"], "reject").expect(200);
    assert_includes(&company.get(&format!("/v1/journals/{}", id_of(&refused))), &json!({"status": "rejected", "number": null}));
    let next = controller.post("/v1/journals", &charges("8.00")).expect(201);
    decide(&controller, &next["approval_id"], "approve").refused(403, "sod_self_approval");
    decide(&second, &next["approval_id"], "approve").expect(200);
    assert_eq!(company.get(&format!("/v1/journals/{}", id_of(&next)))["number"], "JV/24-25/00002");
    assert!(broken(&company).is_empty());
    let gap = |by: &str| {
        Db::owner().run(&format!("BEGIN; SET LOCAL session_replication_role = replica; UPDATE number_series SET next_number = next_number {by} WHERE document_kind = 'journal' AND company_id = '{}'; COMMIT", company.id)).expect("a gap");
    };
    gap("+ 1");
    assert_eq!(broken(&company), ["journal numbers have no gap and no double"]);
    gap("- 1");
    company.assert_laws();
}

#[test]
fn a_large_journal_takes_two_persons() {
    let company = Company::new();
    let controller = company.controller();
    let asked = controller.post("/v1/journals", &charges("1000000.01")).expect(201);
    let (second, third) = (company.another("controller"), company.another("controller"));
    assert_includes(&decide(&second, &asked["approval_id"], "approve").expect(200), &json!({"status": "pending", "steps_required": 2, "steps_done": 1}));
    decide(&second, &asked["approval_id"], "approve").refused(403, "sod_self_approval");
    assert_eq!(balance(&company, "5100", "as_of=2025-03-31"), Decimal::ZERO);
    decide(&third, &asked["approval_id"], "approve").expect(200);
    assert_eq!(balance(&company, "5100", "as_of=2025-03-31"), dec(&json!("1000000.01")));
    company.assert_laws();
}

#[test]
fn a_control_account_takes_a_journal_only_with_a_customer_and_two_controllers() {
    let company = Company::new();
    let (customer, executive, controller) = (company.customer(), company.executive(), company.controller());
    let lines =
        json!([{"account_code": "1100", "customer_id": customer, "debit": "700.00", "due_date": "2025-04-30"}, {"account_code": "5900", "credit": "700.00"}]);
    let body = with(charges("1.00"), json!({"lines": lines, "control_account": true}));
    let before = company.fingerprint();
    let refused = executive.post("/v1/journals", &with(body.clone(), json!({"control_account": false}))).refused(422, "control_account");
    assert!(blames(&refused, "#/lines/0/account_code", "control_account"), "{refused}");
    let without = json!([{"account_code": "1100", "debit": "700.00"}, {"account_code": "5900", "credit": "700.00", "customer_id": customer}]);
    let refused = executive.post("/v1/journals", &with(body.clone(), json!({"lines": without}))).refused(422, "validation_failed");
    assert!(blames(&refused, "#/lines/0/customer_id", "customer_misplaced") && blames(&refused, "#/lines/1/customer_id", "customer_misplaced"), "{refused}");
    assert_eq!(company.fingerprint(), before);

    // Prepared by somebody who is no controller, two must agree.
    let asked = executive.post("/v1/journals", &body).expect(201);
    let second = company.another("controller");
    assert_eq!(decide(&controller, &asked["approval_id"], "approve").expect(200)["steps_required"], 2);
    decide(&second, &asked["approval_id"], "approve").expect(200);
    let open = company.get(&format!("/v1/customers/{customer}/open-items?as_of=2025-03-10"));
    assert_includes(
        &open["data"][0],
        &json!({"document_type": "journal", "document_number": "JV/24-25/00001", "side": "debit", "due_date": "2025-04-30", "open_amount": "700.00"}),
    );
    // Money settles it as any other item, and taking the journal back opens the money again.
    let credit = with(
        body.clone(),
        json!({"lines": [{"account_code": "5900", "debit": "50.00"}, {"account_code": "1100", "customer_id": customer, "credit": "50.00"}]}),
    );
    let asked_credit = controller.post("/v1/journals", &credit).expect(201);
    assert_eq!(decide(&second, &asked_credit["approval_id"], "approve").expect(200)["steps_required"], 1, "a controller and another are two");
    let receipt = executive.post("/v1/receipts", &with(receipt_body(&customer, "2025-03-20", "700.00"), json!({"auto_apply": "oldest_first"}))).expect(201);
    assert_eq!(receipt["allocations"][0]["amount"], "700.00");
    let path = format!("/v1/journals/{}/reverse", id_of(&asked));
    let pending = controller.change("POST", &path, "*", &json!({"reversed_on": "2025-04-02", "reason": "Not owed"})).expect(200);
    decide(&second, &pending["approval_id"], "approve").expect(200);
    let totals = |day: &str| company.get(&format!("/v1/customers/{customer}/open-items?as_of={day}"))["totals"].clone();
    assert_eq!(totals("2025-04-01"), json!({"debit": "0.00", "credit": "50.00", "balance": "-50.00"}));
    assert_eq!(totals("2025-04-02"), json!({"debit": "0.00", "credit": "750.00", "balance": "-750.00"}));
    assert!(broken(&company).is_empty());
    company.assert_laws();
}

#[test]
fn every_fault_of_a_journal_is_named_and_nothing_is_kept() {
    let company = Company::new();
    let controller = company.controller();
    let before = company.fingerprint();
    let post = |extra: Value| controller.post("/v1/journals", &with(charges("10.00"), extra));
    let problem =
        post(json!({"lines": [{"account_code": "5100", "debit": "10.00"}, {"account_code": "1000", "credit": "9.99"}]})).refused(422, "journal_unbalanced");
    assert!(blames(&problem, "#/lines", "journal_unbalanced"), "{problem}");
    let account_id = account(&company, "1000")["id"].clone();
    let lines = json!([
        {"account_code": "5100", "account_id": account_id, "debit": "0.00"}, {"credit": "1.005", "account_code": "1000"},
        {"account_code": "1000"}, {"account_code": "1000", "debit": "1.00", "credit": "1.00", "due_date": "2025-03-09"},
    ]);
    let problem = post(json!({"lines": lines, "journal_date": "2999-01-01"})).refused(422, "validation_failed");
    for (pointer, code) in [
        ("#/journal_date", "date_in_future"),
        ("#/lines/0/account_id", "one_of"),
        ("#/lines/0/debit", "too_small"),
        ("#/lines/1/credit", "amount_precision"),
        ("#/lines/2/debit", "one_of"),
        ("#/lines/3/debit", "one_of"),
    ] {
        assert!(blames(&problem, pointer, code), "{pointer} {code}: {problem}");
    }
    let problem = post(json!({"lines": [{"account_code": "9999", "debit": "1.00"}, {"account_code": "1000", "credit": "1.00"}]})).refused(404, "not_found");
    assert!(blames(&problem, "#/lines/0/account_code", "not_found"), "{problem}");
    assert!(blames(&post(json!({"lines": [{"account_code": "5100", "debit": "1.00"}]})).refusal(), "#/lines", "too_few"));
    assert!(blames(&post(json!({"narration": null})).refusal(), "#/narration", "required"));
    post(json!({"journal_date": "2009-12-31"})).refused(409, "period_closed");
    post(json!({"lines": [{"account_code": "5100", "debit": "99999999999999.00"}, {"account_code": "1000", "credit": "99999999999999.00"}]}))
        .refused(422, "validation_failed");
    company.executive().post("/v1/gl-accounts", &json!({"code": "1", "name": "No", "class": "asset"})).refused(403, "permission_denied");
    assert_eq!(company.fingerprint(), before);
    // A document's entry is taken back through the document.
    let invoice = company.invoice(&company.customer(), "2025-01-10", "2025-02-09", "10.00");
    let entry = invoice["gl_journal_id"].as_str().unwrap();
    let problem = controller.change("POST", &format!("/v1/journals/{entry}/reverse"), "*", &json!({"reason": "Not this one"})).refused(409, "invalid_state");
    assert_includes(&problem["current"], &json!({"source_type": "invoice", "source_id": invoice["id"]}));
    let external = with(charges("1.00"), json!({"external_id": "once"}));
    controller.post("/v1/journals", &external).expect(201);
    controller.post("/v1/journals", &external).refused(409, "duplicate_external_id");
    company.assert_laws();
}

#[test]
fn a_late_journal_goes_to_the_first_day_that_takes_it_and_keeps_its_own() {
    let company = Company::new();
    let (controller, second) = (company.controller(), company.another("controller"));
    for month in ["2025-03", "2025-04"] {
        controller.change("POST", &format!("/v1/periods/{month}/close"), "*", &json!({"level": "hard"})).expect(200);
    }
    controller.post("/v1/journals", &charges("5.00")).refused(409, "period_closed");
    let asked = controller.post("/v1/journals", &with(charges("5.00"), json!({"post_late": true}))).expect(201);
    decide(&second, &asked["approval_id"], "approve").expect(200);
    assert_includes(
        &company.get(&format!("/v1/journals/{}", id_of(&asked))),
        &json!({"journal_date": "2025-03-10", "posted_on": "2025-05-01", "period": "2025-05"}),
    );
    assert_eq!(balance(&company, "5100", "as_of=2025-04-30"), Decimal::ZERO);
    // Closed between the request and the decision: the decision is refused and the request stands.
    let waiting = controller.post("/v1/journals", &with(charges("6.00"), json!({"journal_date": "2025-05-02"}))).expect(201);
    controller.change("POST", "/v1/periods/2025-05/close", "*", &json!({"level": "hard"})).expect(200);
    decide(&second, &waiting["approval_id"], "approve").refused(409, "period_closed");
    assert_eq!(company.get(&format!("/v1/journals/{}", id_of(&waiting)))["status"], "pending_approval");
    company.assert_laws();
}

#[test]
fn the_chart_is_renamed_extended_and_its_roles_handed_over() {
    let company = Company::new();
    let (controller, customer) = (company.controller(), company.customer());
    company.invoice(&customer, "2025-01-10", "2025-02-09", "100.00");
    let patch = |account: &Value, body: Value| controller.change("PATCH", &format!("/v1/gl-accounts/{}", id_of(account)), "*", &body);
    let new = controller.post("/v1/gl-accounts", &json!({"code": "4050", "name": "Export sales", "class": "income"})).expect(201);
    assert_includes(&new, &json!({"code": "4050", "role": null, "is_control": false, "active": true, "version": 1}));
    controller.post("/v1/gl-accounts", &json!({"code": "4050", "name": "Twice", "class": "income"})).refused(409, "duplicate_account_code");
    let revenue = account(&company, "4000");
    patch(&revenue, json!({"code": "4050"})).refused(409, "duplicate_account_code");
    controller.change("PATCH", &format!("/v1/gl-accounts/{}", id_of(&revenue)), "\"v9\"", &json!({"name": "X"})).refused(412, "version_mismatch");
    assert_includes(
        &patch(&revenue, json!({"name": "Domestic sales", "code": "4001"})).expect(200),
        &json!({"name": "Domestic sales", "code": "4001", "role": "revenue", "version": 2}),
    );
    patch(&revenue, json!({"active": false})).refused(409, "account_in_use");
    let expense = account(&company, "5100");
    let bank = account(&company, "1000");
    for (account, role, code) in [(&expense, "revenue", "has_a_role"), (&new, "bank", "class_mismatch")] {
        assert!(blames(&patch(account, json!({"role": role})).refused(422, "validation_failed"), "#/role", code), "{role}");
    }
    // The role goes over; what was posted stays.
    assert_eq!(patch(&new, json!({"role": "revenue"})).expect(200)["role"], "revenue");
    assert_eq!(account(&company, "4001")["role"], Value::Null);
    company.invoice(&customer, "2025-01-11", "2025-02-09", "30.00");
    assert_eq!((balance(&company, "4001", "as_of=2025-01-31"), balance(&company, "4050", "as_of=2025-01-31")), ((-100).into(), (-30).into()));
    // Another control account, which nothing was posted to: both together are what the customers owe.
    let receivables = controller.post("/v1/gl-accounts", &json!({"code": "1105", "name": "Trade debtors", "class": "asset"})).expect(201);
    assert_includes(&patch(&receivables, json!({"role": "receivable"})).expect(200), &json!({"role": "receivable", "is_control": true}));
    company.invoice(&customer, "2025-01-12", "2025-02-09", "5.00");
    assert_eq!((balance(&company, "1100", "as_of=2025-01-31"), balance(&company, "1105", "as_of=2025-01-31")), (130.into(), 5.into()));
    let spare = controller.post("/v1/gl-accounts", &json!({"code": "1999", "name": "Suspense", "class": "asset"})).expect(201);
    assert_eq!(patch(&spare, json!({"active": false})).expect(200)["active"], false);
    let to_spare = with(charges("1.00"), json!({"lines": [{"account_code": "1999", "debit": "1.00"}, {"account_code": "1000", "credit": "1.00"}]}));
    assert!(blames(&controller.post("/v1/journals", &to_spare).refused(422, "validation_failed"), "#/lines/0/account_code", "inactive"));
    assert!(blames(&patch(&bank, json!({"role": "receivable"})).refusal(), "#/role", "has_a_role"));
    company.assert_laws();
}

#[test]
fn the_ledger_of_an_account_runs_from_opening_to_closing_also_over_pages() {
    let company = Company::new();
    let customer = company.customer();
    for (date, amount) in [("2025-01-10", "100.00"), ("2025-01-20", "40.00"), ("2025-01-20", "7.00"), ("2025-02-01", "3.00")] {
        company.invoice(&customer, date, "2025-03-09", amount);
    }
    company.receipt(&customer, "2025-01-20", "60.00", Value::Null);
    let path = format!("/v1/gl-accounts/{}/entries", id_of(&account(&company, "1100")));
    let whole = company.get(&format!("{path}?from=2025-01-11&to=2025-01-31"));
    assert_includes(&whole, &json!({"account_code": "1100", "opening_balance": "100.00", "closing_balance": "87.00"}));
    let rows = whole["data"].as_array().unwrap().clone();
    let column = |rows: &[Value], name: &str| rows.iter().map(|row| row[name].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(column(&rows, "balance"), ["140.00", "147.00", "87.00"]);
    assert_eq!(
        (rows[2]["document_type"].as_str(), rows[2]["credit"].as_str(), rows[2]["customer_id"].as_str()),
        (Some("receipt"), Some("60.00"), Some(customer.as_str()))
    );
    // In pages, either way round, the balances are the same.
    for sort in ["date", "-date"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = company.get(&format!("{path}?from=2025-01-11&to=2025-01-31&limit=1&sort={sort}{cursor}"));
            assert_includes(&page, &json!({"opening_balance": "100.00", "closing_balance": "87.00"}));
            seen.extend(page["data"].as_array().unwrap().clone());
            let Some(next) = page["page"]["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={}", encoded(next));
        }
        if sort == "-date" {
            seen.reverse();
        }
        assert_eq!(seen, rows, "{sort}");
    }
    let other = format!("/v1/gl-accounts/{}/entries", id_of(&account(&company, "4000")));
    let cursor = company.get(&format!("{path}?limit=1"))["page"]["next_cursor"].as_str().unwrap().to_owned();
    company.controller().get(&format!("{other}?limit=1&cursor={}", encoded(&cursor))).refused(400, "cursor_mismatch");
    company.controller().get(&format!("{path}?from=2025-02-01&to=2025-01-01")).refused(400, "invalid_parameter");
    company.controller().get(&format!("{path}?as_of=2025-02-01&to=2025-01-01")).refused(400, "invalid_parameter");
    assert_eq!(company.get(&format!("{path}?as_of=2025-01-31"))["closing_balance"], "87.00");
    company.assert_laws();
}

#[test]
fn journals_are_found_by_what_they_are() {
    let company = Company::new();
    let (customer, controller) = (company.customer(), company.controller());
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "100.00");
    company.receipt(&customer, "2025-02-10", "60.00", Value::Null);
    let asked = controller.post("/v1/journals", &charges("5.00")).expect(201);
    let found = |query: &str| {
        let page = company.get(&format!("/v1/journals?{query}"));
        page["data"].as_array().unwrap().iter().map(|journal| journal["source_type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found(""), ["journal", "receipt", "invoice"], "newest first");
    assert_eq!(found("manual=true&status=pending_approval"), ["journal"]);
    assert_eq!(found("manual=false&period=2025-01"), ["invoice"]);
    assert_eq!(found("source_type=receipt,invoice&sort=posted_on"), ["invoice", "receipt"]);
    assert_eq!(found(&format!("source_id={}", invoice["id"].as_str().unwrap())), ["invoice"]);
    assert_eq!(found(&format!("account_id={}", account(&company, "1000")["id"].as_str().unwrap())), ["receipt"]);
    assert_eq!(found("posted_on_gte=2025-01-11&posted_on_lte=2025-02-10"), ["receipt"]);
    assert!(found("reversed=true").is_empty());
    let entry = company.get(&format!("/v1/journals/{}", invoice["gl_journal_id"].as_str().unwrap()));
    assert_includes(
        &entry,
        &json!({"id": invoice["gl_journal_id"], "number": invoice["number"], "currency": "INR", "exchange_rate": "1", "base_total": "100.00", "manual": false, "allowed_actions": []}),
    );
    let sides: Decimal = entry["lines"].as_array().unwrap().iter().map(|line| dec(&line["base_debit"]) - dec(&line["base_credit"])).sum();
    assert_eq!((sides, entry["lines"][0]["customer_id"].as_str()), (Decimal::ZERO, Some(customer.as_str())));
    controller.get(&format!("/v1/journals/{}", uuid::Uuid::now_v7())).refused(404, "not_found");
    assert_eq!(company.get(&format!("/v1/journals/{}", id_of(&asked)))["lines"][1]["account_code"], "1000");
    company.assert_laws();
}

#[test]
fn the_account_of_the_register_of_advances_is_posted_to_by_nobody_else() {
    let company = Company::new();
    let customer = company.customer();
    let new = |code: &str| {
        let body = json!({"code": code, "name": format!("Asset {code}"), "class": "asset"});
        company.controller().post("/v1/gl-accounts", &body).expect(201)
    };
    let take = |account: &Value| {
        let path = format!("/v1/gl-accounts/{}", id_of(account));
        company.controller().change("PATCH", &path, "*", &json!({"role": "gst_on_advances"}))
    };
    take(&new("1226")).expect(200);
    let services = json!({"gst_advance": {"supply": "services", "tax_rate": "18"}});
    company.executive().post("/v1/receipts", &with(receipt_body(&customer, "2025-01-16", "118.00"), services)).expect(201);
    assert_eq!(balance(&company, "1226", "as_of=2025-01-31"), Decimal::from(18));

    let lines = json!([{"account_code": "1226", "debit": "10.00"}, {"account_code": "5100", "credit": "10.00"}]);
    let refused = company.controller().post("/v1/journals", &with(charges("1.00"), json!({"lines": lines}))).refused(422, "validation_failed");
    assert!(blames(&refused, "#/lines/0/account_code", "kept_by_register"), "{refused}");
    let moved = take(&new("1227")).refused(422, "validation_failed");
    assert!(blames(&moved, "#/role", "posted_to"), "{moved}");

    assert_eq!(broken(&company), Vec::<&str>::new());
    let mut owner = Db::owner();
    let mut retag = |from: &str, to: &str| {
        let update = format!("UPDATE journal_entry SET document_kind = '{to}' WHERE document_kind = '{from}' AND company_id = '{}'", company.id);
        owner.run(&format!("BEGIN; SET LOCAL session_replication_role = replica; {update}; COMMIT")).expect("damage");
    };
    retag("gst_advance", "journal");
    assert!(broken(&company).contains(&"nothing but the register of advances posts to its account"), "{:?}", broken(&company));
    retag("journal", "gst_advance");
    company.assert_laws();
}
