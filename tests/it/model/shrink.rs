//! Plays lists of commands, and makes a list that fails as short as it gets.

use super::commands::{Command, Dice, next};
use super::driver::{Driver, Tally};
use super::{FIRST, Label};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::Once;
use std::time::{Duration, Instant};

/// Where service and model part: how, and after which commands.
#[derive(Debug, Serialize, Deserialize)]
pub struct Divergence {
    pub seed: u64,
    pub what: String,
    /// Only when everything was compared after the last command.
    pub at_the_end: bool,
    pub commands: Vec<Command>,
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// What a piece of work panicked with, if it did, without printing it.
fn caught(work: impl FnOnce()) -> Option<String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
    QUIET.set(true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    let text = |payload: Box<dyn std::any::Any + Send>| match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other.downcast::<&str>().map_or_else(|_| "no message".into(), |text| (*text).to_owned()),
    };
    outcome.err().map(text)
}

/// Rolls so many commands of a seed and does each to a fresh company and to the model.
pub fn record(seed: u64, steps: usize) -> Result<Tally, Divergence> {
    let (mut commands, mut tally, mut at_the_end) = (Vec::new(), Tally::default(), false);
    let failed = caught(|| {
        let mut driver = Driver::new(seed);
        let mut dice = Dice(seed ^ 0x5EED);
        for label in FIRST..FIRST + steps {
            let command = next(&mut dice, &driver.model, label);
            commands.push(command.clone());
            driver.act(&command);
        }
        at_the_end = true;
        driver.finish();
        tally = driver.tally.clone();
    });
    failed.map_or(Ok(tally), |what| Err(Divergence { seed, what, at_the_end, commands }))
}

/// Plays a list again in a fresh company. Gives how it fails, and which commands had something to do.
pub fn replay(seed: u64, commands: &[Command], to_the_end: bool) -> (Option<String>, BTreeSet<Label>) {
    let mut ran = BTreeSet::new();
    let failed = caught(|| {
        let mut driver = Driver::new(seed);
        for command in commands {
            ran.insert(command.label);
            if !driver.act(command) {
                ran.remove(&command.label);
            }
        }
        if to_the_end {
            driver.finish();
        }
    });
    (failed, ran)
}

/// The last command with what it is about, and what that is about in turn; `also`: with all else that was done to
/// these things.
fn about(commands: &[Command], also: bool) -> Vec<Command> {
    fn named(value: &Value, found: &mut BTreeSet<Label>) {
        match value {
            Value::Number(label) => found.extend(label.as_u64().and_then(|label| usize::try_from(label).ok())),
            Value::Array(all) => all.iter().for_each(|value| named(value, found)),
            // Amounts and days are text; the only number that is no label counts settlements.
            Value::Object(all) => all.iter().filter(|(name, _)| *name != "nth").for_each(|(_, value)| named(value, found)),
            _ => {}
        }
    }
    let labels = |command: &Command| {
        let mut found = BTreeSet::new();
        named(&json!(command.act), &mut found);
        found
    };
    let mut wanted: BTreeSet<Label> = commands.last().map(|command| command.label).into_iter().collect();
    loop {
        let about: BTreeSet<Label> = commands.iter().filter(|command| wanted.contains(&command.label)).flat_map(labels).collect();
        let touched = |command: &&Command| also && labels(command).iter().any(|label| *label >= FIRST && wanted.contains(label));
        let touching: BTreeSet<Label> = commands.iter().filter(touched).map(|command| command.label).collect();
        let before = wanted.len();
        wanted.extend(about.into_iter().chain(touching));
        if wanted.len() == before {
            return commands.iter().filter(|command| wanted.contains(&command.label)).cloned().collect();
        }
    }
}

/// Leaves out what is not related to the last command, then by delta debugging ever smaller stretches, as long as
/// what is left still fails.
pub fn shrunk(found: Divergence, limit: Duration) -> Divergence {
    let start = Instant::now();
    let Divergence { seed, mut what, at_the_end, mut commands } = found;
    let fails = |tried: &[Command]| {
        let (failed, ran) = replay(seed, tried, at_the_end);
        failed.map(|what| (what, tried.iter().filter(|command| ran.contains(&command.label)).cloned().collect::<Vec<_>>()))
    };
    if let Some((how, less)) = [false, true].into_iter().find_map(|also| fails(&about(&commands, also))) {
        (what, commands) = (how, less);
    }
    let mut pieces = 2;
    while commands.len() > 1 && start.elapsed() < limit {
        let size = commands.len().div_ceil(pieces);
        let without = |at: usize| [&commands[..(at * size).min(commands.len())], &commands[((at + 1) * size).min(commands.len())..]].concat();
        // The end matters most, so what comes first is left out first.
        match (0..pieces).find_map(|at| fails(&without(at))) {
            Some((how, less)) => {
                (what, commands) = (how, less);
                pieces = pieces.saturating_sub(1).max(2);
            }
            None if size == 1 => break,
            None => pieces = (pieces * 2).min(commands.len()),
        }
    }
    for at in 0..commands.len() {
        let mut plain = commands.clone();
        if plain.get_mut(at).is_some_and(|command| command.twist.take().is_some())
            && start.elapsed() < limit
            && let Some((how, less)) = fails(&plain)
        {
            (what, commands) = (how, less);
        }
    }
    Divergence { seed, what, at_the_end, commands }
}

impl Divergence {
    /// The story, with the list kept in a file to be played again.
    pub fn report(&self) -> String {
        let path: PathBuf = std::env::temp_dir().join(format!("duebook-divergence-{}.json", self.seed));
        fs::write(&path, json!(self).to_string()).expect("a file for the list");
        let list: Vec<String> = self.commands.iter().map(|command| format!("  {}", json!(command))).collect();
        let again = format!("REPLAY={} cargo test --test it replay -- --nocapture", path.display());
        format!("seed {}: {}\n{} commands:\n{}\nagain: {again}", self.seed, self.what, self.commands.len(), list.join("\n"))
    }
}
