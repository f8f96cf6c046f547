//! kill -9 of the service, of one database backend, of the whole database, under load of clients that retry.

use crate::clients::{Load, send};
use crate::http::Http;
use crate::journal::{Outcome, compare};
use crate::service::{Service, signal};
use crate::{Findings, Options, Random, percentile};
use nix::sys::signal::Signal;
use std::thread::sleep;
use std::time::{Duration, Instant};

const KINDS: [&str; 4] = ["service", "backend", "database", "postmaster only"];
const CLIENTS: usize = 16;
/// How soon somebody must be served again.
const LIMIT: Duration = Duration::from_secs(60);

pub fn run(options: &Options, findings: &mut Findings) {
    let short = options.number("--kills", 0) == 0;
    let kills = options.number("--kills", 3) as usize;
    let service = Service::start(false);
    let mut random = Random(options.seed);
    let mut back: [Vec<f64>; 4] = Default::default();
    let load = Load::new(&service, options.seed);
    let began = Instant::now();
    let log = load.run(CLIENTS, || {
        load.next_success(Instant::now(), LIMIT).expect("the load begins");
        for n in 0..kills {
            sleep(Duration::from_millis(200 + random.below(if short { 800 } else { 2_800 })));
            // The fourth kind only by chance, where there are many.
            let kind = if n % 3 == 2 && !short && random.below(3) == 0 { 3 } else { n % 3 };
            match kind {
                0 => service.kill(),
                1 => kill_backend(&service, &mut random),
                2 => service.kill_database(true),
                _ => service.kill_database(false),
            }
            let killed = Instant::now();
            if kind == 0 {
                service.launch();
            }
            let Some(took) = load.next_success(killed, LIMIT) else {
                findings.bar("served again after a kill", false, format!("kill {n} of {}: nothing in {LIMIT:?}", KINDS[kind]));
                break;
            };
            back[kind].push(took.as_secs_f64());
            if (n + 1) % 10 == 0 {
                println!("       {} kills, {:.0} s", n + 1, began.elapsed().as_secs_f64());
            }
        }
    });
    let loaded = began.elapsed().as_secs_f64();

    let done = log.iter().filter(|entry| matches!(entry.outcome, Outcome::Done(..))).count();
    let refused = log.iter().filter(|entry| matches!(entry.outcome, Outcome::Refused(_))).count();
    let lost: usize = log.iter().map(|entry| entry.lost).sum();
    let in_doubt = log.iter().filter(|entry| entry.lost > 0).count();
    println!("       {CLIENTS} clients, {loaded:.0} s of load: {} commands, {done} acknowledged, {refused} refused", log.len());
    println!("       {lost} tries without an answer, of {in_doubt} commands; told to come back or failed: {:?}", load.setbacks.lock().unwrap());
    for (kind, mut times) in KINDS.iter().zip(back.clone()) {
        if let (Some(middle), Some(longest)) = (percentile(&mut times, 50), percentile(&mut times, 100)) {
            println!("       {:>3} kills of {kind}: next success after {middle:.2} s (p50), {longest:.2} s (max)", times.len());
        }
    }
    findings.bar("kills", back.iter().map(Vec::len).sum::<usize>() == kills, format!("{} of {kills}", back.iter().map(Vec::len).sum::<usize>()));
    findings.bar("outcomes nobody knows", log.len() == done + refused, log.len() - done - refused);
    let failures: usize = load.setbacks.lock().unwrap().iter().filter(|(what, _)| what.starts_with("500")).map(|(_, count)| count).sum();
    findings.bar("answers of 500", failures == 0, failures);

    let company = service.demo()["company_id"].as_str().expect("a company").to_owned();
    compare(&service, &company, &log, None, findings);

    // The same again: the same bytes, and nothing more in the books.
    let again = log.iter().enumerate().filter(|(n, entry)| matches!(entry.outcome, Outcome::Done(..)) && (entry.lost > 0 || n % 10 == 0));
    let (mut http, mut same, mut other) = (Http::new(&service.address), 0, Vec::new());
    for (_, entry) in again {
        let Outcome::Done(status, body) = &entry.outcome else { continue };
        let answer = send(&mut http, &service, entry).expect("an answer");
        if answer.status == *status && answer.body == *body && answer.header("idempotent-replayed") == Some("true") {
            same += 1;
        } else {
            other.push(format!("{} {}: {} for {status}", entry.path, entry.key, answer.status));
        }
    }
    findings.bar(
        "replayed byte for byte",
        other.is_empty() && same > 0,
        format!("{same}{}", other.first().map(|first| format!(", but not {} as {first}", other.len())).unwrap_or_default()),
    );

    service.stop();
    let start = Instant::now();
    let (clean, said) = service.verify();
    findings.bar(
        "duebook verify",
        clean,
        format!("{:.1} s, {} laws{}", start.elapsed().as_secs_f64(), said.matches("  ok ").count(), if clean { String::new() } else { format!("\n{said}") }),
    );
    println!("       {:.0} s in all", began.elapsed().as_secs_f64());
    if findings.failed == 0 {
        service.remove();
    } else {
        println!("       kept: {}", service.dir.display());
    }
}

/// One session of the service, with preference for those in a transaction.
fn kill_backend(service: &Service, random: &mut Random) {
    let sessions = "SELECT pid, state <> 'idle' AS busy FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND usename = 'duebook_app'";
    let start = Instant::now();
    loop {
        let found = service.rows(sessions).unwrap_or_default();
        let busy: Vec<_> = found.iter().filter(|row| row["busy"] == true).collect();
        let pool = if busy.is_empty() { found.iter().collect() } else { busy };
        if let Some(pid) = pool.get(random.below(pool.len().max(1) as u64) as usize).and_then(|row| row["pid"].as_i64()) {
            return signal(i32::try_from(pid).expect("a process id"), Signal::SIGKILL);
        }
        assert!(start.elapsed() < LIMIT, "the service has no session");
        sleep(Duration::from_millis(20));
    }
}
