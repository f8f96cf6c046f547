//! Credit limits.

use super::types::{CreditLimit, LimitFilter, NewCreditLimit};
use super::{service, store};
use crate::platform::http::{Body, Created, Fetched, Path, Query, Reply};
use crate::platform::ids::CustomerId;
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{CreditPropose, CreditRead};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_credit_limits).service(propose_credit_limit);
}

/// List credit limits.
///
/// Proposed, in force, planned and past ones of all customers, newest first.
#[utoipa::path(tag = "Credit", params(Paging, LimitFilter), responses((status = 200, body = Page<CreditLimit>, description = "One page.")), extensions(("x-permission" = json!("credit:read"))))]
#[get("/v1/credit-limits")]
pub async fn list_credit_limits(caller: Caller<CreditRead>, paging: Query<Paging>, filter: Query<LimitFilter>) -> Reply<Fetched<Page<CreditLimit>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Propose a credit limit.
///
/// Always waits for another person, who is not the customer's salesperson (SOD-04); what it adds to the limit in
/// force, with what the same person proposed for the customer in 30 days, chooses how many (SOD-17). Amount left
/// out: no check; 0: cash only. A temporary limit holds on its days, and then the lasting one again.
#[utoipa::path(tag = "Credit", request_body = NewCreditLimit, params(("id" = CustomerId, Path, description = "The customer.")), responses((status = 201, body = CreditLimit, description = "Proposed; approval_id is the request for it.")), extensions(("x-permission" = json!("credit:propose")), ("x-idempotency" = json!("required")), ("x-approval" = json!(true))))]
#[post("/v1/customers/{id}/credit-limit")]
pub async fn propose_credit_limit(caller: Caller<CreditPropose>, id: Path<CustomerId>, body: Body<NewCreditLimit>) -> Reply<Created<CreditLimit>> {
    caller.create(move |tx| service::propose(tx, id.0, &body)).await
}
