use crate::refusals;

refusals! {
    PAYER_OVERLAPS = "payer_overlaps" 409 "This customer pays for the other on some of these days already" ["customer_payer_overlaps"];
}
