//! JSON from servers: limited depth, no duplicate members, and errors that never quote it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Honest responses nest a few levels; the limit prevents a hostile one from exhausting the stack (F-SIZE).
const DEEPEST: usize = 32;

/// A body that is not an acceptable JSON object. The error quotes nothing, because the body may hold tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a JSON object, is nested too deeply, or has a duplicate member")]
pub struct NotAnObject;

/// Parses a JSON object (RFC 8259). A duplicate member at any level is an error: two readers could pick different ones.
pub fn object(body: &[u8]) -> Result<Map<String, Value>, NotAnObject> {
    let mut deserializer = serde_json::Deserializer::from_slice(without_byte_order_mark(body));
    let value = Strict { depth: 0 }.deserialize(&mut deserializer).map_err(|_| NotAnObject)?;
    deserializer.end().map_err(|_| NotAnObject)?;
    if let Value::Object(object) = value { Ok(object) } else { Err(NotAnObject) }
}

/// The text without a leading byte order mark, which a parser may ignore (RFC 8259 section 8.1).
pub fn without_byte_order_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth < DEEPEST {
            Ok(Self { depth: self.depth + 1 })
        } else {
            Err(E::custom("nested too deeply"))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_unambiguous_object_is_accepted_f_size() {
        for (name, body, taken) in [
            ("an object", r#"{"a": [1, -2, 0.5, true, null, {"b": "c"}]}"#.to_owned(), true),
            ("a number beyond any type", r#"{"a": 1e999}"#.to_owned(), false),
            ("a member twice", r#"{"access_token":"a","access_token":"b"}"#.to_owned(), false),
            ("a member twice inside", r#"{"x":{"a":1,"a":1}}"#.to_owned(), false),
            ("an escape that makes it twice", r#"{"ab":1,"\u0061b":2}"#.to_owned(), false),
            ("an array", "[]".to_owned(), false),
            ("truncated", r#"{"a": 1"#.to_owned(), false),
            ("followed by more", "{} {}".to_owned(), false),
            ("byte order mark", "\u{feff}{}".to_owned(), true),
            ("byte order mark twice", "\u{feff}\u{feff}{}".to_owned(), false),
            ("html", "<html>".to_owned(), false),
            ("nothing", String::new(), false),
            ("deep", format!("{{\"a\":{}{}}}", "[".repeat(40), "]".repeat(40)), false),
            ("very deep", "[".repeat(100_000), false),
        ] {
            assert_eq!(object(body.as_bytes()).is_ok(), taken, "{name}");
        }
    }
}
