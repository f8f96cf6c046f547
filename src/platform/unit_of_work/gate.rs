//! Admission: bounded queues before the database, and who goes first when there is not enough for all.
//!
//! A slot is the right to use one connection. Writes go before reads and reads before reports, and two shares
//! are never lent: a fifth of the slots for writes (half while one is at work), one slot for reads that wait, so that neither starves; a report
//! goes before reads while none is at work. No
//! company takes more than four fifths, which it shares out in the same way, and companies that wait take turns.
//! Who would wait too long is told so on arrival, in no time, with Retry-After: a queue nobody waits in to the
//! end only makes everybody late.

use crate::platform::http::problem::{self, Problem};
use crate::platform::ids::CompanyId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// What a request wants of the database, the most urgent first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Changes something: money above all.
    Posting,
    /// One thing, or a page of a list.
    Reading,
    /// Reads much: reports and verifications.
    Reporting,
}
const CLASSES: [Class; 3] = [Class::Posting, Class::Reading, Class::Reporting];
const REPORT_FIRST: [Class; 3] = [Class::Posting, Class::Reporting, Class::Reading];

/// Who is expected to wait longer than this is turned away on arrival.
const LONGEST_EXPECTED: Duration = Duration::from_millis(1_200);
/// Whose turn has not come by then is turned away, whatever was expected.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The queues before the connection pool.
#[derive(Clone)]
pub struct Gate(Arc<Shared>);

struct Shared {
    slots: usize,
    /// Places in the queue of one class for one company.
    longest_queue: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    inside: [usize; 3],
    companies: HashMap<CompanyId, [usize; 3]>,
    queues: [Queue; 3],
    tickets: u64,
}

/// Those of one class who wait, company by company in turn.
#[derive(Default)]
struct Queue {
    turns: VecDeque<CompanyId>,
    waiting: HashMap<CompanyId, VecDeque<(u64, oneshot::Sender<Pass>)>>,
    /// How long it lately took from one departure to the next.
    pace: Duration,
    departed: Option<Instant>,
}

/// A slot, given back when dropped.
pub struct Pass {
    shared: Arc<Shared>,
    class: Class,
    company: CompanyId,
}

/// A place in a queue, given up when dropped.
struct Place<'a> {
    shared: &'a Arc<Shared>,
    class: Class,
    company: CompanyId,
    ticket: u64,
}

impl Gate {
    #[must_use]
    pub fn new(slots: usize, longest_queue: usize) -> Self {
        Self(Arc::new(Shared { slots, longest_queue, state: Mutex::default() }))
    }

    /// Waits for a slot.
    ///
    /// # Errors
    /// `overloaded` (503) with Retry-After, at once when the wait would be too long.
    pub async fn enter(&self, class: Class, company: CompanyId) -> Result<Pass, Problem> {
        let shared = &self.0;
        let (place, turn) = {
            let mut state = shared.state();
            if shared.admits(&state, class, company) {
                state.admit(class, company);
                return Ok(Pass { shared: Arc::clone(shared), class, company });
            }
            if shared.too_long(&state, class, company) {
                return Err(turned_away(class));
            }
            let (sender, turn) = oneshot::channel();
            let ticket = state.line_up(class, company, sender);
            (Place { shared, class, company, ticket }, turn)
        };
        let pass = tokio::time::timeout(LONGEST_WAIT, turn).await;
        // Given up however the wait ends, also when the client goes away and the future is dropped.
        drop(place);
        if let Ok(Ok(pass)) = pass { Ok(pass) } else { Err(turned_away(class)) }
    }

    /// Refuses on arrival, before any work is done for a request that would be refused after it.
    pub fn look(&self, class: Class, company: CompanyId) -> Result<(), Problem> {
        let state = self.0.state();
        let refused = !self.0.admits(&state, class, company) && self.0.too_long(&state, class, company);
        if refused { Err(turned_away(class)) } else { Ok(()) }
    }

    /// Work in the background that has a backlog rests twice as long as its last step took while anybody is inside, so
    /// that requests lose no more than a third of one core to it.
    pub fn give_way(&self, began: Instant) {
        std::thread::sleep(self.rest(began.elapsed()));
    }

    /// How long it rests after a step that took so long.
    fn rest(&self, step: Duration) -> Duration {
        const LONGEST: Duration = Duration::from_secs(1);
        let busy = self.0.state().inside.iter().any(|inside| *inside > 0);
        if busy { (step * 2).min(LONGEST) } else { Duration::ZERO }
    }
}

/// Whether too long a wait is expected behind `ahead` others that take `pace` each. The first in line always may
/// wait: who else would find out that it goes faster by now?
pub(super) fn too_long(pace: Duration, ahead: usize) -> bool {
    ahead > 0 && u32::try_from(ahead + 1).map_or(Duration::MAX, |turns| pace.saturating_mul(turns)) > LONGEST_EXPECTED
}

/// The seconds differ, so that those sent away together do not come back together.
pub(super) fn turned_away(class: Class) -> Problem {
    metrics::counter!("duebook_requests_shed_total", "class" => format!("{class:?}").to_lowercase()).increment(1);
    Problem::new(problem::OVERLOADED, "The service is at its limit; try again.").retry_after(rand::random_range(1..=5))
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request may go in now: by the shares of all slots, and of those its company may take. Nobody
    /// who waits could: whenever that changes, [`Shared::call`] runs.
    fn admits(&self, state: &State, class: Class, company: CompanyId) -> bool {
        let reads = &state.queues[1..];
        let of_company = state.companies.get(&company).copied().unwrap_or_default();
        shares(self.slots, state.inside, class, reads.iter().any(|queue| !queue.turns.is_empty()))
            && shares((self.slots * 4 / 5).max(1), of_company, class, reads.iter().any(|queue| queue.waiting.contains_key(&company)))
    }

    fn too_long(&self, state: &State, class: Class, company: CompanyId) -> bool {
        let queue = &state.queues[class as usize];
        let ahead = queue.waiting.get(&company).map_or(0, VecDeque::len);
        let companies = queue.turns.len().max(1);
        ahead >= self.longest_queue || too_long(queue.pace.saturating_mul(u32::try_from(companies).unwrap_or(u32::MAX)), ahead)
    }

    /// Lets in whoever may go in.
    fn call(self: &Arc<Self>) {
        loop {
            let next = {
                let mut state = self.state();
                let order = if state.inside[Class::Reporting as usize] == 0 { REPORT_FIRST } else { CLASSES };
                order.into_iter().find_map(|class| self.next(&mut state, class))
            };
            let Some((class, company, sender)) = next else { return };
            // Who has gone away meanwhile gives the slot back right here.
            let _ = sender.send(Pass { shared: Arc::clone(self), class, company });
        }
    }

    fn next(&self, state: &mut State, class: Class) -> Option<(Class, CompanyId, oneshot::Sender<Pass>)> {
        let at = state.queues[class as usize].turns.iter().position(|company| self.admits(state, class, *company))?;
        let queue = &mut state.queues[class as usize];
        let company = queue.turns.remove(at)?;
        let (_, sender) = queue.waiting.get_mut(&company)?.pop_front()?;
        queue.depart();
        if queue.waiting.get(&company).is_some_and(VecDeque::is_empty) {
            queue.waiting.remove(&company);
        } else {
            queue.turns.push_back(company);
        }
        state.admit(class, company);
        Some((class, company, sender))
    }
}

/// Whether `slots`, of which `inside` are taken, have one for a class.
fn shares(slots: usize, inside: [usize; 3], class: Class, reads_wait: bool) -> bool {
    let [posting, reading, reporting] = inside;
    let free = posting + reading + reporting < slots;
    // Reads are short and many: all at once they would leave a posting a share of the processors no larger than each of theirs.
    let kept_for_writes = (slots / if posting > 0 { 2 } else { 5 }).max(1);
    // One slot cannot be shared out.
    free && (slots == 1
        || match class {
            Class::Posting => posting + 1 < slots || !reads_wait,
            Class::Reading => reading + reporting + kept_for_writes < slots,
            Class::Reporting => reading + reporting + kept_for_writes < slots && reporting < (slots / 4).max(1),
        })
}

impl State {
    fn admit(&mut self, class: Class, company: CompanyId) {
        self.inside[class as usize] += 1;
        self.companies.entry(company).or_default()[class as usize] += 1;
    }
    fn line_up(&mut self, class: Class, company: CompanyId, sender: oneshot::Sender<Pass>) -> u64 {
        self.tickets += 1;
        let queue = &mut self.queues[class as usize];
        if queue.turns.is_empty() {
            queue.departed = Some(Instant::now());
        }
        let line = queue.waiting.entry(company).or_default();
        if line.is_empty() {
            queue.turns.push_back(company);
        }
        line.push_back((self.tickets, sender));
        self.tickets
    }
}

impl Queue {
    fn depart(&mut self) {
        let now = Instant::now();
        let took = self.departed.replace(now).map_or(Duration::ZERO, |before| now - before);
        self.pace = (self.pace * 7 + took) / 8;
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.inside[self.class as usize] -= 1;
        if let Some(inside) = state.companies.get_mut(&self.company) {
            inside[self.class as usize] -= 1;
            if *inside == [0; 3] {
                state.companies.remove(&self.company);
            }
        }
        drop(state);
        self.shared.call();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        let queue = &mut state.queues[self.class as usize];
        if let Some(line) = queue.waiting.get_mut(&self.company) {
            line.retain(|(ticket, _)| *ticket != self.ticket);
            if line.is_empty() {
                queue.waiting.remove(&self.company);
                queue.turns.retain(|company| *company != self.company);
            }
        }
        drop(state);
        // A read that waits no more may have kept a slot from the writes.
        self.shared.call();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    type Waiting<'a> = Pin<Box<dyn Future<Output = Result<Pass, Problem>> + 'a>>;

    fn in_runtime(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(test);
    }
    fn company() -> CompanyId {
        CompanyId::new()
    }
    fn poll(waiting: &mut Waiting<'_>) -> Option<Result<Pass, Problem>> {
        match waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => Some(done),
            Poll::Pending => None,
        }
    }
    fn ask<'a>(gate: &'a Gate, class: Class, company: CompanyId) -> (Waiting<'a>, Option<Pass>) {
        let mut waiting: Waiting<'a> = Box::pin(gate.enter(class, company));
        let pass = poll(&mut waiting).map(|done| done.expect("let in"));
        (waiting, pass)
    }

    #[test]
    fn work_in_the_background_rests_only_while_somebody_is_inside() {
        in_runtime(async {
            let gate = Gate::new(10, 10);
            let step = Duration::from_millis(30);
            assert_eq!(gate.rest(step), Duration::ZERO);
            let (_, pass) = ask(&gate, Class::Reading, company());
            assert_eq!(gate.rest(step), Duration::from_millis(60));
            assert_eq!(gate.rest(Duration::from_secs(7)), Duration::from_secs(1));
            drop(pass);
            assert_eq!(gate.rest(step), Duration::ZERO);
        });
    }

    #[test]
    fn a_fifth_is_kept_for_writes_and_reports_take_a_quarter_at_most() {
        in_runtime(async {
            let gate = Gate::new(10, 10);
            let reports: Vec<_> = (0..3).map(|_| ask(&gate, Class::Reporting, company())).collect();
            assert_eq!(reports.iter().filter(|(_, pass)| pass.is_some()).count(), 2);
            let reads: Vec<_> = (0..7).map(|_| ask(&gate, Class::Reading, company())).collect();
            assert_eq!(reads.iter().filter(|(_, pass)| pass.is_some()).count(), 6);
            let writes: Vec<_> = (0..3).map(|_| ask(&gate, Class::Posting, company())).collect();
            assert_eq!(writes.iter().filter(|(_, pass)| pass.is_some()).count(), 2);
        });
    }

    #[test]
    fn writes_go_first_but_a_read_that_waits_gets_a_slot() {
        in_runtime(async {
            let gate = Gate::new(4, 10);
            let mut writes: Vec<_> = (0..4).map(|_| ask(&gate, Class::Posting, company()).1.expect("free")).collect();
            let (mut first, mut read) = (ask(&gate, Class::Posting, company()).0, ask(&gate, Class::Reading, company()).0);
            writes.pop();
            assert!(poll(&mut first).is_none(), "three writes are inside");
            assert!(poll(&mut read).expect("its turn").is_ok());
        });
    }

    #[test]
    fn reads_take_half_while_a_write_is_at_work_and_a_report_has_its_turn() {
        in_runtime(async {
            let gate = Gate::new(10, 10);
            let write = ask(&gate, Class::Posting, company()).1.expect("free");
            let mut reads: Vec<_> = (0..5).map(|_| ask(&gate, Class::Reading, company()).1.expect("free")).collect();
            let (mut read, mut report) = (ask(&gate, Class::Reading, company()).0, ask(&gate, Class::Reporting, company()).0);
            assert!(poll(&mut read).is_none() && poll(&mut report).is_none());
            reads.pop();
            let at_work = poll(&mut report).expect("its turn").expect("let in");
            reads.pop();
            assert!(poll(&mut read).expect("its turn").is_ok());
            drop((at_work, write));
        });
    }

    #[test]
    fn also_among_the_requests_of_one_company() {
        in_runtime(async {
            let (gate, one) = (Gate::new(5, 10), company());
            let mut writes: Vec<_> = (0..4).map(|_| ask(&gate, Class::Posting, one).1.expect("free")).collect();
            let (mut next, mut read) = (ask(&gate, Class::Posting, one).0, ask(&gate, Class::Reading, one).0);
            writes.pop();
            assert!(poll(&mut next).is_none(), "three of its four are writes already");
            assert!(poll(&mut read).expect("its turn").is_ok());
        });
    }

    #[test]
    fn no_company_takes_all_and_companies_take_turns() {
        in_runtime(async {
            let gate = Gate::new(5, 10);
            let (crowd, other) = (company(), company());
            let mut inside: Vec<_> = (0..4).map(|_| ask(&gate, Class::Posting, crowd).1.expect("free")).collect();
            let mut line: Vec<_> = (0..3).map(|_| ask(&gate, Class::Posting, crowd)).collect();
            assert!(line.iter().all(|(_, pass)| pass.is_none()), "the fifth slot is not for this company");
            inside.push(ask(&gate, Class::Posting, other).1.expect("for another"));
            let mut late = ask(&gate, Class::Posting, other).0;
            inside.remove(0);
            let first = poll(&mut line[0].0).expect("the first of the crowd").expect("let in");
            inside.remove(0);
            assert!(poll(&mut late).expect("then the other company's turn").is_ok());
            assert!(poll(&mut line[1].0).is_some(), "and the crowd again, as that slot is free again");
            drop(first);
        });
    }

    #[test]
    fn a_full_queue_refuses_at_once_with_a_time_to_come_back_and_those_who_leave_make_room() {
        in_runtime(async {
            let (gate, one) = (Gate::new(1, 2), company());
            let inside = ask(&gate, Class::Posting, one).1.expect("free");
            let mut line: Vec<_> = (0..2).map(|_| ask(&gate, Class::Posting, one).0).collect();
            let refused = gate.enter(Class::Posting, one).await.err().expect("full");
            assert!(refused.is(problem::OVERLOADED) && gate.look(Class::Posting, one).is_err());
            drop(line.remove(0));
            assert!(gate.look(Class::Posting, one).is_ok());
            drop(inside);
            assert!(poll(&mut line[0]).expect("next").is_ok());
            assert!(pin!(gate.enter(Class::Reporting, one)).await.is_ok(), "nothing is inside any more");
        });
    }

    #[test]
    fn who_would_wait_too_long_is_told_at_once() {
        in_runtime(async {
            let (gate, one) = (Gate::new(1, 100), company());
            let inside = ask(&gate, Class::Posting, one).1.expect("free");
            let _line: Vec<_> = (0..4).map(|_| ask(&gate, Class::Posting, one).0).collect();
            gate.0.state().queues[0].pace = Duration::from_millis(230);
            assert!(gate.look(Class::Posting, one).is_ok(), "five times 0.23 s");
            gate.0.state().queues[0].pace = Duration::from_millis(250);
            assert!(gate.look(Class::Posting, one).is_err(), "five times 0.25 s");
            assert!(gate.look(Class::Posting, company()).is_ok(), "the first of another company");
            drop(inside);
        });
    }
}
