//! `Upload`: a file as the body of a request, taken in piece by piece and kept on disk, never in memory.

use super::body::BodyHash;
use super::problem::{self, Problem};
use actix_web::http::header;
use actix_web::web::{self, Payload};
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::future::Future;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::pin::Pin;
use std::time::Duration;
use uuid::Uuid;

/// What a file may have.
pub const LARGEST_FILE: u64 = 64 * 1024 * 1024;
/// What is written at once.
const PIECE: usize = 256 * 1024;
const SLOWEST: Duration = Duration::from_secs(120);

/// A file that has arrived. Its name is gone from the directory already, so that nothing is left of it whatever happens.
pub struct Upload {
    pub media_type: String,
    pub bytes: u64,
    pub sha256: [u8; 32],
    file: File,
}

impl Upload {
    /// A part of the file; shorter at its end, empty behind it.
    pub fn part(&self, from: u64, longest: usize) -> Result<Vec<u8>, Problem> {
        let mut part = vec![0; longest];
        let mut filled = 0;
        while filled < longest {
            match self.file.read_at(&mut part[filled..], from + u64::try_from(filled).unwrap_or(u64::MAX)) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Problem::internal(&error)),
            }
        }
        part.truncate(filled);
        Ok(part)
    }
}

/// A file that has no name.
fn nameless() -> io::Result<File> {
    let path = std::env::temp_dir().join(format!("duebook-upload-{}", Uuid::new_v4().simple()));
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

impl FromRequest for Upload {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let request = request.clone();
        let payload = Payload::from_request(&request, payload);
        Box::pin(async move {
            let payload = payload.await.map_err(|error| Problem::internal(&error))?;
            let upload = tokio::time::timeout(SLOWEST, receive(&request, payload))
                .await
                .map_err(|_| Problem::new(problem::REQUEST_TIMEOUT, "The file did not arrive within two minutes."))??;
            request.extensions_mut().insert(BodyHash(upload.sha256));
            Ok(upload)
        })
    }
}

async fn receive(request: &HttpRequest, mut payload: Payload) -> Result<Upload, Problem> {
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::new(problem::UNSUPPORTED_MEDIA_TYPE, "Request bodies must not be compressed."));
    }
    let too_large = || Problem::new(problem::PAYLOAD_TOO_LARGE, format!("A file may have at most {LARGEST_FILE} bytes.")).member("limit", LARGEST_FILE);
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<u64>().ok());
    if declared.is_some_and(|length| length > LARGEST_FILE) {
        return Err(too_large());
    }
    let mut upload =
        Upload { media_type: request.content_type().to_lowercase(), bytes: 0, sha256: [0; 32], file: nameless().map_err(|error| Problem::internal(&error))? };
    let (mut hash, mut held) = (Sha256::new(), Vec::with_capacity(PIECE));
    loop {
        let piece = std::future::poll_fn(|cx| futures_core::Stream::poll_next(Pin::new(&mut payload), cx)).await;
        let ended = piece.is_none();
        if let Some(piece) = piece {
            let piece = piece.map_err(|_| Problem::new(problem::MALFORMED_JSON, "The file ended early."))?;
            upload.bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
            if upload.bytes > LARGEST_FILE {
                return Err(too_large());
            }
            hash.update(&piece);
            held.extend_from_slice(&piece);
        }
        if held.len() >= PIECE || ended {
            let written = web::block(move || upload.file.write_all(&held).map(|()| (upload, held))).await.map_err(|error| Problem::internal(&error))?;
            (upload, held) = written.map_err(|error| Problem::internal(&error))?;
            held.clear();
        }
        if ended {
            upload.sha256 = hash.finalize().into();
            return Ok(upload);
        }
    }
}
