//! What the QR codes on documents say, and their picture.

use crate::billing::invoices::order::Kind;
use crate::billing::invoices::store::Stored;
use crate::billing::invoices::types::{InvoiceStatus, SupplyKind};
use chrono::NaiveDate;
use qrcode::render::svg;
use qrcode::{Color, EcLevel, QrCode};
use rust_decimal::Decimal;

/// Whether an invoice carries a code to pay it by: one that stands, to somebody without registration, in rupees.
#[must_use]
pub fn is_payable(stored: &Stored) -> bool {
    let consumer = stored.kind == Kind::Invoice && stored.supply == SupplyKind::B2c && stored.buyer_gstin.is_none();
    consumer && stored.status == InvoiceStatus::Issued && stored.currency.code() == "INR" && stored.total > Decimal::ZERO
}

/// What the code to pay an invoice by says.
#[must_use]
pub fn to_pay(stored: &Stored, vpa: &str, payee: &str) -> String {
    let taxes = Taxes { cgst: stored.cgst, sgst: stored.sgst, igst: stored.igst, cess: stored.cess };
    upi_intent(vpa, payee, stored.total, stored.number.as_deref().unwrap_or_default(), stored.date, &stored.seller_gstin, &taxes)
}

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

/// Media types of the pictures.
pub const SVG: &str = "image/svg+xml";
pub const PNG: &str = "image/png";

/// Modules of white around a code, so that readers find it.
const QUIET: usize = 4;
/// Pixels a module is wide and high.
const PIXELS: usize = 8;

/// The code of a text; `None` where that is longer than a code can hold (about 2,900 bytes). Signed e-invoices are long: the
/// lowest correction keeps the modules large enough to print.
fn code(text: &str) -> Option<QrCode> {
    QrCode::with_error_correction_level(text.as_bytes(), EcLevel::L).ok()
}

/// A QR code as a drawing of its own.
#[must_use]
pub fn svg(text: &str) -> Option<String> {
    Some(code(text)?.render::<svg::Color<'_>>().min_dimensions(200, 200).quiet_zone(true).build())
}

/// A QR code in black and white pixels, one bit each.
#[must_use]
pub fn png(text: &str) -> Option<Vec<u8>> {
    let code = code(text)?;
    let (modules, side) = (code.width(), (code.width() + 2 * QUIET) * PIXELS);
    let dark = |x: usize, y: usize| {
        let module = |at: usize| (at / PIXELS).checked_sub(QUIET).filter(|at| *at < modules);
        matches!((module(x), module(y)), (Some(x), Some(y)) if code[(x, y)] == Color::Dark)
    };
    // Eight pixels are a byte, the first its highest bit; a one is white.
    let byte = |y: usize, from: usize| (0..8).fold(0_u8, |byte, bit| byte << 1 | u8::from(!dark(from + bit, y)));
    let rows: Vec<u8> = (0..side).flat_map(|y| (0..side).step_by(8).map(move |from| (y, from))).map(|(y, from)| byte(y, from)).collect();
    let mut out = Vec::new();
    let pixels = u32::try_from(side).ok()?;
    let mut encoder = png::Encoder::new(&mut out, pixels, pixels);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.write_header().ok()?.write_image_data(&rows).ok()?;
    Some(out)
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
        assert_eq!((svg(&"x".repeat(3000)), png(&"x".repeat(3000))), (None, None));
    }

    /// What a reader sees: the pixels, put back into modules, are the code's.
    #[test]
    fn the_pixels_are_the_modules_with_white_around_them() {
        let text = "upi://pay?pa=shop@okbank&am=110.80";
        let bytes = png(text).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        let code = code(text).unwrap();
        let side = (code.width() + 8) * 8;
        assert_eq!((frame.width as usize, frame.height as usize), (side, side));
        for y in 0..side {
            for x in 0..side {
                let white = pixels[y * frame.line_size + x / 8] >> (7 - x % 8) & 1 == 1;
                let inside = (32..side - 32).contains(&x) && (32..side - 32).contains(&y);
                let dark = inside && code[(x / 8 - 4, y / 8 - 4)] == Color::Dark;
                assert_eq!(white, !dark, "{x}, {y}");
            }
        }
    }
}
