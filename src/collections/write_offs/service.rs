//! The verbs of write-offs.

use super::problems::{DUPLICATE_TARGET, DUPLICATE_WRITE_OFF_EXTERNAL_ID, OVER_RECOVERY};
use super::store::{self, Asked, Head};
use super::types::{NewRecovery, NewWriteOff, ReverseWriteOff, WriteOff, WriteOffStatus};
use crate::collections::targets::{Found, ITEM_CURRENCY_MISMATCH, ITEM_CUSTOMER_MISMATCH, Wanted, lock_debits, over_open};
use crate::control::approvals::rules::Band;
use crate::control::approvals::{Action, Approved, Gate, Request, gate, of_document, of_request, subject_changed};
use crate::ledger::numbering::{self, NumberedKind};
use crate::ledger::open_items::contra::{Contra, settle_against, worth};
use crate::ledger::open_items::store::{lock_customers, lock_items_of};
use crate::ledger::{AccountRole, AllocationKind, DocumentKind, OpenItem, Side, Unwind, lock_parties, unwind};
use crate::master_data::customers;
use crate::master_data::customers::reference::NamesCustomer;
use crate::platform::http::faults;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::require_version;
use crate::platform::ids::WriteOffId;
use crate::platform::unit_of_work::{Audited, Change, Tx};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

pub static POST: Action = Action {
    name: "write_off.post",
    kind: "write_offs",
    permission: "write_offs:approve",
    direct: "write_offs:write",
    bars_cash_handlers: true,
    bars_salesperson: false,
    bands: &[Band::to(1_000_000, 1), Band::above(2)],
    parties: of_request,
    version: |rx, asked| Ok(store::head(rx, WriteOffId::of(asked.subject))?.book_version()),
    execute: |tx, asked| post(tx, WriteOffId::of(asked.subject)),
    reject: |tx, asked| {
        let id = WriteOffId::of(asked.subject);
        store::rejected(tx, id)?;
        let after = store::get(tx, id)?;
        let _ = tx.record(Change::new("write_off.rejected", asked.subject).version(after.version).after(&after), ());
        Ok(())
    },
};

pub static REVERSE: Action = Action {
    name: "write_off.reverse",
    kind: "write_off_reversals",
    permission: "write_offs:approve",
    direct: "write_offs:write",
    bars_cash_handlers: false,
    bars_salesperson: false,
    bands: &[Band::to(500_000, 0), Band::above(1)],
    parties: of_document,
    version: |rx, asked| Ok(store::head(rx, WriteOffId::of(asked.subject))?.book_version()),
    execute: |tx, asked: &Approved| {
        let wanted: ReverseWriteOff = serde_json::from_value(asked.payload.clone()).map_err(|e| Problem::internal(&e))?;
        lock_parties(tx, asked.subject)?;
        take_back(tx, WriteOffId::of(asked.subject), &wanted)
    },
    reject: |_, _| Ok(()),
};

/// Asks for a write-off; posted at once only where the company's bands let one person do it.
pub fn request(tx: &mut Tx<'_>, new: &NewWriteOff) -> Result<Audited<WriteOff>, Problem> {
    let today = tx.cx().today;
    let on = new.written_off_on.unwrap_or(today);
    let mut errors: Vec<FieldError> = faults::in_future("/written_off_on", on, today).into_iter().collect();
    for (at, item) in new.items.iter().enumerate() {
        if let Some(amount) = item.amount.filter(|amount| amount.0 <= Decimal::ZERO) {
            errors.push(FieldError::at(format!("/items/{at}/amount"), "too_small", "An amount is more than 0.").received(amount.0));
        }
    }
    errors.extend(new.customer().missing());
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    for (at, item) in new.items.iter().enumerate() {
        if new.items[..at].iter().any(|other| other.target_id == item.target_id) {
            let detail = "A document is named once.";
            return Err(Problem::new(DUPLICATE_TARGET, detail).errors(vec![FieldError::at(format!("/items/{at}/target_id"), "duplicate_target", detail)]));
        }
    }
    let customer = customers::store::find(tx, &new.customer())?;
    lock_customers(tx, vec![customer])?;
    if let Some(id) = store::known(tx, new.external_id.as_deref())? {
        return Err(Problem::new(DUPLICATE_WRITE_OFF_EXTERNAL_ID, DUPLICATE_WRITE_OFF_EXTERNAL_ID.title).member("current", json!({"id": id})));
    }
    let wanted: Vec<Wanted> = new
        .items
        .iter()
        .map(|item| Wanted { kind: item.target_type.as_str().to_owned(), document: item.target_id, amount: item.amount.map(|amount| amount.0) })
        .collect();
    let found = lock_debits(tx, "/items", &wanted, customer)?;
    let base_currency = tx.cx().currency();
    let currency = found.first().and_then(|f| f.parts.first()).map_or(base_currency, |(item, _)| item.currency);
    let base: Decimal = found.iter().flat_map(|f| &f.parts).map(|(item, part)| worth(item, *part, base_currency)).sum::<Result<_, _>>()?;
    let id = WriteOffId::new();
    store::insert(
        tx,
        &Asked {
            id,
            external_id: new.external_id.as_deref(),
            customer,
            currency,
            on,
            reason_code: new.reason_code.as_deref(),
            reason: &new.reason,
            amount: found.iter().map(|f| f.amount).sum(),
            base,
            lines: wanted.iter().zip(&found).map(|(w, f)| (w.kind.clone(), w.document, f.number.clone(), f.amount)).collect(),
        },
    )?;
    let asked = store::get(tx, id)?;
    let request = Request {
        action: &POST,
        subject: id.uuid(),
        version: 1,
        customer: Some(customer),
        amount: base,
        makers: Vec::new(),
        reason: Some(&new.reason),
        before: Value::Null,
        after: serde_json::to_value(&asked).map_err(|e| Problem::internal(&e))?,
        payload: Value::Null,
    };
    if let Gate::Open = gate(tx, &request)? {
        post_found(tx, id, found)?;
    }
    let answer = store::get(tx, id)?;
    Ok(tx.record(Change::new("write_off.requested", id.uuid()).version(answer.version).after(&answer).reason(&new.reason), answer))
}

/// Posts what was approved, as far as it is still open. The customer's balance is locked.
fn post(tx: &mut Tx<'_>, id: WriteOffId) -> Result<(), Problem> {
    let head = store::head(tx, id)?;
    let wanted = store::wanted(tx, id)?;
    let found = lock_debits(tx, "/items", &wanted, head.customer_id)?;
    post_found(tx, id, found)
}

fn post_found(tx: &mut Tx<'_>, id: WriteOffId, found: Vec<Found>) -> Result<(), Problem> {
    let head = store::head(tx, id)?;
    if head.status != WriteOffStatus::PendingApproval {
        return Err(invalid_state(&head, &[]));
    }
    let parts: Vec<(OpenItem, Decimal)> = found.into_iter().flat_map(|f| f.parts).collect();
    let (registration, year, number) = numbering::take_default(tx, NumberedKind::WriteOff, head.written_off_on)?;
    let contra = Contra {
        document_kind: DocumentKind::WriteOff,
        document: id.uuid(),
        number: &number,
        on: head.written_off_on,
        role: AccountRole::BadDebts,
        account: None,
        kind: AllocationKind::WriteOff,
        rule: "write_off",
        reason: &head.reason,
    };
    let bases = settle_against(tx, &contra, &parts)?;
    store::posted(tx, id, registration, year.0, &number, bases.iter().sum())?;
    let after = store::get(tx, id)?;
    let _ = tx.record(Change::new("write_off.posted", id.uuid()).version(after.version).after(&after).reason(&head.reason), ());
    Ok(())
}

/// Takes a write-off back, at once within the band.
pub fn reverse(tx: &mut Tx<'_>, id: WriteOffId, version: Option<i64>, wanted: &ReverseWriteOff) -> Result<Audited<WriteOff>, Problem> {
    let head = store::head(tx, id)?;
    lock_parties(tx, id.uuid())?;
    lock_customers(tx, vec![head.customer_id])?;
    let head = store::head(tx, id)?;
    require_version(version, head.version())?;
    if head.status != WriteOffStatus::Posted {
        return Err(invalid_state(&head, &[]));
    }
    let early = ("before_write_off", "A reversal is not dated before what it takes back.");
    let on = faults::step_day("/reversed_on", wanted.reversed_on, head.written_off_on, tx.cx().today, early).map_err(Problem::invalid)?;
    let before = store::get(tx, id)?;
    let wanted = ReverseWriteOff { reversed_on: Some(on), reason: wanted.reason.clone() };
    let request = Request {
        action: &REVERSE,
        subject: id.uuid(),
        version: head.book_version(),
        customer: Some(head.customer_id),
        amount: head.standing_base,
        makers: Vec::new(),
        reason: Some(&wanted.reason),
        before: serde_json::to_value(&before).map_err(|e| Problem::internal(&e))?,
        after: json!({"status": "reversed", "reversed_on": on}),
        payload: serde_json::to_value(&wanted).map_err(|e| Problem::internal(&e))?,
    };
    if let Gate::Open = gate(tx, &request)? {
        take_back(tx, id, &wanted)?;
    }
    let answer = store::get(tx, id)?;
    let event = if answer.status == WriteOffStatus::Reversed { "write_off.reversal_done" } else { "write_off.reversal_requested" };
    Ok(tx.record(Change::new(event, id.uuid()).version(answer.version).before(&before).after(&answer).reason(&wanted.reason), answer))
}

/// Recoveries first: without the debt given up there is nothing to recover. All parties are locked.
fn take_back(tx: &mut Tx<'_>, id: WriteOffId, wanted: &ReverseWriteOff) -> Result<(), Problem> {
    let on = wanted.reversed_on.unwrap_or(tx.cx().today);
    for document in store::standing_recoveries(tx, id)? {
        unwind(tx, &Unwind { document, kind: DocumentKind::Reversal, on, reason: &wanted.reason })?;
    }
    unwind(tx, &Unwind { document: id.uuid(), kind: DocumentKind::Reversal, on, reason: &wanted.reason })?;
    let after = store::get(tx, id)?;
    let _ = tx.record(Change::new("write_off.reversed", id.uuid()).version(after.version).after(&after).reason(&wanted.reason), ());
    Ok(())
}

/// Turns unapplied money of a receipt into income for what was written off.
pub fn recover(tx: &mut Tx<'_>, id: WriteOffId, new: &NewRecovery) -> Result<Audited<WriteOff>, Problem> {
    let customer = store::head(tx, id)?.customer_id;
    lock_customers(tx, vec![customer])?;
    let (head, before) = (store::head(tx, id)?, store::get(tx, id)?);
    if head.status != WriteOffStatus::Posted {
        return Err(invalid_state(&head, &[]));
    }
    let today = tx.cx().today;
    let currency = crate::platform::money::Currency::parse(&head.currency).ok_or_else(|| Problem::internal(&"a write-off without currency"))?;
    let mut errors = faults::amount("/amount", new.amount.0, currency);
    let early = ("before_write_off", "Nothing is recovered before it was written off.");
    let on = faults::step_day("/recovered_on", new.recovered_on, head.written_off_on, today, early).unwrap_or_else(|faults| {
        errors.extend(faults);
        today
    });
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let money = lock_items_of(tx, vec![new.receipt_id.uuid()])?.into_iter().find(|item| item.side == Side::Credit && item.document_kind == "receipt");
    let money = money.ok_or_else(|| Problem::reference("receipt", "/receipt_id"))?;
    if money.customer != customer {
        let detail = "The receipt belongs to another customer.";
        return Err(Problem::new(ITEM_CUSTOMER_MISMATCH, detail).errors(vec![FieldError::at("/receipt_id", "customer_mismatch", detail)]));
    }
    if money.currency != currency {
        let detail = "Money is recovered in the currency of the write-off.";
        return Err(Problem::new(ITEM_CURRENCY_MISMATCH, detail)
            .errors(vec![FieldError::at("/receipt_id", "currency_mismatch", detail).expected(currency.code()).received(money.currency.code())]));
    }
    let remaining = currency.amount(head.remaining()).0;
    if new.amount.0 > remaining {
        let detail = format!("{remaining} is still written off; {} was asked for.", new.amount.0);
        return Err(Problem::new(OVER_RECOVERY, detail.clone())
            .errors(vec![FieldError::at("/amount", "over_recovery", detail).expected(format!("at most {remaining}")).received(new.amount.0)])
            .member("remaining", remaining.to_string()));
    }
    if new.amount.0 > money.open {
        return Err(over_open("/amount", &money.document_number, currency.amount(money.open).0, new.amount.0));
    }
    let recovery = Uuid::now_v7();
    let number = head.number.clone().unwrap_or_default();
    let reason = format!("Recovered of {number}");
    let contra = Contra {
        document_kind: DocumentKind::Recovery,
        document: recovery,
        number: &number,
        on,
        role: AccountRole::BadDebtsRecovered,
        account: None,
        kind: AllocationKind::Recovery,
        rule: "recovery",
        reason: &reason,
    };
    settle_against(tx, &contra, &[(money, new.amount.0)])?;
    // Whoever asked to take it back saw another one.
    subject_changed(tx, id.uuid())?;
    store::insert_recovery(tx, recovery, &head, new.receipt_id, new.amount.0, on)?;
    let answer = store::get(tx, id)?;
    let _ = tx.record(
        Change::new("recovery.posted", recovery).after(&json!({"write_off_id": id, "receipt_id": new.receipt_id, "amount": new.amount, "recovered_on": on})),
        (),
    );
    Ok(tx.record(Change::new("write_off.recovered", id.uuid()).version(answer.version).before(&before).after(&answer), answer))
}

fn invalid_state(head: &Head, allowed: &[&str]) -> Problem {
    Problem::new(problem::INVALID_STATE, format!("The write-off is {}.", head.status.as_str().replace('_', " ")))
        .member("current", json!({"status": head.status}))
        .member("allowed_actions", json!(allowed))
}
