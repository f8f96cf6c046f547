//! The calculator beside a naive model of the law: whole numbers of paise and fractions of `i128`, nothing shared with the
//! service. Per document, rate and component tax is rounded half-up once; lines bear their part to the paisa.

use crate::rig::*;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Rates in hundredths of a per cent: in force in May 2019, cess as well.
const RATES: [i128; 8] = [0, 25, 300, 500, 750, 1200, 1800, 2800];

#[derive(Debug, Clone)]
struct Line {
    /// Thousandths of a unit.
    quantity: i128,
    /// Thousandths of a rupee.
    price: i128,
    /// Hundredths of a per cent, and paise.
    off: (i128, i128),
    rate: i128,
    /// Hundredths of a per cent, and thousandths of a rupee a unit.
    cess: (i128, i128),
    treatment: &'static str,
}

/// A rate, its cess rule, and whether the price holds the tax.
type Rule = (i128, (i128, i128), bool);

#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each of a document's switches, none of which implies another")]
struct Case {
    lines: Vec<Line>,
    inclusive: bool,
    inter: bool,
    reverse_charge: bool,
    leased: bool,
    to_rupee: bool,
    /// Off the whole: hundredths of a per cent, and paise.
    off: (i128, i128),
    /// Paise and rate; no rate is a charge after tax.
    charges: Vec<(i128, Option<i128>)>,
}

fn half_up(over: i128, under: i128) -> i128 {
    (2 * over + under).div_euclid(2 * under)
}

fn decimal(value: i128, places: u32) -> String {
    let unit = 10_i128.pow(places);
    format!("{}.{:0width$}", value / unit, value % unit, width = places as usize)
}

fn paise(value: &Value) -> i128 {
    let text = value.as_str().unwrap_or_else(|| panic!("an amount: {value}"));
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let (whole, part) = digits.split_once('.').expect("two decimals");
    let paise = whole.parse::<i128>().unwrap() * 100 + part.parse::<i128>().unwrap();
    assert_eq!(part.len(), 2, "{text}");
    if negative { -paise } else { paise }
}

impl Line {
    /// Paise, before what is off the whole.
    fn net(&self) -> i128 {
        half_up(self.quantity * self.price * (10_000 - self.off.0), 100_000_000) - self.off.1
    }

    fn asked(&self) -> Value {
        let mut line = json!({"qty": decimal(self.quantity, 3), "unit_price": decimal(self.price, 3), "discount_percent": decimal(self.off.0, 2),
            "discount_amount": decimal(self.off.1, 2), "gst_rate": decimal(self.rate, 2), "treatment": self.treatment});
        if self.cess != (0, 0) {
            line["cess_percent"] = decimal(self.cess.0, 2).into();
            line["cess_per_unit"] = decimal(self.cess.1, 3).into();
        }
        line
    }
}

impl Case {
    fn asked(&self) -> Value {
        let charges: Vec<Value> = self
            .charges
            .iter()
            .map(|(amount, rate)| match rate {
                Some(rate) => json!({"amount": decimal(*amount, 2), "when": "before_tax", "gst_rate": decimal(*rate, 2)}),
                None => json!({"amount": decimal(*amount, 2), "when": "after_tax"}),
            })
            .collect();
        json!({"date": "2019-05-15", "supplier_state": "24", "place_of_supply": if self.inter { "27" } else { "24" }, "recipient": {"kind": "registered"},
            "reverse_charge": self.reverse_charge, "prices_include_tax": self.inclusive, "round_to_rupee": self.to_rupee,
            "differential_percent": if self.leased { "65" } else { "100" }, "document_discount": decimal(self.off.1, 2),
            "document_discount_percent": decimal(self.off.0, 2), "lines": self.lines.iter().map(Line::asked).collect::<Vec<_>>(), "charges": charges})
    }

    /// Taxes of a group: its rate and cess rule, what is to be taxed in paise with tax where `inclusive`, and its quantity in
    /// thousandths. One half of the tax, or all of it, then cess.
    fn levied(&self, (rate, (ad_valorem, per_unit), inclusive): Rule, amount: i128, quantity: i128) -> (i128, i128) {
        let levied = if self.leased { 65 } else { 100 };
        // All in millionths of the amount; a hundredth of a per cent of a hundredth is one.
        let (rate, ad_valorem) = (rate * levied, ad_valorem * levied);
        // Thousandths x thousandths of a rupee x per cent: 10^6 of them are a paisa.
        let fixed = quantity * per_unit * levied;
        let under = if inclusive { 1_000_000 + rate + ad_valorem } else { 1_000_000 };
        let base = if inclusive { amount * 1_000_000 - fixed } else { amount * 1_000_000 };
        let halves = if self.inter { 1 } else { 2 };
        let main = half_up(base * rate, halves * under * 1_000_000);
        let cess = half_up(base * ad_valorem + fixed * under, under * 1_000_000);
        (main, cess)
    }

    fn check(&self, answer: &Value) {
        let told = |value: &Value| ["taxable", "cgst", "sgst", "igst", "cess"].map(|name| paise(&value[name]));
        let nets: Vec<i128> = self.lines.iter().map(Line::net).collect();
        let sum: i128 = nets.iter().sum();
        let discount = half_up(sum * self.off.0, 10_000) + self.off.1;
        assert_eq!(paise(&answer["discount"]), discount, "discount");
        let rows = answer["lines"].as_array().expect("lines");
        let shares: Vec<i128> = rows.iter().map(|row| paise(&row["document_discount"])).collect();
        assert_eq!(shares.iter().sum::<i128>(), discount, "shares of the discount");
        for (share, net) in shares.iter().zip(&nets) {
            // Within a paisa of its proportion.
            assert!((share * sum - discount * net).abs() < sum.max(1), "{share} of {discount} for {net} of {sum}");
        }
        let mut groups: BTreeMap<(&str, Rule), (i128, i128, usize)> = BTreeMap::new();
        let mut expected = [0_i128; 5];
        for ((line, net), share) in self.lines.iter().zip(&nets).zip(&shares) {
            let taxed = line.rate != 0 || line.cess != (0, 0);
            let group = groups.entry((line.treatment, (line.rate, line.cess, self.inclusive && taxed))).or_default();
            (group.0, group.1, group.2) = (group.0 + net - share, group.1 + line.quantity, group.2 + 1);
        }
        let mut after_tax = 0;
        for (amount, rate) in &self.charges {
            match rate {
                Some(rate) => {
                    let group = groups.entry(("taxable", (*rate, (0, 0), false))).or_default();
                    (group.0, group.2) = (group.0 + amount, group.2 + 1);
                }
                None => after_tax += amount,
            }
        }
        let mut by_rate: BTreeMap<(&str, i128), [i128; 5]> = BTreeMap::new();
        for ((treatment, rule), (amount, quantity, _)) in &groups {
            let (main, cess) = self.levied(*rule, *amount, *quantity);
            let tax = if self.inter { [0, 0, main, cess] } else { [main, main, 0, cess] };
            let value = if rule.2 { amount - tax.iter().sum::<i128>() } else { *amount };
            let row = by_rate.entry((treatment, rule.0)).or_default();
            for (at, part) in [value, tax[0], tax[1], tax[2], tax[3]].into_iter().enumerate() {
                row[at] += part;
                expected[at] += part;
            }
        }
        assert_eq!(told(answer), expected, "taxable, CGST, SGST, IGST, cess");
        let rates: BTreeMap<(&str, i128), [i128; 5]> = answer["by_rate"]
            .as_array()
            .expect("rates")
            .iter()
            .map(|row| ((row["treatment"].as_str().expect("a treatment"), paise(&row["rate"])), told(row)))
            .collect();
        assert_eq!(rates, by_rate, "by rate");
        // Lines and charges come to the document, each within a paisa of what it would bear alone.
        let charged = answer["charges"].as_array().expect("charges");
        let mut parts = [0_i128; 5];
        for row in rows.iter().chain(charged) {
            for (part, of_row) in parts.iter_mut().zip(told(row)) {
                *part += of_row;
            }
        }
        assert_eq!(parts, expected, "the sum of the lines");
        for ((line, row), (net, share)) in self.lines.iter().zip(rows).zip(nets.iter().zip(&shares)) {
            let [value, cgst, sgst, igst, cess] = told(row);
            let inclusive = self.inclusive && (line.rate != 0 || line.cess != (0, 0));
            let alone = self.levied((line.rate, line.cess, inclusive), net - share, line.quantity);
            assert_eq!(cgst, sgst);
            assert!((cgst + igst - alone.0).abs() <= 1 && (cess - alone.1).abs() <= 1, "{row} beside {alone:?}");
            let gross = value + if inclusive { cgst + sgst + igst + cess } else { 0 };
            assert_eq!(gross, net - share, "what a line costs");
        }
        let taxes: i128 = expected[1..].iter().sum();
        let total = expected[0] + after_tax + if self.reverse_charge { 0 } else { taxes };
        let payable = if self.to_rupee { half_up(total, 100) * 100 } else { total };
        assert_eq!([&answer["total"], &answer["rounding"], &answer["payable"]].map(paise), [total, payable - total, payable], "total, rounding, payable");
    }
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let cess = prop::sample::select(vec![(0, 0), (0, 0), (0, 0), (1200, 0), (0, 333), (500, 1591)]);
    let amounts = (1_i128..=500_000, 10_000_i128..=9_999_999, 0_i128..=6_000, any::<bool>());
    let line = (amounts, prop::sample::select(RATES.to_vec()), cess, 0_u8..9).prop_map(|((quantity, price, off, percent), rate, cess, kind)| {
        let gross = half_up(quantity * price, 10_000);
        let off = if percent { (off, 0) } else { (0, gross * off / 10_000) };
        let line = Line { quantity, price, off, rate, cess, treatment: "taxable" };
        match kind {
            0 => Line { rate: 0, cess: (0, 0), treatment: "nil", ..line },
            1 => Line { rate: 0, cess: (0, 0), treatment: "exempt", ..line },
            2 => Line { rate: 0, cess: (0, 0), treatment: "non_gst", ..line },
            _ => line,
        }
    });
    prop::collection::vec(line, 1..9)
}

fn cases() -> impl Strategy<Value = Case> {
    let charge = (1_i128..=99_999, prop::option::of(prop::sample::select(RATES.to_vec())));
    let flags = (any::<bool>(), any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.2), any::<bool>());
    let off = prop::sample::select(vec![(0, 0), (0, 0), (1_000, 0), (3_333, 0), (0, 1), (250, 7)]);
    (lines(), flags, off, prop::collection::vec(charge, 0..3)).prop_map(|(lines, (inclusive, inter, reverse_charge, leased, to_rupee), off, charges)| {
        // What is off in paise must be there.
        let off = if lines.iter().map(Line::net).sum::<i128>() < 1_000 { (0, 0) } else { off };
        Case { lines, inclusive, inter, reverse_charge, leased, to_rupee, off, charges }
    })
}

#[test]
fn whatever_is_calculated_is_what_a_naive_model_says() {
    let company = Company::new();
    let client = company.as_role("sales");
    let mut runner = TestRunner::new(Config { cases: 400, failure_persistence: None, max_shrink_iters: 300, ..Config::default() });
    let outcome = runner.run(&cases(), |case| {
        case.check(&client.post("/v1/gst/calculate", &case.asked()).expect(200));
        Ok(())
    });
    if let Err(found) = outcome {
        panic!("{found}");
    }
    company.assert_laws();
}

#[test]
fn the_model_itself_knows_figures_worked_by_hand() {
    let line = |price, rate| Line { quantity: 1_000, price, off: (0, 0), rate, cess: (0, 0), treatment: "taxable" };
    let case = |inclusive, inter| Case { lines: vec![], inclusive, inter, reverse_charge: false, leased: false, to_rupee: false, off: (0, 0), charges: vec![] };
    assert_eq!(line(99_990, 500).net(), 9_999);
    // Two of 7.60 at 12 %: 0.912 is 0.91. 99.99 with 5 % in it: 2.38 twice. 590 with 18 % in it: 90 as IGST.
    assert_eq!(case(false, false).levied((1_200, (0, 0), false), 1_520, 2_000), (91, 0));
    assert_eq!(case(true, false).levied((500, (0, 0), true), 9_999, 1_000), (238, 0));
    assert_eq!(case(true, true).levied((1_800, (0, 0), true), 59_000, 1_000), (9_000, 0));
    // 200 at 28 %, cess of 12 % and 1.25 for each of two; 65 % of all that on a leased car.
    assert_eq!(case(false, false).levied((2_800, (1_200, 1_250), false), 20_000, 2_000), (2_800, 2_650));
    assert_eq!(Case { leased: true, ..case(false, false) }.levied((2_800, (1_200, 1_250), false), 20_000, 2_000), (1_820, 1_723));
}
