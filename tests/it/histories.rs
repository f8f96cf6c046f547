//! 100 customers, 2,466 invoices and their payments from a public data set: reports on past dates against the file itself.

use crate::rig::*;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

pub struct Row {
    pub customer: String,
    pub invoice: String,
    pub invoiced: NaiveDate,
    pub due: NaiveDate,
    pub settled: NaiveDate,
    pub amount: Decimal,
}

pub fn read() -> Option<Vec<Row>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/late-payment-histories.csv");
    let mut file = csv::Reader::from_path(path).ok()?;
    let american = |text: &str| NaiveDate::parse_from_str(text, "%m/%d/%Y").expect("month/day/year");
    let rows = file.deserialize::<BTreeMap<String, String>>().map(|row| row.expect("a row")).map(|row| Row {
        customer: row["customerID"].clone(),
        invoice: row["invoiceNumber"].clone(),
        invoiced: american(&row["InvoiceDate"]),
        due: american(&row["DueDate"]),
        settled: american(&row["SettledDate"]),
        amount: row["InvoiceAmount"].parse().expect("an amount"),
    });
    Some(rows.collect())
}

/// Sends rows in bulk; all must succeed.
fn load(client: &Client, path: &str, items: &[Value], size: usize) {
    for chunk in items.chunks(size) {
        let reply = client.post(path, &json!({"mode": "per_item", "items": chunk})).expect(207);
        let failed = reply["items"].as_array().unwrap().iter().find(|row| row["status"] != 201);
        assert_eq!(reply["summary"], json!({"total": chunk.len(), "succeeded": chunk.len(), "failed": 0}), "{failed:?}");
    }
}

fn bucket(age: i64) -> &'static str {
    match age {
        ..=0 => "not_due",
        1..=30 => "1-30",
        31..=60 => "31-60",
        61..=90 => "61-90",
        91..=120 => "91-120",
        _ => "over_120",
    }
}

type Aged = BTreeMap<String, BTreeMap<String, Decimal>>;

fn aged_naively(rows: &[Row], as_of: NaiveDate) -> Aged {
    let mut aged = Aged::new();
    for row in rows.iter().filter(|row| row.invoiced <= as_of && row.settled > as_of) {
        *aged.entry(row.customer.clone()).or_default().entry(bucket((as_of - row.due).num_days()).to_owned()).or_default() += row.amount;
    }
    aged
}

fn aged_by_service(company: &Company, names: &BTreeMap<String, String>, as_of: NaiveDate) -> Aged {
    let report = company.get(&format!("/v1/reports/aging?as_of={as_of}&basis=due_date&group_by=customer&limit=200"));
    assert_eq!(report["check"]["difference"], "0.00", "{}", report["check"]);
    let mut aged = Aged::new();
    for row in report["data"].as_array().unwrap() {
        let buckets = row["buckets"].as_object().unwrap().iter().map(|(name, amount)| (name.clone(), dec(amount))).filter(|(_, amount)| !amount.is_zero());
        let buckets: BTreeMap<_, _> = buckets.collect();
        assert_eq!(dec(&row["total"]), buckets.values().sum::<Decimal>() - dec(&row["unapplied"]), "{row}");
        if !buckets.is_empty() {
            aged.insert(names[row["customer_id"].as_str().unwrap()].clone(), buckets);
        }
    }
    aged
}

/// Records everything of the file in a company: its customers by id.
pub fn recorded(company: &Company, rows: &[Row]) -> BTreeMap<String, String> {
    let executive = company.executive();
    let mut names = BTreeMap::new();
    for name in rows.iter().map(|row| row.customer.clone()).collect::<BTreeSet<_>>() {
        let made = executive.post("/v1/customers", &with(customer_body(), json!({"external_id": name, "legal_name": format!("Customer {name}")}))).expect(201);
        names.insert(id_of(&made), name);
    }
    assert_eq!(names.len(), 100);
    let invoices: Vec<Value> = rows.iter().map(|row| {
        let lines = [line(&row.amount.to_string(), "0")];
        json!({"external_id": row.invoice, "customer_external_id": row.customer, "invoice_date": row.invoiced, "due_date": row.due, "place_of_supply": "27", "currency": "INR", "issue": true, "lines": lines})
    }).collect();
    let receipts: Vec<Value> = rows.iter().map(|row| {
        let allocation = json!({"target_type": "invoice", "target_external_id": row.invoice, "amount": row.amount.to_string(), "kind": "cash"});
        json!({"external_id": format!("PAY-{}", row.invoice), "customer_external_id": row.customer, "receipt_date": row.settled, "method": "neft", "currency": "INR",
               "utr": format!("UTR{}", row.invoice), "amount_received": row.amount.to_string(), "allocations": [allocation]})
    }).collect();
    let start = Instant::now();
    load(&executive, "/v1/invoices/bulk", &invoices, 1000);
    let after_invoices = start.elapsed();
    load(&executive, "/v1/receipts/bulk", &receipts, 500);
    println!("2,466 invoices in {after_invoices:?}, with their receipts {:?}", start.elapsed());
    names
}

#[test]
fn past_aging_and_days_to_pay_equal_a_recomputation_from_the_file() {
    let Some(rows) = read() else {
        println!("skipped: ../shared/data/late-payment-histories.csv is not there");
        return;
    };
    assert_eq!(rows.len(), 2466);
    let company = Company::new();
    let names = recorded(&company, &rows);

    for as_of in ["2012-03-31", "2012-12-31", "2013-02-14", "2013-06-30", "2013-12-02"].map(day) {
        let naive = aged_naively(&rows, as_of);
        assert!(!naive.is_empty());
        assert_eq!(aged_by_service(&company, &names, as_of), naive, "aging on {as_of}");
    }
    let last = rows.iter().map(|row| row.settled).max().unwrap();
    assert!(aged_by_service(&company, &names, last).is_empty(), "all is settled at the end");

    for (from, to) in [("2012-01-01", "2014-01-31"), ("2012-07-01", "2012-09-30"), ("2013-01-01", "2013-12-31")] {
        let paid: Vec<&Row> = rows.iter().filter(|row| (day(from)..=day(to)).contains(&row.settled)).collect();
        let whole: Decimal = paid.iter().map(|row| row.amount).sum();
        let mean = |days: &dyn Fn(&Row) -> i64| paid.iter().map(|row| row.amount * Decimal::from(days(row))).sum::<Decimal>() / whole;
        let performance = company.get(&format!("/v1/reports/performance?from={from}&to={to}"));
        crate::reports::assert_figure(&performance, "average_days_to_pay", Some(mean(&|row| (row.settled - row.invoiced).num_days())));
    }
    company.assert_laws();
}
