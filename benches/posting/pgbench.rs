//! Runs pgbench on a script.

use crate::Failure;
use crate::client::new_key;
use crate::script::Script;
use crate::service::Service;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What a run gave.
pub struct Run {
    pub tps: f64,
    pub transactions: f64,
    /// Milliseconds and first line of every statement.
    pub waits: Vec<(String, String)>,
    /// The beginning of every id it made, and how many invoices each of its clients made at least.
    stamp: String,
    rounds: String,
}

/// Beside the server's programs, or on PATH.
pub fn find(programs: Option<PathBuf>) -> Option<PathBuf> {
    let works = |program: &PathBuf| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    programs.map(|directory| directory.join("pgbench")).into_iter().chain([PathBuf::from("pgbench")]).find(works)
}

/// Runs the script; receipts pay the invoices of the run `paying`.
pub fn run(program: &Path, service: &mut Service, script: &Script, clients: usize, time: Duration, paying: Option<&Run>) -> Result<Run, Failure> {
    let (file, stamp) = (service.directory.join("bench.sql"), new_key()[..12].to_owned());
    std::fs::write(&file, &script.text)?;
    let number = clients.to_string();
    let mut command = Command::new(program);
    command.args(["-n", "-r", "-M", "prepared", "-j", "2", "-c", &number, "-T", &time.as_secs().to_string(), "-f"]).arg(&file);
    let (paid_stamp, rounds) = paying.map_or((&*stamp, "1000000000"), |run| (&run.stamp, &run.rounds));
    let of_run = [("stamp", &*stamp), ("paid_stamp", paid_stamp), ("rounds", rounds), ("clients", &number)];
    for (name, value) in script.constants.iter().map(|(name, value)| (&**name, &**value)).chain(of_run) {
        command.arg("-D").arg(format!("{name}={value}"));
    }
    // The address, with its password, goes by the environment: arguments are for all to see.
    let output = command.env("PGDATABASE", &service.app_url).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.split([' ', '/']).next()?.parse::<f64>().ok());
    let (Some(tps), Some(transactions), true) = (figure("tps = "), figure("number of transactions actually processed: "), output.status.success()) else {
        return Err(format!("pgbench failed:\n{}", String::from_utf8_lossy(&output.stderr).lines().take(20).collect::<Vec<_>>().join("\n")).into());
    };
    // "   0.123   0  INSERT …", after a heading; \set runs in pgbench itself.
    let wait = |line: &str| {
        let (milliseconds, rest) = line.trim().split_once(' ')?;
        let statement: String = rest.trim().split_once(' ')?.1.trim().chars().take(80).collect();
        (!statement.starts_with("\\set")).then(|| (milliseconds.to_owned(), statement))
    };
    let waits = text.lines().skip_while(|line| !line.starts_with("statement latencies")).skip(1).filter_map(wait).collect();
    let rounds = service.query(&format!(
        "SELECT (CASE WHEN count(*) = {clients} THEN min(made) ELSE 0 END)::text FROM (
            SELECT count(*) AS made FROM invoice WHERE id BETWEEN '{stamp}{}' AND '{stamp}{}' GROUP BY substr(replace(id::text, '-', ''), 24, 3)) AS clients",
        "0".repeat(20),
        "f".repeat(20)
    ))?;
    Ok(Run { tps, transactions, waits, stamp, rounds })
}
