//! The verbs of the chart.

use super::types::{AccountEntries, AccountEntry, EntrySpan, GlAccount, GlAccountPatch, NewGlAccount};
use super::{AccountRole, CHART, store};
use crate::ledger::balances::At;
use crate::ledger::problems::ACCOUNT_IN_USE;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::require_version;
use crate::platform::ids::AccountId;
use crate::platform::page::Paging;
use crate::platform::unit_of_work::{Audited, Change, Rx, Tx};
use rust_decimal::Decimal;
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

pub fn create(tx: &mut Tx<'_>, new: &NewGlAccount) -> Result<Audited<GlAccount>, Problem> {
    let id = store::insert(tx, new)?;
    let made = store::get(tx, id, false)?;
    Ok(tx.record(Change::new("gl_account.created", id.uuid()).after(&made), made))
}

/// Renames, renumbers, deactivates, or gives a role of another account to this one.
pub fn update(tx: &mut Tx<'_>, id: AccountId, version: Option<i64>, patch: &GlAccountPatch) -> Result<Audited<GlAccount>, Problem> {
    // Two patches that exchange roles would wait for each other: one at a time.
    store::lock_chart(tx)?;
    let before = store::get(tx, id, true)?;
    require_version(version, before.version)?;
    let mut wanted = before.clone();
    if let Some(code) = &patch.code {
        wanted.code.clone_from(code);
    }
    if let Some(name) = &patch.name {
        wanted.name.clone_from(name);
    }
    wanted.active = patch.active.unwrap_or(before.active);
    if let Some(role) = patch.role.filter(|role| Some(*role) != before.role) {
        take_role(tx, &mut wanted, role)?;
    }
    if !wanted.active && before.active {
        let balance = store::balance(tx, id)?;
        if wanted.role.is_some() || !balance.is_zero() || store::serves_a_bank(tx, id)? {
            let detail = "Only an account without a role, a bank account and a balance can be deactivated.";
            return Err(Problem::new(ACCOUNT_IN_USE, detail).member("current", json!({"role": wanted.role, "balance": tx.cx().currency().amount(balance)})));
        }
    }
    store::update(tx, &wanted)?;
    let after = store::get(tx, id, false)?;
    Ok(tx.record(Change::new("gl_account.updated", id.uuid()).version(after.version).before(&before).after(&after), after))
}

/// The account takes a role over. Balances stay where they are, so a control account hands over its role only
/// to one that nothing was posted to, and GST on advances, which is proved against the register, only before its first.
fn take_role(tx: &mut Tx<'_>, wanted: &mut GlAccount, role: AccountRole) -> Result<(), Problem> {
    let refuse = |code: &str, detail: &str| Problem::invalid(vec![FieldError::at("/role", code, detail).received(role)]);
    if wanted.role.is_some() {
        return Err(refuse("has_a_role", "The account has a role already; another account must take that over first."));
    }
    if !wanted.active {
        return Err(refuse("inactive", "An account that is not active has no role."));
    }
    let class = CHART.iter().find(|template| template.role == role).map(|template| template.class);
    if class.is_some_and(|class| class != wanted.class.as_str()) {
        let error = FieldError::at("/role", "class_mismatch", "The role belongs to an account of another class.");
        return Err(Problem::invalid(vec![error.expected(class.unwrap_or_default()).received(wanted.class)]));
    }
    if role == AccountRole::Receivable {
        if store::is_used(tx, wanted.id)? {
            return Err(refuse("posted_to", "A control account starts from nothing; this one was posted to."));
        }
        wanted.is_control = true;
    } else if wanted.is_control {
        return Err(refuse("control_account", "A control account has no other role."));
    }
    let holder = store::holder(tx, role)?;
    if role == AccountRole::GstOnAdvances {
        for account in [Some(wanted.id), holder].into_iter().flatten() {
            if store::is_used(tx, account)? {
                return Err(refuse("posted_to", "GST on advances stays where it was first posted: its account equals the register of advances."));
            }
        }
    }
    if let Some(holder) = holder {
        let before = store::get(tx, holder, true)?;
        store::update(tx, &GlAccount { role: None, ..before.clone() })?;
        let after = store::get(tx, holder, false)?;
        let _ = tx.record(Change::new("gl_account.updated", holder.uuid()).version(after.version).before(&before).after(&after), ());
    }
    wanted.role = Some(role);
    Ok(())
}

/// The ledger of an account between two days, as known at an instant; running balances also across pages.
pub fn entries(rx: &mut Rx<'_>, id: AccountId, span: &EntrySpan, paging: &Paging) -> Result<AccountEntries, Problem> {
    let account = store::get(rx, id, false)?;
    if span.to.is_some() && span.as_of.is_some() {
        return Err(Problem::new(problem::INVALID_PARAMETER, "Give to or as_of, not both.").errors(vec![FieldError::parameter(
            "as_of",
            "invalid_value",
            "Give to or as_of, not both.",
        )]));
    }
    let at = At::read(rx, span.as_of.as_deref(), span.known_at.as_deref())?;
    let to = span.to.or(span.as_of.is_some().then_some(at.as_of));
    if let (Some(from), Some(to)) = (span.from, to)
        && from > to
    {
        return Err(Problem::new(problem::INVALID_PARAMETER, "from lies after to.")
            .errors(vec![FieldError::parameter("from", "invalid_value", "from must not lie after to.").received(from)]));
    }
    let known = at.horizon();
    let (code, name) = store::called(rx, id, known)?.unwrap_or((account.code, account.name));
    let page = store::entries(rx, id, span.from, to, &at, span.known_at.as_deref(), paging)?;
    let (opening, closing) = store::span_balances(rx, id, span.from, to, known)?;
    // The rows of a page are neighbours: the balance before the earliest of them, then one after the other.
    let mut order: Vec<&store::EntryRow> = page.data.iter().collect();
    order.sort_by_key(|row| (row.date, row.entry_id));
    let mut balance = match order.first() {
        Some(first) => store::balance_before(rx, id, first.date, first.entry_id, known)?,
        None => Decimal::ZERO,
    };
    let mut balances: BTreeMap<Uuid, Decimal> = BTreeMap::new();
    for row in order {
        balance += row.debit - row.credit;
        balances.insert(row.entry_id, balance);
    }
    let currency = rx.cx().currency();
    let page = page.map(|row| AccountEntry {
        date: row.date,
        journal_id: row.entry_id,
        document_type: row.document_kind,
        document_id: row.document_id,
        document_number: row.document_number,
        narration: row.narration,
        customer_id: row.customer_id,
        debit: currency.amount(row.debit),
        credit: currency.amount(row.credit),
        balance: currency.amount(balances.get(&row.entry_id).copied().unwrap_or_default()),
    });
    Ok(AccountEntries {
        account_id: id,
        account_code: code,
        account_name: name,
        currency: currency.code().to_owned(),
        from: span.from,
        to,
        opening_balance: currency.amount(opening),
        data: page.data,
        closing_balance: currency.amount(closing),
        page: page.page,
    })
}
