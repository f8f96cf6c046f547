//! Tax deducted by customers.

use super::types::{CertificateFilter, DeductionFilter, MatchCertificate, NewCertificate, NewSighting, NewTaxOfficeLine, TdsCertificate, TdsDeduction};
use super::{service, store};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::CertificateId;
use crate::platform::page::{Made, Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{TdsRead, TdsWrite};
use actix_web::{get, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_tds_deductions)
        .service(list_tds_certificates)
        .service(record_tds_certificate)
        .service(get_tds_certificate)
        .service(match_tds_certificate)
        .service(record_tds_sighting)
        .service(record_tax_office_line);
}

/// List tax deducted.
///
/// What customers deducted from receipts, newest first, and how far it is certified and shown by the tax office.
#[utoipa::path(tag = "Tax deducted", params(Paging, DeductionFilter), responses((status = 200, body = Page<TdsDeduction>, description = "One page.")), extensions(("x-permission" = json!("tds:read"))))]
#[get("/v1/tds-deductions")]
pub async fn list_tds_deductions(caller: Caller<TdsRead>, paging: Query<Paging>, filter: Query<DeductionFilter>) -> Reply<Fetched<Page<TdsDeduction>>> {
    caller.fetch(move |rx| store::deductions(rx, &paging, &filter)).await
}

/// List certificates.
///
/// Newest first, with the deductions each is about and what is short.
#[utoipa::path(tag = "Tax deducted", params(Paging, Made, CertificateFilter), responses((status = 200, body = Page<TdsCertificate>, description = "One page.")), extensions(("x-permission" = json!("tds:read"))))]
#[get("/v1/tds-certificates")]
pub async fn list_tds_certificates(caller: Caller<TdsRead>, paging: Query<Paging>, filter: Query<CertificateFilter>) -> Reply<Fetched<Page<TdsCertificate>>> {
    caller.fetch(move |rx| store::certificates(rx, &paging, &filter)).await
}

/// Record a certificate.
///
/// Matches the deductions named, or the customer's oldest ones of the section and quarter. A certificate of less
/// than was deducted opens the difference again, by a new entry on its date.
#[utoipa::path(tag = "Tax deducted", request_body = NewCertificate, responses((status = 201, body = TdsCertificate, description = "Recorded.")), extensions(("x-permission" = json!("tds:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/tds-certificates")]
pub async fn record_tds_certificate(caller: Caller<TdsWrite>, body: Body<NewCertificate>) -> Reply<Created<TdsCertificate>> {
    caller.create(move |tx| service::record(tx, &body)).await
}

/// Get a certificate.
///
/// With its deductions and what is short.
#[utoipa::path(tag = "Tax deducted", params(("id" = CertificateId, Path, description = "The certificate.")), responses((status = 200, body = TdsCertificate, description = "The certificate.")), extensions(("x-permission" = json!("tds:read"))))]
#[get("/v1/tds-certificates/{id}")]
pub async fn get_tds_certificate(caller: Caller<TdsRead>, id: Path<CertificateId>) -> Reply<Fetched<TdsCertificate>> {
    caller.fetch(move |rx| store::get(rx, id.0)).await
}

/// Match deductions to a certificate.
///
/// Adds deductions of the customer to what the certificate is about; what it then shows too little of is owed again.
#[utoipa::path(tag = "Tax deducted", request_body = MatchCertificate, params(("id" = CertificateId, Path, description = "The certificate.")), responses((status = 200, body = TdsCertificate, description = "Matched.")), extensions(("x-permission" = json!("tds:write")), ("x-idempotency" = json!("required")), ("x-if-match" = json!(true))))]
#[post("/v1/tds-certificates/{id}/match")]
pub async fn match_tds_certificate(caller: Caller<TdsWrite>, id: Path<CertificateId>, body: Body<MatchCertificate>) -> Reply<Done<TdsCertificate>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::add(tx, id.0, version, &body)).await
}

/// Record what the tax office shows.
///
/// The line of Form 26AS (from 1-Apr-2026 Form 168) for a certificate; the newest counts. Less than was deducted is
/// owed again; more than before takes that back.
#[utoipa::path(tag = "Tax deducted", request_body = NewSighting, params(("id" = CertificateId, Path, description = "The certificate.")), responses((status = 200, body = TdsCertificate, description = "Recorded.")), extensions(("x-permission" = json!("tds:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/tds-certificates/{id}/26as")]
pub async fn record_tds_sighting(caller: Caller<TdsWrite>, id: Path<CertificateId>, body: Body<NewSighting>) -> Reply<Done<TdsCertificate>> {
    caller.change(move |tx| service::see(tx, id.0, &body)).await
}

/// Record a line of Form 26AS.
///
/// What the tax office shows of a customer's section and quarter (Form 26AS; from 1-Apr-2026 Form 168), which knows no certificates:
/// it is taken for the certificate of that customer, section and quarter. There has to be one (404), and where there are several
/// `certificate_number` says which. The newest line counts, so it says all that was deposited. Many lines come as an import
/// (`form_26as`).
#[utoipa::path(tag = "Tax deducted", request_body = NewTaxOfficeLine, responses((status = 200, body = TdsCertificate, description = "Recorded.")), extensions(("x-permission" = json!("tds:write")), ("x-idempotency" = json!("required"))))]
#[post("/v1/tds-certificates/26as")]
pub async fn record_tax_office_line(caller: Caller<TdsWrite>, body: Body<NewTaxOfficeLine>) -> Reply<Done<TdsCertificate>> {
    caller.change(move |tx| service::see_line(tx, &body)).await
}
