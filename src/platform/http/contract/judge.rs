//! What judges a value by a schema of the contract, and says what is wrong with it.

use super::bounds::{SAYS_SOMETHING, without_null};
use crate::platform::http::problem::{self, FieldError, Problem, Refusal};
use crate::platform::text;
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

/// A schema as published, and what judges by it, which is made when first needed: all of them together would fill
/// the memory.
pub(super) struct Schema {
    source: Value,
    root: Arc<Value>,
    judge: OnceLock<Option<Judge>>,
}

/// A compiled schema with the components it leads to, in which faults are looked up.
pub(super) struct Judge {
    source: Value,
    validator: Validator,
}

/// Schemas by their source: the same one, of many parameters, is kept once.
pub(super) type Schemas = HashMap<String, Arc<Schema>>;

/// One disagreement of a value with its schema.
pub struct Fault {
    pointer: String,
    pub(super) code: String,
    pub(super) detail: String,
    expected: Option<String>,
    received: Option<String>,
    refusal: &'static Refusal,
}

impl Fault {
    /// Null where nothing can be cleared.
    fn uncleared(name: &str) -> Self {
        Self {
            pointer: format!("/{}", escape(name)),
            code: "required".into(),
            detail: "This member cannot be cleared; leave it out to keep it as it is.".into(),
            expected: None,
            received: None,
            refusal: problem::VALIDATION_FAILED,
        }
    }

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
    pub(super) fn shared(source: &Value, root: &Arc<Value>, schemas: &mut Schemas) -> Arc<Self> {
        let source = without_null(source.clone());
        let name = source.to_string();
        let new = || Arc::new(Self { source, root: Arc::clone(root), judge: OnceLock::new() });
        Arc::clone(schemas.entry(name).or_insert_with(new))
    }

    /// With the components the schema leads to and no others.
    pub(super) fn judge(&self) -> Option<&Judge> {
        let made = self.judge.get_or_init(|| {
            let mut used = Map::new();
            collect_references(&self.source, &self.root["components"]["schemas"], &mut used);
            let source = json!({"allOf": [self.source], "components": {"schemas": used}});
            let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&source).ok()?;
            Some(Judge { source, validator })
        });
        made.as_ref()
    }

    pub(super) fn faults(&self, value: &Value) -> Vec<Fault> {
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

/// Everything wrong with a body: null is as good as left out, but not under a name nobody knows.
pub(super) fn body_faults(schema: &Schema, body: &Value, lasting: &[String]) -> Vec<Fault> {
    let mut faults = schema.faults(&no_nulls(body));
    if holds_null(body) {
        let of_null = |fault: &Fault| fault.code == "unknown_field" && body.pointer(&fault.pointer).is_some_and(Value::is_null);
        faults.extend(schema.faults(body).into_iter().filter(of_null));
    }
    faults.extend(lasting.iter().filter(|name| body.get(name.as_str()).is_some_and(Value::is_null)).map(|name| Fault::uncleared(name)));
    // Two keywords of a schema may say the same of a value.
    let mut told = HashSet::new();
    faults.retain(|fault| told.insert((fault.pointer.clone(), fault.code.clone())));
    faults
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
