//! Tax on money received before the invoice (CGST Act s.12, s.13; rules 50, 51; GSTR-1 tables 11A and 11B). Pure.
//!
//! The money includes its tax (r.35): of 590 at 18 per cent, 90 is tax. What the register holds is always the
//! tax in the money that is left, rounded once: a movement is the difference of two such figures. So whatever is
//! adjusted, taken back and refunded in whatever order, nothing is lost or left over.

use super::compute::{ComputeFault, Discount, DocumentInput, LineInput, LineTax, Treatment, compute};
use super::supply::Split;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::{AddAssign, Neg, Sub};
use std::sync::LazyLock;
use uuid::Uuid;

crate::words! {
    /// What an advance is for.
    pub enum AdvanceFor { Goods = "goods", Services = "services" }
}
crate::words! {
    /// What moves in the register. `kept`: settled without invoice or refund, so that the tax stays due.
    pub enum MovementKind { Received = "received", Adjusted = "adjusted", Refunded = "refunded", Kept = "kept" }
}

#[derive(Deserialize)]
struct Span {
    supply: AdvanceFor,
    from: NaiveDate,
    to: Option<NaiveDate>,
    taxed: bool,
    source: &'static str,
}

#[derive(Deserialize)]
struct Unknown {
    rate: Decimal,
    place_of_supply: &'static str,
    source: &'static str,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
struct Data {
    spans: Vec<Span>,
    unknown: Unknown,
}

#[allow(clippy::expect_used, reason = "embedded data, parsed by a test of this module")]
static DATA: LazyLock<Data> = LazyLock::new(|| serde_json::from_str(include_str!("data/advances.json")).expect("embedded advances.json"));

/// Whether tax falls due on the receipt of an advance, with the law that says so.
#[must_use]
pub fn taxed_on_receipt(supply: AdvanceFor, on: NaiveDate) -> (bool, &'static str) {
    let span = DATA.spans.iter().find(|span| span.supply == supply && span.from <= on && span.to.is_none_or(|to| on <= to));
    span.map_or((false, "before GST"), |span| (span.taxed, span.source))
}

/// The rate of an advance whose rate is not known yet (r.50, first proviso).
#[must_use]
pub fn unknown_rate() -> Decimal {
    DATA.unknown.rate
}

/// The place of an advance whose nature of supply is not known yet: it is inter-State (r.50, second proviso).
#[must_use]
pub fn unknown_place() -> &'static str {
    DATA.unknown.place_of_supply
}

/// The law behind the two.
#[must_use]
pub fn unknown_source() -> &'static str {
    DATA.unknown.source
}

/// An amount of money with the tax it includes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Inclusive {
    pub gross: Decimal,
    pub taxable: Decimal,
    pub cgst: Decimal,
    pub sgst: Decimal,
    pub igst: Decimal,
    pub cess: Decimal,
}

impl Inclusive {
    #[must_use]
    pub fn tax(&self) -> Decimal {
        self.cgst + self.sgst + self.igst + self.cess
    }
}
impl Neg for Inclusive {
    type Output = Self;
    fn neg(self) -> Self {
        Self { gross: -self.gross, taxable: -self.taxable, cgst: -self.cgst, sgst: -self.sgst, igst: -self.igst, cess: -self.cess }
    }
}
impl AddAssign for Inclusive {
    fn add_assign(&mut self, other: Self) {
        self.gross += other.gross;
        self.taxable += other.taxable;
        self.cgst += other.cgst;
        self.sgst += other.sgst;
        self.igst += other.igst;
        self.cess += other.cess;
    }
}
impl Sub for Inclusive {
    type Output = Self;
    fn sub(mut self, other: Self) -> Self {
        self += -other;
        self
    }
}

/// How an advance is taxed: settled when it is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub inter: bool,
    /// Percent, CGST and SGST/UTGST together.
    pub rate: Decimal,
    pub cess_rate: Decimal,
    /// Decimals of the base currency.
    pub exponent: u32,
}

impl Terms {
    /// The tax in so much money: as in an invoice over that sum, tax included.
    ///
    /// # Errors
    /// Amounts and rates that no invoice could have either.
    pub fn within(&self, gross: Decimal) -> Result<Inclusive, ComputeFault> {
        let line = LineInput {
            quantity: Decimal::ONE,
            unit_price: gross,
            discount: Discount::NONE,
            rate: self.rate,
            cess_rate: self.cess_rate,
            cess_per_unit: Decimal::ZERO,
            tax_inclusive: true,
            treatment: Treatment::Taxable,
        };
        let split = if self.inter { Split::Inter } else { Split::Intra { utgst: false } };
        let input = DocumentInput { exponent: self.exponent, ..DocumentInput::of_lines(split, vec![line]) };
        let computed = compute(&input)?;
        let LineTax { taxable, cgst, sgst, igst, cess, .. } = *computed.lines.first().ok_or(ComputeFault::TooLarge)?;
        Ok(Inclusive { gross: taxable + cgst + sgst + igst + cess, taxable, cgst, sgst, igst, cess })
    }

    /// What leaves the register when the money left goes from one sum to another; negative when it comes back.
    ///
    /// # Errors
    /// As [`Self::within`].
    pub fn moved(&self, before: Decimal, after: Decimal) -> Result<Inclusive, ComputeFault> {
        Ok(self.within(before)? - self.within(after)?)
    }
}

/// A row of the register as the return needs it. Amounts in base currency; negative where it takes another back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// The advance it belongs to: the receipt of the money.
    pub advance: Uuid,
    pub kind: MovementKind,
    pub place_of_supply: String,
    pub inter: bool,
    pub rate: Decimal,
    pub amounts: Inclusive,
}

/// A row of table 11A or 11B.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdvanceRow {
    pub place_of_supply: String,
    pub inter: bool,
    pub rate: Decimal,
    /// Without tax, as the portal's `ad_amt`.
    pub taxable: Decimal,
    pub igst: Decimal,
    pub cgst: Decimal,
    pub sgst: Decimal,
    pub cess: Decimal,
}

/// Tables 11A and 11B of a month.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AdvanceTables {
    /// 11A (`at`): received and not adjusted by the end of the month, or on account again.
    pub received: Vec<AdvanceRow>,
    /// 11B (`txpd`): adjusted or refunded, of what was declared in earlier months.
    pub adjusted: Vec<AdvanceRow>,
}

/// The tables of a month from the movements dated in it, of one registration. Each advance counts once, by what the
/// month changed: an advance that came and was adjusted within the month is in neither table. Rows by place, kind and
/// rate in that order. What bears no tax is in neither: there is no liability to declare.
#[must_use]
pub fn tables(movements: &[Movement]) -> AdvanceTables {
    type Key = (String, bool, Decimal);
    let mut changes: BTreeMap<(Uuid, Key), Inclusive> = BTreeMap::new();
    // What is kept has neither invoice nor refund: the tax stays declared.
    for movement in movements.iter().filter(|m| m.kind != MovementKind::Kept && !m.rate.is_zero()) {
        let key = (movement.place_of_supply.clone(), movement.inter, movement.rate.normalize());
        let change = changes.entry((movement.advance, key)).or_default();
        *change += if movement.kind == MovementKind::Received { movement.amounts } else { -movement.amounts };
    }
    let mut tables: [BTreeMap<Key, Inclusive>; 2] = Default::default();
    for ((_, key), change) in changes.into_iter().filter(|(_, change)| *change != Inclusive::default()) {
        let down = change.gross < Decimal::ZERO;
        *tables[usize::from(down)].entry(key).or_default() += if down { -change } else { change };
    }
    let rows = |table: BTreeMap<Key, Inclusive>| {
        let row = |((place_of_supply, inter, rate), sum): (Key, Inclusive)| AdvanceRow {
            place_of_supply,
            inter,
            rate,
            taxable: sum.taxable,
            igst: sum.igst,
            cgst: sum.cgst,
            sgst: sum.sgst,
            cess: sum.cess,
        };
        table.into_iter().map(row).collect()
    };
    let [received, adjusted] = tables;
    AdvanceTables { received: rows(received), adjusted: rows(adjusted) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rust_decimal::{RoundingStrategy, dec};

    const INTRA: Terms = Terms { inter: false, rate: dec!(18), cess_rate: dec!(0), exponent: 2 };

    fn amounts(gross: Decimal, taxable: Decimal, half: Decimal) -> Inclusive {
        Inclusive { gross, taxable, cgst: half, sgst: half, ..Inclusive::default() }
    }

    #[test]
    fn money_is_grossed_up() {
        assert_eq!(INTRA.within(dec!(590)).unwrap(), amounts(dec!(590), dec!(500), dec!(45)));
        // domain.md 3.21, case 30.
        assert_eq!(INTRA.within(dec!(10000)).unwrap(), amounts(dec!(10000), dec!(8474.58), dec!(762.71)));
        let inter = Terms { inter: true, ..INTRA };
        assert_eq!(inter.within(dec!(118)).unwrap(), Inclusive { gross: dec!(118), taxable: dec!(100), igst: dec!(18), ..Inclusive::default() });
        let cess = Terms { rate: dec!(28), cess_rate: dec!(12), ..INTRA };
        assert_eq!(
            cess.within(dec!(1400)).unwrap(),
            Inclusive { gross: dec!(1400), taxable: dec!(1000), cgst: dec!(140), sgst: dec!(140), cess: dec!(120), igst: dec!(0) }
        );
        assert_eq!(Terms { rate: dec!(0), ..INTRA }.within(dec!(100)).unwrap().tax(), dec!(0));
    }

    #[test]
    fn an_application_takes_its_part_of_the_tax() {
        let taken = |before, after| INTRA.moved(before, after).unwrap().cgst;
        assert_eq!([taken(dec!(590), dec!(472)), taken(dec!(472), dec!(422))], [dec!(9), dec!(3.81)]);
        assert_eq!([taken(dec!(590), dec!(540)), taken(dec!(540), dec!(422)), taken(dec!(422), dec!(0))], [dec!(3.81), dec!(9), dec!(32.19)]);
        assert_eq!(taken(dec!(540), dec!(590)), dec!(-3.81));
    }

    #[test]
    fn the_law_changes_with_the_date() {
        let on = |day: &str| day.parse::<NaiveDate>().unwrap();
        for (supply, day, taxed) in [
            (AdvanceFor::Services, "2017-06-30", false),
            (AdvanceFor::Services, "2017-07-01", true),
            (AdvanceFor::Services, "2026-04-01", true),
            (AdvanceFor::Goods, "2017-11-14", true),
            (AdvanceFor::Goods, "2017-11-15", false),
        ] {
            let (is, source) = taxed_on_receipt(supply, on(day));
            assert_eq!(is, taxed, "{supply} on {day}");
            assert!(!source.is_empty());
        }
        assert_eq!((unknown_rate(), unknown_place()), (dec!(18), "97"));
    }

    fn movement(advance: u128, kind: MovementKind, gross: Decimal, taxable: Decimal, half: Decimal) -> Movement {
        let amounts = amounts(gross, taxable, half);
        Movement { advance: Uuid::from_u128(advance), kind, place_of_supply: "27".into(), inter: false, rate: dec!(18.0000), amounts }
    }
    fn row(taxable: Decimal, half: Decimal) -> AdvanceRow {
        AdvanceRow { place_of_supply: "27".into(), inter: false, rate: dec!(18), taxable, igst: dec!(0), cgst: half, sgst: half, cess: dec!(0) }
    }

    #[test]
    fn a_month_shows_what_it_changed_of_each_advance() {
        use MovementKind::{Adjusted, Kept, Received, Refunded};
        let received = movement(1, Received, dec!(590), dec!(500), dec!(45));
        let adjusted = |advance| movement(advance, Adjusted, dec!(118), dec!(100), dec!(9));
        // Received, and some of it invoiced in the same month.
        assert_eq!(tables(&[received.clone(), adjusted(1)]), AdvanceTables { received: vec![row(dec!(400), dec!(36))], adjusted: vec![] });
        // All of it.
        let all = movement(1, Adjusted, dec!(590), dec!(500), dec!(45));
        assert_eq!(tables(&[received.clone(), all]), AdvanceTables::default());
        // One of this month, another of an earlier one.
        let both = tables(&[received.clone(), adjusted(2), movement(3, Refunded, dec!(59), dec!(50), dec!(4.5))]);
        assert_eq!(both, AdvanceTables { received: vec![row(dec!(500), dec!(45))], adjusted: vec![row(dec!(150), dec!(13.5))] });
        // Taken back in a later month: on account again.
        let back = movement(2, Adjusted, dec!(-118), dec!(-100), dec!(-9));
        assert_eq!(tables(std::slice::from_ref(&back)), AdvanceTables { received: vec![row(dec!(100), dec!(9))], adjusted: vec![] });
        assert_eq!(tables(&[adjusted(2), back]), AdvanceTables::default());
        // Kept without an invoice: nothing is taken off.
        assert_eq!(tables(&[received, movement(1, Kept, dec!(590), dec!(500), dec!(45))]).received, [row(dec!(500), dec!(45))]);
    }

    fn naive_half(gross: Decimal, rate: Decimal) -> Decimal {
        (gross * rate / dec!(2) / (dec!(100) + rate)).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
    }

    proptest! {
        /// Applications, un-applications and refunds in any order: what is left is the tax in the money left.
        #[test]
        fn any_order_ends_where_it_should(gross in 1i64..100_000_000, rate in prop::sample::select(vec![5, 12, 18, 28, 40]), inter: bool, acts in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>(), 1i64..1_000), 1..60)) {
            let rate = Decimal::from(rate);
            let terms = Terms { inter, rate, cess_rate: dec!(0), exponent: 2 };
            let whole = Decimal::new(gross, 2);
            let mut left = whole;
            let mut register = terms.within(whole).unwrap();
            let mut taken: Vec<Decimal> = Vec::new();
            for (back, which, part) in acts {
                let after = if back && !taken.is_empty() {
                    left + taken.swap_remove(which.index(taken.len()))
                } else {
                    let part = (left * Decimal::new(part, 3)).round_dp(2);
                    taken.push(part);
                    left - part
                };
                register = register - terms.moved(left, after).unwrap();
                left = after;
                prop_assert_eq!(register.gross, left);
                prop_assert_eq!(register.taxable + register.tax(), left);
                prop_assert!([register.taxable, register.cgst, register.sgst, register.igst].iter().all(|part| *part >= Decimal::ZERO));
                if inter {
                    let expected = (left * rate / (dec!(100) + rate)).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
                    prop_assert_eq!((register.igst, register.cgst, register.sgst), (expected, dec!(0), dec!(0)));
                } else {
                    prop_assert_eq!((register.cgst, register.sgst, register.igst), (naive_half(left, rate), naive_half(left, rate), dec!(0)));
                }
            }
            register = register - terms.moved(left, Decimal::ZERO).unwrap();
            prop_assert_eq!(register, Inclusive::default());
        }

        /// Over all months together the tables come to what the register holds at the end.
        #[test]
        fn the_tables_of_all_months_add_up_to_the_register(mut steps in prop::collection::vec((0usize..12, 0usize..4, 0i64..=118_000), 1..80)) {
            steps.sort_by_key(|(month, _, _)| *month);
            let mut months: Vec<Vec<Movement>> = vec![Vec::new(); 12];
            let whole = dec!(1180);
            months[0].extend((0..4).map(|advance| movement(advance, MovementKind::Received, whole, dec!(1000), dec!(90))));
            let mut left = [whole; 4];
            for (month, advance, minor) in steps {
                let after = Decimal::new(minor, 2);
                let kind = if minor % 2 == 0 { MovementKind::Adjusted } else { MovementKind::Refunded };
                let amounts = INTRA.moved(left[advance], after).unwrap();
                months[month].push(Movement { amounts, ..movement(advance as u128, kind, dec!(0), dec!(0), dec!(0)) });
                left[advance] = after;
            }
            let mut declared = (dec!(0), dec!(0));
            for month in &months {
                let tables = tables(month);
                for (rows, sign) in [(&tables.received, dec!(1)), (&tables.adjusted, dec!(-1))] {
                    for row in rows {
                        prop_assert!(row.taxable >= dec!(0) && row.cgst == row.sgst && row.cgst >= dec!(0));
                        declared.0 += sign * row.taxable;
                        declared.1 += sign * row.cgst;
                    }
                }
            }
            let tax: Decimal = left.iter().map(|left| naive_half(*left, dec!(18))).sum();
            prop_assert_eq!(declared, (left.iter().sum::<Decimal>() - tax - tax, tax));
        }
    }
}
