use crate::refusals;

refusals! {
    JOURNAL_UNBALANCED = "journal_unbalanced" 422 "Debits and credits of the journal differ";
    CONTROL_ACCOUNT = "control_account" 422 "A control account takes journals by hand only when asked for";
    DUPLICATE_JOURNAL_EXTERNAL_ID = "duplicate_external_id" 409 "Another journal has this external_id" ["manual_journal_external_id_key"];
}
