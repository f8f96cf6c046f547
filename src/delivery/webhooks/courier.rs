//! The courier: takes what is due to where it goes, away from requests and their connections.
//!
//! One thread looks what is due and hands each endpoint's share to a thread of its own, so that one that hangs holds up
//! no other. Nothing is held while a receiver is waited for: what is taken is taken by a lease, and what came of it is
//! written afterwards. A process that dies in between leaves its share to whoever looks after the lease.

use super::guard::Guarded;
use super::rules::{PATIENCE, Verdict, plan, verdict};
use super::service::Post;
use super::store::{self, Claimed, Due, Tried, webhook_id};
use crate::platform::clock;
use crate::platform::http::Problem;
use crate::platform::ids::EndpointId;
use crate::platform::unit_of_work::{Change, Doors, Tx, run_system, run_system_read};
use chrono::TimeDelta;
use serde_json::json;
use std::collections::HashMap;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use ureq::Agent;
use ureq::tls::{TlsConfig, TlsProvider};
use ureq::unversioned::transport::DefaultConnector;

/// How long a receiver may take, from asking for its address to the end of its answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Shares under way at once, and of one endpoint. One that fails gets one, and all that fail together half of them.
const SHARES: usize = 48;
const SHARES_EACH: usize = 4;
/// Deliveries of a share, one after the other.
const SHARE: i64 = 8;
/// After so long the rest of a share is given back.
const LONGEST_SHARE: Duration = Duration::from_secs(20);
/// When another may take over: after the longest share and its last delivery.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// Of an answer so much is kept.
const KEPT: u64 = 1024;

pub struct Courier {
    doors: Arc<Doors>,
    post: Post,
    agent: Agent,
    under_way: Mutex<HashMap<EndpointId, UnderWay>>,
}

/// The shares of an endpoint.
#[derive(Default)]
struct UnderWay {
    shares: usize,
    failing: bool,
}

impl Courier {
    #[must_use]
    pub fn new(doors: Arc<Doors>, post: Post) -> Arc<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder().provider(TlsProvider::Rustls).unversioned_rustls_crypto_provider(provider).build();
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // Every attempt asks for the address and looks at it, and goes there itself.
            .max_idle_connections(0)
            .proxy(None)
            .max_response_header_size(16 * 1024)
            .user_agent(concat!("Duebook-Webhooks/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), Guarded::new(Arc::clone(&post.allowed)));
        Arc::new(Self { doors, post, agent, under_way: Mutex::default() })
    }

    /// Sets off with what is due. Run several times a second.
    pub fn round(self: &Arc<Self>) -> Result<(), Problem> {
        for endpoint in run_system_read(&self.doors, None, "listDueWebhooks", store::due)? {
            if endpoint.orphaned {
                run_system(&self.doors, Some(endpoint.company_id), "disableWebhook", |tx| {
                    store::lock(tx, endpoint.id)?;
                    disable(tx, &endpoint, "The client it belongs to was revoked.", None)
                })?;
                continue;
            }
            while self.sets_out(&endpoint) {
                // Given back by the end of the share, also when there is none.
                let place = Place { courier: Arc::clone(self), endpoint: endpoint.id };
                let taken =
                    run_system(&self.doors, Some(endpoint.company_id), "takeDeliveries", |tx| store::claim(tx, endpoint.id, endpoint.ordered, SHARE, LEASE))?;
                if taken.is_empty() {
                    break;
                }
                let due = endpoint.clone();
                let spawned = std::thread::Builder::new().name("webhook".into()).stack_size(512 * 1024).spawn(move || place.courier.carry(&due, &taken));
                spawned.map_err(|error| Problem::internal(&error))?;
            }
        }
        Ok(())
    }

    fn sets_out(&self, due: &Due) -> bool {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = under_way.values().map(|own| own.shares).sum();
        let failing: usize = under_way.values().filter(|own| own.failing).map(|own| own.shares).sum();
        let own = under_way.entry(due.id).or_default();
        own.failing = due.failing;
        let free = all < SHARES && if due.failing { own.shares == 0 && failing < SHARES / 2 } else { own.shares < SHARES_EACH };
        own.shares += usize::from(free);
        let idle = own.shares == 0;
        if idle {
            under_way.remove(&due.id);
        }
        free
    }

    fn carry(&self, due: &Due, taken: &[Claimed]) {
        let began = Instant::now();
        for (at, claimed) in taken.iter().enumerate() {
            let tried = self.attempt(due, claimed);
            let failed = tried.0.status.is_none();
            let written = run_system(&self.doors, Some(due.company_id), "recordDelivery", |tx| record(tx, due, &tried));
            if let Err(problem) = &written {
                tracing::warn!(%problem, "what became of a webhook is not written; it will be sent again");
            }
            // Whoever does not answer at all need not be asked for each of them now.
            let rest = &taken[at + 1..];
            if !rest.is_empty() && (failed || began.elapsed() > LONGEST_SHARE || matches!(written, Ok(false))) {
                if let Err(problem) = run_system(&self.doors, Some(due.company_id), "giveDeliveriesBack", |tx| store::release(tx, rest)) {
                    tracing::warn!(%problem, "deliveries will be taken up when their time is over");
                }
                return;
            }
        }
    }

    /// One attempt. Nothing that happens on the way is more than a failure.
    fn attempt<'c>(&self, due: &Due, claimed: &'c Claimed) -> (Tried<'c>, Verdict) {
        let (at, began) = (clock::now(), Instant::now());
        let (id, stamp) = (webhook_id(claimed.event_id), at.timestamp());
        let generations = if due.overlaps { vec![due.generation, due.generation - 1] } else { vec![due.generation] };
        let sign = |generation: &i32| self.post.root.secret(due.id.uuid(), *generation).sign(due.signature, &id, stamp, &claimed.body);
        let signatures: Vec<String> = generations.iter().map(sign).collect();
        let sent = self
            .agent
            .post(&due.url)
            .header("content-type", "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", stamp.to_string())
            .header("webhook-signature", signatures.join(" "))
            .send(&claimed.body);
        let (status, retry_after, reply, error) = match sent {
            Ok(answer) => {
                let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
                let (status, retry_after) = (answer.status().as_u16(), header("retry-after").and_then(|text| text.parse().ok()));
                let mut bytes = Vec::new();
                // What is said besides the status changes nothing.
                let _ = answer.into_body().into_reader().take(KEPT).read_to_end(&mut bytes);
                let text: String = String::from_utf8_lossy(&bytes).chars().filter(|c| *c != '\0').take(1024).collect();
                (Some(status), retry_after, Some(text), None)
            }
            Err(error) => (None, None, None, Some(error.to_string().chars().take(300).collect())),
        };
        let latency_ms = i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX);
        metrics::histogram!("duebook_webhook_seconds", "status" => status.map_or_else(|| "none".to_owned(), |status| status.to_string()))
            .record(began.elapsed());
        (Tried { claimed, at, status, latency_ms, error, reply }, verdict(status, retry_after))
    }
}

/// Writes what became of an attempt; false when the endpoint gets nothing more for now.
fn record(tx: &mut Tx<'_>, due: &Due, (tried, verdict): &(Tried<'_>, Verdict)) -> Result<bool, Problem> {
    let delivered = *verdict == Verdict::Delivered;
    let pause = if let Verdict::Slower(seconds) = verdict { Some(*seconds) } else { None };
    let again = if *verdict == Verdict::Gone { None } else { plan(tried.claimed.tries, rand::random_range(-100..=100), pause) };
    store::lock(tx, due.id)?;
    store::finish(tx, tried, delivered, again)?;
    if due.ordered {
        store::hold_followers(tx, due.id, tried.claimed.id, again.filter(|_| !delivered))?;
    }
    let failing_since = store::note_health(tx, due.id, tried.at, tried.status, delivered, pause)?;
    let reason = match verdict {
        Verdict::Gone => Some("The receiver answered 410 Gone."),
        _ if failing_since.is_some_and(|since| tried.at - since >= PATIENCE) => Some("No delivery succeeded for five days."),
        _ => None,
    };
    if let Some(reason) = reason {
        disable(tx, due, reason, tried.status)?;
    }
    Ok(reason.is_none() && pause.is_none())
}

/// Switches an endpoint off, where nobody did so before, and says why.
fn disable(tx: &mut Tx<'_>, due: &Due, reason: &str, status: Option<u16>) -> Result<(), Problem> {
    if !store::disable(tx, due.id, reason)? {
        return Ok(());
    }
    tracing::warn!(company = %due.company_id, endpoint = %due.id, reason, "a webhook endpoint is disabled");
    let was = if due.failing || status.is_some() { "failing" } else { "active" };
    let after = json!({"object": "webhook_endpoint", "id": due.id, "url": due.url, "status": "disabled", "active": false, "disabled_reason": reason, "last_status_code": status});
    let _ = tx.record(
        Change::new("webhook_endpoint.disabled", due.id.uuid())
            .before(&json!({"object": "webhook_endpoint", "id": due.id, "url": due.url, "status": was, "active": true}))
            .after(&after),
        (),
    );
    Ok(())
}

/// A share under way, until dropped.
struct Place {
    courier: Arc<Courier>,
    endpoint: EndpointId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut under_way = self.courier.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = under_way.get_mut(&self.endpoint) {
            own.shares -= 1;
            if own.shares == 0 {
                under_way.remove(&self.endpoint);
            }
        }
    }
}
