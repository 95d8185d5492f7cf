//! A request's query: each parameter is read once, and unknown parameters are refused.

use super::refusal::Refusal;
use crate::name::parameter;
use crate::text::untrusted::escaped;

/// The parameters that were not read yet.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Parses a query and drops parameters with an empty value.
    ///
    /// # Errors
    /// [`Refusal`] if the query is not valid UTF-8 or a value contains a control character (F-LEAK12).
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
        decoded.map_err(|_| Refusal::bad_request("the query is not valid UTF-8"))?;
        let pairs = url::form_urlencoded::parse(text.as_bytes()).filter(|(_, value)| !value.is_empty());
        let checked = pairs.map(|(name, value)| match parameter(&value) {
            Ok(value) => Ok((name.into_owned(), value)),
            Err(error) => Err(Refusal::bad_request(format!("`{}`: {error}", escaped(&name)))),
        });
        Ok(Self(checked.collect::<Result<_, _>>()?))
    }

    /// Takes all values of a parameter.
    pub fn all(&mut self, name: &str) -> Vec<String> {
        self.0.extract_if(.., |(given, _)| given == name).map(|(_, value)| value).collect()
    }

    /// Takes the value of a parameter that may occur once.
    ///
    /// # Errors
    /// [`Refusal`] if it occurs twice.
    pub fn one(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        let mut values = self.all(name);
        match values.len() {
            0 | 1 => Ok(values.pop()),
            _ => Err(Refusal::bad_request(format!("the parameter `{name}` occurs twice"))),
        }
    }

    /// Takes and parses the value of a parameter that may occur once.
    pub fn parsed<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, Refusal>
    where
        T::Err: std::fmt::Display,
    {
        let parse = |text: String| text.parse();
        let value = self.one(name)?.map(parse).transpose();
        value.map_err(|error: T::Err| Refusal::bad_request(format!("`{name}`: {error}")))
    }

    /// Refuses parameters that were not read, because they would have no effect.
    pub fn end(&self) -> Result<(), Refusal> {
        let unknown = |(name, _): &(String, String)| {
            Refusal::bad_request(format!("the parameter `{}` is not supported", escaped(name)))
        };
        self.0.first().map_or(Ok(()), |pair| Err(unknown(pair)))
    }
}
