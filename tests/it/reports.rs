//! Reports against figures worked out by hand or recomputed naively: thresholds, two time axes, instalments, ledgers, performance.

use crate::rig::*;
use chrono::{Datelike, Months, NaiveDate};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// Asserts a performance figure to the last decimal it is given with.
#[track_caller]
pub fn assert_figure(report: &Value, name: &str, expected: Option<Decimal>) {
    let Some(expected) = expected else {
        assert!(report[name].is_null(), "{name}: {report}");
        return;
    };
    let given = dec(&report[name]);
    assert!(given.scale() >= 1, "{name} has no decimals: {report}");
    assert!((given - expected).abs() <= Decimal::new(1, given.scale()), "{name} is {given}, not {expected}: {report}");
}

fn totals(company: &Company, query: &str) -> Value {
    let aging = company.get(&format!("/v1/reports/aging?{query}"));
    let check = &aging["check"];
    assert_eq!(
        (&check["difference"], &check["documents"], &check["gl"], &check["buckets"]),
        (&json!("0.00"), &check["subledger"], &check["subledger"], &check["subledger"]),
        "{check}"
    );
    aging["totals"].clone()
}

/// The one bucket that is not empty.
fn only_bucket(totals: &Value) -> String {
    let filled: Vec<_> = totals["buckets"].as_object().unwrap().iter().filter(|(_, amount)| !dec(amount).is_zero()).map(|(name, _)| name.clone()).collect();
    assert_eq!(filled.len(), 1, "{totals}");
    filled[0].clone()
}

#[test]
fn buckets_turn_exactly_at_their_thresholds() {
    let company = Company::new();
    let customer = company.customer();
    company.invoice(&customer, "2025-01-01", "2025-01-31", "100.00");
    let due = day("2025-01-31");
    for (age, bucket) in [
        (-30, "not_due"),
        (-1, "not_due"),
        (0, "not_due"),
        (1, "1-30"),
        (30, "1-30"),
        (31, "31-60"),
        (60, "31-60"),
        (61, "61-90"),
        (90, "61-90"),
        (91, "91-120"),
        (120, "91-120"),
        (121, "over_120"),
        (400, "over_120"),
    ] {
        let as_of = due + chrono::Duration::days(age);
        assert_eq!(only_bucket(&totals(&company, &format!("as_of={as_of}&basis=due_date"))), bucket, "age {age}");
        let open = company.get(&format!("/v1/customers/{customer}/open-items?as_of={as_of}"));
        assert_eq!(open["data"][0]["days_overdue"], age.max(0), "age {age}: {open}");
    }
    assert_eq!(totals(&company, "as_of=2024-12-31")["total"], "0.00", "not yet invoiced");
    company.assert_laws();
}

#[test]
fn a_backdated_receipt_changes_the_past_as_known_now_and_not_as_known_then() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-02-10", "2025-03-12", "1000.00");
    let controller = company.controller();
    let read = |known_at: &str| controller.get(&format!("/v1/reports/aging?as_of=2025-03-31&known_at={}", encoded(known_at)));
    let now =
        || company.sql("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') AS at")[0]["at"].as_str().unwrap().to_owned();
    let then = until("a moment after the invoice", std::time::Duration::from_secs(5), || {
        let then = now();
        (read(&then).json()["totals"]["total"] == "1000.00").then_some(then)
    });
    let as_known_then = read(&then);
    // The report itself says what it knew; asked again for that, it is the same.
    let said = as_known_then.json()["known_at"].as_str().expect("known_at").to_owned();
    until("time to pass", std::time::Duration::from_secs(5), || (now() > said && now() > then).then_some(()));
    company.receipt(&customer, "2025-03-31", "400.00", json!([to_invoice(&invoice, "400.00")]));
    assert_eq!(read(&then).bytes, as_known_then.bytes, "the past as known then gives the same bytes for ever");
    assert_eq!(read(&said).bytes, as_known_then.bytes);
    assert_eq!(totals(&company, "as_of=2025-03-31")["total"], "600.00", "as known now");
    assert_eq!(totals(&company, "as_of=2025-03-30")["total"], "1000.00");
    company.assert_laws();
}

#[test]
fn instalments_age_by_their_own_due_dates() {
    let company = Company::new();
    let customer = company.customer();
    let shares = json!([{"share": "33.333", "days": 30}, {"share": "33.333", "days": 60}, {"share": "33.334", "days": 90}]);
    let terms = company.controller().post("/v1/payment-terms", &json!({"code": "THIRDS", "name": "Three instalments", "instalments": shares})).expect(201);
    let invoice =
        company.executive().post("/v1/invoices", &with(invoice_body(&customer, "2025-01-01", "1000.00"), json!({"payment_terms_id": terms["id"]}))).expect(201);
    let parts: Vec<_> =
        invoice["instalments"].as_array().unwrap().iter().map(|part| (part["due_date"].as_str().unwrap(), part["amount"].as_str().unwrap())).collect();
    assert_eq!(parts, [("2025-01-31", "333.33"), ("2025-03-02", "333.33"), ("2025-04-01", "333.34")]);
    // 433.33 pays the first and 100.00 of the second: the oldest due first.
    company.receipt(&customer, "2025-01-20", "433.33", json!([to_invoice(&invoice, "433.33")]));
    let aged = totals(&company, "as_of=2025-03-31");
    assert_eq!((&aged["buckets"]["not_due"], &aged["buckets"]["1-30"], &aged["total"]), (&json!("333.34"), &json!("233.33"), &json!("566.67")), "{aged}");
    let before = totals(&company, "as_of=2025-01-19");
    assert_eq!((&before["buckets"]["not_due"], &before["total"]), (&json!("1000.00"), &json!("1000.00")));
    company.assert_laws();
}

#[test]
fn a_ledger_opens_where_the_one_before_closed() {
    let company = Company::new();
    let customer = company.customer();
    let first = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    company.receipt(&customer, "2025-02-05", "300.00", json!([to_invoice(&first, "300.00")]));
    company.invoice(&customer, "2025-02-20", "2025-03-22", "500.00");
    company.receipt(&customer, "2025-03-31", "50.00", Value::Null);
    let ledger = |from: &str, to: &str| company.get(&format!("/v1/customers/{customer}/ledger?from={from}&to={to}"));
    let expected = [
        ("2025-01-01", "2025-01-31", "0.00", "1000.00", 1),
        ("2025-02-01", "2025-02-28", "1000.00", "1200.00", 2),
        ("2025-03-01", "2025-03-31", "1200.00", "1150.00", 1),
        ("2025-04-01", "2025-04-30", "1150.00", "1150.00", 0),
    ];
    for (from, to, opening, closing, rows) in expected {
        let page = ledger(from, to);
        assert_eq!(
            (&page["opening_balance"], &page["closing_balance"], page["data"].as_array().unwrap().len()),
            (&json!(opening), &json!(closing), rows),
            "{page}"
        );
        let mut running = dec(&page["opening_balance"]);
        for row in page["data"].as_array().unwrap() {
            running += dec(&row["debit"]) - dec(&row["credit"]);
            assert_eq!(dec(&row["balance"]), running, "{row}");
            assert!((day(from)..=day(to)).contains(&day(row["date"].as_str().unwrap())), "{row}");
        }
    }
    company.assert_laws();
}

#[test]
fn the_books_of_a_past_day_do_not_move_with_later_postings() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-10", "2025-02-09", "1000.00");
    let controller = company.controller();
    let paths = [
        "/v1/trial-balance?as_of=2025-01-31".to_owned(),
        "/v1/reconciliations/ar-gl?as_of=2025-01-31".to_owned(),
        format!("/v1/customers/{customer}/open-items?as_of=2025-01-31"),
        format!("/v1/customers/{customer}/ledger?from=2025-01-01&to=2025-01-31"),
    ];
    let before: Vec<Value> = paths.iter().map(|path| controller.get(path).expect(200)).collect();
    let receipt = company.receipt(&customer, "2025-02-01", "1000.00", json!([to_invoice(&invoice, "1000.00")]));
    controller
        .post(&format!("/v1/allocations/{}/reverse", id_of(&receipt["allocations"][0])), &json!({"reversed_on": "2025-02-03", "reason": "Wrong invoice"}))
        .expect(201);
    for (path, before) in paths.iter().zip(before) {
        assert_eq!(controller.get(path).expect(200), before, "{path}");
    }
    let open = |as_of: &str| company.get(&format!("/v1/customers/{customer}/open-items?as_of={as_of}"))["totals"].clone();
    assert_eq!(open("2025-02-02"), json!({"debit": "0.00", "credit": "0.00", "balance": "0.00"}));
    assert_eq!(open("2025-02-03"), json!({"debit": "1000.00", "credit": "1000.00", "balance": "0.00"}));
    company.assert_laws();
}

struct Sale {
    date: &'static str,
    due: &'static str,
    amount: i64,
    paid: &'static [(&'static str, i64)],
}

/// Nothing is unapplied, so receivables are invoices less payments.
const SALES: [Sale; 7] = [
    Sale { date: "2024-11-20", due: "2024-12-20", amount: 62_000, paid: &[("2025-01-15", 50_000)] },
    Sale { date: "2024-12-28", due: "2025-01-27", amount: 10_000, paid: &[("2025-01-20", 10_000)] },
    Sale { date: "2025-01-10", due: "2025-02-09", amount: 70_000, paid: &[("2025-02-20", 30_000), ("2025-03-05", 20_000)] },
    Sale { date: "2025-02-14", due: "2025-03-16", amount: 80_000, paid: &[("2025-03-10", 40_000)] },
    Sale { date: "2025-02-28", due: "2025-04-14", amount: 5_000, paid: &[] },
    Sale { date: "2025-03-01", due: "2025-03-31", amount: 60_000, paid: &[("2025-04-02", 60_000)] },
    Sale { date: "2025-03-31", due: "2025-04-30", amount: 40_000, paid: &[] },
];

#[test]
fn performance_figures_follow_their_formulas() {
    let company = Company::new();
    let customer = company.customer();
    for sale in &SALES {
        let invoice = company.invoice(&customer, sale.date, sale.due, &format!("{}.00", sale.amount));
        for (date, amount) in sale.paid {
            company.receipt(&customer, date, &format!("{amount}.00"), json!([to_invoice(&invoice, &format!("{amount}.00"))]));
        }
    }
    let (from, to) = (day("2025-01-01"), day("2025-03-31"));
    let open_on = |date: NaiveDate, counts: &dyn Fn(&Sale) -> bool| {
        let open = |sale: &Sale| sale.amount - sale.paid.iter().filter(|(paid, _)| day(paid) <= date).map(|(_, amount)| amount).sum::<i64>();
        Decimal::from(SALES.iter().filter(|sale| day(sale.date) <= date && counts(sale)).map(open).sum::<i64>())
    };
    let sold =
        |from: NaiveDate, to: NaiveDate| Decimal::from(SALES.iter().filter(|sale| (from..=to).contains(&day(sale.date))).map(|sale| sale.amount).sum::<i64>());
    let days = Decimal::from((to - from).num_days() + 1);
    let (opening, closing, current, sales) =
        (open_on(from.pred_opt().unwrap(), &|_| true), open_on(to, &|_| true), open_on(to, &|sale| day(sale.due) >= to), sold(from, to));
    assert_eq!((opening, closing, current, sales, days), (72_000.into(), 177_000.into(), 105_000.into(), 255_000.into(), 90.into()), "the sums by hand");
    let (dso, best) = (closing / sales * days, current / sales * days);
    // Count back: take whole months of sales off the closing balance, the last one in proportion.
    let (mut left, mut month, mut back) = (closing, from.with_month(3).unwrap(), Decimal::ZERO);
    while left > Decimal::ZERO {
        let end = month + Months::new(1) - chrono::Days::new(1);
        let part = (left / sold(month, end)).min(Decimal::ONE);
        back += part * Decimal::from(end.day());
        left -= part * sold(month, end);
        month = month - Months::new(1);
    }
    let payments: Vec<(&Sale, NaiveDate, Decimal)> = SALES
        .iter()
        .flat_map(|sale| sale.paid.iter().map(move |(date, amount)| (sale, day(date), Decimal::from(*amount))))
        .filter(|(_, date, _)| (from..=to).contains(date))
        .collect();
    let paid: Decimal = payments.iter().map(|(.., amount)| amount).sum();
    let mean = |since: &dyn Fn(&Sale) -> NaiveDate| {
        payments.iter().map(|(sale, date, amount)| amount * Decimal::from((*date - since(sale)).num_days())).sum::<Decimal>() / paid
    };

    let report = company.get(&format!("/v1/reports/performance?from={from}&to={to}"));
    assert_figure(&report, "dso", Some(dso));
    assert_figure(&report, "best_possible_dso", Some(best));
    assert_figure(&report, "average_days_delinquent", Some(dso - best));
    assert_figure(&report, "count_back_dso", Some(back));
    assert_figure(&report, "cei", Some((opening + sales - closing) / (opening + sales - current) * Decimal::from(100)));
    assert_figure(&report, "turnover", Some(sales / ((opening + closing) / Decimal::from(2))));
    assert_figure(&report, "average_days_to_pay", Some(mean(&|sale| day(sale.date))));
    assert_figure(&report, "average_days_late", Some(mean(&|sale| day(sale.due))));
    for name in ["dso", "best_possible_dso", "count_back_dso", "average_days_delinquent", "cei", "turnover", "average_days_to_pay", "average_days_late"] {
        assert!(report["definitions"][name].as_str().is_some_and(|text| text.len() > 10), "no definition of {name}: {report}");
    }
    // Without sales or payments there is nothing to divide by.
    let empty = company.get("/v1/reports/performance?from=2023-01-01&to=2023-01-31");
    for name in ["dso", "best_possible_dso", "average_days_delinquent", "average_days_to_pay", "average_days_late"] {
        assert_figure(&empty, name, None);
    }
    company.assert_laws();
}
