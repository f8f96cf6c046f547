use crate::refusals;

refusals! {
    EXCHANGE_RATE_IMPLAUSIBLE = "exchange_rate_implausible" 422 "An exchange rate lies far from what is known";
    EXCHANGE_RATE_MISSING = "exchange_rate_missing" 422 "No exchange rate of that date is known";
}
