mod ground;

pub use ground::{Found, grounds};

use super::order::{Kind, Order, ReasonCode, TaxEffect, Verb};
use super::rules::{Ground, Priced, PricedLine, Pricing};
use super::types::{
    EcommerceOperator, InvoiceFilter, InvoiceInstalment, InvoiceStatus, NoteFilter, OperatorSection, PaymentStatus, ShippingBill, SupplyKind, TaxTreatment,
};
use crate::billing::irns;
use crate::billing::irns::types::{EinvoiceStatus, Record};
use crate::control::close::Finding;
use crate::ledger::periods::Month;
use crate::ledger::{AllocationKind, SettlementTerms};
use crate::master_data::customers::types::Metadata;
use crate::platform::dates::month_end;
use crate::platform::http::Problem;
use crate::platform::http::body::canonical_hash;
use crate::platform::ids::{AllocationId, ApprovalId, CustomerId, EntryId, InvoiceId, InvoiceLineId, ItemId, RegistrationId, TermsId};
use crate::platform::money::{Currency, round};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::text::hex;
use crate::platform::unit_of_work::{Context, Rx, Tx};
use crate::row;
use crate::tax::gst::papers::{Paper, paper};
use crate::tax::gst::supply::{OperatorDuty, Seat};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// A document as stored.
#[derive(Debug, Clone)]
pub struct Stored {
    pub id: InvoiceId,
    pub kind: Kind,
    pub external_id: Option<String>,
    pub status: InvoiceStatus,
    pub number: Option<String>,
    pub registration: RegistrationId,
    pub seller_gstin: String,
    pub customer: CustomerId,
    pub customer_name: String,
    pub buyer_gstin: Option<String>,
    pub currency: Currency,
    /// Base units for one unit of the currency.
    pub rate: Decimal,
    pub date: NaiveDate,
    pub posting_date: NaiveDate,
    pub due_date: NaiveDate,
    pub terms: Option<TermsId>,
    pub instalments: Vec<InvoiceInstalment>,
    pub settlement: SettlementTerms,
    pub place: String,
    pub place_basis: String,
    pub supply: SupplyKind,
    pub reverse_charge: bool,
    pub operator: Option<EcommerceOperator>,
    pub shipping: Option<ShippingBill>,
    pub seller_composition: bool,
    /// Whether it is supplied by an SEZ: what its registration is for good.
    pub seller_sez: bool,
    pub buyer_composition: bool,
    pub po_reference: Option<String>,
    pub taxable: Decimal,
    pub cgst: Decimal,
    pub sgst: Decimal,
    pub igst: Decimal,
    pub cess: Decimal,
    pub round_off: Decimal,
    pub total: Decimal,
    pub pricing: Pricing,
    pub entry: Option<EntryId>,
    /// Set on notes.
    pub note: Option<StoredNote>,
    pub metadata: Metadata,
    pub cancelled_on: Option<NaiveDate>,
    pub cancel_reason: Option<String>,
    pub version: i64,
    pub created_by: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub lines: Vec<(InvoiceLineId, PricedLine)>,
    pub settled: Settled,
    /// What a credit note settles now.
    pub applications: Vec<Application>,
    /// The request that waits for a decision about it.
    pub approval: Option<ApprovalId>,
    /// The notes against an invoice that are issued or wait for approval.
    pub notes: Vec<StandingNote>,
    /// What the portal answered to it.
    pub einvoice: Option<Record>,
}

/// A note against an invoice, as a refusal names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StandingNote {
    pub object: Kind,
    pub id: InvoiceId,
    pub number: Option<String>,
    pub status: InvoiceStatus,
}

/// What a note says beyond an invoice.
#[derive(Debug, Clone)]
pub struct StoredNote {
    pub reason_code: ReasonCode,
    pub tax_effect: TaxEffect,
    pub original: Option<StoredOriginal>,
}

/// The invoice a note corrects, as the law wants it named.
#[derive(Debug, Clone)]
pub struct StoredOriginal {
    pub id: InvoiceId,
    pub number: Option<String>,
    pub date: NaiveDate,
    /// Base units for one unit of its currency.
    pub rate: Decimal,
}

row! {
    /// An allocation of a credit note that is in force.
    pub struct Application {
        pub id: AllocationId, pub target_type: String, pub target_id: Uuid, pub target_number: String, pub kind: AllocationKind, pub amount: Decimal, pub allocated_on: NaiveDate, pub rule: String,
    }
}

/// How a document's items stand now.
#[derive(Debug, Clone, Default)]
pub struct Settled {
    pub cash: Decimal,
    pub tds: Decimal,
    pub credit: Decimal,
    pub other: Decimal,
    pub written_off: Decimal,
    pub refunded: Decimal,
    pub open: Decimal,
    pub oldest_due: Option<NaiveDate>,
    /// Allocations and answers of the portal since the document was made, which move its version.
    pub moves: i64,
}

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

fn settlement_json(terms: &SettlementTerms) -> Value {
    json!({"discount": terms.discount, "discount_until": terms.discount_until, "grace_until": terms.grace_until, "tolerance": terms.tolerance})
}

fn settlement_of(value: Option<Value>) -> SettlementTerms {
    let value = value.unwrap_or_default();
    let amount = |name: &str| value[name].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
    let date = |name: &str| value[name].as_str().and_then(|text| text.parse().ok());
    SettlementTerms { discount: amount("discount"), discount_until: date("discount_until"), grace_until: date("grace_until"), tolerance: amount("tolerance") }
}

fn json(value: &impl serde::Serialize) -> Result<Value, Problem> {
    serde_json::to_value(value).map_err(|e| Problem::internal(&e))
}

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

impl OperatorSection {
    /// As the database has it.
    const fn kept(self) -> &'static str {
        match self {
            Self::S9 => "9_5",
            Self::S52 => "52",
        }
    }

    fn of_kept(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|section| section.kept() == word)
    }
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

row! {
    pub struct SummaryRow {
        pub id: InvoiceId, pub number: Option<String>, pub external_id: Option<String>, pub status: InvoiceStatus, pub customer_id: CustomerId, pub customer_name: String, pub currency: String,
        pub invoice_date: NaiveDate, pub due_date: NaiveDate, pub grand_total: Decimal, pub open: Decimal, pub oldest_due: Option<NaiveDate>, pub version: i64, pub moves: i64, pub written_off: bool,
        pub original_invoice_id: Option<InvoiceId>, pub reason_code: Option<ReasonCode>,
    }
}
macro_rules! summaries {
    ($kind:literal, $side:literal) => {
        concat!(
            "SELECT i.id, i.number, i.external_id, i.status, i.customer_id, i.customer_name, i.currency, i.invoice_date, i.due_date, i.grand_total::numeric AS grand_total, i.version,
        i.original_invoice_id, i.reason_code, coalesce(o.open, i.grand_total)::numeric AS open, o.oldest_due, coalesce(a.moves, 0) + coalesce(e.version, 0) AS moves, coalesce(a.written_off, false) AS written_off
        FROM invoice i
        LEFT JOIN einvoice e ON e.company_id = i.company_id AND e.document_id = i.id
        LEFT JOIN LATERAL (SELECT sum(b.open_amount)::numeric AS open, min(t.due_date) FILTER (WHERE b.open_amount > 0) AS oldest_due
            FROM open_item t JOIN open_item_balance b ON b.company_id = t.company_id AND b.item_id = t.id
            WHERE t.company_id = i.company_id AND t.document_id = i.id AND t.side = '", $side, "') AS o ON true
        LEFT JOIN LATERAL (SELECT count(*) FILTER (WHERE x.kind <> 'reversal') AS moves, coalesce(sum(x.amount) FILTER (WHERE x.kind = 'write_off'), 0) > 0 AS written_off
            FROM open_item t JOIN allocation x ON x.company_id = t.company_id AND x.", $side, "_item_id = t.id WHERE t.company_id = i.company_id AND t.document_id = i.id) AS a ON true
        WHERE i.company_id = $1 AND i.kind = '", $kind, "'"
        )
    };
}
static INVOICES: List = List {
    select: summaries!("invoice", "debit"),
    id: "i.id",
    sorts: &[
        SortKey { name: "invoice_date", expression: "i.invoice_date", kind: "date" },
        SortKey { name: "due_date", expression: "i.due_date", kind: "date" },
        SortKey { name: "days_overdue", expression: "(DATE '9999-12-31' - coalesce(o.oldest_due, DATE '9999-12-31'))", kind: "int" },
        SortKey { name: "number", expression: "coalesce(i.number, '')", kind: "text" },
        SortKey { name: "grand_total", expression: "i.grand_total::numeric", kind: "numeric" },
        SortKey { name: "balance_due", expression: "coalesce(o.open, i.grand_total)::numeric", kind: "numeric" },
    ],
    default_sort: "-invoice_date",
};
const NOTE_SORTS: &[SortKey] = &[
    SortKey { name: "note_date", expression: "i.invoice_date", kind: "date" },
    SortKey { name: "number", expression: "coalesce(i.number, '')", kind: "text" },
    SortKey { name: "grand_total", expression: "i.grand_total::numeric", kind: "numeric" },
];
static CREDIT_NOTES: List = List { select: summaries!("credit_note", "credit"), id: "i.id", sorts: NOTE_SORTS, default_sort: "-note_date" };
static DEBIT_NOTES: List = List { select: summaries!("debit_note", "debit"), id: "i.id", sorts: NOTE_SORTS, default_sort: "-note_date" };

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &InvoiceFilter) -> Result<Page<SummaryRow>, Problem> {
    let today = rx.cx().today;
    let overdue = filter.overdue.map(|_| today);
    let month = filter.period.as_deref().and_then(Month::parse);
    let einvoice = filter.einvoice_status.as_deref().map(|words| irns::store::standing(words, rx.cx()));
    let condition = if filter.overdue == Some(false) { "coalesce(o.oldest_due >= {}, true)" } else { "i.status = 'issued' AND o.oldest_due < {}" };
    INVOICES
        .of(rx)
        .created("i.created_at", paging)
        .updated("i.updated_at", paging)
        .holding(&["i.number", "i.external_id", "i.po_reference", "i.customer_name"], paging)
        .any_of("i.status", filter.status.as_deref())
        .when("i.customer_id = {}", filter.customer_id)
        .when("i.customer_id = (SELECT c.id FROM customer c WHERE c.company_id = $1 AND c.external_id = {})", filter.customer_external_id.clone())
        .when("i.customer_id IN (SELECT c.id FROM customer c WHERE c.company_id = $1 AND c.salesperson_id = {})", filter.salesperson_id)
        .when("i.seller_gstin = {}", filter.gstin.clone())
        .when("i.buyer_gstin = {}", filter.buyer_gstin.clone())
        .any_of("i.supply_type", filter.supply_type.as_deref())
        .when("coalesce(i.posting_date, i.invoice_date) >= {}", month.map(|month| month.0))
        .when("coalesce(i.posting_date, i.invoice_date) <= {}", month.map(|month| month_end(month.0)))
        .when("i.external_id = {}", filter.external_id.clone())
        .when("i.number = {}", filter.number.clone())
        .when("starts_with(i.number, {})", filter.number_prefix.clone())
        .when("i.po_reference = {}", filter.po_reference.clone())
        .when("i.currency = {}", filter.currency.clone())
        .when("i.grand_total >= {}", filter.grand_total_gte.map(|a| a.0))
        .when("i.grand_total <= {}", filter.grand_total_lte.map(|a| a.0))
        .when("coalesce(o.open, i.grand_total) >= {}", filter.balance_due_gte.map(|a| a.0))
        .when("coalesce(o.open, i.grand_total) <= {}", filter.balance_due_lte.map(|a| a.0))
        .when("i.status = 'issued' AND o.oldest_due <= {}", filter.days_overdue_gte.and_then(|days| today.checked_sub_signed(chrono::Duration::days(days))))
        .when("i.invoice_date >= {}", filter.invoice_date_gte)
        .when("i.invoice_date <= {}", filter.invoice_date_lte)
        .when("i.due_date >= {}", filter.due_date_gte)
        .when("i.due_date <= {}", filter.due_date_lte)
        .when("i.place_of_supply = {}", filter.place_of_supply.clone())
        .when(condition, overdue)
        .filter_if(einvoice.as_deref())
        .page(rx, paging)
}

/// Notes of a kind.
pub fn list_notes(rx: &mut Rx<'_>, kind: Kind, paging: &Paging, filter: &NoteFilter) -> Result<Page<SummaryRow>, Problem> {
    let month = filter.period.as_deref().and_then(Month::parse);
    let list = if kind == Kind::CreditNote { &CREDIT_NOTES } else { &DEBIT_NOTES };
    let einvoice = filter.einvoice_status.as_deref().map(|words| irns::store::standing(words, rx.cx()));
    list.of(rx)
        .created("i.created_at", paging)
        .updated("i.updated_at", paging)
        .holding(&["i.number", "i.external_id", "i.po_reference", "i.customer_name"], paging)
        .any_of("i.status", filter.status.as_deref())
        .any_of("i.reason_code", filter.reason_code.as_deref())
        .when("i.customer_id = {}", filter.customer_id)
        .when("i.original_invoice_id = {}", filter.original_invoice_id)
        .when("i.seller_gstin = {}", filter.gstin.clone())
        .when("coalesce(i.posting_date, i.invoice_date) >= {}", month.map(|month| month.0))
        .when("coalesce(i.posting_date, i.invoice_date) <= {}", month.map(|month| month_end(month.0)))
        .when("i.external_id = {}", filter.external_id.clone())
        .when("i.number = {}", filter.number.clone())
        .when("i.invoice_date >= {}", filter.note_date_gte)
        .when("i.invoice_date <= {}", filter.note_date_lte)
        .when("i.status = 'issued' AND o.open > {}", filter.unapplied_gt.map(|a| a.0))
        .filter_if(einvoice.as_deref())
        .page(rx, paging)
}

/// How far a document is settled.
#[must_use]
pub fn payment_status(total: Decimal, open: Decimal, written_off: bool) -> PaymentStatus {
    match (open.is_zero(), open == total, written_off) {
        (true, _, true) => PaymentStatus::WrittenOff,
        (true, ..) => PaymentStatus::Paid,
        (_, true, _) => PaymentStatus::Unpaid,
        _ => PaymentStatus::PartiallyPaid,
    }
}

impl Stored {
    /// Where it was supplied from.
    #[must_use]
    pub fn seat(&self) -> Seat<'_> {
        Seat { state: self.seller_gstin.get(..2).unwrap_or_default(), sez: self.seller_sez }
    }

    /// A document about to be stored.
    #[must_use]
    pub fn of(id: InvoiceId, order: &Order, ground: &Ground, priced: &Priced, cx: &Context) -> Self {
        let new = &order.content;
        let instalments: Vec<_> = (1..)
            .zip(&priced.instalments)
            .map(|(instalment_no, (i, _))| InvoiceInstalment { instalment_no, due_date: i.due_date, amount: crate::platform::money::Amount(i.amount) })
            .collect();
        let settlement = SettlementTerms {
            discount: priced.instalments.iter().map(|(_, terms)| terms.discount).sum(),
            ..priced.instalments.iter().max_by_key(|(_, terms)| terms.tolerance).map(|(_, terms)| *terms).unwrap_or_default()
        };
        let original = ground.original.as_ref().map(|original| &*original.invoice);
        Self {
            id,
            kind: order.kind,
            external_id: new.external_id.clone(),
            status: InvoiceStatus::Draft,
            number: None,
            registration: ground.registration,
            seller_gstin: original.map_or(&ground.seller_gstin, |invoice| &invoice.seller_gstin).clone(),
            customer: ground.customer,
            customer_name: original.map_or(&ground.customer_name, |invoice| &invoice.customer_name).clone(),
            buyer_gstin: original.map_or(&priced.buyer_gstin, |invoice| &invoice.buyer_gstin).clone(),
            currency: priced.currency,
            rate: priced.rate,
            date: new.invoice_date,
            posting_date: new.invoice_date,
            due_date: priced.instalments.iter().map(|(i, _)| i.due_date).max().unwrap_or(new.invoice_date),
            terms: priced.terms,
            instalments,
            settlement,
            place: priced.place.code.clone(),
            place_basis: priced.place.basis.to_owned(),
            supply: priced.supply,
            reverse_charge: priced.reverse_charge,
            operator: priced.operator.clone(),
            shipping: priced.shipping.clone(),
            seller_composition: priced.seller_composition,
            seller_sez: ground.sez,
            buyer_composition: priced.buyer_composition,
            po_reference: new.po_reference.clone(),
            taxable: priced.tax.taxable,
            cgst: priced.tax.cgst,
            sgst: priced.tax.sgst,
            igst: priced.tax.igst,
            cess: priced.tax.cess,
            round_off: priced.tax.round_off,
            total: priced.tax.payable,
            pricing: priced.pricing.clone(),
            entry: None,
            note: order.note.as_ref().map(|note| StoredNote {
                reason_code: note.reason_code,
                tax_effect: priced.tax_effect,
                original: original.map(|invoice| StoredOriginal { id: invoice.id, number: invoice.number.clone(), date: invoice.date, rate: invoice.rate }),
            }),
            metadata: new.metadata.clone(),
            cancelled_on: None,
            cancel_reason: None,
            version: 1,
            created_by: cx.actor.to_string(),
            created_at: cx.now,
            updated_at: cx.now,
            lines: priced.lines.iter().map(|line| (InvoiceLineId::new(), line.clone())).collect(),
            settled: Settled { open: priced.tax.payable, oldest_due: priced.instalments.iter().map(|(i, _)| i.due_date).min(), ..Settled::default() },
            applications: Vec::new(),
            approval: None,
            notes: Vec::new(),
            einvoice: None,
        }
    }

    /// Everything that was decided in pricing it, as one hash. Prices, rates, and what is known of the customer
    /// are looked up again when it is issued; it is another document if they lead elsewhere.
    #[must_use]
    pub fn digest(&self, base: Currency) -> String {
        // The same figure is the same text, whatever zeros it came with.
        let figures = |values: &[Decimal]| values.iter().map(|value| value.normalize().to_string()).collect::<Vec<_>>();
        let line = |(_, line): &(InvoiceLineId, PricedLine)| {
            let tax = &line.tax;
            let amounts = [tax.taxable, tax.cgst, tax.sgst, tax.igst, tax.cess, tax.total];
            let given = [line.quantity, line.unit_price, line.discount, line.tax_rate, line.cess_rate];
            json!([
                line.item_id,
                line.description,
                line.hsn_code,
                line.is_service,
                line.unit,
                line.tax_inclusive,
                line.treatment,
                figures(&given),
                figures(&amounts)
            ])
        };
        let note = self.note.as_ref();
        let mut whole = json!([
            [self.registration, self.seller_gstin, self.customer, self.buyer_gstin, self.place, self.supply, self.reverse_charge],
            [note.map(|note| note.tax_effect), note.and_then(|note| note.original.as_ref()).map(|original| original.id)],
            [self.currency.code(), figures(&[self.rate, self.round_off, self.total, self.base_total(base)])],
            [self.date, self.instalments.iter().map(|due| json!([due.due_date, figures(&[due.amount.0])])).collect::<Vec<_>>()],
            [self.settlement.discount_until, self.settlement.grace_until, figures(&[self.settlement.discount, self.settlement.tolerance])],
            self.lines.iter().map(line).collect::<Vec<_>>(),
        ]);
        if let (Some(parts), false) = (whole.as_array_mut(), self.pricing == Pricing::default()) {
            parts.push(json!(self.pricing));
        }
        let circumstances = json!([self.operator, self.shipping, self.seller_composition, self.buyer_composition]);
        if let (Some(parts), false) = (whole.as_array_mut(), circumstances == json!([null, null, false, false])) {
            parts.push(circumstances);
        }
        hex(&canonical_hash(&whole))
    }

    /// What the e-commerce operator does about its tax, where there is one.
    #[must_use]
    pub fn operator_duty(&self) -> Option<OperatorDuty> {
        self.operator.as_ref().map(|operator| operator.section.of_law())
    }

    /// Whether the tax it shows is owed by the customer: not where the recipient or an operator pays it.
    #[must_use]
    pub fn collects_tax(&self) -> bool {
        !self.reverse_charge && self.operator_duty() != Some(OperatorDuty::Pays)
    }

    /// The paper its supplies need.
    #[must_use]
    pub fn paper(&self) -> Paper {
        paper(self.seller_composition, self.buyer_gstin.is_some(), self.lines.iter().map(|(_, line)| line.treatment.of_law()))
    }

    /// What it comes to in base currency.
    #[must_use]
    pub fn base_total(&self, base: Currency) -> Decimal {
        round(self.total * self.rate, base.exponent())
    }
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
