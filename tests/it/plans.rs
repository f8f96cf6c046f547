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
use duebook::{access, billing, cash, collections, control, credit, delivery, filing, intake, ledger, master_data, platform, reporting};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

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
    ("/v1/customers", |rx, paging, filter| master_data::customers::service::list(rx, paging, &read(filter)).map(drop)),
];

/// The others: what they read stays small in a test, so they are only judged by whether there is a way to the company's own rows.
const OTHERS: [(&str, List); 34] = [
    ("/v1/debit-notes", |rx, paging, filter| billing::invoices::store::list_notes(rx, Kind::DebitNote, paging, &read(filter)).map(drop)),
    ("/v1/einvoices", |rx, paging, filter| filing::einvoice::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/refunds", |rx, paging, filter| cash::refunds::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/tds-deductions", |rx, paging, filter| cash::tds::store::deductions(rx, paging, &read(filter)).map(drop)),
    ("/v1/tds-certificates", |rx, paging, filter| cash::tds::store::certificates(rx, paging, &read(filter)).map(drop)),
    ("/v1/write-offs", |rx, paging, filter| collections::write_offs::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/adjustments", |rx, paging, filter| collections::adjustments::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/opening-items", |rx, paging, filter| collections::opening_items::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/items", |rx, paging, filter| master_data::items::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/exchange-rates", |rx, paging, filter| master_data::exchange_rates::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/gst-advances", |rx, paging, filter| ledger::advances::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/gl-accounts", |rx, paging, filter| ledger::accounts::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/approvals", |rx, paging, filter| control::approvals::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/journals", |rx, paging, filter| control::journals::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/statements", |rx, paging, filter| delivery::statements::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/webhook-endpoints", |rx, paging, _| delivery::webhooks::store::list(rx, paging, None).map(drop)),
    ("/v1/webhook-deliveries", |rx, paging, filter| delivery::webhooks::store::deliveries(rx, paging, &read(filter), None).map(drop)),
    ("/v1/jobs", |rx, paging, filter| platform::jobs::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/imports", |rx, paging, filter| intake::imports::store::list(rx, paging, &read(filter), vec!["items".into()]).map(drop)),
    ("/v1/exports", |rx, paging, filter| reporting::exports::store::list(rx, paging, &read(filter), vec!["full".into()]).map(drop)),
    ("/v1/audit/entries", |rx, paging, filter| access::audit_log::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/audit/checkpoints", |rx, paging, _| access::audit_log::store::heads(rx, paging).map(drop)),
    ("/v1/api-clients", |rx, paging, _| access::api_clients::store::list(rx, paging).map(drop)),
    ("/v1/users", |rx, paging, _| access::users::store::list(rx, paging).map(drop)),
    ("/v1/sod-waivers", |rx, paging, _| access::waivers::store::list(rx, paging).map(drop)),
    ("/v1/bank-accounts", |rx, paging, _| master_data::bank_accounts::store::list(rx, paging).map(drop)),
    ("/v1/gst-registrations", |rx, paging, _| master_data::gst_registrations::store::list(rx, paging).map(drop)),
    ("/v1/number-series", |rx, paging, filter| ledger::numbering::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/periods", |rx, paging, filter| control::close::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/revaluations", |rx, paging, filter| control::revaluations::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/gst-returns", |rx, paging, filter| filing::gst_returns::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/credit-appraisals", |rx, paging, filter| credit::appraisals::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/credit-scores", |rx, paging, filter| credit::risk::store::list(rx, paging, &read(filter)).map(drop)),
    ("/v1/events", |rx, paging, filter| delivery::events::store::list(rx, paging, &read(filter), Some(vec!["invoice.issued".into()])).map(drop)),
];

/// A parameter of a list that is a filter of its own, with an example.
fn filters(path: &str) -> Vec<(String, Value)> {
    const SHARED: [&str; 6] = ["limit", "cursor", "fields", "expand", "include_total", "sort"];
    let operations = operations();
    let operation = operations.iter().find(|op| op.method == "GET" && op.path == path).expect("a list");
    let named = operation.parameters().into_iter().map(|parameter| (parameter["name"].as_str().expect("a name").to_owned(), parameter["example"].clone()));
    named.filter(|(name, _)| !SHARED.contains(&name.as_str())).collect()
}

/// What goes with every list, and what is a list's own.
fn parameter(name: &str, example: Value) -> (Value, Value) {
    const PAGING: [&str; 7] = ["ids", "created_at_gte", "created_at_lt", "updated_at_gte", "updated_at_lt", "q", "metadata"];
    match name {
        "" => (json!({}), json!({})),
        of_all if PAGING.contains(&of_all) => (json!({name: example}), json!({})),
        _ => (json!({}), json!({name: example})),
    }
}

#[test]
fn every_list_of_the_contract_is_judged() {
    let paged =
        |op: &crate::matrix::Operation| op.method == "GET" && !op.path.contains('{') && op.parameters().iter().any(|parameter| parameter["name"] == "sort");
    let judged = |path: &str| LISTS.iter().chain(&OTHERS).any(|(known, _)| *known == path);
    let missing: Vec<String> = operations().into_iter().filter(paged).map(|op| op.path).filter(|path| !judged(path)).collect();
    assert!(missing.is_empty(), "lists whose plans nobody looks at: {missing:?}");
}

#[test]
fn every_list_has_a_way_to_the_rows_of_its_company_that_reads_no_table_whole() {
    let company = Company::new();
    company.customer();
    let pool = Pool::new(&database_url("app_url"), 2).expect("connections");
    let doors = Doors::new(pool, Gate::new(1, 10), Box::new(|_, _| Err(Problem::not_found("caller"))), event_key());
    let id = CompanyId::of(company.id.parse().expect("an id"));
    let (mut seen, mut faults) = (0, Vec::new());
    for (path, list) in LISTS.iter().chain(&OTHERS) {
        for (name, example) in filters(path).into_iter().chain([(String::new(), Value::Null)]) {
            let (paging, filter) = parameter(&name, example);
            let scanned = run_system_read(&doors, Some(id), "explain", |rx| {
                // A table is read whole only where there is no other way.
                rx.scalar::<String>(Sql::new("SELECT set_config('enable_seqscan', 'off', true)"))?;
                list(rx, &read(paging), filter)?;
                rx.scalars::<String>(Sql::new("SELECT relname::text FROM pg_stat_xact_user_tables WHERE seq_scan > 0 ORDER BY 1"))
            });
            seen += 1;
            match scanned {
                Ok(tables) if tables.is_empty() => {}
                found => faults.push(format!("{path}?{name}: {found:?}")),
            }
        }
    }
    assert!(seen > 200, "only {seen} filters");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    company.assert_laws();
}

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
        for (name, example) in filters(path) {
            let (paging, filter) = parameter(&name, example);
            let tables = scanned(list, paging, filter);
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
