use crate::refusals;

refusals! {
    OVER_RECOVERY = "over_recovery" 422 "More is recovered than is still written off";
    DUPLICATE_TARGET = "duplicate_target" 422 "A document is named twice" ["write_off_line_target_key", "adjustment_line_item_key"];
    DUPLICATE_WRITE_OFF_EXTERNAL_ID = "duplicate_external_id" 409 "Another write-off has this external_id" ["write_off_external_id_key"];
    CORRECTION_MISFIT = "correction_misfit" 409 "The document does not stand in the books as it says" ["correction_is_posted"];
}
