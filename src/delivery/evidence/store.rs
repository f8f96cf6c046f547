use crate::platform::http::Problem;
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::Rx;
use crate::row;
use serde_json::Value;
use uuid::Uuid;

row! {
    /// What an id is the id of.
    pub struct Found { pub kind: String, pub tab: String, pub number: Option<String> }
}

/// The document of this id, of whatever kind. Drafts prove nothing yet.
pub fn find(rx: &mut Rx<'_>, id: Uuid) -> Result<Option<Found>, Problem> {
    let company = rx.company();
    rx.optional(
        Sql::new(
            "SELECT kind, 'invoice' AS tab, number FROM invoice WHERE company_id = $1 AND id = $2 AND status <> 'draft'
             UNION ALL SELECT 'receipt', 'receipt', number FROM receipt WHERE company_id = $1 AND id = $2
             UNION ALL SELECT 'refund', 'refund', number FROM refund WHERE company_id = $1 AND id = $2
             UNION ALL SELECT 'write_off', 'write_off', number FROM write_off WHERE company_id = $1 AND id = $2
             UNION ALL SELECT 'adjustment', 'adjustment', number FROM adjustment WHERE company_id = $1 AND id = $2
             UNION ALL SELECT 'journal', 'manual_journal', number FROM manual_journal WHERE company_id = $1 AND id = $2
             UNION ALL SELECT 'opening', 'opening_item', number FROM opening_item WHERE company_id = $1 AND id = $2 LIMIT 1",
        )
        .bind(company)
        .bind(id),
    )
}

row! {
    /// A record as its digest is made of it.
    pub struct State { pub id: Uuid, pub state: Value, pub sha256: String }
}

fn states(rx: &mut Rx<'_>, tab: &str, ids: &str, id: Uuid) -> Result<Vec<State>, Problem> {
    let company = rx.company();
    let text = format!(
        "SELECT r.id, s.state::jsonb AS state, encode(sha256(convert_to(s.state, 'UTF8')), 'hex') AS sha256 FROM ({ids}) AS r(id, place) CROSS JOIN LATERAL (SELECT state_of($1, $3, r.id) AS state) AS s WHERE s.state IS NOT NULL ORDER BY r.place, r.id"
    );
    rx.load(Sql::new(text).bind(company).bind(id).bind(tab))
}

pub fn record(rx: &mut Rx<'_>, tab: &str, id: Uuid) -> Result<Vec<State>, Problem> {
    states(rx, tab, "SELECT $2::uuid, 0", id)
}

/// Its entries, and those that take them back.
pub fn entries(rx: &mut Rx<'_>, id: Uuid) -> Result<Vec<State>, Problem> {
    let of = "SELECT e.id, row_number() OVER (ORDER BY e.posting_date, e.recorded_at, e.id) FROM journal_entry e WHERE e.company_id = $1
              AND (e.document_id = $2 OR e.reverses_id IN (SELECT x.id FROM journal_entry x WHERE x.company_id = $1 AND x.document_id = $2))";
    states(rx, "journal_entry", of, id)
}

pub fn approvals(rx: &mut Rx<'_>, id: Uuid) -> Result<Vec<State>, Problem> {
    states(rx, "approval", "SELECT a.id, row_number() OVER (ORDER BY a.created_at, a.id) FROM approval a WHERE a.company_id = $1 AND a.subject_id = $2", id)
}

row! {
    #[derive(serde::Serialize)]
    pub struct Settlement {
        pub id: Uuid, pub effective_on: chrono::NaiveDate, pub kind: String, pub currency: String, pub amount: rust_decimal::Decimal, pub rule: String, pub reason: Option<String>, pub reverses_id: Option<Uuid>,
        pub source_type: String, pub source_id: Uuid, pub source_number: String, pub target_type: String, pub target_id: Uuid, pub target_number: String, pub actor: String,
    }
}

/// What it settles and what settles it.
pub fn settlements(rx: &mut Rx<'_>, id: Uuid) -> Result<Vec<Settlement>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "SELECT s.id, s.effective_on, s.kind, x.currency, s.amount::numeric AS amount, s.rule, s.reason, s.reverses_id, x.document_kind AS source_type, x.document_id AS source_id, x.document_number AS source_number,
                    y.document_kind AS target_type, y.document_id AS target_id, y.document_number AS target_number, s.actor
             FROM allocation s JOIN open_item x ON x.company_id = s.company_id AND x.id = s.credit_item_id JOIN open_item y ON y.company_id = s.company_id AND y.id = s.debit_item_id
             WHERE s.company_id = $1 AND (s.credit_item_id IN (SELECT o.id FROM open_item o WHERE o.company_id = $1 AND o.document_id = $2) OR s.debit_item_id IN (SELECT o.id FROM open_item o WHERE o.company_id = $1 AND o.document_id = $2))
             ORDER BY s.effective_on, s.recorded_at, s.id",
        )
        .bind(company)
        .bind(id),
    )
}

row! {
    #[derive(serde::Serialize)]
    pub struct Event { pub seq: Option<i64>, pub id: Uuid, pub action: String, pub resource_type: String, pub resource_id: Uuid, pub actor: String, pub body: String, pub states: Option<String>, pub leaf_hash: Option<String> }
}

/// Events about any of these, but looking at them.
pub fn events(rx: &mut Rx<'_>, ids: Vec<Uuid>) -> Result<Vec<Event>, Problem> {
    let company = rx.company();
    rx.load(
        Sql::new(
            "SELECT l.seq, e.id, e.action, e.object AS resource_type, e.object_id AS resource_id, e.actor, e.body, e.states, encode(l.leaf_hash, 'hex') AS leaf_hash
             FROM audit_event e LEFT JOIN audit_leaf l ON l.company_id = e.company_id AND l.event_id = e.id
             WHERE e.company_id = $1 AND e.object_id = ANY($2) AND e.action <> 'record.read' ORDER BY l.seq, e.xid, e.id",
        )
        .bind(company)
        .bind(Many(ids)),
    )
}
