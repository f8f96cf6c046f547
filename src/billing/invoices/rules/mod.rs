//! What a document costs and when it falls due. Pure: values in, values out.

mod ground;
mod lines;
mod supplies;

pub use ground::{Ground, House, Original, Priced, PricedLine, Pricing, Terms};
pub use supplies::{in_capitals, shipping_fault};

use super::order::{Kind, Order, TaxEffect};
use super::types::{InvoiceStatus, NewInvoice, SupplyKind};
use crate::ledger::SettlementTerms;
use crate::master_data::customers::rules::metadata_faults;
use crate::master_data::customers::types::CustomerKind;
use crate::master_data::payment_terms::rules::{Instalment, split};
use crate::platform::dates::plus_days;
use crate::platform::http::{FieldError, faults};
use crate::platform::ids::TermsId;
use crate::platform::money::{Currency, LARGEST, round};
use crate::tax::gst::compute::{ComputeFault, Computed, Discount, DocumentInput, RateTax, Treatment, compute};
use crate::tax::gst::limits;
use crate::tax::gst::supply::{self, PlaceOfSupply};
use crate::tax::gst::time::Days3;
use chrono::NaiveDate;
use lines::{CompleteCharge, CompleteLine, complete_charges, complete_lines, differential};
use rust_decimal::Decimal;
use std::borrow::Cow;
use supplies::{composition_faults, operator, place_of_supply, supply_of};

/// Decides everything, or names everything that is wrong.
pub fn price(order: &Order, ground: &Ground, house: House) -> Result<Priced, Vec<FieldError>> {
    let new = &order.content;
    // A registered person who buys as a consumer does not say the number.
    let consumer = ground.original.is_none() && new.supply_type == Some(SupplyKind::B2c) && ground.buyer_gstin.is_some();
    let ground = &if consumer { Cow::Owned(Ground { buyer_gstin: None, ..ground.clone() }) } else { Cow::Borrowed(ground) };
    let mut errors = header_faults(order, ground, house);
    let tax_effect = tax_effect(order, ground).unwrap_or_else(|error| {
        errors.push(error);
        TaxEffect::Gst
    });
    let days = Days3::of(new.invoice_date, new.supply_date, new.payment_date);
    let lines = complete_lines(order, ground, house, days, tax_effect, &mut errors);
    let charges = complete_charges(order, &lines, ground, house, days, tax_effect, &mut errors);
    let differential = differential(order, ground, &mut errors);
    let place = place_of_supply(new, ground, &lines).unwrap_or_else(|found| {
        errors.extend(found);
        PlaceOfSupply { code: ground.seller_state.clone(), basis: "", explanation: String::new() }
    });
    let original = ground.original.as_ref().map(|original| &*original.invoice);
    if let Some(invoice) = original.filter(|invoice| tax_effect == TaxEffect::Gst && invoice.rate != house.rate) {
        let detail = "A note that changes the tax is at the rate of its invoice; a financial one may be at another.";
        errors.push(FieldError::at("/exchange_rate", "exchange_rate_mismatch", detail).expected(invoice.rate.normalize()).received(house.rate));
    }
    let supply = original.map(|invoice| invoice.supply).or(new.supply_type).unwrap_or_else(|| supply_of(ground, &place.code));
    if !supply.of_law().fits_place(&place.code) {
        errors.push(
            FieldError::at("/place_of_supply", "place_of_supply_mismatch", format!("A supply of type {supply} cannot have this place of supply."))
                .received(&place.code),
        );
    }
    // What a note without an invoice of ours is about, its own papers say.
    let to_registered = supply == SupplyKind::B2b || order.note.is_none() && matches!(supply, SupplyKind::Sezwp | SupplyKind::Sezwop | SupplyKind::Dexp);
    if original.is_none() && to_registered && ground.buyer_gstin.is_none() {
        errors.push(FieldError::at("/supply_type", "gstin_missing", format!("A supply of type {supply} needs a customer with a GSTIN.")));
    }
    let reverse_charge = original.map_or(new.reverse_charge, |invoice| invoice.reverse_charge);
    let seller_composition = original.map_or(ground.composition, |invoice| invoice.seller_composition);
    let operator = match original {
        Some(invoice) => invoice.operator.clone(),
        None => operator(new, ground, supply).unwrap_or_else(|error| {
            errors.push(error);
            None
        }),
    };
    if original.is_none() {
        errors.extend(shipping_fault(new.shipping_bill.as_ref(), supply, new.invoice_date, house.today, "/shipping_bill"));
        if seller_composition {
            errors.extend(composition_faults(new, ground, supply, &place));
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let input = DocumentInput {
        charges: charges.iter().map(|charge| charge.input.clone()).collect(),
        discount: Discount { percent: new.document_discount_percent.unwrap_or_default().0, amount: new.document_discount.unwrap_or_default().0 },
        differential,
        exponent: house.currency.exponent(),
        round_to_unit: house.round_to_unit,
        tax_collected: supply::tax_collected(supply.of_law(), seller_composition, operator.as_ref().map(|operator| operator.section.of_law()), reverse_charge),
        ..DocumentInput::of_lines(supply::split(ground.seat(), &place.code, supply.of_law()), lines.iter().map(|line| line.input.clone()).collect())
    };
    let tax = compute(&input).map_err(|fault| {
        let pointer = match (fault, fault.line(), fault.charge()) {
            (_, Some(line), _) => format!("/lines/{line}"),
            (_, _, Some(charge)) => format!("/charges/{charge}"),
            (ComputeFault::DocumentDiscount, ..) => "/document_discount".to_owned(),
            _ => "/lines".to_owned(),
        };
        vec![FieldError::at(pointer, fault.reason(), fault.to_string())]
    })?;
    if tax.payable <= Decimal::ZERO || tax.payable > LARGEST || tax.payable.checked_mul(house.rate).is_none_or(|base| base > LARGEST) {
        let code = if tax.payable > Decimal::ZERO { "amount_too_large" } else { "amount_not_positive" };
        let detail = format!("The total of {} lies between 0 and 9,999,999,999,999, also in base currency.", article(order.kind));
        return Err(vec![FieldError::at("/lines", code, detail).received(tax.payable)]);
    }
    if let (Kind::CreditNote, Some(original)) = (order.kind, &ground.original) {
        let left = original.invoice.total - original.credited;
        if tax.payable > left {
            let detail = "Credit notes together never exceed the invoice they correct.";
            return Err(vec![FieldError::at("/lines", "credit_exceeds_original", detail).expected(format!("at most {left}")).received(tax.payable)]);
        }
        if tax_effect == TaxEffect::Gst {
            let errors: Vec<_> = tax.by_rate.iter().filter_map(|wanted| exceeds_rate(original, wanted)).collect();
            if !errors.is_empty() {
                return Err(errors);
            }
        }
    }
    let (instalments, terms) = instalments(order, ground, house.currency, tax.payable);
    if let Some(first) = instalments.iter().map(|i| i.due_date).min().filter(|due| *due < new.invoice_date) {
        let detail = format!("Nothing falls due before the date of the {}.", order.kind.name());
        return Err(vec![FieldError::at("/due_date", "due_before_invoice", detail).received(first)]);
    }
    let agreed = ground.terms.as_ref().filter(|agreed| terms == Some(agreed.id) && order.kind != Kind::CreditNote);
    let instalments = instalments
        .into_iter()
        .map(|instalment| {
            let settlement = settlement_terms(order.kind, instalment.amount, new.invoice_date, agreed, house);
            (instalment, settlement)
        })
        .collect();
    let pricing = pricing(new, &lines, &charges, &tax, differential);
    let taxed = lines.into_iter().zip(&tax.lines).map(|(line, tax)| PricedLine { tax: tax.clone(), ..line.priced });
    let charged = charges.into_iter().zip(&tax.charges).filter_map(|(charge, amounts)| Some(PricedLine { tax: amounts.sum.clone(), ..charge.line? }));
    let lines = taxed.chain(charged).collect();
    Ok(Priced {
        place,
        supply,
        buyer_gstin: ground.buyer_gstin.clone(),
        buyer_composition: original.map_or(ground.kind == CustomerKind::Composition && !consumer, |invoice| invoice.buyer_composition),
        seller_composition,
        reverse_charge,
        operator,
        shipping: new.shipping_bill.as_ref().map(in_capitals),
        tax_effect,
        currency: house.currency,
        rate: house.rate,
        lines,
        pricing,
        tax,
        instalments,
        terms,
    })
}

fn pricing(new: &NewInvoice, lines: &[CompleteLine], charges: &[CompleteCharge], tax: &Computed, differential: Decimal) -> Pricing {
    let cess_per_unit: Vec<Decimal> = lines.iter().map(|line| line.input.cess_per_unit).collect();
    let after_tax = new.charges.iter().zip(charges).filter(|(_, charge)| charge.line.is_none()).map(|(new, charge)| (new.label.clone(), charge.input.amount));
    Pricing {
        discount: tax.discount,
        discount_shares: if tax.discount.is_zero() { Vec::new() } else { tax.discount_shares.clone() },
        charge_lines: charges.iter().filter(|charge| charge.line.is_some()).count(),
        after_tax: after_tax.collect(),
        other_charges: tax.other_charges,
        cess_per_unit: if cess_per_unit.iter().all(Decimal::is_zero) { Vec::new() } else { cess_per_unit },
        differential,
        supply_date: new.supply_date,
        payment_date: new.payment_date,
    }
}

/// Tax is reduced by no more than was charged (CGST Act s.34(1)): of a rate and treatment no more value and no more
/// of any tax than the invoice bears, less what earlier notes took back.
fn exceeds_rate(original: &Original, wanted: &RateTax) -> Option<FieldError> {
    let sums = |tax: &RateTax| [tax.taxable, tax.cgst, tax.sgst, tax.igst, tax.cess];
    let alike = |treatment: Treatment, rate: Decimal| treatment == wanted.treatment && rate == wanted.rate;
    let mut left = [Decimal::ZERO; 5];
    for (_, line) in original.invoice.lines.iter().filter(|(_, line)| alike(line.treatment.of_law(), line.tax_rate)) {
        let tax = &line.tax;
        left = add(left, [tax.taxable, tax.cgst, tax.sgst, tax.igst, tax.cess]);
    }
    for taken in original.taken_back.iter().filter(|taken| alike(taken.treatment, taken.rate)) {
        left = add(left, sums(taken).map(|sum| -sum));
    }
    let wants = sums(wanted);
    if wants.iter().zip(&left).all(|(want, left)| want <= left) {
        return None;
    }
    let [value, tax @ ..] = left;
    let said = |value: Decimal, tax: &[Decimal]| format!("{value} with {} of tax", tax.iter().sum::<Decimal>());
    let detail = format!("At {} % the invoice does not bear so much that is still to be credited.", wanted.rate.normalize());
    Some(FieldError::at("/lines", "credit_exceeds_original", detail).expected(format!("at most {}", said(value, &tax))).received(said(wants[0], &wants[1..])))
}

fn add(left: [Decimal; 5], right: [Decimal; 5]) -> [Decimal; 5] {
    std::array::from_fn(|at| left[at] + right[at])
}

const fn article(kind: Kind) -> &'static str {
    match kind {
        Kind::Invoice => "an invoice",
        Kind::CreditNote => "a credit note",
        Kind::DebitNote => "a debit note",
    }
}

/// What is agreed about settling one instalment, by the terms and the company's settings of the day:
/// the discount and its last days, and the tolerance, the lesser of per cent and amount.
fn settlement_terms(kind: Kind, amount: Decimal, date: NaiveDate, agreed: Option<&Terms>, house: House) -> SettlementTerms {
    if kind == Kind::CreditNote {
        return SettlementTerms::default();
    }
    let per_cent = |percent: Decimal| round(amount * percent / Decimal::ONE_HUNDRED, house.currency.exponent());
    let tolerance = per_cent(house.settlement.tolerance_percent).min(round(house.settlement.tolerance_amount, house.currency.exponent()));
    let discounted = agreed.filter(|terms| !terms.discount_percent.is_zero());
    let discount_until = discounted.map(|terms| plus_days(date, terms.discount_days));
    SettlementTerms {
        discount: discounted.map_or(Decimal::ZERO, |terms| per_cent(terms.discount_percent)),
        discount_until,
        grace_until: discount_until.map(|until| plus_days(until, house.settlement.discount_grace_days)),
        tolerance,
    }
}

fn header_faults(order: &Order, ground: &Ground, house: House) -> Vec<FieldError> {
    let new = &order.content;
    let mut errors = metadata_faults(&new.metadata);
    errors.extend(faults::in_future(order.kind.date_pointer(), new.invoice_date, house.today));
    if let Some(total) = new.expected_total.filter(|total| !house.currency.holds(total.0)) {
        errors.push(faults::precision("/expected_total", total.0, house.currency));
    }
    if let Some(until) = ground.registered_until.filter(|until| *until < new.invoice_date) {
        let detail = "The GST registration has ended; under it nothing is supplied any more (CGST Act s.29).";
        errors.push(FieldError::at(order.kind.date_pointer(), "registration_ended", detail).expected(format!("at most {until}")).received(new.invoice_date));
    }
    let Some(note) = &order.note else { return errors };
    let Some(original) = ground.original.as_ref().map(|original| &*original.invoice) else {
        if !note.free {
            errors.push(FieldError::at(note.original_pointer(), "required", "Name the invoice the note corrects, or say free: true when there is none."));
        }
        return errors;
    };
    if note.free {
        errors.push(FieldError::at("/free", "note_not_free", "A note that corrects an invoice is not free."));
    }
    if ground.customer != original.customer {
        errors.push(FieldError::at("/customer_id", "customer_mismatch", "The invoice belongs to another customer.").expected(original.customer.to_string()));
    }
    if new.invoice_date < original.date {
        errors.push(
            FieldError::at(order.kind.date_pointer(), "before_original", "A note is not dated before the invoice it corrects.")
                .expected(format!("at least {}", original.date))
                .received(new.invoice_date),
        );
    }
    let mut differs = |name: &str, code: &str, given: Option<String>, is: &str| {
        if let Some(given) = given.filter(|given| given != is) {
            errors.push(FieldError::at(format!("/{name}"), code, "A note follows the invoice it corrects.").expected(is).received(given));
        }
    };
    differs("currency", "currency_mismatch", new.currency.clone(), original.currency.code());
    differs("place_of_supply", "place_of_supply_mismatch", new.place_of_supply.clone(), &original.place);
    differs("supply_type", "supply_type_mismatch", new.supply_type.map(|supply| supply.to_string()), original.supply.as_str());
    differs("gst_registration_id", "registration_mismatch", new.gst_registration_id.map(|id| id.to_string()), &original.registration.to_string());
    differs("reverse_charge", "reverse_charge_mismatch", new.reverse_charge.then(|| "true".to_owned()), &original.reverse_charge.to_string());
    errors
}

/// Credit reduces tax until the 30 November after the year of the invoice (CGST Act s.34(2)); then, and
/// whenever that is asked for, a note moves money only. A debit note has no last day (s.34(3)).
fn tax_effect(order: &Order, ground: &Ground) -> Result<TaxEffect, FieldError> {
    let Some(note) = &order.note else { return Ok(TaxEffect::Gst) };
    let last = ground.original.as_ref().filter(|_| order.kind == Kind::CreditNote).map(|original| limits::credit_note_last_day(original.invoice.date));
    let passed = last.filter(|last| order.content.invoice_date > *last);
    match (note.tax_effect, passed) {
        (Some(TaxEffect::Gst), Some(last)) => {
            let detail = format!("Tax of this invoice could be reduced until {last} (CGST Act s.34(2)); leave tax_effect out for a financial note.");
            Err(FieldError::at("/tax_effect", "credit_note_window_passed", detail).expected(TaxEffect::Financial).received(TaxEffect::Gst))
        }
        (Some(wanted), _) => Ok(wanted),
        (None, Some(_)) => Ok(TaxEffect::Financial),
        (None, None) => Ok(TaxEffect::Gst),
    }
}

fn instalments(order: &Order, ground: &Ground, currency: Currency, total: Decimal) -> (Vec<Instalment>, Option<TermsId>) {
    let new = &order.content;
    let whole = |due_date| (vec![Instalment { due_date, amount: total }], None);
    if order.kind == Kind::CreditNote {
        return whole(new.invoice_date);
    }
    if let Some(due_date) = new.due_date {
        return whole(due_date);
    }
    // A debit note falls due with the invoice it adds to, if that is still to come.
    if let (Some(original), None) = (&ground.original, new.payment_terms_id) {
        return whole(original.invoice.due_date.max(new.invoice_date));
    }
    match (&ground.terms, ground.terms_days.filter(|_| new.payment_terms_id.is_none())) {
        (Some(terms), None) => (split(total, currency, new.invoice_date, &terms.instalments), Some(terms.id)),
        (_, days) => {
            let days = days.and_then(|days| u32::try_from(days).ok()).unwrap_or(0);
            whole(plus_days(new.invoice_date, days))
        }
    }
}

/// What may be done with a document in a state. An invoice or debit note is cancelled while nothing of it
/// is settled; a credit note while none of it was paid out.
#[must_use]
pub fn allowed_actions(kind: Kind, status: InvoiceStatus, cancellable: bool, export: bool, may: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut actions = Vec::new();
    if status == InvoiceStatus::Draft {
        actions.extend([("update", kind.write_permission()), ("delete", kind.write_permission()), ("issue", kind.issue_permission())]);
    }
    if status == InvoiceStatus::Issued && cancellable {
        actions.push(("cancel", kind.cancel_permission()));
    }
    if status == InvoiceStatus::Issued && export && kind == Kind::Invoice {
        actions.push(("record_shipping_bill", kind.write_permission()));
    }
    actions.into_iter().filter(|(_, permission)| may(permission)).map(|(action, _)| action).collect()
}
