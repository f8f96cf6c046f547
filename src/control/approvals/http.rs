//! Approvals.

use super::service;
use super::types::{Approval, ApprovalFilter, ApprovalPolicies, Approve, NewBands, Reject};
use crate::platform::http::{Body, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::ApprovalId;
use crate::platform::page::{Made, Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{Anyone, ApprovalsDecide, ApprovalsRead, CompanyManage};
use actix_web::{get, post, put};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_approvals)
        .service(get_approval)
        .service(approve_request)
        .service(reject_request)
        .service(withdraw_request)
        .service(list_approval_policies)
        .service(replace_approval_policy);
}

/// List approvals.
///
/// One inbox for every kind of act, newest first. `mine=to_decide` are those the caller may decide.
/// Acts within the zero band, which needed nobody, are listed as approved.
#[utoipa::path(tag = "Approvals", params(Paging, Made, ApprovalFilter), responses((status = 200, body = Page<Approval>, description = "One page.")), extensions(("x-permission" = json!("approvals:read"))))]
#[get("/v1/approvals")]
pub async fn list_approvals(caller: Caller<ApprovalsRead>, paging: Query<Paging>, filter: Query<ApprovalFilter>) -> Reply<Fetched<Page<Approval>>> {
    caller.fetch(move |rx| service::list(rx, &paging, &filter)).await
}

/// Get an approval.
///
/// With the subject before and after, the rolling sum that chose the band, and the decisions so far.
#[utoipa::path(tag = "Approvals", params(("id" = ApprovalId, Path, description = "The approval.")), responses((status = 200, body = Approval, description = "The approval.")), extensions(("x-permission" = json!("approvals:read"))))]
#[get("/v1/approvals/{id}")]
pub async fn get_approval(caller: Caller<ApprovalsRead>, id: Path<ApprovalId>) -> Reply<Fetched<Approval>> {
    caller.fetch(move |rx| service::get(rx, id.0)).await
}

/// Approve.
///
/// One decision of those the band asks for; the last one does the act in the same transaction. Needs the
/// kind's own right (`required_permission` names it), never the requester or a maker of the subject
/// (SOD-01), and the version seen: 412 or `approval_stale` when anything changed since.
#[utoipa::path(tag = "Approvals", request_body = Approve, params(("id" = ApprovalId, Path, description = "The approval.")), responses((status = 200, body = Approval, description = "Decided.")), extensions(("x-permission" = json!("approvals:decide")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/approvals/{id}/approve")]
pub async fn approve_request(caller: Caller<ApprovalsDecide>, id: Path<ApprovalId>, body: Body<Approve>) -> Reply<Done<Approval>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::approve(tx, id.0, version, body.reason.as_deref())).await
}

/// Reject.
///
/// The subject goes back to where it was. Who asked does not reject but withdraws.
#[utoipa::path(tag = "Approvals", request_body = Reject, params(("id" = ApprovalId, Path, description = "The approval.")), responses((status = 200, body = Approval, description = "Rejected.")), extensions(("x-permission" = json!("approvals:decide")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/approvals/{id}/reject")]
pub async fn reject_request(caller: Caller<ApprovalsDecide>, id: Path<ApprovalId>, body: Body<Reject>) -> Reply<Done<Approval>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::reject(tx, id.0, version, &body.reason)).await
}

/// Withdraw one's own request.
///
/// The subject goes back to where it was.
#[utoipa::path(tag = "Approvals", request_body = Reject, params(("id" = ApprovalId, Path, description = "The approval.")), responses((status = 200, body = Approval, description = "Withdrawn.")), extensions(("x-refuses" = json!([403])), ("x-permission" = json!("any")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/approvals/{id}/withdraw")]
pub async fn withdraw_request(caller: Caller<Anyone>, id: Path<ApprovalId>, body: Body<Reject>) -> Reply<Done<Approval>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::withdraw(tx, id.0, version, &body.reason)).await
}

/// List approval policies.
///
/// For every kind of act the bands of rolling 30-day sums and how many persons each needs.
#[utoipa::path(tag = "Approvals", responses((status = 200, body = ApprovalPolicies, description = "All policies.")), extensions(("x-permission" = json!("approvals:read"))))]
#[get("/v1/approval-policies")]
pub async fn list_approval_policies(caller: Caller<ApprovalsRead>) -> Reply<Fetched<ApprovalPolicies>> {
    caller.fetch(service::policies).await
}

/// Replace the bands of a kind.
///
/// Itself under approval: answers the request, and the bands hold when a second person approved it.
/// `If-Match` takes the policy's version as `"v0"`, or `*`.
#[utoipa::path(tag = "Approvals", request_body = NewBands, params(("kind" = String, Path, max_length = 40, description = "The kind of act.", example = "write_offs")), responses((status = 200, body = Approval, description = "Asked for.")), extensions(("x-permission" = json!("company:manage")), ("x-if-match" = json!(true))))]
#[put("/v1/approval-policies/{kind}")]
pub async fn replace_approval_policy(caller: Caller<CompanyManage>, kind: Path<String>, body: Body<NewBands>) -> Reply<Done<Approval>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::ask_for_policy(tx, &kind.0, version, &body)).await
}
