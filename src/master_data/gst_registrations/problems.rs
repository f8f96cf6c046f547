use crate::refusals;

refusals! {
    DUPLICATE_GSTIN = "duplicate_gstin" 409 "The company already has this GSTIN" ["gst_registration_gstin_key"];
}
