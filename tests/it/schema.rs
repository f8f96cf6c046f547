//! The number of statements a posting takes.

use crate::rig::*;
use duebook::billing::invoices::service as invoices;
use duebook::billing::invoices::types::NewInvoice;
use duebook::billing::notes::types::NewCreditNote;
use duebook::cash::receipts::service as receipts;
use duebook::collections::adjustments::service as adjustments;
use duebook::collections::adjustments::types::ClearSmallBalances;
use duebook::control::journals::service as journals;
use duebook::control::journals::types::NewJournal;
use duebook::credit::orders::checks;
use duebook::credit::orders::types::NewCreditCheck;
use duebook::platform::http::Problem;
use duebook::platform::ids::{AdjustmentId, CompanyId};
use duebook::platform::postgres::Pool;
use duebook::platform::unit_of_work::{Audited, Doors, Gate, Tx, run_system};
use serde_json::{Value, json};

/// Round trips around every write: BEGIN, the key, audit event with reply, COMMIT.
const FRAME: u32 = 4;

fn statements<T>(company: &Company, work: impl Fn(&mut Tx<'_>) -> Result<Audited<T>, Problem>) -> u32 {
    let refuse = |_: &str, _| Err(Problem::not_found("principal"));
    let doors = Doors::new(Pool::new(&database_url("app_url"), 2).expect("a pool"), Gate::new(1, 1), Box::new(refuse), event_key());
    let id = CompanyId::of(company.id.parse().expect("a uuid"));
    run_system(&doors, Some(id), "countStatements", |tx| {
        let before = tx.statements();
        let _ = work(tx)?;
        Ok(tx.statements() - before)
    })
    .expect("posted")
        + FRAME
}

fn read<T: serde::de::DeserializeOwned>(body: Value) -> T {
    serde_json::from_value(body).expect("an input")
}

#[test]
fn a_posting_is_few_statements_however_much_it_holds() {
    let company = Company::new();
    let customer = company.customer();
    for lines in [1, 3, 200] {
        let body =
            with(invoice_body(&customer, "2025-01-10", "1.00"), json!({"external_id": fresh(), "issue": true, "lines": vec![line("10.00", "18"); lines]}));
        let new: NewInvoice = read(body);
        let taken = statements(&company, |tx| invoices::create(tx, &new));
        assert!(taken <= 10, "an invoice of {lines} lines takes {taken} statements");
    }
    // The original's id, the original with its lines, what was credited of it, its items, the gate and the settlement come on top.
    let original = company.invoice(&customer, "2025-01-10", "2025-02-09", "5000.00");
    for lines in [1, 3, 200] {
        let new: NewCreditNote = read(with(note_body(&original, "2025-01-12", "1.00"), json!({"lines": vec![line("5.00", "0"); lines]})));
        let taken = statements(&company, |tx| invoices::create(tx, &new));
        assert!(taken <= 18, "a credit note of {lines} lines takes {taken} statements");
    }
    for targets in [1, 5, 40] {
        let open: Vec<Value> = (0..targets).map(|_| to_invoice(&company.invoice(&customer, "2025-01-10", "2025-02-09", "100.00"), "100.00")).collect();
        let amount = format!("{}.00", targets * 100);
        let new = read(with(receipt_body(&customer, "2025-01-20", &amount), json!({"allocations": open})));
        let taken = statements(&company, |tx| receipts::record(tx, &new));
        assert!(taken <= 10, "a receipt with {targets} allocations takes {taken} statements");
    }
    company.assert_laws();
}

#[test]
fn a_credit_check_is_few_statements_however_much_is_owed() {
    let company = Company::new();
    let customer = company.customer();
    let asked = |wanted: &str| {
        let new: NewCreditCheck = read(json!({"customer_id": customer, "order_id": fresh(), "amount": "10.00"}));
        let taken = statements(&company, |tx| checks::check(tx, &new));
        assert!(taken <= 15, "a check of {wanted} takes {taken} statements");
    };
    asked("who owes nothing");
    for _ in 0..20 {
        company.invoice(&customer, "2025-01-10", "2099-01-10", "100.00");
    }
    asked("who owes much");
    for _ in 0..3 {
        let child = company.customer();
        company.executive().change("PATCH", &format!("/v1/customers/{child}"), "*", &json!({"parent_id": customer})).expect(200);
    }
    asked("a group");
    company.assert_laws();
}

#[test]
fn a_journal_and_its_posting_are_few_statements_however_many_lines() {
    let company = Company::new();
    let mut counts = Vec::new();
    for lines in [2, 20, 400] {
        let line = |at: usize| json!({"account_code": if at.is_multiple_of(2) { "5100" } else { "1000" }, (if at.is_multiple_of(2) { "debit" } else { "credit" }): "1.00"});
        let body = json!({"journal_date": "2025-01-10", "narration": "Charges", "lines": (0..lines).map(line).collect::<Vec<_>>()});
        let new: NewJournal = read(body);
        counts.push(statements(&company, |tx| journals::create(tx, &new)));
    }
    assert!(counts.iter().all(|count| *count == counts[0] && *count <= 17), "{counts:?}");
    company.assert_laws();
}

#[test]
fn clearing_small_balances_and_taking_that_back_is_few_statements_however_many_items() {
    let company = Company::new();
    let customer = company.customer();
    let mut taken = Vec::new();
    // The first one makes the number series.
    for items in [1, 1, 7, 40] {
        for _ in 0..items {
            company.invoice(&customer, "2025-01-10", "2025-02-09", "1.00");
        }
        let run: ClearSmallBalances = read(
            json!({"as_of": "2025-01-31", "max_amount": "1.00", "max_total": "99.00", "side": "both", "reason": "Monthly clearing", "customer_id": customer}),
        );
        let clearing = statements(&company, |tx| adjustments::clear(tx, &run));
        let newest = company.get("/v1/adjustments?sort=-created_at")["data"][0].clone();
        assert_eq!(newest["items"].as_array().map(Vec::len), Some(items));
        let id = AdjustmentId::of(id_of(&newest).parse().expect("a uuid"));
        let back = read(json!({"reversed_on": "2025-01-31", "reason": "Once more"}));
        let reversing = statements(&company, |tx| adjustments::reverse(tx, id, None, &back));
        taken.push((clearing, reversing));
        // For the next round nothing small is left.
        statements(&company, |tx| adjustments::clear(tx, &run));
    }
    assert!(taken[1..].iter().all(|counts| *counts == taken[1]), "{taken:?}");
    assert!(taken[0].0 <= 32 && taken[0].1 <= 32, "{taken:?}");
    company.assert_laws();
}

/// Between a backdated allocation and the reversal of an earlier one the same money would count twice.
#[test]
fn money_taken_back_cannot_be_placed_before_the_day_it_was_taken_back() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-01-01", "2025-01-31", "100.00");
    let first = company.receipt(&customer, "2025-01-02", "100.00", json!([to_invoice(&invoice, "100.00")]));
    let allocation = first["allocations"][0]["id"].as_str().expect("an id").to_owned();
    company.controller().post(&format!("/v1/allocations/{allocation}/reverse"), &json!({"reversed_on": "2025-01-20", "reason": "not this one"})).expect(201);
    let second = company.receipt(&customer, "2025-01-05", "100.00", json!([to_invoice(&invoice, "100.00")]));
    assert_eq!(second["allocations"][0]["allocated_on"], "2025-01-20");
    for (day, debit, credit) in
        [("2025-01-01", "100.00", "0.00"), ("2025-01-10", "0.00", "100.00"), ("2025-01-20", "0.00", "100.00"), ("2025-02-01", "0.00", "100.00")]
    {
        let totals = company.get(&format!("/v1/customers/{customer}/open-items?as_of={day}"))["totals"].clone();
        assert_eq!((totals["debit"].as_str(), totals["credit"].as_str()), (Some(debit), Some(credit)), "as of {day}");
    }
    company.assert_laws();
}
