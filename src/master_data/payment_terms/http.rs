//! Payment terms.

use super::types::{AllPaymentTerms, NewPaymentTerms, PaymentTerms};
use super::{service, store};
use crate::platform::http::{Body, Created, Fetched, Reply};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{CompanyManage, ItemsRead};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_payment_terms).service(create_payment_terms);
}

/// List payment terms.
///
/// All of them; the list is short.
#[utoipa::path(tag = "Items", responses((status = 200, body = AllPaymentTerms, description = "All terms.")), extensions(("x-permission" = json!("items:read"))))]
#[get("/v1/payment-terms")]
pub async fn list_payment_terms(caller: Caller<ItemsRead>) -> Reply<Fetched<AllPaymentTerms>> {
    caller.fetch(store::all).await
}

/// Create payment terms.
///
/// Instalments by share of the total. Shares add up to 100; invoices store the resulting amounts,
/// the remainder of rounding on the last.
#[utoipa::path(tag = "Items", request_body = NewPaymentTerms, responses((status = 201, body = PaymentTerms, description = "Created.")), extensions(("x-permission" = json!("company:manage")), ("x-idempotency" = json!("accepted"))))]
#[post("/v1/payment-terms")]
pub async fn create_payment_terms(caller: Caller<CompanyManage>, body: Body<NewPaymentTerms>) -> Reply<Created<PaymentTerms>> {
    caller.create(move |tx| service::create(tx, &body)).await
}
