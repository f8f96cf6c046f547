use super::types::{Revaluation, RevaluationFilter, RevaluationLine};
use crate::platform::dates::{Instant, plus_days};
use crate::platform::http::Problem;
use crate::platform::ids::{EntryId, RevaluationId};
use crate::platform::money::{Currency, pad};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

/// What is open in a currency, with what it is worth at a rate.
#[derive(Debug, Clone)]
pub struct Worth {
    pub currency: Currency,
    pub rate: Decimal,
    pub open_amount: Decimal,
    pub open_base: Decimal,
    pub value: Decimal,
    /// What earlier runs of the day posted.
    pub posted_before: Decimal,
}
impl Worth {
    #[must_use]
    pub fn to_post(&self) -> Decimal {
        self.value - self.open_base - self.posted_before
    }
}

row! {
    /// What is open in a currency on a day, and what was posted for it.
    pub struct Open { pub currency: String, pub amount: Decimal, pub base: Decimal, pub posted: Decimal }
}

/// Open items in other currencies as of a day, and currencies that earlier runs of the day posted for.
pub fn open(rx: &mut Rx<'_>, as_of: NaiveDate) -> Result<Vec<Open>, Problem> {
    let (company, base) = (rx.company(), rx.cx().currency().code());
    rx.load(
        Sql::new(
            "WITH foreign_items AS (
                SELECT id, currency, CASE WHEN side = 'debit' THEN 1 ELSE -1 END AS sign, amount, base_amount FROM open_item WHERE company_id = $1 AND currency <> $2 AND posting_date <= $3
             ), settled AS (
                SELECT item_id, sum(amount) AS amount, sum(base) AS base FROM (
                    SELECT a.debit_item_id AS item_id, a.amount, a.debit_base AS base FROM allocation a JOIN foreign_items i ON i.id = a.debit_item_id WHERE a.company_id = $1 AND a.effective_on <= $3
                    UNION ALL SELECT a.credit_item_id, a.amount, a.credit_base FROM allocation a JOIN foreign_items i ON i.id = a.credit_item_id WHERE a.company_id = $1 AND a.effective_on <= $3) AS sides
                GROUP BY item_id
             ), held AS (
                SELECT i.currency, sum(i.sign * (i.amount - coalesce(s.amount, 0))) AS amount, sum(i.sign * (i.base_amount - coalesce(s.base, 0))) AS base, bool_or(i.amount <> coalesce(s.amount, 0)) AS is_open
                FROM foreign_items i LEFT JOIN settled s ON s.item_id = i.id GROUP BY i.currency
             ), run AS (
                SELECT l.currency, sum(l.posted) AS posted FROM revaluation r JOIN revaluation_line l ON l.company_id = r.company_id AND l.revaluation_id = r.id
                WHERE r.company_id = $1 AND r.as_of = $3 GROUP BY l.currency
             )
             SELECT currency, coalesce(h.amount, 0)::numeric AS amount, coalesce(h.base, 0)::numeric AS base, coalesce(run.posted, 0)::numeric AS posted
             FROM held h FULL JOIN run USING (currency) WHERE h.is_open OR run.posted <> 0 ORDER BY currency",
        )
        .bind(company).bind(base).bind(as_of),
    )
}

/// One run at a time.
pub fn lock(tx: &mut Tx<'_>) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(Sql::new("SELECT pg_advisory_xact_lock(hashtextextended('revaluation ' || $1::text, 0))").bind(company))?;
    Ok(())
}

pub fn insert(tx: &mut Tx<'_>, id: RevaluationId, as_of: NaiveDate, entries: Option<(EntryId, EntryId)>, worths: &[Worth]) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new(
            "WITH run AS (INSERT INTO revaluation (company_id, id, as_of, entry_id, reversal_entry_id, actor) VALUES ($1, $2, $3, $4, $5, $6))
             INSERT INTO revaluation_line (company_id, revaluation_id, currency, rate, open_amount, open_base, value, posted)
             SELECT $1, $2, l.* FROM unnest($7::text[], $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[]) AS l",
        )
        .bind(company)
        .bind(id)
        .bind(as_of)
        .bind(entries.map(|(entry, _)| entry))
        .bind(entries.map(|(_, reversal)| reversal))
        .bind(actor)
        .bind(worths.iter().map(|w| w.currency.code()).collect::<Many<_>>())
        .bind(worths.iter().map(|w| w.rate).collect::<Many<_>>())
        .bind(worths.iter().map(|w| w.open_amount).collect::<Many<_>>())
        .bind(worths.iter().map(|w| w.open_base).collect::<Many<_>>())
        .bind(worths.iter().map(|w| w.value).collect::<Many<_>>())
        .bind(worths.iter().map(Worth::to_post).collect::<Many<_>>()),
    )?;
    Ok(())
}

row! { struct RunRow { id: RevaluationId, as_of: NaiveDate, entry_id: Option<EntryId>, reversal_entry_id: Option<EntryId>, actor: String, recorded_at: DateTime<Utc> } }
row! { struct LineRow { revaluation_id: RevaluationId, currency: String, rate: Decimal, open_amount: Decimal, open_base: Decimal, value: Decimal, posted: Decimal } }
static RUNS: List = List {
    select: "SELECT r.id, r.as_of, r.entry_id, r.reversal_entry_id, r.actor, r.recorded_at FROM revaluation r WHERE r.company_id = $1",
    id: "r.id",
    sorts: &[SortKey { name: "as_of", expression: "r.as_of", kind: "date" }],
    default_sort: "-as_of",
};

fn answers(rx: &mut Rx<'_>, runs: Page<RunRow>) -> Result<Page<Revaluation>, Problem> {
    let (company, base) = (rx.company(), rx.cx().currency());
    let lines: Vec<LineRow> = rx.load(
        Sql::new("SELECT revaluation_id, currency, rate, open_amount, open_base, value, posted FROM revaluation_line WHERE company_id = $1 AND revaluation_id = ANY($2) ORDER BY currency")
            .bind(company)
            .bind(runs.data.iter().map(|run| run.id).collect::<Many<_>>()),
    )?;
    Ok(runs.map(|run| {
        let own: Vec<&LineRow> = lines.iter().filter(|line| line.revaluation_id == run.id).collect();
        Revaluation {
            id: run.id,
            object: "revaluation",
            as_of: run.as_of,
            reversed_on: plus_days(run.as_of, 1),
            base_currency: base.code().to_owned(),
            posted: base.amount(own.iter().map(|line| line.posted).sum()),
            lines: own
                .into_iter()
                .map(|line| RevaluationLine {
                    currency: line.currency.clone(),
                    exchange_rate: pad(line.rate, 2).to_string(),
                    open_amount: Currency::parse(&line.currency).unwrap_or(base).amount(line.open_amount),
                    carrying_amount: base.amount(line.open_base),
                    value: base.amount(line.value),
                    difference: base.amount(line.value - line.open_base),
                    posted: base.amount(line.posted),
                })
                .collect(),
            gl_journal_id: run.entry_id,
            reversal_gl_journal_id: run.reversal_entry_id,
            created_by: run.actor,
            created_at: Instant(run.recorded_at),
        }
    }))
}

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &RevaluationFilter) -> Result<Page<Revaluation>, Problem> {
    let runs = RUNS.of(rx).when("r.as_of = {}", filter.as_of).page::<RunRow>(rx, paging)?;
    answers(rx, runs)
}

pub fn get(rx: &mut Rx<'_>, id: RevaluationId) -> Result<Revaluation, Problem> {
    let company = rx.company();
    let run: Option<RunRow> = rx.optional(Sql::new(format!("{} AND r.id = $2", RUNS.select)).bind(company).bind(id))?;
    let run = run.ok_or_else(|| Problem::not_found("revaluation"))?;
    answers(rx, Page::whole(vec![run]))?.data.pop().ok_or_else(|| Problem::not_found("revaluation"))
}
