//! The verbs of journals.

use super::rules::{self, Line as Wanted};
use super::store::{self, Manual};
use super::types::{Journal, JournalStatus, NewJournal, ReverseJournal};
use crate::control::approvals::{self, rules::Band};
use crate::control::approvals::{Action, Approved, Gate, Request, gate, of_document};
use crate::ledger::accounts;
use crate::ledger::numbering::{self, NumberedKind};
use crate::ledger::open_items::store::lock_customers;
use crate::ledger::problems::ALREADY_REVERSED;
use crate::ledger::{self, Account, DocumentKind, Line, NewOpenItem, Posting, Side, Unwind, lock_parties, periods, unwind};
use crate::master_data::{customers, gst_registrations};
use crate::platform::http::faults;
use crate::platform::http::problem::{self, Problem};
use crate::platform::http::reply::require_version;
use crate::platform::ids::CustomerId;
use crate::platform::unit_of_work::{Audited, Change, Context, Rx, Tx};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

/// Always another person; from 1,000,000 on two.
const BANDS: &[Band] = &[Band::to(1_000_000, 1), Band::above(2)];

/// An act on journals; each differs in what it does.
const fn action(
    name: &'static str,
    kind: &'static str,
    bands: &'static [Band],
    execute: fn(&mut Tx<'_>, &Approved) -> Result<(), Problem>,
    reject: fn(&mut Tx<'_>, &Approved) -> Result<(), Problem>,
) -> Action {
    Action {
        name,
        kind,
        permission: "journals:approve",
        direct: "gl:write",
        bars_cash_handlers: false,
        bars_salesperson: false,
        bands,
        parties,
        version,
        execute,
        reject,
    }
}

/// The customers on the lines of a journal, and those its items are settled with.
fn parties(rx: &mut Rx<'_>, asked: &Approved) -> Result<Vec<CustomerId>, Problem> {
    let mut concerned = of_document(rx, asked)?;
    let journal = store::manual(rx, asked.subject, false)?.ok_or_else(|| Problem::not_found("journal"))?;
    concerned.extend(journal.lines()?.iter().filter_map(|line| line.customer_id));
    Ok(concerned)
}

/// Posting a manual journal (SOD-07: the preparer never approves).
pub static POST: Action = action("journal.post", "journals", BANDS, post, reject);
/// Posting to a control account takes two controllers (SOD-07): where the preparer is none, two approve.
pub static POST_TO_CONTROL: Action = action("journal.post_to_control", "control_journals", &[Band::above(2)], post, reject);
pub static REVERSE: Action = action("journal.reverse", "journals", BANDS, take_back, |_, _| Ok(()));

pub fn get(rx: &mut Rx<'_>, id: Uuid) -> Result<Journal, Problem> {
    let (summary, lines) = store::get(rx, id)?;
    let manual = if summary.manual { store::manual(rx, id, false)? } else { None };
    let approval_id = approvals::pending(rx, summary.id)?;
    let stands = summary.status == JournalStatus::Posted && summary.reversed_by_id.is_none() && approval_id.is_none();
    Ok(Journal {
        allowed_actions: if manual.is_some() && stands && rx.cx().may_ask("gl:write") { vec!["reverse"] } else { Vec::new() },
        version: manual.map_or_else(|| 1 + i64::from(summary.reversed_by_id.is_some()), |manual| manual.version),
        approval_id,
        summary,
        lines,
    })
}

/// Journals with their lines, to be told with what they were posted for.
pub fn whole(rx: &mut Rx<'_>, ids: &[Uuid]) -> Result<Vec<(Uuid, Value)>, Problem> {
    ids.iter().map(|id| Ok((*id, json!(get(rx, *id)?)))).collect()
}

/// A journal by hand: sound, kept as it was sent, and waiting for its approval.
pub fn create(tx: &mut Tx<'_>, new: &NewJournal) -> Result<Audited<Journal>, Problem> {
    let (currency, today) = (tx.cx().currency(), tx.cx().today);
    let errors = rules::faults(new, currency, today);
    if !errors.is_empty() {
        return Err(Problem::invalid(errors));
    }
    let total = rules::total(new)?;
    let ids = new.lines.iter().filter_map(|line| line.account_id).collect();
    let codes = new.lines.iter().filter_map(|line| line.account_code.clone()).collect();
    let found = accounts::store::named(tx, ids, codes)?;
    let wanted: Vec<CustomerId> = new.lines.iter().filter_map(|line| line.customer_id).collect();
    let known = if wanted.is_empty() { Vec::new() } else { customers::store::ids(tx, wanted, Vec::new(), Vec::new())? };
    if let Some(at) = new.lines.iter().position(|line| line.customer_id.is_some_and(|id| !known.contains(&id))) {
        return Err(Problem::reference("customer", format!("/lines/{at}/customer_id")));
    }
    let lines = rules::lines(new, &found)?;
    if !new.post_late {
        periods::store::require_open(tx, new.journal_date)?;
    }
    let id = store::insert(tx, new, &lines, total)?;
    let asked = get(tx, id.uuid())?;
    let control = lines.iter().any(|line| line.control);
    let controller = tx.cx().may("gl:write");
    let action = if control && !controller { &POST_TO_CONTROL } else { &POST };
    let made = match request(tx, action, &asked, total, Some(&new.narration), Value::Null)? {
        Gate::Pending(approval) => Journal { approval_id: Some(approval), ..asked },
        Gate::Open => {
            let approved = store::manual(tx, id.uuid(), true)?.ok_or_else(|| Problem::internal(&"a journal vanished"))?;
            post_it(tx, &approved)?;
            get(tx, id.uuid())?
        }
    };
    let change = Change::new("journal.created", id.uuid()).version(made.version).after(&made).reason(new.narration.as_str());
    Ok(tx.record(change, made))
}

fn request(tx: &mut Tx<'_>, action: &'static Action, journal: &Journal, amount: Decimal, reason: Option<&str>, payload: Value) -> Result<Gate, Problem> {
    let shown = serde_json::to_value(journal).map_err(|error| Problem::internal(&error))?;
    gate(
        tx,
        &Request {
            action,
            subject: journal.summary.id,
            version: journal.version,
            customer: None,
            amount,
            makers: vec![journal.summary.created_by.clone()],
            reason,
            before: Value::Null,
            after: shown,
            payload,
        },
    )
}

fn version(rx: &mut Rx<'_>, asked: &Approved) -> Result<i64, Problem> {
    Ok(store::manual(rx, asked.subject, false)?.ok_or_else(|| Problem::not_found("journal"))?.version)
}

fn post(tx: &mut Tx<'_>, asked: &Approved) -> Result<(), Problem> {
    let journal = store::manual(tx, asked.subject, true)?.ok_or_else(|| Problem::not_found("journal"))?;
    post_it(tx, &journal)
}

/// Posts a journal as it was asked for; lines on control accounts open their items.
fn post_it(tx: &mut Tx<'_>, journal: &Manual) -> Result<(), Problem> {
    let lines = journal.lines()?;
    let mut concerned: Vec<CustomerId> = lines.iter().filter_map(|line| line.customer_id).collect();
    concerned.sort_unstable();
    concerned.dedup();
    if !concerned.is_empty() {
        lock_customers(tx, concerned)?;
    }
    let posting_date = periods::posting_date(tx, journal.journal_date, journal.post_late)?;
    let registration = gst_registrations::store::find(tx, None)?.ok_or_else(|| Problem::internal(&"a company without registration"))?;
    let year = tx.cx().fiscal_year(journal.journal_date);
    let number = numbering::take(tx, registration.id, NumberedKind::Journal, year)?;
    let posting = posting(journal, &lines, &number, posting_date, tx.cx());
    let entry = ledger::post(tx, &posting)?;
    store::posted(tx, journal.id, registration.id, &number, entry)?;
    let made = get(tx, journal.id.uuid())?;
    let _ = tx.record(Change::new("journal.posted", journal.id.uuid()).version(made.version).after(&made), ());
    Ok(())
}

fn posting(journal: &Manual, lines: &[Wanted], number: &str, posting_date: NaiveDate, cx: &Context) -> Posting {
    let line = |line: &Wanted| Line { account: Account::Id(line.account_id), customer: line.customer_id, debit: line.debit, credit: line.credit, base: None };
    let item = |line: &Wanted| {
        let customer = line.customer_id.filter(|_| line.control)?;
        let (side, amount) = if line.debit.is_zero() { (Side::Credit, line.credit) } else { (Side::Debit, line.debit) };
        Some(NewOpenItem { base: Some(amount), ..NewOpenItem::single(customer, side, amount, line.due_date) })
    };
    Posting {
        document_kind: DocumentKind::Journal,
        document_id: journal.id.uuid(),
        document_number: number.to_owned(),
        document_date: journal.journal_date,
        posting_date,
        currency: cx.currency(),
        rate: Decimal::ONE,
        narration: journal.narration.clone(),
        lines: lines.iter().map(line).collect(),
        items: (1..).zip(lines.iter().filter_map(item)).map(|(instalment_no, item)| NewOpenItem { instalment_no, ..item }).collect(),
        reverses: None,
    }
}

fn reject(tx: &mut Tx<'_>, asked: &Approved) -> Result<(), Problem> {
    store::rejected(tx, asked.subject)
}

/// Asks for a dated mirror of a manual journal. What documents posted is taken back through them.
pub fn reverse(tx: &mut Tx<'_>, id: Uuid, seen: Option<i64>, wanted: &ReverseJournal) -> Result<Audited<Journal>, Problem> {
    let named = get(tx, id)?.summary.id;
    lock_parties(tx, named)?;
    let before = get(tx, named)?;
    require_version(seen, before.version)?;
    let summary = &before.summary;
    let Some(manual) = store::manual(tx, id, true)?.filter(|_| summary.reverses_id.is_none()) else {
        let detail =
            format!("The {} {} posted this; take that back instead.", summary.source_type.replace('_', " "), summary.number.as_deref().unwrap_or_default());
        return Err(Problem::new(problem::INVALID_STATE, detail)
            .member("current", json!({"status": summary.status, "source_type": summary.source_type, "source_id": summary.source_id}))
            .member("allowed_actions", json!([])));
    };
    if summary.status != JournalStatus::Posted {
        return Err(Problem::new(
            problem::INVALID_STATE,
            format!("The journal is {}; only a posted one is reversed.", summary.status.as_str().replace('_', " ")),
        )
        .member("current", json!({"status": summary.status}))
        .member("allowed_actions", json!([])));
    }
    if let Some(by) = summary.reversed_by_id {
        return Err(Problem::new(ALREADY_REVERSED, "This journal is reversed already.").member("current", json!({"status": "reversed", "reversed_by_id": by})));
    }
    let early = ("before_journal", "A reversal is not dated before what it takes back.");
    let on = faults::step_day("/reversed_on", wanted.reversed_on, summary.posted_on, tx.cx().today, early).map_err(Problem::invalid)?;
    periods::store::require_open(tx, on)?;
    let subject = summary.id;
    let payload = json!({"reversed_on": on, "reason": wanted.reason});
    if let Gate::Open = request(tx, &REVERSE, &before, manual.total, Some(&wanted.reason), payload)? {
        take_it_back(tx, subject, on, &wanted.reason)?;
    }
    let after = get(tx, subject)?;
    Ok(tx.record(Change::new("journal.reversal_asked", subject).version(after.version).before(&before).after(&after).reason(&wanted.reason), after))
}

fn take_back(tx: &mut Tx<'_>, asked: &Approved) -> Result<(), Problem> {
    let on = asked.payload["reversed_on"].as_str().and_then(|text| text.parse().ok()).ok_or_else(|| Problem::internal(&"a reversal without its date"))?;
    take_it_back(tx, asked.subject, on, asked.payload["reason"].as_str().unwrap_or_default())
}

fn take_it_back(tx: &mut Tx<'_>, document: Uuid, on: NaiveDate, reason: &str) -> Result<(), Problem> {
    lock_parties(tx, document)?;
    unwind(tx, &Unwind { document, kind: DocumentKind::Reversal, on, reason })?;
    let after = get(tx, document)?;
    let _ = tx.record(Change::new("journal.reversed", document).version(after.version).after(&after).reason(reason), ());
    Ok(())
}
