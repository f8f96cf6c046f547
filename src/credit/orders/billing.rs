//! Invoices and credit: what an invoice bills of an order, and whether the limit allows it where the policy looks.

use super::checks::bill;
use super::problems::CREDIT_LIMIT_EXCEEDED;
use super::store;
use crate::credit::exposure::service::{party, stand};
use crate::credit::policy;
use crate::credit::policy::rules::judge;
use crate::credit::policy::types::{Content, Facts, Outcome, RuleKind, RuleResult};
use crate::ledger::balances::At;
use crate::ledger::open_items::store::lock_customers;
use crate::master_data::exchange_rates::service::spot;
use crate::platform::http::{FieldError, Problem};
use crate::platform::ids::{CustomerId, InvoiceId};
use crate::platform::money::Currency;
use crate::platform::unit_of_work::Tx;
use rust_decimal::Decimal;
use std::collections::HashMap;

/// Locks customers with everybody they share a limit with, before anything else of theirs.
pub fn lock_groups(tx: &mut Tx<'_>, customers: &[CustomerId]) -> Result<(), Problem> {
    let mut all = Vec::new();
    for customer in customers {
        all.extend(party(tx, *customer, None)?.map(|party| party.members).unwrap_or_default());
    }
    lock_customers(tx, all)
}

/// What other invoices of the same request add to exposure already, by customer and by group.
pub type Added = HashMap<CustomerId, Decimal>;

/// An invoice on its way, in base currency.
pub struct Billed<'b> {
    pub customer: CustomerId,
    pub total: Decimal,
    pub order: Option<&'b str>,
}

/// Refuses an invoice that the limits of its customer and its group do not allow. What it bills of its order leaves
/// the exposure of orders as it enters that of invoices. Everybody concerned is locked.
pub fn allows(tx: &mut Tx<'_>, invoice: &Billed<'_>, added: &mut Added) -> Result<(), Problem> {
    let party = party(tx, invoice.customer, None)?.ok_or_else(|| Problem::not_found("customer"))?;
    let base = tx.cx().currency();
    let stand = stand(tx, &party, None, None)?;
    let today = tx.cx().today;
    let content = policy::in_force(tx, At::recorded(today))?.content;
    let of_order = match invoice.order {
        Some(order) => store::of_order(tx, order)?.filter(|check| check.customer_id == invoice.customer),
        None => None,
    };
    let now = tx.cx().now;
    let converted = match of_order {
        Some(check) => {
            let stands = if check.lapsed(now) { check.standing() - check.reserved } else { check.standing() };
            let at = At::recorded(today);
            let rate = spot(tx, &check.currency, at.as_of, at.horizon())?.unwrap_or(check.exchange_rate);
            base.amount(stands * rate).0.min(invoice.total)
        }
        None => Decimal::ZERO,
    };
    let net = invoice.total - converted;
    let own_before = added.get(&invoice.customer).copied().unwrap_or_default();
    let facts = |more: Decimal| Facts {
        today,
        order_amount: base.amount(net + more),
        order_terms_days: None,
        orders_within_a_day: base.amount(Decimal::ZERO),
        granted: None,
        own: stand.own.clone(),
        group: None,
        overdue: base.amount(Decimal::ZERO),
        days_overdue: 0,
        oldest_item_days: 0,
        customer_terms_days: None,
        blocked: false,
        risk_class: None,
        review_on: None,
    };
    let mut results = limits_only(&content, &facts(own_before), base);
    if let Some(group) = &stand.group {
        let shared = added.iter().filter(|(customer, _)| party.members.contains(customer)).map(|(_, amount)| *amount).sum();
        let mut facts = facts(shared);
        facts.own.limit.clone_from(&group.limit);
        facts.own.parts = group.parts;
        results.extend(limits_only(&content, &facts, base));
    }
    if let Some(failed) = results.into_iter().find(|result| result.outcome == Outcome::Hold) {
        return Err(Problem::new(CREDIT_LIMIT_EXCEEDED, failed.detail.clone())
            .errors(vec![FieldError::at("/customer_id", "credit_limit_exceeded", failed.detail)])
            .member("exposure", failed.value)
            .member("limit", failed.threshold));
    }
    *added.entry(invoice.customer).or_default() += net;
    Ok(())
}

/// The rule about limits alone, which for invoices always holds.
fn limits_only(content: &Content, facts: &Facts, base: Currency) -> Vec<RuleResult> {
    let mut only = content.clone();
    only.rules = vec![crate::credit::policy::types::RuleSetting {
        rule: RuleKind::Limit,
        outcome: crate::credit::policy::types::Effect::Hold,
        over: None,
        classes: Vec::new(),
    }];
    judge(&only, facts, base).1
}

/// Bills what stands of an order with an invoice; of an order that nobody checked, or of which nothing stands, there is nothing to bill.
pub fn billed(tx: &mut Tx<'_>, order: &str, customer: CustomerId, currency: Currency, amount: Decimal, invoice: InvoiceId) -> Result<(), Problem> {
    match store::of_order(tx, order)?.filter(|check| check.customer_id == customer && check.currency == currency.code()) {
        Some(check) => bill(tx, &check, amount, invoice),
        None => Ok(()),
    }
}
