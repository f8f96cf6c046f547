//! Months that close: soft, hard, again; while others post; with a snapshot that stays true.

use crate::rig::*;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

fn close(client: &Client, month: &str, level: &str) -> Reply {
    client.change("POST", &format!("/v1/periods/{month}/close"), "*", &json!({"level": level}))
}

/// Opened again by two controllers.
fn reopen(company: &Company, month: &str) {
    let controller = company.controller();
    let asked = controller.change("POST", &format!("/v1/periods/{month}/reopen"), "*", &json!({"reason": "An invoice was missed"})).expect(200);
    assert_eq!(asked["state"], controller.get(&format!("/v1/periods/{month}")).expect(200)["state"]);
    let approval = asked["approval_id"].as_str().expect("a request").to_owned();
    company.another("controller").change("POST", &format!("/v1/approvals/{approval}/approve"), "*", &json!({})).expect(200);
    assert_eq!(company.get(&format!("/v1/periods/{month}"))["state"], "open");
}

fn snapshots(company: &Company, month: &str) -> Vec<Value> {
    company.get(&format!("/v1/periods/{month}/snapshots"))["data"].as_array().expect("snapshots").clone()
}

fn failing(period: &Value) -> Vec<String> {
    let failing = period["checklist"].as_array().expect("a checklist").iter().filter(|item| item["passed"] == false);
    failing.map(|item| item["task"].as_str().expect("a task").to_owned()).collect()
}

#[test]
fn a_soft_closed_month_takes_postings_only_from_the_roles_the_company_names() {
    let company = Company::new();
    let customer = company.customer();
    let (executive, controller, admin) = (company.executive(), company.controller(), company.as_role("admin"));
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    let closed = close(&controller, "2025-01", "soft").expect(200);
    assert_includes(&closed, &json!({"period": "2025-01", "state": "soft_closed", "version": 2, "allowed_actions": ["close", "reopen"]}));
    close(&controller, "2025-01", "soft").refused(409, "invalid_state");
    let receipt =
        |date: &str| executive.post("/v1/receipts", &with(receipt_body(&customer, date, "400.00"), json!({"allocations": [to_invoice(&invoice, "400.00")]})));
    let open_on =
        |date: &str, known_at: &str| company.get(&format!("/v1/customers/{customer}/open-items?as_of={date}&known_at={known_at}"))["totals"]["balance"].clone();

    let before = company.fingerprint();
    let problem = receipt("2025-01-31").refused(409, "period_closed");
    let months: Vec<&str> = problem["open_periods"].as_array().expect("open_periods").iter().map(|month| month.as_str().expect("a month")).collect();
    assert!(months.contains(&"2025-02") && months.contains(&"2024-12") && !months.contains(&"2025-01"), "{months:?}");
    assert!(months.is_sorted(), "{months:?}");
    assert_eq!(company.fingerprint(), before);
    // Who the company names by default may still issue.
    controller.post("/v1/invoices", &invoice_body(&customer, "2025-01-31", "50.00")).expect(201);

    // Named, the executive may too: what January's end is known to be changes now, what it was known to be stays.
    let settings = json!({"settings": {"soft_close_roles": ["ar_executive"]}});
    let changed = admin.change("PATCH", "/v1/company", "*", &settings).expect(200);
    assert_eq!(changed["settings"]["soft_close_roles"], json!(["ar_executive"]));
    let known_then = company.get("/v1/reports/aging?as_of=2025-01-31")["known_at"].as_str().expect("an instant").to_owned();
    receipt("2025-01-31").expect(201);
    controller.post("/v1/invoices", &invoice_body(&customer, "2025-01-31", "50.00")).refused(409, "period_closed");
    assert_eq!(open_on("2025-01-31", &known_then), "1050.00");
    let known_now = company.get("/v1/reports/aging?as_of=2025-01-31")["known_at"].as_str().expect("an instant").to_owned();
    assert_eq!(open_on("2025-01-31", &known_now), "650.00");
    // Nobody is named: nobody posts.
    admin.change("PATCH", "/v1/company", "*", &json!({"settings": {"soft_close_roles": []}})).expect(200);
    receipt("2025-01-31").refused(409, "period_closed");
    receipt("2025-02-01").expect(201);
    company.assert_laws();
}

#[test]
fn a_late_receipt_counts_from_the_first_open_day_and_keeps_its_date() {
    let company = Company::new();
    let customer = company.customer();
    let (executive, controller) = (company.executive(), company.controller());
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    for month in ["2025-01", "2025-02"] {
        close(&controller, month, "hard").expect(200);
    }
    let body = |extra: Value| with(with(receipt_body(&customer, "2025-01-31", "400.00"), json!({"allocations": [to_invoice(&invoice, "400.00")]})), extra);
    executive.post("/v1/receipts", &body(json!({}))).refused(409, "period_closed");
    let late = executive.post("/v1/receipts", &body(json!({"post_late": true}))).expect(201);
    assert_includes(&late, &json!({"receipt_date": "2025-01-31", "posting_date": "2025-03-01", "period": "2025-03"}));
    assert_eq!(late["allocations"][0]["allocated_on"], "2025-03-01");
    let waiting = with(receipt_body(&customer, "2025-02-03", "50.00"), json!({"customer_id": null, "unidentified": true, "post_late": true}));
    assert_eq!(executive.post("/v1/receipts", &waiting).expect(201)["posting_date"], "2025-03-01");
    let open = |day: &str| company.get(&format!("/v1/customers/{customer}/open-items?as_of={day}"))["totals"]["balance"].clone();
    assert_eq!((open("2025-02-28"), open("2025-03-01")), (json!("1000.00"), json!("600.00")));
    // Where the month takes it nothing moves.
    assert_eq!(
        executive.post("/v1/receipts", &with(receipt_body(&customer, "2025-03-05", "5.00"), json!({"post_late": true}))).expect(201)["posting_date"],
        "2025-03-05"
    );
    assert!(crate::journals::broken(&company).is_empty());
    company.assert_laws();
}

#[test]
fn a_hard_close_needs_a_green_checklist_and_names_what_is_in_the_way() {
    let company = Company::new();
    let customer = company.customer();
    let controller = company.controller();
    company.invoice(&customer, "2024-12-10", "2025-02-09", "300.00");
    company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    company.receipt(&customer, "2025-01-20", "10.00", Value::Null);
    let draft = company.executive().post("/v1/invoices", &with(invoice_body(&customer, "2025-01-30", "70.00"), json!({"issue": false}))).expect(201);
    let period = company.get("/v1/periods/2025-01");
    assert_eq!(failing(&period), ["earlier_months_closed", "unapplied_credits", "drafts_of_the_month"], "{period}");
    assert_eq!(period["ready"], false);
    let drafts = period["checklist"].as_array().unwrap().iter().find(|item| item["task"] == "drafts_of_the_month").unwrap();
    assert_eq!((&drafts["blocking"], &drafts["items"][0]["id"]), (&json!(false), &draft["id"]));
    let before = company.fingerprint();
    let problem = close(&controller, "2025-01", "hard").refused(409, "close_blocked");
    let blocking: Vec<&str> = problem["blocking"].as_array().unwrap().iter().map(|item| item["task"].as_str().unwrap()).collect();
    assert_eq!(blocking, ["earlier_months_closed"]);
    assert_eq!(problem["blocking"][0]["items"][0]["id"], "2024-12");
    assert_eq!(company.fingerprint(), before);
    // The month that still runs is not over.
    let running = today().format("%Y-%m").to_string();
    assert!(failing(&company.get(&format!("/v1/periods/{running}"))).contains(&"month_has_ended".to_owned()));

    close(&controller, "2024-12", "hard").expect(200);
    let closed = close(&controller, "2025-01", "hard").expect(200);
    assert_includes(&closed, &json!({"state": "closed", "version": 2, "checklist": [], "ready": false, "allowed_actions": ["reopen"]}));
    assert_eq!(closed["closed_by"], format!("user:{}", company.user_id("controller")));
    for level in ["soft", "hard"] {
        let problem = close(&controller, "2025-01", level).refused(409, "invalid_state");
        assert_eq!((&problem["current"]["status"], &problem["allowed_actions"]), (&json!("closed"), &json!(["reopen"])));
    }
    // Closed is closed, for everybody.
    for client in [&controller, &company.executive()] {
        client.post("/v1/invoices", &invoice_body(&customer, "2025-01-31", "50.00")).refused(409, "period_closed");
    }
    let list = company.get("/v1/periods?state=closed");
    let months: Vec<&str> = list["data"].as_array().unwrap().iter().map(|period| period["period"].as_str().unwrap()).collect();
    assert_eq!(months, ["2025-01", "2024-12"]);
    company.assert_laws();
}

#[test]
fn what_is_not_a_month_or_not_seen_or_not_allowed_is_refused() {
    let company = Company::new();
    let controller = company.controller();
    for unknown in ["2009-12", "2025-13", "202501", "2025-01-01", "x", "0196f2b1-7c44-7d02-8a11-0c9f3b1e2a77"] {
        controller.get(&format!("/v1/periods/{unknown}")).refused(404, "not_found");
        controller.get(&format!("/v1/periods/{unknown}/snapshots")).refused(404, "not_found");
        close(&controller, unknown, "soft").refused(404, "not_found");
    }
    controller.get("/v1/periods/2025-01/snapshots/1").refused(404, "not_found");
    let path = "/v1/periods/2025-01/close";
    controller.post(path, &json!({"level": "soft"})).refused(428, "if_match_required");
    controller.change("POST", path, "\"v2\"", &json!({"level": "soft"})).refused(412, "version_mismatch");
    let problem = controller.change("POST", path, "*", &json!({"level": "half"})).refusal();
    assert!(blames(&problem, "#/level", ""), "{problem}");
    close(&company.executive(), "2025-01", "soft").refused(403, "permission_denied");
    controller.change("POST", "/v1/periods/2025-01/reopen", "*", &json!({"reason": "No need"})).refused(409, "invalid_state");
    // A dry run tells and keeps nothing.
    let before = company.fingerprint();
    let told = controller.change("POST", &format!("{path}?validate_only=true"), "*", &json!({"level": "hard"})).expect(200);
    assert_eq!(told["state"], "closed");
    assert_eq!(company.fingerprint(), before);
    company.assert_laws();
}

#[test]
fn reopening_takes_another_controller_and_a_new_close_another_snapshot() {
    let company = Company::new();
    let customer = company.customer();
    let controller = company.controller();
    company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    close(&controller, "2025-01", "hard").expect(200);
    let first = snapshots(&company, "2025-01");
    assert_eq!(first.len(), 1);
    assert_includes(&first[0], &json!({"version": 1, "as_of": "2025-01-31", "entries": 1, "receivable": "1000.00", "unapplied": "0.00", "recomputes": true}));

    let reason = json!({"reason": "An invoice was missed"});
    let asked = controller.change("POST", "/v1/periods/2025-01/reopen", "\"v2\"", &reason).expect(200);
    assert_eq!(asked["state"], "closed");
    let approval = asked["approval_id"].as_str().expect("a request").to_owned();
    let decide = |client: &Client| client.change("POST", &format!("/v1/approvals/{approval}/approve"), "*", &json!({}));
    decide(&controller).refused(403, "sod_self_approval");
    controller.change("POST", "/v1/periods/2025-01/reopen", "*", &reason).refused(409, "approval_pending");
    company.executive().change("POST", "/v1/periods/2025-01/reopen", "*", &reason).refused(403, "permission_denied");
    controller.post("/v1/invoices", &invoice_body(&customer, "2025-01-20", "5.00")).refused(409, "period_closed");
    let second = company.another("controller");
    decide(&second).expect(200);
    assert_includes(&company.get("/v1/periods/2025-01"), &json!({"state": "open", "version": 3, "closed_by": null, "approval_id": null}));
    company.invoice(&customer, "2025-01-20", "2025-02-19", "5.00");

    // Closed by the second, asked for by the first: who closed does not approve either (SOD-09).
    close(&second, "2025-01", "hard").expect(200);
    let asked = controller.change("POST", "/v1/periods/2025-01/reopen", "*", &reason).expect(200);
    let path = format!("/v1/approvals/{}/approve", asked["approval_id"].as_str().expect("a request"));
    second.change("POST", &path, "*", &json!({})).refused(403, "sod_self_approval");

    let both = snapshots(&company, "2025-01");
    assert_eq!(both.len(), 2);
    assert_includes(&both[0], &json!({"version": 2, "entries": 2, "receivable": "1005.00", "recomputes": true}));
    assert_eq!(both[1], first[0], "the first snapshot is what it was");
    company.assert_laws();
}

#[test]
fn what_was_asked_of_a_softly_closed_month_is_stale_when_it_closes_for_good() {
    let company = Company::new();
    let controller = company.controller();
    close(&controller, "2025-01", "soft").expect(200);
    let asked = controller.change("POST", "/v1/periods/2025-01/reopen", "*", &json!({"reason": "Late invoices"})).expect(200);
    close(&controller, "2025-01", "hard").expect(200);
    let path = format!("/v1/approvals/{}/approve", asked["approval_id"].as_str().expect("a request"));
    company.another("controller").change("POST", &path, "*", &json!({})).refused(409, "approval_stale");
    assert_eq!(company.get("/v1/periods/2025-01")["state"], "closed");
    company.assert_laws();
}

/// Figures by hand: 1,000 due 9 February and 500 due 20 January, 200 paid on the first and 30 waiting.
#[test]
fn a_snapshot_holds_every_account_customer_and_age_and_computes_again_after_any_later_work() {
    let company = Company::new();
    let (customer, controller) = (company.customer(), company.controller());
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    company.invoice(&customer, "2025-01-05", "2025-01-20", "500.00");
    let receipt = company.receipt(&customer, "2025-01-25", "230.00", json!([to_invoice(&invoice, "200.00")]));
    close(&controller, "2025-01", "hard").expect(200);
    let kept = company.get("/v1/periods/2025-01/snapshots/1");
    let content = &kept["content"];
    assert_eq!(content["customers"][0]["customer_id"], customer.as_str());
    let figures = json!({"not_due": "800.00", "1-30": "500.00", "31-60": "0.00", "61-90": "0.00", "91-120": "0.00", "over_120": "0.00"});
    for place in [&content["customers"][0], &content["totals"]] {
        assert_includes(place, &json!({"buckets": figures, "receivable": "1300.00", "unapplied": "30.00", "total": "1270.00"}));
    }
    assert_eq!(content["check"], json!({"documents": "1270.00", "subledger": "1270.00", "gl": "1270.00", "buckets": "1270.00"}));
    let accounts = company.get("/v1/gl-accounts?limit=200");
    let of = |code: &str| {
        let id = accounts["data"].as_array().unwrap().iter().find(|account| account["code"] == code).unwrap()["id"].clone();
        content["accounts"].as_array().unwrap().iter().find(|account| account["account_id"] == id).unwrap().clone()
    };
    assert_includes(&of("1100"), &json!({"opening": "0.00", "debit": "1500.00", "credit": "230.00", "closing": "1270.00"}));
    assert_includes(&of("1000"), &json!({"opening": "0.00", "debit": "230.00", "credit": "0.00", "closing": "230.00"}));
    assert_includes(&of("4000"), &json!({"opening": "0.00", "debit": "0.00", "credit": "1500.00", "closing": "-1500.00"}));

    let known_at = kept["known_at"].as_str().expect("an instant").to_owned();
    let reports = [
        format!("/v1/trial-balance?period=2025-01&known_at={known_at}"),
        format!("/v1/reports/aging?as_of=2025-01-31&known_at={known_at}"),
        format!("/v1/customers/{customer}/open-items?as_of=2025-01-31&known_at={known_at}"),
        "/v1/periods/2025-01/snapshots/1".to_owned(),
    ];
    let bytes = || reports.iter().map(|path| controller.get(path).bytes).collect::<Vec<_>>();
    let before = bytes();
    // Later months, work dated before the closed month, and after a reopening work in it.
    company.invoice(&customer, "2025-02-10", "2025-03-09", "1.00");
    company.invoice(&customer, "2024-11-10", "2024-12-09", "2.00");
    controller
        .post(&format!("/v1/allocations/{}/reverse", id_of(&receipt["allocations"][0])), &json!({"reversed_on": "2025-02-03", "reason": "Wrong"}))
        .expect(201);
    reopen(&company, "2025-01");
    company.invoice(&customer, "2025-01-31", "2025-02-09", "4.00");
    company.executive().change("PATCH", &format!("/v1/customers/{customer}"), "*", &json!({"payment_terms_days": 10})).expect(200);
    assert_eq!(bytes(), before);
    assert_eq!(snapshots(&company, "2025-01")[0]["recomputes"], true);

    // It would notice what was done to the rows, or to itself with its hash.
    let content = |from: &str, to: &str| {
        let changed = format!("replace(content, '{from}', '{to}')");
        format!("UPDATE period_snapshot SET content = {changed}, sha256 = sha256(convert_to({changed}, 'UTF8')) WHERE true")
    };
    let lines = |by: &str| format!("UPDATE journal_line SET base_debit = base_debit {by}, debit = debit {by} WHERE debit > 0");
    for (damage, repair) in [(lines("+ 1"), lines("- 1")), (content("1270.00", "1271.00"), content("1271.00", "1270.00"))] {
        let past_the_guards = |statement: &str| {
            let whole = format!("BEGIN; SET LOCAL session_replication_role = replica; {statement} AND company_id = '{}'; COMMIT", company.id);
            Db::owner().run(&whole).expect(statement);
        };
        past_the_guards(&damage);
        assert_eq!(snapshots(&company, "2025-01")[0]["recomputes"], false, "{damage}");
        assert!(crate::journals::broken(&company).contains(&"every closed month is computed again as it was"), "{damage}");
        past_the_guards(&repair);
    }
    assert_eq!(snapshots(&company, "2025-01")[0]["recomputes"], true);
    assert!(crate::journals::broken(&company).is_empty());
    company.assert_laws();
}

/// Posters keep at it while the month closes; what was answered with 201 is in the snapshot, and nothing else.
#[test]
fn closing_while_others_post_lets_none_slip_in() {
    let company = Company::new();
    let customers: Vec<String> = (0..4).map(|_| company.customer()).collect();
    let (executive, controller) = (company.executive(), company.controller());
    company.invoice(&customers[0], "2025-03-01", "2025-04-01", "1000.00");
    let closed = AtomicBool::new(false);
    let answers = in_parallel(12, 12, |at| {
        if at == 0 {
            // In the midst of it.
            until("some postings", std::time::Duration::from_secs(20), || {
                (company.sql("SELECT id FROM journal_entry WHERE company_id = {c}").len() > 20).then_some(())
            });
            let reply = until("a quiet moment", std::time::Duration::from_secs(30), || {
                let reply = close(&controller, "2025-03", "hard");
                assert!(matches!(reply.status, 200 | 409), "{}", reply.text());
                (reply.status == 200).then_some(reply)
            });
            closed.store(true, Ordering::SeqCst);
            return (reply.json()["state"] == "closed", 0, 0);
        }
        let (mut done, mut refused, mut after) = (0, 0, 0);
        while after < 3 {
            let customer = &customers[(at + done + refused) % 4];
            let was_closed = closed.load(Ordering::SeqCst);
            let reply = match at % 3 {
                0 => executive.post("/v1/invoices", &invoice_body(customer, "2025-03-15", "10.00")),
                1 => executive.post("/v1/receipts", &with(receipt_body(customer, "2025-03-31", "7.00"), json!({"auto_apply": "oldest_first"}))),
                // In another month beside it, which stays open.
                _ => executive.post(
                    "/v1/receipts/bulk",
                    &json!({"mode": "per_item", "items": [receipt_body(customer, "2025-04-02", "3.00"), receipt_body(customer, "2025-03-02", "5.00")]}),
                ),
            };
            match reply.status {
                201 | 207 => {
                    let inside = if reply.status == 201 { true } else { reply.json()["items"][1]["status"] == 201 };
                    assert!(!(was_closed && inside), "posted into a closed month: {}", reply.text());
                    if inside { done += 1 } else { refused += 1 }
                }
                409 if reply.json()["retryable"] == true => {}
                409 => {
                    reply.refused(409, "period_closed");
                    refused += 1;
                }
                _ => panic!("{} {}", reply.status, reply.text()),
            }
            if was_closed {
                after += 1;
            }
        }
        (true, done, refused)
    });
    assert!(answers.iter().all(|(fine, ..)| *fine));
    let done: usize = answers.iter().map(|(_, done, _)| done).sum();
    assert!(answers.iter().skip(1).all(|(.., refused)| *refused > 0), "{answers:?}");
    let snapshot = &snapshots(&company, "2025-03")[0];
    assert_eq!((snapshot["entries"].as_u64(), &snapshot["recomputes"]), (Some(done as u64 + 1), &json!(true)), "{snapshot}");
    let late = company.sql(
        "SELECT e.id FROM journal_entry e JOIN period_snapshot s ON s.company_id = e.company_id WHERE e.company_id = {c} AND e.posting_date BETWEEN '2025-03-01' AND '2025-03-31' AND e.recorded_at > s.known_at",
    );
    assert!(late.is_empty(), "{late:?}");
    company.assert_laws();
}

/// A writer that began before the snapshot was taken cannot add to it afterwards, also not in an earlier month.
#[test]
fn nothing_recorded_before_a_snapshot_appears_after_it() {
    let company = Company::new();
    let customer = company.customer();
    company.invoice(&customer, "2025-03-01", "2025-04-01", "1000.00");
    let mut early = Db::app();
    early.run(&format!("BEGIN; SELECT set_config('app.company_id', '{}', true); SELECT recorded_now()", company.id)).expect("begun");
    close(&company.controller(), "2025-03", "hard").expect(200);
    for day in ["2025-02-10", "2025-03-31"] {
        early.run("SAVEPOINT s").expect("a savepoint");
        let refused = early.run(&format!("SELECT require_open_period('{}', '{day}')", company.id)).expect_err(day);
        assert!(refused.contains("closed"), "{refused}");
        early.run("ROLLBACK TO SAVEPOINT s").expect("back");
    }
    early.run(&format!("SELECT require_open_period('{}', '2025-04-01')", company.id)).expect("later months are not in the snapshot");
    early.run("ROLLBACK").expect("done");
    let mut late = Db::app();
    late.run(&format!("BEGIN; SELECT set_config('app.company_id', '{}', true); SELECT require_open_period('{}', '2025-02-10')", company.id, company.id))
        .expect("a later writer may");
    late.run("ROLLBACK").expect("done");
    company.assert_laws();
}

#[test]
fn the_application_moves_a_period_only_as_it_may() {
    let company = Company::new();
    let mut app = Db::app();
    let before = company.fingerprint();
    for (what, statement) in [
        ("a state", "UPDATE period SET state = 'closed'"),
        ("closed without a snapshot", "SELECT move_period('2025-01-01', 'closed', 1, 'user:me')"),
        ("a snapshot changed", "UPDATE period_snapshot SET entries = 0"),
        (
            "a snapshot that is not what its hash says",
            "INSERT INTO period_snapshot (company_id, id, period_starts_on, version, as_of, known_at, entries, receivable, unapplied, content, sha256, actor)
            SELECT company_id, gen_random_uuid(), starts_on, 1, ends_on, now(), 0, 0, 0, '{}', '\\x00', 'me' FROM period WHERE starts_on = '2025-01-01'",
        ),
    ] {
        assert!(app.commit_in(&company.id, statement).is_err(), "{what} was accepted");
    }
    for statement in ["SELECT move_period('2025-01-01', 'open', 1, 'me')", "SELECT move_period('2025-01-01', 'soft_closed', 2, 'me')"] {
        app.commit_in(&company.id, statement).expect("no such step, nothing moves");
    }
    assert_eq!(company.fingerprint(), before);
    company.assert_laws();
}
