//! The chart of accounts.

use super::types::{AccountEntries, AccountFilter, EntrySpan, GlAccount, GlAccountPatch, NewGlAccount};
use super::{service, store};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::AccountId;
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{GlManage, GlRead};
use actix_web::{get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(list_gl_accounts).service(create_gl_account).service(update_gl_account).service(list_gl_account_entries);
}

/// List accounts.
///
/// The chart with roles and control flags, by number.
#[utoipa::path(tag = "General ledger", params(Paging, AccountFilter), responses((status = 200, body = Page<GlAccount>, description = "One page.")), extensions(("x-permission" = json!("gl:read"))))]
#[get("/v1/gl-accounts")]
pub async fn list_gl_accounts(caller: Caller<GlRead>, paging: Query<Paging>, filter: Query<AccountFilter>) -> Reply<Fetched<Page<GlAccount>>> {
    caller.fetch(move |rx| store::list(rx, &paging, &filter)).await
}

/// Create an account.
///
/// For journals by hand, or to take a role over from another account.
#[utoipa::path(tag = "General ledger", request_body = NewGlAccount, responses((status = 201, body = GlAccount, description = "Created.")), extensions(("x-permission" = json!("gl:manage")), ("x-idempotency" = json!("accepted"))))]
#[post("/v1/gl-accounts")]
pub async fn create_gl_account(caller: Caller<GlManage>, body: Body<NewGlAccount>) -> Reply<Created<GlAccount>> {
    caller.create(move |tx| service::create(tx, &body)).await
}

/// Change an account.
///
/// Name, number, whether it is active, and which role it has. What was posted stays where it is.
#[utoipa::path(tag = "General ledger", params(("id" = AccountId, Path, description = "The account.")), request_body = GlAccountPatch, responses((status = 200, body = GlAccount, description = "Changed.")), extensions(("x-permission" = json!("gl:manage")), ("x-if-match" = json!(true))))]
#[patch("/v1/gl-accounts/{id}")]
pub async fn update_gl_account(caller: Caller<GlManage>, id: Path<AccountId>, body: Body<GlAccountPatch>) -> Reply<Done<GlAccount>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::update(tx, id.0, version, &body)).await
}

/// List the entries of an account.
///
/// Opening balance, entries with running balance, closing balance between two days, in base currency
/// and as known at an instant. Opening and closing are those of the whole span, also when the entries
/// come in pages.
#[utoipa::path(tag = "General ledger", params(("id" = AccountId, Path, description = "The account."), EntrySpan, Paging), responses((status = 200, body = AccountEntries, description = "The account's ledger.")), extensions(("x-permission" = json!("gl:read"))))]
#[get("/v1/gl-accounts/{id}/entries")]
pub async fn list_gl_account_entries(
    caller: Caller<GlRead>,
    id: Path<AccountId>,
    span: Query<EntrySpan>,
    paging: Query<Paging>,
) -> Reply<Fetched<AccountEntries>> {
    caller.fetch(move |rx| service::entries(rx, id.0, &span, &paging)).await
}
