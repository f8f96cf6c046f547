//! The register of advances.

use super::store;
use super::types::{AdvanceFilter, AdvanceMovement};
use crate::platform::http::{Fetched, Query, Reply};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::GstRead;
use actix_web::get;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_gst_advances);
}

/// List the register of advances.
///
/// Money received on account for services, with the tax that fell due on it (CGST Act s.13(2)); what of it was adjusted
/// in invoices, paid back and taken back since. Newest first. The sum of `received` less the other kinds is the money
/// on account, and its tax the balance of the account GST on advances. Amounts in base currency; tax is rounded half-up
/// on the money left, so the sum of all movements is exact in any order.
#[utoipa::path(tag = "GST", params(Paging, AdvanceFilter), responses((status = 200, body = Page<AdvanceMovement>, description = "One page.")), extensions(("x-permission" = json!("gst:read"))))]
#[get("/v1/gst-advances")]
pub async fn list_gst_advances(caller: Caller<GstRead>, paging: Query<Paging>, filter: Query<AdvanceFilter>) -> Reply<Fetched<Page<AdvanceMovement>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}
