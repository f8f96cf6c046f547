//! What a hostile session under the application's role, a crowd, or a far-away date must not achieve.

use crate::rig::*;
use serde_json::{Value, json};
use std::time::Duration;

/// A company with an issued invoice of 1,000 that nobody paid, and its customer.
fn billed() -> (Company, String, Value) {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    (company, customer, invoice)
}

#[test]
fn settings_of_the_session_do_not_blind_the_guards() {
    let (company, customer, invoice) = billed();
    let (id, entry) = (company.id.clone(), invoice["gl_journal_id"].as_str().expect("posted").to_owned());
    let invoice_id = id_of(&invoice);
    let account = company.sql("SELECT id FROM gl_account WHERE company_id = {c} AND role = 'bank'")[0]["id"].as_str().expect("a bank").to_owned();
    let other = Company::new().id;
    let line = |n: u32| {
        format!(
            "('{id}', '{entry}', {n}, '{account}', '2025-01-10', 777, 0, 777, 0), ('{id}', '{entry}', {}, '{account}', '2025-01-10', 0, 777, 0, 777)",
            n + 1
        )
    };
    let late = format!(
        "INSERT INTO journal_line (company_id, entry_id, line_no, account_id, posting_date, debit, credit, base_debit, base_credit) VALUES {}",
        line(90)
    );
    let hide = format!("RETURNING set_config('app.company_id', '{other}', true)");
    let somebody = "SELECT set_config('app.portfolio', gen_random_uuid()::text, true)";
    let fresh_entry = fresh();
    let header = format!(
        "INSERT INTO journal_entry (company_id, id, document_kind, document_id, document_number, document_date, posting_date, currency, exchange_rate, line_count, actor)
         VALUES ('{id}', '{fresh_entry}', 'invoice', '{fresh_entry}', 'X', '2025-01-10', '2025-01-10', 'INR', 1, 2, 'x')"
    );
    let two_lines = format!(
        "INSERT INTO journal_line (company_id, entry_id, line_no, account_id, customer_id, posting_date, debit, credit, base_debit, base_credit)
         VALUES ('{id}', '{fresh_entry}', 1, '{account}', '{customer}', '2025-01-10', 5, 0, 5, 0), ('{id}', '{fresh_entry}', 2, '{account}', '{customer}', '2025-01-10', 0, 5, 0, 5),
                ('{id}', '{fresh_entry}', 3, '{account}', NULL, '2025-01-10', 1000000, 0, 1000000, 0)"
    );
    let item = format!(
        "INSERT INTO open_item (company_id, id, customer_id, entry_id, document_kind, document_id, document_number, side, currency, amount, base_amount, document_date, posting_date, due_date, original_due_date)
         VALUES ('{id}', gen_random_uuid(), '{customer}', '{entry}', 'invoice', '{invoice_id}', 'X', 'debit', 'INR', 5, 5, '2025-01-10', '2025-01-10', '2025-01-10', '2025-01-10')"
    );
    let attacks = [
        ("lines on a posted entry, hidden by another company", format!("{late} {hide}")),
        ("lines on a posted entry, hidden by a portfolio", format!("{somebody}; {late}")),
        ("an entry whose third line a portfolio hides", format!("{header}; {two_lines}; SELECT set_config('app.portfolio', gen_random_uuid()::text, true)")),
        ("lines of an issued invoice deleted behind a portfolio", format!("{somebody}; DELETE FROM invoice_line WHERE invoice_id = '{invoice_id}'")),
        ("an item on a posted entry", item),
        ("an entry recorded in the past", header.replacen("actor)", "actor, recorded_at)", 1).replacen("'x')", "'x', '2020-01-01')", 1)),
        (
            "an event in an old transaction",
            format!(
                "INSERT INTO audit_event (company_id, id, action, object, object_id, actor, request_id, body, xid) VALUES ('{id}', gen_random_uuid(), 'a', 'a', '{invoice_id}', 'a', 'a', '{{}}', '3')"
            ),
        ),
        ("a cancellation without its entry", format!("UPDATE invoice SET status = 'cancelled' WHERE id = '{invoice_id}'")),
        (
            "an issued copy on another's entry",
            format!(
                "INSERT INTO invoice SELECT (jsonb_populate_record(i, jsonb_build_object('id', gen_random_uuid(), 'number', 'FAKE1', 'external_id', NULL))).* FROM invoice i WHERE i.id = '{invoice_id}'"
            ),
        ),
        ("numbers skipped", "UPDATE number_series SET next_number = next_number + 100".to_owned()),
        ("one number skipped", "UPDATE number_series SET next_number = next_number + 1".to_owned()),
        ("a period closed or opened", "UPDATE period SET state = 'closed'".to_owned()),
    ];
    let before = company.fingerprint();
    for (what, statements) in attacks {
        assert!(Db::app().commit_in(&id, &statements).is_err(), "{what} was accepted");
        assert_eq!(company.fingerprint(), before, "{what}");
    }
    company.assert_laws();
}

#[test]
fn closing_a_period_waits_for_postings_in_flight() {
    let (company, ..) = billed();
    let mut posting = Db::app();
    posting
        .run(&format!("BEGIN; SELECT set_config('app.company_id', '{}', true); SELECT require_open_period('{}', '2025-03-05')", company.id, company.id))
        .expect("in flight");
    let mut closer = Db::owner();
    let close = format!("SET lock_timeout = '300ms'; UPDATE period SET state = 'closed' WHERE company_id = '{}' AND starts_on = '2025-03-01'", company.id);
    assert!(closer.run(&close).expect_err("must wait").contains("lock timeout"));
    posting.run("COMMIT").expect("posted");
    closer.run(&close).expect("nothing is in flight now");
    let found = company.controller().post("/v1/audit/verify", &json!({})).expect(200);
    assert_eq!(found["findings"][0]["record"], "period", "closed behind the service's back: {found}");
    closer.run(&close.replace("'closed'", "'open'")).expect("as it was");
    company.assert_laws();
}

#[test]
fn a_report_names_no_instant_at_which_a_writer_was_still_at_work() {
    let (company, ..) = billed();
    let path = "/v1/reports/aging?as_of=2025-06-30";
    let told = |path: &str| company.get(path)["known_at"].as_str().expect("an instant").to_owned();
    let mut writer = Db::app();
    writer.run(&format!("BEGIN; SELECT set_config('app.company_id', '{}', true); SELECT now()", company.id)).expect("begun");
    // It has begun, but recorded nothing: what it will record is later than what is told now.
    let first = told(path);
    let records = writer.rows("SELECT to_char(recorded_now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') AS at")[0]["at"]
        .as_str()
        .expect("an instant")
        .to_owned();
    assert!(first.trim_end_matches('Z') < records.as_str(), "{first} is not before {records}");
    let known = told(path);
    assert!(known.trim_end_matches('Z') < records.as_str() && known >= first, "{known} is not between {first} and {records}");
    assert_eq!(told(&format!("{path}&known_at={first}")), first, "what was told stands");
    writer.run("COMMIT").expect("done");
    let later = until("a later instant", Duration::from_secs(5), || Some(told(path)).filter(|known_at| known_at.trim_end_matches('Z') > records.as_str()));
    assert!(later > known);
    company.assert_laws();
}

#[test]
fn rows_beyond_the_two_hundredth_fault_are_judged_too() {
    let (company, customer, _) = billed();
    let bad = with(receipt_body(&customer, "2025-01-20", "10.00"), json!({"payer_name": "x".repeat(5_000)}));
    let mut items = vec![bad; 203];
    items.push(receipt_body(&customer, "2025-01-20", "11.00"));
    let reply = company.executive().post("/v1/receipts/bulk", &json!({"mode": "per_item", "items": items})).expect(207);
    assert_eq!((&reply["summary"]["failed"], &reply["summary"]["succeeded"]), (&json!(203), &json!(1)));
    assert!(reply["items"].as_array().expect("rows").iter().take(203).all(|row| row["status"] == 422 && blames(&row["problem"], "#/payer_name", "too_long")));
    assert_eq!(company.sql("SELECT id FROM receipt WHERE company_id = {c}").len(), 1);
    company.assert_laws();
}

#[test]
fn what_is_shown_once_is_not_kept_for_replays() {
    let company = Company::new();
    let (admin, key) = (company.as_role("admin"), fresh());
    let body = json!({"name": "Connector", "scopes": ["receipts:write"]});
    let first = admin.post_keyed("/v1/api-clients", &key, &body).expect(201);
    let secret = first["client_secret"].as_str().expect("shown once").to_owned();
    let again = admin.post_keyed("/v1/api-clients", &key, &body).expect(201);
    assert_eq!((&again["id"], again.get("client_secret")), (&first["id"], None));
    let kept = company
        .sql("SELECT reply FROM idempotency_key WHERE company_id = {c}")
        .into_iter()
        .chain(company.sql("SELECT body FROM audit_event WHERE company_id = {c}"));
    assert!(kept.into_iter().all(|row| !row.to_string().contains(&secret)));
    company.assert_laws();
}

#[test]
fn far_away_dates_and_amounts_are_refused_with_a_reason() {
    let (company, customer, _) = billed();
    let before = company.fingerprint();
    let executive = company.executive();
    executive.post("/v1/receipts", &receipt_body(&customer, "0001-01-01", "10.00")).refused(409, "period_closed");
    executive.post("/v1/invoices", &with(invoice_body(&customer, "0001-01-01", "10.00"), json!({"issue": true}))).refused(409, "period_closed");
    executive.post("/v1/receipts", &receipt_body(&customer, "9999-12-31", "10.00")).refused(422, "date_in_future");
    let most = "9999999999999.00";
    let both = with(receipt_body(&customer, "2025-01-20", most), json!({"deductions": [{"kind": "tds", "amount": most}]}));
    executive.post("/v1/receipts", &both).refused(422, "validation_failed");
    assert_eq!(company.fingerprint(), before);
    executive.post("/v1/receipts", &receipt_body(&customer, "2025-01-20", most)).expect(201);
    let overflow = executive.post("/v1/receipts", &receipt_body(&customer, "2025-01-21", most)).refusal();
    assert_eq!(overflow["status"], 422, "{overflow}");
    for report in ["/v1/reports/aging", "/v1/trial-balance", "/v1/reconciliations/ar-gl", &format!("/v1/customers/{customer}/open-items")] {
        for instant in ["-4713-01-01", "-262143-01-01", "%2B262142-12-31T23:59:59Z", "0000-00-00", "1899-12-31", "now", "%00"] {
            for axis in ["as_of", "known_at"] {
                let reply = company.controller().get(&format!("{report}?{axis}={instant}"));
                assert_eq!(reply.status, 400, "{report} {axis}={instant}: {}", reply.text());
            }
        }
    }
    company.assert_laws();
}

#[test]
fn a_series_that_would_shadow_another_is_refused() {
    let company = Company::new();
    let controller = company.controller();
    let registration = company.get("/v1/gst-registrations")["data"][0]["id"].clone();
    let series =
        |prefix: &str| json!({"gst_registration_id": registration, "document_kind": "invoice", "fiscal_year": "2024-25", "prefix": prefix, "width": 3});
    controller.post("/v1/number-series", &series("MH/24-25/")).refused(422, "validation_failed");
    controller.post("/v1/number-series", &series("A0")).refused(422, "validation_failed");
    controller.post("/v1/number-series", &series("A")).expect(201);
    controller.post("/v1/number-series", &series("A")).refused(409, "duplicate_series");
    company.assert_laws();
}

#[test]
fn a_refresh_into_a_strangers_company_uses_nothing_up() {
    let company = Company::new();
    let (email, password) = demo_user("collector");
    let pair = log_in(&email, &password, &company.id);
    let refresh = |company_id: &str| Client::anonymous().post("/v1/auth/refresh", &json!({"refresh_token": pair["refresh_token"], "company_id": company_id}));
    refresh(&uuid::Uuid::now_v7().to_string()).refused(401, "refresh_token_invalid");
    refresh(&company.id).expect(200);
    company.assert_laws();
}

#[test]
fn nobody_renames_a_person_of_several_companies() {
    let company = Company::new();
    let admin = company.as_role("admin");
    let person = company.user_id("sales");
    admin.change("PATCH", &format!("/v1/users/{person}"), "*", &json!({"name": "Mallory"})).refused(409, "invalid_state");
    let made = admin.post("/v1/users", &json!({"email": format!("{}@own.example", fresh()), "name": "Own Person", "roles": ["collector"]})).expect(201);
    let renamed = admin.change("PATCH", &format!("/v1/users/{}", id_of(&made)), "*", &json!({"name": "Own Name"})).expect(200);
    assert_eq!(renamed["name"], "Own Name");
    company.assert_laws();
}
