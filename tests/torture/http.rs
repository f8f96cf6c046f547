//! A bare HTTP/1.1 client over one kept connection, which tells apart an answer from none.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub struct Http {
    address: String,
    stream: Option<TcpStream>,
}

pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.head.lines().filter_map(|line| line.split_once(':')).find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim())
    }
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Http {
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None }
    }

    /// Sends and waits. An error means that nobody knows what became of the request.
    pub fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Answer> {
        let answer = self.exchange(&request(&self.address, method, path, headers, body));
        if answer.as_ref().map_or(true, |answer| answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))) {
            self.stream = None;
        }
        answer
    }

    fn exchange(&mut self, request: &[u8]) -> io::Result<Answer> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            self.stream = Some(stream);
        }
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        stream.write_all(request)?;
        let (mut buffer, mut chunk) = (Vec::new(), [0; 16 * 1024]);
        loop {
            if let Some((head, length)) = parse_head(&buffer)
                && buffer.len() >= head + length
            {
                let text = String::from_utf8_lossy(&buffer[..head]).into_owned();
                let status = text.get(9..12).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
                return Ok(Answer { status, head: text, body: buffer[head..head + length].to_vec() });
            }
            match stream.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => buffer.extend_from_slice(&chunk[..read]),
            }
        }
    }
}

pub fn request(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let media = if headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) { "" } else { "Content-Type: application/json\r\n" };
    let headers: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n{media}{}Content-Length: {}\r\n\r\n{body}", headers.concat(), body.len()).into_bytes()
}

/// Where the body of an answer begins and how long it is, once the whole head is here.
pub fn parse_head(buffer: &[u8]) -> Option<(usize, usize)> {
    let end = buffer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&buffer[..end]).ok()?;
    let length = head.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    Some((end, length.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0)))
}
