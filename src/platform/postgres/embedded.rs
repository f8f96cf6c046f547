//! The private `PostgreSQL` server that Duebook brings up when no `DATABASE_URL` is given.
//!
//! Everything lives in the data directory: the cluster in `postgres/`, its passwords in
//! `postgres.secrets`, its log in `postgres.log` and its socket in `run/`. The server listens on
//! that Unix socket alone and always asks for a password.
//!
//! All functions here block (a start after a crash may take minutes), so call them before the
//! async runtime starts or on a thread of their own.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User, getegid, geteuid};
use rand::distr::{Alphanumeric, SampleString};

/// The oldest server whose features (`--locale-provider`, a closed `public` schema) we rely on.
const OLDEST_MAJOR: u32 = 15;
const POLL: Duration = Duration::from_millis(20);
const READY_LIMIT: Duration = Duration::from_secs(60);
/// Crash recovery replays up to `max_wal_size` of log, which a slow disk may take minutes over.
const RECOVERY_LIMIT: Duration = Duration::from_secs(300);
/// A restored cluster reads the archived log of days.
const RESTORE_LIMIT: Duration = Duration::from_secs(24 * 3600);
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// How long children of a killed server may hold its shared memory before we give up.
const ORPHAN_LIMIT: Duration = Duration::from_secs(10);
/// How soon a server that ended by itself is noticed, and how long we wait after a start that failed.
const WATCH: Duration = Duration::from_millis(100);
const RETRY: Duration = Duration::from_secs(1);
/// `sun_path` holds 104 bytes on macOS and 108 on Linux, the closing NUL included.
const SOCKET_PATH_MAX: usize = 103;
const SOCKET_NAME: &str = ".s.PGSQL.5432";
const SOCKET_LOCK: &str = ".s.PGSQL.5432.lock";
pub(super) const INIT_PREFIX: &str = "postgres.new-";
/// Tells the server to recover from a base backup and the archive.
pub(super) const RECOVERY_SIGNAL: &str = "recovery.signal";
const INITDB_OPTIONS: &[&str] = &[
    "--pgdata=data",
    "--pwfile=password",
    "--username=duebook",
    "--encoding=UTF8",
    "--locale-provider=libc",
    "--lc-messages=C",
    "--data-checksums",
    "--auth-local=scram-sha-256",
    "--auth-host=scram-sha-256",
    "--no-instructions",
];
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "port=5432",
    "cluster_name=duebook",
    "shared_buffers=128MB",
    "max_connections=60",
    "max_prepared_transactions=0",
    "fsync=on",
    "synchronous_commit=on",
    "wal_compression=on",
    "checkpoint_timeout=15min",
    "max_wal_size=2GB",
    // Plans made while tables were empty are made anew soon after they are not.
    "autovacuum_naptime=5s",
    "random_page_cost=1.1",
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "logging_collector=off",
    "password_encryption=scram-sha-256",
];

/// Why the private server could not be found, made, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(
        "no PostgreSQL server, version {OLDEST_MAJOR} or later, was found on PATH or in the usual \
         places. Install one (Debian, Ubuntu: `apt-get install postgresql`; Fedora: `dnf install \
         postgresql-server`; macOS: `brew install postgresql@17`), set DUEBOOK_PG_BIN to the \
         directory that holds `postgres` and `initdb`, or set DATABASE_URL to a server of your own"
    )]
    NotFound,
    #[error("{} cannot be used: {reason}", path.display())]
    Unusable { path: PathBuf, reason: String },
    #[error(
        "{} was made by PostgreSQL {cluster}, but {available}. Install that version (Debian, \
         Ubuntu: `apt-get install postgresql-{cluster}`; Fedora: `dnf install \
         postgresql{cluster}-server`; macOS: `brew install postgresql@{cluster}`), or move the \
         cluster to the newer version with pg_upgrade first", dir.display()
    )]
    OtherMajor { dir: PathBuf, cluster: u32, available: String },
    #[error(
        "the data directory {} is in use by another duebook (process {pid}); stop it first or \
         choose another data directory", dir.display()
    )]
    InUse { dir: PathBuf, pid: i32 },
    #[error(
        "PostgreSQL refuses to run as root, and neither of the accounts `postgres` and `nobody` \
         exists; create one, or start duebook as an ordinary user"
    )]
    NoAccount,
    #[error(
        "PostgreSQL refuses to run as root, so it runs as `{account}`, and that account cannot \
         enter {}, which leads to the data directory {}. Choose a data directory elsewhere (for \
         example /var/lib/duebook) or let others pass through with `chmod o+x`",
        dir.display(), data_dir.display()
    )]
    Unreachable { account: String, dir: PathBuf, data_dir: PathBuf },
    #[error("initdb could not make the cluster:\n{detail}")]
    InitFailed { detail: String },
    #[error("PostgreSQL did not start ({reason}); the end of {} says:\n{detail}", log.display())]
    StartFailed { reason: String, log: PathBuf, detail: String },
    #[error("pg_basebackup could not take the backup:\n{detail}")]
    BackupFailed { detail: String },
    #[error("PostgreSQL (process {0}) did not stop when asked")]
    NotStopped(i32),
    #[error("could not {action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: io::Error },
}

pub(super) type Result<T> = std::result::Result<T, EmbeddedError>;

pub(super) fn unusable(path: &Path, reason: impl Into<String>) -> EmbeddedError {
    EmbeddedError::Unusable { path: path.to_owned(), reason: reason.into() }
}

/// Turns an I/O error into one that says what was tried on which path.
pub(super) fn at(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EmbeddedError {
    move |source| EmbeddedError::Io { action, path: path.to_owned(), source }
}

/// A running private server, brought up again if it ends by itself. Dropping it stops the server, but
/// [`Embedded::stop`] reports errors.
#[derive(Debug)]
pub struct Embedded {
    keeper: Option<JoinHandle<Result<()>>>,
    stop: Arc<AtomicBool>,
    owner_url: String,
    app_url: String,
    /// Released only after the server is gone, since fields are dropped after `Drop::drop`.
    _lock: File,
}

impl Embedded {
    /// Starts the server for `data_dir`, making the cluster on the first start. `pg_bin` (the
    /// setting `DUEBOOK_PG_BIN`) names the directory of the server binaries instead of a search;
    /// `archive` (`DUEBOOK_WAL_ARCHIVE`) the directory that gets a copy of the write-ahead log.
    ///
    /// # Errors
    /// When no fitting binaries exist, the directory is in use, belongs to another major version
    /// or cannot be reached by the server's account, or when the server fails to come up.
    pub fn start(data_dir: &Path, pg_bin: Option<&Path>, archive: Option<&Path>) -> Result<Self> {
        let began = Instant::now();
        let data_dir = create_data_dir(data_dir)?;
        let lock = take_lock(&data_dir)?;
        let cluster = data_dir.join("postgres");
        let major = cluster_major(&cluster)?;
        let account = Account::choose(major.is_some().then_some(cluster.as_path()))?;
        let bin = find_binaries(pg_bin, major.map(|major| (major, cluster.as_path())))?;
        account.check_reach(&bin, &data_dir)?;
        let archive = archive.map(|dir| archive_dir(dir, &account, &bin)).transpose()?;
        let secrets = Secrets::load_or_make(&data_dir)?;
        let socket_dir = socket_dir(&data_dir, &account)?;
        let stop = Arc::new(AtomicBool::new(false));
        let log = data_dir.join("postgres.log");
        let site = Site { log, data_dir, cluster, bin, account, socket_dir, archive, stop: Arc::clone(&stop) };
        site.sweep()?;
        if major.is_none() {
            site.init(&secrets)?;
        }
        let server = site.launch(&secrets)?;
        let host = percent_encode(&site.socket_dir);
        let url = |role: &str, password: &str| format!("postgresql://{role}:{password}@/duebook?host={host}&port=5432");
        tracing::info!(
            pid = server.id(), binaries = %site.bin.display(), socket = %site.socket_dir,
            elapsed_ms = began.elapsed().as_millis(), "private PostgreSQL is ready"
        );
        let (owner_url, app_url) = (url("duebook", &secrets.owner), url("duebook_app", &secrets.app));
        let keeper = thread::Builder::new().name("postgres".into()).spawn(move || site.keep(server)).map_err(at("watch", Path::new("postgres")))?;
        Ok(Self { keeper: Some(keeper), stop, owner_url, app_url, _lock: lock })
    }

    /// The database `duebook` as the superuser of the private cluster: for migrations.
    #[must_use]
    pub fn owner_url(&self) -> &str {
        &self.owner_url
    }

    /// The database `duebook` as the unprivileged role that row security binds.
    #[must_use]
    pub fn app_url(&self) -> &str {
        &self.app_url
    }

    /// Stops the server: open sessions are ended, data is flushed, nothing is left running.
    ///
    /// # Errors
    /// When the server is still there after the fast and then the immediate way of stopping it.
    pub fn stop(mut self) -> Result<()> {
        self.halt()
    }

    fn halt(&mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let Some(keeper) = self.keeper.take() else { return Ok(()) };
        keeper.thread().unpark();
        keeper.join().unwrap_or(Ok(()))
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        if let Err(error) = self.halt() {
            tracing::error!(%error, "private PostgreSQL is left running");
        }
    }
}

/// The account the server runs under: ourselves, or another one when we are root.
pub(super) struct Account {
    uid: u32,
    gid: u32,
    /// Whether we are root and have to become `uid`.
    switch: bool,
}

impl Account {
    /// `PostgreSQL` insists that the cluster belongs to the account it runs under, so an existing
    /// cluster decides; for a new one root gives it to `postgres` or `nobody`.
    pub(super) fn choose(cluster: Option<&Path>) -> Result<Self> {
        let (me, switch) = (geteuid(), geteuid().is_root());
        let account = |uid, gid| Self { uid, gid, switch };
        if let Some(dir) = cluster {
            let owner = fs::metadata(dir).map_err(at("inspect", dir))?;
            // Either root and the cluster is another's, or not root and the cluster is ours.
            if switch == (owner.uid() == me.as_raw()) {
                let reason = "its owner must be the account that starts duebook, or, if that is \
                              root, another one: PostgreSQL refuses to run as root";
                return Err(unusable(dir, reason));
            }
            return Ok(account(owner.uid(), owner.gid()));
        }
        if !switch {
            return Ok(account(me.as_raw(), getegid().as_raw()));
        }
        let known = ["postgres", "nobody"].iter().find_map(|name| User::from_name(name).ok().flatten());
        known.map(|user| account(user.uid.as_raw(), user.gid.as_raw())).ok_or(EmbeddedError::NoAccount)
    }

    /// A command of this account. The environment is not passed on: it may hold our own secrets,
    /// and `PG*` or locale variables would change what the server does and says.
    fn command(&self, program: &Path, cwd: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(cwd).stdin(Stdio::null()).env_clear().env("LC_ALL", "C");
        for name in ["PATH", "LD_LIBRARY_PATH", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        if self.switch {
            // `uid` also drops root's supplementary groups.
            command.gid(self.gid).uid(self.uid);
        }
        command
    }

    pub(super) fn give(&self, path: &Path) -> Result<()> {
        if self.switch {
            chown(path, Some(self.uid), Some(self.gid)).map_err(at("change the owner of", path))?;
        }
        Ok(())
    }

    /// Asks the kernel, by entering each directory as the account, rather than reading modes:
    /// that is right for access control lists and security modules as well.
    pub(super) fn check_reach(&self, bin: &Path, data_dir: &Path) -> Result<()> {
        let enters = |dir: &Path| {
            let mut probe = self.command(&bin.join("postgres"), dir);
            let status = probe.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        if !self.switch || enters(data_dir) {
            return Ok(());
        }
        let user = User::from_uid(Uid::from_raw(self.uid)).ok().flatten();
        let account = user.map_or_else(|| self.uid.to_string(), |user| user.name);
        let mut from_root: Vec<&Path> = data_dir.ancestors().collect();
        from_root.reverse();
        let barred = from_root.into_iter().find(|dir| !enters(dir));
        Err(match barred.filter(|dir| dir.parent().is_some()) {
            Some(dir) => {
                let (dir, data_dir) = (dir.to_owned(), data_dir.to_owned());
                EmbeddedError::Unreachable { account, dir, data_dir }
            }
            None => unusable(bin, format!("the account `{account}` cannot run its programs")),
        })
    }
}

/// The passwords of the two roles; letters and digits only, so they need no quoting anywhere.
struct Secrets {
    owner: String,
    app: String,
}

impl Secrets {
    /// A lost or damaged file only costs new passwords, because every start sets them afresh.
    fn load_or_make(data_dir: &Path) -> Result<Self> {
        let path = data_dir.join("postgres.secrets");
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            other => other.map_err(at("read", &path))?,
        };
        let value = |key: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
            let sound = value.len() >= 32 && value.bytes().all(|byte| byte.is_ascii_alphanumeric());
            sound.then(|| value.to_owned())
        };
        if let (Some(owner), Some(app)) = (value("owner"), value("app")) {
            return Ok(Self { owner, app });
        }
        let fresh = || Alphanumeric.sample_string(&mut rand::rng(), 32);
        let (owner, app) = (fresh(), fresh());
        let draft = data_dir.join("postgres.secrets.new");
        write_private(&draft, &format!("owner={owner}\napp={app}\n"))?;
        fs::rename(&draft, &path).map_err(at("put in place", &path))?;
        Ok(Self { owner, app })
    }
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(path).and_then(|mut file| {
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(at("write", path))
}

/// Creates the data directory where missing and returns its absolute, resolved path. Directories
/// made by root can be passed through by the server's account (0711; the secrets in them are
/// 0600 files); directories that exist already keep their modes.
pub(super) fn create_data_dir(path: &Path) -> Result<PathBuf> {
    let wanted = std::path::absolute(path).map_err(at("resolve", path))?;
    let mode = if geteuid().is_root() { 0o711 } else { 0o700 };
    let missing: Vec<&Path> = wanted.ancestors().take_while(|dir| !dir.exists()).collect();
    for dir in missing.into_iter().rev() {
        match DirBuilder::new().mode(mode).create(dir) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => created.and_then(|()| fs::set_permissions(dir, Permissions::from_mode(mode))).map_err(at("create", dir))?,
        }
    }
    fs::canonicalize(&wanted).map_err(at("resolve", &wanted))
}

/// Only one duebook may manage a data directory. The kernel frees this lock even after `kill -9`.
pub(super) fn take_lock(data_dir: &Path) -> Result<File> {
    let path = data_dir.join("duebook.lock");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(&path).map_err(at("open", &path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            let pid = noted_pid(&path).unwrap_or(0);
            let dir = data_dir.to_owned();
            return Err(EmbeddedError::InUse { dir, pid });
        }
        Err(fs::TryLockError::Error(source)) => return Err(at("lock", &path)(source)),
    }
    let noted = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    noted.map_err(at("write", &path))?;
    Ok(file)
}

/// The directory for copies of the write-ahead log, made where missing and given to the server's account.
fn archive_dir(dir: &Path, account: &Account, bin: &Path) -> Result<PathBuf> {
    let dir = create_data_dir(dir)?;
    account.give(&dir)?;
    account.check_reach(bin, &dir)?;
    Ok(dir)
}

/// A path as one word of a shell command that `PostgreSQL` runs, which reads `%` for itself.
pub(super) fn shell_word(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''").replace('%', "%%"))
}

/// The major version of the cluster, or `None` where there is none yet.
pub(super) fn cluster_major(cluster: &Path) -> Result<Option<u32>> {
    if fs::symlink_metadata(cluster).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(None);
    }
    let text = fs::read_to_string(cluster.join("PG_VERSION")).unwrap_or_default();
    match text.trim().parse() {
        Ok(major) => Ok(Some(major)),
        Err(_) => Err(unusable(cluster, "it holds no PostgreSQL cluster; move it away and start again")),
    }
}

/// Chooses the directory of the server binaries: the given one, else one on PATH, else the newest
/// in the usual places; for an existing cluster only one of the same major version will do.
pub(super) fn find_binaries(given: Option<&Path>, cluster: Option<(u32, &Path)>) -> Result<PathBuf> {
    let mut found = Vec::new();
    if let Some(dir) = given {
        let dir = fs::canonicalize(dir).map_err(at("find DUEBOOK_PG_BIN,", dir))?;
        let Some(version) = server_version(&dir).filter(|version| version.0 >= OLDEST_MAJOR) else {
            let reason = format!("it lacks `postgres` and `initdb`, version {OLDEST_MAJOR} or later");
            return Err(unusable(&dir, reason));
        };
        found.push((version, dir));
    } else {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).filter_map(|dir| fs::canonicalize(dir).ok());
        let versioned = |dir: PathBuf| Some((server_version(&dir)?, dir));
        found.extend(on_path.filter_map(versioned));
        let mut usual: Vec<_> = usual_places().into_iter().filter_map(versioned).collect();
        usual.sort_by(|a, b| b.cmp(a));
        found.extend(usual);
        found.retain(|(version, _)| version.0 >= OLDEST_MAJOR);
    }
    let newest = found.first().map(|(version, _)| version.0);
    let fits = |major: u32| cluster.is_none_or(|(wanted, _)| wanted == major);
    if let Some((_, dir)) = found.into_iter().find(|(version, _)| fits(version.0)) {
        return Ok(dir);
    }
    let Some((cluster, dir)) = cluster else {
        return Err(EmbeddedError::NotFound);
    };
    let available = newest.map_or("no PostgreSQL server is here".to_owned(), |major| format!("the server here is version {major}"));
    Err(EmbeddedError::OtherMajor { dir: dir.to_owned(), cluster, available })
}

/// Where packages put server binaries: Debian, PGDG on Fedora, Homebrew, Alpine, source builds.
fn usual_places() -> Vec<PathBuf> {
    let places = [
        ("/usr/lib/postgresql", ""),
        ("/usr", "pgsql-"),
        ("/opt/homebrew/opt", "postgresql@"),
        ("/usr/local/opt", "postgresql@"),
        ("/usr/libexec", "postgresql"),
        ("/usr/local", "pgsql"),
    ];
    let entries = places.into_iter().filter_map(|(parent, prefix)| Some((fs::read_dir(parent).ok()?, prefix)));
    let named = entries.flat_map(|(entries, prefix)| entries.flatten().filter(move |entry| entry.file_name().as_bytes().starts_with(prefix.as_bytes())));
    named.map(|entry| entry.path().join("bin")).collect()
}

/// Major and minor version of the server in `dir`, or `None` if it holds no complete server.
fn server_version(dir: &Path) -> Option<(u32, u32)> {
    if !dir.join("initdb").is_file() || !dir.join("postgres").is_file() {
        return None;
    }
    let output = Command::new(dir.join("postgres")).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// Reads `postgres (PostgreSQL) 15.16 (Debian …)`, and `18beta1` as 18.0.
fn parse_version(line: &str) -> Option<(u32, u32)> {
    let version = line.split_once("(PostgreSQL) ")?.1;
    let digits = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok());
    let minor = version.split_once('.').and_then(|(_, minor)| digits(minor));
    Some((digits(version)?, minor.unwrap_or(0)))
}

/// A directory for the socket: `run` in the data directory, unless that path is too long for a
/// socket or libpq would take it for a list of hosts; then a private one under `/tmp`.
fn socket_dir(data_dir: &Path, account: &Account) -> Result<String> {
    let run = data_dir.join("run");
    let usable = run.to_str().filter(|run| run.len() + 1 + SOCKET_NAME.len() <= SOCKET_PATH_MAX && !run.contains(','));
    let dir = usable.map_or_else(
        || {
            // FNV-1a, so that the name stays the same from one build of duebook to the next.
            let hash =
                data_dir.as_os_str().as_bytes().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
            format!("/tmp/duebook-{}-{hash:016x}", account.uid)
        },
        str::to_owned,
    );
    let path = Path::new(&dir);
    match DirBuilder::new().mode(0o711).create(path) {
        Ok(()) => {
            fs::set_permissions(path, Permissions::from_mode(0o711)).map_err(at("set the mode of", path))?;
            account.give(path)?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            // `/tmp` is open to all: whoever made the directory first could read our passwords.
            let found = fs::symlink_metadata(path).map_err(at("inspect", path))?;
            let ours = found.uid() == account.uid || found.uid() == geteuid().as_raw();
            if !found.is_dir() || !ours || found.mode() & 0o022 != 0 {
                let reason = "as the socket directory it must belong to us and be writable by us only";
                return Err(unusable(path, reason));
            }
            account.give(path)?;
        }
        Err(error) => return Err(at("create", path)(error)),
    }
    Ok(dir)
}

fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// Everything needed to run the programs of one cluster.
struct Site {
    data_dir: PathBuf,
    cluster: PathBuf,
    log: PathBuf,
    bin: PathBuf,
    account: Account,
    socket_dir: String,
    archive: Option<PathBuf>,
    /// Set when the server is to stop, also while it is still starting.
    stop: Arc<AtomicBool>,
}

impl Site {
    /// Removes what an interrupted [`Site::init`] left. An initdb that outlived a killed duebook
    /// may still write there: it fails then, and the next start removes the rest.
    fn sweep(&self) -> Result<()> {
        let entries = fs::read_dir(&self.data_dir).map_err(at("list", &self.data_dir))?;
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.as_bytes().starts_with(INIT_PREFIX.as_bytes()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        Ok(())
    }

    /// Makes the cluster in a directory of its own and renames it into place when it is complete,
    /// so a kill half way leaves nothing that looks like a cluster.
    fn init(&self, secrets: &Secrets) -> Result<()> {
        // A fresh name each time, so an initdb left over never writes into our new cluster.
        let suffix = Alphanumeric.sample_string(&mut rand::rng(), 12);
        let work = self.data_dir.join(format!("{INIT_PREFIX}{suffix}"));
        DirBuilder::new().mode(0o700).create(&work).map_err(at("create", &work))?;
        let made = self.init_in(&work, secrets);
        let _ = fs::remove_dir_all(&work);
        made
    }

    fn init_in(&self, work: &Path, secrets: &Secrets) -> Result<()> {
        self.account.give(work)?;
        let (password, cluster) = (work.join("password"), work.join("data"));
        write_private(&password, &secrets.owner)?;
        self.account.give(&password)?;
        let mut detail = String::new();
        // C.UTF-8 knows the letter case of all scripts; not every system has it.
        for locale in ["C.UTF-8", "C"] {
            let mut initdb = self.account.command(&self.bin.join("initdb"), work);
            initdb.args(INITDB_OPTIONS).arg(format!("--locale={locale}"));
            let output = initdb.output().map_err(at("run initdb of", &self.bin))?;
            if output.status.success() {
                fs::rename(&cluster, &self.cluster).map_err(at("put in place", &self.cluster))?;
                let synced = File::open(&self.data_dir).and_then(|dir| dir.sync_all());
                return synced.map_err(at("sync", &self.data_dir));
            }
            detail = tail(&String::from_utf8_lossy(&output.stderr));
        }
        Err(EmbeddedError::InitFailed { detail })
    }

    /// Brings a restored cluster to its point in time, sets roles and database right, then starts the server.
    fn launch(&self, secrets: &Secrets) -> Result<Child> {
        if self.cluster.join(RECOVERY_SIGNAL).exists() {
            let mut server = self.patiently(|| self.serve(RESTORE_LIMIT))?;
            halt_child(&mut server)?;
        }
        self.patiently(|| self.provision(secrets).and_then(|()| self.serve(RECOVERY_LIMIT)))
    }

    /// Repeats a start while processes of a killed predecessor still hold its shared memory.
    fn patiently<T>(&self, start: impl Fn() -> Result<T>) -> Result<T> {
        let began = Instant::now();
        loop {
            self.stop_previous()?;
            match start() {
                Err(EmbeddedError::StartFailed { detail, .. })
                    if began.elapsed() < ORPHAN_LIMIT && (detail.contains("shared memory block") || detail.contains("lock file")) =>
                {
                    tracing::warn!("processes of the previous PostgreSQL are still leaving; trying again");
                    sleep(RETRY / 4);
                }
                outcome => return outcome,
            }
        }
    }

    /// Watches over the server until it is to stop. One that ends by itself (killed by somebody, or for
    /// want of memory) is started again for as long as that takes; meanwhile requests are told to come back.
    fn keep(self, mut server: Child) -> Result<()> {
        while !self.stop.load(Ordering::Relaxed) {
            match server.try_wait() {
                Ok(None) => thread::park_timeout(WATCH),
                Ok(Some(status)) => {
                    tracing::error!(%status, "PostgreSQL ended by itself; starting it again");
                    match self.patiently(|| self.serve(RECOVERY_LIMIT)) {
                        Ok(fresh) => server = fresh,
                        Err(error) => {
                            tracing::error!(%error, "PostgreSQL did not come back; trying again");
                            thread::park_timeout(RETRY);
                        }
                    }
                }
                Err(source) => return Err(at("wait for postgres of", &self.bin)(source)),
            }
        }
        halt_child(&mut server)
    }

    /// A server outlives a duebook that was killed. We hold the lock, so nobody uses it: stop it.
    fn stop_previous(&self) -> Result<()> {
        match noted_pid(&self.pid_file()) {
            Some(pid) if runs_on(pid, &self.cluster) => {
                tracing::warn!(pid, "stopping a PostgreSQL that a killed duebook left running");
                halt(pid, Signal::SIGINT, || !runs_on(pid, &self.cluster))
            }
            _ => Ok(()),
        }
    }

    fn pid_file(&self) -> PathBuf {
        self.cluster.join("postmaster.pid")
    }

    /// `postgres` on the cluster with our settings, in a process group of its own so that Ctrl-C
    /// at the terminal reaches duebook alone, which stops the server once requests are drained.
    ///
    /// `lock` is the lock file that it meets first. The process named in it by a killed server may
    /// be a zombie or, after a reboot, a stranger with the same id, which `PostgreSQL` would take for
    /// a running server unless told (as `pg_ctl` tells it) that this is a forebear of its own. Its
    /// check for processes that use the cluster's shared memory remains.
    fn postgres(&self, mode: &[&str], lock: &Path) -> Result<(Command, u64)> {
        let mut options = OpenOptions::new();
        let log = options.append(true).create(true).mode(0o600).open(&self.log).map_err(at("open", &self.log))?;
        let from = log.metadata().map_err(at("inspect", &self.log))?.len();
        let mut command = self.account.command(&self.bin.join("postgres"), &self.cluster);
        command.process_group(0).args(mode).arg("-D").arg(&self.cluster).stderr(log);
        if let Some(pid) = noted_pid(lock).filter(|pid| !runs_on(*pid, &self.cluster)) {
            command.env("PG_GRANDPARENT_PID", pid.to_string());
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        // Quoted, since the setting is a list in which commas and leading blanks have meaning.
        let quoted = self.socket_dir.replace('"', "\"\"");
        command.arg("-c").arg(format!("unix_socket_directories=\"{quoted}\""));
        if let Some(dir) = &self.archive {
            // Whole and flushed before it gets its name; the same file once more is no failure, another one is.
            let kept = format!("{}/%f", shell_word(dir));
            let copy = format!("if test -e {kept}; then cmp -s %p {kept}; else cp %p {kept}.part && sync {kept}.part && mv {kept}.part {kept}; fi");
            command.args(["-c", "archive_mode=on", "-c", "archive_timeout=60", "-c"]).arg(format!("archive_command={copy}"));
        }
        Ok((command, from))
    }

    /// Creates and corrects roles and database in single-user mode, before anyone can connect:
    /// that needs no client program, and no password that the cluster and we agree on already.
    fn provision(&self, secrets: &Secrets) -> Result<()> {
        let Secrets { owner, app } = secrets;
        let listing = self.single_user(&format!(
            "DO $$BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'duebook_app') THEN CREATE ROLE duebook_app; END IF; END$$\n\
             ALTER ROLE duebook_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD '{app}'\n\
             ALTER ROLE duebook PASSWORD '{owner}'\n\
             SELECT 'present' AS found FROM pg_database WHERE datname = 'duebook'\n"
        ))?;
        if !listing.contains("found = \"present\"") {
            self.single_user("CREATE DATABASE duebook\n")?;
        }
        Ok(())
    }

    /// Runs SQL, one statement a line, and returns what the single-user session printed.
    fn single_user(&self, sql: &str) -> Result<String> {
        // An error ends the session, and its statement (with a password) stays out of the log.
        let quiet = ["--single", "-cexit_on_error=on", "-clog_min_error_statement=panic"];
        let (mut command, from) = self.postgres(&quiet, &self.pid_file())?;
        command.arg("postgres").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(at("run postgres of", &self.bin))?;
        if let Some(mut input) = child.stdin.take() {
            // If the session died early this fails, and its exit status tells why.
            let _ = input.write_all(sql.as_bytes());
        }
        self.wait_until(&mut child, from, RECOVERY_LIMIT, |exit| exit.is_some_and(|status| status.success()))?;
        let mut printed = String::new();
        if let Some(mut output) = child.stdout.take() {
            output.read_to_string(&mut printed).map_err(at("read from postgres of", &self.bin))?;
        }
        Ok(printed)
    }

    fn serve(&self, limit: Duration) -> Result<Child> {
        let socket = Path::new(&self.socket_dir).join(SOCKET_NAME);
        let (mut command, from) = self.postgres(&[], &Path::new(&self.socket_dir).join(SOCKET_LOCK))?;
        let mut server = command.stdout(Stdio::null()).spawn().map_err(at("run postgres of", &self.bin))?;
        // The server's own word first, as trying earlier would fill the log with refused logins.
        let says_ready = || {
            let status = fs::read_to_string(self.pid_file()).unwrap_or_default();
            status.lines().nth(7).is_some_and(|line| line.trim() == "ready")
        };
        self.wait_until(&mut server, from, limit, |exit| exit.is_none() && says_ready() && accepts_logins(&socket))?;
        Ok(server)
    }

    /// Polls until `done`. An exit that is not `done` fails with the end of the log; a process
    /// that takes too long is stopped, only after `limit` if the log says that it is recovering.
    fn wait_until(&self, child: &mut Child, from: u64, limit: Duration, done: impl Fn(Option<ExitStatus>) -> bool) -> Result<()> {
        let began = Instant::now();
        let failed = |reason| {
            let detail = tail(&self.log_since(from));
            EmbeddedError::StartFailed { reason, log: self.log.clone(), detail }
        };
        loop {
            let exit = child.try_wait().map_err(at("wait for postgres of", &self.bin))?;
            if done(exit) {
                return Ok(());
            }
            if let Some(status) = exit {
                return Err(failed(status.to_string()));
            }
            let waited = began.elapsed();
            let stop = self.stop.load(Ordering::Relaxed);
            if stop || waited > limit || waited > READY_LIMIT && !is_recovering(&self.log_since(from)) {
                halt_child(child)?;
                return Err(failed(if stop { "told to stop".to_owned() } else { format!("not ready after {} s", waited.as_secs()) }));
            }
            sleep(POLL);
        }
    }

    fn log_since(&self, from: u64) -> String {
        let mut bytes = Vec::new();
        let read = File::open(&self.log).and_then(|mut log| {
            log.seek(SeekFrom::Start(from))?;
            log.read_to_end(&mut bytes)
        });
        read.map_or_else(|error| error.to_string(), |_| String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn is_recovering(log: &str) -> bool {
    ["interrupted", "recovery", "redo", "syncing data directory"].iter().any(|sign| log.contains(sign))
}

pub(super) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

/// Begins a login as libpq would. The server answers with a request for the password (`R`) once
/// it is ready, and with an error while it starts or recovers, though it accepts connections.
fn accepts_logins(socket: &Path) -> bool {
    let ask = || -> io::Result<u8> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        // Length 39, protocol 3.0, then names and values.
        stream.write_all(b"\0\0\0\x27\0\x03\0\0user\0duebook\0database\0duebook\0\0")?;
        let mut kind = [0];
        stream.read_exact(&mut kind)?;
        Ok(kind[0])
    };
    ask().is_ok_and(|kind| kind == b'R')
}

/// The process id in the first line of a lock file, ours or one of `PostgreSQL`.
fn noted_pid(lock: &Path) -> Option<i32> {
    let text = fs::read_to_string(lock).ok()?;
    // A single-user session notes its process id as a negative number.
    let pid: i32 = text.lines().next()?.trim().parse().ok()?;
    pid.checked_abs().filter(|pid| *pid > 1)
}

/// Whether process `pid` is a postgres started on `cluster`; process ids are reused, so being
/// alive proves nothing. A zombie has no command line left and counts as gone.
fn runs_on(pid: i32, cluster: &Path) -> bool {
    if Path::new("/proc/self/cmdline").exists() {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut words = line.split(|byte| *byte == 0);
        let program = words.next().map(|word| Path::new(OsStr::from_bytes(word)));
        return program.and_then(Path::file_name) == Some(OsStr::new("postgres")) && words.any(|word| word == cluster.as_os_str().as_bytes());
    }
    let mut ps = Command::new("ps");
    let listed = ps.args(["-ww", "-o", "args=", "-p", &pid.to_string()]).output();
    let line = listed.map_or_else(|_| String::new(), |o| String::from_utf8_lossy(&o.stdout).into_owned());
    line.contains("postgres") && line.contains(&format!("-D {} ", cluster.display()))
}

/// Never SIGKILL: that would leave the server's children behind with its shared memory.
fn halt(pid: i32, signal: Signal, mut gone: impl FnMut() -> bool) -> Result<()> {
    let patience = [(signal, STOP_LIMIT), (Signal::SIGQUIT, STOP_LIMIT / 3)];
    for (signal, limit) in patience {
        if gone() {
            return Ok(());
        }
        // Fails only for a process that has just left, which `gone` finds out.
        let _ = kill(Pid::from_raw(pid), signal);
        let began = Instant::now();
        while began.elapsed() < limit {
            if gone() {
                return Ok(());
            }
            sleep(POLL);
        }
        tracing::warn!(pid, %signal, "PostgreSQL did not stop in time");
    }
    Err(EmbeddedError::NotStopped(pid))
}

fn halt_child(child: &mut Child) -> Result<()> {
    // A child that was waited for stays gone, so its process id cannot be another's by now.
    halt(child.id().cast_signed(), Signal::SIGINT, || !matches!(child.try_wait(), Ok(None)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_all_kinds_of_builds() {
        assert_eq!(parse_version("postgres (PostgreSQL) 15.16 (Debian 15.16-0+deb12u1)\n"), Some((15, 16)));
        assert_eq!(parse_version("postgres (PostgreSQL) 18beta1\n"), Some((18, 0)));
        assert_eq!(parse_version("not a server"), None);
    }

    #[test]
    fn socket_directories_are_encoded_for_a_url() {
        assert_eq!(percent_encode("/a b/ü"), "%2Fa%20b%2F%C3%BC");
    }
}
