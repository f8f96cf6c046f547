//! Two axes of time on every balance report: what was asked of the past answers the same bytes whatever is posted later.

use crate::rig::*;
use serde_json::{Value, json};

/// A small deterministic source of choices.
struct Dice(u64);
impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
    fn day(&mut self) -> String {
        format!("2025-{:02}-{:02}", 1 + self.below(6), 1 + self.below(28))
    }
}

/// Every balance report for a pair of axes.
fn reports(customers: &[String], accounts: &[String], as_of: &str, known_at: &str) -> Vec<String> {
    let pair = format!("as_of={as_of}&known_at={known_at}");
    let mut paths = vec![
        format!("/v1/reports/aging?{pair}&limit=1000"),
        format!("/v1/reports/aging?{pair}&basis=document_date&bucket_days=10,20"),
        format!("/v1/trial-balance?{pair}"),
        format!("/v1/trial-balance?period={}&known_at={known_at}", &as_of[..7]),
        format!("/v1/reconciliations/ar-gl?{pair}"),
    ];
    for customer in customers {
        paths.push(format!("/v1/customers/{customer}/open-items?{pair}"));
        paths.push(format!("/v1/customers/{customer}/ledger?to={as_of}&known_at={known_at}"));
    }
    for account in accounts {
        paths.push(format!("/v1/gl-accounts/{account}/entries?limit=200&{pair}"));
    }
    paths
}

#[test]
fn reports_of_a_past_pair_do_not_change_by_a_byte_whatever_comes_later() {
    for seed in [7, 4711] {
        past_pairs_stay(seed);
    }
}

fn past_pairs_stay(seed: u64) {
    let company = Company::new();
    let mut dice = Dice(seed);
    let (executive, controller) = (company.executive(), company.controller());
    let customers: Vec<String> = (0..3).map(|_| company.customer()).collect();
    let accounts: Vec<String> = ["1000", "1100", "4000"].iter().map(|code| id_of(&company.get(&format!("/v1/gl-accounts?code={code}"))["data"][0])).collect();
    let (mut invoices, mut receipts, mut allocations): (Vec<Value>, Vec<String>, Vec<String>) = (Vec::new(), Vec::new(), Vec::new());
    let mut kept: Vec<(String, Vec<u8>)> = Vec::new();
    for step in 0..30 {
        let customer = &customers[usize::try_from(dice.below(3)).unwrap()];
        let (day, amount) = (dice.day(), format!("{}.{:02}", 1 + dice.below(900), dice.below(100)));
        match dice.below(8) {
            0 | 1 => invoices.push(company.invoice(customer, &day, "2025-09-30", &amount)),
            2 => {
                let receipt = executive.post("/v1/receipts", &with(receipt_body(customer, &day, &amount), json!({"auto_apply": "oldest_first"}))).expect(201);
                allocations.extend(receipt["allocations"].as_array().unwrap().iter().map(id_of));
                receipts.push(id_of(&receipt));
            }
            3 if !allocations.is_empty() => {
                let at = usize::try_from(dice.below(allocations.len() as u64)).unwrap();
                let body = json!({"reversed_on": "2025-07-01", "reason": "Wrong invoice"});
                // It may be taken back already, with its receipt.
                let reply = controller.post(&format!("/v1/allocations/{}/reverse", allocations.swap_remove(at)), &body);
                assert!(matches!(reply.status, 201 | 409), "{}", reply.text());
            }
            4 if !invoices.is_empty() => {
                let at = usize::try_from(dice.below(invoices.len() as u64)).unwrap();
                let path = format!("/v1/invoices/{}/cancel", id_of(&invoices.swap_remove(at)));
                let reply = controller.change("POST", &path, "*", &json!({"reason": "By mistake", "cancelled_on": "2025-07-02"}));
                assert!(matches!(reply.status, 200 | 409), "{}", reply.text());
            }
            5 if !receipts.is_empty() => {
                let at = usize::try_from(dice.below(receipts.len() as u64)).unwrap();
                let path = format!("/v1/receipts/{}/reverse", receipts.swap_remove(at));
                controller.change("POST", &path, "*", &json!({"reason": "Not ours", "reversed_on": "2025-07-03"})).expect(200);
            }
            6 if !invoices.is_empty() => {
                let at = usize::try_from(dice.below(invoices.len() as u64)).unwrap();
                // More than the invoice came to is refused; either way the past stays.
                let reply = controller.post("/v1/credit-notes", &note_body(&invoices[at], "2025-07-04", "5.00"));
                assert!(matches!(reply.status, 201 | 409 | 422), "{}", reply.text());
            }
            _ => {
                executive.change("PATCH", &format!("/v1/customers/{customer}"), "*", &json!({"payment_terms_days": 10})).expect(200);
            }
        }
        for (path, bytes) in &kept {
            let now = controller.get(path);
            assert_eq!(now.status, 200, "{path}");
            assert!(now.bytes == *bytes, "step {step}: {path}\nwas {}\nnow {}", String::from_utf8_lossy(bytes), now.text());
        }
        if step % 6 == 5 {
            // What is known now, of two days: both are kept and asked again after each later step.
            for as_of in [dice.day(), "2025-07-31".to_owned()] {
                let now = company.get(&format!("/v1/reports/aging?as_of={as_of}"));
                let known_at = now["known_at"].as_str().expect("an instant").to_owned();
                for path in reports(&customers, &accounts, &as_of, &known_at) {
                    kept.push((path.clone(), controller.get(&path).bytes));
                }
                // As known now is as known at that instant.
                let then = company.get(&format!("/v1/reports/aging?as_of={as_of}&known_at={known_at}"));
                assert_eq!((&then["data"], &then["totals"], &then["check"]), (&now["data"], &now["totals"], &now["check"]));
            }
        }
    }
    assert!(kept.len() > 100);
    company.assert_laws();
}

/// Edge: aging at 31 March before and after a backdated receipt is entered.
#[test]
fn a_backdated_receipt_changes_what_is_known_of_a_past_day_not_what_was_known() {
    let company = Company::new();
    let customer = company.customer();
    let invoice = company.invoice(&customer, "2025-02-10", "2025-03-12", "1000.00");
    let aging = |known_at: Option<&str>| {
        let known = known_at.map(|at| format!("&known_at={at}")).unwrap_or_default();
        company.get(&format!("/v1/reports/aging?as_of=2025-03-31{known}"))
    };
    let before = aging(None);
    let known_before = before["known_at"].as_str().unwrap().to_owned();
    company.receipt(&customer, "2025-03-20", "400.00", json!([to_invoice(&invoice, "400.00")]));
    let after = aging(None);
    assert_eq!((&before["totals"]["buckets"]["1-30"], &after["totals"]["buckets"]["1-30"]), (&json!("1000.00"), &json!("600.00")));
    assert_eq!(aging(Some(&known_before))["totals"], before["totals"]);
    let known_after = after["known_at"].as_str().unwrap().to_owned();
    company.receipt(&customer, "2025-03-21", "100.00", Value::Null);
    assert_eq!(aging(Some(&known_after))["totals"], after["totals"]);
    assert_eq!(aging(Some(&known_before))["totals"], before["totals"]);
    // The same of the customer's ledger and the account's.
    let ledger = |known: &str| company.get(&format!("/v1/customers/{customer}/ledger?known_at={known}"))["closing_balance"].clone();
    assert_eq!((ledger(&known_before), ledger(&known_after)), (json!("1000.00"), json!("600.00")));
    company.assert_laws();
}

#[test]
fn reports_of_a_past_instant_call_customers_and_accounts_as_they_were_known_then() {
    let company = Company::new();
    let customer = company.customer();
    company.invoice(&customer, "2025-01-10", "2025-02-09", "100.00");
    let account = id_of(&company.get("/v1/gl-accounts?code=4000")["data"][0]);
    let (executive, admin) = (company.executive(), company.as_role("admin"));
    let rename = |customer_name: &str, account_code: &str, account_name: &str| {
        executive.change("PATCH", &format!("/v1/customers/{customer}"), "*", &json!({"legal_name": customer_name})).expect(200);
        let names = json!({"code": account_code, "name": account_name});
        admin.change("PATCH", &format!("/v1/gl-accounts/{account}"), "*", &names).expect(200);
    };
    let names = |known_at: &str| {
        let pair = format!("as_of=2025-03-31&known_at={}", encoded(known_at));
        let aging = company.get(&format!("/v1/reports/aging?{pair}"));
        let trial = company.get(&format!("/v1/trial-balance?{pair}"));
        let entries = company.get(&format!("/v1/gl-accounts/{account}/entries?{pair}"));
        let sales = trial["data"].as_array().unwrap().iter().find(|row| row["credit"] == "100.00").expect("sales").clone();
        assert_eq!((&entries["account_code"], &entries["account_name"]), (&sales["account_code"], &sales["account_name"]));
        [&aging["data"][0]["customer_name"], &sales["account_code"], &sales["account_name"]].map(|name| name.as_str().unwrap().to_owned())
    };
    let mut kept = Vec::new();
    for (customer_name, code, name) in [("First", "4000", "Sales"), ("Second", "4001", "Sales"), ("Third", "4001", "Turnover"), ("First", "4000", "Sales")] {
        rename(customer_name, code, name);
        let known_at = company.known_now();
        let past = reports(&[], std::slice::from_ref(&account), "2025-03-31", &encoded(&known_at));
        let bytes: Vec<(String, String)> = past.into_iter().map(|path| (path.clone(), company.controller().get(&path).text())).collect();
        kept.push((known_at, [customer_name, code, name].map(str::to_owned), bytes));
    }
    for (known_at, called, bytes) in kept {
        assert_eq!(names(&known_at), called, "as known at {known_at}");
        for (path, before) in bytes {
            assert_eq!(company.controller().get(&path).text(), before, "{path}");
        }
    }
    company.assert_laws();
}
