//! The restore drill: base backup and archived log under load, the cluster lost, restored to a noted time.

use crate::clients::{Load, now};
use crate::http::Http;
use crate::journal::compare;
use crate::service::Service;
use crate::{Findings, Options};
use serde_json::{Value, json};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

const CLIENTS: usize = 8;

pub fn run(options: &Options, findings: &mut Findings) {
    let seconds = Duration::from_secs(options.number("--seconds", 5));
    let service = Service::start(true);
    let base = service.dir.join("base");
    let load = Load::new(&service, options.seed);
    let mut instant = 0;
    let log = load.run(CLIENTS, || {
        load.next_success(Instant::now(), Duration::from_secs(60)).expect("the load begins");
        sleep(seconds);
        let took = timed(service.command(&["backup"]).arg("--to").arg(&base));
        println!("       base backup under load: {took:.2} s");
        sleep(seconds);
        instant = now();
        sleep(seconds);
    });
    let noted = service
        .rows(&format!("SELECT to_char(to_timestamp({instant} / 1e6) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') AS at"))
        .expect("an answer");
    let noted = noted[0]["at"].as_str().expect("an instant").to_owned();
    // What the archive gets within a minute by itself; whoever loses the machine before loses that minute.
    let start = Instant::now();
    let last = service.rows("SELECT pg_walfile_name(pg_switch_wal()) AS name").expect("a switch")[0]["name"].as_str().expect("a name").to_owned();
    while !service.archive.as_ref().expect("an archive").join(&last).exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "the archive does not get {last}");
        sleep(Duration::from_millis(20));
    }
    println!("       the last of the log in the archive: {:.2} s; noted time {noted}", start.elapsed().as_secs_f64());

    service.kill();
    service.kill_database(true);
    std::fs::remove_dir_all(service.data().join("postgres")).expect("the cluster is gone");

    let took = timed(service.command(&["restore", "--until", &noted]).arg("--from").arg(&base));
    println!("       restored to the noted time: {took:.2} s");
    // The head kept beside the signing key is newer than the restored log: an older copy is never taken for the true one in silence.
    let (clean, said) = service.verify();
    findings.bar(
        "an older copy is noticed",
        !clean && said.contains("shorter than checkpoint"),
        said.lines().find(|line| line.contains("BROKEN")).unwrap_or("nothing"),
    );
    let took = timed(&mut service.command(&["audit", "accept-restore"]));
    println!("       taken for the true one on purpose: {took:.2} s");
    let start = Instant::now();
    let (clean, said) = service.verify();
    let shown = if clean { String::new() } else { format!("\n{said}") };
    findings.bar("duebook verify", clean, format!("{:.2} s, {} laws{shown}", start.elapsed().as_secs_f64(), said.matches("  ok ").count()));
    findings.bar("the report names the restore", said.contains(&format!("to {noted}")), said.lines().next().unwrap_or_default());

    let start = Instant::now();
    service.launch();
    service.wait_ready();
    println!("       serving again: {:.2} s", start.elapsed().as_secs_f64());
    let company = service.demo()["company_id"].as_str().expect("a company").to_owned();
    compare(&service, &company, &log, Some(instant), findings);

    let before = audit(&service);
    service.customer("after-the-restore");
    let after = audit(&service);
    let goes_on = after["verified"] == true && after["to_seq"].as_u64() > before["to_seq"].as_u64();
    findings.bar("sealing goes on", goes_on, format!("{} entries, then {}", before["to_seq"], after["to_seq"]));
    if findings.failed == 0 {
        service.remove();
    } else {
        println!("       kept: {}", service.dir.display());
    }
}

/// Runs a command that must succeed; seconds it took.
fn timed(command: &mut Command) -> f64 {
    let start = Instant::now();
    let done = command.output().expect("the binary runs");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    start.elapsed().as_secs_f64()
}

fn audit(service: &Service) -> Value {
    let token = format!("Bearer {}", service.token("controller"));
    let answer = Http::new(&service.address).send("POST", "/v1/audit/verify", &[("authorization", &token)], &json!({}).to_string());
    answer.expect("an answer").json()
}
