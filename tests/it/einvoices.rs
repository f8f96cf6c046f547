//! E-invoices over HTTP: payloads, answers of a portal with a key of its own, cancellations (gst.md 4.6, api.md 5, 6, 13.8).

use crate::rig::*;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use chrono_tz::Asia::Kolkata;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::LazyLock;

/// The portal of this run: the server trusts its public key.
static PORTAL: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).expect("a key"));

/// Its public key, as the server finds it in the data directory.
pub fn publish_key(directory: &Path) {
    let der = AsDer::<PublicKeyX509Der<'_>>::as_der(PORTAL.public_key()).expect("a public key");
    let body = STANDARD.encode(der.as_ref()).as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>().join("\n");
    std::fs::write(directory.join("irp-keys.pem"), format!("The portal of the tests.\n-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"))
        .expect("written");
}

fn signed_by(key: &RsaKeyPair, header: &Value, data: &Value) -> String {
    let claims = json!({"data": data.to_string(), "iss": "NIC"});
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).expect("signed");
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn signed(data: &Value) -> String {
    signed_by(&PORTAL, &json!({"alg": "RS256", "kid": "TEST", "typ": "JWT"}), data)
}

/// By itself: SHA-256 of GSTIN, year, type and number.
fn irn(payload: &Value, year: &str) -> String {
    let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let hash = Sha256::digest(format!("{}{year}{}{}", text("/SellerDtls/Gstin"), text("/DocDtls/Typ"), text("/DocDtls/No")));
    hash.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

#[allow(clippy::disallowed_methods, reason = "the portal reads a clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A time as the portal writes it.
fn local(at: DateTime<Utc>) -> String {
    at.with_timezone(&Kolkata).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// What the portal puts into the QR code of a payload.
fn qr(payload: &Value, year: &str, at: DateTime<Utc>) -> Value {
    let of = |pointer: &str| payload.pointer(pointer).cloned().unwrap_or_default();
    let items = payload["ItemList"].as_array().expect("items");
    let value = |item: &&Value| item["AssAmt"].as_number().map(|n| n.to_string().parse::<Decimal>().expect("a decimal"));
    let main = items.iter().max_by_key(|item| value(item)).expect("an item")["HsnCd"].clone();
    json!({"SellerGstin": of("/SellerDtls/Gstin"), "BuyerGstin": of("/BuyerDtls/Gstin"), "DocNo": of("/DocDtls/No"), "DocTyp": of("/DocDtls/Typ"), "DocDt": of("/DocDtls/Dt"),
           "TotInvVal": of("/ValDtls/TotInvVal"), "ItemCnt": items.len(), "MainHsnCode": main, "Irn": irn(payload, year), "IrnDt": local(at)})
}

/// An answer as downloaded.
pub fn answer(payload: &Value, year: &str, at: DateTime<Utc>) -> Value {
    let whole = with(payload.clone(), json!({"AckNo": 152_510_012_345_678_u64, "AckDt": local(at), "Irn": irn(payload, year)}));
    json!({"AckNo": 152_510_012_345_678_u64, "AckDt": local(at), "Irn": irn(payload, year), "SignedInvoice": signed(&whole), "SignedQRCode": signed(&qr(payload, year, at)), "Status": "ACT",
           "EwbNo": null, "EwbDt": null, "EwbValidTill": null, "Remarks": null})
}

/// A company above the turnover, with an address.
pub fn seller() -> Company {
    let company = Company::new();
    let controller = company.controller();
    let turnover = json!([{"fiscal_year": "2022-23", "amount": "100000000.00"}]);
    controller.change("PATCH", "/v1/company", "*", &json!({"turnover": turnover})).expect(200);
    let registration = company.get("/v1/gst-registrations")["data"][0].clone();
    let address = json!({"line1": "1 Marine Drive", "line2": "Fort", "city": "Mumbai", "postal_code": "400002"});
    let patch = json!({"trade_name": "Demo", "address": address, "vpa": "demo@okbank", "phone": "2240000000", "email": "billing@example.com"});
    let changed = controller.change("PATCH", &format!("/v1/gst-registrations/{}", id_of(&registration)), "\"v1\"", &patch).expect(200);
    assert_includes(&changed, &with(patch, json!({"version": 2, "gstin": company.gstin})));
    company
}

/// A registered customer of a State.
pub fn buyer(company: &Company, state: &str) -> String {
    let address = json!({"line1": "7 Brigade \"Road\"", "line2": "2A", "city": "Bengaluru", "state_code": state, "postal_code": "560001", "country": "IN"});
    id_of(&company.executive().post("/v1/customers", &with(customer_body(), json!({"gstin": gstin(state), "billing_address": address}))).expect(201))
}

/// An issued invoice of goods for 1,000 at 18.
pub fn sale(company: &Company, customer: &str, date: &str, extra: Value) -> Value {
    let goods =
        json!({"description": "Rack", "hsn_code": "940320", "is_service": false, "quantity": "2", "unit": "NOS", "unit_price": "500.00", "tax_rate": "18"});
    let body = json!({"external_id": fresh(), "customer_id": customer, "invoice_date": date, "currency": "INR", "issue": true, "lines": [goods]});
    company.executive().post("/v1/invoices", &with(body, extra)).expect(201)
}

fn path(document: &Value, what: &str) -> String {
    format!("/v1/einvoices/{}/{what}", id_of(document))
}

pub fn payload(company: &Company, document: &Value) -> Value {
    company.get(&path(document, "payload"))
}

/// Today's fiscal year.
pub fn year() -> String {
    duebook::platform::dates::FiscalYear::of(today(), 4).label()
}

pub fn register(company: &Company, document: &Value, at: DateTime<Utc>) -> Value {
    let response = answer(&payload(company, document), &year(), at);
    company.executive().post(&path(document, "registration"), &json!({"response": response})).expect(200)
}

fn statuses(company: &Company, query: &str) -> Vec<String> {
    let rows = company.get(&format!("/v1/einvoices?sort=number{query}"));
    rows["data"].as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_registered_invoice_carries_its_irn_and_is_cancelled_through_the_portal() {
    let company = seller();
    let customer = buyer(&company, "27");
    let date = today().to_string();
    let invoice = sale(&company, &customer, &date, json!({}));
    assert_includes(&invoice["einvoice"], &json!({"status": "pending", "irn": null, "ack_no": null, "ack_at": null}));
    let made = payload(&company, &invoice);
    assert_includes(&made["SellerDtls"], &json!({"Gstin": company.gstin, "Loc": "Mumbai", "Pin": 400_002, "Stcd": "27", "TrdNm": "Demo", "Ph": "2240000000"}));
    // Without marks the portal does not take, and with the short second line on the first.
    assert_includes(&made["BuyerDtls"], &json!({"Addr1": "7 Brigade 'Road', 2A", "Loc": "Bengaluru", "Pin": 560_001, "Pos": "27"}));
    assert_includes(
        &made["ItemList"][0],
        &json!({"SlNo": "1", "HsnCd": "940320", "IsServc": "N", "Qty": 2, "UnitPrice": 500, "AssAmt": 1000, "CgstAmt": 90, "TotItemVal": 1180}),
    );
    assert_eq!(made["ValDtls"]["TotInvVal"], 1180);
    // A machine or executive records the answer; a collector reads.
    let body = json!({"response": answer(&made, &year(), now())});
    company.as_role("collector").post(&path(&invoice, "registration"), &body).refused(403, "permission_denied");
    company.executive().post_raw(&path(&invoice, "registration"), &[], body.to_string().as_bytes()).refused(400, "idempotency_key_missing");
    let known = company.executive().post(&path(&invoice, "registration"), &body).expect(200);
    assert_includes(
        &known,
        &json!({"status": "registered", "irn": irn(&made, &year()), "ack_no": "152510012345678", "document_id": invoice["id"], "number": invoice["number"], "error": null}),
    );
    let after = company.get(&format!("/v1/invoices/{}", id_of(&invoice)));
    assert_eq!((after["einvoice"]["status"].as_str(), after["einvoice"]["irn"].as_str()), (Some("registered"), known["irn"].as_str()));
    assert_eq!(after["version"].as_i64(), invoice["version"].as_i64().map(|version| version + 1));
    assert!(!after["allowed_actions"].as_array().unwrap().contains(&json!("cancel")), "{after}");
    assert_eq!(company.get(&format!("/v1/invoices?number={}", encoded(invoice["number"].as_str().unwrap())))["data"][0]["version"], after["version"]);
    // Once only.
    company.executive().post(&path(&invoice, "registration"), &body).refused(409, "einvoice_registered");
    // Not behind the portal's back.
    let cancel = format!("/v1/invoices/{}/cancel", id_of(&invoice));
    let problem = company.controller().change("POST", &cancel, "*", &json!({"reason": "Ordered twice"})).refused(409, "einvoice_registered");
    assert!(problem["detail"].as_str().unwrap().contains("/cancellation"), "{problem}");
    // Who may only ask for the cancellation of a document asks for it here too.
    let done = json!({"reason_code": "1", "remarks": "Ordered twice"});
    let asked = company.executive().post(&path(&invoice, "cancellation"), &done).expect(202);
    assert_includes(&asked, &json!({"status": "cancelled", "document_status": "issued", "cancel_code": "1", "cancel_remarks": "Ordered twice"}));
    decide(&company.controller(), &asked, "approve").expect(200);
    let gone = company.get(&format!("/v1/invoices/{}", id_of(&invoice)));
    assert_eq!((gone["status"].as_str(), gone["einvoice"]["status"].as_str(), &gone["number"]), (Some("cancelled"), Some("cancelled"), &invoice["number"]));
    company.executive().post(&path(&invoice, "registration"), &body).refused(409, "einvoice_registered");
    company.executive().post(&path(&invoice, "cancellation"), &done).refused(409, "invalid_state");
    // A controller does both at once.
    let second = sale(&company, &customer, &date, json!({}));
    register(&company, &second, now());
    let response = json!({"Irn": irn(&payload_of(&second, &company), &year()), "CancelDate": local(now())});
    let done = company.controller().post(&path(&second, "cancellation"), &json!({"reason_code": "3", "remarks": "No order", "response": response})).expect(200);
    assert_includes(&done, &json!({"status": "cancelled", "document_status": "cancelled", "approval_id": null}));
    company.assert_laws();
}

/// Of a document that is registered: the portal holds what it was.
fn payload_of(document: &Value, company: &Company) -> Value {
    json!({"SellerDtls": {"Gstin": company.gstin}, "DocDtls": {"Typ": "INV", "No": document["number"]}})
}

#[test]
fn nothing_is_recorded_that_the_portal_did_not_sign_of_this_document() {
    let company = seller();
    let customer = buyer(&company, "29");
    let lines = json!([
        {"description": "Rack", "hsn_code": "940320", "quantity": "1", "unit": "NOS", "unit_price": "300.00", "tax_rate": "18"},
        {"description": "Support", "hsn_code": "998313", "is_service": true, "quantity": "1", "unit": "NOS", "unit_price": "700.00", "tax_rate": "18"},
    ]);
    let invoice = sale(&company, &customer, &today().to_string(), json!({"lines": lines}));
    let made = payload(&company, &invoice);
    let at = now();
    let good = qr(&made, &year(), at);
    assert_eq!((&good["ItemCnt"], &good["MainHsnCode"], &good["TotInvVal"]), (&json!(2), &json!("998313"), &json!(1180)));
    let send = |irn: &Value, token: &str| {
        let body = json!({"irn": irn, "ack_no": "152510012345678", "signed_qr": token});
        company.executive().post(&path(&invoice, "registration"), &body)
    };
    let before = company.fingerprint();
    // Another content, truly signed.
    for (member, value) in [
        ("SellerGstin", json!(gstin("27"))),
        ("BuyerGstin", json!(gstin("29"))),
        ("DocNo", json!("X/1")),
        ("DocTyp", json!("CRN")),
        ("DocDt", json!("01/01/2025")),
        ("TotInvVal", json!(1180.01)),
        ("ItemCnt", json!(1)),
        ("MainHsnCode", json!("940320")),
        ("Irn", json!("a".repeat(64))),
        ("TotInvVal", Value::Null),
    ] {
        let problem = send(&good["Irn"], &signed(&with(good.clone(), json!({member: value})))).refused(422, "einvoice_mismatch");
        assert!(blames(&problem, "#/signed_qr", "einvoice_mismatch"), "{member}: {problem}");
    }
    // The IRN of another document.
    let problem = send(&json!("b".repeat(64)), &signed(&good)).refused(422, "einvoice_mismatch");
    assert!(blames(&problem, "#/irn", "irn_mismatch"), "{problem}");
    // Signed by somebody else, not signed, signed otherwise, or changed after it was signed.
    let token = signed(&good);
    let other = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let (head, rest) = token.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let data = URL_SAFE_NO_PAD.encode(json!({"data": with(good.clone(), json!({"ItemCnt": 2, "TotInvVal": 1180})).to_string(), "iss": "Somebody"}).to_string());
    let none = URL_SAFE_NO_PAD.encode(json!({"alg": "none", "typ": "JWT"}).to_string());
    for forged in [
        signed_by(&other, &json!({"alg": "RS256", "typ": "JWT"}), &good),
        format!("{head}.{data}.{signature}"),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{head}.{claims}.{}", URL_SAFE_NO_PAD.encode([7_u8; 256])),
        format!("{head}.{claims}"),
        "x".to_owned(),
    ] {
        let problem = send(&good["Irn"], &forged).refused(422, "irp_signature_invalid");
        assert!(blames(&problem, "#/signed_qr", "irp_signature_invalid"), "{problem}");
    }
    send(&good["Irn"], &signed(&json!("["))).refusal();
    // A signed invoice of another total beside a good QR code; another time than the signed one; a time to come.
    let whole = with(made.clone(), json!({"Irn": good["Irn"], "ValDtls": {"TotInvVal": 1}}));
    let register = |extra: Value| {
        company.executive().post(&path(&invoice, "registration"), &with(json!({"irn": good["Irn"], "ack_no": "1", "signed_qr": signed(&good)}), extra))
    };
    assert!(blames(&register(json!({"signed_invoice": signed(&whole)})).refused(422, "einvoice_mismatch"), "#/signed_invoice", ""));
    assert!(blames(&register(json!({"ack_at": "2025-01-01T00:00:00Z"})).refused(422, "einvoice_mismatch"), "#/ack_at", ""));
    let tomorrow = qr(&made, &year(), at + Duration::days(1));
    assert!(blames(&send(&good["Irn"], &signed(&tomorrow)).refused(422, "einvoice_mismatch"), "#/ack_at", "date_in_future"));
    // What is no answer at all.
    for body in [
        json!({}),
        json!({"irn": good["Irn"]}),
        json!({"response": {}}),
        json!({"response": {"Irn": 5}}),
        json!({"response": []}),
        json!({"irn": good["Irn"], "response": {"Irn": "x"}}),
        json!({"irn": "ABC", "ack_no": "1", "signed_qr": "x"}),
        json!({"irn": good["Irn"], "ack_no": "one", "signed_qr": "x"}),
        json!({"Irn": "x"}),
    ] {
        company.executive().post(&path(&invoice, "registration"), &body).refusal();
    }
    assert_eq!(company.fingerprint(), before);
    send(&good["Irn"], &token).expect(200);
    company.assert_laws();
}

#[test]
fn after_24_hours_only_a_note_corrects() {
    let company = seller();
    let customer = buyer(&company, "27");
    let date = (today() - Duration::days(3)).to_string();
    let invoice = sale(&company, &customer, &date, json!({}));
    let at = now() - Duration::hours(25);
    register(&company, &invoice, at);
    let before = company.fingerprint();
    let cancel = |extra: Value| company.controller().post(&path(&invoice, "cancellation"), &with(json!({"reason_code": "2", "remarks": "Wrong price"}), extra));
    let problem = cancel(json!({})).refused(409, "cancellation_window_passed");
    assert!(problem["detail"].as_str().unwrap().contains("note"), "{problem}");
    let moment = |at: DateTime<Utc>| json!({"cancelled_at": at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()});
    cancel(moment(at - Duration::minutes(2))).refusal();
    cancel(moment(now() + Duration::hours(1))).refusal();
    cancel(json!({"reason_code": "5"})).refusal();
    cancel(json!({"response": {"Irn": "f".repeat(64), "CancelDate": local(now())}})).refused(422, "einvoice_mismatch");
    let problem = company
        .controller()
        .change("POST", &format!("/v1/invoices/{}/cancel", id_of(&invoice)), "*", &json!({"reason": "Wrong price"}))
        .refused(409, "einvoice_registered");
    assert!(problem["detail"].as_str().unwrap().contains("credit note"), "{problem}");
    assert_eq!(company.fingerprint(), before);
    // The credit note is an e-invoice of its own.
    let goods = json!([{"quantity": "1", "unit_price": "500.00"}]);
    let note = json!({"external_id": fresh(), "original_invoice_id": invoice["id"], "note_date": today().to_string(), "reason_code": "correction_in_invoice", "issue": true, "lines": goods});
    let note = company.controller().post("/v1/credit-notes", &note).expect(201);
    assert_eq!(note["einvoice"]["status"], "pending");
    let made = payload(&company, &note);
    assert_eq!((&made["DocDtls"]["Typ"], &made["ValDtls"]["TotInvVal"]), (&json!("CRN"), &json!(590)));
    assert_eq!(made["RefDtls"]["PrecDocDtls"][0]["InvNo"], invoice["number"]);
    register(&company, &note, now());
    assert_eq!(company.get(&format!("/v1/credit-notes/{}", id_of(&note)))["einvoice"]["status"], "registered");
    // What was done in time is recorded later, while the document is not settled.
    let other = sale(&company, &customer, &date, json!({}));
    register(&company, &other, at);
    let answered = company
        .controller()
        .post(&path(&other, "cancellation"), &with(json!({"reason_code": "3", "remarks": "No order"}), moment(at + Duration::hours(1))))
        .expect(200);
    assert_eq!((answered["status"].as_str(), answered["document_status"].as_str()), (Some("cancelled"), Some("cancelled")));
    // A settled one is not cancelled at all.
    let paid = sale(&company, &customer, &date, json!({}));
    register(&company, &paid, now());
    company.receipt(&customer, &date, "1180.00", json!([to_invoice(&paid, "1180.00")]));
    company.controller().post(&path(&paid, "cancellation"), &json!({"reason_code": "3", "remarks": "No order"})).refused(409, "invalid_state");
    assert_eq!(company.get(&format!("/v1/invoices/{}", id_of(&paid)))["einvoice"]["status"], "registered");
    company.assert_laws();
}

#[test]
fn refusals_of_the_portal_are_kept_and_a_duplicate_carries_on() {
    let company = seller();
    let customer = buyer(&company, "27");
    let invoice = sale(&company, &customer, &today().to_string(), json!({}));
    let record = |response: Value| company.executive().post(&path(&invoice, "registration"), &json!({"response": response}));
    let failed = record(json!({"Status": 0, "ErrorDetails": [{"ErrorCode": "3029", "ErrorMessage": "GSTIN is not active"}], "Data": null, "InfoDtls": null}))
        .expect(200);
    assert_includes(&failed, &json!({"status": "failed", "irn": null, "error": {"code": "3029", "detail": "3029 GSTIN is not active"}}));
    assert_eq!(company.get(&format!("/v1/invoices/{}", id_of(&invoice)))["einvoice"]["status"], "failed");
    let made = payload(&company, &invoice);
    let duplicate = |irn: &str| json!({"success": false, "message": "2150 : Duplicate IRN", "result": [{"InfCd": "DUPIRN", "Desc": {"AckNo": 1, "AckDt": local(now()), "Irn": irn}}]});
    record(duplicate(&"c".repeat(64))).refused(422, "einvoice_mismatch");
    let ours = irn(&made, &year());
    assert_includes(
        &record(duplicate(&ours)).expect(200),
        &json!({"status": "failed", "irn": ours, "ack_no": "1", "error": {"code": "2150", "detail": "The portal has this document already; fetch its e-invoice by the IRN and record that."}}),
    );
    // The portal holds it: it is not cancelled here alone.
    company
        .controller()
        .change("POST", &format!("/v1/invoices/{}/cancel", id_of(&invoice)), "*", &json!({"reason": "Ordered twice"}))
        .refused(409, "einvoice_registered");
    assert_includes(&register(&company, &invoice, now()), &json!({"status": "registered", "irn": ours, "ack_no": "152510012345678", "error": null}));
    assert_eq!(statuses(&company, "&status=failed").len(), 0);
    // The portal took a late one all the same: what it signed is recorded.
    let late = sale(&company, &customer, &(today() - Duration::days(60)).to_string(), json!({}));
    assert_eq!(statuses(&company, &format!("&report_by_lte={}", today())).len(), 1);
    let late_year = duebook::platform::dates::FiscalYear::of(today() - Duration::days(60), 4).label();
    let response = answer(&payload(&company, &late), &late_year, now());
    company.executive().post(&path(&late, "registration"), &json!({"response": response})).expect(200);
    assert_eq!(statuses(&company, &format!("&report_by_lte={}", today())).len(), 0);
    // Another one fails, and is cancelled as any document.
    let second = sale(&company, &customer, &today().to_string(), json!({}));
    company.executive().post(&path(&second, "registration"), &json!({"response": {"success": false, "message": "2176 : Invalid HSN code"}})).expect(200);
    company.controller().change("POST", &format!("/v1/invoices/{}/cancel", id_of(&second)), "*", &json!({"reason": "Ordered twice"})).expect(200);
    company.assert_laws();
}

#[test]
fn lists_show_what_is_due_and_the_same_as_the_documents() {
    let company = seller();
    let (near, far) = (buyer(&company, "27"), buyer(&company, "29"));
    let consumer = company.customer();
    let exempt = json!([{"description": "Milk", "hsn_code": "040110", "quantity": "1", "unit": "NOS", "unit_price": "10.00", "treatment": "exempt"}]);
    let mixed = json!([
        {"description": "Milk", "hsn_code": "040110", "quantity": "1", "unit": "NOS", "unit_price": "10.00", "treatment": "exempt"},
        {"description": "Rack", "hsn_code": "940320", "quantity": "1", "unit": "NOS", "unit_price": "100.00", "tax_rate": "18"},
    ]);
    let old = sale(&company, &near, "2023-07-31", json!({}));
    let documents = [
        (sale(&company, &near, "2025-04-01", json!({})), "pending", Some("2025-04-30")),
        (sale(&company, &far, "2025-03-31", json!({})), "pending", None),
        (sale(&company, &consumer, "2025-04-02", json!({})), "not_required", None),
        (sale(&company, &near, "2025-04-02", json!({"lines": exempt})), "not_required", None),
        (sale(&company, &near, "2025-04-03", json!({"lines": mixed})), "pending", Some("2025-05-02")),
        (sale(&company, &near, "2025-04-03", json!({"reverse_charge": true})), "pending", Some("2025-05-02")),
    ];
    // 10 crore in 2022-23: above 5 crore, and of 10 crore exactly not yet above the limit of the days before August 2023.
    assert_eq!(old["einvoice"]["status"], "not_required");
    let rows = company.get("/v1/einvoices?limit=200");
    let rows = rows["data"].as_array().unwrap();
    for (document, status, report_by) in &documents {
        assert_eq!(&document["einvoice"]["status"], status, "{document}");
        let row = rows.iter().find(|row| row["document_id"] == document["id"]);
        assert_eq!(row.map(|row| row["status"].as_str().unwrap()), (*status == "pending").then_some("pending"));
        if let Some(row) = row {
            assert_eq!(row["report_by"].as_str(), *report_by, "{row}");
        }
    }
    assert_eq!(statuses(&company, "&report_by_lte=2025-04-30"), ["pending"]);
    assert_eq!(statuses(&company, &format!("&customer_id={far}")).len(), 1);
    assert_eq!(statuses(&company, "&document_date_gte=2025-04-01&document_date_lte=2025-04-02").len(), 1);
    assert_eq!(statuses(&company, "&document_type=credit_note").len(), 0);
    let first = company.get("/v1/einvoices?limit=1&include_total=true");
    assert_eq!(first["page"]["total"], 4);
    let next = company.get(&format!("/v1/einvoices?limit=1&cursor={}", first["page"]["next_cursor"].as_str().unwrap()));
    assert_ne!(first["data"][0]["document_id"], next["data"][0]["document_id"]);
    let executive = company.executive();
    executive.get("/v1/einvoices?sort=customer_name").refused(400, "invalid_parameter");
    executive.get("/v1/einvoices?stat=pending").refused(400, "unknown_parameter");
    // Payloads: of what the portal takes only.
    for (document, status, _) in &documents {
        let reply = executive.get(&path(document, "payload"));
        if *status == "pending" {
            let made = reply.expect(200);
            assert_eq!(naive_faults(&made), Vec::<String>::new(), "{made}");
        } else {
            reply.refused(409, "einvoice_not_applicable");
        }
    }
    // The portal takes what need not be reported, too.
    executive.get(&path(&old, "payload")).expect(200);
    let draft = executive.post("/v1/invoices", &with(invoice_body(&near, "2025-04-05", "10.00"), json!({"issue": false}))).expect(201);
    assert_eq!(draft["einvoice"], Value::Null);
    executive.get(&path(&draft, "payload")).refused(409, "invalid_state");
    executive.get(&format!("/v1/einvoices/{}/payload", uuid::Uuid::now_v7())).refused(404, "not_found");
    Company::new().executive().get(&path(&documents[0].0, "payload")).refused(404, "not_found");
    // An excluded seller reports nothing.
    company.controller().change("PATCH", "/v1/company", "*", &json!({"einvoice_excluded_as": "bank"})).expect(200);
    assert_eq!(statuses(&company, "").len(), 0);
    assert_eq!(company.get(&format!("/v1/invoices/{}", id_of(&documents[0].0)))["einvoice"]["status"], "not_required");
    company.controller().change("PATCH", "/v1/company", "*", &json!({"einvoice_excluded_as": null})).expect(200);
    assert_eq!(statuses(&company, "").len(), 4);
    company.assert_laws();
}

/// The field table read here by itself: what is missing, too long, too short, or not known.
fn naive_faults(payload: &Value) -> Vec<String> {
    let table: Value = serde_json::from_str(include_str!("../../src/filing/einvoice/data/fields.json")).expect("the table");
    let fields = table["fields"].as_array().unwrap();
    let mut faults = Vec::new();
    let mut seen = Vec::new();
    walk("", payload, &mut seen);
    for (path, value) in &seen {
        let Some(field) = fields.iter().find(|field| field["path"] == path.as_str()) else {
            faults.push(format!("{path} is unknown"));
            continue;
        };
        if let Some(text) = value.as_str() {
            let length = text.chars().count() as u64;
            if length < field["min_length"].as_u64().unwrap_or(0) || length > field["max_length"].as_u64().unwrap_or(u64::MAX) {
                faults.push(format!("{path}: {text}"));
            }
            if field["enum"].as_array().is_some_and(|words| !words.contains(value)) {
                faults.push(format!("{path}: {text}"));
            }
        }
        if value.is_number() != (field["type"] == "number") || value.is_null() {
            faults.push(format!("{path}: {value}"));
        }
    }
    for field in fields.iter().filter(|field| field["required"] == true) {
        let path = field["path"].as_str().unwrap();
        let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
        let has = |path: &str| path.is_empty() || seen.iter().any(|(seen, _)| seen == path.trim_end_matches("[]"));
        if has(parent) && !has(path) {
            faults.push(format!("{path} is missing"));
        }
    }
    faults
}

fn walk(path: &str, value: &Value, seen: &mut Vec<(String, Value)>) {
    for (name, member) in value.as_object().into_iter().flatten() {
        let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        seen.push((at.clone(), member.clone()));
        walk(&at, member, seen);
        for row in member.as_array().into_iter().flatten() {
            walk(&format!("{at}[]"), row, seen);
        }
    }
}

#[test]
fn an_incomplete_seller_is_told_what_the_portal_wants() {
    let company = Company::new();
    company.controller().change("PATCH", "/v1/company", "*", &json!({"turnover": [{"fiscal_year": "2022-23", "amount": "60000000"}]})).expect(200);
    let invoice = sale(&company, &buyer(&company, "27"), "2025-04-01", json!({}));
    let problem = company.executive().get(&path(&invoice, "payload")).refused(422, "einvoice_incomplete");
    for pointer in ["#/SellerDtls/Addr1", "#/SellerDtls/Loc", "#/SellerDtls/Pin"] {
        assert!(blames(&problem, pointer, "required"), "{pointer}: {problem}");
    }
    let controller = company.controller();
    let before = company.fingerprint();
    let patch = |body: Value| controller.change("PATCH", "/v1/company", "*", &body);
    for body in [
        json!({"turnover": [{"fiscal_year": "2022-24", "amount": "1"}]}),
        json!({"turnover": [{"fiscal_year": "2022-23", "amount": "-1"}]}),
        json!({"turnover": [{"fiscal_year": "2022-23"}]}),
        json!({"turnover": [{"fiscal_year": "2022-23", "amount": "1"}, {"fiscal_year": "2022-23", "amount": "2"}]}),
        json!({"turnover": [{"fiscal_year": "2022-23", "amount": "99999999999999999999"}]}),
        json!({"einvoice_excluded_as": "baker"}),
        json!({"turnover": {"2022": "1"}}),
    ] {
        patch(body).refusal();
    }
    let registration = company.get("/v1/gst-registrations")["data"][0].clone();
    let change = |body: Value| controller.change("PATCH", &format!("/v1/gst-registrations/{}", id_of(&registration)), "*", &body);
    for body in [
        json!({"address": {"line1": "a", "city": "Mumbai", "postal_code": "012345"}}),
        json!({"address": {"line1": "a\"b", "city": "Mumbai", "postal_code": "400001"}}),
        json!({"vpa": "nobody"}),
        json!({"address": {"line1": "a"}}),
        json!({"gstin": gstin("27")}),
        json!({"phone": "+91"}),
        json!({"trade_name": "x"}),
    ] {
        change(body).refusal();
    }
    assert_eq!(company.fingerprint(), before);
    company
        .executive()
        .change("PATCH", &format!("/v1/gst-registrations/{}", id_of(&registration)), "*", &json!({"phone": "2240000000"}))
        .refused(403, "permission_denied");
    company.assert_laws();
}

#[test]
fn exports_sez_and_foreign_money_make_payloads_in_rupees() {
    let company = seller();
    let executive = company.executive();
    let abroad = json!({"line1": "1 Main Street", "city": "Boston", "postal_code": "02101", "country": "US"});
    let foreigner = id_of(&executive.post("/v1/customers", &with(customer_body(), json!({"kind": "export", "billing_address": abroad}))).expect(201));
    let goods = json!([{"description": "Rack", "hsn_code": "940320", "quantity": "3", "unit": "NOS", "unit_price": "33.33", "tax_rate": "18"}]);
    let export = sale(&company, &foreigner, "2025-05-05", json!({"currency": "USD", "exchange_rate": "85.123", "lines": goods, "supply_type": "EXPWOP"}));
    let made = payload(&company, &export);
    assert_eq!(naive_faults(&made), Vec::<String>::new());
    assert_includes(&made["BuyerDtls"], &json!({"Gstin": "URP", "Pos": "96", "Stcd": "96", "Pin": 999_999}));
    assert_eq!(made["ExpDtls"], json!({"ForCur": "USD", "CntCode": "US"}));
    // 99.99 dollars at 85.123 are 8,511.4488 rupees.
    assert_eq!((&made["ValDtls"]["TotInvVal"], &made["ValDtls"]["TotInvValFc"], &made["ValDtls"]["IgstVal"]), (&json!(8511.45), &json!(99.99), &json!(0)));
    assert_eq!(export["base_total"], "8511.45");
    let zone = json!({"line1": "Plot 1", "city": "Mumbai", "state_code": "27", "postal_code": "400096", "country": "IN"});
    let sez =
        id_of(&executive.post("/v1/customers", &with(customer_body(), json!({"kind": "sez", "gstin": gstin("27"), "billing_address": zone}))).expect(201));
    let made = payload(&company, &sale(&company, &sez, "2025-05-05", json!({"supply_type": "SEZWP"})));
    assert_eq!((&made["TranDtls"]["SupTyp"], &made["TranDtls"]["IgstOnIntra"], &made["ValDtls"]["IgstVal"]), (&json!("SEZWP"), &json!("Y"), &json!(180)));
    company.assert_laws();
}

#[test]
fn the_tool_answers_partners_and_refuses_nonsense() {
    let company = Company::new();
    let auditor = company.as_role("auditor");
    let body = json!({
        "document": {"type": "invoice", "number": "g2qxhY", "date": "2022-09-17"}, "supplier": {"gstin": "01AMBPG7773M002"}, "buyer": {"gstin": "36AMBPG7773M002", "state": null},
        "lines": [{"taxable": "100.00", "gst_rate": "18", "hsn": "995411", "service": true}],
    });
    let answer = company.as_role("sales").post("/v1/gst/einvoice", &body).expect(200);
    assert_includes(&answer, &json!({"applicable": true, "irn": "68fb4fab44aee99fb23292478c4bd838e664837c9f1b04e3d9134ffed0b40b60"}));
    assert!(!answer["explanation"].as_array().unwrap().is_empty());
    assert_eq!(answer["payload"]["ValDtls"]["TotInvVal"], 118);
    let post = |body: &Value| company.executive().post("/v1/gst/einvoice", body);
    // The sandbox mode lets a wrong check digit pass.
    let mut wrong = body.clone();
    wrong["buyer"]["gstin"] = json!("29AWGPV7107B1Z1");
    assert!(blames(&post(&wrong).refused(422, "validation_failed"), "#/buyer/gstin", "gstin_invalid"));
    company.executive().post("/v1/gst/einvoice?mode=sandbox", &wrong).expect(200);
    for (pointer, value) in [
        ("/document/date", json!("2025-02-30")),
        ("/document/date", json!(5)),
        ("/document/number", json!("")),
        ("/document/type", json!("bill")),
        ("/lines", json!([])),
        ("/lines", json!({})),
        ("/lines/0/taxable", json!("1e9")),
        ("/lines/0/taxable", json!(5)),
        ("/lines/0/taxable", json!("-5")),
        ("/lines/0/taxable", json!("9999999999999999.999999")),
        ("/lines/0/gst_rate", json!("17")),
        ("/lines/0/hsnn", json!("1")),
        ("/supplier", json!(null)),
        ("/supplier/gstin", json!("x".repeat(500))),
        ("/lines/0/hsn", json!("x")),
        ("/document/charges", json!([{"amount": "-1", "when": "after_tax"}])),
        ("/document/document_discount", json!("101.00")),
        ("/lines/0/qty", json!("9999999999999")),
        ("/transport", json!({"distance": 4001})),
    ] {
        let mut bad = body.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        bad.pointer_mut(parent).unwrap()[name] = value.clone();
        let reply = post(&bad);
        assert!((400..500).contains(&reply.status) || pointer == "/lines/0/qty" && reply.status == 200, "{pointer} {value}: {} {}", reply.status, reply.text());
    }
    let mut many = body.clone();
    many["lines"] = Value::Array(vec![body["lines"][0].clone(); 10_000]);
    post(&many).refusal();
    let mut odd = body.clone();
    odd["lines"] = json!([{"unit_price": "9999999999999.999999", "qty": "9999999999999.999999", "gst_rate": "40", "hsn": "100630"}]);
    post(&odd).refusal();
    // Nothing was kept.
    assert_eq!(auditor.get("/v1/einvoices").expect(200)["data"], json!([]));
    company.assert_laws();
}

#[test]
fn invoices_have_qr_codes_to_check_and_to_pay() {
    let company = seller();
    let executive = company.executive();
    let consumer = sale(&company, &company.customer(), &today().to_string(), json!({}));
    let at = |document: &Value| format!("/v1/invoices/{}/qr", id_of(document));
    let code = |document: &Value| executive.get(&at(document));
    let reply = code(&consumer);
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("image/svg+xml")));
    assert!(reply.text().contains("<svg"));
    assert!(reply.header("content-disposition").is_some_and(|name| name.starts_with("inline; filename=\"qr-") && name.ends_with(".svg\"")));
    let business = sale(&company, &buyer(&company, "27"), &today().to_string(), json!({}));
    code(&business).refused(409, "invalid_state");
    register(&company, &business, now());
    assert!(code(&business).text().contains("<svg"));
    executive.get(&format!("/v1/invoices/{}/qr?format=gif", id_of(&business))).refused(400, "invalid_parameter");
    // As the caller likes it: by the parameter, else by Accept.
    for (query, accept, given) in [
        ("", "image/svg+xml", "image/svg+xml"),
        ("", "image/png", "image/png"),
        ("", "image/*", "image/svg+xml"),
        ("", "text/html,image/svg+xml;q=0.4,image/png;q=0.5", "image/png"),
        ("?format=png", "image/*", "image/png"),
        ("?format=svg", "*/*", "image/svg+xml"),
    ] {
        let reply = executive.send("GET", &format!("{}{query}", at(&business)), &[("accept", accept)], None);
        assert_eq!((reply.status, reply.header("content-type")), (200, Some(given)), "{query} {accept}");
        assert_eq!(reply.bytes.starts_with(b"\x89PNG\r\n\x1a\n"), given == "image/png");
    }
    executive.send("GET", &at(&business), &[("accept", "application/json")], None).refused(406, "not_acceptable");
    // Nobody pays what is cancelled.
    company.controller().change("POST", &format!("/v1/invoices/{}/cancel", id_of(&consumer)), "*", &json!({"reason": "Ordered twice"})).expect(200);
    code(&consumer).refused(409, "invalid_state");
    company.assert_laws();
}

#[test]
fn invoices_and_notes_are_found_by_how_they_stand_with_the_portal() {
    let company = seller();
    let (near, consumer) = (buyer(&company, "27"), company.customer());
    let day = today().to_string();
    let exempt = json!([{"description": "Milk", "hsn_code": "040110", "quantity": "1", "unit": "NOS", "unit_price": "10.00", "treatment": "exempt"}]);
    let sold = |customer: &str, extra: Value| sale(&company, customer, &day, extra);
    let (registered, failed, cancelled, pending) = (sold(&near, json!({})), sold(&near, json!({})), sold(&near, json!({})), sold(&near, json!({})));
    let others = [sold(&consumer, json!({})), sold(&near, json!({"lines": exempt})), sale(&company, &near, "2023-07-31", json!({}))];
    company.executive().post("/v1/invoices", &with(invoice_body(&near, &day, "10"), json!({"issue": false}))).expect(201);
    register(&company, &registered, now());
    register(&company, &cancelled, now());
    company.controller().post(&path(&cancelled, "cancellation"), &json!({"reason_code": "3", "remarks": "No order"})).expect(200);
    company.executive().post(&path(&failed, "registration"), &json!({"response": {"success": false, "message": "2176 : Invalid HSN code"}})).expect(200);
    let gone = sold(&near, json!({}));
    company.controller().change("POST", &format!("/v1/invoices/{}/cancel", id_of(&gone)), "*", &json!({"reason": "Ordered twice"})).expect(200);
    let note = |of: &Value| {
        let goods = json!([{"quantity": "1", "unit_price": "500.00"}]);
        let note =
            json!({"external_id": fresh(), "original_invoice_id": of["id"], "note_date": day, "reason_code": "sales_return", "issue": true, "lines": goods});
        company.controller().post("/v1/credit-notes", &note).expect(201)
    };
    let (of_business, of_consumer) = (note(&registered), note(&others[0]));
    let found = |list: &str, status: &str| {
        let mut ids: Vec<String> = company.get(&format!("{list}?limit=200&einvoice_status={status}"))["data"].as_array().unwrap().iter().map(id_of).collect();
        ids.sort();
        ids
    };
    let ids = |documents: &[&Value]| {
        let mut ids: Vec<String> = documents.iter().map(|document| id_of(document)).collect();
        ids.sort();
        ids
    };
    let invoices = |status: &str| found("/v1/invoices", status);
    assert_eq!(invoices("registered"), ids(&[&registered]));
    assert_eq!(invoices("failed"), ids(&[&failed]));
    assert_eq!(invoices("cancelled"), ids(&[&cancelled]));
    assert_eq!(invoices("pending"), ids(&[&pending]));
    assert_eq!(invoices("not_required"), ids(&[&others[0], &others[1], &others[2], &gone]));
    assert_eq!(invoices("pending,failed"), ids(&[&pending, &failed]));
    assert_eq!(found("/v1/credit-notes", "pending"), ids(&[&of_business]));
    assert_eq!(found("/v1/credit-notes", "not_required"), ids(&[&of_consumer]));
    assert_eq!(found("/v1/debit-notes", "pending"), ids(&[]));
    // Each as it says of itself.
    for status in ["not_required", "pending", "registered", "failed", "cancelled"] {
        for id in invoices(status) {
            assert_eq!(company.get(&format!("/v1/invoices/{id}"))["einvoice"]["status"], status);
        }
    }
    for wrong in ["done", "pending,", "", "pending,done"] {
        company.executive().get(&format!("/v1/invoices?einvoice_status={wrong}")).refused(400, "invalid_parameter");
    }
    company.assert_laws();
}

#[test]
fn what_inv_01_cannot_say_is_not_sent() {
    let company = seller();
    let invoice = sale(&company, &buyer(&company, "27"), "2020-06-30", json!({"differential_percent": "65"}));
    let problem = company.executive().get(&path(&invoice, "payload")).refused(422, "einvoice_incomplete");
    assert!(blames(&problem, "#/ItemList", "differential_unknown"), "{problem}");
    company.assert_laws();
}

#[test]
fn two_answers_at_once_register_once() {
    let company = seller();
    let invoice = sale(&company, &buyer(&company, "27"), &today().to_string(), json!({}));
    let body = json!({"response": answer(&payload(&company, &invoice), &year(), now())});
    let replies = in_parallel(10, 10, |at| {
        if at % 2 == 0 {
            company.executive().post(&path(&invoice, "registration"), &body)
        } else {
            company.controller().change("POST", &format!("/v1/invoices/{}/cancel", id_of(&invoice)), "*", &json!({"reason": "Ordered twice"}))
        }
    });
    let good = replies.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(good, 1, "{:?}", replies.iter().map(|reply| (reply.status, reply.text())).collect::<Vec<_>>());
    let after = company.get(&format!("/v1/invoices/{}", id_of(&invoice)));
    let both = (after["status"].as_str().unwrap(), after["einvoice"]["status"].as_str().unwrap());
    assert!(matches!(both, ("issued", "registered") | ("cancelled", "not_required")), "{both:?}");
    company.assert_laws();
}

#[test]
fn answers_in_a_file_find_the_documents_they_are_about() {
    use duebook::filing::einvoice::{portal, service};
    use duebook::platform::http::Problem;
    use duebook::platform::ids::CompanyId;
    use duebook::platform::postgres::Pool;
    use duebook::platform::unit_of_work::{Doors, Gate, run_system};
    let company = seller();
    let customer = buyer(&company, "29");
    let documents: Vec<Value> = (0..3).map(|_| sale(&company, &customer, &today().to_string(), json!({}))).collect();
    let answers: Vec<Value> = documents.iter().map(|document| answer(&payload(&company, document), &year(), now())).collect();
    portal::install(&std::fs::read_to_string(SERVER.dir.join("irp-keys.pem")).expect("the key")).expect("a public key");
    let refuse = |_: &str, _| Err(Problem::not_found("principal"));
    let doors = Doors::new(Pool::new(&database_url("app_url"), 2).expect("a pool"), Gate::new(1, 1), Box::new(refuse), event_key());
    let id = CompanyId::of(company.id.parse().expect("a uuid"));
    let import = |answer: &Value| run_system(&doors, Some(id), "importEinvoices", |tx| service::import(tx, answer));
    for answer in &answers[..2] {
        assert!(matches!(import(answer), Ok(service::Imported::Done { .. })), "{answer}");
    }
    assert!(import(&answers[0]).is_err_and(|problem| problem.refusal().code == "einvoice_registered"));
    let foreign = with(answers[2].clone(), json!({"Irn": "d".repeat(64)}));
    assert!(matches!(import(&foreign), Ok(service::Imported::Unknown)));
    assert!(import(&json!({"success": false, "message": "2176 : Invalid HSN code"})).is_err());
    assert!(import(&json!({"nothing": 1})).is_err());
    let cancelled = json!({"success": true, "result": {"Irn": answers[1]["Irn"], "CancelDate": local(now())}});
    assert!(matches!(import(&cancelled), Ok(service::Imported::Done { .. })));
    let states: Vec<(String, String)> = documents
        .iter()
        .map(|document| company.get(&format!("/v1/invoices/{}", id_of(document))))
        .map(|invoice| (invoice["status"].as_str().unwrap().to_owned(), invoice["einvoice"]["status"].as_str().unwrap().to_owned()))
        .collect();
    let expected = [("issued", "registered"), ("cancelled", "cancelled"), ("issued", "pending")];
    assert_eq!(states, expected.map(|(document, einvoice)| (document.to_owned(), einvoice.to_owned())));
    company.assert_laws();
}

#[test]
fn what_waits_for_the_portal_is_told_when_it_is_issued_and_before_it_is_too_late() {
    let company = seller();
    let customer = buyer(&company, "27");
    // Thirty days with that of the document: a week before the last is the 24th.
    let ago = |days: u64| (today() - chrono::Days::new(days)).to_string();
    let (due, early, done) =
        (sale(&company, &customer, &ago(26), json!({})), sale(&company, &customer, &ago(20), json!({})), sale(&company, &customer, &ago(25), json!({})));
    register(&company, &done, now());
    let last = company.get(&format!("/v1/einvoices?number={}", encoded(due["number"].as_str().unwrap())))["data"][0]["report_by"].clone();
    assert_eq!(last, json!((today() + chrono::Days::new(3)).to_string()));
    let refuse = |_: &str, _: std::net::IpAddr| Err(duebook::platform::http::Problem::not_found("principal"));
    let pool = duebook::platform::postgres::Pool::new(&database_url("app_url"), 2).expect("a pool");
    let doors = duebook::platform::unit_of_work::Doors::new(pool, duebook::platform::unit_of_work::Gate::new(1, 1), Box::new(refuse), event_key());
    for _ in 0..2 {
        duebook::delivery::events::service::tell_deadlines(&doors).expect("told");
    }
    let told = crate::events::feed(&company);
    let of = |name: &str| -> Vec<String> {
        told.iter().filter(|event| event["type"] == name).map(|event| event["data"]["object"]["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(of("einvoice.pending"), [&due, &early, &done].map(id_of));
    assert_eq!(of("einvoice.deadline_near"), [id_of(&due)]);
    let near = told.iter().find(|event| event["type"] == "einvoice.deadline_near").unwrap();
    assert_includes(
        &near["data"]["object"],
        &json!({"object": "einvoice", "status": "pending", "number": due["number"], "report_by": last, "customer_id": customer}),
    );
    let pending = told.iter().find(|event| event["type"] == "einvoice.pending").unwrap();
    assert_includes(
        &pending["data"]["object"],
        &json!({"object": "einvoice", "status": "pending", "document_type": "invoice", "number": due["number"], "grand_total": "1180.00", "customer_id": customer}),
    );
    // Nobody who need not register anything hears of it.
    let small = Company::new();
    let invoice = small.invoice(&small.customer(), "2025-01-10", "2025-02-09", "10.00");
    assert_eq!(invoice["einvoice"]["status"], "not_required");
    assert!(crate::events::feed(&small).iter().all(|event| !event["type"].as_str().unwrap().starts_with("einvoice")));
    company.assert_laws();
}
