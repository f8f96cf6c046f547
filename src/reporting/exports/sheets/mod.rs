//! The files of each type of export.

pub mod confirmation;
pub mod edit_log;
pub mod full;
pub mod gst;
pub mod o2c;
pub mod sod;
pub mod tds;

/// Who asked for what was approved, and who approved it, by the thing it was about; after a WITH.
macro_rules! approved {
    () => {
        "approved AS (
            SELECT a.subject_id, min(a.requested_by) AS requested_by, string_agg(DISTINCT d.actor, ' ') AS approved_by, min(a.reason) AS reason
            FROM approval a JOIN approval_decision d ON d.company_id = a.company_id AND d.approval_id = a.id AND d.decision = 'approve'
            WHERE a.company_id = $1 AND a.state = 'approved' GROUP BY a.subject_id)"
    };
}
pub(crate) use approved;

/// Open items at the end of the day, as the aging has them; after a WITH of its own.
macro_rules! open_at {
    () => {
        include_str!("../../../ledger/balances/open_at.sql")
    };
}
pub(crate) use open_at;
