//! What pricing needs to know, read for all documents of a request at once.
//!
//! Row-level security keeps expressions of more than a column and a parameter out of index searches (COALESCE,
//! subqueries), so names are resolved to ids first, and everything else is found by ids.

use super::super::order::{Kind, Order};
use super::super::rules::{Ground, Original, Terms};
use super::super::types::TaxTreatment;
use super::{Stored, get};
use crate::master_data::customers::reference::NamesCustomer;
use crate::master_data::customers::types::CustomerKind;
use crate::master_data::gst_registrations::types::RegistrationType;
use crate::master_data::items::types::Item;
use crate::master_data::payment_terms::types::TermsInstalment;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{CustomerId, InvoiceId, ItemId, RegistrationId, TermsId};
use crate::platform::money::{Rate, UnitPrice};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use crate::tax::gst::compute::RateTax;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::HashMap;

/// What was found for an order.
pub struct Found {
    pub ground: Ground,
    pub active: bool,
    pub duplicate_of: Option<InvoiceId>,
    pub terms_known: bool,
}

row! {
    struct NamedRow { at: i64, customer: Option<CustomerId>, original: Option<InvoiceId>, original_customer: Option<CustomerId>, original_registration: Option<RegistrationId> }
}
row! {
    struct CustomerRow {
        id: CustomerId, name: String, kind: CustomerKind, active: bool, gstin: Option<String>, billing_state: Option<String>, shipping_state: Option<String>, terms_days: Option<i32>,
        terms_id: Option<TermsId>, instalments: Option<Value>, discount_percent: Option<Decimal>, discount_days: Option<i32>,
        registration_id: Option<RegistrationId>, registration_gstin: Option<String>, registration_state: Option<String>,
        registration_scheme: Option<RegistrationType>, registration_cancelled_on: Option<NaiveDate>, duplicates: Option<Value>,
    }
}
row! { struct TermsRow { id: TermsId, instalments: Value, discount_percent: Option<Decimal>, discount_days: Option<i32> } }
row! { struct RegistrationRow { id: RegistrationId, gstin: String, state: String, scheme: Option<RegistrationType>, cancelled_on: Option<NaiveDate> } }

/// Locks the balances of the customers, in id order, and reads everything pricing needs: one statement for all
/// orders (and one more for each sort of thing they name other than by a customer's id). `None`: no such
/// customer. With the balance locked nobody else posts for a customer, so what was credited of an original
/// stays as read.
pub fn grounds(tx: &mut Tx<'_>, orders: &[&Order]) -> Result<Vec<Result<Option<Found>, Problem>>, Problem> {
    let named = named(tx, orders)?;
    let customers = customers(tx, orders, &named)?;
    let terms = terms(tx, orders.iter().filter_map(|order| order.content.payment_terms_id).collect())?;
    let wanted = |at: usize| orders[at].content.gst_registration_id.or(named[at].original.map(|original| original.registration));
    let defaults: Vec<RegistrationRow> = customers.values().filter_map(default_registration).take(1).collect();
    let others = (0..orders.len()).filter_map(wanted).filter(|id| defaults.iter().all(|default| default.id != *id)).collect();
    let registrations: HashMap<_, _> = registrations(tx, others)?.into_iter().chain(defaults).map(|row| (row.id, row)).collect();
    let items = items(tx, orders.iter().flat_map(|order| &order.content.lines).filter_map(|line| line.item_id).collect())?;
    let mut found = Vec::with_capacity(orders.len());
    for (at, order) in orders.iter().enumerate() {
        let Some(row) = named[at].customer.and_then(|id| customers.get(&id)) else {
            found.push(Ok(None));
            continue;
        };
        let original = match (order.note.as_ref().filter(|note| note.names_original()), named[at].original) {
            (None, _) => None,
            (Some(note), None) => {
                found.push(Err(Problem::reference("invoice", note.original_pointer())));
                continue;
            }
            (Some(_), Some(original)) => {
                let invoice = get(tx, Kind::Invoice, original.id, false)?.ok_or_else(|| Problem::not_found("invoice"))?;
                Some(credited(tx, invoice)?)
            }
        };
        let registration = match wanted(at) {
            Some(id) => registrations.get(&id).cloned(),
            None => default_registration(row),
        };
        let Some(registration) = registration else {
            found.push(Err(Problem::reference("gst_registration", "/gst_registration_id")));
            continue;
        };
        let of_line = |id: ItemId| items.iter().find(|item| item.id == id).cloned();
        let ground = Ground {
            customer: row.id,
            customer_name: row.name.clone(),
            kind: row.kind,
            buyer_gstin: row.gstin.clone(),
            billing_state: row.billing_state.clone(),
            shipping_state: row.shipping_state.clone(),
            registration: registration.id,
            seller_gstin: registration.gstin,
            seller_state: registration.state,
            composition: registration.scheme == Some(RegistrationType::Composition),
            sez: registration.scheme == Some(RegistrationType::Sez),
            registered_until: registration.cancelled_on,
            terms: match order.content.payment_terms_id {
                Some(id) => terms.get(&id).cloned(),
                None => customers_terms(row)?,
            },
            terms_days: row.terms_days,
            items: order.content.lines.iter().filter_map(|line| line.item_id).filter_map(of_line).collect(),
            original,
        };
        let duplicate_of = order.content.external_id.as_ref().and_then(|id| row.duplicates.as_ref()?.get(id)?.as_str()?.parse().ok()).map(InvoiceId::of);
        let terms_known = order.content.payment_terms_id.is_none() || ground.terms.is_some();
        found.push(Ok(Some(Found { ground, active: row.active, duplicate_of, terms_known })));
    }
    Ok(found)
}

/// Whom and what an order names, as ids.
#[derive(Clone, Copy, Default)]
struct Named {
    customer: Option<CustomerId>,
    original: Option<NamedOriginal>,
}
#[derive(Clone, Copy)]
struct NamedOriginal {
    id: InvoiceId,
    registration: RegistrationId,
}

fn named(rx: &mut Rx<'_>, orders: &[&Order]) -> Result<Vec<Named>, Problem> {
    let mut named: Vec<Named> = orders.iter().map(|order| Named { customer: order.content.customer_id, original: None }).collect();
    let names_original = |order: &Order| order.note.as_ref().is_some_and(super::super::order::NoteOrder::names_original);
    let by_name: Vec<usize> = (0..orders.len()).filter(|at| named[*at].customer.is_none() || names_original(orders[*at])).collect();
    if by_name.is_empty() {
        return Ok(named);
    }
    let company = rx.company();
    let of = |pick: fn(&Order) -> Option<String>| by_name.iter().map(|at| pick(orders[*at])).collect::<Many<_>>();
    let rows: Vec<NamedRow> = rx.load(
        Sql::new(
            "SELECT w.at, c.id AS customer, o.id AS original, o.customer_id AS original_customer, o.registration_id AS original_registration
             FROM unnest($2::bigint[], $3::text[], $4::text[], $5::uuid[], $6::text[]) AS w(at, external_id, code, original_id, original_external_id)
             LEFT JOIN LATERAL (SELECT x.id FROM customer x WHERE x.company_id = $1 AND x.external_id = w.external_id
                                UNION ALL SELECT x.id FROM customer x WHERE x.company_id = $1 AND x.code = w.code) AS c ON true
             LEFT JOIN LATERAL (SELECT x.id, x.customer_id, x.registration_id FROM invoice x WHERE x.company_id = $1 AND x.kind = 'invoice' AND x.id = w.original_id
                                UNION ALL SELECT x.id, x.customer_id, x.registration_id FROM invoice x WHERE x.company_id = $1 AND x.kind = 'invoice' AND x.external_id = w.original_external_id) AS o ON true",
        )
        .bind(company)
        .bind(by_name.iter().map(|at| i64::try_from(*at).unwrap_or_default()).collect::<Many<_>>())
        .bind(of(|order| order.content.customer_external_id.clone()))
        .bind(of(|order| order.content.customer_code.clone()))
        .bind(by_name.iter().map(|at| orders[*at].note.as_ref().and_then(|note| note.original_id)).collect::<Many<_>>())
        .bind(of(|order| order.note.as_ref().and_then(|note| note.original_external_id.clone()))),
    )?;
    for row in rows {
        let at = usize::try_from(row.at).unwrap_or_default();
        let whoever = orders[at].content.customer().missing().is_some();
        named[at].customer = named[at].customer.or(row.customer).or(row.original_customer.filter(|_| whoever));
        named[at].original = row.original.zip(row.original_registration).map(|(id, registration)| NamedOriginal { id, registration });
    }
    Ok(named)
}

fn customers(tx: &mut Tx<'_>, orders: &[&Order], named: &[Named]) -> Result<HashMap<CustomerId, CustomerRow>, Problem> {
    let company = tx.company();
    let mut ids: Vec<CustomerId> = named.iter().filter_map(|named| named.customer).collect();
    ids.sort_unstable();
    ids.dedup();
    let rows: Vec<CustomerRow> = tx.load(
        Sql::new(
            "SELECT c.id, c.legal_name AS name, c.kind, c.active, c.gstin, bill.state AS billing_state, ship.state AS shipping_state, c.payment_terms_days AS terms_days,
                    t.id AS terms_id, t.instalments, t.discount_percent, t.discount_days, r.id AS registration_id, r.gstin AS registration_gstin, r.state_code AS registration_state, r.type AS registration_scheme, r.cancelled_on AS registration_cancelled_on,
                    (SELECT jsonb_object_agg(i.external_id, i.id) FROM invoice i WHERE i.company_id = $1 AND i.kind = $3 AND i.external_id = ANY($4)) AS duplicates
             FROM customer c
             JOIN customer_balance b ON b.company_id = c.company_id AND b.customer_id = c.id
             LEFT JOIN payment_terms t ON t.company_id = c.company_id AND t.id = c.payment_terms_id
             LEFT JOIN gst_registration r ON r.company_id = c.company_id AND r.is_default
             LEFT JOIN LATERAL (SELECT CASE WHEN a.country = 'IN' THEN a.state_code ELSE '96' END AS state FROM customer_address a
                                WHERE a.company_id = c.company_id AND a.customer_id = c.id AND a.kind = 'billing' AND a.is_default LIMIT 1) AS bill ON true
             LEFT JOIN LATERAL (SELECT CASE WHEN a.country = 'IN' THEN a.state_code ELSE '96' END AS state FROM customer_address a
                                WHERE a.company_id = c.company_id AND a.customer_id = c.id AND a.kind = 'shipping' AND a.is_default LIMIT 1) AS ship ON true
             WHERE c.company_id = $1 AND c.id = ANY($2) ORDER BY c.id
             FOR NO KEY UPDATE OF b",
        )
        .bind(company)
        .bind(Many(ids))
        .bind(orders.first().map(|order| order.kind))
        .bind(orders.iter().filter_map(|order| order.content.external_id.as_deref()).collect::<Many<_>>()),
    )?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

fn default_registration(row: &CustomerRow) -> Option<RegistrationRow> {
    Some(RegistrationRow {
        id: row.registration_id?,
        gstin: row.registration_gstin.clone()?,
        state: row.registration_state.clone()?,
        scheme: row.registration_scheme,
        cancelled_on: row.registration_cancelled_on,
    })
}

fn customers_terms(row: &CustomerRow) -> Result<Option<Terms>, Problem> {
    let (Some(id), Some(instalments)) = (row.terms_id, row.instalments.clone()) else { return Ok(None) };
    known_terms(TermsRow { id, instalments, discount_percent: row.discount_percent, discount_days: row.discount_days }).map(Some)
}

fn known_terms(row: TermsRow) -> Result<Terms, Problem> {
    Ok(Terms {
        id: row.id,
        instalments: serde_json::from_value::<Vec<TermsInstalment>>(row.instalments).map_err(|e| Problem::internal(&e))?,
        discount_percent: row.discount_percent.unwrap_or_default(),
        discount_days: row.discount_days.unwrap_or_default().unsigned_abs(),
    })
}

fn terms(rx: &mut Rx<'_>, ids: Vec<TermsId>) -> Result<HashMap<TermsId, Terms>, Problem> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let company = rx.company();
    let rows: Vec<TermsRow> = rx.load(
        Sql::new("SELECT id, instalments, discount_percent, discount_days FROM payment_terms WHERE company_id = $1 AND id = ANY($2)")
            .bind(company)
            .bind(Many(ids)),
    )?;
    rows.into_iter().map(|row| Ok((row.id, known_terms(row)?))).collect()
}

fn registrations(rx: &mut Rx<'_>, ids: Vec<RegistrationId>) -> Result<Vec<RegistrationRow>, Problem> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let company = rx.company();
    rx.load(
        Sql::new("SELECT id, gstin, state_code AS state, type AS scheme, cancelled_on FROM gst_registration WHERE company_id = $1 AND id = ANY($2)")
            .bind(company)
            .bind(Many(ids)),
    )
}

row! { struct CreditedRow { credited: Decimal, treatment: TaxTreatment, tax_rate: Decimal, taxable: Decimal, cgst: Decimal, sgst: Decimal, igst: Decimal, cess: Decimal } }
/// An invoice with what its issued credit notes come to, and what those that change the tax took back by
/// treatment and rate; of nothing that is one row of zeros.
fn credited(rx: &mut Rx<'_>, invoice: Stored) -> Result<Original, Problem> {
    let company = rx.company();
    let rows: Vec<CreditedRow> = rx.load(
        Sql::new(
            "WITH note AS (SELECT id, grand_total, tax_effect FROM invoice WHERE company_id = $1 AND original_invoice_id = $2 AND kind = 'credit_note' AND status = 'issued')
             SELECT (SELECT coalesce(sum(grand_total), 0)::numeric FROM note) AS credited, coalesce(treatment, 'taxable') AS treatment, coalesce(tax_rate, 0) AS tax_rate,
                    coalesce(taxable, 0)::numeric AS taxable, coalesce(cgst, 0)::numeric AS cgst, coalesce(sgst, 0)::numeric AS sgst, coalesce(igst, 0)::numeric AS igst, coalesce(cess, 0)::numeric AS cess
             FROM (VALUES (1)) AS always
             LEFT JOIN (SELECT l.treatment, l.tax_rate, sum(l.taxable_value) AS taxable, sum(l.cgst) AS cgst, sum(l.sgst) AS sgst, sum(l.igst) AS igst, sum(l.cess) AS cess
                        FROM note JOIN invoice_line l ON l.company_id = $1 AND l.invoice_id = note.id WHERE note.tax_effect = 'gst' GROUP BY l.treatment, l.tax_rate) AS taken ON true",
        )
        .bind(company).bind(invoice.id),
    )?;
    let credited = rows.first().map(|row| row.credited).unwrap_or_default();
    let of_rate = |row: CreditedRow| RateTax {
        treatment: row.treatment.of_law(),
        rate: row.tax_rate,
        taxable: row.taxable,
        cgst: row.cgst,
        sgst: row.sgst,
        igst: row.igst,
        cess: row.cess,
    };
    Ok(Original { invoice: Box::new(invoice), credited, taken_back: rows.into_iter().map(of_rate).collect() })
}

row! { struct ItemRow { id: ItemId, name: String, is_service: bool, hsn_code: String, unit: String, unit_price: Decimal, tax_rate: Decimal } }
fn items(rx: &mut Rx<'_>, ids: Vec<ItemId>) -> Result<Vec<Item>, Problem> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let company = rx.company();
    let at = Instant(rx.cx().now);
    let rows: Vec<ItemRow> = rx.load(
        Sql::new("SELECT id, name, is_service, hsn_code, unit, unit_price, tax_rate FROM item WHERE company_id = $1 AND id = ANY($2) AND active")
            .bind(company)
            .bind(Many(ids)),
    )?;
    Ok(rows
        .into_iter()
        .map(|row| Item {
            id: row.id,
            object: "item",
            code: String::new(),
            external_id: None,
            name: row.name,
            is_service: row.is_service,
            hsn_code: row.hsn_code,
            unit: row.unit,
            unit_price: UnitPrice(row.unit_price),
            tax_rate: Rate(row.tax_rate),
            active: true,
            version: 1,
            created_at: at,
            updated_at: at,
        })
        .collect())
}
