//! What a document costs and when it falls due. Pure: values in, values out.

use super::order::{Kind, Order, TaxEffect};
use super::store::Stored;
use super::types::{InvoiceStatus, NewInvoice, NewInvoiceLine, SupplyKind, TaxTreatment};
use crate::ledger::SettlementTerms;
use crate::master_data::customers::rules::metadata_faults;
use crate::master_data::customers::types::CustomerKind;
use crate::master_data::items::types::Item;
use crate::master_data::payment_terms::rules::{Instalment, split};
use crate::master_data::payment_terms::types::TermsInstalment;
use crate::platform::dates::{FiscalYear, plus_days};
use crate::platform::http::{FieldError, faults};
use crate::platform::ids::{CustomerId, ItemId, RegistrationId, TermsId};
use crate::platform::money::{Currency, LARGEST, UnitPrice, round};
use crate::platform::unit_of_work::SettlementPolicy;
use crate::tax::gst::compute::{Computed, DocumentInput, LineInput, LineTax, RateTax, Treatment, compute};
use crate::tax::gst::supply::{self, GoodsCase, GoodsFacts, OTHER_COUNTRIES, PlaceOfSupply, ServiceCase, ServiceFacts, SupplyType};
use crate::tax::gst::{rates, states, units};
use chrono::NaiveDate;
use rust_decimal::Decimal;

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
    pub terms: Option<Terms>,
    pub terms_days: Option<i32>,
    pub items: Vec<Item>,
    /// The invoice a note corrects.
    pub original: Option<Original>,
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

/// A document with everything decided but its number.
#[derive(Debug, Clone)]
pub struct Priced {
    pub place: PlaceOfSupply,
    pub supply: SupplyKind,
    pub reverse_charge: bool,
    pub tax_effect: TaxEffect,
    pub currency: Currency,
    pub rate: Decimal,
    pub lines: Vec<PricedLine>,
    pub tax: Computed,
    /// What falls due when, each with what is agreed about settling it.
    pub instalments: Vec<(Instalment, SettlementTerms)>,
    pub terms: Option<TermsId>,
}

impl TaxTreatment {
    #[must_use]
    pub const fn of_law(self) -> Treatment {
        match self {
            Self::Taxable => Treatment::Taxable,
            Self::Nil => Treatment::Nil,
            Self::Exempt => Treatment::Exempt,
            Self::NonGst => Treatment::NonGst,
        }
    }
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
    let mut errors = header_faults(order, ground, house);
    let tax_effect = tax_effect(order, ground).unwrap_or_else(|error| {
        errors.push(error);
        TaxEffect::Gst
    });
    let lines = complete_lines(order, ground, house, tax_effect, &mut errors);
    let place = place_of_supply(new, ground, &lines).unwrap_or_else(|error| {
        errors.push(error);
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
    if original.is_none() && supply == SupplyKind::B2b && ground.buyer_gstin.is_none() {
        errors.push(FieldError::at("/supply_type", "gstin_missing", "A B2B supply needs a customer with a GSTIN."));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let reverse_charge = original.map_or(new.reverse_charge, |invoice| invoice.reverse_charge);
    let input = DocumentInput {
        split: supply::split(&ground.seller_state, &place.code, supply.of_law()),
        lines: lines.iter().map(|line| line.input.clone()).collect(),
        exponent: house.currency.exponent(),
        round_to_unit: house.round_to_unit,
        tax_collected: supply.of_law().tax_collected(reverse_charge),
    };
    let tax = compute(&input).map_err(|fault| {
        let pointer = fault.line().map_or_else(|| "/lines".to_owned(), |line| format!("/lines/{line}"));
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
    let lines = lines.into_iter().zip(&tax.lines).map(|(line, tax)| PricedLine { tax: tax.clone(), ..line.priced }).collect();
    Ok(Priced { place, supply, reverse_charge, tax_effect, currency: house.currency, rate: house.rate, lines, tax, instalments, terms })
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
    let last = ground.original.as_ref().filter(|_| order.kind == Kind::CreditNote).map(|original| last_day_of_credit(original.invoice.date));
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

/// 30 November following the end of the financial year (April to March, whatever year the company keeps).
fn last_day_of_credit(invoice_date: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(FiscalYear::of(invoice_date, 4).0 + 1, 11, 30).unwrap_or(NaiveDate::MAX)
}

struct CompleteLine {
    priced: PricedLine,
    input: LineInput,
}

fn complete_lines(order: &Order, ground: &Ground, house: House, effect: TaxEffect, errors: &mut Vec<FieldError>) -> Vec<CompleteLine> {
    let lines = order.content.lines.iter().enumerate();
    lines.filter_map(|(at, line)| complete_line(line, at, order.content.invoice_date, ground, house, effect, errors)).collect()
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

fn complete_line(
    line: &NewInvoiceLine,
    at: usize,
    date: NaiveDate,
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
    let default_rate = if treatment == TaxTreatment::Taxable { given.tax_rate } else { Some(Decimal::ZERO) };
    let stated_rate = line.tax_rate.map(|rate| rate.0);
    let tax_rate = if effect == TaxEffect::Financial { Some(Decimal::ZERO) } else { stated_rate.or(default_rate) };
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
    if let Some(rate) = tax_rate.filter(|rate| original.is_none() && treatment == TaxTreatment::Taxable && !rate_was_in_force(*rate, date)) {
        fault("tax_rate", "tax_rate_unknown", "This is not a GST rate in force on the document's date or before it.", rate.to_string());
    }
    if !house.currency.holds(discount) {
        errors.push(faults::precision(&format!("/lines/{at}/discount"), discount, house.currency));
    }
    if errors.len() > before {
        return None;
    }
    let (description, hsn_code, unit_price, tax_rate) = (description?, hsn_code?, unit_price?, tax_rate?);
    let cess_rate = if effect == TaxEffect::Financial { Decimal::ZERO } else { line.cess_rate.map(|rate| rate.0).or(given.cess_rate).unwrap_or_default() };
    let input = LineInput {
        quantity: line.quantity.0,
        unit_price: unit_price.0,
        discount,
        rate: tax_rate,
        cess_rate,
        cess_per_unit: Decimal::ZERO,
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

/// Around a change of rates an invoice may still carry the old one (CGST Act s.14), never a later one.
fn rate_was_in_force(rate: Decimal, date: NaiveDate) -> bool {
    let before_2025_change = NaiveDate::from_ymd_opt(2025, 9, 21).unwrap_or(date);
    rates::is_gst_rate(rate, date) || (date > before_2025_change && rates::is_gst_rate(rate, before_2025_change))
}

fn supply_of(ground: &Ground, place: &str) -> SupplyKind {
    match (ground.kind, &ground.buyer_gstin) {
        (CustomerKind::Sez, _) => SupplyKind::Sezwp,
        (CustomerKind::Export, _) if place == OTHER_COUNTRIES => SupplyKind::Expwp,
        (_, Some(_)) => SupplyKind::B2b,
        (_, None) => SupplyKind::B2c,
    }
}

/// As stated, or by IGST Act s.10 (goods) and s.12 (services) from the addresses.
fn place_of_supply(new: &NewInvoice, ground: &Ground, lines: &[CompleteLine]) -> Result<PlaceOfSupply, FieldError> {
    if let Some(original) = &ground.original {
        return Ok(PlaceOfSupply { code: original.invoice.place.clone(), basis: "original", explanation: "Of the invoice the note corrects".into() });
    }
    if let Some(code) = &new.place_of_supply {
        if !states::is_place_of_supply(code) {
            return Err(FieldError::at("/place_of_supply", "place_of_supply_invalid", "This is not a State code that can be a place of supply.").received(code));
        }
        return Ok(PlaceOfSupply { code: code.clone(), basis: "stated", explanation: "Stated by the caller".into() });
    }
    let registered = ground.buyer_gstin.is_some();
    let of_gstin = ground.buyer_gstin.as_deref().and_then(|gstin| gstin.get(..2)).filter(|code| states::is_place_of_supply(code));
    let billing = ground.billing_state.as_deref();
    let decided = if lines.iter().any(|line| !line.priced.is_service) {
        let ends_at = ground.shipping_state.as_deref().or(billing).or(of_gstin).unwrap_or(&ground.seller_state);
        supply::place_of_supply_of_goods(&GoodsFacts {
            supplier_state: &ground.seller_state,
            recipient_registered: registered,
            address_on_invoice: ground.shipping_state.as_deref().or(billing),
            date: new.invoice_date,
            case: GoodsCase::Movement { ends_at },
        })
    } else {
        let recipient_state = if registered { of_gstin.or(billing) } else { billing };
        supply::place_of_supply_of_services(&ServiceFacts {
            supplier_state: &ground.seller_state,
            recipient_registered: registered,
            recipient_state,
            case: ServiceCase::General,
        })
    };
    decided.map_err(|fault| FieldError::at("/place_of_supply", fault.reason(), fault.to_string()))
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
pub fn allowed_actions(kind: Kind, status: InvoiceStatus, cancellable: bool, may: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut actions = Vec::new();
    if status == InvoiceStatus::Draft {
        actions.extend([("update", kind.write_permission()), ("delete", kind.write_permission()), ("issue", kind.issue_permission())]);
    }
    if status == InvoiceStatus::Issued && cancellable {
        actions.push(("cancel", kind.cancel_permission()));
    }
    actions.into_iter().filter(|(_, permission)| may(permission)).map(|(action, _)| action).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tax_is_credited_until_the_30_november_after_the_year_of_the_invoice() {
        let day = |text: &str| text.parse::<NaiveDate>().expect("a date");
        assert_eq!(last_day_of_credit(day("2024-04-01")), day("2025-11-30"));
        assert_eq!(last_day_of_credit(day("2025-03-31")), day("2025-11-30"));
        assert_eq!(last_day_of_credit(day("2025-04-01")), day("2026-11-30"));
    }
}
