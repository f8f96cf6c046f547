use super::types::{NewSample, Population, SampleMethod};
use crate::ledger::balances::At;
use crate::platform::http::Problem;
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::Rx;
use crate::row;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;

row! { pub struct Size { pub count: i64, pub total: Decimal } }
row! {
    pub struct DrawnRow {
        pub document_kind: String, pub document_id: Uuid, pub document_number: String, pub document_date: NaiveDate, pub posting_date: NaiveDate, pub entry_id: Uuid, pub amount: Decimal, pub hits: i64,
    }
}

/// What is drawn from: `$1` company, `$2` kinds (empty: all), `$3` from, `$4` to, `$5` known at. What takes another entry
/// back is no document of its own.
const POPULATION: &str = "population AS (
        SELECT e.id AS entry_id, e.document_kind, e.document_id, e.document_number, e.document_date, e.posting_date, coalesce(o.amount, l.amount, 0) AS amount FROM journal_entry e
        LEFT JOIN (SELECT entry_id, sum(base_amount) AS amount FROM open_item WHERE company_id = $1 AND posting_date BETWEEN $3 AND $4 GROUP BY entry_id) AS o ON o.entry_id = e.id
        LEFT JOIN (SELECT entry_id, sum(base_debit) AS amount FROM journal_line WHERE company_id = $1 AND posting_date BETWEEN $3 AND $4 GROUP BY entry_id) AS l ON l.entry_id = e.id
        WHERE e.company_id = $1 AND (cardinality($2) = 0 OR e.document_kind = ANY($2)) AND e.posting_date BETWEEN $3 AND $4 AND e.recorded_at <= $5 AND e.reverses_id IS NULL)";

fn of<'q>(text: String, rx: &Rx<'_>, population: Population, (from, to): (NaiveDate, NaiveDate), at: At) -> Sql<'q> {
    let kinds: Vec<String> = population.kinds().iter().map(|kind| (*kind).to_owned()).collect();
    Sql::new(text).bind(rx.company()).bind(Many(kinds)).bind(from).bind(to).bind(at.known_at)
}

pub fn size(rx: &mut Rx<'_>, population: Population, span: (NaiveDate, NaiveDate), at: At) -> Result<Size, Problem> {
    let text = format!("WITH {POPULATION} SELECT count(*) AS count, coalesce(sum(amount), 0)::numeric AS total FROM population");
    let sql = of(text, rx, population, span, at);
    rx.one(sql)
}

/// Draws. `interval` and `start` are those of monetary units.
pub fn draw(
    rx: &mut Rx<'_>,
    wanted: &NewSample,
    population: Population,
    span: (NaiveDate, NaiveDate),
    at: At,
    (interval, start): (Decimal, Decimal),
) -> Result<Vec<DrawnRow>, Problem> {
    const COLUMNS: &str = "document_kind, document_id, document_number, document_date, posting_date, entry_id, amount::numeric AS amount";
    match wanted.method {
        SampleMethod::Random => {
            let text = format!(
                "WITH {POPULATION} SELECT {COLUMNS}, 1::bigint AS hits FROM population ORDER BY sha256(convert_to($6 || ':' || entry_id, 'UTF8')) LIMIT $7"
            );
            let sql = of(text, rx, population, span, at).bind(wanted.seed.to_string()).bind(wanted.n);
            rx.load(sql)
        }
        SampleMethod::MonetaryUnit if interval.is_zero() => Ok(Vec::new()),
        SampleMethod::MonetaryUnit => {
            // Unit k is start + k × interval, k from 0 below n; units before a point are the ceiling of its distance.
            let text = format!(
                "WITH {POPULATION}, placed AS (SELECT *, sum(amount) OVER (ORDER BY posting_date, entry_id) AS upto FROM population),
                 hit AS (SELECT *, greatest(least(ceil((upto - $7) / $6), $8), 0) - greatest(least(ceil((upto - amount - $7) / $6), $8), 0) AS hits FROM placed)
                 SELECT {COLUMNS}, hits::bigint AS hits FROM hit WHERE hits > 0 ORDER BY posting_date, entry_id"
            );
            let sql = of(text, rx, population, span, at).bind(interval).bind(start).bind(wanted.n);
            rx.load(sql)
        }
    }
}
