//! What a new contract takes away from callers of an old one.
//!
//! Under `/v1` a request that was good stays good and an answer keeps what it promised: requests may only be widened,
//! answers only narrowed. Words may join a list of an answer only where it says that it is extensible.

use super::bounds::TEXT;
use super::resolve;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Everything that breaks, one line each, in the order of the old contract.
#[must_use]
pub fn breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (path, item) in members(&old["paths"]) {
        for (method, before) in members(item) {
            let at = format!("{} {path}", method.to_uppercase());
            let after = &new["paths"][path][method];
            if after.is_null() {
                found.push(format!("{at}: the operation is gone"));
                continue;
            }
            let mut judge = Judge { old, new, seen: HashSet::new(), found: &mut found };
            judge.operation(&at, before, after);
        }
    }
    found
}

/// Whether the changes that were told name this break: a line `breaks: …`, in which `*` stands for anything.
#[must_use]
pub fn is_told(changes: &str, found: &str) -> bool {
    let fits = |pattern: &str| {
        let mut rest = Some(found);
        let mut parts = pattern.split('*');
        rest = rest.and_then(|text| text.strip_prefix(parts.next().unwrap_or_default()));
        for part in parts {
            rest = rest.and_then(|text| if part.is_empty() { Some("") } else { text.find(part).and_then(|at| text.get(at + part.len()..)) });
        }
        rest == Some("")
    };
    changes.lines().filter_map(|line| line.trim().strip_prefix("- breaks: ")).any(fits)
}

struct Judge<'a> {
    old: &'a Value,
    new: &'a Value,
    /// Pairs of references that were compared, as schemas may hold themselves.
    seen: HashSet<String>,
    found: &'a mut Vec<String>,
}

/// Whether a value travels to the service or from it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

impl Judge<'_> {
    fn tell(&mut self, at: &str, what: impl AsRef<str>) {
        self.found.push(format!("{at}: {}", what.as_ref()));
    }

    fn operation(&mut self, at: &str, before: &Value, after: &Value) {
        for (member, name) in [("operationId", "operationId"), ("x-permission", "the permission")] {
            if before[member] != after[member] {
                self.tell(at, format!("{name} changed from {} to {}", before[member], after[member]));
            }
        }
        let (old, new) = (self.old, self.new);
        let parameters = |root, operation: &Value| -> Vec<Value> {
            operation["parameters"].as_array().into_iter().flatten().map(|parameter| resolve(root, parameter).clone()).collect()
        };
        let (had, has) = (parameters(old, before), parameters(new, after));
        let same = |a: &Value, b: &Value| a["name"] == b["name"] && a["in"] == b["in"];
        for parameter in &had {
            let here = format!("{at}: parameter {}", parameter["name"].as_str().unwrap_or_default());
            match has.iter().find(|other| same(parameter, other)) {
                None => self.tell(&here, "is gone"),
                Some(other) => {
                    if parameter["required"] != true && other["required"] == true {
                        self.tell(&here, "became required");
                    }
                    self.schema(&here, &parameter["schema"], &other["schema"], Way::In);
                }
            }
        }
        for parameter in has.iter().filter(|p| p["required"] == true && !had.iter().any(|other| same(p, other))) {
            self.tell(at, format!("parameter {} is new and required", parameter["name"].as_str().unwrap_or_default()));
        }
        self.body(at, &before["requestBody"], &after["requestBody"]);
        for (status, answer) in members(&before["responses"]) {
            let here = format!("{at}: answer {status}");
            let other = resolve(new, &after["responses"][status]);
            if other.is_null() {
                self.tell(&here, "is gone");
                continue;
            }
            for (media, content) in members(&resolve(old, answer)["content"]) {
                match other["content"].get(media) {
                    None => self.tell(&here, format!("no longer comes as {media}")),
                    Some(after) => self.schema(&here, &content["schema"], &after["schema"], Way::Out),
                }
            }
        }
    }

    fn body(&mut self, at: &str, before: &Value, after: &Value) {
        let here = format!("{at}: body");
        if before.is_null() && after["required"] == true {
            self.tell(&here, "is new and required");
        }
        for (media, content) in members(&before["content"]) {
            match after["content"].get(media) {
                None => self.tell(&here, format!("is no longer taken as {media}")),
                Some(after) => self.schema(&here, &content["schema"], &after["schema"], Way::In),
            }
        }
    }

    fn schema(&mut self, at: &str, before: &Value, after: &Value, way: Way) {
        if let (Some(a), Some(b)) = (before["$ref"].as_str(), after["$ref"].as_str())
            && !self.seen.insert(format!("{a} {b} {}", way == Way::In))
        {
            return;
        }
        let (before, after) = (resolve(self.old, before), resolve(self.new, after));
        let (before, after) = (one_choice(before), one_choice(after));
        if let (Some(a), Some(b)) = (before.nested, after.nested) {
            self.nullable(at, before.nullable, after.nullable, way);
            return self.schema(at, a, b, way);
        }
        let (nullable, other_nullable) = (before.nullable, after.nullable);
        let (before, after) = (resolve(self.old, before.nested.unwrap_or(before.whole)), resolve(self.new, after.nested.unwrap_or(after.whole)));
        let (types, others) = (types(before), types(after));
        if !types.is_empty() && !others.is_empty() && types != others {
            return self.tell(at, format!("the type changed from {} to {}", types.join(" or "), others.join(" or ")));
        }
        self.nullable(at, nullable, other_nullable, way);
        if before["format"] != after["format"] && !(way == Way::Out && before["format"].is_null()) {
            self.tell(at, format!("the format changed from {} to {}", before["format"], after["format"]));
        }
        if before["const"] != after["const"] && !(way == Way::Out && before["const"].is_null()) {
            self.tell(at, "the constant changed");
        }
        self.words(at, before, after, way);
        if way == Way::In {
            self.limits(at, before, after);
        }
        for word in ["oneOf", "anyOf", "allOf"] {
            let (choices, others) = (list(before, word), list(after, word));
            if choices.len() > others.len() && way == Way::In || choices.len() < others.len() && way == Way::Out {
                self.tell(at, format!("{word} has other choices"));
            }
            for (at_choice, (a, b)) in choices.iter().zip(others).enumerate() {
                self.schema(&format!("{at} {word} {at_choice}"), a, b, way);
            }
        }
        if let (Some(a), Some(b)) = (before.get("items"), after.get("items")) {
            self.schema(&format!("{at}[]"), a, b, way);
        }
        self.properties(at, before, after, way);
    }

    fn nullable(&mut self, at: &str, was: bool, is: bool, way: Way) {
        match (way, was, is) {
            (Way::Out, false, true) => self.tell(at, "may be null now"),
            (Way::In, true, false) => self.tell(at, "may no longer be null"),
            _ => {}
        }
    }

    fn properties(&mut self, at: &str, before: &Value, after: &Value, way: Way) {
        let (required, needed) = (list(before, "required"), list(after, "required"));
        for (name, member) in members(&before["properties"]) {
            let here = format!("{at}.{name}");
            match after["properties"].get(name) {
                None => self.tell(&here, "is gone"),
                Some(other) => self.schema(&here, member, other, way),
            }
        }
        let by_name = |names: &[Value], name: &Value| names.contains(name);
        match way {
            Way::In => {
                for name in needed.iter().filter(|name| !by_name(required, name)) {
                    self.tell(at, format!("{} became required", name.as_str().unwrap_or_default()));
                }
                if before["additionalProperties"] != false && after["additionalProperties"] == false && before["type"] == "object" {
                    self.tell(at, "no longer takes members it does not know");
                }
            }
            Way::Out => {
                for name in required.iter().filter(|name| !by_name(needed, name) && after["properties"].get(name.as_str().unwrap_or_default()).is_some()) {
                    self.tell(at, format!("{} may be absent now", name.as_str().unwrap_or_default()));
                }
            }
        }
    }

    fn words(&mut self, at: &str, before: &Value, after: &Value, way: Way) {
        let (words, others) = (list(before, "enum"), list(after, "enum"));
        match way {
            Way::In if !others.is_empty() => {
                if words.is_empty() {
                    self.tell(at, "takes only some words now");
                }
                for word in words.iter().filter(|word| !others.contains(word)) {
                    self.tell(at, format!("no longer takes {word}"));
                }
            }
            Way::Out if !words.is_empty() => {
                if others.is_empty() && after["const"].is_null() {
                    self.tell(at, "may be any word now");
                }
                for word in others.iter().filter(|word| !words.contains(word)) {
                    self.tell(at, format!("may be {word} now"));
                }
            }
            _ => {
                for word in list(before, "x-extensible-enum").iter().filter(|word| !list(after, "x-extensible-enum").contains(word)) {
                    if way == Way::Out && others.is_empty() {
                        self.tell(at, format!("is never {word} any more"));
                    }
                }
            }
        }
    }

    /// Bounds of what is sent: none may become tighter.
    fn limits(&mut self, at: &str, before: &Value, after: &Value) {
        let number = |value: &Value| value.as_bound();
        for name in ["maxLength", "maximum", "maxItems", "maxProperties"] {
            if let Some(limit) = number(&after[name])
                && number(&before[name]).is_none_or(|was| limit < was)
            {
                self.tell(at, format!("{name} went from {} to {}", before[name], after[name]));
            }
        }
        for name in ["minLength", "minimum", "minItems", "minProperties"] {
            if let Some(limit) = number(&after[name])
                && number(&before[name]).map_or(limit > 0.into(), |was| limit > was)
            {
                self.tell(at, format!("{name} went from {} to {}", before[name], after[name]));
            }
        }
        if before["pattern"] != after["pattern"] && !after["pattern"].is_null() && after["pattern"] != TEXT {
            self.tell(at, format!("the pattern went from {} to {}", before["pattern"], after["pattern"]));
        }
    }
}

trait Bound {
    fn as_bound(&self) -> Option<rust_decimal::Decimal>;
}
impl Bound for Value {
    fn as_bound(&self) -> Option<rust_decimal::Decimal> {
        self.is_number().then(|| self.to_string().parse().ok()).flatten()
    }
}

/// A schema and, where it is one of a thing and nothing, that thing.
struct Choice<'v> {
    whole: &'v Value,
    nested: Option<&'v Value>,
    nullable: bool,
}

fn one_choice(schema: &Value) -> Choice<'_> {
    let choices = list(schema, "oneOf");
    let (nothing, something): (Vec<_>, Vec<_>) = choices.iter().partition(|choice| choice["type"] == "null");
    let of_types = schema["type"].as_array().is_some_and(|types| types.iter().any(|name| name == "null"));
    let nested = something.first().copied().filter(|_| something.len() == 1 && choices.len() < 3);
    Choice { whole: schema, nested, nullable: !nothing.is_empty() || of_types }
}

fn types(schema: &Value) -> Vec<&str> {
    match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect(),
        name => name.as_str().into_iter().collect(),
    }
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn contract() -> Value {
        json!({
            "paths": {"/v1/things": {
                "post": {
                    "operationId": "createThing", "x-permission": "things:write",
                    "parameters": [{"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 200}}],
                    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/NewThing"}}}},
                    "responses": {"201": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}, "409": {"description": "No."}}
                },
                "get": {"operationId": "listThings", "x-permission": "things:read", "responses": {"200": {"content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}}}}}}
            }},
            "components": {"schemas": {
                "NewThing": {"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
                    "name": {"type": "string", "maxLength": 100}, "kind": {"$ref": "#/components/schemas/Kind"}, "note": {"type": ["string", "null"], "maxLength": 10}}},
                "Kind": {"type": "string", "enum": ["a", "b"]},
                "Thing": {"type": "object", "required": ["id", "name", "state", "word"], "properties": {
                    "id": {"type": "string", "format": "uuid"}, "name": {"type": "string"}, "parent": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Thing"}]},
                    "state": {"type": "string", "enum": ["open"]}, "word": {"type": "string", "x-extensible-enum": ["x"]}}}
            }}
        })
    }

    /// The contract with the value at a pointer set, or taken out by null.
    fn with(pointer: &str, value: Value) -> Value {
        let mut changed = contract();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        let parent = changed.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
        match (parent, value) {
            (Value::Array(items), value) => items.push(value),
            (Value::Object(members), Value::Null) => drop(members.remove(&name.replace("~1", "/"))),
            (Value::Object(members), value) => drop(members.insert(name.replace("~1", "/"), value)),
            _ => panic!("{pointer}"),
        }
        changed
    }

    #[test]
    fn every_break_is_found() {
        let post = "/paths/~1v1~1things/post";
        let (sent, told) = ("/components/schemas/NewThing", "/components/schemas/Thing");
        let seeded = [
            ("/paths/~1v1~1things/get".to_owned(), Value::Null, "gone"),
            (format!("{post}/operationId"), json!("makeThing"), "operationId"),
            (format!("{post}/x-permission"), json!("things:own"), "permission"),
            (format!("{post}/parameters"), Value::Null, "parameter limit"),
            (format!("{post}/parameters/0/schema/maximum"), json!(100), "maximum"),
            (format!("{post}/parameters/0/required"), json!(true), "became required"),
            (format!("{post}/parameters/-"), json!({"name": "x", "in": "query", "required": true, "schema": {"type": "string"}}), "new and required"),
            (format!("{post}/responses/409"), Value::Null, "answer 409"),
            (format!("{sent}/properties/note"), Value::Null, "gone"),
            (format!("{sent}/properties/name/maxLength"), json!(50), "maxLength"),
            (format!("{sent}/properties/name/minLength"), json!(3), "minLength"),
            (format!("{sent}/properties/name/pattern"), json!("^[a-z]+$"), "pattern"),
            (format!("{sent}/properties/name/type"), json!("integer"), "type"),
            (format!("{sent}/properties/note/type"), json!("string"), "null"),
            (format!("{sent}/required/-"), json!("kind"), "became required"),
            ("/components/schemas/Kind/enum".to_owned(), json!(["a"]), "no longer takes"),
            (format!("{told}/properties/name"), Value::Null, "gone"),
            (format!("{told}/properties/name/type"), json!("integer"), "type"),
            (format!("{told}/properties/name/type"), json!(["string", "null"]), "null"),
            (format!("{told}/properties/id/format"), json!("uri"), "format"),
            (format!("{told}/properties/parent"), json!({"type": "string"}), "type"),
            (format!("{told}/required"), json!(["id", "name", "state"]), "absent"),
            (format!("{told}/properties/state/enum/-"), json!("closed"), "may be"),
        ];
        for (pointer, value, word) in seeded {
            let found = breaks(&contract(), &with(&pointer, value.clone()));
            assert!(!found.is_empty() && found.iter().any(|line| line.contains(word)), "{pointer} = {value}: {found:?}");
        }
    }

    #[test]
    fn a_break_is_told_by_a_line_of_its_own() {
        let changes = "# Changes\n\n- breaks: GET /v1/x: parameter y: is gone\n- breaks: *: may be any word now\n- breaks: POST * pattern went *\n";
        assert!(is_told(changes, "GET /v1/x: parameter y: is gone"));
        assert!(is_told(changes, "GET /v1/z: answer 200.status: may be any word now"));
        assert!(is_told(changes, "POST /v1/z: the pattern went from a to b"));
        for line in ["GET /v1/x: parameter yy: is gone", "GET /v1/z: the pattern went from a to b", "GET /v1/x: may be any word now or never", "# Changes"] {
            assert!(!is_told(changes, line), "{line}");
        }
    }

    #[test]
    fn what_only_adds_breaks_nothing() {
        let (sent, told) = ("/components/schemas/NewThing", "/components/schemas/Thing");
        let post = "/paths/~1v1~1things/post";
        let added = [
            ("/paths/~1v1~1others".to_owned(), json!({"get": {}})),
            (format!("{post}/parameters/-"), json!({"name": "x", "in": "query", "schema": {"type": "string"}})),
            (format!("{post}/parameters/0/schema/maximum"), json!(500)),
            (format!("{post}/responses/422"), json!({"description": "No."})),
            (format!("{post}/description"), json!("Other words.")),
            (format!("{sent}/properties/more"), json!({"type": "string"})),
            (format!("{sent}/properties/name/maxLength"), json!(200)),
            (format!("{sent}/properties/name/pattern"), json!(TEXT)),
            (format!("{sent}/required"), json!([])),
            ("/components/schemas/Kind/enum/-".to_owned(), json!("c")),
            (format!("{told}/properties/more"), json!({"type": "string"})),
            (format!("{told}/required/-"), json!("parent")),
            (format!("{told}/properties/word/x-extensible-enum/-"), json!("y")),
        ];
        for (pointer, value) in added {
            let found = breaks(&contract(), &with(&pointer, value.clone()));
            assert!(found.is_empty(), "{pointer} = {value}: {found:?}");
        }
        assert!(breaks(&contract(), &contract()).is_empty());
    }
}
