//! What is set by hand.

use super::service;
use super::types::CreditPatch;
use crate::credit::exposure::types::CustomerCredit;
use crate::platform::http::{Body, Done, Path, Reply};
use crate::platform::ids::CustomerId;
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::CreditPropose;
use actix_web::patch;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(update_customer_credit);
}

/// Change the credit of a customer.
///
/// Class, watch, the next review, whether all orders wait. A class set here stays until it is cleared; the limit is proposed
/// apart. The customer's salesperson neither lets all orders go nor sets the class (SOD-04). `If-Match` takes the version of `GET`, `"v0"` where nothing was set yet.
#[utoipa::path(tag = "Credit", request_body = CreditPatch, params(("id" = CustomerId, Path, description = "The customer.")), responses((status = 200, body = CustomerCredit, description = "Changed.")), extensions(("x-permission" = json!("credit:propose")), ("x-if-match" = json!(true))))]
#[patch("/v1/customers/{id}/credit")]
pub async fn update_customer_credit(caller: Caller<CreditPropose>, id: Path<CustomerId>, body: Body<CreditPatch>) -> Reply<Done<CustomerCredit>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::change(tx, id.0, version, &body)).await
}
