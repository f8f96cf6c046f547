use super::rules::Line;
use super::types::{JournalFilter, JournalLine, JournalStatus, JournalSummary, NewJournal};
use crate::ledger::periods::Month;
use crate::platform::dates::{Instant, month_end, month_label};
use crate::platform::http::Problem;
use crate::platform::ids::{AccountId, CustomerId, EntryId, JournalId, RegistrationId};
use crate::platform::money::{Currency, pad};
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

row! {
    struct JournalRow {
        id: Uuid, entry_id: Option<Uuid>, status: JournalStatus, number: Option<String>, source_type: String, source_id: Uuid, manual: bool, journal_date: NaiveDate, posted_on: NaiveDate,
        currency: Option<String>, exchange_rate: Decimal, narration: String, base_total: Decimal, reverses_id: Option<Uuid>, reversed_by_id: Option<Uuid>, created_by: String, created_at: DateTime<Utc>,
    }
}
impl JournalRow {
    fn summary(self, base: Currency) -> JournalSummary {
        JournalSummary {
            id: self.id,
            object: "journal",
            status: self.status,
            number: self.number,
            source_type: self.source_type,
            source_id: self.source_id,
            manual: self.manual,
            journal_date: self.journal_date,
            posted_on: self.posted_on,
            period: month_label(self.posted_on),
            currency: self.currency.unwrap_or_else(|| base.code().to_owned()),
            exchange_rate: pad(self.exchange_rate, 0).to_string(),
            narration: self.narration,
            base_total: base.amount(self.base_total),
            reverses_id: self.reverses_id,
            reversed_by_id: self.reversed_by_id,
            created_by: self.created_by,
            created_at: Instant(self.created_at),
        }
    }
}

// Entries, and journals by hand that are not posted (yet). A manual journal keeps its id when it is posted.
static JOURNALS: List = List {
    select: "SELECT m.id, m.entry_id, m.status, m.number, m.source_type, m.source_id, m.manual, m.journal_date, m.posted_on, m.currency, m.exchange_rate, m.narration, m.reverses_id, m.created_by, m.created_at,
            (CASE WHEN m.entry_id IS NULL THEN m.total ELSE (SELECT sum(l.base_debit) FROM journal_line l WHERE l.company_id = $1 AND l.entry_id = m.entry_id) END)::numeric AS base_total,
            (SELECT r.id FROM journal_entry r WHERE r.company_id = $1 AND r.reverses_id = m.entry_id) AS reversed_by_id
        FROM (SELECT e.company_id, coalesce(j.id, e.id) AS id, e.id AS entry_id, 'posted' AS status, e.document_number AS number, e.document_kind AS source_type, e.document_id AS source_id,
                     e.document_kind = 'journal' AS manual, e.document_date AS journal_date, e.posting_date AS posted_on, e.currency, e.exchange_rate, e.narration, e.reverses_id,
                     coalesce(j.created_by, e.actor) AS created_by, coalesce(j.created_at, e.recorded_at) AS created_at, NULL::numeric AS total
              FROM journal_entry e LEFT JOIN manual_journal j ON j.company_id = e.company_id AND j.entry_id = e.id WHERE e.company_id = $1
              UNION ALL
              SELECT j.company_id, j.id, NULL, j.status, NULL, 'journal', j.id, true, j.journal_date, j.journal_date, NULL, 1, j.narration, NULL, j.created_by, j.created_at, j.total
              FROM manual_journal j WHERE j.company_id = $1 AND j.status <> 'posted') AS m
        WHERE m.company_id = $1",
    id: "m.id",
    sorts: &[
        SortKey { name: "posted_on", expression: "m.posted_on", kind: "date" },
        SortKey { name: "number", expression: "coalesce(m.number, '')", kind: "text" },
        SortKey { name: "created_at", expression: "m.created_at", kind: "timestamptz" },
    ],
    default_sort: "-posted_on",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &JournalFilter) -> Result<Page<JournalSummary>, Problem> {
    let base = rx.cx().currency();
    let month = filter.period.as_deref().and_then(Month::parse);
    let mut listing = JOURNALS
        .of(rx)
        .created("m.created_at", paging)
        .any_of("m.status", filter.status.as_deref())
        .any_of("m.source_type", filter.source_type.as_deref())
        .when("m.source_id = {}", filter.source_id)
        .when("m.posted_on >= {}", month.map(|month| month.0))
        .when("m.posted_on <= {}", month.map(|month| month_end(month.0)))
        .when("m.posted_on >= {}", filter.posted_on_gte)
        .when("m.posted_on <= {}", filter.posted_on_lte)
        .when("m.manual = {}", filter.manual)
        .when("EXISTS (SELECT FROM journal_line l WHERE l.company_id = $1 AND l.entry_id = m.entry_id AND l.account_id = {})", filter.account_id);
    if let Some(reversed) = filter.reversed {
        let exists = "EXISTS (SELECT FROM journal_entry r WHERE r.company_id = $1 AND r.reverses_id = m.entry_id)";
        listing = listing.filter(&if reversed { exists.to_owned() } else { format!("NOT {exists}") });
    }
    Ok(listing.page::<JournalRow>(rx, paging)?.map(|row| row.summary(base)))
}

row! { struct LineRow {
    line_no: i32, account_id: AccountId, account_code: String, account_name: String, customer_id: Option<CustomerId>, debit: Decimal, credit: Decimal, base_debit: Decimal, base_credit: Decimal,
} }

/// A journal by its own id or that of its entry, with its lines.
pub fn get(rx: &mut Rx<'_>, id: Uuid) -> Result<(JournalSummary, Vec<JournalLine>), Problem> {
    let (company, base) = (rx.company(), rx.cx().currency());
    let row: Option<JournalRow> = rx.optional(Sql::new(format!("{} AND (m.id = $2 OR m.entry_id = $2)", JOURNALS.select)).bind(company).bind(id))?;
    let row = row.ok_or_else(|| Problem::not_found("journal"))?;
    let lines: Vec<LineRow> = match row.entry_id {
        Some(entry) => rx.load(
            Sql::new(
                "SELECT l.line_no, l.account_id, a.code AS account_code, a.name AS account_name, l.customer_id, l.debit::numeric AS debit, l.credit::numeric AS credit,
                        l.base_debit::numeric AS base_debit, l.base_credit::numeric AS base_credit
                 FROM journal_line l JOIN gl_account a ON a.company_id = l.company_id AND a.id = l.account_id WHERE l.company_id = $1 AND l.entry_id = $2 ORDER BY l.line_no",
            )
            .bind(company).bind(entry),
        )?,
        None => rx.load(
            Sql::new(
                "SELECT l.n::int AS line_no, a.id AS account_id, a.code AS account_code, a.name AS account_name, l.customer_id, l.debit, l.credit, l.debit AS base_debit, l.credit AS base_credit
                 FROM manual_journal j, ROWS FROM (jsonb_to_recordset(j.lines) AS (account_id uuid, customer_id uuid, debit numeric, credit numeric)) WITH ORDINALITY AS l(account_id, customer_id, debit, credit, n)
                 JOIN gl_account a ON a.company_id = $1 AND a.id = l.account_id WHERE j.company_id = $1 AND j.id = $2 ORDER BY l.n",
            )
            .bind(company).bind(id),
        )?,
    };
    let currency = row.currency.as_deref().and_then(Currency::parse).unwrap_or(base);
    let lines = lines.into_iter().map(|line| JournalLine {
        line_no: line.line_no,
        account_id: line.account_id,
        account_code: line.account_code,
        account_name: line.account_name,
        customer_id: line.customer_id,
        debit: currency.amount(line.debit),
        credit: currency.amount(line.credit),
        base_debit: base.amount(line.base_debit),
        base_credit: base.amount(line.base_credit),
    });
    Ok((row.summary(base), lines.collect()))
}

row! {
    pub struct Manual {
        pub id: JournalId, pub journal_date: NaiveDate, pub post_late: bool, pub narration: String, pub lines: serde_json::Value, pub total: Decimal, pub version: i64,
    }
}
impl Manual {
    pub fn lines(&self) -> Result<Vec<Line>, Problem> {
        serde_json::from_value(self.lines.clone()).map_err(|error| Problem::internal(&error))
    }
}

/// A manual journal, by its id or that of its entry; `None` where a document posted it. Its version counts its reversal.
pub fn manual(rx: &mut Rx<'_>, id: Uuid, lock: bool) -> Result<Option<Manual>, Problem> {
    let company = rx.company();
    let text = format!(
        "SELECT j.id, j.journal_date, j.post_late, j.narration, j.lines, j.total::numeric AS total,
                j.version + (SELECT count(*) FROM journal_entry r WHERE r.company_id = j.company_id AND r.reverses_id = j.entry_id) AS version
         FROM manual_journal j WHERE j.company_id = $1 AND (j.id = $2 OR j.entry_id = $2){}",
        if lock { " FOR NO KEY UPDATE OF j" } else { "" }
    );
    rx.optional(Sql::new(text).bind(company).bind(id))
}

pub fn insert(tx: &mut Tx<'_>, new: &NewJournal, lines: &[Line], total: Decimal) -> Result<JournalId, Problem> {
    let (company, id, actor) = (tx.company(), JournalId::new(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new(
            "INSERT INTO manual_journal (company_id, id, external_id, status, journal_date, post_late, narration, lines, total, to_control, created_by)
             VALUES ($1, $2, $3, 'pending_approval', $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(company)
        .bind(id)
        .bind(new.external_id.as_deref())
        .bind(new.journal_date)
        .bind(new.post_late)
        .bind(new.narration.as_str())
        .bind(serde_json::to_value(lines).map_err(|e| Problem::internal(&e))?)
        .bind(total)
        .bind(lines.iter().any(|line| line.control))
        .bind(actor),
    )?;
    Ok(id)
}

pub fn posted(tx: &mut Tx<'_>, id: JournalId, registration: RegistrationId, number: &str, entry: EntryId) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE manual_journal SET status = 'posted', number = $3, entry_id = $4, registration_id = $5, version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2")
            .bind(company)
            .bind(id)
            .bind(number)
            .bind(entry)
            .bind(registration),
    )?;
    Ok(())
}

pub fn rejected(tx: &mut Tx<'_>, id: Uuid) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new("UPDATE manual_journal SET status = 'rejected', version = version + 1, updated_at = now() WHERE company_id = $1 AND id = $2")
            .bind(company)
            .bind(id),
    )?;
    Ok(())
}
