//! Documents of the books, as a return tells them.

use crate::billing::invoices::order::Kind;
use crate::billing::invoices::types::{SupplyKind, TaxTreatment};
use crate::filing::gstr1::{Document, DocumentKind, Line, Operator, OperatorSection, Original, Recipient, RecipientKind, ShippingBill, Tax};
use crate::platform::http::Problem;
use crate::platform::ids::{InvoiceId, RegistrationId, ReturnId};
use crate::platform::money::round;
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::Rx;
use crate::row;
use crate::tax::gst::gstin::{Gstin, GstinCategory, Mode};
use crate::tax::gst::supply::SupplyType;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::HashMap;
use uuid::Uuid;

/// Which documents.
#[derive(Debug, Clone, Copy)]
pub enum Scope {
    /// Dated in a span.
    Dated,
    /// Dated in a span of filed returns, and in none of them.
    Late,
    /// Reported in a filed return of the span, cancelled since, and taken back in none.
    Cancelled,
    /// Exports reported in a filed return of the span whose shipping bill is another now than what was last told.
    Shipped,
    /// Documents in the totals of tables 7 and 14 of one filed return.
    InTotal(ReturnId),
}

impl Scope {
    fn condition(self) -> &'static str {
        match self {
            Self::Dated => "true",
            Self::Late => "NOT EXISTS (SELECT FROM gst_return_document d WHERE d.company_id = i.company_id AND d.document_id = i.id)",
            Self::Cancelled => {
                "i.status = 'cancelled' AND EXISTS (SELECT FROM gst_return_document d WHERE d.company_id = i.company_id AND d.document_id = i.id AND NOT d.amends AND d.section <> 'doc_issue')
                 AND NOT EXISTS (SELECT FROM gst_return_document d WHERE d.company_id = i.company_id AND d.document_id = i.id AND d.amends
                    AND NOT EXISTS (SELECT FROM gst_return_shipping s WHERE s.company_id = d.company_id AND s.return_id = d.return_id AND s.document_id = d.document_id))"
            }
            Self::Shipped => {
                "i.status = 'issued' AND i.shipping_bill_number IS NOT NULL
                 AND EXISTS (SELECT FROM gst_return_document d WHERE d.company_id = i.company_id AND d.document_id = i.id AND NOT d.amends AND d.section = 'exp')
                 AND concat_ws(' ', i.port_code, i.shipping_bill_number, to_char(i.shipping_bill_date, 'YYYY-MM-DD')) IS DISTINCT FROM
                    (SELECT s.told FROM gst_return_shipping s JOIN gst_return r ON r.company_id = s.company_id AND r.id = s.return_id
                     WHERE s.company_id = i.company_id AND s.document_id = i.id ORDER BY r.period DESC LIMIT 1)"
            }
            Self::InTotal(_) => {
                "EXISTS (SELECT FROM gst_return_document d WHERE d.company_id = i.company_id AND d.document_id = i.id AND d.return_id = $8 AND NOT d.amends
                    AND (d.section = 'b2cs' OR d.section <> 'doc_issue' AND i.ecommerce_section IS NOT NULL))"
            }
        }
    }
}

/// A shipping bill as a filed return told it; `None` where it told none.
#[must_use]
pub fn shipping_told(bill: &ShippingBill) -> Option<String> {
    let parts = [bill.port.clone(), bill.number.clone(), bill.date.map(|date| date.to_string())];
    bill.number.as_ref().map(|_| parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

row! {
    struct HeaderRow {
        id: InvoiceId, kind: Kind, number: String, invoice_date: NaiveDate, cancelled: bool, buyer_gstin: Option<String>,
        supply_type: SupplyKind, place_of_supply: String, reverse_charge: bool, exchange_rate: Decimal, cgst: Decimal, sgst: Decimal, igst: Decimal, cess: Decimal, round_off: Decimal,
        other_charges: Decimal, differential: bool, grand_total: Decimal, original_number: Option<String>, original_date: Option<NaiveDate>, original_value: Option<Decimal>,
        operator: Option<String>, operator_section: Option<String>, port_code: Option<String>, shipping_bill_number: Option<String>, shipping_bill_date: Option<NaiveDate>, to_composition: bool,
    }
}
row! {
    struct LineRow {
        invoice_id: InvoiceId, hsn_code: String, is_service: bool, quantity: Decimal, unit: String, treatment: TaxTreatment, tax_rate: Decimal, taxable_value: Decimal, cgst: Decimal,
        sgst: Decimal, igst: Decimal, cess: Decimal,
    }
}

/// A document of the books.
pub struct Own {
    pub id: InvoiceId,
    pub document: Document,
}

/// Documents read at once: so many are in memory, however many there are.
const BATCH: i64 = 2_000;

/// Goes through the documents of a registration dated in a span that change the tax, by date. Financial notes move
/// money only and are in no return; what was issued as a composition dealer is declared in CMP-08 and GSTR-4.
pub fn each(
    rx: &mut Rx<'_>,
    registration: RegistrationId,
    from: NaiveDate,
    to: NaiveDate,
    scope: Scope,
    mut visit: impl FnMut(Own) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let company = rx.company();
    let exponent = rx.cx().currency().exponent();
    let text = format!(
        "SELECT i.id, i.kind, i.number, i.invoice_date, i.status = 'cancelled' AS cancelled, i.buyer_gstin, i.supply_type,
                i.place_of_supply, i.reverse_charge, i.exchange_rate, i.cgst::numeric AS cgst, i.sgst::numeric AS sgst, i.igst::numeric AS igst, i.cess::numeric AS cess,
                i.round_off::numeric AS round_off, coalesce((i.pricing ->> 'other_charges')::numeric, 0) AS other_charges, coalesce((i.pricing ->> 'differential')::numeric, 100) <> 100 AS differential,
                i.grand_total::numeric AS grand_total,
                o.number AS original_number, o.invoice_date AS original_date, (o.grand_total * o.exchange_rate)::numeric AS original_value,
                i.ecommerce_operator_gstin AS operator, i.ecommerce_section AS operator_section, i.port_code, i.shipping_bill_number, i.shipping_bill_date,
                coalesce(i.buyer_composition, false) AS to_composition
         FROM invoice i LEFT JOIN invoice o ON o.company_id = i.company_id AND o.id = i.original_invoice_id
         WHERE i.company_id = $1 AND i.registration_id = $2 AND i.invoice_date BETWEEN $3 AND $4 AND (i.invoice_date, i.id) > ($5, $6) AND i.status IN ('issued', 'cancelled')
           AND i.tax_effect = 'gst' AND i.seller_composition IS NOT TRUE AND {}
         ORDER BY i.invoice_date, i.id LIMIT $7",
        scope.condition()
    );
    let (mut day, mut id) = (from, InvoiceId::of(Uuid::nil()));
    loop {
        let mut sql = Sql::new(text.clone()).bind(company).bind(registration).bind(from).bind(to).bind(day).bind(id).bind(BATCH);
        if let Scope::InTotal(of) = scope {
            sql = sql.bind(of);
        }
        let headers: Vec<HeaderRow> = rx.load(sql)?;
        let Some(last) = headers.last() else { return Ok(()) };
        (day, id) = (last.invoice_date, last.id);
        let mut lines = lines_of(rx, &headers)?;
        for header in headers {
            let own = lines.remove(&header.id).unwrap_or_default();
            visit(of_row(header, own, exponent))?;
        }
    }
}

fn lines_of(rx: &mut Rx<'_>, headers: &[HeaderRow]) -> Result<HashMap<InvoiceId, Vec<LineRow>>, Problem> {
    let company = rx.company();
    let ids: Many<InvoiceId> = headers.iter().map(|header| header.id).collect();
    let rows: Vec<LineRow> = rx.load(
        Sql::new(
            "SELECT invoice_id, hsn_code, is_service, quantity, unit, treatment, tax_rate, taxable_value::numeric AS taxable_value, cgst::numeric AS cgst, sgst::numeric AS sgst,
                    igst::numeric AS igst, cess::numeric AS cess FROM invoice_line WHERE company_id = $1 AND invoice_id = ANY ($2) ORDER BY invoice_id, line_no",
        )
        .bind(company)
        .bind(ids),
    )?;
    let mut lines: HashMap<InvoiceId, Vec<LineRow>> = HashMap::with_capacity(headers.len());
    for row in rows {
        lines.entry(row.invoice_id).or_default().push(row);
    }
    Ok(lines)
}

fn of_row(row: HeaderRow, lines: Vec<LineRow>, exponent: u32) -> Own {
    let taxes = in_base(&row, &lines, exponent);
    let line = |(line, tax): (LineRow, Tax)| Line {
        rate: line.tax_rate,
        tax,
        treatment: line.treatment.of_law(),
        service: line.is_service,
        hsn: Some(line.hsn_code),
        uqc: Some(line.unit),
        quantity: line.quantity,
    };
    let supply = SupplyType::from_code(row.supply_type.as_str()).unwrap_or(SupplyType::B2c);
    let category = row.buyer_gstin.as_deref().and_then(|gstin| Gstin::parse(gstin, Mode::Sandbox).ok()).map(|gstin| gstin.category());
    let uin = category == Some(GstinCategory::Uin);
    // The portal takes no supplies to the registrations of non-residents and of OIDAR services invoice by invoice.
    let gstin = row.buyer_gstin.filter(|_| category.is_none_or(GstinCategory::can_be_recipient));
    let kind = match supply {
        _ if supply.is_export() => RecipientKind::Overseas,
        _ if supply.is_sez() => RecipientKind::Sez,
        SupplyType::DeemedExport => RecipientKind::DeemedExport,
        _ if gstin.is_some() && row.to_composition => RecipientKind::Composition,
        _ if gstin.is_some() => RecipientKind::Registered,
        _ => RecipientKind::Unregistered,
    };
    let operator_section = row.operator_section.as_deref().map(|section| if section == "9_5" { OperatorSection::S9 } else { OperatorSection::S52 });
    let document = Document {
        kind: match row.kind {
            Kind::Invoice => DocumentKind::Invoice,
            Kind::CreditNote => DocumentKind::CreditNote,
            Kind::DebitNote => DocumentKind::DebitNote,
        },
        date: row.invoice_date,
        series: None,
        cancelled: row.cancelled,
        recipient: Recipient { kind, gstin, uin },
        place: row.place_of_supply,
        supply,
        reverse_charge: row.reverse_charge,
        value: round(row.grand_total * row.exchange_rate, exponent),
        original: row.original_number.map(|number| Original { number, date: row.original_date, value: row.original_value.map(|value| round(value, exponent)) }),
        operator: row.operator.zip(operator_section).map(|(gstin, section)| Operator { gstin, section }),
        supplied_by: None,
        shipping: ShippingBill { number: row.shipping_bill_number, date: row.shipping_bill_date, port: row.port_code },
        differential: row.differential,
        former: None,
        lines: lines.into_iter().zip(taxes).map(line).collect(),
        number: row.number.to_ascii_uppercase(),
    };
    Own { id: row.id, document }
}

/// The lines in base currency, so that they come to what was posted: each total at the document's rate, the taxable
/// value taking the residue, spread over the lines.
fn in_base(row: &HeaderRow, lines: &[LineRow], exponent: u32) -> Vec<Tax> {
    let own = |line: &LineRow| Tax { txval: line.taxable_value, iamt: line.igst, camt: line.cgst, samt: line.sgst, csamt: line.cess };
    if row.exchange_rate == Decimal::ONE {
        return lines.iter().map(own).collect();
    }
    let at_rate = |value: Decimal| round(value * row.exchange_rate, exponent);
    let [iamt, camt, samt, csamt] = [row.igst, row.cgst, row.sgst, row.cess].map(at_rate);
    let collected = if row.reverse_charge || row.operator_section.as_deref() == Some("9_5") { Decimal::ZERO } else { iamt + camt + samt + csamt };
    let txval = at_rate(row.grand_total) - collected - at_rate(row.round_off) - at_rate(row.other_charges);
    let share = |total, weigh: fn(&LineRow) -> Decimal| spread(total, lines.iter().map(weigh), exponent);
    let parts = [
        share(txval, |line| line.taxable_value),
        share(iamt, |line| line.igst),
        share(camt, |line| line.cgst),
        share(samt, |line| line.sgst),
        share(csamt, |line| line.cess),
    ];
    let at = |part: usize, line: usize| parts[part].get(line).copied().unwrap_or_default();
    (0..lines.len()).map(|line| Tax { txval: at(0, line), iamt: at(1, line), camt: at(2, line), samt: at(3, line), csamt: at(4, line) }).collect()
}

/// Parts in proportion to the weights that add up to the total: each is what has come up to it, less what came before.
fn spread(total: Decimal, weights: impl Iterator<Item = Decimal> + Clone, exponent: u32) -> Vec<Decimal> {
    let sum: Decimal = weights.clone().sum();
    let (mut seen, mut given) = (Decimal::ZERO, Decimal::ZERO);
    weights
        .map(|weight| {
            seen += weight;
            let up_to = if sum.is_zero() { Decimal::ZERO } else { round(total * (seen / sum), exponent) };
            let part = up_to - given;
            given = up_to;
            part
        })
        .collect()
}
