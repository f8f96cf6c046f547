//! Money comes in: what it is worth, what is conceded with it, and what it leaves in the books.

use super::super::posting::{Worth, posting, unidentified};
use super::super::store::{DeductionRow, Head, Origin};
use super::super::types::{Clearing, DeductionKind, Method, NewReceipt, Receipt, State};
use super::super::{problems, rules, store};
use super::placing::{Instructions, advance_terms, credit, open_advance, placed_of, placed_rows, plan};
use crate::cash::allocations::settlement::resolve;
use crate::cash::allocations::store::customers_of;
use crate::control::approvals::rules::Band;
use crate::control::approvals::{self, Action, Request};
use crate::ledger::advances;
use crate::ledger::numbering::{self, NumberedKind};
use crate::ledger::open_items::store::{lock_customers, named};
use crate::ledger::periods;
use crate::ledger::problems::AMOUNT_TOO_SMALL;
use crate::ledger::{self, OpenItem};
use crate::master_data::customers::reference::NamesCustomer;
use crate::master_data::exchange_rates::service::{plausible, rate_on};
use crate::platform::http::Problem;
use crate::platform::http::problem::FieldError;
use crate::platform::ids::{CustomerId, EntryId, ReceiptId};
use crate::platform::money::{Currency, LARGEST, round};
use crate::platform::unit_of_work::{Audited, Change, Tx};
use chrono::NaiveDate;
use rust_decimal::{Decimal, dec};
use serde_json::{Value, json};

/// Records money in: posts it and settles what it was sent for. Money of an unknown payer waits among the
/// unidentified receipts; a cheque of a later date waits for its deposit outside the books.
pub fn record(tx: &mut Tx<'_>, new: &NewReceipt) -> Result<Audited<Receipt>, Problem> {
    let (base, today) = (tx.cx().currency(), tx.cx().today);
    let customer = new.customer();
    let currencies = rules::currencies(new, base).map_err(Problem::invalid)?;
    let mut errors = rules::faults(new, currencies, today);
    match customer.missing() {
        Some(missing) if !new.unidentified => errors.push(missing),
        None if new.unidentified => errors.push(FieldError::at("/unidentified", "payer_known", "A customer is named; leave this out.")),
        _ => {}
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    customer.unambiguous()?;
    let ground = if new.unidentified { store::ground_of_nobody(tx, new)? } else { store::lock_ground(tx, new)?.ok_or_else(|| customer.unknown())? };
    if new.bank_account_id.is_some() && ground.bank.is_none() {
        return Err(Problem::reference("bank_account", "/bank_account_id"));
    }
    if let Some(id) = ground.duplicate_of {
        return Err(Problem::new(problems::DUPLICATE_RECEIPT_EXTERNAL_ID, "Another receipt has this external_id.").member("current", json!({"id": id})));
    }
    if let Some(id) = ground.same_utr.filter(|_| !new.allow_duplicate) {
        return Err(Problem::new(
            problems::DUPLICATE_RECEIPT,
            "This bank reference is recorded already; send allow_duplicate with a reason if it is another payment.",
        )
        .member("current", json!({"id": id})));
    }
    if let Some(id) = ground.twin.filter(|_| !new.allow_duplicate) {
        let detail = "The same customer paid the same amount in the same way within three days, and no reference tells the two apart; send allow_duplicate with a reason if it is another payment.";
        return Err(Problem::new(problems::DUPLICATE_RECEIPT, detail).member("current", json!({"id": id})));
    }
    let registration = ground.registration.ok_or_else(|| Problem::internal(&"a company without registration"))?;
    let rate = rate_on(tx, currencies.money, new.exchange_rate.map(|rate| rate.0), new.receipt_date)?;
    let worth = worth(tx, new, currencies, rate, base)?;
    let on = periods::posting_date(tx, new.receipt_date, new.post_late)?;
    let (id, year) = (ReceiptId::new(), tx.cx().fiscal_year(new.receipt_date));
    let input = if rules::held(new) { Some(serde_json::to_value(new).map_err(|e| Problem::internal(&e))?) } else { None };
    let origin = Origin { registration, fiscal_year: year.0, duplicate_allowed: new.allow_duplicate, input };
    let mut head = head(new, id, &worth, tx)?;
    head.bank_account_id = ground.bank_account;
    let mut placed = Vec::new();
    let terms = new.gst_advance.as_ref().map(|wanted| advance_terms(tx, wanted, ground.customer, new.receipt_date)).transpose()?;
    if rules::held(new) {
        // What it names must be there now; whether it fits is seen on the day.
        resolve(tx, "/allocations", &new.allocations, ground.customer, worth.currency, new.cheque_date.unwrap_or(on))?;
        head.state = State::Held;
        head.customer_id = Some(ground.customer);
        head.number = numbering::take(tx, registration, NumberedKind::Receipt, year)?;
    } else if new.unidentified {
        head.state = State::Unidentified;
        head.posting_date = Some(on);
        head.number = numbering::take(tx, registration, NumberedKind::Receipt, year)?;
        head.entry_id = Some(ledger::post(tx, &unidentified(id.uuid(), &head.number, new, &worth, ground.bank, on))?);
    } else {
        concede(tx, new, id, ground.customer, &worth, base)?;
        let credit = credit(id, ground.customer, new, &worth, base, on);
        let purses = rules::purses(new);
        let (mut plan, debits) = plan(tx, &credit, purses, Instructions::of(new), on)?;
        head.number = numbering::take(tx, registration, NumberedKind::Receipt, year)?;
        plan.numbered(&head.number);
        let entry = ledger::post(tx, &posting(&credit, &head.number, new, &worth, ground.bank, on))?;
        enter(&mut head, &credit, entry, on);
        plan.write(tx)?;
        head.advance = open_advance(tx, terms, &OpenItem { document_number: head.number.clone(), ..credit.clone() }, &plan, on)?;
        head.open = credit.amount - placed_of(&plan, &credit);
        head.moves = i64::try_from(plan.allocations.iter().filter(|a| a.credit_item == credit.id).count()).unwrap_or(i64::MAX);
        placed = placed_rows(&plan.allocations, &credit, &debits);
    }
    let deductions: Vec<_> =
        new.deductions.iter().map(|d| DeductionRow { kind: d.kind, section: d.section.clone(), rate: d.rate.map(|rate| rate.0), amount: d.amount.0 }).collect();
    store::insert(tx, &head, &origin, &deductions)?;
    let standing = if head.advance.is_some() { advances::of_receipt(tx, id)? } else { None };
    let receipt = store::answer(head, deductions, &placed, standing.as_ref(), tx.cx());
    let mut change = Change::new("receipt.recorded", id.uuid()).version(receipt.version).after(&receipt);
    if let Some(reason) = &new.reason {
        change = change.reason(reason);
    }
    Ok(tx.record(change, receipt))
}

/// Who pays and whose documents are paid, in one order whatever the order of the rows.
pub fn lock_concerned(tx: &mut Tx<'_>, rows: &[&NewReceipt]) -> Result<(), Problem> {
    let targets: Vec<_> = rows.iter().flat_map(|row| &row.allocations).cloned().collect();
    let mut concerned = named(tx, rows)?;
    concerned.extend(customers_of(tx, &targets)?);
    lock_customers(tx, concerned)
}

/// What the money is worth, when that is believable: a stated or implied rate lies near one that is known, and the
/// base amount is one the books can hold.
pub(super) fn worth(tx: &mut Tx<'_>, new: &NewReceipt, currencies: rules::Currencies, rate: Decimal, base: Currency) -> Result<Worth, Problem> {
    let worth = rules::worth(new, currencies, rate, base);
    let in_base = rules::gross_base(new, &worth, base);
    if currencies.money != base && new.exchange_rate.is_some() {
        plausible(tx, "/exchange_rate", currencies.money, rate, new.receipt_date)?;
    }
    if new.settlement_amount.is_some() {
        if currencies.settles == base && worth.base != Some(worth.amount) {
            let detail = "Settling in base currency, the amount is the money at its rate.";
            let error = FieldError::at("/settlement_amount", "settlement_mismatch", detail).received(worth.amount);
            return Err(Problem::invalid(vec![error.expected(worth.base.unwrap_or_default())]));
        }
        if currencies.settles != base {
            plausible(tx, "/settlement_amount", currencies.settles, worth.rate, new.receipt_date)?;
        }
    }
    let pointer = if new.settlement_amount.is_some() { "/settlement_amount" } else { "/amount_received" };
    if worth.rate < dec!(0.00000001) || worth.rate > dec!(99999999) || in_base <= Decimal::ZERO {
        let detail = format!("The amount comes to nothing in {}.", base.code());
        return Err(Problem::new(AMOUNT_TOO_SMALL, detail.clone()).errors(vec![FieldError::at(pointer, "amount_too_small", detail).received(worth.amount)]));
    }
    if in_base > LARGEST {
        let detail = format!("In {} an amount is at most 9,999,999,999,999.", base.code());
        return Err(Problem::invalid(vec![FieldError::at(pointer, "amount_too_large", detail).received(in_base)]));
    }
    Ok(worth)
}

/// What the payer kept as discount or charges is conceded by whoever records it, within their band.
pub static CONCEDE: Action = Action {
    name: "receipt.concede",
    kind: "deductions",
    permission: "receipts:approve",
    direct: "receipts:write",
    bars_cash_handlers: false,
    bars_salesperson: false,
    bands: &[Band::to(500_000, 0), Band::above(1)],
    parties: approvals::of_request,
    version: |_, _| Ok(1),
    execute: |_, _| Ok(()),
    reject: |_, _| Ok(()),
};

pub(super) fn concede(tx: &mut Tx<'_>, new: &NewReceipt, id: ReceiptId, customer: CustomerId, worth: &Worth, base: Currency) -> Result<(), Problem> {
    let kept = |kind| matches!(kind, DeductionKind::Discount | DeductionKind::Charges);
    let conceded: Decimal = new.deductions.iter().filter(|d| kept(d.kind)).map(|d| d.amount.0).sum();
    if conceded.is_zero() {
        return Ok(());
    }
    let request = Request {
        action: &CONCEDE,
        subject: id.uuid(),
        version: 1,
        customer: Some(customer),
        amount: round(conceded * worth.rate, base.exponent()),
        makers: Vec::new(),
        reason: new.reason.as_deref(),
        before: Value::Null,
        after: json!({"deductions": new.deductions}),
        payload: Value::Null,
    };
    approvals::concede(tx, &request)
}

fn head(new: &NewReceipt, id: ReceiptId, worth: &Worth, tx: &Tx<'_>) -> Result<Head, Problem> {
    let cx = tx.cx();
    let gross = rules::gross(new);
    Ok(Head {
        id,
        number: String::new(),
        external_id: new.external_id.clone(),
        state: State::Recorded,
        customer_id: None,
        currency: new.currency.clone().unwrap_or_else(|| cx.currency().code().to_owned()),
        receipt_date: new.receipt_date,
        posting_date: None,
        value_date: new.value_date.unwrap_or(new.receipt_date),
        method: new.method.unwrap_or(Method::Other),
        settlement_currency: new.settlement_currency.clone(),
        settlement_amount: new.settlement_amount.map(|amount| amount.0),
        exchange_rate: worth.rate,
        clearing: (new.method == Some(Method::Cheque)).then_some(Clearing::Received),
        cheque_number: new.cheque_number.clone(),
        cheque_date: new.cheque_date,
        deposited_on: None,
        cleared_on: None,
        identified_on: None,
        ended_on: None,
        end_reason: None,
        fee_note_id: None,
        on_account: new.on_account,
        version: 1,
        bank_account_id: new.bank_account_id,
        utr: new.utr.clone(),
        payer_name: new.payer_name.clone(),
        amount_received: new.amount_received.0,
        gross_settled: gross,
        item_id: None,
        entry_id: None,
        advance: None,
        metadata: serde_json::to_value(&new.metadata).map_err(|e| Problem::internal(&e))?,
        created_by: cx.actor.to_string(),
        created_at: cx.now,
        open: gross,
        moves: 0,
    })
}

fn enter(head: &mut Head, credit: &OpenItem, entry: EntryId, on: NaiveDate) {
    head.customer_id = Some(credit.customer);
    head.item_id = Some(credit.id);
    head.entry_id = Some(entry);
    head.posting_date = Some(on);
}
