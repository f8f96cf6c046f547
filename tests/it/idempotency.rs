//! Idempotency-Key (api.md 4.8), replay by external_id, and dry runs.

use crate::rig::*;
use serde_json::{Value, json};

struct Ground {
    company: Company,
    executive: Client,
    body: Value,
}

fn ground() -> Ground {
    let company = Company::new();
    let body = receipt_body(&company.customer(), "2025-01-15", "500.00");
    Ground { executive: company.executive(), company, body }
}

impl Ground {
    fn receipts(&self) -> usize {
        self.company.sql("SELECT id FROM receipt WHERE company_id = {c}").len()
    }
}

#[test]
fn a_replay_gives_the_same_bytes_and_says_so() {
    let ground = ground();
    let key = fresh();
    let first = ground.executive.post_keyed("/v1/receipts", &key, &ground.body);
    assert_eq!((first.status, first.header("idempotent-replayed")), (201, None), "{}", first.text());
    for key in [key.clone(), format!("\"{key}\"")] {
        let again = ground.executive.post_keyed("/v1/receipts", &key, &ground.body);
        assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")));
        assert_eq!(again.header("idempotency-original-request-id"), first.header("request-id"));
        assert_ne!(again.header("request-id"), first.header("request-id"));
        for header in ["etag", "location", "content-type"] {
            assert_eq!(again.header(header), first.header(header), "{header}");
        }
        assert_eq!(again.bytes, first.bytes);
    }
    assert_eq!(ground.receipts(), 1);
    ground.company.assert_laws();
}

#[test]
fn a_body_written_in_another_order_is_the_same_request() {
    let ground = ground();
    let key = fresh();
    ground.executive.post_keyed("/v1/receipts", &key, &ground.body).expect(201);
    let members: Vec<String> = ground.body.as_object().unwrap().iter().rev().map(|(name, value)| format!("  {} :\n {value}", json!(name))).collect();
    let reordered = format!("{{{}}}", members.join(" ,"));
    let again = ground.executive.post_raw("/v1/receipts", &[("idempotency-key", &key)], reordered.as_bytes());
    assert_eq!((again.status, again.header("idempotent-replayed")), (201, Some("true")), "{}", again.text());
    ground.company.assert_laws();
}

#[test]
fn another_body_under_the_same_key_is_refused() {
    let ground = ground();
    let key = fresh();
    ground.executive.post_keyed("/v1/receipts", &key, &ground.body).expect(201);
    let before = ground.company.fingerprint();
    let other = with(ground.body.clone(), json!({"amount_received": "500.01"}));
    ground.executive.post_keyed("/v1/receipts", &key, &other).refused(422, "idempotency_key_reused");
    assert_eq!(ground.company.fingerprint(), before);
    ground.company.assert_laws();
}

#[test]
fn a_failure_is_not_stored() {
    let ground = ground();
    let key = fresh();
    let wrong = with(ground.body.clone(), json!({"amount_received": "-1.00"}));
    ground.executive.post_keyed("/v1/receipts", &key, &wrong).refusal();
    let done = ground.executive.post_keyed("/v1/receipts", &key, &ground.body);
    assert_eq!((done.status, done.header("idempotent-replayed")), (201, None), "{}", done.text());
    ground.company.assert_laws();
}

#[test]
fn a_missing_or_unreadable_key_is_refused() {
    let ground = ground();
    let body = ground.body.to_string();
    let problem = ground.executive.post_raw("/v1/receipts", &[], body.as_bytes()).refused(400, "idempotency_key_missing");
    assert_eq!(problem["errors"][0]["header"], "Idempotency-Key");
    for key in ["", " ", "two words", "\"\"", &"k".repeat(256)] {
        let refused = ground.executive.post_raw("/v1/receipts", &[("idempotency-key", key)], body.as_bytes()).refusal();
        assert_eq!(refused["status"], 400, "{key:?}: {refused}");
    }
    // What is wrong with the header is told beside what is wrong with the body.
    for (headers, code) in [(&[][..], "header_missing"), (&[("idempotency-key", "two words")][..], "header_invalid")] {
        let problem = ground.executive.post_raw("/v1/receipts", headers, b"{\"amount_received\": 1}").refusal();
        let errors = problem["errors"].as_array().unwrap();
        assert!(errors.len() > 2 && errors.iter().any(|error| error["pointer"] == "#/amount_received"), "{problem}");
        assert_eq!(errors.iter().filter(|error| error["header"] == "Idempotency-Key" && error["code"] == code).count(), 1, "{problem}");
        assert!(problem["detail"].as_str().unwrap().starts_with(&errors.len().to_string()), "{problem}");
    }
    assert_eq!(ground.receipts(), 0);
    ground.company.assert_laws();
}

#[test]
fn two_callers_and_two_operations_may_use_equal_keys() {
    let ground = ground();
    let key = fresh();
    let machine = ground.company.as_machine(&["receipts:write", "receipts:read"]);
    ground.executive.post_keyed("/v1/receipts", &key, &ground.body).expect(201);
    let another = |amount: &str| with(ground.body.clone(), json!({"amount_received": amount, "external_id": fresh(), "utr": fresh()}));
    let theirs = machine.post_keyed("/v1/receipts", &key, &another("600.00"));
    assert_eq!((theirs.status, theirs.header("idempotent-replayed")), (201, None), "{}", theirs.text());
    let bulk = ground.executive.post_keyed("/v1/receipts/bulk", &key, &json!({"mode": "per_item", "items": [another("700.00")]}));
    assert_eq!((bulk.status, bulk.header("idempotent-replayed")), (207, None), "{}", bulk.text());
    assert_eq!(ground.receipts(), 3);
    ground.company.assert_laws();
}

#[test]
fn a_bulk_reply_is_stored_whole() {
    let ground = ground();
    let key = fresh();
    let body = json!({"mode": "per_item", "items": [ground.body, with(ground.body.clone(), json!({"amount_received": "x"}))]});
    let first = ground.executive.post_keyed("/v1/receipts/bulk", &key, &body);
    assert_eq!(first.json()["summary"], json!({"total": 2, "succeeded": 1, "failed": 1}), "{}", first.text());
    let again = ground.executive.post_keyed("/v1/receipts/bulk", &key, &body);
    assert_eq!((again.status, again.header("idempotent-replayed"), &again.bytes), (207, Some("true"), &first.bytes));
    ground.company.assert_laws();
}

#[test]
fn a_lost_reply_is_found_again_by_external_id() {
    let ground = ground();
    let made = ground.executive.post("/v1/receipts", &ground.body).expect(201);
    let problem = ground.executive.post("/v1/receipts", &ground.body).refused(409, "duplicate_external_id");
    assert_eq!(problem["current"]["id"], made["id"], "{problem}");
    let invoice = invoice_body(ground.body["customer_id"].as_str().unwrap(), "2025-01-10", "10.00");
    let made = ground.executive.post("/v1/invoices", &invoice).expect(201);
    let problem = ground.executive.post("/v1/invoices", &invoice).refused(409, "duplicate_external_id");
    assert_eq!(problem["current"]["id"], made["id"], "{problem}");
    ground.company.assert_laws();
}

#[test]
fn whatever_a_partner_asks_for_is_found_again_by_its_own_id() {
    let ground = ground();
    let (company, executive) = (&ground.company, &ground.executive);
    let receipt = executive.post("/v1/receipts", &ground.body).expect(201);
    let invoice = company.invoice(ground.body["customer_id"].as_str().unwrap(), "2025-01-10", "2025-02-09", "100.00");
    let beneficiary = json!({"name": "Acme Retail Pvt Ltd", "account_number": "50200012345678"});
    let target = json!({"target_type": "invoice", "target_id": invoice["id"], "amount": "10.00"});
    for (path, body) in [
        ("/v1/refunds", json!({"source_type": "receipt", "source_id": receipt["id"], "amount": "10.00", "reason": "Paid twice", "beneficiary": beneficiary})),
        (
            "/v1/write-offs",
            json!({"customer_id": ground.body["customer_id"], "written_off_on": "2025-01-20", "reason": "Customer is insolvent", "items": [target]}),
        ),
        (
            "/v1/adjustments",
            json!({"target_type": "invoice", "target_id": invoice["id"], "amount": "-1.00", "adjusted_on": "2025-01-20", "reason": "Rounding agreed"}),
        ),
    ] {
        let (id, client) = (fresh(), if path == "/v1/adjustments" { company.controller() } else { executive.clone() });
        let made = client.post(path, &with(body.clone(), json!({"external_id": id}))).expect(201);
        assert_eq!(made["external_id"], id.as_str());
        let problem = client.post(path, &with(body, json!({"external_id": id}))).refused(409, "duplicate_external_id");
        assert_eq!(problem["current"]["id"], made["id"], "{path}: {problem}");
        let found = client.get(&format!("{path}?external_id={id}&include_total=true")).expect(200);
        assert_eq!((&found["page"]["total"], &found["data"][0]["id"]), (&json!(1), &made["id"]), "{path}");
    }
    company.assert_laws();
}

#[test]
fn the_same_payment_twice_is_refused_unless_it_is_said_to_be_another() {
    let ground = ground();
    ground.executive.post("/v1/receipts", &ground.body).expect(201);
    let again = with(ground.body.clone(), json!({"external_id": fresh(), "receipt_date": "2025-01-17"}));
    ground.executive.post("/v1/receipts", &again).refused(409, "duplicate_receipt");
    let meant = with(again, json!({"allow_duplicate": true, "reason": "The bank repeats its references"}));
    ground.executive.post("/v1/receipts", &meant).expect(201);
    assert_eq!(ground.receipts(), 2);
    ground.company.assert_laws();
}

#[test]
fn a_dry_run_answers_as_if_done_and_keeps_nothing() {
    let ground = ground();
    let before = ground.company.fingerprint();
    let dry = ground.executive.post("/v1/receipts?validate_only=true", &ground.body).expect(200);
    assert_eq!(dry["totals"]["unapplied"], "500.00", "{dry}");
    ground.executive.post("/v1/receipts?validate_only=true", &with(ground.body.clone(), json!({"receipt_date": "2009-12-31"}))).refused(409, "period_closed");
    assert_eq!(ground.company.fingerprint(), before);
    ground.company.assert_laws();
}
