//! How much one caller may ask for in a while, and the headers that say so (draft-ietf-httpapi-ratelimit-headers).
//!
//! A bucket for each caller and policy: what fits into a minute drips in evenly, a fifth of it may come at once. Reports
//! and exports have smaller buckets beside the common one. Who has no token is known by its address. Counted in the memory
//! of each process: a limit keeps one caller from crowding out the others, it is no account.

use super::problem::{self, Problem};
use crate::platform::unit_of_work::Actor;
use serde_json::json;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is counted for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Every request.
    Default,
    /// Reports and verifications.
    Reports,
    /// Beginnings of exports.
    Exports,
    /// Requests without a valid token, by address.
    Address,
}

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    Caller(Actor),
    Address(IpAddr),
}

impl Who {
    /// One line of a provider is one address: of IPv6 that is a network of 64 bits.
    #[must_use]
    pub fn at(address: IpAddr) -> Self {
        Self::Address(match address {
            IpAddr::V6(v6) => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into(),
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// So many requests in a while, so many of them at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Policy {
    name: &'static str,
    quota: u32,
    window: Duration,
    burst: u32,
}

impl Policy {
    /// `per_minute` is what the caller may ask for in all; the others are shares of it.
    fn of(kind: Kind, per_minute: u32) -> Self {
        let of_minute = |name, quota: u32| Self { name, quota, window: Duration::from_secs(60), burst: (quota / 5).max(1) };
        match kind {
            Kind::Default => of_minute("default", per_minute.max(1)),
            Kind::Reports => of_minute("reports", (per_minute / 10).max(1)),
            Kind::Exports => {
                let quota = (per_minute / 30).max(1);
                Self { name: "exports", quota, window: Duration::from_secs(3600), burst: quota }
            }
            Kind::Address => of_minute("address", per_minute.saturating_mul(10).max(1)),
        }
    }
    /// How long one request uses the bucket up.
    fn each(&self) -> Duration {
        self.window / self.quota
    }
}

/// The limits of an installation with what was asked for lately.
#[derive(Debug, Default)]
pub struct Limits {
    /// 0: none.
    per_minute: u32,
    /// When each bucket will be whole again, and how long a request of its plan takes.
    buckets: Mutex<HashMap<(Who, Kind), (Instant, Duration)>>,
}

/// What the reply says of a caller's limits.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// `RateLimit-Policy`.
    pub policies: String,
    /// `RateLimit`.
    pub left: String,
}

/// A bucket after a request.
struct Level {
    policy: Policy,
    whole_at: Instant,
    /// How long until there is room, where there is none.
    wait: Option<Duration>,
    left: u32,
}

impl Limits {
    /// `per_minute` requests for each caller without a plan of its own; 0 for no limits.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self { per_minute, buckets: Mutex::default() }
    }

    /// Counts a request by a caller's plan (requests a minute; the installation's where it has none). `None`: nothing is limited.
    ///
    /// # Errors
    /// `rate_limited` (429) with Retry-After, beside what the reply tells; a refused request is not counted.
    pub fn count(&self, who: Who, plan: Option<u32>, kinds: &[Kind]) -> Option<(Told, Result<(), Problem>)> {
        self.count_at(Instant::now(), who, plan, kinds)
    }

    fn count_at(&self, now: Instant, who: Who, plan: Option<u32>, kinds: &[Kind]) -> Option<(Told, Result<(), Problem>)> {
        const MANY: usize = 100_000;
        let per_minute = if self.per_minute == 0 { return None } else { plan.unwrap_or(self.per_minute) };
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() > MANY {
            buckets.retain(|_, (whole_at, _)| *whole_at > now);
        }
        let levels: Vec<Level> = kinds.iter().map(|kind| level(Policy::of(*kind, per_minute), buckets.get(&(who, *kind)).copied(), now)).collect();
        let full: Vec<&Level> = levels.iter().filter(|level| level.wait.is_some()).collect();
        if full.is_empty() {
            for (kind, level) in kinds.iter().zip(&levels) {
                buckets.insert((who, *kind), (level.whole_at, level.policy.each()));
            }
            return Some((told(&levels, now), Ok(())));
        }
        let wait = full.iter().filter_map(|level| level.wait).max().map_or(1, seconds);
        let names: Vec<&str> = full.iter().map(|level| level.policy.name).collect();
        let refusal =
            Problem::new(problem::RATE_LIMITED, "Too many requests; wait before the next.").member("violated-policies", json!(names)).retry_after(wait);
        Some((told(&levels, now), Err(refusal)))
    }
}

/// The generic cell rate algorithm: a bucket is known by the instant at which it will be whole again.
fn level(policy: Policy, before: Option<(Instant, Duration)>, now: Instant) -> Level {
    let (each, size) = (policy.each(), policy.each() * policy.burst);
    // In requests, as the plan may have changed since.
    let used = before.map_or(Duration::ZERO, |(whole_at, then)| {
        let used = whole_at.saturating_duration_since(now).as_nanos() * each.as_nanos() / then.as_nanos().max(1);
        Duration::from_nanos(u64::try_from(used).unwrap_or(u64::MAX))
    });
    let after = used + each;
    let whole = |used: Duration| u32::try_from(size.saturating_sub(used).as_nanos() / each.as_nanos().max(1)).unwrap_or(u32::MAX);
    if after > size {
        return Level { policy, whole_at: now + used, wait: Some(after.saturating_sub(size)), left: 0 };
    }
    Level { policy, whole_at: now + after, wait: None, left: whole(after) }
}

fn told(levels: &[Level], now: Instant) -> Told {
    let policy = |level: &Level| format!("\"{}\";q={};w={}", level.policy.name, level.policy.quota, level.policy.window.as_secs());
    let left = |level: &Level| {
        // Until there is room again, or until all of it is there.
        let wait = level.wait.or_else(|| (level.left == 0).then(|| level.policy.each())).unwrap_or_else(|| level.whole_at.saturating_duration_since(now));
        format!("\"{}\";r={};t={}", level.policy.name, level.left, seconds(wait))
    };
    Told { policies: levels.iter().map(policy).collect::<Vec<_>>().join(", "), left: levels.iter().map(left).collect::<Vec<_>>().join(", ") }
}

/// Whole seconds that are not less.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn caller() -> Who {
        Who::Caller(Actor::Client(Uuid::now_v7()))
    }

    #[test]
    fn a_fifth_comes_at_once_and_the_rest_drips_in() {
        let (limits, who, start) = (Limits::new(600), caller(), Instant::now());
        let ask = |after: u64| limits.count_at(start + Duration::from_millis(after), who, None, &[Kind::Default]).expect("limited");
        let (first, done) = ask(0);
        assert!(done.is_ok());
        assert_eq!((first.policies.as_str(), first.left.as_str()), ("\"default\";q=600;w=60", "\"default\";r=119;t=1"));
        assert_eq!((1..120).filter(|_| ask(0).1.is_ok()).count(), 119);
        let (told, refused) = ask(0);
        assert_eq!(told.left, "\"default\";r=0;t=1");
        let document = serde_json::to_value(refused.expect_err("all used up").document("/", "req")).expect("json");
        assert_eq!((&document["violated-policies"], &document["retry_after_s"]), (&json!(["default"]), &json!(1)));
        // One every 100 ms from here on, whatever is refused in between.
        assert_eq!((1..=60_000).filter(|ms| ask(*ms).1.is_ok()).count(), 600);
        // Idle for a while, the whole fifth is back and no more.
        assert_eq!((0..1_000).filter(|_| ask(80_000).1.is_ok()).count(), 120);
    }

    #[test]
    fn callers_and_policies_do_not_mix_and_a_plan_counts_for_its_caller() {
        let (limits, now) = (Limits::new(60), Instant::now());
        let (one, other) = (caller(), caller());
        let fits = |who, plan, kinds: &[Kind]| (0..10_000).take_while(|_| limits.count_at(now, who, plan, kinds).is_some_and(|(_, done)| done.is_ok())).count();
        // A tenth for reports, of which a fifth at once; what they refuse is not counted among all.
        assert_eq!(fits(one, None, &[Kind::Default, Kind::Reports]), 1);
        assert_eq!(fits(one, None, &[Kind::Default]), 11);
        assert_eq!(fits(other, Some(6_000), &[Kind::Default]), 1_200);
        // A plan that is widened counts at once.
        let third = caller();
        assert_eq!(fits(third, None, &[Kind::Default]), 12);
        assert_eq!(fits(third, Some(6_000), &[Kind::Default]), 1_200 - 12);
        assert_eq!(fits(third, None, &[Kind::Default]), 0);
        assert_eq!(fits(caller(), None, &[Kind::Exports]), 2);
        let (told, refused) = limits.count_at(now, one, None, &[Kind::Default, Kind::Reports]).expect("limited");
        assert_eq!(told.left, "\"default\";r=0;t=1, \"reports\";r=0;t=10");
        let document = serde_json::to_value(refused.expect_err("both used up").document("/", "req")).expect("json");
        assert_eq!((&document["violated-policies"], &document["retry_after_s"]), (&json!(["default", "reports"]), &json!(10)));
    }

    #[test]
    fn neighbours_in_one_ipv6_network_are_one_and_nothing_is_limited_without_a_limit() {
        let at = |text: &str| Who::at(text.parse().expect("an address"));
        assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
        assert!(Limits::new(0).count(caller(), Some(1), &[Kind::Default]).is_none());
    }
}
