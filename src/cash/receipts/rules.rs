//! What makes a receipt sound, and what it is worth. Pure.

use super::posting::Worth;
use super::types::{AutoApply, Clearing, DeductionKind, Method, NewReceipt, ReceiptStatus, State};
use crate::cash::allocations::rules::target_faults;
use crate::ledger::AllocationKind;
use crate::ledger::open_items::rules::Purse;
use crate::master_data::customers::rules::metadata_faults;
use crate::platform::dates::plus_months;
use crate::platform::http::{FieldError, faults};
use crate::platform::money::{Amount, Currency, LARGEST, round};
use crate::tax::tds;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Currencies of a receipt: of the money, and what it settles in.
#[derive(Debug, Clone, Copy)]
pub struct Currencies {
    pub money: Currency,
    pub settles: Currency,
}

/// Reads the currencies; what is none is a fault.
pub fn currencies(new: &NewReceipt, base: Currency) -> Result<Currencies, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut read = |code: Option<&str>, pointer: &str, otherwise: Currency| match code.map(|code| (code, Currency::parse(code))) {
        None => otherwise,
        Some((_, Some(currency))) => currency,
        Some((code, None)) => {
            errors.push(FieldError::at(pointer, "currency_unknown", "This is not a currency of ISO 4217.").received(code));
            otherwise
        }
    };
    let money = read(new.currency.as_deref(), "/currency", base);
    let settles = read(new.settlement_currency.as_deref(), "/settlement_currency", money);
    if errors.is_empty() { Ok(Currencies { money, settles }) } else { Err(errors) }
}

/// Everything wrong with a receipt that can be said without looking anything up.
#[must_use]
pub fn faults(new: &NewReceipt, currencies: Currencies, today: NaiveDate) -> Vec<FieldError> {
    let mut errors = metadata_faults(&new.metadata);
    errors.extend(faults::in_future("/receipt_date", new.receipt_date, today));
    errors.extend(new.value_date.and_then(|date| faults::in_future("/value_date", date, today)));
    let settles = currencies.settles;
    let mut amounts =
        vec![("/amount_received".to_owned(), new.amount_received.0, currencies.money, !new.deductions.is_empty() && new.settlement_amount.is_none())];
    amounts.extend(new.settlement_amount.map(|amount| ("/settlement_amount".to_owned(), amount.0, settles, false)));
    amounts.extend(new.deductions.iter().enumerate().map(|(at, d)| (format!("/deductions/{at}/amount"), d.amount.0, settles, false)));
    for (pointer, amount, currency, may_be_zero) in amounts {
        if amount < Decimal::ZERO || amount.is_zero() && !may_be_zero {
            errors.push(FieldError::at(&pointer, "too_small", "An amount is more than 0.").received(amount));
        } else if amount > LARGEST {
            errors.push(FieldError::at(&pointer, "amount_too_large", "An amount is at most 9,999,999,999,999.").received(amount));
        }
        if !currency.holds(amount) {
            errors.push(faults::precision(&pointer, amount, currency));
        }
    }
    for (at, deduction) in new.deductions.iter().enumerate().filter(|(_, deduction)| deduction.kind == DeductionKind::Tds) {
        if let (Some(section), Some(rate)) = (deduction.section.as_deref(), deduction.rate)
            && let Some(known) = tds::mismatch(section, rate.0, new.receipt_date)
        {
            let known: Vec<String> = known.iter().map(ToString::to_string).collect();
            let detail = format!("Section {section} has no such rate on {}; leave it out for a certificate of lower deduction (s.197).", new.receipt_date);
            errors.push(FieldError::at(format!("/deductions/{at}/rate"), "tds_rate_mismatch", detail).expected(known.join(", ")).received(rate.0));
        }
    }
    if gross(new) > LARGEST && errors.is_empty() {
        errors.push(FieldError::at("/deductions", "amount_too_large", "Money and deductions together are at most 9,999,999,999,999.").received(gross(new)));
    }
    if new.settlement_currency.is_some() != new.settlement_amount.is_some() {
        errors.push(FieldError::at("/settlement_amount", "required", "Settlement currency and amount go together."));
    } else if new.settlement_currency.is_some() && currencies.money.code() == settles.code() {
        errors
            .push(FieldError::at("/settlement_currency", "currency_same", "The money came in this currency; leave both members out.").received(settles.code()));
    }
    if new.allow_duplicate && new.reason.is_none() {
        errors.push(FieldError::at("/reason", "required", "Recording a known bank reference again needs a reason."));
    }
    let cheque = new.method == Some(Method::Cheque);
    if !cheque && (new.cheque_number.is_some() || new.cheque_date.is_some()) {
        errors.push(FieldError::at("/method", "not_a_cheque", "Number and date of a cheque need the method cheque.").expected("cheque"));
    }
    errors.extend(stale_on("/cheque_date", new.cheque_date, new.receipt_date));
    if let Some(date) = new.cheque_date.filter(|date| *date > plus_months(today, 60)) {
        errors.push(FieldError::at("/cheque_date", "date_in_future", "The date lies too far in the future.").received(date));
    }
    if new.unidentified {
        let alone =
            |present: bool, pointer: &str| present.then(|| FieldError::at(pointer, "payer_unknown", "Nobody knows yet who paid; leave this to identify."));
        errors.extend(
            [
                alone(!new.deductions.is_empty(), "/deductions").into_iter().collect::<Vec<_>>(),
                alone(!new.allocations.is_empty(), "/allocations").into_iter().collect(),
                alone(new.auto_apply.is_some(), "/auto_apply").into_iter().collect(),
                alone(new.on_account, "/on_account").into_iter().collect(),
                alone(new.gst_advance.is_some(), "/gst_advance").into_iter().collect(),
                alone(held(new), "/cheque_date").into_iter().collect(),
            ]
            .concat(),
        );
    }
    errors.extend(target_faults("/allocations", &new.allocations, settles));
    errors
}

/// Whether it is a cheque of a later date, which counts from its deposit.
#[must_use]
pub fn held(new: &NewReceipt) -> bool {
    new.cheque_date.is_some_and(|date| date > new.receipt_date)
}

/// The money in the currency it settles in.
#[must_use]
pub fn money(new: &NewReceipt) -> Decimal {
    new.settlement_amount.unwrap_or(new.amount_received).0
}

/// Money and deductions: what the receipt can settle.
#[must_use]
pub fn gross(new: &NewReceipt) -> Decimal {
    money(new) + new.deductions.iter().map(|d| d.amount.0).sum::<Decimal>()
}

/// What the money is worth. `rate` is that of the currency it came in. Where it settles in another one, the
/// rate of that follows from both amounts, rounded half-up to eight decimals.
#[must_use]
pub fn worth(new: &NewReceipt, currencies: Currencies, rate: Decimal, base: Currency) -> Worth {
    match new.settlement_amount {
        None => Worth { currency: currencies.settles, amount: new.amount_received.0, rate, base: None },
        Some(amount) => {
            let in_base = round(new.amount_received.0 * rate, base.exponent());
            Worth { currency: currencies.settles, amount: amount.0, rate: round(in_base / amount.0, 8), base: Some(in_base) }
        }
    }
}

/// The gross in base currency, exactly as the lines of the entry will add up.
#[must_use]
pub fn gross_base(new: &NewReceipt, worth: &Worth, base: Currency) -> Decimal {
    let in_base = |amount: Decimal| round(amount * worth.rate, base.exponent());
    worth.base.unwrap_or_else(|| in_base(worth.amount)) + new.deductions.iter().map(|d| in_base(d.amount.0)).sum::<Decimal>()
}

/// The money and what was deducted, by kind, cash first.
#[must_use]
pub fn purses(new: &NewReceipt) -> Vec<Purse> {
    let mut purses = vec![Purse { kind: AllocationKind::Cash, left: money(new) }];
    for deduction in &new.deductions {
        let kind = deduction.kind.ledger();
        match purses.iter_mut().find(|purse| purse.kind == kind) {
            Some(purse) => purse.left += deduction.amount.0,
            None => purses.push(Purse { kind, left: deduction.amount.0 }),
        }
    }
    purses
}

/// What is wrong with a cheque on a day when no bank pays it any more.
#[must_use]
pub fn stale_on(pointer: &str, cheque_date: Option<NaiveDate>, on: NaiveDate) -> Option<FieldError> {
    let date = cheque_date.filter(|date| plus_months(*date, 3) < on)?;
    Some(FieldError::at(pointer, "cheque_stale", format!("A cheque is valid for three months; no bank pays one of {date} on {on}.")))
}

/// Three months from its date a cheque is stale (RBI, DBOD.AML BC.47/14.01.001/2011-12).
#[must_use]
pub fn stale(clearing: Option<Clearing>, cheque_date: Option<NaiveDate>, today: NaiveDate) -> bool {
    matches!(clearing, Some(Clearing::Received | Clearing::Deposited)) && cheque_date.is_some_and(|date| plus_months(date, 3) < today)
}

#[must_use]
pub fn status(state: State, gross: Decimal, open: Decimal, on_account: bool) -> ReceiptStatus {
    match state {
        State::Held => ReceiptStatus::Held,
        State::Unidentified => ReceiptStatus::Unidentified,
        State::Reversed => ReceiptStatus::Reversed,
        State::Bounced => ReceiptStatus::Bounced,
        State::Recorded if open.is_zero() => ReceiptStatus::Applied,
        State::Recorded if open < gross => ReceiptStatus::PartiallyApplied,
        State::Recorded if on_account => ReceiptStatus::OnAccount,
        State::Recorded => ReceiptStatus::Unapplied,
    }
}

/// What may be done with a receipt in a state, with the right each needs.
#[must_use]
pub fn actions(state: State, clearing: Option<Clearing>, method: Method, open: Decimal) -> Vec<(&'static str, &'static str)> {
    let returnable = matches!(method, Method::Cheque | Method::Nach);
    let mut actions = Vec::new();
    if state == State::Recorded && open > Decimal::ZERO {
        actions.push(("allocate", "allocations:write"));
    }
    if state == State::Unidentified {
        actions.push(("identify", "receipts:write"));
    }
    if state == State::Held {
        actions.push(("deposit", "receipts:write"));
    }
    if matches!(clearing, Some(Clearing::Deposited | Clearing::Received)) && matches!(state, State::Recorded | State::Unidentified) {
        actions.push(("clear", "receipts:write"));
    }
    if returnable && clearing != Some(Clearing::Cleared) && matches!(state, State::Recorded | State::Unidentified) {
        actions.push(("bounce", "receipts:write"));
    }
    if matches!(state, State::Recorded | State::Unidentified | State::Held) {
        actions.push(("reverse", "receipts:reverse"));
        actions.push(("update", "receipts:write"));
    }
    actions
}

/// Instructions of a receipt without its allocations, for placing them anew.
#[must_use]
pub fn with_allocations(new: &NewReceipt, allocations: Vec<crate::cash::allocations::types::Target>, auto_apply: Option<AutoApply>) -> NewReceipt {
    NewReceipt { allocations, auto_apply, ..new.clone() }
}

/// A fee is more than nothing and fits the currency.
#[must_use]
pub fn fee_faults(fee: Option<Amount>, currency: Currency) -> Vec<FieldError> {
    let Some(fee) = fee else { return Vec::new() };
    let mut errors = Vec::new();
    if fee.0 < Decimal::ZERO || fee.0 > LARGEST {
        errors.push(FieldError::at("/fee", "too_small", "A fee lies between 0 and 9,999,999,999,999.").received(fee.0));
    }
    if !currency.holds(fee.0) {
        errors.push(faults::precision("/fee", fee.0, currency));
    }
    errors
}
