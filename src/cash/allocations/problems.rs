use crate::refusals;

refusals! {
    CUSTOMER_MISMATCH = "customer_mismatch" 422 "The document belongs to another customer";
    PART_OF_A_DOCUMENT = "part_of_a_document" 409 "The allocation goes with its document";
}
