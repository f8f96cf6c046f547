//! Credit of a customer.

use super::service;
use super::types::{CreditQuery, CustomerCredit};
use crate::platform::http::{Fetched, Path, Query, Reply};
use crate::platform::ids::CustomerId;
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::CreditRead;
use actix_web::get;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_customer_credit);
}

/// Get the credit of a customer.
///
/// Limit, exposure with every component told and explained, what is left, the group, overdue, risk, holds and the
/// next review. Now from kept balances; with `as_of` or `known_at` recomputed from the rows, with the group of that day;
/// score, class, flags, open holds and review are always those of now. In base currency; what is in another currency,
/// limits too, counts at the newest rate known on the day.
#[utoipa::path(tag = "Credit", params(("id" = CustomerId, Path, description = "The customer."), CreditQuery), responses((status = 200, body = CustomerCredit, description = "Where the customer stands.")), extensions(("x-permission" = json!("credit:read"))))]
#[get("/v1/customers/{id}/credit")]
pub async fn get_customer_credit(caller: Caller<CreditRead>, id: Path<CustomerId>, query: Query<CreditQuery>) -> Reply<Fetched<CustomerCredit>> {
    caller.fetch(move |rx| service::get(rx, id.0, &query)).await
}
