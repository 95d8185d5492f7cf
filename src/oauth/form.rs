//! Request parameters and their `application/x-www-form-urlencoded` form (RFC 6749 appendix B).

use url::form_urlencoded;

use crate::secret::SecretText;

pub const FORM: &str = "application/x-www-form-urlencoded";
pub const JSON: &str = "application/json";

/// One request's parameters, in order. Their values may be secrets.
#[derive(Debug, Clone, Default)]
pub struct Form(Vec<(String, SecretText)>);

impl Form {
    /// Sets a parameter. An empty value is left out, and a second value replaces the first: "Parameters sent without a
    /// value MUST be treated as if they were omitted", and none "MUST NOT be included more than once" (RFC 6749 section
    /// 3.2).
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(present, _)| present != name);
        self.add(name, value);
    }

    /// Adds a value to a parameter that may have several: `resource` (RFC 8707 section 2) and `audience` (RFC 8693
    /// section 2.1).
    pub fn add(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.0.push((name.to_owned(), SecretText::new(value)));
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(present, _)| *present == name).map(|(_, value)| value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.expose()))
    }

    pub fn encoded(&self) -> SecretText {
        let mut serializer = form_urlencoded::Serializer::new(String::new());
        serializer.extend_pairs(self.iter());
        SecretText::new(serializer.finish())
    }

    /// The parameters as a JSON object, for servers that require one; several values become an array.
    pub fn json(&self) -> SecretText {
        let mut object = serde_json::Map::new();
        for (name, value) in self.iter() {
            let value = serde_json::Value::from(value);
            match object.get_mut(name) {
                None => {
                    object.insert(name.to_owned(), value);
                }
                Some(serde_json::Value::Array(values)) => values.push(value),
                Some(first) => *first = serde_json::Value::Array(vec![first.take(), value]),
            }
        }
        SecretText::new(serde_json::Value::Object(object).to_string())
    }
}

/// One form-encoded value, for HTTP Basic (RFC 6749 section 2.3.1).
pub fn encode(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_encoding_matches_rfc_6749_appendix_b() {
        assert_eq!(encode(" %&+£€"), "+%25%26%2B%C2%A3%E2%82%AC");
        let mut form = Form::default();
        form.set("scope", " %&+£€");
        assert_eq!(form.encoded().expose(), "scope=+%25%26%2B%C2%A3%E2%82%AC");
    }

    #[test]
    fn parameters_are_neither_empty_nor_repeated() {
        let mut form = Form::default();
        form.set("scope", "");
        form.set("a", "1");
        form.set("a", "2");
        form.add("resource", "https://x");
        form.add("resource", "https://y");
        assert_eq!(form.encoded().expose(), "a=2&resource=https%3A%2F%2Fx&resource=https%3A%2F%2Fy");
        assert_eq!(form.json().expose(), r#"{"a":"2","resource":["https://x","https://y"]}"#);
        assert_eq!(
            (form.get("a"), form.get("resource"), form.get("b")),
            (Some("2"), Some("https://x"), None)
        );
    }
}
