use crate::refusals;

refusals! {
    REFUND_EXCEEDS_CREDIT = "refund_exceeds_credit" 422 "More is refunded than is open and not promised to another refund";
    DUPLICATE_REFUND_EXTERNAL_ID = "duplicate_external_id" 409 "Another refund has this external_id" ["refund_external_id_key"];
    DUPLICATE_PAYMENT = "duplicate_payment" 409 "Another refund was paid with this bank reference" ["refund_utr_once"];
}
