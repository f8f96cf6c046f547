//! A month of many documents becomes GSTR-1: time, and the most memory the process ever had.
//!
//! `cargo bench --bench gstr1 -- --documents 100000`. Documents are made one by one and are gone after they are
//! pushed, as they come from the database; what grows is the text of the return.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, reason = "a benchmark")]

use chrono::NaiveDate;
use duebook::filing::gstr1::{Builder, Document, DocumentKind, Line, Original, Recipient, RecipientKind, ShippingBill, Tax};
use duebook::filing::period::ReturnPeriod;
use duebook::tax::gst::compute::Treatment;
use duebook::tax::gst::supply::SupplyType;
use rust_decimal::Decimal;
use std::time::Instant;

const SUPPLIER: &str = "24AAQCA8719H1ZC";

/// The n-th document: 6 of 10 to 5,000 registered buyers, the rest consumers, exports, notes.
fn document(n: u64) -> Document {
    let day = NaiveDate::from_ymd_opt(2025, 10, u32::try_from(1 + n % 31).unwrap()).unwrap();
    let (kind, supply, place, buyer) = match n % 10 {
        0..=5 => (DocumentKind::Invoice, SupplyType::B2b, if n.is_multiple_of(2) { "24" } else { "29" }, true),
        6 | 7 => (DocumentKind::Invoice, SupplyType::B2c, if n.is_multiple_of(3) { "24" } else { "27" }, false),
        8 => (DocumentKind::CreditNote, SupplyType::B2b, "24", true),
        _ => (DocumentKind::Invoice, SupplyType::ExportWithoutPayment, "96", false),
    };
    let inter = place != "24";
    let line = |at: u64| {
        let rate = [Decimal::from(5), Decimal::from(18), Decimal::from(40)][usize::try_from((n + at) % 3).unwrap()];
        let txval = Decimal::new(i64::try_from(100_000 + n * 37 % 9_000_000).unwrap(), 2);
        let due = if supply.is_without_payment() { Decimal::ZERO } else { txval * rate / Decimal::ONE_HUNDRED };
        let half = (due / Decimal::TWO).round_dp(2);
        let zero = Decimal::ZERO;
        Line {
            rate,
            tax: Tax {
                txval,
                iamt: if inter { due.round_dp(2) } else { zero },
                camt: if inter { zero } else { half },
                samt: if inter { zero } else { half },
                csamt: zero,
            },
            treatment: Treatment::Taxable,
            hsn: Some(format!("{:04}", 1000 + (n + at) % 700)),
            service: false,
            uqc: Some("NOS".into()),
            quantity: Decimal::from(1 + n % 9),
        }
    };
    let lines: Vec<Line> = (0..=n % 4).map(line).collect();
    Document {
        kind,
        number: format!("GJ/25-26/{n:06}"),
        date: day,
        series: None,
        cancelled: n.is_multiple_of(97),
        recipient: Recipient {
            kind: if buyer { RecipientKind::Registered } else { RecipientKind::Unregistered },
            gstin: buyer.then(|| format!("29AABC{}{:04}R1ZL", char::from(b'A' + u8::try_from(n / 10_000 % 26).unwrap()), n * 7 % 5000)),
            uin: false,
        },
        place: place.into(),
        supply,
        reverse_charge: n.is_multiple_of(50),
        value: lines.iter().map(|line| line.tax.txval + line.tax.taxes()).sum(),
        original: (kind == DocumentKind::CreditNote).then(|| Original { number: format!("GJ/25-26/{:06}", n / 2), date: Some(day), value: None }),
        operator: None,
        supplied_by: None,
        shipping: ShippingBill::default(),
        differential: false,
        former: None,
        lines,
    }
}

/// The most memory the process had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let documents = arguments.iter().position(|a| a == "--documents").and_then(|at| arguments.get(at + 1)).map_or(100_000, |n| n.parse().expect("a number"));
    let before = peak();
    let start = Instant::now();
    let mut builder = Builder::new(SUPPLIER, ReturnPeriod::parse("102025").expect("a period"));
    for n in 0..documents {
        builder.push(&document(n));
    }
    let pushed = start.elapsed();
    let built = builder.finish();
    let finished = start.elapsed();
    let mut out = Counted(0);
    built.write(&mut out).expect("written");
    let written = start.elapsed();
    println!(
        "{documents} documents: {pushed:.2?} to push, {:.2?} to sort, {:.2?} to write {:.1} MiB; {written:.2?} in all, {:.0} documents a second",
        finished.checked_sub(pushed).unwrap(),
        written.checked_sub(finished).unwrap(),
        f64::from(u32::try_from(out.0 / 1024).unwrap()) / 1024.0,
        f64::from(u32::try_from(documents).unwrap()) / written.as_secs_f64()
    );
    println!("memory: {before} MiB before, {} MiB at most; warnings: {}", peak(), built.warnings().len());
}

/// Counts what is written: the return goes out as a stream.
struct Counted(u64);
impl std::io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += u64::try_from(bytes.len()).unwrap();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
