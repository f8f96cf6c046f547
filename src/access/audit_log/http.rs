//! Reading and verifying the audit log.

use super::service::{self, Sealer};
use super::store;
use super::types::{AuditEntry, AuditFilter, Checkpoint, ConsistencyQuery, InclusionQuery, SealedEntry, Verified, Verify};
use crate::platform::http::{Body, Fetched, Path, Query, Reply};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::AuditRead;
use actix_web::web::Data;
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_audit_entries).service(get_audit_entry).service(verify_audit).service(list_checkpoints).service(get_checkpoint);
}

/// List audit entries.
///
/// Who did what when, with before, after and reason; in the order of the sealed log.
#[utoipa::path(tag = "Audit", params(Paging, AuditFilter), responses((status = 200, body = Page<AuditEntry>, description = "One page.")), extensions(("x-permission" = json!("audit:read"))))]
#[get("/v1/audit/entries")]
pub async fn list_audit_entries(caller: Caller<AuditRead>, paging: Query<Paging>, filter: Query<AuditFilter>) -> Reply<Fetched<Page<AuditEntry>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Get a sealed audit entry.
///
/// With what was hashed, and the proof that the tree of a checkpoint holds it (RFC 6962).
#[utoipa::path(tag = "Audit", params(("seq" = i64, Path, description = "Its place in the sealed log.", minimum = 1, example = 1), InclusionQuery), responses((status = 200, body = SealedEntry, description = "The entry.")), extensions(("x-permission" = json!("audit:read"))))]
#[get("/v1/audit/entries/{seq}")]
pub async fn get_audit_entry(caller: Caller<AuditRead>, seq: Path<i64>, wanted: Query<InclusionQuery>) -> Reply<Fetched<SealedEntry>> {
    caller.fetch(move |rx| service::sealed_entry(rx, seq.0, wanted.size)).await
}

/// List checkpoints.
///
/// The signed heads of the log, newest first. Keep copies elsewhere: a history that was cut or replaced no
/// longer extends them.
#[utoipa::path(tag = "Audit", params(Paging), responses((status = 200, body = Page<Checkpoint>, description = "One page.")), extensions(("x-permission" = json!("audit:read"))))]
#[get("/v1/audit/checkpoints")]
pub async fn list_checkpoints(caller: Caller<AuditRead>, sealer: Data<Sealer>, paging: Query<Paging>) -> Reply<Fetched<Page<Checkpoint>>> {
    caller.fetch(move |rx| store::heads(rx, &paging).map(|page| page.map(|head| service::shown(&sealer, rx.company(), &head)))).await
}

/// Get a checkpoint.
///
/// With `from`, the proof that the log of that size is the beginning of this one.
#[utoipa::path(tag = "Audit", params(("size" = i64, Path, description = "Entries it covers.", minimum = 1, example = 1), ConsistencyQuery), responses((status = 200, body = Checkpoint, description = "The checkpoint.")), extensions(("x-permission" = json!("audit:read"))))]
#[get("/v1/audit/checkpoints/{size}")]
pub async fn get_checkpoint(caller: Caller<AuditRead>, sealer: Data<Sealer>, size: Path<i64>, wanted: Query<ConsistencyQuery>) -> Reply<Fetched<Checkpoint>> {
    caller.fetch(move |rx| service::checkpoint(rx, &sealer, size.0, wanted.from)).await
}

/// Verify the audit log and the books against it.
///
/// Seals what is waiting and recomputes every leaf, every signed head and the tree (RFC 6962); compares every
/// entry, allocation, document and master record with what was last recorded of it; checks the laws of the
/// books. On damage `verified` is false, `first_bad_seq` names the first entry concerned and `findings` every
/// damaged record.
#[utoipa::path(tag = "Audit", request_body = Verify, responses((status = 200, body = Verified, description = "The finding.")), extensions(("x-permission" = json!("audit:read"))))]
#[post("/v1/audit/verify")]
pub async fn verify_audit(caller: Caller<AuditRead>, sealer: Data<Sealer>, body: Body<Verify>) -> Reply<Fetched<Verified>> {
    let company = caller.principal()?.company;
    let sealing = sealer.clone();
    caller
        .behind_the_scenes(move |doors| {
            // What keeps it from being sealed is found below.
            if let Err(problem) = service::seal_company(doors, &sealing, company) {
                tracing::error!(%company, %problem, "the audit log cannot be sealed");
            }
            Ok(())
        })
        .await?;
    let kept = sealer.kept.of(company);
    caller.fetch(move |rx| service::verify_all(rx, &sealer, &body, kept)).await
}
