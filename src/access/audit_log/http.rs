//! Reading and verifying the audit log.

use super::types::{AuditEntry, AuditFilter, Verified, Verify};
use super::{service, store};
use crate::access::tokens::keys::Keys;
use crate::platform::http::{Body, Fetched, Query, Reply};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::AuditRead;
use actix_web::web::Data;
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_audit_entries).service(verify_audit);
}

/// List audit entries.
///
/// Who did what when, with before, after and reason; in the order of the sealed log.
#[utoipa::path(tag = "Audit", params(Paging, AuditFilter), responses((status = 200, body = Page<AuditEntry>, description = "One page.")), extensions(("x-permission" = json!("audit:read"))))]
#[get("/v1/audit/entries")]
pub async fn list_audit_entries(caller: Caller<AuditRead>, paging: Query<Paging>, filter: Query<AuditFilter>) -> Reply<Fetched<Page<AuditEntry>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Verify the audit log.
///
/// Seals what is waiting, recomputes every leaf and the tree's root (RFC 6962) and compares them
/// with the signed head. On damage `verified` is false and `first_bad_seq` names the first entry.
#[utoipa::path(tag = "Audit", request_body = Verify, responses((status = 200, body = Verified, description = "The finding.")), extensions(("x-permission" = json!("audit:read"))))]
#[post("/v1/audit/verify")]
pub async fn verify_audit(caller: Caller<AuditRead>, keys: Data<Keys>, _body: Body<Verify>) -> Reply<Fetched<Verified>> {
    let company = caller.principal()?.company;
    let sealing = keys.clone();
    caller.behind_the_scenes(move |doors| service::seal_company(doors, &sealing, company)).await?;
    caller.fetch(move |rx| service::verify(rx, &keys)).await
}
