//! Examples of every operation, built from the examples of the schemas' own members.

use super::assembly::EXPANDED;
use super::bounds::NAMED_ONCE;
use super::resolve;
use serde_json::{Map, Value, json};

/// Adds a request and a response example where the operation has none, and scopes to its security.
pub fn add(root: &Value, operation: &mut Value, permissions_of_clients: &[&str]) {
    if let Some(content) = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut) {
        content.values_mut().for_each(|media| with_example(root, media));
    }
    let mut responses = operation["responses"].take();
    for (_, response) in responses.as_object_mut().into_iter().flatten().filter(|(status, _)| status.starts_with('2')) {
        if let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) {
            content.values_mut().for_each(|media| with_example(root, media));
        }
    }
    operation["responses"] = responses;
    for parameter in operation["parameters"].as_array_mut().into_iter().flatten() {
        if parameter.get("example").is_none() {
            parameter["example"] = example_of(root, &parameter["schema"], 0);
        }
    }
    let permission = operation["x-permission"].as_str().unwrap_or_default().to_owned();
    if permissions_of_clients.contains(&permission.as_str()) && operation["security"].as_array().is_some_and(|s| !s.is_empty()) {
        operation["security"][1] = json!({"client_token": [permission]});
    }
}

fn with_example(root: &Value, media: &mut Value) {
    if media.get("example").is_none() && media.get("examples").is_none() && media.get("schema").is_some() {
        media["example"] = example_of(root, &media["schema"], 0);
    }
}

/// A value that agrees with the schema.
pub fn example_of(root: &Value, schema: &Value, depth: usize) -> Value {
    let schema = resolve(root, schema);
    if let Some(example) = schema.get("example").or_else(|| schema.pointer("/examples/0")).or_else(|| schema.get("const")).or_else(|| schema.pointer("/enum/0"))
    {
        return example.clone();
    }
    if let Some(choices) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array) {
        return choices.iter().find(|c| c["type"] != "null").map_or(Value::Null, |choice| example_of(root, choice, depth));
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let mut whole = Map::new();
        for part in parts {
            if let Value::Object(members) = example_of(root, part, depth) {
                whole.extend(members);
            }
        }
        return Value::Object(whole);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().find(|k| *k != "null").and_then(Value::as_str).unwrap_or_default(),
        kind => kind.as_str().unwrap_or_default(),
    };
    match kind {
        "object" if schema.get("properties").is_some() => {
            let members = schema["properties"].as_object().into_iter().flatten().filter(|(_, member)| member[EXPANDED] != true);
            let mut example: Map<_, _> = members.map(|(name, member)| (name.clone(), example_of(root, member, depth + 1))).collect();
            // Of two names for one thing the first is shown.
            for group in schema[NAMED_ONCE].as_array().into_iter().flatten() {
                let mut names = group.as_array().into_iter().flatten().filter_map(Value::as_str).filter(|name| schema["properties"].get(*name).is_some());
                names.next();
                names.for_each(|name| drop(example.remove(name)));
            }
            Value::Object(example)
        }
        "object" => json!({}),
        "array" if depth < 8 => json!([example_of(root, &schema["items"], depth + 1)]),
        "array" => json!([]),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
        "boolean" => json!(false),
        "string" => match schema["format"].as_str() {
            Some("date") => json!("2025-10-01"),
            Some("date-time") => json!("2025-10-01T10:12:01.114Z"),
            Some("uuid") => json!("0196f2a9-3d10-7b55-9f00-5f6f4f0a1c42"),
            Some("email") => json!("accounts@example.com"),
            Some("uri") => json!("https://example.com"),
            _ => json!("text"),
        },
        _ => Value::Null,
    }
}
