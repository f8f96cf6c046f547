//! Slow clients: heads, bodies and answers that trickle must not cost anybody else anything.

use crate::clients::invoice_body;
use crate::http::{Http, request};
use crate::service::Service;
use crate::{Findings, Options, percentile};
use serde_json::json;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// A client that trickles, and how soon the service must be rid of it.
#[derive(Clone, Copy)]
enum Kind {
    Head,
    Body,
    Reader,
}
const KINDS: [(&str, Kind, u64, f64); 3] = [("heads", Kind::Head, 500, 8.0), ("bodies", Kind::Body, 200, 14.0), ("readers", Kind::Reader, 100, 40.0)];
/// Nobody is followed longer than this.
const PATIENCE: Duration = Duration::from_secs(60);

pub fn run(options: &Options, findings: &mut Findings) {
    let service = Service::start(false);
    let customer = service.customer("c");
    let token = format!("Bearer {}", service.token("ar_executive"));
    let items: Vec<_> = (0..200).map(|n| invoice_body(&format!("s{n}"), &customer, 100, true)).collect();
    let filled = Http::new(&service.address)
        .send("POST", "/v1/invoices/bulk", &[("authorization", &token), ("idempotency-key", "setup")], &json!({"mode": "atomic", "items": items}).to_string())
        .expect("an answer");
    assert_eq!(filled.status, 207, "{}", String::from_utf8_lossy(&filled.body));
    let before = normal(&service, &customer, "n", &AtomicBool::new(false), Some(Duration::from_secs(5)));
    let stop = AtomicBool::new(false);
    let (mut normally, mut held, mut gone) = (Vec::new(), 0, Vec::new());
    std::thread::scope(|scope| {
        let (service, customer, stop) = (&service, &customer, &stop);
        let normal = scope.spawn(move || normal(service, customer, "m", stop, None));
        let watch = scope.spawn(move || sessions_held(service, stop));
        gone = trickle(service, &token, options);
        stop.store(true, Ordering::Relaxed);
        (normally, held) = (normal.join().expect("it ends"), watch.join().expect("it ends"));
    });
    for ((name, _, count, limit), mut times) in KINDS.into_iter().zip(gone) {
        let asked = options.number(&format!("--{name}"), count) as usize;
        let (ended, last) = (times.len(), percentile(&mut times, 100).unwrap_or_default());
        let middle = percentile(&mut times, 50).unwrap_or_default();
        findings.bar(
            &format!("slow {name} ended within {limit:.0} s"),
            ended == asked && last <= limit,
            format!("{ended} of {asked}, p50 {middle:.1} s, last {last:.1} s"),
        );
    }
    let (mut before, requests) = (before, normally.len());
    let p99 = percentile(&mut normally, 99).unwrap_or(f64::MAX);
    let usual = percentile(&mut before, 99).unwrap_or_default();
    findings.bar("p99 of a normal client meanwhile under 1 s", p99 < 1.0, format!("{:.0} ms of {requests} requests (alone {:.0} ms)", p99 * 1e3, usual * 1e3));
    findings.bar("database sessions in a transaction for over a second", held == 0, held);
    println!("       peak memory of the service: {} MiB", service.peak_memory());
    if findings.failed == 0 { service.remove() } else { println!("       kept: {}", service.dir.display()) }
}

/// Reads and writes in turn with a short pause; seconds each took.
fn normal(service: &Service, customer: &str, prefix: &str, stop: &AtomicBool, limit: Option<Duration>) -> Vec<f64> {
    let (mut http, token, began, mut times) = (Http::new(&service.address), format!("Bearer {}", service.token("ar_executive")), Instant::now(), Vec::new());
    while !stop.load(Ordering::Relaxed) && limit.is_none_or(|limit| began.elapsed() < limit) {
        let (n, start) = (times.len(), Instant::now());
        let answer = if n % 2 == 0 {
            http.send("GET", "/v1/invoices?limit=20", &[("authorization", &token)], "")
        } else {
            let (id, key) = (format!("{prefix}{n}"), format!("setup-{prefix}{n}"));
            http.send("POST", "/v1/invoices", &[("authorization", &token), ("idempotency-key", &key)], &invoice_body(&id, customer, 100, true).to_string())
        };
        let answer = answer.expect("a normal client is answered");
        assert!(answer.status < 300 || answer.status == 503, "{}: {}", answer.status, String::from_utf8_lossy(&answer.body));
        // Being told to come back counts as what it costs.
        let told = answer.header("retry-after").and_then(|seconds| seconds.parse::<f64>().ok());
        times.push(start.elapsed().as_secs_f64() + told.unwrap_or(0.0));
        std::thread::sleep(Duration::from_millis(20));
    }
    times
}

/// Looks, until told to stop, for sessions of the service that are in a transaction for over a second.
fn sessions_held(service: &Service, stop: &AtomicBool) -> usize {
    let held = "SELECT pid FROM pg_stat_activity WHERE usename = 'duebook_app' AND xact_start < clock_timestamp() - interval '1 second'";
    let mut most = 0;
    while !stop.load(Ordering::Relaxed) {
        most = most.max(service.rows(held).expect("the database answers").len());
        std::thread::sleep(Duration::from_millis(250));
    }
    most
}

/// All slow clients at once; for each kind, after how many seconds each was rid of.
fn trickle(service: &Service, token: &str, options: &Options) -> Vec<Vec<f64>> {
    let address: SocketAddr = service.address.parse().expect("an address");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let started = KINDS.map(|(name, kind, count, _)| {
            let one = |n| {
                let token = token.to_owned();
                tokio::spawn(async move { tokio::time::timeout(PATIENCE, slow(address, kind, n, token)).await.ok() })
            };
            (0..options.number(&format!("--{name}"), count)).map(one).collect::<Vec<_>>()
        });
        let mut gone = Vec::new();
        for tasks in started {
            let mut times = Vec::new();
            for task in tasks {
                times.extend(task.await.expect("a task ends"));
            }
            gone.push(times);
        }
        gone
    })
}

async fn slow(address: SocketAddr, kind: Kind, n: u64, token: String) -> f64 {
    let socket = TcpSocket::new_v4().expect("a socket");
    if matches!(kind, Kind::Reader) {
        socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
    }
    // They do not all come in the same instant.
    tokio::time::sleep(Duration::from_millis(n % 100 * 10)).await;
    let mut stream = socket.connect(address).await.expect("connected");
    let (start, port) = (Instant::now(), stream.local_addr().expect("an address").port());
    let key = format!("slow-{n}");
    let headers = [("authorization", token.as_str()), ("idempotency-key", key.as_str())];
    let whole = request("slow", "POST", "/v1/invoices", &headers, &" ".repeat(4_000));
    match kind {
        Kind::Head => drip(&mut stream, &whole[..60], &whole[60..]).await,
        Kind::Body => drip(&mut stream, &whole[..whole.len() - 3_900], &whole[whole.len() - 3_900..]).await,
        Kind::Reader => {
            // More than the buffers on the way hold, some of it read from the database.
            let list = request("slow", "GET", "/v1/invoices?limit=200", &headers, "");
            let contract = request("slow", "GET", "/openapi.json", &headers, "");
            let all = [list, contract.repeat(12)].concat();
            let (mut reader, mut writer) = stream.split();
            let send = async {
                let _ = writer.write_all(&all).await;
                std::future::pending::<()>().await;
            };
            let sip = async {
                let mut buffer = [0; 16];
                tokio::time::sleep(Duration::from_secs(2)).await;
                // What is on the way arrives long after the service let go, so it is asked whether it holds its end.
                while held_by_service(address.port()).contains(&port) && reader.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            };
            tokio::select! { () = send => {}, () = sip => {} }
        }
    }
    start.elapsed().as_secs_f64()
}

/// Sends the rest byte by byte, one a second, until the other side has had enough.
async fn drip(stream: &mut TcpStream, first: &[u8], rest: &[u8]) {
    let (mut reader, mut writer) = stream.split();
    let send = async {
        let mut sent = writer.write_all(first).await;
        for byte in rest {
            if sent.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            sent = writer.write_all(&[*byte]).await;
        }
    };
    let heard = async {
        let mut buffer = [0; 4096];
        while reader.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    };
    tokio::select! { () = send => {}, () = heard => {} }
}

/// The clients' ports of the connections that a process still holds at the service's end (inode 0 is the kernel's
/// alone); as of at most a second ago.
fn held_by_service(service: u16) -> HashSet<u16> {
    static SEEN: Mutex<Option<(Instant, HashSet<u16>)>> = Mutex::new(None);
    let mut seen = SEEN.lock().unwrap();
    if let Some((at, ports)) = &*seen
        && at.elapsed() < Duration::from_secs(1)
    {
        return ports.clone();
    }
    let table = std::fs::read_to_string("/proc/net/tcp").expect("the table of connections");
    let port = |address: &str| u16::from_str_radix(address.split_once(':')?.1, 16).ok();
    let ports = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (port(fields.get(1)?)? == service && *fields.get(9)? != "0").then(|| port(fields[2])).flatten()
    });
    let ports: HashSet<u16> = ports.collect();
    *seen = Some((Instant::now(), ports.clone()));
    ports
}
