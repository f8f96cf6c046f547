//! Why a document bears the tax it bears: one entry a decision, with the rule, where it is written, and since when
//! it holds. Pure: the same document is explained alike whenever it is asked about.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::compute::{ChargeTax, Computed, DocumentInput, TaxCollected, Treatment};
use super::limits;
use super::papers::Paper;
use super::rates;
use super::supply::{OperatorDuty, PlaceOfSupply, Seat, Split, SupplyType};
use super::time::Days3;

/// One decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Explanation {
    /// What was decided.
    #[schema(max_length = 40, example = "nature_of_supply")]
    pub decision: &'static str,
    /// What came of it.
    #[schema(max_length = 200, example = "intra_state")]
    pub result: String,
    /// The rule in a sentence.
    #[schema(max_length = 500, example = "Supplier and place of supply are in one State.")]
    pub rule: String,
    /// Section of an Act, rule or notification.
    #[schema(max_length = 200, example = "IGST Act s.8(1)")]
    pub section: String,
    /// The day since which the rule holds as it was applied.
    pub effective_date: NaiveDate,
}

/// The day GST began.
pub const START: NaiveDate = match NaiveDate::from_ymd_opt(2017, 7, 1) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// An entry of a rule that came with GST itself, or since another day.
pub fn entry(decision: &'static str, result: impl Into<String>, rule: impl Into<String>, section: impl Into<String>, since: NaiveDate) -> Explanation {
    Explanation { decision, result: result.into(), rule: rule.into(), section: section.into(), effective_date: since }
}

/// A document with what was decided before it was computed.
#[derive(Debug, Clone, Copy)]
pub struct Explained<'a> {
    pub days: Days3,
    pub supplier: Seat<'a>,
    pub place: &'a PlaceOfSupply,
    pub supply: SupplyType,
    pub paper: Paper,
    /// What the e-commerce operator does that it is made through.
    pub operator: Option<OperatorDuty>,
    pub input: &'a DocumentInput,
    pub computed: &'a Computed,
}

/// Every decision about a document, in the order they are made.
#[must_use]
pub fn explain(document: &Explained<'_>) -> Vec<Explanation> {
    let mut all = vec![place(document.place), nature(document), components(document.input.split)];
    all.extend(zero_rating(document.supply));
    all.extend(collection(document.input));
    all.extend(operator(document));
    all.push(entry("document", document.paper.as_str(), "The paper that the supplies of this document need.", document.paper.section(), START));
    all.extend(valuation(document));
    all.extend(time_of_supply(document.days));
    all.extend(treatments(document));
    all.extend(cess(document));
    all.extend(rounding(document));
    all
}

fn place(place: &PlaceOfSupply) -> Explanation {
    let since_of = |line: &limits::Timeline<bool>| line.rows().iter().find(|row| row.value).map_or(START, |row| row.from);
    let since = match place.basis {
        "IGST s.10(1)(ca)" => since_of(&limits::all().place_amended_2023),
        "IGST s.12(8) proviso" => since_of(&limits::all().transport_abroad_at_destination),
        _ => START,
    };
    let section = match place.basis {
        "stated" => "IGST Act s.10 to s.13".to_owned(),
        "original" => "CGST Act s.34".to_owned(),
        basis => basis.replacen("IGST s.", "IGST Act s.", 1),
    };
    entry("place_of_supply", &place.code, &place.explanation, section, since)
}

fn nature(document: &Explained<'_>) -> Explanation {
    let (supplier, place, supply) = (document.supplier.state, document.place.code.as_str(), document.supply);
    let (result, rule, section) = match document.input.split {
        Split::Inter if supply.is_sez() => ("inter_state", "A supply to an SEZ is inter-State, also within the State.", "IGST Act s.7(5)(b)"),
        Split::Inter if document.supplier.sez && !supply.is_export() => {
            ("inter_state", "A supply by an SEZ is inter-State, also within the State.", "IGST Act s.7(5)(b)")
        }
        Split::Inter if supply.is_export() => ("inter_state", "A supply with its place outside India is inter-State.", "IGST Act s.7(5)(a)"),
        Split::Inter => ("inter_state", "Supplier and place of supply are in different States.", "IGST Act s.7(1), s.7(3)"),
        Split::Intra { .. } => ("intra_state", "Supplier and place of supply are in one State.", "IGST Act s.8(1), s.8(2)"),
    };
    entry("nature_of_supply", result, format!("{rule} ({supplier} to {place})"), section, START)
}

fn components(split: Split) -> Explanation {
    let (result, rule, section) = match split {
        Split::Inter => ("igst", "Inter-State supplies bear IGST at the full rate.", "IGST Act s.5(1)"),
        Split::Intra { utgst: false } => ("cgst_sgst", "Supplies within a State bear CGST and SGST at half the rate each.", "CGST Act s.9(1), SGST Act s.9(1)"),
        Split::Intra { utgst: true } => (
            "cgst_utgst",
            "Supplies within a Union territory without legislature bear CGST and UTGST at half the rate each.",
            "CGST Act s.9(1), UTGST Act s.7(1)",
        ),
    };
    entry("tax", result, rule, section, START)
}

fn zero_rating(supply: SupplyType) -> Option<Explanation> {
    let deemed_from = NaiveDate::from_ymd_opt(2017, 10, 18).unwrap_or(START);
    Some(match supply {
        SupplyType::B2b | SupplyType::B2c => return None,
        SupplyType::DeemedExport => entry(
            "supply_type",
            supply.as_str(),
            "A deemed export bears tax as usual, which is refunded.",
            "CGST Act s.147, Notification 48/2017-CT",
            deemed_from,
        ),
        _ if supply.is_without_payment() => entry(
            "supply_type",
            supply.as_str(),
            "A zero-rated supply under bond or letter of undertaking bears no tax.",
            "IGST Act s.16(1), s.16(3)(a), CGST Rules r.96A",
            START,
        ),
        _ => entry(
            "supply_type",
            supply.as_str(),
            "A zero-rated supply with payment of tax bears IGST, which is refunded.",
            "IGST Act s.16(1), s.16(3)(b)",
            START,
        ),
    })
}

fn collection(input: &DocumentInput) -> Option<Explanation> {
    match input.tax_collected {
        TaxCollected::ReverseCharge => {
            let section = if input.split == Split::Inter { "IGST Act s.5(3)" } else { "CGST Act s.9(3)" };
            Some(entry("reverse_charge", "true", "The recipient pays the tax: it is shown, and no part of the total.", section, START))
        }
        TaxCollected::Composition => {
            Some(entry("composition", "true", "A composition dealer neither shows nor collects tax.", "CGST Act s.10(4), CGST Rules r.49", START))
        }
        // Told as what the operator does.
        TaxCollected::Collected | TaxCollected::Operator | TaxCollected::WithoutPayment => None,
    }
}

fn operator(document: &Explained<'_>) -> Option<Explanation> {
    match document.operator? {
        OperatorDuty::Pays => {
            let section = if document.input.split == Split::Inter {
                "IGST Act s.5(5), Notification 14/2017-IT(Rate)"
            } else {
                "CGST Act s.9(5), Notification 17/2017-CT(Rate)"
            };
            let rule = "The operator pays the tax as if it were the supplier: it is shown, and no part of the total.";
            Some(entry("operator", "9(5)", rule, section, START))
        }
        OperatorDuty::Collects => {
            let law = limits::all().tcs_s52.on(document.days.invoice)?;
            let rule = format!("Of the net taxable value the operator keeps back {} %, which the supplier gets credited.", law.value.normalize());
            Some(entry("operator", "52", rule, law.source, law.from))
        }
    }
}

fn valuation(document: &Explained<'_>) -> Vec<Explanation> {
    let (input, computed) = (document.input, document.computed);
    let mut all = Vec::new();
    if input.lines.iter().any(|line| line.discount.percent > Decimal::ZERO || line.discount.amount > Decimal::ZERO) {
        all.push(entry("line_discount", "excluded", "A discount shown on the invoice is no part of the value.", "CGST Act s.15(3)(a)", START));
    }
    if computed.discount > Decimal::ZERO {
        let rule = "A discount on the whole document is no part of the value; it is spread over the lines in proportion.";
        all.push(entry("document_discount", computed.discount.to_string(), rule, "CGST Act s.15(3)(a)", START));
    }
    for (charge, amounts) in input.charges.iter().zip(&computed.charges) {
        all.push(match charge.tax {
            ChargeTax::Free => entry("charge", "after_tax", "Added after tax: no part of the taxable value.", "CGST Act s.15(1)", START),
            ChargeTax::AtRate(rate) => {
                let result = format!("{} at {} %", amounts.sum.taxable, rate.normalize());
                entry(
                    "charge",
                    result,
                    "What is charged for anything done at or before delivery is part of the value; taxed at its own rate.",
                    "CGST Act s.15(2)(c)",
                    START,
                )
            }
            ChargeTax::AsLines => {
                let shares: Vec<_> = amounts.parts.iter().map(|part| format!("{} at {} %", part.taxable, part.rate.normalize())).collect();
                let rule = "What is charged for anything done at or before delivery is part of the value, shared out over the rates of the lines.";
                entry("charge", shares.join(", "), rule, "CGST Act s.15(2)(c), s.8(a)", START)
            }
        });
    }
    if input.lines.iter().any(|line| line.tax_inclusive) {
        all.push(entry("price", "tax_inclusive", "The price includes the tax: value = price x 100 / (100 + rate); the price stays.", "CGST Rules r.35", START));
    }
    if let Some(law) = limits::all().differential_percent.rows().iter().find(|row| row.value == input.differential && row.value != Decimal::ONE_HUNDRED) {
        let rule = "Only this part of the tax is levied on leased motor vehicles bought before GST.";
        all.push(entry("differential_percent", input.differential.normalize().to_string(), rule, law.source, law.from));
    }
    all
}

fn time_of_supply(days: Days3) -> Vec<Explanation> {
    let first = days.invoice.min(days.supply).min(days.payment.unwrap_or(NaiveDate::MAX));
    let last = days.invoice.max(days.supply).max(days.payment.unwrap_or(NaiveDate::MIN));
    let changes = rates::changes_between(first, last);
    changes
        .into_iter()
        .filter_map(|change| days.at_change(change).map(|at| (change, at)))
        .map(|(change, at)| {
            let result = if at.old_rate { "old_rate" } else { "new_rate" };
            let rule = format!("Of supply, invoice and payment, two decide about the change of {change}.");
            entry("time_of_supply", result, rule, format!("CGST Act s.14{}", at.clause), START)
        })
        .collect()
}

fn treatments(document: &Explained<'_>) -> Vec<Explanation> {
    let day = document.days.rate_day();
    let of = |rate: Decimal, treatment| match treatment {
        Treatment::Taxable => {
            let (source, since) = rates::basis(rate, day).unwrap_or(("CGST Act s.9(1)", START));
            entry("rate", rate.normalize().to_string(), format!("The rate in force on {day}."), source, since)
        }
        Treatment::Nil => entry("treatment", "nil", "Nil-rated by the schedules of rates.", "CGST Act s.2(47), Notification 2/2017-CT(Rate)", START),
        Treatment::Exempt => entry("treatment", "exempt", "Exempt by notification.", "CGST Act s.11", START),
        Treatment::NonGst => entry("treatment", "non_gst", "Outside GST.", "CGST Act s.2(78), s.9(2)", START),
    };
    document.computed.by_rate.iter().map(|row| of(row.rate, row.treatment)).collect()
}

fn cess(document: &Explained<'_>) -> Option<Explanation> {
    document.input.lines.iter().any(|line| !(line.cess_rate.is_zero() && line.cess_per_unit.is_zero())).then(|| {
        let (source, since) = rates::cess_basis(document.days.rate_day());
        entry("cess", document.computed.cess.to_string(), "Compensation cess is on the taxable value or by quantity; GST is not on cess.", source, since)
    })
}

fn rounding(document: &Explained<'_>) -> Vec<Explanation> {
    let rule = "Each tax is rounded half-up once for each rate, and spread to the lines; CGST equals SGST.";
    let mut all = vec![entry("rounding", "document_rate_half_up", rule, "CGST Rules r.46(m)", START)];
    if document.input.round_to_unit {
        let rule = "The payable is rounded to the rupee, half-up, as a figure of its own and no part of the value.";
        all.push(entry("round_off", document.computed.round_off.to_string(), rule, "CGST Act s.170", START));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::compute::{Discount, LineInput, compute};
    use super::super::papers::paper;
    use super::*;
    use rust_decimal::dec;

    fn explained(place: &str, supply: SupplyType, change: impl Fn(&mut DocumentInput, &mut Days3)) -> Vec<(&'static str, String, String)> {
        let line = LineInput {
            quantity: dec!(1),
            unit_price: dec!(1000),
            discount: Discount::NONE,
            rate: dec!(18),
            cess_rate: dec!(0),
            cess_per_unit: dec!(0),
            tax_inclusive: false,
            treatment: Treatment::Taxable,
        };
        let split = super::super::supply::split("27", place, supply);
        let mut input = DocumentInput::of_lines(split, vec![line]);
        let mut days = Days3::of("2025-11-15".parse().expect("a date"), None, None);
        change(&mut input, &mut days);
        let computed = compute(&input).unwrap();
        let place = PlaceOfSupply { code: place.to_owned(), basis: "IGST s.10(1)(a)", explanation: "Movement ends".to_owned() };
        let paper = paper(false, true, input.lines.iter().map(|line| line.treatment));
        explain(&Explained { days, supplier: "27".into(), place: &place, supply, paper, operator: None, input: &input, computed: &computed })
            .into_iter()
            .map(|e| (e.decision, e.result, format!("{} {}", e.section, e.effective_date)))
            .collect()
    }

    fn has(all: &[(&'static str, String, String)], decision: &str, result: &str, law: &str) -> bool {
        all.iter().any(|(d, r, l)| *d == decision && r == result && l == law)
    }

    #[test]
    fn a_plain_sale_says_where_what_and_which_rate() {
        let all = explained("27", SupplyType::B2b, |_, _| ());
        assert!(has(&all, "place_of_supply", "27", "IGST Act s.10(1)(a) 2017-07-01"), "{all:?}");
        assert!(has(&all, "nature_of_supply", "intra_state", "IGST Act s.8(1), s.8(2) 2017-07-01"));
        assert!(has(&all, "tax", "cgst_sgst", "CGST Act s.9(1), SGST Act s.9(1) 2017-07-01"));
        assert!(all.iter().any(|(d, r, _)| *d == "rate" && r == "18"));
        assert!(!all.iter().any(|(d, ..)| matches!(*d, "cess" | "round_off" | "reverse_charge" | "price" | "time_of_supply")));
    }

    #[test]
    fn an_sez_in_the_own_state_is_inter_state() {
        let all = explained("27", SupplyType::SezWithoutPayment, |input, _| input.tax_collected = TaxCollected::WithoutPayment);
        assert!(has(&all, "nature_of_supply", "inter_state", "IGST Act s.7(5)(b) 2017-07-01"), "{all:?}");
        assert!(has(&all, "supply_type", "SEZWOP", "IGST Act s.16(1), s.16(3)(a), CGST Rules r.96A 2017-07-01"));
    }

    #[test]
    fn an_old_rate_after_a_change_names_its_clause() {
        let all = explained("29", SupplyType::B2b, |input, days| {
            input.lines[0].rate = dec!(12);
            (days.supply, days.payment) = ("2025-09-01".parse().expect("a date"), "2025-09-02".parse().ok());
        });
        assert!(has(&all, "time_of_supply", "old_rate", "CGST Act s.14(a)(iii) 2017-07-01"), "{all:?}");
        assert!(has(&all, "rate", "12", "Notification 1/2017-CT(Rate) 2017-07-01"));
    }

    #[test]
    fn the_new_slab_counts_from_its_day() {
        let all = explained("29", SupplyType::B2b, |input, _| input.lines[0].rate = dec!(40));
        assert!(has(&all, "rate", "40", "Notification 9/2025-CT(Rate), 17-Sep-2025 2025-09-22"), "{all:?}");
    }
}
