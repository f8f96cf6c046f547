//! Documents nobody issued: what a new template is tried with, and what templates can read.

use super::service::Sheet;
use super::types::TemplateKind;
use crate::platform::money::Currency;
use crate::platform::text::words::{grouped, in_words};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

/// A sample of a kind with so many lines, made with a template.
#[must_use]
pub fn sheet(kind: TemplateKind, source: String, lines: usize) -> Sheet {
    let view = view(kind, lines);
    let title = view["title"].as_str().unwrap_or_default().to_owned();
    Sheet {
        source,
        logo: None,
        view,
        currency: rupees(),
        copies: vec!["ORIGINAL FOR RECIPIENT"],
        title,
        number: "MH/25-26/000123".into(),
        author: "Demo Traders Pvt Ltd".into(),
        date: NaiveDate::from_ymd_opt(2025, 11, 15).unwrap_or_default(),
    }
}

#[allow(clippy::expect_used, reason = "a currency there is; read by a test of this module")]
fn rupees() -> Currency {
    Currency::parse("INR").expect("a currency")
}

/// What a template of a kind can read.
#[must_use]
pub fn view(kind: TemplateKind, lines: usize) -> Value {
    let title = match kind {
        TemplateKind::TaxInvoice => "Tax Invoice",
        TemplateKind::BillOfSupply => "Bill of Supply",
        TemplateKind::CreditNote => "Credit Note",
        TemplateKind::DebitNote => "Debit Note",
        TemplateKind::ReceiptVoucher => "Receipt Voucher",
        TemplateKind::RefundVoucher => "Refund Voucher",
        TemplateKind::Statement => "Statement of Account",
    };
    let mut view = json!({
        "kind": kind, "title": title, "watermark": "", "number": "MH/25-26/000123", "date": "15-Nov-2025", "currency": "INR", "symbol": "₹", "accent": "#1f3a5f",
        "seller": {
            "name": "Demo Traders Pvt Ltd", "trade_name": null, "gstin": "27AAACD1234E1Z9", "pan": "AAACD1234E", "address": ["1 Marine Drive", "Fort", "Mumbai 400002"],
            "state": "Maharashtra (27)", "phone": "022 4000 0000", "email": "billing@demo.test", "website": "www.demo.test", "cin": "U51909MH2017PTC123456", "country": null, "code": null,
        },
        "buyer": {
            "name": "Acme Retail Pvt Ltd", "gstin": "27AABCA9876F1ZD", "pan": "AABCA9876F", "address": ["12 MG Road", "Pune 411001"], "state": "Maharashtra (27)", "country": null,
            "phone": null, "email": null, "code": "ACME",
        },
        "ship_to": null, "signatory": "A. Shah, Director", "declaration": "We declare that all particulars are true and correct.",
        "terms": ["Interest at 18% a year is charged on what is paid late.", "Subject to the courts of Mumbai."],
        "bank": {"bank_name": "Demo Bank, Fort branch", "account_number": "50200012345678", "account_name": null, "ifsc": "DEMO0000001", "swift": null},
    });
    let more = match kind {
        TemplateKind::Statement => statement(lines),
        TemplateKind::ReceiptVoucher | TemplateKind::RefundVoucher => voucher(),
        _ => supply(kind, lines),
    };
    if let (Some(members), Value::Object(more)) = (view.as_object_mut(), more) {
        members.extend(more);
    }
    view
}

fn money(value: Decimal) -> String {
    grouped(value, rupees())
}

fn supply(kind: TemplateKind, lines: usize) -> Value {
    let taxed = kind != TemplateKind::BillOfSupply;
    let (mut taxable, mut tax) = (Decimal::ZERO, Decimal::ZERO);
    let mut rows = Vec::with_capacity(lines);
    for at in 0..lines {
        let number = Decimal::from(at + 1);
        let value = Decimal::new(125_050, 2) + number * Decimal::new(1_035, 2);
        let own = if taxed { (value * Decimal::new(18, 2)).round_dp(2) } else { Decimal::ZERO };
        taxable += value;
        tax += own;
        rows.push(json!({
            "no": at + 1, "description": if at % 7 == 3 { "Ball bearing, stainless steel, sealed on both sides, for temperatures to 200 °C, in boxes of ten" } else { "Ball bearing 6204" },
            "hsn": "84821011", "quantity": "10", "unit": "NOS", "price": money(value / Decimal::TEN), "inclusive": false, "discount": "", "taxable": money(value), "rate": "18%",
            "cess_rate": null, "cgst": money(own / Decimal::TWO), "sgst": money(own / Decimal::TWO), "igst": "0.00", "cess": "0.00", "tax": money(own), "total": money(value + own),
            "sums": {"taxable": value.to_string(), "tax": own.to_string(), "total": (value + own).to_string(), "cgst": "0", "sgst": "0", "igst": "0", "cess": "0"},
        }));
    }
    let total = taxable + tax;
    let half = tax / Decimal::TWO;
    let rate = json!({
        "hsn": "84821011", "rate": "18%", "half": "9%", "cess_rate": "", "taxable": money(taxable), "cgst": money(half), "sgst": money(half), "igst": "0.00", "cess": "0.00", "tax": money(tax),
    });
    let note = matches!(kind, TemplateKind::CreditNote | TemplateKind::DebitNote)
        .then(|| json!({"reason": "Goods returned", "financial": false, "original_number": "MH/25-26/000101", "original_date": "01-Oct-2025"}));
    let label = if kind == TemplateKind::CreditNote { "Total credit" } else { "Total payable" };
    json!({
        "number_label": if note.is_some() { "Note no." } else { "Invoice no." }, "total_label": label, "carried": "Carried forward",
        "due_date": "15-Dec-2025", "po_reference": "PO-7781", "place_of_supply": "Maharashtra (27)", "reverse_charge": "No", "endorsement": null, "lut": null, "differential": null, "goods": true, "supplies": "goods", "code_label": "HSN", "exemption": null, "composition": null, "operator": null, "inter": false,
        "taxed": taxed, "state_tax": "SGST", "has_cess": false, "has_discount": false, "lines": rows, "rates": [rate],
        "tax_totals": {"taxable": money(taxable), "cgst": money(half), "sgst": money(half), "igst": "0.00", "cess": "0.00", "tax": money(tax)},
        "totals": [{"label": "Taxable value", "amount": money(taxable)}, {"label": "CGST", "amount": money(half)}, {"label": "SGST", "amount": money(half)}],
        "grand_total": money(total), "words": in_words(total, rupees()), "tax_words": in_words(tax, rupees()), "base": null, "instalments": [], "note": note, "cancelled_on": null,
        "einvoice": null, "upi": null,
    })
}

fn voucher() -> Value {
    json!({
        "amount": "59,000.00", "words": "Rupees Fifty Nine Thousand Only", "party_label": "RECEIVED FROM", "amount_label": "AMOUNT RECEIVED", "rows_label": "SETTLES",
        "facts": [{"label": "Received by", "value": "NEFT"}, {"label": "Bank reference", "value": "HDFCN52025111800000731"}],
        "rows": [{"label": "Invoice MH/25-26/000101", "detail": "01-Oct-2025", "amount": "59,000.00", "bold": "no"}], "remark": "",
        "advance": {
            "description": "Advance for services, SAC 998313", "inter": false, "state_tax": "SGST", "rate": "18%", "half": "9%", "taxable": "50,000.00", "cgst": "4,500.00", "sgst": "4,500.00",
            "igst": "0.00", "cess": "0.00", "cess_rate": false, "total": "59,000.00",
        },
    })
}

fn statement(lines: usize) -> Value {
    let mut balance = Decimal::ZERO;
    let mut rows = Vec::with_capacity(lines);
    for at in 0..lines {
        let amount = Decimal::new(1_180_000, 2);
        let debit = at % 2 == 0;
        balance += if debit { amount } else { -amount };
        rows.push(json!({
            "date": "01-Nov-2025", "label": if debit { "Invoice" } else { "Receipt" }, "number": format!("MH/25-26/{:06}", at + 1), "debit": if debit { money(amount) } else { String::new() },
            "credit": if debit { String::new() } else { money(amount) }, "balance": money(balance), "due_date": "01-Dec-2025", "days": "", "overdue": false, "amount": money(amount),
            "open": money(amount), "own": null, "sums": {"debit": if debit { amount } else { Decimal::ZERO }.to_string(), "credit": "0", "open": amount.to_string()},
        }));
    }
    let shown = |label: &str, amount: &str, bold: &str| json!({"label": label, "amount": amount, "bold": bold});
    let aging = ["Not due", "1–30 days", "31–60 days", "61–90 days", "91–120 days", "Over 120 days", "Unapplied", "Balance"];
    let mut members = Map::new();
    members.insert("aging".into(), aging.iter().map(|label| shown(label, "0.00", "no")).collect());
    let rest = json!({
        "style": "running", "from": "01-Nov-2025", "to": "30-Nov-2025", "period": "01-Nov-2025 to 30-Nov-2025", "known_at": "30-Nov-2025 10:00:00 UTC", "opening_date": "01-Nov-2025",
        "opening": "0.00", "closing": money(balance), "debits": money(balance), "credits": "0.00", "rows": rows,
        "summary": [shown("Opening balance", "0.00", "no"), shown("Balance on 30-Nov-2025", &money(balance), "yes")],
    });
    if let Value::Object(rest) = rest {
        members.extend(rest);
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::documents::service::{render, try_template};
    use crate::delivery::documents::templates;
    use crate::platform::text::hex;
    use sha2::{Digest, Sha256};

    fn made(kind: TemplateKind, lines: usize) -> Vec<u8> {
        render(sheet(kind, templates::newest(kind).source.to_owned(), lines)).map_or_else(|problem| panic!("{kind}: {problem}"), |file| file.content)
    }

    fn refused(source: &str) -> String {
        let problem = try_template(TemplateKind::TaxInvoice, source).expect_err(source);
        assert_eq!(problem.refusal().code, "template_invalid");
        problem.to_string()
    }

    #[test]
    fn every_template_of_the_service_lays_out_every_sample() {
        for kind in TemplateKind::ALL {
            for lines in [1, 2, 40, 300] {
                let bytes = made(*kind, lines);
                assert!(bytes.starts_with(b"%PDF-1."), "{kind}");
                if let Ok(dir) = std::env::var("SAMPLES") {
                    std::fs::write(format!("{dir}/{kind}-{lines}.pdf"), &bytes).expect("written");
                }
            }
        }
    }

    #[test]
    fn the_same_document_is_the_same_bytes() {
        for kind in TemplateKind::ALL {
            assert!(made(*kind, 60) == made(*kind, 60), "{kind}");
        }
    }

    /// A template of the service that documents were made with never changes: add a file with the next number.
    #[test]
    fn templates_that_were_used_stay_as_they_are() {
        let digest = |name: &str| hex(&Sha256::digest(templates::named(name).expect(name).source)[..8]);
        assert_eq!([digest("supply.1"), digest("voucher.1"), digest("statement.1")], ["952c69fd02b3d698", "761fd53a8e7a3f19", "0409df99e24ef88b"]);
    }

    #[test]
    fn two_thousand_lines_are_laid_out() {
        let bytes = made(TemplateKind::TaxInvoice, 2_000);
        assert!(bytes.len() < 2_000_000, "{}", bytes.len());
    }

    #[test]
    fn faults_of_a_template_are_told_with_their_line() {
        let line_of = |source: &str, line: &str| {
            let told = refused(source);
            assert!(told.contains(line), "{told}");
        };
        line_of("<document>\n<text>{{ title }}</text>\n<txt/></document>", "line 3: there is no element <txt>");
        line_of("<document>\n<text colour=\"#000000\"/></document>", "line 2: <text> has no attribute colour");
        line_of("<document>\n\n<text color=\"red\">x</text></document>", "line 3: color=\"red\" is not a color");
        line_of("<document><text>{{ title | shout }}</text></document>", "line 1: ");
        line_of("<document>\n<text>{{ title }</text></document>", "line 2: {{ is not closed");
        line_of("<document>\n<text>{{ lines }}</text></document>", "line 2: a sequence is no text");
        line_of("<document>\nwords</document>", "line 2: text stands in <text>");
        line_of("<document>\n<td>x</td></document>", "line 2: <td> does not stand in <document>");
        line_of("<document><table>\n<tr><td>x</td></tr></table></document>", "line 1: a table has 1 to 30 columns");
        line_of("<document><table><columns><column/></columns>\n<tr><td>x</td><td>y</td></tr></table></document>", "line 2: the row has more cells");
        line_of("<document><stack keep=\"yes\">\n<space height=\"900\"/><text>x</text></stack></document>", "line 1: this is higher than a page");
        line_of("<document><row><column width=\"400\"/><column width=\"400\"/></row></document>", "wider than the page");
        line_of("<document margin=\"400\"/>", "the margins leave no room");
    }

    #[test]
    fn hostile_templates_are_refused_and_cost_little() {
        let nest = |name: &str, depth: usize| {
            format!("<document>{}<text>x</text>{}</document>", format!("<{name}>").repeat(depth), format!("</{name}>").repeat(depth))
        };
        refused(&nest("stack", 60));
        refused(&format!("<document>{}</document>", "<space/>".repeat(50_000)));
        refused(&"<".repeat(60_000));
        refused(&"a".repeat(70_000));
        // Lists within lists within lists: 60 to the power of five.
        let each = |depth: usize| (0..depth).map(|n| format!("<stack each=\"x{n} in lines\">")).collect::<Vec<_>>().concat();
        refused(&format!("<document>{}<text>x</text>{}</document>", each(5), "</stack>".repeat(5)));
        // Much text of little: joined, repeated, multiplied, in a loop.
        refused("<document><text>{{ range(1000000) }}</text></document>");
        refused("<document><text>{% for a in lines %}{% endfor %}{{ x | indent }}</text></document>");
        refused(
            "<document><text each=\"a in lines\"><span each=\"b in lines\"><span each=\"c in lines\">{{ declaration }}{{ declaration }}{{ declaration }}{{ declaration }}{{ declaration }}</span></span></text></document>",
        );
        refused(&format!("<document><text>{{{{ \"{}\" }}}}</text></document>", "x".repeat(300)));
        // More pages than anybody reads.
        refused(&format!("<document>{}</document>", "<text>x</text><new-page/>".repeat(600)));
        refused("<document><stack each=\"a in lines\"><stack each=\"b in lines\"><text>x</text><new-page/></stack></stack></document>");
        // Much to reckon for little: a code for each pair of lines.
        refused("<document><stack each=\"a in lines\"><qr each=\"b in lines\" data=\"{{ number }}\"/></stack></document>");
        // Nothing outside can be named.
        refused("<document><include src=\"/etc/passwd\"/></document>");
        refused("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><document><text>&e;</text></document>");
        refused("<document><text>&e;</text></document>");
    }

    #[test]
    fn what_is_undefined_is_empty_and_what_is_said_is_never_markup() {
        let source = "<document><text>[{{ nothing.at.all }}]</text><text if=\"nothing\">x</text><text each=\"x in nothing\">x</text><text>{{ '<b>&amp;</b>' }}</text></document>";
        try_template(TemplateKind::TaxInvoice, source).expect("valid");
    }
}
