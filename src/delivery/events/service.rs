//! Telling what was sealed, and reading what was told.

use super::catalogue::{self, KINDS, kind};
use super::rules::{Draft, Entry, Placed, drafts};
use super::store::{self, PlacedRow, Told};
use super::types::{Event, EventFilter, EventPage};
use crate::platform::dates::{Instant, business_date};
use crate::platform::http::problem::{FieldError, INVALID_PARAMETER, Problem};
use crate::platform::ids::CompanyId;
use crate::platform::money::Currency;
use crate::platform::page::Paging;
use crate::platform::unit_of_work::{ADOPTED, Change, Doors, Principal, Rx, Tx, run_system, run_system_read};
use serde_json::{Value, json};
use std::collections::HashMap;
use uuid::Uuid;

/// Entries told in one transaction.
const BATCH: i64 = 100;

/// What is done with events in the transaction that tells them.
pub type Then = fn(&mut Tx<'_>, &[Told]) -> Result<(), Problem>;

/// Tells what was sealed of a company and not told yet.
pub fn tell(doors: &Doors, company: CompanyId, then: Then) -> Result<(), Problem> {
    if !run_system_read(doors, Some(company), "tellEvents", store::waits)? {
        return Ok(());
    }
    loop {
        let began = std::time::Instant::now();
        let (told, more) = run_system(doors, Some(company), "tellEvents", |tx| tell_batch(tx, then))?;
        if told > 0 {
            doors.news.bring(company);
        }
        if !more {
            return Ok(());
        }
        doors.gate.give_way(began);
    }
}

fn tell_batch(tx: &mut Tx<'_>, then: Then) -> Result<(usize, bool), Problem> {
    let feed = store::lock_feed(tx)?;
    let entries = store::sealed_after(tx, feed.audit_seq, BATCH)?;
    let Some(last) = entries.last().map(|entry| entry.seq) else { return Ok((0, false)) };
    let more = entries.len() == usize::try_from(BATCH).unwrap_or_default();
    let mut placed = placed_by(tx, &entries)?;
    let zone = tx.cx().facts.zone;
    let mut drafted: Vec<(Draft, Value, &store::EntryRow)> = Vec::new();
    for row in &entries {
        // A sealed body is one we wrote.
        let Ok(body) = serde_json::from_str::<Value>(&row.body) else { continue };
        let entry = Entry { allocations: placed.remove(&row.seq).unwrap_or_default(), day: business_date(row.recorded_at, zone), body };
        drafted.extend(drafts(&entry).into_iter().map(|draft| (draft, entry.body["actor"].clone(), row)));
    }
    let mut objects: Vec<Uuid> = drafted.iter().map(|(draft, ..)| draft.object_id).collect();
    objects.sort_unstable();
    objects.dedup();
    let mut numbers = if objects.is_empty() { HashMap::new() } else { store::object_sequences(tx, objects)? };
    let (company, mut sequence) = (tx.company(), feed.sequence);
    let told: Vec<Told> = drafted
        .into_iter()
        .map(|(draft, actor, row)| {
            sequence += 1;
            let number = numbers.entry(draft.object_id).or_default();
            *number += 1;
            let id = Uuid::now_v7();
            let body = json!({
                "id": format!("evt_{id}"), "type": draft.kind.name, "timestamp": Instant(row.recorded_at), "api_version": "v1", "company_id": company, "mode": "live",
                "sequence": sequence, "object_sequence": *number, "data": draft.data, "actor": actor, "request_id": row.request_id, "audit_seq": row.seq,
            });
            Told {
                sequence,
                id,
                kind: draft.kind,
                object_id: draft.object_id,
                object_sequence: *number,
                occurred_at: row.recorded_at,
                body: body.to_string(),
            }
        })
        .collect();
    if !told.is_empty() {
        store::insert(tx, &told)?;
        then(tx, &told)?;
    }
    store::advance(tx, last, sequence)?;
    Ok((told.len(), more))
}

/// The allocations each entry made, which its digests name.
fn placed_by(tx: &mut Tx<'_>, entries: &[store::EntryRow]) -> Result<HashMap<i64, Vec<Placed>>, Problem> {
    let mut made: HashMap<Uuid, i64> = HashMap::new();
    let adopted = format!("\"action\":\"{ADOPTED}\"");
    for row in entries.iter().filter(|row| !row.body.contains(&adopted)) {
        let lines = row.states.as_deref().unwrap_or_default().lines().skip(1);
        made.extend(lines.filter_map(|line| line.strip_prefix("allocation ")?.split(' ').next()?.parse().ok()).map(|id: Uuid| (id, row.seq)));
    }
    let mut placed: HashMap<i64, Vec<Placed>> = HashMap::new();
    if !made.is_empty() {
        for row in store::placed(tx, made.keys().copied().collect())? {
            let shown = shown(&row);
            placed.entry(made.get(&row.id).copied().unwrap_or_default()).or_default().push(Placed { id: row.id, reverses: row.reverses_id, shown });
        }
    }
    Ok(placed)
}

fn shown(row: &PlacedRow) -> Value {
    let amount = Currency::parse(&row.currency).map_or_else(|| row.amount.to_string(), |currency| currency.amount(row.amount).0.to_string());
    let mut shown = json!({
        "object": "allocation", "id": row.id, "version": 1, "status": "active", "customer_id": row.customer_id, "source_type": row.source_type, "source_id": row.source_id,
        "source_number": row.source_number, "target_type": row.target_type, "target_id": row.target_id, "target_number": row.target_number, "kind": row.kind,
        "amount": amount.trim_start_matches('-'), "currency": row.currency, "allocated_on": row.allocated_on, "rule": row.rule,
    });
    if let Some(reason) = &row.reason {
        shown["reason"] = json!(reason);
    }
    shown
}

/// Tells of invoices that were not paid by their due date, each once. Run every hour: a day begins in every zone.
pub fn tell_overdue(doors: &Doors) -> Result<(), Problem> {
    for company in run_system_read(doors, None, "listCompanies", store::companies)? {
        while run_system(doors, Some(company), "tellOverdue", overdue_batch)? {}
    }
    Ok(())
}

/// Whether more may be left.
fn overdue_batch(tx: &mut Tx<'_>) -> Result<bool, Problem> {
    let (feed, today) = (store::lock_feed(tx)?, tx.cx().today);
    let Some(since) = feed.overdue_told else { return store::overdue_told(tx, today).map(|()| false) };
    if since >= today {
        return Ok(false);
    }
    let found = store::overdue(tx, since, today, BATCH)?;
    for invoice in &found {
        let open = Currency::parse(&invoice.currency).map_or_else(|| invoice.open.to_string(), |currency| currency.amount(invoice.open).0.to_string());
        let days = (today - invoice.due_date).num_days();
        let after = json!({
            "object": "invoice", "id": invoice.id, "number": invoice.number, "customer_id": invoice.customer_id, "side": "debit", "currency": invoice.currency, "balance_due": open,
            "open_amount": open, "due_date": invoice.due_date, "days_overdue": days,
        });
        let _ = tx.record(Change::new("invoice.overdue", invoice.id).after(&after), ());
    }
    let more = found.len() == usize::try_from(BATCH).unwrap_or_default();
    if !more {
        store::overdue_told(tx, today)?;
    }
    Ok(more)
}

/// The types a caller may hear of and asks for; none where that is all of them.
fn types(principal: &Principal, wanted: Option<&str>) -> Result<Option<Vec<String>>, Problem> {
    let patterns: Option<Vec<&str>> = wanted.map(|wanted| wanted.split(',').collect());
    if let Some(unknown) = patterns.iter().flatten().find(|pattern| !catalogue::is_known(pattern)) {
        let mut error = FieldError::parameter("type", "event_type_unknown", "There are no events of this type.").received(unknown);
        if let Some(near) = catalogue::nearest(unknown) {
            error = error.expected(near);
        }
        return Err(Problem::new(INVALID_PARAMETER, "1 query parameter(s) need correction.").errors(vec![error]));
    }
    let heard =
        KINDS.iter().filter(|kind| principal.may(kind.permission) && patterns.as_ref().is_none_or(|all| all.iter().any(|p| catalogue::matches(p, kind.name))));
    let names: Vec<String> = heard.map(|kind| kind.name.to_owned()).collect();
    Ok((names.len() < KINDS.len()).then_some(names))
}

/// A page, and whether it holds anything.
pub fn page(rx: &mut Rx<'_>, principal: &Principal, paging: &Paging, filter: &EventFilter) -> Result<(EventPage, bool), Problem> {
    let types = types(principal, filter.r#type.as_deref())?;
    let last_sequence = store::last_sequence(rx)?;
    let page = store::list(rx, paging, filter, types)?;
    let there = !page.data.is_empty();
    Ok((EventPage { data: page.data, page: page.page, last_sequence }, there))
}

/// One event, where the caller may hear of its type.
pub fn get(rx: &mut Rx<'_>, principal: &Principal, id: Uuid) -> Result<Event, Problem> {
    let kept = store::get(rx, id)?.filter(|kept| kind(&kept.kind).is_some_and(|kind| principal.may(kind.permission)));
    let kept = kept.ok_or_else(|| Problem::not_found("event"))?;
    serde_json::from_str(&kept.body).map(Event).map_err(|error| Problem::internal(&error))
}
