use crate::refusals;

refusals! {
    DUPLICATE_ITEM = "duplicate_item_code" 409 "Another item has this code" ["item_code_key"];
    DUPLICATE_ITEM_EXTERNAL_ID = "duplicate_external_id" 409 "Another item has this external_id" ["item_external_id_key"];
}
