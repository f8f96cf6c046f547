//! Admission: as many requests at the database as it has connections, a short wait, then 503.

use crate::platform::http::problem::{self, Problem};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bounded queue in front of the connection pool.
#[derive(Clone)]
pub struct Gate {
    slots: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    longest_queue: usize,
}

const LONGEST_WAIT: Duration = Duration::from_secs(5);

impl Gate {
    #[must_use]
    pub fn new(slots: usize, longest_queue: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(slots)), waiting: Arc::new(AtomicUsize::new(0)), longest_queue }
    }

    /// Waits for a slot. The queue is bounded in length and in time, so a crowd is told to come back
    /// instead of piling up.
    pub async fn enter(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let full = || Problem::new(problem::OVERLOADED, "The service is at its limit; try again.").retry_after(1);
        if let Ok(permit) = Arc::clone(&self.slots).try_acquire_owned() {
            return Ok(permit);
        }
        // Counted down however the wait ends, also when the client goes away and the future is dropped.
        let place = Place::take(&self.waiting);
        if place.ahead >= self.longest_queue {
            metrics::counter!("duebook_requests_shed_total").increment(1);
            return Err(full());
        }
        let permit = tokio::time::timeout(LONGEST_WAIT, Arc::clone(&self.slots).acquire_owned()).await;
        drop(place);
        if let Ok(Ok(permit)) = permit {
            Ok(permit)
        } else {
            metrics::counter!("duebook_requests_shed_total").increment(1);
            Err(full())
        }
    }
}

/// A place in the queue.
struct Place {
    waiting: Arc<AtomicUsize>,
    ahead: usize,
}
impl Place {
    fn take(waiting: &Arc<AtomicUsize>) -> Self {
        Self { ahead: waiting.fetch_add(1, Ordering::Relaxed), waiting: Arc::clone(waiting) }
    }
}
impl Drop for Place {
    fn drop(&mut self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
