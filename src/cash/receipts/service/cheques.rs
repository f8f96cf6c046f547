//! The steps of a cheque or mandate: to the bank, cleared, returned.

use super::super::posting::posting;
use super::super::store::{Head, Step};
use super::super::types::{Bounce, Clear, Clearing, Deposit, Method, Receipt, State};
use super::super::{rules, store};
use super::placing::{Instructions, advance_terms, credit, open_advance, plan};
use super::recording::{concede, worth};
use super::reversal::take_back;
use super::{changed, invalid_state, lock, step_day};
use crate::billing::invoices::service as billing;
use crate::billing::notes::types::NewDebitNote;
use crate::cash::allocations::rules::target_faults;
use crate::cash::allocations::settlement::Terms;
use crate::cash::allocations::store::customers_of;
use crate::ledger::{self, OpenItem, lock_parties};
use crate::master_data::exchange_rates::service::rate_on;
use crate::platform::http::Problem;
use crate::platform::http::problem::FieldError;
use crate::platform::ids::{AccountId, CustomerId, InvoiceId, ReceiptId};
use crate::platform::unit_of_work::{Audited, Tx};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::json;

/// A held cheque goes to the bank: from now on it is in the books, and settles what it was sent for.
pub fn deposit(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, wanted: &Deposit) -> Result<Audited<Receipt>, Problem> {
    let (base, today) = (tx.cx().currency(), tx.cx().today);
    let unlocked = store::head(tx, id, false)?;
    if unlocked.state != State::Held {
        return deposit_recorded(tx, id, version, wanted);
    }
    let sent = store::input(tx, id)?;
    let allocations = wanted.allocations.clone().unwrap_or_else(|| sent.allocations.clone());
    let auto_apply = sent.auto_apply.filter(|_| wanted.allocations.is_none());
    let new = rules::with_allocations(&sent, allocations, auto_apply);
    let currencies = rules::currencies(&new, base).map_err(Problem::invalid)?;
    let mut errors = target_faults("/allocations", &new.allocations, currencies.settles);
    let on = step_day(wanted.deposited_on, "/deposited_on", unlocked.cheque_date.unwrap_or(unlocked.receipt_date), today).unwrap_or_else(|faults| {
        errors.extend(faults);
        today
    });
    errors.extend(rules::stale_on("/deposited_on", unlocked.cheque_date, on));
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let concerned = customers_of(tx, &new.allocations)?;
    let (head, before) = lock(tx, id, version, concerned)?;
    let (State::Held, Some(customer)) = (head.state, head.customer_id) else { return Err(invalid_state(&head, "It is deposited already.")) };
    let bank = bank(tx, wanted.bank_account_id.or(head.bank_account_id))?;
    let rate = rate_on(tx, currencies.money, new.exchange_rate.map(|rate| rate.0), on)?;
    let worth = worth(tx, &new, currencies, rate, base)?;
    let credit = OpenItem { document_number: head.number.clone(), ..credit(id, customer, &new, &worth, base, on) };
    concede(tx, &new, id, customer, &worth, base)?;
    let terms = new.gst_advance.as_ref().map(|wanted| advance_terms(tx, wanted, customer, on)).transpose()?;
    // The value of a cheque counts from its deposit.
    let instructions = Instructions { terms: Terms { value_date: on, ..Instructions::of(&new).terms }, ..Instructions::of(&new) };
    let (mut plan, _) = plan(tx, &credit, rules::purses(&new), instructions, on)?;
    plan.numbered(&head.number);
    let entry = ledger::post(tx, &posting(&credit, &head.number, &new, &worth, bank, on))?;
    plan.write(tx)?;
    let advance = open_advance(tx, terms, &credit, &plan, on)?;
    let step = Step {
        advance,
        state: Some(State::Recorded),
        clearing: Some(Clearing::Deposited),
        item: Some(credit.id),
        entry: Some(entry),
        bank_account: wanted.bank_account_id,
        posting_date: Some(on),
        deposited_on: Some(on),
        exchange_rate: Some(worth.rate),
        ..Step::default()
    };
    store::advance(tx, id, &step)?;
    changed(tx, id, &before, "receipt.deposited", None)
}

fn bank(tx: &mut Tx<'_>, account: Option<crate::platform::ids::BankAccountId>) -> Result<Option<AccountId>, Problem> {
    match account {
        None => Ok(None),
        Some(account) => store::bank(tx, account)?.map(Some).ok_or_else(|| Problem::reference("bank_account", "/bank_account_id")),
    }
}

/// A cheque that is in the books already goes to the bank: nothing moves.
fn deposit_recorded(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, wanted: &Deposit) -> Result<Audited<Receipt>, Problem> {
    let (head, before) = lock(tx, id, version, Vec::new())?;
    if head.clearing != Some(Clearing::Received) || !matches!(head.state, State::Recorded | State::Unidentified) {
        return Err(invalid_state(&head, "Only a cheque that was received can be deposited."));
    }
    if wanted.allocations.is_some() || wanted.bank_account_id.is_some() {
        let detail = "The cheque is in the books already; use allocations of its own.";
        return Err(Problem::invalid(vec![FieldError::at("/allocations", "already_posted", detail)]));
    }
    let on = step_day(wanted.deposited_on, "/deposited_on", head.receipt_date, tx.cx().today).map_err(Problem::invalid)?;
    store::advance(tx, id, &Step { clearing: Some(Clearing::Deposited), deposited_on: Some(on), ..Step::default() })?;
    changed(tx, id, &before, "receipt.deposited", None)
}

/// The bank credited the cheque for good.
pub fn clear(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, wanted: &Clear) -> Result<Audited<Receipt>, Problem> {
    let (head, before) = lock(tx, id, version, Vec::new())?;
    if !matches!(head.clearing, Some(Clearing::Received | Clearing::Deposited)) || !matches!(head.state, State::Recorded | State::Unidentified) {
        return Err(invalid_state(&head, "Only a cheque at the bank can clear."));
    }
    let on = step_day(wanted.cleared_on, "/cleared_on", head.deposited_on.unwrap_or(head.receipt_date), tx.cx().today).map_err(Problem::invalid)?;
    store::advance(tx, id, &Step { clearing: Some(Clearing::Cleared), cleared_on: Some(on), ..Step::default() })?;
    changed(tx, id, &before, "receipt.cleared", None)
}

/// The bank returns a cheque or mandate: everything it settled opens again at its original due date, discounts
/// come back, and the fee is charged by a debit note.
pub fn bounce(tx: &mut Tx<'_>, id: ReceiptId, version: Option<i64>, wanted: &Bounce) -> Result<Audited<Receipt>, Problem> {
    let base = tx.cx().currency();
    let mut errors = rules::fee_faults(wanted.fee, base);
    lock_parties(tx, id.uuid())?;
    let (head, before) = lock(tx, id, version, Vec::new())?;
    if !matches!(head.method, Method::Cheque | Method::Nach) {
        return Err(invalid_state(&head, "Only a cheque or NACH mandate bounces; reverse other receipts."));
    }
    if !matches!(head.state, State::Recorded | State::Unidentified) || head.clearing == Some(Clearing::Cleared) {
        return Err(invalid_state(&head, "Only money in the books that did not clear yet bounces."));
    }
    let presented = head.posting_date.unwrap_or(head.receipt_date).max(head.deposited_on.unwrap_or(head.receipt_date));
    let on = step_day(wanted.bounced_on, "/bounced_on", presented, tx.cx().today).unwrap_or_else(|faults| {
        errors.extend(faults);
        head.receipt_date
    });
    let fee = wanted.fee.map(|fee| fee.0).filter(|fee| *fee > Decimal::ZERO);
    if fee.is_some() && head.customer_id.is_none() {
        errors.push(FieldError::at("/fee", "payer_unknown", "Nobody knows yet whom to charge; identify the receipt first."));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    take_back(tx, &head, on, &wanted.reason)?;
    let fee_note = match (fee, head.customer_id) {
        (Some(fee), Some(customer)) => Some(charge(tx, &head, customer, fee, on)?),
        _ => None,
    };
    let step = Step {
        state: Some(State::Bounced),
        clearing: head.clearing.map(|_| Clearing::Bounced),
        ended_on: Some(on),
        end_reason: Some(wanted.reason.clone()),
        fee_note,
        ..Step::default()
    };
    store::advance(tx, id, &step)?;
    changed(tx, id, &before, "receipt.bounced", Some(&wanted.reason))
}

/// A debit note for the bank's fee. A charge for dishonour is a penalty and no consideration for a supply
/// (CBIC circular 178/10/2022, para 7.1), so it carries no tax.
fn charge(tx: &mut Tx<'_>, head: &Head, customer: CustomerId, fee: Decimal, on: NaiveDate) -> Result<InvoiceId, Problem> {
    let note: NewDebitNote = serde_json::from_value(json!({
        "customer_id": customer, "free": true, "reason_code": "other", "note_date": on, "due_date": on, "issue": true, "currency": tx.cx().currency().code(),
        "lines": [{"description": format!("Dishonour charges on {}", head.number), "hsn_code": "999799", "is_service": true, "quantity": "1", "unit": "OTH", "unit_price": fee.to_string(), "tax_rate": "0", "treatment": "non_gst"}],
    }))
    .map_err(|e| Problem::internal(&e))?;
    let made = billing::create_by_right(tx, &note)?;
    made.get().document.id.ok_or_else(|| Problem::internal(&"a debit note without id"))
}
