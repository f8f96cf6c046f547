//! Users, roles, and who one is.

use super::types::{Me, NewRoles, NewUser, Roles, User, UserPatch};
use super::{service, store};
use crate::platform::http::{Body, Created, Done, Fetched, Path, Query, Reply};
use crate::platform::ids::UserId;
use crate::platform::page::{Page, Paging};
use crate::platform::unit_of_work::Caller;
use crate::platform::unit_of_work::permissions::{Anyone, UsersManage, UsersRead};
use actix_web::{get, patch, post, put};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_me).service(list_users).service(create_user).service(update_user).service(replace_user_roles).service(list_roles);
}

/// Who am I?
///
/// The caller, their roles and effective permissions (role ∩ scope), and their companies.
#[utoipa::path(tag = "Auth", responses((status = 200, body = Me, description = "The caller.")), extensions(("x-permission" = json!("any"))))]
#[get("/v1/me")]
pub async fn get_me(caller: Caller<Anyone>) -> Reply<Fetched<Me>> {
    Fetched::ok(&caller.peek(service::me).await?)
}

/// List users.
///
/// The people of this company, with their roles.
#[utoipa::path(tag = "Users", params(Paging), responses((status = 200, body = Page<User>, description = "One page.")), extensions(("x-permission" = json!("users:read"))))]
#[get("/v1/users")]
pub async fn list_users(caller: Caller<UsersRead>, paging: Query<Paging>) -> Reply<Fetched<Page<User>>> {
    caller.fetch(move |rx| store::list(rx, &paging)).await
}

/// Invite a user.
///
/// A person who already has an account elsewhere keeps their password; for a new one a password is
/// made and shown once, unless one is given. Conflicting roles are refused (SOD-16). `valid_from` and `valid_to` box the
/// access in time, as auditors have it.
#[utoipa::path(tag = "Users", request_body = NewUser, responses((status = 201, body = User, description = "Invited.")), extensions(("x-permission" = json!("users:manage")), ("x-idempotency" = json!("accepted"))))]
#[post("/v1/users")]
pub async fn create_user(caller: Caller<UsersManage>, body: Body<NewUser>) -> Reply<Created<User>> {
    caller.create(move |tx| service::invite(tx, &body)).await
}

/// Change a user.
///
/// Name, whether the person may work here, and between which days; deactivation and other days revoke their tokens within
/// two seconds.
#[utoipa::path(tag = "Users", request_body = UserPatch, params(("id" = UserId, Path, description = "The user.")), responses((status = 200, body = User, description = "Changed.")), extensions(("x-permission" = json!("users:manage")), ("x-if-match" = json!(true))))]
#[patch("/v1/users/{id}")]
pub async fn update_user(caller: Caller<UsersManage>, id: Path<UserId>, body: Body<UserPatch>) -> Reply<Done<User>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::update(tx, id.0, version, &body)).await
}

/// Replace a user's roles.
///
/// Tokens with the old roles end within two seconds. Nobody changes their own roles (SOD-10);
/// conflicting pairs are refused (SOD-16).
#[utoipa::path(tag = "Users", request_body = NewRoles, params(("id" = UserId, Path, description = "The user.")), responses((status = 200, body = User, description = "Replaced.")), extensions(("x-permission" = json!("users:manage")), ("x-if-match" = json!(true))))]
#[put("/v1/users/{id}/roles")]
pub async fn replace_user_roles(caller: Caller<UsersManage>, id: Path<UserId>, body: Body<NewRoles>) -> Reply<Done<User>> {
    let version = caller.if_match()?;
    caller.change(move |tx| service::set_roles(tx, id.0, version, &body.roles)).await
}

/// List roles.
///
/// Every role with its permissions, those that reach assigned customers only, and the roles it conflicts with.
#[utoipa::path(tag = "Users", responses((status = 200, body = Roles, description = "All roles.")), extensions(("x-permission" = json!("users:read"))))]
#[get("/v1/roles")]
pub async fn list_roles(_caller: Caller<UsersRead>) -> Reply<Fetched<Roles>> {
    Fetched::ok(&service::roles())
}
