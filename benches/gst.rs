//! How many documents the GST engine computes in a second on one core: `cargo bench --bench gst`.

#![allow(clippy::expect_used, clippy::cast_precision_loss, reason = "a bench may fail loudly, and prints rounded figures")]

use duebook::tax::gst::compute::{ChargeInput, ChargeTax, Discount, DocumentInput, LineInput, Treatment, compute};
use duebook::tax::gst::supply::{Split, SupplyType, split};
use rust_decimal::{Decimal, dec};
use std::hint::black_box;
use std::time::{Duration, Instant};

fn document(lines: u32, split: Split) -> DocumentInput {
    let rates = [dec!(5), dec!(18), dec!(40), dec!(0)];
    let line = |n: u32| LineInput {
        quantity: Decimal::from(n % 7 + 1),
        unit_price: Decimal::new(i64::from(n * 7919 % 100_000 + 1), 2),
        discount: Discount { percent: Decimal::from(n % 3 * 5), amount: dec!(0) },
        rate: rates[n as usize % rates.len()],
        cess_rate: dec!(0),
        cess_per_unit: dec!(0),
        tax_inclusive: n.is_multiple_of(5),
        treatment: Treatment::Taxable,
    };
    DocumentInput {
        charges: vec![ChargeInput { amount: dec!(20), tax: ChargeTax::AtRate(dec!(18)) }],
        discount: Discount { percent: dec!(2), amount: dec!(0) },
        round_to_unit: true,
        ..DocumentInput::of_lines(split, (0..lines).map(line).collect())
    }
}

fn main() {
    println!("{:>6} {:>16} {:>16}", "lines", "documents/s", "lines/s");
    for lines in [1, 5, 20, 100, 1000] {
        let documents = [document(lines, split("27", "27", SupplyType::B2b)), document(lines, split("27", "29", SupplyType::B2b))];
        let (start, mut done) = (Instant::now(), 0_u64);
        while start.elapsed() < Duration::from_secs(2) {
            for document in &documents {
                black_box(compute(black_box(document)).expect("a document that can be computed"));
                done += 1;
            }
        }
        let rate = done as f64 / start.elapsed().as_secs_f64();
        println!("{lines:>6} {rate:>16.0} {:>16.0}", rate * f64::from(lines));
    }
}
