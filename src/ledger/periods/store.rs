use super::{Month, Period, PeriodState};
use crate::platform::http::Problem;
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// Opens every month from `from` to `to` that does not exist yet; gives how many.
pub fn open_months(tx: &mut Tx<'_>, from: NaiveDate, to: NaiveDate) -> Result<usize, Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "INSERT INTO period (company_id, starts_on, ends_on)
             SELECT $1, m::date, (m + interval '1 month - 1 day')::date FROM generate_series(date_trunc('month', $2::date), date_trunc('month', $3::date), interval '1 month') AS m
             ON CONFLICT DO NOTHING",
        )
        .bind(company).bind(from).bind(to),
    )
}

row! {
    pub struct PeriodRow {
        id: Uuid, starts_on: NaiveDate, ends_on: NaiveDate, state: PeriodState, version: i64, closed_at: Option<DateTime<Utc>>, closed_by: Option<String>,
    }
}
impl From<PeriodRow> for Period {
    fn from(row: PeriodRow) -> Self {
        Self {
            id: row.id,
            starts_on: row.starts_on,
            ends_on: row.ends_on,
            state: row.state,
            version: row.version,
            closed_at: row.closed_at,
            closed_by: row.closed_by,
        }
    }
}
/// The columns of a [`PeriodRow`].
pub const SELECT: &str = "SELECT p.id, p.starts_on, p.ends_on, p.state, p.version, p.closed_at, p.closed_by FROM period p WHERE p.company_id = $1";

pub fn get(rx: &mut Rx<'_>, month: Month) -> Result<Period, Problem> {
    let company = rx.company();
    let row: Option<PeriodRow> = rx.optional(Sql::new(format!("{SELECT} AND p.starts_on = $2")).bind(company).bind(month.0))?;
    row.map(Period::from).ok_or_else(|| Problem::not_found("period"))
}

/// The period by its id, as approvals name it.
pub fn by_id(rx: &mut Rx<'_>, id: Uuid) -> Result<Period, Problem> {
    let company = rx.company();
    let row: Option<PeriodRow> = rx.optional(Sql::new(format!("{SELECT} AND p.id = $2")).bind(company).bind(id))?;
    row.map(Period::from).ok_or_else(|| Problem::not_found("period"))
}

/// Takes the books of the company for this transaction alone: waits until no posting is in flight, and
/// lets none begin before the end.
pub fn lock(tx: &mut Tx<'_>, month: Month) -> Result<Period, Problem> {
    let company = tx.company();
    tx.execute(Sql::new("SELECT pg_advisory_xact_lock(books_lock($1))").bind(company))?;
    get(tx, month)
}

/// Moves a period that was locked; the database allows legal steps only.
pub fn move_to(tx: &mut Tx<'_>, period: &Period, state: PeriodState) -> Result<Period, Problem> {
    let actor = tx.cx().actor.to_string();
    let moved: bool = tx.scalar(Sql::new("SELECT move_period($1, $2, $3, $4)").bind(period.starts_on).bind(state).bind(period.version).bind(actor))?;
    if moved { get(tx, Month(period.starts_on)) } else { Err(Problem::internal(&format!("period {} cannot become {state}", period.starts_on))) }
}

/// The first day from `date` on that takes a posting of this caller.
pub fn first_day_from(rx: &mut Rx<'_>, date: NaiveDate) -> Result<Option<NaiveDate>, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new("SELECT min(greatest(p.starts_on, $2)) FROM period p WHERE p.company_id = $1 AND p.ends_on >= $2 AND takes_postings(p.company_id, p.state)")
            .bind(company)
            .bind(date),
    )
}

/// Asks the guard every posting is asked by.
pub fn require_open(tx: &mut Tx<'_>, date: NaiveDate) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("SELECT require_open_period($1, $2)").bind(company).bind(date))?;
    Ok(())
}
