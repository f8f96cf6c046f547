use crate::refusals;

refusals! {
    PERIOD_CLOSED = "period_closed" 409 "The date lies in a period that is not open" ["period_open"];
    OVER_ALLOCATION = "over_allocation" 422 "More is allocated than is open" ["open_item_not_overdrawn", "open_item_base_agrees", "open_item_closed_when_empty"];
    ALREADY_REVERSED = "already_reversed" 409 "It is reversed already" ["allocation_reversed_once", "journal_entry_reversed_once"];
    ALLOCATION_MISFIT = "allocation_misfit" 422 "These items cannot be set against each other" ["allocation_fits"];
    AMOUNT_TOO_SMALL = "amount_too_small" 422 "An amount comes to nothing in base currency";
    IMMUTABLE = "immutable" 409 "What is posted never changes" ["append_only"];
    DUPLICATE_SERIES = "duplicate_series" 409 "Another series of the registration and year has this prefix" ["number_series_prefix_key", "number_series_default"];
    DUPLICATE_NUMBER = "duplicate_number" 409 "Another document has this number" ["invoice_number_key", "receipt_number_key"];
    ACCOUNT_IN_USE = "account_in_use" 409 "The account is in use";
    DUPLICATE_ACCOUNT_CODE = "duplicate_account_code" 409 "Another account has this number" ["gl_account_code_key"];
    DATE_BEFORE_PREVIOUS_NUMBER = "date_before_previous_number" 422 "The date lies before that of the number before";
    SERIES_EXHAUSTED = "series_exhausted" 409 "The number series has no numbers left within 16 characters";
}
