//! Workers: they take what waits, do it for the one who asked, and leave a result or a problem.
//!
//! Work may begin more than once (a crash, a lost connection) but ends once: what it does for good it does in `Finish`,
//! in the transaction that ends it, which fails when the worker no longer holds its lease.

use super::problems;
use super::store::{self, Outcome, Taken};
use super::types::{JobStatus, Task};
use crate::platform::http::problem::{self, Problem};
use crate::platform::ids::JobId;
use crate::platform::unit_of_work::{Audited, Behalf, Change, Doors, Rx, Tx, run_for, run_system, snapshot_for};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use uuid::Uuid;

/// Seconds a worker that is gone keeps its work from others.
const LEASE: i32 = 15;
/// How often a worker says that it is there and hears whether it is to stop.
const BEAT: Duration = Duration::from_secs(1);
/// How often it looks for work of which it was not told: of other processes, or left by them.
const LOOK: Duration = Duration::from_secs(2);
/// Begun this often without an end, it is not begun again.
const TRIES: i32 = 5;

/// What ends work: done in the transaction that ends it, under the lease, gives the result. It may happen again when that
/// transaction is tried again.
pub type Finish = Box<dyn Fn(&mut Tx<'_>) -> Result<Value, Problem>>;

/// How a kind of work is done.
pub type Run = Box<dyn Fn(&Running<'_>) -> Result<Finish, Problem> + Send + Sync>;

/// A kind of work and how it is done.
pub struct Work {
    pub kind: &'static str,
    pub run: Run,
}

/// Told to those who wait for the end of a job.
pub static CHANGED: Notify = Notify::const_new();

/// Rings when there is work.
struct Bell {
    rung: Mutex<u64>,
    heard: Condvar,
}
static BELL: Bell = Bell { rung: Mutex::new(0), heard: Condvar::new() };

/// Says that there is work. Call it when the transaction that made it is done.
pub fn ring() {
    *BELL.rung.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    BELL.heard.notify_all();
}

/// Waits for the bell, if it was not rung since `last`.
fn listen(last: u64) -> u64 {
    let rung = BELL.rung.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = BELL.heard.wait_timeout_while(rung, LOOK, |rung| *rung == last);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

/// Puts work into the queue, in the transaction of the request that asks for it.
pub fn enqueue(tx: &mut Tx<'_>, id: JobId, kind: &'static str, input: &Value) -> Result<Task, Problem> {
    let behalf = serde_json::to_value(Behalf::of(tx.cx())).map_err(|error| Problem::internal(&error))?;
    store::insert(tx, id, kind, input, &behalf)?;
    store::get(tx, id)
}

pub fn cancel(tx: &mut Tx<'_>, id: JobId) -> Result<Audited<Task>, Problem> {
    if store::ask_to_stop(tx, id)? {
        let task = store::get(tx, id)?;
        let after = json!({"kind": task.kind, "status": task.status});
        return Ok(tx.record(Change::new("job.cancelled", id.uuid()).version(task.version).after(&after), task));
    }
    let task = store::get(tx, id)?;
    Err(Problem::new(problem::INVALID_STATE, format!("The job is {} and cannot be stopped any more.", task.status))
        .member("current", json!({"status": task.status}))
        .member("allowed_actions", json!([])))
}

/// What a worker and the thread that speaks for it share.
#[derive(Default)]
struct Pulse {
    done: AtomicI64,
    /// -1: not known.
    total: AtomicI64,
    cancelled: AtomicBool,
    lost: AtomicBool,
    over: AtomicBool,
}
impl Pulse {
    fn progress(&self) -> (i64, Option<i64>) {
        let total = self.total.load(Ordering::Relaxed);
        (self.done.load(Ordering::Relaxed), (total >= 0).then_some(total))
    }
}

/// Work that runs.
pub struct Running<'d> {
    pub doors: &'d Doors,
    pub id: JobId,
    /// For whom.
    pub behalf: Behalf,
    input: &'d Value,
    pulse: &'d Pulse,
    stopping: &'d AtomicBool,
}

impl Running<'_> {
    /// What was asked for.
    pub fn input<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_value(self.input.clone()).map_err(|error| Problem::internal(&error))
    }
    /// Says how far it is. Call it often: it costs nothing, and it is where work hears that it is to stop.
    ///
    /// # Errors
    /// When somebody asked for it to stop, the service ends or another worker has the work; hand it on.
    pub fn progress(&self, done: u64, total: Option<u64>) -> Result<(), Problem> {
        self.pulse.done.store(i64::try_from(done).unwrap_or(i64::MAX), Ordering::Relaxed);
        self.pulse.total.store(total.map_or(-1, |total| i64::try_from(total).unwrap_or(i64::MAX)), Ordering::Relaxed);
        let stopped = [&self.pulse.cancelled, &self.pulse.lost, self.stopping].iter().any(|flag| flag.load(Ordering::Relaxed));
        if stopped { Err(Problem::new(problems::JOB_STOPPED, "The work was stopped before its end.")) } else { Ok(()) }
    }
    /// Reads on one snapshot, as the one who asked for the work.
    pub fn read<T>(&self, work: impl FnOnce(&mut Rx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        snapshot_for(self.doors, &self.behalf, work)
    }
    /// Works in a transaction of its own, as the one who asked for it. It may happen again when the work is begun again.
    pub fn write<T>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        run_for(self.doors, &self.behalf, work)
    }
}

/// The threads that do the work, until dropped.
pub struct Workers {
    stopping: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Workers {
    pub fn start(doors: &Arc<Doors>, kinds: Vec<Work>, threads: u32) -> std::io::Result<Self> {
        let (stopping, kinds) = (Arc::new(AtomicBool::new(false)), Arc::new(kinds));
        let spawn = |at: u32| {
            let (stopping, kinds, doors) = (Arc::clone(&stopping), Arc::clone(&kinds), Arc::clone(doors));
            std::thread::Builder::new().name(format!("worker {at}")).spawn(move || {
                let mut rung = 0;
                while !stopping.load(Ordering::Relaxed) {
                    match work_once(&doors, &kinds, &stopping) {
                        Ok(true) => {}
                        Ok(false) => rung = listen(rung),
                        Err(problem) => {
                            tracing::warn!(%problem, "cannot look for work");
                            rung = listen(rung);
                        }
                    }
                }
            })
        };
        let threads = (1..=threads).map(spawn).collect::<Result<_, _>>()?;
        Ok(Self { stopping, threads })
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        ring();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Takes one piece of work and does it; false where there is none.
fn work_once(doors: &Doors, kinds: &[Work], stopping: &AtomicBool) -> Result<bool, Problem> {
    let lease = Uuid::now_v7();
    let Some(taken) = run_system(doors, None, "takeJob", |tx| store::take(tx, lease, LEASE))? else { return Ok(false) };
    let behalf: Behalf = serde_json::from_value(taken.behalf.clone()).map_err(|error| Problem::internal(&error))?;
    CHANGED.notify_waiters();
    let pulse = Pulse { total: AtomicI64::new(-1), ..Pulse::default() };
    let done = if taken.attempts > TRIES {
        Err(Problem::new(problems::JOB_GAVE_UP, format!("Begun {TRIES} times without coming to an end.")))
    } else if taken.cancel_requested {
        pulse.cancelled.store(true, Ordering::Relaxed);
        Err(Problem::new(problems::JOB_STOPPED, "The work was stopped before its end."))
    } else {
        run(doors, kinds, stopping, (&taken, lease), &behalf, &pulse)
    };
    let ended = match done {
        Ok(finish) => end(doors, &behalf, (&taken, lease), &pulse, |tx| finish(tx).map(Outcome::Succeeded)),
        Err(problem) => Err(problem),
    };
    if let Err(problem) = ended {
        let outcome = || Ok(outcome_of(&problem, &pulse, stopping, &taken, &behalf));
        if let Err(problem) = end(doors, &behalf, (&taken, lease), &pulse, |_| outcome()) {
            // Its lease runs out, and it is taken again.
            tracing::warn!(job = %taken.id, %problem, "cannot say how work ended");
        }
    }
    CHANGED.notify_waiters();
    Ok(true)
}

/// Does the work while another thread speaks for it.
fn run(doors: &Doors, kinds: &[Work], stopping: &AtomicBool, (taken, lease): (&Taken, Uuid), behalf: &Behalf, pulse: &Pulse) -> Result<Finish, Problem> {
    let work = kinds.iter().find(|work| work.kind == taken.kind).ok_or_else(|| Problem::internal(&format!("nobody knows how to do {}", taken.kind)))?;
    std::thread::scope(|scope| {
        let beats = scope.spawn(|| {
            loop {
                std::thread::park_timeout(BEAT);
                if pulse.over.load(Ordering::Relaxed) {
                    return;
                }
                let (done, total) = pulse.progress();
                match run_system(doors, Some(taken.company_id), "renewJob", |tx| store::renew(tx, taken.id, lease, LEASE, done, total)) {
                    Ok(Some(cancelled)) => pulse.cancelled.store(cancelled, Ordering::Relaxed),
                    Ok(None) => pulse.lost.store(true, Ordering::Relaxed),
                    // The next beat may get through.
                    Err(problem) => tracing::warn!(job = %taken.id, %problem, "cannot renew a lease"),
                }
                CHANGED.notify_waiters();
            }
        });
        let running = Running { doors, id: taken.id, behalf: behalf.clone(), input: &taken.input, pulse, stopping };
        let done = catch_unwind(AssertUnwindSafe(|| (work.run)(&running)));
        pulse.over.store(true, Ordering::Relaxed);
        beats.thread().unpark();
        done.unwrap_or_else(|_| Err(Problem::internal(&format!("the work {} ({}) panicked", taken.id, taken.kind))))
    })
}

/// What is to become of work that did not come to its end.
fn outcome_of(problem: &Problem, pulse: &Pulse, stopping: &AtomicBool, taken: &Taken, behalf: &Behalf) -> Outcome {
    let again = taken.attempts < TRIES && (problem.transient() || problem.is(problem::DEPENDENCY_UNAVAILABLE) || problem.is(problem::BUSY));
    if pulse.cancelled.load(Ordering::Relaxed) && problem.is(problems::JOB_STOPPED) {
        Outcome::Cancelled
    } else if stopping.load(Ordering::Relaxed) && problem.is(problems::JOB_STOPPED) {
        Outcome::Again(0)
    } else if again {
        Outcome::Again(1 << taken.attempts.min(5))
    } else {
        let document = problem.document(&format!("/v1/jobs/{}", taken.id), behalf.request_id());
        Outcome::Failed(serde_json::to_value(document).unwrap_or_default())
    }
}

/// Ends a worker's hold on its work in one transaction, with what the end does for good.
fn end(
    doors: &Doors,
    behalf: &Behalf,
    (taken, lease): (&Taken, Uuid),
    pulse: &Pulse,
    outcome: impl Fn(&mut Tx<'_>) -> Result<Outcome, Problem>,
) -> Result<(), Problem> {
    run_for(doors, behalf, |tx| {
        // Before anything is done for good: what is outside the database could not be taken back.
        if !store::hold(tx, taken.id, lease)? {
            return Err(Problem::new(problems::JOB_STOPPED, "Another worker has the work."));
        }
        let outcome = outcome(tx)?;
        let (done, total) = pulse.progress();
        store::leave(tx, taken.id, lease, &outcome, done, total)?;
        let told = match &outcome {
            Outcome::Succeeded(result) => Some(("job.succeeded", json!({"kind": taken.kind, "status": JobStatus::Succeeded, "result": result}))),
            Outcome::Failed(problem) => Some(("job.failed", json!({"kind": taken.kind, "status": JobStatus::Failed, "problem": problem}))),
            Outcome::Cancelled | Outcome::Again(_) => None,
        };
        if let Some((action, after)) = told {
            let _ = tx.record(Change::new(action, taken.id.uuid()).after(&after), ());
        }
        Ok(())
    })
}

/// Drops work that ended long ago.
pub fn purge(doors: &Doors) -> Result<(), Problem> {
    run_system(doors, None, "purgeJobs", store::purge)
}
