use super::types::{Event, EventFilter};
use crate::platform::http::Problem;
use crate::platform::ids::CompanyId;
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use std::collections::HashMap;
use uuid::Uuid;

row! { struct BodyRow { body: String } }

impl From<BodyRow> for Event {
    fn from(row: BodyRow) -> Self {
        Self(serde_json::from_str(&row.body).unwrap_or_default())
    }
}

static EVENTS: List = List {
    select: "SELECT e.body FROM event e WHERE e.company_id = $1",
    id: "e.id",
    sorts: &[SortKey { name: "sequence", expression: "e.sequence", kind: "bigint" }],
    default_sort: "sequence",
};

/// Of endpoints for webhooks a machine hears of its own.
macro_rules! heard {
    ($maker:literal) => {
        concat!("(e.type NOT LIKE 'webhook\\_endpoint.%' OR EXISTS (SELECT FROM webhook_endpoint w WHERE w.company_id = $1 AND w.id = e.object_id AND w.created_by = ", $maker, "))")
    };
}

/// A page of the feed; `types` where the caller may not hear of all or asks for some.
pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &EventFilter, types: Option<Vec<String>>) -> Result<Page<Event>, Problem> {
    let machine = rx.cx().actor.machine();
    let after = filter.after_sequence.into_iter().chain(filter.after).max();
    let page = EVENTS
        .of(rx)
        .when("e.sequence > {}", after)
        .when("e.type = ANY({})", types.map(Many))
        .when(heard!("{}"), machine)
        .when("e.object_id = {}", filter.object_id)
        .page::<BodyRow>(rx, paging)?;
    Ok(page.map(Event::from))
}

/// The number of the newest event.
pub fn last_sequence(rx: &mut Rx<'_>) -> Result<i64, Problem> {
    let company = rx.company();
    Ok(rx.scalars(Sql::new("SELECT sequence FROM event_feed WHERE company_id = $1").bind(company))?.pop().unwrap_or(0))
}

row! { pub struct Kept { pub kind: String, pub body: String } }

/// One event with its type.
pub fn get(rx: &mut Rx<'_>, id: Uuid) -> Result<Option<Kept>, Problem> {
    let company = rx.company();
    let machine = rx.cx().actor.machine();
    let text = concat!("SELECT e.type AS kind, e.body FROM event e WHERE e.company_id = $1 AND e.id = $2 AND ($3 IS NULL OR ", heard!("$3"), ")");
    rx.optional(Sql::new(text).bind(company).bind(id).bind(machine))
}

row! { pub struct Feed { pub audit_seq: i64, pub sequence: i64, pub overdue_told: Option<NaiveDate> } }

/// How far the feed is. The lock keeps two who tell it apart.
pub fn lock_feed(tx: &mut Tx<'_>) -> Result<Feed, Problem> {
    let company = tx.company();
    let found = "SELECT audit_seq, sequence, overdue_told FROM event_feed WHERE company_id = $1 FOR UPDATE";
    if let Some(feed) = tx.optional(Sql::new(found).bind(company))? {
        return Ok(feed);
    }
    tx.execute(Sql::new("INSERT INTO event_feed (company_id) VALUES ($1) ON CONFLICT DO NOTHING").bind(company))?;
    tx.one(Sql::new(found).bind(company))
}

/// Whether entries of the log wait to be told.
pub fn waits(rx: &mut Rx<'_>) -> Result<bool, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new(
            "SELECT coalesce((SELECT max(seq) FROM audit_leaf WHERE company_id = $1), 0) > coalesce((SELECT audit_seq FROM event_feed WHERE company_id = $1), 0)",
        )
        .bind(company),
    )
}

row! { pub struct EntryRow { pub seq: i64, pub request_id: String, pub recorded_at: DateTime<Utc>, pub body: String, pub states: Option<String> } }

/// Sealed entries after one, in their order.
pub fn sealed_after(tx: &mut Tx<'_>, seq: i64, most: i64) -> Result<Vec<EntryRow>, Problem> {
    let company = tx.company();
    tx.load(
        Sql::new(
            "SELECT l.seq, e.request_id, e.recorded_at, e.body, e.states
             FROM (SELECT seq, event_id FROM audit_leaf WHERE company_id = $1 AND seq > $2 ORDER BY seq LIMIT $3) AS l
             JOIN audit_event e ON e.company_id = $1 AND e.id = l.event_id ORDER BY l.seq",
        )
        .bind(company)
        .bind(seq)
        .bind(most),
    )
}

row! {
    pub struct PlacedRow {
        pub id: Uuid, pub reverses_id: Option<Uuid>, pub customer_id: Uuid, pub source_type: String, pub source_id: Uuid, pub source_number: String, pub target_type: String, pub target_id: Uuid,
        pub target_number: String, pub kind: String, pub amount: Decimal, pub currency: String, pub allocated_on: NaiveDate, pub rule: String, pub reason: Option<String>,
    }
}

/// Allocations as they were made; those between a document and what takes it back are of its own event.
pub fn placed(tx: &mut Tx<'_>, ids: Vec<Uuid>) -> Result<Vec<PlacedRow>, Problem> {
    let company = tx.company();
    tx.load(
        Sql::new(
            "SELECT a.id, a.reverses_id, a.customer_id, c.document_kind AS source_type, c.document_id AS source_id, c.document_number AS source_number, d.document_kind AS target_type,
                    d.document_id AS target_id, d.document_number AS target_number, a.kind, a.amount::numeric AS amount, c.currency, a.effective_on AS allocated_on, a.rule, a.reason
             FROM unnest($2::uuid[]) AS w(id) JOIN allocation a ON a.company_id = $1 AND a.id = w.id
             JOIN open_item c ON c.company_id = $1 AND c.id = a.credit_item_id
             JOIN open_item d ON d.company_id = $1 AND d.id = a.debit_item_id
             WHERE a.kind <> 'reversal' ORDER BY a.id",
        )
        .bind(company)
        .bind(Many(ids)),
    )
}

/// The newest event's number of each of these things.
pub fn object_sequences(tx: &mut Tx<'_>, ids: Vec<Uuid>) -> Result<HashMap<Uuid, i64>, Problem> {
    row! { struct Last { id: Uuid, last: Option<i64> } }
    let company = tx.company();
    let rows: Vec<Last> = tx.load(
        Sql::new(
            "SELECT w.id, (SELECT max(e.object_sequence) FROM event e WHERE e.company_id = $1 AND e.object_id = w.id) AS last FROM unnest($2::uuid[]) AS w(id)",
        )
        .bind(company)
        .bind(Many(ids)),
    )?;
    Ok(rows.into_iter().map(|row| (row.id, row.last.unwrap_or(0))).collect())
}

/// An event that gets its place.
#[derive(Debug)]
pub struct Told {
    pub sequence: i64,
    pub id: Uuid,
    pub kind: &'static super::catalogue::Kind,
    pub object_id: Uuid,
    pub object_sequence: i64,
    pub occurred_at: DateTime<Utc>,
    pub body: String,
}

pub fn insert(tx: &mut Tx<'_>, told: &[Told]) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "INSERT INTO event (company_id, sequence, id, type, object_id, object_sequence, occurred_at, body)
             SELECT $1, t.* FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::uuid[], $6::bigint[], $7::timestamptz[], $8::text[]) AS t",
        )
        .bind(company)
        .bind(told.iter().map(|t| t.sequence).collect::<Many<_>>())
        .bind(told.iter().map(|t| t.id).collect::<Many<_>>())
        .bind(told.iter().map(|t| t.kind.name).collect::<Many<_>>())
        .bind(told.iter().map(|t| t.object_id).collect::<Many<_>>())
        .bind(told.iter().map(|t| t.object_sequence).collect::<Many<_>>())
        .bind(told.iter().map(|t| t.occurred_at).collect::<Many<_>>())
        .bind(told.iter().map(|t| t.body.as_str()).collect::<Many<_>>()),
    )
    .map(drop)
}

pub fn advance(tx: &mut Tx<'_>, audit_seq: i64, sequence: i64) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("UPDATE event_feed SET audit_seq = $2, sequence = $3 WHERE company_id = $1").bind(company).bind(audit_seq).bind(sequence)).map(drop)
}

row! { pub struct Overdue { pub id: Uuid, pub number: String, pub customer_id: Uuid, pub currency: String, pub due_date: NaiveDate, pub open: Decimal } }

/// Invoices that became overdue since a day and were not told so.
pub fn overdue(tx: &mut Tx<'_>, since: NaiveDate, today: NaiveDate, most: i64) -> Result<Vec<Overdue>, Problem> {
    let company = tx.company();
    tx.load(
        Sql::new(
            "SELECT o.document_id AS id, min(o.document_number) AS number, min(o.customer_id::text)::uuid AS customer_id, min(o.currency) AS currency, min(b.due_date) AS due_date, sum(b.open_amount)::numeric AS open
             FROM open_item_balance b JOIN open_item o ON o.company_id = b.company_id AND o.id = b.item_id
             WHERE b.company_id = $1 AND b.open_amount > 0 AND b.side = 'debit' AND b.due_date >= $2 AND b.due_date < $3 AND o.document_kind = 'invoice'
               AND NOT EXISTS (SELECT FROM audit_event e WHERE e.company_id = $1 AND e.object_id = o.document_id AND e.action = 'invoice.overdue')
             GROUP BY o.document_id ORDER BY o.document_id LIMIT $4",
        )
        .bind(company)
        .bind(since)
        .bind(today)
        .bind(most),
    )
}

pub fn overdue_told(tx: &mut Tx<'_>, today: NaiveDate) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("UPDATE event_feed SET overdue_told = $2 WHERE company_id = $1").bind(company).bind(today)).map(drop)
}

/// Every company. Called with the identity tables open.
pub fn companies(rx: &mut Rx<'_>) -> Result<Vec<CompanyId>, Problem> {
    rx.scalars(Sql::new("SELECT id FROM company ORDER BY id"))
}
