use crate::refusals;

refusals! {
    EXCHANGE_RATE_MISSING = "exchange_rate_missing" 422 "No exchange rate of that date is known";
}
