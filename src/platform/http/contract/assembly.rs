//! The contract as published: what the routes say of themselves, completed by what every operation shares.
//!
//! No handler repeats what is true of all: headers, refusals, security, examples, bounds. What stands in several
//! places is said once and referred to, which keeps the document small and generated clients free of doubles.

use super::bounds::{self, bound, without_null};
use super::{answers, examples, properties, resolve};
use crate::platform::http::problem::{self, Problem, Refusal};
use crate::platform::text;
use crate::platform::unit_of_work::expansion::Expansion;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// A reply that holds only the members the caller asked for by `fields`.
pub const PARTIAL: &str = "application/vnd.duebook.partial+json";

/// The whole document, from what was collected of the routes.
pub fn complete(mut document: Value, permissions_of_clients: &[&str], expansions: &[Expansion]) -> Value {
    name_what_has_a_name(&mut document);
    expandable(&mut document, expansions);
    let asked = reached(&document, &["requestBody", "parameters"]);
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        for (name, schema) in schemas.iter_mut() {
            bound(schema);
            if asked.contains(name) {
                bounds::one_name_each(schema);
                bounds::absent_is_null(schema);
            } else {
                bounds::extensible(schema);
            }
        }
        schemas.insert("Partial".into(), partial());
        schemas.sort_keys();
    }
    lasting(&mut document);
    document["components"]["headers"] = shared_headers();
    document["components"]["responses"] = shared_responses();
    document["components"]["securitySchemes"] = json!({
        "user_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Access token of a person (RFC9068), checked as RFC8725 demands; from `POST /v1/auth/login`."},
        "client_token": {"type": "oauth2", "description": "Access token of a machine (RFC9068), checked as RFC8725 demands; client credentials.", "flows": {"clientCredentials": {
            "tokenUrl": "/v1/oauth/token", "refreshUrl": "/v1/oauth/token",
            "scopes": permissions_of_clients.iter().map(|p| ((*p).to_owned(), Value::from(format!("Permission {p}.")))).collect::<Map<_, _>>()
        }}}
    });
    let mut paths = document["paths"].take();
    for (path, item) in paths.as_object_mut().into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete_operation(operation, method, path);
            examples::add(&document, operation, permissions_of_clients);
        }
        if let Some(methods) = item.as_object_mut() {
            sort_by(methods, |method| METHODS.iter().position(|known| *known == method));
        }
    }
    if let Some(paths) = paths.as_object_mut() {
        paths.sort_keys();
    }
    for (name, parameter) in share_parameters(&mut paths) {
        document["components"]["parameters"][name] = parameter;
    }
    document["components"]["examples"] = share_examples(&mut paths);
    document["paths"] = paths;
    document
}

/// In a merge patch null clears, so what a thing never lacks takes none. A draft (`x-draft`) lacks anything until it is issued:
/// there null lets it be found anew.
fn lasting(document: &mut Value) {
    let mut found: Vec<String> = Vec::new();
    for patch in document["paths"].as_object().into_iter().flatten().filter_map(|(_, item)| item.get("patch")).filter(|patch| patch["x-draft"] != true) {
        let schema = |at: &str| patch.pointer(at).and_then(|schema| schema["$ref"].as_str());
        let (Some(body), Some(answer)) = (schema("/requestBody/content/application~1json/schema"), schema("/responses/200/content/application~1json/schema"))
        else {
            continue;
        };
        let (body, answer) = (json!({"$ref": body}), json!({"$ref": answer}));
        let needed = required(document, &answer);
        let always: HashMap<&String, &Value> = properties(document, &answer).into_iter().filter(|(name, _)| needed.contains(name.as_str())).collect();
        let Some(place) = body["$ref"].as_str() else { continue };
        // A list that is never empty cannot be cleared either.
        let lasts = |(name, member): &(&String, &Value)| {
            let kept =
                always.get(name).is_some_and(|answered| !takes_null(answered) && (is_scalar(document, answered) || member["minItems"].as_u64() > Some(0)));
            kept.then(|| format!("{}/properties/{name}", &place[1..]))
        };
        found.extend(properties(document, &body).iter().filter_map(lasts));
    }
    for place in found {
        if let Some(member) = document.pointer_mut(&place) {
            let description = member.get("description").cloned();
            *member = without_null(member.take());
            if let Some(description) = description {
                member["description"] = description;
            }
        }
    }
}

/// The members an object always has, those of what it is composed of too.
fn required<'v>(document: &'v Value, schema: &'v Value) -> HashSet<&'v str> {
    let schema = resolve(document, schema);
    let own = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    own.chain(schema["allOf"].as_array().into_iter().flatten().flat_map(|part| required(document, part))).collect()
}

fn is_scalar(document: &Value, schema: &Value) -> bool {
    matches!(resolve(document, schema)["type"].as_str(), Some("string" | "number" | "integer" | "boolean"))
}

/// Whether a schema lets a member be null.
pub fn takes_null(schema: &Value) -> bool {
    let names = |kind: &Value| kind == "null" || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"));
    names(&schema["type"]) || schema["oneOf"].as_array().is_some_and(|choices| choices.iter().any(takes_null))
}

const METHODS: [&str; 5] = ["get", "post", "patch", "put", "delete"];

fn sort_by<K: Ord>(members: &mut Map<String, Value>, key: impl Fn(&str) -> K) {
    let mut sorted: Vec<_> = std::mem::take(members).into_iter().collect();
    sorted.sort_by_key(|(name, _)| key(name));
    members.extend(sorted);
}

/// What is written out again where a component says the same becomes a reference to it.
fn name_what_has_a_name(document: &mut Value) {
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    let known: HashMap<String, String> = schemas.iter().filter(|(_, s)| s["properties"].is_object()).map(|(name, s)| (s.to_string(), name.clone())).collect();
    for (_, schema) in schemas.iter_mut().filter(|(name, _)| name.starts_with("Page_") || name.starts_with("Bulk_")) {
        for member in ["/properties/data/items", "/properties/items/items"] {
            if let Some(items) = schema.pointer_mut(member)
                && let Some(name) = known.get(&items.to_string())
            {
                *items = json!({"$ref": format!("#/components/schemas/{name}")});
            }
        }
    }
}

/// Names of the schemas that these members of operations lead to.
fn reached(document: &Value, from: &[&str]) -> HashSet<String> {
    fn follow(document: &Value, value: &Value, found: &mut HashSet<String>) {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref").and_then(Value::as_str)
                    && let Some(name) = reference.rsplit('/').next()
                    && found.insert(name.to_owned())
                {
                    follow(document, resolve(document, value), found);
                }
                members.values().for_each(|member| follow(document, member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| follow(document, item, found)),
            _ => {}
        }
    }
    let mut found = HashSet::new();
    for operation in document["paths"].as_object().into_iter().flatten().flat_map(|(_, item)| item.as_object().into_iter().flatten()).map(|(_, o)| o) {
        for member in from {
            follow(document, &operation[*member], &mut found);
        }
    }
    found
}

fn partial() -> Value {
    json!({
        "type": "object", "additionalProperties": true, "example": {"id": "0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42"},
        "description": "The same answer with those members only that `fields` names (and `id`); of a list, each row of `data`."
    })
}

/// Gives `expand` to every read whose answer names what can be told with it, and the member it is told in to the answer.
/// An operation that tells something of its own this way has its words in `x-expand`.
fn expandable(document: &mut Value, expansions: &[Expansion]) {
    let mut paths = document["paths"].take();
    for (path, item) in paths.as_object_mut().into_iter().flatten() {
        let Some(operation) = item.get_mut("get") else { continue };
        let own = operation.as_object_mut().and_then(|operation| operation.remove("x-expand"));
        let mut words: Vec<String> = own.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        let answer = operation.pointer("/responses/200/content/application~1json/schema").map(|schema| (schema, resolve(document, schema)));
        let rows = answer.and_then(|(schema, whole)| Some(whole.pointer("/properties/data/items").unwrap_or(schema)["$ref"].as_str()?.to_owned()));
        if let Some(place) = rows.as_ref().and_then(|rows| rows.strip_prefix('#')) {
            let row = &json!({"$ref": format!("#{place}")});
            // What is told anyway needs no asking.
            let members: HashSet<String> =
                properties(document, row).into_iter().filter(|(_, member)| member[EXPANDED] != true).map(|(name, _)| name.clone()).collect();
            let has = |name: &str| members.contains(name);
            let fits = |expansion: &&Expansion| {
                has("object") && has(expansion.by) && !has(expansion.word) && (expansion.of.is_empty() || expansion.of.contains(&path.as_str()))
            };
            for expansion in expansions.iter().filter(fits) {
                words.push(expansion.word.to_owned());
                add_member(document, place, expansion);
            }
        }
        if !words.is_empty() {
            let one = words.join("|");
            let named = words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
            let parameter = json!({"name": "expand", "in": "query", "required": false, "description": format!("What is told with the answer, separated by commas: {named}."), "schema": {"type": "string", "maxLength": 200, "pattern": format!("^({one})(,({one}))*$")}, "example": words[0]});
            match operation["parameters"].as_array_mut() {
                Some(parameters) => parameters.push(parameter),
                None => operation["parameters"] = json!([parameter]),
            }
        }
    }
    document["paths"] = paths;
}

/// The member an expansion is told in. It is no part of examples: nobody is told it who does not ask.
fn add_member(document: &mut Value, place: &str, expansion: &Expansion) {
    let Some(schema) = document.pointer_mut(place) else { return };
    let own = if schema["allOf"].is_array() {
        schema["allOf"].as_array_mut().and_then(|parts| parts.iter_mut().find(|part| part["properties"].is_object()))
    } else {
        Some(schema)
    };
    let one = json!({"$ref": format!("#/components/schemas/{}", expansion.schema)});
    let mut member = if expansion.many { json!({"type": "array", "maxItems": 200, "items": one}) } else { one };
    member["description"] = format!("With `expand={}`.", expansion.word).into();
    member[EXPANDED] = true.into();
    if let Some(own) = own {
        own["properties"][expansion.word] = member;
    }
}

/// Marks a member that is only told where it is asked for.
pub const EXPANDED: &str = "x-expanded";

fn complete_operation(operation: &mut Value, method: &str, path: &str) {
    let id = text::camel_case(operation["operationId"].as_str().unwrap_or_default());
    operation["operationId"] = id.into();
    let public = operation["x-permission"] == "public";
    let has_body = operation.get("requestBody").is_some();
    let job = operation["x-job"] == true;
    let keyed = operation["x-idempotency"].is_string();
    // What is posted never changes, so steps on it take If-Match as an offer: their state is checked under lock.
    let versioned = operation["x-if-match"] == true || operation["x-if-match"] == "accepted";
    let version_required = operation["x-if-match"] == true;
    let sparse = method == "get" && path.starts_with("/v1/") && operation.pointer("/responses/200/content/application~1json").is_some();
    if !operation["parameters"].is_array() {
        operation["parameters"] = json!([]);
    }
    let required = operation["x-idempotency"] == "required";
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        for parameter in parameters.iter_mut() {
            let strict = without_null(parameter["schema"].take());
            parameter["schema"] = strict;
            bound(&mut parameter["schema"]);
        }
        if sparse {
            parameters.push(json!({"name": "fields", "in": "query", "required": false, "description": "Members to answer, separated by commas; `id` always comes. Of a list: of each row. The answer is then of another media type.", "schema": {"type": "string", "maxLength": 1000, "pattern": "^[a-z][a-z0-9_]*(,[a-z][a-z0-9_]*)*$"}, "example": "id"}));
            operation["responses"]["200"]["content"][PARTIAL] = json!({"schema": {"$ref": "#/components/schemas/Partial"}});
        }
    }
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        if keyed {
            parameters.push(json!({"name": "validate_only", "in": "query", "required": false, "description": "Dry run: do everything, answer as if done, keep nothing.", "schema": {"type": "boolean"}, "example": false}));
            parameters.push(json!({"name": "Idempotency-Key", "in": "header", "required": required, "description": "One key for each business intent, the same on every retry; kept 30 days.", "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21\\x23-\\x7e]+$"}, "example": "hdfc-2025-11-18-000731"}));
        }
        if job {
            parameters.push(json!({"name": "Prefer", "in": "header", "required": false, "description": "`wait=` and seconds: the answer comes when the job is done (200) or the time is up (202), at most 30 seconds (RFC 7240).", "schema": {"type": "string", "maxLength": 1000, "pattern": "^[^\\u0000]*$"}, "example": "wait=10"}));
        }
        if versioned {
            parameters.push(json!({"name": "If-Match", "in": "header", "required": version_required, "description": "The ETag of the version that was read, or `*`.", "schema": {"type": "string", "maxLength": 40, "pattern": "^(\\*|\"v[0-9]{1,18}\")$"}, "example": "\"v1\""}));
        }
    }
    operation["security"] = if public { json!([{}]) } else { json!([{"user_token": []}, {"client_token": []}]) };
    let mut statuses = vec![400, 401, 406, 414, 429, 500, 503];
    // Whoever shows a token may be a client that calls from elsewhere than it may.
    if !public || method == "get" {
        statuses.push(403);
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
    if !public && answers(operation).iter().any(|media| !media.ends_with("json") && media != "text/plain") {
        downloadable(operation);
        statuses.push(416);
    }
    // What this operation refuses beside what all of its form do.
    statuses.extend(operation["x-refuses"].as_array().into_iter().flatten().filter_map(Value::as_u64));
    if job && operation["responses"].get("200").is_none() {
        let mut done = operation["responses"]["202"].clone();
        done["description"] = "The job, done within the time that Prefer gave; or what it would be (validate_only).".into();
        operation["responses"]["200"] = done;
    }
    // A dry run of what would be created made nothing; what waits for an approval is only accepted.
    let made = ["201", "202"].into_iter().find(|status| operation["responses"].get(*status).is_some());
    if let Some(made) = made.filter(|_| keyed && operation["responses"].get("200").is_none()) {
        let mut rehearsed = operation["responses"][made].clone();
        rehearsed["description"] = "What it would come to (validate_only).".into();
        operation["responses"]["200"] = rehearsed;
        if operation["x-approval"] == true && operation["responses"].get("202").is_none() {
            let mut asked = operation["responses"][made].clone();
            asked["description"] = "It waits for approval_id.".into();
            operation["responses"]["202"] = asked;
        }
    }
    for status in statuses {
        if operation["responses"].get(status.to_string()).is_none() {
            operation["responses"][status.to_string()] = json!({"$ref": format!("#/components/responses/Problem{status}")});
        }
    }
    if let Some(responses) = operation["responses"].as_object_mut() {
        for (status, response) in responses.iter_mut().filter(|(status, _)| status.starts_with('2')) {
            let mut also = vec![];
            if status == "201" || status == "202" && job {
                also.push("Location");
            }
            if job {
                also.push("Preference-Applied");
            }
            if keyed && status != "202" {
                also.push("Idempotent-Replayed");
            }
            if status == "200" && method == "get" && response.pointer("/content/application~1json").is_some() && path.contains('}') {
                also.push("ETag");
            }
            for name in EVERYWHERE.iter().copied().chain(also) {
                response["headers"][name] = header(name);
            }
            for (media_type, media) in response["content"].as_object_mut().into_iter().flatten() {
                if let Some(schema) = media.get_mut("schema") {
                    if media_type.starts_with("text/") && schema["type"] == "string" {
                        schema["maxLength"] = LONGEST_FILE.into();
                    }
                    if !media_type.ends_with("json") && schema["type"] == "array" {
                        *schema = json!({"type": "string", "format": "binary"});
                    }
                    bound(schema);
                }
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
        parameters.push(json!({"name": "Range", "in": "header", "required": false, "description": "A part of the file, as `bytes=first-last`, `bytes=first-` or `bytes=-last` (RFC 9110); with If-Range only of the version with that ETag.", "schema": {"type": "string", "maxLength": 1000, "pattern": "^[^\\u0000]*$"}, "example": "bytes=0-1023"}));
    }
    let mut part = operation["responses"]["200"].clone();
    part["description"] = json!("The part of the file that was asked for.");
    if let Some(content) = part["content"].as_object_mut() {
        content.retain(|media, _| !media.ends_with("json"));
    }
    part["headers"] = json!({"Content-Range": header("Content-Range"), "ETag": header("ETag")});
    operation["responses"]["206"] = part;
}

const LONGEST_FILE: u64 = 64 * 1024 * 1024;

/// Headers of every answer, whatever it says.
const EVERYWHERE: [&str; 4] = ["Request-Id", "RateLimit", "RateLimit-Policy", "Access-Control-Allow-Origin"];

fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

fn shared_headers() -> Value {
    let text = |longest: u32, pattern: &str| json!({"type": "string", "maxLength": longest, "pattern": pattern});
    let printable = r"^[\x20-\x7e]*$";
    json!({
        "Request-Id": {"description": "Our id of the request.", "schema": text(64, "^req_[0-9a-f]{1,60}$"), "example": "req_0196f2c41b7e7c0aa1d5"},
        "RateLimit": {"description": "What is left of the limit and the seconds until it is whole again; absent where this service has no limits.", "schema": text(200, printable), "example": "\"default\";r=571;t=12"},
        "RateLimit-Policy": {"description": "The limit the request counted against: quota `q` in a window of `w` seconds; absent where this service has no limits.", "schema": text(200, printable), "example": "\"default\";q=600;w=60"},
        "Access-Control-Allow-Origin": {"description": "The caller's origin, when the installation allows it.", "schema": text(300, printable), "example": "https://books.example.com"},
        "ETag": {"description": "The version of what is answered, for If-Match and If-None-Match.", "schema": text(80, "^(W/)?\"[^\"]*\"$"), "example": "\"v1\""},
        "Idempotent-Replayed": {"description": "`true` when this is the stored answer to an earlier request with the same Idempotency-Key.", "schema": text(4, "^true$"), "example": "true"},
        "Content-Range": {"description": "Which bytes of how many these are (RFC9110).", "schema": text(60, "^bytes [0-9]+-[0-9]+/[0-9]+$"), "example": "bytes 0-1023/25172"},
        "Location": {"description": "Address of what was created.", "schema": text(200, "^/"), "example": "/v1/customers/0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42"},
        "Preference-Applied": {"description": "How long the answer was waited for, where that was asked for (RFC7240).", "schema": text(20, "^wait=[0-9]+$"), "example": "wait=10"},
        "Retry-After": {"description": "Seconds to wait before trying again.", "schema": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 86400}, "example": 1},
        "WWW-Authenticate": {"description": "How to authenticate (RFC6750).", "schema": text(200, printable), "example": "Bearer error=\"invalid_token\""}
    })
}

fn shared_responses() -> Value {
    let of = |refusal: &'static Refusal, detail: &str| {
        let mut names = EVERYWHERE.to_vec();
        if matches!(refusal.status, 429 | 503) {
            names.push("Retry-After");
        }
        if refusal.status == 401 {
            names.push("WWW-Authenticate");
        }
        let headers: Map<String, Value> = names.into_iter().map(|name| (name.to_owned(), header(name))).collect();
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
        "Problem414": of(problem::URI_TOO_LONG, "The address may have at most 8192 bytes."),
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

/// Examples that several answers show alike are said once, under the name of what they are; gives them by name.
fn share_examples(paths: &mut Value) -> Value {
    const SHORT: usize = 150;
    fn all(paths: &mut Value) -> impl Iterator<Item = &mut Value> {
        let operations = paths.as_object_mut().into_iter().flatten().flat_map(|(_, item)| item.as_object_mut().into_iter().flatten()).map(|(_, o)| o);
        let answers = operations.flat_map(|operation| operation["responses"].as_object_mut().into_iter().flatten()).map(|(_, answer)| answer);
        answers.flat_map(|answer| answer.get_mut("content").and_then(Value::as_object_mut).into_iter().flatten()).map(|(_, media)| media)
    }
    let mut counts: HashMap<String, usize> = HashMap::new();
    for media in all(paths) {
        *counts.entry(media["example"].to_string()).or_default() += 1;
    }
    let (mut shared, mut names, mut numbers) = (Map::new(), HashMap::new(), HashMap::<String, usize>::new());
    for media in all(paths) {
        let text = media["example"].to_string();
        let Some(members) = media.as_object_mut().filter(|_| text.len() > SHORT && counts.get(&text).is_some_and(|count| *count > 1)) else { continue };
        let example = members.remove("example").unwrap_or_default();
        let of = members.get("schema").and_then(|schema| schema["$ref"].as_str()).and_then(|reference| reference.rsplit('/').next()).unwrap_or("Answer");
        let name = names.entry(text).or_insert_with(|| {
            let number = numbers.entry(of.to_owned()).and_modify(|number| *number += 1).or_insert(1);
            let name = if *number == 1 { of.to_owned() } else { format!("{of}-{number}") };
            shared.insert(name.clone(), json!({"value": example}));
            name
        });
        members.insert("examples".into(), json!({"shown": {"$ref": format!("#/components/examples/{name}")}}));
    }
    shared.sort_keys();
    Value::Object(shared)
}

/// Parameters that several operations take alike are said once; gives them by name.
fn share_parameters(paths: &mut Value) -> Map<String, Value> {
    fn all(paths: &mut Value) -> impl Iterator<Item = &mut Value> {
        let operations = paths.as_object_mut().into_iter().flatten().flat_map(|(_, item)| item.as_object_mut().into_iter().flatten()).map(|(_, o)| o);
        operations.flat_map(|operation| operation["parameters"].as_array_mut().into_iter().flatten())
    }
    let mut counts: HashMap<String, usize> = HashMap::new();
    for parameter in all(paths) {
        *counts.entry(parameter.to_string()).or_default() += 1;
    }
    // Of those of one name only the most frequent gets it.
    let mut frequent: Vec<_> = counts.into_iter().filter(|(_, count)| *count > 2).collect();
    frequent.sort_by(|(a, n), (b, m)| m.cmp(n).then(a.cmp(b)));
    let mut shared = Map::new();
    let mut names = HashMap::new();
    for (source, _) in frequent {
        let Ok(parameter) = serde_json::from_str::<Value>(&source) else { continue };
        let name = parameter["name"].as_str().unwrap_or_default().to_owned();
        if !shared.contains_key(&name) {
            names.insert(source, name.clone());
            shared.insert(name, parameter);
        }
    }
    for parameter in all(paths) {
        if let Some(name) = names.get(&parameter.to_string()) {
            *parameter = json!({"$ref": format!("#/components/parameters/{name}")});
        }
    }
    shared.sort_keys();
    shared
}
