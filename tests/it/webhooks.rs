//! Webhooks: real receivers on this machine that answer, refuse, hang, send elsewhere, drip and leave.

use crate::events::feed;
use crate::rig::*;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Told within a second or two and sent at once; a busy machine gets more.
const SOON: Duration = Duration::from_secs(90);

/// A request as it arrived.
#[derive(Debug, Clone)]
pub struct Got {
    headers: HashMap<String, String>,
    body: String,
}
impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or_else(|| panic!("no {name} in {self:?}"), String::as_str)
    }
    pub fn event(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

#[derive(Clone)]
pub enum Act {
    Say(u16, &'static str),
    Hang,
    Drip,
    /// Hangs up without a word.
    Leave,
}

type Script = dyn Fn(&Got, usize) -> Act + Send + Sync;

/// A program that receives; it ends with the test process.
pub struct Receiver {
    pub url: String,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    /// `script` decides by the request and how many came before it.
    pub fn start(script: impl Fn(&Got, usize) -> Act + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1", script)
    }
    fn at(address: &str, script: impl Fn(&Got, usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((address, 0)).expect("a port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let (got, script): (Arc<Mutex<Vec<Got>>>, Arc<Script>) = (Arc::default(), Arc::new(script));
        let seen = Arc::clone(&got);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                thread::spawn(move || drop(serve(stream, &seen, &*script)));
            }
        });
        Self { url, got }
    }
    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }
    /// The requests, once there are so many.
    pub fn wait(&self, count: usize) -> Vec<Got> {
        until(&format!("{count} deliveries"), SOON, || Some(self.got()).filter(|got| got.len() >= count))
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<Got>>, script: &Script) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let (head, length) = loop {
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&chunk[..read]);
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length:").map(|n| n.trim().parse::<usize>().unwrap()));
            bytes.drain(..end + 4);
            break (head, length.unwrap_or(0));
        }
    };
    while bytes.len() < length {
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&chunk[..read]);
    }
    let headers = head.lines().skip(1).filter_map(|line| line.split_once(':')).map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
    let request = Got { headers, body: String::from_utf8(bytes).expect("text") };
    let before = {
        let mut seen = seen.lock().unwrap();
        seen.push(request.clone());
        seen.len() - 1
    };
    match script(&request, before) {
        Act::Say(status, extra) => {
            let said = "said\0".repeat(1000);
            write!(stream, "HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\nconnection: close\r\n{extra}\r\n{said}", said.len())
        }
        Act::Leave => Ok(()),
        Act::Hang => {
            thread::sleep(Duration::from_secs(60));
            Ok(())
        }
        Act::Drip => {
            for byte in b"HTTP/1.1 200 OK\r\nx-slow: ".iter().chain([b'x'; 200].iter()) {
                stream.write_all(&[*byte])?;
                stream.flush()?;
                thread::sleep(Duration::from_millis(300));
            }
            Ok(())
        }
    }
}

pub fn endpoint(company: &Company, url: &str, extra: Value) -> Value {
    company.as_role("admin").post("/v1/webhook-endpoints", &with(json!({"url": url}), extra)).expect(201)
}

fn deliveries(company: &Company, endpoint: &Value) -> Vec<Value> {
    let page = company.as_role("admin").get(&format!("/v1/webhook-deliveries?limit=200&sort=created_at&endpoint_id={}", id_of(endpoint))).expect(200);
    page["data"].as_array().unwrap().clone()
}

/// The delivery of an event, once it is as wanted.
fn delivery_when(company: &Company, endpoint: &Value, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until(what, SOON, || deliveries(company, endpoint).into_iter().find(|delivery| wanted(delivery)))
}

fn now_endpoint(company: &Company, endpoint: &Value) -> Value {
    company.as_role("admin").get(&format!("/v1/webhook-endpoints/{}", id_of(endpoint))).expect(200)
}

/// Lets time pass for what waits.
pub fn hurry(endpoint: &Value) {
    Db::owner().run(&format!("UPDATE webhook_delivery SET due_at = now() WHERE endpoint_id = '{}' AND state = 'pending'", id_of(endpoint))).expect("due");
    Db::owner().run(&format!("UPDATE webhook_endpoint SET paused_until = NULL WHERE id = '{}'", id_of(endpoint))).expect("no pause");
}

/// The signature as the standard says, computed here.
pub fn signed(secret: &str, got: &Got) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("its kind")).expect("base64");
    let text = format!("{}.{}.{}", got.header("webhook-id"), got.header("webhook-timestamp"), got.body);
    let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(text).finalize();
    format!("v1,{}", STANDARD.encode(mac.into_bytes()))
}

#[test]
fn an_event_is_delivered_signed_and_word_for_word_as_in_the_feed() {
    let company = Company::new();
    let receiver = Receiver::start(|_, _| Act::Say(204, ""));
    let made = endpoint(&company, &receiver.url, json!({"event_types": ["customer.created"], "description": "Order system"}));
    assert_includes(&made, &json!({"object": "webhook_endpoint", "status": "active", "ordered": false, "signature": "v1", "public_key": null, "version": 1}));
    let customer = company.customer();
    let got = receiver.wait(1).remove(0);
    let event = got.event();
    assert_eq!((&event["type"], &event["data"]["object"]["id"]), (&json!("customer.created"), &json!(customer)));
    let kept = company.controller().get(&format!("/v1/events/{}", event["id"].as_str().unwrap()));
    assert_eq!(kept.text(), got.body, "to the byte");
    assert_eq!(got.header("content-type"), "application/json");
    assert_eq!(got.header("webhook-id"), format!("msg_{}", event["id"].as_str().unwrap().trim_start_matches("evt_").replace('-', "")));
    assert_eq!(got.header("webhook-signature"), signed(made["secret"].as_str().unwrap(), &got));
    let stamp: i64 = got.header("webhook-timestamp").parse().unwrap();
    let told = chrono::DateTime::parse_from_rfc3339(event["timestamp"].as_str().unwrap()).unwrap().timestamp();
    assert!((0..300).contains(&(stamp - told)), "{stamp} {told}");
    let delivered = delivery_when(&company, &made, "the delivery to be noted", |delivery| delivery["status"] == "delivered");
    assert_includes(
        &delivered,
        &json!({"event_type": "customer.created", "event_id": event["id"], "attempt_count": 1, "next_attempt_at": null, "sequence": event["sequence"]}),
    );
    assert_includes(&delivered["attempts"][0], &json!({"number": 1, "status_code": 204, "error": null}));
    assert_eq!(now_endpoint(&company, &made)["health"]["last_status_code"], 204);
    assert_eq!(now_endpoint(&company, &made)["secret"], Value::Null, "shown once");
    // A retry of the creation does not show the secret again.
    let (admin, key, body) = (company.as_role("admin"), fresh(), json!({"url": receiver.url, "event_types": ["period.closed"]}));
    assert!(admin.post_keyed("/v1/webhook-endpoints", &key, &body).expect(201)["secret"].is_string());
    let again = admin.post_keyed("/v1/webhook-endpoints", &key, &body);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.expect(201)["secret"], Value::Null);
    company.assert_laws();
}

#[test]
fn what_fails_is_tried_by_the_plan_then_parked_and_can_be_sent_again() {
    let company = Company::new();
    let receiver = Receiver::start(|_, before| if before < 11 { Act::Say(500, "") } else { Act::Say(200, "") });
    let made = endpoint(&company, &receiver.url, json!({"event_types": ["customer.created"]}));
    company.customer();
    let mut waits = Vec::new();
    for attempt in 1..=10 {
        let delivery = delivery_when(&company, &made, "an attempt", |delivery| {
            delivery["attempt_count"] == attempt && delivery["attempts"].as_array().unwrap().len() == attempt
        });
        let last = &delivery["attempts"][attempt - 1];
        assert_eq!(last["status_code"], 500, "{delivery}");
        // A kilobyte of what was said, without what no text may hold.
        assert!(last["response_body"].as_str().is_some_and(|said| said.starts_with("saidsaid") && said.len() <= 1024), "{delivery}");
        if attempt < 10 {
            let at = |value: &Value| chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap();
            waits.push((at(&delivery["next_attempt_at"]) - at(&last["attempted_at"])).num_seconds());
            assert_eq!(delivery["status"], "pending");
            hurry(&made);
        } else {
            assert_eq!((&delivery["status"], &delivery["next_attempt_at"]), (&json!("parked"), &Value::Null));
        }
    }
    // 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, a fifth more or less; the answer itself takes time too.
    for (wait, plan) in waits.iter().zip([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400]) {
        assert!((plan * 8 / 10 - 1..=plan * 12 / 10 + 60).contains(wait), "{wait} for {plan}: {waits:?}");
    }
    assert_eq!(now_endpoint(&company, &made)["status"], "failing");
    assert_eq!(now_endpoint(&company, &made)["health"]["failures"], 10);
    let parked = deliveries(&company, &made).remove(0);
    company.as_role("admin").post(&format!("/v1/webhook-deliveries/{}/retry", id_of(&parked)), &json!({})).expect(200);
    // Once more it fails, then somebody is there: what is left is the plan from its beginning.
    delivery_when(&company, &made, "the eleventh attempt", |delivery| {
        delivery["attempt_count"] == 11 && delivery["status"] == "pending" && delivery["attempts"].as_array().unwrap().len() == 11
    });
    hurry(&made);
    let delivered = delivery_when(&company, &made, "the delivery", |delivery| delivery["status"] == "delivered");
    assert_eq!(delivered["attempt_count"], 12);
    let ids: std::collections::BTreeSet<String> = receiver.got().iter().map(|got| got.header("webhook-id").to_owned()).collect();
    assert_eq!((ids.len(), now_endpoint(&company, &made)["status"].clone()), (1, json!("active")));
    company.assert_laws();
}

#[test]
fn receivers_that_hang_drip_send_elsewhere_or_are_not_there_fail_and_hold_nobody_up() {
    let company = Company::new();
    let elsewhere = Receiver::start(|_, _| Act::Say(200, ""));
    let header: &'static str = Box::leak(format!("location: {}\r\n", elsewhere.url).into_boxed_str());
    let receivers = [
        Receiver::start(|_, _| Act::Hang),
        Receiver::start(|_, _| Act::Drip),
        Receiver::start(move |_, _| Act::Say(307, header)),
        Receiver::start(move |_, _| Act::Say(302, header)),
    ];
    let bad: Vec<Value> = receivers.iter().map(|receiver| endpoint(&company, &receiver.url, json!({"event_types": ["customer.*"]}))).collect();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = endpoint(&company, &format!("http://{nobody}/"), json!({"event_types": ["customer.*"]}));
    // No TLS is spoken there.
    let plain = Receiver::start(|_, _| Act::Say(200, ""));
    let plain = endpoint(&company, &plain.url.replace("http:", "https:"), json!({"event_types": ["customer.*"]}));
    let good = Receiver::start(|_, _| Act::Say(200, ""));
    endpoint(&company, &good.url, json!({"event_types": ["customer.*"]}));
    for _ in 0..12 {
        company.customer();
    }
    good.wait(12);
    let first = |endpoint: &Value| {
        delivery_when(&company, endpoint, "a failure to be noted", |delivery| !delivery["attempts"].as_array().unwrap().is_empty())["attempts"][0].clone()
    };
    for endpoint in &bad[..2] {
        let attempt = first(endpoint);
        assert!(attempt["status_code"].is_null() && attempt["error"].as_str().is_some_and(|error| error.contains("timeout")), "{attempt}");
        assert!((14_000..40_000).contains(&attempt["latency_ms"].as_i64().unwrap()), "{attempt}");
    }
    assert_eq!((first(&bad[2])["status_code"].clone(), first(&bad[3])["status_code"].clone()), (json!(307), json!(302)));
    assert!(elsewhere.got().is_empty(), "redirects are not followed");
    for endpoint in [&nobody, &plain] {
        let attempt = first(endpoint);
        assert!(attempt["status_code"].is_null() && attempt["error"].is_string(), "{attempt}");
    }
    company.assert_laws();
}

#[test]
fn nothing_is_sent_into_the_house_however_it_is_spelled_or_whatever_it_was_before() {
    let company = Company::new();
    let admin = company.as_role("admin");
    let inside = Receiver::at("127.0.0.2", |_, _| Act::Say(200, ""));
    for url in [
        inside.url.as_str(),
        "https://localhost/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://2130706433/",
        "http://example.com/",
        "https://example.com:25/",
        "https://example.com:99999/",
        "https://example.com:/",
    ] {
        let refused = admin.post("/v1/webhook-endpoints", &json!({"url": url})).refused(422, "webhook_url_refused");
        assert!(blames(&refused, "#/url", "webhook_url_refused"), "{refused}");
    }
    let refused = admin
        .post("/v1/webhook-endpoints", &json!({"url": "https://hooks.example.com/", "event_types": ["receipts.*", "*"]}))
        .refused(422, "event_type_unknown");
    assert!(blames(&refused, "#/event_types/0", "event_type_unknown"), "{refused}");
    // What was allowed when it was written down is looked at again when it is used.
    let made = endpoint(&company, "https://hooks.example.com/", json!({"event_types": ["customer.*"]}));
    for url in [
        inside.url.clone(),
        inside.url.replace("127.0.0.2", "localhost.localdomain"),
        "http://0/".into(),
        format!("https://127.0.0.2:{}/", inside.url.rsplit(':').next().unwrap().trim_end_matches("/hook")),
    ] {
        let one = endpoint(&company, "https://hooks.example.com/", json!({"event_types": ["item.created"]}));
        Db::owner().commit_in(&company.id, &format!("UPDATE webhook_endpoint SET url = '{url}' WHERE id = '{}'", id_of(&one))).expect("behind our back");
        admin.post(&format!("/v1/webhook-endpoints/{}/test", id_of(&one)), &json!({})).expect(200);
        let failed = delivery_when(&company, &one, "the attempt", |delivery| !delivery["attempts"].as_array().unwrap().is_empty());
        assert!(failed["attempts"][0]["status_code"].is_null() && failed["attempts"][0]["error"].is_string(), "{url}: {failed}");
        // Put back, so that the log agrees with the record again.
        Db::owner()
            .commit_in(&company.id, &format!("UPDATE webhook_endpoint SET url = 'https://hooks.example.com/' WHERE id = '{}'", id_of(&one)))
            .expect("put back");
        admin.change("DELETE", &format!("/v1/webhook-endpoints/{}", id_of(&one)), "*", &Value::Null).expect(200);
    }
    assert!(inside.got().is_empty(), "{:?}", inside.got());
    admin.change("DELETE", &format!("/v1/webhook-endpoints/{}", id_of(&made)), "*", &Value::Null).expect(200);
    company.assert_laws();
}

#[test]
fn gone_means_no_more_and_so_does_failing_for_five_days() {
    let company = Company::new();
    let admin = company.as_role("admin");
    let gone = Receiver::start(|_, _| Act::Say(410, ""));
    let failing = Receiver::start(|_, _| Act::Say(404, ""));
    let made = endpoint(&company, &gone.url, json!({"event_types": ["customer.*"]}));
    let other = endpoint(&company, &failing.url, json!({"event_types": ["customer.*"]}));
    company.customer();
    let disabled =
        |endpoint: &Value| until("the endpoint to be disabled", SOON, || Some(now_endpoint(&company, endpoint)).filter(|now| now["status"] == "disabled"));
    assert!(disabled(&made)["disabled_reason"].as_str().unwrap().contains("410"));
    assert_eq!(deliveries(&company, &made)[0]["status"], "parked");
    delivery_when(&company, &other, "the first failure", |delivery| delivery["attempts"].as_array().unwrap().len() == 1);
    assert_eq!(now_endpoint(&company, &other)["status"], "failing");
    Db::owner().run(&format!("UPDATE webhook_endpoint SET failing_since = now() - interval '121 hours' WHERE id = '{}'", id_of(&other))).expect("long ago");
    hurry(&other);
    assert!(disabled(&other)["disabled_reason"].as_str().unwrap().contains("five days"));
    let told = feed(&company);
    let ends: Vec<&Value> = told.iter().filter(|event| event["type"] == "webhook_endpoint.disabled").collect();
    assert_eq!(ends.len(), 2, "{ends:?}");
    assert_eq!(ends[0]["actor"], json!({"type": "system"}));
    assert_eq!(
        ends[0]["data"]["previous"],
        json!({"status": "failing", "active": true, "disabled_reason": null, "last_status_code": null}),
        "only what changed"
    );
    // Nothing is queued for it, and nothing can be sent, until it is switched on.
    company.customer();
    feed(&company);
    let parked = deliveries(&company, &made);
    assert_eq!(parked.len(), 1);
    let retry = format!("/v1/webhook-deliveries/{}/retry", id_of(&parked[0]));
    admin.post(&retry, &json!({})).refused(409, "invalid_state");
    admin.post(&format!("/v1/webhook-endpoints/{}/test", id_of(&made)), &json!({})).refused(409, "invalid_state");
    let version = format!("\"v{}\"", now_endpoint(&company, &made)["version"]);
    let on = admin.change("PATCH", &format!("/v1/webhook-endpoints/{}", id_of(&made)), &version, &json!({"active": true})).expect(200);
    assert_includes(&on, &json!({"status": "active", "disabled_reason": null}));
    admin.change("PATCH", &format!("/v1/webhook-endpoints/{}", id_of(&made)), &version, &json!({"active": false})).refused(412, "version_mismatch");
    company.assert_laws();
}

#[test]
fn a_rotated_secret_overlaps_with_the_one_before_and_ed25519_needs_none() {
    let company = Company::new();
    let admin = company.as_role("admin");
    let (receiver, public) = (Receiver::start(|_, _| Act::Say(200, "")), Receiver::start(|_, _| Act::Say(200, "")));
    let made = endpoint(&company, &receiver.url, json!({"event_types": ["customer.*"]}));
    let signer = endpoint(&company, &public.url, json!({"event_types": ["customer.*"], "signature": "v1a"}));
    assert!(signer["secret"].is_null() && signer["public_key"].as_str().unwrap().starts_with("whpk_"), "{signer}");
    let rotate = |body: Value| admin.post(&format!("/v1/webhook-endpoints/{}/rotate-secret", id_of(&made)), &body).expect(200);
    let (old, new) = (made["secret"].as_str().unwrap().to_owned(), rotate(json!({})));
    assert!(new["secret"] != made["secret"] && new["previous_secret_expires_at"].is_string());
    company.customer();
    let got = receiver.wait(1).remove(0);
    assert_eq!(got.header("webhook-signature"), format!("{} {}", signed(new["secret"].as_str().unwrap(), &got), signed(&old, &got)));
    let newest = rotate(json!({"overlap_hours": 0}));
    company.customer();
    let got = receiver.wait(2).remove(1);
    assert_eq!(got.header("webhook-signature"), signed(newest["secret"].as_str().unwrap(), &got));
    admin.post(&format!("/v1/webhook-endpoints/{}/rotate-secret", id_of(&made)), &json!({"overlap_hours": 73})).refused(422, "validation_failed");
    let got = public.wait(2).remove(0);
    let key = STANDARD.decode(signer["public_key"].as_str().unwrap().trim_start_matches("whpk_")).unwrap();
    let signature = STANDARD.decode(got.header("webhook-signature").strip_prefix("v1a,").expect("its kind")).unwrap();
    let text = format!("{}.{}.{}", got.header("webhook-id"), got.header("webhook-timestamp"), got.body);
    UnparsedPublicKey::new(&ED25519, key).verify(text.as_bytes(), &signature).expect("signed");
    // The log tells of the rotation, not of the secret.
    let log = company.sql("SELECT body FROM audit_event WHERE company_id = {c} AND object = 'webhook_endpoint'");
    assert!(log.len() >= 4 && log.iter().all(|row| !row["body"].as_str().unwrap().contains("whsec_")));
    company.assert_laws();
}

#[test]
fn where_order_counts_the_next_event_of_a_thing_waits_for_the_one_before() {
    let company = Company::new();
    let customer = company.customer();
    let stuck = customer.clone();
    // The first of this customer's events is refused twice.
    let receiver = Receiver::start(move |got, _| {
        static REFUSED: Mutex<usize> = Mutex::new(0);
        let mut refused = REFUSED.lock().unwrap();
        if got.event()["data"]["object"]["id"] == stuck.as_str() && *refused < 2 {
            *refused += 1;
            return Act::Say(500, "");
        }
        Act::Say(200, "")
    });
    let made = endpoint(&company, &receiver.url, json!({"event_types": ["customer.updated"], "ordered": true}));
    let rename =
        |customer: &str, name: &str| company.executive().change("PATCH", &format!("/v1/customers/{customer}"), "*", &json!({"legal_name": name})).expect(200);
    for n in 1..=5 {
        rename(&customer, &format!("Renamed {n} Pvt Ltd"));
    }
    let other = company.customer();
    rename(&other, "Another Pvt Ltd");
    until("the other's event", SOON, || receiver.got().iter().any(|got| got.event()["data"]["object"]["id"] == other.as_str()).then_some(()));
    for failures in 1..=2 {
        delivery_when(&company, &made, "a failure", |delivery| delivery["status"] == "pending" && delivery["attempts"].as_array().unwrap().len() == failures);
        hurry(&made);
    }
    until("everything to be delivered", SOON, || deliveries(&company, &made).iter().all(|delivery| delivery["status"] == "delivered").then_some(()));
    let seen: Vec<i64> = receiver
        .got()
        .iter()
        .map(Got::event)
        .filter(|event| event["data"]["object"]["id"] == customer.as_str())
        .map(|event| event["object_sequence"].as_i64().unwrap())
        .collect();
    assert_eq!(seen, [2, 2, 2, 3, 4, 5, 6]);
    company.assert_laws();
}

#[test]
fn a_range_is_sent_again_under_the_ids_it_had_and_a_pause_asked_for_is_kept() {
    let company = Company::new();
    let admin = company.as_role("admin");
    let receiver = Receiver::start(|_, before| if before == 4 { Act::Say(429, "retry-after: 3600\r\n") } else { Act::Say(200, "") });
    let made = endpoint(&company, &receiver.url, json!({"event_types": ["customer.created"]}));
    for _ in 0..2 {
        company.customer();
    }
    let first = receiver.wait(2);
    let last = feed(&company).last().unwrap()["sequence"].as_i64().unwrap();
    let path = format!("/v1/webhook-endpoints/{}/replay", id_of(&made));
    let replayed = admin.post(&path, &json!({"from_sequence": 1, "to_sequence": last})).expect(202);
    assert_includes(&replayed, &json!({"object": "webhook_replay", "queued": 2, "to_sequence": last}));
    let again = receiver.wait(4);
    let ids = |got: &[Got]| got.iter().map(|got| got.header("webhook-id").to_owned()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(ids(&again[2..4]), ids(&first[..2]));
    admin.post(&path, &json!({"from_sequence": 9, "to_sequence": 8})).refused(422, "validation_failed");
    admin.post(&path, &json!({"from_sequence": 1, "to_sequence": 10_001})).refused(422, "validation_failed");
    // Who is at its limit is left alone for as long as it asks, with everything.
    let ping = admin.post(&format!("/v1/webhook-endpoints/{}/test", id_of(&made)), &json!({})).expect(200);
    assert_includes(&ping, &json!({"event_type": "ping", "sequence": null, "status": "pending"}));
    let asked =
        delivery_when(&company, &made, "the answer 429", |delivery| delivery["id"] == ping["id"] && !delivery["attempts"].as_array().unwrap().is_empty());
    let at = |value: &Value| chrono::DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap();
    assert!((at(&asked["next_attempt_at"]) - at(&asked["attempts"][0]["attempted_at"])).num_seconds() >= 3600, "{asked}");
    company.customer();
    feed(&company);
    let paused = company.sql(&format!("SELECT (paused_until > now() + interval '50 minutes') AS far FROM webhook_endpoint WHERE id = '{}'", id_of(&made)));
    assert_eq!(paused[0]["far"], true);
    assert_eq!(receiver.got().len(), 5);
    hurry(&made);
    receiver.wait(7);
    company.assert_laws();
}

#[test]
fn a_machine_manages_its_own_endpoints_and_gets_what_it_may_read() {
    let company = Company::new();
    let (machine, admin) = (company.as_machine(&["webhooks:manage", "receipts:read"]), company.as_role("admin"));
    let receiver = Receiver::start(|_, _| Act::Say(200, ""));
    let own = machine.post("/v1/webhook-endpoints", &json!({"url": receiver.url})).expect(201);
    let theirs = endpoint(&company, "http://127.0.0.1:9/", json!({"event_types": ["period.closed"]}));
    let listed = machine.get("/v1/webhook-endpoints").expect(200);
    assert_eq!(listed["data"].as_array().unwrap().iter().map(id_of).collect::<Vec<_>>(), [id_of(&own)]);
    machine.get(&format!("/v1/webhook-endpoints/{}", id_of(&theirs))).refused(404, "not_found");
    machine.change("DELETE", &format!("/v1/webhook-endpoints/{}", id_of(&theirs)), "*", &Value::Null).refused(404, "not_found");
    let ping = admin.post(&format!("/v1/webhook-endpoints/{}/test", id_of(&theirs)), &json!({})).expect(200);
    machine.get(&format!("/v1/webhook-deliveries/{}", id_of(&ping))).refused(404, "not_found");
    machine.post(&format!("/v1/webhook-deliveries/{}/retry", id_of(&ping)), &json!({})).refused(404, "not_found");
    assert_eq!(admin.get("/v1/webhook-endpoints").expect(200)["data"].as_array().unwrap().len(), 2);
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "10.00");
    company.receipt(&customer, "2025-01-15", "10.00", json!([to_invoice(&invoice, "10.00")]));
    let got: Vec<String> = receiver.wait(2).iter().map(|got| got.event()["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(got.iter().collect::<std::collections::BTreeSet<_>>(), [&"receipt.allocated".to_owned(), &"receipt.recorded".to_owned()].into());
    let mine = machine.get("/v1/webhook-deliveries?status=delivered,pending").expect(200);
    assert!(mine["data"].as_array().unwrap().iter().all(|delivery| delivery["endpoint_id"] == own["id"]), "{mine}");
    // Nor does it hear of them: neither in the feed nor at its endpoint.
    let nosy = company.as_machine(&["webhooks:manage", "events:read"]);
    let ears = Receiver::start(|_, _| Act::Say(200, ""));
    let mine = nosy.post("/v1/webhook-endpoints", &json!({"url": ears.url, "event_types": ["webhook_endpoint.*"]})).expect(201);
    let others = endpoint(&company, "http://127.0.0.1:9/", json!({"event_types": ["period.closed"]}));
    nosy.change("PATCH", &format!("/v1/webhook-endpoints/{}", id_of(&mine)), "*", &json!({"description": "ours"})).expect(200);
    let told = feed(&company);
    let of = |event: &Value| event["data"]["object"]["id"].clone();
    let strange = told.iter().find(|event| of(event) == others["id"]).expect("people hear of it");
    nosy.get(&format!("/v1/events/{}", strange["id"].as_str().unwrap())).refused(404, "not_found");
    let heard = nosy.get("/v1/events?type=webhook_endpoint.*").expect(200);
    let heard = heard["data"].as_array().unwrap();
    assert!(heard.len() > 1 && heard.iter().all(|event| of(event) == mine["id"]), "{heard:?}");
    assert!(ears.wait(1).iter().all(|got| of(&got.event()) == mine["id"]));
    machine.change("DELETE", &format!("/v1/webhook-endpoints/{}", id_of(&own)), "*", &Value::Null).expect(200);
    machine.get(&format!("/v1/webhook-endpoints/{}", id_of(&own))).refused(404, "not_found");
    company.assert_laws();
}

#[test]
fn what_a_client_may_no_longer_hear_is_not_sent_whatever_waits() {
    let company = Company::new();
    let (admin, client) = (company.as_role("admin"), company.api_client(&["webhooks:manage", "customers:read"]));
    let machine = Client::bearer(machine_token(&client, "grant_type=client_credentials").expect(200)["access_token"].as_str().unwrap().to_owned());
    // Refuses the first, so that it waits for its next attempt.
    let receiver = Receiver::start(|_, before| Act::Say(if before == 0 { 500 } else { 200 }, ""));
    let made = machine.post("/v1/webhook-endpoints", &json!({"url": receiver.url, "event_types": ["customer.created"]})).expect(201);
    company.customer();
    let waiting = delivery_when(&company, &made, "the first attempt", |delivery| delivery["attempt_count"] == 1 && delivery["status"] == "pending");
    let patch = |change: Value| admin.change("PATCH", &format!("/v1/api-clients/{}", id_of(&client)), "*", &change).expect(200);
    let retry = || admin.post(&format!("/v1/webhook-deliveries/{}/retry", id_of(&waiting)), &json!({}));
    patch(json!({"scopes": ["webhooks:manage"]}));
    assert_eq!(retry().refused(403, "permission_denied")["required_permission"], "customers:read");
    // Who may do nothing for now gets nothing for now.
    patch(json!({"scopes": ["webhooks:manage", "customers:read"], "active": false}));
    hurry(&made);
    let other = Receiver::start(|_, _| Act::Say(200, ""));
    let theirs = endpoint(&company, &other.url, json!({"event_types": ["customer.created"]}));
    company.customer();
    other.wait(1);
    assert_eq!((receiver.got().len(), now_endpoint(&company, &made)["status"].as_str()), (1, Some("failing")));
    // Who may never again has no endpoint any more.
    admin.change("DELETE", &format!("/v1/api-clients/{}", id_of(&client)), "*", &Value::Null).expect(200);
    let gone = until("the endpoint to be disabled", SOON, || Some(now_endpoint(&company, &made)).filter(|endpoint| endpoint["status"] == "disabled"));
    assert!(gone["disabled_reason"].as_str().unwrap().contains("revoked"), "{gone}");
    assert_eq!(deliveries(&company, &made)[0]["status"], "parked");
    assert_eq!((receiver.got().len(), now_endpoint(&company, &theirs)["status"].as_str()), (1, Some("active")));
    let told = feed(&company);
    assert_eq!(told.iter().filter(|event| event["type"] == "webhook_endpoint.disabled").count(), 1);
    company.assert_laws();
}

#[test]
fn what_a_courier_took_and_never_finished_is_taken_up_by_another() {
    let company = Company::new();
    let receiver = Receiver::start(|_, _| Act::Say(200, ""));
    let made = endpoint(&company, &receiver.url, json!({"event_types": ["customer.created"]}));
    // As after a crash: taken, and nobody at it.
    let admin = company.as_role("admin");
    let path = format!("/v1/webhook-endpoints/{}", id_of(&made));
    Db::owner().run(&format!("UPDATE webhook_endpoint SET paused_until = now() + interval '1 hour' WHERE id = '{}'", id_of(&made))).expect("paused");
    admin.post(&format!("{path}/test"), &json!({})).expect(200);
    Db::owner()
        .run(&format!("UPDATE webhook_delivery SET attempts = 1, tries = 1, due_at = now() + interval '60 seconds' WHERE endpoint_id = '{}'", id_of(&made)))
        .expect("taken");
    hurry(&made);
    let delivered = delivery_when(&company, &made, "the delivery", |delivery| delivery["status"] == "delivered");
    assert_eq!((&delivered["attempt_count"], &delivered["attempts"][0]["number"]), (&json!(2), &json!(2)));
    company.assert_laws();
}
