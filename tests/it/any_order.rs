//! Whatever is done and undone in whatever order, every balance of every day is that of a naive model, what is
//! refused leaves nothing behind, and what was reported once for a day as known at an instant is reported so for ever.

use crate::model::driver::Tally;
use crate::model::shrink::{Divergence, record, replay, shrunk};
use crate::rig::{REQUESTS, in_parallel};
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const STEPS: usize = 60;

fn play(seed: u64, steps: usize) -> Tally {
    let tally = match record(seed, steps) {
        Ok(tally) => tally,
        Err(found) => panic!("{}", shrunk(found, Duration::from_secs(600)).report()),
    };
    let done: usize = tally.acts.values().map(|(done, _)| done).sum();
    assert!(done >= steps / 2, "most of a script is no refusal: {done} of {steps}");
    tally
}

#[test]
fn any_order_of_work_one() {
    play(1, STEPS);
}
#[test]
fn any_order_of_work_two() {
    play(2, STEPS);
}
#[test]
fn any_order_of_work_three() {
    play(3, STEPS);
}
#[test]
fn any_order_of_work_four() {
    play(4, STEPS);
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// More than the suite has time for, in several companies at once:
/// `SEEDS=1..501 STEPS=200 THREADS=4 cargo test --release --test it seeds -- --nocapture`.
#[test]
fn any_order_of_work_of_the_seeds_asked_for() {
    let Ok(seeds) = std::env::var("SEEDS") else { return };
    let (from, to) = seeds.split_once("..").map(|(a, b)| [a, b].map(|text| text.parse::<usize>().expect("a seed"))).map(|[a, b]| (a, b)).expect("from..to");
    let (steps, threads) = (setting("STEPS", STEPS), setting("THREADS", 4));
    let (start, total, failed): (_, Mutex<(usize, Tally)>, Mutex<Vec<u64>>) = (Instant::now(), Mutex::default(), Mutex::default());
    in_parallel(threads, to - from, |at| {
        let seed = u64::try_from(from + at).unwrap();
        match record(seed, steps) {
            Ok(tally) => {
                let mut total = total.lock().unwrap();
                total.0 += 1;
                total.1.add(&tally);
                if total.0.is_multiple_of(20) {
                    println!("{} companies, {} operations, {} s", total.0, total.1.operations(), start.elapsed().as_secs());
                }
            }
            Err(found) => {
                failed.lock().unwrap().push(seed);
                println!("{}", shrunk(found, Duration::from_secs(300)).report());
            }
        }
    });
    let ((companies, tally), failed) = (total.into_inner().unwrap(), failed.into_inner().unwrap());
    println!("seeds {from}..{to}, {steps} commands each, {threads} threads, {} s", start.elapsed().as_secs());
    println!("{} operations in {companies} companies, {} requests in all", tally.operations(), REQUESTS.load(Ordering::Relaxed));
    println!("{} refusals with every table compared, {} reports of the past asked again", tally.watched, tally.recalled);
    for (name, (done, refused)) in &tally.acts {
        println!("{name:24} {done:8} done {refused:8} refused");
    }
    println!("asked wrongly or again: {:?}", tally.twists);
    println!("refusals: {:?}", tally.codes);
    println!("{} divergences", failed.len());
    assert!(failed.is_empty(), "seeds {failed:?}");
}

/// A list that failed once: `REPLAY=<file> cargo test --test it replay -- --nocapture`.
#[test]
fn replay_of_a_list_that_was_kept() {
    let Ok(path) = std::env::var("REPLAY") else { return };
    let found: Divergence = serde_json::from_str(&std::fs::read_to_string(path).expect("the file")).expect("a list");
    if let (Some(what), _) = replay(found.seed, &found.commands, true) {
        panic!("{what}");
    }
}
