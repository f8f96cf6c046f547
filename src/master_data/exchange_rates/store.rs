use super::types::{DatedRate, NewRate, RateFilter};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::ExchangeRateId;
use crate::platform::money::{ExchangeRate, pad};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use rust_decimal::Decimal;

row! {
    struct RateRow { id: ExchangeRateId, currency: String, rate_date: NaiveDate, rate: Decimal, source: String, created_by: String, recorded_at: DateTime<Utc> }
}
impl From<RateRow> for DatedRate {
    fn from(row: RateRow) -> Self {
        Self {
            id: row.id,
            object: "exchange_rate",
            currency: row.currency,
            rate_date: row.rate_date,
            rate: ExchangeRate(pad(row.rate, 2)),
            source: row.source,
            created_by: row.created_by,
            created_at: Instant(row.recorded_at),
        }
    }
}
const SELECT: &str = "SELECT x.id, x.currency, x.rate_date, x.rate, x.source, x.created_by, x.recorded_at FROM exchange_rate x WHERE x.company_id = $1";
static RATES: List = List {
    select: SELECT,
    id: "x.id",
    sorts: &[SortKey { name: "rate_date", expression: "x.rate_date", kind: "date" }, SortKey { name: "currency", expression: "x.currency", kind: "text" }],
    default_sort: "-rate_date",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &RateFilter) -> Result<Page<DatedRate>, Problem> {
    let listing = RATES
        .of(rx)
        .any_of("x.currency", filter.currency.as_deref())
        .when("x.rate_date >= {}", filter.rate_date_gte)
        .when("x.rate_date <= {}", filter.rate_date_lte);
    Ok(listing.page::<RateRow>(rx, paging)?.map(DatedRate::from))
}

pub fn insert(tx: &mut Tx<'_>, new: &NewRate, source: &str) -> Result<DatedRate, Problem> {
    let id = ExchangeRateId::new();
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new("INSERT INTO exchange_rate (company_id, id, currency, rate_date, rate, source, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7)")
            .bind(company)
            .bind(id)
            .bind(new.currency.as_str())
            .bind(new.rate_date)
            .bind(new.rate.0)
            .bind(source)
            .bind(actor),
    )?;
    tx.one::<RateRow>(Sql::new(format!("{SELECT} AND x.id = $2")).bind(company).bind(id)).map(DatedRate::from)
}

row! {
    /// The newest rate on or before a day.
    pub struct Latest { pub rate: Decimal, pub rate_date: NaiveDate }
}

pub fn latest(rx: &mut Rx<'_>, currency: &str, on: NaiveDate) -> Result<Option<Latest>, Problem> {
    let everything = rx.cx().now + Duration::days(36_500);
    latest_by(rx, currency, on, everything)
}

/// The newest rate on or before a day of what was recorded by an instant.
pub fn latest_by(rx: &mut Rx<'_>, currency: &str, on: NaiveDate, by: DateTime<Utc>) -> Result<Option<Latest>, Problem> {
    let company = rx.company();
    rx.optional(
        Sql::new(
            "SELECT rate, rate_date FROM exchange_rate WHERE company_id = $1 AND currency = $2 AND rate_date <= $3 AND recorded_at <= $4
             ORDER BY rate_date DESC, recorded_at DESC, id DESC LIMIT 1",
        )
        .bind(company)
        .bind(currency)
        .bind(on)
        .bind(by),
    )
}
