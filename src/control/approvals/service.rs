//! The verbs of approvals.

use super::problems::{APPROVAL_LIMIT_EXCEEDED, APPROVAL_STALE, SOD_CONFLICT, SOD_SELF_APPROVAL};
use super::rules::{Band, faults, steps};
use super::store::{self, Row};
use super::types::{Approval, ApprovalFilter, ApprovalPolicies, ApprovalPolicy, ApprovalStatus, DecisionKind, NewBands};
use super::{Action, Approved, NOBODY, action, actions, of_request};
use crate::access::waivers;
use crate::ledger::open_items::store::lock_customers;
use crate::platform::dates::Instant;
use crate::platform::http::problem::{self, Problem};
use crate::platform::http::reply::require_version;
use crate::platform::ids::{ApprovalId, CompanyId, CustomerId, UserId};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::{Actor, Audited, Change, Context, Rx, Tx};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// What somebody wants to do.
pub struct Request<'r> {
    pub action: &'static Action,
    pub subject: Uuid,
    /// The subject's version as the requester leaves it.
    pub version: i64,
    /// Its balance is locked by the caller.
    pub customer: Option<CustomerId>,
    /// In base currency, not negative.
    pub amount: Decimal,
    /// Who made or edited the subject, as `created_by` shows them.
    pub makers: Vec<String>,
    pub reason: Option<&'r str>,
    pub before: Value,
    pub after: Value,
    /// Given back to the act when it is approved.
    pub payload: Value,
}

/// Whether an act may be done at once.
#[must_use]
pub enum Gate {
    Open,
    /// It waits for this request.
    Pending(ApprovalId),
}

/// Asks for an act: open within the zero band for those who may act directly, else a request in the inbox.
/// Either way the act counts in the rolling sum.
pub fn gate(tx: &mut Tx<'_>, request: &Request<'_>) -> Result<Gate, Problem> {
    let action = request.action;
    let direct = tx.cx().may(action.direct);
    let own = store::bands(tx, action.kind)?;
    let rolling = store::rolling(tx, action.kind, request.customer)? + request.amount;
    let needed = steps(own.as_ref().map_or(action.bands, |(bands, _)| bands), rolling, direct);
    let id = ApprovalId::new();
    store::insert(tx, id, action, request, rolling, needed)?;
    if needed == 0 {
        return Ok(Gate::Open);
    }
    let asked = get(tx, id)?;
    let mut change = Change::new("approval.requested", id.uuid()).after(&asked);
    if let Some(reason) = request.reason {
        change = change.reason(reason);
    }
    let _ = tx.record(change, ());
    Ok(Gate::Pending(id))
}

/// For acts that cannot wait: done within the zero band, and refused beyond it. They count in the rolling sum.
pub fn concede(tx: &mut Tx<'_>, request: &Request<'_>) -> Result<(), Problem> {
    match gate(tx, request)? {
        Gate::Open => Ok(()),
        Gate::Pending(_) => {
            let detail = "With what this caller conceded to the customer in the last 30 days it is more than one person may; issue a credit note or write it off instead.";
            Err(Problem::new(APPROVAL_LIMIT_EXCEEDED, detail).member("rule", "SOD-17"))
        }
    }
}

/// For acts without bands: who may act directly acts, without a row in the register; everybody else asks.
pub fn gate_unless_direct(tx: &mut Tx<'_>, request: &Request<'_>) -> Result<Gate, Problem> {
    let direct = tx.cx().may(request.action.direct);
    if direct { Ok(Gate::Open) } else { gate(tx, request) }
}

/// A subject that changes makes what is pending about it stale.
pub fn subject_changed(tx: &mut Tx<'_>, subject: Uuid) -> Result<(), Problem> {
    store::make_stale(tx, subject)
}

/// The newest pending request about a subject.
pub fn pending(rx: &mut Rx<'_>, subject: Uuid) -> Result<Option<ApprovalId>, Problem> {
    store::pending(rx, subject)
}

/// A request locked for a decision, with everybody its act concerns before it.
fn lock(tx: &mut Tx<'_>, id: ApprovalId, version: Option<i64>) -> Result<Row, Problem> {
    let found = store::get(tx, id, false)?;
    let (action, asked) = (action(&found.action)?, found.approved());
    let parties = (action.parties)(tx, &asked)?;
    if !parties.is_empty() {
        lock_customers(tx, parties.clone())?;
        if !(action.parties)(tx, &asked)?.iter().all(|party| parties.contains(party)) {
            // Another customer came in while we waited; taking that lock now could wait in a circle.
            return Err(Problem::new(problem::BUSY, "The subject was settled otherwise meanwhile; try again."));
        }
    }
    let row = store::get(tx, id, true)?;
    if row.state == ApprovalStatus::Stale {
        return Err(Problem::new(APPROVAL_STALE, "The subject changed; it must be asked for again.").member("current", json!({"status": row.state})));
    }
    if row.state != ApprovalStatus::Pending {
        return Err(Problem::new(problem::INVALID_STATE, format!("The request is {} already.", row.state))
            .member("current", json!({"status": row.state}))
            .member("allowed_actions", json!([])));
    }
    require_version(version, row.version)?;
    Ok(row)
}

/// Whether this person may decide: the right of the kind, not a maker (SOD-01), not a handler of the customer's cash (SOD-02).
fn may_decide(tx: &mut Tx<'_>, row: &Row, action: &Action) -> Result<(), Problem> {
    let principal = tx.cx().principal.clone().ok_or_else(|| Problem::internal(&"a decision by nobody"))?;
    if !principal.may(action.permission) {
        return Err(Problem::new(problem::PERMISSION_DENIED, format!("This needs the permission {}.", action.permission))
            .member("required_permission", action.permission));
    }
    let me = tx.cx().actor.to_string();
    if row.requested_by == me || row.barred.0.contains(&me) {
        return Err(Problem::new(SOD_SELF_APPROVAL, "You asked for this or made it; another person decides (SOD-01).").member("rule", "SOD-01"));
    }
    if let (Some(customer), true) = (row.customer_id, action.bars_salesperson) {
        refuse_salesperson(tx, customer)?;
    }
    if let (Some(customer), true, Actor::User(user)) = (row.customer_id, action.bars_cash_handlers, tx.cx().actor) {
        let since = tx.cx().now - chrono::Duration::days(90);
        if super::handled_cash(tx, customer, &me, since)? && !waivers::stands(tx, "SOD-02", user)? {
            return Err(Problem::new(SOD_CONFLICT, "You recorded or placed money of this customer in the last 90 days (SOD-02).").member("rule", "SOD-02"));
        }
    }
    Ok(())
}

/// Who sells to a customer decides nothing about its credit (SOD-04).
pub fn refuse_salesperson(rx: &mut Rx<'_>, customer: CustomerId) -> Result<(), Problem> {
    let actor = rx.cx().actor;
    match actor {
        Actor::User(user) if store::sells_to(rx, UserId::of(user), customer)? => {
            Err(Problem::new(SOD_CONFLICT, "The customer's salesperson does not decide about its credit (SOD-04).").member("rule", "SOD-04"))
        }
        _ => Ok(()),
    }
}

/// One decision; the last one needed does the act in the same transaction.
pub fn approve(tx: &mut Tx<'_>, id: ApprovalId, version: Option<i64>, reason: Option<&str>) -> Result<Audited<Approval>, Problem> {
    let row = lock(tx, id, version)?;
    let action = action(&row.action)?;
    may_decide(tx, &row, action)?;
    let asked = row.approved();
    let now = (action.version)(tx, &asked)?;
    if now != row.subject_version {
        let detail = "The subject changed since the approval was asked for; it must be asked for again.";
        return Err(Problem::new(APPROVAL_STALE, detail).member("current", json!({"version": now})));
    }
    let before = answer(tx, row.clone())?;
    let step = before.steps_done + 1;
    store::decide(tx, id, step, DecisionKind::Approve, reason)?;
    let last = step >= row.steps;
    store::set_state(tx, id, if last { ApprovalStatus::Approved } else { ApprovalStatus::Pending })?;
    if last {
        (action.execute)(tx, &asked)?;
    }
    decided(tx, id, &before, "approval.approved", reason)
}

pub fn reject(tx: &mut Tx<'_>, id: ApprovalId, version: Option<i64>, reason: &str) -> Result<Audited<Approval>, Problem> {
    let row = lock(tx, id, version)?;
    let action = action(&row.action)?;
    may_decide(tx, &row, action)?;
    close(tx, row, action, DecisionKind::Reject, ApprovalStatus::Rejected, "approval.rejected", reason)
}

/// By who asked.
pub fn withdraw(tx: &mut Tx<'_>, id: ApprovalId, version: Option<i64>, reason: &str) -> Result<Audited<Approval>, Problem> {
    let row = lock(tx, id, version)?;
    if row.requested_by != tx.cx().actor.to_string() {
        return Err(Problem::new(problem::PERMISSION_DENIED, "Only who asked may withdraw; others reject."));
    }
    let action = action(&row.action)?;
    close(tx, row, action, DecisionKind::Withdraw, ApprovalStatus::Withdrawn, "approval.withdrawn", reason)
}

fn close(
    tx: &mut Tx<'_>,
    row: Row,
    action: &Action,
    decision: DecisionKind,
    state: ApprovalStatus,
    event: &'static str,
    reason: &str,
) -> Result<Audited<Approval>, Problem> {
    let (id, asked) = (row.id, row.approved());
    let before = answer(tx, row)?;
    store::decide(tx, id, before.steps_done + 1, decision, Some(reason))?;
    store::set_state(tx, id, state)?;
    (action.reject)(tx, &asked)?;
    decided(tx, id, &before, event, Some(reason))
}

fn decided(tx: &mut Tx<'_>, id: ApprovalId, before: &Approval, event: &'static str, reason: Option<&str>) -> Result<Audited<Approval>, Problem> {
    let after = get(tx, id)?;
    let mut change = Change::new(event, id.uuid()).version(after.version).before(before).after(&after);
    if let Some(reason) = reason {
        change = change.reason(reason);
    }
    Ok(tx.record(change, after))
}

pub fn get(rx: &mut Rx<'_>, id: ApprovalId) -> Result<Approval, Problem> {
    let row = store::get(rx, id, false)?;
    answer(rx, row)
}

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &ApprovalFilter) -> Result<Page<Approval>, Problem> {
    let page = store::list(rx, paging, filter)?;
    let decisions = store::decisions(rx, page.data.iter().map(|row| row.id).collect())?;
    let cx = rx.cx();
    Ok(page.map(|row| {
        let own = decisions.iter().filter(|(id, _)| *id == row.id).map(|(_, decision)| decision.clone()).collect();
        view(row, own, cx)
    }))
}

fn answer(rx: &mut Rx<'_>, row: Row) -> Result<Approval, Problem> {
    let decisions = store::decisions(rx, vec![row.id])?.into_iter().map(|(_, decision)| decision).collect();
    Ok(view(row, decisions, rx.cx()))
}

fn view(row: Row, decisions: Vec<super::types::Decision>, cx: &Context) -> Approval {
    let currency = cx.currency();
    let me = cx.actor.to_string();
    let may = |permission: &str| cx.principal.as_ref().is_some_and(|principal| principal.may(permission));
    let mut allowed = Vec::new();
    if row.state == ApprovalStatus::Pending {
        if !row.barred.0.contains(&me) && action(&row.action).is_ok_and(|action| may(action.permission)) && decisions.iter().all(|d| d.actor != me) {
            allowed.extend(["approve", "reject"]);
        }
        if row.requested_by == me {
            allowed.push("withdraw");
        }
    }
    Approval {
        id: row.id,
        object: "approval",
        kind: row.kind,
        status: row.state,
        subject_type: row.action.split('.').next().unwrap_or_default().to_owned(),
        action: row.action,
        subject_id: row.subject_id,
        subject_version: row.subject_version,
        customer_id: row.customer_id,
        amount: currency.amount(row.amount),
        rolling_amount: currency.amount(row.rolling_amount),
        currency: currency.code().to_owned(),
        steps_required: row.steps,
        steps_done: i32::try_from(decisions.iter().filter(|d| d.decision == DecisionKind::Approve).count()).unwrap_or(i32::MAX),
        requested_by: row.requested_by,
        reason: row.reason,
        before: row.before,
        after: row.after,
        decisions,
        allowed_actions: allowed,
        version: row.version,
        created_at: Instant(row.created_at),
        decided_at: row.decided_at.map(Instant),
    }
}

pub fn policies(rx: &mut Rx<'_>) -> Result<ApprovalPolicies, Problem> {
    let mut kinds: Vec<&str> = actions().iter().map(|action| action.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    Ok(ApprovalPolicies { data: kinds.into_iter().map(|kind| policy(rx, kind)).collect::<Result<_, _>>()? })
}

fn policy(rx: &mut Rx<'_>, kind: &str) -> Result<ApprovalPolicy, Problem> {
    let of_kind: Vec<&Action> = actions().iter().copied().filter(|action| action.kind == kind).collect();
    let first = of_kind.first().ok_or_else(|| Problem::not_found("approval_policy"))?;
    let (bands, version) = store::bands(rx, kind)?.unwrap_or_else(|| (first.bands.to_vec(), 0));
    Ok(ApprovalPolicy {
        kind: kind.to_owned(),
        permission: first.permission.to_owned(),
        bands,
        actions: of_kind.iter().map(|action| action.name).collect(),
        version,
    })
}

/// New bands for a kind hold when a second person approves them; the subject is the policy of the kind.
pub static CHANGE_POLICY: Action = Action {
    name: "approval_policy.change",
    kind: "policies",
    permission: "approvals:decide",
    direct: NOBODY,
    bars_cash_handlers: false,
    bars_salesperson: false,
    bands: &[Band::above(1)],
    parties: of_request,
    version: |rx, asked| Ok(policy(rx, asked.payload["kind"].as_str().unwrap_or_default())?.version),
    execute: change_policy,
    reject: |_, _| Ok(()),
};

/// A policy has no id of its own: the company and the kind give one.
fn subject(company: CompanyId, kind: &str) -> Uuid {
    let digest = Sha256::digest([company.uuid().as_bytes(), kind.as_bytes()].concat());
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(id).into_uuid()
}

pub fn ask_for_policy(tx: &mut Tx<'_>, kind: &str, version: Option<i64>, new: &NewBands) -> Result<Audited<Approval>, Problem> {
    let before = policy(tx, kind)?;
    require_version(version, before.version)?;
    let alone = actions().iter().any(|action| action.kind == kind && action.direct != NOBODY);
    let errors = faults(&new.bands, alone);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let after = ApprovalPolicy { bands: new.bands.clone(), ..before.clone() };
    let value = |policy: &ApprovalPolicy| serde_json::to_value(policy).unwrap_or_default();
    let request = Request {
        action: &CHANGE_POLICY,
        subject: subject(tx.company(), kind),
        version: before.version,
        customer: None,
        amount: Decimal::ZERO,
        makers: Vec::new(),
        reason: Some(&new.reason),
        before: value(&before),
        after: value(&after),
        payload: json!({"kind": kind, "bands": new.bands}),
    };
    match gate(tx, &request)? {
        Gate::Pending(id) => {
            let asked = get(tx, id)?;
            Ok(tx.record(Change::new("approval_policy.asked", id.uuid()).after(&asked), asked))
        }
        Gate::Open => Err(Problem::internal(&"bands were changed by one person")),
    }
}

fn change_policy(tx: &mut Tx<'_>, asked: &Approved) -> Result<(), Problem> {
    let kind = asked.payload["kind"].as_str().unwrap_or_default().to_owned();
    let before = policy(tx, &kind)?;
    let bands: Vec<Band> = serde_json::from_value(asked.payload["bands"].clone()).map_err(|e| Problem::internal(&e))?;
    store::set_bands(tx, &kind, &bands)?;
    let after = policy(tx, &kind)?;
    let _ = tx.record(Change::new("approval_policy.changed", asked.subject).version(after.version).before(&before).after(&after), ());
    Ok(())
}
