//! Hostile and mistaken input: a proper refusal, never a 500, and nothing left behind.

use crate::rig::*;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

/// A company with a customer and an unpaid invoice of 1,000, and what its tables held at the start.
struct Ground {
    company: Company,
    customer: String,
    invoice: Value,
    executive: Client,
    before: std::collections::BTreeMap<String, String>,
}

impl Ground {
    fn new() -> Self {
        let company = Company::new();
        let customer = company.customer();
        let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
        let (executive, before) = (company.executive(), company.fingerprint());
        Self { company, customer, invoice, executive, before }
    }
    fn receipt(&self, extra: Value) -> Value {
        with(receipt_body(&self.customer, "2025-01-20", "100.00"), extra)
    }
    fn draft(&self, extra: Value) -> Value {
        with(invoice_body(&self.customer, "2025-01-20", "100.00"), extra)
    }
    /// A key but no content type of its own.
    fn raw(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.executive.send("POST", path, &[headers, &[("idempotency-key", &fresh())]].concat(), Some(body))
    }
    /// Every refusal left everything as it was.
    #[track_caller]
    fn untouched(self) {
        assert_eq!(self.company.fingerprint(), self.before, "something was left behind");
        self.company.assert_laws();
    }
}

#[test]
fn unknown_members_and_parameters_are_named_with_the_nearest_known_one() {
    let ground = Ground::new();
    let problem = ground.executive.post("/v1/receipts", &ground.receipt(json!({"amount_recieved": "5.00"}))).refused(400, "unknown_field");
    assert!(blames(&problem, "#/amount_recieved", "unknown_field"), "{problem}");
    let problem = ground
        .executive
        .post("/v1/invoices", &ground.draft(json!({"lines": [with(line("5.00", "0"), json!({"colour": "red"}))]})))
        .refused(400, "unknown_field");
    assert!(blames(&problem, "#/lines/0/colour", "unknown_field"), "{problem}");
    let problem = ground.executive.get("/v1/invoices?statsu=issued").refused(400, "unknown_parameter");
    assert_eq!((&problem["errors"][0]["parameter"], &problem["errors"][0]["expected"]), (&json!("statsu"), &json!("status")), "{problem}");
    ground.executive.get("/v1/customers?x[$ne]=1").refused(400, "unknown_parameter");
    ground.executive.post("/v1/receipts?validate_onyl=true", &ground.receipt(json!({}))).refused(400, "unknown_parameter");
    ground.untouched();
}

#[test]
fn amounts_that_are_not_plain_decimals_are_refused() {
    let ground = Ground::new();
    let odd = [
        "1e3",
        "01.00",
        " 1.00",
        "1.00 ",
        "-0.00",
        "+1.00",
        "1,000.00",
        "1.",
        ".5",
        "",
        "NaN",
        "Infinity",
        "0x10",
        "١٢",
        "1_000",
        "1.0000000",
        "99999999999999999.00",
        "1\n",
    ];
    for amount in odd.map(Value::from).into_iter().chain([json!(100), json!(100.5), json!(u64::MAX), json!(true), json!(["1.00"]), json!({"value": "1.00"})]) {
        let problem = ground.executive.post("/v1/receipts", &ground.receipt(json!({"amount_received": amount}))).refused(400, "invalid_decimal");
        assert!(blames(&problem, "#/amount_received", "invalid_decimal"), "{amount}: {problem}");
        let lines = json!([with(line("1.00", "0"), json!({"unit_price": amount}))]);
        if !matches!(amount.as_str(), Some("-0.00")) {
            ground.executive.post("/v1/invoices", &ground.draft(json!({"lines": lines}))).refused(400, "invalid_decimal");
        }
    }
    let problem = ground.executive.post("/v1/receipts", &ground.receipt(json!({"amount_received": "100.001"}))).refused(422, "amount_precision");
    assert!(blames(&problem, "#/amount_received", ""), "{problem}");
    for (member, value) in [
        ("quantity", "-1"),
        ("quantity", "0"),
        ("unit_price", "-1.00"),
        ("tax_rate", "-18"),
        ("tax_rate", "101"),
        ("discount", "-1.00"),
        ("discount", "1000.00"),
    ] {
        let lines = json!([with(line("100.00", "0"), json!({member: value}))]);
        let refused = ground.executive.post("/v1/invoices", &ground.draft(json!({"lines": lines}))).refusal();
        assert!(matches!(refused["status"].as_u64(), Some(400 | 422)), "{member} {value}: {refused}");
        assert!(refused["errors"][0]["pointer"].as_str().is_some_and(|at| at.starts_with("#/lines/0")), "{member} {value}: {refused}");
    }
    ground.untouched();
}

#[test]
fn amounts_of_nothing_less_than_nothing_or_too_much_are_refused() {
    let ground = Ground::new();
    for amount in ["-100.00", "0.00", "9999999999999999.00", "10000000000000.00"] {
        ground.executive.post("/v1/receipts", &ground.receipt(json!({"amount_received": amount}))).refused(422, "validation_failed");
        let deductions = json!([{"kind": "tds", "section": "194J", "amount": amount}]);
        ground.executive.post("/v1/receipts", &ground.receipt(json!({"deductions": deductions}))).refused(422, "validation_failed");
        let refused = ground.executive.post("/v1/receipts", &ground.receipt(json!({"allocations": [to_invoice(&ground.invoice, amount)]}))).refusal();
        assert_eq!(refused["status"], 422, "{amount}: {refused}");
    }
    let dear = json!([with(line("9999999999999", "28"), json!({"quantity": "9999999999999"}))]);
    let refused = ground.executive.post("/v1/invoices", &ground.draft(json!({"lines": dear}))).refusal();
    assert_eq!(refused["status"], 422, "{refused}");
    let many: Vec<Value> = (0..3).map(|_| line("9999999999999", "0")).collect();
    ground.executive.post("/v1/invoices", &ground.draft(json!({"lines": many}))).refusal();
    ground.untouched();
}

#[test]
fn bodies_that_cannot_be_read_are_refused() {
    let ground = Ground::new();
    let json_type = [("content-type", "application/json")];
    let nested = |depth: usize| format!("{{\"metadata\": {}1{}}}", "[".repeat(depth), "]".repeat(depth));
    let (deep, deeper) = (nested(17), nested(20_000));
    let unreadable: [&[u8]; 14] = [
        b"",
        b"{",
        b"nonsense",
        b"{\"a\": 1,}",
        b"{} {}",
        b"{'a': 1}",
        b"{\"a\": NaN}",
        b"{\"a\": 01}",
        b"\xff\xfe{}",
        b"{\"customer_id\": \"a\", \"customer_id\": \"b\"}",
        b"{\"payer_name\": \"a\\u0000b\"}",
        b"{\"payer_name\": \"\xc3\x28\"}",
        deep.as_bytes(),
        deeper.as_bytes(),
    ];
    for body in unreadable {
        let problem = ground.raw("/v1/receipts", &json_type, body).refused(400, "malformed_json");
        assert_eq!(problem["instance"], "/v1/receipts");
    }
    for body in ["[]", "null", "\"text\"", "7", "true"] {
        let refused = ground.raw("/v1/receipts", &json_type, body.as_bytes()).refusal();
        assert!(matches!(refused["status"].as_u64(), Some(400 | 422)), "{body}: {refused}");
    }
    let body = ground.receipt(json!({})).to_string();
    for kind in ["text/plain", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp"] {
        ground.raw("/v1/receipts", &[("content-type", kind)], body.as_bytes()).refused(415, "unsupported_media_type");
    }
    for coding in ["gzip", "zstd", "identity, gzip"] {
        ground.raw("/v1/receipts", &[json_type[0], ("content-encoding", coding)], body.as_bytes()).refused(415, "unsupported_media_type");
    }
    let refused = ground.executive.send("GET", "/v1/receipts", &[("accept", "text/csv")], None).refused(406, "not_acceptable");
    assert_eq!(refused["instance"], "/v1/receipts");
    ground.untouched();
}

/// Sends bytes as they are; the answer's first line and body.
fn spoken(request: &str) -> (String, Value) {
    let address = SERVER.base_url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).expect("sent");
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let n = stream.read(&mut buffer).unwrap_or(0);
        answer.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").and_then(|n| n.parse::<usize>().ok()));
            if n == 0 || length.is_some_and(|length| body.len() >= length) {
                return (head.lines().next().unwrap_or_default().to_owned(), serde_json::from_str(body).unwrap_or_default());
            }
        }
        assert!(n > 0, "the connection closed without an answer to {request:.80}: {text}");
    }
}

#[test]
fn a_body_over_a_mebibyte_and_an_endless_address_are_refused() {
    let ground = Ground::new();
    let token = ground.executive.token.clone().unwrap();
    let head = |path: &str, length: usize| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\nidempotency-key: {}\r\ncontent-length: {length}\r\n\r\n",
            fresh()
        )
    };
    for (path, length) in [("/v1/receipts", (1 << 20) + 1), ("/v1/receipts/bulk", (5 << 20) + 1)] {
        let (status, problem) = spoken(&head(path, length));
        assert!(status.contains(" 413"), "{status}");
        assert_eq!(problem["code"], "payload_too_large", "{problem}");
    }
    let padded = with(ground.receipt(json!({})), json!({"payer_name": "x".repeat(900_000)}));
    ground.executive.post("/v1/receipts", &padded).refused(422, "validation_failed");
    ground.executive.get(&format!("/v1/customers?q={}", "x".repeat(9000))).refused(414, "uri_too_long");
    ground.untouched();
}

#[test]
fn unknown_paths_and_methods_are_problems_too() {
    let ground = Ground::new();
    for path in ["/", "/v1", "/v2/invoices", "/v1/nothing", "/v1/invoices/", "/v1//invoices", "/v1/invoices/../customers", "/.env", "/v1/invoices/x/y/z"] {
        let refused = ground.executive.get(path).refused(404, "not_found");
        assert!(refused["instance"].as_str().is_some(), "{refused}");
    }
    for (method, path) in [("DELETE", "/v1/customers"), ("PUT", "/v1/receipts"), ("PATCH", "/v1/reports/aging"), ("POST", "/v1/trial-balance")] {
        let reply = ground.executive.send(method, path, &[], Some(b"{}"));
        let allow = reply.header("allow").unwrap_or_default();
        assert!(!allow.contains(method) && allow.contains("GET, HEAD"), "{method} {path}: Allow {allow}");
        reply.refused(405, "method_not_allowed");
    }
    for id in ["x", "1", "%00", "..%2f..%2fetc%2fpasswd", "'%20OR%201=1--", "0196f2b1-7c44-7d02-8a11-0c9f3b1e2a77", "00000000-0000-0000-0000-000000000000"] {
        ground.executive.get(&format!("/v1/invoices/{id}")).refused(404, "not_found");
    }
    ground.untouched();
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let ground = Ground::new();
    let body = json!({"kind": "martian", "currency": "INR", "payment_terms_days": -1, "billing_address": {"line1": "", "city": "Pune", "state_code": "Maharashtra", "country": "India"}});
    let problem = ground.executive.post("/v1/customers", &body).refused(422, "validation_failed");
    for pointer in ["#/legal_name", "#/kind", "#/payment_terms_days", "#/billing_address/line1", "#/billing_address/state_code", "#/billing_address/country"] {
        assert!(blames(&problem, pointer, ""), "{pointer} is not named in {problem}");
    }
    let problem = ground.executive.post("/v1/invoices", &ground.draft(json!({"customer_id": null, "lines": []}))).refusal();
    assert!(blames(&problem, "#/lines", ""), "{problem}");
    let refused = ground.executive.post("/v1/receipts/bulk", &json!({"mode": "per_item", "items": []})).refused(422, "validation_failed");
    assert!(blames(&refused, "#/items", ""), "{refused}");
    let many: Vec<Value> = vec![json!({}); 1001];
    ground.executive.post("/v1/receipts/bulk", &json!({"mode": "per_item", "items": many})).refused(422, "validation_failed");
    let both = ground.receipt(json!({"customer_external_id": "x"}));
    ground.executive.post("/v1/receipts", &both).refused(400, "ambiguous_reference");
    ground.untouched();
}

#[test]
fn dates_that_do_not_exist_or_lie_ahead_are_refused() {
    let ground = Ground::new();
    for date in ["2025-02-30", "2025-13-01", "2025-1-1", "20250101", "01/02/2025", "2025-01-20T00:00:00Z", "today", "", "0000-00-00", "+12025-01-01"] {
        let problem = ground.executive.post("/v1/receipts", &ground.receipt(json!({"receipt_date": date}))).refused(400, "invalid_date");
        assert!(blames(&problem, "#/receipt_date", ""), "{date}: {problem}");
        ground.executive.post("/v1/invoices", &ground.draft(json!({"invoice_date": date}))).refused(400, "invalid_date");
    }
    for date in ["2025-02-30", "tomorrow"] {
        let refused = ground.controller_get(&format!("/v1/reports/aging?as_of={date}")).refusal();
        assert_eq!(refused["status"], 400, "{refused}");
    }
    let ahead = today() + chrono::Days::new(2);
    let problem = ground.executive.post("/v1/receipts", &ground.receipt(json!({"receipt_date": ahead}))).refusal();
    assert!(problem["status"] == 422 && problem.to_string().contains("date_in_future"), "{problem}");
    let problem = ground.executive.post("/v1/invoices", &ground.draft(json!({"invoice_date": ahead}))).refusal();
    assert!(problem["status"] == 422 && problem.to_string().contains("date_in_future"), "{problem}");
    let early = ground.draft(json!({"due_date": "2025-01-19"}));
    let problem = ground.executive.post("/v1/invoices", &early).refused(422, "validation_failed");
    assert!(blames(&problem, "#/due_date", ""), "due before the invoice: {problem}");
    ground.untouched();
}

impl Ground {
    fn controller_get(&self, path: &str) -> Reply {
        self.company.controller().get(path)
    }
}

#[test]
fn a_gstin_is_checked_to_its_last_character() {
    let ground = Ground::new();
    let good = gstin("27");
    let check = |gstin: &str| ground.executive.post("/v1/customers?validate_only=true", &with(customer_body(), json!({"gstin": gstin})));
    check(&good).expect(200);
    let last = good.chars().last().unwrap();
    let altered = |at: usize, c: char| good.chars().enumerate().map(|(i, old)| if i == at { c } else { old }).collect::<String>();
    let wrong = if last == 'A' { 'B' } else { 'A' };
    let others = [
        "27AAACD1234E1Z",
        "27AAACD1234E1Z99",
        "27ABCDE1234F1Z5",
        "22AAAAA0000A1Z5",
        "99AAACD1234E1Z9",
        "not a gstin",
        "",
        "27AAACD1234E1Z٩",
        &altered(14, wrong),
        &altered(5, if good.as_bytes()[5] == b'C' { 'P' } else { 'C' }),
    ];
    for gstin in others {
        let problem = check(gstin).refused(422, "validation_failed");
        assert!(blames(&problem, "#/gstin", "gstin_invalid"), "{gstin:?}: {problem}");
    }
    ground.untouched();
}

#[test]
fn pages_beyond_the_limit_and_foreign_cursors_are_refused() {
    let ground = Ground::new();
    let second = ground.company.invoice(&ground.customer, "2025-01-11", "2025-02-10", "5.00");
    assert!(second["number"].is_string());
    for query in [
        "limit=201",
        "limit=0",
        "limit=-1",
        "limit=1e2",
        "limit=ten",
        "limit=99999999999999999999",
        "limit=1&limit=2",
        "include_total=yes",
        "sort=colour",
        "sort=",
        "sort=number;drop",
        "status=%00",
    ] {
        let refused = ground.executive.get(&format!("/v1/invoices?{query}")).refusal();
        assert_eq!(refused["status"], 400, "{query}: {refused}");
    }
    let page = ground.executive.get("/v1/invoices?limit=1").expect(200);
    let cursor = page["page"]["next_cursor"].as_str().expect("a next page");
    let at = cursor.len() / 3;
    let altered = format!("{}{}{}", &cursor[..at], if &cursor[at..=at] == "A" { "B" } else { "A" }, &cursor[at + 1..]);
    for forged in ["x", "", "a.b", "eyJrIjpbXX0.AAAA", "..", &altered, &cursor[..cursor.len() - 1]] {
        ground.executive.get(&format!("/v1/invoices?limit=1&cursor={forged}")).refused(400, "cursor_invalid");
    }
    for other in ["/v1/invoices?limit=1&status=issued", "/v1/invoices?limit=1&sort=due_date", "/v1/receipts?limit=1"] {
        ground.executive.get(&format!("{other}&cursor={cursor}")).refused(400, "cursor_mismatch");
    }
    ground.executive.get(&format!("/v1/invoices?limit=2&cursor={cursor}")).expect(200);
    ground.company.assert_laws();
}

#[test]
fn sql_in_a_string_is_just_text() {
    let ground = Ground::new();
    for name in ["Robert'); DROP TABLE customer;--", "' OR '1'='1", "%_\\", "${jndi:ldap://x}", "{{7*7}}", "=1+1", "<script>alert(1)</script>", "नमस्ते ट्रेडर्स 🚀"]
    {
        let made = ground.executive.post("/v1/customers", &with(customer_body(), json!({"legal_name": name}))).expect(201);
        assert_eq!(ground.company.get(&format!("/v1/customers/{}", id_of(&made)))["legal_name"], name);
        let found = ground.company.get(&format!("/v1/customers?q={}", encoded(name)));
        assert!(found["data"].as_array().unwrap().iter().all(|row| row["legal_name"] == name), "{name} finds {found}");
    }
    for query in ["/v1/invoices?external_id=%25", "/v1/invoices?number=%27%20OR%201%3D1--", "/v1/receipts?utr=%27%3B%20DROP%20TABLE%20receipt%3B--"] {
        assert_eq!(ground.company.get(query)["data"], json!([]), "{query}");
    }
    ground.company.assert_laws();
}

#[test]
fn money_goes_no_further_than_what_is_open_and_to_no_other_customer() {
    let ground = Ground::new();
    let other = ground.company.customer();
    let theirs = ground.company.invoice(&other, "2025-01-10", "2025-02-09", "1000.00");
    let draft = ground.executive.post("/v1/invoices", &ground.draft(json!({"issue": false}))).expect(201);
    let receipt = ground.company.receipt(&ground.customer, "2025-01-15", "5000.00", Value::Null);
    let ground = Ground { before: ground.company.fingerprint(), ..ground };
    let place = |targets: Value| {
        ground
            .executive
            .post("/v1/allocations", &json!({"source_type": "receipt", "source_id": receipt["id"], "allocated_on": "2025-01-20", "targets": targets}))
    };
    let refusals = [
        (json!([to_invoice(&ground.invoice, "1000.01")]), "over_allocation"),
        (json!([to_invoice(&ground.invoice, "600.00"), to_invoice(&ground.invoice, "400.01")]), "over_allocation"),
    ];
    for (targets, code) in refusals {
        place(targets).refused(422, code);
    }
    for targets in [
        json!([to_invoice(&theirs, "10.00")]),
        json!([to_invoice(&draft, "10.00")]),
        json!([]),
        json!([to_invoice(&ground.invoice, "-5.00")]),
        json!([to_invoice(&ground.invoice, "0.00")]),
    ] {
        let refused = place(targets.clone()).refusal();
        assert!(matches!(refused["status"].as_u64(), Some(409 | 422)), "{targets}: {refused}");
    }
    // As part of a new receipt the whole receipt is refused.
    for allocations in [json!([to_invoice(&ground.invoice, "100.01")]), json!([to_invoice(&theirs, "10.00")])] {
        let refused = ground.executive.post("/v1/receipts", &ground.receipt(json!({"allocations": allocations}))).refusal();
        assert!(matches!(refused["status"].as_u64(), Some(409 | 422)), "{refused}");
    }
    let early = json!({"source_type": "receipt", "source_id": receipt["id"], "allocated_on": "2025-01-14", "targets": [to_invoice(&ground.invoice, "10.00")]});
    let answer = ground.executive.post("/v1/allocations?validate_only=true", &early);
    let dated = answer.json()["data"][0]["allocated_on"].as_str().map(str::to_owned);
    assert!(answer.status == 422 || dated.as_deref() == Some("2025-01-15"), "never dated before the money: {}", answer.text());
    ground.untouched();
}

#[test]
fn receipt_in_a_closed_or_missing_period_is_refused() {
    let ground = Ground::new();
    ground.executive.post("/v1/receipts", &ground.receipt(json!({"receipt_date": "2009-12-31"}))).refused(409, "period_closed");
    ground.executive.post("/v1/invoices", &ground.draft(json!({"invoice_date": "2009-12-31"}))).refused(409, "period_closed");
    let receipt = ground.company.receipt(&ground.customer, "2025-01-15", "100.00", json!([to_invoice(&ground.invoice, "100.00")]));
    // Whoever closed it and how: the guard is the database's. Controllers still post into a soft-closed month.
    let close = |state: &str| format!("UPDATE period SET state = '{state}' WHERE company_id = '{}' AND starts_on = '2025-03-01'", ground.company.id);
    for state in ["soft_closed", "closed"] {
        Db::owner().run(&close(state)).unwrap();
        let before = ground.company.fingerprint();
        ground.executive.post("/v1/receipts", &ground.receipt(json!({"receipt_date": "2025-03-31"}))).refused(409, "period_closed");
        ground.executive.post("/v1/invoices", &ground.draft(json!({"invoice_date": "2025-03-01"}))).refused(409, "period_closed");
        if state == "closed" {
            let reversal = json!({"reversed_on": "2025-03-15", "reason": "Wrong invoice"});
            ground
                .company
                .controller()
                .post(&format!("/v1/allocations/{}/reverse", id_of(&receipt["allocations"][0])), &reversal)
                .refused(409, "period_closed");
        }
        assert_eq!(ground.company.fingerprint(), before);
    }
    Db::owner().run(&close("open")).unwrap();
    ground.executive.post("/v1/receipts", &ground.receipt(json!({"receipt_date": "2025-03-31"}))).expect(201);
    ground.company.assert_laws();
}

#[test]
fn what_is_issued_or_paid_or_out_of_date_is_not_changed() {
    let ground = Ground::new();
    let controller = ground.company.controller();
    ground.company.receipt(&ground.customer, "2025-01-15", "400.00", json!([to_invoice(&ground.invoice, "400.00")]));
    let draft = ground.executive.post("/v1/invoices", &ground.draft(json!({"issue": false}))).expect(201);
    let ground = Ground { before: ground.company.fingerprint(), ..ground };
    let (issued, draft) = (format!("/v1/invoices/{}", id_of(&ground.invoice)), format!("/v1/invoices/{}", id_of(&draft)));
    let reason = json!({"reason": "Entered by mistake"});
    let problem = controller.change("POST", &format!("{issued}/cancel"), "*", &reason).refused(409, "invalid_state");
    assert!(problem["detail"].as_str().is_some_and(|text| text.len() > 10), "{problem}");
    ground.executive.change("PATCH", &issued, "*", &json!({"po_reference": "PO-1"})).refused(409, "invalid_state");
    ground.executive.change("DELETE", &issued, "*", &Value::Null).refused(409, "invalid_state");
    ground.executive.change("POST", &format!("{issued}/issue"), "*", &json!({})).refused(409, "invalid_state");
    controller.change("POST", &format!("{draft}/cancel"), "*", &reason).refused(409, "invalid_state");
    for (method, path, body) in [("PATCH", draft.clone(), json!({"po_reference": "PO-1"})), ("POST", format!("{draft}/issue"), json!({}))] {
        let unconditional = [("content-type", "application/json"), ("idempotency-key", "k")];
        ground.executive.send(method, &path, &unconditional, Some(body.to_string().as_bytes())).refused(428, "if_match_required");
        let problem = ground.executive.change(method, &path, "\"v7\"", &body).refused(412, "version_mismatch");
        assert_eq!(problem["current"]["version"], 1, "{problem}");
        for tag in ["v1", "1", "W/\"v1\"", "\"vx\"", "\"v1\", \"v2\""] {
            let refused = ground.executive.change(method, &path, tag, &body).refusal();
            assert!(matches!(refused["status"].as_u64(), Some(400 | 412)), "{tag}: {refused}");
        }
    }
    ground.executive.send("DELETE", &draft, &[], None).refused(428, "if_match_required");
    ground.executive.change("PATCH", &format!("/v1/customers/{}", ground.customer), "\"v9\"", &json!({"legal_name": "New"})).refused(412, "version_mismatch");
    ground.untouched();
}

#[test]
fn headers_that_may_be_passed_over_are_refused_beyond_a_thousand_bytes() {
    let ground = Ground::new();
    let path = "/v1/customers?limit=1";
    for name in ["Range", "Prefer"] {
        let of = |length: usize| ground.executive.send("GET", path, &[(name, &"x".repeat(length))], None);
        assert_eq!(of(1_000).status, 200, "{name}");
        let problem = of(1_001).refused(400, "invalid_parameter");
        assert_eq!((&problem["errors"][0]["header"], &problem["errors"][0]["code"]), (&json!(name), &json!("too_long")));
    }
    ground.untouched();
}

#[test]
fn a_parameter_that_is_missing_is_named() {
    let ground = Ground::new();
    let file =
        |query: &str| ground.raw(&format!("/v1/imports{query}"), &[("content-type", "text/csv")], b"legal_name\nAcme\n").refused(400, "invalid_parameter");
    assert_eq!(file("")["errors"], json!([{"parameter": "type", "code": "required", "detail": "This parameter is required."}]));
    assert_eq!(file("?type=ships")["errors"].as_array().map(Vec::len), Some(1), "what is wrong is told once");
    ground.untouched();
}

#[test]
fn pages_of_origins_that_are_listed_may_ask_and_others_may_not() {
    let ground = Ground::new();
    let ask = |origin: &str, method: &str, headers: &str| {
        let given = [("origin", origin), ("access-control-request-method", method), ("access-control-request-headers", headers)];
        ground.executive.send("OPTIONS", "/v1/customers", &given, None)
    };
    let ours = "https://books.example.com";
    for (method, headers) in [
        ("GET", "authorization"),
        ("HEAD", "authorization,range,if-range,if-none-match,traceparent,tracestate"),
        ("POST", "authorization,content-type,idempotency-key,prefer,request-id"),
        ("PATCH", "if-match"),
    ] {
        let reply = ask(ours, method, headers);
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, Some(ours)), "{method} {headers}: {}", reply.text());
    }
    for (origin, method, headers) in [
        ("https://evil.example.com", "GET", "authorization"),
        ("https://books.example.com.evil.test", "GET", "authorization"),
        ("null", "GET", "authorization"),
        (ours, "TRACE", "authorization"),
        (ours, "GET", "x-other"),
    ] {
        let reply = ask(origin, method, headers);
        assert!(origin == ours || reply.header("access-control-allow-origin").is_none(), "{origin}");
        assert!(reply.header("vary").is_some_and(|vary| vary.to_lowercase().contains("origin")), "{origin} {method} {headers}");
        reply.refused(403, "permission_denied");
    }
    let shared = ground.executive.send("GET", "/v1/customers", &[("origin", ours)], None);
    assert_eq!((shared.status, shared.header("access-control-allow-origin")), (200, Some(ours)));
    assert!(shared.header("access-control-expose-headers").is_some_and(|named| named.to_lowercase().contains("content-range")));
    ground.untouched();
}

#[test]
fn what_a_thing_never_lacks_is_not_cleared() {
    let ground = Ground::new();
    let (company, admin) = (&ground.company, ground.company.as_role("admin"));
    let controller = company.controller();
    let first = |list: &str| id_of(&controller.get(list).expect(200)["data"][0]);
    let machine = id_of(&admin.post("/v1/api-clients", &json!({"name": "Bank", "scopes": ["customers:read"]})).expect(201));
    let hook = json!({"url": "http://127.0.0.1:9/", "event_types": ["period.closed"], "description": "Ours"});
    let hook = format!("/v1/webhook-endpoints/{}", id_of(&admin.post("/v1/webhook-endpoints", &hook).expect(201)));
    let item = company
        .executive()
        .post("/v1/items", &json!({"name": "Plan", "code": fresh(), "hsn_code": "998313", "unit_price": "10.00", "tax_rate": "18"}))
        .expect(201);
    let user = first("/v1/users").replace(&company.user_id("controller"), &company.user_id("sales"));
    for (client, path, names) in [
        (&admin, format!("/v1/api-clients/{machine}"), &["name", "scopes", "active"][..]),
        (&admin, "/v1/company".to_owned(), &["legal_name"]),
        (&ground.executive, format!("/v1/customers/{}", ground.customer), &["legal_name", "kind", "active"]),
        (&controller, format!("/v1/customers/{}/credit", ground.customer), &["watch", "hold_all"]),
        (&controller, format!("/v1/gl-accounts/{}", first("/v1/gl-accounts")), &["code", "name", "active"]),
        (&admin, format!("/v1/gst-registrations/{}", first("/v1/gst-registrations")), &["legal_name", "type"]),
        (&ground.executive, format!("/v1/items/{}", id_of(&item)), &["name", "unit_price", "tax_rate", "active"]),
        (&admin, format!("/v1/users/{user}"), &["name", "active"]),
        (&admin, hook.clone(), &["url", "event_types", "ordered", "active"]),
    ] {
        let body: serde_json::Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
        let problem = client.change("PATCH", &path, "*", &Value::Object(body)).refused(422, "validation_failed");
        for name in names {
            assert!(blames(&problem, &format!("#/{name}"), "required"), "{path} {name}: {problem}");
        }
        assert_eq!(problem["errors"].as_array().unwrap().len(), names.len(), "{path}: {problem}");
    }
    // What may be absent is cleared, and what is left out stays.
    let cleared = admin.change("PATCH", &hook, "*", &json!({"description": null})).expect(200);
    assert_includes(&cleared, &json!({"description": null, "event_types": ["period.closed"]}));
    company.assert_laws();
}
