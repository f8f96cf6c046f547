use crate::refusals;

refusals! {
    DUPLICATE_RECEIPT_EXTERNAL_ID = "duplicate_external_id" 409 "Another receipt has this external_id" ["receipt_external_id_key"];
    DUPLICATE_RECEIPT = "duplicate_receipt" 409 "The payment is recorded already" ["receipt_utr_once"];
}
