//! Slows guessing: five failures an account in 15 minutes, a hundred an address in five.

use crate::platform::http::problem::{self, Problem};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

const ACCOUNT: (usize, Duration) = (5, Duration::from_secs(15 * 60));
const ADDRESS: (usize, Duration) = (100, Duration::from_secs(5 * 60));
/// Attempts that may be under way at once beyond that: honest programs log in in parallel, but a crowd
/// of guesses must not slip through before the first is judged.
const UNDER_WAY: usize = 20;

#[derive(Default)]
struct Tries {
    failed: Vec<Instant>,
    under_way: usize,
}

static TRIES: LazyLock<Mutex<HashMap<String, Tries>>> = LazyLock::new(Mutex::default);

/// An attempt under way. Dropped without a word of success it counts as failed, whatever ended it.
pub struct Attempt {
    keys: [(String, (usize, Duration)); 2],
    succeeded: bool,
}

/// Counts an attempt before it is made; refuses it while the account or the address has failed too often.
pub fn attempt(account: &str, address: &str) -> Result<Attempt, Problem> {
    let keys = [(format!("account {account}"), ACCOUNT), (format!("address {address}"), ADDRESS)];
    if let Ok(mut all) = TRIES.lock() {
        if all.len() > 100_000 {
            all.retain(|_, tries| tries.under_way > 0 || tries.failed.last().is_some_and(|at| at.elapsed() < ACCOUNT.1));
        }
        for (key, (most, window)) in &keys {
            let tries = all.entry(key.clone()).or_default();
            tries.failed.retain(|at| at.elapsed() < *window);
            if tries.failed.len() >= *most || tries.failed.len() + tries.under_way >= most + UNDER_WAY {
                let wait = tries.failed.first().map_or(Duration::from_secs(1), |first| window.saturating_sub(first.elapsed()));
                return Err(Problem::new(problem::RATE_LIMITED, "Too many failed attempts; wait before the next.")
                    .member("violated-policies", serde_json::json!(["login"]))
                    .retry_after(wait.as_secs() + 1));
            }
        }
        for (key, _) in &keys {
            all.entry(key.clone()).or_default().under_way += 1;
        }
    }
    Ok(Attempt { keys, succeeded: false })
}

impl Attempt {
    /// Clears what the account failed before.
    pub fn succeeded(mut self) {
        self.succeeded = true;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let Ok(mut all) = TRIES.lock() else { return };
        for (at, (key, _)) in self.keys.iter().enumerate() {
            let tries = all.entry(key.clone()).or_default();
            tries.under_way = tries.under_way.saturating_sub(1);
            match (self.succeeded, at) {
                (true, 0) => tries.failed.clear(),
                (true, _) => {}
                (false, _) => tries.failed.push(Instant::now()),
            }
        }
    }
}
