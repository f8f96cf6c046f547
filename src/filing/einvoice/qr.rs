//! What the QR codes on documents say, and their picture.

use chrono::NaiveDate;
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use rust_decimal::Decimal;

/// The taxes of a document, in rupees.
#[derive(Debug, Clone, Copy, Default)]
pub struct Taxes {
    pub cgst: Decimal,
    /// SGST or UTGST.
    pub sgst: Decimal,
    pub igst: Decimal,
    pub cess: Decimal,
}

/// The address a UPI application opens to pay a document: payee, amount, number and date, GSTIN and the breakup of
/// the tax, as a dynamic QR code to a consumer says them (notification 14/2020-CT, circular 146/02/2021-GST).
/// `amount` is the payable in rupees.
#[must_use]
pub fn upi_intent(vpa: &str, name: &str, amount: Decimal, number: &str, date: NaiveDate, gstin: &str, taxes: &Taxes) -> String {
    let rupees = |value: Decimal| format!("{:.2}", crate::platform::money::round(value, 2));
    let gst = taxes.cgst + taxes.sgst + taxes.igst;
    let parts = [("CGST", taxes.cgst), ("SGST", taxes.sgst), ("IGST", taxes.igst), ("CESS", taxes.cess)].into_iter().filter(|(_, value)| !value.is_zero());
    let breakup: Vec<String> = std::iter::once(("GST", gst)).chain(parts).map(|(tax, value)| format!("{tax}:{}", rupees(value))).collect();
    let breakup = breakup.join("|");
    // A reference of the payee's own: letters and digits, at most 35 of them.
    let reference: String = number.chars().filter(char::is_ascii_alphanumeric).take(35).collect();
    let members = [
        ("pa", vpa),
        ("pn", name),
        ("tr", &reference),
        ("tn", &format!("Invoice {number}")),
        ("am", &rupees(amount)),
        ("cu", "INR"),
        ("gstIn", gstin),
        ("invoiceNo", number),
        ("invoiceDate", &format!("{date}T00:00:00+05:30")),
        ("gstBrkUp", &breakup),
    ];
    let said: Vec<String> = members.iter().map(|(member, value)| format!("{member}={}", encoded(value))).collect();
    format!("upi://pay?{}", said.join("&"))
}

/// A value as it stands in an address (RFC 3986); `@` and `:` mean themselves in a query.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~@:".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// A QR code as a drawing of its own, with the quiet zone of four modules; `None` where the text is longer than a code
/// can hold (about 2,900 bytes).
#[must_use]
pub fn svg(text: &str) -> Option<String> {
    // Signed e-invoices are long: the lowest correction keeps the modules large enough to print.
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L).ok()?;
    Some(code.render::<svg::Color<'_>>().min_dimensions(200, 200).quiet_zone(true).build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    #[test]
    fn a_upi_code_says_payee_amount_document_and_tax() {
        let taxes = Taxes { cgst: dec!(8.45), sgst: dec!(8.45), ..Taxes::default() };
        let date = NaiveDate::from_ymd_opt(2025, 11, 15).unwrap();
        let said = upi_intent("shop@okbank", "Demo & Sons", dec!(110.8), "MH/25-26/000123", date, "27AAACD1234E1Z9", &taxes);
        assert_eq!(
            said,
            "upi://pay?pa=shop@okbank&pn=Demo%20%26%20Sons&tr=MH2526000123&tn=Invoice%20MH%2F25-26%2F000123&am=110.80&cu=INR&gstIn=27AAACD1234E1Z9\
             &invoiceNo=MH%2F25-26%2F000123&invoiceDate=2025-11-15T00:00:00%2B05:30&gstBrkUp=GST:16.90%7CCGST:8.45%7CSGST:8.45"
        );
    }

    #[test]
    fn a_code_is_drawn_until_it_can_hold_no_more() {
        assert!(svg("upi://pay?pa=shop@okbank").is_some_and(|drawing| drawing.contains("<svg") && drawing.contains("</svg>")));
        assert!(svg(&"x".repeat(1200)).is_some());
        assert_eq!(svg(&"x".repeat(3000)), None);
    }
}
