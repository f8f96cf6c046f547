//! Machines of partners: what they may do from where, how their secrets change, and how often they may ask.

use crate::rig::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::time::Duration;

/// What is taken away is gone within two seconds; more for a busy machine.
const SOON: Duration = Duration::from_secs(20);

fn token(client: &Value) -> Client {
    Client::bearer(machine_token(client, "grant_type=client_credentials").expect(200)["access_token"].as_str().unwrap().to_owned())
}

fn path(client: &Value) -> String {
    format!("/v1/api-clients/{}", id_of(client))
}

fn patch(company: &Company, client: &Value, change: Value) -> Reply {
    company.as_role("admin").change("PATCH", &path(client), "*", &change)
}

fn rotate(company: &Company, client: &Value, hours: i32) -> Value {
    company.as_role("admin").post(&format!("{}/rotate-secret", path(client)), &json!({"overlap_hours": hours})).expect(200)
}

#[test]
fn a_client_is_read_without_its_secret_and_says_when_and_whence_it_called() {
    let company = Company::new();
    let made = company.api_client(&["receipts:read", "customers:read", "customers:read"]);
    assert_includes(&made, &json!({"object": "api_client", "scopes": ["customers:read", "receipts:read"], "allowed_ips": [], "active": true, "version": 1}));
    let read = || company.as_role("admin").get(&path(&made)).expect(200);
    assert_eq!((read().get("client_secret"), read()["last_used_at"].clone()), (None, Value::Null));
    let machine = token(&made);
    let minted = until("the token to be noted", SOON, || read()["last_used_at"].as_str().map(str::to_owned));
    until("a later call to be noted", SOON, || {
        machine.get("/v1/customers").expect(200);
        (read()["last_used_at"].as_str()? > minted.as_str()).then_some(())
    });
    assert_includes(&read(), &json!({"last_used_ip": "127.0.0.1", "version": 1}));
    // Who does not know the secret leaves no trace of use.
    let other = company.api_client(&["customers:read"]);
    machine_token(&with(other.clone(), json!({"client_secret": "dbk_live_wrong"})), "grant_type=client_credentials").refused(401, "invalid_client");
    assert_eq!(company.as_role("admin").get(&path(&other)).expect(200)["last_used_at"], Value::Null);
    company.assert_laws();
}

#[test]
fn a_client_calls_only_from_its_addresses() {
    let company = Company::new();
    let admin = company.as_role("admin");
    let body = |ips: Value| json!({"name": "Bank connector", "scopes": ["customers:read"], "allowed_ips": ips});
    let refused = admin.post("/v1/api-clients", &body(json!(["127.0.0.1", "10.0.0.0/40", "example.com"]))).refused(422, "validation_failed");
    assert!(blames(&refused, "#/allowed_ips/1", "network_invalid") && blames(&refused, "#/allowed_ips/2", "network_invalid"), "{refused}");
    let elsewhere = admin.post("/v1/api-clients", &body(json!(["203.0.113.77/24", "2001:db8::/32"]))).expect(201);
    assert_eq!(elsewhere["allowed_ips"], json!(["203.0.113.0/24", "2001:db8::/32"]));
    machine_token(&elsewhere, "grant_type=client_credentials").refused(403, "ip_not_allowed");
    let here = admin.post("/v1/api-clients", &body(json!(["203.0.113.0/24", "127.0.0.0/8"]))).expect(201);
    let machine = token(&here);
    machine.get("/v1/customers").expect(200);
    // A header anybody may write changes nothing, either way.
    machine.send("GET", "/v1/customers", &[("x-forwarded-for", "198.51.100.1")], None).expect(200);
    patch(&company, &here, json!({"allowed_ips": ["203.0.113.0/24"]})).expect(200);
    until("the token to be refused here", SOON, || (machine.get("/v1/customers").status == 403).then_some(()));
    machine.get("/v1/customers").refused(403, "ip_not_allowed");
    machine.send("GET", "/v1/customers", &[("x-forwarded-for", "203.0.113.5")], None).refused(403, "ip_not_allowed");
    patch(&company, &here, json!({"allowed_ips": null})).expect(200);
    until("the token to be taken again", SOON, || (machine.get("/v1/customers").status == 200).then_some(()));
    company.assert_laws();
}

#[test]
fn a_scope_taken_away_ends_for_tokens_that_are_out_and_one_added_comes_with_the_next() {
    let company = Company::new();
    let client = company.api_client(&["customers:read", "receipts:read"]);
    let machine = token(&client);
    machine.get("/v1/receipts").expect(200);
    patch(&company, &client, json!({"scopes": ["customers:read", "receipts:approve"]})).refused(422, "scope_not_grantable");
    let changed = patch(&company, &client, json!({"scopes": ["customers:read", "invoices:read"], "name": "Reader"})).expect(200);
    assert_includes(&changed, &json!({"name": "Reader", "version": 2, "scopes": ["customers:read", "invoices:read"]}));
    until("the scope to end", SOON, || (machine.get("/v1/receipts").status == 403).then_some(()));
    assert_eq!(machine.get("/v1/receipts").refused(403, "permission_denied")["required_permission"], "receipts:read");
    machine.get("/v1/customers").expect(200);
    machine.get("/v1/invoices").refused(403, "permission_denied");
    token(&client).get("/v1/invoices").expect(200);
    company.as_role("admin").change("PATCH", &path(&client), "\"v1\"", &json!({"name": "Late"})).refused(412, "version_mismatch");
    company.assert_laws();
}

#[test]
fn two_secrets_are_taken_while_one_takes_over() {
    let company = Company::new();
    let first = company.api_client(&["customers:read"]);
    let fits = |client: &Value| machine_token(client, "grant_type=client_credentials").status == 200;
    assert!(fits(&first));
    let second = rotate(&company, &first, 24);
    assert!(second["client_secret"] != first["client_secret"] && second["previous_secret_expires_at"].is_string(), "{second}");
    assert!(fits(&first) && fits(&second));
    // The third takes over from the second, which is in use; the first is the third in line and out.
    let third = rotate(&company, &first, 24);
    assert!(!fits(&first) && fits(&second));
    // Nobody used the third, its answer was lost: the second stays, the third ends.
    let fourth = rotate(&company, &first, 24);
    assert!(fits(&second) && !fits(&third) && fits(&fourth));
    // Without overlap the one before is out at once.
    let fifth = rotate(&company, &first, 0);
    assert!(!fits(&second) && !fits(&fourth) && fits(&fifth));
    for hours in [-1, 73] {
        company.as_role("admin").post(&format!("{}/rotate-secret", path(&first)), &json!({"overlap_hours": hours})).refused(422, "validation_failed");
    }
    // An overlap ends by itself: in the database's clock, so that nobody waits.
    let sixth = rotate(&company, &first, 1);
    assert!(fits(&fifth) && fits(&sixth));
    let move_end = |by: &str| {
        Db::owner().run(&format!("UPDATE api_client SET previous_secret_until = previous_secret_until {by} WHERE id = '{}'", id_of(&first))).unwrap();
    };
    move_end("- interval '2 hours'");
    assert!(!fits(&fifth) && fits(&sixth));
    move_end("+ interval '2 hours'");
    company.assert_laws();
}

#[test]
fn a_secret_is_told_once() {
    let company = Company::new();
    let client = company.api_client(&["customers:read"]);
    let key = fresh();
    let again = || company.as_role("admin").post_keyed(&format!("{}/rotate-secret", path(&client)), &key, &json!({"overlap_hours": 24}));
    let told = again().expect(200);
    assert!(told["client_secret"].is_string());
    let replay = again();
    assert_eq!((replay.header("idempotent-replayed"), replay.json().get("client_secret")), (Some("true"), None));
    let secret = told["client_secret"].as_str().unwrap();
    assert!(company.sql(&format!("SELECT 1 FROM audit_event WHERE company_id = {{c}} AND body LIKE '%{secret}%'")).is_empty());
    assert!(company.sql(&format!("SELECT 1 FROM idempotency_key WHERE company_id = {{c}} AND reply LIKE '%{secret}%'")).is_empty());
    company.assert_laws();
}

#[test]
fn an_inactive_client_may_come_back_and_a_revoked_one_may_not() {
    let company = Company::new();
    let client = company.api_client(&["customers:read"]);
    let machine = token(&client);
    machine.get("/v1/customers").expect(200);
    patch(&company, &client, json!({"active": false})).expect(200);
    until("the token to end", SOON, || (machine.get("/v1/customers").status == 401).then_some(()));
    machine_token(&client, "grant_type=client_credentials").refused(401, "invalid_client");
    patch(&company, &client, json!({"active": true})).expect(200);
    let back = until("new tokens to be taken", SOON, || Some(token(&client)).filter(|machine| machine.get("/v1/customers").status == 200));
    // What was revoked is read within a second, also where the client is back before that.
    until("the old token to stay ended", SOON, || (machine.get("/v1/customers").status == 401).then_some(()));
    let revoked = company.as_role("admin").change("DELETE", &path(&client), "*", &json!({})).expect(200);
    assert!(revoked["revoked_at"].is_string() && revoked["active"] == false, "{revoked}");
    until("the last token to end", SOON, || (back.get("/v1/customers").status == 401).then_some(()));
    patch(&company, &client, json!({"active": true})).refused(409, "invalid_state");
    company.as_role("admin").change("DELETE", &path(&client), "*", &json!({})).refused(409, "invalid_state");
    company.as_role("admin").post(&format!("{}/rotate-secret", path(&client)), &json!({})).refused(409, "invalid_state");
    company.as_role("admin").get(&path(&client)).expect(200);
    company.assert_laws();
}

/// POST /v1/oauth/revoke, with the credentials of a client where there is one.
fn revoke(client: Option<&Value>, token: &str) -> Reply {
    let basic = client.map(|client| format!("Basic {}", STANDARD.encode(format!("{}:{}", id_of(client), client["client_secret"].as_str().unwrap()))));
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    headers.extend(basic.as_deref().map(|basic| ("authorization", basic)));
    Client::anonymous().send("POST", "/v1/oauth/revoke", &headers, Some(format!("token={token}").as_bytes()))
}

#[test]
fn a_token_is_revoked_by_whom_it_was_issued_to_and_nothing_else_ends() {
    let company = Company::new();
    let (own, other) = (company.api_client(&["customers:read"]), company.api_client(&["customers:read"]));
    let minted = || machine_token(&own, "grant_type=client_credentials").expect(200)["access_token"].as_str().unwrap().to_owned();
    let (first, second) = (minted(), minted());
    revoke(None, &first).refused(401, "invalid_client");
    revoke(Some(&with(own.clone(), json!({"client_secret": "dbk_live_wrong"}))), &first).refused(401, "invalid_client");
    let refused = revoke(Some(&other), &first).refused(400, "invalid_grant");
    assert_eq!(refused["error"], "invalid_grant");
    Client::bearer(first.clone()).get("/v1/customers").expect(200);
    assert_eq!(revoke(Some(&own), &first).expect(200), json!({"done": true}));
    until("the token to end", SOON, || (Client::bearer(first.clone()).get("/v1/customers").status == 401).then_some(()));
    Client::bearer(second).get("/v1/customers").expect(200);
    // What is none, or none any more, is ended already (RFC 7009 section 2.2).
    for (client, token) in [(Some(&own), first.as_str()), (Some(&own), "rubbish"), (None, "dbr_unknown"), (None, first.as_str())] {
        revoke(client, token).expect(200);
    }
    revoke(Some(&own), "").refused(422, "validation_failed");
    Client::anonymous()
        .send("POST", "/v1/oauth/revoke", &[("content-type", "application/x-www-form-urlencoded")], Some(b"hint=x"))
        .refused(422, "validation_failed");
    Client::anonymous().post("/v1/oauth/revoke", &json!({"token": first})).refused(415, "unsupported_media_type");
    // People's tokens need no client; the refresh token takes the access token of its log-in along, the access token nothing.
    let (email, password) = demo_user("collector");
    let pair = || {
        let pair = log_in(&email, &password, &company.id);
        [pair["access_token"].as_str().unwrap().to_owned(), pair["refresh_token"].as_str().unwrap().to_owned()]
    };
    let ([access, refresh], [access_only, kept]) = (pair(), pair());
    assert_eq!(revoke(Some(&own), &access).refused(400, "invalid_grant")["error"], "invalid_grant");
    revoke(None, &refresh).expect(200);
    revoke(None, &access_only).expect(200);
    for token in [access, access_only] {
        until("the token to end", SOON, || (Client::bearer(token.clone()).get("/v1/customers").status == 401).then_some(()));
    }
    let renewed = |token: &str| Client::anonymous().post("/v1/auth/refresh", &json!({"refresh_token": token}));
    renewed(&refresh).refused(401, "refresh_token_invalid");
    renewed(&kept).expect(200);
    let told = company.sql("SELECT action FROM audit_event WHERE company_id = {c} AND action IN ('session.ended', 'session.token_revoked') ORDER BY action");
    assert_eq!(told.len(), 3, "{told:?}");
    company.assert_laws();
}

#[test]
fn twenty_exports_an_hour_may_be_begun() {
    let company = Company::new();
    let slow = json!({"name": "Exporter", "scopes": ["exports:create", "customers:read"], "requests_per_minute": 600});
    let machine = token(&company.as_role("admin").post("/v1/api-clients", &slow).expect(201));
    for left in (0..20).rev() {
        // What is refused for its content counts as well.
        let reply = machine.post("/v1/exports", &json!({"type": "nonsense"}));
        assert_eq!((reply.status, limit(&reply, "ratelimit-policy", "exports"), limit(&reply, "ratelimit", "exports")[0]), (422, vec![20, 3600], left));
    }
    let refused = machine.post("/v1/exports", &json!({"type": "tds_26as"}));
    let wait = refused.header("retry-after").and_then(|s| s.parse::<u64>().ok()).expect("Retry-After");
    assert!((1..=180).contains(&wait), "one every three minutes: {wait}");
    assert_eq!(refused.refused(429, "rate_limited")["violated-policies"], json!(["exports"]));
    machine.get("/v1/customers").expect(200);
    company.assert_laws();
}

#[test]
fn what_changes_without_its_version_is_always_told_anew() {
    let company = Company::new();
    let client = company.api_client(&["customers:read"]);
    let admin = company.as_role("admin");
    let seen = admin.get(&path(&client));
    let tag = seen.header("etag").expect("an ETag").to_owned();
    assert_eq!(seen.expect(200)["last_used_at"], Value::Null);
    token(&client);
    let again = admin.send("GET", &path(&client), &[("if-none-match", &tag)], None);
    assert_eq!(again.header("etag"), Some(tag.as_str()));
    assert!(again.expect(200)["last_used_at"].is_string());
    // Of what does not, who has the version has all of it.
    let customer = format!(
        "/v1/items/{}",
        id_of(
            &admin
                .post(
                    "/v1/items",
                    &json!({"code": fresh(), "name": "Support", "is_service": true, "hsn_code": "998313", "unit_price": "10.00", "tax_rate": "18"})
                )
                .expect(201)
        )
    );
    let tag = admin.get(&customer).header("etag").expect("an ETag").to_owned();
    assert_eq!(admin.send("GET", &customer, &[("if-none-match", &tag)], None).status, 304);
    company.assert_laws();
}

/// The members of one item of a `RateLimit` header.
fn limit(reply: &Reply, header: &str, policy: &str) -> Vec<u64> {
    let text = reply.header(header).unwrap_or_else(|| panic!("no {header}")).to_owned();
    let item = text.split(", ").find(|item| item.starts_with(&format!("\"{policy}\";"))).unwrap_or_else(|| panic!("no {policy} in {text}")).to_owned();
    item.split(';').skip(1).map(|part| part.split_once('=').expect("a member").1.parse().expect("a number")).collect()
}

#[test]
fn who_asks_too_often_is_told_when_to_come_back_and_nobody_else_is() {
    let company = Company::new();
    let client = company.as_role("admin").post("/v1/api-clients", &json!({"name": "Slow", "scopes": ["customers:read"], "requests_per_minute": 1})).expect(201);
    let machine = token(&client);
    let first = machine.get("/v1/customers");
    assert_eq!((first.status, limit(&first, "ratelimit-policy", "default")), (200, vec![1, 60]));
    assert_eq!(limit(&first, "ratelimit", "default"), [0, 60]);
    // Also what is not found, not allowed or not well-formed counts: the limit comes before all of it.
    for path in ["/v1/customers", "/v1/receipts", "/v1/customers?nonsense=1"] {
        let refused = machine.get(path);
        let (left, wait) = (limit(&refused, "ratelimit", "default"), refused.header("retry-after").and_then(|s| s.parse::<u64>().ok()).expect("Retry-After"));
        assert!(left[0] == 0 && wait >= left[1] && (1..=60).contains(&wait), "{left:?} {wait}");
        let problem = refused.refused(429, "rate_limited");
        assert_eq!(
            (&problem["type"], &problem["violated-policies"]),
            (&json!("https://iana.org/assignments/http-problem-types#quota-exceeded"), &json!(["default"]))
        );
    }
    let other = company.as_machine(&["customers:read"]).get("/v1/customers");
    assert_eq!(other.status, 200);
    assert!(limit(&other, "ratelimit", "default")[0] > 0);
    // A plan that is widened counts within seconds.
    patch(&company, &client, json!({"requests_per_minute": 100_000})).expect(200);
    until("the wider plan", SOON, || (machine.get("/v1/customers").status == 200).then_some(()));
    company.assert_laws();
}

#[test]
fn every_reply_tells_its_limits() {
    let company = Company::new();
    let controller = company.controller();
    for (reply, policies) in [
        (controller.get("/v1/customers"), &["default"][..]),
        (controller.get("/v1/reports/aging"), &["default", "reports"]),
        (controller.get("/v1/customers/0196f2b1-7c44-7d02-8a11-0c9f3b1e2a77"), &["default"]),
        (controller.post("/v1/receipts", &json!({})), &["default"]),
        (Client::anonymous().get("/v1/customers"), &["address"]),
        (Client::bearer("rubbish".into()).get("/v1/customers"), &["address"]),
        (Client::anonymous().get("/.well-known/jwks.json"), &["address"]),
    ] {
        for policy in policies {
            let ([quota, window], [left, wait]) =
                (limit(&reply, "ratelimit-policy", policy)[..].try_into().unwrap(), limit(&reply, "ratelimit", policy)[..].try_into().unwrap());
            assert!(left < quota && wait <= window && window == 60_u64, "{policy}: {left} of {quota} in {window}, {wait}");
        }
        assert_eq!(reply.header("ratelimit").unwrap().split(", ").count(), policies.len());
    }
    company.assert_laws();
}

// ------------------------------------------------------------------------------------------------ duplicates

/// Without any reference.
fn bare(customer: &str, date: &str, amount: &str) -> Value {
    with(receipt_body(customer, date, amount), json!({"external_id": null, "utr": null}))
}

#[test]
fn a_payment_nothing_tells_from_another_is_refused_within_three_days() {
    let company = Company::new();
    let executive = company.executive();
    let (customer, other) = (company.customer(), company.customer());
    let post = |body: &Value| executive.post("/v1/receipts", body);
    let first = post(&bare(&customer, "2025-01-15", "500.00")).expect(201);
    for date in ["2025-01-12", "2025-01-15", "2025-01-18"] {
        assert_eq!(post(&bare(&customer, date, "500.0")).refused(409, "duplicate_receipt")["current"]["id"], first["id"]);
    }
    // With a reference it may still be the one that was typed in.
    assert_eq!(post(&receipt_body(&customer, "2025-01-16", "500.00")).refused(409, "duplicate_receipt")["current"]["id"], first["id"]);
    for different in [
        bare(&customer, "2025-01-11", "500.00"),
        bare(&customer, "2025-01-19", "500.00"),
        bare(&customer, "2025-01-15", "500.01"),
        bare(&other, "2025-01-15", "500.00"),
        with(bare(&customer, "2025-01-15", "500.00"), json!({"method": "cash"})),
    ] {
        post(&different).expect(201);
    }
    let meant = with(bare(&customer, "2025-01-15", "500.00"), json!({"allow_duplicate": true}));
    assert!(blames(&post(&meant).refusal(), "#/reason", ""));
    post(&with(meant, json!({"reason": "Paid twice, he says"}))).expect(201);
    // What was taken back is no twin.
    company
        .controller()
        .post(&format!("/v1/receipts/{}/reverse", id_of(&first)), &json!({"reversed_on": "2025-01-15", "reason": "Typed in by mistake"}))
        .expect(200);
    post(&receipt_body(&customer, "2025-01-15", "500.00")).expect(201);
    company.assert_laws();
}

#[test]
fn payments_with_references_of_their_own_are_two_payments() {
    let company = Company::new();
    let customer = company.customer();
    let body = || receipt_body(&customer, "2025-01-15", "500.00");
    company.executive().post("/v1/receipts", &body()).expect(201);
    company.executive().post("/v1/receipts", &body()).expect(201);
    company.executive().post("/v1/receipts", &with(body(), json!({"utr": null}))).expect(201);
    company.executive().post("/v1/receipts", &with(body(), json!({"external_id": null}))).expect(201);
    // One without any may be each of them.
    company.executive().post("/v1/receipts", &bare(&customer, "2025-01-15", "500.00")).refused(409, "duplicate_receipt");
    let rows = company
        .executive()
        .post("/v1/receipts/bulk", &json!({"mode": "per_item", "items": [bare(&customer, "2025-02-15", "7.00"), bare(&customer, "2025-02-15", "7.00")]}))
        .expect(207);
    assert_eq!((&rows["items"][0]["status"], &rows["items"][1]["problem"]["code"]), (&json!(201), &json!("duplicate_receipt")));
    company.assert_laws();
}
