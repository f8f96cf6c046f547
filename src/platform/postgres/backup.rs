//! Base backups of the private server, and clusters laid out from them.
//!
//! A base backup alone restores to its own end; with the archived write-ahead log to any later instant
//! (PostgreSQL's manual, 26.3). The files beside the cluster, above all the signing key, are not part of it.

use super::embedded::{self as cluster, Account, EmbeddedError, INIT_PREFIX, RECOVERY_SIGNAL, Result, at, unusable};
use crate::platform::clock;
use chrono::{DateTime, SecondsFormat, Utc};
use std::fmt::Write;
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Backs up the server behind `owner_url` into the new directory `to`, which the owner of this process
/// alone can read. The server goes on serving meanwhile.
pub fn take(data_dir: &Path, pg_bin: Option<&Path>, owner_url: &str, to: &Path) -> Result<()> {
    let dir = data_dir.join("postgres");
    let major = cluster::cluster_major(&dir)?.ok_or_else(|| unusable(&dir, "there is no private PostgreSQL to back up"))?;
    let bin = cluster::find_binaries(pg_bin, Some((major, &dir)))?;
    // Some systems link the server's programs alone into a directory of PATH.
    let beside = fs::canonicalize(bin.join("postgres")).ok().and_then(|server| Some(server.parent()?.join("pg_basebackup")));
    let program = [Some(bin.join("pg_basebackup")), beside].into_iter().flatten().find(|program| program.is_file());
    let program = program.ok_or_else(|| unusable(&bin, "it lacks `pg_basebackup` (Debian, Ubuntu: package postgresql-client)"))?;
    let mut command = Command::new(&program);
    command.args(["--checkpoint=fast", "--wal-method=stream", "--no-password", "--pgdata"]).arg(to);
    // In the environment, since anybody may read the words of a command.
    let (url, password) = without_password(owner_url);
    let output = command.arg("--dbname").arg(url).env("PGPASSWORD", password).output().map_err(at("run", &program))?;
    if output.status.success() { Ok(()) } else { Err(EmbeddedError::BackupFailed { detail: cluster::tail(&String::from_utf8_lossy(&output.stderr)) }) }
}

/// `postgresql://role:password@…` as `postgresql://role@…` and the password.
fn without_password(url: &str) -> (String, &str) {
    let parts = url.split_once("://").and_then(|(scheme, rest)| {
        let (who, place) = rest.split_once('@')?;
        let (role, password) = who.split_once(':')?;
        Some((format!("{scheme}://{role}@{place}"), password))
    });
    parts.unwrap_or_else(|| (url.to_owned(), ""))
}

/// Lays out the cluster of `data_dir` from the base backup `from`, so that the next start brings it to
/// `until` or, without that, to the end of `archive`; without an archive to the end of the backup.
/// Refuses where a cluster is already: who restores over one moves it away first.
pub fn restore(data_dir: &Path, pg_bin: Option<&Path>, from: &Path, archive: Option<&Path>, until: Option<DateTime<Utc>>) -> Result<()> {
    let data_dir = cluster::create_data_dir(data_dir)?;
    let _lock = cluster::take_lock(&data_dir)?;
    let place = data_dir.join("postgres");
    if fs::symlink_metadata(&place).is_ok() {
        return Err(unusable(&place, "there is a cluster already; move it away before you restore another"));
    }
    let major = cluster::cluster_major(from)?.ok_or_else(|| unusable(from, "it holds no base backup"))?;
    let bin = cluster::find_binaries(pg_bin, Some((major, from)))?;
    let account = Account::choose(None)?;
    account.check_reach(&bin, &data_dir)?;
    let work = data_dir.join(format!("{INIT_PREFIX}restored"));
    let _ = fs::remove_dir_all(&work);
    copy(from, &work, &account)?;
    if let Some(archive) = archive {
        let archive = fs::canonicalize(archive).map_err(at("find", archive))?;
        account.check_reach(&bin, &archive)?;
        let fetch = format!("cp {}/%f %p", cluster::shell_word(&archive)).replace('\'', "''");
        let mut settings = format!("\nrestore_command = '{fetch}'\nrecovery_target_action = 'promote'\n");
        if let Some(until) = until {
            // With an offset: the setting takes no names of zones, not even `Z`.
            let _ = writeln!(settings, "recovery_target_time = '{}'", until.format("%Y-%m-%d %H:%M:%S%.6f+00"));
        }
        let file = work.join("postgresql.auto.conf");
        let earlier = fs::read_to_string(&file).unwrap_or_default();
        fs::write(&file, earlier + &settings).map_err(at("write", &file))?;
        let signal = work.join(RECOVERY_SIGNAL);
        fs::write(&signal, "").map_err(at("write", &signal))?;
        account.give(&signal)?;
    }
    fs::rename(&work, &place).map_err(at("put in place", &place))?;
    let note = data_dir.join(RESTORED);
    let text = format!(
        "{} from {}{}\n",
        clock::now().to_rfc3339_opts(SecondsFormat::Secs, true),
        from.display(),
        until.map(|until| format!(", to {}", until.to_rfc3339_opts(SecondsFormat::Micros, true))).unwrap_or_default()
    );
    let earlier = restorations(&data_dir);
    fs::write(&note, earlier + &text).map_err(at("write", &note))
}

/// Beside the signing key: every deliberate restore of this data directory, one a line. An older copy of
/// the database that somebody put in place without it was not put there by `duebook restore`.
const RESTORED: &str = "restored.log";

/// When, from where and to which time this data directory was restored; empty if it never was.
pub fn restorations(data_dir: &Path) -> String {
    fs::read_to_string(data_dir.join(RESTORED)).unwrap_or_default()
}

fn copy(from: &Path, to: &Path, account: &Account) -> Result<()> {
    DirBuilder::new().mode(0o700).create(to).map_err(at("create", to))?;
    account.give(to)?;
    for entry in fs::read_dir(from).map_err(at("list", from))? {
        let entry = entry.map_err(at("list", from))?;
        let (source, target): (PathBuf, PathBuf) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().map_err(at("inspect", &source))?.is_dir() {
            copy(&source, &target, account)?;
        } else {
            fs::copy(&source, &target).map_err(at("copy", &source))?;
            fs::set_permissions(&target, Permissions::from_mode(0o600)).map_err(at("set the mode of", &target))?;
            account.give(&target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_taken_out_of_an_address() {
        assert_eq!(without_password("postgresql://a:b@/c?host=d"), ("postgresql://a@/c?host=d".to_owned(), "b"));
        assert_eq!(without_password("postgresql://a@/c").1, "");
    }
}
