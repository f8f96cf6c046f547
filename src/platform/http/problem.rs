//! Every refusal is an RFC 9457 problem document.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;

/// One row of the catalogue: a code is contract, like a field name.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    pub status: u16,
    pub title: &'static str,
    /// Whether the same request may succeed later without a change.
    pub retryable: bool,
    /// The database constraints that stand for this refusal.
    pub constraints: &'static [&'static str],
}

impl Refusal {
    /// Address of the page about it: of ours, or the one registered for what the draft on rate limits calls a quota exceeded.
    #[must_use]
    pub fn page(&self) -> String {
        match self.code {
            "rate_limited" => "https://iana.org/assignments/http-problem-types#quota-exceeded".into(),
            code => format!("https://duebook.dev/problems/{code}"),
        }
    }
}

/// Declares a domain's refusals and lists them for the catalogue.
#[macro_export]
macro_rules! refusals {
    ($($name:ident = $code:literal $status:literal $title:literal $([$($constraint:literal),*])? $(retryable $retry:literal)?;)*) => {
        $(pub const $name: &$crate::platform::http::problem::Refusal = &$crate::platform::http::problem::Refusal {
            code: $code, status: $status, title: $title,
            retryable: false $(|| $retry)?,
            constraints: &[$($($constraint),*)?],
        };)*
        pub const ALL: &[&$crate::platform::http::problem::Refusal] = &[$($name),*];
    };
}

refusals! {
    MALFORMED_JSON = "malformed_json" 400 "The body is not valid JSON";
    UNKNOWN_FIELD = "unknown_field" 400 "The body holds a member this operation does not know";
    UNKNOWN_PARAMETER = "unknown_parameter" 400 "The query holds a parameter this operation does not know";
    INVALID_PARAMETER = "invalid_parameter" 400 "A query parameter is not valid";
    INVALID_DECIMAL = "invalid_decimal" 400 "A number is not a plain decimal string";
    INVALID_DATE = "invalid_date" 400 "A date is not a calendar date or instant";
    CURSOR_INVALID = "cursor_invalid" 400 "The cursor is not one this service gave out";
    CURSOR_MISMATCH = "cursor_mismatch" 400 "The cursor belongs to other filters or another order";
    IDEMPOTENCY_KEY_MISSING = "idempotency_key_missing" 400 "This operation needs an Idempotency-Key header";
    IDEMPOTENCY_KEY_INVALID = "idempotency_key_invalid" 400 "The Idempotency-Key is not 1 to 255 visible ASCII characters";
    IF_MATCH_INVALID = "if_match_invalid" 400 "If-Match is not a version tag";
    AMBIGUOUS_REFERENCE = "ambiguous_reference" 400 "A thing is named in two ways";
    TOKEN_MISSING = "token_missing" 401 "No access token";
    TOKEN_EXPIRED = "token_expired" 401 "The access token has expired";
    TOKEN_INVALID = "token_invalid" 401 "The access token is not valid";
    PERMISSION_DENIED = "permission_denied" 403 "The caller lacks the permission";
    ROLE_READ_ONLY = "role_read_only" 403 "This role may only read";
    NOT_FOUND = "not_found" 404 "No such thing";
    METHOD_NOT_ALLOWED = "method_not_allowed" 405 "This path does not take this method";
    NOT_ACCEPTABLE = "not_acceptable" 406 "The reply cannot take any of the accepted forms";
    REQUEST_TIMEOUT = "request_timeout" 408 "The request took too long to arrive" retryable true;
    INVALID_STATE = "invalid_state" 409 "The resource is not in a state that allows this";
    DUPLICATE_EXTERNAL_ID = "duplicate_external_id" 409 "Another record has this external_id";
    IDEMPOTENCY_IN_PROGRESS = "idempotency_in_progress" 409 "A request with this Idempotency-Key is still running" retryable true;
    BUSY = "busy" 409 "Another request holds what this one needs" retryable true;
    GONE = "gone" 410 "It was kept for a time that is over";
    VERSION_MISMATCH = "version_mismatch" 412 "The resource has changed since it was read";
    PAYLOAD_TOO_LARGE = "payload_too_large" 413 "The body is too large";
    URI_TOO_LONG = "uri_too_long" 414 "The address is too long";
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type" 415 "The body is not of a type this operation takes";
    RANGE_NOT_SATISFIABLE = "range_not_satisfiable" 416 "The file ends before the range begins";
    AMOUNT_PRECISION = "amount_precision" 422 "An amount has more decimals than its currency";
    CURRENCY_MISMATCH = "currency_mismatch" 422 "The currencies differ";
    DATE_IN_FUTURE = "date_in_future" 422 "A date lies in the future";
    VALIDATION_FAILED = "validation_failed" 422 "The request content is not valid";
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused" 422 "The Idempotency-Key was used with another request";
    BULK_ROLLED_BACK = "bulk_rolled_back" 424 "Rolled back because another row of the same request failed";
    IF_MATCH_REQUIRED = "if_match_required" 428 "This operation needs an If-Match header";
    RATE_LIMITED = "rate_limited" 429 "Too many requests" retryable true;
    INTERNAL_ERROR = "internal_error" 500 "The service failed; nothing was changed" retryable true;
    OVERLOADED = "overloaded" 503 "The service is at its limit" retryable true;
    DEPENDENCY_UNAVAILABLE = "dependency_unavailable" 503 "The database cannot be reached" retryable true;
}

/// What is wrong with one member, parameter or header.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// JSON Pointer (as a URI fragment) to a member of the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4000, example = "#/lines/0/hsn_code")]
    pub pointer: Option<String>,
    /// Name of a query or path parameter.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 8192, example = "limit")]
    pub parameter: Option<String>,
    /// Name of a header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Machine-readable reason.
    pub code: String,
    /// Sentence for people.
    #[schema(max_length = 10000, example = "HSN must have at least 6 digits.")]
    pub detail: String,
    /// What would have been right.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10000, example = "6 digits")]
    pub expected: Option<String>,
    /// What was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 4000, example = "8471")]
    pub received: Option<String>,
}

impl FieldError {
    fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: None, parameter: None, header: None, code: code.into(), detail: detail.into(), expected: None, received: None }
    }
    /// `pointer` is a JSON Pointer without the leading `#`.
    pub fn at(pointer: impl fmt::Display, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: Some(shown(format_args!("#{pointer}"))), ..Self::new(code, detail) }
    }
    pub fn parameter(name: &str, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { parameter: Some(shown(name)), ..Self::new(code, detail) }
    }
    pub fn header(name: &str, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { header: Some(name.into()), ..Self::new(code, detail) }
    }
    #[must_use]
    pub fn expected(mut self, expected: impl fmt::Display) -> Self {
        self.expected = Some(expected.to_string());
        self
    }
    #[must_use]
    pub fn received(mut self, received: impl fmt::Display) -> Self {
        self.received = Some(shown(received));
        self
    }
}

/// What somebody sent, as far as it is worth showing: 200 characters of it and none that is NUL.
fn shown(text: impl fmt::Display) -> String {
    text.to_string().chars().filter(|c| *c != '\0').take(200).collect()
}

/// A refusal with what the caller needs to act on it.
#[derive(Debug, Clone)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    refusal: &'static Refusal,
    detail: String,
    errors: Vec<FieldError>,
    members: Map<String, Value>,
    headers: Vec<(&'static str, String)>,
    transient: bool,
}

/// The document on the wire; extension members depend on the code.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// Address of the page about this code.
    #[schema(format = "uri", example = "https://duebook.dev/problems/validation_failed")]
    pub r#type: String,
    /// What the code means.
    #[schema(example = "The request content is not valid")]
    pub title: String,
    /// HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 422)]
    pub status: u16,
    /// What happened this time.
    #[schema(max_length = 10000, example = "1 field needs correction; nothing was saved.")]
    pub detail: String,
    /// Path of the request.
    #[schema(max_length = 8192, example = "/v1/invoices")]
    pub instance: String,
    /// Stable machine-readable code.
    #[schema(example = "validation_failed")]
    pub code: String,
    /// Our id of the request, for support and audit.
    #[schema(example = "req_0196f2c41b7e7c0aa1d5")]
    pub request_id: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// Everything that is wrong, at most 200 entries.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    #[schema(max_items = 200)]
    pub errors: Vec<FieldError>,
    #[serde(flatten)]
    #[schema(ignore)]
    pub members: Map<String, Value>,
}

impl Problem {
    pub fn new(refusal: &'static Refusal, detail: impl Into<String>) -> Self {
        Self(Box::new(Inner { refusal, detail: detail.into(), errors: Vec::new(), members: Map::new(), headers: Vec::new(), transient: false }))
    }
    /// No such thing in this company. Another company's id looks exactly the same.
    pub fn not_found(resource: &str) -> Self {
        Self::new(NOT_FOUND, format!("There is no such {}.", resource.replace('_', " "))).member("resource", resource)
    }
    /// A reference in the body that points at nothing.
    pub fn reference(resource: &str, pointer: impl fmt::Display) -> Self {
        Self::not_found(resource).errors(vec![FieldError::at(pointer, "not_found", format!("There is no such {}.", resource.replace('_', " ")))])
    }
    /// All that is wrong with the content, in one reply.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        // A fault with a code of its own in the catalogue gives it to the whole, when it stands alone.
        let alone = crate::catalogue().iter().copied().find(|refusal| refusal.status == 422 && errors.iter().all(|error| error.code == refusal.code));
        Self::new(alone.filter(|_| !errors.is_empty()).unwrap_or(VALIDATION_FAILED), corrections(errors.len())).errors(errors)
    }
    /// A part of a file that is not there.
    #[must_use]
    pub fn out_of_range(length: u64) -> Self {
        Self::new(RANGE_NOT_SATISFIABLE, format!("The file has {length} bytes.")).header("content-range", format!("bytes */{length}"))
    }
    /// Somebody else was first: the transaction is run again, and the caller is told only when it keeps losing.
    #[must_use]
    pub fn raced() -> Self {
        let mut problem = Self::new(BUSY, "Another request holds what this one needs; try again.").retry_after(1);
        problem.0.transient = true;
        problem
    }
    /// Ours: the cause goes to the log, never to the caller.
    pub fn internal(cause: &dyn fmt::Display) -> Self {
        tracing::error!(%cause, "internal error");
        Self::new(INTERNAL_ERROR, "The service failed to answer; nothing was changed. Quote the request id when you ask about it.")
    }
    #[must_use]
    pub fn errors(mut self, mut errors: Vec<FieldError>) -> Self {
        errors.truncate(200);
        self.0.errors = errors;
        self
    }
    /// One more thing that needs correction.
    #[must_use]
    pub fn also(mut self, error: Option<FieldError>) -> Self {
        if let Some(error) = error {
            self.0.errors.push(error);
            self.0.detail = corrections(self.0.errors.len());
        }
        self
    }
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.into(), value.into());
        self
    }
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.member("retry_after_s", seconds).header("retry-after", seconds.to_string())
    }
    /// Whether the transaction lost a race and may simply be run again.
    #[must_use]
    pub fn transient(&self) -> bool {
        self.0.transient
    }
    #[must_use]
    pub fn refusal(&self) -> &'static Refusal {
        self.0.refusal
    }
    pub fn is(&self, refusal: &'static Refusal) -> bool {
        self.0.refusal.code == refusal.code
    }
    /// The wire form for a request.
    #[must_use]
    pub fn document(&self, instance: &str, request_id: &str) -> ProblemDocument {
        let inner = &*self.0;
        ProblemDocument {
            r#type: inner.refusal.page(),
            title: inner.refusal.title.into(),
            status: inner.refusal.status,
            detail: inner.detail.clone(),
            instance: instance.into(),
            code: inner.refusal.code.into(),
            request_id: request_id.into(),
            retryable: inner.refusal.retryable,
            errors: inner.errors.clone(),
            members: inner.members.clone(),
        }
    }
    /// The reply for a request.
    #[must_use]
    pub fn response(&self, instance: &str, request_id: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        for (name, value) in &self.0.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.insert_header((HeaderName::from_static(name), value));
            }
        }
        response.content_type("application/problem+json").body(serde_json::to_string(&self.document(instance, request_id)).unwrap_or_default())
    }
}

/// `1 field needs correction; nothing was saved.`
pub fn corrections(count: usize) -> String {
    if count == 1 { "1 field needs correction; nothing was saved.".into() } else { format!("{count} fields need correction; nothing was saved.") }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.refusal.code, self.0.detail)?;
        for error in &self.0.errors {
            let place = error.pointer.as_deref().or(error.parameter.as_deref()).or(error.header.as_deref()).unwrap_or_default();
            write!(f, " [{place} {}: {}]", error.code, error.detail)?;
        }
        Ok(())
    }
}
impl std::error::Error for Problem {}
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
    /// The edge replaces this with [`Problem::response`], which knows the request.
    fn error_response(&self) -> HttpResponse {
        self.response("", "")
    }
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        let Error::DatabaseError(kind, info) = &error else {
            return Self::internal(&error);
        };
        if let Some(name) = info.constraint_name()
            && let Some(refusal) = crate::catalogue().iter().find(|refusal| refusal.constraints.contains(&name))
        {
            let detail = info.details().filter(|_| refusal.status == 409 && info.message().starts_with("duebook:"));
            // Our own refusals carry their members as a JSON object in the hint.
            let members = info.hint().and_then(|hint| serde_json::from_str::<Map<String, Value>>(hint).ok()).unwrap_or_default();
            let problem = Self::new(refusal, detail.map_or_else(|| format!("{}.", refusal.title), str::to_owned));
            return members.into_iter().fold(problem, |problem, (name, value)| problem.member(&name, value));
        }
        match (kind, info.message()) {
            (Kind::SerializationFailure, _) => Self::raced(),
            (_, message) if message.contains("deadlock detected") => {
                metrics::counter!("duebook_deadlocks_total").increment(1);
                tracing::error!("deadlock: writers must take locks in the order of ledger.md");
                Self::raced()
            }
            (Kind::ClosedConnection | Kind::UnableToSendCommand, _) => {
                tracing::warn!(cause = info.message(), "database connection lost");
                Self::new(DEPENDENCY_UNAVAILABLE, "The database did not answer; try again.").retry_after(1)
            }
            (_, message) if message.contains("lock timeout") => Self::new(BUSY, "Another request holds what this one needs; try again.").retry_after(1),
            (_, message) if message.contains("statement timeout") => Self::new(OVERLOADED, "The request took too long; try again.").retry_after(2),
            (_, message)
                if message.contains("terminating connection")
                    || message.contains("the database system is")
                    || message.contains("server closed the connection") =>
            {
                Self::new(DEPENDENCY_UNAVAILABLE, "The database is restarting; try again.").retry_after(1)
            }
            (_, message) if message.contains("numeric field overflow") || message.contains("value for domain") => {
                Self::invalid(vec![FieldError::at("", "amount_too_large", "An amount is larger than the books can hold.")])
            }
            (Kind::CheckViolation, _) => Self::internal(&format!("check {:?}: {}", info.constraint_name(), info.message())),
            (_, message) => Self::internal(&format!("{kind:?}: {message} {:?}", info.constraint_name())),
        }
    }
}
