//! The company of the token.

use super::types::{Company, CompanyPatch};
use super::{service, store};
use crate::platform::http::{Body, Done, Fetched, Reply};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{CompanyManage, CompanyRead};
use actix_web::{get, patch};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_company).service(update_company);
}

/// Get the company.
///
/// Profile and settings of the company the token was issued for.
#[utoipa::path(tag = "Company", responses((status = 200, body = Company, description = "The company.")), extensions(("x-permission" = json!("company:read"))))]
#[get("/v1/company")]
pub async fn get_company(caller: Caller<CompanyRead>) -> Reply<Fetched<Company>> {
    caller.fetch(|rx| store::get(rx, false)).await
}

/// Change the company.
///
/// Name and settings; what stands on issued documents stays. Settings hold from the next request on,
/// on other replicas within two seconds.
#[utoipa::path(tag = "Company", request_body = CompanyPatch, responses((status = 200, body = Company, description = "Changed.")), extensions(("x-permission" = json!("company:manage")), ("x-if-match" = json!(true))))]
#[patch("/v1/company")]
pub async fn update_company(caller: Caller<CompanyManage>, body: Body<CompanyPatch>) -> Reply<Done<Company>> {
    let version = caller.if_match()?;
    let forget = caller.forgetting_facts()?;
    let done = caller.change(move |tx| service::update(tx, version, &body)).await;
    forget();
    done
}
