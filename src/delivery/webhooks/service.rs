//! The verbs of webhook endpoints.

use super::guard::Allowed;
use super::problems::{EVENT_TYPE_UNKNOWN, WEBHOOK_URL_REFUSED};
use super::rules::{type_faults, url_faults};
use super::sign::Root;
use super::store::{self, EndpointRow, Queued};
use super::types::{
    DeliveryFilter, NewWebhookEndpoint, ReplayEvents, RotateWebhookSecret, Signature, WebhookDelivery, WebhookEndpoint, WebhookEndpointPatch, WebhookReplay,
};
use crate::delivery::events::catalogue::{self, PING};
use crate::delivery::events::store::Told;
use crate::delivery::events::types::EventId;
use crate::platform::dates::Instant;
use crate::platform::http::problem::{FieldError, INVALID_STATE, PERMISSION_DENIED, Problem};
use crate::platform::http::reply::require_version;
use crate::platform::ids::{DeliveryId, EndpointId};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::{Audited, Change, Context, Doors, Rx, Tx, run_system};
use chrono::TimeDelta;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// Events one call sends again, at most.
const MOST_REPLAYED: i64 = 10_000;
/// Days that deliveries are kept after they ended.
const KEPT_DAYS: i32 = 90;
const PURGED: i64 = 5_000;

/// What webhooks need besides the database.
#[derive(Clone)]
pub struct Post {
    pub root: Root,
    pub allowed: Arc<Allowed>,
}

impl Post {
    fn shown(&self, row: EndpointRow) -> WebhookEndpoint {
        let public = (row.signature == Signature::V1a).then(|| self.root.secret(row.id.uuid(), row.generation).public());
        WebhookEndpoint { public_key: public, ..row.answer() }
    }
    fn with_secret(&self, row: EndpointRow) -> WebhookEndpoint {
        let secret = (row.signature == Signature::V1).then(|| self.root.secret(row.id.uuid(), row.generation).shown());
        WebhookEndpoint { secret, ..self.shown(row) }
    }
}

/// Machines see and change what they made themselves.
fn own(cx: &Context) -> Option<String> {
    cx.actor.machine()
}

fn found(rx: &mut Rx<'_>, id: EndpointId) -> Result<EndpointRow, Problem> {
    let own = own(rx.cx());
    store::get(rx, id, own.as_deref())?.ok_or_else(|| Problem::not_found("webhook_endpoint"))
}

pub fn list(rx: &mut Rx<'_>, post: &Post, paging: &Paging) -> Result<Page<WebhookEndpoint>, Problem> {
    let own = own(rx.cx());
    Ok(store::list(rx, paging, own)?.map(|row| post.shown(row)))
}

pub fn get(rx: &mut Rx<'_>, post: &Post, id: EndpointId) -> Result<WebhookEndpoint, Problem> {
    found(rx, id).map(|row| post.shown(row))
}

fn check(url: Option<&str>, types: Option<&[String]>, allowed: &Allowed) -> Result<(), Problem> {
    let mut errors = url.map(|url| url_faults(url, allowed)).unwrap_or_default();
    errors.extend(types.map(type_faults).unwrap_or_default());
    if errors.is_empty() {
        return Ok(());
    }
    let refused = errors.iter().any(|error| error.code == WEBHOOK_URL_REFUSED.code);
    Err(Problem::new(if refused { WEBHOOK_URL_REFUSED } else { EVENT_TYPE_UNKNOWN }, crate::platform::http::problem::corrections(errors.len())).errors(errors))
}

pub fn create(tx: &mut Tx<'_>, post: &Post, new: &NewWebhookEndpoint) -> Result<Audited<WebhookEndpoint>, Problem> {
    check(Some(&new.url), Some(&new.event_types), &post.allowed)?;
    let id = store::insert(tx, new)?;
    let row = found(tx, id)?;
    let audited = tx.record(Change::new("webhook_endpoint.created", id.uuid()).after(&post.shown(row.clone())), ());
    Ok(audited.map(|()| post.with_secret(row)))
}

pub fn update(tx: &mut Tx<'_>, post: &Post, id: EndpointId, version: Option<i64>, patch: &WebhookEndpointPatch) -> Result<Audited<WebhookEndpoint>, Problem> {
    check(patch.url.as_deref(), patch.event_types.as_deref(), &post.allowed)?;
    store::lock(tx, id)?;
    let before = post.shown(found(tx, id)?);
    require_version(version, before.version)?;
    let mut wanted = before.clone();
    wanted.url = patch.url.clone().unwrap_or(wanted.url);
    wanted.description = patch.description.clone().unwrap_or(wanted.description);
    wanted.event_types = patch.event_types.clone().unwrap_or(wanted.event_types);
    wanted.ordered = patch.ordered.unwrap_or(wanted.ordered);
    store::update(tx, &wanted)?;
    match patch.active {
        Some(true) if !before.active => store::enable(tx, id)?,
        Some(false) if before.active => {
            store::disable(tx, id, "Somebody switched it off.")?;
        }
        _ => {}
    }
    let after = post.shown(found(tx, id)?);
    let action = if before.active && !after.active { "webhook_endpoint.disabled" } else { "webhook_endpoint.updated" };
    Ok(tx.record(Change::new(action, id.uuid()).version(after.version).before(&before).after(&after), after))
}

/// What was sent stays on record; nothing more is.
pub fn delete(tx: &mut Tx<'_>, post: &Post, id: EndpointId, version: Option<i64>) -> Result<Audited<WebhookEndpoint>, Problem> {
    store::lock(tx, id)?;
    let before = post.shown(found(tx, id)?);
    require_version(version, before.version)?;
    store::disable(tx, id, "It was removed.")?;
    let after = post.shown(found(tx, id)?);
    store::delete(tx, id)?;
    Ok(tx.record(Change::new("webhook_endpoint.deleted", id.uuid()).version(after.version).before(&before), after))
}

pub fn rotate(tx: &mut Tx<'_>, post: &Post, id: EndpointId, wanted: &RotateWebhookSecret) -> Result<Audited<WebhookEndpoint>, Problem> {
    store::lock(tx, id)?;
    let before = post.shown(found(tx, id)?);
    let hours = wanted.overlap_hours.unwrap_or(24);
    store::rotate(tx, id, (hours > 0).then(|| tx.cx().now + TimeDelta::hours(hours)))?;
    let row = found(tx, id)?;
    let after = post.shown(row.clone());
    let audited = tx.record(Change::new("webhook_endpoint.updated", id.uuid()).version(after.version).before(&before).after(&after), ());
    Ok(audited.map(|()| post.with_secret(row)))
}

fn at_work(row: &EndpointRow) -> Result<(), Problem> {
    if row.active {
        return Ok(());
    }
    Err(Problem::new(INVALID_STATE, "The endpoint is disabled; switch it on first.")
        .member("current", json!({"status": "disabled"}))
        .member("allowed_actions", json!(["update"])))
}

fn queued(tx: &mut Tx<'_>, one: Queued) -> Result<WebhookDelivery, Problem> {
    let id = store::queue(tx, &[one])?.pop().ok_or_else(|| Problem::internal(&"a delivery without an id"))?;
    store::delivery(tx, id, None)?.ok_or_else(|| Problem::internal(&"a delivery vanished"))
}

/// Sends a ping, which is no event of the feed.
pub fn test(tx: &mut Tx<'_>, id: EndpointId) -> Result<Audited<WebhookDelivery>, Problem> {
    at_work(&found(tx, id)?)?;
    let (event, company, cx) = (Uuid::now_v7(), tx.company(), tx.cx());
    let body = json!({
        "id": EventId(event).to_string(), "type": PING, "timestamp": Instant(cx.now), "api_version": "v1", "company_id": company, "mode": "live",
        "data": {"object": {"object": "webhook_endpoint", "id": id}, "previous": {}, "related": []}, "actor": cx.actor, "request_id": cx.request_id,
    });
    let ping = Queued { endpoint: id, event, kind: PING.into(), sequence: None, body: Some(body.to_string()), object: id.uuid() };
    let delivery = queued(tx, ping)?;
    Ok(tx.record(Change::new("webhook_endpoint.tested", id.uuid()).after(&json!({"delivery_id": delivery.id})), delivery))
}

/// Queues events of a range once more, in their order; those the endpoint takes.
pub fn replay(tx: &mut Tx<'_>, id: EndpointId, wanted: &ReplayEvents) -> Result<Audited<WebhookReplay>, Problem> {
    let (from, to) = (wanted.from_sequence, wanted.to_sequence);
    let fault = |code: &str, detail: &str| Err(Problem::invalid(vec![FieldError::at("/to_sequence", code, detail).received(to)]));
    if to < from {
        return fault("before_from", "to_sequence comes before from_sequence.");
    }
    if to - from >= MOST_REPLAYED {
        return fault("too_many", "One call sends at most 10,000 events again.");
    }
    at_work(&found(tx, id)?)?;
    let subscriber = store::subscribers(tx)?.into_iter().find(|subscriber| subscriber.id == id);
    let events = store::events_between(tx, from, to)?;
    let taken: Vec<Queued> = events
        .into_iter()
        .filter(|event| subscriber.as_ref().is_some_and(|subscriber| takes(subscriber, &event.kind)))
        .map(|event| Queued { endpoint: id, event: event.id, kind: event.kind, sequence: Some(event.sequence), body: None, object: event.object_id })
        .collect();
    store::queue(tx, &taken)?;
    let answer = WebhookReplay { object: "webhook_replay", endpoint_id: id, from_sequence: from, to_sequence: to, queued: taken.len() };
    Ok(tx.record(Change::new("webhook_endpoint.replayed", id.uuid()).after(&answer), answer))
}

pub fn deliveries(rx: &mut Rx<'_>, paging: &Paging, filter: &DeliveryFilter) -> Result<Page<WebhookDelivery>, Problem> {
    let own = own(rx.cx());
    store::deliveries(rx, paging, filter, own)
}

pub fn delivery(rx: &mut Rx<'_>, id: DeliveryId) -> Result<WebhookDelivery, Problem> {
    let own = own(rx.cx());
    store::delivery(rx, id, own.as_deref())?.ok_or_else(|| Problem::not_found("webhook_delivery"))
}

/// Sends a delivery now, whatever became of it.
pub fn retry(tx: &mut Tx<'_>, id: DeliveryId) -> Result<Audited<WebhookDelivery>, Problem> {
    let before = delivery(tx, id)?;
    at_work(&found(tx, before.endpoint_id)?)?;
    let subscriber = store::subscribers(tx)?.into_iter().find(|subscriber| subscriber.id == before.endpoint_id);
    if before.event_type != PING && !subscriber.is_some_and(|subscriber| may_hear(&subscriber, &before.event_type)) {
        let needed = catalogue::kind(&before.event_type).map(|kind| kind.permission);
        return Err(
            Problem::new(PERMISSION_DENIED, "The client this endpoint belongs to may not hear of such events any more.").member("required_permission", needed)
        );
    }
    store::again(tx, id)?;
    let after = delivery(tx, id)?;
    Ok(tx.record(Change::new("webhook_delivery.retried", id.uuid()).after(&json!({"endpoint_id": after.endpoint_id, "event_id": after.event_id})), after))
}

/// Whether an endpoint gets events of a type: it asked for them, and a machine's may read what they are about.
fn takes(subscriber: &store::Subscriber, name: &str) -> bool {
    subscriber.event_types.0.iter().any(|pattern| catalogue::matches(pattern, name)) && may_hear(subscriber, name)
}

fn may_hear(subscriber: &store::Subscriber, name: &str) -> bool {
    let may = |scopes: &[String]| catalogue::kind(name).is_some_and(|kind| scopes.iter().any(|scope| scope == kind.permission));
    subscriber.scopes.as_ref().is_none_or(|scopes| may(&scopes.0))
}

/// Queues what is told for everybody who wants it.
pub fn fan_out(tx: &mut Tx<'_>, told: &[Told]) -> Result<(), Problem> {
    let subscribers = store::subscribers(tx)?;
    let about: Vec<Uuid> = told.iter().filter(|event| event.kind.name.starts_with("webhook_endpoint.")).map(|event| event.object_id).collect();
    let makers = if about.is_empty() { HashMap::new() } else { store::makers(tx, about)? };
    // Of endpoints a machine hears of its own.
    let concerns = |subscriber: &store::Subscriber, event: &Told| {
        subscriber.scopes.is_none() || makers.get(&event.object_id).is_none_or(|maker| *maker == subscriber.created_by)
    };
    let hears = |subscriber: &store::Subscriber, event: &Told| takes(subscriber, event.kind.name) && concerns(subscriber, event);
    let wanted = told
        .iter()
        .flat_map(|event| subscribers.iter().filter(|subscriber| hears(subscriber, event)).map(|subscriber| (event, subscriber.id)).collect::<Vec<_>>());
    let queued: Vec<Queued> = wanted
        .map(|(event, endpoint)| Queued {
            endpoint,
            event: event.id,
            kind: event.kind.name.into(),
            sequence: Some(event.sequence),
            body: None,
            object: event.object_id,
        })
        .collect();
    if queued.is_empty() { Ok(()) } else { store::queue(tx, &queued).map(drop) }
}

/// Forgets deliveries of more than three months ago.
pub fn purge(doors: &Doors) -> Result<(), Problem> {
    while run_system(doors, None, "purgeDeliveries", |tx| store::purge(tx, KEPT_DAYS, PURGED))? >= usize::try_from(PURGED).unwrap_or_default() {}
    Ok(())
}
