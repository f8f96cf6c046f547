//! The verbs of billing documents, the same for every kind: a kind differs by its [`Form`] and its [`Kind`].

use super::explanation;
use super::order::{Form, Kind, NoteOrder, Order, Verb};
use super::posting::{credit_of, posting};
use super::problems;
use super::rules::{self, Ground, House, Priced};
use super::store::{self, Application, Found, Stored};
use super::types::{CancelInvoice, DocumentQuery, InvoiceFilter, InvoiceStatus, InvoiceSummary, IssueInvoice, NewInvoice, ShippingBill};
use super::view::{self, days_overdue, status_of};
use crate::billing::irns::{self, types::Record};
use crate::control::approvals::problems::APPROVAL_STALE;
use crate::control::approvals::{Action, Approved, Gate, Request, gate};
use crate::control::close::Check;
use crate::credit::orders::billing as credit;
use crate::ledger::numbering;
use crate::ledger::open_items::rules::{Placer, Purse};
use crate::ledger::open_items::store::{lock_customers, lock_items_of, named};
use crate::ledger::periods;
use crate::ledger::{self, AllocationKind, DocumentKind, NewAllocation, OpenItem, Posting, Side, Unwind};
use crate::master_data::customers::problems::CUSTOMER_INACTIVE;
use crate::master_data::customers::reference::NamesCustomer;
use crate::master_data::exchange_rates::service::{known_rate, rate_on};
use crate::platform::dates::{FiscalYear, Instant};
use crate::platform::http::problem::{self, FieldError};
use crate::platform::http::reply::require_version;
use crate::platform::http::{Problem, faults};
use crate::platform::ids::{CustomerId, InvoiceId};
use crate::platform::money::{Amount, Currency, round};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::{Audited, Change, Context, Outcomes, Rx, Tx};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Of a month to be closed: drafts of it will not be issued with their date.
pub const NO_DRAFTS: Check = Check {
    task: "drafts_of_the_month",
    blocking: false,
    about: "No draft is dated in the month or before.",
    find: |rx, period| store::drafts_until(rx, period.ends_on),
};

/// A document on its way, and which event that will be.
struct Making {
    stored: Stored,
    ready: Ready,
    verb: Verb,
}

/// A document that can be stored: what was found for it, and what it comes to.
struct Ready {
    order: Order,
    ground: Ground,
    priced: Priced,
}

/// Creates a draft, or issues at once.
pub fn create<F: Form>(tx: &mut Tx<'_>, new: &F) -> Result<Audited<F::Answer>, Problem> {
    alone(create_all(tx, &[new])?)
}

/// Creates documents, as if one after the other: a statement does for all of them what it would do for one. What
/// is refused leaves nothing. An error means that nothing can be said of any: one of them would have
/// failed in the database. Notes share what is left of their originals and are created one by one.
pub fn create_all<F: Form>(tx: &mut Tx<'_>, new: &[&F]) -> Outcomes<F::Answer> {
    make(tx, new, new.iter().map(|new| new.order()).collect())
}

/// Issues what follows from another act, by right of that act: the fee of a bounced cheque. It is not
/// rounded, and charged also to a customer who is not billed any more.
pub fn create_by_right<F: Form>(tx: &mut Tx<'_>, new: &F) -> Result<Audited<F::Answer>, Problem> {
    alone(make(tx, &[new], vec![Order { by_right: true, ..new.order() }])?)
}

fn alone<T>(mut of_one: Vec<Result<T, Problem>>) -> Result<T, Problem> {
    of_one.pop().unwrap_or_else(|| Err(Problem::internal(&"an order without an answer")))
}

/// Locks customers; where invoices are held against credit, with everybody they share a limit with.
fn lock_concerned(tx: &mut Tx<'_>, customers: Vec<CustomerId>) -> Result<(), Problem> {
    if tx.cx().facts.check_invoices { credit::lock_groups(tx, &customers) } else { lock_customers(tx, customers) }
}

/// Locks the customers of a bulk request before its first row, so that rows may come in any order.
pub fn lock_rows<I: NamesCustomer>(tx: &mut Tx<'_>, rows: &[&I]) -> Result<(), Problem> {
    let customers = named(tx, rows)?;
    lock_concerned(tx, customers)
}

/// Refuses an invoice that credit does not allow, where the policy looks at invoices.
fn within_credit(tx: &mut Tx<'_>, stored: &Stored, order: &Order, added: &mut credit::Added) -> Result<(), Problem> {
    if stored.kind != Kind::Invoice || order.by_right || !tx.cx().facts.check_invoices {
        return Ok(());
    }
    let total = stored.base_total(tx.cx().currency());
    credit::allows(tx, &credit::Billed { customer: stored.customer, total, order: order.content.order_id.as_deref() }, added)
}

fn make<F: Form>(tx: &mut Tx<'_>, new: &[&F], orders: Vec<Order>) -> Outcomes<F::Answer> {
    let mut added = credit::Added::new();
    let mut made: Vec<Result<Making, Problem>> = Vec::with_capacity(new.len());
    let mut names: HashMap<String, InvoiceId> = HashMap::new();
    for ready in ready_all(tx, orders, None)? {
        made.push(ready.and_then(|ready| {
            let name = ready.order.content.external_id.clone();
            if let Some(other) = name.as_ref().and_then(|name| names.get(name)) {
                return Err(duplicate(ready.order.kind, *other));
            }
            let mut making = Making { stored: Stored::of(InvoiceId::new(), &ready.order, &ready.ground, &ready.priced, tx.cx()), ready, verb: Verb::Created };
            if making.ready.order.content.issue {
                making.verb = if making.ready.order.by_right { Verb::Issued } else { issue_or_ask(tx, &mut making.stored, F::ISSUE, F::answer)? };
                if making.verb == Verb::Issued {
                    within_credit(tx, &making.stored, &making.ready.order, &mut added)?;
                }
            }
            names.extend(name.map(|name| (name, making.stored.id)));
            Ok(making)
        }));
    }
    post_all(tx, made.iter_mut().flatten())?;
    store::insert_all(tx, &made.iter().zip(new).filter_map(|(making, input)| Some((&making.as_ref().ok()?.stored, *input))).collect::<Vec<_>>())?;
    Ok(made
        .into_iter()
        .map(|making| {
            let Making { stored, verb, .. } = making?;
            let answer = F::answer(&stored, tx.cx());
            Ok(tx.record(Change::new(F::KIND.event(verb), stored.id.uuid()).after(&answer), answer))
        })
        .collect())
}

/// Prices without keeping anything: no id, no number.
pub fn preview(tx: &mut Tx<'_>, new: &NewInvoice) -> Result<<NewInvoice as Form>::Answer, Problem> {
    let ready = alone(ready_all(tx, vec![new.order()], None)?)?;
    let stored = Stored::of(InvoiceId::new(), &ready.order, &ready.ground, &ready.priced, tx.cx());
    let mut answer = NewInvoice::answer(&stored, tx.cx());
    answer.document.explanation = Some(explanation::of(&stored));
    answer.document.id = None;
    answer.document.allowed_actions = Vec::new();
    Ok(answer)
}

/// Issuing is a right of its own; where it is under approval, the right to ask for it suffices.
fn may_issue(tx: &Tx<'_>, kind: Kind, on_request: bool) -> Result<(), Problem> {
    let permission = kind.issue_permission();
    let may = tx.cx().principal.as_ref().is_none_or(|principal| principal.may(permission) || on_request && principal.may_request(permission));
    if may {
        return Ok(());
    }
    Err(Problem::new(problem::PERMISSION_DENIED, format!("Issuing needs the permission {permission}.")).member("required_permission", permission))
}

/// Whether a document is issued now or waits for another person to approve that.
fn issue_or_ask<A: serde::Serialize>(
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
fn ask<A: serde::Serialize>(
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

/// Finds what orders name, locks their customers, and prices them.
fn ready_all(tx: &mut Tx<'_>, orders: Vec<Order>, own: Option<InvoiceId>) -> Result<Vec<Result<Ready, Problem>>, Problem> {
    let named: Vec<Result<Order, Problem>> = orders.into_iter().map(|order| named_well(&order).map(|()| order)).collect();
    if tx.cx().facts.check_invoices {
        let contents: Vec<&NewInvoice> = named.iter().flatten().map(|order| &order.content).collect();
        lock_rows(tx, &contents)?;
    }
    let found = store::grounds(tx, &named.iter().flatten().collect::<Vec<_>>())?;
    let mut found = found.into_iter();
    Ok(named
        .into_iter()
        .map(|order| {
            let order = order?;
            let found = found.next().ok_or_else(|| Problem::internal(&"an order without ground"))??;
            ready(tx, order, found, own)
        })
        .collect())
}

/// Whether an order names its customer and its original, each in one way.
fn named_well(order: &Order) -> Result<(), Problem> {
    let customer = order.content.customer();
    let original_says = order.note.as_ref().is_some_and(NoteOrder::names_original);
    if let Some(missing) = customer.missing().filter(|_| !original_says) {
        return Err(Problem::invalid(vec![missing]));
    }
    customer.unambiguous()?;
    if let Some(note) = order.note.as_ref().filter(|note| note.original_id.is_some() && note.original_external_id.is_some()) {
        let detail = "Name the invoice in one way only.";
        return Err(Problem::new(problem::AMBIGUOUS_REFERENCE, detail).errors(vec![FieldError::at(note.original_pointer(), "ambiguous_reference", detail)]));
    }
    Ok(())
}

fn ready(tx: &mut Tx<'_>, order: Order, found: Option<Found>, own: Option<InvoiceId>) -> Result<Ready, Problem> {
    let new = &order.content;
    let customer = new.customer();
    let found = found.ok_or_else(|| match &order.note {
        Some(note) if customer.missing().is_some() => Problem::reference("invoice", note.original_pointer()),
        _ => customer.unknown(),
    })?;
    if !found.terms_known {
        return Err(Problem::reference("payment_terms", "/payment_terms_id"));
    }
    if let Some(series) = new.number_series_id {
        let year = tx.cx().fiscal_year(new.invoice_date);
        if !numbering::fits(tx, series, found.ground.registration, order.kind.numbered(), year)? {
            return Err(Problem::reference("number_series", "/number_series_id"));
        }
    }
    for (at, line) in new.lines.iter().enumerate() {
        if line.item_id.is_some_and(|id| found.ground.items.iter().all(|item| item.id != id)) {
            return Err(Problem::reference("item", format!("/lines/{at}/item_id")));
        }
    }
    if let Some(other) = found.duplicate_of.filter(|other| Some(*other) != own) {
        return Err(duplicate(order.kind, other));
    }
    // What an inactive customer was billed too much is credited all the same.
    if !found.active && order.kind != Kind::CreditNote && !order.by_right {
        return Err(Problem::new(CUSTOMER_INACTIVE, "The customer is not active.").errors(vec![FieldError::at(
            "/customer_id",
            "customer_inactive",
            "The customer is not active.",
        )]));
    }
    if let Some(original) = &found.ground.original {
        require_issued(&original.invoice, &order)?;
    }
    let house = house(tx, &order, &found.ground)?;
    let priced = rules::price(&order, &found.ground, house).map_err(Problem::invalid)?;
    check_total(new.expected_total, &priced)?;
    Ok(Ready { order, ground: found.ground, priced })
}

/// The refusal of a name that another document has.
fn duplicate(kind: Kind, other: InvoiceId) -> Problem {
    let detail = format!("Another {} has this external_id.", kind.name());
    Problem::new(problems::DUPLICATE_INVOICE_EXTERNAL_ID, detail).member("current", json!({"id": other}))
}

/// A note corrects what was issued and still stands.
fn require_issued(original: &Stored, order: &Order) -> Result<(), Problem> {
    if original.status == InvoiceStatus::Issued {
        return Ok(());
    }
    let pointer = order.note.as_ref().map_or("/original_invoice_id", NoteOrder::original_pointer);
    let detail = format!("The invoice is {}; a note corrects an issued one.", original.status);
    Err(Problem::new(problem::INVALID_STATE, detail.clone())
        .errors(vec![FieldError::at(pointer, "invalid_state", detail)])
        .member("current", json!({"status": original.status}))
        .member("allowed_actions", json!([])))
}

/// The money of the document: a note is in the currency of its invoice, at its rate unless another is given.
fn house(tx: &mut Tx<'_>, order: &Order, ground: &Ground) -> Result<House, Problem> {
    let (new, original) = (&order.content, ground.original.as_ref().map(|original| &*original.invoice));
    let base = tx.cx().currency();
    let currency = match (original, new.currency.as_deref()) {
        (Some(original), _) => original.currency,
        (None, None) => base,
        (None, Some(code)) => Currency::parse(code)
            .ok_or_else(|| Problem::invalid(vec![FieldError::at("/currency", "currency_unknown", "This is not a currency of ISO 4217.").received(code)]))?,
    };
    let given = new.exchange_rate.map(|rate| rate.0).or(original.map(|original| original.rate));
    let rate = rate_on(tx, currency, given, new.invoice_date)?;
    let cx = tx.cx();
    Ok(House {
        currency,
        rate,
        today: cx.today,
        round_to_unit: cx.facts.round_to_unit && currency == base && !order.by_right,
        settlement: cx.facts.settlement,
        turnover: cx.facts.einvoicing.turnover.get(&(FiscalYear::of(new.invoice_date, 4).0 - 1)).copied(),
    })
}

fn check_total(expected: Option<Amount>, priced: &Priced) -> Result<(), Problem> {
    let currency = priced.currency;
    match expected {
        Some(expected) if expected.0 != priced.tax.payable => {
            let lines: Vec<_> = priced
                .lines
                .iter()
                .map(|line| json!({"taxable_value": currency.amount(line.tax.taxable), "line_total": currency.amount(line.tax.total)}))
                .collect();
            Err(Problem::new(problems::TOTAL_MISMATCH, "The grand total comes out differently; nothing was saved.")
                .errors(vec![
                    FieldError::at("/expected_total", "total_mismatch", "The grand total comes out differently.")
                        .expected(currency.amount(priced.tax.payable).0)
                        .received(expected.0),
                ])
                .member("lines", lines))
        }
        _ => Ok(()),
    }
}

/// Puts what is to be issued into the books: numbers, entries, what credit notes settle; late, on the first open
/// day. What is not to be issued now is left alone.
fn post_all<'m>(tx: &mut Tx<'_>, documents: impl IntoIterator<Item = &'m mut Making>) -> Result<(), Problem> {
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

fn load(rx: &mut Rx<'_>, kind: Kind, id: InvoiceId, lock: bool) -> Result<Stored, Problem> {
    store::get(rx, kind, id, lock)?.ok_or_else(|| Problem::not_found(kind.as_str()))
}

pub fn get<F: Form>(rx: &mut Rx<'_>, id: InvoiceId, query: &DocumentQuery) -> Result<F::Answer, Problem> {
    let stored = load(rx, F::KIND, id, false)?;
    let mut answer = F::answer(&stored, rx.cx());
    F::document(&mut answer).explanation = query.explains().then(|| explanation::of(&stored));
    Ok(answer)
}

fn invalid_state(stored: &Stored, cx: &Context, detail: impl Into<String>) -> Problem {
    let document = view::document(stored, cx);
    let payment_status = status_of(stored.status, stored.total, stored.settled.open, !stored.settled.written_off.is_zero());
    Problem::new(problem::INVALID_STATE, detail)
        .member("current", json!({"status": document.status, "payment_status": payment_status}))
        .member("allowed_actions", document.allowed_actions)
}

/// A draft that can be worked on, with the customer (and those it may move to) locked before the document.
fn open_draft(tx: &mut Tx<'_>, kind: Kind, id: InvoiceId, version: Option<i64>, also: &[CustomerId]) -> Result<Stored, Problem> {
    let customer = load(tx, kind, id, false)?.customer;
    lock_concerned(tx, [&[customer], also].concat())?;
    let stored = load(tx, kind, id, true)?;
    // Only drafts change; what is issued is corrected by notes.
    if stored.status != InvoiceStatus::Draft {
        let detail = format!("Only a draft can do this; the {} is {}. Correct an issued document by a note.", kind.name(), stored.status);
        return Err(invalid_state(&stored, tx.cx(), detail));
    }
    require_version(version, stored.version + stored.settled.moves)?;
    Ok(stored)
}

/// Prices a draft again from new content, keeping its id and origin, and takes the old one out.
fn replaced<F: Form>(tx: &mut Tx<'_>, before: &Stored, new: &F) -> Result<(Ready, Stored), Problem> {
    let ready = alone(ready_all(tx, vec![new.order()], Some(before.id))?)?;
    let mut stored = Stored::of(before.id, &ready.order, &ready.ground, &ready.priced, tx.cx());
    stored.created_by.clone_from(&before.created_by);
    stored.created_at = before.created_at;
    stored.version = before.version + 1;
    store::delete_draft(tx, before.id)?;
    Ok((ready, stored))
}

/// Ways to name the same thing: a patch that names it anew replaces all of them.
const NAMES: [&[&str]; 2] = [&["customer_id", "customer_external_id", "customer_code"], &["original_invoice_id", "original_invoice_external_id"]];

/// Merge patch of a draft's content (RFC 7396): members given replace those of the draft, null clears.
pub fn update<F: Form>(tx: &mut Tx<'_>, id: InvoiceId, version: Option<i64>, patch: &serde_json::Map<String, Value>) -> Result<Audited<F::Answer>, Problem> {
    let original = patch.get("original_invoice_id").and_then(|value| serde_json::from_value(value.clone()).ok());
    let original_name = patch.get("original_invoice_external_id").and_then(Value::as_str);
    let of_original = if original.is_some() || original_name.is_some() { store::customer_of(tx, original, original_name)? } else { None };
    let named: Option<CustomerId> = patch.get("customer_id").and_then(|value| serde_json::from_value(value.clone()).ok());
    let moves_to: Vec<CustomerId> = named.into_iter().chain(of_original).collect();
    let before = open_draft(tx, F::KIND, id, version, &moves_to)?;
    let mut content = store::draft_input(tx, id)?;
    for names in NAMES.iter().filter(|names| names.iter().any(|name| patch.get(*name).is_some_and(|value| !value.is_null()))) {
        for name in *names {
            content[*name] = Value::Null;
        }
    }
    for (name, value) in patch {
        content[name] = value.clone();
    }
    content["issue"] = json!(false);
    let new: F = read(content)?;
    let (_, after) = replaced(tx, &before, &new)?;
    store::insert(tx, &after, &new)?;
    Ok(record::<F>(tx, Verb::Updated, &before, &after, None))
}

/// What a caller sent, without the members that were cleared.
fn read<F: Form>(content: Value) -> Result<F, Problem> {
    let content = match content {
        Value::Object(members) => Value::Object(members.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    };
    serde_json::from_value(content).map_err(|error| Problem::invalid(vec![FieldError::at("", "invalid", error.to_string())]))
}

fn record<F: Form>(tx: &mut Tx<'_>, verb: Verb, before: &Stored, after: &Stored, reason: Option<&str>) -> Audited<F::Answer> {
    let (was, is) = (F::answer(before, tx.cx()), F::answer(after, tx.cx()));
    let mut change = Change::new(F::KIND.event(verb), after.id.uuid()).version(after.version + after.settled.moves).before(&was).after(&is);
    if let Some(reason) = reason {
        change = change.reason(reason);
    }
    tx.record(change, is)
}

pub fn delete<F: Form>(tx: &mut Tx<'_>, id: InvoiceId, version: Option<i64>) -> Result<Audited<F::Answer>, Problem> {
    let stored = open_draft(tx, F::KIND, id, version, &[])?;
    store::delete_draft(tx, id)?;
    let was = F::answer(&stored, tx.cx());
    Ok(tx.record(Change::new(F::KIND.event(Verb::Deleted), id.uuid()).version(stored.version).before(&was), was))
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

/// Issued → cancelled: a dated mirror entry that settles the document. The number stays used. What a credit
/// note settles opens again. Above the band, or for those who may only ask, another person approves it.
pub fn cancel<F: Form>(tx: &mut Tx<'_>, id: InvoiceId, version: Option<i64>, wanted: &CancelInvoice) -> Result<Audited<F::Answer>, Problem> {
    let before = cancellable::<F>(tx, id)?;
    require_version(version, before.version + before.settled.moves)?;
    let on = wanted.cancelled_on.unwrap_or(tx.cx().today.max(before.posting_date));
    let mut errors: Vec<_> = faults::in_future("/cancelled_on", on, tx.cx().today.max(before.posting_date)).into_iter().collect();
    if on < before.posting_date {
        errors.push(
            FieldError::at("/cancelled_on", "before_document", "A document is not cancelled before it is posted.")
                .expected(format!("at least {}", before.posting_date))
                .received(on),
        );
    }
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let payload = json!({"cancelled_on": on, "reason": wanted.reason});
    match ask(tx, F::CANCEL, &before, Some(&wanted.reason), payload, F::answer)? {
        Gate::Open => cancel_now::<F>(tx, &before, on, &wanted.reason),
        Gate::Pending(approval) => {
            let after = Stored { approval: Some(approval), ..before.clone() };
            Ok(record::<F>(tx, Verb::CancelRequested, &before, &after, Some(&wanted.reason)))
        }
    }
}

pub fn cancel_approved<F: Form>(tx: &mut Tx<'_>, asked: &Approved) -> Result<(), Problem> {
    let before = cancellable::<F>(tx, InvoiceId::of(asked.subject))?;
    let on = serde_json::from_value(asked.payload["cancelled_on"].clone()).map_err(|e| Problem::internal(&e))?;
    let _ = cancel_now::<F>(tx, &before, on, asked.payload["reason"].as_str().unwrap_or_default())?;
    Ok(())
}

/// A document that can be cancelled, with everybody it concerns locked.
fn cancellable<F: Form>(tx: &mut Tx<'_>, id: InvoiceId) -> Result<Stored, Problem> {
    let kind = F::KIND;
    load(tx, kind, id, false)?;
    ledger::lock_parties(tx, id.uuid())?;
    let stored = load(tx, kind, id, true)?;
    if let Some(record) = stored.einvoice.as_ref().filter(|record| record.stands()) {
        return Err(registered(&stored, record, tx.cx()));
    }
    let detail = match kind {
        _ if stored.status != InvoiceStatus::Issued => format!("Only an issued {} can be cancelled.", kind.name()),
        Kind::CreditNote if !stored.settled.refunded.is_zero() => "Of the credit note something was paid out; reverse the refund first.".to_owned(),
        Kind::Invoice | Kind::DebitNote if stored.settled.open != stored.total => {
            format!("The {} is settled in part or whole; reverse its allocations, or credit it by a note.", kind.name())
        }
        // What a note took back of it would be taken back twice.
        _ if !stored.notes.is_empty() => "Notes against the invoice are issued or wait for approval; cancel or withdraw them first.".to_owned(),
        _ => return Ok(stored),
    };
    let problem = invalid_state(&stored, tx.cx(), detail);
    Err(if stored.notes.is_empty() { problem } else { problem.member("notes", json!(stored.notes)) })
}

/// A document the portal holds is cancelled there first, and only for some hours (CGST Rules r.48(4)).
fn registered(stored: &Stored, record: &Record, cx: &Context) -> Problem {
    let until = record.cancellable_until().filter(|until| *until >= cx.now);
    let detail = match (until, stored.kind) {
        (Some(until), _) => {
            format!("Cancel it at the portal, which it does until {}, and record that: POST /v1/einvoices/{}/cancellation.", Instant(until), stored.id)
        }
        (None, Kind::Invoice) => "The portal no longer cancels it; correct it by a credit note.".to_owned(),
        (None, _) => "The portal no longer cancels it; correct it by another note.".to_owned(),
    };
    Problem::new(problems::EINVOICE_REGISTERED, detail).member("current", json!({"einvoice": irns::view(stored, cx)}))
}

fn cancel_now<F: Form>(tx: &mut Tx<'_>, before: &Stored, on: NaiveDate, reason: &str) -> Result<Audited<F::Answer>, Problem> {
    ledger::unwind(tx, &Unwind { document: before.id.uuid(), kind: DocumentKind::Cancellation, on, reason })?;
    store::mark_cancelled(tx, before.id, on, reason)?;
    let after = load(tx, F::KIND, before.id, false)?;
    Ok(record::<F>(tx, Verb::Cancelled, before, &after, Some(reason)))
}

/// Records the shipping bill of an issued export, or another in its place: customs gives it when the goods leave.
pub fn record_shipping_bill(
    tx: &mut Tx<'_>,
    id: InvoiceId,
    version: Option<i64>,
    bill: &ShippingBill,
) -> Result<Audited<<NewInvoice as Form>::Answer>, Problem> {
    let before = load(tx, Kind::Invoice, id, true)?;
    if before.status != InvoiceStatus::Issued {
        let detail = format!("The invoice is {}; of a draft the shipping bill is part of its content.", before.status);
        return Err(invalid_state(&before, tx.cx(), detail));
    }
    require_version(version, before.version + before.settled.moves)?;
    if let Some(fault) = rules::shipping_fault(Some(bill), before.supply, before.date, tx.cx().today, "") {
        return Err(Problem::invalid(vec![fault]));
    }
    store::record_shipping(tx, id, &rules::in_capitals(bill))?;
    let after = load(tx, Kind::Invoice, id, false)?;
    Ok(record::<NewInvoice>(tx, Verb::Shipped, &before, &after, None))
}

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &InvoiceFilter) -> Result<Page<InvoiceSummary>, Problem> {
    let (today, base) = (rx.cx().today, rx.cx().currency());
    Ok(store::list(rx, paging, filter)?.map(|row| {
        let currency = Currency::parse(&row.currency).unwrap_or(base);
        let days = days_overdue(row.status, row.oldest_due, today);
        InvoiceSummary {
            id: row.id,
            object: "invoice",
            number: row.number,
            external_id: row.external_id,
            status: row.status,
            payment_status: status_of(row.status, row.grand_total, row.open, row.written_off),
            customer_id: row.customer_id,
            customer_name: row.customer_name,
            currency: row.currency,
            invoice_date: row.invoice_date,
            due_date: row.due_date,
            grand_total: currency.amount(row.grand_total),
            balance_due: currency.amount(row.open),
            is_overdue: days > 0,
            days_overdue: days,
            version: row.version + row.moves,
        }
    }))
}
