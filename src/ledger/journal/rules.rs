//! What an entry is worth in base currency. Pure.

use super::Line;
use crate::ledger::{NewOpenItem, Side};
use crate::platform::ids::CustomerId;
use crate::platform::money::{Currency, round};
use rust_decimal::Decimal;

/// Base amounts of the lines in their order: each rounded half-up to the exponent of the base currency, the
/// residue on the largest line that is not of the control account, so that the entry balances in both.
/// A line that knows its base amount (a mirror, an exchange difference) keeps it.
#[must_use]
pub fn line_bases(lines: &[&Line], rate: Decimal, base: Currency) -> Vec<Decimal> {
    let mut bases: Vec<Decimal> = lines.iter().map(|line| line.base.unwrap_or_else(|| round((line.debit + line.credit) * rate, base.exponent()))).collect();
    let signed = |line: &Line, base: Decimal| if line.credit.is_zero() { base } else { -base };
    let residue: Decimal = lines.iter().zip(&bases).map(|(line, base)| signed(line, *base)).sum();
    let largest = (0..lines.len()).filter(|at| lines[*at].customer.is_none() && lines[*at].base.is_none()).max_by_key(|at| bases[*at]);
    if let Some(at) = largest {
        bases[at] -= signed(lines[at], residue);
    }
    bases
}

/// Base amounts of the items in their order: a customer's items share exactly what the control lines
/// of the customer come to, the last of them taking the residue.
#[must_use]
pub fn item_bases(items: &[NewOpenItem], lines: &[&Line], line_bases: &[Decimal], rate: Decimal, base: Currency) -> Vec<Decimal> {
    let control = |customer: CustomerId| -> Decimal {
        let of = lines.iter().zip(line_bases).filter(|(line, _)| line.customer == Some(customer));
        of.map(|(line, base)| if line.credit.is_zero() { *base } else { -*base }).sum()
    };
    let sign = |item: &NewOpenItem| if item.side == Side::Debit { Decimal::ONE } else { -Decimal::ONE };
    let mut bases: Vec<Decimal> = Vec::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        let last = items[at + 1..].iter().all(|other| other.customer != item.customer);
        bases.push(match item.base {
            Some(known) => known,
            None if last => {
                let before: Decimal =
                    items[..at].iter().zip(&bases).filter(|(other, _)| other.customer == item.customer).map(|(other, base)| sign(other) * base).sum();
                sign(item) * (control(item.customer) - before)
            }
            None => round(item.amount * rate, base.exponent()),
        });
    }
    bases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{AccountRole, SettlementTerms};
    use crate::platform::ids::OpenItemId;
    use proptest::prelude::*;
    use rust_decimal::dec;

    fn inr() -> Currency {
        Currency::parse("INR").expect("a currency")
    }

    #[test]
    fn an_invoice_in_dollars_balances_in_rupees() {
        let customer = CustomerId::new();
        let lines = [
            Line::debit(AccountRole::Receivable, dec!(118.03)).of(customer),
            Line::credit(AccountRole::Revenue, dec!(100.03)),
            Line::credit(AccountRole::OutputIgst, dec!(18.00)),
        ];
        let lines: Vec<&Line> = lines.iter().collect();
        let bases = line_bases(&lines, dec!(83.333), inr());
        assert_eq!(bases, [dec!(9835.79), dec!(8335.80), dec!(1499.99)]);
    }

    proptest! {
        #[test]
        fn lines_balance_and_items_share_the_control_account(parts in proptest::collection::vec(1i64..10_000_000, 1..6), instalments in proptest::collection::vec(1i64..1_000_000, 1..5), rate in 1i64..1_000_000) {
            let (customer, rate) = (CustomerId::new(), Decimal::new(rate, 4));
            let amounts: Vec<Decimal> = instalments.iter().map(|a| Decimal::new(*a, 2)).collect();
            let total: Decimal = amounts.iter().sum();
            let mut lines = vec![Line::debit(AccountRole::Receivable, total).of(customer)];
            let weight: i64 = parts.iter().sum();
            let mut left = total;
            for part in &parts {
                let share = round(total * Decimal::from(*part) / Decimal::from(weight), 2).min(left);
                left -= share;
                lines.push(Line::credit(AccountRole::Revenue, share));
            }
            lines.push(Line::credit(AccountRole::Rounding, left));
            let lines: Vec<&Line> = lines.iter().filter(|l| !(l.debit + l.credit).is_zero()).collect();
            let items: Vec<NewOpenItem> = amounts.iter().map(|amount| NewOpenItem { id: OpenItemId::new(), customer, instalment_no: 1, side: Side::Debit, amount: *amount, base: None, due_date: chrono::NaiveDate::MIN, terms: SettlementTerms::default() }).collect();
            let bases = line_bases(&lines, rate, inr());
            let debit = bases[0];
            prop_assert_eq!(debit, bases[1..].iter().sum::<Decimal>());
            prop_assert_eq!(item_bases(&items, &lines, &bases, rate, inr()).iter().sum::<Decimal>(), debit);
        }
    }
}
