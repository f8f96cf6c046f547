//! Background work: named steps run again and again, each in a thread and in transactions of its own; and long work that
//! callers asked for, in a queue (`work`). Owns `job`.

pub mod http;
pub mod problems;
pub mod store;
pub mod types;
pub mod work;

use crate::platform::http::Problem;
use crate::platform::unit_of_work::Doors;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a job does: safe to run at any time and as often as one likes.
pub type Step = Box<dyn Fn(&Doors) -> Result<(), Problem> + Send>;

/// A named step and how often it runs.
pub struct Job {
    pub name: &'static str,
    pub every: Duration,
    pub run: Step,
}

/// The threads that run the jobs, one each, until dropped: a long one holds no other up.
pub struct Runner {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Runner {
    pub fn start(doors: &Arc<Doors>, jobs: Vec<Job>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let spawn = |job: Job| {
            let (stopped, doors) = (Arc::clone(&stop), Arc::clone(doors));
            std::thread::Builder::new().name(job.name.into()).spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    if let Err(problem) = (job.run)(&doors) {
                        tracing::warn!(job = job.name, %problem, "job failed; it will run again");
                    }
                    let due = Instant::now() + job.every;
                    while Instant::now() < due && !stopped.load(Ordering::Relaxed) {
                        std::thread::park_timeout(due.saturating_duration_since(Instant::now()));
                    }
                }
            })
        };
        let threads = jobs.into_iter().map(spawn).collect::<Result<_, _>>()?;
        Ok(Self { stop, threads })
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
