//! Overload: what it can carry, then three times that without waiting for answers, then what is usual again.

use crate::clients::invoice_body;
use crate::http::{parse_head, request};
use crate::service::{Service, cpu_seconds};
use crate::{Findings, Options, Random, percentile};
use serde_json::json;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{LocalSet, spawn_local};

const CUSTOMERS: u64 = 100;
/// Clients in a closed loop, to find the peak: that of the number which fits best.
const CLOSED: [u64; 3] = [32, 64, 128];
/// Of the peak: the load that is usual.
const USUAL: f64 = 0.6;
const LONGEST: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Post,
    Read,
    List,
    Report,
    /// A post in another company, whose clients are few.
    Neighbour,
}

#[derive(Clone, Copy)]
enum Load {
    /// So many clients, each of which waits for its answer.
    Closed(u64),
    /// So many requests a second, which wait for nobody.
    Open(f64),
}

/// One request: when it was due (seconds of the phase), how long the answer took from then, what it was.
struct Shot {
    kind: Kind,
    due: f64,
    took: f64,
    status: u16,
    polite: bool,
}

struct Target {
    address: String,
    token: String,
    customers: Vec<String>,
    invoices: Vec<String>,
    neighbour: (String, String),
    run: u64,
    idle: RefCell<Vec<TcpStream>>,
    random: RefCell<Random>,
    sent: RefCell<u64>,
    opened: RefCell<u64>,
}

pub fn run(options: &Options, findings: &mut Findings) {
    let seconds = options.number("--seconds", 60) as f64;
    let service = Service::start(false);
    let target = Rc::new(Target::prepare(&service, options.seed));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let phases = LocalSet::new();
    let (pid, postmaster) = (service.pid(), service.postmaster().expect("a database"));
    let cpu = || [cpu_seconds(std::process::id().cast_signed(), false), cpu_seconds(pid, false), cpu_seconds(postmaster, true)];

    let run = |what: &str, seconds: f64, load: Load| {
        let (before, began) = (cpu(), Instant::now());
        let shots = match load {
            Load::Closed(clients) => phases.block_on(&runtime, closed(&target, seconds, clients)),
            Load::Open(rate) => phases.block_on(&runtime, open(&target, seconds, rate)),
        };
        let (used, lasted) = (cpu(), began.elapsed().as_secs_f64());
        let share = |at: usize| (used[at] - before[at]) / lasted * 100.0;
        println!(
            "\n{what}: {seconds:.0} s, {}; CPU: generator {:.0} %, service {:.0} %, database {:.0} % of a core",
            match load {
                Load::Closed(clients) => format!("{clients} clients in a closed loop"),
                Load::Open(rate) => format!("{rate:.0} requests a second in an open loop"),
            },
            share(0),
            share(1),
            share(2)
        );
        describe(&shots, seconds);
        shots
    };
    let served = |shots: &[Shot], seconds: f64| {
        let own = shots.iter().filter(|shot| shot.kind != Kind::Neighbour && shot.status / 100 == 2 && shot.due + shot.took <= seconds);
        own.count() as f64 / seconds
    };
    run("warming up", 5.0, Load::Closed(CLOSED[0]));
    let peak = CLOSED.map(|clients| served(&run("peak", 10.0, Load::Closed(clients)), 10.0)).into_iter().fold(0.0, f64::max);
    let normal = run("usual", 15.0, Load::Open(peak * USUAL));
    let crowd = run("overload", seconds, Load::Open(peak * 3.0));
    let after = run("usual again", 20.0, Load::Open(peak * USUAL));
    println!("\n       connections opened: {}; peak memory of the service: {} MiB", target.opened.borrow(), service.peak_memory());

    let goodput = served(&crowd, seconds);
    findings.bar(
        "goodput at 3 times the peak at least 80 % of it",
        goodput >= 0.8 * peak,
        format!("{goodput:.0} of {peak:.0} a second, {:.0} %", goodput / peak * 100.0),
    );
    let refused = |shot: &&Shot| matches!(shot.status, 429 | 503);
    let mut late: Vec<f64> = crowd.iter().filter(refused).map(|shot| shot.took).collect();
    let (count, p99) = (late.len(), percentile(&mut late, 99).unwrap_or_default());
    findings.bar("p99 of refusals at most 200 ms", count > 0 && p99 <= 0.2, format!("{:.0} ms of {count}", p99 * 1e3));
    let rude = crowd.iter().filter(refused).filter(|shot| !shot.polite).count();
    findings.bar("refusals without Retry-After of 1 to 5 s", rude == 0, rude);
    let mut admitted: Vec<f64> = crowd.iter().filter(|shot| shot.status / 100 == 2).map(|shot| shot.took).collect();
    let p99 = percentile(&mut admitted, 99).unwrap_or(f64::MAX);
    findings.bar("p99 of those let in at most 2 s", p99 <= 2.0, format!("{:.0} ms", p99 * 1e3));
    let others = crowd.iter().filter(|shot| !refused(shot) && shot.status / 100 != 2).count();
    findings.bar("no answer, or neither success nor refusal", others == 0, others);
    let neighbour: Vec<&Shot> = crowd.iter().filter(|shot| shot.kind == Kind::Neighbour).collect();
    let fine = neighbour.iter().filter(|shot| shot.status / 100 == 2 && shot.took < 1.0).count();
    findings.bar("posts of another company served within a second", fine * 100 >= neighbour.len() * 95, format!("{fine} of {}", neighbour.len()));
    let mut usual: Vec<f64> = normal.iter().map(|shot| shot.took).collect();
    let bound = (percentile(&mut usual, 99).unwrap_or_default() * 2.0).max(0.1);
    let bad = |second: usize| {
        let mut of: Vec<f64> =
            after.iter().filter(|shot| shot.due as usize == second).map(|shot| if shot.status / 100 == 2 { shot.took } else { f64::MAX }).collect();
        percentile(&mut of, 99).is_some_and(|p99| p99 > bound)
    };
    let recovered = (0..20).rev().find(|second| bad(*second)).map_or(0, |second| second + 1);
    findings.bar("p99 usual again within 10 s", recovered <= 10, format!("{recovered} s (to under {:.0} ms)", bound * 1e3));
    service.stop();
    let (clean, said) = service.verify();
    findings.bar("duebook verify", clean, if clean { "clean" } else { &said });
    if findings.failed == 0 { service.remove() } else { println!("       kept: {}", service.dir.display()) }
}

/// A line for each kind, and one for all.
fn describe(shots: &[Shot], seconds: f64) {
    for (name, kinds) in [("posts", &[Kind::Post][..]), ("reads", &[Kind::Read, Kind::List]), ("reports", &[Kind::Report]), ("neighbour", &[Kind::Neighbour])] {
        let of = |ok: bool| {
            let chosen = shots.iter().filter(|shot| kinds.contains(&shot.kind) && (shot.status / 100 == 2) == ok);
            chosen.map(|shot| shot.took * 1e3).collect::<Vec<f64>>()
        };
        let (mut done, mut not) = (of(true), of(false));
        if done.len() + not.len() > 0 {
            let share = not.len() as f64 / (done.len() + not.len()) as f64 * 100.0;
            let figure = |values: &mut Vec<f64>, percent| percentile(values, percent).map_or_else(|| "-".to_owned(), |value| format!("{value:.0}"));
            println!(
                "       {name:<9} {:>6.1} a second, p50 {} ms, p99 {} ms; refused {share:.0} %, p50 {} ms, p99 {} ms",
                done.len() as f64 / seconds,
                figure(&mut done, 50),
                figure(&mut done, 99),
                figure(&mut not, 50),
                figure(&mut not, 99)
            );
        }
    }
}

impl Target {
    fn prepare(service: &Service, seed: u64) -> Self {
        let customers: Vec<String> = (0..CUSTOMERS).map(|n| service.customer(&format!("c{n}"))).collect();
        let invoices = customers.iter().take(50).enumerate().map(|(n, customer)| {
            let made = service.created("ar_executive", "/v1/invoices", &invoice_body(&format!("setup-{n}"), customer, 1_000, true));
            made["id"].as_str().expect("an id").to_owned()
        });
        let invoices = invoices.collect();
        let demo = service.demo();
        let person = &demo["users"]["ar_executive"];
        let company = json!({"legal_name": "Neighbour Pvt Ltd", "gstin": "27AAPFU0939F1ZV", "users": [{"email": person["email"], "roles": ["ar_executive"]}]});
        let company = service.created("admin", "/v1/companies", &company)["id"].as_str().expect("an id").to_owned();
        let log_in = json!({"email": person["email"], "password": person["password"], "company_id": company}).to_string();
        let token = crate::http::Http::new(&service.address).send("POST", "/v1/auth/login", &[], &log_in).expect("an answer").json();
        let token = format!("Bearer {}", token["access_token"].as_str().expect("a token"));
        let address = json!({"line1": "1 MG Road", "city": "Pune", "state_code": "27", "postal_code": "411001", "country": "IN"});
        let body = json!({"external_id": "n", "legal_name": "Theirs", "kind": "b2b", "currency": "INR", "payment_terms_days": 30, "billing_address": address});
        let customer = crate::http::Http::new(&service.address)
            .send("POST", "/v1/customers", &[("authorization", &token), ("idempotency-key", "setup-n")], &body.to_string())
            .expect("an answer")
            .json();
        Self {
            address: service.address.clone(),
            token: format!("Bearer {}", service.token("ar_executive")),
            customers,
            invoices,
            neighbour: (token, customer["id"].as_str().expect("an id").to_owned()),
            run: seed,
            idle: RefCell::default(),
            random: RefCell::new(Random(seed)),
            sent: RefCell::default(),
            opened: RefCell::default(),
        }
    }

    /// 70 posts, 20 reads of one invoice, 8 lists and 2 reports of a hundred.
    fn choose(&self) -> Kind {
        match self.random.borrow_mut().below(100) {
            0..70 => Kind::Post,
            70..90 => Kind::Read,
            90..98 => Kind::List,
            _ => Kind::Report,
        }
    }

    fn request(&self, kind: Kind) -> Vec<u8> {
        let n = self.sent.replace_with(|sent| *sent + 1);
        let chance = self.random.borrow_mut().draw();
        let pick = |all: &[String]| all[chance as usize % all.len()].clone();
        let key = format!("o{}-{n}", self.run);
        let (token, customer) = if kind == Kind::Neighbour { self.neighbour.clone() } else { (self.token.clone(), pick(&self.customers)) };
        let headers = [("authorization", token.as_str()), ("idempotency-key", key.as_str())];
        match kind {
            Kind::Post | Kind::Neighbour => request(&self.address, "POST", "/v1/invoices", &headers, &invoice_body(&key, &customer, 1_000, true).to_string()),
            Kind::Read => request(&self.address, "GET", &format!("/v1/invoices/{}", pick(&self.invoices)), &headers[..1], ""),
            Kind::List => request(&self.address, "GET", "/v1/invoices?limit=50", &headers[..1], ""),
            Kind::Report => request(&self.address, "GET", "/v1/reports/aging?as_of=2025-06-30", &headers[..1], ""),
        }
    }

    /// Sends one request on an idle connection or a new one; a connection that may be used again is kept.
    async fn shoot(&self, kind: Kind, due: Instant, phase: Instant) -> Shot {
        let bytes = self.request(kind);
        let done = tokio::time::timeout(LONGEST, self.exchange(&bytes)).await;
        let (status, polite) = done.ok().and_then(Result::ok).unwrap_or((0, false));
        Shot { kind, due: (due - phase).as_secs_f64(), took: due.elapsed().as_secs_f64(), status, polite }
    }

    async fn exchange(&self, bytes: &[u8]) -> std::io::Result<(u16, bool)> {
        // One that was idle may have been closed meanwhile, which says nothing of the service.
        let kept = self.idle.borrow_mut().pop();
        if let Some(stream) = kept
            && let Ok(answer) = self.over(stream, bytes).await
        {
            return Ok(answer);
        }
        self.opened.replace_with(|opened| *opened + 1);
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        self.over(stream, bytes).await
    }

    async fn over(&self, mut stream: TcpStream, bytes: &[u8]) -> std::io::Result<(u16, bool)> {
        stream.write_all(bytes).await?;
        let (mut buffer, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
        loop {
            if let Some((head, length)) = parse_head(&buffer)
                && buffer.len() >= head + length
            {
                let text = String::from_utf8_lossy(&buffer[..head]).to_lowercase();
                let wait = text.lines().find_map(|line| line.strip_prefix("retry-after: ")?.trim().parse::<u64>().ok());
                if !text.contains("connection: close") {
                    self.idle.borrow_mut().push(stream);
                }
                let status = text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
                return Ok((status, wait.is_some_and(|wait| (1..=5).contains(&wait))));
            }
            match stream.read(&mut chunk).await? {
                0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                read => buffer.extend_from_slice(&chunk[..read]),
            }
        }
    }
}

/// Clients that each wait for an answer before they send again.
async fn closed(target: &Rc<Target>, seconds: f64, clients: u64) -> Vec<Shot> {
    let phase = Instant::now();
    let client = |_| {
        let target = Rc::clone(target);
        spawn_local(async move {
            let mut shots = Vec::new();
            while phase.elapsed().as_secs_f64() < seconds {
                shots.push(target.shoot(target.choose(), Instant::now(), phase).await);
            }
            shots
        })
    };
    gather((0..clients).map(client).collect::<Vec<_>>()).await
}

/// Arrivals by chance (exponential gaps) that wait for nobody, and five a second of the neighbour.
async fn open(target: &Rc<Target>, seconds: f64, rate: f64) -> Vec<Shot> {
    let (phase, mut tasks, mut due, mut next_neighbour) = (Instant::now(), Vec::new(), 0.0, 0.1);
    while due < seconds {
        tokio::time::sleep_until((phase + Duration::from_secs_f64(due)).into()).await;
        let shoot = |kind, due| {
            let target = Rc::clone(target);
            spawn_local(async move { vec![target.shoot(kind, phase + Duration::from_secs_f64(due), phase).await] })
        };
        tasks.push(shoot(target.choose(), due));
        if due >= next_neighbour {
            tasks.push(shoot(Kind::Neighbour, due));
            next_neighbour += 0.2;
        }
        let chance = (target.random.borrow_mut().below(1 << 30) as f64 + 1.0) / f64::from(1 << 30);
        due -= chance.ln() / rate;
    }
    gather(tasks).await
}

async fn gather(tasks: Vec<tokio::task::JoinHandle<Vec<Shot>>>) -> Vec<Shot> {
    let mut shots = Vec::new();
    for task in tasks {
        shots.extend(task.await.expect("a task ends"));
    }
    shots
}
