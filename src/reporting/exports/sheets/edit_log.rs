//! `edit_log`: the audit log with everything that proves it, and the report of its working that Rule 11(g) asks for.

use crate::reporting::exports::sheet::Kind::{Code, Count, Date, Flag, Instant, Text};
use crate::reporting::exports::sheet::{Sheet, col};

/// Always JSON lines: `body` and `states` are what was hashed, word for word.
pub static LOG: Sheet = Sheet {
    name: "audit_log",
    with: "",
    columns: &[
        col("seq", Count, "l.seq"),
        col("id", Code, "e.id"),
        col("recorded_at", Instant, "e.recorded_at"),
        col("actor", Code, "e.actor"),
        col("action", Code, "e.action"),
        col("resource_type", Code, "e.object"),
        col("resource_id", Code, "e.object_id"),
        col("request_id", Code, "e.request_id"),
        col("leaf_hash", Code, "encode(l.leaf_hash, 'hex')"),
        col("body", Text, "e.body"),
        col("states", Text, "e.states"),
    ],
    from: "FROM audit_event e LEFT JOIN audit_leaf l ON l.company_id = e.company_id AND l.event_id = e.id
        WHERE e.company_id = $1 AND (e.recorded_at AT TIME ZONE (SELECT time_zone FROM company WHERE id = $1))::date BETWEEN $4 AND $5 ORDER BY l.seq, e.xid, e.id",
    totals: &[],
};

/// A line a day: that the log worked, which part of it is of that day, and that no number of it is missing.
pub static CONTROL_REPORT: Sheet = Sheet {
    name: "log_control_report",
    with: "WITH zone AS (SELECT time_zone AS name, (created_at AT TIME ZONE time_zone)::date AS since FROM company WHERE id = $1),
        logged AS (
            SELECT (e.recorded_at AT TIME ZONE z.name)::date AS day, count(*) AS events, count(l.seq) AS sealed, min(l.seq) AS first_seq, max(l.seq) AS last_seq, count(DISTINCT e.actor) AS actors
            FROM audit_event e CROSS JOIN zone z LEFT JOIN audit_leaf l ON l.company_id = e.company_id AND l.event_id = e.id WHERE e.company_id = $1 GROUP BY 1),
        heads AS (SELECT (sealed_at AT TIME ZONE z.name)::date AS day, count(*) AS heads, max(size) AS size FROM audit_checkpoint CROSS JOIN zone z WHERE company_id = $1 GROUP BY 1),
        days AS (SELECT d::date AS day FROM zone z, generate_series(greatest($4, z.since), $5, interval '1 day') AS d)",
    columns: &[
        col("day", Date, "d.day"),
        // It has no switch: no setting, permission, operation or right of the service's role turns it off.
        col("log_enabled", Flag, "true"),
        col("events", Count, "coalesce(g.events, 0)"),
        col("unsealed", Count, "coalesce(g.events - g.sealed, 0)"),
        col("actors", Count, "coalesce(g.actors, 0)"),
        col("first_seq", Count, "g.first_seq"),
        col("last_seq", Count, "g.last_seq"),
        col("missing_numbers", Count, "(SELECT coalesce(g.last_seq - g.first_seq + 1, 0) - count(*) FROM audit_leaf x WHERE x.company_id = $1 AND x.seq BETWEEN g.first_seq AND g.last_seq)"),
        col("signed_heads", Count, "coalesce(h.heads, 0)"),
        col("largest_head", Count, "h.size"),
    ],
    from: "FROM days d LEFT JOIN logged g ON g.day = d.day LEFT JOIN heads h ON h.day = d.day ORDER BY d.day",
    totals: &[],
};
