use crate::refusals;

refusals! {
    DUPLICATE_CUSTOMER_CODE = "duplicate_customer_code" 409 "Another customer has this code" ["customer_code_key"];
    DUPLICATE_CUSTOMER_EXTERNAL_ID = "duplicate_external_id" 409 "Another customer has this external_id" ["customer_external_id_key"];
    CUSTOMER_INACTIVE = "customer_inactive" 422 "The customer is not active";
}
