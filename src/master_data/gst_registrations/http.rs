//! GST registrations.

use super::types::{GstRegistration, GstRegistrationPatch, NewGstRegistration};
use super::{service, store};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::RegistrationId;
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{CompanyManage, CompanyRead};
use actix_web::{get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_gst_registrations).service(create_gst_registration).service(update_gst_registration);
}

/// List GST registrations.
///
/// The GSTINs the company sells under.
#[utoipa::path(tag = "Company", params(Paging), responses((status = 200, body = Page<GstRegistration>, description = "One page.")), extensions(("x-permission" = json!("company:read"))))]
#[get("/v1/gst-registrations")]
pub async fn list_gst_registrations(caller: Caller<CompanyRead>, paging: Query<Paging>) -> Reply<Fetched<Page<GstRegistration>>> {
    caller.fetch(move |rx| store::list(rx, &paging)).await
}

/// Add a GST registration.
///
/// The GSTIN must be valid and of the company's PAN. Number series of its own are made for it when
/// its first document is issued.
#[utoipa::path(tag = "Company", request_body = NewGstRegistration, responses((status = 201, body = GstRegistration, description = "Added.")), extensions(("x-permission" = json!("company:manage")), ("x-idempotency" = json!("accepted"))))]
#[post("/v1/gst-registrations")]
pub async fn create_gst_registration(caller: Caller<CompanyManage>, body: Body<NewGstRegistration>) -> Reply<Created<GstRegistration>> {
    caller.create(move |tx| service::register(tx, &body)).await
}

/// Change a GST registration.
///
/// Names, address, contact and UPI id as documents and e-invoices show them, and the day it was cancelled. Documents that
/// are registered with the portal stay as they were signed.
#[utoipa::path(tag = "Company", request_body = GstRegistrationPatch, params(("id" = RegistrationId, Path, description = "The registration.")), responses((status = 200, body = GstRegistration, description = "Changed.")), extensions(("x-permission" = json!("company:manage")), ("x-if-match" = json!(true))))]
#[patch("/v1/gst-registrations/{id}")]
pub async fn update_gst_registration(
    caller: Caller<CompanyManage>,
    id: Path<RegistrationId>,
    body: Body<GstRegistrationPatch>,
) -> Reply<Done<GstRegistration>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::update(tx, id.0, version, &body)).await
}
