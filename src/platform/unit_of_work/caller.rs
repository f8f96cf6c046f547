//! `Caller<P>`: the only door handlers have to the database.

use super::audit::{self, Audited, EventKey};
use super::expansion;
use super::group::Groups;
use super::idempotency::{self, Claim, Key};
use super::permissions::{ROLES, open_to_readers};
use super::transaction::{CompanyFacts, Context, Einvoicing, Rx, SettlementPolicy, Tx};
use super::{Actor, Class, Gate, Permission, Principal};
use crate::platform::clock;
use crate::platform::dates::business_date;
use crate::platform::http::accept;
use crate::platform::http::address;
use crate::platform::http::contract::{self, Contract, Keyed, Operation};
use crate::platform::http::limits::{Kind, Limits, Who};
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::{Accepted, Created, Done, Fetched, File, Rendered, Reply, Resource};
use crate::platform::ids::{CompanyId, JobId};
use crate::platform::jobs::store as jobs;
use crate::platform::jobs::types::Task;
use crate::platform::jobs::work;
use crate::platform::money::Currency;
use crate::platform::postgres::sql::Sql;
use crate::platform::postgres::{Pool, WIDELY};
use crate::row;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev, web};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use uuid::Uuid;

/// Seconds a caller may wait for the end of long work.
const LONGEST_WAIT: u64 = 30;

/// The version nothing has.
const MATCHES_NOTHING: i64 = -1;

/// Tells who a token speaks for that came from an address; given by the composition, as tokens are another area's business.
pub type Authenticate = Box<dyn Fn(&str, IpAddr) -> Result<Principal, Problem> + Send + Sync>;

/// What a request needs to get in: kept once per process.
pub struct Doors {
    pub pool: Pool,
    pub gate: Gate,
    pub authenticate: Authenticate,
    pub event_key: EventKey,
    /// Wakes those who wait for something that came to pass in the background.
    pub news: News,
    limits: Limits,
    pub(super) groups: Groups,
    written: Mutex<Written>,
    facts: Mutex<HashMap<CompanyId, (Instant, Arc<CompanyFacts>)>>,
}

impl Doors {
    pub fn new(pool: Pool, gate: Gate, authenticate: Authenticate, event_key: EventKey) -> Self {
        Self {
            pool,
            gate,
            authenticate,
            event_key,
            news: News::default(),
            limits: Limits::default(),
            groups: Groups::default(),
            written: Mutex::default(),
            facts: Mutex::default(),
        }
    }
    /// Counts what each caller asks for.
    #[must_use]
    pub fn limited(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }
    /// Notes that a company has audit events that wait to be sealed.
    pub fn wrote(&self, company: CompanyId) {
        if let Ok(mut written) = self.written.lock() {
            written.companies.insert(company);
        }
    }
    /// The companies noted since the last time; now and then all of them, as other processes write too.
    pub fn written(&self, all: impl FnOnce() -> Result<Vec<CompanyId>, Problem>) -> Result<Vec<CompanyId>, Problem> {
        const SWEEP: Duration = Duration::from_secs(60);
        let Ok(mut written) = self.written.lock() else { return all() };
        let noted = std::mem::take(&mut written.companies);
        if written.swept.is_none_or(|at| at.elapsed() >= SWEEP) {
            written.swept = Some(Instant::now());
            drop(written);
            return all();
        }
        Ok(noted.into_iter().collect())
    }
    /// Forgets cached facts after a change of the company.
    pub fn forget(&self, company: CompanyId) {
        if let Ok(mut facts) = self.facts.lock() {
            facts.remove(&company);
        }
    }
}

/// What came to pass in the background of a company, for those who wait for it.
#[derive(Default)]
pub struct News {
    wake: tokio::sync::Notify,
    brought: Mutex<HashMap<CompanyId, u64>>,
}

impl News {
    pub fn bring(&self, company: CompanyId) {
        if let Ok(mut brought) = self.brought.lock() {
            *brought.entry(company).or_default() += 1;
        }
        self.wake.notify_waiters();
    }
    fn of(&self, company: CompanyId) -> u64 {
        self.brought.lock().map_or(0, |brought| brought.get(&company).copied().unwrap_or(0))
    }
    /// Returns when there was more than `known`.
    async fn after(&self, company: CompanyId, known: u64) {
        loop {
            // Asked for before it is looked, so that nothing falls between the two.
            let mut woken = std::pin::pin!(self.wake.notified());
            woken.as_mut().enable();
            if self.of(company) != known {
                return;
            }
            woken.await;
        }
    }
}

/// Companies with events to seal, and when all were looked at.
#[derive(Default)]
struct Written {
    companies: HashSet<CompanyId>,
    swept: Option<Instant>,
}

/// A caller who holds `P`.
pub struct Caller<P> {
    pub(super) entry: Entry,
    permission: PhantomData<P>,
}

/// A caller of a public operation: no token, no company, identity tables only.
pub struct Public {
    entry: Entry,
}

pub(super) struct Entry {
    pub(super) request: HttpRequest,
    pub(super) operation: &'static Operation,
    pub(super) doors: web::Data<Doors>,
    principal: Option<Principal>,
    portfolio: Option<Uuid>,
    pub(super) dry_run: bool,
}

impl<P: Permission> FromRequest for Caller<P> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(Entry::authenticated::<P>(request).map(|entry| Self { entry, permission: PhantomData }))
    }
}

impl FromRequest for Public {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;
    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(Entry::public(request).map(|entry| Self { entry }))
    }
}

impl Entry {
    /// Token, then permission, then the shape of the request: a caller without the right learns nothing else.
    fn authenticated<P: Permission>(request: &HttpRequest) -> Result<Self, Problem> {
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
        let read_only = principal.only_reads() && request.method() != actix_web::http::Method::GET;
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
        if request.method() != actix_web::http::Method::GET {
            // Before the body is read and judged.
            entry.doors.gate.look(entry.class(), company)?;
        }
        Ok(entry)
    }

    /// Nobody needs a token here, and who shows none is known by its address. Who reads with one finds out when it is no
    /// longer good; who signs in replaces it.
    fn public(request: &HttpRequest) -> Result<Self, Problem> {
        let (doors, address) = (doors(request)?, address::of(request));
        counted(request, &doors.limits, Who::at(address), None, &[Kind::Address])?;
        if request.method() == actix_web::http::Method::GET && request.headers().contains_key("authorization") {
            (doors.authenticate)(&bearer(request)?, address)?;
        }
        Self::open(request, None)
    }

    /// How urgent this is. What only reads may still be a POST: previews, verifications.
    fn class(&self) -> Class {
        const HEAVY: [&str; 4] = ["reports:read", "gl:read", "gst:read", "audit:read"];
        let permission = self.operation.permission.as_str();
        let reads = self.dry_run || self.request.method() == actix_web::http::Method::GET || permission.ends_with(":read");
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
    fn seen(&self) -> Option<Seen> {
        let noted = self.operation.permission != "any" && self.principal.as_ref().is_some_and(Principal::only_reads);
        let path = self.request.path();
        noted.then(|| Seen { path: path.to_owned(), query: self.request.query_string().to_owned(), id: path.rsplit('/').find_map(|part| part.parse().ok()) })
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&Doors) -> Result<T, Problem> + Send + 'static) -> Result<T, Problem> {
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
    async fn watch<T: Send + 'static>(
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

/// The answer of one request: that of its key if it was given before, else what `work` comes to, recorded and kept
/// for the key in the transaction of the work.
pub(super) fn answer(
    doors: &Doors,
    start: &Start,
    key: Option<&Key>,
    dry_run: bool,
    work: impl Fn(&mut Tx<'_>) -> Result<(Rendered, bool), Problem>,
) -> Result<Rendered, Problem> {
    let done = in_transaction(doors, start, key.is_some(), |tx| {
        let claim = match key.map(|key| idempotency::claim(tx, key)).transpose()? {
            Some(Claim::Replay(reply)) => return Ok((reply, false)),
            Some(Claim::Fresh(id)) => Some(id),
            None => None,
        };
        let (mut reply, keep) = work(tx)?;
        if dry_run {
            reply.location = None;
            reply.status = if reply.status == 207 { 207 } else { 200 };
        } else if keep {
            let stored = claim.map(|id| Ok::<_, Problem>((id, reply.kept()?))).transpose()?;
            audit::flush(tx, stored.as_slice())?;
        }
        Ok((reply, keep && !dry_run))
    });
    match done {
        Err(problem) if problem.refusal().code.starts_with("sod_") && !dry_run => Err(blocked(doors, start, problem)),
        done => done,
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

impl<P: Permission> Caller<P> {
    /// Who calls.
    pub fn principal(&self) -> Result<&Principal, Problem> {
        self.entry.principal.as_ref().ok_or_else(|| Problem::internal(&"a caller without a principal"))
    }

    /// For a change of the company itself: forgets what is cached of it.
    pub fn forgetting_facts(&self) -> Result<impl FnOnce() + use<P>, Problem> {
        let (doors, company) = (self.entry.doors.clone(), self.principal()?.company);
        Ok(move || doors.forget(company))
    }

    /// The request's version condition: `None` for `*`. Missing is 428.
    pub fn if_match(&self) -> Result<Option<i64>, Problem> {
        let header = self.entry.request.headers().get("if-match");
        let Some(value) = header else {
            return Err(Problem::new(problem::IF_MATCH_REQUIRED, "Send the ETag of the version you read as If-Match.").errors(vec![FieldError::header(
                "If-Match",
                "header_missing",
                "This operation needs an If-Match header.",
            )]));
        };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(None);
        }
        // A weak tag, and one that is not ours, is good form and matches nothing (RFC 9110 13.1.1).
        let tag = text.strip_prefix("W/").unwrap_or(text).strip_prefix('"').and_then(|t| t.strip_suffix('"')).filter(|t| !t.contains('"'));
        let version = || text.strip_prefix("\"v").and_then(|t| t.strip_suffix('"')).and_then(|t| t.parse().ok());
        let found = tag.map(|_| version().unwrap_or(MATCHES_NOTHING));
        found.map(Some).ok_or_else(|| {
            Problem::new(problem::IF_MATCH_INVALID, "If-Match takes one version tag like \"v3\".").errors(vec![FieldError::header(
                "If-Match",
                "header_invalid",
                "One strong tag like \"v3\", or *.",
            )])
        })
    }

    /// The request's version condition where it sends one.
    pub fn if_match_sent(&self) -> Result<Option<i64>, Problem> {
        if self.entry.request.headers().contains_key("if-match") { self.if_match() } else { Ok(None) }
    }

    /// Runs `work` READ ONLY on one snapshot.
    pub async fn read<T: Send + 'static>(self, work: impl FnOnce(&mut Rx<'_>) -> Result<T, Problem> + Send + 'static) -> Reply<T> {
        let (start, seen) = (self.entry.context(), self.entry.seen());
        self.entry.blocking(move |doors| looked_at(doors, &start, seen, work)).await
    }

    /// Reads one answer, and what the caller wants told with it.
    pub async fn fetch<T: Resource + Send + 'static>(self, work: impl FnOnce(&mut Rx<'_>) -> Result<T, Problem> + Send + 'static) -> Reply<Fetched<T>> {
        let (start, seen) = (self.entry.context(), self.entry.seen());
        let asked = expansion::asked(self.entry.request.query_string(), self.entry.principal.as_ref())?;
        let read = move |doors: &Doors| {
            let (value, more) = looked_at(doors, &start, seen, |rx| {
                let value = work(rx)?;
                let more = expansion::told(rx, &asked, &value)?;
                Ok((value, more))
            })?;
            let rendered = Rendered::new(200, &value)?;
            Ok(Fetched::of(match more {
                Some(more) => rendered.with_more(&more),
                None => rendered,
            }))
        };
        self.entry.blocking(read).await
    }

    /// Reads one answer, again and again until it is worth giving (`look` says so first) or the seconds are up; between
    /// two looks it holds nothing but its connection to the caller.
    pub async fn watch<T: Resource + Send + 'static>(
        self,
        seconds: u64,
        changed: &Notify,
        look: impl Fn(&mut Rx<'_>) -> Result<(bool, T), Problem> + Send + Sync + 'static,
    ) -> Reply<Fetched<T>> {
        let (_, value) = self.entry.watch(seconds, changed, look).await?;
        Fetched::ok(&value)
    }

    /// Reads one answer, again whenever there is news (and now and then, as other processes bring news too), until it
    /// holds what the caller waits for or the time is up. Nothing is held while waiting.
    pub async fn wait_for<T: Resource + Send + 'static>(
        self,
        longest: Duration,
        read: impl Fn(&mut Rx<'_>) -> Result<(T, bool), Problem> + Clone + Send + 'static,
    ) -> Reply<Fetched<T>> {
        const LOOK: Duration = Duration::from_secs(2);
        let (start, until) = (self.entry.context(), Instant::now() + longest);
        loop {
            let known = self.entry.doors.news.of(start.company);
            let (asked, read) = (start.clone(), read.clone());
            let (value, there) = self.entry.blocking(move |doors| on_snapshot(doors, &asked, read)).await?;
            let left = until.saturating_duration_since(Instant::now());
            if there || left.is_zero() {
                return Fetched::ok(&value);
            }
            let _ = tokio::time::timeout(left.min(LOOK), self.entry.doors.news.after(start.company, known)).await;
        }
    }

    /// A file of what is read. Where `read` finds nothing because something is to be kept first, `keep` does that, once, in
    /// a transaction of its own. It is made when the database is given back.
    pub async fn file<T: Send + 'static>(
        self,
        read: impl Fn(&mut Rx<'_>) -> Result<Option<T>, Problem> + Send + 'static,
        keep: impl Fn(&mut Tx<'_>) -> Result<(), Problem> + Send + 'static,
        make: impl FnOnce(T) -> Result<File, Problem> + Send + 'static,
    ) -> Reply<File> {
        let (start, seen) = (self.entry.context(), self.entry.seen());
        let work = move |doors: &Doors| {
            if let Some(found) = looked_at(doors, &start, seen, &read)? {
                return make(found);
            }
            // The service keeps it for itself: whoever only reads changes nothing.
            in_transaction(doors, &start.by_the_service(), false, |tx| {
                keep(tx)?;
                Ok(((), kept(tx)?))
            })?;
            make(on_snapshot(doors, &start, &read)?.ok_or_else(|| Problem::internal(&"what was kept is not found"))?)
        };
        self.entry.blocking(work).await
    }

    /// Which of the forms an answer may take the caller likes best; the first where it does not mind.
    #[must_use]
    pub fn prefers(&self, offered: &[&'static str]) -> Option<&'static str> {
        accept::preferred(accepted(&self.entry.request), offered)
    }

    /// Looks something up that a change needs beforehand. Nothing it does is kept.
    pub async fn peek<T: Send + 'static>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T, Problem> + Send + 'static) -> Reply<T> {
        let start = self.entry.context();
        self.entry.blocking(move |doors| in_transaction(doors, &start, false, |tx| Ok((work(tx)?, false)))).await
    }

    /// Runs work of the service itself that this request waits for.
    pub async fn behind_the_scenes(&self, work: impl FnOnce(&Doors) -> Result<(), Problem> + Send + 'static) -> Reply<()> {
        self.entry.blocking(work).await
    }

    /// Creates one resource: 201 with `Location`, or 202 when it waits for an approval.
    pub async fn create<T: Resource + Send + 'static>(self, work: impl Fn(&mut Tx<'_>) -> Result<Audited<T>, Problem> + Send + 'static) -> Reply<Created<T>> {
        let path = self.entry.request.path().to_owned();
        let rendered = self.entry.transact(move |tx| {
            let value = work(tx)?.into_inner();
            Ok((Rendered::created(&value, &path)?, true))
        });
        rendered.await.map(Created::of)
    }

    /// Begins long work: 202 with the address of its job; 200 where the caller prefers to wait for its end and that comes in time.
    pub async fn begin(self, work: impl Fn(&mut Tx<'_>) -> Result<Audited<Task>, Problem> + Send + 'static) -> Reply<Accepted<Task>> {
        let rendered = self.entry.transact(move |tx| {
            let mut rendered = Rendered::new(202, work(tx)?.get())?;
            rendered.location =
                serde_json::from_str::<serde_json::Value>(&rendered.body).ok().and_then(|job| Some(format!("/v1/jobs/{}", job["id"].as_str()?)));
            Ok((rendered, true))
        });
        let begun = rendered.await;
        work::ring();
        let mut begun = begun?;
        let headers = self.entry.request.headers().get_all("prefer").filter_map(|value| value.to_str().ok());
        let id = begun.location.as_deref().and_then(|path| path.rsplit('/').next()).and_then(|id| id.parse().ok()).map(JobId::of);
        if let (Some(seconds), Some(id)) = (accept::wait(headers), id) {
            let seconds = seconds.min(LONGEST_WAIT);
            let (done, task) = self.entry.watch(seconds, &work::CHANGED, move |rx| jobs::get(rx, id).map(|task| (task.finished_at.is_some(), task))).await?;
            let now = Rendered::new(if done { 200 } else { begun.status }, &task)?;
            (begun.status, begun.body, begun.etag) = (now.status, now.body, now.etag);
            begun.applied = Some(format!("wait={seconds}"));
        }
        Ok(Accepted::of(begun))
    }

    /// Changes something: 200, or 202 when it waits for an approval.
    pub async fn change<T: Resource + Send + 'static>(self, work: impl Fn(&mut Tx<'_>) -> Result<Audited<T>, Problem> + Send + 'static) -> Reply<Done<T>> {
        let rendered = self.entry.transact(move |tx| {
            let done = work(tx)?;
            let status = if done.get().awaits() { 202 } else { 200 };
            Ok((Rendered::new(status, done.get())?, true))
        });
        rendered.await.map(Done::of)
    }

    /// Does everything, keeps nothing, answers 200: for previews.
    pub async fn rehearse<T: Resource + Send + 'static>(self, work: impl Fn(&mut Tx<'_>) -> Result<T, Problem> + Send + 'static) -> Reply<Done<T>> {
        self.entry.transact(move |tx| Ok((Rendered::new(200, &work(tx)?)?, false))).await.map(Done::of)
    }
}

impl Public {
    pub fn request(&self) -> &HttpRequest {
        &self.entry.request
    }
    /// Runs `work` on the identity tables; the events it records belong to the company it enters.
    pub async fn write<T: Send + 'static>(&self, work: impl Fn(&mut Tx<'_>) -> Result<T, Problem> + Send + 'static) -> Reply<T> {
        let start = self.entry.context();
        self.entry.blocking(move |doors| in_transaction(doors, &start, false, |tx| Ok((work(tx)?, true)))).await
    }
}

/// Of which limits a request takes.
fn kinds(permission: &str, request: &HttpRequest) -> &'static [Kind] {
    match permission {
        "reports:read" => &[Kind::Default, Kind::Reports],
        "exports:create" if request.method() == actix_web::http::Method::POST => &[Kind::Default, Kind::Exports],
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

fn accepted(request: &HttpRequest) -> Option<&str> {
    request.headers().get("accept").and_then(|v| v.to_str().ok())
}

fn acceptable(request: &HttpRequest, operation: &Operation) -> Result<(), Problem> {
    let answers: Vec<&str> = operation.answers.iter().map(String::as_str).chain(["application/problem+json"]).collect();
    match accept::preferred(accepted(request), &answers) {
        Some(_) => Ok(()),
        None => Err(Problem::new(problem::NOT_ACCEPTABLE, format!("This operation answers {}.", operation.answers.join(", ")))),
    }
}

/// The id given to the request at the edge.
pub fn request_id(request: &HttpRequest) -> String {
    request.extensions().get::<crate::platform::http::edge::RequestId>().map_or_else(|| "req_none".to_owned(), |id| id.0.clone())
}

/// What a transaction starts from.
#[derive(Clone)]
pub(super) struct Start {
    company: CompanyId,
    actor: Actor,
    pub(super) principal: Option<Principal>,
    portfolio: Option<Uuid>,
    request_id: String,
    operation: String,
    pub(super) address: Option<IpAddr>,
    identity: bool,
}

impl Start {
    fn system(company: Option<CompanyId>, operation: &str) -> Self {
        Self {
            company: company.unwrap_or(CompanyId::of(Uuid::nil())),
            actor: Actor::System,
            principal: None,
            portfolio: None,
            request_id: format!("req_{}", Uuid::now_v7().simple()),
            operation: operation.to_owned(),
            address: None,
            identity: company.is_none(),
        }
    }

    /// The same request, for what the service does by itself.
    fn by_the_service(&self) -> Self {
        Self { actor: Actor::System, principal: None, portfolio: None, ..self.clone() }
    }

    /// The caller's roles, for the guard of soft-closed months.
    fn roles(&self) -> String {
        let given = self.principal.iter().flat_map(|principal| &principal.roles);
        ROLES.into_iter().filter(|role| given.clone().any(|name| name == role)).collect::<Vec<_>>().join(",")
    }

    /// What opens a transaction and says whose it is. Ids and the names of roles only: nothing a caller wrote is
    /// put into this text.
    pub(super) fn settings(&self, begin: &str) -> String {
        format!(
            "BEGIN {begin}; SELECT set_config('app.company_id', '{}', true), set_config('app.actor', '{}', true), set_config('app.portfolio', '{}', true), set_config('app.roles', '{}', true), set_config('app.identity', '{}', true), set_config('application_name', 'duebook {}', true)",
            self.company.uuid(),
            self.actor,
            self.portfolio.map(|user| user.to_string()).unwrap_or_default(),
            self.roles(),
            if self.identity { "on" } else { "" },
            self.company.uuid(),
        )
    }
}

/// Writes the events of a transaction, if it has any; then it is to be kept.
fn kept(tx: &mut Tx<'_>) -> Result<bool, Problem> {
    if tx.pending.is_empty() {
        return Ok(false);
    }
    audit::flush(tx, &[])?;
    Ok(true)
}

/// A system actor's transaction, for set-up, jobs and the command line.
pub fn run_system<T>(doors: &Doors, company: Option<CompanyId>, operation: &str, work: impl Fn(&mut Tx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    in_transaction(doors, &Start::system(company, operation), false, |tx| {
        let value = work(tx)?;
        if !tx.pending.is_empty() {
            audit::flush(tx, &[])?;
        }
        Ok((value, true))
    })
}

/// A system actor's snapshot.
pub fn run_system_read<T>(
    doors: &Doors,
    company: Option<CompanyId>,
    operation: &str,
    work: impl FnOnce(&mut Rx<'_>) -> Result<T, Problem>,
) -> Result<T, Problem> {
    on_snapshot(doors, &Start::system(company, operation), work)
}

/// Somebody for whom the service works after the request that asked for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Behalf {
    company: CompanyId,
    actor: Actor,
    roles: Vec<String>,
    scopes: Option<Vec<String>>,
    portfolio: Option<Uuid>,
    request_id: String,
    operation: String,
    address: Option<IpAddr>,
}

impl Behalf {
    #[must_use]
    pub fn of(cx: &Context) -> Self {
        let (roles, scopes) = cx.principal.clone().map(|principal| (principal.roles, principal.scopes)).unwrap_or_default();
        let (request_id, operation) = (cx.request_id.clone(), cx.operation.clone());
        Self { company: cx.company, actor: cx.actor, roles, scopes, portfolio: cx.portfolio, request_id, operation, address: cx.address }
    }
    /// The request that asked for it.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }
    #[must_use]
    pub fn company(&self) -> CompanyId {
        self.company
    }
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.actor
    }
    #[must_use]
    pub fn roles(&self) -> &[String] {
        &self.roles
    }
    fn start(&self) -> Start {
        let principal = Principal {
            actor: self.actor,
            company: self.company,
            roles: self.roles.clone(),
            scopes: self.scopes.clone(),
            session: Uuid::nil(),
            requests_per_minute: None,
        };
        Start {
            company: self.company,
            actor: self.actor,
            principal: Some(principal),
            portfolio: self.portfolio,
            request_id: self.request_id.clone(),
            operation: self.operation.clone(),
            address: self.address,
            identity: false,
        }
    }
}

/// A transaction for somebody who asked for long work; its events are theirs.
pub fn run_for<T>(doors: &Doors, behalf: &Behalf, work: impl Fn(&mut Tx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    in_transaction(doors, &behalf.start(), false, |tx| {
        let value = work(tx)?;
        kept(tx)?;
        Ok((value, true))
    })
}

/// A snapshot for somebody who asked for long work.
pub fn snapshot_for<T>(doors: &Doors, behalf: &Behalf, work: impl FnOnce(&mut Rx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    on_snapshot(doors, &behalf.start(), work)
}

/// A violation of segregation that was blocked leaves its trace, though nothing else of the request does.
fn blocked(doors: &Doors, start: &Start, problem: Problem) -> Problem {
    let (Actor::User(who) | Actor::Client(who)) = start.actor else { return problem };
    let noted = in_transaction(doors, start, false, |tx| {
        let what = serde_json::json!({"code": problem.refusal().code, "operation": start.operation, "detail": problem.to_string()});
        let _ = tx.record(super::Change::new("control.violation_blocked", who).after(&what), ());
        audit::flush(tx, &[])?;
        Ok(((), true))
    });
    noted.err().unwrap_or(problem)
}

const TRIES: u32 = 3;

/// Begin, work, commit; tried again after a serialization failure or deadlock, and after a lost
/// connection when the idempotency key can tell what became of the first try.
pub(super) fn in_transaction<T>(doors: &Doors, start: &Start, keyed: bool, work: impl Fn(&mut Tx<'_>) -> Result<(T, bool), Problem>) -> Result<T, Problem> {
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt(doors, start, &work) {
            Err(problem) if tries < TRIES && (problem.transient() || keyed && problem.is(problem::DEPENDENCY_UNAVAILABLE)) => {
                metrics::counter!("duebook_transaction_retries_total").increment(1);
                std::thread::sleep(Duration::from_millis(rand::random_range(10..100)));
            }
            done => return done,
        }
    }
}

fn attempt<T>(doors: &Doors, start: &Start, work: &impl Fn(&mut Tx<'_>) -> Result<(T, bool), Problem>) -> Result<T, Problem> {
    let mut link = doors.pool.open(&start.settings("ISOLATION LEVEL READ COMMITTED"))?;
    let context = context(doors, start, &mut link.connection);
    let done = context.and_then(|context| {
        let mut tx = Tx::new(Rx::new(&mut link.connection, context));
        let (value, keep) = work(&mut tx)?;
        tx.batch(if keep { "COMMIT" } else { "ROLLBACK" })?;
        for company in tx.flushed.iter().filter(|_| keep) {
            doors.wrote(*company);
        }
        Ok(value)
    });
    link.finish(done)
}

fn on_snapshot<T>(doors: &Doors, start: &Start, work: impl FnOnce(&mut Rx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    // What is settled is asked before the snapshot is taken, or what is recorded between the two would be missed.
    let settled = format!("BEGIN; SELECT set_config('app.settled', settled_until('{}')::text, false); COMMIT", start.company.uuid());
    let begin = start.settings("ISOLATION LEVEL REPEATABLE READ READ ONLY");
    let mut link = doors.pool.open(&format!("{settled}; {begin}; {WIDELY}"))?;
    let done = context(doors, start, &mut link.connection).and_then(|context| {
        let mut rx = Rx::new(&mut link.connection, context);
        let value = work(&mut rx)?;
        rx.batch("COMMIT")?;
        Ok(value)
    });
    link.finish(done)
}

/// A read that leaves a trace.
struct Seen {
    path: String,
    query: String,
    /// The thing it is about, where the address names one.
    id: Option<Uuid>,
}

/// A snapshot for a caller. Where a trace is to be left, nothing is told without it.
fn looked_at<T>(doors: &Doors, start: &Start, seen: Option<Seen>, work: impl FnOnce(&mut Rx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
    let value = on_snapshot(doors, start, work)?;
    if let Some(seen) = seen {
        in_transaction(doors, start, false, |tx| {
            let what = serde_json::json!({"path": seen.path, "query": seen.query});
            let _ = tx.record(super::Change::new("record.read", seen.id.unwrap_or(start.company.uuid())).after(&what), ());
            audit::flush(tx, &[])?;
            Ok(((), true))
        })?;
    }
    Ok(value)
}

row! {
    struct FactsRow {
        base_currency: String, time_zone: String, fiscal_year_start: i32, round_to_unit: bool, tolerance_percent: Decimal, tolerance_amount: Decimal, discount_grace_days: i32,
        accept_late_discount: bool, partial_discount: bool, exchange_rate_max_age_days: i32, turnover: Option<serde_json::Value>, einvoice_excluded_as: Option<String>, check_invoices: bool,
    }
}

fn context(doors: &Doors, start: &Start, connection: &mut diesel::pg::PgConnection) -> Result<Arc<Context>, Problem> {
    let facts = facts(doors, start.company, connection)?;
    let now = clock::now();
    Ok(Arc::new(Context {
        company: start.company,
        today: business_date(now, facts.zone),
        facts,
        actor: start.actor,
        principal: start.principal.clone(),
        request_id: start.request_id.clone(),
        operation: start.operation.clone(),
        address: start.address,
        now,
        portfolio: start.portfolio,
        event_key: doors.event_key,
    }))
}

fn facts(doors: &Doors, company: CompanyId, connection: &mut diesel::pg::PgConnection) -> Result<Arc<CompanyFacts>, Problem> {
    const FRESH: Duration = Duration::from_secs(2);
    if let Ok(cache) = doors.facts.lock()
        && let Some((at, facts)) = cache.get(&company)
        && at.elapsed() < FRESH
    {
        return Ok(Arc::clone(facts));
    }
    let sql = Sql::new(
        "SELECT base_currency, time_zone, fiscal_year_start, round_to_unit, payment_tolerance_percent AS tolerance_percent, payment_tolerance_amount::numeric AS tolerance_amount,
                discount_grace_days, late_discount = 'accept' AS accept_late_discount, partial_discount, exchange_rate_max_age_days, turnover, einvoice_excluded_as,
                coalesce((SELECT (p.content ->> 'check_invoices')::boolean FROM credit_policy p WHERE p.company_id = company.id AND p.effective_from <= (now() AT TIME ZONE time_zone)::date
                          ORDER BY p.effective_from DESC, p.version DESC LIMIT 1), false) AS check_invoices FROM company WHERE id = $1",
    )
    .bind(company);
    let row = diesel::query_dsl::RunQueryDsl::load::<FactsRow>(sql, connection)?.into_iter().next();
    let facts = Arc::new(CompanyFacts {
        currency: row
            .as_ref()
            .and_then(|row| Currency::parse(&row.base_currency))
            .or_else(|| Currency::parse("INR"))
            .ok_or_else(|| Problem::internal(&"no currency"))?,
        zone: row.as_ref().and_then(|row| row.time_zone.parse().ok()).unwrap_or(chrono_tz::Asia::Kolkata),
        fiscal_year_start: row.as_ref().and_then(|row| u32::try_from(row.fiscal_year_start).ok()).unwrap_or(4),
        round_to_unit: row.as_ref().is_some_and(|row| row.round_to_unit),
        settlement: row.as_ref().map_or_else(SettlementPolicy::default, |row| SettlementPolicy {
            tolerance_percent: row.tolerance_percent,
            tolerance_amount: row.tolerance_amount,
            discount_grace_days: row.discount_grace_days.unsigned_abs(),
            accept_late_discount: row.accept_late_discount,
            partial_discount: row.partial_discount,
        }),
        exchange_rate_max_age_days: row.as_ref().map_or(1, |row| row.exchange_rate_max_age_days.unsigned_abs()),
        einvoicing: row.as_ref().map_or_else(Einvoicing::default, |row| Einvoicing {
            turnover: row.turnover.clone().and_then(|turnover| serde_json::from_value(turnover).ok()).unwrap_or_default(),
            excluded_as: row.einvoice_excluded_as.clone(),
        }),
        check_invoices: row.as_ref().is_some_and(|row| row.check_invoices),
    });
    if let (Ok(mut cache), true) = (doors.facts.lock(), row.is_some()) {
        cache.insert(company, (Instant::now(), Arc::clone(&facts)));
    }
    Ok(facts)
}

impl Tx<'_> {
    /// Records a change in another company: a log-in before its company is known.
    pub fn note_in(&mut self, company: CompanyId, change: super::Change) -> Result<(), Problem> {
        self.within(company, |tx| {
            let _ = tx.record(change, ());
            if tx.company() == company && !tx.pending.is_empty() { audit::flush(tx, &[]) } else { Ok(()) }
        })
    }

    /// Works inside another company for a moment (set-up of a new one, a login before its company
    /// is known). Its events are written there.
    pub fn within<T>(&mut self, company: CompanyId, work: impl FnOnce(&mut Tx<'_>) -> Result<T, Problem>) -> Result<T, Problem> {
        let home = self.company();
        if home == company {
            return work(self);
        }
        let outer = std::mem::take(&mut self.pending);
        self.enter(company)?;
        let value = work(self)?;
        if !self.pending.is_empty() {
            audit::flush(self, &[])?;
        }
        self.enter(home)?;
        self.pending = outer;
        Ok(value)
    }
}
