//! Composition only: which domains are mounted, which jobs run, how the server starts and stops.

use crate::access::audit_log::service::Sealer;
use crate::access::tokens::keys::Keys;
use crate::access::waivers;
use crate::access::{api_clients, audit_log, tokens, users};
use crate::config::Settings;
use crate::control::approvals;
use crate::delivery::webhooks::courier::Courier;
use crate::delivery::webhooks::guard::Allowed;
use crate::delivery::webhooks::service::Post;
use crate::delivery::webhooks::sign::Root;
use crate::delivery::{events, webhooks};
use crate::platform::http::connection::Connection;
use crate::platform::http::contract::{self, Contract};
use crate::platform::http::limits::Limits;
use crate::platform::http::{address, edge};
use crate::platform::jobs::work::{Work, Workers};
use crate::platform::jobs::{self, Job, Runner};
use crate::platform::page;
use crate::platform::postgres::embedded::Embedded;
use crate::platform::postgres::{self, Pool};
use crate::platform::unit_of_work::expansion::{self, Expansion};
use crate::platform::unit_of_work::permissions::client_scopes;
use crate::platform::unit_of_work::{Doors, Gate, purge_idempotency_keys};
use crate::reporting::exports::{self, shelf::Shelf};
use crate::{billing, cash, collections, control, credit, delivery, filing, intake, ledger, master_data, reporting, setup, tax};
use actix_cors::Cors;
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::web::Data;
use actix_web::{App, HttpServer, dev::ServerHandle, web};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

/// Places a slot in the queue of one company: what a slot does in the time one may be expected to wait.
const QUEUE: usize = 20;

/// What a caller may ask for when nothing else is set.
const REQUESTS_PER_MINUTE: u32 = 600;
/// Pieces of long work done at the same time.
const WORKERS: u32 = 2;

pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Every route of the service.
pub fn routes(config: &mut ServiceConfig<'_>) {
    tax::tools::http::routes(config);
    tokens::http::routes(config);
    users::http::routes(config);
    waivers::http::routes(config);
    api_clients::http::routes(config);
    audit_log::http::routes(config);
    master_data::companies::http::routes(config);
    master_data::gst_registrations::http::routes(config);
    master_data::customers::http::routes(config);
    master_data::items::http::routes(config);
    master_data::payers::http::routes(config);
    master_data::payment_terms::http::routes(config);
    master_data::bank_accounts::http::routes(config);
    master_data::exchange_rates::http::routes(config);
    ledger::numbering::http::routes(config);
    ledger::advances::http::routes(config);
    approvals::http::routes(config);
    ledger::accounts::http::routes(config);
    control::close::http::routes(config);
    control::journals::http::routes(config);
    control::revaluations::http::routes(config);
    credit::policy::http::routes(config);
    credit::limits::http::routes(config);
    credit::exposure::http::routes(config);
    credit::risk::http::routes(config);
    credit::profiles::http::routes(config);
    credit::appraisals::http::routes(config);
    credit::what_if::http::routes(config);
    credit::orders::http::routes(config);
    billing::invoices::http::routes(config);
    billing::notes::credit_notes::routes(config);
    billing::notes::debit_notes::routes(config);
    cash::receipts::http::routes(config);
    cash::allocations::http::routes(config);
    cash::refunds::http::routes(config);
    cash::tds::http::routes(config);
    collections::write_offs::http::routes(config);
    collections::adjustments::http::routes(config);
    collections::opening_items::http::routes(config);
    filing::einvoice::http::routes(config);
    filing::gstr1::http::routes(config);
    filing::gst_returns::http::routes(config);
    reporting::reports::routes(config);
    reporting::exports::http::routes(config);
    reporting::samples::http::routes(config);
    reporting::search::http::routes(config);
    delivery::documents::http::routes(config);
    delivery::statements::http::routes(config);
    delivery::events::http::routes(config);
    delivery::webhooks::http::routes(config);
    delivery::evidence::http::routes(config);
    jobs::http::routes(config);
    intake::imports::http::routes(config);
    setup::http::routes(config);
}

/// Every act under approval.
static ACTIONS: &[&approvals::Action] = &[
    &approvals::service::CHANGE_POLICY,
    &credit::limits::service::APPROVE,
    &credit::appraisals::service::APPROVE,
    &credit::orders::holds::RELEASE,
    &billing::invoices::approval::CANCEL_INVOICE,
    &billing::invoices::approval::ISSUE_CREDIT_NOTE,
    &billing::invoices::approval::ISSUE_DEBIT_NOTE,
    &billing::invoices::approval::CANCEL_CREDIT_NOTE,
    &billing::invoices::approval::CANCEL_DEBIT_NOTE,
    &cash::receipts::service::CONCEDE,
    &cash::receipts::service::REVERSE,
    &cash::allocations::service::REVERSE,
    &control::close::service::REOPEN,
    &control::journals::service::POST,
    &control::journals::service::POST_TO_CONTROL,
    &control::journals::service::REVERSE,
    &cash::refunds::service::APPROVE,
    &collections::write_offs::service::POST,
    &collections::write_offs::service::REVERSE,
    &collections::adjustments::service::POST,
    &collections::adjustments::service::REVERSE,
    &collections::opening_items::service::POST,
    &filing::gst_returns::service::LOCK,
];

/// What documents want looked at before a month is closed, beside the ledger's own checks.
const CHECKS: &[control::close::Check] = &[control::revaluations::service::REVALUED, billing::invoices::service::NO_DRAFTS];

/// What credit asks the area of receipts.
static CASH: credit::exposure::Cash = credit::exposure::Cash { uncleared: cash::receipts::store::uncleared, bounced: cash::receipts::store::bounced };

const DOCUMENTS: &[&str] = &["/v1/invoices/{id}", "/v1/credit-notes/{id}", "/v1/debit-notes/{id}"];

/// What answers may hold besides.
static EXPANSIONS: &[Expansion] = &[
    Expansion {
        word: "customer",
        by: "customer_id",
        schema: "CustomerSummary",
        many: false,
        permission: "customers:read",
        of: &[],
        load: master_data::customers::service::summaries,
    },
    Expansion {
        word: "journal",
        by: "gl_journal_id",
        schema: "Journal",
        many: false,
        permission: "gl:read",
        of: &["/v1/invoices/{id}", "/v1/credit-notes/{id}", "/v1/debit-notes/{id}", "/v1/receipts/{id}", "/v1/opening-items/{id}", "/v1/revaluations/{id}"],
        load: control::journals::service::whole,
    },
    Expansion {
        word: "allocations",
        by: "id",
        schema: "Allocation",
        many: true,
        permission: "allocations:read",
        of: DOCUMENTS,
        load: cash::allocations::service::of_documents,
    },
];

/// The contract as collected from the routes.
pub fn contract() -> Result<Contract, Failure> {
    use utoipa::OpenApi;
    #[derive(OpenApi)]
    #[openapi(components(schemas(crate::platform::http::problem::ProblemDocument)))]
    struct Base;
    let (_, document) = App::new().into_utoipa_app().openapi(Base::openapi()).configure(routes).split_for_parts();
    let mut document = serde_json::to_value(document)?;
    document["info"] = json!({
        "title": "Duebook", "version": env!("CARGO_PKG_VERSION"),
        "description": "Accounts receivable as an API, India (GST) first. Money is a decimal string, dates are ISO dates in the company's zone, refusals are RFC 9457 problem documents.",
        "contact": {"name": "Duebook", "url": "https://duebook.dev", "email": "hello@duebook.dev"},
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}, "termsOfService": "https://duebook.dev/terms"
    });
    document["servers"] = json!([{"url": "https://{host}", "description": "production: your installation.", "x-internal": false, "variables": {"host": {"default": "api.duebook.example", "description": "Host of your installation."}}}]);
    let (told, shared) = events::catalogue::webhooks();
    document["webhooks"] = told;
    for part in ["parameters", "requestBodies"] {
        document["components"][part] = shared[part].clone();
    }
    document["tags"] = TAGS.iter().map(|(name, about)| json!({"name": name, "description": about})).collect();
    Contract::compile(contract::complete(document, &client_scopes(), EXPANSIONS)).map_err(Into::into)
}

const TAGS: &[(&str, &str)] = &[
    ("Auth", "Signing in, tokens and who one is."),
    ("Users", "People, roles and API clients."),
    ("Approvals", "What waits for a second person, and who decides from which amount on."),
    ("Company", "The company, its GST registrations and number series."),
    ("Customers", "Customers, their open items and their ledger."),
    ("Items", "Items and payment terms."),
    ("GST", "The rules of GST to ask: registration numbers, the tax of a document, a return, amounts in words; and the register of advances."),
    ("Credit", "Limits, exposure, orders held against them, and the policy that decides."),
    ("Invoices", "Invoices from draft to cancellation."),
    ("Notes", "Credit and debit notes that correct invoices."),
    ("E-invoices", "Documents registered with the Invoice Registration Portal."),
    ("Receipts", "Receipts and what they settle."),
    ("Refunds", "Credit balances paid back."),
    ("Tax deducted", "Tax deducted by customers, their certificates and the tax office's record."),
    ("Collections", "Write-offs and adjustments."),
    ("Documents", "Templates, logo and settings of documents people can send."),
    ("Statements", "Statements of account."),
    ("Opening items", "What was open in another system at the cut-over."),
    ("Bank", "Bank accounts."),
    ("General ledger", "Accounts, journals, trial balance and reconciliation."),
    ("GST returns", "GSTR-1 and GSTR-3B of the company's own documents."),
    ("Periods", "Months of the books: open, soft closed, closed."),
    ("Reports", "Aging and performance."),
    ("Events", "The feed of events, and webhooks that bring them."),
    ("Exports", "Everything of one kind in files to take away, with a signed manifest."),
    ("Search", "One question across customers, items and documents."),
    ("Jobs", "Long work: how far it is, what came of it."),
    ("Imports", "Files of many rows: validated, looked at, committed."),
    ("Audit", "The audit log and its proof."),
    ("System", "Health, metrics and the contract."),
];

/// A database, brought up or given.
pub struct Database {
    pub owner_url: String,
    pub app_url: String,
    embedded: Option<Embedded>,
}

impl Database {
    /// The one `DATABASE_URL` names, or a private one in the data directory; migrated.
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let database = if let Some(url) = &settings.database_url {
            Self { owner_url: url.clone(), app_url: url.clone(), embedded: None }
        } else {
            let embedded = Embedded::start(&settings.data_dir, settings.pg_bin.as_deref(), settings.wal_archive.as_deref())?;
            Self { owner_url: embedded.owner_url().to_owned(), app_url: embedded.app_url().to_owned(), embedded: Some(embedded) }
        };
        postgres::migrate(&database.owner_url)?;
        if database.embedded.is_some() {
            write_private(&settings.data_dir.join("database.json"), &json!({"owner_url": database.owner_url, "app_url": database.app_url}))?;
        }
        Ok(database)
    }

    pub fn close(self) -> Result<(), Failure> {
        self.embedded.map_or(Ok(()), |embedded| embedded.stop().map_err(Into::into))
    }
}

/// Everything a running process shares.
pub struct Service {
    pub doors: Arc<Doors>,
    pub keys: Arc<Keys>,
    pub sealer: Arc<Sealer>,
    /// What webhooks are signed with, and where they may go.
    post: Post,
    pub shelf: Arc<Shelf>,
    metrics: PrometheusHandle,
}

impl Service {
    pub fn new(database: &Database, settings: &Settings) -> Result<Self, Failure> {
        Contract::install(contract()?);
        approvals::install(ACTIONS, cash::receipts::store::recorded_by);
        expansion::install(EXPANSIONS);
        filing::einvoice::portal::install(&settings.irp_keys()?)?;
        control::close::install(CHECKS);
        credit::exposure::install(&CASH);
        master_data::customers::service::install(credit::exposure::service::over_limit);
        if !settings.data_dir.exists() {
            std::fs::DirBuilder::new().recursive(true).mode(0o711).create(&settings.data_dir)?;
        }
        let keys = Arc::new(Keys::open(&settings.data_dir)?);
        page::install_cursor_key(keys.derived("cursors"));
        let connections = settings.connections.max(3);
        // Every worker has one connection more, opened when it first works.
        let pool = Pool::new(&database.app_url, connections + WORKERS)?;
        // Two connections are left to the jobs.
        let slots = usize::try_from(connections.saturating_sub(2).max(1))?;
        let verifier = Arc::clone(&keys);
        let authenticate = Box::new(move |token: &str, from| api_clients::standing::admitted(verifier.principal(token)?, from));
        address::trust_proxies(settings.trusted_proxies.clone());
        let limits = Limits::new(settings.requests_per_minute.unwrap_or(REQUESTS_PER_MINUTE));
        let doors = Doors::new(pool, Gate::new(slots, slots * QUEUE), authenticate, keys.event_key()).limited(limits);
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = recorder.handle();
        // A second service in one process keeps the first one's recorder.
        let _ = metrics::set_global_recorder(recorder);
        // Shown also while there is none: whoever watches it can tell 0 from a name that is gone.
        metrics::counter!("duebook_deadlocks_total").absolute(0);
        audit_log::service::install(ledger::verify::broken);
        audit_log::service::adopt(&doors)?;
        tokens::revocations::refresh(&doors)?;
        api_clients::standing::refresh(&doors)?;
        let sealer = Arc::new(Sealer::open(Arc::clone(&keys), &settings.data_dir)?);
        let post = Post { root: Root::new(keys.derived("webhook secrets")), allowed: Arc::new(Allowed::read(&settings.webhook_allow)?) };
        let shelf = Arc::new(Shelf::open(&settings.data_dir)?);
        Ok(Self { doors: Arc::new(doors), keys, sealer, post, shelf, metrics })
    }

    /// Background work of this service.
    pub fn start_jobs(&self) -> std::io::Result<Runner> {
        let (sealer, shelf) = (Arc::clone(&self.sealer), Arc::clone(&self.shelf));
        let courier = Courier::new(Arc::clone(&self.doors), self.post.clone());
        // What is sealed is told, and what is told is taken to whoever wants it.
        let seal_and_tell =
            move |doors: &Doors| audit_log::service::seal_all(doors, &sealer, |company| events::service::tell(doors, company, webhooks::service::fan_out));
        let [standing, uses] = api_clients::standing::jobs();
        let jobs = vec![
            tokens::revocations::job(),
            standing,
            uses,
            Job { name: "audit seal", every: Duration::from_secs(1), run: Box::new(seal_and_tell) },
            Job { name: "overdue", every: Duration::from_secs(3600), run: Box::new(events::service::tell_overdue) },
            Job { name: "deadlines of e-invoices", every: Duration::from_secs(3600), run: Box::new(events::service::tell_deadlines) },
            Job { name: "credit limits", every: Duration::from_secs(3600), run: Box::new(credit::limits::service::sweep) },
            Job { name: "credit scores", every: Duration::from_secs(3600), run: Box::new(credit::daily::run_all) },
            Job { name: "orders on credit", every: Duration::from_secs(2), run: Box::new(credit::orders::sweep::step()) },
            Job { name: "webhooks", every: Duration::from_millis(250), run: Box::new(move |_| courier.round()) },
            Job { name: "deliveries", every: Duration::from_secs(24 * 3600), run: Box::new(webhooks::service::purge) },
            Job { name: "sessions", every: Duration::from_secs(3600), run: Box::new(tokens::service::purge) },
            Job { name: "months", every: Duration::from_secs(24 * 3600), run: Box::new(ledger::periods::open_months_ahead) },
            Job { name: "idempotency keys", every: Duration::from_secs(3600), run: Box::new(purge_idempotency_keys) },
            Job { name: "old imports", every: Duration::from_secs(3600), run: Box::new(intake::imports::purge) },
            Job { name: "finished work", every: Duration::from_secs(3600), run: Box::new(jobs::work::purge) },
            Job { name: "old exports", every: Duration::from_secs(3600), run: Box::new(move |_| exports::service::sweep(&shelf)) },
        ];
        Runner::start(&self.doors, jobs)
    }

    /// Long work of this service.
    pub fn start_workers(&self) -> std::io::Result<Workers> {
        let (shelf, sealer) = (Arc::clone(&self.shelf), Arc::clone(&self.sealer));
        let export = Work { kind: exports::service::KIND, run: Box::new(move |running| exports::service::run(running, &shelf, &sealer)) };
        let kinds = intake::imports::work::kinds().into_iter().chain([export]).collect();
        Workers::start(&self.doors, kinds, WORKERS)
    }

    /// Serves until the handle stops it. Gives the address it listens on.
    pub async fn serve(self, settings: &Settings, ready: impl FnOnce(&str, ServerHandle) -> Result<(), Failure>) -> Result<(), Failure> {
        let jobs = (self.start_jobs()?, self.start_workers()?);
        let doors = Data::from(Arc::clone(&self.doors));
        let (keys, sealer, metrics) = (Data::from(Arc::clone(&self.keys)), Data::from(Arc::clone(&self.sealer)), Data::new(self.metrics.clone()));
        let post = Data::new(self.post.clone());
        let shelf = Data::from(Arc::clone(&self.shelf));
        let origins = settings.cors_origins.clone();
        // Every request at the database, the hashing of two log-ins, and some to spare.
        let blocking = usize::try_from(settings.connections)? + 4;
        let server = HttpServer::new(move || {
            let (app, _) = App::new()
                .into_utoipa_app()
                .map(|app| {
                    app.app_data(doors.clone())
                        .app_data(keys.clone())
                        .app_data(sealer.clone())
                        .app_data(metrics.clone())
                        .app_data(post.clone())
                        .app_data(shelf.clone())
                })
                .map(|app| app.app_data(web::FormConfig::default().limit(16 * 1024)))
                .configure(routes)
                .split_for_parts();
            app.service(documentation())
                .default_service(web::to(edge::unrouted))
                .wrap(Compress::default())
                .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
                .wrap(from_fn(edge::edge))
        })
        .workers(2)
        .worker_max_blocking_threads(blocking)
        .max_connections(2_000)
        .backlog(512)
        .on_connect(Connection::watch)
        .keep_alive(Duration::from_secs(15))
        .client_request_timeout(Duration::from_secs(5))
        .client_disconnect_timeout(Duration::from_secs(1))
        .shutdown_timeout(10)
        .disable_signals()
        .bind(&settings.listen)?;
        let address = server.addrs().first().map(ToString::to_string).unwrap_or_default();
        let running = server.run();
        ready(&format!("http://{address}"), running.handle())?;
        running.await?;
        drop(jobs);
        Ok(())
    }
}

/// The documentation page, from files inside the binary: no other host is asked.
fn documentation() -> utoipa_swagger_ui::SwaggerUi {
    utoipa_swagger_ui::SwaggerUi::new("/docs/{_:.*}").config(utoipa_swagger_ui::Config::from("/openapi.json"))
}

fn cors(origins: &[String]) -> Cors {
    const HEADERS: [&str; 11] = [
        "authorization",
        "content-type",
        "idempotency-key",
        "if-match",
        "if-none-match",
        "if-range",
        "prefer",
        "range",
        "request-id",
        "traceparent",
        "tracestate",
    ];
    const EXPOSED: [&str; 15] = [
        "Accept-Ranges",
        "Allow",
        "Content-Range",
        "ETag",
        "Link",
        "Location",
        "Request-Id",
        "RateLimit",
        "RateLimit-Policy",
        "Retry-After",
        "Preference-Applied",
        "Idempotent-Replayed",
        "Idempotency-Original-Request-Id",
        "Content-Disposition",
        "Repr-Digest",
    ];
    let cors = Cors::default().allowed_methods(["GET", "HEAD", "POST", "PATCH", "PUT", "DELETE"]).allowed_headers(HEADERS).expose_headers(EXPOSED).max_age(600);
    origins.iter().fold(cors, |cors, origin| cors.allowed_origin(origin))
}

/// Writes JSON only its owner can read, whole or not at all.
pub fn write_private(file: &Path, content: &Value) -> std::io::Result<()> {
    use std::io::Write;
    let fresh = file.with_extension("new");
    let _ = std::fs::remove_file(&fresh);
    let mut out = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    writeln!(out, "{content:#}")?;
    out.sync_all()?;
    std::fs::rename(fresh, file)
}
