//! What a month held when it was closed. Computed from the rows by one function, when it is taken and
//! whenever it is checked: same as of, same known at, same bytes.

use super::{Month, Period, store};
use crate::ledger::balances::{At, OPEN_AT, STEPS, bucket_names, bucket_starts, subledger, totals};
use crate::platform::dates::{Instant, month_label};
use crate::platform::http::Problem;
use crate::platform::ids::{AccountId, CustomerId, SnapshotId};
use crate::platform::money::{Amount, Currency};
use crate::platform::postgres::sql::{Many, Sql};
use crate::platform::text::hex;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A snapshot as it travels.
#[derive(Debug, Serialize, ToSchema)]
pub struct Snapshot {
    pub id: SnapshotId,
    #[schema(example = "period_snapshot")]
    pub object: &'static str,
    #[schema(max_length = 7, example = "2025-10")]
    pub period: String,
    /// 1 for the first close of the month, and so on.
    #[schema(minimum = 1, example = 1)]
    pub version: i32,
    /// The last day of the month.
    pub as_of: NaiveDate,
    /// Everything recorded until then is in it; later work is not.
    pub known_at: Instant,
    #[schema(max_length = 3, example = "INR")]
    pub currency: String,
    /// Journal entries posted in the month.
    #[schema(minimum = 0, example = 214)]
    pub entries: i64,
    /// Σ open debits, in base currency.
    pub receivable: Amount,
    /// Σ open credits.
    pub unapplied: Amount,
    /// Of the bytes of `content`.
    #[schema(max_length = 64, example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub sha256: String,
    /// Whether it was just computed again from the rows with the same bytes.
    pub recomputes: bool,
    #[schema(max_length = 50, example = "user:0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42")]
    pub created_by: String,
    pub created_at: Instant,
    /// The figures themselves: accounts, customers by age, totals. Only where one snapshot is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, example = json!({"period": "2025-10", "accounts": []}))]
    pub content: Option<Value>,
}
impl crate::platform::http::reply::Resource for Snapshot {
    fn id(&self) -> Option<String> {
        Some(self.id.to_string())
    }
}

/// The canonical content: members in this order, lists by id, amounts padded to the currency.
#[derive(Serialize)]
struct Content {
    period: String,
    as_of: NaiveDate,
    known_at: Instant,
    currency: &'static str,
    entries: i64,
    accounts: Vec<AccountFigures>,
    customers: Vec<CustomerFigures>,
    totals: Figures,
    check: CheckFigures,
}
#[derive(Serialize)]
struct AccountFigures {
    account_id: AccountId,
    opening: Amount,
    debit: Amount,
    credit: Amount,
    closing: Amount,
}
#[derive(Serialize)]
struct CustomerFigures {
    customer_id: CustomerId,
    #[serde(flatten)]
    figures: Figures,
}
#[derive(Serialize)]
struct Figures {
    buckets: Map<String, Value>,
    receivable: Amount,
    unapplied: Amount,
    total: Amount,
}
#[derive(Serialize)]
struct CheckFigures {
    documents: Amount,
    subledger: Amount,
    gl: Amount,
    buckets: Amount,
}

impl Figures {
    /// From amounts by bucket, the last of which is what is unapplied.
    fn of(currency: Currency, names: &[String], amounts: &[Decimal]) -> Self {
        let receivable: Decimal = amounts[..names.len()].iter().sum();
        let unapplied = amounts[names.len()];
        let shown = |amount: &Decimal| Value::from(currency.amount(*amount).0.to_string());
        Self {
            buckets: names.iter().zip(amounts).map(|(name, amount)| (name.clone(), shown(amount))).collect(),
            receivable: currency.amount(receivable),
            unapplied: currency.amount(unapplied),
            total: currency.amount(receivable - unapplied),
        }
    }
}

row! { struct AccountRow { account_id: AccountId, opening: Decimal, debit: Decimal, credit: Decimal } }
row! { struct Cell { customer_id: CustomerId, bucket: i32, open: Decimal } }

/// The bucket of open credits.
const UNAPPLIED: i32 = -1;

/// Computes what a month holds, as known at an instant: its text and the figures worth a column.
fn compute(rx: &mut Rx<'_>, month: Month, as_of: NaiveDate, known_at: DateTime<Utc>) -> Result<Content, Problem> {
    let company = rx.company();
    let currency = rx.cx().currency();
    let at = At { as_of, known_at, now: false };
    let entries: i64 = rx.scalar(
        Sql::new("SELECT count(*) FROM journal_entry WHERE company_id = $1 AND posting_date BETWEEN $2 AND $3 AND recorded_at <= $4")
            .bind(company)
            .bind(month.0)
            .bind(as_of)
            .bind(known_at),
    )?;
    let accounts: Vec<AccountRow> = rx.load(
        Sql::new(
            "SELECT account_id, coalesce(sum(base_debit - base_credit) FILTER (WHERE posting_date < $2), 0)::numeric AS opening,
                    coalesce(sum(base_debit) FILTER (WHERE posting_date >= $2), 0)::numeric AS debit, coalesce(sum(base_credit) FILTER (WHERE posting_date >= $2), 0)::numeric AS credit
             FROM journal_line WHERE company_id = $1 AND posting_date <= $3 AND recorded_at <= $4 GROUP BY account_id ORDER BY account_id",
        )
        .bind(company).bind(month.0).bind(as_of).bind(known_at),
    )?;
    let cells: Vec<Cell> = rx.load(
        Sql::new(format!(
            "{OPEN_AT} SELECT customer_id, CASE WHEN side = 'credit' THEN {UNAPPLIED} ELSE width_bucket($2::date - due_date, $4::int[]) END AS bucket, sum(open)::numeric AS open
             FROM open_at WHERE open <> 0 GROUP BY 1, 2"
        ))
        .bind(company).bind(as_of).bind(known_at).bind(Many(bucket_starts(&STEPS))),
    )?;
    let names = bucket_names(&STEPS);
    let mut customers: BTreeMap<CustomerId, Vec<Decimal>> = BTreeMap::new();
    let mut sums = vec![Decimal::ZERO; names.len() + 1];
    for cell in cells {
        let place = if cell.bucket == UNAPPLIED { names.len() } else { usize::try_from(cell.bucket).unwrap_or(0) };
        customers.entry(cell.customer_id).or_insert_with(|| vec![Decimal::ZERO; names.len() + 1])[place] += cell.open;
        sums[place] += cell.open;
    }
    let control = totals(rx, at)?;
    let subledger = subledger(rx, at)?;
    let figures = Figures::of(currency, &names, &sums);
    Ok(Content {
        period: month_label(month.0),
        as_of,
        known_at: Instant(known_at),
        currency: currency.code(),
        entries,
        accounts: accounts
            .into_iter()
            .map(|row| AccountFigures {
                account_id: row.account_id,
                opening: currency.amount(row.opening),
                debit: currency.amount(row.debit),
                credit: currency.amount(row.credit),
                closing: currency.amount(row.opening + row.debit - row.credit),
            })
            .collect(),
        customers: customers
            .into_iter()
            .map(|(customer_id, amounts)| CustomerFigures { customer_id, figures: Figures::of(currency, &names, &amounts) })
            .collect(),
        check: CheckFigures {
            documents: currency.amount(control.documents),
            subledger: currency.amount(subledger),
            gl: currency.amount(control.gl),
            buckets: figures.total,
        },
        totals: figures,
    })
}

fn canonical(content: &Content) -> Result<String, Problem> {
    serde_json::to_string(content).map_err(|error| Problem::internal(&error))
}

/// Takes the snapshot of a locked month: the books stand still, so all that was recorded until now is seen.
pub fn take(tx: &mut Tx<'_>, period: &Period) -> Result<SnapshotId, Problem> {
    let (company, actor, id) = (tx.company(), tx.cx().actor.to_string(), SnapshotId::new());
    // The end of the millisecond, as the wire shows milliseconds.
    let known_at: DateTime<Utc> = tx.scalar(Sql::new("SELECT date_trunc('milliseconds', clock_timestamp()) + interval '1 millisecond'"))?;
    let content = compute(tx, Month(period.starts_on), period.ends_on, known_at)?;
    let text = canonical(&content)?;
    tx.execute(
        Sql::new(
            "INSERT INTO period_snapshot (company_id, id, period_starts_on, version, as_of, known_at, entries, receivable, unapplied, content, sha256, actor)
             SELECT $1, $2, $3, 1 + coalesce(max(version), 0), $4, $5, $6, $7, $8, $9, $10, $11 FROM period_snapshot WHERE company_id = $1 AND period_starts_on = $3",
        )
        .bind(company).bind(id).bind(period.starts_on).bind(period.ends_on).bind(known_at).bind(content.entries)
        .bind(content.totals.receivable.0).bind(content.totals.unapplied.0).bind(text.as_str()).bind(Sha256::digest(text.as_bytes()).to_vec()).bind(actor),
    )?;
    Ok(id)
}

row! {
    struct SnapshotRow {
        id: SnapshotId, period_starts_on: NaiveDate, version: i32, as_of: NaiveDate, known_at: DateTime<Utc>, entries: i64, receivable: Decimal, unapplied: Decimal,
        content: String, sha256: Vec<u8>, actor: String, recorded_at: DateTime<Utc>,
    }
}
const SELECT: &str = "SELECT id, period_starts_on, version, as_of, known_at, entries, receivable::numeric AS receivable, unapplied::numeric AS unapplied, content, sha256, actor, recorded_at
    FROM period_snapshot WHERE company_id = $1";

impl SnapshotRow {
    fn recomputes(&self, rx: &mut Rx<'_>) -> Result<bool, Problem> {
        let again = canonical(&compute(rx, Month(self.period_starts_on), self.as_of, self.known_at)?)?;
        Ok(again == self.content && Sha256::digest(again.as_bytes())[..] == self.sha256[..])
    }
    fn answer(self, rx: &mut Rx<'_>, whole: bool) -> Result<Snapshot, Problem> {
        let recomputes = self.recomputes(rx)?;
        let currency = rx.cx().currency();
        Ok(Snapshot {
            id: self.id,
            object: "period_snapshot",
            period: month_label(self.period_starts_on),
            version: self.version,
            as_of: self.as_of,
            known_at: Instant(self.known_at),
            currency: currency.code().to_owned(),
            entries: self.entries,
            receivable: currency.amount(self.receivable),
            unapplied: currency.amount(self.unapplied),
            sha256: hex(&self.sha256),
            recomputes,
            created_by: self.actor,
            created_at: Instant(self.recorded_at),
            content: whole.then(|| serde_json::from_str(&self.content)).transpose().map_err(|e| Problem::internal(&e))?,
        })
    }
}

/// The snapshots of a month, newest first, each computed again.
pub fn of_month(rx: &mut Rx<'_>, month: Month) -> Result<Vec<Snapshot>, Problem> {
    store::get(rx, month)?;
    let company = rx.company();
    let rows: Vec<SnapshotRow> =
        rx.load(Sql::new(format!("{SELECT} AND period_starts_on = $2 ORDER BY version DESC LIMIT 200")).bind(company).bind(month.0))?;
    rows.into_iter().map(|row| row.answer(rx, false)).collect()
}

/// One snapshot with its content.
pub fn version(rx: &mut Rx<'_>, month: Month, version: i32) -> Result<Snapshot, Problem> {
    let company = rx.company();
    let row: Option<SnapshotRow> =
        rx.optional(Sql::new(format!("{SELECT} AND period_starts_on = $2 AND version = $3")).bind(company).bind(month.0).bind(version))?;
    row.ok_or_else(|| Problem::not_found("period_snapshot"))?.answer(rx, true)
}

/// The newest snapshot of a month.
pub fn newest(rx: &mut Rx<'_>, month: Month) -> Result<Snapshot, Problem> {
    let company = rx.company();
    let row: Option<SnapshotRow> =
        rx.optional(Sql::new(format!("{SELECT} AND period_starts_on = $2 ORDER BY version DESC LIMIT 1")).bind(company).bind(month.0))?;
    row.ok_or_else(|| Problem::not_found("period_snapshot"))?.answer(rx, false)
}

/// Snapshots that cannot be computed again: the books of a closed month were tampered with.
pub fn broken(rx: &mut Rx<'_>) -> Result<Vec<String>, Problem> {
    let company = rx.company();
    let rows: Vec<SnapshotRow> = rx.load(Sql::new(format!("{SELECT} ORDER BY period_starts_on, version")).bind(company))?;
    let mut broken = Vec::new();
    for row in rows {
        if !row.recomputes(rx)? {
            broken.push(row.id.to_string());
        }
    }
    Ok(broken)
}
