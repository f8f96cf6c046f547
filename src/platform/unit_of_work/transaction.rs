//! `Tx` and `Rx`: a connection inside a transaction of one company.

use super::audit::{self, Audited, Change, EventKey, Pending};
use super::facts::CompanyFacts;
use super::{Actor, Principal};
use crate::platform::dates;
use crate::platform::http::Problem;
use crate::platform::ids::CompanyId;
use crate::platform::money::Currency;
use crate::platform::postgres::WIDELY;
use crate::platform::postgres::copy::{self, Literal};
use crate::platform::postgres::sql::{Scalar, Sql, SqlValue};
use chrono::{DateTime, NaiveDate, Utc};
use diesel::connection::SimpleConnection;
use diesel::deserialize::{FromSql, QueryableByName};
use diesel::pg::{Pg, PgConnection};
use diesel::query_dsl::RunQueryDsl;
use diesel::result::OptionalExtension;
use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use uuid::Uuid;

/// Who, where and when: frozen at the start of the request.
#[derive(Debug, Clone)]
pub struct Context {
    pub company: CompanyId,
    pub facts: Arc<CompanyFacts>,
    pub actor: Actor,
    pub principal: Option<Principal>,
    pub request_id: String,
    pub operation: String,
    /// Where the request came from: the caller's address, or that of the proxy before the service.
    pub address: Option<IpAddr>,
    pub now: DateTime<Utc>,
    /// The calendar date in the company's zone.
    pub today: NaiveDate,
    /// Set when the caller sees assigned customers only.
    pub portfolio: Option<Uuid>,
    pub(super) event_key: EventKey,
}

impl Context {
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.facts.currency
    }
    /// Whether the caller holds a right; the service itself holds all.
    #[must_use]
    pub fn may(&self, permission: &str) -> bool {
        self.principal.as_ref().is_none_or(|principal| principal.may(permission))
    }
    /// Whether the caller holds a right, or may ask somebody who does.
    #[must_use]
    pub fn may_ask(&self, permission: &str) -> bool {
        self.principal.as_ref().is_none_or(|principal| principal.may(permission) || principal.may_request(permission))
    }
    #[must_use]
    pub fn fiscal_year(&self, date: NaiveDate) -> dates::FiscalYear {
        dates::FiscalYear::of(date, self.facts.fiscal_year_start)
    }
}

/// A read transaction: one snapshot, nothing can be written.
pub struct Rx<'c> {
    connection: &'c mut PgConnection,
    context: Arc<Context>,
    statements: u32,
}

impl<'c> Rx<'c> {
    pub(super) fn new(connection: &'c mut PgConnection, context: Arc<Context>) -> Self {
        Self { connection, context, statements: 0 }
    }
    #[must_use]
    pub fn cx(&self) -> &Context {
        &self.context
    }
    #[must_use]
    pub fn company(&self) -> CompanyId {
        self.context.company
    }
    /// All rows.
    pub fn load<R: QueryableByName<Pg> + 'static>(&mut self, sql: Sql<'_>) -> Result<Vec<R>, Problem> {
        self.statements += 1;
        Ok(RunQueryDsl::load::<R>(sql, self.connection)?)
    }
    /// The only row; none is ours to explain, so it is an internal error.
    pub fn one<R: QueryableByName<Pg> + 'static>(&mut self, sql: Sql<'_>) -> Result<R, Problem> {
        self.statements += 1;
        Ok(RunQueryDsl::get_result::<R>(sql, self.connection)?)
    }
    /// The row, if there is one.
    pub fn optional<R: QueryableByName<Pg> + 'static>(&mut self, sql: Sql<'_>) -> Result<Option<R>, Problem> {
        self.statements += 1;
        Ok(RunQueryDsl::get_result::<R>(sql, self.connection).optional()?)
    }
    /// The first column of the only row.
    pub fn scalar<T: SqlValue + FromSql<T::Sql, Pg> + 'static>(&mut self, sql: Sql<'_>) -> Result<T, Problem> {
        self.one::<Scalar<T>>(sql).map(|scalar| scalar.0)
    }
    /// The first column of every row.
    pub fn scalars<T: SqlValue + FromSql<T::Sql, Pg> + 'static>(&mut self, sql: Sql<'_>) -> Result<Vec<T>, Problem> {
        Ok(self.load::<Scalar<T>>(sql)?.into_iter().map(|scalar| scalar.0).collect())
    }
    /// Gives every row of a statement to `each` as COPY writes it, in constant memory.
    pub fn copy(&mut self, text: &str, values: &[Literal], each: impl FnMut(&[u8]) -> Result<(), Problem>) -> Result<(), Problem> {
        self.statements += 1;
        copy::copy(self.connection, text, values, each)
    }
    /// Sees all customers of the company from here on, whoever asks: for what is judged of a group as a whole, once the
    /// customer it is about was found within the caller's portfolio. Whether the caller has one, so that more is seen now.
    pub fn sees_groups(&mut self) -> Result<bool, Problem> {
        let bound = self.context.portfolio.is_some();
        if bound {
            self.batch("SELECT set_config('app.portfolio', '', true)")?;
        }
        Ok(bound)
    }
    /// Sees all customers of the company while it works, and then those of the caller's portfolio again.
    pub fn beyond_portfolio<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Problem>) -> Result<T, Problem> {
        self.sees_groups()?;
        let done = work(self)?;
        if let Some(user) = self.context.portfolio {
            self.batch(&format!("SELECT set_config('app.portfolio', '{user}', true)"))?;
        }
        Ok(done)
    }
    /// Lets this transaction take as long as it needs, also between statements.
    pub fn take_time(&mut self) -> Result<(), Problem> {
        self.scalar::<String>(Sql::new("SELECT set_config('idle_in_transaction_session_timeout', '0', true) || set_config('statement_timeout', '0', true)"))
            .map(drop)
    }
    pub(super) fn run(&mut self, sql: Sql<'_>) -> Result<usize, diesel::result::Error> {
        self.statements += 1;
        RunQueryDsl::execute(sql, self.connection)
    }
    pub(super) fn batch(&mut self, text: &str) -> Result<(), diesel::result::Error> {
        self.statements += 1;
        self.connection.batch_execute(text)
    }
    /// Round trips so far; a posting is a fixed small number of them (tested).
    #[must_use]
    pub fn statements(&self) -> u32 {
        self.statements
    }
}

/// A write transaction. Reads like an [`Rx`].
pub struct Tx<'c> {
    rx: Rx<'c>,
    pub(super) pending: Vec<Pending>,
    /// Companies whose events were written.
    pub(super) flushed: Vec<CompanyId>,
}

impl<'c> Deref for Tx<'c> {
    type Target = Rx<'c>;
    fn deref(&self) -> &Rx<'c> {
        &self.rx
    }
}
impl<'c> DerefMut for Tx<'c> {
    fn deref_mut(&mut self) -> &mut Rx<'c> {
        &mut self.rx
    }
}

impl<'c> Tx<'c> {
    pub(super) fn new(rx: Rx<'c>) -> Self {
        Self { rx, pending: Vec::new(), flushed: Vec::new() }
    }
    /// Runs a statement; gives the number of rows it touched.
    pub fn execute(&mut self, sql: Sql<'_>) -> Result<usize, Problem> {
        Ok(self.rx.run(sql)?)
    }
    /// Reads many rows from here on: for the few commands that go through a whole company.
    pub fn reads_widely(&mut self) -> Result<(), Problem> {
        Ok(self.rx.batch(WIDELY)?)
    }
    /// Notes what was done: the audit event, which is also the event partners see. The only maker of [`Audited`].
    pub fn record<T>(&mut self, change: Change, value: T) -> Audited<T> {
        self.pending.push(Pending::new(change, self.rx.cx()));
        Audited::new(value, self.pending.len() - 1)
    }
    /// Runs `work` so that its failure undoes only its own effects. For the rows of a bulk request
    /// only: in a command a caught error would commit half an intent.
    pub(super) fn row<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Problem>) -> Result<T, Problem> {
        let events = self.pending.len();
        self.rx.batch("SAVEPOINT bulk_row")?;
        match work(self) {
            Ok(done) => {
                self.rx.batch("RELEASE SAVEPOINT bulk_row")?;
                Ok(done)
            }
            Err(problem) => {
                self.pending.truncate(events);
                self.rx.batch("ROLLBACK TO SAVEPOINT bulk_row; RELEASE SAVEPOINT bulk_row")?;
                Err(problem)
            }
        }
    }
    /// Runs `work` and takes back what it did: to learn what would come of it.
    pub fn rehearsed<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Problem>) -> Result<T, Problem> {
        let events = self.pending.len();
        self.rx.batch("SAVEPOINT rehearsal")?;
        let done = work(self);
        self.pending.truncate(events);
        self.rx.batch("ROLLBACK TO SAVEPOINT rehearsal; RELEASE SAVEPOINT rehearsal")?;
        done
    }
    pub(super) fn enter(&mut self, company: CompanyId) -> Result<(), Problem> {
        self.rx.batch(&format!("SELECT set_config('app.company_id', '{}', true)", company.uuid()))?;
        let mut context = (*self.rx.context).clone();
        context.company = company;
        self.rx.context = Arc::new(context);
        Ok(())
    }
    /// Opens the identity tables (users, sessions, memberships of every company) for a moment.
    pub fn as_identity<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Problem>) -> Result<T, Problem> {
        self.rx.batch("SELECT set_config('app.identity', 'on', true)")?;
        let done = work(self);
        if done.is_ok() {
            self.rx.batch("SELECT set_config('app.identity', '', true)")?;
        }
        done
    }

    /// Writes the events, if there are any; then the transaction is to be kept.
    pub(super) fn kept(&mut self) -> Result<bool, Problem> {
        if self.pending.is_empty() {
            return Ok(false);
        }
        audit::flush(self, &[])?;
        Ok(true)
    }

    /// Records a change in another company: a log-in before its company is known.
    pub fn note_in(&mut self, company: CompanyId, change: Change) -> Result<(), Problem> {
        self.within(company, |tx| {
            let _ = tx.record(change, ());
            if tx.company() == company { tx.kept().map(drop) } else { Ok(()) }
        })
    }

    /// Works inside another company for a moment (set-up of a new one, a login before its company
    /// is known). Its events are written there.
    pub fn within<T>(&mut self, company: CompanyId, work: impl FnOnce(&mut Tx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        let home = self.company();
        if home == company {
            return work(self);
        }
        let outer = std::mem::take(&mut self.pending);
        self.enter(company)?;
        let value = work(self)?;
        self.kept()?;
        self.enter(home)?;
        self.pending = outer;
        Ok(value)
    }
}
