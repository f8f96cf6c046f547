//! The verbs of credit checks.

use super::holds;
use super::problems::ORDER_OF_ANOTHER_CUSTOMER;
use super::store::{self, Check};
use super::sweep;
use super::types::{CheckFilter, CheckStatus, ConfirmCheck, ConfirmOutcome, CreditCheck, HoldStatus, NewCreditCheck, OrderHold, Replay, Stage};
use crate::credit::exposure::service::{Party, party, stand};
use crate::credit::policy;
use crate::credit::policy::rules::judge;
use crate::credit::policy::types::{CreditPolicy, Facts, Granted, Outcome, RuleResult};
use crate::ledger::balances::At;
use crate::ledger::open_items::store::{lock_customers, parties};
use crate::master_data::customers::problems::CUSTOMER_INACTIVE;
use crate::master_data::customers::reference::NamesCustomer;
use crate::master_data::customers::store::find;
use crate::master_data::exchange_rates::service::rate_on;
use crate::platform::dates::end_of;
use crate::platform::http::faults;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::ids::{CreditCheckId, CustomerId, InvoiceId};
use crate::platform::money::Currency;
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};
use chrono::{Duration, NaiveDate};
use rust_decimal::Decimal;
use serde_json::json;

/// Locks a customer with everybody it shares a limit with: nothing of them changes until the end.
pub fn lock_party(tx: &mut Tx<'_>, customer: CustomerId) -> Result<Party, Problem> {
    let found = party(tx, customer, None)?.ok_or_else(|| Problem::not_found("customer"))?;
    lock_customers(tx, found.members.clone())?;
    let locked = party(tx, customer, None)?.ok_or_else(|| Problem::not_found("customer"))?;
    if locked.members != found.members {
        // Its group changed while we waited.
        return Err(Problem::raced());
    }
    Ok(locked)
}

/// An order as it is judged.
pub struct Judged {
    pub policy: CreditPolicy,
    pub facts: Facts,
    pub outcome: Outcome,
    pub rules: Vec<RuleResult>,
}

/// What is asked of an order, in base currency.
pub struct Question<'q> {
    pub order_id: &'q str,
    pub amount: Decimal,
    pub terms_days: Option<i32>,
    pub granted: Option<Granted>,
}

/// Judges an order of a party that is locked, by the policy in force.
pub fn judge_order(tx: &mut Tx<'_>, party: &Party, question: Question<'_>) -> Result<Judged, Problem> {
    let (today, base) = (tx.cx().today, tx.cx().currency());
    let stand = stand(tx, party, None, Some(question.order_id))?;
    let others = store::within_a_day(tx, party.profile.id, question.order_id)?;
    let policy = policy::in_force(tx, At::recorded(today))?;
    let facts = Facts {
        today,
        order_amount: base.amount(question.amount),
        order_terms_days: question.terms_days,
        orders_within_a_day: base.amount(others),
        granted: question.granted,
        own: stand.own,
        group: stand.group,
        overdue: base.amount(stand.overdue),
        days_overdue: stand.days_overdue,
        oldest_item_days: stand.oldest_item_days,
        customer_terms_days: party.profile.terms_days,
        blocked: party.profile.hold_all,
        risk_class: party.profile.risk_class.clone(),
        review_on: party.profile.review_on,
    };
    let (outcome, rules) = judge(&policy.content, &facts, base);
    Ok(Judged { policy, facts, outcome, rules })
}

/// Judges an order and, where it passes, holds its amount free. Asked again for the same order, it judges anew what is
/// not delivered or billed yet.
pub fn check(tx: &mut Tx<'_>, new: &NewCreditCheck) -> Result<Audited<CreditCheck>, Problem> {
    let customer = find(tx, &new.customer())?;
    let (base, now, today) = (tx.cx().currency(), tx.cx().now, tx.cx().today);
    let currency = match new.currency.as_deref() {
        None => base,
        Some(code) => Currency::parse(code)
            .ok_or_else(|| Problem::invalid(vec![FieldError::at("/currency", "currency_unknown", "This is not a currency of ISO 4217.").received(code)]))?,
    };
    let errors = faults::amount("/amount", new.amount.0, currency);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let rate = rate_on(tx, currency, None, today)?;
    if let Some(fault) = faults::too_large("/amount", new.amount.0 * rate, base) {
        return Err(Problem::invalid(vec![fault]));
    }
    let party = lock_party(tx, customer)?;
    if !party.profile.active {
        let detail = "The customer is not active.";
        return Err(Problem::new(CUSTOMER_INACTIVE, detail).errors(vec![FieldError::at("/customer_id", "customer_inactive", detail)]));
    }
    let before = store::of_order(tx, &new.order_id)?;
    let kept = carried(before.as_ref(), customer, new, currency)?;
    let mut earlier = if before.is_some() { store::holds_of(tx, &new.order_id, today)? } else { Vec::new() };
    earlier.retain(|hold| hold.customer_id == customer);
    let granted = earlier.iter().find(|hold| hold.status == HoldStatus::Released).and_then(|hold| granted(hold, today, base));
    let until = granted.as_ref().map(|granted| granted.until);
    let question =
        Question { order_id: &new.order_id, amount: base.amount((new.amount.0 - kept.billed) * rate).0, terms_days: new.payment_terms_days, granted };
    let judged = judge_order(tx, &party, question)?;
    for hold in earlier.iter().filter(|hold| hold.status != HoldStatus::Released || judged.outcome == Outcome::Hold) {
        holds::close(tx, hold, HoldStatus::Expired, None)?;
    }
    if let Some(before) = &before {
        free(tx, before, CheckStatus::Replaced)?;
    }
    let passes = judged.outcome != Outcome::Hold;
    let rest = if passes { new.amount.0 - kept.billed - kept.delivered } else { Decimal::ZERO };
    let (reserved, ordered) = if kept.firm { (Decimal::ZERO, rest) } else { (rest, Decimal::ZERO) };
    let hours = new.reserve_hours.unwrap_or(judged.policy.content.reservation_hours);
    let expires = now + Duration::hours(i64::from(hours));
    let made = Check {
        id: CreditCheckId::new(),
        customer_id: customer,
        order_id: new.order_id.clone(),
        currency: currency.code().to_owned(),
        amount: new.amount.0,
        exchange_rate: rate,
        terms_days: new.payment_terms_days,
        result: judged.outcome.as_str().to_owned(),
        policy_version: judged.policy.version,
        facts: serde_json::to_value(&judged.facts).map_err(|e| Problem::internal(&e))?,
        rules: serde_json::to_value(&judged.rules).map_err(|e| Problem::internal(&e))?,
        replaces_id: before.as_ref().map(|before| before.id),
        hold_id: None,
        status: judged.outcome.into(),
        reserved,
        ordered,
        delivered: kept.delivered,
        billed: kept.billed,
        freed: Decimal::ZERO,
        expires_at: (reserved > Decimal::ZERO).then(|| until.map_or(expires, |until| expires.min(end_of(until, tx.cx().facts.zone)))),
        version: 1,
        created_by: tx.cx().actor.to_string(),
        created_at: now,
    };
    let at: Vec<(Stage, Decimal)> = [(Stage::Reserved, reserved), (Stage::Ordered, ordered), (Stage::Delivered, kept.delivered)]
        .into_iter()
        .filter(|(_, amount)| !amount.is_zero())
        .collect();
    store::insert(tx, &made, &at)?;
    let made = if passes { made } else { Check { hold_id: Some(holds::open(tx, &made, &judged.facts)?), ..made } };
    sweep::note(tx.company());
    let answer = made.answer(&judged.policy.content, tx.cx())?;
    let event = if passes { "credit_check.passed" } else { "credit_check.held" };
    Ok(tx.record(Change::new(event, made.id.uuid()).after(&answer), answer))
}

/// What of an order stands whatever comes of it now.
struct Kept {
    billed: Decimal,
    delivered: Decimal,
    /// It is an order already, not only a question.
    firm: bool,
}

fn carried(before: Option<&Check>, customer: CustomerId, new: &NewCreditCheck, currency: Currency) -> Result<Kept, Problem> {
    let Some(before) = before else { return Ok(Kept { billed: Decimal::ZERO, delivered: Decimal::ZERO, firm: false }) };
    if before.customer_id != customer {
        let detail = "An order with this id was checked for another customer; close it there first.";
        return Err(Problem::new(ORDER_OF_ANOTHER_CUSTOMER, detail).errors(vec![FieldError::at("/order_id", "order_of_another_customer", detail)]));
    }
    let done = before.billed + before.delivered;
    if !done.is_zero() && before.currency != currency.code() {
        let detail = "Part of the order is delivered or billed in another currency.";
        return Err(Problem::invalid(vec![FieldError::at("/currency", "currency_mismatch", detail).expected(&before.currency).received(currency.code())]));
    }
    if new.amount.0 < done {
        let detail = "More of the order is delivered or billed already.";
        return Err(Problem::invalid(vec![
            FieldError::at("/amount", "less_than_delivered", detail).expected(format!("at least {done}")).received(new.amount.0),
        ]));
    }
    Ok(Kept { billed: before.billed, delivered: before.delivered, firm: !(before.ordered + before.delivered + before.billed).is_zero() })
}

/// A release as it stands today: a debit that was overdue then may be so for longer, but no other.
fn granted(hold: &OrderHold, today: NaiveDate, base: Currency) -> Option<Granted> {
    let (amount, until) = (hold.released_amount?, hold.released_until?);
    let days = if hold.facts.days_overdue > 0 { hold.facts.days_overdue + (today - hold.facts.today).num_days() } else { 0 };
    let mut rules: Vec<_> = hold.reasons.iter().map(|reason| reason.rule).collect();
    rules.dedup();
    let worth = base.amount(hold.base_amount.0 * amount.0 / hold.amount.0);
    let shared = hold.facts.group.as_ref().map(|group| group.parts);
    Some(Granted { hold_id: hold.id, amount: worth, until, rules, parts: hold.facts.own.parts, group_parts: shared, days_overdue: days })
}

/// Takes what stands of a check away.
fn free(tx: &mut Tx<'_>, before: &Check, status: CheckStatus) -> Result<(), Problem> {
    let stages = [(Stage::Reserved, before.reserved), (Stage::Ordered, before.ordered), (Stage::Delivered, before.delivered)];
    let moves: Vec<(Stage, Decimal)> = stages.into_iter().filter(|(_, amount)| !amount.is_zero()).map(|(stage, amount)| (stage, -amount)).collect();
    let zero = Decimal::ZERO;
    let after = Check { status, reserved: zero, ordered: zero, delivered: zero, freed: before.freed + before.standing(), ..before.clone() };
    store::moved(tx, &after, &moves, None)
}

/// Lets a held order go up to an amount: what of it is not delivered or billed is held free until the end of a day.
pub fn grant(tx: &mut Tx<'_>, id: CreditCheckId, amount: Decimal, until: NaiveDate, status: CheckStatus) -> Result<Check, Problem> {
    let before = store::check(tx, id)?;
    let amount = (amount.min(before.amount) - before.billed - before.delivered).max(Decimal::ZERO);
    let expires_at = Some(end_of(until, tx.cx().facts.zone)).filter(|_| !amount.is_zero());
    let after = Check { status, reserved: amount, expires_at, ..before };
    let moves: Vec<(Stage, Decimal)> = if amount.is_zero() { Vec::new() } else { vec![(Stage::Reserved, amount)] };
    store::moved(tx, &after, &moves, None)?;
    sweep::note(tx.company());
    store::check(tx, id)
}

/// Closes the check of an order that was refused or whose time is over. What is delivered stays until it is billed.
pub fn end(tx: &mut Tx<'_>, before: &Check, status: CheckStatus) -> Result<Check, Problem> {
    let gone = [(Stage::Reserved, before.reserved), (Stage::Ordered, before.ordered)];
    let moves: Vec<(Stage, Decimal)> = gone.into_iter().filter(|(_, amount)| !amount.is_zero()).map(|(stage, amount)| (stage, -amount)).collect();
    let freed = before.freed + before.reserved + before.ordered;
    let after = Check { status, reserved: Decimal::ZERO, ordered: Decimal::ZERO, freed, ..before.clone() };
    store::moved(tx, &after, &moves, None)?;
    store::check(tx, before.id)
}

/// Says what became of an order: it stands, is delivered, billed or closed, in whole or in part.
pub fn confirm(tx: &mut Tx<'_>, id: CreditCheckId, said: &ConfirmCheck) -> Result<Audited<CreditCheck>, Problem> {
    let customer = store::check(tx, id)?.customer_id;
    lock_customers(tx, vec![customer])?;
    let before = store::check(tx, id)?;
    if let Some(invoice) = said.invoice_id {
        if !matches!(said.outcome, ConfirmOutcome::Billed | ConfirmOutcome::Converted) {
            return Err(Problem::invalid(vec![FieldError::at("/invoice_id", "not_billed", "Only what is billed names an invoice.")]));
        }
        if !parties(tx, invoice.uuid())?.contains(&customer) {
            return Err(Problem::reference("invoice", "/invoice_id"));
        }
    }
    if let Some(amount) = said.amount {
        let errors = faults::amount("/amount", amount.0, before.money(tx.cx().currency()));
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
    }
    let policy = policy::at_version(tx, before.policy_version)?;
    let shown = before.answer(&policy.content, tx.cx())?;
    let closes = matches!(said.outcome, ConfirmOutcome::Cancelled | ConfirmOutcome::Released);
    if closes && before.status == CheckStatus::Hold && said.amount.is_none() && before.standing().is_zero() {
        // The order was closed while it waited.
        let after = end(tx, &before, CheckStatus::Cancelled)?;
        return confirmed(tx, &shown, &after, &policy);
    }
    let from: &[Stage] = match said.outcome {
        ConfirmOutcome::Ordered => &[Stage::Reserved],
        ConfirmOutcome::Delivered => &[Stage::Ordered, Stage::Reserved],
        ConfirmOutcome::Billed | ConfirmOutcome::Converted => &[Stage::Delivered, Stage::Ordered, Stage::Reserved],
        ConfirmOutcome::Cancelled | ConfirmOutcome::Released => &[Stage::Reserved, Stage::Ordered, Stage::Delivered],
    };
    // What expired is free already; only an order that is closed may still name it.
    let usable = if before.lapsed(tx.cx().now) && !closes { Check { reserved: Decimal::ZERO, ..before.clone() } } else { before.clone() };
    let most: Decimal = from.iter().map(|stage| of(&usable, *stage)).sum();
    if most.is_zero() {
        let detail = format!("Nothing of the check can be {} any more.", said.outcome);
        return Err(Problem::new(problem::INVALID_STATE, detail)
            .member("current", json!({"status": shown.status}))
            .member("allowed_actions", json!(shown.allowed_actions)));
    }
    let amount = said.amount.map_or(most, |amount| amount.0);
    if amount > most {
        let most = before.money(tx.cx().currency()).amount(most).0;
        let detail = format!("{most} can be {}.", said.outcome);
        return Err(Problem::invalid(vec![FieldError::at("/amount", "too_large", detail).expected(format!("at most {most}")).received(amount)]));
    }
    let (mut after, mut moves) = take(&usable, from, amount);
    after.reserved += before.reserved - usable.reserved;
    match said.outcome {
        ConfirmOutcome::Ordered => {
            after.ordered += amount;
            moves.push((Stage::Ordered, amount));
        }
        ConfirmOutcome::Delivered => {
            after.delivered += amount;
            moves.push((Stage::Delivered, amount));
        }
        ConfirmOutcome::Billed | ConfirmOutcome::Converted => after.billed += amount,
        ConfirmOutcome::Cancelled | ConfirmOutcome::Released => after.freed += amount,
    }
    settle_status(&mut after);
    store::moved(tx, &after, &moves, said.invoice_id)?;
    let after = store::check(tx, id)?;
    confirmed(tx, &shown, &after, &policy)
}

/// A closed order takes what was released of it along: opened again, it is judged like any other.
fn confirmed(tx: &mut Tx<'_>, before: &CreditCheck, after: &Check, policy: &CreditPolicy) -> Result<Audited<CreditCheck>, Problem> {
    if after.status == CheckStatus::Cancelled {
        let today = tx.cx().today;
        for hold in store::holds_of(tx, &after.order_id, today)?.iter().filter(|hold| hold.customer_id == after.customer_id) {
            holds::close(tx, hold, HoldStatus::Expired, Some("The order was closed"))?;
        }
    }
    let answer = after.answer(&policy.content, tx.cx())?;
    Ok(tx.record(Change::new("credit_check.confirmed", after.id.uuid()).version(after.version).before(before).after(&answer), answer))
}

fn of(check: &Check, stage: Stage) -> Decimal {
    match stage {
        Stage::Reserved => check.reserved,
        Stage::Ordered => check.ordered,
        Stage::Delivered => check.delivered,
    }
}

/// Takes an amount from stages in order.
fn take(before: &Check, from: &[Stage], amount: Decimal) -> (Check, Vec<(Stage, Decimal)>) {
    let (mut after, mut moves, mut left) = (before.clone(), Vec::new(), amount);
    for stage in from {
        let part = of(before, *stage).min(left);
        if part.is_zero() {
            continue;
        }
        match stage {
            Stage::Reserved => after.reserved -= part,
            Stage::Ordered => after.ordered -= part,
            Stage::Delivered => after.delivered -= part,
        }
        moves.push((*stage, -part));
        left -= part;
    }
    (after, moves)
}

fn settle_status(check: &mut Check) {
    if check.standing().is_zero() && check.status != CheckStatus::Hold {
        check.status = if check.billed.is_zero() { CheckStatus::Cancelled } else { CheckStatus::Consumed };
    }
}

/// Bills what stands of an order with an invoice, as much as there is. The customer is locked.
pub fn bill(tx: &mut Tx<'_>, check: &Check, amount: Decimal, invoice: InvoiceId) -> Result<(), Problem> {
    let usable = if check.lapsed(tx.cx().now) { Check { reserved: Decimal::ZERO, ..check.clone() } } else { check.clone() };
    let amount = amount.min(usable.standing());
    if amount.is_zero() {
        return Ok(());
    }
    let policy = policy::at_version(tx, check.policy_version)?;
    let shown = check.answer(&policy.content, tx.cx())?;
    let (mut after, moves) = take(&usable, &[Stage::Delivered, Stage::Ordered, Stage::Reserved], amount);
    after.reserved += check.reserved - usable.reserved;
    after.billed += amount;
    settle_status(&mut after);
    store::moved(tx, &after, &moves, Some(invoice))?;
    let after = store::check(tx, check.id)?;
    let _ = confirmed(tx, &shown, &after, &policy)?;
    Ok(())
}

pub fn get(rx: &mut Rx<'_>, id: CreditCheckId) -> Result<CreditCheck, Problem> {
    let check = store::check(rx, id)?;
    let policy = policy::at_version(rx, check.policy_version)?;
    check.answer(&policy.content, rx.cx())
}

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &CheckFilter) -> Result<Page<CreditCheck>, Problem> {
    let Page { data, page } = store::checks(rx, paging, filter)?;
    let mut policies: Vec<CreditPolicy> = Vec::new();
    let mut answers = Vec::with_capacity(data.len());
    for check in data {
        if policies.iter().all(|policy| policy.version != check.policy_version) {
            policies.push(policy::at_version(rx, check.policy_version)?);
        }
        let policy = policies.iter().find(|policy| policy.version == check.policy_version).ok_or_else(|| Problem::internal(&"a policy vanished"))?;
        answers.push(check.answer(&policy.content, rx.cx())?);
    }
    Ok(Page { data: answers, page })
}

/// Judges the kept facts again, by the policy of then or by another.
pub fn replay(rx: &mut Rx<'_>, id: CreditCheckId, version: Option<i64>) -> Result<Replay, Problem> {
    let check = store::check(rx, id)?;
    let (facts, rules) = check.known()?;
    let policy = policy::at_version(rx, version.unwrap_or(check.policy_version))?;
    let (result, again) = judge(&policy.content, &facts, rx.cx().currency());
    Ok(Replay { check_id: id, policy_version: policy.version, result, same: again == rules && result.as_str() == check.result, rules: again })
}
