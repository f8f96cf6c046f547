use super::types::{ConfirmationResult, NewConfirmation, Statement, StatementConfirmation, StatementFilter, StatementStyle};
use crate::platform::dates::Instant;
use crate::platform::http::Problem;
use crate::platform::ids::{ConfirmationId, CustomerId, StatementId};
use crate::platform::money::Currency;
use crate::platform::page::{List, Page, Paging, SortKey};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::{Rx, Tx};
use crate::row;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

row! {
    struct StatementRow {
        id: StatementId, customer_id: CustomerId, customer_name: String, style: StatementStyle, from_date: NaiveDate, to_date: NaiveDate, known_at: DateTime<Utc>, currency: String,
        opening_balance: Decimal, closing_balance: Decimal, overdue: Decimal, created_by: String, recorded_at: DateTime<Utc>,
        answer_id: Option<ConfirmationId>, result: Option<ConfirmationResult>, stated_balance: Option<Decimal>, confirmed_on: Option<NaiveDate>, contact: Option<String>, evidence: Option<String>,
        evidence_sha256: Option<String>, note: Option<String>, answered_by: Option<String>, answered_at: Option<DateTime<Utc>>,
    }
}
impl StatementRow {
    fn answer(self, base: Currency) -> Statement {
        let currency = Currency::parse(&self.currency).unwrap_or(base);
        let confirmation = self.confirmation(currency);
        Statement {
            id: self.id,
            object: "statement",
            customer_id: self.customer_id,
            customer_name: self.customer_name,
            style: self.style,
            from: self.from_date,
            to: self.to_date,
            known_at: Instant(self.known_at),
            currency: self.currency,
            opening_balance: currency.amount(self.opening_balance),
            closing_balance: currency.amount(self.closing_balance),
            overdue: currency.amount(self.overdue),
            created_by: self.created_by,
            created_at: Instant(self.recorded_at),
            confirmation,
        }
    }

    fn confirmation(&self, currency: Currency) -> Option<StatementConfirmation> {
        let stated = self.stated_balance?;
        Some(StatementConfirmation {
            id: self.answer_id?,
            object: "statement_confirmation",
            result: self.result?,
            stated_balance: currency.amount(stated),
            difference: currency.amount(self.closing_balance - stated),
            confirmed_on: self.confirmed_on?,
            contact: self.contact.clone()?,
            evidence: self.evidence.clone(),
            evidence_sha256: self.evidence_sha256.clone(),
            note: self.note.clone(),
            created_by: self.answered_by.clone()?,
            created_at: Instant(self.answered_at?),
        })
    }
}

const SELECT: &str = "SELECT s.id, s.customer_id, c.legal_name AS customer_name, s.style, s.from_date, s.to_date, s.known_at, s.currency, s.opening_balance::numeric AS opening_balance,
        s.closing_balance::numeric AS closing_balance, s.overdue::numeric AS overdue, s.created_by, s.recorded_at, a.id AS answer_id, a.result, a.stated_balance::numeric AS stated_balance,
        a.confirmed_on, a.contact, a.evidence, a.evidence_sha256, a.note, a.created_by AS answered_by, a.recorded_at AS answered_at
    FROM statement s JOIN customer c ON c.company_id = s.company_id AND c.id = s.customer_id
    LEFT JOIN LATERAL (SELECT * FROM statement_confirmation n WHERE n.company_id = s.company_id AND n.statement_id = s.id ORDER BY n.recorded_at DESC, n.id DESC LIMIT 1) AS a ON true
    WHERE s.company_id = $1";
static STATEMENTS: List = List {
    select: SELECT,
    id: "s.id",
    sorts: &[
        SortKey { name: "created_at", expression: "s.recorded_at", kind: "timestamptz" },
        SortKey { name: "to", expression: "s.to_date", kind: "date" },
        SortKey { name: "closing_balance", expression: "s.closing_balance::numeric", kind: "numeric" },
    ],
    default_sort: "-created_at",
};

pub fn list(rx: &mut Rx<'_>, paging: &Paging, filter: &StatementFilter) -> Result<Page<Statement>, Problem> {
    let base = rx.cx().currency();
    let page = STATEMENTS
        .of(rx)
        .created("s.recorded_at", paging)
        .when("s.customer_id = {}", filter.customer_id)
        .any_of("s.style", filter.style.as_deref())
        .any_of("coalesce(a.result, 'none')", filter.confirmation.as_deref())
        .page::<StatementRow>(rx, paging)?;
    Ok(page.map(|row| row.answer(base)))
}

pub fn get(rx: &mut Rx<'_>, id: StatementId) -> Result<Statement, Problem> {
    let (company, base) = (rx.company(), rx.cx().currency());
    let row: Option<StatementRow> = rx.optional(Sql::new(format!("{SELECT} AND s.id = $2")).bind(company).bind(id))?;
    row.map(|row| row.answer(base)).ok_or_else(|| Problem::not_found("statement"))
}

/// The last millisecond of which nothing more will be recorded.
pub fn settled_until(tx: &mut Tx<'_>) -> Result<DateTime<Utc>, Problem> {
    let company = tx.company().uuid().to_string();
    tx.scalar(Sql::new("SELECT settled_until($1)").bind(company))
}

pub fn insert(tx: &mut Tx<'_>, new: &Statement) -> Result<(), Problem> {
    let company = tx.company();
    tx.execute(
        Sql::new(
            "INSERT INTO statement (company_id, id, customer_id, style, from_date, to_date, known_at, currency, opening_balance, closing_balance, overdue, created_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(company)
        .bind(new.id)
        .bind(new.customer_id)
        .bind(new.style)
        .bind(new.from)
        .bind(new.to)
        .bind(new.known_at.0)
        .bind(new.currency.as_str())
        .bind(new.opening_balance.0)
        .bind(new.closing_balance.0)
        .bind(new.overdue.0)
        .bind(new.created_by.as_str()),
    )?;
    Ok(())
}

/// Adds an answer to a statement.
pub fn insert_confirmation(tx: &mut Tx<'_>, statement: &Statement, new: &NewConfirmation, stated: Decimal, on: NaiveDate) -> Result<(), Problem> {
    let (company, actor) = (tx.company(), tx.cx().actor.to_string());
    tx.execute(
        Sql::new(
            "INSERT INTO statement_confirmation (company_id, id, statement_id, customer_id, result, stated_balance, confirmed_on, contact, evidence, evidence_sha256, note, created_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(company)
        .bind(ConfirmationId::new())
        .bind(statement.id)
        .bind(statement.customer_id)
        .bind(new.result)
        .bind(stated)
        .bind(on)
        .bind(new.contact.trim())
        .bind(new.evidence.as_deref())
        .bind(new.evidence_sha256.as_deref())
        .bind(new.note.as_deref())
        .bind(actor),
    )?;
    Ok(())
}
