//! The verbs of periods.

use super::types::{ChecklistItem, CloseLevel, ClosePeriod, Period, PeriodSummary, ReopenPeriod};
use super::{checks, problems};
use crate::control::approvals::{self, rules::Band};
use crate::control::approvals::{Action, Approved, Gate, NOBODY, Request, gate, of_request, subject_changed};
use crate::ledger::periods::{self, Month, PeriodState, snapshots, store};
use crate::platform::dates::{Instant, month_label};
use crate::platform::http::problem::{self, Problem};
use crate::platform::http::reply::require_version;
use crate::platform::unit_of_work::{Audited, Change, Context, Rx, Tx};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// A month with its checklist.
pub fn get(rx: &mut Rx<'_>, month: Month) -> Result<Period, Problem> {
    let period = store::get(rx, month)?;
    answer(rx, &period)
}

fn answer(rx: &mut Rx<'_>, period: &periods::Period) -> Result<Period, Problem> {
    let checklist = if period.state == PeriodState::Closed { Vec::new() } else { checklist(rx, period)? };
    Ok(Period {
        ready: period.state != PeriodState::Closed && checklist.iter().all(|item| item.passed || !item.blocking),
        checklist,
        allowed_actions: allowed_actions(period.state, rx.cx()),
        approval_id: approvals::pending(rx, period.id)?,
        period: summary(period),
    })
}

/// A month as the list shows it.
#[must_use]
pub fn summary(period: &periods::Period) -> PeriodSummary {
    PeriodSummary {
        id: period.id,
        object: "period",
        period: month_label(period.starts_on),
        starts_on: period.starts_on,
        ends_on: period.ends_on,
        state: period.state,
        closed_at: period.closed_at.map(Instant),
        closed_by: period.closed_by.clone(),
        version: period.version,
    }
}

fn allowed_actions(state: PeriodState, cx: &Context) -> Vec<&'static str> {
    let close = (state != PeriodState::Closed && cx.may("periods:close")).then_some("close");
    let reopen = (state != PeriodState::Open && cx.may("periods:reopen")).then_some("reopen");
    close.into_iter().chain(reopen).collect()
}

/// What is found of each is listed up to this many.
const LISTED: usize = 50;

fn checklist(rx: &mut Rx<'_>, period: &periods::Period) -> Result<Vec<ChecklistItem>, Problem> {
    checks()
        .map(|check| {
            let mut items = (check.find)(rx, period)?;
            let count = items.len();
            items.truncate(LISTED);
            Ok(ChecklistItem { task: check.task, about: check.about, blocking: check.blocking, passed: count == 0, count, items })
        })
        .collect()
}

/// Refuses what the state of the month does not allow.
pub fn wrong_state(period: &periods::Period, cx: &Context) -> Problem {
    let state = period.state.as_str().replace('_', " ");
    Problem::new(problem::INVALID_STATE, format!("The period {} is {state}.", month_label(period.starts_on)))
        .member("current", json!({"status": period.state, "version": period.version}))
        .member("allowed_actions", allowed_actions(period.state, cx))
}

/// Closes a month. It waits until no posting is in flight, and none begins before it is done.
pub fn close(tx: &mut Tx<'_>, month: Month, version: Option<i64>, wanted: &ClosePeriod) -> Result<Audited<Period>, Problem> {
    tx.reads_widely()?;
    // What waits about the month is stale then. Approvals come before the books in the order of locks.
    let found = store::get(tx, month)?;
    subject_changed(tx, found.id)?;
    let period = store::lock(tx, month)?;
    require_version(version, period.version)?;
    let (state, action) = match (wanted.level, period.state) {
        (CloseLevel::Soft, PeriodState::Open) => (PeriodState::SoftClosed, "period.soft_closed"),
        (CloseLevel::Hard, PeriodState::Open | PeriodState::SoftClosed) => (PeriodState::Closed, "period.closed"),
        _ => return Err(wrong_state(&period, tx.cx())),
    };
    let mut snapshot = None;
    if state == PeriodState::Closed {
        let checklist = checklist(tx, &period)?;
        let blocking: Vec<_> = checklist.iter().filter(|item| item.blocking && !item.passed).collect();
        if !blocking.is_empty() {
            let tasks: Vec<&str> = blocking.iter().map(|item| item.task).collect();
            return Err(Problem::new(problems::CLOSE_BLOCKED, format!("{} must be settled first: {}.", month_label(month.0), tasks.join(", ")))
                .member("blocking", json!(blocking)));
        }
        snapshot = Some(snapshots::take(tx, &period)?);
    }
    let closed = store::move_to(tx, &period, state)?;
    let answer = answer(tx, &closed)?;
    let mut after = json!(answer.period);
    if let Some(id) = snapshot {
        let kept = snapshots::newest(tx, month)?;
        after["snapshot"] = json!({"id": id, "version": kept.version, "known_at": kept.known_at, "sha256": kept.sha256});
    }
    let mut change = Change::new(action, period.id).version(closed.version).before(&summary(&period)).after(&after);
    if let Some(reason) = &wanted.reason {
        change = change.reason(reason);
    }
    Ok(tx.record(change, answer))
}

/// Reopening a month takes another person, who did not close it alone (SOD-09).
pub static REOPEN: Action = Action {
    name: "period.reopen",
    kind: "periods",
    permission: "periods:approve",
    direct: NOBODY,
    bars_cash_handlers: false,
    bars_salesperson: false,
    bands: &[Band::above(1)],
    parties: of_request,
    version: |rx, asked| Ok(store::by_id(rx, asked.subject)?.version),
    execute: open_again,
    reject: |_, _| Ok(()),
};

/// Asks for a month to be opened again; it is when another person agrees.
pub fn reopen(tx: &mut Tx<'_>, month: Month, version: Option<i64>, wanted: &ReopenPeriod) -> Result<Audited<Period>, Problem> {
    let period = store::get(tx, month)?;
    require_version(version, period.version)?;
    if period.state == PeriodState::Open {
        return Err(wrong_state(&period, tx.cx()));
    }
    let before = summary(&period);
    let request = Request {
        action: &REOPEN,
        subject: period.id,
        version: period.version,
        customer: None,
        amount: Decimal::ZERO,
        makers: period.closed_by.iter().cloned().collect(),
        reason: Some(&wanted.reason),
        before: json!(before),
        after: json!({"state": PeriodState::Open}),
        payload: Value::Null,
    };
    if let Gate::Open = gate(tx, &request)? {
        return Err(Problem::internal(&"a period was reopened by one person"));
    }
    let answer = answer(tx, &period)?;
    Ok(tx.record(Change::new("period.reopen_asked", period.id).version(period.version).before(&before).reason(&wanted.reason), answer))
}

fn open_again(tx: &mut Tx<'_>, asked: &Approved) -> Result<(), Problem> {
    let month = Month(store::by_id(tx, asked.subject)?.starts_on);
    let period = store::lock(tx, month)?;
    let opened = store::move_to(tx, &period, PeriodState::Open)?;
    let change = Change::new("period.reopened", period.id).version(opened.version).before(&summary(&period)).after(&summary(&opened));
    let _ = tx.record(change.reason(asked.reason.clone().unwrap_or_default()), ());
    Ok(())
}
