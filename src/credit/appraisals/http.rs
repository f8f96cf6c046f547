//! Appraisals.

use super::types::{AppraisalFilter, AppraisalPatch, CreditAppraisal, NewAppraisal, SubmitAppraisal};
use super::{service, store};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::CreditAppraisalId;
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{CreditPropose, CreditRead};
use actix_web::{get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_credit_appraisals)
        .service(create_credit_appraisal)
        .service(get_credit_appraisal)
        .service(update_credit_appraisal)
        .service(submit_credit_appraisal);
}

/// List appraisals.
///
/// New customers and reviews, newest first; `due_before` finds what is undecided and due by then.
#[utoipa::path(tag = "Credit", params(Paging, AppraisalFilter), responses((status = 200, body = Page<CreditAppraisal>, description = "One page.")), extensions(("x-permission" = json!("credit:read"))))]
#[get("/v1/credit-appraisals")]
pub async fn list_credit_appraisals(
    caller: Caller<CreditRead>,
    paging: Query<Paging>,
    filter: Query<AppraisalFilter>,
) -> Reply<Fetched<Page<CreditAppraisal>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Begin an appraisal.
///
/// Of a new customer or as a review. Judged at once as far as the papers go: score with its explanation, class, and what the
/// limit may be by each rule, with formula and figures. A customer has one undecided appraisal at a time.
#[utoipa::path(tag = "Credit", request_body = NewAppraisal, responses((status = 201, body = CreditAppraisal, description = "A draft.")), extensions(("x-permission" = json!("credit:propose")), ("x-idempotency" = json!("required")), ("x-conflicts" = json!(true))))]
#[post("/v1/credit-appraisals")]
pub async fn create_credit_appraisal(caller: Caller<CreditPropose>, body: Body<NewAppraisal>) -> Reply<Created<CreditAppraisal>> {
    caller.create(move |tx| service::create(tx, &body)).await
}

/// Get an appraisal.
///
/// With the score of every input and the suggested limit.
#[utoipa::path(tag = "Credit", params(("id" = CreditAppraisalId, Path, description = "The appraisal.")), responses((status = 200, body = CreditAppraisal, description = "The appraisal.")), extensions(("x-permission" = json!("credit:read"))))]
#[get("/v1/credit-appraisals/{id}")]
pub async fn get_credit_appraisal(caller: Caller<CreditRead>, id: Path<CreditAppraisalId>) -> Reply<Fetched<CreditAppraisal>> {
    caller.fetch(move |rx| store::get(rx, id.0)).await
}

/// Change a draft appraisal.
///
/// Merge patch: absent stays, null clears, lists are replaced whole. It is judged anew.
#[utoipa::path(tag = "Credit", request_body = AppraisalPatch, params(("id" = CreditAppraisalId, Path, description = "The appraisal.")), responses((status = 200, body = CreditAppraisal, description = "Changed.")), extensions(("x-permission" = json!("credit:propose")), ("x-if-match" = json!(true)), ("x-conflicts" = json!(true))))]
#[patch("/v1/credit-appraisals/{id}")]
pub async fn update_credit_appraisal(caller: Caller<CreditPropose>, id: Path<CreditAppraisalId>, body: Body<AppraisalPatch>) -> Reply<Done<CreditAppraisal>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::update(tx, id.0, version, &body)).await
}

/// Submit an appraisal.
///
/// Judged anew and sent to another person, who is not the customer's salesperson (SOD-04). The approval sets the limit with
/// its cover, the class, the terms and the day of the next review; a rejection makes it a draft again.
#[utoipa::path(tag = "Credit", request_body = SubmitAppraisal, params(("id" = CreditAppraisalId, Path, description = "The appraisal.")), responses((status = 200, body = CreditAppraisal, description = "It waits for approval.")), extensions(("x-permission" = json!("credit:propose")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true)), ("x-approval" = json!(true))))]
#[post("/v1/credit-appraisals/{id}/submit")]
pub async fn submit_credit_appraisal(caller: Caller<CreditPropose>, id: Path<CreditAppraisalId>, body: Body<SubmitAppraisal>) -> Reply<Done<CreditAppraisal>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::submit(tx, id.0, version, &body)).await
}
