//! Vouchers for money: receipts and refunds, and what the law adds where the money is an advance (CGST rules 50, 51).

use super::facts::Facts;
use super::types::TemplateKind;
use super::view::{date, frame, state, state_tax};
use crate::cash::receipts::types::{DeductionKind, Receipt, ReceiptAdvance, ReceiptStatus};
use crate::cash::refunds::types::{RefundSource, RefundStatus};
use crate::cash::{receipts, refunds};
use crate::ledger::advances::types::AdvanceAmounts;
use crate::platform::http::Problem;
use crate::platform::ids::{CustomerId, ReceiptId, RefundId, RegistrationId};
use crate::platform::money::Currency;
use crate::platform::text::words::{grouped, in_words};
use crate::platform::unit_of_work::Rx;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// A voucher as it is printed, but for people and places.
pub struct Voucher {
    pub kind: TemplateKind,
    pub customer: Option<CustomerId>,
    /// The registration an advance is received under.
    pub registration: Option<RegistrationId>,
    pub title: &'static str,
    pub number: String,
    pub date: NaiveDate,
    pub currency: Currency,
    pub amount: Decimal,
    /// Facts beside the number and the date.
    pub facts: Vec<(&'static str, String)>,
    pub rows: Vec<Row>,
    pub advance: Option<Advance>,
    pub watermark: &'static str,
    pub remark: String,
}

/// One line of what the money is for.
pub struct Row {
    pub label: String,
    pub detail: String,
    pub amount: Decimal,
    pub bold: bool,
}

/// An advance and the tax in it, in base currency.
pub struct Advance {
    pub description: String,
    pub inter: bool,
    pub rate: Decimal,
    pub taxable: Decimal,
    pub cgst: Decimal,
    pub sgst: Decimal,
    pub igst: Decimal,
    pub cess: Decimal,
}

impl Voucher {
    #[must_use]
    pub fn view(&self, facts: &Facts) -> Value {
        let money = |value: Decimal| grouped(value, self.currency);
        let mut view = frame(facts, self.title, self.currency);
        let refund = self.kind == TemplateKind::RefundVoucher;
        view.extend([
            ("kind".to_owned(), json!(self.kind)),
            ("watermark".to_owned(), json!(self.watermark)),
            ("number".to_owned(), json!(self.number)),
            ("date".to_owned(), json!(date(self.date))),
            ("amount".to_owned(), json!(money(self.amount))),
            ("words".to_owned(), json!(in_words(self.amount, self.currency))),
            ("party_label".to_owned(), json!(if refund { "PAID TO" } else { "RECEIVED FROM" })),
            ("amount_label".to_owned(), json!(if refund { "AMOUNT REFUNDED" } else { "AMOUNT RECEIVED" })),
            ("rows_label".to_owned(), json!(if refund { "REFUND OF" } else { "DEDUCTED BY THE PAYER" })),
            ("facts".to_owned(), self.facts.iter().map(|(label, value)| json!({"label": label, "value": value})).collect()),
            ("remark".to_owned(), json!(self.remark)),
            (
                "rows".to_owned(),
                self.rows
                    .iter()
                    .map(|row| json!({"label": row.label, "detail": row.detail, "amount": money(row.amount), "bold": if row.bold { "yes" } else { "no" }}))
                    .collect(),
            ),
            ("advance".to_owned(), self.advance.as_ref().map_or(Value::Null, |advance| advance.view(self.currency, facts))),
        ]);
        Value::Object(view)
    }
}

impl Advance {
    fn of(description: String, inter: bool, rate: Decimal, amounts: &AdvanceAmounts) -> Self {
        let AdvanceAmounts { taxable, cgst, sgst, igst, cess, .. } = amounts;
        Self { description, inter, rate, taxable: taxable.0, cgst: cgst.0, sgst: sgst.0, igst: igst.0, cess: cess.0 }
    }

    fn view(&self, currency: Currency, facts: &Facts) -> Value {
        let money = |value: Decimal| grouped(value, currency);
        let percent = |rate: Decimal| format!("{}%", rate.normalize());
        json!({
            "description": self.description, "inter": self.inter, "state_tax": state_tax(facts.seller.state.as_deref().unwrap_or_default()), "rate": percent(self.rate), "half": percent(self.rate / Decimal::TWO),
            "taxable": money(self.taxable), "cgst": money(self.cgst), "sgst": money(self.sgst), "igst": money(self.igst), "cess": money(self.cess),
            "cess_rate": !self.cess.is_zero(), "total": money(self.taxable + self.cgst + self.sgst + self.igst + self.cess),
        })
    }
}

fn method(receipt: &Receipt) -> String {
    let name = receipt.method.as_str();
    let name = match name {
        "cheque" | "cash" | "card" | "wire" | "other" => format!("{}{}", name.get(..1).unwrap_or_default().to_uppercase(), name.get(1..).unwrap_or_default()),
        short => short.to_uppercase(),
    };
    match (&receipt.cheque_number, receipt.cheque_date) {
        (Some(number), Some(day)) => format!("{name} {number} of {}", date(day)),
        (Some(number), None) => format!("{name} {number}"),
        _ => name,
    }
}

/// The voucher of a receipt.
pub fn of_receipt(rx: &mut Rx<'_>, id: ReceiptId) -> Result<Voucher, Problem> {
    let receipt = receipts::store::get(rx, id)?;
    let currency = Currency::parse(&receipt.currency).unwrap_or(rx.cx().currency());
    let mut facts = vec![("Received by", method(&receipt))];
    if let Some(utr) = &receipt.utr {
        facts.push(("Bank reference", utr.clone()));
    }
    if receipt.value_date != receipt.receipt_date {
        facts.push(("Value date", date(receipt.value_date)));
    }
    let mut rows = Vec::new();
    let settles = receipt.settlement_currency.as_ref().and_then(|code| Currency::parse(code)).unwrap_or(currency);
    // What it settles is told in its own currency only.
    if settles == currency {
        for deduction in &receipt.deductions {
            let label = match deduction.kind {
                DeductionKind::Tds => "Tax deducted at source",
                DeductionKind::Charges => "Bank charges",
                DeductionKind::Discount => "Discount",
                DeductionKind::Retention => "Retention",
            };
            rows.push(Row { label: label.into(), detail: deduction.section.clone().unwrap_or_default(), amount: deduction.amount.0, bold: false });
        }
    }
    let watermark = match receipt.status {
        ReceiptStatus::Reversed => "REVERSED",
        ReceiptStatus::Bounced => "BOUNCED",
        ReceiptStatus::Held => "SUBJECT TO REALISATION",
        _ => "",
    };
    let mut voucher = Voucher {
        kind: TemplateKind::ReceiptVoucher,
        customer: receipt.customer_id,
        registration: None,
        title: "Receipt",
        number: receipt.number.clone(),
        date: receipt.receipt_date,
        currency,
        amount: receipt.amount_received.0,
        facts,
        rows,
        advance: None,
        watermark,
        remark: if receipt.clearing.is_some() { "Cheques are subject to realisation.".into() } else { String::new() },
    };
    // Of an advance on which tax fell due: the voucher the law wants, with a number of its own.
    if let Some(advance) = &receipt.gst_advance
        && let (Some(number), Some(day), Some(amounts)) = (&advance.voucher_number, advance.voucher_date, &advance.received)
    {
        voucher.title = "Receipt Voucher";
        voucher.number.clone_from(number);
        voucher.date = day;
        voucher.currency = rx.cx().currency();
        voucher.amount = amounts.gross.0;
        voucher.registration = Some(advance.gst_registration_id);
        voucher.rows.clear();
        voucher.facts.extend([("Receipt", receipt.number.clone()), ("Place of supply", state(&advance.place_of_supply)), ("Reverse charge", "No".to_owned())]);
        voucher.advance = Some(Advance::of(described("Advance", advance), advance.inter_state, advance.tax_rate.0, amounts));
    }
    Ok(voucher)
}

/// The voucher of a refund that was paid.
pub fn of_refund(rx: &mut Rx<'_>, id: RefundId) -> Result<Voucher, Problem> {
    let refund = refunds::store::get(rx, id)?;
    let (Some(number), Some(paid_on)) = (refund.number.clone(), refund.paid_on) else {
        return Err(Problem::new(super::problems::NOT_PRINTABLE, "A refund has a voucher once it is paid."));
    };
    let currency = Currency::parse(&refund.currency).unwrap_or(rx.cx().currency());
    let source = match refund.source_type {
        RefundSource::Receipt => "Receipt",
        RefundSource::CreditNote => "Credit note",
        RefundSource::Opening => "Opening balance",
    };
    let account = &refund.beneficiary.account_number;
    let last: String = account.chars().skip(account.chars().count().saturating_sub(4)).collect();
    let mut facts = vec![("Paid to account", format!("XXXX{last}"))];
    if let Some(utr) = &refund.utr {
        facts.push(("Bank reference", utr.clone()));
    }
    let mut voucher = Voucher {
        kind: TemplateKind::RefundVoucher,
        customer: Some(refund.customer_id),
        registration: None,
        title: "Refund",
        number,
        date: paid_on,
        currency,
        amount: refund.amount.0,
        facts,
        rows: vec![Row { label: format!("{source} {}", refund.source_number), detail: String::new(), amount: refund.amount.0, bold: false }],
        advance: None,
        watermark: if refund.status == RefundStatus::Failed { "FAILED" } else { "" },
        remark: format!("Reason: {}", refund.reason),
    };
    if let Some(advance) = &refund.refund_voucher {
        let of = advance.receipt_voucher_number.as_deref().unwrap_or("(money received)");
        voucher.title = "Refund Voucher";
        voucher.facts.extend([
            ("Refund", voucher.number.clone()),
            ("Receipt voucher", format!("{of} of {}", date(advance.receipt_voucher_date))),
            ("Place of supply", state(&advance.place_of_supply)),
            ("Reverse charge", "No".to_owned()),
        ]);
        voucher.number.clone_from(&advance.number);
        voucher.date = advance.date;
        voucher.currency = rx.cx().currency();
        voucher.amount = advance.amounts.gross.0;
        voucher.rows.clear();
        // What was received, and under which registration, the receipt knows.
        let receipt = receipts::store::get(rx, ReceiptId::of(refund.source_id))?;
        if let Some(received) = &receipt.gst_advance {
            voucher.registration = Some(received.gst_registration_id);
            voucher.advance = Some(Advance::of(described("Refund of advance", received), received.inter_state, advance.tax_rate.0, &advance.amounts));
        }
    }
    Ok(voucher)
}

/// What an advance is for (CGST rules 50(e), 51(f)).
fn described(what: &str, advance: &ReceiptAdvance) -> String {
    let code = advance.hsn_code.as_ref().map_or_else(String::new, |code| format!(", HSN/SAC {code}"));
    format!("{what} for {}{code}", advance.supply)
}
