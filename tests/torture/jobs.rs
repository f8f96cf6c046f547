//! kill -9 of the service while it works off a job: the commit of an import and an export end once, whole, and nothing is doubled.

use crate::http::{Answer, Http};
use crate::service::Service;
use crate::{Findings, Options, Random};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A worker's lease has to run out, and the work is done anew.
const LIMIT: Duration = Duration::from_secs(180);
/// Kills of the commit; the work is given up after five tries.
const KILLS: usize = 2;
/// Exports begun until one is hit while it is written.
const SHOTS: usize = 30;

fn ask(service: &Service, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let token = format!("Bearer {}", service.token("controller"));
    let headers = [&[("authorization", token.as_str())], headers].concat();
    Http::new(&service.address).send(method, path, &headers, body).expect("an answer")
}

/// What was begun: the job.
fn begun(service: &Service, path: &str, media: &str, body: &str) -> String {
    let key = uuid::Uuid::new_v4().simple().to_string();
    let answer = ask(service, "POST", path, &[("content-type", media), ("idempotency-key", &key), ("if-match", "*")], body);
    assert_eq!(answer.status, 202, "{path}: {}", String::from_utf8_lossy(&answer.body));
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// A job when it is over.
fn finished(service: &Service, job: &str) -> Value {
    let start = Instant::now();
    loop {
        let now = ask(service, "GET", &format!("/v1/jobs/{job}?wait_s=5"), &[], "").json();
        if now["finished_at"].is_string() || start.elapsed() > LIMIT {
            return now;
        }
        // Overloaded, or just back.
        sleep(Duration::from_millis(50));
    }
}

fn count(service: &Service, query: &str) -> i64 {
    service.rows(query).expect("rows")[0]["n"].as_i64().expect("a number")
}

pub fn run(options: &Options, findings: &mut Findings) {
    let rows = options.number("--rows", 2_000);
    let service = Service::start(false);
    let mut random = Random(options.seed);
    let company = service.demo()["company_id"].as_str().expect("a company").to_owned();
    import(&service, rows, findings);
    export(&service, &company, &mut random, findings);
    service.stop();
    let (clean, said) = service.verify();
    findings.bar("duebook verify after killed jobs", clean, if clean { "clean" } else { &said });
    if findings.failed == 0 {
        service.remove();
    } else {
        println!("       kept: {}", service.dir.display());
    }
}

fn import(service: &Service, rows: u64, findings: &mut Findings) {
    let mut file = "external_id,legal_name,kind\n".to_owned();
    for n in 0..rows {
        writeln!(file, "KILLED-{n},Customer {n},b2c").expect("a text");
    }
    let job = begun(service, "/v1/imports?type=customers", "text/csv", &file);
    let validated = finished(service, &job);
    findings.bar("import validated", validated["status"] == "succeeded", &validated["status"]);
    let commit = begun(service, &format!("/v1/imports/{job}/commit"), "application/json", &json!({"mode": "all"}).to_string());
    let (mut kills, mut last, start) = (0, 0, Instant::now());
    while kills < KILLS && start.elapsed() < LIMIT {
        // Between one batch and the last: rows are in, and more wait.
        let seen = count(service, &format!("SELECT count(*) AS n FROM import_row WHERE import_id = '{job}' AND status = 'committed'"));
        if seen > last {
            service.kill();
            (kills, last) = (kills + 1, count(service, &format!("SELECT count(*) AS n FROM import_row WHERE import_id = '{job}' AND status = 'committed'")));
            service.launch();
            service.wait_ready();
        } else if service.rows(&format!("SELECT 1 FROM job WHERE id = '{commit}' AND finished_at IS NOT NULL")).is_ok_and(|found| !found.is_empty()) {
            break;
        }
        sleep(Duration::from_millis(2));
    }
    let done = finished(service, &commit);
    println!("       commit of {rows} rows killed {kills} times, the last time after {last} rows; {:.1} s", start.elapsed().as_secs_f64());
    findings.bar("kills of a commit", kills > 0, kills);
    findings.bar("the commit ends", done["status"] == "succeeded" && done["result"]["committed"] == rows && done["result"]["failed"] == 0, &done["result"]);
    let made = "SELECT count(*) AS n FROM customer WHERE external_id LIKE 'KILLED-%'";
    findings.bar("customers made", count(service, made) == rows.cast_signed(), count(service, made));
    let bound = format!(
        "SELECT count(*) AS n FROM import_row r JOIN customer c ON c.company_id = r.company_id AND c.id = r.object_id AND c.external_id = r.external_id WHERE r.import_id = '{job}'"
    );
    findings.bar("rows that name what they made", count(service, &bound) == rows.cast_signed(), count(service, &bound));
    let told = format!(
        "SELECT count(*) AS n FROM audit_event WHERE (action = 'import.committed' AND object_id = '{job}') OR (action = 'job.succeeded' AND object_id = '{commit}')"
    );
    findings.bar("told once", count(service, &told) == 2, count(service, &told));
}

fn export(service: &Service, company: &str, random: &mut Random, findings: &mut Findings) {
    let mut jobs = Vec::new();
    let mut hit = None;
    for _ in 0..SHOTS {
        let job = begun(service, "/v1/exports", "application/json", r#"{"type": "full"}"#);
        let (start, pause) = (Instant::now(), Duration::from_millis(random.below(150)));
        let status =
            |job: &str| service.rows(&format!("SELECT status FROM job WHERE id = '{job}'")).expect("rows")[0]["status"].as_str().unwrap_or_default().to_owned();
        while status(&job) == "queued" && start.elapsed() < LIMIT {
            sleep(Duration::from_millis(1));
        }
        sleep(pause);
        service.kill();
        let at_work = status(&job) == "running";
        jobs.push(job.clone());
        service.launch();
        service.wait_ready();
        if at_work {
            hit = Some(job);
            break;
        }
    }
    findings.bar("an export was killed while it was written", hit.is_some(), format!("after {} begun", jobs.len()));
    let done: Vec<Value> = jobs.iter().map(|job| finished(service, job)).collect();
    findings.bar("every export ends", done.iter().all(|job| job["status"] == "succeeded"), done.len());
    let (mut files, mut wrong) = (0, Vec::new());
    for job in &jobs {
        let manifest = ask(service, "GET", &format!("/v1/exports/{job}/manifest"), &[], "").json();
        for file in manifest["files"].as_array().into_iter().flatten() {
            let name = file["name"].as_str().unwrap_or_default();
            let content = ask(service, "GET", &format!("/v1/exports/{job}/files/{name}"), &[], "").body;
            let digest = Sha256::digest(&content).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
            files += 1;
            if file["sha256"] != digest.as_str() {
                wrong.push(format!("{job} {name}"));
            }
        }
    }
    findings.bar("files are those of their manifests", wrong.is_empty() && files > jobs.len(), format!("{files} {wrong:?}"));
    let told = "SELECT count(*) AS n FROM audit_event WHERE action = 'export.ready'";
    findings.bar("every export is told once", usize::try_from(count(service, told)) == Ok(jobs.len()), count(service, told));
    let mut there: Vec<String> = std::fs::read_dir(service.data().join("exports").join(company))
        .expect("files")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    there.sort();
    jobs.sort();
    findings.bar("nothing half-written is left", there == jobs, format!("{} directories", there.len()));
}
