//! `PostgreSQL`: the private server and its backups, the pool, migrations, the door to SQL.

pub mod backup;
pub mod copy;
pub mod embedded;
pub mod sql;

use crate::platform::http::problem::{self, Problem};
use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::{Connection, ConnectionError, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::time::Duration;

/// Every step of the schema, compiled in.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// For the rest of a transaction: plans that read many rows, table by table rather than row by row, with every processor's
/// help: how many groups sums over an expression have is guessed far too high, and what workers hand over with it.
pub const WIDELY: &str = "SELECT set_config('enable_seqscan', 'on', true), set_config('enable_hashjoin', 'on', true), set_config('enable_mergejoin', 'on', true), set_config('plan_cache_mode', 'auto', true), set_config('random_page_cost', '4', true), set_config('work_mem', '32MB', true), set_config('max_parallel_workers_per_gather', (SELECT reset_val FROM pg_settings WHERE name = 'max_parallel_workers_per_gather'), true), set_config('parallel_tuple_cost', '0.001', true)";

/// The role the service works under: no ownership, no DDL, no way to change what is posted.
pub const APP_ROLE: &str = "duebook_app";

/// Opens connections under the application's role and drops the ones that broke.
struct Manager {
    url: String,
}

/// A pooled connection.
pub struct Link {
    pub connection: PgConnection,
    broken: bool,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Link;
    type Error = ConnectionError;

    fn connect(&self) -> Result<Link, ConnectionError> {
        let mut connection = PgConnection::establish(&self.url)?;
        // Fail fast: a stuck statement or lock gives its connection back. A write reads few rows, by index: plans made
        // while a company was small must not read it whole when it has grown, and planning its statements anew for each
        // call would cost as much as running them; to start workers costs more than reading them. Who reads much says so
        // (WIDELY).
        connection
            .batch_execute(&format!(
                "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET max_parallel_workers_per_gather = 0; SET ROLE {APP_ROLE}; SET statement_timeout = '20s'; SET lock_timeout = '2s'; SET idle_in_transaction_session_timeout = '10s'; SET timezone = 'UTC'"
            ))
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(Link { connection, broken: false })
    }
    fn is_valid(&self, link: &mut Link) -> Result<(), ConnectionError> {
        link.connection.batch_execute("SELECT 1").map_err(ConnectionError::CouldntSetupConfiguration)
    }
    fn has_broken(&self, link: &mut Link) -> bool {
        link.broken || std::thread::panicking()
    }
}

/// Fail fast: whoever has a slot finds a connection at once, unless the database is away.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// A database may still be starting when the service does.
const FIRST_WAIT: Duration = Duration::from_secs(10);

/// The connection pool.
#[derive(Clone)]
pub struct Pool {
    pool: r2d2::Pool<Manager>,
}

/// A connection inside a transaction.
pub struct OpenLink {
    link: r2d2::PooledConnection<Manager>,
}

impl std::ops::Deref for OpenLink {
    type Target = Link;
    fn deref(&self) -> &Link {
        &self.link
    }
}
impl std::ops::DerefMut for OpenLink {
    fn deref_mut(&mut self) -> &mut Link {
        &mut self.link
    }
}

#[derive(Debug)]
struct Log;
impl r2d2::HandleError<ConnectionError> for Log {
    fn handle_error(&self, error: ConnectionError) {
        tracing::warn!(%error, "cannot open a database connection");
    }
}

impl Pool {
    pub fn new(url: &str, size: u32) -> Result<Self, r2d2::Error> {
        let pool = r2d2::Pool::builder()
            .max_size(size)
            // Opened when first needed and kept: a command that asks one thing opens one connection, and nobody is
            // still connecting when the database is about to stop.
            .min_idle(Some(0))
            .idle_timeout(None)
            // Also bounds the pause before the next try to connect, so that a database that is back is noticed.
            .connection_timeout(LONGEST_WAIT)
            .test_on_check_out(false)
            .error_handler(Box::new(Log))
            .build_unchecked(Manager { url: url.to_owned() });
        pool.get_timeout(FIRST_WAIT)?;
        Ok(Self { pool })
    }

    /// Checks a connection out and begins with `begin`. Connections that died in the pool (a
    /// restarted database) are thrown away until a living one turns up.
    pub fn open(&self, begin: &str) -> Result<OpenLink, Problem> {
        let mut last = None;
        for _ in 0..=self.pool.max_size() {
            let mut link =
                self.pool.get().map_err(|_| Problem::new(problem::DEPENDENCY_UNAVAILABLE, "The database cannot be reached; try again.").retry_after(1))?;
            match link.connection.batch_execute(begin) {
                Ok(()) => return Ok(OpenLink { link }),
                Err(error) => {
                    link.broken = true;
                    last = Some(error);
                }
            }
        }
        Err(last.map_or_else(|| Problem::internal(&"no connection"), Problem::from))
    }
}

impl OpenLink {
    /// Rolls back after a failure; a connection that cannot even do that is not used again.
    pub fn finish<T>(mut self, done: Result<T, Problem>) -> Result<T, Problem> {
        if done.is_err() && self.link.connection.batch_execute("ROLLBACK").is_err() {
            self.link.broken = true;
        }
        done
    }
}

/// The role whose functions guard and move the books (step 32): it owns nothing else and nobody logs in as it.
pub const LEDGER_ROLE: &str = "duebook_ledger";

/// Brings the schema up to date as the owner, who must be able to make both roles, or to grant those that are there.
pub fn migrate(owner_url: &str) -> Result<Vec<String>, String> {
    let mut connection = PgConnection::establish(owner_url).map_err(|e| e.to_string())?;
    if !connection.has_pending_migration(MIGRATIONS).map_err(|e| e.to_string())? {
        return Ok(Vec::new());
    }
    // Whoever makes roles may grant any, until version 16 of PostgreSQL; since then only those made by themselves.
    let may = format!(
        "(SELECT bool_and(o.rolsuper OR CASE WHEN r.oid IS NULL THEN o.rolcreaterole
              ELSE pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION') OR o.rolcreaterole AND current_setting('server_version_num')::integer < 160000 END)
          FROM pg_roles o CROSS JOIN unnest(ARRAY['{APP_ROLE}', '{LEDGER_ROLE}']) AS wanted LEFT JOIN pg_roles r ON r.rolname = wanted
          WHERE o.rolname = current_user)"
    );
    if !diesel::select(diesel::dsl::sql::<diesel::sql_types::Bool>(&may)).get_result::<bool>(&mut connection).map_err(|e| e.to_string())? {
        return Err(format!(
            "the owner of the database needs CREATEROLE, or that somebody who has it makes the roles: CREATE ROLE {APP_ROLE}; CREATE ROLE {LEDGER_ROLE}; \
             GRANT {APP_ROLE}, {LEDGER_ROLE} TO the owner WITH ADMIN OPTION"
        ));
    }
    connection.batch_execute("SET lock_timeout = '10s'; SET client_min_messages = warning").map_err(|e| e.to_string())?;
    let done = connection.run_pending_migrations(MIGRATIONS).map_err(|e| e.to_string())?;
    Ok(done.iter().map(ToString::to_string).collect())
}

/// Takes every step back, for the test that down undoes up.
pub fn unmigrate(owner_url: &str) -> Result<usize, String> {
    let mut connection = PgConnection::establish(owner_url).map_err(|e| e.to_string())?;
    connection.revert_all_migrations(MIGRATIONS).map(|done| done.len()).map_err(|e| e.to_string())
}

/// Whether steps are waiting.
pub fn pending(owner_or_app_url: &str) -> Result<bool, String> {
    let mut connection = PgConnection::establish(owner_or_app_url).map_err(|e| e.to_string())?;
    connection.has_pending_migration(MIGRATIONS).map_err(|e| e.to_string())
}
