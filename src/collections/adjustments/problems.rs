use crate::refusals;

refusals! {
    CAP_EXCEEDED = "cap_exceeded" 422 "A run would clear more than its caps allow";
}
