//! The statements about documents.

mod ground;
mod lists;
mod stored;
mod writes;

pub use ground::{Found, grounds};
pub use lists::{SummaryRow, list, list_notes};
pub use stored::{Application, Settled, StandingNote, Stored, StoredNote, StoredOriginal};
pub use writes::{delete_draft, insert, insert_all, mark, mark_cancelled, record_shipping};

use super::order::{Kind, ReasonCode, TaxEffect, Verb};
use super::rules::{PricedLine, Pricing};
use super::types::{EcommerceOperator, InvoiceStatus, OperatorSection, ShippingBill, SupplyKind, TaxTreatment};
use crate::billing::irns::types::{EinvoiceStatus, Record};
use crate::control::close::Finding;
use crate::platform::http::Problem;
use crate::platform::ids::{ApprovalId, CustomerId, EntryId, InvoiceId, InvoiceLineId, ItemId, RegistrationId, TermsId};
use crate::platform::money::Currency;
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::Rx;
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use stored::settlement_of;

row! {
    struct HeaderRow {
        id: InvoiceId, external_id: Option<String>, status: InvoiceStatus, number: Option<String>, registration_id: RegistrationId, seller_gstin: String, customer_id: CustomerId,
        customer_name: String, buyer_gstin: Option<String>, currency: String, invoice_date: NaiveDate, due_date: NaiveDate, payment_terms_id: Option<TermsId>, instalments: Value,
        place_of_supply: String, place_of_supply_basis: String, supply_type: SupplyKind, reverse_charge: bool, po_reference: Option<String>, taxable_value: Decimal, cgst: Decimal,
        sgst: Decimal, igst: Decimal, cess: Decimal, round_off: Decimal, grand_total: Decimal, entry_id: Option<EntryId>, metadata: Value, cancelled_on: Option<NaiveDate>,
        cancel_reason: Option<String>, version: i64, created_by: String, created_at: DateTime<Utc>, updated_at: DateTime<Utc>,
        original_id: Option<InvoiceId>, original_number: Option<String>, original_date: Option<NaiveDate>, original_rate: Option<Decimal>, reason_code: Option<ReasonCode>, tax_effect: TaxEffect, posting_date: Option<NaiveDate>,
        exchange_rate: Decimal, settlement_terms: Option<Value>, pricing: Option<Value>,
        ecommerce_operator_gstin: Option<String>, ecommerce_section: Option<String>, shipping_bill_number: Option<String>, shipping_bill_date: Option<NaiveDate>, port_code: Option<String>,
        seller_composition: Option<bool>, seller_sez: bool, buyer_composition: Option<bool>, approval_id: Option<ApprovalId>, notes: Value,
        irp_status: Option<EinvoiceStatus>, irn: Option<String>, ack_no: Option<String>, ack_at: Option<DateTime<Utc>>, irp_cancelled_at: Option<DateTime<Utc>>, irp_version: i64,
        settled_cash: Decimal, settled_tds: Decimal, settled_credit: Decimal, settled_other: Decimal, settled_written_off: Decimal, settled_refunded: Decimal, open: Decimal, oldest_due: Option<NaiveDate>, moves: i64,
    }
}
row! {
    struct LineRow {
        id: InvoiceLineId, item_id: Option<ItemId>, description: String, hsn_code: String, is_service: bool, quantity: Decimal, unit: String, unit_price: Decimal, discount: Decimal,
        tax_inclusive: bool, treatment: TaxTreatment, tax_rate: Decimal, cess_rate: Decimal, taxable_value: Decimal, cgst: Decimal, sgst: Decimal, igst: Decimal, cess: Decimal, line_total: Decimal,
    }
}

/// A document with its lines and how it is settled. With `lock` the header is locked.
pub fn get(rx: &mut Rx<'_>, kind: Kind, id: InvoiceId, lock: bool) -> Result<Option<Stored>, Problem> {
    let company = rx.company();
    let sql = format!(
        "SELECT i.id, i.external_id, i.status, i.number, i.registration_id, i.seller_gstin, i.customer_id, i.customer_name, i.buyer_gstin, i.currency, i.invoice_date, i.due_date,
                i.payment_terms_id, i.instalments, i.place_of_supply, i.place_of_supply_basis, i.supply_type, i.reverse_charge, i.po_reference, i.taxable_value::numeric AS taxable_value,
                i.cgst::numeric AS cgst, i.sgst::numeric AS sgst, i.igst::numeric AS igst, i.cess::numeric AS cess, i.round_off::numeric AS round_off, i.grand_total::numeric AS grand_total,
                i.entry_id, i.metadata, i.cancelled_on, i.cancel_reason, i.version, i.created_by, i.created_at, i.updated_at,
                coalesce(a.cash, 0) AS settled_cash, coalesce(a.tds, 0) AS settled_tds, coalesce(a.credit, 0) AS settled_credit, coalesce(a.other, 0) AS settled_other,
                n.id AS original_id, n.number AS original_number, n.invoice_date AS original_date, n.exchange_rate AS original_rate, i.reason_code, i.tax_effect, i.posting_date, i.exchange_rate, i.settlement_terms, i.pricing,
                i.ecommerce_operator_gstin, i.ecommerce_section, i.shipping_bill_number, i.shipping_bill_date, i.port_code, i.seller_composition, i.buyer_composition,
                EXISTS (SELECT FROM gst_registration r WHERE r.company_id = i.company_id AND r.id = i.registration_id AND r.type = 'sez') AS seller_sez,
                (SELECT p.id FROM approval p WHERE p.company_id = i.company_id AND p.subject_id = i.id AND p.state = 'pending' LIMIT 1) AS approval_id,
                (SELECT coalesce(jsonb_agg(jsonb_build_object('object', x.kind, 'id', x.id, 'number', x.number, 'status', x.status) ORDER BY x.id), '[]')
                 FROM invoice x WHERE x.company_id = i.company_id AND x.original_invoice_id = i.id AND x.status IN ('pending_approval', 'issued')) AS notes,
                coalesce(a.written_off, 0) AS settled_written_off, coalesce(a.refunded, 0) AS settled_refunded, coalesce(o.open, i.grand_total)::numeric AS open, o.oldest_due, coalesce(a.moves, 0) + coalesce(e.version, 0) AS moves,
                e.status AS irp_status, e.irn, e.ack_no, e.ack_at, e.cancelled_at AS irp_cancelled_at, coalesce(e.version, 0) AS irp_version
         FROM invoice i
         LEFT JOIN einvoice e ON e.company_id = i.company_id AND e.document_id = i.id
         LEFT JOIN invoice n ON n.company_id = i.company_id AND n.id = i.original_invoice_id
         LEFT JOIN LATERAL (
            SELECT sum(b.open_amount)::numeric AS open, min(t.due_date) FILTER (WHERE b.open_amount > 0) AS oldest_due
            FROM open_item t JOIN open_item_balance b ON b.company_id = t.company_id AND b.item_id = t.id
            WHERE t.company_id = i.company_id AND t.document_id = i.id AND t.side = '{side}') AS o ON true
         LEFT JOIN LATERAL (
            SELECT sum(x.amount) FILTER (WHERE x.kind = 'cash')::numeric AS cash, sum(x.amount) FILTER (WHERE x.kind = 'tds')::numeric AS tds, sum(x.amount) FILTER (WHERE x.kind = 'credit')::numeric AS credit,
                   sum(x.amount) FILTER (WHERE x.kind IN ('discount', 'charge', 'retention', 'round_off', 'adjustment'))::numeric AS other,
                   sum(x.amount) FILTER (WHERE x.kind = 'write_off')::numeric AS written_off, sum(x.amount) FILTER (WHERE x.kind = 'refund')::numeric AS refunded,
                   count(*) FILTER (WHERE x.kind <> 'reversal') AS moves
            FROM open_item t JOIN allocation x ON x.company_id = t.company_id AND x.{side}_item_id = t.id
            WHERE t.company_id = i.company_id AND t.document_id = i.id) AS a ON true
         WHERE i.company_id = $1 AND i.kind = $3 AND i.id = $2{}",
        if lock { " FOR UPDATE OF i" } else { "" },
        side = kind.side(),
    );
    let Some(row) = rx.optional::<HeaderRow>(Sql::new(sql).bind(company).bind(id).bind(kind))? else { return Ok(None) };
    let lines: Vec<LineRow> = rx.load(
        Sql::new(
            "SELECT id, item_id, description, hsn_code, is_service, quantity, unit, unit_price, discount::numeric AS discount, tax_inclusive, treatment, tax_rate, cess_rate,
                    taxable_value::numeric AS taxable_value, cgst::numeric AS cgst, sgst::numeric AS sgst, igst::numeric AS igst, cess::numeric AS cess, line_total::numeric AS line_total
             FROM invoice_line WHERE company_id = $1 AND invoice_id = $2 ORDER BY line_no",
        )
        .bind(company).bind(id),
    )?;
    let lines = lines.into_iter().map(|l| {
        let tax = crate::tax::gst::compute::LineTax { taxable: l.taxable_value, cgst: l.cgst, sgst: l.sgst, igst: l.igst, cess: l.cess, total: l.line_total };
        (
            l.id,
            PricedLine {
                item_id: l.item_id,
                description: l.description,
                hsn_code: l.hsn_code,
                is_service: l.is_service,
                quantity: l.quantity,
                unit: l.unit,
                unit_price: l.unit_price,
                discount: l.discount,
                tax_inclusive: l.tax_inclusive,
                treatment: l.treatment,
                tax_rate: l.tax_rate,
                cess_rate: l.cess_rate,
                tax,
            },
        )
    });
    let applications = if kind == Kind::CreditNote && row.entry_id.is_some() { applications(rx, id)? } else { Vec::new() };
    let currency = Currency::parse(&row.currency).unwrap_or(rx.cx().currency());
    let original = row.original_id.zip(row.original_date).zip(row.original_rate);
    let original = original.map(|((id, date), rate)| StoredOriginal { id, number: row.original_number, date, rate });
    Ok(Some(Stored {
        id: row.id,
        kind,
        external_id: row.external_id,
        status: row.status,
        number: row.number,
        registration: row.registration_id,
        seller_gstin: row.seller_gstin,
        customer: row.customer_id,
        customer_name: row.customer_name,
        buyer_gstin: row.buyer_gstin,
        currency,
        rate: row.exchange_rate,
        date: row.invoice_date,
        posting_date: row.posting_date.unwrap_or(row.invoice_date),
        due_date: row.due_date,
        terms: row.payment_terms_id,
        instalments: serde_json::from_value(row.instalments).map_err(|e| Problem::internal(&e))?,
        settlement: settlement_of(row.settlement_terms),
        place: row.place_of_supply,
        place_basis: row.place_of_supply_basis,
        supply: row.supply_type,
        reverse_charge: row.reverse_charge,
        operator: row
            .ecommerce_operator_gstin
            .zip(row.ecommerce_section.as_deref().and_then(OperatorSection::of_kept))
            .map(|(gstin, section)| EcommerceOperator { gstin, section }),
        shipping: row.shipping_bill_number.zip(row.shipping_bill_date).map(|(number, date)| ShippingBill { number, date, port_code: row.port_code }),
        seller_composition: row.seller_composition.unwrap_or(false),
        seller_sez: row.seller_sez,
        buyer_composition: row.buyer_composition.unwrap_or(false),
        po_reference: row.po_reference,
        taxable: row.taxable_value,
        cgst: row.cgst,
        sgst: row.sgst,
        igst: row.igst,
        cess: row.cess,
        round_off: row.round_off,
        total: row.grand_total,
        pricing: row.pricing.map_or_else(|| Ok(Pricing::default()), serde_json::from_value).map_err(|e| Problem::internal(&e))?,
        entry: row.entry_id,
        note: row.reason_code.map(|reason_code| StoredNote { reason_code, tax_effect: row.tax_effect, original }),
        metadata: serde_json::from_value(row.metadata).unwrap_or_default(),
        cancelled_on: row.cancelled_on,
        cancel_reason: row.cancel_reason,
        version: row.version,
        created_by: row.created_by,
        created_at: row.created_at,
        updated_at: row.updated_at,
        lines: lines.collect(),
        settled: Settled {
            cash: row.settled_cash,
            tds: row.settled_tds,
            credit: row.settled_credit,
            other: row.settled_other,
            written_off: row.settled_written_off,
            refunded: row.settled_refunded,
            open: row.open,
            oldest_due: row.oldest_due,
            moves: row.moves,
        },
        applications,
        approval: row.approval_id,
        notes: serde_json::from_value(row.notes).map_err(|e| Problem::internal(&e))?,
        einvoice: row.irp_status.map(|status| Record {
            status,
            irn: row.irn,
            ack_no: row.ack_no,
            ack_at: row.ack_at,
            cancelled_at: row.irp_cancelled_at,
            version: row.irp_version,
        }),
    }))
}

/// The allocations of a credit note that are in force.
fn applications(rx: &mut Rx<'_>, id: InvoiceId) -> Result<Vec<Application>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "SELECT a.id, d.document_kind AS target_type, d.document_id AS target_id, d.document_number AS target_number, a.kind, a.amount::numeric AS amount, a.effective_on AS allocated_on, a.rule
             FROM open_item t JOIN allocation a ON a.company_id = t.company_id AND a.credit_item_id = t.id
             JOIN open_item d ON d.company_id = a.company_id AND d.id = a.debit_item_id
             WHERE t.company_id = $1 AND t.document_id = $2 AND a.kind <> 'reversal' AND a.reverses_id IS NULL
               AND NOT EXISTS (SELECT FROM allocation r WHERE r.company_id = a.company_id AND r.reverses_id = a.id)
             ORDER BY a.id",
        )
        .bind(company).bind(id),
    )
}

/// Who drew a document up: its creator and everybody who changed it or asked for its issue.
pub fn makers(rx: &mut Rx<'_>, kind: Kind, id: InvoiceId) -> Result<Vec<String>, Problem> {
    let company = rx.company();
    let acts = [Verb::Created, Verb::Updated, Verb::Requested].map(|verb| kind.event(verb));
    rx.scalars(
        Sql::new("SELECT DISTINCT actor FROM audit_event WHERE company_id = $1 AND object_id = $2 AND action = ANY($3)")
            .bind(company)
            .bind(id)
            .bind(Many(acts.to_vec())),
    )
}

/// The customer of an invoice that a patch names, which is locked before the document it moves.
pub fn customer_of(rx: &mut Rx<'_>, id: Option<InvoiceId>, external_id: Option<&str>) -> Result<Option<CustomerId>, Problem> {
    let company = rx.company();
    Ok(rx
        .scalars(
            Sql::new("SELECT customer_id FROM invoice WHERE company_id = $1 AND kind = 'invoice' AND (id = $2 OR external_id = $3)")
                .bind(company)
                .bind(id)
                .bind(external_id),
        )?
        .into_iter()
        .next())
}

/// What the caller sent when the draft was made.
pub fn draft_input(rx: &mut Rx<'_>, id: InvoiceId) -> Result<Value, Problem> {
    let company = rx.company();
    rx.scalar(Sql::new("SELECT input FROM invoice WHERE company_id = $1 AND id = $2").bind(company).bind(id))
}

row! { struct DraftRow { id: InvoiceId, kind: Kind, invoice_date: NaiveDate, customer_name: String } }

/// Drafts dated up to a day.
pub fn drafts_until(rx: &mut Rx<'_>, day: NaiveDate) -> Result<Vec<Finding>, Problem> {
    let company = rx.company();
    let rows: Vec<DraftRow> = rx.load(
        Sql::new(
            "SELECT id, kind, invoice_date, customer_name FROM invoice WHERE company_id = $1 AND status IN ('draft', 'pending_approval') AND invoice_date <= $2 ORDER BY invoice_date, id",
        )
        .bind(company)
        .bind(day),
    )?;
    Ok(rows
        .into_iter()
        .map(|row| Finding { r#type: row.kind.as_str(), id: row.id.to_string(), label: format!("Draft of {} for {}", row.invoice_date, row.customer_name) })
        .collect())
}
