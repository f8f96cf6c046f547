//! Settings: the only reader of the environment.

use crate::platform::http::address::Network;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Accounts receivable as an API over PostgreSQL.
#[derive(Debug, Parser)]
#[command(name = "duebook", version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API. Brings up its own PostgreSQL unless DATABASE_URL is set.
    Serve(Settings),
    /// Serve with a demo company: users for every role, an API client, sample documents.
    Demo {
        #[command(flatten)]
        settings: Settings,
        /// Users and company only, no documents.
        #[arg(long)]
        empty: bool,
    },
    /// Bring the database schema up to date and stop.
    Migrate(Settings),
    /// Print the OpenAPI contract, or write it with the problem catalogue.
    Openapi {
        /// Write duebook.json and problems.md into this directory.
        #[arg(long, value_name = "DIR")]
        write: Option<PathBuf>,
        /// Tell what breaks callers of this earlier contract; fails unless each line of it stands in CHANGES.md.
        #[arg(long, value_name = "FILE", conflicts_with = "write")]
        against: Option<PathBuf>,
        /// Where breaks are told that are meant.
        #[arg(long, value_name = "FILE", default_value = "openapi/CHANGES.md")]
        told: PathBuf,
    },
    /// Manage users.
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// Take a base backup of the private PostgreSQL while it is served (`pg_basebackup`).
    Backup {
        #[command(flatten)]
        settings: Settings,
        /// Directory to make for the backup.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Lay out the private PostgreSQL from a base backup and, with the archive, bring it to a point in time.
    Restore {
        #[command(flatten)]
        settings: Settings,
        /// Directory of the base backup.
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// Restore to this instant (RFC 3339, after the end of the base backup); without it, to the end of the archive.
        #[arg(long, value_name = "INSTANT", requires = "wal_archive")]
        until: Option<chrono::DateTime<chrono::Utc>>,
    },
    /// Recompute the books and the audit log and compare them; exits 1 when anything is damaged, naming it.
    Verify(Settings),
    /// Take in what the Invoice Registration Portal answered.
    Einvoice {
        #[command(subcommand)]
        command: EinvoiceCommand,
    },
    /// Export the audit log for verification elsewhere, check an export, take note of a restore.
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
}

#[derive(Debug, Subcommand)]
pub enum EinvoiceCommand {
    /// Record the answers in a file as downloaded: one, or a list of them; each for the document its IRN is of.
    Import {
        #[command(flatten)]
        settings: Settings,
        /// Company id.
        #[arg(long)]
        company: uuid::Uuid,
        /// JSON file.
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Write everything an outsider needs to verify a company's books.
    Export {
        #[command(flatten)]
        settings: Settings,
        /// Company id.
        #[arg(long)]
        company: uuid::Uuid,
        /// Directory to write into.
        #[arg(long)]
        out: PathBuf,
    },
    /// Verify an export with nothing but a public key; exits 1 when anything is damaged, naming it.
    Check {
        /// Directory of the export.
        #[arg(long)]
        export: PathBuf,
        /// The service's public key: a file or the text itself, as JWK set (/.well-known/jwks.json), verifier
        /// key or base64.
        #[arg(long)]
        public_key: String,
        /// File of an older checkpoint that the log must continue.
        #[arg(long)]
        checkpoint: Option<PathBuf>,
    },
    /// Take a database restored to an older time for the true one; what was lost stays on record.
    AcceptRestore {
        #[command(flatten)]
        settings: Settings,
        /// Company id; every company when left out.
        #[arg(long)]
        company: Option<uuid::Uuid>,
    },
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Create a user with roles in a company, or give an existing user roles there.
    Create {
        #[command(flatten)]
        settings: Settings,
        /// E-mail address.
        #[arg(long)]
        email: String,
        /// Full name.
        #[arg(long)]
        name: String,
        /// Roles, comma-separated: admin, controller, ar_executive, collector, sales, auditor.
        #[arg(long, value_delimiter = ',', required = true)]
        roles: Vec<String>,
        /// Company id; a new company is made from --gstin when left out.
        #[arg(long)]
        company: Option<uuid::Uuid>,
        /// GSTIN of the company to make.
        #[arg(long, conflicts_with = "company")]
        gstin: Option<String>,
        /// Legal name of the company to make.
        #[arg(long, requires = "gstin")]
        legal_name: Option<String>,
    },
}

/// Where to listen and where the data is.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Address and port of the API; port 0 takes a free one.
    #[arg(long, env = "DUEBOOK_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: String,
    /// Directory of keys and, without DATABASE_URL, of the private PostgreSQL.
    #[arg(long, env = "DUEBOOK_DATA_DIR", default_value = "data")]
    pub data_dir: PathBuf,
    /// Owner's connection to an existing database, instead of the private PostgreSQL.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// Directory of the PostgreSQL server programs (initdb, postgres).
    #[arg(long, env = "DUEBOOK_PG_BIN")]
    pub pg_bin: Option<PathBuf>,
    /// Directory to which the private PostgreSQL copies its write-ahead log (at the latest after a minute), so
    /// that a base backup can be brought to any later time; best on another disk.
    #[arg(long, env = "DUEBOOK_WAL_ARCHIVE", value_name = "DIR")]
    pub wal_archive: Option<PathBuf>,
    /// Database connections: two for the service's own work, the others for requests. A fifth of those is kept
    /// for writes; what would wait too long gets 503.
    #[arg(long, env = "DUEBOOK_CONNECTIONS", default_value_t = 12)]
    pub connections: u32,
    /// Requests a minute of each caller, a fifth of them at once; a tenth for reports, a thirtieth an hour for exports. 0 for no
    /// limits; 600 when left out, and a thousand times that for the demo. An API client may have its own.
    #[arg(long, env = "DUEBOOK_REQUESTS_PER_MINUTE", value_name = "N")]
    pub requests_per_minute: Option<u32>,
    /// Addresses or networks of proxies whose X-Forwarded-For is believed, comma-separated; none by default.
    #[arg(long, env = "DUEBOOK_TRUSTED_PROXIES", value_delimiter = ',', value_name = "NETWORK")]
    pub trusted_proxies: Vec<Network>,
    /// Origins a browser may call from, comma-separated; none by default.
    #[arg(long, env = "DUEBOOK_CORS_ORIGINS", value_delimiter = ',')]
    pub cors_origins: Vec<String>,
    /// File of the public keys (PEM) of the Invoice Registration Portals whose signatures are believed; irp-keys.pem in
    /// the data directory when there is one.
    #[arg(long, env = "DUEBOOK_IRP_KEYS", value_name = "FILE")]
    pub irp_keys: Option<PathBuf>,
    /// Networks (10.0.0.0/8), addresses and host names inside the house to which webhooks may be sent, also over HTTP and on
    /// any port; comma-separated. Otherwise they go to the public Internet only.
    #[arg(long, env = "DUEBOOK_WEBHOOK_ALLOW", value_delimiter = ',')]
    pub webhook_allow: Vec<String>,
    /// Stop when standard input closes: for a parent process that must not leave a server behind.
    #[arg(long, hide = true)]
    pub stop_with_stdin: bool,
}

impl Settings {
    /// The text of the file of the portals' keys; empty where there is none.
    pub fn irp_keys(&self) -> std::io::Result<String> {
        let kept = self.data_dir.join("irp-keys.pem");
        match &self.irp_keys {
            Some(file) => std::fs::read_to_string(file),
            None if kept.exists() => std::fs::read_to_string(kept),
            None => Ok(String::new()),
        }
    }
}
