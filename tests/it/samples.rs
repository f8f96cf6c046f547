//! Samples: drawn again by other means, stable whatever is recorded later.

use crate::rig::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// Thirty invoices of very different sizes: their journals with amounts, in the order of posting date and id.
fn population(company: &Company) -> Vec<(String, Decimal)> {
    let customer = company.customer();
    let amount = |n: u32| format!("{}.{:02}", 37 + n * n * n, n);
    let bodies: Vec<Value> = (0..30).map(|n| invoice_body(&customer, &format!("2025-01-{:02}", 1 + n % 28), &amount(n))).collect();
    let made = company.executive().post("/v1/invoices/bulk", &json!({"mode": "atomic", "items": bodies})).expect(207);
    assert_eq!(made["summary"]["succeeded"], 30, "{made}");
    let entries = company.sql("SELECT e.id, e.posting_date, (SELECT sum(base_amount) FROM open_item o WHERE o.company_id = e.company_id AND o.entry_id = e.id)::text AS amount FROM journal_entry e WHERE e.company_id = {c} ORDER BY e.posting_date, e.id");
    entries.iter().map(|row| (row["id"].as_str().unwrap().to_owned(), dec(&row["amount"]))).collect()
}

fn journals(sample: &Value) -> Vec<&str> {
    sample["data"].as_array().unwrap().iter().map(|row| row["journal_id"].as_str().unwrap()).collect()
}

#[test]
fn a_random_sample_is_the_first_by_the_hash_of_seed_and_journal() {
    let company = Company::new();
    let entries = population(&company);
    let auditor = company.as_role("auditor");
    let sample = auditor.post("/v1/audit/samples", &json!({"method": "random", "n": 7, "seed": 42, "from": "2025-01-01", "to": "2025-01-31"})).expect(200);
    let mut ranked: Vec<(Vec<u8>, &str)> = entries.iter().map(|(id, _)| (Sha256::digest(format!("42:{id}")).to_vec(), id.as_str())).collect();
    ranked.sort();
    assert_eq!(journals(&sample), ranked.iter().take(7).map(|(_, id)| *id).collect::<Vec<_>>());
    assert_eq!((sample["population_count"].as_i64(), dec(&sample["population_total"])), (Some(30), entries.iter().map(|(_, amount)| *amount).sum()));
    // What is recorded later changes nothing of what was known then.
    let customer = company.customer();
    for n in 0..5 {
        company.invoice(&customer, "2025-01-05", "2025-02-05", &format!("{}1.00", n + 1));
    }
    let again = json!({"method": "random", "n": 7, "seed": "42", "from": "2025-01-01", "to": "2025-01-31", "known_at": sample["known_at"]});
    assert_eq!(auditor.post("/v1/audit/samples", &again).expect(200)["data"], sample["data"]);
    let other = auditor.post("/v1/audit/samples", &with(again.clone(), json!({"seed": "43"}))).expect(200);
    assert_ne!(other["data"], sample["data"]);
    let all = auditor.post("/v1/audit/samples", &json!({"method": "random", "n": 1000, "seed": 42, "to": "2025-01-31"})).expect(200);
    assert_eq!(journals(&all).len(), 35);
    company.assert_laws();
}

#[test]
fn monetary_units_lie_where_start_and_interval_put_them() {
    let company = Company::new();
    let entries = population(&company);
    let total: Decimal = entries.iter().map(|(_, amount)| *amount).sum();
    for seed in ["one", "two", "three"] {
        let sample = company
            .as_role("auditor")
            .post("/v1/audit/samples", &json!({"method": "monetary_unit", "population": "invoices", "n": 12, "seed": seed, "to": "2025-01-31"}))
            .expect(200);
        let (interval, start) = (dec(&sample["interval"]), dec(&sample["start"]));
        assert!((interval - total / Decimal::from(12)).abs() < Decimal::new(1, 9) && start >= Decimal::ZERO && start < interval, "{interval} {start}");
        // Naively: every unit, and the document it lies in.
        let mut hits: Vec<(&str, i64)> = Vec::new();
        for k in 0..12 {
            let unit = start + Decimal::from(k) * interval;
            let mut upto = Decimal::ZERO;
            let place = entries.iter().find(|(_, amount)| {
                upto += amount;
                unit < upto
            });
            let id = place.expect("a unit lies in some document").0.as_str();
            match hits.iter_mut().find(|(known, _)| *known == id) {
                Some((_, count)) => *count += 1,
                None => hits.push((id, 1)),
            }
        }
        let drawn: Vec<(&str, i64)> =
            sample["data"].as_array().unwrap().iter().map(|row| (row["journal_id"].as_str().unwrap(), row["hits"].as_i64().unwrap())).collect();
        assert_eq!(drawn, hits, "{seed}");
        let certain = entries.iter().filter(|(_, amount)| *amount >= interval);
        assert!(
            certain.count() > 0 && entries.iter().filter(|(_, amount)| *amount >= interval).all(|(id, _)| drawn.iter().any(|(one, _)| one == id)),
            "what is as large as the interval is drawn for certain"
        );
    }
    company.assert_laws();
}

#[test]
fn nothing_to_draw_from_is_an_empty_sample_and_nonsense_is_refused() {
    let company = Company::new();
    let auditor = company.as_role("auditor");
    let none = auditor.post("/v1/audit/samples", &json!({"method": "monetary_unit", "n": 5, "seed": "x"})).expect(200);
    assert_includes(&none, &json!({"data": [], "population_count": 0, "population_total": "0.00"}));
    let refused =
        |extra: Value, status, code| auditor.post("/v1/audit/samples", &with(json!({"method": "random", "n": 5, "seed": "x"}), extra)).refused(status, code);
    refused(json!({"n": 0}), 422, "validation_failed");
    refused(json!({"seed": ""}), 422, "validation_failed");
    refused(json!({"method": "gut_feeling"}), 422, "validation_failed");
    assert!(blames(&refused(json!({"from": "2025-02-01", "to": "2025-01-01"}), 422, "validation_failed"), "#/from", "invalid_value"));
    company.executive().post("/v1/audit/samples", &json!({"method": "random", "n": 5, "seed": "x"})).refused(403, "permission_denied");
    company.assert_laws();
}
