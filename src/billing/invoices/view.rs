//! Documents as the wire shows them.

use super::order::Kind;
use super::rules::{PricedLine, allowed_actions};
use super::store::Stored;
use super::types::{
    Charge, ChargeTime, Document, InvoiceAmounts, InvoiceInstalment, InvoiceLine, InvoiceStatus, InvoiceTotals, Payable, PaymentStatus, SettlementTermsView,
};
use crate::billing::irns::{self, types::Record};
use crate::platform::dates::{Instant, month_label};
use crate::platform::ids::InvoiceLineId;
use crate::platform::money::{Currency, ExchangeRate, Quantity, Rate, UnitPrice, pad, round};
use crate::platform::unit_of_work::Context;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// What every kind shows.
#[must_use]
pub fn document(stored: &Stored, cx: &Context) -> Document {
    let (currency, settled) = (stored.currency, &stored.settled);
    let money = |value| currency.amount(value);
    let has_others = !stored.pricing.other_charges.is_zero();
    let registered = stored.einvoice.as_ref().is_some_and(Record::stands);
    let cancellable = !registered
        && match stored.kind {
            Kind::CreditNote => settled.refunded.is_zero(),
            Kind::Invoice | Kind::DebitNote => settled.open == stored.total && stored.notes.is_empty(),
        };
    Document {
        id: Some(stored.id),
        object: stored.kind.as_str(),
        number: stored.number.clone(),
        external_id: stored.external_id.clone(),
        status: stored.status,
        customer_id: stored.customer,
        customer_name: stored.customer_name.clone(),
        currency: currency.code().to_owned(),
        exchange_rate: ExchangeRate(pad(stored.rate, 2)),
        posting_date: stored.posting_date,
        place_of_supply: stored.place.clone(),
        place_of_supply_basis: stored.place_basis.clone(),
        supply_type: stored.supply,
        reverse_charge: stored.reverse_charge,
        operator: stored.operator.clone(),
        seller_composition: stored.seller_composition,
        gst_registration_id: stored.registration,
        seller_gstin: stored.seller_gstin.clone(),
        buyer_gstin: stored.buyer_gstin.clone(),
        po_reference: stored.po_reference.clone(),
        rounding: "document_rate_half_up",
        totals: InvoiceTotals {
            taxable_value: money(stored.taxable),
            cgst: money(stored.cgst),
            sgst: money(stored.sgst),
            igst: money(stored.igst),
            cess: money(stored.cess),
            other_charges: has_others.then(|| money(stored.pricing.other_charges)),
            round_off: money(stored.round_off),
            grand_total: money(stored.total),
        },
        document_discount: money(stored.pricing.discount),
        charges: charges(stored),
        differential_percent: Rate(pad(stored.pricing.differential, 2)),
        supply_date: stored.pricing.supply_date,
        payment_date: stored.pricing.payment_date,
        base_total: cx.currency().amount(stored.base_total(cx.currency())),
        base_totals: base_totals(stored, cx.currency()),
        einvoice: irns::view(stored, cx),
        gl_journal_id: stored.entry,
        period: month_label(stored.posting_date),
        lines: lines(stored),
        cancelled_on: stored.cancelled_on,
        cancel_reason: stored.cancel_reason.clone(),
        approval_id: stored.approval,
        allowed_actions: allowed_actions(
            stored.kind,
            stored.status,
            cancellable && stored.approval.is_none(),
            stored.supply.of_law().is_export(),
            |permission| cx.may_ask(permission),
        ),
        metadata: stored.metadata.clone(),
        explanation: None,
        version: stored.version + settled.moves,
        created_by: stored.created_by.clone(),
        created_at: Instant(stored.created_at),
        updated_at: Instant(stored.updated_at),
    }
}

/// Each total at the document's rate; the taxable value takes the residue, as the entry's largest line does.
fn base_totals(stored: &Stored, base: Currency) -> InvoiceTotals {
    let at_rate = |value: Decimal| round(value * stored.rate, base.exponent());
    let taxes = [stored.cgst, stored.sgst, stored.igst, stored.cess].map(at_rate);
    let [cgst, sgst, igst, cess] = taxes;
    let (round_off, other_charges, total) = (at_rate(stored.round_off), at_rate(stored.pricing.other_charges), stored.base_total(base));
    let collected = if stored.collects_tax() { taxes.iter().sum() } else { Decimal::ZERO };
    InvoiceTotals {
        taxable_value: base.amount(total - collected - round_off - other_charges),
        cgst: base.amount(cgst),
        sgst: base.amount(sgst),
        igst: base.amount(igst),
        cess: base.amount(cess),
        other_charges: (!other_charges.is_zero()).then(|| base.amount(other_charges)),
        round_off: base.amount(round_off),
        grand_total: base.amount(total),
    }
}

/// Charges before tax with their lines, then those after tax.
fn charges(stored: &Stored) -> Vec<Charge> {
    let of_lines = (1..).zip(&stored.lines).skip(stored.lines.len() - stored.pricing.charge_lines.min(stored.lines.len()));
    let taxed = of_lines.map(|(line_no, (_, line))| (line.description.clone(), ChargeTime::BeforeTax, line.unit_price, Some(line_no)));
    let untaxed = stored.pricing.after_tax.iter().map(|(label, amount)| (label.clone(), ChargeTime::AfterTax, *amount, None));
    taxed.chain(untaxed).map(|(label, when, amount, line_no)| Charge { label, when, amount: stored.currency.amount(amount), line_no }).collect()
}

fn lines(stored: &Stored) -> Vec<InvoiceLine> {
    let (currency, pricing) = (stored.currency, &stored.pricing);
    let money = |value| currency.amount(value);
    let of_line = |(at, (id, line)): (usize, &(InvoiceLineId, PricedLine))| {
        let (document_discount, cess_per_unit) = pricing.of_line(at);
        InvoiceLine {
            id: *id,
            line_no: i32::try_from(at + 1).unwrap_or(i32::MAX),
            item_id: line.item_id,
            description: line.description.clone(),
            hsn_code: line.hsn_code.clone(),
            is_service: line.is_service,
            quantity: Quantity(pad(line.quantity, 6)),
            unit: line.unit.clone(),
            unit_price: UnitPrice(pad(line.unit_price, currency.exponent())),
            discount: money(line.discount),
            document_discount: money(document_discount),
            is_charge: pricing.is_charge(at, stored.lines.len()),
            tax_inclusive: line.tax_inclusive,
            treatment: line.treatment,
            taxable_value: money(line.tax.taxable),
            tax_rate: Rate(pad(line.tax_rate, 2)),
            cess_rate: Rate(pad(line.cess_rate, 2)),
            cess_per_unit: UnitPrice(pad(cess_per_unit, currency.exponent())),
            cgst: money(line.tax.cgst),
            sgst: money(line.tax.sgst),
            igst: money(line.tax.igst),
            cess: money(line.tax.cess),
            line_total: money(line.tax.total),
        }
    };
    stored.lines.iter().enumerate().map(of_line).collect()
}

/// How a document that is owed falls due and is paid.
#[must_use]
pub fn payable(stored: &Stored, cx: &Context) -> Payable {
    let settled = &stored.settled;
    let money = |value| stored.currency.amount(value);
    let days = days_overdue(stored.status, settled.oldest_due, cx.today);
    Payable {
        payment_status: status_of(stored.status, stored.total, settled.open, !settled.written_off.is_zero()),
        is_overdue: days > 0,
        days_overdue: days,
        due_date: stored.due_date,
        payment_terms_id: stored.terms,
        instalments: stored.instalments.iter().map(|i| InvoiceInstalment { amount: money(i.amount.0), ..i.clone() }).collect(),
        settlement_terms: SettlementTermsView {
            discount: money(stored.settlement.discount),
            discount_until: stored.settlement.discount_until,
            grace_until: stored.settlement.grace_until,
            tolerance: money(stored.settlement.tolerance),
        },
        amounts: InvoiceAmounts {
            allocated_cash: money(settled.cash),
            allocated_tds: money(settled.tds),
            allocated_credit: money(settled.credit),
            allocated_other: money(settled.other),
            written_off: money(settled.written_off),
            balance_due: money(settled.open),
        },
    }
}

/// Days the oldest open part is past due.
#[must_use]
pub fn days_overdue(status: InvoiceStatus, oldest_due: Option<NaiveDate>, today: NaiveDate) -> i64 {
    match (status, oldest_due) {
        (InvoiceStatus::Issued, Some(due)) => (today - due).num_days().max(0),
        _ => 0,
    }
}

/// A cancelled document was never paid, though nothing of it is open.
#[must_use]
pub fn status_of(status: InvoiceStatus, total: Decimal, open: Decimal, written_off: bool) -> PaymentStatus {
    match (open.is_zero(), open == total, written_off) {
        _ if status == InvoiceStatus::Cancelled => PaymentStatus::Unpaid,
        (true, _, true) => PaymentStatus::WrittenOff,
        (true, ..) => PaymentStatus::Paid,
        (_, true, _) => PaymentStatus::Unpaid,
        _ => PaymentStatus::PartiallyPaid,
    }
}
