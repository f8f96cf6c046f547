//! Who gets in, for how long, and how far.

use crate::rig::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::time::Duration;

const PASSWORD: &str = "correct horse battery staple 9";
/// Revocations are promised within two seconds; one more for a busy machine.
const SOON: Duration = Duration::from_secs(3);

/// A new person in the company: record and e-mail.
fn person(company: &Company, roles: &[&str]) -> (Value, String) {
    let email = format!("{}@example.test", fresh());
    let made = company.as_role("admin").post("/v1/users", &json!({"email": email, "name": "Some Body", "roles": roles, "password": PASSWORD})).expect(201);
    (made, email)
}

fn sign_in(company: &Company, email: &str) -> (Client, String) {
    let pair = log_in(email, PASSWORD, &company.id);
    (Client::bearer(pair["access_token"].as_str().unwrap().to_owned()), pair["refresh_token"].as_str().unwrap().to_owned())
}

fn refresh(token: &str) -> Reply {
    Client::anonymous().post("/v1/auth/refresh", &json!({"refresh_token": token}))
}

/// Waits until the token is refused.
fn ends_soon(client: &Client, why: &str) {
    until(why, SOON, || (client.get("/v1/me").status == 401).then_some(()));
    client.get("/v1/me").refused(401, "token_invalid");
}

#[test]
fn a_wrong_password_and_an_unknown_user_get_the_same_answer() {
    let company = Company::new();
    let (_, email) = person(&company, &["collector"]);
    let attempt = |email: &str, password: &str| {
        Client::anonymous().post("/v1/auth/login", &json!({"email": email, "password": password})).refused(401, "bad_credentials")
    };
    let sameness = |mut problem: Value| {
        problem["request_id"].take();
        problem
    };
    let nobody = format!("{}@example.test", fresh());
    assert_eq!(sameness(attempt(&email, "wrong horse battery staple")), sameness(attempt(&nobody, PASSWORD)));
    attempt(&email, "");
    sign_in(&company, &email);
    // The right password for a company one does not work in is no better.
    let elsewhere = Client::anonymous().post("/v1/auth/login", &json!({"email": email, "password": PASSWORD, "company_id": Company::new().id}));
    assert_eq!(sameness(elsewhere.refused(401, "bad_credentials")), sameness(attempt(&nobody, PASSWORD)));
    company.assert_laws();
}

#[test]
fn guessing_is_slowed() {
    let company = Company::new();
    let (_, email) = person(&company, &["collector"]);
    let attempt = |password: &str| Client::anonymous().post("/v1/auth/login", &json!({"email": email, "password": password}));
    let refused = until("the account to be closed for a while", Duration::from_secs(60), || {
        let reply = attempt("wrong horse battery staple");
        (reply.status != 401).then_some(reply)
    });
    assert!(refused.header("retry-after").is_some());
    refused.refused(429, "rate_limited");
    attempt(PASSWORD).refused(429, "rate_limited");
    company.assert_laws();
}

#[test]
fn refresh_tokens_rotate_and_a_used_one_is_refused() {
    let company = Company::new();
    let (_, email) = person(&company, &["collector"]);
    let (_, first) = sign_in(&company, &email);
    let pair = refresh(&first).expect(200);
    let second = pair["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    Client::bearer(pair["access_token"].as_str().unwrap().to_owned()).get("/v1/me").expect(200);
    // Within the grace a lost answer is not taken for theft.
    refresh(&first).refused(409, "refresh_token_just_used");
    refresh(&second).expect(200);
    for made_up in ["x".to_owned(), format!("{second}x"), format!("dbr_{}", fresh())] {
        refresh(&made_up).refused(401, "refresh_token_invalid");
    }
    company.assert_laws();
}

#[test]
fn a_refresh_token_used_again_later_ends_the_whole_log_in() {
    let company = Company::new();
    let (_, email) = person(&company, &["collector"]);
    let (client, first) = sign_in(&company, &email);
    let second = refresh(&first).expect(200)["refresh_token"].as_str().unwrap().to_owned();
    // The grace of ten seconds is over: in the database's clock, so that nobody waits.
    company.sql("SELECT 1");
    Db::owner()
        .run(&format!("UPDATE refresh_token SET used_at = used_at - interval '11 seconds' WHERE company_id = '{}' AND used_at IS NOT NULL", company.id))
        .unwrap();
    refresh(&first).refused(401, "refresh_token_invalid");
    refresh(&second).refused(401, "refresh_token_invalid");
    ends_soon(&client, "the stolen session to end");
    company.assert_laws();
}

#[test]
fn logging_out_ends_this_session_or_all_of_them() {
    let company = Company::new();
    let (_, email) = person(&company, &["collector"]);
    let ((here, token), (there, _)) = (sign_in(&company, &email), sign_in(&company, &email));
    here.post("/v1/auth/logout", &json!({})).expect(200);
    ends_soon(&here, "the session to end");
    refresh(&token).refused(401, "refresh_token_invalid");
    there.get("/v1/me").expect(200);
    let (again, _) = sign_in(&company, &email);
    again.post("/v1/auth/logout", &json!({"all_sessions": true})).expect(200);
    ends_soon(&again, "this session to end");
    ends_soon(&there, "the other session to end");
    company.assert_laws();
}

#[test]
fn a_change_of_roles_takes_effect_within_seconds() {
    let company = Company::new();
    let (user, email) = person(&company, &["collector"]);
    let (client, _) = sign_in(&company, &email);
    client.get("/v1/trial-balance").refused(403, "permission_denied");
    let path = format!("/v1/users/{}/roles", id_of(&user));
    let admin = company.as_role("admin");
    admin.change("PUT", &path, "*", &json!({"roles": ["controller", "ar_executive"]})).refused(409, "role_conflict");
    admin.change("PUT", &path, "\"v1\"", &json!({"roles": ["controller"]})).expect(200);
    ends_soon(&client, "the old roles to end");
    let (client, _) = sign_in(&company, &email);
    client.get("/v1/trial-balance").expect(200);
    assert_eq!(client.get("/v1/me").expect(200)["roles"], json!(["controller"]));
    // Nobody changes their own roles.
    let own = format!("/v1/users/{}/roles", company.user_id("admin"));
    admin.change("PUT", &own, "*", &json!({"roles": ["auditor"]})).refused(403, "sod_self_approval");
    company.assert_laws();
}

#[test]
fn a_deactivated_person_is_out_within_seconds() {
    let company = Company::new();
    let (user, email) = person(&company, &["collector"]);
    let (client, token) = sign_in(&company, &email);
    company.as_role("admin").change("PATCH", &format!("/v1/users/{}", id_of(&user)), "\"v1\"", &json!({"active": false})).expect(200);
    ends_soon(&client, "the person to be out");
    refresh(&token).refused(401, "refresh_token_invalid");
    Client::anonymous().post("/v1/auth/login", &json!({"email": email, "password": PASSWORD})).refused(401, "bad_credentials");
    company.assert_laws();
}

#[test]
fn a_new_password_ends_the_other_sessions() {
    let company = Company::new();
    let (_, email) = person(&company, &["collector"]);
    let ((here, _), (there, _)) = (sign_in(&company, &email), sign_in(&company, &email));
    let change = |current: &str, new: &str| here.post("/v1/auth/password", &json!({"current_password": current, "new_password": new}));
    assert_eq!(change("not my password at all", "another fine sentence here").refusal()["status"], 422);
    assert_eq!(change(PASSWORD, "too short").refusal()["status"], 422);
    change(PASSWORD, "another fine sentence here").expect(200);
    ends_soon(&there, "the other session to end");
    here.get("/v1/me").expect(200);
    Client::anonymous().post("/v1/auth/login", &json!({"email": email, "password": PASSWORD})).refused(401, "bad_credentials");
    log_in(&email, "another fine sentence here", &company.id);
    company.assert_laws();
}

#[test]
fn a_machine_does_what_its_scopes_allow_until_it_is_revoked() {
    let company = Company::new();
    let record = company.api_client(&["customers:read", "receipts:read", "receipts:write"]);
    let token = |form: &str| machine_token(&record, form);
    let bearer = |reply: Reply| Client::bearer(reply.expect(200)["access_token"].as_str().unwrap().to_owned());
    let whole = bearer(token("grant_type=client_credentials"));
    let body = receipt_body(&company.customer(), "2025-01-15", "10.00");
    assert!(whole.post("/v1/receipts", &body).expect(201)["created_by"].as_str().unwrap().starts_with("client:"));
    whole.get("/v1/customers").expect(200);
    let refused = whole.get("/v1/invoices").refused(403, "permission_denied");
    assert_eq!(refused["required_permission"], "invoices:read");
    let narrow = bearer(token("grant_type=client_credentials&scope=customers:read"));
    narrow.get("/v1/customers").expect(200);
    narrow.post("/v1/receipts", &body).refused(403, "permission_denied");
    assert_eq!(token("grant_type=client_credentials&scope=invoices:write").refusal()["status"], 400);
    assert_eq!(token("grant_type=password").refusal()["status"], 400);
    let forged = with(record.clone(), json!({"client_secret": "dbk_live_x"}));
    machine_token(&forged, "grant_type=client_credentials").refused(401, "invalid_client");
    for scope in ["allocations:reverse", "users:manage", "invoices:cancel", "everything"] {
        let refused = company.as_role("admin").post("/v1/api-clients", &json!({"name": "Too much", "scopes": [scope]})).refusal();
        assert_eq!(refused["status"], 422, "{scope}: {refused}");
    }
    company.as_role("admin").change("DELETE", &format!("/v1/api-clients/{}", id_of(&record)), "*", &Value::Null).expect(200);
    until("the machine to be out", SOON, || (whole.get("/v1/customers").status == 401).then_some(()));
    token("grant_type=client_credentials").refused(401, "invalid_client");
    company.assert_laws();
}

#[test]
fn forged_tokens_are_refused() {
    let company = Company::new();
    let token = company.in_own_session("collector").token.unwrap();
    let [head, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let read = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let write = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    assert_eq!((&read(head)["alg"], &read(head)["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    let flipped = format!("{}{}", if signature.starts_with('A') { 'B' } else { 'A' }, &signature[1..]);
    let header = |extra: Value| write(&with(read(head), extra));
    let claim = |extra: Value| write(&with(read(claims), extra));
    let forged = [
        format!("{head}.{claims}.{flipped}"),
        format!("{head}.{claims}."),
        format!("{head}.{claims}"),
        format!("{}.{claims}.", header(json!({"alg": "none"}))),
        format!("{}.{claims}.{signature}", header(json!({"alg": "none"}))),
        format!("{}.{claims}.{signature}", header(json!({"alg": "HS256"}))),
        format!("{}.{claims}.{signature}", header(json!({"kid": "../../dev/null"}))),
        format!("{}.{claims}.{signature}", header(json!({"typ": "JWT"}))),
        format!("{head}.{}.{signature}", claim(json!({"roles": ["controller"]}))),
        format!("{head}.{}.{signature}", claim(json!({"company_id": SERVER.demo["company_id"]}))),
        format!("{head}.{}.{signature}", claim(json!({"exp": 4_102_444_800_u64}))),
        "x".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        "x".repeat(7000),
    ];
    for token in forged {
        let reply = Client::bearer(token.clone()).get("/v1/me");
        assert!(reply.header("www-authenticate").is_some_and(|value| value.contains("invalid_token")), "{token:.60}");
        reply.refused(401, "token_invalid");
    }
    let reply = Client::anonymous().get("/v1/me");
    assert!(reply.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
    reply.refused(401, "token_missing");
    for header in ["Basic YTpi", "Bearer", "bearer"] {
        assert_eq!(Client::anonymous().send("GET", "/v1/me", &[("authorization", header)], None).refusal()["status"], 401);
    }
    Client::bearer(token).get("/v1/me").expect(200);
    company.assert_laws();
}

#[test]
fn sales_and_collectors_see_their_own_customers_only() {
    let company = Company::new();
    let executive = company.executive();
    let of = |extra: Value| id_of(&executive.post("/v1/customers", &with(customer_body(), extra)).expect(201));
    let (mine, other) = (of(json!({"salesperson_id": company.user_id("sales"), "collector_id": company.user_id("collector")})), of(json!({})));
    let invoices = [&mine, &other].map(|customer| company.invoice(customer, "2025-01-10", "2025-02-09", "100.00"));
    let receipts = [&mine, &other].map(|customer| company.receipt(customer, "2025-01-15", "10.00", Value::Null));
    let sales = company.as_role("sales");
    let ids = |client: &Client, path: &str, member: &str| {
        client.get(path).expect(200)["data"].as_array().unwrap().iter().map(|row| row[member].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&sales, "/v1/customers", "id"), std::slice::from_ref(&mine));
    assert_eq!(ids(&sales, "/v1/invoices", "id"), [id_of(&invoices[0])]);
    assert_eq!(ids(&sales, "/v1/receipts", "id"), [id_of(&receipts[0])]);
    // Collectors read all customers, but reports on their portfolio only.
    assert_eq!(ids(&company.as_role("collector"), "/v1/customers", "id").len(), 2);
    for role in ["sales", "collector"] {
        let aging = company.as_role(role).get("/v1/reports/aging?as_of=2025-03-31").expect(200);
        assert_eq!(aging["data"].as_array().unwrap().iter().map(|row| row["customer_id"].as_str().unwrap()).collect::<Vec<_>>(), [mine.as_str()], "{role}");
        assert_eq!(aging["totals"]["total"], "90.00", "{role}: {aging}");
    }
    for path in [
        format!("/v1/customers/{other}"),
        format!("/v1/customers/{other}/ledger?from=2025-01-01&to=2025-12-31"),
        format!("/v1/customers/{other}/open-items"),
        format!("/v1/invoices/{}", id_of(&invoices[1])),
        format!("/v1/receipts/{}", id_of(&receipts[1])),
    ] {
        sales.get(&path).refused(404, "not_found");
    }
    // Assigned today, seen today; taken away, gone.
    let assign = |to: Value| executive.change("PATCH", &format!("/v1/customers/{other}"), "*", &json!({"salesperson_id": to})).expect(200);
    assign(json!(company.user_id("sales")));
    assert_eq!(ids(&sales, "/v1/invoices", "id").len(), 2);
    assign(Value::Null);
    assert_eq!(ids(&sales, "/v1/invoices", "id").len(), 1);
    company.assert_laws();
}
