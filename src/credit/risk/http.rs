//! Scores, classes and the scorecard.

use super::types::{CreditScore, CreditScoreRun, CreditScorecard, RunScores, ScoreDay, ScoreFilter, Scorecard};
use super::{service, store};
use crate::credit::daily;
use crate::platform::http::{Body, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::CustomerId;
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{CompanyManage, CreditPropose, CreditRead};
use actix_web::{get, post, put};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(get_credit_scorecard)
        .service(change_credit_scorecard)
        .service(run_credit_scores)
        .service(list_credit_scores)
        .service(get_customer_credit_score);
}

/// Get the scorecard.
///
/// Which inputs are weighed how much, which points make which class, and what the weights rest on.
#[utoipa::path(tag = "Credit", responses((status = 200, body = CreditScorecard, description = "The scorecard that holds.")), extensions(("x-permission" = json!("credit:read"))))]
#[get("/v1/credit-scorecard")]
pub async fn get_credit_scorecard(caller: Caller<CreditRead>) -> Reply<Fetched<CreditScorecard>> {
    caller.fetch(|rx| service::scorecard(rx).map(CreditScorecard::from)).await
}

/// Change the scorecard.
///
/// Adds a version for scores from now on; kept scores say which version made them. Weights add up to 100 and bands ascend,
/// else 422 names each fault.
#[utoipa::path(tag = "Credit", request_body = Scorecard, responses((status = 200, body = CreditScorecard, description = "Changed.")), extensions(("x-permission" = json!("company:manage")), ("x-if-match" = json!("accepted"))))]
#[put("/v1/credit-scorecard")]
pub async fn change_credit_scorecard(caller: Caller<CompanyManage>, body: Body<Scorecard>) -> Reply<Done<CreditScorecard>> {
    let version = caller.if_match_sent()?;
    caller.change(move |tx| service::change_scorecard(tx, version, &body)).await
}

/// Score customers.
///
/// At the end of a day, past ones from what stands in the books of them. A class gets worse at once, and better after
/// the cycles of the scorecard; a class set by a person stays. Runs by itself every day; a run of today also opens the
/// reviews that are due. What did not change is not kept again.
#[utoipa::path(tag = "Credit", request_body = RunScores, responses((status = 200, body = CreditScoreRun, description = "What came of it.")), extensions(("x-permission" = json!("credit:propose")), ("x-idempotency" = json!("required"))))]
#[post("/v1/credit-scores/run")]
pub async fn run_credit_scores(caller: Caller<CreditPropose>, body: Body<RunScores>) -> Reply<Done<CreditScoreRun>> {
    caller.change(move |tx| daily::run(tx, &body)).await
}

/// List scores.
///
/// As they were kept; with `newest=true` the one that holds of each customer.
#[utoipa::path(tag = "Credit", params(Paging, ScoreFilter), responses((status = 200, body = Page<CreditScore>, description = "One page.")), extensions(("x-permission" = json!("credit:read"))))]
#[get("/v1/credit-scores")]
pub async fn list_credit_scores(caller: Caller<CreditRead>, paging: Query<Paging>, filter: Query<ScoreFilter>) -> Reply<Fetched<Page<CreditScore>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Get the score of a customer.
///
/// Computed for this reply, as of a day: every input with its value, its points and what it adds or costs. What has no data
/// says so (`value` null), and its weight is spread over the rest.
#[utoipa::path(tag = "Credit", params(("id" = CustomerId, Path, description = "The customer."), ScoreDay), responses((status = 200, body = CreditScore, description = "The score.")), extensions(("x-permission" = json!("credit:read"))))]
#[get("/v1/customers/{id}/credit-score")]
pub async fn get_customer_credit_score(caller: Caller<CreditRead>, id: Path<CustomerId>, day: Query<ScoreDay>) -> Reply<Fetched<CreditScore>> {
    caller.fetch(move |rx| service::of_customer(rx, id.0, day.as_of)).await
}
