//! JSON as the portal takes it, written as it is made: amounts are exact decimals and become JSON numbers of at
//! most two decimals, which no float could promise.

use crate::platform::money::round;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::fmt::Write;

/// A piece of JSON on its way.
#[derive(Debug, Clone, Default)]
pub struct Json {
    text: String,
}

impl Json {
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
    /// Begins anew, keeping the memory.
    pub fn clear(&mut self) {
        self.text.clear();
    }
    fn separate(&mut self) {
        if !matches!(self.text.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.text.push(',');
        }
    }
    /// The name of the member to come.
    pub fn name(&mut self, name: &str) -> &mut Self {
        self.separate();
        self.text.push('"');
        self.text.push_str(name);
        self.text.push_str("\":");
        self
    }
    pub fn object(&mut self, members: impl FnOnce(&mut Self)) -> &mut Self {
        self.separate();
        self.text.push('{');
        members(self);
        self.text.push('}');
        self
    }
    pub fn array(&mut self, items: impl FnOnce(&mut Self)) -> &mut Self {
        self.separate();
        self.text.push('[');
        items(self);
        self.text.push(']');
        self
    }
    /// JSON that is made already.
    pub fn raw(&mut self, json: &str) -> &mut Self {
        self.separate();
        self.text.push_str(json);
        self
    }
    pub fn text(&mut self, name: &str, value: &str) -> &mut Self {
        self.name(name);
        if value.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
            self.text.push('"');
            self.text.push_str(value);
            self.text.push('"');
        } else {
            let _ = write!(self.text, "{}", serde_json::Value::from(value));
        }
        self
    }
    /// A number of at most two decimals.
    pub fn number(&mut self, name: &str, value: Decimal) -> &mut Self {
        let mut value = round(value, 2).normalize();
        value.set_sign_positive(value.is_sign_positive() || value.is_zero());
        self.name(name);
        let _ = write!(self.text, "{value}");
        self
    }
    pub fn count(&mut self, name: &str, value: usize) -> &mut Self {
        self.name(name);
        let _ = write!(self.text, "{value}");
        self
    }
    /// `DD-MM-YYYY`.
    pub fn date(&mut self, name: &str, value: NaiveDate) -> &mut Self {
        self.name(name);
        let _ = write!(self.text, "\"{}\"", value.format("%d-%m-%Y"));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::dec;

    #[test]
    fn numbers_have_at_most_two_decimals_and_zero_has_no_sign() {
        let mut json = Json::default();
        json.object(|json| {
            for (name, value) in [("a", dec!(100.00)), ("b", dec!(833.335)), ("c", dec!(-0.004)), ("d", dec!(-12.5)), ("e", dec!(9999999999999.99))] {
                json.number(name, value);
            }
        });
        assert_eq!(json.as_str(), r#"{"a":100,"b":833.34,"c":0,"d":-12.5,"e":9999999999999.99}"#);
    }

    #[test]
    fn members_and_items_are_separated_and_texts_escaped() {
        let mut json = Json::default();
        json.object(|json| {
            json.text("say", "a \"b\"\n").name("list").array(|json| {
                json.object(|json| {
                    json.count("n", 1);
                })
                .raw("{}");
            });
        });
        assert_eq!(json.as_str(), r#"{"say":"a \"b\"\n","list":[{"n":1},{}]}"#);
    }
}
