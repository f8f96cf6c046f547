//! What callers send → facts of the engine → what they get back. Pure.

use super::places::{Parties, contradiction, place_of};
use super::types::{
    AmountInWords, AmountWords, Calculated, CalculatedCharge, CalculatedLine, CalculatedRate, Calculation, CalculationCharge, CalculationLine, ChargeTime,
    EcommerceOperator, GstinAnswer, OperatorSection, RecipientKind, SupplyClass, TaxTreatment,
};
use crate::platform::http::{FieldError, Problem, faults};
use crate::platform::money::{Currency, LARGEST, Rate, pad};
use crate::platform::text::words;
use crate::tax::gst::compute::{ChargeInput, ChargeTax, ComputeFault, Computed, Discount, DocumentInput, LineInput, LineTax, compute};
use crate::tax::gst::explain::{Explained, START, entry, explain};
use crate::tax::gst::gstin::{Gstin, GstinCategory, GstinFault, Mode, check_character, normalise};
use crate::tax::gst::papers::paper;
use crate::tax::gst::rates;
use crate::tax::gst::supply::{self, OTHER_COUNTRIES, OperatorDuty, PlaceOfSupply, Seat, Split, SupplyType};
use crate::tax::gst::time::Days3;
use crate::tax::gst::{limits, states};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Reads a registration number.
#[must_use]
pub fn gstin(text: &str, mode: Mode) -> GstinAnswer {
    let read = Gstin::parse(text, mode);
    let form = "A GSTIN has 15 characters: State code, PAN, number of the registration, Z by default, check character.";
    let (result, reason) = read.as_ref().map_or_else(|fault| ("invalid", Some(*fault)), |_| ("valid", None));
    let mut explanation = vec![entry("registration_number", result, form, "CGST Rules r.10(1)", START)];
    let answer = |number: String| GstinAnswer {
        gstin: number,
        valid: reason.is_none(),
        category: None,
        pan: None,
        state: None,
        state_name: None,
        reason: reason.map(GstinFault::reason),
        detail: reason.map(GstinFault::message),
        warnings: Vec::new(),
        explanation: Vec::new(),
    };
    let Ok(number) = read else { return GstinAnswer { explanation, ..answer(normalise(text)) } };
    let mut warnings = number.warnings();
    if !warnings.is_empty() {
        explanation.push(entry("state", states::current_code(number.state_code()), "The State code was replaced.", "State codes of GST", START));
    }
    if !number.category().can_be_recipient() {
        warnings.push("A number of this kind is not taken as the recipient of a B2B document.".to_owned());
    }
    let (first, check) = number.as_str().split_at(14);
    if check_character(first).is_none_or(|right| !check.starts_with(right)) {
        warnings.push("The check character does not fit; only a sandbox has such numbers.".to_owned());
    }
    GstinAnswer {
        category: Some(number.category().as_str()),
        pan: number.pan().map(str::to_owned),
        state: Some(number.state_code().to_owned()),
        state_name: states::find(number.state_code()).map(|state| state.name),
        warnings,
        explanation,
        ..answer(number.as_str().to_owned())
    }
}

/// Puts an amount in words.
pub fn in_words(asked: &AmountInWords) -> Result<AmountWords, Problem> {
    let currency = currency_of(asked.currency.as_deref()).map_err(|error| Problem::invalid(vec![error]))?;
    if !currency.holds(asked.amount.0) {
        return Err(Problem::invalid(vec![faults::precision("/amount", asked.amount.0, currency)]));
    }
    let rule = "Where an amount in figures and in words differ, the words count; so they name every minor unit.";
    let since = NaiveDate::from_ymd_opt(1882, 3, 1).unwrap_or(START);
    Ok(AmountWords {
        words: words::in_words(asked.amount.0, currency),
        grouped: words::grouped(asked.amount.0, currency),
        explanation: vec![entry("amount_in_words", currency.code(), rule, "Negotiable Instruments Act 1881 s.18", since)],
    })
}

fn currency_of(code: Option<&str>) -> Result<Currency, FieldError> {
    let code = code.unwrap_or("INR");
    Currency::parse(code).ok_or_else(|| FieldError::at("/currency", "currency_unknown", "This is not a currency of ISO 4217.").received(code))
}

/// Reads the code of a State, an obsolete one as the one that took it over.
///
/// # Errors
/// `state_unknown`.
pub fn read_state(pointer: &str, code: &str) -> Result<&'static str, FieldError> {
    states::find(states::current_code(code.trim())).map(|state| state.code).ok_or_else(|| unknown_state(pointer, code))
}

/// Reads a place of supply.
///
/// # Errors
/// `state_unknown`, or `place_of_supply_invalid` for codes that are no place: 25, 28, 99.
pub fn read_place(pointer: &str, code: &str) -> Result<&'static str, FieldError> {
    let state = states::find(code.trim()).ok_or_else(|| unknown_state(pointer, code))?;
    if state.usable_as_place_of_supply {
        return Ok(state.code);
    }
    Err(FieldError::at(pointer, "place_of_supply_invalid", "This State code cannot be a place of supply (IGST Act s.10 to s.13).").received(code))
}

fn unknown_state(pointer: &str, code: &str) -> FieldError {
    FieldError::at(pointer, "state_unknown", "This is not a State code of GST (CGST Rules r.10).").expected("two digits, like 27").received(code)
}

/// Judges a rate on the day that decides about it (CGST Act s.14); the HSN where it is known.
#[must_use]
pub fn rate_fault(pointer: &str, rate: Decimal, on: NaiveDate, hsn: Option<&str>) -> Option<FieldError> {
    let known = hsn.map_or_else(|| rates::is_gst_rate(rate, on), |hsn| rates::is_gst_rate_for(rate, on, hsn));
    if known {
        return None;
    }
    let list: Vec<String> = rates::on(on).iter().map(|rate| rate.normalize().to_string()).collect();
    let detail = format!("This is not a rate of GST in force on {on} (CGST Act s.9, s.14; rates by notification).");
    Some(FieldError::at(pointer, "rate_not_in_force", detail).expected(list.join(", ")).received(rate.normalize()))
}

/// Judges compensation cess on the day that decides about it; by the HSN where it is known.
#[must_use]
pub fn cess_fault(pointer: &str, on: NaiveDate, hsn: Option<&str>) -> Option<FieldError> {
    if rates::cess_is_levied(on, hsn) {
        return None;
    }
    let (source, since) = rates::cess_basis(on);
    let on_what = if rates::cess_is_levied(on, None) { " on these goods" } else { "" };
    Some(FieldError::at(pointer, "cess_not_in_force", format!("No compensation cess is levied{on_what} since {since} ({source}).")).expected("0"))
}

/// Judges the operator a supply is made through: registered to collect tax at source (s.52), or at all (s.9(5)), and no
/// party of the supply. Gives its number as it is written.
///
/// # Errors
/// `gstin_invalid`, or `operator_invalid` for a registration of another kind.
pub fn read_operator(operator: &EcommerceOperator, parties: &[&str]) -> Result<String, FieldError> {
    const POINTER: &str = "/operator/gstin";
    let gstin = read_gstin(POINTER, &operator.gstin)?;
    let wrong = match (gstin.category(), operator.section) {
        _ if parties.contains(&gstin.as_str()) => "The operator is neither the supplier nor the recipient (CGST Act s.2(45)).",
        (GstinCategory::TcsOperator, _) | (GstinCategory::Regular, OperatorSection::S9) => return Ok(gstin.as_str().to_owned()),
        (_, OperatorSection::S52) => "An operator collects tax under a registration of its own for that, with a C at its 14th place (CGST Rules r.12).",
        (_, OperatorSection::S9) => "This kind of registration is no operator's (CGST Act s.9(5)).",
    };
    Err(FieldError::at(POINTER, "operator_invalid", wrong).received(gstin.as_str()))
}

fn read_gstin(pointer: &str, text: &str) -> Result<Gstin, FieldError> {
    Gstin::parse(text, Mode::Strict)
        .map_err(|fault| FieldError::at(pointer, "gstin_invalid", format!("{} ({}; CGST Rules r.10)", fault.message(), fault.reason())).received(text))
}

/// Judges an HSN or SAC by its digits: 4, 6 or 8 (until March 2021 also the 2 of a chapter), and at least as many as the turnover of the year before asks for. Where
/// that is not known, none is assumed.
#[must_use]
pub fn hsn_fault(pointer: &str, code: &str, date: NaiveDate, turnover: Option<Decimal>, registered: bool) -> Option<FieldError> {
    // Shorter ones stand in no return (GSTR-1 table 12).
    let fewest = limits::hsn_fewest(date);
    let needed = limits::hsn_digits(date, turnover.unwrap_or_default(), registered).max(fewest);
    if code.len() < needed {
        let detail = format!("An HSN or SAC has at least {needed} digits here (CGST Rules r.46(g), {}).", limits::hsn_source(date));
        return Some(FieldError::at(pointer, "hsn_too_short", detail).expected(format!("at least {needed} digits")).received(code));
    }
    (!matches!(code.len(), 4 | 6 | 8) && code.len() != fewest)
        .then(|| FieldError::at(pointer, "hsn_invalid", "An HSN or SAC has 4, 6 or 8 digits.").received(code))
}

/// What is known of the recipient.
struct Recipient {
    kind: RecipientKind,
    gstin: Option<String>,
    /// Of the registration.
    registration: Option<&'static str>,
    /// As stated.
    state: Option<&'static str>,
}

/// Everything read, before anything is computed.
struct Read {
    currency: Currency,
    days: Days3,
    supplier: Seat<'static>,
    place: PlaceOfSupply,
    supply: SupplyType,
    recipient: RecipientKind,
    operator: Option<OperatorDuty>,
    input: DocumentInput,
}

/// Computes a document, or names everything that is wrong with it.
pub fn calculate(asked: &Calculation, today: NaiveDate) -> Result<Calculated, Problem> {
    let Read { currency, days, supplier, place, supply, recipient, operator, input } = read(asked, today).map_err(Problem::invalid)?;
    let computed = compute(&input).map_err(|fault| Problem::invalid(vec![fault_at(fault)]))?;
    if computed.payable > LARGEST {
        let detail = "A document comes to at most 9,999,999,999,999.";
        return Err(Problem::invalid(vec![FieldError::at("/lines", "amount_too_large", detail).received(computed.payable)]));
    }
    let paper = paper(asked.supplier_composition, recipient.is_registered(), computed.by_rate.iter().map(|row| row.treatment));
    let explanation = explain(&Explained { days, supplier, place: &place, supply, paper, operator, input: &input, computed: &computed });
    let nature = if input.split == Split::Inter { "inter_state" } else { "intra_state" };
    let shown = Shown { currency, computed: &computed };
    Ok(Calculated {
        lines: shown.lines(),
        charges: shown.charges(&asked.charges),
        by_rate: shown.by_rate(),
        discount: currency.amount(computed.discount),
        taxable: currency.amount(computed.taxable),
        cgst: currency.amount(computed.cgst),
        sgst: currency.amount(computed.sgst),
        igst: currency.amount(computed.igst),
        cess: currency.amount(computed.cess),
        other_charges: currency.amount(computed.other_charges),
        total: currency.amount(computed.total),
        rounding: currency.amount(computed.round_off),
        payable: currency.amount(computed.payable),
        place_of_supply: place.code,
        nature,
        supply_type: supply.as_str(),
        document: paper.as_str(),
        explanation,
    })
}

struct Shown<'a> {
    currency: Currency,
    computed: &'a Computed,
}

impl Shown<'_> {
    fn lines(&self) -> Vec<CalculatedLine> {
        let money = |value| self.currency.amount(value);
        let line = |(line, share): (&LineTax, &Decimal)| CalculatedLine {
            taxable: money(line.taxable),
            cgst: money(line.cgst),
            sgst: money(line.sgst),
            igst: money(line.igst),
            cess: money(line.cess),
            total: money(line.total),
            document_discount: money(*share),
        };
        self.computed.lines.iter().zip(&self.computed.discount_shares).map(line).collect()
    }

    fn charges(&self, asked: &[CalculationCharge]) -> Vec<CalculatedCharge> {
        let money = |value| self.currency.amount(value);
        let charges = asked.iter().zip(&self.computed.charges);
        charges
            .map(|(asked, charge)| CalculatedCharge {
                label: asked.label.clone(),
                taxable: money(charge.sum.taxable),
                cgst: money(charge.sum.cgst),
                sgst: money(charge.sum.sgst),
                igst: money(charge.sum.igst),
                cess: money(charge.sum.cess),
                total: money(charge.sum.total),
            })
            .collect()
    }

    fn by_rate(&self) -> Vec<CalculatedRate> {
        let money = |value| self.currency.amount(value);
        let rows = self.computed.by_rate.iter();
        rows.map(|row| CalculatedRate {
            rate: Rate(pad(row.rate, 2)),
            treatment: TaxTreatment::from_law(row.treatment),
            taxable: money(row.taxable),
            cgst: money(row.cgst),
            sgst: money(row.sgst),
            igst: money(row.igst),
            cess: money(row.cess),
        })
        .collect()
    }
}

/// Where the engine's fault lies in the body.
fn fault_at(fault: ComputeFault) -> FieldError {
    let pointer = match (fault, fault.line(), fault.charge()) {
        (_, Some(line), _) => format!("/lines/{line}"),
        (_, _, Some(charge)) => format!("/charges/{charge}"),
        (ComputeFault::DocumentDiscount, ..) => "/document_discount".to_owned(),
        (ComputeFault::Differential, ..) => "/differential_percent".to_owned(),
        _ => "/lines".to_owned(),
    };
    FieldError::at(pointer, fault.reason(), fault.to_string())
}

fn read(asked: &Calculation, today: NaiveDate) -> Result<Read, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut kept = |read: Result<&'static str, FieldError>| read.map_err(|error| errors.push(error)).ok();
    let supplier = kept(read_supplier(&asked.supplier_state));
    let stated = asked.place_of_supply.as_deref().map(|code| kept(read_place("/place_of_supply", code)));
    let recipient = read_recipient(asked, &mut errors);
    let currency = currency_of(asked.currency.as_deref()).map_err(|error| errors.push(error)).ok();
    let days = Days3::of(asked.date.unwrap_or(today), asked.supply_date, asked.payment_date);
    if asked.lines.is_empty() && asked.charges.is_empty() {
        errors.push(FieldError::at("/lines", "required", "A document has a line or a charge."));
    }
    let differential = asked.differential_percent.map_or(Decimal::ONE_HUNDRED, |percent| percent.0);
    if ![Decimal::ONE_HUNDRED, limits::differential_percent(days.invoice)].contains(&differential) {
        errors.push(differential_fault(days.invoice, differential));
    }
    let zero_rated = asked.supply_type.is_some_and(|class| matches!(class, SupplyClass::SezWithoutPayment | SupplyClass::ExportWithoutPayment));
    let lines: Vec<LineInput> = asked
        .lines
        .iter()
        .enumerate()
        .map(|(at, line)| read_line(asked, line, at, days, recipient.kind, currency, zero_rated || asked.supplier_composition, &mut errors))
        .collect();
    let charges: Vec<ChargeInput> =
        asked.charges.iter().enumerate().map(|(at, charge)| read_charge(charge, at, days.rate_day(), currency, &mut errors)).collect();
    let discount = Discount {
        percent: asked.document_discount_percent.unwrap_or_default().0,
        amount: amount("/document_discount", asked.document_discount.map(|a| a.0), currency, &mut errors),
    };
    if let Some(operator) = &asked.operator {
        errors.extend(read_operator(operator, &recipient.gstin.iter().map(String::as_str).collect::<Vec<_>>()).err());
    }
    let (Some(supplier), Some(currency), true) = (supplier, currency, errors.is_empty()) else { return Err(errors) };
    let place = place(asked, supplier, &recipient, stated.flatten(), days.invoice)?;
    let supply = supply_of(asked.supply_type, recipient.kind, &place.code);
    if !supply.fits_place(&place.code) {
        let detail = "An export has its place of supply outside India (96); a supply to an SEZ and a deemed export have theirs in India.";
        return Err(vec![FieldError::at("/place_of_supply", "place_of_supply_mismatch", detail).received(&place.code)]);
    }
    let supplier = Seat { state: supplier, sez: asked.supplier_sez };
    let split = supply::split(supplier, &place.code, supply);
    if asked.supplier_composition && split == Split::Inter {
        return Err(vec![composition_inter_state(supplier.state, &place.code)]);
    }
    let operator = asked.operator.as_ref().map(|operator| operator.section.of_law());
    if operator == Some(OperatorDuty::Pays) && (asked.reverse_charge || !matches!(supply, SupplyType::B2b | SupplyType::B2c)) {
        let detail = "Where the operator pays the tax, neither the recipient does nor is the supply zero-rated (CGST Act s.9(5)).";
        return Err(vec![FieldError::at("/operator/section", "operator_invalid", detail).received(OperatorSection::S9)]);
    }
    let tax_collected = supply::tax_collected(supply, asked.supplier_composition, operator, asked.reverse_charge);
    let input =
        DocumentInput { split, lines, charges, discount, differential, exponent: currency.exponent(), round_to_unit: asked.round_to_rupee, tax_collected };
    Ok(Read { currency, days, supplier, place, supply, recipient: recipient.kind, operator, input })
}

/// A dealer under composition who supplies outside the State, to an SEZ or abroad.
#[must_use]
pub fn composition_inter_state(own: &str, place: &str) -> FieldError {
    let detail = "A composition dealer makes no inter-State supplies (CGST Act s.10(2)(c)).";
    FieldError::at("/place_of_supply", "composition_inter_state", detail).expected(own).received(place)
}

fn read_supplier(code: &str) -> Result<&'static str, FieldError> {
    let state = read_state("/supplier_state", code)?;
    if states::find(state).is_some_and(|state| state.usable_as_gstin_prefix) {
        return Ok(state);
    }
    Err(FieldError::at("/supplier_state", "state_unknown", "No registration of GST is in this State.").received(code))
}

fn read_recipient(asked: &Calculation, errors: &mut Vec<FieldError>) -> Recipient {
    let Some(recipient) = &asked.recipient else { return Recipient { kind: RecipientKind::Unregistered, gstin: None, registration: None, state: None } };
    let gstin = recipient.gstin.as_deref().and_then(|text| read_gstin("/recipient/gstin", text).map_err(|error| errors.push(error)).ok());
    let state = recipient.state.as_deref().and_then(|code| read_state("/recipient/state", code).map_err(|error| errors.push(error)).ok());
    let default = if recipient.gstin.is_some() { RecipientKind::Registered } else { RecipientKind::Unregistered };
    let kind = recipient.kind.unwrap_or(default);
    if let Some(gstin) = gstin.as_ref().filter(|_| kind.is_registered()) {
        if !gstin.category().can_be_recipient() {
            let detail = "Registrations of non-residents and for OIDAR services receive no B2B document.";
            errors.push(FieldError::at("/recipient/gstin", "gstin_invalid", detail).received(gstin.as_str()));
        } else if let Some(state) = state.filter(|state| !gstin.is_of_state(state)) {
            let detail = "The registration is in another State; where the supply takes place is the place_of_supply.";
            errors.push(FieldError::at("/recipient/state", "state_mismatch", detail).expected(states::current_code(gstin.state_code())).received(state));
        }
    }
    let registration = gstin.as_ref().and_then(|gstin| states::find(states::current_code(gstin.state_code()))).map(|state| state.code);
    Recipient { kind, gstin: gstin.map(|gstin| gstin.as_str().to_owned()), registration: registration.filter(|code| states::is_place_of_supply(code)), state }
}

impl RecipientKind {
    /// Whether documents to them name a GSTIN.
    #[must_use]
    pub const fn is_registered(self) -> bool {
        !matches!(self, Self::Unregistered | Self::Overseas)
    }
}

/// An amount that is not negative and has no more decimals than its currency.
fn amount(pointer: &str, amount: Option<Decimal>, currency: Option<Currency>, errors: &mut Vec<FieldError>) -> Decimal {
    let amount = amount.unwrap_or_default();
    if amount < Decimal::ZERO {
        errors.push(FieldError::at(pointer, "too_small", "This amount is not negative.").received(amount));
    } else if let Some(currency) = currency.filter(|currency| !currency.holds(amount)) {
        errors.push(faults::precision(pointer, amount, currency));
    }
    amount
}

#[allow(clippy::too_many_arguments, reason = "a line is judged by everything there is")]
fn read_line(
    asked: &Calculation,
    line: &CalculationLine,
    at: usize,
    days: Days3,
    recipient: RecipientKind,
    currency: Option<Currency>,
    untaxed: bool,
    errors: &mut Vec<FieldError>,
) -> LineInput {
    let pointer = |name: &str| format!("/lines/{at}/{name}");
    let on = days.rate_day();
    let treatment = line.treatment.unwrap_or(TaxTreatment::Taxable);
    let taxable = treatment == TaxTreatment::Taxable;
    match line.gst_rate.map(|rate| rate.0) {
        // Where no tax is shown at all, the rate is of no account.
        None if taxable && !untaxed => errors.push(FieldError::at(pointer("gst_rate"), "required", "A taxable line needs its rate.")),
        Some(rate) if taxable => errors.extend(rate_fault(&pointer("gst_rate"), rate, on, line.hsn.as_deref())),
        _ => {}
    }
    if let Some(hsn) = &line.hsn {
        let turnover = asked.annual_turnover.map(|turnover| turnover.0);
        errors.extend(hsn_fault(&pointer("hsn"), hsn, days.invoice, turnover, recipient.is_registered()));
    }
    let (cess_rate, cess_per_unit) = (line.cess_percent.unwrap_or_default().0, line.cess_per_unit.unwrap_or_default().0);
    for (name, cess) in [("cess_percent", cess_rate), ("cess_per_unit", cess_per_unit)] {
        if !cess.is_zero() {
            errors.extend(cess_fault(&pointer(name), on, line.hsn.as_deref()));
        }
    }
    LineInput {
        quantity: line.qty.map_or(Decimal::ONE, |quantity| quantity.0),
        unit_price: line.unit_price.0,
        discount: Discount {
            percent: line.discount_percent.unwrap_or_default().0,
            amount: amount(&pointer("discount_amount"), line.discount_amount.map(|amount| amount.0), currency, errors),
        },
        rate: line.gst_rate.unwrap_or_default().0,
        cess_rate,
        cess_per_unit,
        tax_inclusive: asked.prices_include_tax,
        treatment: treatment.of_law(),
    }
}

fn read_charge(charge: &CalculationCharge, at: usize, on: NaiveDate, currency: Option<Currency>, errors: &mut Vec<FieldError>) -> ChargeInput {
    let value = amount(&format!("/charges/{at}/amount"), Some(charge.amount.0), currency, errors);
    let rate = charge.gst_rate.map(|rate| rate.0);
    let tax = match (charge.when.unwrap_or(ChargeTime::BeforeTax), rate) {
        (ChargeTime::AfterTax, _) => ChargeTax::Free,
        (ChargeTime::BeforeTax, None) => ChargeTax::AsLines,
        (ChargeTime::BeforeTax, Some(rate)) => {
            errors.extend(rate_fault(&format!("/charges/{at}/gst_rate"), rate, on, None));
            ChargeTax::AtRate(rate)
        }
    };
    ChargeInput { amount: value, tax }
}

/// A part of the tax that no notification knows on the day.
#[must_use]
pub fn differential_fault(on: NaiveDate, received: Decimal) -> FieldError {
    let law = limits::differential_percent(on);
    let detail = "The tax is levied in full; on leased motor vehicles it was at 65 per cent from 13-Oct-2017 to 30-Jun-2020 (notification 37/2017-CT(Rate)).";
    let expected = if law == Decimal::ONE_HUNDRED { "100".to_owned() } else { format!("{} or 100", law.normalize()) };
    FieldError::at("/differential_percent", "differential_invalid", detail).expected(expected).received(received.normalize())
}

/// The place of supply as stated, or as it follows from the recipient and what is said of the supply; both agree.
fn place(asked: &Calculation, supplier: &str, recipient: &Recipient, stated: Option<&str>, date: NaiveDate) -> Result<PlaceOfSupply, Vec<FieldError>> {
    let as_stated = stated.map(|code| PlaceOfSupply { code: code.to_owned(), basis: "stated", explanation: "Stated by the caller".to_owned() });
    let said = asked.supply_place.as_ref();
    if let Some(place) = as_stated.as_ref().filter(|_| said.is_none()) {
        return Ok(place.clone());
    }
    let exported = matches!(asked.supply_type, Some(SupplyClass::ExportWithPayment | SupplyClass::ExportWithoutPayment))
        || (recipient.kind == RecipientKind::Overseas && recipient.state.is_none());
    let is_service = |line: &CalculationLine| line.is_service.unwrap_or_else(|| line.hsn.as_ref().is_some_and(|hsn| hsn.starts_with("99")));
    let parties = Parties {
        supplier,
        registered: recipient.kind.is_registered(),
        registration: recipient.registration.filter(|_| !exported),
        billing: if exported { Some(OTHER_COUNTRIES) } else { recipient.state.or(recipient.registration) },
        delivery: None,
        services: !asked.lines.is_empty() && asked.lines.iter().all(is_service),
        date,
    };
    let decided = place_of(&parties, said)?;
    match stated.and_then(|code| contradiction(code, &decided)) {
        Some(error) => Err(vec![error]),
        None => Ok(decided),
    }
}

/// The type of supply, from the class stated and who the recipient is. An SEZ unit stays one and a supply abroad to an
/// overseas recipient an export, as `regular` says nothing of either.
fn supply_of(class: Option<SupplyClass>, recipient: RecipientKind, place: &str) -> SupplyType {
    match (class, recipient) {
        (Some(SupplyClass::SezWithPayment), _) => SupplyType::SezWithPayment,
        (Some(SupplyClass::SezWithoutPayment), _) => SupplyType::SezWithoutPayment,
        (Some(SupplyClass::ExportWithPayment), _) => SupplyType::ExportWithPayment,
        (Some(SupplyClass::ExportWithoutPayment), _) => SupplyType::ExportWithoutPayment,
        (Some(SupplyClass::DeemedExport), _) | (_, RecipientKind::DeemedExport) => SupplyType::DeemedExport,
        (_, RecipientKind::Sez) => SupplyType::SezWithPayment,
        (_, RecipientKind::Overseas) if place == OTHER_COUNTRIES => SupplyType::ExportWithPayment,
        (_, RecipientKind::Registered | RecipientKind::Composition) => SupplyType::B2b,
        (_, RecipientKind::Unregistered | RecipientKind::Overseas) => SupplyType::B2c,
    }
}
