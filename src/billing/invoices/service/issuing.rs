//! Draft → issued: asked for where it needs another person, numbered, posted, and settled where it is a credit.

use super::super::order::{Form, Kind, Verb};
use super::super::posting::{credit_of, posting};
use super::super::store::{self, Application, Stored};
use super::super::types::{InvoiceStatus, IssueInvoice};
use super::drafts::{open_draft, read, replaced};
use super::readying::{Making, Ready, within_credit};
use super::{load, record};
use crate::control::approvals::problems::APPROVAL_STALE;
use crate::control::approvals::{Action, Approved, Gate, Request, gate};
use crate::credit::orders::billing as credit;
use crate::ledger::numbering;
use crate::ledger::open_items::rules::{Placer, Purse};
use crate::ledger::open_items::store::lock_items_of;
use crate::ledger::periods;
use crate::ledger::{self, AllocationKind, NewAllocation, OpenItem, Posting, Side};
use crate::master_data::exchange_rates::service::known_rate;
use crate::platform::http::Problem;
use crate::platform::http::problem;
use crate::platform::ids::InvoiceId;
use crate::platform::money::round;
use crate::platform::unit_of_work::{Audited, Context, Rx, Tx};
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// Issuing is a right of its own; where it is under approval, the right to ask for it suffices.
fn may_issue(tx: &Tx<'_>, kind: Kind, on_request: bool) -> Result<(), Problem> {
    let permission = kind.issue_permission();
    let may = if on_request { tx.cx().may_ask(permission) } else { tx.cx().may(permission) };
    if may {
        return Ok(());
    }
    Err(Problem::new(problem::PERMISSION_DENIED, format!("Issuing needs the permission {permission}.")).member("required_permission", permission))
}

/// Whether a document is issued now or waits for another person to approve that.
pub(super) fn issue_or_ask<A: serde::Serialize>(
    tx: &mut Tx<'_>,
    stored: &mut Stored,
    approval: Option<&'static Action>,
    answer: fn(&Stored, &Context) -> A,
) -> Result<Verb, Problem> {
    may_issue(tx, stored.kind, approval.is_some())?;
    let gate = match approval {
        None => Gate::Open,
        // The approver decides on the document they saw.
        Some(action) => ask(tx, action, stored, None, json!({"digest": stored.digest(tx.cx().currency())}), answer)?,
    };
    match gate {
        Gate::Open => Ok(Verb::Issued),
        Gate::Pending(approval) => {
            stored.status = InvoiceStatus::PendingApproval;
            stored.approval = Some(approval);
            Ok(Verb::Requested)
        }
    }
}

/// Puts an act on a document before the gate; its customer is locked.
pub(super) fn ask<A: serde::Serialize>(
    tx: &mut Tx<'_>,
    action: &'static Action,
    stored: &Stored,
    reason: Option<&str>,
    payload: Value,
    answer: fn(&Stored, &Context) -> A,
) -> Result<Gate, Problem> {
    let mut makers = store::makers(tx, stored.kind, stored.id)?;
    makers.push(stored.created_by.clone());
    let amount = weight(tx, stored)?;
    let cx = tx.cx();
    let shown = serde_json::to_value(answer(stored, cx)).map_err(|e| Problem::internal(&e))?;
    let request = Request {
        action,
        subject: stored.id.uuid(),
        version: stored.version + stored.settled.moves,
        customer: Some(stored.customer),
        amount,
        makers,
        reason,
        before: Value::Null,
        after: shown,
        payload,
    };
    gate(tx, &request)
}

/// What a document weighs before the gate, in base currency: by its own rate or, if that is more, by the rate
/// of the invoice it corrects, else of its day. A rate of one's choice makes nothing small.
fn weight(rx: &mut Rx<'_>, stored: &Stored) -> Result<Decimal, Problem> {
    let base = rx.cx().currency();
    let other = match stored.note.as_ref().and_then(|note| note.original.as_ref()) {
        Some(original) => Some(original.rate),
        None if stored.currency == base => None,
        None => known_rate(rx, stored.currency, stored.date)?,
    };
    let by_other = other.map_or(Decimal::ZERO, |rate| round(stored.total * rate, base.exponent()));
    Ok(stored.base_total(base).max(by_other))
}

/// Puts what is to be issued into the books: numbers, entries, what credit notes settle; late, on the first open
/// day. What is not to be issued now is left alone.
pub(super) fn post_all<'m>(tx: &mut Tx<'_>, documents: impl IntoIterator<Item = &'m mut Making>) -> Result<(), Problem> {
    let mut issued: Vec<_> = documents.into_iter().filter(|making| making.verb == Verb::Issued).collect();
    if issued.is_empty() {
        return Ok(());
    }
    let mut settled = Vec::with_capacity(issued.len());
    for Making { stored, ready, .. } in issued.iter_mut().map(|making| &mut **making) {
        stored.posting_date = periods::posting_date(tx, stored.date, ready.order.content.post_late)?;
        settled.push(settles(tx, stored, ready)?);
    }
    let wanted: Vec<_> = issued
        .iter()
        .map(|making| numbering::Wanted {
            registration: making.stored.registration,
            kind: making.stored.kind.numbered(),
            year: tx.cx().fiscal_year(making.stored.date),
            series: making.ready.order.content.number_series_id,
            date: making.stored.date,
        })
        .collect();
    let numbers = numbering::take_all(tx, &wanted)?;
    let postings: Vec<Posting> = issued.iter().zip(&numbers).map(|(making, number)| posting(&making.stored, number, &making.ready.priced)).collect();
    let entries = ledger::post_all(tx, &postings)?;
    let mut all_placed = Vec::new();
    for ((((making, number), entry), posting), items) in issued.iter_mut().zip(numbers).zip(entries).zip(&postings).zip(&settled) {
        let stored = &mut making.stored;
        stored.entry = Some(entry);
        stored.number = Some(number);
        stored.status = InvoiceStatus::Issued;
        let placed = apply(posting, stored, items, tx.cx());
        note_applications(stored, &placed, items);
        all_placed.extend(placed);
    }
    ledger::settle(tx, &all_placed)?;
    for Making { stored, ready, .. } in issued.iter().map(|making| &**making).filter(|making| making.stored.kind == Kind::Invoice) {
        if let Some(order) = ready.order.content.order_id.as_deref() {
            credit::billed(tx, order, stored.customer, stored.currency, stored.total, stored.id)?;
        }
    }
    Ok(())
}

/// The items of the original that a credit note shall settle, locked, oldest due first.
fn settles(tx: &mut Tx<'_>, stored: &Stored, ready: &Ready) -> Result<Vec<OpenItem>, Problem> {
    let applies = stored.kind == Kind::CreditNote && ready.order.note.as_ref().is_some_and(|note| note.apply_to_original);
    match ready.ground.original.as_ref().filter(|_| applies) {
        Some(original) => Ok(lock_items_of(tx, vec![original.invoice.id.uuid()])?.into_iter().filter(|item| item.side == Side::Debit).collect()),
        None => Ok(Vec::new()),
    }
}

/// Places the credit on what is open of the original; the rest stays open credit.
fn apply(posting: &Posting, stored: &Stored, items: &[OpenItem], cx: &Context) -> Vec<NewAllocation> {
    let Some(credit) = credit_of(posting, stored, cx.currency()).filter(|_| !items.is_empty()) else { return Vec::new() };
    let purse = Purse { kind: AllocationKind::Credit, left: credit.open };
    let mut placer = Placer::new(&credit, cx.currency(), posting.posting_date, vec![purse], items);
    placer.place(credit.open, AllocationKind::Credit, "original", &json!({}), |_| true);
    placer.placed()
}

fn note_applications(stored: &mut Stored, placed: &[NewAllocation], items: &[OpenItem]) {
    let settled = &mut stored.settled;
    for allocation in placed {
        settled.credit += allocation.amount;
        settled.open -= allocation.amount;
        settled.moves += 1;
        stored.applications.extend(items.iter().find(|item| item.id == allocation.debit_item).map(|item| Application {
            id: allocation.id,
            target_type: item.document_kind.clone(),
            target_id: item.document_id,
            target_number: item.document_number.clone(),
            kind: allocation.kind,
            amount: allocation.amount,
            allocated_on: allocation.effective_on,
            rule: allocation.rule.to_owned(),
        }));
    }
}

/// Draft → issued: priced once more, numbered, posted.
pub fn issue<F: Form>(tx: &mut Tx<'_>, id: InvoiceId, version: Option<i64>, wanted: &IssueInvoice) -> Result<Audited<F::Answer>, Problem> {
    let before = open_draft(tx, F::KIND, id, version, &[])?;
    let mut content = store::draft_input(tx, id)?;
    if let Some(expected) = wanted.expected_total {
        content["expected_total"] = json!(expected);
    }
    let new: F = read(content)?;
    let (ready, mut stored) = replaced(tx, &before, &new)?;
    let verb = issue_or_ask(tx, &mut stored, F::ISSUE, F::answer)?;
    if verb == Verb::Issued {
        within_credit(tx, &stored, &ready.order, &mut credit::Added::new())?;
    }
    let after = issue_this(tx, Making { stored, ready, verb }, &new)?;
    Ok(record::<F>(tx, verb, &before, &after, None))
}

fn issue_this(tx: &mut Tx<'_>, mut making: Making, input: &impl serde::Serialize) -> Result<Stored, Problem> {
    post_all(tx, [&mut making])?;
    store::insert(tx, &making.stored, input)?;
    Ok(making.stored)
}

/// The version a decision is about.
pub fn version<F: Form>(rx: &mut Rx<'_>, asked: &Approved) -> Result<i64, Problem> {
    let stored = load(rx, F::KIND, InvoiceId::of(asked.subject), false)?;
    Ok(stored.version + stored.settled.moves)
}

/// Issues what was approved, if it still comes out as it was when it was asked for.
pub fn issue_approved<F: Form>(tx: &mut Tx<'_>, asked: &Approved) -> Result<(), Problem> {
    let id = InvoiceId::of(asked.subject);
    let before = load(tx, F::KIND, id, true)?;
    let new: F = read(store::draft_input(tx, id)?)?;
    let (ready, stored) = replaced(tx, &before, &new)?;
    if asked.payload["digest"] != json!(stored.digest(tx.cx().currency())) {
        let detail = format!("The {} comes out differently since the approval was asked for; it must be asked for again.", F::KIND.name());
        return Err(Problem::new(APPROVAL_STALE, detail).member("current", json!({"grand_total": stored.currency.amount(stored.total)})));
    }
    let after = issue_this(tx, Making { stored, ready, verb: Verb::Issued }, &new)?;
    let _ = record::<F>(tx, Verb::Issued, &before, &after, asked.reason.as_deref());
    Ok(())
}

/// A draft again.
pub fn returned<F: Form>(tx: &mut Tx<'_>, asked: &Approved) -> Result<(), Problem> {
    let id = InvoiceId::of(asked.subject);
    let before = load(tx, F::KIND, id, true)?;
    store::mark(tx, id, InvoiceStatus::Draft)?;
    let after = load(tx, F::KIND, id, false)?;
    let _ = record::<F>(tx, Verb::Returned, &before, &after, None);
    Ok(())
}
