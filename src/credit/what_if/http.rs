//! What-if.

use super::service;
use super::types::{WhatIf, WhatIfRequest};
use crate::platform::http::{Body, Fetched, Reply};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::CreditRead;
use actix_web::post;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(try_credit_policy);
}

/// Try a credit policy on the past.
///
/// Every invoice of the span is judged by the policy as an order of its date, with exposure and facts as of that day; nothing
/// is stored. Tells what would have been held, what of it was paid late, is overdue or was written off (saved), and what was
/// paid in time (cost), by rule and order by order.
#[utoipa::path(tag = "Credit", request_body = WhatIfRequest, responses((status = 200, body = WhatIf, description = "What the policy would have done.")), extensions(("x-permission" = json!("credit:read"))))]
#[post("/v1/credit-policy/what-if")]
pub async fn try_credit_policy(caller: Caller<CreditRead>, body: Body<WhatIfRequest>) -> Reply<Fetched<WhatIf>> {
    caller.fetch(move |rx| service::what_if(rx, &body)).await
}
