use crate::refusals;

refusals! {
    RATE_NOT_IN_FORCE = "rate_not_in_force" 422 "A rate of GST is not in force at the time of supply";
    CESS_NOT_IN_FORCE = "cess_not_in_force" 422 "Compensation cess is no longer levied at the time of supply";
    HSN_INVALID = "hsn_invalid" 422 "An HSN code does not have 4, 6 or 8 digits";
    HSN_TOO_SHORT = "hsn_too_short" 422 "An HSN code has too few digits";
    OPERATOR_INVALID = "operator_invalid" 422 "The registration cannot be that of the e-commerce operator";
    SUPPLY_PLACE_MISMATCH = "supply_place_mismatch" 422 "The case of the place of supply is one of goods, and services are supplied, or the other way round";
    NUMBER_TOO_LONG = "number_too_long" 422 "A document's number has more than 16 characters";
}
