//! The stateless tool: facts in, payload and IRN out. Stores nothing, reads nothing of a company.

use super::payload::{self, Document, Export, Line, Party, Payment, Transport, UNREGISTERED};
use super::table::{self, Fault};
use crate::platform::dates::FiscalYear;
use crate::platform::http::reply::Resource;
use crate::platform::http::{Body, Done, FieldError, Problem, Query, Reply};
use crate::platform::money::{Amount, Quantity, Rate, UnitPrice, round};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::ItemsRead;
use crate::tax::gst::compute::{self, ChargeInput, ChargeTax, Discount, DocumentInput, LineInput, LineTax, Treatment, compute};
use crate::tax::gst::explain::{Explanation, START, entry};
use crate::tax::gst::gstin::{Gstin, GstinFault, Mode, normalise};
use crate::tax::gst::irp::{self, DocumentType, number_sent};
use crate::tax::gst::limits;
use crate::tax::gst::supply::{OTHER_COUNTRIES, Split, SupplyType, split};
use crate::tax::gst::{states, units};
use crate::tax::tools::rules::{rate_fault, read_place};
use crate::tax::tools::types::{ChargeTime, GstinMode, GstinQuery, RecipientKind, TaxTreatment};
use crate::words;
use actix_web::post;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

words! {
    /// The kind of document, in our words or the portal's.
    pub enum EinvoiceType { Invoice = "invoice", CreditNote = "credit_note", DebitNote = "debit_note", Inv = "INV", Crn = "CRN", Dbn = "DBN" }
}
words! {
    /// How GST sees the supply, in our words or the portal's.
    pub enum EinvoiceSupply {
        Regular = "regular", SezWithPayment = "sez_with_payment", SezWithoutPayment = "sez_without_payment", ExportWithPayment = "export_with_payment",
        ExportWithoutPayment = "export_without_payment", DeemedExport = "deemed_export", B2b = "B2B", B2c = "B2C", Sezwp = "SEZWP", Sezwop = "SEZWOP", Expwp = "EXPWP",
        Expwop = "EXPWOP", Dexp = "DEXP",
    }
}
words! {
    pub enum EinvoiceDocumentStatus { Issued = "issued", Cancelled = "cancelled" }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "document": {"type": "invoice", "number": "MH/25-26/000123", "date": "2025-11-15"},
    "supplier": {"gstin": "27AAACD1234E1Z9", "legal_name": "Demo Traders Pvt Ltd", "address": {"line1": "1 Marine Drive", "city": "Mumbai", "postal_code": "400002"}},
    "buyer": {"gstin": "27AABCA9876F1ZD", "legal_name": "Acme Retail Pvt Ltd", "address": {"line1": "12 MG Road", "city": "Mumbai", "postal_code": "400001"}},
    "lines": [{"description": "Annual support plan", "hsn": "998313", "service": true, "qty": "2", "uqc": "NOS", "unit_price": "50000.00", "gst_rate": "18"}]
}))]
pub struct EinvoiceRequest {
    pub document: EinvoiceDocument,
    pub supplier: EinvoiceParty,
    pub buyer: EinvoiceParty,
    /// The portal takes 1,000 taxable ones.
    #[schema(min_items = 1, max_items = 5000)]
    pub lines: Vec<EinvoiceLine>,
    /// Where the goods leave from, if not from the supplier's address.
    pub dispatch_from: Option<EinvoiceParty>,
    /// Where they go, if not to the buyer's address.
    pub ship_to: Option<EinvoiceParty>,
    pub payment: Option<EinvoicePayment>,
    pub export: Option<EinvoiceExport>,
    pub transport: Option<EinvoiceTransport>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceDocument {
    pub r#type: Option<EinvoiceType>,
    /// At most 16 letters, digits, `-` and `/` (CGST Rules r.46(b)).
    #[schema(max_length = 100, example = "MH/25-26/000123")]
    pub number: String,
    #[schema(example = "2025-11-15")]
    pub date: NaiveDate,
    #[schema(max_length = 100, example = "MH/25-26/")]
    pub series: Option<String>,
    pub status: Option<EinvoiceDocumentStatus>,
    /// The buyer again, as documents of returns name it; `buyer` comes first.
    pub recipient: Option<EinvoiceRecipient>,
    /// GST State code, 96 outside India; from the buyer when left out.
    #[schema(pattern = "^[0-9]{2}$", max_length = 2, example = "27")]
    pub place_of_supply: Option<String>,
    pub supply_type: Option<EinvoiceSupply>,
    /// The recipient pays the tax: shown, but in no total.
    #[schema(example = false)]
    pub reverse_charge: Option<bool>,
    /// Whether prices and discounts of lines include the tax.
    #[schema(example = false)]
    pub prices_include_tax: Option<bool>,
    #[schema(example = false)]
    pub round_to_rupee: Option<bool>,
    /// Off all lines together, before tax.
    pub document_discount: Option<Amount>,
    /// Off the document after tax.
    pub discount_after_tax: Option<Amount>,
    #[schema(max_items = 100)]
    #[serde(default)]
    pub charges: Vec<EinvoiceCharge>,
    /// Between the sum of the parts and the invoice value.
    pub rounding: Option<Amount>,
    /// The invoice value; what it differs from the sum by is its rounding, at most half a rupee.
    pub value: Option<Amount>,
    /// The invoice a note corrects.
    pub original: Option<EinvoiceOriginal>,
    /// Several of them.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub originals: Vec<EinvoiceOriginal>,
    /// The e-commerce operator it is sold through.
    #[schema(max_length = 20, example = "29AABCA9876F1Z9")]
    pub operator_gstin: Option<String>,
    /// ISO 4217, where it is billed in another currency; every amount here is in rupees.
    #[schema(pattern = "^[A-Z]{3}$", max_length = 3, example = "USD")]
    pub currency: Option<String>,
    /// The total in that currency.
    pub total_in_currency: Option<Amount>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceRecipient {
    pub kind: Option<RecipientKind>,
    #[schema(max_length = 20, example = "27AABCA9876F1ZD")]
    pub gstin: Option<String>,
    #[schema(max_length = 2, example = "27")]
    pub state: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceOriginal {
    #[schema(max_length = 100, example = "MH/25-26/000101")]
    pub number: String,
    #[schema(example = "2025-10-01")]
    pub date: NaiveDate,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceCharge {
    #[schema(max_length = 300, example = "Freight")]
    pub label: Option<String>,
    pub amount: Amount,
    pub when: ChargeTime,
    /// Of a charge before tax; the rates of the lines when left out.
    pub gst_rate: Option<Rate>,
    #[schema(max_length = 20, example = "996511")]
    pub hsn: Option<String>,
}

/// A supplier, a buyer, or a place goods go from or to.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceParty {
    /// A buyer outside India has none.
    #[schema(max_length = 20, example = "27AABCA9876F1ZD")]
    pub gstin: Option<String>,
    /// Of a buyer; from the GSTIN when left out.
    pub kind: Option<RecipientKind>,
    #[schema(max_length = 500, example = "Acme Retail Pvt Ltd")]
    pub legal_name: Option<String>,
    /// The same as `legal_name`.
    #[schema(max_length = 500, example = "Acme Retail Pvt Ltd")]
    pub name: Option<String>,
    #[schema(max_length = 500, example = "Acme")]
    pub trade_name: Option<String>,
    pub address: Option<EinvoiceAddress>,
    /// The same as `address`.
    pub billing_address: Option<EinvoiceAddress>,
    /// GST State code; from the GSTIN when left out.
    #[schema(max_length = 2, example = "27")]
    pub state: Option<String>,
    /// The same as `state`.
    #[schema(max_length = 2, example = "27")]
    pub state_code: Option<String>,
    #[schema(max_length = 30, example = "2240000000")]
    pub phone: Option<String>,
    #[schema(max_length = 254, example = "accounts@example.com")]
    pub email: Option<String>,
    /// Of a supplier: the highest aggregate turnover of a year from 2017-18 to the one before the document's, in rupees.
    /// Taken to be above the limit when left out.
    pub turnover: Option<Amount>,
    /// Of a supplier: a kind that is excluded from e-invoicing, such as `bank` or `sez_unit`.
    #[schema(max_length = 40, example = "sez_unit")]
    pub excluded_as: Option<String>,
}

#[derive(Debug, Default, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceAddress {
    #[schema(max_length = 500, example = "12 MG Road")]
    pub line1: Option<String>,
    #[schema(max_length = 500, example = "Fort")]
    pub line2: Option<String>,
    #[schema(max_length = 200, example = "Mumbai")]
    pub city: Option<String>,
    #[schema(max_length = 2, example = "27")]
    pub state_code: Option<String>,
    /// Six digits in India.
    #[schema(max_length = 20, example = "400001")]
    pub postal_code: Option<String>,
    /// ISO 3166-1.
    #[schema(pattern = "^[A-Z]{2}$", max_length = 2, example = "IN")]
    pub country: Option<String>,
}

/// Quantity and price, from which everything else follows, or `taxable` with final amounts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceLine {
    #[schema(max_length = 500, example = "Annual support plan")]
    pub description: Option<String>,
    /// HSN or SAC.
    #[schema(max_length = 20, example = "998313")]
    pub hsn: Option<String>,
    /// Whether it is a service; by the code, which of services begins with 99, when left out.
    #[schema(example = true)]
    pub service: Option<bool>,
    pub qty: Option<Quantity>,
    pub free_qty: Option<Quantity>,
    /// Unit quantity code; `OTH` for goods when left out.
    #[schema(max_length = 20, example = "NOS")]
    pub uqc: Option<String>,
    pub unit_price: Option<UnitPrice>,
    pub gst_rate: Option<Rate>,
    pub discount_percent: Option<Rate>,
    pub discount_amount: Option<Amount>,
    pub cess_percent: Option<Rate>,
    pub cess_per_unit: Option<UnitPrice>,
    pub treatment: Option<TaxTreatment>,
    /// The final taxable value.
    pub taxable: Option<Amount>,
    /// Final, where `taxable` is; by the rate when no tax is given.
    pub igst: Option<Amount>,
    pub cgst: Option<Amount>,
    pub sgst: Option<Amount>,
    pub cess: Option<Amount>,
    pub state_cess_percent: Option<Rate>,
    pub state_cess: Option<Amount>,
    pub other_charges: Option<Amount>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoicePayment {
    #[schema(max_length = 500, example = "Demo Traders Pvt Ltd")]
    pub payee: Option<String>,
    #[schema(max_length = 100, example = "50100012345678")]
    pub account: Option<String>,
    #[schema(max_length = 100, example = "Credit")]
    pub mode: Option<String>,
    #[schema(max_length = 100, example = "HDFC0000001")]
    pub ifsc: Option<String>,
    #[schema(max_length = 500, example = "Net 30")]
    pub terms: Option<String>,
    #[schema(minimum = 0, maximum = 9999, example = 30)]
    pub credit_days: Option<i64>,
    pub paid: Option<Amount>,
    pub due: Option<Amount>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceExport {
    #[schema(max_length = 100, example = "1234567")]
    pub shipping_bill: Option<String>,
    #[schema(example = "2025-11-16")]
    pub shipping_bill_date: Option<NaiveDate>,
    #[schema(max_length = 100, example = "INNSA1")]
    pub port: Option<String>,
    #[schema(example = false)]
    pub refund_claimed: Option<bool>,
    #[schema(max_length = 100, example = "USD")]
    pub currency: Option<String>,
    /// ISO 3166-1; that of the buyer's address when left out.
    #[schema(max_length = 100, example = "US")]
    pub country: Option<String>,
    pub duty: Option<Amount>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EinvoiceTransport {
    #[schema(max_length = 100, example = "27AABCA9876F1ZD")]
    pub transporter: Option<String>,
    #[schema(max_length = 500, example = "Fast Roads")]
    pub transporter_name: Option<String>,
    /// 1 road, 2 rail, 3 air, 4 ship.
    #[schema(max_length = 100, example = "1")]
    pub mode: Option<String>,
    /// In km; 0 lets the portal find it.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 4000, example = 0)]
    pub distance: u32,
    #[schema(max_length = 100, example = "LR-100")]
    pub document: Option<String>,
    #[schema(example = "2025-11-16")]
    pub document_date: Option<NaiveDate>,
    #[schema(max_length = 100, example = "MH12AB1234")]
    pub vehicle: Option<String>,
    /// R regular, O over-dimensional.
    #[schema(max_length = 100, example = "R")]
    pub vehicle_type: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct EinvoiceAnswer {
    /// Whether the document has to be registered.
    pub applicable: bool,
    /// Why, or why not.
    #[schema(max_length = 500, example = "A B2B document of a seller whose turnover is above 50000000 rupees is registered.")]
    pub reason: String,
    #[schema(max_length = 40, example = "required")]
    pub reason_code: &'static str,
    /// INV-01 1.1; null for what the portal does not take at all.
    #[schema(value_type = Option<Object>, example = json!({"Version": "1.1"}))]
    pub payload: Option<Value>,
    #[schema(max_length = 64, example = "3f5c0c2a9b6d4e1f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f")]
    pub irn: Option<String>,
    /// The last day the portal takes it; null where there is none.
    pub report_by: Option<NaiveDate>,
    /// What the portal wants besides.
    #[schema(max_items = 1000)]
    pub missing: Vec<EinvoiceMissing>,
    #[schema(max_items = 100)]
    pub warnings: Vec<String>,
    /// One entry a decision.
    #[schema(max_items = 20)]
    pub explanation: Vec<Explanation>,
}
impl Resource for EinvoiceAnswer {}

#[derive(Debug, Serialize, ToSchema)]
pub struct EinvoiceMissing {
    /// JSON Pointer into the request.
    #[schema(max_length = 200, example = "#/buyer/address/city")]
    pub pointer: String,
    #[schema(max_length = 40, example = "required")]
    pub code: &'static str,
    #[schema(max_length = 500, example = "The portal needs this.")]
    pub detail: String,
}

/// Make an e-invoice of a document.
///
/// Says whether the document has to be registered (CGST Rules r.48(4)) and why, and gives what the portal wants of it:
/// INV-01 1.1, with the IRN it will get. Stores nothing. What the portal would refuse is refused; what it would want besides
/// is in `missing`.
#[utoipa::path(tag = "GST", params(GstinQuery), request_body = EinvoiceRequest, responses((status = 200, body = EinvoiceAnswer, description = "The payload.")), extensions(("x-permission" = json!("items:read"))))]
#[post("/v1/gst/einvoice")]
pub async fn make_einvoice(_caller: Caller<ItemsRead>, query: Query<GstinQuery>, body: Body<EinvoiceRequest>) -> Reply<Done<EinvoiceAnswer>> {
    let sandbox = query.mode == Some(GstinMode::Sandbox);
    Done::ok(&answer(&body, sandbox)?)
}

/// The answer to a request. Pure.
pub fn answer(request: &EinvoiceRequest, sandbox: bool) -> Result<EinvoiceAnswer, Problem> {
    let mut reading = Reading { request, sandbox, errors: Vec::new(), warnings: Vec::new() };
    let document = reading.document();
    let Reading { mut errors, warnings, .. } = reading;
    let Some(document) = document.filter(|_| errors.is_empty()) else { return Err(Problem::invalid(errors)) };
    let supplier = &request.supplier;
    let taxable = document.lines.iter().any(|line| line.treatment == Treatment::Taxable);
    let mut decision = irp::decide(&irp::Facts {
        date: document.date,
        supply: document.supply,
        seller_gstin: document.seller.gstin.as_deref().unwrap_or_default(),
        buyer_gstin: document.buyer.gstin.as_deref(),
        taxable,
        financial: false,
        seller_is: supplier.excluded_as.as_deref(),
        turnover: supplier.turnover.map(|amount| amount.0),
    });
    let registrable = decision.registrable();
    if request.document.status == Some(EinvoiceDocumentStatus::Cancelled) {
        decision.applicable = false;
        "The document is cancelled.".clone_into(&mut decision.reason);
        decision.code = "cancelled";
    }
    let payload = registrable.then(|| payload::build(&document));
    let mut missing = Vec::new();
    for fault in payload.as_ref().map(table::faults).unwrap_or_default() {
        let pointer = pointer_of(&fault, &document, request);
        if fault.code == "required" {
            missing.push(EinvoiceMissing { pointer: format!("#{pointer}"), code: fault.code, detail: fault.detail });
        } else {
            let error = FieldError::at(pointer, fault.code, fault.detail);
            errors.push(match fault.received {
                Some(received) => error.received(received),
                None => error,
            });
        }
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let irn = registrable.then(|| irp::irn(document.seller.gstin.as_deref().unwrap_or_default(), document.date, document.kind, &document.number));
    let turnover = supplier.turnover.map_or(Decimal::ZERO, |amount| amount.0);
    let report_by = limits::einvoice_last_day(document.date, turnover).filter(|_| decision.applicable);
    Ok(EinvoiceAnswer {
        explanation: explain(&decision, &document, report_by),
        applicable: decision.applicable,
        reason: decision.reason,
        reason_code: decision.code,
        payload,
        irn,
        report_by,
        missing,
        warnings,
    })
}

fn explain(decision: &irp::Decision, document: &Document, report_by: Option<NaiveDate>) -> Vec<Explanation> {
    let nature = match split(document.seller.state.as_deref().unwrap_or_default(), &document.place, document.supply) {
        Split::Inter => "inter_state",
        Split::Intra { .. } => "intra_state",
    };
    let said = format!(
        "A supply of type {} from State {} with its place at {}.",
        document.supply.as_str(),
        document.seller.state.as_deref().unwrap_or_default(),
        document.place
    );
    let mut all = vec![
        entry("applicability", decision.code, &decision.reason, decision.source, decision.effective_from.unwrap_or(START)),
        entry("nature_of_supply", nature, said, "IGST Act s.7, s.8", START),
    ];
    if let Some(case) = limits::all().irn_upper_case.on(document.date) {
        let (year, how) = (FiscalYear::of(document.date, 4).label(), if case.value { "in capitals" } else { "as typed" });
        let rule = format!("SHA-256 of GSTIN, {year}, {} and the number {how}.", document.kind.code());
        all.push(entry("irn", number_sent(&document.number, document.date), rule, case.source, case.from));
    }
    if let (Some(day), Some(window)) = (report_by, limits::all().einvoice_reporting.on(document.date)) {
        let rule = format!("The portal takes it within {} days, its own counted.", window.value.days);
        all.push(entry("reporting", day.to_string(), rule, window.source, window.from));
    }
    all
}

/// A request on its way to a document, with what is wrong in it.
struct Reading<'r> {
    request: &'r EinvoiceRequest,
    sandbox: bool,
    errors: Vec<FieldError>,
    warnings: Vec<String>,
}

impl Reading<'_> {
    fn fault(&mut self, pointer: &str, code: &str, detail: impl Into<String>, received: impl std::fmt::Display) {
        self.errors.push(FieldError::at(pointer, code, detail).received(received.to_string().chars().take(80).collect::<String>()));
    }

    /// A GSTIN as it counts. Numbers of NIC's sandbox are told by their form, which no registration has.
    fn gstin(&mut self, pointer: &str, text: &str) -> Option<String> {
        let mode = if self.sandbox { Mode::Sandbox } else { Mode::Strict };
        match Gstin::parse(text, mode) {
            Ok(gstin) => Some(gstin.as_str().to_owned()),
            Err(fault) => {
                let number = normalise(text);
                let sandbox = Gstin::parse(text, Mode::Sandbox).is_ok() && fault == GstinFault::Structure;
                // NIC's own samples follow no form of registration; a sandbox takes them.
                let sample = self.sandbox && number.len() == 15 && number.bytes().all(|c| c.is_ascii_alphanumeric()) && states::find(&number[..2]).is_some();
                if sandbox || sample {
                    self.warnings.push(format!("{number} is a number of the portal's sandbox, not of a registration."));
                    return Some(number);
                }
                self.fault(pointer, "gstin_invalid", format!("{} ({})", fault.message(), fault.reason()), text);
                None
            }
        }
    }

    fn document(&mut self) -> Option<Document> {
        let request = self.request;
        let (given, supplier, buyer) = (&request.document, &request.supplier, &request.buyer);
        let kind = match given.r#type {
            None | Some(EinvoiceType::Invoice | EinvoiceType::Inv) => DocumentType::Invoice,
            Some(EinvoiceType::CreditNote | EinvoiceType::Crn) => DocumentType::CreditNote,
            Some(EinvoiceType::DebitNote | EinvoiceType::Dbn) => DocumentType::DebitNote,
        };
        if let Some((code, detail)) = irp::number_fault(&given.number) {
            self.fault("/document/number", code, detail, &given.number);
        }
        let seller_gstin = if let Some(text) = &supplier.gstin {
            self.gstin("/supplier/gstin", text)
        } else {
            self.errors.push(FieldError::at("/supplier/gstin", "required", "An e-invoice is of a registered supplier."));
            None
        };
        let recipient = given.recipient.as_ref();
        let named = buyer.gstin.as_deref().or(recipient.and_then(|recipient| recipient.gstin.as_deref()));
        let named = named.filter(|text| !text.trim().is_empty() && !text.trim().eq_ignore_ascii_case(UNREGISTERED));
        let buyer_gstin = named.and_then(|text| self.gstin("/buyer/gstin", text));
        let operator_gstin = given.operator_gstin.as_deref().and_then(|text| self.gstin("/document/operator_gstin", text));
        let kind_of_buyer = buyer.kind.or(recipient.and_then(|recipient| recipient.kind));
        let seller = party(supplier, seller_gstin);
        let mut buyer_party = party(buyer, buyer_gstin);
        buyer_party.state = buyer_party.state.or_else(|| recipient.and_then(|recipient| recipient.state.clone()));
        let exports = matches!(
            given.supply_type,
            Some(EinvoiceSupply::ExportWithPayment | EinvoiceSupply::ExportWithoutPayment | EinvoiceSupply::Expwp | EinvoiceSupply::Expwop)
        );
        if (exports || kind_of_buyer == Some(RecipientKind::Overseas)) && buyer_party.gstin.is_none() {
            buyer_party.state = Some(OTHER_COUNTRIES.to_owned());
        }
        let place = given.place_of_supply.clone().or_else(|| if exports { Some(OTHER_COUNTRIES.to_owned()) } else { buyer_party.state.clone() });
        let place = place.or_else(|| seller.state.clone()).unwrap_or_default();
        let place = match read_place("/document/place_of_supply", &place) {
            Ok(code) => code.to_owned(),
            Err(error) => {
                self.errors.push(error);
                return None;
            }
        };
        let supply = self.supply(kind_of_buyer, buyer_party.gstin.is_some(), &place);
        if !supply.fits_place(&place) {
            self.fault(
                "/document/place_of_supply",
                "place_of_supply_mismatch",
                format!("A supply of type {} cannot have this place.", supply.as_str()),
                &place,
            );
        }
        if let Some(excluded) = supplier.excluded_as.as_deref().filter(|excluded| irp::exemptions().iter().all(|known| known.seller != *excluded)) {
            let known: Vec<_> = irp::exemptions().iter().map(|known| known.seller).collect();
            self.fault("/supplier/excluded_as", "invalid_value", format!("One of {}.", known.join(", ")), excluded);
        }
        let seller_state = seller.state.clone()?;
        let reverse_charge = given.reverse_charge.unwrap_or(false);
        let (lines, after_tax) = self.lines(supply, &seller_state, &place, reverse_charge)?;
        let discount = self.not_negative("/document/discount_after_tax", given.discount_after_tax);
        let originals: Vec<(String, NaiveDate)> =
            given.original.iter().chain(&given.originals).map(|original| (original.number.clone(), original.date)).collect();
        let country = buyer.address.as_ref().or(buyer.billing_address.as_ref()).and_then(|address| address.country.clone());
        let mut document = Document {
            kind,
            number: given.number.clone(),
            date: given.date,
            supply,
            reverse_charge,
            operator_gstin,
            seller,
            buyer: buyer_party,
            place,
            dispatch: request.dispatch_from.as_ref().map(|from| party(from, from.gstin.clone())),
            ship_to: request.ship_to.as_ref().map(|to| party(to, to.gstin.clone())),
            lines,
            discount,
            other_charges: after_tax,
            round_off: Decimal::ZERO,
            total_in_currency: given.currency.clone().zip(given.total_in_currency.map(|total| total.0)),
            originals,
            payment: request.payment.as_ref().map(payment).unwrap_or_default(),
            export: export(request, supply, country),
            transport: request.transport.as_ref().map(transport),
        };
        document.round_off = self.rounding(&document);
        Some(document)
    }

    fn supply(&self, kind: Option<RecipientKind>, registered: bool, place: &str) -> SupplyType {
        let request = self.request;
        let zero = |amount: Option<Amount>| amount.is_none_or(|amount| amount.0.is_zero());
        // Final amounts of tax that are all zero say that none is paid.
        let unpaid = request.lines.iter().all(|line| line.taxable.is_some() && line.igst.is_some() && zero(line.igst));
        match request.document.supply_type.unwrap_or(EinvoiceSupply::Regular) {
            EinvoiceSupply::SezWithPayment | EinvoiceSupply::Sezwp => SupplyType::SezWithPayment,
            EinvoiceSupply::SezWithoutPayment | EinvoiceSupply::Sezwop => SupplyType::SezWithoutPayment,
            EinvoiceSupply::ExportWithPayment | EinvoiceSupply::Expwp => SupplyType::ExportWithPayment,
            EinvoiceSupply::ExportWithoutPayment | EinvoiceSupply::Expwop => SupplyType::ExportWithoutPayment,
            EinvoiceSupply::DeemedExport | EinvoiceSupply::Dexp => SupplyType::DeemedExport,
            EinvoiceSupply::B2b => SupplyType::B2b,
            EinvoiceSupply::B2c => SupplyType::B2c,
            EinvoiceSupply::Regular => match kind {
                Some(RecipientKind::Sez) if unpaid => SupplyType::SezWithoutPayment,
                Some(RecipientKind::Sez) => SupplyType::SezWithPayment,
                // With its place in India it is a supply to an unregistered person (gst.md 2.1).
                Some(RecipientKind::Overseas) if place != OTHER_COUNTRIES => SupplyType::B2c,
                Some(RecipientKind::Overseas) if unpaid => SupplyType::ExportWithoutPayment,
                Some(RecipientKind::Overseas) => SupplyType::ExportWithPayment,
                Some(RecipientKind::DeemedExport) => SupplyType::DeemedExport,
                Some(RecipientKind::Registered | RecipientKind::Composition) => SupplyType::B2b,
                None if registered => SupplyType::B2b,
                Some(RecipientKind::Unregistered) | None => SupplyType::B2c,
            },
        }
    }

    fn not_negative(&mut self, pointer: &str, amount: Option<Amount>) -> Decimal {
        let amount = amount.map_or(Decimal::ZERO, |amount| amount.0);
        if amount.is_sign_negative() && !amount.is_zero() {
            self.fault(pointer, "too_small", "An amount is not negative; a credit note says so by its type.", amount);
        }
        if amount.normalize().scale() > 2 {
            self.fault(pointer, "amount_precision", "An amount in INR has at most 2 decimals.", amount);
        }
        amount
    }

    /// Lines and taxed charges with final amounts, and what is charged after tax.
    fn lines(&mut self, supply: SupplyType, seller_state: &str, place: &str, reverse_charge: bool) -> Option<(Vec<Line>, Decimal)> {
        let request = self.request;
        let given = &request.document;
        let mut inputs = Vec::new();
        // Which line each input is of; those with final amounts are taken as they are.
        let mut computed = Vec::new();
        for (at, line) in request.lines.iter().enumerate() {
            self.judge(at, line);
            let finished = line.taxable.is_some() && (line.igst.is_some() || line.cgst.is_some() || line.sgst.is_some());
            if !finished {
                computed.push(at);
                inputs.push(self.input(line));
            }
        }
        let mut charges = Vec::new();
        for (at, charge) in given.charges.iter().enumerate() {
            let amount = self.not_negative(&format!("/document/charges/{at}/amount"), Some(charge.amount));
            let tax = match (charge.when, charge.gst_rate) {
                (ChargeTime::AfterTax, _) => ChargeTax::Free,
                (ChargeTime::BeforeTax, Some(rate)) => ChargeTax::AtRate(rate.0),
                (ChargeTime::BeforeTax, None) => ChargeTax::AsLines,
            };
            charges.push(ChargeInput { amount, tax });
        }
        let discount = self.not_negative("/document/document_discount", given.document_discount);
        if !self.errors.is_empty() {
            return None;
        }
        let input = DocumentInput {
            charges,
            discount: Discount::of(discount),
            tax_collected: supply.tax_collected(reverse_charge),
            ..DocumentInput::of_lines(split(seller_state, place, supply), inputs)
        };
        let result = match compute(&input) {
            Ok(result) => result,
            Err(fault) => {
                let pointer = match (fault.line().and_then(|line| computed.get(line)), fault.charge()) {
                    (Some(line), _) => format!("/lines/{line}"),
                    (_, Some(charge)) => format!("/document/charges/{charge}"),
                    _ => "/lines".to_owned(),
                };
                self.errors.push(FieldError::at(pointer, fault.reason(), fault.to_string()));
                return None;
            }
        };
        let mut of_line = computed.iter().zip(&result.lines);
        let mut lines: Vec<Line> = Vec::with_capacity(request.lines.len());
        let mut next = of_line.next();
        for (at, line) in request.lines.iter().enumerate() {
            let tax = match next {
                Some((mine, tax)) if *mine == at => {
                    next = of_line.next();
                    tax.clone()
                }
                _ => finished(line),
            };
            lines.push(line_of(at, line, &tax, given.prices_include_tax.unwrap_or(false)));
        }
        for (charge, amounts) in given.charges.iter().zip(&result.charges) {
            for part in &amounts.parts {
                let number = lines.len() + 1;
                lines.push(Line {
                    number,
                    description: charge.label.clone(),
                    is_service: charge.hsn.as_deref().is_none_or(|hsn| hsn.starts_with("99")),
                    hsn: charge.hsn.clone(),
                    quantity: None,
                    free_quantity: None,
                    unit: None,
                    unit_price: part.taxable,
                    gross: part.taxable,
                    taxable: part.taxable,
                    treatment: part.treatment,
                    rate: part.rate,
                    igst: part.igst,
                    cgst: part.cgst,
                    sgst: part.sgst,
                    cess_rate: Decimal::ZERO,
                    cess: part.cess,
                    fixed_cess: Decimal::ZERO,
                    state_cess_rate: Decimal::ZERO,
                    state_cess: Decimal::ZERO,
                    other_charges: Decimal::ZERO,
                });
            }
        }
        Some((lines, result.other_charges))
    }

    fn judge(&mut self, at: usize, line: &EinvoiceLine) {
        let pointer = |name: &str| format!("/lines/{at}/{name}");
        for (name, amount) in [
            ("taxable", line.taxable),
            ("igst", line.igst),
            ("cgst", line.cgst),
            ("sgst", line.sgst),
            ("cess", line.cess),
            ("discount_amount", line.discount_amount),
            ("state_cess", line.state_cess),
            ("other_charges", line.other_charges),
        ] {
            self.not_negative(&pointer(name), amount);
            if amount.is_some_and(|amount| amount.0 > compute::MAX_AMOUNT) {
                self.fault(&pointer(name), "too_large", "The amount is too large to compute exactly.", amount.map_or(Decimal::ZERO, |amount| amount.0));
            }
        }
        if line.taxable.is_none() && line.unit_price.is_none() {
            self.errors.push(FieldError::at(pointer("unit_price"), "required", "A line has a price, or its taxable value."));
        }
        let treatment = treatment_of(line);
        let rate = line.gst_rate.map_or(Decimal::ZERO, |rate| rate.0);
        if treatment == Treatment::Taxable {
            // A note bears the rate of the document it corrects (s.14, s.34).
            let document = &self.request.document;
            let on = document.original.iter().chain(&document.originals).map(|original| original.date).min().unwrap_or(document.date);
            self.errors.extend(rate_fault(&pointer("gst_rate"), rate, on, line.hsn.as_deref()));
        }
        if let Some(unit) = line.uqc.as_deref().filter(|unit| !units::is_unit(&unit.to_ascii_uppercase())) {
            self.fault(&pointer("uqc"), "unit_unknown", "This is not a unit quantity code of the GST portal.", unit);
        }
        if line.discount_percent.is_some_and(|percent| percent.0 > Decimal::ONE_HUNDRED) {
            self.fault(&pointer("discount_percent"), "too_large", "A discount is at most 100 per cent.", line.discount_percent.map_or(Decimal::ZERO, |p| p.0));
        }
    }

    fn input(&self, line: &EinvoiceLine) -> LineInput {
        let given = &self.request.document;
        let decimal = |rate: Option<Rate>| rate.map_or(Decimal::ZERO, |rate| rate.0);
        let quantity = line.qty.map_or(Decimal::ONE, |qty| qty.0);
        let (quantity, unit_price, discount) = match line.taxable {
            Some(taxable) => (Decimal::ONE, taxable.0, Discount::NONE),
            None => (
                quantity,
                line.unit_price.map_or(Decimal::ZERO, |price| price.0),
                Discount { percent: decimal(line.discount_percent), amount: line.discount_amount.map_or(Decimal::ZERO, |amount| amount.0) },
            ),
        };
        LineInput {
            quantity,
            unit_price,
            discount,
            rate: decimal(line.gst_rate),
            cess_rate: decimal(line.cess_percent),
            cess_per_unit: line.cess_per_unit.map_or(Decimal::ZERO, |amount| amount.0),
            tax_inclusive: given.prices_include_tax.unwrap_or(false) && line.taxable.is_none(),
            treatment: treatment_of(line),
        }
    }

    /// What lies between the sum of the parts and the invoice value.
    fn rounding(&mut self, document: &Document) -> Decimal {
        let given = &self.request.document;
        if let Some(rounding) = given.rounding {
            return rounding.0;
        }
        let total = payload::total(document);
        if let Some(value) = given.value {
            let difference = value.0 - total;
            if difference.abs() > Decimal::new(5, 1) {
                self.errors.push(
                    FieldError::at(
                        "/document/value",
                        "total_mismatch",
                        "The lines and charges come to another value; taxes under reverse charge are no part of it.",
                    )
                    .expected(total)
                    .received(value.0),
                );
            }
            return difference;
        }
        if given.round_to_rupee.unwrap_or(false) { round(total, 0) - total } else { Decimal::ZERO }
    }
}

fn treatment_of(line: &EinvoiceLine) -> Treatment {
    line.treatment.unwrap_or(TaxTreatment::Taxable).of_law()
}

fn finished(line: &EinvoiceLine) -> LineTax {
    let amount = |amount: Option<Amount>| amount.map_or(Decimal::ZERO, |amount| amount.0);
    LineTax {
        taxable: amount(line.taxable),
        cgst: amount(line.cgst),
        sgst: amount(line.sgst),
        igst: amount(line.igst),
        cess: amount(line.cess),
        total: Decimal::ZERO,
    }
}

fn line_of(at: usize, line: &EinvoiceLine, tax: &LineTax, inclusive: bool) -> Line {
    let quantity = line.qty.map(|qty| qty.0);
    let is_service = line.service.unwrap_or_else(|| line.hsn.as_deref().is_some_and(|hsn| hsn.starts_with("99")));
    let priced = line.unit_price.filter(|_| !inclusive).map(|price| price.0);
    let count = quantity.unwrap_or(Decimal::ONE);
    // What is off the line is the rest of quantity × price; a price that includes tax says nothing of it.
    let gross = priced.and_then(|price| count.checked_mul(price)).map(|gross| round(gross, 2)).filter(|gross| *gross >= tax.taxable);
    let each = if count.is_zero() { Some(tax.taxable) } else { tax.taxable.checked_div(count) };
    let fixed_cess = line.cess_per_unit.and_then(|cess| cess.0.checked_mul(count)).map_or(Decimal::ZERO, |cess| round(cess, 2)).min(tax.cess);
    let amount = |amount: Option<Amount>| amount.map_or(Decimal::ZERO, |amount| amount.0);
    let unit = line.uqc.as_deref().map(str::to_ascii_uppercase);
    Line {
        number: at + 1,
        description: line.description.clone(),
        is_service,
        hsn: line.hsn.clone(),
        quantity: quantity.or_else(|| (!is_service).then_some(Decimal::ONE)),
        free_quantity: line.free_qty.map(|qty| qty.0),
        // `NA` is what returns say of services.
        unit: unit.filter(|unit| unit != "NA").or_else(|| (!is_service).then(|| units::OTHER.to_owned())),
        unit_price: gross.and(priced).or(each).unwrap_or_default(),
        gross: gross.unwrap_or(tax.taxable),
        taxable: tax.taxable,
        treatment: treatment_of(line),
        rate: line.gst_rate.map_or(Decimal::ZERO, |rate| rate.0),
        igst: tax.igst,
        cgst: tax.cgst,
        sgst: tax.sgst,
        cess_rate: line.cess_percent.map_or(Decimal::ZERO, |rate| rate.0),
        cess: tax.cess - fixed_cess,
        fixed_cess,
        state_cess_rate: line.state_cess_percent.map_or(Decimal::ZERO, |rate| rate.0),
        state_cess: amount(line.state_cess),
        other_charges: amount(line.other_charges),
    }
}

fn party(given: &EinvoiceParty, gstin: Option<String>) -> Party {
    let address = given.address.clone().or_else(|| given.billing_address.clone()).unwrap_or_default();
    let abroad = address.country.as_deref().is_some_and(|country| country != "IN");
    let of_gstin = gstin.as_deref().and_then(|gstin| gstin.get(..2)).filter(|code| states::find(code).is_some_and(|state| state.domestic));
    let state = given.state.clone().or_else(|| given.state_code.clone()).or(if abroad { Some(OTHER_COUNTRIES.to_owned()) } else { address.state_code });
    Party {
        state: state.or_else(|| of_gstin.map(str::to_owned)),
        gstin,
        legal_name: given.legal_name.clone().or_else(|| given.name.clone()),
        trade_name: given.trade_name.clone(),
        line1: address.line1,
        line2: address.line2,
        city: address.city,
        pin: address.postal_code,
        phone: given.phone.clone(),
        email: given.email.clone(),
    }
}

fn payment(given: &EinvoicePayment) -> Payment {
    Payment {
        payee: given.payee.clone(),
        account: given.account.clone(),
        mode: given.mode.clone(),
        ifsc: given.ifsc.clone(),
        terms: given.terms.clone(),
        credit_days: given.credit_days,
        paid: given.paid.map(|amount| amount.0),
        due: given.due.map(|amount| amount.0),
    }
}

fn export(request: &EinvoiceRequest, supply: SupplyType, country: Option<String>) -> Option<Export> {
    let given = request.export.as_ref();
    if given.is_none() && !supply.is_export() {
        return None;
    }
    let currency = request.document.currency.clone().filter(|currency| currency != "INR");
    Some(Export {
        shipping_bill: given.and_then(|given| given.shipping_bill.clone()),
        shipping_bill_date: given.and_then(|given| given.shipping_bill_date),
        port: given.and_then(|given| given.port.clone()),
        refund_claimed: given.and_then(|given| given.refund_claimed),
        currency: given.and_then(|given| given.currency.clone()).or(currency),
        country: given.and_then(|given| given.country.clone()).or(country),
        duty: given.and_then(|given| given.duty).map(|duty| duty.0),
    })
}

fn transport(given: &EinvoiceTransport) -> Transport {
    Transport {
        transporter: given.transporter.clone(),
        transporter_name: given.transporter_name.clone(),
        mode: given.mode.clone(),
        distance: given.distance,
        document: given.document.clone(),
        document_date: given.document_date,
        vehicle: given.vehicle.clone(),
        vehicle_type: given.vehicle_type.clone(),
    }
}

/// Members of the payload by where they come from in the request.
const ORIGINS: &[(&str, &str)] = &[
    ("/DocDtls/Typ", "/document/type"),
    ("/DocDtls/No", "/document/number"),
    ("/DocDtls/Dt", "/document/date"),
    ("/TranDtls/SupTyp", "/document/supply_type"),
    ("/TranDtls/EcmGstin", "/document/operator_gstin"),
    ("/BuyerDtls/Pos", "/document/place_of_supply"),
    ("/ValDtls/Discount", "/document/discount_after_tax"),
    ("/ValDtls/OthChrg", "/document/charges"),
    ("/ValDtls/RndOffAmt", "/document/rounding"),
    ("/ValDtls/TotInvValFc", "/document/total_in_currency"),
    ("/ValDtls", "/lines"),
    ("/SellerDtls", "/supplier"),
    ("/BuyerDtls", "/buyer"),
    ("/DispDtls", "/dispatch_from"),
    ("/ShipDtls", "/ship_to"),
    ("/PayDtls", "/payment"),
    ("/ExpDtls", "/export"),
    ("/EwbDtls", "/transport"),
    ("/RefDtls/PrecDocDtls", "/document/originals"),
];
const MEMBERS: &[(&str, &str)] = &[
    ("Gstin", "gstin"),
    ("LglNm", "legal_name"),
    ("Nm", "legal_name"),
    ("TrdNm", "trade_name"),
    ("Addr1", "address/line1"),
    ("Addr2", "address/line2"),
    ("Loc", "address/city"),
    ("Pin", "address/postal_code"),
    ("Stcd", "state"),
    ("Ph", "phone"),
    ("Em", "email"),
    ("PrdDesc", "description"),
    ("IsServc", "service"),
    ("HsnCd", "hsn"),
    ("Qty", "qty"),
    ("FreeQty", "free_qty"),
    ("Unit", "uqc"),
    ("UnitPrice", "unit_price"),
    ("TotAmt", "taxable"),
    ("AssAmt", "taxable"),
    ("Discount", "discount_amount"),
    ("GstRt", "gst_rate"),
    ("IgstAmt", "igst"),
    ("CgstAmt", "cgst"),
    ("SgstAmt", "sgst"),
    ("CesRt", "cess_percent"),
    ("CesAmt", "cess"),
    ("CesNonAdvlAmt", "cess_per_unit"),
    ("StateCesRt", "state_cess_percent"),
    ("StateCesAmt", "state_cess"),
    ("OthChrg", "other_charges"),
    ("InvNo", "number"),
    ("InvDt", "date"),
    ("AccDet", "account"),
    ("Mode", "mode"),
    ("FinInsBr", "ifsc"),
    ("PayTerm", "terms"),
    ("CrDay", "credit_days"),
    ("PaidAmt", "paid"),
    ("PaymtDue", "due"),
    ("ShipBNo", "shipping_bill"),
    ("ShipBDt", "shipping_bill_date"),
    ("Port", "port"),
    ("RefClm", "refund_claimed"),
    ("ForCur", "currency"),
    ("CntCode", "country"),
    ("ExpDuty", "duty"),
    ("TransId", "transporter"),
    ("TransName", "transporter_name"),
    ("TransMode", "mode"),
    ("Distance", "distance"),
    ("TransDocNo", "document"),
    ("TransDocDt", "document_date"),
    ("VehNo", "vehicle"),
    ("VehType", "vehicle_type"),
];

/// Where a fault of the payload lies in the request.
fn pointer_of(fault: &Fault, document: &Document, request: &EinvoiceRequest) -> String {
    let (parent, name) = fault.path.rsplit_once('/').unwrap_or(("", &fault.path));
    let member = |base: &str| match MEMBERS.iter().find(|(theirs, _)| *theirs == name) {
        Some((_, ours)) if parent != "/TranDtls" => {
            // The payee of a payment is named like a place goods leave from.
            let ours = if base == "/payment" && name == "Nm" { "payee" } else { ours };
            format!("{base}/{ours}")
        }
        _ => base.to_owned(),
    };
    if let Some((_, origin)) = ORIGINS.iter().find(|(path, _)| *path == fault.path) {
        return (*origin).to_owned();
    }
    if let Some(rest) = parent.strip_prefix("/ItemList/") {
        let taxed = document.lines.iter().filter(|line| line.treatment == Treatment::Taxable);
        let at = rest.parse::<usize>().ok().and_then(|at| taxed.clone().nth(at)).map_or(0, |line| line.number - 1);
        // Taxed charges come after the lines.
        return if at < request.lines.len() { member(&format!("/lines/{at}")) } else { "/document/charges".to_owned() };
    }
    if let Some(at) = parent.strip_prefix("/RefDtls/PrecDocDtls/").and_then(|at| at.parse::<usize>().ok()) {
        let single = usize::from(request.document.original.is_some());
        return if at < single { member("/document/original") } else { member(&format!("/document/originals/{}", at - single)) };
    }
    match ORIGINS.iter().find(|(path, _)| *path == parent) {
        Some((_, origin)) => member(origin),
        None if fault.path == "/ItemList" => "/lines".to_owned(),
        None => "/document".to_owned(),
    }
}
