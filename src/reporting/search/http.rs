//! Searching.

use super::store;
use super::types::{SearchAnswer, SearchQuery};
use crate::platform::http::{Fetched, Query, Reply};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::Anyone;
use actix_web::get;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(search);
}

/// Search across customers, items and documents.
///
/// By number, code, UTR, cheque number, GSTIN, PAN, phone, e-mail, purchase order, IRN, reference or name. Only kinds that
/// the caller may list, and of those the customers of the caller's portfolio. What was written before the question is found.
#[utoipa::path(tag = "Search", params(SearchQuery), responses((status = 200, body = SearchAnswer, description = "What was found.")), extensions(("x-permission" = json!("any"))))]
#[get("/v1/search")]
pub async fn search(caller: Caller<Anyone>, query: Query<SearchQuery>) -> Reply<Fetched<SearchAnswer>> {
    caller.fetch(move |rx| store::search(rx, &query)).await
}
