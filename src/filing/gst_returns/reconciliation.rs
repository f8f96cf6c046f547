//! Return ↔ books ↔ e-invoices, document by document.

use super::service;
use super::store::{self, TaxRow};
use super::types::{ReconciledTaxes, ReturnDifference, ReturnReconciliation, ReturnState};
use crate::filing::gstr1::Tax;
use crate::filing::period::ReturnPeriod;
use crate::platform::http::Problem;
use crate::platform::unit_of_work::Rx;
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

/// Differences that are listed.
const LISTED: usize = 500;

/// What of a document is on either side.
#[derive(Debug, Default)]
struct Pair {
    of_return: Option<Tax>,
    books: Option<Tax>,
    kind: String,
    number: String,
}

fn taxes(tax: Tax) -> Tax {
    Tax { txval: rust_decimal::Decimal::ZERO, ..tax }
}

pub fn reconcile(rx: &mut Rx<'_>, gstin: &str, period: ReturnPeriod) -> Result<ReturnReconciliation, Problem> {
    let registration = service::registration(rx, gstin)?;
    let filed = store::locked(rx, registration.id)?.into_iter().find(|one| one.period == period.first);
    let mut pairs: BTreeMap<Uuid, Pair> = BTreeMap::new();
    let (mut of_return, mut books) = (Tax::default(), Tax::default());
    match &filed {
        Some(filed) => {
            for row in store::reported(rx, filed.id)? {
                of_return += taxes(row.tax());
                let pair = pairs.entry(row.document_id).or_default();
                pair.of_return = Some(taxes(row.tax()));
                name(pair, &row);
            }
        }
        None => {
            for one in service::build(rx, &registration, period)?.reported {
                of_return += taxes(one.tax);
                *pairs.entry(one.posted_under).or_default().of_return.get_or_insert_default() += taxes(one.tax);
            }
        }
    }
    for row in store::posted(rx, registration.id, period)? {
        books += taxes(row.tax());
        let pair = pairs.entry(row.document_id).or_default();
        pair.books = Some(taxes(row.tax()));
        name(pair, &row);
    }
    pairs.retain(|_, pair| pair.of_return.unwrap_or_default() != pair.books.unwrap_or_default());
    let parted = pairs.len();
    let listed: Vec<(Uuid, Pair)> = pairs.into_iter().take(LISTED).collect();
    let known: HashMap<Uuid, store::Known> = store::known(rx, listed.iter().map(|(id, _)| *id).collect())?.into_iter().map(|row| (row.id, row)).collect();
    let currency = rx.cx().currency();
    let einvoices = store::einvoices(rx, registration.id, period)?;
    let mut differences: Vec<ReturnDifference> = listed
        .into_iter()
        .map(|(id, pair)| {
            let known = known.get(&id);
            let (reported, posted) = (pair.of_return.unwrap_or_default(), pair.books.unwrap_or_default());
            let code = match (reported.is_zero(), posted.is_zero()) {
                (false, true) => "in_return_only",
                (true, false) => "in_books_only",
                _ => "amounts_differ",
            };
            ReturnDifference {
                code,
                document_type: known.map_or(pair.kind, |known| known.kind.clone()),
                document_id: id,
                document_number: known.map_or(pair.number, |known| known.number.clone()),
                difference: ReconciledTaxes::of(reported - posted, currency),
                detail: reason(known, period),
            }
        })
        .collect();
    let einvoices_counted = einvoices.len();
    differences.extend(einvoices.into_iter().map(|row| {
        let (code, detail) = match (row.einvoice.as_deref(), row.cancelled_on) {
            (Some("registered"), Some(on)) => ("einvoice_stands", format!("Cancelled on {on}; the portal's registration stands.")),
            (Some("cancelled"), _) => ("einvoice_cancelled", "The portal's registration is cancelled; the document stands.".to_owned()),
            _ => ("einvoice_missing", "The document has to be registered and is not (CGST Rules r.48(4)).".to_owned()),
        };
        let difference = ReconciledTaxes::of(Tax::default(), currency);
        ReturnDifference { code, document_type: row.document_type, document_id: row.document_id, document_number: row.document_number, difference, detail }
    }));
    Ok(ReturnReconciliation {
        gstin: registration.gstin,
        period: period.label(),
        state: if filed.is_some() { ReturnState::Filed } else { ReturnState::Open },
        of_return: ReconciledTaxes::of(of_return, currency),
        books: ReconciledTaxes::of(books, currency),
        difference: ReconciledTaxes::of(of_return - books, currency),
        difference_count: parted + einvoices_counted,
        differences,
    })
}

fn name(pair: &mut Pair, row: &TaxRow) {
    pair.kind.clone_from(&row.document_type);
    pair.number.clone_from(&row.document_number);
}

/// Why the two part, as far as the document tells.
fn reason(known: Option<&store::Known>, period: ReturnPeriod) -> String {
    let Some(known) = known else { return "Posted without a document of a return: an entry by hand, or an advance.".to_owned() };
    match known.cancelled_on {
        Some(on) if !period.holds(on) => format!("Cancelled on {on}: the books take it back then, the return of its month leaves it out or is amended."),
        Some(on) if !period.holds(known.posting_date) => format!("Cancelled on {on}, but posted on {}: another return has it.", known.posting_date),
        _ if !period.holds(known.posting_date) => format!("Posted late, on {}; its date is {}.", known.posting_date, known.invoice_date),
        _ if !period.holds(known.invoice_date) => format!("Its date is {}: another return has it.", known.invoice_date),
        _ => format!("Dated {}, posted {}.", known.invoice_date, known.posting_date),
    }
}
