//! The kinds of imports: one row each.

use super::columns::Known;
use super::types::ImportType;
use crate::billing::invoices;
use crate::billing::invoices::types::NewInvoice;
use crate::cash::receipts::types::NewReceipt;
use crate::cash::tds::types::NewTaxOfficeLine;
use crate::cash::{receipts, tds};
use crate::collections::opening_items;
use crate::collections::opening_items::types::NewOpeningItem;
use crate::ledger::open_items::store::lock_named;
use crate::master_data::customers;
use crate::master_data::customers::types::NewCustomer;
use crate::master_data::items;
use crate::master_data::items::types::NewItem;
use crate::platform::http::contract::{Contract, Operation};
use crate::platform::http::problem::{self, Problem};
use crate::platform::http::reply::Resource;
use crate::platform::unit_of_work::{Audited, Outcomes, Rx, Tx, each_row};
use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

/// What came of a row.
pub struct Made {
    pub id: Uuid,
    /// Currency and amount, where it has one.
    pub amount: Option<(String, Decimal)>,
}
pub type Outcome = Result<Made, Problem>;

/// A kind of import.
pub struct Kind {
    /// Who may take such rows in, beside `imports:write`.
    pub permission: &'static str,
    /// The operation that takes in one such row.
    pub path: &'static str,
    /// Rows of one transaction. What posts holds locks that others wait for.
    pub batch: usize,
    /// Members that no two rows may have alike: each set of them together, as far as they are given.
    pub unique: &'static [&'static [&'static str]],
    run: fn(&mut Tx<'_>, &[Value]) -> Result<Vec<Outcome>, Problem>,
}

pub fn of(kind: ImportType) -> &'static Kind {
    match kind {
        ImportType::Customers => &Kind {
            permission: "customers:write",
            path: "/v1/customers",
            batch: 200,
            unique: &[&["external_id"], &["code"]],
            run: |tx, rows| each(tx, rows, None, |_, _| Ok(()), |tx, rows: &[&NewCustomer]| one_by_one(tx, rows, customers::service::create)),
        },
        ImportType::Items => &Kind {
            permission: "items:write",
            path: "/v1/items",
            batch: 200,
            unique: &[&["external_id"], &["code"]],
            run: |tx, rows| each(tx, rows, None, |_, _| Ok(()), |tx, rows: &[&NewItem]| one_by_one(tx, rows, items::service::create)),
        },
        ImportType::OpeningBalances => &Kind {
            permission: "adjustments:write",
            path: "/v1/opening-items",
            batch: 50,
            unique: &[&["external_id"]],
            run: |tx, rows| each(tx, rows, Some("/amount"), lock_named, |tx, rows: &[&NewOpeningItem]| one_by_one(tx, rows, opening_items::service::create)),
        },
        ImportType::Invoices => &Kind {
            permission: "invoices:write",
            path: "/v1/invoices",
            batch: 200,
            unique: &[&["external_id"]],
            run: |tx, rows| each(tx, rows, Some("/totals/grand_total"), invoices::service::lock_rows, invoices::service::create_all::<NewInvoice>),
        },
        ImportType::Receipts => &Kind {
            permission: "receipts:write",
            path: "/v1/receipts",
            batch: 50,
            unique: &[&["external_id"]],
            run: |tx, rows| {
                each(tx, rows, Some("/amount_received"), receipts::service::lock_concerned, |tx, rows: &[&NewReceipt]| {
                    one_by_one(tx, rows, receipts::service::record)
                })
            },
        },
        ImportType::Form26as => &Kind {
            permission: "tds:write",
            path: "/v1/tds-certificates/26as",
            // Each locks whoever is concerned by itself.
            batch: 1,
            // The newest line of a certificate counts, so a second one would undo the first.
            unique: &[&["customer_id", "customer_external_id", "customer_code", "section", "fiscal_year", "quarter", "certificate_number"]],
            run: |tx, rows| each(tx, rows, None, |_, _| Ok(()), |tx, rows: &[&NewTaxOfficeLine]| one_by_one(tx, rows, tds::service::see_line)),
        },
    }
}

impl Kind {
    /// What no two rows share, in words.
    pub fn same(&self) -> String {
        self.unique.iter().map(|names| names.join(", ")).collect::<Vec<_>>().join(" or ")
    }
    /// Takes rows in.
    pub fn run(&self, tx: &mut Tx<'_>, bodies: &[Value]) -> Result<Vec<Outcome>, Problem> {
        (self.run)(tx, bodies)
    }
    /// The operation, by whose schema a body is judged.
    pub fn operation(&self) -> Result<&'static Operation, Problem> {
        Contract::named("POST", self.path).ok_or_else(|| Problem::internal(&format!("{} is not in the contract", self.path)))
    }
    /// The columns such a file may have.
    pub fn columns(&self) -> Result<Known, Problem> {
        let contract = Contract::get().ok_or_else(|| Problem::internal(&"no contract installed"))?;
        let document: Value = serde_json::from_str(&contract.json).map_err(|error| Problem::internal(&error))?;
        let body = &document["paths"][self.path]["post"]["requestBody"]["content"]["application/json"]["schema"];
        Ok(Known::of(&document, body))
    }
    fn admits(&self, rx: &Rx<'_>) -> Result<bool, Problem> {
        let approvable = self.operation()?.approvable;
        Ok(rx.cx().principal.as_ref().is_some_and(|principal| principal.may(self.permission) || approvable && principal.may_request(self.permission)))
    }
    /// Whoever takes rows in needs the right to take one in, or to ask for it where that waits for an approval.
    /// Nobody else looks at them either.
    pub fn permit(&self, rx: &Rx<'_>) -> Result<(), Problem> {
        if self.admits(rx)? {
            return Ok(());
        }
        Err(Problem::new(problem::PERMISSION_DENIED, format!("Such rows need the permission {}.", self.permission))
            .member("required_permission", self.permission))
    }
}

/// The kinds whose rows a caller may take in.
pub fn open_to(rx: &Rx<'_>) -> Result<Vec<String>, Problem> {
    let mut open = Vec::new();
    for kind in ImportType::ALL {
        if of(*kind).admits(rx)? {
            open.push(kind.to_string());
        }
    }
    Ok(open)
}

/// Rows one after the other; the first refusal ends it, and each is tried alone.
fn one_by_one<I, T>(tx: &mut Tx<'_>, rows: &[&I], create: fn(&mut Tx<'_>, &I) -> Result<Audited<T>, Problem>) -> Outcomes<T> {
    rows.iter().map(|row| create(tx, row).map(Ok)).collect()
}

fn each<I: DeserializeOwned, T: Resource>(
    tx: &mut Tx<'_>,
    bodies: &[Value],
    amount: Option<&str>,
    prepare: impl Fn(&mut Tx<'_>, &[&I]) -> Result<(), Problem>,
    all: impl Fn(&mut Tx<'_>, &[&I]) -> Outcomes<T>,
) -> Result<Vec<Outcome>, Problem> {
    let inputs =
        bodies.iter().map(|body| serde_json::from_value::<I>(body.clone()).map_err(|error| Problem::new(problem::VALIDATION_FAILED, error.to_string())));
    let inputs: Vec<Result<I, Problem>> = inputs.collect();
    let readable: Vec<&I> = inputs.iter().filter_map(|input| input.as_ref().ok()).collect();
    prepare(tx, &readable)?;
    let mut outcomes = each_row(tx, &readable, &all, |made| told(made, amount))?.into_iter();
    let missing = || Err(Problem::internal(&"a row without an answer"));
    inputs.into_iter().map(|input| Ok(input.and_then(|_| outcomes.next().unwrap_or_else(missing)?))).collect()
}

fn told<T: Resource>(made: &T, amount: Option<&str>) -> Outcome {
    let answer = serde_json::to_value(made).map_err(|error| Problem::internal(&error))?;
    let text = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
    let id = text("/id").and_then(|id| id.parse().ok()).ok_or_else(|| Problem::internal(&"an answer without id"))?;
    let amount = amount.and_then(|pointer| Some((text("/currency")?.to_owned(), text(pointer)?.parse().ok()?)));
    Ok(Made { id, amount })
}
