//! Tax others keep back from what they pay: deducted by government (s.51), collected by e-commerce operators (s.52).
//! The total of the invoice stays; the receipt is short, and the tax lies in the supplier's electronic cash ledger.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::limits;
use super::states;
use super::supply::Split;
use crate::platform::money::round;

/// Tax kept back, in paise exactly; `sgst` is SGST or UTGST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withheld {
    pub cgst: Decimal,
    pub sgst: Decimal,
    pub igst: Decimal,
}

impl Withheld {
    #[must_use]
    pub fn total(self) -> Decimal {
        self.cgst + self.sgst + self.igst
    }

    /// Halves are one figure used twice. `None` beyond exact arithmetic.
    fn of(value: Decimal, percent: Decimal, split: Split) -> Option<Self> {
        let part = |percent: Decimal| Some(round(value.checked_mul(percent)?.checked_div(Decimal::ONE_HUNDRED)?, 2));
        Some(match split {
            Split::Intra { .. } => {
                let half = part(percent / Decimal::TWO)?;
                Self { cgst: half, sgst: half, igst: Decimal::ZERO }
            }
            Split::Inter => Self { cgst: Decimal::ZERO, sgst: Decimal::ZERO, igst: part(percent)? },
        })
    }
}

/// A payment by a deductor of s.51.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deducted<'a> {
    pub paid_on: NaiveDate,
    /// What is paid, without tax.
    pub value: Decimal,
    /// What the whole contract comes to, without tax.
    pub contract: Decimal,
    pub split: Split,
    pub supplier_state: &'a str,
    pub place_of_supply: &'a str,
    /// Where the deductor is registered.
    pub recipient_state: &'a str,
}

/// What government deducts: 2 % of a contract above 2,50,000. Nothing where supplier and place of supply are in another
/// State than the deductor (s.51(1) proviso), before there was the section, or on a smaller contract.
#[must_use]
pub fn tds_s51(facts: &Deducted<'_>) -> Option<Withheld> {
    let law = limits::tds_s51(facts.paid_on)?;
    let (supplier, place, recipient) =
        (states::current_code(facts.supplier_state), states::current_code(facts.place_of_supply), states::current_code(facts.recipient_state));
    if facts.contract <= law.contract_above || (supplier == place && place != recipient) {
        return None;
    }
    Withheld::of(facts.value, law.rate, facts.split)
}

/// What an operator collects of the net taxable value (s.52): 1 %, half a per cent from 10-Jul-2024.
#[must_use]
pub fn tcs_s52(date: NaiveDate, net_taxable: Decimal, split: Split) -> Option<Withheld> {
    Withheld::of(net_taxable, limits::tcs_s52(date)?, split)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    const INTRA: Split = Split::Intra { utgst: false };

    fn facts(contract: Decimal) -> Deducted<'static> {
        Deducted {
            paid_on: "2025-11-15".parse().expect("a date"),
            value: dec!(47584),
            contract,
            split: INTRA,
            supplier_state: "27",
            place_of_supply: "27",
            recipient_state: "27",
        }
    }

    #[test]
    fn government_keeps_475_84_of_each_tax_on_47584() {
        assert_eq!(tds_s51(&facts(dec!(250001))), Some(Withheld { cgst: dec!(475.84), sgst: dec!(475.84), igst: dec!(0) }));
        assert_eq!(tds_s51(&facts(dec!(250000))), None);
        let inter = tds_s51(&Deducted { split: Split::Inter, place_of_supply: "29", ..facts(dec!(300000)) });
        assert_eq!(inter.map(|kept| (kept.igst, kept.total())), Some((dec!(951.68), dec!(951.68))));
    }

    #[test]
    fn nothing_is_kept_where_supplier_and_place_lie_in_another_state() {
        assert_eq!(tds_s51(&Deducted { recipient_state: "07", ..facts(dec!(300000)) }), None);
        assert!(tds_s51(&Deducted { recipient_state: "07", place_of_supply: "07", split: Split::Inter, ..facts(dec!(300000)) }).is_some());
        assert_eq!(tds_s51(&Deducted { paid_on: "2018-09-30".parse().expect("a date"), ..facts(dec!(300000)) }), None);
    }

    #[test]
    fn operators_keep_half_a_per_cent() {
        let kept = |date: &str| tcs_s52(date.parse().expect("a date"), dec!(1000), INTRA).map(|kept| (kept.cgst, kept.sgst));
        assert_eq!(kept("2024-07-09"), Some((dec!(5), dec!(5))));
        assert_eq!(kept("2024-07-10"), Some((dec!(2.50), dec!(2.50))));
        assert_eq!(kept("2018-09-30"), None);
    }
}
