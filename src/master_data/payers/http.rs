//! Who pays for a customer.

use super::service;
use super::types::{EndPayer, NewPayer, Payer, Payers};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Reply};
use crate::platform::ids::{CustomerId, PayerLinkId};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{CustomersRead, CustomersWrite};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_payers).service(add_payer).service(end_payer);
}

/// List who pays for a customer.
///
/// Present, past and future payers with the days they pay.
#[utoipa::path(tag = "Customers", params(("id" = CustomerId, Path, description = "The customer.")), responses((status = 200, body = Payers, description = "All payers.")), extensions(("x-permission" = json!("customers:read"))))]
#[get("/v1/customers/{id}/payers")]
pub async fn list_payers(caller: Caller<CustomersRead>, id: Path<CustomerId>) -> Reply<Fetched<Payers>> {
    caller.fetch(move |rx| service::list(rx, id.0)).await
}

/// Let another customer pay for this one.
///
/// From then on receipts of the payer may be allocated to this customer's documents. The same payer is
/// added once for a day (409 names the relation that holds).
#[utoipa::path(tag = "Customers", request_body = NewPayer, params(("id" = CustomerId, Path, description = "The customer.")), responses((status = 201, body = Payer, description = "Added.")), extensions(("x-permission" = json!("customers:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/customers/{id}/payers")]
pub async fn add_payer(caller: Caller<CustomersWrite>, id: Path<CustomerId>, body: Body<NewPayer>) -> Reply<Created<Payer>> {
    caller.create(move |tx| service::add(tx, id.0, &body)).await
}

/// End a payer.
///
/// What was allocated before stays. An end may be moved to an earlier day, never to a later one.
#[utoipa::path(tag = "Customers", request_body = EndPayer, params(("id" = CustomerId, Path, description = "The customer."), ("payer_link_id" = PayerLinkId, Path, description = "The relation.")), responses((status = 200, body = Payer, description = "Ended.")), extensions(("x-permission" = json!("customers:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/customers/{id}/payers/{payer_link_id}/end")]
pub async fn end_payer(caller: Caller<CustomersWrite>, path: Path<(CustomerId, PayerLinkId)>, body: Body<EndPayer>) -> Reply<Done<Payer>> {
    let (customer, link) = path.0;
    caller.change(move |tx| service::end(tx, customer, link, &body)).await
}
