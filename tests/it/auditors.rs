//! Auditors: boxed in time, reading everything, changing nothing, and seen while they read.

use crate::rig::*;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse battery staple 9";

/// Somebody invited for a span of days: the answer.
fn invited(company: &Company, span: &Value) -> Value {
    let email = format!("{}@example.test", fresh());
    let new = with(json!({"email": email, "name": "Audit & Co", "roles": ["auditor"], "password": PASSWORD}), span.clone());
    company.as_role("admin").post("/v1/users", &new).expect(201)
}

fn sign_in(company: &Company, user: &Value) -> Reply {
    Client::anonymous().post("/v1/auth/login", &json!({"email": user["email"], "password": PASSWORD, "company_id": company.id}))
}

#[test]
fn access_begins_and_ends_with_its_days() {
    let company = Company::new();
    let admin = company.as_role("admin");
    let (yesterday, tomorrow) = (today().pred_opt().unwrap(), today().succ_opt().unwrap());
    let later = invited(&company, &json!({"valid_from": tomorrow}));
    let over = invited(&company, &json!({"valid_from": "2020-01-01", "valid_to": yesterday}));
    for user in [&later, &over] {
        let problem = sign_in(&company, user).refused(401, "access_not_current");
        let wrong =
            Client::anonymous().post("/v1/auth/login", &json!({"email": user["email"], "password": "not the password at all", "company_id": company.id}));
        assert_ne!(wrong.refused(401, "bad_credentials")["detail"], problem["detail"], "only who knows the password hears of it");
    }
    let now = invited(&company, &json!({"valid_from": today(), "valid_to": today()}));
    assert_includes(&now, &json!({"valid_from": today(), "valid_to": today(), "roles": ["auditor"]}));
    let pair = sign_in(&company, &now).expect(200);
    assert!(pair["expires_in"].as_i64().is_some_and(|seconds| (1..=900).contains(&seconds)), "{pair}");
    let auditor = Client::bearer(pair["access_token"].as_str().unwrap().to_owned());
    auditor.get("/v1/invoices").expect(200);
    // The audit ends early: tokens go within seconds, and there is no way back in.
    let path = format!("/v1/users/{}", id_of(&now));
    admin.change("PATCH", &path, "*", &json!({"valid_to": yesterday})).refused(422, "validation_failed");
    let moved = admin.change("PATCH", &path, "*", &json!({"valid_from": null, "valid_to": yesterday})).expect(200);
    assert_includes(&moved, &json!({"valid_from": null, "valid_to": yesterday}));
    until("the token to be void", std::time::Duration::from_secs(30), || (auditor.get("/v1/invoices").status == 401).then_some(()));
    Client::anonymous().post("/v1/auth/refresh", &json!({"refresh_token": pair["refresh_token"]})).refused(401, "refresh_token_invalid");
    sign_in(&company, &now).refused(401, "access_not_current");
    admin.change("PATCH", &path, "*", &json!({"valid_to": null})).expect(200);
    sign_in(&company, &now).expect(200);
    company.assert_laws();
}

#[test]
fn every_read_of_an_auditor_is_in_the_log_and_nobody_elses_is() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "100.00");
    let user = invited(&company, &json!({}));
    let auditor = Client::bearer(sign_in(&company, &user).expect(200)["access_token"].as_str().unwrap().to_owned());
    company.controller().get(&format!("/v1/invoices/{}", id_of(&invoice))).expect(200);
    auditor.get(&format!("/v1/invoices/{}", id_of(&invoice))).expect(200);
    auditor.get("/v1/customers?limit=5").expect(200);
    auditor.get(&format!("/v1/invoices/{}/pdf", id_of(&invoice)));
    auditor.get("/v1/reports/aging?as_of=2025-01-31").expect(200);
    let entries = auditor.get(&format!("/v1/audit/entries?actor_id={}&action=record.read&limit=200", id_of(&user))).expect(200);
    let read: Vec<(&str, &str)> = entries["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["resource_id"].as_str().unwrap(), entry["detail"]["after"]["path"].as_str().unwrap()))
        .collect();
    let id = id_of(&invoice);
    assert!(read.contains(&(id.as_str(), format!("/v1/invoices/{id}").as_str())), "{read:?}");
    assert!(read.contains(&(company.id.as_str(), "/v1/customers")), "{read:?}");
    assert!(read.contains(&(id.as_str(), format!("/v1/invoices/{id}/pdf").as_str())), "{read:?}");
    assert!(read.contains(&(company.id.as_str(), "/v1/reports/aging")), "{read:?}");
    // Looking at the log is a read as well.
    let again = auditor.get(&format!("/v1/audit/entries?actor_id={}&action=record.read&limit=200", id_of(&user))).expect(200);
    assert_eq!(again["data"].as_array().unwrap().len(), read.len() + 1);
    assert_eq!(entries["data"][0]["detail"]["operation"], "getInvoice");
    let others = company.controller().get("/v1/audit/entries?action=record.read&limit=200").expect(200);
    assert!(others["data"].as_array().unwrap().iter().all(|entry| entry["actor"] == format!("user:{}", id_of(&user))), "{others}");
    // What is refused tells nothing and leaves nothing.
    auditor.get(&format!("/v1/invoices/{}", uuid::Uuid::now_v7())).refused(404, "not_found");
    let after = company.sql("SELECT count(*) AS n FROM audit_event WHERE company_id = {c} AND action = 'record.read'");
    assert_eq!(after, [json!({"n": read.len() + 2})]);
    company.assert_laws();
}

#[test]
fn an_auditor_recomputes_and_exports_but_changes_nothing() {
    let company = Company::new();
    let auditor = company.as_role("auditor");
    let customer = company.customer();
    auditor.post("/v1/audit/verify", &json!({})).expect(200);
    auditor.post("/v1/gst/amount-in-words", &json!({"amount": "118000.00", "currency": "INR"})).expect(200);
    auditor.post("/v1/exports", &json!({"type": "tds_26as"})).expect(202);
    let before = company.fingerprint();
    for (path, body) in [
        ("/v1/customers", customer_body()),
        ("/v1/invoices", invoice_body(&customer, "2025-01-10", "10.00")),
        ("/v1/receipts", receipt_body(&customer, "2025-01-10", "10.00")),
    ] {
        auditor.post(path, &body).refused(403, "role_read_only");
        // Also where it would only be rehearsed, and before anything of the body is judged.
        auditor.post(&format!("{path}?validate_only=true"), &json!({"nonsense": 1})).refused(403, "role_read_only");
    }
    auditor.change("PATCH", &format!("/v1/customers/{customer}"), "*", &json!({"legal_name": "Else"})).refused(403, "role_read_only");
    let ours = |of: &std::collections::BTreeMap<String, String>| {
        of.iter().filter(|(table, _)| !["job", "export", "audit_event"].contains(&table.as_str())).map(|(a, b)| (a.clone(), b.clone())).collect::<Vec<_>>()
    };
    assert_eq!(ours(&company.fingerprint()), ours(&before));
    company.assert_laws();
}

#[test]
fn what_came_from_an_address_is_found_by_it() {
    let company = Company::new();
    company.customer();
    let auditor = company.as_role("auditor");
    let found = |ip: &str| auditor.get(&format!("/v1/audit/entries?action=customer.created&ip={ip}")).expect(200)["data"].as_array().unwrap().clone();
    let here = found("127.0.0.1");
    assert_eq!((here.len(), &here[0]["detail"]["ip"]), (1, &json!("127.0.0.1")));
    assert_eq!((found("::ffff:127.0.0.1").len(), found("203.0.113.7").len(), found("::1").len()), (1, 0, 0));
    for wrong in ["example.com", "1.2.3", "10.0.0.0%2F8", ""] {
        auditor.get(&format!("/v1/audit/entries?ip={wrong}")).refused(400, "invalid_parameter");
    }
    // What a caller wrote is not taken for where it came from.
    let named = with(customer_body(), json!({"legal_name": "\"ip\":\"203.0.113.7\"", "metadata": {"ip": "203.0.113.7"}}));
    company.executive().post("/v1/customers", &named).expect(201);
    assert_eq!((found("127.0.0.1").len(), found("203.0.113.7").len()), (2, 0));
    // The column is that of the body in every entry, those of the service without one, too.
    let rows = company.sql("SELECT count(*) AS n, count(*) FILTER (WHERE ip IS NOT DISTINCT FROM body::json ->> 'ip') AS same, count(*) FILTER (WHERE ip IS NULL) AS none FROM audit_event WHERE company_id = {c}");
    assert_eq!(rows[0]["n"], rows[0]["same"], "{rows:?}");
    company.assert_laws();
}
