//! Families: one customer pays for another, so acts concern several customers at once. Whoever waits for one
//! of them holds no later one, in whatever way the request came in.

use crate::rig::*;
use serde_json::{Value, json};
use std::thread;
use std::time::Duration;

/// Two customers that pay for each other, in the order in which they are locked.
fn family(company: &Company) -> (String, String) {
    let mut both = [company.customer(), company.customer()];
    both.sort();
    for (payer, other) in [(0, 1), (1, 0)] {
        let link = json!({"payer_id": both[payer], "valid_from": "2025-01-01"});
        company.executive().post(&format!("/v1/customers/{}/payers", both[other]), &link).expect(201);
    }
    let [first, last] = both;
    (first, last)
}

/// Sends a request while another transaction holds the first customer. It has to wait, and until then the
/// last one must be free: who holds it and waits for the first stands in a circle sooner or later.
#[track_caller]
fn waits_empty_handed(company: &Company, (first, last): (&str, &str), ask: impl FnOnce() -> Reply + Send) -> Reply {
    let row = |customer: &str| {
        format!("SELECT customer_id FROM customer_balance WHERE company_id = '{}' AND customer_id = '{customer}' FOR NO KEY UPDATE SKIP LOCKED", company.id)
    };
    let mut holder = Db::owner();
    holder.run(&format!("BEGIN; {}", row(first))).unwrap();
    let (reply, free) = thread::scope(|scope| {
        let asked = scope.spawn(ask);
        until("the request to wait", Duration::from_secs(20), || {
            let waiting = "SELECT pid FROM pg_stat_activity WHERE application_name = 'duebook ' || {c} AND wait_event_type = 'Lock'";
            (asked.is_finished() || !company.sql(waiting).is_empty()).then_some(())
        });
        assert!(!asked.is_finished(), "it did not wait for the first customer");
        let free = !Db::owner().rows(&row(last)).is_empty();
        holder.run("COMMIT").unwrap();
        (asked.join().unwrap(), free)
    });
    assert!(free, "it held the last customer while it waited for the first");
    reply
}

#[test]
fn rows_of_a_bulk_request_lock_payers_and_payees_in_one_order() {
    let company = Company::new();
    let (first, last) = family(&company);
    let (executive, invoice) = (company.executive(), company.invoice(&first, "2025-01-10", "2025-02-09", "1000.00"));
    // Money of the last settles a document of the first, by id and by the client's name of it.
    let named = json!({"target_type": "invoice", "target_external_id": invoice["external_id"], "amount": "10.00"});
    for target in [to_invoice(&invoice, "10.00"), named] {
        let rows = json!([with(receipt_body(&last, "2025-01-15", "10.00"), json!({"allocations": [target]}))]);
        let reply = waits_empty_handed(&company, (&first, &last), || executive.post("/v1/receipts/bulk", &json!({"mode": "atomic", "items": rows})));
        assert_eq!(reply.expect(207)["summary"]["succeeded"], 1);
    }
    company.assert_laws();
}

#[test]
fn approving_that_something_is_taken_back_locks_everybody_it_settled_with() {
    let company = Company::new();
    let (first, last) = family(&company);
    let (executive, controller) = (company.executive(), company.controller());
    let of_first = company.invoice(&first, "2025-01-10", "2025-02-09", "1000.00");
    let of_last = company.invoice(&last, "2025-01-10", "2025-02-09", "1000.00");
    let reversal = json!({"reversed_on": "2025-01-20", "reason": "Posted to the wrong customer"});

    let receipt = company.receipt(&last, "2025-01-15", "100.00", json!([to_invoice(&of_first, "100.00")]));
    let asked = executive.post(&format!("/v1/receipts/{}/reverse", id_of(&receipt)), &reversal).expect(202);
    waits_empty_handed(&company, (&first, &last), || decide(&controller, &asked, "approve")).expect(200);
    assert_eq!(company.get(&format!("/v1/receipts/{}", id_of(&receipt)))["status"], "reversed");

    let receipt = company.receipt(&first, "2025-01-15", "100.00", json!([to_invoice(&of_last, "100.00")]));
    let asked = executive.post(&format!("/v1/allocations/{}/reverse", id_of(&receipt["allocations"][0])), &reversal).expect(202);
    waits_empty_handed(&company, (&first, &last), || decide(&controller, &asked, "approve")).expect(200);
    assert_eq!(company.get(&format!("/v1/receipts/{}", id_of(&receipt)))["totals"]["unapplied"], "100.00");

    let note = json!({"external_id": fresh(), "customer_id": last, "free": true, "note_date": "2025-01-15", "reason_code": "post_sale_discount", "place_of_supply": "27", "issue": true, "lines": [line("100.00", "0")]});
    let note = controller.post("/v1/credit-notes", &note).expect(201);
    let use_it = json!({"source_type": "credit_note", "source_id": note["id"], "allocated_on": "2025-01-16", "targets": [{"target_type": "invoice", "target_id": of_first["id"], "amount": "100.00"}]});
    executive.post("/v1/allocations", &use_it).expect(201);
    let path = format!("/v1/credit-notes/{}/cancel", id_of(&note));
    let asked = executive.change("POST", &path, "*", &json!({"cancelled_on": "2025-01-20", "reason": "Given twice"})).expect(202);
    let second = company.another("controller");
    waits_empty_handed(&company, (&first, &last), || decide(&second, &asked, "approve")).expect(200);
    let due = |invoice: &Value| company.get(&format!("/v1/invoices/{}", id_of(invoice)))["amounts"]["balance_due"].clone();
    assert_eq!((due(&of_first), due(&of_last)), (json!("1000.00"), json!("1000.00")));
    company.assert_laws();
}

#[test]
fn one_pays_for_another_once_at_a_time() {
    let company = Company::new();
    let (child, parent, executive) = (company.customer(), company.customer(), company.executive());
    let path = format!("/v1/customers/{child}/payers");
    let link = |from: &str, to: Value| json!({"payer_id": parent, "valid_from": from, "valid_to": to});
    let replies = in_parallel(8, 8, |_| executive.post(&path, &link("2025-04-01", Value::Null)));
    let (made, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 201);
    assert_eq!(made.len(), 1);
    let made = made[0].json();
    for reply in refused {
        assert_eq!(reply.refused(409, "payer_overlaps")["current"]["id"], made["id"]);
    }
    executive.post(&path, &link("2025-01-01", json!("2025-04-01"))).refused(409, "payer_overlaps");
    executive.post(&path, &link("2025-01-01", json!("2025-03-31"))).expect(201);
    // Somebody else, and the other way round, are other relations.
    executive.post(&path, &with(link("2025-04-01", Value::Null), json!({"payer_id": company.customer()}))).expect(201);
    executive.post(&format!("/v1/customers/{parent}/payers"), &json!({"payer_id": child, "valid_from": "2025-04-01"})).expect(201);

    let end = |day: &str| executive.post(&format!("{path}/{}/end", id_of(&made)), &json!({"ends_on": day}));
    assert_eq!(end("2025-12-31").expect(200)["valid_to"], "2025-12-31");
    assert!(blames(&end("2026-03-31").refused(422, "validation_failed"), "#/ends_on", "ends_later"));
    assert!(blames(&end("2025-03-31").refused(422, "validation_failed"), "#/ends_on", "ends_before_start"));
    assert_eq!(end("2025-09-30").expect(200)["valid_to"], "2025-09-30");
    executive.post(&path, &link("2025-10-01", Value::Null)).expect(201);

    // Nor does the database take it, whatever the service says.
    let later = format!("UPDATE customer_payer SET valid_to = '2025-12-31' WHERE id = '{}'", id_of(&made));
    assert!(Db::app().commit_in(&company.id, &later).unwrap_err().contains("ended"));
    let again = format!(
        "INSERT INTO customer_payer (company_id, id, customer_id, payer_id, valid_from, created_by) VALUES ('{}', gen_random_uuid(), '{child}', '{parent}', '2025-09-30', 'system')",
        company.id
    );
    assert!(Db::app().commit_in(&company.id, &again).unwrap_err().contains("already"));
    company.assert_laws();
}
