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

/// The example of a body, also where several share it.
fn shown<'c>(contract: &'c Value, media: &'c Value) -> Option<&'c Value> {
    let shared = media.pointer("/examples/shown/$ref").and_then(Value::as_str);
    media.get("example").or_else(|| contract.pointer(shared?.strip_prefix('#')?)?.get("value"))
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
            assert!(content.values().all(|media| shown(&contract, media).is_some()), "{name}: request example");
        }
        let answers: Vec<_> = operation["responses"].as_object().expect("responses").iter().filter(|(status, _)| status.starts_with('2')).collect();
        assert!(!answers.is_empty(), "{name}: a success");
        for (status, answer) in answers {
            let content = answer["content"].as_object().unwrap_or_else(|| panic!("{name} {status}: content"));
            assert!(content.values().all(|media| shown(&contract, media).is_some()), "{name} {status}: example");
        }
        let keyed = operation["x-idempotency"] == "required";
        let named = |p: &'_ Value| p["$ref"].as_str().map_or_else(|| p.clone(), |reference| contract.pointer(&reference[1..]).expect("a parameter").clone());
        let header = operation["parameters"].as_array().expect("parameters").iter().map(named).any(|p| p["name"] == "Idempotency-Key" && p["required"] == true);
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
            let errors: Vec<_> = validator.iter_errors(shown(&contract, content).expect("an example")).map(|e| format!("{} {e}", e.instance_path())).collect();
            assert!(errors.is_empty(), "{method} {path} {media}: {errors:?}");
        }
    }
}

#[test]
fn refusals_are_told_beforehand_and_the_contract_stays_small() {
    let text = committed("duebook.json");
    assert!(text.len() < 1_500_000, "the contract has {} bytes", text.len());
    let contract: Value = serde_json::from_str(&text).expect("json");
    let operations = operations(&contract);
    let told: usize =
        operations.iter().map(|(_, _, op)| op["responses"].as_object().expect("responses").keys().filter(|status| status.starts_with('4')).count()).sum();
    assert!(told >= 6 * operations.len(), "{told} refusals for {} operations", operations.len());
    for (method, path, operation) in operations {
        for (status, answer) in operation["responses"].as_object().expect("responses") {
            let answer = answer["$ref"].as_str().map_or(answer, |reference| contract.pointer(&reference[1..]).expect("an answer"));
            for header in ["Request-Id", "RateLimit", "RateLimit-Policy"] {
                assert!(answer["headers"].get(header).is_some(), "{method} {path} {status}: {header}");
            }
        }
    }
}

#[test]
fn every_route_is_in_the_contract_and_nothing_else_is() {
    // What is in the contract and not served is a 404 about the path; what is served and not in it is a 500.
    let contract: Value = serde_json::from_str(&committed("duebook.json")).expect("json");
    for (method, path, _) in operations(&contract) {
        let filled = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/");
        let reply = Client::anonymous().send(&method, &filled, &[], None);
        assert!(reply.status < 500 && !(reply.status == 404 && reply.json()["resource"] == "path"), "{method} {path}: {} {}", reply.status, reply.text());
    }
    // Every route that a domain declares is collected into the contract: the attribute makes both.
    let mut declared = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("src").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            for line in std::fs::read_to_string(&path).unwrap_or_default().lines() {
                let found = ["get", "post", "put", "patch", "delete"].iter().find_map(|verb| Some((verb, line.trim().strip_prefix(&format!("#[{verb}(\""))?)));
                if let Some((verb, rest)) = found {
                    declared.insert(format!("{} {}", verb.to_uppercase(), rest.split('"').next().expect("a path")));
                }
            }
        }
    }
    let published: BTreeSet<String> = operations(&contract).into_iter().map(|(method, path, _)| format!("{method} {path}")).collect();
    assert_eq!(declared, published);
}

#[test]
fn fields_pick_members_of_an_answer_and_of_the_rows_of_a_list() {
    let company = Company::new();
    let (customer, client) = (company.customer(), company.controller());
    company.invoice(&customer, "2025-01-10", "2025-02-09", "10.00");
    let reply = client.get(&format!("/v1/customers/{customer}?fields=legal_name,kind"));
    assert_eq!(reply.header("content-type"), Some("application/vnd.duebook.partial+json"));
    let picked = reply.expect(200);
    assert_eq!(picked.as_object().expect("members").keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(["id", "kind", "legal_name"]));
    let list = client.get("/v1/invoices?fields=number&sort=-invoice_date").expect(200);
    assert_eq!(list["data"][0].as_object().expect("members").len(), 2, "{list}");
    assert!(list["page"]["limit"].is_number(), "{list}");
    let problem = client.get("/v1/invoices?fields=number,totl").refused(400, "invalid_parameter");
    assert_eq!((&problem["errors"][0]["parameter"], &problem["errors"][0]["code"]), (&"fields".into(), &"unknown_member".into()), "{problem}");
    client.get("/v1/invoices?fields=").refused(400, "invalid_parameter");
    company.assert_laws();
}

#[test]
fn a_token_that_is_sent_where_none_is_needed_must_be_good() {
    for path in ["/healthz", "/openapi.json", "/.well-known/jwks.json", "/readyz"] {
        assert_eq!(Client::anonymous().get(path).status, 200, "{path}");
        Client::bearer("no.token.ofours".into()).get(path).refused(401, "token_invalid");
        Client::anonymous().get(&format!("{path}?x=1")).refused(400, "unknown_parameter");
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

/// Of two schemas of one name the contract would show one, for both.
#[test]
fn no_two_types_are_published_under_one_name() {
    fn files(directory: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(directory).expect("a directory").flatten() {
            let path = entry.path();
            if path.is_dir() {
                files(&path, found);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                found.push(path);
            }
        }
    }
    let (mut found, mut names) = (Vec::new(), std::collections::BTreeMap::<String, Vec<String>>::new());
    files(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    for path in found {
        let text = std::fs::read_to_string(&path).expect("a file");
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.starts_with("#[derive(") && line.contains("ToSchema")) {
            let head: Vec<&str> = lines[at..].iter().take_while(|line| line.starts_with("#[") || line.starts_with("///")).copied().collect();
            let declared = lines[at..].iter().find_map(|line| line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))).unwrap_or(line);
            let own = declared.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            let renamed =
                head.iter().find_map(|line| line.split("as = ").nth(1)).map(|rest| rest.trim_start_matches("crate::").split([',', ')']).next().unwrap_or(rest));
            names.entry(renamed.unwrap_or(own).to_owned()).or_default().push(path.display().to_string());
        }
    }
    assert!(names.len() > 150, "only {} types were found", names.len());
    let doubled: Vec<_> = names.into_iter().filter(|(_, places)| places.len() > 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
}
