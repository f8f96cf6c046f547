//! What an invoice costs and when it falls due. Pure: values in, values out.

use super::types::{InvoiceStatus, NewInvoice, NewInvoiceLine, SupplyKind, TaxTreatment};
use crate::master_data::customers::rules::metadata_faults;
use crate::master_data::customers::types::CustomerKind;
use crate::master_data::items::types::Item;
use crate::master_data::payment_terms::rules::{Instalment, split};
use crate::master_data::payment_terms::types::TermsInstalment;
use crate::platform::dates::plus_days;
use crate::platform::http::{FieldError, faults};
use crate::platform::ids::{CustomerId, ItemId, RegistrationId, TermsId};
use crate::platform::money::{Currency, LARGEST, Rate};
use crate::tax::gst::compute::{Computed, DocumentInput, LineInput, LineTax, Treatment, compute};
use crate::tax::gst::supply::{self, GoodsCase, GoodsFacts, OTHER_COUNTRIES, PlaceOfSupply, ServiceCase, ServiceFacts, SupplyType};
use crate::tax::gst::{rates, states, units};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// What must be known before an invoice can be priced.
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
    pub terms: Option<(TermsId, Vec<TermsInstalment>)>,
    pub terms_days: Option<i32>,
    pub items: Vec<Item>,
}

/// Today and what the company decided.
#[derive(Debug, Clone, Copy)]
pub struct House {
    pub currency: Currency,
    pub today: NaiveDate,
    pub round_to_unit: bool,
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

/// An invoice with everything decided but its number.
#[derive(Debug, Clone)]
pub struct Priced {
    pub place: PlaceOfSupply,
    pub supply: SupplyKind,
    pub lines: Vec<PricedLine>,
    pub tax: Computed,
    pub instalments: Vec<Instalment>,
    pub terms: Option<TermsId>,
}

impl SupplyKind {
    fn of_law(self) -> SupplyType {
        SupplyType::from_code(self.as_str()).unwrap_or(SupplyType::B2c)
    }
}

/// Decides everything, or names everything that is wrong.
pub fn price(new: &NewInvoice, ground: &Ground, house: House) -> Result<Priced, Vec<FieldError>> {
    let mut errors = header_faults(new, house);
    let lines = complete_lines(new, ground, house, &mut errors);
    let place = place_of_supply(new, ground, &lines).unwrap_or_else(|error| {
        errors.push(error);
        PlaceOfSupply { code: ground.seller_state.clone(), basis: "", explanation: String::new() }
    });
    let supply = new.supply_type.unwrap_or_else(|| supply_of(ground, &place.code));
    if !supply.of_law().fits_place(&place.code) {
        errors.push(
            FieldError::at("/place_of_supply", "place_of_supply_mismatch", format!("A supply of type {supply} cannot have this place of supply."))
                .received(&place.code),
        );
    }
    if supply == SupplyKind::B2b && ground.buyer_gstin.is_none() {
        errors.push(FieldError::at("/supply_type", "gstin_missing", "A B2B supply needs a customer with a GSTIN."));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let input = DocumentInput {
        split: supply::split(&ground.seller_state, &place.code, supply.of_law()),
        lines: lines.iter().map(|line| line.input.clone()).collect(),
        exponent: house.currency.exponent(),
        round_to_unit: house.round_to_unit,
        tax_collected: supply.of_law().tax_collected(new.reverse_charge),
    };
    let tax = compute(&input).map_err(|fault| {
        let pointer = fault.line().map_or_else(|| "/lines".to_owned(), |line| format!("/lines/{line}"));
        vec![FieldError::at(pointer, fault.reason(), fault.to_string())]
    })?;
    if tax.payable <= Decimal::ZERO || tax.payable > LARGEST {
        let code = if tax.payable > LARGEST { "amount_too_large" } else { "amount_not_positive" };
        return Err(vec![FieldError::at("/lines", code, "The total of an invoice lies between 0 and 9,999,999,999,999.").received(tax.payable)]);
    }
    let (instalments, terms) = instalments(new, ground, house.currency, tax.payable);
    if let Some(first) = instalments.iter().map(|i| i.due_date).min().filter(|due| *due < new.invoice_date) {
        return Err(vec![FieldError::at("/due_date", "due_before_invoice", "Nothing falls due before the invoice date.").received(first)]);
    }
    let lines = lines.into_iter().zip(&tax.lines).map(|(line, tax)| PricedLine { tax: tax.clone(), ..line.priced }).collect();
    Ok(Priced { place, supply, lines, tax, instalments, terms })
}

fn header_faults(new: &NewInvoice, house: House) -> Vec<FieldError> {
    let mut errors = metadata_faults(&new.metadata);
    if let Some(code) = new.currency.as_deref().filter(|code| *code != house.currency.code()) {
        errors.push(
            FieldError::at("/currency", "currency_mismatch", "Documents are kept in the company's base currency.")
                .expected(house.currency.code())
                .received(code),
        );
    }
    errors.extend(faults::in_future("/invoice_date", new.invoice_date, house.today));
    if let Some(total) = new.expected_total.filter(|total| !house.currency.holds(total.0)) {
        errors.push(faults::precision("/expected_total", total.0, house.currency));
    }
    errors
}

struct CompleteLine {
    priced: PricedLine,
    input: LineInput,
}

fn complete_lines(new: &NewInvoice, ground: &Ground, house: House, errors: &mut Vec<FieldError>) -> Vec<CompleteLine> {
    new.lines.iter().enumerate().filter_map(|(at, line)| complete_line(line, at, new.invoice_date, ground, house, errors)).collect()
}

fn complete_line(line: &NewInvoiceLine, at: usize, date: NaiveDate, ground: &Ground, house: House, errors: &mut Vec<FieldError>) -> Option<CompleteLine> {
    let item = line.item_id.and_then(|id| ground.items.iter().find(|item| item.id == id));
    let before = errors.len();
    let mut need = |name: &str| errors.push(FieldError::at(format!("/lines/{at}/{name}"), "required", "This member is required where no item is named."));
    let description = line.description.clone().or_else(|| item.map(|item| item.name.clone())).or_else(|| {
        need("description");
        None
    });
    let hsn_code = line.hsn_code.clone().or_else(|| item.map(|item| item.hsn_code.clone())).or_else(|| {
        need("hsn_code");
        None
    });
    let unit_price = line.unit_price.or_else(|| item.map(|item| item.unit_price)).or_else(|| {
        need("unit_price");
        None
    });
    let treatment = line.treatment.unwrap_or(TaxTreatment::Taxable);
    let default_rate = if treatment == TaxTreatment::Taxable { item.map(|item| item.tax_rate) } else { Some(Rate::default()) };
    let tax_rate = line.tax_rate.or(default_rate).or_else(|| {
        need("tax_rate");
        None
    });
    // Codes of services (SAC) begin with 99.
    let is_service =
        line.is_service.or_else(|| item.map(|item| item.is_service)).or_else(|| hsn_code.as_ref().map(|code| code.starts_with("99"))).unwrap_or(false);
    let unit = line.unit.clone().or_else(|| item.map(|item| item.unit.clone())).unwrap_or_else(|| if is_service { units::OTHER } else { "NOS" }.to_owned());
    let discount = line.discount.unwrap_or_default().0;
    let mut fault =
        |name: &str, code: &str, detail: &str, received: String| errors.push(FieldError::at(format!("/lines/{at}/{name}"), code, detail).received(received));
    if line.quantity.0.is_zero() {
        fault("quantity", "too_small", "A quantity is more than 0.", line.quantity.0.to_string());
    }
    if discount.is_sign_negative() && !discount.is_zero() {
        fault("discount", "too_small", "A discount is not negative.", discount.to_string());
    }
    if !house.currency.holds(discount) {
        errors.push(faults::precision(&format!("/lines/{at}/discount"), discount, house.currency));
    }
    let mut fault =
        |name: &str, code: &str, detail: &str, received: String| errors.push(FieldError::at(format!("/lines/{at}/{name}"), code, detail).received(received));
    if !units::is_unit(&unit) {
        fault("unit", "unit_unknown", "This is not a unit quantity code of the GST portal.", unit.clone());
    }
    if let Some(rate) = tax_rate.filter(|rate| treatment == TaxTreatment::Taxable && !rate_was_in_force(rate.0, date)) {
        fault("tax_rate", "tax_rate_unknown", "This is not a GST rate in force on the invoice date or before it.", rate.0.to_string());
    }
    if errors.len() > before {
        return None;
    }
    let (description, hsn_code, unit_price, tax_rate) = (description?, hsn_code?, unit_price?, tax_rate?);
    let cess_rate = line.cess_rate.unwrap_or_default().0;
    let input = LineInput {
        quantity: line.quantity.0,
        unit_price: unit_price.0,
        discount,
        rate: tax_rate.0,
        cess_rate,
        cess_per_unit: Decimal::ZERO,
        tax_inclusive: line.tax_inclusive,
        treatment: match treatment {
            TaxTreatment::Taxable => Treatment::Taxable,
            TaxTreatment::Nil => Treatment::Nil,
            TaxTreatment::Exempt => Treatment::Exempt,
            TaxTreatment::NonGst => Treatment::NonGst,
        },
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
        tax_rate: tax_rate.0,
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

fn instalments(new: &NewInvoice, ground: &Ground, currency: Currency, total: Decimal) -> (Vec<Instalment>, Option<TermsId>) {
    if let Some(due_date) = new.due_date {
        return (vec![Instalment { due_date, amount: total }], None);
    }
    match (&ground.terms, ground.terms_days.filter(|_| new.payment_terms_id.is_none())) {
        (Some((id, terms)), None) => (split(total, currency, new.invoice_date, terms), Some(*id)),
        (_, days) => {
            let days = days.and_then(|days| u32::try_from(days).ok()).unwrap_or(0);
            (vec![Instalment { due_date: plus_days(new.invoice_date, days), amount: total }], None)
        }
    }
}

/// What may be done with an invoice in a state.
#[must_use]
pub fn allowed_actions(status: InvoiceStatus, untouched: bool, may: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let mut actions = Vec::new();
    if status == InvoiceStatus::Draft {
        actions.extend([("update", "invoices:write"), ("delete", "invoices:write"), ("issue", "invoices:issue")]);
    }
    if status == InvoiceStatus::Issued && untouched {
        actions.push(("cancel", "invoices:cancel"));
    }
    actions.into_iter().filter(|(_, permission)| may(permission)).map(|(action, _)| action).collect()
}
