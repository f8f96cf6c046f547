use crate::refusals;

refusals! {
    CLOSE_BLOCKED = "close_blocked" 409 "The month cannot be closed for good yet";
}
