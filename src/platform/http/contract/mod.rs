//! The contract: collected from the routes, published, and enforced on every request.
//!
//! What `openapi/duebook.json` says about parameters and bodies is compiled here into validators,
//! so documentation cannot drift from behaviour: it is the behaviour.

pub mod assembly;
mod bounds;
pub mod breaking;
mod examples;
mod judge;

use self::bounds::without_null;
use self::judge::{Schema, Schemas, body_faults};
use super::problem::{self, FieldError, Problem};
use crate::platform::text;
use actix_web::http::Method;
use actix_web::{HttpMessage, HttpRequest};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

pub use self::assembly::complete;
pub use self::judge::{Fault, holds_null};

/// The published contract and the validators compiled from it.
pub struct Contract {
    /// The document as served and committed.
    pub json: String,
    operations: HashMap<(String, String), Operation>,
    /// Every path with its methods, for 405.
    paths: Vec<(String, Vec<String>)>,
    /// Paths without a parameter.
    literal: HashSet<String>,
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
    /// Whether it is open to those who otherwise only read.
    pub open_to_readers: bool,
    /// Whether the body may be as large as that of a bulk operation.
    pub large: bool,
    /// Media types it answers in when it succeeds.
    pub answers: Vec<String>,
    /// Members of the answer, or of the rows of the list it is, that a caller may pick.
    members: Vec<String>,
    parameters: Vec<Parameter>,
    body: Option<Arc<Schema>>,
    /// Members of a merge patch that cannot be cleared.
    lasting: Vec<String>,
    /// Of a bulk operation: the schema of one row, which is judged alone.
    row: Option<Arc<Schema>>,
}

struct Parameter {
    name: String,
    required: bool,
    kind: String,
    schema: Arc<Schema>,
}

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
                let lasting = if method == "PATCH" { lasting(&document, operation) } else { Vec::new() };
                operations.insert((method.clone(), path.clone()), Operation { lasting, ..Operation::compile(operation, &strict, &mut schemas) });
                methods.push(method);
            }
            paths.push((path.clone(), methods));
        }
        let json = text_of(&document);
        let literal = paths.iter().map(|(path, _)| path.clone()).filter(|path| !path.contains('{')).collect();
        Ok(Self { json, operations, paths, literal, schemas })
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
        // `/v1/invoices/bulk` is no invoice, whatever the method.
        if pattern.ends_with('}') && contract.literal.contains(request.path()) {
            return Err(contract.unrouted(request.method(), request.path()));
        }
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
        // A path that stands there word for word hides those it would fill.
        let literal = self.literal.contains(path);
        let fits = |pattern: &str| if literal { pattern == path } else { same(pattern) };
        let mut allowed: Vec<_> = self.paths.iter().filter(|(pattern, _)| fits(pattern)).flat_map(|(_, methods)| methods.clone()).collect();
        if allowed.iter().any(|method| method == "GET") {
            allowed.push("HEAD".into());
        }
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
        let given = operation["parameters"].as_array().into_iter().flatten().map(|parameter| resolve(root, parameter));
        for parameter in given.filter(|p| p["in"] == "query") {
            let source = without_null(parameter["schema"].clone());
            let schema = schema(&source);
            parameters.push(Parameter {
                name: parameter["name"].as_str().unwrap_or_default().to_owned(),
                required: parameter["required"] == true,
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
            open_to_readers: operation["x-open-to-readers"] == true,
            large: operation["x-bulk"] == true || operation["x-large-body"] == true,
            answers: answers(operation),
            members: members(operation, root),
            parameters,
            body,
            lasting: Vec::new(),
            row,
        }
    }

    /// Everything wrong with a body.
    pub fn body_faults(&self, body: &Value) -> Vec<Fault> {
        self.body.as_ref().map_or_else(Vec::new, |schema| body_faults(schema, body, &self.lasting))
    }

    /// The problem of each row that is not valid; `None` where the operation has no rows.
    pub fn row_faults(&self, body: &Value) -> Option<HashMap<usize, Problem>> {
        let row = self.row.as_ref()?;
        let items = body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let judged = items.iter().enumerate().map(|(at, item)| (at, body_faults(row, item, &[])));
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
            let wrong = |code: &str, detail: String| FieldError::parameter(&name, code, detail).received(given.chars().take(80).collect::<String>());
            if let Some((parameter, key)) = self.member(&name) {
                let members = values.entry(parameter.name.clone()).or_insert_with(|| json!({}));
                if members.get(key).is_some() {
                    errors.push(wrong("repeated_parameter", "Give each key once.".into()));
                    continue;
                }
                members[key] = given.clone().into();
                if let Some(fault) = parameter.schema.faults(members).into_iter().next() {
                    errors.push(wrong(&fault.code, fault.detail));
                    // What is wrong with this one is not told of the next.
                    members.as_object_mut().and_then(|members| members.remove(key));
                }
                continue;
            }
            let Some(parameter) = self.parameters.iter().find(|p| p.name == name) else {
                unknown = true;
                let mut error = FieldError::parameter(&name, "unknown_parameter", "This operation has no such parameter.");
                if let Some(near) = text::nearest(&name, self.parameters.iter().map(|p| p.name.as_str())) {
                    error = error.expected(near);
                }
                errors.push(error);
                continue;
            };
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
        let told: Vec<String> = errors.iter().filter_map(|error| error.parameter.clone()).collect();
        let missing = self.parameters.iter().filter(|p| p.required && !values.contains_key(&p.name) && !told.contains(&p.name));
        errors.extend(missing.map(|p| FieldError::parameter(&p.name, "required", "This parameter is required.")));
        errors.extend(values.get(FIELDS).and_then(Value::as_str).into_iter().flat_map(|names| names.split(',')).filter_map(|name| self.no_member(name)));
        if errors.is_empty() {
            return Ok(Value::Object(values));
        }
        let refusal = if unknown { problem::UNKNOWN_PARAMETER } else { problem::INVALID_PARAMETER };
        Err(Problem::new(refusal, format!("{} query parameter(s) need correction.", errors.len())).errors(errors))
    }

    /// The parameter that is an object, and which of its members a name means: `metadata[key]` (style deepObject) or
    /// `metadata.key`.
    fn member<'n>(&self, name: &'n str) -> Option<(&Parameter, &'n str)> {
        self.parameters.iter().filter(|parameter| parameter.kind == "object").find_map(|parameter| {
            let rest = name.strip_prefix(&parameter.name)?;
            let key = rest.strip_prefix('.').or_else(|| rest.strip_prefix('[')?.strip_suffix(']'))?;
            Some((parameter, key))
        })
    }

    fn no_member(&self, name: &str) -> Option<FieldError> {
        if self.members.iter().any(|member| member == name) {
            return None;
        }
        let near = text::nearest(name, self.members.iter().map(String::as_str));
        let expected = near.map_or_else(|| self.members.join(", "), str::to_owned);
        Some(FieldError::parameter(FIELDS, "unknown_member", "The answer has no such member.").expected(expected).received(name))
    }
}

/// The parameter that picks members of an answer.
pub const FIELDS: &str = "fields";

/// What `fields` may name: members of the rows of a list, else of the answer.
fn members(operation: &Value, root: &Value) -> Vec<String> {
    let schema = operation.pointer("/responses/200/content/application~1json/schema").map(|schema| resolve(root, schema));
    let rows = schema.and_then(|schema| schema.pointer("/properties/data/items")).map(|rows| resolve(root, rows));
    rows.or(schema).map(|schema| properties(root, schema).into_iter().map(|(name, _)| name.clone()).collect()).unwrap_or_default()
}

/// The members of an object, those of what it is composed of first.
fn properties<'v>(root: &'v Value, schema: &'v Value) -> Vec<(&'v String, &'v Value)> {
    let schema = resolve(root, schema);
    let parts = schema["allOf"].as_array().into_iter().flatten().flat_map(|part| properties(root, part));
    parts.chain(schema["properties"].as_object().into_iter().flatten()).collect()
}

/// Members of a patch that are not cleared: those that do not take null.
fn lasting(document: &Value, operation: &Value) -> Vec<String> {
    let body = operation.pointer("/requestBody/content/application~1json/schema");
    let members = body.map(|body| properties(document, body)).unwrap_or_default();
    members.into_iter().filter(|(_, member)| !assembly::takes_null(member)).map(|(name, _)| name.clone()).collect()
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

/// Marks a request as belonging to an operation; kept for the access log.
pub fn remember(request: &HttpRequest, operation: &'static Operation) {
    request.extensions_mut().insert(OperationName(&operation.id));
}

/// The operation's id, for logs and metrics.
#[derive(Clone, Copy)]
pub struct OperationName(pub &'static str);

/// One member a line, so that a change can be read; what is short stands on one line, as there is much of it.
fn text_of(document: &Value) -> String {
    written(document, 0) + "\n"
}

fn written(value: &Value, depth: usize) -> String {
    const SHORT: usize = 120;
    let members: Vec<String> = match value {
        Value::Object(members) => members.iter().map(|(name, member)| format!("{}: {}", json!(name), written(member, depth + 1))).collect(),
        Value::Array(items) => items.iter().map(|item| written(item, depth + 1)).collect(),
        _ => return value.to_string(),
    };
    let (open, close) = if value.is_array() { ('[', ']') } else { ('{', '}') };
    if members.iter().map(|member| member.len() + 2).sum::<usize>() <= SHORT && !members.iter().any(|member| member.contains('\n')) {
        return format!("{open}{}{close}", members.join(", "));
    }
    let inner = format!("\n{}", " ".repeat(depth + 1));
    format!("{open}{inner}{}\n{}{close}", members.join(&format!(",{inner}")), " ".repeat(depth))
}

/// The schema a reference leads to.
pub fn resolve<'v>(root: &'v Value, schema: &'v Value) -> &'v Value {
    let mut schema = schema;
    while let Some(target) = schema["$ref"].as_str().and_then(|reference| root.pointer(&reference[1..])) {
        schema = target;
    }
    schema
}
