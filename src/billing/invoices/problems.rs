use crate::refusals;

refusals! {
    DUPLICATE_INVOICE_EXTERNAL_ID = "duplicate_external_id" 409 "Another document of this kind has this external_id" ["invoice_external_id_key"];
    TOTAL_MISMATCH = "total_mismatch" 422 "The total differs from expected_total";
    CREDIT_EXCEEDS_ORIGINAL = "credit_exceeds_original" 422 "More is credited than the invoice came to" ["credit_within_original"];
    CREDIT_NOTE_WINDOW_PASSED = "credit_note_window_passed" 422 "The last day for reducing tax by a credit note has passed";
    EXCHANGE_RATE_MISMATCH = "exchange_rate_mismatch" 422 "A note that changes the tax is at another exchange rate than its invoice";
    EINVOICE_REGISTERED = "einvoice_registered" 409 "The document is registered with the portal" ["einvoice_cancelled_first"];
    NOTE_RATE_MISMATCH = "note_rate_mismatch" 422 "A note bears a rate its invoice does not have";
}
