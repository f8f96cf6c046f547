//! Every code of the catalogue is produced by a test; here those no other test has a reason to meet.

use crate::rig::*;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use duebook::access::tokens::keys::Keys;
use duebook::platform::http::Problem;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

/// The text of every test there is.
fn tests() -> String {
    fn read(directory: &Path, text: &mut String) {
        for entry in std::fs::read_dir(directory).expect("tests").flatten() {
            let path = entry.path();
            if path.is_dir() {
                read(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(&path).expect("a test"));
            }
        }
    }
    let mut text = String::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"), &mut text);
    text
}

#[test]
fn every_code_of_the_catalogue_is_expected_by_some_test() {
    // A worker says this to itself; callers see a job that is cancelled or goes on elsewhere.
    const WITHIN: [&str; 1] = ["job_stopped"];
    let text = tests();
    let silent: Vec<&str> =
        duebook::catalogue().iter().map(|refusal| refusal.code).filter(|code| !WITHIN.contains(code) && !text.contains(&format!("\"{code}\""))).collect();
    assert!(silent.is_empty(), "no test produces {silent:?}: write one, or take the refusal out of the catalogue");
}

#[test]
fn names_are_taken_once() {
    let company = Company::new();
    let (admin, controller, executive) = (company.as_role("admin"), company.controller(), company.executive());
    let twice = |client: &Client, path: &str, body: Value, code: &str| {
        client.post(path, &body).expect(201);
        let problem = client.post(path, &body).refused(409, code);
        assert_eq!(problem["retryable"], false, "{problem}");
    };
    twice(&executive, "/v1/customers", with(customer_body(), json!({"code": "ACME", "external_id": null})), "duplicate_customer_code");
    twice(
        &executive,
        "/v1/items",
        json!({"code": "SUP", "name": "Support", "is_service": true, "hsn_code": "998313", "unit_price": "5.00", "tax_rate": "18"}),
        "duplicate_item_code",
    );
    let terms = json!({"code": "N10", "name": "Ten days", "instalments": [{"share": "100", "days": 10}]});
    twice(&controller, "/v1/payment-terms", terms, "duplicate_terms_code");
    let own = json!({"gstin": company.gstin, "legal_name": "Again"});
    controller.post("/v1/gst-registrations", &with(own, json!({"legal_name": null}))).refused(409, "duplicate_gstin");
    let person = json!({"email": format!("{}@example.test", fresh()), "name": "Somebody", "roles": ["sales"], "password": "correct horse battery staple 9"});
    admin.post("/v1/users", &person).expect(201);
    let problem = admin.post("/v1/users", &person).refusal();
    assert!(["duplicate_user", "email_taken"].contains(&problem["code"].as_str().unwrap()), "{problem}");
    company.assert_laws();
}

#[test]
fn machines_get_what_they_were_granted_and_no_more() {
    let company = Company::new();
    let admin = company.as_role("admin");
    let client = company.api_client(&["customers:read"]);
    machine_token(&client, "grant_type=client_credentials&scope=receipts%3Awrite").refused(400, "invalid_scope");
    machine_token(&client, "grant_type=password").refused(400, "unsupported_grant_type");
    let greedy = json!({"name": "Greedy", "scopes": ["receipts:reverse"]});
    admin.post("/v1/api-clients", &greedy).refused(422, "scope_not_grantable");
    let weak = json!({"email": format!("{}@example.test", fresh()), "name": "Weak", "roles": ["sales"], "password": "passwordpassword"});
    admin.post("/v1/users", &weak).refused(422, "weak_password");
    let keys = Keys::open(&SERVER.dir).expect("the signing key");
    let principal = keys.principal(company.executive().token.as_deref().unwrap()).expect("a good token");
    let old = Client::bearer(keys.mint(&principal, -120).expect("a token"));
    let reply = old.get("/v1/me");
    assert!(reply.header("www-authenticate").is_some_and(|how| how.contains("invalid_token")));
    reply.refused(401, "token_expired");
    company.assert_laws();
}

#[test]
fn headers_that_cannot_be_read_are_refused() {
    let company = Company::new();
    let executive = company.executive();
    let customer = company.customer();
    let body = receipt_body(&customer, "2025-01-15", "5.00").to_string();
    executive.post_raw("/v1/receipts", &[("idempotency-key", "two words")], body.as_bytes()).refused(400, "idempotency_key_invalid");
    executive.change("PATCH", &format!("/v1/customers/{customer}"), "v1", &json!({})).refused(400, "if_match_invalid");
    company.assert_laws();
}

#[test]
fn a_key_whose_request_is_still_running_is_in_progress() {
    let company = Company::new();
    let executive = company.executive();
    let body = receipt_body(&company.customer(), "2025-01-15", "5.00");
    let actor = format!("user:{}", company.user_id("ar_executive"));
    // The twin: another session that has written the key and is not done.
    let mut twin = Db::owner();
    let insert = format!(
        "BEGIN; INSERT INTO idempotency_key (company_id, id, scope, key, request_hash, request_id)
         VALUES ('{}', gen_random_uuid(), '{actor} recordReceipt /v1/receipts', 'twin', '\\x00', 'req_twin')",
        company.id
    );
    twin.run(&insert).expect("the twin's key");
    let reply = executive.post_keyed("/v1/receipts", "twin", &body);
    assert_eq!(reply.header("retry-after"), Some("1"), "{}", reply.text());
    reply.refused(409, "idempotency_in_progress");
    twin.run("ROLLBACK").expect("the twin is gone");
    executive.post_keyed("/v1/receipts", "twin", &body).expect(201);
    company.assert_laws();
}

#[test]
fn a_row_that_is_good_falls_with_the_others_of_an_atomic_request() {
    let company = Company::new();
    let good = receipt_body(&company.customer(), "2025-01-15", "5.00");
    let bad = with(good.clone(), json!({"external_id": fresh(), "utr": fresh(), "receipt_date": "2009-01-01"}));
    let reply = company.executive().post("/v1/receipts/bulk", &json!({"mode": "atomic", "items": [good, bad]})).expect(207);
    assert_eq!(reply["summary"], json!({"total": 2, "succeeded": 0, "failed": 2}), "{reply}");
    assert_eq!((&reply["items"][0]["status"], &reply["items"][0]["problem"]["code"]), (&json!(424), &json!("bulk_rolled_back")), "{reply}");
    company.assert_laws();
}

#[test]
fn a_series_ends_where_its_numbers_have_sixteen_characters() {
    let company = Company::new();
    let controller = company.controller();
    let registration = controller.get("/v1/gst-registrations").expect(200)["data"][0]["id"].clone();
    let series = json!({"gst_registration_id": registration, "document_kind": "invoice", "fiscal_year": "2024-25", "prefix": "TWELVECHARS/", "width": 4});
    let series = controller.post("/v1/number-series", &series).expect(201);
    // Nobody waits for ten thousand invoices: the counter is put there, past its guard, and back.
    let at = |number: u32| {
        let update = format!("UPDATE number_series SET next_number = {number} WHERE id = '{}'", id_of(&series));
        Db::owner().run(&format!("BEGIN; SET LOCAL session_replication_role = replica; {update}; COMMIT")).expect("the counter");
    };
    let customer = company.customer();
    let invoice = || with(invoice_body(&customer, "2025-01-15", "5.00"), json!({"number_series_id": series["id"]}));
    at(10_000);
    company.executive().post("/v1/invoices", &invoice()).refused(409, "series_exhausted");
    at(1);
    assert_eq!(company.executive().post("/v1/invoices", &invoice()).expect(201)["number"], "TWELVECHARS/0001");
    company.assert_laws();
}

#[test]
fn a_logo_that_is_no_picture_is_refused() {
    let company = Company::new();
    let logo = json!({"content": "bm8gcGljdHVyZQ=="});
    company.controller().change("PUT", "/v1/document-logo", "*", &logo).refused(422, "image_invalid");
    company.assert_laws();
}

#[test]
fn a_body_that_does_not_arrive_is_not_waited_for() {
    let company = Company::new();
    let token = company.executive().token.unwrap();
    let mut stream = TcpStream::connect(SERVER.base_url.trim_start_matches("http://")).expect("the server");
    let head = format!(
        "POST /v1/receipts HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nidempotency-key: {}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        fresh()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut text = [0; 4096];
    let length = stream.read(&mut text).expect("an answer");
    let text = String::from_utf8_lossy(&text[..length]).into_owned();
    assert!(text.starts_with("HTTP/1.1 408") && text.contains(&json!("request_timeout").to_string()), "{text}");
    company.assert_laws();
}

/// What the database says where the service should never come to, and what it makes of that.
#[test]
fn what_only_the_database_refuses_has_a_code_too() {
    let code = |statements: &str| {
        let mut connection = PgConnection::establish(&database_url("owner_url")).expect("the owner may connect");
        Problem::from(connection.batch_execute(statements).expect_err("refused")).refusal().code
    };
    let raised =
        |constraint: &str| code(&format!("DO $$ BEGIN RAISE EXCEPTION 'duebook: no' USING ERRCODE = 'check_violation', CONSTRAINT = '{constraint}'; END $$"));
    assert_eq!(raised("append_only"), "immutable");
    assert_eq!(raised("allocation_fits"), "allocation_misfit");
    assert_eq!(raised("correction_is_posted"), "correction_misfit");
    assert_eq!(raised("nobody_knows_this"), "internal_error");
    assert_eq!(code("SET statement_timeout = 1; SELECT pg_sleep(1)"), "overloaded");
    assert_eq!(code("SELECT pg_terminate_backend(pg_backend_pid())"), "dependency_unavailable");
}
