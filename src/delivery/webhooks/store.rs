use super::types::{
    DeliveryFilter, DeliveryStatus, EndpointHealth, EndpointStatus, NewWebhookEndpoint, Signature, WebhookAttempt, WebhookDelivery, WebhookEndpoint,
};
use crate::delivery::events::types::EventId;
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{CompanyId, DeliveryId, EndpointId};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::HashMap;
use uuid::Uuid;

row! {
    /// An endpoint as it is kept.
    pub struct EndpointRow {
        pub id: EndpointId, pub url: String, pub description: Option<String>, pub event_types: Many<String>, pub ordered: bool, pub signature: Signature, pub generation: i32,
        pub previous_until: Option<DateTime<Utc>>, pub active: bool, pub disabled_reason: Option<String>, pub version: i64, pub created_by: String, pub created_at: DateTime<Utc>,
        pub updated_at: DateTime<Utc>, pub failing_since: Option<DateTime<Utc>>, pub failures: i32, pub last_attempt_at: Option<DateTime<Utc>>, pub last_success_at: Option<DateTime<Utc>>,
        pub last_status: Option<i32>, pub pending: i64,
    }
}

impl EndpointRow {
    /// Without secret and public key.
    pub fn answer(self) -> WebhookEndpoint {
        let status = match (self.active, self.failing_since) {
            (false, _) => EndpointStatus::Disabled,
            (true, Some(_)) => EndpointStatus::Failing,
            _ => EndpointStatus::Active,
        };
        WebhookEndpoint {
            id: self.id,
            object: "webhook_endpoint",
            url: self.url,
            description: self.description,
            event_types: self.event_types.0,
            ordered: self.ordered,
            signature: self.signature,
            public_key: None,
            status,
            active: self.active,
            disabled_reason: self.disabled_reason,
            health: EndpointHealth {
                failing_since: self.failing_since.map(Instant),
                failures: self.failures,
                last_attempt_at: self.last_attempt_at.map(Instant),
                last_success_at: self.last_success_at.map(Instant),
                last_status_code: self.last_status,
                pending: self.pending,
            },
            previous_secret_expires_at: self.previous_until.map(Instant),
            version: self.version,
            created_by: self.created_by,
            created_at: Instant(self.created_at),
            updated_at: Instant(self.updated_at),
            secret: None,
        }
    }
}

const ENDPOINT: &str = "SELECT w.id, w.url, w.description, w.event_types, w.ordered, w.signature, w.generation, w.previous_until, w.active, w.disabled_reason, w.version, w.created_by, w.created_at,
        w.updated_at, w.failing_since, w.failures, w.last_attempt_at, w.last_success_at, w.last_status,
        (SELECT count(*) FROM webhook_delivery d WHERE d.company_id = w.company_id AND d.endpoint_id = w.id AND d.state = 'pending') AS pending
    FROM webhook_endpoint w WHERE w.company_id = $1 AND w.deleted_at IS NULL";

static ENDPOINTS: List = List {
    select: ENDPOINT,
    id: "w.id",
    sorts: &[SortKey { name: "created_at", expression: "w.created_at", kind: "timestamptz" }],
    default_sort: "-created_at",
};

/// Endpoints; those of one maker where `own` names it.
pub fn list(rx: &mut Rx<'_>, paging: &Paging, own: Option<String>) -> Result<Page<EndpointRow>, Problem> {
    ENDPOINTS.of(rx).when("w.created_by = {}", own).page(rx, paging)
}

pub fn get(rx: &mut Rx<'_>, id: EndpointId, own: Option<&str>) -> Result<Option<EndpointRow>, Problem> {
    let company = rx.company();
    rx.optional(Sql::new(format!("{ENDPOINT} AND w.id = $2 AND ($3::text IS NULL OR w.created_by = $3)")).bind(company).bind(id).bind(own))
}

/// Has others wait who change the endpoint.
pub fn lock(tx: &mut Tx<'_>, id: EndpointId) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("SELECT 1 FROM webhook_endpoint WHERE company_id = $1 AND id = $2 FOR NO KEY UPDATE").bind(company).bind(id)).map(drop)
}

pub fn insert(tx: &mut Tx<'_>, new: &NewWebhookEndpoint) -> Result<EndpointId, Problem> {
    let (company, id, actor) = (tx.company(), EndpointId::new(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new("INSERT INTO webhook_endpoint (company_id, id, url, description, event_types, ordered, signature, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
            .bind(company)
            .bind(id)
            .bind(&new.url)
            .bind(new.description.as_deref())
            .bind(Many(new.event_types.clone()))
            .bind(new.ordered)
            .bind(new.signature.unwrap_or(Signature::V1))
            .bind(actor),
    )?;
    Ok(id)
}

/// Writes what a patch made of an endpoint.
pub fn update(tx: &mut Tx<'_>, endpoint: &WebhookEndpoint) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE webhook_endpoint SET url = $3, description = $4, event_types = $5, ordered = $6, version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2")
            .bind(company)
            .bind(endpoint.id)
            .bind(&endpoint.url)
            .bind(endpoint.description.as_deref())
            .bind(Many(endpoint.event_types.clone()))
            .bind(endpoint.ordered),
    )
    .map(drop)
}

/// Begins with a clean sheet.
pub fn enable(tx: &mut Tx<'_>, id: EndpointId) -> Result<(), Problem> {
    let company = tx.company();
    let text = "UPDATE webhook_endpoint SET active = true, disabled_reason = NULL, failing_since = NULL, failures = 0, paused_until = NULL WHERE company_id = $1 AND id = $2";
    tx.execute(Sql::new(text).bind(company).bind(id)).map(drop)
}

/// Stops an endpoint and parks what waits for it; true when it was at work.
pub fn disable(tx: &mut Tx<'_>, id: EndpointId, reason: &str) -> Result<bool, Problem> {
    let company = tx.company();
    let text = "UPDATE webhook_endpoint SET active = false, disabled_reason = $3, version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2 AND active";
    let stopped = tx.execute(Sql::new(text).bind(company).bind(id).bind(reason))? > 0;
    let text = "UPDATE webhook_delivery SET state = 'parked', ended_at = now() WHERE company_id = $1 AND endpoint_id = $2 AND state = 'pending'";
    tx.execute(Sql::new(text).bind(company).bind(id))?;
    Ok(stopped)
}

pub fn delete(tx: &mut Tx<'_>, id: EndpointId) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("UPDATE webhook_endpoint SET deleted_at = now() WHERE company_id = $1 AND id = $2").bind(company).bind(id)).map(drop)
}

pub fn rotate(tx: &mut Tx<'_>, id: EndpointId, previous_until: Option<DateTime<Utc>>) -> Result<(), Problem> {
    let company = tx.company();
    let text = "UPDATE webhook_endpoint SET generation = generation + 1, previous_until = $3, version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2";
    tx.execute(Sql::new(text).bind(company).bind(id).bind(previous_until)).map(drop)
}

row! {
    /// Who gets what: scopes of the client that made it, none for people, and whether it still may.
    pub struct Subscriber { pub id: EndpointId, pub event_types: Many<String>, pub scopes: Option<Many<String>>, pub created_by: String }
}

/// Endpoints at work. One made by a client that was revoked gets nothing.
pub fn subscribers(tx: &mut Tx<'_>) -> Result<Vec<Subscriber>, Problem> {
    let company = tx.company();
    tx.load(
        Sql::new(
            "SELECT w.id, w.event_types, c.scopes, w.created_by FROM webhook_endpoint w
             LEFT JOIN api_client c ON c.company_id = w.company_id AND concat('client:', c.id) = w.created_by
             WHERE w.company_id = $1 AND w.active AND w.deleted_at IS NULL AND (c.id IS NULL OR c.active)",
        )
        .bind(company),
    )
}

/// Who made these endpoints.
pub fn makers(tx: &mut Tx<'_>, ids: Vec<Uuid>) -> Result<HashMap<Uuid, String>, Problem> {
    row! { struct Made { id: Uuid, created_by: String } }
    let company = tx.company();
    let rows: Vec<Made> =
        tx.load(Sql::new("SELECT id, created_by FROM webhook_endpoint WHERE company_id = $1 AND id = ANY($2)").bind(company).bind(Many(ids)))?;
    Ok(rows.into_iter().map(|row| (row.id, row.created_by)).collect())
}

/// A delivery to queue.
pub struct Queued {
    pub endpoint: EndpointId,
    pub event: Uuid,
    pub kind: String,
    pub sequence: Option<i64>,
    pub body: Option<String>,
    pub object: Uuid,
}

/// Queues deliveries, due at once; gives their ids.
pub fn queue(tx: &mut Tx<'_>, queued: &[Queued]) -> Result<Vec<DeliveryId>, Problem> {
    let company = tx.company();
    let ids: Vec<DeliveryId> = queued.iter().map(|_| DeliveryId::new()).collect();
    tx.execute(
        Sql::new(
            "INSERT INTO webhook_delivery (company_id, id, endpoint_id, event_id, type, sequence, body, object_id)
             SELECT $1, t.* FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::bigint[], $7::text[], $8::uuid[]) AS t",
        )
        .bind(company)
        .bind(Many(ids.clone()))
        .bind(queued.iter().map(|q| q.endpoint).collect::<Many<_>>())
        .bind(queued.iter().map(|q| q.event).collect::<Many<_>>())
        .bind(queued.iter().map(|q| q.kind.as_str()).collect::<Many<_>>())
        .bind(queued.iter().map(|q| q.sequence).collect::<Many<_>>())
        .bind(queued.iter().map(|q| q.body.as_deref()).collect::<Many<_>>())
        .bind(queued.iter().map(|q| q.object).collect::<Many<_>>()),
    )?;
    Ok(ids)
}

row! { pub struct Replayed { pub id: Uuid, pub kind: String, pub sequence: i64, pub object_id: Uuid } }

/// Events of a range, in their order.
pub fn events_between(rx: &mut Rx<'_>, from: i64, to: i64) -> Result<Vec<Replayed>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new("SELECT id, type AS kind, sequence, object_id FROM event WHERE company_id = $1 AND sequence BETWEEN $2 AND $3 ORDER BY sequence")
            .bind(company)
            .bind(from)
            .bind(to),
    )
}

row! {
    struct DeliveryRow {
        id: DeliveryId, endpoint_id: EndpointId, event_id: Uuid, kind: String, sequence: Option<i64>, object_id: Uuid, state: DeliveryStatus, attempts: i32, due_at: DateTime<Utc>,
        created_at: DateTime<Utc>, ended_at: Option<DateTime<Utc>>, tried: serde_json::Value,
    }
}

impl From<DeliveryRow> for WebhookDelivery {
    fn from(row: DeliveryRow) -> Self {
        Self {
            id: row.id,
            object: "webhook_delivery",
            endpoint_id: row.endpoint_id,
            event_id: EventId(row.event_id).to_string(),
            webhook_id: webhook_id(row.event_id),
            event_type: row.kind,
            sequence: row.sequence,
            object_id: row.object_id,
            status: row.state,
            attempt_count: row.attempts,
            next_attempt_at: (row.state == DeliveryStatus::Pending).then_some(Instant(row.due_at)),
            attempts: serde_json::from_value::<Vec<WebhookAttempt>>(row.tried).unwrap_or_default(),
            created_at: Instant(row.created_at),
            ended_at: row.ended_at.map(Instant),
        }
    }
}

/// What a message is known by: its event.
pub fn webhook_id(event: Uuid) -> String {
    format!("msg_{}", event.simple())
}

const DELIVERY: &str = "SELECT d.id, d.endpoint_id, d.event_id, d.type AS kind, d.sequence, d.object_id, d.state, d.attempts, d.due_at, d.created_at, d.ended_at,
        (SELECT coalesce(jsonb_agg(jsonb_build_object('number', a.number, 'attempted_at', to_char(a.attempted_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), 'status_code', a.status_code, 'latency_ms', a.latency_ms,
                    'error', a.error, 'response_body', a.reply) ORDER BY a.number), '[]')
         FROM (SELECT * FROM webhook_attempt t WHERE t.company_id = d.company_id AND t.delivery_id = d.id ORDER BY t.number DESC LIMIT 20) AS a) AS tried
    FROM webhook_delivery d WHERE d.company_id = $1";

static DELIVERIES: List = List {
    select: DELIVERY,
    id: "d.id",
    sorts: &[
        SortKey { name: "created_at", expression: "d.created_at", kind: "timestamptz" },
        SortKey { name: "sequence", expression: "coalesce(d.sequence, 0)", kind: "bigint" },
    ],
    default_sort: "-created_at",
};

const OF_MAKER: &str = "EXISTS (SELECT FROM webhook_endpoint w WHERE w.company_id = d.company_id AND w.id = d.endpoint_id AND w.created_by = {})";

pub fn deliveries(rx: &mut Rx<'_>, paging: &Paging, filter: &DeliveryFilter, own: Option<String>) -> Result<Page<WebhookDelivery>, Problem> {
    let event = filter.event_id.as_deref().and_then(EventId::parse).map(|event| event.0);
    let tried = |operator: &str| {
        format!("EXISTS (SELECT FROM webhook_attempt t WHERE t.company_id = d.company_id AND t.delivery_id = d.id AND t.attempted_at {operator} {{}})")
    };
    let page = DELIVERIES
        .of(rx)
        .when("d.endpoint_id = {}", filter.endpoint_id)
        .any_of("d.state", filter.status.as_deref())
        .when("d.event_id = {}", event)
        .when(&tried(">="), filter.attempted_at_gte.map(|at| at.0))
        .when(&tried("<"), filter.attempted_at_lt.map(|at| at.0))
        .when(OF_MAKER, own)
        .page::<DeliveryRow>(rx, paging)?;
    Ok(page.map(WebhookDelivery::from))
}

pub fn delivery(rx: &mut Rx<'_>, id: DeliveryId, own: Option<&str>) -> Result<Option<WebhookDelivery>, Problem> {
    let company = rx.company();
    let text = format!("{DELIVERY} AND d.id = $2 AND ($3::text IS NULL OR {})", OF_MAKER.replace("{}", "$3"));
    Ok(rx.optional::<DeliveryRow>(Sql::new(text).bind(company).bind(id).bind(own))?.map(WebhookDelivery::from))
}

/// Makes a delivery due, with the plan of retries begun anew.
pub fn again(tx: &mut Tx<'_>, id: DeliveryId) -> Result<(), Problem> {
    let company = tx.company();
    let text = "UPDATE webhook_delivery SET state = 'pending', tries = 0, due_at = now(), ended_at = NULL WHERE company_id = $1 AND id = $2";
    tx.execute(Sql::new(text).bind(company).bind(id)).map(drop)
}

// ------------------------------------------------------------------------------------- the courier

row! { pub struct Due { pub company_id: CompanyId, pub id: EndpointId, pub url: String, pub ordered: bool, pub signature: Signature, pub generation: i32, pub overlaps: bool, pub failing: bool, pub orphaned: bool } }

/// Endpoints of all companies for which something is due; not those of clients that may do nothing for now, but those of clients
/// that never may again. Called with the identity tables open.
pub fn due(rx: &mut Rx<'_>) -> Result<Vec<Due>, Problem> {
    rx.load(Sql::new(
        "SELECT w.company_id, w.id, w.url, w.ordered, w.signature, w.generation, coalesce(w.previous_until > now(), false) AS overlaps, w.failing_since IS NOT NULL AS failing,
                c.revoked_at IS NOT NULL AS orphaned
         FROM webhook_endpoint w LEFT JOIN api_client c ON c.company_id = w.company_id AND concat('client:', c.id) = w.created_by
         WHERE (c.id IS NULL OR c.active OR c.revoked_at IS NOT NULL) AND w.active AND w.deleted_at IS NULL AND coalesce(w.paused_until <= now(), true)
           AND EXISTS (SELECT FROM webhook_delivery d WHERE d.company_id = w.company_id AND d.endpoint_id = w.id AND d.state = 'pending' AND d.due_at <= now())",
    ))
}

row! { pub struct Claimed { pub id: DeliveryId, pub event_id: Uuid, pub attempts: i32, pub tries: i32, pub body: String } }

/// Takes deliveries that are due, for so long that they can be finished; then another may. Of a thing the oldest only,
/// where order counts.
pub fn claim(tx: &mut Tx<'_>, endpoint: EndpointId, ordered: bool, most: i64, lease: TimeDelta) -> Result<Vec<Claimed>, Problem> {
    let company = tx.company();
    let behind = " AND NOT EXISTS (SELECT FROM webhook_delivery p WHERE p.company_id = $1 AND p.endpoint_id = $2 AND p.object_id = d.object_id AND p.state = 'pending' AND p.id < d.id)";
    tx.load(
        Sql::new(format!(
            "WITH taken AS MATERIALIZED (
                SELECT d.id FROM webhook_delivery d WHERE d.company_id = $1 AND d.endpoint_id = $2 AND d.state = 'pending' AND d.due_at <= now(){}
                ORDER BY d.id LIMIT $3 FOR UPDATE SKIP LOCKED
             ), claimed AS (
                UPDATE webhook_delivery d SET attempts = d.attempts + 1, tries = d.tries + 1, due_at = now() + $4 * interval '1 second'
                FROM taken t WHERE d.company_id = $1 AND d.id = t.id RETURNING d.id, d.event_id, d.attempts, d.tries, d.body
             )
             SELECT c.id, c.event_id, c.attempts, c.tries, coalesce(c.body, e.body) AS body FROM claimed c LEFT JOIN event e ON e.company_id = $1 AND e.id = c.event_id ORDER BY c.id",
            if ordered { behind } else { "" }
        ))
        .bind(company)
        .bind(endpoint)
        .bind(most)
        .bind(lease.num_seconds()),
    )
}

/// Gives deliveries back that were not tried.
pub fn release(tx: &mut Tx<'_>, claimed: &[Claimed]) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "UPDATE webhook_delivery d SET attempts = d.attempts - 1, tries = d.tries - 1, due_at = now() FROM unnest($2::uuid[], $3::int[]) AS r(id, attempts)
             WHERE d.company_id = $1 AND d.id = r.id AND d.attempts = r.attempts AND d.state = 'pending'",
        )
        .bind(company)
        .bind(claimed.iter().map(|c| c.id).collect::<Many<_>>())
        .bind(claimed.iter().map(|c| c.attempts).collect::<Many<_>>()),
    )
    .map(drop)
}

/// What became of an attempt.
pub struct Tried<'c> {
    pub claimed: &'c Claimed,
    pub at: DateTime<Utc>,
    pub status: Option<u16>,
    pub latency_ms: i32,
    pub error: Option<String>,
    pub reply: Option<String>,
}

/// Notes an attempt and what follows: delivered, tried again after a while, or parked. False where somebody else has taken
/// the delivery over or ended it meanwhile; the attempt is noted all the same.
pub fn finish(tx: &mut Tx<'_>, tried: &Tried<'_>, delivered: bool, again: Option<TimeDelta>) -> Result<bool, Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("INSERT INTO webhook_attempt (company_id, delivery_id, number, attempted_at, status_code, latency_ms, error, reply) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING")
            .bind(company)
            .bind(tried.claimed.id)
            .bind(tried.claimed.attempts)
            .bind(tried.at)
            .bind(tried.status.map(i32::from))
            .bind(tried.latency_ms)
            .bind(tried.error.as_deref())
            .bind(tried.reply.as_deref()),
    )?;
    let (state, wait) = match (delivered, again) {
        (true, _) => ("delivered", None),
        (false, Some(wait)) => ("pending", Some(wait.num_milliseconds())),
        (false, None) => ("parked", None),
    };
    let text = "UPDATE webhook_delivery SET state = $4, due_at = CASE WHEN $5::bigint IS NULL THEN due_at ELSE now() + $5 * interval '1 millisecond' END, ended_at = CASE WHEN $4 <> 'pending' THEN now() END
        WHERE company_id = $1 AND id = $2 AND attempts = $3 AND state = 'pending'";
    Ok(tx.execute(Sql::new(text).bind(company).bind(tried.claimed.id).bind(tried.claimed.attempts).bind(state).bind(wait))? > 0)
}

/// Has later deliveries of the same thing wait as long as one that is tried again, or no longer than it: they are not looked
/// at in vain meanwhile.
pub fn hold_followers(tx: &mut Tx<'_>, endpoint: EndpointId, delivery: DeliveryId, again: Option<TimeDelta>) -> Result<(), Problem> {
    let company = tx.company();
    let text = "UPDATE webhook_delivery f SET due_at = now() + $4 * interval '1 millisecond' FROM webhook_delivery d
        WHERE d.company_id = $1 AND d.id = $3 AND f.company_id = $1 AND f.endpoint_id = $2 AND f.object_id = d.object_id AND f.state = 'pending' AND f.id > d.id";
    tx.execute(Sql::new(text).bind(company).bind(endpoint).bind(delivery).bind(again.map_or(0, |wait| wait.num_milliseconds()))).map(drop)
}

/// Notes how an endpoint did; gives since when it fails.
pub fn note_health(
    tx: &mut Tx<'_>,
    id: EndpointId,
    at: DateTime<Utc>,
    status: Option<u16>,
    delivered: bool,
    pause: Option<i64>,
) -> Result<Option<DateTime<Utc>>, Problem> {
    let company = tx.company();
    let text = "UPDATE webhook_endpoint SET last_attempt_at = $3, last_status = $4, last_success_at = CASE WHEN $5 THEN $3 ELSE last_success_at END,
            failing_since = CASE WHEN $5 THEN NULL ELSE coalesce(failing_since, $3) END, failures = CASE WHEN $5 THEN 0 ELSE failures + 1 END,
            paused_until = CASE WHEN $6::bigint IS NULL THEN paused_until ELSE now() + $6 * interval '1 second' END
        WHERE company_id = $1 AND id = $2 RETURNING failing_since";
    let since: Vec<Option<DateTime<Utc>>> =
        tx.scalars(Sql::new(text).bind(company).bind(id).bind(at).bind(status.map(i32::from)).bind(delivered).bind(pause))?;
    Ok(since.into_iter().next().flatten())
}

/// Forgets deliveries that ended long ago, of all companies. Called with the identity tables open.
pub fn purge(tx: &mut Tx<'_>, days: i32, most: i64) -> Result<usize, Problem> {
    tx.execute(
        Sql::new(
            "DELETE FROM webhook_delivery d USING (SELECT company_id, id FROM webhook_delivery WHERE state <> 'pending' AND created_at < now() - make_interval(days => $1) ORDER BY created_at LIMIT $2) AS old
             WHERE d.company_id = old.company_id AND d.id = old.id",
        )
        .bind(days)
        .bind(most),
    )
}
