//! What strings, numbers and objects are bounded by where a member says nothing itself.

use serde_json::{Value, json};

/// Three characters that are not blank.
pub const SAYS_SOMETHING: &str = r"^(\s*\S){3}";

/// Any text: of no request is one read that holds a NUL.
pub const TEXT: &str = r"^[^\u0000]*$";

/// Lists members of which a request may hold one. An extension, as tools take the keywords that say so for contradictions.
pub const NAMED_ONCE: &str = "x-named-once";

/// The largest integer every JSON reader keeps exact.
const LARGEST_INTEGER: i64 = 9_007_199_254_740_991;

/// Strings say how long they may be and what they may hold (dates and ids by their format), integers how large, free
/// objects that they are free. A reason somebody gives says something. The name of a kind of object is a constant.
pub fn bound(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) {
                if let Some(reason) = properties.get_mut("reason").filter(|reason| reason["minLength"].is_u64()) {
                    reason["minLength"] = json!(3);
                    reason["pattern"] = json!(SAYS_SOMETHING);
                }
                if let Some(kind) =
                    properties.get_mut("object").filter(|kind| kind["type"] == "string" && kind.get("enum").is_none() && kind.get("pattern").is_none())
                    && let Some(name) = kind.get("example").cloned()
                {
                    *kind = json!({"type": "string", "const": name, "description": "What this is."});
                }
                for member in properties.values_mut().filter(|member| is_untyped(member)) {
                    member["type"] = json!(["object", "null"]);
                }
            }
            let is = |kind: &str| members.get("type").is_some_and(|t| t == kind || t.as_array().is_some_and(|types| types.contains(&json!(kind))));
            let (string, integer, object) = (is("string"), is("integer"), is("object"));
            if string && !members.contains_key("enum") && !members.contains_key("const") {
                let longest = match members.get("format").and_then(Value::as_str) {
                    Some("date") => 10,
                    Some("uuid") => 36,
                    Some("date-time") => 40,
                    Some("binary") => 64 * 1024 * 1024,
                    _ => 500,
                };
                members.entry("maxLength").or_insert_with(|| longest.into());
                if !members.contains_key("format") {
                    members.entry("pattern").or_insert_with(|| TEXT.into());
                }
            }
            if integer {
                let small = members.entry("format").or_insert_with(|| "int64".into()) == "int32";
                members.entry("minimum").or_insert_with(|| 0.into());
                members.entry("maximum").or_insert_with(|| if small { i32::MAX.into() } else { LARGEST_INTEGER.into() });
            }
            if object && !members.contains_key("properties") {
                members.entry("additionalProperties").or_insert_with(|| true.into());
            }
            members.iter_mut().filter(|(name, _)| !matches!(name.as_str(), "example" | "examples" | "default" | "const" | "enum")).for_each(|(_, v)| bound(v));
        }
        Value::Array(items) => items.iter_mut().for_each(bound),
        _ => {}
    }
}

/// A thing a request refers to is named in one way: by our id, the caller's, or a code.
pub fn one_name_each(schema: &mut Value) {
    let Some(properties) = schema["properties"].as_object() else { return };
    let mut groups = Vec::new();
    for stem in properties.keys().filter_map(|name| name.strip_suffix("_id")).filter(|stem| !stem.is_empty() && !stem.ends_with("external")) {
        let names = ["_id", "_external_id", "_code"].map(|ending| format!("{stem}{ending}"));
        let names: Vec<&String> = names.iter().filter(|name| properties.contains_key(*name)).collect();
        if names.len() > 1 {
            groups.push(json!(names));
        }
    }
    if !groups.is_empty() {
        schema[NAMED_ONCE] = Value::Array(groups);
    }
}

/// In a request null equals absent, so what may be absent may be null.
pub fn absent_is_null(schema: &mut Value) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, member) in schema.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        if required.iter().any(|needed| needed == name) {
            continue;
        }
        let scalar = member["type"].as_str().filter(|_| member.get("enum").is_none()).map(str::to_owned);
        if let Some(kind) = scalar {
            member["type"] = json!([kind, "null"]);
        } else if member["$ref"].is_string() {
            let reference = member["$ref"].take();
            let description = member.get("description").cloned();
            *member = json!({"oneOf": [{"type": "null"}, {"$ref": reference}]});
            if let Some(description) = description {
                member["description"] = description;
            }
        }
    }
}

fn is_untyped(schema: &Value) -> bool {
    schema.is_object() && !["type", "$ref", "oneOf", "anyOf", "allOf", "enum", "const"].iter().any(|keyword| schema.get(keyword).is_some())
}

/// A list of words that only answers hold may grow under `/v1`, so a client must not take it for closed.
pub fn extensible(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    if members.get("type").is_none_or(|kind| kind != "string") {
        return;
    }
    if let Some(Value::Array(words)) = members.remove("enum") {
        members.insert("pattern".into(), r"^[A-Za-z0-9_./+-]+$".into());
        members.insert("maxLength".into(), 60.into());
        members.insert("examples".into(), json!([words.first()]));
        members.insert("x-extensible-enum".into(), Value::Array(words));
    }
}

/// Null means absent and is dropped before validation, so the strict schemas do not speak of it.
pub fn without_null(schema: Value) -> Value {
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
