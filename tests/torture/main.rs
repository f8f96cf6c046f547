//! The torture harness: the service's own binary under kills, overload, slow clients, and restored.
//!
//! ```text
//! cargo test --release --test torture -- kill --kills 100 --seed 7    # kill -9 of service, backend, database under load
//! cargo test --release --test torture -- jobs --rows 20000            # kill -9 of the service at work on an import and an export
//! cargo test --release --test torture -- overload --seconds 60        # three times what it can carry
//! cargo test --release --test torture -- slow-clients                 # slow heads, bodies and readers
//! cargo test --release --test torture -- restore                      # backup under load, loss, restore to a time
//! ```
//!
//! Every run has a private PostgreSQL and a fresh data directory under the system's temporary one, prints seed,
//! commit, counts and times, and ends with a non-zero code when a bar is missed; the directory is then kept.
//! Without arguments, as in plain `cargo test`, it kills once in each way, and once at long work of each kind. Results are kept in `tests/RESULTS.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc, reason = "a harness that cannot go on says why and stops")]
#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures for people")]

mod clients;
mod http;
mod jobs;
mod journal;
mod kill;
mod overload;
mod restore;
mod service;
mod slow;

use std::process::{Command, ExitCode};
use std::time::Instant;

/// What a run was asked for.
pub struct Options {
    words: Vec<String>,
    pub seed: u64,
}

impl Options {
    /// The number after `name`.
    pub fn number(&self, name: &str, otherwise: u64) -> u64 {
        let given = self.words.iter().skip_while(|word| *word != name).nth(1);
        given.map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} takes a number, not {text}")))
    }
}

/// What a run found: each bar with whether it was kept.
#[derive(Default)]
pub struct Findings {
    passed: usize,
    failed: usize,
}

impl Findings {
    pub fn bar(&mut self, what: &str, kept: bool, seen: impl std::fmt::Display) {
        println!("{} {what}: {seen}", if kept { "ok    " } else { "FAILED" });
        if kept { self.passed += 1 } else { self.failed += 1 }
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.iter().any(|word| word == "--list") {
        return ExitCode::SUCCESS;
    }
    let mut options = Options { words, seed: 7 };
    options.seed = options.number("--seed", 7);
    let start = Instant::now();
    let what = options.words.iter().find(|word| !word.starts_with('-')).cloned();
    let run: fn(&Options, &mut Findings) = match what.as_deref() {
        None => |options, findings| {
            kill::run(options, findings);
            jobs::run(options, findings);
        },
        Some("kill") => kill::run,
        Some("jobs") => jobs::run,
        Some("overload") => overload::run,
        Some("slow-clients") => slow::run,
        Some("restore") => restore::run,
        Some(_) => {
            // A name of another test.
            println!("\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out; finished in 0.00s\n");
            return ExitCode::SUCCESS;
        }
    };
    println!(
        "duebook torture: {}, seed {}, commit {}, {} build",
        what.as_deref().unwrap_or("kill and jobs (short)"),
        options.seed,
        commit(),
        if cfg!(debug_assertions) { "debug" } else { "release" }
    );
    let mut findings = Findings::default();
    run(&options, &mut findings);
    let Findings { passed, failed } = findings;
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out; finished in {:.2}s\n",
        start.elapsed().as_secs_f64()
    );
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn commit() -> String {
    let git = |words: &[&str]| {
        let output = Command::new("git").args(words).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
    git(&["rev-parse", "--short=10", "HEAD"]).map_or_else(|| "unknown".to_owned(), |id| if changed { id + " and changes" } else { id })
}

/// The value a share of the sorted values stays below.
pub fn percentile<T: Copy + PartialOrd>(values: &mut [T], percent: usize) -> Option<T> {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values.get((values.len() * percent / 100).min(values.len().saturating_sub(1))).copied()
}

/// Splitmix64: the same numbers for a seed on every machine and for ever.
pub struct Random(pub u64);
impl Random {
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, limit: u64) -> u64 {
        self.draw() % limit
    }
}
