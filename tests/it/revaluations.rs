//! Open items in other currencies at the close: valued, posted, taken back the next day; once, however often it is run.

use crate::rig::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn rate(company: &Company, currency: &str, date: &str, rate: &str) {
    let body = json!({"currency": currency, "rate_date": date, "rate": rate, "source": "RBI reference rate"});
    company.controller().post("/v1/exchange-rates", &body).expect(201);
}

fn foreign(company: &Company, customer: &str, currency: &str, date: &str, amount: &str, at: &str) -> Value {
    let body = with(invoice_body(customer, date, amount), json!({"currency": currency, "exchange_rate": at, "due_date": "2025-05-31"}));
    company.executive().post("/v1/invoices", &body).expect(201)
}

fn revalue(company: &Company, as_of: &str) -> Value {
    company.controller().post("/v1/revaluations", &json!({"as_of": as_of})).expect(201)
}

/// Debits less credits of an account.
fn balance(company: &Company, code: &str, as_of: &str) -> Decimal {
    let trial = company.get(&format!("/v1/trial-balance?as_of={as_of}"));
    assert_eq!(trial["totals"]["debit"], trial["totals"]["credit"]);
    trial["data"].as_array().unwrap().iter().filter(|row| row["account_code"] == code).map(|row| dec(&row["debit"]) - dec(&row["credit"])).sum()
}

#[test]
fn run_twice_and_taken_back_the_next_day_it_has_one_effect() {
    let company = Company::new();
    let customer = company.customer();
    foreign(&company, &customer, "USD", "2025-03-10", "1000.00", "83.00");
    foreign(&company, &customer, "JPY", "2025-03-11", "50000", "0.55");
    company.invoice(&customer, "2025-03-12", "2025-04-30", "10.00");
    let before = company.fingerprint();
    let refused = company.controller().post("/v1/revaluations", &json!({"as_of": "2025-03-31"})).refused(422, "exchange_rate_missing");
    assert_eq!(refused["currencies"], json!(["JPY", "USD"]));
    company.executive().post("/v1/revaluations", &json!({"as_of": "2025-03-31"})).refused(403, "permission_denied");
    assert_eq!(company.fingerprint(), before);
    rate(&company, "USD", "2025-03-31", "84.00");
    rate(&company, "JPY", "2025-03-30", "0.5345");

    // 1,000 × 84.00 − 83,000 = 1,000; 50,000 × 0.5345 − 27,500 = −775.
    let first = revalue(&company, "2025-03-31");
    assert_includes(&first, &json!({"as_of": "2025-03-31", "reversed_on": "2025-04-01", "base_currency": "INR", "posted": "225.00"}));
    let jpy = json!({"currency": "JPY", "exchange_rate": "0.5345", "open_amount": "50000", "carrying_amount": "27500.00", "value": "26725.00", "difference": "-775.00", "posted": "-775.00"});
    let usd = json!({"currency": "USD", "exchange_rate": "84.00", "open_amount": "1000.00", "carrying_amount": "83000.00", "value": "84000.00", "difference": "1000.00", "posted": "1000.00"});
    assert_eq!(first["lines"], json!([jpy, usd]));
    let stands = || {
        for (code, there) in [("1110", 225), ("4810", -225)] {
            let on = |day: &str| balance(&company, code, day);
            assert_eq!((on("2025-03-30"), on("2025-03-31"), on("2025-04-01")), (0.into(), there.into(), 0.into()), "{code}");
        }
        // The control account holds items at their own rates.
        assert_eq!(balance(&company, "1100", "2025-03-31"), 110_510.into());
    };
    stands();
    let mirror = company.get(&format!("/v1/journals/{}", first["reversal_gl_journal_id"].as_str().unwrap()));
    assert_includes(
        &mirror,
        &json!({"posted_on": "2025-04-01", "source_type": "revaluation", "source_id": first["id"], "reverses_id": first["gl_journal_id"]}),
    );

    let again = revalue(&company, "2025-03-31");
    assert_includes(&again, &json!({"posted": "0.00", "gl_journal_id": null}));
    assert_eq!(again["lines"][1]["difference"], "1000.00");
    stands();
    // A corrected rate posts only what it changes: 1,000 × 0.50.
    rate(&company, "USD", "2025-03-31", "84.50");
    assert_eq!(revalue(&company, "2025-03-31")["posted"], "500.00");
    assert_eq!((balance(&company, "1110", "2025-03-31"), balance(&company, "1110", "2025-04-01")), (725.into(), 0.into()));
    let list = company.get("/v1/revaluations?as_of=2025-03-31");
    assert_eq!(list["data"].as_array().unwrap().len(), 3);
    assert_eq!(company.get(&format!("/v1/revaluations/{}", id_of(&first))), first);
    company.controller().get(&format!("/v1/revaluations/{}", uuid::Uuid::now_v7())).refused(404, "not_found");
    assert!(crate::journals::broken(&company).is_empty());
    company.assert_laws();
}

#[test]
fn of_many_runs_at_once_one_posts() {
    let company = Company::new();
    let customer = company.customer();
    foreign(&company, &customer, "USD", "2025-03-10", "1000.00", "83.00");
    rate(&company, "USD", "2025-03-31", "82.25");
    let controller = company.controller();
    let runs = in_parallel(8, 8, |_| controller.post("/v1/revaluations", &json!({"as_of": "2025-03-31"})).expect(201)["posted"].clone());
    assert_eq!(runs.iter().filter(|posted| **posted == "-750.00").count(), 1, "{runs:?}");
    assert_eq!(runs.iter().filter(|posted| **posted == "0.00").count(), 7, "{runs:?}");
    assert_eq!(balance(&company, "4810", "2025-03-31"), 750.into());
    company.assert_laws();
}

#[test]
fn a_month_closes_for_good_only_when_what_is_foreign_is_revalued() {
    let company = Company::new();
    let (customer, controller) = (company.customer(), company.controller());
    foreign(&company, &customer, "USD", "2025-03-10", "1000.00", "83.00");
    let close = || controller.change("POST", "/v1/periods/2025-03/close", "*", &json!({"level": "hard"}));
    let problem = close().refused(409, "close_blocked");
    assert_eq!((&problem["blocking"][0]["task"], &problem["blocking"][0]["items"][0]["id"]), (&json!("foreign_items_revalued"), &json!("USD")));
    rate(&company, "USD", "2025-03-31", "84.00");
    close().refused(409, "close_blocked");
    revalue(&company, "2025-03-31");
    close().expect(200);
    // Into the closed month it posts no more.
    rate(&company, "USD", "2025-03-31", "85.00");
    controller.post("/v1/revaluations", &json!({"as_of": "2025-03-31"})).refused(409, "period_closed");
    controller.post("/v1/revaluations", &json!({"as_of": "2999-01-31"})).refused(422, "date_in_future");
    assert_eq!(company.get("/v1/periods/2025-03/snapshots")["data"][0]["recomputes"], true);
    company.assert_laws();
}
