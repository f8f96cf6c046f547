//! Lines and charges, complete: what the caller left out is taken from the item or from the invoice a note corrects.

use super::super::order::{Order, TaxEffect};
use super::super::store::Stored;
use super::super::types::{ChargeTime, NewCharge, NewInvoiceLine, TaxTreatment};
use super::ground::{Ground, House, PricedLine};
use crate::master_data::items::types::Item;
use crate::platform::http::{FieldError, faults};
use crate::platform::money::UnitPrice;
use crate::tax::gst::compute::{ChargeInput, ChargeTax, Discount, LineInput, LineTax};
use crate::tax::gst::time::Days3;
use crate::tax::gst::{limits, rates, units};
use crate::tax::tools::rules::{cess_fault, differential_fault, hsn_fault, rate_fault};
use rust_decimal::Decimal;

pub(super) struct CompleteLine {
    pub(super) priced: PricedLine,
    pub(super) input: LineInput,
}

/// A charge; with the line it is in, where it is taxed.
pub(super) struct CompleteCharge {
    pub(super) line: Option<PricedLine>,
    pub(super) input: ChargeInput,
}

pub(super) fn complete_lines(order: &Order, ground: &Ground, house: House, days: Days3, effect: TaxEffect, errors: &mut Vec<FieldError>) -> Vec<CompleteLine> {
    let lines = order.content.lines.iter().enumerate();
    // Of an invoice that is not ours only its own time knows the rate.
    let free = order.note.is_some();
    lines.filter_map(|(at, line)| complete_line(line, at, days, free, ground, house, effect, errors)).collect()
}

/// What part of the normal tax is levied: a note follows its invoice.
pub(super) fn differential(order: &Order, ground: &Ground, errors: &mut Vec<FieldError>) -> Decimal {
    let given = order.content.differential_percent.map_or(Decimal::ONE_HUNDRED, |percent| percent.0);
    let law = limits::differential_percent(order.content.invoice_date);
    if given != Decimal::ONE_HUNDRED && given != law {
        errors.push(differential_fault(order.content.invoice_date, given));
    }
    ground.original.as_ref().map_or(given, |original| original.invoice.pricing.differential)
}

pub(super) fn complete_charges(
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
