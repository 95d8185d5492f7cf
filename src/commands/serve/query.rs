//! The query of a request: each parameter is read once, and an unknown one is refused.

use super::refusal::Refusal;
use crate::name::parameter;
use crate::text::untrusted::escaped;

/// The parameters that were not asked for yet.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Parses a query. A parameter without a value is one that is not sent.
    ///
    /// # Errors
    /// [`Refusal`] for one that is not UTF-8, and for a control character in a value (F-LEAK12).
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
        decoded.map_err(|_| Refusal::bad_request("the query is not UTF-8"))?;
        let pairs = url::form_urlencoded::parse(text.as_bytes()).filter(|(_, value)| !value.is_empty());
        let checked = pairs.map(|(name, value)| match parameter(&value) {
            Ok(value) => Ok((name.into_owned(), value)),
            Err(error) => Err(Refusal::bad_request(format!("`{}`: {error}", escaped(&name)))),
        });
        Ok(Self(checked.collect::<Result<_, _>>()?))
    }

    /// All values of a parameter.
    pub fn all(&mut self, name: &str) -> Vec<String> {
        self.0.extract_if(.., |(given, _)| given == name).map(|(_, value)| value).collect()
    }

    /// The value of a parameter that is given once.
    ///
    /// # Errors
    /// [`Refusal`] when it is given twice.
    pub fn one(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        let mut values = self.all(name);
        match values.len() {
            0 | 1 => Ok(values.pop()),
            _ => Err(Refusal::bad_request(format!("`{name}` is given twice"))),
        }
    }

    /// The same, parsed.
    ///
    /// # Errors
    /// [`Refusal`], also for what cannot be parsed.
    pub fn parsed<T: std::str::FromStr>(&mut self, name: &str) -> Result<Option<T>, Refusal>
    where
        T::Err: std::fmt::Display,
    {
        let parse = |text: String| text.parse();
        let value = self.one(name)?.map(parse).transpose();
        value.map_err(|error: T::Err| Refusal::bad_request(format!("`{name}`: {error}")))
    }

    /// Nothing else is there.
    ///
    /// # Errors
    /// [`Refusal`] for a parameter that nobody asked for: it would not do what is hoped for.
    pub fn end(&self) -> Result<(), Refusal> {
        let unknown = |(name, _): &(String, String)| {
            Refusal::bad_request(format!("the parameter `{}` does not exist here", escaped(name)))
        };
        self.0.first().map_or(Ok(()), |pair| Err(unknown(pair)))
    }
}
