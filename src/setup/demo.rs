//! The demo: one company with a person for every role and a machine, and sample documents.

use super::company::found;
use crate::access::api_clients::{service as clients, types::NewApiClient};
use crate::access::tokens::{passwords, service::secret};
use crate::access::users::{service as users, store as people, types::Role};
use crate::billing::invoices::{service as invoices, types::NewInvoice};
use crate::cash::receipts::{service as receipts, types::NewReceipt};
use crate::master_data::customers::{service as customers, types::NewCustomer};
use crate::platform::dates::plus_days;
use crate::platform::http::Problem;
use crate::platform::ids::{BankAccountId, CompanyId};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::permissions::client_scopes;
use crate::platform::unit_of_work::{Doors, run_system};
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

pub const GSTIN: &str = "27AAACD1234E1Z9";
const NAME: &str = "Demo Traders Pvt Ltd";

/// Makes the company, its people and its client. `keep` gets the content of `demo.json` (but the
/// address) before anything is committed, so that no crash can leave users whose passwords are lost.
pub fn create(doors: &Doors, keep: &dyn Fn(&Value) -> std::io::Result<()>) -> Result<Value, Problem> {
    let company = CompanyId::new();
    let mut passwords = Vec::new();
    for role in Role::ALL.iter().filter(|role| **role != Role::Integration) {
        let password = secret("");
        let hash = passwords::hash_now(&password)?;
        passwords.push((*role, password, hash));
    }
    run_system(doors, Some(company), "createDemo", |tx| {
        let founded = found(tx, NAME, GSTIN)?;
        for (role, _, hash) in &passwords {
            let email = email(*role);
            let name = role.as_str().replace('_', " ");
            let id = tx.as_identity(|tx| people::insert_person(tx, &email, &name, hash))?;
            users::join(tx, id, &[*role])?;
        }
        let scopes = client_scopes().into_iter().map(str::to_owned).collect();
        let client = clients::create(tx, &NewApiClient { name: "Demo integration".into(), scopes, ..NewApiClient::default() })?;
        let client = client.get();
        let client = json!({"client_id": client.id, "client_secret": client.client_secret});
        let described = describe(company, founded.bank_account, &passwords, client);
        keep(&described).map_err(|e| Problem::internal(&e))?;
        Ok(described)
    })
}

fn email(role: Role) -> String {
    format!("{role}@demo.test")
}

fn describe(company: CompanyId, bank_account: BankAccountId, passwords: &[(Role, String, String)], client: Value) -> Value {
    let users: Map<String, Value> =
        passwords.iter().map(|(role, password, _)| (role.as_str().to_owned(), json!({"email": email(*role), "password": password}))).collect();
    json!({"base_url": "", "company_id": company, "gstin": GSTIN, "bank_account_id": bank_account, "users": users, "client": client})
}

/// Names that make the sample readable.
const CUSTOMERS: [(&str, &str, &str, &str); 8] = [
    ("Acme Retail Pvt Ltd", "27AABCA9876F1ZD", "27", "Mumbai"),
    ("Bharat Office Supplies LLP", "", "27", "Pune"),
    ("Coastal Foods Pvt Ltd", "", "32", "Kochi"),
    ("Deccan Software Pvt Ltd", "", "29", "Bengaluru"),
    ("Eastern Books & Prints", "", "19", "Kolkata"),
    ("Five Rivers Textiles Ltd", "", "03", "Ludhiana"),
    ("Gulmohar Hotels Pvt Ltd", "", "30", "Panaji"),
    ("Himalaya Outdoors LLP", "", "02", "Shimla"),
];

/// Loads customers, a year of invoices and the receipts of those who pay, through the same verbs the
/// endpoints call. `progress` hears how far it is.
pub fn load_samples(doors: &Doors, company: CompanyId, progress: &dyn Fn(usize, usize)) -> Result<(), Problem> {
    const INVOICES_EACH: usize = 24;
    let total = CUSTOMERS.len() * INVOICES_EACH;
    let today = run_system(doors, Some(company), "readToday", |tx| Ok(tx.cx().today))?;
    for (at, (name, gstin, state, city)) in CUSTOMERS.iter().enumerate() {
        let mut body = json!({
            "external_id": format!("demo-customer-{at}"), "legal_name": name, "kind": if gstin.is_empty() { "b2c" } else { "b2b" }, "currency": "INR", "payment_terms_days": 30,
            "billing_address": {"line1": "1 Market Road", "city": city, "state_code": state, "postal_code": "400001", "country": "IN"}
        });
        if !gstin.is_empty() {
            body["gstin"] = json!(gstin);
        }
        let customer: NewCustomer = read(body)?;
        known_or(run_system(doors, Some(company), "loadDemo", |tx| customers::create(tx, &customer).map(drop)))?;
        for n in 0..INVOICES_EACH {
            sample_pair(doors, company, today, at, n)?;
            progress(at * INVOICES_EACH + n + 1, total);
        }
    }
    Ok(())
}

/// One invoice and, for most, its receipt: early, late, partly, or with tax deducted.
fn sample_pair(doors: &Doors, company: CompanyId, today: NaiveDate, customer: usize, n: usize) -> Result<(), Problem> {
    let days_ago = u64::try_from(360 - n * 15).unwrap_or(0);
    let date = today.checked_sub_days(Days::new(days_ago)).unwrap_or(today);
    let price = Decimal::from(5_000 + (customer * 7_919 + n * 3_571) % 90_000);
    let invoice: NewInvoice = read(json!({
        "external_id": format!("demo-invoice-{customer}-{n}"), "customer_external_id": format!("demo-customer-{customer}"), "invoice_date": date, "currency": "INR", "issue": true,
        "lines": [
            {"description": "Annual support plan", "hsn_code": "998313", "is_service": true, "quantity": "1", "unit": "OTH", "unit_price": price.to_string(), "tax_rate": "18"},
            {"description": "Printed manual", "hsn_code": "4901", "quantity": "2", "unit": "NOS", "unit_price": "250", "tax_rate": "5"}
        ]
    }))?;
    let total = price * Decimal::new(118, 2) + Decimal::new(525, 0);
    known_or(run_system(doors, Some(company), "loadDemo", |tx| invoices::create(tx, &invoice).map(drop)))?;
    let paid_on = plus_days(date, u32::try_from(12 + (customer * 11 + n * 7) % 60).unwrap_or(30));
    if paid_on > today {
        return Ok(());
    }
    let (received, deductions) = match n % 6 {
        1 => (total - price * Decimal::new(2, 2), json!([{"kind": "tds", "section": "194C", "amount": (price * Decimal::new(2, 2)).round_dp(2).to_string()}])),
        4 => ((total / Decimal::TWO).round_dp(2), json!([])),
        _ => (total, json!([])),
    };
    let receipt: NewReceipt = read(json!({
        "external_id": format!("demo-receipt-{customer}-{n}"), "customer_external_id": format!("demo-customer-{customer}"), "receipt_date": paid_on, "method": "neft", "currency": "INR",
        "amount_received": received.round_dp(2).to_string(), "deductions": deductions, "auto_apply": "oldest_first"
    }))?;
    known_or(run_system(doors, Some(company), "loadDemo", |tx| receipts::record(tx, &receipt).map(drop)))
}

/// What an interrupted start loaded before is not loaded twice.
fn known_or(done: Result<(), Problem>) -> Result<(), Problem> {
    match done {
        Err(problem) if problem.refusal().code == "duplicate_external_id" => Ok(()),
        done => done,
    }
}

/// Whether the company a demo file names is in this database.
pub fn exists(doors: &Doors, company: CompanyId) -> Result<bool, Problem> {
    run_system(doors, Some(company), "findDemo", |tx| tx.scalar(Sql::new("SELECT EXISTS (SELECT FROM company WHERE id = $1)").bind(company)))
}

fn read<T: serde::de::DeserializeOwned>(body: Value) -> Result<T, Problem> {
    serde_json::from_value(body).map_err(|e| Problem::internal(&e))
}
