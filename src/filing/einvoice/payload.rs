//! A document → the payload INV-01 1.1. Pure; every amount in rupees.
//!
//! What is nil-rated, exempt or outside GST leaves the list of items and stands in `OthChrg` of the document. Under
//! reverse charge the taxes are shown but belong to no total. Optional members are left out, never null or empty.

use crate::platform::money::round;
use crate::tax::gst::compute::Treatment;
use crate::tax::gst::irp::{DocumentType, number_sent};
use crate::tax::gst::states;
use crate::tax::gst::supply::{OTHER_COUNTRIES, Seat, SupplyType, igst_on_intra};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

/// GSTIN of a buyer outside India.
pub const UNREGISTERED: &str = "URP";
/// PIN of an address outside India.
const PIN_ABROAD: &str = "999999";
/// Most items the portal takes.
pub const MOST_ITEMS: usize = 1000;

/// A document as the portal sees it.
#[derive(Debug, Clone)]
pub struct Document {
    pub kind: DocumentType,
    pub number: String,
    pub date: NaiveDate,
    pub supply: SupplyType,
    pub reverse_charge: bool,
    /// The e-commerce operator it is sold through.
    pub operator_gstin: Option<String>,
    pub seller: Party,
    /// Whether the seller is an SEZ.
    pub seller_sez: bool,
    pub buyer: Party,
    /// State code, 96 outside India.
    pub place: String,
    pub dispatch: Option<Party>,
    pub ship_to: Option<Party>,
    pub lines: Vec<Line>,
    /// Off the document after tax.
    pub discount: Decimal,
    /// On the document after tax.
    pub other_charges: Decimal,
    pub round_off: Decimal,
    /// The total in the currency it is billed in, where that is another.
    pub total_in_currency: Option<(String, Decimal)>,
    /// The invoices a note corrects.
    pub originals: Vec<(String, NaiveDate)>,
    pub payment: Payment,
    pub export: Option<Export>,
    pub transport: Option<Transport>,
}

impl Document {
    /// Where it is supplied from.
    #[must_use]
    pub fn seat(&self) -> Seat<'_> {
        Seat { state: self.seller.state.as_deref().unwrap_or_default(), sez: self.seller_sez }
    }
}

/// Somebody with an address.
#[derive(Debug, Clone, Default)]
pub struct Party {
    pub gstin: Option<String>,
    pub legal_name: Option<String>,
    pub trade_name: Option<String>,
    pub line1: Option<String>,
    pub line2: Option<String>,
    pub city: Option<String>,
    pub pin: Option<String>,
    /// State code, 96 outside India.
    pub state: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
}

/// One line with final amounts.
#[derive(Debug, Clone)]
pub struct Line {
    pub number: usize,
    pub description: Option<String>,
    pub is_service: bool,
    pub hsn: Option<String>,
    pub quantity: Option<Decimal>,
    pub free_quantity: Option<Decimal>,
    pub unit: Option<String>,
    /// Without tax.
    pub unit_price: Decimal,
    /// Quantity × price.
    pub gross: Decimal,
    pub taxable: Decimal,
    pub treatment: Treatment,
    pub rate: Decimal,
    pub igst: Decimal,
    pub cgst: Decimal,
    pub sgst: Decimal,
    pub cess_rate: Decimal,
    /// Of the taxable value.
    pub cess: Decimal,
    /// By quantity.
    pub fixed_cess: Decimal,
    pub state_cess_rate: Decimal,
    pub state_cess: Decimal,
    pub other_charges: Decimal,
}

impl Line {
    fn taxes(&self) -> Decimal {
        self.igst + self.cgst + self.sgst + self.cess + self.fixed_cess + self.state_cess
    }
    fn total(&self, reverse_charge: bool) -> Decimal {
        self.taxable + self.other_charges + if reverse_charge { Decimal::ZERO } else { self.taxes() }
    }
}

/// How a document is paid; everything may be unknown.
#[derive(Debug, Clone, Default)]
pub struct Payment {
    pub payee: Option<String>,
    pub account: Option<String>,
    pub mode: Option<String>,
    pub ifsc: Option<String>,
    pub terms: Option<String>,
    pub credit_days: Option<i64>,
    pub paid: Option<Decimal>,
    pub due: Option<Decimal>,
}

/// What an export says besides.
#[derive(Debug, Clone, Default)]
pub struct Export {
    pub shipping_bill: Option<String>,
    pub shipping_bill_date: Option<NaiveDate>,
    pub port: Option<String>,
    pub refund_claimed: Option<bool>,
    pub currency: Option<String>,
    /// ISO 3166-1.
    pub country: Option<String>,
    pub duty: Option<Decimal>,
}

/// What an e-way bill made along with the IRN needs.
#[derive(Debug, Clone, Default)]
pub struct Transport {
    pub transporter: Option<String>,
    pub transporter_name: Option<String>,
    /// 1 road, 2 rail, 3 air, 4 ship.
    pub mode: Option<String>,
    /// In km; 0 lets the portal find it from the PINs.
    pub distance: u32,
    pub document: Option<String>,
    pub document_date: Option<NaiveDate>,
    pub vehicle: Option<String>,
    /// R regular, O over-dimensional.
    pub vehicle_type: Option<String>,
}

/// A decimal as the number it is in JSON: all its digits and no others.
#[must_use]
pub fn number(value: Decimal) -> Value {
    // `-0` would be another text.
    let plain = if value.is_zero() { Decimal::ZERO } else { value.normalize() };
    plain.to_string().parse::<serde_json::Number>().map_or(Value::Null, Value::Number)
}

fn money(value: Decimal) -> Value {
    number(round(value, 2))
}

/// As the portal writes dates.
#[must_use]
pub fn day(date: NaiveDate) -> String {
    date.format("%d/%m/%Y").to_string()
}

fn flag(yes: bool) -> Value {
    if yes { "Y".into() } else { "N".into() }
}

fn text(value: Option<&String>) -> Option<Value> {
    value.map(|text| text.trim()).filter(|text| !text.is_empty()).map(Value::from)
}

/// An object of the members that are there; nothing when there are none.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Option<Value> {
    let members: Map<String, Value> = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

fn pin(party: &Party) -> Option<Value> {
    let pin = if party.state.as_deref() == Some(OTHER_COUNTRIES) { Some(PIN_ABROAD) } else { party.pin.as_deref() };
    let digits: String = pin?.chars().filter(|c| !c.is_whitespace()).collect();
    // What is no number stays as it came, to be refused.
    Some(digits.parse::<u64>().map_or_else(|_| Value::from(digits), Value::from))
}

/// The portal wants three characters of a second line of an address; shorter ones join the first.
fn lines_of(party: &Party) -> (Option<Value>, Option<Value>) {
    let (first, second) = (text(party.line1.as_ref()), text(party.line2.as_ref()));
    match (&first, &second) {
        (Some(Value::String(one)), Some(Value::String(two))) if two.chars().count() < 3 => (Some(format!("{one}, {two}").into()), None),
        _ => (first, second),
    }
}

fn state(party: &Party) -> Option<Value> {
    text(party.state.as_ref()).map(|code| code.as_str().map_or(Value::Null, |code| states::current_code(code).into()))
}

/// The payload.
#[must_use]
pub fn build(document: &Document) -> Value {
    let supply = document.supply;
    let igst_on_intra = !supply.is_export() && igst_on_intra(document.seat(), &document.place, supply);
    let (items, aside): (Vec<&Line>, Vec<&Line>) = document.lines.iter().partition(|line| line.treatment == Treatment::Taxable);
    let whole = [
        ("Version", Some("1.1".into())),
        (
            "TranDtls",
            object([
                ("TaxSch", Some("GST".into())),
                ("SupTyp", Some(supply.as_str().into())),
                ("RegRev", Some(flag(document.reverse_charge))),
                ("EcmGstin", text(document.operator_gstin.as_ref())),
                ("IgstOnIntra", Some(flag(igst_on_intra))),
            ]),
        ),
        (
            "DocDtls",
            object([
                ("Typ", Some(document.kind.code().into())),
                ("No", Some(number_sent(&document.number, document.date).into())),
                ("Dt", Some(day(document.date).into())),
            ]),
        ),
        ("SellerDtls", party(&document.seller, None)),
        ("BuyerDtls", party(&document.buyer, Some(&document.place))),
        ("DispDtls", document.dispatch.as_ref().and_then(dispatch)),
        ("ShipDtls", document.ship_to.as_ref().and_then(|to| party(to, None))),
        ("ItemList", Some(items.iter().map(|line| item(line, document.reverse_charge)).collect())),
        ("ValDtls", values(document, &items, &aside)),
        ("PayDtls", payment(&document.payment)),
        ("RefDtls", references(&document.originals)),
        ("ExpDtls", document.export.as_ref().and_then(export)),
        ("EwbDtls", document.transport.as_ref().and_then(transport)),
    ];
    object(whole).unwrap_or_default()
}

/// A seller, or with a place of supply a buyer.
fn party(party: &Party, place: Option<&str>) -> Option<Value> {
    let abroad = party.state.as_deref() == Some(OTHER_COUNTRIES);
    let gstin = text(party.gstin.as_ref()).or_else(|| abroad.then(|| UNREGISTERED.into()));
    let (line1, line2) = lines_of(party);
    object([
        ("Gstin", gstin),
        ("LglNm", text(party.legal_name.as_ref())),
        ("TrdNm", text(party.trade_name.as_ref())),
        ("Pos", place.map(|place| states::current_code(place).into())),
        ("Addr1", line1),
        ("Addr2", line2),
        ("Loc", text(party.city.as_ref())),
        ("Pin", pin(party)),
        ("Stcd", state(party)),
        ("Ph", text(party.phone.as_ref())),
        ("Em", text(party.email.as_ref())),
    ])
}

fn dispatch(from: &Party) -> Option<Value> {
    let (line1, line2) = lines_of(from);
    object([
        ("Nm", text(from.legal_name.as_ref())),
        ("Addr1", line1),
        ("Addr2", line2),
        ("Loc", text(from.city.as_ref())),
        ("Pin", pin(from)),
        ("Stcd", state(from)),
    ])
}

fn item(line: &Line, reverse_charge: bool) -> Value {
    let some = |value: Decimal| (!value.is_zero()).then(|| money(value));
    object([
        ("SlNo", Some(line.number.to_string().into())),
        ("PrdDesc", text(line.description.as_ref())),
        ("IsServc", Some(flag(line.is_service))),
        ("HsnCd", text(line.hsn.as_ref())),
        ("Qty", line.quantity.map(|quantity| number(round(quantity, 3)))),
        ("FreeQty", line.free_quantity.map(|quantity| number(round(quantity, 3)))),
        ("Unit", text(line.unit.as_ref())),
        ("UnitPrice", Some(number(round(line.unit_price, 3)))),
        ("TotAmt", Some(money(line.gross))),
        ("Discount", Some(money(line.gross - line.taxable))),
        ("AssAmt", Some(money(line.taxable))),
        ("GstRt", Some(number(line.rate))),
        ("IgstAmt", Some(money(line.igst))),
        ("CgstAmt", Some(money(line.cgst))),
        ("SgstAmt", Some(money(line.sgst))),
        ("CesRt", Some(number(line.cess_rate))),
        ("CesAmt", Some(money(line.cess))),
        ("CesNonAdvlAmt", Some(money(line.fixed_cess))),
        ("StateCesRt", (!line.state_cess_rate.is_zero()).then(|| number(line.state_cess_rate))),
        ("StateCesAmt", some(line.state_cess)),
        ("OthChrg", some(line.other_charges)),
        ("TotItemVal", Some(money(line.total(reverse_charge)))),
    ])
    .unwrap_or_default()
}

/// The sums. `TotInvVal` is Σ `TotItemVal` − `Discount` + `OthChrg` + `RndOffAmt`.
fn values(document: &Document, items: &[&Line], aside: &[&Line]) -> Option<Value> {
    let sum = |pick: fn(&Line) -> Decimal| items.iter().map(|line| round(pick(line), 2)).sum::<Decimal>();
    let other: Decimal = document.other_charges + aside.iter().map(|line| line.taxable + line.other_charges).sum::<Decimal>();
    let total = items.iter().map(|line| round(line.total(document.reverse_charge), 2)).sum::<Decimal>();
    let state_cess = sum(|line| line.state_cess);
    object([
        ("AssVal", Some(money(sum(|line| line.taxable)))),
        ("CgstVal", Some(money(sum(|line| line.cgst)))),
        ("SgstVal", Some(money(sum(|line| line.sgst)))),
        ("IgstVal", Some(money(sum(|line| line.igst)))),
        ("CesVal", Some(money(sum(|line| line.cess) + sum(|line| line.fixed_cess)))),
        ("StCesVal", (!state_cess.is_zero()).then(|| money(state_cess))),
        ("Discount", Some(money(document.discount))),
        ("OthChrg", Some(money(other))),
        ("RndOffAmt", Some(money(document.round_off))),
        ("TotInvVal", Some(money(total - round(document.discount, 2) + round(other, 2) + round(document.round_off, 2)))),
        ("TotInvValFc", document.total_in_currency.as_ref().map(|(_, total)| money(*total))),
    ])
}

/// What the parts of a document come to, without its rounding.
#[must_use]
pub fn total(document: &Document) -> Decimal {
    let of = |line: &Line| if line.treatment == Treatment::Taxable { line.total(document.reverse_charge) } else { line.taxable + line.other_charges };
    document.lines.iter().map(of).sum::<Decimal>() - document.discount + document.other_charges
}

fn payment(payment: &Payment) -> Option<Value> {
    object([
        ("Nm", text(payment.payee.as_ref())),
        ("AccDet", text(payment.account.as_ref())),
        ("Mode", text(payment.mode.as_ref())),
        ("FinInsBr", text(payment.ifsc.as_ref())),
        ("PayTerm", text(payment.terms.as_ref())),
        ("CrDay", payment.credit_days.map(Value::from)),
        ("PaidAmt", payment.paid.map(money)),
        ("PaymtDue", payment.due.map(money)),
    ])
}

fn references(originals: &[(String, NaiveDate)]) -> Option<Value> {
    let list: Vec<Value> =
        originals.iter().filter_map(|(number, date)| object([("InvNo", Some(number.as_str().into())), ("InvDt", Some(day(*date).into()))])).collect();
    object([("PrecDocDtls", (!list.is_empty()).then_some(Value::Array(list)))])
}

fn export(export: &Export) -> Option<Value> {
    object([
        ("ShipBNo", text(export.shipping_bill.as_ref())),
        ("ShipBDt", export.shipping_bill_date.map(|date| day(date).into())),
        ("Port", text(export.port.as_ref())),
        ("RefClm", export.refund_claimed.map(flag)),
        ("ForCur", text(export.currency.as_ref())),
        ("CntCode", text(export.country.as_ref())),
        ("ExpDuty", export.duty.map(money)),
    ])
}

fn transport(transport: &Transport) -> Option<Value> {
    object([
        ("TransId", text(transport.transporter.as_ref())),
        ("TransName", text(transport.transporter_name.as_ref())),
        ("TransMode", text(transport.mode.as_ref())),
        ("Distance", Some(transport.distance.into())),
        ("TransDocNo", text(transport.document.as_ref())),
        ("TransDocDt", transport.document_date.map(|date| day(date).into())),
        ("VehNo", text(transport.vehicle.as_ref())),
        ("VehType", text(transport.vehicle_type.as_ref())),
    ])
}
