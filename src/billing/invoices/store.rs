use super::order::{Kind, Order, ReasonCode, TaxEffect, Verb};
use super::rules::{Ground, Original, Priced, PricedLine, Terms};
use super::types::{InvoiceFilter, InvoiceInstalment, InvoiceStatus, NoteFilter, PaymentStatus, SupplyKind, TaxTreatment};
use crate::control::close::Finding;
use crate::ledger::{AllocationKind, SettlementTerms};
use crate::master_data::customers::reference::NamesCustomer;
use crate::master_data::customers::types::{CustomerKind, Metadata};
use crate::master_data::items::types::Item;
use crate::master_data::payment_terms::types::TermsInstalment;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{AllocationId, ApprovalId, CustomerId, EntryId, InvoiceId, InvoiceLineId, ItemId, RegistrationId, TermsId};
use crate::platform::money::{Currency, Rate, UnitPrice, round};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Context, Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

row! {
    struct GroundRow {
        customer_id: CustomerId, customer_name: String, kind: CustomerKind, active: bool, buyer_gstin: Option<String>, billing_state: Option<String>, shipping_state: Option<String>,
        terms_id: Option<TermsId>, terms: Option<Value>, discount_percent: Option<Decimal>, discount_days: Option<i32>, terms_days: Option<i32>,
        registration_id: Option<RegistrationId>, seller_gstin: Option<String>, seller_state: Option<String>, duplicate_of: Option<InvoiceId>, original: Option<InvoiceId>,
    }
}

/// What `ground` found.
pub struct Found {
    pub ground: Ground,
    pub active: bool,
    pub duplicate_of: Option<InvoiceId>,
    pub terms_known: bool,
}

/// Locks the customer's balance and reads everything pricing needs, in one statement (and one more where
/// lines name items, three more for a note's original). `None`: no such customer. With the balance locked
/// nobody else posts for the customer, so what was credited of the original stays as read.
pub fn ground(tx: &mut Tx<'_>, order: &Order) -> Result<Option<Found>, Problem> {
    let company = tx.company();
    let new = &order.content;
    let note = order.note.as_ref();
    let customer = new.customer();
    let row: Option<GroundRow> = tx.optional(
        Sql::new(
            "WITH original AS (
                SELECT o.id, o.customer_id, o.registration_id FROM invoice o
                WHERE o.company_id = $1 AND o.kind = 'invoice' AND o.id = coalesce($8::uuid, (SELECT x.id FROM invoice x WHERE x.company_id = $1 AND x.kind = 'invoice' AND x.external_id = $9))
            )
            SELECT c.id AS customer_id, c.legal_name AS customer_name, c.kind, c.active, c.gstin AS buyer_gstin, bill.state AS billing_state, ship.state AS shipping_state,
                    t.id AS terms_id, t.instalments AS terms, t.discount_percent, t.discount_days, c.payment_terms_days AS terms_days, r.id AS registration_id, r.gstin AS seller_gstin, r.state_code AS seller_state,
                    (SELECT i.id FROM invoice i WHERE i.company_id = $1 AND i.kind = $10 AND i.external_id = $5) AS duplicate_of, (SELECT id FROM original) AS original
             FROM customer c
             JOIN customer_balance b ON b.company_id = c.company_id AND b.customer_id = c.id
             LEFT JOIN payment_terms t ON t.company_id = c.company_id AND t.id = coalesce($6::uuid, c.payment_terms_id)
             LEFT JOIN gst_registration r ON r.company_id = c.company_id AND CASE WHEN coalesce($7::uuid, (SELECT registration_id FROM original)) IS NULL THEN r.is_default
                                                                                 ELSE r.id = coalesce($7::uuid, (SELECT registration_id FROM original)) END
             LEFT JOIN LATERAL (SELECT CASE WHEN a.country = 'IN' THEN a.state_code ELSE '96' END AS state FROM customer_address a
                                WHERE a.company_id = c.company_id AND a.customer_id = c.id AND a.kind = 'billing' AND a.is_default LIMIT 1) AS bill ON true
             LEFT JOIN LATERAL (SELECT CASE WHEN a.country = 'IN' THEN a.state_code ELSE '96' END AS state FROM customer_address a
                                WHERE a.company_id = c.company_id AND a.customer_id = c.id AND a.kind = 'shipping' AND a.is_default LIMIT 1) AS ship ON true
             WHERE c.company_id = $1
               AND c.id = CASE WHEN $11 THEN (SELECT customer_id FROM original)
                   ELSE coalesce($2::uuid, (SELECT x.id FROM customer x WHERE x.company_id = $1 AND x.external_id = $3), (SELECT x.id FROM customer x WHERE x.company_id = $1 AND x.code = $4)) END
             FOR NO KEY UPDATE OF b",
        )
        .bind(company).bind(new.customer_id).bind(new.customer_external_id.as_deref()).bind(new.customer_code.as_deref()).bind(new.external_id.as_deref())
        .bind(new.payment_terms_id).bind(new.gst_registration_id).bind(note.and_then(|note| note.original_id)).bind(note.and_then(|note| note.original_external_id.as_deref()))
        .bind(order.kind).bind(customer.missing().is_some()),
    )?;
    let Some(row) = row else { return Ok(None) };
    let original = match (note.filter(|note| note.names_original()), row.original) {
        (None, _) => None,
        (Some(note), None) => return Err(Problem::reference("invoice", note.original_pointer())),
        (Some(_), Some(id)) => {
            let invoice = get(tx, Kind::Invoice, id, false)?.ok_or_else(|| Problem::not_found("invoice"))?;
            let credited = tx.scalar(
                Sql::new("SELECT coalesce(sum(grand_total), 0)::numeric FROM invoice WHERE company_id = $1 AND original_invoice_id = $2 AND kind = 'credit_note' AND status = 'issued'")
                    .bind(company).bind(id),
            )?;
            Some(Original { invoice: Box::new(invoice), credited })
        }
    };
    let (Some(registration), Some(seller_gstin), Some(seller_state)) = (row.registration_id, row.seller_gstin, row.seller_state) else {
        return Err(Problem::reference("gst_registration", "/gst_registration_id"));
    };
    let terms = match (row.terms_id, row.terms) {
        (Some(id), Some(value)) => Some(Terms {
            id,
            instalments: serde_json::from_value::<Vec<TermsInstalment>>(value).map_err(|e| Problem::internal(&e))?,
            discount_percent: row.discount_percent.unwrap_or_default(),
            discount_days: row.discount_days.unwrap_or_default().unsigned_abs(),
        }),
        _ => None,
    };
    let wanted: Vec<ItemId> = new.lines.iter().filter_map(|line| line.item_id).collect();
    let items = if wanted.is_empty() { Vec::new() } else { items(tx, wanted)? };
    let ground = Ground {
        customer: row.customer_id,
        customer_name: row.customer_name,
        kind: row.kind,
        buyer_gstin: row.buyer_gstin,
        billing_state: row.billing_state,
        shipping_state: row.shipping_state,
        registration,
        seller_gstin,
        seller_state,
        terms,
        terms_days: row.terms_days,
        items,
        original,
    };
    Ok(Some(Found { terms_known: new.payment_terms_id.is_none() || ground.terms.is_some(), ground, active: row.active, duplicate_of: row.duplicate_of }))
}

row! { struct ItemRow { id: ItemId, name: String, is_service: bool, hsn_code: String, unit: String, unit_price: Decimal, tax_rate: Decimal } }
fn items(rx: &mut Rx<'_>, ids: Vec<ItemId>) -> Result<Vec<Item>, Problem> {
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
    pub po_reference: Option<String>,
    pub taxable: Decimal,
    pub cgst: Decimal,
    pub sgst: Decimal,
    pub igst: Decimal,
    pub cess: Decimal,
    pub round_off: Decimal,
    pub total: Decimal,
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
    /// Allocations since the document was made, which move its version.
    pub moves: i64,
}

/// Inserts a document with its lines: one statement. `input` is what the caller sent, kept while it may change.
pub fn insert(tx: &mut Tx<'_>, stored: &Stored, input: &impl serde::Serialize) -> Result<(), Problem> {
    let company = tx.company();
    let fiscal_year = tx.cx().fiscal_year(stored.date).0;
    let lines = &stored.lines;
    let note = stored.note.as_ref();
    let unposted = matches!(stored.status, InvoiceStatus::Draft | InvoiceStatus::PendingApproval);
    tx.execute(
        Sql::new(
            "WITH header AS (
                INSERT INTO invoice (company_id, id, external_id, status, number, registration_id, seller_gstin, fiscal_year, customer_id, customer_name, buyer_gstin, currency,
                    invoice_date, due_date, payment_terms_id, instalments, place_of_supply, place_of_supply_basis, supply_type, reverse_charge, po_reference, taxable_value, cgst, sgst, igst, cess,
                    round_off, grand_total, entry_id, metadata, input, version, created_by, created_at, updated_at,
                    kind, original_invoice_id, reason_code, tax_effect, posting_date, exchange_rate, settlement_terms)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35,
                    $55, $56, $57, $58, $59, $60, $61)
            )
            INSERT INTO invoice_line (company_id, id, invoice_id, line_no, item_id, description, hsn_code, is_service, quantity, unit, unit_price, discount, tax_inclusive, treatment, tax_rate, cess_rate,
                taxable_value, cgst, sgst, igst, cess, line_total)
            SELECT $1, id, $2, n, item_id, description, hsn_code, is_service, quantity, unit, unit_price, discount, tax_inclusive, treatment, tax_rate, cess_rate, taxable, cgst, sgst, igst, cess, total
            FROM unnest($36::uuid[], $37::uuid[], $38::text[], $39::text[], $40::bool[], $41::numeric[], $42::text[], $43::numeric[], $44::numeric[], $45::bool[], $46::text[], $47::numeric[], $48::numeric[],
                        $49::numeric[], $50::numeric[], $51::numeric[], $52::numeric[], $53::numeric[], $54::numeric[])
                 WITH ORDINALITY AS l(id, item_id, description, hsn_code, is_service, quantity, unit, unit_price, discount, tax_inclusive, treatment, tax_rate, cess_rate, taxable, cgst, sgst, igst, cess, total, n)",
        )
        .bind(company).bind(stored.id).bind(stored.external_id.as_deref()).bind(stored.status).bind(stored.number.as_deref()).bind(stored.registration)
        .bind(stored.seller_gstin.as_str()).bind(fiscal_year).bind(stored.customer).bind(stored.customer_name.as_str()).bind(stored.buyer_gstin.as_deref())
        .bind(stored.currency.code()).bind(stored.date).bind(stored.due_date).bind(stored.terms).bind(json(&stored.instalments)?)
        .bind(stored.place.as_str()).bind(stored.place_basis.as_str()).bind(stored.supply).bind(stored.reverse_charge).bind(stored.po_reference.as_deref())
        .bind(stored.taxable).bind(stored.cgst).bind(stored.sgst).bind(stored.igst).bind(stored.cess).bind(stored.round_off).bind(stored.total)
        .bind(stored.entry).bind(json(&stored.metadata)?)
        .bind(if unposted { json(input)? } else { Value::Object(serde_json::Map::new()) })
        .bind(stored.version).bind(stored.created_by.as_str()).bind(stored.created_at).bind(stored.updated_at)
        .bind(lines.iter().map(|(id, _)| *id).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.item_id).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.description.as_str()).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.hsn_code.as_str()).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.is_service).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.quantity).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.unit.as_str()).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.unit_price).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.discount).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.tax_inclusive).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.treatment).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.tax_rate).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.cess_rate).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.tax.taxable).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.tax.cgst).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.tax.sgst).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.tax.igst).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.tax.cess).collect::<Many<_>>())
        .bind(lines.iter().map(|(_, l)| l.tax.total).collect::<Many<_>>())
        .bind(stored.kind).bind(note.and_then(|note| note.original.as_ref()).map(|original| original.id)).bind(note.map(|note| note.reason_code))
        .bind(note.map_or(TaxEffect::Gst, |note| note.tax_effect)).bind((!unposted).then_some(stored.posting_date)).bind(stored.rate).bind(settlement_json(&stored.settlement)),
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
        original_id: Option<InvoiceId>, original_number: Option<String>, original_date: Option<NaiveDate>, reason_code: Option<ReasonCode>, tax_effect: TaxEffect, posting_date: Option<NaiveDate>,
        exchange_rate: Decimal, settlement_terms: Option<Value>, approval_id: Option<ApprovalId>,
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
                n.id AS original_id, n.number AS original_number, n.invoice_date AS original_date, i.reason_code, i.tax_effect, i.posting_date, i.exchange_rate, i.settlement_terms,
                (SELECT p.id FROM approval p WHERE p.company_id = i.company_id AND p.subject_id = i.id AND p.state = 'pending' LIMIT 1) AS approval_id,
                coalesce(a.written_off, 0) AS settled_written_off, coalesce(a.refunded, 0) AS settled_refunded, coalesce(o.open, i.grand_total)::numeric AS open, o.oldest_due, coalesce(a.moves, 0) AS moves
         FROM invoice i
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
    let original = row.original_id.zip(row.original_date).map(|(id, date)| StoredOriginal { id, number: row.original_number, date });
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
        po_reference: row.po_reference,
        taxable: row.taxable_value,
        cgst: row.cgst,
        sgst: row.sgst,
        igst: row.igst,
        cess: row.cess,
        round_off: row.round_off,
        total: row.grand_total,
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

/// Whether issued notes correct an invoice.
pub fn is_corrected(rx: &mut Rx<'_>, id: InvoiceId) -> Result<bool, Problem> {
    let company = rx.company();
    rx.scalar(Sql::new("SELECT EXISTS (SELECT FROM invoice WHERE company_id = $1 AND original_invoice_id = $2 AND status = 'issued')").bind(company).bind(id))
}

pub fn mark_cancelled(tx: &mut Tx<'_>, id: InvoiceId, on: NaiveDate, reason: &str) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE invoice SET status = 'cancelled', cancelled_on = $3, cancel_reason = $4, version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2")
            .bind(company).bind(id).bind(on).bind(reason),
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
        i.original_invoice_id, i.reason_code, coalesce(o.open, i.grand_total)::numeric AS open, o.oldest_due, coalesce(a.moves, 0) AS moves, coalesce(a.written_off, false) AS written_off
        FROM invoice i
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
    let condition = if filter.overdue == Some(false) { "coalesce(o.oldest_due >= {}, true)" } else { "i.status = 'issued' AND o.oldest_due < {}" };
    INVOICES
        .of(rx)
        .any_of("i.status", filter.status.as_deref())
        .when("i.customer_id = {}", filter.customer_id)
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
        .page(rx, paging)
}

/// Notes of a kind.
pub fn list_notes(rx: &mut Rx<'_>, kind: Kind, paging: &Paging, filter: &NoteFilter) -> Result<Page<SummaryRow>, Problem> {
    let list = if kind == Kind::CreditNote { &CREDIT_NOTES } else { &DEBIT_NOTES };
    list.of(rx)
        .any_of("i.status", filter.status.as_deref())
        .any_of("i.reason_code", filter.reason_code.as_deref())
        .when("i.customer_id = {}", filter.customer_id)
        .when("i.original_invoice_id = {}", filter.original_invoice_id)
        .when("i.external_id = {}", filter.external_id.clone())
        .when("i.number = {}", filter.number.clone())
        .when("i.invoice_date >= {}", filter.note_date_gte)
        .when("i.invoice_date <= {}", filter.note_date_lte)
        .when("i.status = 'issued' AND o.open > {}", filter.unapplied_gt.map(|a| a.0))
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
            buyer_gstin: original.map_or(&ground.buyer_gstin, |invoice| &invoice.buyer_gstin).clone(),
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
            po_reference: new.po_reference.clone(),
            taxable: priced.tax.taxable,
            cgst: priced.tax.cgst,
            sgst: priced.tax.sgst,
            igst: priced.tax.igst,
            cess: priced.tax.cess,
            round_off: priced.tax.round_off,
            total: priced.tax.payable,
            entry: None,
            note: order.note.as_ref().map(|note| StoredNote {
                reason_code: note.reason_code,
                tax_effect: priced.tax_effect,
                original: original.map(|invoice| StoredOriginal { id: invoice.id, number: invoice.number.clone(), date: invoice.date }),
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
        }
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
