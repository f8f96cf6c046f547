//! The tool: a return from documents of any system.

use super::read;
use super::types::{self, BuildGstr1, Gstr1Answer};
use crate::platform::http::reply::Rendered;
use crate::platform::http::{Body, Fetched, Problem, Reply};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::ItemsRead;
use actix_web::post;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(build_gstr1);
}

/// Build GSTR-1 from documents.
///
/// The portal's own JSON with totals of each table, GSTR-3B 3.1 and 3.2, and what should be looked at before filing.
/// Line amounts are final. Nothing is stored and no data of the company is read; it is the builder behind the
/// company's own returns. Amounts are in rupees; figures of the answer are JSON numbers of at most two decimals, as the
/// portal takes them. Documents dated after the period are left out with a warning.
#[utoipa::path(tag = "GST", request_body = BuildGstr1, responses((status = 200, body = Gstr1Answer, description = "The return.")), extensions(("x-permission" = json!("items:read")), ("x-large-body" = json!(true))))]
#[post("/v1/gst/gstr1")]
pub async fn build_gstr1(_caller: Caller<ItemsRead>, body: Body<BuildGstr1>) -> Reply<Fetched<Gstr1Answer>> {
    let work = move || {
        let (built, period) = read::build(&body).map_err(Problem::invalid)?;
        types::answer(&built, period)
    };
    let text = actix_web::web::block(work).await.map_err(|error| Problem::internal(&error))??;
    Ok(Fetched::of(Rendered::of_json(text)))
}
