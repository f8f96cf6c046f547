//! What a document says, as templates read it: everything is text as it is printed, amounts with their digits grouped.
//! Pure: the same document and facts give the same view.

use super::countries;
use super::facts::{Facts, Party};
use super::rules;
use super::types::TemplateKind;
use crate::billing::invoices::order::{Kind, ReasonCode};
use crate::billing::invoices::rules::PricedLine;
use crate::billing::invoices::store::Stored;
use crate::billing::invoices::types::SupplyKind;
use crate::filing::einvoice::qr;
use crate::platform::money::{Currency, pad, round};
use crate::platform::text::words::{grouped, in_words};
use crate::tax::gst::states::{self, StateTax};
use crate::tax::gst::supply::OperatorDuty;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The e-invoice of a document, once registered.
#[derive(Debug, Clone, Default)]
pub struct Registered {
    pub irn: String,
    pub ack_no: String,
    pub ack_date: String,
    pub qr: String,
    pub cancelled: bool,
}

#[must_use]
pub fn date(date: NaiveDate) -> String {
    date.format("%d-%b-%Y").to_string()
}

/// `Maharashtra (27)`.
#[must_use]
pub fn state(code: &str) -> String {
    states::find(code).map_or_else(|| code.to_owned(), |state| format!("{} ({code})", state.name))
}

/// A number without zeros that say nothing.
fn plain(value: Decimal) -> String {
    pad(value, 0).to_string()
}

fn percent(rate: Decimal) -> String {
    if rate.is_zero() { "0".into() } else { plain(rate) }
}

/// A price with as many decimals as it has, at least those of the currency.
fn price(value: Decimal, currency: Currency) -> String {
    let shown = pad(value, currency.exponent());
    let (whole, fraction) = (shown.trunc(), shown.fract().abs());
    let grouped_whole = grouped(whole, currency);
    let whole = grouped_whole.split('.').next().unwrap_or_default();
    match fraction.to_string().split_once('.') {
        Some((_, digits)) if !digits.is_empty() => format!("{whole}.{digits}"),
        _ => whole.to_owned(),
    }
}

/// How the compensation cess of a line is reckoned: per cent of the value, an amount a unit, or both.
fn cess_words(rate: Decimal, per_unit: Decimal, currency: Currency) -> String {
    let part = (!rate.is_zero()).then(|| format!("{}%", percent(rate)));
    let unit = (!per_unit.is_zero()).then(|| format!("{} a unit", price(per_unit, currency)));
    [part, unit].into_iter().flatten().collect::<Vec<_>>().join(" + ")
}

fn or_none(text: String) -> Value {
    if text.is_empty() { Value::Null } else { Value::from(text) }
}

#[must_use]
pub fn party(party: &Party) -> Value {
    let abroad = party.country.as_deref().filter(|country| *country != "IN");
    json!({
        "name": party.name, "gstin": party.gstin, "pan": party.pan, "address": party.address, "phone": party.phone, "email": party.email, "code": party.code,
        "state": if abroad.is_some() { None } else { party.state.as_deref().map(state) },
        "country": abroad.map(countries::name),
    })
}

/// What every document has: the seller, how it is signed, colors, currency.
#[must_use]
pub fn frame(facts: &Facts, title: &str, currency: Currency) -> Map<String, Value> {
    let settings = &facts.settings;
    let mut seller = party(&facts.seller);
    seller["trade_name"] = json!(facts.seller.trade_name);
    seller["cin"] = json!(settings.cin);
    seller["website"] = json!(settings.website);
    let frame = json!({
        "title": title, "currency": currency.code(), "symbol": if currency.code() == "INR" { "₹" } else { currency.code() },
        "accent": settings.accent.as_deref().unwrap_or("#1f3a5f"), "seller": seller, "buyer": party(&facts.buyer), "ship_to": facts.ship_to.as_ref().map(party),
        "terms": settings.terms.iter().map(|line| &line.0).collect::<Vec<_>>(), "declaration": settings.declaration, "signatory": settings.signatory,
        "bank": settings.bank,
    });
    match frame {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Taxes under one heading, summed.
#[derive(Default, Clone, Copy)]
struct Sums {
    taxable: Decimal,
    cgst: Decimal,
    sgst: Decimal,
    igst: Decimal,
    cess: Decimal,
}

impl Sums {
    fn add(&mut self, line: &PricedLine) {
        self.taxable += line.tax.taxable;
        self.cgst += line.tax.cgst;
        self.sgst += line.tax.sgst;
        self.igst += line.tax.igst;
        self.cess += line.tax.cess;
    }
    fn tax(&self) -> Decimal {
        self.cgst + self.sgst + self.igst + self.cess
    }
}

/// Whether the tax is that of one State, and what its State half is called.
fn split(stored: &Stored) -> (bool, &'static str) {
    let seller = stored.seller_gstin.get(..2).unwrap_or_default();
    let zero_rated = matches!(stored.supply, SupplyKind::Expwp | SupplyKind::Expwop | SupplyKind::Sezwp | SupplyKind::Sezwop);
    // What was charged decides where anything was.
    let inter = if stored.igst.is_zero() && !stored.cgst.is_zero() { false } else { !stored.igst.is_zero() || zero_rated || stored.place != seller };
    (inter, state_tax(seller))
}

/// What the State half of the tax is called where the seller is.
#[must_use]
pub fn state_tax(code: &str) -> &'static str {
    if states::find(code).is_some_and(|state| state.tax_component == StateTax::Utgst) { "UTGST" } else { "SGST" }
}

/// An invoice or note.
#[must_use]
pub fn document(stored: &Stored, facts: &Facts, base: Currency, registered: Option<&Registered>) -> (TemplateKind, Value) {
    let (kind, title) = rules::form(stored);
    let currency = stored.currency;
    let money = |value: Decimal| grouped(value, currency);
    let (inter, state_tax) = split(stored);
    let taxed = rules::is_taxed(stored);
    let cess = stored.lines.iter().any(|(_, line)| !line.tax.cess.is_zero());
    let sums = sums(stored);
    let mut view = frame(facts, title, currency);
    let mut put = |name: &str, value: Value| view.insert(name.to_owned(), value);
    put("kind", json!(kind));
    put(
        "number_label",
        json!(match kind {
            TemplateKind::BillOfSupply => "Bill no.",
            TemplateKind::CreditNote | TemplateKind::DebitNote => "Note no.",
            _ => "Invoice no.",
        }),
    );
    put("total_label", json!(if stored.kind == Kind::CreditNote { "Total credit" } else { "Total payable" }));
    put("carried", json!("Carried forward"));
    put("watermark", json!(rules::watermark(stored.status)));
    put("number", json!(stored.number.as_deref().unwrap_or("(not issued)")));
    put("date", json!(date(stored.date)));
    put("due_date", if stored.kind == Kind::CreditNote { Value::Null } else { json!(date(stored.due_date)) });
    put("po_reference", json!(stored.po_reference));
    // With the State's name where the supply is inter-State (r.46(n)); nobody minds it otherwise.
    put("place_of_supply", if stored.place == "96" { json!("Outside India (96)") } else { json!(state(&stored.place)) });
    put("reverse_charge", json!(if stored.reverse_charge { "Yes" } else { "No" }));
    let differential = stored.pricing.differential;
    put("differential", if differential == Decimal::ONE_HUNDRED { Value::Null } else { json!(format!("{}% of the rate", percent(differential))) });
    put("endorsement", json!(rules::endorsement(stored.supply)));
    let needs_lut = matches!(stored.supply, SupplyKind::Expwop | SupplyKind::Sezwop);
    put("lut", if needs_lut { json!(facts.settings.lut) } else { Value::Null });
    let (supplies, code_label) = rules::supplies(stored);
    put("supplies", json!(supplies));
    put("code_label", json!(code_label));
    put("goods", json!(rules::has_goods(stored)));
    put("composition", if stored.seller_composition { json!(rules::COMPOSITION) } else { Value::Null });
    put("operator", operator(stored));
    put("exemption", if facts.declares_exemption && registered.is_none() { json!(rules::EXEMPTION) } else { Value::Null });
    put("inter", json!(inter));
    put("taxed", json!(taxed));
    put("state_tax", json!(state_tax));
    put("has_cess", json!(cess));
    put("has_discount", json!(stored.lines.iter().any(|(_, line)| !line.discount.is_zero()) || !stored.pricing.discount.is_zero()));
    put("lines", lines(stored, taxed));
    put("rates", rates(stored, currency));
    put("tax_totals", tax_row(&sums, currency));
    put("totals", totals(stored, &sums, state_tax, taxed));
    put("grand_total", json!(money(stored.total)));
    put("words", json!(in_words(stored.total, currency)));
    put("tax_words", if taxed && !sums.tax().is_zero() { json!(in_words(sums.tax(), currency)) } else { Value::Null });
    put("base", in_base(stored, &sums, base));
    put("instalments", instalments(stored));
    put("note", note(stored));
    put("cancelled_on", json!(stored.cancelled_on.map(date)));
    put("einvoice", einvoice(registered));
    put("upi", upi(stored, facts));
    (kind, Value::Object(view))
}

fn sums(stored: &Stored) -> Sums {
    let mut sums = Sums::default();
    stored.lines.iter().for_each(|(_, line)| sums.add(line));
    sums
}

fn lines(stored: &Stored, taxed: bool) -> Value {
    let currency = stored.currency;
    let money = |value: Decimal| grouped(value, currency);
    let line = |(at, line): (usize, &PricedLine)| {
        // What of the document's discount falls on the line is off its value like its own (s.15(3)).
        let (share, cess_per_unit) = stored.pricing.of_line(at);
        let discount = line.discount + share;
        let mut sums = Sums::default();
        sums.add(line);
        // Under reverse charge the tax is shown and not collected.
        let total = if !stored.collects_tax() || !taxed { line.tax.taxable } else { line.tax.taxable + sums.tax() };
        let unit = if line.is_service && matches!(line.unit.as_str(), "OTH" | "NA") { "" } else { line.unit.as_str() };
        json!({
            "no": at + 1, "description": line.description, "hsn": line.hsn_code, "quantity": plain(line.quantity), "unit": unit, "price": price(line.unit_price, currency),
            "inclusive": line.tax_inclusive, "discount": if discount.is_zero() { String::new() } else { money(discount) },
            "taxable": money(line.tax.taxable), "rate": match line.treatment {
                crate::billing::invoices::types::TaxTreatment::Taxable => format!("{}%", percent(line.tax_rate)),
                crate::billing::invoices::types::TaxTreatment::Nil => "Nil".into(),
                crate::billing::invoices::types::TaxTreatment::Exempt => "Exempt".into(),
                crate::billing::invoices::types::TaxTreatment::NonGst => "Non-GST".into(),
            },
            "cgst": money(line.tax.cgst), "sgst": money(line.tax.sgst), "igst": money(line.tax.igst), "cess": money(line.tax.cess), "tax": money(sums.tax()), "total": money(total),
            "cess_rate": or_none(cess_words(line.cess_rate, cess_per_unit, currency)),
            "sums": {"taxable": line.tax.taxable, "cgst": line.tax.cgst, "sgst": line.tax.sgst, "igst": line.tax.igst, "cess": line.tax.cess, "tax": sums.tax(), "total": total},
        })
    };
    Value::Array(stored.lines.iter().map(|(_, line)| line).enumerate().map(line).collect())
}

fn tax_row(sums: &Sums, currency: Currency) -> Value {
    let money = |value: Decimal| grouped(value, currency);
    json!({"taxable": money(sums.taxable), "cgst": money(sums.cgst), "sgst": money(sums.sgst), "igst": money(sums.igst), "cess": money(sums.cess), "tax": money(sums.tax())})
}

/// Taxable value and tax by HSN and rate (r.46(g), (l), (m)).
fn rates(stored: &Stored, currency: Currency) -> Value {
    let mut rows: BTreeMap<(String, Decimal, Decimal), Sums> = BTreeMap::new();
    for (_, line) in &stored.lines {
        rows.entry((line.hsn_code.clone(), line.tax_rate.normalize(), line.cess_rate.normalize())).or_default().add(line);
    }
    let row = |((hsn, rate, cess), sums): ((String, Decimal, Decimal), Sums)| {
        let mut row = tax_row(&sums, currency);
        let half = rate / Decimal::TWO;
        row["hsn"] = json!(hsn);
        row["rate"] = json!(format!("{}%", percent(rate)));
        row["half"] = json!(format!("{}%", percent(half)));
        row["cess_rate"] = json!(if cess.is_zero() { String::new() } else { format!("{}%", percent(cess)) });
        row
    };
    Value::Array(rows.into_iter().map(row).collect())
}

/// From the taxable value to what is owed.
fn totals(stored: &Stored, sums: &Sums, state_tax: &str, taxed: bool) -> Value {
    let money = |value: Decimal| grouped(value, stored.currency);
    let mut rows = vec![json!({"label": if taxed { "Taxable value" } else { "Value" }, "amount": money(sums.taxable)})];
    let mut row = |label: &str, amount: Decimal| {
        if !amount.is_zero() {
            rows.push(json!({"label": label, "amount": money(amount)}));
        }
    };
    let payer = match stored.operator_duty() {
        Some(OperatorDuty::Pays) => " (payable by e-commerce operator)",
        _ if stored.reverse_charge => " (payable by recipient)",
        _ => "",
    };
    row(&format!("CGST{payer}"), sums.cgst);
    row(&format!("{state_tax}{payer}"), sums.sgst);
    row(&format!("IGST{payer}"), sums.igst);
    row(&format!("Compensation cess{payer}"), sums.cess);
    for (label, amount) in &stored.pricing.after_tax {
        row(label, *amount);
    }
    row("Round off", stored.round_off);
    Value::Array(rows)
}

/// The same in rupees where the document is in another currency: tax is assessed in rupees (r.34).
fn in_base(stored: &Stored, sums: &Sums, base: Currency) -> Value {
    if stored.currency == base {
        return Value::Null;
    }
    let at_rate = |value: Decimal| round(value * stored.rate, base.exponent());
    let taxes: Decimal = [sums.cgst, sums.sgst, sums.igst, sums.cess].into_iter().map(at_rate).sum();
    let total = at_rate(stored.total);
    let collected = if stored.collects_tax() { taxes } else { Decimal::ZERO };
    json!({
        "rate": format!("1 {} = {} {}", stored.currency.code(), pad(stored.rate, 2), base.code()),
        "taxable": grouped(total - collected - at_rate(stored.round_off) - at_rate(stored.pricing.other_charges), base), "tax": grouped(taxes, base), "total": grouped(total, base), "currency": base.code(),
        "words": in_words(total, base),
    })
}

fn instalments(stored: &Stored) -> Value {
    if stored.kind == Kind::CreditNote || stored.instalments.len() < 2 {
        return json!([]);
    }
    let row = |part: &crate::billing::invoices::types::InvoiceInstalment| json!({"no": part.instalment_no, "due_date": date(part.due_date), "amount": grouped(part.amount.0, stored.currency)});
    Value::Array(stored.instalments.iter().map(row).collect())
}

/// The e-commerce operator it is sold through, and whether that pays the tax (s.9(5)).
fn operator(stored: &Stored) -> Value {
    let pays = stored.operator_duty() == Some(OperatorDuty::Pays);
    stored.operator.as_ref().map_or(Value::Null, |operator| json!({"gstin": operator.gstin, "pays": pays}))
}

/// What a note corrects, and why (r.53(1A)).
fn note(stored: &Stored) -> Value {
    let Some(note) = &stored.note else { return Value::Null };
    let reason = match note.reason_code {
        ReasonCode::SalesReturn => "Goods returned",
        ReasonCode::PostSaleDiscount => "Discount after the sale",
        ReasonCode::DeficiencyInServices => "Deficiency in services",
        ReasonCode::CorrectionInInvoice => "Correction of the invoice",
        ReasonCode::ChangeInPos => "Change of the place of supply",
        ReasonCode::FinalizationOfProvisional => "Final assessment",
        ReasonCode::Other => "Other",
    };
    json!({
        "reason": reason, "financial": rules::is_financial(stored),
        "original_number": note.original.as_ref().and_then(|original| original.number.as_deref()),
        "original_date": note.original.as_ref().map(|original| date(original.date)),
    })
}

fn einvoice(registered: Option<&Registered>) -> Value {
    registered.map_or(Value::Null, |e| json!({"irn": e.irn, "ack_no": e.ack_no, "ack_date": e.ack_date, "qr": e.qr, "cancelled": e.cancelled}))
}

/// The code a consumer pays with, the same as `GET /v1/invoices/{id}/qr` gives.
fn upi(stored: &Stored, facts: &Facts) -> Value {
    let seller = &facts.seller;
    match seller.vpa.as_deref().filter(|_| qr::is_payable(stored)) {
        Some(vpa) => json!({"id": vpa, "data": qr::to_pay(stored, vpa, seller.trade_name.as_deref().unwrap_or(&seller.name))}),
        None => Value::Null,
    }
}
