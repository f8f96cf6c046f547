//! Refusals of long work.

crate::refusals! {
    JOB_STOPPED = "job_stopped" 409 "The work was stopped before its end" retryable true;
    JOB_GAVE_UP = "job_gave_up" 500 "The work could not be finished after several tries" retryable true;
}
