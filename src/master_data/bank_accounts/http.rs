//! Bank accounts.

use super::store;
use super::types::BankAccount;
use crate::platform::http::{Fetched, Query, Reply};
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::BankRead;
use actix_web::get;
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_bank_accounts);
}

/// List bank accounts.
///
/// Account numbers are masked to the last four digits.
#[utoipa::path(tag = "Bank", params(Paging), responses((status = 200, body = Page<BankAccount>, description = "One page.")), extensions(("x-permission" = json!("bank:read"))))]
#[get("/v1/bank-accounts")]
pub async fn list_bank_accounts(caller: Caller<BankRead>, paging: Query<Paging>) -> Reply<Fetched<Page<BankAccount>>> {
    caller.fetch(move |rx| store::list(rx, &paging)).await
}
