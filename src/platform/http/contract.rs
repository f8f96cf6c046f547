//! The contract: collected from the routes, published, and enforced on every request.
//!
//! What `openapi/duebook.json` says about parameters and bodies is compiled here into validators,
//! so documentation cannot drift from behaviour: it is the behaviour.

use super::examples;
use super::problem::{self, FieldError, Problem, Refusal};
use crate::platform::text;
use actix_web::http::Method;
use actix_web::{HttpMessage, HttpRequest};
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// The published contract and the validators compiled from it.
pub struct Contract {
    /// The document as served and committed.
    pub json: String,
    operations: HashMap<(String, String), Operation>,
    /// Every path with its methods, for 405.
    paths: Vec<(String, Vec<String>)>,
    schemas: Schemas,
}

/// How an operation treats the Idempotency-Key header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyed {
    Required,
    Accepted,
    Ignored,
}

/// One operation as enforced.
pub struct Operation {
    pub id: String,
    pub permission: String,
    pub keyed: Keyed,
    pub needs_version: bool,
    /// Whether those who may only ask for the act come in; it then waits for an approval.
    pub approvable: bool,
    /// Whether the body may be as large as that of a bulk operation.
    pub large: bool,
    /// Media types it answers in when it succeeds.
    pub answers: Vec<String>,
    parameters: Vec<Parameter>,
    body: Option<Arc<Schema>>,
    /// Of a bulk operation: the schema of one row, which is judged alone.
    row: Option<Arc<Schema>>,
}

struct Parameter {
    name: String,
    kind: String,
    schema: Arc<Schema>,
}

/// A schema as published, and what judges by it, which is made when first needed: all of them together would fill
/// the memory.
struct Schema {
    source: Value,
    root: Arc<Value>,
    judge: OnceLock<Option<Judge>>,
}

/// A compiled schema with the components it leads to, in which faults are looked up.
struct Judge {
    source: Value,
    validator: Validator,
}

/// Schemas by their source: the same one, of many parameters, is kept once.
type Schemas = HashMap<String, Arc<Schema>>;

static CONTRACT: OnceLock<Contract> = OnceLock::new();

impl Contract {
    /// Sets the contract of this process; the first one stays.
    pub fn install(contract: Self) -> &'static Self {
        CONTRACT.get_or_init(|| contract)
    }

    /// The contract, once installed.
    pub fn get() -> Option<&'static Self> {
        CONTRACT.get()
    }

    /// Compiles a collected document.
    pub fn compile(document: Value) -> Result<Self, String> {
        let strict = Arc::new(json!({"components": without_null(document.get("components").cloned().unwrap_or_default())}));
        let mut operations = HashMap::new();
        let mut paths = Vec::new();
        let mut schemas = Schemas::new();
        let empty = Map::new();
        for (path, item) in document["paths"].as_object().unwrap_or(&empty) {
            let mut methods = Vec::new();
            for (method, operation) in item.as_object().unwrap_or(&empty) {
                let method = method.to_uppercase();
                operations.insert((method.clone(), path.clone()), Operation::compile(operation, &strict, &mut schemas));
                methods.push(method);
            }
            paths.push((path.clone(), methods));
        }
        let json = serde_json::to_string_pretty(&document).map_err(|e| e.to_string())? + "\n";
        Ok(Self { json, operations, paths, schemas })
    }

    /// Compiles every validator: what cannot judge must not be published.
    pub fn check(&self) -> Result<(), String> {
        let broken = self.schemas.iter().find(|(_, schema)| schema.judge().is_none());
        broken.map_or(Ok(()), |(source, _)| Err(format!("no validator can be made of {source}")))
    }

    /// The operation a request was routed to. One that is not in the contract is not served.
    pub fn operation(request: &HttpRequest) -> Result<&'static Operation, Problem> {
        let contract = Self::get().ok_or_else(|| Problem::internal(&"no contract installed"))?;
        let pattern = request.match_pattern().unwrap_or_default();
        contract
            .operations
            .get(&(request.method().to_string(), pattern.clone()))
            .ok_or_else(|| Problem::internal(&format!("{} {pattern} is not in the contract", request.method())))
    }

    /// An operation by its method and the pattern of its path.
    pub fn named(method: &str, pattern: &str) -> Option<&'static Operation> {
        Self::get()?.operations.get(&(method.to_owned(), pattern.to_owned()))
    }

    /// The refusal for a request no route took: 405 where the path exists, else 404.
    pub fn unrouted(&self, method: &Method, path: &str) -> Problem {
        let same = |pattern: &str| {
            pattern.split('/').count() == path.split('/').count()
                && pattern.split('/').zip(path.split('/')).all(|(p, given)| p == given || (p.starts_with('{') && !given.is_empty()))
        };
        let mut allowed: Vec<_> = self.paths.iter().filter(|(pattern, _)| same(pattern)).flat_map(|(_, methods)| methods.clone()).collect();
        allowed.sort();
        allowed.dedup();
        if allowed.is_empty() || allowed.iter().any(|m| m == method.as_str()) {
            return Problem::not_found("path");
        }
        let allow = allowed.join(", ");
        Problem::new(problem::METHOD_NOT_ALLOWED, format!("{path} takes {allow}.")).header("allow", allow)
    }
}

impl Operation {
    fn compile(operation: &Value, root: &Arc<Value>, schemas: &mut Schemas) -> Self {
        let mut schema = |source: &Value| Schema::shared(source, root, schemas);
        let mut parameters = Vec::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "query") {
            let source = without_null(parameter["schema"].clone());
            let schema = schema(&source);
            parameters.push(Parameter {
                name: parameter["name"].as_str().unwrap_or_default().to_owned(),
                kind: resolve(root, &source)["type"].as_str().unwrap_or("string").to_owned(),
                schema,
            });
        }
        let mut body = operation.pointer("/requestBody/content/application~1json/schema").cloned();
        let mut row = None;
        if operation["x-bulk"] == true
            && let Some(envelope) = body.as_mut()
        {
            *envelope = resolve(root, envelope).clone();
            row = envelope.pointer_mut("/properties/items/items").map(Value::take);
            envelope["properties"]["items"]["items"] = json!({});
        }
        let (body, row) = (body.as_ref().map(&mut schema), row.as_ref().map(schema));
        Self {
            id: operation["operationId"].as_str().unwrap_or_default().to_owned(),
            permission: operation["x-permission"].as_str().unwrap_or_default().to_owned(),
            keyed: match operation["x-idempotency"].as_str() {
                Some("required") => Keyed::Required,
                Some("accepted") => Keyed::Accepted,
                _ => Keyed::Ignored,
            },
            needs_version: operation["x-if-match"] == true,
            approvable: operation["x-approval"] == true,
            large: operation["x-bulk"] == true || operation["x-large-body"] == true,
            answers: answers(operation),
            parameters,
            body,
            row,
        }
    }

    /// Everything wrong with a body.
    pub fn body_faults(&self, body: &Value) -> Vec<Fault> {
        self.body.as_ref().map_or_else(Vec::new, |schema| schema.faults(&no_nulls(body)))
    }

    /// The problem of each row that is not valid; `None` where the operation has no rows.
    pub fn row_faults(&self, body: &Value) -> Option<HashMap<usize, Problem>> {
        let row = self.row.as_ref()?;
        let items = body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let judged = items.iter().enumerate().map(|(at, item)| (at, row.faults(&no_nulls(item))));
        Some(judged.filter(|(_, faults)| !faults.is_empty()).map(|(at, faults)| (at, Fault::problem(faults))).collect())
    }

    /// Refuses unknown, repeated and ill-formed parameters; gives the others as JSON.
    pub fn query(&self, text: &str) -> Result<Value, Problem> {
        let pairs = actix_web::web::Query::<Vec<(String, String)>>::from_query(text)
            .map_err(|_| Problem::new(problem::INVALID_PARAMETER, "The query string is not valid."))?
            .into_inner();
        let mut values = Map::new();
        let mut errors = Vec::new();
        let mut unknown = false;
        for (name, given) in pairs {
            let Some(parameter) = self.parameters.iter().find(|p| p.name == name) else {
                unknown = true;
                let mut error = FieldError::parameter(&name, "unknown_parameter", "This operation has no such parameter.");
                if let Some(near) = text::nearest(&name, self.parameters.iter().map(|p| p.name.as_str())) {
                    error = error.expected(near);
                }
                errors.push(error);
                continue;
            };
            let wrong = |code: &str, detail: String| FieldError::parameter(&name, code, detail).received(given.chars().take(80).collect::<String>());
            if given.contains('\0') {
                errors.push(wrong("invalid_text", "Text must not hold a NUL character.".into()));
                continue;
            }
            let value = match parameter.kind.as_str() {
                "integer" => given.parse::<i64>().ok().map(Value::from),
                "boolean" => given.parse::<bool>().ok().map(Value::from),
                _ => Some(Value::from(given.clone())),
            };
            let Some(value) = value else {
                errors.push(wrong("invalid_type", format!("Send {} {}.", if parameter.kind == "integer" { "an" } else { "a" }, parameter.kind)));
                continue;
            };
            if let Some(fault) = parameter.schema.faults(&value).into_iter().next() {
                errors.push(wrong(&fault.code, fault.detail));
            } else if values.insert(name.clone(), value).is_some() {
                errors.push(wrong("repeated_parameter", "Give this parameter once; use commas for several values.".into()));
            }
        }
        if errors.is_empty() {
            return Ok(Value::Object(values));
        }
        let refusal = if unknown { problem::UNKNOWN_PARAMETER } else { problem::INVALID_PARAMETER };
        Err(Problem::new(refusal, format!("{} query parameter(s) need correction.", errors.len())).errors(errors))
    }
}

/// The media types of an operation's good answers.
fn answers(operation: &Value) -> Vec<String> {
    let responses = operation["responses"].as_object().into_iter().flatten();
    let good = responses.filter(|(status, _)| status.starts_with('2'));
    let mut types: Vec<String> = good.flat_map(|(_, answer)| answer["content"].as_object().into_iter().flatten()).map(|(media, _)| media.clone()).collect();
    types.sort();
    types.dedup();
    if types.is_empty() {
        types.push("application/json".into());
    }
    types
}

/// One disagreement of a value with its schema.
pub struct Fault {
    pointer: String,
    code: String,
    detail: String,
    expected: Option<String>,
    received: Option<String>,
    refusal: &'static Refusal,
}

impl Fault {
    /// One problem for all faults: 400 when something cannot be read, else 422.
    pub fn problem(faults: Vec<Self>) -> Problem {
        let refusal = faults.iter().map(|fault| fault.refusal).min_by_key(|r| r.status).unwrap_or(problem::VALIDATION_FAILED);
        let count = faults.len();
        let errors = faults.into_iter().map(|fault| FieldError {
            expected: fault.expected,
            received: fault.received,
            ..FieldError::at(fault.pointer, fault.code, fault.detail)
        });
        Problem::new(refusal, problem::corrections(count)).errors(errors.collect())
    }
}

impl Schema {
    fn shared(source: &Value, root: &Arc<Value>, schemas: &mut Schemas) -> Arc<Self> {
        let source = without_null(source.clone());
        let name = source.to_string();
        let new = || Arc::new(Self { source, root: Arc::clone(root), judge: OnceLock::new() });
        Arc::clone(schemas.entry(name).or_insert_with(new))
    }

    /// With the components the schema leads to and no others.
    fn judge(&self) -> Option<&Judge> {
        let made = self.judge.get_or_init(|| {
            let mut used = Map::new();
            collect_references(&self.source, &self.root["components"]["schemas"], &mut used);
            let source = json!({"allOf": [self.source], "components": {"schemas": used}});
            let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&source).ok()?;
            Some(Judge { source, validator })
        });
        made.as_ref()
    }

    fn faults(&self, value: &Value) -> Vec<Fault> {
        let Some(judge) = self.judge() else {
            let detail = "The contract cannot judge this.".to_owned();
            return vec![Fault { pointer: String::new(), code: "invalid".into(), detail, expected: None, received: None, refusal: problem::VALIDATION_FAILED }];
        };
        if judge.validator.is_valid(value) {
            return Vec::new();
        }
        judge.validator.iter_errors(value).take(200).flat_map(|error| judge.explain(&error)).collect()
    }
}

impl Judge {
    fn explain(&self, error: &jsonschema::ValidationError<'_>) -> Vec<Fault> {
        let at = error.instance_path().as_str();
        let schema = error.schema_path().as_str().rsplit_once('/').and_then(|(parent, _)| self.source.pointer(parent)).unwrap_or(&Value::Null);
        let given = error.instance();
        let received = match given.as_ref() {
            // Never echo a secret.
            _ if schema["format"] == "password" => None,
            Value::String(text) => Some(text.chars().take(80).collect()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        };
        let fault = |pointer: String, code: &str, refusal, detail: String, expected: Option<String>| Fault {
            pointer,
            code: code.into(),
            detail,
            expected,
            received: received.clone(),
            refusal,
        };
        let one = |code: &str, refusal, detail: &str, expected: Option<String>| vec![fault(at.into(), code, refusal, detail.into(), expected)];
        let is_decimal = schema["pattern"].as_str().is_some_and(|p| p.contains(r"(\.[0-9]{1,"));
        let is_date = matches!(schema["format"].as_str(), Some("date" | "date-time"));
        match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => unexpected
                .iter()
                .map(|name| {
                    let near = schema["properties"].as_object().and_then(|known| text::nearest(name, known.keys().map(String::as_str)));
                    Fault {
                        received: None,
                        ..fault(
                            format!("{at}/{}", escape(&name.chars().take(80).collect::<String>())),
                            "unknown_field",
                            problem::UNKNOWN_FIELD,
                            "This operation does not know this member.".into(),
                            near.map(Into::into),
                        )
                    }
                })
                .collect(),
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                vec![Fault {
                    received: None,
                    ..fault(
                        format!("{at}/{}", escape(&name.chars().take(80).collect::<String>())),
                        "required",
                        problem::VALIDATION_FAILED,
                        "This member is required.".into(),
                        None,
                    )
                }]
            }
            Kind::Pattern { .. } | Kind::Type { .. } | Kind::MaxLength { .. } if is_decimal => one(
                "invalid_decimal",
                problem::INVALID_DECIMAL,
                "Send a plain decimal number as a string, like \"118000.00\".",
                schema["pattern"].as_str().map(Into::into),
            ),
            Kind::Format { .. } | Kind::Pattern { .. } | Kind::Type { .. } if is_date => one(
                "invalid_date",
                problem::INVALID_DATE,
                "Send a date that exists, like 2025-11-18 (an instant like 2025-11-18T06:31:09.412Z).",
                schema["format"].as_str().map(Into::into),
            ),
            Kind::Type { .. } => one(
                "invalid_type",
                problem::VALIDATION_FAILED,
                "This value is of the wrong type.",
                Some(schema["type"].as_str().unwrap_or("another type").into()),
            ),
            Kind::Enum { options } => one("invalid_value", problem::VALIDATION_FAILED, "This value is not one of the known ones.", Some(listed(options))),
            Kind::Pattern { pattern } if pattern == SAYS_SOMETHING => {
                one("too_short", problem::VALIDATION_FAILED, "This text says too little.", Some("at least 3 characters that are not blank".into()))
            }
            Kind::Pattern { pattern } => one("invalid_format", problem::VALIDATION_FAILED, "This text does not have the right form.", Some(pattern.clone())),
            Kind::Format { format } => one("invalid_format", problem::VALIDATION_FAILED, "This text does not have the right form.", Some(format.clone())),
            Kind::MinLength { limit } => one("too_short", problem::VALIDATION_FAILED, "This text is too short.", Some(format!("at least {limit} characters"))),
            Kind::MaxLength { limit } => one("too_long", problem::VALIDATION_FAILED, "This text is too long.", Some(format!("at most {limit} characters"))),
            Kind::MinItems { limit } => one("too_few", problem::VALIDATION_FAILED, "This list is too short.", Some(format!("at least {limit} entries"))),
            Kind::MaxItems { limit } => one("too_many", problem::VALIDATION_FAILED, "This list is too long.", Some(format!("at most {limit} entries"))),
            Kind::Minimum { limit } => one("too_small", problem::VALIDATION_FAILED, "This number is too small.", Some(format!("at least {limit}"))),
            Kind::Maximum { limit } => one("too_large", problem::VALIDATION_FAILED, "This number is too large.", Some(format!("at most {limit}"))),
            other => one("invalid", problem::VALIDATION_FAILED, "This value is not valid.", Some(other.keyword().to_owned())),
        }
    }
}

fn listed(options: &Value) -> String {
    options.as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Copies every schema that `schema` refers to, directly or through others.
fn collect_references(schema: &Value, schemas: &Value, used: &mut Map<String, Value>) {
    match schema {
        Value::Object(members) => {
            if let Some(name) = members.get("$ref").and_then(Value::as_str).and_then(|reference| reference.rsplit('/').next())
                && !used.contains_key(name)
                && let Some(target) = schemas.get(name)
            {
                used.insert(name.to_owned(), target.clone());
                collect_references(target, schemas, used);
            }
            for member in members.values() {
                collect_references(member, schemas, used);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, schemas, used)),
        _ => {}
    }
}

/// The schema a reference leads to.
pub fn resolve<'v>(root: &'v Value, schema: &'v Value) -> &'v Value {
    let mut schema = schema;
    while let Some(target) = schema["$ref"].as_str().and_then(|reference| root.pointer(&reference[1..])) {
        schema = target;
    }
    schema
}

/// Null means absent and is dropped before validation, so the strict schemas do not speak of it.
fn without_null(schema: Value) -> Value {
    match schema {
        Value::Object(mut members) => {
            if let Some(Value::Array(types)) = members.get("type")
                && let [only] = types.iter().filter(|t| *t != "null").collect::<Vec<_>>()[..]
            {
                let only = only.clone();
                members.insert("type".into(), only);
            }
            if let Some(Value::Array(choices)) = members.get("oneOf")
                && let [only] = choices.iter().filter(|c| c["type"] != "null").collect::<Vec<_>>()[..]
            {
                return without_null(only.clone());
            }
            Value::Object(members.into_iter().map(|(name, value)| (name, without_null(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_null).collect()),
        other => other,
    }
}

fn no_nulls(value: &Value) -> Cow<'_, Value> {
    fn cleared(value: &Value) -> Value {
        match value {
            Value::Object(members) => Value::Object(members.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), cleared(v))).collect()),
            Value::Array(items) => Value::Array(items.iter().map(cleared).collect()),
            other => other.clone(),
        }
    }
    if holds_null(value) { Cow::Owned(cleared(value)) } else { Cow::Borrowed(value) }
}

/// Whether there is a null anywhere in it.
pub fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(members) => members.values().any(holds_null),
        Value::Array(items) => items.iter().any(holds_null),
        _ => false,
    }
}

/// What every operation shares, so that no handler repeats it: camel-case ids, headers, refusals,
/// security, examples, and limits on strings.
pub fn complete(mut document: Value, permissions_of_clients: &[&str]) -> Value {
    let snapshot = document.clone();
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.values_mut().for_each(bound_strings);
        schemas.sort_keys();
    }
    let empty = Map::new();
    let paths: Vec<String> = snapshot["paths"].as_object().unwrap_or(&empty).keys().cloned().collect();
    for path in &paths {
        let Some(item) = document["paths"][path].as_object_mut() else { continue };
        for operation in item.values_mut() {
            complete_operation(operation, path);
        }
    }
    if let Some(paths) = document["paths"].as_object_mut() {
        paths.sort_keys();
    }
    document["components"]["headers"] = shared_headers();
    document["components"]["responses"] = shared_responses();
    document["components"]["securitySchemes"] = json!({
        "user_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Access token of a person (RFC9068), checked as RFC8725 demands; from `POST /v1/auth/login`."},
        "client_token": {"type": "oauth2", "description": "Access token of a machine (RFC9068), checked as RFC8725 demands; client credentials.", "flows": {"clientCredentials": {
            "tokenUrl": "/v1/oauth/token", "refreshUrl": "/v1/oauth/token",
            "scopes": permissions_of_clients.iter().map(|p| ((*p).to_owned(), Value::from(format!("Permission {p}.")))).collect::<Map<_, _>>()
        }}}
    });
    let root = document.clone();
    for path in &paths {
        let Some(item) = document["paths"][path].as_object_mut() else { continue };
        for operation in item.values_mut() {
            examples::add(&root, operation, permissions_of_clients);
        }
    }
    document
}

fn complete_operation(operation: &mut Value, path: &str) {
    let id = text::camel_case(operation["operationId"].as_str().unwrap_or_default());
    operation["operationId"] = id.into();
    let public = operation["x-permission"] == "public";
    let has_body = operation.get("requestBody").is_some();
    let job = operation["x-job"] == true;
    let keyed = operation["x-idempotency"].is_string();
    // What is posted never changes, so steps on it take If-Match as an offer: their state is checked under lock.
    let versioned = operation["x-if-match"] == true || operation["x-if-match"] == "accepted";
    let version_required = operation["x-if-match"] == true;
    if !operation["parameters"].is_array() {
        operation["parameters"] = json!([]);
    }
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        for parameter in parameters.iter_mut() {
            let strict = without_null(parameter["schema"].take());
            parameter["schema"] = strict;
            bound_strings(&mut parameter["schema"]);
        }
        if keyed {
            parameters.push(json!({"name": "validate_only", "in": "query", "required": false, "description": "Dry run: do everything, answer as if done, keep nothing.", "schema": {"type": "boolean"}, "example": false}));
        }
    }
    let required = operation["x-idempotency"] == "required";
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        if keyed {
            parameters.push(json!({"name": "Idempotency-Key", "in": "header", "required": required, "description": "One key for each business intent, the same on every retry; kept 30 days.", "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"}, "example": "hdfc-2025-11-18-000731"}));
        }
        if versioned {
            parameters.push(json!({"name": "If-Match", "in": "header", "required": version_required, "description": "The ETag of the version that was read.", "schema": {"type": "string", "maxLength": 40, "pattern": "^(\\*|\"v[0-9]{1,18}\")$"}, "example": "\"v1\""}));
        }
    }
    operation["security"] = if public { json!([]) } else { json!([{"user_token": []}, {"client_token": []}]) };
    let mut statuses = vec![400, 429, 500, 503];
    if !public {
        statuses.extend([401, 406]);
        if operation["x-permission"] != "any" {
            statuses.push(403);
        }
    }
    if has_body {
        statuses.extend([408, 413, 415, 422]);
    }
    if path.contains('{') || has_body && !public {
        statuses.push(404);
    }
    if keyed {
        statuses.extend([404, 409, 422]);
    }
    if versioned {
        statuses.extend([404, 409, 412]);
    }
    if version_required {
        statuses.push(428);
    }
    if operation["x-conflicts"] == true {
        statuses.push(409);
    }
    if operation["x-download"] == true {
        statuses.push(410);
    }
    if !public && answers(operation).iter().any(|media| !matches!(media.as_str(), "application/json" | "text/plain")) {
        downloadable(operation);
        statuses.push(416);
    }
    for status in statuses {
        if operation["responses"].get(status.to_string()).is_none() {
            operation["responses"][status.to_string()] = json!({"$ref": format!("#/components/responses/Problem{status}")});
        }
    }
    if let Some(responses) = operation["responses"].as_object_mut() {
        for (status, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('2')) {
            response["headers"]["Request-Id"] = json!({"$ref": "#/components/headers/RequestId"});
            if status == "201" || status == "202" && job {
                response["headers"]["Location"] = json!({"$ref": "#/components/headers/Location"});
            }
        }
        responses.sort_keys();
    }
    if let Some(members) = operation.as_object_mut() {
        members.sort_keys();
    }
}

/// A file is also given in parts, each kind of it.
fn downloadable(operation: &mut Value) {
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters.push(json!({"name": "Range", "in": "header", "required": false, "description": "A part of the file, as `bytes=first-last`, `bytes=first-` or `bytes=-last` (RFC 9110); with If-Range only of the version with that ETag.", "schema": {"type": "string", "maxLength": 100}, "example": "bytes=0-1023"}));
    }
    let mut part = operation["responses"]["200"].clone();
    part["description"] = json!("The part of the file that was asked for.");
    if let Some(content) = part["content"].as_object_mut() {
        content.retain(|media, _| media != "application/json");
    }
    part["headers"] = json!({"Content-Range": {"$ref": "#/components/headers/ContentRange"}, "ETag": {"$ref": "#/components/headers/EntityTag"}});
    operation["responses"]["206"] = part;
}

/// Three characters that are not blank.
const SAYS_SOMETHING: &str = r"^(\s*\S){3}";

/// Strings say how long they may be and what they may hold; dates and ids by their format. A reason somebody
/// gives says something.
fn bound_strings(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(reason) =
                members.get_mut("properties").and_then(|properties| properties.get_mut("reason")).filter(|reason| reason["minLength"].is_u64())
            {
                reason["minLength"] = json!(3);
                reason["pattern"] = json!(SAYS_SOMETHING);
            }
            let is_string = members.get("type").is_some_and(|t| t == "string" || t.as_array().is_some_and(|types| types.contains(&json!("string"))));
            if is_string && !members.contains_key("enum") && !members.contains_key("maxLength") {
                let longest = match members.get("format").and_then(Value::as_str) {
                    Some("date") => 10,
                    Some("uuid") => 36,
                    Some("date-time") => 40,
                    _ => 500,
                };
                members.insert("maxLength".into(), longest.into());
            }
            members.values_mut().for_each(bound_strings);
        }
        Value::Array(items) => items.iter_mut().for_each(bound_strings),
        _ => {}
    }
}

fn shared_headers() -> Value {
    json!({
        "RequestId": {"description": "Our id of the request.", "schema": {"type": "string", "maxLength": 64}, "example": "req_0196f2c41b7e7c0aa1d5"},
        "Location": {"description": "Address of what was created.", "schema": {"type": "string", "maxLength": 200}, "example": "/v1/customers/0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42"},
        "ContentRange": {"description": "Which bytes of how many these are (RFC9110).", "schema": {"type": "string", "maxLength": 60}, "example": "bytes 0-1023/25172"},
        "EntityTag": {"description": "Which version of the file this is a part of, for If-Range.", "schema": {"type": "string", "maxLength": 60}, "example": "\"9f86d081884c7d659a2feaa0c55ad015\""},
        "RetryAfter": {"description": "Seconds to wait before trying again.", "schema": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 86400}, "example": 1},
        "WwwAuthenticate": {"description": "How to authenticate (RFC6750).", "schema": {"type": "string", "maxLength": 200}, "example": "Bearer error=\"invalid_token\""}
    })
}

fn shared_responses() -> Value {
    let of = |refusal: &'static Refusal, detail: &str| {
        let mut headers = json!({"Request-Id": {"$ref": "#/components/headers/RequestId"}});
        if matches!(refusal.status, 429 | 503) {
            headers["Retry-After"] = json!({"$ref": "#/components/headers/RetryAfter"});
        }
        if refusal.status == 401 {
            headers["WWW-Authenticate"] = json!({"$ref": "#/components/headers/WwwAuthenticate"});
        }
        json!({
            "description": format!("{}.", refusal.title), "headers": headers,
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "example": Problem::new(refusal, detail).document("/v1/invoices", "req_0196f2c41b7e7c0aa1d5")}}
        })
    };
    json!({
        "Problem400": of(problem::UNKNOWN_FIELD, "1 field needs correction; nothing was saved."),
        "Problem401": of(problem::TOKEN_EXPIRED, "The access token has expired; log in again or refresh it."),
        "Problem403": of(problem::PERMISSION_DENIED, "This needs the permission receipts:write."),
        "Problem404": of(problem::NOT_FOUND, "There is no such customer."),
        "Problem406": of(problem::NOT_ACCEPTABLE, "This operation answers application/json."),
        "Problem408": of(problem::REQUEST_TIMEOUT, "The body did not arrive within 10 seconds."),
        "Problem409": of(problem::INVALID_STATE, "The invoice is cancelled."),
        "Problem410": of(problem::GONE, "Files of an export are kept 30 days; ask for it anew."),
        "Problem412": of(problem::VERSION_MISMATCH, "The customer is at version 3."),
        "Problem413": of(problem::PAYLOAD_TOO_LARGE, "The body may have at most 1048576 bytes."),
        "Problem415": of(problem::UNSUPPORTED_MEDIA_TYPE, "Send the body as application/json."),
        "Problem416": of(problem::RANGE_NOT_SATISFIABLE, "The file has 25172 bytes."),
        "Problem422": of(problem::VALIDATION_FAILED, "1 field needs correction; nothing was saved."),
        "Problem428": of(problem::IF_MATCH_REQUIRED, "Send the ETag of the version you read as If-Match."),
        "Problem429": of(problem::RATE_LIMITED, "Too many failed attempts; wait before the next."),
        "Problem500": of(problem::INTERNAL_ERROR, "The service failed to answer; nothing was changed."),
        "Problem503": of(problem::OVERLOADED, "The service is at its limit; try again.")
    })
}

/// Marks a request as belonging to an operation; kept for the access log.
pub fn remember(request: &HttpRequest, operation: &'static Operation) {
    request.extensions_mut().insert(OperationName(&operation.id));
}

/// The operation's id, for logs and metrics.
#[derive(Clone, Copy)]
pub struct OperationName(pub &'static str);
