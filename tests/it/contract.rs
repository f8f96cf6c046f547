//! The contract: committed, served and enforced are one.

use crate::rig::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn committed(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi").join(name)).expect("openapi/ holds it")
}

fn operations(contract: &Value) -> Vec<(String, String, &Value)> {
    let paths = contract["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| item.as_object().expect("operations").iter().map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation)))
        .collect()
}

#[test]
fn the_contract_served_is_the_one_committed() {
    let served = Client::anonymous().get("/openapi.json");
    // Not assert_eq: nobody wants to read two contracts in a terminal.
    assert!(served.text() == committed("duebook.json"), "run: cargo run -- openapi --write openapi");
    assert!(duebook::setup::meta::problem_catalogue() == committed("problems.md"), "run: cargo run -- openapi --write openapi");
}

#[test]
fn every_operation_says_what_it_does_who_may_and_shows_examples() {
    let contract: Value = serde_json::from_str(&committed("duebook.json")).expect("json");
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&contract) {
        let name = format!("{method} {path}");
        let text = |member: &str| operation[member].as_str().unwrap_or_default().to_owned();
        assert!(text("summary").len() > 5 && text("description").len() >= 20 && text("description").ends_with('.'), "{name}: summary and description");
        assert!(!text("x-permission").is_empty(), "{name}: x-permission");
        assert!(ids.insert(text("operationId")), "{name}: operationId is unique");
        assert!(!text("operationId").contains('_'), "{name}: operationId is camelCase");
        if let Some(content) = operation["requestBody"]["content"].as_object() {
            assert!(content.values().all(|media| media.get("example").is_some()), "{name}: request example");
        }
        let answers: Vec<_> = operation["responses"].as_object().expect("responses").iter().filter(|(status, _)| status.starts_with('2')).collect();
        assert!(!answers.is_empty(), "{name}: a success");
        for (status, answer) in answers {
            let content = answer["content"].as_object().unwrap_or_else(|| panic!("{name} {status}: content"));
            assert!(content.values().all(|media| media.get("example").is_some()), "{name} {status}: example");
        }
        let keyed = operation["x-idempotency"] == "required";
        let header = operation["parameters"].as_array().expect("parameters").iter().any(|p| p["name"] == "Idempotency-Key" && p["required"] == true);
        assert_eq!(keyed, header, "{name}: x-idempotency and its header");
    }
    assert!(ids.len() > 50, "the contract holds the whole service");
}

#[test]
fn examples_agree_with_their_schemas() {
    let contract: Value = serde_json::from_str(&committed("duebook.json")).expect("json");
    for (method, path, operation) in operations(&contract) {
        let bodies = operation["requestBody"]["content"].as_object().into_iter().flatten();
        let answers = operation["responses"]
            .as_object()
            .expect("responses")
            .iter()
            .filter(|(status, _)| status.starts_with('2'))
            .flat_map(|(_, answer)| answer["content"].as_object().into_iter().flatten());
        for (media, content) in bodies.chain(answers) {
            let schema = serde_json::json!({"allOf": [content["schema"]], "components": contract["components"]});
            let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).expect("a schema");
            let errors: Vec<_> = validator.iter_errors(&content["example"]).map(|e| format!("{} {e}", e.instance_path())).collect();
            assert!(errors.is_empty(), "{method} {path} {media}: {errors:?}");
        }
    }
}

#[test]
fn every_amount_is_a_decimal_string_and_every_id_a_uuid() {
    let contract: Value = serde_json::from_str(&committed("duebook.json")).expect("json");
    for (name, schema) in contract["components"]["schemas"].as_object().expect("schemas") {
        for (member, kind) in schema["properties"].as_object().into_iter().flatten() {
            let text = kind.to_string();
            assert!(!text.contains("\"type\":\"number\""), "{name}.{member} is a float");
            if member.ends_with("_date") {
                assert!(text.contains("\"date\""), "{name}.{member}: {text}");
            }
            if member.ends_with("_at") {
                assert!(text.contains("Instant"), "{name}.{member}: {text}");
            }
        }
    }
}

#[test]
fn the_documentation_page_asks_no_other_host() {
    let page = Client::anonymous().get("/docs/");
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(text.contains("swagger"), "{text}");
    assert!(!text.contains("http://") && !text.contains("https://"), "{text}");
    let policy = page.header("content-security-policy").expect("a policy").to_owned();
    assert!(policy.contains("default-src 'self'"), "{policy}");
    let asks = Client::anonymous().get("/docs/swagger-initializer.js").text();
    assert!(asks.contains("\"/openapi.json\""), "{asks}");
}
