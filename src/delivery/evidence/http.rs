//! Evidence of one document.

use super::{service, store};
use crate::access::audit_log::service::Sealer;
use crate::delivery::documents::service::fix;
use crate::platform::http::reply::File;
use crate::platform::http::{Path, Problem, Reply};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::AuditRead;
use actix_web::get;
use actix_web::web::Data;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_evidence);
}

/// Get the evidence of a document.
///
/// One ZIP of an issued or posted document (invoice, note, receipt, refund, write-off, adjustment, journal, opening
/// item): the record as its digest is made of it, its entries, settlements and approvals, every event of the audit log
/// about them with the proof that the log holds those of the document, the paper where there is one, the newest signed
/// head, and a signed list of all files with their SHA-256.
#[utoipa::path(tag = "Audit", params(("id" = Uuid, Path, description = "The document.")), responses((status = 200, body = Vec<u8>, content_type = "application/zip", description = "The bundle.")), extensions(("x-permission" = json!("audit:read"))))]
#[get("/v1/audit/evidence/{id}")]
pub async fn get_evidence(caller: Caller<AuditRead>, sealer: Data<Sealer>, id: Path<Uuid>) -> Reply<File> {
    let (id, packing) = (id.0, sealer.clone());
    let keep = move |tx: &mut crate::platform::unit_of_work::Tx<'_>| {
        let found = store::find(tx, id)?.ok_or_else(|| Problem::not_found("document"))?;
        service::subject(&found, id).map_or(Ok(()), |subject| fix(tx, subject))
    };
    caller.file(move |rx| service::gather(rx, &sealer, id), keep, move |gathered| service::pack(gathered, &packing)).await
}
