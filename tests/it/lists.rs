//! Lists: pages, order, filters and totals from one mechanism.

use crate::rig::*;
use chrono::Days;
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Every row of a list, page by page forward; then the same pages backward.
fn walk_pages(client: &Client, path: &str) -> Vec<Value> {
    let (mut forward, mut pages, mut cursor) = (Vec::new(), Vec::new(), String::new());
    let page = |cursor: &str| client.get(&format!("{path}&limit=5{}{cursor}", if cursor.is_empty() { "" } else { "&cursor=" })).expect(200);
    let mut last;
    loop {
        last = page(&cursor);
        let rows = last["data"].as_array().unwrap().clone();
        assert_eq!(last["page"]["limit"], 5);
        assert_eq!(last["page"]["has_more"], last["page"]["next_cursor"].is_string(), "{}", last["page"]);
        assert_eq!(last["page"]["prev_cursor"].is_string(), !pages.is_empty(), "{}", last["page"]);
        forward.extend(rows.clone());
        pages.push(rows);
        match last["page"]["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
        assert!(pages.len() < 100, "{path} never ends");
    }
    pages.pop();
    while let Some(previous) = last["page"]["prev_cursor"].as_str().map(str::to_owned) {
        last = page(&previous);
        assert_eq!(last["data"].as_array(), pages.pop().as_ref(), "{path} backward");
    }
    assert!(pages.is_empty(), "{path}: the way back is shorter");
    forward
}

fn compare(a: &Value, b: &Value) -> Ordering {
    let number = |value: &Value| value.as_str().and_then(|text| text.parse::<rust_decimal::Decimal>().ok()).or_else(|| value.as_i64().map(Into::into));
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.as_str().unwrap_or_default().cmp(b.as_str().unwrap_or_default()),
    }
}

fn ids(rows: &[Value]) -> BTreeSet<String> {
    rows.iter().map(id_of).collect()
}

/// A company with 23 invoices of several customers, dates, amounts and states, and 12 receipts; equal values among them.
fn stocked() -> Company {
    let company = Company::new();
    let customers: Vec<String> = (0..7).map(|_| company.customer()).collect();
    let rows: Vec<Value> = (0..23_u64)
        .map(|n| {
            let date = day("2025-01-01") + Days::new(n % 6 * 9);
            with(
                invoice_body(&customers[usize::try_from(n % 5).unwrap()], &date.to_string(), &format!("{}.50", 100 + n * 37 % 8 * 10)),
                json!({"issue": n % 4 != 0, "due_date": date + Days::new(n % 3 * 20)}),
            )
        })
        .collect();
    let made = company.executive().post("/v1/invoices/bulk", &json!({"mode": "atomic", "items": rows})).expect(207);
    assert_eq!(made["summary"]["succeeded"], 23, "{made}");
    for n in 0..12_u64 {
        let body =
            receipt_body(&customers[usize::try_from(n % 5).unwrap()], &(day("2025-02-20") + Days::new(n % 4)).to_string(), &format!("{}.00", 10 + n / 2));
        company.executive().post("/v1/receipts", &with(body, json!({"auto_apply": if n % 3 == 0 { json!("oldest_first") } else { Value::Null }}))).expect(201);
    }
    company
}

#[test]
fn a_page_links_to_the_next_and_the_one_before() {
    let company = stocked();
    let client = company.controller();
    let first = client.get("/v1/invoices?limit=5&status=issued");
    let link = first.header("link").expect("a Link").to_owned();
    assert!(link.contains("rel=\"next\"") && !link.contains("rel=\"prev\"") && link.contains("status=issued"), "{link}");
    let next = link.trim_start_matches('<').split('>').next().expect("an address").to_owned();
    let second = client.get(&next);
    assert_eq!(second.status, 200, "{next}");
    assert!(second.header("link").is_some_and(|link| link.contains("rel=\"prev\"")));
    assert_ne!(first.json()["data"][0]["id"], second.json()["data"][0]["id"]);
    company.assert_laws();
}

#[test]
fn pages_hold_every_row_once_in_the_order_asked_for_and_back() {
    let company = stocked();
    let (client, mut missing) = (company.controller(), Vec::new());
    // Section 7 of the API design: sort keys, and the member each one is seen in.
    let lists: [(&str, usize, &[(&str, &str)]); 3] = [
        (
            "invoices",
            23,
            &[
                ("invoice_date", "invoice_date"),
                ("due_date", "due_date"),
                ("number", "number"),
                ("balance_due", "balance_due"),
                ("days_overdue", "days_overdue"),
            ],
        ),
        ("receipts", 12, &[("receipt_date", "receipt_date"), ("amount_received", "amount_received")]),
        ("customers", 7, &[("name", "legal_name"), ("overdue_amount", "overdue"), ("balance", "balance")]),
    ];
    for (list, count, keys) in lists {
        let default = walk_pages(&client, &format!("/v1/{list}?"));
        assert_eq!((default.len(), ids(&default).len()), (count, count), "{list}");
        for (key, member) in keys {
            if client.get(&format!("/v1/{list}?sort={key}")).status == 400 {
                missing.push(format!("{list} by {key}"));
                continue;
            }
            for (direction, wrong) in [("", Ordering::Greater), ("-", Ordering::Less)] {
                let rows = walk_pages(&client, &format!("/v1/{list}?sort={direction}{key}"));
                assert_eq!(ids(&rows), ids(&default), "{list} by {key}");
                let seen: Vec<&Value> = rows.iter().map(|row| &row[member]).filter(|value| !value.is_null()).collect();
                assert!(seen.windows(2).all(|pair| compare(pair[0], pair[1]) != wrong), "{list} by {direction}{key}: {seen:?}");
            }
        }
    }
    assert!(
        walk_pages(&client, "/v1/invoices?").windows(2).all(|pair| pair[0]["invoice_date"].as_str() >= pair[1]["invoice_date"].as_str()),
        "newest first by default"
    );
    assert!(missing.is_empty(), "sort keys of api.md section 7 that do not exist: {missing:?}");
    company.assert_laws();
}

#[test]
fn filters_agree_with_filtering_by_hand() {
    let company = stocked();
    let client = company.controller();
    let all = walk_pages(&client, "/v1/invoices?");
    let some_customer = all[3]["customer_id"].as_str().unwrap().to_owned();
    let numbered = all.iter().find(|row| row["number"].is_string()).unwrap();
    let number = numbered["number"].as_str().unwrap();
    let filters: Vec<(String, Box<dyn Fn(&Value) -> bool + '_>)> = vec![
        ("status=issued".into(), Box::new(|row| row["status"] == "issued")),
        ("status=draft,cancelled".into(), Box::new(|row| row["status"] == "draft")),
        (format!("customer_id={some_customer}"), Box::new(|row| row["customer_id"] == some_customer.as_str())),
        (format!("number={}", encoded(number)), Box::new(|row| row["number"] == number)),
        (
            "invoice_date_gte=2025-01-10&invoice_date_lte=2025-01-28".into(),
            Box::new(|row| ("2025-01-10"..="2025-01-28").contains(&row["invoice_date"].as_str().unwrap())),
        ),
        ("due_date_gte=2025-01-30".into(), Box::new(|row| row["due_date"].as_str().unwrap() >= "2025-01-30")),
        (
            format!("ids={},{}", all[1]["id"].as_str().unwrap(), all[5]["id"].as_str().unwrap()),
            Box::new(|row| row["id"] == all[1]["id"] || row["id"] == all[5]["id"]),
        ),
        (format!("gstin={}", company.gstin), Box::new(|_| true)),
        ("gstin=27AAACD1234E1Z9".into(), Box::new(|_| false)),
        ("supply_type=B2B,B2C".into(), Box::new(|_| true)),
        ("period=2025-01".into(), Box::new(|row| row["invoice_date"].as_str().unwrap().starts_with("2025-01"))),
        ("overdue=true".into(), Box::new(|row| row["is_overdue"] == true)),
        ("overdue=false&status=issued".into(), Box::new(|row| row["is_overdue"] == false && row["status"] == "issued")),
    ];
    for (query, keep) in filters {
        let expected: Vec<Value> = all.iter().filter(|row| keep(row)).cloned().collect();
        assert_eq!(ids(&walk_pages(&client, &format!("/v1/invoices?{query}"))), ids(&expected), "{query}");
        let page = client.get(&format!("/v1/invoices?{query}&limit=1&include_total=true")).expect(200);
        assert_eq!(page["page"]["total"], expected.len(), "{query}");
    }
    assert!(client.get("/v1/invoices?limit=1").expect(200)["page"]["total"].is_null(), "a total only when asked for");
    company.assert_laws();
}

#[test]
fn a_row_that_arrives_between_two_pages_neither_repeats_nor_hides_others() {
    let company = stocked();
    let client = company.controller();
    let before = ids(&walk_pages(&client, "/v1/receipts?"));
    let first = client.get("/v1/receipts?limit=5").expect(200);
    let customer = company.customer();
    company.receipt(&customer, "2025-03-01", "5.00", Value::Null);
    company.receipt(&customer, "2025-02-01", "6.00", Value::Null);
    let rest = client.get(&format!("/v1/receipts?limit=200&cursor={}", first["page"]["next_cursor"].as_str().unwrap())).expect(200);
    let both: Vec<Value> = [&first, &rest].iter().flat_map(|page| page["data"].as_array().unwrap().clone()).collect();
    assert_eq!(both.len(), ids(&both).len(), "no row twice");
    assert!(ids(&both).is_superset(&before), "no row lost");
    company.assert_laws();
}

#[test]
fn a_single_resource_is_not_sent_again_while_it_is_unchanged() {
    let company = Company::new();
    let (client, customer) = (company.executive(), company.customer());
    let path = format!("/v1/customers/{customer}");
    let reply = client.get(&path);
    let tag = reply.header("etag").expect("an ETag").to_owned();
    assert_eq!(tag, "\"v1\"");
    let again = client.send("GET", &path, &[("if-none-match", &tag)], None);
    assert_eq!((again.status, again.bytes.len()), (304, 0));
    assert_eq!(client.send("GET", &path, &[("if-none-match", &format!("\"v9\", W/{tag}"))], None).status, 304, "who compresses on the way weakens tags");
    let changed = client.change("PATCH", &path, &tag, &json!({"legal_name": "New Name Pvt Ltd"}));
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"v2\"")));
    assert_eq!(client.send("GET", &path, &[("if-none-match", &tag)], None).status, 200);
    company.assert_laws();
}

#[test]
fn words_and_times_find_what_they_say() {
    let company = stocked();
    let (client, executive) = (company.controller(), company.executive());
    let customer = company.customer();
    let renamed = json!({"legal_name": "Zebra Mills (Nagpur) Pvt Ltd"});
    executive.change("PATCH", &format!("/v1/customers/{customer}"), "*", &renamed).expect(200);
    let before = walk_pages(&client, "/v1/invoices?");
    let invoice = executive.post("/v1/invoices", &with(invoice_body(&customer, "2025-02-02", "7.00"), json!({"po_reference": "Order 88-XY"}))).expect(201);
    let found = |query: &str| ids(&walk_pages(&client, &format!("/v1/invoices?{query}")));
    let only = BTreeSet::from([id_of(&invoice)]);
    for words in ["88-xy", "zebra MILLS", "Nagpur)", invoice["number"].as_str().unwrap(), invoice["external_id"].as_str().unwrap()] {
        assert_eq!(found(&format!("q={}", words.replace('/', "%2F").replace(' ', "%20"))), only, "{words}");
    }
    assert!(found("q=%25").is_empty() && found("q=_ebra").is_empty(), "signs of patterns are only signs");
    let made = invoice["created_at"].as_str().unwrap();
    assert_eq!(found(&format!("created_at_gte={made}")), only);
    assert_eq!(found(&format!("created_at_lt={made}")), ids(&before));
    assert_eq!(found(&format!("created_at_gte=2020-01-01T00:00:00Z&created_at_lt={made}&status=draft")).len(), 6, "every fourth of 23");
    assert_eq!(ids(&walk_pages(&client, "/v1/customers?q=zebra")), BTreeSet::from([customer.clone()]));
    let changed = client.get(&format!("/v1/customers/{customer}")).expect(200)["updated_at"].as_str().unwrap().to_owned();
    assert_eq!(ids(&walk_pages(&client, &format!("/v1/customers?updated_at_gte={changed}"))), BTreeSet::from([customer]));
    let paid = with(receipt_body(invoice["customer_id"].as_str().unwrap(), "2025-03-03", "1.00"), json!({"utr": "SBIN425062000777"}));
    let receipt = executive.post("/v1/receipts", &paid).expect(201);
    assert_eq!(ids(&walk_pages(&client, "/v1/receipts?q=sbin425062000777")), BTreeSet::from([id_of(&receipt)]));
    assert_eq!(client.get("/v1/invoices?q=").expect(400)["errors"][0]["parameter"], "q");
    assert_eq!(client.get("/v1/invoices?created_at_gte=yesterday").expect(400)["errors"][0]["parameter"], "created_at_gte");
    assert_eq!(client.get("/v1/gl-accounts?created_at_gte=2025-01-01T00:00:00Z").expect(400)["code"], "unknown_parameter");
    company.assert_laws();
}

#[test]
fn what_an_answer_names_is_told_with_it_to_those_who_may_read_it() {
    let company = Company::new();
    let (client, customer) = (company.controller(), company.customer());
    let invoice = company.executive().post("/v1/invoices", &with(invoice_body(&customer, "2025-01-10", "100.00"), json!({"issue": true}))).expect(201);
    let paid = json!([{"target_type": "invoice", "target_id": invoice["id"], "amount": "40.00", "kind": "cash"}]);
    company.receipt(&customer, "2025-01-20", "40.00", paid);
    let path = format!("/v1/invoices/{}", id_of(&invoice));
    let plain = client.get(&path).expect(200);
    let full = client.get(&format!("{path}?expand=customer,journal,allocations,explanation")).expect(200);
    assert_eq!(full["customer"]["id"], customer.as_str());
    assert_eq!(full["journal"]["id"], plain["gl_journal_id"]);
    let lines = full["journal"]["lines"].as_array().unwrap();
    assert!(lines.len() >= 2, "{lines:?}");
    assert_eq!(full["allocations"].as_array().map(|rows| rows.iter().map(|row| row["amount"].as_str().unwrap()).collect()), Some(vec!["40.00"]));
    assert!(full["explanation"].is_array() && ["customer", "journal", "allocations", "explanation"].iter().all(|word| plain.get(*word).is_none()));
    // Its version says nothing of what is told with it.
    let tag = client.get(&path).header("etag").unwrap().to_owned();
    assert_eq!(client.send("GET", &format!("{path}?expand=customer"), &[("if-none-match", &tag)], None).status, 200);
    let rows = client.get("/v1/receipts?expand=customer").expect(200);
    assert_eq!(rows["data"][0]["customer"]["id"], customer.as_str());
    assert_eq!(client.get(&format!("{path}?expand=customer&fields=number,customer")).expect(200).as_object().unwrap().len(), 3);
    let refused = company.as_role("collector").get(&format!("{path}?expand=customer,journal")).expect(403);
    assert_eq!(refused["required_permission"], "gl:read", "{refused}");
    assert_eq!(client.get(&format!("{path}?expand=payer")).expect(400)["errors"][0]["parameter"], "expand");
    // Members of a composed answer can be picked like any other.
    let picked = client.get(&format!("{path}?fields=number,payment_status,invoice_date")).expect(200);
    assert_eq!(picked, json!({"id": invoice["id"], "number": invoice["number"], "payment_status": "partially_paid", "invoice_date": "2025-01-10"}));
    company.assert_laws();
}

#[test]
fn what_may_be_read_may_be_asked_for_without_its_body() {
    let company = Company::new();
    let (client, customer) = (company.executive(), company.customer());
    for path in [format!("/v1/customers/{customer}"), "/v1/invoices?limit=1".into()] {
        let (whole, head) = (client.get(&path), client.send("HEAD", &path, &[], None));
        assert_eq!((head.status, head.bytes.len()), (200, 0), "{path}");
        for name in ["etag", "content-type", "content-length"] {
            assert_eq!(head.header(name), whole.header(name), "{path} {name}");
        }
    }
    assert_eq!(client.send("HEAD", "/v1/invoices/bulk", &[], None).status, 405, "what takes no GET");
    assert_eq!(client.send("HEAD", "/v1/nothing", &[], None).status, 404);
    company.assert_laws();
}

#[test]
fn the_log_is_read_page_by_page_and_back_and_what_waits_to_be_sealed_stands_last() {
    let company = Company::new();
    for _ in 0..12 {
        company.customer();
    }
    let controller = company.controller();
    let places = |rows: &[Value]| rows.iter().map(|row| row["seq"].as_i64()).collect::<Vec<_>>();
    let in_order = |places: &[Option<i64>]| places.windows(2).all(|pair| pair[1] == pair[0].map(|seq| seq + 1));
    let whole = || controller.get("/v1/audit/entries?limit=200").expect(200)["data"].as_array().unwrap().clone();
    // What waits stands last, whenever one looks.
    until("the log to be sealed", std::time::Duration::from_secs(60), || {
        let places = places(&whole());
        let sealed = places.iter().take_while(|seq| seq.is_some()).count();
        assert!(in_order(&places[..sealed]) && places[sealed..].iter().all(Option::is_none), "{places:?}");
        (sealed == places.len()).then_some(())
    });
    let rows = walk_pages(&controller, "/v1/audit/entries?");
    assert!(in_order(&places(&rows)), "{rows:?}");
    assert_eq!(ids(&rows).len(), rows.len());
    assert!(rows.iter().filter(|row| row["action"] == "customer.created").count() >= 12);
    company.assert_laws();
}

#[test]
fn one_question_finds_customers_and_documents_that_the_caller_may_list() {
    let company = Company::new();
    let executive = company.executive();
    let (word, phone) = (format!("Kaveri{}", &fresh()[..6]), "+919812345670");
    let of = |name: &str, extra: Value| id_of(&executive.post("/v1/customers", &with(with(customer_body(), json!({"legal_name": name})), extra)).expect(201));
    let mine = of(&format!("{word} Steels Pvt Ltd"), json!({"salesperson_id": company.user_id("sales")}));
    let other = of(&format!("Sri {word} & Sons"), json!({}));
    executive.post(&format!("/v1/customers/{other}/contacts"), &json!({"name": "Ravi Iyer", "phone": phone})).expect(201);
    let invoice = company.invoice(&mine, "2025-01-10", "2025-02-09", "100.00");
    let utr = format!("KKBK{}", &fresh()[..12]).to_ascii_uppercase();
    let receipt = executive.post("/v1/receipts", &with(receipt_body(&other, "2025-01-15", "10.00"), json!({"method": "neft", "utr": utr}))).expect(201);
    let found = |client: &Client, query: &str| {
        let answer = client.get(&format!("/v1/search?{query}")).expect(200);
        let rows = answer["data"].as_array().unwrap().clone();
        for row in &rows {
            assert_eq!(client.get(row["url"].as_str().unwrap()).expect(200)["id"], row["id"]);
        }
        rows.iter().map(|row| (row["object"].as_str().unwrap().to_owned(), id_of(row), row["matched"].as_str().unwrap().to_owned())).collect::<Vec<_>>()
    };
    let hit = |object: &str, id: &str, matched: &str| (object.to_owned(), id.to_owned(), matched.to_owned());
    let (invoice_id, receipt_id) = (id_of(&invoice), id_of(&receipt));
    // What begins with the words comes before what holds them, in small letters or not.
    let customers = found(&executive, &format!("q={}&types=customer", word.to_lowercase()));
    assert_eq!(customers, [hit("customer", &mine, "name"), hit("customer", &other, "name")]);
    let all: BTreeSet<_> = found(&executive, &format!("q={word}")).into_iter().collect();
    let expected = [hit("customer", &mine, "name"), hit("customer", &other, "name"), hit("invoice", &invoice_id, "name"), hit("receipt", &receipt_id, "name")];
    assert_eq!(all, expected.into_iter().collect());
    assert_eq!(found(&executive, "q=9812345670"), [hit("customer", &other, "phone")]);
    assert_eq!(found(&executive, &format!("q={utr}")), [hit("receipt", &receipt_id, "utr")]);
    assert_eq!(found(&executive, &format!("q={}", encoded(invoice["number"].as_str().unwrap()))), [hit("invoice", &invoice_id, "number")]);
    assert_eq!(found(&executive, &format!("q={word}&limit=1")).len(), 1);
    assert!(found(&executive, "q=%25%25").is_empty(), "no pattern");
    // Within the portfolio; by a client only what its scopes allow.
    let seen: BTreeSet<_> = found(&company.as_role("sales"), &format!("q={word}")).into_iter().map(|(_, id, _)| id).collect();
    assert_eq!(seen, [mine.clone(), invoice_id].into_iter().collect());
    let machine = company.as_machine(&["customers:read"]).get(&format!("/v1/search?q={word}")).expect(200);
    assert_eq!((&machine["types"], machine["data"].as_array().unwrap().len()), (&json!(["customer"]), 2));
    assert_eq!(Company::new().get(&format!("/v1/search?q={word}"))["data"], json!([]), "another company's");
    for bad in ["", "q=a", "q=ab&types=users", "q=ab&limit=51", "q=ab&sort=id"] {
        let refused = executive.get(&format!("/v1/search?{bad}")).refusal();
        assert_eq!(refused["status"], 400, "{bad}: {refused}");
    }
    company.assert_laws();
}

#[test]
fn customers_are_sorted_into_segments_and_found_by_their_tags() {
    let company = Company::new();
    let executive = company.executive();
    let made = |extra: Value| executive.post("/v1/customers", &with(customer_body(), extra)).expect(201);
    let retail = made(json!({"segment": "Retail West", "tags": ["vip", "north", "vip"]}));
    assert_eq!((&retail["segment"], &retail["tags"]), (&json!("Retail West"), &json!(["north", "vip"])), "each once, in order");
    let (trade, none) = (made(json!({"segment": "trade", "tags": ["vip"]})), made(json!({})));
    assert_eq!((&none["segment"], &none["tags"]), (&Value::Null, &json!([])));
    let found = |query: &str| ids(executive.get(&format!("/v1/customers?{query}")).expect(200)["data"].as_array().unwrap());
    let both: BTreeSet<String> = [id_of(&retail), id_of(&trade)].into();
    assert_eq!((found("tag=vip"), found("segment=Retail%20West,trade")), (both.clone(), both));
    assert_eq!(found("tag=vip,north"), [id_of(&retail)].into(), "with all of them");
    assert_eq!((found("tag=south"), found("segment=retail%20west")), (BTreeSet::new(), BTreeSet::new()));
    // A part of it changes alone; null and nothing clear.
    let path = format!("/v1/customers/{}", id_of(&retail));
    let changed = executive.change("PATCH", &path, "*", &json!({"tags": []})).expect(200);
    assert_eq!((&changed["segment"], &changed["tags"]), (&json!("Retail West"), &json!([])));
    assert_eq!(executive.change("PATCH", &path, "*", &json!({"segment": null})).expect(200)["segment"], Value::Null);
    let many: Vec<String> = (0..21).map(|n| format!("t{n}")).collect();
    for (bad, pointer) in [
        (json!({"tags": ["ok", "Not so"]}), "#/tags/1"),
        (json!({"tags": many}), "#/tags"),
        (json!({"segment": ""}), "#/segment"),
        (json!({"segment": "x".repeat(41)}), "#/segment"),
    ] {
        for refused in [executive.post("/v1/customers", &with(customer_body(), bad.clone())).refusal(), executive.change("PATCH", &path, "*", &bad).refusal()] {
            assert!(
                matches!(refused["status"].as_u64(), Some(400 | 422)) && refused["errors"].as_array().unwrap().iter().any(|error| error["pointer"] == pointer),
                "{bad}: {refused}"
            );
        }
    }
    company.assert_laws();
}

#[test]
fn records_are_found_by_what_is_kept_beside_them() {
    let company = Company::new();
    let (executive, customer) = (company.executive(), company.customer());
    let invoice = |kept: Value| {
        id_of(&executive.post("/v1/invoices", &with(invoice_body(&customer, "2025-01-10", "10.00"), json!({"issue": false, "metadata": kept}))).expect(201))
    };
    let west = invoice(json!({"region": "west", "owner": "a=b", "empty": ""}));
    let east = invoice(json!({"region": "east", "owner": "a=b"}));
    let none = invoice(json!({}));
    let receipt =
        id_of(&executive.post("/v1/receipts", &with(receipt_body(&customer, "2025-01-12", "5.00"), json!({"metadata": {"region": "west"}}))).expect(201));
    let found = |path: &str, query: &str| ids(executive.get(&format!("/v1/{path}?{query}")).expect(200)["data"].as_array().unwrap());
    let set = |of: &[&String]| of.iter().map(|id| (*id).clone()).collect::<BTreeSet<String>>();
    // As OpenAPI describes it, as it is written by hand, and mixed; all of them must hold, each kind of record apart.
    assert_eq!(found("invoices", "metadata%5Bregion%5D=west"), set(&[&west]));
    assert_eq!(found("invoices", "metadata[region]=west&include_total=true"), set(&[&west]));
    assert_eq!(found("invoices", "metadata.region=east"), set(&[&east]));
    assert_eq!(found("invoices", "metadata.owner=a%3Db"), set(&[&west, &east]));
    assert_eq!(found("invoices", "metadata.owner=a%3Db&metadata[region]=east"), set(&[&east]));
    assert_eq!(found("invoices", "metadata.region=west&metadata.empty="), set(&[&west]));
    assert_eq!(found("invoices", "metadata.region=West"), BTreeSet::new());
    assert_eq!(found("invoices", "metadata.owner=a"), BTreeSet::new());
    assert_eq!(found("receipts", "metadata.region=west"), set(&[&receipt]));
    assert_eq!(found("credit-notes", "metadata.region=west"), BTreeSet::new());
    // A page goes on with the values it began with.
    let first = executive.get("/v1/invoices?metadata.owner=a%3Db&limit=1").expect(200);
    let next = first["page"]["next_cursor"].as_str().unwrap();
    assert_eq!(executive.get(&format!("/v1/invoices?metadata.owner=a%3Db&limit=1&cursor={next}")).expect(200)["data"].as_array().unwrap().len(), 1);
    executive.get(&format!("/v1/invoices?metadata.owner=b&limit=1&cursor={next}")).refused(400, "cursor_mismatch");
    // What is kept changes, and goes with a draft that is deleted.
    executive.change("PATCH", &format!("/v1/customers/{customer}"), "*", &json!({"metadata": {"region": "south"}})).expect(200);
    assert_eq!(found("customers", "metadata.region=south"), set(&[&customer]));
    executive.change("PATCH", &format!("/v1/invoices/{none}"), "*", &json!({"metadata": {"region": "west"}})).expect(200);
    executive.change("PATCH", &format!("/v1/invoices/{west}"), "*", &json!({"metadata": {"region": "north"}})).expect(200);
    assert_eq!(found("invoices", "metadata.region=west"), set(&[&none]));
    executive.change("DELETE", &format!("/v1/invoices/{none}"), "*", &Value::Null).expect(200);
    assert_eq!(found("invoices", "metadata.region=west"), BTreeSet::new());
    let long = "x".repeat(501);
    for (query, code, named) in [
        ("metadata=west", "invalid_parameter", "metadata"),
        ("metadata.Region=west", "invalid_parameter", "metadata.Region"),
        ("metadata.=west", "invalid_parameter", "metadata."),
        ("metadata[]=west", "invalid_parameter", "metadata[]"),
        ("metadata[region=west", "unknown_parameter", "metadata[region"),
        ("metadata.region=a%00b", "invalid_parameter", "metadata.region"),
        ("metadata.region=a&metadata[region]=b", "invalid_parameter", "metadata[region]"),
        ("metadata.a=1&metadata.b=2&metadata.c=3&metadata.d=4", "invalid_parameter", "metadata.d"),
        (&format!("metadata.region={long}"), "invalid_parameter", "metadata.region"),
    ] {
        let refused = executive.get(&format!("/v1/invoices?{query}")).refused(400, code);
        assert!(refused["errors"].as_array().unwrap().iter().any(|error| error["parameter"] == named), "{query}: {refused}");
    }
    let both = executive.get("/v1/invoices?metadata.Region=west&metadata.owner=b").refused(400, "invalid_parameter");
    assert_eq!(both["errors"].as_array().unwrap().len(), 1, "the other is right: {both}");
    executive.get("/v1/items?metadata.region=west").refused(400, "unknown_parameter");
    company.assert_laws();
}

#[test]
fn customers_are_found_by_state_and_journals_sorted_by_number() {
    let company = Company::new();
    let (kept, gone) = (company.customer(), company.customer());
    let executive = company.executive();
    executive.change("PATCH", &format!("/v1/customers/{gone}"), "*", &json!({"active": false})).expect(200);
    let found = |query: &str| ids(executive.get(&format!("/v1/customers?{query}")).expect(200)["data"].as_array().unwrap());
    assert_eq!((found("status=active"), found("status=inactive")), ([kept.clone()].into(), [gone.clone()].into()));
    assert_eq!(found("status=active,inactive"), [kept.clone(), gone].into());
    executive.get("/v1/customers?status=blocked").refused(400, "invalid_parameter");
    // Issued out of the order of their dates, so that neither order is the other.
    for day in ["2025-02-10", "2025-02-10", "2025-02-11"] {
        company.invoice(&kept, day, "2025-03-31", "10.00");
    }
    company.receipt(&kept, "2025-01-05", "10.00", json!([]));
    let numbers = |sort: &str| -> Vec<String> {
        let rows = walk_pages(&company.controller(), &format!("/v1/journals?sort={sort}"));
        rows.iter().map(|row| row["number"].as_str().unwrap().to_owned()).collect()
    };
    let mut sorted = numbers("posted_on");
    assert_eq!(sorted.len(), 4);
    sorted.sort();
    assert_eq!(numbers("number"), sorted);
    assert_ne!(numbers("posted_on"), sorted);
    sorted.reverse();
    assert_eq!(numbers("-number"), sorted);
    company.assert_laws();
}
