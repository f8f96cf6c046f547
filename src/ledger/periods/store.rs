use crate::platform::http::Problem;
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use chrono::NaiveDate;

/// Opens every month from `from` to `to` that does not exist yet.
pub fn open_months(tx: &mut Tx<'_>, from: NaiveDate, to: NaiveDate) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "INSERT INTO period (company_id, starts_on, ends_on)
             SELECT $1, m::date, (m + interval '1 month - 1 day')::date FROM generate_series(date_trunc('month', $2::date), date_trunc('month', $3::date), interval '1 month') AS m
             ON CONFLICT DO NOTHING",
        )
        .bind(company).bind(from).bind(to),
    )?;
    Ok(())
}

/// The first day from `date` on whose month takes postings.
pub fn first_day_from(rx: &mut Rx<'_>, date: NaiveDate) -> Result<Option<NaiveDate>, Problem> {
    let company = rx.company();
    rx.scalar(
        Sql::new("SELECT min(greatest(p.starts_on, $2)) FROM period p WHERE p.company_id = $1 AND p.ends_on >= $2 AND p.state = 'open'")
            .bind(company)
            .bind(date),
    )
}
