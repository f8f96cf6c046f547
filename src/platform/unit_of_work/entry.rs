//! A request at the door: who it is from, whether it may, what it asks for, and how it gets a thread to be answered on.

use super::doors::Doors;
use super::idempotency::{self, Key};
use super::permissions::open_to_readers;
use super::run::{Seen, answer, on_snapshot};
use super::start::Start;
use super::transaction::{Rx, Tx};
use super::{Actor, Class, Permission, Principal};
use crate::platform::http::accept;
use crate::platform::http::address;
use crate::platform::http::contract::{self, Contract, Keyed, Operation};
use crate::platform::http::edge::RequestId;
use crate::platform::http::limits::{Kind, Limits, Who};
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::{Rendered, Reply};
use crate::platform::ids::CompanyId;
use actix_web::http::Method;
use actix_web::{HttpMessage, HttpRequest, web};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use uuid::Uuid;

pub(super) struct Entry {
    pub(super) request: HttpRequest,
    pub(super) operation: &'static Operation,
    pub(super) doors: web::Data<Doors>,
    pub(super) principal: Option<Principal>,
    portfolio: Option<Uuid>,
    pub(super) dry_run: bool,
}

impl Entry {
    /// Token, then permission, then the shape of the request: a caller without the right learns nothing else.
    pub(super) fn authenticated<P: Permission>(request: &HttpRequest) -> Result<Self, Problem> {
        let (doors, from) = (doors(request)?, address::of(request));
        let principal = match bearer(request).and_then(|token| (doors.authenticate)(&token, from)) {
            Ok(principal) => principal,
            Err(refusal) => {
                counted(request, &doors.limits, Who::at(from), None, &[Kind::Address])?;
                return Err(refusal);
            }
        };
        request.extensions_mut().insert(principal.clone());
        counted(request, &doors.limits, Who::Caller(principal.actor), principal.requests_per_minute, kinds(P::NAME, request))?;
        let may_ask = || Contract::operation(request).is_ok_and(|operation| operation.approvable) && principal.may_request(P::NAME);
        // Whatever the matrix says of it: who only reads sends nothing that changes.
        let read_only = principal.only_reads() && request.method() != Method::GET;
        let open = || open_to_readers(P::NAME) || Contract::operation(request).is_ok_and(|operation| operation.open_to_readers);
        if read_only && !open() || !principal.may(P::NAME) && !may_ask() {
            let refusal = if read_only { problem::ROLE_READ_ONLY } else { problem::PERMISSION_DENIED };
            return Err(Problem::new(refusal, format!("This needs the permission {}.", P::NAME)).member("required_permission", P::NAME));
        }
        let mut entry = Self::open(request, Some(P::NAME))?;
        if let (true, Actor::User(user)) = (principal.portfolio_only(P::NAME), principal.actor) {
            entry.portfolio = Some(user);
        }
        let company = principal.company;
        entry.principal = Some(principal);
        if request.method() != Method::GET {
            // Before the body is read and judged.
            entry.doors.gate.look(entry.class(), company)?;
        }
        Ok(entry)
    }

    /// Nobody needs a token here, and who shows none is known by its address. Who reads with one finds out when it is no
    /// longer good; who signs in replaces it.
    pub(super) fn public(request: &HttpRequest) -> Result<Self, Problem> {
        let (doors, address) = (doors(request)?, address::of(request));
        counted(request, &doors.limits, Who::at(address), None, &[Kind::Address])?;
        if request.method() == Method::GET && request.headers().contains_key("authorization") {
            (doors.authenticate)(&bearer(request)?, address)?;
        }
        Self::open(request, None)
    }

    /// How urgent this is. What only reads may still be a POST: previews, verifications.
    fn class(&self) -> Class {
        const HEAVY: [&str; 4] = ["reports:read", "gl:read", "gst:read", "audit:read"];
        let permission = self.operation.permission.as_str();
        let reads = self.dry_run || self.request.method() == Method::GET || permission.ends_with(":read");
        match (reads, HEAVY.contains(&permission)) {
            (false, _) => Class::Posting,
            (true, false) => Class::Reading,
            (true, true) => Class::Reporting,
        }
    }

    fn open(request: &HttpRequest, permission: Option<&'static str>) -> Result<Self, Problem> {
        let operation = Contract::operation(request)?;
        contract::remember(request, operation);
        // The published permission is the enforced one, or nothing is served.
        if operation.permission != permission.unwrap_or("public") {
            return Err(Problem::internal(&format!("{} publishes {} but enforces {permission:?}", operation.id, operation.permission)));
        }
        acceptable(request, operation)?;
        brief(request)?;
        let query = operation.query(request.query_string())?;
        Ok(Self { request: request.clone(), operation, doors: doors(request)?, principal: None, portfolio: None, dry_run: query["validate_only"] == true })
    }

    pub(super) fn context(&self) -> Start {
        Start {
            company: self.principal.as_ref().map_or(CompanyId::of(Uuid::nil()), |p| p.company),
            actor: self.principal.as_ref().map_or(Actor::System, |p| p.actor),
            principal: self.principal.clone(),
            portfolio: self.portfolio,
            request_id: request_id(&self.request),
            operation: self.operation.id.clone(),
            address: self.request.peer_addr().map(|_| address::of(&self.request)),
            identity: self.principal.is_none(),
        }
    }

    /// What is to be noted of a read: each one of somebody who audits (SOD-11).
    pub(super) fn seen(&self) -> Option<Seen> {
        let noted = self.operation.permission != "any" && self.principal.as_ref().is_some_and(Principal::only_reads);
        let path = self.request.path();
        noted.then(|| Seen { path: path.to_owned(), query: self.request.query_string().to_owned(), id: path.rsplit('/').find_map(|part| part.parse().ok()) })
    }

    pub(super) async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Doors) -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
        let company = self.principal.as_ref().map_or(CompanyId::of(Uuid::nil()), |principal| principal.company);
        let permit = self.doors.gate.enter(self.class(), company).await?;
        let doors = self.doors.clone();
        let done = web::block(move || {
            let done = work(&doors);
            drop(permit);
            done
        });
        done.await.map_err(|error| Problem::internal(&error))?
    }

    /// Reads until `look` says that it is worth giving or the seconds are up; whether it was, and what it was last.
    pub(super) async fn watch<T: Send + 'static>(
        &self,
        seconds: u64,
        changed: &Notify,
        look: impl Fn(&mut Rx<'_>) -> Result<(bool, T), Problem> + Send + Sync + 'static,
    ) -> Reply<(bool, T)> {
        const LONGEST: Duration = Duration::from_secs(1);
        let (until, look) = (Instant::now() + Duration::from_secs(seconds), Arc::new(look));
        loop {
            let mut told = pin!(changed.notified());
            // From here on nothing that happens is missed.
            told.as_mut().enable();
            let (start, seen) = (self.context(), Arc::clone(&look));
            let (settled, value) = self.blocking(move |doors| on_snapshot(doors, &start, |rx| seen(rx))).await?;
            let left = until.saturating_duration_since(Instant::now());
            if settled || left.is_zero() {
                return Ok((settled, value));
            }
            let _ = tokio::time::timeout(left.min(LONGEST), told).await;
        }
    }

    /// The key the request may be replayed by; none for a dry run.
    pub(super) fn key(&self) -> Result<Option<Key>, Problem> {
        if self.operation.keyed == Keyed::Ignored {
            return Ok(None);
        }
        let principal = self.principal.as_ref().map_or(Actor::System, |p| p.actor).to_string();
        match idempotency::key_of(&self.request, &principal, &self.operation.id)? {
            None if self.operation.keyed == Keyed::Required => Err(idempotency::missing()),
            // A dry run is asked for in the form of the real one and uses nothing up.
            _ if self.dry_run => Ok(None),
            key => Ok(key),
        }
    }

    pub(super) async fn transact(&self, work: impl Fn(&mut Tx<'_>) -> Result<(Rendered, bool), Problem> + Send + 'static) -> Result<Rendered, Problem> {
        let (start, dry_run, key) = (self.context(), self.dry_run, self.key()?);
        self.blocking(move |doors| answer(doors, &start, key.as_ref(), dry_run, work)).await
    }
}

/// Of which limits a request takes.
fn kinds(permission: &str, request: &HttpRequest) -> &'static [Kind] {
    match permission {
        "reports:read" => &[Kind::Default, Kind::Reports],
        "exports:create" if request.method() == Method::POST => &[Kind::Default, Kind::Exports],
        _ => &[Kind::Default],
    }
}

/// Counts a request, and leaves what is left for the head of the reply.
fn counted(request: &HttpRequest, limits: &Limits, who: Who, plan: Option<u32>, kinds: &[Kind]) -> Result<(), Problem> {
    limits.count(who, plan, kinds).map_or(Ok(()), |(told, done)| {
        request.extensions_mut().insert(told);
        done
    })
}

fn doors(request: &HttpRequest) -> Result<web::Data<Doors>, Problem> {
    request.app_data::<web::Data<Doors>>().cloned().ok_or_else(|| Problem::internal(&"no doors"))
}

fn bearer(request: &HttpRequest) -> Result<String, Problem> {
    let mut headers = request.headers().get_all("authorization");
    let missing = || Problem::new(problem::TOKEN_MISSING, "Send an access token: Authorization: Bearer ….").header("www-authenticate", "Bearer");
    let header = headers.next().ok_or_else(missing)?;
    let text = header.to_str().map_err(|_| missing())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") || headers.next().is_some() {
        return Err(missing());
    }
    Ok(token.trim().to_owned())
}

pub(super) fn accepted(request: &HttpRequest) -> Option<&str> {
    request.headers().get("accept").and_then(|v| v.to_str().ok())
}

fn acceptable(request: &HttpRequest, operation: &Operation) -> Result<(), Problem> {
    let answers: Vec<&str> = operation.answers.iter().map(String::as_str).chain(["application/problem+json"]).collect();
    match accept::preferred(accepted(request), &answers) {
        Some(_) => Ok(()),
        None => Err(Problem::new(problem::NOT_ACCEPTABLE, format!("This operation answers {}.", operation.answers.join(", ")))),
    }
}

/// What `Range` and `Prefer` say that we do not understand is passed over (RFC 9110, RFC 7240), but not at any length.
fn brief(request: &HttpRequest) -> Result<(), Problem> {
    const LONGEST: usize = 1_000;
    let long = |name: &&str| request.headers().get(*name).is_some_and(|value| value.len() > LONGEST);
    ["Range", "Prefer"].into_iter().find(|name| long(name)).map_or(Ok(()), |name| {
        let detail = format!("The header {name} has at most {LONGEST} bytes.");
        Err(Problem::new(problem::INVALID_PARAMETER, detail.clone()).errors(vec![FieldError::header(name, "too_long", detail)]))
    })
}

/// The id given to the request at the edge.
pub fn request_id(request: &HttpRequest) -> String {
    request.extensions().get::<RequestId>().map_or_else(|| "req_none".to_owned(), |id| id.0.clone())
}
