//! Grouped posting: requests of one caller to one operation that arrive while another is at work share the next
//! transaction, so that the counter of a series, the locks and the flush to disk are paid once for all of
//! them. Each keeps its own answer, idempotency key and audit event; one that fails in the database is tried
//! alone, as is every other of its group. Who comes alone waits for nobody.

use super::audit::{self, Outcomes};
use super::caller::Caller;
use super::doors::Doors;
use super::gate::{self, Class};
use super::idempotency::{self, Claim, Key};
use super::run::{answer, in_transaction};
use super::start::Start;
use super::transaction::Tx;
use super::{Permission, request_id};
use crate::platform::http::Body;
use crate::platform::http::problem::Problem;
use crate::platform::http::reply::{Created, Rendered, Reply, Resource};
use crate::platform::ids::CompanyId;
use actix_web::web;
use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What one transaction takes at most.
const MOST: usize = 64;
/// Who waits behind that is told to come back.
const LONGEST_QUEUE: usize = 1_000;

/// How many requests back the pace is remembered by half, when all come in full groups.
const PAST: u32 = 64;

/// A request that waits for its transaction.
struct Member<I> {
    start: Start,
    key: Key,
    request_id: String,
    path: String,
    input: I,
    reply: oneshot::Sender<Result<Rendered, Problem>>,
}

/// The requests that wait, by operation and caller.
#[derive(Default)]
pub struct Groups(Mutex<Lanes>);

#[derive(Default)]
struct Lanes {
    open: HashMap<String, Lane>,
    /// How long a request lately took of its group's time, whichever lane it stood in.
    pace: Duration,
}

struct Lane {
    /// A `Vec<Member<I>>`.
    waiting: Box<dyn Any + Send>,
    /// How many are being served.
    inside: usize,
}

enum Joined {
    /// Somebody leads already and will come to it.
    Led,
    /// Nobody is at work: the newcomer leads.
    Leads,
    Full,
}

impl Groups {
    fn join<I: Send + 'static>(&self, lane: &str, member: Member<I>) -> Joined {
        let Ok(mut lanes) = self.0.lock() else { return Joined::Full };
        let Lanes { open, pace } = &mut *lanes;
        let leads = !open.contains_key(lane);
        let Lane { waiting, inside } = open.entry(lane.to_owned()).or_insert_with(|| Lane { waiting: Box::new(Vec::<Member<I>>::new()), inside: 0 });
        match waiting.downcast_mut::<Vec<Member<I>>>() {
            Some(waiting) if waiting.len() < LONGEST_QUEUE && !gate::too_long(*pace, waiting.len() + *inside) => waiting.push(member),
            _ => return Joined::Full,
        }
        if leads { Joined::Leads } else { Joined::Led }
    }

    /// The next group, oldest first, without those whose caller is gone; when nobody waits, the lane is closed.
    fn next<I: Send + 'static>(&self, lane: &str) -> Vec<Member<I>> {
        let Ok(mut lanes) = self.0.lock() else { return Vec::new() };
        let Some(Lane { waiting, inside }) = lanes.open.get_mut(lane) else { return Vec::new() };
        let Some(waiting) = waiting.downcast_mut::<Vec<Member<I>>>() else { return Vec::new() };
        waiting.retain(|member| !member.reply.is_closed());
        let group: Vec<_> = waiting.drain(..waiting.len().min(MOST)).collect();
        *inside = group.len();
        if group.is_empty() {
            lanes.open.remove(lane);
        }
        group
    }

    /// Learns from a group how long those who come now will wait; the more it served, the more it says.
    fn took(&self, members: usize, group: Duration) {
        if let (Ok(mut lanes), Ok(members)) = (self.0.lock(), u32::try_from(members)) {
            lanes.pace = (lanes.pace * PAST + group) / (PAST + members);
        }
    }
}

impl<P: Permission> Caller<P> {
    /// Creates one resource as [`Caller::create`] does, together with what the same caller creates at the same time.
    /// `all` gives each its outcome, or an error when they must be tried one by one.
    pub async fn create_among<I, T, W>(self, body: Body<I>, all: W) -> Reply<Created<T>>
    where
        I: Send + Sync + 'static,
        T: Resource + Send + 'static,
        W: Fn(&mut Tx<'_>, &[&I]) -> Outcomes<T> + Copy + Send + Sync + 'static,
    {
        let Some(key) = self.entry.key()? else { return self.create(move |tx| alone(all(tx, &[&body.0])?)).await };
        let start = self.entry.context();
        let rights = start.principal.as_ref().map(|principal| (&principal.roles, &principal.scopes));
        let lane = format!("{} {rights:?} {}", self.entry.operation.id, start.settings(""));
        let (reply, answered) = oneshot::channel();
        let request = &self.entry.request;
        let member = Member { start, key, request_id: request_id(request), path: request.path().to_owned(), input: body.0, reply };
        let (doors, company) = (self.entry.doors.clone(), self.principal()?.company);
        match doors.groups.join(&lane, member) {
            Joined::Full => return Err(gate::turned_away(Class::Posting)),
            Joined::Leads => drop(actix_web::rt::spawn(lead::<I, T, W>(doors.clone(), company, lane, all))),
            Joined::Led => {}
        }
        answered.await.map_err(|_| Problem::internal(&"a group without an answer"))?.map(Created::of)
    }
}

fn alone<T>(mut of_one: Vec<Result<T, Problem>>) -> Result<T, Problem> {
    of_one.pop().unwrap_or_else(|| Err(Problem::internal(&"a request without an answer")))
}

/// Serves group after group until nobody waits. It outlives the request that began it.
async fn lead<I, T, W>(doors: web::Data<Doors>, company: CompanyId, lane: String, all: W)
where
    I: Send + Sync + 'static,
    T: Resource + Send + 'static,
    W: Fn(&mut Tx<'_>, &[&I]) -> Outcomes<T> + Copy + Send + Sync + 'static,
{
    loop {
        // The wait for a slot counts: it is what those who queue behind will wait as well.
        let began = Instant::now();
        let permit = doors.gate.enter(Class::Posting, company).await;
        let group = doors.groups.next::<I>(&lane);
        if group.is_empty() {
            return;
        }
        match permit {
            Ok(permit) => {
                let (serving, members) = (doors.clone(), group.len());
                // A panic leaves its group without answers, which their requests tell as a fault of ours.
                let _ = web::block(move || {
                    serve(&serving, group, all);
                    drop(permit);
                })
                .await;
                doors.groups.took(members, began.elapsed());
            }
            Err(problem) => group.into_iter().for_each(|member| drop(member.reply.send(Err(problem.clone())))),
        }
    }
}

fn serve<I, T: Resource>(doors: &Doors, group: Vec<Member<I>>, all: impl Fn(&mut Tx<'_>, &[&I]) -> Outcomes<T>) {
    let mut keys = HashSet::new();
    let (mut group, twins): (Vec<_>, Vec<_>) = group.into_iter().partition(|member| keys.insert((member.key.scope.clone(), member.key.key.clone())));
    if group.len() > 1
        && let Ok(replies) = together(doors, &group, &all)
    {
        group.drain(..).zip(replies).for_each(|(member, reply)| drop(member.reply.send(reply)));
    }
    for member in group.into_iter().chain(twins) {
        let reply = answer(doors, &member.start, Some(&member.key), false, |tx| {
            let value = alone(all(tx, &[&member.input])?)?.into_inner();
            Ok((Rendered::created(&value, &member.path)?, true))
        });
        let _ = member.reply.send(reply);
    }
}

/// All members in one transaction.
fn together<I, T: Resource>(
    doors: &Doors,
    group: &[Member<I>],
    all: &impl Fn(&mut Tx<'_>, &[&I]) -> Outcomes<T>,
) -> Result<Vec<Result<Rendered, Problem>>, Problem> {
    in_transaction(doors, &group[0].start, true, |tx| {
        let claims = idempotency::claim_all(tx, &group.iter().map(|member| &member.key).collect::<Vec<_>>())?;
        let fresh: Vec<&I> = claims.iter().zip(group).filter(|(claim, _)| matches!(claim, Ok(Claim::Fresh(_)))).map(|(_, member)| &member.input).collect();
        let mut made = if fresh.is_empty() { Vec::new() } else { all(tx, &fresh)? }.into_iter();
        let (mut kept, mut refused, mut replies) = (Vec::new(), Vec::new(), Vec::with_capacity(group.len()));
        for (claim, member) in claims.into_iter().zip(group) {
            replies.push(match claim {
                Err(problem) => Err(problem),
                Ok(Claim::Replay(reply)) => Ok(reply),
                Ok(Claim::Fresh(id)) => match made.next().unwrap_or_else(|| Err(Problem::internal(&"a request without an answer"))) {
                    Ok(value) => {
                        tx.pending[value.event()].done_for(&member.request_id, member.start.address);
                        let reply = Rendered::created(value.get(), &member.path)?;
                        kept.push((id, reply.kept()?));
                        Ok(reply)
                    }
                    Err(problem) => {
                        refused.push(id);
                        Err(problem)
                    }
                },
            });
        }
        if !kept.is_empty() {
            idempotency::release(tx, refused)?;
            audit::flush(tx, &kept)?;
        }
        Ok((replies, !kept.is_empty()))
    })
}
