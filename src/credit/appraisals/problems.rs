use crate::refusals;

refusals! {
    APPRAISAL_OPEN = "appraisal_open" 409 "The customer is being appraised already" ["credit_appraisal_open_once"];
    DUPLICATE_APPRAISAL_EXTERNAL_ID = "duplicate_external_id" 409 "Another appraisal has this external_id" ["credit_appraisal_external_id_key"];
}
