//! What the portal would refuse: a payload against the field table of INV-01 1.1, and against the rules its parts must
//! keep among each other. Pure.

use super::payload::{MOST_ITEMS, UNREGISTERED};
use crate::tax::gst::gstin::{Gstin, Mode};
use crate::tax::gst::supply::{OTHER_COUNTRIES, Seat, Split, SupplyType, split};
use crate::tax::gst::{limits, rates, states, units};
use chrono::NaiveDate;
use regex::Regex;
use rust_decimal::{Decimal, dec};
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::LazyLock;

/// One fault of a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// JSON Pointer into the payload.
    pub path: String,
    pub code: &'static str,
    pub detail: String,
    pub received: Option<String>,
}

impl Fault {
    fn new(path: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { path: path.into(), code, detail: detail.into(), received: None }
    }
    fn of(self, value: &Value) -> Self {
        let received = match value {
            Value::String(text) => Some(text.chars().take(80).collect()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        Self { received, ..self }
    }
}

#[derive(Debug, Deserialize)]
struct Field {
    path: String,
    #[serde(rename = "type")]
    kind: Kind,
    required: bool,
    min_length: Option<usize>,
    max_length: Option<usize>,
    pattern: Option<String>,
    #[serde(rename = "enum", default)]
    words: Vec<String>,
    #[serde(default)]
    date: bool,
    minimum: Option<serde_json::Number>,
    maximum: Option<serde_json::Number>,
    decimals: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Object,
    Array,
    String,
    Number,
}

#[derive(Deserialize)]
struct Data {
    fields: Vec<Field>,
}

/// A field with its members by name.
struct Node {
    field: Option<Field>,
    pattern: Option<Regex>,
    members: HashMap<String, Node>,
    /// As the table orders them.
    order: Vec<String>,
}

impl Node {
    fn empty() -> Self {
        Self { field: None, pattern: None, members: HashMap::new(), order: Vec::new() }
    }
    fn insert(&mut self, field: Field) {
        let names: Vec<String> = field.path.split('.').map(|name| name.trim_end_matches("[]").to_owned()).collect();
        let mut node = self;
        for name in names {
            if !node.members.contains_key(&name) {
                node.order.push(name.clone());
            }
            node = node.members.entry(name).or_insert_with(Self::empty);
        }
        #[allow(clippy::expect_used, reason = "embedded data, parsed by a test of this module")]
        let pattern = field.pattern.as_deref().map(|pattern| Regex::new(pattern).expect("a pattern of fields.json"));
        node.pattern = pattern;
        node.field = Some(field);
    }
}

#[allow(clippy::expect_used, reason = "embedded data, parsed by a test of this module")]
static TABLE: LazyLock<Node> = LazyLock::new(|| {
    let data: Data = serde_json::from_str(include_str!("data/fields.json")).expect("embedded fields.json");
    let mut root = Node::empty();
    for field in data.fields {
        root.insert(field);
    }
    root
});

/// Everything the portal would refuse.
#[must_use]
pub fn faults(payload: &Value) -> Vec<Fault> {
    let mut found = Vec::new();
    members(&TABLE, "", payload, &mut found);
    // Rules about parts that are not there or not what they should be would only repeat that.
    rules(payload, &mut found);
    found
}

fn members(node: &Node, path: &str, value: &Value, found: &mut Vec<Fault>) {
    let Some(given) = value.as_object() else {
        found.push(Fault::new(path, "invalid_type", "This is an object.").of(value));
        return;
    };
    for name in &node.order {
        let member = &node.members[name];
        let at = format!("{path}/{name}");
        match given.get(name) {
            Some(value) => judge(member, &at, value, found),
            None if member.field.as_ref().is_some_and(|field| field.required) => {
                found.push(Fault::new(at, "required", "The portal needs this."));
            }
            None => {}
        }
    }
    for name in given.keys().filter(|name| !node.members.contains_key(*name)) {
        found.push(Fault::new(format!("{path}/{name}"), "unknown_field", "The portal does not know this member."));
    }
}

fn judge(node: &Node, path: &str, value: &Value, found: &mut Vec<Fault>) {
    let Some(field) = &node.field else { return };
    match field.kind {
        Kind::Object => members(node, path, value, found),
        Kind::Array => match value.as_array() {
            Some(rows) => {
                for (at, row) in rows.iter().enumerate() {
                    members(node, &format!("{path}/{at}"), row, found);
                }
            }
            None => found.push(Fault::new(path, "invalid_type", "This is a list.").of(value)),
        },
        Kind::String => match value.as_str() {
            Some(text) => judge_text(node, field, path, text, found),
            None => found.push(Fault::new(path, "invalid_type", "This is text.").of(value)),
        },
        Kind::Number => match decimal(value) {
            Some(amount) => judge_number(field, path, amount, value, found),
            None => found.push(Fault::new(path, "invalid_type", "This is a number.").of(value)),
        },
    }
}

fn judge_text(node: &Node, field: &Field, path: &str, text: &str, found: &mut Vec<Fault>) {
    let (length, given) = (text.chars().count(), Value::from(text));
    let (least, most) = (field.min_length.unwrap_or(0), field.max_length.unwrap_or(usize::MAX));
    let fault = |code, detail: String| Fault::new(path, code, detail).of(&given);
    if length < least {
        found.push(fault("too_short", format!("The portal wants at least {least} characters.")));
    } else if length > most {
        found.push(fault("too_long", format!("The portal takes at most {most} characters.")));
    } else if !field.words.is_empty() && !field.words.iter().any(|word| word == text) {
        found.push(fault("invalid_value", format!("One of {}.", field.words.join(", "))));
    } else if node.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
        let pattern = field.pattern.as_deref().unwrap_or_default();
        found.push(fault("pattern_mismatch", format!("The portal wants text of the form {pattern}.")));
    } else if field.date && date(text).is_none() {
        found.push(fault("invalid_date", "A calendar date, DD/MM/YYYY.".to_owned()));
    }
}

fn judge_number(field: &Field, path: &str, amount: Decimal, value: &Value, found: &mut Vec<Fault>) {
    let limit = |limit: &Option<serde_json::Number>| limit.as_ref().and_then(|limit| limit.to_string().parse::<Decimal>().ok());
    let (least, most, decimals) = (limit(&field.minimum), limit(&field.maximum), field.decimals.unwrap_or(0));
    if least.is_some_and(|least| amount < least) || most.is_some_and(|most| amount > most) {
        let detail = format!("The portal takes {} to {}.", least.unwrap_or(Decimal::MIN), most.unwrap_or(Decimal::MAX));
        found.push(Fault::new(path, "out_of_range", detail).of(value));
    } else if amount.normalize().scale() > decimals {
        found.push(Fault::new(path, "too_many_decimals", format!("The portal takes at most {decimals} decimals.")).of(value));
    }
}

/// A number of JSON, to its last digit.
fn decimal(value: &Value) -> Option<Decimal> {
    let text = value.as_number()?.to_string();
    text.parse().ok().or_else(|| Decimal::from_scientific(&text).ok())
}

fn date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%d/%m/%Y").ok().filter(|date| date.format("%d/%m/%Y").to_string() == text)
}

// --------------------------------------------------------------------------------- rules

/// How far a tax may be from its rate and a sum from its parts, in rupees.
const TOLERANCE: Decimal = dec!(1);

fn rules(payload: &Value, found: &mut Vec<Fault>) {
    let text = |path: &str| payload.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let supply = SupplyType::from_code(text("/TranDtls/SupTyp")).unwrap_or(SupplyType::B2b);
    let (seller, buyer, place) = (text("/SellerDtls/Gstin"), text("/BuyerDtls/Gstin"), text("/BuyerDtls/Pos"));
    let mut wrong = |path: &str, code, detail: &str| found.push(Fault::new(path, code, detail).of(payload.pointer(path).unwrap_or(&Value::Null)));

    if !seller.is_empty() && seller == buyer {
        wrong("/BuyerDtls/Gstin", "same_gstin", "Seller and buyer have the same GSTIN.");
    }
    let registered = Gstin::parse(buyer, Mode::Sandbox).ok();
    // The table's own form of a registration number; what it is worth is judged where it comes from.
    let is_number = buyer.len() == 15 && buyer.bytes().all(|c| c.is_ascii_alphanumeric()) && states::find(buyer.get(..2).unwrap_or_default()).is_some();
    if supply.is_export() {
        if !buyer.is_empty() && buyer != UNREGISTERED {
            wrong("/BuyerDtls/Gstin", "buyer_abroad", "The buyer of an export is URP.");
        }
        if !place.is_empty() && place != OTHER_COUNTRIES {
            wrong("/BuyerDtls/Pos", "place_of_supply_mismatch", "An export has its place of supply at 96, other countries.");
        }
        if payload.pointer("/BuyerDtls/Stcd").is_some() && text("/BuyerDtls/Stcd") != OTHER_COUNTRIES {
            wrong("/BuyerDtls/Stcd", "state_mismatch", "The buyer of an export is in State 96, other countries.");
        }
    } else if !buyer.is_empty() {
        if !is_number {
            wrong("/BuyerDtls/Gstin", "gstin_invalid", "The buyer of this supply has a GSTIN or UIN.");
        } else if registered.as_ref().is_some_and(|gstin| !gstin.category().can_be_recipient()) {
            wrong("/BuyerDtls/Gstin", "gstin_not_a_recipient", "Non-resident and OIDAR registrations are no recipients of B2B documents.");
        }
    }
    if !place.is_empty() && !states::is_place_of_supply(place) {
        wrong("/BuyerDtls/Pos", "place_of_supply_unknown", "This is no place of supply.");
    } else if !place.is_empty() && !supply.fits_place(place) && !supply.is_export() {
        wrong("/BuyerDtls/Pos", "place_of_supply_mismatch", "A supply of this type has its place in India.");
    }
    for (path, gstin) in [("/SellerDtls/Stcd", Gstin::parse(seller, Mode::Sandbox).ok()), ("/BuyerDtls/Stcd", registered)] {
        let code = text(path);
        if !code.is_empty() && states::find(code).is_none() {
            wrong(path, "state_unknown", "This is no State code.");
        } else if !code.is_empty() && gstin.is_some_and(|gstin| !gstin.is_of_state(code)) {
            wrong(path, "state_mismatch", "The State is the one of the GSTIN.");
        }
    }
    items(payload, supply, found);
    totals(payload, found);
}

fn amounts(of: &Value) -> impl Fn(&str) -> Decimal + '_ {
    move |name| of.get(name).and_then(decimal).unwrap_or_default()
}

fn near(a: Decimal, b: Decimal) -> bool {
    (a - b).abs() <= TOLERANCE
}

fn items(payload: &Value, supply: SupplyType, found: &mut Vec<Fault>) {
    let text = |path: &str| payload.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let Some(list) = payload["ItemList"].as_array() else { return };
    if list.is_empty() || list.len() > MOST_ITEMS {
        found.push(Fault::new("/ItemList", "too_many_items", format!("The portal takes 1 to {MOST_ITEMS} items.")).of(&Value::from(list.len())));
    }
    let (seller, place, on) = (text("/SellerDtls/Stcd"), text("/BuyerDtls/Pos"), date(text("/DocDtls/Dt")));
    // Where a State is missing there is nothing to compare with.
    // What is IGST within a State is said: by an SEZ, where not to one.
    let seat = Seat { state: seller, sez: text("/TranDtls/IgstOnIntra") == "Y" };
    let intra = (!seller.is_empty() && !place.is_empty()).then(|| matches!(split(seat, place, supply), Split::Intra { .. }));
    let reversed = text("/TranDtls/RegRev") == "Y";
    for (at, item) in list.iter().enumerate() {
        let path = |name: &str| format!("/ItemList/{at}/{name}");
        let mut wrong = |name: &str, code, detail: String| found.push(Fault::new(path(name), code, detail).of(item.get(name).unwrap_or(&Value::Null)));
        let amount = amounts(item);
        let hsn = item["HsnCd"].as_str().unwrap_or_default();
        let service = item["IsServc"] == "Y";
        if !hsn.is_empty() && service != hsn.starts_with("99") {
            wrong("HsnCd", "hsn_invalid", "Services have codes that begin with 99, and goods have not.".to_owned());
        }
        if let Some(on) = on {
            // Who registers documents has the turnover that asks for them.
            let needed = limits::hsn_digits(on, limits::einvoice_turnover(on).map_or(Decimal::ZERO, |limit| limit + Decimal::ONE), true);
            if !hsn.is_empty() && hsn.len() < needed {
                wrong("HsnCd", "hsn_too_short", format!("HSN has at least {needed} digits at this turnover (notification 78/2020-CT)."));
            }
        }
        if !service {
            if item.get("Qty").is_none() {
                wrong("Qty", "required", "Goods have a quantity.".to_owned());
            }
            if item.get("Unit").is_none() {
                wrong("Unit", "required", "Goods have a unit.".to_owned());
            }
        }
        if let Some(unit) = item["Unit"].as_str().filter(|unit| !units::is_unit(unit)) {
            wrong("Unit", "unit_unknown", format!("{unit} is no unit quantity code."));
        }
        let (igst, cgst, sgst, rate, taxable) = (amount("IgstAmt"), amount("CgstAmt"), amount("SgstAmt"), amount("GstRt"), amount("AssAmt"));
        if !rates::all().iter().any(|known| known.rate == rate) && !rates::is_gst_rate(rate, NaiveDate::default()) {
            wrong("GstRt", "rate_unknown", "This has never been a rate of GST.".to_owned());
        }
        if cgst != sgst {
            wrong("SgstAmt", "halves_differ", "CGST and SGST are the same amount.".to_owned());
        }
        match intra {
            Some(true) if !igst.is_zero() => wrong("IgstAmt", "igst_within_state", "A supply within a State bears CGST and SGST.".to_owned()),
            Some(false) if !(cgst + sgst).is_zero() => {
                wrong("CgstAmt", "cgst_between_states", "A supply between States, an export and a supply to SEZ bear IGST.".to_owned());
            }
            _ => {}
        }
        let tax = taxable.checked_mul(rate).map_or(Decimal::MAX, |tax| tax / Decimal::ONE_HUNDRED);
        let borne = igst + cgst + sgst;
        if supply.is_without_payment() {
            if !borne.is_zero() {
                wrong("IgstAmt", "tax_without_payment", "A supply without payment of tax bears none.".to_owned());
            }
        } else if !near(tax, borne) {
            let name = if igst.is_zero() && !(cgst + sgst).is_zero() { "CgstAmt" } else { "IgstAmt" };
            wrong(name, "tax_mismatch", format!("{rate} % of the taxable value is another tax."));
        }
        if !near(amount("TotAmt") - amount("Discount"), taxable) {
            wrong("AssAmt", "amount_mismatch", "The taxable value is TotAmt less Discount.".to_owned());
        }
        let cesses = amount("CesAmt") + amount("CesNonAdvlAmt") + amount("StateCesAmt") + amount("StateCesNonAdvlAmt");
        let value = taxable + amount("OthChrg") + if reversed { Decimal::ZERO } else { borne + cesses };
        if !near(value, amount("TotItemVal")) {
            wrong(
                "TotItemVal",
                "amount_mismatch",
                "The value of an item is taxable value, taxes and other charges; under reverse charge without the taxes.".to_owned(),
            );
        }
    }
}

fn totals(payload: &Value, found: &mut Vec<Fault>) {
    let (Some(list), Some(given)) = (payload["ItemList"].as_array(), payload.get("ValDtls")) else { return };
    let sum = |names: &[&str]| list.iter().map(|item| names.iter().map(|name| amounts(item)(name)).sum::<Decimal>()).sum::<Decimal>();
    let value = amounts(given);
    let total = sum(&["TotItemVal"]) - value("Discount") + value("OthChrg") + value("RndOffAmt");
    for (name, expected) in [
        ("AssVal", sum(&["AssAmt"])),
        ("CgstVal", sum(&["CgstAmt"])),
        ("SgstVal", sum(&["SgstAmt"])),
        ("IgstVal", sum(&["IgstAmt"])),
        ("CesVal", sum(&["CesAmt", "CesNonAdvlAmt"])),
        ("StCesVal", sum(&["StateCesAmt", "StateCesNonAdvlAmt"])),
        ("TotInvVal", total),
    ] {
        if value(name) != expected {
            let detail = format!("The items and charges come to {}.", expected.normalize());
            found.push(Fault::new(format!("/ValDtls/{name}"), "amount_mismatch", detail).of(given.get(name).unwrap_or(&Value::Null)));
        }
    }
}
