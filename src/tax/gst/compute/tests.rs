//! The arithmetic against figures by hand and naive recomputations.

use super::exact::spread_discount;
use super::*;
use proptest::prelude::*;
use rust_decimal::dec;

const INTRA: Split = Split::Intra { utgst: false };

fn line(quantity: Decimal, unit_price: Decimal, rate: Decimal) -> LineInput {
    LineInput {
        quantity,
        unit_price,
        discount: Discount::NONE,
        rate,
        cess_rate: Decimal::ZERO,
        cess_per_unit: Decimal::ZERO,
        tax_inclusive: false,
        treatment: Treatment::Taxable,
    }
}

fn gross(amount: Decimal, rate: Decimal) -> LineInput {
    LineInput { tax_inclusive: true, ..line(dec!(1), amount, rate) }
}

fn document(split: Split, lines: Vec<LineInput>) -> DocumentInput {
    DocumentInput::of_lines(split, lines)
}

fn computed(split: Split, lines: Vec<LineInput>) -> Computed {
    compute(&document(split, lines)).unwrap()
}

#[test]
fn two_lines_of_7_60_at_12_share_one_rounding() {
    let c = computed(INTRA, vec![line(dec!(1), dec!(7.60), dec!(12)); 2]);
    assert_eq!((c.taxable, c.cgst, c.sgst, c.total), (dec!(15.20), dec!(0.91), dec!(0.91), dec!(17.02)));
    assert_eq!((c.lines[0].cgst, c.lines[1].cgst), (dec!(0.46), dec!(0.45)));
    assert_eq!(c.lines[0].total.to_string(), "8.52");
}

#[test]
fn gross_of_99_99_inclusive_of_5_comes_back_unchanged() {
    for split in [INTRA, Split::Inter] {
        let c = computed(split, vec![gross(dec!(99.99), dec!(5))]);
        assert_eq!((c.taxable, c.cgst + c.sgst + c.igst, c.total), (dec!(95.23), dec!(4.76), dec!(99.99)));
        assert_eq!(c.cgst, c.sgst);
    }
}

#[test]
fn tds_example_of_the_design_is_rounded_to_the_rupee() {
    let mut input = document(INTRA, vec![line(dec!(1), dec!(47584), dec!(18))]);
    input.round_to_unit = true;
    let c = compute(&input).unwrap();
    assert_eq!((c.cgst, c.sgst, c.total), (dec!(4282.56), dec!(4282.56), dec!(56149.12)));
    assert_eq!((c.payable, c.round_off), (dec!(56149), dec!(-0.12)));
    assert_eq!(c.payable.to_string(), "56149.00");
    // Half a rupee goes up.
    input.lines = vec![line(dec!(1), dec!(10.50), dec!(0))];
    assert_eq!(compute(&input).unwrap().round_off, dec!(0.50));
}

#[test]
fn cess_is_on_the_taxable_value_and_gst_is_not_on_cess() {
    let mut car = line(dec!(2), dec!(100), dec!(28));
    (car.cess_rate, car.cess_per_unit) = (dec!(12), dec!(1.25));
    let c = computed(Split::Inter, vec![car.clone()]);
    assert_eq!((c.taxable, c.igst, c.cess, c.total), (dec!(200), dec!(56), dec!(26.50), dec!(282.50)));
    // The same price read the other way round.
    (car.unit_price, car.tax_inclusive) = (dec!(141.25), true);
    assert_eq!(computed(Split::Inter, vec![car]), c);
}

#[test]
fn reverse_charge_shows_tax_that_is_not_owed_to_the_supplier() {
    let mut input = document(INTRA, vec![line(dec!(1), dec!(1000), dec!(5))]);
    input.tax_collected = TaxCollected::ReverseCharge;
    let c = compute(&input).unwrap();
    assert_eq!((c.cgst, c.sgst, c.total, c.payable), (dec!(25), dec!(25), dec!(1000), dec!(1000)));
    assert_eq!(c.lines[0].total, dec!(1000));
}

#[test]
fn supply_without_payment_bears_no_tax_and_keeps_its_rate() {
    let mut sale = gross(dec!(999), dec!(18));
    sale.cess_rate = dec!(1);
    let mut input = document(Split::Inter, vec![sale]);
    input.tax_collected = TaxCollected::WithoutPayment;
    let c = compute(&input).unwrap();
    assert_eq!((c.taxable, c.igst, c.cess, c.total), (dec!(999), dec!(0), dec!(0), dec!(999)));
    assert_eq!(c.by_rate[0].rate, dec!(18));
}

#[test]
fn treatments_are_kept_apart_from_each_other_and_from_rate_zero() {
    let mut lines = vec![line(dec!(1), dec!(10), dec!(0)); 4];
    lines[1].treatment = Treatment::NonGst;
    lines[2].treatment = Treatment::Exempt;
    lines[3].treatment = Treatment::Nil;
    lines.push(line(dec!(1), dec!(10), dec!(18.00)));
    let c = computed(INTRA, lines);
    let rows: Vec<_> = c.by_rate.iter().map(|r| (r.treatment, r.rate.to_string())).collect();
    let zero = || "0".to_owned();
    assert_eq!(
        rows,
        [
            (Treatment::Taxable, zero()),
            (Treatment::Taxable, "18".to_owned()),
            (Treatment::Nil, zero()),
            (Treatment::Exempt, zero()),
            (Treatment::NonGst, zero()),
        ]
    );
    assert_eq!((c.taxable, c.total), (dec!(50), dec!(51.80)));
}

#[test]
fn line_values_are_rounded_before_they_are_added_and_taxed() {
    let c = computed(INTRA, vec![line(dec!(3), dec!(3.335), dec!(18)); 2]);
    assert_eq!((c.lines[0].taxable, c.taxable, c.cgst), (dec!(10.01), dec!(20.02), dec!(1.80)));
    // A currency without decimals, and one with three.
    let mut input = document(Split::Inter, vec![line(dec!(1), dec!(1234.5), dec!(18))]);
    input.exponent = 0;
    assert_eq!(compute(&input).unwrap().total.to_string(), "1457");
    input.exponent = 3;
    assert_eq!(compute(&input).unwrap().igst.to_string(), "222.210");
}

#[test]
fn lines_of_a_paisa_pass_their_tax_to_lines_that_can_hold_it() {
    let mut lines = vec![gross(dec!(0.01), dec!(40)); 10];
    lines.push(gross(dec!(0.03), dec!(40)));
    let c = computed(INTRA, lines);
    assert_eq!((c.cgst, c.total), (dec!(0.02), dec!(0.13)));
    assert_eq!((c.lines[10].cgst, c.lines[10].taxable), (dec!(0.01), dec!(0.01)));
}

#[test]
fn discount_and_freight_before_tax_make_968_60() {
    // 1000 less 10 % at 5 %, freight 20 at 18 %.
    let mut goods = line(dec!(1), dec!(1000), dec!(5));
    goods.discount.percent = dec!(10);
    let mut input = document(INTRA, vec![goods]);
    input.charges = vec![ChargeInput { amount: dec!(20), tax: ChargeTax::AtRate(dec!(18)) }];
    let c = compute(&input).unwrap();
    assert_eq!((c.lines[0].taxable, c.lines[0].cgst, c.charges[0].sum.cgst), (dec!(900), dec!(22.50), dec!(1.80)));
    assert_eq!((c.taxable, c.cgst, c.sgst, c.total), (dec!(920), dec!(24.30), dec!(24.30), dec!(968.60)));
    // After tax it is only added.
    input.charges[0].tax = ChargeTax::Free;
    let c = compute(&input).unwrap();
    assert_eq!((c.taxable, c.cgst, c.other_charges, c.total), (dec!(900), dec!(22.50), dec!(20), dec!(965)));
}

#[test]
fn freight_without_a_rate_is_shared_out_over_the_rates_of_the_lines() {
    let mut input = document(Split::Inter, vec![line(dec!(1), dec!(300), dec!(5)), line(dec!(1), dec!(100), dec!(18))]);
    input.charges = vec![ChargeInput { amount: dec!(40), tax: ChargeTax::AsLines }];
    let c = compute(&input).unwrap();
    assert_eq!((c.charges[0].sum.taxable, c.charges[0].sum.igst), (dec!(40), dec!(3.30)));
    assert_eq!(c.charges[0].parts.iter().map(|p| (p.rate, p.taxable)).collect::<Vec<_>>(), [(dec!(5), dec!(30)), (dec!(18), dec!(10))]);
    assert_eq!((c.by_rate[0].taxable, c.by_rate[1].taxable, c.igst), (dec!(330), dec!(110), dec!(36.30)));
    input.lines.clear();
    assert_eq!(compute(&input), Err(ComputeFault::ChargeWithoutLines { charge: 0 }));
    input.charges[0].amount = dec!(-1);
    assert_eq!(compute(&input).map_err(ComputeFault::charge), Err(Some(0)));
}

#[test]
fn document_discount_lowers_the_value_of_every_rate() {
    // 10 % off the whole: 270 at 5 and 90 at 18.
    let mut input = document(INTRA, vec![line(dec!(1), dec!(300), dec!(5)), line(dec!(1), dec!(100), dec!(18))]);
    input.discount = Discount { percent: dec!(10), amount: dec!(0) };
    let c = compute(&input).unwrap();
    assert_eq!((c.discount, c.discount_shares.clone()), (dec!(40), vec![dec!(30), dec!(10)]));
    assert_eq!((c.taxable, c.cgst, c.total), (dec!(360), dec!(14.85), dec!(389.70)));
    input.discount = Discount::of(dec!(400.01));
    assert_eq!(compute(&input), Err(ComputeFault::DocumentDiscount));
    input.discount = Discount { percent: dec!(100), amount: dec!(0) };
    assert_eq!(compute(&input).unwrap().total, dec!(0));
}

#[test]
fn a_leased_car_bears_65_per_cent_of_the_tax() {
    let mut input = document(INTRA, vec![line(dec!(1), dec!(10000), dec!(28))]);
    (input.lines[0].cess_rate, input.differential) = (dec!(15), dec!(65));
    let c = compute(&input).unwrap();
    assert_eq!((c.cgst, c.cess, c.total), (dec!(910), dec!(975), dec!(12795)));
    assert_eq!(c.by_rate[0].rate, dec!(28));
    (input.lines[0].unit_price, input.lines[0].tax_inclusive) = (dec!(12795), true);
    assert_eq!(compute(&input).unwrap().taxable, dec!(10000));
    for differential in [dec!(0), dec!(-65), dec!(100.01)] {
        input.differential = differential;
        assert_eq!(compute(&input), Err(ComputeFault::Differential));
    }
}

#[test]
fn a_composition_dealer_shows_no_tax() {
    let mut input = document(INTRA, vec![gross(dec!(999), dec!(5))]);
    input.tax_collected = TaxCollected::Composition;
    let c = compute(&input).unwrap();
    assert_eq!((c.taxable, c.cgst, c.total), (dec!(999), dec!(0), dec!(999)));
}

#[test]
fn document_discount_is_spread_in_proportion() {
    let nets = [dec!(100), dec!(200), dec!(33.33), dec!(0)];
    assert_eq!(spread_discount(dec!(10), &nets, 2).unwrap(), [dec!(3.00), dec!(6.00), dec!(1.00), dec!(0)]);
    assert_eq!(spread_discount(dec!(0.01), &[dec!(1); 3], 2).unwrap(), [dec!(0.01), dec!(0), dec!(0)]);
    assert_eq!(spread_discount(dec!(0), &[], 2), Ok(vec![]));
    assert_eq!(spread_discount(dec!(333.34), &nets, 2), Err(ComputeFault::DocumentDiscount));
    assert_eq!(spread_discount(dec!(-1), &nets, 2), Err(ComputeFault::DocumentDiscount));
}

#[test]
fn a_document_without_lines_is_zero() {
    let c = computed(INTRA, vec![]);
    assert_eq!((c.payable.to_string(), c.by_rate.len()), ("0.00".to_owned(), 0));
}

#[test]
fn impossible_lines_are_refused_with_their_number() {
    let good = || line(dec!(1), dec!(100), dec!(18));
    let with = |change: fn(&mut LineInput)| {
        let mut bad = good();
        change(&mut bad);
        compute(&document(INTRA, vec![good(), bad])).unwrap_err()
    };
    for (fault, reason) in [
        (with(|l| l.quantity = dec!(-1)), "negative"),
        (with(|l| l.unit_price = dec!(-0.01)), "negative"),
        (with(|l| l.discount.amount = dec!(-1)), "negative"),
        (with(|l| l.discount.percent = dec!(-1)), "negative"),
        (with(|l| l.discount.percent = dec!(100.5)), "discount_above_line"),
        (with(|l| l.rate = dec!(-18)), "negative"),
        (with(|l| l.discount.amount = dec!(100.01)), "discount_above_line"),
        (with(|l| l.rate = dec!(100.1)), "rate_too_high"),
        (with(|l| l.treatment = Treatment::Exempt), "rate_without_tax"),
        (with(|l| (l.tax_inclusive, l.cess_per_unit) = (true, dec!(101))), "price_below_cess"),
    ] {
        assert_eq!((fault.reason(), fault.line()), (reason, Some(1)), "{fault}");
    }
    assert_eq!(with(|l| l.unit_price = Decimal::MAX), ComputeFault::TooLarge);
    assert_eq!(with(|l| (l.unit_price, l.quantity) = (Decimal::MAX, dec!(2))), ComputeFault::TooLarge);
    let mut input = document(INTRA, vec![]);
    input.exponent = 7;
    assert_eq!(compute(&input), Err(ComputeFault::Exponent));
}

fn any_line() -> impl Strategy<Value = LineInput> {
    let rates = prop::sample::select(vec![
        dec!(0),
        dec!(0.1),
        dec!(0.25),
        dec!(5),
        dec!(7.5),
        dec!(12),
        dec!(18),
        dec!(28),
        dec!(40),
    ]);
    let cess = prop::sample::select(vec![dec!(0), dec!(0), dec!(12), dec!(204)]);
    let unit_cess = prop::sample::select(vec![dec!(0), dec!(0), dec!(0.333)]);
    // At least one rupee a piece, so that the cess per unit always fits into the price.
    let amounts = (1i64..=5_000, 1_000i64..=9_999_999, 0i64..=30);
    (amounts, rates, cess, unit_cess, any::<bool>(), 0u8..8).prop_map(
        |((quantity, price, off), rate, cess_rate, cess_per_unit, tax_inclusive, kind)| {
            let (quantity, unit_price) = (Decimal::new(quantity, 1), Decimal::new(price, 3));
            let mut l = line(quantity, unit_price, rate);
            if off % 2 == 0 {
                l.discount.amount = (quantity * unit_price * Decimal::new(off, 2)).round_dp(2);
            } else {
                l.discount.percent = Decimal::from(off);
            }
            l.tax_inclusive = tax_inclusive;
            match kind {
                0 => (l.rate, l.treatment) = (dec!(0), Treatment::Exempt),
                1 => (l.rate, l.treatment) = (dec!(0), Treatment::NonGst),
                _ => (l.cess_rate, l.cess_per_unit) = (cess_rate, cess_per_unit),
            }
            l
        },
    )
}

fn any_document() -> impl Strategy<Value = DocumentInput> {
    let split = prop::sample::select(vec![INTRA, Split::Inter]);
    let collected = prop::sample::select(vec![
        TaxCollected::Collected,
        TaxCollected::Collected,
        TaxCollected::ReverseCharge,
        TaxCollected::WithoutPayment,
    ]);
    let percent = prop::sample::select(vec![dec!(0), dec!(0), dec!(10), dec!(33.333)]);
    let charge = (0i64..=99_999, prop::sample::select(vec![ChargeTax::AtRate(dec!(5)), ChargeTax::AtRate(dec!(18)), ChargeTax::AsLines, ChargeTax::Free]))
        .prop_map(|(amount, tax)| ChargeInput { amount: Decimal::new(amount, 2), tax });
    let terms = (percent, prop::sample::select(vec![dec!(100), dec!(100), dec!(65)]), prop::collection::vec(charge, 0..3));
    (split, prop::collection::vec(any_line(), 0..12), any::<bool>(), collected, terms).prop_map(
        |(split, lines, round_to_unit, tax_collected, (percent, differential, mut charges))| {
            if lines.iter().all(|line| line.discount.percent == dec!(100)) {
                charges.retain(|charge| charge.tax != ChargeTax::AsLines);
            }
            let discount = Discount { percent, amount: dec!(0) };
            DocumentInput { charges, discount, differential, round_to_unit, tax_collected, ..DocumentInput::of_lines(split, lines) }
        },
    )
}

/// The value of a line before the document's discount.
fn net_by_hand(given: &LineInput) -> Decimal {
    let gross = given.quantity * given.unit_price;
    gross - gross * given.discount.percent / dec!(100) - given.discount.amount
}

proptest! {
    #[test]
    fn components_add_up_from_lines_to_rates_to_document(input in any_document()) {
        let c = compute(&input).unwrap();
        let of_document = [c.taxable, c.cgst, c.sgst, c.igst, c.cess];
        let mut of_lines = [Decimal::ZERO; 5];
        let mut total = Decimal::ZERO;
        for l in &c.lines {
            for (sum, part) in of_lines.iter_mut().zip([l.taxable, l.cgst, l.sgst, l.igst, l.cess]) {
                prop_assert!(part >= Decimal::ZERO && part.scale() == 2);
                *sum += part;
            }
            prop_assert_eq!(l.cgst, l.sgst);
            let tax = l.cgst + l.sgst + l.igst + l.cess;
            let owed = if input.tax_collected == TaxCollected::Collected { tax } else { Decimal::ZERO };
            prop_assert_eq!(l.total, l.taxable + owed);
            total += l.total;
        }
        for charge in &c.charges {
            let sum = &charge.sum;
            for (of_lines, part) in of_lines.iter_mut().zip([sum.taxable, sum.cgst, sum.sgst, sum.igst, sum.cess]) {
                *of_lines += part;
            }
            total += sum.total;
        }
        let free: Decimal = input.charges.iter().filter(|charge| charge.tax == ChargeTax::Free).map(|charge| charge.amount).sum();
        prop_assert_eq!(c.other_charges, free);
        prop_assert_eq!(c.discount_shares.iter().sum::<Decimal>(), c.discount);
        let mut of_rates = [Decimal::ZERO; 5];
        for r in &c.by_rate {
            prop_assert_eq!(r.cgst, r.sgst);
            for (sum, part) in of_rates.iter_mut().zip([r.taxable, r.cgst, r.sgst, r.igst, r.cess]) {
                *sum += part;
            }
        }
        prop_assert_eq!(of_lines, of_document);
        prop_assert_eq!(of_rates, of_document);
        prop_assert_eq!((total, c.total + c.round_off), (c.total, c.payable));
        prop_assert!(c.round_off.abs() <= dec!(0.50));
        prop_assert!(input.round_to_unit || c.round_off.is_zero());
    }

    #[test]
    fn inclusive_gross_never_changes(mut input in any_document()) {
        input.tax_collected = TaxCollected::Collected;
        let c = compute(&input).unwrap();
        for ((given, l), share) in input.lines.iter().zip(&c.lines).zip(&c.discount_shares).filter(|((g, _), _)| g.tax_inclusive) {
            prop_assert_eq!(l.total, round(net_by_hand(given), 2) - share);
        }
    }

    #[test]
    fn order_of_lines_does_not_matter_for_totals(input in any_document(), turn in 0usize..12) {
        let mut other = input.clone();
        other.lines.reverse();
        let middle = turn.min(other.lines.len());
        other.lines.rotate_left(middle);
        let (mut a, mut b) = (compute(&input).unwrap(), compute(&other).unwrap());
        for computed in [&mut a, &mut b] {
            computed.lines.clear();
            computed.discount_shares.clear();
        }
        // Inclusive and exclusive groups meet only in sums, so the whole rest is equal.
        prop_assert_eq!(a, b);
    }

    #[test]
    fn tax_agrees_with_a_naive_recomputation(mut input in any_document()) {
        input.tax_collected = TaxCollected::Collected;
        input.charges.retain(|charge| charge.tax != ChargeTax::AsLines);
        let c = compute(&input).unwrap();
        let part = input.differential / dec!(100);
        let (mut gst, mut cess) = (Decimal::ZERO, Decimal::ZERO);
        for ((given, l), share) in input.lines.iter().zip(&c.lines).zip(&c.discount_shares) {
            let by_quantity = given.quantity * given.cess_per_unit * part;
            let mut exact = l.taxable;
            if given.tax_inclusive {
                let gross = round(net_by_hand(given), 2) - share;
                exact = (gross - by_quantity) * dec!(100) / (dec!(100) + (given.rate + given.cess_rate) * part);
                prop_assert!((exact - l.taxable).abs() < dec!(0.04));
            }
            let line_gst = exact * given.rate * part / dec!(100);
            prop_assert!((line_gst - l.cgst - l.sgst - l.igst).abs() < dec!(0.02));
            gst += line_gst;
            cess += exact * given.cess_rate * part / dec!(100) + by_quantity;
        }
        for charge in &input.charges {
            if let ChargeTax::AtRate(rate) = charge.tax {
                gst += charge.amount * rate * part / dec!(100);
            }
        }
        // Half a paisa per group and component, two of them for GST within a State; the rest is for
        // the naive side, which divides before it multiplies.
        let groups = Decimal::from(input.lines.len() + input.charges.len());
        prop_assert!((gst - c.cgst - c.sgst - c.igst).abs() <= dec!(0.01) * groups + dec!(0.0000001));
        prop_assert!((cess - c.cess).abs() <= dec!(0.005) * groups + dec!(0.0000001));
    }

    #[test]
    fn hundredfold_price_leaves_nothing_to_round(price in 1i64..10_000_000, half in 0i64..=20) {
        let l = line(dec!(100), Decimal::new(price, 2), Decimal::new(half * 2, 0));
        let c = computed(INTRA, vec![l.clone()]);
        prop_assert_eq!(c.cgst, l.unit_price * l.rate / dec!(2));
    }

    #[test]
    fn spread_discount_sums_to_the_discount(nets in prop::collection::vec(0i64..1_000_000, 1..12), part in 0i64..=100) {
        let nets: Vec<Decimal> = nets.into_iter().map(|n| Decimal::new(n, 2)).collect();
        let sum: Decimal = nets.iter().sum();
        let discount = round(sum * Decimal::new(part, 2), 2);
        let shares = spread_discount(discount, &nets, 2).unwrap();
        prop_assert_eq!(shares.iter().sum::<Decimal>(), discount);
        prop_assert!(shares.iter().zip(&nets).all(|(s, n)| *s >= Decimal::ZERO && s <= n));
    }

    #[test]
    fn any_numbers_are_answered_without_a_panic(
        parts in prop::collection::vec((any::<u32>(), any::<u32>(), any::<u32>(), any::<bool>(), 0u32..=28), 6),
        exponent in 0u32..=8,
        inclusive in any::<bool>(),
    ) {
        let d: Vec<Decimal> = parts.iter().map(|(a, b, c, n, s)| Decimal::from_parts(*a, *b, *c, *n, *s)).collect();
        let l = LineInput { quantity: d[0].abs(), unit_price: d[1], discount: Discount { percent: d[4].abs() % dec!(101), amount: d[2] }, rate: d[3], cess_rate: d[4], cess_per_unit: d[5], tax_inclusive: inclusive, treatment: Treatment::Taxable };
        let mut small = l.clone();
        (small.unit_price, small.discount) = (d[1].abs() / dec!(1_000_000_000_000_000), Discount::NONE);
        (small.rate, small.cess_rate) = (d[3].abs() % dec!(100), d[4].abs() % dec!(1000));
        small.cess_per_unit = small.unit_price / dec!(7);
        let mut input = document(INTRA, vec![l]);
        input.exponent = exponent;
        let _ = compute(&input);
        input.lines = vec![small; 3];
        let _ = compute(&input);
        let sizes: Vec<Decimal> = d.iter().map(Decimal::abs).collect();
        let _ = spread_discount(sizes[0], &sizes, exponent.min(MAX_EXPONENT));
    }
}
