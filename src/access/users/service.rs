//! The verbs of people.

use super::store::Span;
use super::types::{Me, NewUser, Role, RoleInfo, Roles, User, UserPatch};
use super::{problems, store};
use crate::access::tokens::service::revoke;
use crate::access::tokens::{passwords, service as tokens};
use crate::access::waivers;
use crate::platform::http::problem;
use crate::platform::http::{FieldError, Problem};
use crate::platform::ids::UserId;
use crate::platform::unit_of_work::permissions::{self, MATRIX};
use crate::platform::unit_of_work::{Actor, Audited, Change, Tx};

/// A new person or one who already works in another company.
pub fn invite(tx: &mut Tx<'_>, new: &NewUser) -> Result<Audited<User>, Problem> {
    check_roles(tx, &new.roles, None)?;
    let span = (new.valid_from, new.valid_to);
    check_span(span)?;
    let email = new.email.trim().to_lowercase();
    let known = tx.as_identity(|tx| store::id_by_email(tx, &email))?;
    let mut initial = None;
    let id = if let Some(id) = known {
        id
    } else {
        if let Some(password) = &new.password {
            passwords::check_strength("/password", password, &email)?;
        } else {
            initial = Some(tokens::secret("dbp_"));
        }
        let password = new.password.as_deref().or(initial.as_deref()).unwrap_or_default();
        let hash = passwords::hash_now(password)?;
        tx.as_identity(|tx| store::insert_person(tx, &email, &new.name, &hash))?
    };
    check_roles(tx, &new.roles, Some(id))?;
    store::insert_membership(tx, id, &new.roles, span)?;
    let mut user = store::get(tx, id, false)?;
    let audited = tx.record(Change::new("user.created", id.uuid()).after(&user), ());
    user.initial_password = initial;
    Ok(audited.map(|()| user))
}

/// Gives an existing person roles in the company of the transaction.
pub fn join(tx: &mut Tx<'_>, user: UserId, roles: &[Role]) -> Result<(), Problem> {
    check_roles(tx, roles, Some(user))?;
    store::insert_membership(tx, user, roles, (None, None))
}

fn check_span(span: Span) -> Result<(), Problem> {
    match span {
        (Some(from), Some(to)) if from > to => Err(Problem::invalid(vec![
            FieldError::at("/valid_to", "before_from", "The last day lies before the first.").expected(format!("at least {from}")).received(to),
        ])),
        _ => Ok(()),
    }
}

pub fn update(tx: &mut Tx<'_>, id: UserId, version: Option<i64>, patch: &UserPatch) -> Result<Audited<User>, Problem> {
    let before = store::get(tx, id, true)?;
    crate::platform::http::reply::require_version(version, before.version)?;
    if patch.name.is_some() && tx.as_identity(|tx| store::companies(tx, id))?.len() > 1 {
        return Err(Problem::new(problem::INVALID_STATE, "This person works in other companies as well; their name is not one company's to change."));
    }
    store::update(tx, id, patch.name.as_deref(), patch.active, None)?;
    let span = (patch.valid_from.unwrap_or(before.valid_from), patch.valid_to.unwrap_or(before.valid_to));
    let moved = span != (before.valid_from, before.valid_to);
    if moved {
        check_span(span)?;
        store::set_span(tx, id, span)?;
    }
    if patch.active == Some(false) || moved {
        revoke(tx, id)?;
    }
    let after = store::get(tx, id, false)?;
    Ok(tx.record(Change::new("user.updated", id.uuid()).version(after.version).before(&before).after(&after), after))
}

/// Replaces the roles; old tokens end, so the new ones hold within seconds.
pub fn set_roles(tx: &mut Tx<'_>, id: UserId, version: Option<i64>, roles: &[Role]) -> Result<Audited<User>, Problem> {
    if tx.cx().actor == Actor::User(id.uuid()) {
        return Err(Problem::new(problems::SELF_GRANT, "Nobody changes their own roles (SOD-10)."));
    }
    check_roles(tx, roles, Some(id))?;
    let before = store::get(tx, id, true)?;
    crate::platform::http::reply::require_version(version, before.version)?;
    store::update(tx, id, None, None, Some(roles))?;
    revoke(tx, id)?;
    let after = store::get(tx, id, false)?;
    Ok(tx.record(Change::new("user.roles_changed", id.uuid()).version(after.version).before(&before).after(&after), after))
}

/// Conflicting roles stay apart (SOD-16), unless a waiver stands for the person.
fn check_roles(tx: &mut Tx<'_>, roles: &[Role], person: Option<UserId>) -> Result<(), Problem> {
    let names: Vec<String> = roles.iter().map(ToString::to_string).collect();
    let Some((a, b)) = permissions::conflict(&names) else { return Ok(()) };
    if let Some(person) = person
        && !names.iter().any(|name| name == "auditor")
        && waivers::stands(tx, "SOD-16", person.uuid())?
    {
        return Ok(());
    }
    Err(Problem::new(problems::ROLE_CONFLICT, format!("One person may not be {a} and {b} (SOD-16); a small firm may record a waiver.")))
}

pub fn me(tx: &mut Tx<'_>) -> Result<Me, Problem> {
    let principal = tx.cx().principal.clone().ok_or_else(|| Problem::internal(&"no principal"))?;
    let permissions = MATRIX.iter().map(|grant| grant.permission).filter(|permission| principal.may(permission)).collect();
    let (actor_type, id, person, companies) = match principal.actor {
        Actor::User(id) => {
            let user = UserId::of(id);
            let person = store::person(tx, user)?;
            ("user", id.to_string(), person, tx.as_identity(|tx| store::companies(tx, user))?)
        }
        Actor::Client(id) => ("client", id.to_string(), None, Vec::new()),
        Actor::System => return Err(Problem::internal(&"the system asked who it is")),
    };
    let (email, name) = person.map(|p| (p.email, p.name)).unzip();
    Ok(Me { actor_type, id, email, name, company_id: principal.company, roles: principal.roles, permissions, companies })
}

#[must_use]
pub fn roles() -> Roles {
    let info = |role: &Role| RoleInfo {
        role: *role,
        permissions: permissions::permissions_of([role.as_str()]),
        portfolio_only: MATRIX.iter().filter(|grant| grant.portfolio_only(role.as_str())).map(|grant| grant.permission).collect(),
        conflicts_with: Role::ALL.iter().copied().filter(|other| permissions::conflict(&[role.to_string(), other.to_string()]).is_some()).collect(),
    };
    Roles { data: Role::ALL.iter().map(info).collect() }
}
