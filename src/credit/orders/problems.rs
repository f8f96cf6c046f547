use crate::refusals;

refusals! {
    CREDIT_LIMIT_EXCEEDED = "credit_limit_exceeded" 422 "The credit limit does not allow it";
    ORDER_OF_ANOTHER_CUSTOMER = "order_of_another_customer" 409 "An order with this id is another customer's" ["credit_check_order"];
}
