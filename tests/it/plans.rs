//! No filter and no order of a list reads a whole table: each finds its rows by an index.

use crate::matrix::operations;
use crate::rig::*;
use duebook::billing::invoices::order::Kind;
use duebook::platform::http::Problem;
use duebook::platform::ids::CompanyId;
use duebook::platform::page::Paging;
use duebook::platform::postgres::Pool;
use duebook::platform::postgres::sql::Sql;
use duebook::platform::unit_of_work::{Doors, Gate, Rx, run_system_read};
use duebook::{billing, cash, credit, master_data};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

/// Tables that grow with the business.
const LARGE: &str = "('invoice', 'invoice_line', 'receipt', 'allocation', 'open_item', 'journal_entry', 'journal_line', 'manual_journal')";

type List = fn(&mut Rx<'_>, &Paging, Value) -> Result<(), Problem>;

fn read<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("parameters")
}

/// Lists by their path, as the service reads them.
const LISTS: [(&str, List); 8] = [
    ("/v1/invoices", |rx, paging, filter| billing::invoices::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/credit-notes", |rx, paging, filter| billing::invoices::store::list_notes(rx, Kind::CreditNote, paging, &read(filter)).map(drop)),
    ("/v1/receipts", |rx, paging, filter| cash::receipts::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/allocations", |rx, paging, filter| cash::allocations::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/credit-limits", |rx, paging, filter| credit::limits::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/credit-checks", |rx, paging, filter| credit::orders::checks::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/order-holds", |rx, paging, filter| credit::orders::store::holds(rx, paging, &read(filter)).map(drop)),
    ("/v1/customers", |rx, paging, filter| master_data::customers::store::list(rx, paging, &read(filter)).map(drop)),
];

/// Invoices and receipts of a company; gives a customer.
fn fill(company: &Company, documents: usize) -> String {
    let (executive, customer) = (company.executive(), company.customer());
    let invoices: Vec<Value> = (0..documents).map(|_| invoice_body(&customer, "2025-01-10", "10.00")).collect();
    executive.post("/v1/invoices/bulk", &json!({"mode": "atomic", "items": invoices})).expect(207);
    let receipts: Vec<Value> = (0..documents / 4).map(|_| receipt_body(&customer, "2025-01-20", "10.00")).collect();
    let done = executive.post("/v1/receipts/bulk", &json!({"mode": "atomic", "items": receipts})).expect(207);
    assert_eq!(done["summary"]["failed"], 0, "{done}");
    customer
}

#[test]
fn every_filter_and_every_order_is_backed_by_an_index() {
    // A neighbour with most of the rows: what scans a table here would scan it for everybody.
    fill(&Company::new(), 400);
    let company = Company::new();
    fill(&company, 20);
    Db::owner()
        .run("ANALYZE invoice, receipt, allocation, open_item, open_item_balance, journal_entry, journal_line, customer, customer_balance")
        .expect("statistics");
    let pool = Pool::new(&database_url("app_url"), 2).expect("connections");
    let doors = Doors::new(pool, Gate::new(1, 10), Box::new(|_, _| Err(Problem::not_found("caller"))), event_key());
    let id = CompanyId::of(company.id.parse().expect("an id"));
    let scanned = |list: List, paging: Value, filter: Value| {
        let found = run_system_read(&doors, Some(id), "explain", |rx| {
            list(rx, &read(paging), filter)?;
            // A table of a few rows is rightly read whole.
            rx.scalars::<String>(Sql::new(format!(
                "SELECT s.relname::text FROM pg_stat_xact_user_tables s JOIN pg_class c ON c.oid = s.relid
                 WHERE s.seq_scan > 0 AND s.relname IN {LARGE} AND c.reltuples > 300 ORDER BY 1"
            )))
        });
        found.expect("a list")
    };
    let (mut seen, mut faults) = (0, Vec::new());
    for (path, list) in LISTS {
        let operations = operations();
        let operation = operations.iter().find(|op| op.method == "GET" && op.path == path).expect("a list");
        for parameter in operation.parameters() {
            let (name, example) = (parameter["name"].as_str().expect("a name").to_owned(), parameter["example"].clone());
            if ["limit", "cursor", "fields", "expand", "include_total", "sort"].contains(&name.as_str()) {
                continue;
            }
            let (paging, filter) = if name == "ids" { (json!({"ids": example}), Map::new()) } else { (json!({}), Map::from_iter([(name.clone(), example)])) };
            let tables = scanned(list, paging, Value::Object(filter));
            seen += 1;
            if !tables.is_empty() {
                faults.push(format!("{path}?{name}: {tables:?}"));
            }
        }
    }
    for (path, sort) in [
        ("/v1/invoices", "-invoice_date"),
        ("/v1/invoices", "due_date"),
        ("/v1/invoices", "number"),
        ("/v1/invoices", "balance_due"),
        ("/v1/invoices", "days_overdue"),
        ("/v1/receipts", "-receipt_date"),
        ("/v1/receipts", "amount_received"),
        ("/v1/customers", "name"),
        ("/v1/customers", "-balance"),
        ("/v1/customers", "-overdue_amount"),
        ("/v1/allocations", "-allocated_on"),
    ] {
        let list = LISTS.iter().find(|(known, _)| *known == path).expect("a list").1;
        let tables = scanned(list, json!({"sort": sort}), json!({}));
        if !tables.is_empty() {
            faults.push(format!("{path} by {sort}: {tables:?}"));
        }
    }
    assert!(seen > 60, "only {seen} filters");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    company.assert_laws();
}
