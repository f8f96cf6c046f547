use crate::refusals;

refusals! {
    DUPLICATE_OPENING_EXTERNAL_ID = "duplicate_external_id" 409 "Another opening item has this external_id" ["opening_item_external_id_key"];
    DUPLICATE_OPENING_NUMBER = "duplicate_number" 409 "Another opening item has this number" ["opening_item_number_key"];
    EXCHANGE_RATE_REQUIRED = "exchange_rate_missing" 422 "No exchange rate of the currency is known for the date";
}
