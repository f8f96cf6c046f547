use crate::refusals;

refusals! {
    CREDIT_LIMIT_EXCEEDED = "credit_limit_exceeded" 422 "The credit limit does not allow it";
    ORDER_OF_ANOTHER_CUSTOMER = "order_of_another_customer" 409 "An order with this id is another customer's";
    CREDIT_CHECK_STANDS = "credit_check_stands" 409 "A check of this order was made at the same time" ["credit_check_order"];
}
