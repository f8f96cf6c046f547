//! Replies: rendered inside the unit of work, so that an idempotent replay gives the same bytes.

use super::contract::FIELDS;
use super::contract::assembly::PARTIAL;
use super::problem::Problem;
use super::ranges::{self, Asked};
use crate::platform::text::hex;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, Responder};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::marker::PhantomData;

pub type Reply<T> = Result<T, Problem>;

/// What has an id and a version on the wire.
pub trait Resource: Serialize {
    /// For `Location`; `None` where the reply is not one addressable thing.
    fn id(&self) -> Option<String> {
        None
    }
    /// For `ETag`.
    fn version(&self) -> Option<i64> {
        None
    }
    /// Whether it says more than its version stands for (health, last use, how far it is): then nobody is told that he has it.
    fn moves(&self) -> bool {
        false
    }
    /// Whether it was only asked for and waits for an approval: 202.
    fn awaits(&self) -> bool {
        false
    }
    /// For `Link`: cursors of the pages after and before.
    fn cursors(&self) -> [(&'static str, Option<&str>); 2] {
        [("next", None), ("prev", None)]
    }
}

/// Implements [`Resource`] for answers with `id` and, where they change, `version`; `=> moves` where that is not all of it.
#[macro_export]
macro_rules! resource {
    ($($type:ty $(: $version:ident $(, awaits $approval:ident)? $(=> $moves:ident)?)?);* $(;)?) => {$(
        impl $crate::platform::http::reply::Resource for $type {
            fn id(&self) -> Option<String> { Some(self.id.to_string()) }
            $(fn version(&self) -> Option<i64> { Some(self.$version) }
            $(fn awaits(&self) -> bool { self.$approval.is_some() })?
            $(fn $moves(&self) -> bool { true })?)?
        }
    )*};
}

/// A reply as it goes over the wire and into the idempotency table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Rendered {
    pub status: u16,
    pub location: Option<String>,
    pub etag: Option<String>,
    pub body: String,
    #[serde(skip)]
    moves: bool,
    #[serde(skip)]
    cursors: Vec<(&'static str, String)>,
    #[serde(skip)]
    pub replay_of: Option<String>,
    /// The preference that was honoured.
    #[serde(skip)]
    pub applied: Option<String>,
}

impl Rendered {
    pub fn new<T: Resource>(status: u16, value: &T) -> Result<Self, Problem> {
        Ok(Self {
            status,
            location: None,
            etag: value.version().map(|version| format!("\"v{version}\"")),
            body: serde_json::to_string(value).map_err(|error| Problem::internal(&error))?,
            moves: value.moves(),
            cursors: value.cursors().into_iter().filter_map(|(rel, cursor)| Some((rel, cursor?.to_owned()))).collect(),
            replay_of: None,
            applied: None,
        })
    }
    /// The reply to a creation: 201 with its address, or 202 while it waits for an approval.
    pub fn created<T: Resource>(value: &T, path: &str) -> Result<Self, Problem> {
        let mut rendered = Self::new(if value.awaits() { 202 } else { 201 }, value)?;
        rendered.location = value.id().filter(|_| !value.awaits()).map(|id| format!("{path}/{id}"));
        Ok(rendered)
    }
    /// The reply to a read whose JSON was written as a stream.
    #[must_use]
    pub fn of_json(body: String) -> Self {
        Self { status: 200, location: None, etag: None, body, moves: false, cursors: Vec::new(), replay_of: None, applied: None }
    }
    /// With what it names told, too: that may change while its own version stays.
    #[must_use]
    pub fn with_more(self, body: &Value) -> Self {
        Self { body: body.to_string(), moves: true, ..self }
    }
    /// As it is kept for a replay.
    pub fn kept(&self) -> Result<String, Problem> {
        serde_json::to_string(&self.without_secrets()).map_err(|error| Problem::internal(&error))
    }
    /// What is shown once is not stored, so a replay comes without it.
    #[must_use]
    fn without_secrets(&self) -> Self {
        const SECRETS: [&str; 3] = ["client_secret", "initial_password", "secret"];
        let mut kept = self.clone();
        if SECRETS.iter().any(|name| kept.body.contains(name))
            && let Ok(serde_json::Value::Object(mut members)) = serde_json::from_str(&kept.body)
        {
            members.retain(|name, _| !SECRETS.contains(&name.as_str()));
            kept.body = serde_json::Value::Object(members).to_string();
        }
        kept
    }
    fn response(self, request: &HttpRequest) -> HttpResponse {
        if let (Some(etag), Some(known)) = (&self.etag, request.headers().get("if-none-match").and_then(|v| v.to_str().ok()))
            && request.method() == actix_web::http::Method::GET
            && !self.moves
            && ranges::lists(known, etag)
        {
            return HttpResponse::NotModified().insert_header(("etag", etag.as_str())).finish();
        }
        let picked = self.picked(request);
        let mut response = HttpResponse::build(StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK));
        if let Some(etag) = self.etag {
            response.insert_header(("etag", etag));
        }
        if let Some(location) = self.location {
            response.insert_header(("location", location));
        }
        if !self.cursors.is_empty() {
            let others: Vec<&str> = request.query_string().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("cursor=")).collect();
            let link = |(rel, cursor): &(&str, String)| {
                let query: Vec<String> = others.iter().map(|pair| (*pair).to_owned()).chain([format!("cursor={cursor}")]).collect();
                format!("<{}?{}>; rel=\"{rel}\"", request.path(), query.join("&"))
            };
            response.insert_header(("link", self.cursors.iter().map(link).collect::<Vec<_>>().join(", ")));
        }
        if let Some(applied) = self.applied {
            response.insert_header(("preference-applied", applied));
        }
        if let Some(original) = self.replay_of {
            response.insert_header(("idempotent-replayed", "true"));
            response.insert_header(("idempotency-original-request-id", original));
        }
        match picked {
            Some(part) => response.content_type(PARTIAL).body(part),
            None => response.content_type("application/json").body(self.body),
        }
    }
    /// What `fields` leaves of the answer to a read; the names were held against the contract before.
    fn picked(&self, request: &HttpRequest) -> Option<String> {
        if request.method() != actix_web::http::Method::GET || !request.query_string().contains(FIELDS) {
            return None;
        }
        let query = actix_web::web::Query::<Vec<(String, String)>>::from_query(request.query_string()).ok()?.into_inner();
        let names: Vec<String> = query.into_iter().find(|(name, _)| name == FIELDS)?.1.split(',').map(str::to_owned).collect();
        let mut answer: Value = serde_json::from_str(&self.body).ok()?;
        let pick = |members: &mut Map<String, Value>| members.retain(|name, _| name == "id" || names.contains(name));
        if let Some(rows) = answer.get_mut("data").and_then(Value::as_array_mut) {
            rows.iter_mut().filter_map(Value::as_object_mut).for_each(pick);
        } else {
            pick(answer.as_object_mut()?);
        }
        Some(answer.to_string())
    }
}

/// The kinds of success. The type tells the reader and the contract what is inside.
macro_rules! reply {
    ($($(#[$meta:meta])* $name:ident),*) => {$(
        $(#[$meta])*
        pub struct $name<T>(pub Rendered, PhantomData<T>);
        impl<T> $name<T> {
            pub fn of(rendered: Rendered) -> Self { Self(rendered, PhantomData) }
        }
        impl<T> Responder for $name<T> {
            type Body = BoxBody;
            fn respond_to(self, request: &HttpRequest) -> HttpResponse { self.0.response(request) }
        }
    )*};
}
reply!(
    /// 201 with `Location` and `ETag`; 200 for a dry run.
    Created,
    /// 202 with the `Location` of the job that does it; 200 for a dry run.
    Accepted,
    /// 200 after a change.
    Done,
    /// 200 or 304 to a read.
    Fetched,
    /// 207: one result a row.
    MultiStatus
);

impl<T: Resource> Fetched<T> {
    pub fn ok(value: &T) -> Reply<Self> {
        Rendered::new(200, value).map(Self::of)
    }
}

impl<T: Resource> Done<T> {
    /// What was worked out of the request alone.
    pub fn ok(value: &T) -> Reply<Self> {
        Rendered::new(200, value).map(Self::of)
    }
}

/// Bytes to keep or show: 200 with a strong `ETag` of what they are, 206 with the part that is asked for, or 304 where the
/// caller has them. They are never compressed on the way: a part of them would be of something else.
pub struct File {
    pub media_type: &'static str,
    /// What to call it when it is saved.
    pub name: String,
    pub content: Vec<u8>,
}

impl Responder for File {
    type Body = BoxBody;
    fn respond_to(mut self, request: &HttpRequest) -> HttpResponse {
        let digest = Sha256::digest(&self.content);
        let etag = format!("\"{}\"", hex(digest.get(..16).unwrap_or_default()));
        let known = request.headers().get("if-none-match").and_then(|v| v.to_str().ok()).unwrap_or_default();
        if ranges::lists(known, &etag) {
            return HttpResponse::NotModified().insert_header(("etag", etag)).finish();
        }
        let length = self.content.len();
        let mut response = match ranges::asked(request.headers(), &etag, length as u64) {
            Asked::Whole => HttpResponse::Ok(),
            Asked::Nothing => return HttpResponse::from_error(Problem::out_of_range(length as u64)),
            Asked::Part(part) => {
                let at = |byte: u64| usize::try_from(byte).unwrap_or(length);
                self.content.truncate(at(part.end));
                self.content.drain(..at(part.start));
                let mut response = HttpResponse::PartialContent();
                response.insert_header(("content-range", format!("bytes {}-{}/{length}", part.start, part.end.saturating_sub(1))));
                response
            }
        };
        // To be shown where a browser can, to be kept otherwise.
        let shown = self.media_type == "application/pdf" || self.media_type.starts_with("image/");
        response
            .insert_header(("etag", etag))
            .insert_header(("accept-ranges", "bytes"))
            .insert_header(("content-disposition", format!("{}; filename=\"{}\"", if shown { "inline" } else { "attachment" }, self.name)))
            .insert_header(("repr-digest", format!("sha-256=:{}:", STANDARD.encode(digest))))
            .insert_header(("content-encoding", "identity"))
            .content_type(self.media_type)
            .body(self.content)
    }
}

/// Files as the contract describes them, by how they begin.
macro_rules! files {
    ($($(#[$meta:meta])* $name:ident = $head:literal;)*) => {$(
        $(#[$meta])*
        pub struct $name;
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .format(Some(utoipa::openapi::schema::SchemaFormat::Custom("binary".into())))
                    .max_length(Some(64 * 1024 * 1024))
                    .examples([serde_json::json!($head)])
                    .into()
            }
        }
        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )*};
}
files! {
    /// A PDF file.
    Pdf = "%PDF-1.7";
    /// A PNG picture.
    Png = "\u{89}PNG";
}

/// Refuses a change made on another version than the current one.
pub fn require_version(given: Option<i64>, current: i64) -> Result<(), Problem> {
    match given {
        Some(version) if version != current => {
            Err(Problem::new(super::problem::VERSION_MISMATCH, format!("The resource is at version {current}; read it again and decide anew."))
                .member("current", serde_json::json!({"version": current})))
        }
        _ => Ok(()),
    }
}
