//! The only reader of the wall clock. Everything else receives a frozen instant.

use chrono::{DateTime, SubsecRound, Utc};

/// Now, to the microsecond `PostgreSQL` can keep.
#[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}
