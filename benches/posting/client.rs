//! A bare HTTP/1.1 client over one kept connection, and the loop that drives many of them.

use crate::Failure;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use uuid::Uuid;

pub struct Client {
    stream: TcpStream,
    head: String,
    buffer: Vec<u8>,
}

impl Client {
    pub fn connect(address: &str, token: &str) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let authorization = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        Ok(Self { stream, head: format!("Host: {address}\r\nContent-Type: application/json\r\n{authorization}"), buffer: Vec::new() })
    }

    /// Status and body of the answer; bodies come with a length, for nothing is compressed.
    fn send(&mut self, request: &str) -> Result<(u16, &[u8]), Failure> {
        self.stream.write_all(request.as_bytes())?;
        self.buffer.clear();
        let mut chunk = [0; 16 * 1024];
        let (mut start, mut end) = (0, usize::MAX);
        while self.buffer.len() < end {
            let read = self.stream.read(&mut chunk)?;
            if read == 0 {
                return Err("the service closed the connection".into());
            }
            self.buffer.extend_from_slice(&chunk[..read]);
            if start == 0
                && let Some(at) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n")
            {
                let head = std::str::from_utf8(&self.buffer[..at])?;
                let length = head.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
                start = at + 4;
                end = start + length.ok_or("an answer without length")?.1.trim().parse::<usize>()?;
            }
        }
        Ok((std::str::from_utf8(&self.buffer[9..12])?.parse()?, &self.buffer[start..]))
    }

    fn post(&mut self, path: &str, key: &str, body: &str) -> Result<(u16, &[u8]), Failure> {
        self.send(&format!("POST {path} HTTP/1.1\r\n{}Idempotency-Key: {key}\r\nContent-Length: {}\r\n\r\n{body}", self.head, body.len()))
    }

    pub fn get(&mut self, path: &str) -> Result<&[u8], Failure> {
        match self.send(&format!("GET {path} HTTP/1.1\r\n{}\r\n", self.head))? {
            (200, body) => Ok(body),
            (status, body) => Err(format!("GET {path}: {status} {}", String::from_utf8_lossy(body)).into()),
        }
    }

    /// Posts and gives the answer of a success.
    pub fn answer(&mut self, path: &str, key: &str, body: &str) -> Result<Value, Failure> {
        match self.post(path, key, body)? {
            (200..300, reply) => Ok(serde_json::from_slice(reply)?),
            (status, reply) => Err(format!("POST {path}: {status} {}", String::from_utf8_lossy(reply)).into()),
        }
    }

    /// Creates something and gives its id.
    pub fn created(&mut self, path: &str, body: &Value) -> Result<String, Failure> {
        Ok(self.answer(path, &new_key(), &body.to_string())?["id"].as_str().ok_or("an answer without id")?.to_owned())
    }
}

pub fn new_key() -> String {
    Uuid::now_v7().simple().to_string()
}

/// The value of the first `"id"` of a JSON text, without reading the rest.
pub fn first_id(reply: &[u8]) -> Option<String> {
    let at = reply.windows(6).position(|six| six == b"\"id\":\"")? + 6;
    Some(String::from_utf8_lossy(reply.get(at..at + 36)?).into_owned())
}

/// What a load run gave.
pub struct Load {
    pub errors: Vec<String>,
    pub seconds: f64,
    /// How many documents one request makes.
    pub worth: usize,
    latencies: Vec<Duration>,
}

impl Load {
    pub fn rate(&self) -> f64 {
        count(self.latencies.len() * self.worth) / self.seconds
    }
    pub fn percentile(&self, percent: usize) -> f64 {
        let at = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1000.0)
    }
}

pub fn count(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

/// Lets every client send what `next` gives, one request after the other, until the time is over or
/// nothing is left. 2xx answers count and go to `took`; anything else is an error.
pub fn load<S: Send>(
    clients: Vec<Client>,
    path: &str,
    states: &mut [S],
    time: Duration,
    next: impl Fn(&mut S, &str) -> Option<String> + Sync,
    took: impl Fn(&mut S, &[u8]) + Sync,
) -> Result<Load, Failure> {
    let started = Instant::now();
    let work = |mut client: Client, state: &mut S| -> Result<_, Failure> {
        let (mut latencies, mut errors) = (Vec::with_capacity(16 * 1024), Vec::new());
        while started.elapsed() < time {
            let key = new_key();
            let Some(body) = next(state, &key) else { break };
            let sent = Instant::now();
            match client.post(path, &key, &body)? {
                (200..300, reply) => {
                    latencies.push(sent.elapsed());
                    took(state, reply);
                }
                (status, reply) => errors.push(format!("{status} {}", String::from_utf8_lossy(reply))),
            }
        }
        Ok((latencies, errors))
    };
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = clients.into_iter().zip(states).map(|(client, state)| scope.spawn(|| work(client, state))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("a client thread panicked".into()))).collect()
    });
    let mut load = Load { errors: Vec::new(), seconds: started.elapsed().as_secs_f64(), worth: 1, latencies: Vec::new() };
    for outcome in outcomes {
        let (latencies, errors) = outcome?;
        load.latencies.extend(latencies);
        load.errors.extend(errors);
    }
    load.latencies.sort_unstable();
    Ok(load)
}
