//! The credit policy.

use super::service;
use super::types::{CreditPolicy, NewCreditPolicy, PolicyQuery};
use crate::platform::http::{Body, Done, Fetched, Query, Reply};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{CompanyManage, CreditRead};
use actix_web::{get, put};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_credit_policy).service(replace_credit_policy);
}

/// Get the credit policy.
///
/// What counts as exposure, the rules an order is held against, and who releases how much. The one in force on a day,
/// or a version; 0 is the house's own, which holds until the company sets one.
#[utoipa::path(tag = "Credit", params(PolicyQuery), responses((status = 200, body = CreditPolicy, description = "The policy.")), extensions(("x-refuses" = json!([404])), ("x-permission" = json!("credit:read"))))]
#[get("/v1/credit-policy")]
pub async fn get_credit_policy(caller: Caller<CreditRead>, query: Query<PolicyQuery>) -> Reply<Fetched<CreditPolicy>> {
    caller.fetch(move |rx| service::get(rx, &query)).await
}

/// Replace the credit policy.
///
/// Adds a version, in force from `effective_from` (today when left out) on; earlier ones stay, and decisions keep the one
/// they were made by. `If-Match` takes the newest version as `"v0"`, or `*`.
#[utoipa::path(tag = "Credit", request_body = NewCreditPolicy, responses((status = 200, body = CreditPolicy, description = "The new version.")), extensions(("x-permission" = json!("company:manage")), ("x-if-match" = json!(true))))]
#[put("/v1/credit-policy")]
pub async fn replace_credit_policy(caller: Caller<CompanyManage>, body: Body<NewCreditPolicy>) -> Reply<Done<CreditPolicy>> {
    let (version, forget) = (caller.if_match()?, caller.forgetting_facts()?);
    let reply = caller.change(move |tx| service::replace(tx, version, &body)).await;
    forget();
    reply
}
