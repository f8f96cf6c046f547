//! The feed: gapless, in an order in which nothing comes before its cause, and enough to know every balance.

use crate::rig::*;
use duebook::delivery::events::service::tell_overdue;
use duebook::platform::postgres::Pool;
use duebook::platform::unit_of_work::{Doors, Gate};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What is sealed and told is there within a second or two; a busy machine gets more.
const SOON: Duration = Duration::from_secs(60);

fn list(value: &Value) -> Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("a list: {value}")).clone()
}

/// Everything after a number, page by page.
fn read_after(client: &Client, mut after: i64) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let page = client.get(&format!("/v1/events?limit=200&after_sequence={after}")).expect(200);
        let Some(last) = list(&page["data"]).last().cloned() else { return all };
        after = last["sequence"].as_i64().unwrap();
        all.extend(list(&page["data"]));
    }
}

/// The whole feed, once all that was audited so far is told.
pub fn feed(company: &Company) -> Vec<Value> {
    let audited = company.sql("SELECT count(*) AS n FROM audit_event WHERE company_id = {c}")[0]["n"].as_i64().unwrap();
    until("everything to be told", SOON, || {
        let told = company.sql("SELECT audit_seq FROM event_feed WHERE company_id = {c}");
        told.first().is_some_and(|row| row["audit_seq"].as_i64() >= Some(audited)).then_some(())
    });
    read_after(&company.controller(), 0)
}

fn of_type<'e>(events: &'e [Value], name: &str) -> Vec<&'e Value> {
    events.iter().filter(|event| event["type"] == name).collect()
}

/// Numbered from 1 without a gap, each thing's too, and each as the contract says.
fn assert_sound(company: &Company, events: &[Value]) {
    let schema = json!({"allOf": [{"$ref": "#/components/schemas/Event"}], "components": CONTRACT["components"]});
    let judge = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).expect("a schema");
    let mut objects: BTreeMap<String, i64> = BTreeMap::new();
    let (mut ids, mut audit) = (BTreeSet::new(), 0);
    for (event, sequence) in events.iter().zip(1..) {
        assert_eq!(event["sequence"].as_i64(), Some(sequence), "{event}");
        let object = objects.entry(event["data"]["object"]["id"].as_str().expect("an id").to_owned()).or_default();
        *object += 1;
        assert_eq!(event["object_sequence"].as_i64(), Some(*object), "{event}");
        assert!(event["audit_seq"].as_i64().unwrap() >= audit, "{event}");
        audit = event["audit_seq"].as_i64().unwrap();
        assert!(ids.insert(event["id"].as_str().unwrap().to_owned()), "{event}");
        assert_eq!(event["company_id"], company.id.as_str());
        let faults: Vec<String> = judge.iter_errors(event).map(|fault| format!("{} {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:?}: {event}");
        assert!(event.to_string().len() <= 64 * 1024, "{} has {} bytes", event["id"], event.to_string().len());
    }
}

/// What a program knows that reads nothing but the feed: the last open amount of every document.
fn balances(events: &[Value]) -> BTreeMap<(String, String), Decimal> {
    let mut open: BTreeMap<(String, String, String), (String, String, Decimal)> = BTreeMap::new();
    for event in events {
        let documents = std::iter::once(event["data"]["object"].clone()).chain(list(&event["data"]["related"]));
        for document in documents.filter(|document| document["open_amount"].is_string()) {
            let text = |name: &str| document[name].as_str().unwrap_or_else(|| panic!("no {name} in {document}")).to_owned();
            open.insert((text("object"), text("id"), text("side")), (text("customer_id"), text("currency"), dec(&document["open_amount"])));
        }
    }
    let mut balances: BTreeMap<(String, String), Decimal> = BTreeMap::new();
    for ((.., side), (customer, currency, amount)) in open {
        *balances.entry((customer, currency)).or_default() += if side == "debit" { amount } else { -amount };
    }
    balances.retain(|_, balance| !balance.is_zero());
    balances
}

/// The same from the service's own open items.
fn open_items(company: &Company) -> BTreeMap<(String, String), Decimal> {
    let query = "SELECT o.customer_id::text AS customer, o.currency, sum(CASE o.side WHEN 'debit' THEN b.open_amount ELSE -b.open_amount END)::text AS balance
                 FROM open_item o JOIN open_item_balance b ON b.company_id = o.company_id AND b.item_id = o.id WHERE o.company_id = {c} GROUP BY 1, 2";
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let rows = company.sql(query);
    let all = rows.iter().map(|row| ((text(row, "customer"), text(row, "currency")), dec(&row["balance"])));
    all.filter(|(_, balance)| !balance.is_zero()).collect()
}

/// One of almost everything that moves balances.
fn story(company: &Company) -> (String, Value, Value) {
    let (executive, controller) = (company.executive(), company.controller());
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    let deduction = json!([{"kind": "tds", "section": "194C", "rate": "2", "amount": "10.00"}]);
    let paid = with(receipt_body(&customer, "2025-01-15", "490.00"), json!({"deductions": deduction, "allocations": [to_invoice(&invoice, "300.00")]}));
    let receipt = executive.post("/v1/receipts", &paid).expect(201);
    let placed = json!({"source_type": "receipt", "source_id": receipt["id"], "allocated_on": "2025-01-20", "targets": [to_invoice(&invoice, "150.00")]});
    let allocation = executive.post("/v1/allocations", &placed).expect(201)["data"][0].clone();
    controller.post(&format!("/v1/allocations/{}/reverse", id_of(&allocation)), &json!({"reason": "Wrong invoice"})).expect(201);
    let cheque = with(receipt_body(&customer, "2025-01-16", "100.00"), json!({"method": "cheque", "allocations": [to_invoice(&invoice, "100.00")]}));
    let cheque = executive.post("/v1/receipts", &cheque).expect(201);
    executive
        .change("POST", &format!("/v1/receipts/{}/bounce", id_of(&cheque)), "*", &json!({"bounced_on": "2025-01-18", "reason": "Funds insufficient"}))
        .expect(200);
    let applied = with(note_body(&invoice, "2025-01-21", "50.00"), json!({"apply_to_original": true}));
    controller.post("/v1/credit-notes", &applied).expect(201);
    controller.post("/v1/credit-notes", &with(note_body(&invoice, "2025-01-21", "20.00"), json!({"apply_to_original": false}))).expect(201);
    controller.post("/v1/debit-notes", &note_body(&invoice, "2025-01-22", "30.00")).expect(201);
    let small = company.invoice(&customer, "2025-01-10", "2025-02-09", "90.00");
    let items = json!([{"target_type": "invoice", "target_id": small["id"], "amount": "90.00"}]);
    let write_off = json!({"customer_id": customer, "written_off_on": "2025-01-20", "reason": "Customer is insolvent", "items": items});
    let write_off = executive.post("/v1/write-offs", &write_off).expect(201);
    decide(&controller, &write_off, "approve").expect(200);
    let adjusted = json!({"target_type": "invoice", "target_id": invoice["id"], "amount": "-1.00", "adjusted_on": "2025-01-20", "reason": "Rounding agreed"});
    controller.post("/v1/adjustments", &adjusted).expect(201);
    let opening = json!({"external_id": fresh(), "customer_id": customer, "number": &fresh()[..12], "document_type": "invoice", "document_date": "2024-02-10", "original_amount": "75.00", "posting_date": "2024-04-01"});
    controller.post("/v1/opening-items", &opening).expect(201);
    let gone = company.invoice(&customer, "2025-01-10", "2025-02-09", "60.00");
    controller
        .change("POST", &format!("/v1/invoices/{}/cancel", id_of(&gone)), "*", &json!({"reason": "Ordered twice", "cancelled_on": "2025-01-20"}))
        .expect(200);
    (customer, invoice, receipt)
}

#[test]
fn every_change_is_told_once_in_order_and_the_balances_can_be_rebuilt() {
    let company = Company::new();
    let (customer, invoice, receipt) = story(&company);
    let events = feed(&company);
    assert_sound(&company, &events);
    assert_eq!(balances(&events), open_items(&company));
    let total = company.get(&format!("/v1/customers/{customer}/open-items"))["totals"]["balance"].clone();
    assert_eq!(balances(&events).get(&(customer, "INR".to_owned())), Some(&dec(&total)));
    let types: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    for name in [
        "customer.created",
        "invoice.issued",
        "receipt.recorded",
        "receipt.allocated",
        "allocation.created",
        "allocation.reversed",
        "invoice.partially_paid",
        "receipt.bounced",
        "note.issued",
        "note.applied",
        "write_off.posted",
        "invoice.written_off",
        "adjustment.posted",
        "opening_item.created",
        "invoice.cancelled",
        "approval.requested",
        "approval.decided",
        "invoice.overdue",
    ] {
        assert!(types.contains(&name), "{name} is not among {types:?}");
    }
    assert!(types.iter().all(|name| !name.starts_with("session.") && !name.starts_with("audit.")), "{types:?}");
    // Money of 500 of which 300 is placed: 200 is left, of the invoice 700.
    let allocated = of_type(&events, "receipt.allocated")[0];
    let (object, related) = (&allocated["data"]["object"], &allocated["data"]["related"][0]);
    assert_includes(
        object,
        &json!({"object": "receipt", "id": receipt["id"], "number": receipt["number"], "status": "partially_applied", "gross_settled": "500.00", "unapplied": "200.00", "amount_received": "490.00", "version": receipt["version"]}),
    );
    assert_eq!(allocated["data"]["previous"], json!({"status": "unapplied", "unapplied": "500.00", "open_amount": "500.00"}));
    assert_includes(
        related,
        &json!({"object": "invoice", "id": invoice["id"], "balance_due": "700.00", "payment_status": "partially_paid", "external_id": invoice["external_id"]}),
    );
    let paid = of_type(&events, "invoice.partially_paid")[0];
    assert_eq!(paid["data"]["previous"]["balance_due"], "1000.00", "{paid}");
    let user = company.user_id("ar_executive");
    assert_eq!(allocated["actor"], json!({"type": "user", "id": user}));
    // The thing as it is now agrees with the last that was told of it.
    let last = events.iter().rfind(|event| event["data"]["object"]["id"] == invoice["id"] && event["data"]["object"]["version"].is_i64()).unwrap();
    let now = company.get(&format!("/v1/invoices/{}", id_of(&invoice)));
    assert_eq!(now["amounts"]["balance_due"], last["data"]["object"]["open_amount"], "{last}");
    // One event, as it stands in the feed.
    let one = company.controller().get(&format!("/v1/events/{}", allocated["id"].as_str().unwrap())).expect(200);
    assert_eq!(&one, allocated);
    let bare = allocated["id"].as_str().unwrap().trim_start_matches("evt_");
    assert_eq!(&company.get(&format!("/v1/events/{bare}")), allocated);
    company.controller().get(&format!("/v1/events/evt_{}", uuid::Uuid::new_v4())).refused(404, "not_found");
    company.controller().get("/v1/events/nonsense").refused(404, "not_found");
    company.assert_laws();
}

#[test]
fn nobody_who_reads_along_misses_an_event_or_sees_an_effect_before_its_cause() {
    let company = Company::new();
    let customers: Vec<String> = (0..3).map(|_| company.customer()).collect();
    let (executive, controller) = (company.executive(), company.controller());
    let done = AtomicBool::new(false);
    let (seen, _) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut seen: Vec<Value> = Vec::new();
            loop {
                let over = done.load(Ordering::SeqCst);
                let after = seen.len();
                let page = controller.get(&format!("/v1/events?limit=50&after={after}&wait_s=1")).expect(200);
                let fresh = list(&page["data"]);
                assert!(fresh.iter().zip(after + 1..).all(|(event, n)| event["sequence"].as_u64() == Some(n as u64)), "after {after}: {page}");
                assert!(page["last_sequence"].as_u64().unwrap() >= (after + fresh.len()) as u64, "{page}");
                seen.extend(fresh.iter().cloned());
                if over && fresh.is_empty() && page["last_sequence"].as_u64() == Some(seen.len() as u64) {
                    return seen;
                }
            }
        });
        // Invoices that money of others pays as soon as they are there, all of a few customers.
        let work = in_parallel(6, 36, |at| {
            let customer = &customers[at % customers.len()];
            if at % 2 == 0 {
                company.invoice(customer, "2025-01-10", "2025-02-09", "10.00")
            } else {
                executive.post("/v1/receipts", &with(receipt_body(customer, "2025-01-15", "10.00"), json!({"auto_apply": "oldest_first"}))).expect(201)
            }
        });
        // Everything is in the feed before the reader may stop.
        feed(&company);
        done.store(true, Ordering::SeqCst);
        (reader.join().expect("the reader"), work)
    });
    let whole = feed(&company);
    assert_eq!(seen[..], whole[..seen.len()], "what was read along is what stands there");
    assert_sound(&company, &whole);
    assert_eq!(balances(&whole), open_items(&company));
    let born: BTreeMap<&str, i64> = whole
        .iter()
        .filter(|event| ["invoice.issued", "receipt.recorded"].iter().any(|name| event["type"] == *name))
        .map(|event| (event["data"]["object"]["id"].as_str().unwrap(), event["sequence"].as_i64().unwrap()))
        .collect();
    let placed = of_type(&whole, "allocation.created");
    assert!(!placed.is_empty());
    for event in placed {
        for end in ["source_id", "target_id"] {
            assert!(born[event["data"]["object"][end].as_str().unwrap()] < event["sequence"].as_i64().unwrap(), "{event}");
        }
    }
    company.assert_laws();
}

#[test]
fn who_waits_is_told_at_once_and_who_waits_in_vain_is_told_so() {
    let company = Company::new();
    let last = i64::try_from(feed(&company).len()).unwrap();
    let controller = company.controller();
    let empty = controller.get(&format!("/v1/events?after_sequence={last}&wait_s=1")).expect(200);
    assert_eq!((&empty["data"], empty["last_sequence"].as_i64(), &empty["page"]["has_more"]), (&json!([]), Some(last), &json!(false)));
    std::thread::scope(|scope| {
        let (client, began) = (controller.clone(), Instant::now());
        let waiting = scope.spawn(move || client.get(&format!("/v1/events?after_sequence={last}&wait_s=30&type=customer.*")).expect(200));
        // Another type than the one waited for changes nothing.
        company
            .as_role("admin")
            .post("/v1/items", &json!({"code": fresh(), "name": "Support", "is_service": true, "hsn_code": "998313", "unit_price": "10.00", "tax_rate": "18"}))
            .expect(201);
        let customer = company.customer();
        let told = waiting.join().expect("the one who waits");
        assert_eq!(told["data"][0]["data"]["object"]["id"], customer.as_str(), "{told} after {:?}", began.elapsed());
    });
    controller.get("/v1/events?wait_s=31").refused(400, "invalid_parameter");
    controller.get("/v1/events?after_sequence=-1").refused(400, "invalid_parameter");
    company.assert_laws();
}

#[test]
fn filters_show_part_of_the_feed_and_a_machine_what_it_may_read() {
    let company = Company::new();
    let (_, invoice, _) = story(&company);
    let whole = feed(&company);
    let controller = company.controller();
    let by = |query: &str| list(&controller.get(&format!("/v1/events?limit=200&{query}")).expect(200)["data"]);
    let select = |keep: &dyn Fn(&Value) -> bool| whole.iter().filter(|event| keep(event)).cloned().collect::<Vec<_>>();
    assert_eq!(by("type=receipt.*,invoice.paid"), select(&|event| event["type"].as_str().unwrap().starts_with("receipt.") || event["type"] == "invoice.paid"));
    assert_eq!(by(&format!("object_id={}", id_of(&invoice))), select(&|event| event["data"]["object"]["id"] == invoice["id"]));
    let newest = list(&controller.get("/v1/events?limit=1&sort=-sequence").expect(200)["data"]);
    assert_eq!(newest[..], whole[whole.len() - 1..]);
    let page = controller.get("/v1/events?limit=3").expect(200);
    let next = controller.get(&format!("/v1/events?limit=3&cursor={}", page["page"]["next_cursor"].as_str().unwrap())).expect(200);
    assert_eq!((list(&page["data"])[..] == whole[..3], list(&next["data"])[..] == whole[3..6]), (true, true));
    let refused = controller.get("/v1/events?type=reciept.allocated").refused(400, "invalid_parameter");
    assert_eq!((&refused["errors"][0]["code"], &refused["errors"][0]["expected"]), (&json!("event_type_unknown"), &json!("receipt.allocated")));
    // A machine hears of what its scopes let it read.
    let machine = company.as_machine(&["events:read", "receipts:read"]);
    let heard = list(&machine.get("/v1/events?limit=200").expect(200)["data"]);
    assert_eq!(heard, select(&|event| event["type"].as_str().unwrap().starts_with("receipt.")));
    let hidden = of_type(&whole, "invoice.issued")[0];
    machine.get(&format!("/v1/events/{}", hidden["id"].as_str().unwrap())).refused(404, "not_found");
    company.as_machine(&["receipts:read"]).get("/v1/events").refused(403, "permission_denied");
    // Nothing of people or their accounts is sent around.
    let text = serde_json::to_string(&whole).unwrap();
    assert!(["account_number", "@example.test", "billing_address"].iter().all(|word| !text.contains(word)), "withheld");
    company.assert_laws();
}

#[test]
fn an_invoice_is_told_overdue_once_when_its_day_is_over() {
    let company = Company::new();
    let customer = company.customer();
    let (late, due) = (company.invoice(&customer, "2025-01-10", "2025-02-09", "10.00"), company.invoice(&customer, "2025-01-10", "2099-01-01", "10.00"));
    let paid = company.invoice(&customer, "2025-01-10", "2025-02-09", "10.00");
    let told = |events: &[Value]| of_type(events, "invoice.overdue").iter().map(|event| id_of(&event["data"]["object"])).collect::<Vec<_>>();
    // Those overdue already are told so when they are issued.
    assert_eq!(told(&feed(&company)), [id_of(&late), id_of(&paid)]);
    company.receipt(&customer, "2025-01-15", "10.00", json!([to_invoice(&paid, "10.00")]));
    // A year later: what was looked for last is long ago, and nothing was told yet.
    let soon = company.invoice(&customer, "2025-01-10", &today().to_string(), "10.00");
    company.sql("SELECT 1");
    Db::owner()
        .run(&format!("UPDATE event_feed SET overdue_told = '{}' WHERE company_id = '{}'", today() - chrono::Days::new(1), company.id))
        .expect("a day before");
    Db::owner()
        .commit_in(
            &company.id,
            &format!(
                "UPDATE open_item_balance SET due_date = '{}' WHERE item_id IN (SELECT id FROM open_item WHERE document_id = '{}')",
                today() - chrono::Days::new(1),
                id_of(&soon)
            ),
        )
        .expect("due yesterday");
    let refuse = |_: &str, _: std::net::IpAddr| Err(duebook::platform::http::Problem::not_found("principal"));
    let doors = Doors::new(Pool::new(&database_url("app_url"), 2).expect("a pool"), Gate::new(1, 1), Box::new(refuse), event_key());
    for _ in 0..2 {
        tell_overdue(&doors).expect("told");
    }
    until("the overdue invoice to be told", SOON, || {
        let events = read_after(&company.controller(), 0);
        told(&events).contains(&id_of(&soon)).then_some(())
    });
    let all = told(&feed(&company));
    assert_eq!((all.iter().filter(|id| **id == id_of(&soon)).count(), all.contains(&id_of(&due))), (1, false), "{all:?}");
}
