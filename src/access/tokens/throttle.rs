//! Slows guessing: five failures an account in 15 minutes, a hundred an address in five.

use crate::platform::http::problem::{self, Problem};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

const ACCOUNT: (usize, Duration) = (5, Duration::from_secs(15 * 60));
const ADDRESS: (usize, Duration) = (100, Duration::from_secs(5 * 60));

static FAILURES: LazyLock<Mutex<HashMap<String, Vec<Instant>>>> = LazyLock::new(Mutex::default);

fn keys(account: &str, address: &str) -> [(String, (usize, Duration)); 2] {
    [(format!("account {account}"), ACCOUNT), (format!("address {address}"), ADDRESS)]
}

/// Refuses while an account or address has failed too often.
pub fn check(account: &str, address: &str) -> Result<(), Problem> {
    let Ok(mut failures) = FAILURES.lock() else { return Ok(()) };
    for (key, (most, window)) in keys(account, address) {
        if let Some(times) = failures.get_mut(&key) {
            times.retain(|at| at.elapsed() < window);
            if times.len() >= most {
                let wait = times.first().map_or(window, |first| window.saturating_sub(first.elapsed()));
                return Err(Problem::new(problem::RATE_LIMITED, "Too many failed attempts; wait before the next.").retry_after(wait.as_secs() + 1));
            }
        }
    }
    Ok(())
}

/// Notes a failure.
pub fn failed(account: &str, address: &str) {
    let Ok(mut failures) = FAILURES.lock() else { return };
    if failures.len() > 100_000 {
        failures.retain(|_, times| times.last().is_some_and(|at| at.elapsed() < ACCOUNT.1));
    }
    for (key, _) in keys(account, address) {
        failures.entry(key).or_default().push(Instant::now());
    }
}

/// A success clears the account's failures, not the address's.
pub fn succeeded(account: &str) {
    if let Ok(mut failures) = FAILURES.lock() {
        failures.remove(&format!("account {account}"));
    }
}
