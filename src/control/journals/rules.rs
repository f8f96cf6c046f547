//! What makes a manual journal sound. Pure.

use super::problems::{CONTROL_ACCOUNT, JOURNAL_UNBALANCED};
use super::types::{NewJournal, NewJournalLine};
use crate::ledger::accounts::AccountRole;
use crate::ledger::accounts::types::GlAccount;
use crate::platform::http::{FieldError, Problem, faults};
use crate::platform::ids::{AccountId, CustomerId};
use crate::platform::money::{Currency, LARGEST};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A line as it is kept and posted: the account found, one of the amounts zero.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    pub account_id: AccountId,
    pub customer_id: Option<CustomerId>,
    pub debit: Decimal,
    pub credit: Decimal,
    pub due_date: NaiveDate,
    /// Whether it opens an item.
    pub control: bool,
}

fn amount(line: &NewJournalLine) -> Decimal {
    line.debit.or(line.credit).map_or(Decimal::ZERO, |amount| amount.0)
}

/// Everything wrong that can be said without looking anything up.
#[must_use]
pub fn faults(new: &NewJournal, currency: Currency, today: NaiveDate) -> Vec<FieldError> {
    let mut errors: Vec<FieldError> = faults::in_future("/journal_date", new.journal_date, today).into_iter().collect();
    for (at, line) in new.lines.iter().enumerate() {
        let pointer = |member: &str| format!("/lines/{at}/{member}");
        if line.account_id.is_some() == line.account_code.is_some() {
            errors.push(FieldError::at(pointer("account_id"), "one_of", "Name the account by account_id or account_code, in one way."));
        }
        if line.debit.is_some() == line.credit.is_some() {
            errors.push(FieldError::at(pointer("debit"), "one_of", "A line is a debit or a credit."));
            continue;
        }
        let (member, value) = if line.debit.is_some() { ("debit", amount(line)) } else { ("credit", amount(line)) };
        if value <= Decimal::ZERO {
            errors.push(FieldError::at(pointer(member), "too_small", "An amount is more than 0.").received(value));
        } else if value > LARGEST {
            errors.push(FieldError::at(pointer(member), "amount_too_large", "An amount is at most 9,999,999,999,999.").received(value));
        }
        if !currency.holds(value) {
            errors.push(faults::precision(&pointer(member), value, currency));
        }
        if line.due_date.is_some_and(|due| due < new.journal_date) {
            errors.push(
                FieldError::at(pointer("due_date"), "before_journal", "An item is not due before its journal.")
                    .expected(format!("at least {}", new.journal_date)),
            );
        }
    }
    errors
}

/// Debits and credits must be one figure within the bounds of an amount; gives it.
pub fn total(new: &NewJournal) -> Result<Decimal, Problem> {
    let side =
        |pick: fn(&NewJournalLine) -> Option<crate::platform::money::Amount>| -> Decimal { new.lines.iter().filter_map(pick).map(|amount| amount.0).sum() };
    let (debit, credit) = (side(|line| line.debit), side(|line| line.credit));
    if debit != credit {
        let detail = format!("Debits are {debit}, credits {credit}.");
        return Err(Problem::new(JOURNAL_UNBALANCED, detail.clone()).errors(vec![FieldError::at("/lines", "journal_unbalanced", detail)]));
    }
    if debit > LARGEST {
        return Err(Problem::invalid(vec![FieldError::at("/lines", "amount_too_large", "A journal is for at most 9,999,999,999,999.").received(debit)]));
    }
    Ok(debit)
}

/// The lines with their accounts. An account that does not exist is a 404; one that is not active, a control account
/// out of place, or that of the register of advances, a 422.
pub fn lines(new: &NewJournal, accounts: &[GlAccount]) -> Result<Vec<Line>, Problem> {
    let mut errors = Vec::new();
    let mut lines = Vec::with_capacity(new.lines.len());
    for (at, line) in new.lines.iter().enumerate() {
        let member = if line.account_id.is_some() { "account_id" } else { "account_code" };
        let pointer = format!("/lines/{at}/{member}");
        let account =
            accounts.iter().find(|account| line.account_id.map_or_else(|| line.account_code.as_deref() == Some(&account.code), |id| account.id == id));
        let account = account.ok_or_else(|| Problem::reference("gl_account", &pointer))?;
        if !account.active {
            errors.push(FieldError::at(&pointer, "inactive", "The account is not active.").received(&account.code));
        }
        if account.role == Some(AccountRole::GstOnAdvances) {
            let detail = "GST on advances equals the register of advances, which posts it; it takes no journals by hand.";
            errors.push(FieldError::at(&pointer, "kept_by_register", detail).received(&account.code));
        }
        if account.is_control && !new.control_account {
            let detail = "Lines on a control account need control_account: true and a customer.";
            return Err(Problem::new(CONTROL_ACCOUNT, detail).errors(vec![FieldError::at(&pointer, "control_account", detail).received(&account.code)]));
        }
        if account.is_control != line.customer_id.is_some() {
            let detail =
                if account.is_control { "A line on a control account names its customer." } else { "Only lines on a control account name a customer." };
            errors.push(FieldError::at(format!("/lines/{at}/customer_id"), "customer_misplaced", detail));
        }
        let value = |amount: Option<crate::platform::money::Amount>| amount.map_or(Decimal::ZERO, |amount| amount.0);
        lines.push(Line {
            account_id: account.id,
            customer_id: line.customer_id,
            debit: value(line.debit),
            credit: value(line.credit),
            due_date: line.due_date.unwrap_or(new.journal_date),
            control: account.is_control,
        });
    }
    if errors.is_empty() { Ok(lines) } else { Err(Problem::invalid(errors)) }
}
