//! The verbs of credit limits.

use super::store::{self, Proposal};
use super::types::{CreditLimit, LimitStatus, NewCreditLimit, Scope};
use crate::control::approvals::problems::APPROVAL_STALE;
use crate::control::approvals::rules::Band;
use crate::control::approvals::{Action, Gate, NOBODY, Request, gate, of_request};
use crate::ledger::balances::At;
use crate::ledger::open_items::store::lock_customers;
use crate::master_data::customers::store::{get as customer, place_in_group};
use crate::master_data::exchange_rates::problems::EXCHANGE_RATE_MISSING;
use crate::master_data::exchange_rates::service::{rate_on, spot};
use crate::platform::http::{FieldError, Problem, faults};
use crate::platform::ids::{CreditLimitId, CustomerId};
use crate::platform::money::{Amount, Currency, LARGEST, round};
use crate::platform::unit_of_work::{Audited, Change, Doors, Rx, Tx, run_system, run_system_read};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::Value;

pub static APPROVE: Action = Action {
    name: "credit_limit.approve",
    kind: "credit_limits",
    permission: "credit_limits:approve",
    direct: NOBODY,
    bars_cash_handlers: false,
    bars_salesperson: true,
    bands: &[Band::to(10_000_000, 1), Band::above(2)],
    parties: of_request,
    version: |rx, asked| Ok(store::get(rx, CreditLimitId::of(asked.subject))?.version),
    execute: |tx, asked| approved(tx, CreditLimitId::of(asked.subject)),
    reject: |tx, asked| {
        let before = store::get(tx, CreditLimitId::of(asked.subject))?;
        move_to(tx, &before, LimitStatus::Rejected, before.valid_from, "credit_limit.rejected")
    },
};

/// Proposes a limit. What it adds to the one in force chooses the band; giving up the check is the most.
pub fn propose(tx: &mut Tx<'_>, of: CustomerId, new: &NewCreditLimit) -> Result<Audited<CreditLimit>, Problem> {
    customer(tx, of, false)?;
    lock_customers(tx, vec![of])?;
    let (today, base) = (tx.cx().today, tx.cx().currency());
    let currency = match new.currency.as_deref() {
        None => base,
        Some(code) => Currency::parse(code)
            .ok_or_else(|| Problem::invalid(vec![FieldError::at("/currency", "currency_unknown", "This is not a currency of ISO 4217.").received(code)]))?,
    };
    let scope = new.scope.unwrap_or(Scope::Own);
    let valid_from = new.valid_from.unwrap_or(today);
    let mut errors = wrong(new, currency, valid_from, today);
    if scope == Scope::Group && place_in_group(tx, of)?.is_some_and(|(child, _)| child) {
        errors.push(FieldError::at("/scope", "not_a_parent", "What a group shares is set for its parent."));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let at = At::recorded(today);
    let in_force = store::in_force(tx, &[of], at)?.into_iter().find(|limit| limit.scope == scope);
    let rate = rate_on(tx, currency, None, today)?;
    let wanted = new.amount.map(|amount| round(amount.0 * rate, base.exponent()));
    if let Some(fault) = wanted.and_then(|wanted| faults::too_large("/amount", wanted, base)) {
        return Err(Problem::invalid(vec![fault]));
    }
    let held = match &in_force {
        Some(limit) => worth(tx, limit, at)?,
        None => Some(Decimal::ZERO),
    };
    let added = match (wanted, held) {
        (None, Some(_)) => LARGEST,
        (_, None) => Decimal::ZERO,
        (Some(wanted), Some(held)) => (wanted - held).max(Decimal::ZERO),
    };
    let proposal = Proposal {
        customer: of,
        scope,
        currency,
        amount: new.amount,
        temporary: new.temporary,
        valid_from,
        valid_to: new.valid_to,
        cover: &new.cover,
        reason: &new.reason,
    };
    let id = store::insert(tx, &proposal)?;
    let proposed = store::get(tx, id)?;
    let value = |limit: &CreditLimit| serde_json::to_value(limit).map_err(|e| Problem::internal(&e));
    let request = Request {
        action: &APPROVE,
        subject: id.uuid(),
        version: proposed.version,
        customer: Some(of),
        amount: added,
        makers: Vec::new(),
        reason: Some(&new.reason),
        before: in_force.as_ref().map(value).transpose()?.unwrap_or(Value::Null),
        after: value(&proposed)?,
        payload: Value::Null,
    };
    let Gate::Pending(_) = gate(tx, &request)? else { return Err(Problem::internal(&"a limit was set by one person")) };
    let answer = store::get(tx, id)?;
    Ok(tx.record(Change::new("credit_limit.proposed", id.uuid()).version(answer.version).after(&answer).reason(&new.reason), answer))
}

fn wrong(new: &NewCreditLimit, currency: Currency, valid_from: NaiveDate, today: NaiveDate) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if let Some(amount) = new.amount.filter(|amount| !amount.0.is_zero()) {
        errors.extend(faults::amount("/amount", amount.0, currency));
    }
    for (at, cover) in new.cover.iter().enumerate() {
        errors.extend(faults::amount(&format!("/cover/{at}/amount"), cover.amount.0, currency));
    }
    if valid_from < today {
        errors
            .push(FieldError::at("/valid_from", "before_today", "A limit is not set for the past.").expected(format!("at least {today}")).received(valid_from));
    }
    if let Some(to) = new.valid_to.filter(|to| *to < valid_from) {
        errors.push(
            FieldError::at("/valid_to", "ends_before_start", "The last day is not before the first.").expected(format!("at least {valid_from}")).received(to),
        );
    }
    if new.temporary && new.valid_to.is_none() {
        errors.push(FieldError::at("/valid_to", "required", "A temporary limit has a last day."));
    }
    if new.temporary && new.amount.is_none() {
        errors.push(FieldError::at("/amount", "required", "A temporary limit has an amount."));
    }
    errors
}

/// A limit in base currency at the rate of a day; nothing where there is no check.
pub fn worth(rx: &mut Rx<'_>, limit: &CreditLimit, at: At) -> Result<Option<Decimal>, Problem> {
    let Some(amount) = limit.amount else { return Ok(None) };
    in_base(rx, &limit.currency, amount, at).map(Some)
}

/// An amount in base currency at the newest rate known on a day.
pub fn in_base(rx: &mut Rx<'_>, currency: &str, amount: Amount, at: At) -> Result<Decimal, Problem> {
    Ok(round(amount.0 * rate_of(rx, currency, at)?, rx.cx().currency().exponent()))
}

/// The newest rate known on a day of a currency that limits are in.
pub fn rate_of(rx: &mut Rx<'_>, currency: &str, at: At) -> Result<Decimal, Problem> {
    spot(rx, currency, at.as_of, at.horizon())?
        .ok_or_else(|| Problem::new(EXCHANGE_RATE_MISSING, format!("No rate of {currency} on or before {} is known; a limit is in it.", at.as_of)))
}

fn move_to(tx: &mut Tx<'_>, before: &CreditLimit, status: LimitStatus, valid_from: NaiveDate, event: &'static str) -> Result<(), Problem> {
    store::set_status(tx, before.id, status, valid_from)?;
    let after = store::get(tx, before.id)?;
    let _ = tx.record(Change::new(event, before.id.uuid()).version(after.version).before(before).after(&after), ());
    Ok(())
}

/// Puts an approved limit in force: from its day, or from today when that has passed.
pub fn approved(tx: &mut Tx<'_>, id: CreditLimitId) -> Result<(), Problem> {
    let before = store::get(tx, id)?;
    let today = tx.cx().today;
    if before.valid_to.is_some_and(|to| to < today) {
        return Err(Problem::new(APPROVAL_STALE, "The limit would have ended before it was approved; propose it anew."));
    }
    move_to(tx, &before, LimitStatus::Active, before.valid_from.max(today), "credit_limit.approved")?;
    retire(tx).map(drop)
}

/// Notes which limits are over. Whether more may be left.
fn retire(tx: &mut Tx<'_>) -> Result<bool, Problem> {
    let today = tx.cx().today;
    let outlived = store::outlived(tx, today)?;
    for (id, ended) in &outlived {
        let before = store::get(tx, *id)?;
        let (status, event) = if *ended { (LimitStatus::Expired, "credit_limit.expired") } else { (LimitStatus::Superseded, "credit_limit.superseded") };
        move_to(tx, &before, status, before.valid_from, event)?;
    }
    Ok(outlived.len() == 500)
}

/// Notes in every company which limits are over; which limit holds on a day does not wait for it.
pub fn sweep(doors: &Doors) -> Result<(), Problem> {
    for company in run_system_read(doors, None, "listCompanies", store::companies)? {
        while run_system(doors, Some(company), "retireLimits", retire)? {}
    }
    Ok(())
}
