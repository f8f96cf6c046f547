use crate::refusals;

refusals! {
    RETURN_LOCKED = "return_locked" 409 "The return of this period is filed and locked" ["gst_return_locked_once"];
    PERIOD_RUNNING = "period_running" 409 "The period is not over";
}
