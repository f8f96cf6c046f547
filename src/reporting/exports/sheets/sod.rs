//! `sod_report`: who may do what, how that changed, what was conflicting, waived, blocked.

use crate::platform::http::Problem;
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, permissions};
use crate::reporting::exports::sheet::Kind::{Code, Count, Date, Flag, Instant, Json, Money, Text};
use crate::reporting::exports::sheet::{Column, Sheet, col};
use crate::reporting::exports::writer::Files;
use crate::row;

/// Every change of a person's or machine's rights, as the audit log has it.
pub static ASSIGNMENTS: Sheet = Sheet {
    name: "role_changes",
    with: "WITH said AS (SELECT e.*, e.body::jsonb AS detail FROM audit_event e WHERE e.company_id = $1 AND e.object IN ('user', 'api_client') AND e.action <> 'user.password_changed')",
    columns: &[
        col("recorded_at", Instant, "s.recorded_at"),
        col("action", Code, "s.action"),
        col("subject_id", Code, "s.object_id"),
        col(
            "subject",
            Text,
            "coalesce(s.detail #>> '{after,email}', s.detail #>> '{after,name}', s.detail #>> '{before,email}', s.detail #>> '{before,name}')",
        ),
        col("before", Json, "coalesce(s.detail #> '{before,roles}', s.detail #> '{before,scopes}')"),
        col("after", Json, "coalesce(s.detail #> '{after,roles}', s.detail #> '{after,scopes}')"),
        col("active_before", Flag, "(s.detail #>> '{before,active}')::boolean"),
        col("active_after", Flag, "(s.detail #>> '{after,active}')::boolean"),
        col("changed_by", Code, "s.actor"),
        col("request_id", Code, "s.request_id"),
    ],
    from: "FROM said s ORDER BY s.xid, s.id",
    totals: &[],
};

pub static WAIVERS: Sheet = Sheet {
    name: "waivers",
    with: "",
    columns: &[
        col("waiver_id", Code, "w.id"),
        col("rule", Code, "w.rule"),
        col("user_id", Code, "w.user_id"),
        col("email", Text, "u.email"),
        col("reason", Text, "w.reason"),
        col("expires_on", Date, "w.expires_on"),
        col("active", Flag, "w.expires_on >= $2"),
        col("created_by", Code, "w.created_by"),
        col("created_at", Instant, "w.recorded_at"),
    ],
    from: "FROM sod_waiver w LEFT JOIN app_user u ON u.id = w.user_id WHERE w.company_id = $1 ORDER BY w.recorded_at, w.id",
    totals: &[],
};

pub static BLOCKED: Sheet = Sheet {
    name: "blocked_attempts",
    with: "",
    columns: &[
        col("recorded_at", Instant, "e.recorded_at"),
        col("actor", Code, "e.actor"),
        col("code", Code, "e.body::jsonb #>> '{after,code}'"),
        col("operation", Code, "e.body::jsonb #>> '{after,operation}'"),
        col("detail", Text, "e.body::jsonb #>> '{after,detail}'"),
        col("request_id", Code, "e.request_id"),
    ],
    from: "FROM audit_event e WHERE e.company_id = $1 AND e.action = 'control.violation_blocked' ORDER BY e.xid, e.id",
    totals: &[],
};

/// Every decision with whether the one who made it had asked for it: none did, or the books are broken.
pub static DECISIONS: Sheet = Sheet {
    name: "approvals",
    with: "",
    columns: &[
        col("approval_id", Code, "a.id"),
        col("kind", Code, "a.kind"),
        col("action", Code, "a.action"),
        col("subject_id", Code, "a.subject_id"),
        col("amount", Money, "a.amount"),
        col("state", Code, "a.state"),
        col("requested_by", Code, "a.requested_by"),
        col("requested_at", Instant, "a.created_at"),
        col("step", Count, "d.step"),
        col("steps", Count, "a.steps"),
        col("decision", Code, "d.decision"),
        col("decided_by", Code, "d.actor"),
        col("decided_at", Instant, "d.recorded_at"),
        col("reason", Text, "coalesce(d.reason, a.reason)"),
        col("decided_by_requester", Flag, "coalesce(d.decision <> 'withdraw' AND d.actor = a.requested_by, false)"),
    ],
    from: "FROM approval a LEFT JOIN approval_decision d ON d.company_id = a.company_id AND d.approval_id = a.id WHERE a.company_id = $1 ORDER BY a.created_at, a.id, d.step",
    totals: &[],
};

pub static POLICIES: Sheet = Sheet {
    name: "approval_policies",
    with: "",
    columns: &[col("kind", Code, "p.kind"), col("bands", Json, "p.bands"), col("updated_by", Code, "p.updated_by"), col("updated_at", Instant, "p.updated_at")],
    from: "FROM approval_policy p WHERE p.company_id = $1 ORDER BY p.kind",
    totals: &[],
};

static CONFLICTS: &[Column] = &[
    col("user_id", Code, ""),
    col("email", Text, ""),
    col("role", Code, ""),
    col("conflicts_with", Code, ""),
    col("active", Flag, ""),
    col("waived_until", Date, ""),
];

row! { struct MemberRow { user_id: uuid::Uuid, email: String, roles: Many<String>, active: bool, waived_until: Option<chrono::NaiveDate> } }

/// People who hold roles that conflict (SOD-16), with the waiver that lets them.
pub fn conflicts(rx: &mut Rx<'_>, files: &mut Files<'_>) -> Result<(), Problem> {
    let (company, today) = (rx.company(), rx.cx().today);
    let members: Vec<MemberRow> = rx.load(
        Sql::new(
            "SELECT m.user_id, u.email, m.roles, m.active, (SELECT max(w.expires_on) FROM sod_waiver w WHERE w.company_id = $1 AND w.user_id = m.user_id AND w.rule = 'SOD-16' AND w.expires_on >= $2) AS waived_until
             FROM membership m JOIN app_user u ON u.id = m.user_id WHERE m.company_id = $1 AND cardinality(m.roles) > 1 ORDER BY u.email",
        )
        .bind(company)
        .bind(today),
    )?;
    let conflicting = members.into_iter().filter_map(|row| {
        let (one, other) = permissions::conflict(&row.roles.0)?;
        Some(vec![
            Some(row.user_id.to_string()),
            Some(row.email),
            Some(one.to_owned()),
            Some(other.to_owned()),
            Some(row.active.to_string()),
            row.waived_until.map(|day| day.to_string()),
        ])
    });
    files.computed("conflicts", CONFLICTS, conflicting)
}
