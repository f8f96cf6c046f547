//! What is written of documents: all of a request by one statement.

use super::super::order::TaxEffect;
use super::super::rules::{PricedLine, Pricing};
use super::super::types::{InvoiceStatus, ShippingBill};
use super::stored::{Stored, settlement_json};
use crate::platform::http::Problem;
use crate::platform::ids::{InvoiceId, InvoiceLineId};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::Tx;
use chrono::NaiveDate;
use serde_json::{Value, json};

/// Inserts a document with its lines. `input` is what the caller sent, kept while it may change.
pub fn insert(tx: &mut Tx<'_>, stored: &Stored, input: &impl serde::Serialize) -> Result<(), Problem> {
    insert_all(tx, &[(stored, input)])
}

/// Inserts documents with their lines: one statement however many there are.
pub fn insert_all(tx: &mut Tx<'_>, documents: &[(&Stored, &impl serde::Serialize)]) -> Result<(), Problem> {
    if documents.is_empty() {
        return Ok(());
    }
    let company = tx.company();
    let years = documents.iter().map(|(stored, _)| tx.cx().fiscal_year(stored.date).0).collect::<Many<_>>();
    let unposted = |stored: &Stored| matches!(stored.status, InvoiceStatus::Draft | InvoiceStatus::PendingApproval);
    let mut kept = Vec::with_capacity(documents.len());
    let (mut instalments, mut metadata, mut pricings) =
        (Vec::with_capacity(documents.len()), Vec::with_capacity(documents.len()), Vec::with_capacity(documents.len()));
    for (stored, input) in documents {
        let mut input = if unposted(stored) { json(input)? } else { json!({}) };
        if let Some(members) = input.as_object_mut() {
            // Judged when it was sent; what the document comes to later is another question.
            members.remove("expected_total");
        }
        kept.push(input);
        instalments.push(json(&stored.instalments)?);
        metadata.push(json(&stored.metadata)?);
        pricings.push(if stored.pricing == Pricing::default() { None } else { Some(json(&stored.pricing)?) });
    }
    let lines: Vec<(InvoiceId, i32, &InvoiceLineId, &PricedLine)> =
        documents.iter().flat_map(|(stored, _)| (1..).zip(&stored.lines).map(|(n, (id, line))| (stored.id, n, id, line))).collect();
    macro_rules! header {
        ($stored:ident => $value:expr) => {
            documents.iter().map(|($stored, _)| $value).collect::<Many<_>>()
        };
    }
    macro_rules! line {
        ($line:ident => $value:expr) => {
            lines.iter().map(|(.., $line)| $value).collect::<Many<_>>()
        };
    }
    tx.execute(
        Sql::new(
            "WITH headers AS (
                INSERT INTO invoice (company_id, id, external_id, status, number, registration_id, seller_gstin, fiscal_year, customer_id, customer_name, buyer_gstin, currency,
                    invoice_date, due_date, payment_terms_id, instalments, place_of_supply, place_of_supply_basis, supply_type, reverse_charge, po_reference, taxable_value, cgst, sgst, igst, cess,
                    round_off, grand_total, entry_id, metadata, input, version, created_by, created_at, updated_at,
                    kind, original_invoice_id, reason_code, tax_effect, posting_date, exchange_rate, settlement_terms, pricing,
                    ecommerce_operator_gstin, ecommerce_section, shipping_bill_number, shipping_bill_date, port_code, seller_composition, buyer_composition)
                SELECT $1, h.* FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::int[], $9::uuid[], $10::text[], $11::text[], $12::text[],
                    $13::date[], $14::date[], $15::uuid[], $16::jsonb[], $17::text[], $18::text[], $19::text[], $20::bool[], $21::text[], $22::numeric[], $23::numeric[], $24::numeric[], $25::numeric[], $26::numeric[],
                    $27::numeric[], $28::numeric[], $29::uuid[], $30::jsonb[], $31::jsonb[], $32::bigint[], $33::text[], $34::timestamptz[], $35::timestamptz[],
                    $36::text[], $37::uuid[], $38::text[], $39::text[], $40::date[], $41::numeric[], $42::jsonb[], $64::jsonb[],
                    $65::text[], $66::text[], $67::text[], $68::date[], $69::text[], $70::bool[], $71::bool[]) AS h
            )
            INSERT INTO invoice_line (company_id, invoice_id, line_no, id, item_id, description, hsn_code, is_service, quantity, unit, unit_price, discount, tax_inclusive, treatment, tax_rate, cess_rate,
                taxable_value, cgst, sgst, igst, cess, line_total)
            SELECT $1, l.* FROM unnest($43::uuid[], $44::int[], $45::uuid[], $46::uuid[], $47::text[], $48::text[], $49::bool[], $50::numeric[], $51::text[], $52::numeric[], $53::numeric[], $54::bool[],
                $55::text[], $56::numeric[], $57::numeric[], $58::numeric[], $59::numeric[], $60::numeric[], $61::numeric[], $62::numeric[], $63::numeric[]) AS l",
        )
        .bind(company)
        .bind(header!(s => s.id))
        .bind(header!(s => s.external_id.as_deref()))
        .bind(header!(s => s.status))
        .bind(header!(s => s.number.as_deref()))
        .bind(header!(s => s.registration))
        .bind(header!(s => s.seller_gstin.as_str()))
        .bind(years)
        .bind(header!(s => s.customer))
        .bind(header!(s => s.customer_name.as_str()))
        .bind(header!(s => s.buyer_gstin.as_deref()))
        .bind(header!(s => s.currency.code()))
        .bind(header!(s => s.date))
        .bind(header!(s => s.due_date))
        .bind(header!(s => s.terms))
        .bind(Many(instalments))
        .bind(header!(s => s.place.as_str()))
        .bind(header!(s => s.place_basis.as_str()))
        .bind(header!(s => s.supply))
        .bind(header!(s => s.reverse_charge))
        .bind(header!(s => s.po_reference.as_deref()))
        .bind(header!(s => s.taxable))
        .bind(header!(s => s.cgst))
        .bind(header!(s => s.sgst))
        .bind(header!(s => s.igst))
        .bind(header!(s => s.cess))
        .bind(header!(s => s.round_off))
        .bind(header!(s => s.total))
        .bind(header!(s => s.entry))
        .bind(Many(metadata))
        .bind(Many(kept))
        .bind(header!(s => s.version))
        .bind(header!(s => s.created_by.as_str()))
        .bind(header!(s => s.created_at))
        .bind(header!(s => s.updated_at))
        .bind(header!(s => s.kind))
        .bind(header!(s => s.note.as_ref().and_then(|note| note.original.as_ref()).map(|original| original.id)))
        .bind(header!(s => s.note.as_ref().map(|note| note.reason_code)))
        .bind(header!(s => s.note.as_ref().map_or(TaxEffect::Gst, |note| note.tax_effect)))
        .bind(header!(s => (!unposted(s)).then_some(s.posting_date)))
        .bind(header!(s => s.rate))
        .bind(header!(s => settlement_json(&s.settlement)))
        .bind(lines.iter().map(|line| line.0).collect::<Many<_>>())
        .bind(lines.iter().map(|line| line.1).collect::<Many<_>>())
        .bind(lines.iter().map(|line| *line.2).collect::<Many<_>>())
        .bind(line!(l => l.item_id))
        .bind(line!(l => l.description.as_str()))
        .bind(line!(l => l.hsn_code.as_str()))
        .bind(line!(l => l.is_service))
        .bind(line!(l => l.quantity))
        .bind(line!(l => l.unit.as_str()))
        .bind(line!(l => l.unit_price))
        .bind(line!(l => l.discount))
        .bind(line!(l => l.tax_inclusive))
        .bind(line!(l => l.treatment))
        .bind(line!(l => l.tax_rate))
        .bind(line!(l => l.cess_rate))
        .bind(line!(l => l.tax.taxable))
        .bind(line!(l => l.tax.cgst))
        .bind(line!(l => l.tax.sgst))
        .bind(line!(l => l.tax.igst))
        .bind(line!(l => l.tax.cess))
        .bind(line!(l => l.tax.total))
        .bind(Many(pricings))
        .bind(header!(s => s.operator.as_ref().map(|operator| operator.gstin.as_str())))
        .bind(header!(s => s.operator.as_ref().map(|operator| operator.section.kept())))
        .bind(header!(s => s.shipping.as_ref().map(|bill| bill.number.as_str())))
        .bind(header!(s => s.shipping.as_ref().map(|bill| bill.date)))
        .bind(header!(s => s.shipping.as_ref().and_then(|bill| bill.port_code.as_deref())))
        .bind(header!(s => s.seller_composition.then_some(true)))
        .bind(header!(s => s.buyer_composition.then_some(true))),
    )?;
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<Value, Problem> {
    serde_json::to_value(value).map_err(|e| Problem::internal(&e))
}

pub fn delete_draft(tx: &mut Tx<'_>, id: InvoiceId) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("DELETE FROM invoice WHERE company_id = $1 AND id = $2").bind(company).bind(id))?;
    Ok(())
}

pub fn mark_cancelled(tx: &mut Tx<'_>, id: InvoiceId, on: NaiveDate, reason: &str) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE invoice SET status = 'cancelled', cancelled_on = $3, cancel_reason = $4, version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2")
            .bind(company).bind(id).bind(on).bind(reason),
    )?;
    Ok(())
}

/// The shipping bill of an issued export.
pub fn record_shipping(tx: &mut Tx<'_>, id: InvoiceId, bill: &ShippingBill) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "UPDATE invoice SET shipping_bill_number = $3, shipping_bill_date = $4, port_code = $5, version = version + 1, updated_at = now()
             WHERE company_id = $1 AND id = $2",
        )
        .bind(company)
        .bind(id)
        .bind(bill.number.as_str())
        .bind(bill.date)
        .bind(bill.port_code.as_deref()),
    )?;
    Ok(())
}

/// A draft that waits for approval, or one sent back.
pub fn mark(tx: &mut Tx<'_>, id: InvoiceId, status: InvoiceStatus) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE invoice SET status = $3, version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2")
            .bind(company)
            .bind(id)
            .bind(status),
    )?;
    Ok(())
}
