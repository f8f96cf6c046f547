//! The service under test with its private `PostgreSQL`: start, stop, what it uses.

use crate::Failure;
use crate::client::{Client, count};
use diesel::connection::Connection;
use diesel::dsl::sql;
use diesel::pg::PgConnection;
use diesel::query_dsl::RunQueryDsl;
use diesel::sql_types::Text;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Service {
    process: Child,
    demo: Value,
    address: String,
    postmaster: u32,
    pub directory: PathBuf,
    pub bank_account: String,
    pub app_url: String,
    pub owner_url: String,
    pub owner: PgConnection,
}

impl Service {
    /// The service stops, with its `PostgreSQL`, when our end of its standard input closes: also if we crash.
    pub fn start() -> Result<Self, Failure> {
        let directory = std::env::temp_dir().join(format!("duebook-bench-{}", crate::client::new_key()));
        fs::DirBuilder::new().mode(0o755).create(&directory)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_duebook"));
        command.args(["demo", "--empty", "--listen", "127.0.0.1:0", "--stop-with-stdin", "--data-dir"]).arg(&directory);
        let mut process = command.env_remove("DATABASE_URL").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
        let read = |name: &str| -> Result<String, Failure> { Ok(fs::read_to_string(directory.join(name))?) };
        let ready = || -> Result<Value, Failure> {
            let demo: Value = serde_json::from_str(&read("demo.json")?)?;
            Client::connect(demo["base_url"].as_str().unwrap_or_default().trim_start_matches("http://"), "")?.get("/readyz")?;
            Ok(demo)
        };
        let started = Instant::now();
        let demo = loop {
            match ready() {
                Ok(demo) => break demo,
                Err(error) if started.elapsed() > Duration::from_secs(90) || process.try_wait()?.is_some() => {
                    return Err(format!("the service did not start: {error}").into());
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        };
        let database: Value = serde_json::from_str(&read("database.json")?)?;
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or("a member is missing");
        Ok(Self {
            address: text(&demo["base_url"])?.trim_start_matches("http://").to_owned(),
            bank_account: text(&demo["bank_account_id"])?,
            app_url: text(&database["app_url"])?,
            owner: PgConnection::establish(&text(&database["owner_url"])?)?,
            owner_url: text(&database["owner_url"])?,
            postmaster: read("postgres/postmaster.pid")?.lines().next().unwrap_or_default().parse()?,
            process,
            directory,
            demo,
        })
    }

    pub fn token(&self, role: &str) -> Result<String, Failure> {
        let reply = self.client("")?.answer("/v1/auth/login", "login", &self.demo["users"][role].to_string())?;
        Ok(reply["access_token"].as_str().ok_or("no token")?.to_owned())
    }

    pub fn client(&self, token: &str) -> Result<Client, Failure> {
        Client::connect(&self.address, token)
    }

    /// The one text a statement of the owner gives.
    pub fn query(&mut self, statement: &str) -> Result<String, Failure> {
        Ok(sql::<Text>(statement).get_result(&mut self.owner)?)
    }

    pub fn log(&self) -> PathBuf {
        self.directory.join("postgres.log")
    }

    /// Where the running server's programs are.
    pub fn programs(&self) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{}/exe", self.postmaster)).ok()?.parent().map(Path::to_owned)
    }

    pub fn peak_memory(&self) -> Result<String, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let kilobytes: usize = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse().ok()).ok_or("no VmHWM")?;
        Ok(format!("{:.0} MiB", count(kilobytes) / 1024.0))
    }

    /// What service, `PostgreSQL`, client (this process with pgbench) and the machine have used so far.
    pub fn cpu(&self) -> Result<Cpu, Failure> {
        let (used, gone) = (|pid| ticks(pid, true).map(|(_, used)| used), "a process is gone");
        // A session that ends meanwhile moves from the children to the postmaster: look again.
        let postgres = loop {
            let before = used(self.postmaster).ok_or(gone)?;
            let pids = fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
            let sessions: f64 = pids.filter_map(|pid| ticks(pid, false)).filter(|(parent, _)| *parent == self.postmaster).map(|(_, used)| used).sum();
            if used(self.postmaster) == Some(before) {
                break before + sessions;
            }
        };
        // user nice system idle iowait irq softirq: all but the fourth and fifth is work.
        let machine = fs::read_to_string("/proc/stat")?;
        let fields = machine.split_whitespace().skip(1).take(7).enumerate().filter(|(at, _)| !matches!(at, 3 | 4));
        let busy = fields.filter_map(|(_, field)| field.parse::<f64>().ok()).sum::<f64>() * TICK;
        Ok(Cpu { service: used(self.process.id()).ok_or(gone)?, postgres, client: used(std::process::id()).ok_or(gone)?, busy })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Processor time in milliseconds.
pub struct Cpu {
    pub service: f64,
    pub postgres: f64,
    pub client: f64,
    pub busy: f64,
}

impl Cpu {
    pub fn since(&self, before: Self) -> Self {
        Self {
            service: self.service - before.service,
            postgres: self.postgres - before.postgres,
            client: self.client - before.client,
            busy: self.busy - before.busy,
        }
    }
}

/// Milliseconds of Linux's unit.
const TICK: f64 = 10.0;

/// Parent and time of a process, with that of its ended children where asked.
fn ticks(pid: u32, children: bool) -> Option<(u32, f64)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let used = fields.get(11..if children { 15 } else { 13 })?.iter().filter_map(|field| field.parse::<f64>().ok()).sum::<f64>();
    Some((fields.get(1)?.parse().ok()?, used * TICK))
}

/// What the processor calls itself.
pub fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map_or_else(|| "unknown processor".to_owned(), |(_, name)| name.to_owned())
}
