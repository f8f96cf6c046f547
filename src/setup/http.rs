//! New companies, and what the service says of itself.

use super::company::{self, NewCompany};
use super::meta::{self, Checks, Health, Meta, Readiness};
use crate::master_data::companies::types::Company;
use crate::platform::http::contract::Contract;
use crate::platform::http::{Body, Created, Fetched, Problem, Reply};
use crate::platform::postgres::sql::Sql;
use crate::platform::unit_of_work::permissions::{Anyone, OpsManage, OpsRead};
use crate::platform::unit_of_work::{Caller, Public};
use actix_web::web::Data;
use actix_web::{HttpResponse, get, post};
use metrics_exporter_prometheus::PrometheusHandle;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(create_company)
        .service(get_meta)
        .service(super::tax_rates::list_tax_rates)
        .service(get_health)
        .service(get_readiness)
        .service(get_metrics)
        .service(get_contract);
}

/// Create a company.
///
/// A further company of this service, ready to post: registration, chart of accounts, periods from
/// 2010-01, number series, terms, a bank account. People named must have an account already; log in
/// again with `company_id` to work in it.
#[utoipa::path(tag = "Company", request_body = NewCompany, responses((status = 201, body = Company, description = "Created.")), extensions(("x-permission" = json!("ops:manage")), ("x-idempotency" = json!("required"))))]
#[post("/v1/companies")]
pub async fn create_company(caller: Caller<OpsManage>, body: Body<NewCompany>) -> Reply<Created<Company>> {
    caller.create(move |tx| company::create(tx, &body)).await
}

/// Describe the service.
///
/// Version, limits, every problem code, permissions and code lists.
#[utoipa::path(tag = "System", responses((status = 200, body = Meta, description = "The description.")), extensions(("x-permission" = json!("any"))))]
#[get("/v1/meta")]
pub async fn get_meta(_caller: Caller<Anyone>) -> Reply<Fetched<Meta>> {
    Fetched::ok(&meta::describe())
}

/// Tell whether the process lives.
///
/// Touches nothing else.
#[utoipa::path(tag = "System", responses((status = 200, body = Health, description = "It lives.")), extensions(("x-permission" = json!("public"))))]
#[get("/healthz")]
pub async fn get_health(_public: Public) -> HttpResponse {
    HttpResponse::Ok().json(Health { status: "ok" })
}

/// Tell whether requests can be served.
///
/// Asks the database; 503 names what fails.
#[utoipa::path(tag = "System", responses((status = 200, body = Readiness, description = "It serves.")), extensions(("x-permission" = json!("public"))))]
#[get("/readyz")]
pub async fn get_readiness(public: Public) -> Result<HttpResponse, Problem> {
    public.write(|tx| tx.scalar::<i32>(Sql::new("SELECT 1"))).await?;
    Ok(HttpResponse::Ok().json(Readiness { status: "ready", checks: Checks { database: "ok" } }))
}

/// Read metrics.
///
/// Prometheus text: requests by operation and status, retries, shed requests, deadlocks.
#[utoipa::path(tag = "System", responses((status = 200, body = String, content_type = "text/plain", description = "Metrics.", example = json!("duebook_requests_shed_total 0"))), extensions(("x-permission" = json!("ops:read"))))]
#[get("/metrics")]
pub async fn get_metrics(_caller: Caller<OpsRead>, metrics: Data<PrometheusHandle>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(metrics.render())
}

/// Get the contract.
///
/// The `OpenAPI` document this process enforces, byte for byte the committed one.
#[utoipa::path(tag = "System", responses((status = 200, body = serde_json::Value, description = "The contract.", example = json!({"openapi": "3.1.0"}))), extensions(("x-permission" = json!("public"))))]
#[get("/openapi.json")]
pub async fn get_contract(_public: Public) -> Result<HttpResponse, Problem> {
    let contract = Contract::get().ok_or_else(|| Problem::internal(&"no contract"))?;
    Ok(HttpResponse::Ok().content_type("application/json").body(contract.json.clone()))
}
