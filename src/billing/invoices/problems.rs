use crate::refusals;

refusals! {
    DUPLICATE_INVOICE_EXTERNAL_ID = "duplicate_external_id" 409 "Another invoice has this external_id" ["invoice_external_id_key"];
    TOTAL_MISMATCH = "total_mismatch" 422 "The total differs from expected_total";
}
