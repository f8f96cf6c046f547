use crate::refusals;

refusals! {
    DUPLICATE_TERMS = "duplicate_terms_code" 409 "Other terms have this code" ["payment_terms_code_key"];
}
