//! The verbs of adjustments.

use super::problems::{CAP_EXCEEDED, DUPLICATE_ADJUSTMENT_EXTERNAL_ID};
use super::store::{self, Asked, Head, Line};
use super::types::{Adjustment, AdjustmentCause, AdjustmentStatus, ClearSmallBalances, NewAdjustment, ReverseAdjustment, SmallBalanceRun};
use crate::cash::allocations::settlement::unpostable;
use crate::collections::targets::over_open;
use crate::control::approvals::rules::Band;
use crate::control::approvals::{Action, Gate, Request, gate, of_document};
use crate::ledger::numbering::{self, NumberedKind};
use crate::ledger::open_items::contra::{self, Contra, settle_against, worth};
use crate::ledger::open_items::store::{lock_customers, lock_items_of};
use crate::ledger::{AccountRole, AllocationKind, DocumentKind, NewOpenItem, OpenItem, Side, Unwind, lock_parties, unwind};
use crate::platform::http::faults;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::require_version;
use crate::platform::ids::{AdjustmentId, ApprovalId, CustomerId};
use crate::platform::money::{Currency, LARGEST};
use crate::platform::unit_of_work::{Audited, Change, Tx};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

const BANDS: &[Band] = &[Band::to(1_000, 0), Band::to(1_000_000, 1), Band::above(2)];

pub static POST: Action = Action {
    name: "adjustment.post",
    kind: "adjustments",
    permission: "adjustments:approve",
    direct: "adjustments:write",
    bars_cash_handlers: true,
    bars_salesperson: false,
    bands: BANDS,
    parties: |rx, asked| Ok(store::batch(rx, asked.subject)?.iter().map(|head| head.customer_id).collect()),
    version: |rx, asked| {
        let batch = store::batch(rx, asked.subject)?;
        // A run is approved as it was shown; a single adjustment as far as it still fits.
        let run = batch.iter().any(|head| head.cause == AdjustmentCause::SmallBalance);
        let moved = run && store::lines(rx, asked.subject)?.iter().any(|line| line.open_now != line.open_amount);
        Ok(if moved { 2 } else { 1 })
    },
    execute: |tx, asked| post(tx, asked.subject),
    reject: |tx, asked| {
        store::rejected(tx, asked.subject)?;
        for head in store::batch(tx, asked.subject)? {
            let _ = tx.record(Change::new("adjustment.rejected", head.id.uuid()).version(head.version()), ());
        }
        Ok(())
    },
};

pub static REVERSE: Action = Action {
    name: "adjustment.reverse",
    kind: "adjustments",
    permission: "adjustments:approve",
    direct: "adjustments:write",
    bars_cash_handlers: true,
    bars_salesperson: false,
    bands: BANDS,
    parties: of_document,
    version: |rx, asked| Ok(store::head(rx, AdjustmentId::of(asked.subject))?.book_version()),
    execute: |tx, asked| {
        let wanted: ReverseAdjustment = serde_json::from_value(asked.payload.clone()).map_err(|e| Problem::internal(&e))?;
        lock_parties(tx, asked.subject)?;
        take_back(tx, AdjustmentId::of(asked.subject), &wanted)
    },
    reject: |_, _| Ok(()),
};

/// Adjusts one item, at once within the band.
pub fn create(tx: &mut Tx<'_>, new: &NewAdjustment) -> Result<Audited<Adjustment>, Problem> {
    let today = tx.cx().today;
    let on = new.adjusted_on.unwrap_or(today);
    let mut errors: Vec<FieldError> = faults::in_future("/adjusted_on", on, today).into_iter().collect();
    if new.amount.0.is_zero() || new.amount.0.abs() > LARGEST {
        errors.push(FieldError::at("/amount", "out_of_range", "An amount is not 0 and at most 9,999,999,999,999 either way.").received(new.amount.0));
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let kind = new.target_type.as_str();
    let Some(customer) = store::owner(tx, kind, new.target_id)? else {
        return Err(unpostable(tx, new.target_id, kind, "/target_id")?);
    };
    lock_customers(tx, vec![customer])?;
    if let Some(id) = store::known(tx, new.external_id.as_deref())? {
        return Err(Problem::new(DUPLICATE_ADJUSTMENT_EXTERNAL_ID, DUPLICATE_ADJUSTMENT_EXTERNAL_ID.title).member("current", json!({"id": id})));
    }
    let mut items: Vec<OpenItem> = lock_items_of(tx, vec![new.target_id])?.into_iter().filter(|item| item.document_kind == kind).collect();
    items.sort_by_key(|item| (item.due_date, item.id));
    let item = match new.instalment_no {
        Some(no) => usize::try_from(no - 1).ok().and_then(|at| items.get(at)).cloned(),
        None => items.iter().find(|item| item.open > Decimal::ZERO).or(items.first()).cloned(),
    };
    let item = item.ok_or_else(|| Problem::reference("open_item", "/instalment_no"))?;
    if !item.currency.holds(new.amount.0) {
        return Err(Problem::invalid(vec![faults::precision("/amount", new.amount.0, item.currency)]));
    }
    let base = signed_base(tx, &item, new.amount.0, "/amount")?;
    let id = AdjustmentId::new();
    store::insert(
        tx,
        &Asked {
            id,
            external_id: new.external_id.as_deref(),
            batch: id.uuid(),
            cause: AdjustmentCause::Adjustment,
            customer,
            currency: item.currency,
            on,
            reason_code: new.reason_code.as_deref(),
            reason: &new.reason,
            lines: vec![(item.id, new.amount.0, base, item.open)],
        },
    )?;
    let asked = store::get(tx, id)?;
    let request = Request {
        action: &POST,
        subject: id.uuid(),
        version: 1,
        customer: Some(customer),
        amount: base.abs(),
        makers: Vec::new(),
        reason: Some(&new.reason),
        before: Value::Null,
        after: serde_json::to_value(&asked).map_err(|e| Problem::internal(&e))?,
        payload: Value::Null,
    };
    if let Gate::Open = gate(tx, &request)? {
        post(tx, id.uuid())?;
    }
    let answer = store::get(tx, id)?;
    Ok(tx.record(Change::new("adjustment.requested", id.uuid()).version(answer.version).after(&answer).reason(&new.reason), answer))
}

/// Whether a signed amount settles an item; otherwise it opens one beside it.
fn settles(item: &OpenItem, amount: Decimal) -> bool {
    (item.side == Side::Debit) == amount.is_sign_negative()
}

/// What a signed amount on an item is worth in base currency. Refuses to settle more than is open.
fn signed_base(tx: &mut Tx<'_>, item: &OpenItem, amount: Decimal, pointer: &str) -> Result<Decimal, Problem> {
    let base = tx.cx().currency();
    let size = amount.abs();
    let worth = if settles(item, amount) {
        if size > item.open {
            return Err(over_open(pointer, &item.document_number, item.currency.amount(item.open).0, size));
        }
        worth(item, size, base)?
    } else {
        // At the item's own rate.
        crate::platform::money::round(size * item.base / item.amount, base.exponent())
    };
    Ok(if amount.is_sign_negative() { -worth } else { worth })
}

/// Posts what was asked for together. The customers are locked.
fn post(tx: &mut Tx<'_>, batch: Uuid) -> Result<(), Problem> {
    let lines = store::lines(tx, batch)?;
    let items = lock_items_of(tx, lines.iter().map(|line| line.document_id).collect())?;
    for head in store::batch(tx, batch)? {
        if head.status != AdjustmentStatus::PendingApproval {
            return Err(invalid_state(&head));
        }
        let own: Vec<&Line> = lines.iter().filter(|line| line.adjustment_id == head.id).collect();
        post_one(tx, &head, &own, &items)?;
    }
    Ok(())
}

fn post_one(tx: &mut Tx<'_>, head: &Head, lines: &[&Line], items: &[OpenItem]) -> Result<(), Problem> {
    let mut settling = Vec::new();
    let mut beside = Vec::new();
    let mut base = Decimal::ZERO;
    for line in lines {
        let item = items.iter().find(|item| item.id == line.item_id).ok_or_else(|| Problem::internal(&"an item vanished"))?;
        let worth = signed_base(tx, item, line.amount, "/amount")?;
        base += worth;
        if settles(item, line.amount) {
            settling.push((item.clone(), line.amount.abs()));
        } else {
            let side = if line.amount.is_sign_negative() { Side::Credit } else { Side::Debit };
            beside.push((item.currency, NewOpenItem { base: Some(worth.abs()), ..NewOpenItem::single(item.customer, side, line.amount.abs(), item.due_date) }));
        }
    }
    let (registration, year, number) = numbering::take_default(tx, NumberedKind::Adjustment, head.adjusted_on)?;
    let contra = Contra {
        document_kind: DocumentKind::Adjustment,
        document: head.id.uuid(),
        number: &number,
        on: head.adjusted_on,
        role: AccountRole::Adjustments,
        account: None,
        kind: AllocationKind::Adjustment,
        rule: head.cause.as_str(),
        reason: &head.reason,
    };
    settle_against(tx, &contra, &settling)?;
    for (currency, item) in beside {
        contra::open(tx, &contra, currency, item)?;
    }
    store::posted(tx, head.id, registration, year.0, &number, base)?;
    let after = store::get(tx, head.id)?;
    let _ = tx.record(Change::new("adjustment.posted", head.id.uuid()).version(after.version).after(&after).reason(&head.reason), ());
    Ok(())
}

/// Most items a run clears.
const MOST: i64 = 1_000;

/// Clears small balances: all that fit the caps, or none.
pub fn clear(tx: &mut Tx<'_>, new: &ClearSmallBalances) -> Result<Audited<SmallBalanceRun>, Problem> {
    tx.reads_widely()?;
    let (currency, today) = (tx.cx().currency(), tx.cx().today);
    let mut errors = faults::amount("/max_amount", new.max_amount.0, currency);
    errors.extend(faults::amount("/max_total", new.max_total.0, currency));
    errors.extend(faults::in_future("/as_of", new.as_of, today));
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    if let Some(customer) = new.customer_id {
        crate::master_data::customers::store::find(
            tx,
            &crate::master_data::customers::reference::Reference { id: Some(customer), external_id: None, code: None },
        )?;
    }
    let search = |tx: &mut Tx<'_>| store::small(tx, new.as_of, new.max_amount.0, new.customer_id, new.side, MOST + 1);
    // Locked by customer, then read again: what moved meanwhile is seen as it is.
    let mut customers: Vec<CustomerId> = search(tx)?.iter().map(|small| small.customer_id).collect();
    customers.dedup();
    lock_customers(tx, customers.clone())?;
    let mut found = search(tx)?;
    found.retain(|small| customers.contains(&small.customer_id));
    if i64::try_from(found.len()).unwrap_or(i64::MAX) > MOST {
        return Err(Problem::new(CAP_EXCEEDED, format!("More than {MOST} items are that small; clear one customer at a time or a smaller amount.")));
    }
    let documents = found.iter().map(|small| small.document_id).collect();
    let items: Vec<OpenItem> = lock_items_of(tx, documents)?.into_iter().filter(|item| found.iter().any(|small| small.id == item.id)).collect();
    let sum = |side: Side| -> Decimal { items.iter().filter(|item| item.side == side).map(|item| item.open_base).sum() };
    let (debit, credit) = (sum(Side::Debit), sum(Side::Credit));
    if debit + credit > new.max_total.0 {
        let total = currency.amount(debit + credit).0;
        let detail = format!("{} items of {total} together are open; the run may clear {}.", items.len(), new.max_total.0);
        return Err(Problem::new(CAP_EXCEEDED, detail.clone())
            .errors(vec![FieldError::at("/max_total", "cap_exceeded", detail).expected(format!("at least {total}")).received(new.max_total.0)])
            .member("total", total.to_string())
            .member("count", json!(items.len())));
    }
    let batch = Uuid::now_v7();
    let mut groups: Vec<(CustomerId, &'static str)> = items.iter().map(|item| (item.customer, item.currency.code())).collect();
    groups.sort_unstable();
    groups.dedup();
    for (customer, code) in groups {
        let own = items.iter().filter(|item| item.customer == customer && item.currency.code() == code);
        let signed = |item: &OpenItem, value: Decimal| if item.side == Side::Debit { -value } else { value };
        let asked = Asked {
            id: AdjustmentId::new(),
            external_id: None,
            batch,
            cause: AdjustmentCause::SmallBalance,
            customer,
            currency: Currency::parse(code).unwrap_or(currency),
            on: new.as_of,
            reason_code: None,
            reason: &new.reason,
            lines: own.map(|item| (item.id, signed(item, item.open), signed(item, item.open_base), item.open)).collect(),
        };
        store::insert(tx, &asked)?;
    }
    let mut approval: Option<ApprovalId> = None;
    if !items.is_empty() {
        let request = Request {
            action: &POST,
            subject: batch,
            version: 1,
            customer: new.customer_id,
            amount: debit + credit,
            makers: Vec::new(),
            reason: Some(&new.reason),
            before: Value::Null,
            after: json!({"as_of": new.as_of, "count": items.len(), "debit": currency.amount(debit), "credit": currency.amount(credit), "total": currency.amount(debit + credit)}),
            payload: Value::Null,
        };
        match gate(tx, &request)? {
            Gate::Open => post(tx, batch)?,
            Gate::Pending(id) => approval = Some(id),
        }
    }
    let heads = store::batch(tx, batch)?;
    let run = SmallBalanceRun {
        id: batch,
        object: "small_balance_run",
        as_of: new.as_of,
        status: if approval.is_some() { AdjustmentStatus::PendingApproval } else { AdjustmentStatus::Posted },
        currency: currency.code().to_owned(),
        count: i64::try_from(items.len()).unwrap_or(i64::MAX),
        debit: currency.amount(debit),
        credit: currency.amount(credit),
        total: currency.amount(debit + credit),
        approval_id: approval,
        adjustments: store::answers(tx, heads)?,
    };
    Ok(tx.record(Change::new("small_balance_run.requested", batch).after(&run).reason(&new.reason), run))
}

/// Takes an adjustment back, at once within the band.
pub fn reverse(tx: &mut Tx<'_>, id: AdjustmentId, version: Option<i64>, wanted: &ReverseAdjustment) -> Result<Audited<Adjustment>, Problem> {
    let customer = store::head(tx, id)?.customer_id;
    lock_parties(tx, id.uuid())?;
    lock_customers(tx, vec![customer])?;
    let head = store::head(tx, id)?;
    require_version(version, head.version())?;
    if head.status != AdjustmentStatus::Posted {
        return Err(invalid_state(&head));
    }
    let early = ("before_adjustment", "A reversal is not dated before what it takes back.");
    let on = faults::step_day("/reversed_on", wanted.reversed_on, head.adjusted_on, tx.cx().today, early).map_err(Problem::invalid)?;
    let before = store::get(tx, id)?;
    let wanted = ReverseAdjustment { reversed_on: Some(on), reason: wanted.reason.clone() };
    let request = Request {
        action: &REVERSE,
        subject: id.uuid(),
        version: head.book_version(),
        customer: Some(customer),
        amount: head.base_amount.abs(),
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
    let event = if answer.status == AdjustmentStatus::Reversed { "adjustment.reversal_done" } else { "adjustment.reversal_requested" };
    Ok(tx.record(Change::new(event, id.uuid()).version(answer.version).before(&before).after(&answer).reason(&wanted.reason), answer))
}

fn take_back(tx: &mut Tx<'_>, id: AdjustmentId, wanted: &ReverseAdjustment) -> Result<(), Problem> {
    let on = wanted.reversed_on.unwrap_or(tx.cx().today);
    unwind(tx, &Unwind { document: id.uuid(), kind: DocumentKind::Reversal, on, reason: &wanted.reason })?;
    let after = store::get(tx, id)?;
    let _ = tx.record(Change::new("adjustment.reversed", id.uuid()).version(after.version).after(&after).reason(&wanted.reason), ());
    Ok(())
}

fn invalid_state(head: &Head) -> Problem {
    Problem::new(problem::INVALID_STATE, format!("The adjustment is {}.", head.status.as_str().replace('_', " ")))
        .member("current", json!({"status": head.status}))
        .member("allowed_actions", json!([]))
}
