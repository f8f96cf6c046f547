//! `Caller<P>`: the only door handlers have to the database.

use super::audit::Audited;
use super::doors::Doors;
use super::entry::{Entry, accepted};
use super::expansion;
use super::run::{in_transaction, looked_at, on_snapshot};
use super::transaction::{Rx, Tx};
use super::{Permission, Principal};
use crate::platform::http::accept;
use crate::platform::http::problem::{self, FieldError, Problem};
use crate::platform::http::reply::{Accepted, Created, Done, Fetched, File, Rendered, Reply, Resource};
use crate::platform::ids::JobId;
use crate::platform::jobs::store as jobs;
use crate::platform::jobs::types::Task;
use crate::platform::jobs::work;
use actix_web::{FromRequest, HttpRequest, dev};
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Seconds a caller may wait for the end of long work.
const LONGEST_WAIT: u64 = 30;

/// The version nothing has.
const MATCHES_NOTHING: i64 = -1;

/// A caller who holds `P`.
pub struct Caller<P> {
    pub(super) entry: Entry,
    permission: PhantomData<P>,
}

/// A caller of a public operation: no token, no company, identity tables only.
pub struct Public {
    entry: Entry,
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
                Ok(((), tx.kept()?))
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
