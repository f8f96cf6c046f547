//! The feed of events.

use super::service;
use super::types::{Event, EventFilter, EventId, EventPage};
use crate::platform::http::{Fetched, Path, Query, Reply};
use crate::platform::page::Paging;
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::EventsRead;
use actix_web::get;
use std::sync::Arc;
use std::time::Duration;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_events).service(get_event);
}

/// List events.
///
/// What happened, oldest first, without a gap: no event turns up later behind one that was told already. Ask for what
/// comes after the last `sequence` seen; `wait_s` waits for it. Types whose things the caller may not read are left out,
/// so that their numbers are missing; `last_sequence` says how far the feed is all the same. Events are kept as long as
/// the books, at least 400 days.
#[utoipa::path(tag = "Events", params(Paging, EventFilter), responses((status = 200, body = EventPage, description = "One page.")), extensions(("x-permission" = json!("events:read"))))]
#[get("/v1/events")]
pub async fn list_events(caller: Caller<EventsRead>, paging: Query<Paging>, filter: Query<EventFilter>) -> Reply<Fetched<EventPage>> {
    let (principal, asked) = (caller.principal()?.clone(), Arc::new((paging.0, filter.0)));
    let longest = Duration::from_secs(asked.1.wait_s.clamp(0, 30).unsigned_abs());
    caller.wait_for(longest, move |rx| service::page(rx, &principal, &asked.0, &asked.1)).await
}

/// Get an event.
///
/// As it was sent, to the byte.
#[utoipa::path(tag = "Events", params(("id" = String, Path, description = "The event, with or without `evt_`.", max_length = 40, example = "evt_0196f9d4-0d10-7f00-8000-000000000731")), responses((status = 200, body = Event, description = "The event.")), extensions(("x-permission" = json!("events:read"))))]
#[get("/v1/events/{id}")]
pub async fn get_event(caller: Caller<EventsRead>, id: Path<EventId>) -> Reply<Fetched<Event>> {
    let principal = caller.principal()?.clone();
    caller.fetch(move |rx| service::get(rx, &principal, id.0.0)).await
}
