use crate::refusals;

refusals! {
    CUSTOMER_MISMATCH = "customer_mismatch" 422 "The document belongs to another customer";
}
