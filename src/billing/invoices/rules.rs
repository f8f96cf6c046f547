//! What a document costs and when it falls due. Pure: values in, values out.

use super::order::{Kind, Order, TaxEffect};
use super::store::Stored;
use super::types::{
    ChargeTime, EcommerceOperator, InvoiceStatus, NewCharge, NewInvoice, NewInvoiceLine, OperatorSection, ShippingBill, SupplyKind, TaxTreatment,
};
use crate::ledger::SettlementTerms;
use crate::master_data::customers::rules::metadata_faults;
use crate::master_data::customers::types::CustomerKind;
use crate::master_data::items::types::Item;
use crate::master_data::payment_terms::rules::{Instalment, split};
use crate::master_data::payment_terms::types::TermsInstalment;
use crate::platform::dates::plus_days;
use crate::platform::http::{FieldError, faults};
use crate::platform::ids::{CustomerId, ItemId, RegistrationId, TermsId};
use crate::platform::money::{Currency, LARGEST, UnitPrice, round};
use crate::platform::unit_of_work::SettlementPolicy;
use crate::tax::gst::compute::{ChargeInput, ChargeTax, ComputeFault, Computed, Discount, DocumentInput, LineInput, LineTax, RateTax, Treatment, compute};
use crate::tax::gst::supply::{self, OTHER_COUNTRIES, PlaceOfSupply, Seat, Split, SupplyType};
use crate::tax::gst::time::Days3;
use crate::tax::gst::{limits, rates, states, units};
use crate::tax::tools::places::{Parties, contradiction, place_of};
use crate::tax::tools::rules::{cess_fault, composition_inter_state, differential_fault, hsn_fault, rate_fault, read_operator, read_place};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What must be known before a document can be priced.
#[derive(Debug, Clone)]
pub struct Ground {
    pub customer: CustomerId,
    pub customer_name: String,
    pub kind: CustomerKind,
    pub buyer_gstin: Option<String>,
    pub billing_state: Option<String>,
    /// Where goods go, when that is another address than the bill's.
    pub shipping_state: Option<String>,
    pub registration: RegistrationId,
    pub seller_gstin: String,
    pub seller_state: String,
    /// Whether the registration is one of a composition dealer.
    pub composition: bool,
    /// Whether it is one of an SEZ.
    pub sez: bool,
    /// The last day of the registration.
    pub registered_until: Option<NaiveDate>,
    pub terms: Option<Terms>,
    pub terms_days: Option<i32>,
    pub items: Vec<Item>,
    /// The invoice a note corrects.
    pub original: Option<Original>,
}

impl Ground {
    /// Where it is supplied from.
    #[must_use]
    pub fn seat(&self) -> Seat<'_> {
        Seat { state: &self.seller_state, sez: self.sez }
    }
}

/// Payment terms as far as pricing needs them.
#[derive(Debug, Clone)]
pub struct Terms {
    pub id: TermsId,
    pub instalments: Vec<TermsInstalment>,
    /// For paying early, in per cent; 0 is none.
    pub discount_percent: Decimal,
    pub discount_days: u32,
}

/// The invoice a note corrects, and what was credited of it before.
#[derive(Debug, Clone)]
pub struct Original {
    pub invoice: Box<Stored>,
    pub credited: Decimal,
    /// By the notes that change the tax, each treatment and rate.
    pub taken_back: Vec<RateTax>,
}

/// Today, what the company decided, and the money of the document.
#[derive(Debug, Clone, Copy)]
pub struct House {
    /// The document's currency.
    pub currency: Currency,
    /// Base units for one unit of it.
    pub rate: Decimal,
    pub today: NaiveDate,
    pub round_to_unit: bool,
    pub settlement: SettlementPolicy,
    /// Aggregate turnover of the fiscal year before the document's, in rupees; `None` where nobody said.
    pub turnover: Option<Decimal>,
}

/// A line with everything decided.
#[derive(Debug, Clone)]
pub struct PricedLine {
    pub item_id: Option<ItemId>,
    pub description: String,
    pub hsn_code: String,
    pub is_service: bool,
    pub quantity: Decimal,
    pub unit: String,
    pub unit_price: Decimal,
    pub discount: Decimal,
    pub tax_inclusive: bool,
    pub treatment: TaxTreatment,
    pub tax_rate: Decimal,
    pub cess_rate: Decimal,
    pub tax: LineTax,
}

/// What a price is made of beside the lines; nothing of it in a plain document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pricing {
    /// Off all lines together, and what of it each bears.
    pub discount: Decimal,
    pub discount_shares: Vec<Decimal>,
    /// How many of the lines, the last ones, are charges before tax.
    pub charge_lines: usize,
    /// Charges after tax: each, and together.
    pub after_tax: Vec<(String, Decimal)>,
    pub other_charges: Decimal,
    /// Compensation cess for each unit, line by line.
    pub cess_per_unit: Vec<Decimal>,
    /// Per cent of the normal tax that is levied.
    pub differential: Decimal,
    pub supply_date: Option<NaiveDate>,
    pub payment_date: Option<NaiveDate>,
}

impl Default for Pricing {
    fn default() -> Self {
        Self {
            discount: Decimal::ZERO,
            discount_shares: Vec::new(),
            charge_lines: 0,
            after_tax: Vec::new(),
            other_charges: Decimal::ZERO,
            cess_per_unit: Vec::new(),
            differential: Decimal::ONE_HUNDRED,
            supply_date: None,
            payment_date: None,
        }
    }
}

impl Pricing {
    /// What a line bears of the discount, and its cess for each unit.
    #[must_use]
    pub fn of_line(&self, at: usize) -> (Decimal, Decimal) {
        let of = |values: &[Decimal]| values.get(at).copied().unwrap_or_default();
        (of(&self.discount_shares), of(&self.cess_per_unit))
    }

    /// Whether a line, of so many, is a charge.
    #[must_use]
    pub const fn is_charge(&self, at: usize, lines: usize) -> bool {
        at + self.charge_lines >= lines
    }
}

/// A document with everything decided but its number.
#[derive(Debug, Clone)]
pub struct Priced {
    pub place: PlaceOfSupply,
    pub supply: SupplyKind,
    /// As the document names it.
    pub buyer_gstin: Option<String>,
    pub buyer_composition: bool,
    pub seller_composition: bool,
    pub reverse_charge: bool,
    pub operator: Option<EcommerceOperator>,
    pub shipping: Option<ShippingBill>,
    pub tax_effect: TaxEffect,
    pub currency: Currency,
    pub rate: Decimal,
    /// Charges before tax last.
    pub lines: Vec<PricedLine>,
    pub pricing: Pricing,
    pub tax: Computed,
    /// What falls due when, each with what is agreed about settling it.
    pub instalments: Vec<(Instalment, SettlementTerms)>,
    pub terms: Option<TermsId>,
}

impl SupplyKind {
    #[must_use]
    pub fn of_law(self) -> SupplyType {
        SupplyType::from_code(self.as_str()).unwrap_or(SupplyType::B2c)
    }
}

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

/// The operator named, with its number as it is written; judged by who the parties are and what is supplied.
fn operator(new: &NewInvoice, ground: &Ground, supply: SupplyKind) -> Result<Option<EcommerceOperator>, FieldError> {
    let Some(operator) = &new.operator else { return Ok(None) };
    let parties: Vec<&str> = [Some(ground.seller_gstin.as_str()), ground.buyer_gstin.as_deref()].into_iter().flatten().collect();
    let gstin = read_operator(operator, &parties)?;
    if operator.section == OperatorSection::S9 && (new.reverse_charge || !matches!(supply, SupplyKind::B2b | SupplyKind::B2c)) {
        let detail = "Where the operator pays the tax, neither the recipient does nor is the supply zero-rated (CGST Act s.9(5)).";
        return Err(FieldError::at("/operator/section", "operator_invalid", detail).received(operator.section));
    }
    Ok(Some(EcommerceOperator { gstin, section: operator.section }))
}

/// What is wrong with a shipping bill of a document of this type and date.
#[must_use]
pub fn shipping_fault(bill: Option<&ShippingBill>, supply: SupplyKind, dated: NaiveDate, today: NaiveDate, pointer: &str) -> Option<FieldError> {
    let bill = bill?;
    if !supply.of_law().is_export() {
        let detail = "Only an export has a shipping bill (GSTR-1 table 6A).";
        return Some(FieldError::at(if pointer.is_empty() { "/number" } else { pointer }, "not_an_export", detail).received(supply));
    }
    let pointer = format!("{pointer}/date");
    if bill.date < dated {
        let detail = "A shipping bill is not dated before its invoice.";
        return Some(FieldError::at(pointer, "before_document", detail).expected(format!("at least {dated}")).received(bill.date));
    }
    faults::in_future(&pointer, bill.date, today)
}

/// As it is kept.
#[must_use]
pub fn in_capitals(bill: &ShippingBill) -> ShippingBill {
    ShippingBill { port_code: bill.port_code.as_deref().map(str::to_ascii_uppercase), ..bill.clone() }
}

/// What a composition dealer may not do: supply outside the State (CGST Act s.10(2)(c)), and collect tax (s.10(4)).
fn composition_faults(new: &NewInvoice, ground: &Ground, supply: SupplyKind, place: &PlaceOfSupply) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if !matches!(supply, SupplyKind::B2b | SupplyKind::B2c) || supply::split(ground.seat(), &place.code, supply.of_law()) == Split::Inter {
        errors.push(composition_inter_state(&ground.seller_state, &place.code));
    }
    let stated = |rate: Option<Decimal>| rate.is_some_and(|rate| !rate.is_zero());
    let lines = new.lines.iter().enumerate().flat_map(|(at, line)| {
        let given = [
            ("tax_rate", line.tax_rate.map(|rate| rate.0)),
            ("cess_rate", line.cess_rate.map(|rate| rate.0)),
            ("cess_per_unit", line.cess_per_unit.map(|cess| cess.0)),
        ];
        given.into_iter().filter(|(_, rate)| stated(*rate)).map(move |(name, _)| format!("/lines/{at}/{name}")).collect::<Vec<_>>()
    });
    let charges =
        new.charges.iter().enumerate().filter(|(_, charge)| stated(charge.tax_rate.map(|rate| rate.0))).map(|(at, _)| format!("/charges/{at}/tax_rate"));
    let detail = "A composition dealer collects no tax (CGST Act s.10(4)); leave it out.";
    errors.extend(lines.chain(charges).map(|pointer| FieldError::at(pointer, "composition_no_tax", detail)));
    errors
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

struct CompleteLine {
    priced: PricedLine,
    input: LineInput,
}

/// A charge; with the line it is in, where it is taxed.
struct CompleteCharge {
    line: Option<PricedLine>,
    input: ChargeInput,
}

fn complete_lines(order: &Order, ground: &Ground, house: House, days: Days3, effect: TaxEffect, errors: &mut Vec<FieldError>) -> Vec<CompleteLine> {
    let lines = order.content.lines.iter().enumerate();
    // Of an invoice that is not ours only its own time knows the rate.
    let free = order.note.is_some();
    lines.filter_map(|(at, line)| complete_line(line, at, days, free, ground, house, effect, errors)).collect()
}

/// What part of the normal tax is levied: a note follows its invoice.
fn differential(order: &Order, ground: &Ground, errors: &mut Vec<FieldError>) -> Decimal {
    let given = order.content.differential_percent.map_or(Decimal::ONE_HUNDRED, |percent| percent.0);
    let law = limits::differential_percent(order.content.invoice_date);
    if given != Decimal::ONE_HUNDRED && given != law {
        errors.push(differential_fault(order.content.invoice_date, given));
    }
    ground.original.as_ref().map_or(given, |original| original.invoice.pricing.differential)
}

fn complete_charges(
    order: &Order,
    lines: &[CompleteLine],
    ground: &Ground,
    house: House,
    days: Days3,
    effect: TaxEffect,
    errors: &mut Vec<FieldError>,
) -> Vec<CompleteCharge> {
    let new = &order.content;
    if let Some(discount) = new.document_discount.filter(|discount| !house.currency.holds(discount.0)) {
        errors.push(faults::precision("/document_discount", discount.0, house.currency));
    }
    let charges = new.charges.iter().enumerate();
    charges.filter_map(|(at, charge)| complete_charge(charge, at, lines, ground, house, days, effect, errors)).collect()
}

#[allow(clippy::too_many_arguments, reason = "a charge is judged by everything there is")]
fn complete_charge(
    charge: &NewCharge,
    at: usize,
    lines: &[CompleteLine],
    ground: &Ground,
    house: House,
    days: Days3,
    effect: TaxEffect,
    errors: &mut Vec<FieldError>,
) -> Option<CompleteCharge> {
    let before = errors.len();
    let pointer = |name: &str| format!("/charges/{at}/{name}");
    errors.extend(faults::amount(&pointer("amount"), charge.amount.0, house.currency));
    let amount = charge.amount.0;
    if charge.when == Some(ChargeTime::AfterTax) {
        return (errors.len() == before).then_some(CompleteCharge { line: None, input: ChargeInput { amount, tax: ChargeTax::Free } });
    }
    if let Some(code) = &charge.hsn_code {
        errors.extend(hsn_fault(&pointer("hsn_code"), code, days.invoice, house.turnover, ground.buyer_gstin.is_some()));
    }
    let priced: Vec<&PricedLine> = lines.iter().map(|line| &line.priced).collect();
    let stated = charge.tax_rate.map(|rate| rate.0).filter(|_| effect == TaxEffect::Gst && !ground.composition);
    // Its line then is taxed as theirs are.
    let shared = agreed(&priced, |line| (line.treatment, line.tax_rate, line.cess_rate));
    let (treatment, tax_rate, cess_rate, tax) = match (stated, shared) {
        (Some(rate), _) => {
            errors.extend(rate_fault(&pointer("tax_rate"), rate, days.rate_day(), charge.hsn_code.as_deref()));
            (TaxTreatment::Taxable, rate, Decimal::ZERO, ChargeTax::AtRate(rate))
        }
        (None, Some((treatment, rate, cess))) => (treatment, rate, cess, ChargeTax::AsLines),
        (None, None) => {
            errors.push(FieldError::at(pointer("tax_rate"), "required", "The lines have several rates; say which one the charge bears (CGST Act s.15(2)(c))."));
            return None;
        }
    };
    // What is incidental to a supply is of its kind (CGST Act s.8).
    let largest = lines.iter().max_by_key(|line| line.input.quantity.saturating_mul(line.input.unit_price))?;
    let is_service = charge.hsn_code.as_ref().map_or(largest.priced.is_service, |code| code.starts_with("99"));
    let zero = Decimal::ZERO;
    let line = PricedLine {
        item_id: None,
        description: charge.label.clone(),
        hsn_code: charge.hsn_code.clone().unwrap_or_else(|| largest.priced.hsn_code.clone()),
        is_service,
        quantity: Decimal::ONE,
        unit: units::OTHER.to_owned(),
        unit_price: amount,
        discount: zero,
        tax_inclusive: false,
        treatment,
        tax_rate,
        cess_rate,
        tax: LineTax { taxable: zero, cgst: zero, sgst: zero, igst: zero, cess: zero, total: zero },
    };
    (errors.len() == before).then_some(CompleteCharge { line: Some(line), input: ChargeInput { amount, tax } })
}

/// What a line takes over where it does not say: from the line of the original it can mean, else from its item.
#[derive(Default)]
struct Given {
    description: Option<String>,
    hsn_code: Option<String>,
    is_service: Option<bool>,
    unit: Option<String>,
    unit_price: Option<UnitPrice>,
    treatment: Option<TaxTreatment>,
    tax_rate: Option<Decimal>,
    cess_rate: Option<Decimal>,
}

fn given_by_item(line: &NewInvoiceLine, items: &[Item]) -> Given {
    let item = line.item_id.and_then(|id| items.iter().find(|item| item.id == id));
    item.map_or_else(Given::default, |item| Given {
        description: Some(item.name.clone()),
        hsn_code: Some(item.hsn_code.clone()),
        is_service: Some(item.is_service),
        unit: Some(item.unit.clone()),
        unit_price: Some(item.unit_price),
        treatment: None,
        tax_rate: Some(item.tax_rate.0),
        cess_rate: None,
    })
}

/// The lines of the original a line of a note can mean: those of its item, else of its HSN, else all; of
/// these the ones with its rate.
fn meant<'o>(line: &NewInvoiceLine, original: &'o Stored) -> Vec<&'o PricedLine> {
    let all = || original.lines.iter().map(|(_, priced)| priced);
    let of_item: Vec<_> = all().filter(|priced| line.item_id.is_some() && priced.item_id == line.item_id).collect();
    if !of_item.is_empty() {
        return of_item;
    }
    let of_hsn: Vec<_> = all().filter(|priced| line.hsn_code.as_ref().is_some_and(|hsn| *hsn == priced.hsn_code)).collect();
    if of_hsn.is_empty() { all().collect() } else { of_hsn }
}

/// What all of them agree on.
fn agreed<'o, T: PartialEq>(lines: &[&'o PricedLine], pick: impl Fn(&'o PricedLine) -> T) -> Option<T> {
    let first = lines.first().map(|line| pick(line))?;
    lines.iter().all(|line| pick(line) == first).then_some(first)
}

fn given_by_original(line: &NewInvoiceLine, at: usize, original: &Stored, item: Given, effect: TaxEffect) -> Result<Given, FieldError> {
    let mut meant = meant(line, original);
    if let Some(rate) = line.tax_rate {
        let of_rate: Vec<_> = meant.iter().copied().filter(|priced| priced.tax_rate == rate.0).collect();
        if !of_rate.is_empty() {
            meant = of_rate;
        } else if effect == TaxEffect::Gst {
            let mut rates: Vec<String> = meant.iter().map(|priced| priced.tax_rate.normalize().to_string()).collect();
            rates.dedup();
            let detail = "A note bears the rate of the invoice it corrects, not one the invoice does not have.";
            return Err(FieldError::at(format!("/lines/{at}/tax_rate"), "note_rate_mismatch", detail).expected(rates.join(" or ")).received(rate.0));
        }
    }
    let whole = agreed(&meant, |priced| (priced.treatment, priced.tax_rate, priced.cess_rate));
    Ok(Given {
        description: item.description.or_else(|| agreed(&meant, |priced| priced.description.clone())),
        hsn_code: item.hsn_code.or_else(|| agreed(&meant, |priced| priced.hsn_code.clone())),
        is_service: item.is_service.or_else(|| agreed(&meant, |priced| priced.is_service)),
        unit: item.unit.or_else(|| agreed(&meant, |priced| priced.unit.clone())),
        unit_price: item.unit_price,
        treatment: whole.map(|(treatment, ..)| treatment),
        tax_rate: whole.map(|(_, rate, _)| rate),
        cess_rate: whole.map(|(.., cess)| cess),
    })
}

#[allow(clippy::too_many_arguments, reason = "a line is judged by everything there is")]
fn complete_line(
    line: &NewInvoiceLine,
    at: usize,
    days: Days3,
    free: bool,
    ground: &Ground,
    house: House,
    effect: TaxEffect,
    errors: &mut Vec<FieldError>,
) -> Option<CompleteLine> {
    let before = errors.len();
    let item = given_by_item(line, &ground.items);
    let original = ground.original.as_ref().map(|original| &*original.invoice);
    let given = match original {
        None => item,
        Some(original) => given_by_original(line, at, original, item, effect).unwrap_or_else(|error| {
            errors.push(error);
            Given { tax_rate: Some(Decimal::ZERO), ..Given::default() }
        }),
    };
    let source = if original.is_some() { "the invoice does not decide it" } else { "no item is named" };
    let mut need = |name: &str| errors.push(FieldError::at(format!("/lines/{at}/{name}"), "required", format!("This member is required where {source}.")));
    let description = line.description.clone().or(given.description).or_else(|| {
        need("description");
        None
    });
    let hsn_code = line.hsn_code.clone().or(given.hsn_code).or_else(|| {
        need("hsn_code");
        None
    });
    let unit_price = line.unit_price.or(given.unit_price).or_else(|| {
        need("unit_price");
        None
    });
    let treatment = line.treatment.or(given.treatment).unwrap_or(TaxTreatment::Taxable);
    let untaxed = effect == TaxEffect::Financial || original.map_or(ground.composition, |invoice| invoice.seller_composition);
    let default_rate = if treatment == TaxTreatment::Taxable { given.tax_rate } else { Some(Decimal::ZERO) };
    let stated_rate = line.tax_rate.map(|rate| rate.0);
    let tax_rate = if untaxed { Some(Decimal::ZERO) } else { stated_rate.or(default_rate) };
    let tax_rate = tax_rate.or_else(|| {
        need("tax_rate");
        None
    });
    // Codes of services (SAC) begin with 99.
    let is_service = line.is_service.or(given.is_service).or_else(|| hsn_code.as_ref().map(|code| code.starts_with("99"))).unwrap_or(false);
    let unit = line.unit.clone().or(given.unit).unwrap_or_else(|| if is_service { units::OTHER } else { "NOS" }.to_owned());
    let discount = line.discount.unwrap_or_default().0;
    let mut fault =
        |name: &str, code: &str, detail: &str, received: String| errors.push(FieldError::at(format!("/lines/{at}/{name}"), code, detail).received(received));
    if line.quantity.0.is_zero() {
        fault("quantity", "too_small", "A quantity is more than 0.", line.quantity.0.to_string());
    }
    if discount.is_sign_negative() && !discount.is_zero() {
        fault("discount", "too_small", "A discount is not negative.", discount.to_string());
    }
    if !units::is_unit(&unit) {
        fault("unit", "unit_unknown", "This is not a unit quantity code of the GST portal.", unit.clone());
    }
    // A note agrees with its invoice, which was judged on its own date.
    if let Some(code) = hsn_code.as_ref().filter(|_| original.is_none()) {
        let pointer = format!("/lines/{at}/hsn_code");
        errors.extend(hsn_fault(&pointer, code, days.invoice, house.turnover, ground.buyer_gstin.is_some()));
    }
    if original.is_none() && effect == TaxEffect::Gst {
        let on = days.rate_day();
        let rate = tax_rate.filter(|rate| treatment == TaxTreatment::Taxable && !(free && rates::was_gst_rate(*rate, on)));
        let pointer = |name: &str| format!("/lines/{at}/{name}");
        errors.extend(rate.and_then(|rate| rate_fault(&pointer("tax_rate"), rate, on, hsn_code.as_deref())));
        for (name, cess) in [("cess_rate", line.cess_rate.map(|cess| cess.0)), ("cess_per_unit", line.cess_per_unit.map(|cess| cess.0))] {
            errors.extend(cess.filter(|cess| !free && !cess.is_zero()).and_then(|_| cess_fault(&pointer(name), on, hsn_code.as_deref())));
        }
    }
    if !house.currency.holds(discount) {
        errors.push(faults::precision(&format!("/lines/{at}/discount"), discount, house.currency));
    }
    if errors.len() > before {
        return None;
    }
    let (description, hsn_code, unit_price, tax_rate) = (description?, hsn_code?, unit_price?, tax_rate?);
    let cess_rate = if untaxed { Decimal::ZERO } else { line.cess_rate.map(|rate| rate.0).or(given.cess_rate).unwrap_or_default() };
    let input = LineInput {
        quantity: line.quantity.0,
        unit_price: unit_price.0,
        discount: Discount::of(discount),
        rate: tax_rate,
        cess_rate,
        cess_per_unit: if untaxed { Decimal::ZERO } else { line.cess_per_unit.unwrap_or_default().0 },
        tax_inclusive: line.tax_inclusive,
        treatment: treatment.of_law(),
    };
    let zero = Decimal::ZERO;
    let tax = LineTax { taxable: zero, cgst: zero, sgst: zero, igst: zero, cess: zero, total: zero };
    let priced = PricedLine {
        item_id: line.item_id,
        description,
        hsn_code,
        is_service,
        quantity: line.quantity.0,
        unit,
        unit_price: unit_price.0,
        discount,
        tax_inclusive: line.tax_inclusive,
        treatment,
        tax_rate,
        cess_rate,
        tax,
    };
    Some(CompleteLine { priced, input })
}

fn supply_of(ground: &Ground, place: &str) -> SupplyKind {
    match (ground.kind, &ground.buyer_gstin) {
        (CustomerKind::Sez, _) => SupplyKind::Sezwp,
        (CustomerKind::Export, _) if place == OTHER_COUNTRIES => SupplyKind::Expwp,
        (_, Some(_)) => SupplyKind::B2b,
        (_, None) => SupplyKind::B2c,
    }
}

/// As stated, or by IGST Act s.10 to s.13 from the addresses and what is said of the supply.
fn place_of_supply(new: &NewInvoice, ground: &Ground, lines: &[CompleteLine]) -> Result<PlaceOfSupply, Vec<FieldError>> {
    if let Some(original) = &ground.original {
        return Ok(PlaceOfSupply { code: original.invoice.place.clone(), basis: "original", explanation: "Of the invoice the note corrects".into() });
    }
    let stated = new.place_of_supply.as_deref().map(|code| read_place("/place_of_supply", code)).transpose().map_err(|error| vec![error])?;
    if let Some(code) = stated.filter(|_| new.supply_place.is_none()) {
        return Ok(PlaceOfSupply { code: code.to_owned(), basis: "stated", explanation: "Stated by the caller".into() });
    }
    let of_gstin = ground.buyer_gstin.as_deref().and_then(|gstin| gstin.get(..2)).map(states::current_code);
    let parties = Parties {
        supplier: &ground.seller_state,
        registered: ground.buyer_gstin.is_some(),
        registration: of_gstin.filter(|code| states::is_place_of_supply(code)),
        billing: ground.billing_state.as_deref(),
        delivery: ground.shipping_state.as_deref(),
        services: lines.iter().all(|line| line.priced.is_service),
        date: new.invoice_date,
    };
    let decided = place_of(&parties, new.supply_place.as_ref())?;
    match stated.and_then(|code| contradiction(code, &decided)) {
        Some(error) => Err(vec![error]),
        None => Ok(decided),
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
