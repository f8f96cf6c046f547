//! Background work: named steps run again and again in one thread, each in its own transactions.

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

/// The thread that runs the jobs until dropped.
pub struct Runner {
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Runner {
    pub fn start(doors: Arc<Doors>, jobs: Vec<Job>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("jobs".into()).spawn(move || {
            let mut due: Vec<(Instant, Job)> = jobs.into_iter().map(|job| (Instant::now(), job)).collect();
            while !stopped.load(Ordering::Relaxed) {
                for (at, job) in due.iter_mut().filter(|(at, _)| *at <= Instant::now()) {
                    if let Err(problem) = (job.run)(&doors) {
                        tracing::warn!(job = job.name, %problem, "job failed; it will run again");
                    }
                    *at = Instant::now() + job.every;
                }
                std::thread::park_timeout(Duration::from_millis(100));
            }
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}
