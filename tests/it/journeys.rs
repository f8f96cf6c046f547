//! The journeys of api.md 14 on a line that breaks: replies are lost, a webhook's receiver leaves, a download stops halfway. What
//! each caller does then is what the contract tells it to do, and the books are as if nothing had happened.

use crate::exports::{hexadecimal, signed};
use crate::rig::*;
use crate::webhooks::{self, Act, Receiver};
use rust_decimal::dec as d;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(90);

/// Sends a request and leaves once `enough` of the answer has come; gives that.
fn left(client: &Client, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8], enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let host = SERVER.base_url.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(host).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a limit");
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers.iter().copied().chain([("authorization", format!("Bearer {}", client.token.as_deref().unwrap()).as_str())]) {
        head.extend([name, ": ", value, "\r\n"]);
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).expect("sent");
    stream.write_all(body).expect("sent");
    let (mut got, mut chunk) = (Vec::new(), [0; 512]);
    while !enough(&got) {
        let read = stream.read(&mut chunk).expect("an answer");
        assert!(read > 0, "{method} {path} broke off by itself: {}", String::from_utf8_lossy(&got));
        got.extend_from_slice(&chunk[..read]);
    }
    got
}

/// A change whose reply is lost, once on its way there and once on its way back, and then sent again: what came of it at last,
/// which is what came of it at first.
fn through(client: &Client, path: &str, media: &str, extra: &[(&str, &str)], body: &[u8]) -> Reply {
    let key = fresh();
    let headers = [&[("content-type", media), ("idempotency-key", key.as_str())], extra].concat();
    left(client, "POST", path, &headers, body, |_| true);
    left(client, "POST", path, &headers, body, |got| !got.is_empty());
    let done = || client.send("POST", path, &headers, Some(body));
    // The first may still be at work.
    let reply = until("the request to be settled", SOON, || Some(done()).filter(|reply| reply.status != 409));
    assert!((200..300).contains(&reply.status), "{path}: {}", reply.text());
    let again = done();
    assert_eq!((again.status, again.header("idempotent-replayed"), &again.bytes), (reply.status, Some("true"), &reply.bytes), "{path}");
    again
}

fn post_through(client: &Client, path: &str, body: &Value) -> Reply {
    through(client, path, "application/json", &[("if-match", "*")], body.to_string().as_bytes())
}

#[test]
fn a_partner_posts_payments_on_a_line_that_breaks() {
    let company = Company::new();
    let number = gstin("27");
    let named = with(customer_body(), json!({"gstin": number, "kind": "b2b"}));
    let customer = id_of(&company.executive().post("/v1/customers", &named).expect(201));
    let (first, second) = (company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00"), company.invoice(&customer, "2025-01-11", "2025-02-10", "800.00"));
    let scopes = ["customers:read", "invoices:read", "receipts:read", "receipts:write", "events:read", "webhooks:manage"];
    let client = company.api_client(&scopes);
    let token = machine_token(&client, "grant_type=client_credentials").expect(200);
    let partner = Client::bearer(token["access_token"].as_str().unwrap().to_owned());
    // Its receiver hangs up on the first delivery of each event.
    let receiver = Receiver::start(|got, _| {
        static SEEN: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
        let (mut seen, id) = (SEEN.lock().unwrap(), got.header("webhook-id").to_owned());
        if seen.contains(&id) {
            return Act::Say(204, "");
        }
        seen.push(id);
        Act::Leave
    });
    let endpoint = partner.post("/v1/webhook-endpoints", &json!({"url": receiver.url, "event_types": ["receipt.allocated"]})).expect(201);

    let found = partner.get(&format!("/v1/customers?gstin={number}")).expect(200);
    assert_eq!(found["data"].as_array().unwrap().iter().map(|row| &row["id"]).collect::<Vec<_>>(), [&json!(customer)]);
    let open = partner.get(&format!("/v1/customers/{customer}/open-items")).expect(200);
    assert_eq!((&open["totals"]["balance"], open["data"].as_array().unwrap().len()), (&json!("1800.00"), 2));
    let pays = |invoice: &Value, amount: &str| with(receipt_body(&customer, "2025-01-20", amount), json!({"allocations": [to_invoice(invoice, amount)]}));
    let items = json!([pays(&first, "1000.00"), pays(&second, "500.00"), with(pays(&second, "1.00"), json!({"amount_received": "1e3"}))]);
    let posted = post_through(&partner, "/v1/receipts/bulk", &json!({"mode": "per_item", "items": items})).expect(207);
    assert_eq!(posted["summary"], json!({"total": 3, "succeeded": 2, "failed": 1}));
    for item in items.as_array().unwrap() {
        let kept = partner.get(&format!("/v1/receipts?external_id={}", item["external_id"].as_str().unwrap())).expect(200);
        let expected = usize::from(item["amount_received"] != "1e3");
        assert_eq!(kept["data"].as_array().unwrap().len(), expected, "{item}");
    }
    let left_open = partner.get(&format!("/v1/customers/{customer}/open-items")).expect(200);
    assert_eq!(left_open["data"].as_array().unwrap().iter().map(|row| dec(&row["open_amount"])).collect::<Vec<_>>(), [d!(300)]);

    // The feed breaks off in the middle of a page; asked again, nothing is missing and nothing comes twice.
    crate::events::feed(&company);
    left(&partner, "GET", "/v1/events?type=receipt.*&limit=1", &[], b"", |got| got.len() > 200);
    let (mut after, mut told) = (0, Vec::new());
    loop {
        let page = partner.get(&format!("/v1/events?type=receipt.*&limit=1&after={after}")).expect(200);
        let Some(event) = page["data"].get(0) else { break };
        after = event["sequence"].as_i64().unwrap();
        told.push((event["type"].as_str().unwrap().to_owned(), event["data"]["object"]["id"].clone()));
    }
    for row in [0, 1] {
        let id = &posted["items"][row]["id"];
        for name in ["receipt.recorded", "receipt.allocated"] {
            assert_eq!(told.iter().filter(|(kind, of)| kind == name && of == id).count(), 1, "{name} {id} in {told:?}");
        }
    }
    // What was hung up on comes again, under the same id and with a signature that is good.
    until("both events to have come twice", SOON, || {
        webhooks::hurry(&endpoint);
        (receiver.got().len() >= 4).then_some(())
    });
    let got = receiver.got();
    let mut ids: Vec<&str> = got.iter().map(|got| got.header("webhook-id")).collect();
    ids.sort_unstable();
    assert_eq!((ids.len(), ids[0] == ids[1], ids[2] == ids[3], ids[1] != ids[2]), (4, true, true, true), "{ids:?}");
    for one in &got {
        assert_eq!(one.header("webhook-signature"), webhooks::signed(endpoint["secret"].as_str().unwrap(), one));
    }
    company.assert_laws();
}

#[test]
fn cash_is_cleared_on_a_line_that_breaks() {
    let company = Company::new();
    let (executive, controller) = (company.executive(), company.controller());
    let customer = executive.post("/v1/customers", &customer_body()).expect(201);
    let whose = customer["external_id"].as_str().unwrap();
    let invoice = company.invoice(&id_of(&customer), "2025-01-10", "2025-02-09", "1000.00");
    let paid = fresh();
    let file = format!(
        "external_id,customer_external_id,receipt_date,method,currency,utr,amount_received,allocations.target_type,allocations.target_external_id,allocations.amount,allocations.kind\n\
         {paid},{whose},2025-01-20,neft,INR,{paid},900.00,invoice,{},900.00,cash\n",
        invoice["external_id"].as_str().unwrap()
    );
    // The upload, and the commit of what it holds.
    let begun = through(&executive, "/v1/imports?type=receipts", "text/csv", &[], file.as_bytes()).expect(202);
    assert_eq!(crate::exports::finished(&executive, &begun)["status"], "succeeded");
    let import = executive.get(&format!("/v1/imports/{}", id_of(&begun))).expect(200);
    assert_includes(&import["rows"], &json!({"valid": 1, "invalid": 0}));
    let committed = post_through(&executive, &format!("/v1/imports/{}/commit", id_of(&import)), &json!({"mode": "all"})).expect(202);
    assert_eq!(crate::exports::finished(&executive, &committed)["result"]["committed"], 1);
    assert_eq!(executive.get("/v1/imports?include_total=true").expect(200)["page"]["total"], 1);
    assert_eq!(executive.get("/v1/receipts?include_total=true").expect(200)["page"]["total"], 1);
    // It came short; the rest becomes a credit note that another person approves.
    let note = post_through(&executive, "/v1/credit-notes", &note_body(&invoice, "2025-01-22", "100.00")).expect(201);
    assert_eq!(note["status"], "pending_approval");
    assert_eq!(executive.get("/v1/credit-notes?include_total=true").expect(200)["page"]["total"], 1);
    let approve = format!("/v1/approvals/{}/approve", note["approval_id"].as_str().unwrap());
    let own = executive.change("POST", &approve, "*", &json!({"reason": "Mine"})).refusal();
    assert!(own["status"] == 403 && ["permission_denied", "sod_self_approval"].contains(&own["code"].as_str().unwrap()), "{own}");
    post_through(&controller, &approve, &json!({"reason": "Agreed with the customer"})).expect(200);
    let now = executive.get(&format!("/v1/invoices/{}", id_of(&invoice))).expect(200);
    assert_eq!((&now["payment_status"], &now["amounts"]["balance_due"]), (&json!("paid"), &json!("0.00")));
    let open = executive.get(&format!("/v1/customers/{}/open-items", id_of(&customer))).expect(200);
    assert_eq!((&open["data"], &open["totals"]["balance"]), (&json!([]), &json!("0.00")));
    assert_eq!(company.account("Accounts receivable"), d!(0));
    company.assert_laws();
}

/// The head of an answer and what of its body has come.
fn split(got: &[u8]) -> Option<(String, &[u8])> {
    let end = got.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((String::from_utf8_lossy(&got[..end]).to_lowercase(), &got[end + 4..]))
}

#[test]
fn an_auditor_works_on_a_line_that_breaks() {
    let company = Company::new();
    let customer = company.customer();
    for day in 10..20 {
        company.invoice(&customer, &format!("2025-01-{day}"), "2025-02-28", "118.00");
    }
    let (email, password) = (format!("{}@example.test", fresh()), "correct horse battery staple 9");
    let invited = json!({"email": email, "name": "Audit & Co", "roles": ["auditor"], "password": password, "valid_from": today(), "valid_to": today() + chrono::Days::new(1)});
    let user = company.as_role("admin").post("/v1/users", &invited).expect(201);
    let auditor = Client::bearer(log_in(&email, password, &company.id)["access_token"].as_str().unwrap().to_owned());

    let begun = post_through(&auditor, "/v1/exports", &json!({"type": "audit_o2c", "as_of": "2025-03-31"})).expect(202);
    assert_eq!(crate::exports::finished(&auditor, &begun)["status"], "succeeded");
    assert_eq!(auditor.get("/v1/exports?include_total=true").expect(200)["page"]["total"], 1);
    let manifest = auditor.get(&format!("/v1/exports/{}/manifest", id_of(&begun))).expect(200);
    assert!(signed(&manifest));
    let listed = manifest["files"].as_array().unwrap().iter().find(|file| file["name"] == "gl_detail.csv").unwrap();
    // The line breaks after a part of the file each time; it goes on behind what has come.
    let path = format!("/v1/exports/{}/files/gl_detail.csv", id_of(&begun));
    let (mut content, mut tag, mut breaks) = (Vec::new(), String::new(), 0);
    let length = usize::try_from(listed["bytes"].as_u64().unwrap()).unwrap();
    while content.len() < length {
        let wanted = (length - content.len()).min(length / 3 + 1);
        let range = format!("bytes={}-", content.len());
        let headers: &[(&str, &str)] = if content.is_empty() { &[] } else { &[("range", &range), ("if-range", &tag)] };
        let got = left(&auditor, "GET", &path, headers, b"", |got| split(got).is_some_and(|(_, body)| body.len() >= wanted));
        let (head, body) = split(&got).expect("a head");
        assert!(head.starts_with(if content.is_empty() { "http/1.1 200" } else { "http/1.1 206" }), "{head}");
        tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("an ETag").to_owned();
        content.extend_from_slice(&body[..wanted]);
        breaks += 1;
    }
    assert!(breaks > 1, "the file came at once");
    assert_eq!(listed["sha256"], hexadecimal(&Sha256::digest(&content)));
    let verified = post_through_readers(&auditor);
    assert_eq!(verified["verified"], true, "{verified}");
    auditor.post("/v1/customers", &customer_body()).refused(403, "role_read_only");
    let seen = auditor.get(&format!("/v1/audit/entries?actor_id={}&action=record.read&limit=200", id_of(&user))).expect(200);
    let paths: Vec<&str> = seen["data"].as_array().unwrap().iter().map(|entry| entry["detail"]["after"]["path"].as_str().unwrap()).collect();
    // Also those whose answer never came whole.
    assert_eq!(paths.iter().filter(|seen| **seen == path).count(), breaks, "{paths:?}");
    assert!(paths.contains(&format!("/v1/exports/{}/manifest", id_of(&begun)).as_str()), "{paths:?}");
    company.assert_laws();
}

/// What reads has no key: it is asked again.
fn post_through_readers(auditor: &Client) -> Value {
    left(auditor, "POST", "/v1/audit/verify", &[("content-type", "application/json")], b"{}", |_| true);
    auditor.post("/v1/audit/verify", &json!({})).expect(200)
}
