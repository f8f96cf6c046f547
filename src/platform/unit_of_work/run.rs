//! Begins, works, commits: transactions and snapshots for whoever is at the door.

use super::Actor;
use super::audit::{self, Change};
use super::doors::Doors;
use super::idempotency::{self, Claim, Key};
use super::start::{Behalf, Start};
use super::transaction::{Context, Rx, Tx};
use crate::platform::clock;
use crate::platform::dates::business_date;
use crate::platform::http::problem::{self, Problem};
use crate::platform::http::reply::Rendered;
use crate::platform::ids::CompanyId;
use crate::platform::postgres::WIDELY;
use diesel::pg::PgConnection;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

const TRIES: u32 = 3;

/// Begin, work, commit; tried again after a serialization failure or deadlock, and after a lost
/// connection when the idempotency key can tell what became of the first try.
pub(super) fn in_transaction<T>(doors: &Doors, start: &Start, keyed: bool, work: impl Fn(&mut Tx<'_>) -> Result<(T, bool), Problem>) -> Result<T, Problem> {
    let _span = start.span();
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt(doors, start, &work) {
            Err(problem) if tries < TRIES && (problem.transient() || keyed && problem.is(problem::DEPENDENCY_UNAVAILABLE)) => {
                metrics::counter!("duebook_transaction_retries_total").increment(1);
                std::thread::sleep(Duration::from_millis(rand::random_range(10..100)));
            }
            done => return done,
        }
    }
}

fn attempt<T>(doors: &Doors, start: &Start, work: &impl Fn(&mut Tx<'_>) -> Result<(T, bool), Problem>) -> Result<T, Problem> {
    let mut link = doors.pool.open(&start.settings("ISOLATION LEVEL READ COMMITTED"))?;
    let context = context(doors, start, &mut link.connection);
    let done = context.and_then(|context| {
        let mut tx = Tx::new(Rx::new(&mut link.connection, context));
        let (value, keep) = work(&mut tx)?;
        tx.batch(if keep { "COMMIT" } else { "ROLLBACK" })?;
        for company in tx.flushed.iter().filter(|_| keep) {
            doors.wrote(*company);
        }
        Ok(value)
    });
    link.finish(done)
}

pub(super) fn on_snapshot<T>(doors: &Doors, start: &Start, work: impl FnOnce(&mut Rx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    let _span = start.span();
    // What is settled is asked before the snapshot is taken, or what is recorded between the two would be missed.
    let settled = format!("BEGIN; SELECT set_config('app.settled', settled_until('{}')::text, false); COMMIT", start.company.uuid());
    let begin = start.settings("ISOLATION LEVEL REPEATABLE READ READ ONLY");
    let mut link = doors.pool.open(&format!("{settled}; {begin}; {WIDELY}"))?;
    let done = context(doors, start, &mut link.connection).and_then(|context| {
        let mut rx = Rx::new(&mut link.connection, context);
        let value = work(&mut rx)?;
        rx.batch("COMMIT")?;
        Ok(value)
    });
    link.finish(done)
}

fn context(doors: &Doors, start: &Start, connection: &mut PgConnection) -> Result<Arc<Context>, Problem> {
    let facts = doors.facts.of(start.company, connection)?;
    let now = clock::now();
    Ok(Arc::new(Context {
        company: start.company,
        today: business_date(now, facts.zone),
        facts,
        actor: start.actor,
        principal: start.principal.clone(),
        request_id: start.request_id.clone(),
        operation: start.operation.clone(),
        address: start.address,
        now,
        portfolio: start.portfolio,
        event_key: doors.event_key,
    }))
}

/// The answer of one request: that of its key if it was given before, else what `work` comes to, recorded and kept
/// for the key in the transaction of the work.
pub(super) fn answer(
    doors: &Doors,
    start: &Start,
    key: Option<&Key>,
    dry_run: bool,
    work: impl Fn(&mut Tx<'_>) -> Result<(Rendered, bool), Problem>,
) -> Result<Rendered, Problem> {
    let done = in_transaction(doors, start, key.is_some(), |tx| {
        let claim = match key.map(|key| idempotency::claim(tx, key)).transpose()? {
            Some(Claim::Replay(reply)) => return Ok((reply, false)),
            Some(Claim::Fresh(id)) => Some(id),
            None => None,
        };
        let (mut reply, keep) = work(tx)?;
        if dry_run {
            reply.location = None;
            reply.status = if reply.status == 207 { 207 } else { 200 };
        } else if keep {
            let stored = claim.map(|id| Ok::<_, Problem>((id, reply.kept()?))).transpose()?;
            audit::flush(tx, stored.as_slice())?;
        }
        Ok((reply, keep && !dry_run))
    });
    match done {
        Err(problem) if problem.refusal().code.starts_with("sod_") && !dry_run => Err(blocked(doors, start, problem)),
        done => done,
    }
}

/// A violation of segregation that was blocked leaves its trace, though nothing else of the request does.
fn blocked(doors: &Doors, start: &Start, problem: Problem) -> Problem {
    let (Actor::User(who) | Actor::Client(who)) = start.actor else { return problem };
    let noted = in_transaction(doors, start, false, |tx| {
        let what = serde_json::json!({"code": problem.refusal().code, "operation": start.operation, "detail": problem.to_string()});
        let _ = tx.record(Change::new("control.violation_blocked", who).after(&what), ());
        audit::flush(tx, &[])?;
        Ok(((), true))
    });
    noted.err().unwrap_or(problem)
}

/// A read that leaves a trace.
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) query: String,
    /// The thing it is about, where the address names one.
    pub(super) id: Option<Uuid>,
}

/// A snapshot for a caller. Where a trace is to be left, nothing is told without it.
pub(super) fn looked_at<T>(doors: &Doors, start: &Start, seen: Option<Seen>, work: impl FnOnce(&mut Rx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    let value = on_snapshot(doors, start, work)?;
    if let Some(seen) = seen {
        in_transaction(doors, start, false, |tx| {
            let what = serde_json::json!({"path": seen.path, "query": seen.query});
            let _ = tx.record(Change::new("record.read", seen.id.unwrap_or(start.company.uuid())).after(&what), ());
            audit::flush(tx, &[])?;
            Ok(((), true))
        })?;
    }
    Ok(value)
}

/// A system actor's transaction, for set-up, jobs and the command line.
pub fn run_system<T>(doors: &Doors, company: Option<CompanyId>, operation: &str, work: impl Fn(&mut Tx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    in_transaction(doors, &Start::system(company, operation), false, |tx| {
        let value = work(tx)?;
        tx.kept()?;
        Ok((value, true))
    })
}

/// A system actor's snapshot.
pub fn run_system_read<T>(
    doors: &Doors,
    company: Option<CompanyId>,
    operation: &str,
    work: impl FnOnce(&mut Rx<'_>) -> Result<T, Problem>,
) -> Result<T, Problem> {
    on_snapshot(doors, &Start::system(company, operation), work)
}

/// A transaction for somebody who asked for long work; its events are theirs.
pub fn run_for<T>(doors: &Doors, behalf: &Behalf, work: impl Fn(&mut Tx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    in_transaction(doors, &behalf.start(), false, |tx| {
        let value = work(tx)?;
        tx.kept()?;
        Ok((value, true))
    })
}

/// A snapshot for somebody who asked for long work.
pub fn snapshot_for<T>(doors: &Doors, behalf: &Behalf, work: impl FnOnce(&mut Rx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    on_snapshot(doors, &behalf.start(), work)
}
