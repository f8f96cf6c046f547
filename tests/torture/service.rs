//! The service's own binary on a data directory of its own: start, kill, start again, look inside.

use crate::http::{Answer, Http};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

pub struct Service {
    pub dir: PathBuf,
    pub address: String,
    pub archive: Option<PathBuf>,
    process: Mutex<Option<Child>>,
    tokens: Mutex<HashMap<String, (String, Instant)>>,
}

impl Service {
    /// A fresh data directory, the service on it, ready.
    pub fn start(archive: bool) -> Self {
        let dir = std::env::temp_dir().join(format!("duebook-torture-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&dir).expect("a directory");
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).expect("open to the account PostgreSQL runs under");
        let archive = archive.then(|| dir.join("archive"));
        let service = Self { address: format!("127.0.0.1:{}", free_port()), dir, archive, process: Mutex::default(), tokens: Mutex::default() };
        service.launch();
        service.wait_ready();
        service
    }

    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Any command of the binary on this data directory.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_duebook"));
        command.args(words).arg("--data-dir").arg(self.data()).env_remove("DATABASE_URL").env("DUEBOOK_LOG", "warn");
        if let Some(archive) = &self.archive {
            command.arg("--wal-archive").arg(archive);
        }
        command
    }

    pub fn launch(&self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.dir.join("service.log")).expect("a log");
        let mut command = self.command(&["demo", "--empty", "--stop-with-stdin", "--listen", &self.address]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log).spawn().expect("the binary starts");
        *self.process.lock().unwrap() = Some(child);
    }

    pub fn wait_ready(&self) {
        let start = Instant::now();
        while Http::new(&self.address).send("GET", "/readyz", &[], "").map_or(0, |answer| answer.status) != 200 {
            let gone = self.process.lock().unwrap().as_mut().is_none_or(|child| child.try_wait().ok().flatten().is_some());
            assert!(!gone && start.elapsed() < Duration::from_secs(120), "the service did not become ready; see {}", self.dir.display());
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    pub fn pid(&self) -> i32 {
        self.process.lock().unwrap().as_ref().expect("it runs").id().cast_signed()
    }

    /// kill -9 of the service alone; its PostgreSQL goes on.
    pub fn kill(&self) {
        let mut child = self.process.lock().unwrap().take().expect("it runs");
        child.kill().expect("killed");
        child.wait().expect("gone");
    }

    /// Asks it to stop and waits.
    pub fn stop(&self) {
        let Some(mut child) = self.process.lock().unwrap().take() else { return };
        drop(child.stdin.take());
        assert!(child.wait().expect("it ends").success(), "the service stops by itself");
    }

    pub fn postmaster(&self) -> Option<i32> {
        fs::read_to_string(self.data().join("postgres/postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()
    }

    /// kill -9 of the postmaster and, unless only that is meant, of every process it started.
    pub fn kill_database(&self, children_too: bool) {
        let postmaster = self.postmaster().expect("the database runs");
        let children = children_of(postmaster);
        signal(postmaster, Signal::SIGKILL);
        if children_too {
            for child in children {
                signal(child, Signal::SIGKILL);
            }
        }
    }

    /// A token of the demo person of a role, from a log-in of at most ten minutes ago.
    pub fn token(&self, role: &str) -> String {
        let mut tokens = self.tokens.lock().unwrap();
        if let Some((token, at)) = tokens.get(role)
            && at.elapsed() < Duration::from_secs(600)
        {
            return token.clone();
        }
        let demo = self.demo();
        let start = Instant::now();
        let token = loop {
            let answer = Http::new(&self.address).send("POST", "/v1/auth/login", &[], &demo["users"][role].to_string());
            match answer {
                Ok(answer) if answer.status == 200 => break answer.json()["access_token"].as_str().expect("a token").to_owned(),
                _ if start.elapsed() > Duration::from_secs(120) => panic!("nobody can log in; see {}", self.dir.display()),
                _ => std::thread::sleep(Duration::from_millis(200)),
            }
        };
        tokens.insert(role.to_owned(), (token.clone(), Instant::now()));
        token
    }

    pub fn demo(&self) -> Value {
        read_json(&self.data().join("demo.json"))
    }

    /// One request of a person, for the set-up: what is created.
    pub fn created(&self, role: &str, path: &str, body: &Value) -> Value {
        let token = format!("Bearer {}", self.token(role));
        let key = format!("setup-{}", uuid::Uuid::new_v4().simple());
        let answer: Answer =
            Http::new(&self.address).send("POST", path, &[("authorization", &token), ("idempotency-key", &key)], &body.to_string()).expect("an answer");
        assert_eq!(answer.status, 201, "{path}: {}", String::from_utf8_lossy(&answer.body));
        answer.json()
    }

    /// A customer in Maharashtra; gives the id.
    pub fn customer(&self, name: &str) -> String {
        let address = json!({"line1": "1 MG Road", "city": "Pune", "state_code": "27", "postal_code": "411001", "country": "IN"});
        let body = json!({"external_id": name, "legal_name": name, "kind": "b2b", "currency": "INR", "payment_terms_days": 30, "billing_address": address});
        self.created("ar_executive", "/v1/customers", &body)["id"].as_str().expect("an id").to_owned()
    }

    /// Rows of SQL as the owner.
    pub fn rows(&self, query: &str) -> Result<Vec<Value>, String> {
        #[derive(QueryableByName)]
        struct Json {
            #[diesel(sql_type = diesel::sql_types::Text)]
            json: String,
        }
        let url = read_json(&self.data().join("database.json"))["owner_url"].as_str().unwrap_or_default().to_owned();
        let mut connection = PgConnection::establish(&url).map_err(|error| error.to_string())?;
        let query = format!("SELECT coalesce(jsonb_agg(to_jsonb(q)), '[]')::text AS json FROM ({query}) AS q");
        let found: Json = diesel::sql_query(query).get_result(&mut connection).map_err(|error| error.to_string())?;
        serde_json::from_str(&found.json).map_err(|error| error.to_string())
    }

    /// `duebook verify` of the stopped data directory: what it says, and whether the books are clean.
    pub fn verify(&self) -> (bool, String) {
        let done = self.command(&["verify"]).output().expect("the binary runs");
        (done.status.success(), format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)))
    }

    /// Peak memory of the service in MiB.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
        line.unwrap_or(0) / 1024
    }

    pub fn remove(self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(mut child) = self.process.lock().unwrap().take() {
            drop(child.stdin.take());
            let _ = child.wait();
        } else if let Some(left) = self.postmaster().filter(|pid| runs_in(*pid, &self.data())) {
            signal(left, Signal::SIGINT);
        }
    }
}

pub fn signal(pid: i32, signal: Signal) {
    // Fails only for a process that has left meanwhile.
    let _ = kill(Pid::from_raw(pid), signal);
}

/// Whether a process was started on this data directory: ids are used again.
fn runs_in(pid: i32, data: &Path) -> bool {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&line).contains(&*data.to_string_lossy())
}

fn read_json(path: &Path) -> Value {
    fs::read_to_string(path).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

/// Parent and processor time (own, in seconds) of a process.
fn stat(pid: i32) -> Option<(i32, f64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some((fields.get(1)?.parse().ok()?, (fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?) / 100.0))
}

fn children_of(parent: i32) -> Vec<i32> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| stat(*pid).is_some_and(|(of, _)| of == parent)).collect()
}

/// Processor seconds of a process, with what it started where asked.
pub fn cpu_seconds(pid: i32, children: bool) -> f64 {
    let own = stat(pid).map_or(0.0, |(_, used)| used);
    own + if children { children_of(pid).into_iter().map(|child| cpu_seconds(child, false)).sum() } else { 0.0 }
}

/// Below the range the system takes ports for outgoing connections from: a client that knocks while nobody
/// listens must not get connected to itself.
fn free_port() -> u16 {
    (0..100).map(|_| rand::random_range(20_000..30_000)).find(|port| std::net::TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}
