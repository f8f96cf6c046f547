//! The command line on a data directory of its own: start, stop, start again, verify.

use crate::rig::*;
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn duebook(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duebook"));
    command.args(arguments).arg("--data-dir").arg(dir).env_remove("DATABASE_URL").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn output(command: &mut Command) -> (Option<i32>, String) {
    let done = command.output().expect("the binary runs");
    (done.status.code(), format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr)))
}

/// Starts and waits until requests are served; gives what demo.json holds.
fn start(dir: &Path) -> (Child, Value) {
    let mut child = duebook(dir, &["demo", "--empty", "--listen", "127.0.0.1:0", "--stop-with-stdin"]).spawn().expect("the binary starts");
    let demo = until("the service to be ready", Duration::from_secs(120), || {
        if let Some(status) = child.try_wait().expect("a child") {
            let mut text = String::new();
            let _ = child.stderr.take().map(|mut out| out.read_to_string(&mut text));
            panic!("ended with {status}: {text}");
        }
        let demo: Value = serde_json::from_str(&fs::read_to_string(dir.join("demo.json")).ok()?).ok()?;
        let ready = status_of(&format!("{}/readyz", demo["base_url"].as_str()?))?;
        (ready == 200).then_some(demo)
    });
    (child, demo)
}

/// Closes its standard input, which asks it to stop.
fn stop(mut child: Child) {
    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success());
}

struct Directory(PathBuf);
impl Directory {
    fn new() -> Self {
        let dir = std::env::temp_dir().join(format!("duebook-it-cli-{}", fresh()));
        fs::create_dir(&dir).expect("a directory");
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).expect("open to the account PostgreSQL runs under");
        Self(dir)
    }
}
impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_second_start_uses_what_is_there_and_the_books_verify() {
    let dir = Directory::new();
    let data = dir.0.join("data");
    let (first, made) = start(&data);
    assert_eq!(fs::metadata(data.join("demo.json")).expect("written").permissions().mode() & 0o777, 0o600);
    let (code, said) = output(&mut duebook(&data, &["verify"]));
    assert_ne!(code, Some(0), "a directory in use is refused: {said}");
    stop(first);
    let (second, again) = start(&data);
    for member in ["company_id", "users", "client", "gstin", "bank_account_id"] {
        assert_eq!(made[member], again[member], "{member}");
    }
    stop(second);
    let (code, said) = output(&mut duebook(&data, &["verify"]));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("ok      every entry balances") && said.contains("audit log") && !said.contains("BROKEN"), "{said}");
    // An outsider verifies an export with the public key alone.
    let (company, out) = (made["company_id"].as_str().expect("an id"), dir.0.join("export"));
    let (code, said) = output(&mut duebook(&data, &["audit", "export", "--company", company, "--out", out.to_str().expect("a path")]));
    assert_eq!(code, Some(0), "{said}");
    let key = duebook::access::tokens::keys::Keys::open(&data).expect("the key").public().vkey(&format!("duebook/{company}"));
    let check = || output(Command::new(env!("CARGO_BIN_EXE_duebook")).args(["audit", "check", "--public-key", &key, "--export"]).arg(&out));
    let (code, said) = check();
    assert!(code == Some(0) && said.starts_with("OK "), "{said}");
    let accounts = out.join("state/gl_account.jsonl");
    let text = fs::read_to_string(&accounts).expect("accounts");
    fs::write(&accounts, text.replacen("Bad debts", "Good debts", 1)).expect("written");
    let (code, said) = check();
    assert!(code == Some(1) && said.contains("DAMAGED entry") && said.contains("gl_account"), "{said}");
    let (code, said) = output(&mut duebook(&data, &["audit", "accept-restore"]));
    assert!(code == Some(0) && said.is_empty(), "nothing to accept: {said}");
    let person = [
        "user",
        "create",
        "--email",
        "new@person.example",
        "--name",
        "New Person",
        "--roles",
        "collector",
        "--company",
        made["company_id"].as_str().expect("an id"),
    ];
    let (code, said) = output(&mut duebook(&data, &person));
    assert!(code == Some(0) && said.contains("password"), "{said}");
    let (code, said) = output(&mut duebook(&data, &["user", "create", "--email", "b@c.example", "--name", "B", "--roles", "emperor", "--company", &fresh()]));
    assert!(code == Some(1) && said.contains("emperor"), "{said}");
    let (code, said) = output(&mut duebook(&data, &["migrate"]));
    assert!(code == Some(0) && said.contains("up to date"), "{said}");
}

#[test]
fn a_service_that_was_killed_starts_again_by_itself() {
    let dir = Directory::new();
    let data = dir.0.join("data");
    let (mut first, made) = start(&data);
    first.kill().expect("killed");
    first.wait().expect("gone");
    let (second, again) = start(&data);
    assert_eq!(made["company_id"], again["company_id"]);
    stop(second);
}
