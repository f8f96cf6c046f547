//! What is thought of customers' credit: scores against what customers did afterwards, appraisals, reviews, and policies
//! tried on the past.

use crate::credit::{credit, set_limit};
use crate::histories::{Row, read, recorded};
use crate::rig::*;
use chrono::{Datelike, Days, Months, NaiveDate};
use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

fn score_run(company: &Company, body: &Value) -> Value {
    company.executive().post("/v1/credit-scores/run", body).expect(200)
}

fn score_of(company: &Company, customer: &str) -> Value {
    company.get(&format!("/v1/customers/{customer}/credit-score"))
}

/// The explanation of one input.
fn input<'s>(score: &'s Value, name: &str) -> &'s Value {
    score["explanation"].as_array().unwrap().iter().find(|row| row["input"] == name).unwrap_or_else(|| panic!("{name} of {score}"))
}

/// Ranks from 1, those of equals shared, times two so that they are whole.
fn ranks(values: &[Decimal]) -> Vec<Decimal> {
    let less = |value: Decimal| values.iter().filter(|other| **other < value).count();
    let same = |value: Decimal| values.iter().filter(|other| **other == value).count();
    values.iter().map(|value| Decimal::from(2 * less(*value) + same(*value) + 1)).collect()
}

/// Spearman's rank correlation: the correlation of the ranks.
fn spearman(a: &[Decimal], b: &[Decimal]) -> Decimal {
    let (a, b) = (ranks(a), ranks(b));
    let mean = |values: &[Decimal]| values.iter().sum::<Decimal>() / Decimal::from(values.len());
    let (mean_a, mean_b) = (mean(&a), mean(&b));
    let product = |x: &[Decimal], of_x: Decimal, y: &[Decimal], of_y: Decimal| x.iter().zip(y).map(|(x, y)| (x - of_x) * (y - of_y)).sum::<Decimal>();
    let spread = product(&a, mean_a, &a, mean_a) * product(&b, mean_b, &b, mean_b);
    // The root by Newton's steps: there are no floats here.
    let mut root = dec!(100000);
    for _ in 0..100 {
        root = (root + spread / root) / dec!(2);
    }
    product(&a, mean_a, &b, mean_b) / root
}

/// Days late weighted by amount; early is 0.
fn lateness<'r>(rows: impl Iterator<Item = &'r Row>) -> Option<Decimal> {
    let (mut days, mut amount) = (Decimal::ZERO, Decimal::ZERO);
    for row in rows {
        days += row.amount * Decimal::from((row.settled - row.due).num_days().max(0));
        amount += row.amount;
    }
    days.checked_div(amount)
}

fn rounded(value: Decimal) -> Decimal {
    value.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
}

#[test]
fn late_payers_rank_worse_and_a_policy_is_tried_on_what_they_bought() {
    let Some(rows) = read() else {
        println!("skipped: ../shared/data/late-payment-histories.csv is not there");
        return;
    };
    let company = Company::new();
    let names = recorded(&company, &rows);
    scores_rank_what_came_after(&company, &names, &rows);
    a_policy_tried_agrees_with_a_recomputation(&company, &names, &rows);
    company.assert_laws();
}

/// Scored at the end of 2012 by weights chosen on 2012, judged by how late the invoices of 2013 were paid.
fn scores_rank_what_came_after(company: &Company, names: &BTreeMap<String, String>, rows: &[Row]) {
    let end = day("2012-12-31");
    let run = score_run(company, &json!({"as_of": end}));
    assert_includes(&run, &json!({"as_of": "2012-12-31", "scored": 100, "unscored": 0, "scorecard_version": 0, "changed": 0}));
    let kept = company.get(&format!("/v1/credit-scores?run_id={}&limit=200", run["id"].as_str().unwrap()));
    let kept = kept["data"].as_array().unwrap();
    assert_eq!(kept.len(), 100);
    let (mut scores, mut later) = (Vec::new(), Vec::new());
    let mut by_class: BTreeMap<&str, Vec<Decimal>> = BTreeMap::new();
    for row in kept {
        let name = &names[row["customer_id"].as_str().unwrap()];
        let of = |row: &&Row| row.customer == *name;
        // The inputs are what the file says of the past.
        let paid = || rows.iter().filter(of).filter(|row| row.settled <= end && (end - row.settled).num_days() < 365);
        assert_eq!(dec(&input(row, "days_late_365")["value"]), rounded(lateness(paid()).expect("everybody paid something")), "{name}");
        let (late, whole): (Decimal, Decimal) = (paid().filter(|row| row.settled > row.due).map(|row| row.amount).sum(), paid().map(|row| row.amount).sum());
        assert_eq!(dec(&input(row, "late_share_365")["value"]), rounded(late * dec!(100) / whole), "{name}");
        let open: Vec<&Row> = rows.iter().filter(of).filter(|row| row.invoiced <= end && row.settled > end).collect();
        let oldest = open.iter().map(|row| (end - row.due).num_days()).max().unwrap_or(0).max(0);
        assert_eq!(dec(&input(row, "oldest_overdue_days")["value"]), Decimal::from(oldest), "{name}");
        for unknown in ["broken_promises_12m", "disputes_lost_share", "dunning_level", "limit_use", "limit_breaches_12m", "external_grade"] {
            assert_includes(input(row, unknown), &json!({"value": null, "points": null, "counted_weight": "0", "adds": "0.00"}));
        }
        // What the parts add is the score.
        let added: Decimal = row["explanation"].as_array().unwrap().iter().map(|part| dec(&part["adds"])).sum();
        assert!((added - dec(&row["score"])).abs() <= dec!(0.1), "{row}");
        if let Some(late) = lateness(rows.iter().filter(of).filter(|row| row.invoiced > end)) {
            scores.push(-dec(&row["score"]));
            later.push(late);
            by_class.entry(row["risk_class"].as_str().unwrap()).or_default().push(late);
        }
    }
    let rho = spearman(&scores, &later);
    println!("rank correlation of the scores of 2012 with the days late of 2013, {} customers: {}", scores.len(), rho.round_dp(3));
    assert!(rho > dec!(0.8), "late payers must rank worse: {rho}");
    let means: Vec<Decimal> = by_class.values().map(|late| late.iter().sum::<Decimal>() / Decimal::from(late.len())).collect();
    println!(
        "{:?}",
        by_class.iter().zip(&means).map(|((class, late), mean)| format!("{class}: {} customers, {} days", late.len(), mean.round_dp(2))).collect::<Vec<_>>()
    );
    assert_eq!(by_class.len(), 5, "all classes occur");
    assert!(means.windows(2).all(|pair| pair[0] < pair[1]), "each class pays later than the one before: {means:?}");
    assert_eq!(
        run["classes"],
        by_class.iter().fold(json!({"a": 0, "b": 0, "c": 0, "d": 0, "e": 0}), |mut counts, (class, late)| {
            counts[class.to_lowercase()] = late.len().into();
            counts
        })
    );
}

/// What a policy would have held, from the file alone.
struct Naive {
    held: Vec<(String, NaiveDate, Decimal)>,
    late: Decimal,
    in_time: Decimal,
    missed: Decimal,
    orders: i64,
}

fn naive(rows: &[Row], from: NaiveDate, to: NaiveDate, limit: Decimal, overdue: i64) -> Naive {
    let mut found = Naive { held: Vec::new(), late: Decimal::ZERO, in_time: Decimal::ZERO, missed: Decimal::ZERO, orders: 0 };
    for (at, order) in rows.iter().enumerate().filter(|(_, row)| row.invoiced >= from && row.invoiced <= to) {
        let before = order.invoiced - Days::new(1);
        let open = |(other, row): &(usize, &Row)| {
            row.customer == order.customer && ((row.invoiced <= before && row.settled > before) || (row.invoiced == order.invoiced && *other < at))
        };
        let exposure: Decimal = rows.iter().enumerate().filter(open).map(|(_, row)| row.amount).sum();
        let days = rows.iter().enumerate().filter(open).map(|(_, row)| (order.invoiced - row.due).num_days()).max().unwrap_or(0);
        let late = order.settled > order.due;
        found.orders += 1;
        if exposure + order.amount > limit || days > overdue {
            found.held.push((order.customer.clone(), order.invoiced, order.amount));
            *(if late { &mut found.late } else { &mut found.in_time }) += order.amount;
        } else if late {
            found.missed += order.amount;
        }
    }
    found.held.sort();
    found
}

fn a_policy_tried_agrees_with_a_recomputation(company: &Company, names: &BTreeMap<String, String>, rows: &[Row]) {
    let rules = json!([{"rule": "limit", "outcome": "hold"}, {"rule": "days_overdue", "outcome": "hold", "over": "10"}]);
    for (from, to, limit) in [("2012-02-01", "2012-12-31", dec!(200)), ("2013-01-01", "2013-12-02", dec!(300))] {
        let wanted = json!({"from": from, "to": to, "policy": {"rules": rules}, "assumed_limit": limit.to_string(), "list": 1000});
        let tried = company.controller().post("/v1/credit-policy/what-if", &wanted).expect(200);
        let expected = naive(rows, day(from), day(to), limit, 10);
        let mut held: Vec<(String, NaiveDate, Decimal)> = tried["held_orders"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (names[row["customer_id"].as_str().unwrap()].clone(), day(row["date"].as_str().unwrap()), dec(&row["amount"])))
            .collect();
        held.sort();
        println!("{from} to {to}: {} of {} held, saved {}, cost {}", held.len(), expected.orders, expected.late, expected.in_time);
        assert!(!held.is_empty() && held.len() < usize::try_from(expected.orders).unwrap());
        assert_eq!(held, expected.held);
        assert_eq!(tried["orders"]["orders"], expected.orders);
        assert_eq!(dec(&tried["saved"]["total"]["amount"]), expected.late);
        assert_eq!(dec(&tried["cost"]["amount"]), expected.in_time);
        assert_eq!(dec(&tried["missed"]["amount"]), expected.missed);
        assert_eq!(dec(&tried["held"]["amount"]), expected.late + expected.in_time);
    }
    // A policy that holds nothing saves nothing.
    let none = company.controller().post("/v1/credit-policy/what-if", &json!({"from": "2013-01-01", "to": "2013-12-02", "policy": {"rules": []}})).expect(200);
    assert_includes(&none["held"], &json!({"orders": 0, "amount": "0.00"}));
    assert_eq!(none["passed"], none["orders"]);
}

#[test]
fn a_class_gets_worse_at_once_and_better_after_two_cycles() {
    let company = Company::new();
    let customer = company.customer();
    let start = today() - Days::new(300);
    let on = |days: u64| (start + Days::new(days)).to_string();
    // Paid on the day for half a year: three invoices.
    for month in 0..3 {
        let invoice = company.invoice(&customer, &on(month * 30), &on(month * 30 + 15), "1000.00");
        company.receipt(&customer, &on(month * 30 + 15), "1000.00", json!([to_invoice(&invoice, "1000.00")]));
    }
    let class = |days: u64| {
        score_run(&company, &json!({"as_of": on(days)}));
        let kept = company.get(&format!("/v1/credit-scores?customer_id={customer}&as_of_lte={}&limit=1", on(days)));
        (kept["data"][0]["scored_class"].clone(), kept["data"][0]["risk_class"].clone(), kept["data"][0]["better_cycles"].clone())
    };
    assert_eq!(class(80), (json!("A"), json!("A"), json!(0)));
    // One item stays open: 60 days late.
    let late = company.invoice(&customer, &on(90), &on(100), "20000.00");
    let (scored, holds, _) = class(160);
    assert_eq!(scored, holds, "worse counts at once");
    assert!(scored.as_str().unwrap() > "A", "{scored}");
    company.receipt(&customer, &on(161), "20000.00", json!([to_invoice(&late, "20000.00")]));
    // Good money again, much of it, so that the average recovers.
    let good = company.invoice(&customer, &on(165), &on(170), "900000.00");
    company.receipt(&customer, &on(170), "900000.00", json!([to_invoice(&good, "900000.00")]));
    let (scored, first, cycles) = class(180);
    assert_eq!((&first, cycles), (&holds, json!(1)), "one better cycle is not enough");
    assert!(scored.as_str() < first.as_str());
    assert_eq!(class(180).2, json!(1), "the same day again is no other cycle");
    let (scored, second, cycles) = class(181);
    assert_eq!((second, cycles), (scored, json!(0)), "the second cycle lifts it");
    company.assert_laws();
}

#[test]
fn a_class_set_by_a_person_stays_until_it_is_cleared() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, &(today() - Days::new(60)).to_string(), &(today() - Days::new(30)).to_string(), "5000.00");
    company.receipt(&customer, &(today() - Days::new(30)).to_string(), "5000.00", json!([to_invoice(&invoice, "5000.00")]));
    assert_includes(&score_run(&company, &json!({})), &json!({"scored": 1, "changed": 0}));
    let path = format!("/v1/customers/{customer}/credit");
    let now = credit(&company, &customer);
    assert_includes(&now, &json!({"risk_class": "A", "risk_score": 96, "version": 1, "hold_all": false}));
    let change = |tag: &str, body: Value| company.executive().change("PATCH", &path, tag, &body);
    change("\"v0\"", json!({"watch": true})).refused(412, "version_mismatch");
    change("\"v1\"", json!({"hold_all": true})).refused(422, "validation_failed");
    change("\"v1\"", json!({"risk_class": "E"})).refused(422, "validation_failed");
    change("\"v1\"", json!({"review_on": today() + Months::new(13)})).refused(422, "validation_failed");
    change("\"v1\"", json!({"risk_klass": "E"})).refused(400, "unknown_field");
    company.as_role("collector").change("PATCH", &path, "*", &json!({"watch": true})).refused(403, "permission_denied");
    let set =
        change("\"v1\"", json!({"risk_class": "E", "watch": true, "hold_all": true, "review_on": today() + Days::new(20), "reason": "In the newspapers"}))
            .expect(200);
    assert_includes(
        &set,
        &json!({"risk_class": "E", "watch": true, "hold_all": true, "hold_reason": "In the newspapers", "review_on": today() + Days::new(20), "version": 2}),
    );
    // Scores go on, the class stays.
    assert_includes(&score_run(&company, &json!({})), &json!({"changed": 0, "classes": {"a": 0, "b": 0, "c": 0, "d": 0, "e": 1}}));
    assert_eq!(credit(&company, &customer)["risk_class"], "E");
    assert_includes(&score_of(&company, &customer), &json!({"scored_class": "A", "risk_class": "E", "class_source": "manual"}));
    let cleared = change("*", json!({"risk_class": null, "hold_all": false})).expect(200);
    assert_includes(&cleared, &json!({"risk_class": "A", "hold_all": false, "hold_reason": null, "watch": true}));
    change("*", json!({"review_on": null, "watch": false})).expect(200);
    assert_includes(&credit(&company, &customer), &json!({"review_on": null, "watch": false}));
    // Everybody who listens hears of it.
    let told = company.sql("SELECT action FROM audit_event WHERE company_id = {c} AND action = 'risk_class.changed'");
    assert_eq!(told.len(), 2);
    company.assert_laws();
}

#[test]
fn the_score_knows_limits_bounces_and_growth() {
    let company = Company::new();
    let customer = company.customer();
    set_limit(&company, &customer, json!({"amount": "10000.00"}));
    let on = |days: u64| (today() - Days::new(days)).to_string();
    let old = company.invoice(&customer, &on(500), &on(490), "1000.00");
    company.receipt(&customer, &on(490), "1000.00", json!([to_invoice(&old, "1000.00")]));
    let open = company.invoice(&customer, &on(50), &on(20), "4000.00");
    let cheque = with(
        receipt_body(&customer, &on(10), "3000.00"),
        json!({"method": "cheque", "utr": null, "cheque_number": "000123", "cheque_date": on(10), "allocations": [to_invoice(&open, "3000.00")]}),
    );
    let cheque = company.executive().post("/v1/receipts", &cheque).expect(201);
    assert_eq!(input(&score_of(&company, &customer), "bounces_12m")["value"], "0");
    let bounce = format!("/v1/receipts/{}/bounce", id_of(&cheque));
    company.executive().change("POST", &bounce, "*", &json!({"bounced_on": on(5), "reason": "Funds insufficient"})).expect(200);
    let score = score_of(&company, &customer);
    let value = |name: &str| input(&score, name)["value"].clone();
    // 4,000 of 10,000; all of it 20 days overdue; 4,000 after 1,000 is 300 per cent more.
    assert_eq!(
        [value("limit_use"), value("bounces_12m"), value("overdue_share"), value("oldest_overdue_days"), value("order_growth"), value("tenure_days")],
        [json!("40"), json!("1"), json!("100"), json!("20"), json!("300"), json!("500")]
    );
    // What bounced was never paid, and the old money came too long ago.
    assert_eq!((value("days_late_365"), value("late_share_365")), (Value::Null, Value::Null));
    // By hand: oldest 20 → 40 × 8, share 100 → 0 × 8, tenure 500 → 80 × 3, use 40 → 100 × 5, one bounce → 40 × 5, growth 300 → 0 × 1; 30 known.
    let expected = rounded((dec!(320) + dec!(240) + dec!(500) + dec!(200)) / dec!(30));
    assert_eq!((dec(&score["score"]), score["known_weight"].clone()), (expected, json!("30")));
    company.assert_laws();
}

#[test]
fn the_report_names_who_is_a_risk_and_why() {
    let company = Company::new();
    let on = |days: u64| (today() - Days::new(days)).to_string();
    let [over, near, calm, late] = [(); 4].map(|()| company.customer());
    for customer in [&over, &near, &calm] {
        set_limit(&company, customer, json!({"amount": "10000.00"}));
    }
    company.invoice(&over, &on(2), &on(1), "10000.01");
    company.invoice(&near, &on(2), &today().to_string(), "9000.00");
    company.invoice(&calm, &on(2), &today().to_string(), "8999.99");
    let open = company.invoice(&late, &on(90), &on(31), "700.00");
    score_run(&company, &json!({"as_of": on(60)}));
    score_run(&company, &json!({}));
    let report = |query: &str| company.get(&format!("/v1/reports/credit-risk?limit=1000{query}"));
    let found = report("");
    let reasons = |customer: &String| {
        let row = found["data"].as_array().unwrap().iter().find(|row| row["customer_id"] == customer.as_str());
        row.map_or(Value::Null, |row| row["reasons"].clone())
    };
    assert_eq!(reasons(&near), json!(["near_limit"]));
    assert_eq!(reasons(&calm), Value::Null, "below nine tenths");
    assert!(reasons(&over).as_array().unwrap().contains(&json!("over_limit")), "{}", reasons(&over));
    assert!(reasons(&late).as_array().unwrap().contains(&json!("overdue")), "{}", reasons(&late));
    let row = found["data"].as_array().unwrap().iter().find(|row| row["customer_id"] == over.as_str()).unwrap();
    assert_includes(
        row,
        &json!({"limit": "10000.00", "exposure": "10000.01", "over_limit_by": "0.01", "used_percent": "100.00", "overdue": "10000.01", "days_overdue": 1, "broken_promises_12m": null}),
    );
    let ids = |answer: &Value| answer["data"].as_array().unwrap().iter().map(|row| row["customer_id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(ids(&report("&reason=near_limit,over_limit")), BTreeSet::from([over.clone(), near.clone()]));
    assert_includes(
        &report("&reason=near_limit,over_limit")["totals"],
        &json!({"customers": 2, "over_limit": 1, "near_limit": 1, "exposure": "19000.01", "over_limit_by": "0.01"}),
    );
    assert!(!ids(&report("&days_overdue_above=31")).contains(&late), "31 days are not more than 31");
    company.controller().get("/v1/reports/credit-risk?reason=over_limits").refused(400, "invalid_parameter");
    // Yesterday's report knows yesterday's books.
    company.receipt(&late, &today().to_string(), "700.00", json!([to_invoice(&open, "700.00")]));
    let still = |query: &str| ids(&report(&format!("{query}&reason=overdue"))).contains(&late);
    assert_eq!([still(""), still(&format!("&as_of={}", on(1)))], [false, false], "30 days are not more than 30");
    assert!(still(&format!("&as_of={}&days_overdue_above=29", on(1))));
    // Customers are found by class.
    let class = credit(&company, &over)["risk_class"].as_str().map(str::to_owned);
    if let Some(class) = class {
        let listed = company.get(&format!("/v1/customers?risk_class={class}&limit=200"));
        assert!(listed["data"].as_array().unwrap().iter().any(|row| row["id"] == over.as_str()));
    }
    company.assert_laws();
}

#[test]
fn the_scorecard_is_data_in_versions() {
    let company = Company::new();
    let ours = company.get("/v1/credit-scorecard");
    assert_includes(&ours, &json!({"version": 0, "object": "credit_scorecard", "upgrade_cycles": 2}));
    let body = json!({"inputs": [{"input": "oldest_overdue_days", "weight": "100", "bands": [{"up_to": "0", "points": "100"}, {"points": "10"}]}],
        "classes": [{"class": "B", "from": "50"}, {"class": "E", "from": "0"}], "least_weight": "100", "upgrade_cycles": 1, "cycle_days": 1, "source": "A test"});
    let wrong = company
        .controller()
        .change("PUT", "/v1/credit-scorecard", "*", &with(body.clone(), json!({"classes": [{"class": "B", "from": "50"}]})))
        .refused(422, "validation_failed");
    assert!(blames(&wrong, "#/classes", "incomplete"), "{wrong}");
    let heavy = json!({"inputs": [{"input": "current_ratio", "weight": "90", "bands": [{"points": "10"}]}]});
    let wrong = company.controller().change("PUT", "/v1/credit-scorecard", "*", &with(body.clone(), heavy)).refused(422, "validation_failed");
    assert!(blames(&wrong, "#/inputs", "weights") && blames(&wrong, "#/inputs/0/input", "input_unknown_here"), "{wrong}");
    company.executive().change("PUT", "/v1/credit-scorecard", "*", &body).refused(403, "permission_denied");
    let set = company.controller().change("PUT", "/v1/credit-scorecard", "\"v0\"", &body).expect(200);
    assert_eq!((&set["version"], &set["appraisal"]), (&json!(1), &ours["appraisal"]), "what is left out stays");
    company.controller().change("PUT", "/v1/credit-scorecard", "\"v0\"", &body).refused(412, "version_mismatch");
    let customer = company.customer();
    company.invoice(&customer, &(today() - Days::new(40)).to_string(), &(today() - Days::new(10)).to_string(), "100.00");
    assert_includes(&score_of(&company, &customer), &json!({"score": "10.00", "risk_class": "E", "scorecard_version": 1}));
    company.assert_laws();
}

fn application(customer: &str) -> Value {
    json!({"external_id": fresh(), "customer_id": customer, "kind": "new", "requested_limit": "500000.00", "requested_terms_days": 45, "tolerated_delay_days": 15, "monthly_sales": "150000.00",
        "business_since": "2010-04-01",
        "financials": [{"year_end": "2024-03-31", "revenue": "40000000.00"}, {"year_end": "2025-03-31", "audited": true, "revenue": "50000000.00", "net_profit": "2500000.00",
            "current_assets": "18000000.00", "current_liabilities": "9000000.00", "total_debt": "6000000.00", "net_worth": "12000000.00"}],
        "bureau": [{"agency": "CRIF High Mark", "score": "720", "lowest": "300", "highest": "900", "reported_on": "2025-11-01"}],
        "references": [{"name": "Bharat Steel Ltd", "opinion": "good", "credit_limit": "800000.00", "days_late": 5}],
        "documents": [{"kind": "pan", "reference": "AABCA9876F"}, {"kind": "financials"}, {"kind": "gst_registration"}, {"kind": "bank_statement"}],
        "security": [{"kind": "guarantee", "amount": "100000.00", "reference": "BG-7"}]})
}

#[test]
fn an_appraisal_suggests_the_least_of_its_caps_and_its_approval_sets_limit_class_review_and_terms() {
    let company = Company::new();
    let customer = company.customer();
    let made = company.executive().post("/v1/credit-appraisals", &application(&customer)).expect(201);
    assert_includes(
        &made,
        &json!({"object": "credit_appraisal", "kind": "new", "status": "draft", "trigger": "manual", "decision": null, "allowed_actions": ["update", "submit"], "currency": "INR"}),
    );
    let cap = |appraisal: &Value, name: &str| {
        let found = appraisal["assessment"]["caps"].as_array().unwrap().iter().find(|cap| cap["cap"] == name).cloned().unwrap();
        (found["amount"].clone(), found["binding"].clone())
    };
    // 150,000 × (45 + 15) / 30; 12,000,000 × 20 % + 100,000; 9,000,000 × 30 % + 100,000 (class A).
    assert_eq!(cap(&made, "terms"), (json!("300000.00"), json!(true)));
    assert_eq!(cap(&made, "net_worth"), (json!("2500000.00"), json!(false)));
    assert_eq!(cap(&made, "working_capital"), (json!("2800000.00"), json!(false)));
    assert_eq!(cap(&made, "references").0, "800000.00");
    assert_eq!(cap(&made, "requested").0, "500000.00");
    // Bureau 70 → 85 × 20; current ratio 2 → 85 × 10; debt by equity 0.5 → 100 × 10; margin 5 → 70 × 8; growth 25 → 100 × 5;
    // reference 90 → 100 × 7; 15 years → 100 × 5; security 20 % → 60 × 3; all papers → 100 × 2. 70 of 100 are known.
    let points = dec!(1700) + dec!(850) + dec!(1000) + dec!(560) + dec!(500) + dec!(700) + dec!(500) + dec!(180) + dec!(200);
    assert_includes(
        &made["assessment"],
        &json!({"risk_class": "A", "suggested_limit": "300000.00", "suggested_terms_days": 45, "review_months": 12, "known_weight": "70", "missing_documents": []}),
    );
    assert_eq!(dec(&made["assessment"]["score"]), rounded(points / dec!(70)));
    let id = id_of(&made);
    // One at a time, and changes are judged anew.
    let twice = company.executive().post("/v1/credit-appraisals", &with(application(&customer), json!({"external_id": null}))).refused(409, "appraisal_open");
    assert_eq!(twice["current"]["id"], id.as_str());
    let path = format!("/v1/credit-appraisals/{id}");
    company.executive().change("PATCH", &path, "\"v9\"", &json!({"note": "x"})).refused(412, "version_mismatch");
    let changed =
        company.executive().change("PATCH", &path, "\"v1\"", &json!({"monthly_sales": "90000.00", "security": [], "note": "Smaller than thought"})).expect(200);
    assert_eq!((cap(&changed, "terms"), &changed["version"]), ((json!("180000.00"), json!(true)), &json!(2)));
    // Sent for approval; nothing holds until another person agrees.
    let submit = format!("{path}/submit");
    company.executive().change("POST", &submit, "*", &json!({"review_on": today() + Months::new(13)})).refused(422, "validation_failed");
    let sent = company.executive().change("POST", &submit, "\"v2\"", &json!({"reason": "Good figures"}));
    let sent = sent.expect(202);
    assert_includes(&sent, &json!({"status": "pending_approval", "allowed_actions": []}));
    assert_includes(&sent["decision"], &json!({"limit": "180000.00", "terms_days": 45, "risk_class": "A"}));
    company.executive().change("PATCH", &path, "*", &json!({"note": "late"})).refused(409, "invalid_state");
    assert_eq!(credit(&company, &customer)["limit"], Value::Null);
    decide(&company.executive(), &sent, "approve").refused(403, "permission_denied");
    decide(&company.controller(), &sent, "approve").expect(200);
    let done = company.get(&path);
    assert_includes(&done, &json!({"status": "approved", "allowed_actions": []}));
    let review = today().checked_add_months(Months::new(12)).unwrap();
    let now = credit(&company, &customer);
    assert_includes(&now, &json!({"risk_class": "A", "review_on": review, "available": "180000.00"}));
    assert_eq!((&now["limit"]["amount"], &now["limit"]["id"]), (&json!("180000.00"), &done["credit_limit_id"]));
    assert_eq!(company.get(&format!("/v1/customers/{customer}"))["payment_terms_days"], 45);
    // The bureau's points now count in the score: (720 − 300) / 600.
    assert_eq!(input(&score_of(&company, &customer), "external_grade")["value"], "70");
    let listed = company.get(&format!("/v1/credit-appraisals?customer_id={customer}&status=approved&kind=new"));
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    company.assert_laws();
}

#[test]
fn who_submits_or_sells_does_not_approve_and_what_is_rejected_is_a_draft_again() {
    let company = Company::new();
    let customer = company.customer();
    let made = company.controller().post("/v1/credit-appraisals", &with(application(&customer), json!({"security": []}))).expect(201);
    let path = format!("/v1/credit-appraisals/{}", id_of(&made));
    let sent = company.controller().change("POST", &format!("{path}/submit"), "*", &json!({"limit": "0.00", "risk_class": "D", "terms_days": 0})).expect(202);
    decide(&company.controller(), &sent, "approve").refused(403, "sod_self_approval");
    let second = company.another("controller");
    // The customer's salesperson decides nothing, whatever else they may (SOD-04).
    let seller = second.get("/v1/me").expect(200)["id"].clone();
    company.executive().change("PATCH", &format!("/v1/customers/{customer}"), "*", &json!({"salesperson_id": seller})).expect(200);
    decide(&second, &sent, "approve").refused(403, "sod_conflict");
    let third = company.another("controller");
    decide(&third, &sent, "reject").expect(200);
    let back = company.get(&path);
    assert_includes(&back, &json!({"status": "draft", "decision": null, "credit_limit_id": null}));
    let again = company.executive().change("POST", &format!("{path}/submit"), "*", &json!({"limit": "0.00", "risk_class": "D", "terms_days": 0})).expect(202);
    decide(&third, &again, "approve").expect(200);
    let now = credit(&company, &customer);
    assert_includes(&now, &json!({"risk_class": "D", "available": "0.00"}));
    // A high risk is looked at again in three months.
    assert_eq!(now["review_on"], json!(today().checked_add_months(Months::new(3)).unwrap()));
    company.as_role("sales").post("/v1/credit-appraisals", &application(&customer)).refused(403, "permission_denied");
    company.assert_laws();
}

#[test]
fn wrong_figures_are_named_each() {
    let company = Company::new();
    let customer = company.customer();
    let before = company.fingerprint();
    let next_year = NaiveDate::from_ymd_opt(today().year() + 1, 3, 31).unwrap();
    let body = with(
        application(&customer),
        json!({"requested_limit": "-1.00", "monthly_sales": "1.001",
        "financials": [{"year_end": next_year, "revenue": "-5.00"}, {"year_end": next_year}], "bureau": [{"agency": "A", "score": "950", "lowest": "300", "highest": "900"}, {"agency": "B", "score": "1", "lowest": "5", "highest": "5"}],
        "security": [{"kind": "deposit", "amount": "0.00"}]}),
    );
    let wrong = company.executive().post("/v1/credit-appraisals", &body).refused(422, "validation_failed");
    for (pointer, code) in [
        ("#/requested_limit", "too_small"),
        ("#/monthly_sales", "amount_precision"),
        ("#/financials/0/revenue", "too_small"),
        ("#/financials/0/year_end", "date_in_future"),
        ("#/financials/1/year_end", "duplicate"),
        ("#/bureau/0/score", "out_of_range"),
        ("#/bureau/1/highest", "too_small"),
        ("#/security/0/amount", "too_small"),
    ] {
        assert!(blames(&wrong, pointer, code), "{pointer} {code}: {wrong}");
    }
    company.executive().post("/v1/credit-appraisals", &json!({"kind": "new"})).refused(422, "validation_failed");
    company.executive().post("/v1/credit-appraisals", &json!({"kind": "newish", "customer_id": customer})).refusal();
    company.executive().post("/v1/credit-appraisals", &json!({"kind": "new", "customer_id": uuid::Uuid::now_v7()})).refusal();
    company.executive().post("/v1/credit-scores/run", &json!({"as_of": today() + Days::new(9)})).refused(422, "date_in_future");
    company.executive().post("/v1/credit-scores/run", &json!({"customer_ids": [uuid::Uuid::now_v7()]})).refusal();
    company.controller().post("/v1/credit-policy/what-if", &json!({"from": "2025-02-01", "to": "2025-01-01"})).refused(422, "validation_failed");
    let wrong = company
        .controller()
        .post("/v1/credit-policy/what-if", &json!({"policy": {"rules": [{"rule": "days_overdue", "outcome": "hold"}]}}))
        .refused(422, "validation_failed");
    assert!(blames(&wrong, "#/policy/rules/0/over", "required"), "{wrong}");
    assert_eq!(company.fingerprint(), before, "a refusal leaves nothing behind");
}

#[test]
fn the_calendar_and_what_goes_wrong_open_reviews() {
    let company = Company::new();
    let on = |days: u64| (today() - Days::new(days)).to_string();
    let [calm, due, late, used, bounced] = [(); 5].map(|()| company.customer());
    for customer in [&calm, &late, &used, &bounced] {
        set_limit(&company, customer, json!({"amount": "10000.00"}));
    }
    company.executive().change("PATCH", &format!("/v1/customers/{due}/credit"), "*", &json!({"review_on": today() + Days::new(14)})).expect(200);
    company.executive().change("PATCH", &format!("/v1/customers/{calm}/credit"), "*", &json!({"review_on": today() + Days::new(15)})).expect(200);
    company.invoice(&late, &on(100), &on(61), "1000.00");
    company.invoice(&calm, &on(90), &on(60), "9000.00");
    company.invoice(&used, &on(1), &today().to_string(), "9000.01");
    let open = company.invoice(&bounced, &on(20), &today().to_string(), "500.00");
    let cheque = json!({"method": "cheque", "utr": null, "cheque_number": "000777", "cheque_date": on(10), "allocations": [to_invoice(&open, "500.00")]});
    let cheque = company.executive().post("/v1/receipts", &with(receipt_body(&bounced, &on(10), "500.00"), cheque)).expect(201);
    company
        .executive()
        .change("POST", &format!("/v1/receipts/{}/bounce", id_of(&cheque)), "*", &json!({"bounced_on": on(2), "reason": "Funds insufficient"}))
        .expect(200);
    score_run(&company, &json!({}));
    let reviews = |query: &str| {
        let listed = company.get(&format!("/v1/credit-appraisals?kind=review&limit=200{query}"));
        listed["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["customer_id"].as_str().unwrap().to_owned(), row["trigger"].as_str().unwrap().to_owned()))
            .collect::<BTreeSet<_>>()
    };
    let text = |customer: &String, trigger: &str| (customer.clone(), trigger.to_owned());
    // Exactly 60 days overdue, exactly 90 per cent and a review in 15 days set off nothing.
    let expected = BTreeSet::from([text(&due, "calendar"), text(&late, "overdue"), text(&used, "limit_use"), text(&bounced, "bounce")]);
    assert_eq!(reviews(""), expected);
    // What is due by the calendar is due on its day, what was found within a week.
    assert_eq!(reviews(&format!("&due_before={}", today() + Days::new(8))), expected.iter().filter(|(_, trigger)| trigger != "calendar").cloned().collect());
    assert_eq!(reviews(&format!("&due_before={}", today() + Days::new(7))), BTreeSet::new());
    // Another run opens none a second time; a decision quiets what was found.
    score_run(&company, &json!({}));
    assert_eq!(reviews(""), expected);
    let found = company.get(&format!("/v1/credit-appraisals?customer_id={late}"))["data"][0].clone();
    assert_eq!(found["trigger_detail"], "An item is overdue for 61 days.");
    let sent = company.executive().change("POST", &format!("/v1/credit-appraisals/{}/submit", id_of(&found)), "*", &json!({"limit": "5000.00"})).expect(202);
    decide(&company.controller(), &sent, "approve").expect(200);
    score_run(&company, &json!({}));
    assert_eq!(company.get(&format!("/v1/credit-appraisals?customer_id={late}&status=draft"))["data"], json!([]));
    // Nothing but overdue days is known of it: the worst is assumed, so it is looked at again in three months.
    assert_eq!(credit(&company, &late)["review_on"], json!(today().checked_add_months(Months::new(3)).unwrap()));
    company.assert_laws();
}
