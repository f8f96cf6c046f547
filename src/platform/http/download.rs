//! Files too large to hold: sent piece by piece from the disk, whole or the part asked for (RFC 9110 section 14).

use super::connection::Connection;
use super::problem::{self, Problem};
use super::ranges::{self, Asked};
use actix_web::body::{BoxBody, SizedStream};
use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, Responder};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_core::Stream;
use std::fs::File;
use std::future::Future;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Bytes read from the disk at a time.
const PIECE: u64 = 256 * 1024;

/// A file on the disk, with what its whole comes to.
pub struct Download {
    pub path: PathBuf,
    pub media_type: &'static str,
    pub name: String,
    pub length: u64,
    pub sha256: [u8; 32],
    /// What to say where it is there no longer.
    pub gone: &'static str,
}

impl Responder for Download {
    type Body = BoxBody;
    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let known = request.headers().get("if-none-match").and_then(|value| value.to_str().ok()).unwrap_or_default();
        let etag = format!("\"{}\"", crate::platform::text::hex(&self.sha256[..16]));
        if known.split(',').any(|tag| matches!(tag.trim(), "*") || tag.trim().trim_start_matches("W/") == etag) {
            return HttpResponse::NotModified().insert_header(("etag", etag)).finish();
        }
        let (status, first, length) = match ranges::asked(request.headers(), &etag, self.length) {
            Asked::Whole => (StatusCode::OK, 0, self.length),
            Asked::Part(part) => (StatusCode::PARTIAL_CONTENT, part.start, part.end - part.start),
            Asked::Nothing => return HttpResponse::from_error(Problem::out_of_range(self.length)),
        };
        let opened = File::open(&self.path).and_then(|mut file| file.seek(SeekFrom::Start(first)).map(|_| file));
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return HttpResponse::from_error(Problem::new(problem::GONE, self.gone)),
            Err(error) => return HttpResponse::from_error(Problem::internal(&error)),
        };
        let mut response = HttpResponse::build(status);
        if status == StatusCode::PARTIAL_CONTENT {
            response.insert_header(("content-range", format!("bytes {first}-{}/{}", first + length - 1, self.length)));
        }
        response
            .insert_header(("accept-ranges", "bytes"))
            .insert_header(("etag", etag))
            .insert_header(("repr-digest", format!("sha-256=:{}:", STANDARD.encode(self.sha256))))
            .insert_header(("content-disposition", format!("attachment; filename=\"{}\"", self.name)))
            // Bytes of the file are counted: nothing between may pack them.
            .insert_header(("content-encoding", "identity"))
            .content_type(self.media_type)
            .body(SizedStream::new(
                length,
                Pieces { file: Some(file), left: length, reading: None, connection: request.conn_data::<Rc<Connection>>().cloned() },
            ))
    }
}

type Reading = Pin<Box<dyn Future<Output = io::Result<(File, Bytes)>>>>;

/// The pieces of a file, each read off the event loop when the one before has been taken.
struct Pieces {
    file: Option<File>,
    left: u64,
    reading: Option<Reading>,
    connection: Option<Rc<Connection>>,
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // Asked for more, the peer has taken what there was.
        if let Some(connection) = &self.connection {
            connection.taken();
        }
        loop {
            if let Some(reading) = self.reading.as_mut() {
                let Poll::Ready(read) = reading.as_mut().poll(cx) else { return Poll::Pending };
                self.reading = None;
                return Poll::Ready(Some(read.map(|(file, bytes)| {
                    self.left -= bytes.len() as u64;
                    self.file = Some(file);
                    bytes
                })));
            }
            let want = self.left.min(PIECE);
            let Some(mut file) = self.file.take().filter(|_| want > 0) else { return Poll::Ready(None) };
            self.reading = Some(Box::pin(async move {
                let read = actix_web::web::block(move || {
                    let mut piece = vec![0; usize::try_from(want).unwrap_or_default()];
                    file.read_exact(&mut piece).map(|()| (file, Bytes::from(piece)))
                });
                read.await.map_err(io::Error::other)?
            }));
        }
    }
}
