use crate::refusals;

refusals! {
    DUPLICATE_ADJUSTMENT_EXTERNAL_ID = "duplicate_external_id" 409 "Another adjustment has this external_id" ["adjustment_external_id_key"];
    CAP_EXCEEDED = "cap_exceeded" 422 "A run would clear more than its caps allow";
}
