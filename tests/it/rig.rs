//! The rig: one server for the run, a fresh company for every test, callers by role.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDate;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Barrier, LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use ureq::http;

/// Runs the tests on a database that is there instead of a private one: its owner's address and, after a space, a
/// superuser's.
pub const GIVEN_DATABASE: &str = "DUEBOOK_IT_DATABASE";

/// The server of this run. It stops itself, and its PostgreSQL, when this process closes its stdin.
pub struct Server {
    pub base_url: String,
    pub demo: Value,
    owner_url: String,
    app_url: String,
    /// Where its keys are.
    pub dir: std::path::PathBuf,
    _stdin: ChildStdin,
}

pub static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

/// The contract as the server publishes it.
pub static CONTRACT: LazyLock<Value> = LazyLock::new(|| Client::anonymous().get("/openapi.json").expect(200));

impl Server {
    fn start() -> Self {
        let root = std::env::temp_dir();
        sweep(&root);
        let dir = root.join(format!("duebook-it-{}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir(&dir).expect("a data directory");
        fs::set_permissions(&dir, Permissions::from_mode(0o755)).expect("open to the account PostgreSQL runs under");
        crate::einvoices::publish_key(&dir);
        let log_path = dir.join("server.log");
        let log = File::create(&log_path).expect("a log");
        let mut command = Command::new(env!("CARGO_BIN_EXE_duebook"));
        let given = std::env::var(GIVEN_DATABASE).ok();
        let given = given.as_deref().map(|both| both.split_once(' ').expect("two addresses"));
        match given {
            Some((service, _)) => command.env("DATABASE_URL", service),
            None => command.env_remove("DATABASE_URL"),
        };
        let mut child = command
            .args(["demo", "--empty", "--listen", "127.0.0.1:0", "--stop-with-stdin", "--data-dir"])
            .arg(&dir)
            // Where the receivers of the tests listen; everything else inside stays closed.
            .env("DUEBOOK_WEBHOOK_ALLOW", "127.0.0.1")
            .env("DUEBOOK_CORS_ORIGINS", "https://books.example.com")
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        fs::write(dir.join("server.pid"), child.id().to_string()).expect("a note of the process");
        let stdin = child.stdin.take().expect("piped");
        let read = |name: &str| fs::read_to_string(dir.join(name)).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let demo = until("the server to be ready", Duration::from_secs(180), || {
            if let Ok(Some(status)) = child.try_wait() {
                panic!("the server ended with {status}:\n{}", fs::read_to_string(&log_path).unwrap_or_default());
            }
            let demo = read("demo.json")?;
            let ready = exchange("GET", &format!("{}/readyz", demo["base_url"].as_str()?), &[], None).ok()?;
            (ready.status == 200).then_some(demo)
        });
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_else(|| panic!("{name} is missing")).to_owned();
        let (app_url, owner_url) = if let Some((service, superuser)) = given {
            (service.to_owned(), superuser.to_owned())
        } else {
            let database = read("database.json").expect("database.json beside demo.json");
            (text(&database, "app_url"), text(&database, "owner_url"))
        };
        Self { base_url: text(&demo, "base_url"), owner_url, app_url, demo, dir, _stdin: stdin }
    }
}

/// Removes what earlier runs left, unless their server still lives.
fn sweep(root: &Path) {
    for old in fs::read_dir(root).into_iter().flatten().flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("duebook-it-")) {
        let pid = fs::read_to_string(old.path().join("server.pid")).ok().and_then(|text| text.parse::<i32>().ok());
        let lives = pid.is_some_and(|pid| nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), None).is_ok());
        if pid.is_some() && !lives {
            let _ = fs::remove_dir_all(old.path());
        }
    }
}

/// Asks again until there is an answer or the time is up.
pub fn until<T>(what: &str, limit: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(start.elapsed() < limit, "waited {limit:?} for {what}");
        thread::sleep(Duration::from_millis(25));
    }
}

/// Runs `jobs` jobs on `threads` threads that set off together; results in the order of the jobs.
pub fn in_parallel<T: Send>(threads: usize, jobs: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let (next, start, done) = (AtomicUsize::new(0), Barrier::new(threads), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                start.wait();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= jobs {
                        return;
                    }
                    let result = job(at);
                    done.lock().unwrap().push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

// ---------------------------------------------------------------------------------------- HTTP

static AGENT: LazyLock<ureq::Agent> = LazyLock::new(|| {
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_global(Some(Duration::from_secs(90)));
    config.max_idle_connections(64).max_idle_connections_per_host(64).max_idle_age(Duration::from_secs(2)).build().into()
});

/// What the server answered.
pub struct Reply {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub bytes: Vec<u8>,
    call: String,
}

/// How many requests this run has sent, and how many of them were told to come back later.
pub static REQUESTS: AtomicUsize = AtomicUsize::new(0);
pub static SHED: AtomicUsize = AtomicUsize::new(0);

fn exchange(method: &str, url: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Result<Reply, ureq::Error> {
    REQUESTS.fetch_add(1, Ordering::Relaxed);
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = match body {
        Some(body) => AGENT.run(request.body(body)?)?,
        None => AGENT.run(request.body(())?)?,
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.into_body().into_with_config().limit(64 << 20).read_to_vec()?;
    Ok(Reply { status, headers, bytes, call: format!("{method} {url}") })
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }
    /// The body, when the status is the expected one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.call, self.text());
        self.json()
    }
    /// The problem document of a refusal, when it is a proper one with this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Value {
        let call = self.call.clone();
        let problem = self.refusal();
        assert_eq!((problem["status"].as_u64(), problem["code"].as_str()), (Some(u64::from(status)), Some(code)), "{call}: {problem}");
        problem
    }
    /// The problem document of any refusal.
    #[track_caller]
    pub fn refusal(self) -> Value {
        assert!((400..500).contains(&self.status), "{} was not refused: {} {}", self.call, self.status, self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{}: {}", self.call, self.text());
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{}: {problem}", self.call);
        for member in ["type", "title", "detail", "instance", "code", "request_id"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{}: no {member} in {problem}", self.call);
        }
        assert_eq!(Some(problem["request_id"].as_str().unwrap()), self.header("request-id"), "{}", self.call);
        problem
    }
}

/// Asserts members of an answer; it may have others.
#[track_caller]
pub fn assert_includes(answer: &Value, expected: &Value) {
    for (name, value) in expected.as_object().expect("members") {
        assert_eq!(&answer[name], value, "{name} of {answer}");
    }
}

/// Whether `problem` blames `pointer` (`#/a/b`), with `code` unless that is empty.
pub fn blames(problem: &Value, pointer: &str, code: &str) -> bool {
    problem["errors"].as_array().is_some_and(|errors| errors.iter().any(|e| e["pointer"] == pointer && (code.is_empty() || e["code"] == code)))
}

/// A caller: nobody, a person in a role, or a machine.
#[derive(Clone)]
pub struct Client {
    pub token: Option<String>,
}

impl Client {
    pub const fn anonymous() -> Self {
        Self { token: None }
    }
    pub const fn bearer(token: String) -> Self {
        Self { token: Some(token) }
    }
    /// Any request. Told to come back (503 with Retry-After), it does: the server promised that nothing happened.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Reply {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut all: Vec<(&str, &str)> = headers.to_vec();
        if let Some(bearer) = &bearer {
            all.push(("authorization", bearer));
        }
        let url = format!("{}{path}", SERVER.base_url);
        let start = Instant::now();
        loop {
            let reply = exchange(method, &url, &all, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
            match reply.header("retry-after").and_then(|s| s.parse().ok()) {
                Some(seconds) if reply.status == 503 && start.elapsed() < Duration::from_secs(60) => {
                    SHED.fetch_add(1, Ordering::Relaxed);
                    thread::sleep(Duration::from_secs(seconds));
                }
                _ => return reply,
            }
        }
    }
    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], None)
    }
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_keyed(path, &fresh(), body)
    }
    pub fn post_keyed(&self, path: &str, key: &str, body: &Value) -> Reply {
        self.post_raw(path, &[("idempotency-key", key)], body.to_string().as_bytes())
    }
    pub fn post_raw(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        self.send("POST", path, &[&[("content-type", "application/json")], headers].concat(), Some(body))
    }
    /// PATCH, PUT, DELETE or an action that needs the version seen.
    pub fn change(&self, method: &str, path: &str, if_match: &str, body: &Value) -> Reply {
        let key = fresh();
        let headers = [("content-type", "application/json"), ("if-match", if_match), ("idempotency-key", &key)];
        if method == "DELETE" { self.send(method, path, &headers[1..], None) } else { self.send(method, path, &headers, Some(body.to_string().as_bytes())) }
    }
}

/// A text that was never used before.
pub fn fresh() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// A query value as it must stand in an address.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|b| if b.is_ascii_alphanumeric() || b"-._~".contains(&b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A decimal string of a reply as a number.
#[track_caller]
pub fn dec(value: &Value) -> Decimal {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("not a decimal string: {value}"))
}

pub fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

/// Today in India.
#[allow(clippy::disallowed_methods, reason = "the wall clock, to ask about today")]
pub fn today() -> NaiveDate {
    chrono::Utc::now().with_timezone(&chrono_tz::Asia::Kolkata).date_naive()
}

/// `base` with the members of `extra`; a null takes a member away.
pub fn with(mut base: Value, extra: Value) -> Value {
    let (Some(members), Value::Object(extra)) = (base.as_object_mut(), extra) else { panic!("two objects") };
    for (name, value) in extra {
        if value.is_null() {
            members.remove(&name);
        } else {
            members.insert(name, value);
        }
    }
    base
}

/// A new PAN-based GSTIN of a State. Check character: gst.md 1.1, written here by itself.
pub fn gstin(state: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let letter = |n: u32| char::from(b'A' + u8::try_from(n % 26).unwrap());
    let stem = format!("{state}{}{}AC{}{:04}{}1Z", letter(n / 676), letter(n / 26), letter(n), n % 9999 + 1, letter(n / 7));
    let sum: u32 = stem.chars().zip([1, 2].into_iter().cycle()).map(|(c, factor)| c.to_digit(36).unwrap() * factor).map(|p| p / 36 + p % 36).sum();
    format!("{stem}{}", char::from_digit((36 - sum % 36) % 36, 36).unwrap().to_ascii_uppercase())
}

#[test]
fn the_rig_knows_the_check_character() {
    for (n, stem) in [("V", "27AAPFU0939F1Z"), ("9", "27AAACD1234E1Z")] {
        let sum: u32 = stem.chars().zip([1, 2].into_iter().cycle()).map(|(c, f)| c.to_digit(36).unwrap() * f).map(|p| p / 36 + p % 36).sum();
        assert_eq!(char::from_digit((36 - sum % 36) % 36, 36).unwrap().to_ascii_uppercase().to_string(), n);
    }
    assert_eq!(gstin("27").len(), 15);
}

// ----------------------------------------------------------------------------------- companies

/// A company of one test alone.
pub struct Company {
    pub id: String,
    pub gstin: String,
    clients: Mutex<HashMap<String, Client>>,
}

/// The newest refresh token of each demo user; they rotate, so one asks at a time.
static SESSIONS: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);

/// E-mail and password of the demo user of a role.
pub fn demo_user(role: &str) -> (String, String) {
    let user = &SERVER.demo["users"][role];
    (user["email"].as_str().expect("an e-mail").to_owned(), user["password"].as_str().expect("a password").to_owned())
}

/// A token pair for a person, from a log-in of its own.
pub fn log_in(email: &str, password: &str, company: &str) -> Value {
    Client::anonymous().post("/v1/auth/login", &json!({"email": email, "password": password, "company_id": company})).expect(200)
}

fn token_for(role: &str, company: &str) -> String {
    let mut sessions = SESSIONS.lock().unwrap();
    let switch = |refresh: String| Client::anonymous().post("/v1/auth/refresh", &json!({"refresh_token": refresh, "company_id": company}));
    let pair = sessions.remove(role).map(switch).filter(|reply| reply.status == 200).map_or_else(
        || {
            let (email, password) = demo_user(role);
            log_in(&email, &password, company)
        },
        Reply::json_owned,
    );
    sessions.insert(role.to_owned(), pair["refresh_token"].as_str().expect("a refresh token").to_owned());
    pair["access_token"].as_str().expect("an access token").to_owned()
}

impl Reply {
    fn json_owned(self) -> Value {
        self.json()
    }
}

impl Company {
    pub fn new() -> Self {
        // Asked for each time: a long run outlives any token.
        let operator = Client::bearer(token_for("admin", SERVER.demo["company_id"].as_str().expect("a demo company")));
        let gstin = gstin("27");
        let people = ["admin", "controller", "ar_executive", "collector", "sales", "auditor"];
        let users: Vec<Value> = people.iter().map(|role| json!({"email": demo_user(role).0, "roles": [role]})).collect();
        let made = operator.post("/v1/companies", &json!({"legal_name": format!("Test {} Pvt Ltd", &fresh()[..8]), "gstin": gstin, "users": users}));
        let id = made.expect(201)["id"].as_str().expect("an id").to_owned();
        Self { id, gstin, clients: Mutex::default() }
    }

    /// A caller in this company. `integration` is a machine with every scope it may hold.
    pub fn as_role(&self, role: &str) -> Client {
        if let Some(client) = self.clients.lock().unwrap().get(role) {
            return client.clone();
        }
        let client = if role == "integration" { self.as_machine(&crate::matrix::grantable_scopes()) } else { Client::bearer(token_for(role, &self.id)) };
        self.clients.lock().unwrap().entry(role.to_owned()).or_insert(client).clone()
    }
    pub fn executive(&self) -> Client {
        self.as_role("ar_executive")
    }
    pub fn controller(&self) -> Client {
        self.as_role("controller")
    }

    /// A person in a session of their own, which a test may end.
    pub fn in_own_session(&self, role: &str) -> Client {
        let (email, password) = demo_user(role);
        Client::bearer(log_in(&email, &password, &self.id)["access_token"].as_str().unwrap().to_owned())
    }

    /// Another person in a role, in a session of their own.
    pub fn another(&self, role: &str) -> Client {
        let (email, password) = (format!("{}@example.test", fresh()), "correct horse battery staple 9");
        self.as_role("admin").post("/v1/users", &json!({"email": email, "name": "Another", "roles": [role], "password": password})).expect(201);
        Client::bearer(log_in(&email, password, &self.id)["access_token"].as_str().unwrap().to_owned())
    }

    /// A new API client with these scopes: its record, which holds the secret.
    pub fn api_client(&self, scopes: &[&str]) -> Value {
        self.as_role("admin").post("/v1/api-clients", &json!({"name": "Test machine", "scopes": scopes})).expect(201)
    }
    pub fn as_machine(&self, scopes: &[&str]) -> Client {
        let reply = machine_token(&self.api_client(scopes), "grant_type=client_credentials").expect(200);
        Client::bearer(reply["access_token"].as_str().unwrap().to_owned())
    }

    /// The id of the demo user of a role.
    pub fn user_id(&self, role: &str) -> String {
        let users = self.as_role("admin").get("/v1/users?limit=200").expect(200);
        let email = demo_user(role).0;
        let user = users["data"].as_array().unwrap().iter().find(|user| user["email"] == email.as_str());
        user.expect("a user of the company")["id"].as_str().unwrap().to_owned()
    }

    /// A new customer in Maharashtra; gives the id.
    pub fn customer(&self) -> String {
        id_of(&self.executive().post("/v1/customers", &customer_body()).expect(201))
    }
    /// An issued invoice without tax; gives the answer.
    pub fn invoice(&self, customer: &str, date: &str, due: &str, amount: &str) -> Value {
        self.executive().post("/v1/invoices", &with(invoice_body(customer, date, amount), json!({"due_date": due}))).expect(201)
    }
    /// A receipt with allocations (an array) or unapplied (null); gives the answer.
    pub fn receipt(&self, customer: &str, date: &str, amount: &str, allocations: Value) -> Value {
        self.executive().post("/v1/receipts", &with(receipt_body(customer, date, amount), json!({"allocations": allocations}))).expect(201)
    }
    pub fn get(&self, path: &str) -> Value {
        self.controller().get(path).expect(200)
    }
    /// Rows of SQL as the database's owner; `{c}` stands for this company's id, quoted.
    pub fn sql(&self, query: &str) -> Vec<Value> {
        Db::owner().rows(&query.replace("{c}", &format!("'{}'", self.id)))
    }

    /// What the company's books, masters and keys hold, table by table; equal before and after a refusal.
    pub fn fingerprint(&self) -> BTreeMap<String, String> {
        // Sessions come and go with log-ins; sealing, telling, sending and scoring run in the background.
        const ASIDE: [&str; 13] = [
            "refresh_token",
            "revocation",
            "membership",
            "api_client",
            "audit_leaf",
            "audit_checkpoint",
            "event",
            "event_feed",
            "webhook_endpoint",
            "webhook_delivery",
            "webhook_attempt",
            "credit_score",
            "credit_score_run",
        ];
        static TABLES: LazyLock<Vec<String>> = LazyLock::new(|| tables_with("company_id"));
        let one = |table: &String| {
            let others = if table == "audit_event" { " AND action NOT LIKE 'session.%' AND action <> 'record.read'" } else { "" };
            let hash = "count(*) || ' ' || md5(coalesce(string_agg(x::text, '' ORDER BY x::text), ''))";
            format!("SELECT '{table}' AS name, {hash} AS hash FROM {table} x WHERE company_id = {{c}}{others}")
        };
        let parts: Vec<String> = TABLES.iter().filter(|table| !ASIDE.contains(&table.as_str())).map(one).collect();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.sql(&parts.join(" UNION ALL ")).iter().map(|row| (text(&row["name"]), text(&row["hash"]))).collect()
    }
}

/// POST /v1/oauth/token with HTTP Basic.
pub fn machine_token(client: &Value, form: &str) -> Reply {
    let secret = format!("{}:{}", client["id"].as_str().unwrap(), client["client_secret"].as_str().unwrap());
    let basic = format!("Basic {}", STANDARD.encode(secret));
    Client::anonymous().send(
        "POST",
        "/v1/oauth/token",
        &[("authorization", &basic), ("content-type", "application/x-www-form-urlencoded")],
        Some(form.as_bytes()),
    )
}

#[track_caller]
pub fn id_of(value: &Value) -> String {
    value["id"].as_str().unwrap_or_else(|| panic!("no id in {value}")).to_owned()
}

pub fn customer_body() -> Value {
    let address = json!({"line1": "1 MG Road", "city": "Pune", "state_code": "27", "postal_code": "411001", "country": "IN"});
    json!({"external_id": fresh(), "legal_name": format!("Customer {}", &fresh()[..8]), "kind": "b2b", "currency": "INR", "payment_terms_days": 30, "billing_address": address})
}

/// One line without tax, issued at once.
pub fn invoice_body(customer: &str, date: &str, amount: &str) -> Value {
    json!({"external_id": fresh(), "customer_id": customer, "invoice_date": date, "place_of_supply": "27", "currency": "INR", "issue": true, "lines": [line(amount, "0")]})
}

pub fn line(amount: &str, rate: &str) -> Value {
    json!({"description": "Work", "hsn_code": "998313", "is_service": true, "quantity": "1", "unit": "NOS", "unit_price": amount, "tax_rate": rate})
}

/// A note against an invoice, of one line without tax, issued at once.
pub fn note_body(invoice: &Value, date: &str, amount: &str) -> Value {
    json!({"external_id": fresh(), "original_invoice_id": invoice["id"], "note_date": date, "reason_code": "sales_return", "issue": true, "lines": [line(amount, "0")]})
}

pub fn receipt_body(customer: &str, date: &str, amount: &str) -> Value {
    json!({"external_id": fresh(), "customer_id": customer, "receipt_date": date, "method": "neft", "currency": "INR", "utr": fresh(), "amount_received": amount})
}

/// One entry for `allocations` or `targets`.
pub fn to_invoice(invoice: &Value, amount: &str) -> Value {
    json!({"target_type": "invoice", "target_id": invoice["id"], "amount": amount, "kind": "cash"})
}

// ----------------------------------------------------------------------------------- database

/// Direct SQL, past the service.
pub struct Db(PgConnection);

#[derive(QueryableByName)]
struct Json {
    #[diesel(sql_type = diesel::sql_types::Text)]
    json: String,
}

/// The status another server answers with, if it answers.
pub fn status_of(address: &str) -> Option<u16> {
    exchange("GET", address, &[], None).ok().map(|reply| reply.status)
}

/// A libpq address of the run's database: the owner's or the application's.
pub fn database_url(name: &str) -> String {
    if name == "owner_url" { SERVER.owner_url.clone() } else { SERVER.app_url.clone() }
}

/// What makes audit events the server's own, for tests that write through the library.
pub fn event_key() -> duebook::platform::unit_of_work::EventKey {
    duebook::access::tokens::keys::Keys::open(&SERVER.dir).expect("the signing key").event_key()
}

impl Db {
    pub fn owner() -> Self {
        Self::at(&SERVER.owner_url)
    }
    /// By another address.
    pub fn at(url: &str) -> Self {
        Self(PgConnection::establish(url).expect("a connection"))
    }
    /// As the service connects, under its role.
    pub fn app() -> Self {
        let mut db = Self::at(&SERVER.app_url);
        db.run("SET ROLE duebook_app; SET lock_timeout = '5s'").expect("its role");
        db
    }
    pub fn rows(&mut self, query: &str) -> Vec<Value> {
        self.try_rows(query).unwrap_or_else(|error| panic!("{error}: {query}"))
    }
    pub fn try_rows(&mut self, query: &str) -> Result<Vec<Value>, String> {
        let query = format!("SELECT coalesce(jsonb_agg(to_jsonb(q)), '[]')::text AS json FROM ({query}) AS q");
        let found: Json = diesel::sql_query(query).get_result(&mut self.0).map_err(|error| error.to_string())?;
        Ok(serde_json::from_str(&found.json).expect("JSON"))
    }
    /// One or several statements without an answer.
    pub fn run(&mut self, statements: &str) -> Result<(), String> {
        self.0.batch_execute(statements).map_err(|error| error.to_string())
    }
    /// Runs statements in a transaction of a company and commits; the first refusal rolls back.
    pub fn commit_in(&mut self, company: &str, statements: &str) -> Result<(), String> {
        let done = self.run(&format!("BEGIN; SELECT set_config('app.company_id', '{company}', true); {statements}; COMMIT"));
        if done.is_err() {
            self.run("ROLLBACK").expect("a rollback");
        }
        done
    }
}

/// Ordinary tables that have this column.
pub fn tables_with(column: &str) -> Vec<String> {
    let rows = Db::owner().rows(&format!(
        "SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = '{column}' AND NOT a.attisdropped
         WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace ORDER BY 1"
    ));
    rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

// ----------------------------------------------------------------------------------- corrections

/// Approves, rejects or withdraws the request a document waits for.
pub fn decide(client: &Client, document: &Value, verb: &str) -> Reply {
    let approval = document["approval_id"].as_str().unwrap_or_else(|| panic!("nothing waits: {document}"));
    client.change("POST", &format!("/v1/approvals/{approval}/{verb}"), "*", &json!({"reason": "Looked at it"}))
}

impl Company {
    /// Debits less credits of an account today.
    pub fn account(&self, name: &str) -> Decimal {
        let trial = self.get(&format!("/v1/trial-balance?as_of={}", today()));
        let row = trial["data"].as_array().unwrap().iter().find(|row| row["account_name"] == name).cloned();
        row.map_or(Decimal::ZERO, |row| dec(&row["debit"]) - dec(&row["credit"]))
    }
    /// What reports say of past days, known at an instant, as the bytes they are.
    pub fn past(&self, customer: &str, days: &[&str], known_at: &str) -> Vec<String> {
        let at = encoded(known_at);
        let paths = |day: &&str| {
            [
                format!("/v1/customers/{customer}/open-items?as_of={day}&known_at={at}"),
                format!("/v1/reports/aging?as_of={day}&known_at={at}"),
                format!("/v1/reconciliations/ar-gl?as_of={day}&known_at={at}"),
            ]
        };
        days.iter().flat_map(paths).map(|path| self.controller().get(&path).text()).collect()
    }
    /// The instant up to which everything so far is known.
    pub fn known_now(&self) -> String {
        self.get(&format!("/v1/reports/aging?as_of={}", today()))["known_at"].as_str().expect("an instant").to_owned()
    }
}
