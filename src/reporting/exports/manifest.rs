//! The manifest: canonical, signed, and its controls.

use crate::access::tokens::keys::Keys;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

/// What the signature covers, in words for those who check it.
const COVERS: &str = "all members except signature, canonical JSON";

/// JSON in its one form (RFC 8785): members sorted, no white space. Numbers here are whole, so that nothing is to be said
/// of their form.
#[must_use]
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            // By UTF-16 code units, as the RFC has it.
            names.sort_by_key(|name| name.encode_utf16().collect::<Vec<_>>());
            let members: Vec<String> = names.iter().map(|name| format!("{}:{}", Value::from(name.as_str()), canonical(&members[name.as_str()]))).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

/// The manifest with its signature as the last member.
#[must_use]
pub fn signed(mut members: Map<String, Value>, keys: &Keys) -> Value {
    let value = URL_SAFE_NO_PAD.encode(keys.sign(canonical(&Value::Object(members.clone())).as_bytes()));
    members.insert("signature".into(), json!({"alg": "EdDSA", "kid": keys.id, "covers": COVERS, "value": value}));
    Value::Object(members)
}

/// A control that two figures are one.
#[must_use]
pub fn equal(name: &str, left: Decimal, right: Decimal, exponent: u32) -> Value {
    let text = |value: Decimal| format!("{value:.0$}", exponent as usize);
    json!({"name": name, "left": text(left), "right": text(right), "difference": text(left - right), "passed": left == right})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_json_is_that_of_the_rfc() {
        // RFC 8785 section 3.2.3: the order of its members, those that are plain ASCII and the others.
        let value = json!({"\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew", "1": "One", "\u{1f600}": "Emoji", "\u{80}": "Control", "\u{f6}": "o"});
        let expected = "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"\u{f6}\":\"o\",\"\u{20ac}\":\"Euro Sign\",\"\u{1f600}\":\"Emoji\",\"\u{fb33}\":\"Hebrew\"}";
        assert_eq!(canonical(&value), expected);
        assert_eq!(canonical(&json!({"b": [1, true, null], "a": {"d": "x", "c": "\u{1}"}})), "{\"a\":{\"c\":\"\\u0001\",\"d\":\"x\"},\"b\":[1,true,null]}");
    }

    #[test]
    fn a_control_passes_when_its_figures_agree() {
        let (one, two) = (Decimal::new(100, 2), Decimal::new(101, 2));
        assert_eq!(equal("x", one, one, 2), json!({"name": "x", "left": "1.00", "right": "1.00", "difference": "0.00", "passed": true}));
        assert_eq!(equal("x", one, two, 2), json!({"name": "x", "left": "1.00", "right": "1.01", "difference": "-0.01", "passed": false}));
    }
}
